//! Eight bytes at a time, without a branch for each. An answer has the highest bit of each
//! byte of the word that is meant, and no other bit.

const ONES: u64 = u64::MAX / 255;
const LOW: u64 = ONES * 0x7f;

/// The bytes under `limit`, which is 128 at most.
#[inline]
pub(crate) const fn below(word: u64, limit: u8) -> u64 {
    !(((word & LOW) + ONES * (0x80 - limit as u64)) | word | LOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_in_each_place() {
        let highest = |is: &dyn Fn(u8) -> bool, word: u64| {
            let bytes = word.to_le_bytes().map(|b| if is(b) { 0x80 } else { 0 });
            u64::from_le_bytes(bytes)
        };
        for byte in 0..=u8::MAX {
            for other in [0, 1, 0x1f, 0x20, 0x7f, 0x80, 0x81, 0xff, byte] {
                for place in 0..8 {
                    let mut bytes = [other; 8];
                    bytes[place] = byte;
                    let word = u64::from_le_bytes(bytes);
                    for limit in [0, 1, 0x20, 0x7f, 0x80] {
                        assert_eq!(below(word, limit), highest(&|b| b < limit, word));
                    }
                }
            }
        }
    }
}

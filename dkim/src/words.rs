//! Eight bytes at a time, without a branch for each: what stands where in a word that was
//! read with `u64::from_le_bytes`. An answer has the highest bit of each byte that is
//! meant, and no other bit, so `trailing_zeros() / 8` is the place of the first.

const ONES: u64 = u64::MAX / 255;
const LOW: u64 = ONES * 0x7f;

/// The bytes that are `byte`.
pub(crate) const fn equal(word: u64, byte: u8) -> u64 {
    let differs = word ^ (ONES * byte as u64);
    !(((differs & LOW) + LOW) | differs | LOW)
}

/// The bytes under `limit`, which is 128 at most.
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
                    for wanted in [0, 1, b' ', 0x7f, 0x80, 0xff, byte] {
                        assert_eq!(equal(word, wanted), highest(&|b| b == wanted, word));
                    }
                    for limit in [0, 1, 0x20, 0x7f, 0x80] {
                        assert_eq!(below(word, limit), highest(&|b| b < limit, word));
                    }
                }
            }
        }
    }
}

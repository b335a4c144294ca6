//! Eight bytes at a time in a word, for hits that lie too close together to search
//! for each with `memchr`. The first byte of a text is the lowest of a word.
//!
//! What is found are the high bits of bytes. Above the first hit there may be false
//! ones (a borrow), so only the first counts.

/// Bytes in a word.
pub(crate) const WORD: usize = 8;

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES << 7;

/// Where bytes are less than `limit`, which is at most 128.
pub(crate) const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * limit as u64) & !word & HIGH
}

/// Where bytes are `byte`.
pub(crate) const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * byte as u64), 1)
}

/// Where bytes are above 127.
pub(crate) const fn high(word: u64) -> u64 {
    word & HIGH
}

/// The place of the first hit.
pub(crate) const fn first(hits: u64) -> Option<usize> {
    match hits {
        0 => None,
        hits => Some(hits.trailing_zeros() as usize / 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hit_is_found() {
        for byte in 0..=255u8 {
            for place in 0..WORD {
                for around in [0, b'\r', b'=', 0x7f, 0x80, 0xff] {
                    let mut bytes = [around; WORD];
                    bytes[place] = byte;
                    let word = u64::from_le_bytes(bytes);
                    let search = |is: fn(&u8) -> bool| bytes.iter().position(is);
                    assert_eq!(first(equal(word, b'=')), search(|b| *b == b'='));
                    assert_eq!(first(below(word, 14)), search(|b| *b < 14));
                    assert_eq!(first(high(word)), search(|b| *b > 127));
                }
            }
        }
    }
}

//! Sixteen bytes at a time: lines are short, and what looks at them should be a part of
//! whoever asks. Behind the crate `wide` these are vectors of the processor, or plain
//! arithmetic where it has none, without `unsafe` here.

pub(crate) use wide::u8x16;

/// Bytes of a vector.
pub(crate) const VECTOR: usize = 16;

/// Those that are this one.
#[inline(always)]
pub(crate) fn are(bytes: u8x16, byte: u8) -> u8x16 {
    bytes.simd_eq(u8x16::splat(byte))
}

/// A bit for each, the first the lowest.
#[inline(always)]
pub(crate) fn bits(which: u8x16) -> u16 {
    which.to_bitmask() as u16
}

/// Where the first byte is that is one of these.
#[inline(always)]
pub(crate) fn find<const N: usize>(bytes: &[u8], wanted: [u8; N]) -> Option<usize> {
    let found = |vector: &[u8; VECTOR]| {
        let vector = u8x16::new(*vector);
        let which = |all, byte| all | are(vector, byte);
        match bits(wanted.into_iter().fold(u8x16::ZERO, which)) {
            0 => None,
            bits => Some(bits.trailing_zeros() as usize),
        }
    };
    let mut at = 0;
    while let Some(vector) = bytes.get(at..)?.first_chunk() {
        if let Some(found) = found(vector) {
            return Some(at + found);
        }
        at += VECTOR;
    }
    match bytes.last_chunk() {
        // What is left is looked at with bytes before it, which are none of these.
        Some(vector) => Some(bytes.len() - VECTOR + found(vector)?),
        None => bytes.iter().position(|byte| wanted.contains(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn the_first_in_each_place() {
        for length in 0..70 {
            assert_eq!(find(&vec![b'a'; length], [0, b'\n']), None);
            for place in 0..length {
                let mut bytes = vec![b'a'; length];
                bytes[place..].fill(0);
                assert_eq!(find(&bytes, [b'\n', 0]), Some(place));
                bytes[place] = b'\n';
                assert_eq!(find(&bytes, [b'\n']), Some(place));
            }
        }
    }
}

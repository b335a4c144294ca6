//! Sixteen bytes at a time: what is asked of them comes as bits, the first byte's lowest.
//!
//! Behind the crate `wide` these are vectors of the processor (SSE2, NEON, WebAssembly) or
//! plain arithmetic where it has none, without `unsafe` here.

pub(crate) use wide::{i8x16, u8x16};

/// Bytes of a vector.
pub(crate) const VECTOR: usize = 16;

/// The first bytes; blanks behind them where there are fewer.
#[inline(always)]
pub(crate) fn vector(bytes: &[u8]) -> u8x16 {
    match bytes.first_chunk() {
        Some(bytes) => u8x16::new(*bytes),
        None => u8x16::new(short(bytes).to_ne_bytes()),
    }
}

/// The end of some bytes; as a number, which comes in registers.
#[cold]
#[inline(never)]
fn short(bytes: &[u8]) -> u128 {
    let mut all = [b' '; VECTOR];
    if let Some(to) = all.get_mut(..bytes.len()) {
        to.copy_from_slice(bytes);
    }
    u128::from_ne_bytes(all)
}

/// Those that are this one.
#[inline(always)]
pub(crate) fn equal(bytes: u8x16, byte: u8) -> u8x16 {
    bytes.simd_eq(u8x16::splat(byte))
}

/// Those under `limit`, which is 128 at most, and those over 127.
#[inline(always)]
pub(crate) fn below_or_high(bytes: u8x16, limit: u8) -> u8x16 {
    // As signed numbers, what is above 127 is below all others.
    let signed = bytes.cast_signed().simd_lt(i8x16::splat(limit as i8));
    signed.cast_unsigned()
}

/// Letters small.
#[inline(always)]
pub(crate) fn lower(bytes: u8x16) -> u8x16 {
    // As signed numbers, what is above 127 is no letter.
    let signed = bytes.cast_signed();
    let is_upper =
        signed.simd_gt(i8x16::splat(b'A' as i8 - 1)) & signed.simd_lt(i8x16::splat(b'Z' as i8 + 1));
    bytes | (is_upper.cast_unsigned() & u8x16::splat(0x20))
}

/// Where the first byte is that is one of these, or the length.
#[inline(always)]
pub(crate) fn find(bytes: &[u8], of: impl Fn(u8x16) -> u8x16) -> usize {
    let mut at = 0;
    for bytes in bytes.chunks(VECTOR) {
        let found = of(vector(bytes)).to_bitmask().trailing_zeros() as usize;
        if found < bytes.len() {
            return at + found;
        }
        at += bytes.len();
    }
    at
}

/// Bits of a block of this many bytes, from those of the four vectors in it.
pub(crate) const BLOCK: usize = 4 * VECTOR;

/// The bits of the vectors of a block, of each of which `of` tells.
#[inline(always)]
pub(crate) fn bits(block: &[u8; BLOCK], of: impl Fn(u8x16) -> u8x16) -> u64 {
    let bits = |n: usize| {
        let vector = vector(block.get(n..).unwrap_or_default());
        u64::from(of(vector).to_bitmask()) << n
    };
    bits(0) | bits(VECTOR) | bits(2 * VECTOR) | bits(3 * VECTOR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn each_byte_in_each_place() {
        for byte in 0..=u8::MAX {
            for place in 0..VECTOR {
                let mut bytes = [b'x'; VECTOR];
                bytes[place] = byte;
                let v = vector(&bytes);
                let is = |of: &dyn Fn(u8) -> bool| {
                    let bits = bytes.iter().enumerate();
                    bits.fold(0u32, |bits, (n, b)| bits | u32::from(of(*b)) << n)
                };
                assert_eq!(equal(v, b';').to_bitmask(), is(&|b| b == b';'));
                let low = below_or_high(v, b' ').to_bitmask();
                assert_eq!(low, is(&|b| !(b' '..=127).contains(&b)));
                assert_eq!(lower(v).to_array(), bytes.map(|b| b.to_ascii_lowercase()));
            }
        }
    }

    #[test]
    fn blocks_and_ends() {
        let all: Vec<u8> = (0..BLOCK as u8).collect();
        let block = all.first_chunk().unwrap();
        for n in 0..BLOCK {
            assert_eq!(bits(block, |v| equal(v, n as u8)), 1 << n);
        }
        assert_eq!(vector(b"ab").to_array(), *b"ab              ");
    }
}

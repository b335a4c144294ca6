//! Many bytes at a time: what is asked of them comes as bits, the first byte's lowest. For
//! scop's own crates, not for others: it changes with what they need.
//!
//! The first half is of sixteen bytes, behind the crate `wide`: vectors of the processor
//! (SSE2, NEON, WebAssembly), or plain arithmetic where it has none. They are there always,
//! and for what is a line or a value long.
//!
//! The second half is of [`Vectors`] as wide as those of the CPU at hand: AVX2 where it is an
//! x86 that has it, which the feature `std` finds out when the code runs, the same sixteen
//! bytes elsewhere. [`widest!`](crate::widest) compiles what it is given once for each width.
//! The code for AVX2 cannot become a part of the function that asks for it, so it is for some
//! hundred bytes at a time. All that is called within must be `#[inline(always)]`, and no
//! closure: what is a function of its own is compiled without AVX2, and each operation is a
//! call there.
//!
//! Nothing but the time depends on any of it.

use core::ops::{BitAnd, BitOr, BitXor, Not};

pub use wide::{i8x16, u8x16};

/// Bytes of a vector.
pub const VECTOR: usize = 16;

/// Bytes of a block, of which a word has a bit for each.
pub const BLOCK: usize = u64::BITS as usize;

/// The first bytes; blanks behind them where there are fewer.
#[inline(always)]
#[must_use]
pub fn vector(bytes: &[u8]) -> u8x16 {
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

/// The bytes from `n` on, in the same way.
#[inline(always)]
#[must_use]
pub fn vector_at(bytes: &[u8], n: usize) -> u8x16 {
    vector(bytes.get(n..).unwrap_or_default())
}

/// Those that are this one.
#[inline(always)]
#[must_use]
pub fn equal(bytes: u8x16, byte: u8) -> u8x16 {
    bytes.simd_eq(u8x16::splat(byte))
}

/// Those under `limit`, which is 128 at most, and those over 127.
#[inline(always)]
#[must_use]
pub fn below_or_high(bytes: u8x16, limit: u8) -> u8x16 {
    // As signed numbers, what is above 127 is below all others.
    let signed = bytes.cast_signed().simd_lt(i8x16::splat(limit as i8));
    signed.cast_unsigned()
}

/// Letters small.
#[inline(always)]
#[must_use]
pub fn lower(bytes: u8x16) -> u8x16 {
    // As signed numbers, what is above 127 is no letter.
    let signed = bytes.cast_signed();
    let is_upper =
        signed.simd_gt(i8x16::splat(b'A' as i8 - 1)) & signed.simd_lt(i8x16::splat(b'Z' as i8 + 1));
    bytes | (is_upper.cast_unsigned() & u8x16::splat(0x20))
}

/// Where the first byte is that is one of these, or the length.
#[inline(always)]
pub fn find(bytes: &[u8], of: impl Fn(u8x16) -> u8x16) -> usize {
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

/// The bits of a block, of each vector of which `of` tells.
#[inline(always)]
pub fn bits(block: &[u8; BLOCK], of: impl Fn(u8x16) -> u8x16) -> u64 {
    let bits = |n: usize| u64::from(of(vector_at(block, n)).to_bitmask()) << n;
    bits(0) | bits(VECTOR) | bits(2 * VECTOR) | bits(3 * VECTOR)
}

/// Vectors of one width.
pub trait Vectors: Copy {
    /// Bytes in each.
    const LENGTH: usize;
    /// Some bytes.
    type Bytes: Copy + BitOr<Output = Self::Bytes>;
    /// Of which bytes something is so.
    type Which: Copy
        + BitAnd<Output = Self::Which>
        + BitOr<Output = Self::Which>
        + BitXor<Output = Self::Which>
        + Not<Output = Self::Which>;

    /// The bytes from `at` on; blanks where not all are there.
    fn load(self, bytes: &[u8], at: usize) -> Self::Bytes;
    /// Which of them are this one.
    fn are(self, bytes: Self::Bytes, byte: u8) -> Self::Which;
    /// Which of them are below this one.
    fn below(self, bytes: Self::Bytes, byte: u8) -> Self::Which;
    /// None is above 127.
    fn is_ascii(self, bytes: Self::Bytes) -> bool;
    /// A bit for each, the first the lowest.
    fn bits(self, which: Self::Which) -> u64;
}

/// Those that are always there.
#[derive(Clone, Copy, Debug)]
pub struct Usual;

impl Vectors for Usual {
    const LENGTH: usize = VECTOR;
    type Bytes = u8x16;
    type Which = u8x16;

    #[inline(always)]
    fn load(self, bytes: &[u8], at: usize) -> u8x16 {
        let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
        u8x16::new(*bytes.unwrap_or(&[b' '; VECTOR]))
    }

    #[inline(always)]
    fn are(self, bytes: u8x16, byte: u8) -> u8x16 {
        equal(bytes, byte)
    }

    #[inline(always)]
    fn below(self, bytes: u8x16, byte: u8) -> u8x16 {
        bytes.simd_lt(u8x16::splat(byte))
    }

    #[inline(always)]
    fn is_ascii(self, bytes: u8x16) -> bool {
        bytes.to_bitmask() == 0
    }

    #[inline(always)]
    fn bits(self, which: u8x16) -> u64 {
        u64::from(which.to_bitmask())
    }
}

/// Gives what `$work` gives, done with the widest [`Vectors`](crate::vectors::Vectors) there
/// are, which are `$vectors` in it. A crate that uses it has a feature `std` that is that of
/// this one.
#[doc(hidden)]
#[macro_export]
macro_rules! widest {
    ($vectors:pat => $work:expr) => {
        match $crate::vectors::avx2() {
            #[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
            Some(avx2) => avx2.run(
                #[inline(always)]
                || {
                    let $vectors = avx2;
                    $work
                },
            ),
            _ => {
                let $vectors = $crate::vectors::Usual;
                $work
            }
        }
    };
}
pub use crate::widest;

/// No AVX2, for all that is known.
#[cfg(not(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64"))))]
#[must_use]
pub fn avx2() -> Option<core::convert::Infallible> {
    None
}

#[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
pub use x86::avx2;

#[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
mod x86 {
    use fearless_simd::prelude::*;
    use fearless_simd::{Level, mask8x32, u8x32, x86};

    use super::Vectors;

    /// AVX2 is there.
    #[derive(Clone, Copy, Debug)]
    pub struct Avx2(x86::Avx2);

    /// AVX2, if the CPU has it.
    #[inline]
    #[must_use]
    pub fn avx2() -> Option<Avx2> {
        Level::new().as_avx2().map(Avx2)
    }

    impl Avx2 {
        /// Does `work`, as compiled for AVX2.
        #[inline(always)]
        pub fn run<T>(self, work: impl FnOnce() -> T) -> T {
            self.0.vectorize(work)
        }
    }

    impl Vectors for Avx2 {
        const LENGTH: usize = 32;
        type Bytes = u8x32<x86::Avx2>;
        type Which = mask8x32<x86::Avx2>;

        #[inline(always)]
        fn load(self, bytes: &[u8], at: usize) -> Self::Bytes {
            let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
            (*bytes.unwrap_or(&[b' '; Self::LENGTH])).simd_into(self.0)
        }

        #[inline(always)]
        fn are(self, bytes: Self::Bytes, byte: u8) -> Self::Which {
            bytes.simd_eq(byte)
        }

        #[inline(always)]
        fn below(self, bytes: Self::Bytes, byte: u8) -> Self::Which {
            bytes.simd_lt(byte)
        }

        #[inline(always)]
        fn is_ascii(self, bytes: Self::Bytes) -> bool {
            (bytes & 0x80).simd_eq(0).all_true()
        }

        #[inline(always)]
        fn bits(self, which: Self::Which) -> u64 {
            which.to_bitmask()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// The bits of those bytes of which `is` holds.
    fn plain(bytes: &[u8], is: impl Fn(u8) -> bool) -> u64 {
        let bits = bytes.iter().enumerate();
        bits.fold(0, |bits, (n, b)| bits | u64::from(is(*b)) << n)
    }

    /// Whether vectors of one width tell the same as looking at each byte, wherever in a
    /// buffer they begin.
    #[inline(always)]
    fn tell_the_truth<V: Vectors>(vectors: V, bytes: &[u8]) -> bool {
        let mut all = true;
        for at in 0..=bytes.len() - V::LENGTH {
            let (these, loaded) = (&bytes[at..at + V::LENGTH], vectors.load(bytes, at));
            for byte in [b';', b'\t', these[0]] {
                let are = vectors.bits(vectors.are(loaded, byte));
                let below = vectors.bits(vectors.below(loaded, byte));
                all &= are == plain(these, |b| b == byte);
                all &= below == plain(these, |b| b < byte);
            }
            all &= vectors.is_ascii(loaded) == these.is_ascii();
        }
        // What is not there comes as blanks.
        let behind = vectors.load(bytes, bytes.len() - V::LENGTH + 1);
        all & (vectors.bits(vectors.are(behind, b' ')) == u64::MAX >> (BLOCK - V::LENGTH))
    }

    #[test]
    fn each_byte_in_each_place() {
        for byte in 0..=u8::MAX {
            for place in 0..2 * BLOCK {
                let mut bytes = [b'x'; 2 * BLOCK];
                bytes[place] = byte;
                if place % 5 == 0 {
                    assert!(tell_the_truth(Usual, &bytes), "{byte} at {place}");
                    let widest = widest!(vectors => tell_the_truth(vectors, &bytes));
                    assert!(widest, "{byte} at {place}");
                }
                let v = vector(&bytes);
                let is = |of: &dyn Fn(u8) -> bool| plain(&bytes[..VECTOR], of) as u32;
                assert_eq!(equal(v, b';').to_bitmask(), is(&|b| b == b';'));
                let low = below_or_high(v, b' ').to_bitmask();
                assert_eq!(low, is(&|b| !(b' '..=127).contains(&b)));
                let small = bytes.map(|b| b.to_ascii_lowercase());
                assert_eq!(lower(v).to_array(), small[..VECTOR]);
            }
        }
    }

    #[test]
    fn blocks_and_ends() {
        let all: Vec<u8> = (0..BLOCK as u8).collect();
        let block = all.first_chunk().unwrap();
        for n in 0..BLOCK {
            assert_eq!(bits(block, |v| equal(v, n as u8)), 1 << n);
            // All lengths, from all places.
            let some = &all[n..];
            for length in 0..=some.len() {
                let some = &some[..length];
                let mut padded = [b' '; VECTOR];
                let known = length.min(VECTOR);
                padded[..known].copy_from_slice(&some[..known]);
                assert_eq!(vector(some).to_array(), padded);
                for byte in [0, n as u8, n as u8 + 20] {
                    let place = some.iter().position(|b| *b == byte);
                    let found = find(some, |v| equal(v, byte));
                    assert_eq!(found, place.unwrap_or(length));
                }
            }
        }
    }
}

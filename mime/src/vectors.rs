//! Vectors as wide as those of the CPU at hand: AVX2 where it is an x86 that has it, which the
//! feature `std` finds out when the code runs, and what each CPU of its kind has elsewhere.
//! Nothing but the time depends on it.
//!
//! [`widest`] compiles what it is given once for each width. The code for AVX2 cannot become a
//! part of the function that asks for it, so it is for some hundred bytes at a time; a line
//! is looked at by [`crate::scan`], in vectors that are always there. All that is called
//! within must be `#[inline(always)]`, and no closure: what is a function of its own is compiled
//! without AVX2, and each operation is a call there.

use core::ops::{BitAnd, BitOr, Not};

use wide::u8x16;

/// Vectors of one width.
pub(crate) trait Vectors: Copy {
    /// Bytes in each.
    const LENGTH: usize;
    type Bytes: Copy + BitOr<Output = Self::Bytes>;
    /// Of which bytes something is so.
    type Which: Copy
        + BitAnd<Output = Self::Which>
        + BitOr<Output = Self::Which>
        + Not<Output = Self::Which>;

    /// The bytes from `at` on; blanks where they are not there.
    fn load(self, bytes: &[u8], at: usize) -> Self::Bytes;
    /// Which of them are this one.
    fn are(self, bytes: Self::Bytes, byte: u8) -> Self::Which;
    /// None is above 127.
    fn is_ascii(self, bytes: Self::Bytes) -> bool;
    /// A bit for each, the first the lowest.
    fn bits(self, which: Self::Which) -> u64;
}

/// Those that are always there.
#[derive(Clone, Copy)]
pub(crate) struct Usual;

impl Vectors for Usual {
    const LENGTH: usize = 16;
    type Bytes = u8x16;
    type Which = u8x16;

    #[inline(always)]
    fn load(self, bytes: &[u8], at: usize) -> u8x16 {
        crate::scan::vector(bytes, at)
    }

    #[inline(always)]
    fn are(self, bytes: u8x16, byte: u8) -> u8x16 {
        bytes.simd_eq(u8x16::splat(byte))
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

/// Gives what `$work` gives, done with the widest [`Vectors`] there are, which are `$vectors`
/// in it.
macro_rules! widest {
    ($vectors:pat => $work:expr) => {
        match crate::vectors::avx2() {
            #[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
            Some(avx2) => avx2.run(
                #[inline(always)]
                || {
                    let $vectors = avx2;
                    $work
                },
            ),
            _ => {
                let $vectors = crate::vectors::Usual;
                $work
            }
        }
    };
}
pub(crate) use widest;

/// No AVX2, for all that is known.
#[cfg(not(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64"))))]
pub(crate) fn avx2() -> Option<core::convert::Infallible> {
    None
}

#[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
pub(crate) use x86::avx2;

#[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
mod x86 {
    use fearless_simd::prelude::*;
    use fearless_simd::{Level, mask8x32, u8x32, x86};

    use super::Vectors;

    /// AVX2 is there.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(x86::Avx2);

    /// AVX2, if the CPU has it.
    #[inline]
    pub(crate) fn avx2() -> Option<Avx2> {
        Level::new().as_avx2().map(Avx2)
    }

    impl Avx2 {
        /// Does `work`, as compiled for AVX2.
        #[inline(always)]
        pub(crate) fn run<T>(self, work: impl FnOnce() -> T) -> T {
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
        fn is_ascii(self, bytes: Self::Bytes) -> bool {
            (bytes & 0x80).simd_eq(0).all_true()
        }

        #[inline(always)]
        fn bits(self, which: Self::Which) -> u64 {
            which.to_bitmask()
        }
    }
}

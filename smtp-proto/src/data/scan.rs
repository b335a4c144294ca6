//! Looking through a message: for the bytes that do not stand there as they are meant, and
//! for lines that are too long.

use memchr::memrchr;

use super::MAX_TEXT_LINE;
use crate::vectors::{VECTOR, are, bits, u8x16};

/// Where the first byte of `bytes` is that is not message as it stands, `last` being
/// the byte before them: a dot behind LF; if `STRICT` also NUL, an LF without CR and
/// whatever stands behind a CR but LF.
pub(super) fn next_odd<const STRICT: bool>(last: u8, bytes: &[u8]) -> Option<usize> {
    if is_odd::<STRICT>(last, *bytes.first()?) {
        return Some(0);
    }
    // The next is often near: lines of dots, text with bare LF.
    let mut at = 1;
    let Some(near) = odd_in_vector::<STRICT>(bytes, at) else {
        let pairs = bytes.iter().zip(bytes.get(1..)?);
        let even = pairs.take_while(|&(&b, &c)| !is_odd::<STRICT>(b, c));
        return Some(1 + even.count()).filter(|&at| at < bytes.len());
    };
    if near < VECTOR {
        return Some(at + near);
    }
    at += VECTOR;
    at = match bytes.len() {
        WIDE.. => even_wide::<STRICT>(bytes, at),
        _ => even_blocks::<STRICT, 128>(bytes, at),
    };
    while let Some(odd) = odd_in_vector::<STRICT>(bytes, at) {
        if odd < VECTOR {
            return Some(at + odd);
        }
        at += VECTOR;
    }
    // What is left is too short: it is judged with bytes before it, which are even.
    at = bytes.len() - VECTOR;
    let odd = odd_in_vector::<STRICT>(bytes, at)?;
    (odd < VECTOR).then_some(at + odd)
}

/// So many bytes are worth asking which vectors the CPU has.
const WIDE: usize = 256;

/// [`even_blocks`], on an x86 that has AVX2 as compiled for that: in half the time.
fn even_wide<const STRICT: bool>(bytes: &[u8], at: usize) -> usize {
    #[cfg(all(feature = "std", any(target_arch = "x86", target_arch = "x86_64")))]
    if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
        return fearless_simd::Simd::vectorize(
            avx2,
            #[inline(always)]
            || even_blocks::<STRICT, 32>(bytes, even_blocks::<STRICT, 128>(bytes, at)),
        );
    }
    even_blocks::<STRICT, 128>(bytes, at)
}

/// How far blocks of `N` from `at` on hold nothing odd; `at` is not the first byte. A block is
/// judged whole and without a branch, which compilers turn into vector code; by loops, since
/// an iterator is a call in what is compiled for AVX2, unless all is optimised as one.
#[inline(always)]
fn even_blocks<const STRICT: bool, const N: usize>(bytes: &[u8], mut at: usize) -> usize {
    while let Some(before) = bytes.get(at - 1..).and_then(<[u8]>::first_chunk::<N>)
        && let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<N>)
    {
        let (mut odd, mut n) = (false, 0);
        while n < N {
            odd |= is_odd::<STRICT>(before[n], block[n]);
            n += 1;
        }
        if odd {
            break;
        }
        at += N;
    }
    at
}

/// Whether `byte` behind `before` is odd.
#[inline(always)]
fn is_odd<const STRICT: bool>(before: u8, byte: u8) -> bool {
    let dot = (before == b'\n') & (byte == b'.');
    let bare = (before == b'\r') ^ (byte == b'\n');
    dot | (STRICT & (bare | (byte == 0)))
}

/// The first odd byte among those of a vector from `at` on, which is not the first byte, or
/// [`VECTOR`]; `None` where there are not so many.
#[inline(always)]
fn odd_in_vector<const STRICT: bool>(bytes: &[u8], at: usize) -> Option<usize> {
    let before = u8x16::new(*bytes.get(at - 1..)?.first_chunk()?);
    let bytes = u8x16::new(*bytes.get(at..)?.first_chunk()?);
    let mut odd = are(before, b'\n') & are(bytes, b'.');
    if STRICT {
        odd |= (are(before, b'\r') ^ are(bytes, b'\n')) | are(bytes, 0);
    }
    Some(bits(odd).trailing_zeros() as usize)
}

/// Looks for lines that are too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    /// Bytes of the line that is open.
    column: usize,
    pub(super) long: bool,
}

impl Lines {
    pub(super) const fn new() -> Self {
        let (column, long) = (0, false);
        Lines { column, long }
    }

    /// The next bytes. As long as an LF is within reach of the start of a line, no line
    /// up to the last such LF is too long: few bytes need a look.
    #[inline]
    pub(super) fn add(&mut self, mut bytes: &[u8]) {
        while !self.long {
            let reach = (MAX_TEXT_LINE + 2).saturating_sub(self.column);
            let near = bytes.get(..reach).unwrap_or(bytes);
            let is_all = near.len() == bytes.len();
            match last_lf(near) {
                Some(lf) => {
                    bytes = bytes.get(lf + 1..).unwrap_or_default();
                    self.column = 0;
                }
                None => self.long = !is_all,
            }
            if is_all {
                self.column += bytes.len();
                return;
            }
        }
    }
}

/// Where the last LF is. In most mail it is some ten bytes before the end.
#[inline]
fn last_lf(bytes: &[u8]) -> Option<usize> {
    let mut end = bytes.len();
    for _ in 0..8 {
        let Some(vector) = bytes.get(..end)?.last_chunk() else {
            break;
        };
        end -= VECTOR;
        let lf = are(u8x16::new(*vector), b'\n');
        if let Some(last) = bits(lf).checked_ilog2() {
            return Some(end + last as usize);
        }
    }
    memrchr(b'\n', bytes.get(..end)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    /// The first odd byte, looked for one by one.
    fn plainly<const STRICT: bool>(last: u8, bytes: &[u8]) -> Option<usize> {
        let before = core::iter::once(&last).chain(bytes);
        let odd = |(&b, &c)| is_odd::<STRICT>(b, c);
        before.zip(bytes).position(odd)
    }

    #[test]
    fn the_first_odd_byte_in_each_place() {
        const BYTES: &[u8] = b"\r\n\0.a";
        for length in (2..40).chain([WIDE - 1, WIDE, WIDE + 1, WIDE + 145, WIDE + 177]) {
            for place in 0..length - 1 {
                // Each pair where it lies in the first or the last vectors, else one.
                let is_edge = place < 20 || place + 40 > length;
                for pair in (0..25).filter(|&n| is_edge || n == (place + length) % 25) {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = BYTES[pair / 5];
                    bytes[place + 1] = BYTES[pair % 5];
                    let last = BYTES[place % 5];
                    assert_eq!(
                        next_odd::<true>(last, &bytes),
                        plainly::<true>(last, &bytes)
                    );
                    let found = next_odd::<false>(last, &bytes);
                    assert_eq!(found, plainly::<false>(last, &bytes));
                }
            }
        }
    }

    #[test]
    fn the_last_lf_in_each_place() {
        for length in 0..300 {
            assert_eq!(last_lf(&vec![b'a'; length]), None);
            for place in 0..length {
                let bytes: Vec<u8> = (0..length)
                    .map(|n| if n == place { b'\n' } else { b'a' })
                    .collect();
                assert_eq!(last_lf(&bytes), Some(place));
            }
        }
    }
}

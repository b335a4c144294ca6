//! base64 in lines (RFC 2045 6.8).

use alloc::vec::Vec;

use base64_turbo::STANDARD;

/// Bytes on a line, and the digits they make.
const BYTES: usize = 57;
const DIGITS: usize = 76;

const LINE: usize = DIGITS + 2;

/// Lines that are encoded at a time: with what is made of them they fit a CPU's first
/// cache.
const LINES: usize = 128;

/// Encodes base64: lines of 76 characters, CRLF between them.
///
/// ```
/// let mut out = Vec::new();
/// let mut encoder = scop_mime::EncodeBase64::new();
/// encoder.encode(&[0; 60], &mut out);
/// encoder.finish(&mut out);
/// assert_eq!(out, format!("{}\r\nAAAA", "A".repeat(76)).as_bytes());
/// assert_eq!(out.len() as u64, scop_mime::EncodeBase64::encoded_len(60));
/// ```
#[derive(Clone, Debug)]
pub struct EncodeBase64 {
    /// What is there of a line.
    line: [u8; BYTES],
    length: usize,
    /// There is a line before this one.
    behind: bool,
}

impl Default for EncodeBase64 {
    fn default() -> Self {
        Self::new()
    }
}

impl EncodeBase64 {
    /// An encoder at the start of a body.
    #[must_use]
    pub const fn new() -> Self {
        EncodeBase64 {
            line: [0; BYTES],
            length: 0,
            behind: false,
        }
    }

    /// The length of what is made of so many bytes.
    #[must_use]
    pub const fn encoded_len(bytes: u64) -> u64 {
        let lines = bytes.div_ceil(BYTES as u64);
        let digits = bytes.div_ceil(3).saturating_mul(4);
        digits.saturating_add(lines.saturating_sub(1).saturating_mul(2))
    }

    /// Encodes the next bytes and appends the lines that are complete to `out`. Room for
    /// what [`finish`](Self::finish) appends is made, too.
    pub fn encode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let all = Self::encoded_len((self.length + input.len()) as u64);
        let end = if self.behind { 2 } else { 0 };
        out.reserve(
            usize::try_from(all)
                .unwrap_or(usize::MAX)
                .saturating_add(end),
        );
        let mut rest = input;
        // The first line of all has no line end before it.
        if self.length > 0 || !self.behind {
            let space = self.line.get_mut(self.length..).unwrap_or_default();
            let (first, behind) = rest.split_at(space.len().min(rest.len()));
            for (to, from) in space.iter_mut().zip(first) {
                *to = *from;
            }
            self.length += first.len();
            rest = behind;
            if self.length < BYTES {
                return;
            }
            self.flush(out);
        }
        let (lines, rest) = rest.split_at(rest.len() / BYTES * BYTES);
        let most = lines.len().min(LINES * BYTES) / BYTES;
        let mut digits = alloc::vec![0; most * DIGITS];
        for block in lines.chunks(LINES * BYTES) {
            put_lines(block, &mut digits, out);
        }
        for (to, from) in self.line.iter_mut().zip(rest) {
            *to = *from;
        }
        self.length = rest.len();
    }

    /// Puts the line in hand.
    fn flush(&mut self, out: &mut Vec<u8>) {
        if self.behind {
            out.extend_from_slice(b"\r\n");
        }
        digits(self.line.get(..self.length).unwrap_or_default(), out);
        self.behind = true;
        self.length = 0;
    }

    /// The body is over: appends the last line.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.length > 0 {
            self.flush(out);
        }
        self.behind = false;
    }
}

/// Appends whole lines, a line end before each: all digits at once, which the CPU
/// encodes many at a time, then each line to its place.
fn put_lines(block: &[u8], digits: &mut [u8], out: &mut Vec<u8>) {
    let lines = block.len() / BYTES;
    // There is room for all.
    let written = STANDARD.encode_slice(block, &mut *digits);
    debug_assert!(written == Ok(lines * DIGITS));
    let start = out.len();
    out.resize(start + lines * LINE, 0);
    spread(digits, out.get_mut(start..).unwrap_or_default());
}

/// Moves lines of digits to their places, and puts a line end before each. A function of
/// its own: so a compiler knows that the two do not overlap, and moves what is large.
#[inline(never)]
fn spread(digits: &[u8], space: &mut [u8]) {
    let (digits, _) = digits.as_chunks::<DIGITS>();
    let (places, _) = space.as_chunks_mut::<LINE>();
    for (place, digits) in places.iter_mut().zip(digits) {
        let [cr, lf, line @ ..] = place;
        (*cr, *lf) = (b'\r', b'\n');
        *line = *digits;
    }
}

/// Appends the digits of `bytes`, padded, on one line.
pub(crate) fn digits(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(bytes, out.get_mut(start..).unwrap_or_default());
    debug_assert!(written == Ok(out.len() - start));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, TransferEncoding};
    use proptest::prelude::*;

    #[test]
    fn rfc4648_section_10() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = Vec::new();
            let mut encoder = EncodeBase64::new();
            encoder.encode(bytes.as_bytes(), &mut out);
            encoder.finish(&mut out);
            assert_eq!(out, text.as_bytes());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn base64_is_what_it_was_made_of(data in proptest::collection::vec(any::<u8>(), 0..20_000), cut in 1usize..9000) {
            let mut out = Vec::new();
            let mut encoder = EncodeBase64::new();
            data.chunks(cut).for_each(|chunk| encoder.encode(chunk, &mut out));
            encoder.finish(&mut out);
            prop_assert_eq!(out.len() as u64, EncodeBase64::encoded_len(data.len() as u64));
            prop_assert!(!out.ends_with(b"\n"));
            let mut lines = out.split(|b| *b == b'\n').peekable();
            while let Some(line) = lines.next() {
                prop_assert!(line.len() <= 77 && (lines.peek().is_none() || line.len() == 77));
            }
            let mut decoder = Decoder::new(&TransferEncoding::Base64);
            let mut back = Vec::new();
            decoder.decode(&out, &mut back);
            decoder.finish(&mut back);
            prop_assert_eq!(back, data);
            prop_assert_eq!(decoder.defects(), &[]);
        }
    }
}

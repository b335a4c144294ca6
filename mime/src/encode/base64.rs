//! base64 in lines (RFC 2045 6.8).

use alloc::vec::Vec;

use base64_turbo::STANDARD;

/// Bytes on a line, and the digits they make.
const BYTES: usize = 57;
const DIGITS: usize = 76;
const LINE: usize = DIGITS + 2;

/// Lines that are encoded at a time.
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
#[derive(Clone, Debug, Default)]
pub struct EncodeBase64 {
    /// What is there of a line.
    line: Vec<u8>,
    /// There is a line before this one.
    behind: bool,
    digits: Vec<u8>,
}

impl EncodeBase64 {
    /// An encoder at the start of a body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The length of what is made of so many bytes.
    #[must_use]
    pub const fn encoded_len(bytes: u64) -> u64 {
        let lines = bytes.div_ceil(BYTES as u64);
        let digits = bytes.div_ceil(3).saturating_mul(4);
        digits.saturating_add(lines.saturating_sub(1).saturating_mul(2))
    }

    /// Encodes the next bytes and appends the lines that are complete to `out`.
    pub fn encode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() / BYTES * LINE + LINE);
        let mut rest = input;
        if !self.line.is_empty() {
            let room = (BYTES - self.line.len()).min(rest.len());
            let (first, behind) = rest.split_at(room);
            self.line.extend_from_slice(first);
            rest = behind;
            if self.line.len() < BYTES {
                return;
            }
            let line = core::mem::take(&mut self.line);
            self.lines(&line, out);
            self.line = line;
            self.line.clear();
        }
        let whole = rest.len() / BYTES * BYTES;
        let (lines, rest) = rest.split_at(whole);
        for block in lines.chunks(LINES * BYTES) {
            self.lines(block, out);
        }
        self.line.extend_from_slice(rest);
    }

    /// Encodes whole lines: all at once, then with their ends between them.
    fn lines(&mut self, block: &[u8], out: &mut Vec<u8>) {
        let length = block.len() / BYTES * DIGITS;
        if self.digits.len() < length {
            self.digits.resize(length, 0);
        }
        let digits = self.digits.get_mut(..length).unwrap_or_default();
        // The space is what the digits take.
        let written = STANDARD.encode_slice(block, &mut *digits);
        debug_assert!(written == Ok(length));
        let start = out.len();
        out.resize(start + length / DIGITS * LINE, 0);
        let space = out.get_mut(start..).unwrap_or_default();
        let (lines, _) = space.as_chunks_mut::<LINE>();
        let (digits, _) = digits.as_chunks::<DIGITS>();
        for (line, digits) in lines.iter_mut().zip(digits) {
            // Before a line, for behind the last one there is none.
            let [cr, lf, rest @ ..] = line;
            (*cr, *lf) = (b'\r', b'\n');
            rest.copy_from_slice(digits);
        }
        if !self.behind {
            self.behind = true;
            out.drain(start..start + 2);
        }
    }

    /// The body is over: appends the last line.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.line.is_empty() {
            return;
        }
        if self.behind {
            out.extend_from_slice(b"\r\n");
        }
        digits(&self.line, out);
        self.line.clear();
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

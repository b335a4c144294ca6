//! base64 in lines (RFC 2045 6.8).

use alloc::vec::Vec;

use base64_turbo::STANDARD;

#[cfg(not(feature = "encodify"))]
use super::lines::put_lines;

/// Bytes on a line; they make 76 digits.
pub(super) const BYTES: usize = 57;

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
        let all = usize::try_from(all).unwrap_or(usize::MAX);
        out.reserve(all.saturating_add(end));
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
        put_lines(lines, out);
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

/// Appends a body that is there as a whole: what an encoder makes of it.
#[cfg(feature = "encodify")]
pub(crate) fn body(bytes: &[u8], out: &mut Vec<u8>) {
    encodify::base64::MIME.encode_append(bytes, out);
    if !bytes.is_empty() {
        // It ends the last line, too.
        out.truncate(out.len() - 2);
    }
}

#[cfg(not(feature = "encodify"))]
pub(crate) fn body(bytes: &[u8], out: &mut Vec<u8>) {
    let mut encoder = EncodeBase64::new();
    encoder.encode(bytes, out);
    encoder.finish(out);
}

/// Appends whole lines, a line end before each: with the line ends in its vector code,
/// all but the last line, which would get one behind it.
#[cfg(feature = "encodify")]
fn put_lines(lines: &[u8], out: &mut Vec<u8>) {
    let Some(first) = lines.len().checked_sub(BYTES) else {
        return;
    };
    let (first, last) = lines.split_at(first);
    out.extend_from_slice(b"\r\n");
    encodify::base64::MIME.encode_append(first, out);
    digits(last, out);
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
        fn lines_are_the_same_with_encodify_and_without(data in proptest::collection::vec(any::<u8>(), 0..20_000)) {
            let lines = data.as_chunks::<BYTES>().0.as_flattened();
            let (mut some, mut others) = (b"A".to_vec(), b"A".to_vec());
            put_lines(lines, &mut some);
            super::super::lines::put_lines(lines, &mut others);
            prop_assert_eq!(some, others);
        }

        #[test]
        fn base64_is_what_it_was_made_of(data in proptest::collection::vec(any::<u8>(), 0..20_000), cut in 1usize..9000) {
            let mut out = Vec::new();
            let mut encoder = EncodeBase64::new();
            data.chunks(cut).for_each(|chunk| encoder.encode(chunk, &mut out));
            encoder.finish(&mut out);
            prop_assert_eq!(out.len() as u64, EncodeBase64::encoded_len(data.len() as u64));
            let mut whole = Vec::new();
            body(&data, &mut whole);
            prop_assert_eq!(&whole, &out);
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

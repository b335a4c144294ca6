//! base64 (RFC 2045 6.8), as it is found.

use alloc::vec::Vec;

use ::base64::Engine;
use ::base64::alphabet;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memchr;

use super::Firsts;
use crate::{Defect, DefectKind};

/// Whole groups without padding; stray bits in the last one are nobody's business.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Lines are put together to blocks of this size, a multiple of 4.
const BLOCK: usize = 8 << 10;

const INVALID: u8 = 0xff;

const VALUES: [u8; 256] = {
    let mut values = [INVALID; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut i = 0;
    while i < alphabet.len() {
        values[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    values
};

/// Decodes base64. White space is skipped; what is foreign is skipped and noted;
/// padding may be missing, and data may go on behind it, as when two bodies were
/// put together.
#[derive(Clone, Debug, Default)]
pub struct Base64 {
    /// Input before the chunk in hand.
    offset: u64,
    group: u32,
    /// Digits in `group`.
    digits: u8,
    padded: bool,
    block: Vec<u8>,
    defects: Firsts,
}

impl Base64 {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes the next bytes and appends what is complete to `out`.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() / 4 * 3);
        let mut at = 0;
        while let Some(rest) = input.get(at..).filter(|r| !r.is_empty()) {
            at += match rest.len() >= 64 && self.digits == 0 && !self.padded {
                true => self.fast(rest, out),
                false => {
                    // To the end of the line: then it may go fast again.
                    let n = memchr(b'\n', rest).map_or(rest.len(), |lf| lf + 1);
                    self.slow(rest.get(..n).unwrap_or(rest), out);
                    n
                }
            };
        }
    }

    /// Decodes some lines at once; gives how many bytes of `input` it took.
    fn fast(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut block = core::mem::take(&mut self.block);
        block.clear();
        let mut at = 0;
        while let Some(rest) = input.get(at..).filter(|r| !r.is_empty()) {
            let (line, length) = match memchr(b'\n', rest.get(..BLOCK).unwrap_or(rest)) {
                Some(lf) => (rest.get(..lf).unwrap_or(rest), lf + 1),
                None => (rest, rest.len()),
            };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let room = BLOCK - block.len();
            if line.len() > room {
                if at == 0 {
                    block.extend_from_slice(line.get(..room).unwrap_or(line));
                    at = room;
                }
                break;
            }
            block.extend_from_slice(line);
            at += length;
        }
        let whole = block.len() / 4 * 4;
        let start = out.len();
        out.resize(start + whole / 4 * 3, 0);
        let result = match (block.get(..whole), out.get_mut(start..)) {
            (Some(digits), Some(space)) => ENGINE.decode_slice(digits, space).ok(),
            _ => None,
        };
        let taken = input.get(..at).unwrap_or(input);
        if result == Some(whole / 4 * 3) && block.get(whole..).is_some_and(all_digits) {
            for digit in block.get(whole..).unwrap_or_default() {
                self.digit(value(*digit), out);
            }
            self.offset += taken.len() as u64;
        } else {
            out.truncate(start);
            self.slow(taken, out);
        }
        self.block = block;
        taken.len()
    }

    fn slow(&mut self, input: &[u8], out: &mut Vec<u8>) {
        for byte in input {
            match (*byte, value(*byte)) {
                (b'=', _) => match self.digits {
                    2 | 3 => {
                        self.flush(out);
                        self.padded = true;
                    }
                    0 if self.padded => {}
                    _ => self.defects.add(DefectKind::Base64Junk, self.offset),
                },
                (b' ' | b'\t' | b'\r' | b'\n', _) => {}
                (_, INVALID) => self.defects.add(DefectKind::Base64Junk, self.offset),
                (_, digit) => {
                    if self.padded {
                        self.padded = false;
                        self.defects
                            .add(DefectKind::Base64AfterPadding, self.offset);
                    }
                    self.digit(digit, out);
                }
            }
            self.offset += 1;
        }
    }

    fn digit(&mut self, digit: u8, out: &mut Vec<u8>) {
        self.group = self.group << 6 | u32::from(digit);
        self.digits += 1;
        if self.digits == 4 {
            self.flush(out);
        }
    }

    /// Gives out the whole bytes of the group.
    fn flush(&mut self, out: &mut Vec<u8>) {
        let bits = u32::from(self.digits) * 6;
        let [_, bytes @ ..] = (self.group << (24 - bits)).to_be_bytes();
        out.extend(bytes.iter().take(bits as usize / 8));
        (self.group, self.digits) = (0, 0);
    }

    /// The body is over: appends what an unfinished group holds.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.digits > 0 {
            self.defects.add(DefectKind::Base64Truncated, self.offset);
            self.flush(out);
        }
    }

    /// What was wrong: the first of each kind, with its offset in the encoded body.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects.0
    }
}

fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(INVALID)
}

fn all_digits(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| value(*b) != INVALID)
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::*;
    use crate::TransferEncoding;
    use alloc::vec;
    use proptest::prelude::*;

    fn check(text: &[u8], bytes: &[u8], defects: &[DefectKind]) {
        let (out, kinds) = run(&TransferEncoding::Base64, text);
        assert_eq!(out, bytes, "{}", text.escape_ascii());
        assert_eq!(kinds, defects, "{}", text.escape_ascii());
    }

    #[test]
    fn mi09_base64_is_read_one_way() {
        use DefectKind::*;
        check(b"SGVsbG8=", b"Hello", &[]);
        check(b"SGVs\r\n bG8=\r\n", b"Hello", &[]);
        check(b"SGVsbG8", b"Hello", &[Base64Truncated]);
        check(b"SGVsbG8=SGVsbG8=", b"HelloHello", &[Base64AfterPadding]);
        check(b"SG*Vs\xffbG8=", b"Hello", &[Base64Junk]);
        check(b"S", b"", &[Base64Truncated]);
        check(b"S===", b"", &[Base64Junk, Base64Truncated]);
        check(b"====", b"", &[Base64Junk]);
        check(b"SQ==", b"I", &[]);
        check(b"SQ===", b"I", &[]);
        check(b"", b"", &[]);
        // Stray bits behind the last byte.
        check(b"SR==", b"I", &[]);
    }

    #[test]
    fn defects_have_the_offset_of_their_byte() {
        let mut text = b"QUJD".repeat(2000);
        text[5003] = b'%';
        let mut decoder = Base64::new();
        let mut out = vec![];
        decoder.decode(&text, &mut out);
        decoder.finish(&mut out);
        assert_eq!(decoder.defects()[0].offset, 5003);
        assert_eq!(out.len(), 5999);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_was_encoded_comes_back(data in proptest::collection::vec(any::<u8>(), 0..20_000), width in 1usize..100, crlf: bool) {
            let encoded = ::base64::engine::general_purpose::STANDARD.encode(&data);
            let mut text = vec![];
            for line in encoded.as_bytes().chunks(width) {
                text.extend_from_slice(line);
                text.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
            }
            let (out, kinds) = run(&TransferEncoding::Base64, &text);
            prop_assert_eq!(out, data);
            prop_assert_eq!(kinds, vec![]);
        }
    }
}

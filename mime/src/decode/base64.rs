//! base64 (RFC 2045 6.8), as it is found.

use alloc::vec::Vec;

use base64_turbo::STANDARD_NO_PAD;
use memchr::memchr;

use super::{Firsts, Sink};
use crate::{Defect, DefectKind};

/// Digits of the lines that are mostly used.
const LINE: usize = 76;

/// Digits that are decoded at a time, and those of a group that is not whole. So few
/// that a CPU's first cache holds them easily beside what comes in and goes out: bodies
/// of some megabytes take up to a fifth longer with four times as many.
const BLOCK: usize = 30 * LINE + 4;

/// Less than this is not worth to be put together.
const SHORT: usize = 64;

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

/// Decodes base64. White space is skipped; what is foreign is skipped and noted,
/// as RFC 2045 says, and so are `-` and `_`, which are digits in the alphabet for
/// URLs (RFC 4648 5) only. Padding may be missing, and data may go on behind it, as
/// when two bodies were put together.
///
/// Lines are put together to blocks, which the CPU decodes many digits at a time;
/// a block that has anything but digits is decoded byte by byte.
#[derive(Clone, Debug, Default)]
pub struct Base64 {
    /// Input before the chunk in hand.
    offset: u64,
    /// The digits of a group that is not whole yet.
    group: [u8; 4],
    digits: u8,
    padded: bool,
    /// How many more `=` must come.
    padding: u8,
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
        out.reserve(input.len() / 4 * 3 + 3);
        match input.len() < SHORT {
            true => self.slow(input, out),
            false => self.long(input, &mut [0; BLOCK], out),
        }
    }

    fn long(&mut self, input: &[u8], block: &mut [u8; BLOCK], out: &mut Vec<u8>) {
        let mut rest = input;
        while !rest.is_empty() {
            let taken = match rest.len() >= SHORT && !self.padded {
                true => {
                    let lines = self.lines(rest, block, out);
                    match lines {
                        0 => self.fast(rest, block, out),
                        taken => taken,
                    }
                }
                false => {
                    // To the end of the line: then it may go fast again.
                    let n = memchr(b'\n', rest).map_or(rest.len(), |lf| lf + 1);
                    self.slow(rest.get(..n).unwrap_or(rest), out);
                    n
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    /// Decodes lines that end where the first one does, if that is where most do, by a codec
    /// that knows line ends; gives how many bytes it took, 0 if there are no such lines.
    #[cfg(feature = "encodify")]
    fn lines(&mut self, input: &[u8], block: &mut [u8; BLOCK], out: &mut Vec<u8>) -> usize {
        if self.digits > 0 {
            return 0;
        }
        let start = out.len();
        let lf = memchr(b'\n', input.get(..LINE + 2).unwrap_or(input));
        let (lines, all) = match lf.map_or(0, |lf| lf + 1) {
            78 => lines_of::<78, 2>(input, *b"\r\n", out),
            77 => lines_of::<77, 1>(input, *b"\n", out),
            74 => lines_of::<74, 2>(input, *b"\r\n", out),
            73 => lines_of::<73, 1>(input, *b"\n", out),
            66 => lines_of::<66, 2>(input, *b"\r\n", out),
            65 => lines_of::<65, 1>(input, *b"\n", out),
            62 => lines_of::<62, 2>(input, *b"\r\n", out),
            61 => lines_of::<61, 1>(input, *b"\n", out),
            _ => return 0,
        };
        if all {
            self.offset += lines.len() as u64;
            return lines.len();
        }
        out.truncate(start);
        let mut rest = lines;
        while !rest.is_empty() {
            let taken = self.fast(rest, block, out);
            rest = rest.get(taken..).unwrap_or_default();
        }
        lines.len()
    }

    #[cfg(not(feature = "encodify"))]
    fn lines(&mut self, _: &[u8], _: &mut [u8; BLOCK], _: &mut Vec<u8>) -> usize {
        0
    }

    /// Decodes some lines at once; gives how many bytes of `input` it took.
    fn fast(&mut self, input: &[u8], block: &mut [u8; BLOCK], out: &mut Vec<u8>) -> usize {
        let (taken, length) = self.join(input, block);
        let text = input.get(..taken).unwrap_or(input);
        let joined = block.get(..length).unwrap_or_default();
        match self.decode_joined(joined, out) {
            Some(()) => self.offset += taken as u64,
            None => self.slow(text, out),
        }
        taken
    }

    /// Puts the digits of lines into `block`, behind those of the group in hand. Gives
    /// how many bytes it took of `input`, at least one, and how many it put.
    fn join(&self, input: &[u8], block: &mut [u8; BLOCK]) -> (usize, usize) {
        let pending = self.pending();
        let mut length = pending.len();
        if let Some(space) = block.get_mut(..length) {
            space.copy_from_slice(pending);
        }
        let (mut rest, first) = (input, length);
        while !rest.is_empty() {
            let space = block.get_mut(length..).unwrap_or_default();
            // No line is cut for what is left of the block.
            if space.len() < LINE && length > first {
                break;
            }
            let window = rest.get(..space.len()).unwrap_or(rest);
            let lf = memchr(b'\n', window);
            let line = window.get(..lf.unwrap_or(window.len())).unwrap_or(window);
            let digits = line.strip_suffix(b"\r").unwrap_or(line).len();
            // What is cut at the end of the window goes the general way.
            let moved = match (digits, lf.map_or(0, |lf| lf + 1)) {
                (76, 78) => lines::<76, 78>(rest, space),
                (76, 77) => lines::<76, 77>(rest, space),
                (72, 74) => lines::<72, 74>(rest, space),
                (72, 73) => lines::<72, 73>(rest, space),
                (64, 66) => lines::<64, 66>(rest, space),
                (64, 65) => lines::<64, 65>(rest, space),
                (60, 62) => lines::<60, 62>(rest, space),
                (60, 61) => lines::<60, 61>(rest, space),
                _ => {
                    let (from, to) = (line.get(..digits), space.get_mut(..digits));
                    if let (Some(from), Some(to)) = (from, to) {
                        to.copy_from_slice(from);
                    }
                    (line.len() + usize::from(lf.is_some()), digits)
                }
            };
            rest = rest.get(moved.0..).unwrap_or_default();
            length += moved.1;
        }
        (input.len() - rest.len(), length)
    }

    /// Decodes a block of digits. `None`, and nothing happened, if there is anything
    /// else in it but padding at the end.
    fn decode_joined(&mut self, joined: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let padding = joined.iter().rev().take(2).filter(|b| **b == b'=').count();
        let (digits, _) = joined.split_at_checked(joined.len() - padding)?;
        let (whole, rest) = digits.split_at_checked(digits.len() / 4 * 4)?;
        let last = rest.iter().all(|b| value(*b) != INVALID);
        // Bits behind the last byte are a defect, whose place only the slow way knows.
        let unused = match rest {
            [_, last] => value(*last) & 0x0f,
            [_, _, last] => value(*last) & 0x03,
            _ => 0,
        };
        let whole_group = 4usize.checked_sub(rest.len() + padding);
        if !last || (padding > 0 && (rest.len() < 2 || whole_group.is_none() || unused != 0)) {
            return None;
        }
        let start = out.len();
        out.resize(start + whole.len() / 4 * 3, 0);
        let decoded = STANDARD_NO_PAD.decode_slice(whole, out.get_mut(start..)?);
        if decoded != Ok(out.len() - start) {
            out.truncate(start);
            return None;
        }
        self.digits = 0;
        for digit in rest {
            self.digit(*digit, out);
        }
        if padding > 0 {
            self.flush(out);
            self.padded = true;
            self.padding = whole_group.unwrap_or(0) as u8;
        }
        Some(())
    }

    fn slow<S: Sink>(&mut self, input: &[u8], out: &mut S) {
        let mut rest = input;
        while let [byte, behind @ ..] = rest {
            if self.digits == 0
                && !self.padded
                && let Some((group, behind)) = rest.split_first_chunk()
                && let Some(bytes) = three_bytes(group)
            {
                out.extend(&bytes);
                self.offset += 4;
                rest = behind;
                continue;
            }
            self.byte(*byte, out);
            self.offset += 1;
            rest = behind;
        }
    }

    fn byte<S: Sink>(&mut self, byte: u8, out: &mut S) {
        match (byte, value(byte)) {
            (b'=', _) => match self.digits {
                2 | 3 => {
                    self.padding = 3 - self.digits;
                    self.flush(out);
                    self.padded = true;
                }
                0 if self.padding > 0 => self.padding -= 1,
                _ => self.defects.add(DefectKind::Base64Junk, self.offset),
            },
            (b' ' | b'\t' | b'\r' | b'\n', _) => {}
            (b'-' | b'_', _) => self.defects.add(DefectKind::Base64UrlDigit, self.offset),
            (_, INVALID) => self.defects.add(DefectKind::Base64Junk, self.offset),
            _ => {
                if self.padded {
                    self.too_short();
                    self.padded = false;
                    let kind = DefectKind::Base64AfterPadding;
                    self.defects.add(kind, self.offset);
                }
                self.digit(byte, out);
            }
        }
    }

    /// No padding comes any more.
    fn too_short(&mut self) {
        if core::mem::take(&mut self.padding) > 0 {
            self.defects.add(DefectKind::Base64Truncated, self.offset);
        }
    }

    fn pending(&self) -> &[u8] {
        let digits = usize::from(self.digits);
        self.group.get(..digits).unwrap_or_default()
    }

    fn digit<S: Sink>(&mut self, digit: u8, out: &mut S) {
        if let Some(slot) = self.group.get_mut(usize::from(self.digits)) {
            *slot = digit;
            self.digits += 1;
        }
        if self.digits == 4 {
            self.flush(out);
        }
    }

    /// Gives out the whole bytes of the group.
    fn flush<S: Sink>(&mut self, out: &mut S) {
        let mut group = [b'A'; 4];
        let digits = usize::from(self.digits);
        for (to, from) in group.iter_mut().zip(self.pending()) {
            *to = *from;
        }
        if let Some(bytes) = three_bytes(&group) {
            let (whole, stray) = bytes.split_at(digits * 6 / 8);
            out.extend(whole);
            if digits > 1 && stray.iter().any(|b| *b != 0) {
                self.defects.add(DefectKind::Base64StrayBits, self.offset);
            }
        }
        self.digits = 0;
    }

    /// The body is over: appends what an unfinished group holds.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.too_short();
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

/// Decodes the next lines of `LINE` bytes, and says whether there was nothing in them but
/// digits and that line end. What it decoded counts only then.
#[cfg(feature = "encodify")]
fn lines_of<'i, const LINE: usize, const EOL: usize>(
    input: &'i [u8],
    eol: [u8; EOL],
    out: &mut Vec<u8>,
) -> (&'i [u8], bool) {
    /// So many are decoded once more if there is anything else in them; a CPU's second cache
    /// holds them beside what is made of them.
    const MOST: usize = 256;
    let (lines, _) = input.as_chunks::<LINE>();
    let lines = lines.get(..MOST).unwrap_or(lines);
    let decoded = encodify::base64::MIME.decode_append(lines.as_flattened(), out);
    // White space and padding are taken anywhere, and nobody is told. But where all line
    // ends are, there are fewer digits then, and never as many bytes.
    let ends = |line: &[u8; LINE]| line.last_chunk() == Some(&eol);
    let all = decoded == Ok(lines.len() * ((LINE - EOL) / 4 * 3))
        && lines.iter().fold(true, |all, line| all & ends(line));
    (lines.as_flattened(), all)
}

/// Moves lines that are all of `DIGITS` characters, and `LINE` with their ends, as
/// many as there are and have room: how many bytes it took, and how many it put. That
/// there is no line end among the digits is found out when they are decoded.
fn lines<const DIGITS: usize, const LINE: usize>(input: &[u8], to: &mut [u8]) -> (usize, usize) {
    let mut count = 0;
    let (lines, _) = input.as_chunks::<LINE>();
    let (spaces, _) = to.as_chunks_mut::<DIGITS>();
    for (line, space) in lines.iter().zip(spaces) {
        let Some((digits, end)) = line.split_first_chunk::<DIGITS>() else {
            break;
        };
        if end != b"\r\n" && (end != b"\n" || digits.ends_with(b"\r")) {
            break;
        }
        *space = *digits;
        count += 1;
    }
    (count * LINE, count * DIGITS)
}

/// The length of what [`Base64`] makes of a body.
pub(super) fn decoded_len(body: &[u8]) -> u64 {
    let (mut length, mut digits, mut rest) = (0, 0u64, body);
    loop {
        let end = memchr(b'=', rest);
        let text = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        // In pieces whose count fits a byte: that is counted many at a time.
        for piece in text.chunks(255) {
            digits += u64::from(piece.iter().map(|b| u8::from(is_digit(*b))).sum::<u8>());
        }
        length += digits / 4 * 3;
        digits %= 4;
        if end.is_none() || digits >= 2 {
            length += digits * 6 / 8;
            digits = 0;
        }
        let Some(end) = end else { return length };
        rest = rest.get(end + 1..).unwrap_or_default();
    }
}

/// What a digit stands for.
pub(crate) fn digit_value(byte: u8) -> Option<u8> {
    Some(value(byte)).filter(|value| *value != INVALID)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | (byte == b'+') | (byte == b'/')
}

fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(INVALID)
}

fn three_bytes(group: &[u8; 4]) -> Option<[u8; 3]> {
    let [a, b, c, d] = group.map(value);
    // A value has six bits, INVALID has all.
    if (a | b | c | d) == INVALID {
        return None;
    }
    Some([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d])
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
        check(b"SG-Vs_bG8=", b"Hello", &[Base64UrlDigit]);
        check(b"S", b"", &[Base64Truncated]);
        check(b"S===", b"", &[Base64Junk, Base64Truncated]);
        check(b"====", b"", &[Base64Junk]);
        let long = "QUFB".repeat(40);
        for (end, kinds) in [
            ("SQ==", &[][..]),
            ("SQ=", &[Base64Truncated]),
            ("SQ===", &[Base64Junk]),
            ("SGVsbG8=", &[]),
            ("SGVsbG8==", &[Base64Junk]),
        ] {
            let text = long.clone() + end;
            let (_, found) = run(&TransferEncoding::Base64, text.as_bytes());
            assert_eq!(found, kinds, "{end}");
        }
        check(b"SQ==", b"I", &[]);
        check(b"SQ===", b"I", &[Base64Junk]);
        check(b"SQ=", b"I", &[Base64Truncated]);
        check(b"SQ=SQ==", b"II", &[Base64Truncated, Base64AfterPadding]);
        check(b"SGVsbG8==", b"Hello", &[Base64Junk]);
        check(b"S=Q==", b"I", &[Base64Junk]);
        check(b"", b"", &[]);
        // Stray bits behind the last byte.
        check(b"SR==", b"I", &[Base64StrayBits]);
        check(b"SR", b"I", &[Base64Truncated, Base64StrayBits]);
    }

    #[test]
    fn stray_bits_are_in_the_same_place_at_any_cut() {
        let text = "QUJD".repeat(40) + "SR==\r\n";
        let found = |size: usize| {
            let (mut decoder, mut out) = (Base64::new(), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                decoder.decode(piece, &mut out);
            }
            decoder.finish(&mut out);
            decoder.defects().to_vec()
        };
        let wanted = [Defect::new(DefectKind::Base64StrayBits, 162)];
        for size in [1, 7, 100, 162, 1000] {
            assert_eq!(found(size), wanted, "{size}");
        }
    }

    #[test]
    fn long_bodies_are_read_as_short_ones() {
        use DefectKind::*;
        let line = "QUJD".repeat(19);
        for (end, defects) in [
            ("", &[][..]),
            ("SQ==", &[]),
            ("SQ==\r\n", &[]),
            ("SQ=", &[Base64Truncated]),
            ("SQ", &[Base64Truncated]),
            ("S=", &[Base64Junk, Base64Truncated]),
            ("=", &[Base64Junk]),
            ("SQ==QUJD", &[Base64AfterPadding]),
            (&alloc::format!("{line}\r"), &[]),
            ("SQ==\r\n-- \r\n", &[Base64UrlDigit]),
        ] {
            let mut text = alloc::format!("{line}\r\n").repeat(300);
            text.push_str(end);
            let (out, kinds) = run(&TransferEncoding::Base64, text.as_bytes());
            assert_eq!(kinds, defects, "{end}");
            assert_eq!(out.get(..17_100), Some(&b"ABC".repeat(5700)[..]), "{end}");
            let (tail, _) = run(&TransferEncoding::Base64, end.as_bytes());
            assert_eq!(out.get(17_100..), Some(&tail[..]), "{end}");
        }
    }

    #[test]
    fn defects_have_the_offset_of_their_byte() {
        let mut text = b"QUJD".repeat(8000);
        text[25_003] = b'%';
        let mut decoder = Base64::new();
        let mut out = vec![];
        decoder.decode(&text, &mut out);
        decoder.finish(&mut out);
        assert_eq!(decoder.defects()[0].offset, 25_003);
        assert_eq!(out.len(), 23_999);
    }

    /// Digit by digit, which is what decoding means.
    fn digit_by_digit(text: &[u8]) -> (Vec<u8>, Vec<Defect>) {
        let (mut decoder, mut out) = (Base64::new(), Vec::new());
        for byte in text {
            decoder.byte(*byte, &mut out);
            decoder.offset += 1;
        }
        decoder.finish(&mut out);
        (out, decoder.defects.0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn lines_are_decoded_as_their_digits_are(
            digits in prop::sample::select(&[76usize, 72, 64, 60, 68, 75, 20][..]),
            eol in prop::sample::select(&["\r\n", "\n"][..]),
            count in prop::sample::select(&[1usize, 2, 5, 300][..]),
            last in "[A-Za-z0-9+/]{0,76}={0,3}",
            // A byte of a line, counted from either end, and what it is instead.
            changes in prop::collection::vec((0..4usize, 0usize..90, any::<bool>(), "[A=\\-_%\r\n \t\x0b\x0c\0]|"), 0..4),
            cut in prop::sample::select(&[usize::MAX, usize::MAX, 1000, 78, 50][..]),
        ) {
            let line = "QUJDRUZHSElKS0xNTk9QUVJTVFVWV1hZWmFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1Njc4OTA=";
            let line = alloc::format!("{}{eol}", &line[..digits]);
            let mut text = (line.repeat(count) + &last).into_bytes();
            for (line_number, at, from_end, byte) in changes {
                let at = if from_end { line.len().saturating_sub(at % 3 + 1) } else { at };
                let at = line_number * line.len() + at;
                if at < text.len() {
                    text.splice(at..=at, byte.bytes());
                }
            }
            let (mut decoder, mut out) = (Base64::new(), Vec::new());
            for piece in text.chunks(cut) {
                decoder.decode(piece, &mut out);
            }
            decoder.finish(&mut out);
            let (bytes, defects) = digit_by_digit(&text);
            prop_assert_eq!(decoded_len(&text), bytes.len() as u64);
            prop_assert_eq!(out, bytes, "{}", text.escape_ascii());
            prop_assert_eq!(decoder.defects.0, defects, "{}", text.escape_ascii());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_was_encoded_comes_back(data in proptest::collection::vec(any::<u8>(), 0..20_000), width in 1usize..100, crlf: bool, cut in 1usize..3000) {
            let mut encoded = vec![0; data.len().div_ceil(3) * 4];
            base64_turbo::STANDARD.encode_slice(&data, &mut encoded).unwrap();
            let mut text = vec![];
            for line in encoded.chunks(width) {
                text.extend_from_slice(line);
                text.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
            }
            let (out, kinds) = run(&TransferEncoding::Base64, &text);
            prop_assert_eq!(&out, &data);
            prop_assert_eq!(&kinds, &vec![]);
            let mut decoder = Base64::new();
            let mut pieces = vec![];
            text.chunks(cut).for_each(|piece| decoder.decode(piece, &mut pieces));
            decoder.finish(&mut pieces);
            prop_assert_eq!(pieces, data);
        }
    }
}

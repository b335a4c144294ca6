//! quoted-printable (RFC 2045 6.7), as it is found.

use alloc::vec::Vec;

use super::swar::{WORD, below, equal, first};
use super::{Firsts, Length, Sink};
use crate::{Defect, DefectKind};

/// White space that may be the end of a line is held back up to so many bytes. A
/// line has at most 76 (rule 5), and no line of mail more than 998.
const SPACE: usize = 1024;

/// Input that is decoded before the space for it is made: a part of what a CPU's
/// first cache holds.
const BLOCK: usize = 8 << 10;

/// So many bytes are looked at at a time: two words, or a vector.
const WIDE: usize = 2 * WORD;

/// Decodes quoted-printable. Line ends stay as they are; white space before them
/// is dropped; `=` that begins no escape is taken as it is.
#[derive(Clone, Debug, Default)]
pub struct QuotedPrintable {
    offset: u64,
    state: State,
    /// White space that counts only if something follows it on its line.
    space: Space,
    defects: Firsts,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind a CR that is not given out yet.
    Cr,
    /// Behind `=`.
    Escape,
    /// Behind `=` and this digit.
    Digit(u8),
    /// Behind `=` and white space, which is in `space`.
    Soft,
    /// The same, and a CR.
    SoftCr,
}

/// Not a digit. Lower case is one, with [`LOWER`] set.
const INVALID: u8 = 0x80;
const LOWER: u8 = 0x40;

const DIGITS: [u8; 256] = {
    let mut digits = [INVALID; 256];
    let mut i = 0;
    while i < 16 {
        digits[b"0123456789ABCDEF"[i as usize] as usize] = i;
        i += 1;
    }
    while i > 10 {
        i -= 1;
        digits[b"0123456789abcdef"[i as usize] as usize] = i | LOWER;
    }
    digits
};

fn digit(byte: u8) -> u8 {
    DIGITS.get(usize::from(byte)).copied().unwrap_or(INVALID)
}

/// The byte of two digits, and whether one is in lower case.
fn escape(high: u8, low: u8) -> Option<(u8, bool)> {
    let (high, low) = (digit(high), digit(low));
    let marks = high | low;
    let byte = high << 4 | (low & 0x0f);
    (marks & INVALID == 0).then_some((byte, marks & LOWER != 0))
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

impl QuotedPrintable {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes the next bytes and appends what is complete to `out`.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() + SPACE);
        for block in input.chunks(BLOCK) {
            let start = out.len();
            // What is held may come out too.
            out.resize(start + block.len() + SPACE + WIDE, 0);
            let mut room = Room {
                bytes: out.get_mut(start..).unwrap_or_default(),
                length: 0,
            };
            self.run(block, &mut room);
            let length = room.length;
            out.truncate(start + length);
        }
    }

    fn run<R: Output>(&mut self, input: &[u8], out: &mut R) {
        if !input.is_ascii()
            && let Some(at) = input.iter().position(|b| *b >= 0x80)
        {
            self.defects
                .add(DefectKind::EightBitBody, self.offset + at as u64);
        }
        let mut rest = input;
        while let [byte, behind @ ..] = rest {
            if self.state == State::Text && self.space.length == 0 && rest.len() >= WIDE {
                let taken = self.fast(rest, out);
                self.offset += taken as u64;
                if taken > 0 {
                    rest = rest.get(taken..).unwrap_or_default();
                    continue;
                }
            }
            self.byte(*byte, out);
            rest = behind;
        }
    }

    /// Decodes what needs no memory of what was before; gives how much that is.
    fn fast<R: Output>(&mut self, input: &[u8], out: &mut R) -> usize {
        // `text`: behind the last line end or escape. White space is the end of a line
        // from there on only.
        let (mut at, mut text) = (0, 0);
        while let Some(bytes) = input.get(at..).and_then(<[u8]>::first_chunk::<WIDE>) {
            out.put(bytes);
            if !has_special(bytes) {
                out.advance(WIDE);
                at += WIDE;
                continue;
            }
            let n = special(bytes);
            out.advance(n);
            at += n;
            match input.get(at..) {
                Some([b'=', high, low, ..]) => {
                    if let Some(escaped) = escape(*high, *low) {
                        at = self.escapes(input, at, escaped, out);
                    } else if (*high, *low) == (b'\r', b'\n') {
                        at += 3;
                    } else if *high == b'\n' {
                        at += 2;
                    } else {
                        break;
                    }
                    text = at;
                }
                Some([b'\r', b'\n', ..]) => {
                    self.end_line(input, text..at, out);
                    out.push(b'\r');
                    out.push(b'\n');
                    at += 2;
                    text = at;
                }
                Some([b'\n', ..]) => {
                    self.end_line(input, text..at, out);
                    out.push(b'\n');
                    at += 1;
                    text = at;
                }
                Some([b'\r', _, ..]) => {
                    let offset = self.offset + at as u64;
                    self.defects.add(DefectKind::BareCrInBody, offset);
                    out.push(b'\r');
                    at += 1;
                }
                // What is behind it is not here yet.
                Some([b'=' | b'\r', ..]) | Some([]) | None => break,
                // A tab, or another control character.
                Some([byte, ..]) => {
                    out.push(*byte);
                    at += 1;
                }
            }
        }
        // White space may turn out to be the end of a line.
        let sure = text + sure(input.get(text..at).unwrap_or_default());
        out.back(at - sure);
        sure
    }

    /// Decodes escapes that follow each other, the first of which is at `at`; gives where
    /// they end.
    fn escapes<R: Output>(
        &mut self,
        input: &[u8],
        mut at: usize,
        first: (u8, bool),
        out: &mut R,
    ) -> usize {
        let (mut byte, mut lower) = first;
        loop {
            if lower {
                let offset = self.offset + at as u64;
                self.defects.add(DefectKind::QpLowerCase, offset);
            }
            out.push(byte);
            at += 3;
            let Some([b'=', high, low, ..]) = input.get(at..) else {
                return at;
            };
            let Some(next) = escape(*high, *low) else {
                return at;
            };
            (byte, lower) = next;
        }
    }

    /// Takes back the white space at the end of a line.
    fn end_line<R: Output>(&mut self, input: &[u8], line: core::ops::Range<usize>, out: &mut R) {
        let end = line.end;
        let line = input.get(line).unwrap_or_default();
        if !line.last().is_some_and(|b| is_space(*b)) {
            return;
        }
        let spaces = line.len() - sure(line);
        // What is held is given out when it is full.
        let dropped = (spaces - 1) % SPACE + 1;
        out.back(dropped);
        let at = self.offset + (end - dropped) as u64;
        self.defects.add(DefectKind::QpTrailingSpace, at);
    }

    fn byte<S: Sink>(&mut self, byte: u8, out: &mut S) {
        self.state = match (self.state, byte) {
            (State::Escape, first) if digit(first) != INVALID => State::Digit(first),
            (State::Escape, b' ' | b'\t') => {
                self.space.push(byte);
                State::Soft
            }
            (State::Soft, b' ' | b'\t') if self.space.length < SPACE => {
                self.space.push(byte);
                State::Soft
            }
            (State::Escape | State::Soft, b'\r') => State::SoftCr,
            (State::Escape | State::Soft | State::SoftCr, b'\n') => {
                if self.space.length > 0 {
                    let held = self.space.length as u64;
                    let cr = u64::from(self.state == State::SoftCr);
                    let at = self.offset.saturating_sub(held + cr);
                    self.defects.add(DefectKind::QpTrailingSpace, at);
                }
                self.space.length = 0;
                State::Text
            }
            (State::Digit(high), low) if digit(low) != INVALID => {
                let (value, lower) = escape(high, low).unwrap_or_default();
                if lower {
                    let at = self.offset.saturating_sub(2);
                    self.defects.add(DefectKind::QpLowerCase, at);
                }
                out.extend(&[value]);
                State::Text
            }
            (State::Escape | State::Digit(_) | State::Soft | State::SoftCr, _) => {
                self.give_up(out);
                self.text(byte, out)
            }
            (State::Cr, b'\n') => {
                self.drop_space(1);
                out.extend(b"\r\n");
                State::Text
            }
            (State::Cr, _) => {
                self.bare_cr(out);
                self.text(byte, out)
            }
            (State::Text, _) => self.text(byte, out),
        };
        self.offset += 1;
    }

    fn text<S: Sink>(&mut self, byte: u8, out: &mut S) -> State {
        match byte {
            b' ' | b'\t' => {
                if self.space.length >= SPACE {
                    self.space.give(out);
                }
                self.space.push(byte);
            }
            b'\r' => return State::Cr,
            b'\n' => {
                self.drop_space(0);
                out.extend(b"\n");
            }
            b'=' => {
                self.space.give(out);
                return State::Escape;
            }
            byte => {
                self.space.give(out);
                out.extend(&[byte]);
            }
        }
        State::Text
    }

    fn bare_cr<S: Sink>(&mut self, out: &mut S) {
        self.space.give(out);
        out.extend(b"\r");
        let at = self.offset.saturating_sub(1);
        self.defects.add(DefectKind::BareCrInBody, at);
    }

    /// `=` and what was held behind it are no escape: they are themselves.
    fn give_up<S: Sink>(&mut self, out: &mut S) {
        let held = match self.state {
            State::Digit(_) => 1,
            State::SoftCr => self.space.length + 1,
            _ => self.space.length,
        };
        let at = self.offset.saturating_sub(held as u64 + 1);
        self.defects.add(DefectKind::QpBadEscape, at);
        out.extend(b"=");
        self.space.give(out);
        match self.state {
            State::Digit(digit) => out.extend(&[digit]),
            State::SoftCr => out.extend(b"\r"),
            _ => {}
        }
    }

    /// The white space in hand is the end of a line; `behind` it is a CR or nothing.
    fn drop_space(&mut self, behind: u64) {
        if self.space.length > 0 {
            let held = self.space.length as u64 + behind;
            let at = self.offset.saturating_sub(held);
            self.defects.add(DefectKind::QpTrailingSpace, at);
            self.space.length = 0;
        }
    }

    /// The body is over: a soft line break or white space at its end is dropped.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.end(out);
    }

    fn end<S: Sink>(&mut self, out: &mut S) {
        match self.state {
            State::Text => self.drop_space(0),
            State::Cr => self.bare_cr(out),
            State::Digit(_) => self.give_up(out),
            State::Escape | State::Soft | State::SoftCr => {
                self.space.length = 0;
                self.defects.add(DefectKind::QpSoftBreakAtEnd, self.offset);
            }
        }
        self.state = State::Text;
    }

    /// What was wrong: the first of each kind, with its offset in the encoded body.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects.0
    }
}

/// Whether there is `=` or a control character up to CR in it. A compiler makes a
/// comparison of vectors of it.
fn has_special(bytes: &[u8; WIDE]) -> bool {
    let special = |b: &u8| (*b == b'=') | (*b <= b'\r');
    bytes.iter().fold(false, |any, b| any | special(b))
}

/// Where the first of them is.
fn special(bytes: &[u8; WIDE]) -> usize {
    let (words, _) = bytes.as_chunks::<WORD>();
    let hits = |word: &[u8; WORD]| {
        let word = u64::from_le_bytes(*word);
        equal(word, b'=') | below(word, b'\r' + 1)
    };
    match words {
        [low, high] => match first(hits(low)) {
            Some(n) => n,
            None => WORD + first(hits(high)).unwrap_or(WORD),
        },
        _ => WIDE,
    }
}

/// How much of `line` is before the white space at its end.
fn sure(line: &[u8]) -> usize {
    let last = line.iter().rposition(|b| !is_space(*b));
    last.map_or(0, |n| n + 1)
}

/// White space, a bit for each: set for a tab.
#[derive(Clone, Debug, Default)]
struct Space {
    length: usize,
    tabs: [u64; SPACE / 64],
}

impl Space {
    fn push(&mut self, byte: u8) {
        if let Some(bits) = self.tabs.get_mut(self.length / 64) {
            let bit = 1 << (self.length % 64);
            *bits = match byte {
                b'\t' => *bits | bit,
                _ => *bits & !bit,
            };
            self.length += 1;
        }
    }

    fn give<S: Sink>(&mut self, out: &mut S) {
        for n in 0..self.length {
            let bits = self.tabs.get(n / 64).copied().unwrap_or(0);
            let tab = bits >> (n % 64) & 1 == 1;
            out.extend(if tab { b"\t" } else { b" " });
        }
        self.length = 0;
    }
}

/// Where decoded bytes go that may be taken back.
trait Output: Sink {
    /// Puts bytes, of which [`advance`](Self::advance) says how many count.
    fn put(&mut self, bytes: &[u8; WIDE]);
    fn advance(&mut self, n: usize);
    fn back(&mut self, n: usize);
    fn push(&mut self, byte: u8);
}

/// Room that is never too small.
struct Room<'o> {
    bytes: &'o mut [u8],
    length: usize,
}

impl Sink for Room<'_> {
    fn extend(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.push(*byte);
        }
    }
}

impl Output for Room<'_> {
    fn put(&mut self, bytes: &[u8; WIDE]) {
        if let Some(space) = self.bytes.get_mut(self.length..self.length + WIDE) {
            space.copy_from_slice(bytes);
        }
    }

    fn advance(&mut self, n: usize) {
        self.length += n;
    }

    fn back(&mut self, n: usize) {
        self.length = self.length.saturating_sub(n);
    }

    fn push(&mut self, byte: u8) {
        if let Some(space) = self.bytes.get_mut(self.length) {
            *space = byte;
        }
        self.length += 1;
    }
}

impl Output for Length {
    fn put(&mut self, _: &[u8; WIDE]) {}

    fn advance(&mut self, n: usize) {
        self.0 += n as u64;
    }

    fn back(&mut self, n: usize) {
        self.0 = self.0.saturating_sub(n as u64);
    }

    fn push(&mut self, _: u8) {
        self.0 += 1;
    }
}

/// The length of what [`QuotedPrintable`] makes of a body.
pub(super) fn decoded_len(body: &[u8]) -> u64 {
    let (mut decoder, mut length) = (QuotedPrintable::new(), Length(0));
    decoder.run(body, &mut length);
    decoder.end(&mut length);
    length.0
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::*;
    use crate::TransferEncoding;
    use alloc::string::ToString;

    /// As it is, and behind and before what goes fast.
    fn check(text: &[u8], bytes: &[u8], defects: &[DefectKind]) {
        for (before, behind) in [(0, 0), (40, 0), (40, 40), (0, 40), (3, 5)] {
            let (before, behind) = (b"x".repeat(before), b"x".repeat(behind));
            if !behind.is_empty() && matches!(text.last(), Some(b' ' | b'\r' | b'=' | b'4')) {
                continue; // what follows makes it another text
            }
            let text = [&before, text, &behind].concat();
            let bytes = [&before, bytes, &behind].concat();
            let (out, kinds) = run(&TransferEncoding::QuotedPrintable, &text);
            let (out, bytes) = (out.escape_ascii(), bytes.escape_ascii());
            assert_eq!(out.to_string(), bytes.to_string());
            assert_eq!(kinds, defects, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn rfc2045_section_6_7() {
        check(
            b"Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.",
            b"Now's the time for all folk to come to the aid of their country.",
            &[],
        );
        check(b"=3D=0C=E2\r\na\nb", b"=\x0c\xe2\r\na\nb", &[]);
    }

    #[test]
    fn mi09_quoted_printable_is_read_one_way() {
        use DefectKind::*;
        check(b"a=XYb", b"a=XYb", &[QpBadEscape]);
        check(b"a=4", b"a=4", &[QpBadEscape]);
        check(b"a=4\r\nb", b"a=4\r\nb", &[QpBadEscape]);
        check(b"=e2\r", b"\xe2\r", &[QpLowerCase, BareCrInBody]);
        check(b"=E2\rx", b"\xe2\rx", &[BareCrInBody]);
        check(b"=e2=Aa", b"\xe2\xaa", &[QpLowerCase]);
        check(b"a \t\r\nb  \nc d ", b"a\r\nb\nc d", &[QpTrailingSpace]);
        check(b"a=20\r\nb=09\n", b"a \r\nb\t\n", &[]);
        check(b"a= \t\r\nb", b"ab", &[QpTrailingSpace]);
        check(b"a=\nb", b"ab", &[]);
        check(b"a= b", b"a= b", &[QpBadEscape]);
        check(b"a=\rb", b"a=\rb", &[QpBadEscape]);
        check(b"a=", b"a", &[QpSoftBreakAtEnd]);
        check(b"a=\r", b"a", &[QpSoftBreakAtEnd]);
        check(b"a=\r\n", b"a", &[]);
        check(b"==3D", b"==", &[QpBadEscape]);
        check(b"\xfc\x00\tb", b"\xfc\x00\tb", &[EightBitBody]);
    }

    #[test]
    fn white_space_without_end_is_given_out() {
        let flood = b" ".repeat(10_000);
        let (out, _) = run(&TransferEncoding::QuotedPrintable, &flood);
        assert_eq!(out.len(), 9 * 1024);
        let line = [&flood[..], b"\nabcdefghi"].concat();
        let (out, _) = run(&TransferEncoding::QuotedPrintable, &line);
        assert_eq!(out.len(), 9 * 1024 + 10);
        let line = [&flood[..], b".\nabcdefghi"].concat();
        let (out, _) = run(&TransferEncoding::QuotedPrintable, &line);
        assert_eq!(out, line);
    }

    #[test]
    fn defects_have_the_offset_of_their_byte() {
        let text = [&b"x".repeat(20_000)[..], b"abc \t\r\n=aa\rx=Q"].concat();
        let mut decoder = QuotedPrintable::new();
        let mut out = Vec::new();
        decoder.decode(&text, &mut out);
        decoder.finish(&mut out);
        let found = decoder.defects().iter().map(|d| d.offset - 20_000);
        assert_eq!(found.collect::<Vec<_>>(), [3, 7, 10, 12]);
    }
}

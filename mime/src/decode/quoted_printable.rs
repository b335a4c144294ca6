//! quoted-printable (RFC 2045 6.7), as it is found.

use alloc::vec::Vec;

use memchr::memchr2;

use super::Firsts;
use crate::value::parameter::hex;
use crate::{Defect, DefectKind};

/// White space that may be the end of a line is held back up to so many bytes. A
/// line has at most 76 (rule 5).
const SPACE: usize = 1000;

/// Decodes quoted-printable. Line ends stay as they are; white space before them
/// is dropped; `=` that begins no escape is taken as it is.
#[derive(Clone, Debug, Default)]
pub struct QuotedPrintable {
    offset: u64,
    state: State,
    /// White space that counts only if something follows it on its line.
    space: Vec<u8>,
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

impl QuotedPrintable {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes the next bytes and appends what is complete to `out`.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len());
        let mut rest = input;
        while let Some(first) = rest.first() {
            let mut taken = 1;
            if self.state == State::Text && self.space.is_empty() {
                if let [b'=', high, low, ..] = rest
                    && let (Some(high), Some(low)) = (hex(*high), hex(*low))
                {
                    out.push(high << 4 | low);
                    self.offset += 3;
                    rest = rest.get(3..).unwrap_or_default();
                    continue;
                }
                let end = memchr2(b'=', b'\n', rest).unwrap_or(rest.len());
                let line = rest.get(..end).unwrap_or(rest);
                // What may be the end of the line goes the slow way.
                let sure = line
                    .iter()
                    .rposition(|b| !matches!(b, b' ' | b'\t' | b'\r'))
                    .map_or(0, |n| n + 1);
                if sure > 0 {
                    out.extend_from_slice(line.get(..sure).unwrap_or(line));
                    self.offset += sure as u64;
                    taken = sure;
                } else {
                    self.byte(*first, out);
                }
            } else {
                self.byte(*first, out);
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.state = match (self.state, byte) {
            (State::Escape, digit) if hex(digit).is_some() => State::Digit(digit),
            (State::Escape, b' ' | b'\t') => {
                self.space.push(byte);
                State::Soft
            }
            (State::Soft, b' ' | b'\t') if self.space.len() < SPACE => {
                self.space.push(byte);
                State::Soft
            }
            (State::Escape | State::Soft, b'\r') => State::SoftCr,
            (State::Escape | State::Soft | State::SoftCr, b'\n') => {
                self.space.clear();
                State::Text
            }
            (State::Digit(high), low) if hex(low).is_some() => {
                let value = hex(high).unwrap_or(0) << 4 | hex(low).unwrap_or(0);
                out.push(value);
                State::Text
            }
            (State::Escape | State::Digit(_) | State::Soft | State::SoftCr, _) => {
                self.give_up(out);
                self.text(byte, out)
            }
            (State::Cr, b'\n') => {
                self.drop_space();
                out.extend_from_slice(b"\r\n");
                State::Text
            }
            (State::Cr, _) => {
                out.append(&mut self.space);
                out.push(b'\r');
                self.text(byte, out)
            }
            (State::Text, _) => self.text(byte, out),
        };
        self.offset += 1;
    }

    fn text(&mut self, byte: u8, out: &mut Vec<u8>) -> State {
        match byte {
            b' ' | b'\t' => {
                if self.space.len() >= SPACE {
                    out.append(&mut self.space);
                }
                self.space.push(byte);
            }
            b'\r' => return State::Cr,
            b'\n' => {
                self.drop_space();
                out.push(b'\n');
            }
            b'=' => {
                out.append(&mut self.space);
                return State::Escape;
            }
            byte => {
                out.append(&mut self.space);
                out.push(byte);
            }
        }
        State::Text
    }

    /// `=` and what was held behind it are no escape: they are themselves.
    fn give_up(&mut self, out: &mut Vec<u8>) {
        let held = match self.state {
            State::Digit(_) => 1,
            State::SoftCr => self.space.len() + 1,
            _ => self.space.len(),
        };
        let at = self.offset.saturating_sub(held as u64 + 1);
        self.defects.add(DefectKind::QpBadEscape, at);
        out.push(b'=');
        out.append(&mut self.space);
        match self.state {
            State::Digit(digit) => out.push(digit),
            State::SoftCr => out.push(b'\r'),
            _ => {}
        }
    }

    fn drop_space(&mut self) {
        if !self.space.is_empty() {
            let at = self.offset.saturating_sub(self.space.len() as u64);
            self.defects.add(DefectKind::QpTrailingSpace, at);
            self.space.clear();
        }
    }

    /// The body is over: a soft line break or white space at its end is dropped.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match self.state {
            State::Text => self.drop_space(),
            State::Cr => {
                out.append(&mut self.space);
                out.push(b'\r');
            }
            State::Digit(_) => self.give_up(out),
            State::Escape | State::Soft | State::SoftCr => {
                self.space.clear();
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

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::*;
    use crate::TransferEncoding;

    fn check(text: &[u8], bytes: &[u8], defects: &[DefectKind]) {
        let (out, kinds) = run(&TransferEncoding::QuotedPrintable, text);
        assert_eq!(
            out.escape_ascii().to_string(),
            bytes.escape_ascii().to_string()
        );
        assert_eq!(kinds, defects, "{}", text.escape_ascii());
    }

    use alloc::string::ToString;

    #[test]
    fn rfc2045_section_6_7() {
        check(
            b"Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.",
            b"Now's the time for all folk to come to the aid of their country.",
            &[],
        );
        check(b"=3D=0C=e2\r\na\nb", b"=\x0c\xe2\r\na\nb", &[]);
    }

    #[test]
    fn mi09_quoted_printable_is_read_one_way() {
        use DefectKind::*;
        check(b"a=XYb", b"a=XYb", &[QpBadEscape]);
        check(b"a=4", b"a=4", &[QpBadEscape]);
        check(b"a=4\r\nb", b"a=4\r\nb", &[QpBadEscape]);
        check(b"=e2\r", b"\xe2\r", &[]);
        check(b"=e2\rx", b"\xe2\rx", &[]);
        check(b"a \t\r\nb  \nc d ", b"a\r\nb\nc d", &[QpTrailingSpace]);
        check(b"a= \t\r\nb", b"ab", &[]);
        check(b"a=\nb", b"ab", &[]);
        check(b"a= b", b"a= b", &[QpBadEscape]);
        check(b"a=\rb", b"a=\rb", &[QpBadEscape]);
        check(b"a=", b"a", &[QpSoftBreakAtEnd]);
        check(b"a=\r", b"a", &[QpSoftBreakAtEnd]);
        check(b"a=\r\n", b"a", &[]);
        check(b"==3D", b"==", &[QpBadEscape]);
    }

    #[test]
    fn white_space_without_end_is_given_out() {
        let flood = b" ".repeat(10_000);
        let (out, _) = run(&TransferEncoding::QuotedPrintable, &flood);
        assert_eq!(out.len(), 9_000);
    }
}

//! quoted-printable (RFC 2045 6.7), as it is found: byte by byte, which is what decoding means,
//! and in [stretches](stretch), which is what it costs.

mod stretch;

use alloc::vec::Vec;

use super::{Firsts, Sink};
use crate::{Defect, DefectKind};
pub(super) use stretch::decoded_len;
use stretch::{FEW, Room};

/// White space that may be the end of a line is held back up to so many bytes. A
/// line has at most 76 (rule 5), and no line of mail more than 998.
const SPACE: usize = 1024;

/// The most bytes that are held: the white space, `=` before it and CR behind.
const HELD: usize = SPACE + 2;

/// Input that is decoded before the space for it is made: a part of what a CPU's
/// first cache holds.
const BLOCK: usize = 8 << 10;

/// Decodes quoted-printable. Line ends stay as they are; white space before them
/// is dropped; `=` that begins no escape is taken as it is.
#[derive(Clone, Debug, Default)]
pub struct QuotedPrintable {
    offset: u64,
    state: State,
    /// White space that counts only if something follows it on its line.
    space: Space,
    defects: Firsts,
    told: Told,
}

/// What was noted of a body that may be so in each of its bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    bad_escape: bool,
    bare_cr: bool,
    lower_case: bool,
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

/// A digit is in lower case, the first or the second.
const LOWER: u16 = LOWER_FIRST | LOWER_SECOND;
const LOWER_FIRST: u16 = 1 << 8;
const LOWER_SECOND: u16 = 1 << 9;
/// It is a soft line break.
const SOFT: u16 = 1 << 10;
/// It is neither that nor an escape: a byte is none of what may be in its place, or there is
/// CR or LF of CRLF without the other. Both have the bit for that, and lose it together.
const WRONG: u16 = WRONG_FIRST | WRONG_SECOND | HALF;
const WRONG_FIRST: u16 = 1 << 11;
const WRONG_SECOND: u16 = 1 << 12;
const HALF: u16 = 1 << 13;

/// What the first byte behind `=` makes of an escape.
static FIRST: [u16; 256] = {
    let mut first = digits(4, LOWER_FIRST, WRONG_FIRST);
    first[b'\r' as usize] = SOFT | HALF;
    first[b'\n' as usize] = SOFT;
    first
};

/// What the second does.
static SECOND: [u16; 256] = {
    let mut second = digits(0, LOWER_SECOND, WRONG_SECOND);
    second[b'\n' as usize] = HALF;
    second
};

const fn digits(shift: u32, lower: u16, wrong: u16) -> [u16; 256] {
    let mut values = [wrong; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value << shift | lower;
        values[b"0123456789ABCDEF"[value as usize] as usize] = value << shift;
        value += 1;
    }
    values
}

/// What the two bytes behind `=` say: the byte they stand for, and marks above it. Behind
/// LF, which is a soft line break alone, those of the second mean nothing.
#[inline(always)]
fn behind(first: u8, second: u8) -> u16 {
    part(&FIRST, first) ^ part(&SECOND, second)
}

#[inline(always)]
fn part(values: &[u16; 256], byte: u8) -> u16 {
    let value = values.get(usize::from(byte));
    value.copied().unwrap_or(WRONG)
}

fn is_digit(byte: u8) -> bool {
    part(&FIRST, byte) & (WRONG | SOFT) == 0
}

impl QuotedPrintable {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes the next bytes and appends what is complete to `out`.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        // What is held may come out too.
        out.reserve(Room::needed(input.len(), self.held()));
        for block in input.chunks(BLOCK) {
            let start = out.len();
            out.resize(start + Room::needed(block.len(), self.held()), 0);
            let mut room = Room::new(out.get_mut(start..).unwrap_or_default());
            self.run(block, &mut room);
            let length = room.length;
            out.truncate(start + length);
        }
    }

    /// At least so many bytes are held.
    fn held(&self) -> usize {
        self.space.length + 2
    }

    fn run(&mut self, input: &[u8], out: &mut Room<'_>) {
        let mut rest = input;
        // So many bytes are not worth a stretch: the one before was soon over.
        let mut few: usize = 0;
        while let [byte, behind @ ..] = rest {
            self.settle(*byte, out);
            let is_text = self.state == State::Text && self.space.length == 0;
            if is_text && few == 0 && rest.len() >= FEW {
                let taken = self.fast(rest, out);
                self.offset += taken as u64;
                if taken < FEW {
                    few = FEW;
                }
                if taken > 0 {
                    rest = rest.get(taken..).unwrap_or_default();
                    continue;
                }
            }
            few = few.saturating_sub(1);
            self.byte(*byte, out);
            rest = behind;
        }
    }

    /// With this byte next, what is held may turn out to be text: it is given out, and nothing
    /// need be remembered.
    fn settle<S: Sink>(&mut self, byte: u8, out: &mut S) {
        let goes_on = match self.state {
            State::Text => true,
            State::Escape => is_digit(byte) || matches!(byte, b' ' | b'\t' | b'\r' | b'\n'),
            State::Digit(_) => is_digit(byte),
            State::Soft => match byte {
                b' ' | b'\t' => self.space.length < SPACE,
                byte => matches!(byte, b'\r' | b'\n'),
            },
            State::Cr | State::SoftCr => byte == b'\n',
        };
        match self.state {
            _ if goes_on => return,
            State::Cr => self.bare_cr(out),
            _ => self.give_up(out),
        }
        self.state = State::Text;
    }

    /// The next byte, for which what is held was settled.
    fn byte<S: Sink>(&mut self, byte: u8, out: &mut S) {
        self.state = match (self.state, byte) {
            (State::Escape | State::Soft, b' ' | b'\t') => {
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
            (State::Digit(first), second) => {
                let value = behind(first, second);
                if value & LOWER != 0 {
                    let at = self.offset.saturating_sub(2);
                    self.defects.add(DefectKind::QpLowerCase, at);
                }
                out.extend(&[value as u8]);
                State::Text
            }
            (State::Escape, first) => State::Digit(first),
            (State::Cr, b'\n') => {
                self.drop_space(1);
                out.extend(b"\r\n");
                State::Text
            }
            // The rest was settled before.
            (State::Text | State::Cr | State::Soft | State::SoftCr, _) => self.text(byte, out),
        };
        self.offset += 1;
    }

    fn text<S: Sink>(&mut self, byte: u8, out: &mut S) -> State {
        if !byte.is_ascii() {
            self.defects.add(DefectKind::EightBitBody, self.offset);
        }
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

/// White space.
#[derive(Clone, Debug, Default)]
struct Space {
    length: usize,
    /// A bit for each, set for a tab, up to the last tab that there was: decoders are moved
    /// about, and most never hold a tab.
    tabs: Vec<u64>,
}

impl Space {
    /// There is room for it: the caller has looked.
    fn push(&mut self, byte: u8) {
        let (word, bit) = (self.length / 64, 1 << (self.length % 64));
        if byte == b'\t' && self.tabs.len() <= word {
            self.tabs.resize(word + 1, 0);
        }
        if let Some(bits) = self.tabs.get_mut(word) {
            *bits = match byte {
                b'\t' => *bits | bit,
                _ => *bits & !bit,
            };
        }
        self.length += 1;
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

#[cfg(test)]
mod tests;

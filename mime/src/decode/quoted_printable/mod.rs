//! quoted-printable (RFC 2045 6.7), as it is found.

use alloc::vec::Vec;
use core::ops::Range;

use wide::u8x16;

use super::{Firsts, Length, Sink};
use crate::scan::{VECTOR, vector};
use crate::{Defect, DefectKind};

/// White space that may be the end of a line is held back up to so many bytes. A
/// line has at most 76 (rule 5), and no line of mail more than 998.
const SPACE: usize = 1024;

/// Input that is decoded before the space for it is made: a part of what a CPU's
/// first cache holds.
const BLOCK: usize = 8 << 10;

/// So many bytes are looked at before any of them is given out: where they stop to be
/// themselves is found in all of them first, without a branch, since a branch for each
/// vector or each stop is one that a CPU cannot foresee.
const STRETCH: usize = 256;

/// So many bytes are copied in front of a stop, whether there are fewer or not: most
/// times there are, and how many is nothing that a CPU could foresee.
const COPY: usize = 4 * VECTOR;

/// Progress that was not worth a stretch.
const FEW: usize = STRETCH / 4;

/// A stretch, and what is behind it of an escape and of a copy.
const WINDOW: usize = STRETCH + 2 + COPY;

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

/// CR and LF as one number.
const CRLF: u16 = u16::from_le_bytes(*b"\r\n");

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
            out.resize(start + block.len() + SPACE + COPY, 0);
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
        // So many bytes are not worth a stretch: the one before was soon over.
        let mut few: usize = 0;
        while let [byte, behind @ ..] = rest {
            let is_text = self.state == State::Text && self.space.length == 0;
            if is_text && few == 0 && rest.len() >= VECTOR {
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

    /// Decodes what needs no memory of what was before; gives how much that is.
    fn fast<R: Output>(&mut self, input: &[u8], out: &mut R) -> usize {
        let (mut at, mut stops) = (0, Stops::new());
        loop {
            let mut last;
            let rest = input.get(at..).unwrap_or_default();
            let (window, length) = match rest.first_chunk() {
                Some(window) => (window, STRETCH),
                None => {
                    // Nothing stops there, and no escape goes on there.
                    last = [b'x'; WINDOW];
                    if let Some(space) = last.get_mut(..rest.len()) {
                        space.copy_from_slice(rest);
                    }
                    (&last, rest.len().min(STRETCH))
                }
            };
            let (taken, all) = self.stretch(input, at, window, length, &mut stops, out);
            at += taken;
            if !all || at == input.len() {
                break;
            }
        }
        // White space may turn out to be the end of a line.
        let sure = sure(input.get(..at).unwrap_or_default());
        out.back(at - sure);
        sure
    }

    /// The same with the first `length` bytes of `window`, which begins at `start` of
    /// `input`, and what is behind them of an escape; gives how much it was, and whether it
    /// was all.
    #[inline(always)]
    fn stretch<R: Output>(
        &mut self,
        input: &[u8],
        start: usize,
        window: &[u8; WINDOW],
        length: usize,
        stops: &mut Stops,
        out: &mut R,
    ) -> (usize, bool) {
        let mut at = 0;
        for stop in stops.find(window) {
            let stop = usize::from(*stop);
            out.copy(window, at..stop);
            let Some(&[first, high, low]) = window.get(stop..).and_then(<[u8]>::first_chunk) else {
                return (stop, false);
            };
            let (high_digit, low_digit) = (digit(high), digit(low));
            let marks = high_digit | low_digit;
            let is_escape = marks & INVALID == 0;
            let is_lf = high == b'\n';
            let is_soft = is_lf | (u16::from_le_bytes([high, low]) == CRLF);
            if (first != b'=') | !(is_escape | is_soft) {
                let Some(taken) = self.odd(input, start + stop, out) else {
                    return (stop, false);
                };
                at = stop + taken;
                continue;
            }
            if is_escape & (marks & LOWER != 0) {
                let at = self.offset + (start + stop) as u64;
                self.defects.add(DefectKind::QpLowerCase, at);
            }
            // What escape it is nobody can foresee, either.
            out.push_if(is_escape, high_digit << 4 | low_digit & 0x0f);
            at = stop + 3 - usize::from(is_lf);
        }
        if at < length {
            out.copy(window, at..length);
            at = length;
        }
        (at, true)
    }

    /// At a stop that is neither escape nor soft line break: how much of it is no text;
    /// `None` if it takes memory to tell.
    fn odd<R: Output>(&mut self, input: &[u8], at: usize, out: &mut R) -> Option<usize> {
        let offset = self.offset + at as u64;
        match input.get(at..)? {
            [b'=', b' ' | b'\t' | b'\r', ..] => None,
            [b'=', _, _, ..] => {
                self.defects.add(DefectKind::QpBadEscape, offset);
                Some(0)
            }
            [b' ' | b'\t', b'\r', b'\n', ..] | [b' ' | b'\t', b'\n', ..] => {
                let line = input.get(..=at).unwrap_or_default();
                let spaces = line.len() - sure(line);
                // What is held is given out when it is full.
                let before = spaces.saturating_sub(1) % SPACE;
                out.back(before);
                let at = offset - before as u64;
                self.defects.add(DefectKind::QpTrailingSpace, at);
                Some(1)
            }
            // It is in front of a bare CR.
            [b' ' | b'\t', b'\r', _, ..] => Some(0),
            [b'\r', _, ..] => {
                self.defects.add(DefectKind::BareCrInBody, offset);
                Some(0)
            }
            _ => None,
        }
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

/// Where text stops to be itself in a stretch: at `=`, at white space before a line end,
/// and at CR without LF.
struct Stops([u16; STRETCH + Stops::AT_ONCE]);

impl Stops {
    /// So many are noted, whether they are there or not.
    const AT_ONCE: usize = 4;

    fn new() -> Self {
        Stops([0; STRETCH + Stops::AT_ONCE])
    }

    #[inline(always)]
    fn find(&mut self, window: &[u8; WINDOW]) -> &[u16] {
        let mut length = 0;
        for block in 0..STRETCH / 64 {
            let mut bits = 0;
            for n in 0..4 {
                let vector = stops(window, block * 64 + n * VECTOR);
                bits |= u64::from(vector) << (n * VECTOR);
            }
            let end = length + bits.count_ones() as usize;
            loop {
                let place = self.0.get_mut(length..).and_then(<[u16]>::first_chunk_mut);
                let Some(place): Option<&mut [u16; Stops::AT_ONCE]> = place else {
                    break; // there are no more than there are bytes
                };
                for stop in place {
                    *stop = (block * 64) as u16 + bits.trailing_zeros() as u16;
                    bits &= bits.wrapping_sub(1);
                }
                length += Stops::AT_ONCE;
                if bits == 0 {
                    break;
                }
            }
            length = end;
        }
        self.0.get(..length).unwrap_or_default()
    }
}

/// Those in the vector at `n`, by bit.
#[inline(always)]
fn stops(window: &[u8; WINDOW], n: usize) -> u32 {
    let (these, next) = (vector(window, n), vector(window, n + 1));
    let is = |bytes: u8x16, byte| bytes.simd_eq(u8x16::splat(byte));
    let lf = is(next, b'\n');
    let space = (is(these, b' ') | is(these, b'\t')) & (lf | is(next, b'\r'));
    let bare_cr = is(these, b'\r') & !lf;
    (is(these, b'=') | space | bare_cr).to_bitmask()
}

/// How much of `line` is before the white space at its end.
fn sure(line: &[u8]) -> usize {
    let last = line.iter().rposition(|b| !is_space(*b));
    last.map_or(0, |n| n + 1)
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

/// Where decoded bytes go that may be taken back.
trait Output: Sink {
    fn copy(&mut self, window: &[u8; WINDOW], range: Range<usize>);
    fn back(&mut self, n: usize);
    fn push_if(&mut self, counts: bool, byte: u8);
}

/// Room that is never too small.
struct Room<'o> {
    bytes: &'o mut [u8],
    length: usize,
}

impl Sink for Room<'_> {
    fn extend(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.push_if(true, *byte);
        }
    }
}

impl Output for Room<'_> {
    #[inline(always)]
    fn copy(&mut self, window: &[u8; WINDOW], range: Range<usize>) {
        let (mut from, mut to) = (range.start, self.length);
        self.length += range.len();
        loop {
            let from_here = window.get(from..).and_then(<[u8]>::first_chunk::<COPY>);
            let to_here = self.bytes.get_mut(to..).and_then(<[u8]>::first_chunk_mut);
            if let (Some(from), Some(to)) = (from_here, to_here) {
                *to = *from;
            }
            (from, to) = (from + COPY, to + COPY);
            if from >= range.end {
                return;
            }
        }
    }

    fn back(&mut self, n: usize) {
        self.length = self.length.saturating_sub(n);
    }

    #[inline(always)]
    fn push_if(&mut self, counts: bool, byte: u8) {
        if let Some(space) = self.bytes.get_mut(self.length) {
            *space = byte;
        }
        self.length += usize::from(counts);
    }
}

impl Output for Length {
    fn copy(&mut self, _: &[u8; WINDOW], range: Range<usize>) {
        self.0 += range.len() as u64;
    }

    fn back(&mut self, n: usize) {
        self.0 = self.0.saturating_sub(n as u64);
    }

    fn push_if(&mut self, counts: bool, _: u8) {
        self.0 += u64::from(counts);
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
mod tests;

//! quoted-printable, many bytes at a time: what text is most of the time, and what needs no
//! memory of what was before.

use super::{
    BLOCK, FIRST, HELD, LOWER, QuotedPrintable, SECOND, SOFT, SPACE, WRONG, WRONG_FIRST, behind,
    part,
};
use crate::DefectKind;
use crate::decode::Sink;
use crate::vectors::{Vectors, widest};

/// So many bytes are looked at before any of them is given out: where they stop to be
/// themselves is found in all of them first, without a branch, since a branch for each
/// vector or each stop is one that a CPU cannot foresee. Where a stop is fits into a byte.
const STRETCH: usize = 256;

/// So many bytes are copied in front of a stop, whether there are fewer or not: most
/// times there are, and how many is nothing that a CPU could foresee.
const COPY: usize = 64;

/// Less input than this is not worth a stretch.
pub(super) const FEW: usize = STRETCH / 4;

/// A stretch, and what is behind it of an escape and of a copy.
const WINDOW: usize = STRETCH + 2 + COPY;

/// Room for what comes of a stretch, and for what is copied too much.
const ROOM: usize = STRETCH + COPY;

/// Room that is never too small for what comes of a block.
pub(super) struct Room<'o> {
    bytes: &'o mut [u8],
    pub(super) length: usize,
}

impl<'o> Room<'o> {
    /// So much room is needed for what comes of `input` bytes when `held` are held.
    pub(super) const fn needed(input: usize, held: usize) -> usize {
        input + held + ROOM
    }

    pub(super) fn new(bytes: &'o mut [u8]) -> Self {
        Room { bytes, length: 0 }
    }

    #[inline(always)]
    fn for_stretch(&mut self) -> Option<&mut [u8; ROOM]> {
        self.bytes.get_mut(self.length..)?.first_chunk_mut()
    }
}

impl Sink for Room<'_> {
    fn extend(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(space) = self.bytes.get_mut(self.length) {
                *space = *byte;
                self.length += 1;
            }
        }
    }
}

impl QuotedPrintable {
    /// Decodes what needs no memory of what was before, and nothing is held; gives how much
    /// of `input` that is.
    #[inline(never)]
    pub(super) fn fast(&mut self, input: &[u8], out: &mut Room<'_>) -> usize {
        widest!(vectors => self.stretches(vectors, input, out))
    }

    #[inline(always)]
    fn stretches<V: Vectors>(&mut self, vectors: V, input: &[u8], out: &mut Room<'_>) -> usize {
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
            let stops = stops.find(vectors, window);
            if !stops.is_ascii
                && let Some(high) = rest.iter().take(length).position(|b| *b > 127)
            {
                self.note(DefectKind::EightBitBody, at + high);
            }
            let Some(room) = out.for_stretch() else {
                break;
            };
            let (taken, made) = self.stretch(input, at, window, length, stops.places, room);
            at += taken;
            out.length += made;
            if taken < length || at == input.len() {
                break;
            }
        }
        // White space may turn out to be the end of a line.
        let sure = sure(input.get(..at).unwrap_or_default());
        out.length = out.length.saturating_sub(at - sure);
        sure
    }

    /// The same with the first `length` bytes of `window`, which begins at `start` of
    /// `input`, and what is behind them of an escape; gives how much it was, and how much
    /// came of it. It is less than `length` where it takes memory to go on.
    #[inline(always)]
    fn stretch(
        &mut self,
        input: &[u8],
        start: usize,
        window: &[u8; WINDOW],
        length: usize,
        stops: &[u8],
        room: &mut [u8; ROOM],
    ) -> (usize, usize) {
        let (mut at, mut to) = (0, 0);
        let mut stops = stops.iter();
        while let Some(stop) = stops.next() {
            let stop = usize::from(*stop);
            copy(window, at, room, to, stop - at);
            to += stop - at;
            let Some(&[byte, first, second]) = window.get(stop..).and_then(<[u8]>::first_chunk)
            else {
                return (stop, to);
            };
            let value = behind(first, second);
            // What is behind LF does not matter.
            let is_lf = first == b'\n';
            let marks = value & if is_lf { 0 } else { WRONG | LOWER };
            if (byte != b'=') | (marks != 0) {
                if (byte != b'=') | (marks & WRONG != 0) {
                    // What is behind the end of the input is not known.
                    let known = window.get(..input.len() - start).unwrap_or(window);
                    if let Some(more) = self.texts(known, start, stop, stops.as_slice()) {
                        at = stop;
                        stops = stops.as_slice().get(more..).unwrap_or_default().iter();
                        continue;
                    }
                    let Some((taken, back)) = self.odd(input, start + stop, to) else {
                        return (stop, to);
                    };
                    (at, to) = (stop + taken, to - back);
                    continue;
                }
                if !self.told.lower_case {
                    self.told.lower_case = true;
                    self.note(DefectKind::QpLowerCase, start + stop);
                }
            }
            // What escape it is nobody can foresee, either.
            if let Some(space) = room.get_mut(to % STRETCH) {
                *space = value as u8;
            }
            to += usize::from(value & SOFT == 0);
            at = stop + 3 - usize::from(is_lf);
        }
        if at < length {
            copy(window, at, room, to, length - at);
            to += length - at;
            at = length;
        }
        (at, to)
    }

    /// Whether the byte at this stop is [`text`], and of how many of the `next` ones it is so as
    /// well: where all of a body is that, nothing is copied for each.
    #[cold]
    #[inline(never)]
    fn texts(&mut self, known: &[u8], start: usize, stop: usize, next: &[u8]) -> Option<usize> {
        let byte = text(known, stop)?;
        let (told, kind) = match byte {
            b'=' => (&mut self.told.bad_escape, DefectKind::QpBadEscape),
            _ => (&mut self.told.bare_cr, DefectKind::BareCrInBody),
        };
        if !core::mem::replace(told, true) {
            self.note(kind, start + stop);
        }
        let is_other = |stop: &u8| text(known, usize::from(*stop)) != Some(byte);
        Some(next.iter().position(is_other).unwrap_or(next.len()))
    }

    /// At a stop that is neither escape nor soft line break, `made` bytes behind the front of
    /// the stretch's room: how much of it is no text, and how many bytes before it are none;
    /// `None` if it takes memory to tell.
    #[cold]
    #[inline(never)]
    fn odd(&mut self, input: &[u8], at: usize, made: usize) -> Option<(usize, usize)> {
        match input.get(at..)? {
            [b' ' | b'\t', b'\r', b'\n', ..] | [b' ' | b'\t', b'\n', ..] => {
                let line = input.get(..=at).unwrap_or_default();
                let spaces = line.len() - sure(line);
                // What is held is given out when it is full.
                let before = spaces.saturating_sub(1) % SPACE;
                if before > made {
                    return None;
                }
                self.note(DefectKind::QpTrailingSpace, at - before);
                Some((1, before))
            }
            // It is in front of a bare CR.
            [b' ' | b'\t', b'\r', _, ..] => Some((0, 0)),
            [b'\r', _, ..] => {
                self.note(DefectKind::BareCrInBody, at);
                Some((0, 0))
            }
            _ => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn note(&mut self, kind: DefectKind, at: usize) {
        self.defects.add(kind, self.offset + at as u64);
    }
}

/// The byte at a stop that is text: `=` that begins nothing, or a bare CR. None where it takes
/// memory to tell: behind `=` are white space or CR, or too little is known.
#[inline(always)]
fn text(known: &[u8], stop: usize) -> Option<u8> {
    let is_text = match known.get(stop..)?.first_chunk()? {
        [b'=', b'=', _] | [b'\r', ..] => true,
        &[b'=', first, second] => match part(&FIRST, first) {
            marks if marks & WRONG_FIRST != 0 => !matches!(first, b' ' | b'\t'),
            marks => marks & SOFT == 0 && part(&SECOND, second) & WRONG != 0,
        },
        _ => false,
    };
    is_text.then_some(*known.get(stop)?)
}

/// Copies `length` bytes of `window`, in pieces that may go past their end. What comes of a
/// stretch is never longer than the stretch: as a remainder `to` is what it is, and the
/// compiler sees that there is room behind it.
#[inline(always)]
fn copy(window: &[u8; WINDOW], from: usize, room: &mut [u8; ROOM], to: usize, length: usize) {
    let mut piece = |done: usize| {
        let (from, to) = (from + done, (to + done) % STRETCH);
        let from: Option<&[u8; COPY]> = window.get(from..).and_then(<[u8]>::first_chunk);
        let to = room.get_mut(to..).and_then(<[u8]>::first_chunk_mut);
        if let (Some(from), Some(to)) = (from, to) {
            *to = *from;
        }
    };
    piece(0);
    let mut done = COPY;
    while done < length {
        piece(done);
        done += COPY;
    }
}

/// Where text stops to be itself in a stretch: at `=`, at white space before a line end,
/// and at CR without LF.
struct Stops([u8; STRETCH + Stops::AT_ONCE]);

struct Found<'s> {
    places: &'s [u8],
    /// There is no byte above 127 in the stretch.
    is_ascii: bool,
}

impl Stops {
    /// So many are noted, whether they are there or not.
    const AT_ONCE: usize = 4;

    fn new() -> Self {
        Stops([0; STRETCH + Stops::AT_ONCE])
    }

    #[inline(always)]
    fn find<V: Vectors>(&mut self, vectors: V, window: &[u8; WINDOW]) -> Found<'_> {
        const WORD: usize = u64::BITS as usize;
        let mut length = 0;
        let mut any = vectors.load(window, 0);
        for word in 0..STRETCH / WORD {
            let mut bits = 0;
            for n in 0..WORD / V::LENGTH {
                let at = word * WORD + n * V::LENGTH;
                let these = vectors.load(window, at);
                any = any | these;
                let stops = stops(vectors, these, vectors.load(window, at + 1));
                bits |= vectors.bits(stops) << (n * V::LENGTH);
            }
            let end = length + bits.count_ones() as usize;
            loop {
                let place = self.0.get_mut(length..).and_then(<[u8]>::first_chunk_mut);
                let Some(place): Option<&mut [u8; Stops::AT_ONCE]> = place else {
                    break; // there are no more than there are bytes
                };
                for stop in place {
                    *stop = (word * WORD) as u8 | bits.trailing_zeros() as u8;
                    bits &= bits.wrapping_sub(1);
                }
                length += Stops::AT_ONCE;
                if bits == 0 {
                    break;
                }
            }
            length = end;
        }
        Found {
            places: self.0.get(..length).unwrap_or_default(),
            is_ascii: vectors.is_ascii(any),
        }
    }
}

/// Which of `these` are stops; `next` are those behind each.
#[inline(always)]
fn stops<V: Vectors>(vectors: V, these: V::Bytes, next: V::Bytes) -> V::Which {
    let lf = vectors.are(next, b'\n');
    let line_end = lf | vectors.are(next, b'\r');
    let space = vectors.are(these, b' ') | vectors.are(these, b'\t');
    let bare_cr = vectors.are(these, b'\r') & !lf;
    vectors.are(these, b'=') | space & line_end | bare_cr
}

/// How much of `line` is before the white space at its end.
fn sure(line: &[u8]) -> usize {
    let last = line.iter().rposition(|b| !matches!(b, b' ' | b'\t'));
    last.map_or(0, |n| n + 1)
}

/// The length of what [`QuotedPrintable`] makes of a body.
pub(in crate::decode) fn decoded_len(body: &[u8]) -> u64 {
    let mut space = [0; Room::needed(BLOCK / 2, HELD)];
    let mut decoder = QuotedPrintable::new();
    let mut length = 0;
    for block in body.chunks(BLOCK / 2) {
        let mut room = Room::new(&mut space);
        decoder.run(block, &mut room);
        length += room.length as u64;
    }
    let mut room = Room::new(&mut space);
    decoder.end(&mut room);
    length + room.length as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::Usual;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn stops_are_the_same_in_vectors_of_each_width(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(&["=", " ", "\t", "\r", "\n", "\r\n", " \r\n", "\t\n", "=3D"][..]),
                    prop::sample::select(&["x", "\u{fc}", "line after line", "not a word of it was new to any of us"][..]),
                ],
                0..200,
            ),
        ) {
            let mut window = [b'x'; WINDOW];
            for (to, from) in window.iter_mut().zip(pieces.concat().bytes()) {
                *to = from;
            }
            let is_stop = |at: &usize| match window[*at..] {
                [b'=', ..] => true,
                [b' ' | b'\t', b'\r' | b'\n', ..] => true,
                [b'\r', next, ..] => next != b'\n',
                _ => false,
            };
            let stops: Vec<u8> = (0..STRETCH).filter(is_stop).map(|at| at as u8).collect();
            let (mut usual, mut wide) = (Stops::new(), Stops::new());
            let usual = usual.find(Usual, &window);
            let wide = widest!(vectors => wide.find(vectors, &window));
            prop_assert_eq!(usual.places, &stops[..]);
            prop_assert_eq!(wide.places, &stops[..]);
            let is_ascii = window[..STRETCH].is_ascii();
            prop_assert_eq!((usual.is_ascii, wide.is_ascii), (is_ascii, is_ascii));
        }
    }
}

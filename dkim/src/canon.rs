//! Canonicalisation: RFC 6376 section 3.4.
//!
//! Header fields are canonicalised whole ([`HeaderCanon`]); the body passes
//! through [`BodyCanon`] in chunks of any size and memory stays constant, even
//! for gigabytes of empty lines, which are only counted.
//!
//! Nothing is repaired: a bare CR or LF, a NUL, or a line of any length is
//! hashed as it is. Only CRLF is a line end and only space and tab are white
//! space.

use alloc::boxed::Box;
use core::fmt;

mod fields;

pub(crate) use fields::{HeaderCanon, Within};

use crate::vectors::{BLOCK, VECTOR, bits, equal, u8x16, vector};

/// One of the two algorithms of RFC 6376 section 3.4, for header or body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Canonicalization {
    /// Tolerates almost no change (sections 3.4.1 and 3.4.3). The default when
    /// `c=` is absent.
    #[default]
    Simple,
    /// Tolerates changed white space, folding and case of field names
    /// (sections 3.4.2 and 3.4.4).
    Relaxed,
}

impl Canonicalization {
    /// As `c=` has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Relaxed => "relaxed",
        }
    }
}

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where canonical body bytes go.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

/// Canonicalises a body that comes in chunks.
///
/// Two stages. The first, for relaxed only, rewrites white space inside lines;
/// the second holds back line ends until something follows them:
///
/// ```text
///   write -> [ Relax: white space held, CR held ] -> [ Lines: CRLFs counted ] -> sink
/// ```
pub(crate) struct BodyCanon<S> {
    relax: Option<Relax>,
    lines: Lines<S>,
}

impl<S: Sink> BodyCanon<S> {
    pub(crate) fn new(kind: Canonicalization, sink: S) -> Self {
        let relax = match kind {
            Canonicalization::Simple => None,
            Canonicalization::Relaxed => Some(Relax::new()),
        };
        Self {
            relax,
            lines: Lines {
                sink,
                cr: false,
                crlfs: 0,
                any: false,
            },
        }
    }

    pub(crate) fn write(&mut self, data: &[u8]) {
        match &mut self.relax {
            None => self.lines.put(data),
            Some(relax) => relax.write(data, &mut self.lines),
        }
    }

    pub(crate) fn sink_mut(&mut self) -> &mut S {
        &mut self.lines.sink
    }

    /// Ends the body and gives the sink back.
    pub(crate) fn finish(mut self) -> S {
        // Section 3.4.3: no body is one CRLF. Section 3.4.4: no body is nothing.
        let empty_is_line = match self.relax.take() {
            None => true,
            Some(relax) => {
                relax.finish(&mut self.lines);
                false
            }
        };
        self.lines.finish(empty_is_line)
    }
}

/// Second stage: everything passes except CRLFs at the end.
struct Lines<S> {
    sink: S,
    /// A CR at the end of what came.
    cr: bool,
    /// CRLFs held back.
    crlfs: u64,
    /// Whether any byte went to the sink.
    any: bool,
}

const CRLFS: [u8; 512] = {
    let mut all = [b'\r'; 512];
    let mut i = 1;
    while i < all.len() {
        all[i] = b'\n';
        i += 2;
    }
    all
};

impl<S: Sink> Lines<S> {
    fn put(&mut self, mut data: &[u8]) {
        if self.cr && !data.is_empty() {
            self.cr = false;
            if let [b'\n', rest @ ..] = data {
                self.crlfs += 1;
                data = rest;
            } else {
                self.release();
                self.sink.put(b"\r");
            }
        }
        let mut end = data.len();
        if data.last() == Some(&b'\r') {
            end -= 1;
            self.cr = true;
        }
        let mut kept = end;
        if data[..end].last() == Some(&b'\n') {
            for size in [CRLFS.len(), 32, 2] {
                while data[..kept].ends_with(&CRLFS[..size]) {
                    kept -= size;
                }
            }
        }
        if kept > 0 {
            self.release();
            self.sink.put(&data[..kept]);
        }
        self.crlfs += ((end - kept) / 2) as u64;
    }

    /// Something follows the line ends held back: they are part of the body.
    fn release(&mut self) {
        self.any = true;
        let mut bytes = self.crlfs.saturating_mul(2);
        self.crlfs = 0;
        while bytes > 0 {
            let n = bytes.min(CRLFS.len() as u64);
            self.sink.put(&CRLFS[..n as usize]);
            bytes -= n;
        }
    }

    fn finish(mut self, empty_is_line: bool) -> S {
        if self.cr {
            self.release();
            self.sink.put(b"\r");
        }
        if self.any || empty_is_line {
            self.sink.put(b"\r\n");
        }
        self.sink
    }
}

/// First stage, relaxed: of each run of white space the last byte stays, as a space,
/// unless a CRLF follows it. What is not let through uncopied is gathered, so that the
/// next stage and the hash are not called for each word of a text.
///
/// Bytes are looked at by themselves ([`Relax::step`]) only where their meaning may depend
/// on another chunk; a test compares that with the rest, on all sorts of bodies.
struct Relax {
    held: Held,
    gathered: Box<[u8; GATHER]>,
    used: usize,
}

/// What waits for the next byte.
#[derive(Clone, Copy)]
enum Held {
    Nothing,
    /// A run of white space.
    Blank,
    /// Such a run and a CR; a LF makes it a line end.
    BlankCr,
}

const GATHER: usize = 1024;
/// From here on it is not worth to gather.
const LARGE: usize = 512;
/// After so many blocks that stay as they are there may be no white space at all.
const CALM: usize = 8;
/// A block, and what is read behind it: two bytes say what its last ones mean, and whole
/// vectors are copied from wherever in it a word begins.
const WINDOW: usize = BLOCK + VECTOR;

impl Relax {
    fn new() -> Self {
        Self {
            held: Held::Nothing,
            // Not zeroed: an allocator looks for memory that was not used yet then.
            gathered: Box::new([b' '; GATHER]),
            used: 0,
        }
    }

    fn write<S: Sink>(&mut self, mut data: &[u8], next: &mut Lines<S>) {
        while !matches!(self.held, Held::Nothing)
            && let [first, rest @ ..] = data
        {
            if matches!((self.held, first), (Held::Blank, b' ' | b'\t')) {
                // The run goes on; its last byte is still to come.
                self.held = Held::Nothing;
                break;
            }
            self.step(*first, next);
            data = rest;
        }
        // Where the block is that is looked at, and what stays as it is before it; how many
        // blocks stayed since one did not.
        let (mut at, mut same, mut calm) = (0, 0, 0);
        while let Some(window) = data.get(at..).and_then(<[u8]>::first_chunk) {
            if may_change(window) {
                let kept = kept(window);
                if kept != u64::MAX || has_tab(window) {
                    self.pass(data.get(same..at).unwrap_or_default(), next);
                    self.rewrite(window, kept, next);
                    same = at + BLOCK;
                }
                (at, calm) = (at + BLOCK, 0);
            } else {
                (at, calm) = (at + BLOCK, calm + 1);
                if calm % CALM == 0 {
                    at += unchanged(data.get(at..).unwrap_or_default());
                }
            }
        }
        self.pass(data.get(same..at).unwrap_or_default(), next);
        self.end(data.get(at..).unwrap_or_default(), next);
    }

    /// What is too short for a block and what is read behind it.
    fn end<S: Sink>(&mut self, data: &[u8], next: &mut Lines<S>) {
        let settled = settled(data);
        let mut all = [0; 2 * BLOCK + VECTOR];
        if let Some(to) = all.get_mut(..data.len()) {
            to.copy_from_slice(data);
        }
        for at in [0, BLOCK] {
            let Some(left @ 1..) = settled.checked_sub(at) else {
                break;
            };
            if let Some(window) = all.get(at..).and_then(<[u8]>::first_chunk) {
                let is_here = u64::MAX >> (BLOCK - left.min(BLOCK));
                self.rewrite(window, kept(window) & is_here, next);
            }
        }
        for byte in data.get(settled..).unwrap_or_default() {
            self.step(*byte, next);
        }
    }

    /// Takes one byte, whatever comes behind it.
    fn step<S: Sink>(&mut self, byte: u8, next: &mut Lines<S>) {
        let blank = matches!(byte, b' ' | b'\t');
        match self.held {
            Held::Blank if blank => return,
            Held::Blank if byte == b'\r' => {
                self.held = Held::BlankCr;
                return;
            }
            Held::Nothing => {}
            Held::Blank => self.pass(b" ", next),
            Held::BlankCr if byte == b'\n' => self.pass(b"\r", next),
            // A bare CR in the text, with white space before it.
            Held::BlankCr => self.pass(b" \r", next),
        }
        if blank {
            self.held = Held::Blank;
        } else {
            self.held = Held::Nothing;
            self.pass(&[byte], next);
        }
    }

    /// Takes of a block what is kept, word by word.
    fn rewrite<S: Sink>(&mut self, window: &[u8; WINDOW], kept: u64, next: &mut Lines<S>) {
        if self.used > GATHER - WINDOW {
            self.flush(next);
        }
        let (mut kept, mut used) = (kept, self.used);
        while kept != 0 {
            let start = kept.trailing_zeros() as usize;
            let length = (kept >> start).trailing_ones() as usize;
            let mut at = 0;
            while at < length {
                // Whole vectors; what is too much of one is written over.
                let bytes = window.get(start + at..).unwrap_or_default();
                let room = self.gathered.get_mut(used + at..);
                if let (Some(bytes), Some(room)) =
                    (bytes.first_chunk(), room.and_then(<[u8]>::first_chunk_mut))
                {
                    *room = with_spaces(u8x16::new(*bytes)).to_array();
                }
                at += VECTOR;
            }
            used += length;
            // Clears the bits of the word.
            kept &= kept.wrapping_add(1 << start);
        }
        self.used = used;
    }

    fn pass<S: Sink>(&mut self, bytes: &[u8], next: &mut Lines<S>) {
        if bytes.len() > GATHER - self.used || bytes.len() >= LARGE {
            self.flush(next);
        }
        if bytes.len() >= LARGE {
            next.put(bytes);
        } else {
            self.gathered[self.used..self.used + bytes.len()].copy_from_slice(bytes);
            self.used += bytes.len();
        }
    }

    fn flush<S: Sink>(&mut self, next: &mut Lines<S>) {
        next.put(&self.gathered[..self.used]);
        self.used = 0;
    }

    fn finish<S: Sink>(mut self, next: &mut Lines<S>) {
        if matches!(self.held, Held::BlankCr) {
            self.pass(b" \r", next);
        }
        self.flush(next);
    }
}

/// Tabs as spaces.
#[inline(always)]
fn with_spaces(bytes: u8x16) -> u8x16 {
    bytes ^ (equal(bytes, b'\t') & u8x16::splat(b'\t' ^ b' '))
}

/// Whether there is a tab in the block, or a space with white space or a control character
/// behind it.
#[inline(always)]
fn may_change(window: &[u8; WINDOW]) -> bool {
    let changes = |n: usize| {
        let bytes = vector(window.get(n..).unwrap_or_default());
        let next = vector(window.get(n + 1..).unwrap_or_default());
        equal(bytes, b'\t') | (equal(bytes, b' ') & next.simd_lt(u8x16::splat(b'!')))
    };
    let changes = changes(0) | changes(VECTOR) | changes(2 * VECTOR) | changes(3 * VECTOR);
    changes.to_bitmask() != 0
}

#[inline(always)]
fn has_tab(window: &[u8; WINDOW]) -> bool {
    window
        .first_chunk()
        .is_some_and(|block| bits(block, |v| equal(v, b'\t')) != 0)
}

/// Which bytes of the block stay, by bit: all but white space before white space or CRLF.
#[inline(always)]
fn kept(window: &[u8; WINDOW]) -> u64 {
    let Some(block) = window.first_chunk() else {
        return 0;
    };
    // By bit what the bytes before these bits' own are.
    let [.., next, second] = window
        .first_chunk::<{ BLOCK + 2 }>()
        .unwrap_or(&[0; BLOCK + 2]);
    let is = |bit: bool| u64::from(bit) << (BLOCK - 1);
    let blank = bits(block, |v| equal(v, b' ') | equal(v, b'\t'));
    let cr = bits(block, |v| equal(v, b'\r'));
    let lf = bits(block, |v| equal(v, b'\n'));
    let before_blank = blank >> 1 | is(matches!(next, b' ' | b'\t'));
    let line_end = cr & (lf >> 1 | is(*next == b'\n'));
    let before_line_end = line_end >> 1 | is(*next == b'\r' && *second == b'\n');
    !(blank & (before_blank | before_line_end))
}

/// How much of `data` can be understood without what may follow it: all but white space at
/// its end, with a CR behind that or without.
fn settled(data: &[u8]) -> usize {
    let text = data.strip_suffix(b"\r").unwrap_or(data);
    let blanks = text.iter().rev().take_while(|b| matches!(b, b' ' | b'\t'));
    match blanks.count() {
        0 => data.len(),
        blanks => text.len() - blanks,
    }
}

/// How much in front of `data` is without white space, in whole blocks of many bytes. In
/// base64 there is none at all.
#[inline(always)]
fn unchanged(data: &[u8]) -> usize {
    const PIECE: usize = 1024;
    let mut at = 0;
    while let Some(piece) = data.get(at..at + PIECE) {
        // Without a branch inside, for the compiler to vectorise.
        let blank = |byte: u8| u8::from(byte == b' ') | u8::from(byte == b'\t');
        // In a text there is some in each line.
        let (near, far) = piece.split_at(BLOCK);
        let any = |bytes: &[u8]| bytes.iter().fold(0, |any, byte| any | blank(*byte)) != 0;
        if any(near) || any(far) {
            break;
        }
        at += PIECE;
    }
    at
}

#[cfg(test)]
mod tests;

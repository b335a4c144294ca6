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

use scop_mime::vectors::{BLOCK, Usual, VECTOR, Vectors, equal, u8x16, widest};

mod fields;

pub(crate) use fields::{Field, HeaderCanon, Within};

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

    /// Ends the body and gives the sink, which has all of it.
    pub(crate) fn finish(&mut self) -> &mut S {
        // Section 3.4.3: no body is one CRLF. Section 3.4.4: no body is nothing.
        if let Some(relax) = &mut self.relax {
            relax.finish(&mut self.lines);
        }
        self.lines.finish(self.relax.is_none());
        &mut self.lines.sink
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

    fn finish(&mut self, empty_is_line: bool) {
        if self.cr {
            self.release();
            self.sink.put(b"\r");
        }
        if self.any || empty_is_line {
            self.sink.put(b"\r\n");
        }
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
/// What is looked at together: most of a text stays as it is.
const STRETCH: usize = 2 * BLOCK;
/// After so many of them that do there may be no white space at all.
const CALM: usize = 4;
/// Behind a block two bytes are read that say what its last ones mean, and whole vectors are
/// copied from wherever in it a word begins.
const BEHIND: usize = VECTOR;
/// A block, and what is read behind it.
const WINDOW: usize = BLOCK + BEHIND;
/// A hash computes on blocks of so many bytes.
const HASHED: usize = 64;

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
        let done = widest!(vectors => self.stretches(vectors, data, next));
        self.end(data.get(done..).unwrap_or_default(), next);
    }

    /// Takes what can be looked at in stretches, and gives how much that was.
    #[inline(always)]
    fn stretches<V: Vectors, S: Sink>(
        &mut self,
        vectors: V,
        data: &[u8],
        next: &mut Lines<S>,
    ) -> usize {
        // Where the stretch is that is looked at, and what stays as it is before it; how many
        // stayed since one did not.
        let (mut at, mut same, mut calm) = (0, 0, 0);
        while let Some(window) = data.get(at..).and_then(<[u8]>::first_chunk) {
            if may_change(vectors, window) {
                for (n, window) in blocks(window) {
                    let (kept, any_tab) = kept(vectors, window);
                    if kept != u64::MAX || any_tab {
                        self.pass(data.get(same..at + n).unwrap_or_default(), next);
                        self.rewrite(window, kept, next);
                        same = at + n + BLOCK;
                    }
                }
                (at, calm) = (at + STRETCH, 0);
            } else {
                (at, calm) = (at + STRETCH, calm + 1);
                if calm % CALM == 0 {
                    at += unchanged(vectors, data.get(at..).unwrap_or_default());
                }
            }
        }
        self.pass(data.get(same..at).unwrap_or_default(), next);
        at
    }

    /// What is too short for a stretch and what is read behind it.
    fn end<S: Sink>(&mut self, data: &[u8], next: &mut Lines<S>) {
        let settled = settled(data);
        let mut all = [0; STRETCH + BLOCK + BEHIND];
        if let Some(to) = all.get_mut(..data.len()) {
            to.copy_from_slice(data);
        }
        for at in [0, BLOCK, 2 * BLOCK] {
            let Some(left @ 1..) = settled.checked_sub(at) else {
                break;
            };
            if let Some(window) = all.get(at..).and_then(<[u8]>::first_chunk) {
                let is_here = u64::MAX >> (BLOCK - left.min(BLOCK));
                let (kept, _) = kept(Usual, window);
                self.rewrite(window, kept & is_here, next);
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
    #[inline(always)]
    fn rewrite<S: Sink>(&mut self, window: &[u8; WINDOW], kept: u64, next: &mut Lines<S>) {
        if self.used > GATHER - WINDOW {
            self.make_room(next);
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

    /// Hands on all but a rest, so that the hash gets whole blocks, as long as nothing else
    /// comes between. Nor does it end with a line end, which would be held back.
    #[inline(never)]
    fn make_room<S: Sink>(&mut self, next: &mut Lines<S>) {
        let mut whole = self.used / HASHED * HASHED;
        while let Some(b'\r' | b'\n') = self.gathered[..whole].last() {
            whole -= HASHED;
        }
        if self.used - whole > WINDOW {
            return self.flush(next);
        }
        next.put(&self.gathered[..whole]);
        self.gathered.copy_within(whole..self.used, 0);
        self.used -= whole;
    }

    fn flush<S: Sink>(&mut self, next: &mut Lines<S>) {
        next.put(&self.gathered[..self.used]);
        self.used = 0;
    }

    fn finish<S: Sink>(&mut self, next: &mut Lines<S>) {
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

/// The blocks of a stretch, each with where it is.
#[inline(always)]
fn blocks(window: &[u8; STRETCH + BEHIND]) -> impl Iterator<Item = (usize, &[u8; WINDOW])> {
    let block = |n: usize| Some((n, window.get(n..)?.first_chunk()?));
    [block(0), block(BLOCK)].into_iter().flatten()
}

/// Whether there is a tab in the stretch, or a space with white space or a control character
/// behind it.
#[inline(always)]
fn may_change<V: Vectors>(vectors: V, window: &[u8; STRETCH + BEHIND]) -> bool {
    let mut any = changes(vectors, window, 0);
    for n in (V::LENGTH..STRETCH).step_by(V::LENGTH) {
        any = any | changes(vectors, window, n);
    }
    vectors.bits(any) != 0
}

/// The same of the vector at `n`, by byte.
#[inline(always)]
fn changes<V: Vectors>(vectors: V, window: &[u8], n: usize) -> V::Which {
    let (bytes, next) = (vectors.load(window, n), vectors.load(window, n + 1));
    vectors.are(bytes, b'\t') | (vectors.are(bytes, b' ') & vectors.below(next, b'!'))
}

/// Which bytes of the block stay, by bit: all but white space before white space or CRLF. And
/// whether any is a tab.
#[inline(always)]
fn kept<V: Vectors>(vectors: V, window: &[u8; WINDOW]) -> (u64, bool) {
    // By bit what the bytes before these bits' own are.
    let [next, second, ..] = *window.last_chunk::<BEHIND>().unwrap_or(&[0; BEHIND]);
    let is = |bit: bool| u64::from(bit) << (BLOCK - 1);
    let (mut space, mut tab, mut cr, mut lf) = (0, 0, 0, 0);
    for n in (0..BLOCK).step_by(V::LENGTH) {
        let bytes = vectors.load(window, n);
        space |= vectors.bits(vectors.are(bytes, b' ')) << n;
        tab |= vectors.bits(vectors.are(bytes, b'\t')) << n;
        cr |= vectors.bits(vectors.are(bytes, b'\r')) << n;
        lf |= vectors.bits(vectors.are(bytes, b'\n')) << n;
    }
    let blank = space | tab;
    let before_blank = blank >> 1 | is(matches!(next, b' ' | b'\t'));
    let line_end = cr & (lf >> 1 | is(next == b'\n'));
    let before_line_end = line_end >> 1 | is(next == b'\r' && second == b'\n');
    (!(blank & (before_blank | before_line_end)), tab != 0)
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

/// How much in front of `data` is without white space, in whole pieces. In base64 there is
/// none at all, in a text there is some in each line.
#[inline(always)]
fn unchanged<V: Vectors>(vectors: V, data: &[u8]) -> usize {
    const PIECE: usize = 256;
    let mut at = 0;
    while let Some(piece) = data.get(at..).and_then(<[u8]>::first_chunk::<PIECE>) {
        let mut any = blanks(vectors, piece, 0);
        for n in (V::LENGTH..PIECE).step_by(V::LENGTH) {
            any = any | blanks(vectors, piece, n);
        }
        if vectors.bits(any) != 0 {
            break;
        }
        at += PIECE;
    }
    at
}

/// Which bytes of the vector at `n` are white space.
#[inline(always)]
fn blanks<V: Vectors>(vectors: V, piece: &[u8], n: usize) -> V::Which {
    let bytes = vectors.load(piece, n);
    vectors.are(bytes, b' ') | vectors.are(bytes, b'\t')
}

#[cfg(test)]
mod tests;

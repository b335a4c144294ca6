//! The canonical form of header fields: RFC 6376 sections 3.4.1 and 3.4.2.

use alloc::vec::Vec;

use super::Canonicalization;
use crate::vectors::{BLOCK, VECTOR, bits, equal, lower, vector};

/// Puts fields into canonical form, one behind the other. A field is given as
/// [`crate::header`] splits it: folded lines included, the CRLF that ends it not.
pub(crate) struct HeaderCanon {
    kind: Canonicalization,
    /// What there is until it is too much.
    first: [u8; USUAL],
    /// All of it then, and room behind that.
    all: Vec<u8>,
    used: usize,
}

/// More than most signatures sign.
const USUAL: usize = 2048;

/// Some bytes, and so many of them count. What follows these, if anything does, is CRLF, and
/// there so that whole vectors can be read.
#[derive(Clone, Copy)]
pub(crate) struct Within<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) length: usize,
}

impl<'a> Within<'a> {
    pub(crate) fn all(bytes: &'a [u8]) -> Self {
        let length = bytes.len();
        Self { bytes, length }
    }

    /// Those that count.
    fn text(self) -> &'a [u8] {
        self.bytes.get(..self.length).unwrap_or(self.bytes)
    }

    /// What is behind so many.
    fn behind(self, count: usize) -> Self {
        Self {
            bytes: self.bytes.get(count..).unwrap_or_default(),
            length: self.length.saturating_sub(count),
        }
    }
}

impl HeaderCanon {
    pub(crate) fn new(kind: Canonicalization) -> Self {
        Self {
            kind,
            first: [0; USUAL],
            all: Vec::new(),
            used: 0,
        }
    }

    /// A field with the CRLF that ends it.
    pub(crate) fn line(&mut self, field: Within<'_>) {
        self.put(field, &[]);
        if let Some(room) = self.room(2).first_chunk_mut() {
            *room = *b"\r\n";
        }
        self.used += 2;
    }

    /// A field without it.
    pub(crate) fn field(&mut self, field: &[u8]) {
        self.put(Within::all(field), &[]);
    }

    /// A field that is given in two pieces, without it. The name is in the first.
    pub(crate) fn field_in_two(&mut self, before: Within<'_>, behind: &[u8]) {
        self.put(before, behind);
    }

    #[inline]
    fn put(&mut self, before: Within<'_>, behind: &[u8]) {
        // No more than it was, but for a colon that was missing, and what is too much of the
        // last blocks.
        let kind = self.kind;
        let room = self.room(before.length + behind.len() + 1 + 2 * BLOCK);
        let mut used = 0;
        match kind {
            Canonicalization::Simple => {
                for text in [before.text(), behind] {
                    used += copy(text, room.get_mut(used..).unwrap_or_default());
                }
            }
            Canonicalization::Relaxed => {
                let (read, written) = name(before, room);
                let mut run = Run::default();
                used = written;
                for text in [before.behind(read), Within::all(behind)] {
                    if text.length > 0 {
                        let room = room.get_mut(used..).unwrap_or_default();
                        used += unfold(&mut run, text, room);
                    }
                }
            }
        }
        self.used += used;
    }

    /// Room for so many bytes.
    #[inline]
    fn room(&mut self, length: usize) -> &mut [u8] {
        let (used, end) = (self.used, self.used + length);
        if end > self.whole().len() {
            self.grow(end);
        }
        self.whole().get_mut(used..).unwrap_or_default()
    }

    #[inline]
    fn whole(&mut self) -> &mut [u8] {
        match self.all.is_empty() {
            true => &mut self.first,
            false => &mut self.all,
        }
    }

    #[cold]
    fn grow(&mut self, end: usize) {
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.resize(2 * end, 0);
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        let all = match self.all.is_empty() {
            true => &self.first[..],
            false => &self.all,
        };
        all.get(..self.used).unwrap_or_default()
    }

    /// The same to keep.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes().to_vec()
    }

    /// Takes back what came behind so many bytes.
    #[cfg(feature = "arc")]
    pub(crate) fn truncate(&mut self, length: usize) {
        self.used = length;
    }
}

/// Writes bytes as they are, and gives how many.
#[inline]
fn copy(text: &[u8], room: &mut [u8]) -> usize {
    if let Some(room) = room.get_mut(..text.len()) {
        room.copy_from_slice(text);
    }
    text.len()
}

/// Writes the name in lower case, and the colon. Gives where the value begins, and how much
/// was written.
#[inline]
fn name(field: Within<'_>, room: &mut [u8]) -> (usize, usize) {
    let mut at = 0;
    while at < field.length {
        let bytes = vector(field.bytes.get(at..).unwrap_or_default());
        let room = room.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
        if let Some(room) = room {
            *room = lower(bytes).to_array();
        }
        let white = equal(bytes, b' ') | equal(bytes, b'\t') | equal(bytes, b'\r');
        let end = (white | equal(bytes, b':')).to_bitmask();
        if end != 0 {
            let end = at + end.trailing_zeros() as usize;
            if end < field.length && field.bytes.get(end) == Some(&b':') {
                return (end + 1, end + 1);
            }
            break;
        }
        at += VECTOR;
    }
    uncommon_name(field.text(), room)
}

/// The same of a name with white space behind it, or of a line that has none.
#[cold]
fn uncommon_name(field: &[u8], room: &mut [u8]) -> (usize, usize) {
    let colon = memchr::memchr(b':', field).unwrap_or(field.len());
    let name = field.get(..colon).unwrap_or_default();
    let used = unfold(&mut Run::default(), Within::all(name), room);
    if let Some(name) = room.get_mut(..used) {
        name.make_ascii_lowercase();
    }
    let end = room.get_mut(used..).unwrap_or_default();
    (colon + 1, used + copy(b":", end))
}

/// Where in a text the white space was that counts for one space, if text follows.
#[derive(Default)]
struct Run {
    any_text: bool,
    blank: bool,
}

/// Writes `text` unfolded, runs of white space reduced to one space, none at either end;
/// gives how much that is.
#[inline(always)]
fn unfold(run: &mut Run, text: Within<'_>, room: &mut [u8]) -> usize {
    let Within { bytes, length } = text;
    let (mut at, mut used) = (0, 0);
    while at < length {
        match bytes.get(at..) {
            Some([b' ' | b'\t', ..]) => {
                run.blank = true;
                at += 1;
                continue;
            }
            Some([b'\r', b'\n', ..]) if at + 1 < length => {
                at += 2;
                continue;
            }
            _ => {}
        }
        if run.blank && run.any_text {
            room.get_mut(used).into_iter().for_each(|byte| *byte = b' ');
            used += 1;
        }
        (run.any_text, run.blank) = (true, false);
        let (text, end) = (bytes.get(at..), room.get_mut(used..));
        let count = copy_plain(text.unwrap_or_default(), end.unwrap_or_default());
        (at, used) = (at + count, used + count);
    }
    used
}

/// Copies what passes unfolding as it is, and gives how much that is: up to white space that
/// is no single space inside a line. Behind the end is white space, too. The first byte is
/// not looked at, since it is none. Whole blocks are written, or vectors near the end of all;
/// what is too much of one is written over.
#[inline(always)]
fn copy_plain(text: &[u8], out: &mut [u8]) -> usize {
    let break_or_tab = |bytes| equal(bytes, b'\t') | equal(bytes, b'\r');
    let (mut done, mut first) = (0, 1);
    while let (Some(window), Some(room)) = (
        text.get(done..)
            .and_then(<[u8]>::first_chunk::<{ BLOCK + 1 }>),
        out.get_mut(done..)
            .and_then(<[u8]>::first_chunk_mut::<BLOCK>),
    ) {
        let [block @ .., next] = window;
        *room = *block;
        let spaces = bits(block, |bytes| equal(bytes, b' '));
        let others = bits(block, break_or_tab);
        let next = u64::from(matches!(next, b' ' | b'\t' | b'\r')) << (BLOCK - 1);
        let before_white = (spaces | others) >> 1 | next;
        let stops = (others | spaces & before_white) & !first;
        if stops != 0 {
            return done + stops.trailing_zeros() as usize;
        }
        (done, first) = (done + BLOCK, 0);
    }
    loop {
        let rest = text.get(done..).unwrap_or_default();
        let bytes = vector(rest);
        let next = vector(rest.get(1..).unwrap_or_default());
        let room = out.get_mut(done..).and_then(<[u8]>::first_chunk_mut);
        if let Some(room) = room {
            *room = bytes.to_array();
        }
        let before_white = break_or_tab(next) | equal(next, b' ');
        let stops = break_or_tab(bytes) | equal(bytes, b' ') & before_white;
        let stops = u64::from(stops.to_bitmask()) & !first;
        if stops != 0 {
            return done + stops.trailing_zeros() as usize;
        }
        (done, first) = (done + VECTOR, 0);
    }
}

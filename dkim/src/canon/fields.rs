//! The canonical form of header fields: RFC 6376 sections 3.4.1 and 3.4.2.

use alloc::vec::Vec;

use scop_mime::vectors::{BLOCK, VECTOR, bits, equal, lower, u8x16, vector, vector_at};

use super::Canonicalization;

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

/// Some bytes, and so many of them count. What is behind these is there so that whole vectors
/// can be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) length: usize,
}

impl<'a> Within<'a> {
    #[inline]
    pub(crate) fn all(bytes: &'a [u8]) -> Self {
        let length = bytes.len();
        Self { bytes, length }
    }

    /// Those that count.
    #[inline]
    pub(crate) fn text(self) -> &'a [u8] {
        self.bytes.get(..self.length).unwrap_or(self.bytes)
    }
}

/// A field without the CRLF that ends it, or what is in front of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) text: Within<'a>,
    /// The length of its name, where that is known and the colon behind it.
    pub(crate) name: Option<usize>,
}

impl<'a> Field<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let (text, name) = (Within::all(text), None);
        Self { text, name }
    }

    /// No more of it than so much, in which the name is.
    pub(crate) fn up_to(mut self, length: usize) -> Self {
        self.text.length = length;
        self
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
    pub(crate) fn line(&mut self, field: Field<'_>) {
        self.put(field, &[]);
        if let Some(room) = self.room(2).first_chunk_mut() {
            *room = *b"\r\n";
        }
        self.used += 2;
    }

    /// A field without it.
    pub(crate) fn field(&mut self, field: &[u8]) {
        self.put(Field::new(field), &[]);
    }

    /// A field that is given in two pieces, without it. The name is in the first.
    pub(crate) fn field_in_two(&mut self, before: Field<'_>, behind: &[u8]) {
        self.put(before, behind);
    }

    fn put(&mut self, before: Field<'_>, behind: &[u8]) {
        // No more than it was, but for a colon that was missing, and what is too much of the
        // last blocks.
        let kind = self.kind;
        let room = self.room(before.text.length + behind.len() + 1 + 2 * BLOCK);
        self.used += match kind {
            Canonicalization::Simple => {
                let used = copy(before.text.text(), room);
                used + copy(behind, room.get_mut(used..).unwrap_or_default())
            }
            Canonicalization::Relaxed => relaxed(before, behind, room),
        };
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

/// Writes a field in relaxed form, and gives how much that is.
#[inline]
fn relaxed(before: Field<'_>, behind: &[u8], room: &mut [u8]) -> usize {
    let Within { bytes, length } = before.text;
    let (read, mut used) = match before.name {
        Some(name) => {
            let mut at = 0;
            // The colon is as it is, and what is too much is written over.
            while at <= name {
                let small = lower(vector_at(bytes, at)).to_array();
                let room = room.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
                room.into_iter().for_each(|room| *room = small);
                at += VECTOR;
            }
            (name + 1, name + 1)
        }
        None => uncommon_name(before.text.text(), room),
    };
    let left = length.saturating_sub(read);
    // What is behind the end is not to be read far.
    let bytes = bytes.get(..length + BLOCK + 1).unwrap_or(bytes);
    let value = bytes.get(read..).unwrap_or_default();
    if behind.is_empty()
        && let Some(count) = one_line(value, left, room.get_mut(used..).unwrap_or_default())
    {
        return used + count;
    }
    let mut run = Run::default();
    for (text, left) in [(value, left), (behind, behind.len())] {
        let room = room.get_mut(used..).unwrap_or_default();
        used += unfold(&mut run, text, left, room);
    }
    used
}

/// What most values are: one space, and no more than a block in which nothing changes. Gives
/// how much was written, if it is so.
#[inline(always)]
fn one_line(value: &[u8], left: usize, room: &mut [u8]) -> Option<usize> {
    let (b' ', text) = value.split_first()? else {
        return None;
    };
    let left = left.checked_sub(1)?;
    let last = text.get(left.checked_sub(1)?)?;
    if left > BLOCK || text.first() == Some(&b' ') || *last == b' ' {
        return None;
    }
    let stops = copy_block(text.first_chunk()?, room.first_chunk_mut()?);
    (stops << (BLOCK - left) == 0).then_some(left)
}

/// The name where white space may be behind it, or no colon at all. Gives where the value
/// begins, and how much was written.
#[cold]
fn uncommon_name(field: &[u8], room: &mut [u8]) -> (usize, usize) {
    let colon = memchr::memchr(b':', field).unwrap_or(field.len());
    let name = field.get(..colon).unwrap_or_default();
    let used = unfold(&mut Run::default(), name, colon, room);
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

/// Writes the first `left` bytes of `text` unfolded, runs of white space reduced to one space,
/// none at either end; gives how much that is.
#[inline(always)]
fn unfold(run: &mut Run, mut text: &[u8], mut left: usize, room: &mut [u8]) -> usize {
    let mut used = 0;
    loop {
        let white = match text {
            [b' ' | b'\t', ..] if left > 0 => 1,
            [b'\r', b'\n', ..] if left > 1 => 2,
            _ => 0,
        };
        run.blank |= white == 1;
        if white == 0 {
            if left == 0 {
                return used;
            }
            if run.blank && run.any_text {
                room.get_mut(used).into_iter().for_each(|room| *room = b' ');
                used += 1;
            }
            let end = room.get_mut(used..).unwrap_or_default();
            let count = copy_plain(text, end).min(left);
            used += count;
            *run = Run {
                any_text: true,
                blank: false,
            };
            if count == left {
                // White space that is not before white space is where the text was cut.
                if let Some(b' ') = text.get(count - 1) {
                    (run.blank, used) = (true, used - 1);
                }
                return used;
            }
            (text, left) = (text.get(count..).unwrap_or_default(), left - count);
        } else {
            (text, left) = (text.get(white..).unwrap_or_default(), left - white);
        }
    }
}

/// Copies what passes unfolding as it is, and gives how much that is: up to white space that
/// is no single space inside a line, or to the end. The first byte is not looked at, since it
/// is none. Whole blocks are written, or vectors near the end of all; what is too much of one
/// is written over.
#[inline(always)]
fn copy_plain(text: &[u8], out: &mut [u8]) -> usize {
    let (mut done, mut first) = (0, 1);
    while let (Some(window), Some(room)) = (
        text.get(done..).and_then(<[u8]>::first_chunk),
        out.get_mut(done..).and_then(<[u8]>::first_chunk_mut),
    ) {
        let stops = copy_block(window, room) & !first;
        if stops != 0 {
            return done + stops.trailing_zeros() as usize;
        }
        (done, first) = (done + BLOCK, 0);
    }
    loop {
        let rest = text.get(done..).unwrap_or_default();
        let (bytes, next) = (vector(rest), vector_at(rest, 1));
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

/// Copies a block, and gives where in it such white space is, by bit.
#[inline(always)]
fn copy_block(window: &[u8; BLOCK + 1], room: &mut [u8; BLOCK]) -> u64 {
    let [block @ .., next] = window;
    *room = *block;
    let spaces = bits(block, |bytes| equal(bytes, b' '));
    let others = bits(block, break_or_tab);
    let next = u64::from(matches!(next, b' ' | b'\t' | b'\r')) << (BLOCK - 1);
    others | spaces & ((spaces | others) >> 1 | next)
}

/// Tabs, and CR.
#[inline(always)]
fn break_or_tab(bytes: u8x16) -> u8x16 {
    equal(bytes, b'\t') | equal(bytes, b'\r')
}

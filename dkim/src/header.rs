//! The header of a message: which bytes belong to which field.
//!
//! DKIM signs bytes, so nothing is decoded or repaired here. Only CRLF ends a
//! line, only an empty line (or the end of input) ends the header, and a line
//! that starts with white space belongs to the field above it. A bare CR or LF
//! is a byte like any other, except to [`Header::has_from_lookalike`], which sees
//! a message as a careless reader would.
//!
//! That is the rule of scop-mime's [`Mode::Exact`](scop_mime::Mode::Exact), with which a test
//! compares this. Its reader tells of much that no signature asks for, event by event; here
//! the bytes are kept in any case, and one look at them finds the fields.

use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::canon::Within;
use crate::limits::{LimitExceeded, Limits};
use crate::lines;
use crate::message::Singles;
use crate::vectors::{BLOCK, VECTOR, below_or_high, bits, equal, vector};
use crate::words::below;

/// A header, whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    bytes: Vec<u8>,
    /// Their bytes follow each other in `bytes`, each with the CRLF that ends it,
    /// if it came.
    fields: Vec<Field>,
    /// Those that have a name, sorted by it without regard to case, and those of one name
    /// from top to bottom. None where they are [`FEW`]: then all are soon looked at.
    by_name: Option<Vec<Named>>,
    /// How many there are of those that may occur once.
    singles: Singles,
    /// Some have no name with the colon right behind it.
    has_odd_names: bool,
    /// Those with a CR or a LF in them that is no half of a CRLF.
    bare_ends: Vec<usize>,
}

/// A field of a header.
#[derive(Clone, Copy, Debug)]
struct Field {
    offset: usize,
    length: u32,
    /// 0 for a line that is no field.
    name_length: u32,
    /// Behind the colon.
    value_start: u32,
    /// [`start`] of its name: 0 without one.
    start: u64,
}

/// So many fields fit into the bits of a number.
const FEW: usize = 64;

/// A field that has a name, as such fields sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    /// [`start`] of its name: most names differ there.
    start: u64,
    /// It does not stand above all others.
    is_below: bool,
    field: usize,
}

impl Named {
    /// Its number.
    pub(crate) fn field(&self) -> usize {
        self.field
    }
}

/// Fields of one name, from top to bottom.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Instances<'h> {
    /// Their numbers, by bit.
    Few(u64),
    Many(&'h [Named]),
}

impl Iterator for Instances<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        match self {
            Instances::Few(0) => None,
            Instances::Few(bits) => {
                let first = bits.trailing_zeros();
                *bits &= *bits - 1;
                Some(first as usize)
            }
            Instances::Many(all) => {
                let (first, rest) = all.split_first()?;
                *all = rest;
                Some(first.field)
            }
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let length = match self {
            Instances::Few(bits) => bits.count_ones() as usize,
            Instances::Many(all) => all.len(),
        };
        (length, Some(length))
    }
}

impl ExactSizeIterator for Instances<'_> {}

/// Collects a header from chunks of any size. Work and memory are linear in
/// the header; of the body no more is looked at than what one block of bytes holds.
#[derive(Debug)]
pub(crate) struct Splitter {
    header: Header,
    /// Where the field in hand begins.
    begun: usize,
    /// Line ends before it were seen.
    seen: usize,
    /// There is a CR or a LF that is no half of a CRLF, or that was cut off from the other.
    is_odd: bool,
    limits: Limits,
}

impl Splitter {
    /// What most headers need, and what is taken at a time.
    const PIECE: usize = 4096;

    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            header: Header {
                bytes: Vec::with_capacity(Self::PIECE),
                fields: Vec::with_capacity(32),
                ..Header::default()
            },
            begun: 0,
            seen: 0,
            is_odd: false,
            limits,
        }
    }

    /// Takes `data`; when the empty line came, gives how much of `data` was
    /// header (the empty line included).
    pub(crate) fn write(&mut self, data: &[u8]) -> Result<Option<usize>, LimitExceeded> {
        let mut taken = 0;
        for piece in data.chunks(Self::PIECE) {
            self.header.bytes.extend_from_slice(piece);
            taken += piece.len();
            if let Some(end) = self.look()? {
                let behind = self.header.bytes.len() - end;
                // The empty line is none of it.
                self.header.bytes.truncate(self.begun);
                return Ok(Some(taken - behind));
            }
        }
        Ok(None)
    }

    /// Looks for fields in what came last, and gives where the body begins.
    fn look(&mut self) -> Result<Option<usize>, LimitExceeded> {
        let limit = self.limits.header_bytes;
        let whole = core::mem::take(&mut self.header.bytes);
        let found = self.look_at(whole.get(..limit).unwrap_or(&whole));
        self.header.bytes = whole;
        found
    }

    fn look_at(&mut self, bytes: &[u8]) -> Result<Option<usize>, LimitExceeded> {
        let before = self.seen.checked_sub(1).and_then(|at| bytes.get(at));
        let mut after_cr = u64::from(before == Some(&b'\r'));
        let mut at = self.seen;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (mut lf, cr, length) = ends_in(rest);
            let odd = lf ^ (cr << 1 | after_cr);
            // A CR at the end belongs to what comes.
            self.is_odd |= odd & (u64::MAX >> (BLOCK - length)) != 0;
            after_cr = cr >> (BLOCK - 1);
            while lf != 0 {
                let end = at + lf.trailing_zeros() as usize + 1;
                lf &= lf - 1;
                if end < 2 || bytes.get(end - 2) != Some(&b'\r') {
                    continue;
                }
                if end == self.begun + 2 {
                    return Ok(Some(end));
                }
                match bytes.get(end) {
                    Some(b' ' | b'\t') => {}
                    Some(_) => self.push(bytes, end)?,
                    // What follows tells whether the field goes on.
                    None => {
                        self.seen = end - 1;
                        return self.in_hand(bytes);
                    }
                }
            }
            at += length;
        }
        self.seen = at;
        self.in_hand(bytes)
    }

    /// Whether limits let the header go on behind `bytes`.
    fn in_hand(&self, bytes: &[u8]) -> Result<Option<usize>, LimitExceeded> {
        let field = bytes.get(self.begun..).unwrap_or_default();
        let is_full = bytes.len() >= self.limits.header_bytes;
        // A CR may be half of the empty line.
        if is_full && !field.is_empty() || !matches!(field, [] | [b'\r']) {
            self.has_room(field)?;
        }
        match is_full {
            true => Err(LimitExceeded::Header(self.limits.header_bytes)),
            false => Ok(None),
        }
    }

    /// Whether one more field is allowed, and as long as this one.
    fn has_room(&self, field: &[u8]) -> Result<(), LimitExceeded> {
        let limits = &self.limits;
        if self.header.fields.len() >= limits.fields {
            return Err(LimitExceeded::Fields(limits.fields));
        }
        if field.len() > limits.field_bytes || field.len() > u32::MAX as usize {
            return Err(LimitExceeded::Field(limits.field_bytes));
        }
        Ok(())
    }

    /// The field in hand ends there.
    fn push(&mut self, bytes: &[u8], end: usize) -> Result<(), LimitExceeded> {
        // What is behind the field is there for whole vectors to be read.
        let behind = bytes.get(self.begun..).unwrap_or_default();
        let length = end - self.begun;
        self.has_room(behind.get(..length).unwrap_or_default())?;
        self.header.push(self.begun, behind, length);
        self.begun = end;
        Ok(())
    }

    /// The header as far as it came.
    pub(crate) fn finish(mut self) -> Result<Header, LimitExceeded> {
        let bytes = core::mem::take(&mut self.header.bytes);
        if self.begun < bytes.len() {
            self.push(&bytes, bytes.len())?;
        }
        let mut header = self.header;
        let ends_in_cr = bytes.last() == Some(&b'\r');
        header.bytes = bytes;
        if self.is_odd || ends_in_cr {
            header.find_bare_ends();
        }
        if header.fields.len() > FEW {
            header.sort(0);
        }
        Ok(header)
    }
}

/// The LF and the CR of a block, by bit, and how long it is.
#[inline(always)]
fn ends_in(bytes: &[u8]) -> (u64, u64, usize) {
    let ends = |block| {
        (
            bits(block, |v| equal(v, b'\n')),
            bits(block, |v| equal(v, b'\r')),
        )
    };
    match bytes.first_chunk() {
        Some(block) => {
            let (lf, cr) = ends(block);
            (lf, cr, BLOCK)
        }
        None => {
            let mut block = [b' '; BLOCK];
            if let Some(to) = block.get_mut(..bytes.len()) {
                to.copy_from_slice(bytes);
            }
            let (lf, cr) = ends(&block);
            (lf, cr, bytes.len())
        }
    }
}

/// The length of the name in front of a field, and where its value begins: white space and
/// folds before the colon belong to neither. `bytes` may go on behind the field, which is of
/// so many.
#[inline]
fn name(bytes: &[u8], length: usize) -> Option<(usize, usize)> {
    let mut name = 0;
    loop {
        let v = vector(bytes.get(name..)?);
        // What is not visible, and the colon (RFC 5322 section 2.2).
        let ends = below_or_high(v, b'!') | equal(v, b':') | equal(v, 0x7f);
        let ends = ends.to_bitmask();
        if ends != 0 {
            name += ends.trailing_zeros() as usize;
            break;
        }
        name += VECTOR;
    }
    let mut colon = name;
    while let Some(byte) = bytes.get(colon).filter(|_| colon < length) {
        match byte {
            b':' if name > 0 => return Some((name, colon + 1)),
            b' ' | b'\t' | b'\r' | b'\n' => colon += 1,
            _ => return None,
        }
    }
    None
}

impl Header {
    /// Adds the field of so many `bytes`, which may go on behind it.
    fn push(&mut self, offset: usize, bytes: &[u8], length: usize) {
        let (name_length, value_start) = name(bytes, length).unwrap_or_default();
        let name = bytes.get(..name_length).unwrap_or_default();
        // Whole words are read faster than what is left of one.
        let start = match bytes.first_chunk() {
            Some(octets) => start_of(u64::from_be_bytes(*octets), name_length),
            None => start(name),
        };
        self.singles.add(name, start);
        self.has_odd_names |= name_length + 1 != value_start;
        // A field is not longer than what `Splitter::has_room` allows.
        self.fields.push(Field {
            offset,
            length: length as u32,
            name_length: name_length as u32,
            value_start: value_start as u32,
            start,
        });
    }

    /// All of it, without the empty line behind it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes the index. The fields from number `top` on stand above all others.
    fn sort(&mut self, top: usize) {
        let fields = self.fields.iter().enumerate();
        let named = fields.filter(|(_, field)| field.start != 0);
        let named = named.map(|(number, field)| Named {
            start: field.start,
            is_below: number < top,
            field: number,
        });
        let mut named: Vec<Named> = named.collect();
        named.sort_unstable();
        // Among those that start alike the whole names decide; mostly they are the same.
        for alike in named.chunk_by_mut(|a, b| a.start == b.start) {
            let compare = |a: &Named, b: &Named| compare(self.name(a.field), self.name(b.field));
            if !alike.is_sorted_by(|a, b| compare(a, b).is_le()) {
                alike.sort_unstable_by(|a, b| compare(a, b).then(a.cmp(b)));
            }
        }
        self.by_name = Some(named);
    }

    fn find_bare_ends(&mut self) {
        let all = 0..self.fields.len();
        let odd = all.filter(|field| has_bare_ends(self.field(*field)));
        self.bare_ends = odd.collect();
    }

    /// Fields with a CR or a LF in them that is no half of a CRLF.
    pub(crate) fn bare_ends(&self) -> &[usize] {
        &self.bare_ends
    }

    /// How many fields there are of those that may occur once.
    pub(crate) fn singles(&self) -> &Singles {
        &self.singles
    }

    /// Fields named `name`, in any case.
    pub(crate) fn named(&self, name: &[u8]) -> Instances<'_> {
        match &self.by_name {
            Some(all) => Instances::Many(self.find(all, name)),
            None => Instances::Few(self.scan(name)),
        }
    }

    fn scan(&self, name: &[u8]) -> u64 {
        let wanted = start(name);
        if wanted == 0 {
            // The empty one is none.
            return 0;
        }
        let alike = self.fields.iter().rev().fold(0, |alike, field| {
            alike << 1 | u64::from(field.start == wanted)
        });
        if name.len() < 8 {
            // Nothing is behind what is compared.
            return alike;
        }
        let others = Instances::Few(alike).filter(|number| {
            let other = self.name(*number);
            other.len() != name.len() || !rest(other).eq_ignore_ascii_case(rest(name))
        });
        others.fold(alike, |alike, other| alike & !(1 << other))
    }

    fn find<'h>(&'h self, all: &'h [Named], name: &[u8]) -> &'h [Named] {
        let wanted = start(name);
        // Those that start alike, then among them; mostly that is all of them.
        let first = all.partition_point(|named| named.start < wanted);
        let alike = all.get(first..).unwrap_or_default();
        let count = alike.partition_point(|named| named.start == wanted);
        let alike = alike.get(..count).unwrap_or_default();
        let order = |named: &Named| compare(self.name(named.field), name);
        let first = alike.partition_point(|named| order(named).is_lt());
        let alike = alike.get(first..).unwrap_or_default();
        let length = alike.partition_point(|named| order(named).is_eq());
        alike.get(..length).unwrap_or_default()
    }

    /// How many fields there are.
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }

    /// The name of field `i` as written; empty for a line that is no field.
    pub(crate) fn name(&self, i: usize) -> &[u8] {
        let name = |at: &Field| self.bytes.get(at.offset..)?.get(..at.name_length as usize);
        self.fields.get(i).and_then(name).unwrap_or_default()
    }

    /// This header with `fields`, each with its CRLF, on top. What numbers its fields had
    /// they keep.
    #[cfg(feature = "arc")]
    pub(crate) fn below(&self, fields: &str) -> Result<Self, LimitExceeded> {
        let mut splitter = Splitter::new(Limits::default());
        splitter.write(fields.as_bytes())?;
        let top = splitter.finish()?;
        let mut header = self.clone();
        let (octets, count) = (header.bytes.len(), header.fields.len());
        header.bytes.extend_from_slice(&top.bytes);
        for (number, at) in top.fields.iter().enumerate() {
            let from = top.bytes.get(at.offset..).unwrap_or_default();
            header.push(octets + at.offset, from, at.length as usize);
            let is_bare = top.bare_ends.contains(&number);
            header.bare_ends.extend(is_bare.then_some(count + number));
        }
        // The index alone knows of what stands above.
        header.sort(count);
        Ok(header)
    }

    /// The bytes of field `i` without the CRLF that ends it.
    pub(crate) fn field(&self, i: usize) -> &[u8] {
        let range = |at: &Field| self.bytes.get(at.offset..)?.get(..at.length as usize);
        let raw = self.fields.get(i).and_then(range).unwrap_or_default();
        raw.strip_suffix(b"\r\n").unwrap_or(raw)
    }

    /// The same, with what follows it.
    pub(crate) fn field_within(&self, i: usize) -> Within<'_> {
        let offset = self.fields.get(i).map_or(self.bytes.len(), |at| at.offset);
        Within {
            bytes: self.bytes.get(offset..).unwrap_or_default(),
            length: self.field(i).len(),
        }
    }

    /// The bytes behind the colon of field `i`, without the final CRLF.
    pub(crate) fn value(&self, i: usize) -> &[u8] {
        match self.fields.get(i) {
            Some(at) if at.value_start > 0 => {
                let field = self.field(i);
                field.get(at.value_start as usize..).unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// Whether the first line begins with white space. It would belong to a field that is
    /// put on top.
    pub(crate) fn begins_folded(&self) -> bool {
        matches!(self.field(0).first(), Some(b' ' | b'\t'))
    }

    /// Whether a reader could take some line for a From field that is none by
    /// the grammar of RFC 5322: ` From:` on top, `From :`, `From\r\n :`, a name
    /// with control characters or 8-bit junk in it, or one behind a bare CR or
    /// LF. Such a message shows an author that the exact fields do not name.
    pub(crate) fn has_from_lookalike(&self) -> bool {
        let reads_as_from = |text: &[u8]| lines::value(text, "from").is_some();
        let odd_name = |(i, at): (usize, &Field)| {
            // A name with its colon behind it is what it is.
            at.name_length + 1 != at.value_start && reads_as_from(self.field(i))
        };
        let odd_line = |i: &usize| {
            let mut hidden = lines::hidden(self.field(*i));
            hidden.any(|(_, line)| reads_as_from(line))
        };
        self.has_odd_names && self.fields.iter().enumerate().any(odd_name)
            || self.bare_ends.iter().any(odd_line)
    }
}

/// Whether there is a CR or a LF that is no half of a CRLF.
fn has_bare_ends(bytes: &[u8]) -> bool {
    // Without a branch inside, for the compiler to vectorise.
    let next = bytes.get(1..).unwrap_or_default();
    let odd = bytes.iter().zip(next).fold(0, |odd, (byte, next)| {
        odd | (u8::from(*byte == b'\r') ^ u8::from(*next == b'\n'))
    });
    odd != 0 || bytes.first() == Some(&b'\n') || bytes.last() == Some(&b'\r')
}

/// The first eight octets of a name, in lower case, as they sort.
#[inline]
pub(crate) const fn start(name: &[u8]) -> u64 {
    let octets = match (name.first_chunk(), name.first_chunk(), name.last_chunk()) {
        (Some(octets), ..) => u64::from_be_bytes(*octets),
        (None, Some(first), Some(last)) => {
            let (first, last) = (u32::from_be_bytes(*first), u32::from_be_bytes(*last));
            // Those that both have are the same.
            (first as u64) << 32 | (last as u64) << (64 - 8 * name.len())
        }
        _ => match name {
            [] => 0,
            [a] => (*a as u64) << 56,
            [a, b] => (*a as u64) << 56 | (*b as u64) << 48,
            [a, b, c, ..] => (*a as u64) << 56 | (*b as u64) << 48 | (*c as u64) << 40,
        },
    };
    start_of(octets, name.len())
}

/// The same of the name of so many octets that is in front of these.
#[inline]
const fn start_of(octets: u64, length: usize) -> u64 {
    let word = match length {
        0 => 0,
        1..8 => octets & u64::MAX << (64 - 8 * length),
        _ => octets,
    };
    let is_upper = below(word, b'Z' + 1) & !below(word, b'A');
    word | is_upper >> 2
}

/// What [`start`] does not tell of a name.
pub(crate) fn rest(name: &[u8]) -> &[u8] {
    name.get(8..).unwrap_or_default()
}

/// How names sort that [`start`] alike.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let lower = |name| rest(name).iter().map(u8::to_ascii_lowercase);
    // Mostly they are the same.
    match a.len() == b.len() && rest(a).eq_ignore_ascii_case(rest(b)) {
        true => Ordering::Equal,
        false => lower(a).cmp(lower(b)).then(a.len().cmp(&b.len())),
    }
}

#[cfg(test)]
mod tests;

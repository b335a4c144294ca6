//! The header of a message, as scop-mime's [`Reader`] finds it in its mode
//! [`Exact`](Mode::Exact): which bytes belong to which field.
//!
//! DKIM signs bytes, so nothing is decoded or repaired here. Only CRLF ends a
//! line, only an empty line (or the end of input) ends the header, and a line
//! that starts with white space belongs to the field above it. A bare CR or LF
//! is a byte like any other, except to [`Header::has_from_lookalike`], which sees
//! a message as a careless reader would.

use alloc::vec::Vec;
use core::cmp::Ordering;

use scop_mime::{DefectKind, Event, FieldAt, Mode, Reader};

use crate::canon::Within;
use crate::limits::{LimitExceeded, Limits};
use crate::lines;
use crate::message::Singles;
use crate::vectors::{BLOCK, VECTOR, bits, equal, u8x16, vector};
use crate::words::below;

/// A header, whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    bytes: Vec<u8>,
    /// Their bytes follow each other in `bytes`, each with the CRLF that ends it,
    /// if it came.
    fields: Vec<Field>,
    /// The [`tag`] of each of the first [`FEW`].
    tags: Tags,
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
    /// Without the CRLF that ends it.
    length: u32,
    /// 0 for a line that is no field.
    name_length: u32,
    /// Behind the colon.
    value_start: u32,
    /// [`start`] of its name: 0 without one.
    start: u64,
}

/// So many fields fit into the bits of a number.
const FEW: usize = BLOCK;

#[derive(Clone, Copy, Debug)]
struct Tags([u8; FEW]);

impl Default for Tags {
    fn default() -> Self {
        Self([0; FEW])
    }
}

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
/// the header; the body is not looked at.
#[derive(Debug)]
pub(crate) struct Splitter {
    reader: Reader,
    header: Header,
    limits: Limits,
}

impl Splitter {
    pub(crate) fn new(limits: Limits) -> Self {
        let reader = Reader::new(scop_mime::Limits {
            header_bytes: limits.header_bytes as u64,
            field_bytes: limits.field_bytes,
            fields: u32::try_from(limits.fields).unwrap_or(u32::MAX),
            ..scop_mime::Limits::default()
        });
        Self {
            reader: reader.mode(Mode::Exact),
            header: Header {
                // What most headers need.
                fields: Vec::with_capacity(32),
                ..Header::default()
            },
            limits,
        }
    }

    /// Takes `data`; when the empty line came, gives how much of `data` was
    /// header (the empty line included).
    pub(crate) fn write(&mut self, data: &[u8]) -> Result<Option<usize>, LimitExceeded> {
        let (header, limits) = (&mut self.header, &self.limits);
        let (mut exceeded, mut over, mut longest) = (None, None, 0);
        self.reader.push(data, |event| match event {
            Event::Header(field) => {
                longest = longest.max(field.at.length);
                header.push(field.raw, &field.at);
            }
            Event::Defect(defect) => match defect.kind {
                DefectKind::HeaderTooLong => {
                    exceeded = Some(LimitExceeded::Header(limits.header_bytes));
                }
                DefectKind::TooManyFields => {
                    exceeded = Some(LimitExceeded::Fields(limits.fields));
                }
                // What is odd about a field is signed as it is.
                _ => {}
            },
            Event::BodyStart(body) => over = Some(body),
            _ => {}
        });
        // No field comes behind what ends a header.
        if longest as usize > limits.field_bytes {
            return Err(LimitExceeded::Field(limits.field_bytes));
        }
        if let Some(exceeded) = exceeded {
            return Err(exceeded);
        }
        // Fields follow each other without a gap, so that offsets in the message are those
        // in a copy of all that comes before the empty line.
        let before = header.bytes.len();
        let behind = |offset: u64| (offset as usize).saturating_sub(before);
        let length = over.map_or(data.len(), |body| behind(body.header_end));
        header
            .bytes
            .extend_from_slice(data.get(..length).unwrap_or(data));
        Ok(over.map(|body| {
            // The first half of the empty line may have come before.
            header.bytes.truncate(body.header_end as usize);
            behind(body.offset)
        }))
    }

    /// The header as far as it came.
    pub(crate) fn finish(&mut self) -> Result<Header, LimitExceeded> {
        self.reader.finish();
        self.write(&[])?;
        let mut header = core::mem::take(&mut self.header);
        if has_bare_ends(&header.bytes) {
            header.find_bare_ends();
        }
        if header.fields.len() > FEW {
            header.sort(0);
        }
        Ok(header)
    }
}

impl Header {
    /// Adds a field behind the others.
    // Apart from the reader's loop, which is small enough then to be made one with its caller.
    #[inline(never)]
    fn push(&mut self, raw: &[u8], at: &FieldAt) {
        let name = raw.get(..at.name_length as usize).unwrap_or_default();
        let start = start_within(raw, name.len());
        let tag = tag(start, name.len());
        self.singles.add(name, start, tag);
        if let Some(place) = self.tags.0.get_mut(self.fields.len()) {
            *place = tag;
        }
        self.has_odd_names |= at.name_length + 1 != at.value_start;
        self.fields.push(Field {
            offset: at.offset as usize,
            length: match raw {
                [text @ .., b'\r', b'\n'] => text.len() as u32,
                _ => at.length,
            },
            name_length: at.name_length,
            value_start: at.value_start,
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
        let tag = tag(wanted, name.len());
        let mut alike = bits(&self.tags.0, |tags| equal(tags, tag));
        let mut same = 0;
        while alike != 0 {
            let number = alike.trailing_zeros() as usize;
            // No field is behind the last one.
            let Some(field) = self.fields.get(number) else {
                break;
            };
            if field.start == wanted && same_rest(self.name(number), name) {
                same |= 1 << number;
            }
            alike &= alike - 1;
        }
        same
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
            let name = top.name(number);
            header
                .singles
                .add(name, at.start, tag(at.start, name.len()));
            header.fields.push(Field {
                offset: octets + at.offset,
                ..*at
            });
        }
        header.has_odd_names |= top.has_odd_names;
        let bare_ends = top.bare_ends.iter().map(|number| count + number);
        header.bare_ends.extend(bare_ends);
        // The index alone knows of what stands above.
        header.sort(count);
        Ok(header)
    }

    /// The bytes of field `i` without the CRLF that ends it.
    #[inline]
    pub(crate) fn field(&self, i: usize) -> &[u8] {
        let field = self.field_within(i);
        field.bytes.get(..field.length).unwrap_or_default()
    }

    /// The same, with what follows it.
    #[inline]
    pub(crate) fn field_within(&self, i: usize) -> Within<'_> {
        let found = |at: &Field| {
            let (bytes, length) = (self.bytes.get(at.offset..)?, at.length as usize);
            // The last field of a message may have no CRLF, and what was put on top of it be
            // behind.
            let is_ended = bytes.get(length..length + 2) == Some(b"\r\n");
            let end = if is_ended { bytes.len() } else { length };
            Some(Within {
                bytes: bytes.get(..end)?,
                length,
            })
        };
        let field = self.fields.get(i).and_then(found);
        field.unwrap_or(Within::all(&[]))
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
        let odd_line = |i: &usize| {
            let mut hidden = lines::hidden(self.field(*i));
            hidden.any(|(_, line)| reads_as_from(line))
        };
        self.odd_froms().next().is_some() || self.bare_ends.iter().any(odd_line)
    }

    /// Those of the lookalikes that are fields of their own.
    pub(crate) fn odd_froms(&self) -> impl Iterator<Item = usize> {
        let fields = match self.has_odd_names {
            true => self.fields.as_slice(),
            false => &[],
        };
        let fields = fields.iter().enumerate();
        // A name with its colon behind it is what it is.
        let odd = fields.filter(|(_, at)| at.name_length + 1 != at.value_start);
        odd.filter_map(|(i, _)| reads_as_from(self.field(i)).then_some(i))
    }
}

fn reads_as_from(text: &[u8]) -> bool {
    lines::value(text, "from").is_some()
}

/// Whether there is a CR or a LF that is no half of a CRLF.
fn has_bare_ends(bytes: &[u8]) -> bool {
    // Each byte beside the next one; behind the last is none.
    let odd = |window: &[u8; BLOCK + 1]| {
        let odd = |n: usize| {
            let this = vector(window.get(n..).unwrap_or_default());
            let next = vector(window.get(n + 1..).unwrap_or_default());
            equal(this, b'\r') ^ equal(next, b'\n')
        };
        odd(0) | odd(VECTOR) | odd(2 * VECTOR) | odd(3 * VECTOR)
    };
    let (mut rest, mut any) = (bytes, u8x16::ZERO);
    while let Some(window) = rest.first_chunk() {
        any |= odd(window);
        rest = rest.get(BLOCK..).unwrap_or_default();
    }
    let mut last = [b' '; BLOCK + 1];
    if let Some(to) = last.get_mut(..rest.len()) {
        to.copy_from_slice(rest);
    }
    any |= odd(&last);
    any.to_bitmask() != 0 || bytes.first() == Some(&b'\n')
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

/// The same of the name of so many octets that is in front of a text: whole words are read
/// faster than what is left of one.
#[inline]
pub(crate) fn start_within(text: &[u8], length: usize) -> u64 {
    match text.first_chunk() {
        Some(octets) => start_of(u64::from_be_bytes(*octets), length),
        None => start(text.get(..length).unwrap_or_default()),
    }
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

/// A number of eight bits made of a name of that [`start`] and length. Those that mail has
/// got numbers of their own, those of [`SINGLE`](crate::message::SINGLE) in the highest six
/// bits alone.
#[inline]
pub(crate) const fn tag(start: u64, length: usize) -> u8 {
    let mixed = start.wrapping_add(length as u64);
    (mixed.wrapping_mul(0x78e5_1061_7311_d8a3) >> 56) as u8
}

/// Whether two names that [`start`] alike are the same without regard to case.
#[inline]
pub(crate) fn same_rest(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 8;
    while at < a.len() {
        // The last eight octets may overlap those before.
        let from = at.min(a.len().saturating_sub(8));
        let word = |name: &[u8]| {
            let octets = name.get(from..)?.first_chunk()?;
            Some(start_of(u64::from_be_bytes(*octets), 8))
        };
        if word(a) != word(b) {
            return false;
        }
        at += 8;
    }
    true
}

/// What [`start`] does not tell of a name.
fn rest(name: &[u8]) -> &[u8] {
    name.get(8..).unwrap_or_default()
}

/// How names sort that [`start`] alike.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let lower = |name| rest(name).iter().map(u8::to_ascii_lowercase);
    // Mostly they are the same.
    match same_rest(a, b) {
        true => Ordering::Equal,
        false => lower(a).cmp(lower(b)).then(a.len().cmp(&b.len())),
    }
}

#[cfg(test)]
mod tests;

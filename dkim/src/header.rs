//! The header of a message, as scop-mime's [`Reader`] finds it in its mode
//! [`Exact`](Mode::Exact): which bytes belong to which field.
//!
//! DKIM signs bytes, so nothing is decoded or repaired here. Only CRLF ends a
//! line, only an empty line (or the end of input) ends the header, and a line
//! that starts with white space belongs to the field above it. A bare CR or LF
//! is a byte like any other, except to [`Header::has_from_lookalike`], which sees
//! a message as a careless reader would.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

use scop_mime::vectors::{BLOCK, VECTOR, bits, equal, lower, u8x16};
use scop_mime::{DefectKind, Event, HeaderField, Mode, NameTag, Reader};

use crate::canon::{self, Within};
use crate::limits::{LimitExceeded, Limits};
use crate::lines;
use crate::message::{Listed, PLACES, Singles, place};

/// A header, whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    bytes: Vec<u8>,
    /// Their bytes follow each other in `bytes`, each with the CRLF that ends it,
    /// if it came.
    fields: Vec<Field>,
    /// The highest bits of the hash of each of the first [`FEW`].
    tags: Tags,
    /// Those that have a name, sorted by it without regard to case, and those of one name
    /// from top to bottom. None where they are [`FEW`]: then all are soon looked at.
    by_name: Option<Vec<Named>>,
    /// How many there are of those that may occur once.
    singles: Singles,
    /// Which of the first [`FEW`] these are, by bit and [`place`].
    single_fields: [u64; PLACES],
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
    /// Of its name.
    hash: u32,
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
    #[inline]
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
                header.push(&field);
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
        let data = data.get(..length).unwrap_or(data);
        match header.bytes.is_empty() {
            // With room for no more: mostly nothing is missing.
            true => header.bytes = data.to_vec(),
            false => header.bytes.extend_from_slice(data),
        }
        Ok(over.map(|body| {
            // The first half of the empty line may have come before.
            header.bytes.truncate(body.header_end as usize);
            behind(body.offset)
        }))
    }

    /// The header as far as it came.
    pub(crate) fn finish(&mut self) -> Result<Arc<Header>, LimitExceeded> {
        self.reader.finish();
        self.write(&[])?;
        let header = &mut self.header;
        if header.fields.len() > FEW {
            header.sort(0);
        }
        Ok(Arc::new(core::mem::take(header)))
    }
}

impl Header {
    /// Adds a field behind the others.
    #[inline(always)]
    fn push(&mut self, field: &HeaderField<'_>) {
        let (HeaderField { raw, at, .. }, name) = (field, field.tag());
        let (number, place) = (self.fields.len(), place(name));
        self.singles.add(place);
        if field.has_bare_ends() {
            self.bare_ends.push(number);
        }
        if let Some(tag) = self.tags.0.get_mut(number) {
            *tag = self::tag(name.hash());
            if let Some(fields) = self.single_fields.get_mut(usize::from(place)) {
                *fields |= 1 << number;
            }
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
            hash: name.hash(),
        });
    }

    /// All of it, without the empty line behind it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes the index. The fields from number `top` on stand above all others.
    fn sort(&mut self, top: usize) {
        let fields = self.fields.iter().enumerate();
        let named = fields.filter(|(_, field)| field.name_length > 0);
        let named = named.map(|(number, _)| Named {
            start: start(self.name(number)),
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
        self.named_within(Within::all(name))
    }

    fn named_within(&self, name: Within<'_>) -> Instances<'_> {
        match &self.by_name {
            Some(all) => Instances::Many(self.find(all, name.text())),
            None => Instances::Few(self.scan(name)),
        }
    }

    /// The same of a name whose place is known: mostly it has one.
    #[inline]
    pub(crate) fn listed(&self, Listed { name, place }: Listed<'_>) -> Instances<'_> {
        match (&self.by_name, self.single_fields.get(usize::from(place))) {
            (None, Some(fields)) => Instances::Few(*fields),
            _ => self.named_within(name),
        }
    }

    #[inline]
    fn scan(&self, name: Within<'_>) -> u64 {
        if name.length == 0 {
            // It is none.
            return 0;
        }
        let wanted = NameTag::hash_within(name.bytes, name.length);
        let mut alike = bits(&self.tags.0, |tags| equal(tags, tag(wanted)));
        let mut same = 0;
        while alike != 0 {
            let number = alike.trailing_zeros() as usize;
            // No field is behind the last one.
            let Some(field) = self.fields.get(number) else {
                break;
            };
            let length = field.name_length as usize;
            let bytes = self.bytes.get(field.offset..).unwrap_or_default();
            if field.hash == wanted && is_same(Within { bytes, length }, name) {
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
            header.singles.add(place(NameTag::of(top.name(number))));
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
        self.field_within(i).text.text()
    }

    /// The same, with what follows it.
    #[inline]
    pub(crate) fn field_within(&self, i: usize) -> canon::Field<'_> {
        let found = |at: &Field| {
            let (bytes, length) = (self.bytes.get(at.offset..)?, at.length as usize);
            Some(canon::Field {
                text: Within { bytes, length },
                name: (at.name_length + 1 == at.value_start).then_some(at.name_length as usize),
            })
        };
        let field = self.fields.get(i).and_then(found);
        field.unwrap_or(canon::Field::new(&[]))
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

/// The highest bits of a hash.
#[inline]
fn tag(hash: u32) -> u8 {
    (hash >> 24) as u8
}

/// The first eight octets of a name, in lower case, as they sort.
fn start(name: &[u8]) -> u64 {
    let octets = name.iter().chain(core::iter::repeat(&0)).take(8);
    octets.fold(0, |word, octet| {
        word << 8 | u64::from(octet.to_ascii_lowercase())
    })
}

/// Whether two names are the same without regard to case.
#[inline]
fn is_same(a: Within<'_>, b: Within<'_>) -> bool {
    if a.length != b.length {
        return false;
    }
    match (a.bytes.first_chunk(), b.bytes.first_chunk()) {
        // Most are short, and something is behind them.
        (Some(first), Some(second)) if a.length <= VECTOR => {
            let same = lower(u8x16::new(*first)).simd_eq(lower(u8x16::new(*second)));
            (!same.to_bitmask()).trailing_zeros() as usize >= a.length
        }
        _ => is_same_text(a.text(), b.text()),
    }
}

#[inline(never)]
fn is_same_text(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// What [`start`] does not tell of a name.
fn rest(name: &[u8]) -> &[u8] {
    name.get(8..).unwrap_or_default()
}

/// How names sort that [`start`] alike.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let lower = |name| rest(name).iter().map(u8::to_ascii_lowercase);
    // Mostly they are the same.
    match is_same(Within::all(a), Within::all(b)) {
        true => Ordering::Equal,
        false => lower(a).cmp(lower(b)).then(a.len().cmp(&b.len())),
    }
}

#[cfg(test)]
mod tests;

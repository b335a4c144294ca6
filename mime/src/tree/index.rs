//! Where everything is in a message, without its bytes: the skeleton of the tree,
//! small enough to be stored beside the message.

use alloc::vec::Vec;
use core::ops::Range;

use super::id::PartId;
use crate::{
    BodyStructure, Content, Defect, Envelope, Event, FieldAt, Limits, Message, Parent, Reader, Size,
};

/// Where everything is in a message: parts, fields, sizes, defects; and the fields
/// that IMAP's ENVELOPE and BODYSTRUCTURE are made of.
///
/// It borrows nothing. A server makes it when a message arrives
/// ([`Indexer`]), stores it ([`to_bytes`](Self::to_bytes)), and answers IMAP from it
/// without the message ([`envelope`](Self::envelope),
/// [`body_structure`](Self::body_structure), [`range`](Self::range)) or with the
/// stretch of it that is asked for ([`section`](Self::section)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// In the order of their headers: parents before children.
    pub(crate) parts: Vec<PartRecord>,
    pub(crate) fields: Vec<FieldAt>,
    /// For each field where it is in `kept_bytes`; empty for those that are not kept.
    pub(crate) kept: Vec<(u32, u32)>,
    pub(crate) kept_bytes: Vec<u8>,
    pub(crate) defects: Vec<Defect>,
    pub(crate) more_defects: u64,
    pub(crate) size: Size,
}

/// No part.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartRecord {
    pub(crate) parent: u32,
    pub(crate) parent_kind: Parent,
    pub(crate) content: Content,
    pub(crate) opaque: bool,
    /// From 1, among the children of its parent.
    pub(crate) ordinal: u32,
    pub(crate) first_field: u32,
    pub(crate) fields: u32,
    /// Where its header begins.
    pub(crate) offset: u64,
    /// Where its last field ends.
    pub(crate) header_end: u64,
    /// Where its body begins.
    pub(crate) body: u64,
    /// Of its body.
    pub(crate) size: Size,
    pub(crate) first_child: u32,
    pub(crate) next: u32,
    pub(crate) children: u32,
}

impl PartRecord {
    pub(crate) fn header_range(&self) -> Range<u64> {
        self.offset..self.body
    }

    pub(crate) fn body_range(&self) -> Range<u64> {
        self.body..self.body.saturating_add(self.size.octets)
    }

    pub(crate) fn field_range(&self) -> Range<usize> {
        let first = self.first_field as usize;
        first..first.saturating_add(self.fields as usize)
    }
}

impl Index {
    /// Indexes a message that is whole in memory.
    #[must_use]
    pub fn of(message: &[u8], limits: &Limits) -> Self {
        let mut indexer = Indexer::new(limits.clone());
        indexer.write(message);
        indexer.finish()
    }

    /// The same without the kept fields, which [`keep`](Self::keep) can add.
    pub(crate) fn bare(message: &[u8], limits: &Limits) -> Self {
        let mut indexer = Indexer::new(limits.clone());
        indexer.sink.keeps = false;
        indexer.write(message);
        indexer.finish()
    }

    /// Keeps the fields that IMAP needs, from the message that this is the index of.
    pub(crate) fn keep(&mut self, message: &[u8], field_limit: usize) {
        self.kept.clear();
        self.kept_bytes.clear();
        for part in &self.parts {
            for at in self.fields.get(part.field_range()).unwrap_or_default() {
                let end = at.offset.saturating_add(u64::from(at.length));
                let raw = crate::tree_slice(message, at.offset..end);
                let raw = raw.get(..field_limit).unwrap_or(raw);
                let range = keep(&mut self.kept_bytes, part.parent_kind, raw, at);
                self.kept.push(range);
            }
        }
    }

    /// The kept bytes of a field; nothing of one that is not kept.
    pub(crate) fn kept_field(&self, number: usize) -> &[u8] {
        let (start, length) = self.kept.get(number).copied().unwrap_or_default();
        let range = start as usize..(start as usize).saturating_add(length as usize);
        self.kept_bytes.get(range).unwrap_or_default()
    }

    /// The message as far as the index alone knows it: its parts, where they are, their
    /// types, and the fields that are kept. Bodies are empty, and so are other fields.
    ///
    /// ```
    /// use scop_mime::{Index, Limits};
    ///
    /// let index = Index::of(b"Subject: hi\r\nX-Note: y\r\n\r\nHello\r\n", &Limits::default());
    /// let outline = index.outline();
    /// assert_eq!(outline.header().subject().as_deref(), Some("hi"));
    /// assert_eq!((outline.root().body_offset(), outline.root().body_length()), (26, 7));
    /// ```
    #[must_use]
    pub fn outline(&self) -> Message<'_> {
        Message::of_index(self)
    }

    /// Data for IMAP's ENVELOPE, from the fields that the index keeps.
    ///
    /// ```
    /// use scop_mime::{Indexer, Limits};
    ///
    /// let mut indexer = Indexer::new(Limits::default());
    /// indexer.write(b"Subject: hi\r\n\r\n");
    /// assert_eq!(indexer.finish().envelope().subject.as_deref(), Some(&b"hi"[..]));
    /// ```
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        self.outline().envelope()
    }

    /// Data for IMAP's BODY and BODYSTRUCTURE, from the fields that the index keeps.
    #[must_use]
    pub fn body_structure(&self) -> BodyStructure {
        self.outline().body_structure()
    }

    /// The size of the message.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// How many parts there are, multiparts and messages within counted too.
    #[must_use]
    pub fn part_count(&self) -> usize {
        self.parts.len()
    }

    /// What is wrong with the structure, in the order in which it was found; at most
    /// [`Limits::defects`].
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// How many defects there are beyond [`defects`](Self::defects).
    #[must_use]
    pub fn more_defects(&self) -> u64 {
        self.more_defects
    }

    pub(crate) fn part(&self, index: u32) -> Option<&PartRecord> {
        self.parts.get(index as usize)
    }

    /// The children of a part, in order.
    pub(crate) fn children(&self, index: u32) -> impl Iterator<Item = u32> + Clone {
        let first = self.part(index).map_or(NONE, |p| p.first_child);
        core::iter::successors(self.part(first).map(|_| first), |child| {
            let next = self.part(*child)?.next;
            self.part(next).map(|_| next)
        })
    }

    /// The name of part `index`. Cost: its depth.
    pub(crate) fn id(&self, index: u32) -> PartId {
        let mut id = PartId::default();
        let mut at = index;
        while let Some(part) = self.part(at) {
            match part.parent_kind {
                Parent::Multipart => id.path.push(part.ordinal),
                // The body of a message: part 1 of it, if it is no multipart.
                Parent::Root | Parent::Message if part.content == Content::Multipart => {
                    id.is_text |= at == index;
                }
                Parent::Root | Parent::Message => id.path.push(1),
            }
            at = part.parent;
        }
        id.path.reverse();
        id
    }

    /// The part of these numbers (RFC 3501 6.4.5), the message's own body for none.
    pub(crate) fn find(&self, path: &[u32]) -> Option<u32> {
        let mut at = 0;
        // The numbers so far name `at`, rather than the message that it is the body of.
        let mut named = false;
        self.part(at)?;
        for number in path {
            let part = self.part(at)?;
            let body = match part.content {
                Content::Message if named => part.first_child,
                _ => at,
            };
            let part = self.part(body)?;
            at = match part.content {
                Content::Multipart => {
                    let nth = usize::try_from(number.checked_sub(1)?).ok()?;
                    self.children(body).nth(nth)?
                }
                _ if *number == 1 && !(named && body == at) => body,
                _ => return None,
            };
            named = true;
        }
        Some(at)
    }
}

/// Fields that the structure of a part is made of.
const OF_PARTS: [&str; 8] = [
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
    "content-description",
    "content-md5",
    "content-language",
    "content-location",
];

/// Keeps a field if IMAP needs it: gives where.
fn keep(kept: &mut Vec<u8>, parent: Parent, raw: &[u8], at: &FieldAt) -> (u32, u32) {
    let name = raw.get(..at.name_length as usize).unwrap_or_default();
    let is = |names: &[&str]| {
        names
            .iter()
            .any(|n| n.as_bytes().eq_ignore_ascii_case(name))
    };
    if !is(&OF_PARTS) && (parent == Parent::Multipart || !is(&Envelope::FIELDS)) {
        return (0, 0);
    }
    match (u32::try_from(kept.len()), u32::try_from(raw.len())) {
        (Ok(start), Ok(length)) => {
            kept.extend_from_slice(raw);
            (start, length)
        }
        _ => (0, 0),
    }
}

/// Builds an [`Index`] from the bytes of a message as they come. Memory grows with
/// the parts and their headers, not with the bodies.
///
/// ```
/// use scop_mime::{Indexer, Limits, Section};
///
/// let message = b"Subject: hi\r\n\r\nHello\r\n";
/// let mut indexer = Indexer::new(Limits::default());
/// for chunk in message.chunks(7) {
///     indexer.write(chunk);
/// }
/// let index = indexer.finish();
/// let text: Section = "TEXT".parse().unwrap();
/// assert_eq!(index.range(&text), Some(15..22));
/// ```
#[derive(Debug)]
pub struct Indexer {
    reader: Reader,
    sink: Sink,
}

#[derive(Debug)]
struct Sink {
    index: Index,
    /// The parts that are open, and the last child of each.
    open: Vec<(u32, u32)>,
    keeps: bool,
    limit: usize,
}

impl Indexer {
    /// An indexer at the start of a message.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Indexer {
            sink: Sink {
                index: Index::default(),
                open: Vec::new(),
                keeps: true,
                limit: limits.defects,
            },
            reader: Reader::new(limits),
        }
    }

    /// The next bytes of the message.
    pub fn write(&mut self, chunk: &[u8]) {
        let mut input = chunk;
        while let Some(event) = self.reader.read(&mut input) {
            self.sink.take(&event);
        }
    }

    /// The message is over.
    #[must_use]
    pub fn finish(mut self) -> Index {
        self.reader.finish();
        self.write(&[]);
        self.sink.index
    }
}

impl Sink {
    fn take(&mut self, event: &Event<'_>) {
        let index = &mut self.index;
        let top = self.open.last().map(|o| o.0 as usize);
        match event {
            Event::PartStart(start) => {
                let this = index.parts.len() as u32;
                let (parent, previous) = self.open.last().copied().unwrap_or((NONE, NONE));
                let mut ordinal = 1;
                if let Some(parent) = index.parts.get_mut(parent as usize) {
                    parent.children += 1;
                    ordinal = parent.children;
                    if previous == NONE {
                        parent.first_child = this;
                    }
                }
                if let Some(previous) = index.parts.get_mut(previous as usize) {
                    previous.next = this;
                }
                if let Some(open) = self.open.last_mut() {
                    open.1 = this;
                }
                index.parts.push(PartRecord {
                    parent,
                    parent_kind: start.parent,
                    content: Content::Leaf,
                    opaque: false,
                    ordinal,
                    first_field: index.fields.len() as u32,
                    fields: 0,
                    offset: start.offset,
                    header_end: start.offset,
                    body: start.offset,
                    size: Size::default(),
                    first_child: NONE,
                    next: NONE,
                    children: 0,
                });
                self.open.push((this, NONE));
            }
            Event::Header(field) => {
                index.fields.push(field.at);
                if let Some(part) = top.and_then(|t| index.parts.get_mut(t)) {
                    part.fields += 1;
                    if self.keeps {
                        let kept = &mut index.kept_bytes;
                        let range = keep(kept, part.parent_kind, field.raw, &field.at);
                        index.kept.push(range);
                    }
                }
            }
            Event::BodyStart(start) => {
                if let Some(part) = top.and_then(|t| index.parts.get_mut(t)) {
                    part.header_end = start.header_end;
                    part.body = start.offset;
                    part.content = start.content;
                    part.opaque = start.opaque;
                }
            }
            Event::PartEnd(end) => {
                if let Some(part) = top.and_then(|t| index.parts.get_mut(t)) {
                    part.size = end.size;
                }
                self.open.pop();
            }
            Event::Defect(defect) => match index.defects.len() < self.limit {
                true => index.defects.push(*defect),
                false => index.more_defects += 1,
            },
            Event::End(size) => index.size = *size,
            Event::Body(_) | Event::Delimiter(_) => {}
        }
    }
}

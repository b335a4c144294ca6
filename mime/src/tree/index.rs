//! Where everything is in a message, without its bytes: the skeleton of the tree,
//! small enough to be stored beside the message.

use alloc::vec::Vec;

use super::id::PartId;
use super::record::{LineCount, NONE, PartRecord};
use crate::reader::{Consumer, Engine, Known};
use crate::{
    BodyStructure, Content, Defect, Envelope, Event, FieldAt, HeaderField, Limits, Message, Mode,
    Parent, PartStart, Size,
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
    /// Of the body of each part, where they are counted.
    pub(crate) lines: Vec<LineCount>,
    pub(crate) fields: Vec<FieldAt>,
    /// For each field where it is in `kept_bytes`; empty for those that are not kept.
    pub(crate) kept: Vec<(u32, u32)>,
    pub(crate) kept_bytes: Vec<u8>,
    pub(crate) defects: Vec<Defect>,
    pub(crate) more_defects: u64,
    pub(crate) size: Size,
}

impl Index {
    /// Indexes a message that is whole in memory.
    #[must_use]
    pub fn of(message: &[u8], limits: &Limits) -> Self {
        Self::whole(message, &mut Engine::new(limits.clone()), limits, true)
    }

    /// The same for who has the message beside it: no field is kept, no line counted.
    pub(crate) fn bare(message: &[u8], limits: &Limits) -> Self {
        let mut engine = Engine::new(limits.clone());
        engine.uncounted();
        Self::whole(message, &mut engine, limits, false)
    }

    /// The same of the header alone: the body is a leaf, whatever its type.
    pub(crate) fn of_header(message: &[u8], limits: &Limits) -> Self {
        let mut engine = Engine::new(limits.clone());
        engine.mode(Mode::Raw);
        Self::whole(message, &mut engine, limits, false)
    }

    /// All of a message at once.
    fn whole(message: &[u8], engine: &mut Engine, limits: &Limits, keeps: bool) -> Self {
        let mut sink = Sink::new(limits, keeps);
        sink.length = message.len() as u64;
        engine.finish();
        engine.write(message, &mut sink);
        sink.index.link();
        sink.index
    }

    /// It is one of [`bare`](Self::bare).
    pub(crate) fn is_bare(&self) -> bool {
        self.lines.is_empty() && !self.parts.is_empty()
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
    pub(crate) fn children(&self, index: u32) -> impl Iterator<Item = u32> + use<'_> {
        let there = |number: u32| self.part(number).map(|_| number);
        let first = self.part(index).and_then(|part| there(part.first_child));
        core::iter::successors(first, move |at| there(self.part(*at)?.next))
    }

    /// The child of that number, from 1, of a part. Cost: the number, but for one that comes
    /// behind parts without parts.
    fn child(&self, index: u32, number: u32) -> Option<u32> {
        let nth = number.checked_sub(1)?;
        let first = self.part(index)?.first_child;
        let likely = first.checked_add(nth)?;
        match self.part(likely) {
            Some(part) if part.parent == index && part.ordinal == number => Some(likely),
            _ => self.children(index).nth(usize::try_from(nth).ok()?),
        }
    }

    /// The message in a part that is one.
    pub(crate) fn message_in(&self, index: u32) -> Option<u32> {
        let part = self.part(index)?;
        match part.content {
            Content::Message => self.children(index).next(),
            Content::Leaf | Content::Multipart => None,
        }
    }

    /// Chains the children of each part, once all parts are there: from the last to the first,
    /// each is put in front of those behind it.
    pub(crate) fn link(&mut self) {
        for number in (0..self.parts.len()).rev() {
            let parent = self.parts.get(number).map_or(NONE, |part| part.parent);
            let Some(parent) = self.parts.get_mut(parent as usize) else {
                continue;
            };
            let next = core::mem::replace(&mut parent.first_child, number as u32);
            if let Some(part) = self.parts.get_mut(number) {
                part.next = next;
            }
        }
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
    /// Cost: that of [`child`](Self::child) for each.
    pub(crate) fn find(&self, path: &[u32]) -> Option<u32> {
        let mut at = 0;
        // The numbers so far name `at`, rather than the message that it is the body of.
        let mut named = false;
        self.part(at)?;
        for number in path {
            let part = self.part(at)?;
            let body = match part.content {
                Content::Message if named => self.message_in(at)?,
                _ => at,
            };
            let part = self.part(body)?;
            at = match part.content {
                Content::Multipart => self.child(body, *number)?,
                _ if *number == 1 && !(named && body == at) => body,
                _ => return None,
            };
            named = true;
        }
        Some(at)
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
    engine: Engine,
    sink: Sink,
}

#[derive(Debug)]
struct Sink {
    index: Index,
    /// The innermost part that is open.
    open: u32,
    /// Fields that IMAP needs are kept.
    keeps: bool,
    limit: usize,
    /// Parts that there may be.
    most_parts: u32,
    /// The length of the message, if it is known before its end.
    length: u64,
}

impl Indexer {
    /// An indexer at the start of a message.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Indexer {
            sink: Sink::new(&limits, true),
            engine: Engine::new(limits),
        }
    }

    /// The next bytes of the message.
    pub fn write(&mut self, chunk: &[u8]) {
        self.engine.write(chunk, &mut self.sink);
    }

    /// The message is over.
    #[must_use]
    pub fn finish(mut self) -> Index {
        self.engine.finish();
        self.write(&[]);
        self.sink.index.link();
        self.sink.index
    }
}

impl Sink {
    #[inline]
    fn new(limits: &Limits, keeps: bool) -> Self {
        // What a common message has, so that nothing grows for it: about a kilobyte, up to
        // which many allocators are at their fastest.
        let index = Index {
            parts: Vec::with_capacity(8),
            fields: Vec::with_capacity(42),
            ..Index::default()
        };
        Sink {
            index,
            open: NONE,
            keeps,
            limit: limits.defects,
            most_parts: limits.parts,
            length: 0,
        }
    }
}

impl Consumer for Sink {
    #[inline(always)]
    fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Body(_) | Event::Delimiter(_) => {}
            Event::Header(field) => self.field(field),
            Event::PartStart(start) => self.start(start),
            Event::BodyStart(start) => {
                let fields = self.index.fields.len() as u32;
                if let Some(part) = self.top() {
                    part.fields = fields - part.first_field;
                    part.header_end = start.header_end;
                    part.body = start.offset;
                    part.content = start.content;
                    part.opaque = start.opaque;
                }
            }
            Event::PartEnd(end) => {
                let number = self.open;
                let Some(part) = self.top() else { return };
                let parent = part.parent;
                part.octets = end.octets;
                if part.content == Content::Multipart && part.children == 0 {
                    // Nobody could see what is in it otherwise.
                    part.content = Content::Leaf;
                    part.opaque = true;
                }
                if let Some(size) = end.counted
                    && let Some(lines) = self.index.lines.get_mut(number as usize)
                {
                    *lines = LineCount::of(size);
                }
                self.open = parent;
            }
            Event::Defect(defect) => match self.index.defects.len() < self.limit {
                true => self.index.defects.push(*defect),
                false => self.index.more_defects += 1,
            },
            Event::End(end) => {
                self.index.size = end.counted.unwrap_or(Size {
                    octets: end.octets,
                    ..Size::default()
                });
            }
        }
    }
}

impl Sink {
    /// The innermost part that is open.
    #[inline]
    fn top(&mut self) -> Option<&mut PartRecord> {
        self.index.parts.get_mut(self.open as usize)
    }

    /// Makes room for as many parts and fields as there will be if the rest of the
    /// message is like what came, but for 64 times as many at most.
    #[cold]
    fn grow(&mut self, offset: u64) {
        let Index { parts, fields, .. } = &mut self.index;
        let rest = self.length.saturating_sub(offset);
        let times = (rest / offset.max(1)).min(64) as usize;
        let more = (parts.len() * times).min(self.most_parts as usize);
        fields.reserve(fields.len() * more / parts.len().max(1));
        parts.reserve(more + 1);
    }

    fn start(&mut self, start: &PartStart) {
        if self.index.parts.len() == self.index.parts.capacity() {
            self.grow(start.offset);
        }
        let this = self.index.parts.len() as u32;
        let (parent, mut ordinal) = (self.open, 1);
        if let Some(part) = self.top() {
            part.children += 1;
            ordinal = part.children;
        }
        self.index.parts.push(PartRecord {
            parent,
            ordinal,
            first_field: self.index.fields.len() as u32,
            ..PartRecord::new(start.parent, start.offset)
        });
        if self.keeps {
            self.index.lines.push(LineCount::default());
        }
        self.open = this;
    }

    /// The field is not passed on as a whole: so it need not be in memory to be taken.
    #[inline]
    fn field(&mut self, field: &HeaderField<'_>) {
        self.index.fields.push(field.at);
        if self.keeps {
            self.keep(field.raw, field.tag.known);
        }
    }

    /// Keeps a field that IMAP needs.
    #[inline(never)]
    fn keep(&mut self, raw: &[u8], known: Option<Known>) {
        let is_part = (self.top()).is_some_and(|p| p.parent_kind == Parent::Multipart);
        let Index {
            kept, kept_bytes, ..
        } = &mut self.index;
        let wanted = known.is_some_and(|k| k.is_of_part() || (k.is_of_envelope() && !is_part));
        let range = match (u32::try_from(kept_bytes.len()), u32::try_from(raw.len())) {
            (Ok(start), Ok(length)) if wanted => {
                kept_bytes.extend_from_slice(raw);
                (start, length)
            }
            _ => (0, 0),
        };
        kept.push(range);
    }
}

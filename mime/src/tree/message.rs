//! The message and its parts.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::header::Header;
use super::id::PartId;
use super::index::Index;
use super::record::PartRecord;
use crate::imap::{BodyStructure, Envelope, Section, SectionText};
use crate::value::{content, words};
use crate::{
    Charset, Content, ContentType, Decoder, Defect, Disposition, Limits, Parent, Size,
    TransferEncoding,
};

/// A message, taken apart where it lies.
///
/// ```
/// use scop_mime::Message;
///
/// let message = Message::parse(b"From: Ann <ann@a.test>\r\nSubject: =?utf-8?Q?caf=C3=A9?=\r\n\r\nHi!\r\n");
/// assert_eq!(message.header().subject().as_deref(), Some("café"));
/// assert_eq!(message.text_body().unwrap().text().unwrap().text, "Hi!\r\n");
/// ```
#[derive(Clone)]
pub struct Message<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) index: Cow<'a, Index>,
    /// The fields are taken from here, because there are no bytes.
    kept: Option<&'a Index>,
    pub(crate) limits: Limits,
}

impl<'a> Message<'a> {
    /// Takes a message apart. Every sequence of bytes is a message of some kind.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Self {
        Self::parse_with(bytes, &Limits::default())
    }

    /// The same with other limits.
    #[must_use]
    pub fn parse_with(bytes: &'a [u8], limits: &Limits) -> Self {
        Self::with_index(bytes, Index::bare(bytes, limits), limits)
    }

    /// The header alone: for who wants a few fields. The body is one leaf, whatever its
    /// type, and is not looked at: time depends on the header's length only.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse_header(b"Subject: hi\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n");
    /// assert_eq!(message.header().subject().as_deref(), Some("hi"));
    /// assert_eq!(message.parts().count(), 1);
    /// ```
    #[must_use]
    pub fn parse_header(bytes: &'a [u8]) -> Self {
        let limits = Limits::default();
        Self::with_index(bytes, Index::of_header(bytes, &limits), &limits)
    }

    /// A message whose index was kept. With the index of another message the answers
    /// are nonsense, but nothing panics.
    #[must_use]
    pub fn with_index(bytes: &'a [u8], index: Index, limits: &Limits) -> Self {
        Message {
            bytes,
            index: Cow::Owned(index),
            kept: None,
            limits: limits.clone(),
        }
    }

    /// What an index alone knows of its message.
    pub(crate) fn of_index(index: &'a Index) -> Self {
        Message {
            bytes: &[],
            index: Cow::Borrowed(index),
            kept: Some(index),
            limits: Limits::default(),
        }
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where everything is, to be kept: the same as [`Index::of`].
    #[must_use]
    pub fn index(&self) -> Index {
        match self.index.is_bare() {
            true => Index::of(self.bytes, &self.limits),
            false => Index::clone(&self.index),
        }
    }

    /// The bytes of a section, without an index that is kept: see [`Index::section`].
    #[must_use]
    pub fn section(&self, section: &Section) -> Option<Cow<'a, [u8]>> {
        self.index.section(self.bytes, section)
    }

    /// The message itself as a part.
    #[must_use]
    pub fn root(&self) -> Part<'_, 'a> {
        static EMPTY: PartRecord = PartRecord::new(Parent::Root, 0);
        Part {
            message: self,
            number: 0,
            record: self.index.part(0).unwrap_or(&EMPTY),
        }
    }

    /// Its header.
    #[must_use]
    pub fn header(&self) -> Header<'_, 'a> {
        self.root().header()
    }

    /// All parts in the order in which they are stored: parents before children.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_, 'a>> {
        self.index
            .parts
            .iter()
            .enumerate()
            .map(|(number, record)| Part {
                message: self,
                number: number as u32,
                record,
            })
    }

    pub(crate) fn part_number(&self, number: u32) -> Option<Part<'_, 'a>> {
        Some(Part {
            message: self,
            number,
            record: self.index.part(number)?,
        })
    }

    /// The part of that id.
    #[must_use]
    pub fn part(&self, id: &PartId) -> Option<Part<'_, 'a>> {
        let mut part = self.part_number(self.index.find(&id.path)?)?;
        if id.is_text && !id.path.is_empty() {
            part = match part.record.content {
                Content::Message => part.children().next()?,
                _ => return None,
            };
        }
        Some(part)
    }

    /// The part of that id as text: `1.2`.
    #[must_use]
    pub fn part_at(&self, id: &str) -> Option<Part<'_, 'a>> {
        let section: Section = id.parse().ok()?;
        let is_text = match section.text {
            SectionText::Text => true,
            SectionText::All if !section.part.is_empty() => false,
            _ => return None,
        };
        self.part(&PartId {
            path: section.part,
            is_text,
        })
    }

    /// What is wrong with the structure, in the order in which it was found.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.index.defects
    }

    /// All that is wrong, by offset: with the structure, with values of headers, and
    /// with the encodings and charsets of bodies; of very many the first
    /// [`Limits::defects`]. This reads the message once more and decodes every body:
    /// it is an [`Inspector`](crate::Inspector) over the whole.
    #[must_use]
    pub fn inspect(&self) -> Vec<Defect> {
        crate::inspect::inspect(self.bytes, &self.limits).into_defects()
    }

    /// Data for IMAP's ENVELOPE.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        Envelope::of(&self.header())
    }

    /// Data for IMAP's BODY and BODYSTRUCTURE.
    #[must_use]
    pub fn body_structure(&self) -> BodyStructure {
        BodyStructure::of(&self.root())
    }
}

/// The bytes in `range`, as far as they are there.
#[inline]
pub(crate) fn slice(bytes: &[u8], range: Range<u64>) -> &[u8] {
    let clamp = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
    let (start, end) = (clamp(range.start), clamp(range.end));
    bytes.get(start..end).unwrap_or_default()
}

/// A part of a message: a leaf, a multipart, or a message within.
///
/// ```
/// use scop_mime::{Content, Message};
///
/// let message = Message::parse(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee there.\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: within\r\n\r\nHi\r\n--b--\r\n");
/// let parts = message.parts().map(|p| format!("{} {}", p.id(), p.content_type())).collect::<Vec<_>>();
/// assert_eq!(parts, ["TEXT multipart/mixed", "1 text/plain", "2 message/rfc822", "2.1 text/plain"]);
/// let forwarded = message.part_at("2").unwrap();
/// assert_eq!(forwarded.content(), Content::Message);
/// let within = forwarded.children().next().unwrap();
/// assert_eq!(within.header().subject().as_deref(), Some("within"));
/// assert_eq!(within.decoded(), &b"Hi"[..]);
/// assert_eq!(&message.bytes()[within.offset() as usize..][..15], b"Subject: within");
/// ```
#[derive(Clone, Copy)]
pub struct Part<'m, 'a> {
    pub(crate) message: &'m Message<'a>,
    pub(crate) number: u32,
    pub(crate) record: &'m PartRecord,
}

/// A body without its transfer encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The bytes: borrowed where there was nothing to decode.
    pub bytes: Cow<'a, [u8]>,
    /// What was wrong: the first of each kind, with its offset in the message.
    pub defects: Vec<Defect>,
}

/// The text of a `text/*` part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The text; line ends are as stored.
    pub text: Cow<'a, str>,
    /// The charset that the part names; none means US-ASCII (RFC 2046 4.1.2).
    pub charset: Option<String>,
    /// Some bytes were not of the charset: they were replaced, or, where US-ASCII was
    /// said or nothing, read as UTF-8 if they are that and as windows-1252 if not.
    pub lossy: bool,
}

impl<'m, 'a> Part<'m, 'a> {
    /// Its name, as IMAP numbers parts.
    #[must_use]
    pub fn id(&self) -> PartId {
        self.message.index.id(self.number)
    }

    /// How its body is taken apart.
    #[must_use]
    pub fn content(&self) -> Content {
        self.record.content
    }

    /// What it is in.
    #[must_use]
    pub fn parent(&self) -> Parent {
        self.record.parent_kind
    }

    /// Its body was not taken apart although its type says so, or its header was not
    /// read to the end: the defect is in [`Message::defects`].
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        self.record.opaque
    }

    /// Its header.
    #[must_use]
    pub fn header(&self) -> Header<'m, 'a> {
        Header {
            index: &self.message.index,
            part: self.record,
            bytes: self.message.bytes,
            kept: self.message.kept,
            field_limit: self.message.limits.field_limit(),
        }
    }

    /// Where it begins: its header.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.record.offset
    }

    /// Where its body begins.
    #[must_use]
    pub fn body_offset(&self) -> u64 {
        self.record.body
    }

    /// The length of its body, as stored.
    #[must_use]
    pub fn body_length(&self) -> u64 {
        self.record.octets
    }

    /// Line ends in its body, as stored.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.size().lines
    }

    /// The size of its body. Cost: one pass over the body, unless an index that was
    /// kept knows it.
    #[must_use]
    pub fn size(&self) -> Size {
        let range = self.record.body_range();
        match self.message.index.lines.get(self.number as usize) {
            Some(lines) => lines.size(self.record.octets),
            None => Size::within(self.message.bytes, range),
        }
    }

    /// The parts of a multipart; the message in a message part.
    pub fn children(&self) -> impl Iterator<Item = Part<'m, 'a>> + use<'m, 'a> {
        let message = self.message;
        let children = message.index.children(self.number);
        children.filter_map(move |number| message.part_number(number))
    }

    /// Its type, or the default where there is none that can be read: `text/plain`,
    /// in a digest `message/rfc822`.
    #[must_use]
    pub fn content_type(&self) -> ContentType {
        let field = self.header().get("content-type");
        let limit = self.message.limits.parameters;
        let read = field.and_then(|f| ContentType::parse_with(f.value(), limit));
        match read {
            Some((content_type, _)) => content_type,
            None => ContentType::fallback(self.is_in_digest()),
        }
    }

    /// How many parameters of a field are looked at.
    pub(crate) fn parameter_limit(&self) -> usize {
        self.message.limits.parameters
    }

    /// The type by which a reader shows it: a multipart that was not taken apart, for
    /// want of delimiters, is text, or nobody would see what is in it.
    pub(crate) fn shown_type(&self) -> ContentType {
        let content_type = self.content_type();
        match content_type.kind() == "multipart" && self.record.content == Content::Leaf {
            true => ContentType::fallback(false),
            false => content_type,
        }
    }

    fn is_in_digest(&self) -> bool {
        if self.record.parent_kind != Parent::Multipart {
            return false;
        }
        let parent = self.message.part_number(self.record.parent);
        parent.is_some_and(|p| {
            let field = p.header().get("content-type");
            let body_type = field.and_then(|f| content::body_type(f.value(), 128).0);
            matches!(
                body_type,
                Some(content::BodyType::Multipart { digest: true, .. })
            )
        })
    }

    /// Its disposition.
    #[must_use]
    pub fn disposition(&self) -> Option<Disposition> {
        let field = self.header().get("content-disposition")?;
        Disposition::parse_with(field.value(), self.message.limits.parameters).map(|d| d.0)
    }

    /// The file name that the sender suggests, from the disposition, else from the
    /// `name` of the type. It may hold a path, or be no name at all.
    #[must_use]
    pub fn filename(&self) -> Option<String> {
        if let Some(d) = self.disposition()
            && let Some(name) = d.filename()
        {
            return Some(String::from(name));
        }
        self.content_type().parameter("name").map(String::from)
    }

    /// The transfer encoding of its body.
    #[must_use]
    pub fn encoding(&self) -> TransferEncoding {
        let field = self.header().get("content-transfer-encoding");
        field.map_or(TransferEncoding::SevenBit, |f| f.transfer_encoding())
    }

    /// The Content-ID, without its brackets; one that is no id as it is.
    ///
    /// ```
    /// use scop_mime::Message;
    ///
    /// let message = Message::parse(b"Content-ID: <1@a.test>\r\nContent-Description: =?utf-8?Q?caf=C3=A9?=\r\nContent-Location: a%20b.png\r\n\r\n");
    /// let part = message.root();
    /// assert_eq!(part.content_id().unwrap(), "1@a.test");
    /// assert_eq!(part.description().unwrap(), "café");
    /// assert_eq!(part.location().unwrap(), "a%20b.png");
    /// ```
    #[must_use]
    pub fn content_id(&self) -> Option<Cow<'a, str>> {
        let field = self.header().get("content-id")?;
        let id = field.message_ids().into_iter().next();
        id.or_else(|| Some(field.raw_text()).filter(|text| !text.is_empty()))
    }

    /// The Content-Description, decoded.
    #[must_use]
    pub fn description(&self) -> Option<Cow<'a, str>> {
        Some(words::decode(
            self.header().get("content-description")?.value(),
        ))
    }

    /// Its body as stored.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        slice(self.message.bytes, self.record.body_range())
    }

    /// Header and body as stored.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        let end = self.record.body_range().end;
        slice(self.message.bytes, self.record.offset..end)
    }

    /// Its body without the transfer encoding, and what was wrong with that. A
    /// multipart or message has none that counts.
    #[must_use]
    pub fn decode(&self) -> Decoded<'a> {
        let body = self.body();
        let encoding = self.encoding();
        if self.record.content != Content::Leaf || encoding.is_identity() {
            return Decoded {
                bytes: Cow::Borrowed(body),
                defects: Vec::new(),
            };
        }
        let mut decoder = Decoder::new(&encoding);
        let mut bytes = Vec::new();
        decoder.decode(body, &mut bytes);
        decoder.finish(&mut bytes);
        let defects = decoder.defects().iter();
        let start = self.record.body;
        Decoded {
            bytes: Cow::Owned(bytes),
            defects: defects
                .map(|d| Defect::new(d.kind, start + d.offset))
                .collect(),
        }
    }

    /// Its body without the transfer encoding.
    #[must_use]
    pub fn decoded(&self) -> Cow<'a, [u8]> {
        self.decode().bytes
    }

    /// The label of its charset, if it has one; `None` for what is no text.
    #[inline]
    pub(super) fn charset(&self) -> Option<Option<String>> {
        if self.record.content != Content::Leaf {
            return None;
        }
        let field = self.header().get("content-type");
        let limit = self.message.limits.parameters;
        match field.and_then(|f| content::text_type(f.value(), limit)) {
            Some((true, charset)) => Some(charset),
            None if self.shown_type().kind() == "text" => Some(None),
            _ => None,
        }
    }

    /// The text of a `text/*` part, by its charset, or of a multipart without a
    /// delimiter; `None` for another part, and for a charset that nobody knows.
    #[must_use]
    pub fn text(&self) -> Option<Text<'a>> {
        let charset = self.charset()?;
        let known = match &charset {
            Some(label) => Charset::for_label(label.as_bytes())?,
            None => Charset::US_ASCII,
        };
        let (text, lossy) = match self.decoded() {
            Cow::Borrowed(bytes) => known.decode(bytes),
            Cow::Owned(bytes) => {
                let (text, lossy) = known.decode_owned(bytes);
                (Cow::Owned(text), lossy)
            }
        };
        Some(Text {
            text,
            charset,
            lossy,
        })
    }
}

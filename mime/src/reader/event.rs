//! What the reader tells.

use super::mark::Size;
use super::name::NameTag;
use crate::Defect;

/// What an entity is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parent {
    /// Nothing: the message itself.
    Root,
    /// A multipart; the part is one of its body parts.
    Multipart,
    /// A `message/rfc822` or `message/global` part; the entity is its message.
    Message,
}

/// How a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// As bytes.
    Leaf,
    /// As preamble, body parts and epilogue.
    Multipart,
    /// As a message: one entity within.
    Message,
}

/// Which stretch of a multipart or leaf some body bytes are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The body of a leaf.
    Leaf,
    /// Before the first delimiter of a multipart.
    Preamble,
    /// Behind the close delimiter of a multipart.
    Epilogue,
}

/// An entity begins: its header comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartStart {
    /// Where its header begins.
    pub offset: u64,
    /// What it is in.
    pub parent: Parent,
}

/// A header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderField<'a> {
    /// The field as it is in the message, line ends included; cut at
    /// [`Limits::field_bytes`](crate::Limits::field_bytes).
    pub raw: &'a [u8],
    /// Where it is.
    pub at: FieldAt,
    pub(crate) tag: NameTag,
    pub(crate) has_bare_ends: bool,
}

/// Where a header field is, without its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldAt {
    /// Where it begins.
    pub offset: u64,
    /// Its length in bytes, the last line end included.
    pub length: u32,
    /// The length of its name, without white space before the colon. 0 for a line
    /// that is no field.
    pub name_length: u32,
    /// Where the value begins, from the start of the field: behind the colon. 0
    /// for a line that is no field.
    pub value_start: u32,
}

impl<'a> HeaderField<'a> {
    /// The field's name; empty for a line that is no field.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        self.raw
            .get(..self.at.name_length as usize)
            .unwrap_or_default()
    }

    /// What tells its name from others; none is there for a line that is no field.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn tag(&self) -> NameTag {
        self.tag
    }

    /// In the mode [`Exact`](crate::Mode::Exact): whether a CR or LF is in it that is no half of
    /// a CRLF.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn has_bare_ends(&self) -> bool {
        self.has_bare_ends
    }

    /// What is behind the colon, line ends included.
    #[must_use]
    pub fn value(&self) -> &'a [u8] {
        self.raw
            .get(self.at.value_start as usize..)
            .unwrap_or_default()
    }
}

/// A header ended and a body begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyStart {
    /// Where the last field ends and the empty line, if there is one, begins.
    pub header_end: u64,
    /// Where the body begins.
    pub offset: u64,
    /// How it is read.
    pub content: Content,
    /// The body is a leaf although it is something else by its type, or its
    /// header was not read to the end: a limit or a defect said so.
    pub opaque: bool,
}

/// Some bytes of a body, in order. How they are cut says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body<'a> {
    /// The bytes as they are in the message.
    pub data: &'a [u8],
    /// Where they are.
    pub offset: u64,
    /// What of the innermost open entity they are.
    pub place: Place,
}

/// Some bytes of a delimiter line, with the line end before it that belongs to
/// it. How they are cut says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiter<'a> {
    /// The bytes as they are in the message.
    pub data: &'a [u8],
    /// Where they are.
    pub offset: u64,
}

/// The innermost open entity ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartEnd {
    /// Where its body ended.
    pub offset: u64,
    /// The length of its body.
    pub octets: u64,
    /// The size of its body with its line ends, where they are counted: not by
    /// [`Reader::uncounted`](crate::Reader::uncounted), nor where
    /// [no structure](crate::Mode::Raw) is looked for.
    pub counted: Option<Size>,
}

/// The message is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The length of the message.
    pub octets: u64,
    /// Its size with its line ends, where they are counted.
    pub counted: Option<Size>,
}

/// The next thing in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An entity begins.
    PartStart(PartStart),
    /// A field of its header.
    Header(HeaderField<'a>),
    /// Its header is over.
    BodyStart(BodyStart),
    /// Bytes of a body, a preamble or an epilogue.
    Body(Body<'a>),
    /// Bytes of a delimiter line.
    Delimiter(Delimiter<'a>),
    /// The innermost entity is over.
    PartEnd(PartEnd),
    /// Something is wrong; which reading was chosen is in its kind.
    Defect(Defect),
    /// The message is over. Nothing comes after it.
    End(End),
}

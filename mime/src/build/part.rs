//! Parts: what a message is made of, for those who put it together themselves.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;

use bytes::Bytes;

use super::content::{Encoding, Facts, Options};
use super::field::check_token;
use super::fold::{Folder, is_token};
use super::write::LARGE;
use super::written::{Source, Written};
use super::{BuildError, Built, Field, MessageId, Url, check};

/// Parts within each other; with what the builder adds that stays under the
/// [depth](crate::Limits::depth) that readers take.
pub(super) const DEPTH: u16 = 64;
/// The longest value of a parameter, in bytes.
const PARAMETER: usize = 1 << 10;
/// Parameters of one field.
const PARAMETERS: usize = 64;

/// A part of a message: a text, a file, several parts together, or a message.
///
/// ```
/// use scop_mime::build::{Builder, Mailbox, MessageId, Part};
/// # use scop_mime::{DateTime, Message};
/// # let now = DateTime::from_unix(0, 0).unwrap();
///
/// let logo = MessageId::new("logo@a.test")?;
/// let page = Part::related(
///     Part::html("<img src=\"cid:logo@a.test\">"),
///     [Part::data("image/png", &b"\x89PNG"[..])?.content_id(logo).inlined()],
/// )?;
/// let built = Builder::new(Mailbox::new("ann@a.test")?, now)
///     .body(Part::alternative([Part::text("No picture here.\n"), page])?)
///     .build();
/// let bytes = built.to_vec();
/// let message = Message::parse(&bytes);
/// assert_eq!(message.part_at("2.2").unwrap().content_id().as_deref(), Some("logo@a.test"));
/// # Ok::<(), scop_mime::build::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Part<S = Infallible> {
    pub(super) content_type: Cow<'static, str>,
    /// Of a text; the first parameter.
    pub(super) charset: Option<&'static str>,
    parameters: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    disposition: Option<Disposition>,
    file_name: Option<String>,
    content_id: Option<MessageId>,
    fields: Vec<Field>,
    pub(super) content: Content<S>,
    pub(super) depth: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disposition {
    Inline,
    Attachment,
}

#[derive(Clone, Debug)]
pub(super) enum Content<S> {
    /// Bytes, and how they are encoded.
    Data {
        data: Bytes,
        /// Without them it is base64, whatever it is.
        facts: Option<Facts>,
        encoding: Encoding,
    },
    /// Bytes that come when they are asked for.
    Streamed { source: S, how: Source },
    /// Parts, and whether one of them is 8bit.
    Multipart {
        parts: Vec<Part<S>>,
        eight_bit: bool,
    },
    /// A message that was built.
    Message(Box<Built<S>>),
    /// Bytes that may not be encoded: a message, or what reports of it.
    Verbatim { bytes: Bytes, eight_bit: bool },
    /// The same with its own header.
    Entity { bytes: Bytes, eight_bit: bool },
}

impl<S> Part<S> {
    pub(super) fn new(content_type: impl Into<Cow<'static, str>>, content: Content<S>) -> Self {
        Part {
            content_type: content_type.into(),
            charset: None,
            parameters: Vec::new(),
            disposition: None,
            file_name: None,
            content_id: None,
            fields: Vec::new(),
            content,
            depth: 0,
        }
    }

    /// Bytes of a type that are never in memory as a whole: they are
    /// [asked for](super::Built::stream) by `source` when they are to be sent, and sent
    /// in base64, in which no boundary can be. `length` is how many there will be: with
    /// it the [size](super::Built::size) of the message is known.
    ///
    /// # Errors
    ///
    /// As [`data`](Self::data).
    pub fn streamed(
        content_type: &str,
        source: S,
        length: Option<u64>,
    ) -> Result<Self, BuildError> {
        check_leaf(content_type)?;
        let how = Source::Base64(length);
        let content = Content::Streamed { source, how };
        Ok(Self::new(String::from(content_type), content))
    }

    /// The same for a text, which is sent in quoted-printable: in that, no boundary can
    /// be either, and people can read it. The charset is a
    /// [parameter](Self::parameter); the size of the message is not known before.
    ///
    /// # Errors
    ///
    /// As [`data`](Part::data).
    pub fn streamed_text(content_type: &str, source: S) -> Result<Self, BuildError> {
        check_leaf(content_type)?;
        let how = Source::QuotedPrintable;
        let content = Content::Streamed { source, how };
        Ok(Self::new(String::from(content_type), content))
    }

    pub(super) fn of_entity(bytes: Bytes) -> Self {
        let eight_bit = !bytes.is_ascii();
        let mut part = Self::new("", Content::Entity { bytes, eight_bit });
        part.depth = 1;
        part
    }

    /// To be shown as an attachment (RFC 2183 2.2).
    #[must_use]
    pub fn attached(mut self) -> Self {
        self.disposition = Some(Disposition::Attachment);
        self
    }

    /// To be shown where it stands (RFC 2183 2.1).
    #[must_use]
    pub fn inlined(mut self) -> Self {
        self.disposition = Some(Disposition::Inline);
        self
    }

    /// A name for the file that it could be stored as; no name if empty. By RFC 2231
    /// where it is long or not ASCII.
    ///
    /// # Errors
    ///
    /// [`BuildError::Control`] and [`BuildError::TooLong`] (1 KiB).
    pub fn file_name(mut self, name: &str) -> Result<Self, BuildError> {
        check_shown("a file name", name)?;
        self.file_name = (!name.is_empty()).then(|| name.into());
        Ok(self)
    }

    /// An id, by which other parts refer to it: `cid:` and the id (RFC 2392).
    #[must_use]
    pub fn content_id(mut self, id: MessageId) -> Self {
        self.content_id = Some(id);
        self
    }

    /// What it is, for people (Content-Description).
    ///
    /// # Errors
    ///
    /// [`BuildError::Control`] and [`BuildError::TooLong`] (16 KiB).
    pub fn description(self, text: &str) -> Result<Self, BuildError> {
        self.field(Field::text("Content-Description", text)?)
    }

    /// The language of it, as `de-CH` (RFC 3282). More calls add more.
    ///
    /// # Errors
    ///
    /// [`BuildError::Token`] for what is no language tag.
    pub fn language(mut self, tag: &str) -> Result<Self, BuildError> {
        let subtag =
            |t: &str| (1..=8).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric());
        if tag.len() > 64 || !tag.split('-').all(subtag) {
            return Err(BuildError::Token("a language tag (RFC 5646 2.1)"));
        }
        const NAME: &str = "Content-Language";
        match self.fields.iter_mut().find(|f| f.is(NAME)) {
            Some(field) => field.and_word(tag),
            None => self.fields.push(Field::words(NAME, tag)),
        }
        Ok(self)
    }

    /// Where it is in the web (RFC 2557).
    #[must_use]
    pub fn location(mut self, url: &Url) -> Self {
        self.fields.retain(|f| !f.is("Content-Location"));
        self.fields
            .push(Field::words("Content-Location", url.as_str()));
        self
    }

    /// A parameter of its type. `charset` is the encoder's and `boundary` the
    /// builder's to say.
    ///
    /// # Errors
    ///
    /// [`BuildError::Token`] for a name that is none, was given already or is not the
    /// caller's; [`BuildError::Control`] and [`BuildError::TooLong`] (1 KiB) for the
    /// value; [`BuildError::TooLong`] for more than 64.
    pub fn parameter(mut self, name: &str, value: &str) -> Result<Self, BuildError> {
        check_token("a parameter", name)?;
        check_shown("a parameter", value)?;
        let own = name.eq_ignore_ascii_case("boundary")
            || (self.charset.is_some() && name.eq_ignore_ascii_case("charset"));
        let taken = |p: &(Cow<'static, str>, Cow<'static, str>)| p.0.eq_ignore_ascii_case(name);
        if own || self.parameters.iter().any(taken) || name.contains(['*', '\'', '%']) {
            return Err(BuildError::Token("a parameter that may be added"));
        }
        if name.len() > 60 || self.parameters.len() >= PARAMETERS {
            let (what, limit) = ("the parameters", PARAMETERS);
            return Err(BuildError::TooLong { what, limit });
        }
        let name = Cow::Owned(String::from(name));
        self.parameters.push((name, String::from(value).into()));
        Ok(self)
    }

    pub(super) fn with_parameter(
        mut self,
        name: &'static str,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    /// Another field that describes it: only `Content-*` has a meaning in a part (RFC
    /// 2046 5.1).
    ///
    /// # Errors
    ///
    /// [`BuildError::FieldName`] for another field, and for one that has a method here.
    pub fn field(mut self, field: Field) -> Result<Self, BuildError> {
        const OWN: [&str; 4] = [
            "content-type",
            "content-transfer-encoding",
            "content-disposition",
            "content-id",
        ];
        let prefix = field.name().get(..8).unwrap_or_default();
        let known = self.fields.iter().any(|f| f.is(field.name()));
        if !prefix.eq_ignore_ascii_case("content-") || known || OWN.iter().any(|o| field.is(o)) {
            return Err(BuildError::FieldName(
                "a part has Content-* fields only, each once; the main ones have methods",
            ));
        }
        self.fields.push(field);
        Ok(self)
    }

    pub(super) fn is_of(&self, content_type: &str) -> bool {
        self.content_type.eq_ignore_ascii_case(content_type)
    }

    /// The type of a report with this as its machine's part.
    pub(super) fn report_type(&self) -> Option<&str> {
        // RFC 8460 5.3: a report whose machine's part is no message.
        if self.content_type.starts_with("application/tlsrpt+") {
            return Some("tlsrpt");
        }
        let subtype = self.content_type.strip_prefix("message/")?;
        let message = matches!(subtype, "rfc822" | "global");
        let verbatim = matches!(self.content, Content::Verbatim { .. }) && !message;
        verbatim.then(|| subtype.strip_prefix("global-").unwrap_or(subtype))
    }

    pub(super) fn depth(&self) -> u16 {
        self.depth
    }

    pub(super) fn is_multipart(&self) -> bool {
        matches!(self.content, Content::Multipart { .. })
    }

    pub(super) fn is_entity(&self) -> bool {
        matches!(self.content, Content::Entity { .. })
    }

    /// Chooses encodings; gives whether a byte over 127 will be sent.
    pub(super) fn choose(&mut self, options: Options) -> bool {
        match &mut self.content {
            Content::Data {
                data,
                facts,
                encoding,
            } => {
                *encoding = match facts {
                    Some(facts) => facts.encoding(data, options),
                    None => Encoding::Base64,
                };
                *encoding == Encoding::EightBit
            }
            Content::Streamed { .. } => false,
            Content::Multipart { parts, eight_bit } => {
                *eight_bit = false;
                for part in parts {
                    *eight_bit |= part.choose(options);
                }
                *eight_bit
            }
            Content::Message(built) => built.needs_8bitmime(),
            Content::Verbatim { eight_bit, .. } | Content::Entity { eight_bit, .. } => *eight_bit,
        }
    }

    /// How much room writing it takes, about: without what is not copied.
    pub(super) fn room(&self) -> usize {
        const HEAD: usize = 256;
        HEAD + match &self.content {
            Content::Data { data, encoding, .. } => match encoding {
                _ if data.len() >= LARGE => 0,
                Encoding::SevenBit | Encoding::EightBit => data.len(),
                Encoding::QuotedPrintable => data.len() + data.len() / 8,
                Encoding::Base64 => data.len() / 2 * 3,
            },
            Content::Streamed { .. } => 0,
            Content::Multipart { parts, .. } => parts.iter().map(Part::room).sum(),
            Content::Message(built) => built.written.text.len(),
            Content::Verbatim { bytes, .. } | Content::Entity { bytes, .. } => match bytes.len() {
                LARGE.. => 0,
                length => length,
            },
        }
    }

    /// What the charset of a text must be if the caller does not say it: US-ASCII needs no
    /// name (RFC 2046 4.1.2).
    fn charset_of_data(&self) -> Option<&'static str> {
        let Content::Data { data, facts, .. } = &self.content else {
            return None;
        };
        let named = (self.parameters.iter()).any(|p| p.0.eq_ignore_ascii_case("charset"));
        let kind = self.content_type.get(..5).unwrap_or_default();
        let open = facts.is_some_and(|f| !f.ascii) && !named && kind.eq_ignore_ascii_case("text/");
        (open && core::str::from_utf8(data).is_ok()).then_some("utf-8")
    }

    /// Writes its Content-* fields: `boundary` is that of a multipart.
    pub(super) fn head(&self, out: &mut Vec<u8>, boundary: Option<&str>, utf8: bool) {
        let mut folder = Folder::field(out, "Content-Type", utf8);
        folder.word(&self.content_type);
        if let Some(charset) = self.charset.or_else(|| self.charset_of_data()) {
            folder.glue(";").words(&["charset=", charset]);
        }
        for (name, value) in &self.parameters {
            folder.parameter(name, value);
        }
        if let Some(boundary) = boundary {
            folder.glue(";").words(&["boundary=\"", boundary, "\""]);
        }
        folder.end();
        let encoding = match &self.content {
            Content::Data { encoding, .. } => Some(encoding.name()),
            Content::Streamed { how, .. } => Some(match how {
                Source::Base64(_) => "base64",
                Source::QuotedPrintable => "quoted-printable",
            }),
            Content::Multipart { eight_bit, .. } => eight_bit.then_some("8bit"),
            Content::Message(built) => built.needs_8bitmime().then_some("8bit"),
            Content::Verbatim { eight_bit, .. } | Content::Entity { eight_bit, .. } => {
                eight_bit.then_some("8bit")
            }
        };
        if let Some(encoding) = encoding {
            out.extend_from_slice(b"Content-Transfer-Encoding: ");
            out.extend_from_slice(encoding.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        if self.disposition.is_some() || self.file_name.is_some() {
            let mut folder = Folder::field(out, "Content-Disposition", utf8);
            folder.word(match self.disposition {
                Some(Disposition::Inline) => "inline",
                Some(Disposition::Attachment) | None => "attachment",
            });
            if let Some(name) = &self.file_name {
                folder.parameter("filename", name);
            }
            folder.end();
        }
        if let Some(id) = &self.content_id {
            super::field::ids(out, "Content-ID", core::slice::from_ref(id));
        }
        for field in &self.fields {
            field.write(out, utf8);
        }
    }
}

impl Part {
    /// The same among parts of which some are streamed.
    #[must_use]
    pub fn lift<S>(self) -> Part<S> {
        Part {
            content_type: self.content_type,
            charset: self.charset,
            parameters: self.parameters,
            disposition: self.disposition,
            file_name: self.file_name,
            content_id: self.content_id,
            fields: self.fields,
            content: self.content.lift(),
            depth: self.depth,
        }
    }
}

impl Content<Infallible> {
    fn lift<S>(self) -> Content<S> {
        match self {
            Content::Data {
                data,
                facts,
                encoding,
            } => Content::Data {
                data,
                facts,
                encoding,
            },
            Content::Streamed { source, .. } => match source {},
            Content::Multipart { parts, eight_bit } => Content::Multipart {
                parts: parts.into_iter().map(Part::lift).collect(),
                eight_bit,
            },
            Content::Message(built) => {
                let large = built.written.large.into_iter();
                let large = large.map(|(at, segment)| (at, segment.lift()));
                Content::Message(Box::new(Built {
                    written: Written {
                        text: built.written.text,
                        large: large.collect(),
                    },
                    utf8: built.utf8,
                    eight_bit: built.eight_bit,
                    depth: built.depth,
                }))
            }
            Content::Verbatim { bytes, eight_bit } => Content::Verbatim { bytes, eight_bit },
            Content::Entity { bytes, eight_bit } => Content::Entity { bytes, eight_bit },
        }
    }
}

impl<S> Content<S> {
    pub(super) fn data(data: impl Into<Bytes>, facts: Option<Facts>) -> Self {
        Content::Data {
            data: data.into(),
            facts,
            encoding: Encoding::Base64,
        }
    }
}

/// Refuses what no parameter should have: any control, and what is too long.
fn check_shown(what: &'static str, text: &str) -> Result<(), BuildError> {
    check(what, text, PARAMETER)?;
    match text.find(char::is_control) {
        Some(offset) => Err(BuildError::Control { what, offset }),
        None => Ok(()),
    }
}

/// Refuses what is no `type/subtype` (RFC 6838 4.2).
pub(super) fn check_type(content_type: &str) -> Result<(), BuildError> {
    let bad = |what| {
        Err(BuildError::ContentType(match content_type.contains(';') {
            true => "the type alone; `parameter` adds parameters",
            false => what,
        }))
    };
    let slash = content_type.bytes().position(|b| b == b'/');
    let Some((kind, subtype)) = slash.and_then(|at| content_type.split_at_checked(at)) else {
        return bad("no slash");
    };
    let name = |t: &str| {
        (1..=127).contains(&t.len()) && t.bytes().all(|b| is_token(b) && !b"`|~".contains(&b))
    };
    match name(kind) && subtype.get(1..).is_some_and(name) {
        true => Ok(()),
        false => bad("not two names of up to 127 letters, digits and !#$&-^_.+ (RFC 6838 4.2)"),
    }
}

pub(super) fn check_leaf(content_type: &str) -> Result<(), BuildError> {
    check_type(content_type)?;
    let is_of = |kind: &str| {
        let of = content_type.get(..kind.len());
        of.is_some_and(|of| of.eq_ignore_ascii_case(kind))
    };
    match is_of("multipart/") || is_of("message/") {
        true => Err(BuildError::ContentType(
            "it may not be in base64; multiparts and messages have constructors of their own",
        )),
        false => Ok(()),
    }
}

//! BODY and BODYSTRUCTURE.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Envelope;
use crate::value::content::languages;
use crate::value::lex::unfold;
use crate::{Content, ContentType, Disposition, Part};

/// Names and values, in order.
pub type Parameters = Vec<(Vec<u8>, Vec<u8>)>;

/// The data of IMAP's BODYSTRUCTURE, and without the extension data of BODY (RFC
/// 3501 7.4.2).
///
/// Names and values are as stored, but for continuations of parameters, which are
/// joined as RFC 2231 section 6 wants it: one with a charset has a `*` behind its
/// name. All are given, in order: `filename` and `filename*` both, where both are there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BodyStructure {
    /// A multipart, or not.
    pub kind: BodyKind,
    /// The subtype in lower case.
    pub subtype: Vec<u8>,
    /// Parameters of the type. Of a multipart they are extension data.
    pub parameters: Parameters,
    /// Extension data: the disposition and its parameters.
    pub disposition: Option<(Vec<u8>, Parameters)>,
    /// Extension data: the languages of Content-Language.
    pub language: Vec<Vec<u8>>,
    /// Extension data: the Content-Location.
    pub location: Option<Vec<u8>>,
}

/// Whether it is a multipart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BodyKind {
    /// Its parts; never empty. A multipart without a part has an empty text here,
    /// because IMAP cannot say it otherwise.
    Multipart {
        /// In order.
        parts: Vec<BodyStructure>,
    },
    /// One body.
    Single(Single),
}

/// What only a body that is no multipart has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Single {
    /// The type in lower case.
    pub media_type: Vec<u8>,
    /// The Content-ID as it is written, with brackets.
    pub id: Option<Vec<u8>>,
    /// The Content-Description, encoded words not decoded.
    pub description: Option<Vec<u8>>,
    /// The transfer encoding; `7bit` where none is named.
    pub encoding: Vec<u8>,
    /// Its size in its encoding, as if all line ends were CRLF.
    pub octets: u64,
    /// What text and messages have besides.
    pub detail: Detail,
    /// Extension data: the Content-MD5.
    pub md5: Option<Vec<u8>>,
}

/// What some types have besides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Detail {
    /// Nothing.
    Basic,
    /// `text/*`.
    Text {
        /// Lines of the body, in its encoding.
        lines: u64,
    },
    /// `message/rfc822`.
    Message {
        /// Of the message within.
        envelope: Box<Envelope>,
        /// Of the message within.
        body: Box<BodyStructure>,
        /// Lines of the message within.
        lines: u64,
    },
}

impl BodyStructure {
    /// The structure of a part and all that is in it.
    ///
    /// By IMAP's grammar a multipart or message says what is in it. One that was not
    /// taken apart (an opaque leaf) is given as something else: a message as
    /// `application/octet-stream`, a multipart, for want of delimiters, as
    /// `text/plain`, which clients show.
    /// `message/global` and `message/news` are basic types, as they are for IMAP4rev1.
    ///
    /// ```
    /// use scop_mime::{BodyKind, Detail, Message};
    ///
    /// let structure = Message::parse(b"Content-Type: text/plain\n\nHi\n").body_structure();
    /// let BodyKind::Single(text) = structure.kind else { panic!() };
    /// assert_eq!((text.octets, text.detail), (4, Detail::Text { lines: 1 }));
    /// ```
    #[must_use]
    pub fn of(part: &Part<'_, '_>) -> Self {
        let header = part.header();
        let content_type = part.content_type();
        let limit = part.parameter_limit();
        let field = |name: &str| header.get(name).map(|f| unfold(f.value()).into_owned());
        let mut media_type = content_type.kind();
        let mut subtype = content_type.subtype();
        let is_message = part.content() == Content::Message && subtype == "rfc822";
        if part.content() == Content::Leaf {
            (media_type, subtype) = match (media_type, subtype) {
                ("multipart", _) => ("text", "plain"),
                ("message", "rfc822") => ("application", "octet-stream"),
                as_is => as_is,
            };
        }
        let kind = if part.content() == Content::Multipart {
            let mut parts: Vec<BodyStructure> = part.children().map(|p| Self::of(&p)).collect();
            if parts.is_empty() {
                parts.push(Self::empty());
            }
            BodyKind::Multipart { parts }
        } else {
            let size = part.size();
            let detail = match part.children().next() {
                Some(message) if is_message => Detail::Message {
                    envelope: Box::new(Envelope::of(&message.header())),
                    body: Box::new(Self::of(&message)),
                    lines: size.lines,
                },
                _ if media_type == "text" => Detail::Text { lines: size.lines },
                _ => Detail::Basic,
            };
            BodyKind::Single(Single {
                media_type: media_type.into(),
                id: field("content-id"),
                description: field("content-description"),
                encoding: part.encoding().as_str().into(),
                octets: size.crlf_octets,
                detail,
                md5: field("content-md5"),
            })
        };
        BodyStructure {
            kind,
            subtype: subtype.into(),
            parameters: header.get("content-type").map_or(Vec::new(), |f| {
                one_line(ContentType::written(f.value(), limit))
            }),
            disposition: part.disposition().map(|d| {
                let field = header.get("content-disposition");
                let written = field.map(|f| Disposition::written(f.value(), limit));
                (d.kind().into(), one_line(written.unwrap_or_default()))
            }),
            language: header.get("content-language").map_or(Vec::new(), |f| {
                languages(f.value()).map(<[u8]>::to_vec).collect()
            }),
            location: field("content-location"),
        }
    }

    /// An empty text.
    fn empty() -> Self {
        BodyStructure {
            kind: BodyKind::Single(Single {
                media_type: b"text".into(),
                id: None,
                description: None,
                encoding: b"7bit".into(),
                octets: 0,
                detail: Detail::Text { lines: 0 },
                md5: None,
            }),
            subtype: b"plain".into(),
            parameters: Vec::new(),
            disposition: None,
            language: Vec::new(),
            location: None,
        }
    }
}

fn one_line(parameters: Parameters) -> Parameters {
    let line = |(name, value): (Vec<u8>, Vec<u8>)| (name, unfold(&value).into_owned());
    parameters.into_iter().map(line).collect()
}

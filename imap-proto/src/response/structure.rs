//! `BODY` and `BODYSTRUCTURE` (RFC 3501 section 7.4.2).

use alloc::{boxed::Box, vec::Vec};

use bytes::Bytes;

use super::{Envelope, cursor::Cursor, write};
use crate::types::write::{nstring, string};

/// Parameter names and values: `(("CHARSET", "us-ascii"))`.
pub type Parameters = Vec<(Bytes, Bytes)>;

/// The MIME structure of a message or of a part of it.
///
/// Names come in any case; compare with `eq_ignore_ascii_case`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyStructure {
    /// `body-type-1part`: anything but a multipart.
    Single(Part),
    /// `body-type-mpart`.
    Multi(Multipart),
}

/// `body-type-1part`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is, with the fields that only some types have.
    pub media: Media,
    /// `Content-Type:` parameters.
    pub parameters: Parameters,
    /// `Content-ID:`.
    pub id: Option<Bytes>,
    /// `Content-Description:`.
    pub description: Option<Bytes>,
    /// `Content-Transfer-Encoding:`; empty if the server sent `NIL`.
    pub encoding: Bytes,
    /// Size of the encoded body in bytes; 0 if the server sent no number.
    pub octets: u64,
    /// Extension data, which `BODY` lacks. On the way out it is written for
    /// `BODYSTRUCTURE` only.
    pub extension: Option<PartExtension>,
}

/// The type of a [`Part`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    /// `body-type-text`.
    Text {
        /// `PLAIN`, `HTML`.
        subtype: Bytes,
        /// Lines of the encoded body.
        lines: u64,
    },
    /// `body-type-msg`: `MESSAGE` `RFC822` (or `GLOBAL`, RFC 9051).
    Message {
        /// `RFC822`.
        subtype: Bytes,
        /// The envelope of the message in it.
        envelope: Box<Envelope>,
        /// The structure of the message in it.
        structure: Box<BodyStructure>,
        /// Lines of the encoded body.
        lines: u64,
    },
    /// `body-type-basic`. Also a text or message of which the server left out the
    /// fields above: Gmail has sent `MESSAGE` `RFC822` without an envelope.
    Basic {
        /// `IMAGE`.
        media: Bytes,
        /// `PNG`.
        subtype: Bytes,
    },
}

/// `body-type-mpart`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart {
    /// Its parts. The grammar asks for one at least.
    pub parts: Vec<BodyStructure>,
    /// `MIXED`, `ALTERNATIVE`.
    pub subtype: Bytes,
    /// Extension data, which `BODY` lacks.
    pub extension: Option<MultipartExtension>,
}

/// `body-ext-1part`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartExtension {
    /// `Content-MD5:`.
    pub md5: Option<Bytes>,
    /// What all parts have.
    pub common: Extension,
}

/// `body-ext-mpart`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MultipartExtension {
    /// `Content-Type:` parameters, the boundary among them.
    pub parameters: Parameters,
    /// What all parts have.
    pub common: Extension,
}

/// The extension data that single parts and multiparts share. What the server left
/// off at the end is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension {
    /// `Content-Disposition:` with its parameters.
    pub disposition: Option<(Bytes, Parameters)>,
    /// `Content-Language:`.
    pub language: Vec<Bytes>,
    /// `Content-Location:`.
    pub location: Option<Bytes>,
    more: Bytes,
}

impl BodyStructure {
    /// `TEXT`, `IMAGE`, `MULTIPART`.
    #[must_use]
    pub fn media(&self) -> &[u8] {
        match self {
            BodyStructure::Single(part) => match &part.media {
                Media::Text { .. } => b"TEXT",
                Media::Message { .. } => b"MESSAGE",
                Media::Basic { media, .. } => media,
            },
            BodyStructure::Multi(_) => b"MULTIPART",
        }
    }

    /// `PLAIN`, `PNG`, `MIXED`.
    #[must_use]
    pub fn subtype(&self) -> &[u8] {
        match self {
            BodyStructure::Single(part) => match &part.media {
                Media::Text { subtype, .. }
                | Media::Message { subtype, .. }
                | Media::Basic { subtype, .. } => subtype,
            },
            BodyStructure::Multi(multi) => &multi.subtype,
        }
    }

    /// Nested as deep as the cursor allows. A level costs stack; so what is not on
    /// the way down is kept out of its frame.
    pub(crate) fn parse(c: &mut Cursor<'_>) -> Option<BodyStructure> {
        c.nested(|c| {
            c.eat(b'(')?;
            c.spaces();
            let body = if c.peek() == Some(b'(') {
                BodyStructure::Multi(Multipart::parse(c)?)
            } else {
                BodyStructure::Single(Part::parse(c)?)
            };
            c.eat(b')')?;
            Some(body)
        })
    }

    /// With extension data (`BODYSTRUCTURE`) or without (`BODY`).
    pub(crate) fn encode(&self, out: &mut Vec<u8>, extensible: bool) {
        out.push(b'(');
        match self {
            BodyStructure::Single(part) => part.encode(out, extensible),
            BodyStructure::Multi(multi) => multi.encode(out, extensible),
        }
        out.push(b')');
    }
}

impl Extension {
    /// `body-extension` fields of the future, as they came.
    #[must_use]
    pub fn more(&self) -> &[u8] {
        &self.more
    }

    #[inline(never)]
    fn parse(c: &mut Cursor<'_>) -> Option<Extension> {
        let mut extension = Extension::default();
        if at_end(c) {
            return Some(extension);
        }
        extension.disposition = disposition(c)?;
        if at_end(c) {
            return Some(extension);
        }
        extension.language = languages(c)?;
        if at_end(c) {
            return Some(extension);
        }
        extension.location = c.nstring()?;
        c.spaces();
        let start = c.at();
        let mut end = start;
        while !at_end(c) {
            c.skip_value()?;
            end = c.at();
            c.spaces();
        }
        extension.more = c.share(start, end);
        Some(extension)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match &self.disposition {
            None => out.extend_from_slice(b" NIL "),
            Some((kind, parameters)) => {
                out.extend_from_slice(b" (");
                string(out, kind);
                out.push(b' ');
                encode_parameters(out, parameters);
                out.extend_from_slice(b") ");
            }
        }
        match &self.language[..] {
            [] => out.extend_from_slice(b"NIL"),
            [one] => string(out, one),
            many => {
                out.push(b'(');
                write::spaced(out, many, |out, each| string(out, each));
                out.push(b')');
            }
        }
        out.push(b' ');
        nstring(out, self.location.as_deref());
        if !self.more.is_empty() {
            out.push(b' ');
            out.extend_from_slice(&self.more);
        }
    }
}

impl Multipart {
    fn parse(c: &mut Cursor<'_>) -> Option<Multipart> {
        let mut parts = Vec::new();
        while c.peek() == Some(b'(') {
            parts.push(BodyStructure::parse(c)?);
            c.spaces();
        }
        let subtype = field(c)?;
        let extension = if at_end(c) {
            None
        } else {
            Some(MultipartExtension {
                parameters: parameters(c)?,
                common: Extension::parse(c)?,
            })
        };
        Some(Multipart {
            parts,
            subtype,
            extension,
        })
    }

    fn encode(&self, out: &mut Vec<u8>, extensible: bool) {
        for part in &self.parts {
            part.encode(out, extensible);
        }
        if self.parts.is_empty() {
            // The grammar wants one part; what other servers send for none.
            out.extend_from_slice(b"(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0)");
        }
        out.push(b' ');
        string(out, &self.subtype);
        if let Some(extension) = self.extension.as_ref().filter(|_| extensible) {
            out.push(b' ');
            encode_parameters(out, &extension.parameters);
            extension.common.encode(out);
        }
    }
}

impl Part {
    #[inline(never)]
    fn parse(c: &mut Cursor<'_>) -> Option<Part> {
        let media = field(c)?;
        let subtype = field(c)?;
        let parameters = parameters(c)?;
        let id = nfield(c)?;
        let description = nfield(c)?;
        let encoding = field(c)?;
        let octets = size(c)?;
        let media = if media.eq_ignore_ascii_case(b"TEXT") && is_number(c) {
            Media::Text {
                subtype,
                lines: size(c)?,
            }
        } else if media.eq_ignore_ascii_case(b"MESSAGE") && c.peek() == Some(b'(') {
            let envelope = Box::new(Envelope::parse(c)?);
            c.spaces();
            let structure = Box::new(BodyStructure::parse(c)?);
            c.spaces();
            Media::Message {
                subtype,
                envelope,
                structure,
                lines: if at_end(c) { 0 } else { size(c)? },
            }
        } else {
            Media::Basic { media, subtype }
        };
        let extension = if at_end(c) {
            None
        } else {
            Some(PartExtension {
                md5: nfield(c)?,
                common: Extension::parse(c)?,
            })
        };
        Some(Part {
            media,
            parameters,
            id,
            description,
            encoding,
            octets,
            extension,
        })
    }

    fn encode(&self, out: &mut Vec<u8>, extensible: bool) {
        let (media, subtype) = match &self.media {
            Media::Text { subtype, .. } => (&b"TEXT"[..], subtype),
            Media::Message { subtype, .. } => (&b"MESSAGE"[..], subtype),
            Media::Basic { media, subtype } => (&media[..], subtype),
        };
        string(out, media);
        out.push(b' ');
        string(out, subtype);
        out.push(b' ');
        encode_parameters(out, &self.parameters);
        out.push(b' ');
        nstring(out, self.id.as_deref());
        out.push(b' ');
        nstring(out, self.description.as_deref());
        out.push(b' ');
        string(out, &self.encoding);
        out.push(b' ');
        write::number(out, self.octets);
        match &self.media {
            Media::Text { lines, .. } => {
                out.push(b' ');
                write::number(out, *lines);
            }
            Media::Message {
                envelope,
                structure,
                lines,
                ..
            } => {
                out.push(b' ');
                envelope.encode(out);
                out.push(b' ');
                structure.encode(out, extensible);
                out.push(b' ');
                write::number(out, *lines);
            }
            Media::Basic { .. } => {}
        }
        if let Some(extension) = self.extension.as_ref().filter(|_| extensible) {
            out.push(b' ');
            nstring(out, extension.md5.as_deref());
            extension.common.encode(out);
        }
    }
}

fn at_end(c: &Cursor<'_>) -> bool {
    matches!(c.peek(), Some(b')') | None)
}

fn is_number(c: &Cursor<'_>) -> bool {
    c.peek().is_some_and(|b| b.is_ascii_digit() || b == b'-')
}

/// A string (or `NIL` in its place) and the spaces behind it.
fn field(c: &mut Cursor<'_>) -> Option<Bytes> {
    let value = c.string()?;
    c.spaces();
    Some(value)
}

fn nfield(c: &mut Cursor<'_>) -> Option<Option<Bytes>> {
    let value = c.nstring()?;
    c.spaces();
    Some(value)
}

/// A number and the spaces behind it; `NIL` and negative numbers, which servers
/// send for what they do not know, are 0.
fn size(c: &mut Cursor<'_>) -> Option<u64> {
    let value = match c.peek()? {
        b'0'..=b'9' => c.number64()?,
        b'-' => {
            c.eat(b'-')?;
            c.number64()?;
            0
        }
        _ => c.nstring()?.is_none().then_some(0)?,
    };
    c.spaces();
    Some(value)
}

/// `body-fld-param` and the spaces behind it. `()` occurs, and `NIL` for a value.
fn parameters(c: &mut Cursor<'_>) -> Option<Parameters> {
    let mut all = Vec::new();
    if c.peek() == Some(b'(') {
        c.list(|c| {
            let name = field(c)?;
            all.push((name, c.string()?));
            Some(())
        })?;
    } else if c.nstring()?.is_some_and(|s| !s.is_empty()) {
        return None;
    }
    c.spaces();
    Some(all)
}

/// `body-fld-dsp` and the spaces behind it; a bare string occurs.
fn disposition(c: &mut Cursor<'_>) -> Option<Option<(Bytes, Parameters)>> {
    let value = if c.eat(b'(').is_some() {
        c.spaces();
        let kind = field(c)?;
        let parameters = if at_end(c) {
            Vec::new()
        } else {
            parameters(c)?
        };
        c.eat(b')')?;
        Some((kind, parameters))
    } else {
        c.nstring()?.map(|kind| (kind, Vec::new()))
    };
    c.spaces();
    Some(value)
}

/// `body-fld-lang` and the spaces behind it.
fn languages(c: &mut Cursor<'_>) -> Option<Vec<Bytes>> {
    let mut all = Vec::new();
    if c.peek() == Some(b'(') {
        c.list(|c| {
            all.push(c.string()?);
            Some(())
        })?;
    } else {
        all.extend(c.nstring()?);
    }
    c.spaces();
    Some(all)
}

fn encode_parameters(out: &mut Vec<u8>, parameters: &Parameters) {
    if parameters.is_empty() {
        out.extend_from_slice(b"NIL");
        return;
    }
    out.push(b'(');
    write::spaced(out, parameters, |out, (name, value)| {
        string(out, name);
        out.push(b' ');
        string(out, value);
    });
    out.push(b')');
}

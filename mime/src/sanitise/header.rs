//! The header of an entity on its way out. It waits until it is known what becomes of
//! the body.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{MENDED, field, writer};
use crate::value::content::{ContentType, Disposition};
use crate::{Charset, DefectKind, DefectSet, HeaderField, Limits, Parent, TransferEncoding};

const VERSION: &[u8] = b"MIME-Version: 1.0\r\n";

/// The length of a field that says what the body is, at most. There are four of them, and
/// room for some other.
fn for_body_limit(limits: &Limits) -> usize {
    let share = usize::try_from(limits.header_bytes / 5).unwrap_or(usize::MAX);
    limits.field_limit().min(share)
}

/// What a field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Other,
    ContentType,
    Encoding,
    Disposition,
    Version,
}

#[derive(Debug)]
struct Segment {
    role: Role,
    end: usize,
    /// It is by the rule and may stay.
    clean: bool,
}

/// A header that is being put together.
#[derive(Debug, Default)]
pub(super) struct Draft {
    is_message: bool,
    bytes: Vec<u8>,
    segments: Vec<Segment>,
    /// The field in hand: it is known to be wrong only when all is said about it.
    raw: Vec<u8>,
    name: usize,
    value: usize,
    kinds: Option<DefectSet>,
    content_type: Option<ContentType>,
    encoding: Option<TransferEncoding>,
    disposition: Option<Disposition>,
    /// The name of a multipart that became text.
    lone_name: Option<String>,
    has_version: bool,
    /// What fields may still come that do not say what the body is.
    room: Option<Room>,
    /// The charset has an odd name.
    odd_charset: bool,
    /// The name of the type must go: the disposition has another.
    names_conflict: bool,
}

/// What the body becomes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// What it is, in this transfer encoding.
    Leaf(&'static str),
    /// UTF-8 text in quoted-printable.
    Text,
    /// `application/octet-stream` in base64.
    Opaque,
    /// A multipart with the boundary of this number.
    Multipart(u32),
    Message,
}

impl Draft {
    pub(super) fn new(parent: Parent) -> Self {
        Draft {
            is_message: parent != Parent::Multipart,
            ..Draft::default()
        }
    }

    pub(super) fn field(&mut self, field: &HeaderField<'_>, kinds: DefectSet, limits: &Limits) {
        self.settle(limits);
        self.raw.extend_from_slice(field.raw);
        self.name = field.at.name_length as usize;
        self.value = field.at.value_start as usize;
        self.kinds = Some(kinds);
    }

    /// Something was said about the field in hand.
    pub(super) fn defect(&mut self, kind: DefectKind) {
        if let Some(kinds) = &mut self.kinds {
            *kinds = kinds.with(kind);
        }
    }

    /// The header is over; `kinds` is what is wrong with it as a whole.
    pub(super) fn end(&mut self, kinds: DefectSet, limits: &Limits) {
        self.settle(limits);
        self.names_conflict = kinds.contains(DefectKind::ConflictingFilename);
        self.odd_charset = kinds.contains(DefectKind::OddCharset);
    }

    fn settle(&mut self, limits: &Limits) {
        if let Some(kinds) = self.kinds.take() {
            let raw = core::mem::take(&mut self.raw);
            self.add(&raw, kinds, limits);
            self.raw = raw;
            self.raw.clear();
        }
    }

    fn add(&mut self, raw: &[u8], kinds: DefectSet, limits: &Limits) {
        let name = raw.get(..self.name).unwrap_or_default();
        let value = raw.get(self.value..).unwrap_or_default();
        // A line that is no field, one that came before, one that looks like a delimiter.
        let Ok(name) = core::str::from_utf8(name) else {
            return;
        };
        if name.is_empty() || name.starts_with("--") || kinds.contains(DefectKind::DuplicateField) {
            return;
        }
        let clean = kinds.intersection(MENDED).is_empty();
        // With CRLF it may be longer than it was.
        let length = crate::Size::of(raw).crlf_octets;
        let fits = |limit: usize| usize::try_from(length).is_ok_and(|length| length <= limit);
        let for_body = clean && fits(for_body_limit(limits));
        let clean = clean && fits(limits.field_limit());
        let (role, written) = match name.to_ascii_lowercase().as_str() {
            "content-type" => {
                let read = ContentType::parse_with(value, limits.parameters);
                self.content_type = read.map(|r| r.0);
                (Role::ContentType, None)
            }
            "content-transfer-encoding" => {
                self.encoding = Some(TransferEncoding::parse(value));
                (Role::Encoding, None)
            }
            "content-disposition" => {
                let read = Disposition::parse_with(value, limits.parameters);
                self.disposition = read.map(|r| r.0);
                (Role::Disposition, None)
            }
            "mime-version" => {
                self.has_version = true;
                let mended = (!for_body).then(|| VERSION.to_vec());
                (Role::Version, mended)
            }
            _ if clean => (Role::Other, None),
            _ => match field::mend(name, value, limits) {
                Some(mended) => (Role::Other, Some(mended)),
                None => return,
            },
        };
        let clean = if role == Role::Other { clean } else { for_body };
        let start = self.bytes.len();
        match written {
            Some(written) => self.bytes.extend_from_slice(&written),
            None if clean => {
                super::body::Crlf::default().write(raw, &mut self.bytes);
                if !self.bytes.ends_with(b"\r\n") {
                    let end = self.bytes.trim_ascii_end().len();
                    self.bytes.truncate(end.max(start));
                    self.bytes.extend_from_slice(b"\r\n");
                }
            }
            // Written when it is known what it must say.
            None => {}
        }
        let room = self.room.get_or_insert_with(|| Room::new(limits));
        let line = self.bytes.get(start..).unwrap_or_default();
        if role == Role::Other {
            if !room.has(line) {
                self.bytes.truncate(start);
                return;
            }
            room.take(line);
        }
        self.segments.push(Segment {
            role,
            end: self.bytes.len(),
            clean,
        });
    }

    pub(super) fn is_multipart(&self) -> bool {
        let read = self.content_type.as_ref();
        read.is_some_and(|t| t.kind() == "multipart")
    }

    /// A multipart without a part is text.
    pub(super) fn becomes_text(&mut self) {
        let read = self.content_type.replace(ContentType::fallback(false));
        self.lone_name = read.and_then(|t| t.parameter("name").map(String::from));
        for segment in &mut self.segments {
            segment.clean &= segment.role != Role::ContentType;
        }
    }

    pub(super) fn encoding(&self) -> TransferEncoding {
        self.encoding.clone().unwrap_or_default()
    }

    /// The label of the charset of a text; `None` for what is no text.
    pub(super) fn charset(&self) -> Option<&str> {
        match &self.content_type {
            Some(t) if t.kind() == "text" => Some(t.parameter("charset").unwrap_or("us-ascii")),
            Some(_) => None,
            None => Some("us-ascii"),
        }
    }

    /// Writes the header and the empty line.
    pub(super) fn write(&self, shape: Shape, limits: &Limits, out: &mut Vec<u8>) {
        let clean = |role| self.segments.iter().any(|s| s.role == role && s.clean);
        let mut content_type = self.type_field(shape, clean(Role::ContentType), limits);
        let mut encoding = self.encoding_field(shape, clean(Role::Encoding));
        let mut disposition = match &self.disposition {
            Some(d) if !clean(Role::Disposition) => {
                let kind = match field::is_type(d.kind(), "x") {
                    true => d.kind(),
                    false => "attachment",
                };
                let parameters = d.parameters().iter().map(|p| (p.name(), p.value()));
                Line::New(field::structured(
                    "Content-Disposition",
                    kind,
                    parameters,
                    limits.parameters,
                    for_body_limit(limits),
                ))
            }
            Some(_) => Line::Keep,
            None => Line::Drop,
        };
        let mut version = match self.is_message && !self.has_version {
            true => Line::New(VERSION.to_vec()),
            false => Line::Keep,
        };
        let of_mime = [
            (Role::ContentType, &content_type),
            (Role::Encoding, &encoding),
            (Role::Disposition, &disposition),
            (Role::Version, &version),
        ];
        let mut room = Room::new(limits);
        for (role, line) in of_mime {
            match line {
                Line::Keep => self.lines(role).for_each(|kept| room.take(kept)),
                Line::New(bytes) => room.take(bytes),
                Line::Drop => {}
            }
        }
        for (role, kept) in self.all_lines() {
            let line = match role {
                Role::Other if !room.has(kept) => continue,
                Role::Other => {
                    room.take(kept);
                    out.extend_from_slice(kept);
                    continue;
                }
                Role::Version => {
                    out.extend_from_slice(kept);
                    continue;
                }
                Role::ContentType => &mut content_type,
                Role::Encoding => &mut encoding,
                Role::Disposition => &mut disposition,
            };
            match core::mem::replace(line, Line::Drop) {
                Line::Keep => {
                    version.write(out);
                    out.extend_from_slice(kept);
                }
                Line::New(bytes) => {
                    version.write(out);
                    out.extend_from_slice(&bytes);
                }
                Line::Drop => {}
            }
        }
        for mut line in [content_type, encoding] {
            if matches!(line, Line::New(_)) {
                version.write(out);
                line.write(out);
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    /// What is written of each field that is kept, unless something else is.
    fn all_lines(&self) -> impl Iterator<Item = (Role, &[u8])> {
        let mut start = 0;
        self.segments.iter().map(move |segment| {
            let line = self.bytes.get(start..segment.end).unwrap_or_default();
            start = segment.end;
            (segment.role, line)
        })
    }

    fn lines(&self, role: Role) -> impl Iterator<Item = &[u8]> {
        let lines = self.all_lines().filter(move |line| line.0 == role);
        lines.map(|line| line.1)
    }

    fn type_field(&self, shape: Shape, clean: bool, limits: &Limits) -> Line {
        let boundary;
        let name = "Content-Type";
        let read = self.content_type.as_ref();
        let type_ok = read.is_some_and(|t| field::is_type(t.kind(), t.subtype()));
        let (essence, first) = match (shape, read) {
            (Shape::Opaque, _) => ("application/octet-stream", None),
            (Shape::Multipart(number), Some(t)) => {
                boundary = writer::boundary(number);
                let essence = match type_ok {
                    true => t.essence(),
                    false => "multipart/mixed",
                };
                (essence, Some(("boundary", boundary.as_str())))
            }
            // A multipart has a type; a message in a digest needs none.
            (Shape::Multipart(_) | Shape::Message, None) => return Line::Drop,
            (Shape::Text, Some(t)) if type_ok => (t.essence(), Some(("charset", "utf-8"))),
            (Shape::Text, _) => ("text/plain", Some(("charset", "utf-8"))),
            (Shape::Leaf(_), None) => return Line::Drop,
            (Shape::Leaf(_) | Shape::Message, Some(_))
                if clean && type_ok && !self.names_conflict && !self.odd_charset =>
            {
                return Line::Keep;
            }
            (Shape::Leaf(_), Some(t)) if !type_ok => match t.kind() {
                "text" => ("text/plain", None),
                _ => ("application/octet-stream", None),
            },
            (Shape::Message, Some(t)) if t.essence() == "message/news" => ("message/rfc822", None),
            (Shape::Leaf(_) | Shape::Message, Some(t)) => (t.essence(), None),
        };
        let others = read.map_or(&[][..], ContentType::parameters).iter();
        let others = others
            .map(|p| match (self.odd_charset, p.name()) {
                (true, "charset") => (p.name(), charset_name(p.value())),
                (_, name) => (name, p.value()),
            })
            .filter(|(name, _)| match (shape, *name) {
                (_, "name") => !self.names_conflict,
                (Shape::Opaque, _) | (Shape::Multipart(_), "boundary") => false,
                (Shape::Text, "charset") => false,
                _ => true,
            });
        let lone = self.lone_name.as_deref().filter(|_| !self.names_conflict);
        let lone = lone.map(|name| ("name", name));
        let parameters = first.into_iter().chain(others).chain(lone);
        Line::New(field::structured(
            name,
            essence,
            parameters,
            limits.parameters,
            for_body_limit(limits),
        ))
    }

    fn encoding_field(&self, shape: Shape, clean: bool) -> Line {
        let read = self.encoding.as_ref();
        let wanted = match shape {
            Shape::Leaf(encoding) => encoding,
            Shape::Text => "quoted-printable",
            Shape::Opaque => "base64",
            // Its parts say for themselves.
            Shape::Multipart(_) | Shape::Message => match read {
                None => return Line::Drop,
                Some(TransferEncoding::EightBit | TransferEncoding::Binary) => "8bit",
                Some(TransferEncoding::SevenBit) => "7bit",
                Some(_) => return Line::Drop,
            },
        };
        if read.is_none() && wanted == "7bit" {
            return Line::Drop;
        }
        if clean && read.is_some_and(|e| e.as_str() == wanted) {
            return Line::Keep;
        }
        let mut line = String::from("Content-Transfer-Encoding: ");
        line.push_str(wanted);
        line.push_str("\r\n");
        Line::New(line.to_string().into_bytes())
    }
}

/// The name of a charset that every reader knows; of one whose label says nothing and
/// that is all it could be, US-ASCII.
fn charset_name(label: &str) -> &str {
    match Charset::for_label(label.as_bytes()) {
        Some(charset) if charset.name() == "unknown-8bit" => "us-ascii",
        Some(charset) => charset.name(),
        None => label,
    }
}

/// What a header may hold besides what it holds.
#[derive(Debug)]
struct Room {
    fields: u64,
    bytes: u64,
}

impl Room {
    fn new(limits: &Limits) -> Self {
        Room {
            fields: u64::from(limits.fields),
            // The empty line belongs to it.
            bytes: limits.header_bytes.saturating_sub(2),
        }
    }

    fn has(&self, field: &[u8]) -> bool {
        self.fields > 0 && self.bytes >= field.len() as u64
    }

    fn take(&mut self, field: &[u8]) {
        self.fields = self.fields.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(field.len() as u64);
    }
}

/// What becomes of a MIME field.
enum Line {
    Keep,
    New(Vec<u8>),
    Drop,
}

impl Line {
    /// Writes it, once.
    fn write(&mut self, out: &mut Vec<u8>) {
        if let Line::New(bytes) = core::mem::replace(self, Line::Drop) {
            out.extend_from_slice(&bytes);
        }
    }
}

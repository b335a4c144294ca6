//! A header as its fields pass: each by its name, then what they say together.

use alloc::string::{String, ToString};

use memchr::memchr_iter;

use super::body::LINE;
use super::{looks, mime_field};
use crate::value::content::{ContentType, Disposition};
use crate::{
    Defect, DefectKind, DefectSet, Field, HeaderField, Limits, Parameter, Parent, TransferEncoding,
    mailboxes,
};

/// A header that is being looked at, and what it says about the body.
#[derive(Debug, Default)]
pub(super) struct HeaderCheck {
    start: u64,
    is_message: bool,
    content_type: Option<Option<ContentType>>,
    encoding: Option<TransferEncoding>,
    disposition: Option<(u64, Option<String>)>,
    first_mime: Option<u64>,
    has_version: bool,
    has_date: bool,
    has_sender: bool,
    /// Where a From with several authors is.
    several: Option<u64>,
    has_from: bool,
    default_message: bool,
    /// Of the last field.
    told: DefectSet,
}

impl HeaderCheck {
    pub(super) fn new(start: u64, parent: Parent, in_digest: bool) -> Self {
        HeaderCheck {
            start,
            is_message: parent != Parent::Multipart,
            default_message: in_digest,
            ..HeaderCheck::default()
        }
    }

    pub(super) fn field(
        &mut self,
        field: &HeaderField<'_>,
        limits: &Limits,
        note: &mut dyn FnMut(Defect),
    ) {
        // Once in a field is enough.
        let mut told = DefectSet::none();
        let mut note = |kind: DefectKind, offset: u64| {
            if !told.contains(kind) {
                told = told.with(kind);
                note(Defect::new(kind, offset));
            }
        };
        lines(field.raw, field.at.offset, &mut note);
        if !field.raw.is_ascii() && core::str::from_utf8(field.raw).is_ok() {
            let at = field.raw.iter().position(|b| !b.is_ascii()).unwrap_or(0);
            note(DefectKind::RawUtf8InHeader, field.at.offset + at as u64);
        }
        self.value(field, limits, &mut note);
        self.told = told;
    }

    /// Whether a defect that the reader found in the last field was told already, at the
    /// place where it is.
    pub(super) fn knows(&self, kind: DefectKind) -> bool {
        let by_both = [
            DefectKind::DuplicateParameter,
            DefectKind::TooManyParameters,
        ];
        by_both.contains(&kind) && self.told.contains(kind)
    }

    fn value(
        &mut self,
        field: &HeaderField<'_>,
        limits: &Limits,
        note: &mut dyn FnMut(DefectKind, u64),
    ) {
        Field::new(field.at, field.raw, usize::MAX).note(&mut |d| note(d.kind, d.offset));
        let (value, start) = (
            field.value(),
            field.at.offset + u64::from(field.at.value_start),
        );
        let mut at = |kind, at: usize| note(kind, start + at as u64);
        let mut name = [0; 32];
        let name = match name.get_mut(..field.name().len()) {
            Some(lower) => {
                lower.copy_from_slice(field.name());
                lower.make_ascii_lowercase();
                &*lower
            }
            None => return,
        };
        if name.starts_with(b"content-") {
            self.first_mime = self.first_mime.or(Some(field.at.offset));
        }
        match name {
            b"content-type" if self.content_type.is_none() => {
                mime_field::content_type(value, limits.parameters, &mut at);
                let read = ContentType::parse_with(value, limits.parameters);
                if read.iter().any(|r| has_control(r.0.parameters())) {
                    at(DefectKind::ControlInParameter, 0);
                }
                self.content_type = Some(read.map(|r| r.0));
            }
            b"content-transfer-encoding" if self.encoding.is_none() => {
                mime_field::encoding(value, &mut at);
                self.encoding = Some(TransferEncoding::parse(value));
            }
            b"content-disposition" if self.disposition.is_none() => {
                mime_field::disposition(value, limits.parameters, &mut at);
                let read = Disposition::parse_with(value, limits.parameters);
                if read.iter().any(|r| has_control(r.0.parameters())) {
                    at(DefectKind::ControlInParameter, 0);
                }
                let filename = read.and_then(|r| r.0.filename().map(ToString::to_string));
                if filename.as_deref().is_some_and(looks::has_bidi) {
                    at(DefectKind::BidiControl, 0);
                }
                self.disposition = Some((start, filename));
            }
            b"mime-version" if !self.has_version => {
                mime_field::mime_version(value, &mut at);
                self.has_version = true;
            }
            b"from" | b"sender" | b"reply-to" | b"to" | b"cc" | b"bcc" | b"resent-from"
            | b"resent-sender" | b"resent-to" | b"resent-cc" | b"resent-bcc" => {
                self.addresses(name, &Field::new(field.at, field.raw, usize::MAX), note);
            }
            b"date" => self.has_date = true,
            _ => {}
        }
    }

    fn addresses(&mut self, name: &[u8], field: &Field<'_>, note: &mut dyn FnMut(DefectKind, u64)) {
        let list = field.addresses();
        for mailbox in mailboxes(&list) {
            looks::mailbox(mailbox, &mut |kind| note(kind, field.value_offset()));
        }
        self.has_sender |= name == b"sender";
        if name == b"from" && !self.has_from {
            self.has_from = true;
            self.several = (mailboxes(&list).nth(1).is_some()).then(|| field.offset());
        }
    }

    /// The header is over: what it says as a whole.
    pub(super) fn finish(&self, note: &mut dyn FnMut(Defect)) {
        let mut note = |kind, offset| note(Defect::new(kind, offset));
        if let (Some((at, Some(filename))), Some(Some(content_type))) =
            (&self.disposition, &self.content_type)
            && content_type
                .parameter("name")
                .is_some_and(|name| name != filename)
        {
            note(DefectKind::ConflictingFilename, *at);
        }
        if let Some(Some(content_type)) = &self.content_type
            && content_type.parameter("name").is_some_and(looks::has_bidi)
        {
            note(DefectKind::BidiControl, self.start);
        }
        if !self.is_message {
            return;
        }
        if let (Some(at), false) = (self.first_mime, self.has_version) {
            note(DefectKind::MissingMimeVersion, at);
        }
        if !self.has_from {
            note(DefectKind::MissingFrom, self.start);
        }
        if !self.has_date {
            note(DefectKind::MissingDate, self.start);
        }
        if let (Some(at), false) = (self.several, self.has_sender) {
            note(DefectKind::SeveralFrom, at);
        }
    }

    pub(super) fn encoding(&self) -> TransferEncoding {
        self.encoding.clone().unwrap_or_default()
    }

    /// The label of the charset of a text.
    pub(super) fn charset(&self) -> Option<&[u8]> {
        const DEFAULT: &[u8] = b"us-ascii";
        match &self.content_type {
            Some(Some(t)) if t.kind() == "text" => {
                Some(t.parameter("charset").map_or(DEFAULT, str::as_bytes))
            }
            Some(Some(_)) => None,
            _ => (!self.default_message).then_some(DEFAULT),
        }
    }

    pub(super) fn is_digest(&self) -> bool {
        matches!(&self.content_type, Some(Some(t)) if t.essence() == "multipart/digest")
    }
}

fn has_control(parameters: &[Parameter]) -> bool {
    let control = |c: char| c.is_control() && c != '\t';
    parameters.iter().any(|p| p.value().contains(control))
}

/// Lines of a field that are too long, or nothing but white space.
fn lines(raw: &[u8], offset: u64, note: &mut dyn FnMut(DefectKind, u64)) {
    let mut start = 0;
    let ends = memchr_iter(b'\n', raw).map(|lf| lf + 1);
    let last = (!raw.ends_with(b"\n")).then_some(raw.len());
    for end in ends.chain(last) {
        let line = raw.get(start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() as u64 > LINE {
            note(DefectKind::LineTooLong, offset + start as u64);
        }
        let blank = line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r'));
        if blank && !line.is_empty() {
            note(DefectKind::BlankContinuation, offset + start as u64);
        }
        start = end;
    }
}

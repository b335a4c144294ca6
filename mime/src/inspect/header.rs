//! A header as its fields pass: each by its name, then what they say together.

use alloc::string::{String, ToString};

use memchr::memchr_iter;

use super::body::LINE;
use super::{looks, mime_field};
use crate::value::content::{ContentType, Disposition};
use crate::value::words::word_length;
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
    resent: Resent,
    /// The first Content-ID, and where it is.
    content_id: Option<(u64, String)>,
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
        // NUL and CR have kinds of their own.
        let control = |b: &u8| matches!(b, 1..=8 | 11 | 12 | 14..=31 | 127);
        if let Some(at) = field.raw.iter().position(control) {
            note(DefectKind::ControlInHeader, field.at.offset + at as u64);
        }
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
        match name.strip_prefix(b"resent-") {
            Some(name) => self
                .resent
                .field(name, field, &mut |kind, at| note(kind, at)),
            None => self.resent.end(&mut |kind, at| note(kind, at)),
        }
        let mut at = |kind, at: usize| note(kind, start + at as u64);
        match name {
            b"content-type" if self.content_type.is_none() => {
                self.content_type = Some(content_type(value, limits.parameters, &mut at));
            }
            b"content-transfer-encoding" if self.encoding.is_none() => {
                mime_field::encoding(value, &mut at);
                self.encoding = Some(TransferEncoding::parse(value));
            }
            b"content-disposition" if self.disposition.is_none() => {
                let read = disposition(value, limits.parameters, &mut at);
                let filename = read.and_then(|r| r.filename().map(ToString::to_string));
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
            b"content-id" if self.content_id.is_none() => {
                let id = crate::value::ids::parse(value).into_iter().next();
                self.content_id = id.map(|id| (start, id.into_owned()));
            }
            b"date" => self.has_date = true,
            _ => {}
        }
    }

    /// The Content-ID, and where it is.
    pub(super) fn content_id(&self) -> Option<(u64, &str)> {
        self.content_id.as_ref().map(|(at, id)| (*at, id.as_str()))
    }

    /// The type in lower case; empty for one that cannot be read, or is not there.
    pub(super) fn essence(&self) -> &str {
        match &self.content_type {
            Some(Some(t)) => t.essence(),
            _ => "",
        }
    }

    /// The type of a leaf forbids its transfer encoding (RFC 2045 6.4, RFC 2046 5.2.2 and
    /// 5.2.3; RFC 6532 3.5 allows them to `message/global`).
    pub(super) fn is_encoding_forbidden(&self) -> bool {
        match self.essence() {
            "message/partial" | "message/external-body" => {
                self.encoding() != TransferEncoding::SevenBit
            }
            // Told of as encoded messages.
            "message/rfc822" | "message/news" => false,
            essence => {
                let is = |prefix| essence.starts_with(prefix);
                is("message/") && !is("message/global") && !self.encoding().is_identity()
            }
        }
    }

    /// Whether a text is in format=flowed (RFC 3676).
    pub(super) fn is_flowed(&self) -> bool {
        let format = match &self.content_type {
            Some(Some(t)) if t.essence() == "text/plain" => t.parameter("format"),
            _ => None,
        };
        format.is_some_and(|f| f.eq_ignore_ascii_case("flowed"))
    }

    fn addresses(&mut self, name: &[u8], field: &Field<'_>, note: &mut dyn FnMut(DefectKind, u64)) {
        let list = field.addresses();
        for mailbox in mailboxes(&list) {
            looks::mailbox(mailbox, &mut |kind| note(kind, field.value_offset()));
        }
        let sender = name.ends_with(b"sender");
        if sender && mailboxes(&list).nth(1).is_some() {
            note(DefectKind::SeveralSender, field.value_offset());
        }
        self.has_sender |= name == b"sender";
        if name == b"from" && !self.has_from {
            self.has_from = true;
            self.several = (mailboxes(&list).nth(1).is_some()).then(|| field.offset());
        }
    }

    /// The header is over: what it says as a whole.
    pub(super) fn finish(&mut self, note: &mut dyn FnMut(Defect)) {
        let mut note = |kind, offset| note(Defect::new(kind, offset));
        self.resent.end(&mut note);
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

    /// Whether it is that of a message, not of a part.
    pub(super) fn is_message(&self) -> bool {
        self.is_message
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

/// A block of Resent- fields as [`crate::Resent`] has it: what it must have and has.
#[derive(Debug, Default)]
struct Resent {
    /// Where it begins; `None` where none is open.
    start: Option<u64>,
    /// Which of [`NAMES`](Self::NAMES) were there.
    seen: u8,
    /// Where a Resent-From with several authors is.
    several: Option<u64>,
}

impl Resent {
    const NAMES: [&'static [u8]; 7] = [
        b"from",
        b"date",
        b"sender",
        b"to",
        b"cc",
        b"bcc",
        b"message-id",
    ];

    /// A field, by its name behind the prefix.
    fn field(
        &mut self,
        name: &[u8],
        field: &HeaderField<'_>,
        note: &mut dyn FnMut(DefectKind, u64),
    ) {
        let bit = Self::NAMES
            .iter()
            .position(|n| *n == name)
            .map_or(0, |n| 1 << n);
        if self.seen & bit != 0 {
            self.end(note);
        }
        self.start.get_or_insert(field.at.offset);
        self.seen |= bit;
        let field = Field::new(field.at, field.raw, usize::MAX);
        if name == b"from" && mailboxes(&field.addresses()).nth(1).is_some() {
            self.several = Some(field.offset());
        }
    }

    /// The block is over.
    fn end(&mut self, note: &mut dyn FnMut(DefectKind, u64)) {
        let Resent {
            start,
            seen,
            several,
        } = core::mem::take(self);
        if let Some(start) = start.filter(|_| seen & 3 != 3) {
            note(DefectKind::MissingResentField, start);
        }
        if let Some(at) = several.filter(|_| seen & 4 == 0) {
            note(DefectKind::SeveralFrom, at);
        }
    }
}

/// What there is to say about parameters once they are put together.
/// What is wrong with a MIME field that is looked at by itself.
pub(crate) fn of_mime_field(name: &str, value: &[u8], at: &mut dyn FnMut(DefectKind, usize)) {
    let limit = Limits::default().parameters;
    match name.to_ascii_lowercase().as_str() {
        "content-type" => drop(content_type(value, limit, at)),
        "content-disposition" => drop(disposition(value, limit, at)),
        "content-transfer-encoding" => mime_field::encoding(value, at),
        "mime-version" => mime_field::mime_version(value, at),
        _ => {}
    }
}

fn content_type(
    value: &[u8],
    limit: usize,
    at: &mut dyn FnMut(DefectKind, usize),
) -> Option<ContentType> {
    mime_field::content_type(value, limit, at);
    let (read, defects) = ContentType::parse_with(value, limit)?;
    parameters(read.parameters(), &defects, at);
    misses(&read, at);
    Some(read)
}

fn disposition(
    value: &[u8],
    limit: usize,
    at: &mut dyn FnMut(DefectKind, usize),
) -> Option<Disposition> {
    mime_field::disposition(value, limit, at);
    let (read, defects) = Disposition::parse_with(value, limit)?;
    parameters(read.parameters(), &defects, at);
    if read.filename().is_some_and(looks::has_bidi) {
        at(DefectKind::BidiControl, 0);
    }
    Some(read)
}

fn parameters(
    read: &[Parameter],
    defects: &[(DefectKind, usize)],
    at: &mut dyn FnMut(DefectKind, usize),
) {
    let control = |c: char| c.is_control() && c != '\t';
    if read.iter().any(|p| p.value().contains(control)) {
        at(DefectKind::ControlInParameter, 0);
    }
    for (kind, offset) in defects {
        // The others are told of by who reads to the letter.
        if matches!(kind, DefectKind::UnknownCharset | DefectKind::NotOfCharset) {
            at(*kind, *offset);
        }
    }
}

/// Parameters that a type must have and has not.
fn misses(read: &ContentType, at: &mut dyn FnMut(DefectKind, usize)) {
    let wanted: &[&str] = match read.essence() {
        // RFC 2046 5.2.2.
        "message/partial" => &["id", "number"],
        // RFC 2046 5.2.3, RFC 2017 3.
        "message/external-body" => {
            let access = read.parameter("access-type").unwrap_or_default();
            match access.to_ascii_lowercase().as_str() {
                "ftp" | "tftp" | "anon-ftp" => &["name", "site"],
                "local-file" => &["name"],
                "mail-server" => &["server"],
                "url" => &["url"],
                "" => &["access-type"],
                _ => &[],
            }
        }
        // RFC 1847 2.1 and 2.2, RFC 6522 3, RFC 2387 3.1.
        "multipart/signed" => &["protocol", "micalg"],
        "multipart/encrypted" => &["protocol"],
        "multipart/report" => &["report-type"],
        "multipart/related" => &["type"],
        _ => &[],
    };
    if wanted.iter().any(|name| read.parameter(name).is_none()) {
        at(DefectKind::MissingParameter, 0);
    }
    let number = |name| read.parameter(name).and_then(|n| n.parse::<u32>().ok());
    if let ("message/partial", Some(number), Some(total)) =
        (read.essence(), number("number"), number("total"))
        && number > total
    {
        at(DefectKind::OddParameterValue, 0);
    }
}

/// A line with an encoded word in it is no longer (RFC 2047 2).
const ENCODED_LINE: usize = 76;

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
        if line.len() > ENCODED_LINE {
            let mut opens = memchr::memmem::find_iter(line, b"=?");
            let is_word = |at: &usize| line.get(*at..).and_then(word_length).is_some();
            if let Some(word) = opens.find(is_word) {
                note(
                    DefectKind::EncodedWordTooLong,
                    offset + (start + word) as u64,
                );
            }
        }
        let blank = line.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r'));
        if blank && !line.is_empty() {
            note(DefectKind::BlankContinuation, offset + start as u64);
        }
        start = end;
    }
}

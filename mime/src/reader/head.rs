//! The header of an entity: fields, and what they say about the body.

use alloc::vec::Vec;

use memchr::memchr;

use super::event::{BodyStart, Content, Event, FieldAt, Parent};
use super::mark::Mark;
use super::open::{Found, Kind, Stack, Stage};
use super::{Eol, Reader, State, Step, What, take};
use crate::DefectKind;
use crate::value::content::{self, BodyType};
use crate::value::encoding::TransferEncoding;

/// A header that is being read.
#[derive(Debug, Default)]
pub(super) struct Head {
    start: Mark,
    /// Where the field in hand begins.
    field: Mark,
    /// How much of it was taken; what is kept of it is in the reader's `carry`.
    taken: usize,
    /// Its first line is complete.
    first_line_over: bool,
    /// The byte taken last is LF: the next one says whether the field goes on.
    after_lf: bool,
    /// What its first line looks like.
    suspect: Found,
    fields: u32,
    /// Nothing but an mbox separator came before.
    fresh: bool,
    /// Without a Content-Type it is a message (RFC 2046 5.1.5).
    default_message: bool,
    body_type: Option<BodyType>,
    /// Where a Content-Transfer-Encoding is that a composite body must not have.
    encoded_at: Option<u64>,
    /// Fields of [`ONCE`] that came, by bit.
    seen: u32,
}

/// Fields that come once at most (RFC 5322 3.6, RFC 2045 3, RFC 2183 2).
const ONCE: [&[u8]; 18] = [
    b"content-type",
    b"content-transfer-encoding",
    b"content-disposition",
    b"content-id",
    b"content-description",
    b"content-md5",
    b"mime-version",
    b"date",
    b"from",
    b"sender",
    b"reply-to",
    b"to",
    b"cc",
    b"bcc",
    b"message-id",
    b"in-reply-to",
    b"references",
    b"subject",
];

/// Why a header is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// An empty line of so many bytes, or the end of input.
    Separator(u64),
    /// The body begins although no empty line came.
    Cut,
    /// A limit.
    Limit(DefectKind),
}

impl Head {
    pub(super) fn new(start: Mark, default_message: bool) -> Self {
        Head {
            start,
            field: start,
            fresh: true,
            default_message,
            ..Head::default()
        }
    }

    fn next_field(&mut self, mark: Mark) {
        self.field = mark;
        self.taken = 0;
        self.first_line_over = false;
        self.after_lf = false;
        self.suspect = Found::Line;
    }
}

impl Reader {
    /// In a header.
    pub(super) fn head(&mut self, input: &mut &[u8]) -> Step {
        let used = self.mark.offset - self.head.start.offset;
        let room = self.limits.header_bytes.saturating_sub(used);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let window = input.get(..room).unwrap_or(input);
        let at_limit = window.len() == room;
        let at_end = self.finished && window.len() == input.len();
        if self.head.taken == 0 {
            match window {
                [b'\n', ..] => return self.separator(1, input),
                [b'\r', b'\n', ..] => return self.separator(2, input),
                [b'\r'] if !at_limit && !at_end => {
                    self.hold(take(input, 1));
                    return Step::NeedInput;
                }
                [] if at_limit => return self.end_header(Over::Limit(DefectKind::HeaderTooLong)),
                [] if at_end => return self.end_header(Over::Separator(0)),
                [] => return Step::NeedInput,
                _ if self.head.fields >= self.limits.fields => {
                    return self.end_header(Over::Limit(DefectKind::TooManyFields));
                }
                _ => {}
            }
        } else if self.carry == b"\r" && window.first() == Some(&b'\n') {
            self.carry.clear();
            self.mark = self.head.field;
            // The CR is no longer in the input; both bytes are passed here.
            take(input, 1);
            let header_end = self.mark.offset;
            self.pass(b"\r\n");
            return self.end_header_at(header_end, Over::Separator(2));
        } else if self.head.fields >= self.limits.fields {
            // A lone CR was held, and no field may begin any more.
            self.mark = self.head.field;
            self.end_header(Over::Limit(DefectKind::TooManyFields));
            self.release();
            return Step::Again;
        }
        let mut length = 0;
        let complete = loop {
            if self.head.after_lf {
                match window.get(length) {
                    None => break false,
                    Some(b' ' | b'\t') => self.head.after_lf = false,
                    Some(_) => break true,
                }
            }
            let Some(lf) = window.get(length..).and_then(|w| memchr(b'\n', w)) else {
                length = window.len();
                break false;
            };
            length += lf + 1;
            self.head.after_lf = true;
            if !self.head.first_line_over {
                self.head.first_line_over = true;
                if let Some(step) = self.first_line(length, input) {
                    return step;
                }
            }
        };
        if complete || at_limit || at_end {
            return self.field(length, input);
        }
        if !self.head.first_line_over
            && self.head.taken <= self.limits.field_limit()
            && self.head.taken + length > self.limits.field_limit()
            && let Some(step) = self.first_line(length, input)
        {
            return step;
        }
        self.hold(take(input, length));
        Step::NeedInput
    }

    /// The first line of a field: `length` bytes of it are in the input, behind
    /// what is held. It may be a delimiter, or show that there is no header.
    fn first_line(&mut self, length: usize, input: &mut &[u8]) -> Option<Step> {
        let limit = self.limits.field_limit();
        let delimiters = self.stack.has_boundaries();
        if !delimiters && !self.head.fresh {
            return None;
        }
        let held = self.head.taken > 0;
        let fits = length.min(limit.saturating_sub(self.head.taken));
        let head = input.get(..fits).unwrap_or(input);
        if held {
            self.carry.extend_from_slice(head);
        }
        let line = if held { &self.carry[..] } else { head };
        let at_end = self.finished && length == input.len();
        let found = match line.strip_suffix(b"\n") {
            Some(line) if delimiters => self.stack.classify(line),
            None if delimiters && (at_end || line.len() >= Stack::decisive()) => {
                self.stack.classify(line)
            }
            _ => Found::Line,
        };
        // A line of white space before the first field is none either, but it is there.
        let no_header = self.head.fresh
            && memchr(b':', line).is_none()
            && !is_mbox_from(line)
            && !(matches!(line, [b' ' | b'\t', ..]) && line.trim_ascii().is_empty());
        if !matches!(found, Found::Delimiter { .. }) && !no_header {
            if held {
                // It goes on as if it had not been looked at.
                self.carry.truncate(self.head.taken);
            }
            self.head.suspect = found;
            return None;
        }
        self.mark = self.head.field;
        if held {
            take(input, fits);
        }
        // The header of a message within, which a digest may have, is no header either.
        while self.state == State::Head {
            self.end_header(Over::Cut);
        }
        if let Found::Delimiter { level, close, junk } = found {
            self.found(level, close, junk, Eol::None);
        } else if held {
            self.suspect(found, self.mark.offset);
            self.release();
        }
        Some(Step::Again)
    }

    /// What is held of a header is the start of a body instead.
    fn release(&mut self) {
        self.state = State::Release(self.strip_carry());
    }

    /// The field in hand ends with the next `length` bytes of the input.
    fn field(&mut self, length: usize, input: &mut &[u8]) -> Step {
        if !self.head.first_line_over {
            self.head.first_line_over = true;
            if let Some(step) = self.first_line(length, input) {
                return step;
            }
        }
        let total = self.head.taken + length;
        let limit = self.limits.field_limit();
        let offset = self.head.field.offset;
        let at = FieldAt {
            offset,
            length: u32::try_from(total).unwrap_or(u32::MAX),
            ..FieldAt::default()
        };
        if self.head.taken > 0 {
            self.hold(take(input, length));
            let carry = core::mem::take(&mut self.carry);
            let at = self.note_field(&carry, total, at);
            self.carry = carry;
            self.head.next_field(self.mark);
            return Step::Carry(What::Field(at));
        }
        let raw = input.get(..length).unwrap_or(input);
        self.pass(raw);
        let shown = raw.get(..limit).unwrap_or(raw);
        let at = self.note_field(shown, total, at);
        self.head.next_field(self.mark);
        Step::Input {
            show: shown.len(),
            consume: length,
            what: What::Field(at),
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        let fits = self.limits.field_limit().saturating_sub(self.carry.len());
        self.carry
            .extend_from_slice(bytes.get(..fits).unwrap_or(bytes));
        self.head.taken += bytes.len();
        self.pass(bytes);
    }

    /// Finds the name, and remembers what the field says about the body.
    fn note_field(&mut self, raw: &[u8], total: usize, mut at: FieldAt) -> FieldAt {
        self.head.fields += 1;
        self.suspect(self.head.suspect, at.offset);
        if total > self.limits.field_limit() {
            self.defect(DefectKind::FieldTooLong, at.offset);
        }
        let Some((name, colon)) = name(raw) else {
            let kind = match is_mbox_from(raw) && self.head.fresh {
                true => DefectKind::MboxFrom,
                false => DefectKind::NotAField,
            };
            self.defect(kind, at.offset);
            return at;
        };
        self.head.fresh = false;
        at.name_length = name.len() as u32;
        at.value_start = colon as u32 + 1;
        if name.len() < colon {
            self.defect(DefectKind::SpaceBeforeColon, at.offset + name.len() as u64);
        }
        if let Some(nul) = memchr(0, raw) {
            self.defect(DefectKind::NulInHeader, at.offset + nul as u64);
        }
        if let Some(cr) = bare_cr(raw) {
            self.defect(DefectKind::BareCrInHeader, at.offset + cr as u64);
        }
        if !raw.is_ascii()
            && let Err(error) = core::str::from_utf8(raw)
        {
            let bad = at.offset + error.valid_up_to() as u64;
            self.defect(DefectKind::NotUtf8InHeader, bad);
        }
        let Some(once) = ONCE.iter().position(|n| n.eq_ignore_ascii_case(name)) else {
            return at;
        };
        if self.head.seen & (1 << once) != 0 {
            self.defect(DefectKind::DuplicateField, at.offset);
            return at;
        }
        self.head.seen |= 1 << once;
        let value = raw.get(colon + 1..).unwrap_or_default();
        let value_offset = at.offset + colon as u64 + 1;
        match once {
            0 => {
                let (body_type, defects) = content::body_type(value, self.limits.parameters);
                for kind in defects {
                    self.defect(kind, value_offset);
                }
                self.head.body_type = body_type;
            }
            1 if !TransferEncoding::parse(value).is_identity() => {
                self.head.encoded_at = Some(at.offset);
            }
            _ => {}
        }
        at
    }

    fn separator(&mut self, length: usize, input: &mut &[u8]) -> Step {
        let header_end = self.mark.offset;
        self.pass(take(input, length));
        self.end_header_at(header_end, Over::Separator(length as u64))
    }

    fn end_header(&mut self, over: Over) -> Step {
        self.end_header_at(self.mark.offset, over)
    }

    fn end_header_at(&mut self, header_end: u64, over: Over) -> Step {
        let (kind, opaque) = match over {
            Over::Limit(defect) => {
                self.defect(defect, header_end);
                (Kind::Leaf, true)
            }
            Over::Cut => {
                self.defect(DefectKind::MissingSeparator, header_end);
                self.body_kind()
            }
            Over::Separator(_) => self.body_kind(),
        };
        let content = match &kind {
            Kind::Leaf => Content::Leaf,
            Kind::Message => Content::Message,
            Kind::Multipart { .. } => Content::Multipart,
        };
        self.queue.push_back(Event::BodyStart(BodyStart {
            header_end,
            offset: self.mark.offset,
            content,
            opaque,
        }));
        self.open(kind);
        self.state = State::Line(Eol::None);
        if content == Content::Message {
            self.start_part(Parent::Message, false);
        }
        Step::Again
    }

    /// How the body is read, and whether that is not what its type says.
    fn body_kind(&mut self) -> (Kind, bool) {
        let offset = self.mark.offset;
        let body_type = self.head.body_type.take();
        let body_type = body_type.unwrap_or(match self.head.default_message {
            true => BodyType::Message,
            false => BodyType::Other,
        });
        let deep = self.stack.len() >= self.limits.depth_limit();
        let refused = match &body_type {
            BodyType::Other => return (Kind::Leaf, false),
            _ if deep => DefectKind::TooDeep,
            BodyType::Multipart { boundary, digest } => match boundary {
                None => DefectKind::MissingBoundary,
                Some(b) if b.len() > Stack::BOUNDARY => DefectKind::BadBoundary,
                Some(boundary) => {
                    if let Some(at) = self.head.encoded_at {
                        self.defect(DefectKind::EncodedMultipart, at);
                    }
                    if self.stack.has_boundary(boundary) {
                        self.defect(DefectKind::SharedBoundary, offset);
                    }
                    let kind = Kind::Multipart {
                        boundary: Vec::clone(boundary),
                        digest: *digest,
                        stage: Stage::Preamble,
                    };
                    return (kind, false);
                }
            },
            BodyType::Message => match self.head.encoded_at {
                Some(_) => DefectKind::EncodedMessage,
                None if self.parts >= self.limits.parts => DefectKind::TooManyParts,
                None => return (Kind::Message, false),
            },
        };
        self.defect(refused, offset);
        (Kind::Leaf, true)
    }
}

/// The name of a field and where its colon is (RFC 5322 2.2, obsolete white space
/// before the colon allowed).
fn name(raw: &[u8]) -> Option<(&[u8], usize)> {
    let colon = memchr(b':', raw)?;
    let name = raw.get(..colon)?;
    let end = name.iter().rposition(|b| !matches!(b, b' ' | b'\t'))? + 1;
    let name = name.get(..end)?;
    name.iter()
        .all(|b| b.is_ascii_graphic())
        .then_some((name, colon))
}

fn is_mbox_from(line: &[u8]) -> bool {
    line.strip_prefix(b">")
        .unwrap_or(line)
        .starts_with(b"From ")
}

/// The first CR that no LF follows.
fn bare_cr(raw: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\r', raw).find(|cr| raw.get(cr + 1) != Some(&b'\n'))
}

//! The header of an entity, however its bytes were cut: where each field ends, and
//! where the header does.

use memchr::memchr;

use super::engine::{Engine, Sink, State, Step, What, take};
use super::event::{FieldAt, Parent};
use super::field::{field_at, is_mbox_from, name};
use super::mark::Mark;
use super::mode::Mode;
use super::name::{Known, NameTag};
use super::open::{DECISIVE, Line, Suspect};
use super::separator::Over;
use crate::DefectKind;
use crate::scan::has_bare_ends;

/// A header that is being read.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) start: Mark,
    /// Where the field in hand begins.
    pub(super) field: Mark,
    /// Its front is in `carry`, and nobody looked at it.
    pub(super) waits: bool,
    /// How much of it was taken; what is kept of it is in `carry`.
    taken: usize,
    /// Its first line is complete.
    pub(super) first_line_over: bool,
    /// The byte taken last.
    last: u8,
    /// It ends a line: the next one says whether the field goes on.
    pub(super) after_line: bool,
    /// What its first line looks like.
    pub(super) suspect: Option<Suspect>,
    pub(super) fields: u32,
    /// A byte order mark may be here.
    may_have_mark: bool,
    /// No field came yet.
    pub(super) fresh: bool,
    /// Without a Content-Type it is a message (RFC 2046 5.1.5).
    pub(super) default_message: bool,
    pub(super) body: Option<Body>,
    /// Where a Content-Transfer-Encoding is that a composite body must not have.
    pub(super) encoded_at: Option<u64>,
    /// Fields of which the next is to be noted, by bit: single ones that came, and those that
    /// say how a body is read.
    pub(super) noted: u32,
    /// Those of the latter that did not come yet.
    pub(super) of_body: u32,
}

/// What a body is by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Its boundary is the one that is [proposed](super::open::Stack::propose).
    Multipart {
        digest: bool,
    },
    Message,
    Other,
}

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Head {
    #[inline]
    pub(super) fn begin(&mut self, start: Mark, parent: Parent, default_message: bool, raw: bool) {
        self.start = start;
        self.next_field(start);
        self.fields = 0;
        self.may_have_mark = parent != Parent::Multipart;
        self.fresh = true;
        self.default_message = default_message;
        self.body = None;
        self.encoded_at = None;
        self.of_body = if raw { 0 } else { Known::OF_BODY };
        self.noted = self.of_body;
    }

    #[inline]
    fn next_field(&mut self, mark: Mark) {
        self.field = mark;
        self.taken = 0;
        self.first_line_over = false;
        self.after_line = false;
        self.suspect = None;
    }
}

/// An empty line whose start was held: the line, and how much of it is in the input. With
/// one CR too many it is one too (what was CRLF, and was written as text): to others it is a
/// line of the header, and the body is one as well.
fn held_separator(held: &[u8], input: &[u8], exact: bool) -> Option<(&'static [u8], usize)> {
    match (held, input) {
        (b"\r", [b'\n', ..]) => Some((b"\r\n", 1)),
        (b"\r", [b'\r', b'\n', ..]) if !exact => Some((b"\r\r\n", 2)),
        (b"\r\r", [b'\n', ..]) if !exact => Some((b"\r\r\n", 1)),
        _ => None,
    }
}

impl Engine {
    /// In a header.
    #[inline]
    pub(super) fn head<'i, S: Sink<'i>>(&mut self, input: &mut &'i [u8], sink: &mut S) -> Step {
        if self.head.may_have_mark
            && let Some(step) = self.byte_order_mark(input, sink)
        {
            return step;
        }
        if self.head.waits {
            if let Some(step) = self.waiting_field(input, sink) {
                return step;
            }
        } else if self.head.taken == 0 {
            if let Some(step) = self.whole_fields(input, sink) {
                return step;
            }
            if self.wait_for_field(input) {
                return Step::NeedInput;
            }
        }
        let room = self.head_room();
        let window = input.get(..room).unwrap_or(input);
        let at_limit = window.len() == room;
        let at_end = self.finished && window.len() == input.len();
        let exact = self.mode == Mode::Exact;
        if self.head.taken == 0 {
            match window {
                [b'\n', ..] if !exact => return self.separator(1, input, sink),
                [b'\r', b'\n', ..] => return self.separator(2, input, sink),
                [b'\r', b'\r', b'\n', ..] if !exact => {
                    sink.defect(DefectKind::BareCrInHeader, self.mark.offset);
                    return self.separator(3, input, sink);
                }
                [b'\r', b'\r'] if !exact && !at_limit && !at_end => {
                    self.hold(take(input, 2));
                    return Step::NeedInput;
                }
                [b'\r'] if !at_limit && !at_end => {
                    self.hold(take(input, 1));
                    return Step::NeedInput;
                }
                [] if at_limit => {
                    return self.end_header(Over::Limit(DefectKind::HeaderTooLong), sink);
                }
                [] if at_end => return self.end_header(Over::Separator, sink),
                [] => return Step::NeedInput,
                _ if self.head.fields >= self.limits.fields => {
                    return self.end_header(Over::Limit(DefectKind::TooManyFields), sink);
                }
                _ => {}
            }
        } else if let Some((line, length)) = held_separator(&self.carry, window, exact) {
            self.carry.clear();
            self.mark = self.head.field;
            // The CR is no longer in the input; all bytes are passed here.
            take(input, length);
            let header_end = self.mark.offset;
            if line.len() > 2 {
                sink.defect(DefectKind::BareCrInHeader, header_end);
            }
            self.pass(line);
            return self.end_header_at(header_end, Over::Separator, sink);
        } else if window.is_empty() && !at_limit && !at_end {
            return Step::NeedInput;
        } else if self.carry == b"\r" && window == b"\r" && !exact && !at_limit && !at_end {
            self.hold(take(input, 1));
            return Step::NeedInput;
        } else if self.head.fields >= self.limits.fields {
            // A lone CR was held, and no field may begin any more.
            return self.cut(Over::Limit(DefectKind::TooManyFields), sink);
        }
        let mut length = 0;
        let complete = loop {
            if self.head.after_line {
                match window.get(length) {
                    None => break false,
                    Some(b' ' | b'\t') => self.head.after_line = false,
                    Some(_) => break true,
                }
            }
            let Some(end) = self.line_end(window, length, exact) else {
                length = window.len();
                break false;
            };
            length = end;
            self.head.after_line = true;
            if !self.head.first_line_over {
                self.head.first_line_over = true;
                if let Some(step) = self.first_line(length, input, sink) {
                    return step;
                }
            }
        };
        if complete || at_limit || at_end {
            return self.field(length, input, sink);
        }
        let limit = self.limits.field_limit();
        if !self.head.first_line_over
            && self.head.taken <= limit
            && self.head.taken + length > limit
            && let Some(step) = self.first_line(length, input, sink)
        {
            return step;
        }
        self.hold(take(input, length));
        Step::NeedInput
    }

    /// How many bytes the header may still have.
    #[inline]
    pub(super) fn head_room(&self) -> usize {
        let used = self.mark.offset - self.head.start.offset;
        let room = self.limits.header_bytes.saturating_sub(used);
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Behind the first line end in `window` from `from` on.
    fn line_end(&self, window: &[u8], from: usize, exact: bool) -> Option<usize> {
        let mut from = from;
        loop {
            let lf = from + memchr(b'\n', window.get(from..)?)?;
            let before = lf.checked_sub(1).and_then(|n| window.get(n));
            if !exact || *before.unwrap_or(&self.head.last) == b'\r' {
                return Some(lf + 1);
            }
            from = lf + 1;
        }
    }

    /// Before the first field of a message: a byte order mark is a line without a name.
    fn byte_order_mark<'i, S: Sink<'i>>(
        &mut self,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Option<Step> {
        while self.carry.len() < BYTE_ORDER_MARK.len() && self.mode != Mode::Exact {
            match input.first() {
                None if !self.finished => return Some(Step::NeedInput),
                Some(byte) if Some(byte) == BYTE_ORDER_MARK.get(self.carry.len()) => {
                    self.hold(take(input, 1));
                }
                _ => break,
            }
        }
        self.head.may_have_mark = false;
        if self.carry != BYTE_ORDER_MARK {
            return None;
        }
        self.head.fields += 1;
        let offset = self.head.field.offset;
        self.head.next_field(self.mark);
        let at = FieldAt {
            offset,
            length: BYTE_ORDER_MARK.len() as u32,
            ..FieldAt::default()
        };
        self.give_held(
            BYTE_ORDER_MARK.len(),
            What::Field(at, NameTag::default(), false),
            sink,
        );
        sink.defect(DefectKind::ByteOrderMark, offset);
        Some(Step::Again)
    }

    /// The first line of a field: `length` bytes of it are in the input, behind
    /// what is held. It may be a delimiter, or show that there is no header: then the
    /// body begins with it, and finds the delimiter.
    fn first_line<'i, S: Sink<'i>>(
        &mut self,
        length: usize,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Option<Step> {
        let held = self.head.taken > 0;
        let first = if held {
            self.carry.first()
        } else {
            input.first()
        };
        let may_be_delimiter = first == Some(&b'-') && self.stack.has_boundaries();
        if self.mode == Mode::Exact || (!may_be_delimiter && !self.head.fresh) {
            return None;
        }
        let limit = self.limits.field_limit();
        let fits = length.min(limit.saturating_sub(self.head.taken));
        let head = input.get(..fits).unwrap_or(input);
        if held {
            self.carry.extend_from_slice(head);
        }
        let line = if held { &self.carry[..] } else { head };
        let at_end = self.finished && length == input.len();
        let settled = line.ends_with(b"\n") || at_end || line.len() >= DECISIVE;
        let found = match may_be_delimiter && settled {
            true => self
                .stack
                .classify(line.strip_suffix(b"\n").unwrap_or(line)),
            false => Line::Body,
        };
        // A line of white space before the first field is none either, but it is there.
        let no_header = self.head.fresh
            && memchr(b':', line).is_none()
            && !is_mbox_from(line)
            && !(matches!(line, [b' ' | b'\t', ..]) && line.trim_ascii().is_empty());
        if !matches!(found, Line::Delimiter(_)) && !no_header {
            if held {
                // It goes on as if it had not been looked at.
                self.carry.truncate(self.head.taken);
            }
            if let Line::Suspect(suspect) = found {
                self.head.suspect = Some(suspect);
            }
            return None;
        }
        if held {
            take(input, fits);
        }
        Some(self.cut(Over::Cut, sink))
    }

    /// What is in hand of a header is the start of a body instead.
    fn cut<'i, S: Sink<'i>>(&mut self, over: Over, sink: &mut S) -> Step {
        self.mark = self.head.field;
        self.end_header(over, sink);
        // The header of a message within, which a digest may have, is no header either.
        while self.state == State::Head {
            self.end_header(Over::Cut, sink);
        }
        Step::Again
    }

    /// The field in hand ends with the next `length` bytes of the input.
    fn field<'i, S: Sink<'i>>(
        &mut self,
        length: usize,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Step {
        if !self.head.first_line_over {
            self.head.first_line_over = true;
            if let Some(step) = self.first_line(length, input, sink) {
                return step;
            }
        }
        let total = self.head.taken + length;
        let (offset, folds) = (self.head.field.offset, self.mode == Mode::Exact);
        let seen = |raw: &[u8]| {
            let named = name(raw, folds);
            let tag = named.map_or_else(NameTag::default, |n| NameTag::within(raw, n.length));
            (field_at(offset, total, named), tag)
        };
        if self.head.taken > 0 {
            self.hold(take(input, length));
            let (at, tag) = seen(&self.carry);
            let is_bare = folds && has_bare_ends(&self.carry);
            self.give_held(self.carry.len(), What::Field(at, tag, is_bare), sink);
            let carry = core::mem::take(&mut self.carry);
            self.note_field(&carry, total, &at, tag.known, sink);
            self.carry = carry;
        } else {
            let raw = take(input, length);
            self.pass(raw);
            let shown = raw.get(..self.limits.field_limit()).unwrap_or(raw);
            let (at, tag) = seen(shown);
            let is_bare = folds && has_bare_ends(shown);
            sink.show(What::Field(at, tag, is_bare), shown);
            self.note_field(shown, total, &at, tag.known, sink);
        }
        self.head.next_field(self.mark);
        Step::Again
    }

    fn hold(&mut self, bytes: &[u8]) {
        let fits = self.limits.field_limit().saturating_sub(self.carry.len());
        self.carry
            .extend_from_slice(bytes.get(..fits).unwrap_or(bytes));
        self.note_held(bytes);
    }

    /// These, which are in `carry`, are taken of the field.
    pub(super) fn note_held(&mut self, bytes: &[u8]) {
        self.head.taken += bytes.len();
        if let Some(last) = bytes.last() {
            self.head.last = *last;
        }
        self.pass(bytes);
    }
}

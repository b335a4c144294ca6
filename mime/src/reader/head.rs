//! The header of an entity: fields, and what they say about the body.

use alloc::vec::Vec;

use memchr::memchr;

use super::event::{BodyStart, Content, Event, FieldAt, Parent};
use super::mark::Mark;
use super::mode::Mode;
use super::name::Known;
use super::open::{BOUNDARY, DECISIVE, Line, Suspect};
use super::{Reader, State, Step, What, take};
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
    /// The byte taken last.
    last: u8,
    /// It ends a line: the next one says whether the field goes on.
    after_line: bool,
    /// What its first line looks like.
    suspect: Option<Suspect>,
    fields: u32,
    /// A byte order mark may be here.
    may_have_mark: bool,
    /// No field came yet.
    fresh: bool,
    /// Without a Content-Type it is a message (RFC 2046 5.1.5).
    default_message: bool,
    body: Option<Body>,
    /// The boundary, if that is a multipart.
    boundary: Vec<u8>,
    /// Where a Content-Transfer-Encoding is that a composite body must not have.
    encoded_at: Option<u64>,
    /// Single fields that came, by bit.
    seen: u32,
    /// How far bytes were looked at, and whether there was nothing odd from the field
    /// where that began.
    looked_to: u64,
    all_plain: bool,
}

/// What a body is by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Multipart { digest: bool },
    Message,
    Other,
}

/// Why a header is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// An empty line, or the end of input.
    Separator,
    /// The body begins although no empty line came.
    Cut,
    /// A limit.
    Limit(DefectKind),
}

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Head {
    pub(super) fn begin(&mut self, start: Mark, parent: Parent, default_message: bool) {
        self.start = start;
        self.next_field(start);
        self.fields = 0;
        self.may_have_mark = parent != Parent::Multipart;
        self.fresh = true;
        self.default_message = default_message;
        self.body = None;
        self.boundary.clear();
        self.encoded_at = None;
        self.seen = 0;
    }

    fn next_field(&mut self, mark: Mark) {
        self.field = mark;
        self.taken = 0;
        self.first_line_over = false;
        self.after_line = false;
        self.suspect = None;
    }
}

impl Reader {
    /// In a header.
    pub(super) fn head(&mut self, input: &mut &[u8]) -> Step {
        if self.head.may_have_mark
            && let Some(step) = self.byte_order_mark(input)
        {
            return step;
        }
        if self.head.taken == 0
            && let Some(step) = self.whole_field(input)
        {
            return step;
        }
        let used = self.mark.offset - self.head.start.offset;
        let room = self.limits.header_bytes.saturating_sub(used);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let window = input.get(..room).unwrap_or(input);
        let at_limit = window.len() == room;
        let at_end = self.finished && window.len() == input.len();
        let exact = self.mode == Mode::Exact;
        if self.head.taken == 0 {
            match window {
                [b'\n', ..] if !exact => return self.separator(1, input),
                [b'\r', b'\n', ..] => return self.separator(2, input),
                [b'\r'] if !at_limit && !at_end => {
                    self.hold(take(input, 1));
                    return Step::NeedInput;
                }
                [] if at_limit => return self.end_header(Over::Limit(DefectKind::HeaderTooLong)),
                [] if at_end => return self.end_header(Over::Separator),
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
            return self.end_header_at(header_end, Over::Separator);
        } else if self.head.fields >= self.limits.fields {
            // A lone CR was held, and no field may begin any more.
            return self.cut(Over::Limit(DefectKind::TooManyFields));
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
                if let Some(step) = self.first_line(length, input) {
                    return step;
                }
            }
        };
        if complete || at_limit || at_end {
            return self.field(length, input);
        }
        let limit = self.limits.field_limit();
        if !self.head.first_line_over
            && self.head.taken <= limit
            && self.head.taken + length > limit
            && let Some(step) = self.first_line(length, input)
        {
            return step;
        }
        self.hold(take(input, length));
        Step::NeedInput
    }

    /// What most fields are: whole in the input, with a name, within all limits.
    fn whole_field(&mut self, input: &[u8]) -> Option<Step> {
        let named = name(input, false)?;
        if input.first() == Some(&b'-') || self.mode == Mode::Exact {
            return None;
        }
        let (mut length, mut lines, mut bare) = (named.colon, 0, 0);
        loop {
            length += memchr(b'\n', input.get(length..)?)? + 1;
            lines += 1;
            bare += u64::from(input.get(length.wrapping_sub(2)) != Some(&b'\r'));
            if !matches!(input.get(length)?, b' ' | b'\t') {
                break;
            }
        }
        let used = self.mark.offset - self.head.start.offset + length as u64;
        if length > self.limits.field_limit()
            || used >= self.limits.header_bytes
            || self.head.fields >= self.limits.fields
        {
            return None;
        }
        let raw = input.get(..length)?;
        let is_odd = self.is_odd(raw, input);
        self.pass_lines(raw, lines, bare);
        let what = self.note_field(raw, length, Some(named), is_odd);
        self.head.field = self.mark;
        Some(Step::Input {
            show: length,
            consume: length,
            what,
        })
    }

    /// Whether a field has odd bytes, with which the input begins. Most have none, so
    /// that many are looked at in one go.
    fn is_odd(&mut self, raw: &[u8], input: &[u8]) -> bool {
        const MANY: usize = 1 << 10;
        let end = self.mark.offset + raw.len() as u64;
        if end > self.head.looked_to {
            let many = input.get(..MANY.max(raw.len())).unwrap_or(input);
            self.head.looked_to = self.mark.offset + many.len() as u64;
            self.head.all_plain = !is_odd(many);
        }
        !self.head.all_plain && is_odd(raw)
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
    fn byte_order_mark(&mut self, input: &mut &[u8]) -> Option<Step> {
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
        self.defect(DefectKind::ByteOrderMark, offset);
        self.head.next_field(self.mark);
        let at = FieldAt {
            offset,
            length: BYTE_ORDER_MARK.len() as u32,
            ..FieldAt::default()
        };
        Some(Step::Carry(BYTE_ORDER_MARK.len(), What::Field(at, None)))
    }

    /// The first line of a field: `length` bytes of it are in the input, behind
    /// what is held. It may be a delimiter, or show that there is no header: then the
    /// body begins with it, and finds the delimiter.
    fn first_line(&mut self, length: usize, input: &mut &[u8]) -> Option<Step> {
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
        Some(self.cut(Over::Cut))
    }

    /// What is in hand of a header is the start of a body instead.
    fn cut(&mut self, over: Over) -> Step {
        self.mark = self.head.field;
        self.end_header(over);
        // The header of a message within, which a digest may have, is no header either.
        while self.state == State::Head {
            self.end_header(Over::Cut);
        }
        Step::Again
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
        if self.head.taken > 0 {
            self.hold(take(input, length));
            let carry = core::mem::take(&mut self.carry);
            let named = name(&carry, self.mode == Mode::Exact);
            let what = self.note_field(&carry, total, named, is_odd(&carry));
            self.carry = carry;
            self.head.next_field(self.mark);
            return Step::Carry(self.carry.len(), what);
        }
        let raw = input.get(..length).unwrap_or(input);
        self.pass(raw);
        let shown = raw.get(..limit).unwrap_or(raw);
        let named = name(shown, self.mode == Mode::Exact);
        let what = self.note_field(shown, total, named, is_odd(shown));
        self.head.next_field(self.mark);
        Step::Input {
            show: shown.len(),
            consume: length,
            what,
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        let fits = self.limits.field_limit().saturating_sub(self.carry.len());
        self.carry
            .extend_from_slice(bytes.get(..fits).unwrap_or(bytes));
        self.head.taken += bytes.len();
        if let Some(last) = bytes.last() {
            self.head.last = *last;
        }
        self.pass(bytes);
    }

    /// Remembers what a field says about the body.
    fn note_field(&mut self, raw: &[u8], total: usize, named: Option<Named>, is_odd: bool) -> What {
        self.head.fields += 1;
        let offset = self.head.field.offset;
        if let Some(suspect) = self.head.suspect.take() {
            self.suspect(suspect, offset);
        }
        let mut at = FieldAt {
            offset,
            length: u32::try_from(total).unwrap_or(u32::MAX),
            ..FieldAt::default()
        };
        if total > self.limits.field_limit() {
            self.defect(DefectKind::FieldTooLong, offset);
        }
        let Some(Named { length, colon }) = named else {
            let kind = match is_mbox_from(raw) && self.head.fresh {
                true => DefectKind::MboxFrom,
                false => DefectKind::NotAField,
            };
            self.defect(kind, offset);
            return What::Field(at, None);
        };
        self.head.fresh = false;
        at.name_length = length as u32;
        at.value_start = colon as u32 + 1;
        if length < colon {
            self.defect(DefectKind::SpaceBeforeColon, offset + length as u64);
        }
        if is_odd {
            self.odd_bytes(raw, offset);
        }
        let known = Known::of(raw.get(..length).unwrap_or_default());
        if let Some(known) = known
            && known.is_single()
        {
            match self.head.seen & known.bit() != 0 {
                true => self.defect(DefectKind::DuplicateField, offset),
                false => self.note_known(known, raw.get(colon + 1..).unwrap_or_default(), &at),
            }
            self.head.seen |= known.bit();
        }
        What::Field(at, known)
    }

    /// Remembers what the first field of its name says about the body.
    fn note_known(&mut self, known: Known, value: &[u8], at: &FieldAt) {
        match known {
            _ if self.mode.is_raw() => {}
            Known::ContentType => {
                let (body_type, defects) = content::body_type(value, self.limits.parameters);
                for kind in defects {
                    self.defect(kind, at.offset + u64::from(at.value_start));
                }
                self.head.body = body_type.map(|t| match t {
                    BodyType::Multipart { boundary, digest } => {
                        self.head.boundary.extend_from_slice(&boundary);
                        Body::Multipart { digest }
                    }
                    BodyType::Message => Body::Message,
                    BodyType::Other => Body::Other,
                });
            }
            Known::ContentTransferEncoding if !is_identity(value) => {
                self.head.encoded_at = Some(at.offset);
            }
            _ => {}
        }
    }

    /// Says what is odd of the bytes of a field.
    fn odd_bytes(&mut self, raw: &[u8], offset: u64) {
        if let Some(nul) = memchr(0, raw) {
            self.defect(DefectKind::NulInHeader, offset + nul as u64);
        }
        if let Some(cr) = bare_cr(raw) {
            self.defect(DefectKind::BareCrInHeader, offset + cr as u64);
        }
        if let Err(error) = core::str::from_utf8(raw) {
            let bad = offset + error.valid_up_to() as u64;
            self.defect(DefectKind::NotUtf8InHeader, bad);
        }
    }

    fn separator(&mut self, length: usize, input: &mut &[u8]) -> Step {
        let header_end = self.mark.offset;
        self.pass(take(input, length));
        self.end_header_at(header_end, Over::Separator)
    }

    fn end_header(&mut self, over: Over) -> Step {
        self.end_header_at(self.mark.offset, over)
    }

    fn end_header_at(&mut self, header_end: u64, over: Over) -> Step {
        let offset = self.mark.offset;
        let limit = match over {
            Over::Limit(kind) => Some((kind, header_end)),
            Over::Cut => {
                self.defect(DefectKind::MissingSeparator, header_end);
                None
            }
            Over::Separator => None,
        };
        let body = self
            .head
            .body
            .take()
            .unwrap_or(match self.head.default_message {
                true => Body::Message,
                false => Body::Other,
            });
        let body = if self.mode.is_raw() {
            Body::Other
        } else {
            body
        };
        let refused = limit.or_else(|| Some((self.refuse(body)?, offset)));
        if let Some((kind, offset)) = refused {
            self.defect(kind, offset);
        }
        let content = match body {
            _ if refused.is_some() => Content::Leaf,
            Body::Multipart { .. } => Content::Multipart,
            Body::Message if self.mode == Mode::Flat => Content::Leaf,
            Body::Message => Content::Message,
            Body::Other => Content::Leaf,
        };
        let at = core::mem::take(&mut self.head.encoded_at);
        match (content, body) {
            (Content::Multipart, Body::Multipart { digest }) => {
                if let Some(at) = at {
                    self.defect(DefectKind::EncodedMultipart, at);
                }
                if self.stack.has_boundary(&self.head.boundary) {
                    self.defect(DefectKind::SharedBoundary, offset);
                }
                let boundary = &self.head.boundary;
                self.stack.push_multipart(self.mark, boundary, digest);
            }
            _ => self.stack.push(self.mark),
        }
        self.queue(Event::BodyStart(BodyStart {
            header_end,
            offset,
            content,
            opaque: refused.is_some(),
        }));
        self.at_line = true;
        self.state = match self.stack.has_boundaries() {
            true => State::Body,
            false => State::Rest,
        };
        if content == Content::Message {
            self.start_part(Parent::Message, false);
        }
        Step::Again
    }

    /// Why the body is not taken apart although its type says so.
    fn refuse(&self, body: Body) -> Option<DefectKind> {
        let deep = self.stack.len() >= self.limits.depth_limit();
        match body {
            Body::Other => None,
            Body::Message if self.mode == Mode::Flat => None,
            _ if deep => Some(DefectKind::TooDeep),
            Body::Multipart { .. } => match self.head.boundary.len() {
                0 => Some(DefectKind::MissingBoundary),
                n => (n > BOUNDARY).then_some(DefectKind::BadBoundary),
            },
            Body::Message if self.head.encoded_at.is_some() => Some(DefectKind::EncodedMessage),
            Body::Message => (self.parts >= self.limits.parts).then_some(DefectKind::TooManyParts),
        }
    }
}

/// Where the name of a field ends, and where its colon is.
#[derive(Clone, Copy)]
struct Named {
    length: usize,
    colon: usize,
}

/// The name in front of `raw` (RFC 5322 2.2, obsolete white space before the colon
/// allowed; with folds in it if so wanted).
fn name(raw: &[u8], folds: bool) -> Option<Named> {
    let length = name_length(raw)?;
    let mut colon = length;
    while raw.get(colon)? != &b':' {
        match raw.get(colon)? {
            b' ' | b'\t' => {}
            b'\r' | b'\n' if folds => {}
            _ => return None,
        }
        colon += 1;
    }
    (length > 0).then_some(Named { length, colon })
}

/// How many bytes in front of `raw` may be of a name: visible ones but the colon;
/// `None` if all. Eight at a time: the lowest bit that is set is that of a byte that
/// stops, though higher ones may be wrong.
fn name_length(raw: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word & HIGH;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = raw.as_chunks();
    for (n, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let stops = below(word, b'!') | equal(word, b':') | equal(word, 0x7f) | (word & HIGH);
        if stops != 0 {
            return Some(n * 8 + stops.trailing_zeros() as usize / 8);
        }
    }
    let length = rest
        .iter()
        .position(|b| !b.is_ascii_graphic() || *b == b':')?;
    Some(words.len() * 8 + length)
}

/// Whether a Content-Transfer-Encoding leaves the body as it is.
fn is_identity(value: &[u8]) -> bool {
    let is = |name: &[u8]| value.trim_ascii().eq_ignore_ascii_case(name);
    is(b"7bit") || is(b"8bit") || TransferEncoding::parse(value).is_identity()
}

fn is_mbox_from(line: &[u8]) -> bool {
    line.strip_prefix(b">")
        .unwrap_or(line)
        .starts_with(b"From ")
}

/// Whether there is NUL, a byte above 127 or a CR that no LF follows: in one pass
/// over blocks, which the compiler makes vectors of. The last block lies over the one
/// before it.
fn is_odd(raw: &[u8]) -> bool {
    const BLOCK: usize = 32;
    let Some((last, before)) = raw.split_last() else {
        return false;
    };
    let behind = raw.get(1..).unwrap_or_default();
    let mut found = [0; BLOCK];
    match (before.last_chunk::<BLOCK>(), behind.last_chunk::<BLOCK>()) {
        (Some(last), Some(last_behind)) => {
            let blocks = before.as_chunks::<BLOCK>().0.iter().chain([last]);
            let behind = behind.as_chunks::<BLOCK>().0.iter();
            for (a, b) in blocks.zip(behind.chain([last_behind])) {
                for n in 0..BLOCK {
                    found[n] |= odd(a[n], b[n]);
                }
            }
        }
        _ => {
            let pairs = before.iter().zip(behind);
            found[0] = pairs.fold(0, |all, (a, b)| all | odd(*a, *b));
        }
    }
    odd(*last, 0) != 0 || found != [0; BLOCK]
}

/// Not 0 for a byte, before another one, that is odd: as a signed number NUL and what
/// is above 127 are below 1.
#[inline(always)]
fn odd(byte: u8, next: u8) -> u8 {
    u8::from((byte as i8) < 1) | u8::from((byte == b'\r') & (next != b'\n'))
}

/// The first CR that no LF follows.
fn bare_cr(raw: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\r', raw).find(|cr| raw.get(cr + 1) != Some(&b'\n'))
}

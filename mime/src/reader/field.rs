//! A field of a header: most are whole in the input, and read here in one go; what
//! they say about the body is noted of all.

use memchr::memchr;

use super::engine::{Engine, Sink, What, take};
use super::event::FieldAt;
use super::head::Body;
use super::mode::Mode;
use super::name::Known;
use crate::DefectKind;
use crate::scan::{LineEnd, Lines, name_length};
use crate::value::content::{self, BodyType};
use crate::value::encoding::TransferEncoding;

impl Engine {
    /// What most fields are: whole in the input, with a name, within all limits. Takes
    /// as many as there are of these, or one for a sink that wants no more in a step.
    #[inline(never)]
    pub(super) fn whole_fields<'i, S: Sink<'i>>(
        &mut self,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> bool {
        if self.mode == Mode::Exact {
            return false;
        }
        let used = self.mark.offset - self.head.start.offset;
        let room = self.limits.header_bytes.saturating_sub(used);
        // A field is over when the byte behind it is there, and within the limit.
        let bytes = match usize::try_from(room) {
            Ok(room) => input.get(..room).unwrap_or(input),
            Err(_) => input,
        };
        let limit = self.limits.field_limit();
        let offset = self.mark.offset;
        let mut lines = Lines::new(bytes);
        let (mut start, mut passed) = (0, Passed::default());
        while let Some(rest) = bytes.get(start..)
            && rest.first() != Some(&b'-')
            && let Some(named) = name(rest, false)
            && self.head.fields < self.limits.fields
            && let Some((end, with)) = field_end(&mut lines, bytes, passed)
            && end - start <= limit
        {
            let raw = bytes.get(start..end).unwrap_or_default();
            let at = field_at(offset + start as u64, raw.len(), Some(named));
            let known = Known::of(rest, named.length);
            sink.show(What::Field(at, known), raw);
            self.head.fields += 1;
            self.note_named(raw, &at, known, lines.take_odd(), sink);
            (start, passed) = (end, with);
            if !S::IS_EAGER {
                break;
            }
        }
        if start == 0 {
            return false;
        }
        self.head.fresh = false;
        self.pass_lines(take(input, start), passed.lines, passed.bare);
        self.head.field = self.mark;
        true
    }

    /// Notes the field in hand, of `total` bytes, of which `raw` are kept; it was shown
    /// as `at`.
    pub(super) fn note_field<'i, S: Sink<'i>>(
        &mut self,
        raw: &[u8],
        total: usize,
        at: &FieldAt,
        known: Option<Known>,
        sink: &mut S,
    ) {
        self.head.fields += 1;
        if let Some(suspect) = self.head.suspect.take() {
            super::engine::suspect(suspect, at.offset, sink);
        }
        if total > self.limits.field_limit() {
            sink.defect(DefectKind::FieldTooLong, at.offset);
        }
        if at.value_start > 0 {
            // Who wants them exact takes them as they are.
            self.note_named(raw, at, known, self.mode != Mode::Exact, sink);
            self.head.fresh = false;
            return;
        }
        let kind = match is_mbox_from(raw) && self.head.fresh {
            true => DefectKind::MboxFrom,
            false => DefectKind::NotAField,
        };
        sink.defect(kind, at.offset);
    }

    /// The same of one that has a name; `may_be_odd`: its bytes are to be looked at. What
    /// is seldom so is left to others: this is done for every field.
    #[inline(always)]
    fn note_named<'i, S: Sink<'i>>(
        &mut self,
        raw: &[u8],
        at: &FieldAt,
        known: Option<Known>,
        may_be_odd: bool,
        sink: &mut S,
    ) {
        if at.name_length + 1 != at.value_start {
            let space = at.offset + u64::from(at.name_length);
            sink.defect(DefectKind::SpaceBeforeColon, space);
        }
        if may_be_odd {
            odd_bytes(raw, at.offset, sink);
        }
        if let Some(known) = known
            && known.is_single()
        {
            if self.head.seen & known.bit() != 0 {
                sink.defect(DefectKind::DuplicateField, at.offset);
            } else if known.is_of_body() && !self.mode.is_raw() {
                self.note_known(known, raw, at, sink);
            }
            self.head.seen |= known.bit();
        }
    }

    /// Remembers what the first field of its name says about the body.
    fn note_known<'i, S: Sink<'i>>(
        &mut self,
        known: Known,
        raw: &[u8],
        at: &FieldAt,
        sink: &mut S,
    ) {
        let value = raw.get(at.value_start as usize..).unwrap_or_default();
        match known {
            Known::ContentType => {
                if content::is_plainly_a_leaf(value) {
                    self.head.body = Some(Body::Other);
                    return;
                }
                let (body_type, defects) = content::body_type(value, self.limits.parameters);
                for kind in defects {
                    sink.defect(kind, at.offset + u64::from(at.value_start));
                }
                self.head.body = body_type.map(|t| match t {
                    BodyType::Multipart { boundary, digest } => {
                        self.stack.propose(&boundary);
                        Body::Multipart { digest }
                    }
                    BodyType::Message => Body::Message,
                    BodyType::Other => Body::Other,
                });
            }
            Known::ContentTransferEncoding if !TransferEncoding::parse(value).is_identity() => {
                self.head.encoded_at = Some(at.offset);
            }
            _ => {}
        }
    }
}

/// Line ends that were passed.
#[derive(Clone, Copy, Default)]
struct Passed {
    lines: u64,
    /// Those that are a bare LF.
    bare: u64,
}

/// Where the field ends whose lines come next, and what is `passed` then; `None` when it
/// may go on behind `bytes`.
#[inline(always)]
fn field_end(lines: &mut Lines<'_>, bytes: &[u8], passed: Passed) -> Option<(usize, Passed)> {
    let mut passed = passed;
    loop {
        let LineEnd { lf, is_bare } = lines.next()?;
        passed.lines += 1;
        passed.bare += u64::from(is_bare);
        if !matches!(bytes.get(lf + 1)?, b' ' | b'\t') {
            return Some((lf + 1, passed));
        }
    }
}

/// Says what is odd of the bytes of a field.
#[cold]
fn odd_bytes<'i, S: Sink<'i>>(raw: &[u8], offset: u64, sink: &mut S) {
    if let Some(nul) = memchr(0, raw) {
        sink.defect(DefectKind::NulInHeader, offset + nul as u64);
    }
    let mut cr = memchr::memchr_iter(b'\r', raw);
    if let Some(cr) = cr.find(|cr| raw.get(cr + 1) != Some(&b'\n')) {
        sink.defect(DefectKind::BareCrInHeader, offset + cr as u64);
    }
    if let Err(error) = core::str::from_utf8(raw) {
        let bad = offset + error.valid_up_to() as u64;
        sink.defect(DefectKind::NotUtf8InHeader, bad);
    }
}

/// Where the name of a field ends, and where its colon is.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub(super) length: usize,
    colon: usize,
}

/// The name in front of `raw` (RFC 5322 2.2, obsolete white space before the colon
/// allowed; with folds in it if so wanted).
#[inline]
pub(super) fn name(raw: &[u8], folds: bool) -> Option<Named> {
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

/// A field of `length` bytes.
#[inline]
pub(super) fn field_at(offset: u64, length: usize, named: Option<Named>) -> FieldAt {
    FieldAt {
        offset,
        length: u32::try_from(length).unwrap_or(u32::MAX),
        name_length: named.map_or(0, |n| n.length as u32),
        value_start: named.map_or(0, |n| n.colon as u32 + 1),
    }
}

pub(super) fn is_mbox_from(line: &[u8]) -> bool {
    line.strip_prefix(b">")
        .unwrap_or(line)
        .starts_with(b"From ")
}

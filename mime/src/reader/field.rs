//! A field of a header: what is wrong with it, and what it says about the body.

use memchr::memchr;

use super::engine::{Engine, Sink};
use super::event::FieldAt;
use super::head::Body;
use super::mode::Mode;
use super::name::Known;
use crate::DefectKind;
use crate::scan::name_length;
use crate::value::content::{self, BodyType};
use crate::value::encoding::TransferEncoding;

impl Engine {
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
        if let Some(colon) = at.value_start.checked_sub(1) {
            let named = Named {
                length: at.name_length as usize,
                colon: colon as usize,
            };
            // Who wants them exact takes them as they are.
            let may_be_odd = self.mode != Mode::Exact;
            self.note_named(raw, at.offset, named, known, may_be_odd, sink);
            self.head.fresh = false;
            return;
        }
        let kind = match is_mbox_from(raw) && self.head.fresh {
            true => DefectKind::MboxFrom,
            false => DefectKind::NotAField,
        };
        sink.defect(kind, at.offset);
    }

    /// The same of one at `offset` that has a name; `may_be_odd`: its bytes are to be looked
    /// at. This is done for every field: of most there is nothing to say.
    #[inline(always)]
    pub(super) fn note_named<'i, S: Sink<'i>>(
        &mut self,
        raw: &[u8],
        offset: u64,
        named: Named,
        known: Option<Known>,
        may_be_odd: bool,
        sink: &mut S,
    ) {
        let bit = Known::bit(known);
        if self.head.noted & bit != 0 || may_be_odd || named.length != named.colon {
            self.note_uncommon(raw, offset, named, known, may_be_odd, sink);
        }
        self.head.noted |= bit & Known::SINGLE;
    }

    #[inline(never)]
    fn note_uncommon<'i, S: Sink<'i>>(
        &mut self,
        raw: &[u8],
        offset: u64,
        named: Named,
        known: Option<Known>,
        may_be_odd: bool,
        sink: &mut S,
    ) {
        if named.length != named.colon {
            sink.defect(DefectKind::SpaceBeforeColon, offset + named.length as u64);
        }
        if may_be_odd {
            odd_bytes(raw, offset, sink);
        }
        let bit = Known::bit(known);
        match known {
            Some(known) if self.head.of_body & bit != 0 => {
                self.head.of_body &= !bit;
                self.note_known(known, raw, offset, named, sink);
            }
            _ if self.head.noted & bit != 0 => sink.defect(DefectKind::DuplicateField, offset),
            _ => {}
        }
    }

    /// Remembers what the first field of its name says about the body.
    fn note_known<'i, S: Sink<'i>>(
        &mut self,
        known: Known,
        raw: &[u8],
        offset: u64,
        named: Named,
        sink: &mut S,
    ) {
        let value_start = named.colon + 1;
        let value = raw.get(value_start..).unwrap_or_default();
        match known {
            Known::ContentType => {
                if content::is_plainly_a_leaf(value) {
                    self.head.body = Some(Body::Other);
                    return;
                }
                let (body_type, defects) = content::body_type(value, self.limits.parameters);
                for kind in defects {
                    sink.defect(kind, offset + value_start as u64);
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
                self.head.encoded_at = Some(offset);
            }
            _ => {}
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
    pub(super) colon: usize,
}

/// The name in front of `raw` (RFC 5322 2.2, obsolete white space before the colon
/// allowed; with folds in it if so wanted).
#[inline(always)]
pub(super) fn name(raw: &[u8], folds: bool) -> Option<Named> {
    let length = name_length(raw)?;
    if length == 0 {
        return None;
    }
    let colon = match raw.get(length)? {
        b':' => length,
        _ => colon_behind(raw, length, folds)?,
    };
    Some(Named { length, colon })
}

/// Where the colon is behind white space that begins at `from`.
#[cold]
fn colon_behind(raw: &[u8], from: usize, folds: bool) -> Option<usize> {
    let is_space = |b: &u8| matches!(b, b' ' | b'\t') || (folds && matches!(b, b'\r' | b'\n'));
    let rest = raw.get(from..)?;
    let space = rest.iter().position(|b| !is_space(b))?;
    (rest.get(space) == Some(&b':')).then_some(from + space)
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

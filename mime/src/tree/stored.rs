//! An index as bytes, to be stored beside its message.

use alloc::vec::Vec;

use thiserror::Error;

use super::index::Index;
use super::record::{LineCount, NONE, PartRecord};
use crate::{Content, Defect, DefectKind, FieldAt, Limits, Parent, Size};

/// Stored bytes that are no index, or one of another version: make it anew from the
/// message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a message index of this version at byte {offset}; index the message again")]
pub struct DamagedIndex {
    /// Where in the stored bytes.
    pub offset: usize,
}

/// Changes when the form does.
const VERSION: u8 = 4;

impl Index {
    /// The index as bytes: some six for a field, some twenty for a part, and the fields
    /// that are kept. The form may change with the version of this crate.
    ///
    /// ```
    /// use scop_mime::{Index, Limits};
    ///
    /// let index = Index::of(b"Subject: hi\r\n\r\nHello\r\n", &Limits::default());
    /// let stored = index.to_bytes();
    /// assert_eq!(Index::from_bytes(&stored), Ok(index));
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.parts.len() * 24 + self.fields.len() * 6);
        out.push(VERSION);
        size(&mut out, &self.size);
        put(&mut out, self.parts.len() as u64);
        let mut fields = self.fields.iter().enumerate();
        let mut last = 0;
        for (number, part) in self.parts.iter().enumerate() {
            let lines = self.lines.get(number).copied().unwrap_or_default();
            let kind = match part.parent_kind {
                Parent::Root => 0,
                Parent::Multipart => 1,
                Parent::Message => 2,
            } | match part.content {
                Content::Leaf => 0,
                Content::Multipart => 4,
                Content::Message => 8,
            } | u8::from(part.opaque) << 4;
            out.push(kind);
            put(&mut out, u64::from(part.parent.wrapping_add(1)));
            put(&mut out, part.offset - last);
            put(&mut out, u64::from(part.fields));
            let mut at = part.offset;
            for (number, field) in fields.by_ref().take(part.fields as usize) {
                put(&mut out, field.offset - at);
                put(&mut out, u64::from(field.length));
                put(&mut out, u64::from(field.name_length));
                put(&mut out, u64::from(field.value_start));
                let kept = self.kept_field(number);
                put(&mut out, kept.len() as u64);
                out.extend_from_slice(kept);
                at = field.offset;
            }
            put(&mut out, part.header_end - part.offset);
            put(&mut out, part.body - part.header_end);
            put(&mut out, part.octets);
            put(&mut out, lines.all);
            put(&mut out, lines.bare);
            last = part.offset;
        }
        put(&mut out, self.defects.len() as u64);
        for defect in &self.defects {
            let kind = DefectKind::ALL.iter().position(|k| *k == defect.kind);
            put(&mut out, kind.unwrap_or(0) as u64);
            put(&mut out, defect.offset);
        }
        put(&mut out, self.more_defects);
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`DamagedIndex`] when the bytes are of another version, cut off or not a tree.
    /// What is allocated is bounded by what is there.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedIndex> {
        let mut input = Input { bytes, pos: 0 };
        input
            .index()
            .filter(|_| input.pos == bytes.len())
            .ok_or(DamagedIndex { offset: input.pos })
    }
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn size(out: &mut Vec<u8>, size: &Size) {
    put(out, size.octets);
    put(out, size.lines);
    put(out, size.crlf_octets.wrapping_sub(size.octets));
}

struct Input<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.pos)?;
        self.pos += 1;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn size(&mut self) -> Option<Size> {
        let (octets, lines) = (self.number()?, self.number()?);
        Some(Size {
            octets,
            lines,
            crlf_octets: octets.checked_add(self.number()?)?,
        })
    }

    fn index(&mut self) -> Option<Index> {
        if self.byte()? != VERSION {
            return None;
        }
        let mut index = Index {
            size: self.size()?,
            ..Index::default()
        };
        let parts = self.small()?;
        let mut depths: Vec<u32> = Vec::new();
        let mut last = 0u64;
        for this in 0..parts {
            let kind = self.byte()?;
            let parent = self.small()?.wrapping_sub(1);
            let offset = last.checked_add(self.number()?)?;
            let count = self.small()?;
            let first_field = u32::try_from(index.fields.len()).ok()?;
            let mut at = offset;
            for _ in 0..count {
                let field = FieldAt {
                    offset: at.checked_add(self.number()?)?,
                    length: self.small()?,
                    name_length: self.small()?,
                    value_start: self.small()?,
                };
                at = field.offset;
                let kept = usize::try_from(self.number()?).ok()?;
                let end = self.pos.checked_add(kept)?;
                let kept = self.bytes.get(self.pos..end)?;
                self.pos = end;
                let start = u32::try_from(index.kept_bytes.len()).ok()?;
                index.kept.push(match kept.len() {
                    0 => (0, 0),
                    length => (start, u32::try_from(length).ok()?),
                });
                index.kept_bytes.extend_from_slice(kept);
                index.fields.push(field);
            }
            let header_end = offset.checked_add(self.number()?)?;
            let body = header_end.checked_add(self.number()?)?;
            let mut part = PartRecord {
                parent,
                content: match kind >> 2 & 3 {
                    0 => Content::Leaf,
                    1 => Content::Multipart,
                    2 => Content::Message,
                    _ => return None,
                },
                opaque: kind & 16 != 0,
                first_field,
                fields: count,
                header_end,
                body,
                octets: self.number()?,
                ..PartRecord::new(
                    match kind & 3 {
                        0 => Parent::Root,
                        1 => Parent::Multipart,
                        2 => Parent::Message,
                        _ => return None,
                    },
                    offset,
                )
            };
            let lines = LineCount {
                all: self.number()?,
                bare: self.number()?,
            };
            depths.push(link(&mut index, &depths, this, &mut part)?);
            index.parts.push(part);
            index.lines.push(lines);
            last = offset;
        }
        for _ in 0..self.number()? {
            let kind = usize::try_from(self.number()?).ok()?;
            let kind = *DefectKind::ALL.get(kind)?;
            index.defects.push(Defect::new(kind, self.number()?));
        }
        index.more_defects = self.number()?;
        index.link();
        Some(index)
    }
}

/// Counts a part among the children of its parent, which must have come before and be
/// of the kind that has children. Gives its depth.
fn link(index: &mut Index, depths: &[u32], this: u32, part: &mut PartRecord) -> Option<u32> {
    if part.parent == NONE {
        return (this == 0 && part.parent_kind == Parent::Root).then_some(0);
    }
    let depth = depths.get(part.parent as usize)? + 1;
    let parent = index.parts.get_mut(part.parent as usize)?;
    let fits = match part.parent_kind {
        Parent::Root => false,
        Parent::Multipart => parent.content == Content::Multipart,
        Parent::Message => parent.content == Content::Message && parent.children == 0,
    };
    if !fits || depth > Limits::MAX_DEPTH {
        return None;
    }
    parent.children += 1;
    part.ordinal = parent.children;
    Some(depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kind of defect is stored by its number.
    #[test]
    fn other_kinds_of_defects_are_another_version() {
        let names = DefectKind::ALL
            .iter()
            .flat_map(|kind| kind.as_str().bytes());
        let hash = names.fold(0u32, |hash, b| hash.rotate_left(5) ^ u32::from(b));
        let kinds = (VERSION, DefectKind::ALL.len(), hash);
        assert_eq!(
            kinds,
            (4, 153, 4_037_668_202),
            "raise VERSION, then write them here"
        );
    }
}

//! What an index knows of a part.

use core::ops::Range;

use crate::{Content, Parent, Size};

/// No part.
pub(crate) const NONE: u32 = u32::MAX;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartRecord {
    /// Where its header begins.
    pub(crate) offset: u64,
    /// Where its last field ends.
    pub(crate) header_end: u64,
    /// Where its body begins.
    pub(crate) body: u64,
    /// The length of its body.
    pub(crate) octets: u64,
    pub(crate) parent: u32,
    /// From 1, among the children of its parent.
    pub(crate) ordinal: u32,
    pub(crate) first_field: u32,
    pub(crate) fields: u32,
    /// How many children it has, the first of them, and the one behind it of its parent.
    pub(crate) children: u32,
    pub(crate) first_child: u32,
    pub(crate) next: u32,
    pub(crate) parent_kind: Parent,
    pub(crate) content: Content,
    pub(crate) opaque: bool,
}

impl PartRecord {
    #[inline]
    pub(crate) const fn new(parent_kind: Parent, offset: u64) -> Self {
        PartRecord {
            offset,
            header_end: offset,
            body: offset,
            octets: 0,
            parent: NONE,
            ordinal: 1,
            first_field: 0,
            fields: 0,
            children: 0,
            first_child: NONE,
            next: NONE,
            parent_kind,
            content: Content::Leaf,
            opaque: false,
        }
    }

    pub(crate) fn header_range(&self) -> Range<u64> {
        self.offset..self.body
    }

    #[inline]
    pub(crate) fn body_range(&self) -> Range<u64> {
        self.body..self.body.saturating_add(self.octets)
    }

    #[inline]
    pub(crate) fn field_range(&self) -> Range<usize> {
        let first = self.first_field as usize;
        first..first.saturating_add(self.fields as usize)
    }
}

/// The line ends in a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineCount {
    pub(crate) all: u64,
    /// Those that are a bare LF.
    pub(crate) bare: u64,
}

impl LineCount {
    pub(crate) fn of(size: Size) -> Self {
        LineCount {
            all: size.lines,
            bare: size.crlf_octets.saturating_sub(size.octets),
        }
    }

    pub(crate) fn size(self, octets: u64) -> Size {
        Size {
            octets,
            lines: self.all,
            crlf_octets: octets.saturating_add(self.bare),
        }
    }
}

//! How the parsers of values tell what is wrong.

use crate::DefectKind;

/// Where a parser puts the defects of a value: each with its offset in the value. The
/// common caller wants none, and pays for none.
pub(crate) struct Notes<'n>(Option<&'n mut dyn FnMut(DefectKind, usize)>);

impl<'n> Notes<'n> {
    /// Nobody wants to know.
    #[inline]
    pub(crate) fn none() -> Self {
        Notes(None)
    }

    pub(crate) fn new(take: &'n mut dyn FnMut(DefectKind, usize)) -> Self {
        Notes(Some(take))
    }

    /// Whether somebody wants to know: what only a defect needs may be left undone
    /// otherwise.
    #[inline]
    pub(crate) fn wanted(&self) -> bool {
        self.0.is_some()
    }

    #[inline]
    pub(crate) fn add(&mut self, kind: DefectKind, at: usize) {
        if let Some(take) = &mut self.0 {
            take(kind, at);
        }
    }
}

impl core::fmt::Debug for Notes<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Notes").field(&self.wanted()).finish()
    }
}

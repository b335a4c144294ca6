//! Sets of kinds of defects.

use core::fmt;

use super::{DefectClass, DefectKind};

/// A set of [`DefectKind`]s, as small as a few integers.
///
/// ```
/// use scop_mime::{DefectKind, DefectSet};
///
/// const REFUSED: DefectSet = DefectSet::ambiguous().without(DefectKind::MixedLineEnds);
/// assert!(REFUSED.contains(DefectKind::DuplicateField));
/// assert!(!REFUSED.contains(DefectKind::MixedLineEnds));
/// assert!(!REFUSED.contains(DefectKind::MissingCloseDelimiter), "damage");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct DefectSet(u128, u128);

// One bit for each kind.
const _: () = assert!(DefectKind::ALL.len() <= 256);

impl DefectSet {
    /// No kind.
    #[must_use]
    pub const fn none() -> Self {
        DefectSet(0, 0)
    }

    /// Every kind.
    #[must_use]
    pub const fn all() -> Self {
        let mut set = DefectSet(0, 0);
        let mut i = 0;
        while i < DefectKind::ALL.len() {
            set = set.with(DefectKind::ALL[i]);
            i += 1;
        }
        set
    }

    /// The kinds of a class.
    #[must_use]
    pub const fn of(class: DefectClass) -> Self {
        let mut set = DefectSet(0, 0);
        let mut i = 0;
        while i < DefectKind::ALL.len() {
            let kind = DefectKind::ALL[i];
            if kind.class() as u8 == class as u8 {
                set = set.with(kind);
            }
            i += 1;
        }
        set
    }

    /// What readers in use read differently: [`DefectClass::Ambiguity`].
    #[must_use]
    pub const fn ambiguous() -> Self {
        Self::of(DefectClass::Ambiguity)
    }

    /// What is broken: [`DefectClass::Damage`].
    #[must_use]
    pub const fn damaged() -> Self {
        Self::of(DefectClass::Damage)
    }

    /// What was not taken apart: [`DefectClass::Limit`].
    #[must_use]
    pub const fn limited() -> Self {
        Self::of(DefectClass::Limit)
    }

    /// What may fool a person: [`DefectClass::Deception`].
    #[must_use]
    pub const fn deceptive() -> Self {
        Self::of(DefectClass::Deception)
    }

    /// What sanitising mends: ambiguity, damage, limits.
    #[must_use]
    pub const fn mended() -> Self {
        Self::ambiguous()
            .union(Self::damaged())
            .union(Self::limited())
    }

    const fn bit(kind: DefectKind) -> Self {
        match kind as u32 {
            n @ ..128 => DefectSet(1 << n, 0),
            n => DefectSet(0, 1 << (n - 128)),
        }
    }

    /// With `kind` in it.
    #[must_use]
    pub const fn with(self, kind: DefectKind) -> Self {
        let bit = Self::bit(kind);
        DefectSet(self.0 | bit.0, self.1 | bit.1)
    }

    /// Without `kind`.
    #[must_use]
    pub const fn without(self, kind: DefectKind) -> Self {
        let bit = Self::bit(kind);
        DefectSet(self.0 & !bit.0, self.1 & !bit.1)
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        DefectSet(self.0 | other.0, self.1 | other.1)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        DefectSet(self.0 & other.0, self.1 & other.1)
    }

    /// Whether `kind` is in it.
    #[must_use]
    pub const fn contains(self, kind: DefectKind) -> bool {
        !self.intersection(Self::bit(kind)).is_empty()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0 && self.1 == 0
    }

    /// What is in it.
    pub fn iter(self) -> impl Iterator<Item = DefectKind> {
        let all = DefectKind::ALL.iter().copied();
        all.filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<DefectKind> for DefectSet {
    fn from_iter<I: IntoIterator<Item = DefectKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::none(), Self::with)
    }
}

impl fmt::Debug for DefectSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_in_one_class() {
        let classes = [
            DefectClass::Damage,
            DefectClass::Ambiguity,
            DefectClass::Limit,
            DefectClass::Deviation,
            DefectClass::Deception,
        ];
        let mut all = DefectSet::none();
        for class in classes {
            let set = DefectSet::of(class);
            assert!(!set.is_empty() && set.intersection(all).is_empty());
            assert!(set.iter().all(|kind| kind.class() == class));
            all = all.union(set);
        }
        assert_eq!(all, DefectSet::all());
        assert_eq!(all.iter().count(), DefectKind::ALL.len());
        assert!(DefectKind::ALL.iter().all(|k| all.contains(*k)));
    }

    #[test]
    fn names_are_all_different() {
        let mut names: alloc::vec::Vec<&str> = DefectKind::ALL.iter().map(|k| k.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DefectKind::ALL.len());
    }
}

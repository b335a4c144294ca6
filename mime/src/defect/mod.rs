//! What is wrong or ambiguous in a message, and where. A defect never stops
//! anything by itself: it says which reading was chosen where another reader may
//! choose differently (RFC 7103). What is done about it is for a
//! [`Policy`](crate::Policy) to say.

mod kinds;
mod set;

use core::fmt;

pub use kinds::DefectKind;
pub use set::DefectSet;

/// One thing that is wrong with a message.
///
/// ```
/// use scop_mime::{DefectClass, DefectKind, Message};
///
/// let found = Message::parse(b"From: a@b.test\r\nSubject : x\r\n\r\n").inspect();
/// let space = found.iter().find(|d| d.kind == DefectKind::SpaceBeforeColon).unwrap();
/// assert_eq!(space.to_string(), "space-before-colon at byte 23");
/// assert_eq!((space.kind.class(), space.kind.rule()), (DefectClass::Ambiguity, "RFC 5322 3.6.8"));
/// assert!(space.kind.class().advice().starts_with("refuse it, or sanitise it"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Defect {
    /// Where: bytes from the start of the message as given.
    pub offset: u64,
    /// What.
    pub kind: DefectKind,
}

impl Defect {
    pub(crate) fn new(kind: DefectKind, offset: u64) -> Self {
        Defect { offset, kind }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

/// What a kind of defect means for whoever acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DefectClass {
    /// Something was lost or cannot be read. Readers agree on what is left, more or
    /// less.
    Damage,
    /// Readers in use read it differently: a filter may see another message than the
    /// person it is for.
    Ambiguity,
    /// A limit of [`Limits`](crate::Limits) was met: the rest was not taken apart.
    Limit,
    /// Against the rules, but every reader makes the same of it.
    Deviation,
    /// Programs agree on it; a person may be led to believe something else.
    Deception,
}

impl DefectClass {
    /// Its name: `ambiguity`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DefectClass::Damage => "damage",
            DefectClass::Ambiguity => "ambiguity",
            DefectClass::Limit => "limit",
            DefectClass::Deviation => "deviation",
            DefectClass::Deception => "deception",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            DefectClass::Damage => "have it sent again, or sanitise it",
            DefectClass::Ambiguity => "refuse it, or sanitise it before anybody else reads it",
            DefectClass::Limit => "refuse it, raise the limit, or sanitise it",
            DefectClass::Deviation => "nothing needs to be done",
            DefectClass::Deception => "warn the reader, or quarantine it",
        }
    }
}

impl fmt::Display for DefectClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

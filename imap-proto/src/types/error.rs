use scop_core::Violation;
use thiserror::Error;

/// Bytes that are not what the grammar asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} at byte {offset} ({rule})")]
pub struct ParseError {
    /// What was wrong, as a phrase: `expected a space`.
    pub what: &'static str,
    /// Where, in bytes from the start of what was parsed.
    pub offset: usize,
    /// By which rule: `RFC 3501 9 astring`.
    pub rule: &'static str,
}

impl ParseError {
    /// The same error at its place in the stream: `base` bytes came before what
    /// was parsed.
    #[must_use]
    pub fn in_stream(self, base: u64) -> Violation {
        Violation {
            what: self.what,
            offset: base.saturating_add(self.offset as u64),
            rule: self.rule,
        }
    }
}

/// A value that cannot exist in IMAP: nothing was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} ({rule})")]
pub struct Invalid {
    /// What is wrong with it: `a line end in a mailbox name`.
    pub what: &'static str,
    /// By which rule: `RFC 3501 9 mailbox`.
    pub rule: &'static str,
}

//! Mailbox names (RFC 3501 5.1).

use std::fmt;

use super::StoreError;

/// Between the levels of a name.
pub(crate) const SEPARATOR: char = '/';
/// The one mailbox that everybody has, in any case (RFC 3501 5.1).
pub(crate) const INBOX: &str = "INBOX";

/// A name that a mailbox can have: UTF-8, levels parted by [`SEPARATOR`], none of
/// them empty, no control characters and no wildcards of LIST.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MailboxName(String);

impl MailboxName {
    /// Bytes in a name.
    pub(crate) const MAX: usize = 1000;
    /// Levels in a name.
    pub(crate) const MAX_LEVELS: usize = 50;

    /// `INBOX`, and `INBOX` as a first level, in any case are one name. A trailing
    /// separator, by which CREATE announces children, is dropped.
    pub(crate) fn new(name: &str) -> Result<Self, StoreError> {
        let name = name.strip_suffix(SEPARATOR).unwrap_or(name);
        if name.is_empty() || name.len() > Self::MAX {
            return Err(StoreError::Refused("a mailbox name has 1 to 1000 bytes"));
        }
        if name.chars().any(|c| c.is_control() || c == '*' || c == '%') {
            return Err(StoreError::Refused(
                "a mailbox name has no control characters, no '*' and no '%'",
            ));
        }
        let levels = || name.split(SEPARATOR);
        if levels().count() > Self::MAX_LEVELS || levels().any(|l| matches!(l, "" | "." | "..")) {
            return Err(StoreError::Refused(
                "a mailbox name has 1 to 50 levels, none of them empty or dots",
            ));
        }
        let first = levels().next().unwrap_or_default();
        if first.eq_ignore_ascii_case(INBOX) {
            return Ok(MailboxName(format!("{INBOX}{}", &name[INBOX.len()..])));
        }
        Ok(MailboxName(name.to_owned()))
    }

    pub(crate) fn inbox() -> Self {
        MailboxName(INBOX.to_owned())
    }

    pub(crate) fn is_inbox(&self) -> bool {
        self.0 == INBOX
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The names above it, the outermost first.
    pub(crate) fn parents(&self) -> impl Iterator<Item = MailboxName> + '_ {
        let at = self.0.match_indices(SEPARATOR);
        at.map(|(at, _)| MailboxName(self.0[..at].to_owned()))
    }

    /// What to put before names that lie below this one.
    pub(super) fn prefix(&self) -> String {
        format!("{}{SEPARATOR}", self.0)
    }

    /// This name, which lies below `from`, moved below `to`.
    pub(super) fn moved(&self, from: &Self, to: &Self) -> Result<Self, StoreError> {
        let rest = self.0.strip_prefix(&from.0).unwrap_or_default();
        Self::new(&format!("{}{rest}", to.0))
    }

    /// A name the store holds already.
    pub(super) fn stored(name: String) -> Self {
        MailboxName(name)
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_has_no_case_and_a_trailing_separator_goes() {
        let name = |n: &str| MailboxName::new(n).unwrap().to_string();
        assert_eq!(name("inBox"), "INBOX");
        assert_eq!(name("inbox/Sub"), "INBOX/Sub");
        assert_eq!(name("Inboxes"), "Inboxes");
        assert_eq!(name("Entwürfe/"), "Entwürfe");
        let deep = MailboxName::new("a/b/c").unwrap();
        let parents: Vec<_> = deep.parents().map(|p| p.to_string()).collect();
        assert_eq!(parents, ["a", "a/b"]);
    }

    #[test]
    fn is08_names_that_could_mean_something_else_are_refused() {
        let deep = "a/".repeat(51) + "a";
        let long = "a".repeat(1001);
        for bad in [
            "", "/", "/a", "a//b", "../x", "a/../b", ".", "a\0b", "a\r\nb", "a*", "%", &deep, &long,
        ] {
            assert!(MailboxName::new(bad).is_err(), "{bad:?}");
        }
    }
}

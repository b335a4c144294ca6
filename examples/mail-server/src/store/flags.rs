//! Flags and keywords of a message (RFC 3501 2.3.2).

use super::StoreError;

/// The flags of one message, without \Recent, which is a session's.
///
/// ```text
/// bit   0      1          2         3         4
///       \Seen  \Answered  \Flagged  \Deleted  \Draft
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    system: u8,
    /// Sorted without regard to case, each once.
    keywords: Vec<String>,
}

/// What STORE does.
#[derive(Clone, Debug)]
pub(crate) enum FlagChange {
    Set(Flags),
    Add(Flags),
    Remove(Flags),
}

const SYSTEM: [(&str, u8); 5] = [
    ("\\Seen", Flags::SEEN),
    ("\\Answered", Flags::ANSWERED),
    ("\\Flagged", Flags::FLAGGED),
    ("\\Deleted", Flags::DELETED),
    ("\\Draft", Flags::DRAFT),
];

impl Flags {
    pub(crate) const SEEN: u8 = 1;
    pub(crate) const ANSWERED: u8 = 2;
    pub(crate) const FLAGGED: u8 = 4;
    pub(crate) const DELETED: u8 = 8;
    pub(crate) const DRAFT: u8 = 16;
    /// Keywords on one message.
    pub(crate) const MAX_KEYWORDS: usize = 64;
    /// Bytes of one keyword.
    pub(crate) const MAX_KEYWORD: usize = 128;

    /// None set.
    pub(crate) const fn new() -> Self {
        Flags {
            system: 0,
            keywords: Vec::new(),
        }
    }

    /// The flag or keyword of that name, in any case. \Recent is skipped: no
    /// client can set it (RFC 3501 2.3.2).
    pub(crate) fn insert(&mut self, name: &str) -> Result<(), StoreError> {
        if name.starts_with('\\') {
            let known = SYSTEM.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            return match known {
                Some((_, bit)) => {
                    self.system |= bit;
                    Ok(())
                }
                None if name.eq_ignore_ascii_case("\\Recent") => Ok(()),
                None => Err(StoreError::Refused("no such system flag")),
            };
        }
        let plain = |b: u8| b.is_ascii_graphic() && !b"(){%*\"\\]".contains(&b);
        if name.is_empty() || name.len() > Self::MAX_KEYWORD || !name.bytes().all(plain) {
            return Err(StoreError::Refused("not a keyword"));
        }
        if let Err(at) = self.find(name) {
            if self.keywords.len() >= Self::MAX_KEYWORDS {
                return Err(StoreError::Refused("too many keywords on a message"));
            }
            self.keywords.insert(at, name.to_owned());
        }
        Ok(())
    }

    /// All of the `bits` are set.
    pub(crate) const fn has(&self, bits: u8) -> bool {
        self.system & bits == bits
    }

    /// That keyword is set, in any case.
    pub(crate) fn has_keyword(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Names, system flags first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let system = SYSTEM.iter().filter(|(_, bit)| self.system & bit != 0);
        system
            .map(|(name, _)| *name)
            .chain(self.keywords.iter().map(String::as_str))
    }

    /// Does what STORE asks.
    pub(crate) fn apply(&mut self, change: &FlagChange) -> Result<(), StoreError> {
        match change {
            FlagChange::Set(flags) => *self = flags.clone(),
            FlagChange::Add(flags) => {
                self.system |= flags.system;
                flags.keywords.iter().try_for_each(|k| self.insert(k))?;
            }
            FlagChange::Remove(flags) => {
                self.system &= !flags.system;
                self.keywords.retain(|k| !flags.has_keyword(k));
            }
        }
        Ok(())
    }

    /// As the store keeps them.
    pub(super) fn columns(&self) -> (u8, String) {
        (self.system, self.keywords.join(" "))
    }

    /// From what [`columns`](Self::columns) gave.
    pub(super) fn from_columns(system: u8, keywords: &str) -> Self {
        let keywords = keywords.split_ascii_whitespace().map(str::to_owned);
        Flags {
            system,
            keywords: keywords.collect(),
        }
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        let lower = |s: &str| s.to_ascii_lowercase();
        self.keywords
            .binary_search_by(|have| lower(have).cmp(&lower(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(names: &[&str]) -> Flags {
        let mut flags = Flags::new();
        names.iter().for_each(|n| flags.insert(n).unwrap());
        flags
    }

    #[test]
    fn names_are_known_in_any_case_and_kept_once() {
        let f = flags(&["\\seen", "$Junk", "alpha", "$JUNK", "\\Recent"]);
        assert_eq!(f.names().collect::<Vec<_>>(), ["\\Seen", "$Junk", "alpha"]);
        assert!(f.has(Flags::SEEN) && !f.has(Flags::SEEN | Flags::DRAFT));
        assert!(f.has_keyword("$junk"));
        let (system, keywords) = f.columns();
        assert_eq!(Flags::from_columns(system, &keywords), f);
    }

    #[test]
    fn what_no_flag_can_be_is_refused() {
        for bad in ["\\Other", "", "a b", "a(b", "ü", "a\"", "a]b"] {
            assert!(Flags::new().insert(bad).is_err(), "{bad:?}");
        }
        assert!(Flags::new().insert(&"k".repeat(129)).is_err());
        let mut many = Flags::new();
        for n in 0..Flags::MAX_KEYWORDS {
            many.insert(&format!("k{n}")).unwrap();
        }
        assert!(many.insert("one-more").is_err() && many.insert("K1").is_ok());
    }

    #[test]
    fn store_sets_adds_and_removes() {
        let mut f = flags(&["\\Seen", "a"]);
        f.apply(&FlagChange::Add(flags(&["\\Deleted", "b"])))
            .unwrap();
        f.apply(&FlagChange::Remove(flags(&["\\Seen", "A", "none"])))
            .unwrap();
        assert_eq!(f, flags(&["\\Deleted", "b"]));
        f.apply(&FlagChange::Set(flags(&["c"]))).unwrap();
        assert_eq!(f, flags(&["c"]));
    }
}

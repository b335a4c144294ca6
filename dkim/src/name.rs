//! Names that a signature carries: signing domain and selector.
//!
//! Both are sequences of DNS labels (RFC 6376 sections 3.1 and 3.5). The types
//! can only hold what is fit for a DNS query, so a selector such as `../r2` or
//! one with a line break never gets further than its constructor.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use smol_str::{SmolStr, StrExt as _};

/// Why a text is no domain name or selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No text, or nothing between two dots or at an end.
    #[error("empty label: a name has no dot at its ends, and never two in a row")]
    EmptyLabel,
    /// A label over 63 or a name over 253 octets (RFC 1035 section 2.3.4).
    #[error("label over 63 or name over 253 octets (RFC 1035 section 2.3.4)")]
    TooLong,
    /// A character other than a letter, digit, hyphen or underscore, or a
    /// hyphen at the end of a label.
    #[error("a label may hold letters, digits, \"-\" inside, and \"_\"")]
    BadCharacter,
    /// 8-bit text. Internationalised names have to be given as A-labels
    /// (`xn--...`), or to [`Domain::from_unicode`], which says this of U-labels that
    /// IDNA does not allow.
    #[error("internationalised name must be written in A-labels (RFC 6376 section 3.5)")]
    NotAscii,
    /// A domain of one label, which the ABNF of `d=` does not allow.
    #[error("a domain has at least two labels (RFC 6376 section 3.5)")]
    SingleLabel,
}

/// What a byte is in a name, by bit, and what may follow it, four bits higher.
const KINDS: [u8; 256] = {
    const INSIDE: u8 = 1;
    const HYPHEN: u8 = 2;
    const DOT: u8 = 4;
    let mut kinds = [8; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        kinds[byte] = match byte as u8 {
            b'.' => DOT | INSIDE << 4,
            b'-' => HYPHEN | (INSIDE | HYPHEN) << 4,
            b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => INSIDE | (INSIDE | HYPHEN | DOT) << 4,
            _ => 8,
        };
        byte += 1;
    }
    kinds
};

/// Checks labels, and counts them; RFC 5321 sub-domain, and the underscore that real
/// selectors use and DNS allows.
fn check(text: &str) -> Result<usize, NameError> {
    let dot = KINDS[usize::from(b'.')];
    // A name begins as if behind a dot, and ends as if before one.
    let (mut labels, mut bad, mut before) = (1, 0, dot);
    for byte in text.bytes() {
        let kind = KINDS[usize::from(byte)];
        bad |= kind & !(before >> 4);
        labels += usize::from(kind == dot);
        before = kind;
    }
    bad |= dot & 0xf & !(before >> 4);
    let is_long = |label: &[u8]| label.len() > 63;
    let is_long = text.len() > 63 && text.as_bytes().split(|b| *b == b'.').any(is_long);
    match bad & 0xf != 0 || is_long || text.len() > 253 {
        true => Err(problem(text)),
        false => Ok(labels),
    }
}

/// What is wrong first with a text that is no name.
#[cold]
fn problem(text: &str) -> NameError {
    if !text.is_ascii() {
        return NameError::NotAscii;
    }
    if text.len() > 253 {
        return NameError::TooLong;
    }
    let mut labels = text.as_bytes().split(|b| *b == b'.');
    let of_label = |label: &[u8]| match label {
        [] => Some(NameError::EmptyLabel),
        [b'-', ..] | [.., b'-'] => Some(NameError::BadCharacter),
        _ if label.len() > 63 => Some(NameError::TooLong),
        _ => {
            let is_good = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            (!label.iter().all(is_good)).then_some(NameError::BadCharacter)
        }
    };
    labels.find_map(of_label).unwrap_or(NameError::BadCharacter)
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $least:expr) => {
        $(#[$doc])*
        // Short ones, as most are, are kept in place: no allocation, and no count of users
        // that each clone would have to raise.
        #[derive(Clone, Debug)]
        pub struct $name(SmolStr);

        impl $name {
            /// Checks `text` and keeps it as written.
            ///
            /// # Errors
            /// [`NameError`] says what a DNS name may not hold.
            pub fn new(text: &str) -> Result<Self, NameError> {
                if check(text)? < $least {
                    return Err(NameError::SingleLabel);
                }
                Ok(Self(SmolStr::new(text)))
            }

            /// A name that may have U-labels (RFC 5890 section 2.3.2.1), as mail of RFC
            /// 6532 has them, in A-labels: mapped by UTS 46 without transition, so that
            /// case and composition of characters make no difference. ASCII names stay as
            /// they are.
            ///
            /// # Errors
            /// [`NameError`]; without the feature `idn` of each U-label.
            ///
            /// ```
            /// use scop_dkim::Domain;
            /// # #[cfg(feature = "idn")]
            /// assert_eq!(
            ///     Domain::from_unicode("B\u{fc}cher.example")?.as_str(),
            ///     "xn--bcher-kva.example"
            /// );
            /// # Ok::<(), scop_dkim::NameError>(())
            /// ```
            pub fn from_unicode(text: &str) -> Result<Self, NameError> {
                match Self::new(text) {
                    Err(NameError::NotAscii) => {
                        Self::new(&to_ascii(text).ok_or(NameError::NotAscii)?)
                    }
                    found => found,
                }
            }

            /// The text as it was given.
            #[inline]
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                let (a, b) = (self.as_str(), other.as_str());
                // The same text is soon compared.
                a == b || a.eq_ignore_ascii_case(b)
            }
        }

        impl Eq for $name {}

        /// Without regard to case, as they are compared.
        impl core::hash::Hash for $name {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.0.bytes().for_each(|b| state.write_u8(b.to_ascii_lowercase()));
                state.write_u8(0xff);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl core::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }
    };
}

name_type! {
    /// The signing domain (SDID, `d=`) or the domain of an identity: at least
    /// two labels, compared without regard to case. Only that of an
    /// [`Author`](crate::dmarc::Author) may be of one.
    ///
    /// ```
    /// use scop_dkim::{Domain, NameError};
    /// assert_eq!(Domain::new("Example.ORG")?, Domain::new("example.org")?);
    /// assert_eq!(Domain::new("com"), Err(NameError::SingleLabel));
    /// # Ok::<(), NameError>(())
    /// ```
    Domain, 2
}

name_type! {
    /// A selector (`s=`): one or more labels, compared without regard to case.
    ///
    /// ```
    /// use scop_dkim::{NameError, Selector};
    /// assert_eq!(Selector::new("march2005.reykjavik")?.as_str(), "march2005.reykjavik");
    /// assert_eq!(Selector::new("../r2"), Err(NameError::EmptyLabel));
    /// # Ok::<(), NameError>(())
    /// ```
    Selector, 1
}

impl Selector {
    /// The DNS name of the key record (RFC 6376 section 3.6.2.1).
    ///
    /// ```
    /// use scop_dkim::{Domain, Selector};
    /// let name = Selector::new("s1")?.key_name(&Domain::new("example.com")?);
    /// assert_eq!(name, "s1._domainkey.example.com");
    /// # Ok::<(), scop_dkim::NameError>(())
    /// ```
    #[must_use]
    pub fn key_name(&self, domain: &Domain) -> String {
        [self.as_str(), "._domainkey.", domain.as_str()].concat()
    }

    /// The same for who reads it at once, where nothing is allocated for it.
    pub(crate) fn with_key_name<T>(&self, domain: &Domain, read: impl FnOnce(&str) -> T) -> T {
        let (mut name, mut used) = ([0; 256], 0);
        for part in [self.as_str(), "._domainkey.", domain.as_str()] {
            let room = name.get_mut(used..used + part.len());
            if let Some(room) = room {
                room.copy_from_slice(part.as_bytes());
            }
            used += part.len();
        }
        match name.get(..used).map(core::str::from_utf8) {
            Some(Ok(name)) => read(name),
            // Longer than DNS allows.
            _ => read(&self.key_name(domain)),
        }
    }
}

impl Domain {
    /// An author's, U-labels allowed: it may be a top-level domain, which DMARC asks for its
    /// policy like any other (RFC 9989 section 4.10.1).
    pub(crate) fn of_author(text: &str) -> Result<Self, NameError> {
        let ascii = to_ascii(text).ok_or(NameError::NotAscii)?;
        check(&ascii)?;
        Ok(Self(SmolStr::new(ascii)))
    }

    /// In lower case.
    pub(crate) fn to_lower(&self) -> Self {
        let is_upper = |any, b: &u8| any | b.is_ascii_uppercase();
        match self.0.as_bytes().iter().fold(false, is_upper) {
            true => Self(self.0.to_ascii_lowercase_smolstr()),
            false => self.clone(),
        }
    }

    /// Whether `self` is `other` or lies under it.
    ///
    /// ```
    /// use scop_dkim::Domain;
    /// let example = Domain::new("example.com")?;
    /// assert!(Domain::new("eng.example.com")?.is_within(&example));
    /// assert!(!Domain::new("notexample.com")?.is_within(&example));
    /// # Ok::<(), scop_dkim::NameError>(())
    /// ```
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let (name, parent) = (self.0.as_bytes(), other.0.as_bytes());
        match name.len().checked_sub(parent.len()) {
            Some(0) => self == other,
            Some(extra) => name[extra - 1] == b'.' && name[extra..].eq_ignore_ascii_case(parent),
            None => false,
        }
    }
}

/// A name with its U-labels as A-labels; `None` if IDNA does not allow them.
pub(crate) fn to_ascii(text: &str) -> Option<Cow<'_, str>> {
    if text.is_ascii() {
        return Some(Cow::Borrowed(text));
    }
    #[cfg(feature = "idn")]
    {
        // Longer ones are no names, whatever they become.
        let text = Some(text.as_bytes()).filter(|text| text.len() <= 4 * 253)?;
        idna::domain_to_ascii_cow(text, idna::AsciiDenyList::EMPTY).ok()
    }
    #[cfg(not(feature = "idn"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "idn")]
    #[test]
    fn u_labels_become_a_labels() {
        for text in [
            "b\u{fc}cher.test",
            "B\u{dc}CHER.TEST",
            "bu\u{308}cher.test",
            "b\u{fc}cher\u{3002}test",
        ] {
            assert_eq!(
                Domain::from_unicode(text).unwrap().as_str(),
                "xn--bcher-kva.test"
            );
        }
        let sharp = Domain::from_unicode("stra\u{df}e.test").unwrap();
        assert_eq!(sharp.as_str(), "xn--strae-oqa.test");
        for bad in ["\u{fc}\u{fffd}.test", "xn--\u{fc}.test", "\u{200e}a.test"] {
            assert_eq!(
                Domain::from_unicode(bad),
                Err(NameError::NotAscii),
                "{bad:?}"
            );
        }
        let long = "\u{fc}".repeat(300_000) + ".test";
        assert!(Domain::from_unicode(&long).is_err());
    }

    #[test]
    fn refused_names() {
        for (text, error) in [
            ("", NameError::EmptyLabel),
            ("a..b", NameError::EmptyLabel),
            ("a.b.", NameError::EmptyLabel),
            (".a.b", NameError::EmptyLabel),
            ("a b.c", NameError::BadCharacter),
            ("a.b\r\nc.d", NameError::BadCharacter),
            ("-a.b", NameError::BadCharacter),
            ("a-.b", NameError::BadCharacter),
            ("a/b.c", NameError::BadCharacter),
            ("\u{fc}.example", NameError::NotAscii),
            ("localhost", NameError::SingleLabel),
        ] {
            assert_eq!(Domain::new(text), Err(error), "{text:?}");
        }
        let label = "a".repeat(64);
        assert_eq!(Selector::new(&label), Err(NameError::TooLong));
        let long = ["abcdefghi"; 26].join(".");
        assert_eq!(Domain::new(&long), Err(NameError::TooLong));
        assert!(Selector::new("s_1-x").is_ok());
    }
}

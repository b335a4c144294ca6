use alloc::borrow::Cow;
use core::fmt;

use super::{
    Cursor, Invalid, ParseError,
    cursor::{is_astring_char, is_atom_char},
};

/// An atom (RFC 3501 section 9): one or more printable ASCII characters without
/// space and without `( ) { % * " \ ]`. Case is kept and counts in `==`; compare
/// with [`is`](Atom::is) where IMAP does not care.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom<'a>(Cow<'a, str>);

impl<'a> Atom<'a> {
    /// An atom of that text.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for an empty text or a character an atom cannot have.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Result<Self, Invalid> {
        let text = text.into();
        if text.is_empty() || !text.bytes().all(is_atom_char) {
            return Err(Invalid {
                what: "not an atom: empty, or a space, control, 8-bit or special character",
                rule: "RFC 3501 9 atom",
            });
        }
        Ok(Atom(text))
    }

    /// For text of which the caller knows that it is an atom.
    pub(crate) const fn known(text: &'a str) -> Self {
        Atom(Cow::Borrowed(text))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same but for the case of letters.
    #[must_use]
    pub fn is(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }

    /// One that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Atom<'static> {
        Atom(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Display for Atom<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a client calls a command by, and a server its answer (RFC 3501 section
/// 2.2.1): one or more `ASTRING-CHAR` without `+`, at most [`Tag::MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag<'a>(Cow<'a, str>);

impl<'a> Tag<'a> {
    /// The longest tag, in bytes. The RFC has no bound; real ones have up to 32.
    pub const MAX: usize = 255;

    /// A tag of that text.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for an empty or overlong text or a character a tag cannot have.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Result<Self, Invalid> {
        const RULE: &str = "RFC 3501 9 tag";
        let text = text.into();
        if text.len() > Self::MAX {
            return Err(Invalid {
                what: "a tag of more than 255 bytes",
                rule: RULE,
            });
        }
        if text.is_empty() || !text.bytes().all(|b| is_astring_char(b) && b != b'+') {
            return Err(Invalid {
                what: "not a tag: empty, or a `+`, space, control, 8-bit or special character",
                rule: RULE,
            });
        }
        Ok(Tag(text))
    }

    /// The tag at the start of `line`, with what follows it; none if there is none.
    #[must_use]
    pub fn split(line: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let is_tag = |b: u8| is_astring_char(b) && b != b'+';
        let n = line.iter().position(|&b| !is_tag(b)).unwrap_or(line.len());
        let (tag, rest) = line.split_at_checked(n)?;
        Some((Tag::new(core::str::from_utf8(tag).ok()?).ok()?, rest))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Tag<'static> {
        Tag(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Display for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a `string` of a command can carry (RFC 3501 section 9): any bytes but NUL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chars<'a>(Cow<'a, [u8]>);

impl<'a> Chars<'a> {
    /// Those bytes.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for a NUL.
    pub fn new(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, Invalid> {
        let bytes = bytes.into();
        if memchr::memchr(0, &bytes).is_some() {
            return Err(Invalid {
                what: "NUL in a string",
                rule: "RFC 3501 9 CHAR8",
            });
        }
        Ok(Chars(bytes))
    }

    /// They.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Some that borrow nothing.
    #[must_use]
    pub fn into_owned(self) -> Chars<'static> {
        Chars(Cow::Owned(self.0.into_owned()))
    }

    /// `astring`, without NUL.
    pub(crate) fn parse(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let at = cursor.clone();
        Self::new(cursor.astring()?).map_err(|e| at.error(e.what, e.rule))
    }
}

impl fmt::Debug for Chars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_carried_cannot_be_made() {
        for bad in [
            "", "a b", "a\r\n", "a\0", "a(", "a)", "a{", "a%", "a*", "a\"", "a\\", "ü",
        ] {
            assert!(Atom::new(bad).is_err() && Tag::new(bad).is_err(), "{bad:?}");
        }
        assert!(Atom::new("a]").is_err() && Tag::new("a]").is_ok());
        assert!(Atom::new("a+").is_ok() && Tag::new("a+").is_err());
        assert!(Tag::new("x".repeat(Tag::MAX)).is_ok());
        assert!(Tag::new("x".repeat(Tag::MAX + 1)).is_err());
    }

    #[test]
    fn a_tag_at_the_start_of_a_line() {
        let (tag, rest) = Tag::split(b"a001 NOOP").unwrap();
        assert_eq!((tag.as_str(), rest), ("a001", &b" NOOP"[..]));
        assert!(Tag::split(b" NOOP").is_none() && Tag::split(b"+ x").is_none());
        assert!(Tag::split(b"").is_none());
    }
}

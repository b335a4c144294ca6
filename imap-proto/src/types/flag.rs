use core::fmt;

use super::{Atom, Cursor, Invalid, ParseError, capitals};

/// A message's flag (RFC 3501 section 2.3.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Flag<'a> {
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Seen`
    Seen,
    /// `\Draft`
    Draft,
    /// `\Recent`: a server says it, no client may set it.
    Recent,
    /// `\*`, only in PERMANENTFLAGS: the client may make new keywords.
    Any,
    /// A keyword, as `$Forwarded`.
    Keyword(Atom<'a>),
    /// A system flag we do not know, without its backslash.
    Extension(Atom<'a>),
}

impl<'a> Flag<'a> {
    /// The flag of that text: `\Seen`, `$Forwarded`.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if it is no flag.
    pub fn new(text: &'a str) -> Result<Self, Invalid> {
        match text.strip_prefix('\\') {
            None => Atom::new(text).map(Flag::Keyword),
            Some("*") => Ok(Flag::Any),
            Some(name) => Ok(match Self::system(name) {
                Some(flag) => flag,
                None => Flag::Extension(Atom::new(name)?),
            }),
        }
    }

    fn system(name: &str) -> Option<Flag<'static>> {
        Some(match capitals(name, &mut [0; 16]) {
            "ANSWERED" => Flag::Answered,
            "FLAGGED" => Flag::Flagged,
            "DELETED" => Flag::Deleted,
            "SEEN" => Flag::Seen,
            "DRAFT" => Flag::Draft,
            "RECENT" => Flag::Recent,
            _ => return None,
        })
    }

    /// The same flag: keywords differ not by the case of letters (RFC 9051 section
    /// 2.3.2).
    #[must_use]
    pub fn is(&self, other: &Flag<'_>) -> bool {
        match (self, other) {
            (Flag::Keyword(a), Flag::Keyword(b)) | (Flag::Extension(a), Flag::Extension(b)) => {
                a.is(b.as_str())
            }
            _ => self == other,
        }
    }

    /// Whether a client may set it: not `\Recent`, not `\*`.
    #[must_use]
    pub fn is_settable(&self) -> bool {
        !matches!(self, Flag::Recent | Flag::Any)
    }

    /// One that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Flag<'static> {
        match self {
            Flag::Answered => Flag::Answered,
            Flag::Flagged => Flag::Flagged,
            Flag::Deleted => Flag::Deleted,
            Flag::Seen => Flag::Seen,
            Flag::Draft => Flag::Draft,
            Flag::Recent => Flag::Recent,
            Flag::Any => Flag::Any,
            Flag::Keyword(atom) => Flag::Keyword(atom.into_owned()),
            Flag::Extension(atom) => Flag::Extension(atom.into_owned()),
        }
    }

    /// `flag-perm`: any flag, also `\Recent` and `\*`.
    pub(crate) fn parse(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        if !cursor.eat(b'\\') {
            return cursor.atom().map(|text| Flag::Keyword(Atom::known(text)));
        }
        if cursor.eat(b'*') {
            return Ok(Flag::Any);
        }
        let name = cursor.atom()?;
        Ok(Self::system(name).unwrap_or(Flag::Extension(Atom::known(name))))
    }
}

impl fmt::Display for Flag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flag::Answered => "\\Answered",
            Flag::Flagged => "\\Flagged",
            Flag::Deleted => "\\Deleted",
            Flag::Seen => "\\Seen",
            Flag::Draft => "\\Draft",
            Flag::Recent => "\\Recent",
            Flag::Any => "\\*",
            Flag::Keyword(atom) => atom.as_str(),
            Flag::Extension(atom) => return write!(f, "\\{atom}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn flags_come_back_as_they_were() {
        for text in [
            "\\Seen",
            "\\Recent",
            "\\*",
            "$Forwarded",
            "NonJunk",
            "\\X-New",
            "\\Important",
        ] {
            let flag = Flag::new(text).unwrap();
            assert_eq!(flag.to_string(), text);
            assert_eq!(
                Flag::parse(&mut Cursor::new(text.as_bytes())).unwrap(),
                flag
            );
        }
        assert_eq!(Flag::new("\\sEEN").unwrap(), Flag::Seen);
        assert!(Flag::new("$Junk").unwrap().is(&Flag::new("$junk").unwrap()));
        for bad in ["", "\\", "a b", "\\a b", "a\r\n", "(", "\\\\Seen", "\\**"] {
            assert!(Flag::new(bad).is_err(), "{bad:?}");
        }
    }
}

use core::fmt;

use super::{Atom, Cursor, Invalid, ParseError};

macro_rules! capabilities {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a server can do, by its name in the IANA registry. A name we do not
        /// know is kept.
        ///
        /// ```
        /// use scop_imap_proto::types::Capability;
        ///
        /// assert_eq!(Capability::new("idle")?, Capability::Idle);
        /// assert_eq!(Capability::new("X-NEW")?.to_string(), "X-NEW");
        /// # Ok::<(), scop_imap_proto::types::Invalid>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Capability<'a> {
            $($(#[$doc])* $name,)*
            /// `AUTH=` and this mechanism.
            Auth(Atom<'a>),
            /// Any other.
            Unknown(Atom<'a>),
        }

        const KNOWN: &[(&str, Capability<'static>)] = &[$(($text, Capability::$name),)*];

        impl<'a> Capability<'a> {
            /// One that borrows nothing.
            #[must_use]
            pub fn into_owned(self) -> Capability<'static> {
                match self {
                    $(Capability::$name => Capability::$name,)*
                    Capability::Auth(name) => Capability::Auth(name.into_owned()),
                    Capability::Unknown(name) => Capability::Unknown(name.into_owned()),
                }
            }
        }

        impl fmt::Display for Capability<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Capability::$name => f.write_str($text),)*
                    Capability::Auth(name) => write!(f, "AUTH={name}"),
                    Capability::Unknown(name) => name.fmt(f),
                }
            }
        }
    };
}

capabilities! {
    /// RFC 3501
    Imap4Rev1 = "IMAP4rev1",
    /// RFC 9051
    Imap4Rev2 = "IMAP4rev2",
    /// `LITERAL+` (RFC 7888)
    LiteralPlus = "LITERAL+",
    /// `LITERAL-` (RFC 7888)
    LiteralMinus = "LITERAL-",
    /// RFC 3501 section 6.2.1
    StartTls = "STARTTLS",
    /// RFC 3501 section 6.2.3
    LoginDisabled = "LOGINDISABLED",
    /// RFC 4959
    SaslIr = "SASL-IR",
    /// RFC 5161
    Enable = "ENABLE",
    /// RFC 2177
    Idle = "IDLE",
    /// RFC 2971
    Id = "ID",
    /// RFC 2342
    Namespace = "NAMESPACE",
    /// RFC 4315
    UidPlus = "UIDPLUS",
    /// RFC 3691
    Unselect = "UNSELECT",
    /// RFC 6851
    Move = "MOVE",
    /// RFC 3348
    Children = "CHILDREN",
    /// RFC 6154
    SpecialUse = "SPECIAL-USE",
    /// RFC 5258
    ListExtended = "LIST-EXTENDED",
    /// RFC 5819
    ListStatus = "LIST-STATUS",
    /// RFC 7162
    CondStore = "CONDSTORE",
    /// RFC 7162
    QResync = "QRESYNC",
    /// RFC 4731
    ESearch = "ESEARCH",
    /// RFC 5182
    SearchRes = "SEARCHRES",
    /// RFC 5032
    Within = "WITHIN",
    /// RFC 4978
    CompressDeflate = "COMPRESS=DEFLATE",
    /// RFC 3516
    Binary = "BINARY",
    /// RFC 6855
    Utf8Accept = "UTF8=ACCEPT",
}

impl<'a> Capability<'a> {
    /// The capability of that name, in any case.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if it is no atom.
    pub fn new(name: &'a str) -> Result<Self, Invalid> {
        Atom::new(name).map(|_| Self::of_atom(name))
    }

    fn of_atom(name: &'a str) -> Self {
        let mut known = KNOWN.iter();
        if let Some((_, found)) = known.find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            return found.clone();
        }
        match name.split_at_checked(5) {
            Some((auth, mechanism))
                if auth.eq_ignore_ascii_case("AUTH=") && !mechanism.is_empty() =>
            {
                Capability::Auth(Atom::known(mechanism))
            }
            _ => Capability::Unknown(Atom::known(name)),
        }
    }

    /// `capability`: one atom.
    pub(crate) fn parse(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        cursor.atom().map(Self::of_atom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_are_known_in_any_case_and_kept_if_not() {
        assert_eq!(
            Capability::new("literal+").unwrap(),
            Capability::LiteralPlus
        );
        assert_eq!(
            Capability::new("auth=plain").unwrap().to_string(),
            "AUTH=plain"
        );
        for text in [
            "IMAP4rev1",
            "XYZZY",
            "AUTH=",
            "AUTH",
            "THREAD=REFERENCES",
            "APPENDLIMIT=1",
        ] {
            assert_eq!(Capability::new(text).unwrap().to_string(), text);
        }
        assert!(Capability::new("a b").is_err() && Capability::new("").is_err());
    }
}

use crate::types::{Cursor, ParseError, Tag};

macro_rules! verbs {
    ($($name:ident = $text:literal,)*) => {
        /// A command by its name alone, as it is known before its arguments are
        /// looked at.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // the names say it
        #[non_exhaustive]
        pub enum Verb {
            $($name,)*
            /// One this crate does not know.
            Unknown,
        }

        impl Verb {
            fn of(name: &str) -> Verb {
                const KNOWN: &[(&str, Verb)] = &[$(($text, Verb::$name),)*];
                let mut known = KNOWN.iter();
                known.find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or(Verb::Unknown, |(_, v)| *v)
            }

            /// Its name as it is written: `UID FETCH`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Verb::$name => $text,)*
                    Verb::Unknown => "",
                }
            }
        }
    };
}

verbs! {
    Fetch = "FETCH",
    UidFetch = "UID FETCH",
    Noop = "NOOP",
    Idle = "IDLE",
    Select = "SELECT",
    Examine = "EXAMINE",
    Status = "STATUS",
    Store = "STORE",
    UidStore = "UID STORE",
    Search = "SEARCH",
    UidSearch = "UID SEARCH",
    Append = "APPEND",
    List = "LIST",
    Lsub = "LSUB",
    Capability = "CAPABILITY",
    Login = "LOGIN",
    Authenticate = "AUTHENTICATE",
    StartTls = "STARTTLS",
    Logout = "LOGOUT",
    Id = "ID",
    Enable = "ENABLE",
    Create = "CREATE",
    Delete = "DELETE",
    Rename = "RENAME",
    Subscribe = "SUBSCRIBE",
    Unsubscribe = "UNSUBSCRIBE",
    Check = "CHECK",
    Close = "CLOSE",
    Unselect = "UNSELECT",
    Expunge = "EXPUNGE",
    UidExpunge = "UID EXPUNGE",
    Copy = "COPY",
    UidCopy = "UID COPY",
    Move = "MOVE",
    UidMove = "UID MOVE",
    Namespace = "NAMESPACE",
}

impl Verb {
    /// Whether it names messages by their number in the mailbox, so that no EXPUNGE
    /// may be told meanwhile (RFC 3501 section 7.4.1).
    #[must_use]
    pub const fn forbids_expunge(self) -> bool {
        matches!(self, Verb::Fetch | Verb::Store | Verb::Search)
    }
}

/// How a command begins: its tag and name.
#[derive(Clone, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) tag: Tag<'a>,
    pub(crate) verb: Verb,
    /// The name as it came, without `UID`.
    pub(crate) name: &'a str,
}

impl<'a> Head<'a> {
    /// Tag, space, name. On an error: the tag, if there was one.
    pub(crate) fn parse(cursor: &mut Cursor<'a>) -> Result<Self, (Option<Tag<'a>>, ParseError)> {
        let Some((tag, _)) = Tag::split(cursor.rest()) else {
            return Err((None, cursor.error("expected a tag", "RFC 3501 9 tag")));
        };
        cursor.advance(tag.as_str().len());
        let name = cursor.space().and_then(|()| cursor.atom());
        let mut name = match name {
            Ok(name) => name,
            Err(error) => return Err((Some(tag), error)),
        };
        let mut verb = Verb::of(name);
        if name.eq_ignore_ascii_case("UID") {
            let second = cursor.space().and_then(|()| cursor.atom());
            name = match second {
                Ok(name) => name,
                Err(error) => return Err((Some(tag), error)),
            };
            verb = match Verb::of(name) {
                Verb::Fetch => Verb::UidFetch,
                Verb::Store => Verb::UidStore,
                Verb::Search => Verb::UidSearch,
                Verb::Expunge => Verb::UidExpunge,
                Verb::Copy => Verb::UidCopy,
                Verb::Move => Verb::UidMove,
                _ => Verb::Unknown,
            };
        }
        Ok(Head { tag, verb, name })
    }
}

use crate::types::{Cursor, ParseError, Tag, capitals};

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
                match capitals(name, &mut [0; 16]) {
                    $($text => Verb::$name,)*
                    _ => Verb::Unknown,
                }
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
    /// The name as it came; of `UID FETCH` the first word.
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
        let name = match name {
            Ok(name) => name,
            Err(error) => return Err((Some(tag), error)),
        };
        let mut verb = Verb::of(name);
        if name.eq_ignore_ascii_case("UID") {
            let start = cursor.clone();
            let second = cursor.space().and_then(|()| cursor.atom());
            verb = match second.map(Verb::of) {
                Ok(Verb::Fetch) => Verb::UidFetch,
                Ok(Verb::Store) => Verb::UidStore,
                Ok(Verb::Search) => Verb::UidSearch,
                Ok(Verb::Expunge) => Verb::UidExpunge,
                Ok(Verb::Copy) => Verb::UidCopy,
                Ok(Verb::Move) => Verb::UidMove,
                // `UID` of something else is known by that name alone.
                _ => {
                    *cursor = start;
                    Verb::Unknown
                }
            };
        }
        Ok(Head { tag, verb, name })
    }
}

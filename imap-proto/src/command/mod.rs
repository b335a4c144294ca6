//! Commands (RFC 3501 section 6): what a client says, as values; from bytes and to
//! bytes.
//!
//! [`Command::parse`] takes a *frame*: one whole command with its CRLF, literals in
//! place (`a LOGIN {3}CRLFtim {2}CRLFxyCRLF`). It goes over it once. Finding the
//! frame in a stream is the server machine's work. [`Command::encode`] gives bytes
//! and where a client must stop to wait for the server's `+`.
//!
//! ```
//! use scop_imap_proto::{command::Command, types::NonSync};
//!
//! let (tag, command) = Command::parse(b"a1 uid fetch 7:* (flags body.peek[]<0.100>)\r\n")?;
//! let again = command.encode(&tag, NonSync::Never);
//! assert_eq!(again.bytes(), b"a1 UID FETCH 7:* (FLAGS BODY.PEEK[]<0.100>)\r\n");
//! # Ok::<(), scop_imap_proto::command::CommandError>(())
//! ```

mod encode;
mod fetch;
mod parse;
mod search;
mod verb;

use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

use scop_sasl::{Credentials, Secret};
use thiserror::Error;

use crate::types::{
    Atom, Capability, Chars, DateTime, Flag, Invalid, Mailbox, ParseError, Pattern, SequenceSet,
    Tag,
};

pub use fetch::{Fetch, FetchAttribute, Store, StoreAction};
pub use search::{MAX_DEPTH, Search, SearchKey};
pub use verb::Verb;

pub(crate) use verb::Head;

/// A client's command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<'a> {
    /// `CAPABILITY` (RFC 3501 section 6.1.1)
    Capability,
    /// `ID` (RFC 2971): names and values, or `NIL`.
    Id(Option<Vec<(Chars<'a>, Option<Chars<'a>>)>>),
    /// `NOOP` (section 6.1.2)
    Noop,
    /// `LOGOUT` (section 6.1.3)
    Logout,
    /// `STARTTLS` (section 6.2.1)
    StartTls,
    /// `LOGIN` (section 6.2.3)
    Login(Login<'a>),
    /// `AUTHENTICATE` (section 6.2.2)
    Authenticate(Authenticate<'a>),
    /// `ENABLE` (RFC 5161): at least one.
    Enable(Vec<Capability<'a>>),
    /// `SELECT` (section 6.3.1)
    Select(Mailbox<'a>),
    /// `EXAMINE` (section 6.3.2)
    Examine(Mailbox<'a>),
    /// `CREATE` (section 6.3.3). A delimiter at the end of the name only says that
    /// mailboxes under it are to come; the server machine takes it off.
    Create(Mailbox<'a>),
    /// `DELETE` (section 6.3.4)
    Delete(Mailbox<'a>),
    /// `RENAME` (section 6.3.5)
    Rename {
        /// The mailbox as it is called.
        from: Mailbox<'a>,
        /// As it shall be called.
        to: Mailbox<'a>,
    },
    /// `SUBSCRIBE` (section 6.3.6)
    Subscribe(Mailbox<'a>),
    /// `UNSUBSCRIBE` (section 6.3.7)
    Unsubscribe(Mailbox<'a>),
    /// `LIST` (section 6.3.8)
    List {
        /// The name that the pattern is under; mostly empty.
        reference: Mailbox<'a>,
        /// Which mailboxes; an empty one asks for the hierarchy's delimiter.
        pattern: Pattern<'a>,
    },
    /// `LSUB` (section 6.3.9)
    Lsub {
        /// The name that the pattern is under; mostly empty.
        reference: Mailbox<'a>,
        /// Which subscriptions.
        pattern: Pattern<'a>,
    },
    /// `STATUS` (section 6.3.10)
    Status {
        /// Of which mailbox.
        mailbox: Mailbox<'a>,
        /// What of it; at least one.
        attributes: Vec<StatusAttribute>,
    },
    /// `APPEND` (section 6.3.11), up to the announcement of the message.
    Append(Append<'a>),
    /// `CHECK` (section 6.4.1)
    Check,
    /// `CLOSE` (section 6.4.2)
    Close,
    /// `UNSELECT` (RFC 3691)
    Unselect,
    /// `EXPUNGE` (section 6.4.3)
    Expunge,
    /// `UID EXPUNGE` (RFC 4315)
    UidExpunge(SequenceSet),
    /// `SEARCH`, `UID SEARCH` (section 6.4.4)
    Search(Search<'a>),
    /// `FETCH`, `UID FETCH` (section 6.4.5)
    Fetch(Fetch),
    /// `STORE`, `UID STORE` (section 6.4.6)
    Store(Store<'a>),
    /// `COPY`, `UID COPY` (section 6.4.7)
    Copy(Copy<'a>),
    /// `MOVE`, `UID MOVE` (RFC 6851)
    Move(Copy<'a>),
    /// `IDLE` (RFC 2177); it ends with the line `DONE`, which is no command.
    Idle,
    /// `NAMESPACE` (RFC 2342)
    Namespace,
    /// One this crate does not know, by name.
    Unknown(Atom<'a>),
}

/// LOGIN's arguments. `Debug` masks the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login<'a> {
    user: Chars<'a>,
    password: Secret,
}

impl<'a> Login<'a> {
    /// That user with that password.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for a NUL in either.
    pub fn new(user: impl Into<Cow<'a, [u8]>>, password: Secret) -> Result<Self, Invalid> {
        Chars::new(password.expose())?;
        Ok(Login {
            user: Chars::new(user)?,
            password,
        })
    }

    /// Who.
    #[must_use]
    pub fn user(&self) -> &[u8] {
        self.user.as_bytes()
    }

    /// The password.
    #[must_use]
    pub fn password(&self) -> &Secret {
        &self.password
    }

    /// As what SASL PLAIN would carry.
    ///
    /// # Errors
    ///
    /// [`scop_sasl::Error`] if either is empty, too long or not UTF-8.
    pub fn credentials(&self) -> Result<Credentials, scop_sasl::Error> {
        let user = core::str::from_utf8(self.user())
            .map_err(|_| scop_sasl::Error::Credentials("the user name is not UTF-8"))?;
        Credentials::new(user, self.password.clone())
    }
}

/// AUTHENTICATE's arguments. `Debug` masks the initial response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticate<'a> {
    mechanism: Atom<'a>,
    /// Base64, or `=`.
    initial: Option<Secret>,
}

impl<'a> Authenticate<'a> {
    /// With that mechanism; `initial` is its first message, if it is to ride on the
    /// command (RFC 4959).
    #[must_use]
    pub fn new(mechanism: Atom<'a>, initial: Option<&Secret>) -> Self {
        let encode = |message: &Secret| scop_sasl::wire::encode_initial(message.expose()).into();
        Authenticate {
            mechanism,
            initial: initial.map(encode),
        }
    }

    /// The mechanism's name.
    #[must_use]
    pub fn mechanism(&self) -> &str {
        self.mechanism.as_str()
    }

    /// The initial response.
    ///
    /// # Errors
    ///
    /// [`scop_sasl::Error::Base64`] if what came is not base64.
    pub fn initial(&self) -> Result<Option<Secret>, scop_sasl::Error> {
        let text = self.initial.as_ref().map(Secret::expose);
        text.map(scop_sasl::wire::parse_initial).transpose()
    }
}

/// What STATUS asks of a mailbox (RFC 3501 section 6.3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusAttribute {
    /// `MESSAGES`: how many there are.
    Messages,
    /// `RECENT`: how many are recent.
    Recent,
    /// `UIDNEXT`: the UID the next message will have.
    UidNext,
    /// `UIDVALIDITY`
    UidValidity,
    /// `UNSEEN`: how many are not seen.
    Unseen,
}

impl StatusAttribute {
    const ALL: [(&'static str, StatusAttribute); 5] = [
        ("MESSAGES", StatusAttribute::Messages),
        ("RECENT", StatusAttribute::Recent),
        ("UIDNEXT", StatusAttribute::UidNext),
        ("UIDVALIDITY", StatusAttribute::UidValidity),
        ("UNSEEN", StatusAttribute::Unseen),
    ];
}

impl fmt::Display for StatusAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.iter().find(|(_, a)| a == self);
        f.write_str(found.map_or("", |(name, _)| name))
    }
}

/// APPEND's arguments (RFC 3501 section 6.3.11), but for the message itself, which
/// is a literal of `size` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append<'a> {
    /// To which mailbox.
    pub mailbox: Mailbox<'a>,
    /// The message's flags. `\Recent` and `\*` cannot be set: they are neither read
    /// nor written.
    pub flags: Vec<Flag<'a>>,
    /// Its internal date; now, if not said.
    pub date: Option<DateTime>,
    /// How many bytes it has.
    pub size: u64,
}

impl Append<'_> {
    /// One that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Append<'static> {
        Append {
            mailbox: self.mailbox.into_owned(),
            flags: self.flags.into_iter().map(Flag::into_owned).collect(),
            date: self.date,
            size: self.size,
        }
    }
}

/// COPY's and MOVE's arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy<'a> {
    /// Which messages.
    pub set: SequenceSet,
    /// Where to.
    pub mailbox: Mailbox<'a>,
    /// `set` has UIDs.
    pub uid: bool,
}

/// A frame that is no command: what to answer `BAD` to, and with which tag.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{error}")]
pub struct CommandError {
    /// The tag, if there was one: else the answer is untagged.
    pub tag: Option<Tag<'static>>,
    /// What is wrong, and where.
    pub error: ParseError,
}

impl Command<'_> {
    /// Its name.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Command::Capability => Verb::Capability,
            Command::Id(_) => Verb::Id,
            Command::Noop => Verb::Noop,
            Command::Logout => Verb::Logout,
            Command::StartTls => Verb::StartTls,
            Command::Login(_) => Verb::Login,
            Command::Authenticate(_) => Verb::Authenticate,
            Command::Enable(_) => Verb::Enable,
            Command::Select(_) => Verb::Select,
            Command::Examine(_) => Verb::Examine,
            Command::Create(_) => Verb::Create,
            Command::Delete(_) => Verb::Delete,
            Command::Rename { .. } => Verb::Rename,
            Command::Subscribe(_) => Verb::Subscribe,
            Command::Unsubscribe(_) => Verb::Unsubscribe,
            Command::List { .. } => Verb::List,
            Command::Lsub { .. } => Verb::Lsub,
            Command::Status { .. } => Verb::Status,
            Command::Append(_) => Verb::Append,
            Command::Check => Verb::Check,
            Command::Close => Verb::Close,
            Command::Unselect => Verb::Unselect,
            Command::Expunge => Verb::Expunge,
            Command::UidExpunge(_) => Verb::UidExpunge,
            Command::Search(s) if s.uid => Verb::UidSearch,
            Command::Search(_) => Verb::Search,
            Command::Fetch(f) if f.uid => Verb::UidFetch,
            Command::Fetch(_) => Verb::Fetch,
            Command::Store(s) if s.uid => Verb::UidStore,
            Command::Store(_) => Verb::Store,
            Command::Copy(c) if c.uid => Verb::UidCopy,
            Command::Copy(_) => Verb::Copy,
            Command::Move(c) if c.uid => Verb::UidMove,
            Command::Move(_) => Verb::Move,
            Command::Idle => Verb::Idle,
            Command::Namespace => Verb::Namespace,
            Command::Unknown(_) => Verb::Unknown,
        }
    }

    /// One that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Command<'static> {
        let copy = |c: Copy<'_>| Copy {
            set: c.set,
            mailbox: c.mailbox.into_owned(),
            uid: c.uid,
        };
        match self {
            Command::Capability => Command::Capability,
            Command::Id(fields) => Command::Id(fields.map(|fields| {
                let owned = |(name, value): (Chars<'_>, Option<Chars<'_>>)| {
                    (name.into_owned(), value.map(Chars::into_owned))
                };
                fields.into_iter().map(owned).collect()
            })),
            Command::Noop => Command::Noop,
            Command::Logout => Command::Logout,
            Command::StartTls => Command::StartTls,
            Command::Login(login) => Command::Login(Login {
                user: login.user.into_owned(),
                password: login.password,
            }),
            Command::Authenticate(auth) => Command::Authenticate(Authenticate {
                mechanism: auth.mechanism.into_owned(),
                initial: auth.initial,
            }),
            Command::Enable(names) => {
                Command::Enable(names.into_iter().map(Capability::into_owned).collect())
            }
            Command::Select(m) => Command::Select(m.into_owned()),
            Command::Examine(m) => Command::Examine(m.into_owned()),
            Command::Create(m) => Command::Create(m.into_owned()),
            Command::Delete(m) => Command::Delete(m.into_owned()),
            Command::Rename { from, to } => Command::Rename {
                from: from.into_owned(),
                to: to.into_owned(),
            },
            Command::Subscribe(m) => Command::Subscribe(m.into_owned()),
            Command::Unsubscribe(m) => Command::Unsubscribe(m.into_owned()),
            Command::List { reference, pattern } => Command::List {
                reference: reference.into_owned(),
                pattern: pattern.into_owned(),
            },
            Command::Lsub { reference, pattern } => Command::Lsub {
                reference: reference.into_owned(),
                pattern: pattern.into_owned(),
            },
            Command::Status {
                mailbox,
                attributes,
            } => Command::Status {
                mailbox: mailbox.into_owned(),
                attributes,
            },
            Command::Append(append) => Command::Append(append.into_owned()),
            Command::Check => Command::Check,
            Command::Close => Command::Close,
            Command::Unselect => Command::Unselect,
            Command::Expunge => Command::Expunge,
            Command::UidExpunge(set) => Command::UidExpunge(set),
            Command::Search(search) => Command::Search(search.into_owned()),
            Command::Fetch(fetch) => Command::Fetch(fetch),
            Command::Store(store) => Command::Store(store.into_owned()),
            Command::Copy(c) => Command::Copy(copy(c)),
            Command::Move(c) => Command::Move(copy(c)),
            Command::Idle => Command::Idle,
            Command::Namespace => Command::Namespace,
            Command::Unknown(name) => Command::Unknown(name.into_owned()),
        }
    }
}

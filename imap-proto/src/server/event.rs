use alloc::vec::Vec;
use core::num::NonZeroU32;

use bytes::Bytes;
use scop_core::Misuse;
use scop_sasl::Credentials;
use thiserror::Error;

use crate::{
    command::{Append, Command},
    types::{Flag, Tag},
};

/// What a [`Server`](super::Server) has to tell. The tag is what the answer names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// The connection is encrypted now. What was known before is forgotten.
    Encrypted,
    /// LOGIN, or AUTHENTICATE came to its end: check the credentials and say
    /// [`done`](super::Server::done) with `OK`, or with `NO` and
    /// [`Code::AuthenticationFailed`](crate::response::Code::AuthenticationFailed).
    Login {
        /// Whose.
        tag: Tag<'static>,
        /// What the client claims.
        credentials: Credentials,
    },
    /// A command to carry out: say what there is to say with
    /// [`data`](super::Server::data), then [`done`](super::Server::done).
    Command {
        /// Whose.
        tag: Tag<'static>,
        /// Which: NOOP, CHECK, SELECT, EXAMINE, CREATE, DELETE, RENAME, SUBSCRIBE,
        /// UNSUBSCRIBE, LIST, LSUB, STATUS, CLOSE, UNSELECT, EXPUNGE, UID EXPUNGE,
        /// SEARCH, FETCH, STORE, COPY, MOVE.
        command: Command<'static>,
    },
    /// Somebody wants to store a message:
    /// [`accept_append`](super::Server::accept_append), or
    /// [`done`](super::Server::done) with `NO` (`[TRYCREATE]` where there is no such
    /// mailbox). Nothing is read until then.
    Append {
        /// Whose.
        tag: Tag<'static>,
        /// Where to, and how much.
        append: Append<'static>,
    },
    /// The next bytes of the accepted message. Large ones share the input's memory.
    /// Whoever cannot store them says `done` with `NO` at once; the rest is thrown
    /// away.
    Chunk(Bytes),
    /// The message is complete: `done`, once it is stored for good.
    AppendEnd {
        /// Whose.
        tag: Tag<'static>,
        /// Its size in bytes: as announced.
        size: u64,
    },
    /// What came behind the message makes the command wrong: discard the message.
    /// The client was answered.
    AppendAborted {
        /// Whose.
        tag: Tag<'static>,
    },
    /// The client idles: tell what happens with [`data`](super::Server::data), as it
    /// happens.
    Idle {
        /// Whose.
        tag: Tag<'static>,
    },
    /// It idles no more. The client was answered.
    IdleEnd,
    /// What was refused for want of space would be taken now.
    Room,
    /// The client says goodbye. It was answered; `Closed` follows.
    Logout,
}

/// Where a connection stands (RFC 3501 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody has logged in.
    NotAuthenticated,
    /// Logged in; no mailbox is selected.
    Authenticated,
    /// A mailbox is selected.
    Selected,
    /// Over.
    Logout,
}

/// Why something was not taken. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// No space: [`ServerEvent::Room`] says when the same call will do.
    #[error("no space now; an event says when there is")]
    Full,
    /// It cannot be said in this state.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

/// All that SELECT and EXAMINE have to tell of a mailbox (RFC 3501 section 6.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Flags in use.
    pub flags: Vec<Flag<'static>>,
    /// Flags that can be changed for good; [`Flag::Any`]: also new keywords.
    pub permanent_flags: Vec<Flag<'static>>,
    /// How many messages.
    pub exists: u32,
    /// How many of them are recent.
    pub recent: u32,
    /// Number of the first message without `\Seen`.
    pub unseen: Option<NonZeroU32>,
    /// The validity of the UIDs.
    pub uid_validity: NonZeroU32,
    /// The UID that the next message will have.
    pub uid_next: NonZeroU32,
    /// It can be read only, whatever was asked for. An EXAMINE always says so.
    pub read_only: bool,
}

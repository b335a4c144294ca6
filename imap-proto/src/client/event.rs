//! What a client tells its caller.

use alloc::boxed::Box;
use core::num::NonZeroU32;

use bytes::Bytes;
use scop_core::Fault;
use thiserror::Error;

use crate::{
    command::Command,
    response::{Condition, Data, FetchItem, RespText},
};

/// A command that was taken; what [`Event::Done`] names it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub(super) u32);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The greeting came, TLS is up if it is to be, the capabilities are known:
    /// commands may be sent. [`Client::state`](super::Client::state) tells whether
    /// to log in.
    Ready,
    /// What a command asked for, or what the server tells unasked: another client
    /// changed flags, mail arrived. IMAP does not say which.
    Data(Data),
    /// An untagged `OK`, `NO` or `BAD`: information, or a warning. An
    /// [`Alert`](crate::response::Code::Alert) must be shown to the user, as the
    /// server's words.
    Condition {
        /// Which.
        condition: Condition,
        /// The words.
        text: RespText,
    },
    /// The bytes of a large FETCH item follow as [`Event::Chunk`]; the item comes
    /// again with [`Value::Streamed`](crate::response::Value::Streamed), in the
    /// [`Data::Fetch`] that ends it.
    Begin {
        /// The message's number.
        number: NonZeroU32,
        /// Its UID, if the server has said it already.
        uid: Option<NonZeroU32>,
        /// Which item.
        item: FetchItem,
    },
    /// Bytes of the item that began. Pieces of 2 KiB and more are not copies.
    Chunk {
        /// Some of them.
        data: Bytes,
        /// How many are still to come.
        left: u64,
    },
    /// The command is done. Its data came before.
    Done {
        /// Which command.
        handle: Handle,
        /// `Ok`, `No` (it failed) or `Bad` (it was not understood, or not allowed).
        condition: Condition,
        /// Why.
        text: RespText,
    },
    /// The APPEND may go on: give its message to [`Client::body`](super::Client::body).
    Body(Handle),
    /// [`Client::body`](super::Client::body), which did not take all, takes some now.
    Room,
    /// The IDLE is accepted; changes come as [`Event::Data`] until
    /// [`Client::done`](super::Client::done).
    Idling(Handle),
    /// It is time to leave IDLE and enter it anew, or the server may log off.
    IdleDue,
    /// The server says goodbye. After a LOGOUT its `Done` follows, else `Closed`.
    Bye(RespText),
}

/// A command that was not taken; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: {why}", command.verb().name())]
pub struct Rejected {
    /// The command, back.
    pub command: Box<Command<'static>>,
    /// Why.
    pub why: Refusal,
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not before [`Event::Ready`].
    #[error("the client is not ready: wait for Event::Ready")]
    NotReady,
    /// Not in this state: log in or select a mailbox first (RFC 3501 section 3).
    #[error("not in this state: log in or select a mailbox first, or it is too late")]
    State,
    /// A command that changes the state is under way (or IDLE): wait for its `Done`.
    #[error("a command that changes the state is under way: wait for its Done")]
    Busy,
    /// As many as [`Limits::commands`](super::Limits::commands) are under way: wait
    /// for a `Done`.
    #[error("too many commands are under way: wait for a Done")]
    TooMany,
    /// The server does not offer it.
    #[error("the server does not offer it")]
    NotOffered,
    /// The password would be readable on the wire.
    #[error("the connection is not encrypted: use TLS, or allow_plaintext_auth")]
    NotEncrypted,
    /// The server has said `LOGINDISABLED`.
    #[error("the server has disabled LOGIN: use AUTHENTICATE, or TLS")]
    LoginDisabled,
    /// No offered mechanism is known.
    #[error("the server offers no mechanism that is known")]
    NoMechanism,
    /// Not to be sent like this: there is a method for it, or the client does it by
    /// itself, or it is empty where IMAP wants something.
    #[error("it cannot be sent like this: use the method for it, and leave no list empty")]
    Form,
}

/// What ended a client's reading.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The protocol, a limit, a timer, the link or the driver.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The server says that it knows us already, so that STARTTLS cannot be asked
    /// for; anybody in between can say so.
    #[error("PREAUTH on a connection that is not encrypted, but TLS is required (RFC 9051 11.1)")]
    PreauthInClear,
    /// The server does not offer STARTTLS.
    #[error("the server does not offer STARTTLS, but TLS is required")]
    NoStartTls,
    /// The server, or somebody in between, answered STARTTLS with this.
    #[error("STARTTLS was answered with {}", .0.as_str())]
    StartTlsRefused(Condition),
    /// The server said goodbye while the connection was not yet what was asked for.
    /// Its words are not repeated: without TLS they may be anybody's.
    #[error("the server closed the connection (BYE) before TLS")]
    ByeBeforeTls,
    /// The server does not say what it can do.
    #[error("CAPABILITY was answered with {}", .0.as_str())]
    NoCapabilities(Condition),
}

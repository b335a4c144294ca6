//! What the client tells its caller.

use scop_core::{Fault, Misuse};
use thiserror::Error;

use crate::{BareByte, Extension, Reply};

/// Which command an event is about. Handles of one client grow in the order in which
/// the commands were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub(super) u32);

/// What happened.
///
/// Each handle ends in exactly one [`Reply`](ClientEvent::Reply) or
/// [`NotSent`](ClientEvent::NotSent), in the order of the commands, unless the
/// connection ends before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The server's first words, 220.
    Greeting(Reply),
    /// EHLO is through, under TLS where that was wanted and is there: commands are
    /// taken, [`capabilities`](super::Client::capabilities) tell what they may be.
    Ready,
    /// The answer to a command. That to [`data`](super::Client::data) is the answer to
    /// the message: if positive, the server is now responsible for it.
    Reply {
        /// Which command.
        handle: Handle,
        /// What the server said.
        reply: Reply,
    },
    /// The command was not sent, or a DATA was and is revoked: no message goes out.
    NotSent {
        /// Which command.
        handle: Handle,
        /// Why not.
        why: NotSent,
    },
    /// The server waits for the message: [`body`](super::Client::body), as often as it
    /// takes, then [`finish`](super::Client::finish).
    Body(Handle),
    /// The call that was refused for want of room, or took only part, would now
    /// succeed.
    Room,
    /// The server closes the connection, 421, unasked.
    Closing(Reply),
}

/// Why a command was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum NotSent {
    /// The transaction it belongs to was refused at MAIL.
    #[error("MAIL was refused")]
    MailRefused,
    /// The server took none of the recipients.
    #[error("no recipient was accepted")]
    NoRecipients,
}

/// Where the server ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Instead of a greeting.
    Greeting,
    /// In answer to EHLO or HELO.
    Hello,
}

/// What ended the conversation. Sticky.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server broke the protocol or a limit, a timer ran out, or the connection
    /// ended early.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The server does not want to talk to us.
    #[error("the server refused at {stage:?}: {reply}")]
    Refused {
        /// Where.
        stage: Stage,
        /// What it said.
        reply: Reply,
    },
    /// The connection ended behind a whole message, before its reply: the server may
    /// have accepted it or not (RFC 1047).
    #[error(
        "the connection ended before the message was answered; it may have been accepted or not"
    )]
    InDoubt,
    /// TLS is required and the server does not offer STARTTLS.
    #[error("TLS is required and the server does not offer STARTTLS; nothing was sent in clear")]
    NoStartTls,
    /// The server offered STARTTLS and refused it, and TLS is required (or it closes the
    /// connection).
    #[error("the server refused STARTTLS: {0}; nothing was sent in clear")]
    StartTlsRefused(Reply),
}

/// A command that was not taken; nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct Rejected<C> {
    /// The command, back.
    pub command: C,
    /// Why.
    pub why: Refusal,
}

/// Why a command is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Too much waits already.
    #[error("no room: wait for ClientEvent::Room")]
    NoRoom,
    /// The conversation has not come that far.
    #[error("not ready: wait for ClientEvent::Ready")]
    NotReady,
    /// QUIT was given, or the connection is over.
    #[error("the connection is closing")]
    Closing,
    /// A message or a transaction is under way.
    #[error("a transaction is open: finish its message, or call rset")]
    TransactionOpen,
    /// There is no transaction this could belong to.
    #[error("no transaction is open for this: call mail, rcpt, data in this order")]
    NoTransaction,
    /// The server does not offer what this needs.
    #[error("the server does not offer {}", .0.keyword())]
    Unsupported(Extension),
    /// The message is larger than the server says it takes.
    #[error("{size} bytes, and the server takes {limit} at most")]
    TooLarge {
        /// The size that was declared.
        size: u64,
        /// What the server takes.
        limit: u64,
    },
    /// It would show the password to the wire.
    #[error("no TLS: a password would go in clear (ClientConfig::auth_in_clear allows that)")]
    NeedsTls,
    /// The server offers no SASL mechanism that is known here.
    #[error("no common SASL mechanism")]
    NoMechanism,
    /// The credentials do not suit the mechanism.
    #[error("the mechanism cannot carry these credentials: {0}")]
    Sasl(scop_sasl::Error),
    /// AUTH succeeded before, or is under way.
    #[error("authenticated already, or about to be")]
    Authenticated,
}

/// Why part of a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BodyError {
    /// No message is wanted now. Nothing changed.
    #[error(transparent)]
    Misuse(#[from] Misuse),
    /// The message has a byte that must not be sent bare. It cannot be finished any
    /// more: abort the connection.
    #[error(transparent)]
    Bare(#[from] BareByte),
    /// A byte above 127 in a message that was not declared
    /// [`Body::EightBitMime`](crate::Body::EightBitMime) (RFC 6152 section 3). It was
    /// not sent.
    #[error("8-bit content in a message that was not declared so; set Mail::body")]
    EightBit,
}

use bytes::Bytes;
use scop_sasl::Credentials;

use crate::{BareByte, ClientName, Mail, Rcpt};

/// What a client wants, or did. Those marked *asks* must be answered before anything
/// goes on: [`Server::accept`](crate::Server::accept),
/// [`reject`](crate::Server::reject) or [`answer`](crate::Server::answer).
///
/// An error from `read`, and `Closed`, also mean that a transaction still open is
/// lost: nothing of it may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// The client said who it is. Answered already.
    Hello(Hello),
    /// The channel is encrypted. All that was known before is forgotten: who the client
    /// said it was, who authenticated, a transaction that was open.
    Encrypted,
    /// *Asks*: are these credentials good? 235, or 535 and the like.
    Auth(Credentials),
    /// *Asks*: may a message from here be sent? The transaction begins when accepted.
    Mail(Mail<'static>),
    /// *Asks*: and to here? 250, or 550 and the like; the others still count.
    Rcpt(Rcpt<'static>),
    /// *Asks*: may the message follow? At least one recipient was accepted. 354, or
    /// 451 and the like, which leaves the transaction as it was.
    Data,
    /// The next bytes of the message, dots taken out. Their borders mean nothing.
    Chunk(Bytes),
    /// *Asks*: the message is whole, of so many bytes; is it stored? Answer 250 only
    /// when it is, durably. Any answer ends the transaction.
    MessageEnd(u64),
    /// The message that was begun is bad: throw away what came of it. The transaction
    /// is over; the client is told when it is through.
    Abort(Abort),
    /// The transaction is over without a message: RSET, or another EHLO.
    Reset,
    /// The client takes its leave. `Closed` follows.
    Quit,
}

/// How a client introduced itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Hello {
    /// The name it gave, which nobody has checked.
    pub name: ClientName<'static>,
    /// By EHLO; else by HELO.
    pub esmtp: bool,
}

/// Why a message was given up half way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Abort {
    /// A bare CR, a bare LF or NUL, which the policy rejects; 550 5.5.2.
    Bare(BareByte),
    /// More bytes than the limit; 552 5.3.4.
    TooLarge,
}

//! The client machine: RFC 5321 with STARTTLS (RFC 3207), AUTH (RFC 4954), SIZE
//! (RFC 1870), 8BITMIME (RFC 6152), PIPELINING (RFC 2920) and enhanced status codes
//! (RFC 2034).
//!
//! ```text
//!  Greeting ──220──> Hello ──250──────────────────────────────────> Ready ──quit──> Closed
//!     │               │ ^ └─STARTTLS──220──> Upgrade                 │ ^             ^ ^
//!     │               │ └──EHLO again────────upgraded─┘              │ │ reply       │ │
//!     4yz 5yz        5yz: HELO, or an error where TLS is required    commands ──421──┘ │
//!     v               v                                              │                 │
//!   error           error                                            └ broken message ─┘
//!
//!  one message:   MAIL ─> RCPT.. ─> DATA ──354──> Body ──finish──> the reply to the message
//!                                     └─ not sent when no recipient is left
//! ```
//!
//! Up to `Ready` the machine acts by itself. From there on the caller gives it
//! commands, as many as it likes without waiting: they are pipelined if the server
//! can, else sent one by one. Replies are matched to commands by counting, never by
//! their text (RFC 2920 section 3.1). The machine never pauses for a flush: a client
//! that stopped reading until its peer reads would wait for ever on a peer that does
//! the same.

mod auth;
mod command;
mod config;
mod event;
mod message;
mod replies;
mod submission;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};
use scop_core::{
    Channel, Fault, Instant, Machine, Misuse, Next, Outbox, Pause, TimedOut, Timer, Violation,
};

use crate::{Capabilities, Command, DataEncoder, ReplyParser};

pub use config::{ClientConfig, ClientLimits, ClientTimeouts, TlsPolicy};
pub use event::{BodyError, ClientError, ClientEvent, Handle, NotSent, Refusal, Rejected, Stage};
pub use submission::{Envelope, Report, Submission, SubmissionError};

/// SMTP as the client speaks it.
///
/// Greeting, EHLO (HELO where that is not known) and STARTTLS are its own business;
/// with [`ClientEvent::Ready`] it takes commands, as many as are given without waiting
/// for replies: [`auth`](Self::auth), [`mail`](Self::mail), [`rcpt`](Self::rcpt),
/// [`data`](Self::data), [`body`](Self::body) and [`finish`](Self::finish) at
/// [`ClientEvent::Body`], [`quit`](Self::quit). It pipelines them where the server can,
/// else sends them one by one. [`Submission`] is a caller that does all of it.
///
/// ```
/// use bytes::BytesMut;
/// use scop_core::{Instant, Machine, Next};
/// use scop_smtp_proto::{Client, ClientConfig, ClientEvent, ClientName, TlsPolicy};
///
/// let config = ClientConfig::new(ClientName::new("me.example")?).tls(TlsPolicy::Never);
/// let mut client = Client::new(config);
/// let (now, mut input) = (Instant::ZERO, BytesMut::from("220 mx.example\r\n"));
/// let Next::Event(ClientEvent::Greeting(reply)) = client.read(now, &mut input)? else { panic!() };
/// assert_eq!(reply.text(), "mx.example");
/// assert_eq!(client.read(now, &mut input)?, Next::NeedInput);
/// assert_eq!(client.transmit(now).unwrap(), "EHLO me.example\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    phase: Phase,
    error: Option<ClientError>,
    channel: Option<Channel>,
    capabilities: Capabilities,
    authenticated: bool,
    /// TLS came by STARTTLS.
    starttls: bool,

    parser: ReplyParser,
    /// No more input will come.
    ended: bool,
    out: Outbox,
    /// Whose replies are awaited, the oldest first.
    sent: VecDeque<Sent>,
    /// What may not be sent yet, the oldest first.
    waiting: VecDeque<(Sent, Vec<u8>)>,
    /// What is to be told before more is read.
    events: VecDeque<ClientEvent>,
    /// A call was refused for want of room.
    wants_room: bool,

    next_handle: u32,
    /// The transaction the caller is in.
    stage: TransactionStage,
    transaction: u32,
    eight_bit: bool,
    /// Why the message cannot be finished.
    broken: Option<BodyError>,
    /// The answers so far, of the transaction they belong to.
    answers: Answers,
    encoder: DataEncoder,
    exchange: Option<auth::Exchange>,

    /// Since when the running timer runs.
    since: Instant,
    /// It shall start over at the next call that brings the time.
    restart: bool,
    /// All that was handed over is written, as far as is known.
    flushed: bool,
    /// How long a goodbye may take.
    linger: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing was read or sent: TLS may be there from the start.
    Start,
    /// Greeting, EHLO and STARTTLS are under way.
    Handshake,
    /// The server awaits our handshake.
    Upgrade,
    Ready,
    /// QUIT was given.
    Quitting,
    Closed,
}

/// What a reply is awaited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    kind: Kind,
    handle: Handle,
    transaction: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// 354 came, the message is being sent: no reply is due.
    Body,
    /// All of the message is on its way.
    Message,
    /// The dot that ends a message nobody wanted (RFC 2920 section 3.1).
    LoneDot,
    /// RSET, which the caller asked for.
    Plain,
    /// NOOP, VRFY.
    Barrier,
    /// One that makes room for the next transaction, of which nobody is told.
    Rset,
    Quit,
}

impl Kind {
    /// Nothing may be sent behind it before its reply (RFC 2920 section 3.1).
    fn ends_a_group(self) -> bool {
        !matches!(
            self,
            Kind::Mail | Kind::Rcpt | Kind::Plain | Kind::Rset | Kind::Message | Kind::LoneDot
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TransactionStage {
    /// None is open.
    Idle,
    Mail,
    Rcpt,
    Data,
    Body,
    /// One is open at the server that will come to nothing: RSET goes before MAIL.
    Stale,
}

#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    transaction: u32,
    mail_refused: bool,
    recipients: usize,
}

impl Client {
    /// A client that waits for its greeting. It says nothing before it is read.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let mut parser = ReplyParser::new(config.limits.reply);
        parser.set_plain(true);
        let greeting = Sent {
            kind: Kind::Greeting,
            handle: Handle(0),
            transaction: 0,
        };
        Client {
            out: Outbox::new(config.limits.outbox),
            encoder: DataEncoder::new(config.outgoing),
            config,
            phase: Phase::Start,
            error: None,
            channel: None,
            capabilities: Capabilities::default(),
            authenticated: false,
            starttls: false,
            parser,
            ended: false,
            sent: VecDeque::from([greeting]),
            waiting: VecDeque::new(),
            events: VecDeque::new(),
            wants_room: false,
            next_handle: 1,
            stage: TransactionStage::Idle,
            transaction: 0,
            eight_bit: false,
            broken: None,
            answers: Answers::default(),
            exchange: None,
            since: Instant::ZERO,
            restart: true,
            flushed: true,
            linger: None,
        }
    }

    /// What the server can do, as it said last: under TLS, what it said there. Empty
    /// before [`ClientEvent::Ready`].
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// What is known of the encrypted channel, once there is one.
    #[must_use]
    pub fn channel(&self) -> Option<&Channel> {
        self.channel.as_ref()
    }

    /// Commands are taken: [`ClientEvent::Ready`] was given, and no end is in sight.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Ready && self.error.is_none()
    }

    /// The server accepted our credentials.
    #[must_use]
    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// A message was sent to its end and its reply has not come. If the connection
    /// ends now, nobody can tell whether it was accepted: sending it again may
    /// duplicate it, not sending it may lose it (RFC 1047).
    #[must_use]
    pub fn in_doubt(&self) -> bool {
        self.sent.iter().any(|s| s.kind == Kind::Message)
    }

    /// Ends it at once: what is unsent is dropped, a message that was begun is never
    /// completed, and the connection closes without QUIT.
    pub fn abort(&mut self) {
        if self.error.is_none() {
            self.close();
            self.out.clear();
        }
    }

    /// Nothing is said from here on. What was said before may still leave: a message
    /// without its end is none, wherever it breaks off.
    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.stage = TransactionStage::Idle;
        self.waiting.clear();
        self.wants_room = false;
    }

    fn clock(&mut self, now: Instant) {
        if self.restart {
            self.since = now;
            self.restart = false;
        }
        if self.phase == Phase::Start {
            self.phase = Phase::Handshake;
        }
    }

    /// Sends a command of the handshake.
    fn send(&mut self, kind: Kind, command: &Command<'_>) {
        command.encode(self.out.tail());
        self.sent.push_back(Sent {
            kind,
            handle: Handle(0),
            transaction: self.transaction,
        });
        self.flushed = false;
        self.restart = true;
    }

    /// Poisons the machine.
    fn fail(&mut self, error: impl Into<ClientError>) -> ClientError {
        let error = error.into();
        self.close();
        self.error = Some(error.clone());
        error
    }

    /// Poisons the machine because the server will not do what we want, in due form:
    /// that deserves a QUIT.
    fn give_up(&mut self, now: Instant, error: ClientError) -> ClientError {
        let error = self.fail(error);
        Command::Quit.encode(self.out.tail());
        self.linger = Some(now + self.config.timeouts.linger);
        error
    }

    fn violation(&mut self, what: &'static str, rule: &'static str) -> ClientError {
        let offset = self.parser.offset();
        self.fail(Fault::Violation(Violation { what, offset, rule }))
    }

    /// The input is used up and no more will come.
    fn end(&mut self, input: &BytesMut) -> Result<Next<ClientEvent>, ClientError> {
        let offset = self.parser.offset() + input.len() as u64;
        let awaited = self.sent.front().map(|s| s.kind);
        let inside = match awaited {
            Some(Kind::Message) => return Err(self.fail(ClientError::InDoubt)),
            _ if !input.is_empty() || self.parser.is_open() => "a reply",
            // Many servers hang up instead of saying 221.
            None | Some(Kind::Quit) => {
                self.close();
                return Ok(Next::Closed);
            }
            Some(Kind::Greeting) => "the wait for a greeting",
            Some(Kind::Body) => "the message",
            Some(_) => "the wait for the reply to a command",
        };
        Err(self.fail(Fault::Truncated { inside, offset }))
    }

    fn has_room(&self) -> bool {
        !self.out.is_full() && self.sent.len() + self.waiting.len() < self.config.limits.in_flight
    }
}

impl Machine for Client {
    type Event = ClientEvent;
    type Error = ClientError;

    fn read(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Next<ClientEvent>, ClientError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        self.clock(now);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Next::Event(event));
            }
            if self.wants_room && self.has_room() {
                self.wants_room = false;
                return Ok(Next::Event(ClientEvent::Room));
            }
            match self.phase {
                Phase::Closed => return Ok(Next::Closed),
                Phase::Upgrade if !input.is_empty() => return Err(self.injected()),
                Phase::Upgrade if self.ended => {
                    return Err(self.fail(Fault::Truncated {
                        inside: "the wait for TLS",
                        offset: self.parser.offset(),
                    }));
                }
                // STARTTLS itself is unsent: the reply came before the question.
                Phase::Upgrade if !self.out.is_empty() => return Ok(Next::NeedInput),
                Phase::Upgrade => return Ok(Next::Paused(Pause::Upgrade)),
                _ => {}
            }
            match self.parser.read(input) {
                Ok(Some(reply)) => {
                    self.take_reply(now, reply)?;
                    self.pump();
                    self.since = now;
                    self.restart = false;
                }
                Ok(None) if self.ended => return self.end(input),
                Ok(None) => return Ok(Next::NeedInput),
                Err(fault) => return Err(self.fail(fault)),
            }
        }
    }

    fn read_closed(&mut self, _: Instant) {
        self.ended = true;
    }

    fn transmit(&mut self, now: Instant) -> Option<Bytes> {
        self.clock(now);
        let chunk = self.out.pop();
        if chunk.is_some() || !self.flushed {
            self.since = now;
        }
        self.flushed = chunk.is_none();
        chunk
    }

    fn deadline(&self) -> Option<(Instant, Timer)> {
        if self.error.is_some() || self.phase == Phase::Closed {
            return self.linger.map(|at| (at, Timer("linger")));
        }
        if self.restart {
            return None; // it starts with the next call that brings the time
        }
        let timeouts = &self.config.timeouts;
        let unsent = !self.flushed || !self.out.is_empty();
        let (length, name) = match (self.phase, self.sent.front().map(|s| s.kind)) {
            (Phase::Start, _) => return None,
            (Phase::Upgrade, _) => (timeouts.other, "the TLS handshake"),
            (_, None) => return None, // it is the caller who takes time
            (_, Some(kind)) => match kind {
                Kind::Greeting => (timeouts.greeting, "the greeting"),
                Kind::Body | Kind::Message if unsent => {
                    (timeouts.data_block, "a block of the message")
                }
                Kind::Body => return None, // the same
                Kind::Message => (timeouts.data_end, "the reply to the message"),
                Kind::Mail => (timeouts.mail, "the reply to MAIL"),
                Kind::Rcpt => (timeouts.rcpt, "the reply to RCPT"),
                Kind::Data => (timeouts.data, "the reply to DATA"),
                _ => (timeouts.other, "the reply to a command"),
            },
        };
        Some((self.since + length, Timer(name)))
    }

    fn expire(&mut self, now: Instant) {
        match self.deadline() {
            Some((at, timer)) if at <= now => {
                if self.error.is_some() || self.phase == Phase::Closed {
                    self.linger = None;
                    self.out.clear();
                } else {
                    self.fail(Fault::TimedOut(TimedOut { timer }));
                }
            }
            _ => {}
        }
    }

    fn upgraded(&mut self, now: Instant, channel: Channel) {
        if self.error.is_some() {
            return;
        }
        match self.phase {
            Phase::Start => self.channel = Some(channel),
            Phase::Upgrade if self.out.is_empty() => {
                // A new stream: nothing learnt in clear is kept (RFC 3207 section 4.2).
                self.channel = Some(channel);
                self.starttls = true;
                self.capabilities = Capabilities::default();
                self.parser = ReplyParser::new(self.config.limits.reply);
                self.sent.clear();
                self.phase = Phase::Handshake;
                self.hello();
                self.clock(now);
            }
            _ => {
                self.fail(Fault::Driver(Misuse {
                    what: "upgraded out of turn",
                    help: "call it at Paused(Upgrade), or before the first read or transmit",
                }));
            }
        }
    }
}

//! The server's side of SMTP (RFC 5321) and submission (RFC 6409), with PIPELINING
//! (RFC 2920), SIZE (RFC 1870), 8BITMIME (RFC 6152), ENHANCEDSTATUSCODES (RFC 2034),
//! STARTTLS (RFC 3207) and AUTH (RFC 4954).
//!
//! ```text
//!              220            421, QUIT, end of input
//!   Greeting ─────> Command ───────────────────────────> Closed
//!                    │ ▲ │
//!       MAIL RCPT    │ │ │ STARTTLS
//!       DATA         │ │ │ 220
//!                    ▼ │ ▼
//!                  Asked  Go ── upgraded ──> Command, all forgotten
//!                  ▲ │ ▲
//!    credentials   │ │ │   the dot: Message
//!                  │ │ └──────────────────────┐
//!     AUTH, 334 ─> Auth  └─ yes to Data, 354 ─> Data
//! ```
//!
//! From `Asked` the caller's answer leads back to `Command`, but for a yes to DATA.
//! What a transaction is stands beside it: none, or MAIL accepted and so many
//! recipients. A command out of turn is answered and counted; only what cannot be
//! answered (plaintext behind STARTTLS, HTTP, a limit) is a fault.

mod command;
mod config;
mod event;
mod read;

use alloc::{boxed::Box, string::String, sync::Arc};
use core::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use scop_core::{
    Budget, Channel, Fault, Instant, LimitExceeded, LineScanner, Machine, Misuse, Next, Outbox,
    Pace, TimedOut, Timer, Violation,
};

pub use config::{ServerConfig, ServerLimits};
pub use event::{Abort, Hello, ServerEvent};

use crate::{ClientName, DataDecoder, Reply};

/// How long the last words may take to leave.
const LINGER: Duration = Duration::from_secs(30);

/// The server's side of one connection.
///
/// ```
/// use std::sync::Arc;
/// use bytes::BytesMut;
/// use scop_core::{Instant, Machine, Next};
/// use scop_smtp_proto::{ClientName, Server, ServerConfig, ServerEvent};
///
/// let config = Arc::new(ServerConfig::new(ClientName::new("mx.example.org")?));
/// let mut server = Server::new(config);
/// let mut input = BytesMut::from("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n");
/// let mut message = Vec::new();
/// loop {
///     match server.read(Instant::ZERO, &mut input)? {
///         Next::Event(ServerEvent::Mail(_) | ServerEvent::Data) => server.accept()?,
///         Next::Event(ServerEvent::Rcpt(rcpt)) if rcpt.to.as_str() == "x@y" => server.accept()?,
///         Next::Event(ServerEvent::Rcpt(_)) => server.reject(550, "5.1.1 No such user here")?,
///         Next::Event(ServerEvent::Chunk(chunk)) => message.extend_from_slice(&chunk),
///         Next::Event(ServerEvent::MessageEnd(_)) => server.accept()?, // once it is on disk
///         Next::Event(_) => {}
///         Next::Closed => break,
///         other => panic!("{other:?}"),
///     }
/// }
/// assert_eq!(message, b"hi\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
    state: State,
    out: Outbox,
    scanner: LineScanner,
    fault: Option<Fault>,
    ended: bool,
    stopping: bool,
    /// Bytes taken from this stream.
    offset: u64,

    hello: Option<Hello>,
    channel: Option<Box<Channel>>,
    /// To be told of by an event.
    encrypted_now: bool,
    authenticated: Option<String>,
    transaction: Option<Transaction>,
    long_lines: bool,

    messages: u32,
    errors: Budget,
    junk: Budget,
    auth_failures: Budget,

    /// Since when the client is waited for; not while it waits for us.
    waiting: Option<Instant>,
    /// When a chunk was handed out: what the caller does with it is not the client's time.
    handed: Option<Instant>,
    pace: Pace,
    linger: Linger,
}

#[derive(Debug)]
enum State {
    Greeting,
    Command,
    /// In a command line that is too long, of which so much is still put up with.
    Discard(usize),
    /// An exchange waits for the client's next line.
    Auth(scop_sasl::Server),
    /// The caller owes an answer.
    Asked(Question),
    Data(Incoming),
    /// The go-ahead to STARTTLS was given.
    Go,
    Closed,
}

/// What was asked.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    Mail,
    Rcpt,
    Data,
    Message,
    /// Who would be authenticated.
    Auth(String),
}

#[derive(Clone, Copy, Debug, Default)]
struct Transaction {
    /// RCPT commands asked about, and those accepted.
    tried: u32,
    accepted: u32,
}

/// A message that is being read.
#[derive(Debug)]
struct Incoming {
    decoder: DataDecoder,
    size: u64,
    /// The client was waited for since.
    started: bool,
    bad: Option<Abort>,
    /// `bad`, and the caller does not know yet.
    untold: bool,
}

#[derive(Clone, Copy, Debug)]
enum Linger {
    No,
    Until(Instant),
    Over,
}

impl Server {
    /// A connection just opened. Nothing is said before the first `read`, so that TLS
    /// may come before it.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>) -> Self {
        let limits = &config.limits;
        let budget = |what, limit: u32| Budget::new(what, u64::from(limit));
        Server {
            state: State::Greeting,
            out: Outbox::new(limits.outbox),
            scanner: LineScanner::new(),
            fault: None,
            ended: false,
            stopping: false,
            offset: 0,
            hello: None,
            channel: None,
            encrypted_now: false,
            authenticated: None,
            transaction: None,
            long_lines: false,
            messages: 0,
            errors: budget("errors", limits.errors),
            junk: budget("commands without a message", limits.junk),
            auth_failures: budget("failed authentications", limits.auth_failures),
            waiting: None,
            handed: None,
            pace: Pace::new(limits.grace, limits.min_rate),
            linger: Linger::No,
            config,
        }
    }

    /// What the client calls itself, once it said so.
    #[must_use]
    pub fn client(&self) -> Option<&ClientName<'static>> {
        self.hello.as_ref().map(|h| &h.name)
    }

    /// It said EHLO.
    #[must_use]
    pub fn is_esmtp(&self) -> bool {
        self.hello.as_ref().is_some_and(|h| h.esmtp)
    }

    /// The channel is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.channel.is_some()
    }

    /// What is known of the encrypted channel.
    #[must_use]
    pub fn channel(&self) -> Option<&Channel> {
        self.channel.as_deref()
    }

    /// Who authenticated: the name whose credentials were accepted.
    #[must_use]
    pub fn authenticated(&self) -> Option<&str> {
        self.authenticated.as_deref()
    }

    /// Whether the last message had lines longer than
    /// [`MAX_TEXT_LINE`](crate::MAX_TEXT_LINE): ask at [`ServerEvent::MessageEnd`].
    #[must_use]
    pub fn has_long_lines(&self) -> bool {
        self.long_lines
    }

    /// Says yes to what was asked: 250, 354 or 235.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when nothing was asked.
    pub fn accept(&mut self) -> Result<(), Misuse> {
        let reply: &[u8] = match self.asked()? {
            Question::Mail => b"250 2.1.0 Sender OK\r\n",
            Question::Rcpt => b"250 2.1.5 Recipient OK\r\n",
            Question::Data => b"354 Go ahead, end with <CRLF>.<CRLF>\r\n",
            Question::Message => b"250 2.0.0 Message accepted\r\n",
            Question::Auth(_) => b"235 2.7.0 Authenticated\r\n",
        };
        self.out.push(reply);
        self.answered(true);
        Ok(())
    }

    /// Says no to what was asked, as [`answer`](Self::answer) with a reply of one line.
    /// An enhanced code at the start of `text` is taken for one: `5.1.1 No such user`.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when nothing was asked, or this is no 4xx or 5xx reply.
    pub fn reject(&mut self, code: u16, text: &str) -> Result<(), Misuse> {
        let misuse = |what| Misuse {
            what,
            help: "give a code of 400 to 559 and one line of text",
        };
        if code < 400 {
            return Err(misuse("a rejection that is none"));
        }
        let reply = Reply::new(code, String::from(text));
        self.answer(&reply.map_err(|_| misuse("a reply that cannot be sent"))?)
    }

    /// Answers what was asked: 250 to 252 (354 to `Data`, 235 to `Auth`) is a yes, any
    /// 4xx or 5xx a no, 421 a no behind which the connection closes.
    ///
    /// # Errors
    ///
    /// [`Misuse`] when nothing was asked, or the code is no answer to it.
    pub fn answer(&mut self, reply: &Reply) -> Result<(), Misuse> {
        let yes = match (self.asked()?, reply.code().get()) {
            (_, 400..) => false,
            (Question::Data, 354) | (Question::Auth(_), 235) => true,
            (Question::Mail | Question::Rcpt | Question::Message, 250..=252) => true,
            _ => {
                return Err(Misuse {
                    what: "a reply that is no answer to this",
                    help: "354 to Data, 235 to Auth, else 250; or 4xx, 5xx",
                });
            }
        };
        reply.encode(self.out.tail());
        self.answered(yes);
        if reply.code().get() == 421 {
            self.state = State::Closed;
        }
        Ok(())
    }

    /// Ends the connection in order: 421, at once or when the transaction that runs is
    /// over. Then call `read`.
    pub fn shutdown(&mut self) {
        self.stopping = true;
    }

    fn asked(&self) -> Result<&Question, Misuse> {
        match &self.state {
            State::Asked(question) if self.fault.is_none() => Ok(question),
            _ => Err(Misuse {
                what: "nothing was asked",
                help: "answer each event that asks once, when it comes",
            }),
        }
    }

    fn answered(&mut self, yes: bool) {
        let State::Asked(question) = core::mem::replace(&mut self.state, State::Command) else {
            return;
        };
        match question {
            Question::Mail => self.transaction = yes.then(Transaction::default),
            Question::Rcpt => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.accepted += u32::from(yes);
                }
            }
            Question::Data if yes => {
                self.state = State::Data(Incoming {
                    decoder: DataDecoder::new(self.config.bare),
                    size: 0,
                    started: false,
                    bad: None,
                    untold: false,
                });
            }
            Question::Data => {}
            Question::Message => {
                self.transaction = None;
                self.junk.reset();
            }
            Question::Auth(name) if yes => self.authenticated = Some(name),
            Question::Auth(_) => {
                if let Err(limit) = self.auth_failures.spend(1, self.offset) {
                    self.fail(limit.into());
                }
            }
        }
    }

    /// Poisons the machine and says goodbye.
    #[cold]
    fn fail(&mut self, fault: Fault) {
        let goodbye = match &fault {
            _ if matches!(self.state, State::Go) => None, // nobody listens in clear
            Fault::Truncated { .. } => None,
            Fault::TimedOut(_) => Some("4.4.2 That took too long"),
            Fault::Limit(_) => Some("4.7.0 That was too much"),
            Fault::Violation(_) => Some("4.7.0 That is not SMTP"),
            _ => Some("4.3.0 Something went wrong here"),
        };
        if let Some(text) = goodbye {
            self.say(format_args!("421 {text}, closing"));
        }
        self.fault = Some(fault);
    }

    /// Ends in order, with a last reply.
    fn close(&mut self, text: &str) {
        self.say(format_args!("{text}"));
        self.state = State::Closed;
    }

    fn say(&mut self, line: fmt::Arguments<'_>) {
        struct Line<'a>(&'a mut alloc::vec::Vec<u8>);
        impl fmt::Write for Line<'_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
        // Writing to a Vec does not fail.
        let _ = fmt::write(&mut Line(self.out.tail()), line);
        self.out.push(b"\r\n");
    }

    fn limit(&self, what: &'static str, limit: u64) -> Fault {
        let offset = self.offset;
        Fault::Limit(LimitExceeded {
            what,
            limit,
            offset,
        })
    }

    fn violation(&self, what: &'static str, rule: &'static str) -> Fault {
        let offset = self.offset;
        Fault::Violation(Violation { what, offset, rule })
    }

    fn injected(&self) -> Fault {
        self.violation("plaintext behind STARTTLS", "RFC 3207 4.2")
    }

    fn lingers(&mut self, now: Instant) {
        if matches!(self.linger, Linger::No) {
            self.linger = Linger::Until(now + LINGER);
        }
    }
}

impl Machine for Server {
    type Event = ServerEvent;
    type Error = Fault;

    fn read(&mut self, now: Instant, input: &mut BytesMut) -> Result<Next<ServerEvent>, Fault> {
        if self.fault.is_none() {
            match self.step(now, input) {
                Ok(next) => {
                    if matches!(next, Next::Closed) {
                        self.lingers(now);
                    }
                    return Ok(next);
                }
                Err(fault) => self.fail(fault),
            }
        }
        self.lingers(now);
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(Next::Closed),
        }
    }

    fn read_closed(&mut self, _: Instant) {
        self.ended = true;
    }

    fn transmit(&mut self, _: Instant) -> Option<Bytes> {
        self.out.pop()
    }

    fn deadline(&self) -> Option<(Instant, Timer)> {
        match self.linger {
            Linger::Until(at) => return Some((at, Timer("the last reply"))),
            Linger::Over => return None,
            Linger::No => {}
        }
        let idle = self.waiting? + self.config.limits.idle;
        let idle = (idle, Timer("the client's next command"));
        if !matches!(self.state, State::Data(_)) {
            return Some(idle);
        }
        let pace = self
            .pace
            .deadline()
            .map(|at| (at, Timer("the least speed")));
        let idle = (idle.0, Timer("the next bytes of the message"));
        match pace {
            Some(pace) if pace.0 < idle.0 => Some(pace),
            _ => Some(idle),
        }
    }

    fn expire(&mut self, now: Instant) {
        let Some((_, timer)) = self.deadline().filter(|(at, _)| *at <= now) else {
            return;
        };
        if matches!(self.linger, Linger::No) {
            self.fail(TimedOut { timer }.into());
            self.lingers(now);
        } else {
            self.linger = Linger::Over;
        }
    }

    fn upgraded(&mut self, now: Instant, channel: Channel) {
        let due = match self.state {
            State::Greeting => self.channel.is_none(),
            State::Go => self.out.is_empty(),
            _ => false,
        };
        if self.fault.is_some() {
            return;
        }
        if !due {
            self.fail(Fault::Driver(Misuse {
                what: "upgraded out of turn",
                help: "call it at Paused(Upgrade), or before the first read",
            }));
            self.lingers(now);
            return;
        }
        if matches!(self.state, State::Go) {
            self.state = State::Command;
            self.waiting = Some(now);
        }
        // RFC 3207 section 4.2: as if the connection had just begun.
        self.hello = None;
        self.authenticated = None;
        self.transaction = None;
        self.scanner.reset();
        self.offset = 0;
        self.channel = Some(Box::new(channel));
        self.encrypted_now = true;
    }
}

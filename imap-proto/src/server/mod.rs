//! The server's side of a connection, IMAP4rev1 (RFC 3501) with STARTTLS, SASL-IR
//! (RFC 4959), ID (2971), ENABLE (5161), IDLE (2177), NAMESPACE (2342), UIDPLUS
//! (4315), UNSELECT (3691), MOVE (6851), LITERAL+ and LITERAL- (7888).
//!
//! [`Server`] speaks the protocol; mailboxes are the caller's. It reads commands,
//! refuses what is wrong or not allowed, answers what needs no mailbox, and hands
//! out the rest as [`ServerEvent`]s, which the caller answers by tag.
//!
//! ```text
//!                 greeting OK                     greeting PREAUTH
//!                      |                                 |
//!              +-------v----------+                      |
//!  STARTTLS -->| NotAuthenticated |                      |
//!  (upgraded)  +-------+----------+                      |
//!                      | LOGIN, AUTHENTICATE: done(OK)   |
//!              +-------v----------+<---------------------+
//!              |  Authenticated   |<-----------------+
//!              +-------+----------+                  | CLOSE, UNSELECT: done(OK)
//!                      | SELECT, EXAMINE: done(OK)   | SELECT, EXAMINE: begun
//!              +-------v----------+                  |
//!              |     Selected     |------------------+
//!              +-------+----------+
//!                      | LOGOUT, BYE (from any state)
//!              +-------v----------+
//!              |     Logout       |
//!              +------------------+
//!
//!  what is read, in any of them:
//!
//!   Command --- STARTTLS ----------> Upgrade (one byte here is fatal)
//!    ^   ^ `--- AUTHENTICATE ------> Sasl --- lines ---------------------.
//!    |   | `--- IDLE --------------> Idle --- DONE ----------------------+
//!    |   |  `-- APPEND ... {n} ----> Decide -- accept --> Body --> Tail -+
//!    |   |                              | done(NO)          | done(NO)   |
//!    |   `----- {n+} refused -----------+-----> Discard <---'            |
//!    `-------------------------------------------------------------------'
//! ```
//!
//! Which command is allowed in which state is one table, in `gate.rs`.
//!
//! ```
//! use bytes::BytesMut;
//! use scop_core::{Instant, Machine, Next};
//! use scop_imap_proto::{
//!     command::Command,
//!     response::{Condition, Data, RespText},
//!     server::{Server, ServerConfig, ServerEvent},
//! };
//!
//! let mut config = ServerConfig::new();
//! config.preauthenticated = true;
//! let mut server = Server::new(config);
//! let mut input = BytesMut::from("a1 LSUB \"\" \"*\"\r\n");
//! let now = Instant::ZERO;
//! let Next::Event(ServerEvent::Command { tag, command }) = server.read(now, &mut input)? else {
//!     panic!("no command");
//! };
//! assert!(matches!(command, Command::Lsub { .. }));
//! // Here server.data(&Data::Lsub(..)) for each.
//! server.done(&tag, Condition::Ok, RespText::new("done"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod config;
mod deliver;
mod event;
mod frame;
mod gate;
mod output;
mod read;
mod timers;

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use bytes::{Bytes, BytesMut};
use scop_core::{Budget, Channel, Counted, Fault, Instant, Machine, Misuse, Next, TimedOut, Timer};

use crate::{
    command::{Command, Verb},
    response::{Code, Condition, RespText, Response},
    types::{Literal, Tag},
};

pub use config::{ServerConfig, ServerLimits};
pub use event::{Refused, Selected, ServerEvent, State};

use frame::Framer;
use output::Output;
use timers::Timers;

/// The server's side of an IMAP connection. See the [module](self).
///
/// An error from `read`, and `Closed`, mean also that whatever is under way is over:
/// a message not at its [`ServerEvent::AppendEnd`] is to be discarded.
#[derive(Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
    state: State,
    phase: Phase,
    framer: Framer,
    /// Tag and name of the frame at the front, once a literal is announced in it.
    head: Option<(Tag<'static>, Verb)>,
    output: Output,
    timers: Timers,
    /// Commands that the caller owes an answer to.
    pending: Vec<Pending>,
    /// A command that waits for those.
    ready: Option<Box<Ready>>,
    /// An event that comes next.
    due: Option<Box<ServerEvent>>,
    errors: Budget,
    auth_failures: Budget,
    channel: Option<Box<Channel>>,
    greeted: bool,
    input_closed: bool,
    /// The caller wants to end it, with these words.
    closing: Option<Box<RespText>>,
    fault: Option<Fault>,
    /// Bytes taken from this stream, and those counted for the pace.
    taken: u64,
    counted: u64,
}

/// A command under way.
#[derive(Debug)]
struct Pending {
    tag: Tag<'static>,
    verb: Verb,
    shared: bool,
}

/// A command that was read and not begun.
#[derive(Debug)]
struct Ready {
    tag: Tag<'static>,
    command: Command<'static>,
    /// An APPEND's message is announced, so.
    literal: Option<Literal>,
}

/// What the next bytes are.
#[derive(Debug)]
enum Phase {
    /// A command.
    Command,
    /// `Paused(Upgrade)`: nothing may come.
    Upgrade,
    /// Lines of an AUTHENTICATE exchange.
    Sasl {
        tag: Tag<'static>,
        exchange: scop_sasl::Server,
    },
    /// `DONE`.
    Idle { tag: Tag<'static> },
    /// An APPEND's message, if the caller will have it.
    Decide { tag: Tag<'static>, literal: Literal },
    /// An accepted message.
    Body {
        tag: Tag<'static>,
        size: u64,
        left: Counted,
    },
    /// The line end behind a message.
    Tail { tag: Tag<'static>, size: u64 },
    /// A refused literal.
    Discard(Counted),
    /// The rest of the line behind a refused literal.
    DiscardLine,
    /// Nothing more.
    Over,
}

impl Server {
    /// A connection that has just been accepted. Nothing is said before the first
    /// `read` or `transmit`, so that TLS may come first.
    #[must_use]
    pub fn new(config: impl Into<Arc<ServerConfig>>) -> Self {
        let config = config.into();
        let limits = &config.limits;
        Server {
            state: State::NotAuthenticated,
            phase: Phase::Command,
            framer: Framer::default(),
            head: None,
            output: Output::new(limits.outbox, limits.held),
            timers: Timers::new(limits),
            pending: Vec::new(),
            ready: None,
            due: None,
            errors: Budget::new("wrong commands", limits.errors),
            auth_failures: Budget::new("failed logins", limits.auth_failures),
            channel: None,
            greeted: false,
            input_closed: false,
            closing: None,
            fault: None,
            taken: 0,
            counted: 0,
            config,
        }
    }

    /// Where the connection stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// What is known of the encrypted channel; `None` in clear.
    #[must_use]
    pub fn channel(&self) -> Option<&Channel> {
        self.channel.as_deref()
    }

    /// Whether TLS is up.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.channel.is_some()
    }

    /// Whether the client is in IDLE.
    #[must_use]
    pub fn is_idling(&self) -> bool {
        matches!(self.phase, Phase::Idle { .. })
    }

    /// How many commands the caller owes an answer to.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    fn greet(&mut self, now: Instant) {
        if core::mem::replace(&mut self.greeted, true) {
            return;
        }
        let condition = if self.config.preauthenticated {
            self.state = State::Authenticated;
            Condition::Preauth
        } else {
            Condition::Ok
        };
        self.timers.start(now, self.config.preauthenticated);
        let text = RespText::new("IMAP4rev1 ready").with(Code::Capability(self.capabilities()));
        self.output.say(&Response::Condition { condition, text });
    }

    fn say_tagged(&mut self, tag: Tag<'static>, condition: Condition, text: RespText) {
        self.output.say(&Response::Tagged {
            tag,
            condition,
            text,
        });
    }

    fn say_bye(&mut self, text: RespText) {
        self.output.say(&Response::Condition {
            condition: Condition::Bye,
            text,
        });
    }

    /// Ends reading for good, with these words if they can be said.
    fn fail(&mut self, fault: impl Into<Fault>, bye: Option<&str>) -> Fault {
        let fault = fault.into();
        if self.fault.is_none() {
            self.fault = Some(fault);
            self.state = State::Logout;
            self.pending = Vec::new();
            self.ready = None;
            match bye {
                // In the middle of a literal nothing else can be said.
                Some(text) if !self.output.is_open() => self.say_bye(RespText::new(text)),
                _ => self.output.clear(),
            }
        }
        self.fault.unwrap_or(fault)
    }
}

impl Machine for Server {
    type Event = ServerEvent;
    type Error = Fault;

    fn read(&mut self, now: Instant, input: &mut BytesMut) -> Result<Next<ServerEvent>, Fault> {
        if self.fault.is_none() {
            self.greet(now);
            self.timers.begin(now);
        }
        let next = match self.fault {
            Some(fault) => Err(fault),
            None => {
                let arrived = self.taken + input.len() as u64;
                let next = self.step(now, input, arrived);
                self.taken = arrived - input.len() as u64;
                next
            }
        };
        if next.is_err() || matches!(next, Ok(Next::Closed)) {
            self.timers.over(now);
        }
        let waiting = matches!(next, Ok(Next::NeedInput));
        if waiting {
            self.pace(now, input.len());
        }
        self.timers.end(now, waiting, !self.output.is_empty());
        next
    }

    fn read_closed(&mut self, _now: Instant) {
        self.input_closed = true;
    }

    fn transmit(&mut self, now: Instant) -> Option<Bytes> {
        if self.fault.is_none() {
            self.greet(now);
        }
        let chunk = self.output.pop();
        self.timers.transmitted(now, chunk.is_some());
        chunk
    }

    fn deadline(&self) -> Option<(Instant, Timer)> {
        // While a message comes it is the client who is waited for.
        let comes = matches!(self.phase, Phase::Body { .. } | Phase::Tail { .. });
        let owing = !self.pending.is_empty() && !comes;
        self.timers.next(&self.config.limits, owing)
    }

    fn expire(&mut self, now: Instant) {
        let Some((at, timer)) = self.deadline() else {
            return;
        };
        if at > now {
            return;
        }
        if timer == timers::LINGER {
            self.output.clear();
            self.timers.abandon();
            return;
        }
        if timer == timers::WRITE {
            // It does not read; a goodbye would not be read either.
            self.output.clear();
            self.timers.abandon();
            self.fail(TimedOut { timer }, None);
        } else {
            self.fail(TimedOut { timer }, Some("autologout"));
        }
        self.timers.over(now);
        self.timers.end(now, false, !self.output.is_empty());
    }

    fn upgraded(&mut self, _now: Instant, channel: Channel) {
        let due = matches!(self.phase, Phase::Upgrade) && self.output.is_empty();
        if self.fault.is_some() {
            return;
        }
        if self.greeted && !due {
            let misuse = Misuse {
                what: "upgraded out of turn",
                help: "call it at Paused(Upgrade), or before the first read or transmit",
            };
            self.output.clear();
            self.fail(Fault::Driver(misuse), None);
            return;
        }
        self.channel = Some(Box::new(channel));
        self.phase = Phase::Command;
        self.framer.reset();
        (self.taken, self.counted) = (0, 0);
        self.due = Some(Box::new(ServerEvent::Encrypted));
    }
}

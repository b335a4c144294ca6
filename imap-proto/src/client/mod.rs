//! The client's side of IMAP4rev1 as a machine (RFC 3501; STARTTLS 6.2.1, SASL 6.2.2
//! with RFC 4959, IDLE by RFC 2177, literals by RFC 7888).
//!
//! ```text
//!            * OK, STARTTLS wanted         a STARTTLS ─> a OK, Paused(Upgrade), upgraded
//!  Greeting ──────────────────────> TLS ──────────────────────────────┐
//!     │ * OK or * PREAUTH                                             │
//!     │ (none wanted, or encrypted)     a CAPABILITY                  │
//!     ├─────────────────────────> capabilities known? <───────────────┘
//!     │                                 │ Event::Ready
//!     │ * BYE            ┌──────────────v───────────┐ login, authenticate  ┌───────────────┐
//!     │                  │    NotAuthenticated      ├─────────────────────>│ Authenticated │<─┐
//!     │                  └──────────────┬───────────┘                      └──┬─────────┬──┘  │
//!     v                                 │ logout, * BYE          logout, * BYE│   select│     │close,
//!  Closed <─────────────────────────────┴─────────────────────────────────────┤  ┌──────v───┐ │unselect
//!                                                                             └──┤ Selected ├─┘
//!                                                                                └──────────┘
//! ```
//!
//! What comes before TLS counts for nothing: not the capabilities, no data, no
//! alert, no text. A server that cannot or will not start TLS where it is required,
//! or says a single byte more than its go-ahead, ends the connection.
//!
//! Commands are values ([`Client::send`]) or methods ([`Client::select`], ..). Each
//! gives a [`Handle`], and ends in one [`Event::Done`] with it, unless the connection
//! ends first. They need not wait for each other: the client sends at once what may
//! be under way together (RFC 3501 section 5.5) and keeps the others until their
//! turn, in order.
//!
//! A [`Client`] never pauses for a flush.

mod commands;
mod config;
mod event;
mod hear;
mod outgoing;
mod pipeline;

use alloc::{collections::VecDeque, format, vec::Vec};
use core::time::Duration;

use bytes::{Bytes, BytesMut};
use scop_core::{
    Channel, Fault, Instant, Machine, Misuse, Next, Pause, TimedOut, Timer, Violation,
};
use scop_sasl::Secret;

use crate::{
    command::{Command, Verb},
    response::{Reader, RespText},
    types::{Capability, NonSync, Tag},
};
use outgoing::{Outgoing, Wrote};
use pipeline::Effects;

pub use commands::Taken;
pub use config::{Config, Limits, Timeouts, TlsPolicy};
pub use event::{Error, Event, Handle, Refusal, Rejected};

/// Where the session stands (RFC 3501 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Log in first.
    NotAuthenticated,
    /// Select a mailbox to get at messages.
    Authenticated,
    /// A mailbox is selected.
    Selected {
        /// By EXAMINE, or the server says so.
        read_only: bool,
    },
    /// The server said goodbye.
    Logout,
}

/// Where the connection stands.
#[derive(Debug)]
enum Phase {
    Greeting,
    /// The client's own commands run: STARTTLS, CAPABILITY.
    Preparing,
    /// The go-ahead came.
    UpgradeDue,
    Ready,
    Closed,
    Failed(Error),
}

/// A command that is under way.
#[derive(Debug)]
struct Flight {
    number: u32,
    verb: Verb,
    effects: Effects,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    /// The caller's.
    Caller,
    /// The client's own; its data is no event.
    StartTls,
    /// The client's own, before `Ready`.
    Capabilities,
    /// The client's own, after the server knew the user; then this is reported.
    AfterLogin(Event),
}

/// A SASL exchange.
#[derive(Debug)]
struct Exchange {
    sasl: scop_sasl::Client,
    /// The first message, if it has to wait for the server's empty challenge.
    initial: Option<Secret>,
    cancelled: bool,
}

/// How far an IDLE is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Idle {
    No,
    /// Asked for; `true`: `DONE` is wanted already.
    Asked(bool),
    /// Accepted, at that time.
    Since(Instant),
    /// The timer was reported.
    Due,
    /// `DONE` is sent.
    Ending,
}

/// An IMAP client's connection.
///
/// ```
/// use bytes::BytesMut;
/// use scop_core::{Instant, Machine, Next};
/// use scop_imap_proto::client::{Client, Config, Event, TlsPolicy};
///
/// let mut client = Client::new(Config::new().tls(TlsPolicy::Never));
/// let mut input = BytesMut::from("* OK [CAPABILITY IMAP4rev1] hello\r\n");
/// let now = Instant::ZERO;
/// assert_eq!(client.read(now, &mut input)?, Next::Event(Event::Ready));
/// let handle = client.noop()?;
/// assert_eq!(client.transmit(now).unwrap(), "A1 NOOP\r\n");
/// input.extend_from_slice(b"* 4 EXISTS\r\nA1 OK done\r\n");
/// assert!(matches!(client.read(now, &mut input)?, Next::Event(Event::Data(_))));
/// assert!(matches!(client.read(now, &mut input)?, Next::Event(Event::Done { handle: h, .. }) if h == handle));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client {
    config: Config,
    reader: Reader,
    out: Outgoing,
    phase: Phase,
    state: State,
    /// `None`: not known, or not known any more.
    capabilities: Option<Vec<Capability<'static>>>,
    /// They were said since the last login was begun.
    fresh: bool,
    channel: Option<Channel>,
    greeting: Option<RespText>,
    /// The number of the latest tag.
    latest: u32,
    under_way: Vec<Flight>,
    /// Commands that wait their turn.
    waiting: VecDeque<(u32, Command<'static>, Effects)>,
    exchange: Option<Exchange>,
    idle: Idle,
    events: VecDeque<Event>,
    /// The caller was refused room for a message.
    wants_room: bool,
    /// When bytes last moved, while somebody waits for the server.
    moved: Option<Instant>,
    /// Bytes of the input that were left by the latest read.
    unread: usize,
    /// Anything was read or sent at all.
    touched: bool,
    bye: bool,
    ended: bool,
}

impl Client {
    /// A client of a connection that was just made. For implicit TLS call
    /// [`upgraded`](Machine::upgraded) before anything else (the `Tls` layer does).
    #[must_use]
    pub fn new(config: Config) -> Self {
        Client {
            reader: Reader::new(config.limits.before_login),
            out: Outgoing::new(config.limits.outbox),
            config,
            phase: Phase::Greeting,
            state: State::NotAuthenticated,
            capabilities: None,
            fresh: false,
            channel: None,
            greeting: None,
            latest: 0,
            under_way: Vec::new(),
            waiting: VecDeque::new(),
            exchange: None,
            idle: Idle::No,
            events: VecDeque::new(),
            wants_room: false,
            moved: None,
            unread: 0,
            touched: false,
            bye: false,
            ended: false,
        }
    }

    /// Where the session stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// [`Event::Ready`] was given and the connection has not ended.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready)
    }

    /// What the server can do, as it last said; after TLS and after login that is
    /// asked anew. Empty before [`Event::Ready`].
    #[must_use]
    pub fn capabilities(&self) -> &[Capability<'static>] {
        match self.phase {
            Phase::Ready | Phase::Closed => self.capabilities.as_deref().unwrap_or_default(),
            _ => &[],
        }
    }

    /// Whether the server can do that: it says so, or it is part of an IMAP4rev2 that
    /// it offers (RFC 9051 appendix E).
    #[must_use]
    pub fn offers(&self, capability: &Capability<'_>) -> bool {
        let all = self.capabilities();
        let in_rev2 = matches!(
            capability,
            Capability::Namespace
                | Capability::Unselect
                | Capability::UidPlus
                | Capability::Idle
                | Capability::SaslIr
                | Capability::Enable
                | Capability::Move
                | Capability::LiteralMinus
        );
        all.contains(capability) || (in_rev2 && all.contains(&Capability::Imap4Rev2))
    }

    /// What the server said first, if that was said on the channel in use: not if TLS
    /// began later.
    #[must_use]
    pub fn greeting(&self) -> Option<&RespText> {
        self.greeting.as_ref()
    }

    /// The connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.channel.is_some()
    }

    /// What is known of the encrypted channel.
    #[must_use]
    pub fn channel(&self) -> Option<&Channel> {
        self.channel.as_ref()
    }

    /// How many commands are under way or wait their turn.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.under_way.len() + self.waiting.len()
    }

    fn fail(&mut self, error: impl Into<Error>) -> Error {
        let error = error.into();
        self.phase = Phase::Failed(error.clone());
        self.waiting.clear();
        self.exchange = None;
        self.events.clear();
        error
    }

    fn violation(&self, what: &'static str, rule: &'static str) -> Error {
        let offset = self.reader.offset();
        Error::Fault(Fault::Violation(Violation { what, offset, rule }))
    }

    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.state = State::Logout;
        self.waiting.clear();
        self.under_way.clear();
        self.exchange = None;
    }

    /// Whether what is said now counts for nothing, because TLS is to come, or it is
    /// not known yet whether.
    fn is_hearsay(&self) -> bool {
        !matches!(self.phase, Phase::Ready)
            && self.channel.is_none()
            && self.config.tls != TlsPolicy::Never
    }

    /// One event, if there is one; else how it goes on.
    fn step(&mut self, now: Instant, input: &mut BytesMut) -> Result<Next<Event>, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Next::Event(event));
            }
            match &self.phase {
                Phase::Failed(error) => return Err(error.clone()),
                Phase::Closed => {
                    input.clear();
                    return Ok(Next::Closed);
                }
                Phase::UpgradeDue if input.is_empty() && !self.ended => {
                    return Ok(Next::Paused(Pause::Upgrade));
                }
                Phase::UpgradeDue if !input.is_empty() => {
                    return Err(self.violation(
                        "bytes in the clear behind the answer to STARTTLS",
                        "RFC 3501 6.2.1",
                    ));
                }
                _ => {}
            }
            self.release();
            if self.wants_room && self.out.has_room() {
                self.wants_room = false;
                return Ok(Next::Event(Event::Room));
            }
            if !self.events.is_empty() {
                continue;
            }
            self.notice(now, input.len());
            let piece = self.reader.next(input)?;
            self.unread = input.len();
            match piece {
                Some(piece) => self.piece(now, piece)?,
                None if self.ended => self.judge_end(input)?,
                None => return Ok(Next::NeedInput),
            }
        }
    }

    /// Notes that bytes arrived. Before `Ready` that does not stop a timer: a server
    /// has little to say then, and could say it for ever.
    fn notice(&mut self, now: Instant, unread: usize) {
        if unread != self.unread {
            self.touched = true;
            if matches!(self.phase, Phase::Ready) {
                self.moved = Some(now);
            }
        }
    }

    /// The stream is over and used up.
    fn judge_end(&mut self, input: &BytesMut) -> Result<(), Error> {
        let inside = if let Some(inside) = self.reader.inside(input) {
            inside
        } else if self.bye || (matches!(self.phase, Phase::Ready) && self.under_way.is_empty()) {
            self.close();
            return Ok(());
        } else if matches!(self.phase, Phase::Greeting) {
            "the greeting"
        } else {
            "a command that was not answered"
        };
        let offset = self.reader.offset() + input.len() as u64;
        Err(Fault::Truncated { inside, offset }.into())
    }

    fn wrote(&mut self, number: u32, wrote: Wrote) {
        if wrote == Wrote::UpToBody {
            self.events.push_back(Event::Body(Handle(number)));
        }
    }

    /// Sends a command of the client's own, next.
    fn own(&mut self, command: Command<'static>, purpose: Purpose) {
        self.latest += 1;
        let effects = Effects::of(&Command::StartTls); // alone
        self.begin(self.latest, &command, effects, purpose);
    }

    fn begin(&mut self, number: u32, command: &Command<'_>, effects: Effects, purpose: Purpose) {
        let verb = command.verb();
        if self.under_way.is_empty() {
            self.moved = None;
        }
        match verb {
            Verb::Idle => self.idle = Idle::Asked(false),
            // What the server can do may change with who asks.
            Verb::Login | Verb::Authenticate => self.fresh = false,
            _ => {}
        }
        self.under_way.push(Flight {
            number,
            verb,
            effects,
            purpose,
        });
        let append = match command {
            Command::Append(append) => Some(append.size),
            _ => None,
        };
        // A number makes a tag.
        if let Ok(tag) = Tag::new(format!("A{number}")) {
            let pieces = command.encode(&tag, self.non_sync());
            let wrote = self.out.command(number, pieces, append);
            self.wrote(number, wrote);
        }
    }

    /// Sends what waits and may go now.
    fn release(&mut self) {
        while self.out.is_free()
            && let Some((_, _, effects)) = self.waiting.front()
            && self.under_way.iter().all(|f| f.effects.allow(effects))
            && let Some((number, command, effects)) = self.waiting.pop_front()
        {
            self.begin(number, &command, effects, Purpose::Caller);
        }
    }

    /// Which literals may go without waiting.
    fn non_sync(&self) -> NonSync {
        if self.offers(&Capability::LiteralPlus) {
            NonSync::Plus
        } else if self.offers(&Capability::LiteralMinus) {
            NonSync::Minus
        } else {
            NonSync::Never
        }
    }

    /// What the client waits for: a timer's length, and which.
    fn waits_for(&self) -> Option<(Duration, Timer)> {
        let times = &self.config.timeouts;
        match self.phase {
            Phase::Greeting => Some((times.greeting, Timer("IMAP greeting"))),
            Phase::UpgradeDue | Phase::Closed | Phase::Failed(_) => None,
            Phase::Preparing | Phase::Ready => match self.idle {
                Idle::Since(_) => Some((times.idle, Timer("IMAP IDLE"))),
                Idle::Due => None,
                // The caller owes a message, and all of it that was given is sent.
                _ if self.out.owed().is_some() && self.out.outbox().is_empty() => None,
                _ if self.under_way.is_empty() && self.out.owed().is_none() => None,
                _ => Some((times.response, Timer("IMAP response"))),
            },
        }
    }

    /// Notes the time from which the timer runs.
    fn tick(&mut self, now: Instant) {
        if self.waits_for().is_some() {
            self.moved.get_or_insert(now);
        } else {
            self.moved = None;
        }
    }
}

impl Machine for Client {
    type Event = Event;
    type Error = Error;

    fn read(&mut self, now: Instant, input: &mut BytesMut) -> Result<Next<Event>, Error> {
        let next = self.step(now, input);
        self.tick(now);
        next.map_err(|error| self.fail(error))
    }

    fn read_closed(&mut self, _now: Instant) {
        self.ended = true;
    }

    fn transmit(&mut self, now: Instant) -> Option<Bytes> {
        let chunk = self.out.pop();
        if chunk.is_some() {
            self.touched = true;
            self.moved = Some(now);
        }
        self.tick(now);
        chunk
    }

    fn deadline(&self) -> Option<(Instant, Timer)> {
        let (length, timer) = self.waits_for()?;
        let from = match self.idle {
            Idle::Since(since) => since,
            _ => self.moved?,
        };
        Some((from + length, timer))
    }

    fn expire(&mut self, now: Instant) {
        let Some((_, timer)) = self.deadline().filter(|(at, _)| *at <= now) else {
            return;
        };
        if matches!(self.idle, Idle::Since(_)) {
            self.idle = Idle::Due;
            self.events.push_back(Event::IdleDue);
        } else {
            self.fail(Fault::TimedOut(TimedOut { timer }));
        }
    }

    fn upgraded(&mut self, _now: Instant, channel: Channel) {
        match self.phase {
            Phase::Greeting if !self.touched && self.channel.is_none() => {
                self.channel = Some(channel);
            }
            Phase::UpgradeDue if self.out.outbox().is_empty() => {
                // All that was said so far, anybody may have said.
                self.reader = Reader::new(self.config.limits.before_login);
                self.capabilities = None;
                self.greeting = None;
                self.moved = None;
                self.channel = Some(channel);
                self.phase = Phase::Preparing;
                self.own(Command::Capability, Purpose::Capabilities);
            }
            Phase::Failed(_) => {}
            _ => {
                // What was meant for one channel must not go into another.
                self.out.clear();
                self.fail(Fault::Driver(Misuse {
                    what: "upgraded out of turn",
                    help: "call it at Paused(Upgrade) with everything sent, or before the first read",
                }));
            }
        }
    }
}

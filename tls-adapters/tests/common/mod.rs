//! What the tests of this crate share: a small server and client that follow the
//! contract, certificates, and a TLS whose every byte is the same in each run.
//!
//! ```text
//!   S: 220 toy
//!   C: ECHO text          S: text
//!   C: ASK                S: what the caller answers
//!   C: TAKE n             n bytes follow, handed on as they come; S: 250 n
//!   C: GIVE n             S: n bytes, then 250 given
//!   C: STARTTLS           S: 220 go
//!   C: QUIT               S: 221 bye
//! ```
#![allow(dead_code, unreachable_pub)]

pub mod certs;
pub mod fixed;
pub mod net;
pub mod tap;

use bytes::{Buf, Bytes, BytesMut};
use core::time::Duration;
use scop_core::{
    testkit::{Note, Peer},
    *,
};
use scop_tls_adapters::Tls;

#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    Encrypted(Option<String>),
    Echoed(String),
    Asked,
    Data(Bytes),
    Taken,
}

#[derive(Clone, Copy)]
enum State {
    Greet,
    Command,
    Answer,
    Take(Counted, u64),
    Give(u64),
    Go,
    Closed,
}

pub struct Server {
    state: State,
    out: Outbox,
    scanner: LineScanner,
    fault: Option<Fault>,
    ended: bool,
    encrypted: Option<Channel>,
    told: bool,
    idle_since: Option<Instant>,
    linger: Option<Instant>,
    pub patience: Duration,
}

const LINE: usize = 64;
pub const IDLE: Duration = Duration::from_secs(300);
const LINGER: Duration = Duration::from_secs(10);

impl Server {
    pub fn new() -> Self {
        Server {
            state: State::Greet,
            out: Outbox::new(4096),
            scanner: LineScanner::new(),
            fault: None,
            ended: false,
            encrypted: None,
            told: true,
            idle_since: None,
            linger: None,
            patience: LINGER,
        }
    }

    pub fn channel(&self) -> Option<&Channel> {
        self.encrypted.as_ref()
    }

    pub fn answer(&mut self, text: &str) -> Result<(), Misuse> {
        if !matches!(self.state, State::Answer) {
            return Err(Misuse {
                what: "nothing was asked",
                help: "answer after Event::Asked, once",
            });
        }
        self.out.push(text.as_bytes());
        self.out.push(b"\r\n");
        self.state = State::Command;
        self.idle_since = None; // the time it took was not the peer's
        Ok(())
    }

    fn fail(&mut self, now: Instant, fault: impl Into<Fault>) -> Fault {
        let fault = fault.into();
        self.fault = Some(fault);
        self.linger = Some(now + self.patience);
        self.out.push(format!("421 {fault}\r\n").as_bytes());
        fault
    }

    fn command(&mut self, now: Instant, line: &str) -> Result<Option<Event>, Fault> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("ECHO", text) => {
                self.out.push(format!("{text}\r\n").as_bytes());
                return Ok(Some(Event::Echoed(text.to_owned())));
            }
            ("ASK", "") => {
                self.state = State::Answer;
                return Ok(Some(Event::Asked));
            }
            ("TAKE", n) => {
                let n = n.parse().unwrap_or(0);
                self.state = State::Take(Counted::new(n), n);
            }
            ("GIVE", n) => self.state = State::Give(n.parse().unwrap_or(0)),
            ("STARTTLS", "") if self.encrypted.is_none() => {
                self.out.push(b"220 go\r\n");
                self.state = State::Go;
            }
            ("QUIT", "") => {
                self.out.push(b"221 bye\r\n");
                self.linger = Some(now + self.patience);
                self.state = State::Closed;
            }
            ("BOOM", "") => return Err(violation("a command that is forbidden")),
            _ => self.out.push(b"500 unknown\r\n"),
        }
        Ok(None)
    }

    fn step(&mut self, now: Instant, input: &mut BytesMut) -> Result<Next<Event>, Fault> {
        loop {
            if !std::mem::replace(&mut self.told, true) {
                let version = self.encrypted.as_ref().and_then(|c| c.version);
                return Ok(Next::Event(Event::Encrypted(version.map(String::from))));
            }
            if self.out.is_full() {
                return Ok(Next::Paused(Pause::Flush));
            }
            match &mut self.state {
                State::Greet => {
                    self.out.push(b"220 toy\r\n");
                    self.idle_since = Some(now);
                    self.state = State::Command;
                }
                State::Answer => return Ok(Next::Paused(Pause::Answer)),
                State::Closed => {
                    input.clear();
                    return Ok(Next::Closed);
                }
                State::Go if !input.is_empty() => {
                    return Err(violation("plaintext behind STARTTLS"));
                }
                State::Go if !self.out.is_empty() => return Ok(Next::Paused(Pause::Flush)),
                State::Go => return Ok(Next::Paused(Pause::Upgrade)),
                State::Give(0) => {
                    self.out.push(b"250 given\r\n");
                    self.state = State::Command;
                }
                State::Give(left) => {
                    let n = (*left).min(3000);
                    *left -= n;
                    self.out.push_bytes(Bytes::from(vec![b'g'; n as usize]));
                }
                State::Take(literal, size) => {
                    let size = *size;
                    if let Some(data) = literal.next(input) {
                        self.idle_since = Some(now);
                        return Ok(Next::Event(Event::Data(data)));
                    }
                    if literal.is_done() {
                        self.out.push(format!("250 {size}\r\n").as_bytes());
                        self.state = State::Command;
                        return Ok(Next::Event(Event::Taken));
                    }
                    return self.wait("TAKE");
                }
                State::Command if self.idle_since.is_none() => self.idle_since = Some(now),
                State::Command => match self.scanner.scan(input, LINE) {
                    Scan::Line { len, .. } => {
                        let line = input.split_to(len);
                        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                        self.idle_since = Some(now);
                        if let Some(event) = self.command(now, &line)? {
                            return Ok(Next::Event(event));
                        }
                    }
                    Scan::TooLong => {
                        return Err(Fault::Limit(LimitExceeded {
                            what: "bytes in a line",
                            limit: LINE as u64,
                            offset: 0,
                        }));
                    }
                    Scan::Incomplete if self.ended && input.is_empty() => {
                        self.state = State::Closed;
                    }
                    Scan::Incomplete => return self.wait("a line"),
                },
            }
        }
    }

    fn wait(&self, inside: &'static str) -> Result<Next<Event>, Fault> {
        if self.ended {
            return Err(Fault::Truncated { inside, offset: 0 });
        }
        Ok(Next::NeedInput)
    }
}

fn violation(what: &'static str) -> Fault {
    Fault::Violation(Violation {
        what,
        offset: 0,
        rule: "toy 1",
    })
}

impl Machine for Server {
    type Event = Event;
    type Error = Fault;

    fn read(&mut self, now: Instant, input: &mut BytesMut) -> Result<Next<Event>, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.step(now, input).map_err(|fault| self.fail(now, fault))
    }

    fn read_closed(&mut self, _: Instant) {
        self.ended = true;
    }

    fn transmit(&mut self, now: Instant) -> Option<Bytes> {
        let chunk = self.out.pop()?;
        self.idle_since = Some(now);
        Some(chunk)
    }

    fn deadline(&self) -> Option<(Instant, Timer)> {
        if self.fault.is_some() || matches!(self.state, State::Closed) {
            return self.linger.map(|at| (at, Timer("linger")));
        }
        match self.state {
            State::Answer => None,
            _ => self.idle_since.map(|at| (at + IDLE, Timer("idle"))),
        }
    }

    fn expire(&mut self, now: Instant) {
        let Some((_, timer)) = self.deadline().filter(|(at, _)| *at <= now) else {
            return;
        };
        if timer == Timer("linger") {
            self.linger = None;
        } else {
            self.fail(now, TimedOut { timer });
        }
    }

    fn upgraded(&mut self, now: Instant, channel: Channel) {
        match self.state {
            State::Greet | State::Go => {
                if matches!(self.state, State::Go) {
                    self.state = State::Command;
                }
                self.encrypted = Some(channel);
                self.told = false;
                self.scanner = LineScanner::new();
            }
            _ => {
                self.fail(
                    now,
                    Fault::Driver(Misuse {
                        what: "upgraded out of turn",
                        help: "call it at Paused(Upgrade)",
                    }),
                );
            }
        }
    }
}

/// A client that sends its script step by step, each after the line that answers the
/// last. A step is what to send; behind the last it waits for the end.
pub struct Client {
    script: std::vec::IntoIter<Vec<u8>>,
    out: Outbox,
    scanner: LineScanner,
    skip: usize,
    pub secured: Option<Channel>,
    go: bool,
    ended: bool,
    done: bool,
}

impl Client {
    pub fn new(script: &[&str]) -> Self {
        let steps: Vec<Vec<u8>> = script.iter().map(|l| l.as_bytes().to_vec()).collect();
        Client {
            script: steps.into_iter(),
            out: Outbox::new(1024),
            scanner: LineScanner::new(),
            skip: 0,
            secured: None,
            go: false,
            ended: false,
            done: false,
        }
    }
}

impl Machine for Client {
    type Event = String;
    type Error = Fault;

    fn read(&mut self, _: Instant, input: &mut BytesMut) -> Result<Next<String>, Fault> {
        if self.done {
            return Ok(Next::Closed);
        }
        if self.go {
            if !input.is_empty() {
                return Err(violation("plaintext behind the go-ahead"));
            }
            return Ok(Next::Paused(Pause::Upgrade));
        }
        let given = self.skip.min(input.len());
        input.advance(given);
        self.skip -= given;
        let len = match self.scanner.scan(input, 1024) {
            Scan::Line { len, .. } if self.skip == 0 => len,
            _ if self.ended => {
                return Err(Fault::Truncated {
                    inside: "the conversation",
                    offset: 0,
                });
            }
            _ => return Ok(Next::NeedInput),
        };
        let line = String::from_utf8_lossy(&input.split_to(len))
            .trim_end()
            .to_owned();
        self.done = line == "221 bye";
        self.go = line == "220 go" && self.secured.is_none();
        if !self.go
            && let Some(next) = self.script.next()
        {
            if let Some(n) = next.strip_prefix(b"GIVE ") {
                self.skip = String::from_utf8_lossy(n)
                    .lines()
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap();
            }
            self.out.push_bytes(Bytes::from(next));
        }
        Ok(Next::Event(line))
    }

    fn read_closed(&mut self, _: Instant) {
        self.ended = true;
    }

    fn transmit(&mut self, _: Instant) -> Option<Bytes> {
        self.out.pop()
    }

    fn deadline(&self) -> Option<(Instant, Timer)> {
        None
    }

    fn expire(&mut self, _: Instant) {}

    fn upgraded(&mut self, _: Instant, channel: Channel) {
        if self.go {
            self.out.push(b"ECHO over TLS\r\n");
        }
        self.secured = Some(channel);
        self.go = false;
    }
}

/// What the server's caller does.
pub fn react(server: &mut Server, event: Event) -> Note {
    match event {
        Event::Data(bytes) => Note::data(&bytes),
        Event::Asked => {
            server.answer("forty-two").unwrap();
            Note::event(&event)
        }
        _ => Note::event(&event),
    }
}

pub fn server_peer(tls: Tls<Server>) -> Peer<'static, Tls<Server>> {
    Peer::new(tls, |server, _, event| react(server, event))
}

pub fn client_peer(tls: Tls<Client>) -> Peer<'static, Tls<Client>> {
    Peer::new(tls, |_, _, line| Note::Event(line))
}

/// A conversation with a bit of everything, without TLS of its own.
pub const SCRIPT: [&str; 6] = [
    "ECHO one\r\n",
    "ASK\r\n",
    "TAKE 12\r\n0123456789\r\n",
    "GIVE 10000\r\n",
    "WHAT\r\n",
    "QUIT\r\n",
];

pub const REPLIES: [&str; 7] = [
    "220 toy",
    "one",
    "forty-two",
    "250 12",
    "250 given",
    "500 unknown",
    "221 bye",
];

/// The same behind STARTTLS.
pub const UPGRADING: [&str; 5] = [
    "ECHO in clear\r\n",
    "STARTTLS\r\n",
    "TAKE 5\r\nhello",
    "GIVE 20000\r\n",
    "QUIT\r\n",
];

pub const UPGRADED: [&str; 7] = [
    "220 toy",
    "in clear",
    "220 go",
    "over TLS",
    "250 5",
    "250 given",
    "221 bye",
];

pub fn lines(lines: &[&str]) -> Vec<Note> {
    lines.iter().map(|l| Note::Event((*l).into())).collect()
}

/// A simulation in a form that can be read when a test fails.
pub fn shown(sim: &testkit::Sim) -> String {
    format!(
        "client {:?} {:?}\nserver {:?} {:?}",
        sim.client.notes, sim.client.end, sim.server.notes, sim.server.end
    )
}

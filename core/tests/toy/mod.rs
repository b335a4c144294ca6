//! A small server and client that follow the contract, and the ways in which a
//! machine like them goes wrong: each [`Bug`] breaks one law, so that the tests
//! beside this file see each law's check fail as well as pass.
//!
//! ```text
//!   S: 220 toy
//!   C: ECHO text          S: text
//!   C: ASK                S: what the caller answers
//!   C: TAKE n             n bytes follow, handed on as they come; S: 250 n
//!   C: STARTTLS           S: 220 go
//!   C: QUIT               S: 221 bye
//! ```

use bytes::{Buf, Bytes, BytesMut};
use core::time::Duration;
use scop_core::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    /// A line is whatever one read brought.
    LineIsARead,
    /// Says the same event again and again.
    Spins,
    /// Takes a byte when asked again with nothing new.
    Restless,
    /// Waits for the end of a line however long.
    Hoards,
    /// Reads on however much waits to be sent.
    NeverFlushes,
    /// Asks for a flush of nothing.
    EmptyFlush,
    /// Forgets its error.
    Forgives,
    /// Its linger timer never ends.
    ClingsOn,
    /// Takes the end of input for the end of data.
    EofCompletes,
    /// Says nothing when the input ends inside of something.
    EofUnnoticed,
    /// Looks at where the driver's epoch lies.
    Ambient,
    /// Throws the bytes behind STARTTLS away.
    DropsInjection,
    /// Acts on the bytes behind STARTTLS.
    ActsOnInjection,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
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
    Go,
    Closed,
}

pub(crate) struct Server {
    state: State,
    out: Outbox,
    scanner: LineScanner,
    fault: Option<Fault>,
    ended: bool,
    encrypted: bool,
    offset: u64,
    idle_since: Option<Instant>,
    linger: Option<Instant>,
    bug: Bug,
}

const LINE: usize = 64;
const IDLE: Duration = Duration::from_secs(300);
const LINGER: Duration = Duration::from_secs(10);

impl Server {
    pub(crate) fn new(bug: Bug) -> Self {
        Server {
            state: State::Greet,
            out: Outbox::new(256),
            scanner: LineScanner::new(),
            fault: None,
            ended: false,
            encrypted: false,
            offset: 0,
            idle_since: None,
            linger: None,
            bug,
        }
    }

    pub(crate) fn answer(&mut self, text: &str) -> Result<(), Misuse> {
        if !matches!(self.state, State::Answer) {
            return Err(Misuse {
                what: "nothing was asked",
                help: "answer after Event::Asked, once",
            });
        }
        self.out.push(text.as_bytes());
        self.out.push(b"\r\n");
        self.state = State::Command;
        Ok(())
    }

    fn fail(&mut self, now: Instant, fault: impl Into<Fault>) -> Fault {
        let fault = fault.into();
        self.fault = Some(fault);
        self.linger = Some(now + LINGER);
        self.out.push(b"421 ");
        self.out.push(fault.to_string().as_bytes());
        self.out.push(b"\r\n");
        fault
    }

    fn violation(&self, what: &'static str) -> Violation {
        Violation {
            what,
            offset: self.offset,
            rule: "toy 1",
        }
    }

    fn command(&mut self, now: Instant, line: &str) -> Result<Option<Event>, Fault> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("ECHO", text) => {
                self.out.push(text.as_bytes());
                if self.bug == Bug::Ambient {
                    self.out
                        .push(format!("{}", now.since_epoch().as_secs() / 1000).as_bytes());
                }
                self.out.push(b"\r\n");
                return Ok(Some(Event::Echoed(text.to_owned())));
            }
            ("ASK", "") => {
                self.state = State::Answer;
                return Ok(Some(Event::Asked));
            }
            ("TAKE", n) => match n.parse() {
                Ok(n) => self.state = State::Take(Counted::new(n), n),
                Err(_) => self.out.push(b"501 a number\r\n"),
            },
            ("STARTTLS", "") if !self.encrypted => {
                self.out.push(b"220 go\r\n");
                self.state = State::Go;
            }
            ("QUIT", "") => {
                self.out.push(b"221 bye\r\n");
                self.linger = Some(now + LINGER);
                self.state = State::Closed;
            }
            ("BOOM", "") => return Err(self.violation("a command that is forbidden").into()),
            _ => self.out.push(b"500 unknown\r\n"),
        }
        Ok(None)
    }

    fn step(&mut self, now: Instant, input: &mut BytesMut) -> Result<Next<Event>, Fault> {
        loop {
            if self.out.is_full() && self.bug != Bug::NeverFlushes {
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
                State::Go if !input.is_empty() => match self.bug {
                    Bug::DropsInjection => input.clear(),
                    Bug::ActsOnInjection => self.state = State::Command,
                    _ => return Err(self.violation("plaintext behind STARTTLS").into()),
                },
                State::Go if !self.out.is_empty() => return Ok(Next::Paused(Pause::Flush)),
                State::Go => return Ok(Next::Paused(Pause::Upgrade)),
                State::Take(literal, size) => {
                    let size = *size;
                    if let Some(data) = literal.next(input) {
                        self.offset += data.len() as u64;
                        self.idle_since = Some(now);
                        return Ok(Next::Event(Event::Data(data)));
                    }
                    if literal.is_done() || (self.ended && self.bug == Bug::EofCompletes) {
                        self.out.push(format!("250 {size}\r\n").as_bytes());
                        self.state = State::Command;
                        return Ok(Next::Event(Event::Taken));
                    }
                    return self.wait("TAKE");
                }
                State::Command => {
                    let limit = if self.bug == Bug::Hoards {
                        usize::MAX
                    } else {
                        LINE
                    };
                    let len = match self.scanner.scan(input, limit) {
                        Scan::Line { len, .. } => len,
                        Scan::TooLong => {
                            return Err(LimitExceeded {
                                what: "bytes in a line",
                                limit: LINE as u64,
                                offset: self.offset,
                            }
                            .into());
                        }
                        Scan::Incomplete if self.bug == Bug::LineIsARead && !input.is_empty() => {
                            input.len()
                        }
                        Scan::Incomplete => {
                            if self.bug == Bug::Restless {
                                self.out.push(b"still there?\r\n");
                            }
                            if self.bug == Bug::EmptyFlush && self.out.is_empty() {
                                return Ok(Next::Paused(Pause::Flush));
                            }
                            if self.ended && input.is_empty() {
                                self.state = State::Closed;
                                continue;
                            }
                            return self.wait("a line");
                        }
                    };
                    let line = String::from_utf8_lossy(&input[..len]).trim_end().to_owned();
                    let event = self.command(now, &line)?;
                    if !(self.bug == Bug::Spins && event.is_some()) {
                        input.advance(len);
                        self.offset += len as u64;
                    }
                    self.idle_since = Some(now);
                    if let Some(event) = event {
                        return Ok(Next::Event(event));
                    }
                }
            }
        }
    }

    fn wait(&self, inside: &'static str) -> Result<Next<Event>, Fault> {
        if self.ended && self.bug != Bug::EofUnnoticed {
            return Err(Fault::Truncated {
                inside,
                offset: self.offset,
            });
        }
        Ok(Next::NeedInput)
    }
}

impl Machine for Server {
    type Event = Event;
    type Error = Fault;

    fn read(&mut self, now: Instant, input: &mut BytesMut) -> Result<Next<Event>, Fault> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.step(now, input).inspect_err(|&fault| {
            self.fail(now, fault);
            if self.bug == Bug::Forgives {
                self.fault = None;
                self.state = State::Command;
                input.clear();
            }
        })
    }

    fn read_closed(&mut self, _: Instant) {
        self.ended = true;
    }

    fn transmit(&mut self, _: Instant) -> Option<Bytes> {
        self.out.pop()
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
            self.linger = match self.bug {
                Bug::ClingsOn => Some(now + LINGER),
                _ => None,
            };
        } else {
            self.fail(now, TimedOut { timer });
        }
    }

    fn upgraded(&mut self, now: Instant, _: Channel) {
        match self.state {
            State::Greet | State::Go => {
                let again = matches!(self.state, State::Go);
                self.encrypted = true;
                self.offset = 0;
                if again {
                    self.state = State::Command;
                }
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

/// A client that sends its script line by line, each after the reply to the last.
pub(crate) struct Client {
    script: std::vec::IntoIter<Vec<u8>>,
    out: Outbox,
    scanner: LineScanner,
    secured: bool,
    go: bool,
    ended: bool,
    done: bool,
}

impl Client {
    pub(crate) fn new(script: &[&str]) -> Self {
        let lines: Vec<Vec<u8>> = script.iter().map(|l| l.as_bytes().to_vec()).collect();
        Client {
            script: lines.into_iter(),
            out: Outbox::new(1024),
            scanner: LineScanner::new(),
            secured: false,
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
            return Ok(Next::Paused(Pause::Upgrade));
        }
        let Scan::Line { len, .. } = self.scanner.scan(input, 1024) else {
            if self.ended {
                return Err(Fault::Truncated {
                    inside: "the conversation",
                    offset: 0,
                });
            }
            return Ok(Next::NeedInput);
        };
        let line = String::from_utf8_lossy(&input.split_to(len))
            .trim_end()
            .to_owned();
        self.done = line == "221 bye";
        self.go = line == "220 go";
        match self.script.next() {
            Some(_) if self.go => {}
            Some(next) => self.out.push(&next),
            None => {}
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

    fn upgraded(&mut self, _: Instant, _: Channel) {
        self.secured = true;
        self.go = false;
        self.out.push(b"ECHO over TLS\r\n");
    }
}

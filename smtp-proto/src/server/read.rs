//! Reading: lines, the message, and what is done about either.

use core::fmt;

use bytes::{Buf, BytesMut};
use memchr::memchr;
use scop_core::{Ending, Fault, Instant, Next, Pause, Scan};

use super::{Abort, Question, Server, ServerEvent, State, command};
use crate::DataStep;

/// Bytes of an overlong line that are read to find its end.
const LINE_EXCESS: usize = 64 * 1024;

impl Server {
    /// Takes bytes off the front.
    pub(super) fn used(&mut self, input: &mut BytesMut, n: usize) {
        input.advance(n);
        self.offset += n as u64;
    }

    pub(super) fn step(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Next<ServerEvent>, Fault> {
        if let Some(since) = self.handed.take() {
            self.pace.excuse(now - since);
            self.waiting = Some(now);
        }
        loop {
            if self.out.is_full() && !matches!(self.state, State::Closed) {
                // A client that does not read is waited for like one that does not write.
                self.waiting.get_or_insert(now);
                return Ok(Next::Paused(Pause::Flush));
            }
            if core::mem::take(&mut self.encrypted_now) {
                return Ok(Next::Event(ServerEvent::Encrypted));
            }
            if self.stopping && self.transaction.is_none() {
                match self.state {
                    State::Asked(_) | State::Go | State::Closed => {}
                    _ => self.close("421 4.3.2 Shutting down, come back later"),
                }
            }
            let event = match &mut self.state {
                State::Greeting => {
                    let config = self.config.clone();
                    self.say(format_args!("220 {} ESMTP ready", config.name));
                    self.state = State::Command;
                    None
                }
                State::Asked(_) => return Ok(Next::Paused(Pause::Answer)),
                State::Closed => {
                    input.clear();
                    return Ok(Next::Closed);
                }
                State::Go if !input.is_empty() => return Err(self.injected()),
                State::Go if !self.out.is_empty() => return Ok(Next::Paused(Pause::Flush)),
                State::Go => return Ok(Next::Paused(Pause::Upgrade)),
                State::Discard(left) => {
                    let left = *left;
                    match memchr(b'\n', input.get(..left).unwrap_or(input)) {
                        Some(lf) => {
                            self.used(input, lf + 1);
                            self.state = State::Command;
                            None
                        }
                        None if input.len() >= left => {
                            self.used(input, left);
                            return Err(self.limit("bytes in a command line", LINE_EXCESS as u64));
                        }
                        None => {
                            let n = input.len();
                            self.used(input, n);
                            self.state = State::Discard(left - n);
                            return self.wait(now, "a command line");
                        }
                    }
                }
                State::Data(_) => match self.data(now, input)? {
                    Some(event) => event,
                    None => return self.wait(now, "DATA"),
                },
                State::Command | State::Auth(_) => match self.line(now, input)? {
                    Some(event) => event,
                    None if self.ended && input.is_empty() && self.is_at_rest() => {
                        self.state = State::Closed;
                        None
                    }
                    None if self.is_at_rest() => return self.wait(now, "a command line"),
                    None => return self.wait(now, "an AUTH exchange"),
                },
            };
            if let Some(event) = event {
                return Ok(Next::Event(event));
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        matches!(self.state, State::Command)
    }

    fn wait(&mut self, now: Instant, inside: &'static str) -> Result<Next<ServerEvent>, Fault> {
        if self.ended {
            let offset = self.offset;
            return Err(Fault::Truncated { inside, offset });
        }
        if self.waiting.is_none() {
            self.waiting = Some(now);
        }
        Ok(Next::NeedInput)
    }

    /// Takes a line, if there is one, and does what it says; the outer `None`: there is
    /// none yet.
    fn line(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Option<Option<ServerEvent>>, Fault> {
        let in_exchange = !self.is_at_rest();
        // A TLS handshake: no line of SMTP begins so.
        if input.first() == Some(&0x16) && !in_exchange {
            return Err(self.violation("TLS where plaintext is expected", "RFC 3207 4"));
        }
        let auth = in_exchange
            || (input.get(..5)).is_some_and(|start| start.eq_ignore_ascii_case(b"AUTH "));
        let limits = &self.config.limits;
        let most = if auth { limits.auth_line } else { limits.line };
        let found = self.scanner.scan(input, most);
        let (len, ending) = match found {
            Scan::Line { len, ending } => (len, ending),
            Scan::Incomplete => return Ok(None),
            Scan::TooLong => {
                self.scanner.reset();
                self.used(input, most);
                self.state = State::Discard(LINE_EXCESS);
                return match auth {
                    true => self.refuse("500 5.5.6 That AUTH line is too long"),
                    false => self.refuse("500 5.5.2 That line is too long"),
                }
                .map(Some);
            }
        };
        self.waiting = Some(now);
        if ending == Ending::BareLf {
            self.used(input, len);
            self.state = State::Command;
            return self
                .refuse("500 5.5.2 A line ends in CRLF, not in a bare LF")
                .map(Some);
        }
        let line = found.content(input).unwrap_or_default();
        let event = if in_exchange {
            self.response(line)
        } else {
            let behind = input.len() > len;
            match self.command(line, behind)? {
                command::Done::Event(event) => Ok(event),
                command::Done::Again(event) => return Ok(Some(Some(event))),
            }
        };
        self.used(input, len);
        event.map(Some)
    }

    /// Reads on in a message; the outer `None`: no more to read.
    fn data(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Option<Option<ServerEvent>>, Fault> {
        let limit = self.config.limits.message_size;
        let most = limit.saturating_mul(2).saturating_add(LINE_EXCESS as u64);
        let State::Data(incoming) = &mut self.state else {
            return Ok(None);
        };
        if !core::mem::replace(&mut incoming.started, true) {
            self.waiting = Some(now);
            self.pace.start(now);
        }
        if core::mem::take(&mut incoming.untold) {
            return Ok(Some(incoming.bad.map(ServerEvent::Abort)));
        }
        let before = input.len();
        let started = self.offset;
        let read = incoming.decoder.offset();
        let step = incoming.decoder.read(input);
        let taken = before - input.len();
        if taken > 0 {
            self.waiting = Some(now);
            self.pace.moved(taken);
            self.offset += taken as u64;
        }
        if incoming.decoder.offset() > most {
            self.offset = started + (most - read);
            return Err(self.limit("bytes in a message that was refused", most));
        }
        Ok(Some(match step {
            DataStep::NeedInput => return Ok(None),
            DataStep::Chunk(mut chunk) => {
                let room = usize::try_from(limit - incoming.size).unwrap_or(usize::MAX);
                if chunk.len() > room {
                    chunk.truncate(room);
                    incoming.decoder.skip();
                    incoming.bad = Some(Abort::TooLarge);
                    incoming.untold = true;
                }
                if chunk.is_empty() {
                    None
                } else {
                    incoming.size += chunk.len() as u64;
                    self.handed = Some(now);
                    Some(ServerEvent::Chunk(chunk))
                }
            }
            DataStep::Bad(byte) => {
                let bad = Abort::Bare(byte);
                incoming.bad = Some(bad);
                Some(ServerEvent::Abort(bad))
            }
            DataStep::End => {
                let (size, bad) = (incoming.size, incoming.bad);
                self.long_lines = incoming.decoder.has_long_lines();
                self.pace.stop();
                self.messages = self.messages.saturating_add(1);
                match bad {
                    None => Some(self.ask(Question::Message, ServerEvent::MessageEnd(size))),
                    Some(bad) => {
                        self.transaction = None;
                        self.state = State::Command;
                        match bad {
                            Abort::TooLarge => self.refuse("552 5.3.4 The message is too large")?,
                            Abort::Bare(bare) => {
                                let byte = bare.byte.as_str();
                                self.refuse_with(format_args!(
                                    "550 5.5.2 The message holds a {byte}; lines end in CRLF"
                                ))?
                            }
                        }
                    }
                }
            }
        }))
    }

    pub(super) fn ask(&mut self, question: Question, event: ServerEvent) -> ServerEvent {
        self.state = State::Asked(question);
        self.waiting = None;
        event
    }

    /// Says no and counts an error.
    pub(super) fn refuse(&mut self, line: &str) -> Result<Option<ServerEvent>, Fault> {
        self.refuse_with(format_args!("{line}"))
    }

    pub(super) fn refuse_with(
        &mut self,
        line: fmt::Arguments<'_>,
    ) -> Result<Option<ServerEvent>, Fault> {
        self.say(line);
        self.errors.spend(1, self.offset)?;
        Ok(None)
    }
}

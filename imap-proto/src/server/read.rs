//! What comes in, by phase.

use alloc::{boxed::Box, string::ToString};

use bytes::{Buf, Bytes, BytesMut};
use scop_core::{Counted, Ending, Fault, Instant, LimitExceeded, Next, Pause, Violation, take};
use scop_sasl::wire;

use super::{Phase, Ready, Server, ServerEvent, State, frame::Framed, gate};
use crate::{
    command::{Command, Head, Verb},
    response::{Code, Condition, RespText, Response, Text},
    types::{Cursor, Literal, ParseError, Tag},
};

type Step = Result<Next<ServerEvent>, Fault>;

impl Server {
    /// Looks on until there is something to say. `arrived`: bytes of the stream so
    /// far, those in `input` included.
    pub(super) fn step(&mut self, now: Instant, input: &mut BytesMut, arrived: u64) -> Step {
        loop {
            // Errors say where by this, however the input was cut.
            self.taken = arrived - input.len() as u64;
            if let Some(fault) = self.fault {
                return Err(fault);
            }
            if let Some(event) = self.due.take() {
                return Ok(Next::Event(*event));
            }
            if self.output.take_room() {
                return Ok(Next::Event(ServerEvent::Room));
            }
            match self.phase {
                Phase::Over => return Ok(Next::Closed),
                Phase::Upgrade => return self.upgrade(input),
                _ => {}
            }
            if self.output.is_full() {
                // Behind an open literal it is the caller who is waited for.
                let pause = if self.output.is_empty() {
                    Pause::Answer
                } else {
                    Pause::Flush
                };
                return Ok(Next::Paused(pause));
            }
            if self.is_at_rest()
                && let Some(text) = self.closing.take()
            {
                self.say_bye(*text);
                self.state = State::Logout;
                self.phase = Phase::Over;
                continue;
            }
            let next = match &self.phase {
                Phase::Command => self.command(now, input)?,
                Phase::Sasl { .. } => self.sasl(input)?,
                Phase::Idle { .. } => self.idle(now, input)?,
                Phase::Decide { .. } => return Ok(Next::Paused(Pause::Answer)),
                Phase::Body { .. } => self.message(input),
                Phase::Tail { .. } => self.tail(now, input)?,
                Phase::Discard(_) | Phase::DiscardLine => self.discard(input)?,
                Phase::Upgrade | Phase::Over => continue,
            };
            match next {
                // Something changed: look again.
                None => {}
                Some(Next::NeedInput) => return self.need_input(input),
                Some(next) => return Ok(next),
            }
        }
    }

    /// Nothing is under way that a goodbye would cut off.
    fn is_at_rest(&self) -> bool {
        let reading = matches!(
            self.phase,
            Phase::Command | Phase::Idle { .. } | Phase::Sasl { .. }
        );
        reading && self.pending.is_empty()
    }

    /// All of `input` is looked at, and more is wanted.
    fn need_input(&mut self, input: &BytesMut) -> Step {
        if !self.input_closed {
            return Ok(Next::NeedInput);
        }
        let inside = match self.phase {
            Phase::Command | Phase::Idle { .. } if input.is_empty() => {
                if !self.pending.is_empty() {
                    return Ok(Next::Paused(Pause::Answer));
                }
                self.state = State::Logout;
                self.phase = Phase::Over;
                return Ok(Next::Closed);
            }
            Phase::Body { .. } | Phase::Tail { .. } => "a message",
            Phase::Discard(_) => "a literal",
            Phase::Sasl { .. } => "an AUTHENTICATE exchange",
            _ => "a command",
        };
        let offset = self.taken + input.len() as u64;
        Err(self.fail(Fault::Truncated { inside, offset }, None))
    }

    /// The client is waited for with `unread` bytes of something incomplete there.
    pub(super) fn pace(&mut self, now: Instant, unread: usize) {
        let arrived = self.taken + unread as u64;
        let more = usize::try_from(arrived.saturating_sub(self.counted)).unwrap_or(usize::MAX);
        self.counted = arrived;
        let between = matches!(self.phase, Phase::Command | Phase::Idle { .. });
        if between && unread == 0 {
            self.timers.rest();
        } else {
            self.timers.moved(now, more);
        }
    }

    /// STARTTLS was answered. Whatever comes now was not encrypted, and whoever put
    /// it there wants it taken for what comes after (law 8).
    fn upgrade(&mut self, input: &BytesMut) -> Step {
        if !input.is_empty() {
            let offset = self.taken;
            self.output.clear();
            let violation = Violation {
                what: "plaintext behind STARTTLS",
                offset,
                rule: "RFC 3501 6.2.1",
            };
            return Err(self.fail(violation, None));
        }
        if !self.output.is_empty() {
            return Ok(Next::Paused(Pause::Flush));
        }
        if self.input_closed {
            self.phase = Phase::Over;
            return Ok(Next::Closed);
        }
        Ok(Next::Paused(Pause::Upgrade))
    }

    fn is_logged_in(&self) -> bool {
        self.state != State::NotAuthenticated
    }

    fn line_limit(&self) -> usize {
        if self.is_logged_in() {
            self.config.limits.line_after_login
        } else {
            self.config.limits.line_before_login
        }
    }

    fn too_long(&mut self, limit: usize) -> Fault {
        let exceeded = LimitExceeded {
            what: "bytes in a command",
            limit: limit as u64,
            offset: self.taken,
        };
        self.fail(exceeded, Some("that command is too long"))
    }

    /// Answers what is wrong, and counts it.
    pub(super) fn bad(&mut self, tag: Option<Tag<'static>>, text: &str) -> Result<(), Fault> {
        let (condition, text) = (Condition::Bad, RespText::new(text));
        self.output.say(&match tag {
            Some(tag) => Response::Tagged {
                tag,
                condition,
                text,
            },
            None => Response::Condition { condition, text },
        });
        match self.errors.spend(1, self.taken) {
            Ok(()) => Ok(()),
            Err(exceeded) => Err(self.fail(exceeded, Some("too many errors"))),
        }
    }

    fn bad_syntax(&mut self, tag: Option<Tag<'static>>, error: ParseError) -> Result<(), Fault> {
        self.bad(tag, &error.to_string())
    }

    fn command(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Option<Next<ServerEvent>>, Fault> {
        if self.closing.is_some() {
            // Nothing new begins.
            return Ok(Some(Next::Paused(Pause::Answer)));
        }
        if let Some(ready) = self.ready.take() {
            if !self.can_begin(&ready.command) {
                self.ready = Some(ready);
                return Ok(Some(Next::Paused(Pause::Answer)));
            }
            return self.deliver(*ready);
        }
        let limit = self.line_limit();
        match self.framer.next(input, limit) {
            Framed::Incomplete => Ok(Some(Next::NeedInput)),
            Framed::TooLong => Err(self.too_long(limit)),
            Framed::Whole { len, ending } => {
                self.timers.command(now);
                let frame = input.get(..len).unwrap_or_default();
                let judged = match ending {
                    Ending::Crlf => self.whole(frame),
                    Ending::BareLf => {
                        let tag = Tag::split(frame).map(|(tag, _)| tag.into_owned());
                        self.bad(tag, "a line ends in CR and LF")
                    }
                };
                input.advance(len);
                judged.map(|()| None)
            }
            Framed::Literal {
                len,
                literal,
                before,
            } => {
                self.announced(input, len, literal, before)?;
                Ok(None)
            }
        }
    }

    /// A whole frame.
    fn whole(&mut self, frame: &[u8]) -> Result<(), Fault> {
        let line = frame.strip_suffix(b"\r\n").unwrap_or(frame);
        let mut cursor = Cursor::new(line);
        let head = match Head::parse(&mut cursor) {
            Ok(head) => head,
            Err((tag, error)) => return self.bad_syntax(tag.map(Tag::into_owned), error),
        };
        if !self.may(&head)? {
            return Ok(());
        }
        // Its message is announced, or it is none.
        if head.verb == Verb::Append {
            let tag = head.tag.into_owned();
            return self.bad(Some(tag), "APPEND wants a message as a literal");
        }
        match Command::parse_arguments(&head, &mut cursor) {
            Ok(command) => {
                self.ready = Some(Box::new(Ready {
                    command: command.into_owned(),
                    tag: head.tag.into_owned(),
                    literal: None,
                }));
                Ok(())
            }
            Err(error) => self.bad_syntax(Some(head.tag.into_owned()), error),
        }
    }

    /// Whether the command may be looked at any further; if not, it was answered.
    fn may(&mut self, head: &Head<'_>) -> Result<bool, Fault> {
        let tag = || head.tag.clone().into_owned();
        if head.verb == Verb::Unknown {
            self.bad(Some(tag()), "no such command here")?;
        } else if self.pending.iter().any(|p| p.tag == head.tag) {
            self.bad(Some(tag()), "this tag is in use")?;
        } else if !gate::allowed(head.verb, self.state) {
            self.bad(Some(tag()), "not in this state")?;
        } else if head.verb == Verb::StartTls && (!self.config.starttls || self.is_encrypted()) {
            self.bad(Some(tag()), "no STARTTLS here")?;
        } else if head.verb == Verb::Login && !self.may_send_password() {
            self.say_privacy_required(tag());
        } else {
            return Ok(true);
        }
        Ok(false)
    }

    pub(super) fn may_send_password(&self) -> bool {
        self.is_encrypted() || self.config.login_in_clear
    }

    pub(super) fn say_privacy_required(&mut self, tag: Tag<'static>) {
        let text = RespText::new("not without TLS").with(Code::PrivacyRequired);
        self.say_tagged(tag, Condition::No, text);
    }

    /// The frame goes on with a literal: `len` bytes of it are there.
    fn announced(
        &mut self,
        input: &mut BytesMut,
        len: usize,
        literal: Result<Literal, &'static str>,
        before: u32,
    ) -> Result<(), Fault> {
        if before == 0 {
            // Once a frame: whose it is, and whether it is worth reading.
            let line = Bytes::copy_from_slice(input.get(..len).unwrap_or_default());
            let head = match Head::parse(&mut Cursor::new(&line)) {
                Ok(head) => head,
                Err((tag, error)) => {
                    self.bad_syntax(tag.map(Tag::into_owned), error)?;
                    return self.refused(input, len, literal);
                }
            };
            if !self.may(&head)? {
                return self.refused(input, len, literal);
            }
            self.head = Some((head.tag.into_owned(), head.verb));
        }
        let Some((tag, verb)) = self.head.clone() else {
            return Ok(());
        };
        let literal = match literal {
            Ok(literal) => literal,
            Err(what) => {
                self.bad(Some(tag), what)?;
                return self.refused(input, len, Err(what));
            }
        };
        if !literal.is_sync() && !self.config.literals.allows(literal.size()) {
            self.bad(Some(tag), "too large for a literal that does not wait")?;
            return self.refused(input, len, Ok(literal));
        }
        if verb == Verb::Append && !is_mailbox_literal(input.get(..len).unwrap_or_default()) {
            return self.append(input, len, literal, tag);
        }
        let most = if self.is_logged_in() {
            u64::MAX
        } else {
            self.config.limits.literal_before_login
        };
        let limit = self.line_limit();
        if literal.size() > most || !self.framer.inline(literal, limit) {
            let text = RespText::new("that literal is too large").with(Code::Limit);
            self.say_tagged(tag, Condition::No, text);
            return self.refused(input, len, Ok(literal));
        }
        if literal.is_sync() {
            self.output.say(&Response::Continue(Text::lossy("OK")));
        }
        Ok(())
    }

    /// APPEND up to its message.
    fn append(
        &mut self,
        input: &mut BytesMut,
        len: usize,
        literal: Literal,
        tag: Tag<'static>,
    ) -> Result<(), Fault> {
        let frame = Bytes::copy_from_slice(input.get(..len).unwrap_or_default());
        let command = match Command::parse(&frame) {
            Ok((_, command)) => command.into_owned(),
            Err(e) => {
                self.bad_syntax(Some(tag), e.error)?;
                return self.refused(input, len, Ok(literal));
            }
        };
        if literal.size() > self.config.limits.message {
            let text = RespText::new("that message is too large").with(Code::Limit);
            self.say_tagged(tag, Condition::No, text);
            return self.refused(input, len, Ok(literal));
        }
        input.advance(len);
        self.framer.reset();
        self.ready = Some(Box::new(Ready {
            tag,
            command,
            literal: Some(literal),
        }));
        Ok(())
    }

    /// The frame was answered at the announcement of a literal. One that waits does
    /// not come; the other comes and is thrown away, if it is not too much.
    fn refused(
        &mut self,
        input: &mut BytesMut,
        len: usize,
        literal: Result<Literal, &'static str>,
    ) -> Result<(), Fault> {
        let line = input.get(..len).unwrap_or_default();
        let unknown_size = literal.is_err() && line.ends_with(b"+}\r\n");
        input.advance(len);
        self.framer.reset();
        match literal {
            Ok(literal) => self.skip_literal(literal),
            Err(what) if unknown_size => {
                let violation = Violation {
                    what,
                    offset: self.taken,
                    rule: "RFC 7888 3",
                };
                Err(self.fail(violation, Some("that literal has no end")))
            }
            Err(_) => Ok(()),
        }
    }

    /// Throws away a literal that was refused.
    pub(super) fn skip_literal(&mut self, literal: Literal) -> Result<(), Fault> {
        if literal.is_sync() {
            self.phase = Phase::Command;
            return Ok(());
        }
        let limits = &self.config.limits;
        let most = if self.is_logged_in() {
            limits.message
        } else {
            limits.line_before_login as u64
        };
        if literal.size() > most {
            let exceeded = LimitExceeded {
                what: "bytes in a literal",
                limit: most,
                offset: self.taken,
            };
            return Err(self.fail(exceeded, Some("that literal is too large")));
        }
        self.phase = Phase::Discard(Counted::new(literal.size()));
        Ok(())
    }

    fn discard(&mut self, input: &mut BytesMut) -> Result<Option<Next<ServerEvent>>, Fault> {
        if let Phase::Discard(left) = &mut self.phase {
            if !left.skip(input) {
                return Ok(Some(Next::NeedInput));
            }
            self.phase = Phase::DiscardLine;
            return Ok(None);
        }
        let limit = self.line_limit();
        match self.framer.next(input, limit) {
            Framed::Incomplete => Ok(Some(Next::NeedInput)),
            Framed::TooLong => Err(self.too_long(limit)),
            Framed::Whole { len, .. } => {
                input.advance(len);
                self.phase = Phase::Command;
                Ok(None)
            }
            Framed::Literal { len, literal, .. } => {
                self.phase = Phase::Command;
                self.refused(input, len, literal)?;
                Ok(None)
            }
        }
    }

    fn message(&mut self, input: &mut BytesMut) -> Option<Next<ServerEvent>> {
        let Phase::Body { tag, size, left } = &mut self.phase else {
            return None;
        };
        if left.is_done() {
            let (tag, size) = (tag.clone(), *size);
            self.phase = Phase::Tail { tag, size };
            return None;
        }
        Some(match left.next(input) {
            Some(chunk) => Next::Event(ServerEvent::Chunk(chunk)),
            None => Next::NeedInput,
        })
    }

    /// Behind a message there is a line end, and nothing else.
    fn tail(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Option<Next<ServerEvent>>, Fault> {
        let limit = self.line_limit();
        let framed = self.framer.next(input, limit);
        let len = match framed {
            Framed::Incomplete => return Ok(Some(Next::NeedInput)),
            Framed::TooLong => return Err(self.too_long(limit)),
            Framed::Whole { len, .. } | Framed::Literal { len, .. } => len,
        };
        self.timers.command(now);
        let Phase::Tail { tag, size } = core::mem::replace(&mut self.phase, Phase::Command) else {
            return Ok(None);
        };
        if input.get(..len) == Some(b"\r\n") {
            input.advance(len);
            return Ok(Some(Next::Event(ServerEvent::AppendEnd { tag, size })));
        }
        self.pending.retain(|p| p.tag != tag);
        self.due = Some(Box::new(ServerEvent::AppendAborted { tag: tag.clone() }));
        self.bad(Some(tag), "more than a line end behind the message")?;
        match framed {
            Framed::Literal { literal, .. } => self.refused(input, len, literal)?,
            _ => input.advance(len),
        }
        Ok(None)
    }

    fn sasl(&mut self, input: &mut BytesMut) -> Result<Option<Next<ServerEvent>>, Fault> {
        let limit = self.config.limits.auth_line;
        let (len, ending) = match self.framer.next(input, limit) {
            Framed::Incomplete => return Ok(Some(Next::NeedInput)),
            Framed::TooLong => return Err(self.too_long(limit)),
            Framed::Whole { len, ending } => (len, ending),
            Framed::Literal { len, .. } => {
                // No base64 ends in `}`.
                self.framer.reset();
                (len, Ending::Crlf)
            }
        };
        let line = take(input, len);
        let Phase::Sasl { tag, mut exchange } = core::mem::replace(&mut self.phase, Phase::Command)
        else {
            return Ok(None);
        };
        let text = match ending {
            Ending::Crlf => line.strip_suffix(b"\r\n").unwrap_or(&line),
            Ending::BareLf => {
                self.bad(Some(tag), "a line ends in CR and LF")?;
                return Ok(None);
            }
        };
        match wire::parse(text) {
            Ok(wire::Line::Cancel) => self.bad(Some(tag), "AUTHENTICATE is cancelled")?,
            Err(_) => self.bad(Some(tag), "that is not base64")?,
            Ok(wire::Line::Message(message)) => {
                let step = exchange.step(message.expose());
                return self.sasl_step(tag, exchange, step);
            }
        }
        Ok(None)
    }

    fn idle(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Option<Next<ServerEvent>>, Fault> {
        let limit = self.line_limit();
        let len = match self.framer.next(input, limit) {
            Framed::Incomplete => return Ok(Some(Next::NeedInput)),
            Framed::TooLong => return Err(self.too_long(limit)),
            Framed::Whole { len, .. } => len,
            Framed::Literal { len, .. } => {
                self.framer.reset();
                len
            }
        };
        self.timers.command(now);
        let line = take(input, len);
        let Phase::Idle { tag } = core::mem::replace(&mut self.phase, Phase::Command) else {
            return Ok(None);
        };
        self.due = Some(Box::new(ServerEvent::IdleEnd));
        let done = line.strip_suffix(b"\r\n").unwrap_or_default();
        if done.trim_ascii_end().eq_ignore_ascii_case(b"DONE") {
            self.say_tagged(tag, Condition::Ok, RespText::new("IDLE is over"));
        } else {
            self.bad(Some(tag), "expected DONE")?;
        }
        Ok(None)
    }
}

/// Whether the literal announced at the end of this frame is the name of APPEND's
/// mailbox: it is all there is of the arguments.
fn is_mailbox_literal(frame: &[u8]) -> bool {
    let mut words = frame.splitn(3, |&b| b == b' ');
    let arguments = words.nth(2).unwrap_or_default();
    let named = arguments.starts_with(b"{") || arguments.starts_with(b"~{");
    named && memchr::memchr(b'\n', arguments) == Some(arguments.len() - 1)
}

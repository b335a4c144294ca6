//! What the server says, and what the client makes of it.

use alloc::string::String;

use scop_core::Instant;
use scop_sasl::{ClientStep, wire};

use super::{
    Client, Error, Event, Exchange, Flight, Handle, Idle, Phase, Purpose, State, TlsPolicy,
};
use crate::{
    command::{Command, Verb},
    response::{Code, Condition, Data, Piece, RespText, Response, Text},
    types::{Capability, Tag},
};

impl Client {
    pub(super) fn piece(&mut self, now: Instant, piece: Piece) -> Result<(), Error> {
        let hearsay = self.is_hearsay();
        match piece {
            Piece::Response(response) if matches!(self.phase, Phase::Greeting) => {
                self.greet(response)
            }
            Piece::Response(response) => self.respond(now, response),
            _ if matches!(self.phase, Phase::Greeting) => Err(self.not_a_greeting()),
            _ if hearsay => Ok(()),
            Piece::Begin { number, uid, item } => {
                self.events.push_back(Event::Begin { number, uid, item });
                Ok(())
            }
            Piece::Chunk { data, left } => {
                self.events.push_back(Event::Chunk { data, left });
                Ok(())
            }
        }
    }

    fn not_a_greeting(&self) -> Error {
        self.violation("the first line is no greeting", "RFC 3501 7.1")
    }

    fn greet(&mut self, response: Response) -> Result<(), Error> {
        let Response::Condition { condition, text } = response else {
            return Err(self.not_a_greeting());
        };
        match condition {
            Condition::Ok => {}
            Condition::Preauth => {
                if self.channel.is_none() && self.config.tls == TlsPolicy::Required {
                    return Err(Error::PreauthInClear);
                }
                self.authenticated();
            }
            Condition::Bye if self.is_hearsay() => return Err(Error::ByeBeforeTls),
            Condition::Bye => {
                self.events.push_back(Event::Bye(text));
                self.close();
                return Ok(());
            }
            Condition::No | Condition::Bad => return Err(self.not_a_greeting()),
        }
        self.phase = Phase::Preparing;
        self.learn(text.code.as_ref());
        self.greeting = Some(text);
        let tls = match self.config.tls {
            _ if self.channel.is_some() || condition == Condition::Preauth => TlsPolicy::Never,
            policy => policy,
        };
        match (tls, &self.capabilities) {
            (TlsPolicy::Never, Some(_)) => self.ready(),
            (TlsPolicy::Never | TlsPolicy::Opportunistic, None) => {
                self.own(Command::Capability, Purpose::Capabilities);
            }
            // What is not said to be there is tried all the same: the answer tells.
            (TlsPolicy::Required, None) => self.own(Command::StartTls, Purpose::StartTls),
            (TlsPolicy::Opportunistic | TlsPolicy::Required, Some(_)) => {
                return self.start_tls_if_offered();
            }
        }
        Ok(())
    }

    fn start_tls_if_offered(&mut self) -> Result<(), Error> {
        let all = self.capabilities.as_deref().unwrap_or_default();
        if all.contains(&Capability::StartTls) {
            self.own(Command::StartTls, Purpose::StartTls);
        } else if self.config.tls == TlsPolicy::Required {
            return Err(Error::NoStartTls);
        } else {
            self.ready();
        }
        Ok(())
    }

    fn ready(&mut self) {
        self.phase = Phase::Ready;
        self.events.push_back(Event::Ready);
    }

    fn authenticated(&mut self) {
        self.state = State::Authenticated;
        self.reader.set_limits(self.config.limits.after_login);
    }

    fn respond(&mut self, now: Instant, response: Response) -> Result<(), Error> {
        let hearsay = self.is_hearsay();
        match response {
            Response::Tagged {
                tag,
                condition,
                text,
            } => self.tagged(&tag, condition, text),
            Response::Continue(text) => self.go_ahead(now, &text),
            Response::Condition {
                condition: Condition::Bye,
                text,
            } => {
                if hearsay {
                    return Err(Error::ByeBeforeTls);
                }
                self.bye = true;
                self.state = State::Logout;
                self.events.push_back(Event::Bye(text));
                if !self.under_way.iter().any(|f| f.verb == Verb::Logout) {
                    self.close();
                }
                Ok(())
            }
            Response::Condition {
                condition: Condition::Preauth,
                ..
            } => Err(self.violation("PREAUTH that is no greeting", "RFC 3501 7.1.4")),
            Response::Condition { condition, text } => {
                self.learn(text.code.as_ref());
                if !hearsay {
                    self.events.push_back(Event::Condition { condition, text });
                }
                Ok(())
            }
            Response::Data(data) => {
                if let Data::Capability(all) = &data {
                    self.capabilities = Some(all.clone());
                    self.fresh = true;
                }
                let own = |f: &Flight| !matches!(f.purpose, Purpose::Caller);
                let asked = matches!(data, Data::Capability(_)) && self.under_way.iter().any(own);
                if !hearsay && !asked {
                    self.events.push_back(Event::Data(data));
                }
                Ok(())
            }
            Response::Unknown(_) => Err(self.violation(
                "a line that is no response: neither tagged, untagged nor a continuation",
                "RFC 3501 2.2.2",
            )),
        }
    }

    fn learn(&mut self, code: Option<&Code>) {
        if let Some(Code::Capability(all)) = code {
            self.capabilities = Some(all.clone());
            self.fresh = true;
        }
    }

    fn tagged(&mut self, tag: &Tag<'_>, condition: Condition, text: RespText) -> Result<(), Error> {
        let number = number_of(tag.as_str());
        let at = number.and_then(|n| self.under_way.iter().position(|f| f.number == n));
        let Some(flight) = at.map(|at| self.under_way.remove(at)) else {
            return Err(self.violation(
                "an answer to a command that is not under way",
                "RFC 3501 2.2.2",
            ));
        };
        self.out.finished(flight.number);
        if self.pending() == 0 && self.out.owed().is_none() {
            self.moved = None;
        }
        let done = Event::Done {
            handle: Handle(flight.number),
            condition,
            text,
        };
        let Event::Done { text, .. } = &done else {
            return Ok(());
        };
        let code = text.code.as_ref();
        match flight.purpose {
            Purpose::StartTls if condition == Condition::Ok => {
                self.phase = Phase::UpgradeDue;
                self.moved = None;
                return Ok(());
            }
            Purpose::StartTls => return Err(Error::StartTlsRefused(condition)),
            Purpose::Capabilities => {
                self.learn(code);
                if condition != Condition::Ok || self.capabilities.is_none() {
                    return Err(Error::NoCapabilities(condition));
                }
                if self.channel.is_none()
                    && self.config.tls == TlsPolicy::Opportunistic
                    && self.state == State::NotAuthenticated
                {
                    return self.start_tls_if_offered();
                }
                self.ready();
                return Ok(());
            }
            Purpose::AfterLogin(login) => {
                self.learn(code);
                self.events.push_back(login);
                return Ok(());
            }
            Purpose::Caller => {}
        }
        self.learn(code);
        match flight.verb {
            Verb::Login | Verb::Authenticate => {
                if let Some(mut exchange) = self.exchange.take()
                    && condition == Condition::Ok
                    && !exchange.is_over()
                {
                    return Err(self.violation("OK to an exchange that was not over", "RFC 4422 5"));
                }
                if condition == Condition::Ok {
                    self.authenticated();
                    if !self.fresh {
                        self.own(Command::Capability, Purpose::AfterLogin(done));
                        return Ok(());
                    }
                }
            }
            Verb::Select | Verb::Examine => match condition {
                Condition::Ok => {
                    let read_only = flight.verb == Verb::Examine || code == Some(&Code::ReadOnly);
                    self.state = State::Selected { read_only };
                }
                Condition::No => self.state = State::Authenticated,
                _ => {}
            },
            Verb::Close | Verb::Unselect if condition == Condition::Ok => {
                self.state = State::Authenticated;
            }
            Verb::Idle => self.idle = Idle::No,
            Verb::Logout if condition == Condition::Ok => {
                self.close();
            }
            _ => {}
        }
        self.events.push_back(done);
        Ok(())
    }

    /// The server said `+`.
    fn go_ahead(&mut self, now: Instant, text: &Text) -> Result<(), Error> {
        if let Some((number, wrote)) = self.out.go_ahead() {
            self.wrote(number, wrote);
            return Ok(());
        }
        let authenticates = self.under_way.iter().any(|f| f.verb == Verb::Authenticate);
        if let Some(exchange) = self
            .exchange
            .as_mut()
            .filter(|e| authenticates && !e.cancelled)
        {
            let message = exchange.answer(text.as_bytes());
            exchange.cancelled = message.is_none();
            self.out.line(message.as_deref().unwrap_or("*").as_bytes());
            return Ok(());
        }
        if let Idle::Asked(done) = self.idle {
            let idler = self.under_way.iter().find(|f| f.verb == Verb::Idle);
            let handle = idler.map(|f| Handle(f.number));
            self.events.extend(handle.map(Event::Idling));
            self.idle = Idle::Since(now);
            if done {
                self.idle = Idle::Ending;
                self.out.line(b"DONE");
            }
            return Ok(());
        }
        Err(self.violation("`+` that nothing waits for", "RFC 3501 7.5"))
    }
}

impl Exchange {
    /// Whether the server may be content: all was sent, nothing was cancelled, and it
    /// proved what it has to.
    fn is_over(&mut self) -> bool {
        self.initial.is_none() && !self.cancelled && self.sasl.finish(None).is_ok()
    }

    /// The answer to a challenge; `None` to give up.
    fn answer(&mut self, challenge: &[u8]) -> Option<String> {
        if let Some(initial) = self.initial.take() {
            return Some(wire::encode(initial.expose()));
        }
        let challenge = wire::decode(challenge.trim_ascii()).ok()?;
        match self.sasl.step(challenge.expose()).ok()? {
            ClientStep::Response(message) => Some(wire::encode(message.expose())),
            _ => None,
        }
    }
}

/// The number in one of our tags.
fn number_of(tag: &str) -> Option<u32> {
    let digits = tag.strip_prefix('A')?;
    let plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

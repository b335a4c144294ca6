//! What each command does.

use alloc::borrow::ToOwned;

use scop_core::Fault;
use scop_sasl::{self as sasl, Mechanism, ServerStep, wire};

use super::{Question, Server, ServerEvent, State, event::Hello};
use crate::{Auth, ClientName, Command, Mail, Parameters, Rcpt, Submitter, Unknown};

/// What came of a command.
pub(super) enum Done {
    /// It was carried out.
    Event(Option<ServerEvent>),
    /// This first; then it is to be read again.
    Again(ServerEvent),
}

type Step = Result<Option<ServerEvent>, Fault>;

impl Server {
    /// Carries out a command; `behind` tells whether input stands behind its line.
    pub(super) fn command(&mut self, line: &[u8], behind: bool) -> Result<Done, Fault> {
        let command = match Command::parse(line) {
            Ok(command) => command,
            Err(error) => {
                let (code, enhanced) = (error.code(), error.enhanced());
                // Nothing of the line is said back.
                let refused = self.refuse_with(format_args!("{code} {enhanced} Wrong: {error}"));
                return refused.map(Done::Event);
            }
        };
        if matches!(command, Command::Ehlo(_) | Command::Helo(_)) && self.transaction.is_some() {
            self.transaction = None;
            return Ok(Done::Again(ServerEvent::Reset));
        }
        match command {
            Command::Ehlo(name) => self.hello(name, true),
            Command::Helo(name) => self.hello(name, false),
            Command::Rset => self.rset(),
            Command::Noop(_) => self.junk("250 2.0.0 OK"),
            Command::Quit => {
                self.close("221 2.0.0 Goodbye");
                Ok(Some(ServerEvent::Quit))
            }
            Command::StartTls => self.starttls(behind),
            Command::Unknown(unknown) => self.unknown(unknown),
            Command::Lhlo(_) => self.refuse("500 5.5.1 This is not LMTP"),
            _ if self.config.require_tls && !self.is_encrypted() => {
                self.refuse("530 5.7.0 Say STARTTLS first")
            }
            Command::Mail(mail) => self.mail(mail),
            Command::Rcpt(rcpt) => self.rcpt(rcpt),
            Command::Data => self.go_ahead(),
            Command::Auth(auth) => self.auth(&auth),
            Command::Vrfy(_) => self.junk("252 2.1.5 Send it some mail and see"),
            Command::Expn(_) => self.junk("502 5.5.1 EXPN is not for you"),
            Command::Help(_) => self.junk("214 2.0.0 RFC 5321 tells it all"),
        }
        .map(Done::Event)
    }

    fn hello(&mut self, name: ClientName<'_>, esmtp: bool) -> Step {
        self.junk.spend(1, self.offset)?;
        let name = name.into_owned();
        if esmtp {
            let can = self.config.capabilities(self.is_encrypted());
            can.encode(self.out.tail());
        } else {
            let config = self.config.clone();
            self.say(format_args!("250 {}", config.name));
        }
        let hello = Hello { name, esmtp };
        self.hello = Some(hello.clone());
        Ok(Some(ServerEvent::Hello(hello)))
    }

    fn mail(&mut self, mut mail: Mail<'_>) -> Step {
        let limits = &self.config.limits;
        if self.hello.is_none() {
            return self.refuse("503 5.5.1 Say EHLO first");
        }
        if self.config.submission && self.authenticated.is_none() {
            return self.refuse("530 5.7.0 Authenticate first");
        }
        if self.transaction.is_some() {
            return self.refuse("503 5.5.1 There is a sender already");
        }
        if self.messages >= limits.messages {
            self.close("421 4.7.0 Enough messages for one connection");
            return Ok(None);
        }
        if mail.size.is_some_and(|size| size > limits.message_size) {
            return self.refuse("552 5.3.4 The message is too large");
        }
        if !self.knows(&mail.parameters) {
            return self.refuse("555 5.5.4 A parameter that was not offered");
        }
        if mail.auth.is_some() && self.authenticated.is_none() {
            // RFC 4954 section 5: whom we do not trust, we do not believe.
            mail.auth = Some(Submitter::Unknown);
        }
        self.junk.spend(1, self.offset)?;
        let event = ServerEvent::Mail(mail.into_owned());
        Ok(Some(self.ask(Question::Mail, event)))
    }

    fn rcpt(&mut self, rcpt: Rcpt<'_>) -> Step {
        let most = self.config.limits.recipients;
        let Some(transaction) = &mut self.transaction else {
            return self.refuse("503 5.5.1 Say MAIL first");
        };
        transaction.tried = transaction.tried.saturating_add(1);
        let tried = most.saturating_mul(10);
        if transaction.tried > tried {
            return Err(self.limit("RCPT commands for one message", tried.into()));
        }
        if transaction.accepted >= most {
            // No error of the client's: it sends to these and comes back.
            self.out.push(b"452 4.5.3 Too many recipients\r\n");
            return Ok(None);
        }
        if !self.knows(&rcpt.parameters) {
            return self.refuse("555 5.5.4 A parameter that was not offered");
        }
        let event = ServerEvent::Rcpt(rcpt.into_owned());
        Ok(Some(self.ask(Question::Rcpt, event)))
    }

    /// RFC 5321 section 4.1.1.11: what was not offered is refused.
    fn knows(&self, parameters: &Parameters<'_>) -> bool {
        parameters.is_empty()
    }

    fn go_ahead(&mut self) -> Step {
        match self.transaction.map(|t| t.accepted) {
            None => self.refuse("503 5.5.1 Say MAIL first"),
            Some(0) => {
                // A pipelining client cannot know better (RFC 2920 section 3.1).
                self.junk("554 5.5.1 No valid recipients")
            }
            Some(_) => {
                self.junk.spend(1, self.offset)?;
                Ok(Some(self.ask(Question::Data, ServerEvent::Data)))
            }
        }
    }

    fn rset(&mut self) -> Step {
        let open = self.transaction.take().is_some();
        self.junk("250 2.0.0 OK")?;
        Ok(open.then_some(ServerEvent::Reset))
    }

    fn starttls(&mut self, behind: bool) -> Step {
        if self.is_encrypted() {
            return self.refuse("503 5.5.1 TLS is on already");
        }
        if !self.config.starttls {
            return self.refuse("502 5.5.1 There is no STARTTLS here");
        }
        if behind {
            return Err(self.injected());
        }
        self.out.push(b"220 2.0.0 Go ahead\r\n");
        self.state = State::Go;
        Ok(None)
    }

    fn unknown(&mut self, command: Unknown<'_>) -> Step {
        const HTTP: [&str; 10] = [
            "GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI",
        ];
        if HTTP.contains(&command.verb()) {
            return Err(self.violation("an HTTP request", "RFC 5321 4.1.1"));
        }
        self.junk.spend(1, self.offset)?;
        self.refuse("500 5.5.1 No such command")
    }

    /// A command that leads nowhere.
    fn junk(&mut self, reply: &str) -> Step {
        self.say(format_args!("{reply}"));
        self.junk.spend(1, self.offset)?;
        Ok(None)
    }

    fn auth(&mut self, auth: &Auth<'_>) -> Step {
        if !self.config.offers_auth(self.is_encrypted()) {
            // Said before the secret is looked at; it was shown already.
            return match self.config.mechanisms.is_empty() {
                true => self.refuse("502 5.5.1 There is no AUTH here"),
                false => self.refuse("530 5.7.0 Say STARTTLS first"),
            };
        }
        if !self.is_esmtp() {
            return self.refuse("503 5.5.1 Say EHLO first");
        }
        if self.authenticated.is_some() {
            return self.refuse("503 5.5.1 Authenticated already");
        }
        if self.transaction.is_some() {
            return self.refuse("503 5.5.1 Not in a transaction");
        }
        let mechanism = Mechanism::from_name(auth.mechanism().as_bytes());
        let Some(mechanism) = mechanism.filter(|m| self.config.mechanisms.contains(m)) else {
            return self.refuse("504 5.5.4 No such mechanism");
        };
        let mut exchange = sasl::Server::new(mechanism);
        let step = match auth.initial().map(wire::parse_initial).transpose() {
            Ok(initial) => exchange.start(initial.as_ref().map(sasl::Secret::expose)),
            Err(error) => Err(error),
        };
        self.exchanged(exchange, step)
    }

    /// The client's line in an exchange.
    pub(super) fn response(&mut self, line: &[u8]) -> Step {
        let State::Auth(mut exchange) = core::mem::replace(&mut self.state, State::Command) else {
            return Ok(None);
        };
        match wire::parse(line) {
            Ok(wire::Line::Cancel) => self.refuse("501 5.7.0 Cancelled"),
            Ok(wire::Line::Message(message)) => {
                let step = exchange.step(message.expose());
                self.exchanged(exchange, step)
            }
            Err(error) => self.exchanged(exchange, Err(error)),
        }
    }

    fn exchanged(&mut self, exchange: sasl::Server, step: Result<ServerStep, sasl::Error>) -> Step {
        match step {
            Ok(ServerStep::Challenge(challenge)) => {
                self.say(format_args!("334 {}", wire::encode(&challenge)));
                self.state = State::Auth(exchange);
                Ok(None)
            }
            Ok(ServerStep::Verify(credentials)) => {
                let name = credentials.authcid().to_owned();
                Ok(Some(
                    self.ask(Question::Auth(name), ServerEvent::Auth(credentials)),
                ))
            }
            Ok(_) => self.refuse("454 4.7.0 That cannot be done here"),
            Err(sasl::Error::Credentials(_)) => {
                self.auth_failures.spend(1, self.offset)?;
                self.refuse("535 5.7.8 No such name and password")
            }
            Err(error) => self.refuse_with(format_args!("501 5.5.2 Wrong: {error}")),
        }
    }
}

//! A command that was read and is allowed: answered here, or handed out.

use alloc::{boxed::Box, vec, vec::Vec};

use scop_core::{Fault, Next};
use scop_sasl::{Credentials, Mechanism, ServerStep, wire};

use super::{Pending, Phase, Ready, Server, ServerEvent, State, gate};
use crate::{
    command::{Append, Authenticate, Command, Search, Verb},
    response::{
        Attribute, Code, Condition, Data, List, Namespace, NamespaceEntry, RespText, Response, Text,
    },
    types::{Atom, Capability, Literal, Mailbox, NonSync, Tag},
};

type Delivered = Result<Option<Next<ServerEvent>>, Fault>;

impl Server {
    /// Whether this command may begin beside those under way.
    pub(super) fn can_begin(&self, command: &Command<'_>) -> bool {
        let room = self.pending.len() < self.config.limits.pipelined;
        let beside = || gate::is_shared(command) && self.pending.iter().all(|p| p.shared);
        self.pending.is_empty() || room && beside()
    }

    pub(super) fn deliver(&mut self, ready: Ready) -> Delivered {
        let Ready {
            tag,
            command,
            literal,
        } = ready;
        if !gate::allowed(command.verb(), self.state) {
            // The command before it changed the state.
            let text = "not in this state";
            self.bad(Some(tag), text)?;
            return literal.map_or(Ok(None), |l| self.skip_literal(l).map(|()| None));
        }
        if let Some(refusal) = self.refusal(&command) {
            self.say_tagged(tag, Condition::No, refusal);
            return literal.map_or(Ok(None), |l| self.skip_literal(l).map(|()| None));
        }
        match command {
            Command::Capability => {
                let data = Data::Capability(self.capabilities());
                self.say_and_done(tag, data, "these");
            }
            Command::Id(_) => {
                let data = Data::Id(self.config.id.clone());
                self.say_and_done(tag, data, "so it is");
            }
            Command::Noop if self.state == State::NotAuthenticated => {
                self.say_tagged(tag, Condition::Ok, RespText::new("done"));
            }
            Command::Enable(_) => {
                // There is nothing yet that would have to be enabled.
                self.say_and_done(tag, Data::Enabled(Vec::new()), "as far as there is any");
            }
            Command::Namespace => {
                let data = Data::Namespace(Box::new(self.namespace()));
                self.say_and_done(tag, data, "done");
            }
            Command::List { pattern, .. } if pattern.as_str().is_empty() => {
                let data = Data::List(self.root());
                self.say_and_done(tag, data, "done");
            }
            Command::StartTls => {
                self.say_tagged(tag, Condition::Ok, RespText::new("begin TLS"));
                self.phase = Phase::Upgrade;
            }
            Command::Logout => {
                self.say_bye(RespText::new("see you"));
                self.say_tagged(tag, Condition::Ok, RespText::new("done"));
                self.state = State::Logout;
                self.phase = Phase::Over;
                return Ok(Some(Next::Event(ServerEvent::Logout)));
            }
            Command::Login(login) => match login.credentials() {
                Ok(credentials) => {
                    return Ok(self.login(tag, Verb::Login, credentials));
                }
                Err(_) => self.failed_login(tag)?,
            },
            Command::Authenticate(authenticate) => return self.authenticate(tag, &authenticate),
            Command::Idle => {
                self.output.say(&Response::Continue(Text::lossy("idling")));
                self.phase = Phase::Idle { tag: tag.clone() };
                return Ok(Some(Next::Event(ServerEvent::Idle { tag })));
            }
            Command::Append(append) => {
                return Ok(self.decide(tag, append, literal));
            }
            command => return Ok(Some(self.hand_out(tag, command))),
        }
        Ok(None)
    }

    fn hand_out(&mut self, tag: Tag<'static>, command: Command<'static>) -> Next<ServerEvent> {
        let command = match command {
            Command::Create(name) => Command::Create(self.without_delimiter(name)),
            other => other,
        };
        let verb = command.verb();
        if matches!(verb, Verb::Select | Verb::Examine) {
            // Whatever comes of it, the old one is no longer selected.
            self.state = State::Authenticated;
        }
        self.pend(&tag, verb, gate::is_shared(&command));
        Next::Event(ServerEvent::Command { tag, command })
    }

    fn pend(&mut self, tag: &Tag<'static>, verb: Verb, shared: bool) {
        self.pending.push(Pending {
            tag: tag.clone(),
            verb,
            shared,
        });
    }

    fn say_and_done(&mut self, tag: Tag<'static>, data: Data, text: &str) {
        self.output.say(&Response::Data(data));
        self.say_tagged(tag, Condition::Ok, RespText::new(text));
    }

    fn decide(
        &mut self,
        tag: Tag<'static>,
        append: Append<'static>,
        literal: Option<Literal>,
    ) -> Option<Next<ServerEvent>> {
        let literal = literal.unwrap_or(Literal::sync(append.size));
        self.pend(&tag, Verb::Append, false);
        self.phase = Phase::Decide {
            tag: tag.clone(),
            literal,
        };
        Some(Next::Event(ServerEvent::Append { tag, append }))
    }

    /// What is refused whoever asks: `NO` with this.
    fn refusal(&self, command: &Command<'_>) -> Option<RespText> {
        let delimiter = self.config.delimiter;
        let (name, made) = match command {
            Command::Create(name) => (&self.without_delimiter(name.clone()), true),
            Command::Rename { from, to } if from.is_plain(delimiter) => (to, true),
            Command::Rename { from, .. } => (from, false),
            Command::Select(name)
            | Command::Examine(name)
            | Command::Delete(name)
            | Command::Status { mailbox: name, .. } => (name, false),
            Command::Append(append) => (&append.mailbox, false),
            Command::Copy(copy) | Command::Move(copy) => (&copy.mailbox, false),
            Command::Search(search) => return bad_charset(search),
            _ => return None,
        };
        if name.is_plain(delimiter) {
            return None;
        }
        let code = if made {
            Code::Cannot
        } else {
            Code::NonExistent
        };
        let text = RespText::new("no level of a mailbox name is empty, . or ..");
        Some(text.with(code))
    }

    /// CREATE's name may end in a delimiter (RFC 3501 section 6.3.3).
    fn without_delimiter<'m>(&self, name: Mailbox<'m>) -> Mailbox<'m> {
        let Some(delimiter) = self.config.delimiter else {
            return name;
        };
        match name.as_str().strip_suffix(delimiter) {
            // A part of a name is a name.
            Some(shorter) if !shorter.is_empty() => {
                Mailbox::new(alloc::string::String::from(shorter)).unwrap_or(name)
            }
            _ => name,
        }
    }

    /// What LIST says of the root (RFC 3501 section 6.3.8).
    fn root(&self) -> List {
        List {
            attributes: vec![Attribute::NoSelect],
            delimiter: self.config.delimiter,
            mailbox: self.empty_name(),
        }
    }

    fn namespace(&self) -> Namespace {
        Namespace {
            personal: vec![NamespaceEntry {
                prefix: self.empty_name(),
                delimiter: self.config.delimiter,
            }],
            ..Namespace::default()
        }
    }

    fn empty_name(&self) -> Mailbox<'static> {
        Mailbox::new("").unwrap_or(Mailbox::INBOX)
    }

    /// What is offered in this state.
    pub(super) fn capabilities(&self) -> Vec<Capability<'static>> {
        let mut all = vec![Capability::Imap4Rev1];
        match self.config.literals {
            NonSync::Plus => all.push(Capability::LiteralPlus),
            NonSync::Minus => all.push(Capability::LiteralMinus),
            NonSync::Never => {}
        }
        all.extend([Capability::Id, Capability::Enable, Capability::Idle]);
        if self.state == State::NotAuthenticated {
            all.push(Capability::SaslIr);
            if self.config.starttls && !self.is_encrypted() {
                all.push(Capability::StartTls);
            }
            if !self.may_send_password() {
                all.push(Capability::LoginDisabled);
            }
            let usable = |m: &&Mechanism| self.may_send_password() || !m.exposes_password();
            let mechanisms = self.config.mechanisms.iter().filter(usable);
            all.extend(mechanisms.map(|m| Capability::Auth(Atom::known(m.name()))));
        } else {
            all.extend([
                Capability::Namespace,
                Capability::UidPlus,
                Capability::Unselect,
                Capability::Move,
            ]);
            all.extend(self.config.capabilities.iter().cloned());
        }
        all
    }

    fn authenticate(&mut self, tag: Tag<'static>, authenticate: &Authenticate<'_>) -> Delivered {
        let mechanism = Mechanism::from_name(authenticate.mechanism().as_bytes());
        let Some(mechanism) = mechanism.filter(|m| self.config.mechanisms.contains(m)) else {
            let text = RespText::new("no such mechanism here").with(Code::Cannot);
            self.say_tagged(tag, Condition::No, text);
            return Ok(None);
        };
        if mechanism.exposes_password() && !self.may_send_password() {
            self.say_privacy_required(tag);
            return Ok(None);
        }
        let Ok(initial) = authenticate.initial() else {
            self.bad(Some(tag), "that is not base64")?;
            return Ok(None);
        };
        let mut exchange = scop_sasl::Server::new(mechanism);
        let step = exchange.start(initial.as_ref().map(|i| i.expose()));
        self.sasl_step(tag, exchange, step)
    }

    pub(super) fn sasl_step(
        &mut self,
        tag: Tag<'static>,
        exchange: scop_sasl::Server,
        step: Result<ServerStep, scop_sasl::Error>,
    ) -> Delivered {
        match step {
            Ok(ServerStep::Challenge(challenge)) => {
                let text = Text::lossy(wire::encode(&challenge));
                self.output.say(&Response::Continue(text));
                self.phase = Phase::Sasl { tag, exchange };
                Ok(None)
            }
            Ok(ServerStep::Verify(credentials)) => {
                Ok(self.login(tag, Verb::Authenticate, credentials))
            }
            Ok(_) | Err(_) => self.failed_login(tag).map(|()| None),
        }
    }

    fn login(
        &mut self,
        tag: Tag<'static>,
        verb: Verb,
        credentials: Credentials,
    ) -> Option<Next<ServerEvent>> {
        self.pend(&tag, verb, false);
        Some(Next::Event(ServerEvent::Login { tag, credentials }))
    }

    fn failed_login(&mut self, tag: Tag<'static>) -> Result<(), Fault> {
        let text = RespText::new("that is nobody").with(Code::AuthenticationFailed);
        self.say_tagged(tag, Condition::No, text);
        self.count_failed_login()
    }

    pub(super) fn count_failed_login(&mut self) -> Result<(), Fault> {
        match self.auth_failures.spend(1, self.taken) {
            // The last one is answered, and no other is waited for.
            Ok(()) if self.auth_failures.left() > 0 => Ok(()),
            Ok(()) => {
                let limit = self.config.limits.auth_failures;
                let exceeded = scop_core::LimitExceeded {
                    what: "failed logins",
                    limit,
                    offset: self.taken,
                };
                Err(self.fail(exceeded, Some("too many failed logins")))
            }
            Err(exceeded) => Err(self.fail(exceeded, Some("too many failed logins"))),
        }
    }
}

/// Strings are searched for in US-ASCII and UTF-8 (RFC 3501 section 6.4.4).
fn bad_charset(search: &Search<'_>) -> Option<RespText> {
    let charset = search.charset.as_ref()?.as_bytes();
    let known = ["US-ASCII", "UTF-8"];
    if (known.iter()).any(|k| k.as_bytes().eq_ignore_ascii_case(charset)) {
        return None;
    }
    let known = known
        .iter()
        .map(|k| bytes::Bytes::from_static(k.as_bytes()));
    Some(RespText::new("that charset is unknown").with(Code::BadCharset(known.collect())))
}

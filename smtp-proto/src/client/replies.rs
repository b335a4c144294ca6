//! What a reply means, by the command it answers.

use scop_core::Instant;

use super::{
    Answers, Client, ClientError, ClientEvent, Kind, Phase, Sent, Stage, TlsPolicy,
    TransactionStage,
};
use crate::{Capabilities, Command, DataEncoder, Extension, Reply, Severity};

impl Client {
    pub(super) fn take_reply(&mut self, now: Instant, reply: Reply) -> Result<(), ClientError> {
        let Some(&front) = self.sent.front() else {
            if reply.code().get() == 421 {
                self.close();
                self.events.push_back(ClientEvent::Closing(reply));
                return Ok(());
            }
            return Err(self.violation("a reply that nobody asked for", "RFC 5321 4.2"));
        };
        match front.kind {
            Kind::Greeting | Kind::Ehlo | Kind::Helo | Kind::StartTls => {
                self.sent.pop_front();
                self.handshake(now, front.kind, reply)
            }
            _ if reply.code().get() == 421 => {
                self.sent.pop_front();
                self.close();
                self.events.push_back(match front.kind {
                    Kind::Rset | Kind::LoneDot => ClientEvent::Closing(reply),
                    _ => ClientEvent::Reply {
                        handle: front.handle,
                        reply,
                    },
                });
                Ok(())
            }
            Kind::Auth => self.auth_reply(front, reply),
            Kind::Data => self.data_reply(front, reply),
            _ if reply.is_intermediate() => {
                Err(self.violation("3yz where it makes no sense", "RFC 5321 4.3.2"))
            }
            Kind::Body if reply.is_positive() => {
                Err(self.violation("a positive reply to half a message", "RFC 5321 4.1.1.4"))
            }
            // What we send next would still be taken for the message: nothing can
            // follow on this connection.
            Kind::Body => {
                self.answer(front, reply);
                self.close();
                Ok(())
            }
            Kind::Mail => {
                self.answers = Answers {
                    transaction: front.transaction,
                    mail_refused: !reply.is_positive(),
                    recipients: 0,
                };
                if !reply.is_positive() && self.transaction == front.transaction {
                    self.stage = match self.stage {
                        // They are on their way or wait, and will be told.
                        TransactionStage::Data => TransactionStage::Data,
                        _ => TransactionStage::Idle,
                    };
                }
                self.answer(front, reply);
                Ok(())
            }
            Kind::Rcpt => {
                if reply.is_positive() {
                    self.answers.recipients += 1;
                }
                self.answer(front, reply);
                Ok(())
            }
            Kind::Message | Kind::Plain | Kind::Barrier => {
                self.answer(front, reply);
                Ok(())
            }
            Kind::Rset | Kind::LoneDot => {
                self.sent.pop_front();
                Ok(())
            }
            Kind::Quit => {
                self.answer(front, reply);
                self.close();
                Ok(())
            }
        }
    }

    fn answer(&mut self, front: Sent, reply: Reply) {
        self.sent.pop_front();
        self.events.push_back(ClientEvent::Reply {
            handle: front.handle,
            reply,
        });
    }

    fn handshake(&mut self, now: Instant, kind: Kind, reply: Reply) -> Result<(), ClientError> {
        let refused = matches!(reply.severity(), Severity::Transient | Severity::Permanent);
        let encrypted = self.channel.is_some();
        match (kind, reply.code().get()) {
            (Kind::Greeting, 220) => {
                self.events.push_back(ClientEvent::Greeting(reply));
                self.hello();
            }
            (Kind::Greeting, _) if refused => {
                let stage = Stage::Greeting;
                return Err(self.give_up(now, ClientError::Refused { stage, reply }));
            }
            (Kind::Ehlo, 250) => {
                let found = Capabilities::from_reply(reply);
                let offered = found.has(Extension::StartTls);
                match self.config.tls {
                    TlsPolicy::Required | TlsPolicy::Opportunistic if !encrypted && offered => {
                        self.parser.set_plain(false);
                        self.capabilities = found;
                        self.send(Kind::StartTls, &Command::StartTls);
                    }
                    TlsPolicy::Required if !encrypted => {
                        return Err(self.give_up(now, ClientError::NoStartTls));
                    }
                    _ => self.ready(found),
                }
            }
            // RFC 5321 section 3.2: a server that does not know EHLO gets a HELO. It
            // has no STARTTLS, and one that just did TLS knows EHLO.
            (Kind::Ehlo, 500..=599)
                if (encrypted || self.config.tls != TlsPolicy::Required) && !self.starttls =>
            {
                let name = self.config.name.clone();
                self.send(Kind::Helo, &Command::Helo(name));
            }
            (Kind::Helo, 250) => self.ready(Capabilities::from_reply(reply)),
            (Kind::Ehlo | Kind::Helo, _) if refused => {
                let stage = Stage::Hello;
                return Err(self.give_up(now, ClientError::Refused { stage, reply }));
            }
            (Kind::StartTls, 220) => self.phase = Phase::Upgrade,
            (Kind::StartTls, _) if refused && reply.code().get() != 421 => {
                if self.config.tls == TlsPolicy::Required {
                    return Err(self.give_up(now, ClientError::StartTlsRefused(reply)));
                }
                let found = core::mem::take(&mut self.capabilities);
                self.ready(found);
            }
            (Kind::StartTls, 421) => {
                return Err(self.give_up(now, ClientError::StartTlsRefused(reply)));
            }
            _ => return Err(self.violation("a reply that makes no sense here", "RFC 5321 4.3.2")),
        }
        Ok(())
    }

    pub(super) fn hello(&mut self) {
        self.parser.set_plain(true);
        let name = self.config.name.clone();
        self.send(Kind::Ehlo, &Command::Ehlo(name));
    }

    fn ready(&mut self, capabilities: Capabilities) {
        self.parser.set_plain(false);
        self.capabilities = capabilities;
        self.phase = Phase::Ready;
        self.events.push_back(ClientEvent::Ready);
    }

    /// Input stands behind the go-ahead of STARTTLS.
    pub(super) fn injected(&mut self) -> ClientError {
        self.violation("plaintext behind the reply to STARTTLS", "RFC 3207 4.2")
    }

    fn data_reply(&mut self, front: Sent, reply: Reply) -> Result<(), ClientError> {
        let ours = self.transaction == front.transaction;
        match reply.code().get() {
            354 if self.answers.recipients > 0 && !self.answers.mail_refused => {
                if let Some(front) = self.sent.front_mut() {
                    front.kind = Kind::Body;
                }
                self.stage = TransactionStage::Body;
                self.encoder = DataEncoder::new(self.config.outgoing);
                self.broken = None;
                self.events.push_back(ClientEvent::Body(front.handle));
            }
            // It would take an empty message for somebody.
            354 if self.answers.recipients > 0 => {
                return Err(self.violation("354 after MAIL was refused", "RFC 5321 4.1.4"));
            }
            354 => {
                if let Some(front) = self.sent.front_mut() {
                    front.kind = Kind::LoneDot;
                }
                self.out.push(b".\r\n");
                self.flushed = false;
                self.stage = TransactionStage::Idle;
                self.not_sent(front);
            }
            400..=599 => {
                if ours && self.stage == TransactionStage::Data {
                    self.give_up_transaction();
                }
                self.answer(front, reply);
            }
            _ => return Err(self.violation("neither 354 nor a refusal to DATA", "RFC 5321 4.3.2")),
        }
        Ok(())
    }
}

//! AUTH (RFC 4954): a SASL exchange of [`scop_sasl`] over SMTP.

use alloc::vec::Vec;

use scop_sasl::{Client as Sasl, ClientStep, Credentials, Mechanism, Secret, wire};

use super::{
    Client, ClientError, ClientEvent, Handle, Kind, Refusal, Rejected, Sent, TransactionStage,
};
use crate::{Auth, Command, Extension, Reply};

/// The longest command line (RFC 5321 section 4.5.3.1.4), which AUTH with an initial
/// response must keep to (RFC 4954 section 4).
const MAX_COMMAND_LINE: usize = 512;

/// An exchange under way.
#[derive(Debug)]
pub(super) struct Exchange {
    sasl: Sasl,
    /// The first message, where it did not fit on the command line.
    initial: Option<Secret>,
    /// `*` was sent.
    cancelled: bool,
}

impl Client {
    /// AUTH with the best mechanism that both sides know. The reply to the handle
    /// tells: 235, or why not; then another attempt may be made.
    ///
    /// # Errors
    ///
    /// [`Rejected`]: without TLS unless the configuration says otherwise, without a
    /// common mechanism, inside a transaction, a second time, or out of turn.
    #[allow(clippy::result_large_err)] // the credentials come back
    pub fn auth(&mut self, credentials: Credentials) -> Result<Handle, Rejected<Credentials>> {
        match Mechanism::choose(self.capabilities.mechanisms()) {
            Some(mechanism) => self.auth_with(mechanism, credentials),
            None => {
                let no_auth = !self.capabilities.has(Extension::Auth);
                let why = match self.ready_for_commands() {
                    Err(why) => why,
                    Ok(()) if no_auth => Refusal::Unsupported(Extension::Auth),
                    Ok(()) => Refusal::NoMechanism,
                };
                let command = credentials;
                Err(Rejected { command, why })
            }
        }
    }

    /// AUTH with this mechanism.
    ///
    /// # Errors
    ///
    /// As [`auth`](Self::auth).
    #[allow(clippy::result_large_err)]
    pub fn auth_with(
        &mut self,
        mechanism: Mechanism,
        credentials: Credentials,
    ) -> Result<Handle, Rejected<Credentials>> {
        let kept = credentials.clone();
        self.begin_auth(mechanism, credentials)
            .map_err(|why| Rejected { command: kept, why })
    }

    fn begin_auth(
        &mut self,
        mechanism: Mechanism,
        credentials: Credentials,
    ) -> Result<Handle, Refusal> {
        self.ready_for_commands()?;
        if self.authenticated || self.exchange.is_some() {
            return Err(Refusal::Authenticated);
        }
        if !matches!(self.stage, TransactionStage::Idle | TransactionStage::Stale) {
            return Err(Refusal::TransactionOpen);
        }
        let name = mechanism.name().as_bytes();
        let is_it = |offered: &[u8]| offered.eq_ignore_ascii_case(name);
        if !self.capabilities.mechanisms().any(is_it) {
            return Err(Refusal::NoMechanism);
        }
        let secret = mechanism.exposes_password() && !self.config.auth_in_clear;
        if secret && self.channel.is_none() {
            return Err(Refusal::NeedsTls);
        }
        self.room_for_command()?;
        let mut sasl = Sasl::new(mechanism, credentials);
        let mut initial = sasl.start().map_err(Refusal::Sasl)?;
        let line = |initial: Option<&Secret>| {
            let initial = initial.map(Secret::expose);
            let mut line = Vec::new();
            Command::Auth(Auth::new(mechanism, initial)).encode(&mut line);
            line
        };
        let mut command = line(initial.as_ref());
        if command.len() > MAX_COMMAND_LINE {
            command = line(None);
        } else {
            initial = None;
        }
        self.exchange = Some(Exchange {
            sasl,
            initial,
            cancelled: false,
        });
        Ok(self.submit(Kind::Auth, |out| out.extend_from_slice(&command)))
    }

    pub(super) fn auth_reply(&mut self, front: Sent, reply: Reply) -> Result<(), ClientError> {
        let rule = "RFC 4954 4";
        let Some(exchange) = &mut self.exchange else {
            return Err(self.violation("a reply to no exchange", rule));
        };
        match reply.code().get() {
            334 if exchange.cancelled => {
                return Err(self.violation("a challenge after the exchange was cancelled", rule));
            }
            334 => {
                let text = reply.lines().next().unwrap_or_default();
                let response = respond(exchange, text);
                exchange.cancelled = response.is_none();
                match response {
                    Some(message) => {
                        let line = Secret::from(wire::encode(message.expose()));
                        self.out.push(line.expose());
                    }
                    None => self.out.push(b"*"),
                }
                self.out.push(b"\r\n");
                self.flushed = false;
                return Ok(());
            }
            235 => {
                // A success that comes before the mechanism is through is none.
                if exchange.cancelled || exchange.sasl.finish(None).is_err() {
                    return Err(self.violation("success before the exchange was over", rule));
                }
                self.authenticated = true;
            }
            400..=599 => {}
            _ => return Err(self.violation("neither 334, 235 nor a refusal to AUTH", rule)),
        }
        self.exchange = None;
        self.sent.pop_front();
        let handle = front.handle;
        self.events.push_back(ClientEvent::Reply { handle, reply });
        Ok(())
    }
}

/// Our answer to a challenge; `None` to cancel.
fn respond(exchange: &mut Exchange, text: &[u8]) -> Option<Secret> {
    let challenge = wire::decode(text).ok()?;
    if let Some(initial) = exchange.initial.take() {
        // The empty challenge that asks for it.
        return challenge.is_empty().then_some(initial);
    }
    match exchange.sasl.step(challenge.expose()) {
        Ok(ClientStep::Response(message)) => Some(message),
        _ => None,
    }
}

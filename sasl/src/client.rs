use alloc::vec::Vec;

use crate::{Credentials, Error, Mechanism, Secret};

/// What a [`Client`] wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientStep {
    /// Send this message.
    Response(Secret),
}

/// The client's side of one exchange.
///
/// ```text
/// start ──> waiting ──step──> waiting .. ──finish──> over
/// ```
///
/// Call [`start`](Client::start) once: if it gives a message, that is the initial
/// response. Feed every challenge to [`step`](Client::step). When the protocol says
/// that the server is content, [`finish`](Client::finish) tells whether that may be
/// believed: a mechanism that authenticates the server as well must have seen its
/// proof.
///
/// ```
/// use scop_sasl::{Client, ClientStep, Credentials, Mechanism};
///
/// let mut client = Client::new(Mechanism::Login, Credentials::new("tim", "secret")?);
/// assert_eq!(client.start()?, None); // the server speaks first
/// let ClientStep::Response(name) = client.step(b"Username:")? else { return Ok(()) };
/// assert_eq!(name.expose(), b"tim");
/// let ClientStep::Response(password) = client.step(b"Password:")? else { return Ok(()) };
/// assert_eq!(password.expose(), b"secret");
/// client.finish(None)?;
/// # Ok::<(), scop_sasl::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    mechanism: Mechanism,
    credentials: Credentials,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// LOGIN: the name is still to be asked for.
    Name,
    /// LOGIN: the password is still to be asked for.
    Password,
    /// All is sent.
    Sent,
    Over,
}

impl Client {
    /// An exchange that has not begun.
    #[must_use]
    pub fn new(mechanism: Mechanism, credentials: Credentials) -> Self {
        Client {
            mechanism,
            credentials,
            state: State::Start,
        }
    }

    /// The mechanism in use.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Begins. The initial response, if the mechanism has one: it goes on the
    /// command where the protocol allows, else it answers the server's empty first
    /// challenge (which then is not given to [`step`](Client::step)).
    ///
    /// # Errors
    ///
    /// [`Error::OutOfTurn`] when called twice.
    pub fn start(&mut self) -> Result<Option<Secret>, Error> {
        if self.state != State::Start {
            return Err(Error::OutOfTurn);
        }
        match self.mechanism {
            Mechanism::Plain => {
                self.state = State::Sent;
                Ok(Some(plain(&self.credentials)))
            }
            Mechanism::Login => {
                self.state = State::Name;
                Ok(None)
            }
        }
    }

    /// Answers a challenge.
    ///
    /// LOGIN goes by order, not by the text of the challenge: servers differ in it
    /// (`Username:`, `User Name\0`) and the draft says the text is for people.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfTurn`] for a challenge that was not due: cancel with `*`.
    pub fn step(&mut self, challenge: &[u8]) -> Result<ClientStep, Error> {
        let _ = challenge;
        match self.state {
            State::Name => {
                self.state = State::Password;
                Ok(ClientStep::Response(Secret::from(
                    self.credentials.authcid(),
                )))
            }
            State::Password => {
                self.state = State::Sent;
                Ok(ClientStep::Response(self.credentials.password().clone()))
            }
            State::Start | State::Sent | State::Over => Err(Error::OutOfTurn),
        }
    }

    /// The server said the exchange succeeded, with `additional` data if its
    /// protocol can carry some.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfTurn`] if the server was content before it had what it needs,
    /// [`Error::Malformed`] if it sent data where the mechanism has none: either
    /// way, do not believe it.
    pub fn finish(&mut self, additional: Option<&[u8]>) -> Result<(), Error> {
        if self.state != State::Sent {
            return Err(Error::OutOfTurn);
        }
        self.state = State::Over;
        match additional {
            Some(data) if !data.is_empty() => Err(Error::Malformed {
                mechanism: self.mechanism,
                what: "additional data with success",
            }),
            _ => Ok(()),
        }
    }
}

/// `message = [authzid] UTF8NUL authcid UTF8NUL passwd` (RFC 4616 section 2).
fn plain(credentials: &Credentials) -> Secret {
    let authzid = credentials.authzid().unwrap_or_default().as_bytes();
    let authcid = credentials.authcid().as_bytes();
    let password = credentials.password().expose();
    let mut message = Vec::with_capacity(authzid.len() + authcid.len() + password.len() + 2);
    message.extend_from_slice(authzid);
    message.push(0);
    message.extend_from_slice(authcid);
    message.push(0);
    message.extend_from_slice(password);
    Secret::from(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kurt() -> Credentials {
        Credentials::new("Kurt", "xipj3plmq").unwrap()
    }

    #[test]
    fn plain_is_one_message() {
        // The examples of RFC 4616 section 4.
        let mut tim = Client::new(
            Mechanism::Plain,
            Credentials::new("tim", "tanstaaftanstaaf").unwrap(),
        );
        assert_eq!(
            tim.start().unwrap().unwrap().expose(),
            b"\0tim\0tanstaaftanstaaf"
        );
        assert_eq!(tim.step(b""), Err(Error::OutOfTurn));
        assert_eq!(tim.finish(None), Ok(()));
        assert_eq!(tim.finish(None), Err(Error::OutOfTurn));

        let mut ursel = Client::new(Mechanism::Plain, kurt().acting_as("Ursel").unwrap());
        assert_eq!(
            ursel.start().unwrap().unwrap().expose(),
            b"Ursel\0Kurt\0xipj3plmq"
        );
        assert!(ursel.finish(Some(b"v=...")).is_err());
    }

    #[test]
    fn success_before_the_password_was_sent_is_not_believed() {
        let mut client = Client::new(Mechanism::Login, kurt());
        assert_eq!(client.finish(None), Err(Error::OutOfTurn));
        client.start().unwrap();
        client.step(b"").unwrap();
        assert_eq!(client.finish(None), Err(Error::OutOfTurn));
    }
}

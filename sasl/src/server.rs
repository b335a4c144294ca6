use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::str;

use crate::{Credentials, Error, Mechanism, Secret};

/// What a [`Server`] wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerStep {
    /// Send this challenge and feed the answer to [`Server::step`].
    Challenge(Vec<u8>),
    /// The exchange is over: these are the credentials, which the caller checks.
    /// The protocol says the outcome (`235`, `535`; `OK`, `NO`).
    Verify(Credentials),
}

/// The server's side of one exchange.
///
/// ```text
/// start ──> Challenge ──step──> Challenge .. ──step──> Verify
/// ```
///
/// It neither knows nor looks up a password: [`ServerStep::Verify`] hands out what
/// the client claims. An error ends the exchange; the protocol answers 501 or `BAD`.
///
/// ```
/// use scop_sasl::{Mechanism, Server, ServerStep};
///
/// let mut server = Server::new(Mechanism::Plain);
/// let ServerStep::Verify(claim) = server.start(Some(b"\0tim\0secret"))? else {
///     panic!("PLAIN with an initial response needs no challenge");
/// };
/// assert_eq!((claim.authcid(), claim.password().expose()), ("tim", &b"secret"[..]));
/// # Ok::<(), scop_sasl::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    mechanism: Mechanism,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Start,
    Plain,
    Name,
    Password(String),
    Over,
}

impl Server {
    /// An exchange that has not begun.
    #[must_use]
    pub fn new(mechanism: Mechanism) -> Self {
        Server {
            mechanism,
            state: State::Start,
        }
    }

    /// The mechanism in use.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Begins, with the initial response if the client sent one. LOGIN has none by
    /// its draft; a client that sends its name there is understood, as everywhere.
    ///
    /// # Errors
    ///
    /// As [`step`](Server::step).
    pub fn start(&mut self, initial: Option<&[u8]>) -> Result<ServerStep, Error> {
        if !matches!(self.state, State::Start) {
            return Err(Error::OutOfTurn);
        }
        let first = match self.mechanism {
            Mechanism::Plain => (State::Plain, &b""[..]),
            Mechanism::Login => (State::Name, &b"Username:"[..]),
        };
        self.state = first.0;
        match initial {
            Some(message) => self.step(message),
            None => Ok(ServerStep::Challenge(first.1.to_vec())),
        }
    }

    /// The client's next message, decoded.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] or [`Error::Credentials`] for a message that is none of
    /// this mechanism, [`Error::OutOfTurn`] if none was due. The exchange is over.
    pub fn step(&mut self, message: &[u8]) -> Result<ServerStep, Error> {
        match core::mem::replace(&mut self.state, State::Over) {
            State::Plain => plain(message).map(ServerStep::Verify),
            State::Name => {
                let name = self.text(message)?.to_owned();
                self.state = State::Password(name);
                Ok(ServerStep::Challenge(b"Password:".to_vec()))
            }
            State::Password(name) => Ok(ServerStep::Verify(Credentials::new(
                name,
                Secret::from(message),
            )?)),
            State::Start | State::Over => Err(Error::OutOfTurn),
        }
    }

    fn text<'a>(&self, message: &'a [u8]) -> Result<&'a str, Error> {
        str::from_utf8(message).map_err(|_| Error::Malformed {
            mechanism: self.mechanism,
            what: "not UTF-8",
        })
    }
}

fn plain(message: &[u8]) -> Result<Credentials, Error> {
    let malformed = |what| Error::Malformed {
        mechanism: Mechanism::Plain,
        what,
    };
    let text = str::from_utf8(message).map_err(|_| malformed("not UTF-8"))?;
    let mut parts = text.splitn(3, '\0');
    let (Some(authzid), Some(authcid), Some(password)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("less than two NUL"));
    };
    let credentials = Credentials::new(authcid, password)?;
    if authzid.is_empty() {
        Ok(credentials)
    } else {
        credentials.acting_as(authzid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Client, ClientStep};
    use proptest::prelude::*;

    #[test]
    fn plain_asks_for_the_message_that_did_not_come() {
        let mut server = Server::new(Mechanism::Plain);
        assert_eq!(server.start(None), Ok(ServerStep::Challenge(Vec::new())));
        let Ok(ServerStep::Verify(claim)) = server.step(b"Ursel\0Kurt\0xipj3plmq") else {
            panic!("not verified");
        };
        assert_eq!(claim.authzid(), Some("Ursel"));
        assert_eq!(claim.authcid(), "Kurt");
        assert_eq!(server.step(b"\0a\0b"), Err(Error::OutOfTurn));
    }

    #[test]
    fn malformed_messages_end_the_exchange() {
        for bad in [
            &b""[..],
            b"\0",
            b"\0tim",
            b"\0\0secret",
            b"\0tim\0",
            b"\0tim\0a\0b",
            b"\0t\xffm\0secret",
        ] {
            let mut server = Server::new(Mechanism::Plain);
            assert!(server.start(Some(bad)).is_err(), "{bad:?}");
            assert_eq!(server.step(b"\0tim\0secret"), Err(Error::OutOfTurn));
        }
        let mut login = Server::new(Mechanism::Login);
        login.start(None).unwrap();
        assert!(login.step(b"\xff").is_err());
    }

    #[test]
    fn login_takes_its_name_as_an_initial_response() {
        let mut server = Server::new(Mechanism::Login);
        let ServerStep::Challenge(asked) = server.start(Some(b"tim")).unwrap() else {
            panic!("no challenge");
        };
        assert_eq!(asked, b"Password:");
        assert!(matches!(server.step(b"secret"), Ok(ServerStep::Verify(_))));
    }

    /// Runs both sides against each other, with or without an initial response.
    fn exchange(
        mechanism: Mechanism,
        credentials: Credentials,
        initial: bool,
    ) -> Result<Credentials, Error> {
        let (mut client, mut server) =
            (Client::new(mechanism, credentials), Server::new(mechanism));
        let mut held = client.start()?;
        let first = if initial { held.take() } else { None };
        let mut step = server.start(first.as_ref().map(Secret::expose))?;
        loop {
            match step {
                ServerStep::Verify(claim) => return client.finish(None).map(|()| claim),
                ServerStep::Challenge(challenge) => {
                    let response = match held.take() {
                        Some(response) => response,
                        None => match client.step(&challenge)? {
                            ClientStep::Response(response) => response,
                        },
                    };
                    step = server.step(response.expose())?;
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_the_client_claims_is_what_the_server_gets(
            name in "[^\0]{1,40}", password in "[^\0]{1,40}", role in "[^\0]{1,40}", initial: bool,
        ) {
            let own = Credentials::new(name, password).unwrap();
            prop_assert_eq!(&exchange(Mechanism::Login, own.clone(), initial).unwrap(), &own);
            prop_assert_eq!(&exchange(Mechanism::Plain, own.clone(), initial).unwrap(), &own);
            let other = own.acting_as(role).unwrap();
            prop_assert_eq!(&exchange(Mechanism::Plain, other.clone(), initial).unwrap(), &other);
        }

        #[test]
        fn no_message_makes_it_panic(messages: Vec<Vec<u8>>) {
            for &mechanism in Mechanism::ALL {
                let mut server = Server::new(mechanism);
                let _ = server.start(None);
                for message in &messages {
                    let _ = server.step(message);
                }
            }
        }
    }
}

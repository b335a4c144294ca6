#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod client;
mod credentials;
mod error;
mod secret;
mod server;
pub mod wire;

pub use client::{Client, ClientStep};
pub use credentials::{Credentials, MAX_IDENTITY, MAX_PASSWORD};
pub use error::Error;
pub use secret::Secret;
pub use server::{Server, ServerStep};

use core::fmt;

/// A SASL mechanism this crate speaks, by its name in the IANA registry.
///
/// ```
/// use scop_sasl::Mechanism;
///
/// assert_eq!(Mechanism::from_name(b"plain"), Some(Mechanism::Plain));
/// assert_eq!(Mechanism::from_name(b"X-UNKNOWN"), None);
/// assert_eq!(Mechanism::Login.name(), "LOGIN");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// RFC 4616: identity and password in one message.
    Plain,
    /// draft-murchison-sasl-login: the same in two messages, without an
    /// authorization identity. Obsolete, and still what some clients speak.
    Login,
}

impl Mechanism {
    /// Every mechanism, the preferred first.
    pub const ALL: &'static [Mechanism] = &[Mechanism::Plain, Mechanism::Login];

    /// The registered name, in upper case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
        }
    }

    /// The mechanism of that name, in any case.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|m| m.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// The most preferred of the mechanisms a peer offers.
    #[must_use]
    pub fn choose<'a>(offered: impl IntoIterator<Item = &'a [u8]> + Clone) -> Option<Self> {
        Self::ALL.iter().copied().find(|m| {
            offered
                .clone()
                .into_iter()
                .any(|name| m.name().as_bytes().eq_ignore_ascii_case(name))
        })
    }

    /// Whether who listens on the wire learns the password: such a mechanism is
    /// for encrypted channels only.
    #[must_use]
    pub const fn exposes_password(self) -> bool {
        match self {
            Mechanism::Plain | Mechanism::Login => true,
        }
    }

    /// Whether the client speaks first, so that its first message may ride on the
    /// command (`AUTH PLAIN dGVzdA==`).
    #[must_use]
    pub const fn client_first(self) -> bool {
        match self {
            Mechanism::Plain => true,
            Mechanism::Login => false,
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

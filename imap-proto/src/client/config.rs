//! What a client is told once, at its start.

use core::time::Duration;

use crate::response;

/// Settings of a [`Client`](super::Client).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// Whether to ask for TLS on a connection that is not encrypted. Default
    /// [`TlsPolicy::Required`].
    pub tls: TlsPolicy,
    /// Whether LOGIN and mechanisms that show the password may be used on a
    /// connection that is not encrypted. Default no.
    pub allow_plaintext_auth: bool,
    /// What the server may cost.
    pub limits: Limits,
    /// How long it may take.
    pub timeouts: Timeouts,
}

impl Config {
    /// The defaults: TLS required, nothing secret without it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another policy.
    #[must_use]
    pub fn tls(mut self, policy: TlsPolicy) -> Self {
        self.tls = policy;
        self
    }
}

/// What to do about STARTTLS. Under implicit TLS each is satisfied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsPolicy {
    /// Never ask for it: for loopback and tests.
    Never,
    /// Ask for it if the server offers it. Whoever sits in between can take the
    /// offer out; a STARTTLS that was begun and fails is an error all the same.
    Opportunistic,
    /// Ask for it and give up without it. Nothing that came before counts.
    #[default]
    Required,
}

/// What a server may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Responses before the client is logged in. Default: 64 KiB, inline literals of
    /// 4096 bytes and none larger.
    pub before_login: response::Limits,
    /// Responses after that. Default: [`response::Limits::default`].
    pub after_login: response::Limits,
    /// Commands that may be under way or wait their turn at once. Default 16.
    pub commands: usize,
    /// Bytes that may wait to be sent before a message is taken slower and commands
    /// wait. Default 64 KiB.
    pub outbox: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let after_login = response::Limits::default();
        Limits {
            before_login: response::Limits {
                response: 64 * 1024,
                literal: 4096,
                ..after_login
            },
            after_login,
            commands: 16,
            outbox: 64 * 1024,
        }
    }
}

/// How long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the connection to the greeting. Default 5 minutes.
    pub greeting: Duration,
    /// Without a byte in either direction while a command is under way. Default 10
    /// minutes.
    pub response: Duration,
    /// In IDLE until [`Event::IdleDue`](super::Event::IdleDue): a server may log
    /// off who says nothing for 30 minutes (RFC 2177 section 3). Default 29 minutes.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            greeting: Duration::from_secs(5 * 60),
            response: Duration::from_secs(10 * 60),
            idle: Duration::from_secs(29 * 60),
        }
    }
}

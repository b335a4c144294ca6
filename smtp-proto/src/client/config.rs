//! How a client is set up.

use core::time::Duration;

use crate::{ClientName, Outgoing, ReplyLimits};

/// What the client does about STARTTLS. Where TLS is there from the start (port 465)
/// it makes no difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsPolicy {
    /// All goes in clear, whatever the server offers.
    Never,
    /// TLS if it is offered, else in clear. It keeps out who only listens: who can
    /// change what is sent can take the offer away (RFC 7435).
    Opportunistic,
    /// TLS, or an error before anything but EHLO and QUIT was sent.
    #[default]
    Required,
}

/// How a client behaves.
///
/// ```
/// use scop_smtp_proto::{ClientConfig, ClientName, TlsPolicy};
///
/// let config = ClientConfig::new(ClientName::new("me.example.org")?).tls(TlsPolicy::Opportunistic);
/// assert!(!config.auth_in_clear);
/// # Ok::<(), scop_smtp_proto::AddressError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// What we call ourselves in EHLO.
    pub name: ClientName<'static>,
    /// STARTTLS or not.
    pub tls: TlsPolicy,
    /// Whether a mechanism that shows the password may be used without TLS.
    pub auth_in_clear: bool,
    /// What becomes of a bare CR or LF in a message.
    pub outgoing: Outgoing,
    /// What a server may cost.
    pub limits: ClientLimits,
    /// How long a server may take.
    pub timeouts: ClientTimeouts,
}

impl ClientConfig {
    /// TLS required, no password in clear, default limits.
    #[must_use]
    pub fn new(name: ClientName<'static>) -> Self {
        ClientConfig {
            name,
            tls: TlsPolicy::default(),
            auth_in_clear: false,
            outgoing: Outgoing::default(),
            limits: ClientLimits::default(),
            timeouts: ClientTimeouts::default(),
        }
    }

    /// The same with this policy.
    #[must_use]
    pub fn tls(mut self, policy: TlsPolicy) -> Self {
        self.tls = policy;
        self
    }

    /// The same, showing passwords to the wire if `allowed`.
    #[must_use]
    pub fn auth_in_clear(mut self, allowed: bool) -> Self {
        self.auth_in_clear = allowed;
        self
    }

    /// The same with this policy for bare CR and LF.
    #[must_use]
    pub fn outgoing(mut self, policy: Outgoing) -> Self {
        self.outgoing = policy;
        self
    }
}

/// What a server may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLimits {
    /// How much of a reply is taken.
    pub reply: ReplyLimits,
    /// Commands without a reply, sent or waiting.
    pub in_flight: usize,
    /// Bytes that may wait to be sent; past it the caller is refused until there is
    /// room.
    pub outbox: usize,
}

impl Default for ClientLimits {
    /// Replies of 100 lines of 2048 bytes, 1024 commands, 64 KiB.
    fn default() -> Self {
        ClientLimits {
            reply: ReplyLimits::default(),
            in_flight: 1024,
            outbox: 64 * 1024,
        }
    }
}

/// How long a server may take (RFC 5321 section 4.5.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientTimeouts {
    /// For its greeting: 5 minutes.
    pub greeting: Duration,
    /// To answer MAIL: 5 minutes.
    pub mail: Duration,
    /// To answer RCPT: 5 minutes.
    pub rcpt: Duration,
    /// To answer DATA: 2 minutes.
    pub data: Duration,
    /// To take a block of the message, which is as large as [`ClientLimits::outbox`]
    /// at most: 3 minutes.
    pub data_block: Duration,
    /// To answer the end of the message: 10 minutes.
    pub data_end: Duration,
    /// To answer any other command, and for the TLS handshake: 5 minutes.
    pub other: Duration,
    /// To take our QUIT after an error: 5 seconds.
    pub linger: Duration,
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        ClientTimeouts {
            greeting: minutes(5),
            mail: minutes(5),
            rcpt: minutes(5),
            data: minutes(2),
            data_block: minutes(3),
            data_end: minutes(10),
            other: minutes(5),
            linger: Duration::from_secs(5),
        }
    }
}

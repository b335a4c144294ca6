use alloc::vec::Vec;
use core::time::Duration;

use scop_sasl::Mechanism;

use crate::{Bare, Capabilities, Capability, ClientName, Extension, Mechanisms};

/// What a [`Server`](crate::Server) is and what it allows. Shared by all connections
/// of a listener.
///
/// [`ServerConfig::new`] is a mail exchanger (MX) in clear: it takes mail from
/// anybody, offers neither STARTTLS nor AUTH.
///
/// ```
/// use scop_sasl::Mechanism;
/// use scop_smtp_proto::{ClientName, ServerConfig};
///
/// let name = ClientName::new("mail.example.org")?;
/// let mx = ServerConfig::new(name.clone()).starttls(true);
/// let submission = ServerConfig::new(name)
///     .starttls(true)
///     .submission(true)
///     .mechanisms(&[Mechanism::Plain, Mechanism::Login]);
/// # Ok::<(), scop_smtp_proto::AddressError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServerConfig {
    pub(super) name: ClientName<'static>,
    pub(super) submission: bool,
    pub(super) starttls: bool,
    pub(super) require_tls: bool,
    pub(super) auth_in_clear: bool,
    pub(super) mechanisms: Vec<Mechanism>,
    pub(super) bare: Bare,
    pub(super) limits: ServerLimits,
}

impl ServerConfig {
    /// An MX that calls itself `name`.
    #[must_use]
    pub fn new(name: ClientName<'static>) -> Self {
        ServerConfig {
            name,
            submission: false,
            starttls: false,
            require_tls: false,
            auth_in_clear: false,
            mechanisms: Vec::new(),
            bare: Bare::default(),
            limits: ServerLimits::default(),
        }
    }

    /// For submission (RFC 6409): nobody sends who did not authenticate (530).
    #[must_use]
    pub fn submission(mut self, yes: bool) -> Self {
        self.submission = yes;
        self
    }

    /// Offers STARTTLS while in clear (RFC 3207). The driver must then be able to
    /// follow [`Pause::Upgrade`](scop_core::Pause::Upgrade).
    #[must_use]
    pub fn starttls(mut self, yes: bool) -> Self {
        self.starttls = yes;
        self
    }

    /// Does nothing of worth in clear: 530 to all but EHLO, HELO, NOOP, RSET,
    /// STARTTLS and QUIT (RFC 3207 section 4). An MX on the open Internet must not.
    #[must_use]
    pub fn require_tls(mut self, yes: bool) -> Self {
        self.require_tls = yes;
        self
    }

    /// The SASL mechanisms offered, in this order; none: no AUTH. They are offered
    /// under TLS only, as each of them would show the password.
    #[must_use]
    pub fn mechanisms(mut self, mechanisms: &[Mechanism]) -> Self {
        self.mechanisms = mechanisms.to_vec();
        self
    }

    /// Offers them in clear too. For tests and for links that are secured otherwise.
    #[must_use]
    pub fn auth_in_clear(mut self, yes: bool) -> Self {
        self.auth_in_clear = yes;
        self
    }

    /// What is done about a bare CR, a bare LF and NUL in a message.
    #[must_use]
    pub fn bare(mut self, policy: Bare) -> Self {
        self.bare = policy;
        self
    }

    /// The limits.
    #[must_use]
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// What EHLO is answered.
    pub(super) fn capabilities(&self, encrypted: bool) -> Capabilities {
        let names: Vec<&str> = self.mechanisms.iter().map(|m| m.name()).collect();
        let names = names.join(" ");
        let offered = [
            Some(Extension::Pipelining.into()),
            Some(Extension::EightBitMime.into()),
            Some(Capability::Size(Some(self.limits.message_size))),
            Some(Extension::EnhancedStatusCodes.into()),
            (self.starttls && !encrypted).then(|| Extension::StartTls.into()),
            (self.offers_auth(encrypted))
                .then(|| Mechanisms::new(&names).ok().map(Capability::Auth))
                .flatten(),
        ];
        // None of these is refused, nor is a name that a `ClientName` holds.
        let mut can = Capabilities::new(self.name.as_str()).unwrap_or_default();
        for capability in offered.into_iter().flatten() {
            can = can.clone().with(capability).unwrap_or(can);
        }
        can
    }

    pub(super) fn offers_auth(&self, encrypted: bool) -> bool {
        !self.mechanisms.is_empty() && (encrypted || self.auth_in_clear)
    }
}

/// What a client may cost.
///
/// ```
/// use scop_smtp_proto::ServerLimits;
///
/// let mut limits = ServerLimits::default();
/// limits.message_size = 10 << 20;
/// assert_eq!(limits.recipients, 1000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerLimits {
    /// Bytes in a command line with its CRLF: 2048 (RFC 5321 section 4.5.3.1.4 asks
    /// for 512). A longer one is answered 500.
    pub line: usize,
    /// Bytes in an AUTH command or a line of its exchange: 12288 (RFC 4954 section 4).
    pub auth_line: usize,
    /// Recipients accepted for one message: 1000; beyond it 452. RCPT commands: ten
    /// times that, then 421.
    pub recipients: u32,
    /// Messages in one connection: 100, then 421.
    pub messages: u32,
    /// Bytes in a message: 50 MiB, then 552; what is too large is read on to its end,
    /// but not past twice this and 64 KiB.
    pub message_size: u64,
    /// Commands that are wrong or out of turn: 20, then 421.
    pub errors: u32,
    /// Commands that lead nowhere (NOOP, RSET, VRFY, unknown ones ..) since the last
    /// message: 100, then 421.
    pub junk: u32,
    /// Failed authentications: 3, then 421.
    pub auth_failures: u32,
    /// How long a whole command, or the next byte of a message, may take: 5 minutes
    /// (RFC 5321 section 4.5.3.2.7).
    pub idle: Duration,
    /// The least speed of a message in bytes per second, once `grace` is over: 500.
    /// 0: none.
    pub min_rate: u32,
    /// How long a message may be slower: 5 minutes.
    pub grace: Duration,
    /// Bytes of unsent replies at which no further command is read: 16 KiB.
    pub outbox: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        ServerLimits {
            line: 2048,
            auth_line: 12288,
            recipients: 1000,
            messages: 100,
            message_size: 50 << 20,
            errors: 20,
            junk: 100,
            auth_failures: 3,
            idle: Duration::from_secs(300),
            min_rate: 500,
            grace: Duration::from_secs(300),
            outbox: 16 * 1024,
        }
    }
}

use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use scop_sasl::Mechanism;

use crate::types::{Capability, NonSync};

/// What a [`Server`](super::Server) is to be. One may serve any number of
/// connections: share it in an `Arc`.
///
/// ```
/// use scop_imap_proto::server::ServerConfig;
///
/// let mut config = ServerConfig::new();
/// config.starttls = true; // the driver can do TLS
/// config.id = vec![("name".into(), Some("example".into()))];
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Offer STARTTLS while in clear. Off by default: the driver must be able to.
    pub starttls: bool,
    /// Take passwords in clear too: on a trusted network, or for a test. Off by
    /// default; then LOGINDISABLED is said, and LOGIN gets `NO [PRIVACYREQUIRED]`.
    pub login_in_clear: bool,
    /// Mechanisms for AUTHENTICATE; PLAIN by default.
    pub mechanisms: Vec<Mechanism>,
    /// The client is authenticated by other means: the greeting is PREAUTH.
    pub preauthenticated: bool,
    /// Which literals clients may send without waiting; all (LITERAL+) by default.
    pub literals: NonSync,
    /// Capabilities said after login beside those of the machine: what the caller
    /// can do on top, as CHILDREN or SPECIAL-USE in LIST.
    pub capabilities: Vec<Capability<'static>>,
    /// What separates the levels of mailbox names; `None` if there are none. ASCII.
    pub delimiter: Option<char>,
    /// What ID says of the server (RFC 2971); nothing by default.
    pub id: Vec<(Bytes, Option<Bytes>)>,
    /// The bounds on what a client may cost.
    pub limits: ServerLimits,
}

impl ServerConfig {
    /// PLAIN and LOGIN under TLS only, `/` between levels, the default limits.
    #[must_use]
    pub fn new() -> Self {
        ServerConfig {
            starttls: false,
            login_in_clear: false,
            mechanisms: alloc::vec![Mechanism::Plain],
            preauthenticated: false,
            literals: NonSync::Plus,
            capabilities: Vec::new(),
            delimiter: Some('/'),
            id: Vec::new(),
            limits: ServerLimits::default(),
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Bounds on what a client may cost a [`Server`](super::Server).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerLimits {
    /// A command with its small literals, in bytes, before login: 8 KiB.
    pub line_before_login: usize,
    /// The same after login: 64 KiB.
    pub line_after_login: usize,
    /// One literal before login, in bytes: 4 KiB.
    pub literal_before_login: u64,
    /// The message of an APPEND, in bytes: 50 MiB.
    pub message: u64,
    /// A line of an AUTHENTICATE exchange, in bytes: 12288.
    pub auth_line: usize,
    /// Commands under way at once: 16. With 1 they come strictly one by one.
    pub pipelined: usize,
    /// Commands that are wrong, before the connection is closed: 20.
    pub errors: u64,
    /// Failed logins, before the connection is closed: 3.
    pub auth_failures: u64,
    /// What may wait unsent before reading stops, in bytes: 64 KiB.
    pub outbox: usize,
    /// What may wait while a message is being sent, in bytes: 16 KiB.
    pub held: usize,
    /// From the greeting to the login: 3 minutes.
    pub login_timeout: Duration,
    /// Without a command, and in IDLE: 30 minutes (RFC 3501 section 5.4).
    pub idle_timeout: Duration,
    /// A client that reads nothing of what is there for it: 5 minutes.
    pub write_timeout: Duration,
    /// How long a goodbye may take to leave: 10 seconds.
    pub linger: Duration,
    /// A command or a message under way may last so long, and on top as long as its
    /// bytes take at `bytes_per_second`: 60 seconds.
    pub grace: Duration,
    /// The least speed of a command or message: 100 bytes a second; 0 for none.
    pub bytes_per_second: u32,
}

impl Default for ServerLimits {
    fn default() -> Self {
        ServerLimits {
            line_before_login: 8 * 1024,
            line_after_login: 64 * 1024,
            literal_before_login: 4 * 1024,
            message: 50 * 1024 * 1024,
            auth_line: 12_288,
            pipelined: 16,
            errors: 20,
            auth_failures: 3,
            outbox: 64 * 1024,
            held: 16 * 1024,
            login_timeout: Duration::from_secs(3 * 60),
            idle_timeout: Duration::from_secs(30 * 60),
            write_timeout: Duration::from_secs(5 * 60),
            linger: Duration::from_secs(10),
            grace: Duration::from_secs(60),
            bytes_per_second: 100,
        }
    }
}

//! What ends a [`Tls`](crate::Tls) layer, by who did it.

use alloc::{format, string::String};
use core::fmt;

use scop_core::Fault;
use thiserror::Error;

/// A configuration that cannot work. Found when it is built, not at the first
/// connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}: {why}")]
pub struct ConfigError {
    /// What was asked for: `the private key`.
    pub what: &'static str,
    /// Why it cannot be had.
    pub why: String,
}

impl ConfigError {
    pub(crate) fn new(what: &'static str, why: impl fmt::Display) -> Self {
        ConfigError {
            what,
            why: format!("{why}"),
        }
    }
}

/// Why the peer's certificate was not accepted. The peer was sent an alert.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It ended before now.
    #[error("the certificate has expired")]
    Expired,
    /// It begins after now.
    #[error("the certificate is not valid yet; is this host's clock right?")]
    NotYetValid,
    /// It is a good certificate of somebody else.
    #[error("the certificate is for another name: {0}")]
    WrongName(String),
    /// No root that we trust signed it, nor one it brought along. A self-signed
    /// certificate ends here as well.
    #[error("the certificate is not signed by a root that is trusted here")]
    UnknownIssuer,
    /// It may not be used for this end of a connection.
    #[error("the certificate is for another use: {0}")]
    WrongUse(String),
    /// A signature in the chain, or the peer's on the handshake, is wrong.
    #[error("a signature does not fit the certificate")]
    BadSignature,
    /// Its issuer took it back.
    #[error("the certificate was revoked")]
    Revoked,
    /// Anything else, in words.
    #[error("the certificate is bad: {0}")]
    Other(String),
}

/// A fatal alert that the peer sent (RFC 8446 section 6).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the peer ended the TLS connection with alert {code} ({name})")]
pub struct AlertReceived {
    /// Its number in the IANA registry: 120 for `no_application_protocol`.
    pub code: u8,
    /// Its name, as this library spells it.
    pub name: String,
}

/// The sticky error of [`Tls<M>`](crate::Tls), where `E` is that of `M`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TlsError<E> {
    /// The machine inside ended; its goodbye and a `close_notify` still leave.
    #[error(transparent)]
    Machine(E),
    /// This layer ended: plaintext where TLS has to be, a handshake that took too
    /// long, a stream cut without `close_notify`, the driver out of turn.
    #[error(transparent)]
    Fault(Fault),
    /// The peer's certificate was not accepted.
    #[error(transparent)]
    Certificate(CertificateFault),
    /// The peer gave up.
    #[error(transparent)]
    Alert(AlertReceived),
    /// Both sides speak TLS, but have no application protocol in common (RFC
    /// 7301); the peer was sent alert 120.
    #[error("the peer offers only application protocols that are not spoken here")]
    NoApplicationProtocol,
    /// The peer broke TLS, or speaks no version, suite or group that we do; it was
    /// sent an alert.
    #[error("TLS failed: {0}")]
    Peer(String),
    /// The configuration turned out not to work.
    #[error(transparent)]
    Config(ConfigError),
}

/// What the TLS implementation behind this crate has to say when it fails.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Certificate(CertificateFault),
    Alert(AlertReceived),
    NoApplicationProtocol,
    /// The bytes are not those of a TLS record at all.
    NotTls,
    Peer(String),
}

/// What a driver with an operating system under it may end in, where `E` is the
/// error of its machine.
#[cfg(feature = "std")]
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DriverError<E> {
    /// The machine ended. Its goodbye was written, if the peer took it.
    #[error(transparent)]
    Machine(E),
    /// The transport failed.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    /// The caller owes the machine an answer. Not an end: give it, then go on. Only
    /// the blocking driver says so; the asynchronous one waits.
    #[error("the last event is unanswered; answer it, then ask for the next")]
    Unanswered,
    /// The machine is ready for TLS, and nobody does it: wrap it in
    /// [`Tls`](crate::Tls).
    #[error("STARTTLS was agreed on, but this machine is not inside a Tls layer")]
    NeedsTls,
}

/// What a driver's `next` gives: an event, `None` at
/// the end, or what went wrong.
#[cfg(feature = "std")]
pub type NextEvent<M> =
    Result<Option<<M as scop_core::Machine>::Event>, DriverError<<M as scop_core::Machine>::Error>>;

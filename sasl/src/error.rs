use thiserror::Error;

/// Why an exchange failed. None of them holds what the peer sent: it may be a
/// secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// Not base64 as RFC 4648 section 4 has it: a foreign character, missing
    /// padding or stray bits.
    #[error("not valid base64")]
    Base64,
    /// The message does not have the form its mechanism prescribes.
    #[error("malformed {mechanism} message: {what}")]
    Malformed {
        /// The mechanism.
        mechanism: super::Mechanism,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A name or password cannot be carried.
    #[error("unusable credentials: {0}")]
    Credentials(&'static str),
    /// A message that was not due: the exchange was over or had not begun.
    #[error("a SASL message out of turn")]
    OutOfTurn,
}

//! What can go wrong, by who did it: the peer ([`Violation`]), the peer by sheer
//! amount ([`LimitExceeded`]), the clock ([`TimedOut`]), the link
//! ([`Fault::Truncated`]) or the caller ([`Misuse`]). They are different types
//! because they are handled by different people.

use thiserror::Error;

use crate::Timer;

/// The peer broke the protocol in a way that cannot be answered within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} at byte {offset} ({rule})")]
pub struct Violation {
    /// What was wrong, as a phrase: `bare LF in a command line`.
    pub what: &'static str,
    /// Where: bytes the machine had taken from this stream before the offending
    /// one. A switch to TLS starts a new stream at zero.
    pub offset: u64,
    /// By which rule: `RFC 5321 2.3.8`.
    pub rule: &'static str,
}

/// The peer asked for more than a limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("more than {limit} {what} at byte {offset}; raise the limit to allow it")]
pub struct LimitExceeded {
    /// What there was too much of, with its unit: `bytes in a command line`.
    pub what: &'static str,
    /// The limit that was in force.
    pub limit: u64,
    /// Where in the stream, counted as in [`Violation::offset`].
    pub offset: u64,
}

/// A timer ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("timed out: {}", timer.0)]
pub struct TimedOut {
    /// Which one.
    pub timer: Timer,
}

/// The caller did what the machine's state does not allow. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what}: {help}")]
pub struct Misuse {
    /// What was asked for that cannot be had now.
    pub what: &'static str,
    /// What to do instead.
    pub help: &'static str,
}

/// What ended a machine's reading: its sticky error.
///
/// The goodbye (`421`, `BYE`) may still leave through
/// [`transmit`](crate::Machine::transmit).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The peer broke the protocol.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The peer went past a limit.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// A timer ran out.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    /// The stream ended inside of something: never a complete message.
    #[error(
        "the connection ended inside {inside}, after byte {offset}; nothing of it was accepted"
    )]
    Truncated {
        /// Inside of what: `DATA`, `a literal`, `a command line`.
        inside: &'static str,
        /// How many bytes there were.
        offset: u64,
    },
    /// The driver broke the contract, for instance `upgraded` out of turn.
    #[error("the driver broke the contract: {0}")]
    Driver(Misuse),
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn errors_say_what_where_and_by_which_rule() {
        let v = Violation {
            what: "bare LF in a command line",
            offset: 17,
            rule: "RFC 5321 2.3.8",
        };
        assert_eq!(
            Fault::from(v).to_string(),
            "bare LF in a command line at byte 17 (RFC 5321 2.3.8)"
        );
        let t = TimedOut {
            timer: Timer("the final dot"),
        };
        assert_eq!(Fault::from(t).to_string(), "timed out: the final dot");
    }
}

//! The contract: what every machine of scop is, and what a driver may expect of it.

use alloc::{string::String, vec::Vec};
use core::{
    ops::{Add, Sub},
    time::Duration,
};

use bytes::{Bytes, BytesMut};

/// Monotonic time since an epoch that the driver chose.
///
/// A machine never asks for the time; each call brings it. Nothing depends on
/// where the epoch lies, so a driver counts from its own start and a test counts
/// virtual time.
///
/// ```
/// use core::time::Duration;
/// use scop_core::Instant;
///
/// let start = Instant::ZERO;
/// let later = start + Duration::from_secs(5);
/// assert_eq!(later - start, Duration::from_secs(5));
/// assert_eq!(start - later, Duration::ZERO); // saturates, never panics
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The epoch itself.
    pub const ZERO: Instant = Instant(Duration::ZERO);

    /// The instant that lies `since_epoch` after the epoch.
    #[must_use]
    pub const fn new(since_epoch: Duration) -> Self {
        Instant(since_epoch)
    }

    /// The instant that lies `millis` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Instant(Duration::from_millis(millis))
    }

    /// The instant that lies `secs` seconds after the epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Instant(Duration::from_secs(secs))
    }

    /// How long after the epoch this instant lies.
    #[must_use]
    pub const fn since_epoch(self) -> Duration {
        self.0
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    /// Saturates at the end of time.
    fn add(self, rhs: Duration) -> Instant {
        Instant(self.0.saturating_add(rhs))
    }
}

impl Sub for Instant {
    type Output = Duration;
    /// Zero where `rhs` is the later one.
    fn sub(self, rhs: Instant) -> Duration {
        self.0.saturating_sub(rhs.0)
    }
}

/// What [`Machine::read`] has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<E> {
    /// Look at it, then read again.
    Event(E),
    /// The only answer on which the transport is read.
    NeedInput,
    /// Do not read the transport: write, answer or upgrade, then read again.
    Paused(Pause),
    /// Over: drain [`Machine::transmit`], discard input, close.
    Closed,
}

/// Why a machine does not want the transport to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pause {
    /// The outbox is full, or a go-ahead is unsent; never with an empty outbox.
    Flush,
    /// The caller owes an answer; writing and timers go on.
    Answer,
    /// The go-ahead was handed over and no input is unread: start TLS.
    Upgrade,
}

/// Which timer; shared by all layers, so a driver can say what ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timer(pub &'static str);

/// What is known of the encrypted channel under a machine, given to it by
/// [`Machine::upgraded`].
///
/// All fields are facts of the finished handshake. A field that the layer below
/// could not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Channel {
    /// The protocol version as IANA spells it for logs: `TLSv1.3`, `TLSv1.2`.
    pub version: Option<&'static str>,
    /// The cipher suite's IANA name, `TLS13_AES_256_GCM_SHA384`.
    pub cipher_suite: Option<String>,
    /// The application protocol both sides agreed on (RFC 7301).
    pub alpn: Option<Vec<u8>>,
    /// The server name the client asked for (RFC 6066 section 3).
    pub server_name: Option<String>,
    /// 32 bytes of keying material under the label `EXPORTER-Channel-Binding`:
    /// the `tls-exporter` binding of RFC 9266, for SCRAM-PLUS.
    pub exporter: Option<[u8; 32]>,
    /// The peer's certificate chain, DER, end entity first; empty if it sent none.
    pub peer_certificates: Vec<Vec<u8>>,
}

impl Channel {
    /// A channel of which nothing is known but that it is encrypted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// A protocol as a state machine: bytes in, bytes and events out.
///
/// The ten laws of the crate's front page hold for every implementation; the
/// `testkit` feature has each of them as a function to call on yours.
///
/// # The driver's order
///
/// Expire if due; [`read`](Machine::read); if the own chunk is empty,
/// [`transmit`](Machine::transmit); then wait on whichever comes first of: the
/// chunk written (if one is held), the transport readable (on
/// [`Next::NeedInput`], or when it is over), the [`deadline`](Machine::deadline).
/// After any movement `read` again.
pub trait Machine {
    /// Owned; small values are copies, only bulk chunks share `input`'s buffer.
    type Event: 'static;
    /// Sticky: every later `read` returns it; `transmit` still gives the goodbye.
    type Error: Clone + core::error::Error + 'static;

    /// Takes bytes off the front of `input`, at most one event out; free to call
    /// again with nothing new.
    ///
    /// # Errors
    ///
    /// What ended reading: see [`Fault`](crate::Fault). The same error comes back
    /// on each later call.
    fn read(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Next<Self::Event>, Self::Error>;

    /// No more bytes will come: recorded here, judged by `read` once the input is
    /// used up.
    fn read_closed(&mut self, now: Instant);

    /// The next bytes to send, in order. Call only when the previous chunk is
    /// written: it counts as progress.
    fn transmit(&mut self, now: Instant) -> Option<Bytes>;

    /// The next timer. `None` after `Closed` or an error means: abandon what is
    /// unsent.
    fn deadline(&self) -> Option<(Instant, Timer)>;

    /// No-op if early; else moves or clears `deadline`, and `read` reports it.
    fn expire(&mut self, now: Instant);

    /// Encrypted now: at `Paused(Upgrade)`, or before the first read or transmit
    /// (implicit TLS); at any other time it poisons the machine.
    fn upgraded(&mut self, now: Instant, channel: Channel);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_saturate() {
        let end = Instant::new(Duration::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(Instant::ZERO - end, Duration::ZERO);
        assert!(Instant::from_millis(999) < Instant::from_secs(1));
    }
}

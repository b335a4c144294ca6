//! [`Tls`]: TLS as a machine around a machine.
//!
//! RFC 8446 and RFC 5246 by rustls; STARTTLS as RFC 3207 and RFC 9051 section 11.1
//! want it; `close_notify` by RFC 8446 section 6.1.
//!
//! ```text
//!  plain ─────────────────────────────────────────────── the machine's own end
//!
//!  starttls ── plaintext ── Paused(Upgrade) ─┐
//!                                            ├─ handshake ── open ── close_notify ── over
//!  implicit ─────────────────────────────────┘     │           │                      │
//!                                                  └───────────┴── error, alert ──────┘
//! ```
//!
//! In `handshake` the machine inside is neither read nor asked for output. In `open`
//! it is asked first, on the plaintext that is there; only when it needs input, one
//! more record is decrypted. So its pauses are ours, nothing is decrypted ahead of
//! its use, and the ciphertext that is not wanted yet stays in the driver's buffer.

use alloc::boxed::Box;
use core::{
    mem,
    ops::{Deref, DerefMut},
};

use bytes::{Bytes, BytesMut};
use scop_core::{
    Channel, Fault, Instant, LimitExceeded, Machine, Misuse, Next, Outbox, Pause, TimedOut, Timer,
    Violation,
};

use crate::{
    config::{Handshake, Limits},
    error::{Failure, TlsError},
    session::Session,
};

/// The timer of the handshake.
pub const HANDSHAKE: Timer = Timer("the TLS handshake");
/// The timer of the last bytes, once all is over.
pub const LINGER: Timer = Timer("linger");

/// Plaintext that is encrypted at a time, in bytes: four full records.
const AT_ONCE: usize = 4 << 14;

/// TLS around the machine `M`: a machine with the same events.
///
/// It dereferences to the machine inside, so that one's commands are called on it
/// as if it were not there; its own `read`, `transmit` and so on are what a driver
/// calls.
///
/// Memory: an idle connection holds what rustls holds, about 5 KB, and no buffers.
pub struct Tls<M: Machine> {
    inner: M,
    layer: Layer,
    limits: Limits,
    /// Decrypted, not used up by the machine inside.
    plain: BytesMut,
    /// A chunk of the machine inside, the rest of which is to be encrypted.
    chunk: Bytes,
    /// Encrypted, not handed over.
    out: Outbox,
    /// Ciphertext taken, in bytes.
    offset: u64,
    eof: bool,
    end: Option<End<M::Error>>,
}

enum Layer {
    /// For ever, or until the layer around this one says otherwise.
    Plain,
    /// Plaintext until the machine inside asks for TLS.
    StartTls(Handshake),
    /// TLS from the first byte on, which did not come yet.
    Implicit(Handshake),
    Handshake(Box<dyn Session>, Instant),
    Open(Open),
    /// TLS failed. What it still has to say is in the outbox; the machine inside is
    /// not asked any more, for what it says must not leave in the clear.
    Dead,
}

struct Open {
    session: Box<dyn Session>,
    /// The peer's `close_notify` came.
    peer_closed: bool,
    /// Ours was made.
    closed: bool,
}

/// How it ended, and until when what is left may take to leave.
struct End<E> {
    error: Option<TlsError<E>>,
    linger: Option<Instant>,
}

impl<M: Machine> Tls<M> {
    /// No TLS: all passes through, `Paused(Upgrade)` too. For servers that have
    /// listeners with and without TLS and want one type for both.
    #[must_use]
    pub fn plain(machine: M) -> Self {
        Tls::new(machine, Layer::Plain, Limits::default())
    }

    /// Plaintext until the machine pauses for the upgrade (STARTTLS), then TLS.
    #[must_use]
    pub fn starttls(machine: M, handshake: Handshake) -> Self {
        let limits = handshake.limits;
        Tls::new(machine, Layer::StartTls(handshake), limits)
    }

    /// TLS from the first byte on (RFC 8314 section 3).
    #[must_use]
    pub fn implicit(machine: M, handshake: Handshake) -> Self {
        let limits = handshake.limits;
        Tls::new(machine, Layer::Implicit(handshake), limits)
    }

    fn new(inner: M, layer: Layer, limits: Limits) -> Self {
        Tls {
            inner,
            layer,
            limits,
            plain: BytesMut::new(),
            chunk: Bytes::new(),
            out: Outbox::new(AT_ONCE),
            offset: 0,
            eof: false,
            end: None,
        }
    }

    /// The handshake is done.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        matches!(self.layer, Layer::Open(_))
    }

    /// The machine inside, without the layer.
    #[must_use]
    pub fn into_inner(self) -> M {
        self.inner
    }

    fn violation(&self, what: &'static str, rule: &'static str) -> TlsError<M::Error> {
        TlsError::Fault(Fault::Violation(Violation {
            what,
            offset: self.offset,
            rule,
        }))
    }

    fn failed(&self, failure: Failure) -> TlsError<M::Error> {
        match failure {
            Failure::Certificate(fault) => TlsError::Certificate(fault),
            Failure::Alert(alert) => TlsError::Alert(alert),
            Failure::NoApplicationProtocol => TlsError::NoApplicationProtocol,
            Failure::NotTls => self.violation("no TLS record", "RFC 8446 5.1"),
            Failure::Peer(why) => TlsError::Peer(why),
        }
    }

    /// Starts TLS with nothing learnt, nothing unread and nothing unsent.
    fn begin(&mut self, now: Instant, handshake: &Handshake) -> Result<(), TlsError<M::Error>> {
        let mut session = handshake.begin().map_err(TlsError::Config)?;
        session
            .receive(BytesMut::new(), &mut self.plain, &mut self.out)
            .map_err(|failure| self.failed(failure))?;
        self.offset = 0;
        self.layer = Layer::Handshake(session, now + self.limits.handshake);
        Ok(())
    }

    /// An end, once.
    fn end(&mut self, now: Instant, error: Option<TlsError<M::Error>>) {
        if matches!(self.layer, Layer::Handshake(..)) {
            self.layer = Layer::Dead;
        }
        self.plain = BytesMut::new();
        let linger = Some(now + self.limits.linger);
        self.end.get_or_insert(End { error, linger });
    }

    /// The machine inside has its transport to itself: this layer adds nothing, not
    /// even a linger timer.
    fn is_transparent(&self) -> bool {
        matches!(self.layer, Layer::Plain | Layer::StartTls(_))
    }

    fn step(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Next<M::Event>, TlsError<M::Error>> {
        loop {
            match &mut self.layer {
                Layer::Plain => {
                    return self.inner.read(now, input).map_err(TlsError::Machine);
                }
                Layer::StartTls(_) => {
                    let next = self.inner.read(now, input).map_err(TlsError::Machine)?;
                    let Next::Paused(Pause::Upgrade) = next else {
                        return Ok(next);
                    };
                    if !input.is_empty() {
                        return Err(self.violation("plaintext behind STARTTLS", "RFC 3207 4.2"));
                    }
                    if let Layer::StartTls(handshake) = mem::replace(&mut self.layer, Layer::Dead) {
                        self.begin(now, &handshake)?;
                    }
                }
                Layer::Implicit(_) => {
                    if let Layer::Implicit(handshake) = mem::replace(&mut self.layer, Layer::Dead) {
                        self.begin(now, &handshake)?;
                    }
                }
                Layer::Dead => return Ok(Next::Closed),
                Layer::Handshake(..) => {
                    if !self.take_record(now, input)? {
                        return self.wait("the TLS handshake");
                    }
                }
                Layer::Open(open) => {
                    let peer_closed = open.peer_closed;
                    let next = self.inner.read(now, &mut self.plain);
                    match next.map_err(TlsError::Machine)? {
                        Next::NeedInput => {}
                        Next::Paused(Pause::Upgrade) => {
                            return Err(self.violation("STARTTLS inside TLS", "RFC 3207 4.2"));
                        }
                        next => return Ok(next),
                    }
                    if peer_closed {
                        // Whatever is behind close_notify is ignored (RFC 8446 6.1).
                        input.clear();
                        return Ok(Next::NeedInput);
                    }
                    if !self.take_record(now, input)? {
                        return self.wait("TLS, without close_notify");
                    }
                }
            }
        }
    }

    /// There is no whole record: waits for more, if more can come.
    fn wait(&mut self, inside: &'static str) -> Result<Next<M::Event>, TlsError<M::Error>> {
        if self.eof {
            let offset = self.offset;
            return Err(TlsError::Fault(Fault::Truncated { inside, offset }));
        }
        if self.plain.is_empty() {
            self.plain = BytesMut::new();
        }
        Ok(Next::NeedInput)
    }

    /// Gives the session one record, if there is a whole one.
    fn take_record(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<bool, TlsError<M::Error>> {
        let record = match frame(input) {
            Frame::Incomplete => return Ok(false),
            Frame::Record(len) => input.split_to(len),
            // rustls finds what is wrong with it, and the alert for it.
            Frame::Bad(header) => BytesMut::from(&header[..]),
        };
        let session = match &mut self.layer {
            Layer::Handshake(session, _) => session,
            Layer::Open(open) => &mut open.session,
            _ => return Ok(false),
        };
        let taken = record.len();
        let received = session.receive(record, &mut self.plain, &mut self.out);
        let held = session.held();
        let received = match received {
            Ok(received) => received,
            Err(failure) => {
                let error = self.failed(failure);
                self.layer = Layer::Dead;
                return Err(error);
            }
        };
        self.offset += taken as u64;
        if held > self.limits.handshake_message {
            return Err(TlsError::Fault(Fault::Limit(LimitExceeded {
                what: "bytes of an unfinished TLS handshake message",
                limit: self.limits.handshake_message as u64,
                offset: self.offset,
            })));
        }
        if received.open {
            self.open(now);
        }
        if let (true, Layer::Open(open)) = (received.closed, &mut self.layer) {
            open.peer_closed = true;
            self.inner.read_closed(now);
        }
        Ok(true)
    }

    /// The handshake is done: tells the machine inside, once.
    fn open(&mut self, now: Instant) {
        if !matches!(self.layer, Layer::Handshake(..)) {
            return;
        }
        if let Layer::Handshake(session, _) = mem::replace(&mut self.layer, Layer::Dead) {
            let channel = session.channel();
            self.layer = Layer::Open(Open {
                session,
                peer_closed: false,
                closed: false,
            });
            self.inner.upgraded(now, channel);
        }
    }
}

impl<M: Machine> Machine for Tls<M> {
    type Event = M::Event;
    type Error = TlsError<M::Error>;

    fn read(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Next<Self::Event>, Self::Error> {
        if let Some(end) = &self.end {
            return end.error.clone().map_or(Ok(Next::Closed), Err);
        }
        let next = self.step(now, input);
        match &next {
            Ok(Next::Closed) => self.end(now, None),
            Err(error) => self.end(now, Some(error.clone())),
            Ok(_) => {}
        }
        next
    }

    fn read_closed(&mut self, now: Instant) {
        self.eof = true;
        if self.is_transparent() {
            self.inner.read_closed(now);
        }
    }

    fn transmit(&mut self, now: Instant) -> Option<Bytes> {
        if let Some(bytes) = self.out.pop() {
            return Some(bytes);
        }
        match &mut self.layer {
            Layer::Plain | Layer::StartTls(_) => return self.inner.transmit(now),
            Layer::Implicit(_) | Layer::Handshake(..) | Layer::Dead => return None,
            Layer::Open(open) => {
                if open.closed {
                    return None;
                }
                if self.chunk.is_empty() {
                    self.chunk = self.inner.transmit(now).unwrap_or_default();
                }
                let sent = if !self.chunk.is_empty() {
                    let piece = self.chunk.split_to(self.chunk.len().min(AT_ONCE));
                    open.session.send(&piece, &mut self.out)
                } else if self.end.is_some() {
                    open.closed = true;
                    open.session.close(&mut self.out)
                } else {
                    return None;
                };
                if let Err(failure) = sent {
                    let error = self.failed(failure);
                    self.layer = Layer::Dead;
                    self.end(now, Some(error));
                }
            }
        }
        self.out.pop()
    }

    fn deadline(&self) -> Option<(Instant, Timer)> {
        match (&self.end, &self.layer) {
            (_, Layer::Plain | Layer::StartTls(_)) => self.inner.deadline(),
            (Some(End { linger, .. }), Layer::Open(_)) => {
                let ours = linger.map(|at| (at, LINGER))?;
                let inner = self.inner.deadline();
                Some(inner.filter(|(at, _)| *at < ours.0).unwrap_or(ours))
            }
            (Some(End { linger, .. }), _) => linger.map(|at| (at, LINGER)),
            (None, Layer::Open(_)) => self.inner.deadline(),
            (None, Layer::Handshake(_, at)) => Some((*at, HANDSHAKE)),
            (None, Layer::Implicit(_) | Layer::Dead) => None,
        }
    }

    fn expire(&mut self, now: Instant) {
        let Some((_, timer)) = self.deadline().filter(|(at, _)| *at <= now) else {
            return;
        };
        if self.is_transparent() {
            return self.inner.expire(now);
        }
        match (&mut self.end, &self.layer) {
            (Some(end), layer) => {
                // The machine inside may be less patient: then it is over as well.
                let inner = matches!(layer, Layer::Open(_)) && self.inner.deadline().is_some();
                if inner {
                    self.inner.expire(now);
                }
                let gave_up = inner && self.inner.deadline().is_none();
                if gave_up || end.linger.is_some_and(|at| at <= now) {
                    end.linger = None;
                }
            }
            (None, Layer::Handshake(..)) => {
                let fault = Fault::TimedOut(TimedOut { timer });
                self.end(now, Some(TlsError::Fault(fault)));
            }
            (None, _) => self.inner.expire(now),
        }
    }

    fn upgraded(&mut self, now: Instant, channel: Channel) {
        if matches!(self.layer, Layer::Plain) {
            return self.inner.upgraded(now, channel);
        }
        self.end(
            now,
            Some(TlsError::Fault(Fault::Driver(Misuse {
                what: "upgraded on a layer that does TLS itself",
                help: "drive it on; only Tls::plain is told from outside",
            }))),
        );
    }
}

impl<M: Machine> Deref for Tls<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.inner
    }
}

impl<M: Machine> DerefMut for Tls<M> {
    fn deref_mut(&mut self) -> &mut M {
        &mut self.inner
    }
}

/// What is at the front of the ciphertext.
enum Frame {
    Incomplete,
    /// A record of so many bytes, its header included.
    Record(usize),
    /// Not the header of a record; five bytes that rustls refuses as well.
    Bad([u8; 5]),
}

/// Frames a TLS record (RFC 8446 section 5.1, RFC 5246 section 6.2.3). One look at
/// the header, whatever there is of it.
fn frame(input: &[u8]) -> Frame {
    /// `change_cipher_spec` to `application_data`.
    const TYPES: core::ops::RangeInclusive<u8> = 20..=23;
    /// What encryption may add to 2^14 bytes of content under TLS 1.2.
    const LONGEST: usize = (1 << 14) + 2048;
    match *input {
        [] => Frame::Incomplete,
        [kind, ..] if !TYPES.contains(&kind) => Frame::Bad([kind, 3, 3, 0, 1]),
        [kind, 3, minor, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            match 5 + length {
                _ if length > LONGEST => Frame::Bad([kind, 3, minor, high, low]),
                whole if whole <= input.len() => Frame::Record(whole),
                _ => Frame::Incomplete,
            }
        }
        [kind, major, ..] if major != 3 => Frame::Bad([kind, major, 3, 0, 1]),
        _ => Frame::Incomplete,
    }
}

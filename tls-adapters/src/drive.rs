//! The driver's order, once, for all transports: expire if due; read; if the own
//! chunk is empty, transmit; then wait. What is left to each driver is to move bytes.

use bytes::{Bytes, BytesMut};
use scop_core::{Instant, Machine, Next, Pause};

/// Room for a read below which more is reserved, in bytes.
const SPARE: usize = 2 * 1024;
/// The least and the most that is reserved for a read, in bytes.
const READS: core::ops::RangeInclusive<usize> = 4 * 1024..=64 * 1024;

/// Bytes that are read and thrown away for the peer's sake, at most.
#[cfg(feature = "std")]
const DISCARDS: usize = 1 << 20;

/// A machine and the bytes on their way to and from it.
pub(crate) struct Drive<M: Machine> {
    pub(crate) machine: M,
    /// Read, not used up.
    pub(crate) input: BytesMut,
    /// Handed over, not written.
    pub(crate) chunk: Bytes,
    /// What is reserved for the next read: more as reads fill it.
    ahead: usize,
    eof: bool,
    end: Option<Result<(), M::Error>>,
    /// Bytes thrown away since the end.
    discarded: usize,
}

/// What to do next.
pub(crate) enum Turn<E> {
    /// Hand it to the caller.
    Event(E),
    /// Wait for any of these, then take another turn.
    Wait(Wait),
    /// All is written, or abandoned. Close.
    Over,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wait {
    /// For bytes to arrive, or the end of them.
    pub(crate) read: bool,
    /// For `chunk` to be written.
    pub(crate) write: bool,
    /// For the caller's answer.
    pub(crate) answer: bool,
    /// For somebody to do TLS.
    pub(crate) upgrade: bool,
    /// No longer than that.
    pub(crate) deadline: Option<Instant>,
    /// What cannot be written at once is abandoned.
    pub(crate) last_try: bool,
}

impl Wait {
    /// Nothing that it waits for can come: the input is over and the machine does
    /// not see it.
    pub(crate) fn is_for_nothing(&self) -> bool {
        !(self.read || self.write || self.answer || self.upgrade || self.deadline.is_some())
    }
}

impl<M: Machine> Drive<M> {
    pub(crate) fn new(machine: M) -> Self {
        Drive {
            machine,
            input: BytesMut::new(),
            chunk: Bytes::new(),
            ahead: *READS.start(),
            eof: false,
            end: None,
            discarded: 0,
        }
    }

    pub(crate) fn turn(&mut self, now: Instant) -> Turn<M::Event> {
        self.expire(now);
        let mut wait = Wait::default();
        if self.end.is_none() {
            match self.machine.read(now, &mut self.input) {
                Ok(Next::Event(event)) => return Turn::Event(event),
                Ok(Next::NeedInput) => wait.read = !self.eof,
                Ok(Next::Paused(Pause::Flush)) => {}
                Ok(Next::Paused(Pause::Answer)) => wait.answer = true,
                Ok(Next::Paused(Pause::Upgrade)) => wait.upgrade = true,
                Ok(Next::Closed) => self.end = Some(Ok(())),
                Err(error) => self.end = Some(Err(error)),
            }
        }
        if self.chunk.is_empty() {
            self.chunk = self.machine.transmit(now).unwrap_or_default();
        }
        wait.write = !self.chunk.is_empty();
        wait.deadline = self.machine.deadline().map(|(at, _)| at);
        if self.end.is_some() {
            self.discard();
            if !wait.write {
                return Turn::Over;
            }
            // A peer that writes before it reads must not hold up the goodbye.
            wait.last_try = wait.deadline.is_none();
            wait.read = !self.eof && !wait.last_try;
        }
        Turn::Wait(wait)
    }

    /// Lets the machine's timer run out, if it is time.
    pub(crate) fn expire(&mut self, now: Instant) {
        if self.machine.deadline().is_some_and(|(at, _)| at <= now) {
            self.machine.expire(now);
        }
    }

    /// Room in `input` for a read, in bytes.
    pub(crate) fn reserve(&mut self) -> usize {
        if self.input.capacity() - self.input.len() < SPARE {
            self.input.reserve(self.ahead);
        }
        self.input.capacity() - self.input.len()
    }

    /// `n` bytes came into `room`; none at all is the end of input.
    pub(crate) fn arrived(&mut self, now: Instant, n: usize, room: usize) {
        if n == 0 {
            self.eof = true;
            self.machine.read_closed(now);
        } else if n == room {
            self.ahead = (self.ahead * 2).min(*READS.end());
        } else if n < self.ahead / 4 {
            self.ahead = (self.ahead / 2).max(*READS.start());
        }
    }

    /// Nothing came: an empty buffer is not worth keeping.
    pub(crate) fn idle(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
    }

    /// The machine is through: what happens to the transport from now on is no
    /// error any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Throws the input away.
    pub(crate) fn discard(&mut self) {
        self.discarded += self.input.len();
        self.input = BytesMut::new();
    }

    /// Whether the peer may still be writing. Closing with bytes unread resets a TCP
    /// connection, and the peer loses the goodbye.
    #[cfg(feature = "std")]
    pub(crate) fn lingers(&self) -> bool {
        let failed = matches!(self.end, Some(Err(_)));
        !self.eof && (failed || self.discarded > 0) && self.discarded < DISCARDS
    }

    /// How it ended: good for every later call.
    pub(crate) fn result(&self) -> Result<(), M::Error> {
        self.end.clone().unwrap_or(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scop_core::{Channel, Fault, Timer};

    /// Takes whole lines, and nothing else.
    struct Lines;

    impl Machine for Lines {
        type Event = Bytes;
        type Error = Fault;
        fn read(&mut self, _: Instant, input: &mut BytesMut) -> Result<Next<Bytes>, Fault> {
            Ok(match input.iter().position(|b| *b == b'\n') {
                Some(at) => Next::Event(input.split_to(at + 1).freeze()),
                None => Next::NeedInput,
            })
        }
        fn read_closed(&mut self, _: Instant) {}
        fn transmit(&mut self, _: Instant) -> Option<Bytes> {
            None
        }
        fn deadline(&self) -> Option<(Instant, Timer)> {
            None
        }
        fn expire(&mut self, _: Instant) {}
        fn upgraded(&mut self, _: Instant, _: Channel) {}
    }

    fn arrive(drive: &mut Drive<Lines>, bytes: &[u8]) {
        let room = drive.reserve();
        assert!(room >= SPARE && room >= bytes.len());
        drive.input.extend_from_slice(bytes);
        drive.arrived(Instant::ZERO, bytes.len(), room);
    }

    #[test]
    fn one_byte_at_a_time_reserves_once_and_an_idle_buffer_is_dropped() {
        let mut drive = Drive::new(Lines);
        arrive(&mut drive, b"a");
        let buffer = drive.input.as_ptr();
        for _ in 0..1000 {
            arrive(&mut drive, b"a");
            assert!(matches!(
                drive.turn(Instant::ZERO),
                Turn::Wait(Wait { read: true, .. })
            ));
            drive.idle();
        }
        assert_eq!(drive.input.as_ptr(), buffer, "it did not move");
        arrive(&mut drive, b"\n");
        assert!(matches!(drive.turn(Instant::ZERO), Turn::Event(line) if line.len() == 1002));
        drive.idle();
        assert_eq!(drive.input.capacity(), 0);
    }

    #[test]
    fn reads_grow_as_they_are_filled_and_shrink_again() {
        let mut drive = Drive::new(Lines);
        let full = [b'\n'; 64 * 1024];
        for _ in 0..10 {
            let room = drive.reserve();
            drive.input.clear();
            drive.arrived(Instant::ZERO, room, room);
            drive.idle();
        }
        assert_eq!(drive.reserve(), full.len());
        for _ in 0..10 {
            drive.arrived(Instant::ZERO, 1, 64 * 1024);
            drive.idle();
        }
        assert_eq!(drive.ahead, 4 * 1024);
    }

    #[test]
    fn a_machine_that_does_not_see_the_end_is_not_waited_for() {
        let mut drive = Drive::new(Lines);
        drive.arrived(Instant::ZERO, 0, 1);
        let Turn::Wait(wait) = drive.turn(Instant::ZERO) else {
            panic!("there is nothing to read");
        };
        assert!(wait.is_for_nothing());
    }
}

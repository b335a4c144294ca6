//! A blocking driver over sockets of `std`, or anything like them. Feature `std`.
//!
//! One thread per connection. It never blocks longer than the machine's next timer,
//! and never writes without looking whether there is something to read: two ends that
//! both only write would wait for each other for ever.

use core::{fmt, time::Duration};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Instant as Time,
};

use bytes::Buf;
use scop_core::{Instant, Machine};

use crate::{
    DriverError, NextEvent,
    drive::{Drive, Turn, Wait},
};

/// How long a write may keep from reading, and the other way round.
const GLANCE: Duration = Duration::from_millis(20);
/// The longest and the shortest time to block for; longer waits are made of many.
const BLOCK: (Duration, Duration) = (Duration::from_secs(3600), Duration::from_millis(1));

/// A byte stream that can be told how long to block.
pub trait Transport: Read + Write {
    /// From now on a read fails with [`io::ErrorKind::WouldBlock`] or `TimedOut`
    /// after that time; it is never zero.
    ///
    /// # Errors
    ///
    /// What the transport fails with.
    fn read_within(&mut self, time: Duration) -> io::Result<()>;

    /// The same for writes; one that wrote a part succeeds.
    ///
    /// # Errors
    ///
    /// What the transport fails with.
    fn write_within(&mut self, time: Duration) -> io::Result<()>;

    /// Nothing more is written: tells the peer (FIN).
    ///
    /// # Errors
    ///
    /// What the transport fails with.
    fn finish(&mut self) -> io::Result<()>;
}

impl Transport for TcpStream {
    fn read_within(&mut self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))
    }

    fn write_within(&mut self, time: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(time))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

#[cfg(unix)]
impl Transport for std::os::unix::net::UnixStream {
    fn read_within(&mut self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))
    }

    fn write_within(&mut self, time: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(time))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// A machine on a blocking byte stream.
///
/// Time is counted from when the driver was made.
pub struct Driver<M: Machine, T> {
    drive: Drive<M>,
    io: T,
    epoch: Time,
    /// The timeouts that are set.
    reads: Duration,
    writes: Duration,
    unflushed: bool,
    phase: Phase,
}

#[derive(Clone, Copy)]
enum Phase {
    Running,
    /// All is written: tell the peer, read and throw away what it still writes.
    Closing,
    Over,
    Failed(io::ErrorKind),
}

impl<M: Machine, T: Transport> Driver<M, T> {
    /// Drives `machine` over `io`. Nothing happens before [`Driver::next`].
    pub fn new(io: T, machine: M) -> Self {
        Driver {
            drive: Drive::new(machine),
            io,
            epoch: Time::now(),
            reads: Duration::ZERO,
            writes: Duration::ZERO,
            unflushed: false,
            phase: Phase::Running,
        }
    }

    /// The next event, waited for. `None` is the end: the machine is closed, all it
    /// had to say was written, or given up at its deadline, and the transport was
    /// shut down.
    ///
    /// # Errors
    ///
    /// What ended the machine, after its goodbye left; or what the transport failed
    /// with. Later calls give the same. [`DriverError::Unanswered`] is no end: answer
    /// the last event through [`Driver::machine_mut`], then ask again.
    #[allow(clippy::should_implement_trait)] // an iterator could not lend the machine
    pub fn next(&mut self) -> NextEvent<M> {
        loop {
            match self.phase {
                Phase::Running => match self.turn() {
                    Ok(Some(event)) => return Ok(Some(event)),
                    Ok(None) => self.phase = Phase::Closing,
                    Err(error) => {
                        if let DriverError::Io(error) = &error {
                            self.phase = Phase::Failed(error.kind());
                        }
                        return Err(error);
                    }
                },
                Phase::Closing => {
                    // The peer may be gone already: that is no error any more.
                    if self.io.finish().is_ok() {
                        self.linger();
                    }
                    self.phase = Phase::Over;
                }
                Phase::Over => {
                    return match self.drive.result() {
                        Ok(()) => Ok(None),
                        Err(error) => Err(DriverError::Machine(error)),
                    };
                }
                Phase::Failed(kind) => return Err(DriverError::Io(kind.into())),
            }
        }
    }

    /// Turns until there is an event, or the machine is through with all.
    fn turn(&mut self) -> NextEvent<M> {
        loop {
            let now = self.now();
            let wait = match self.drive.turn(now) {
                Turn::Event(event) => return Ok(Some(event)),
                Turn::Over => return Ok(None),
                Turn::Wait(wait) => wait,
            };
            let moved = match self.advance(now, wait) {
                Ok(moved) => moved,
                Err(_) if self.drive.has_ended() => return Ok(None),
                Err(error) => return Err(DriverError::Io(error)),
            };
            if moved {
                continue;
            }
            if wait.last_try {
                return Ok(None);
            } else if wait.answer {
                return Err(DriverError::Unanswered);
            } else if wait.write {
                continue;
            } else if wait.upgrade {
                return Err(DriverError::NeedsTls);
            } else if wait.is_for_nothing() {
                return Err(DriverError::Io(io::ErrorKind::UnexpectedEof.into()));
            } else if !wait.read {
                thread::sleep(self.until(wait));
            }
        }
    }

    /// Writes, or reads where there is nothing to write, and a little of both where
    /// the peer does not take what we write; whether anything moved.
    fn advance(&mut self, now: Instant, wait: Wait) -> io::Result<bool> {
        let until = self.until(wait);
        if wait.write {
            // Nor may a peer that does not read keep the caller from answering.
            let patience = match wait.read || wait.answer {
                true => GLANCE,
                false => until,
            };
            if self.write(patience.min(until))? {
                return Ok(true);
            }
            return Ok(wait.read && self.read(now, BLOCK.1)?);
        }
        if self.unflushed {
            self.io.flush()?;
            self.unflushed = false;
        }
        Ok(wait.read && self.read(now, until)?)
    }

    /// How long to block at most.
    fn until(&self, wait: Wait) -> Duration {
        if wait.last_try {
            return GLANCE;
        }
        let left = wait.deadline.map_or(BLOCK.0, |at| at - self.now());
        left.clamp(BLOCK.1, BLOCK.0)
    }

    fn write(&mut self, patience: Duration) -> io::Result<bool> {
        if arm(&mut self.writes, patience) {
            self.io.write_within(self.writes)?;
        }
        match self.io.write(&self.drive.chunk) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                self.drive.chunk.advance(n);
                self.unflushed = true;
                Ok(true)
            }
            Err(error) => unready(error),
        }
    }

    fn read(&mut self, now: Instant, patience: Duration) -> io::Result<bool> {
        if arm(&mut self.reads, patience) {
            self.io.read_within(self.reads)?;
        }
        let room = self.drive.reserve();
        let input = &mut self.drive.input;
        let len = input.len();
        input.resize(len + room, 0);
        let read = self.io.read(input.get_mut(len..).unwrap_or_default());
        input.truncate(len + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(n) => {
                self.drive.arrived(now, n, room);
                Ok(true)
            }
            Err(error) => {
                self.drive.idle();
                unready(error)
            }
        }
    }

    /// Reads and throws away, until the peer is through or the machine's deadline.
    fn linger(&mut self) {
        while self.drive.lingers() {
            let now = self.now();
            self.drive.expire(now);
            let Some((at, _)) = self.drive.machine.deadline() else {
                return;
            };
            let patience = (at - now).clamp(BLOCK.1, BLOCK.0);
            if self.read(now, patience).is_err() {
                return;
            }
            self.drive.discard();
        }
    }
}

/// Sets the timeout anew where the one that is set does not do: it may be shorter by
/// half, for then we only wake once too often, and save a system call per read.
fn arm(set: &mut Duration, wanted: Duration) -> bool {
    let does = *set <= wanted && *set >= wanted / 2;
    if !does {
        *set = wanted;
    }
    !does
}

/// An error that only says that it is not the time yet.
fn unready(error: io::Error) -> io::Result<bool> {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    match error.kind() {
        WouldBlock | TimedOut | Interrupted => Ok(false),
        _ => Err(error),
    }
}

impl<M: Machine, T> Driver<M, T> {
    /// The machine.
    pub fn machine(&self) -> &M {
        &self.drive.machine
    }

    /// The machine, to answer it or give it a command. What that changes is seen by
    /// the next [`Driver::next`].
    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.drive.machine
    }

    /// The transport.
    pub fn io(&self) -> &T {
        &self.io
    }

    /// The time, as the machine is told it.
    pub fn now(&self) -> Instant {
        Instant::new(self.epoch.elapsed())
    }

    /// Gives back transport and machine; bytes on their way are lost.
    pub fn into_parts(self) -> (T, M) {
        (self.io, self.drive.machine)
    }
}

impl<M: Machine, T> fmt::Debug for Driver<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("read", &self.drive.input.len())
            .field("unwritten", &self.drive.chunk.len())
            .finish_non_exhaustive()
    }
}

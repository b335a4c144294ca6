//! A polling driver over a TCP socket of smoltcp, for bare metal. Feature `smoltcp`;
//! no `std`.
//!
//! Poll the interface, then each driver with its socket, then sleep until the interface
//! or a driver wants to be polled:
//!
//! ```
//! # use scop_core::Machine;
//! # use scop_tls_adapters::smoltcp::{Driver, PollError, Turn};
//! # use smoltcp::{iface::{Interface, SocketHandle, SocketSet}, phy::Device, socket::tcp, time::Instant};
//! fn turn<M: Machine>(now: Instant, interface: &mut Interface, device: &mut impl Device,
//!     sockets: &mut SocketSet<'_>, handle: SocketHandle, driver: &mut Driver<M>) -> Result<bool, PollError<M::Error>> {
//!     interface.poll(now, device, sockets);
//!     while let Turn::Event(event) = driver.poll(now, sockets.get_mut(handle))? {
//!         // answer it: driver.machine_mut().accept()
//!     }
//!     // Sleep no longer than the earlier of these.
//!     let _wake = (interface.poll_at(now, sockets), driver.deadline());
//!     Ok(sockets.get::<tcp::Socket<'_>>(handle).is_open())
//! }
//! ```

use core::{fmt, time::Duration};

use ::smoltcp::{
    socket::tcp::{RecvError, Socket, State},
    time::Instant as Time,
};
use bytes::Buf;
use scop_core::{Instant, Machine};
use thiserror::Error;

use crate::drive::{self, Drive};

/// What [`Driver::poll`] has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn<E> {
    /// Look at it, answer it if it wants that, then poll again.
    Event(E),
    /// Nothing can be done before the socket moves or the deadline comes.
    Waiting,
    /// The caller owes the machine an answer. What there is to write was given to the
    /// socket as far as it has room.
    Unanswered,
    /// Over: all was given to the socket, or given up, and the socket was closed. It
    /// still has to send what it holds: poll the interface until it is not open.
    Closed,
}

/// What a driver may end in, where `E` is the error of its machine.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PollError<E> {
    /// The machine ended. Its goodbye was given to the socket, which was closed.
    #[error(transparent)]
    Machine(E),
    /// The connection was reset or aborted, or the socket was never opened.
    #[error("the connection is not open")]
    NotOpen,
    /// The machine is ready for TLS, and nobody does it: wrap it in
    /// [`Tls`](crate::Tls).
    #[error("STARTTLS was agreed on, but this machine is not inside a Tls layer")]
    NeedsTls,
}

/// A machine on a TCP socket that is passed in with each call.
///
/// The socket may still be connecting, or listening. Times are those of smoltcp;
/// before its zero there is none.
pub struct Driver<M: Machine> {
    drive: Drive<M>,
    over: bool,
}

impl<M: Machine> Driver<M> {
    /// Drives `machine`. Nothing happens before [`Driver::poll`].
    pub fn new(machine: M) -> Self {
        let over = false;
        Driver {
            drive: Drive::new(machine),
            over,
        }
    }

    /// Moves what can be moved at `now`, up to the next event. Never blocks; free to
    /// call again with nothing new. Always with the same socket.
    ///
    /// # Errors
    ///
    /// What ended the machine or the connection. Later calls give the same.
    pub fn poll(
        &mut self,
        now: Time,
        socket: &mut Socket<'_>,
    ) -> Result<Turn<M::Event>, PollError<M::Error>> {
        let now = from_smoltcp(now);
        loop {
            if self.over {
                return match self.drive.result() {
                    Ok(()) => Ok(Turn::Closed),
                    Err(error) => Err(PollError::Machine(error)),
                };
            }
            // An unopened socket has no conversation on it, so no clock runs either.
            if matches!(
                socket.state(),
                State::Listen | State::SynSent | State::SynReceived
            ) {
                return Ok(Turn::Waiting);
            }
            let wait = match self.drive.turn(now) {
                drive::Turn::Event(event) => return Ok(Turn::Event(event)),
                drive::Turn::Over => {
                    self.finish(socket);
                    continue;
                }
                drive::Turn::Wait(wait) => wait,
            };
            let written = wait.write && self.write(socket);
            let moved = match wait.read {
                true => self.read(now, socket).map(|read| written | read),
                false => Ok(written),
            };
            let gone = moved.is_err() || (wait.write && !written && !socket.may_send());
            match moved {
                Ok(true) if !gone => {}
                _ if self.drive.has_ended() && (gone || wait.last_try) => self.finish(socket),
                _ if gone || wait.is_for_nothing() => return Err(PollError::NotOpen),
                _ if wait.answer => return Ok(Turn::Unanswered),
                _ if wait.upgrade && !wait.write => return Err(PollError::NeedsTls),
                _ => return Ok(Turn::Waiting),
            }
        }
    }

    fn write(&mut self, socket: &mut Socket<'_>) -> bool {
        let sent = socket.send_slice(&self.drive.chunk).unwrap_or(0);
        self.drive.chunk.advance(sent);
        sent > 0
    }

    /// Takes what arrived; whether anything did, the end of it included. `Err` when
    /// nothing can arrive any more, and that is no end.
    fn read(&mut self, now: Instant, socket: &mut Socket<'_>) -> Result<bool, ()> {
        let room = self.drive.reserve();
        let input = &mut self.drive.input;
        let received = socket.recv(|bytes| {
            let n = bytes.len().min(room);
            input.extend_from_slice(bytes.get(..n).unwrap_or_default());
            (n, n)
        });
        match received {
            Ok(0) => {
                self.drive.idle();
                Ok(false)
            }
            Ok(n) => {
                self.drive.arrived(now, n, room);
                Ok(true)
            }
            Err(RecvError::Finished) => {
                self.drive.arrived(now, 0, room);
                Ok(true)
            }
            Err(RecvError::InvalidState) => Err(()),
        }
    }

    fn finish(&mut self, socket: &mut Socket<'_>) {
        socket.close();
        self.over = true;
    }

    /// When to poll again, though nothing moved.
    pub fn deadline(&self) -> Option<Time> {
        let (at, _) = self.drive.machine.deadline().filter(|_| !self.over)?;
        let micros = i64::try_from(at.since_epoch().as_nanos().div_ceil(1000)).ok()?;
        Some(Time::from_micros(micros))
    }

    /// The machine.
    pub fn machine(&self) -> &M {
        &self.drive.machine
    }

    /// The machine, to answer it or give it a command. What that changes is seen by
    /// the next [`Driver::poll`].
    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.drive.machine
    }

    /// Gives back the machine; bytes on their way are lost.
    pub fn into_machine(self) -> M {
        self.drive.machine
    }
}

/// The time, as a machine is told it.
fn from_smoltcp(time: Time) -> Instant {
    let micros = u64::try_from(time.total_micros()).unwrap_or(0);
    Instant::new(Duration::from_micros(micros))
}

impl<M: Machine> fmt::Debug for Driver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("read", &self.drive.input.len())
            .field("unwritten", &self.drive.chunk.len())
            .finish_non_exhaustive()
    }
}

//! An asynchronous driver over any `AsyncRead + AsyncWrite` of tokio. Feature
//! `tokio`.
//!
//! ```
//! use scop_tls_adapters::{Tls, tokio::Driver};
//! # use scop_core::*;
//! # use bytes::{Buf, Bytes, BytesMut};
//! # #[derive(Default)] struct Greeter { told: bool, over: bool }
//! # impl Machine for Greeter {
//! #     type Event = u8; type Error = Fault;
//! #     fn read(&mut self, _: Instant, input: &mut BytesMut) -> Result<Next<u8>, Fault> {
//! #         if !input.is_empty() { return Ok(Next::Event(input.get_u8())) }
//! #         Ok(if self.over { Next::Closed } else { Next::NeedInput })
//! #     }
//! #     fn read_closed(&mut self, _: Instant) { self.over = true }
//! #     fn transmit(&mut self, _: Instant) -> Option<Bytes> {
//! #         (!std::mem::replace(&mut self.told, true)).then(|| Bytes::from_static(b"hello"))
//! #     }
//! #     fn deadline(&self) -> Option<(Instant, Timer)> { None }
//! #     fn expire(&mut self, _: Instant) {}
//! #     fn upgraded(&mut self, _: Instant, _: Channel) {}
//! # }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (ours, theirs) = tokio::io::duplex(64);
//! # let peer = tokio::spawn(async move {
//! #     use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! #     let (mut theirs, mut said) = (theirs, [0; 5]);
//! #     theirs.write_all(b"!").await.unwrap();
//! #     theirs.read_exact(&mut said).await.unwrap();
//! #     said
//! # });
//! let mut driver = Driver::new(ours, Tls::plain(Greeter::default()));
//! while let Some(event) = driver.next().await? {
//!     // answer it: driver.machine_mut().accept()
//!     assert_eq!(event, b'!');
//! }
//! # assert_eq!(&peer.await?, b"hello");
//! # Ok(()) }
//! ```

use alloc::boxed::Box;
use core::{
    fmt,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};
use std::io;

use ::tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::{Instant as Time, Sleep, sleep_until},
};
use bytes::Buf;
use scop_core::{Instant, Machine};

use crate::{
    DriverError, NextEvent,
    drive::{Drive, Turn, Wait},
};

/// A machine on a byte stream.
///
/// Wants a runtime with its time enabled. Time is counted from when the driver was
/// made.
pub struct Driver<M: Machine, T> {
    drive: Drive<M>,
    io: T,
    epoch: Time,
    timer: Option<Pin<Box<Sleep>>>,
    unflushed: bool,
    phase: Phase,
}

#[derive(Clone, Copy)]
enum Phase {
    Running,
    /// All is written: tell the transport.
    Closing,
    /// Read and throw away what the peer still writes.
    Lingering,
    Over,
    Failed(io::ErrorKind),
}

impl<M: Machine, T: AsyncRead + AsyncWrite + Unpin> Driver<M, T> {
    /// Drives `machine` over `io`. Nothing happens before [`Driver::next`].
    pub fn new(io: T, machine: M) -> Self {
        Driver {
            drive: Drive::new(machine),
            io,
            epoch: Time::now(),
            timer: None,
            unflushed: false,
            phase: Phase::Running,
        }
    }

    /// The next event. `None` is the end: the machine is closed, all it had to say
    /// was written, or given up at its deadline, and the transport was shut down.
    ///
    /// While the caller owes the machine an answer it writes, keeps the timers, and
    /// pends: answer before, or `select!` between this and your answer.
    ///
    /// # Cancel safety
    ///
    /// May be dropped at any await and called again: nothing is lost.
    ///
    /// # Errors
    ///
    /// What ended the machine, after its goodbye left; or what the transport failed
    /// with. Later calls give the same.
    pub async fn next(&mut self) -> NextEvent<M> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`Driver::next`] for a future of your own.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<NextEvent<M>> {
        let result = loop {
            match self.phase {
                Phase::Running => match ready!(self.poll_turn(cx)) {
                    Ok(Some(event)) => return Poll::Ready(Ok(Some(event))),
                    Ok(None) => self.phase = Phase::Closing,
                    Err(error) => break Err(error),
                },
                Phase::Closing => {
                    // The peer may be gone already: that is no error any more.
                    let _ = ready!(self.poll_until_abandoned(cx, |io, _, cx| io.poll_shutdown(cx)));
                    self.phase = match self.drive.lingers() {
                        true => Phase::Lingering,
                        false => Phase::Over,
                    };
                }
                Phase::Lingering => {
                    let read = self.poll_until_abandoned(cx, |mut io, drive, cx| {
                        drive.discard();
                        drive.reserve();
                        pin!(io.read_buf(&mut drive.input)).poll(cx)
                    });
                    let more = matches!(ready!(read), Some(Ok(n)) if n > 0);
                    self.drive.discard();
                    if !more || !self.drive.lingers() {
                        self.phase = Phase::Over;
                    }
                }
                Phase::Over => break self.drive.result().map_err(DriverError::Machine),
                Phase::Failed(kind) => break Err(DriverError::Io(kind.into())),
            }
        };
        if let Err(DriverError::Io(error)) = &result {
            self.phase = Phase::Failed(error.kind());
        }
        Poll::Ready(result.map(|()| None))
    }

    /// Turns until there is an event, or the machine is through with all.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<NextEvent<M>> {
        loop {
            let now = self.now();
            let wait = match self.drive.turn(now) {
                Turn::Event(event) => return Poll::Ready(Ok(Some(event))),
                Turn::Over => return Poll::Ready(Ok(None)),
                Turn::Wait(wait) => wait,
            };
            match self.poll_move(cx, now, wait) {
                Ok(true) => continue,
                Err(error) if !self.drive.has_ended() => {
                    return Poll::Ready(Err(DriverError::Io(error)));
                }
                Err(_) => return Poll::Ready(Ok(None)),
                Ok(false) if wait.last_try => return Poll::Ready(Ok(None)),
                Ok(false) => {}
            }
            if wait.upgrade && !wait.write {
                return Poll::Ready(Err(DriverError::NeedsTls));
            }
            if wait.is_for_nothing() {
                let kind = io::ErrorKind::UnexpectedEof;
                return Poll::Ready(Err(DriverError::Io(kind.into())));
            }
            ready!(self.poll_timer(cx, wait.deadline));
        }
    }

    /// Writes and reads what can be at once; whether anything moved.
    fn poll_move(&mut self, cx: &mut Context<'_>, now: Instant, wait: Wait) -> io::Result<bool> {
        let mut moved = false;
        let io = Pin::new(&mut self.io);
        if wait.write {
            match io.poll_write(cx, &self.drive.chunk)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(n) => {
                    self.drive.chunk.advance(n);
                    self.unflushed = true;
                    moved = true;
                }
                Poll::Pending => {}
            }
        } else if self.unflushed && io.poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        if wait.read {
            let room = self.drive.reserve();
            let read = pin!(self.io.read_buf(&mut self.drive.input)).poll(cx)?;
            match read {
                Poll::Ready(n) => {
                    self.drive.arrived(now, n, room);
                    moved = true;
                }
                Poll::Pending => self.drive.idle(),
            }
        }
        Ok(moved)
    }

    /// Ready once `deadline` is there.
    fn poll_timer(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>) -> Poll<()> {
        let Some(deadline) = deadline else {
            return Poll::Pending;
        };
        // A time that cannot be told never comes.
        let Some(at) = self.epoch.checked_add(deadline.since_epoch()) else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        // One that is set too early wakes us for nothing; that is cheaper than to set
        // it anew for every command.
        if timer.deadline() > at || timer.is_elapsed() {
            timer.as_mut().reset(at);
        }
        while timer.deadline() < at {
            ready!(timer.as_mut().poll(cx));
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx)
    }

    /// Polls `act` until the machine's deadline lets go: then `None`.
    fn poll_until_abandoned<O>(
        &mut self,
        cx: &mut Context<'_>,
        mut act: impl FnMut(Pin<&mut T>, &mut Drive<M>, &mut Context<'_>) -> Poll<O>,
    ) -> Poll<Option<O>> {
        loop {
            let now = self.now();
            self.drive.expire(now);
            let Some((deadline, _)) = self.drive.machine.deadline() else {
                let once = act(Pin::new(&mut self.io), &mut self.drive, cx);
                return Poll::Ready(match once {
                    Poll::Ready(output) => Some(output),
                    Poll::Pending => None,
                });
            };
            if let Poll::Ready(output) = act(Pin::new(&mut self.io), &mut self.drive, cx) {
                return Poll::Ready(Some(output));
            }
            ready!(self.poll_timer(cx, Some(deadline)));
        }
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

//! The laws of the contract as functions to call on your own machines, and a
//! simulated network to run two of them against each other. Feature `testkit`.
//!
//! A machine alone does nothing with its events; a [`Peer`] is a machine together
//! with the caller that reacts to them. From there:
//!
//! | call | what it proves |
//! |---|---|
//! | [`splits`] | law 1: any chunking of the input gives the same events, output and end |
//! | [`progress`] | law 2: a call with nothing new changes nothing, and no input makes the machine spin |
//! | [`bounds`] | law 3: an endless stream is stopped or used up, not hoarded |
//! | [`backpressure`] | law 4: nobody reads the output, so the machine stops, and goes on where it was |
//! | [`sticky`] | law 5: the error stays, and the goodbye still leaves |
//! | [`truncation`] | law 6: the end of input never completes anything |
//! | [`deterministic`] | law 7: the same calls give the same answers, whatever the epoch |
//! | [`injection`] | law 8: a plaintext byte behind the STARTTLS go-ahead is fatal |
//! | [`pair`], [`netsim`] | two machines talk over a link with latency, fragments, stalls and cuts |
//! | [`converse`] | a `C:`/`S:` transcript holds to the letter |
//!
//! Each of these panics with what it saw; they are meant for tests. Laws 9 and 10
//! (smuggling, injection by value) speak of one protocol's bytes and live in its crate.
//!
//! ```
//! # use bytes::{Buf, Bytes, BytesMut};
//! # use scop_core::*;
//! # #[derive(Default)] struct Echo { out: Outbox, closed: bool }
//! # impl Machine for Echo {
//! #     type Event = u8; type Error = Fault;
//! #     fn read(&mut self, _: Instant, input: &mut BytesMut) -> Result<Next<u8>, Fault> {
//! #         if !input.is_empty() { let b = input.get_u8(); self.out.push(&[b]); return Ok(Next::Event(b)) }
//! #         Ok(if self.closed { Next::Closed } else { Next::NeedInput })
//! #     }
//! #     fn read_closed(&mut self, _: Instant) { self.closed = true }
//! #     fn transmit(&mut self, _: Instant) -> Option<Bytes> { self.out.pop() }
//! #     fn deadline(&self) -> Option<(Instant, Timer)> { None }
//! #     fn expire(&mut self, _: Instant) {}
//! #     fn upgraded(&mut self, _: Instant, _: Channel) {}
//! # }
//! use scop_core::testkit::{splits, Note, Peer};
//!
//! let make = || Peer::new(Echo::default(), |_machine, _now, byte: u8| Note::data(&[byte]));
//! let outcome = splits(make, b"any chunking gives the same");
//! assert_eq!(outcome.output, b"any chunking gives the same");
//! ```

mod laws;
mod netsim;
mod run;
mod script;

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::fmt;

use crate::{Instant, Machine};

pub use laws::{
    backpressure, bounds, deterministic, injection, progress, splits, sticky, truncation,
};
pub use netsim::{Cut, Direction, Link, Sim, netsim, pair};
pub use run::{End, Outcome, Stream, run};
pub use script::{Side, converse};

/// What a caller wrote down about an event: what two runs are compared by.
#[derive(Clone, PartialEq, Eq)]
pub enum Note {
    /// An event, in words.
    Event(String),
    /// A piece of bulk data. Adjacent pieces are merged: their borders mean nothing.
    Data(Vec<u8>),
    /// An event that may differ between runs (`Room`); not compared.
    Silent,
}

impl Note {
    /// An event by its `Debug` form.
    pub fn event(event: &impl fmt::Debug) -> Note {
        Note::Event(format!("{event:?}"))
    }

    /// A piece of bulk data.
    #[must_use]
    pub fn data(bytes: &[u8]) -> Note {
        Note::Data(bytes.to_vec())
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Event(text) => f.write_str(text),
            Note::Data(bytes) => write!(f, "{} bytes of data: {}", bytes.len(), excerpt(bytes)),
            Note::Silent => f.write_str("(silent)"),
        }
    }
}

type OnEvent<'a, M> = Box<dyn FnMut(&mut M, Instant, <M as Machine>::Event) -> Note + 'a>;
type AtRest<'a, M> = Box<dyn FnMut(&mut M, Instant) -> bool + 'a>;

/// A machine and the caller that drives it.
pub struct Peer<'a, M: Machine> {
    /// The machine.
    pub machine: M,
    on_event: OnEvent<'a, M>,
    at_rest: AtRest<'a, M>,
}

impl<'a, M: Machine> Peer<'a, M> {
    /// `on_event` reacts to each event (answers it, sends the next command) and
    /// says what to write down. What it does may depend on events only: not on
    /// the time nor on how often it was called.
    pub fn new(
        machine: M,
        on_event: impl FnMut(&mut M, Instant, M::Event) -> Note + 'a,
    ) -> Peer<'a, M> {
        Peer {
            machine,
            on_event: Box::new(on_event),
            at_rest: Box::new(|_, _| false),
        }
    }

    /// `act` is called whenever the machine waits for input, before it gets any:
    /// the place to send a first command. It says whether it did something.
    #[must_use]
    pub fn at_rest(mut self, act: impl FnMut(&mut M, Instant) -> bool + 'a) -> Self {
        self.at_rest = Box::new(act);
        self
    }

    fn note(&mut self, now: Instant, event: M::Event) -> Note {
        (self.on_event)(&mut self.machine, now, event)
    }

    fn rest(&mut self, now: Instant) -> bool {
        (self.at_rest)(&mut self.machine, now)
    }
}

/// A little seeded random number generator (splitmix64), so that a failing run
/// can be had again from its seed.
#[derive(Clone, Debug)]
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..n`; 0 for an `n` of 0.
    fn below(&mut self, n: usize) -> usize {
        self.next()
            .checked_rem(n as u64)
            .map_or(0, |r| usize::try_from(r).unwrap_or(0))
    }
}

/// The start of `bytes`, escaped, for messages.
fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 160;
    let end = bytes.len().min(SHOWN);
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    format!("\"{}\"{more}", bytes[..end].escape_ascii())
}

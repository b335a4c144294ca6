#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod contract;
mod fault;
mod framing;
mod limits;
mod outbox;

pub use contract::{Channel, Instant, Machine, Next, Pause, Timer};
pub use fault::{Fault, LimitExceeded, Misuse, TimedOut, Violation};
pub use framing::{Counted, Ending, LineScanner, Scan, take};
pub use limits::{Budget, Pace};
pub use outbox::Outbox;

#[cfg(feature = "testkit")]
pub mod testkit;

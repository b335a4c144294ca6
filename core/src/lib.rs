//! The contract of scop's mail protocol machines: bytes in, bytes and events out, no I/O
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

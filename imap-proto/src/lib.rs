//! IMAP4rev1: client and server machines without I/O
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

//! TLS as a machine around a machine, and drivers for std sockets, tokio and smoltcp
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

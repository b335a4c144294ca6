#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
pub mod blocking;
mod config;
#[cfg(any(feature = "std", feature = "smoltcp"))]
mod drive;
mod error;
mod observe;
mod session;
#[cfg(feature = "smoltcp")]
pub mod smoltcp;
mod tls;
#[cfg(feature = "tokio")]
pub mod tokio;

pub use config::{
    ClientConfig, Handshake, Identity, Limits, Provider, Roots, ServerConfig, WallClock,
};
pub use error::{AlertReceived, CertificateFault, ConfigError, TlsError};
#[cfg(feature = "std")]
pub use error::{DriverError, NextEvent};
pub use tls::{HANDSHAKE, LINGER, Tls};

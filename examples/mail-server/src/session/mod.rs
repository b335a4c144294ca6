//! One connection, from its greeting to its end.

mod checks;
mod imap;
mod incoming;
mod smtp;
mod trace;

pub(crate) use checks::{Checking, Enforcement};
pub(crate) use imap::serve as serve_imap;
pub(crate) use smtp::{Role, serve as serve_smtp};

use scop_core::Fault;
use scop_tls_adapters::{DriverError, TlsError};

/// What ended a connection, for the log: the peer's doing, mostly.
pub(crate) type Ended = DriverError<TlsError<Fault>>;

//! How a run ends: one line on standard error and a code of sysexits.h.

use std::{
    fmt::Display,
    io::{self, Write as _},
    process::ExitCode,
};

use scop_core::Fault;
use scop_smtp_proto::ClientError;
use scop_tls_adapters::{DriverError, TlsError};

use crate::mime::printable;

/// The codes of sysexits.h that are used here.
pub(crate) mod code {
    pub(crate) const OK: u8 = 0;
    /// `mime --strict` found a defect: not of sysexits.h.
    pub(crate) const DEFECT: u8 = 1;
    pub(crate) const USAGE: u8 = 64;
    pub(crate) const DATA: u8 = 65;
    pub(crate) const NO_INPUT: u8 = 66;
    pub(crate) const NO_HOST: u8 = 68;
    pub(crate) const UNAVAILABLE: u8 = 69;
    pub(crate) const IO: u8 = 74;
    pub(crate) const TEMPORARY: u8 = 75;
    pub(crate) const PROTOCOL: u8 = 76;
    pub(crate) const NO_PERMISSION: u8 = 77;
    pub(crate) const CONFIG: u8 = 78;
    /// As shells have it for SIGINT.
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// Lines on standard error, without control characters: a name, a reply or a record in them may
/// be a stranger's. Nobody may be left to read it; the exit code still says how it went.
pub(crate) fn tell(lines: impl Display) {
    for line in lines.to_string().split('\n') {
        let _ = writeln!(io::stderr(), "{}", printable(line));
    }
}

/// Why it did not work.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(crate) fn new(code: u8, message: impl Display) -> Failure {
        Failure {
            code,
            message: message.to_string(),
        }
    }

    /// What reading or writing `name` failed with.
    pub(crate) fn io(name: &str, error: &io::Error) -> Failure {
        let code = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => code::NO_INPUT,
            _ => code::IO,
        };
        Failure::new(code, format_args!("{name}: {error}"))
    }

    /// The same, of another kind.
    pub(crate) fn with_code(self, code: u8) -> Failure {
        Failure { code, ..self }
    }

    /// What ended a connection.
    pub(crate) fn connection<E: Ended>(error: &DriverError<TlsError<E>>) -> Failure {
        let (code, help) = match error {
            DriverError::Io(_) => (code::UNAVAILABLE, ""),
            DriverError::Machine(TlsError::Machine(e)) => (e.code(), e.help()),
            DriverError::Machine(TlsError::Fault(fault)) => (fault.code(), fault.help()),
            DriverError::Machine(TlsError::Certificate(_)) => (
                code::PROTOCOL,
                "; if you know it to be right, trust it with --ca FILE",
            ),
            _ => (code::PROTOCOL, ""),
        };
        Failure::new(code, format_args!("{error}{help}"))
    }

    pub(crate) fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            tell(format_args!("scop: {}", self.message));
        }
        ExitCode::from(self.code)
    }
}

/// What a protocol's error means to the one who started the command.
pub(crate) trait Ended: Display {
    fn code(&self) -> u8;
    /// What to do, to be read behind the error.
    fn help(&self) -> &'static str {
        ""
    }
}

impl Ended for Fault {
    fn code(&self) -> u8 {
        match self {
            Fault::TimedOut(_) | Fault::Truncated { .. } => code::TEMPORARY,
            _ => code::PROTOCOL,
        }
    }
}

impl Ended for scop_imap_proto::client::Error {
    fn code(&self) -> u8 {
        match self {
            Self::Fault(fault) => fault.code(),
            _ => code::PROTOCOL,
        }
    }

    fn help(&self) -> &'static str {
        match self {
            Self::NoStartTls => "; --tls none sends everything in the clear",
            _ => "",
        }
    }
}

impl Ended for ClientError {
    fn code(&self) -> u8 {
        match self {
            ClientError::Fault(fault) => fault.code(),
            ClientError::Refused { reply, .. } | ClientError::StartTlsRefused(reply)
                if reply.is_transient() =>
            {
                code::TEMPORARY
            }
            ClientError::Refused { .. } => code::UNAVAILABLE,
            _ => code::PROTOCOL,
        }
    }

    fn help(&self) -> &'static str {
        match self {
            ClientError::NoStartTls => "; --tls none sends everything in the clear",
            _ => "",
        }
    }
}

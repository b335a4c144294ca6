//! How a run ends: one line on standard error and a code of sysexits.h.

use std::{fmt::Display, io, process::ExitCode};

/// The codes of sysexits.h that are used here.
pub(crate) mod code {
    pub(crate) const OK: u8 = 0;
    pub(crate) const USAGE: u8 = 64;
    pub(crate) const DATA: u8 = 65;
    pub(crate) const NO_INPUT: u8 = 66;
    pub(crate) const IO: u8 = 74;
    pub(crate) const TEMPORARY: u8 = 75;
    pub(crate) const CONFIG: u8 = 78;
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

    pub(crate) fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            eprintln!("scop: {}", self.message);
        }
        ExitCode::from(self.code)
    }
}

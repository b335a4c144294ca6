//! How the program ends when it cannot go on: one line, and a code of
//! `sysexits.h` that a script can tell apart.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use crate::store::OpenError;

/// Why the server did not start, or stopped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    pub(crate) message: String,
}

/// Wrong arguments.
pub(crate) const USAGE: u8 = 64;
/// A file whose content is wrong.
pub(crate) const DATA: u8 = 65;
/// A file that is not there.
pub(crate) const NO_INPUT: u8 = 66;
/// Something needed is taken: an address, a directory.
pub(crate) const UNAVAILABLE: u8 = 69;
/// A fault of this program, or of what it builds on.
pub(crate) const SOFTWARE: u8 = 70;
/// Reading or writing failed.
pub(crate) const IO: u8 = 74;
/// Not allowed.
pub(crate) const NO_PERMISSION: u8 = 77;

impl Failure {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Failure {
            code,
            message: message.into(),
        }
    }

    /// A file could not be read or written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound => NO_INPUT,
            io::ErrorKind::PermissionDenied => NO_PERMISSION,
            _ => IO,
        };
        Failure::new(code, format!("{}: {error}", path.display()))
    }

    /// Says it on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        // Nobody may be left to read it; the code still says how it went.
        let _ = writeln!(io::stderr(), "mail-server: {}", self.message);
        ExitCode::from(self.code)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let code = match &error {
            OpenError::InUse(_) => UNAVAILABLE,
            OpenError::Foreign(_) | OpenError::Version { .. } | OpenError::Damaged { .. } => DATA,
            OpenError::Io { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
                NO_PERMISSION
            }
            OpenError::Io { .. } => IO,
        };
        Failure::new(code, error.to_string())
    }
}

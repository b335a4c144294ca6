//! How far long work is: one line on standard error, where that is a terminal.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

/// A line that is written over and over, and gone at the end.
pub(crate) struct Progress {
    what: &'static str,
    total: Option<u64>,
    done: u64,
    shown: Option<Instant>,
    terminal: bool,
}

impl Progress {
    /// Begins `what`, of `total` bytes if that is known.
    pub(crate) fn new(what: &'static str, total: Option<u64>) -> Progress {
        Progress {
            what,
            total,
            done: 0,
            shown: None,
            terminal: stderr().is_terminal(),
        }
    }

    /// `bytes` more are done.
    pub(crate) fn add(&mut self, bytes: usize) {
        const PAUSE: Duration = Duration::from_millis(100);
        self.done += bytes as u64;
        if !self.terminal || self.shown.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        self.shown = Some(Instant::now());
        let line = match self.total {
            Some(total) if total > 0 => format!(
                "{}: {:3} % of {} KiB",
                self.what,
                self.done.saturating_mul(100) / total,
                total.div_ceil(1024)
            ),
            _ => format!("{}: {} KiB", self.what, self.done.div_ceil(1024)),
        };
        let _ = write!(stderr(), "\r\x1b[K{line}");
        let _ = stderr().flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

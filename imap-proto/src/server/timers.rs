//! All the clocks of a connection. Time that is not the client's fault (the caller
//! took it) does not count for any of them.

use scop_core::{Instant, Pace, Timer};

use super::ServerLimits;

pub(super) const LOGIN: Timer = Timer("IMAP login");
pub(super) const IDLE: Timer = Timer("IMAP idle");
pub(super) const PACE: Timer = Timer("IMAP minimum rate");
pub(super) const WRITE: Timer = Timer("IMAP client does not read");
pub(super) const LINGER: Timer = Timer("IMAP goodbye");

#[derive(Debug)]
pub(super) struct Timers {
    /// When the connection began, until somebody is logged in.
    login: Option<Instant>,
    /// The last command.
    idle: Option<Instant>,
    /// A command or message under way.
    pace: Pace,
    paced: bool,
    /// Since when what was handed out last is not known to be written.
    write: Option<Instant>,
    /// When the goodbye was said.
    linger: Option<Instant>,
    /// The last time anybody told the time, and whether the client was waited for.
    last: Instant,
    waiting: bool,
}

impl Timers {
    pub(super) fn new(limits: &ServerLimits) -> Self {
        Timers {
            login: None,
            idle: None,
            pace: Pace::new(limits.grace, limits.bytes_per_second),
            paced: false,
            write: None,
            linger: None,
            last: Instant::ZERO,
            waiting: false,
        }
    }

    pub(super) fn start(&mut self, now: Instant, logged_in: bool) {
        self.login = (!logged_in).then_some(now);
        self.idle = Some(now);
        self.last = now;
    }

    /// A call of `read` begins; since the last one, the client was waited for only
    /// if that said so.
    pub(super) fn begin(&mut self, now: Instant) {
        if !self.waiting {
            let taken = now - self.last;
            self.pace.excuse(taken);
            self.idle = self.idle.map(|at| at + taken);
            self.login = self.login.map(|at| at + taken);
        }
        self.last = now;
    }

    /// A call of `read` ends.
    pub(super) fn end(&mut self, now: Instant, waiting: bool, unsent: bool) {
        self.waiting = waiting;
        if unsent && self.write.is_none() {
            self.write = Some(now);
        }
    }

    pub(super) fn transmitted(&mut self, now: Instant, chunk: bool) {
        self.write = chunk.then_some(now);
    }

    pub(super) fn logged_in(&mut self) {
        self.login = None;
    }

    /// A whole command came.
    pub(super) fn command(&mut self, now: Instant) {
        self.idle = Some(now);
        self.rest();
    }

    /// More of what is under way came.
    pub(super) fn moved(&mut self, now: Instant, bytes: usize) {
        if !self.paced {
            self.paced = true;
            self.pace.start(now);
        }
        self.pace.moved(bytes);
        if bytes > 0 {
            self.idle = Some(now);
        }
    }

    /// Nothing is under way.
    pub(super) fn rest(&mut self) {
        self.paced = false;
        self.pace.stop();
    }

    /// The goodbye is said; only it counts from now on.
    pub(super) fn over(&mut self, now: Instant) {
        if self.linger.is_none() {
            self.linger = Some(now);
        }
    }

    /// Nothing is waited for any more.
    pub(super) fn abandon(&mut self) {
        self.write = None;
    }

    /// The next to run out. `owing`: the caller owes an answer, so the client is not
    /// waited for.
    pub(super) fn next(&self, limits: &ServerLimits, owing: bool) -> Option<(Instant, Timer)> {
        if let Some(at) = self.linger {
            return (self.write.map(|_| at + limits.linger)).map(|at| (at, LINGER));
        }
        let write = self.write.map(|at| (at + limits.write_timeout, WRITE));
        let client = [
            self.login.map(|at| (at + limits.login_timeout, LOGIN)),
            self.idle.map(|at| (at + limits.idle_timeout, IDLE)),
            self.pace.deadline().map(|at| (at, PACE)),
        ];
        let client = client
            .into_iter()
            .filter(|_| self.waiting && !owing)
            .flatten();
        client.chain(write).min_by_key(|(at, _)| *at)
    }
}

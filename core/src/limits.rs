//! Bounds on what a peer may cost. Each protocol has its own `Limits`; what they
//! share is here: counting up to a limit, and a least speed.

use core::time::Duration;

use crate::{Instant, LimitExceeded};

/// Counts something the peer does, up to a limit.
///
/// ```
/// use scop_core::Budget;
///
/// let mut recipients = Budget::new("recipients", 2);
/// assert!(recipients.spend(1, 0).is_ok() && recipients.spend(1, 0).is_ok());
/// let error = recipients.spend(1, 99).unwrap_err();
/// assert_eq!(error.to_string(), "more than 2 recipients at byte 99; raise the limit to allow it");
/// recipients.reset();
/// assert_eq!(recipients.left(), 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    what: &'static str,
    limit: u64,
    spent: u64,
}

impl Budget {
    /// A budget of `limit` of `what` (a phrase with its unit, for the error).
    #[must_use]
    pub const fn new(what: &'static str, limit: u64) -> Self {
        Budget {
            what,
            limit,
            spent: 0,
        }
    }

    /// Takes `n` of it.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded`] when less than `n` was left. The budget is then used up:
    /// it does not come back for a smaller wish.
    pub fn spend(&mut self, n: u64, offset: u64) -> Result<(), LimitExceeded> {
        self.spent = self.spent.saturating_add(n);
        if self.spent > self.limit {
            return Err(LimitExceeded {
                what: self.what,
                limit: self.limit,
                offset,
            });
        }
        Ok(())
    }

    /// How much is left.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.limit.saturating_sub(self.spent)
    }

    /// How much was spent.
    #[must_use]
    pub const fn spent(&self) -> u64 {
        self.spent
    }

    /// Starts over.
    pub fn reset(&mut self) {
        self.spent = 0;
    }
}

/// A least speed for a stream: a peer that sends one byte in four minutes keeps
/// every idle timer happy and a connection for ever; it does not keep this.
///
/// The stream may last `grace` and, on top, as long as its bytes so far take at
/// `bytes_per_second`. The deadline moves only as bytes arrive.
///
/// ```
/// use core::time::Duration;
/// use scop_core::{Instant, Pace};
///
/// let mut pace = Pace::new(Duration::from_secs(60), 100);
/// pace.start(Instant::ZERO);
/// assert_eq!(pace.deadline(), Some(Instant::from_secs(60)));
/// pace.moved(1000);
/// assert_eq!(pace.deadline(), Some(Instant::from_secs(70)));
/// pace.stop();
/// assert_eq!(pace.deadline(), None);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    grace: Duration,
    bytes_per_second: u32,
    started: Option<Instant>,
    bytes: u64,
}

impl Pace {
    /// A pace of `bytes_per_second` after `grace`; 0 asks for no speed at all and
    /// never runs out.
    #[must_use]
    pub const fn new(grace: Duration, bytes_per_second: u32) -> Self {
        Pace {
            grace,
            bytes_per_second,
            started: None,
            bytes: 0,
        }
    }

    /// A stream begins.
    pub fn start(&mut self, now: Instant) {
        self.started = Some(now);
        self.bytes = 0;
    }

    /// `bytes` of it arrived.
    pub fn moved(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Time that was not the peer's fault (the caller took long to store a chunk)
    /// does not count.
    pub fn excuse(&mut self, time: Duration) {
        self.started = self.started.map(|s| s + time);
    }

    /// The stream is over.
    pub fn stop(&mut self) {
        self.started = None;
    }

    /// When the stream is too slow, if it runs.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let started = self.started?;
        let rate = u64::from(self.bytes_per_second);
        let millis = self.bytes.saturating_mul(1000).checked_div(rate)?;
        Some(started + self.grace + Duration::from_millis(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_that_was_overdrawn_stays_overdrawn() {
        let mut b = Budget::new("errors", 10);
        assert!(b.spend(11, 0).is_err());
        assert!(b.spend(1, 0).is_err());
        assert_eq!(b.left(), 0);
        assert!(b.spend(u64::MAX, 0).is_err());
        assert_eq!(b.spent(), u64::MAX);
    }

    #[test]
    fn a_pace_of_zero_never_runs_out_and_no_amount_overflows() {
        let mut never = Pace::new(Duration::from_secs(1), 0);
        never.start(Instant::ZERO);
        assert_eq!(never.deadline(), None);
        let mut p = Pace::new(Duration::MAX, 1);
        p.start(Instant::new(Duration::MAX));
        p.moved(usize::MAX);
        assert_eq!(p.deadline(), Some(Instant::new(Duration::MAX)));
    }

    #[test]
    fn excused_time_moves_the_deadline() {
        let mut p = Pace::new(Duration::from_secs(10), 1);
        p.start(Instant::ZERO);
        p.excuse(Duration::from_secs(5));
        assert_eq!(p.deadline(), Some(Instant::from_secs(15)));
    }
}

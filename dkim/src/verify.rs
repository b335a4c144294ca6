//! Verifying: RFC 6376 section 6.
//!
//! ```text
//!             write            write              finish
//!   Verifier: header --------> body --------------------> Verification
//!                 | empty line   ^ |                          ^ |
//!                 v              | v                          | v
//!             signatures     answer, next_query           answer, next_query
//! ```
//!
//! Queries are there once the header is complete, and may be answered while
//! the body passes, or after. An outcome does not depend on when: a signature
//! is judged when its body hash and its key are both known. A broken body is
//! known to fail without the key, so its key is then no longer asked for.

use alloc::vec::Vec;
use core::fmt;

use crate::evaluate::Evaluation;
use crate::limits::{LimitExceeded, Limits};
use crate::message::{BodyHash, BodyKind};
use crate::outcome::{Coverage, DkimResult, Outcome};
use crate::pass::Pass;
use crate::policy::Policy;
use crate::query::{DnsError, Misuse, Query, QueryId, Records};

/// Verifies the signatures of one message while it streams by.
///
/// The message comes in pieces of any size, header first, with CRLF line ends
/// and without the dots of SMTP. The header is kept (under [`Limits`]), the
/// body is hashed and forgotten. See the [crate page](crate) for an example.
pub struct Verifier {
    evaluation: Evaluation,
    pass: Pass,
}

/// A message that is complete: outcomes, and queries that are still open.
pub struct Verification {
    evaluation: Evaluation,
    bodies: Vec<BodyHash>,
    limit: Option<LimitExceeded>,
}

impl Verifier {
    /// A verifier for one message. `now` is the time in seconds since 1970,
    /// best that at which the message was received.
    #[inline]
    #[must_use]
    pub fn new(policy: Policy, limits: Limits, now: u64) -> Self {
        Self {
            pass: Pass::new(&limits),
            evaluation: Evaluation::new(policy, limits, now),
        }
    }

    /// Takes the next piece of the message.
    ///
    /// # Errors
    /// [`LimitExceeded`] when the header is over a limit, now and ever after;
    /// the message then cannot be verified and its result is `permerror`.
    pub fn write(&mut self, data: &[u8]) -> Result<(), LimitExceeded> {
        let evaluation = &mut self.evaluation;
        self.pass.write(data, |header, body| {
            evaluation.begin(header, body);
            Ok(())
        })
    }

    /// The next DNS question, or `None` when there is none now. There is none
    /// before the header is complete; two signatures with one key ask once.
    pub fn next_query(&mut self) -> Option<Query> {
        self.evaluation.next_query()
    }

    /// Answers a query, in any order.
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.evaluation.answer(id, answer)
    }

    /// Ends the message. A header without an empty line behind it is a message
    /// without body.
    #[must_use]
    pub fn finish(mut self) -> Verification {
        let evaluation = &mut self.evaluation;
        let bodies = self.pass.finish(|header, body| {
            evaluation.begin(header, body);
            Ok(())
        });
        Verification::new(self.evaluation, bodies)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("phase", &self.pass.phase())
            .field("signatures", &self.evaluation.outcomes.len())
            .finish_non_exhaustive()
    }
}

impl Verification {
    /// A message that has ended, with these hashes; or nothing of it counts.
    #[inline]
    pub(crate) fn new(
        evaluation: Evaluation,
        bodies: Result<Vec<BodyHash>, LimitExceeded>,
    ) -> Self {
        let (bodies, limit) = match bodies {
            Ok(bodies) => (bodies, None),
            Err(limit) => (Vec::new(), Some(limit)),
        };
        let mut verification = Self {
            evaluation,
            bodies,
            limit,
        };
        verification.evaluation.settle(&verification.bodies);
        verification
    }

    /// As [`Verifier::next_query`].
    pub fn next_query(&mut self) -> Option<Query> {
        self.evaluation.next_query()
    }

    /// As [`Verifier::answer`].
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.evaluation.answer(id, answer)?;
        self.evaluation.settle(&self.bodies);
        Ok(())
    }

    /// Whether no answer is wanted any more.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.evaluation.is_settled()
    }

    /// One outcome for each signature tried, topmost first. Where a key is not
    /// known yet the reason is [`Reason::Pending`](crate::Reason::Pending).
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.evaluation.outcomes
    }

    /// Which fields of the message the signature of `outcomes()[n]` covers: all of them,
    /// topmost first. A field that is not covered may have been put there by anybody.
    /// Empty where the signature cannot be read, and for an `n` beyond the outcomes.
    ///
    /// ```
    /// # use scop_dkim::{Limits, Policy, Verifier};
    /// # let message = include_bytes!("../tests/fixtures/rfc6376.eml");
    /// let mut verifier = Verifier::new(Policy::default(), Limits::default(), 1_700_000_000);
    /// verifier.write(b"Subject: evil\r\n")?;
    /// verifier.write(message)?; // signed, with a Subject of its own
    /// let verification = verifier.finish();
    /// let subjects = verification.coverage(0);
    /// let subjects: Vec<bool> =
    ///     subjects.iter().filter(|f| f.name == b"Subject").map(|f| f.signed).collect();
    /// assert_eq!(subjects, [false, true]);
    /// # Ok::<(), scop_dkim::LimitExceeded>(())
    /// ```
    ///
    /// Linear in the header.
    #[must_use]
    pub fn coverage(&self, n: usize) -> Vec<Coverage<'_>> {
        self.evaluation.coverage(n).unwrap_or_default()
    }

    /// What the value of the signature of outcome `n` is over: its fields in their canonical
    /// form, then its own without `b=`. Set beside what the signer says, it shows which field
    /// changed on the way; a failure report may carry it (RFC 6591 section 3.2.4,
    /// DKIM-Canonicalized-Header). `None` for what is no signature.
    ///
    /// ```
    /// # let message = include_bytes!("../tests/fixtures/rfc8463-ed25519.eml");
    /// # use scop_dkim::{Limits, Policy, Verifier};
    /// # let mut verifier = Verifier::new(Policy::default(), Limits::default(), 1_528_640_000);
    /// verifier.write(message)?;
    /// let verification = verifier.finish();
    /// let signed = verification.canonicalized_header(0).unwrap();
    /// assert!(signed.starts_with(b"from:Joe SixPack <joe@football.example.com>\r\nto:"));
    /// assert!(signed.ends_with(b"; b="));
    /// # Ok::<(), scop_dkim::LimitExceeded>(())
    /// ```
    ///
    /// Linear in the header.
    #[must_use]
    pub fn canonicalized_header(&self, n: usize) -> Option<Vec<u8>> {
        self.evaluation.signed_data(n)
    }

    /// The body as the signature of outcome `n` is over it: in its canonical form, up to `l=`
    /// octets. `None` unless all of that is kept, which [`Limits::kept_body`] asks for, or
    /// where no hash was wanted. A failure report may carry it (RFC 6591 section 3.2.4,
    /// DKIM-Canonicalized-Body).
    ///
    /// ```
    /// # let message = include_bytes!("../tests/fixtures/rfc8463-ed25519.eml");
    /// # use scop_dkim::{Limits, Policy, Verifier};
    /// let mut limits = Limits::default();
    /// limits.kept_body = 16 << 10;
    /// let mut verifier = Verifier::new(Policy::default(), limits, 1_528_640_000);
    /// verifier.write(message)?;
    /// let verification = verifier.finish();
    /// let body = verification.canonicalized_body(0).unwrap();
    /// assert!(body.starts_with(b"Hi.\r\n\r\nWe lost the game."));
    /// # Ok::<(), scop_dkim::LimitExceeded>(())
    /// ```
    #[must_use]
    pub fn canonicalized_body(&self, n: usize) -> Option<&[u8]> {
        let signature = self.outcomes().get(n)?.signature.as_ref()?;
        BodyKind::of(signature).find(&self.bodies)?.hashed()
    }

    /// The result of the message: `pass` if one signature passes, else what
    /// says most about why none does.
    #[must_use]
    pub fn result(&self) -> DkimResult {
        use DkimResult::{Fail, Neutral, Pass, PermError, Policy, TempError};
        if self.limit.is_some() {
            return PermError;
        }
        [Pass, TempError, Fail, Policy, PermError, Neutral]
            .into_iter()
            .find(|result| {
                self.evaluation
                    .outcomes
                    .iter()
                    .any(|o| o.result() == *result)
            })
            .unwrap_or(DkimResult::None)
    }

    /// Signatures beyond [`Limits::signatures`], which were not looked at.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.evaluation.skipped
    }

    /// The limit that the header exceeded; there are no outcomes then.
    #[must_use]
    pub fn limit(&self) -> Option<LimitExceeded> {
        self.limit
    }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification")
            .field("outcomes", &self.evaluation.outcomes)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

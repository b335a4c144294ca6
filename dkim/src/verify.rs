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

use crate::header::{Header, Splitter};
use crate::judge::{Judge, body_problem, from_problem, unacceptable, unsigned_fields};
use crate::limits::{LimitExceeded, Limits};
use crate::message::{BodyHash, BodyHasher, BodyKind, data_of};
use crate::name::{Domain, Selector};
use crate::outcome::{DkimResult, Outcome, Reason};
use crate::policy::Policy;
use crate::query::{Answers, DnsError, Misuse, Query, QueryId, RecordKind, Records};
use crate::signature::Signature;
use crate::tags::TagList;

/// Verifies the signatures of one message while it streams by.
///
/// The message comes in pieces of any size, header first, with CRLF line ends
/// and without the dots of SMTP. The header is kept (under [`Limits`]), the
/// body is hashed and forgotten. See the [crate page](crate) for an example.
pub struct Verifier {
    core: Core,
    phase: Phase,
}

enum Phase {
    Header(Splitter),
    Body(BodyHasher),
    Over(LimitExceeded),
}

/// A message that is complete: outcomes, and queries that are still open.
pub struct Verification {
    core: Core,
    bodies: Vec<BodyHash>,
    limit: Option<LimitExceeded>,
}

struct Core {
    policy: Policy,
    limits: Limits,
    now: u64,
    header: Header,
    checks: Vec<Check>,
    outcomes: Vec<Outcome>,
    keys: Answers,
    skipped: usize,
}

/// A signature that is not settled. Its outcome is `outcomes[outcome]`.
struct Check {
    outcome: usize,
    /// The question for its key.
    key: usize,
    signature: Signature,
    /// Which field the signature is.
    field: usize,
}

impl Verifier {
    /// A verifier for one message. `now` is the time in seconds since 1970,
    /// best that at which the message was received.
    #[must_use]
    pub fn new(policy: Policy, limits: Limits, now: u64) -> Self {
        let splitter = Splitter::new(limits.clone());
        Self {
            core: Core {
                policy,
                limits,
                now,
                header: Header::default(),
                checks: Vec::new(),
                outcomes: Vec::new(),
                keys: Answers::default(),
                skipped: 0,
            },
            phase: Phase::Header(splitter),
        }
    }

    /// Takes the next piece of the message.
    ///
    /// # Errors
    /// [`LimitExceeded`] when the header is over a limit, now and ever after;
    /// the message then cannot be verified and its result is `permerror`.
    pub fn write(&mut self, data: &[u8]) -> Result<(), LimitExceeded> {
        match &mut self.phase {
            Phase::Body(hasher) => hasher.write(data),
            Phase::Over(limit) => return Err(*limit),
            Phase::Header(splitter) => match splitter.write(data) {
                Ok(None) => {}
                Ok(Some(used)) => {
                    self.end_header()?;
                    return self.write(&data[used..]);
                }
                Err(limit) => {
                    self.phase = Phase::Over(limit);
                    return Err(limit);
                }
            },
        }
        Ok(())
    }

    /// Header to body. What is over a limit stays over it.
    fn end_header(&mut self) -> Result<(), LimitExceeded> {
        let next = Phase::Body(BodyHasher::new(core::iter::empty()));
        match core::mem::replace(&mut self.phase, next) {
            Phase::Header(splitter) => match splitter.finish() {
                Ok(header) => {
                    self.core.begin(header);
                    let kinds = self.core.checks.iter().map(|c| body_kind(&c.signature));
                    self.phase = Phase::Body(BodyHasher::new(kinds));
                    Ok(())
                }
                Err(limit) => {
                    self.phase = Phase::Over(limit);
                    Err(limit)
                }
            },
            other => {
                self.phase = other;
                Ok(())
            }
        }
    }

    /// The next DNS question, or `None` when there is none now. There is none
    /// before the header is complete; two signatures with one key ask once.
    pub fn next_query(&mut self) -> Option<Query> {
        self.core.next_query()
    }

    /// Answers a query, in any order.
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.core.keys.answer(id, answer)
    }

    /// Ends the message. A header without an empty line behind it is a message
    /// without body.
    #[must_use]
    pub fn finish(mut self) -> Verification {
        if matches!(self.phase, Phase::Header(_)) {
            // An excess is in the phase, where it is found below.
            let _ = self.end_header();
        }
        let (bodies, limit) = match self.phase {
            Phase::Body(hasher) => (hasher.finish(), None),
            Phase::Over(limit) => (Vec::new(), Some(limit)),
            Phase::Header(_) => (Vec::new(), None),
        };
        let mut core = self.core;
        core.settle(&bodies);
        Verification {
            core,
            bodies,
            limit,
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Header(_) => "header",
            Phase::Body(_) => "body",
            Phase::Over(_) => "over a limit",
        };
        f.debug_struct("Verifier")
            .field("phase", &phase)
            .field("signatures", &self.core.outcomes.len())
            .finish_non_exhaustive()
    }
}

impl Verification {
    /// As [`Verifier::next_query`].
    pub fn next_query(&mut self) -> Option<Query> {
        self.core.next_query()
    }

    /// As [`Verifier::answer`].
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.core.keys.answer(id, answer)?;
        self.core.settle(&self.bodies);
        Ok(())
    }

    /// Whether no answer is wanted any more.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.core.checks.is_empty()
    }

    /// One outcome for each signature tried, topmost first. Where a key is not
    /// known yet the reason is [`Reason::Pending`].
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.core.outcomes
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
            .find(|result| self.core.outcomes.iter().any(|o| o.result() == *result))
            .unwrap_or(DkimResult::None)
    }

    /// Signatures beyond [`Limits::signatures`], which were not looked at.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.core.skipped
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
            .field("outcomes", &self.core.outcomes)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

fn body_kind(signature: &Signature) -> BodyKind {
    BodyKind {
        canon: signature.body_canonicalization(),
        length: signature.length(),
    }
}

impl Core {
    /// Looks at the signatures of a complete header.
    fn begin(&mut self, header: Header) {
        let all = header.named(b"dkim-signature");
        self.skipped = all.len().saturating_sub(self.limits.signatures);
        let from = from_problem(&header);
        for &field in all.iter().take(self.limits.signatures) {
            let value = header.value(field);
            let parsed = Signature::parse(value);
            let outcome = self.outcomes.len();
            let (domain, selector) = match &parsed {
                Ok(s) => (Some(s.domain().clone()), Some(s.selector().clone())),
                Err(_) => names(value),
            };
            let (signature, reason) = match parsed {
                Err(error) => (None, Reason::Signature(error)),
                Ok(signature) => {
                    let early = from
                        .clone()
                        .or_else(|| unacceptable(&self.policy, self.now, &header, &signature));
                    if early.is_none() {
                        let name = signature.key_name();
                        let key = self.keys.question(&name, RecordKind::Txt);
                        let signature = signature.clone();
                        self.checks.push(Check {
                            outcome,
                            key,
                            signature,
                            field,
                        });
                    }
                    (Some(signature), early.unwrap_or(Reason::Pending))
                }
            };
            let unsigned_fields = signature
                .as_ref()
                .map(|s| unsigned_fields(&header, s))
                .unwrap_or_default();
            self.outcomes.push(Outcome {
                domain,
                selector,
                signature,
                reason,
                key: None,
                testing: false,
                unsigned_fields,
                unsigned_body: 0,
            });
        }
        if !self.checks.is_empty() {
            self.header = header;
        }
    }

    fn next_query(&mut self) -> Option<Query> {
        let checks = &self.checks;
        self.keys
            .next_query(|question| checks.iter().any(|check| check.key == question))
    }

    /// Judges what can be judged, now that the body is complete.
    fn settle(&mut self, bodies: &[BodyHash]) {
        let checks = core::mem::take(&mut self.checks);
        for check in checks {
            let body = bodies
                .iter()
                .find(|b| b.kind == body_kind(&check.signature));
            let answer = self.keys.get(check.key);
            let (Some(outcome), Some(body)) = (self.outcomes.get_mut(check.outcome), body) else {
                continue;
            };
            outcome.unsigned_body = check
                .signature
                .length()
                .map_or(0, |length| body.total.saturating_sub(length));
            if let Some(reason) = body_problem(&self.policy, &check.signature, body) {
                outcome.reason = reason;
                continue;
            }
            let records = match answer {
                None => {
                    self.checks.push(check);
                    continue;
                }
                Some(Err(DnsError::Temporary)) => {
                    outcome.reason = Reason::KeyUnavailable;
                    continue;
                }
                Some(Err(DnsError::NotFound)) => {
                    outcome.reason = Reason::NoKey;
                    continue;
                }
                Some(Ok(Records::Txt(records))) => records,
                // No such answer is taken.
                Some(Ok(_)) => {
                    outcome.reason = Reason::NoKey;
                    continue;
                }
            };
            let judge = Judge {
                policy: &self.policy,
                limits: &self.limits,
                signature: &check.signature,
                data: data_of(&self.header, check.field, &check.signature),
            };
            judge.records(records, outcome);
        }
        if self.checks.is_empty() {
            self.header = Header::default();
        }
    }
}

/// Domain and selector of a field that is invalid otherwise.
fn names(value: &[u8]) -> (Option<Domain>, Option<Selector>) {
    let tags = TagList::parse(value).unwrap_or_default();
    let text = |name| {
        tags.value(name)
            .and_then(|value| core::str::from_utf8(value).ok())
    };
    (
        text("d").and_then(|d| Domain::new(d).ok()),
        text("s").and_then(|s| Selector::new(s).ok()),
    )
}

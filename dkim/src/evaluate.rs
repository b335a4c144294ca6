//! The signatures of one message, from its header to their outcomes: RFC 6376 section 6.
//!
//! [`Verifier`](crate::Verifier) runs one over a pass of its own; who authenticates a
//! message in several ways runs it over a pass that they share.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::header::Header;
use crate::judge::{Judge, body_problem, from_problem, unacceptable, unsigned_fields};
use crate::limits::{LimitExceeded, Limits};
use crate::message::{BodyHash, BodyKind, data_of};
use crate::name::{Domain, Selector};
use crate::outcome::{Outcome, Reason};
use crate::policy::Policy;
use crate::query::{Answers, DnsError, Misuse, Query, QueryId, RecordKind, Records};
use crate::signature::Signature;
use crate::tags::TagList;
use crate::verify::Verification;

/// See the module.
pub(crate) struct Evaluation {
    policy: Policy,
    limits: Limits,
    now: u64,
    header: Arc<Header>,
    checks: Vec<Check>,
    pub(crate) outcomes: Vec<Outcome>,
    keys: Answers,
    pub(crate) skipped: usize,
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

impl Evaluation {
    pub(crate) fn new(policy: Policy, limits: Limits, now: u64) -> Self {
        Self {
            policy,
            limits,
            now,
            header: Arc::default(),
            checks: Vec::new(),
            outcomes: Vec::new(),
            keys: Answers::default(),
            skipped: 0,
        }
    }

    /// Looks at the signatures of a complete header, and tells which hashes of the body
    /// they need.
    pub(crate) fn begin(&mut self, header: &Arc<Header>) -> Vec<BodyKind> {
        let all = header.named(b"dkim-signature");
        self.skipped = all.len().saturating_sub(self.limits.signatures);
        let from = from_problem(header);
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
                        .or_else(|| unacceptable(&self.policy, self.now, header, &signature));
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
                .map(|s| unsigned_fields(header, s))
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
            self.header = Arc::clone(header);
        }
        let kinds = self.checks.iter().map(|c| BodyKind::of(&c.signature));
        kinds.collect()
    }

    /// Ends the message, of which these are the hashes; or nothing of it counts.
    pub(crate) fn finish(mut self, bodies: Result<Vec<BodyHash>, LimitExceeded>) -> Verification {
        let (bodies, limit) = match bodies {
            Ok(bodies) => (bodies, None),
            Err(limit) => (Vec::new(), Some(limit)),
        };
        self.settle(&bodies);
        Verification::new(self, bodies, limit)
    }

    /// The next question, of those that a signature still waits for.
    pub(crate) fn next_query(&mut self) -> Option<Query> {
        let checks = &self.checks;
        self.keys
            .next_query(|question| checks.iter().any(|check| check.key == question))
    }

    /// Takes an answer; [`settle`](Self::settle) makes use of it.
    pub(crate) fn answer(
        &mut self,
        id: QueryId,
        answer: Result<Records, DnsError>,
    ) -> Result<(), Misuse> {
        self.keys.answer(id, answer)
    }

    /// Whether no answer is wanted any more.
    pub(crate) fn is_settled(&self) -> bool {
        self.checks.is_empty()
    }

    /// Judges what can be judged, now that the body is complete.
    pub(crate) fn settle(&mut self, bodies: &[BodyHash]) {
        let checks = core::mem::take(&mut self.checks);
        for check in checks {
            let body = BodyKind::of(&check.signature).find(bodies);
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
            let Some(answer) = self.keys.get(check.key) else {
                self.checks.push(check);
                continue;
            };
            let judge = Judge {
                policy: &self.policy,
                limits: &self.limits,
                signature: &check.signature,
                data: data_of(&self.header, check.field, &check.signature),
            };
            judge.answer(answer, outcome);
        }
        if self.checks.is_empty() {
            self.header = Arc::default();
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

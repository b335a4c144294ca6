//! The validator's actions (RFC 8617 section 5.2).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::set::{ChainStatus, Fields, Set, SetProblem};
use crate::canon::{Canonicalization, HeaderCanon};
use crate::claim::{Claim, Record, records};
use crate::evaluate::covered;
use crate::header::Header;
use crate::hidden::hidden;
use crate::judge::{body_problem, extra_instances, unacceptable};
use crate::limits::{LimitExceeded, Limits};
use crate::message::{BodyHash, BodyHasher, BodyKind, put_data_of, without_b};
use crate::name::Domain;
use crate::outcome::Reason;
use crate::pass::Pass;
use crate::policy::Policy;
use crate::query::{Answers, DnsError, Misuse, Query, QueryId, RecordKind, Records};
use crate::signature::Signature;

/// Validates the chain of one message while it streams by: as
/// [`Verifier`](crate::Verifier) does DKIM.
pub struct Validator {
    evaluation: Evaluation,
    pass: Pass,
}

/// A message that is complete: queries that are open, then the chain.
pub struct Validation {
    evaluation: Evaluation,
    bodies: Vec<BodyHash>,
    chain: Option<Chain>,
}

/// The chain of one message, from its header to its status; over a pass that others may
/// share.
pub(crate) struct Evaluation {
    policy: Policy,
    limits: Limits,
    now: u64,
    header: Arc<Header>,
    sets: Vec<Set>,
    /// Of the message signatures only the newest is verified.
    newest_only: bool,
    /// It was settled by the header alone.
    early: Option<(ChainStatus, ChainReason)>,
    keys: Answers,
}

/// What became of a chain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Chain {
    /// The Chain Validation Status, to be put into `cv=` when the message is sealed.
    pub status: ChainStatus,
    /// Why.
    pub reason: ChainReason,
    /// Who handled the message, the first one first, as far as the fields can be read.
    pub handlers: Vec<Handler>,
    /// The lowest instance whose message signature still verifies: from there on nobody
    /// changed the message. 0 when all do, `None` when the status is not pass or
    /// [nobody asked](Validator::newest_message_only).
    pub oldest_pass: Option<usize>,
}

/// One set of a chain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handler {
    /// Who sealed it.
    pub domain: Domain,
    /// Whether the message signature of the set verifies.
    pub message: Reason,
    /// Whether it covers the From field: one that does not says nothing about the author.
    pub covers_from: bool,
    /// Whether the seal does.
    pub seal: Reason,
    /// The value of its ARC-Authentication-Results field, instance included.
    pub results: Vec<u8>,
}

/// Why a chain has its status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainReason {
    /// There are no ARC fields.
    #[error("the message has no ARC sets")]
    NoSets,
    /// Everything verifies that must.
    #[error("the newest message signature and all seals verify")]
    Verified,
    /// A handler before found it invalid.
    #[error("the newest seal says \"cv=fail\" (RFC 8617 section 5.2)")]
    FailedBefore,
    /// The fields are no chain.
    #[error("{0}")]
    Sets(#[from] SetProblem),
    /// The newest message signature does not verify.
    #[error("the message signature of instance {0}: {1}")]
    Message(usize, Reason),
    /// A seal does not.
    #[error("the seal of instance {0}: {1}")]
    Seal(usize, Reason),
    /// The header is over a limit.
    #[error("{0}")]
    Limit(#[from] LimitExceeded),
}

/// One line: status and why.
impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.reason)?;
        for (at, handler) in self.handlers.iter().enumerate() {
            write!(f, ", i={} {}", at + 1, handler.domain)?;
        }
        Ok(())
    }
}

impl Validator {
    /// A validator for one message. `now` is the time in seconds since 1970.
    #[must_use]
    pub fn new(policy: Policy, limits: Limits, now: u64) -> Self {
        Self {
            pass: Pass::new(&limits),
            evaluation: Evaluation::new(policy, limits, now),
        }
    }

    /// The same without what decides nothing: of the message signatures only the newest is
    /// verified, all others have [`Reason::Unchecked`]. [`Chain::oldest_pass`] is not found
    /// then, which is optional (RFC 8617 section 5.2 step 5). A chain of N sets costs N + 1
    /// verifications instead of 2 N.
    #[must_use]
    pub fn newest_message_only(mut self) -> Self {
        self.evaluation.newest_only = true;
        self
    }

    /// Takes the next piece of the message: CRLF line ends, no SMTP dots.
    ///
    /// # Errors
    /// [`LimitExceeded`] when the header is over a limit, now and ever after; the chain
    /// fails then.
    pub fn write(&mut self, data: &[u8]) -> Result<(), LimitExceeded> {
        let evaluation = &mut self.evaluation;
        self.pass.write(data, |header, body| {
            evaluation.begin(header, body);
            Ok(())
        })
    }

    /// The next DNS question; none before the header is complete.
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

    /// Ends the message.
    #[must_use]
    pub fn finish(mut self) -> Validation {
        let evaluation = &mut self.evaluation;
        let bodies = self.pass.finish(|header, body| {
            evaluation.begin(header, body);
            Ok(())
        });
        self.evaluation.finish(bodies)
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator")
            .field("sets", &self.evaluation.sets.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validation")
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

impl Validation {
    /// As [`Validator::next_query`]; none when the chain is known.
    pub fn next_query(&mut self) -> Option<Query> {
        match self.chain {
            None => self.evaluation.next_query(),
            Some(_) => None,
        }
    }

    /// As [`Validator::answer`].
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.evaluation.answer(id, answer)?;
        self.settle();
        Ok(())
    }

    /// The chain, once no answer is missing.
    #[must_use]
    pub fn chain(&self) -> Option<&Chain> {
        self.chain.as_ref()
    }

    fn settle(&mut self) {
        if self.chain.is_none() {
            self.chain = self.evaluation.chain(&self.bodies);
        }
    }
}

/// The records of an answer.
type Keys = Option<Vec<Record>>;

impl Evaluation {
    pub(crate) fn new(policy: Policy, limits: Limits, now: u64) -> Self {
        Self {
            policy,
            limits,
            now,
            header: Arc::default(),
            sets: Vec::new(),
            newest_only: false,
            early: None,
            keys: Answers::default(),
        }
    }

    /// Looks at the sets of a complete header, and adds the hashes of the body that they need.
    pub(crate) fn begin(&mut self, header: Arc<Header>, body: &mut BodyHasher) {
        let fields = Fields::of(&header);
        match fields.sets() {
            _ if fields.newest_says_fail() => {
                self.early = Some((ChainStatus::Fail, ChainReason::FailedBefore));
            }
            Err(problem) => self.early = Some((ChainStatus::Fail, problem.into())),
            Ok(sets) if sets.is_empty() => {
                self.early = Some((ChainStatus::None, ChainReason::NoSets));
            }
            Ok(sets) => {
                for (set, is_checked) in sets.iter().zip(self.are_checked(sets.len())) {
                    let message = set.message_signature.as_ref().ok();
                    let message = message.filter(|_| is_checked);
                    message
                        .map(BodyKind::of)
                        .into_iter()
                        .for_each(|kind| body.add(kind));
                    for signature in message.into_iter().chain([&set.seal_signature]) {
                        // What is over the limit has no answer, which `key` tells.
                        if self.keys.len() < self.limits.queries {
                            let keys = &mut self.keys;
                            signature.with_key_name(|name| keys.question(name, RecordKind::Txt));
                        }
                    }
                }
                self.sets = sets;
                self.header = header;
            }
        }
    }

    /// Of each of so many sets whether its message signature is verified.
    fn are_checked(&self, sets: usize) -> impl Iterator<Item = bool> + use<> {
        let from = if self.newest_only { sets } else { 0 };
        (1..=sets).map(move |instance| instance >= from)
    }

    /// Ends the message, of which these are the hashes; or nothing of it counts.
    pub(crate) fn finish(mut self, bodies: Result<Vec<BodyHash>, LimitExceeded>) -> Validation {
        let bodies = bodies.unwrap_or_else(|limit| {
            self.early = Some((ChainStatus::Fail, ChainReason::Limit(limit)));
            Vec::new()
        });
        let mut validation = Validation {
            evaluation: self,
            bodies,
            chain: None,
        };
        validation.settle();
        validation
    }

    /// The next question.
    pub(crate) fn next_query(&mut self) -> Option<Query> {
        self.keys.next_query(|_| true)
    }

    /// Takes an answer.
    pub(crate) fn answer(
        &mut self,
        id: QueryId,
        answer: Result<Records, DnsError>,
    ) -> Result<(), Misuse> {
        self.keys.answer(id, answer)
    }

    /// The chain, if all keys are known.
    fn chain(&mut self, bodies: &[BodyHash]) -> Option<Chain> {
        if let Some((status, reason)) = self.early.clone() {
            return Some(Chain {
                status,
                reason,
                handlers: Vec::new(),
                oldest_pass: None,
            });
        }
        if (0..self.keys.len()).any(|question| self.keys.get(question).is_none()) {
            return None;
        }
        let sets = core::mem::take(&mut self.sets);
        let keys = (0..self.keys.len()).filter_map(|question| self.keys.get(question));
        let keys: Vec<Keys> = keys
            .map(|answer| Some(records(answer, &self.limits)?.collect()))
            .collect();
        // What the seals sign, each set behind the one before it.
        let mut sealed = HeaderCanon::new(Canonicalization::Relaxed);
        let mut handlers = Vec::with_capacity(sets.len());
        for (set, is_checked) in sets.iter().zip(self.are_checked(sets.len())) {
            let message = match &set.message_signature {
                Ok(_) if !is_checked => Reason::Unchecked,
                Ok(signature) => self.message(set, signature, bodies, &keys),
                Err(error) => Reason::Signature(error.clone()),
            };
            for field in [set.results, set.message] {
                sealed.line(self.header.field_within(field));
            }
            let before = sealed.bytes().len();
            let (front, behind) = without_b(&self.header, set.seal, &set.seal_signature);
            sealed.field_in_two(front, behind);
            let seal = self.key(&set.seal_signature, sealed.bytes(), &keys);
            sealed.truncate(before);
            sealed.line(self.header.field_within(set.seal));
            handlers.push(Handler {
                domain: set.seal_signature.domain().clone(),
                message,
                covers_from: set.message_signature.iter().any(Signature::covers_from),
                seal,
                results: self.header.value(set.results).to_vec(),
            });
        }
        let verified = |reason: &Reason| *reason == Reason::Verified;
        let newest = handlers.len();
        let broken = handlers.iter().rposition(|h| !verified(&h.seal));
        let reason = match (handlers.last(), broken) {
            (Some(last), _) if !verified(&last.message) => {
                ChainReason::Message(newest, last.message.clone())
            }
            (_, Some(at)) => {
                let seal = handlers.get(at).map(|h| h.seal.clone());
                ChainReason::Seal(at + 1, seal.unwrap_or(Reason::SignatureMismatch))
            }
            _ => ChainReason::Verified,
        };
        let status = match reason {
            ChainReason::Verified => ChainStatus::Pass,
            _ => ChainStatus::Fail,
        };
        // Step 5.
        let changed = handlers.iter().rposition(|h| !verified(&h.message));
        let oldest_pass = changed.map_or(0, |at| at + 2);
        Some(Chain {
            status,
            reason,
            handlers,
            oldest_pass: (status == ChainStatus::Pass && !self.newest_only).then_some(oldest_pass),
        })
    }

    fn message(
        &self,
        set: &Set,
        signature: &Signature,
        bodies: &[BodyHash],
        keys: &[Keys],
    ) -> Reason {
        // Who handles a message may add fields, but no From: one that covers it covers all
        // that there are (RFC 6376 section 8.15).
        let names = signature.names();
        let from = names.filter(|name| name.eq_ignore_ascii_case(b"from"));
        let (signed, there) = (from.count(), self.header.named(b"from").len());
        if signed > 0 && there > signed {
            return Reason::FromCount(there);
        }
        // Nor another instance of what is covered, nor what only careless readers see.
        if self.policy.reject_extra_instances {
            let covered = || covered(&self.header, set.message, signature);
            let mut odd = self.header.odd_froms().peekable();
            if signed > 0 && odd.peek().is_some() {
                let covered = covered();
                if odd.any(|odd| !covered.contains(&odd)) {
                    return Reason::FromMalformed;
                }
            }
            // One more MIME-Version changes nothing for anybody; the public suite has it pass.
            let open = self.header.singles().beyond(&set.covered);
            let mut extra = extra_instances(&open, &set.covered);
            let extra = extra.find(|name| *name != "MIME-Version");
            let extra = extra.map(Reason::ExtraInstance);
            if let Some(reason) = extra.or_else(|| hidden(&self.header, covered)) {
                return reason;
            }
        }
        if let Some(reason) = unacceptable(&self.policy, self.now, &self.header, signature) {
            return reason;
        }
        let Some(body) = BodyKind::of(signature).find(bodies) else {
            return Reason::BodyHashMismatch;
        };
        if let Some(reason) = body_problem(&self.policy, signature, body) {
            return reason;
        }
        let mut data = HeaderCanon::new(signature.header_canonicalization());
        put_data_of(&self.header, set.message, signature, &mut data);
        self.key(signature, data.bytes(), keys)
    }

    /// Whether a signature verifies with its key.
    fn key(&self, signature: &Signature, data: &[u8], keys: &[Keys]) -> Reason {
        let find = |name: &str| self.keys.find(name, RecordKind::Txt);
        let question = signature.with_key_name(find);
        match question.and_then(|question| keys.get(question)) {
            Some(keys) => {
                Claim::new(&self.policy, signature, data)
                    .judge(keys.as_ref())
                    .0
            }
            None => Reason::QueryLimit(self.limits.queries),
        }
    }
}

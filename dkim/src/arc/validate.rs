//! The validator's actions (RFC 8617 section 5.2).

use alloc::vec::Vec;
use core::fmt;

use super::set::{ChainStatus, Set, SetProblem, newest_says_fail, sets};
use crate::canon::{Canonicalization, header_field};
use crate::header::{Header, Splitter};
use crate::judge::{Judge, body_problem, unacceptable};
use crate::limits::{LimitExceeded, Limits};
use crate::message::{BodyHash, BodyHasher, BodyKind, data_of, without_b};
use crate::name::Domain;
use crate::outcome::{Outcome, Reason};
use crate::policy::Policy;
use crate::query::{Answers, DnsError, Misuse, Query, QueryId, RecordKind, Records};
use crate::signature::Signature;

/// Validates the chain of one message while it streams by: as
/// [`Verifier`](crate::Verifier) does DKIM.
pub struct Validator {
    core: Core,
    phase: Phase,
}

enum Phase {
    Header(Splitter),
    Body(BodyHasher),
    Over(LimitExceeded),
}

/// A message that is complete: queries that are open, then the chain.
pub struct Validation {
    core: Core,
    bodies: Vec<BodyHash>,
    chain: Option<Chain>,
}

struct Core {
    policy: Policy,
    limits: Limits,
    now: u64,
    header: Header,
    sets: Vec<Set>,
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
    /// changed the message. 0 when all do, `None` when the status is not pass.
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
        let splitter = Splitter::new(limits.clone());
        Self {
            core: Core {
                // Who handles a message may add fields; that is what ARC is for.
                policy: Policy {
                    reject_extra_instances: false,
                    ..policy
                },
                limits,
                now,
                header: Header::default(),
                sets: Vec::new(),
                early: None,
                keys: Answers::default(),
            },
            phase: Phase::Header(splitter),
        }
    }

    /// Takes the next piece of the message: CRLF line ends, no SMTP dots.
    ///
    /// # Errors
    /// [`LimitExceeded`] when the header is over a limit, now and ever after; the chain
    /// fails then.
    pub fn write(&mut self, data: &[u8]) -> Result<(), LimitExceeded> {
        match &mut self.phase {
            Phase::Body(hasher) => hasher.write(data),
            Phase::Over(limit) => return Err(*limit),
            Phase::Header(splitter) => match splitter.write(data) {
                Ok(None) => {}
                Ok(Some(used)) => {
                    self.end_header()?;
                    return self.write(data.get(used..).unwrap_or_default());
                }
                Err(limit) => {
                    self.phase = Phase::Over(limit);
                    return Err(limit);
                }
            },
        }
        Ok(())
    }

    fn end_header(&mut self) -> Result<(), LimitExceeded> {
        let next = Phase::Body(BodyHasher::new(core::iter::empty()));
        match core::mem::replace(&mut self.phase, next) {
            Phase::Header(splitter) => match splitter.finish() {
                Ok(header) => {
                    self.core.begin(header);
                    self.phase = Phase::Body(BodyHasher::new(self.core.bodies()));
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

    /// The next DNS question; none before the header is complete.
    pub fn next_query(&mut self) -> Option<Query> {
        self.core.keys.next_query(|_| true)
    }

    /// Answers a query, in any order.
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.core.keys.answer(id, answer)
    }

    /// Ends the message.
    #[must_use]
    pub fn finish(mut self) -> Validation {
        if matches!(self.phase, Phase::Header(_)) {
            // An excess is in the phase, where it is found below.
            let _ = self.end_header();
        }
        let bodies = match self.phase {
            Phase::Body(hasher) => hasher.finish(),
            Phase::Over(limit) => {
                self.core.early = Some((ChainStatus::Fail, ChainReason::Limit(limit)));
                Vec::new()
            }
            Phase::Header(_) => Vec::new(),
        };
        let mut validation = Validation {
            core: self.core,
            bodies,
            chain: None,
        };
        validation.settle();
        validation
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator")
            .field("sets", &self.core.sets.len())
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
            None => self.core.keys.next_query(|_| true),
            Some(_) => None,
        }
    }

    /// As [`Validator::answer`].
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.core.keys.answer(id, answer)?;
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
            self.chain = self.core.chain(&self.bodies);
        }
    }
}

impl Core {
    fn begin(&mut self, header: Header) {
        match sets(&header) {
            _ if newest_says_fail(&header) => {
                self.early = Some((ChainStatus::Fail, ChainReason::FailedBefore));
            }
            Err(problem) => self.early = Some((ChainStatus::Fail, problem.into())),
            Ok(sets) if sets.is_empty() => {
                self.early = Some((ChainStatus::None, ChainReason::NoSets));
            }
            Ok(sets) => {
                for set in &sets {
                    let message = set.message_signature.as_ref().ok();
                    for signature in message.into_iter().chain([&set.seal_signature]) {
                        self.keys.question(&signature.key_name(), RecordKind::Txt);
                    }
                }
                self.sets = sets;
            }
        }
        self.header = header;
    }

    fn bodies(&self) -> impl Iterator<Item = BodyKind> {
        let signatures = self.sets.iter().flat_map(|set| &set.message_signature);
        signatures.map(body_kind)
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
        // What the seals sign, each set behind the one before it.
        let mut sealed = Vec::new();
        let mut handlers = Vec::with_capacity(sets.len());
        for set in &sets {
            let message = match &set.message_signature {
                Ok(signature) => self.message(set, signature, bodies),
                Err(error) => Reason::Signature(error.clone()),
            };
            for field in [set.results, set.message] {
                header_field(
                    Canonicalization::Relaxed,
                    self.header.field(field),
                    &mut sealed,
                );
                sealed.extend_from_slice(b"\r\n");
            }
            let mut data = sealed.clone();
            let bare = without_b(&self.header, set.seal, &set.seal_signature);
            header_field(Canonicalization::Relaxed, &bare, &mut data);
            let seal = self.key(&set.seal_signature, data);
            header_field(
                Canonicalization::Relaxed,
                self.header.field(set.seal),
                &mut sealed,
            );
            sealed.extend_from_slice(b"\r\n");
            handlers.push(Handler {
                domain: set.seal_signature.domain().clone(),
                message,
                covers_from: set.message_signature.iter().any(|signature| {
                    let mut names = signature.headers().iter();
                    names.any(|name| name.eq_ignore_ascii_case("from"))
                }),
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
            oldest_pass: (status == ChainStatus::Pass).then_some(oldest_pass),
        })
    }

    fn message(&self, set: &Set, signature: &Signature, bodies: &[BodyHash]) -> Reason {
        if let Some(reason) = unacceptable(&self.policy, self.now, &self.header, signature) {
            return reason;
        }
        let Some(body) = bodies.iter().find(|b| b.kind == body_kind(signature)) else {
            return Reason::BodyHashMismatch;
        };
        if let Some(reason) = body_problem(&self.policy, signature, body) {
            return reason;
        }
        self.key(signature, data_of(&self.header, set.message, signature))
    }

    /// Whether a signature verifies with its key.
    fn key(&self, signature: &Signature, data: Vec<u8>) -> Reason {
        let question = self.keys.find(&signature.key_name(), RecordKind::Txt);
        let records = match question.and_then(|question| self.keys.get(question)) {
            Some(Ok(Records::Txt(records))) => records,
            Some(Err(DnsError::Temporary)) => return Reason::KeyUnavailable,
            _ => return Reason::NoKey,
        };
        let mut outcome = Outcome::pending(signature);
        let judge = Judge {
            policy: &self.policy,
            limits: &self.limits,
            signature,
            data,
        };
        judge.records(records, &mut outcome);
        outcome.reason
    }
}

fn body_kind(signature: &Signature) -> BodyKind {
    BodyKind {
        canon: signature.body_canonicalization(),
        length: signature.length(),
    }
}

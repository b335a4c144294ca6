//! The signatures of one message, from its header to their outcomes: RFC 6376 section 6.
//!
//! ```text
//!   begin: the header             finish: the hashes           settle: answers
//!
//!   Refused --------------------------------------------+
//!                                                       v
//!   Judging(key) --- body or key: verified, or not --> (reason) --> Following --> Done
//!                                                          |                       ^
//!                                                          +-- nothing to ask -----+
//! ```
//!
//! [`Verifier`](crate::Verifier) runs one over a pass of its own; who authenticates a
//! message in several ways runs it over a pass that they share.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::canon::HeaderCanon;
use crate::claim::{Claim, records};
use crate::header::Header;
use crate::hidden::hidden;
use crate::judge::{body_problem, extra_instances, from_problem, unacceptable};
use crate::key::KeyRecord;
use crate::limits::Limits;
use crate::message::{BodyHash, BodyHasher, BodyKind, Singles, put_data_of, selected};
use crate::name::{Domain, Selector};
use crate::outcome::{Coverage, Outcome, Reason};
use crate::policy::Policy;
use crate::query::{Answers, DnsError, Misuse, Query, QueryId, RecordKind, Records};
use crate::reporting::{Incident, ReportRecord};
use crate::signature::Signature;
use crate::tags::TagList;

/// See the module.
pub(crate) struct Evaluation {
    policy: Policy,
    limits: Limits,
    now: u64,
    /// It is there once it is complete.
    header: Option<Arc<Header>>,
    pub(crate) outcomes: Vec<Outcome>,
    answers: Answers,
    /// Questions that may still follow from reasons. They are counted before any answer
    /// comes, so that the order of answers does not decide who may ask.
    reserved: usize,
    pub(crate) skipped: usize,
}

/// How far a signature is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    /// Which field it is.
    field: usize,
    /// It says `r=y`.
    wants_report: bool,
    /// One of the questions that are reserved is its own.
    may_follow: bool,
    stage: Stage,
}

impl Trial {
    pub(crate) fn new(field: usize) -> Self {
        Self {
            field,
            wants_report: false,
            may_follow: false,
            stage: Stage::Refused,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The header told its reason.
    Refused,
    /// Body and key, which this question asks for, will tell.
    Judging(usize),
    /// The reason stands; this question is about what follows from it.
    Following(usize, After),
    Done,
}

/// What a reason may lead to.
#[derive(Clone, Copy, Debug)]
enum After {
    /// A failure: a report, if the signer wants one.
    Report,
    /// A success: the author's consent.
    #[cfg(feature = "atps")]
    Atps,
}

impl Evaluation {
    #[inline]
    pub(crate) fn new(policy: Policy, limits: Limits, now: u64) -> Self {
        Self {
            policy,
            limits,
            now,
            header: None,
            outcomes: Vec::new(),
            answers: Answers::default(),
            reserved: 0,
            skipped: 0,
        }
    }

    /// Looks at the signatures of a complete header, and adds the hashes of the body that
    /// they need.
    pub(crate) fn begin(&mut self, header: Arc<Header>, body: &mut BodyHasher) {
        let all = header.named(b"dkim-signature");
        self.skipped = all.len().saturating_sub(self.limits.signatures);
        let from = from_problem(&header);
        // They are large, and stay where they are.
        let mut outcomes = Vec::with_capacity(all.len() - self.skipped);
        for field in all.take(self.limits.signatures) {
            outcomes.push(Outcome::pending(field));
            let Some(outcome) = outcomes.last_mut() else {
                break;
            };
            self.look_at(&header, from.as_ref(), outcome);
            outcome.trial.may_follow = self.may_follow(outcome) && self.has_room();
            self.reserved += usize::from(outcome.trial.may_follow);
            if let (Stage::Judging(_), Some(signature)) = (outcome.trial.stage, &outcome.signature)
            {
                body.add(BodyKind::of(signature));
            }
        }
        self.outcomes = outcomes;
        self.header = Some(header);
    }

    /// What the header tells about one signature.
    fn look_at(&mut self, header: &Header, from: Option<&Reason>, outcome: &mut Outcome) {
        let trial = &mut outcome.trial;
        let value = header.value(trial.field);
        let mut signed = Singles::default();
        match Signature::read(value, &mut signed) {
            Ok(signature) => outcome.signature = Some(signature),
            Err(error) => {
                outcome.reason = Reason::Signature(error);
                let tags = TagList::parse(value).unwrap_or_default();
                outcome.names = Some(Box::new(names(&tags)));
                trial.wants_report = tags.value("r") == Some(b"y");
            }
        }
        let Some(signature) = &outcome.signature else {
            return;
        };
        outcome.open = header.singles().beyond(&signed);
        let refused = from
            .cloned()
            .or_else(|| unacceptable(&self.policy, self.now, header, signature))
            .or_else(|| {
                let hides = || hidden(header, || covered(header, trial.field, signature));
                let looked_for = self.policy.reject_extra_instances;
                let extra = || extra_instances(&outcome.open, &signed).next();
                looked_for.then(|| extra().map(Reason::ExtraInstance).or_else(hides))?
            });
        match refused {
            Some(reason) => outcome.reason = reason,
            None => match signature.with_key_name(|name| self.question(name)) {
                Some(key) => trial.stage = Stage::Judging(key),
                None => outcome.reason = Reason::QueryLimit(self.limits.queries),
            },
        }
        trial.wants_report = signature.wants_reports();
    }

    /// A question for the TXT records of a name, unless there were too many.
    fn question(&mut self, name: &str) -> Option<usize> {
        let asked = self.answers.find(name, RecordKind::Txt);
        asked.or_else(|| {
            let room = self.has_room();
            room.then(|| self.answers.question(name, RecordKind::Txt))
        })
    }

    fn has_room(&self) -> bool {
        self.answers.len() + self.reserved < self.limits.queries
    }

    /// Whether its reason may lead to a question.
    fn may_follow(&self, outcome: &Outcome) -> bool {
        let reports = outcome.trial.wants_report && self.policy.look_up_reports;
        #[cfg(feature = "atps")]
        if outcome
            .signature
            .as_ref()
            .is_some_and(|s| s.atps().is_some())
        {
            return true;
        }
        reports && outcome.domain().is_some()
    }

    /// The next question, of those that a signature still waits for.
    pub(crate) fn next_query(&mut self) -> Option<Query> {
        let outcomes = &self.outcomes;
        self.answers.next_query(|question| {
            outcomes.iter().any(|outcome| match outcome.trial.stage {
                Stage::Judging(q) | Stage::Following(q, _) => q == question,
                Stage::Refused | Stage::Done => false,
            })
        })
    }

    /// Takes an answer; [`settle`](Self::settle) makes use of it.
    pub(crate) fn answer(
        &mut self,
        id: QueryId,
        answer: Result<Records, DnsError>,
    ) -> Result<(), Misuse> {
        self.answers.answer(id, answer)
    }

    /// Whether no answer is wanted any more.
    pub(crate) fn is_settled(&self) -> bool {
        let mut outcomes = self.outcomes.iter();
        outcomes.all(|outcome| matches!(outcome.trial.stage, Stage::Done))
    }

    /// Goes on as far as answers are there, now that the body is complete.
    pub(crate) fn settle(&mut self, bodies: &[BodyHash]) {
        for at in 0..self.outcomes.len() {
            while self.step(at, bodies).is_some() {}
        }
    }

    /// One stage of a signature; `None` when it waits or is done.
    fn step(&mut self, at: usize, bodies: &[BodyHash]) -> Option<()> {
        let stage = self.outcomes.get(at)?.trial.stage;
        let next = match stage {
            Stage::Done => return None,
            Stage::Refused => self.after(at),
            Stage::Judging(key) => {
                self.judge(at, key, bodies)?;
                self.after(at)
            }
            Stage::Following(question, after) => {
                let answer = self.answers.get(question)?;
                let outcome = self.outcomes.get_mut(at)?;
                follow(after, answer, outcome);
                Stage::Done
            }
        };
        self.outcomes.get_mut(at)?.trial.stage = next;
        Some(())
    }

    /// Finds the reason; `None` while the key is not known and matters.
    fn judge(&mut self, at: usize, key: usize, bodies: &[BodyHash]) -> Option<()> {
        let outcome = self.outcomes.get_mut(at)?;
        let signature = outcome.signature.as_ref()?;
        let body = BodyKind::of(signature).find(bodies)?;
        let length = signature.length();
        outcome.unsigned_body = length.map_or(0, |length| body.total.saturating_sub(length));
        if let Some(reason) = body_problem(&self.policy, signature, body) {
            outcome.reason = reason;
            return Some(());
        }
        let answer = self.answers.get(key)?;
        let mut data = HeaderCanon::new(signature.header_canonicalization());
        put_data_of(
            self.header.as_ref()?,
            outcome.trial.field,
            signature,
            &mut data,
        );
        let claim = Claim::new(&self.policy, signature, data.bytes());
        let (reason, record) = claim.judge(records(answer, &self.limits));
        let record = record.and_then(Result::ok);
        outcome.testing = record.as_ref().is_some_and(KeyRecord::is_testing);
        outcome.key = record.and_then(KeyRecord::into_key);
        outcome.reason = match reason {
            Reason::Verified if outcome.testing && self.policy.honour_testing => Reason::TestingKey,
            reason => reason,
        };
        Some(())
    }

    /// See [`Verification::coverage`].
    pub(crate) fn coverage(&self, at: usize) -> Option<Vec<Coverage<'_>>> {
        let header: &Header = self.header.as_ref()?;
        let outcome = self.outcomes.get(at)?;
        let signature = outcome.signature.as_ref()?;
        let mut fields: Vec<Coverage<'_>> = (0..header.len())
            .map(|field| Coverage {
                name: header.name(field),
                value: header.value(field),
                signed: false,
            })
            .collect();
        for field in covered(header, outcome.trial.field, signature) {
            if let Some(field) = fields.get_mut(field) {
                field.signed = true;
            }
        }
        Some(fields)
    }

    /// See [`Verification::canonicalized_header`].
    pub(crate) fn signed_data(&self, at: usize) -> Option<Vec<u8>> {
        let outcome = self.outcomes.get(at)?;
        let signature = outcome.signature.as_ref()?;
        let mut data = HeaderCanon::new(signature.header_canonicalization());
        put_data_of(
            self.header.as_ref()?,
            outcome.trial.field,
            signature,
            &mut data,
        );
        Some(data.into_bytes())
    }

    /// What is to be asked, now that the reason stands.
    fn after(&mut self, at: usize) -> Stage {
        match self.name_after(at) {
            None => Stage::Done,
            Some((name, after)) => {
                Stage::Following(self.answers.question(&name, RecordKind::Txt), after)
            }
        }
    }

    fn name_after(&self, at: usize) -> Option<(String, After)> {
        let outcome = self.outcomes.get(at)?;
        let trial = &outcome.trial;
        let domain = outcome.domain().filter(|_| trial.may_follow)?;
        if outcome.reason != Reason::Verified {
            let wanted = trial.wants_report && self.policy.look_up_reports;
            return wanted.then(|| (ReportRecord::name(domain), After::Report));
        }
        #[cfg(feature = "atps")]
        {
            let atps = outcome.signature.as_ref()?.atps()?;
            let name = crate::atps::query_name(domain, atps.hash, &atps.author)?;
            if atps.is_of_author(self.header.as_ref()?) {
                return Some((name, After::Atps));
            }
        }
        None
    }
}

/// The fields that a signature covers, itself among them, `b=` apart.
pub(crate) fn covered(header: &Header, own: usize, signature: &Signature) -> Vec<usize> {
    let mut fields = selected(header, signature.listed(), Some(own));
    fields.push(own);
    fields
}

/// What the answer adds to an outcome.
fn follow(after: After, answer: &Result<Records, DnsError>, outcome: &mut Outcome) {
    match after {
        After::Report => {
            // One record, or none that counts (RFC 6651 section 3.3 step 3).
            let Ok(Records::Txt(records)) = answer else {
                return;
            };
            let [text] = &**records else { return };
            let (Ok(record), Some(domain)) = (ReportRecord::parse(text), outcome.domain()) else {
                return;
            };
            let unknown = outcome
                .signature
                .as_ref()
                .is_some_and(Signature::has_unknown_tags);
            let seen = [outcome.reason.incident(), Incident::UnknownTags];
            let seen = seen.get(..1 + usize::from(unknown)).unwrap_or_default();
            outcome.report = record.request(domain, seen);
        }
        #[cfg(feature = "atps")]
        After::Atps => {
            let atps = outcome.signature.as_ref().and_then(Signature::atps);
            if let (Some(atps), Some(domain)) = (atps, outcome.domain()) {
                outcome.atps = Some(atps.judge(domain, answer));
            }
        }
    }
}

/// Domain and selector of a field that is invalid otherwise.
fn names(tags: &TagList<'_>) -> (Option<Domain>, Option<Selector>) {
    let text = |name| {
        tags.value(name)
            .and_then(|value| core::str::from_utf8(value).ok())
    };
    (
        text("d").and_then(|d| Domain::new(d).ok()),
        text("s").and_then(|s| Selector::new(s).ok()),
    )
}

//! The evaluation: policy discovery (RFC 9989 section 4.10.1) and alignment (4.10.2).
//!
//! It is a function of the answers that are there: whenever one comes it runs again, each
//! walk from where it waits, and asks for what it misses. That is at most eight names for
//! the author's domain and for each identifier.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::author::{Author, OddAuthor};
use super::record::{Alignment, Policy, Record};
use super::walk::{Found, Stop, Walks, is_within};
use crate::name::Domain;
use crate::query::{DnsError, Misuse, Query, QueryId, RecordKind, Records};

/// A domain that a mechanism authenticated with a pass (section 3.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// `d=` of a DKIM signature that passes.
    Dkim(Domain),
    /// The domain of MAIL FROM, or of HELO where MAIL FROM is empty, that SPF passes.
    Spf(Domain),
}

impl Identifier {
    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        match self {
            Identifier::Dkim(domain) | Identifier::Spf(domain) => domain,
        }
    }
}

/// The result of a [`Check`]; the names are those of RFC 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DmarcResult {
    /// No policy applies to the domain.
    None,
    /// An authenticated domain is aligned with the author's.
    Pass,
    /// A policy applies, and no authenticated domain is aligned.
    Fail,
    /// DNS failed; another try may succeed.
    TempError,
    /// The message has no author that could be checked: see [`OddAuthor`].
    PermError,
}

impl fmt::Display for DmarcResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DmarcResult::None => "none",
            DmarcResult::Pass => "pass",
            DmarcResult::Fail => "fail",
            DmarcResult::TempError => "temperror",
            DmarcResult::PermError => "permerror",
        })
    }
}

/// Why a result is what it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// See [`Verdict::aligned`].
    #[error("aligned")]
    Aligned,
    /// No authenticated domain is aligned.
    #[error("nothing is aligned")]
    NothingAligned,
    /// There is no record at the domain, above it, or at its public suffix.
    #[error("no DMARC record (RFC 9989 section 4.10.1)")]
    NoRecord,
    /// The record of this domain has no valid policy and asks for no reports.
    #[error("the DMARC record of {0} has no valid policy (RFC 9989 section 4.10.1)")]
    NoPolicy(String),
    /// DNS gave no usable answer for a name.
    #[error("DNS failed for {0}")]
    DnsFailed(String),
    /// Nothing that passed is aligned, but this domain is, and DNS failed where it was
    /// checked: see [`Check::undecided`].
    #[error("DNS failed in the check of {0}, which is aligned")]
    Undecided(Domain),
    /// There is no author's domain, or no telling which.
    #[error("{0}")]
    Author(OddAuthor),
}

/// An identifier that is aligned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aligned {
    /// Which.
    pub identifier: Identifier,
    /// It is the author's domain itself, not only of the same organization.
    pub strictly: bool,
}

/// The outcome of a [`Check`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// What to act on.
    pub result: DmarcResult,
    /// Why.
    pub reason: Reason,
    /// The author's domain; of several the one that the verdict is of.
    pub author: Option<Domain>,
    /// What is odd about the author.
    pub oddity: Option<OddAuthor>,
    /// What a failing message is to meet with: the published policy, one level milder in
    /// test mode. [`Policy::None`] unless the result is `fail`, or RFC 5322 forbids what
    /// its From is ([`OddAuthor::is_forbidden`]): then [`Policy::Reject`].
    pub disposition: Policy,
    /// The tag that the policy was taken from: `p`, `sp` or `np`.
    pub tag: &'static str,
    /// What that tag says, whatever the result is.
    pub policy: Option<Policy>,
    /// The record, which also says where reports go.
    pub record: Option<Arc<Record>>,
    /// Identifiers that are aligned, in the order in which they were given.
    pub aligned: Vec<Aligned>,
    /// The author's domain in lower case, and where in it the domain of the record begins.
    policy_domain: Option<(Domain, usize)>,
}

/// One line: result, domain, why, and the policy.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.result)?;
        if let Some(author) = &self.author {
            write!(f, " {author}")?;
        }
        write!(f, ": {}", self.reason)?;
        for aligned in &self.aligned {
            let by = match &aligned.identifier {
                Identifier::Dkim(_) => "dkim",
                Identifier::Spf(_) => "spf",
            };
            write!(f, " {by}={}", aligned.identifier.domain())?;
        }
        if let (Some(policy), Some(domain)) = (self.policy, self.policy_domain()) {
            write!(f, "; {}={policy} of {domain}", self.tag)?;
        }
        match self.oddity {
            Some(oddity) if self.reason != Reason::Author(oddity) => write!(f, "; {oddity}"),
            _ => Ok(()),
        }
    }
}

/// An evaluation of DMARC for one message. See the [module](super) for an example.
#[derive(Debug)]
pub struct Check {
    author: Author,
    identifiers: Vec<Identifier>,
    undecided: Vec<Identifier>,
    walks: Walks,
    /// Something came since the last evaluation.
    stale: bool,
    verdict: Option<Verdict>,
}

impl Verdict {
    fn of(author: Option<Domain>) -> Self {
        Verdict {
            result: DmarcResult::TempError,
            reason: Reason::NoRecord,
            author,
            oddity: None,
            disposition: Policy::None,
            tag: "p",
            policy: None,
            record: None,
            aligned: Vec::new(),
            policy_domain: None,
        }
    }

    /// Where the record is: the author's domain, the organizational one or a public suffix.
    /// In lower case.
    #[must_use]
    pub fn policy_domain(&self) -> Option<&str> {
        let (author, at) = self.policy_domain.as_ref()?;
        author.as_str().get(*at..)
    }
}

/// How ill a domain fares among several, so that no other one can cover it.
fn gravity(verdict: &Verdict) -> (u8, Policy) {
    let rank = match verdict.result {
        DmarcResult::Pass => 0,
        DmarcResult::None => 1,
        DmarcResult::TempError | DmarcResult::PermError => 2,
        DmarcResult::Fail => 3,
    };
    (rank, verdict.disposition)
}

impl Check {
    /// A check of one author's domain, given what was authenticated.
    #[must_use]
    pub fn new(author: &Domain, identifiers: impl IntoIterator<Item = Identifier>) -> Self {
        Self::start(Author::from(author.clone()), identifiers)
    }

    /// A check of the author of a message, given what was authenticated.
    ///
    /// Of several domains each is checked, and the verdict is that of the one that fares
    /// worst (RFC 9989 section 11.5): the strictest disposition among those that fail,
    /// then `temperror`, then `none`; `pass` only if all pass. Where it is unclear which
    /// field names the author nothing is aligned (section 4.4).
    #[must_use]
    pub fn of(author: &Author, identifiers: impl IntoIterator<Item = Identifier>) -> Self {
        Self::start(author.clone(), identifiers)
    }

    fn start(author: Author, identifiers: impl IntoIterator<Item = Identifier>) -> Self {
        let doubtful = author.oddity().is_some_and(OddAuthor::is_doubtful);
        Check {
            author,
            identifiers: match doubtful {
                true => Vec::new(),
                false => identifiers.into_iter().collect(),
            },
            undecided: Vec::new(),
            walks: Walks::default(),
            stale: true,
            verdict: None,
        }
    }

    /// The same, given identifiers whose own check met a failure of DNS: a signature or
    /// SPF with `temperror`. If one of these is aligned and nothing else is, the result is
    /// `temperror` rather than `fail` (RFC 9989 section 5.3.6): another try may pass.
    #[must_use]
    pub fn undecided(mut self, identifiers: impl IntoIterator<Item = Identifier>) -> Self {
        let doubtful = self.author.oddity().is_some_and(OddAuthor::is_doubtful);
        self.undecided = match doubtful {
            true => Vec::new(),
            false => identifiers.into_iter().collect(),
        };
        (self.stale, self.verdict) = (true, None);
        self
    }

    /// The next DNS question; `None` when there is none until an answer comes, or when
    /// the [`verdict`](Self::verdict) is known. A name is asked for once.
    pub fn next_query(&mut self) -> Option<Query> {
        self.run();
        match self.verdict {
            None => self.walks.answers.next_query(|_| true),
            Some(_) => None,
        }
    }

    /// Answers a query, in any order.
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.walks.answers.answer(id, answer)?;
        self.stale = true;
        self.run();
        Ok(())
    }

    /// The outcome, as soon as no further answer is needed for it.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    fn run(&mut self) {
        if core::mem::take(&mut self.stale) && self.verdict.is_none() {
            self.verdict = self.evaluate();
        }
    }

    fn evaluate(&mut self) -> Option<Verdict> {
        let mut worst: Option<Verdict> = None;
        let mut waits = false;
        // All are gone through, so that their questions leave together.
        for at in 0..self.author.domains().len().min(Author::MOST) {
            let Some(domain) = self.author.domains().get(at).cloned() else {
                break;
            };
            match self.evaluate_domain(&domain) {
                None => waits = true,
                Some(verdict) => {
                    let is_worse = |worst: &Verdict| gravity(&verdict) >= gravity(worst);
                    if worst.as_ref().is_none_or(is_worse) {
                        worst = Some(verdict);
                    }
                }
            }
        }
        if waits {
            return None;
        }
        let mut verdict = worst.unwrap_or_else(|| Verdict::of(None));
        let Some(oddity) = self.author.oddity() else {
            return Some(verdict);
        };
        verdict.oddity = Some(oddity);
        let nobody = verdict.author.is_none();
        let is_none = matches!(oddity, OddAuthor::NoDomain | OddAuthor::AddressLiteral);
        let may_stand = match oddity {
            OddAuthor::SeveralDomains | OddAuthor::Damaged | OddAuthor::InName => true,
            _ => verdict.result == DmarcResult::Fail || verdict.result == DmarcResult::TempError,
        };
        if nobody || !may_stand {
            verdict.result = match is_none {
                true => DmarcResult::None,
                false => DmarcResult::PermError,
            };
            verdict.reason = Reason::Author(oddity);
        }
        if oddity.is_forbidden() {
            verdict.disposition = Policy::Reject;
        }
        Some(verdict)
    }

    fn evaluate_domain(&mut self, domain: &Domain) -> Option<Verdict> {
        let author = domain.to_lower();
        let (organization, record) = match self.discover(&author) {
            Ok(found) => found,
            Err(stop) => return stop.verdict(domain),
        };
        let organization = author.as_str().get(organization..).unwrap_or_default();
        let mut verdict = Verdict::of(Some(domain.clone()));
        let Some((at, record)) = record else {
            verdict.result = DmarcResult::None;
            return Some(verdict);
        };
        if at > 0 {
            match self.subdomain_tag(&author, &record) {
                Ok(tag) => verdict.tag = tag,
                Err(stop) => return stop.verdict(domain),
            }
        }
        verdict.policy_domain = Some((author.clone(), at));
        verdict.record = Some(Arc::clone(&record));
        let Some(policy) = record.policy else {
            verdict.result = DmarcResult::None;
            let domain = verdict.policy_domain().unwrap_or_default();
            verdict.reason = Reason::NoPolicy(domain.to_owned());
            return Some(verdict);
        };
        let policy = match verdict.tag {
            "np" => record.nonexistent.unwrap_or(policy),
            "sp" => record.subdomains.unwrap_or(policy),
            _ => policy,
        };
        verdict.policy = Some(policy);
        let domains = (author.as_str(), organization);
        let (aligned, mut failed) = align(&mut self.walks, &self.identifiers, domains, &record)?;
        verdict.aligned = aligned;
        let mut undecided = None;
        if verdict.aligned.is_empty() {
            let (aligned, failed_too) = align(&mut self.walks, &self.undecided, domains, &record)?;
            failed = failed.or(failed_too);
            undecided = aligned.into_iter().next();
        }
        (verdict.result, verdict.reason) = match (undecided, failed) {
            _ if !verdict.aligned.is_empty() => (DmarcResult::Pass, Reason::Aligned),
            (Some(undecided), _) => {
                let domain = undecided.identifier.domain().clone();
                (DmarcResult::TempError, Reason::Undecided(domain))
            }
            (None, Some(name)) => (DmarcResult::TempError, Reason::DnsFailed(name)),
            (None, None) => (DmarcResult::Fail, Reason::NothingAligned),
        };
        if verdict.result == DmarcResult::Fail {
            verdict.disposition = match record.testing {
                true => policy.milder(),
                false => policy,
            };
        }
        Some(verdict)
    }

    /// Where in the author's domain its organizational domain begins, and the record that
    /// applies, with where its domain begins.
    fn discover(&mut self, author: &Domain) -> Result<(usize, Option<Found>), Stop> {
        let first = self.walks.first(author)?.cloned();
        if let Some(record) = first.filter(|record| self.needs_no_walk(author.as_str(), record)) {
            return Ok((0, Some((0, record))));
        }
        let walk = self.walks.walk(author)?;
        let record = walk.policy_record();
        let record = record.map(|(at, record)| (at, Arc::clone(record)));
        Ok((walk.organization(), record))
    }

    /// Whether the author's domain, which has this record, stands for its organizational
    /// domain, as that decides nothing (section 4.10.2): each identifier is that domain, has
    /// to be, or has not even the last label in common with it.
    fn needs_no_walk(&self, author: &str, record: &Record) -> bool {
        let mut identifiers = self.identifiers.iter().chain(&self.undecided);
        identifiers.all(|identifier| {
            let domain = identifier.domain().as_str();
            record.alignment(identifier) == Alignment::Strict
                || is_same(domain, author)
                || !last_label(domain).eq_ignore_ascii_case(last_label(author))
        })
    }

    /// Which tag holds for a domain below that of the record (section 4.10.1). The
    /// author's domain is looked for only if that decides.
    fn subdomain_tag(&mut self, author: &Domain, record: &Record) -> Result<&'static str, Stop> {
        let below = match record.subdomains {
            Some(_) => "sp",
            None => "p",
        };
        if record.nonexistent.is_none() || !self.is_nonexistent(author.as_str())? {
            return Ok(below);
        }
        Ok("np")
    }

    /// Whether a name does not exist (section 3.2.13). A resolver may not tell that from
    /// a name without records of one kind, so three are asked for.
    fn is_nonexistent(&mut self, name: &str) -> Result<bool, Stop> {
        let kinds = [RecordKind::A, RecordKind::Aaaa, RecordKind::Mx];
        let answers = &mut self.walks.answers;
        let questions = kinds.map(|kind| answers.question(name, kind));
        let mut waits = false;
        let mut failed = false;
        for question in questions {
            match answers.get(question) {
                None => waits = true,
                Some(Ok(_)) => return Ok(false),
                Some(Err(DnsError::NotFound)) => {}
                Some(Err(DnsError::Temporary)) => failed = true,
            }
        }
        match (waits, failed) {
            (true, _) => Err(Stop::Wait),
            (_, true) => Err(Stop::Failed(name.to_owned())),
            _ => Ok(true),
        }
    }
}

impl Stop {
    /// That of a check which comes no further.
    fn verdict(self, author: &Domain) -> Option<Verdict> {
        match self {
            Stop::Wait => None,
            Stop::Failed(name) => Some(Verdict {
                reason: Reason::DnsFailed(name),
                ..Verdict::of(Some(author.clone()))
            }),
        }
    }
}

/// Whether two names are one; as a rule they are the same text, which is soon compared.
fn is_same(name: &str, other: &str) -> bool {
    name == other || name.eq_ignore_ascii_case(other)
}

fn last_label(domain: &str) -> &str {
    domain.rsplit('.').next().unwrap_or_default()
}

impl Record {
    /// How near this must be to the author's domain.
    fn alignment(&self, identifier: &Identifier) -> Alignment {
        match identifier {
            Identifier::Dkim(_) => self.dkim_alignment,
            Identifier::Spf(_) => self.spf_alignment,
        }
    }
}

/// Finds the identifiers that are aligned with the author's domain, of that organizational
/// domain, and the name of a query that failed, if one did; `None` while an answer is
/// missing.
fn align(
    walks: &mut Walks,
    identifiers: &[Identifier],
    (author, organization): (&str, &str),
    record: &Record,
) -> Option<(Vec<Aligned>, Option<String>)> {
    let mut aligned = Vec::new();
    let mut failed = None;
    let mut waits = false;
    for identifier in identifiers {
        let domain = identifier.domain().as_str();
        let mode = record.alignment(identifier);
        let strictly = is_same(domain, author);
        // The organizational domain is the domain or above it, and its own.
        let may_be = || mode == Alignment::Relaxed && is_within(domain, organization);
        let is_aligned = strictly
            || may_be()
                && (domain.len() == organization.len() || {
                    let domain = identifier.domain().to_lower();
                    match walks.walk(&domain) {
                        Ok(walk) => {
                            domain.as_str().get(walk.organization()..) == Some(organization)
                        }
                        Err(Stop::Wait) => {
                            waits = true;
                            false
                        }
                        Err(Stop::Failed(name)) => {
                            failed = Some(name);
                            false
                        }
                    }
                });
        if is_aligned {
            if aligned.is_empty() {
                aligned.reserve_exact(identifiers.len());
            }
            aligned.push(Aligned {
                identifier: identifier.clone(),
                strictly,
            });
        }
    }
    (!waits).then_some((aligned, failed))
}

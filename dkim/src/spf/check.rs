//! `check_host()` (RFC 7208 section 4) as a machine that asks and is answered.
//!
//! ```text
//!          +------------------- no match ------------------+
//!          v                                               |
//!  TXT --> next term --> its queries --> match or not -----+--> match: the result
//!   |       |      |                         ^             |
//!   |       |      +-- include: a frame on --+             +--> error: the result
//!   |       |          top, whose result it takes
//!   |       +-- none left: redirect (this frame anew), or neutral
//!   +-- no record: none
//! ```
//!
//! A term is evaluated from its start whenever an answer comes; what was answered is
//! kept, so that costs at most once for each of its eleven queries.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::record::{DomainSpec, Qualifier, Record};
use super::terms::{Client, Term, World, is_domain};
use super::verdict::{Identity, Matched, Reason, SpfResult, Verdict};
use crate::name::to_ascii;
use crate::query::{DnsError, Misuse, Query, QueryId, RecordKind, Records};

/// Bounds of an evaluation (RFC 7208 section 4.6.4); past one the result is `permerror`
/// where nothing else is said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Terms that cause queries: `include`, `a`, `mx`, `ptr`, `exists`, `redirect`, and
    /// each with `%{p}` in it once more. Default 10.
    pub lookups: u32,
    /// Terms whose name is not there or has no record of the kind. Default 2.
    pub voids: u32,
    /// Hosts of one `mx`. Default 10.
    pub mx_hosts: usize,
    /// Names of the client that are validated; the others are ignored. Default 10.
    pub names: usize,
    /// Octets of a record. Default 16 KiB.
    pub record_bytes: usize,
    /// Octets of an explanation, which is cut there. Default 512.
    pub explanation_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            lookups: 10,
            voids: 2,
            mx_hosts: 10,
            names: 10,
            record_bytes: 16 << 10,
            explanation_bytes: 512,
        }
    }
}

/// One evaluation of SPF for one identity. See the [module](super) for an example.
///
/// Memory: the records and names asked for, under [`Limits`]. Time: linear in them.
#[derive(Debug)]
pub struct Check {
    world: World,
    /// The record that is evaluated on top, below it those that include it.
    frames: Vec<Frame>,
    /// What decided in frames that are gone, innermost first.
    matched: Vec<Matched>,
    /// A `fail` whose explanation is being fetched: from where, and for which domain.
    explaining: Option<(DomainSpec, String, Reason)>,
    verdict: Option<Verdict>,
}

/// A domain whose record is evaluated.
#[derive(Debug)]
struct Frame {
    domain: String,
    record: Option<Record>,
    /// The directive in hand.
    next: usize,
    /// It, or the redirect behind the last one, was counted as a lookup.
    counted: bool,
    /// How this record came to be evaluated, if not as the first.
    by: Option<By>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Include,
    Redirect,
}

enum Step {
    /// An answer is missing.
    Wait,
    Again,
    /// The record of another domain, on top or in place of this one.
    Enter(String, By),
    /// The frame ends.
    Done(SpfResult, Reason),
}

impl Check {
    /// Checks the MAIL FROM identity (section 2.4): `reverse_path` without its angle
    /// brackets. For an empty one it is `postmaster` at the HELO name.
    #[must_use]
    pub fn mail_from(ip: IpAddr, reverse_path: &str, helo: &str) -> Self {
        match reverse_path.rsplit_once('@') {
            _ if reverse_path.is_empty() => Self::new(ip, Identity::MailFrom, "", helo, helo),
            Some((local, domain)) => Self::new(ip, Identity::MailFrom, local, domain, helo),
            None => Self::new(ip, Identity::MailFrom, "", reverse_path, helo),
        }
    }

    /// Checks the HELO identity (section 2.3).
    #[must_use]
    pub fn helo(ip: IpAddr, helo: &str) -> Self {
        Self::new(ip, Identity::Helo, "", helo, helo)
    }

    fn new(ip: IpAddr, identity: Identity, local: &str, domain: &str, helo: &str) -> Self {
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        // U-labels of RFC 6531 are looked up as A-labels (section 4.3).
        let ascii = to_ascii(domain);
        let domain = ascii.as_deref().unwrap_or(domain);
        let mut check = Check {
            world: World::new(Client {
                // An IPv4 client may come through an IPv6 socket (section 5).
                ip: ip.to_canonical(),
                identity,
                local_part: match local {
                    "" => "postmaster",
                    local => local,
                }
                .to_owned(),
                domain: domain.to_owned(),
                helo: helo.to_owned(),
                receiver: "unknown".to_owned(),
                now: 0,
            }),
            frames: Vec::new(),
            matched: Vec::new(),
            explaining: None,
            verdict: None,
        };
        if is_domain(domain) {
            check.frames.push(Frame::new(domain.to_owned(), None));
        } else {
            check.decide(SpfResult::None, Reason::MalformedDomain, None);
        }
        check
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.world.limits = limits;
        self
    }

    /// The same with what explanations may tell: the name of the host that checks, and
    /// the time in seconds since 1970.
    #[must_use]
    pub fn with_receiver(mut self, name: &str, now: u64) -> Self {
        name.clone_into(&mut self.world.client.receiver);
        self.world.client.now = now;
        self
    }

    /// The next DNS question; `None` when there is none until an answer comes, or when
    /// the [`verdict`](Self::verdict) is known. A name is asked for once.
    pub fn next_query(&mut self) -> Option<Query> {
        self.run();
        match self.verdict {
            None => self.world.answers.next_query(|_| true),
            Some(_) => None,
        }
    }

    /// Answers a query, in any order.
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.world.answers.answer(id, answer)?;
        self.run();
        Ok(())
    }

    /// The outcome, as soon as no further answer is needed for it.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    fn run(&mut self) {
        while self.verdict.is_none() {
            if let Some((spec, domain, reason)) = &self.explaining {
                let Some(text) = self.world.explanation(spec, domain) else {
                    return;
                };
                let reason = reason.clone();
                self.decide(SpfResult::Fail, reason, text);
                return;
            }
            let Some(frame) = self.frames.last_mut() else {
                return;
            };
            match frame.step(&mut self.world, &mut self.matched) {
                Step::Wait => return,
                Step::Again => {}
                Step::Enter(domain, By::Include) => {
                    self.frames.push(Frame::new(domain, Some(By::Include)));
                }
                Step::Enter(domain, By::Redirect) => *frame = frame.redirected(domain),
                Step::Done(result, reason) => self.leave(result, reason),
            }
        }
    }

    /// The frame on top ends: its result is that of an include (section 5.2), which may
    /// end the frame below, too, or of all.
    fn leave(&mut self, mut result: SpfResult, mut reason: Reason) {
        while let Some(frame) = self.frames.pop() {
            let Some(outer) = self.frames.last_mut() else {
                let explanation = frame.record.as_ref().and_then(Record::explanation);
                match (result, explanation) {
                    (SpfResult::Fail, Some(spec)) => {
                        self.explaining = Some((spec.clone(), frame.domain, reason));
                    }
                    _ => self.decide(result, reason, None),
                }
                return;
            };
            match result {
                SpfResult::Pass => match outer.matches(&mut self.matched, None) {
                    Some(qualified) => result = qualified,
                    None => return,
                },
                SpfResult::Fail | SpfResult::SoftFail | SpfResult::Neutral => {
                    self.matched.clear();
                    outer.go_on();
                    return;
                }
                SpfResult::None => {
                    result = SpfResult::PermError;
                    reason = Reason::NoRecordToInclude(frame.domain);
                }
                SpfResult::TempError | SpfResult::PermError => {}
            }
        }
    }

    fn decide(&mut self, result: SpfResult, reason: Reason, explanation: Option<String>) {
        let mut matched = core::mem::take(&mut self.matched);
        matched.reverse();
        let client = &self.world.client;
        self.verdict = Some(Verdict {
            result,
            reason,
            identity: client.identity,
            ip: client.ip,
            domain: client.domain.clone(),
            sender: alloc::format!("{}@{}", client.local_part, client.domain),
            record: self.world.record(),
            helo: client.helo.clone(),
            matched,
            explanation,
            cost: self.world.cost(),
        });
        self.frames.clear();
    }
}

impl Frame {
    fn new(domain: String, by: Option<By>) -> Self {
        Frame {
            domain,
            record: None,
            next: 0,
            counted: false,
            by,
        }
    }

    /// The frame that `redirect=` puts in this one's place (section 6.1). It stays the
    /// include that it is.
    fn redirected(&self, domain: String) -> Self {
        let by = match self.by {
            Some(By::Include) => By::Include,
            _ => By::Redirect,
        };
        Self::new(domain, Some(by))
    }

    fn go_on(&mut self) {
        self.next += 1;
        self.counted = false;
    }

    /// The directive in hand matches: gives the result that its qualifier says.
    fn matches(&self, matched: &mut Vec<Matched>, prefix: Option<u8>) -> Option<SpfResult> {
        let directive = self.record.as_ref()?.directives().get(self.next)?;
        matched.push(Matched {
            domain: self.domain.clone(),
            directive: directive.clone(),
            prefix,
        });
        Some(match directive.qualifier {
            Qualifier::Pass => SpfResult::Pass,
            Qualifier::Fail => SpfResult::Fail,
            Qualifier::SoftFail => SpfResult::SoftFail,
            Qualifier::Neutral => SpfResult::Neutral,
        })
    }

    fn step(&mut self, world: &mut World, matched: &mut Vec<Matched>) -> Step {
        let Some(record) = &self.record else {
            return self.fetch(world);
        };
        let term = match record.directives().get(self.next) {
            Some(directive) => world.directive(directive, &self.domain, &mut self.counted),
            None => match record.redirect().filter(|_| !record.has_all()) {
                None => return Step::Done(SpfResult::Neutral, Reason::NothingMatched),
                Some(spec) => match world.redirect(spec, &self.domain, &mut self.counted) {
                    Term::Enter(domain) => return Step::Enter(domain, By::Redirect),
                    other => other,
                },
            },
        };
        match term {
            Term::Wait => Step::Wait,
            Term::No => {
                self.go_on();
                Step::Again
            }
            Term::Yes(prefix) => match self.matches(matched, prefix) {
                Some(result) => Step::Done(result, Reason::Matched),
                None => Step::Again,
            },
            Term::Enter(domain) => Step::Enter(domain, By::Include),
            Term::Stop(result, reason) => Step::Done(result, reason),
        }
    }

    /// Looks the record up and selects it (sections 4.4 and 4.5).
    fn fetch(&mut self, world: &mut World) -> Step {
        let most = world.limits.record_bytes;
        let Some(answer) = world.answers.look_up(&self.domain, RecordKind::Txt) else {
            return Step::Wait;
        };
        let texts = match answer {
            Ok(Records::Txt(texts)) => &**texts,
            Ok(_) | Err(DnsError::NotFound) => &[],
            Err(DnsError::Temporary) => {
                let reason = Reason::DnsFailed(self.domain.clone());
                return Step::Done(SpfResult::TempError, reason);
            }
        };
        let mut records = texts.iter().filter(|text| Record::is_spf(text));
        let (first, second) = (records.next(), records.next());
        let (result, reason) = match (first, second) {
            (None, _) if self.by == Some(By::Redirect) => (
                SpfResult::PermError,
                Reason::NoRecordToRedirectTo(self.domain.clone()),
            ),
            (None, _) => (SpfResult::None, Reason::NoRecord),
            (Some(_), Some(_)) => (
                SpfResult::PermError,
                Reason::SeveralRecords(self.domain.clone()),
            ),
            (Some(text), None) if text.len() > most => (
                SpfResult::PermError,
                Reason::RecordTooLong(self.domain.clone()),
            ),
            (Some(text), None) => match Record::parse(text) {
                Ok(record) => {
                    self.record = Some(record);
                    return Step::Again;
                }
                Err(error) => (
                    SpfResult::PermError,
                    Reason::Syntax(self.domain.clone(), error),
                ),
            },
        };
        Step::Done(result, reason)
    }
}

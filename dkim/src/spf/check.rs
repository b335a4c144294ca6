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
//! A term waits for all that it asked, then goes on; answers are kept.

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::record::{Directive, Qualifier, Record};
use super::terms::{Client, Domain, Progress, Term, World, is_domain, without_dot};
use super::verdict::{Identity, Matched, Names, Reason, SpfResult, Verdict};
use crate::name::to_ascii;
use crate::query::{DnsError, Misuse, Query, QueryId, RecordKind, Records, Text};

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
    /// The text that is the record of the identity's domain.
    record: Option<(Arc<[Text]>, usize)>,
    /// A `fail` whose explanation is being fetched.
    explaining: bool,
    verdict: Option<Verdict>,
}

/// A domain whose record is evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    domain: Arc<str>,
    /// That for its record.
    question: usize,
    record: Option<Arc<Record>>,
    /// The directive in hand, or how many there are: then it is the redirect.
    at: usize,
    progress: Progress,
    /// How many bits were compared where that directive matched.
    prefix: Option<u8>,
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
    Enter(Domain, By),
    /// The frame ends.
    Done(SpfResult, Reason),
}

impl Check {
    /// Checks the MAIL FROM identity (section 2.4): `reverse_path` with or without its angle
    /// brackets. For an empty one it is `postmaster` at the HELO name.
    #[must_use]
    pub fn mail_from(ip: IpAddr, reverse_path: &str, helo: &str) -> Self {
        let bare = reverse_path.strip_prefix('<');
        let bare = bare.and_then(|path| path.strip_suffix('>'));
        let reverse_path = bare.unwrap_or(reverse_path);
        if reverse_path.is_empty() {
            return Self::new(ip, Identity::MailFrom, "", helo, helo);
        }
        let at = memchr::memrchr(b'@', reverse_path.as_bytes());
        let parts = at.and_then(|at| Some((reverse_path.get(..at)?, reverse_path.get(at + 1..)?)));
        let (local, domain) = parts.unwrap_or(("", reverse_path));
        Self::new(ip, Identity::MailFrom, local, domain, helo)
    }

    /// Checks the HELO identity (section 2.3).
    #[must_use]
    pub fn helo(ip: IpAddr, helo: &str) -> Self {
        Self::new(ip, Identity::Helo, "", helo, helo)
    }

    fn new(ip: IpAddr, identity: Identity, local: &str, domain: &str, helo: &str) -> Self {
        let mut domain = without_dot(domain);
        let mut is_valid = is_domain(domain);
        let ascii;
        if !is_valid {
            // U-labels of RFC 6531 are looked up as A-labels (section 4.3).
            ascii = to_ascii(domain);
            domain = ascii.as_deref().unwrap_or(domain);
            is_valid = is_domain(domain);
        }
        let mut check = Check {
            world: World::new(Client {
                // An IPv4 client may come through an IPv6 socket (section 5).
                ip: ip.to_canonical(),
                identity,
                names: Names::new(
                    match local {
                        "" => "postmaster",
                        local => local,
                    },
                    domain,
                    helo,
                ),
                receiver: None,
                now: 0,
            }),
            // Few records include one that includes another.
            frames: Vec::with_capacity(4),
            record: None,
            explaining: false,
            verdict: None,
        };
        if is_valid {
            let name = Arc::from(domain);
            let question = check.world.answers.question_of(&name, RecordKind::Txt);
            check
                .frames
                .push(Frame::new(Domain { name, question }, None));
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
        self.world.client.receiver = Some(name.to_owned());
        self.world.client.now = now;
        self
    }

    /// The next DNS question; `None` when there is none until an answer comes, or when
    /// the [`verdict`](Self::verdict) is known. A name is asked for once.
    pub fn next_query(&mut self) -> Option<Query> {
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

    /// Goes on when all answers are there: every question is one that the term in hand
    /// cannot do without.
    fn run(&mut self) {
        while self.verdict.is_none() && self.world.answers.is_complete() {
            if self.explaining {
                return self.explain();
            }
            let Some(frame) = self.frames.last_mut() else {
                return;
            };
            match frame.step(&mut self.world, &mut self.record) {
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
    /// end the frame below, too, or of all. Where all match the frames are left as what
    /// matched.
    fn leave(&mut self, mut result: SpfResult, mut reason: Reason) {
        let mut top = self.frames.len();
        while let Some(below) = top.checked_sub(2)
            && let Some([outer, ended]) = self.frames.get_mut(below..top)
        {
            top -= 1;
            match result {
                SpfResult::Pass => result = outer.result(),
                SpfResult::Fail | SpfResult::SoftFail | SpfResult::Neutral => {
                    outer.go_on();
                    self.frames.truncate(top);
                    return;
                }
                SpfResult::None => {
                    result = SpfResult::PermError;
                    reason = Reason::NoRecordToInclude(ended.domain.to_string());
                }
                SpfResult::TempError | SpfResult::PermError => {}
            }
        }
        let first = self.frames.first().and_then(|frame| frame.record.as_ref());
        let explanation = first.and_then(|record| record.explanation());
        match (result, explanation) {
            (SpfResult::Fail, Some(_)) => self.explaining = true,
            _ => self.decide(result, reason, None),
        }
    }

    /// Takes the words of the domain itself, not of one that it includes (section 6.2).
    fn explain(&mut self) {
        let first = self.frames.first();
        let spec = first.and_then(|frame| Some((frame.record.as_ref()?.explanation()?, frame)));
        let text = match spec {
            Some((spec, frame)) => self.world.explanation(spec, &frame.domain),
            None => Some(None),
        };
        if let Some(text) = text {
            self.decide(SpfResult::Fail, Reason::Matched, text);
        }
    }

    fn decide(&mut self, result: SpfResult, reason: Reason, explanation: Option<String>) {
        let mut matched = core::mem::take(&mut self.frames);
        if reason != Reason::Matched {
            matched.clear();
        }
        let client = &mut self.world.client;
        self.verdict = Some(Verdict {
            result,
            reason,
            identity: client.identity,
            ip: client.ip,
            explanation,
            names: core::mem::take(&mut client.names),
            record: self.record.take(),
            matched,
            cost: self.world.cost(),
        });
    }
}

impl Frame {
    fn new(domain: Domain, by: Option<By>) -> Self {
        Frame {
            domain: domain.name,
            question: domain.question,
            record: None,
            at: 0,
            progress: Progress::New,
            prefix: None,
            by,
        }
    }

    /// The frame that `redirect=` puts in this one's place (section 6.1). It stays the
    /// include that it is.
    fn redirected(&self, domain: Domain) -> Self {
        let by = match self.by {
            Some(By::Include) => By::Include,
            _ => By::Redirect,
        };
        Self::new(domain, Some(by))
    }

    fn directive(&self) -> Option<&Directive> {
        self.record.as_ref()?.directives().get(self.at)
    }

    /// The directive in hand, as what matched.
    pub(super) fn matched(&self) -> Option<Matched<'_>> {
        Some(Matched {
            domain: &self.domain,
            directive: self.directive()?,
            prefix: self.prefix,
        })
    }

    /// What it says when the directive in hand matches.
    fn result(&self) -> SpfResult {
        match self.directive().map(|directive| directive.qualifier) {
            Some(Qualifier::Pass) => SpfResult::Pass,
            Some(Qualifier::Fail) => SpfResult::Fail,
            Some(Qualifier::SoftFail) => SpfResult::SoftFail,
            Some(Qualifier::Neutral) | None => SpfResult::Neutral,
        }
    }

    fn go_on(&mut self) {
        self.at += 1;
        self.progress = Progress::New;
    }

    fn step(&mut self, world: &mut World, own: &mut Option<(Arc<[Text]>, usize)>) -> Step {
        let Some(record) = &self.record else {
            return self.fetch(world, own);
        };
        let term = match record.directives().get(self.at) {
            Some(directive) => world.directive(directive, &self.domain, &mut self.progress),
            None => match record.redirect().filter(|_| !record.has_all()) {
                None => return Step::Done(SpfResult::Neutral, Reason::NothingMatched),
                Some(spec) => match world.redirect(spec, &self.domain, &mut self.progress) {
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
            Term::Yes(prefix) => {
                self.prefix = prefix;
                Step::Done(self.result(), Reason::Matched)
            }
            Term::Enter(domain) => Step::Enter(domain, By::Include),
            Term::Stop(result, reason) => Step::Done(result, reason),
        }
    }

    /// Selects the record among what was answered (sections 4.4 and 4.5).
    fn fetch(&mut self, world: &World, own: &mut Option<(Arc<[Text]>, usize)>) -> Step {
        let Some(answer) = world.answers.get(self.question) else {
            return Step::Wait;
        };
        let texts = match answer {
            Ok(Records::Txt(texts)) => Some(texts),
            Ok(_) | Err(DnsError::NotFound) => None,
            Err(DnsError::Temporary) => {
                let reason = Reason::DnsFailed(self.domain.to_string());
                return Step::Done(SpfResult::TempError, reason);
            }
        };
        let all = texts.map_or(&[][..], |texts| texts);
        let mut records = all
            .iter()
            .enumerate()
            .filter(|(_, text)| Record::is_spf(text));
        let (first, second) = (records.next(), records.next());
        let error = match (first, second) {
            (None, _) if self.by == Some(By::Redirect) => {
                Reason::NoRecordToRedirectTo(self.domain.to_string())
            }
            (None, _) => return Step::Done(SpfResult::None, Reason::NoRecord),
            (Some(_), Some(_)) => Reason::SeveralRecords(self.domain.to_string()),
            (Some((_, text)), None) if text.len() > world.limits.record_bytes => {
                Reason::RecordTooLong(self.domain.to_string())
            }
            (Some((at, text)), None) => {
                if self.by.is_none() {
                    *own = texts.map(|texts| (Arc::clone(texts), at));
                }
                match text.spf() {
                    Ok(record) => {
                        self.record = Some(record);
                        return Step::Again;
                    }
                    Err(error) => Reason::Syntax(self.domain.to_string(), error),
                }
            }
        };
        Step::Done(SpfResult::PermError, error)
    }
}

//! The DNS Tree Walk (RFC 9989 section 4.10).

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::record::{Record, Suffix};
use crate::name::Domain;
use crate::query::{Answers, DnsError, RecordKind, Records, Text};

/// Why there is no result of a walk.
pub(super) enum Stop {
    /// An answer is missing.
    Wait,
    Failed(String),
}

/// Walks through one tree. Each goes on from where it waits.
#[derive(Debug, Default)]
pub(super) struct Walks {
    pub(super) answers: Answers,
    walks: Vec<Walk>,
}

impl Walks {
    /// The DNS Tree Walk from `domain` (section 4.10), which is in lower case.
    pub(super) fn walk(&mut self, domain: &Domain) -> Result<&Walk, Stop> {
        self.go_on(domain, Walk::go_on)
    }

    /// The first step of it: the record of `domain` itself.
    pub(super) fn first(&mut self, domain: &Domain) -> Result<Option<&Arc<Record>>, Stop> {
        let walk = self.go_on(domain, |walk, answers| match walk.at {
            Some(0) => walk.step(0, answers),
            _ => Ok(()),
        })?;
        Ok(walk.first.as_ref())
    }

    fn go_on(
        &mut self,
        domain: &Domain,
        go_on: impl Fn(&mut Walk, &mut Answers) -> Result<(), Stop>,
    ) -> Result<&Walk, Stop> {
        let known = self.walks.iter().position(|walk| walk.start == *domain);
        let at = known.unwrap_or(self.walks.len());
        if known.is_none() {
            // There is seldom another than that of the author's domain.
            if self.walks.is_empty() {
                self.walks.reserve_exact(1);
            }
            self.walks.push(Walk::new(domain.clone()));
        }
        let walk = self.walks.get_mut(at).ok_or(Stop::Wait)?;
        go_on(walk, &mut self.answers)?;
        Ok(walk)
    }
}

/// A walk, and what it found. Of the records those are kept that could decide: that of the
/// domain it began at and the last two.
#[derive(Debug)]
pub(super) struct Walk {
    start: Domain,
    /// Where in `start` the name begins that is looked at; `None` behind the last one.
    at: Option<usize>,
    /// The question put about it.
    question: Option<usize>,
    first: Option<Arc<Record>>,
    before_last: Option<Found>,
    last: Option<Found>,
}

/// A record, and where in the domain that the walk began at its own begins.
pub(super) type Found = (usize, Arc<Record>);

impl Walk {
    fn new(start: Domain) -> Self {
        Walk {
            start,
            at: Some(0),
            question: None,
            first: None,
            before_last: None,
            last: None,
        }
    }

    fn go_on(&mut self, answers: &mut Answers) -> Result<(), Stop> {
        while let Some(at) = self.at {
            self.step(at, answers)?;
        }
        Ok(())
    }

    /// Looks at the name that begins at `at`.
    fn step(&mut self, at: usize, answers: &mut Answers) -> Result<(), Stop> {
        let target = self.start.as_str().get(at..).unwrap_or_default();
        let question = self.question.or_else(|| ask(answers, target));
        self.question = question;
        let found = match question.map(|question| answers.get(question)) {
            Some(None) => return Err(Stop::Wait),
            Some(Some(Err(DnsError::Temporary))) => {
                return Err(Stop::Failed([BELOW, target].concat()));
            }
            Some(Some(Ok(Records::Txt(texts)))) => only_record(texts),
            // Where no such name can be asked for, nothing is there either.
            Some(Some(_)) | None => None,
        };
        self.question = None;
        self.at = above(target).map(|above| at + above);
        if let Some(record) = found {
            if record.suffix != Suffix::Unknown {
                self.at = None;
            }
            if at == 0 {
                self.first = Some(Arc::clone(&record));
            }
            self.before_last = self.last.replace((at, record));
        }
        Ok(())
    }

    /// Where the organizational domain of the domain that the walk began at begins in it
    /// (section 4.10.2).
    pub(super) fn organization(&self) -> usize {
        match &self.last {
            None => 0,
            Some((at, record)) if *at > 0 && record.suffix == Suffix::Public => {
                one_below(self.start.as_str(), *at)
            }
            // It says so, or it is the shortest.
            Some((at, _)) => *at,
        }
    }

    /// The record that applies and where its domain begins (section 4.10.1): of the domain
    /// that the walk began at, of its organization, or of the public suffix above that.
    pub(super) fn policy_record(&self) -> Option<(usize, &Arc<Record>)> {
        if let Some(record) = &self.first {
            return Some((0, record));
        }
        let organization = self.organization();
        let before = self.before_last.as_ref();
        let of_organization = before.filter(|(at, _)| *at == organization);
        let (at, record) = of_organization.or(self.last.as_ref())?;
        Some((*at, record))
    }
}

/// What is put before a domain to ask for its record.
const BELOW: &str = "_dmarc.";

/// Puts the question for the record of a domain, if there is a name for it.
fn ask(answers: &mut Answers, domain: &str) -> Option<usize> {
    let is_it = |name: &str| {
        let (below, rest) = name.split_at_checked(BELOW.len()).unwrap_or_default();
        rest == domain && below == BELOW
    };
    if let Some(known) = answers.find_by(RecordKind::Txt, is_it) {
        return Some(known);
    }
    let mut room = [0; 253];
    let name = room.get_mut(..BELOW.len() + domain.len())?;
    let (below, rest) = name.split_at_mut(BELOW.len());
    below.copy_from_slice(BELOW.as_bytes());
    rest.copy_from_slice(domain.as_bytes());
    let name = core::str::from_utf8(name).ok()?;
    Some(answers.put(name.into(), RecordKind::Txt))
}

/// Where in a name that begins which is looked at next: of more than eight labels those
/// beyond the seventh are jumped over.
fn above(name: &str) -> Option<usize> {
    let name = name.as_bytes();
    let dots = name.iter().filter(|b| **b == b'.').count();
    let jumped = (dots + 1).saturating_sub(8);
    let mut dots = name.iter().enumerate().filter(|(_, b)| **b == b'.');
    dots.nth(jumped).map(|(at, _)| at + 1)
}

/// The one DMARC record among TXT records; several are none (section 4.10, step 2).
fn only_record(texts: &[Text]) -> Option<Arc<Record>> {
    let mut records = texts.iter().filter_map(Text::dmarc);
    let record = records.next()?;
    match records.next() {
        None => Some(record),
        Some(_) => None,
    }
}

/// Where the ancestor of `start` begins that is one label below the one at `suffix`.
fn one_below(start: &str, suffix: usize) -> usize {
    let labels = start.get(..suffix.saturating_sub(1)).unwrap_or_default();
    labels.rfind('.').map_or(0, |dot| dot + 1)
}

/// Whether `name` is `domain` or below it, in whatever case.
pub(super) fn is_within(name: &str, domain: &str) -> bool {
    let Some(start) = name.len().checked_sub(domain.len()) else {
        return false;
    };
    let (name, domain) = (name.as_bytes(), domain.as_bytes());
    let tail = name.get(start..).unwrap_or_default();
    tail.eq_ignore_ascii_case(domain) && (start == 0 || name.get(start - 1) == Some(&b'.'))
}

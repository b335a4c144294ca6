//! The DNS Tree Walk (RFC 9989 section 4.10).

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use super::record::{Record, Suffix};
use crate::query::{Answers, DnsError, RecordKind, Records, Text};

/// Why there is no result of a walk.
pub(super) enum Stop {
    /// An answer is missing.
    Wait,
    Failed(String),
}

/// The DNS Tree Walk from `domain` (section 4.10).
pub(super) fn walk(answers: &mut Answers, domain: &str) -> Result<Walk, Stop> {
    let mut records = Vec::new();
    let mut target = domain;
    loop {
        let name = alloc::format!("_dmarc.{target}");
        let found = match name.len() {
            ..=253 => match answers.look_up(&name, RecordKind::Txt) {
                None => return Err(Stop::Wait),
                Some(Err(DnsError::Temporary)) => return Err(Stop::Failed(name)),
                Some(Ok(Records::Txt(texts))) => only_record(texts),
                Some(_) => None,
            },
            // No such name can be asked for, so nothing is there.
            _ => None,
        };
        if let Some(record) = found {
            let is_last = record.suffix != Suffix::Unknown;
            records.push((target.to_owned(), record));
            if is_last {
                break;
            }
        }
        // Of more than eight labels those beyond the seventh are jumped over.
        let labels = target.split('.').count();
        let drop = if labels > 7 { labels - 7 } else { 1 };
        match target.split('.').nth(drop) {
            Some(_) => {
                let dot = target.match_indices('.').nth(drop - 1);
                target = dot
                    .and_then(|(at, _)| target.get(at + 1..))
                    .unwrap_or_default();
            }
            None => break,
        }
    }
    Ok(Walk { records })
}

/// The one DMARC record among TXT records; several are none (section 4.10, step 2).
fn only_record(texts: &[Text]) -> Option<Record> {
    let mut records = texts.iter().filter_map(|text| Record::parse(text));
    let record = records.next()?;
    match records.next() {
        None => Some(record),
        Some(_) => None,
    }
}

/// What a walk found, from the longest domain to the shortest.
pub(super) struct Walk {
    records: Vec<(String, Record)>,
}

impl Walk {
    /// The organizational domain of the domain that the walk began at (section 4.10.2).
    pub(super) fn organization(&self, start: &str) -> String {
        for (domain, record) in &self.records {
            match record.suffix {
                Suffix::Organizational => return domain.clone(),
                Suffix::Public if domain != start => return one_below(start, domain).to_owned(),
                _ => {}
            }
        }
        let shortest = self.records.last();
        shortest.map_or(start, |(domain, _)| domain).to_owned()
    }

    /// The record that applies and where it is (section 4.10.1): of the author's domain,
    /// of its organization, or of the public suffix above that.
    pub(super) fn policy_record(
        &self,
        author: &str,
        organization: &str,
    ) -> Option<(&str, &Record)> {
        let at = |wanted: &str| self.records.iter().find(|(domain, _)| domain == wanted);
        let suffix = || {
            let is_public = |(_, r): &&(String, Record)| r.suffix == Suffix::Public;
            self.records.iter().find(is_public)
        };
        let (domain, record) = at(author).or_else(|| at(organization)).or_else(suffix)?;
        Some((domain, record))
    }
}

/// The ancestor of `start` that is one label below `suffix`.
fn one_below<'a>(start: &'a str, suffix: &str) -> &'a str {
    let above = start.len().saturating_sub(suffix.len() + 1);
    let labels = start.get(..above).unwrap_or_default();
    let at = labels.rfind('.').map_or(0, |dot| dot + 1);
    start.get(at..).unwrap_or(start)
}

/// Whether `name` is `domain` or below it; both in lower case.
pub(super) fn is_within(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

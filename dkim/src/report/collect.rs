//! What a receiver saw, collected until it is reported.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use super::{
    AggregateReport, Disposition, DkimAuth, Metadata, OverrideReason, PublishedPolicy, Row, SpfAuth,
};
use crate::dmarc::{self, Alignment, DmarcResult, Identifier, Policy, Record, Verdict};
use crate::name::Domain;
use crate::outcome::Outcome;
use crate::spf;

/// What was found about one message.
#[derive(Clone, Debug)]
pub struct Observation<'a> {
    /// The verdict of DMARC; without a record in it nothing is collected.
    pub dmarc: &'a Verdict,
    /// The verdict of SPF on MAIL FROM.
    pub spf: Option<&'a spf::Verdict>,
    /// Signatures.
    pub dkim: &'a [Outcome],
    /// The client.
    pub source_ip: IpAddr,
    /// The domain of the recipient, if it is to be told.
    pub envelope_to: Option<&'a str>,
    /// What was done, where that is not what the verdict says, and why.
    pub overridden: Option<(Policy, OverrideReason)>,
}

/// Rows of all policy domains, equal ones counted together.
///
/// Memory is that of distinct rows, at most as many as asked for; messages beyond that
/// only count ([`dropped`](Self::dropped)).
#[derive(Debug)]
pub struct Collector {
    domains: BTreeMap<String, (PublishedPolicy, BTreeMap<Row, u64>)>,
    rows: usize,
    most: usize,
    dropped: u64,
}

impl Collector {
    /// A collector of at most `most` distinct rows.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Collector {
            domains: BTreeMap::new(),
            rows: 0,
            most,
            dropped: 0,
        }
    }

    /// Adds a message. A policy that changed replaces the one before it: reports name the
    /// last one (RFC 9990 section 3.1).
    pub fn add(&mut self, seen: &Observation<'_>) {
        let verdict = seen.dmarc;
        let (Some(domain), Some(record)) = (verdict.policy_domain(), &verdict.record) else {
            return;
        };
        let Some(author) = &verdict.author else {
            return;
        };
        let row = row(seen, author);
        let known = self
            .domains
            .get(domain)
            .is_some_and(|(_, rows)| rows.contains_key(&row));
        if !known && self.rows >= self.most {
            self.dropped += 1;
            return;
        }
        let (policy, rows) = self.domains.entry(domain.to_string()).or_default();
        *policy = published(domain, record);
        self.rows += usize::from(!known);
        *rows.entry(row).or_default() += 1;
    }

    /// Messages that were not collected because there were too many distinct rows.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes everything out: a report for each policy domain. `metadata` is called with
    /// the domain, and gives each report an id of its own.
    pub fn take(&mut self, mut metadata: impl FnMut(&str) -> Metadata) -> Vec<AggregateReport> {
        self.rows = 0;
        self.dropped = 0;
        let domains = core::mem::take(&mut self.domains).into_iter();
        let reports = domains.map(|(domain, (policy, rows))| AggregateReport {
            metadata: metadata(&domain),
            policy,
            rows: rows
                .into_iter()
                .map(|(row, count)| Row { count, ..row })
                .collect(),
        });
        reports.collect()
    }
}

fn published(domain: &str, record: &Record) -> PublishedPolicy {
    let policy = |policy: Option<Policy>| policy.map(|p| p.to_string());
    let alignment = |alignment| match alignment {
        Alignment::Relaxed => Some("r".to_string()),
        Alignment::Strict => Some("s".to_string()),
    };
    let dmarc::FailureOptions { any, dkim, spf } = record.failure_options;
    let options = [(true, if any { "1" } else { "0" }), (dkim, "d"), (spf, "s")];
    let options: Vec<&str> = options
        .iter()
        .filter(|(set, _)| *set)
        .map(|o| o.1)
        .collect();
    PublishedPolicy {
        domain: domain.to_string(),
        discovery_method: Some("treewalk".to_string()),
        p: record.policy.unwrap_or(Policy::None).to_string(),
        sp: policy(record.subdomains),
        np: policy(record.nonexistent),
        adkim: alignment(record.dkim_alignment),
        aspf: alignment(record.spf_alignment),
        fo: Some(options.join(":")),
        testing: Some(if record.testing { "y" } else { "n" }.to_string()),
    }
}

/// A row that stands for no message yet.
fn row(seen: &Observation<'_>, author: &Domain) -> Row {
    let verdict = seen.dmarc;
    let aligned = |is: fn(&Identifier) -> bool| verdict.aligned.iter().any(|a| is(&a.identifier));
    let enforcing = verdict.policy.is_some_and(|policy| policy != Policy::None);
    let mut reasons = Vec::new();
    let done = match &seen.overridden {
        Some((done, reason)) => {
            reasons.push(reason.clone());
            *done
        }
        None => verdict.disposition,
    };
    let is_milder =
        verdict.result == DmarcResult::Fail && Some(verdict.disposition) < verdict.policy;
    if is_milder && verdict.record.as_ref().is_some_and(|r| r.testing) {
        reasons.push(OverrideReason {
            kind: "policy_test_mode".to_string(),
            comment: None,
        });
    }
    Row {
        source_ip: seen.source_ip.to_canonical(),
        count: 0,
        disposition: match done {
            Policy::None if verdict.result == DmarcResult::Pass && enforcing => Disposition::Pass,
            Policy::None => Disposition::None,
            Policy::Quarantine => Disposition::Quarantine,
            Policy::Reject => Disposition::Reject,
        },
        dkim_aligned: aligned(|i| matches!(i, Identifier::Dkim(_))),
        spf_aligned: aligned(|i| matches!(i, Identifier::Spf(_))),
        reasons,
        header_from: author.as_str().to_ascii_lowercase(),
        envelope_from: seen.spf.map(|spf| spf.domain().to_ascii_lowercase()),
        envelope_to: seen.envelope_to.map(str::to_ascii_lowercase),
        dkim: signatures(seen),
        spf: seen.spf.map(|spf| SpfAuth {
            domain: spf.domain().to_ascii_lowercase(),
            scope: Some("mfrom".to_string()),
            result: spf.result.to_string(),
            human_result: None,
        }),
    }
}

/// Signatures in the order of RFC 9990 section 3.1.3, at most a hundred.
fn signatures(seen: &Observation<'_>) -> Vec<DkimAuth> {
    let rank = |outcome: &Outcome| {
        let passes = outcome.result() == crate::DkimResult::Pass;
        let aligned = seen.dmarc.aligned.iter().find(|aligned| {
            matches!(&aligned.identifier, Identifier::Dkim(d) if Some(d) == outcome.domain())
        });
        match aligned {
            Some(aligned) if passes && aligned.strictly => 0,
            Some(_) if passes => 1,
            _ if passes => 2,
            _ => 3,
        }
    };
    let mut outcomes: Vec<&Outcome> = seen.dkim.iter().filter(|o| o.domain().is_some()).collect();
    outcomes.sort_by_key(|outcome| rank(outcome));
    let auth = |outcome: &Outcome| {
        Some(DkimAuth {
            domain: outcome.domain()?.as_str().to_ascii_lowercase(),
            selector: outcome.selector().map(ToString::to_string),
            result: outcome.result().to_string(),
            human_result: None,
        })
    };
    outcomes.into_iter().take(100).filter_map(auth).collect()
}

//! Where reports may go (RFC 9990 section 4, for failure reports RFC 9991 section 5).

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use super::record::{Record, ReportUri, Suffix};
use super::walk::{Stop, Walks};
use crate::name::Domain;
use crate::query::{DnsError, Misuse, Query, QueryId, RecordKind, Records};

/// What becomes of one URI of `rua` or `ruf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// As the policy record asks.
    pub asked: ReportUri,
    /// Where a report is to be sent: there, or where its host redirects it; or why nowhere.
    pub send_to: Result<Vec<ReportUri>, NoReport>,
}

/// Why no report goes to a URI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoReport {
    /// It has no host that could be asked.
    #[error("the URI has no host name (RFC 9990 section 4)")]
    NoHost,
    /// It is of another organization, which does not say that it takes reports.
    #[error("there is no consent at {0} (RFC 9990 section 4)")]
    NoConsent(String),
    /// The name at which the consent would be is too long for DNS.
    #[error("the name of the consent is over 253 octets (RFC 9990 section 4, step 4)")]
    NameTooLong,
    /// The consent redirects to yet another host.
    #[error("the consent at {0} names another host (RFC 9990 section 4, step 9)")]
    ForeignOverride(String),
    /// DNS gave no usable answer for this name: try again later.
    #[error("DNS failed for {0}")]
    DnsFailed(String),
    /// A public suffix (`psd=y`) gets no failure reports.
    #[error("a public suffix gets no failure reports (RFC 9991 section 3)")]
    PublicSuffix,
    /// There are more than [`Destinations::MOST`] URIs.
    #[error("too many URIs")]
    TooMany,
}

/// The verification of the URIs that a policy record wants reports sent to.
///
/// Anybody can name a victim in `rua`. A host of another organization than that of the
/// record is asked for its consent: `_report._dmarc`, below it.
///
/// ```
/// use scop_dkim::dmarc::{Destinations, Record};
/// use scop_dkim::{DnsError, Domain, Records};
///
/// let record = Record::parse(b"v=DMARC1; p=none; rua=mailto:reports@red.example.net").unwrap();
/// let mut destinations = Destinations::of_aggregate(&Domain::new("blue.example.com")?, &record);
/// while let Some(query) = destinations.next_query() {
///     destinations.answer(query.id, match &*query.name {
///         "blue.example.com._report._dmarc.red.example.net" => Ok(Records::txt(["v=DMARC1"])),
///         _ => Err(DnsError::NotFound),
///     })?;
/// }
/// let verified = destinations.verified().unwrap();
/// assert_eq!(verified[0].send_to.as_ref().unwrap()[0].as_str(), "mailto:reports@red.example.net");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Destinations {
    policy_domain: Domain,
    asked: Vec<ReportUri>,
    wanted: Wanted,
    psd: bool,
    walks: Walks,
    verified: Option<Vec<Destination>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Aggregate,
    Failure,
}

impl Destinations {
    /// How many URIs are looked at: each may cost nine queries.
    pub const MOST: usize = 10;

    /// For aggregate reports: `rua` of the record that was found at `policy_domain`.
    #[must_use]
    pub fn of_aggregate(policy_domain: &Domain, record: &Record) -> Self {
        Self::new(policy_domain, record, Wanted::Aggregate)
    }

    /// For failure reports: `ruf`.
    #[must_use]
    pub fn of_failure(policy_domain: &Domain, record: &Record) -> Self {
        Self::new(policy_domain, record, Wanted::Failure)
    }

    fn new(policy_domain: &Domain, record: &Record, wanted: Wanted) -> Self {
        Destinations {
            policy_domain: policy_domain.clone(),
            asked: wanted.of(record).to_vec(),
            wanted,
            psd: record.suffix == Suffix::Public,
            walks: Walks::default(),
            verified: None,
        }
    }

    /// The next DNS question; `None` when there is none until an answer comes, or when
    /// all is known.
    pub fn next_query(&mut self) -> Option<Query> {
        self.run();
        match self.verified {
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
        self.run();
        Ok(())
    }

    /// What becomes of each URI, in the order of the record, once no answer is missing.
    #[must_use]
    pub fn verified(&self) -> Option<&[Destination]> {
        self.verified.as_deref()
    }

    fn run(&mut self) {
        if self.verified.is_none() {
            let asked = core::mem::take(&mut self.asked);
            let mut all: Option<Vec<Destination>> = Some(Vec::new());
            for (at, uri) in asked.iter().enumerate() {
                // All are gone through, so that their questions leave together.
                let send_to = match at {
                    Self::MOST.. => Some(Err(NoReport::TooMany)),
                    _ => self.verify(uri),
                };
                all = all.zip(send_to).map(|(mut all, send_to)| {
                    let asked = uri.clone();
                    all.push(Destination { asked, send_to });
                    all
                });
            }
            self.asked = asked;
            self.verified = all;
        }
    }

    fn verify(&mut self, uri: &ReportUri) -> Option<Result<Vec<ReportUri>, NoReport>> {
        if self.wanted == Wanted::Failure && self.psd {
            return Some(Err(NoReport::PublicSuffix));
        }
        let Some(host) = uri.host() else {
            return Some(Err(NoReport::NoHost));
        };
        let host = host.to_lower();
        let policy_domain = self.policy_domain.to_lower();
        if host == policy_domain {
            return Some(Ok(alloc::vec![uri.clone()]));
        }
        // Both walks begin before either waits.
        let (theirs, ours) = (self.organization(&host), self.organization(&policy_domain));
        match (theirs?, ours?) {
            (Ok(theirs), Ok(ours)) if theirs == ours => {
                return Some(Ok(alloc::vec![uri.clone()]));
            }
            (Ok(_), Ok(_)) => {}
            (Err(name), _) | (_, Err(name)) => return Some(Err(NoReport::DnsFailed(name))),
        }
        let name = alloc::format!("{policy_domain}._report._dmarc.{host}");
        if name.len() > 253 {
            return Some(Err(NoReport::NameTooLong));
        }
        let records: Vec<Record> = match self.walks.answers.look_up(&name, RecordKind::Txt)? {
            Ok(Records::Txt(texts)) => texts.iter().filter_map(|t| Record::parse(t)).collect(),
            Err(DnsError::Temporary) => return Some(Err(NoReport::DnsFailed(name))),
            _ => Vec::new(),
        };
        if records.is_empty() {
            return Some(Err(NoReport::NoConsent(name)));
        }
        let overriding = records.iter().flat_map(|record| self.wanted.of(record));
        let mut overriding: Vec<ReportUri> = overriding.take(Self::MOST).cloned().collect();
        let is_theirs = |uri: &ReportUri| {
            let other = uri.host();
            other.is_some_and(|other| other.as_str().eq_ignore_ascii_case(host.as_str()))
        };
        if !overriding.iter().all(is_theirs) {
            return Some(Err(NoReport::ForeignOverride(name)));
        }
        if overriding.is_empty() {
            overriding.push(uri.clone());
        }
        Some(Ok(overriding))
    }

    /// The organizational domain, or the name at which DNS failed.
    fn organization(&mut self, domain: &Domain) -> Option<Result<String, String>> {
        match self.walks.walk(domain) {
            Ok(walk) => {
                let organization = domain.as_str().get(walk.organization()..);
                Some(Ok(organization.unwrap_or_default().to_owned()))
            }
            Err(Stop::Failed(name)) => Some(Err(name)),
            Err(Stop::Wait) => None,
        }
    }
}

impl Wanted {
    fn of(self, record: &Record) -> &[ReportUri] {
        match self {
            Wanted::Aggregate => &record.aggregate_reports,
            Wanted::Failure => &record.failure_reports,
        }
    }
}

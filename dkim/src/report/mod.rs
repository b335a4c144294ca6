//! Aggregate reports of DMARC (RFC 9990): what a receiver tells a domain about mail that
//! used its name. Collected, written, packed, mailed, unpacked and read. And
//! [reports of TLS](TlsReport) (RFC 8460), written, packed, mailed and read.
//!
//! ```
//! use scop_dkim::report::{AggregateReport, Limits, unpack};
//!
//! # let attachment = include_bytes!("../../tests/fixtures/report-rfc9990.xml");
//! let xml = unpack(attachment, &Limits::default())?; // gzip, zip, or XML as it is
//! let (report, defects) = AggregateReport::from_xml(&xml, &Limits::default())?;
//! assert_eq!(report.policy.domain, "example.com");
//! for row in &report.rows {
//!     println!("{} {} x {}", row.source_ip, row.disposition, row.count);
//! }
//! assert!(defects.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Reports of RFC 7489, which most receivers still send, are read as well. What an
//! attachment unpacks to is bounded, as is everything that is read from it.
//! [`Received::read`] takes the whole mail, whatever kind of report is in it.

mod collect;
mod mail;
mod pack;
mod read;
mod received;
mod tls;
mod write;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

pub use collect::{Collector, Observation};
pub use pack::{UnpackError, file_name, pack, subject, unpack};
pub use read::{Limits, ReportDefect, ReportError};
pub use received::{Received, ReceivedError};
pub use tls::{TlsFailure, TlsPolicy, TlsPolicyType, TlsReport, TlsResult};

/// A report about one policy domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateReport {
    /// Who reports, and on which time.
    pub metadata: Metadata,
    /// The policy that was found.
    pub policy: PublishedPolicy,
    /// What was seen.
    pub rows: Vec<Row>,
}

/// `report_metadata`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The organization that reports.
    pub org_name: String,
    /// Its address.
    pub email: String,
    /// More about how to reach it.
    pub extra_contact_info: Option<String>,
    /// Unique among its reports.
    pub report_id: String,
    /// The first second, since 1970.
    pub begin: u64,
    /// The last one.
    pub end: u64,
    /// What was wrong with the policy record.
    pub errors: Vec<String>,
    /// The program that made the report.
    pub generator: Option<String>,
}

/// `policy_published`. What a report leaves out is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishedPolicy {
    /// Where the record was.
    pub domain: String,
    /// `psl` or `treewalk`.
    pub discovery_method: Option<String>,
    /// `none`, `quarantine` or `reject`.
    pub p: String,
    /// For subdomains.
    pub sp: Option<String>,
    /// For subdomains that do not exist.
    pub np: Option<String>,
    /// `r` or `s`.
    pub adkim: Option<String>,
    /// `r` or `s`.
    pub aspf: Option<String>,
    /// Failure reporting options.
    pub fo: Option<String>,
    /// `y` in test mode.
    pub testing: Option<String>,
}

/// `record`: what was seen of one client with one outcome.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The client.
    pub source_ip: IpAddr,
    /// How many messages.
    pub count: u64,
    /// What was done with them.
    pub disposition: Disposition,
    /// Whether an aligned DKIM signature passed.
    pub dkim_aligned: bool,
    /// Whether SPF passed, aligned.
    pub spf_aligned: bool,
    /// Why something else was done than the policy says.
    pub reasons: Vec<OverrideReason>,
    /// The author's domain.
    pub header_from: String,
    /// The domain of MAIL FROM; empty for the null reverse-path.
    pub envelope_from: Option<String>,
    /// The domain of the recipient.
    pub envelope_to: Option<String>,
    /// Signatures.
    pub dkim: Vec<DkimAuth>,
    /// SPF.
    pub spf: Option<SpfAuth>,
}

/// What was done with a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disposition {
    /// Nothing.
    None,
    /// Nothing; it passed, under a policy that would have acted.
    Pass,
    /// It was set aside.
    Quarantine,
    /// It was rejected.
    Reject,
    /// A word that the schema does not know.
    Other(String),
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Disposition::None => "none",
            Disposition::Pass => "pass",
            Disposition::Quarantine => "quarantine",
            Disposition::Reject => "reject",
            Disposition::Other(word) => word,
        })
    }
}

/// `reason` of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct OverrideReason {
    /// `local_policy`, `mailing_list`, `policy_test_mode`, `trusted_forwarder`, `other`.
    pub kind: String,
    /// More about it.
    pub comment: Option<String>,
}

/// The result of one signature.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DkimAuth {
    /// `d=`.
    pub domain: String,
    /// `s=`; reports of RFC 7489 may leave it out.
    pub selector: Option<String>,
    /// A result of RFC 8601 section 2.7.1.
    pub result: String,
    /// For people.
    pub human_result: Option<String>,
}

/// The result of SPF.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpfAuth {
    /// The domain that was checked.
    pub domain: String,
    /// `mfrom`; in reports of RFC 7489 also `helo`.
    pub scope: Option<String>,
    /// A result of RFC 8601 section 2.7.2.
    pub result: String,
    /// For people.
    pub human_result: Option<String>,
}

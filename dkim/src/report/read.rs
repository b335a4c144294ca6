//! Reports from XML, leniently: elements in any order, of any namespace, unknown ones
//! passed over; a record that cannot be read does not lose the others.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::Event;

use super::write::chars_of_xml;
use super::{
    AggregateReport, Disposition, DkimAuth, Metadata, OverrideReason, PublishedPolicy, Row, SpfAuth,
};

/// Bounds on what a report may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of XML or JSON, unpacked. Default 64 MiB.
    pub bytes: usize,
    /// Records; of a report of TLS policies. Default 500,000.
    pub records: usize,
    /// Octets of one text; what is beyond is cut off. Default 4 KiB.
    pub text: usize,
    /// Elements within each other. Default 32.
    pub depth: usize,
    /// Signatures and reasons of one record; the RFC says 100 at most. Default 100.
    pub results: usize,
    /// Values in a JSON report. Default 1,000,000.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            bytes: 64 << 20,
            records: 500_000,
            text: 4 << 10,
            depth: 32,
            results: 100,
            values: 1_000_000,
        }
    }
}

/// A report that cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It is no well-formed XML: what the parser says, and where.
    #[error("not well-formed XML at byte {offset}: {problem}")]
    Malformed {
        /// Bytes from the start.
        offset: u64,
        /// What is wrong.
        problem: String,
    },
    /// The root is another element than `feedback`, or none.
    #[error(
        "no DMARC aggregate report: the root element is not \"feedback\" (RFC 9990 section 3.1.1)"
    )]
    NotFeedback,
    /// An element that must be there is not.
    #[error("the report has no \"{0}\" (RFC 9990 section 3.1.1)")]
    Missing(&'static str),
    /// It is no JSON: what the parser says, and where.
    #[error("not JSON at line {line}, column {column}: {problem}")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// JSON that is no object with an array `policies`.
    #[error("no TLS report: JSON without an array \"policies\" (RFC 8460 section 4.4)")]
    NotTls,
    /// A key that must be there is not, or its value cannot be read.
    #[error("the report has no valid \"{0}\" (RFC 8460 section 4.4)")]
    MissingKey(&'static str),
    /// Over [`Limits::bytes`], [`Limits::records`], [`Limits::depth`] or
    /// [`Limits::values`].
    #[error("the report is over the limit: {0}")]
    Limit(&'static str),
}

/// Something in a report that was left out, or read as the problem says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", of_record(*record))]
pub struct ReportDefect {
    /// Which record, of a report of TLS which policy, from 1; 0 for all of it.
    pub record: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

fn of_record(record: usize) -> String {
    match record {
        0 => String::new(),
        _ => alloc::format!("record {record}: "),
    }
}

impl AggregateReport {
    /// Reads a report, and tells which records could not be. Cost: linear.
    ///
    /// # Errors
    /// [`ReportError`] when there is no report in it.
    pub fn from_xml(xml: &[u8], limits: &Limits) -> Result<(Self, Vec<ReportDefect>), ReportError> {
        if xml.len() > limits.bytes {
            return Err(ReportError::Limit("bytes"));
        }
        let xml = String::from_utf8_lossy(xml);
        let mut reader = Reader::from_str(&xml);
        let mut state = State::new(limits);
        loop {
            let offset = reader.buffer_position();
            let malformed = |problem: String| ReportError::Malformed { offset, problem };
            match reader.read_event() {
                Err(error) => return Err(malformed(alloc::format!("{error}"))),
                Ok(Event::Eof) => break,
                Ok(Event::Start(element)) => {
                    state.start(element.local_name().as_ref())?;
                }
                Ok(Event::Empty(element)) => {
                    state.start(element.local_name().as_ref())?;
                    state.end();
                }
                Ok(Event::End(_)) => state.end(),
                Ok(Event::Text(text)) => state.text(&text),
                Ok(Event::CData(text)) => state.text(&text),
                Ok(Event::GeneralRef(name)) => {
                    let name: &str = &name;
                    // Only what XML itself defines: no entity of the document's own.
                    match resolve_predefined_entity(name) {
                        Some(text) => state.text(text),
                        None if name.starts_with('#') => {
                            let text = alloc::format!("&{name};");
                            // A character that XML does not have is one for which there is no
                            // room, as where it stands for itself; the report goes on.
                            let text = unescape(&text).unwrap_or("\u{fffd}".into());
                            state.text(&text);
                        }
                        None => {}
                    }
                }
                Ok(_) => {}
            }
        }
        state.finish()
    }
}

struct State<'l> {
    limits: &'l Limits,
    path: Vec<String>,
    text: String,
    metadata: Metadata,
    policy: PublishedPolicy,
    seen: Seen,
    row: Draft,
    rows: Vec<Row>,
    records: usize,
    defects: Vec<ReportDefect>,
}

#[derive(Default)]
struct Seen {
    root: bool,
    policy: bool,
    begin: Option<u64>,
    end: Option<u64>,
}

/// A record that is being read.
#[derive(Default)]
struct Draft {
    source_ip: Option<IpAddr>,
    count: Option<u64>,
    disposition: Option<Disposition>,
    dkim_aligned: bool,
    spf_aligned: bool,
    reasons: Vec<OverrideReason>,
    header_from: Option<String>,
    envelope_from: Option<String>,
    envelope_to: Option<String>,
    dkim: Vec<DkimAuth>,
    spf: Option<SpfAuth>,
}

impl Draft {
    fn row(self) -> Result<Row, &'static str> {
        Ok(Row {
            source_ip: self
                .source_ip
                .ok_or("no valid source_ip; it was left out")?,
            count: self.count.ok_or("no valid count; it was left out")?,
            disposition: self.disposition.ok_or("no disposition; it was left out")?,
            dkim_aligned: self.dkim_aligned,
            spf_aligned: self.spf_aligned,
            reasons: self.reasons,
            header_from: self.header_from.ok_or("no header_from; it was left out")?,
            envelope_from: self.envelope_from,
            envelope_to: self.envelope_to,
            dkim: self.dkim,
            spf: self.spf,
        })
    }
}

impl<'l> State<'l> {
    fn new(limits: &'l Limits) -> Self {
        State {
            limits,
            path: Vec::new(),
            text: String::new(),
            metadata: Metadata::default(),
            policy: PublishedPolicy::default(),
            seen: Seen::default(),
            row: Draft::default(),
            rows: Vec::new(),
            records: 0,
            defects: Vec::new(),
        }
    }

    fn start(&mut self, name: &str) -> Result<(), ReportError> {
        if self.path.len() >= self.limits.depth {
            return Err(ReportError::Limit("depth"));
        }
        if self.path.is_empty() {
            if name != "feedback" || self.seen.root {
                return Err(ReportError::NotFeedback);
            }
            self.seen.root = true;
        }
        self.path.push(name.to_owned());
        self.text.clear();
        let path: Vec<&str> = self.path.iter().skip(1).map(String::as_str).collect();
        match path.as_slice() {
            ["policy_published"] => self.seen.policy = true,
            ["record"] => {
                self.records += 1;
                if self.records > self.limits.records {
                    return Err(ReportError::Limit("records"));
                }
                self.row = Draft::default();
            }
            ["record", "row", "policy_evaluated", "reason"]
                if self.row.reasons.len() < self.limits.results =>
            {
                self.row.reasons.push(OverrideReason::default());
            }
            ["record", "auth_results", "dkim"] if self.row.dkim.len() < self.limits.results => {
                self.row.dkim.push(DkimAuth::default());
            }
            // RFC 7489 allowed several; the first counts.
            ["record", "auth_results", "spf"] if self.row.spf.is_none() => {
                self.row.spf = Some(SpfAuth::default());
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let room = self.limits.text.saturating_sub(self.text.len());
        let fits = text.floor_char_boundary(room);
        self.text.push_str(text.get(..fits).unwrap_or_default());
    }

    fn end(&mut self) {
        let value = chars_of_xml(&core::mem::take(&mut self.text));
        let value = value.trim();
        let path: Vec<&str> = self.path.iter().skip(1).map(String::as_str).collect();
        let text = || Some(value.to_owned());
        let row = &mut self.row;
        match path.as_slice() {
            ["report_metadata", name] => match *name {
                "org_name" => self.metadata.org_name = value.to_owned(),
                "email" => self.metadata.email = value.to_owned(),
                "extra_contact_info" => self.metadata.extra_contact_info = text(),
                "report_id" => self.metadata.report_id = value.to_owned(),
                "error" if self.metadata.errors.len() < self.limits.results => {
                    self.metadata.errors.push(value.to_owned());
                }
                "generator" => self.metadata.generator = text(),
                _ => {}
            },
            ["report_metadata", "date_range", name] => match *name {
                "begin" => {
                    self.seen.begin = seconds(value);
                    self.metadata.begin = self.seen.begin.unwrap_or_default();
                }
                "end" => {
                    self.seen.end = seconds(value);
                    self.metadata.end = self.seen.end.unwrap_or_default();
                }
                _ => {}
            },
            ["policy_published", name] => match *name {
                "domain" => self.policy.domain = value.to_owned(),
                "discovery_method" => self.policy.discovery_method = text(),
                "p" => self.policy.p = value.to_owned(),
                "sp" => self.policy.sp = text(),
                "np" => self.policy.np = text(),
                "adkim" => self.policy.adkim = text(),
                "aspf" => self.policy.aspf = text(),
                "fo" => self.policy.fo = text(),
                "testing" => self.policy.testing = text(),
                _ => {}
            },
            ["record", "row", "source_ip"] => row.source_ip = value.parse().ok(),
            ["record", "row", "count"] => row.count = value.parse().ok(),
            ["record", "row", "policy_evaluated", name] => match *name {
                "disposition" => row.disposition = Some(disposition(value)),
                "dkim" => row.dkim_aligned = value.eq_ignore_ascii_case("pass"),
                "spf" => row.spf_aligned = value.eq_ignore_ascii_case("pass"),
                _ => {}
            },
            ["record", "row", "policy_evaluated", "reason", name] => {
                match (*name, row.reasons.last_mut()) {
                    ("type", Some(reason)) => value.clone_into(&mut reason.kind),
                    ("comment", Some(reason)) => reason.comment = text(),
                    _ => {}
                }
            }
            // `identities` was the name of a draft.
            ["record", "identifiers" | "identities", name] => match *name {
                "header_from" => row.header_from = text(),
                "envelope_from" => row.envelope_from = text(),
                "envelope_to" => row.envelope_to = text(),
                _ => {}
            },
            ["record", "auth_results", "dkim", name] => match (*name, row.dkim.last_mut()) {
                ("domain", Some(dkim)) => value.clone_into(&mut dkim.domain),
                ("selector", Some(dkim)) => dkim.selector = text(),
                ("result", Some(dkim)) => value.clone_into(&mut dkim.result),
                ("human_result", Some(dkim)) => dkim.human_result = text(),
                _ => {}
            },
            ["record", "auth_results", "spf", name] => match (*name, row.spf.as_mut()) {
                ("domain", Some(spf)) if spf.domain.is_empty() => value.clone_into(&mut spf.domain),
                ("scope", Some(spf)) if spf.scope.is_none() => spf.scope = text(),
                ("result", Some(spf)) if spf.result.is_empty() => value.clone_into(&mut spf.result),
                ("human_result", Some(spf)) => spf.human_result = text(),
                _ => {}
            },
            ["record"] => match core::mem::take(row).row() {
                Ok(row) => self.rows.push(row),
                Err(problem) => self.defects.push(ReportDefect {
                    record: self.records,
                    problem,
                }),
            },
            _ => {}
        }
        self.path.pop();
    }

    fn finish(mut self) -> Result<(AggregateReport, Vec<ReportDefect>), ReportError> {
        if !self.seen.root {
            return Err(ReportError::NotFeedback);
        }
        if !self.path.is_empty() {
            return Err(ReportError::Missing("end of the root element"));
        }
        if self.metadata.report_id.is_empty() {
            return Err(ReportError::Missing("report_id"));
        }
        if !self.seen.policy || self.policy.domain.is_empty() {
            return Err(ReportError::Missing("domain of policy_published"));
        }
        for (found, problem) in [
            (
                self.seen.begin,
                "no valid begin of date_range; it stands as 0",
            ),
            (self.seen.end, "no valid end of date_range; it stands as 0"),
        ] {
            if found.is_none() {
                self.defects.push(ReportDefect { record: 0, problem });
            }
        }
        let report = AggregateReport {
            metadata: self.metadata,
            policy: self.policy,
            rows: self.rows,
        };
        Ok((report, self.defects))
    }
}

/// Some receivers write a fraction.
fn seconds(value: &str) -> Option<u64> {
    let whole = value.split_once('.').map_or(value, |(whole, _)| whole);
    whole.parse().ok()
}

fn disposition(value: &str) -> Disposition {
    let known = [
        Disposition::None,
        Disposition::Pass,
        Disposition::Quarantine,
        Disposition::Reject,
    ];
    let is_it = |known: &Disposition| alloc::format!("{known}").eq_ignore_ascii_case(value);
    let found = known.into_iter().find(is_it);
    found.unwrap_or_else(|| Disposition::Other(value.to_owned()))
}

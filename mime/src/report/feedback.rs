//! Feedback reports (RFC 5965), of failed authentication too (RFC 6591, RFC 9991).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::group::{Fields, RawField, Writer, note, set, set_typed};
use super::line::{Line, OtherField, Typed, without_comments};
use super::status::keywords;
use super::{MachinePart, ReportError};
use crate::build::BuildError;
use crate::value::address::quote;
use crate::value::lex::{Cursor, raw_text};
use crate::{DateTime, Decoder, Defect, DefectKind, TransferEncoding};

keywords! {
    /// What a report is about (RFC 5965 7.3).
    FeedbackType {
        /// Unsolicited mail, or other abuse.
        Abuse = "abuse",
        /// Fraud or phishing.
        Fraud = "fraud",
        /// A virus.
        Virus = "virus",
        /// Something else.
        NotListed = "other",
        /// Not abuse: a correction.
        NotSpam = "not-spam",
        /// Authentication that failed (RFC 6591).
        AuthFailure = "auth-failure",
    }
}

keywords! {
    /// Which authentication failed (RFC 6591 3.3, RFC 9991).
    AuthFailure {
        /// The author's domain wants signatures (ADSP, obsolete).
        Adsp = "adsp",
        /// The body is not the one that was signed.
        BodyHash = "bodyhash",
        /// The key was revoked.
        Revoked = "revoked",
        /// The signature is not right.
        Signature = "signature",
        /// SPF.
        Spf = "spf",
        /// DMARC.
        Dmarc = "dmarc",
    }
}

keywords! {
    /// What became of the message (RFC 6591 3.2.2).
    DeliveryResult {
        /// It was delivered.
        Delivered = "delivered",
        /// It was delivered as spam.
        Spam = "spam",
        /// It was not delivered to the inbox because of the failure.
        Policy = "policy",
        /// It was rejected.
        Reject = "reject",
        /// Something else.
        NotListed = "other",
    }
}

/// A DNS record that SPF was judged by (RFC 6591 3.2.6): `txt : a.test : "v=spf1 -all"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpfDns {
    kind: String,
    domain: Line,
    record: Line,
}

impl SpfDns {
    /// A TXT record of that domain.
    ///
    /// # Errors
    ///
    /// As [`Line::new`]; [`BuildError::FieldName`] for a domain with a colon, which
    /// would end it.
    pub fn txt(domain: &str, record: &str) -> Result<Self, BuildError> {
        if domain.contains(':') {
            return Err(BuildError::FieldName("a domain has no colon"));
        }
        Ok(SpfDns {
            kind: "txt".to_string(),
            domain: Line::new(domain)?,
            record: Line::new(record)?,
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (domain, record) = rest.split_once(':')?;
        let kind = without_comments(kind).to_ascii_lowercase();
        (!kind.is_empty()).then(|| SpfDns {
            kind,
            domain: Line::read(&without_comments(domain)),
            record: unquoted(record),
        })
    }

    /// The type of the record in lower case: `txt`, or `spf` of old.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.domain.as_str()
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> &str {
        self.record.as_str()
    }
}

impl fmt::Display for SpfDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = quoted(&self.record);
        write!(f, "{} : {} : {record}", self.kind, self.domain)
    }
}

fn quoted(line: &Line) -> String {
    let mut out = String::new();
    quote(line.as_str(), &mut out);
    out
}

/// The quoted strings of a value, put together; the value where it has none.
fn unquoted(text: &str) -> Line {
    let mut cursor = Cursor::new(text.as_bytes());
    let (mut out, mut some) = (Vec::new(), false);
    loop {
        cursor.skip_cfws();
        match cursor.quoted() {
            Some(string) => {
                out.extend_from_slice(&string);
                some = true;
            }
            None => break,
        }
    }
    match some {
        true => Line::read(&raw_text(&out)),
        false => Line::read(&without_comments(text)),
    }
}

/// What somebody reports about one message: the content of `message/feedback-report`.
/// What is `None` was not said; what could not be read is in `others`.
///
/// ```
/// use scop_mime::report::{FeedbackReport, FeedbackType, Line};
///
/// let report = FeedbackReport {
///     feedback_type: Some(FeedbackType::Abuse),
///     user_agent: Some(Line::new("SomeGenerator/1.0")?),
///     source_ip: Some("192.0.2.1".parse()?),
///     ..FeedbackReport::default()
/// };
/// let part = report.to_part()?;
/// assert_eq!(FeedbackReport::parse(part.bytes()).source_ip, report.source_ip);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedbackReport {
    /// Feedback-Type. Required.
    pub feedback_type: Option<FeedbackType>,
    /// User-Agent: the program that made it. Required.
    pub user_agent: Option<Line>,
    /// Version of the format; `None` is written as 1.
    pub version: Option<u32>,
    /// Original-Envelope-Id.
    pub original_envelope_id: Option<Line>,
    /// Original-Mail-From, without its brackets; empty for a bounce.
    pub original_mail_from: Option<Line>,
    /// Arrival-Date; Received-Date of old as well.
    pub arrival_date: Option<DateTime>,
    /// Reporting-MTA.
    pub reporting_mta: Option<Typed>,
    /// Source-IP: whom the message came from.
    pub source_ip: Option<IpAddr>,
    /// Source-Port (RFC 6692).
    pub source_port: Option<u16>,
    /// Incidents: how many it stands for; 1 where it says nothing.
    pub incidents: Option<u32>,
    /// Authentication-Results, as written.
    pub authentication_results: Vec<Line>,
    /// Original-Rcpt-To, without brackets.
    pub original_rcpt_to: Vec<Line>,
    /// Reported-Domain.
    pub reported_domain: Vec<Line>,
    /// Reported-URI.
    pub reported_uri: Vec<Line>,
    /// Auth-Failure (RFC 6591).
    pub auth_failure: Option<AuthFailure>,
    /// Delivery-Result.
    pub delivery_result: Option<DeliveryResult>,
    /// DKIM-Domain.
    pub dkim_domain: Option<Line>,
    /// DKIM-Identity.
    pub dkim_identity: Option<Line>,
    /// DKIM-Selector.
    pub dkim_selector: Option<Line>,
    /// DKIM-Canonicalized-Header, decoded.
    pub dkim_canonicalized_header: Option<Vec<u8>>,
    /// DKIM-Canonicalized-Body, decoded.
    pub dkim_canonicalized_body: Option<Vec<u8>>,
    /// DKIM-ADSP-DNS, without its quotes.
    pub dkim_adsp_dns: Option<Line>,
    /// DKIM-Selector-DNS, without its quotes.
    pub dkim_selector_dns: Option<Line>,
    /// SPF-DNS.
    pub spf_dns: Vec<SpfDns>,
    /// Identity-Alignment (RFC 9991): the mechanisms that were not aligned, in lower
    /// case.
    pub identity_alignment: Vec<Line>,
    /// Other fields.
    pub others: Vec<OtherField>,
    /// What was wrong with the text it was read from: offsets from its start.
    pub defects: Vec<Defect>,
}

impl FeedbackReport {
    /// Reads the content of a part, without its transfer encoding. Never fails.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        let mut out = FeedbackReport::default();
        let mut defects = out.take_all(body);
        if out.missing().is_some() || out.version.is_none() {
            note(&mut defects, DefectKind::MissingReportField, 0);
        }
        defects.sort_unstable();
        out.defects = defects;
        out
    }

    fn missing(&self) -> Option<ReportError> {
        if self.feedback_type.is_none() {
            return Some(ReportError::Missing("Feedback-Type"));
        }
        if self.user_agent.is_none() {
            return Some(ReportError::Missing("User-Agent"));
        }
        None
    }

    /// Writes it: `message/feedback-report`.
    ///
    /// # Errors
    ///
    /// [`ReportError::Missing`] for a field that RFC 5965 requires;
    /// [`ReportError::NotAscii`] where a value is not ASCII, for which this type has no
    /// form (RFC 5965 7.1).
    pub fn to_part(&self) -> Result<MachinePart, ReportError> {
        if let Some(missing) = self.missing() {
            return Err(missing);
        }
        let mut out = Writer::default();
        out.optional("Feedback-Type", self.feedback_type.as_ref());
        out.optional("User-Agent", self.user_agent.as_ref());
        out.field("Version", &self.version.unwrap_or(1));
        out.optional("Original-Envelope-Id", self.original_envelope_id.as_ref());
        let from = self.original_mail_from.as_ref();
        out.optional(
            "Original-Mail-From",
            from.map(|p| alloc::format!("<{p}>")).as_ref(),
        );
        let date = self.arrival_date.map(|d| d.to_rfc5322());
        out.optional("Arrival-Date", date.as_ref());
        out.optional("Reporting-MTA", self.reporting_mta.as_ref());
        out.optional("Source-IP", self.source_ip.as_ref());
        out.optional("Source-Port", self.source_port.as_ref());
        out.optional("Incidents", self.incidents.as_ref());
        let mut all = |name, lines: &[Line]| lines.iter().for_each(|l| out.field(name, l));
        all("Authentication-Results", &self.authentication_results);
        all("Reported-Domain", &self.reported_domain);
        all("Reported-URI", &self.reported_uri);
        for path in &self.original_rcpt_to {
            out.field("Original-Rcpt-To", &alloc::format!("<{path}>"));
        }
        out.optional("Auth-Failure", self.auth_failure.as_ref());
        out.optional("Delivery-Result", self.delivery_result.as_ref());
        out.optional("DKIM-Domain", self.dkim_domain.as_ref());
        out.optional("DKIM-Identity", self.dkim_identity.as_ref());
        out.optional("DKIM-Selector", self.dkim_selector.as_ref());
        let base64 = |b: &Option<Vec<u8>>| {
            let mut digits = Vec::new();
            crate::encode::base64_digits(b.as_ref()?, &mut digits);
            Some(lines_of(&raw_text(&digits)))
        };
        let header = base64(&self.dkim_canonicalized_header);
        out.optional("DKIM-Canonicalized-Header", header.as_ref());
        let body = base64(&self.dkim_canonicalized_body);
        out.optional("DKIM-Canonicalized-Body", body.as_ref());
        out.optional(
            "DKIM-ADSP-DNS",
            self.dkim_adsp_dns.as_ref().map(quoted).as_ref(),
        );
        let selector = self.dkim_selector_dns.as_ref().map(quoted);
        out.optional("DKIM-Selector-DNS", selector.as_ref());
        self.spf_dns.iter().for_each(|r| out.field("SPF-DNS", r));
        let mechanisms: Vec<&str> = self.identity_alignment.iter().map(Line::as_str).collect();
        if !mechanisms.is_empty() {
            out.field("Identity-Alignment", &mechanisms.join(", "));
        }
        out.others(&self.others);
        let text = out.finish();
        if !text.is_ascii() {
            return Err(ReportError::NotAscii("message/feedback-report"));
        }
        let kind = "message/feedback-report";
        Ok(MachinePart::new(kind, kind, "feedback-report", text))
    }
}

impl Fields for FeedbackReport {
    fn place(
        &mut self,
        field: &RawField<'_>,
        defects: &mut Vec<Defect>,
    ) -> Option<Result<(), DefectKind>> {
        let value = &*field.value;
        let line = || Some(Line::read(value));
        let word = || Some(Line::read(&without_comments(value))).filter(|w| !w.as_str().is_empty());
        let number = || without_comments(value).parse().ok();
        let many = |list: &mut Vec<Line>, line: Option<Line>| {
            list.push(line.ok_or(DefectKind::BadReportField)?);
            Ok(())
        };
        Some(match field.name.to_ascii_lowercase().as_str() {
            "feedback-type" => set(&mut self.feedback_type, FeedbackType::read(value)),
            "user-agent" => set(&mut self.user_agent, line()),
            "version" => set(&mut self.version, number()),
            "original-envelope-id" => set(&mut self.original_envelope_id, line()),
            "original-mail-from" => set(&mut self.original_mail_from, Some(path(value))),
            "arrival-date" | "received-date" => {
                let date = DateTime::parse(value.as_bytes());
                set(&mut self.arrival_date, date)
            }
            "reporting-mta" => set_typed(&mut self.reporting_mta, field, "dns", defects),
            "source-ip" => set(&mut self.source_ip, address(value)),
            "source-port" => {
                let port = without_comments(value).parse().ok();
                set(&mut self.source_port, port)
            }
            "incidents" => set(&mut self.incidents, number()),
            "authentication-results" => many(&mut self.authentication_results, line()),
            "original-rcpt-to" => many(&mut self.original_rcpt_to, Some(path(value))),
            "reported-domain" => many(&mut self.reported_domain, word()),
            "reported-uri" => many(&mut self.reported_uri, line()),
            "auth-failure" => set(&mut self.auth_failure, AuthFailure::read(value)),
            "delivery-result" => set(&mut self.delivery_result, DeliveryResult::read(value)),
            "dkim-domain" => set(&mut self.dkim_domain, word()),
            "dkim-identity" => set(&mut self.dkim_identity, word()),
            "dkim-selector" => set(&mut self.dkim_selector, word()),
            "dkim-canonicalized-header" => set(&mut self.dkim_canonicalized_header, bytes(value)),
            "dkim-canonicalized-body" => set(&mut self.dkim_canonicalized_body, bytes(value)),
            "dkim-adsp-dns" => set(&mut self.dkim_adsp_dns, Some(unquoted(value))),
            "dkim-selector-dns" => set(&mut self.dkim_selector_dns, Some(unquoted(value))),
            "spf-dns" => {
                let record = SpfDns::read(value).ok_or(DefectKind::BadReportField);
                record.map(|record| self.spf_dns.push(record))
            }
            "identity-alignment" => {
                let text = without_comments(value).to_ascii_lowercase();
                let words = text.split(',').map(str::trim).filter(|w| !w.is_empty());
                self.identity_alignment.extend(words.map(Line::read));
                Ok(())
            }
            _ => return None,
        })
    }

    fn others(&mut self) -> &mut Vec<OtherField> {
        &mut self.others
    }
}

/// base64 with a space every 72 characters, where it may be folded.
fn lines_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 72);
    for (i, c) in text.chars().enumerate() {
        if i > 0 && i % 72 == 0 {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

fn bytes(value: &str) -> Option<Vec<u8>> {
    let mut decoder = Decoder::new(&TransferEncoding::Base64);
    let mut out = Vec::new();
    decoder.decode(value.as_bytes(), &mut out);
    decoder.finish(&mut out);
    // A list or a line end of old is not refused; what is no base64 at all is.
    (!out.is_empty() || value.is_empty()).then_some(out)
}

/// A path of SMTP, without brackets and comments.
fn path(value: &str) -> Line {
    let (typed, _) = Typed::read(value, "rfc822");
    let typed = match typed.kind() == "rfc822" {
        true => typed,
        // A semicolon in a local part.
        false => return Line::read(value),
    };
    Line::read(&typed.address())
}

/// An address of the internet (RFC 5321 4.1.3), in brackets or not.
fn address(value: &str) -> Option<IpAddr> {
    let text = without_comments(value);
    let text = text.trim_start_matches('[').trim_end_matches(']');
    let bare = match text.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => text.get(5..)?,
        _ => text,
    };
    let v4 = bare.parse::<Ipv4Addr>().map(IpAddr::V4).ok();
    v4.or_else(|| bare.parse::<Ipv6Addr>().map(IpAddr::V6).ok())
}

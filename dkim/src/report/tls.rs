//! Reports of TLS failures (RFC 8460 section 4): read and written as JSON.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use scop_mime::DateTime;
use serde_json::{Map, Value, json};

use super::{Limits, ReportDefect, ReportError};

/// What a sending server reports about its sessions with a domain's servers.
///
/// ```
/// use scop_dkim::report::{Limits, TlsReport, TlsResult, unpack};
///
/// # let attachment = include_bytes!("../../tests/fixtures/report-rfc8460.json");
/// let json = unpack(attachment, &Limits::default())?; // gzip, or JSON as it is
/// let (report, defects) = TlsReport::from_json(&json, &Limits::default())?;
/// assert_eq!(report.policies[0].domain, "company-y.example");
/// assert_eq!(report.policies[0].failures[0].result, TlsResult::CertificateExpired);
/// let again = TlsReport::from_json(report.to_json().as_bytes(), &Limits::default())?;
/// assert_eq!(again, (report, vec![]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// (What is read with a defect is written without it.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsReport {
    /// `organization-name`: who reports.
    pub organization: String,
    /// `start-datetime`, in seconds since 1970.
    pub begin: u64,
    /// `end-datetime`.
    pub end: u64,
    /// `contact-info`: an address.
    pub contact: Option<String>,
    /// `report-id`: unique among those of the organization.
    pub report_id: String,
    /// What was found under each policy.
    pub policies: Vec<TlsPolicy>,
}

/// `policies`: one policy and the sessions under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPolicy {
    /// `policy-type`.
    pub kind: TlsPolicyType,
    /// `policy-string`: its lines, or its TLSA records.
    pub text: Vec<String>,
    /// `policy-domain`: the domain that it is of.
    pub domain: String,
    /// `mx-host`: patterns of an MTA-STS policy.
    pub mx: Vec<String>,
    /// `total-successful-session-count`.
    pub successful: u64,
    /// `total-failure-session-count`.
    pub failed: u64,
    /// `failure-details`.
    pub failures: Vec<TlsFailure>,
}

/// `failure-details`: sessions that failed in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFailure {
    /// `result-type`.
    pub result: TlsResult,
    /// `sending-mta-ip`.
    pub sending_ip: Option<IpAddr>,
    /// `receiving-mx-hostname`.
    pub receiving_host: Option<String>,
    /// `receiving-mx-helo`.
    pub receiving_helo: Option<String>,
    /// `receiving-ip`.
    pub receiving_ip: Option<IpAddr>,
    /// `failed-session-count`.
    pub count: u64,
    /// `additional-information`: a URI.
    pub more: Option<String>,
    /// `failure-reason-code`.
    pub reason: Option<String>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$v:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$v])* $variant,)*
            /// A word that RFC 8460 does not know.
            Other(String),
        }

        impl $name {
            fn read(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)*
                    _ => Self::Other(word.to_owned()),
                }
            }

            /// The word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// `policy-type` (RFC 8460 section 4.4).
    TlsPolicyType {
        /// DANE.
        Tlsa = "tlsa",
        /// MTA-STS.
        Sts = "sts",
        /// The domain has none.
        NoPolicyFound = "no-policy-found",
    }
}

words! {
    /// `result-type` (RFC 8460 section 4.3).
    TlsResult {
        /// The server does not offer STARTTLS.
        StarttlsNotSupported = "starttls-not-supported",
        /// The certificate is of another host.
        CertificateHostMismatch = "certificate-host-mismatch",
        /// The certificate has expired.
        CertificateExpired = "certificate-expired",
        /// Nobody who is trusted vouches for the certificate.
        CertificateNotTrusted = "certificate-not-trusted",
        /// Anything else.
        ValidationFailure = "validation-failure",
        /// The TLSA records cannot be used, or match nothing.
        TlsaInvalid = "tlsa-invalid",
        /// DNSSEC does not validate.
        DnssecInvalid = "dnssec-invalid",
        /// DANE is demanded, and there are no TLSA records.
        DaneRequired = "dane-required",
        /// The MTA-STS policy could not be fetched.
        StsPolicyFetchError = "sts-policy-fetch-error",
        /// The MTA-STS policy cannot be read.
        StsPolicyInvalid = "sts-policy-invalid",
        /// The certificate of the policy's host does not validate.
        StsWebpkiInvalid = "sts-webpki-invalid",
    }
}

impl TlsReport {
    /// Reads a report, and tells which policies and failures could not be; keys that are
    /// unknown are passed over. Cost: linear; memory under [`Limits::bytes`] and
    /// [`Limits::values`].
    ///
    /// Control characters within strings, which JSON forbids and RFC 8460 prints in its own
    /// example, are read as spaces.
    ///
    /// # Errors
    /// [`ReportError`] when there is no report in it.
    pub fn from_json(
        json: &[u8],
        limits: &Limits,
    ) -> Result<(Self, Vec<ReportDefect>), ReportError> {
        if json.len() > limits.bytes {
            return Err(ReportError::Limit("bytes"));
        }
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let mut reader = Reader {
            limits,
            defects: Vec::new(),
        };
        let json = reader.prepare(json)?;
        let value: Value = serde_json::from_slice(&json).map_err(|error| ReportError::NotJson {
            line: error.line(),
            column: error.column(),
            problem: error.to_string(),
        })?;
        let report = value.as_object().ok_or(ReportError::NotTls)?;
        let policies = report.get("policies").and_then(Value::as_array);
        let policies = policies.ok_or(ReportError::NotTls)?;
        if policies.len() > limits.records {
            return Err(ReportError::Limit("records"));
        }
        let range = report.get("date-range");
        let time = |key: &str| {
            let text = range?.get(key)?.as_str()?;
            u64::try_from(DateTime::parse(text.as_bytes())?.to_unix()).ok()
        };
        let text = |key: &str| reader.text(report, key);
        let mut read = TlsReport {
            organization: text("organization-name").unwrap_or_default(),
            begin: time("start-datetime").ok_or(ReportError::MissingKey("start-datetime"))?,
            end: time("end-datetime").ok_or(ReportError::MissingKey("end-datetime"))?,
            contact: text("contact-info"),
            report_id: text("report-id").ok_or(ReportError::MissingKey("report-id"))?,
            policies: Vec::new(),
        };
        for (at, policy) in policies.iter().enumerate() {
            read.policies.extend(reader.policy(at + 1, policy));
        }
        Ok((read, reader.defects))
    }

    /// The report as JSON (RFC 8460 section 4.4), for `application/tlsrpt+json`, or
    /// [packed](super::pack) for `application/tlsrpt+gzip`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let date = |seconds: u64| {
            let time = i64::try_from(seconds)
                .ok()
                .and_then(|s| DateTime::from_unix(s, 0));
            // The last second of the last year that has four digits.
            let time = time.or_else(|| DateTime::from_unix(253_402_300_799, 0));
            time.map(|time| {
                let ((year, month, day), (h, m, s)) = (time.date(), time.time());
                alloc::format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
            })
        };
        let mut out = json!({
            "organization-name": self.organization,
            "date-range": {"start-datetime": date(self.begin), "end-datetime": date(self.end)},
            "report-id": self.report_id,
            "policies": self.policies.iter().map(TlsPolicy::to_value).collect::<Vec<_>>(),
        });
        set(&mut out, "contact-info", self.contact.as_ref());
        out.to_string()
    }
}

impl TlsPolicy {
    fn to_value(&self) -> Value {
        let mut policy = json!({"policy-type": self.kind.as_str(), "policy-domain": self.domain});
        if !self.text.is_empty() {
            set(&mut policy, "policy-string", Some(&self.text));
        }
        if !self.mx.is_empty() {
            set(&mut policy, "mx-host", Some(&self.mx));
        }
        let mut out = json!({
            "policy": policy,
            "summary": {
                "total-successful-session-count": self.successful,
                "total-failure-session-count": self.failed,
            },
        });
        if !self.failures.is_empty() {
            let failures: Vec<Value> = self.failures.iter().map(TlsFailure::to_value).collect();
            set(&mut out, "failure-details", Some(&failures));
        }
        out
    }
}

impl TlsFailure {
    fn to_value(&self) -> Value {
        let mut out = json!({
            "result-type": self.result.as_str(),
            "failed-session-count": self.count,
        });
        set(
            &mut out,
            "sending-mta-ip",
            self.sending_ip.map(|ip| ip.to_string()).as_ref(),
        );
        set(
            &mut out,
            "receiving-mx-hostname",
            self.receiving_host.as_ref(),
        );
        set(&mut out, "receiving-mx-helo", self.receiving_helo.as_ref());
        set(
            &mut out,
            "receiving-ip",
            self.receiving_ip.map(|ip| ip.to_string()).as_ref(),
        );
        set(&mut out, "additional-information", self.more.as_ref());
        set(&mut out, "failure-reason-code", self.reason.as_ref());
        out
    }
}

fn set<T: Clone + Into<Value>>(object: &mut Value, key: &str, value: Option<&T>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(key.to_owned(), value.clone().into());
    }
}

struct Reader<'l> {
    limits: &'l Limits,
    defects: Vec<ReportDefect>,
}

impl Reader<'_> {
    /// Looks at the bytes before memory is spent on what they hold.
    fn prepare<'j>(&mut self, json: &'j [u8]) -> Result<Cow<'j, [u8]>, ReportError> {
        let (mut quoted, mut escaped, mut odd) = (false, false, false);
        let mut values = 0usize;
        for &byte in json {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b',' | b'[' | b'{' if !quoted => values += 1,
                ..b' ' if quoted => odd = true,
                _ => {}
            }
        }
        if values > self.limits.values {
            return Err(ReportError::Limit("values"));
        }
        if !odd {
            return Ok(Cow::Borrowed(json));
        }
        self.defect(0, "control characters in a string, read as spaces");
        // Outside of strings they are space anyway, or an error that stays one.
        let spaced = json.iter().map(|b| {
            if matches!(b, b'\t' | b'\r' | b'\n') {
                b' '
            } else {
                *b
            }
        });
        Ok(Cow::Owned(spaced.collect()))
    }

    fn defect(&mut self, record: usize, problem: &'static str) {
        self.defects.push(ReportDefect { record, problem });
    }

    fn text(&self, object: &Map<String, Value>, key: &str) -> Option<String> {
        let text = object.get(key)?.as_str()?;
        let end = text.floor_char_boundary(self.limits.text);
        text.get(..end).map(ToOwned::to_owned)
    }

    /// An array of strings; some write one string.
    fn texts(&self, object: &Map<String, Value>, key: &str) -> Vec<String> {
        match object.get(key) {
            Some(Value::Array(texts)) => {
                let texts = texts
                    .iter()
                    .filter_map(Value::as_str)
                    .take(self.limits.results);
                let cut = |t: &str| {
                    t.get(..t.floor_char_boundary(self.limits.text))
                        .map(ToOwned::to_owned)
                };
                texts.filter_map(cut).collect()
            }
            _ => self.text(object, key).into_iter().collect(),
        }
    }

    fn policy(&mut self, record: usize, value: &Value) -> Option<TlsPolicy> {
        let Some(policy) = value.get("policy").and_then(Value::as_object) else {
            self.defect(record, "no policy; left out");
            return None;
        };
        let Some(domain) = self.text(policy, "policy-domain") else {
            self.defect(record, "no policy-domain; left out");
            return None;
        };
        let total = |key| {
            value
                .get("summary")
                .and_then(|s| s.get(key))
                .and_then(number)
        };
        let (successful, failed) = (
            total("total-successful-session-count"),
            total("total-failure-session-count"),
        );
        if successful.is_none() || failed.is_none() {
            self.defect(
                record,
                "no summary, or one without valid counts: taken as 0",
            );
        }
        let mut failures = Vec::new();
        if let Some(Value::Array(details)) = value.get("failure-details") {
            for details in details {
                failures.extend(self.failure(record, details));
            }
        }
        Some(TlsPolicy {
            kind: TlsPolicyType::read(&self.text(policy, "policy-type").unwrap_or_default()),
            text: self.texts(policy, "policy-string"),
            domain,
            mx: self.texts(policy, "mx-host"),
            successful: successful.unwrap_or_default(),
            failed: failed.unwrap_or_default(),
            failures,
        })
    }

    fn failure(&mut self, record: usize, value: &Value) -> Option<TlsFailure> {
        let Some(details) = value.as_object() else {
            self.defect(record, "failure details that are no object; left out");
            return None;
        };
        let (result, count) = (
            self.text(details, "result-type"),
            details.get("failed-session-count").and_then(number),
        );
        let (Some(result), Some(count)) = (result, count) else {
            self.defect(
                record,
                "failure details without result-type or valid failed-session-count; left out",
            );
            return None;
        };
        let ip = |key| {
            details
                .get(key)
                .and_then(Value::as_str)?
                .trim()
                .parse()
                .ok()
        };
        Some(TlsFailure {
            result: TlsResult::read(&result),
            sending_ip: ip("sending-mta-ip"),
            receiving_host: self.text(details, "receiving-mx-hostname"),
            receiving_helo: self.text(details, "receiving-mx-helo"),
            receiving_ip: ip("receiving-ip"),
            count,
            more: self.text(details, "additional-information"),
            reason: self.text(details, "failure-reason-code"),
        })
    }
}

/// Some write numbers as strings.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        _ => value.as_u64(),
    }
}

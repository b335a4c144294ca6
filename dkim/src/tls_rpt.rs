//! TLSRPT records (RFC 8460 section 3): where a domain wants reports about TLS to go.
//!
//! ```
//! use scop_dkim::tls_rpt::Record;
//!
//! let record = Record::select([b"v=TLSRPTv1; rua=mailto:reports@example.com".as_slice()]).unwrap();
//! assert_eq!(record.reports()[0].mailbox(), Some("reports@example.com"));
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::dmarc::ReportUri;
use crate::name::Domain;
use crate::policy_record::{Tags, only};

/// The name that the record of a domain is at.
#[must_use]
pub fn record_name(domain: &Domain) -> String {
    alloc::format!("_smtp._tls.{domain}")
}

/// The record: URIs that take reports, `mailto:` or `https:`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    reports: Vec<ReportUri>,
}

impl Record {
    /// A record with these URIs; `None` without one.
    #[must_use]
    pub fn new(reports: Vec<ReportUri>) -> Option<Self> {
        (!reports.is_empty()).then_some(Self { reports })
    }

    /// The one record among the TXT records of the name; `None` when there is none, more
    /// than one, or it names no URI: then no reports are wanted. URIs that cannot be read
    /// are left out, unknown fields ignored.
    pub fn select<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut tags = Tags::parse(only(records, "v=TLSRPTv1")?)?;
        let (_, uris) = tags.find(|(name, _)| *name == "rua")?;
        let uris = uris.split(',').map(|uri| uri.trim_matches([' ', '\t']));
        Self::new(uris.filter_map(ReportUri::new).collect())
    }

    /// Where reports go. One that was taken is enough.
    #[must_use]
    pub fn reports(&self) -> &[ReportUri] {
        &self.reports
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=TLSRPTv1; rua=")?;
        for (at, uri) in self.reports.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{uri}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    fn select(records: &[&str]) -> Option<Record> {
        Record::select(records.iter().map(|r| r.as_bytes()))
    }

    #[test]
    fn records() {
        let text = "v=TLSRPTv1; rua=mailto:a@b.test,https://c.test/v1/tlsrpt";
        let record = select(&["v=spf1", text]).unwrap();
        assert_eq!(record.reports().len(), 2);
        assert_eq!(record.to_string(), text);
        assert_eq!(
            select(&["v=TLSRPTv1;rua=mailto:a@b.test , junk;x=y;"])
                .unwrap()
                .reports()
                .len(),
            1
        );
        for bad in [
            &["v=TLSRPTv1"][..],
            &["v=TLSRPTv1; rua="],
            &["v=TLSRPTv1; rua=junk"],
            &["v=tlsrptv1; rua=mailto:a@b.test"],
            &[text, text],
        ] {
            assert_eq!(select(bad), None, "{bad:?}");
        }
    }
}

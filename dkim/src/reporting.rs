//! Where a signer wants to hear of signatures that fail: RFC 6651.
//!
//! A signature with `r=y` asks; the TXT record at `_report._domainkey.` and the signing
//! domain says what for and to whom, which is always an address of that domain. A verifier
//! asks for the record only where [`Policy::look_up_reports`](crate::Policy::look_up_reports)
//! says so, and only for signatures that failed; the request is then in
//! [`Outcome::report`](crate::Outcome::report).
//!
//! Whoever sends reports chooses at random by [`ReportRequest::percentage`], and sends one
//! for each domain and message at most (section 3.3).
//!
//! ```
//! use scop_dkim::reporting::{Incident, ReportRecord};
//! let record = ReportRecord::new("dkim-errors")?.only(&[Incident::Verification]).percentage(10);
//! assert_eq!(record.to_string(), "ra=dkim-errors; rp=10; rr=v");
//! assert_eq!(ReportRecord::parse(b"ra=dkim-errors; rp=10; rr=v"), Ok(record));
//! # Ok::<(), scop_dkim::reporting::ReportRecordError>(())
//! ```

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use crate::fold::qp_encode;
use crate::name::Domain;
use crate::tags::{TagList, TagListError, colon_list, decimal, qp_decode};

/// What happened to a signature, as `rr=` tells it apart (section 5.1). Displayed as the
/// token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Incident {
    /// `d`: the key could not be had from DNS.
    Dns,
    /// `o`: anything else.
    Other,
    /// `p`: the verifier's policy does not take it.
    Policy,
    /// `s`: signature or key cannot be read.
    Syntax,
    /// `u`: the signature has tags that are unknown.
    UnknownTags,
    /// `v`: signature or body hash does not match.
    Verification,
    /// `x`: past its expiration.
    Expired,
}

impl Incident {
    const fn token(self) -> &'static str {
        match self {
            Self::Dns => "d",
            Self::Other => "o",
            Self::Policy => "p",
            Self::Syntax => "s",
            Self::UnknownTags => "u",
            Self::Verification => "v",
            Self::Expired => "x",
        }
    }
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

/// Why a record of reporting addresses is of no use; no report is sent then (section 3.3
/// step 5).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportRecordError {
    /// The text is no tag list.
    #[error("reporting record is no tag list: {0}")]
    Tags(#[from] TagListError),
    /// A tag whose value does not follow its ABNF.
    #[error("value of tag \"{0}=\" in the reporting record is malformed (RFC 6651 section 3.2)")]
    Malformed(&'static str),
}

/// The TXT record at `_report._domainkey.` and a signing domain (section 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRecord {
    /// The local part of the address.
    local: Option<String>,
    percentage: u8,
    /// None: all.
    requested: Option<Vec<String>>,
    smtp_text: Option<String>,
}

impl ReportRecord {
    /// A record that asks for all reports; `local` is the local part of the address that
    /// gets them, letters, digits and what else stands in an address without quotes.
    ///
    /// # Errors
    /// [`ReportRecordError::Malformed`] when it is none.
    pub fn new(local: &str) -> Result<Self, ReportRecordError> {
        if !is_local_part(local) {
            return Err(ReportRecordError::Malformed("ra"));
        }
        Ok(Self {
            local: Some(local.to_owned()),
            percentage: 100,
            requested: None,
            smtp_text: None,
        })
    }

    /// Sets `rp=`, of how many in a hundred a report is wanted; 100 at most.
    #[must_use]
    pub fn percentage(mut self, percentage: u8) -> Self {
        self.percentage = percentage.min(100);
        self
    }

    /// Sets `rr=`: reports of these only. None at all means all.
    #[must_use]
    pub fn only(mut self, incidents: &[Incident]) -> Self {
        let tokens = incidents.iter().map(Incident::to_string);
        self.requested = (!incidents.is_empty()).then(|| tokens.collect());
        self
    }

    /// Sets `rs=`: what a server that rejects such a message shall say in its reply.
    ///
    /// # Errors
    /// [`ReportRecordError::Malformed`] for control characters.
    pub fn smtp_text(mut self, text: &str) -> Result<Self, ReportRecordError> {
        if text.chars().any(char::is_control) {
            return Err(ReportRecordError::Malformed("rs"));
        }
        self.smtp_text = Some(text.to_owned());
        Ok(self)
    }

    /// The DNS name of the record.
    ///
    /// ```
    /// use scop_dkim::{Domain, reporting::ReportRecord};
    /// let name = ReportRecord::name(&Domain::new("example.com")?);
    /// assert_eq!(name, "_report._domainkey.example.com");
    /// # Ok::<(), scop_dkim::NameError>(())
    /// ```
    #[must_use]
    pub fn name(domain: &Domain) -> String {
        alloc::format!("_report._domainkey.{domain}")
    }

    /// Parses the text of one TXT record, its strings joined. Unknown tags and unknown
    /// reports are no error.
    ///
    /// # Errors
    /// [`ReportRecordError`].
    pub fn parse(text: &[u8]) -> Result<Self, ReportRecordError> {
        use ReportRecordError::Malformed;
        let tags = TagList::parse(text)?;
        let decoded = |name: &'static str, good: fn(&str) -> bool| match tags.value(name) {
            None => Ok(None),
            Some(value) => qp_decode(value)
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .filter(|text| good(text))
                .map(Some)
                .ok_or(Malformed(name)),
        };
        let percentage = match tags.value("rp") {
            None => 100,
            Some(value) => decimal(value, 3)
                .and_then(|n| u8::try_from(n).ok())
                .filter(|n| *n <= 100)
                .ok_or(Malformed("rp"))?,
        };
        let requested = match tags.value("rr") {
            None => None,
            Some(value) => {
                let token = |token: &[u8]| {
                    let good = !token.is_empty() && token.iter().all(u8::is_ascii_alphanumeric);
                    good.then(|| token.iter().copied().map(char::from).collect())
                };
                let tokens: Option<Vec<String>> = colon_list(value).map(token).collect();
                Some(tokens.ok_or(Malformed("rr"))?)
            }
        };
        Ok(Self {
            local: decoded("ra", is_local_part)?,
            percentage,
            requested,
            smtp_text: decoded("rs", |text| !text.chars().any(char::is_control))?,
        })
    }

    /// Whether a report of this is wanted: never without an address.
    #[must_use]
    pub fn wants(&self, incident: Incident) -> bool {
        let is_it = |token: &String| token == "all" || token == incident.token();
        let requested = self.requested.as_ref();
        self.local.is_some() && requested.is_none_or(|tokens| tokens.iter().any(is_it))
    }

    /// What it asks of whoever saw these incidents with a signature of `domain`.
    pub(crate) fn request(&self, domain: &Domain, seen: &[Incident]) -> Option<ReportRequest> {
        let incident = seen
            .iter()
            .copied()
            .find(|incident| self.wants(*incident))?;
        Some(ReportRequest {
            address: alloc::format!("{}@{domain}", self.local.as_ref()?),
            percentage: self.percentage,
            incident,
            smtp_text: self.smtp_text.clone(),
        })
    }
}

/// Writes the text of the TXT record.
impl fmt::Display for ReportRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tags = Vec::new();
        if let Some(local) = &self.local {
            tags.push(alloc::format!("ra={}", qp_encode(local.as_bytes())));
        }
        if self.percentage < 100 || self.local.is_none() {
            tags.push(alloc::format!("rp={}", self.percentage));
        }
        if let Some(requested) = &self.requested {
            tags.push(alloc::format!("rr={}", requested.join(":")));
        }
        if let Some(text) = &self.smtp_text {
            tags.push(alloc::format!("rs={}", qp_encode(text.as_bytes())));
        }
        f.write_str(&tags.join("; "))
    }
}

/// A signer asked for a report, and its DNS says the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportRequest {
    /// To whom: an address of the signing domain.
    pub address: String,
    /// Of how many such failures in a hundred, chosen at random, a report is wanted.
    pub percentage: u8,
    /// What is to be reported.
    pub incident: Incident,
    /// What the reply that rejects the message shall say; no control characters.
    pub smtp_text: Option<String>,
}

/// A dot-atom (RFC 5322 section 3.2.3), which no address needs quotes for.
pub(crate) fn is_local_part(text: &str) -> bool {
    let atom = |atom: &str| {
        let is_atext =
            |c: char| c.is_alphanumeric() || (c.is_ascii() && "!#$%&'*+-/=?^_`{|}~".contains(c));
        !atom.is_empty() && atom.chars().all(is_atext)
    };
    text.len() <= 64 && text.split('.').all(atom)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6651 section 3.2 and appendix B.
    #[test]
    fn records() {
        let record = ReportRecord::parse(b"ra=dkim-errors; rp=97; rr=v:x; zz=unknown").unwrap();
        assert!(record.wants(Incident::Verification) && record.wants(Incident::Expired));
        assert!(!record.wants(Incident::Syntax) && !record.wants(Incident::Policy));
        let domain = Domain::new("example.com").unwrap();
        let request = record
            .request(&domain, &[Incident::Syntax, Incident::Expired])
            .unwrap();
        assert_eq!(
            (
                request.address.as_str(),
                request.percentage,
                request.incident
            ),
            ("dkim-errors@example.com", 97, Incident::Expired)
        );
        assert_eq!(record.request(&domain, &[Incident::Dns]), None);
        // Without an address there is no report.
        let record = ReportRecord::parse(b"rr=all").unwrap();
        assert!(!record.wants(Incident::Verification));
        let record = ReportRecord::parse(b"ra=a=2Bb; rs=go=20away").unwrap();
        assert_eq!(record.to_string(), "ra=a+b; rs=go=20away");
        assert!(record.wants(Incident::Other));
    }

    #[test]
    fn what_is_refused() {
        for (text, tag) in [
            ("ra=a b=40c", "ra"),
            ("ra=a=0D=0Ab", "ra"),
            ("ra=", "ra"),
            ("ra=a=4", "ra"),
            ("ra=a; rp=101", "rp"),
            ("ra=a; rp=1000", "rp"),
            ("ra=a; rp=", "rp"),
            ("ra=a; rr=v::x", "rr"),
            ("ra=a; rs=a=0Ab", "rs"),
            ("ra=a; rs==FF", "rs"),
        ] {
            let error = ReportRecordError::Malformed(tag);
            assert_eq!(ReportRecord::parse(text.as_bytes()), Err(error), "{text}");
        }
        assert!(matches!(
            ReportRecord::parse(b"ra=a; ra=b"),
            Err(ReportRecordError::Tags(_))
        ));
        assert!(ReportRecord::new("a@b.test").is_err() && ReportRecord::new("").is_err());
        assert!(ReportRecord::new("a").unwrap().smtp_text("a\r\nb").is_err());
    }
}

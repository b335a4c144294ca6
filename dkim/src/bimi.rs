//! BIMI assertion records (draft-brand-indicators-for-message-identification): where the
//! logo of a domain is, to be shown beside mail that passes DMARC under a policy of
//! quarantine or reject. Only the record; nothing is fetched or shown here.
//!
//! ```
//! use scop_dkim::bimi::Record;
//!
//! let record = Record::select([b"v=BIMI1; l=https://example.com/logo.svg; a=".as_slice()]).unwrap();
//! assert_eq!(record.location(), Some("https://example.com/logo.svg"));
//! assert_eq!(record.evidence(), None);
//! ```

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use core::fmt;

use crate::name::{Domain, Selector};
use crate::policy_record::{Tags, only};

/// The name that a record is at; without a `BIMI-Selector` field the selector is `default`.
#[must_use]
pub fn record_name(selector: &Selector, domain: &Domain) -> String {
    alloc::format!("{selector}._bimi.{domain}")
}

/// An assertion record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    location: Option<String>,
    evidence: Option<String>,
}

impl Record {
    /// The one record among the TXT records of the name; `None` when there is none, more
    /// than one, or a URI in it is not one of `https:`. Unknown tags are ignored.
    pub fn select<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut record = Record::default();
        for (name, value) in Tags::parse(only(records, "v=BIMI1")?)? {
            let slot = match name {
                "l" => &mut record.location,
                "a" => &mut record.evidence,
                _ => continue,
            };
            if value.is_empty() || slot.is_some() {
                continue;
            }
            let scheme = value.get(..8)?;
            if !scheme.eq_ignore_ascii_case("https://") || value.len() == 8 {
                return None;
            }
            *slot = Some(value.to_owned());
        }
        Some(record)
    }

    /// Where the logo is (`l=`), an SVG. Without one the domain declines to show any.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// Where the evidence for it is (`a=`), a mark certificate.
    #[must_use]
    pub fn evidence(&self) -> Option<&str> {
        self.evidence.as_deref()
    }

    /// The domain says that it takes no part: neither logo nor evidence.
    #[must_use]
    pub fn is_declination(&self) -> bool {
        self.location.is_none() && self.evidence.is_none()
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |uri: &Option<String>| uri.clone().unwrap_or_default();
        write!(
            f,
            "v=BIMI1; l={}; a={}",
            text(&self.location),
            text(&self.evidence)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    fn select(text: &str) -> Option<Record> {
        Record::select([text.as_bytes()])
    }

    #[test]
    fn records() {
        let text = "v=BIMI1; l=https://a.test/l.svg; a=https://a.test/c.pem";
        assert_eq!(select(text).unwrap().to_string(), text);
        assert!(select("v=BIMI1; l=; a=;").unwrap().is_declination());
        assert!(select("v=BIMI1").unwrap().is_declination());
        for bad in [
            "v=BIMI1; l=http://a.test/",
            "v=BIMI1; l=javascript:alert(1)",
            "v=bimi1;",
            "v=BIMI1; l=https://",
            "v=BIMI1; junk",
        ] {
            assert_eq!(select(bad), None, "{bad}");
        }
        assert_eq!(
            record_name(
                &Selector::new("default").unwrap(),
                &Domain::new("a.test").unwrap()
            ),
            "default._bimi.a.test"
        );
    }
}

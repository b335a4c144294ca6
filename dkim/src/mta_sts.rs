//! MTA-STS (RFC 8461): a domain's word that its mail exchangers speak TLS.
//!
//! A sender asks for the TXT record at `_mta-sts.` and the domain ([`Record`]), fetches
//! the policy over HTTPS when its id is new ([`policy_url`], [`Policy::parse`]), keeps it
//! for [`Policy::max_age`] seconds, and delivers only to hosts that it
//! [permits](Policy::permits).
//!
//! ```
//! use scop_dkim::mta_sts::{Mode, Policy, Record};
//!
//! let record = Record::select([b"v=STSv1; id=20160831085700Z;".as_slice()]).unwrap();
//! assert_eq!(record.id(), "20160831085700Z");
//! let policy = Policy::parse(
//!     b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n",
//! )?;
//! assert_eq!(policy.mode, Mode::Enforce);
//! assert!(policy.permits("mx1.example.net") && !policy.permits("mx.example.org"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::name::Domain;
use crate::policy_record::{Tags, only};

/// The name that the record of a domain is at.
#[must_use]
pub fn record_name(domain: &Domain) -> String {
    alloc::format!("_mta-sts.{domain}")
}

/// Where the policy of a domain is (section 3.3). Redirects are not followed.
#[must_use]
pub fn policy_url(domain: &Domain) -> String {
    alloc::format!("https://mta-sts.{domain}/.well-known/mta-sts.txt")
}

/// The TXT record: says which policy is the present one (section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    id: String,
}

impl Record {
    /// A record with this id: 1 to 32 letters and digits; `None` if it is none.
    #[must_use]
    pub fn new(id: &str) -> Option<Self> {
        let is_id = (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        is_id.then(|| Self { id: id.to_owned() })
    }

    /// The one record among the TXT records of the name; `None` when there is none,
    /// more than one, or it is malformed: then the domain has no policy.
    pub fn select<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut tags = Tags::parse(only(records, "v=STSv1")?)?;
        Self::new(tags.find(|(name, _)| *name == "id")?.1)
    }

    /// Changes when the policy does.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=STSv1; id={}", self.id)
    }
}

/// What follows from a host that does not comply (section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Do not deliver to it.
    Enforce,
    /// Report it, and deliver.
    Testing,
    /// There is no policy any more.
    None,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Enforce => "enforce",
            Mode::Testing => "testing",
            Mode::None => "none",
        })
    }
}

/// A host of a policy: a name, or `*.` and what is above one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxPattern {
    wildcard: bool,
    domain: Domain,
}

impl MxPattern {
    /// Reads `mail.example.com` or `*.example.com`.
    #[must_use]
    pub fn new(pattern: &str) -> Option<Self> {
        let (wildcard, name) = match pattern.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, pattern),
        };
        let domain = Domain::new(name).ok()?;
        Some(Self { wildcard, domain })
    }

    /// Whether a host is meant (section 4.1): a wildcard stands for one label.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let name = match self.wildcard {
            true => host.split_once('.').map_or("", |(_, above)| above),
            false => host,
        };
        name.eq_ignore_ascii_case(self.domain.as_str())
    }
}

impl fmt::Display for MxPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.wildcard { "*." } else { "" };
        write!(f, "{star}{}", self.domain)
    }
}

/// A policy (section 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// What follows from a host that does not comply.
    pub mode: Mode,
    /// Hosts that mail goes to.
    pub mx: Vec<MxPattern>,
    /// How many seconds it may be kept, at most [`MAX_AGE`].
    pub max_age: u32,
}

/// The longest that a policy may be kept: a year, in seconds.
pub const MAX_AGE: u32 = 31_557_600;

/// The largest policy that is read, in octets (section 3.3 suggests it).
pub const MAX_POLICY: usize = 64 << 10;

impl Policy {
    /// A policy for these hosts. An age over [`MAX_AGE`] is that.
    #[must_use]
    pub fn new(mode: Mode, mx: Vec<MxPattern>, max_age: u32) -> Self {
        Self {
            mode,
            mx,
            max_age: max_age.min(MAX_AGE),
        }
    }

    /// Reads a policy: what HTTPS gave with status 200. Lines end with LF or CRLF;
    /// unknown fields are ignored, of repeated ones (but `mx`) the first counts.
    ///
    /// # Errors
    /// [`PolicyError`]: the policy is then as if it could not be fetched.
    pub fn parse(text: &[u8]) -> Result<Self, PolicyError> {
        if text.len() > MAX_POLICY {
            return Err(PolicyError::TooLong);
        }
        let text = core::str::from_utf8(text).map_err(|_| PolicyError::NotUtf8)?;
        let (mut version, mut mode, mut max_age) = (None, None, None);
        let mut mx = Vec::new();
        for (at, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let line = line.trim_end_matches([' ', '\t']);
            if line.is_empty() {
                continue;
            }
            let error = || PolicyError::BadLine(at + 1);
            let (name, value) = line.split_once(':').ok_or_else(error)?;
            let value = value.trim_start_matches([' ', '\t']);
            match name {
                "version" => _ = version.get_or_insert(value),
                "mode" => {
                    let read = match value {
                        "enforce" => Mode::Enforce,
                        "testing" => Mode::Testing,
                        "none" => Mode::None,
                        _ if mode.is_some() => continue,
                        _ => return Err(error()),
                    };
                    mode.get_or_insert(read);
                }
                "max_age" => {
                    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                    if digits && value.len() <= 10 {
                        let seconds = value.parse().unwrap_or(MAX_AGE);
                        max_age.get_or_insert(seconds.min(MAX_AGE));
                    } else if max_age.is_none() {
                        return Err(error());
                    }
                }
                "mx" => mx.push(MxPattern::new(value).ok_or_else(error)?),
                _ => {}
            }
        }
        if version != Some("STSv1") {
            return Err(PolicyError::Version);
        }
        let mode = mode.ok_or(PolicyError::Missing("mode"))?;
        let max_age = max_age.ok_or(PolicyError::Missing("max_age"))?;
        if mx.is_empty() && mode != Mode::None {
            return Err(PolicyError::Missing("mx"));
        }
        Ok(Policy { mode, mx, max_age })
    }

    /// Whether mail may go to a host, by its name: whether a pattern matches, unless the
    /// mode is [`Mode::None`]. Its certificate must be valid for that name, too. What
    /// follows from `false` is for [`mode`](Self::mode) to say.
    #[must_use]
    pub fn permits(&self, host: &str) -> bool {
        self.mode == Mode::None || self.mx.iter().any(|pattern| pattern.matches(host))
    }
}

/// The policy as it is served, with CRLF.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version: STSv1\r\nmode: {}\r\n", self.mode)?;
        for mx in &self.mx {
            write!(f, "mx: {mx}\r\n")?;
        }
        write!(f, "max_age: {}\r\n", self.max_age)
    }
}

/// A policy that cannot be used (RFC 8461 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Over [`MAX_POLICY`].
    #[error("the policy is over {MAX_POLICY} octets (RFC 8461 section 3.3)")]
    TooLong,
    /// It is no text.
    #[error("the policy is not UTF-8 (RFC 8461 section 3.2)")]
    NotUtf8,
    /// A line that is no field, or whose value is none of its kind: counted from 1.
    #[error("line {0} of the policy is not a field with a valid value (RFC 8461 section 3.2)")]
    BadLine(usize),
    /// The version is not `STSv1`.
    #[error("the policy is not of version STSv1 (RFC 8461 section 3.2)")]
    Version,
    /// A field that must be there is not.
    #[error("the policy has no \"{0}\" (RFC 8461 section 3.2)")]
    Missing(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    fn select(records: &[&str]) -> Option<Record> {
        Record::select(records.iter().map(|r| r.as_bytes()))
    }

    #[test]
    fn the_record_is_one_and_well_formed() {
        for good in [
            "v=STSv1;id=1",
            "v=STSv1 ; x=y; id=20160831085700Z ;",
            "v=STSv1; id=a; id=b",
        ] {
            assert!(select(&[good]).is_some(), "{good}");
        }
        let other = "v=spf1 -all";
        assert_eq!(select(&[other, "v=STSv1; id=a; id=b"]).unwrap().id(), "a");
        for bad in [
            &["v=STSv1"][..],
            &["v=STSv1;"],
            &["v=STSv1; id="],
            &["v=STSv1; id=a-b"],
            &["v=stsv1; id=a"],
            &["v=STSv10; id=a"],
            &["v=STSv1; id=123456789012345678901234567890123"],
            &["v=STSv1; id=a", "v=STSv1; id=a"],
            &["v=STSv1; id=a; junk"],
            &[],
        ] {
            assert_eq!(select(bad), None, "{bad:?}");
        }
        assert_eq!(
            select(&["v=STSv1; id=a"]).unwrap().to_string(),
            "v=STSv1; id=a"
        );
    }

    /// The example of section 3.2, with either line end.
    #[test]
    fn rfc_8461_3_2() {
        let text = "version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\n\
            mx: backupmx.example.com\nmax_age: 604800\n";
        let policy = Policy::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (policy.mode, policy.mx.len(), policy.max_age),
            (Mode::Enforce, 3, 604_800)
        );
        assert_eq!(policy.to_string(), text.replace('\n', "\r\n"));
        assert_eq!(Policy::parse(policy.to_string().as_bytes()), Ok(policy));
    }

    /// Section 4.1: a wildcard is one whole label.
    #[test]
    fn wildcards() {
        let pattern = MxPattern::new("*.example.com").unwrap();
        assert!(pattern.matches("Mail.Example.com.") && pattern.matches("mail.example.com"));
        for host in [
            "example.com",
            "foo.bar.example.com",
            ".example.org",
            "mail.example.com.evil.test",
            "",
        ] {
            assert!(!pattern.matches(host), "{host}");
        }
        for bad in [
            "*",
            "*.com",
            "m*.example.com",
            "*.*.example.com",
            "",
            "a b.test",
        ] {
            assert_eq!(MxPattern::new(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_a_policy_needs() {
        for (text, error) in [
            (
                "mode: enforce\nmx: a.test\nmax_age: 1",
                PolicyError::Version,
            ),
            (
                "version: STSv2\nmode: none\nmax_age: 1",
                PolicyError::Version,
            ),
            (
                "version: STSv1\nmx: a.test\nmax_age: 1",
                PolicyError::Missing("mode"),
            ),
            (
                "version: STSv1\nmode: testing\nmax_age: 1",
                PolicyError::Missing("mx"),
            ),
            (
                "version: STSv1\nmode: none",
                PolicyError::Missing("max_age"),
            ),
            ("version: STSv1\nmode: maybe", PolicyError::BadLine(2)),
            (
                "version: STSv1\nmode: none\nmax_age: -1",
                PolicyError::BadLine(3),
            ),
            ("version: STSv1\nmx: *.com", PolicyError::BadLine(2)),
            ("<html>", PolicyError::BadLine(1)),
            ("", PolicyError::Version),
        ] {
            assert_eq!(Policy::parse(text.as_bytes()), Err(error), "{text}");
        }
        assert_eq!(
            Policy::parse(&alloc::vec![b'\n'; MAX_POLICY + 1]),
            Err(PolicyError::TooLong)
        );
        assert_eq!(Policy::parse(b"\xff"), Err(PolicyError::NotUtf8));
    }

    #[test]
    fn the_first_of_a_repeated_field_counts() {
        let text = b"version: STSv1\nversion: x\nmode: none\nmode: x\nmax_age: 9999999999\nmax_age: x\nnew: \xc3\xbc";
        let policy = Policy::parse(text).unwrap();
        assert_eq!((policy.mode, policy.max_age), (Mode::None, MAX_AGE));
        assert!(policy.permits("anything.test"));
    }
}

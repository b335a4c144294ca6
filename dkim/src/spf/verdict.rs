//! What came out of a check.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use super::check::Frame;
use super::record::{Directive, RecordError};
use crate::query::Text;

/// The result of `check_host()` (RFC 7208 section 2.6); the names are those of RFC 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpfResult {
    /// There is no identity or no record to check.
    None,
    /// The domain says nothing about the client.
    Neutral,
    /// The client may send for the domain.
    Pass,
    /// The client may not.
    Fail,
    /// The client probably may not.
    SoftFail,
    /// DNS failed; another try may succeed.
    TempError,
    /// The domain's records cannot be evaluated.
    PermError,
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SpfResult::None => "none",
            SpfResult::Neutral => "neutral",
            SpfResult::Pass => "pass",
            SpfResult::Fail => "fail",
            SpfResult::SoftFail => "softfail",
            SpfResult::TempError => "temperror",
            SpfResult::PermError => "permerror",
        })
    }
}

/// Which name was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The name in HELO or EHLO.
    Helo,
    /// The reverse-path.
    MailFrom,
}

/// As in `Received-SPF` (RFC 7208 section 9.1).
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Identity::Helo => "helo",
            Identity::MailFrom => "mailfrom",
        })
    }
}

/// A directive that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched<'a> {
    /// In whose record.
    pub domain: &'a str,
    /// Which.
    pub directive: &'a Directive,
    /// How many leading bits of the client's address were compared: 8 matches sixteen
    /// million IPv4 addresses. `None` where none were.
    pub prefix: Option<u8>,
}

/// What an evaluation took (RFC 7208 section 4.6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Terms that cause queries.
    pub lookups: u32,
    /// Those of them for which there was no record.
    pub voids: u32,
    /// Names asked for in all.
    pub queries: usize,
}

/// Why a result is what it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// See [`Verdict::matched`].
    #[error("a mechanism matched")]
    Matched,
    /// No mechanism did.
    #[error("no mechanism matched (RFC 7208 section 4.7)")]
    NothingMatched,
    /// The identity has no domain that could have a record.
    #[error("the identity has no domain of several labels (RFC 7208 section 4.3)")]
    MalformedDomain,
    /// The domain has no SPF record.
    #[error("no SPF record (RFC 7208 section 4.5)")]
    NoRecord,
    /// A domain has more than one.
    #[error("{0} has several SPF records (RFC 7208 section 4.5)")]
    SeveralRecords(String),
    /// A record over [`Limits::record_bytes`](super::Limits::record_bytes).
    #[error("the SPF record of {0} is over the limit (RFC 7208 section 3.4)")]
    RecordTooLong(String),
    /// A record that is malformed: whose, and where.
    #[error("{0}: {1}")]
    Syntax(String, RecordError),
    /// DNS gave no usable answer for a name.
    #[error("DNS failed for {0} (RFC 7208 section 4.4)")]
    DnsFailed(String),
    /// More than [`Limits::lookups`](super::Limits::lookups).
    #[error("too many terms that cause DNS lookups (RFC 7208 section 4.6.4)")]
    TooManyLookups,
    /// More than [`Limits::voids`](super::Limits::voids).
    #[error("too many lookups without a record (RFC 7208 section 4.6.4)")]
    TooManyVoids,
    /// A name with more than [`Limits::mx_hosts`](super::Limits::mx_hosts).
    #[error("{0} has too many MX records (RFC 7208 section 4.6.4)")]
    TooManyHosts(String),
    /// An included domain has no record.
    #[error("included {0} has no SPF record (RFC 7208 section 5.2)")]
    NoRecordToInclude(String),
    /// The domain of a redirect has no record.
    #[error("{0}, redirected to, has no SPF record (RFC 7208 section 6.1)")]
    NoRecordToRedirectTo(String),
    /// The name in a directive expands to none.
    #[error("{0} does not expand to a domain name (RFC 7208 section 4.8)")]
    MalformedTarget(Directive),
    /// The name in a redirect expands to none.
    #[error("redirect={0} does not expand to a domain name (RFC 7208 section 6.1)")]
    MalformedRedirect(String),
}

/// The outcome of a [`Check`](super::Check).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// What to act on.
    pub result: SpfResult,
    /// Why.
    pub reason: Reason,
    /// Which identity was checked.
    pub identity: Identity,
    /// The client, an IPv4 address as such.
    pub ip: IpAddr,
    /// Of a `fail`: what the domain says to the sender. A third party's words, visible
    /// ASCII and spaces.
    pub explanation: Option<String>,
    /// What it took.
    pub cost: Cost,
    pub(super) names: Names,
    /// The texts at the domain, and which one is the record.
    pub(super) record: Option<(Arc<[Text]>, usize)>,
    /// The records whose directives matched.
    pub(super) matched: Vec<Frame>,
}

impl Verdict {
    /// The identity's domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.names.domain()
    }

    /// The sender of the RFC: the identity as an address.
    #[must_use]
    pub fn sender(&self) -> &str {
        self.names.sender()
    }

    /// The name that the client gave.
    #[must_use]
    pub fn helo(&self) -> &str {
        self.names.helo()
    }

    /// The record of the domain, if it has exactly one.
    #[must_use]
    pub fn record(&self) -> Option<Cow<'_, str>> {
        let (texts, at) = self.record.as_ref()?;
        Some(String::from_utf8_lossy(texts.get(*at)?))
    }

    /// What decided: the directive of the domain's own record, then, where that is an
    /// include, the one in the record included. Empty when nothing matched.
    pub fn matched(&self) -> impl DoubleEndedIterator<Item = Matched<'_>> {
        self.matched.iter().filter_map(Frame::matched)
    }
}

/// One line: result, domain, why.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}={}: ", self.result, self.identity, self.domain())?;
        if self.matched.is_empty() {
            return write!(f, "{}", self.reason);
        }
        for (at, matched) in self.matched().enumerate() {
            let before = if at == 0 { "" } else { ", there " };
            write!(f, "{before}{} of {}", matched.directive, matched.domain)?;
        }
        Ok(())
    }
}

/// The names of who is checked, in one text: local part, `@`, domain, name in HELO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    text: String,
    at: usize,
    helo: usize,
}

impl Names {
    pub(super) fn new(local_part: &str, domain: &str, helo: &str) -> Self {
        let at = local_part.len();
        let start = at + 1 + domain.len();
        // By hand: it is done for each check, and `concat` takes three times as long.
        let mut text = String::with_capacity(start + helo.len());
        text.push_str(local_part);
        text.push('@');
        text.push_str(domain);
        text.push_str(helo);
        Names {
            text,
            at,
            helo: start,
        }
    }

    pub(super) fn local_part(&self) -> &str {
        self.text.get(..self.at).unwrap_or_default()
    }

    pub(super) fn domain(&self) -> &str {
        self.text.get(self.at + 1..self.helo).unwrap_or_default()
    }

    pub(super) fn sender(&self) -> &str {
        self.text.get(..self.helo).unwrap_or_default()
    }

    pub(super) fn helo(&self) -> &str {
        self.text.get(self.helo..).unwrap_or_default()
    }
}

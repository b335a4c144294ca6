//! DMARC policy records (RFC 9989 sections 4.7 and 4.8).

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::name::Domain;

/// What a domain owner asks to be done with mail that fails (section 4.7, tag `p`), the
/// mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// No preference.
    None,
    /// Such mail is suspicious.
    Quarantine,
    /// Such mail is not from the domain.
    Reject,
}

impl Policy {
    fn parse(value: &[u8]) -> Option<Self> {
        let mut known = [Policy::None, Policy::Quarantine, Policy::Reject].into_iter();
        known.find(|policy| {
            let known = policy.as_str().as_bytes();
            value.len() == known.len() && value.eq_ignore_ascii_case(known)
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Policy::None => "none",
            Policy::Quarantine => "quarantine",
            Policy::Reject => "reject",
        }
    }

    /// One level below: what is applied in test mode (tag `t`).
    pub(super) fn milder(self) -> Self {
        match self {
            Policy::Reject => Policy::Quarantine,
            Policy::Quarantine | Policy::None => Policy::None,
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How near an authenticated domain must be to that of the author (section 3.2.10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Alignment {
    /// The same organizational domain.
    #[default]
    Relaxed,
    /// The same domain.
    Strict,
}

/// Whether the domain is a public suffix (tag `psd`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Suffix {
    /// `u`: no public suffix; whether it is an organizational domain shows in the walk.
    #[default]
    Unknown,
    /// `y`: a public suffix domain.
    Public,
    /// `n`: an organizational domain.
    Organizational,
}

/// For which failures single reports are asked for (tag `fo`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FailureOptions {
    /// `1` rather than `0`: when any mechanism gives no aligned pass, not only when all do.
    pub any: bool,
    /// `d`: when a DKIM signature fails, aligned or not.
    pub dkim: bool,
    /// `s`: when SPF fails, aligned or not.
    pub spf: bool,
}

/// What may stand in a [`ReportUri`], by octet.
const IS_TEXT: [bool; 128] = {
    let (mut table, mut byte) = ([false; 128], b'!');
    while byte <= b'~' {
        table[byte as usize] = !matches!(byte, b',' | b';' | b'!' | b'<' | b'>' | b'"' | b'\\');
        byte += 1;
    }
    table
};

/// A URI that reports are sent to (section 4.6): in ASCII, without white space, comma,
/// semicolon and exclamation mark.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReportUri(String);

impl ReportUri {
    /// Checks a URI. Commas, semicolons and exclamation marks in it must be
    /// percent-encoded.
    #[must_use]
    pub fn new(uri: &str) -> Option<Self> {
        let (scheme, rest) = part(uri.as_bytes(), b':');
        let (mut scheme, rest) = (scheme.iter(), rest?);
        let is_scheme = scheme.next()?.is_ascii_alphabetic()
            && scheme.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let is_text = |b: &u8| IS_TEXT.get(usize::from(*b)) == Some(&true);
        (is_scheme && !rest.is_empty() && rest.iter().all(is_text)).then(|| Self(uri.to_owned()))
    }

    /// As it is published, without the obsolete size limit.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a `mailto:` URI, as it is written there.
    #[must_use]
    pub fn mailbox(&self) -> Option<&str> {
        let (scheme, rest) = self.0.split_once(':')?;
        let address = rest.split_once('?').map_or(rest, |(address, _)| address);
        (scheme.eq_ignore_ascii_case("mailto") && address.contains('@')).then_some(address)
    }

    /// The host that takes reports: behind the last `@` of a `mailto:` URI, else in the
    /// authority (RFC 3986 section 3.2), without user and port.
    ///
    /// ```
    /// use scop_dkim::dmarc::ReportUri;
    /// let uri = ReportUri::new("mailto:dmarc@Example.com?subject=x").unwrap();
    /// assert_eq!(uri.host().unwrap().as_str(), "Example.com");
    /// let uri = ReportUri::new("https://x@reports.example.com:8443/v1").unwrap();
    /// assert_eq!(uri.host().unwrap().as_str(), "reports.example.com");
    /// ```
    #[must_use]
    pub fn host(&self) -> Option<Domain> {
        let host = match self.mailbox() {
            Some(address) => address.rsplit_once('@')?.1,
            None => {
                let (_, rest) = self.0.split_once("://")?;
                let authority = rest.split(['/', '?', '#']).next()?;
                let host = authority
                    .rsplit_once('@')
                    .map_or(authority, |(_, host)| host);
                host.split_once(':').map_or(host, |(host, _)| host)
            }
        };
        Domain::new(host).ok()
    }
}

impl fmt::Display for ReportUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A DMARC policy record: `v=DMARC1; p=..`.
///
/// ```
/// use scop_dkim::dmarc::{Alignment, Policy, Record, ReportUri};
///
/// let mut record = Record::new(Policy::Reject);
/// record.spf_alignment = Alignment::Strict;
/// record.aggregate_reports.push(ReportUri::new("mailto:dmarc@example.com").unwrap());
/// assert_eq!(record.to_string(), "v=DMARC1; p=reject; aspf=s; rua=mailto:dmarc@example.com");
/// assert_eq!(Record::parse(record.to_string().as_bytes()), Some(record));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// `p`: for the domain, and below it where no other tag says otherwise. `None` when
    /// the record asks for nothing: without a valid `p` and without `rua` (4.10.1).
    pub policy: Option<Policy>,
    /// `sp`: for subdomains.
    pub subdomains: Option<Policy>,
    /// `np`: for subdomains that do not exist.
    pub nonexistent: Option<Policy>,
    /// `psd`.
    pub suffix: Suffix,
    /// `t=y`: policies are applied one level milder.
    pub testing: bool,
    /// `adkim`.
    pub dkim_alignment: Alignment,
    /// `aspf`.
    pub spf_alignment: Alignment,
    /// `rua`.
    pub aggregate_reports: Vec<ReportUri>,
    /// `ruf`.
    pub failure_reports: Vec<ReportUri>,
    /// `fo`; means nothing without `ruf`.
    pub failure_options: FailureOptions,
}

impl Record {
    /// A record with this policy and nothing else.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Record {
            policy: Some(policy),
            subdomains: None,
            nonexistent: None,
            suffix: Suffix::default(),
            testing: false,
            dkim_alignment: Alignment::default(),
            spf_alignment: Alignment::default(),
            aggregate_reports: Vec::new(),
            failure_reports: Vec::new(),
            failure_options: FailureOptions::default(),
        }
    }

    /// Parses a record: the joined strings of a TXT record. `None` when it does not begin
    /// with the tag `v=DMARC1`, which makes it no DMARC record at all.
    ///
    /// Behind that nothing is an error (section 4.8): what cannot be read has its default,
    /// unknown tags are ignored, of a repeated one the first counts. Cost: linear.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut tags = Tags { rest: Some(text) };
        let (name, version) = tags.next()?;
        if !name.eq_ignore_ascii_case(b"v") || version != b"DMARC1" {
            return None;
        }
        let mut record = Record::new(Policy::None);
        // Of each policy tag: what it says, if that can be read.
        let (mut p, mut sp, mut np) = (None, None, None);
        let mut seen = Seen::default();
        for (name, value) in tags {
            let Some(tag) = Tag::parse(name).filter(|tag| seen.first(*tag)) else {
                continue;
            };
            let is = |word: u8| matches!(value, [b] if b.to_ascii_lowercase() == word);
            match tag {
                Tag::P => p = Some(Policy::parse(value)),
                Tag::Sp => sp = Some(Policy::parse(value)),
                Tag::Np => np = Some(Policy::parse(value)),
                Tag::T => record.testing = is(b'y'),
                Tag::Psd if is(b'y') => record.suffix = Suffix::Public,
                Tag::Psd if is(b'n') => record.suffix = Suffix::Organizational,
                Tag::Psd => {}
                Tag::Adkim if is(b's') => record.dkim_alignment = Alignment::Strict,
                Tag::Aspf if is(b's') => record.spf_alignment = Alignment::Strict,
                Tag::Adkim | Tag::Aspf => {}
                Tag::Rua => record.aggregate_reports = uris(value),
                Tag::Ruf => record.failure_reports = uris(value),
                Tag::Fo => {
                    for option in split(value, b':').map(trim) {
                        record.failure_options.any |= option == b"1";
                        record.failure_options.dkim |= option.eq_ignore_ascii_case(b"d");
                        record.failure_options.spf |= option.eq_ignore_ascii_case(b"s");
                    }
                }
            }
        }
        record.policy = match (p.flatten(), sp, np) {
            (Some(policy), None | Some(Some(_)), None | Some(Some(_))) => {
                record.subdomains = sp.flatten();
                record.nonexistent = np.flatten();
                Some(policy)
            }
            // Section 4.10.1: reports are wanted, so it stands for `p=none`.
            _ if !record.aggregate_reports.is_empty() => Some(Policy::None),
            _ => None,
        };
        Some(record)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    P,
    Sp,
    Np,
    T,
    Psd,
    Adkim,
    Aspf,
    Rua,
    Ruf,
    Fo,
}

impl Tag {
    fn parse(name: &[u8]) -> Option<Self> {
        let mut lower = [0; 5];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"p" => Tag::P,
            b"sp" => Tag::Sp,
            b"np" => Tag::Np,
            b"t" => Tag::T,
            b"psd" => Tag::Psd,
            b"adkim" => Tag::Adkim,
            b"aspf" => Tag::Aspf,
            b"rua" => Tag::Rua,
            b"ruf" => Tag::Ruf,
            b"fo" => Tag::Fo,
            _ => return None,
        })
    }
}

/// Which tags came already.
#[derive(Default)]
struct Seen(u16);

impl Seen {
    fn first(&mut self, tag: Tag) -> bool {
        let before = self.0;
        self.0 |= 1 << tag as u16;
        self.0 != before
    }
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Names and values between semicolons. All that is known of either is ASCII, so what else is
/// in a record need not even be UTF-8.
struct Tags<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Tags<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = part(self.rest?, b';');
        self.rest = rest;
        // Names are short.
        let mut parts = tag.splitn(2, |b| *b == b'=');
        let (name, value) = (parts.next()?, parts.next());
        Some((trim(name), trim(value.unwrap_or_default())))
    }
}

/// What is before the first such octet, and behind it if there is one.
fn part(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(at, text) {
        None => (text, None),
        Some(place) => (text.get(..place).unwrap_or_default(), text.get(place + 1..)),
    }
}

/// What is between such octets.
fn split(text: &[u8], at: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let (first, more) = part(rest?, at);
        rest = more;
        Some(first)
    })
}

/// URIs, the obsolete size limit (`!10m`) dropped; those that are none, too.
fn uris(value: &[u8]) -> Vec<ReportUri> {
    let mut uris = Vec::new();
    for uri in split(value, b',') {
        let (uri, _) = part(trim(uri), b'!');
        let uri = core::str::from_utf8(uri).ok().and_then(ReportUri::new);
        uris.extend(uri);
    }
    uris
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=DMARC1")?;
        let policies = [
            ("p", self.policy),
            ("sp", self.subdomains),
            ("np", self.nonexistent),
        ];
        for (tag, policy) in policies {
            if let Some(policy) = policy {
                write!(f, "; {tag}={policy}")?;
            }
        }
        match self.suffix {
            Suffix::Unknown => {}
            Suffix::Public => f.write_str("; psd=y")?,
            Suffix::Organizational => f.write_str("; psd=n")?,
        }
        if self.testing {
            f.write_str("; t=y")?;
        }
        if self.dkim_alignment == Alignment::Strict {
            f.write_str("; adkim=s")?;
        }
        if self.spf_alignment == Alignment::Strict {
            f.write_str("; aspf=s")?;
        }
        for (tag, uris) in [
            ("rua", &self.aggregate_reports),
            ("ruf", &self.failure_reports),
        ] {
            for (at, uri) in uris.iter().enumerate() {
                match at {
                    0 => write!(f, "; {tag}={uri}")?,
                    _ => write!(f, ",{uri}")?,
                }
            }
        }
        let FailureOptions { any, dkim, spf } = self.failure_options;
        if any || dkim || spf {
            let d = if dkim { ":d" } else { "" };
            let s = if spf { ":s" } else { "" };
            write!(f, "; fo={}{d}{s}", u8::from(any))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    fn parse(text: &str) -> Option<Record> {
        Record::parse(text.as_bytes())
    }

    #[test]
    fn the_version_comes_first_and_is_exact() {
        for text in [
            "v=DMARC1",
            "v=DMARC1;",
            " v = DMARC1 ; p=none",
            "V=DMARC1; p=none",
        ] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            "v=dmarc1; p=none",
            "v=DMARC10; p=none",
            "p=none; v=DMARC1",
            "v=spf1 -all",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_has_its_default() {
        let record = parse("v=DMARC1; p=QUARANTINE; junk; adkim=x; aspf=S; fo=1:d:z; pct=50; psd=; t=Y; rua=no uri, mailto:a@b.test!10m ,https://x.test/r").unwrap();
        assert_eq!(record.policy, Some(Policy::Quarantine));
        assert_eq!(
            (record.dkim_alignment, record.spf_alignment),
            (Alignment::Relaxed, Alignment::Strict)
        );
        assert!(record.testing && record.failure_options.any && record.failure_options.dkim);
        let reports: Vec<&str> = record
            .aggregate_reports
            .iter()
            .map(ReportUri::as_str)
            .collect();
        assert_eq!(reports, ["mailto:a@b.test", "https://x.test/r"]);
        assert_eq!(record.aggregate_reports[0].mailbox(), Some("a@b.test"));
        assert_eq!(record.aggregate_reports[1].mailbox(), None);
    }

    /// Section 4.10.1: no valid `p`, or an invalid `sp` or `np`.
    #[test]
    fn a_record_without_a_policy() {
        for tags in ["", "; p=rejct", "; p=reject; sp=x", "; p=reject; np="] {
            assert_eq!(
                parse(&alloc::format!("v=DMARC1{tags}")).unwrap().policy,
                None,
                "{tags}"
            );
            let reported = alloc::format!("v=DMARC1{tags}; rua=mailto:a@b.test");
            let record = parse(&reported).unwrap();
            assert_eq!(
                (record.policy, record.subdomains),
                (Some(Policy::None), None),
                "{tags}"
            );
        }
    }

    #[test]
    fn the_first_of_a_repeated_tag_counts() {
        assert_eq!(
            parse("v=DMARC1; p=none; P=reject").unwrap().policy,
            Some(Policy::None)
        );
    }

    #[test]
    fn a_uri_cannot_break_out_of_its_tag() {
        for uri in [
            "mailto:a@b.test; p=none",
            "mailto:a,b",
            "mailto:a!b",
            "a@b.test",
            "mailto:",
            ":x",
            "mailto:a b",
            "mailto:ü@b.test",
        ] {
            assert_eq!(ReportUri::new(uri), None, "{uri}");
        }
    }

    #[test]
    fn a_record_that_is_written_reads_the_same() {
        let text = "v=DMARC1; p=reject; sp=quarantine; np=none; psd=n; t=y; adkim=s; aspf=s; \
            rua=mailto:a@b.test,mailto:c@d.test; ruf=mailto:e@f.test; fo=1:d:s";
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}

//! Mailboxes and hosts: RFC 5321 sections 4.1.2 and 4.1.3.
//!
//! Each value holds one canonical spelling, so equal addresses are equal values:
//! a local part is quoted only where it must be (section 4.1.2 demands that quoted
//! forms compare equal). The domain compares without case, the local part with it.

use alloc::{borrow::Cow, format, string::String};
use core::{
    fmt,
    hash::{Hash, Hasher},
    net::{Ipv4Addr, Ipv6Addr},
};

use thiserror::Error;

use crate::class::{ATEXT, LDH, is, run};

/// The longest local part taken, in bytes of its wire form. RFC 5321 section
/// 4.5.3.1.1 asks for 64 and for no limit where possible; bounce addresses go past it.
pub const MAX_LOCAL_PART: usize = 255;
/// The longest domain or address literal, in bytes (RFC 5321 section 4.5.3.1.2).
pub const MAX_DOMAIN: usize = 255;

/// The longest label of a domain, in bytes (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;

/// Why something is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The local part is empty, unbalanced in its quotes or holds a character that
    /// has no place there.
    #[error("bad local part")]
    LocalPart,
    /// The domain is not letters, digits and hyphens in labels of 1 to 63 bytes.
    #[error("bad domain")]
    Domain,
    /// What stands in brackets is no address literal.
    #[error("bad address literal")]
    Literal,
    /// A character outside ASCII, which wants SMTPUTF8 (RFC 6531).
    #[error("an address outside ASCII")]
    NonAscii,
    /// Longer than [`MAX_LOCAL_PART`] or [`MAX_DOMAIN`].
    #[error("address too long")]
    TooLong,
    /// No `@`, no closing bracket, or something behind it.
    #[error("bad address")]
    Syntax,
}

/// What stands behind the `@`, or after `EHLO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Host<'a> {
    /// A domain name.
    Domain(&'a str),
    /// `[192.0.2.1]`
    Ipv4(Ipv4Addr),
    /// `[IPv6:2001:db8::1]`
    Ipv6(Ipv6Addr),
    /// `[tag:content]`, of which none was ever registered.
    General {
        /// What kind of address.
        tag: &'a str,
        /// The address.
        content: &'a str,
    },
}

impl<'a> Host<'a> {
    /// Reads a domain or an address literal.
    ///
    /// # Errors
    ///
    /// [`AddressError`] unless it is one, whole.
    pub fn parse(text: &'a str) -> Result<Self, AddressError> {
        let end = host_end(text)?;
        if end == text.len() {
            Self::classify(text)
        } else if text.is_ascii() {
            Err(AddressError::Domain)
        } else {
            Err(AddressError::NonAscii)
        }
    }

    /// How far the host at the start of `text` reaches.
    pub(crate) fn prefix_len(text: &str) -> Result<usize, AddressError> {
        let end = host_end(text)?;
        Host::parse(text.get(..end).unwrap_or_default()).map(|_| end)
    }

    /// `text` was seen to be a host's extent by [`host_end`].
    fn classify(text: &'a str) -> Result<Self, AddressError> {
        match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            Some(inner) => literal(inner).ok_or(AddressError::Literal),
            None => Ok(Host::Domain(text)),
        }
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Domain(name) => f.write_str(name),
            Host::Ipv4(ip) => write!(f, "[{ip}]"),
            Host::Ipv6(ip) => write!(f, "[IPv6:{ip}]"),
            Host::General { tag, content } => write!(f, "[{tag}:{content}]"),
        }
    }
}

/// How far a domain or literal at the start of `text` reaches; checks a domain, but
/// of a literal only its brackets.
fn host_end(text: &str) -> Result<usize, AddressError> {
    let bytes = text.as_bytes();
    if bytes.first() == Some(&b'[') {
        let end = bytes
            .iter()
            .take(MAX_DOMAIN)
            .position(|&b| b == b']')
            .ok_or(AddressError::Literal)?;
        return Ok(end + 1);
    }
    let mut end = 0;
    loop {
        let rest = bytes.get(end..).unwrap_or_default();
        let len = run(rest, LDH);
        let label = rest.get(..len).unwrap_or_default();
        let hyphens = label.first() == Some(&b'-') || label.last() == Some(&b'-');
        match rest.get(len) {
            Some(0x80..) => return Err(AddressError::NonAscii),
            _ if hyphens || !(1..=MAX_LABEL).contains(&len) => return Err(AddressError::Domain),
            Some(b'.') => end += len + 1,
            _ => {
                end += len;
                break;
            }
        }
    }
    if end > MAX_DOMAIN {
        return Err(AddressError::TooLong);
    }
    Ok(end)
}

fn literal(inner: &str) -> Option<Host<'_>> {
    let Some((tag, content)) = inner.split_once(':') else {
        return ipv4(inner).map(Host::Ipv4);
    };
    if tag.eq_ignore_ascii_case("IPv6") {
        return content.parse().ok().map(Host::Ipv6);
    }
    let ldh = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let tag_ok = !tag.is_empty() && tag.bytes().all(ldh) && !tag.ends_with('-');
    let dcontent = |b: u8| matches!(b, 33..=90 | 94..=126);
    (tag_ok && !content.is_empty() && content.bytes().all(dcontent))
        .then_some(Host::General { tag, content })
}

/// Four `Snum`: one to three digits each, leading zeros and all, which `core::net`
/// does not take.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *octet = part.parse().ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// `Local-part "@" ( Domain / address-literal )`.
///
/// ```
/// use scop_smtp_proto::{Host, Mailbox};
///
/// let tim: Mailbox = "tim@example.org".parse()?;
/// assert_eq!(tim.host(), Host::Domain("example.org"));
/// let odd = Mailbox::new("two words", "[192.0.2.1]")?;
/// assert_eq!(odd.as_str(), r#""two words"@[192.0.2.1]"#);
/// assert_eq!(odd.local_part(), "two words");
/// assert!(Mailbox::new("x@y>\r\nDATA\r\n", "example.org").is_err());
/// # Ok::<(), scop_smtp_proto::AddressError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mailbox<'a> {
    text: Cow<'a, str>,
    at: usize,
}

impl<'a> Mailbox<'a> {
    /// A mailbox from its local part, unquoted, and its domain or address literal.
    ///
    /// # Errors
    ///
    /// [`AddressError`]; a control character or one outside ASCII is in no mailbox.
    pub fn new(local: &str, host: &str) -> Result<Mailbox<'static>, AddressError> {
        if local.is_empty() || local.bytes().any(|b| b.is_ascii_control()) {
            return Err(AddressError::LocalPart);
        }
        if !local.is_ascii() {
            return Err(AddressError::NonAscii);
        }
        Host::parse(host)?;
        let local = if is_dot_string(local) {
            Cow::Borrowed(local)
        } else {
            Cow::Owned(quote(local))
        };
        if local.len() > MAX_LOCAL_PART {
            return Err(AddressError::TooLong);
        }
        Ok(Mailbox {
            at: local.len(),
            text: Cow::Owned(format!("{local}@{host}")),
        })
    }

    /// Reads a mailbox that is all of `text`.
    ///
    /// # Errors
    ///
    /// [`AddressError`].
    pub fn parse(text: &'a str) -> Result<Self, AddressError> {
        match Self::prefix(text)? {
            (mailbox, end) if end == text.len() => Ok(mailbox),
            _ => Err(AddressError::Syntax),
        }
    }

    /// Reads a mailbox at the start of `text`, and how far it reaches.
    pub(crate) fn prefix(text: &'a str) -> Result<(Self, usize), AddressError> {
        let bytes = text.as_bytes();
        let (local_end, owned) = if bytes.first() == Some(&b'"') {
            let (value, end) = unquote(text)?;
            // The canonical form: bare where that is possible.
            if is_dot_string(&value) {
                (end, Some(value))
            } else {
                (end, Some(quote(&value)))
            }
        } else {
            let (mut end, mut odd) = (0, false);
            loop {
                let atom = run(bytes.get(end..).unwrap_or_default(), ATEXT);
                odd |= atom == 0;
                end += atom;
                match bytes.get(end) {
                    Some(b'.') => end += 1,
                    _ => break,
                }
            }
            if bytes.get(end).is_some_and(|b| !b.is_ascii()) {
                return Err(AddressError::NonAscii);
            }
            if end == 0 {
                return Err(AddressError::LocalPart);
            }
            if odd {
                // Not by the grammar, but in use.
                let local = text.get(..end).unwrap_or_default();
                (end, Some(quote(local)))
            } else {
                (end, None)
            }
        };
        if bytes.get(local_end) != Some(&b'@') {
            return Err(AddressError::Syntax);
        }
        let host = text.get(local_end + 1..).unwrap_or_default();
        let end = local_end + 1 + host_end(host)?;
        let host = text.get(local_end + 1..end).unwrap_or_default();
        if host.starts_with('[') {
            Host::classify(host)?;
        }
        let mailbox = match owned {
            None => Mailbox {
                text: Cow::Borrowed(text.get(..end).unwrap_or_default()),
                at: local_end,
            },
            Some(local) => Mailbox {
                at: local.len(),
                text: Cow::Owned(format!("{local}@{host}")),
            },
        };
        if mailbox.at > MAX_LOCAL_PART {
            return Err(AddressError::TooLong);
        }
        Ok((mailbox, end))
    }

    /// The canonical wire form.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The local part, unquoted.
    #[must_use]
    pub fn local_part(&self) -> Cow<'_, str> {
        let local = self.text.get(..self.at).unwrap_or_default();
        if local.starts_with('"') {
            unquote(local).map_or(Cow::Borrowed(local), |(value, _)| Cow::Owned(value))
        } else {
            Cow::Borrowed(local)
        }
    }

    /// The domain or address literal as written.
    #[must_use]
    #[inline]
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }

    /// The domain or address literal, read.
    #[must_use]
    pub fn host(&self) -> Host<'_> {
        let text = self.domain();
        Host::classify(text).unwrap_or(Host::Domain(text))
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Mailbox<'static> {
        Mailbox {
            text: Cow::Owned(self.text.into_owned()),
            at: self.at,
        }
    }
}

impl PartialEq for Mailbox<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text.get(..self.at) == other.text.get(..other.at)
            && self.domain().eq_ignore_ascii_case(other.domain())
    }
}

impl Eq for Mailbox<'_> {}

impl Hash for Mailbox<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.get(..self.at).hash(state);
        self.domain()
            .bytes()
            .for_each(|b| state.write_u8(b.to_ascii_lowercase()));
    }
}

impl fmt::Display for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl core::str::FromStr for Mailbox<'static> {
    type Err = AddressError;
    fn from_str(text: &str) -> Result<Self, AddressError> {
        Mailbox::parse(text).map(Mailbox::into_owned)
    }
}

fn is_dot_string(text: &str) -> bool {
    dots_are_fine(text) && text.bytes().all(|b| b == b'.' || is(b, ATEXT))
}

/// Not empty, no dot at an end, no two in a row.
fn dots_are_fine(text: &str) -> bool {
    let mut last = b'.';
    for b in text.bytes() {
        if b == b'.' && last == b'.' {
            return false;
        }
        last = b;
    }
    last != b'.'
}

fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// The value of the quoted string at the start of `text`, and where it ends.
fn unquote(text: &str) -> Result<(String, usize), AddressError> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        let c = match c {
            '"' if value.is_empty() => return Err(AddressError::LocalPart),
            '"' => return Ok((value, i + 1)),
            '\\' => chars.next().ok_or(AddressError::LocalPart)?.1,
            c => c,
        };
        match c {
            ' '..='~' => value.push(c),
            c if c.is_ascii() => return Err(AddressError::LocalPart),
            _ => return Err(AddressError::NonAscii),
        }
    }
    Err(AddressError::LocalPart)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn mailboxes_of_the_rfc() {
        for (text, local, canonical) in [
            ("tim@example.org", "tim", "tim@example.org"),
            (r#""tim"@example.org"#, "tim", "tim@example.org"),
            (r#""Joe\,Smith"@x.y"#, "Joe,Smith", r#""Joe,Smith"@x.y"#),
            (r#""a\"b\\c d"@x"#, r#"a"b\c d"#, r#""a\"b\\c d"@x"#),
            ("a+b/c=d@[IPv6:::1]", "a+b/c=d", "a+b/c=d@[IPv6:::1]"),
            ("x@[010.0.002.1]", "x", "x@[010.0.002.1]"),
            ("x@[tag:a!b]", "x", "x@[tag:a!b]"),
            // Not by the grammar, but in use; written in a form that is.
            ("a..b.@docomo.example", "a..b.", r#""a..b."@docomo.example"#),
        ] {
            let mailbox = Mailbox::parse(text).unwrap();
            assert_eq!(mailbox.local_part(), local, "{text}");
            assert_eq!(mailbox.as_str(), canonical, "{text}");
        }
        let same = Mailbox::parse("tim@EXAMPLE.org").unwrap();
        assert_eq!(same, Mailbox::parse("\"tim\"@example.org").unwrap());
        assert_ne!(same, Mailbox::parse("Tim@example.org").unwrap());
    }

    #[test]
    fn what_is_no_mailbox() {
        use AddressError::*;
        for (text, error) in [
            ("", LocalPart),
            ("tim", Syntax),
            ("@x", LocalPart),
            ("\"\"@x", LocalPart),
            ("\"a@x", LocalPart),
            ("\"a\tb\"@x", LocalPart),
            ("a b@x", Syntax),
            ("a@", Domain),
            ("a@-x", Domain),
            ("a@x-", Domain),
            ("a@x..y", Domain),
            ("a@x.", Domain),
            ("a@a_b", Syntax),
            ("a@x>", Syntax),
            ("a@[1.2.3]", Literal),
            ("a@[1.2.3.256]", Literal),
            ("a@[IPv6:g::]", Literal),
            ("a@[x", Literal),
            ("a@[:x]", Literal),
            ("ü@x", NonAscii),
            ("a@ü", NonAscii),
            ("\"ü\"@x", NonAscii),
        ] {
            assert_eq!(Mailbox::parse(text), Err(error), "{text}");
        }
        let long = "a".repeat(64);
        assert!(Mailbox::new("a", &long).is_err());
        assert!(Mailbox::new(&long.repeat(4), "x").is_err());
        let domain = ["a".repeat(60).as_str(); 5].join(".");
        assert_eq!(Mailbox::new("a", &domain), Err(TooLong));
    }

    #[test]
    fn sc01_framing_breakers_cannot_be_built() {
        for bad in ["x\r\nDATA", "x\n", "x\0", "x\u{7f}", "x@y>\r\nDATA\r\n"] {
            assert!(Mailbox::new(bad, "example.org").is_err(), "{bad:?}");
            assert!(Mailbox::new("x", bad).is_err(), "{bad:?}");
            assert!(bad.parse::<Mailbox<'_>>().is_err(), "{bad:?}");
        }
        // Legal inside of quotes, and there it breaks nothing.
        let odd = Mailbox::new("x@y> RCPT", "example.org").unwrap();
        assert_eq!(odd.as_str(), r#""x@y> RCPT"@example.org"#);
    }

    #[test]
    fn literals_are_read() {
        let ip = Host::parse("[IPv6:2001:db8::ff00:42:8329]").unwrap();
        assert_eq!(ip.to_string(), "[IPv6:2001:db8::ff00:42:8329]");
        assert_eq!(
            Host::parse("[ipv6:::ffff:192.0.2.1]").unwrap(),
            Host::Ipv6("::ffff:192.0.2.1".parse().unwrap())
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn a_mailbox_comes_back_from_its_text(local in "[ -~]{1,30}", host in "[a-z]{1,5}(\\.[a-z0-9]{1,5}){0,3}") {
            let made = Mailbox::new(&local, &host).unwrap();
            let read = Mailbox::parse(made.as_str()).unwrap();
            prop_assert_eq!(&made, &read);
            prop_assert_eq!(read.local_part(), local.as_str());
            prop_assert_eq!(read.domain(), host.as_str());
        }

        #[test]
        fn whatever_is_read_is_canonical(text in "[a-z.\"\\\\ @\\[\\]0-9:ü-]{0,20}") {
            if let Ok(read) = Mailbox::parse(&text) {
                let again = Mailbox::parse(read.as_str()).unwrap();
                prop_assert_eq!(again.as_str(), read.as_str());
                prop_assert!(!read.as_str().bytes().any(|b| b.is_ascii_control()));
            }
        }
    }
}

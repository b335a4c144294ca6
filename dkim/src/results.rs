//! The Authentication-Results field (RFC 8601), written.
//!
//! What a verifier found, for those who handle the message after it. Names that a sender
//! chose go into it, so each value has one shape that nothing in it can leave: a token, an
//! address of plain characters, or a quoted string of visible ASCII.

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
#[cfg(feature = "arc")]
use core::net::IpAddr;

use crate::outcome::{DkimResult, Outcome};
use crate::verify::Verification;
use crate::{dmarc, iprev, spf};

/// An `Authentication-Results` field; [`Display`](fmt::Display) gives all of it with its
/// line ends.
///
/// ```
/// use scop_dkim::AuthenticationResults;
/// use scop_dkim::spf::Check;
///
/// let mut check = Check::helo("192.0.2.1".parse()?, "mx.example.com");
/// # let query = check.next_query().unwrap();
/// # check.answer(query.id, Ok(scop_dkim::Records::txt(["v=spf1 a:mx.example.com -all"])))?;
/// # let query = check.next_query().unwrap();
/// # check.answer(query.id, Ok(scop_dkim::Records::A(["192.0.2.1".parse()?].into())))?;
/// // .. queries and answers ..
/// let field = AuthenticationResults::new("mx.example.org")?.spf(check.verdict().unwrap());
/// assert_eq!(
///     field.to_string(),
///     "Authentication-Results: mx.example.org;\r\n spf=pass smtp.helo=mx.example.com\r\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationResults {
    id: String,
    results: Vec<MethodResult>,
}

/// The result of one method: `dkim=pass reason=".." header.d=example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodResult {
    method: Keyword,
    result: Keyword,
    reason: Option<String>,
    properties: Vec<(Keyword, Keyword, String)>,
}

/// A word of letters, digits and inner hyphens (RFC 5321 section 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Keyword(String);

impl Keyword {
    fn new(text: &str) -> Result<Self, NotAKeyword> {
        let is_inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let ends_well = !text.is_empty() && !text.ends_with('-') && !text.starts_with('-');
        match ends_well && text.bytes().all(is_inner) {
            true => Ok(Self(text.to_owned())),
            false => Err(NotAKeyword),
        }
    }

    /// For words of our own.
    fn of(text: impl ToString) -> Self {
        Self(text.to_string())
    }
}

/// A method, result, property or authserv-id that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "letters, digits and inner hyphens only, in an authserv-id also dots and underscores (RFC 8601 section 2.2)"
)]
pub struct NotAKeyword;

impl MethodResult {
    /// A result of any method, `auth` for instance. Methods and results are registered
    /// words (RFC 8601 section 2.7).
    ///
    /// # Errors
    /// [`NotAKeyword`] when one of them could not be a word.
    pub fn new(method: &str, result: &str) -> Result<Self, NotAKeyword> {
        Ok(Self::of(Keyword::new(method)?, Keyword::new(result)?))
    }

    fn of(method: Keyword, result: Keyword) -> Self {
        Self {
            method,
            result,
            reason: None,
            properties: Vec::new(),
        }
    }

    /// The same with a reason, for people.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// The same with a property: `("smtp", "auth", "ann@example.com")`. The value may be
    /// anything; what is no visible ASCII becomes a question mark.
    ///
    /// # Errors
    /// [`NotAKeyword`] when type or name could not be a word.
    pub fn with(mut self, kind: &str, name: &str, value: &str) -> Result<Self, NotAKeyword> {
        let property = (Keyword::new(kind)?, Keyword::new(name)?, value.to_owned());
        self.properties.push(property);
        Ok(self)
    }

    fn property(&mut self, kind: &str, name: &str, value: impl ToString) {
        let property = (Keyword::of(kind), Keyword::of(name), value.to_string());
        self.properties.push(property);
    }
}

impl AuthenticationResults {
    /// A field of this authserv-id: the name of the administrative domain that checks,
    /// or of the host (RFC 8601 section 2.5). Without results it says `none`.
    ///
    /// # Errors
    /// [`NotAKeyword`] when it is not of letters, digits, dots, hyphens and underscores.
    pub fn new(authserv_id: &str) -> Result<Self, NotAKeyword> {
        let is_id = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        match !authserv_id.is_empty() && authserv_id.len() <= 253 && authserv_id.bytes().all(is_id)
        {
            true => Ok(Self {
                id: authserv_id.to_owned(),
                results: Vec::new(),
            }),
            false => Err(NotAKeyword),
        }
    }

    /// The same with a result of any method.
    #[must_use]
    pub fn with(mut self, result: MethodResult) -> Self {
        self.results.push(result);
        self
    }

    /// The same with the verdict of SPF (RFC 8601 section 2.7.2).
    #[must_use]
    pub fn spf(self, verdict: &spf::Verdict) -> Self {
        let mut result = MethodResult::of(Keyword::of("spf"), Keyword::of(verdict.result));
        if verdict.result != spf::SpfResult::Pass {
            // The directive that decided says more than that one did.
            let matched = verdict.matched().next_back();
            let matched = matched.map(|m| alloc::format!("{} of {}", m.directive, m.domain));
            result.reason = Some(matched.unwrap_or_else(|| verdict.reason.to_string()));
        }
        match verdict.identity {
            spf::Identity::MailFrom => result.property("smtp", "mailfrom", verdict.sender()),
            spf::Identity::Helo => result.property("smtp", "helo", verdict.domain()),
        }
        self.with(result)
    }

    /// The same with what was found of a signature (RFC 8601 section 2.7.1): `header.d`,
    /// `.s`, `.a`, `.i` where it says more, and the first eight characters of `b=` (RFC
    /// 6008), which tell signatures of one domain apart. Where the domain in From was asked
    /// whether it lets the signer sign (feature `atps`), the answer as `dkim-atps` behind
    /// that, with the domain as `header.from` (RFC 6541 sections 8.2 and 8.3).
    #[must_use]
    pub fn dkim(self, outcome: &Outcome) -> Self {
        let found = outcome.result();
        let mut result = MethodResult::of(Keyword::of("dkim"), Keyword::of(found));
        if found != DkimResult::Pass || outcome.testing {
            result.reason = Some(outcome.explanation().to_string());
        }
        if let Some(domain) = outcome.domain() {
            result.property("header", "d", domain);
        }
        if let Some(selector) = outcome.selector() {
            result.property("header", "s", selector);
        }
        if let Some(signature) = &outcome.signature {
            result.property("header", "a", signature.algorithm());
            result.property("header", "i", signature.identity());
            let b = crate::tags::base64_encode(signature.signature());
            result.property("header", "b", b.get(..8).unwrap_or(&b));
        }
        let field = self.with(result);
        #[cfg(feature = "atps")]
        if let (Some(found), Some(signature)) = (outcome.atps, &outcome.signature)
            && let Some(atps) = signature.atps()
        {
            let mut result = MethodResult::of(Keyword::of("dkim-atps"), Keyword::of(found));
            result.property("header", "from", &atps.author);
            return field.with(result);
        }
        field
    }

    /// The same with all outcomes of a message, `none` for one without signatures and
    /// `permerror` for one whose header is over a limit.
    #[must_use]
    pub fn verification(mut self, verification: &Verification) -> Self {
        if let Some(limit) = verification.limit() {
            let mut result =
                MethodResult::of(Keyword::of("dkim"), Keyword::of(DkimResult::PermError));
            result.reason = Some(limit.to_string());
            return self.with(result);
        }
        if verification.outcomes().is_empty() {
            let none = Keyword::of(DkimResult::None);
            self = self.with(MethodResult::of(Keyword::of("dkim"), none));
        }
        verification.outcomes().iter().fold(self, Self::dkim)
    }

    /// The same with the status of the chain (RFC 8617 sections 5.2 and 10.1), and the
    /// address of the client that the message came from.
    #[cfg(feature = "arc")]
    #[must_use]
    pub fn arc(self, chain: &crate::arc::Chain, client: IpAddr) -> Self {
        let mut result = MethodResult::of(Keyword::of("arc"), Keyword::of(chain.status));
        if chain.status == crate::arc::ChainStatus::Fail {
            result.reason = Some(chain.reason.to_string());
        }
        if let Some(oldest) = chain.oldest_pass {
            result.property("header", "oldest-pass", oldest);
        }
        if chain.status != crate::arc::ChainStatus::None {
            result.property("smtp", "remote-ip", client.to_canonical());
        }
        self.with(result)
    }

    /// The same with the verdict of DMARC (RFC 9989 section 9.1).
    #[must_use]
    pub fn dmarc(self, verdict: &dmarc::Verdict) -> Self {
        let mut result = MethodResult::of(Keyword::of("dmarc"), Keyword::of(verdict.result));
        if verdict.result != dmarc::DmarcResult::Pass {
            result.reason = Some(verdict.reason.to_string());
        }
        if let Some(author) = &verdict.author {
            result.property("header", "from", author);
        }
        if verdict.policy.is_some() {
            result.property("policy", "dmarc", verdict.disposition);
        }
        self.with(result)
    }

    /// The same with whether the client's name leads back to its address (RFC 8601
    /// section 2.7.3).
    #[must_use]
    pub fn iprev(self, verdict: &iprev::Verdict) -> Self {
        let mut result = MethodResult::of(Keyword::of("iprev"), Keyword::of(verdict.result));
        if verdict.result != iprev::IprevResult::Pass {
            result.reason = Some(verdict.reason().to_owned());
        }
        result.property("policy", "iprev", verdict.client);
        self.with(result)
    }
}

/// The whole field, folded before each result, a line under 998 octets.
impl fmt::Display for AuthenticationResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authentication-Results: ")?;
        self.payload(f)
    }
}

impl AuthenticationResults {
    /// What comes behind the name, the line end included.
    pub(crate) fn payload(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        if self.results.is_empty() {
            f.write_str("; none")?;
        }
        for result in &self.results {
            write!(f, ";\r\n {}={}", result.method.0, result.result.0)?;
            if let Some(reason) = &result.reason {
                f.write_str("\r\n  reason=")?;
                quoted(f, reason)?;
            }
            for (at, (kind, name, value)) in result.properties.iter().enumerate() {
                // One line for what is short, one each for what may be long.
                let long = value.len() > 40 || at % 4 == 3;
                let fold = if long { "\r\n  " } else { " " };
                write!(f, "{fold}{}.{}=", kind.0, name.0)?;
                match is_plain(value) {
                    true => f.write_str(value)?,
                    false => quoted(f, value)?,
                }
            }
        }
        f.write_str("\r\n")
    }
}

/// Characters of a value that are written.
const LONGEST: usize = 400;

/// A token (RFC 2045 section 5.1), or an address of atoms and a domain.
fn is_plain(value: &str) -> bool {
    let is_atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-_`{|}~^".contains(&b);
    let is_words = |text: &str| {
        let mut words = text.split('.');
        words.all(|word| !word.is_empty() && word.bytes().all(is_atom))
    };
    let is_domain = |text: &str| {
        is_words(text)
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    };
    value.len() <= LONGEST
        && match value.rsplit_once('@') {
            Some(("", domain)) => is_domain(domain),
            Some((local, domain)) => is_words(local) && is_domain(domain),
            None => is_words(value),
        }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    crate::spf::escaped(f, text, "\"\\")?;
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_was_checked() {
        let field = AuthenticationResults::new("mx.example.org").unwrap();
        assert_eq!(
            field.to_string(),
            "Authentication-Results: mx.example.org; none\r\n"
        );
        for bad in ["", "a b", "a;b", "a\r\nb", "ü", "a(b)"] {
            assert_eq!(AuthenticationResults::new(bad), Err(NotAKeyword), "{bad:?}");
        }
    }

    /// dk10: nothing that a sender chose becomes a result, a field or a line.
    #[test]
    fn dk10_values_stay_values() {
        let field = |value: &str| {
            let auth = MethodResult::new("auth", "pass").unwrap().because(value);
            let auth = auth.with("smtp", "auth", value).unwrap();
            AuthenticationResults::new("mx.example.org")
                .unwrap()
                .with(auth)
                .to_string()
        };
        for value in [
            "x\"; dkim=pass header.d=bank.test (\"",
            "x; dkim=pass",
            "x\r\nFrom: ceo@bank.test",
            "x) dkim=pass (",
            "x\\",
            "\0",
            "ü",
            "",
            "a b",
            "x@y; spf=pass",
        ] {
            let text = field(value);
            let lines: Vec<&str> = text.trim_end_matches("\r\n").split("\r\n").collect();
            assert!(
                lines.iter().skip(1).all(|line| line.starts_with(' ')),
                "{text}"
            );
            assert!(
                !text.replace("\r\n", "").contains(['\r', '\n', '\0']),
                "{text}"
            );
            // Outside of quoted strings there is one result.
            let mut outside = String::new();
            let (mut inside, mut escaped) = (false, false);
            for c in text.chars() {
                match c {
                    _ if escaped => escaped = false,
                    '\\' if inside => escaped = true,
                    '"' => inside = !inside,
                    _ if !inside => outside.push(c),
                    _ => {}
                }
            }
            assert!(!inside, "{text}");
            assert_eq!(outside.matches(';').count(), 1, "{text}");
            assert!(!outside.contains("dkim"), "{text}");
        }
        assert!(field("ann@example.com").ends_with("smtp.auth=ann@example.com\r\n"));
        assert!(
            field(&"long".repeat(1000))
                .lines()
                .all(|line| line.len() < 998)
        );
    }

    #[test]
    fn words_are_words() {
        for bad in ["", "-a", "a-", "a b", "a=b", "a;", "ü"] {
            assert!(MethodResult::new(bad, "pass").is_err(), "{bad:?}");
            assert!(MethodResult::new("auth", bad).is_err(), "{bad:?}");
            let auth = MethodResult::new("auth", "pass").unwrap();
            assert!(auth.clone().with(bad, "auth", "").is_err(), "{bad:?}");
            assert!(auth.with("smtp", bad, "").is_err(), "{bad:?}");
        }
    }
}

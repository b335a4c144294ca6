//! The Received-SPF header field (RFC 7208 section 9.1).

use alloc::borrow::ToOwned as _;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use super::verdict::{SpfResult, Verdict};

/// A `Received-SPF` field: a result, and from what it was found.
///
/// ```
/// use scop_dkim::spf::ReceivedSpf;
///
/// let field = ReceivedSpf::parse(b" pass (mybox.example.org: domain of\r\n myname@example.com \
///     designates 192.0.2.1)\r\n receiver=mybox.example.org; client-ip=192.0.2.1;\r\n \
///     envelope-from=\"myname@example.com\"; helo=foo.example.com;\r\n").unwrap();
/// assert_eq!(field.result(), "pass");
/// assert_eq!(field.get("envelope-from"), Some("myname@example.com"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedSpf {
    result: String,
    comment: String,
    pairs: Vec<(String, String)>,
}

impl ReceivedSpf {
    /// What a verdict says, to be put on top of the message by `receiver`, the host that
    /// checked. [`Display`](fmt::Display) gives the field with its CRLF.
    ///
    /// Names that a client gave cannot break out of it: what is no visible ASCII becomes
    /// a question mark, the rest is quoted where it must be.
    #[must_use]
    pub fn new(verdict: &Verdict, receiver: &str) -> Self {
        let says = match verdict.result {
            SpfResult::Pass => "permits",
            SpfResult::Fail => "does not permit",
            SpfResult::SoftFail => "probably does not permit",
            SpfResult::None => "has no record for",
            SpfResult::Neutral => "says nothing about",
            SpfResult::TempError | SpfResult::PermError => "cannot be asked about",
        };
        let ip = verdict.ip;
        let comment = alloc::format!("{receiver}: {} {says} {ip}", verdict.domain());
        let mut pairs = Vec::new();
        let mut pair = |key: &str, value: String| pairs.push((key.to_owned(), value));
        pair("receiver", receiver.to_owned());
        pair("identity", verdict.identity.to_string());
        pair("client-ip", ip.to_string());
        if verdict.identity == super::Identity::MailFrom {
            pair("envelope-from", verdict.sender().to_owned());
        }
        pair("helo", verdict.helo().to_owned());
        match verdict.result {
            SpfResult::TempError | SpfResult::PermError => {
                pair("problem", verdict.reason.to_string());
            }
            SpfResult::None => {}
            _ => {
                let first = verdict.matched().next();
                let mechanism = first.map(|matched| matched.directive.to_string());
                pair(
                    "mechanism",
                    mechanism.unwrap_or_else(|| "default".to_owned()),
                );
            }
        }
        ReceivedSpf {
            result: verdict.result.to_string(),
            comment,
            pairs,
        }
    }

    /// Reads the value of a field, folded or not. `None` when it does not begin with a
    /// word; what cannot be read behind that is left out. Keys that the RFC does not
    /// know are kept. Cost: linear.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut input = Input {
            bytes: value,
            at: 0,
        };
        input.white_space();
        let result = input.word(|b| b.is_ascii_alphanumeric() || b == b'-')?;
        let comment = input.white_space();
        let mut pairs = Vec::new();
        while let Some(key) = input.word(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            input.white_space();
            if !input.take(b'=') {
                break;
            }
            input.white_space();
            let value = input.value();
            pairs.push((key.to_ascii_lowercase(), value));
            input.white_space();
            // Some writers leave the semicolon out.
            input.take(b';');
            input.white_space();
        }
        Some(ReceivedSpf {
            result: result.to_ascii_lowercase(),
            comment,
            pairs,
        })
    }

    /// The result, in lower case; of a foreign field it may be a word that the RFC does
    /// not know.
    #[must_use]
    pub fn result(&self) -> &str {
        &self.result
    }

    /// The comment behind the result, without its parentheses.
    #[must_use]
    pub fn comment(&self) -> &str {
        &self.comment
    }

    /// The address in `client-ip`.
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.get("client-ip")?.parse().ok()
    }

    /// The value of a key, in lower case: `envelope-from`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(k, _)| k == key);
        found.map(|(_, value)| value.as_str())
    }

    /// All keys with their values, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }
}

/// The whole field with its line end, a line for each key.
impl fmt::Display for ReceivedSpf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received-SPF: {}", self.result)?;
        if !self.comment.is_empty() {
            f.write_str("\r\n (")?;
            escaped(f, &self.comment, "()\\")?;
            f.write_str(")")?;
        }
        for (at, (key, value)) in self.pairs.iter().enumerate() {
            let end = if at == 0 { "" } else { ";" };
            write!(f, "{end}\r\n {key}=")?;
            let is_atom = |part: &str| !part.is_empty() && part.bytes().all(is_atext);
            if value.split('.').all(is_atom) && value.len() <= LONGEST {
                f.write_str(value)?;
            } else {
                f.write_str("\"")?;
                escaped(f, value, "\"\\")?;
                f.write_str("\"")?;
            }
        }
        f.write_str("\r\n")
    }
}

/// Characters of a value that are written: with all of them escaped and the key a line
/// stays under 998 octets.
const LONGEST: usize = 400;

/// Writes what fits, with a backslash before `special`; a question mark stands for what is
/// no visible ASCII.
pub(crate) fn escaped(f: &mut fmt::Formatter<'_>, text: &str, special: &str) -> fmt::Result {
    for c in text.chars().take(LONGEST) {
        match c {
            ' '..='~' if special.contains(c) => write!(f, "\\{c}")?,
            ' '..='~' => write!(f, "{c}")?,
            _ => f.write_str("?")?,
        }
    }
    Ok(())
}

fn is_atext(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b)
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn word(&mut self, part: impl Fn(u8) -> bool) -> Option<String> {
        let start = self.at;
        while self.peek().is_some_and(&part) {
            self.at += 1;
        }
        let word = self.bytes.get(start..self.at).filter(|w| !w.is_empty())?;
        Some(String::from_utf8_lossy(word).into_owned())
    }

    /// White space, line ends and comments: gives the text of the comments.
    fn white_space(&mut self) -> String {
        let mut text = Vec::new();
        let mut depth = 0u32;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b'\r' | b'\n' => {}
                b' ' | b'\t' if depth == 0 => {}
                b'\\' if depth > 0 => {
                    self.at += 1;
                    text.extend(self.peek());
                }
                _ if depth > 0 => text.push(byte),
                _ => break,
            }
            self.at += 1;
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// A quoted string, or what comes before a separator.
    fn value(&mut self) -> String {
        if !self.take(b'"') {
            let part = |b: u8| !b"; \t\r\n(".contains(&b);
            return self.word(part).unwrap_or_default();
        }
        let mut value = Vec::new();
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    value.extend(self.peek());
                    self.at += 1;
                }
                b'\r' | b'\n' => {}
                _ => value.push(byte),
            }
        }
        String::from_utf8_lossy(&value).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spf::Check;
    use crate::{DnsError, Records};

    fn verdict(sender: &str, helo: &str, record: &str) -> Verdict {
        let mut check = Check::mail_from("192.0.2.1".parse().unwrap(), sender, helo);
        while let Some(query) = check.next_query() {
            let answer = match &*query.name {
                "example.com" => Ok(Records::txt([record])),
                _ => Err(DnsError::NotFound),
            };
            check.answer(query.id, answer).unwrap();
        }
        check.verdict().unwrap().clone()
    }

    #[test]
    fn a_verdict_as_a_field() {
        let verdict = verdict(
            "ann@example.com",
            "mx.example.com",
            "v=spf1 ip4:192.0.2.1 -all",
        );
        let field = ReceivedSpf::new(&verdict, "here.example.org");
        assert_eq!(
            field.to_string(),
            "Received-SPF: pass\r\n \
             (here.example.org: example.com permits 192.0.2.1)\r\n \
             receiver=here.example.org;\r\n \
             identity=mailfrom;\r\n \
             client-ip=192.0.2.1;\r\n \
             envelope-from=\"ann@example.com\";\r\n \
             helo=mx.example.com;\r\n \
             mechanism=\"ip4:192.0.2.1\"\r\n"
        );
        let (_, value) = field
            .to_string()
            .split_once(':')
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .unwrap();
        assert_eq!(ReceivedSpf::parse(value.as_bytes()), Some(field));
    }

    /// RFC 7208 section 9.1: "does not contain malicious data".
    #[test]
    fn a_client_cannot_write_into_the_field() {
        let helo = "x\"; mechanism=all\r\nFrom: b\\(c";
        let sender = "\"a\r\n\r\nbody\"@example.com";
        let verdict = verdict(sender, helo, "v=spf1 ?all");
        let field = ReceivedSpf::new(&verdict, "here.example.org").to_string();
        assert!(
            field.lines().skip(1).all(|line| line.starts_with(' ')),
            "{field}"
        );
        assert!(
            field
                .bytes()
                .all(|b| matches!(b, b'\r' | b'\n' | b' '..=b'~'))
        );
        let (_, value) = field.split_once(':').unwrap();
        let parsed = ReceivedSpf::parse(value.as_bytes()).unwrap();
        assert_eq!(parsed.get("helo"), Some("x\"; mechanism=all??From: b\\(c"));
        assert_eq!(parsed.get("mechanism"), Some("?all"));
    }

    #[test]
    fn the_examples_of_rfc_7208_9_1() {
        let value = b" fail (mybox.example.org: domain of\r\n                     \
            myname@example.com does not designate\r\n                     \
            192.0.2.1 as permitted sender)\r\n                     \
            identity=mailfrom; client-ip=192.0.2.1;\r\n                     \
            envelope-from=\"myname@example.com\";";
        let field = ReceivedSpf::parse(value).unwrap();
        assert_eq!(
            (field.result(), field.get("identity")),
            ("fail", Some("mailfrom"))
        );
        assert_eq!(field.client_ip(), "192.0.2.1".parse().ok());
        assert!(field.comment().starts_with("mybox.example.org: domain of"));
        assert_eq!(field.pairs().count(), 3);
    }

    #[test]
    fn any_bytes_are_read() {
        for value in [
            &b""[..],
            b"(((",
            b"pass (",
            b"pass a=\"\\",
            b"pass =;=;",
            b"pass a",
            b"\xff",
        ] {
            let _ = ReceivedSpf::parse(value);
        }
        assert_eq!(
            ReceivedSpf::parse(b"PASS x-new=1").unwrap().get("x-new"),
            Some("1")
        );
    }
}

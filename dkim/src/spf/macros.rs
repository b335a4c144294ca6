//! Macro strings (RFC 7208 section 7).

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::net::IpAddr;

use super::record::{RecordError, Rule};

/// A `macro-string`: text with `%{..}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MacroString(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// `%%`, `%_` or `%-`: the character behind the percent sign.
    Escape(u8),
    Macro(Macro),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Macro {
    letter: u8,
    /// The letter was upper case.
    escaped: bool,
    /// How many parts are kept; none for all.
    parts: Option<usize>,
    reversed: bool,
    /// Where the value is split; at dots if empty.
    delimiters: String,
}

/// What is known while a record is evaluated.
pub(super) struct Values<'a> {
    pub(super) ip: IpAddr,
    pub(super) local_part: &'a str,
    pub(super) sender_domain: &'a str,
    /// The `<domain>` that is evaluated.
    pub(super) domain: &'a str,
    pub(super) helo: &'a str,
    /// The validated name of the client, for `%{p}`.
    pub(super) validated: &'a str,
    pub(super) receiver: &'a str,
    pub(super) now: u64,
}

impl MacroString {
    /// Parses a whole text. `offset` is where it is, for errors; `space` says that SP may
    /// be in it, and `c`, `r`, `t` (an `explain-string`).
    pub(super) fn parse(text: &[u8], offset: usize, explain: bool) -> Result<Self, RecordError> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            let error = |rule| RecordError::new(offset + at, rule);
            if byte == b'%' {
                let rest = text.get(at + 1..).unwrap_or_default();
                let used = match rest.first() {
                    Some(&escape @ (b'%' | b'_' | b'-')) => {
                        pieces.push(Piece::Escape(escape));
                        1
                    }
                    Some(b'{') => {
                        let end = memchr::memchr(b'}', rest).ok_or(error(Rule::Macro))?;
                        let inner = rest.get(1..end).unwrap_or_default();
                        let found = Macro::parse(inner, explain).ok_or(error(Rule::Macro))?;
                        pieces.push(Piece::Macro(found));
                        end + 1
                    }
                    _ => return Err(error(Rule::Macro)),
                };
                at += 1 + used;
                continue;
            }
            let literal = |b: &u8| matches!(b, 0x21..=0x24 | 0x26..=0x7e) || explain && *b == b' ';
            let rest = text.get(at..).unwrap_or_default();
            let length = rest.iter().position(|b| !literal(b)).unwrap_or(rest.len());
            match rest.get(..length).map(core::str::from_utf8) {
                Some(Ok(text)) if length > 0 => pieces.push(Piece::Literal(text.to_string())),
                _ => return Err(error(Rule::Character)),
            }
            at += length;
        }
        Ok(MacroString(pieces))
    }

    /// Whether it ends as a `domain-spec` must: in a macro, or in a top label.
    pub(super) fn ends_as_domain(&self) -> bool {
        let Some(Piece::Literal(text)) = self.0.last() else {
            return !self.0.is_empty();
        };
        let text = text.strip_suffix('.').unwrap_or(text);
        let Some((_, label)) = text.rsplit_once('.') else {
            return false;
        };
        let alphanumeric = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = label.as_bytes();
        alphanumeric(bytes.first())
            && alphanumeric(bytes.last())
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
            && !bytes.iter().all(u8::is_ascii_digit)
    }

    /// Whether `%{p}` is in it, which needs DNS.
    pub(super) fn needs_validated_name(&self) -> bool {
        let is_p = |piece: &Piece| matches!(piece, Piece::Macro(m) if m.letter == b'p');
        self.0.iter().any(is_p)
    }

    pub(super) fn expand(&self, values: &Values<'_>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Escape(b'_') => out.push(' '),
                Piece::Escape(b'-') => out.push_str("%20"),
                Piece::Escape(_) => out.push('%'),
                Piece::Macro(expand) => expand.write(values, &mut out),
            }
        }
        out
    }
}

impl fmt::Display for MacroString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => f.write_str(text)?,
                Piece::Escape(byte) => write!(f, "%{}", char::from(*byte))?,
                Piece::Macro(expand) => write!(f, "{expand}")?,
            }
        }
        Ok(())
    }
}

impl Macro {
    /// What is between the braces.
    fn parse(text: &[u8], explain: bool) -> Option<Self> {
        let (&letter, rest) = text.split_first()?;
        let known: &[u8] = if explain { b"slodiphcrtv" } else { b"slodiphv" };
        if !known.contains(&letter.to_ascii_lowercase()) {
            return None;
        }
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = rest.split_at(digits);
        let parts = (!digits.is_empty()).then(|| {
            let digit =
                |n: usize, b: &u8| n.saturating_mul(10).saturating_add(usize::from(b - b'0'));
            digits.iter().fold(0, digit)
        });
        if parts == Some(0) {
            return None;
        }
        let (reversed, rest) = match rest.split_first() {
            Some((b'r' | b'R', rest)) => (true, rest),
            _ => (false, rest),
        };
        let delimiters = core::str::from_utf8(rest).ok()?;
        if !delimiters.bytes().all(|b| b".-+,/_=".contains(&b)) {
            return None;
        }
        Some(Macro {
            letter: letter.to_ascii_lowercase(),
            escaped: letter.is_ascii_uppercase(),
            parts,
            reversed,
            delimiters: delimiters.to_string(),
        })
    }

    fn write(&self, values: &Values<'_>, out: &mut String) {
        let value = self.value(values);
        let splits = |c: char| match self.delimiters.as_str() {
            "" => c == '.',
            delimiters => delimiters.contains(c),
        };
        let plain = self.parts.is_none() && !self.reversed && self.delimiters.is_empty();
        let text = if plain {
            value
        } else {
            let mut parts: Vec<&str> = value.split(splits).collect();
            if self.reversed {
                parts.reverse();
            }
            let kept = self.parts.unwrap_or(parts.len()).min(parts.len());
            parts
                .get(parts.len() - kept..)
                .unwrap_or_default()
                .join(".")
        };
        if !self.escaped {
            out.push_str(&text);
            return;
        }
        for byte in text.bytes() {
            // The unreserved characters of RFC 3986 section 2.3.
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }

    fn value(&self, values: &Values<'_>) -> String {
        match self.letter {
            b's' => alloc::format!("{}@{}", values.local_part, values.sender_domain),
            b'l' => values.local_part.to_string(),
            b'o' => values.sender_domain.to_string(),
            b'd' => values.domain.to_string(),
            b'i' => dotted(values.ip),
            b'p' => values.validated.to_string(),
            b'h' => values.helo.to_string(),
            b'c' => values.ip.to_string(),
            b'r' => values.receiver.to_string(),
            b't' => values.now.to_string(),
            _ => String::from(match values.ip {
                IpAddr::V4(_) => "in-addr",
                IpAddr::V6(_) => "ip6",
            }),
        }
    }
}

impl fmt::Display for Macro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.escaped {
            true => self.letter.to_ascii_uppercase(),
            false => self.letter,
        };
        write!(f, "%{{{}", char::from(letter))?;
        if let Some(parts) = self.parts {
            write!(f, "{parts}")?;
        }
        if self.reversed {
            f.write_str("r")?;
        }
        write!(f, "{}}}", self.delimiters)
    }
}

/// Dotted quad, or one hexadecimal digit for each four bits (section 7.3).
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let mut out = String::with_capacity(63);
            for byte in ip.octets() {
                let dot = if out.is_empty() { "" } else { "." };
                let _ = write!(out, "{dot}{:x}.{:x}", byte >> 4, byte & 15);
            }
            out
        }
    }
}

/// The name that PTR records of an address are at (section 5.5).
pub(super) fn reverse_name(ip: IpAddr) -> String {
    let address = dotted(ip);
    let mut labels: Vec<&str> = address.split('.').collect();
    labels.reverse();
    labels.push(match ip {
        IpAddr::V4(_) => "in-addr.arpa",
        IpAddr::V6(_) => "ip6.arpa",
    });
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(ip: &str) -> Values<'static> {
        Values {
            ip: ip.parse().unwrap(),
            local_part: "strong-bad",
            sender_domain: "email.example.com",
            domain: "email.example.com",
            helo: "mx.example.org",
            validated: "mx.example.org",
            receiver: "here.example.net",
            now: 1_700_000_000,
        }
    }

    fn expand(text: &str, ip: &str) -> String {
        let parsed = MacroString::parse(text.as_bytes(), 0, true).unwrap();
        assert_eq!(parsed.to_string(), text);
        parsed.expand(&values(ip))
    }

    /// The table of RFC 7208 section 7.4.
    #[test]
    fn rfc_7208_7_4() {
        for (text, expected) in [
            ("%{s}", "strong-bad@email.example.com"),
            ("%{o}", "email.example.com"),
            ("%{d}", "email.example.com"),
            ("%{d4}", "email.example.com"),
            ("%{d3}", "email.example.com"),
            ("%{d2}", "example.com"),
            ("%{d1}", "com"),
            ("%{dr}", "com.example.email"),
            ("%{d2r}", "example.email"),
            ("%{l}", "strong-bad"),
            ("%{l-}", "strong.bad"),
            ("%{lr}", "strong-bad"),
            ("%{lr-}", "bad.strong"),
            ("%{l1r-}", "strong"),
            (
                "%{ir}.%{v}._spf.%{d2}",
                "3.2.0.192.in-addr._spf.example.com",
            ),
            ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
            (
                "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
                "bad.strong.lp.3.2.0.192.in-addr._spf.example.com",
            ),
            (
                "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
                "3.2.0.192.in-addr.strong.lp._spf.example.com",
            ),
            (
                "%{d2}.trusted-domains.example.net",
                "example.com.trusted-domains.example.net",
            ),
        ] {
            assert_eq!(expand(text, "192.0.2.3"), expected, "{text}");
        }
        assert_eq!(
            expand("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01"),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
        );
    }

    /// Upper case is escaped for a URL, `%-` is a space in one (section 7.3).
    #[test]
    fn explanations_may_hold_urls() {
        assert_eq!(
            expand(
                "http://%{d}/why.html?s=%{S}&i=%{I}&t=%{t}%-%% %_",
                "192.0.2.3"
            ),
            "http://email.example.com/why.html?s=strong-bad%40email.example.com&i=192.0.2.3&t=1700000000%20%  "
        );
        assert_eq!(
            expand("%{c} %{r}", "2001:db8::cb01"),
            "2001:db8::cb01 here.example.net"
        );
    }

    #[test]
    fn what_is_no_macro_says_where() {
        for (text, offset) in [
            ("%(ir).sbl.example.org", 0),
            ("a.%{x}", 2),
            ("a%", 1),
            ("%{d", 0),
            ("%{d0}", 0),
            ("%{dr2}", 0),
            ("%{d.r}", 0),
            ("%{c}", 0),
            ("%{t}.a", 0),
            ("a b", 1),
            ("ab\u{7f}", 2),
        ] {
            let error = MacroString::parse(text.as_bytes(), 0, false).unwrap_err();
            assert_eq!(error.offset(), offset, "{text}");
        }
    }

    #[test]
    fn more_parts_than_a_number_holds_are_all_parts() {
        assert_eq!(
            expand("%{d18446744073709551615}", "192.0.2.3"),
            "email.example.com"
        );
        let parsed = MacroString::parse(b"%{d99999999999999999999999}", 0, false).unwrap();
        assert_eq!(parsed.expand(&values("::1")), "email.example.com");
    }

    #[test]
    fn reverse_names() {
        assert_eq!(
            reverse_name("192.0.2.3".parse().unwrap()),
            "3.2.0.192.in-addr.arpa"
        );
        assert!(
            reverse_name("2001:db8::1".parse().unwrap()).ends_with(".8.b.d.0.1.0.0.2.ip6.arpa")
        );
    }
}

//! Macro strings (RFC 7208 section 7).

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::net::IpAddr;
use core::ops::Range;

use super::record::{RecordError, Rule};

/// A `macro-string`: text with `%{..}` in it, known to be well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MacroString {
    text: Arc<str>,
    form: Form,
    /// The text taken apart; none if it is literal. It is expanded more often than parsed.
    pieces: Vec<Piece>,
}

/// What is known of a text that was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    /// Nothing in it is to be expanded.
    is_literal: bool,
    /// `%{p}` is in it.
    needs_validated_name: bool,
    /// Where the literal text at its end begins.
    tail: usize,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// That part of it, as it stands.
    Literal(Range<usize>),
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
    /// Where the value is split: a bit for each of [`DELIMITERS`].
    delimiters: u8,
}

/// Where a value may be split (section 7.1).
const DELIMITERS: &[u8; 7] = b".-+,/_=";
/// The first of them, where none is named.
const DOT: u8 = 1;

/// What is known while a record is evaluated.
pub(super) struct Values<'a> {
    pub(super) ip: IpAddr,
    /// Local part, `@`, domain.
    pub(super) sender: &'a str,
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
    /// Parses a whole text. `offset` is where it is, for errors; `explain` says that SP may
    /// be in it, and `c`, `r`, `t` (an `explain-string`).
    pub(super) fn parse(text: &[u8], offset: usize, explain: bool) -> Result<Self, RecordError> {
        let mut pieces = Vec::new();
        let (text, form) = check(text, offset, explain, |piece| pieces.push(piece))?;
        let text = text.into();
        Ok(MacroString { text, form, pieces })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// What it expands to whatever the values are.
    pub(super) fn literal(&self) -> Option<&Arc<str>> {
        self.form.is_literal.then_some(&self.text)
    }

    /// Whether it ends as a `domain-spec` must: in a macro, or in a top label.
    pub(super) fn ends_as_domain(&self) -> bool {
        let text = match self.text.as_bytes().get(self.form.tail..) {
            None | Some([]) => return !self.text.is_empty(),
            Some([text @ .., b'.'] | text) => text,
        };
        let Some(dot) = text.iter().rposition(|b| *b == b'.') else {
            return false;
        };
        let label = text.get(dot + 1..).unwrap_or_default();
        let is_inner = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
        label.iter().all(is_inner)
            && !label.iter().all(u8::is_ascii_digit)
            && !matches!(label, [b'-', ..] | [.., b'-'])
    }

    /// Whether `%{p}` is in it, which needs DNS.
    pub(super) fn needs_validated_name(&self) -> bool {
        self.form.needs_validated_name
    }

    /// Writes what it stands for behind what is in `out`.
    pub(super) fn expand(&self, values: &Values<'_>, out: &mut String) {
        // Most often that is room enough.
        out.reserve(self.text.len() + 64);
        if self.form.is_literal {
            return out.push_str(&self.text);
        }
        for piece in &self.pieces {
            match piece {
                Piece::Literal(range) => {
                    out.push_str(self.text.get(range.clone()).unwrap_or_default());
                }
                Piece::Escape(b'_') => out.push(' '),
                Piece::Escape(b'-') => out.push_str("%20"),
                Piece::Escape(_) => out.push('%'),
                Piece::Macro(expand) => expand.write(values, out),
            }
        }
    }
}

impl fmt::Display for MacroString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Checks a `macro-string`, without keeping it.
pub(super) fn is_well_formed(text: &[u8], offset: usize) -> Result<&str, RecordError> {
    check(text, offset, false, |_| ()).map(|(text, _)| text)
}

/// Its pieces are told one by one, unless it is literal.
fn check(
    bytes: &[u8],
    offset: usize,
    explain: bool,
    mut tell: impl FnMut(Piece),
) -> Result<(&str, Form), RecordError> {
    let (text, is_whole) = match core::str::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            (core::str::from_utf8(valid).unwrap_or_default(), false)
        }
    };
    let mut form = Form {
        is_literal: true,
        needs_validated_name: false,
        tail: 0,
    };
    // Most are, which one look at all bytes tells.
    if is_whole && !bytes.is_empty() && bytes.iter().fold(true, |all, b| all & is_literal(*b)) {
        return Ok((text, form));
    }
    let mut pieces = Pieces {
        text,
        at: 0,
        explain,
    };
    while let Some(piece) = pieces.next() {
        let piece = piece.map_err(|rule| RecordError::new(offset + pieces.at, rule))?;
        if let Piece::Macro(found) = &piece {
            form.needs_validated_name |= found.letter == b'p';
        }
        if !matches!(piece, Piece::Literal(_)) {
            form.is_literal = false;
            form.tail = pieces.at;
        }
        tell(piece);
    }
    match is_whole {
        true => Ok((text, form)),
        false => Err(RecordError::new(offset + text.len(), Rule::Character)),
    }
}

/// `macro-literal`: visible ASCII but the percent sign.
fn is_literal(byte: u8) -> bool {
    matches!(byte, 0x21..=0x24 | 0x26..=0x7e)
}

/// Takes a text apart. After an error `at` is where it is, and there is nothing more.
struct Pieces<'a> {
    text: &'a str,
    at: usize,
    explain: bool,
}

impl Iterator for Pieces<'_> {
    type Item = Result<Piece, Rule>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.text.get(self.at..)?;
        let (first, behind) = rest.as_bytes().split_first()?;
        if *first != b'%' {
            let explain = self.explain;
            let literal = |b: u8| is_literal(b) || explain && b == b' ';
            let length = rest.as_bytes().iter().position(|b| !literal(*b));
            // Only ASCII is in it, so it ends at a character.
            return match rest.get(..length.unwrap_or(rest.len())) {
                None | Some("") => Some(Err(Rule::Character)),
                Some(text) => {
                    let start = self.at;
                    self.at += text.len();
                    Some(Ok(Piece::Literal(start..self.at)))
                }
            };
        }
        let (piece, length) = match behind.first() {
            Some(&escape @ (b'%' | b'_' | b'-')) => (Piece::Escape(escape), 1),
            Some(b'{') => {
                let end = behind.iter().position(|b| *b == b'}').unwrap_or_default();
                // Behind the percent sign and the brace.
                let inner = rest.get(2..=end).unwrap_or_default();
                match Macro::parse(inner, self.explain) {
                    Some(found) => (Piece::Macro(found), end + 1),
                    None => return Some(Err(Rule::Macro)),
                }
            }
            _ => return Some(Err(Rule::Macro)),
        };
        self.at += 1 + length;
        Some(Ok(piece))
    }
}

impl Macro {
    /// What is between the braces.
    fn parse(text: &str, explain: bool) -> Option<Self> {
        let (&letter, rest) = text.as_bytes().split_first()?;
        match letter.to_ascii_lowercase() {
            b's' | b'l' | b'o' | b'd' | b'i' | b'p' | b'h' | b'v' => {}
            b'c' | b'r' | b't' if explain => {}
            _ => return None,
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
        let mut delimiters = 0;
        for byte in rest {
            delimiters |= DOT << DELIMITERS.iter().position(|known| known == byte)?;
        }
        Some(Macro {
            letter: letter.to_ascii_lowercase(),
            escaped: letter.is_ascii_uppercase(),
            parts,
            reversed,
            delimiters: match delimiters {
                0 => DOT,
                named => named,
            },
        })
    }

    fn write(&self, values: &Values<'_>, out: &mut String) {
        let mut dotted = Dotted::default();
        let is_whole = self.parts.is_none() && self.delimiters == DOT;
        // By far most often it is `%{ir}`, which is soon written backwards.
        if is_whole && self.reversed && self.letter == b'i' {
            return self.push(dotted.write_reversed(values.ip), out);
        }
        let value = self.value(values, &mut dotted);
        if is_whole && !self.reversed {
            return self.push(&value, out);
        }
        let bytes = value.as_bytes();
        // One delimiter as a rule, which is soon compared.
        let only = DELIMITERS.get(self.delimiters.trailing_zeros() as usize);
        let only = only.filter(|_| self.delimiters.is_power_of_two());
        let splits = |byte: u8| match only {
            Some(only) => byte == *only,
            None => {
                let known = DELIMITERS.iter().position(|known| *known == byte);
                known.is_some_and(|at| self.delimiters >> at & 1 == 1)
            }
        };
        let is_split = |(_, byte): &(usize, &u8)| splits(**byte);
        // The parts on the right are kept, when the order is that in which they are written:
        // reversed those that were on the left.
        let limit = self.parts.map(|parts| parts.saturating_sub(1));
        let mut rest = match (limit, self.reversed) {
            (None, _) => &value,
            (Some(nth), false) => {
                let split = bytes.iter().enumerate().rev().filter(is_split).nth(nth);
                let start = split.map_or(0, |(at, _)| at + 1);
                value.get(start..).unwrap_or_default()
            }
            (Some(nth), true) => {
                let split = bytes.iter().enumerate().filter(is_split).nth(nth);
                let end = split.map_or(value.len(), |(at, _)| at);
                value.get(..end).unwrap_or_default()
            }
        };
        if !self.reversed && self.delimiters == DOT {
            return self.push(rest, out);
        }
        loop {
            let at = match self.reversed {
                true => rest.bytes().rposition(splits),
                false => rest.bytes().position(splits),
            };
            let Some((left, right)) =
                at.and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?)))
            else {
                return self.push(rest, out);
            };
            let part;
            (part, rest) = match self.reversed {
                true => (right, left),
                false => (left, right),
            };
            self.push(part, out);
            out.push('.');
        }
    }

    fn push(&self, text: &str, out: &mut String) {
        if !self.escaped {
            out.push_str(text);
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

    fn value<'v>(&self, values: &Values<'v>, dotted: &'v mut Dotted) -> Cow<'v, str> {
        Cow::Borrowed(match self.letter {
            b's' => values.sender,
            b'l' => values.local_part,
            b'o' => values.sender_domain,
            b'd' => values.domain,
            b'i' => dotted.write(values.ip),
            b'p' => values.validated,
            b'h' => values.helo,
            b'c' => return Cow::Owned(values.ip.to_string()),
            b'r' => values.receiver,
            b't' => return Cow::Owned(values.now.to_string()),
            _ => match values.ip {
                IpAddr::V4(_) => "in-addr",
                IpAddr::V6(_) => "ip6",
            },
        })
    }
}

/// Room for an address as macros have it.
struct Dotted([u8; 64]);

impl Default for Dotted {
    fn default() -> Self {
        Dotted([b'.'; 64])
    }
}

impl Dotted {
    /// Dotted quad, or one hexadecimal digit for each four bits (section 7.3).
    fn write(&mut self, ip: IpAddr) -> &str {
        match ip {
            IpAddr::V4(ip) => self.quad(ip.octets()),
            IpAddr::V6(ip) => self.digits(ip.octets().map(|octet| [octet >> 4, octet & 15])),
        }
    }

    /// The same with the last part first.
    fn write_reversed(&mut self, ip: IpAddr) -> &str {
        match ip {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                self.quad([d, c, b, a])
            }
            IpAddr::V6(ip) => {
                let mut octets = ip.octets();
                octets.reverse();
                self.digits(octets.map(|octet| [octet & 15, octet >> 4]))
            }
        }
    }

    fn quad(&mut self, octets: [u8; 4]) -> &str {
        let mut length = 0;
        let mut push = |byte| {
            // It is as long as the longest address.
            if let Some(place) = self.0.get_mut(length) {
                *place = byte;
            }
            length += 1;
        };
        for (at, octet) in octets.into_iter().enumerate() {
            if at > 0 {
                push(b'.');
            }
            if octet > 99 {
                push(b'0' + octet / 100);
            }
            if octet > 9 {
                push(b'0' + octet / 10 % 10);
            }
            push(b'0' + octet % 10);
        }
        self.written(length)
    }

    fn digits(&mut self, halves: [[u8; 2]; 16]) -> &str {
        // Every other octet is a dot already.
        let places = self.0.iter_mut().step_by(2);
        for (place, half) in places.zip(halves.as_flattened()) {
            *place = match half {
                0..=9 => b'0' + half,
                _ => b'a' - 10 + half,
            };
        }
        self.written(63)
    }

    fn written(&self, length: usize) -> &str {
        let written = self.0.get(..length).unwrap_or_default();
        core::str::from_utf8(written).unwrap_or_default()
    }
}

/// The name that PTR records of an address are at (section 5.5).
pub(crate) fn reverse_name(ip: IpAddr) -> String {
    let mut name = String::with_capacity(77);
    name.push_str(Dotted::default().write_reversed(ip));
    name.push_str(match ip {
        IpAddr::V4(_) => ".in-addr.arpa",
        IpAddr::V6(_) => ".ip6.arpa",
    });
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(ip: &str) -> Values<'static> {
        Values {
            ip: ip.parse().unwrap(),
            sender: "strong-bad@email.example.com",
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
        let mut out = String::new();
        parsed.expand(&values(ip), &mut out);
        out
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
        assert_eq!(
            expand("%{d99999999999999999999999}", "::1"),
            "email.example.com"
        );
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

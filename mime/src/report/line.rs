//! The values that fields of reports are made of. None can hold a line end, so none
//! can end its field.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::build::BuildError;
use crate::value::address::is_atext;
use crate::value::lex::{Cursor, raw_text};

/// The longest value that may be written, in bytes.
const LONGEST: usize = 16 << 10;

/// Text of one line: without CR, LF and NUL, without white space at its ends.
///
/// ```
/// use scop_mime::report::Line;
///
/// assert_eq!(Line::new(" a b ")?.as_str(), "a b");
/// assert!(Line::new("250 ok\r\nAction: failed").is_err());
/// # Ok::<(), scop_mime::build::BuildError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Line(String);

impl Line {
    /// Text to write.
    ///
    /// # Errors
    ///
    /// [`BuildError::Control`]; [`BuildError::TooLong`] over 16 KiB.
    pub fn new(text: &str) -> Result<Self, BuildError> {
        crate::build::check("a field of a report", text, LONGEST)?;
        Ok(Line::trimmed(text))
    }

    fn trimmed(text: &str) -> Self {
        Line(String::from(text.trim_matches([' ', '\t'])))
    }

    /// Text that was read: what may not be in it becomes a space.
    pub(super) fn read(text: &str) -> Self {
        match text.contains(['\r', '\n', '\0']) {
            true => Line::trimmed(&text.replace(['\r', '\n', '\0'], " ")),
            false => Line::trimmed(text),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value with its type in front (RFC 3464 2.1.2): `rfc822; ann@a.test`,
/// `dns; mx.a.test`, `smtp; 550 No such user`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Typed {
    kind: String,
    value: Line,
}

impl Typed {
    /// A value of that type.
    ///
    /// # Errors
    ///
    /// As [`Line::new`]; [`BuildError::FieldName`] for a type that is no atom.
    pub fn new(kind: &str, value: &str) -> Result<Self, BuildError> {
        if kind.is_empty() || kind.len() > 60 || !kind.bytes().all(is_atext) {
            return Err(BuildError::FieldName("the type of a value is an atom"));
        }
        Ok(Typed {
            kind: kind.to_ascii_lowercase(),
            value: Line::new(value)?,
        })
    }

    /// An address as SMTP has it: type `rfc822`, or `utf-8` where it is not ASCII (RFC
    /// 6533 3).
    ///
    /// # Errors
    ///
    /// As [`Line::new`].
    pub fn address_of(address: &str) -> Result<Self, BuildError> {
        match address.is_ascii() {
            true => Typed::new("rfc822", address),
            false => Typed::new("utf-8", address),
        }
    }

    /// The name of a host: type `dns`.
    ///
    /// # Errors
    ///
    /// As [`Line::new`].
    pub fn dns(name: &str) -> Result<Self, BuildError> {
        Typed::new("dns", name)
    }

    /// A reply of an SMTP server: type `smtp`.
    ///
    /// # Errors
    ///
    /// As [`Line::new`].
    pub fn smtp(reply: &str) -> Result<Self, BuildError> {
        Typed::new("smtp", reply)
    }

    /// Reads a value; `false` where the type was missing and `usual` was taken.
    pub(super) fn read(text: &str, usual: &str) -> (Self, bool) {
        let found = text.split_once(';').map(|(k, v)| (k.trim(), v));
        // `rfc/822` is in use.
        let is_kind = |k: &str| !k.is_empty() && k.bytes().all(|b| is_atext(b) || b == b'.');
        match found.filter(|(kind, _)| is_kind(kind)) {
            Some((kind, value)) => {
                let kind = kind.to_ascii_lowercase();
                let value = Line::read(value);
                (Typed { kind, value }, true)
            }
            None => {
                let (kind, value) = (String::from(usual), Line::read(text));
                (Typed { kind, value }, false)
            }
        }
    }

    /// The type in lower case: `rfc822`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The value as it is written, comments included.
    #[must_use]
    pub fn value(&self) -> &str {
        self.value.as_str()
    }

    /// The value as an address: without brackets and comments, and in `utf-8` with
    /// `\x{..}` decoded (RFC 6533 3). Whatever else it may be, it is as written.
    ///
    /// ```
    /// use scop_mime::report::Typed;
    ///
    /// let typed = Typed::new("utf-8", "<J\\x{F6}rg@a.test> (Boss)")?;
    /// assert_eq!(typed.address(), "J\u{f6}rg@a.test");
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    #[must_use]
    pub fn address(&self) -> Cow<'_, str> {
        let text = self.value.as_str();
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.skip_cfws();
        let in_brackets = cursor.eat(b'<');
        let start = cursor.pos();
        // A quoted local part may hold anything.
        loop {
            match cursor.peek() {
                None => break,
                Some(b'>') if in_brackets => break,
                Some(b'(') if !in_brackets => {
                    let at = cursor.pos();
                    if cursor.comment().is_some() {
                        let text = text.get(start..at).unwrap_or_default();
                        return self.decoded(text.trim_ascii_end());
                    }
                    cursor.bump();
                }
                Some(b'"') => {
                    if cursor.quoted().is_none() {
                        cursor.bump();
                    }
                }
                Some(_) => cursor.bump(),
            }
        }
        let text = text.get(start..cursor.pos()).unwrap_or_default();
        self.decoded(text.trim_ascii_end())
    }

    fn decoded<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.kind == "utf-8" {
            true => unitext_decode(text),
            false => Cow::Borrowed(text),
        }
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.kind, self.value)
    }
}

/// Undoes `\x{..}` (RFC 6533 3); what is none stays.
fn unitext_decode(text: &str) -> Cow<'_, str> {
    if !text.contains("\\x{") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\x{") {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let point = behind.get(3..).unwrap_or_default();
        // No further than a point can be: this is called for each `\x{`.
        let mut point = point.bytes().take(7);
        let point = point
            .position(|b| b == b'}')
            .filter(|n| (2..=6).contains(n));
        let found = point.and_then(|end| {
            let digits = behind.get(3..3 + end)?;
            let point = u32::from_str_radix(digits, 16).ok()?;
            // Never what would end a line.
            let c = char::from_u32(point).filter(|c| !matches!(c, '\r' | '\n' | '\0'))?;
            Some((c, behind.get(end + 4..)?))
        });
        match found {
            Some((c, behind)) => {
                out.push(c);
                rest = behind;
            }
            None => {
                out.push_str("\\x{");
                rest = behind.get(3..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Undoes xtext, which SMTP's `ORCPT` and `ENVID` are in (RFC 3461 4): `+` and two
/// hexadecimal digits. `None` where it is no xtext.
///
/// ```
/// use scop_mime::report::{xtext_decode, xtext_encode};
///
/// assert_eq!(xtext_encode(b"a+b=c"), "a+2Bb+3Dc");
/// assert_eq!(xtext_decode("a+2Bb+3Dc").as_deref(), Some(&b"a+b=c"[..]));
/// assert_eq!(xtext_decode("a+2b"), None);
/// ```
#[must_use]
pub fn xtext_decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    };
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            b'=' => return None,
            b'!'..=b'~' => byte,
            _ => return None,
        });
    }
    Some(out)
}

/// Writes bytes as xtext (RFC 3461 4).
#[must_use]
pub fn xtext_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'+' | b'=' => out.push_str(if *byte == b'+' { "+2B" } else { "+3D" }),
            b'!'..=b'~' => out.push(char::from(*byte)),
            _ => out.push_str(&alloc::format!("+{byte:02X}")),
        }
    }
    out
}

/// A field that has no place of its own: one that nobody knows here, one that came
/// twice, or one whose value cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OtherField {
    name: String,
    value: Line,
}

impl OtherField {
    /// A field to write, for instance `X-Foomail-Queue-ID`.
    ///
    /// # Errors
    ///
    /// [`BuildError::FieldName`] for a name that is none; and as [`Line::new`].
    pub fn new(name: &str, value: &str) -> Result<Self, BuildError> {
        let graphic = name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
        if name.is_empty() || name.len() > 76 || !graphic {
            return Err(BuildError::FieldName(
                "a name is 1 to 76 printable characters without a colon",
            ));
        }
        Ok(OtherField {
            name: name.into(),
            value: Line::new(value)?,
        })
    }

    pub(super) fn read(name: &str, value: &str) -> Self {
        OtherField {
            name: name.into(),
            value: Line::read(value),
        }
    }

    /// Its name as written.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value on one line.
    #[must_use]
    pub fn value(&self) -> &str {
        self.value.as_str()
    }
}

/// The text without comments and the white space around it.
pub(super) fn without_comments(text: &str) -> String {
    let mut out = Vec::new();
    let mut cursor = Cursor::new(text.as_bytes());
    loop {
        cursor.skip_cfws();
        let start = cursor.pos();
        cursor.take_while(|b| !matches!(b, b' ' | b'\t' | b'('));
        if cursor.pos() == start {
            // The end, or a parenthesis that nothing ends.
            let Some(stray) = cursor.peek() else { break };
            out.push(stray);
            cursor.bump();
            continue;
        }
        if !out.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(cursor.since(start));
    }
    raw_text(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_from_values() {
        for (text, kind, value, said) in [
            ("rfc822; a@b", "rfc822", "a@b", true),
            (" RFC822 ;a@b ", "rfc822", "a@b", true),
            ("a@b", "usual", "a@b", false),
            ("550 No; such user", "usual", "550 No; such user", false),
            ("X-Postfix; a; b", "x-postfix", "a; b", true),
            ("rfc/822;a@b", "rfc/822", "a@b", true),
            (";a", "usual", ";a", false),
        ] {
            let (typed, was_said) = Typed::read(text, "usual");
            assert_eq!((typed.kind(), typed.value(), was_said), (kind, value, said));
        }
    }

    #[test]
    fn addresses_lose_brackets_and_comments() {
        for (value, address) in [
            ("a@b", "a@b"),
            ("<a@b>", "a@b"),
            ("a@b (The Boss)", "a@b"),
            ("(x) <\"a>b\"@c>", "\"a>b\"@c"),
            ("\"a (b\"@c (d)", "\"a (b\"@c"),
            ("a (b", "a (b"),
            ("", ""),
            ("|/usr/bin/x y", "|/usr/bin/x y"),
        ] {
            assert_eq!(Typed::read(value, "rfc822").0.address(), address);
        }
    }

    #[test]
    fn rfc_6533_addresses() {
        for (text, wanted) in [
            ("\\x{2B}a\\x{10FFFF}", "+a\u{10ffff}"),
            ("\\x{5C}x{41}", "\\x{41}"),
            ("\\x{D800}", "\\x{D800}"),
            ("\\x{0A}\\x{00}", "\\x{0A}\\x{00}"),
            ("\\x{1234567}\\x{4", "\\x{1234567}\\x{4"),
        ] {
            assert_eq!(unitext_decode(text), wanted);
        }
    }

    #[test]
    fn floods_are_linear() {
        let text = "\\x{".repeat(200_000);
        assert_eq!(unitext_decode(&text), text);
        let text = "(".repeat(200_000);
        assert_eq!(Typed::read(&text, "x").0.address(), text);
        assert_eq!(without_comments(&text), text);
        assert_eq!(without_comments("a (b (c)) d(e)"), "a d");
    }
}

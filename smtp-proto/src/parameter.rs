//! ESMTP parameters (RFC 5321 section 4.1.2 `esmtp-param`) and the xtext that
//! carries addresses in them (RFC 3461 section 4).

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt::Write;

use thiserror::Error;

use crate::{
    Mailbox,
    class::{LDH, VALUE, is, run},
};

/// The `BODY` parameter (RFC 6152).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Body {
    /// `7BIT`: all bytes below 128.
    SevenBit,
    /// `8BITMIME`: any byte, in lines.
    EightBitMime,
}

impl Body {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Body::SevenBit => "7BIT",
            Body::EightBitMime => "8BITMIME",
        }
    }

    pub(crate) fn parse(value: &str) -> Option<Self> {
        match value.len() {
            4 if value.eq_ignore_ascii_case("7BIT") => Some(Body::SevenBit),
            8 if value.eq_ignore_ascii_case("8BITMIME") => Some(Body::EightBitMime),
            _ => None,
        }
    }
}

/// The `AUTH` parameter of MAIL (RFC 4954 section 5): who submitted the message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Submitter<'a> {
    /// `<>`: unknown, or not trusted.
    Unknown,
    /// A mailbox.
    Mailbox(Mailbox<'a>),
}

impl Submitter<'_> {
    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Submitter<'static> {
        match self {
            Submitter::Unknown => Submitter::Unknown,
            Submitter::Mailbox(m) => Submitter::Mailbox(m.into_owned()),
        }
    }
}

/// A keyword or value that no parameter can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an ESMTP parameter: {0}")]
pub struct BadParameter(pub(crate) &'static str);

/// Parameters this crate gives no meaning to, kept as they came.
///
/// ```
/// use scop_smtp_proto::Parameters;
///
/// let mut parameters = Parameters::default();
/// parameters.push("MT-PRIORITY", Some("3"))?;
/// assert_eq!(parameters.iter().next(), Some(("MT-PRIORITY", Some("3"))));
/// assert!(parameters.push("X", Some("a\r\nDATA")).is_err());
/// # Ok::<(), scop_smtp_proto::BadParameter>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parameters<'a>(Cow<'a, str>);

impl<'a> Parameters<'a> {
    /// Adds a parameter.
    ///
    /// # Errors
    ///
    /// [`BadParameter`] for a keyword that is not letters, digits and inner hyphens,
    /// or a value that is empty or holds a space, `=`, a control character or
    /// anything outside ASCII. Encode such values with [`encode_xtext`].
    pub fn push(&mut self, keyword: &str, value: Option<&str>) -> Result<(), BadParameter> {
        check(keyword, value)?;
        self.push_unchecked(keyword, value);
        Ok(())
    }

    pub(crate) fn push_unchecked(&mut self, keyword: &str, value: Option<&str>) {
        let text = self.0.to_mut();
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(keyword);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
    }

    /// Each keyword with its value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        split(&self.0)
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they stand in a command, separated by spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Parameters<'static> {
        Parameters(Cow::Owned(self.0.into_owned()))
    }
}

/// Splits at spaces, each piece at its first `=`.
pub(crate) fn split(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = text;
    core::iter::from_fn(move || {
        while let Some(behind) = rest.strip_prefix(' ') {
            rest = behind;
        }
        if rest.is_empty() {
            return None;
        }
        let (keyword, behind) = rest.split_at_checked(end(rest, LDH, b" ="))?;
        let Some(value) = behind.strip_prefix('=') else {
            rest = behind;
            return Some((keyword, None));
        };
        let (value, behind) = value.split_at_checked(end(value, VALUE, b" "))?;
        rest = behind;
        Some((keyword, Some(value)))
    })
}

/// Where the first of `stops` is: right behind bytes of `class`, as a rule.
#[inline]
fn end(text: &str, class: u8, stops: &[u8]) -> usize {
    let bytes = text.as_bytes();
    let len = run(bytes, class);
    let rest = bytes.get(len..).unwrap_or_default();
    let odd = rest.iter().position(|b| stops.contains(b));
    len + odd.unwrap_or(rest.len())
}

pub(crate) fn check(keyword: &str, value: Option<&str>) -> Result<(), BadParameter> {
    if !is_keyword(keyword) {
        return Err(BadParameter("bad keyword"));
    }
    match value {
        Some(v) if v.is_empty() || !v.bytes().all(|b| is(b, VALUE)) => {
            Err(BadParameter("bad value"))
        }
        _ => Ok(()),
    }
}

/// `esmtp-keyword`, which is also `ehlo-keyword`.
pub(crate) fn is_keyword(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.bytes().all(|b| is(b, LDH))
}

/// Encodes as xtext: `+`, `=` and all that is not printable ASCII as `+XX`.
#[must_use]
pub fn encode_xtext(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for b in value.bytes() {
        match b {
            b'+' | b'=' | 0..=32 | 127.. => {
                // Writing to a String does not fail.
                let _ = write!(text, "+{b:02X}");
            }
            b => text.push(char::from(b)),
        }
    }
    text
}

/// Decodes xtext; `None` for what is none, or is not UTF-8.
#[must_use]
pub fn decode_xtext(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().all(|b| is(b, VALUE)) {
        return None;
    }
    if !text.contains('+') {
        return Some(Cow::Borrowed(text));
    }
    let mut value = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b != b'+' {
            value.push(b);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let code = digit()? << 4 | digit()?;
        value.push(u8::try_from(code).ok()?);
    }
    String::from_utf8(value).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sc02_framing_breakers_cannot_be_built() {
        let mut parameters = Parameters::default();
        for bad in ["", "a b", "a=b", "a\r\n", "\0", "ü", "\u{7f}"] {
            assert!(parameters.push("X", Some(bad)).is_err(), "{bad:?}");
            assert!(parameters.push(bad, None).is_err(), "{bad:?}");
        }
        assert!(parameters.push("-X", None).is_err());
        assert!(parameters.is_empty());
    }

    #[test]
    fn xtext_of_the_rfc() {
        assert_eq!(encode_xtext("e=mc2@example.com"), "e+3Dmc2@example.com");
        assert_eq!(
            decode_xtext("e+3Dmc2@example.com").unwrap(),
            "e=mc2@example.com"
        );
        for bad in ["+", "+3", "+3g", "a=b", "a b", "+FF"] {
            assert_eq!(decode_xtext(bad), None, "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn xtext_comes_back(value: String) {
            let text = encode_xtext(&value);
            prop_assert!(text.is_empty() || check("X", Some(&text)).is_ok());
            prop_assert_eq!(decode_xtext(&text).unwrap(), value);
        }
    }
}

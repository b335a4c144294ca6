//! Tag=value lists: RFC 6376 section 3.2, the syntax that signatures and key
//! records share.
//!
//! ```text
//! tag-list = tag-spec *( ";" tag-spec ) [ ";" ]
//! tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
//! ```
//!
//! Reading is strict, as section 6.1.1 demands: a duplicate, empty or misspelt
//! tag makes the whole list invalid. Two widenings: a value may hold UTF-8 or
//! other 8-bit bytes (RFC 8616, and the note in section 3.2), and the value of
//! an unknown tag is not looked at beyond that.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::words::{below, equal};

/// Why a tag list cannot be read (RFC 6376 section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagListError {
    /// Nothing between two semicolons, or before the first one.
    #[error("empty tag between semicolons (RFC 6376 section 3.2)")]
    EmptyTag,
    /// A tag-spec without `=`.
    #[error("tag without \"=\" (RFC 6376 section 3.2)")]
    NoEquals,
    /// A tag name that is not a letter followed by letters, digits and `_`.
    #[error("tag name is not a letter followed by letters, digits or \"_\" (RFC 6376 section 3.2)")]
    BadName,
    /// A control character, or a line break that is not folding, in a value.
    #[error(
        "control character, or a line break that is not CRLF and white space, in the value of tag \"{0}\" (RFC 6376 section 3.2)"
    )]
    BadValue(String),
    /// A tag that occurs twice; the whole list is invalid.
    #[error("tag \"{0}\" occurs more than once (RFC 6376 section 3.2)")]
    Duplicate(String),
    /// More tags than anybody needs.
    #[error("more than {MAX_TAGS} tags")]
    TooMany,
}

/// Tags in one list. The RFCs define 13 for a signature; the rest is room for
/// what is yet unknown.
pub(crate) const MAX_TAGS: usize = 64;

/// One tag: its name and its value without the surrounding white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a [u8],
    /// Everything between `=` and `;`, with white space: what RFC 6376 section
    /// 3.7 deletes when this is `b=`.
    pub(crate) raw: Range<usize>,
}

/// A parsed list, in the order of the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct TagList<'a> {
    tags: Vec<Tag<'a>>,
}

impl<'a> TagList<'a> {
    /// Parses `text`. Linear, except that looking for duplicates compares at
    /// most [`MAX_TAGS`] names.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, TagListError> {
        // Most have no more.
        let mut list = Self {
            tags: Vec::with_capacity(16),
        };
        let mut at = 0;
        loop {
            let end = memchr::memchr(b';', &text[at..]).map_or(text.len(), |n| at + n);
            let spec = &text[at..end];
            if trim_fws(spec).is_empty() {
                // Only the text after a final semicolon may be empty.
                if end == text.len() && !list.tags.is_empty() {
                    return Ok(list);
                }
                return Err(TagListError::EmptyTag);
            }
            let equals = memchr::memchr(b'=', spec).ok_or(TagListError::NoEquals)?;
            let name = tag_name(&spec[..equals]).ok_or(TagListError::BadName)?;
            let value = trim_fws(&spec[equals + 1..]);
            if !is_value(&spec[equals + 1..]) {
                return Err(TagListError::BadValue(name.into()));
            }
            if list.get(name).is_some() {
                return Err(TagListError::Duplicate(name.into()));
            }
            if list.tags.len() == MAX_TAGS {
                return Err(TagListError::TooMany);
            }
            list.tags.push(Tag {
                name,
                value,
                raw: at + equals + 1..end,
            });
            if end == text.len() {
                return Ok(list);
            }
            at = end + 1;
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Tag<'a>> {
        self.tags.iter().find(|tag| tag.name == name)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.get(name).map(|tag| tag.value)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(|tag| tag.name)
    }

    pub(crate) fn first(&self) -> Option<&Tag<'a>> {
        self.tags.first()
    }
}

fn tag_name(text: &[u8]) -> Option<&str> {
    let name = trim_fws(text);
    let (first, rest) = name.split_first()?;
    let good =
        first.is_ascii_alphabetic() && rest.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    if good {
        core::str::from_utf8(name).ok()
    } else {
        None
    }
}

/// Printable or 8-bit bytes, blanks, and CRLF only where white space follows.
fn is_value(mut text: &[u8]) -> bool {
    loop {
        text = match text.get(first_control(text)..) {
            None | Some([]) => return true,
            Some([b'\t', rest @ ..] | [b'\r', b'\n', b' ' | b'\t', rest @ ..]) => rest,
            Some(_) => return false,
        };
    }
}

/// Where the first control character is, or the end.
fn first_control(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks();
    for (n, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let controls = below(word, b' ') | equal(word, 0x7f);
        if controls != 0 {
            return n * 8 + (controls.trailing_zeros() / 8) as usize;
        }
    }
    let is_control = |b: &u8| b.is_ascii_control();
    let at = rest.iter().position(is_control).unwrap_or(rest.len());
    text.len() - rest.len() + at
}

pub(crate) const fn is_fws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without folding white space at either end.
pub(crate) fn trim_fws(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_fws(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_fws(*last)
    {
        text = rest;
    }
    text
}

/// The entries of a colon-separated list, each without surrounding white space.
pub(crate) fn colon_list(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b':').map(trim_fws)
}

/// Padding may be left off, since the ABNF of base64string makes it optional;
/// bits behind the last byte must be zero, so that a value has one reading.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes a base64string (RFC 6376 section 2.10): white space anywhere is
/// dropped, any other byte outside the alphabet is an error.
pub(crate) fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = trim_fws(text);
    if !text.iter().fold(false, |any, b| any | is_fws(*b)) {
        return BASE64.decode(text).ok();
    }
    let mut packed = Vec::with_capacity(text.len());
    for piece in text.split(|b| is_fws(*b)) {
        packed.extend_from_slice(piece);
    }
    BASE64.decode(packed).ok()
}

pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// Decodes dkim-quoted-printable (RFC 6376 section 2.11, RFC 8616 section 5):
/// white space is dropped, `=XX` in upper-case hexadecimal is a byte.
pub(crate) fn qp_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().filter(|b| !is_fws(*b));
    while let Some(byte) = bytes.next() {
        if byte == b'=' {
            let high = hex(bytes.next()?)?;
            let low = hex(bytes.next()?)?;
            out.push(high << 4 | low);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// An unsigned decimal of at most `digits` digits; what exceeds `u64` saturates.
pub(crate) fn decimal(text: &[u8], digits: usize) -> Option<u64> {
    if text.is_empty() || text.len() > digits || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0u64, |n, b| {
        n.saturating_mul(10).saturating_add(u64::from(b - b'0'))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_trimmed_and_spans_are_not() {
        let text = b" a\r\n\t= one two ;\r\n b = ;c=3;";
        let list = TagList::parse(text).unwrap();
        assert_eq!(list.value("a"), Some(&b"one two"[..]));
        assert_eq!(list.value("b"), Some(&b""[..]));
        assert_eq!(list.value("c"), Some(&b"3"[..]));
        assert_eq!(list.value("A"), None);
        assert_eq!(&text[list.get("a").unwrap().raw.clone()], b" one two ");
    }

    #[test]
    fn what_is_refused() {
        let cases: &[(&[u8], TagListError)] = &[
            (b"", TagListError::EmptyTag),
            (b"  ", TagListError::EmptyTag),
            (b";a=1", TagListError::EmptyTag),
            (b"a=1;;b=2", TagListError::EmptyTag),
            (b"a=1;;", TagListError::EmptyTag),
            (b"a=1; b", TagListError::NoEquals),
            (b"=1", TagListError::BadName),
            (b"1a=1", TagListError::BadName),
            (b"a b=1", TagListError::BadName),
            (b"a-b=1", TagListError::BadName),
            (b"a=1; a=1", TagListError::Duplicate("a".into())),
            (b"a=1\r\nb", TagListError::BadValue("a".into())),
            (b"a=1\n b", TagListError::BadValue("a".into())),
            (b"a=1\r b", TagListError::BadValue("a".into())),
            (b"a=1\0b", TagListError::BadValue("a".into())),
        ];
        for (text, error) in cases {
            assert_eq!(
                TagList::parse(text).unwrap_err(),
                *error,
                "{}",
                text.escape_ascii()
            );
        }
    }

    #[test]
    fn case_matters_in_names() {
        let list = TagList::parse(b"a=1; A=2").unwrap();
        assert_eq!(
            (list.value("a"), list.value("A")),
            (Some(&b"1"[..]), Some(&b"2"[..]))
        );
    }

    #[test]
    fn too_many_tags() {
        let mut text = String::new();
        for i in 0..=MAX_TAGS {
            text.push_str(&alloc::format!("a{i}=;"));
        }
        assert_eq!(
            TagList::parse(text.as_bytes()).unwrap_err(),
            TagListError::TooMany
        );
    }

    #[test]
    fn base64_with_blanks_without_junk() {
        assert_eq!(base64_decode(b" aG\r\n k= ").as_deref(), Some(&b"hi"[..]));
        assert_eq!(base64_decode(b"aGk").as_deref(), Some(&b"hi"[..]));
        for bad in [&b"aGk=!"[..], b"a", b"aGl=", b"aG=k", b"aGk\xff", b"aGk=="] {
            assert_eq!(base64_decode(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn quoted_printable() {
        assert_eq!(qp_decode(b"a=20b\r\n c=3B").as_deref(), Some(&b"a bc;"[..]));
        assert_eq!(qp_decode(b"a=2"), None);
        assert_eq!(qp_decode(b"a=3b"), None);
    }

    #[test]
    fn decimals_saturate() {
        assert_eq!(decimal(b"0", 12), Some(0));
        assert_eq!(decimal(b"1234567890123", 12), None);
        assert_eq!(decimal(b"99999999999999999999999999", 76), Some(u64::MAX));
        for bad in [&b""[..], b"-1", b"+1", b"1 2", b"0x1"] {
            assert_eq!(decimal(bad, 76), None);
        }
    }
}

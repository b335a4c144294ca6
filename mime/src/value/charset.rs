//! Character sets: bytes to text.

use alloc::borrow::Cow;

use super::lex::trim;

pub(super) const UTF_8: &[&[u8]] = &[b"utf-8", b"utf8"];
pub(super) const US_ASCII: &[&[u8]] = &[b"us-ascii", b"ascii", b"ansi_x3.4-1968"];
#[cfg(not(feature = "charsets"))]
pub(super) const LATIN_1: &[&[u8]] = &[b"iso-8859-1", b"iso8859-1", b"iso_8859-1", b"latin1"];

/// Decodes `bytes` by the character set that `label` names; `true` when bytes that
/// are not of it were replaced. `None` when nobody knows the name.
///
/// With the feature `charsets` every encoding of the WHATWG standard is known, by
/// all its labels; without it UTF-8, US-ASCII and ISO-8859-1. US-ASCII that has
/// bytes above 127 is read as UTF-8 if it is that.
///
/// ```
/// let (text, lossy) = scop_mime::decode_charset(b"ISO-8859-1", b"gr\xfc\xdf").unwrap();
/// assert_eq!((&*text, lossy), ("grüß", false));
/// assert!(scop_mime::decode_charset(b"klingon", b"Qapla'").is_none());
/// ```
#[must_use]
pub fn decode<'a>(label: &[u8], bytes: &'a [u8]) -> Option<(Cow<'a, str>, bool)> {
    let label = trim(label);
    let is = |names: &[&[u8]]| names.iter().any(|n| label.eq_ignore_ascii_case(n));
    if is(UTF_8) {
        return Some(utf8(bytes));
    }
    if is(US_ASCII) {
        return Some(match core::str::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), !text.is_ascii()),
            Err(_) => (latin(bytes), true),
        });
    }
    other(label, bytes)
}

fn utf8(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match core::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), false),
        Err(_) => (alloc::string::String::from_utf8_lossy(bytes), true),
    }
}

#[cfg(feature = "charsets")]
fn other<'a>(label: &[u8], bytes: &'a [u8]) -> Option<(Cow<'a, str>, bool)> {
    let encoding = encoding_rs::Encoding::for_label_no_replacement(label)?;
    Some(encoding.decode_without_bom_handling(bytes))
}

#[cfg(not(feature = "charsets"))]
fn other<'a>(label: &[u8], bytes: &'a [u8]) -> Option<(Cow<'a, str>, bool)> {
    LATIN_1
        .iter()
        .any(|n| label.eq_ignore_ascii_case(n))
        .then(|| (latin(bytes), false))
}

#[cfg(feature = "charsets")]
fn latin(bytes: &[u8]) -> Cow<'_, str> {
    encoding_rs::WINDOWS_1252
        .decode_without_bom_handling(bytes)
        .0
}

#[cfg(not(feature = "charsets"))]
fn latin(bytes: &[u8]) -> Cow<'_, str> {
    super::lex::raw_text(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_and_utf8() {
        assert_eq!(decode(b"UTF-8", b"\xc3\xbc").unwrap(), ("ü".into(), false));
        assert!(decode(b"utf-8", b"\xc3").unwrap().1);
        assert_eq!(decode(b" us-ascii ", b"a").unwrap(), ("a".into(), false));
        assert_eq!(
            decode(b"us-ascii", b"\xc3\xbc").unwrap(),
            ("ü".into(), true)
        );
        assert_eq!(decode(b"us-ascii", b"\xfc").unwrap(), ("ü".into(), true));
        assert_eq!(decode(b"latin1", b"\xfc").unwrap(), ("ü".into(), false));
        assert!(decode(b"x-unknown", b"").is_none());
        assert!(decode(b"", b"").is_none());
    }

    #[cfg(feature = "charsets")]
    #[test]
    fn the_charsets_of_the_world() {
        let text = |label: &[u8], bytes: &[u8]| decode(label, bytes).unwrap().0.into_owned();
        assert_eq!(text(b"koi8-r", b"\xf0\xd2"), "Пр");
        assert_eq!(text(b"iso-2022-jp", b"\x1b$B$3\x1b(B"), "こ");
        assert_eq!(text(b"gb2312", b"\xc4\xe3"), "你");
        assert_eq!(text(b"windows-1252", b"\x80"), "€");
        // Labels that WHATWG maps to "replacement" are unknown here.
        assert!(decode(b"iso-2022-kr", b"x").is_none());
    }
}

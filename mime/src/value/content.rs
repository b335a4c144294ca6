//! Content-Type (RFC 2045 section 5) and Content-Disposition (RFC 2183).

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::lex::{Cursor, is_space, is_word, number, raw_text, table};
use super::parameter::{self, Parameter, RawParameters};
use crate::DefectKind;
use crate::scan::plain_quoted_length;

/// What a body is: `text/plain; charset=utf-8`.
///
/// ```
/// use scop_mime::ContentType;
///
/// let html = ContentType::parse(b"Text/HTML; charset=\"utf-8\" (of course)").unwrap();
/// assert_eq!(html.essence(), "text/html");
/// assert_eq!(html.parameter("Charset"), Some("utf-8"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    essence: String,
    slash: usize,
    parameters: Vec<Parameter>,
}

impl ContentType {
    /// Reads the value of the field. At most 128 parameters are looked at.
    /// `None` when there is no `type/subtype`: then the type is the default (RFC
    /// 2045 5.2).
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        Self::parse_with(value, crate::Limits::default().parameters).map(|c| c.0)
    }

    pub(crate) fn parse_with(
        value: &[u8],
        limit: usize,
    ) -> Option<(Self, Vec<(DefectKind, usize)>)> {
        let mut cursor = Cursor::new(value);
        let (kind, subtype) = media_type(&mut cursor)?;
        let kind = raw_text(kind).to_ascii_lowercase();
        let (parameters, defects) = parameter::parse(RawParameters::new(cursor), limit);
        let content_type = ContentType {
            slash: kind.len(),
            essence: kind + "/" + &raw_text(&subtype).to_ascii_lowercase(),
            parameters,
        };
        Some((content_type, defects))
    }

    /// The parameters as they are written (see [`parameter::as_written`]); none where the
    /// type cannot be read.
    pub(crate) fn written(value: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut cursor = Cursor::new(value);
        match media_type(&mut cursor) {
            Some(_) => parameter::as_written(RawParameters::new(cursor), limit),
            None => Vec::new(),
        }
    }

    /// The type where a header says nothing (RFC 2045 5.2, RFC 2046 5.1.5).
    pub(crate) fn fallback(in_digest: bool) -> Self {
        let (essence, slash) = match in_digest {
            true => ("message/rfc822", 7),
            false => ("text/plain", 4),
        };
        ContentType {
            essence: essence.to_owned(),
            slash,
            parameters: Vec::new(),
        }
    }

    /// The type in lower case: `text`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.essence.get(..self.slash).unwrap_or_default()
    }

    /// The subtype in lower case: `plain`.
    #[must_use]
    pub fn subtype(&self) -> &str {
        self.essence.get(self.slash + 1..).unwrap_or_default()
    }

    /// Both: `text/plain`.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// Its parameters, in order.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The value of a parameter, by its name in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.parameters, name)
    }
}

impl fmt::Display for ContentType {
    /// The essence, without parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)
    }
}

/// How a part wants to be shown: `attachment; filename=a.pdf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    kind: String,
    parameters: Vec<Parameter>,
}

impl Disposition {
    /// Reads the value of the field. At most 128 parameters are looked at. `None`
    /// when there is no type.
    ///
    /// ```
    /// use scop_mime::Disposition;
    ///
    /// let d = Disposition::parse(b"attachment; filename*=utf-8''%E2%82%AC.txt").unwrap();
    /// assert_eq!((d.kind(), d.filename()), ("attachment", Some("€.txt")));
    /// ```
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        Self::parse_with(value, crate::Limits::default().parameters).map(|d| d.0)
    }

    pub(crate) fn parse_with(
        value: &[u8],
        limit: usize,
    ) -> Option<(Self, Vec<(DefectKind, usize)>)> {
        let (kind, raw) = Self::head(value)?;
        let (parameters, defects) = parameter::parse(raw, limit);
        Some((Disposition { kind, parameters }, defects))
    }

    /// The parameters as they are written (see [`parameter::as_written`]).
    pub(crate) fn written(value: &[u8], limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let head = Self::head(value);
        head.map_or(Vec::new(), |(_, raw)| parameter::as_written(raw, limit))
    }

    /// The type in lower case, and what is behind it.
    fn head(value: &[u8]) -> Option<(String, RawParameters<'_>)> {
        let mut cursor = Cursor::new(value);
        cursor.skip_cfws();
        let quoted = cursor.quoted();
        let kind = match &quoted {
            Some(kind) => kind.as_ref(),
            None => cursor.take_while(is_token),
        };
        if kind.is_empty() {
            return None;
        }
        // `filename=x` alone is no type; it is what the sender cared for.
        let mut behind = cursor.clone();
        behind.skip_cfws();
        Some(match behind.peek() {
            Some(b'=') => (
                "attachment".to_owned(),
                RawParameters::new(Cursor::new(value)),
            ),
            _ => (
                raw_text(kind).to_ascii_lowercase(),
                RawParameters::new(cursor),
            ),
        })
    }

    /// The type in lower case: `inline`, `attachment` or another one.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether a reader should treat the part as an attachment: so says RFC 2183
    /// 2.8 of every type but `inline`.
    #[must_use]
    pub fn is_attachment(&self) -> bool {
        self.kind != "inline"
    }

    /// Its parameters, in order.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The value of a parameter, by its name in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.parameters, name)
    }

    /// The file name that the sender suggests. It is the sender's: it may hold a
    /// path, or be no name at all.
    #[must_use]
    pub fn filename(&self) -> Option<&str> {
        self.parameter("filename")
    }
}

impl fmt::Display for Disposition {
    /// The type, without parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)
    }
}

/// The value of MIME-Version (RFC 2045 section 4).
///
/// ```
/// use scop_mime::MimeVersion;
///
/// let version = MimeVersion::parse(b"1.(produced by MetaSend Vx.x)0").unwrap();
/// assert_eq!((version.major, version.minor), (1, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MimeVersion {
    /// Before the dot.
    pub major: u32,
    /// Behind it.
    pub minor: u32,
}

impl MimeVersion {
    /// Reads the value of the field, comments anywhere; `None` when it is no version.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(value);
        cursor.skip_cfws();
        let major = number(cursor.take_while(|b| b.is_ascii_digit()))?;
        cursor.skip_cfws();
        if !cursor.eat(b'.') {
            return None;
        }
        cursor.skip_cfws();
        let minor = number(cursor.take_while(|b| b.is_ascii_digit()))?;
        cursor.skip_cfws();
        (cursor.peek().is_none()).then_some(MimeVersion { major, minor })
    }
}

/// The tags of a Content-Language (RFC 3282): separated by commas, with comments.
pub(crate) fn languages(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut cursor = Cursor::new(value);
    core::iter::from_fn(move || {
        loop {
            cursor.skip_cfws();
            cursor.peek()?;
            match cursor.take_while(|b| !is_space(b) && !matches!(b, b',' | b'(' | 0)) {
                [] => cursor.bump(),
                tag => return Some(tag),
            }
        }
    })
}

fn find<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a str> {
    parameters
        .iter()
        .find(|p| p.name.eq_ignore_ascii_case(name))
        .map(|p| p.value.as_str())
}

/// A character of a token (RFC 2045 5.1), and any above 127.
#[inline]
fn is_token(byte: u8) -> bool {
    const TOKEN: [bool; 256] = {
        let mut token = [true; 256];
        let mut n = 0;
        while n <= b' ' as usize {
            token[n] = false;
            n += 1;
        }
        let special = br#"()<>@,;:\"/[]?="#;
        n = 0;
        while n < special.len() {
            token[special[n] as usize] = false;
            n += 1;
        }
        token[0x7f] = false;
        token
    };
    TOKEN[byte as usize]
}

fn media_type<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], Cow<'a, [u8]>)> {
    cursor.skip_cfws();
    let kind = cursor.take_while(is_token);
    cursor.skip_cfws();
    if kind.is_empty() || !cursor.eat(b'/') {
        return None;
    }
    cursor.skip_cfws();
    const ENDS: [bool; 256] = table(b" \t\r\n()\";,");
    let mut has_nul = false;
    let subtype = cursor.take_while(|b| {
        has_nul |= b == 0;
        !ENDS[usize::from(b)]
    });
    let subtype = match has_nul {
        false => Cow::Borrowed(subtype),
        true => Cow::Owned(subtype.iter().copied().filter(|b| *b != 0).collect()),
    };
    (!subtype.is_empty()).then_some((kind, subtype))
}

/// Whether the value of a Content-Type is a text, and the charset it names. Common
/// ones allocate nothing but the charset's name. `None` for a multipart, as for what
/// cannot be read.
pub(crate) fn text_type(value: &[u8], limit: usize) -> Option<(bool, Option<String>)> {
    let mut cursor = Cursor::new(value);
    let (kind, _) = media_type(&mut cursor)?;
    if !kind.eq_ignore_ascii_case(b"text") {
        let multipart = kind.eq_ignore_ascii_case(b"multipart");
        return (!multipart).then_some((false, None));
    }
    if let Some(charset) = parameter::plain(RawParameters::new(cursor), b"charset", limit) {
        return Some((true, charset.map(|c| raw_text(&c).into_owned())));
    }
    let (content_type, _) = ContentType::parse_with(value, limit)?;
    Some((true, content_type.parameter("charset").map(String::from)))
}

/// What a Content-Type says about how a body is taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodyType<'a> {
    Multipart {
        /// As it is written, with white space at its end if it is there, though no
        /// boundary may have it (RFC 2046 5.1.1). Empty where there is none.
        boundary: Cow<'a, [u8]>,
        digest: bool,
    },
    Message,
    Other,
}

/// Whether the value of a Content-Type says that the body is a leaf: the common shape of
/// most that do.
#[inline]
pub(crate) fn is_plainly_a_leaf(value: &[u8]) -> bool {
    let value = value.strip_prefix(b" ").unwrap_or(value);
    if let [b't', b'e', b'x', b't', b'/', subtype, ..] = value {
        return subtype.is_ascii_alphanumeric();
    }
    if matches!(value, [b'm' | b'M', ..]) {
        return false;
    }
    let kind = value.iter().position(|b| !b.is_ascii_alphabetic());
    match kind.and_then(|kind| value.split_at_checked(kind)) {
        Some(([_, ..], [b'/', subtype, ..])) => subtype.is_ascii_alphanumeric(),
        _ => false,
    }
}

/// The same from the value of the field; `None` where it cannot be read. Nothing is
/// allocated but for a boundary that is escaped or in sections.
pub(crate) fn body_type(value: &[u8], limit: usize) -> (Option<BodyType<'_>>, Vec<DefectKind>) {
    match plain_multipart(value, limit) {
        Some(multipart) => (Some(multipart), Vec::new()),
        None => any_body_type(value, limit),
    }
}

/// The same of a value as most multiparts have it: `multipart/mixed; boundary="b"`, with or
/// without the quotes, other parameters as simple beside it. `None` for what is not.
fn plain_multipart(value: &[u8], limit: usize) -> Option<BodyType<'_>> {
    fn run(bytes: &[u8], is: impl Fn(u8) -> bool) -> Option<usize> {
        bytes.iter().position(|b| !is(*b))
    }
    let is_letter = |b: u8| b.is_ascii_alphabetic() || b == b'-';
    let value = value.strip_prefix(b" ").unwrap_or(value);
    let (kind, rest) = value.split_first_chunk::<10>()?;
    if !is_word(kind, b"multipart/") {
        return None;
    }
    let (subtype, mut rest) = rest.split_at_checked(run(rest, is_letter)?)?;
    let mut found = None;
    for _ in 0..limit {
        let [b';', behind @ ..] = rest else { break };
        let (_, behind) = behind.split_at_checked(run(behind, is_space)?)?;
        let (name, behind) = behind.split_at_checked(run(behind, is_letter)?)?;
        let value;
        (value, rest) = match behind {
            [b'=', b'"', quoted @ ..] => {
                let (text, quote) = quoted.split_at_checked(plain_quoted_length(quoted)?)?;
                (text, quote.strip_prefix(b"\"")?)
            }
            [b'=', token @ ..] => {
                token.split_at_checked(run(token, is_token).unwrap_or(token.len()))?
            }
            _ => return None,
        };
        if name.is_empty() || value.is_empty() {
            return None;
        }
        if is_word(name, b"boundary") && found.replace(value).is_some() {
            return None;
        }
    }
    let is_over = matches!(rest, [] | [b'\n'] | [b'\r', b'\n']) && !subtype.is_empty();
    let boundary = found.filter(|_| is_over)?;
    Some(BodyType::Multipart {
        boundary: Cow::Borrowed(boundary),
        digest: is_word(subtype, b"digest"),
    })
}

fn any_body_type(value: &[u8], limit: usize) -> (Option<BodyType<'_>>, Vec<DefectKind>) {
    let mut cursor = Cursor::new(value);
    let Some((kind, subtype)) = media_type(&mut cursor) else {
        return (None, alloc::vec![DefectKind::BadContentType]);
    };
    if is_word(kind, b"message") {
        // An article of news is a message (RFC 1036 2), and so says the registration of
        // `message/news`, which has the encodings of `message/rfc822`.
        let is = |nests: &[u8; 6]| is_word(&subtype, nests);
        let nested = is(b"rfc822") || is(b"global") || is_word(&subtype, b"news");
        return match nested {
            true => (Some(BodyType::Message), Vec::new()),
            false => (Some(BodyType::Other), Vec::new()),
        };
    }
    if !is_word(kind, b"multipart") {
        return (Some(BodyType::Other), Vec::new());
    }
    let (boundary, defects) = boundary(RawParameters::new(cursor), limit);
    let multipart = BodyType::Multipart {
        boundary,
        digest: is_word(&subtype, b"digest"),
    };
    (Some(multipart), defects)
}

fn boundary(parameters: RawParameters<'_>, limit: usize) -> (Cow<'_, [u8]>, Vec<DefectKind>) {
    const NAME: &[u8; 8] = b"boundary";
    let mut defects = Vec::new();
    let mut found = None;
    let mut duplicate = false;
    for (n, raw) in parameters.clone().enumerate() {
        if n >= limit {
            defects.push(DefectKind::TooManyParameters);
            break;
        }
        let name = raw.name.split_at_checked(NAME.len());
        match name.filter(|(name, _)| is_word(name, NAME)) {
            Some((_, [])) if found.is_some() => duplicate = true,
            Some((_, [])) => found = Some(raw.value),
            Some((_, [b'*', ..])) => return extended_boundary(parameters, limit),
            _ => {}
        }
    }
    if duplicate {
        defects.push(DefectKind::DuplicateParameter);
    }
    (found.unwrap_or_default(), defects)
}

/// The same where the boundary is in sections or percent-encoded (RFC 2231).
fn extended_boundary(
    parameters: RawParameters<'_>,
    limit: usize,
) -> (Cow<'_, [u8]>, Vec<DefectKind>) {
    let (parameters, defects) = parameter::parse(parameters, limit);
    let defects = defects.into_iter().map(|d| d.0).collect();
    let boundary = parameters.into_iter().find(|p| p.name == "boundary");
    let boundary = boundary.map(|p| match p.extended {
        true => p.value.into_bytes(),
        false => p.raw,
    });
    (Cow::Owned(boundary.unwrap_or_default()), defects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn a_text_type_is_what_the_content_type_says(
            value in "(text|TEXT|image)/plain(; ?(charset|CharSet|charset\\*|charset\\*0|x)=(utf-8|\"a\"|\"a b\"|x'y'z|=\\?utf-8\\?Q\\?b\\?=|é|a b)){0,4}",
        ) {
            let whole = ContentType::parse(value.as_bytes()).unwrap();
            let (is_text, charset) = text_type(value.as_bytes(), 128).unwrap();
            prop_assert_eq!(is_text, whole.kind() == "text");
            if is_text {
                prop_assert_eq!(charset.as_deref(), whole.parameter("charset"));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn a_plain_multipart_is_what_any_is(
            value in " ?multipart/(mixed|DIGEST|x-a|)(;[ \t]{0,2}(\r\n )?(boundary|Boundary|report-type|a|boundary\\*|)=(b|\"b c\"|\"\"|\"b\\\\c\"|=_b|b/c|é|\"é\"|b b|\"b|)){0,4};?( |\r\n|\n){0,2}",
            limit in 0usize..4,
        ) {
            if let Some(multipart) = plain_multipart(value.as_bytes(), limit) {
                let any = any_body_type(value.as_bytes(), limit);
                prop_assert_eq!((Some(multipart), Vec::new()), any);
            }
        }
    }

    #[test]
    fn plain_multiparts() {
        for value in [
            " multipart/mixed; boundary=\"=_b c\"\r\n",
            " multipart/report; report-type=delivery-status;\r\n\tboundary=b\n",
        ] {
            assert!(plain_multipart(value.as_bytes(), 128).is_some(), "{value}");
        }
    }

    #[test]
    fn types() {
        let c = ContentType::parse(b" text / plain (comment); format=flowed\r\n").unwrap();
        assert_eq!((c.kind(), c.subtype()), ("text", "plain"));
        assert_eq!(c.parameter("format"), Some("flowed"));
        for bad in [
            &b""[..],
            b"text",
            b"/plain",
            b"text/",
            b"; charset=x",
            b"text plain",
        ] {
            assert_eq!(ContentType::parse(bad), None);
        }
    }

    #[test]
    fn dispositions() {
        let d = Disposition::parse(b"ATTACHMENT;\r\n\tfilename=\"a b.txt\"; size=3").unwrap();
        assert_eq!(d.kind(), "attachment");
        assert_eq!(d.filename(), Some("a b.txt"));
        assert_eq!(d.parameter("size"), Some("3"));
        let d = Disposition::parse(b"filename=a.txt").unwrap();
        assert_eq!((d.kind(), d.filename()), ("attachment", Some("a.txt")));
        assert!(Disposition::parse(b" ").is_none());
    }

    #[test]
    fn rfc2045_4_versions() {
        let one = Some(MimeVersion { major: 1, minor: 0 });
        for value in [
            &b" 1.0\r\n"[..],
            b"1.0 (produced by MetaSend Vx.x)",
            b"(produced by MetaSend Vx.x) 1.0",
            b"1.(produced by MetaSend Vx.x)0",
        ] {
            assert_eq!(MimeVersion::parse(value), one);
        }
        for value in [
            &b""[..],
            b"1",
            b"1.",
            b".0",
            b"1.0.0",
            b"1,0",
            b"9999999999.0",
        ] {
            assert_eq!(MimeVersion::parse(value), None);
        }
    }

    #[test]
    fn rfc3282_2_languages() {
        let tags = |value| languages(value).collect::<Vec<_>>();
        assert_eq!(
            tags(b"i-mingo (the dialect), de,\r\n da,,( en"),
            [&b"i-mingo"[..], b"de", b"da", b"en"]
        );
    }

    #[test]
    fn boundaries() {
        let boundary = |value: &str| match body_type(value.as_bytes(), 128).0 {
            Some(BodyType::Multipart { boundary, .. }) => boundary.into_owned(),
            _ => panic!("{value}"),
        };
        assert_eq!(boundary("multipart/mixed; boundary=\"a b\""), b"a b");
        assert_eq!(boundary("multipart/mixed; boundary=a; boundary=b"), b"a");
        assert_eq!(
            boundary("multipart/mixed; boundary*0=a; boundary*1=b"),
            b"ab"
        );
        assert_eq!(
            boundary("multipart/mixed; boundary*=us-ascii''a%20b"),
            b"a b"
        );
        assert_eq!(boundary("multipart/mixed; boundary=\"\""), b"");
        assert_eq!(boundary("multipart/mixed"), b"");
        assert_eq!(boundary("multipart/mixed; boundary=\"a b \""), b"a b ");
    }
}

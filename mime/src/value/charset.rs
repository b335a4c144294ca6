//! Character sets: bytes to text.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::lex::is_space;
use super::utf7::Utf7;

/// A character set that is known.
///
/// With the feature `charsets` these are all of the WHATWG standard, by all its labels,
/// and UTF-7; without it UTF-8, US-ASCII, UTF-7 and ISO-8859-1, which is read as
/// windows-1252 as everybody does. ISO-2022-KR, ISO-2022-CN and HZ-GB-2312, which hide
/// ASCII in other characters, are not known on purpose; neither are EBCDIC, UTF-32 and
/// the code pages of DOS but IBM866.
///
/// ```
/// use scop_mime::Charset;
///
/// let charset = Charset::for_label(b"ISO_8859-15").unwrap();
/// assert_eq!(charset.name(), "ISO-8859-15");
/// let (text, lossy) = charset.decode(b"3\xa4");
/// assert_eq!((&*text, lossy), ("3€", false));
/// assert!(Charset::for_label(b"klingon").is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(pub(super) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Utf8,
    Ascii,
    /// Somebody did not know it: whatever it may be.
    Unknown,
    Utf7,
    #[cfg(feature = "charsets")]
    /// By its byte order mark; little-endian without one.
    Utf16,
    #[cfg(feature = "charsets")]
    Other(&'static encoding_rs::Encoding),
    #[cfg(not(feature = "charsets"))]
    Latin,
}

/// Names of US-ASCII, which the WHATWG standard takes for windows-1252.
const ASCII: [&str; 14] = [
    "us-ascii",
    "ascii",
    "ansi_x3.4-1968",
    "ansi_x3.4-1986",
    "iso-ir-6",
    "iso646-us",
    "iso_646.irv:1991",
    "us",
    "ibm367",
    "cp367",
    "csascii",
    "us_ascii",
    "usascii",
    "646",
];

const UTF_7: [&str; 6] = [
    "utf-7",
    "utf7",
    "unicode-1-1-utf-7",
    "unicode-2-0-utf-7",
    "x-unicode-2-0-utf-7",
    "csunicode11utf7",
];

/// What programs write that do not know (RFC 1428), or take an encoding for a charset.
const UNKNOWN: [&str; 11] = [
    "",
    "unknown-8bit",
    "x-unknown",
    "unknown",
    "default",
    "x-default",
    "none",
    "8bit",
    "7bit",
    "binary",
    "_autodetect_all",
];

impl Charset {
    /// What a text is in that names none.
    pub(crate) const US_ASCII: Self = Charset(Kind::Ascii);

    /// The character set of that name, in any case; white space, quotes and punctuation
    /// around it do no harm. Names that are in use by mistake are known too: `cp-1252`,
    /// `utf_8`, `iso8859-1`. `x-unknown` and the like, and an empty name, are read as
    /// US-ASCII is. `None` when nobody knows the name.
    #[must_use]
    pub fn for_label(label: &[u8]) -> Option<Self> {
        let dress = |b: &u8| is_space(*b) || matches!(b, b'"' | b'\'' | b';' | b',' | b'<' | b'>');
        let start = label.iter().position(|b| !dress(b)).unwrap_or(label.len());
        let end = label
            .iter()
            .rposition(|b| !dress(b))
            .map_or(start, |n| n + 1);
        let label = label.get(start..end).unwrap_or_default();
        let is = |name: &&str| label.eq_ignore_ascii_case(name.as_bytes());
        let kind = if is(&"utf-8") || is(&"utf8") {
            Kind::Utf8
        } else if ASCII.iter().any(is) {
            Kind::Ascii
        } else if UTF_7.iter().any(is) {
            Kind::Utf7
        } else if UNKNOWN.iter().any(is) {
            Kind::Unknown
        } else {
            return by_name(label).or_else(|| mistaken(label)).map(Charset);
        };
        Some(Charset(kind))
    }

    /// Whether `label`, which is known, is no name that every reader knows.
    pub(crate) fn is_odd(label: &[u8]) -> bool {
        let is = |name: &&str| label.eq_ignore_ascii_case(name.as_bytes());
        let known = is(&"utf-8") || is(&"utf8");
        let known = known || ASCII.iter().any(is) || UTF_7.iter().any(is);
        !known && by_name(label).is_none()
    }

    /// Its name: that of the WHATWG standard where it has one.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.0 {
            Kind::Utf8 => "UTF-8",
            Kind::Ascii => "US-ASCII",
            Kind::Unknown => "unknown-8bit",
            Kind::Utf7 => "UTF-7",
            #[cfg(feature = "charsets")]
            Kind::Utf16 => "UTF-16",
            #[cfg(feature = "charsets")]
            Kind::Other(encoding) => encoding.name(),
            #[cfg(not(feature = "charsets"))]
            Kind::Latin => "windows-1252",
        }
    }

    /// Whether it is UTF-7, in which ASCII may hide other ASCII.
    #[must_use]
    pub fn is_utf7(&self) -> bool {
        self.0 == Kind::Utf7
    }

    /// A byte that is LF is one in it: it may become CRLF.
    pub(crate) fn has_lines(&self) -> bool {
        match self.0 {
            #[cfg(feature = "charsets")]
            Kind::Other(encoding) => {
                encoding != encoding_rs::UTF_16LE && encoding != encoding_rs::UTF_16BE
            }
            _ => true,
        }
    }

    pub(super) fn is_utf8(&self) -> bool {
        self.0 == Kind::Utf8
    }

    /// Each text of it begins and ends in one state: nothing may be cut between two.
    pub(super) fn is_stateful(&self) -> bool {
        match self.0 {
            Kind::Utf7 => true,
            #[cfg(feature = "charsets")]
            Kind::Other(encoding) => encoding == encoding_rs::ISO_2022_JP,
            _ => false,
        }
    }

    /// The same as [`decode`](Self::decode) of bytes that nobody else needs: what is
    /// UTF-8 is not copied.
    pub(crate) fn decode_owned(&self, bytes: Vec<u8>) -> (String, bool) {
        let is_utf8 = self.is_utf8();
        if !is_utf8 && !matches!(self.0, Kind::Ascii | Kind::Unknown) {
            let (text, lossy) = self.decode(&bytes);
            return (text.into_owned(), lossy);
        }
        match String::from_utf8(bytes) {
            Ok(text) => {
                let lossy = !is_utf8 && !text.is_ascii();
                (text, lossy)
            }
            Err(error) => {
                let (text, lossy) = self.decode(error.as_bytes());
                (text.into_owned(), lossy)
            }
        }
    }

    /// Decodes `bytes`; `true` when some were not of the charset. They are replaced by
    /// U+FFFD; but bytes above 127 in US-ASCII, which are common, are read as UTF-8 if
    /// all is UTF-8, else as windows-1252.
    #[must_use]
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> (Cow<'a, str>, bool) {
        match self.0 {
            Kind::Utf8 => match core::str::from_utf8(bytes) {
                Ok(text) => (Cow::Borrowed(text), false),
                Err(_) => (String::from_utf8_lossy(bytes), true),
            },
            Kind::Ascii | Kind::Unknown => match core::str::from_utf8(bytes) {
                Ok(text) => (Cow::Borrowed(text), !text.is_ascii()),
                Err(_) => (latin(bytes), true),
            },
            Kind::Utf7 => {
                let (mut decoder, mut out) = (Utf7::default(), String::new());
                decoder.decode(bytes, &mut out);
                decoder.finish(&mut out);
                (Cow::Owned(out), decoder.is_lossy())
            }
            #[cfg(feature = "charsets")]
            Kind::Utf16 => {
                let (text, _, lossy) = encoding_rs::UTF_16LE.decode(bytes);
                (text, lossy)
            }
            #[cfg(feature = "charsets")]
            Kind::Other(encoding) => encoding.decode_without_bom_handling(bytes),
            #[cfg(not(feature = "charsets"))]
            Kind::Latin => (latin(bytes), false),
        }
    }
}

/// Decodes `bytes` by the character set that `label` names, as [`Charset`] does; `true`
/// when bytes were not of it. `None` when nobody knows the name.
///
/// ```
/// let (text, lossy) = scop_mime::decode_charset(b"ISO-8859-1", b"gr\xfc\xdf").unwrap();
/// assert_eq!((&*text, lossy), ("grüß", false));
/// assert!(scop_mime::decode_charset(b"klingon", b"Qapla'").is_none());
/// ```
#[must_use]
pub fn decode<'a>(label: &[u8], bytes: &'a [u8]) -> Option<(Cow<'a, str>, bool)> {
    Some(Charset::for_label(label)?.decode(bytes))
}

#[cfg(feature = "charsets")]
fn by_name(label: &[u8]) -> Option<Kind> {
    if label.eq_ignore_ascii_case(b"utf-16") {
        return Some(Kind::Utf16);
    }
    encoding_rs::Encoding::for_label_no_replacement(label).map(Kind::Other)
}

#[cfg(not(feature = "charsets"))]
fn by_name(label: &[u8]) -> Option<Kind> {
    let names = [
        "iso-8859-1",
        "iso_8859-1",
        "iso_8859-1:1987",
        "iso8859-1",
        "latin1",
        "l1",
        "cp819",
        "ibm819",
        "csisolatin1",
        "windows-1252",
        "cp1252",
        "x-cp1252",
    ];
    let is = |name: &&str| label.eq_ignore_ascii_case(name.as_bytes());
    names.iter().any(is).then_some(Kind::Latin)
}

/// Names that no list has, by their letters and digits: `ISO8859_15`, `win-1251`.
fn mistaken(label: &[u8]) -> Option<Kind> {
    let mut name = [0; 24];
    let kept = label.iter().filter(|b| b.is_ascii_alphanumeric());
    let mut length = 0;
    for byte in kept {
        *name.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    let name = core::str::from_utf8(name.get(..length)?).ok()?;
    let name = name.strip_prefix('x').unwrap_or(name);
    let numbered = |prefixes: &[&str]| {
        let rest = prefixes.iter().find_map(|p| name.strip_prefix(p))?;
        (!rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
    };
    let label = match name {
        "utf8" | "utf8mb4" | "unicode11utf8" => return Some(Kind::Utf8),
        "usascii" | "ascii" => return Some(Kind::Ascii),
        "utf7" => return Some(Kind::Utf7),
        "utf16" => "utf-16",
        "latin1" | "isolatin1" | "iso88591windows31latin1" => "windows-1252",
        "latin2" => "iso-8859-2",
        "latin9" | "latin0" => "iso-8859-15",
        "cp932" | "windows932" | "mswin932" | "shiftjisx0213" => "shift_jis",
        "cp936" | "ms936" | "windows936" | "gbkeuc" => "gbk",
        "cp949" | "ms949" | "uhc" | "ksc5601" | "ksc56011987" | "euckr" => "euc-kr",
        "cp950" | "ms950" | "windows950" | "big5eten" => "big5",
        "eucjp" | "eucjpms" | "cp51932" => "euc-jp",
        "iso2022jp1" | "iso2022jp2" | "iso2022jp3" | "iso2022jpms" | "cp50220" | "cp50221"
        | "iso2022jpdeep" => "iso-2022-jp",
        "koi8r" | "koi8" => "koi8-r",
        "koi8u" | "koi8ru" => "koi8-u",
        "cp866" => "ibm866",
        "tis620" | "cp874" => "windows-874",
        "gb2312" | "gb23121980" | "euccn" => "gbk",
        "macroman" | "macintosh" => "macintosh",
        _ => {
            if let Some(number) = numbered(&["iso8859", "8859"]) {
                let mut label = String::from("iso-8859-");
                label.push_str(number);
                return by_name(label.as_bytes());
            }
            let number = numbered(&["windows", "win", "cp", "ms", "ansi", "codepage"])?;
            let mut label = String::from("windows-");
            label.push_str(number);
            return by_name(label.as_bytes());
        }
    };
    by_name(label.as_bytes())
}

#[cfg(feature = "charsets")]
pub(super) fn latin(bytes: &[u8]) -> Cow<'_, str> {
    let latin = encoding_rs::WINDOWS_1252;
    latin.decode_without_bom_handling(bytes).0
}

#[cfg(not(feature = "charsets"))]
pub(super) fn latin(bytes: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Cow::Borrowed(text),
        _ => bytes.iter().map(|b| latin_char(*b)).collect(),
    }
}

/// A character of windows-1252.
#[cfg(not(feature = "charsets"))]
pub(super) fn latin_char(byte: u8) -> char {
    const MORE: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let more = byte
        .checked_sub(0x80)
        .and_then(|n| MORE.get(usize::from(n)));
    more.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_and_utf8() {
        assert_eq!(decode(b"UTF-8", b"\xc3\xbc").unwrap(), ("ü".into(), false));
        assert!(decode(b"utf-8", b"\xc3").unwrap().1);
        assert_eq!(decode(b" us-ascii ", b"a").unwrap(), ("a".into(), false));
        for label in [&b"us-ascii"[..], b"x-unknown", b"", b"8bit"] {
            assert_eq!(decode(label, b"\xc3\xbc").unwrap(), ("ü".into(), true));
            assert_eq!(decode(label, b"\xfc").unwrap(), ("ü".into(), true));
            assert_eq!(decode(label, b"u").unwrap(), ("u".into(), false));
        }
        assert_eq!(
            decode(b"latin1", b"\xfc\x80").unwrap(),
            ("ü€".into(), false)
        );
        assert!(decode(b"klingon", b"").is_none());
    }

    #[test]
    fn names_in_use_by_mistake() {
        let name = |label: &str| Charset::for_label(label.as_bytes()).map(|c| c.name());
        for label in ["utf8", "UTF_8", "\"utf-8\"", "utf-8;", "x-utf-8", " UTF8 "] {
            assert_eq!(name(label), Some("UTF-8"), "{label}");
        }
        for label in ["ansi_x3.4-1968", "ASCII", "us_ascii", "646"] {
            assert_eq!(name(label), Some("US-ASCII"), "{label}");
        }
        for label in [
            "cp1252",
            "cp-1252",
            "windows1252",
            "win-1252",
            "iso8859_1",
            "latin-1",
            "iso-8859-1",
        ] {
            assert_eq!(name(label), Some("windows-1252"), "{label}");
        }
        assert_eq!(name("unicode-1-1-utf-7"), Some("UTF-7"));
        for label in [
            "klingon",
            "cp",
            "cp0",
            "iso-8859-99",
            "iso-2022-kr",
            "hz-gb-2312",
            "utf-32",
            "x",
        ] {
            assert_eq!(name(label), None, "{label}");
        }
        let long = "a".repeat(10_000);
        assert_eq!(name(&long), None);
    }

    #[cfg(feature = "charsets")]
    #[test]
    fn the_charsets_of_the_world() {
        let text = |label: &[u8], bytes: &[u8]| decode(label, bytes).unwrap().0.into_owned();
        assert_eq!(text(b"koi8-r", b"\xf0\xd2"), "Пр");
        assert_eq!(text(b"iso-2022-jp", b"\x1b$B$3\x1b(B"), "こ");
        assert_eq!(text(b"gb2312", b"\xc4\xe3"), "你");
        assert_eq!(text(b"windows-1252", b"\x80"), "€");
        assert_eq!(text(b"iso-8859-8-i", b"\xe0"), "א");
        assert_eq!(text(b"ks_c_5601-1987", b"\xb0\xa1"), "가");
        assert_eq!(text(b"cp932", b"\x82\xa0"), "あ");
        assert_eq!(text(b"utf-16", b"\xfe\xff\0a"), "a");
        assert_eq!(text(b"utf-16", b"\xff\xfea\0"), "a");
        assert_eq!(text(b"utf-16", b"a\0"), "a");
        assert_eq!(text(b"utf-16be", b"\0a"), "a");
    }
}

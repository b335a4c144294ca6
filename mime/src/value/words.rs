//! Encoded words (RFC 2047, with the language of RFC 2231 section 5) in text.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use memchr::{memchr, memchr2, memchr3, memmem};

use super::charset;
use super::lex::{is_space, raw_text};
use super::parameter::hex;
use crate::decode::Base64;

/// The longest name of a charset that is looked up.
const CHARSET: usize = 64;

/// One `=?charset?encoding?text?=`, not decoded.
struct Word<'a> {
    charset: &'a [u8],
    base64: bool,
    text: &'a [u8],
    length: usize,
}

/// Bytes of adjacent words of one charset: a character may be cut between them.
#[derive(Default)]
struct Run<'a> {
    charset: &'a [u8],
    bytes: Vec<u8>,
}

/// Text of a header: unfolded, encoded words decoded, bytes above 127 as UTF-8 or
/// ISO-8859-1. White space at the ends is dropped. Borrowed where nothing is to decode.
///
/// White space between two encoded words is dropped, and their bytes are joined
/// before the charset is applied. Words are decoded wherever they stand, also
/// where RFC 2047 section 5 does not allow them, and with spaces in them; a word of
/// an unknown charset stays as it is.
#[must_use]
pub(crate) fn decode(value: &[u8]) -> Cow<'_, str> {
    let value = super::lex::trim(value);
    let plain = memchr3(b'=', b'\r', b'\n', value).is_none();
    if memchr(0, value).is_none()
        && (plain
            || (memchr2(b'\r', b'\n', value).is_none() && memmem::find(value, b"=?").is_none()))
        && let Ok(text) = core::str::from_utf8(value)
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(value.len());
    let mut run = Run::default();
    let mut after_word = false;
    let mut rest = value;
    let mut from = 0;
    while let Some(at) = rest.get(from..).and_then(|r| memmem::find(r, b"=?")) {
        let start = from + at;
        let Some(word) = rest.get(start..).and_then(word) else {
            from = start + 2;
            continue;
        };
        if charset::decode(word.charset, b"").is_none() {
            from = start + word.length;
            continue;
        }
        let before = rest.get(..start).unwrap_or_default();
        if !(after_word && before.iter().all(|b| is_space(*b))) {
            run.end(&mut out);
            text(before, &mut out);
        }
        run.add(&word, &mut out);
        after_word = true;
        rest = rest.get(start + word.length..).unwrap_or_default();
        from = 0;
    }
    run.end(&mut out);
    text(rest, &mut out);
    Cow::Owned(out)
}

fn text(bytes: &[u8], out: &mut String) {
    for line in bytes.split(|b| matches!(b, b'\r' | b'\n' | 0)) {
        out.push_str(&raw_text(line));
    }
}

/// The encoded word that `bytes` begin with. Looks at no byte that a later call
/// looks at again but for the question marks.
fn word(bytes: &[u8]) -> Option<Word<'_>> {
    let inner = bytes.strip_prefix(b"=?")?;
    let window = inner.get(..=CHARSET).unwrap_or(inner);
    let mark = memchr(b'?', window)?;
    let label = inner.get(..mark)?;
    let charset = label.split(|b| *b == b'*').next()?;
    if charset.is_empty() || label.iter().any(|b| !b.is_ascii_graphic() || *b == b'=') {
        return None;
    }
    let (encoding, rest) = inner.get(mark + 1..)?.split_first()?;
    let base64 = match encoding {
        b'B' | b'b' => true,
        b'Q' | b'q' => false,
        _ => return None,
    };
    let text = rest.strip_prefix(b"?")?;
    let end = text
        .iter()
        .position(|b| matches!(b, b'?' | b'\r' | b'\n'))?;
    if text.get(end..end + 2)? != b"?=" {
        return None;
    }
    Some(Word {
        charset,
        base64,
        text: text.get(..end)?,
        length: 2 + mark + 3 + end + 2,
    })
}

impl<'a> Run<'a> {
    fn add(&mut self, word: &Word<'a>, out: &mut String) {
        let same = self.charset.eq_ignore_ascii_case(word.charset);
        if !same || is_stateful(word.charset) {
            self.end(out);
            self.charset = word.charset;
        }
        if word.base64 {
            let mut decoder = Base64::new();
            decoder.decode(word.text, &mut self.bytes);
            decoder.finish(&mut self.bytes);
        } else {
            q(word.text, &mut self.bytes);
        }
    }

    fn end(&mut self, out: &mut String) {
        if let Some((text, _)) = charset::decode(self.charset, &self.bytes) {
            // A word must not smuggle line ends into a line (RFC 2047 5 (3)).
            out.extend(text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')));
        }
        self.bytes.clear();
    }
}

/// Each word of such a charset begins and ends in ASCII (RFC 2047 3), so nothing is
/// cut between two; joined, they would have escape sequences that switch nothing, which
/// a decoder takes for an attack.
fn is_stateful(charset: &[u8]) -> bool {
    let prefix = charset.get(..9).unwrap_or_default();
    prefix.eq_ignore_ascii_case(b"iso-2022-")
}

/// The Q encoding (RFC 2047 4.2); what is no escape is itself.
fn q(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'_', _) => out.push(b' '),
            (b'=', [high, low, behind @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = behind;
                }
                _ => out.push(b'='),
            },
            (byte, _) => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, text: &str) {
        assert_eq!(decode(value.as_bytes()), text, "{value}");
    }

    #[test]
    fn rfc2047_section_8() {
        check("=?US-ASCII?Q?Keith_Moore?=", "Keith Moore");
        check(
            "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=",
            "Keld Jørn Simonsen",
        );
        check("=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard");
        #[cfg(feature = "charsets")]
        check(
            "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
            "If you can read this you understand the example.",
        );
        check("(=?ISO-8859-1?Q?a?=)", "(a)");
        check("(=?ISO-8859-1?Q?a?= b)", "(a b)");
        check("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)");
        check("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)");
        check("(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)");
        check("(=?ISO-8859-1?Q?a_b?=)", "(a b)");
        #[cfg(feature = "charsets")]
        check("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)");
    }

    #[test]
    fn characters_cut_between_words() {
        check("=?utf-8?B?w7w=?= =?UTF-8?Q?=C3?= =?utf-8?q?=BC?=", "üü");
        check("=?utf-8*en?Q?=C3=A9?=", "é");
    }

    #[cfg(feature = "charsets")]
    #[test]
    fn words_of_a_charset_with_states() {
        check(
            "=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?= =?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=",
            "テストテスト",
        );
    }

    #[test]
    fn what_is_no_word_stays() {
        for text in [
            "=?utf-8?X?a?=",
            "=?utf-8?Q?a",
            "=?utf-8?Q?a?b",
            "=? ?Q?a?=",
            "=??Q?a?=",
            "=?=?=?",
            "=?klingon?Q?a=20b?=  x",
            "=?utf-8?",
        ] {
            check(text, text);
        }
        check("a=?utf-8?Q?b?=c", "abc");
        check("=?utf-8?Q?a b?=", "a b");
        check("=?klingon?Q?a?= =?utf-8?Q?b?=", "=?klingon?Q?a?= b");
        check("=?utf-8?Q?a=ZZ=?=", "a=ZZ=");
    }

    #[test]
    fn words_bring_no_line_ends() {
        check("=?utf-8?Q?a=0D=0ABcc:_x=00?=", "aBcc: x");
    }

    #[test]
    fn mi04_floods_are_linear() {
        for unit in [
            "=?",
            "=?a?q?",
            "=?=?utf-8?q?",
            "=?utf-8?Q?a?= ",
            "=?utf-8?B?",
        ] {
            let flood = unit.repeat(200_000);
            assert!(decode(flood.as_bytes()).len() <= flood.len());
        }
    }
}

//! Encoded words (RFC 2047, with the language of RFC 2231 section 5) in text.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use memchr::{memchr, memchr3, memmem, memrchr};

use super::charset::Charset;
use super::lex::{Cursor, is_space, raw_text, table};
use super::note::Notes;
use super::parameter::hex;
use crate::decode::Base64;
use crate::{DefectKind, DefectSet};

/// The longest name of a charset that is looked up.
const CHARSET: usize = 64;

/// One `=?charset?encoding?text?=`, not decoded.
#[derive(Clone, Copy)]
struct Word<'a> {
    charset: Charset,
    base64: bool,
    text: &'a [u8],
    /// Where it ends in the value.
    end: usize,
}

/// Text of a header: unfolded, encoded words decoded, bytes above 127 as UTF-8 or
/// ISO-8859-1. White space at the ends is dropped. Borrowed where nothing is to decode.
///
/// White space between two encoded words is dropped, and their bytes are joined
/// before the charset is applied; but in UTF-7 each word stands alone. Words are decoded
/// wherever they stand, also where RFC 2047 section 5 does not allow them, with spaces in
/// them, and without their end where the text is cut there; a word of an unknown charset
/// stays as it is.
///
/// ```
/// use scop_mime::decode_words;
///
/// assert_eq!(decode_words(b"Re: =?utf-8?Q?Gr=C3=BC?=\r\n =?utf-8?B?w59l?="), "Re: Grüße");
/// assert_eq!(decode_words(b"nothing to decode"), "nothing to decode");
/// ```
#[must_use]
pub fn decode(value: &[u8]) -> Cow<'_, str> {
    read(value, &mut Notes::none())
}

/// The same, and what is wrong with the words: offsets are those in `value`.
pub(crate) fn read<'a>(value: &'a [u8], notes: &mut Notes<'_>) -> Cow<'a, str> {
    let trimmed = super::lex::trim(value);
    let plain = !may_need_decoding(trimmed)
        || (memchr3(b'\r', b'\n', 0, trimmed).is_none() && memmem::find(trimmed, b"=?").is_none());
    if plain && let Ok(text) = core::str::from_utf8(trimmed) {
        return Cow::Borrowed(text);
    }
    let start = value.iter().position(|b| !is_space(*b)).unwrap_or(0);
    let mut out = String::with_capacity(trimmed.len());
    let mut told = DefectSet::none();
    let mut notes = |kind, at: usize| {
        // The first of each kind.
        if !told.contains(kind) {
            told = told.with(kind);
            notes.add(kind, start + at);
        }
    };
    Words::new(trimmed).decode(&mut out, &mut notes);
    Cow::Owned(out)
}

/// Whether there is an equals sign, a line end or NUL: in one pass over all, for values
/// are short.
fn may_need_decoding(text: &[u8]) -> bool {
    const NEED: [bool; 256] = table(b"=\r\n\0");
    text.iter()
        .fold(false, |all, b| all | NEED[usize::from(*b)])
}

/// The length of the encoded word that `bytes` begin with, whole and on one line: to a
/// parser of phrases one word, whatever is in its text. Looks no further than the next
/// question mark but three.
#[inline]
pub(crate) fn word_length(bytes: &[u8]) -> Option<usize> {
    inner_length(bytes.strip_prefix(b"=?")?)
}

/// The same behind the first two bytes.
fn inner_length(inner: &[u8]) -> Option<usize> {
    let mark = memchr(b'?', inner.get(..=CHARSET).unwrap_or(inner))?;
    let label = inner.get(..mark)?;
    if mark == 0 || label.iter().any(|b| !b.is_ascii_graphic() || *b == b'=') {
        return None;
    }
    let [b'B' | b'b' | b'Q' | b'q', b'?'] = inner.get(mark + 1..mark + 3)? else {
        return None;
    };
    let text = inner.get(mark + 3..)?;
    let end = memchr3(b'?', b'\r', b'\n', text)?;
    (text.get(end..end + 2)? == b"?=").then_some(2 + mark + 3 + end + 2)
}

/// Where encoded words may stand in a value, apart from its comments (RFC 2047 5).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Among other words, in front of addresses in brackets.
    Phrase,
    /// Nowhere.
    None,
}

/// Notes the encoded words of a structured value that stand where none may, or hold what
/// they may not hold there.
pub(crate) fn placed(value: &[u8], place: Place, notes: &mut Notes<'_>) {
    if memmem::find(value, b"=?").is_none() {
        return;
    }
    let mut cursor = Cursor::new(value);
    while let Some(byte) = cursor.peek() {
        let at = cursor.pos();
        match byte {
            b'(' => match cursor.comment() {
                Some(comment) => {
                    for open in memmem::find_iter(comment, b"=?") {
                        let text = comment.get(open..).and_then(q_text);
                        if text.is_some_and(|t| t.iter().any(|b| b"()\"".contains(b))) {
                            notes.add(DefectKind::EncodedWordSpecial, at + 1 + open);
                        }
                    }
                }
                None => cursor.bump(),
            },
            b'"' => {
                if cursor.quoted().is_none() {
                    cursor.bump();
                }
            }
            b'<' if place == Place::Phrase => {
                cursor.take_while(|b| b != b'>');
            }
            b'=' => {
                let rest = value.get(at..).unwrap_or_default();
                let Some(length) = word_length(rest) else {
                    cursor.bump();
                    continue;
                };
                cursor.seek(at + length);
                if place == Place::None {
                    notes.add(DefectKind::EncodedWordMisplaced, at);
                    continue;
                }
                let before = at.checked_sub(1).and_then(|n| value.get(n));
                // Specials should not touch it either (RFC 2047 5 (3)), which changes nothing.
                let open = |b: &u8| is_space(*b) || b"),:;".contains(b);
                let closed = |b: &u8| is_space(*b) || b"(,:;".contains(b);
                if !(before.is_none_or(open) && rest.get(length).is_none_or(closed)) {
                    notes.add(DefectKind::EncodedWordAdjoined, at);
                }
                let text = q_text(rest).unwrap_or_default();
                let is_special = |b: &u8| b"()<>@,;:\\\"[]".contains(b);
                let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"!*+-/=_".contains(b);
                if text.iter().any(is_special) {
                    notes.add(DefectKind::EncodedWordSpecial, at);
                } else if !text.iter().all(is_plain) {
                    notes.add(DefectKind::EncodedWordCharacter, at);
                }
            }
            _ => cursor.bump(),
        }
    }
}

/// The text of the encoded word that `bytes` begin with, if it is a Q.
fn q_text(bytes: &[u8]) -> Option<&[u8]> {
    let word = bytes.get(..word_length(bytes)?)?;
    let mut parts = word.split(|b| *b == b'?').skip(2);
    let is_q = parts.next()?.eq_ignore_ascii_case(b"q");
    parts.next().filter(|_| is_q)
}

/// Goes through a text once.
struct Words<'a> {
    value: &'a [u8],
    close: Close,
    run: Run,
}

/// The next `?=`, found once.
struct Close(Option<usize>);

/// Bytes of adjacent words of one charset: a character may be cut between them.
#[derive(Default)]
struct Run {
    charset: Option<Charset>,
    bytes: Vec<u8>,
    /// They do not end in ASCII, as each word should (RFC 2047 3).
    open: bool,
    /// Where it begins in the value.
    at: usize,
}

type Note<'n> = &'n mut dyn FnMut(DefectKind, usize);

impl<'a> Words<'a> {
    fn new(value: &'a [u8]) -> Self {
        Words {
            value,
            close: Close(memmem::find(value, b"?=")),
            run: Run::default(),
        }
    }

    fn decode(mut self, out: &mut String, notes: Note<'_>) {
        // `done`: all before it is in `out` or in the run. `after_word`: it is a word.
        let (mut done, mut from, mut after_word) = (0, 0, false);
        while let Some(at) = memmem::find(self.value.get(from..).unwrap_or_default(), b"=?") {
            let start = from + at;
            let mut told = false;
            let word = self.word(start, &mut |kind, at| {
                told = true;
                notes(kind, at);
            });
            let Some(word) = word else {
                if !told && self.looks_whole(start) {
                    notes(DefectKind::BadEncodedWord, start);
                }
                from = start + 2;
                continue;
            };
            let before = self.value.get(done..start).unwrap_or_default();
            if !(after_word && before.iter().all(|b| is_space(*b))) {
                self.run.end(out, notes);
                text(before, out);
            }
            let end = word.end;
            if !self.stands_alone(start, end) {
                notes(DefectKind::EncodedWordAdjoined, start);
            }
            self.run.add(&word, start, out, notes);
            (done, from, after_word) = (end, end, true);
        }
        self.run.end(out, notes);
        text(self.value.get(done..).unwrap_or_default(), out);
    }

    /// A word of the text begins here, and it ends as an encoded word does (RFC 2049 2).
    /// Each word is looked at once.
    fn looks_whole(&self, start: usize) -> bool {
        let before = start.checked_sub(1).and_then(|n| self.value.get(n));
        let rest = self.value.get(start..).unwrap_or_default();
        let end = || rest.iter().position(|b| is_space(*b)).unwrap_or(rest.len());
        before.is_none_or(|b| is_space(*b))
            && (rest.get(..end())).is_some_and(|word| word.len() > 3 && word.ends_with(b"?="))
    }

    /// White space around it, or what a comment, phrase or string has there.
    fn stands_alone(&self, start: usize, end: usize) -> bool {
        let before = start.checked_sub(1).and_then(|n| self.value.get(n));
        let open = |b: &u8| is_space(*b) || matches!(b, b'(' | b'"');
        let closed = |b: &u8| is_space(*b) || matches!(b, b')' | b'"');
        before.is_none_or(open) && self.value.get(end).is_none_or(closed)
    }

    /// The encoded word that begins at `start`. Looks at no byte that a later call looks
    /// at again but for the name of the charset.
    fn word(&mut self, start: usize, notes: Note<'_>) -> Option<Word<'a>> {
        let inner = self.value.get(start + 2..)?;
        let window = inner.get(..=CHARSET).unwrap_or(inner);
        let mark = memchr(b'?', window)?;
        let label = inner.get(..mark)?;
        let name = label.split(|b| *b == b'*').next()?;
        if name.is_empty() || label.iter().any(|b| !b.is_ascii_graphic() || *b == b'=') {
            return None;
        }
        let base64 = match inner.get(mark + 1..mark + 3)? {
            [b'B' | b'b', b'?'] => true,
            [b'Q' | b'q', b'?'] => false,
            _ => return None,
        };
        let Some(charset) = Charset::for_label(name) else {
            notes(DefectKind::UnknownCharset, start);
            return None;
        };
        if Charset::is_odd(name) {
            notes(DefectKind::OddCharset, start);
        }
        let begin = start + 2 + mark + 3;
        let (text, end, closed) = self.end(begin, base64)?;
        if !closed {
            notes(DefectKind::EncodedWordUnclosed, start);
        }
        Some(Word {
            charset,
            base64,
            text: self.value.get(begin..text)?,
            end,
        })
    }

    /// Where the text of a word that begins at `begin` ends, and the word. Without `?=` it
    /// is one if nothing but its text follows up to the next word or the end.
    fn end(&mut self, begin: usize, base64: bool) -> Option<(usize, usize, bool)> {
        let close = self.close.find(self.value, begin);
        let text = self.value.get(begin..close.unwrap_or(self.value.len()))?;
        // `=` and `?` are not of a text: another word begins before this one ends.
        let mut marks = memmem::find_iter(text, b"=?");
        let next = marks.find(|at| text.get(at + 2).is_some_and(u8::is_ascii_alphanumeric));
        if let (Some(close), None) = (close, next) {
            return Some((close, close + 2, true));
        }
        let text = text.get(..next.unwrap_or(text.len()))?.trim_ascii_end();
        let bare = text.strip_suffix(b"?").unwrap_or(text);
        let is_text = |b: &u8| match base64 {
            true => b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='),
            false => b.is_ascii_graphic() && *b != b'?',
        };
        let is_word = !bare.is_empty() && bare.iter().all(is_text);
        is_word.then_some((begin + bare.len(), begin + text.len(), false))
    }
}

impl Close {
    /// The first `?=` at or behind `from`, which does not go back.
    fn find(&mut self, value: &[u8], from: usize) -> Option<usize> {
        if self.0.is_some_and(|at| at < from) {
            let found = memmem::find(value.get(from..).unwrap_or_default(), b"?=");
            self.0 = found.map(|n| from + n);
        }
        self.0
    }
}

fn text(bytes: &[u8], out: &mut String) {
    for line in bytes.split(|b| matches!(b, b'\r' | b'\n' | 0)) {
        out.push_str(&raw_text(line));
    }
}

impl Run {
    fn add(&mut self, word: &Word<'_>, at: usize, out: &mut String, notes: Note<'_>) {
        if self.charset != Some(word.charset) {
            self.end(out, notes);
        }
        if word.text.iter().any(|b| is_space(*b)) {
            notes(DefectKind::EncodedWordSpace, at);
        }
        let before = self.bytes.len();
        let good = match word.base64 {
            true => {
                let mut decoder = Base64::new();
                decoder.decode(word.text, &mut self.bytes);
                decoder.finish(&mut self.bytes);
                decoder.defects().is_empty()
            }
            false => q(word.text, &mut self.bytes),
        };
        if !good {
            notes(DefectKind::EncodedWordBadText, at);
        }
        let own = self.bytes.get(before..).unwrap_or_default();
        let cut = match word.charset.is_stateful() {
            true => self.open && !own.starts_with(&[ESCAPE]) && !word.charset.is_utf7(),
            false => word.charset.is_utf8() && own.first().is_some_and(|b| b & 0xc0 == 0x80),
        };
        let open = is_open(own, self.open);
        if before > 0 && cut {
            notes(DefectKind::EncodedWordSplit, at);
        } else if word.charset.is_stateful() {
            // Joined, two texts of a charset with states would have escape sequences that
            // switch nothing, which a decoder takes for an attack.
            let own = self.bytes.split_off(before);
            self.end(out, notes);
            self.bytes = own;
        }
        self.open = open;
        if self.charset.is_none() {
            (self.charset, self.at) = (Some(word.charset), at);
        }
    }

    fn end(&mut self, out: &mut String, notes: Note<'_>) {
        let Some(charset) = self.charset.take() else {
            return;
        };
        let (text, lossy) = charset.decode(&self.bytes);
        if lossy {
            notes(DefectKind::NotOfCharset, self.at);
        }
        // A word must not smuggle line ends into a line (RFC 2047 5 (3)).
        if memchr3(b'\r', b'\n', 0, text.as_bytes()).is_some() {
            notes(DefectKind::EncodedWordControl, self.at);
            out.extend(text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')));
        } else {
            out.push_str(&text);
        }
        self.bytes.clear();
        self.open = false;
    }
}

/// Whether a text in ISO-2022-JP ends in another state than that of ASCII: it goes on.
fn is_open(text: &[u8], before: bool) -> bool {
    let last = memrchr(ESCAPE, text).and_then(|at| text.get(at + 1..));
    last.map_or(before, |l| l.starts_with(b"$") || l.starts_with(b"(I"))
}

/// What switches between the states of ISO-2022-JP.
const ESCAPE: u8 = 0x1b;

/// The Q encoding (RFC 2047 4.2); `false` when something is no escape, and itself.
fn q(text: &[u8], out: &mut Vec<u8>) -> bool {
    let (mut rest, mut good) = (text, true);
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'_', _) => out.push(b' '),
            (b'\r' | b'\n', _) => {}
            (b'=', [high, low, behind @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                let (high, low) = (hex(*high).unwrap_or(0), hex(*low).unwrap_or(0));
                out.push(high << 4 | low);
                rest = behind;
            }
            (byte, _) => {
                good &= !matches!(byte, b'=' | b'?' | 0x80..);
                out.push(*byte);
            }
        }
    }
    good
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
        // A word that does not switch back to ASCII: the next goes on, a character may be
        // cut, and what switches by itself does not.
        check(
            "=?ISO-2022-JP?B?GyRCRnw=?= =?iso-2022-jp?B?S1wbKEI=?=",
            "日本",
        );
        check(
            "=?ISO-2022-JP?B?GyRCRg==?= =?ISO-2022-JP?B?fEtcGyhC?= a",
            "日本 a",
        );
        check(
            "=?ISO-2022-JP?B?GyRCRnw=?= =?ISO-2022-JP?B?GyRCS1wbKEI=?=",
            "日本",
        );
        check("=?ISO-2022-JP?B?GyRCRnw=?= =?utf-8?Q?K?=", "日K");
        check(
            "=?ISO-2022-JP?B?GyRCRnw=?= a =?ISO-2022-JP?Q?K=5C?=",
            "日 a K\\",
        );
        check("=?utf-7?Q?+Jjo?= =?utf-7?Q?Jjo-?=", "☺Jjo-");
    }

    #[test]
    fn what_is_no_word_stays() {
        for text in [
            "=?utf-8?X?a?=",
            "=?utf-8?Q?a?b",
            "=?utf-8?Q?a b",
            "=?utf-8?B?a*",
            "=?utf-8?B?",
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
    fn malformed_words_are_decoded_where_every_reader_expects_it() {
        use DefectKind::*;
        let check = |value: &str, decoded: &str, defects: &[DefectKind]| {
            let mut found = alloc::vec![];
            let mut note = |kind, at| found.push((kind, at));
            assert_eq!(
                read(value.as_bytes(), &mut Notes::new(&mut note)),
                decoded,
                "{value}"
            );
            assert!(found.iter().all(|(_, at)| *at < value.len()), "{found:?}");
            let kinds: Vec<_> = found.into_iter().map(|(kind, _)| kind).collect();
            assert_eq!(kinds, defects, "{value}");
        };
        check(
            " =?utf-8?Q?caf=C3=A9?= and =?utf-8?B?w7w=?=",
            "café and ü",
            &[],
        );
        check("=?utf-8?Q?a b?=", "a b", &[EncodedWordSpace]);
        check("=?utf-8?B?w7\r\n w=?=", "ü", &[EncodedWordSpace]);
        check("=?utf-8?Q?a\r\n b?=", "a b", &[EncodedWordSpace]);
        check(
            "=?utf-8?B?SGVsbG8",
            "Hello",
            &[EncodedWordUnclosed, EncodedWordBadText],
        );
        check("=?utf-8?B?SGVsbG8=?", "Hello", &[EncodedWordUnclosed]);
        check(
            "=?utf-8?Q?Hel =?utf-8?Q?lo?=",
            "Hello",
            &[EncodedWordUnclosed],
        );
        check(
            "=?utf-8?B?SGVsbG8=?=text",
            "Hellotext",
            &[EncodedWordAdjoined],
        );
        check(
            "text=?utf-8?B?SGVsbG8=?=",
            "textHello",
            &[EncodedWordAdjoined],
        );
        check("=?utf-8?Q?a?==?utf-8?Q?b?=", "ab", &[EncodedWordAdjoined]);
        check("=?utf-8?B?SGVsbG8?=", "Hello", &[EncodedWordBadText]);
        check("=?utf-8?Q?a=ZZ=?=", "a=ZZ=", &[EncodedWordBadText]);
        check("=?utf-8?Q?What?_is?=", "What? is", &[EncodedWordBadText]);
        check("\"=?utf-8?Q?a?=\"", "\"a\"", &[]);
        check("=?klingon?Q?a?= b", "=?klingon?Q?a?= b", &[UnknownCharset]);
        check("=?utf-8?Q?=C3?=", "\u{fffd}", &[NotOfCharset]);
        check("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü", &[EncodedWordSplit]);
        check("=?us-ascii?Q?=C3=BC?=", "ü", &[NotOfCharset]);
        check("=?utf-8?Q?a=0Ab?=", "ab", &[EncodedWordControl]);
        check("=?x-unknown?Q?a?=", "a", &[OddCharset]);
        check("=?utf-7?Q?+Jjo-?= =?utf-7?Q?+Jjo-?=", "☺☺", &[]);
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
            "=?utf-8?q?a ",
            "=?utf-8?q?=?=",
            "=?utf-8?q?a?b",
            "=?utf-8?b?=C3?= ",
        ] {
            let flood = unit.repeat(50_000);
            assert!(decode(flood.as_bytes()).len() <= flood.len());
        }
    }
}

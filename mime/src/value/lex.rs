//! The lexical level of RFC 5322 section 3.2, read leniently: white space with
//! folds, comments, quoted strings, atoms.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::note::Notes;
use crate::DefectKind;
use crate::scan::plain_quoted_length;

/// Walks over a header value.
///
/// A quote or comment that nothing ends would swallow the rest of the value. It is
/// taken for a stray character instead (RFC 7103 7.1.4, 7.1.6), and so is every
/// later one, which keeps the walk linear: the search for an end fails once.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
    no_quotes: bool,
    no_comments: bool,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Cursor {
            bytes,
            pos: 0,
            no_quotes: false,
            no_comments: false,
        }
    }

    #[inline]
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Goes back to a position that it was at.
    #[inline]
    pub(crate) fn seek(&mut self, pos: usize) {
        self.pos = pos;
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    #[inline]
    pub(crate) fn bump(&mut self) {
        self.pos = (self.pos + 1).min(self.bytes.len());
    }

    /// Takes `byte` if it is next.
    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        if is {
            self.pos += 1;
        }
        is
    }

    /// The bytes from `start` to here.
    #[inline]
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.pos).unwrap_or_default()
    }

    /// Takes bytes as long as `is` holds.
    #[inline]
    pub(crate) fn take_while(&mut self, mut is: impl FnMut(u8) -> bool) -> &'a [u8] {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        let length = rest.iter().position(|b| !is(*b)).unwrap_or(rest.len());
        self.pos += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Skips white space and line ends.
    #[inline]
    pub(crate) fn skip_space(&mut self) {
        self.take_while(is_space);
    }

    /// Skips white space and comments.
    #[inline]
    pub(crate) fn skip_cfws(&mut self) {
        if self.peek().is_some_and(|b| b > b' ' && b != b'(') {
            return;
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'(') || self.comment().is_none() {
                return;
            }
        }
    }

    /// A comment, where one begins: what is between its outer parentheses.
    pub(crate) fn comment(&mut self) -> Option<&'a [u8]> {
        if self.no_comments || self.peek() != Some(b'(') {
            return None;
        }
        let (mut depth, mut pos) = (0usize, self.pos);
        while let Some(byte) = self.bytes.get(pos) {
            match byte {
                b'\\' => pos += 1,
                b'(' => depth += 1,
                b')' if depth == 1 => {
                    let text = self.bytes.get(self.pos + 1..pos);
                    self.pos = pos + 1;
                    return text;
                }
                b')' => depth -= 1,
                _ => {}
            }
            pos += 1;
        }
        self.no_comments = true;
        None
    }

    /// [`comment`](Self::comment), with the first that nothing ends told.
    pub(crate) fn comment_noting(&mut self, notes: &mut Notes<'_>) -> Option<&'a [u8]> {
        let (known, at) = (self.no_comments, self.pos);
        let comment = self.comment();
        if self.no_comments && !known {
            notes.add(DefectKind::UnbalancedParenthesis, at);
        }
        comment
    }

    /// [`quoted`](Self::quoted), with the first that nothing ends told.
    pub(crate) fn quoted_noting(&mut self, notes: &mut Notes<'_>) -> Option<Cow<'a, [u8]>> {
        let (known, at) = (self.no_quotes, self.pos);
        let quoted = self.quoted();
        if self.no_quotes && !known {
            notes.add(DefectKind::UnbalancedQuote, at);
        }
        quoted
    }

    /// A quoted string, where one begins: its content, quotes, quoted pairs and
    /// folds removed.
    pub(crate) fn quoted(&mut self) -> Option<Cow<'a, [u8]>> {
        if self.no_quotes || self.peek() != Some(b'"') {
            return None;
        }
        let start = self.pos + 1;
        let (mut pos, mut plain) = (start, true);
        while let Some(length) = self.bytes.get(pos..).and_then(plain_quoted_length) {
            pos += length;
            match self.bytes.get(pos) {
                Some(b'"') => {
                    let text = self.bytes.get(start..pos)?;
                    self.pos = pos + 1;
                    return Some(match plain {
                        true => Cow::Borrowed(text),
                        false => Cow::Owned(unescape(text)),
                    });
                }
                Some(b'\\') => {
                    plain = false;
                    pos += 1;
                }
                Some(b'\r' | b'\n' | 0) => plain = false,
                _ => {}
            }
            pos += 1;
        }
        self.no_quotes = true;
        None
    }
}

/// Removes quoted pairs, line ends and NUL.
pub(crate) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => out.extend(bytes.next().filter(|b| !matches!(b, b'\r' | b'\n' | 0))),
            b'\r' | b'\n' | 0 => {}
            byte => out.push(*byte),
        }
    }
    out
}

#[inline]
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Whether `bytes` are `small`, which has no capitals, in any case: in one comparison, for
/// their number is known.
#[inline]
pub(crate) fn is_word<const N: usize>(bytes: &[u8], small: &[u8; N]) -> bool {
    let Ok(bytes) = <&[u8; N]>::try_from(bytes) else {
        return false;
    };
    let mut is = true;
    for n in 0..N {
        // The case of a letter is one bit.
        let case = u8::from(small[n].is_ascii_lowercase()) << 5;
        is &= bytes[n] | case == small[n];
    }
    is
}

/// For each byte whether it is one of `bytes`.
pub(crate) const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut n = 0;
    while n < bytes.len() {
        table[bytes[n] as usize] = true;
        n += 1;
    }
    table
}

/// The number that one to nine digits are.
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    let add = |n: u32, d: &u8| n * 10 + u32::from(d.wrapping_sub(b'0'));
    let fits = (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| digits.iter().fold(0, add))
}

/// `bytes` without white space in front.
#[inline(always)]
pub(crate) fn skip_space(mut bytes: &[u8]) -> &[u8] {
    while let [byte, rest @ ..] = bytes
        && is_space(*byte)
    {
        bytes = rest;
    }
    bytes
}

/// `bytes` without white space at its ends.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let Some(start) = bytes.iter().position(|b| !is_space(*b)) else {
        return &[];
    };
    let end = bytes
        .iter()
        .rposition(|b| !is_space(*b))
        .map_or(0, |n| n + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// The value on one line: line ends removed, white space at the ends too (RFC
/// 5322 2.2.3). NUL is dropped: nothing that carries a header value can carry it.
pub(crate) fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = trim(value);
    if memchr::memchr3(b'\r', b'\n', 0, value).is_none() {
        return Cow::Borrowed(value);
    }
    let kept = value.iter().filter(|b| !matches!(b, b'\r' | b'\n' | 0));
    let kept: Vec<u8> = kept.copied().collect();
    // Behind NUL there may have been white space.
    match trim(&kept) {
        all if all.len() == kept.len() => Cow::Owned(kept),
        rest => Cow::Owned(rest.to_vec()),
    }
}

/// Bytes of a header as text: UTF-8 if they are (RFC 6532). Else they were damaged on
/// their way, if most of what is above 127 is UTF-8: what is not is replaced. Else they
/// are ISO-8859-1.
pub(crate) fn raw_text(bytes: &[u8]) -> Cow<'_, str> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(damaged_text(bytes)),
    }
}

/// [`raw_text`] without NUL, which is dropped from every value.
pub(crate) fn word_text(bytes: &[u8]) -> Cow<'_, str> {
    match memchr::memchr(0, bytes) {
        None => raw_text(bytes),
        Some(_) => {
            let kept: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).collect();
            Cow::Owned(raw_text(&kept).into_owned())
        }
    }
}

#[cold]
fn damaged_text(bytes: &[u8]) -> String {
    let (mut good, mut bad) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    match good > bad {
        true => String::from_utf8_lossy(bytes).into_owned(),
        false => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_nest_and_quote() {
        let mut c = Cursor::new(br" (a (b\) c) d) x");
        c.skip_cfws();
        assert_eq!(c.peek(), Some(b'x'));
    }

    #[test]
    fn words_are_told_in_any_case() {
        assert!(is_word(b"8BiT", b"8bit") && is_word(b"X-Uue", b"x-uue"));
        let word = b"quoted-printable7";
        for n in 0..word.len() {
            for byte in 0..=255 {
                let mut other = *word;
                other[n] = byte;
                assert_eq!(is_word(&other, word), other.eq_ignore_ascii_case(word));
            }
        }
        assert!(!is_word(b"8bi", b"8bit") && !is_word(b"8bits", b"8bit"));
    }

    #[test]
    fn what_nothing_ends_is_a_stray_character() {
        let mut c = Cursor::new(b"(a \"b");
        c.skip_cfws();
        assert_eq!(c.peek(), Some(b'('));
        c.bump();
        c.take_while(|b| b != b'"');
        assert_eq!(c.quoted(), None);
        assert_eq!(c.peek(), Some(b'"'));
    }

    #[test]
    fn text_of_a_header() {
        assert_eq!(raw_text(b"gr\xc3\xbc\xc3\x9f"), "grüß");
        assert_eq!(raw_text(b"gr\xfc\xdf"), "grüß");
        assert_eq!(raw_text("\u{42e}\u{43d}\u{438}".as_bytes()), "Юни");
        assert_eq!(raw_text(b"\xd0\xae\xd0\xbd\xd0"), "Юн\u{fffd}");
    }

    #[test]
    fn quoted_strings() {
        let mut c = Cursor::new(b"\"a\\\"b\\\\\r\n c\"");
        assert_eq!(c.quoted().unwrap().as_ref(), b"a\"b\\ c");
        let mut c = Cursor::new(b"\"plain\"");
        assert!(matches!(c.quoted(), Some(Cow::Borrowed(b"plain"))));
    }
}

//! Reading tokens off a frame: one pass, never back over more than a token.

use alloc::{borrow::Cow, vec::Vec};

use memchr::{memchr, memchr2};

use super::{Literal, ParseError};

/// `ATOM-CHAR` (RFC 3501 section 9).
pub(crate) const fn is_atom_char(b: u8) -> bool {
    matches!(b, 0x21..=0x7e) && !matches!(b, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

/// `ASTRING-CHAR`: an `ATOM-CHAR` or `]`.
pub(crate) const fn is_astring_char(b: u8) -> bool {
    is_atom_char(b) || b == b']'
}

/// `list-char`: an `ASTRING-CHAR` or a wildcard.
pub(crate) const fn is_list_char(b: u8) -> bool {
    is_astring_char(b) || matches!(b, b'%' | b'*')
}

/// `word` in capitals, to be matched on; empty if it is longer than any keyword.
pub(crate) fn capitals<'b>(word: &str, buffer: &'b mut [u8; 16]) -> &'b str {
    match buffer.get_mut(..word.len()) {
        Some(start) => {
            start.copy_from_slice(word.as_bytes());
            start.make_ascii_uppercase();
            core::str::from_utf8(start).unwrap_or_default()
        }
        None => "",
    }
}

/// A place in a frame: a line with its literals inline (`{3}CRLFabc`), bounded by
/// whoever framed it.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Cursor { input, at: 0 }
    }

    /// Bytes read so far.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.input.len()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// Moves on by `n` bytes, at most to the end.
    pub(crate) fn advance(&mut self, n: usize) {
        self.at = self.at.saturating_add(n).min(self.input.len());
    }

    /// An error at this place.
    pub(crate) const fn error(&self, what: &'static str, rule: &'static str) -> ParseError {
        ParseError {
            what,
            offset: self.at,
            rule,
        }
    }

    /// Takes the byte `b` if it is next.
    pub(crate) fn eat(&mut self, b: u8) -> bool {
        let there = self.peek() == Some(b);
        if there {
            self.at += 1;
        }
        there
    }

    /// Takes `word` if it is next, in any case. What follows is not looked at.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let there = (self.rest().get(..word.len()))
            .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
        if there {
            self.at += word.len();
        }
        there
    }

    /// The byte `b` must be next.
    pub(crate) fn expect(
        &mut self,
        b: u8,
        what: &'static str,
        rule: &'static str,
    ) -> Result<(), ParseError> {
        if self.eat(b) {
            Ok(())
        } else {
            Err(self.error(what, rule))
        }
    }

    /// One space must be next.
    pub(crate) fn space(&mut self) -> Result<(), ParseError> {
        self.expect(b' ', "expected a space", "RFC 3501 9 SP")
    }

    /// Takes bytes as long as `wanted` says so; maybe none.
    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let n = rest.iter().position(|&b| !wanted(b)).unwrap_or(rest.len());
        self.at += n;
        rest.get(..n).unwrap_or_default()
    }

    /// As [`take_while`](Self::take_while), as text: `wanted` must take ASCII only.
    pub(crate) fn ascii_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let taken = self.take_while(|b| b.is_ascii() && wanted(b));
        core::str::from_utf8(taken).unwrap_or_default()
    }

    /// `atom`: one or more `ATOM-CHAR`.
    pub(crate) fn atom(&mut self) -> Result<&'a str, ParseError> {
        match self.ascii_while(is_atom_char) {
            "" => Err(self.error("expected an atom", "RFC 3501 9 atom")),
            atom => Ok(atom),
        }
    }

    /// `number`: 32 bits.
    pub(crate) fn number(&mut self) -> Result<u32, ParseError> {
        let at = self.clone();
        u32::try_from(self.number64()?)
            .map_err(|_| at.error("a number past 32 bits", "RFC 3501 9 number"))
    }

    /// `nz-number`: 32 bits and not zero.
    pub(crate) fn nz_number(&mut self) -> Result<core::num::NonZeroU32, ParseError> {
        let at = self.clone();
        core::num::NonZeroU32::new(self.number()?)
            .ok_or_else(|| at.error("expected a number that is not 0", "RFC 3501 9 nz-number"))
    }

    /// `number64` (RFC 9051 section 9): 63 bits.
    pub(crate) fn number64(&mut self) -> Result<u64, ParseError> {
        let at = self.clone();
        let digits = self.take_while(|b| b.is_ascii_digit());
        if digits.is_empty() {
            return Err(at.error("expected a number", "RFC 3501 9 number"));
        }
        let value = digits.iter().try_fold(0u64, |n, d| {
            n.checked_mul(10)?.checked_add(u64::from(d - b'0'))
        });
        match value {
            Some(n) if i64::try_from(n).is_ok() => Ok(n),
            _ => Err(at.error("a number past 63 bits", "RFC 9051 9 number64")),
        }
    }

    /// `string`: quoted or a literal (also `literal8`), content as it is. A quoted
    /// string may hold any byte but NUL, CR, LF, as real peers send UTF-8 there; it
    /// is copied only if it holds a backslash.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{' | b'~') => self.literal().map(Cow::Borrowed),
            _ => Err(self.error("expected a quoted string or a literal", "RFC 3501 9 string")),
        }
    }

    /// `nstring`: a `string` or `NIL`.
    pub(crate) fn nstring(&mut self) -> Result<Option<Cow<'a, [u8]>>, ParseError> {
        if self.eat_word("NIL") {
            Ok(None)
        } else {
            self.string().map(Some)
        }
    }

    /// `astring`: a `string`, or one or more `ASTRING-CHAR`.
    pub(crate) fn astring(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        self.string_or(is_astring_char)
    }

    /// `list-mailbox`: a `string`, or one or more `list-char`.
    pub(crate) fn list_mailbox(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        self.string_or(is_list_char)
    }

    fn string_or(&mut self, wanted: impl Fn(u8) -> bool) -> Result<Cow<'a, [u8]>, ParseError> {
        // A `~` starts an atom as well as a literal8.
        if self.peek() == Some(b'"')
            || self.rest().starts_with(b"{")
            || self.rest().starts_with(b"~{")
        {
            return self.string();
        }
        match self.take_while(wanted) {
            [] => Err(self.error("expected an atom or a string", "RFC 3501 9 astring")),
            atom => Ok(Cow::Borrowed(atom)),
        }
    }

    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        const RULE: &str = "RFC 3501 9 quoted";
        self.expect(b'"', "expected a quoted string", RULE)?;
        let mut copy: Option<Vec<u8>> = None;
        loop {
            let rest = self.rest();
            let Some(n) = memchr2(b'"', b'\\', rest) else {
                return Err(self.error("a quoted string without its end", RULE));
            };
            let run = rest.get(..n).unwrap_or_default();
            if let Some(bad) = run.iter().position(|b| matches!(b, 0 | b'\r' | b'\n')) {
                self.at += bad;
                return Err(self.error("NUL, CR or LF in a quoted string", RULE));
            }
            self.at += n;
            if self.eat(b'"') {
                return Ok(match copy {
                    None => Cow::Borrowed(run),
                    Some(mut copy) => {
                        copy.extend_from_slice(run);
                        Cow::Owned(copy)
                    }
                });
            }
            self.at += 1;
            let escaped = match self.peek() {
                Some(b) if !matches!(b, 0 | b'\r' | b'\n') => b,
                _ => return Err(self.error("a backslash escapes nothing", RULE)),
            };
            self.at += 1;
            let copy = copy.get_or_insert_with(Vec::new);
            copy.extend_from_slice(run);
            copy.push(escaped);
        }
    }

    /// A literal with its content inline.
    pub(crate) fn literal(&mut self) -> Result<&'a [u8], ParseError> {
        const RULE: &str = "RFC 3501 9 literal";
        let line = memchr(b'\n', self.rest()).unwrap_or(self.rest().len());
        let header = self.rest().get(..line).unwrap_or_default();
        let Some(header) = header.strip_suffix(b"\r") else {
            return Err(self.error("a literal without a line end behind its size", RULE));
        };
        match Literal::parse(header) {
            Ok(literal) => {
                let start = self.at + line + 1;
                let content = usize::try_from(literal.size())
                    .ok()
                    .and_then(|size| self.input.get(start..start.checked_add(size)?))
                    .ok_or_else(|| self.error("a literal shorter than announced", RULE))?;
                self.at = start + content.len();
                Ok(content)
            }
            Err(what) => Err(self.error(what, RULE)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_in_each_form() {
        let mut c = Cursor::new(b"\"a\\\"b\\\\\" {3}\r\nx\r\n ~{2+}\r\n\0y abc] NIL \"\"");
        assert_eq!(c.string().unwrap(), &b"a\"b\\"[..]);
        c.space().unwrap();
        assert_eq!(c.astring().unwrap(), &b"x\r\n"[..]);
        c.space().unwrap();
        assert_eq!(c.astring().unwrap(), &b"\0y"[..]);
        c.space().unwrap();
        assert_eq!(c.astring().unwrap(), &b"abc]"[..]);
        c.space().unwrap();
        assert_eq!(c.nstring().unwrap(), None);
        c.space().unwrap();
        assert!(matches!(c.nstring().unwrap(), Some(Cow::Borrowed(b""))));
        assert!(c.is_done());
    }

    #[test]
    fn what_is_no_string() {
        for bad in [
            &b"\"abc"[..],
            b"\"a\\",
            b"\"a\r\n\"",
            b"\"a\0\"",
            b"{3}",
            b"{3}\r\nab",
            b"{3}\nabc",
            b"{}\r\n",
            b"{-1}\r\n",
            b"{99999999999999999999}\r\n",
            b"{3 }\r\nabc",
            b"",
            b"(",
        ] {
            let mut c = Cursor::new(bad);
            assert!(c.astring().is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn numbers_have_their_bounds() {
        assert_eq!(Cursor::new(b"4294967295").number(), Ok(u32::MAX));
        assert!(Cursor::new(b"4294967296").number().is_err());
        assert_eq!(
            Cursor::new(b"9223372036854775807").number64(),
            Ok(i64::MAX as u64)
        );
        assert!(Cursor::new(b"9223372036854775808").number64().is_err());
        assert!(Cursor::new(b"99999999999999999999999").number64().is_err());
        assert!(Cursor::new(b"0").nz_number().is_err());
        assert!(Cursor::new(b"x").number().is_err());
    }
}

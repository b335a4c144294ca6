//! The lexer: one pass over a whole response, no backtracking over unbounded
//! input, no recursion.
//!
//! A method that gives `None` met something else than it looked for. Where real
//! servers differ from the grammar of RFC 3501 section 9 the lexer is the lenient
//! one: several spaces for one, an atom where a string belongs.

use bytes::Bytes;
use memchr::memchr2;

use crate::types;

/// A response of up to so many bytes is copied once and its strings share that
/// copy; in a longer one each short string is a copy of its own, so that a kept
/// string never keeps more than this alive.
const SHARED_FRAME: usize = 4096;
/// A string from this size on shares the copy of its response, however long.
const SHARED_STRING: usize = 2048;

/// A position in a response, whose literals lie in it where they came.
pub(crate) struct Cursor<'a> {
    frame: &'a [u8],
    at: usize,
    /// The copy of `frame` that strings share, made when the first is taken.
    shared: Option<Bytes>,
    nesting: u8,
}

/// What stood where a value belongs.
pub(crate) enum Token {
    /// A string, or an atom in its place.
    String(Bytes),
    Nil,
    /// A literal of this size was announced and the frame ends there: its bytes
    /// go another way.
    Streamed(u64),
    /// `(`, which was not taken.
    List,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(frame: &'a [u8], nesting: u8) -> Self {
        Cursor {
            frame,
            at: 0,
            shared: None,
            nesting,
        }
    }

    /// Reads a type that strict and lenient parsing agree on.
    pub(crate) fn strict<T>(
        &mut self,
        parse: impl FnOnce(&mut types::Cursor<'a>) -> Result<T, types::ParseError>,
    ) -> Option<T> {
        let mut strict = types::Cursor::new(self.rest());
        let value = parse(&mut strict).ok()?;
        self.at += strict.offset();
        Some(value)
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rewind(&mut self, at: usize) {
        self.at = at.min(self.frame.len());
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.frame.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.frame.len()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.frame.get(self.at).copied()
    }

    pub(crate) fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Any number of spaces, none included.
    pub(crate) fn spaces(&mut self) {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
    }

    /// One space or more.
    pub(crate) fn sp(&mut self) -> Option<()> {
        self.eat(b' ')?;
        self.spaces();
        Some(())
    }

    /// The bytes for as long as `is` holds, at least one.
    pub(crate) fn run(&mut self, is: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        let rest = self.rest();
        let n = rest.iter().position(|&b| !is(b)).unwrap_or(rest.len());
        self.at += n;
        (n > 0).then(|| &rest[..n])
    }

    /// The name of a response or of a data item: it ends where something else begins.
    pub(crate) fn word(&mut self) -> Option<&'a [u8]> {
        self.run(|b| {
            !matches!(
                b,
                b' ' | b'(' | b')' | b'[' | b']' | b'"' | b'{' | b'\r' | b'\n'
            )
        })
    }

    /// `atom`, with the `]` that `ASTRING-CHAR` allows, and with 8-bit bytes and `%`,
    /// `*`, `\` as some servers send them.
    pub(crate) fn atom(&mut self) -> Option<&'a [u8]> {
        self.run(|b| !matches!(b, b' ' | b'(' | b')' | b'"' | b'{' | 0..=0x1f | 0x7f))
    }

    /// `number`, of up to 64 bits.
    pub(crate) fn number64(&mut self) -> Option<u64> {
        let mut value: u64 = 0;
        let start = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?;
            self.at += 1;
        }
        (self.at > start).then_some(value)
    }

    /// `number`.
    pub(crate) fn number(&mut self) -> Option<u32> {
        u32::try_from(self.number64()?).ok()
    }

    /// `nz-number`.
    pub(crate) fn nz_number(&mut self) -> Option<core::num::NonZeroU32> {
        core::num::NonZeroU32::new(self.number()?)
    }

    /// `quoted`: its content between the quotes and whether it has escapes.
    fn quoted(&mut self) -> Option<(usize, usize, bool)> {
        self.eat(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let found = memchr2(b'"', b'\\', self.rest())?;
            self.at += found;
            if self.peek() == Some(b'"') {
                self.at += 1;
                return Some((start, self.at - 1, escaped));
            }
            escaped = true;
            // The backslash and what it escapes.
            self.at += 2;
            if self.at > self.frame.len() {
                return None;
            }
        }
    }

    /// `{n}` CRLF, or `~{n}` CRLF: the size. The cursor is then at the literal's
    /// first byte.
    fn announcement(&mut self) -> Option<u64> {
        if self.peek() == Some(b'~') {
            self.at += 1;
        }
        self.eat(b'{')?;
        let size = self.number64()?;
        self.eat(b'}')?;
        self.eat(b'\r')?;
        self.eat(b'\n')?;
        Some(size)
    }

    /// `string`, `nil`, an atom in place of a string, or the start of a list.
    pub(crate) fn token(&mut self) -> Option<Token> {
        match self.peek()? {
            b'"' => {
                let (start, end, escaped) = self.quoted()?;
                Some(Token::String(if escaped {
                    unescape(&self.frame[start..end])
                } else {
                    self.share(start, end)
                }))
            }
            b'{' | b'~' => {
                let size = self.announcement()?;
                if self.is_done() && size > 0 {
                    return Some(Token::Streamed(size));
                }
                let start = self.at;
                let end = start.checked_add(usize::try_from(size).ok()?)?;
                if end > self.frame.len() {
                    return None;
                }
                self.at = end;
                Some(Token::String(self.share(start, end)))
            }
            b'(' => Some(Token::List),
            _ => {
                let start = self.at;
                let atom = self.atom()?;
                if atom.eq_ignore_ascii_case(b"NIL") {
                    return Some(Token::Nil);
                }
                Some(Token::String(self.share(start, self.at)))
            }
        }
    }

    /// `nstring`.
    pub(crate) fn nstring(&mut self) -> Option<Option<Bytes>> {
        match self.token()? {
            Token::String(bytes) => Some(Some(bytes)),
            Token::Nil => Some(None),
            Token::Streamed(_) | Token::List => None,
        }
    }

    /// `string`, where `NIL` stands for an empty one: some servers send it for
    /// what they do not know.
    pub(crate) fn string(&mut self) -> Option<Bytes> {
        Some(self.nstring()?.unwrap_or_default())
    }

    /// `astring`: here `NIL` is a name like any other.
    pub(crate) fn astring(&mut self) -> Option<Bytes> {
        let start = self.at;
        match self.token()? {
            Token::String(bytes) => Some(bytes),
            Token::Nil => Some(self.share(start, self.at)),
            Token::Streamed(_) | Token::List => None,
        }
    }

    /// Takes `(`, then `item` for each element, then `)`. `item` starts at an
    /// element's first byte; spaces around elements are optional.
    pub(crate) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.eat(b'(')?;
        loop {
            self.spaces();
            if self.eat(b')').is_some() {
                return Some(());
            }
            let before = self.at;
            item(self)?;
            if self.at == before {
                return None;
            }
        }
    }

    /// Runs `inner` one level deeper, if that is still allowed.
    pub(crate) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.nesting = self.nesting.checked_sub(1)?;
        let result = inner(self);
        self.nesting += 1;
        result
    }

    /// Steps over one value of whatever form: a list, a string, or what stands
    /// there up to a space or a closing parenthesis. Cost: one pass.
    pub(crate) fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0usize;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'(') => {
                    self.at += 1;
                    depth += 1;
                    continue;
                }
                Some(b')') if depth > 0 => {
                    self.at += 1;
                    depth -= 1;
                }
                Some(b' ') if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(b'"') => {
                    self.quoted()?;
                }
                Some(b'{') => self.skip_literal()?,
                Some(b')' | b' ' | b'\r' | b'\n') | None => {
                    return (self.at > start && depth == 0).then_some(());
                }
                // Anything else is part of an atom.
                Some(_) => {
                    self.at += 1;
                    while self.peek().is_some_and(|b| {
                        !matches!(b, b' ' | b'(' | b')' | b'"' | b'{' | b'\r' | b'\n')
                    }) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 && !matches!(self.peek(), Some(b'"' | b'{' | b'(')) {
                return Some(());
            }
        }
    }

    /// Steps over what stands in brackets, from behind `[` to behind `]`.
    pub(crate) fn skip_brackets(&mut self) -> Option<()> {
        loop {
            match self.peek()? {
                b']' => {
                    self.at += 1;
                    return Some(());
                }
                b'"' => {
                    self.quoted()?;
                }
                b'{' => self.skip_literal()?,
                b'\r' | b'\n' => return None,
                _ => self.at += 1,
            }
        }
    }

    fn skip_literal(&mut self) -> Option<()> {
        let size = self.announcement()?;
        let end = self.at.checked_add(usize::try_from(size).ok()?)?;
        (end <= self.frame.len()).then(|| self.at = end)
    }

    /// A value ends here: with a space, a closing parenthesis or the frame.
    pub(crate) fn ends_value(&self) -> bool {
        self.is_done() || matches!(self.peek(), Some(b' ' | b')'))
    }

    /// What was read since `start`.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.frame.get(start..self.at).unwrap_or_default()
    }

    /// The bytes between two positions, shared or copied as their size asks for.
    pub(crate) fn share(&mut self, start: usize, end: usize) -> Bytes {
        let Some(bytes) = self.frame.get(start..end) else {
            return Bytes::new();
        };
        if bytes.is_empty() {
            return Bytes::new();
        }
        if self.frame.len() > SHARED_FRAME && bytes.len() < SHARED_STRING {
            return Bytes::copy_from_slice(bytes);
        }
        let frame = self.frame;
        self.shared
            .get_or_insert_with(|| Bytes::copy_from_slice(frame))
            .slice(start..end)
    }
}

/// The content of a quoted string that has escapes, without them.
fn unescape(content: &[u8]) -> Bytes {
    let mut out = alloc::vec::Vec::with_capacity(content.len());
    let mut bytes = content.iter().copied();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' => out.extend(bytes.next()),
            b => out.push(b),
        }
    }
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(frame: &[u8]) -> Option<Option<Bytes>> {
        Cursor::new(frame, 4).nstring()
    }

    #[test]
    fn strings_in_every_form() {
        let some = |s: &'static str| Some(Some(Bytes::from_static(s.as_bytes())));
        assert_eq!(string(b"\"a b\" "), some("a b"));
        assert_eq!(string(br#""a\"\\b""#), some(r#"a"\b"#));
        assert_eq!(string(b"{3}\r\na\r\n "), some("a\r\n"));
        assert_eq!(string(b"~{3}\r\na\r\n "), some("a\r\n"));
        assert_eq!(string(b"{0}\r\n "), some(""));
        assert_eq!(string(b"nil)"), Some(None));
        assert_eq!(string(b"atom)"), some("atom"));
        for broken in [
            &b"\"a"[..],
            b"\"a\\",
            b"\"a\\\"",
            b"{4}\r\nabc",
            b"{99999999999999999999}\r\n",
            b"{}\r\n",
            b"",
            b")",
        ] {
            assert_eq!(string(broken), None, "{}", broken.escape_ascii());
        }
    }

    #[test]
    fn short_strings_of_a_long_response_are_copies() {
        let mut frame = b"\"short\" \"".to_vec();
        frame.extend_from_slice(&[b'x'; 5000]);
        frame.push(b'"');
        let mut cursor = Cursor::new(&frame, 4);
        let short = cursor.string().unwrap();
        cursor.sp().unwrap();
        let long = cursor.string().unwrap();
        assert_eq!((short.len(), long.len()), (5, 5000));
        assert!(
            cursor
                .shared
                .is_some_and(|s| !s.as_ptr_range().contains(&short.as_ptr()))
        );
    }

    #[test]
    fn any_value_can_be_stepped_over() {
        for (value, len) in [
            ("(a (b \"c)\") {2}\r\n)) d) e", 22),
            ("atom x", 4),
            ("BODY[HEADER] x", 12),
            ("\"q\\\"\" x", 5),
            ("{3}\r\n) (x", 8),
            ("NIL)", 3),
            ("() x", 2),
        ] {
            let mut cursor = Cursor::new(value.as_bytes(), 4);
            assert_eq!(cursor.skip_value(), Some(()), "{value}");
            assert_eq!(cursor.at(), len, "{value}");
        }
        for broken in ["(a", "((a)", ")", " ", "", "(\"", "({5}\r\nab)"] {
            assert_eq!(
                Cursor::new(broken.as_bytes(), 4).skip_value(),
                None,
                "{broken}"
            );
        }
        // Not a question of the stack.
        let deep = "(".repeat(1_000_000);
        assert_eq!(Cursor::new(deep.as_bytes(), 4).skip_value(), None);
    }
}

//! Strings on their way out: as an atom, quoted, or as a literal, whichever is
//! the shortest that is safe. Nothing written here can end a line early.

use alloc::vec::Vec;

use memchr::memchr;

use super::{Literal, NonSync, cursor::is_astring_char};

/// The longest string written quoted, in bytes: some peers read a quoted string
/// into a fixed buffer.
const QUOTED_MAX: usize = 1000;

/// Whether `text` can be written between quotes: `QUOTED-CHAR` is 7-bit without
/// NUL, CR, LF (RFC 3501 section 9).
fn is_quotable(text: &[u8]) -> bool {
    text.len() <= QUOTED_MAX
        && (text.iter()).all(|&b| b.is_ascii() && !matches!(b, 0 | b'\r' | b'\n'))
}

/// Whether `text` can be written bare where an `astring` is asked for. `NIL` can
/// not: it may be read as nothing.
fn is_bare(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|&b| is_astring_char(b))
        && !text.eq_ignore_ascii_case(b"NIL")
}

fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    for &b in text {
        if matches!(b, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
}

/// A literal's content. NUL cannot travel in one (`CHAR8`, RFC 3501 section 9): it
/// becomes 0x80, which keeps the size.
pub(crate) fn content(out: &mut Vec<u8>, text: &[u8]) {
    let start = out.len();
    out.extend_from_slice(text);
    if memchr(0, text).is_some() {
        for b in out.iter_mut().skip(start).filter(|b| **b == 0) {
            *b = 0x80;
        }
    }
}

fn announce(out: &mut Vec<u8>, literal: Literal) {
    use core::fmt::Write;
    struct Ascii<'a>(&'a mut Vec<u8>);
    impl Write for Ascii<'_> {
        fn write_str(&mut self, s: &str) -> core::fmt::Result {
            self.0.extend_from_slice(s.as_bytes());
            Ok(())
        }
    }
    // Writing to a Vec does not fail.
    let _ = write!(Ascii(out), "{literal}\r\n");
}

/// A server's `string`: quoted if that is safe, else a literal. A NUL in it becomes
/// 0x80, as it cannot travel (RFC 3501 section 9 `CHAR8`).
pub fn string(out: &mut Vec<u8>, text: &[u8]) {
    if is_quotable(text) {
        quoted(out, text);
    } else {
        announce(out, Literal::sync(text.len() as u64));
        content(out, text);
    }
}

/// A server's `nstring`.
pub fn nstring(out: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// A server's `astring`: bare if it can be, else as [`string`].
pub fn astring(out: &mut Vec<u8>, text: &[u8]) {
    if is_bare(text) {
        out.extend_from_slice(text);
    } else {
        string(out, text);
    }
}

/// A client's command on its way out: bytes, and the borders at which the client
/// has to wait for the server's `+` before it goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    bytes: Vec<u8>,
    borders: Vec<usize>,
    support: NonSync,
}

impl Pieces {
    /// Nothing yet, for a server with `support`.
    #[must_use]
    pub const fn new(support: NonSync) -> Self {
        Pieces {
            bytes: Vec::new(),
            borders: Vec::new(),
            support,
        }
    }

    /// All of the bytes, without regard to the borders.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where to wait: after so many bytes, in ascending order. A border at the very
    /// end means that a streamed literal follows.
    #[must_use]
    pub fn borders(&self) -> &[usize] {
        &self.borders
    }

    /// The bytes up to each border, in order; the last piece may be empty.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.borders.iter().copied());
        let ends = self
            .borders
            .iter()
            .copied()
            .chain(core::iter::once(self.bytes.len()));
        starts
            .zip(ends)
            .map(|(from, to)| self.bytes.get(from..to).unwrap_or_default())
    }

    /// The bytes and the borders.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, Vec<usize>) {
        (self.bytes, self.borders)
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn display(&mut self, value: impl core::fmt::Display) {
        use core::fmt::Write;
        // Writing to a Vec does not fail.
        let _ = write!(self, "{value}");
    }

    pub(crate) fn string(&mut self, text: &[u8]) {
        if is_quotable(text) {
            quoted(&mut self.bytes, text);
        } else {
            self.announce(text.len() as u64);
            content(&mut self.bytes, text);
        }
    }

    pub(crate) fn astring(&mut self, text: &[u8]) {
        if is_bare(text) {
            self.raw(text);
        } else {
            self.string(text);
        }
    }

    /// `{n}CRLF` with its border, or `{n+}CRLF`.
    pub(crate) fn announce(&mut self, size: u64) {
        let literal = Literal::for_client(size, self.support);
        announce(&mut self.bytes, literal);
        if literal.is_sync() {
            self.borders.push(self.bytes.len());
        }
    }
}

impl core::fmt::Write for Pieces {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        self.bytes.extend_from_slice(s.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::cursor::Cursor;
    use proptest::prelude::*;

    fn written(write: fn(&mut Vec<u8>, &[u8]), text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, text);
        out
    }

    #[test]
    fn the_shortest_safe_form() {
        assert_eq!(written(astring, b"abc"), b"abc");
        assert_eq!(written(astring, b""), b"\"\"");
        assert_eq!(written(astring, b"nil"), b"\"nil\"");
        assert_eq!(written(astring, b"a b"), b"\"a b\"");
        assert_eq!(written(string, b"abc"), b"\"abc\"");
        assert_eq!(written(string, "ü".as_bytes()), b"{2}\r\n\xc3\xbc");
    }

    #[test]
    fn is09_no_string_can_inject_a_response() {
        assert_eq!(written(string, b"a\"b\\c"), b"\"a\\\"b\\\\c\"");
        assert_eq!(written(string, b"x\r\n* BYE"), b"{8}\r\nx\r\n* BYE");
        assert_eq!(written(string, b"a\0b"), b"{3}\r\na\x80b");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn what_is_written_reads_back(text in prop::collection::vec(1u8.., 0..40)) {
            for out in [written(string, &text), written(astring, &text)] {
                let mut cursor = Cursor::new(&out);
                prop_assert_eq!(cursor.astring().unwrap(), &text[..]);
                prop_assert!(cursor.is_done());
            }
        }

        #[test]
        fn pieces_border_where_one_waits(text in prop::collection::vec(1u8.., 0..40)) {
            let mut waits = Pieces::new(NonSync::Never);
            let mut runs = Pieces::new(NonSync::Plus);
            waits.string(&text);
            runs.string(&text);
            prop_assert!(runs.borders().is_empty());
            let joined: Vec<u8> = waits.iter().flatten().copied().collect();
            prop_assert_eq!(&joined[..], waits.bytes());
            prop_assert_eq!(waits.borders().is_empty(), is_quotable(&text));
            for pieces in [waits, runs] {
                prop_assert_eq!(Cursor::new(pieces.bytes()).string().unwrap(), &text[..]);
            }
        }
    }
}

//! Reading replies as they arrive.

use alloc::{borrow::Cow, vec::Vec};
use core::mem;

use bytes::{Buf, BytesMut};
use memchr::memchr3;
use scop_core::{Fault, LimitExceeded, Violation};

use super::{Code, EnhancedCode, Reply};
use crate::vectors::find;

/// How much of a reply is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Lines in one reply.
    pub lines: usize,
    /// Bytes in one line, CRLF included.
    pub line: usize,
}

impl Default for ReplyLimits {
    /// 100 lines of 2048 bytes.
    fn default() -> Self {
        ReplyLimits {
            lines: 100,
            line: 2048,
        }
    }
}

/// One line of a reply, borrowed: the codec layer, for use on its own.
///
/// ```
/// use scop_smtp_proto::ReplyLine;
///
/// let line = ReplyLine::parse(b"250-SIZE 1000")?;
/// assert_eq!((line.code.get(), line.last, line.text), (250, false, &b"SIZE 1000"[..]));
/// # Ok::<(), scop_core::Violation>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLine<'a> {
    /// The code.
    pub code: Code,
    /// No line follows: a space behind the code, or nothing, not a hyphen.
    pub last: bool,
    /// The text, enhanced code included.
    pub text: &'a [u8],
}

impl<'a> ReplyLine<'a> {
    /// Reads a line without its CRLF.
    ///
    /// # Errors
    ///
    /// [`Violation`], with the offset counted in the line: no code, a bare CR or LF,
    /// a NUL.
    pub fn parse(line: &'a [u8]) -> Result<Self, Violation> {
        if let Some(at) = memchr3(b'\r', b'\n', 0, line) {
            return Err(bad(stray(line.get(at)), at));
        }
        Self::split(line)
    }

    /// Reads a line that was seen to hold no CR, LF or NUL.
    #[inline]
    fn split(line: &'a [u8]) -> Result<Self, Violation> {
        let Some((digits, rest)) = line.split_first_chunk::<3>() else {
            return Err(bad("a reply line without a code", 0));
        };
        let Some(code) = Code::read(*digits) else {
            return Err(bad("a reply line without a code", 0));
        };
        let (last, text) = match rest {
            [] => (true, rest),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(bad("neither space nor hyphen behind a reply code", 3)),
        };
        Ok(ReplyLine { code, last, text })
    }
}

#[cold]
fn bad(what: &'static str, at: usize) -> Violation {
    Violation {
        what,
        offset: at as u64,
        rule: "RFC 5321 4.2",
    }
}

fn stray(byte: Option<&u8>) -> &'static str {
    match byte {
        Some(b'\r') => "a bare CR in a reply",
        Some(b'\n') => "a bare LF in a reply",
        _ => "a NUL in a reply",
    }
}

/// Reads replies out of a stream, in whatever pieces it comes.
///
/// Each complete line is taken off at once and each byte is looked at once; what is
/// kept of an unfinished reply is within [`ReplyLimits`].
///
/// ```
/// use bytes::BytesMut;
/// use scop_smtp_proto::ReplyParser;
///
/// let mut parser = ReplyParser::default();
/// let mut input = BytesMut::from("250-one\r\n250 tw");
/// assert_eq!(parser.read(&mut input)?, None);
/// input.extend_from_slice(b"o\r\n354 next");
/// let reply = parser.read(&mut input)?.unwrap();
/// assert_eq!(reply.lines().collect::<Vec<_>>(), [b"one", b"two"]);
/// assert_eq!(input, "354 next");
/// # Ok::<(), scop_core::Fault>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReplyParser {
    limits: ReplyLimits,
    plain: bool,
    /// Bytes at the front of the input that were looked at and hold no line end.
    scanned: usize,
    /// Bytes taken before the line that is looked at.
    offset: u64,
    open: Option<Open>,
}

/// A reply of which lines are missing.
#[derive(Clone, Debug)]
struct Open {
    code: Code,
    enhanced: Option<EnhancedCode>,
    text: Vec<u8>,
    lines: usize,
}

impl Open {
    fn push(&mut self, line: &[u8]) {
        self.text.push(b'\n');
        self.text.extend_from_slice(line);
        self.lines += 1;
    }
}

/// A line of a reply that is taken.
#[derive(Clone, Copy)]
pub(crate) struct Taken<'a> {
    /// What begins with its text; more may follow.
    pub(crate) from: &'a [u8],
    /// How long that is.
    pub(crate) length: usize,
    /// Where it is put among the lines.
    pub(crate) at: usize,
}

impl<'a> Taken<'a> {
    #[inline]
    pub(crate) fn text(self) -> &'a [u8] {
        self.from.get(..self.length).unwrap_or_default()
    }
}

impl ReplyParser {
    /// A parser at the start of a stream.
    #[must_use]
    pub fn new(limits: ReplyLimits) -> Self {
        ReplyParser {
            limits,
            ..Self::default()
        }
    }

    /// Whether replies from here on are *not* looked at for enhanced codes: those to
    /// EHLO and HELO and the greeting have none (RFC 2034 section 3).
    pub fn set_plain(&mut self, plain: bool) {
        self.plain = plain;
    }

    /// Part of a reply was taken and the rest is to come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Bytes taken from the stream so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the next reply off `input`; `None` while it is not whole.
    ///
    /// # Errors
    ///
    /// As [`feed`](Self::feed).
    pub fn read(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, Fault> {
        let (taken, reply) = self.feed(input)?;
        input.advance(taken);
        Ok(reply)
    }

    /// Reads on in `input`: how many bytes it took (drop them before the next call)
    /// and the reply that they completed. `input` starts with all that earlier calls
    /// saw but did not take.
    ///
    /// # Errors
    ///
    /// [`Fault::Violation`] for what [`ReplyLine::parse`] refuses, a bare LF as line
    /// end, or lines of one reply with different codes; [`Fault::Limit`] for too
    /// long a line or too many. The stream is then of no more use.
    pub fn feed(&mut self, input: &[u8]) -> Result<(usize, Option<Reply>), Fault> {
        self.feed_telling(input, |_| {})
    }

    /// [`feed`](Self::feed), telling of each line but the first.
    #[inline]
    fn feed_telling(
        &mut self,
        input: &[u8],
        mut tell: impl FnMut(Taken<'_>),
    ) -> Result<(usize, Option<Reply>), Fault> {
        let mut taken = 0;
        loop {
            taken += self.between(input.get(taken..).unwrap_or_default(), &mut tell);
            let rest = input.get(taken..).unwrap_or_default();
            let Some(end) = self.line_end(rest)? else {
                return Ok((taken, None));
            };
            let content = rest.get(..end).unwrap_or_default();
            let line = ReplyLine::split(content).map_err(|v| Violation {
                offset: self.offset + v.offset,
                ..v
            })?;
            let reply = self.line(line, rest.len(), &mut tell)?;
            let len = end + 2;
            self.offset += len as u64;
            taken += len;
            if reply.is_some() {
                return Ok((taken, reply));
            }
        }
    }

    /// Takes lines of a reply without enhanced codes that are neither its first nor its last:
    /// most of EHLO's. What is not to the letter, or not there, it leaves to the rest of us.
    #[inline]
    fn between(&mut self, input: &[u8], tell: &mut impl FnMut(Taken<'_>)) -> usize {
        let Some(open) = (self.open.as_mut()).filter(|o| o.enhanced.is_none()) else {
            return 0;
        };
        let [a, b, c] = open.code.digits();
        let (start, mut taken) = ([a, b, c, b'-'], 0);
        // Of a line that was looked at before, it does not look at the beginning again.
        while self.scanned == 0
            && open.lines < self.limits.lines
            && let Some(rest) = input.get(taken..)
            && let Some((found, text)) = rest.split_first_chunk()
            && *found == start
            && let Some(end) = find(text, *b"\r\n\0")
            && let Some([b'\r', b'\n', ..]) = text.get(end..)
            && start.len() + end + 2 <= self.limits.line
        {
            let line = Taken {
                from: text,
                length: end,
                at: open.text.len() + 1,
            };
            tell(line);
            open.push(line.text());
            taken += start.len() + end + 2;
        }
        self.offset += taken as u64;
        taken
    }

    /// Where the CRLF of the first line of `rest` is. One pass finds it and what may
    /// not stand before it.
    #[inline]
    fn line_end(&mut self, rest: &[u8]) -> Result<Option<usize>, Fault> {
        let limit = self.limits.line;
        let seen = self.scanned.min(rest.len());
        let new = rest.get(seen..rest.len().min(limit)).unwrap_or_default();
        let found = find(new, *b"\r\n\0").map(|at| seen + at);
        let end = found.unwrap_or(rest.len());
        match (found.and_then(|at| rest.get(at)), rest.get(end + 1)) {
            _ if end + 2 > limit => Err(self.limit("bytes in a reply line", limit)),
            (Some(b'\r'), Some(b'\n')) => {
                self.scanned = 0;
                Ok(Some(end))
            }
            (Some(b'\r') | None, None) => {
                self.scanned = end;
                Ok(None)
            }
            (byte, _) => Err(self.bad(stray(byte), end)),
        }
    }

    /// The reply that is all of `bytes`.
    pub(crate) fn only(
        mut self,
        bytes: &[u8],
        tell: impl FnMut(Taken<'_>),
    ) -> Result<Reply, Fault> {
        match self.feed_telling(bytes, tell)? {
            (len, Some(reply)) if len == bytes.len() => Ok(reply),
            (len, Some(_)) => Err(violation("something behind a reply", len, "RFC 5321 4.2")),
            (_, None) => Err(Fault::Truncated {
                inside: "a reply",
                offset: bytes.len() as u64,
            }),
        }
    }

    fn line(
        &mut self,
        line: ReplyLine<'_>,
        available: usize,
        tell: &mut impl FnMut(Taken<'_>),
    ) -> Result<Option<Reply>, Fault> {
        let Some(open) = &mut self.open else {
            let (enhanced, text) = match self.split(line.text, line.code) {
                Some((enhanced, text)) => (Some(enhanced), text),
                None => (None, line.text),
            };
            if line.last {
                return Ok(Some(Reply {
                    code: line.code,
                    enhanced,
                    text: Cow::Owned(text.to_vec()),
                }));
            }
            // Room for the lines that came with it, if it is not a flood.
            let mut kept = Vec::with_capacity(available.min(512));
            kept.extend_from_slice(text);
            self.open = Some(Open {
                code: line.code,
                enhanced,
                text: kept,
                lines: 1,
            });
            return Ok(None);
        };
        if open.code != line.code {
            return Err(self.bad("lines of one reply with different codes", 0));
        }
        if open.lines >= self.limits.lines {
            return Err(self.limit("lines in a reply", self.limits.lines));
        }
        let text = match open.enhanced {
            Some(first) => match EnhancedCode::split(line.text, line.code) {
                Some((enhanced, text)) if enhanced == first => text,
                _ => line.text,
            },
            None => line.text,
        };
        tell(Taken {
            from: text,
            length: text.len(),
            at: open.text.len() + 1,
        });
        open.push(text);
        if !line.last {
            return Ok(None);
        }
        let (code, enhanced, text) = (open.code, open.enhanced, mem::take(&mut open.text));
        self.open = None;
        Ok(Some(Reply {
            code,
            enhanced,
            text: Cow::Owned(text),
        }))
    }

    fn split<'a>(&self, text: &'a [u8], code: Code) -> Option<(EnhancedCode, &'a [u8])> {
        if self.plain {
            return None;
        }
        EnhancedCode::split(text, code)
    }

    #[cold]
    fn bad(&self, what: &'static str, at: usize) -> Fault {
        Fault::Violation(Violation {
            what,
            offset: self.offset + at as u64,
            rule: "RFC 5321 4.2",
        })
    }

    #[cold]
    fn limit(&self, what: &'static str, limit: usize) -> Fault {
        Fault::Limit(LimitExceeded {
            what,
            limit: limit as u64,
            offset: self.offset,
        })
    }
}

pub(crate) fn violation(what: &'static str, offset: usize, rule: &'static str) -> Fault {
    Fault::Violation(Violation {
        what,
        offset: offset as u64,
        rule,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec};
    use proptest::prelude::*;

    fn lines(reply: &Reply) -> Vec<&[u8]> {
        reply.lines().collect()
    }

    #[test]
    fn read_as_servers_write() {
        for (wire, code, enhanced, expected) in [
            ("250 OK\r\n", 250, None, vec!["OK"]),
            ("250\r\n", 250, None, vec![""]),
            ("250 \r\n", 250, None, vec![""]),
            ("250-\r\n250\r\n", 250, None, vec!["", ""]),
            ("299 odd\r\n", 299, None, vec!["odd"]),
            ("250 2.1.5\r\n", 250, Some("2.1.5"), vec![""]),
            (
                "550-5.1.1 a\r\n550 b\r\n",
                550,
                Some("5.1.1"),
                vec!["a", "b"],
            ),
            (
                "550-5.1.1 a\r\n550 5.1.2 b\r\n",
                550,
                Some("5.1.1"),
                vec!["a", "5.1.2 b"],
            ),
            // Not of the code's class: text, and nothing is lost.
            ("550 4.7.1 later\r\n", 550, None, vec!["4.7.1 later"]),
            ("354 3.0.0 go\r\n", 354, None, vec!["3.0.0 go"]),
            ("250 2.1.5.9 x\r\n", 250, None, vec!["2.1.5.9 x"]),
        ] {
            let reply = Reply::parse(wire.as_bytes()).unwrap();
            assert_eq!(reply.code().get(), code, "{wire}");
            assert_eq!(
                reply.enhanced().map(|e| e.to_string()).as_deref(),
                enhanced,
                "{wire}"
            );
            let expected: Vec<_> = expected.iter().map(|l| l.as_bytes()).collect();
            assert_eq!(lines(&reply), expected, "{wire}");
        }
        let mut plain = ReplyParser::default();
        plain.set_plain(true);
        let (_, reply) = plain.feed(b"250 2.1.5 is my name\r\n").unwrap();
        assert_eq!(reply.unwrap().text(), "2.1.5 is my name");
    }

    #[test]
    fn sc11_what_is_no_reply_is_a_violation() {
        for (wire, message) in [
            (
                "25\r\n",
                "a reply line without a code at byte 0 (RFC 5321 4.2)",
            ),
            (
                "\r\n",
                "a reply line without a code at byte 0 (RFC 5321 4.2)",
            ),
            (
                "2500 x\r\n",
                "neither space nor hyphen behind a reply code at byte 3 (RFC 5321 4.2)",
            ),
            (
                "150 x\r\n",
                "a reply line without a code at byte 0 (RFC 5321 4.2)",
            ),
            (
                "250-a\r\nMAIL\r\n",
                "a reply line without a code at byte 7 (RFC 5321 4.2)",
            ),
            (
                "250-a\r\n354 b\r\n",
                "lines of one reply with different codes at byte 7 (RFC 5321 4.2)",
            ),
            (
                "250-a\r\n250-b\r\n251 c\r\n",
                "lines of one reply with different codes at byte 14 (RFC 5321 4.2)",
            ),
            ("250 a\0b\r\n", "a NUL in a reply at byte 5 (RFC 5321 4.2)"),
            (
                "250 a\rb\r\n",
                "a bare CR in a reply at byte 5 (RFC 5321 4.2)",
            ),
            ("250 a\n", "a bare LF in a reply at byte 5 (RFC 5321 4.2)"),
            (
                "250-a\r\n250 b",
                "the connection ended inside a reply, after byte 12; nothing of it was accepted",
            ),
            (
                "250 a\r\n250 b\r\n",
                "something behind a reply at byte 7 (RFC 5321 4.2)",
            ),
        ] {
            assert_eq!(
                Reply::parse(wire.as_bytes()).unwrap_err().to_string(),
                message,
                "{wire:?}"
            );
        }
    }

    #[test]
    fn sc11_an_endless_reply_ends() {
        let mut parser = ReplyParser::default();
        let mut input = BytesMut::new();
        let mut fed = 0;
        let error = loop {
            input.extend_from_slice(b"250-more\r\n");
            fed += 1;
            match parser.read(&mut input) {
                Ok(reply) => assert!(reply.is_none() && fed <= 100),
                Err(error) => break error,
            }
        };
        assert_eq!(
            error.to_string(),
            "more than 100 lines in a reply at byte 1000; raise the limit to allow it"
        );
        let error_at_once = Reply::parse(&b"250-more\r\n".repeat(101)).unwrap_err();
        assert_eq!(error_at_once.to_string(), error.to_string());
        let error = Reply::parse(&[b'2'; 4000]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("more than 2048 bytes in a reply line")
        );
        // Whatever ends it, and however it comes.
        let mut parser = ReplyParser::new(ReplyLimits { lines: 3, line: 11 });
        let at_once = parser.clone().feed(b"250 123456\n").unwrap_err();
        assert!(matches!(at_once, Fault::Limit(_)));
        assert_eq!(parser.feed(b"250 123456").unwrap_err(), at_once);
        // 100 lines are fine, the last of them too.
        let hundred = [b"250-x\r\n".repeat(99), b"250 x\r\n".to_vec()].concat();
        assert_eq!(Reply::parse(&hundred).unwrap().lines().count(), 100);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn the_cuts_do_not_matter(
            input in prop::collection::vec(prop::sample::select(&b"25-  .1\r\na"[..]), 0..40),
            head in prop::sample::select(&[
                "", "250-a\r\n", "250 2.1.5 x\r\n250-b\r\n", "250-a\r\n250-\r\n250-abcdef\r\n",
                "250-a\r\n250-bcd\r\n250-\0", "250-a\r\n250-b\r\n250-b\r",
            ][..]),
            (lines, line) in prop::sample::select(&[(100, 2048), (2, 2048), (3, 11), (9, 12)][..]),
            cut in 0usize..60,
        ) {
            let whole = [head.as_bytes(), &input].concat();
            let cut = cut.min(whole.len());
            let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
                let mut parser = ReplyParser::new(ReplyLimits { lines, line });
                let (mut buf, mut out) = (BytesMut::new(), Vec::new());
                for piece in pieces {
                    buf.extend_from_slice(piece);
                    loop {
                        match parser.read(&mut buf) {
                            Ok(Some(reply)) => out.push(Ok(reply)),
                            Ok(None) => break,
                            Err(fault) => {
                                out.push(Err(fault));
                                return out;
                            }
                        }
                    }
                }
                out
            };
            let at_once = read(&mut [&whole[..]].into_iter());
            prop_assert_eq!(&read(&mut [&whole[..cut], &whole[cut..]].into_iter()), &at_once);
            // So no line is taken but by itself.
            prop_assert_eq!(&read(&mut whole.chunks(1)), &at_once);
        }

        #[test]
        fn nothing_makes_it_panic(input: Vec<u8>) {
            let _ = (Reply::parse(&input), ReplyLine::parse(&input));
        }
    }
}

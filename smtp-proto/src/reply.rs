//! Replies: RFC 5321 section 4.2, with the enhanced status codes of RFC 2034 and
//! RFC 3463.
//!
//! Exact in writing: what breaks the framing cannot be built, and each line that
//! we write is one the grammar allows. Lenient in reading where mail in the field
//! demands it: `250` alone is a line, the second digit may be any, text may be any
//! bytes but CR, LF and NUL. What is not lenient, because clients were attacked
//! through it: lines of one reply that carry different codes, a line that has no
//! code, a bare CR or LF.

mod code;
mod parser;

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;

use scop_core::Fault;
use thiserror::Error;

use crate::vectors::find;

pub use code::{Code, EnhancedCode, Severity};
pub use parser::{ReplyLimits, ReplyLine, ReplyParser};
pub(crate) use parser::{Taken, violation};

/// The longest reply line built here, in bytes with its code and CRLF (RFC 5321
/// section 4.5.3.1.5).
pub const MAX_REPLY_LINE: usize = 512;
/// The most lines a reply built here has.
pub const MAX_REPLY_LINES: usize = 100;

/// Why something is no reply, or no part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BadReply {
    /// Not a code of RFC 5321 section 4.2.1: 2 to 5, 0 to 5, 0 to 9.
    #[error("{0} is no reply code")]
    Code(u16),
    /// Not a code of RFC 3463 section 2.
    #[error("no enhanced status code")]
    EnhancedCode,
    /// An enhanced code whose class is not the reply code's first digit (RFC 2034
    /// section 4).
    #[error("an enhanced status code of another class than the reply code")]
    Class,
    /// A control character other than TAB: with CR or LF it would be another reply.
    #[error("a control character in a reply's text")]
    Control,
    /// A line would be longer than [`MAX_REPLY_LINE`].
    #[error("a reply line of more than {MAX_REPLY_LINE} bytes")]
    TooLong,
    /// More lines than [`MAX_REPLY_LINES`].
    #[error("a reply of more than {MAX_REPLY_LINES} lines")]
    TooManyLines,
    /// A capability that is no `ehlo-line` of RFC 5321 section 4.1.1.1, or is there
    /// already.
    #[error("not a capability that can be added")]
    Capability,
}

/// One reply of a server: its code, its enhanced code if any, one line of text or
/// more.
///
/// ```
/// use scop_smtp_proto::{EnhancedCode, Reply};
///
/// let reply = Reply::parse(b"550-5.1.1 No such user\r\n550 5.1.1 here\r\n")?;
/// assert_eq!(reply.code().get(), 550);
/// assert_eq!(reply.enhanced(), Some(EnhancedCode::new(5, 1, 1)?));
/// assert_eq!(reply.text(), "No such user");
/// assert!(reply.is_permanent());
///
/// let mut out = Vec::new();
/// Reply::new(250, "2.1.5 Fine")?.with_line("as ever")?.encode(&mut out);
/// assert_eq!(out, b"250-2.1.5 Fine\r\n250 2.1.5 as ever\r\n");
/// assert!(Reply::new(250, "Fine\r\n354 go").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    code: Code,
    enhanced: Option<EnhancedCode>,
    /// The lines, LF between them: no line can hold one.
    text: Cow<'static, [u8]>,
}

impl Reply {
    /// A reply of one line. An enhanced code at the start of `text` that fits
    /// `code` is taken for what it is.
    ///
    /// # Errors
    ///
    /// [`BadReply`] for what is no code, a control character, or too long a line.
    pub fn new(code: u16, text: impl Into<Cow<'static, str>>) -> Result<Self, BadReply> {
        let code = Code::new(code)?;
        let text = text.into();
        check_line(&text)?;
        let (enhanced, rest) = match EnhancedCode::split(text.as_bytes(), code) {
            Some((enhanced, rest)) => (Some(enhanced), text.len() - rest.len()),
            None => (None, 0),
        };
        let text = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(rest..).unwrap_or_default().as_bytes()),
            Cow::Owned(mut text) => {
                text.drain(..rest);
                Cow::Owned(text.into_bytes())
            }
        };
        let reply = Reply {
            code,
            enhanced,
            text,
        };
        reply.check_lengths()
    }

    /// The same with this enhanced code, on each line.
    ///
    /// # Errors
    ///
    /// [`BadReply::Class`] when it contradicts the code, [`BadReply::TooLong`] when
    /// a line has no room for it.
    pub fn with_enhanced(mut self, enhanced: EnhancedCode) -> Result<Self, BadReply> {
        if u16::from(enhanced.class()) != self.code.get() / 100 {
            return Err(BadReply::Class);
        }
        self.enhanced = Some(enhanced);
        self.check_lengths()
    }

    /// The same with one more line.
    ///
    /// # Errors
    ///
    /// [`BadReply`] for a control character, too long a line or too many.
    pub fn with_line(mut self, line: &str) -> Result<Self, BadReply> {
        check_line(line)?;
        if self.lines().count() >= MAX_REPLY_LINES {
            return Err(BadReply::TooManyLines);
        }
        let text = self.text.to_mut();
        text.push(b'\n');
        text.extend_from_slice(line.as_bytes());
        self.check_lengths()
    }

    /// Reads exactly one reply, all of `bytes`, with the default limits and no line
    /// of it left out.
    ///
    /// # Errors
    ///
    /// As [`ReplyParser::feed`], and [`Fault::Truncated`] for half a reply.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        ReplyParser::default().only(bytes, |_| {})
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// The enhanced code of the first line, if it has one of the code's class.
    #[must_use]
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        self.enhanced
    }

    /// What the code's first digit says.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// 2yz: done.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.severity() == Severity::Positive
    }

    /// 3yz: go on.
    #[must_use]
    pub fn is_intermediate(&self) -> bool {
        self.severity() == Severity::Intermediate
    }

    /// 4yz: not now.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.severity() == Severity::Transient
    }

    /// 5yz: no.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.severity() == Severity::Permanent
    }

    /// The text of each line, without codes; at least one, maybe empty. Never CR,
    /// LF or NUL; maybe not UTF-8.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> + Clone {
        Lines(Some(&self.text))
    }

    /// The first line's text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.lines().next().unwrap_or_default())
    }

    /// Appends it as it goes over the wire.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode_lines(self.code, self.enhanced, &self.text, out);
    }

    /// The lines as they are kept, LF between them, for who reads them further.
    pub(crate) fn into_text(self) -> Cow<'static, [u8]> {
        self.text
    }

    /// A reply around lines that were checked one by one.
    pub(crate) fn from_text(code: Code, text: Cow<'static, [u8]>) -> Self {
        Reply {
            code,
            enhanced: None,
            text,
        }
    }

    fn check_lengths(self) -> Result<Self, BadReply> {
        let codes = "250 ".len() + self.enhanced.map_or(0, |e| e.len() + 1);
        if self.lines().any(|l| codes + l.len() + 2 > MAX_REPLY_LINE) {
            return Err(BadReply::TooLong);
        }
        Ok(self)
    }
}

/// The lines of a text, LF between them; at least one.
#[derive(Clone)]
pub(crate) struct Lines<'a>(pub(crate) Option<&'a [u8]>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0?;
        let Some(at) = find(text, [b'\n']) else {
            self.0 = None;
            return Some(text);
        };
        self.0 = text.get(at + 1..);
        text.get(..at)
    }
}

/// Writes the lines of `text`, LF between them, as one reply.
pub(crate) fn encode_lines(
    code: Code,
    enhanced: Option<EnhancedCode>,
    text: &[u8],
    out: &mut Vec<u8>,
) {
    let mut lines = Lines(Some(text)).peekable();
    while let Some(line) = lines.next() {
        out.extend_from_slice(&code.digits());
        if lines.peek().is_some() {
            out.push(b'-');
        } else if enhanced.is_some() || !line.is_empty() || code.get() == 334 {
            // `334 ` keeps its space (RFC 4954 section 4).
            out.push(b' ');
        }
        if let Some(enhanced) = enhanced {
            enhanced.encode(out);
            if !line.is_empty() {
                out.push(b' ');
            }
        }
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
    }
}

fn check_line(text: &str) -> Result<(), BadReply> {
    if text.bytes().any(|b| b.is_ascii_control() && b != b'\t') {
        return Err(BadReply::Control);
    }
    Ok(())
}

/// On one line and safe to print: control characters are escaped.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        for (i, line) in self.lines().enumerate() {
            let gap = match (i, line) {
                (0, []) => "",
                (0, _) => " ",
                _ => " / ",
            };
            f.write_str(gap)?;
            printable(f, line)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({self})")
    }
}

/// Writes text of a peer so that it cannot play with a terminal or a log.
pub(crate) fn printable(f: &mut fmt::Formatter<'_>, text: &[u8]) -> fmt::Result {
    for c in String::from_utf8_lossy(text).chars() {
        if c.is_control() {
            write!(f, "{}", c.escape_default())?;
        } else {
            write!(f, "{c}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString, vec};
    use proptest::prelude::*;

    fn wire(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn written_to_the_letter() {
        for (reply, expected) in [
            (Reply::new(250, "OK"), "250 OK\r\n"),
            (Reply::new(250, ""), "250\r\n"),
            (Reply::new(334, ""), "334 \r\n"),
            (Reply::new(250, "2.1.5"), "250 2.1.5\r\n"),
            (Reply::new(250, "4.1.5 no code"), "250 4.1.5 no code\r\n"),
            (
                Reply::new(550, "5.1.1 a").and_then(|r| r.with_line("")?.with_line("ü")),
                "550-5.1.1 a\r\n550-5.1.1\r\n550 5.1.1 ü\r\n",
            ),
            (
                Reply::new(250, "").and_then(|r| r.with_line("")),
                "250-\r\n250\r\n",
            ),
        ] {
            assert_eq!(wire(&reply.unwrap()), expected);
        }
    }

    #[test]
    fn law_10_what_breaks_framing_cannot_be_built() {
        for bad in ["a\r\nb", "a\rb", "a\nb", "a\0b", "\u{1b}[2J", "\u{7f}"] {
            assert_eq!(Reply::new(250, bad), Err(BadReply::Control), "{bad:?}");
            let fine = Reply::new(250, "a").unwrap();
            assert_eq!(fine.with_line(bad), Err(BadReply::Control), "{bad:?}");
        }
        for code in [0, 25, 99, 100, 199, 260, 299, 600, 2500, u16::MAX] {
            assert_eq!(Reply::new(code, "a"), Err(BadReply::Code(code)));
        }
        let fits = "x".repeat(MAX_REPLY_LINE - 6);
        let full = Reply::new(250, fits.clone()).unwrap();
        assert_eq!(wire(&full).len(), MAX_REPLY_LINE);
        assert_eq!(
            full.clone()
                .with_enhanced(EnhancedCode::new(2, 0, 0).unwrap()),
            Err(BadReply::TooLong)
        );
        assert_eq!(Reply::new(250, fits + "x"), Err(BadReply::TooLong));
        assert_eq!(
            full.with_enhanced(EnhancedCode::new(5, 0, 0).unwrap()),
            Err(BadReply::Class)
        );
        let mut long = Reply::new(250, "").unwrap();
        for _ in 1..MAX_REPLY_LINES {
            long = long.with_line("").unwrap();
        }
        assert_eq!(long.with_line(""), Err(BadReply::TooManyLines));
    }

    #[test]
    fn a_reply_is_safe_to_print() {
        let reply = Reply::parse(b"250-a\x1b[2J\xff\r\n250 b\r\n").unwrap();
        assert_eq!(reply.to_string(), "250 a\\u{1b}[2J\u{fffd} / b");
        assert_eq!(format!("{reply:?}"), format!("Reply({reply})"));
        assert_eq!(
            reply.lines().collect::<Vec<_>>(),
            vec![&b"a\x1b[2J\xff"[..], b"b"]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn what_is_written_is_read(
            code in 200u16..560,
            lines in prop::collection::vec("[245.]{0,6}[ -~ü\t]{0,20}", 1..5),
            enhanced in prop::option::of((0u16..1000, 0u16..1000)),
        ) {
            let Ok(mut reply) = Reply::new(code, lines[0].clone()) else {
                prop_assert!(Code::new(code).is_err());
                return Ok(());
            };
            let class = (code / 100) as u8;
            if let (Some((s, d)), true) = (enhanced, class != 3) {
                reply = reply.with_enhanced(EnhancedCode::new(class, s, d).unwrap()).unwrap();
            }
            for line in &lines[1..] {
                reply = reply.with_line(line).unwrap();
            }
            let text = wire(&reply);
            let again = Reply::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(again.code(), reply.code());
            prop_assert_eq!(wire(&again), text);
        }
    }
}

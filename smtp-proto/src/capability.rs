//! What a server can do: the reply to EHLO (RFC 5321 section 4.1.1.1), to be read
//! by a client and advertised by a server.
//!
//! The lines are kept as they came, so nothing unknown is lost; beside them stands
//! one bit for each extension known here, so asking costs nothing.

mod extension;

use alloc::{borrow::Cow, format, string::String};
use core::fmt;

use scop_core::Fault;

use crate::reply::{
    self, BadReply, Code, Lines, MAX_REPLY_LINE, MAX_REPLY_LINES, Reply, ReplyParser, Taken,
    violation,
};
use crate::vectors::find;
pub use extension::Extension;
use extension::Keyword;

/// One line of what a server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability<'a> {
    /// `SIZE n`: messages of up to `n` bytes; `None` where no limit is stated (no
    /// number, 0, or one beyond 64 bits).
    Size(Option<u64>),
    /// `AUTH`: SASL mechanisms by name.
    Auth(Mechanisms<'a>),
    /// Another known extension, with its parameters as they came, maybe none.
    Known(Extension, &'a [u8]),
    /// A line this crate gives no meaning to.
    Unknown(&'a [u8]),
}

impl<'a> Capability<'a> {
    /// Reads a line behind the first of an EHLO reply. Never fails.
    ///
    /// ```
    /// use scop_smtp_proto::{Capability, Extension};
    ///
    /// assert_eq!(Capability::parse(b"size 1000"), Capability::Size(Some(1000)));
    /// assert_eq!(Capability::parse(b"PIPELINING"), Extension::Pipelining.into());
    /// let Capability::Auth(names) = Capability::parse(b"AUTH=LOGIN PLAIN") else { panic!() };
    /// assert!(names.iter().eq([b"LOGIN", b"PLAIN"]));
    /// assert_eq!(Capability::parse(b"XCLIENT NAME"), Capability::Unknown(b"XCLIENT NAME"));
    /// ```
    #[must_use]
    pub fn parse(line: &'a [u8]) -> Self {
        Self::classify(line, Keyword::at_start(line))
    }

    /// Reads a line of which the start was seen.
    #[inline]
    fn classify(line: &'a [u8], start: Option<&Keyword>) -> Self {
        let Some(&Keyword {
            extension, name, ..
        }) = start
        else {
            return Capability::Unknown(line);
        };
        let rest = line.get(name.len()..).unwrap_or_default();
        let parameters = match rest {
            // Servers wrote it so before RFC 2554, and many write both still.
            [b'=', rest @ ..] if extension == Extension::Auth => rest,
            [] | [b' ', ..] => rest,
            _ => return Capability::Unknown(line),
        }
        .trim_ascii();
        match extension {
            Extension::Size => match size(parameters) {
                Some(limit) => Capability::Size(limit),
                None => Capability::Unknown(line),
            },
            Extension::Auth => Capability::Auth(Mechanisms(parameters)),
            extension => Capability::Known(extension, parameters),
        }
    }

    /// Which extension it is of, if known.
    #[must_use]
    pub fn extension(&self) -> Option<Extension> {
        match self {
            Capability::Size(_) => Some(Extension::Size),
            Capability::Auth(_) => Some(Extension::Auth),
            Capability::Known(extension, _) => Some(*extension),
            Capability::Unknown(_) => None,
        }
    }
}

/// Without parameters.
impl From<Extension> for Capability<'_> {
    fn from(extension: Extension) -> Self {
        match extension {
            Extension::Size => Capability::Size(None),
            Extension::Auth => Capability::Auth(Mechanisms(b"")),
            other => Capability::Known(other, b""),
        }
    }
}

/// The limit that a SIZE parameter states; the outer `None` for what is no number.
fn size(parameter: &[u8]) -> Option<Option<u64>> {
    if !parameter.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = parameter.iter().try_fold(0u64, |n, digit| {
        n.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    Some(number.filter(|&n| n != 0))
}

/// Names of SASL mechanisms, separated by spaces.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mechanisms<'a>(&'a [u8]);

impl<'a> Mechanisms<'a> {
    /// A list of names to advertise: `PLAIN LOGIN`.
    ///
    /// # Errors
    ///
    /// [`BadReply::Capability`] unless each is 1 to 20 of `A-Z 0-9 - _` (RFC 4422
    /// section 3.1).
    pub fn new(names: &'a str) -> Result<Self, BadReply> {
        let name = |n: &str| {
            let char = |b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_');
            (1..=20).contains(&n.len()) && n.bytes().all(char)
        };
        if names.split(' ').all(name) {
            Ok(Mechanisms(names.as_bytes()))
        } else {
            Err(BadReply::Capability)
        }
    }

    /// Each name as it came.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.0.split(|&b| b == b' ').filter(|n| !n.is_empty())
    }
}

impl fmt::Debug for Mechanisms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mechanisms({})", self.0.escape_ascii())
    }
}

/// All of what a server can do, and what it calls itself.
///
/// ```
/// use scop_smtp_proto::{Capabilities, Capability, Extension};
///
/// let wire = b"250-mx.example.org at your service\r\n250-SIZE 1000\r\n250-X-NEW thing\r\n250 PIPELINING\r\n";
/// let can = Capabilities::parse(wire)?;
/// assert_eq!(can.domain(), "mx.example.org");
/// assert_eq!(can.size(), Some(1000));
/// assert!(can.has(Extension::Pipelining) && !can.has(Extension::StartTls));
/// assert!(can.iter().any(|c| c == Capability::Unknown(b"X-NEW thing")));
///
/// let mut out = Vec::new();
/// Capabilities::new("mx.example.org")?.with(Capability::Size(Some(1000)))?.encode(&mut out);
/// assert_eq!(out, b"250-mx.example.org\r\n250 SIZE 1000\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The reply's lines, LF between them.
    text: Cow<'static, [u8]>,
    known: u32,
    size: Option<u64>,
    /// Where in `text` the first AUTH line begins and the last one ends.
    auth: (usize, usize),
}

impl Capabilities {
    /// Nothing but a name, to add to.
    ///
    /// # Errors
    ///
    /// [`BadReply`] for a name that is empty, holds a space or a control character,
    /// or is too long for a line.
    pub fn new(domain: &str) -> Result<Self, BadReply> {
        if domain.is_empty() || domain.contains(' ') {
            return Err(BadReply::Capability);
        }
        let text = Reply::new(250, String::from(domain))?.into_text();
        Ok(Capabilities {
            text,
            ..Self::default()
        })
    }

    /// The same with one more.
    ///
    /// # Errors
    ///
    /// [`BadReply::Capability`] for an extension that is there already, or parameters
    /// that are not printable ASCII separated by single spaces; [`BadReply::TooLong`]
    /// and [`BadReply::TooManyLines`].
    pub fn with(mut self, capability: Capability<'_>) -> Result<Self, BadReply> {
        let line = match capability {
            Capability::Size(None) => String::from("SIZE"),
            Capability::Size(Some(limit)) => format!("SIZE {limit}"),
            Capability::Auth(names) => join("AUTH", names.0)?,
            Capability::Known(extension, parameters) => join(extension.keyword(), parameters)?,
            Capability::Unknown(line) => {
                let end = line.iter().position(|&b| b == b' ').unwrap_or(line.len());
                let (keyword, parameters) = line.split_at(end);
                let keyword = str::from_utf8(keyword).map_err(|_| BadReply::Capability)?;
                if !crate::parameter::is_keyword(keyword) || !parameters.is_ascii() {
                    return Err(BadReply::Capability);
                }
                join(keyword, parameters.strip_prefix(b" ").unwrap_or_default())?
            }
        };
        // What is read back is what is kept: an `Unknown` may turn out to be known.
        let capability = Capability::parse(line.as_bytes());
        if capability.extension().is_some_and(|e| self.has(e)) {
            return Err(BadReply::Capability);
        }
        if line.len() + "250 \r\n".len() > MAX_REPLY_LINE {
            return Err(BadReply::TooLong);
        }
        if self.lines().count() >= MAX_REPLY_LINES {
            return Err(BadReply::TooManyLines);
        }
        let at = self.text.len() + 1;
        self.line(Taken {
            from: line.as_bytes(),
            length: line.len(),
            at,
        });
        let text = self.text.to_mut();
        text.push(b'\n');
        text.extend_from_slice(line.as_bytes());
        Ok(self)
    }

    /// Reads exactly one whole reply to EHLO.
    ///
    /// # Errors
    ///
    /// As [`Reply::parse`], and for a code other than 250.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let mut parser = ReplyParser::default();
        parser.set_plain(true);
        let mut found = Capabilities::default();
        let reply = parser.only(bytes, |line| found.line(line))?;
        if reply.code().get() != 250 {
            let rule = "RFC 5321 4.1.1.1";
            return Err(violation("no positive reply to EHLO", 0, rule));
        }
        found.text = reply.into_text();
        Ok(found)
    }

    /// What a reply to EHLO or HELO says, which was read without looking for
    /// enhanced codes ([`ReplyParser::set_plain`]). Never fails.
    #[must_use]
    pub fn from_reply(reply: Reply) -> Self {
        let mut found = Capabilities::default();
        let text = reply.into_text();
        let mut next = find(&text, [b'\n']).map(|first| first + 1);
        while let Some(at) = next {
            let from = text.get(at..).unwrap_or_default();
            let end = find(from, [b'\n']);
            let length = end.unwrap_or(from.len());
            found.line(Taken { from, length, at });
            next = end.map(|end| at + end + 1);
        }
        found.text = text;
        found
    }

    /// Reads a line behind the first. Of what is said twice the smaller limit holds, and the
    /// rest adds up.
    #[inline]
    fn line(&mut self, line: Taken<'_>) {
        let start = Keyword::at_start(line.from);
        // Most are a keyword and no more.
        if let Some(keyword) = start
            && keyword.name.len() == line.length
        {
            return self.know(keyword.extension, line);
        }
        let capability = Capability::classify(line.text(), start);
        if let Some(extension) = capability.extension() {
            self.know(extension, line);
        }
        if let Capability::Size(Some(limit)) = capability {
            self.size = Some(self.size.map_or(limit, |before| before.min(limit)));
        }
    }

    /// It has an extension, says a line.
    #[inline]
    fn know(&mut self, extension: Extension, Taken { at, length, .. }: Taken<'_>) {
        if extension == Extension::Auth {
            if !self.has(Extension::Auth) {
                self.auth.0 = at;
            }
            self.auth.1 = at + length;
        }
        self.known |= extension.bit();
    }

    /// What the server calls itself: the first word of the first line.
    #[must_use]
    pub fn domain(&self) -> Cow<'_, str> {
        let end = find(&self.text, *b" \n").unwrap_or(self.text.len());
        let name = self.text.get(..end).unwrap_or_default();
        // Quicker than the other where it is UTF-8.
        str::from_utf8(name).map_or_else(|_| String::from_utf8_lossy(name), Cow::Borrowed)
    }

    /// Whether it has an extension.
    #[must_use]
    pub const fn has(&self, extension: Extension) -> bool {
        self.known & extension.bit() != 0
    }

    /// The largest message it says it takes, in bytes, if it says.
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        self.size
    }

    /// The SASL mechanisms by name, of all AUTH lines; a name may come twice.
    pub fn mechanisms(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let (from, to) = self.auth;
        Lines(self.text.get(from..to).filter(|_| from > 0))
            .filter(|line| line.first().is_some_and(|b| b | 0x20 == b'a'))
            .flat_map(|line| {
                match Capability::parse(line) {
                    Capability::Auth(names) => names,
                    _ => Mechanisms(b""),
                }
                .iter()
            })
    }

    /// Each line behind the first, read.
    pub fn iter(&self) -> impl Iterator<Item = Capability<'_>> {
        self.lines().skip(1).map(Capability::parse)
    }

    /// Appends the reply that says so, 250.
    pub fn encode(&self, out: &mut alloc::vec::Vec<u8>) {
        reply::encode_lines(Code::OK, None, &self.text, out);
    }

    /// The reply that says so, 250.
    #[must_use]
    pub fn to_reply(&self) -> Reply {
        Reply::from_text(Code::OK, self.text.clone())
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> + Clone {
        Lines(Some(&self.text))
    }
}

/// `ehlo-line = ehlo-keyword *( SP ehlo-param )`, `ehlo-param = 1*(%d33-126)`.
fn join(keyword: &str, parameters: &[u8]) -> Result<String, BadReply> {
    let mut line = String::from(keyword);
    if parameters.is_empty() {
        return Ok(line);
    }
    for parameter in parameters.split(|&b| b == b' ') {
        if parameter.is_empty() || !parameter.iter().all(u8::is_ascii_graphic) {
            return Err(BadReply::Capability);
        }
        line.push(' ');
        line.extend(parameter.iter().map(|&b| char::from(b)));
    }
    Ok(line)
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Capabilities(")?;
        for (i, line) in self.lines().enumerate() {
            f.write_str(if i == 0 { "" } else { " / " })?;
            reply::printable(f, line)?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn read(lines: &[&str]) -> Capabilities {
        let mut wire = String::from("250-x\r\n");
        for line in lines {
            wire += &format!("250-{line}\r\n");
        }
        wire += "250 END\r\n";
        Capabilities::parse(wire.as_bytes()).unwrap()
    }

    #[test]
    fn each_keyword_has_its_own_bit_and_comes_back() {
        let mut can = Capabilities::new("x").unwrap();
        for extension in Extension::ALL {
            assert_eq!(
                Extension::from_keyword(extension.keyword().as_bytes()),
                Some(extension)
            );
            assert!(!can.has(extension));
            can = can.with(extension.into()).unwrap();
            assert!(can.has(extension));
            assert_eq!(
                can.clone().with(extension.into()),
                Err(BadReply::Capability),
                "twice"
            );
        }
        let mut wire = Vec::new();
        can.encode(&mut wire);
        let again = Capabilities::parse(&wire).unwrap();
        assert_eq!(again, can);
        assert!(again.iter().eq(Extension::ALL.map(Capability::from)));
        assert_eq!(Reply::parse(&wire).unwrap(), can.to_reply());
    }

    #[test]
    fn what_is_said_twice() {
        let can = read(&[
            "SIZE 500",
            "size",
            "SIZE 900",
            "AUTH PLAIN",
            "AUTH=LOGIN PLAIN ",
            "PIPELINING",
            "pipelining",
        ]);
        assert_eq!(can.size(), Some(500));
        assert!(can.mechanisms().eq([&b"PLAIN"[..], b"LOGIN", b"PLAIN"]));
        assert!(can.has(Extension::Pipelining));
    }

    #[test]
    fn odd_parameters() {
        for (line, size) in [
            ("SIZE", None),
            ("SIZE 0", None),
            ("SIZE ", None),
            ("SIZE  1 ", Some(1)),
            ("SIZE 18446744073709551615", Some(u64::MAX)),
            ("SIZE 18446744073709551616", None),
        ] {
            assert_eq!(
                Capability::parse(line.as_bytes()),
                Capability::Size(size),
                "{line}"
            );
        }
        for line in [
            "SIZE -1",
            "SIZE 1 2",
            "SIZE=5",
            "SIZEX",
            "",
            " SIZE",
            "8BITMIME=x",
            "\u{fc}",
        ] {
            let line = line.as_bytes();
            assert_eq!(Capability::parse(line), Capability::Unknown(line));
        }
        assert!(!read(&["SIZE -1"]).has(Extension::Size));
        assert_eq!(
            Capabilities::parse(b"250 only.me hi\r\n").unwrap().domain(),
            "only.me"
        );
        assert!(Capabilities::parse(b"550 no\r\n").is_err());
        // RFC 2034 section 3: no enhanced codes here.
        let can = Capabilities::parse(b"250-2.0.0 me\r\n250 2.0.0 x\r\n").unwrap();
        assert_eq!(can.domain(), "2.0.0");
        assert!(can.iter().eq([Capability::Unknown(b"2.0.0 x")]));
    }

    #[test]
    fn law_10_what_breaks_framing_cannot_be_advertised() {
        let fine = Capabilities::new("x").unwrap();
        for bad in ["", "a b", "a\r\nb", "a\0"] {
            assert!(Capabilities::new(bad).is_err(), "{bad:?}");
        }
        for bad in [
            "", "-X", "X  y", "X y ", "X\r\n", "X a\0", "X \u{fc}", "X\tY",
        ] {
            let bad = Capability::Unknown(bad.as_bytes());
            assert!(fine.clone().with(bad).is_err(), "{bad:?}");
        }
        let bad = Capability::Known(Extension::Dsn, b"a\r\n250 STARTTLS");
        assert!(fine.clone().with(bad).is_err());
        for bad in ["", "PLAIN  LOGIN", "plain", "A\r\n", &"X".repeat(21)] {
            assert!(Mechanisms::new(bad).is_err(), "{bad:?}");
        }
        let long = "X".repeat(MAX_REPLY_LINE);
        assert_eq!(
            fine.with(Capability::Unknown(long.as_bytes())),
            Err(BadReply::TooLong)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn nothing_is_lost(lines in prop::collection::vec("[ -~]{0,30}", 0..6)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let can = read(&lines);
            let mut wire = Vec::new();
            can.encode(&mut wire);
            let text = String::from_utf8(wire).unwrap();
            let kept: Vec<&str> = text.lines().skip(1).map(|l| &l[4..]).collect();
            prop_assert_eq!(&kept[..lines.len()], &lines[..]);
            prop_assert_eq!(can.iter().count(), lines.len() + 1);
        }

        #[test]
        fn a_reply_that_comes_in_pieces_says_the_same(
            lines in prop::collection::vec(
                "(SIZE|AUTH|auth=|DSN|8BITMIME|PIPELINING|X|)( [0-9A-Z]{0,18}){0,3}",
                0..9,
            ),
            piece in 1usize..40,
        ) {
            let mut wire = String::from("250-mx.example\r\n");
            for line in &lines {
                wire += &format!("250-{line}\r\n");
            }
            wire += "250 AUTH LAST\r\n";
            let whole = Capabilities::parse(wire.as_bytes()).unwrap();
            let mut parser = ReplyParser::default();
            parser.set_plain(true);
            let (mut input, mut reply) = (bytes::BytesMut::new(), None);
            for piece in wire.as_bytes().chunks(piece) {
                input.extend_from_slice(piece);
                reply = reply.or(parser.read(&mut input).unwrap());
            }
            let pieces = Capabilities::from_reply(reply.unwrap());
            prop_assert_eq!(&pieces, &whole);
            // What is noted of the lines is what they say.
            let known = |e: &Extension| whole.iter().any(|c| c.extension() == Some(*e));
            prop_assert!(Extension::ALL.iter().all(|e| whole.has(*e) == known(e)));
            let names = whole.iter().flat_map(|c| match c {
                Capability::Auth(names) => names.iter().collect(),
                _ => Vec::new(),
            });
            prop_assert!(whole.mechanisms().eq(names));
            let sizes = whole.iter().filter_map(|c| match c {
                Capability::Size(size) => size,
                _ => None,
            });
            prop_assert_eq!(whole.size(), sizes.min());
        }
    }
}

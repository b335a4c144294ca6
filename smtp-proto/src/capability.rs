//! What a server can do: the reply to EHLO (RFC 5321 section 4.1.1.1), to be read
//! by a client and advertised by a server.
//!
//! The lines are kept as they came, so nothing unknown is lost; beside them stands
//! one bit for each extension known here, so asking costs nothing.

use alloc::{borrow::Cow, format, string::String};
use core::fmt;

use memchr::memchr;
use scop_core::Fault;

use crate::reply::{
    self, BadReply, Code, Lines, MAX_REPLY_LINE, MAX_REPLY_LINES, Reply, ReplyParser, violation,
};

/// A service extension this crate knows the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Extension {
    /// `8BITMIME` (RFC 6152)
    EightBitMime,
    /// `AUTH` (RFC 4954), and `AUTH=` as it was before
    Auth,
    /// `BINARYMIME` (RFC 3030)
    BinaryMime,
    /// `CHUNKING` (RFC 3030)
    Chunking,
    /// `DELIVERBY` (RFC 2852)
    DeliverBy,
    /// `DSN` (RFC 3461)
    Dsn,
    /// `ENHANCEDSTATUSCODES` (RFC 2034)
    EnhancedStatusCodes,
    /// `ETRN` (RFC 1985)
    Etrn,
    /// `EXPN` (RFC 5321)
    Expn,
    /// `FUTURERELEASE` (RFC 4865)
    FutureRelease,
    /// `HELP` (RFC 5321)
    Help,
    /// `LIMITS` (RFC 9422)
    Limits,
    /// `MT-PRIORITY` (RFC 6710)
    MtPriority,
    /// `PIPELINING` (RFC 2920)
    Pipelining,
    /// `REQUIRETLS` (RFC 8689)
    RequireTls,
    /// `SIZE` (RFC 1870)
    Size,
    /// `SMTPUTF8` (RFC 6531)
    SmtpUtf8,
    /// `STARTTLS` (RFC 3207)
    StartTls,
    /// `VRFY` (RFC 5321)
    Vrfy,
}

impl Extension {
    /// The keyword as it is advertised.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Extension::EightBitMime => "8BITMIME",
            Extension::Auth => "AUTH",
            Extension::BinaryMime => "BINARYMIME",
            Extension::Chunking => "CHUNKING",
            Extension::DeliverBy => "DELIVERBY",
            Extension::Dsn => "DSN",
            Extension::EnhancedStatusCodes => "ENHANCEDSTATUSCODES",
            Extension::Etrn => "ETRN",
            Extension::Expn => "EXPN",
            Extension::FutureRelease => "FUTURERELEASE",
            Extension::Help => "HELP",
            Extension::Limits => "LIMITS",
            Extension::MtPriority => "MT-PRIORITY",
            Extension::Pipelining => "PIPELINING",
            Extension::RequireTls => "REQUIRETLS",
            Extension::Size => "SIZE",
            Extension::SmtpUtf8 => "SMTPUTF8",
            Extension::StartTls => "STARTTLS",
            Extension::Vrfy => "VRFY",
        }
    }

    /// The extension of that keyword, in any case.
    #[must_use]
    pub fn from_keyword(keyword: &[u8]) -> Option<Self> {
        Self::at_start(keyword).filter(|e| e.keyword().len() == keyword.len())
    }

    /// The extension whose keyword `text` starts with.
    fn at_start(text: &[u8]) -> Option<Self> {
        let [first, second, ..] = *text else {
            return None;
        };
        // Two letters leave one that it may be.
        let candidate = match (first | 0x20, second | 0x20) {
            (b'8', _) => Extension::EightBitMime,
            (b'a', _) => Extension::Auth,
            (b'b', _) => Extension::BinaryMime,
            (b'c', _) => Extension::Chunking,
            (b'd', b'e') => Extension::DeliverBy,
            (b'd', _) => Extension::Dsn,
            (b'e', b'n') => Extension::EnhancedStatusCodes,
            (b'e', b't') => Extension::Etrn,
            (b'e', _) => Extension::Expn,
            (b'f', _) => Extension::FutureRelease,
            (b'h', _) => Extension::Help,
            (b'l', _) => Extension::Limits,
            (b'm', _) => Extension::MtPriority,
            (b'p', _) => Extension::Pipelining,
            (b'r', _) => Extension::RequireTls,
            (b's', b'i') => Extension::Size,
            (b's', b'm') => Extension::SmtpUtf8,
            (b's', _) => Extension::StartTls,
            (b'v', _) => Extension::Vrfy,
            _ => return None,
        };
        let name = candidate.keyword().as_bytes();
        let found = text.get(..name.len())?;
        (found == name || found.eq_ignore_ascii_case(name)).then_some(candidate)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

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
        Self::classify(line, Extension::at_start(line))
    }

    /// Reads a line of which the start was seen.
    fn classify(line: &'a [u8], start: Option<Extension>) -> Self {
        let Some(extension) = start else {
            return Capability::Unknown(line);
        };
        let rest = line.get(extension.keyword().len()..).unwrap_or_default();
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
    /// Where the first AUTH line is in `text`.
    auth: usize,
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
        self.note(capability, at);
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
        let reply = parser.only(bytes)?;
        if reply.code().get() != 250 {
            let rule = "RFC 5321 4.1.1.1";
            return Err(violation("no positive reply to EHLO", 0, rule));
        }
        Ok(Self::from_reply(reply))
    }

    /// What a reply to EHLO or HELO says, which was read without looking for
    /// enhanced codes ([`ReplyParser::set_plain`]). Never fails.
    #[must_use]
    pub fn from_reply(reply: Reply) -> Self {
        let mut found = Capabilities::default();
        let text = reply.into_text();
        let mut next = memchr(b'\n', &text).map(|first| first + 1);
        while let Some(at) = next {
            let rest = text.get(at..).unwrap_or_default();
            let start = Extension::at_start(rest);
            // Most lines end with their keyword.
            let end = match start.map(|e| e.keyword().len()) {
                Some(end) if rest.get(end) == Some(&b'\n') => Some(end),
                _ => memchr(b'\n', rest),
            };
            let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            found.note(Capability::classify(line, start), at);
            next = end.map(|end| at + end + 1);
        }
        found.text = text;
        found
    }

    /// Notes what stands at `at`. Of what is said twice the smaller limit holds, and
    /// the rest adds up.
    fn note(&mut self, capability: Capability<'_>, at: usize) {
        if let Some(extension) = capability.extension() {
            if extension == Extension::Auth && !self.has(Extension::Auth) {
                self.auth = at;
            }
            self.known |= extension.bit();
        }
        if let Capability::Size(Some(limit)) = capability {
            self.size = Some(self.size.map_or(limit, |before| before.min(limit)));
        }
    }

    /// What the server calls itself: the first word of the first line.
    #[must_use]
    pub fn domain(&self) -> Cow<'_, str> {
        let first = self.lines().next().unwrap_or_default();
        let end = memchr(b' ', first).unwrap_or(first.len());
        String::from_utf8_lossy(first.get(..end).unwrap_or_default())
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
        let from = self.text.get(self.auth..).filter(|_| self.auth > 0);
        Lines(from)
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

    const ALL: [Extension; 19] = [
        Extension::EightBitMime,
        Extension::Auth,
        Extension::BinaryMime,
        Extension::Chunking,
        Extension::DeliverBy,
        Extension::Dsn,
        Extension::EnhancedStatusCodes,
        Extension::Etrn,
        Extension::Expn,
        Extension::FutureRelease,
        Extension::Help,
        Extension::Limits,
        Extension::MtPriority,
        Extension::Pipelining,
        Extension::RequireTls,
        Extension::Size,
        Extension::SmtpUtf8,
        Extension::StartTls,
        Extension::Vrfy,
    ];

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
        for extension in ALL {
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
        assert!(again.iter().eq(ALL.map(Capability::from)));
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
    }
}

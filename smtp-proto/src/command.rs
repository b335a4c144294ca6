//! Commands as they stand on the wire (RFC 5321 section 4.1.1, RFC 3207, RFC 4954):
//! one line in, a borrowed [`Command`] out, and back.
//!
//! Reading is lenient where real clients need it: any case, spaces behind the colon
//! and at the end of the line, a path without its brackets, a source route (dropped,
//! RFC 5321 appendix C). Writing is exact.

use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

use scop_sasl::{Mechanism, Secret, wire};
use thiserror::Error;

use crate::{
    AddressError, Body, ClientName, ForwardPath, Host, Mailbox, Parameters, ReversePath, Submitter,
    decode_xtext, encode_xtext, parameter,
};

/// `MAIL FROM`: a transaction begins (RFC 5321 section 4.1.1.2).
///
/// ```
/// use scop_smtp_proto::{Command, Mail, ReversePath};
///
/// let mut mail = Mail::new("tim@example.org".parse::<scop_smtp_proto::Mailbox>()?);
/// mail.size = Some(4096);
/// let mut line = Vec::new();
/// Command::Mail(mail).encode(&mut line);
/// assert_eq!(line, b"MAIL FROM:<tim@example.org> SIZE=4096\r\n");
/// # Ok::<(), scop_smtp_proto::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Mail<'a> {
    /// Where bounces go.
    pub from: ReversePath<'a>,
    /// `SIZE`: the size of the message in bytes, as the client guesses it (RFC 1870).
    /// A number past 64 bits is [`u64::MAX`].
    pub size: Option<u64>,
    /// `BODY` (RFC 6152).
    pub body: Option<Body>,
    /// `AUTH`: who submitted it (RFC 4954 section 5).
    pub auth: Option<Submitter<'a>>,
    /// What else there was.
    pub parameters: Parameters<'a>,
}

impl<'a> Mail<'a> {
    /// From `from`, without parameters.
    #[must_use]
    pub fn new(from: impl Into<ReversePath<'a>>) -> Self {
        Mail {
            from: from.into(),
            size: None,
            body: None,
            auth: None,
            parameters: Parameters::default(),
        }
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Mail<'static> {
        Mail {
            from: self.from.into_owned(),
            size: self.size,
            body: self.body,
            auth: self.auth.map(Submitter::into_owned),
            parameters: self.parameters.into_owned(),
        }
    }
}

/// `RCPT TO`: one more recipient (RFC 5321 section 4.1.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rcpt<'a> {
    /// Where the message goes.
    pub to: ForwardPath<'a>,
    /// Parameters; this crate knows none yet.
    pub parameters: Parameters<'a>,
}

impl<'a> Rcpt<'a> {
    /// To `to`, without parameters.
    #[must_use]
    pub fn new(to: impl Into<ForwardPath<'a>>) -> Self {
        Rcpt {
            to: to.into(),
            parameters: Parameters::default(),
        }
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> Rcpt<'static> {
        Rcpt {
            to: self.to.into_owned(),
            parameters: self.parameters.into_owned(),
        }
    }
}

/// The free text behind `VRFY`, `EXPN`, `HELP`, `NOOP`: printable ASCII, not empty,
/// no space at an end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Argument<'a>(Cow<'a, str>);

impl<'a> Argument<'a> {
    /// `None` for what is empty, has a space at an end, or a byte that is not printable ASCII.
    #[must_use]
    pub fn new(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        let ends = text.starts_with(' ') || text.ends_with(' ');
        (!text.is_empty() && !ends && text.bytes().all(|b| matches!(b, 32..=126)))
            .then_some(Argument(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `AUTH`: an exchange begins (RFC 4954 section 4). `Debug` masks the initial response.
#[derive(Clone, PartialEq, Eq)]
pub struct Auth<'a> {
    mechanism: Cow<'a, str>,
    initial: Option<Initial<'a>>,
}

#[derive(Clone, PartialEq, Eq)]
enum Initial<'a> {
    Read(&'a str),
    Made(Secret),
}

impl<'a> Auth<'a> {
    /// With `mechanism` and, where it has one, its first message, not yet in base64.
    #[must_use]
    pub fn new(mechanism: Mechanism, initial: Option<&[u8]>) -> Auth<'static> {
        let base64 = |message| Secret::from(wire::encode_initial(message));
        Auth {
            mechanism: Cow::Borrowed(mechanism.name()),
            initial: initial.map(base64).map(Initial::Made),
        }
    }

    /// The mechanism's name as it was written.
    #[must_use]
    pub fn mechanism(&self) -> &str {
        &self.mechanism
    }

    /// The initial response as it is written: base64, or `=` for an empty one. Not
    /// checked: give it to [`scop_sasl::wire::parse_initial`].
    #[must_use]
    pub fn initial(&self) -> Option<&[u8]> {
        match self.initial.as_ref()? {
            Initial::Read(text) => Some(text.as_bytes()),
            Initial::Made(secret) => Some(secret.expose()),
        }
    }
}

impl fmt::Debug for Auth<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("mechanism", &self.mechanism)
            .field("initial", &self.initial.as_ref().map(|_| "***"))
            .finish()
    }
}

/// A command nobody here knows, kept as it came: printable ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unknown<'a>(&'a str);

impl<'a> Unknown<'a> {
    /// Its first word.
    #[must_use]
    pub fn verb(&self) -> &'a str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// The whole line.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.0
    }
}

/// One command line.
///
/// ```
/// use scop_smtp_proto::{Body, Command};
///
/// let Command::Mail(mail) = Command::parse(b"mail from:<tim@example.org> BODY=8BITMIME X=1")? else {
///     panic!("not MAIL");
/// };
/// assert_eq!(mail.from.mailbox().unwrap().local_part(), "tim");
/// assert_eq!(mail.body, Some(Body::EightBitMime));
/// assert_eq!(mail.parameters.iter().next(), Some(("X", Some("1"))));
///
/// let error = Command::parse(b"RCPT TO:<a@b..c>").unwrap_err();
/// assert_eq!((error.code(), error.enhanced(), error.offset), (501, "5.1.3", 8));
/// # Ok::<(), scop_smtp_proto::CommandError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<'a> {
    /// `EHLO`: hello, with extensions (RFC 5321 section 4.1.1.1).
    Ehlo(ClientName<'a>),
    /// `HELO`: hello, without.
    Helo(ClientName<'a>),
    /// `LHLO`: hello in LMTP (RFC 2033 section 4.1).
    Lhlo(ClientName<'a>),
    /// `MAIL FROM`.
    Mail(Mail<'a>),
    /// `RCPT TO`.
    Rcpt(Rcpt<'a>),
    /// `DATA`: the message follows the go-ahead.
    Data,
    /// `RSET`: forget the transaction.
    Rset,
    /// `NOOP`, whose argument means nothing.
    Noop(Option<Argument<'a>>),
    /// `VRFY`: is this a user?
    Vrfy(Argument<'a>),
    /// `EXPN`: who is on this list?
    Expn(Argument<'a>),
    /// `HELP`.
    Help(Option<Argument<'a>>),
    /// `QUIT`.
    Quit,
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH` (RFC 4954).
    Auth(Auth<'a>),
    /// None of these.
    Unknown(Unknown<'a>),
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct CommandError {
    /// What is wrong.
    pub kind: CommandErrorKind,
    /// Where: the offset in the line, in bytes, at which the offending part begins.
    pub offset: usize,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CommandErrorKind {
    /// A control character: NUL, a bare CR, a tab (RFC 5321 section 2.3.8, 4.1.2).
    #[error("a control character in a command")]
    Control,
    /// A byte outside ASCII where no address is.
    #[error("a byte outside ASCII in a command")]
    NonAscii,
    /// EHLO or HELO without a name (RFC 5321 section 4.1.1.1).
    #[error("say which host you are")]
    Name,
    /// The form of the command: what it wants is said.
    #[error("the form is {0}")]
    Form(&'static str),
    /// The reverse path.
    #[error("{0} in the sender's address")]
    Sender(AddressError),
    /// The forward path.
    #[error("{0} in the recipient's address")]
    Recipient(AddressError),
    /// A parameter: malformed, given twice, or a value it cannot have.
    #[error("{0}")]
    Parameter(&'static str),
}

impl CommandError {
    /// The reply code that answers it (RFC 5321 section 4.2).
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self.kind {
            CommandErrorKind::Control | CommandErrorKind::NonAscii => 500,
            CommandErrorKind::Sender(AddressError::NonAscii)
            | CommandErrorKind::Recipient(AddressError::NonAscii) => 553,
            _ => 501,
        }
    }

    /// The enhanced status code that answers it (RFC 3463, RFC 6531 section 4.3).
    #[must_use]
    pub const fn enhanced(&self) -> &'static str {
        match self.kind {
            CommandErrorKind::Control | CommandErrorKind::NonAscii => "5.5.2",
            CommandErrorKind::Sender(AddressError::NonAscii)
            | CommandErrorKind::Recipient(AddressError::NonAscii) => "5.6.7",
            CommandErrorKind::Sender(_) => "5.1.7",
            CommandErrorKind::Recipient(_) => "5.1.3",
            _ => "5.5.4",
        }
    }
}

/// Four letters in lower case; setting bit 5 maps no other byte onto a letter.
const fn verb(letters: [u8; 4]) -> u32 {
    u32::from_be_bytes(letters) | 0x2020_2020
}

/// A verb of four letters and the space behind it.
const VERB: usize = 5;

const EHLO: u32 = verb(*b"ehlo");
const HELO: u32 = verb(*b"helo");
const LHLO: u32 = verb(*b"lhlo");
const MAIL: u32 = verb(*b"mail");
const RCPT: u32 = verb(*b"rcpt");
const DATA: u32 = verb(*b"data");
const RSET: u32 = verb(*b"rset");
const NOOP: u32 = verb(*b"noop");
const VRFY: u32 = verb(*b"vrfy");
const EXPN: u32 = verb(*b"expn");
const HELP: u32 = verb(*b"help");
const QUIT: u32 = verb(*b"quit");
const AUTH: u32 = verb(*b"auth");
const FROM: u32 = verb(*b"from");
const SIZE: u32 = verb(*b"size");
const BODY: u32 = verb(*b"body");

impl<'a> Command<'a> {
    /// Reads a line, given without its CRLF. Cost: one pass over it; it allocates
    /// only for unknown parameters and for addresses not in canonical form.
    ///
    /// # Errors
    ///
    /// [`CommandError`] for a known verb whose rest is wrong, and for a byte that is
    /// not printable ASCII. An unknown verb is a [`Command::Unknown`].
    pub fn parse(line: &'a [u8]) -> Result<Self, CommandError> {
        let text = printable(line)?;
        let unknown = || Ok(Command::Unknown(Unknown(text)));
        let Some((letters, behind)) = line.split_first_chunk::<4>() else {
            return unknown();
        };
        if !matches!(behind.first(), None | Some(b' ')) {
            let starttls = line.get(..8).is_some_and(is_starttls);
            return match text.get(8..).map(|rest| rest.trim_matches(' ')) {
                Some("") if starttls => Ok(Command::StartTls),
                Some(_) if starttls && line.get(8) == Some(&b' ') => {
                    Err(form(9, "STARTTLS, alone"))
                }
                _ => unknown(),
            };
        }
        let rest = text.get(4..).unwrap_or_default();
        let argument = || {
            let trimmed = rest.trim_matches(' ');
            (!trimmed.is_empty()).then_some(Argument(Cow::Borrowed(trimmed)))
        };
        let alone = |command, wanted| match argument() {
            None => Ok(command),
            Some(_) => Err(form(5, wanted)),
        };
        let name = || ClientName::lenient(rest.trim_matches(' ')).ok_or(error(Kind::Name, 4));
        match verb(*letters) {
            RCPT => rcpt(line, text).map(Command::Rcpt),
            MAIL => mail(line, text).map(Command::Mail),
            DATA => alone(Command::Data, "DATA, alone"),
            RSET => alone(Command::Rset, "RSET, alone"),
            NOOP => Ok(Command::Noop(argument())),
            QUIT => alone(Command::Quit, "QUIT, alone"),
            EHLO => name().map(Command::Ehlo),
            HELO => name().map(Command::Helo),
            LHLO => name().map(Command::Lhlo),
            AUTH => auth(rest).map(Command::Auth),
            VRFY => (argument().map(Command::Vrfy)).ok_or(form(4, "VRFY user")),
            EXPN => (argument().map(Command::Expn)).ok_or(form(4, "EXPN list")),
            HELP => Ok(Command::Help(argument())),
            _ => unknown(),
        }
    }

    /// Adds the line with its CRLF to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut put = |pieces: &[&str]| {
            for piece in pieces {
                out.extend_from_slice(piece.as_bytes());
            }
        };
        match self {
            Command::Ehlo(name) => put(&["EHLO ", name.as_str()]),
            Command::Helo(name) => put(&["HELO ", name.as_str()]),
            Command::Lhlo(name) => put(&["LHLO ", name.as_str()]),
            Command::Mail(mail) => {
                let from = mail.from.mailbox().map_or("", Mailbox::as_str);
                put(&["MAIL FROM:<", from, ">"]);
                if let Some(size) = mail.size {
                    put(&[" SIZE=", decimal(size, &mut [0; 20])]);
                }
                if let Some(body) = mail.body {
                    put(&[" BODY=", body.as_str()]);
                }
                match &mail.auth {
                    Some(Submitter::Unknown) => put(&[" AUTH=<>"]),
                    Some(Submitter::Mailbox(m)) => put(&[" AUTH=", &encode_xtext(m.as_str())]),
                    None => {}
                }
                put_parameters(&mail.parameters, &mut put);
            }
            Command::Rcpt(rcpt) => {
                put(&["RCPT TO:<", rcpt.to.as_str(), ">"]);
                put_parameters(&rcpt.parameters, &mut put);
            }
            Command::Data => put(&["DATA"]),
            Command::Rset => put(&["RSET"]),
            Command::Noop(None) => put(&["NOOP"]),
            Command::Noop(Some(text)) => put(&["NOOP ", text.as_str()]),
            Command::Vrfy(text) => put(&["VRFY ", text.as_str()]),
            Command::Expn(text) => put(&["EXPN ", text.as_str()]),
            Command::Help(None) => put(&["HELP"]),
            Command::Help(Some(text)) => put(&["HELP ", text.as_str()]),
            Command::Quit => put(&["QUIT"]),
            Command::StartTls => put(&["STARTTLS"]),
            Command::Auth(auth) => {
                put(&["AUTH ", auth.mechanism()]);
                if let Some(initial) = auth.initial() {
                    out.push(b' ');
                    out.extend_from_slice(initial);
                }
            }
            Command::Unknown(line) => put(&[line.as_str()]),
        }
        out.extend_from_slice(b"\r\n");
    }
}

use CommandErrorKind as Kind;

const fn error(kind: Kind, offset: usize) -> CommandError {
    CommandError { kind, offset }
}

const fn form(offset: usize, wanted: &'static str) -> CommandError {
    error(Kind::Form(wanted), offset)
}

/// The line as text, if every byte is printable ASCII.
fn printable(line: &[u8]) -> Result<&str, CommandError> {
    // Without a branch for each byte.
    let odd = |b: u8| b.wrapping_sub(b' ') > b'~' - b' ';
    if line.iter().fold(false, |acc, &b| acc | odd(b)) {
        return Err(unprintable(line));
    }
    core::str::from_utf8(line).map_err(|_| unprintable(line))
}

#[cold]
fn unprintable(line: &[u8]) -> CommandError {
    let offset = line.iter().position(|&b| !matches!(b, 32..=126));
    let offset = offset.unwrap_or_default();
    if line.iter().any(u8::is_ascii_control) {
        return error(Kind::Control, offset);
    }
    let kind = match line.first_chunk().map(|letters| verb(*letters)) {
        Some(MAIL) => Kind::Sender(AddressError::NonAscii),
        Some(RCPT) => Kind::Recipient(AddressError::NonAscii),
        _ => Kind::NonAscii,
    };
    error(kind, offset)
}

pub(crate) fn is_starttls(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"STARTTLS")
}

/// Where the path behind a keyword of `len` bytes begins: spaces are skipped.
fn path_start(line: &[u8], len: usize) -> usize {
    let start = VERB + len;
    let spaces = line.iter().skip(start).take_while(|&&b| b == b' ');
    start + spaces.count()
}

fn mail<'a>(line: &'a [u8], text: &'a str) -> Result<Mail<'a>, CommandError> {
    const FORM: &str = "MAIL FROM:<address>";
    let start = match line.get(VERB..).and_then(<[u8]>::split_first_chunk) {
        Some((word, [b':', ..])) if verb(*word) == FROM => path_start(line, 5),
        _ => return Err(form(line.len().min(VERB), FORM)),
    };
    let (from, end) = if line.get(start..start + 2) == Some(b"<>") {
        (ReversePath::Null, start + 2)
    } else {
        let (mailbox, end) = path(line, text, start).map_err(|e| error(Kind::Sender(e), start))?;
        (ReversePath::Mailbox(mailbox), end)
    };
    let mut mail = Mail::new(from);
    for (keyword, value) in parameters(text, end)? {
        let offset = offset_in(text, keyword);
        let wrong = |what| error(Kind::Parameter(what), offset);
        let known = (keyword.len() == 4)
            .then(|| keyword.as_bytes().first_chunk())
            .flatten();
        let known = known.map(|letters| verb(*letters));
        if known == Some(SIZE) {
            let size = value
                .and_then(size)
                .ok_or(wrong("SIZE is 1 to 20 digits"))?;
            if mail.size.replace(size).is_some() {
                return Err(wrong("SIZE twice"));
            }
        } else if known == Some(BODY) {
            let body = value.and_then(Body::parse);
            let body = body.ok_or(wrong("BODY is 7BIT or 8BITMIME"))?;
            if mail.body.replace(body).is_some() {
                return Err(wrong("BODY twice"));
            }
        } else if known == Some(AUTH) {
            let auth = value.and_then(submitter);
            let auth = auth.ok_or(wrong("AUTH is <> or a mailbox in xtext"))?;
            if mail.auth.replace(auth).is_some() {
                return Err(wrong("AUTH twice"));
            }
        } else {
            keep(&mut mail.parameters, keyword, value).map_err(wrong)?;
        }
    }
    Ok(mail)
}

fn rcpt<'a>(line: &'a [u8], text: &'a str) -> Result<Rcpt<'a>, CommandError> {
    const FORM: &str = "RCPT TO:<address>";
    const POSTMASTER: &[u8] = b"<Postmaster>";
    let start = match line.get(VERB..) {
        Some([b't' | b'T', b'o' | b'O', b':', ..]) => path_start(line, 3),
        _ => return Err(form(line.len().min(VERB), FORM)),
    };
    let bare = line.get(start..start + POSTMASTER.len());
    let (to, end) = if bare.is_some_and(|b| b.eq_ignore_ascii_case(POSTMASTER)) {
        (ForwardPath::Postmaster, start + POSTMASTER.len())
    } else {
        let (mailbox, end) =
            path(line, text, start).map_err(|e| error(Kind::Recipient(e), start))?;
        (ForwardPath::Mailbox(mailbox), end)
    };
    let mut rcpt = Rcpt::new(to);
    for (keyword, value) in parameters(text, end)? {
        let wrong = |what| error(Kind::Parameter(what), offset_in(text, keyword));
        keep(&mut rcpt.parameters, keyword, value).map_err(wrong)?;
    }
    Ok(rcpt)
}

/// A path at `start`: its mailbox, and where it ends.
fn path<'a>(
    line: &[u8],
    text: &'a str,
    start: usize,
) -> Result<(Mailbox<'a>, usize), AddressError> {
    let bracket = line.get(start) == Some(&b'<');
    let mut at = start + usize::from(bracket);
    if bracket && line.get(at) == Some(&b'@') {
        at += source_route(text.get(at..).unwrap_or_default())?;
    }
    let (mailbox, len) = Mailbox::prefix(text.get(at..).unwrap_or_default())?;
    let end = at + len;
    match (bracket, line.get(end)) {
        (true, Some(b'>')) => Ok((mailbox, end + 1)),
        (false, None | Some(b' ')) => Ok((mailbox, end)),
        _ => Err(AddressError::Syntax),
    }
}

/// The length of `@a,@b:`, which must be there and is to be ignored.
fn source_route(text: &str) -> Result<usize, AddressError> {
    let mut len = 0;
    loop {
        let hop = text.get(len..).and_then(|t| t.strip_prefix('@'));
        let hop = hop.ok_or(AddressError::Syntax)?;
        let host = Host::prefix_len(hop)?;
        len += 1 + host;
        match text.as_bytes().get(len) {
            Some(b',') => len += 1,
            Some(b':') => return Ok(len + 1),
            _ => return Err(AddressError::Syntax),
        }
    }
}

/// The parameters behind a path that ended at `end`.
fn parameters(
    text: &str,
    end: usize,
) -> Result<impl Iterator<Item = (&str, Option<&str>)>, CommandError> {
    let rest = text.get(end..).unwrap_or_default();
    if rest.is_empty() || rest.starts_with(' ') {
        Ok(parameter::split(rest))
    } else {
        Err(form(end, "a space behind the path"))
    }
}

fn keep(
    parameters: &mut Parameters<'_>,
    keyword: &str,
    value: Option<&str>,
) -> Result<(), &'static str> {
    const MOST: usize = 32;
    for (n, (known, _)) in parameters.iter().enumerate() {
        if known.eq_ignore_ascii_case(keyword) {
            return Err("a parameter twice");
        }
        if n + 1 == MOST {
            return Err("more than 32 parameters");
        }
    }
    parameters.push(keyword, value).map_err(|e| e.0)
}

/// `part` is a piece of `text`.
fn offset_in(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize)
}

/// 1*20DIGIT (RFC 1870 section 4).
fn size(value: &str) -> Option<u64> {
    if !(1..=20).contains(&value.len()) || !value.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(value.parse().unwrap_or(u64::MAX))
}

fn submitter(value: &str) -> Option<Submitter<'_>> {
    if value == "<>" {
        return Some(Submitter::Unknown);
    }
    let mailbox = match decode_xtext(value)? {
        Cow::Borrowed(text) => Mailbox::parse(text).ok()?,
        Cow::Owned(text) => Mailbox::parse(&text).ok()?.into_owned(),
    };
    Some(Submitter::Mailbox(mailbox))
}

/// `AUTH` was seen; `sasl-mech` is RFC 4422 section 3.1's, in any case.
fn auth(rest: &str) -> Result<Auth<'_>, CommandError> {
    const WRONG: CommandError = form(4, "AUTH mechanism [base64 or =]");
    let mut words = rest.split(' ').filter(|w| !w.is_empty());
    let mechanism = words.next().ok_or(WRONG)?;
    let initial = words.next().map(Initial::Read);
    let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if mechanism.len() > 20 || !mechanism.bytes().all(named) || words.next().is_some() {
        return Err(WRONG);
    }
    Ok(Auth {
        mechanism: Cow::Borrowed(mechanism),
        initial,
    })
}

fn put_parameters(parameters: &Parameters<'_>, put: &mut impl FnMut(&[&str])) {
    if !parameters.is_empty() {
        put(&[" ", parameters.as_str()]);
    }
}

/// `number` in decimal, without an allocation.
pub(crate) fn decimal(mut number: u64, buffer: &mut [u8; 20]) -> &str {
    let mut at = buffer.len();
    for place in buffer.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
        at -= 1;
        if number == 0 {
            break;
        }
    }
    core::str::from_utf8(buffer.get(at..).unwrap_or_default()).unwrap_or_default()
}

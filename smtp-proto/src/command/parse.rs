//! Reading a command line.

use alloc::borrow::Cow;

use super::{
    Argument, Auth, Command, CommandError, CommandErrorKind as Kind, Initial, Mail, Rcpt, Unknown,
};
use crate::{
    AddressError, Body, ClientName, ForwardPath, Host, Mailbox, Parameters, ReversePath, Submitter,
    decode_xtext, parameter,
};

/// Four letters in lower case; setting bit 5 maps no other byte onto a letter.
const fn verb(letters: [u8; 4]) -> u32 {
    u32::from_be_bytes(letters) | 0x2020_2020
}

const MAIL_FORM: &str = "MAIL FROM:<address>";
const RCPT_FORM: &str = "RCPT TO:<address>";

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
        // Their parsers look at each byte of these two, and let none through that is not
        // printable; the others are looked at as a whole.
        let path = match line.split_first_chunk::<4>() {
            Some((letters, [b' ', ..])) => match verb(*letters) {
                MAIL => Some(mail(line).map(Command::Mail)),
                RCPT => Some(rcpt(line).map(Command::Rcpt)),
                _ => None,
            },
            _ => None,
        };
        if let Some(path) = path {
            return path.map_err(|error| unprintable(line).unwrap_or(error));
        }
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
            RCPT => Err(form(4, RCPT_FORM)),
            MAIL => Err(form(4, MAIL_FORM)),
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
}

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
        return Err(unprintable(line).unwrap_or(error(Kind::NonAscii, 0)));
    }
    text(line)
}

#[inline]
fn text(line: &[u8]) -> Result<&str, CommandError> {
    core::str::from_utf8(line).map_err(|_| error(Kind::NonAscii, 0))
}

/// What to say to a line with a byte that is not printable ASCII, if it has one.
#[cold]
fn unprintable(line: &[u8]) -> Option<CommandError> {
    let offset = line.iter().position(|&b| !matches!(b, 32..=126))?;
    if line.iter().any(u8::is_ascii_control) {
        return Some(error(Kind::Control, offset));
    }
    let kind = match line.first_chunk().map(|letters| verb(*letters)) {
        Some(MAIL) => Kind::Sender(AddressError::NonAscii),
        Some(RCPT) => Kind::Recipient(AddressError::NonAscii),
        _ => Kind::NonAscii,
    };
    Some(error(kind, offset))
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

fn mail(line: &[u8]) -> Result<Mail<'_>, CommandError> {
    let text = text(line)?;
    let start = match line.get(VERB..).and_then(<[u8]>::split_first_chunk) {
        Some((word, [b':', ..])) if verb(*word) == FROM => path_start(line, 5),
        _ => return Err(form(line.len().min(VERB), MAIL_FORM)),
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

fn rcpt(line: &[u8]) -> Result<Rcpt<'_>, CommandError> {
    let text = text(line)?;
    const POSTMASTER: &[u8] = b"<Postmaster>";
    let start = match line.get(VERB..) {
        Some([b't' | b'T', b'o' | b'O', b':', ..]) => path_start(line, 3),
        _ => return Err(form(line.len().min(VERB), RCPT_FORM)),
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

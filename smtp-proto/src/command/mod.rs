//! Commands as they stand on the wire (RFC 5321 section 4.1.1, RFC 3207, RFC 4954):
//! one line in, a borrowed [`Command`] out, and back.
//!
//! Reading is lenient where real clients need it: any case, spaces behind the colon
//! and at the end of the line, a path without its brackets, a source route (dropped,
//! RFC 5321 appendix C). Writing is exact.

mod parse;

use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

use scop_sasl::{Mechanism, Secret, wire};
use thiserror::Error;

use crate::{
    AddressError, Body, ClientName, ForwardPath, Mailbox, Parameters, ReversePath, Submitter,
    encode_xtext,
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

impl Command<'_> {
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

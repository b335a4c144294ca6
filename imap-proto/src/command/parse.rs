use alloc::vec::Vec;

use super::{
    Append, Authenticate, Command, CommandError, Copy, Fetch, Head, Login, Search, StatusAttribute,
    Store, Verb, fetch::flag_list,
};
use crate::types::{
    Atom, Capability, Chars, Cursor, DateTime, Literal, Mailbox, ParseError, Pattern, SequenceSet,
    Tag,
};

impl<'a> Command<'a> {
    /// Reads one frame: a command with its CRLF and with its literals in place. An
    /// APPEND's frame ends behind the announcement of the message (`{310}CRLF`).
    ///
    /// Lenient where clients are: any case, spaces at the end, UTF-8 in quoted
    /// strings. Linear in the frame; SEARCH keys nest 50 deep at most.
    ///
    /// # Errors
    ///
    /// [`CommandError`] with the tag if there was one. A name that is not known is
    /// no error: [`Command::Unknown`].
    pub fn parse(frame: &'a [u8]) -> Result<(Tag<'a>, Command<'a>), CommandError> {
        let line = frame.strip_suffix(b"\r\n").unwrap_or(frame);
        let mut cursor = Cursor::new(line);
        let head = Head::parse(&mut cursor).map_err(|(tag, error)| CommandError {
            tag: tag.map(Tag::into_owned),
            error,
        })?;
        match Self::parse_arguments(&head, &mut cursor) {
            Ok(command) => Ok((head.tag, command)),
            Err(error) => Err(CommandError {
                tag: Some(head.tag.into_owned()),
                error,
            }),
        }
    }

    /// What follows the head, to the end of the frame (without its CRLF).
    pub(crate) fn parse_arguments(
        head: &Head<'a>,
        cursor: &mut Cursor<'a>,
    ) -> Result<Self, ParseError> {
        let c = &mut *cursor;
        let command = match head.verb {
            Verb::Capability => Command::Capability,
            Verb::Noop => Command::Noop,
            Verb::Logout => Command::Logout,
            Verb::StartTls => Command::StartTls,
            Verb::Check => Command::Check,
            Verb::Close => Command::Close,
            Verb::Unselect => Command::Unselect,
            Verb::Expunge => Command::Expunge,
            Verb::Idle => Command::Idle,
            Verb::Namespace => Command::Namespace,
            Verb::Unknown => {
                c.advance(usize::MAX);
                return Ok(Command::Unknown(Atom::known(head.name)));
            }
            _ => {
                c.space()?;
                with_arguments(head.verb, c)?
            }
        };
        c.take_while(|b| b == b' ');
        if c.is_done() {
            Ok(command)
        } else {
            Err(c.error("more than the command's arguments", "RFC 3501 9 command"))
        }
    }
}

fn with_arguments<'a>(verb: Verb, c: &mut Cursor<'a>) -> Result<Command<'a>, ParseError> {
    Ok(match verb {
        Verb::Id => Command::Id(id(c)?),
        Verb::Login => {
            let user = Chars::parse(c)?;
            c.space()?;
            let password = Chars::parse(c)?;
            Command::Login(Login {
                user,
                password: password.as_bytes().into(),
            })
        }
        Verb::Authenticate => {
            let mechanism = Atom::known(c.atom()?);
            let initial = if c.rest().starts_with(b" ") && c.rest().trim_ascii() != b"" {
                c.advance(1);
                let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
                Some(c.take_while(base64).into())
            } else {
                None
            };
            Command::Authenticate(Authenticate { mechanism, initial })
        }
        Verb::Enable => {
            let mut names = Vec::new();
            loop {
                names.push(Capability::parse(c)?);
                if !c.rest().starts_with(b" ") || c.rest() == b" " {
                    break;
                }
                c.advance(1);
            }
            Command::Enable(names)
        }
        Verb::Select => Command::Select(mailbox(c)?),
        Verb::Examine => Command::Examine(mailbox(c)?),
        Verb::Create => Command::Create(mailbox(c)?),
        Verb::Delete => Command::Delete(mailbox(c)?),
        Verb::Subscribe => Command::Subscribe(mailbox(c)?),
        Verb::Unsubscribe => Command::Unsubscribe(mailbox(c)?),
        Verb::Rename => {
            let from = mailbox(c)?;
            c.space()?;
            Command::Rename {
                from,
                to: mailbox(c)?,
            }
        }
        Verb::List | Verb::Lsub => {
            let reference = Mailbox::parse(c)?;
            c.space()?;
            let pattern = Pattern::parse(c)?;
            match verb {
                Verb::List => Command::List { reference, pattern },
                _ => Command::Lsub { reference, pattern },
            }
        }
        Verb::Status => {
            let mailbox = mailbox(c)?;
            c.space()?;
            Command::Status {
                mailbox,
                attributes: status_attributes(c)?,
            }
        }
        Verb::Append => Command::Append(append(c)?),
        Verb::UidExpunge => Command::UidExpunge(SequenceSet::parse(c)?),
        Verb::Search => Command::Search(Search::parse(c, false)?),
        Verb::UidSearch => Command::Search(Search::parse(c, true)?),
        Verb::Fetch => Command::Fetch(Fetch::parse(c, false)?),
        Verb::UidFetch => Command::Fetch(Fetch::parse(c, true)?),
        Verb::Store => Command::Store(Store::parse(c, false)?),
        Verb::UidStore => Command::Store(Store::parse(c, true)?),
        Verb::Copy => Command::Copy(copy(c, false)?),
        Verb::UidCopy => Command::Copy(copy(c, true)?),
        Verb::Move => Command::Move(copy(c, false)?),
        Verb::UidMove => Command::Move(copy(c, true)?),
        // Those without arguments are above.
        _ => return Err(c.error("arguments to a command that has none", "RFC 3501 9 command")),
    })
}

/// A mailbox that a command does something with: not the empty name.
fn mailbox<'a>(c: &mut Cursor<'a>) -> Result<Mailbox<'a>, ParseError> {
    let at = c.clone();
    let mailbox = Mailbox::parse(c)?;
    if mailbox.is_empty() {
        return Err(at.error("an empty mailbox name", "RFC 3501 5.1"));
    }
    Ok(mailbox)
}

fn copy<'a>(c: &mut Cursor<'a>, uid: bool) -> Result<Copy<'a>, ParseError> {
    let set = SequenceSet::parse(c)?;
    c.space()?;
    Ok(Copy {
        set,
        mailbox: mailbox(c)?,
        uid,
    })
}

/// `id-params-list` (RFC 2971 section 4).
type Fields<'a> = Vec<(Chars<'a>, Option<Chars<'a>>)>;

fn id<'a>(c: &mut Cursor<'a>) -> Result<Option<Fields<'a>>, ParseError> {
    const RULE: &str = "RFC 2971 4";
    const FIELDS: usize = 30;
    if c.eat_word("NIL") {
        return Ok(None);
    }
    c.expect(b'(', "expected `(` or NIL", RULE)?;
    let mut fields = Vec::new();
    if c.eat(b')') {
        return Ok(Some(fields));
    }
    loop {
        if fields.len() == FIELDS {
            return Err(c.error("more than 30 fields", RULE));
        }
        let at = c.clone();
        let text = |bytes| Chars::new(bytes).map_err(|e| at.error(e.what, e.rule));
        let name = text(c.string()?)?;
        c.space()?;
        let value = c.nstring()?.map(text).transpose()?;
        fields.push((name, value));
        if c.eat(b')') {
            return Ok(Some(fields));
        }
        c.space()?;
    }
}

fn status_attributes(c: &mut Cursor<'_>) -> Result<Vec<StatusAttribute>, ParseError> {
    const RULE: &str = "RFC 3501 9 status-att";
    c.expect(b'(', "expected `(` before status items", RULE)?;
    let mut attributes = Vec::new();
    loop {
        let at = c.clone();
        let word = c.ascii_while(|b| b.is_ascii_alphabetic());
        let mut all = StatusAttribute::ALL.into_iter();
        let found = all.find_map(|(name, a)| name.eq_ignore_ascii_case(word).then_some(a));
        attributes.push(found.ok_or_else(|| at.error("not a status item", RULE))?);
        if c.eat(b')') {
            return Ok(attributes);
        }
        c.space()?;
    }
}

fn append<'a>(c: &mut Cursor<'a>) -> Result<Append<'a>, ParseError> {
    const RULE: &str = "RFC 3501 9 append";
    let mailbox = mailbox(c)?;
    c.space()?;
    let flags = if c.peek() == Some(b'(') {
        let flags = flag_list(c)?;
        c.space()?;
        flags
    } else {
        Vec::new()
    };
    let date = if c.peek() == Some(b'"') {
        let date = DateTime::parse(c)?;
        c.space()?;
        Some(date)
    } else {
        None
    };
    let literal = Literal::parse(c.rest()).map_err(|what| c.error(what, RULE))?;
    c.advance(usize::MAX);
    Ok(Append {
        mailbox,
        flags,
        date,
        size: literal.size(),
    })
}

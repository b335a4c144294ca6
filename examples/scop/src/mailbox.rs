//! `scop mailbox names|list|read|watch`: what is on an IMAP server.

use std::{
    io::{self, Write},
    num::NonZeroU32,
};

use clap::{Args, Subcommand};
use scop_imap_proto::{
    client::{Client, Config, Event, Handle, Refusal, Rejected, State, TlsPolicy},
    command::{FetchAttribute, StatusAttribute},
    response::{Code, Condition, Data, Fetch, FetchItem, StatusItem, Value},
    types::{Capability, Mailbox, Pattern, Section, SeqNumber, SequenceSet},
};
use scop_mime::Message;

use crate::{
    connect::{Connect, Connection, TlsMode},
    exit::{Failure, code},
    mime::{people, printable},
    progress::Progress,
    trace::Protocol,
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print the names of all mailboxes, with how many messages are in each
    Names(Names),
    /// Print a line for each message: UID, date, size, flags, sender, subject
    List(List),
    /// Write messages to standard output, byte for byte; they stay unseen
    Read(Read),
    /// Wait for mail, and print a line for each message that arrives
    Watch(Watch),
}

#[derive(Args)]
pub(crate) struct Names {
    #[command(flatten)]
    connect: Connect,
}

#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(crate) struct Read {
    #[command(flatten)]
    place: Place,
    /// The messages' UIDs, as `list` prints them
    #[arg(required = true, value_name = "UID")]
    uid: Vec<NonZeroU32>,
}

#[derive(Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    place: Place,
    /// End after so many messages
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

#[derive(Args)]
struct Place {
    #[command(flatten)]
    connect: Connect,
    /// The mailbox
    #[arg(long, value_name = "NAME", default_value = "INBOX")]
    mailbox: String,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Names(args) => names(&args),
        Command::List(args) => list(&args),
        Command::Read(args) => read(&args),
        Command::Watch(args) => watch(&args),
    }
}

fn names(args: &Names) -> Result<(), Failure> {
    let mut session = Session::open(&args.connect)?;
    let usage = |e| Failure::new(code::USAGE, e);
    let reference = Mailbox::new("").map_err(usage)?;
    let everything = Pattern::new("*").map_err(usage)?;
    let mut found = Vec::new();
    session.run(
        |client| client.list(reference, everything),
        |event| {
            if let Event::Data(Data::List(list)) = event {
                found.push(list);
            }
            Ok(())
        },
    )?;
    for list in found {
        use scop_imap_proto::response::Attribute;
        let name = printable(list.mailbox.as_str());
        if list.attributes.contains(&Attribute::NoSelect) {
            line(&name)?;
            continue;
        }
        let (mut messages, mut unseen) = (0, 0);
        let wanted = vec![StatusAttribute::Messages, StatusAttribute::Unseen];
        let mailbox = list.mailbox;
        session.run(
            |client| client.status(mailbox, wanted),
            |event| {
                if let Event::Data(Data::Status { items, .. }) = event {
                    for item in items {
                        match item {
                            StatusItem::Messages(n) => messages = n,
                            StatusItem::Unseen(n) => unseen = n,
                            _ => {}
                        }
                    }
                }
                Ok(())
            },
        )?;
        line(&format!("{name}\t{messages} messages, {unseen} unseen"))?;
    }
    session.logout()
}

fn list(args: &List) -> Result<(), Failure> {
    let mut session = Session::open(&args.place.connect)?;
    session.examine(&args.place.mailbox)?;
    session.print_from(None)?;
    session.logout()
}

fn read(args: &Read) -> Result<(), Failure> {
    let mut session = Session::open(&args.place.connect)?;
    session.examine(&args.place.mailbox)?;
    let mut missing = Vec::new();
    for &uid in &args.uid {
        if !session.copy_out(uid)? {
            missing.push(uid.to_string());
        }
    }
    session.logout()?;
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        code::NO_INPUT,
        format_args!(
            "{} has no message with UID {}",
            args.place.mailbox,
            missing.join(", ")
        ),
    ))
}

fn watch(args: &Watch) -> Result<(), Failure> {
    let mut session = Session::open(&args.place.connect)?;
    if !session.client().offers(&Capability::Idle) {
        return Err(Failure::new(
            code::UNAVAILABLE,
            "the server does not offer IDLE, so it cannot be watched",
        ));
    }
    let mut next = session.examine(&args.place.mailbox)?;
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        session.idle()?;
        // What arrived, whatever woke us: others may have taken it away again.
        let printed = session.print_from(Some(next))?;
        left = left.saturating_sub(printed.count);
        next = printed.next.max(next);
    }
    session.logout()
}

fn line(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let done = writeln!(out, "{text}").and_then(|()| out.flush());
    done.map_err(|e| Failure::io("standard output", &e))
}

/// What was printed, and the least UID that was not.
struct Printed {
    count: u64,
    next: u32,
}

/// A server where we are logged in.
struct Session {
    connection: Connection<Client>,
}

impl Session {
    fn open(connect: &Connect) -> Result<Session, Failure> {
        let policy = match connect.tls() {
            TlsMode::None => TlsPolicy::Never,
            TlsMode::Implicit | TlsMode::Starttls => TlsPolicy::Required,
        };
        let mut config = Config::new().tls(policy);
        config.allow_plaintext_auth = connect.allows_password_in_clear();
        let credentials = connect.credentials()?;
        let connection = connect.open(Client::new(config), Protocol::Imap)?;
        let mut session = Session { connection };
        while session.next()? != Event::Ready {}
        if session.client().state() == State::NotAuthenticated {
            let credentials = credentials.ok_or_else(|| {
                Failure::new(
                    code::USAGE,
                    "the server wants a login: give --user and --password-file",
                )
            })?;
            let done = session.run(
                |client| match client.authenticate(credentials.clone()) {
                    Err(Rejected {
                        why: Refusal::NoMechanism,
                        ..
                    }) => client.login(&credentials),
                    taken => taken,
                },
                |_| Ok(()),
            );
            done.map_err(|e| e.with_code(code::NO_PERMISSION))?;
        }
        Ok(session)
    }

    fn client(&mut self) -> &mut Client {
        self.connection.machine_mut()
    }

    fn next(&mut self) -> Result<Event, Failure> {
        loop {
            let next = self.connection.next();
            match next.map_err(|e| Failure::connection(&e))? {
                // The server's alerts are for the user to see (RFC 9051 section 7.1).
                Some(Event::Condition { text, .. }) if text.code == Some(Code::Alert) => {
                    let words = String::from_utf8_lossy(text.text.as_bytes()).into_owned();
                    crate::exit::tell(format_args!("scop: the server says: {}", printable(&words)));
                }
                Some(event) => return Ok(event),
                None => {
                    return Err(Failure::new(
                        code::TEMPORARY,
                        "the server closed the connection",
                    ));
                }
            }
        }
    }

    /// Runs a command to its end; what comes on the way goes to `each`.
    fn run(
        &mut self,
        command: impl FnOnce(&mut Client) -> Result<Handle, Rejected>,
        mut each: impl FnMut(Event) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let running = command(self.client()).map_err(|e| Failure::new(code::UNAVAILABLE, e))?;
        loop {
            match self.next()? {
                Event::Done {
                    handle,
                    condition,
                    text,
                } if handle == running => {
                    if condition == Condition::Ok {
                        return Ok(());
                    }
                    let words = String::from_utf8_lossy(text.text.as_bytes()).into_owned();
                    return Err(Failure::new(
                        code::UNAVAILABLE,
                        format_args!("the server refuses: {}", printable(&words)),
                    ));
                }
                event => each(event)?,
            }
        }
    }

    /// Opens a mailbox without changing it; gives the UID that comes next.
    fn examine(&mut self, name: &str) -> Result<u32, Failure> {
        let usage = |e| Failure::new(code::USAGE, format_args!("--mailbox {name}: {e}"));
        let mailbox = Mailbox::new(name).map_err(usage)?;
        let mut next = 1;
        self.run(
            |client| client.examine(mailbox),
            |event| {
                if let Event::Condition { text, .. } = event
                    && let Some(Code::UidNext(uid)) = text.code
                {
                    next = uid.get();
                }
                Ok(())
            },
        )?;
        Ok(next)
    }

    /// A line for each message; only those from a UID on, if one is given.
    fn print_from(&mut self, from: Option<u32>) -> Result<Printed, Failure> {
        let least = from.and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let set = SequenceSet::range(SeqNumber::Number(least), SeqNumber::Largest);
        let names = ["FROM", "SUBJECT", "DATE"];
        let section = Section::header_fields(&[], names);
        let section = section.map_err(|e| Failure::new(code::DATA, e))?;
        let wanted = vec![
            FetchAttribute::Uid,
            FetchAttribute::Flags,
            FetchAttribute::Rfc822Size,
            FetchAttribute::InternalDate,
            FetchAttribute::Section {
                section,
                partial: None,
                peek: true,
            },
        ];
        let mut printed = Printed { count: 0, next: 0 };
        // The bytes of a large header come beforehand.
        let mut large = Vec::new();
        self.run(
            |client| client.uid_fetch(set, wanted),
            |event| {
                match event {
                    Event::Begin { .. } => large.clear(),
                    Event::Chunk { data, .. } => large.extend_from_slice(&data),
                    Event::Data(Data::Fetch(fetch)) => {
                        // `n:*` always names the last message, and others may be told
                        // of unasked.
                        let uid = fetch.uid().map_or(0, NonZeroU32::get);
                        if let Some(text) = summary(&fetch, &large)
                            && uid >= least.get()
                        {
                            line(&format!("{uid}\t{text}"))?;
                            printed.count += 1;
                            printed.next = printed.next.max(uid.saturating_add(1));
                        }
                        large.clear();
                    }
                    _ => {}
                }
                Ok(())
            },
        )?;
        Ok(printed)
    }

    /// Writes a message to standard output; whether there is one.
    fn copy_out(&mut self, uid: NonZeroU32) -> Result<bool, Failure> {
        let wanted = vec![FetchAttribute::Section {
            section: Section::whole(),
            partial: None,
            peek: true,
        }];
        let failed = |e: io::Error| Failure::io("standard output", &e);
        let mut out = io::stdout().lock();
        let mut progress = None;
        let mut found = false;
        self.run(
            |client| client.uid_fetch(SequenceSet::one(uid), wanted),
            |event| {
                match event {
                    Event::Chunk { data, left } => {
                        found = true;
                        let total = data.len() as u64 + left;
                        progress
                            .get_or_insert_with(|| Progress::new("reading", Some(total)))
                            .add(data.len());
                        out.write_all(&data).map_err(failed)?;
                    }
                    Event::Data(Data::Fetch(fetch)) => {
                        for item in &fetch.items {
                            if let FetchItem::Section {
                                value: Value::Inline(bytes),
                                ..
                            } = item
                            {
                                found = true;
                                out.write_all(bytes).map_err(failed)?;
                            }
                        }
                    }
                    _ => {}
                }
                Ok(())
            },
        )?;
        out.flush().map_err(failed)?;
        Ok(found)
    }

    /// Waits until the mailbox grows, or so long that it is time to ask.
    fn idle(&mut self) -> Result<(), Failure> {
        let client = self.client();
        let running = client
            .idle()
            .map_err(|e| Failure::new(code::UNAVAILABLE, e))?;
        loop {
            match self.next()? {
                Event::Data(Data::Exists(_)) | Event::IdleDue => {
                    // Said twice, it is done already.
                    let _ = self.client().done();
                }
                Event::Done { handle, .. } if handle == running => return Ok(()),
                _ => {}
            }
        }
    }

    fn logout(&mut self) -> Result<(), Failure> {
        let client = self.client();
        client
            .logout()
            .map_err(|e| Failure::new(code::UNAVAILABLE, e))?;
        loop {
            match self.connection.next() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(e) => return Err(Failure::connection(&e)),
            }
        }
    }
}

/// Date, size, flags, sender and subject; `None` for a FETCH without the header.
fn summary(fetch: &Fetch, large: &[u8]) -> Option<String> {
    let (mut date, mut size, mut header) = (String::new(), 0, None);
    let mut flags = Vec::new();
    for item in &fetch.items {
        match item {
            FetchItem::Rfc822Size(n) => size = *n,
            FetchItem::InternalDate(at) => date = at.to_string().trim_matches('"').to_owned(),
            FetchItem::Flags(all) => flags = all.iter().map(ToString::to_string).collect(),
            FetchItem::Section { value, .. } => {
                header = Some(match value {
                    Value::Inline(bytes) => &bytes[..],
                    Value::Streamed(_) => large,
                    Value::Nil => b"",
                });
            }
            _ => {}
        }
    }
    let message = Message::parse(header?);
    let header = message.header();
    Some(format!(
        "{}\t{size}\t{}\t{}\t{}",
        date.trim(),
        flags.join(" "),
        printable(&people(&header.from())),
        printable(&header.subject().unwrap_or_default()),
    ))
}

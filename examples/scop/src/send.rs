//! `scop send`: one message to one server, streamed from its file.

use std::{collections::VecDeque, path::PathBuf};

use bytes::Bytes;
use clap::Args;
use scop_smtp_proto::{
    Body, Client, ClientConfig, ClientEvent as Event, ClientName, Extension, ForwardPath, Handle,
    Mail, Mailbox, Rcpt, Refusal, Rejected, Reply, ReversePath, TlsPolicy,
};

use crate::{
    connect::{Connect, Connection, TlsMode},
    exit::{Failure, code},
    input::{Pieces, Source, Survey},
    progress::Progress,
    trace::Protocol,
};

#[derive(Args)]
pub(crate) struct Send {
    #[command(flatten)]
    connect: Connect,
    /// Where bounces go; empty for a message that gets none
    #[arg(long, value_name = "ADDRESS")]
    from: String,
    /// Where the message goes; repeat it for more
    #[arg(long, value_name = "ADDRESS", required = true)]
    to: Vec<String>,
    /// What this computer calls itself in EHLO
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    name: String,
    /// The message; - or nothing for standard input. Line ends of Unix become CRLF
    file: Option<PathBuf>,
}

pub(crate) fn run(args: &Send) -> Result<(), Failure> {
    let source = Source::new(args.file.clone());
    if source.is_stdin() && args.connect.reads_stdin() {
        return Err(Failure::new(
            code::USAGE,
            "the password and the message cannot both come from standard input",
        ));
    }
    let usage = |what: &str, text: &str, e: &dyn std::fmt::Display| {
        Failure::new(code::USAGE, format_args!("{what} {text}: {e}"))
    };
    let from = match args.from.as_str() {
        "" | "<>" => ReversePath::Null,
        text => {
            let mailbox: Mailbox<'static> = text.parse().map_err(|e| usage("--from", text, &e))?;
            ReversePath::from(mailbox)
        }
    };
    let mut to = VecDeque::new();
    for text in &args.to {
        let mailbox: Mailbox<'static> = text.parse().map_err(|e| usage("--to", text, &e))?;
        to.push_back(ForwardPath::from(mailbox));
    }
    let name = ClientName::new(&args.name).map_err(|e| usage("--name", &args.name, &e))?;
    let policy = match args.connect.tls() {
        TlsMode::None => TlsPolicy::Never,
        TlsMode::Implicit | TlsMode::Starttls => TlsPolicy::Required,
    };
    let config = ClientConfig::new(name)
        .tls(policy)
        .auth_in_clear(args.connect.allows_password_in_clear());
    let credentials = args.connect.credentials()?;
    let survey = source.survey()?;
    let mut message = Message {
        pieces: source.pieces()?,
        held: Bytes::new(),
        progress: Progress::new("sending", survey.map(|s| s.size)),
    };

    let mut connection = args.connect.open(Client::new(config), Protocol::Smtp)?;
    let mut sending = Sending {
        to,
        ..Sending::default()
    };
    while let Some(event) = next(&mut connection)? {
        let client = connection.machine_mut();
        match event {
            Event::Ready => match credentials.clone() {
                Some(credentials) => {
                    let handle = client.auth(credentials);
                    sending.auth = Some(handle.map_err(|e| refused(&e))?);
                }
                None => sending.begin(client, &from, survey)?,
            },
            Event::Reply { handle, reply } if Some(handle) == sending.auth => {
                if !reply.is_positive() {
                    sending.failed = Some(Failure::new(
                        code::NO_PERMISSION,
                        format_args!("the login was refused: {reply}"),
                    ));
                    let _ = client.quit();
                    continue;
                }
                sending.begin(client, &from, survey)?;
            }
            Event::Room if sending.asks() => sending.ask(client)?,
            Event::Body(_) | Event::Room => message.pour(client)?,
            Event::Reply { handle, reply } => sending.replied(handle, reply),
            Event::NotSent { handle, .. } => sending.unsent |= Some(handle) == sending.data,
            Event::Closing(reply) => sending.closing = Some(reply),
            _ => {}
        }
        if sending.is_over() && !std::mem::replace(&mut sending.quit, true) {
            // One that cannot be said goodbye to is left without.
            if connection.machine_mut().quit().is_err() {
                break;
            }
        }
    }
    drop(message);
    sending.report()
}

fn next(connection: &mut Connection<Client>) -> Result<Option<Event>, Failure> {
    connection.next().map_err(|e| Failure::connection(&e))
}

fn refused(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(code::UNAVAILABLE, why)
}

/// The message on its way from its file into the machine.
struct Message {
    pieces: Pieces,
    held: Bytes,
    progress: Progress,
}

impl Message {
    /// Gives the machine as much as it takes; it says `Room` when there is more.
    fn pour(&mut self, client: &mut Client) -> Result<(), Failure> {
        let misuse = |e: scop_smtp_proto::BodyError| Failure::new(code::DATA, e);
        loop {
            if self.held.is_empty() {
                match self.pieces.next()? {
                    Some(piece) => self.held = piece,
                    None => return client.finish().map_err(misuse),
                }
            }
            let before = self.held.len();
            client.body(&mut self.held).map_err(misuse)?;
            self.progress.add(before - self.held.len());
            if !self.held.is_empty() {
                return Ok(());
            }
        }
    }
}

/// What was asked of the server and what it said.
#[derive(Default)]
struct Sending {
    auth: Option<Handle>,
    mail: Option<Handle>,
    /// Recipients not named yet.
    to: VecDeque<ForwardPath<'static>>,
    rcpt: Vec<(Handle, ForwardPath<'static>)>,
    data: Option<Handle>,
    refused: Vec<(String, Reply)>,
    outcome: Option<Reply>,
    /// The message was not asked for: nobody was there to get it.
    unsent: bool,
    closing: Option<Reply>,
    failed: Option<Failure>,
    quit: bool,
}

impl Sending {
    fn begin(
        &mut self,
        client: &mut Client,
        from: &ReversePath<'static>,
        survey: Option<Survey>,
    ) -> Result<(), Failure> {
        let mut mail = Mail::new(from.clone());
        mail.size = survey.map(|s| s.size);
        // Standard input cannot be looked at beforehand: it may be anything where that
        // is allowed, and is ASCII, or not sent, where it is not.
        let offered = client.capabilities().has(Extension::EightBitMime);
        if offered || survey.is_some_and(|s| !s.ascii) {
            mail.body = Some(Body::EightBitMime);
        }
        self.mail = Some(client.mail(mail).map_err(|e| refused(&e))?);
        self.ask(client)
    }

    /// Names the recipients, as many as there is room for, and then asks to go on.
    fn ask(&mut self, client: &mut Client) -> Result<(), Failure> {
        while let Some(path) = self.to.pop_front() {
            match client.rcpt(Rcpt::new(path.clone())) {
                Ok(handle) => self.rcpt.push((handle, path)),
                Err(Rejected {
                    why: Refusal::NoRoom,
                    ..
                }) => {
                    self.to.push_front(path);
                    return Ok(());
                }
                Err(e) => return Err(refused(&e)),
            }
        }
        match client.data() {
            Ok(handle) => self.data = Some(handle),
            Err(Refusal::NoRoom) => {}
            Err(e) => return Err(refused(&e)),
        }
        Ok(())
    }

    fn replied(&mut self, handle: Handle, reply: Reply) {
        if let Some((_, path)) = self.rcpt.iter().find(|(h, _)| *h == handle) {
            if !reply.is_positive() {
                self.refused.push((path.to_string(), reply));
            }
        } else if (Some(handle) == self.mail && !reply.is_positive()) || Some(handle) == self.data {
            self.outcome = Some(reply);
        }
    }

    /// Commands wait for room.
    fn asks(&self) -> bool {
        self.mail.is_some() && self.data.is_none() && self.outcome.is_none()
    }

    /// There is nothing left to wait for but the goodbye.
    fn is_over(&self) -> bool {
        self.outcome.is_some() || self.unsent
    }

    fn report(mut self) -> Result<(), Failure> {
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        for (path, reply) in &self.refused {
            crate::exit::tell(format_args!("scop: {path} was refused: {reply}"));
        }
        let fail = |reply: &Reply, what: &str| {
            let code = if reply.is_permanent() {
                code::UNAVAILABLE
            } else {
                code::TEMPORARY
            };
            Err(Failure::new(code, format_args!("{what}: {reply}")))
        };
        match (&self.outcome, self.refused.first(), &self.closing) {
            (Some(reply), None, _) if reply.is_positive() => Ok(()),
            (Some(reply), Some((_, one)), _) if reply.is_positive() => {
                fail(one, "the message went to the others only")
            }
            (Some(reply), ..) => fail(reply, "the message was refused"),
            (None, Some((_, reply)), _) => fail(reply, "no recipient was accepted"),
            (None, None, Some(reply)) => fail(reply, "the server closed the connection"),
            (None, None, None) => Err(Failure::new(
                code::TEMPORARY,
                "the connection ended before the message was accepted",
            )),
        }
    }
}

//! IMAP.

use std::{cell::OnceCell, num::NonZeroU32, sync::Arc};

use bytes::Bytes;
use scop_imap_proto::{
    client::{Client, Config, Event, TlsPolicy},
    command::{Command, FetchAttribute},
    response::{Condition, Data, Fetch, FetchItem, RespText, Value},
    server::{Refused, Selected, Server, ServerConfig, ServerEvent},
    types::{Mailbox, Section, SequenceSet, Tag},
};
use scop_sasl::Credentials;

use super::{AREA, End, message, talk};
use crate::measure::{Row, Unit};

thread_local! {
    static CONFIG: OnceCell<Arc<ServerConfig>> = const { OnceCell::new() };
}

pub fn server() -> Server {
    let make = || {
        let mut config = ServerConfig::new();
        config.login_in_clear = true;
        Arc::new(config)
    };
    Server::new(CONFIG.with(|config| config.get_or_init(make).clone()))
}

pub fn client() -> Client {
    let mut config = Config::new().tls(TlsPolicy::Never);
    config.allow_plaintext_auth = true;
    Client::new(config)
}

/// What the server's caller still has to say.
#[derive(Default)]
pub struct Caller {
    message: Bytes,
    messages: u32,
    /// The FETCH under way: its tag, the next message.
    fetch: Option<(Tag<'static>, u32)>,
    rest: Bytes,
}

impl Caller {
    pub fn on_event(&mut self, server: &mut Server, event: ServerEvent) {
        let ok = || (Condition::Ok, RespText::new("done"));
        match event {
            ServerEvent::Login { tag, .. } => {
                let (condition, text) = ok();
                server.done(&tag, condition, text).expect("it was asked");
            }
            ServerEvent::Command { tag, command } => match command {
                Command::Select(_) => {
                    let selected = Selected {
                        flags: Vec::new(),
                        permanent_flags: Vec::new(),
                        exists: self.messages,
                        recent: 0,
                        unseen: None,
                        uid_validity: NonZeroU32::MIN,
                        uid_next: NonZeroU32::MIN.saturating_add(self.messages),
                        read_only: false,
                    };
                    server.select_done(&tag, &selected).expect("it was asked");
                }
                Command::Fetch(_) => {
                    self.fetch = Some((tag, 1));
                    self.go_on(server);
                }
                other => panic!("{other:?}"),
            },
            ServerEvent::Room => self.go_on(server),
            _ => {}
        }
    }

    /// As much of the FETCH as there is room for.
    fn go_on(&mut self, server: &mut Server) {
        loop {
            if !self.rest.is_empty() {
                server.body(&mut self.rest).expect("announced");
                if !self.rest.is_empty() {
                    return;
                }
            }
            let Some((tag, number)) = &mut self.fetch else {
                return;
            };
            if *number > self.messages {
                let text = RespText::new("done");
                server.done(tag, Condition::Ok, text).expect("asked");
                self.fetch = None;
                return;
            }
            let id = NonZeroU32::new(*number).expect("counted from 1");
            let section = FetchItem::Section {
                section: Section::default(),
                origin: None,
                value: Value::Streamed(self.message.len() as u64),
            };
            let items = vec![FetchItem::Uid(id), section];
            match server.data(&Data::Fetch(Fetch { number: id, items })) {
                Ok(()) => {}
                Err(Refused::Full) => return,
                Err(misuse) => panic!("{misuse}"),
            }
            *number += 1;
            self.rest = self.message.clone();
        }
    }
}

/// The client's side: logs in and selects; whether that is done.
pub fn log_in(client: &mut Client, event: &Event, step: &mut u32) -> bool {
    if !matches!(event, Event::Ready | Event::Done { .. }) {
        return false;
    }
    *step += 1;
    match *step {
        1 => {
            let credentials = Credentials::new("ann", "secret").expect("credentials");
            client.authenticate(credentials).expect("ready");
        }
        2 => drop(client.select(Mailbox::INBOX).expect("logged in")),
        _ => return true,
    }
    false
}

/// A server with a mailbox selected.
pub fn idle() -> End<Server> {
    let (mut client, mut server) = (End::new(client()), End::new(server()));
    let (mut caller, mut step) = (Caller::default(), 0);
    talk(
        &mut client,
        &mut server,
        |client, event| _ = log_in(client, &event, &mut step),
        |server, event| caller.on_event(server, event),
    );
    assert_eq!(step, 3);
    server
}

pub fn row(name: &str, size: usize, messages: u32) -> Row {
    let message = message(size);
    let unit = Unit::Rate {
        items: u64::from(messages),
    };
    Row::new(AREA, name, unit, move |tally| {
        let (mut client, mut server) = (End::new(client()), End::new(server()));
        let mut caller = Caller {
            message: message.clone(),
            messages,
            ..Caller::default()
        };
        let mut step = 0;
        talk(
            &mut client,
            &mut server,
            |client, event| match event {
                Event::Chunk { data, .. } => tally.bytes(&data),
                Event::Data(Data::Fetch(fetch)) => {
                    tally.item();
                    for item in &fetch.items {
                        match item.value() {
                            Some(Value::Inline(bytes)) => tally.bytes(bytes),
                            Some(Value::Streamed(size)) => tally.number(*size),
                            _ => {}
                        }
                    }
                }
                event => {
                    if log_in(client, &event, &mut step) && step == 3 {
                        let section = FetchAttribute::Section {
                            section: Section::default(),
                            partial: None,
                            peek: true,
                        };
                        let all = SequenceSet::all();
                        client.uid_fetch(all, vec![section]).expect("selected");
                    }
                }
            },
            |server, event| caller.on_event(server, event),
        );
        assert_eq!(step, 4);
    })
}

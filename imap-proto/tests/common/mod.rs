//! A small mail store in memory, to drive the server machine with: one user, a few
//! messages, everything answered at once.
#![allow(dead_code, unreachable_pub)]

use std::{collections::VecDeque, num::NonZeroU32};

use bytes::{Bytes, BytesMut};
use scop_core::{
    Instant, Machine, Next,
    testkit::{Note, Peer},
};
use scop_imap_proto::{
    command::{Command, Fetch, FetchAttribute, Search, SearchKey, StatusAttribute, StoreAction},
    response::{
        Attribute, Code, Condition, Data, Envelope, Fetch as FetchData, FetchItem, List, RespText,
        StatusItem, Value,
    },
    server::{Refused, Selected, Server, ServerConfig, ServerEvent, State},
    types::{Flag, Mailbox, Section, SequenceSet, Tag},
};

pub fn n(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("not zero")
}

#[derive(Clone)]
pub struct Message {
    pub uid: u32,
    pub flags: Vec<Flag<'static>>,
    pub bytes: Bytes,
}

/// What is still to be said for one command.
enum Job {
    Data(Data),
    Body(Bytes),
    Done(Tag<'static>, RespText),
}

/// The caller: INBOX only, and nobody but tim with `secret`.
pub struct Store {
    pub messages: Vec<Message>,
    pub next_uid: u32,
    upload: Vec<u8>,
    upload_flags: Vec<Flag<'static>>,
    jobs: VecDeque<Job>,
}

impl Store {
    pub fn new(messages: &[&[u8]]) -> Store {
        let mut store = Store {
            messages: Vec::new(),
            next_uid: 1,
            upload: Vec::new(),
            upload_flags: Vec::new(),
            jobs: VecDeque::new(),
        };
        for bytes in messages {
            store.add(Bytes::copy_from_slice(bytes), Vec::new());
        }
        store
    }

    fn add(&mut self, bytes: Bytes, flags: Vec<Flag<'static>>) -> u32 {
        let uid = self.next_uid;
        self.next_uid += 1;
        self.messages.push(Message { uid, flags, bytes });
        uid
    }

    fn exists(&self) -> u32 {
        self.messages.len() as u32
    }

    /// Indices of the messages in `set`.
    fn find(&self, set: &SequenceSet, uid: bool) -> Vec<usize> {
        let largest = if uid {
            self.messages.last().map_or(0, |m| m.uid)
        } else {
            self.exists()
        };
        (0..self.messages.len())
            .filter(|&i| {
                let id = if uid {
                    self.messages[i].uid
                } else {
                    i as u32 + 1
                };
                set.contains(id, largest)
            })
            .collect()
    }

    pub fn event(&mut self, server: &mut Server, event: ServerEvent) -> Note {
        let note = match &event {
            ServerEvent::Chunk(bytes) => Note::data(bytes),
            ServerEvent::Room => Note::Silent,
            other => Note::event(other),
        };
        match event {
            ServerEvent::Login { tag, credentials } => {
                let known =
                    credentials.authcid() == "tim" && credentials.password().expose() == b"secret";
                let (condition, text) = if known {
                    (Condition::Ok, RespText::new("welcome"))
                } else {
                    let text = RespText::new("no").with(Code::AuthenticationFailed);
                    (Condition::No, text)
                };
                server.done(&tag, condition, text).unwrap();
            }
            ServerEvent::Append { tag, append } => {
                if append.mailbox.is_inbox() {
                    self.upload.clear();
                    self.upload_flags = append.flags;
                    server.accept_append(&tag).unwrap();
                } else {
                    let text = RespText::new("no such mailbox").with(Code::TryCreate);
                    server.done(&tag, Condition::No, text).unwrap();
                }
            }
            ServerEvent::Chunk(bytes) => self.upload.extend_from_slice(&bytes),
            ServerEvent::AppendEnd { tag, size } => {
                assert_eq!(size, self.upload.len() as u64);
                let bytes = Bytes::from(std::mem::take(&mut self.upload));
                let flags = std::mem::take(&mut self.upload_flags);
                let uid = self.add(bytes, flags);
                let code = Code::AppendUid {
                    uid_validity: n(1),
                    uids: SequenceSet::one(n(uid)),
                };
                let text = RespText::new("stored").with(code);
                self.jobs.push_back(Job::Done(tag, text));
            }
            ServerEvent::Command { tag, command } => self.command(server, &tag, command),
            _ => {}
        }
        self.work(server);
        note
    }

    fn command(&mut self, server: &mut Server, tag: &Tag<'static>, command: Command<'static>) {
        let mut ok = |text: &str| {
            self.jobs
                .push_back(Job::Done(tag.clone(), RespText::new(text)));
        };
        match command {
            Command::Select(mailbox) | Command::Examine(mailbox) => {
                if !mailbox.is_inbox() {
                    let text = RespText::new("no such mailbox").with(Code::NonExistent);
                    return server.done(tag, Condition::No, text).unwrap();
                }
                let flags = vec![Flag::Seen, Flag::Deleted];
                let selected = Selected {
                    flags: flags.clone(),
                    permanent_flags: flags,
                    exists: self.exists(),
                    recent: 0,
                    unseen: None,
                    uid_validity: n(1),
                    uid_next: n(self.next_uid),
                    read_only: false,
                };
                server.select_done(tag, &selected).unwrap();
            }
            Command::List { .. } => {
                self.jobs.push_back(Job::Data(Data::List(List {
                    attributes: vec![Attribute::HasNoChildren],
                    delimiter: Some('/'),
                    mailbox: Mailbox::INBOX,
                })));
                self.jobs
                    .push_back(Job::Done(tag.clone(), RespText::new("done")));
            }
            Command::Status {
                mailbox,
                attributes,
            } => {
                let items = attributes.iter().map(|a| match a {
                    StatusAttribute::Messages => StatusItem::Messages(self.exists()),
                    StatusAttribute::UidNext => StatusItem::UidNext(self.next_uid),
                    _ => StatusItem::Unseen(0),
                });
                let items = items.collect();
                self.jobs
                    .push_back(Job::Data(Data::Status { mailbox, items }));
                self.jobs
                    .push_back(Job::Done(tag.clone(), RespText::new("done")));
            }
            Command::Fetch(fetch) => {
                self.fetch(&fetch);
                self.jobs
                    .push_back(Job::Done(tag.clone(), RespText::new("done")));
            }
            Command::Search(Search { keys, uid, .. }) => {
                let set = match &keys[..] {
                    [SearchKey::Sequence(set)] => set.clone(),
                    _ => SequenceSet::all(),
                };
                let ids = self.find(&set, false).into_iter();
                let ids = ids.map(|i| {
                    n(if uid {
                        self.messages[i].uid
                    } else {
                        i as u32 + 1
                    })
                });
                let ids = ids.collect();
                self.jobs
                    .push_back(Job::Data(Data::Search { ids, mod_seq: None }));
                self.jobs
                    .push_back(Job::Done(tag.clone(), RespText::new("done")));
            }
            Command::Store(store) => {
                for i in self.find(&store.set, store.uid) {
                    let flags = &mut self.messages[i].flags;
                    match store.action {
                        StoreAction::Replace => *flags = store.flags.clone(),
                        StoreAction::Add => flags.extend(store.flags.clone()),
                        StoreAction::Remove => flags.retain(|f| !store.flags.contains(f)),
                    }
                    if !store.silent {
                        let mut items = vec![FetchItem::Flags(flags.clone())];
                        if store.uid {
                            items.push(FetchItem::Uid(n(self.messages[i].uid)));
                        }
                        self.jobs.push_back(Job::Data(Data::Fetch(FetchData {
                            number: n(i as u32 + 1),
                            items,
                        })));
                    }
                }
                self.jobs
                    .push_back(Job::Done(tag.clone(), RespText::new("done")));
            }
            Command::Expunge | Command::UidExpunge(_) => {
                for i in (0..self.messages.len()).rev() {
                    if self.messages[i].flags.contains(&Flag::Deleted) {
                        self.messages.remove(i);
                        self.jobs
                            .push_back(Job::Data(Data::Expunge(n(i as u32 + 1))));
                    }
                }
                self.jobs
                    .push_back(Job::Done(tag.clone(), RespText::new("done")));
            }
            _ => ok("done"),
        }
    }

    fn fetch(&mut self, fetch: &Fetch) {
        for i in self.find(&fetch.set, fetch.uid) {
            let message = &self.messages[i];
            let mut items = Vec::new();
            let mut bodies = Vec::new();
            let whole = message.bytes.clone();
            let header_end = whole
                .windows(4)
                .position(|w| w == b"\r\n\r\n")
                .map_or(whole.len(), |at| at + 4);
            let mut stream = |bytes: Bytes| {
                let value = Value::Streamed(bytes.len() as u64);
                bodies.push(bytes);
                value
            };
            for attribute in &fetch.attributes {
                items.push(match attribute {
                    FetchAttribute::Flags => FetchItem::Flags(message.flags.clone()),
                    FetchAttribute::Uid => FetchItem::Uid(n(message.uid)),
                    FetchAttribute::Rfc822Size => FetchItem::Rfc822Size(whole.len() as u64),
                    FetchAttribute::Rfc822 => FetchItem::Rfc822(stream(whole.clone())),
                    FetchAttribute::Rfc822Header => {
                        FetchItem::Rfc822Header(stream(whole.slice(..header_end)))
                    }
                    FetchAttribute::Envelope => FetchItem::Envelope(Box::new(Envelope {
                        subject: Some(whole.slice(..header_end)),
                        ..Envelope::default()
                    })),
                    FetchAttribute::Section {
                        section, partial, ..
                    } => {
                        let bytes = match partial {
                            Some(p) => {
                                let range = p.of(whole.len() as u64);
                                whole.slice(range.start as usize..range.end as usize)
                            }
                            None => whole.clone(),
                        };
                        FetchItem::Section {
                            section: section.clone(),
                            origin: partial.map(|p| p.offset),
                            value: stream(bytes),
                        }
                    }
                    _ => continue,
                });
            }
            if fetch.uid && !fetch.attributes.contains(&FetchAttribute::Uid) {
                items.push(FetchItem::Uid(n(message.uid)));
            }
            let number = n(i as u32 + 1);
            self.jobs
                .push_back(Job::Data(Data::Fetch(FetchData { number, items })));
            self.jobs.extend(bodies.into_iter().map(Job::Body));
        }
    }

    /// Says as much as is taken.
    fn work(&mut self, server: &mut Server) {
        while let Some(job) = self.jobs.pop_front() {
            match job {
                Job::Data(data) => match server.data(&data) {
                    Ok(()) => {}
                    Err(Refused::Full) => return self.jobs.push_front(Job::Data(data)),
                    Err(misuse) => panic!("{misuse}: {data:?}"),
                },
                Job::Body(mut bytes) => {
                    server.body(&mut bytes).unwrap();
                    if !bytes.is_empty() {
                        return self.jobs.push_front(Job::Body(bytes));
                    }
                }
                Job::Done(tag, text) => server.done(&tag, Condition::Ok, text).unwrap(),
            }
        }
    }
}

pub fn config() -> ServerConfig {
    let mut config = ServerConfig::new();
    config.login_in_clear = true;
    config
}

/// A server with that store, as the testkit wants it.
pub fn peer_with(config: ServerConfig, mut store: Store) -> Peer<'static, Server> {
    Peer::new(
        Server::new(config),
        move |server: &mut Server, _now: Instant, event| store.event(server, event),
    )
}

pub const MESSAGE: &[u8] = b"Subject: a \"b\" \\c\r\nFrom: x@y.z\r\n\r\nHello\r\n.\r\n";

pub fn peer() -> Peer<'static, Server> {
    peer_with(config(), Store::new(&[MESSAGE, b"A: b\r\n\r\n"]))
}

// For tests that drive the machine by hand.

const T: Instant = Instant::ZERO;

/// A server that is logged in, with INBOX selected, all output taken.
pub fn selected(config: ServerConfig) -> (Server, BytesMut) {
    let mut server = Server::new(config);
    let mut store = Store::new(&[MESSAGE, b"x"]);
    let mut input = BytesMut::from("a LOGIN tim secret\r\nb SELECT INBOX\r\n");
    while let Ok(Next::Event(event)) = server.read(T, &mut input) {
        store.event(&mut server, event);
    }
    while server.transmit(T).is_some() {}
    assert_eq!(server.state(), State::Selected);
    (server, input)
}

pub fn command(server: &mut Server, input: &mut BytesMut, line: &str) -> Tag<'static> {
    input.extend_from_slice(line.as_bytes());
    match server.read(T, input) {
        Ok(Next::Event(ServerEvent::Command { tag, .. })) => tag,
        other => panic!("{other:?}"),
    }
}

pub fn sent(server: &mut Server) -> String {
    let mut all = Vec::new();
    while let Some(chunk) = server.transmit(T) {
        all.extend_from_slice(&chunk);
    }
    String::from_utf8_lossy(&all).into_owned()
}

pub fn ok() -> RespText {
    RespText::new("done")
}

pub fn streamed(number: u32, sizes: &[u64]) -> Data {
    let section = |size: &u64| FetchItem::Section {
        section: Section::whole(),
        origin: None,
        value: Value::Streamed(*size),
    };
    Data::Fetch(FetchData {
        number: n(number),
        items: sizes.iter().map(section).collect(),
    })
}

//! The client machine: conversations, laws, adversaries, and against the server.

mod adversaries;
mod both;
#[path = "../common/mod.rs"]
mod common;
mod conversations;
mod laws;
mod refusals;

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use bytes::{Bytes, BytesMut};
use scop_core::testkit::{Note, Peer};
use scop_core::{Channel, Instant, Machine, Next};
use scop_imap_proto::client::{Client, Config, Event, TlsPolicy};
use scop_imap_proto::types::{Mailbox, SequenceSet};
use scop_sasl::Credentials;

/// One thing to do. The next one follows when the client is ready, or done with all.
type Step = Box<dyn FnMut(&mut Client)>;

fn step<T>(mut act: impl FnMut(&mut Client) -> T + 'static) -> Step {
    Box::new(move |client| {
        act(client);
    })
}

/// A caller that does one thing after the other, gives `message` where a message is
/// wanted, and writes down all it hears.
fn caller<'a>(client: Client, steps: Vec<Step>, message: Bytes) -> Peer<'a, Client> {
    let steps = Rc::new(RefCell::new(VecDeque::from(steps)));
    let mut rest = message;
    Peer::new(client, move |client, _now, event| {
        match &event {
            Event::Chunk { data, .. } => return Note::data(data),
            Event::Body(_) | Event::Room => {
                client.body(&mut rest).expect("a message is wanted");
                if event == Event::Room {
                    return Note::Silent;
                }
            }
            Event::Ready | Event::Done { .. } | Event::Idling(_)
                if client.pending() == 0 || matches!(event, Event::Idling(_)) =>
            {
                if let Some(mut step) = steps.borrow_mut().pop_front() {
                    step(client);
                }
            }
            _ => {}
        }
        Note::event(&event)
    })
}

/// A client that needs no TLS, as on loopback.
fn plain() -> Client {
    let mut config = Config::new().tls(TlsPolicy::Never);
    config.allow_plaintext_auth = true;
    Client::new(config)
}

/// A client under implicit TLS.
fn encrypted() -> Client {
    let mut client = Client::new(Config::new());
    client.upgraded(Instant::ZERO, Channel::new());
    client
}

/// A client that has logged in, with INBOX selected if `select`.
fn logged_in(capabilities: &str, select: bool) -> Client {
    let mut client = encrypted();
    let greeting = format!("* PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] hi\r\n");
    assert_eq!(events(&mut client, greeting.as_bytes()), [Event::Ready]);
    if select {
        client.select(Mailbox::INBOX).unwrap();
        assert_eq!(sent(&mut client), "A1 SELECT INBOX\r\n");
        events(&mut client, b"A1 OK [READ-WRITE] done\r\n");
    }
    client
}

/// Everything the client says to `input`, up to the first error.
fn events(client: &mut Client, input: &[u8]) -> Vec<Event> {
    try_events(client, input).expect("no error")
}

fn try_events(client: &mut Client, input: &[u8]) -> Result<Vec<Event>, String> {
    let mut input = BytesMut::from(input);
    let mut all = Vec::new();
    loop {
        match client.read(Instant::from_secs(1), &mut input) {
            Ok(Next::Event(event)) => all.push(event),
            Ok(_) => return Ok(all),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn sent(client: &mut Client) -> String {
    let mut all = Vec::new();
    while let Some(chunk) = client.transmit(Instant::from_secs(1)) {
        all.extend_from_slice(&chunk);
    }
    all.escape_ascii()
        .to_string()
        .replace("\\r\\n", "\r\n")
        .replace("\\\"", "\"")
}

fn tim() -> Credentials {
    Credentials::new("tim", "tanstaaf").unwrap()
}

fn set(text: &str) -> SequenceSet {
    text.parse().unwrap()
}

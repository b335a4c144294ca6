//! Against the server machine of this crate, over links of every kind.

use std::time::Duration;

use bytes::Bytes;
use scop_core::testkit::{Cut, Direction, End, Link, Note, Peer, Sim, netsim, pair};
use scop_imap_proto::client::{Client, Config};
use scop_imap_proto::command::{Append, FetchAttribute, SearchKey, StatusAttribute, StoreAction};
use scop_imap_proto::server::Server;
use scop_imap_proto::types::{Flag, Mailbox, Pattern};
use scop_sasl::Credentials;

use crate::common::{MESSAGE, Store, config, peer_with};
use crate::{caller, set, step};

fn message(size: usize) -> Bytes {
    let mut bytes = b"Subject: lines of dots\r\n\r\n".to_vec();
    while bytes.len() < size {
        bytes.extend_from_slice(b"..\r\n\0\xff) {5}\r\nA1 OK\n");
    }
    Bytes::from(bytes)
}

/// As a literal of a server has it: no NUL is in one (RFC 3501 4.3.1).
fn as_sent(message: &[u8]) -> Vec<u8> {
    let byte = |b: &u8| if *b == 0 { 0x80 } else { *b };
    message.iter().map(byte).collect()
}

/// STARTTLS, login, and some of everything.
fn client<'a>(message: &Bytes) -> Peer<'a, Client> {
    let size = message.len() as u64;
    let tim = Credentials::new("tim", "secret").unwrap();
    let steps = vec![
        step(move |c| c.authenticate(tim.clone()).unwrap()),
        step(|c| {
            c.enable(vec![scop_imap_proto::types::Capability::CondStore])
                .unwrap()
        }),
        step(|c| {
            c.id(vec![]).unwrap();
            c.namespace().unwrap();
            c.list(Mailbox::new("").unwrap(), Pattern::new("*").unwrap())
                .unwrap();
            c.status(Mailbox::INBOX, vec![StatusAttribute::Messages])
                .unwrap()
        }),
        step(|c| {
            c.append(Append {
                mailbox: Mailbox::new("nowhere").unwrap(),
                flags: vec![],
                date: None,
                size: 0,
            })
            .unwrap()
        }),
        step(move |c| {
            c.append(Append {
                mailbox: Mailbox::INBOX,
                flags: vec![Flag::Seen],
                date: None,
                size,
            })
            .unwrap()
        }),
        step(|c| c.select(Mailbox::INBOX).unwrap()),
        step(|c| {
            c.fetch(
                set("1:*"),
                vec![FetchAttribute::Envelope, FetchAttribute::Flags],
            )
            .unwrap();
            c.uid_search(vec![SearchKey::All]).unwrap();
            c.uid_fetch(set("3"), vec![FetchAttribute::Rfc822]).unwrap()
        }),
        step(|c| {
            c.uid_store(set("1"), StoreAction::Add, vec![Flag::Deleted])
                .unwrap()
        }),
        step(|c| c.expunge().unwrap()),
        step(|c| c.idle().unwrap()),
        step(|c| c.done().unwrap()),
        step(|c| c.close_mailbox().unwrap()),
        step(|c| c.logout().unwrap()),
    ];
    caller(Client::new(Config::new()), steps, message.clone())
}

fn server() -> Peer<'static, Server> {
    let mut config = config();
    config.login_in_clear = false;
    config.starttls = true;
    // Some of the links are slower than a server puts up with.
    config.limits.bytes_per_second = 0;
    config.limits.login_timeout = Duration::from_secs(100_000);
    config.limits.idle_timeout = Duration::from_secs(100_000);
    config.limits.write_timeout = Duration::from_secs(100_000);
    peer_with(config, Store::new(&[MESSAGE, b"A: b\r\n\r\n"]))
}

/// How often each word stands at the start of a note.
fn count(sim: &Sim, word: &str) -> usize {
    let starts = |n: &&Note| matches!(n, Note::Event(e) if e.starts_with(word));
    sim.client.notes.iter().filter(starts).count()
}

fn data(notes: &[Note]) -> Vec<u8> {
    let data = notes.iter().filter_map(|n| match n {
        Note::Data(bytes) => Some(&bytes[..]),
        Note::Event(_) | Note::Silent => None,
    });
    data.collect::<Vec<_>>().concat()
}

fn check(sim: &Sim, message: &Bytes) {
    let ended = (&sim.client.end, &sim.server.end);
    assert_eq!(
        ended,
        (&End::Closed, &End::Closed),
        "{}\n{:?}",
        sim.transcript(),
        sim.client
    );
    assert!(data(&sim.server.notes) == message[..], "what was appended");
    assert!(
        data(&sim.client.notes) == as_sent(message),
        "what was fetched"
    );
    assert_eq!(count(sim, "Done"), 17, "{:?}", sim.client);
    assert_eq!(count(sim, "Done { handle: Handle(10), condition: No"), 0);
}

#[test]
fn client_and_server_understand_each_other() {
    let message = message(20_000);
    let sim = pair(client(&message), server());
    check(&sim, &message);
    let transcript = sim.transcript();
    for line in [
        "C: A1 STARTTLS",
        "both sides switch to TLS",
        "AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ=",
        "S: * 1 EXPUNGE",
        "C: DONE",
        "S: * BYE",
    ] {
        assert!(transcript.contains(line), "{line}\n{transcript}");
    }
}

#[test]
fn over_links_of_every_kind() {
    for seed in 0..32 {
        let message = message(if seed % 8 == 0 { 80_000 } else { 6_000 });
        let sim = netsim(client(&message), server(), &Link::seeded(seed));
        check(&sim, &message);
    }
    let message = message(5_000);
    check(
        &netsim(client(&message), server(), &Link::ideal().one_byte()),
        &message,
    );
}

#[test]
fn over_links_that_break() {
    let message = message(6_000);
    let whole = pair(client(&message), server());
    let sent = whole.client.output.len() as u64;
    let answered = whole.server.output.len() as u64;
    for seed in 0..40 {
        for (direction, total) in [(Direction::ToServer, sent), (Direction::ToClient, answered)] {
            let after = seed * total / 40;
            let cut = Cut {
                direction,
                after,
                half: seed % 2 == 0,
            };
            let sim = netsim(
                client(&message),
                server(),
                &Link::seeded(seed).with_cut(cut),
            );
            assert!(sim.finished, "cut at {cut:?}\n{}", sim.transcript());
            assert!(
                !matches!(sim.client.end, End::Waiting | End::Unanswered),
                "{cut:?}: {:?}",
                sim.client
            );
            // What was not whole was not told as whole.
            let fetched = data(&sim.client.notes);
            assert!(as_sent(&message).starts_with(&fetched), "cut at {cut:?}");
        }
    }
}

//! What a client does not do, and timers.

use std::time::Duration;

use bytes::Bytes;
use scop_core::{Channel, Instant, Machine};
use scop_imap_proto::client::{Client, Config, Event, Refusal, State, Taken, TlsPolicy};
use scop_imap_proto::command::{Append, Command, FetchAttribute, Store, StoreAction};
use scop_imap_proto::types::{Atom, Capability, Flag, Mailbox};

use crate::{encrypted, events, logged_in, plain, sent, set, tim, try_events};

fn why(taken: Taken) -> Refusal {
    taken.unwrap_err().why
}

#[test]
fn a_refused_command_comes_back_and_changes_nothing() {
    let mut client = encrypted();
    assert_eq!(why(client.noop()), Refusal::NotReady);
    events(
        &mut client,
        b"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi\r\n",
    );
    assert_eq!(why(client.select(Mailbox::INBOX)), Refusal::State);
    assert_eq!(why(client.login(&tim())), Refusal::LoginDisabled);
    assert_eq!(
        why(client.login(&tim().acting_as("x").unwrap())),
        Refusal::Form
    );
    assert_eq!(why(client.authenticate(tim())), Refusal::NoMechanism);
    let refused = client
        .send(Command::Enable(vec![Capability::CondStore]))
        .unwrap_err();
    assert_eq!(
        *refused.command,
        Command::Enable(vec![Capability::CondStore])
    );
    assert_eq!(
        refused.to_string(),
        "ENABLE: not in this state: log in or select a mailbox first, or it is too late"
    );
    assert_eq!(sent(&mut client), "");

    let mut client = logged_in("ENABLE", true);
    assert_eq!(why(client.login(&tim())), Refusal::State);
    assert_eq!(
        why(client.enable(vec![Capability::CondStore])),
        Refusal::State
    );
    for not_offered in [Client::idle, Client::namespace, Client::unselect] {
        assert_eq!(why(not_offered(&mut client)), Refusal::NotOffered);
    }
    assert_eq!(
        why(client.uid_move(set("1"), Mailbox::INBOX)),
        Refusal::NotOffered
    );
    assert_eq!(why(client.uid_expunge(set("1"))), Refusal::NotOffered);
    assert_eq!(why(client.id(vec![])), Refusal::NotOffered);
    for malformed in [
        Command::StartTls,
        Command::Unknown(Atom::new("STARTTLS").unwrap()),
        Command::Fetch(scop_imap_proto::command::Fetch {
            set: set("1"),
            attributes: vec![],
            uid: true,
        }),
        Command::Status {
            mailbox: Mailbox::INBOX,
            attributes: vec![],
        },
        Command::Store(Store {
            set: set("1"),
            action: StoreAction::Add,
            silent: false,
            flags: vec![Flag::Recent],
            uid: true,
        }),
        Command::Append(Append {
            mailbox: Mailbox::INBOX,
            flags: vec![Flag::Any],
            date: None,
            size: 1,
        }),
    ] {
        assert_eq!(why(client.send(malformed)), Refusal::Form);
    }
    assert_eq!(sent(&mut client), "");
}

#[test]
fn nothing_goes_beside_what_changes_the_state() {
    let mut client = logged_in("IDLE", true);
    client.noop().unwrap();
    client.select(Mailbox::new("x").unwrap()).unwrap();
    assert_eq!(why(client.noop()), Refusal::Busy);
    assert_eq!(sent(&mut client), "A2 NOOP\r\n");
    events(&mut client, b"A2 OK\r\n");
    assert_eq!(sent(&mut client), "A3 SELECT x\r\n");
    events(&mut client, b"A3 NO no such\r\n");
    assert_eq!(client.state(), State::Authenticated, "RFC 3501 6.3.1");
    client.idle().unwrap();
    assert_eq!(why(client.noop()), Refusal::Busy);
}

#[test]
fn commands_under_way_are_counted() {
    let mut client = logged_in("", false);
    for _ in 0..16 {
        client.noop().unwrap();
    }
    assert_eq!(why(client.noop()), Refusal::TooMany);
    events(&mut client, b"A5 OK\r\n");
    client.noop().unwrap();
}

#[test]
fn no_password_in_the_clear() {
    let mut client = Client::new(Config::new().tls(TlsPolicy::Never));
    events(
        &mut client,
        b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n",
    );
    assert_eq!(why(client.login(&tim())), Refusal::NotEncrypted);
    assert_eq!(why(client.authenticate(tim())), Refusal::NotEncrypted);
    assert_eq!(sent(&mut client), "");
    let mut allowed = plain();
    events(
        &mut allowed,
        b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n",
    );
    assert!(allowed.authenticate(tim()).is_ok());
}

#[test]
fn a_message_has_its_size() {
    let mut client = logged_in("LITERAL+", false);
    assert!(client.body(&mut Bytes::from_static(b"x")).is_err());
    let append = Append {
        mailbox: Mailbox::INBOX,
        flags: vec![],
        date: None,
        size: 3,
    };
    client.append(append).unwrap();
    let mut long = Bytes::from_static(b"abcd");
    assert!(client.body(&mut long).is_err());
    assert_eq!(long, "abcd", "nothing was taken");
    client.body(&mut Bytes::from_static(b"abc")).unwrap();
    assert!(client.body(&mut Bytes::from_static(b"d")).is_err());
    client.body(&mut Bytes::new()).unwrap_err();
    assert_eq!(sent(&mut client), "A1 APPEND INBOX {3+}\r\nabc\r\n");
}

#[test]
fn upgraded_out_of_turn_ends_it() {
    let mut client = plain();
    events(&mut client, b"* OK hi\r\n");
    client.upgraded(Instant::ZERO, Channel::new());
    assert!(
        try_events(&mut client, b"")
            .unwrap_err()
            .contains("the driver broke the contract")
    );
    assert_eq!(sent(&mut client), "");
}

#[test]
fn an_aborted_client_says_nothing_more() {
    let mut client = logged_in("LITERAL+", false);
    client
        .append(Append {
            mailbox: Mailbox::INBOX,
            flags: vec![],
            date: None,
            size: 3,
        })
        .unwrap();
    client.abort();
    assert_eq!(events(&mut client, b"A1 OK\r\n"), []);
    assert_eq!(
        (sent(&mut client), client.state()),
        (String::new(), State::Logout)
    );
    assert_eq!(why(client.noop()), Refusal::State);
}

#[test]
fn timers() {
    let at = Instant::from_secs;
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let mut input = bytes::BytesMut::new();
    // The greeting.
    let mut client = encrypted();
    let _ = client.read(at(1), &mut input);
    assert_eq!(client.deadline().unwrap().0, at(1) + minutes(5));
    client.expire(at(200));
    assert!(client.read(at(200), &mut input).is_ok());
    client.expire(at(301));
    assert_eq!(
        client.read(at(301), &mut input).unwrap_err().to_string(),
        "timed out: IMAP greeting"
    );
    assert_eq!(client.deadline(), None);
    // A greeting that comes byte by byte is no better than none.
    let mut client = encrypted();
    let mut slow = bytes::BytesMut::new();
    for second in 0..301 {
        slow.extend_from_slice(b"*");
        client.expire(at(second));
        let _ = client.read(at(second), &mut slow);
    }
    assert!(client.read(at(301), &mut slow).is_err());
    // Nothing is waited for, then an answer, counted from the sending.
    let mut client = logged_in("IDLE LITERAL+", true);
    let _ = client.read(at(50), &mut input);
    assert_eq!(client.deadline(), None);
    client.fetch(set("1"), vec![FetchAttribute::Flags]).unwrap();
    let _ = client.read(at(1000), &mut input);
    let _ = client.transmit(at(1001));
    assert_eq!(client.deadline().unwrap().0, at(1001) + minutes(10));
    input.extend_from_slice(b"* 1");
    let _ = client.read(at(1100), &mut input);
    let _ = client.read(at(1200), &mut input);
    assert_eq!(client.deadline().unwrap().0, at(1100) + minutes(10));
    input.extend_from_slice(b" FETCH (FLAGS ())\r\nA2 OK\r\n");
    while let Ok(scop_core::Next::Event(_)) = client.read(at(1200), &mut input) {}
    assert_eq!(client.deadline(), None);
    // The caller owes a message: that is not the server's fault.
    client
        .append(Append {
            mailbox: Mailbox::INBOX,
            flags: vec![],
            date: None,
            size: 3,
        })
        .unwrap();
    let _ = client.read(at(2000), &mut input);
    let _ = client.transmit(at(2000));
    assert_eq!(client.deadline(), None);
    client.body(&mut Bytes::from_static(b"abc")).unwrap();
    let _ = client.read(at(9000), &mut input);
    let _ = client.transmit(at(9000));
    assert_eq!(client.deadline().unwrap().0, at(9000) + minutes(10));
    events(&mut client, b"A3 OK\r\n");
    // IDLE.
    client.idle().unwrap();
    input.extend_from_slice(b"+ ok\r\n");
    let _ = client.read(at(10_000), &mut input);
    assert_eq!(client.deadline().unwrap().0, at(10_000) + minutes(29));
    client.expire(at(10_000) + minutes(29));
    assert_eq!(events(&mut client, b""), [Event::IdleDue]);
    assert_eq!(client.deadline(), None);
    client.done().unwrap();
    let _ = client.read(at(20_000), &mut input);
    let _ = client.transmit(at(20_000));
    assert_eq!(client.deadline().unwrap().0, at(20_000) + minutes(10));
}

//! What is said, to the letter.

use bytes::Bytes;
use scop_core::testkit::{End, Side, converse};
use scop_imap_proto::client::{Client, Config, Event, State, TlsPolicy};
use scop_imap_proto::command::{Append, FetchAttribute, SearchKey, StatusAttribute, StoreAction};
use scop_imap_proto::response::{Code, Condition, Data, FetchItem, Value};
use scop_imap_proto::types::{Chars, Flag, Mailbox, Pattern};
use scop_sasl::{Credentials, Mechanism};

use crate::{caller, encrypted, events, logged_in, plain, sent, set, step, tim};

fn append(mailbox: &str, size: u64) -> Append<'_> {
    Append {
        mailbox: Mailbox::new(mailbox).unwrap(),
        flags: vec![Flag::Seen],
        date: None,
        size,
    }
}

#[test]
fn a_mailbox_is_read() {
    let steps = vec![
        step(|c| c.login(&tim()).unwrap()),
        step(|c| c.select(Mailbox::INBOX).unwrap()),
        step(|c| c.uid_search(vec![SearchKey::Unseen]).unwrap()),
        step(|c| {
            c.uid_fetch(
                set("7:*"),
                vec![FetchAttribute::Flags, FetchAttribute::Rfc822],
            )
            .unwrap();
        }),
        step(|c| {
            c.uid_store(set("7"), StoreAction::Add, vec![Flag::Seen])
                .unwrap()
        }),
        step(|c| c.close_mailbox().unwrap()),
        step(|c| c.logout().unwrap()),
    ];
    let outcome = converse(
        &mut caller(plain(), steps, Bytes::new()),
        Side::Client,
        r"
        S: * OK hello
        C: A1 CAPABILITY
        S: * CAPABILITY IMAP4rev1 UIDPLUS
        S: A1 OK done
        C: A2 LOGIN tim tanstaaf
        S: A2 OK [CAPABILITY IMAP4rev1 UIDPLUS IDLE] welcome
        C: A3 SELECT INBOX
        S: * FLAGS (\\Answered \\Seen)
        S: * 2 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY 3857529045] UIDs valid
        S: A3 OK [READ-WRITE] selected
        C: A4 UID SEARCH UNSEEN
        S: * SEARCH 7
        S: A4 OK
        C: A5 UID FETCH 7:* (FLAGS RFC822)
        S: * 2 FETCH (FLAGS () UID 7 RFC822 {12}
        S: A: b\r\n\r\nhi\r\n)
        S: A5 OK done
        C: A6 UID STORE 7 +FLAGS (\\Seen)
        S: * 2 FETCH (FLAGS (\\Seen) UID 7)
        S: A6 OK done
        C: A7 CLOSE
        S: A7 OK done
        C: A8 LOGOUT
        S: * BYE see you
        S: A8 OK done
        ",
    );
    assert_eq!(outcome.end, End::Closed);
    let text = format!("{outcome:?}");
    for seen in [
        "UidValidity(3857529045)",
        "Search { ids: [7]",
        "Inline(b\"A: b\\r\\n\\r\\nhi\\r\\n\")",
        "Bye(",
    ] {
        assert!(text.contains(seen), "{seen}: {text}");
    }
    assert!(
        !text.contains("Data(Capability"),
        "what it asks for itself is no event: {text}"
    );
}

#[test]
fn login_asks_for_the_capabilities_anew_unless_told() {
    let steps = || {
        vec![
            step(|c| c.login(&tim()).unwrap()),
            step(|c| c.namespace().unwrap()),
        ]
    };
    converse(
        &mut caller(encrypted(), steps(), Bytes::new()),
        Side::Client,
        r"
        S: * OK [CAPABILITY IMAP4rev1] hello
        C: A1 LOGIN tim tanstaaf
        S: A1 OK in
        C: A2 CAPABILITY
        S: * CAPABILITY IMAP4rev1 NAMESPACE
        S: A2 OK done
        C: A3 NAMESPACE
        ",
    );
    converse(
        &mut caller(encrypted(), steps(), Bytes::new()),
        Side::Client,
        r"
        S: * OK [CAPABILITY IMAP4rev1] hello
        C: A1 LOGIN tim tanstaaf
        S: * CAPABILITY IMAP4rev1 NAMESPACE
        S: A1 OK in
        C: A2 NAMESPACE
        ",
    );
}

#[test]
fn starttls_first_then_everything_anew() {
    let mut client = Client::new(Config::new());
    let before = b"* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=X] hello\r\n* 5 EXISTS\r\n";
    assert_eq!(events(&mut client, before), []);
    assert_eq!(sent(&mut client), "A1 STARTTLS\r\n");
    assert_eq!(
        events(&mut client, b"A1 OK [CAPABILITY IMAP4rev1 AUTH=Y] go\r\n"),
        []
    );
    assert!(!client.is_encrypted());
    scop_core::Machine::upgraded(
        &mut client,
        scop_core::Instant::ZERO,
        scop_core::Channel::new(),
    );
    assert!(client.greeting().is_none() && client.capabilities().is_empty());
    assert_eq!(events(&mut client, b""), []);
    assert_eq!(sent(&mut client), "A2 CAPABILITY\r\n");
    assert_eq!(
        events(
            &mut client,
            b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA2 OK\r\n"
        ),
        [Event::Ready]
    );
    assert!(client.is_encrypted() && client.capabilities().len() == 2);
}

#[test]
fn an_opportunistic_client_goes_on_without_what_is_not_offered() {
    let client = || Client::new(Config::new().tls(TlsPolicy::Opportunistic));
    let mut offered = client();
    assert_eq!(events(&mut offered, b"* OK hi\r\n"), []);
    assert_eq!(sent(&mut offered), "A1 CAPABILITY\r\n");
    assert_eq!(
        events(
            &mut offered,
            b"* CAPABILITY IMAP4rev1 STARTTLS\r\nA1 OK\r\n"
        ),
        []
    );
    assert_eq!(sent(&mut offered), "A2 STARTTLS\r\n");
    let mut not = client();
    assert_eq!(
        events(&mut not, b"* OK [CAPABILITY IMAP4rev1] hi\r\n"),
        [Event::Ready]
    );
    assert!(not.login(&tim()).is_err(), "no secret in the clear");
    let mut known = client();
    assert_eq!(
        events(&mut known, b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"),
        [Event::Ready]
    );
    assert_eq!(known.state(), State::Authenticated);
}

#[test]
fn mechanisms() {
    let sasl_ir = || step(|c| c.authenticate(tim()).unwrap());
    for transcript in [
        r"
        S: * OK [CAPABILITY IMAP4rev1 AUTH=LOGIN AUTH=PLAIN SASL-IR] hi
        C: A1 AUTHENTICATE PLAIN AHRpbQB0YW5zdGFhZg==
        S: A1 OK [CAPABILITY IMAP4rev1] in
        ",
        r"
        S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi
        C: A1 AUTHENTICATE PLAIN
        S: +
        C: AHRpbQB0YW5zdGFhZg==
        S: A1 OK [CAPABILITY IMAP4rev1] in
        ",
        r"
        S: * OK [CAPABILITY IMAP4rev1 AUTH=LOGIN SASL-IR] hi
        C: A1 AUTHENTICATE LOGIN
        S: + VXNlcm5hbWU6
        C: dGlt
        S: + UGFzc3dvcmQ6
        C: dGFuc3RhYWY=
        S: A1 OK [CAPABILITY IMAP4rev1] in
        ",
    ] {
        let outcome = converse(
            &mut caller(encrypted(), vec![sasl_ir()], Bytes::new()),
            Side::Client,
            transcript,
        );
        assert!(
            format!("{outcome:?}").contains("condition: Ok"),
            "{outcome:?}"
        );
    }
    // A challenge that makes no sense is answered with `*`.
    let login = vec![step(|c| {
        c.authenticate_with(Mechanism::Login, tim()).unwrap()
    })];
    let outcome = converse(
        &mut caller(encrypted(), login, Bytes::new()),
        Side::Client,
        r"
        S: * OK [CAPABILITY IMAP4rev1] hi
        C: A1 AUTHENTICATE LOGIN
        S: + not base64
        C: *
        S: A1 BAD cancelled
        ",
    );
    assert_eq!(outcome.end, End::Waiting);
}

#[test]
fn literals_wait_for_the_server_or_not() {
    let odd = || step(|c: &mut Client| c.login(&Credentials::new("tüm", "a\"b").unwrap()).unwrap());
    converse(
        &mut caller(encrypted(), vec![odd()], Bytes::new()),
        Side::Client,
        r#"
        S: * OK [CAPABILITY IMAP4rev1] hi
        C: A1 LOGIN {4}
        S: + go
        C: t\xc3\xbcm "a\\"b"
        S: A1 NO wrong
        "#,
    );
    converse(
        &mut caller(encrypted(), vec![odd()], Bytes::new()),
        Side::Client,
        r#"
        S: * OK [CAPABILITY IMAP4rev1 LITERAL-] hi
        C: A1 LOGIN {4+}
        C: t\xc3\xbcm "a\\"b"
        S: A1 NO wrong
        "#,
    );
    // Refused before the literal was sent: nothing of it is.
    let outcome = converse(
        &mut caller(
            encrypted(),
            vec![odd(), step(|c| c.noop().unwrap())],
            Bytes::new(),
        ),
        Side::Client,
        r"
        S: * OK [CAPABILITY IMAP4rev1] hi
        C: A1 LOGIN {4}
        S: A1 BAD too long
        C: A2 NOOP
        ",
    );
    assert_eq!(outcome.end, End::Waiting);
}

#[test]
fn a_message_is_appended() {
    let steps = || vec![step(|c| c.append(append("Entwürfe", 12)).unwrap())];
    for (capabilities, announcement) in [
        ("UIDPLUS", "{12}"),
        ("LITERAL+", "{12+}"),
        ("LITERAL-", "{12+}"),
    ] {
        let go = if announcement == "{12}" {
            "S: + go\n"
        } else {
            ""
        };
        let transcript = format!(
            "S: * PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] hi\nC: A1 APPEND Entw&APw-rfe (\\\\Seen) {announcement}\n{go}C: A: b\\r\\n\\r\\nhi\\r\\n\nS: A1 OK [APPENDUID 1 7] done"
        );
        let message = Bytes::from_static(b"A: b\r\n\r\nhi\r\n");
        let outcome = converse(
            &mut caller(encrypted(), steps(), message),
            Side::Client,
            &transcript,
        );
        assert!(format!("{outcome:?}").contains("AppendUid"), "{outcome:?}");
    }
}

#[test]
fn an_empty_message_needs_no_body() {
    let mut client = logged_in("", false);
    client.append(append("x", 0)).unwrap();
    assert_eq!(sent(&mut client), "A1 APPEND x (\\\\Seen) {0}\r\n");
    assert_eq!(events(&mut client, b"+ go\r\n"), []);
    assert_eq!(sent(&mut client), "\r\n");
}

#[test]
fn a_large_message_is_taken_as_there_is_room() {
    let mut client = logged_in("LITERAL+", false);
    let size = 300 * 1024;
    let handle = client.append(append("x", size)).unwrap();
    let next = client.noop().unwrap();
    assert_eq!(events(&mut client, b""), [Event::Body(handle)]);
    let mut message = Bytes::from(vec![b'x'; usize::try_from(size).unwrap()]);
    let mut total = 0;
    client.body(&mut message).unwrap();
    while !message.is_empty() {
        assert_eq!(
            events(&mut client, b""),
            [],
            "no Room while the outbox is full"
        );
        let said = sent(&mut client);
        assert!(said.len() <= 65 * 1024, "{} bytes at once", said.len());
        total += said.len();
        assert_eq!(events(&mut client, b""), [Event::Room]);
        assert_eq!(events(&mut client, b""), [], "once");
        client.body(&mut message).unwrap();
    }
    assert_eq!(client.body_left(), None);
    let last = sent(&mut client)
        + &{
            events(&mut client, b"");
            sent(&mut client)
        };
    total += last.len();
    assert!(
        last.ends_with("x\r\nA2 NOOP\r\n"),
        "the next command waits for the end"
    );
    let announced = "A1 APPEND x (\\\\Seen) {307200+}\r\n".len() + "\r\nA2 NOOP\r\n".len();
    assert_eq!(total, usize::try_from(size).unwrap() + announced);
    let done = events(&mut client, b"A1 OK\r\nA2 OK\r\n");
    assert!(
        matches!(done[..], [Event::Done { handle: a, .. }, Event::Done { handle: b, .. }] if a == handle && b == next)
    );
}

#[test]
fn a_message_refused_midway_is_owed_to_its_end() {
    let mut client = logged_in("LITERAL+", false);
    client.append(append("x", 4)).unwrap();
    client.noop().unwrap();
    client.body(&mut Bytes::from_static(b"ab")).unwrap();
    sent(&mut client);
    let no = events(&mut client, b"A1 NO [TRYCREATE] no\r\n");
    assert!(
        matches!(&no[..], [Event::Body(_), Event::Done { condition: Condition::No, text, .. }] if text.code == Some(Code::TryCreate))
    );
    assert_eq!(sent(&mut client), "", "NOOP would be read as the message");
    client.body(&mut Bytes::from_static(b"cd")).unwrap();
    assert_eq!(sent(&mut client), "cd\r\nA2 NOOP\r\n");
}

#[test]
fn idle() {
    let steps = vec![
        step(|c| c.select(Mailbox::INBOX).unwrap()),
        step(|c| c.idle().unwrap()),
        step(|_| ()),
        step(|c| c.noop().unwrap()),
    ];
    let mut peer = caller(encrypted(), steps, Bytes::new());
    let told = std::rc::Rc::new(std::cell::Cell::new(false));
    peer = {
        let told = told.clone();
        peer.at_rest(move |client: &mut Client, _| {
            // Leave once mail has come.
            told.get() && client.done().is_ok()
        })
    };
    converse(
        &mut peer,
        Side::Client,
        r"
        S: * PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi
        C: A1 SELECT INBOX
        S: A1 OK [READ-WRITE] done
        C: A2 IDLE
        S: + idling
        S: * 3 EXISTS
        S: * 1 FETCH (FLAGS (\\Seen))
        ",
    );
    told.set(true);
    converse(
        &mut peer,
        Side::Client,
        r"
        C: DONE
        S: * 1 EXPUNGE
        S: A2 OK done
        C: A3 NOOP
        ",
    );
}

#[test]
fn done_may_be_said_before_the_server_agrees() {
    let mut client = logged_in("IDLE", false);
    let handle = client.idle().unwrap();
    assert_eq!(sent(&mut client), "A1 IDLE\r\n");
    client.done().unwrap();
    assert!(client.done().is_err());
    assert_eq!(sent(&mut client), "");
    assert_eq!(events(&mut client, b"+ ok\r\n"), [Event::Idling(handle)]);
    assert_eq!(sent(&mut client), "DONE\r\n");
    assert_eq!(events(&mut client, b"A1 OK\r\n").len(), 1);
    assert!(client.done().is_err());
}

#[test]
fn what_may_go_together_does_and_the_rest_waits() {
    let mut client = logged_in("", true);
    let all: Vec<_> = [
        client.fetch(set("1"), vec![FetchAttribute::Envelope]),
        client.search(vec![SearchKey::From(Chars::new(&b"x"[..]).unwrap())]),
        client.noop(),
        client.fetch(set("2"), vec![FetchAttribute::Uid]),
        client.status(Mailbox::new("x").unwrap(), vec![StatusAttribute::Messages]),
    ]
    .map(Result::unwrap)
    .to_vec();
    assert_eq!(
        sent(&mut client),
        "A2 FETCH 1 (ENVELOPE)\r\nA3 SEARCH FROM x\r\nA4 NOOP\r\n"
    );
    // Done in any order; the FETCH behind the NOOP waits for it, and STATUS behind that.
    let done = events(&mut client, b"A3 OK\r\nA2 OK\r\n");
    assert!(
        matches!(done[..], [Event::Done { handle: a, .. }, Event::Done { handle: b, .. }] if a == all[1] && b == all[0])
    );
    assert_eq!(sent(&mut client), "");
    events(&mut client, b"* 1 EXPUNGE\r\nA4 OK\r\n");
    assert_eq!(
        sent(&mut client),
        "A5 FETCH 2 (UID)\r\nA6 STATUS x (MESSAGES)\r\n"
    );
}

#[test]
fn eight_bit_searches_say_their_charset() {
    let mut client = logged_in("LITERAL+", true);
    let name = |text: &'static str| Chars::new(text.as_bytes()).unwrap();
    client
        .uid_search(vec![SearchKey::Not(Box::new(SearchKey::Subject(name(
            "ü",
        ))))])
        .unwrap();
    assert_eq!(
        sent(&mut client),
        "A2 UID SEARCH CHARSET UTF-8 NOT SUBJECT {2+}\r\n\\xc3\\xbc\r\n"
    );
}

#[test]
fn mailboxes_are_listed() {
    let mut client = logged_in("", false);
    client
        .list(
            Mailbox::new("").unwrap(),
            Pattern::new("Entwürfe/%").unwrap(),
        )
        .unwrap();
    assert_eq!(sent(&mut client), "A1 LIST \"\" \"Entw&APw-rfe/%\"\r\n");
    let heard = events(
        &mut client,
        b"* LIST (\\HasNoChildren) \"/\" \"Entw&APw-rfe/a b\"\r\nA1 OK\r\n",
    );
    assert!(
        matches!(&heard[0], Event::Data(Data::List(list)) if list.mailbox.as_str() == "Entwürfe/a b")
    );
}

#[test]
fn a_large_message_comes_in_pieces() {
    let mut client = logged_in("", true);
    client
        .uid_fetch(set("7"), vec![FetchAttribute::Rfc822])
        .unwrap();
    let body = "x".repeat(10_000);
    let heard = events(
        &mut client,
        format!("* 2 FETCH (UID 7 RFC822 {{10000}}\r\n{body} FLAGS ())\r\nA2 OK\r\n").as_bytes(),
    );
    let [
        Event::Begin {
            uid: Some(uid),
            item: FetchItem::Rfc822(Value::Streamed(10_000)),
            ..
        },
        Event::Chunk { data, left: 0 },
        Event::Data(Data::Fetch(fetch)),
        Event::Done { .. },
    ] = &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert_eq!((uid.get(), data.len(), fetch.items.len()), (7, 10_000, 3));
}

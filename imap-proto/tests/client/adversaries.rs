//! Rows of the catalogue of adversaries that a client meets.

use scop_core::{Channel, Instant, Machine, Next, Pause};
use scop_imap_proto::client::{Client, Config, Event, State};
use scop_imap_proto::command::SearchKey;
use scop_imap_proto::types::{Atom, Capability, Chars, Flag, Mailbox, Pattern, SequenceSet};

use scop_sasl::Mechanism;

use crate::{encrypted, events, logged_in, plain, sent, set, tim, try_events};

fn required() -> Client {
    Client::new(Config::new())
}

/// A client that has sent STARTTLS, after the server said `before`.
fn asked(before: &str) -> Client {
    let mut client = required();
    let all = format!("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n{before}");
    assert_eq!(events(&mut client, all.as_bytes()), []);
    assert_eq!(sent(&mut client), "A1 STARTTLS\r\n");
    client
}

#[test]
fn ic01_preauth_while_tls_is_required() {
    let mut client = required();
    let error = try_events(&mut client, b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n").unwrap_err();
    assert!(error.starts_with("PREAUTH on a connection"), "{error}");
    assert_eq!(sent(&mut client), "");
    // Under TLS it is fine.
    let mut client = encrypted();
    assert_eq!(
        events(&mut client, b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"),
        [Event::Ready]
    );
}

#[test]
fn ic02_starttls_is_refused() {
    for (answer, expected) in [
        ("A1 NO later\r\n", "STARTTLS was answered with NO"),
        ("A1 BAD what\r\n", "STARTTLS was answered with BAD"),
        ("+ go\r\n", "`+` that nothing waits for at byte"),
        ("A2 OK\r\n", "an answer to a command that is not under way"),
    ] {
        let mut client = asked("");
        let error = try_events(&mut client, answer.as_bytes()).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
        assert_eq!(sent(&mut client), "");
        assert!(client.login(&tim()).is_err());
    }
    let mut none = required();
    let error = try_events(&mut none, b"* OK [CAPABILITY IMAP4rev1] hi\r\n").unwrap_err();
    assert_eq!(
        error,
        "the server does not offer STARTTLS, but TLS is required"
    );
    // It is not believed that STARTTLS works before it was asked for.
    let mut early = asked("");
    let error = try_events(&mut early, b"* BYE no\r\n* OK\r\n").unwrap_err();
    assert_eq!(error, "the server closed the connection (BYE) before TLS");
    assert!(!early.is_ready());
}

#[test]
fn ic03_a_byte_behind_the_go_ahead() {
    for injected in [
        "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n2 OK\r\n",
        " ",
        "\r\n",
        "\0",
    ] {
        let mut client = asked("");
        let error = try_events(&mut client, format!("A1 OK\r\n{injected}").as_bytes()).unwrap_err();
        assert!(
            error.starts_with("bytes in the clear behind the answer to STARTTLS"),
            "{error}"
        );
        // Or a little later.
        let mut client = asked("");
        assert_eq!(events(&mut client, b"A1 OK\r\n"), []);
        assert!(try_events(&mut client, injected.as_bytes()).is_err());
    }
}

#[test]
fn ic05_what_is_said_before_tls_is_forgotten() {
    let said = "* LIST () \"/\" evil\r\n* STATUS evil (MESSAGES 1)\r\n* FLAGS (\\Seen)\r\n* 5 EXISTS\r\n* 1 EXPUNGE\r\n* 1 FETCH (FLAGS ())\r\n* 1 FETCH (BODY[] {5000}\r\n";
    // A literal that is larger than anything needed before login.
    assert!(try_events(&mut required(), format!("* OK hi\r\n{said}").as_bytes()).is_err());
    let said = said.replace(
        "{5000}\r\n",
        "\"x\")\r\n* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n",
    );
    let mut client = asked(&said);
    let mut input = bytes::BytesMut::from("A1 OK go\r\n");
    assert_eq!(
        client.read(Instant::ZERO, &mut input),
        Ok(Next::Paused(Pause::Upgrade))
    );
    client.upgraded(Instant::ZERO, Channel::new());
    assert_eq!(
        events(&mut client, b"* CAPABILITY IMAP4rev1\r\nA2 OK\r\n"),
        [Event::Ready]
    );
    assert_eq!(client.capabilities(), [Capability::Imap4Rev1]);
    assert!(client.login(&tim()).is_ok());
}

#[test]
fn ic06_no_alert_from_before_tls() {
    let mut client = asked("* OK [ALERT] call this number\r\n* NO [PARSE] x\r\n* BAD x\r\n");
    assert_eq!(events(&mut client, b"A1 OK [ALERT] y\r\n"), []);
    assert_eq!(client.greeting().map(|_| ()), Some(()));
    client.upgraded(Instant::ZERO, Channel::new());
    assert_eq!(client.greeting(), None);
    // Not in an error either, and not in a goodbye.
    let mut client = asked("");
    let error = try_events(&mut client, b"A1 NO [ALERT] call this number\r\n").unwrap_err();
    assert!(!error.contains("number"), "{error}");
    let error = try_events(&mut required(), b"* BYE [ALERT] call this number\r\n").unwrap_err();
    assert!(!error.contains("number"), "{error}");
    // Under TLS it is shown.
    let mut client = logged_in("", false);
    assert_eq!(events(&mut client, b"* OK [ALERT] disk full\r\n").len(), 1);
}

#[test]
fn ic07_referrals_are_never_followed() {
    let mut client = encrypted();
    events(
        &mut client,
        b"* OK [CAPABILITY IMAP4rev1 LOGIN-REFERRALS] hi\r\n",
    );
    client.login(&tim()).unwrap();
    sent(&mut client);
    let heard = events(
        &mut client,
        b"A1 NO [REFERRAL imap://tim@attacker.example/] go there\r\n",
    );
    assert!(matches!(&heard[..], [Event::Done { .. }]), "{heard:?}");
    assert_eq!(sent(&mut client), "");
}

#[test]
fn ic08_a_greeting_that_is_none() {
    for garbage in [
        "SSH-2.0-x\r\n* OK hi\r\n",
        "\r\n* OK hi\r\n",
        "* 5 EXISTS\r\n* OK hi\r\n",
        "* NO x\r\n",
        "+ x\r\n",
        "A1 OK\r\n",
        "* OKAY\r\n",
        "* CAPABILITY IMAP4rev1\r\n* OK hi\r\n",
        "220 mail ESMTP\r\n",
        "HTTP/1.1 400 x\r\n",
    ] {
        let mut client = plain();
        let error = try_events(&mut client, garbage.as_bytes()).unwrap_err();
        assert!(
            error.starts_with("the first line is no greeting"),
            "{garbage}: {error}"
        );
        assert_eq!(sent(&mut client), "");
    }
    // A greeting is a line of text, whatever it ends in.
    assert!(try_events(&mut plain(), b"* OK {5}\r\n").is_ok());
}

#[test]
fn ic10_many_literals_are_one_pass() {
    let mut client = logged_in("", true);
    let flood = format!("* LIST () \"/\" {}\r\n", "{0}\r\n".repeat(200_000));
    let mut input = bytes::BytesMut::new();
    let mut heard = 0;
    for piece in flood.as_bytes().chunks(1460) {
        input.extend_from_slice(piece);
        while let Next::Event(_) = client.read(Instant::ZERO, &mut input).unwrap() {
            heard += 1;
        }
    }
    assert_eq!(heard, 1);
}

#[test]
fn ic14_arguments_cannot_break_out() {
    assert!(Mailbox::new("x\r\nA2 LOGOUT").is_err());
    assert!(Pattern::new("*\r\n").is_err());
    assert!(Flag::new("\\Seen)\r\nA2 LOGOUT").is_err());
    assert!(Capability::new("X\r\n").is_err());
    assert!(Atom::new("X {0}").is_err());
    assert!("1\r\n".parse::<SequenceSet>().is_err());
    assert!(Chars::new(&b"\0"[..]).is_err());
    // What a string may hold goes as a literal, and without LITERAL+ it waits.
    for (text, sent_first) in [
        ("x\r\nA9 LOGOUT\r\n", "{14}\r\n"),
        ("x {0}", "\"x {0}\"\r\n"),
        ("", "\"\"\r\n"),
        ("{0}", "\"{0}\"\r\n"),
    ] {
        let mut client = logged_in("", true);
        client
            .search(vec![SearchKey::From(Chars::new(text.as_bytes()).unwrap())])
            .unwrap();
        assert_eq!(sent(&mut client), format!("A2 SEARCH FROM {sent_first}"));
    }
    let mut client = logged_in("ID", true);
    client
        .id(vec![(
            Chars::new(&b"a\"b"[..]).unwrap(),
            Some(Chars::new(&b"c\r\nA9 LOGOUT"[..]).unwrap()),
        )])
        .unwrap();
    assert_eq!(sent(&mut client), "A2 ID (\"a\\\\\"b\" {12}\r\n");
    let _ = set("1");
}

#[test]
fn ok_is_not_believed_before_the_exchange_is_over() {
    for (mechanism, heard) in [
        (Mechanism::Plain, "A1 OK in\r\n"),
        (Mechanism::Login, "+ VXNlcm5hbWU6\r\nA1 OK in\r\n"),
        (Mechanism::Login, "+ ***\r\nA1 OK in\r\n"),
        (Mechanism::Plain, "+\r\n+\r\n+\r\n"),
    ] {
        let mut client = encrypted();
        events(&mut client, b"* OK [CAPABILITY IMAP4rev1] hi\r\n");
        client.authenticate_with(mechanism, tim()).unwrap();
        assert!(
            try_events(&mut client, heard.as_bytes()).is_err(),
            "{heard}"
        );
        assert_ne!(client.state(), State::Authenticated);
    }
}

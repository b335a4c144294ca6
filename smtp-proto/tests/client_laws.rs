//! The laws of the contract on the client machine, and its timers.

mod client_common;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use client_common::{Script, Step, config, ready};
use proptest::prelude::*;
use scop_core::{
    Channel, Instant, Machine, Next, Timer,
    testkit::{self, End, Note, Peer},
};
use scop_sasl::Credentials;
use scop_smtp_proto::{Client, ClientError, Mail, Mailbox, Rcpt, TlsPolicy};

/// Logs in with LOGIN, sends two messages, of which one has a refused recipient.
fn session() -> Peer<'static, Client> {
    Script::configured(config(TlsPolicy::Never).auth_in_clear(true))
        .then(Step::Auth(Credentials::new("tim", "secret").unwrap()))
        .message("a@x", &["b@x", "c@x"], "..\r\n.\r\n\r\nx")
        .then(Step::Noop)
        .message("a@x", &["b@x"], "two")
        .then(Step::Quit)
        .peer()
}

const LOCKSTEP: &str = "220 x\r\n250-x\r\n250 AUTH LOGIN\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n\
    235 2.7.0 in\r\n250 ok\r\n550-5.1.1 no\r\n550 5.1.1 such\r\n250\r\n354 go\r\n250 2.0.0 one\r\n\
    250 noop\r\n250 ok\r\n250 ok\r\n354 go\r\n451 later\r\n221 bye\r\nlate";

/// The same, pipelined.
fn pipelined() -> String {
    LOCKSTEP
        .replacen(
            "AUTH LOGIN",
            "AUTH LOGIN\r\n250-PIPELINING\r\n250 SIZE 5",
            1,
        )
        .replacen("250 AUTH", "250-AUTH", 1)
}

/// To where TLS starts.
const TO_TLS: &str = "220 x\r\n250-x\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n220 2.0.0 go\r\n";

fn secure() -> Peer<'static, Client> {
    Script::new(TlsPolicy::Required)
        .then(Step::Auth(Credentials::new("tim", "secret").unwrap()))
        .message("a@x", &["b@x"], "secret")
        .peer()
}

#[test]
fn law_1_split_invariance() {
    for input in [LOCKSTEP.to_owned(), pipelined()] {
        let outcome = testkit::splits(session, input.as_bytes());
        assert_eq!(outcome.end, End::Closed, "{outcome:?}");
        let sent = String::from_utf8(outcome.output).unwrap();
        assert!(sent.ends_with("two\r\n.\r\nQUIT\r\n"), "{sent}");
    }
    testkit::splits(secure, TO_TLS.as_bytes());
    // Errors are no different.
    for end in [
        "250-a\r\n251 b\r\n",
        "421 bye\r\n250 x\r\n",
        "354 x\r\n",
        "2\r\n",
        "250 a\0\r\n",
    ] {
        for at in [7, 16, 30, LOCKSTEP.find("451").unwrap()] {
            testkit::splits(
                session,
                &[&LOCKSTEP.as_bytes()[..at], end.as_bytes()].concat(),
            );
        }
    }
}

#[test]
fn law_2_progress() {
    testkit::progress(session, LOCKSTEP.as_bytes());
    testkit::progress(session, pipelined().as_bytes());
    testkit::progress(secure, TO_TLS.as_bytes());
}

#[test]
fn law_3_bounds() {
    for (flood, expected) in [
        (&b"250-more\r\n"[..], "more than 100 lines in a reply"),
        (b"xxxxxxxxxx", "more than 2048 bytes in a reply line"),
        (b"220 x\r\n", "a reply that makes no sense here"),
        (b"250-\r\n", "more than 100 lines in a reply"),
    ] {
        let outcome = testkit::bounds(&mut session(), flood, 1 << 20, 4096);
        assert!(
            matches!(&outcome.end, End::Error(e) if e.starts_with(expected)),
            "{outcome:?}"
        );
    }
}

#[test]
fn law_4_backpressure() {
    testkit::backpressure(session, LOCKSTEP.as_bytes(), 1000);
    testkit::backpressure(session, pipelined().as_bytes(), 1000);
}

#[test]
fn law_4_whoever_is_refused_room_is_told_when_there_is_some() {
    let mut setup = config(TlsPolicy::Never);
    setup.limits.outbox = 300;
    setup.limits.in_flight = 5;
    let mut client = ready(Client::new(setup), "250-x\r\n250 PIPELINING\r\n");
    let (now, mut input) = (Instant::from_secs(1), BytesMut::new());
    let mailbox = |text: &str| text.parse::<Mailbox<'_>>().unwrap();
    client.mail(Mail::new(mailbox("a@x"))).unwrap();
    let rcpt = || Rcpt::new(mailbox("b@x"));
    let taken = (0..10).take_while(|_| client.rcpt(rcpt()).is_ok()).count();
    assert_eq!(taken, 4, "five in flight");
    assert_eq!(client.read(now, &mut input).unwrap(), Next::NeedInput);
    while client.transmit(now).is_some() {}
    assert_eq!(
        client.read(now, &mut input).unwrap(),
        Next::NeedInput,
        "still five"
    );
    input.extend_from_slice(b"250 ok\r\n");
    assert!(matches!(client.read(now, &mut input), Ok(Next::Event(_))));
    let room = client.read(now, &mut input).unwrap();
    assert_eq!(room, Next::Event(scop_smtp_proto::ClientEvent::Room));
    client.rcpt(rcpt()).unwrap();
    assert_eq!(
        client.read(now, &mut input).unwrap(),
        Next::NeedInput,
        "told once"
    );
    // The message: what does not fit is left, and the rest goes later.
    input.extend_from_slice(&b"250 ok\r\n".repeat(5));
    while let Ok(Next::Event(_)) = client.read(now, &mut input) {}
    client.data().unwrap();
    input.extend_from_slice(b"354 go\r\n");
    while let Ok(Next::Event(_)) = client.read(now, &mut input) {}
    let mut body = Bytes::from(vec![b'x'; 1000]);
    let mut sent = 0;
    while !body.is_empty() {
        client.body(&mut body).unwrap();
        while let Some(chunk) = client.transmit(now) {
            assert!(chunk.len() <= 310);
            sent += chunk.len();
        }
        let next = client.read(now, &mut input).unwrap();
        assert_eq!(
            next == Next::Event(scop_smtp_proto::ClientEvent::Room),
            !body.is_empty()
        );
    }
    assert_eq!(sent, 1000 + "DATA\r\n".len() + "RCPT TO:<b@x>\r\n".len());
}

#[test]
fn law_5_errors_are_sticky() {
    assert_eq!(
        testkit::sticky(session, b"220 x\r\n250-a\r\n251 b\r\n"),
        b"EHLO dbc.mtview.ca.us\r\n"
    );
    // A refusal in due form deserves a QUIT, and does not hold the driver.
    assert_eq!(testkit::sticky(session, b"554 no\r\n"), b"QUIT\r\n");
    let said = testkit::sticky(secure, b"220 x\r\n250 x\r\n");
    assert_eq!(said, b"EHLO dbc.mtview.ca.us\r\nQUIT\r\n");
    testkit::sticky(secure, &[TO_TLS.as_bytes(), b"x"].concat());
    testkit::sticky(
        session,
        format!(
            "{}250 early\r\n",
            &LOCKSTEP[..LOCKSTEP.find("250 2.0.0").unwrap()]
        )
        .replace("AUTH LOGIN", "X")
        .as_bytes(),
    );
}

#[test]
fn law_6_end_of_input_is_not_end_of_data() {
    let replied = |note: &Note| format!("{note:?}").contains(": ");
    testkit::truncation(session, LOCKSTEP.as_bytes(), replied);
    testkit::truncation(session, pipelined().as_bytes(), replied);
}

#[test]
fn law_7_no_ambient_authority() {
    testkit::deterministic(session, LOCKSTEP.as_bytes());
}

#[test]
fn law_8_starttls_is_injection_proof() {
    testkit::injection(secure, TO_TLS.as_bytes(), b"250 AUTH LOGIN\r\n");
    let opportunistic = || {
        Script::new(TlsPolicy::Opportunistic)
            .then(Step::Quit)
            .peer()
    };
    testkit::injection(opportunistic, TO_TLS.as_bytes(), b"250 AUTH LOGIN\r\n");
}

#[test]
fn upgraded_out_of_turn_poisons() {
    let now = Instant::from_secs(1);
    let mut client = ready(Client::new(config(TlsPolicy::Never)), "250 x\r\n");
    client.upgraded(now, Channel::new());
    let error = client.read(now, &mut BytesMut::new()).unwrap_err();
    assert!(
        error.to_string().contains("upgraded out of turn"),
        "{error}"
    );
    // Before the first read it is implicit TLS, and nothing has leaked.
    let mut client = Client::new(config(TlsPolicy::Required));
    client.upgraded(now, Channel::new());
    assert_eq!(client.transmit(now), None);
    let client = ready(client, "250-x\r\n250 STARTTLS\r\n");
    assert!(client.channel().is_some());
}

/// Reads until nothing more comes, and writes all.
fn settle(client: &mut Client, now: Instant, input: &str) {
    let mut input = BytesMut::from(input);
    loop {
        let more = matches!(client.read(now, &mut input), Ok(Next::Event(_)));
        let wrote = client.transmit(now).is_some();
        if !more && !wrote {
            return;
        }
    }
}

#[test]
fn each_wait_has_the_time_of_rfc_5321() {
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let mut client = Client::new(config(TlsPolicy::Never));
    assert_eq!(client.deadline(), None, "nothing began");
    let mut now = Instant::from_secs(100);
    let due = |client: &Client, now: Instant, length: Duration, name: &'static str| {
        assert_eq!(client.deadline(), Some((now + length, Timer(name))));
    };
    let mailbox = |text: &str| text.parse::<Mailbox<'_>>().unwrap();
    settle(&mut client, now, "");
    due(&client, now, minutes(5), "the greeting");
    // One byte now and then does not buy time.
    settle(&mut client, now + minutes(4), "2");
    due(&client, now, minutes(5), "the greeting");
    now = now + minutes(4);
    let mut input = BytesMut::from("220 x\r\n");
    while !matches!(client.read(now, &mut input).unwrap(), Next::NeedInput) {}
    client.transmit(now).unwrap();
    due(&client, now, minutes(5), "the reply to a command");
    settle(&mut client, now, "250 x\r\n");
    assert_eq!(client.deadline(), None, "it is the caller's turn");
    now = now + minutes(60);
    client.mail(Mail::new(mailbox("a@x"))).unwrap();
    // A driver expires what is due before it reads: the hour is not the server's.
    assert_eq!(client.deadline(), None);
    client.expire(now);
    client.read(now, &mut BytesMut::new()).unwrap();
    due(&client, now, minutes(5), "the reply to MAIL");
    settle(&mut client, now, "");
    client.rcpt(Rcpt::new(mailbox("b@x"))).unwrap();
    settle(&mut client, now, "250 ok\r\n");
    due(&client, now, minutes(5), "the reply to RCPT");
    client.data().unwrap();
    settle(&mut client, now, "250 ok\r\n");
    due(&client, now, minutes(2), "the reply to DATA");
    settle(&mut client, now, "354 go\r\n");
    assert_eq!(client.deadline(), None, "it is the caller's turn");
    now = now + minutes(60);
    client.body(&mut Bytes::from(vec![b'x'; 5000])).unwrap();
    client.read(now, &mut BytesMut::new()).unwrap();
    due(&client, now, minutes(3), "a block of the message");
    // The chunk is handed over, and may not be written yet.
    now = now + minutes(2);
    client.transmit(now).unwrap();
    due(&client, now, minutes(3), "a block of the message");
    now = now + minutes(2);
    assert_eq!(client.transmit(now), None);
    assert_eq!(client.deadline(), None, "it is the caller's turn");
    now = now + minutes(60);
    client.finish().unwrap();
    client.expire(now);
    settle(&mut client, now, "");
    due(&client, now, minutes(10), "the reply to the message");
    assert!(client.in_doubt());
    client.expire(now + minutes(9));
    assert!(client.read(now, &mut BytesMut::new()).is_ok());
    client.expire(now + minutes(10));
    let error = client.read(now, &mut BytesMut::new()).unwrap_err();
    assert_eq!(error.to_string(), "timed out: the reply to the message");
    assert!(client.in_doubt() && client.deadline().is_none() && client.transmit(now).is_none());
}

#[test]
fn a_handshake_that_never_comes_is_not_waited_for() {
    let mut client = Client::new(config(TlsPolicy::Required));
    let now = Instant::from_secs(1);
    settle(&mut client, now, TO_TLS);
    let (at, timer) = client.deadline().unwrap();
    assert_eq!(
        (at, timer),
        (Instant::from_secs(301), Timer("the TLS handshake"))
    );
    client.expire(at);
    let error = client.read(at, &mut BytesMut::new()).unwrap_err();
    assert_eq!(error.to_string(), "timed out: the TLS handshake");
}

#[test]
fn a_deaf_peer_holds_up_our_quit_for_five_seconds() {
    let mut client = Client::new(config(TlsPolicy::Never));
    let now = Instant::from_secs(1);
    assert!(client.read(now, &mut BytesMut::from("554 no\r\n")).is_err());
    let (at, timer) = client.deadline().unwrap();
    assert_eq!((at, timer), (Instant::from_secs(6), Timer("linger")));
    client.expire(Instant::from_secs(5));
    assert!(client.deadline().is_some());
    client.expire(at);
    assert_eq!((client.deadline(), client.transmit(at)), (None, None));
}

#[test]
fn a_late_refusal_is_not_taken_for_the_next_transactions() {
    let mut client = ready(
        Client::new(config(TlsPolicy::Never)),
        "250-x\r\n250 PIPELINING\r\n",
    );
    let now = Instant::from_secs(1);
    let mailbox = |text: &str| text.parse::<Mailbox<'_>>().unwrap();
    client.mail(Mail::new(mailbox("a@x"))).unwrap();
    client.rset().unwrap();
    client.mail(Mail::new(mailbox("b@x"))).unwrap();
    settle(&mut client, now, "550 no\r\n250 ok\r\n250 ok\r\n");
    client.rcpt(Rcpt::new(mailbox("c@x"))).unwrap();
    client.data().unwrap();
    settle(&mut client, now, "250 ok\r\n354 go\r\n");
    client.finish().unwrap();
}

#[test]
fn a_client_in_trouble_says_what_it_waited_for() {
    for (input, inside) in [
        ("", "the wait for a greeting"),
        ("220", "a reply"),
        ("220 x\r\n250-x\r\n", "a reply"),
        ("220 x\r\n", "the wait for the reply to a command"),
        (TO_TLS, "the wait for TLS"),
    ] {
        let now = Instant::from_secs(1);
        let mut client = Client::new(config(TlsPolicy::Required));
        settle(&mut client, now, input);
        let (mut rest, _) = (BytesMut::from(""), ());
        if input == "220" {
            rest.extend_from_slice(b"220");
        }
        client.read_closed(now);
        match client.read(now, &mut rest) {
            Err(ClientError::Fault(scop_core::Fault::Truncated { inside: found, .. })) => {
                assert_eq!(found, inside, "{input:?}");
            }
            other => panic!("{input:?}: {other:?}"),
        }
    }
}

#[test]
fn a_message_without_an_answer_is_in_doubt() {
    let until = LOCKSTEP.find("250 2.0.0").unwrap();
    for (end, expected) in [
        (until, true),
        (until + 7, true),
        (until - 1, false),
        (until - "354 go\r\n".len(), false),
    ] {
        let input = testkit::Stream::whole(&LOCKSTEP.as_bytes()[..end]).closing();
        let mut peer = session();
        let outcome = testkit::run(&mut peer, &input);
        let End::Error(error) = &outcome.end else {
            panic!("{outcome:?}")
        };
        assert_eq!(peer.machine.in_doubt(), expected, "{error}");
        assert_eq!(
            error.contains("it may have been accepted or not"),
            expected,
            "{error}"
        );
        assert_ne!(
            error.contains("nothing of it was accepted"),
            expected,
            "{error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_comes_the_cuts_do_not_matter(
        at in 0usize..400,
        noise in prop::collection::vec(prop::sample::select(&[
            "250 ok\r\n", "250-a\r\n", "354 go\r\n", "220 go\r\n", "421 bye\r\n", "550 no\r\n", "334 \r\n",
            "235 in\r\n", "2", "\r\n", "x", "\0", "250 2.0.0 x\r\n", "250 STARTTLS\r\n", "250-PIPELINING\r\n",
        ][..]), 0..8),
        secured: bool,
    ) {
        let base = if secured { TO_TLS.to_owned() } else { pipelined() };
        let input = [&base[..at.min(base.len())], &noise.concat()].concat();
        let make = if secured { secure } else { session };
        let whole = testkit::run(&mut make(), &testkit::Stream::whole(input.as_bytes()));
        let bytes: Vec<usize> = (1..input.len()).collect();
        let single = testkit::run(&mut make(), &testkit::Stream::cut(input.as_bytes(), &bytes));
        prop_assert!(single == whole || single.end == End::Upgrade, "{:?}\n{:?}", whole, single);
        // Nothing that was to be kept for TLS goes out before it.
        if secured {
            let sent = String::from_utf8_lossy(&whole.output).into_owned();
            prop_assert!(!sent.contains("AUTH") && !sent.contains("MAIL"), "{}", sent);
        }
    }
}

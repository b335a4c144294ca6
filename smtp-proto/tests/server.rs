//! Conversations with the server, as RFCs print them.

mod common;

use bytes::BytesMut;
use common::{config, peer, submission, words};
use scop_core::testkit::{End, Outcome, Peer, Side, converse};
use scop_core::{Channel, Fault, Instant, Machine, Next, Pause};
use scop_sasl::Mechanism;
use scop_smtp_proto::*;
use std::sync::Arc;

#[track_caller]
fn talk(config: ServerConfig, transcript: &str) -> Outcome {
    converse(&mut peer(config), Side::Server, transcript)
}

#[test]
fn a_message_from_end_to_end() {
    let outcome = talk(
        config(),
        r"
        S: 220 mx.example.org ESMTP ready
        C: EHLO client.example
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SIZE 52428800
        S: 250 ENHANCEDSTATUSCODES
        C: MAIL FROM:<tim@client.example> SIZE=20 BODY=8BITMIME
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<x@example.org>
        S: 250 2.1.5 Recipient OK
        C: RCPT TO:<nobody@example.org>
        S: 550 5.1.1 No such user here
        C: RCPT TO:<Postmaster>
        S: 250 2.1.5 Recipient OK
        C: DATA
        S: 354 Go ahead, end with <CRLF>.<CRLF>
        C: Subject: hi
        C:
        C: ..dot
        C: .
        S: 250 2.0.0 Stored
        C: QUIT
        S: 221 2.0.0 Goodbye
        ",
    );
    assert_eq!(outcome.end, End::Closed);
    assert_eq!(
        words(&outcome.notes),
        "Hello, Mail, Rcpt, Rcpt, Rcpt, Data, 21 bytes, MessageEnd, Quit"
    );
    assert!(format!("{outcome:?}").contains("MessageEnd(21)"));
}

#[test]
fn pipelined_as_in_rfc_2920() {
    let outcome = talk(
        config(),
        r"
        S: 220 mx.example.org ESMTP ready
        C: EHLO dbc.mtview.ca.us
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SIZE 52428800
        S: 250 ENHANCEDSTATUSCODES
        C: MAIL FROM:<mrose@dbc.mtview.ca.us>
        C: RCPT TO:<x@innosoft.com>
        C: RCPT TO:<dan@innosoft.com>
        C: RCPT TO:<y@innosoft.com>
        C: DATA
        S: 250 2.1.0 Sender OK
        S: 250 2.1.5 Recipient OK
        S: 550 5.1.1 No such user here
        S: 250 2.1.5 Recipient OK
        S: 354 Go ahead, end with <CRLF>.<CRLF>
        C: .
        C: MAIL FROM:<>
        C: RCPT TO:<nobody@a>
        C: DATA
        C: RSET
        C: QUIT
        S: 250 2.0.0 Stored
        S: 250 2.1.0 Sender OK
        S: 550 5.1.1 No such user here
        S: 554 5.5.1 No valid recipients
        S: 250 2.0.0 OK
        S: 221 2.0.0 Goodbye
        ",
    );
    assert_eq!(
        words(&outcome.notes),
        "Hello, Mail, Rcpt, Rcpt, Rcpt, Data, MessageEnd, Mail, Rcpt, Reset, Quit"
    );
}

#[test]
fn helo_and_many_messages() {
    let outcome = talk(
        config(),
        r"
        S: 220 mx.example.org ESMTP ready
        C: HELO old.example
        S: 250 mx.example.org
        C: MAIL FROM:<full@a>
        C: RCPT TO:<x@b>
        C: DATA
        S: 250 2.1.0 Sender OK
        S: 250 2.1.5 Recipient OK
        S: 354 Go ahead, end with <CRLF>.<CRLF>
        C: a
        C: .
        S: 452 4.3.1 Full
        C: MAIL FROM:<banned@a>
        S: 550 5.7.1 Not you
        C: RCPT TO:<x@b>
        S: 503 5.5.1 Say MAIL first
        C: MAIL FROM:<a@a>
        C: MAIL FROM:<b@b>
        C: RCPT TO:<x@b>
        C: DATA
        S: 250 2.1.0 Sender OK
        S: 503 5.5.1 There is a sender already
        S: 250 2.1.5 Recipient OK
        S: 354 Go ahead, end with <CRLF>.<CRLF>
        C: b
        C: .
        S: 250 2.0.0 Stored
        C: MAIL FROM:<a@a>
        S: 250 2.1.0 Sender OK
        C: EHLO again
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SIZE 52428800
        S: 250 ENHANCEDSTATUSCODES
        C: RCPT TO:<x@b>
        S: 503 5.5.1 Say MAIL first
        ",
    );
    assert_eq!(
        words(&outcome.notes),
        "Hello, Mail, Rcpt, Data, 3 bytes, MessageEnd, Mail, Mail, Rcpt, Data, 3 bytes, \
         MessageEnd, Mail, Reset, Hello"
    );
}

#[test]
fn what_is_not_done_is_said() {
    talk(
        config(),
        r"
        S: 220 mx.example.org ESMTP ready
        C: MAIL FROM:<a@b>
        S: 503 5.5.1 Say EHLO first
        C: EHLO
        S: 501 5.5.4 Wrong: say which host you are
        C: HELO a
        S: 250 mx.example.org
        C: VRFY x
        S: 252 2.1.5 Send it some mail and see
        C: EXPN list
        S: 502 5.5.1 EXPN is not for you
        C: HELP
        S: 214 2.0.0 RFC 5321 tells it all
        C: NOOP whatever
        S: 250 2.0.0 OK
        C: LHLO a
        S: 500 5.5.1 This is not LMTP
        C: STARTTLS
        S: 502 5.5.1 There is no STARTTLS here
        C: AUTH PLAIN AHgAc2VjcmV0
        S: 502 5.5.1 There is no AUTH here
        C: BDAT 5 LAST
        S: 500 5.5.1 No such command
        C:
        S: 500 5.5.1 No such command
        C: RSET
        S: 250 2.0.0 OK
        C: DATA
        S: 503 5.5.1 Say MAIL first
        C: MAIL FROM:<a@b> RET=FULL
        S: 555 5.5.4 A parameter that was not offered
        C: MAIL FROM:<a@b> SIZE=52428801
        S: 552 5.3.4 The message is too large
        C: MAIL FROM:<a@b> SIZE=52428800
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<x@b> NOTIFY=NEVER
        S: 555 5.5.4 A parameter that was not offered
        C: RCPT TO:<closing@b>
        S: 421 4.3.0 Enough
        ",
    );
}

#[test]
fn ss32_ss33_bad_commands_are_answered_and_survived() {
    talk(
        config(),
        r#"
        S: 220 mx.example.org ESMTP ready
        C: HELO a
        S: 250 mx.example.org
        C: MAIL FROM:<a@b> SIZE=1 SIZE=1
        S: 501 5.5.4 Wrong: SIZE twice
        C: MAIL FROM:<a@b> SIZE=99999999999999999999
        S: 552 5.3.4 The message is too large
        C: MAIL FROM:<a@b> AUTH="x
        S: 501 5.5.4 Wrong: AUTH is <> or a mailbox in xtext
        C: MAIL FROM:<a@b>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<""@x>
        S: 501 5.1.3 Wrong: bad local part in the recipient's address
        C: RCPT TO:<ü@x>
        S: 553 5.6.7 Wrong: an address outside ASCII in the recipient's address
        C: RCPT TO:<\xc3@x>
        S: 553 5.6.7 Wrong: an address outside ASCII in the recipient's address
        C: NOOP\0
        S: 500 5.5.2 Wrong: a control character in a command
        C: NOOP\rNOOP
        S: 500 5.5.2 Wrong: a control character in a command
        C: NOOP\n\
        S: 500 5.5.2 A line ends in CRLF, not in a bare LF
        C: NOOP
        S: 250 2.0.0 OK
        "#,
    );
}

#[test]
fn submission_wants_authentication() {
    let outcome = talk(
        submission().auth_in_clear(true),
        r"
        S: 220 mx.example.org ESMTP ready
        C: AUTH PLAIN AHgAc2VjcmV0
        S: 503 5.5.1 Say EHLO first
        C: EHLO a
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SIZE 52428800
        S: 250-ENHANCEDSTATUSCODES
        S: 250 AUTH PLAIN LOGIN
        C: MAIL FROM:<a@b>
        S: 530 5.7.0 Authenticate first
        C: AUTH SCRAM-SHA-1 abcd
        S: 504 5.5.4 No such mechanism
        # x, wrong
        C: AUTH PLAIN AHgAd3Jvbmc=
        S: 535 5.7.8 No such name and password
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: eA==
        S: 334 UGFzc3dvcmQ6
        C: c2VjcmV0
        S: 235 2.7.0 Authenticated
        C: AUTH PLAIN AHgAc2VjcmV0
        S: 503 5.5.1 Authenticated already
        C: MAIL FROM:<a@b> AUTH=<>
        S: 250 2.1.0 Sender OK
        ",
    );
    assert_eq!(words(&outcome.notes), "Hello, Auth, Auth, Mail");
    assert!(!format!("{outcome:?}").contains("secret"));
}

#[test]
fn ss34_exchanges_that_go_wrong_are_isolated() {
    let outcome = talk(
        submission().auth_in_clear(true),
        r"
        S: 220 mx.example.org ESMTP ready
        C: EHLO a
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SIZE 52428800
        S: 250-ENHANCEDSTATUSCODES
        S: 250 AUTH PLAIN LOGIN
        C: AUTH PLAIN Zh==
        S: 501 5.5.2 Wrong: not valid base64
        C: AUTH PLAIN
        S: 334 \r\n\
        C:
        S: 501 5.5.2 Wrong: malformed PLAIN message: less than two NUL
        C: AUTH PLAIN
        S: 334 \r\n\
        C: *
        S: 501 5.7.0 Cancelled
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: QUIT!
        S: 501 5.5.2 Wrong: not valid base64
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: eA==\n\
        S: 500 5.5.2 A line ends in CRLF, not in a bare LF
        # The name without a password is no credentials.
        C: AUTH PLAIN AHgA
        S: 535 5.7.8 No such name and password
        C: NOOP
        S: 250 2.0.0 OK
        C: AUTH PLAIN AHgAc2VjcmV0
        S: 235 2.7.0 Authenticated
        ",
    );
    assert_eq!(words(&outcome.notes), "Hello, Auth");
}

#[test]
fn ss34_an_exchange_line_of_any_length_ends() {
    let mut server = peer(submission().auth_in_clear(true));
    let name = "A".repeat(12284);
    let transcript = format!(
        "S: 220 mx.example.org ESMTP ready
        C: EHLO a
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SIZE 52428800
        S: 250-ENHANCEDSTATUSCODES
        S: 250 AUTH PLAIN LOGIN
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: {name}
        S: 334 UGFzc3dvcmQ6
        C: {name}AAA
        S: 500 5.5.6 That AUTH line is too long
        C: AUTH PLAIN {name}
        S: 500 5.5.6 That AUTH line is too long
        C: NOOP
        S: 250 2.0.0 OK"
    );
    converse(&mut server, Side::Server, &transcript);
}

#[test]
fn ss35_no_secret_is_looked_at_before_required_tls() {
    let outcome = talk(
        submission().starttls(true).require_tls(true),
        r"
        S: 220 mx.example.org ESMTP ready
        C: EHLO a
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SIZE 52428800
        S: 250-ENHANCEDSTATUSCODES
        S: 250 STARTTLS
        C: AUTH PLAIN AHgAc2VjcmV0
        S: 530 5.7.0 Say STARTTLS first
        C: AUTH LOGIN
        S: 530 5.7.0 Say STARTTLS first
        C: MAIL FROM:<a@b>
        S: 530 5.7.0 Say STARTTLS first
        C: VRFY x
        S: 530 5.7.0 Say STARTTLS first
        C: NOOP
        S: 250 2.0.0 OK
        C: STARTTLS
        S: 220 2.0.0 Go ahead
        ",
    );
    assert_eq!(
        (words(&outcome.notes), outcome.end),
        ("Hello".into(), End::Upgrade)
    );
}

#[test]
fn ss16_after_the_handshake_all_is_forgotten() {
    let mut server = peer(
        config()
            .starttls(true)
            .auth_in_clear(true)
            .mechanisms(&[Mechanism::Plain]),
    );
    converse(
        &mut server,
        Side::Server,
        r"
        S: 220 mx.example.org ESMTP ready
        C: EHLO a
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SIZE 52428800
        S: 250-ENHANCEDSTATUSCODES
        S: 250-STARTTLS
        S: 250 AUTH PLAIN
        C: AUTH PLAIN AHgAc2VjcmV0
        S: 235 2.7.0 Authenticated
        C: MAIL FROM:<a@b>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<x@b>
        S: 250 2.1.5 Recipient OK
        C: STARTTLS
        S: 220 2.0.0 Go ahead
        ",
    );
    assert_eq!(server.machine.authenticated(), Some("x"));
    server
        .machine
        .upgraded(Instant::from_secs(1), Channel::new());
    assert!(server.machine.is_encrypted());
    assert_eq!(server.machine.authenticated(), None);
    assert_eq!(server.machine.client(), None);
    let outcome = converse(
        &mut server,
        Side::Server,
        r"
        C: DATA
        S: 503 5.5.1 Say MAIL first
        C: MAIL FROM:<a@b>
        S: 503 5.5.1 Say EHLO first
        C: EHLO a
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SIZE 52428800
        S: 250-ENHANCEDSTATUSCODES
        S: 250 AUTH PLAIN
        C: STARTTLS
        S: 503 5.5.1 TLS is on already
        ",
    );
    assert_eq!(words(&outcome.notes), "Encrypted, Hello");
}

#[test]
fn implicit_tls_comes_before_the_greeting() {
    let mut server = peer(submission());
    server
        .machine
        .upgraded(Instant::from_secs(1), Channel::new());
    let outcome = converse(
        &mut server,
        Side::Server,
        r"
        S: 220 mx.example.org ESMTP ready
        C: EHLO a
        S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SIZE 52428800
        S: 250-ENHANCEDSTATUSCODES
        S: 250 AUTH PLAIN LOGIN
        ",
    );
    assert_eq!(words(&outcome.notes), "Encrypted, Hello");
}

#[test]
fn upgraded_out_of_turn_poisons() {
    let mut server = peer(config());
    converse(
        &mut server,
        Side::Server,
        "S: 220 mx.example.org ESMTP ready",
    );
    let server = &mut server.machine;
    server.upgraded(Instant::ZERO, Channel::new());
    let error = server.read(Instant::ZERO, &mut BytesMut::new());
    assert!(matches!(error, Err(Fault::Driver(_))), "{error:?}");
}

#[test]
fn misuse_changes_nothing() {
    let mut server = Server::new(Arc::new(config()));
    let now = Instant::ZERO;
    assert!(server.accept().is_err());
    let mut input = BytesMut::from("HELO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
    assert!(matches!(
        server.read(now, &mut input),
        Ok(Next::Event(ServerEvent::Hello(_)))
    ));
    assert!(server.accept().is_err());
    assert!(matches!(
        server.read(now, &mut input),
        Ok(Next::Event(ServerEvent::Mail(_)))
    ));
    while server.transmit(now).is_some() {}
    for (code, text) in [(250, "yes"), (354, "go"), (235, "2.7.0 yes"), (221, "bye")] {
        assert!(server.reject(code, text).is_err());
        if code != 250 {
            assert!(server.answer(&Reply::new(code, text).unwrap()).is_err());
        }
    }
    assert!(server.reject(550, "two\r\n250 lines").is_err());
    assert!(server.reject(666, "evil").is_err());
    assert_eq!(server.transmit(now), None);
    assert_eq!(
        server.read(now, &mut input),
        Ok(Next::Paused(Pause::Answer))
    );
    // No time is the client's while it waits for us.
    assert_eq!(server.deadline(), None);
    server.accept().unwrap();
    assert!(server.accept().is_err());
    assert!(matches!(
        server.read(now, &mut input),
        Ok(Next::Event(ServerEvent::Rcpt(_)))
    ));
    assert_eq!(server.transmit(now).unwrap(), "250 2.1.0 Sender OK\r\n");
}

#[test]
fn shutdown_lets_the_transaction_finish() {
    let mut idle = peer(config());
    idle.machine.shutdown();
    let outcome = converse(
        &mut idle,
        Side::Server,
        "S: 421 4.3.2 Shutting down, come back later",
    );
    assert_eq!(outcome.end, End::Closed);

    let mut busy: Peer<'_, Server> = peer(config());
    converse(
        &mut busy,
        Side::Server,
        r"
        S: 220 mx.example.org ESMTP ready
        C: HELO a
        S: 250 mx.example.org
        C: MAIL FROM:<a@b>
        S: 250 2.1.0 Sender OK
        ",
    );
    busy.machine.shutdown();
    let outcome = converse(
        &mut busy,
        Side::Server,
        r"
        C: RCPT TO:<x@b>
        S: 250 2.1.5 Recipient OK
        C: DATA
        S: 354 Go ahead, end with <CRLF>.<CRLF>
        C: a
        C: .
        C: MAIL FROM:<next@b>
        S: 250 2.0.0 Stored
        S: 421 4.3.2 Shutting down, come back later
        ",
    );
    assert_eq!(outcome.end, End::Closed);
    assert_eq!(words(&outcome.notes), "Rcpt, Data, 3 bytes, MessageEnd");
}

#[test]
fn long_lines_are_taken_and_flagged() {
    for (length, long) in [(998, false), (999, true)] {
        let line = "x".repeat(length);
        let mut server = peer(config());
        let talk = format!(
            "S: 220 mx.example.org ESMTP ready\nC: HELO a\nC: MAIL FROM:<a@b>\nC: RCPT TO:<x@b>\nC: DATA\n\
             S: 250 mx.example.org\nS: 250 2.1.0 Sender OK\nS: 250 2.1.5 Recipient OK\n\
             S: 354 Go ahead, end with <CRLF>.<CRLF>\nC: {line}\nC: .\nS: 250 2.0.0 Stored"
        );
        converse(&mut server, Side::Server, &talk);
        assert_eq!(server.machine.has_long_lines(), long);
    }
}

/// A client that sends and never reads is waited for as long as one that does neither.
#[test]
fn a_deaf_client_runs_into_the_idle_timer() {
    let mut limits = ServerLimits::default();
    limits.outbox = 64;
    let mut server = Server::new(Arc::new(config().limits(limits)));
    let mut now = Instant::from_secs(1);
    let mut input = BytesMut::from("HELO a\r\nMAIL FROM:<a@b>\r\nNOOP\r\n");
    loop {
        now = now + core::time::Duration::from_secs(1);
        match server.read(now, &mut input).unwrap() {
            Next::Event(ServerEvent::Mail(_)) => server.accept().unwrap(),
            Next::Event(_) => {}
            Next::Paused(Pause::Flush) => break,
            other => panic!("{other:?}"),
        }
    }
    let (at, _) = server.deadline().unwrap();
    assert_eq!(at, now + core::time::Duration::from_secs(300));
    server.expire(at);
    assert!(matches!(
        server.read(at, &mut input),
        Err(Fault::TimedOut(_))
    ));
}

//! Conversations of the client machine about the session: greeting, TLS, login, goodbye.

mod client_common;

use bytes::Bytes;
use client_common::{Script, Step, config, events, last, mailbox, tim};
use scop_sasl::Credentials;
use scop_smtp_proto::{
    Argument, Capability, Client, ClientEvent, Extension, Mail, NotSent, Rcpt, Refusal, TlsPolicy,
};

#[test]
fn helo_for_a_server_that_knows_no_ehlo() {
    let said = events(
        Script::new(TlsPolicy::Opportunistic)
            .message("a@x", &["b@x"], "Hi\r\n")
            .then(Step::Quit),
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 500 what?
         C: HELO dbc.mtview.ca.us
         S: 250 x
         C: MAIL FROM:<a@x>
         S: 250 ok
         C: RCPT TO:<b@x>
         S: 250 ok
         C: DATA
         S: 354 go
         C: Hi
         C: .
         S: 250 ok
         C: QUIT
         S: 221 bye",
    );
    assert_eq!(said[1], "ready");
    let end = last(
        Script::new(TlsPolicy::Never),
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 502 what?
         C: HELO dbc.mtview.ca.us
         S: 550 go away
         C: QUIT",
    );
    assert!(
        end.contains("the server refused at Hello: 550 go away"),
        "{end}"
    );
}

#[test]
fn a_server_that_does_not_want_us() {
    for (reply, expected) in [
        (
            "554 no service",
            "the server refused at Greeting: 554 no service",
        ),
        (
            "421 4.3.2 busy",
            "the server refused at Greeting: 421 4.3.2 busy",
        ),
    ] {
        let end = last(
            Script::new(TlsPolicy::Never),
            &format!("S: {reply}\nC: QUIT"),
        );
        assert!(end.contains(expected), "{end}");
    }
    for reply in ["250 x", "354 x", "334 x", "HTTP/1.1 400"] {
        let end = last(Script::new(TlsPolicy::Never), &format!("S: {reply}"));
        assert!(end.contains("(RFC 5321 4."), "{end}");
    }
}

#[test]
fn sc08_tls_required_and_not_to_be_had() {
    for (rest, expected) in [
        (
            "S: 502 no EHLO\nC: QUIT",
            "the server refused at Hello: 502 no EHLO",
        ),
        (
            "S: 250-x\nS: 250 AUTH PLAIN\nC: QUIT",
            "does not offer STARTTLS",
        ),
        (
            "S: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 502 no\nC: QUIT",
            "refused STARTTLS: 502 no",
        ),
        (
            "S: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 later\nC: QUIT",
            "refused STARTTLS: 454 later",
        ),
        (
            "S: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 421 bye\nC: QUIT",
            "refused STARTTLS: 421 bye",
        ),
        (
            "S: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 354 go",
            "a reply that makes no sense here",
        ),
        (
            "S: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 250 ok",
            "a reply that makes no sense here",
        ),
    ] {
        // Credentials and a message are ready to be sent: none of it is.
        let script = Script::new(TlsPolicy::Required)
            .then(Step::Auth(tim()))
            .message("a@x", &["b@x"], "secret\r\n");
        let transcript = format!("S: 220 x\nC: EHLO dbc.mtview.ca.us\n{rest}");
        let end = last(script, &transcript);
        assert!(end.contains(expected), "{rest}: {end}");
    }
}

#[test]
fn opportunistic_tls_goes_on_in_clear_but_shows_no_password() {
    let said = events(
        Script::new(TlsPolicy::Opportunistic)
            .then(Step::Auth(tim()))
            .then(Step::Quit),
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 250-x
         S: 250-AUTH PLAIN
         S: 250 STARTTLS
         C: STARTTLS
         S: 454 not now
         C: QUIT
         S: 221 bye",
    );
    assert_eq!(
        said[2],
        "refused: no TLS: a password would go in clear (ClientConfig::auth_in_clear allows that)"
    );
}

#[test]
fn sc09_plaintext_behind_the_go_ahead() {
    let end = last(
        Script::new(TlsPolicy::Required),
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 250-x
         S: 250 STARTTLS
         C: STARTTLS
         S: 220 go
         S: 250 AUTH LOGIN",
    );
    assert!(
        end.contains("plaintext behind the reply to STARTTLS at byte 36 (RFC 3207 4.2)"),
        "{end}"
    );
}

#[test]
fn sc10_what_was_offered_in_clear_is_forgotten() {
    use scop_core::{Channel, Instant, Machine, Next, Pause};
    let now = Instant::from_secs(1);
    let mut client = Client::new(config(TlsPolicy::Required));
    let offer: String = (0..60).map(|i| format!("250-AUTH X{i}\r\n")).collect();
    let clear = format!("220 x\r\n250-x\r\n{offer}250-SIZE 1\r\n250 STARTTLS\r\n220 go\r\n");
    let mut input = bytes::BytesMut::from(clear.as_str());
    loop {
        match client.read(now, &mut input).unwrap() {
            Next::Event(event) => assert!(matches!(event, ClientEvent::Greeting(_))),
            Next::NeedInput => while client.transmit(now).is_some() {},
            Next::Paused(pause) => break assert_eq!(pause, Pause::Upgrade),
            Next::Closed => panic!("closed"),
        }
    }
    assert!(client.auth(tim()).is_err());
    client.upgraded(now, Channel::new());
    assert_eq!(client.transmit(now).unwrap(), "EHLO dbc.mtview.ca.us\r\n");
    assert_eq!(client.capabilities().iter().count(), 0);
    input.extend_from_slice(b"250-x\r\n250 AUTH PLAIN\r\n");
    assert_eq!(
        client.read(now, &mut input).unwrap(),
        Next::Event(ClientEvent::Ready)
    );
    assert!(
        client
            .capabilities()
            .iter()
            .eq([Capability::parse(b"AUTH PLAIN")])
    );
    assert_eq!(client.capabilities().size(), None);
    client.auth(tim()).unwrap();
    assert_eq!(
        client.transmit(now).unwrap(),
        "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"
    );
}

#[test]
fn sc11_odd_replies_are_violations() {
    for (reply, expected) in [
        ("250-a\nS: 251 b", "different codes"),
        ("25", "without a code"),
        ("250 a\\0b", "a NUL"),
        ("250 a\\rb", "a bare CR"),
        ("250 a\\n\\", "a bare LF"),
        ("354 go", "3yz where it makes no sense"),
        (
            "250 fine\nS: 250 fine\nS: 250 and more",
            "a reply that nobody asked for",
        ),
    ] {
        let script = Script::new(TlsPolicy::Never)
            .then(Step::Rset)
            .then(Step::Rset);
        let transcript = format!(
            "S: 220 x\nC: EHLO dbc.mtview.ca.us\nS: 250-x\nS: 250 PIPELINING\nC: RSET\nC: RSET\nS: {reply}"
        );
        let end = last(script, &transcript);
        assert!(end.contains(expected), "{reply}: {end}");
    }
}

#[test]
fn auth_in_all_its_forms() {
    let clear = |step| {
        Script::configured(config(TlsPolicy::Never).auth_in_clear(true))
            .then(step)
            .then(Step::Quit)
    };
    let hello = "S: 220 x
        C: EHLO dbc.mtview.ca.us
        S: 250-x";
    // PLAIN on one line; the password is right.
    let said = events(
        clear(Step::Auth(tim())),
        &format!(
            "{hello}
        S: 250 AUTH LOGIN PLAIN
        C: AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm
        S: 235 2.7.0 welcome
        C: QUIT
        S: 221 bye"
        ),
    );
    assert_eq!(said[2], "1: 235 2.7.0 welcome");
    // LOGIN, in the old form of the offer; the password is wrong.
    let said = events(
        clear(Step::Auth(tim())),
        &format!(
            "{hello}
        S: 250 AUTH=LOGIN
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: dGlt
        S: 334 UGFzc3dvcmQ6
        C: dGFuc3RhYWZ0YW5zdGFhZg==
        S: 535 5.7.8 no
        C: QUIT
        S: 221 bye"
        ),
    );
    assert_eq!(said[2], "1: 535 5.7.8 no");
    // Too long for the command line (RFC 4954 section 4): in answer to a challenge.
    let long = Credentials::new("tim", "x".repeat(500)).unwrap();
    let message = scop_sasl::wire::encode(&[b"\0tim\0", "x".repeat(500).as_bytes()].concat());
    events(
        clear(Step::Auth(long)),
        &format!(
            "{hello}
        S: 250 AUTH PLAIN
        C: AUTH PLAIN
        S: 334 \\r\\n\\
        C: {message}
        S: 235 ok
        C: QUIT
        S: 221 bye"
        ),
    );
    // A challenge too many, and one that is no base64: given up.
    for challenge in ["334 bW9yZQ==", "334 ***"] {
        let said = events(
            clear(Step::Auth(tim())),
            &format!(
                "{hello}
            S: 250 AUTH PLAIN
            C: AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm
            S: {challenge}
            C: *
            S: 501 5.5.2 cancelled
            C: QUIT
            S: 221 bye"
            ),
        );
        assert_eq!(said[2], "1: 501 5.5.2 cancelled");
    }
    // Success before the password was sent is not believed.
    let end = last(
        clear(Step::Auth(tim())),
        &format!(
            "{hello}
        S: 250 AUTH LOGIN
        C: AUTH LOGIN
        S: 235 fine"
        ),
    );
    assert!(
        end.contains("success before the exchange was over"),
        "{end}"
    );
    let said = events(
        clear(Step::Auth(tim())),
        &format!(
            "{hello}
        S: 250 AUTH X-ODD CRAM-MD5
        C: QUIT
        S: 221 bye"
        ),
    );
    assert_eq!(said[2], "refused: no common SASL mechanism");
}

#[test]
fn a_server_that_leaves() {
    let hello = "S: 220 x
        C: EHLO dbc.mtview.ca.us
        S: 250-x
        S: 250 PIPELINING";
    let said = events(
        Script::new(TlsPolicy::Never),
        &format!("{hello}\nS: 421 4.3.2 shutting down"),
    );
    assert_eq!(said[2..], ["closing 421 4.3.2 shutting down", "Closed"]);
    // In answer to a command, and the rest goes unanswered.
    let message = || Script::new(TlsPolicy::Never).message("a@x", &["b@x"], "Hi\r\n");
    let said = events(
        message(),
        &format!(
            "{hello}
        C: MAIL FROM:<a@x>
        C: RCPT TO:<b@x>
        C: DATA
        S: 250 ok
        S: 421 bye"
        ),
    );
    assert_eq!(said[2..], ["1: 250 ok", "2: 421 bye", "Closed"]);
    // In the middle of the message: nothing more is sent, above all no dot.
    let stuck = Script::new(TlsPolicy::Never).half_message("a@x", &["b@x"], "Hi\r\n");
    for reply in ["421 4.3.0 disk on fire", "552 5.3.4 too much"] {
        let said = events(
            stuck.clone(),
            &format!(
                "{hello}
            C: MAIL FROM:<a@x>
            C: RCPT TO:<b@x>
            C: DATA
            S: 250 ok
            S: 250 ok
            S: 354 go
            C: Hi
            S: {reply}"
            ),
        );
        assert_eq!(said[5..], [format!("3: {reply}"), "Closed".into()]);
    }
    let end = last(
        stuck,
        &format!(
            "{hello}
        C: MAIL FROM:<a@x>
        C: RCPT TO:<b@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go
        C: Hi
        S: 250 taken already"
        ),
    );
    assert!(end.contains("a positive reply to half a message"), "{end}");
}

#[test]
fn a_server_that_turns_odd_at_starttls() {
    let end = last(
        Script::new(TlsPolicy::Opportunistic),
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 250-x
         S: 250 STARTTLS
         C: STARTTLS
         S: 421 bye
         C: QUIT",
    );
    assert!(end.contains("refused STARTTLS: 421 bye"), "{end}");
    // Under TLS it no longer knows EHLO: no fallback to a hello without extensions.
    use scop_core::{Channel, Instant, Machine, Next, Pause};
    let now = Instant::from_secs(1);
    let mut client = Client::new(config(TlsPolicy::Opportunistic));
    let mut input = bytes::BytesMut::from("220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n");
    while client.read(now, &mut input).unwrap() != Next::Paused(Pause::Upgrade) {
        while client.transmit(now).is_some() {}
    }
    client.upgraded(now, Channel::new());
    assert_eq!(client.transmit(now).unwrap(), "EHLO dbc.mtview.ca.us\r\n");
    input.extend_from_slice(b"500 what?\r\n");
    let error = client.read(now, &mut input).unwrap_err();
    assert_eq!(error.to_string(), "the server refused at Hello: 500 what?");
}

#[test]
fn commands_out_of_turn_change_nothing() {
    let mut client = Client::new(config(TlsPolicy::Never));
    let mail = || Mail::new(mailbox("a@x"));
    assert_eq!(client.mail(mail()).unwrap_err().why, Refusal::NotReady);
    assert_eq!(client.mail(mail()).unwrap_err().command, mail());
    assert_eq!(client.quit(), Err(Refusal::NotReady));
    let mut client = client_common::ready(client, "250 x\r\n");
    let rcpt = || Rcpt::new(mailbox("b@x"));
    assert_eq!(client.rcpt(rcpt()).unwrap_err().why, Refusal::NoTransaction);
    assert_eq!(client.data(), Err(Refusal::NoTransaction));
    assert!(client.body(&mut Bytes::from("x")).is_err() && client.finish().is_err());
    assert_eq!(
        client.auth(tim()).unwrap_err().why,
        Refusal::Unsupported(Extension::Auth)
    );
    client.mail(mail()).unwrap();
    assert_eq!(
        client.mail(mail()).unwrap_err().why,
        Refusal::TransactionOpen
    );
    assert_eq!(client.data(), Err(Refusal::NoTransaction), "no recipient");
    client.rcpt(rcpt()).unwrap();
    client.data().unwrap();
    assert_eq!(client.data(), Err(Refusal::NoTransaction));
    assert_eq!(client.rset(), Err(Refusal::TransactionOpen));
    assert_eq!(client.quit(), Err(Refusal::TransactionOpen));
    assert_eq!(
        client.vrfy(&Argument::new("tim").unwrap()),
        Err(Refusal::TransactionOpen)
    );
    client.abort();
    assert_eq!(client.quit(), Err(Refusal::Closing));
}

#[test]
fn reasons_are_sentences() {
    assert_eq!(
        NotSent::NoRecipients.to_string(),
        "no recipient was accepted"
    );
    assert_eq!(
        Refusal::Unsupported(Extension::EightBitMime).to_string(),
        "the server does not offer 8BITMIME"
    );
}

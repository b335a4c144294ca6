//! Conversations of the client machine about messages: recipients, pipelining, bodies.

mod client_common;

use bytes::Bytes;
use client_common::{Script, Step, config, events, last, mailbox, tim};
use scop_smtp_proto::{
    Body, BodyError, Client, Envelope, Mail, Outgoing, Rcpt, Submission, SubmissionError, TlsPolicy,
};

#[test]
fn the_first_example_of_rfc_2920_one_by_one() {
    let script = Script::new(TlsPolicy::Never)
        .message(
            "mrose@dbc.mtview.ca.us",
            &["ned@innosoft.com", "dan@innosoft.com"],
            "Hi\r\n.\r\n",
        )
        .then(Step::Quit);
    let said = events(
        script,
        "S: 220 Innosoft.com SMTP service ready
         C: EHLO dbc.mtview.ca.us
         S: 250 Innosoft.com
         C: MAIL FROM:<mrose@dbc.mtview.ca.us>
         S: 250 sender <mrose@dbc.mtview.ca.us> OK
         C: RCPT TO:<ned@innosoft.com>
         S: 250 recipient <ned@innosoft.com> OK
         C: RCPT TO:<dan@innosoft.com>
         S: 250 recipient <dan@innosoft.com> OK
         C: DATA
         S: 354 enter mail, end with line containing only \".\"
         C: Hi
         C: ..
         C: .
         S: 250 message sent
         C: QUIT
         S: 221 goodbye",
    );
    assert_eq!(
        said,
        [
            "greeting 220 Innosoft.com SMTP service ready",
            "ready",
            "1: 250 sender <mrose@dbc.mtview.ca.us> OK",
            "2: 250 recipient <ned@innosoft.com> OK",
            "3: 250 recipient <dan@innosoft.com> OK",
            "body of 4",
            "4: 250 message sent",
            "5: 221 goodbye",
            "Closed"
        ]
    );
}

#[test]
fn the_second_example_of_rfc_2920_pipelined() {
    let script = Script::new(TlsPolicy::Never)
        .message(
            "mrose@dbc.mtview.ca.us",
            &["ned@innosoft.com", "dan@innosoft.com", "kvc@innosoft.com"],
            "Hi",
        )
        .then(Step::Quit);
    events(
        script,
        "S: 220 innosoft.com SMTP service ready
         C: EHLO dbc.mtview.ca.us
         S: 250-innosoft.com
         S: 250 PIPELINING
         C: MAIL FROM:<mrose@dbc.mtview.ca.us>
         C: RCPT TO:<ned@innosoft.com>
         C: RCPT TO:<dan@innosoft.com>
         C: RCPT TO:<kvc@innosoft.com>
         C: DATA
         S: 250 sender <mrose@dbc.mtview.ca.us> OK
         S: 250 recipient <ned@innosoft.com> OK
         S: 250 recipient <dan@innosoft.com> OK
         S: 250 recipient <kvc@innosoft.com> OK
         S: 354 enter mail, end with line containing only \".\"
         C: Hi
         C: .
         C: QUIT
         S: 250 message sent
         S: 221 goodbye",
    );
}

#[test]
fn the_third_example_of_rfc_2920_all_recipients_refused() {
    let script = || {
        Script::new(TlsPolicy::Never)
            .message(
                "mrose@dbc.mtview.ca.us",
                &["nsb@thumper.bellcore.com", "galvin@tis.com"],
                "Hi",
            )
            .then(Step::Quit)
    };
    let said = events(
        script(),
        "S: 220 innosoft.com SMTP service ready
         C: EHLO dbc.mtview.ca.us
         S: 250-innosoft.com
         S: 250 PIPELINING
         C: MAIL FROM:<mrose@dbc.mtview.ca.us>
         C: RCPT TO:<nsb@thumper.bellcore.com>
         C: RCPT TO:<galvin@tis.com>
         C: DATA
         S: 250 sender <mrose@dbc.mtview.ca.us> OK
         S: 550 remote mail to <nsb@thumper.bellore.com> not allowed
         S: 550 remote mail to <galvin@tis.com> not allowed
         S: 554 no valid recipients given
         C: QUIT
         S: 221 goodbye",
    );
    assert_eq!(said[5], "4: 554 no valid recipients given");
    // A server that says 354 all the same gets an empty message at once.
    let said = events(
        script(),
        "S: 220 innosoft.com SMTP service ready
         C: EHLO dbc.mtview.ca.us
         S: 250-innosoft.com
         S: 250 PIPELINING
         C: MAIL FROM:<mrose@dbc.mtview.ca.us>
         C: RCPT TO:<nsb@thumper.bellcore.com>
         C: RCPT TO:<galvin@tis.com>
         C: DATA
         S: 250 sender <mrose@dbc.mtview.ca.us> OK
         S: 550 remote mail to <nsb@thumper.bellore.com> not allowed
         S: 550 remote mail to <galvin@tis.com> not allowed
         S: 354 enter mail, end with line containing only \".\"
         C: .
         C: QUIT
         S: 554 no valid recipients
         S: 221 goodbye",
    );
    assert_eq!(said[5], "not sent 4: no recipient was accepted");
    // One by one there is no DATA at all.
    let said = events(
        script(),
        "S: 220 innosoft.com SMTP service ready
         C: EHLO dbc.mtview.ca.us
         S: 250 innosoft.com
         C: MAIL FROM:<mrose@dbc.mtview.ca.us>
         S: 250 sender <mrose@dbc.mtview.ca.us> OK
         C: RCPT TO:<nsb@thumper.bellcore.com>
         S: 550 remote mail to <nsb@thumper.bellore.com> not allowed
         C: RCPT TO:<galvin@tis.com>
         S: 550 remote mail to <galvin@tis.com> not allowed
         C: QUIT
         S: 221 goodbye",
    );
    assert_eq!(said[5], "not sent 4: no recipient was accepted");
}

#[test]
fn one_refused_recipient_does_not_stop_the_others() {
    let script = Script::new(TlsPolicy::Never)
        .message("a@x", &["b@x", "c@x", "d@x"], "Hi\r\n")
        .then(Step::Quit);
    let said = events(
        script,
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 250-x
         S: 250 PIPELINING
         C: MAIL FROM:<a@x>
         C: RCPT TO:<b@x>
         C: RCPT TO:<c@x>
         C: RCPT TO:<d@x>
         C: DATA
         S: 250 2.1.0 fine
         S: 550-5.1.1 nobody
         S: 550 5.1.1 here
         S: 251 2.1.5 elsewhere
         S: 450 4.2.1 later
         S: 354 go
         C: Hi
         C: .
         C: QUIT
         S: 250 2.0.0 taken
         S: 221 2.0.0 bye",
    );
    assert_eq!(
        said[3..8],
        [
            "2: 550 5.1.1 nobody / here",
            "3: 251 2.1.5 elsewhere",
            "4: 450 4.2.1 later",
            "body of 5",
            "5: 250 2.0.0 taken"
        ]
    );
}

#[test]
fn a_refused_sender_stops_the_rest() {
    let script = || {
        Script::new(TlsPolicy::Never)
            .message("a@x", &["b@x"], "Hi\r\n")
            .then(Step::Quit)
    };
    let said = events(
        script(),
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 250 x
         C: MAIL FROM:<a@x>
         S: 550 5.7.1 not you
         C: QUIT
         S: 221 bye",
    );
    assert_eq!(
        said[3..5],
        [
            "not sent 2: MAIL was refused",
            "not sent 3: MAIL was refused"
        ]
    );
    events(
        script(),
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 250-x
         S: 250 PIPELINING
         C: MAIL FROM:<a@x>
         C: RCPT TO:<b@x>
         C: DATA
         S: 550 5.7.1 not you
         S: 503 what?
         S: 354 well
         C: .
         C: QUIT
         S: 250 hm
         S: 221 bye",
    );
    // Whoever takes a recipient and the message of a refused sender is not to be fed.
    let end = last(
        script(),
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 250-x
         S: 250 PIPELINING
         C: MAIL FROM:<a@x>
         C: RCPT TO:<b@x>
         C: DATA
         S: 550 5.7.1 not you
         S: 250 oh well
         S: 354 go",
    );
    assert!(end.contains("354 after MAIL was refused"), "{end}");
}

#[test]
fn many_messages_on_one_connection_with_rset_where_it_is_due() {
    let script = Script::new(TlsPolicy::Never)
        .message("a@x", &["b@x"], "one\r\n")
        .message("a@x", &["nobody@x"], "two\r\n")
        .message("a@x", &["b@x"], "three\r\n")
        .then(Step::Quit);
    events(
        script,
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 250-x
         S: 250 PIPELINING
         C: MAIL FROM:<a@x>
         C: RCPT TO:<b@x>
         C: DATA
         S: 250 ok
         S: 250 ok
         S: 354 go
         C: one
         C: .
         # The next transaction rides behind the message.
         C: MAIL FROM:<a@x>
         C: RCPT TO:<nobody@x>
         C: DATA
         S: 250 first taken
         S: 250 ok
         S: 550 no
         S: 503 no valid recipients
         C: RSET
         C: MAIL FROM:<a@x>
         C: RCPT TO:<b@x>
         C: DATA
         S: 250 flushed
         S: 250 ok
         S: 250 ok
         S: 354 go
         C: three
         C: .
         C: QUIT
         S: 250 third taken
         S: 221 bye",
    );
}

#[test]
fn size_and_8bitmime_are_declared_where_they_are_known() {
    let mut mail = Mail::new(mailbox("a@x"));
    mail.size = Some(1000);
    mail.body = Some(Body::EightBitMime);
    let go = |mail: &Mail<'static>, offer: &str, line: &str| {
        events(
            Script::new(TlsPolicy::Never)
                .then(Step::Mail(mail.clone()))
                .then(Step::Quit),
            &format!(
                "S: 220 x
            C: EHLO dbc.mtview.ca.us
            S: 250-x
            {offer}
            {line}
            C: QUIT
            S: 221 bye"
            ),
        )
    };
    go(
        &mail,
        "S: 250-SIZE 1000\nS: 250 8BITMIME",
        "C: MAIL FROM:<a@x> SIZE=1000 BODY=8BITMIME\nS: 250 ok",
    );
    go(
        &mail,
        "S: 250-SIZE 0\nS: 250 8BITMIME",
        "C: MAIL FROM:<a@x> SIZE=1000 BODY=8BITMIME\nS: 250 ok",
    );
    go(
        &mail,
        "S: 250 8BITMIME",
        "C: MAIL FROM:<a@x> BODY=8BITMIME\nS: 250 ok",
    );
    let said = go(&mail, "S: 250-SIZE 999\nS: 250 8BITMIME", "");
    assert_eq!(
        said[2],
        "refused: 1000 bytes, and the server takes 999 at most"
    );
    // sc13: never sent in another form than it was declared.
    let said = go(&mail, "S: 250 SIZE", "");
    assert_eq!(said[2], "refused: the server does not offer 8BITMIME");
    mail.body = Some(Body::SevenBit);
    go(
        &mail,
        "S: 250 SIZE",
        "C: MAIL FROM:<a@x> SIZE=1000\nS: 250 ok",
    );
    for (keyword, extension) in [
        ("SMTPUTF8", "SMTPUTF8"),
        ("RET", "DSN"),
        ("by", "DELIVERBY"),
    ] {
        let mut mail = mail.clone();
        mail.parameters.push(keyword, None).unwrap();
        let said = go(&mail, "S: 250 SIZE", "");
        assert_eq!(
            said[2],
            format!("refused: the server does not offer {extension}")
        );
    }
    mail.parameters.push("X-NEW", Some("1")).unwrap();
    go(
        &mail,
        "S: 250 HELP",
        "C: MAIL FROM:<a@x> X-NEW=1\nS: 250 ok",
    );
}

#[test]
fn sc04_sc05_what_is_in_a_message_stays_in_it() {
    let hello = "S: 220 x
        C: EHLO dbc.mtview.ca.us
        S: 250-x
        S: 250 PIPELINING
        C: MAIL FROM:<a@x>
        C: RCPT TO:<b@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go";
    let smuggled = ".\r\n\r\n.\r\nMAIL FROM:<evil@x>\r\n..\r\n.";
    events(
        Script::new(TlsPolicy::Never).message("a@x", &["b@x"], smuggled),
        &format!(
            "{hello}
        C: ..
        C:\x20
        C: ..
        C: MAIL FROM:<evil@x>
        C: ...
        C: ..
        C: .
        S: 250 ok"
        )
        .replace("C: \n", "C:\n"),
    );
    for (bad, what) in [
        ("a\n.\r\n", "bare LF"),
        ("a\r.\r\n", "bare CR"),
        ("a\0\r\n", "NUL"),
    ] {
        let said = events(
            Script::new(TlsPolicy::Never).message("a@x", &["b@x"], bad),
            hello,
        );
        assert!(said[5].contains(what), "{said:?}");
        assert_eq!(said[6], "Closed", "aborted");
    }
    let mend = config(TlsPolicy::Never).outgoing(Outgoing::Normalise);
    events(
        Script::configured(mend).message("a@x", &["b@x"], "a\n.\rb\r\n"),
        &format!(
            "{hello}
        C: a
        C: ..
        C: b
        C: .
        S: 250 ok"
        ),
    );
}

#[test]
fn sc13_eight_bit_content_is_not_sent_undeclared() {
    let said = events(
        Script::new(TlsPolicy::Never).message("a@x", &["b@x"], "gr\u{fc}n\r\n"),
        "S: 220 x
        C: EHLO dbc.mtview.ca.us
        S: 250-x
        S: 250-8BITMIME
        S: 250 PIPELINING
        C: MAIL FROM:<a@x>
        C: RCPT TO:<b@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go",
    );
    assert_eq!(
        said[5],
        "body: 8-bit content in a message that was not declared so; set Mail::body"
    );
    assert_eq!(said[6], "Closed");
}

#[test]
fn a_message_with_a_byte_too_many_is_never_finished() {
    let mut client = client_common::ready(Client::new(config(TlsPolicy::Never)), "250 x\r\n");
    let mut input = bytes::BytesMut::new();
    let mut say = |client: &mut Client, reply: &str| {
        use scop_core::Machine;
        let now = scop_core::Instant::from_secs(1);
        input.extend_from_slice(reply.as_bytes());
        while matches!(client.read(now, &mut input), Ok(scop_core::Next::Event(_))) {}
        let mut sent = Vec::new();
        while let Some(chunk) = client.transmit(now) {
            sent.extend_from_slice(&chunk);
        }
        sent
    };
    client.mail(Mail::new(mailbox("a@x"))).unwrap();
    client.rcpt(Rcpt::new(mailbox("b@x"))).unwrap();
    client.data().unwrap();
    say(&mut client, "250 ok\r\n250 ok\r\n");
    say(&mut client, "354 go\r\n");
    client.body(&mut Bytes::from("fine\r\n")).unwrap();
    let mut bad = Bytes::from("gr\u{fc}n\r\n");
    assert_eq!(client.body(&mut bad), Err(BodyError::EightBit));
    assert_eq!(
        client.body(&mut Bytes::from("fine\r\n")),
        Err(BodyError::EightBit)
    );
    assert_eq!(client.finish(), Err(BodyError::EightBit));
    assert_eq!(say(&mut client, ""), b"fine\r\n");
    client.abort();
    assert_eq!(say(&mut client, ""), b"");

    // A submission sees to that by itself.
    let envelope = Envelope::new(mailbox("a@x")).to(mailbox("b@x"));
    let failed = client_common::submit(
        config(TlsPolicy::Never),
        Submission::new(envelope, "fine\r\nbare\nbad\r\n"),
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 250 x
         C: MAIL FROM:<a@x>
         S: 250 ok
         C: RCPT TO:<b@x>
         S: 250 ok
         C: DATA
         S: 354 go",
    )
    .unwrap_err();
    assert!(
        matches!(failed, SubmissionError::Body(BodyError::Bare(_))),
        "{failed}"
    );
}

#[test]
fn what_must_end_a_group_does() {
    // RFC 2920 section 3.1: NOOP, and AUTH, which that RFC does not know.
    let script = Script::configured(config(TlsPolicy::Never).auth_in_clear(true))
        .then(Step::Auth(tim()))
        .then(Step::Rset)
        .then(Step::Noop)
        .then(Step::Rset)
        .then(Step::Rset)
        .then(Step::Quit);
    events(
        script,
        "S: 220 x
         C: EHLO dbc.mtview.ca.us
         S: 250-x
         S: 250-AUTH PLAIN
         S: 250 PIPELINING
         C: AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm
         S: 235 in
         C: RSET
         C: NOOP
         S: 250 ok
         S: 250 ok
         C: RSET
         C: RSET
         C: QUIT
         S: 250 ok
         S: 250 ok
         S: 221 bye",
    );
}

#[test]
fn a_submission_reports_on_each_recipient() {
    let envelope = Envelope::new(mailbox("a@x"))
        .to(mailbox("b@x"))
        .to(mailbox("c@x"));
    let hello = "S: 220 x
        C: EHLO dbc.mtview.ca.us
        S: 250-x
        S: 250-8BITMIME
        S: 250-SIZE
        S: 250-AUTH PLAIN
        S: 250 PIPELINING
        C: AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm";
    let config = || config(TlsPolicy::Never).auth_in_clear(true);
    let submission = Submission::new(envelope.clone(), "gr\u{fc}n\r\n").login(tim());
    let report = client_common::submit(
        config(),
        submission,
        &format!(
            "{hello}
        S: 235 welcome
        C: MAIL FROM:<a@x> SIZE=7 BODY=8BITMIME
        C: RCPT TO:<b@x>
        C: RCPT TO:<c@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 550 no
        S: 354 go
        C: gr\\xc3\\xbcn
        C: .
        S: 250 taken
        C: QUIT
        S: 221 bye"
        ),
    )
    .unwrap();
    assert_eq!(report.reply.text(), "taken");
    assert_eq!(
        report.accepted().map(|a| a.as_str()).collect::<Vec<_>>(),
        ["b@x"]
    );
    assert_eq!(report.refused().count(), 1);

    let failed = |rest: &str| {
        let submission = Submission::new(envelope.clone(), "Hi\r\n").login(tim());
        client_common::submit(config(), submission, &format!("{hello}\n{rest}")).unwrap_err()
    };
    let login = failed("S: 535 no\nC: QUIT\nS: 221 bye");
    assert!(
        matches!(login, SubmissionError::Authentication(_)),
        "{login}"
    );
    let mail = "S: 235 ok
        C: MAIL FROM:<a@x> SIZE=4
        C: RCPT TO:<b@x>
        C: RCPT TO:<c@x>
        C: DATA";
    let sender = failed(&format!(
        "{mail}\nS: 550 no\nS: 503 no\nS: 503 no\nS: 503 no\nC: QUIT\nS: 221 bye"
    ));
    assert!(matches!(sender, SubmissionError::Sender(_)), "{sender}");
    let nobody = failed(&format!(
        "{mail}\nS: 250 ok\nS: 550 no\nS: 550 no\nS: 554 no\nC: QUIT\nS: 221 bye"
    ));
    assert!(
        matches!(&nobody, SubmissionError::NoRecipients(r) if r.len() == 2),
        "{nobody}"
    );
    let message = failed(&format!(
        "{mail}\nS: 250 ok\nS: 250 ok\nS: 550 no\nS: 354 go\nC: Hi\nC: .\nS: 554 spam\nC: QUIT\nS: 221 bye"
    ));
    assert!(matches!(message, SubmissionError::Message(_)), "{message}");
    let gone = failed(&format!("{mail}\nS: 250 ok\nS: 421 gone"));
    assert!(matches!(gone, SubmissionError::Unanswered), "{gone}");
}

//! What comes in by SMTP, and what does not.

mod common;

use common::{PASSWORD, Place, Server, Smtp, stored};

fn hello(server: &Server) -> Smtp {
    let mut smtp = server.smtp();
    smtp.expect("EHLO client.example.org", 250);
    smtp
}

#[test]
fn only_mail_for_users_here_is_taken() {
    let place = Place::new();
    let bob = format!("bob:{PASSWORD}");
    let server = Server::with_ann(&place.0, &["--domain", "Mail.Test", "--user", &bob]);
    let mut smtp = hello(&server);
    smtp.expect("MAIL FROM:<x@example.org>", 250);
    let relay = smtp.expect("RCPT TO:<somebody@example.com>", 550);
    assert!(relay.contains("5.7.1"), "{relay}");
    let unknown = smtp.expect("RCPT TO:<carol@mail.test>", 550);
    assert!(unknown.contains("5.1.1"), "{unknown}");
    // A quoted, routed or percent-hacked address leads nowhere else.
    smtp.expect("RCPT TO:<\"ann@example.com\"@mail.test>", 550);
    smtp.expect("RCPT TO:<ann%example.com@mail.test>", 550);
    smtp.expect("RCPT TO:<ann@example.com@mail.test>", 501);
    // One refused recipient does not stop the others; case does not matter.
    smtp.expect("RCPT TO:<ANN@MAIL.test>", 250);
    smtp.expect("RCPT TO:<\"ann\"@mail.test>", 250);
    smtp.expect("RCPT TO:<bob@mail.test>", 250);
    smtp.expect("DATA", 354);
    smtp.send(b"Subject: hi\r\n\r\nHello\r\n.\r\n");
    assert_eq!(smtp.reply().unwrap().0, 250);
    let (code, _) = smtp
        .deliver(&["Postmaster"], b"Subject: to whom it concerns\r\n\r\n")
        .unwrap();
    assert_eq!(code, 250);
    server.kill();
    let messages = stored(&place.0);
    assert_eq!(messages.len(), 3, "ann once, bob, and ann as postmaster");
    let text = String::from_utf8(messages[0].clone()).unwrap();
    let head = "Return-Path: <x@example.org>\r\nReceived: from client.example.org ([127.0.0.1])\r\n\
                \tby mail.test with ESMTP\r\n\tid ";
    assert!(text.starts_with(head), "{text}");
    assert!(
        text.ends_with(" +0000\r\nSubject: hi\r\n\r\nHello\r\n"),
        "{text}"
    );
    assert!(
        !text.contains(" for <"),
        "several recipients are nobody's business: {text}"
    );
}

#[test]
fn ss37_a_message_that_goes_round_in_circles_is_refused() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &[]);
    let mut smtp = hello(&server);
    let hop = "Received: from a by b;\r\n Wed, 25 Nov 2026 12:00:00 +0000\r\n";
    let to = ["ann@localhost"];
    let (code, text) = smtp
        .deliver(&to, (hop.repeat(51) + "\r\nx\r\n").as_bytes())
        .unwrap();
    assert_eq!(code, 554, "{text}");
    assert!(text.contains("5.4.6"), "{text}");
    let (code, text) = smtp
        .deliver(&to, (hop.repeat(50) + "\r\nx\r\n").as_bytes())
        .unwrap();
    assert_eq!(code, 250, "{text}");
    let body = String::from("\r\n") + &hop.repeat(60);
    assert_eq!(
        smtp.deliver(&to, body.as_bytes()).unwrap().0,
        250,
        "a body is no header"
    );
    // ss36: one endless line before the header ends.
    let line = format!(">From {}\r\n\r\n", "x".repeat(2 << 20));
    let (code, text) = smtp.deliver(&to, line.as_bytes()).unwrap();
    assert_eq!(code, 552, "{text}");
}

#[test]
fn ss01_ss15_what_smuggles_is_not_stored() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &[]);
    for end in [
        "\n.\n",
        "\n.\r\n",
        "\r.\r",
        "\r\n.\n",
        "\r\n.\r",
        "\0\r\n.\n",
    ] {
        let mut smtp = hello(&server);
        smtp.expect("MAIL FROM:<x@example.org>", 250);
        smtp.expect("RCPT TO:<ann@localhost>", 250);
        smtp.expect("DATA", 354);
        let inner = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<ann@localhost>\r\nDATA\r\nevil";
        smtp.send(format!("Subject: outer\r\n\r\nx{end}{inner}\r\n.\r\n").as_bytes());
        let (code, text) = smtp.reply().unwrap();
        assert_eq!(code / 100, 5, "{end:?}: {text}");
    }
    let mut smtp = hello(&server);
    smtp.send(b"STARTTLS\r\nEHLO injected\r\n");
    // Seen in one segment it is refused, seen after the go-ahead it is no TLS.
    assert!(matches!(smtp.reply(), Some((220 | 421, _))));
    assert_eq!(smtp.reply(), None, "nothing injected is answered");
    server.kill();
    assert!(stored(&place.0).is_empty());
}

#[test]
fn ss35_submission_wants_tls_and_a_password_first() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &[]);
    let mut smtp = Smtp::connect(server.address("submission"));
    let offered = smtp.expect("EHLO client", 250);
    assert!(
        offered.contains("STARTTLS") && !offered.contains("AUTH"),
        "{offered}"
    );
    let (code, text) = smtp.say("AUTH PLAIN AGFubgBjb3JyZWN0LWhvcnNl").unwrap();
    assert!((500..=538).contains(&code), "{text}");
    smtp.expect("MAIL FROM:<ann@localhost>", 530);
    smtp.expect("QUIT", 221);
}

#[test]
fn too_many_connections_are_turned_away_with_421() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &["--max-connections-per-ip", "2"]);
    let (_one, two) = (hello(&server), hello(&server));
    let mut third = Smtp::silent(server.address("smtp"));
    assert_eq!(third.reply().unwrap().0, 421);
    assert_eq!(third.reply(), None);
    drop(two);
    // The place is free a moment after the connection is gone.
    loop {
        let mut again = Smtp::silent(server.address("smtp"));
        if again.reply().is_some_and(|(code, _)| code == 220) {
            break;
        }
    }
}

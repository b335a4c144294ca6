//! The laws of the contract, on the client.

use bytes::Bytes;
use scop_core::testkit::{
    End, Note, Peer, Stream, backpressure, bounds, deterministic, injection, progress, run, splits,
    sticky, truncation,
};
use scop_imap_proto::client::{Client, Config, TlsPolicy};
use scop_imap_proto::command::{Append, FetchAttribute};
use scop_imap_proto::types::Mailbox;

use crate::{caller, plain, set, step, tim};

/// Logs in, reads, writes, idles, leaves.
fn busy<'a>() -> Peer<'a, Client> {
    let steps = vec![
        step(|c| c.login(&tim()).unwrap()),
        step(|c| c.select(Mailbox::INBOX).unwrap()),
        step(|c| {
            c.fetch(set("1:*"), vec![FetchAttribute::Rfc822]).unwrap();
            c.noop().unwrap();
            c.fetch(set("1"), vec![FetchAttribute::Flags]).unwrap();
        }),
        step(|c| {
            c.append(Append {
                mailbox: Mailbox::INBOX,
                flags: vec![],
                date: None,
                size: 6,
            })
            .unwrap()
        }),
        step(|c| c.idle().unwrap()),
        step(|c| c.done().unwrap()),
        step(|c| c.logout().unwrap()),
    ];
    caller(plain(), steps, Bytes::from_static(b"Hi\r\n\r\n"))
}

const BUSY: &str = "\
* OK [CAPABILITY IMAP4rev1 IDLE] hi\r\n\
A1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n\
* 2 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\nA2 OK [READ-WRITE] ok\r\n\
* 1 FETCH (RFC822 {3}\r\na\r\n UID 1)\r\n* 2 FETCH (UID 2 RFC822 {BIG} FLAGS (\\Seen))\r\n\
A3 OK\r\nA4 OK\r\n* 1 FETCH (FLAGS (X) WHAT (EVER))\r\nA5 OK\r\n\
+ go\r\n* 3 EXISTS\r\nA6 OK [APPENDUID 1 3] ok\r\n\
+ idling\r\n* 1 EXPUNGE\r\n* XYZ {2}\r\n\r\n\r\nA7 OK\r\n* BYE bye\r\nA8 OK\r\n";

/// The server's side of it, with a message of `n` bytes in the middle.
fn busy_input(n: usize) -> Vec<u8> {
    BUSY.replace("{BIG}", &format!("{{{n}}}\r\n{}", "b\r\n".repeat(n / 3)))
        .into_bytes()
}

#[test]
fn law_1_chunking_does_not_matter() {
    let outcome = splits(busy, &busy_input(30));
    assert_eq!(outcome.end, End::Closed, "{outcome:?}");
    assert!(outcome.output.ends_with(b"A8 LOGOUT\r\n"), "{outcome:?}");
    let streamed = splits(busy, &busy_input(6000));
    assert!(
        streamed
            .notes
            .iter()
            .any(|n| matches!(n, Note::Data(d) if d.len() == 6000)),
        "{streamed:?}"
    );
    assert_eq!(streamed.end, End::Closed);
    for hostile in [
        "* OK hi\r\nA1 OK\r\nA1 OK\r\n",
        "* OK hi\r\n* CAPABILITY IMAP4rev1\r\nA1 OK\r\n+ x\r\n",
        "* PREAUTH hi\r\ngarbage\r\n",
        "* BYE no\r\n* 5 EXISTS\r\n",
        "* OK\r\n* X {4097}\r\n",
        "* OK\r\n* X {99999999999999999999}\r\n",
        "* OK hi\r\n* PREAUTH x\r\n",
    ] {
        splits(busy, hostile.as_bytes());
    }
}

#[test]
fn law_2_asking_again_changes_nothing() {
    assert_eq!(progress(busy, &busy_input(30)).end, End::Closed);
}

#[test]
fn law_3_floods_are_used_up_or_stopped() {
    let inbox = || {
        let mut config = Config::new().tls(TlsPolicy::Never);
        config.limits.after_login.response = 100 << 10;
        let mut peer = caller(Client::new(config), vec![], Bytes::new());
        run(
            &mut peer,
            &Stream::whole(b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n"),
        );
        peer
    };
    let most = 120 << 10;
    for (flood, ends) in [
        ("* 5 EXISTS\r\n", false),
        ("* LIST () \"/\" \"a b\"\r\n", false),
        ("* XYZ (((( \"\r\n", false),
        ("x", true),
        ("(((((((((((", true),
        ("* X {100}\r\n", true),
        ("* SEARCH 1 2 3 4 5 6 7 8 9", true),
    ] {
        let outcome = bounds(&mut inbox(), flood.repeat(1000).as_bytes(), 1 << 20, most);
        assert_eq!(
            matches!(outcome.end, End::Error(_)),
            ends,
            "{flood}: {:?}",
            outcome.end
        );
    }
    // Before login there is less.
    let outcome = bounds(
        &mut busy(),
        "* OK x".repeat(1000).as_bytes(),
        1 << 20,
        80 << 10,
    );
    assert!(matches!(outcome.end, End::Error(e) if e.contains("65536")));
}

#[test]
fn law_4_it_holds_little_back() {
    assert_eq!(
        backpressure(busy, &busy_input(30), 70 * 1024).end,
        End::Closed
    );
}

#[test]
fn law_5_errors_stay() {
    for poison in [
        "junk\r\n",
        "* OK hi\r\n+ x\r\n",
        "* OK hi\r\nA9 OK\r\n",
        "* OK [CAPABILITY IMAP4rev1] x\r\nA1 WHAT\r\n",
        "* OK\r\n* X {5000}\r\n",
    ] {
        let goodbye = sticky(busy, poison.as_bytes());
        assert!(goodbye.len() < 50, "{}", goodbye.escape_ascii());
    }
}

#[test]
fn law_6_the_end_of_input_completes_nothing() {
    let whole = |note: &Note| matches!(note, Note::Event(e) if e.starts_with("Done") || e.starts_with("Data"));
    truncation(busy, &busy_input(30), whole);
    truncation(busy, &busy_input(4200), whole);
}

#[test]
fn law_7_no_ambient_authority() {
    deterministic(busy, &busy_input(30));
}

#[test]
fn law_8_starttls_cannot_be_injected_into() {
    let make = || caller(Client::new(Config::new()), vec![], Bytes::new());
    for before in [
        "* OK hi\r\nA1 OK go\r\n",
        "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n* 5 EXISTS\r\nA1 OK\r\n",
    ] {
        injection(
            make,
            before.as_bytes(),
            b"* CAPABILITY IMAP4rev1\r\nA2 OK\r\n",
        );
    }
}

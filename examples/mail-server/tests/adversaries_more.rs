//! A disk that refuses writes, and a client that leaves without its answer.

mod common;

use std::process::Command;

use common::{Place, Server, command, stored};

fn message(n: usize) -> Vec<u8> {
    let body = format!("{n:070}\r\n").repeat(3000);
    format!("Subject: {n}\r\n\r\n{body}").into_bytes()
}

/// No file may grow past this many blocks: what a write says then is not "full", it is an
/// error like any that a disk can have.
#[cfg(unix)]
#[test]
fn rf01_a_write_that_fails_is_451_and_loses_nothing_that_was_taken() {
    let place = Place::new();
    let inner = command(&place.0, &["--user", "ann:secret"]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 6144; exec \"$0\" \"$@\""])
        .arg(inner.get_program())
        .args(inner.get_args())
        .env("RUST_LOG", "off");
    let server = Server::run(&mut limited);
    let mut smtp = server.smtp();
    smtp.expect("EHLO test", 250);
    let mut taken = 0;
    let mut refused = 0;
    for n in 0..60 {
        match smtp.deliver(&["ann@localhost"], &message(n)) {
            Some((250, _)) => taken += 1,
            Some((451 | 452, _)) => refused += 1,
            reply => panic!("{reply:?}"),
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} taken, {refused} refused");
    smtp.expect("QUIT", 221);
    server.signal("TERM");
    assert!(server.ended().success());
    // A start without the limit finds all of them, and takes more.
    let server = Server::start(&place.0, &[]);
    let mut smtp = server.smtp();
    smtp.expect("EHLO test", 250);
    let reply = smtp.deliver(&["ann@localhost"], &message(60));
    assert_eq!(reply.unwrap().0, 250);
    smtp.expect("QUIT", 221);
    server.signal("TERM");
    assert!(server.ended().success());
    assert_eq!(stored(&place.0).len(), taken + 1);
}

#[test]
fn rf02_a_connection_cut_behind_the_end_may_double_and_never_lose() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &[]);
    let text = "Subject: once more\r\n\r\nwhole\r\n";
    {
        let mut smtp = server.smtp();
        smtp.expect("EHLO test", 250);
        smtp.expect("MAIL FROM:<a@example.org>", 250);
        smtp.expect("RCPT TO:<ann@localhost>", 250);
        smtp.expect("DATA", 354);
        assert!(smtp.send(format!("{text}.\r\n").as_bytes()));
        // It leaves without hearing whether that was taken, and tries again.
    }
    let mut smtp = server.smtp();
    smtp.expect("EHLO test", 250);
    let reply = smtp.deliver(&["ann@localhost"], text.as_bytes());
    assert_eq!(reply.unwrap().0, 250);
    smtp.expect("QUIT", 221);
    server.signal("TERM");
    assert!(server.ended().success());
    let stored = stored(&place.0);
    assert!((1..=2).contains(&stored.len()), "{}", stored.len());
    assert!(stored.iter().all(|m| m.ends_with(text.as_bytes())));
}

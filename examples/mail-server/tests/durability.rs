//! An acknowledged message is never lost, and what could not be stored is never
//! acknowledged.

mod common;

use std::{
    collections::HashSet,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use common::{Place, Server, Smtp, stored};

/// `X-Test: n` of a stored message.
fn number(message: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(message);
    let line = text.lines().find_map(|l| l.strip_prefix("X-Test: "))?;
    line.parse().ok()
}

fn message(n: u32, size: usize) -> Vec<u8> {
    let line = format!("{n:070}\r\n");
    let body = line.repeat(size.div_ceil(line.len()));
    format!("X-Test: {n}\r\nSubject: test\r\n\r\n{body}").into_bytes()
}

#[test]
fn rf01_kill_9_during_100_concurrent_deliveries_loses_nothing_acknowledged() {
    const ENOUGH: u32 = 250;
    let place = Place::new();
    let server = Server::with_ann(&place.0, &[]);
    let address = server.address("smtp");
    let (next, acknowledged) = (AtomicU32::new(0), Mutex::new(Vec::new()));
    let count = AtomicU32::new(0);
    thread::scope(|scope| {
        for client in 0..100 {
            let (next, acknowledged, count) = (&next, &acknowledged, &count);
            scope.spawn(move || {
                let mut smtp = Smtp::silent(address);
                if smtp.reply().is_none() || smtp.say("EHLO test").is_none() {
                    return;
                }
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    // Some need several pieces in the store.
                    let size = if client % 10 == 0 { 600_000 } else { 2_000 };
                    match smtp.deliver(&["ann@localhost"], &message(n, size)) {
                        Some((250, _)) => acknowledged.lock().unwrap().push(n),
                        Some(reply) => panic!("{reply:?}"),
                        None => return,
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while count.load(Ordering::Relaxed) < ENOUGH {
            thread::yield_now();
        }
        server.kill();
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= ENOUGH as usize);
    // It opens again, and is what it was.
    let server = Server::start(&place.0, &[]);
    server.signal("TERM");
    assert!(server.ended().success());
    let stored = stored(&place.0);
    let numbers: HashSet<u32> = stored.iter().filter_map(|m| number(m)).collect();
    assert_eq!(numbers.len(), stored.len(), "each is whole, and there once");
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|n| !numbers.contains(n))
        .collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    for message in &stored {
        assert!(message.ends_with(b"\r\n"), "half a message");
    }
}

#[test]
fn rf01_a_full_store_answers_452_and_keeps_nothing_of_the_message() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &["--store-limit", "1"]);
    let mut smtp = server.smtp();
    smtp.expect("EHLO test", 250);
    let to = ["ann@localhost"];
    assert_eq!(smtp.deliver(&to, &message(1, 1000)).unwrap().0, 250);
    let (code, text) = smtp.deliver(&to, &message(2, 2_000_000)).unwrap();
    assert_eq!(code, 452, "{text}");
    assert!(text.contains("4.3.1"), "{text}");
    // The connection goes on, and what fits is taken.
    assert_eq!(smtp.deliver(&to, &message(3, 1000)).unwrap().0, 250);
    smtp.expect("QUIT", 221);
    server.signal("TERM");
    assert!(server.ended().success());
    let stored = stored(&place.0);
    let numbers: Vec<_> = stored.iter().filter_map(|m| number(m)).collect();
    assert_eq!(numbers, [1, 3]);
}

#[test]
fn rf02_a_connection_cut_before_the_end_stores_nothing() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &[]);
    for cut in [
        "Subject: half\r\n\r\nhalf a mess",
        "Subject: half\r\n\r\nno dot\r\n",
        "\r\n.",
    ] {
        let mut smtp = server.smtp();
        smtp.expect("EHLO test", 250);
        smtp.expect("MAIL FROM:<a@example.org>", 250);
        smtp.expect("RCPT TO:<ann@localhost>", 250);
        smtp.expect("DATA", 354);
        smtp.send(cut.as_bytes());
    }
    server.signal("TERM");
    assert!(server.ended().success());
    assert!(stored(&place.0).is_empty());
}

#[test]
fn sigterm_lets_a_running_transaction_finish_and_says_421_to_the_others() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &[]);
    let (mut idle, mut busy) = (server.smtp(), server.smtp());
    let _silent = ["submissions", "imaps", "imap", "smtp"].map(|s| Smtp::silent(server.address(s)));
    idle.expect("EHLO idle", 250);
    busy.expect("EHLO busy", 250);
    busy.expect("MAIL FROM:<a@example.org>", 250);
    busy.expect("RCPT TO:<ann@localhost>", 250);
    busy.expect("DATA", 354);
    busy.send(b"Subject: late\r\n\r\nfirst half, ");
    server.signal("TERM");
    let goodbye = idle.rest();
    assert!(goodbye.starts_with("421 "), "{goodbye:?}");
    // Soon nobody new comes in.
    while std::net::TcpStream::connect(server.address("smtp")).is_ok() {}
    busy.send(b"second half\r\n.\r\n");
    assert_eq!(busy.reply().unwrap().0, 250);
    let goodbye = busy.rest();
    assert!(goodbye.starts_with("421 "), "{goodbye:?}");
    assert_eq!(server.ended().code(), Some(0));
    let stored = stored(&place.0);
    assert!(stored[0].ends_with(b"first half, second half\r\n"));
}

#[test]
fn a_second_signal_and_the_end_of_grace_end_at_once() {
    for (grace, again) in [("600", true), ("0", false)] {
        let place = Place::new();
        let server = Server::with_ann(&place.0, &["--grace", grace]);
        let mut busy = server.smtp();
        busy.expect("EHLO busy", 250);
        busy.expect("MAIL FROM:<a@example.org>", 250);
        busy.expect("RCPT TO:<ann@localhost>", 250);
        busy.expect("DATA", 354);
        server.signal("TERM");
        if again {
            server.signal("INT");
        }
        assert_eq!(server.ended().success(), !again);
        assert!(busy.rest().is_empty(), "nothing was acknowledged");
    }
}

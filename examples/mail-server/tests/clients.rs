//! Python's smtplib and imaplib against the server: `clients.py` has the
//! conversations, each a function.

mod common;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use common::{PASSWORD, Place, Server, have, stored};
use scop_dkim::{DkimResult, Limits, Policy, Records, SigningKey, Verifier};

/// Runs one function of `clients.py`; what it printed.
fn python(server: &Server, data: &Path, function: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients.py");
    let ports = ["smtp", "submission", "submissions", "imap", "imaps"];
    let output = Command::new("python3")
        .arg(script)
        .arg(function)
        .arg(data.join("cert.pem"))
        .args(ports.map(|name| server.port(name).to_string()))
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{function}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn with_bob(data: &Path, more: &[&str]) -> Server {
    let bob = format!("bob:{PASSWORD}");
    Server::with_ann(data, &[&["--user", &bob], more].concat())
}

fn run(function: &str) {
    if !have("python3") {
        return;
    }
    let place = Place::new();
    let server = with_bob(&place.0, &[]);
    python(&server, &place.0, function);
    server.signal("TERM");
    assert!(server.ended().success());
}

#[test]
fn what_is_sent_is_read_byte_for_byte() {
    run("bytes");
}

#[test]
fn sessions_number_messages_alike_and_hear_of_each_other() {
    run("sessions");
}

#[test]
fn no_copy_of_a_message_that_is_gone_is_claimed() {
    run("gone");
}

#[test]
fn idle_wakes_when_mail_arrives() {
    run("idle");
}

#[test]
fn is10_who_does_not_read_gets_everything_in_order_later() {
    run("pipelined");
}

#[test]
fn mailboxes_are_managed() {
    run("mailboxes");
}

#[test]
fn messages_are_found() {
    run("search");
}

#[test]
fn messages_are_taken_apart() {
    run("structure");
}

#[test]
fn is07_ss34_passwords_are_asked_under_tls_and_not_for_ever() {
    run("login");
}

#[test]
fn uids_and_their_validity_survive_a_restart_and_so_do_users() {
    if !have("python3") {
        return;
    }
    let place = Place::new();
    let server = with_bob(&place.0, &[]);
    let before = python(&server, &place.0, "remember");
    server.signal("TERM");
    assert!(server.ended().success());
    let server = Server::start(&place.0, &[]);
    assert_eq!(python(&server, &place.0, "remembered"), before);
    server.kill();
    let server = Server::start(&place.0, &[]);
    assert_eq!(python(&server, &place.0, "remembered"), before);
}

#[test]
fn submitted_mail_is_completed_and_signed() {
    if !have("python3") {
        return;
    }
    let place = Place::new();
    std::fs::create_dir_all(&place.0).unwrap();
    let keys = [
        ("s1", SigningKey::ed25519_pem(&[7; 32])),
        (
            "s2",
            include_str!("../../../dkim/tests/fixtures/rsa2048-pkcs8.pem").to_owned(),
        ),
    ];
    let mut more = vec!["--domain".to_owned(), "mail.test".to_owned()];
    for (selector, pem) in &keys {
        let file = place.0.join(selector);
        std::fs::write(&file, pem).unwrap();
        let file = file.to_str().unwrap();
        more.extend(["--dkim-key", file, "--dkim-selector", selector].map(str::to_owned));
    }
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let server = with_bob(&place.0, &more);
    python(&server, &place.0, "submit");
    server.kill();
    let records = keys.map(|(selector, pem)| {
        let key = SigningKey::from_pem(&pem).unwrap();
        let name = format!("{selector}._domainkey.mail.test");
        (name, key.record().to_string())
    });
    for message in stored(&place.0) {
        let text = String::from_utf8_lossy(&message);
        assert!(
            text.contains("\r\nMessage-ID: <") && text.contains("\r\nDate: "),
            "{text}"
        );
        assert!(text.contains("with ESMTPSA"), "{text}");
        let mut verifier = Verifier::new(Policy::default(), Limits::default(), 4_000_000_000);
        verifier.write(&message).unwrap();
        let mut verification = verifier.finish();
        while let Some(query) = verification.next_query() {
            let record = records.iter().find(|(name, _)| **name == *query.name);
            let record = record.unwrap().1.as_str();
            verification
                .answer(query.id, Ok(Records::txt([record])))
                .unwrap();
        }
        let outcomes: Vec<_> = verification
            .outcomes()
            .iter()
            .map(ToString::to_string)
            .collect();
        let passed = verification.outcomes().iter();
        let passed = passed.filter(|outcome| outcome.result() == DkimResult::Pass);
        assert_eq!(passed.count(), 2, "{outcomes:?}\n{text}");
    }
}

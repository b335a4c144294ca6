//! Whether mail is from whom it says: SPF, DKIM and DMARC on the way in.

mod common;

use std::fs;

use common::{PASSWORD, Place, Server, Smtp, stored};
use scop_dkim::{Domain, Selector, Signer, SigningKey, SystemRandom};

/// Everything that DNS would say. `signed.test` has the key of [`signed`].
fn zone(place: &Place) -> String {
    let key = SigningKey::ed25519(&SEED).unwrap().record().zone_text();
    let text = format!(
        r#"
good.test.           IN TXT "v=spf1 ip4:127.0.0.1 -all"
_dmarc.good.test.    IN TXT "v=DMARC1; p=reject"
strict.test.         IN TXT "v=spf1 -all"
_dmarc.strict.test.  IN TXT "v=DMARC1; p=reject; sp=quarantine"
signed.test.         IN TXT "v=spf1 -all"
_dmarc.signed.test.  IN TXT "v=DMARC1; p=reject"
k._domainkey.signed.test. IN TXT {key}
lax.test.            IN TXT "v=spf1 -all"
_dmarc.lax.test.     IN TXT "v=DMARC1; p=none"
"#
    );
    fs::create_dir_all(&place.0).unwrap();
    let file = place.0.join("zone");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

const SEED: [u8; 32] = [7; 32];

/// That text with a signature of `signed.test` on top.
fn signed(text: &str) -> String {
    let key = SigningKey::ed25519(&SEED).unwrap();
    let domain = Domain::new("signed.test").unwrap();
    let mut signing = Signer::new(domain, Selector::new("k").unwrap(), key).start(1_700_000_000);
    signing.write(text.as_bytes()).unwrap();
    signing.finish(&SystemRandom::new()).unwrap() + text
}

fn hello(server: &Server) -> Smtp {
    let mut smtp = server.smtp();
    smtp.expect("EHLO mx.good.test", 250);
    smtp
}

/// Sends it from there; the reply to its end.
fn send(server: &Server, from: &str, text: &str) -> (u16, String) {
    let mut smtp = hello(server);
    smtp.expect(&format!("MAIL FROM:<{from}>"), 250);
    smtp.expect("RCPT TO:<ann@localhost>", 250);
    smtp.expect("DATA", 354);
    smtp.send(format!("{text}.\r\n").as_bytes());
    smtp.reply().unwrap()
}

/// The header of each message that is kept, unfolded.
fn headers(place: &Place) -> Vec<String> {
    let texts = stored(&place.0).into_iter();
    let texts = texts.map(|text| String::from_utf8(text).unwrap());
    texts
        .map(|text| {
            let (header, _) = text.split_once("\r\n\r\n").unwrap();
            header.replace("\r\n  ", " ").replace("\r\n ", " ")
        })
        .collect()
}

fn mail(from: &str) -> String {
    format!("From: <{from}>\r\nSubject: hi\r\n\r\nHello\r\n")
}

#[test]
fn what_was_found_is_written_on_top() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &["--zone", &zone(&place)]);
    for (sender, text) in [
        ("ann@good.test", mail("ann@good.test")),
        ("ann@good.test", mail("ceo@strict.test")),
        ("", signed(&mail("ann@signed.test"))),
        (
            "",
            signed(&mail("ann@signed.test")).replace("Hello", "Adieu"),
        ),
        ("x@nowhere.test", "Subject: from nobody\r\n\r\nx\r\n".into()),
    ] {
        let (code, said) = send(&server, sender, &text);
        assert_eq!(code, 250, "{said}");
    }
    server.kill();
    let found = headers(&place);
    let expected = [
        &[
            "spf=pass smtp.mailfrom=ann@good.test",
            "dkim=none",
            "dmarc=pass header.from=good.test",
        ][..],
        &[
            "spf=pass smtp.mailfrom=ann@good.test",
            "dkim=none",
            "dmarc=fail",
            "header.from=strict.test policy.dmarc=reject",
        ],
        &[
            "dkim=pass header.d=signed.test header.s=k header.a=ed25519-sha256",
            "dmarc=pass header.from=signed.test",
        ],
        &["dkim=fail reason=\"body hash does not match", "dmarc=fail"],
        &["spf=none", "dkim=none", "dmarc=permerror"],
    ];
    for (header, expected) in found.iter().zip(expected) {
        let mut lines = header.lines();
        assert!(
            lines.next().unwrap().starts_with("Return-Path: <"),
            "{header}"
        );
        let results = lines.next().unwrap();
        assert!(
            results.starts_with("Authentication-Results: localhost; "),
            "{header}"
        );
        assert!(
            lines
                .next()
                .unwrap()
                .starts_with("Received: from mx.good.test"),
            "{header}"
        );
        for result in expected {
            assert!(results.contains(result), "{result}: {header}");
        }
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn dmarc_is_enforced_when_asked_for() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &["--zone", &zone(&place), "--dmarc", "enforce"]);
    // A domain that rejects, with spam of somebody whose SPF passes.
    let (code, said) = send(&server, "ann@good.test", &mail("ceo@strict.test"));
    assert_eq!(code, 550, "{said}");
    assert!(
        said.contains("5.7.26") && said.contains("strict.test"),
        "{said}"
    );
    let changed = signed(&mail("ann@signed.test")).replace("Hello", "Adieu");
    assert_eq!(send(&server, "", &changed).0, 550);
    // Nobody, and more than one.
    let (code, said) = send(&server, "ann@good.test", "Subject: x\r\n\r\nx\r\n");
    assert_eq!(code, 550, "{said}");
    let two = String::from("From: <ann@good.test>\r\n") + &mail("ceo@strict.test");
    assert_eq!(send(&server, "ann@good.test", &two).0, 550);
    // One that is suspicious, one that nobody asks anything about, two that pass.
    for (sender, text) in [
        ("", mail("x@below.strict.test")),
        ("", mail("x@lax.test")),
        ("ann@good.test", mail("ann@good.test")),
        ("", signed(&mail("ann@signed.test"))),
    ] {
        let (code, said) = send(&server, sender, &text);
        assert_eq!(code, 250, "{said}");
    }
    server.kill();
    let file = rusqlite::Connection::open(place.0.join("mail.sqlite")).unwrap();
    let sql = "SELECT name, count(*) FROM message JOIN mailbox ON mailbox.id = mailbox \
               GROUP BY name ORDER BY name";
    let mut counts = file.prepare(sql).unwrap();
    let counts = counts.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let counts: Vec<(String, u32)> = counts.unwrap().map(Result::unwrap).collect();
    assert_eq!(counts, [("INBOX".into(), 3), ("Junk".into(), 1)]);
}

/// dk10: what claims to be our own finding goes, however it is disguised (RFC 8601
/// section 5); what others found stays.
#[test]
fn dk10_results_in_our_name_are_removed() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &[]);
    let text = "Authentication-Results: localhost; dkim=pass header.d=bank.test\r\n\
                Received: from a by b; Wed, 25 Nov 2026 12:00:00 +0000\r\n\
                AUTHENTICATION-RESULTS :\r\n (hi) \"LocalHost\" 1;\r\n dmarc=pass\r\n\
                Authentication-Results: elsewhere.test; dkim=pass header.d=list.test\r\n\
                From: <ann@good.test>\r\n\r\n\
                Authentication-Results: localhost; in a body\r\n";
    let (code, said) = send(&server, "ann@good.test", text);
    assert_eq!(code, 250, "{said}");
    server.kill();
    let stored = stored(&place.0);
    let text = String::from_utf8(stored[0].clone()).unwrap();
    let (header, body) = text.split_once("\r\n\r\n").unwrap();
    let claims: Vec<&str> = header
        .lines()
        .filter(|line| {
            line.to_ascii_lowercase()
                .starts_with("authentication-results")
        })
        .collect();
    assert_eq!(
        claims,
        ["Authentication-Results: elsewhere.test; dkim=pass header.d=list.test"]
    );
    assert!(
        !header.contains("LocalHost") && header.ends_with("From: <ann@good.test>"),
        "{header}"
    );
    assert_eq!(body, "Authentication-Results: localhost; in a body\r\n");
}

/// A client on this machine is no stranger: nothing is asked, nothing is said.
#[test]
fn mail_from_this_machine_is_not_checked_without_a_zone() {
    let place = Place::new();
    let server = Server::with_ann(&place.0, &["--dmarc", "enforce"]);
    assert_eq!(send(&server, "", "Subject: cron\r\n\r\nx\r\n").0, 250);
    server.kill();
    assert!(!headers(&place)[0].contains("Authentication-Results"));
}

#[test]
fn a_zone_that_is_none_is_told_at_the_start() {
    let place = Place::new();
    fs::create_dir_all(&place.0).unwrap();
    let file = place.0.join("zone");
    fs::write(&file, "good.test. IN NONSENSE x\n").unwrap();
    for (file, code) in [(file.to_str().unwrap(), 65), ("/nonexistent/zone", 66)] {
        let user = format!("ann:{PASSWORD}");
        let output = common::command(&place.0, &["--user", &user, "--zone", file])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(file),
            "{output:?}"
        );
    }
}

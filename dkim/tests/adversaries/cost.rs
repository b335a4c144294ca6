//! What is there to cost much (RFC 6376 section 8.4; dk07). None of these is timed: a test
//! that took more than its size would not end.

use super::*;

/// dk07: `bh=` missing; weak and huge keys; a thousand signatures.
#[test]
fn dk07_missing_tags_bad_keys_many_signatures() {
    let message = Forge::default().message(HEADER, BODY);
    let text = String::from_utf8(message).unwrap();
    let without = text.replace("bh=", "xbh=");
    let reason = verify(without.as_bytes()).reason;
    assert_eq!(reason, Reason::Signature(SignatureError::Missing("bh")));

    let many = Forge::default().field(HEADER, BODY).repeat(1000) + HEADER + "\r\n" + BODY;
    let asked = core::cell::Cell::new(0);
    let zone = |_: &str| {
        asked.set(asked.get() + 1);
        Ok(Records::txt([record()]))
    };
    let v = verify_with(&Policy::default(), many.as_bytes(), 4096, &zone);
    assert_eq!((v.outcomes().len(), v.skipped(), asked.get()), (10, 990, 1));
    assert_eq!(v.result(), DkimResult::Pass);
}

/// RFC 6376 section 8.4, and the table of default limits.
#[test]
fn headers_over_a_limit() {
    let run = |message: &[u8]| {
        let mut verifier = Verifier::new(Policy::default(), Limits::default(), NOW);
        let error = message
            .chunks(4096)
            .find_map(|part| verifier.write(part).err())
            .unwrap();
        assert_eq!(verifier.write(b"x"), Err(error), "sticky");
        assert_eq!(verifier.next_query(), None);
        let v = verifier.finish();
        assert_eq!(
            (v.result(), v.limit(), v.outcomes().len()),
            (DkimResult::PermError, Some(error), 0)
        );
        error
    };
    let field = Forge::default().field(HEADER, BODY);
    let long = format!("{field}{HEADER}X: {}\r\n\r\n", "y".repeat(101 << 10));
    assert_eq!(run(long.as_bytes()), LimitExceeded::Field(100 << 10));
    let endless = format!("{field}{HEADER}{}", "X: y\n".repeat(300_000));
    assert_eq!(run(endless.as_bytes()), LimitExceeded::Field(100 << 10));
    let large = format!(
        "{field}{HEADER}{}\r\n",
        format!("X: {}\r\n", "y".repeat(1000)).repeat(1100)
    );
    assert_eq!(run(large.as_bytes()), LimitExceeded::Header(1 << 20));
    let many = format!("{field}{HEADER}{}\r\n", "X:\r\n".repeat(10_001));
    assert_eq!(run(many.as_bytes()), LimitExceeded::Fields(10_000));
    // The last line without CRLF counts as well.
    let mut limits = Limits::default();
    limits.fields = 1;
    let mut verifier = Verifier::new(Policy::default(), limits, NOW);
    let over = verifier.write(b"A: 1\r\nB: 2");
    assert_eq!(over, Err(LimitExceeded::Fields(1)));
    assert_eq!(verifier.finish().limit(), Some(LimitExceeded::Fields(1)));
}

/// 5000 fields times 5000 names in `h=`: each name finds its fields at once.
#[test]
fn as_many_names_as_fields() {
    use scop_dkim::{Domain, Selector, Signer, SigningKey, SystemRandom};
    let names: Vec<String> = (0..5000).map(|n| format!("X{n}")).collect();
    let list: Vec<&str> = names.iter().map(String::as_str).collect();
    let header: String = names.iter().map(|name| format!("{name}: 1\r\n")).collect();
    let message = format!("From: joe@example.com\r\n{header}\r\n{BODY}");
    let key = SigningKey::ed25519(&common::SEED).unwrap();
    let domain = Domain::new("example.com").unwrap();
    let signer = Signer::new(domain, Selector::new("sel").unwrap(), key)
        .fields(&["From"], &list)
        .unwrap();
    let mut signing = signer.start(NOW);
    signing.write(message.as_bytes()).unwrap();
    let signed = signing.finish(&SystemRandom::new()).unwrap() + &message;
    let outcome = verify(signed.as_bytes());
    assert_eq!(outcome.reason, Reason::Verified);
    assert_eq!(outcome.signature.unwrap().headers().count(), 5002);
    // The same name 5000 times, for one name 5000 times.
    let header = "X: 1\r\n".repeat(5000);
    let forge = Forge {
        h: "from",
        ..Forge::default()
    };
    let names = format!("h=from:{}", vec!["x"; 5000].join(":"));
    let field = forge.field(HEADER, BODY).replace("h=from", &names);
    let outcome = verify(format!("{field}{HEADER}{header}\r\n{BODY}").as_bytes());
    assert_eq!(outcome.reason, Reason::SignatureMismatch);
}

/// RFC 6376 sections 3.4.3 and 3.4.4: 4 MB of empty lines at the end are none; before
/// anything else they all count.
#[test]
fn empty_lines_by_the_million() {
    let lines = "\r\n".repeat(2 << 20);
    for c in ["relaxed/simple", "relaxed/relaxed"] {
        let forge = Forge {
            c,
            ..Forge::default()
        };
        let field = forge.field(HEADER, BODY);
        let ends = verify(format!("{field}{HEADER}\r\n{BODY}{lines}").as_bytes());
        assert_eq!(ends.reason, Reason::Verified, "{c}");
        let more = verify(format!("{field}{HEADER}\r\n{BODY}{lines}.").as_bytes());
        assert_eq!(more.reason, Reason::BodyHashMismatch, "{c}");
        let body = format!("{lines}.");
        let signed = forge.message(HEADER, &body);
        assert_eq!(verify(&signed).reason, Reason::Verified, "{c}");
    }
}

/// RFC 6376 sections 3.4.2 and 3.4.4: white space in lines of 60 KB, in header and body.
#[test]
fn white_space_by_the_line() {
    let blank = " \t".repeat(30 << 10);
    let body = format!("a{blank}b{blank}\r\n{blank}\r\n{blank}c\r\n{blank}\r\n{blank}");
    let header = format!("From:{blank}joe@example.com\r\nSubject: a\r\n{blank}b\r\n");
    for c in ["simple/simple", "relaxed/relaxed"] {
        let forge = Forge {
            c,
            ..Forge::default()
        };
        let message = forge.message(&header, &body);
        assert_eq!(verify(&message).reason, Reason::Verified, "{c}");
    }
    let field = Forge::default().field(&header, &body);
    let short = "From: joe@example.com\r\nSubject:a b\r\n\r\na b\r\n\r\n c\r\n";
    assert_eq!(
        verify(format!("{field}{short}").as_bytes()).reason,
        Reason::Verified
    );
}

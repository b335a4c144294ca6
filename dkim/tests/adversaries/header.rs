//! The header: From and its disguises, what is signed of repeated fields (RFC 6376 sections
//! 3.5, 5.4.2 and 8.15; dk01, dk02).

use super::*;

/// dk01: two From; ` From:`; `From :`; `From CRLF SP :` (RFC 6376 section 8.15).
#[test]
fn dk01_from_prepended_or_disguised() {
    assert_eq!(
        verify(&above("From: evil@x.test\r\n")).reason,
        Reason::FromCount(2)
    );
    assert_eq!(
        verify(&above("FROM: evil@x.test\r\n")).result(),
        DkimResult::Fail
    );
    for disguised in [
        " From: evil@x.test\r\n",
        "From : evil@x.test\r\n",
        "From\t: evil@x.test\r\n",
        "From\r\n : evil@x.test\r\n",
        "X: y\nFrom: evil@x.test\r\n",
        "X: y\rFrom: evil@x.test\r\n",
        "From\0: evil@x.test\r\n",
    ] {
        let outcome = verify(&above(disguised));
        assert!(
            matches!(outcome.reason, Reason::FromMalformed | Reason::FromCount(2)),
            "{disguised:?} {}",
            outcome.reason
        );
        assert_eq!(outcome.result(), DkimResult::Fail, "{disguised:?}");
    }
    // Both From fields signed: still no message that one can show.
    let forge = Forge {
        h: "from:from",
        ..Forge::default()
    };
    let two = format!("From: evil@x.test\r\n{HEADER}");
    assert_eq!(
        verify(&forge.message(&two, BODY)).reason,
        Reason::FromCount(2)
    );
    // `h=from` and no From at all.
    let forge = Forge {
        h: "from:to",
        ..Forge::default()
    };
    let none = verify(&forge.message("To: a@b.test\r\n", BODY));
    assert_eq!(
        (none.result(), none.reason),
        (DkimResult::PermError, Reason::FromCount(0))
    );
    // The disguise as the only one, and signed.
    let forge = Forge {
        h: "from",
        ..Forge::default()
    };
    assert_eq!(
        verify(&forge.message("From : x@y.test\r\n", BODY)).reason,
        Reason::FromMalformed
    );
}

/// dk02: odd From values are bytes to DKIM. They verify as they are and no
/// byte of them can be changed; which author they name is for DMARC to say.
#[test]
fn dk02_odd_from_values() {
    for from in [
        "a@a.test, b@b.test",
        "<@route.test:a@a.test>",
        "=?utf-8?q?a=40a.test?= <b@b.test>",
        "\"a\\@b.test\"@c.test",
        "<a@a.test>b@b.test",
        "group: a@a.test, b@b.test;",
        "",
    ] {
        let header = format!("From: {from}\r\n");
        let forge = Forge {
            h: "from",
            c: "simple/simple",
            ..Forge::default()
        };
        let message = forge.message(&header, BODY);
        assert_eq!(verify(&message).reason, Reason::Verified, "{from}");
        let at = message.windows(7).position(|w| w == b"\nFrom: ").unwrap() + 7;
        for i in at..at + from.len() {
            let mut changed = message.clone();
            changed[i] ^= 1;
            assert_ne!(verify(&changed).result(), DkimResult::Pass, "{from} {i}");
        }
    }
}

/// RFC 6376 sections 3.5 and 5.4.2: repeated fields from the bottom, names
/// beyond what is there are nothing.
#[test]
fn repeated_and_missing_fields() {
    let header = "Received: 1\r\nReceived: 2\r\nFrom: a@b.test\r\nReceived: 3\r\n";
    let forge = Forge {
        h: "received : Received:from:x-none:x-none",
        ..Forge::default()
    };
    let field = forge.field(header, BODY);
    let run = |header: &str| verify(format!("{field}{header}\r\n{BODY}").as_bytes()).reason;
    assert_eq!(run(header), Reason::Verified);
    assert_eq!(
        run(&header.replace("Received: 1", "Received: x")),
        Reason::Verified
    );
    assert_eq!(
        run(&header.replace("Received: 2", "Received: x")),
        Reason::SignatureMismatch
    );
    assert_eq!(
        run(&format!("X-None: a\r\n{header}")),
        Reason::SignatureMismatch
    );
    // 20,000 names in one h=, and 5000 fields: neither costs more than its size.
    let names = "from:".to_string() + &vec!["a"; 20_000].join(":");
    let header = format!("From: a@b.test\r\n{}", "A: 1\r\n".repeat(5000));
    let forge = Forge {
        h: "from",
        ..Forge::default()
    };
    let field = forge
        .field(&header, BODY)
        .replace("h=from", &format!("h={names}"));
    let reason = verify(format!("{field}{header}\r\n{BODY}").as_bytes()).reason;
    assert_eq!(reason, Reason::SignatureMismatch);
}

/// RFC 6376 section 3.5: other DKIM-Signature fields may be signed, the one
/// being verified is never among them.
#[test]
fn signatures_of_signatures() {
    let inner = Forge::default().field(HEADER, BODY);
    let header = format!("{inner}{HEADER}");
    let forge = Forge {
        h: "from:dkim-signature:dkim-signature",
        ..Forge::default()
    };
    let message = forge.message(&header, BODY);
    let zone = |_: &str| Ok(Records::txt([record()]));
    let v = verify_with(&Policy::default(), &message, 13, &zone);
    assert_eq!(v.outcomes().len(), 2);
    assert!(v.outcomes().iter().all(|o| o.reason == Reason::Verified));
}

/// RFC 6376 section 8.15: a second Subject above the signed one.
#[test]
fn extra_instances_of_single_fields() {
    let outcome = verify(&above("Subject: evil\r\n"));
    assert_eq!(outcome.reason, Reason::ExtraInstance("Subject"));
    assert_eq!(outcome.result(), DkimResult::Policy);
    assert_eq!(outcome.unsigned_fields().next().unwrap().name, "Subject");
    // What is not signed at all is told, and refused only when required.
    let message = above("Content-Type: text/html\r\n");
    let outcome = verify(&message);
    assert_eq!(outcome.reason, Reason::Verified);
    assert_eq!(
        outcome.unsigned_fields().next().unwrap().name,
        "Content-Type"
    );
    let mut policy = Policy::default();
    policy.required_fields.push("content-type".into());
    let zone = |_: &str| Ok(Records::txt([record()]));
    let v = verify_with(&policy, &message, 99, &zone);
    assert_eq!(
        v.outcomes()[0].reason,
        Reason::RequiredField("content-type".into())
    );
}

/// RFC 6376 sections 3.4.1, 3.4.2 and 5.3: a bare CR or LF and a NUL in a signed field are
/// octets like others. They verify as they came, and nobody can put them in or take them out.
#[test]
fn bare_line_ends_and_nul_in_the_header() {
    for c in ["simple/simple", "relaxed/relaxed"] {
        let forge = Forge {
            c,
            ..Forge::default()
        };
        for value in ["a\nb", "a\rb", "a\r\r\n b", "a\0b", "a\n b", "\n", "a\r"] {
            let header = format!("From: joe@example.com\r\nSubject: {value}\r\n");
            let message = forge.message(&header, BODY);
            assert_eq!(verify(&message).reason, Reason::Verified, "{c} {value:?}");
            let repaired = "From: joe@example.com\r\nSubject: a b\r\n";
            let field = forge.field(&header, BODY);
            let outcome = verify(format!("{field}{repaired}\r\n{BODY}").as_bytes());
            assert_eq!(outcome.reason, Reason::SignatureMismatch, "{c} {value:?}");
        }
    }
}

/// RFC 6376 section 8.15: a second field of any kind that there may be one of.
#[test]
fn a_second_of_each_single_field() {
    for name in [
        "Sender",
        "Reply-To",
        "To",
        "Cc",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ] {
        let header = format!("From: joe@example.com\r\n{name}: 1\r\n");
        let h = format!("from:{name}");
        let forge = Forge {
            h: &h,
            ..Forge::default()
        };
        let field = forge.field(&header, BODY);
        let doubled = format!("{name}: 2\r\n{field}{header}\r\n{BODY}");
        let outcome = verify(doubled.as_bytes());
        assert!(
            matches!(outcome.reason, Reason::ExtraInstance(n) if n == name),
            "{name}: {outcome}"
        );
        assert_eq!(outcome.unsigned_fields().next().unwrap().name, name);
    }
}

/// RFC 5322 section 2.1, RFC 6376 section 8.15: what readers find behind a bare CR or LF in
/// a field that somebody added to a signed message.
#[test]
fn fields_and_bodies_behind_bare_line_ends() {
    let signed = String::from_utf8(Forge::default().message(HEADER, BODY)).unwrap();
    for (field, reason) in [
        ("X: y\nSubject: evil", Reason::ExtraInstance("Subject")),
        ("X: y\rSubject: evil", Reason::ExtraInstance("Subject")),
        (
            "X: y\nContent-Type: text/html",
            Reason::ExtraInstance("Content-Type"),
        ),
        ("X: y\n\n<h1>evil</h1>", Reason::HiddenBody),
        ("X: y\r\r<h1>evil</h1>", Reason::HiddenBody),
        ("X: y\n", Reason::HiddenBody),
        ("X: y\nFrom: evil@x.test\n\nevil", Reason::FromMalformed),
        ("X: y\nz", Reason::Verified),
    ] {
        // On top, and below a From that everybody sees.
        for message in [
            format!("{field}\r\n{signed}"),
            signed.replacen("\r\nTo:", &format!("\r\n{field}\r\nTo:"), 1),
        ] {
            assert_eq!(verify(message.as_bytes()).reason, reason, "{field:?}");
        }
    }
    assert_eq!(Reason::HiddenBody.result(), DkimResult::Policy);
    // Whoever signs it vouches for it.
    let header = format!("X: y\n\nz\r\n{HEADER}");
    let forge = Forge {
        h: "from:x:subject",
        ..Forge::default()
    };
    assert_eq!(
        verify(&forge.message(&header, BODY)).reason,
        Reason::Verified
    );
}

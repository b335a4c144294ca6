//! What a peer will do to a verifier. Rows dk01, dk02, dk05, dk07 of the
//! catalogue of adversaries, and the attacks of RFC 6376 section 8; each case
//! names the section or row it comes from.

mod common;

use proptest::prelude::*;

use common::{Forge, NOW, record, verify, verify_record, verify_with};
use scop_dkim::{
    BodyLength, DkimResult, DnsError, KeyRecordError, KeyType, LimitExceeded, Limits, Misuse,
    Policy, Reason, Records, SignatureError, Verifier,
};

const HEADER: &str = "From: joe@example.com\r\nTo: a@b.test\r\nSubject: hi\r\n";
const BODY: &str = "Hello\r\n";
const TAGS: &str = "v=1; a=ed25519-sha256; d=example.com; s=sel";

fn tags(more: &str) -> String {
    format!("{TAGS}; {more}")
}

/// Field on top of a signed message.
fn above(field: &str) -> Vec<u8> {
    [field.as_bytes(), &Forge::default().message(HEADER, BODY)].concat()
}

#[test]
fn the_forge_itself_is_good() {
    for c in [
        "simple/simple",
        "simple/relaxed",
        "relaxed/simple",
        "relaxed/relaxed",
    ] {
        let forge = Forge {
            c,
            ..Forge::default()
        };
        let outcome = verify(&forge.message(HEADER, "a  b \r\n\r\nc\t\r\n\r\n"));
        assert_eq!(outcome.reason, Reason::Verified, "{c}");
    }
}

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

/// dk05: `l=` and what is appended (RFC 6376 section 8.2).
#[test]
fn dk05_length_tag() {
    let forge = |length| Forge {
        length: Some(length),
        ..Forge::default()
    };
    let run = |body_length, length, appended: &str| {
        let mut policy = Policy::default();
        policy.body_length = body_length;
        let mut message = forge(length).message(HEADER, BODY);
        message.extend_from_slice(appended.as_bytes());
        let zone = |_: &str| Ok(Records::txt([record()]));
        let outcome = verify_with(&policy, &message, 11, &zone).outcomes()[0].clone();
        (outcome.reason, outcome.unsigned_body)
    };
    let html = "<h1>evil</h1>\r\n";
    let whole = BODY.len();
    assert_eq!(run(BodyLength::Reject, whole, html), (Reason::LengthTag, 0));
    assert_eq!(run(BodyLength::Reject, whole, ""), (Reason::LengthTag, 0));
    assert_eq!(Reason::LengthTag.result(), DkimResult::Policy);
    assert_eq!(run(BodyLength::Whole, whole, ""), (Reason::Verified, 0));
    assert_eq!(
        run(BodyLength::Whole, whole, html),
        (Reason::UnsignedBody(15), 15)
    );
    assert_eq!(
        run(BodyLength::Partial, whole, html),
        (Reason::Verified, 15)
    );
    assert_eq!(run(BodyLength::Partial, 0, html), (Reason::Verified, 22));
    // Section 3.5: l= must not be larger than the body.
    assert_eq!(
        run(BodyLength::Partial, whole + 1, ""),
        (Reason::LengthBeyondBody, 0)
    );
    assert_eq!(
        run(BodyLength::Whole, whole + 1, ""),
        (Reason::LengthBeyondBody, 0)
    );
}

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

/// RFC 8301 section 3.2: an RSA key by its size alone. The signature is junk,
/// since a short key must be refused before it is tried.
#[test]
fn rsa_key_sizes() {
    let message = Forge {
        tags: "v=1; a=rsa-sha256; d=example.com; s=sel",
        ..Forge::default()
    }
    .message(HEADER, BODY);
    for (bits, reason) in [
        (512, Reason::KeyTooShort(512)),
        (1023, Reason::KeyTooShort(1023)),
        (1024, Reason::SignatureMismatch),
        (2048, Reason::SignatureMismatch),
        (8192, Reason::SignatureMismatch),
        (8193, Reason::KeyTooLong(8193)),
        (16384, Reason::KeyTooLong(16384)),
    ] {
        let outcome = verify_record(&message, &format!("p={}", rsa_public(bits)));
        assert_eq!(outcome.reason, reason, "{bits}");
        assert_eq!(outcome.key_bits(), Some(bits));
    }
    assert_eq!(Reason::KeyTooShort(512).result(), DkimResult::PermError);
    // A policy cannot go below what the RFC allows.
    let mut policy = Policy::default();
    policy.min_rsa_bits = 0;
    let zone = |_: &str| Ok(Records::txt([format!("p={}", rsa_public(512))]));
    let v = verify_with(&policy, &message, 99, &zone);
    assert_eq!(v.outcomes()[0].reason, Reason::KeyTooShort(512));
}

/// A bare RSAPublicKey with a modulus of that many bits.
fn rsa_public(bits: usize) -> String {
    use base64::Engine as _;
    let mut n = vec![0xff; bits.div_ceil(8)];
    n[0] = 0xff >> (n.len() * 8 - bits);
    if n[0] >= 0x80 {
        n.insert(0, 0);
    }
    let element = |tag: u8, value: &[u8]| {
        let length = value.len().to_be_bytes();
        let used = length
            .iter()
            .skip_while(|b| **b == 0)
            .copied()
            .collect::<Vec<u8>>();
        let mark = 0x80 | used.len() as u8;
        let head = if value.len() < 0x80 {
            vec![]
        } else {
            vec![mark]
        };
        [&[tag], &head[..], &used, value].concat()
    };
    let der = element(0x30, &[element(2, &n), element(2, &[1, 0, 1])].concat());
    base64::engine::general_purpose::STANDARD.encode(der)
}

/// RFC 6376 section 3.5, `t=` and `x=`; the clock may be 5 minutes off.
#[test]
fn time() {
    let run = |more: &str| {
        let tags = tags(more);
        verify(
            &Forge {
                tags: &tags,
                ..Forge::default()
            }
            .message(HEADER, BODY),
        )
        .reason
    };
    assert_eq!(run(&format!("t={NOW}; x={}", NOW + 1)), Reason::Verified);
    assert_eq!(run(&format!("x={}", NOW - 300)), Reason::Verified);
    assert_eq!(run(&format!("x={}", NOW - 301)), Reason::Expired(NOW - 301));
    assert_eq!(run("x=0"), Reason::Expired(0));
    assert_eq!(run(&format!("t={}", NOW + 300)), Reason::Verified);
    assert_eq!(run(&format!("t={}", NOW + 301)), Reason::Future(NOW + 301));
    assert_eq!(run("t=999999999999"), Reason::Future(999_999_999_999));
    assert_eq!(run("x=999999999999"), Reason::Verified);
    assert_eq!(
        run(&format!("t={NOW}; x={NOW}")),
        Reason::Signature(SignatureError::ExpiresBeforeSigned)
    );
    let huge = Reason::Signature(SignatureError::Malformed("x"));
    assert_eq!(run("x=99999999999999999999999"), huge);
}

/// RFC 6376 section 6.1.2: what key records can be.
#[test]
fn key_records() {
    let message = Forge::default().message(HEADER, BODY);
    let good = record();
    let key = good.rsplit_once("p=").unwrap().1;
    for (text, reason) in [
        (good.clone(), Reason::Verified),
        (format!("k=ed25519; p={key}"), Reason::Verified),
        (
            format!("v=DKIM1; k=ed25519; h=sha256; s=email; t=s; p={key};"),
            Reason::Verified,
        ),
        (
            format!("k=ed25519; p= {} \t{}", &key[..9], &key[9..]),
            Reason::Verified,
        ),
        ("v=DKIM1; k=ed25519; p=".into(), Reason::KeyRevoked),
        (
            format!("k=ed25519; h=sha1; p={key}"),
            Reason::HashNotAllowed,
        ),
        (
            format!("k=ed25519; s=tlsrpt; p={key}"),
            Reason::ServiceNotAllowed,
        ),
        (
            format!("p={}", rsa_public(2048)),
            Reason::KeyTypeMismatch(KeyType::Rsa),
        ),
        (
            format!("k=ed25519; p={key}!"),
            Reason::KeyRecord(KeyRecordError::Malformed("p")),
        ),
        (
            "v=spf1 -all".into(),
            Reason::KeyRecord(KeyRecordError::Version),
        ),
        (
            format!("k=ed25519; p={}", "A".repeat(43) + "="),
            Reason::SignatureMismatch,
        ),
    ] {
        assert_eq!(verify_record(&message, &text).reason, reason, "{text}");
    }
    assert!(verify_record(&message, &format!("k=ed25519; t=y; p={key}")).testing);
    // t=s and an identity below the domain (section 3.6.1).
    let sub = tags("i=@eng.example.com");
    let sub = Forge {
        tags: &sub,
        ..Forge::default()
    }
    .message(HEADER, BODY);
    assert_eq!(verify(&sub).reason, Reason::Verified);
    let strict = verify_record(&sub, &format!("k=ed25519; t=s; p={key}"));
    assert_eq!(strict.reason, Reason::StrictIdentity);
    // An Ed25519 key under an RSA signature.
    let rsa = Forge {
        tags: "v=1; a=rsa-sha256; d=example.com; s=sel",
        ..Forge::default()
    };
    let reason = verify(&rsa.message(HEADER, BODY)).reason;
    assert_eq!(reason, Reason::KeyTypeMismatch(KeyType::Ed25519));
}

/// RFC 6376 section 6.1.2 steps 2 to 4: no answer, no record, several records.
#[test]
fn dns_answers() {
    let message = Forge::default().message(HEADER, BODY);
    let run = |answer: Result<Records, DnsError>| {
        let zone = |_: &str| answer.clone();
        verify_with(&Policy::default(), &message, 50, &zone).outcomes()[0].clone()
    };
    let good = record();
    let txt = |list: &[&str]| run(Ok(Records::txt(list.iter().copied()))).reason;
    assert_eq!(
        run(Err(DnsError::Temporary)).result(),
        DkimResult::TempError
    );
    assert_eq!(run(Err(DnsError::NotFound)).reason, Reason::NoKey);
    assert_eq!(txt(&[]), Reason::NoKey);
    assert_eq!(txt(&["v=spf1 -all", "junk", &good]), Reason::Verified);
    assert_eq!(txt(&["junk", "v=DKIM1; p="]), Reason::KeyRevoked);
    assert_eq!(txt(&["v=DKIM1; p=", &good]), Reason::Verified);
    // Bombs: too long a record, too many.
    let bomb = "a".repeat(20_000);
    assert_eq!(txt(&[&bomb]), Reason::KeyRecordTooLong(16 << 10));
    let mut many = vec!["junk"; 8];
    many.push(&good);
    assert!(matches!(txt(&many), Reason::KeyRecord(_)));
    // Several strings are joined without a blank.
    let parts: Vec<&str> = vec![&good[..9], &good[9..31], &good[31..]];
    assert_eq!(
        run(Ok(Records::txt_strings([parts]))).reason,
        Reason::Verified
    );
}

#[test]
fn answers_in_any_order_and_misuse() {
    let field = |sel: &str| {
        let tags = format!("v=1; a=ed25519-sha256; d=example.com; s={sel}");
        Forge {
            tags: &tags,
            ..Forge::default()
        }
        .field(HEADER, BODY)
    };
    let message = format!(
        "{}{}{}{HEADER}\r\n{BODY}",
        field("a"),
        field("b"),
        field("A")
    );
    let bytes = message.as_bytes();
    let body = bytes.len() - BODY.len();
    let mut verifier = Verifier::new(Policy::default(), Limits::default(), NOW);
    verifier.write(&bytes[..body - 1]).unwrap();
    assert_eq!(verifier.next_query(), None, "the header is not complete");
    verifier.write(&bytes[body - 1..body + 2]).unwrap();
    let a = verifier.next_query().unwrap();
    assert_eq!(a.name, "a._domainkey.example.com");
    let good = || Ok(Records::txt([record()]));
    let b = verifier.next_query().unwrap();
    assert_eq!(verifier.next_query(), None, "selector A is a");
    verifier.answer(b.id, good()).unwrap();
    assert_eq!(verifier.answer(b.id, good()), Err(Misuse::AnsweredBefore));
    verifier.write(&bytes[body + 2..]).unwrap();
    let mut v = verifier.finish();
    let results = |v: &scop_dkim::Verification| {
        v.outcomes()
            .iter()
            .map(|o| o.reason.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        results(&v),
        [Reason::Pending, Reason::Verified, Reason::Pending]
    );
    assert!(!v.is_complete());
    v.answer(a.id, good()).unwrap();
    assert_eq!(
        results(&v),
        [Reason::Verified, Reason::Verified, Reason::Verified]
    );
    assert!(v.is_complete());
    let mut other = Verifier::new(Policy::default(), Limits::default(), NOW);
    assert_eq!(other.answer(a.id, good()), Err(Misuse::UnknownQuery));
}

/// A body that was changed fails, whatever DNS says and whenever.
#[test]
fn a_broken_body_asks_no_key() {
    let mut message = Forge::default().message(HEADER, BODY);
    message.extend_from_slice(b"more\r\n");
    let zone = |_: &str| -> Result<Records, DnsError> { panic!("asked for a key") };
    let v = verify_with(&Policy::default(), &message, 50, &zone);
    assert_eq!(v.outcomes()[0].reason, Reason::BodyHashMismatch);
}

/// RFC 6376 section 3.4: nothing in the body is repaired.
#[test]
fn body_mutations() {
    let forge = Forge {
        c: "relaxed/simple",
        ..Forge::default()
    };
    let original = "one\r\ntwo\r\n";
    let changes: [(&str, &str); 8] = [
        ("LF for CRLF", "one\ntwo\r\n"),
        ("bare CR", "one\rtwo\r\n"),
        ("CRCRLF", "one\r\r\ntwo\r\n"),
        ("trailing CR", "one\r\ntwo\r\n\r"),
        ("trailing LF", "one\r\ntwo\r\n\n"),
        ("NUL", "one\r\ntwo\0\r\n"),
        ("all LF", "one\ntwo\n"),
        ("blank at the end", "one\r\ntwo\r\n \r\n"),
    ];
    for c in ["relaxed/simple", "relaxed/relaxed"] {
        let field = Forge {
            c,
            ..Forge::default()
        }
        .field(HEADER, original);
        for (what, body) in changes {
            if c == "relaxed/relaxed" && what == "blank at the end" {
                continue;
            }
            let outcome = verify(format!("{field}{HEADER}\r\n{body}").as_bytes());
            assert_eq!(outcome.reason, Reason::BodyHashMismatch, "{what} {c}");
        }
    }
    // And the other way: signed with such bytes, it verifies with them.
    for (what, body) in changes {
        assert_eq!(
            verify(&forge.message(HEADER, body)).reason,
            Reason::Verified,
            "{what}"
        );
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
    assert_eq!(outcome.unsigned_fields[0].name, "Subject");
    // What is not signed at all is told, and refused only when required.
    let message = above("Content-Type: text/html\r\n");
    let outcome = verify(&message);
    assert_eq!(outcome.reason, Reason::Verified);
    assert_eq!(outcome.unsigned_fields[0].name, "Content-Type");
    let mut policy = Policy::default();
    policy.required_fields.push("content-type".into());
    let zone = |_: &str| Ok(Records::txt([record()]));
    let v = verify_with(&policy, &message, 99, &zone);
    assert_eq!(
        v.outcomes()[0].reason,
        Reason::RequiredField("content-type".into())
    );
}

/// RFC 6376 section 3.7: `b=` is cut out wherever it stands, however folded.
#[test]
fn where_b_stands() {
    let text = String::from_utf8(Forge::default().message(HEADER, BODY)).unwrap();
    let (before, rest) = text.split_once(" b=").unwrap();
    let (b, rest) = rest.split_once("\r\n").unwrap();
    let folded: String = b.chars().flat_map(|c| ['\r', '\n', '\t', c]).collect();
    for value in [folded, format!(" \r\n {b}\r\n \t"), format!("{b} ")] {
        let message = format!("{before} b={value}\r\n{rest}");
        assert_eq!(
            verify(message.as_bytes()).reason,
            Reason::Verified,
            "{value}"
        );
    }
    // A white-space change before `=` or of `bh=` is one of the signed data,
    // and a semicolon at the end as well.
    for message in [
        format!("{before} b ={b}\r\n{rest}"),
        format!("{before} b={b};\r\n{rest}"),
        format!("{before};b={b}\r\n{rest}"),
    ] {
        assert_ne!(verify(message.as_bytes()).result(), DkimResult::Pass);
    }
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

#[test]
fn no_signature_is_none() {
    for message in [&b""[..], b"\r\n", b"From: a\r\n\r\nx", b"\r\n\r\n\r\n"] {
        let v = Verifier::new(Policy::default(), Limits::default(), NOW);
        let mut v = v;
        v.write(message).unwrap();
        assert_eq!(v.finish().result(), DkimResult::None);
    }
}

/// A reason or an outcome is one line, whatever the message holds.
#[test]
fn display_cannot_be_injected_into() {
    let evil = "v=1; a=x\u{1b}[2J\u{85}\"(; d=e.test\r\n pass; s=s; b=aGk=; bh=aGk=; h=from";
    for tags in [
        evil,
        "v=1; a=x (\r\n dkim=pass); d=example.com; s=sel",
        "a b\r\n c=d",
    ] {
        let message = format!("DKIM-Signature: {tags}\r\n{HEADER}\r\n");
        let line = verify(message.as_bytes()).to_string();
        assert!(
            line.is_ascii() && !line.contains(char::is_control),
            "{line:?}"
        );
    }
}

/// Every truncation and every single-byte change of a small message: no panic,
/// and no pass where what is signed differs.
#[test]
fn truncations_and_junk() {
    let message = Forge {
        c: "simple/simple",
        ..Forge::default()
    }
    .message(HEADER, BODY);
    let zone = |_: &str| Ok(Records::txt([record()]));
    for end in 0..message.len() - 2 {
        let v = verify_with(&Policy::default(), &message[..end], 16, &zone);
        assert_ne!(v.result(), DkimResult::Pass, "{end}");
    }
}

/// Pieces from which messages grow that are almost right.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let field = Forge {
        c: "simple/relaxed",
        ..Forge::default()
    }
    .field(HEADER, BODY);
    let pieces: Vec<Vec<u8>> = [
        "DKIM-Signature:",
        " v=1;",
        " a=ed25519-sha256;",
        " a=rsa-sha256;",
        " d=example.com; s=sel;",
        " h=from:to;",
        " h=from;",
        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;",
        " b=aGk=",
        " l=3;",
        " t=1;",
        " x=2;",
        " c=relaxed/relaxed;",
        "From:",
        "From: a@b.test\r\n",
        "To: x\r\n",
        ":",
        ";",
        "=",
        "\r\n",
        "\r\n\r\n",
        "\r",
        "\n",
        " ",
        "\t",
        "\0",
        "\u{e4}",
        HEADER,
        field.as_str(),
        BODY,
    ]
    .into_iter()
    .map(|s| s.as_bytes().to_vec())
    .collect();
    proptest::collection::vec(proptest::sample::select(pieces), 0..40).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// Law 1: any chunking gives the same outcomes, whatever the message is.
    #[test]
    fn chunks_do_not_matter(message in soup(), chunk in 1usize..30) {
        let zone = |_: &str| Ok(Records::txt([record()]));
        let mut policy = Policy::default();
        policy.body_length = BodyLength::Partial;
        let show = |chunk| {
            let v = verify_with(&policy, &message, chunk, &zone);
            format!("{:?} {:?} {}", v.result(), v.outcomes(), v.skipped())
        };
        let whole = show(usize::MAX);
        prop_assert_eq!(&show(chunk), &whole);
        prop_assert_eq!(&show(1), &whole);
    }

    /// The parsers take anything.
    #[test]
    fn parsers_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in soup()) {
        for input in [&bytes, &text] {
            let _ = scop_dkim::Signature::parse(input);
            let _ = scop_dkim::KeyRecord::parse(input);
            let _ = scop_dkim::PublicKey::from_der(input);
            let _ = scop_dkim::SigningKey::from_der(input);
            let lossy = String::from_utf8_lossy(input);
            let _ = scop_dkim::SigningKey::from_pem(&lossy);
            let _ = scop_dkim::PublicKey::from_pem(&lossy);
        }
    }
}

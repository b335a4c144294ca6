//! The body: `l=`, and nothing is repaired (RFC 6376 sections 3.4, 3.5 and 8.2; dk05).

use super::*;

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

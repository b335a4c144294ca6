//! Laws: any chunks, any order of answers, any bytes.

use super::*;
use proptest::prelude::*;

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

#[test]
fn no_signature_is_none() {
    for message in [&b""[..], b"\r\n", b"From: a\r\n\r\nx", b"\r\n\r\n\r\n"] {
        let v = Verifier::new(Policy::default(), Limits::default(), NOW);
        let mut v = v;
        v.write(message).unwrap();
        assert_eq!(v.finish().result(), DkimResult::None);
    }
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
    assert_eq!(&*a.name, "a._domainkey.example.com");
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

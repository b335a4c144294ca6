//! Keys and the records that publish them (RFC 6376 sections 3.6 and 6.1.2, RFC 8301).

use super::*;

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
pub(crate) fn rsa_public(bits: usize) -> String {
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
    // RFC 6376 section 3.6.1: with `t=y` a message is as an unsigned one, for who wants it so.
    let record = format!("k=ed25519; t=y; p={key}");
    let zone = |_: &str| Ok(Records::txt([record.as_str()]));
    let mut policy = Policy::default();
    policy.honour_testing = true;
    let verification = verify_with(&policy, &message, usize::MAX, &zone);
    let testing = verification.outcomes()[0].clone();
    assert_eq!(
        (&testing.reason, testing.testing),
        (&Reason::TestingKey, true)
    );
    assert_eq!(testing.result(), DkimResult::Policy);
    assert!(
        testing
            .to_string()
            .contains("verified, but counts as no signature"),
        "{testing}"
    );
    let wrong = format!("k=ed25519; t=x:y; p={}", "A".repeat(43) + "=");
    let wrong = verify_record(&message, &wrong);
    assert_eq!(
        (&wrong.reason, wrong.testing),
        (&Reason::SignatureMismatch, true)
    );
    assert!(
        wrong
            .to_string()
            .ends_with("; the key is in testing mode, \"t=y\""),
        "{wrong}"
    );
    let field = scop_dkim::AuthenticationResults::new("mx.test")
        .unwrap()
        .dkim(&wrong);
    assert!(field.to_string().contains("in testing mode"), "{field}");
    let passing = verify_record(&message, &record);
    assert_eq!(passing.result(), DkimResult::Pass);
    assert!(passing.testing);
    assert!(passing.to_string().contains("in testing mode"), "{passing}");
    // A key for the mail of TLS reports (RFC 8460 section 3), and one for all.
    let mut policy = Policy::default();
    policy.service = Service::TlsReports;
    let reason = |text: &str| {
        let record = format!("k=ed25519; {text}p={key}");
        let zone = |_: &str| Ok(Records::txt([record.as_str()]));
        let verification = verify_with(&policy, &message, usize::MAX, &zone);
        verification.outcomes()[0].reason.clone()
    };
    assert_eq!(reason("s=tlsrpt; "), Reason::Verified);
    assert_eq!(reason("s=email:tlsrpt; "), Reason::Verified);
    assert_eq!(reason(""), Reason::Verified);
    assert_eq!(reason("s=email; "), Reason::ServiceNotAllowed);
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

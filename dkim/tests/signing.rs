//! Several signatures in one pass, which fields they cover, and the tags beside those that
//! every signature has.

mod common;

use common::{NOW, SEED, rsa_key, verify_with};
use scop_dkim::{
    Canonicalization, DkimResult, DnsError, Domain, LimitExceeded, Limits, Outcome, Policy, Reason,
    Records, Selector, SignError, Signature, Signer, SignerError, Signers, SigningKey,
    SystemRandom, Verification,
};

fn domain(name: &str) -> Domain {
    Domain::new(name).unwrap()
}

fn ed25519() -> SigningKey {
    SigningKey::ed25519(&SEED).unwrap()
}

fn signer(name: &str, selector: &str, key: SigningKey) -> Signer {
    Signer::new(domain(name), Selector::new(selector).unwrap(), key)
}

fn sign(signers: &Signers, message: &str, chunk: usize) -> String {
    let mut signing = signers.start(NOW);
    for piece in message.as_bytes().chunks(chunk) {
        signing.write(piece).unwrap();
    }
    let fields = signing.finish(&SystemRandom::new()).unwrap();
    assert!(
        fields.split("\r\n").all(|line| line.len() <= 78),
        "{fields}"
    );
    fields + message
}

/// The key of a selector: `r` is RSA, anything else Ed25519.
fn zone(name: &str) -> Result<Records, DnsError> {
    let key = match name.starts_with('r') {
        true => rsa_key(),
        false => ed25519(),
    };
    Ok(Records::txt([key.record().to_string()]))
}

fn verify(message: &str) -> Verification {
    verify_with(&Policy::default(), message.as_bytes(), 7, &zone)
}

fn outcome(message: &str) -> Outcome {
    let verification = verify(message);
    assert_eq!(verification.outcomes().len(), 1);
    verification.outcomes()[0].clone()
}

const MESSAGE: &str = "From: J <j@example.com>\r\nTo: x@y.test\r\nSubject: A\r\n\tfolded  one \r\n\r\nHello  you \r\n\r\nbye\t\r\n\r\n";

/// RFC 8463 section 3: both algorithms side by side; RFC 6376 section 4.2: several domains.
#[test]
fn several_signatures_in_one_pass() {
    use Canonicalization::{Relaxed, Simple};
    let signers = signer("example.com", "r1", rsa_key())
        .and(signer("example.com", "e1", ed25519()).canonicalization(Simple, Simple))
        .and(signer("esp.example.net", "e2", ed25519()).canonicalization(Simple, Relaxed))
        .and(signer("example.org", "r2", rsa_key()).canonicalization(Relaxed, Simple));
    let signed = sign(&signers, MESSAGE, 5);
    assert_eq!(signed, sign(&signers, MESSAGE, usize::MAX), "any chunks");
    let verification = verify(&signed);
    let found: Vec<String> = verification
        .outcomes()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        found,
        [
            "pass d=example.com s=r1 a=rsa-sha256: verified",
            "pass d=example.com s=e1 a=ed25519-sha256: verified",
            "pass d=esp.example.net s=e2 a=ed25519-sha256: verified",
            "pass d=example.org s=r2 a=rsa-sha256: verified",
        ]
    );
    // Each is what its signer alone makes of the message.
    let alone = sign(
        &signer("example.com", "r1", rsa_key()).into(),
        MESSAGE,
        usize::MAX,
    );
    assert!(signed.starts_with(alone.strip_suffix(MESSAGE).unwrap()));
}

/// RFC 6376 section 8.15: nobody can add what a reader sees.
#[test]
fn what_is_oversigned() {
    let signed = sign(&signer("example.com", "s", ed25519()).into(), MESSAGE, 99);
    for name in [
        "From",
        "Reply-To",
        "To",
        "Cc",
        "Subject",
        "Date",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
    ] {
        let added = format!("{name}: a@evil.test\r\n{signed}");
        assert_ne!(verify(&added).result(), DkimResult::Pass, "{name}");
    }
    // What is added on the way in good faith (section 5.4.1).
    for name in [
        "Received",
        "Return-Path",
        "Sender",
        "List-Id",
        "List-Unsubscribe",
        "List-Post",
        "Resent-From",
        "Message-ID",
        "DKIM-Signature",
        "Authentication-Results",
    ] {
        let added = format!("{name}: x\r\n{signed}");
        assert_eq!(verify(&added).result(), DkimResult::Pass, "{name}");
    }
}

/// RFC 8058 section 4, RFC 2369: a message of a list keeps the list's fields.
#[test]
fn fields_of_lists_are_oversigned_where_there_are_any() {
    let message = format!("List-Unsubscribe: <https://news.example.com/u>\r\n{MESSAGE}");
    let signed = sign(&signer("example.com", "s", ed25519()).into(), &message, 99);
    assert_eq!(verify(&signed).result(), DkimResult::Pass);
    for name in [
        "List-Id",
        "List-Help",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "List-Subscribe",
        "List-Post",
        "List-Owner",
        "List-Archive",
    ] {
        let added = format!("{name}: <https://evil.test>\r\n{signed}");
        assert_eq!(outcome(&added).reason, Reason::SignatureMismatch, "{name}");
    }
    let changed = signed.replace("news.example.com/u", "evil.test/u");
    assert_eq!(outcome(&changed).reason, Reason::SignatureMismatch);
}

#[test]
fn the_caller_chooses_what_is_signed() {
    let new = || signer("example.com", "s", ed25519());
    let signers = new().fields(&["from"], &["X-A", "subject", "x-a"]).unwrap();
    let message = format!("X-A: 1\r\nX-A: 2\r\n{MESSAGE}");
    let signed = sign(&signers.into(), &message, 99);
    assert!(signed.contains("h=from:from:X-A:X-A:subject;"), "{signed}");
    assert_eq!(outcome(&signed).reason, Reason::Verified);
    let refused = |oversigned: &[&str], signed: &[&str]| new().fields(oversigned, signed).err();
    assert_eq!(refused(&["To"], &[]), Some(SignerError::FromNotSigned));
    assert_eq!(
        refused(&["From", "a:b"], &[]),
        Some(SignerError::FieldName("a:b".into()))
    );
    assert_eq!(
        refused(&["From"], &["a\r\nb"]),
        Some(SignerError::FieldName("a\r\nb".into()))
    );
    // The next signature on top would break it.
    assert_eq!(
        refused(&["From", "dkim-signature"], &[]),
        Some(SignerError::SignatureOversigned)
    );
}

/// RFC 6376 section 3.5, `z=`: what was signed, exactly, folded, and never believed.
#[test]
fn copied_fields() {
    let message = format!(
        "Subject: a|b;c=d\r\n\t\u{e4} {}\r\nFrom: j@example.com\r\nX|Y: 1\r\n\r\nHi\r\n",
        "x".repeat(200)
    );
    for (head, body) in [
        (Canonicalization::Simple, Canonicalization::Simple),
        (Canonicalization::Relaxed, Canonicalization::Relaxed),
    ] {
        let signer = signer("example.com", "s", ed25519())
            .canonicalization(head, body)
            .fields(&["From"], &["Subject", "X|Y"])
            .unwrap()
            .copy_fields();
        let signed = sign(&signer.into(), &message, 9);
        let outcome = outcome(&signed);
        assert_eq!(outcome.reason, Reason::Verified, "{signed}");
        let signature = outcome.signature.unwrap();
        let copied: Vec<(String, Vec<u8>)> = signature
            .copied_fields()
            .map(|field| (field.name, field.value))
            .collect();
        let subject = message["Subject:".len()..]
            .split("\r\nFrom")
            .next()
            .unwrap();
        assert_eq!(
            copied,
            [
                ("From".to_owned(), b" j@example.com".to_vec()),
                ("Subject".to_owned(), subject.as_bytes().to_vec()),
            ]
        );
        // What was changed shows; the copy does not make it right.
        let changed = signed.replace("\r\nSubject: a", "\r\nSubject: b");
        assert_eq!(
            verify(&changed).outcomes()[0].reason,
            Reason::SignatureMismatch
        );
    }
    // Junk in it is nothing, and costs nothing else.
    let tags = |z: &str| {
        let bh = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";
        let text = format!("v=1; a=rsa-sha256; d=a.test; s=s; h=from; b=aGk=; bh={bh}; z={z}");
        let signature = Signature::parse(text.as_bytes()).unwrap();
        let names = signature.copied_fields().map(|field| field.name);
        names.collect::<Vec<_>>().join(",")
    };
    assert_eq!(tags("From:a|junk|To:=4|:x|Cc :=20|a b:c|"), "From,Cc");
    assert_eq!(tags(""), "");
}

/// A header of which `z=` would not fit into a field: the copies stop, the signature is good.
#[test]
fn copies_have_a_bound() {
    let big = "\u{1}".repeat(60_000);
    let message = format!("From: j@example.com\r\nSubject: {big}\r\nTo: a@b.test\r\n\r\nHi\r\n");
    let signers = signer("example.com", "s", ed25519()).copy_fields().into();
    let signed = sign(&signers, &message, 4096);
    let outcome = outcome(&signed);
    assert_eq!(outcome.reason, Reason::Verified);
    let names: Vec<String> = outcome
        .signature
        .unwrap()
        .copied_fields()
        .map(|f| f.name)
        .collect();
    assert_eq!(names, ["From", "To"]);
}

/// No signature comes out that verifiers with the same limits would not read.
#[test]
fn a_signature_over_the_limit_is_refused() {
    let message = format!(
        "From: j@example.com\r\n{}\r\nHi\r\n",
        "X-A: 1\r\n".repeat(500)
    );
    let mut limits = Limits::default();
    limits.field_bytes = 1000;
    let signer = signer("example.com", "s", ed25519())
        .fields(&["From"], &["X-A"])
        .unwrap()
        .limits(limits);
    let mut signing = signer.start(NOW);
    signing.write(message.as_bytes()).unwrap();
    let refused = signing.finish(&SystemRandom::new());
    assert_eq!(refused, Err(SignError::Limit(LimitExceeded::Field(1000))));
}

/// RFC 6376 section 3.5 `t=`, `x=`; RFC 6651 `r=`.
#[test]
fn times_and_reports() {
    let all = signer("example.com", "s", ed25519())
        .expires_after(60)
        .request_reports();
    let signature = outcome(&sign(&all.clone().into(), MESSAGE, 50))
        .signature
        .unwrap();
    assert_eq!(
        (signature.timestamp(), signature.expiration()),
        (Some(NOW), Some(NOW + 60))
    );
    assert!(signature.wants_reports() && !signature.has_unknown_tags());
    // `x=` has twelve digits (RFC 6376 section 3.5): more would be no signature.
    let late = sign(&all.clone().expires_after(u64::MAX).into(), MESSAGE, 50);
    let signature = outcome(&late).signature.unwrap();
    assert_eq!(signature.expiration(), Some(999_999_999_999));
    let none = all.without_timestamp();
    let signature = outcome(&sign(&none.into(), MESSAGE, 50)).signature.unwrap();
    assert_eq!(signature.timestamp(), None);
}

/// RFC 6376 section 5.3: line ends are converted before a message is signed. A whole file of
/// them would be one long From field.
#[test]
fn bare_line_ends_in_the_header_are_not_signed() {
    let refused = |message: &str, signer: Signer| {
        let mut signing = signer.start(NOW);
        let written = signing.write(message.as_bytes());
        let finished = signing.finish(&SystemRandom::new());
        assert!(written.is_ok() || written == Err(SignError::BareLineEnd));
        assert_eq!(finished, Err(SignError::BareLineEnd), "{message:?}");
    };
    let new = || signer("example.com", "s", ed25519());
    refused(&MESSAGE.replace("\r\n", "\n"), new());
    refused(&MESSAGE.replace("\r\n", "\r"), new());
    for field in ["X: y\n\nz", "X: y\rz", "Subject: a\nb", "X: y\r"] {
        let message = format!("{field}\r\n{MESSAGE}");
        refused(&message, new());
        refused(
            &message,
            new().fields(&["From", "Subject"], &["X"]).unwrap(),
        );
    }
}

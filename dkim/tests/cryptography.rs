//! Primitives other than ring's: what they are asked, what they are not, and that their word
//! counts.

mod common;

use std::sync::{Arc, Mutex};

use common::{Forge, NOW, Remote, SEED, rsa_key};
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use scop_dkim::authentication::Authentication;
use scop_dkim::{
    Cryptography, Domain, Limits, Outcome, Policy, Primitives, PublicKey, Reason, Records,
    RemoteKey, RsaKey, Selector, SignatureRefused, Signer, SigningKey, SystemRandom, Verifier,
};

/// ring, called by others, that writes down what it was asked.
#[derive(Clone, Debug, Default)]
struct Recording {
    asked: Arc<Mutex<Vec<Asked>>>,
    says_no: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Asked {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Recording {
    fn policy(&self) -> Policy {
        let mut policy = Policy::default();
        policy.cryptography = Cryptography::new(self.clone());
        policy
    }

    fn note(&self, key: &[u8], message: &[u8], signature: &[u8]) {
        self.asked.lock().unwrap().push(Asked {
            key: key.to_vec(),
            message: message.to_vec(),
            signature: signature.to_vec(),
        });
    }

    fn asked(&self) -> Vec<Asked> {
        core::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Primitives for Recording {
    fn rsa_sha256(&self, key: RsaKey<'_>, message: &[u8], signature: &[u8]) -> bool {
        // As a library that takes PKCS#1.
        let der = key.to_der();
        assert_ne!(key.n[0], 0);
        assert_eq!(key.e, [1, 0, 1]);
        self.note(&der, message, signature);
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der);
        !self.says_no && key.verify(message, signature).is_ok()
    }

    fn ed25519(&self, key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
        self.note(key, message, signature);
        let key = UnparsedPublicKey::new(&ED25519, key);
        !self.says_no && key.verify(message, signature).is_ok()
    }
}

const MESSAGE: &str = "From: J <j@example.com>\r\nSubject: A\r\n\r\nHello\r\n";

fn ed25519() -> SigningKey {
    SigningKey::ed25519(&SEED).unwrap()
}

fn signed() -> String {
    let signer = |selector: &str, key| {
        let domain = Domain::new("example.com").unwrap();
        Signer::new(domain, Selector::new(selector).unwrap(), key)
    };
    let mut signing = signer("r", rsa_key())
        .and(signer("e", ed25519()))
        .start(NOW);
    signing.write(MESSAGE.as_bytes()).unwrap();
    signing.finish(&SystemRandom::new()).unwrap() + MESSAGE
}

fn zone(name: &str) -> Records {
    let key = if name.starts_with('r') {
        rsa_key()
    } else {
        ed25519()
    };
    Records::txt([key.record().to_string()])
}

fn outcomes(policy: Policy, message: &[u8], records: impl Fn(&str) -> Records) -> Vec<Outcome> {
    let mut verifier = Verifier::new(policy, Limits::default(), NOW);
    verifier.write(message).unwrap();
    let mut verification = verifier.finish();
    while let Some(query) = verification.next_query() {
        let answer = records(&query.name);
        verification.answer(query.id, Ok(answer)).unwrap();
    }
    verification.outcomes().to_vec()
}

#[test]
fn they_are_asked_once_for_each_signature() {
    let recording = Recording::default();
    let message = signed();
    let outcomes = outcomes(recording.policy(), message.as_bytes(), zone);
    assert!(outcomes.iter().all(|o| o.reason == Reason::Verified));
    let asked = recording.asked();
    assert_eq!(asked.len(), 2);
    for (asked, outcome) in asked.iter().zip(&outcomes) {
        let signature = outcome.signature.as_ref().unwrap();
        assert_eq!(asked.signature, signature.signature());
    }
    // RSA: the data, which it hashes. Ed25519: their digest (RFC 8463 section 3).
    let text = String::from_utf8(asked[0].message.clone()).unwrap();
    assert!(text.starts_with("from:J <j@example.com>\r\n"), "{text}");
    assert!(text.ends_with("; b="), "{text}");
    let public = PublicKey::from_der(&asked[0].key).unwrap();
    assert_eq!(&public, rsa_key().public_key());
    assert_eq!(asked[1].message.len(), 32);
    assert_eq!(
        PublicKey::ed25519(asked[1].key.clone().try_into().unwrap()),
        *ed25519().public_key()
    );
}

/// Theirs is the last word, and ring is not asked instead.
#[test]
fn their_no_is_a_no() {
    let no = Recording {
        says_no: true,
        ..Recording::default()
    };
    let outcomes = outcomes(no.policy(), signed().as_bytes(), zone);
    let reasons: Vec<_> = outcomes.into_iter().map(|o| o.reason).collect();
    assert_eq!(
        reasons,
        [Reason::SignatureMismatch, Reason::SignatureMismatch]
    );
    assert_eq!(no.asked().len(), 2);
}

/// What a policy refuses they are not asked about; nor what has no key or another body.
#[test]
fn policy_comes_first() {
    #[derive(Debug)]
    struct Never;
    impl Primitives for Never {
        fn rsa_sha256(&self, _: RsaKey<'_>, _: &[u8], _: &[u8]) -> bool {
            panic!("asked")
        }
        fn ed25519(&self, _: &[u8; 32], _: &[u8], _: &[u8]) -> bool {
            panic!("asked")
        }
    }
    let never = || {
        let mut policy = Policy::default();
        policy.cryptography = Cryptography::new(Never);
        policy
    };
    let message = signed();
    let reasons = |policy: Policy, message: &str, record: Option<&str>| {
        let records = |name: &str| match record {
            Some(record) => Records::txt([record]),
            None => zone(name),
        };
        let outcomes = outcomes(policy, message.as_bytes(), records);
        outcomes.into_iter().map(|o| o.reason).collect::<Vec<_>>()
    };
    let mut short = never();
    short.min_rsa_bits = 2049;
    let rsa = rsa_key().record().to_string();
    let found = reasons(short, &message, Some(&rsa));
    assert_eq!(found[0], Reason::KeyTooShort(2048));
    let mut long = never();
    long.max_rsa_bits = 2047;
    assert_eq!(
        reasons(long, &message, Some(&rsa))[0],
        Reason::KeyTooLong(2048)
    );

    let sha1 = rsa.replace("k=rsa", "h=sha1; k=rsa");
    let revoked = "v=DKIM1; k=rsa; p=";
    for (record, expected) in [
        (sha1.as_str(), Reason::HashNotAllowed),
        (revoked, Reason::KeyRevoked),
        ("v=spf1 -all", Reason::NoKey),
    ] {
        for reason in reasons(never(), &message, Some(record)) {
            match expected {
                Reason::NoKey => assert!(matches!(reason, Reason::KeyRecord(_)), "{reason:?}"),
                _ => assert_eq!(reason, expected),
            }
        }
    }
    let other_body = message.replace("Hello", "Hullo");
    for reason in reasons(never(), &other_body, None) {
        assert_eq!(reason, Reason::BodyHashMismatch);
    }
    let length = Forge {
        length: Some(3),
        ..Forge::default()
    };
    let length = length.message("From: j@example.com\r\n", "Hello\r\n");
    let length = String::from_utf8(length).unwrap();
    assert_eq!(reasons(never(), &length, None), [Reason::LengthTag]);
}

#[test]
fn whoever_authenticates_asks_them() {
    let recording = Recording::default();
    let client = "192.0.2.1".parse().unwrap();
    let policy = recording.policy();
    let mut checks = Authentication::with(
        policy,
        Limits::default(),
        client,
        "h.test",
        "j@example.com",
        NOW,
    );
    checks.write(signed().as_bytes()).unwrap();
    let mut checks = checks.finish();
    while let Some(query) = checks.next_query() {
        let answer = match query.name.contains("_domainkey") {
            true => Ok(zone(&query.name)),
            false => Err(scop_dkim::DnsError::NotFound),
        };
        checks.answer(query.id, answer).unwrap();
    }
    assert!(checks.is_complete());
    assert_eq!(checks.dkim().result(), scop_dkim::DkimResult::Pass);
    assert_eq!(recording.asked().len(), 2);
}

/// Signatures that come from elsewhere are verified by them too.
#[test]
fn keys_elsewhere_are_verified_by_them() {
    let remote = Remote::new(&SEED);
    let sign = |cryptography: Cryptography| {
        let (domain, selector) = (
            Domain::new("example.com").unwrap(),
            Selector::new("e").unwrap(),
        );
        let key: RemoteKey = remote.key().verified_by(cryptography);
        let mut signing = Signer::new(domain, selector, key).start(NOW);
        signing.write(MESSAGE.as_bytes()).unwrap();
        let mut unsigned = signing.finish().unwrap();
        let request = unsigned.next_request().unwrap();
        let signature = remote.sign(request.digest());
        let answered = unsigned.answer(request.id, &signature);
        (request, answered)
    };
    let yes = Recording::default();
    let (request, answered) = sign(Cryptography::new(yes.clone()));
    assert_eq!(answered, Ok(()));
    let asked: Vec<_> = yes.asked().into_iter().map(|asked| asked.message).collect();
    assert_eq!(asked, [request.digest()]);
    let no = Recording {
        says_no: true,
        ..Recording::default()
    };
    let (_, answered) = sign(Cryptography::new(no));
    assert_eq!(answered, Err(SignatureRefused::Mismatch));
}

#[test]
fn policies_with_the_same_are_equal() {
    let recording = Recording::default();
    let policy = recording.policy();
    assert_eq!(policy, policy.clone());
    assert_ne!(policy, recording.policy());
    assert_ne!(policy, Policy::default());
    assert_eq!(Cryptography::default(), Policy::default().cryptography);
}

#[cfg(feature = "arc")]
#[test]
fn a_chain_is_validated_by_them() {
    use scop_dkim::AuthenticationResults;
    use scop_dkim::arc::{ChainReason, ChainStatus, Sealer, Validator};
    let (domain, selector) = (
        Domain::new("example.com").unwrap(),
        Selector::new("e").unwrap(),
    );
    let results = AuthenticationResults::new("example.com").unwrap();
    let mut sealing =
        Sealer::new(domain, selector, ed25519()).start(NOW, ChainStatus::None, &results);
    sealing.write(MESSAGE.as_bytes()).unwrap();
    let sealed = sealing.finish(&SystemRandom::new()).unwrap() + MESSAGE;
    for (says_no, status) in [(false, ChainStatus::Pass), (true, ChainStatus::Fail)] {
        let recording = Recording {
            says_no,
            ..Recording::default()
        };
        let mut validator = Validator::new(recording.policy(), Limits::default(), NOW);
        validator.write(sealed.as_bytes()).unwrap();
        let mut validation = validator.finish();
        while let Some(query) = validation.next_query() {
            validation.answer(query.id, Ok(zone(&query.name))).unwrap();
        }
        let chain = validation.chain().unwrap();
        assert_eq!(chain.status, status);
        if says_no {
            let reason = ChainReason::Message(1, Reason::SignatureMismatch);
            assert_eq!(chain.reason, reason);
        }
        assert_eq!(recording.asked().len(), 2);
    }
}

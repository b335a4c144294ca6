//! Keys that live elsewhere: what is asked of them, and what is taken from them.

mod common;

use common::{NOW, Remote, SEED, rsa_key, verify_with};
use proptest::prelude::*;
use ring::digest::{SHA256, digest};
use scop_dkim::{
    Algorithm, Domain, KeyError, LimitExceeded, Limits, Policy, PublicKey, Records, RemoteKey,
    Selector, SignError, SignatureId, SignatureRefused, SignatureRequest, Signer, SigningKey,
    SystemRandom, Unsigned,
};

const MESSAGE: &str = "From: J <j@example.com>\r\nSubject: A\r\n\tfolded \r\n\r\nHello  you \r\n";

fn signer<K: scop_dkim::Key>(selector: &str, key: K) -> Signer<K> {
    let domain = Domain::new("example.com").unwrap();
    Signer::new(domain, Selector::new(selector).unwrap(), key)
}

/// RSA in memory, two keys of Ed25519 elsewhere.
fn unsigned(remote: &Remote, message: &str) -> Unsigned {
    let signers = signer("e1", remote.key())
        .and(signer("r1", RemoteKey::from(&rsa_key())))
        .and(signer("e2", remote.key()).copy_fields());
    let mut signing = signers.start(NOW);
    for piece in message.as_bytes().chunks(5) {
        signing.write(piece).unwrap();
    }
    signing.finish().unwrap()
}

fn requests(unsigned: &mut Unsigned) -> Vec<SignatureRequest> {
    core::iter::from_fn(|| unsigned.next_request()).collect()
}

fn answer(remote: &Remote, request: &SignatureRequest) -> Vec<u8> {
    match request.selector.as_str() {
        "r1" => request.sign_with(&rsa_key(), &SystemRandom::new()).unwrap(),
        _ => remote.sign(request.digest()),
    }
}

/// As the same keys in memory sign: both algorithms are deterministic.
fn in_memory(message: &str) -> String {
    let ed25519 = || SigningKey::ed25519(&SEED).unwrap();
    let signers = signer("e1", ed25519())
        .and(signer("r1", rsa_key()))
        .and(signer("e2", ed25519()).copy_fields());
    let mut signing = signers.start(NOW);
    signing.write(message.as_bytes()).unwrap();
    signing.finish(&SystemRandom::new()).unwrap()
}

/// RFC 8463 section 3: what a key elsewhere makes of a request is what one in memory makes.
#[test]
fn answers_in_any_order_give_what_keys_in_memory_give() {
    let remote = Remote::new(&SEED);
    let expected = in_memory(MESSAGE);
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut unsigned = unsigned(&remote, MESSAGE);
        let requests = requests(&mut unsigned);
        let asked = |r: &SignatureRequest| (r.field, r.selector.to_string(), r.algorithm);
        assert_eq!(
            requests.iter().map(asked).collect::<Vec<_>>(),
            [
                ("DKIM-Signature", "e1".into(), Algorithm::Ed25519Sha256),
                ("DKIM-Signature", "r1".into(), Algorithm::RsaSha256),
                ("DKIM-Signature", "e2".into(), Algorithm::Ed25519Sha256),
            ]
        );
        for at in order {
            let request = &requests[at];
            assert_eq!(request.domain.as_str(), "example.com");
            assert_eq!(request.digest(), digest(&SHA256, request.data()).as_ref());
            let signature = answer(&remote, request);
            assert_eq!(unsigned.answer(request.id, &signature), Ok(()));
        }
        assert_eq!(unsigned.finish().unwrap(), expected);
    }
    let verification = verify_with(
        &Policy::default(),
        (expected + MESSAGE).as_bytes(),
        7,
        &|name| {
            let remote = Remote::new(&SEED).key().record().to_string();
            let rsa = rsa_key().record().to_string();
            Ok(Records::txt([if name.starts_with('r') {
                rsa
            } else {
                remote
            }]))
        },
    );
    let verified = |o: &scop_dkim::Outcome| o.reason == scop_dkim::Reason::Verified;
    assert_eq!(
        verification
            .outcomes()
            .iter()
            .filter(|o| verified(o))
            .count(),
        3
    );
}

/// They may also come while others are not asked for yet.
#[test]
fn one_after_the_other() {
    let remote = Remote::new(&SEED);
    let mut unsigned = unsigned(&remote, MESSAGE);
    while let Some(request) = unsigned.next_request() {
        let signature = answer(&remote, &request);
        unsigned.answer(request.id, &signature).unwrap();
    }
    assert_eq!(unsigned.finish().unwrap(), in_memory(MESSAGE));
}

#[test]
fn without_all_signatures_nothing_comes_out() {
    let remote = Remote::new(&SEED);
    for missing in 0..3 {
        let mut unsigned = unsigned(&remote, MESSAGE);
        for (at, request) in requests(&mut unsigned).iter().enumerate() {
            if at != missing {
                let signature = answer(&remote, request);
                unsigned.answer(request.id, &signature).unwrap();
            }
        }
        assert_eq!(unsigned.finish(), Err(SignError::NotSigned(1)));
    }
    assert_eq!(
        unsigned(&remote, MESSAGE).finish(),
        Err(SignError::NotSigned(3))
    );
}

/// A refused answer changes nothing: the right one is still taken.
#[test]
fn what_does_not_verify_is_refused() {
    let remote = Remote::new(&SEED);
    let mut unsigned = unsigned(&remote, MESSAGE);
    let requests = requests(&mut unsigned);
    let refused = |unsigned: &mut Unsigned, id: SignatureId, signature: &[u8]| {
        assert_eq!(
            unsigned.answer(id, signature),
            Err(SignatureRefused::Mismatch)
        );
    };
    let another = self::unsigned(&remote, "From: j@example.com\r\n\r\nOther\r\n");
    let another = self::requests(&mut { another });
    for (request, other) in requests.iter().zip(&another) {
        let right = answer(&remote, request);
        for signature in [
            &[][..],
            &right[1..],
            &right[..right.len() - 1],
            &[&right[..], &[0]].concat(),
            &[&[0], &right[..]].concat(),
            &[0; 64],
            &[0xff; 256],
        ] {
            refused(&mut unsigned, request.id, signature);
        }
        // Of another message, of another key.
        refused(&mut unsigned, request.id, &answer(&remote, other));
        let stranger = Remote::new(&[9; 32]);
        refused(&mut unsigned, request.id, &stranger.sign(request.digest()));
        // Of the other request.
        let next = requests.iter().find(|r| r.digest() != request.digest());
        refused(&mut unsigned, request.id, &answer(&remote, next.unwrap()));

        assert_eq!(unsigned.answer(request.id, &right), Ok(()));
        let twice = unsigned.answer(request.id, &right);
        assert_eq!(twice, Err(SignatureRefused::AnsweredBefore));
    }
    assert_eq!(unsigned.finish().unwrap(), in_memory(MESSAGE));
}

/// The two mistakes that interfaces invite are told as what they are.
#[test]
fn wrong_hashing_is_told() {
    let remote = Remote::new(&SEED);
    let mut unsigned = unsigned(&remote, MESSAGE);
    for request in requests(&mut unsigned) {
        let again = digest(&SHA256, request.digest());
        let twice = match request.algorithm {
            Algorithm::RsaSha256 => common::rsa_sign(request.digest()),
            _ => remote.sign(again.as_ref()),
        };
        let refused = unsigned.answer(request.id, &twice);
        assert_eq!(refused, Err(SignatureRefused::HashedTwice));
        if request.algorithm == Algorithm::Ed25519Sha256 {
            let refused = unsigned.answer(request.id, &remote.sign(request.data()));
            assert_eq!(refused, Err(SignatureRefused::NotHashed));
        }
    }
}

#[test]
fn what_was_not_asked_for_is_not_answered() {
    let remote = Remote::new(&SEED);
    let mut all = unsigned(&remote, MESSAGE);
    let requests = requests(&mut all);
    let mut fresh = unsigned(&remote, MESSAGE);
    for request in &requests {
        let signature = answer(&remote, request);
        assert_eq!(
            fresh.answer(request.id, &signature),
            Err(SignatureRefused::UnknownRequest)
        );
    }
    assert_eq!(fresh.finish(), Err(SignError::NotSigned(3)));
}

/// RFC 8301 section 3.2, as for keys in memory.
#[test]
fn short_keys_do_not_sign() {
    let pem = include_str!("fixtures/rsa1024-pkcs1.pem");
    let der = pem_body(pem);
    // RSAPrivateKey: the public numbers are its second and third.
    let public = ring_public(&der);
    let public = PublicKey::from_der(&public).unwrap();
    assert_eq!(public.bits(), 1024);
    assert_eq!(RemoteKey::new(public).err(), Some(KeyError::Rejected));
    let good = RemoteKey::new(rsa_key().public_key().clone()).unwrap();
    assert_eq!(good.record().to_string(), rsa_key().record().to_string());
    assert_eq!(format!("{good:?}"), "RemoteKey(rsa-sha256)");
}

/// What cannot be signed is refused before anything is asked for; a field that is too long
/// when it is put together.
#[test]
fn limits_and_refusals_are_those_of_keys_in_memory() {
    let remote = Remote::new(&SEED);
    let mut signing = signer("s", remote.key()).start(NOW);
    let written = signing.write(b"Subject: no From\r\n\r\n");
    assert_eq!(written, Err(SignError::FromCount(0)));
    assert_eq!(signing.finish().err(), Some(SignError::FromCount(0)));

    let mut limits = Limits::default();
    limits.field_bytes = 200;
    let mut signing = signer("s", remote.key()).limits(limits).start(NOW);
    signing.write(b"From: j@example.com\r\n\r\n").unwrap();
    let mut unsigned = signing.finish().unwrap();
    let request = unsigned.next_request().unwrap();
    let signature = remote.sign(request.digest());
    unsigned.answer(request.id, &signature).unwrap();
    let refused = unsigned.finish();
    assert_eq!(refused, Err(SignError::Limit(LimitExceeded::Field(200))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// No other bytes than the signature are taken for it.
    #[test]
    fn a_changed_signature_is_refused(request in 0..3usize, at in 0..64usize, flip in 1..=255u8) {
        let remote = Remote::new(&SEED);
        let mut unsigned = unsigned(&remote, MESSAGE);
        let requests = requests(&mut unsigned);
        let mut signature = answer(&remote, &requests[request]);
        signature[at] ^= flip;
        let refused = unsigned.answer(requests[request].id, &signature);
        prop_assert_eq!(refused, Err(SignatureRefused::Mismatch));
    }
}

fn pem_body(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    let text: String = lines.collect();
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

/// RSAPublicKey of an RSAPrivateKey of 1024 bits, whose lengths are known.
fn ring_public(private: &[u8]) -> Vec<u8> {
    // SEQUENCE, version, n of 129 octets, e of 3.
    let numbers = &private[4 + 3..][..3 + 129 + 2 + 3];
    let mut out = vec![0x30, 0x81, numbers.len() as u8];
    out.extend_from_slice(numbers);
    out
}

#[cfg(feature = "arc")]
mod arc {
    use super::*;
    use scop_dkim::AuthenticationResults;
    use scop_dkim::arc::{ChainStatus, SealError, Sealer, Unsealed};

    fn results() -> AuthenticationResults {
        AuthenticationResults::new("lists.example.org").unwrap()
    }

    fn sealer<K: scop_dkim::Key>(key: K) -> Sealer<K> {
        let domain = Domain::new("lists.example.org").unwrap();
        Sealer::new(domain, Selector::new("s").unwrap(), key)
    }

    fn unsealed(remote: &Remote, is_signed: bool, message: &str, status: ChainStatus) -> Unsealed {
        let signers = signer("e1", remote.key()).and(signer("r1", RemoteKey::from(&rsa_key())));
        let mut sealer = sealer(remote.key());
        if is_signed {
            sealer = sealer.signing(signers);
        }
        let mut sealing = sealer.start(NOW, status, &results());
        sealing.write(message.as_bytes()).unwrap();
        sealing.finish().unwrap()
    }

    fn in_memory(is_signed: bool, message: &str, status: ChainStatus) -> String {
        let ed25519 = SigningKey::ed25519(&SEED).unwrap();
        let signers = signer("e1", ed25519.clone()).and(signer("r1", rsa_key()));
        let mut sealer = sealer(ed25519);
        if is_signed {
            sealer = sealer.signing(signers);
        }
        let mut sealing = sealer.start(NOW, status, &results());
        sealing.write(message.as_bytes()).unwrap();
        sealing.finish(&SystemRandom::new()).unwrap()
    }

    /// RFC 8617 section 5.1: each signature is over those before.
    #[test]
    fn a_seal_is_asked_for_step_by_step() {
        let remote = Remote::new(&SEED);
        for (is_signed, steps) in [
            (
                true,
                &[
                    &["DKIM-Signature"; 2][..],
                    &["ARC-Message-Signature"],
                    &["ARC-Seal"],
                ][..],
            ),
            (false, &[&["ARC-Message-Signature"], &["ARC-Seal"]]),
        ] {
            let first = in_memory(is_signed, MESSAGE, ChainStatus::None) + MESSAGE;
            for (message, status) in [
                (MESSAGE, ChainStatus::None),
                (&first, ChainStatus::Pass),
                (&first, ChainStatus::Fail),
            ] {
                let mut unsealed = unsealed(&remote, is_signed, message, status);
                let mut ids = Vec::new();
                for step in steps {
                    let mut asked = Vec::new();
                    while let Some(request) = unsealed.next_request() {
                        asked.push(request);
                    }
                    assert!(asked.iter().map(|r| r.field).eq(step.iter().copied()));
                    // The last one first.
                    for request in asked.iter().rev() {
                        let wrong = unsealed.answer(request.id, &[1; 64]);
                        assert_eq!(wrong, Err(SignatureRefused::Mismatch));
                        let signature = answer(&remote, request);
                        unsealed.answer(request.id, &signature).unwrap();
                        ids.push(request.id);
                    }
                }
                for id in ids {
                    let twice = unsealed.answer(id, &[1; 64]);
                    assert_eq!(twice, Err(SignatureRefused::AnsweredBefore));
                }
                assert_eq!(unsealed.next_request().map(|r| r.id), None);
                let fields = unsealed.finish().unwrap();
                assert_eq!(fields, in_memory(is_signed, message, status));
            }
        }
    }

    #[test]
    fn without_all_signatures_nothing_is_sealed() {
        let remote = Remote::new(&SEED);
        for answers in 0..4 {
            let mut unsealed = unsealed(&remote, true, MESSAGE, ChainStatus::None);
            for _ in 0..answers {
                let request = unsealed.next_request().unwrap();
                let signature = answer(&remote, &request);
                unsealed.answer(request.id, &signature).unwrap();
            }
            let open = if answers == 0 { 2 } else { 1 };
            let error = SealError::Sign(SignError::NotSigned(open));
            assert_eq!(unsealed.finish(), Err(error));
        }
    }
}

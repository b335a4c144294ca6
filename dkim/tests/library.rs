//! Keys of another library in this process: `SigningKey::with_library`.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use common::{NOW, SEED, rsa_key, rsa_sign, verify_record};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use scop_dkim::{
    Cryptography, DkimResult, Domain, KeyError, PublicKey, Selector, SignError, Signer, SigningKey,
    SystemRandom,
};

const MESSAGE: &str = "From: J <j@example.com>\r\nSubject: A\r\n\r\nHello you\r\n";

fn pair() -> (Ed25519KeyPair, PublicKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap();
    let public = PublicKey::ed25519(pair.public_key().as_ref().try_into().unwrap());
    (pair, public)
}

fn given() -> SigningKey {
    let (pair, public) = pair();
    let sign = move |message: &[u8]| Some(pair.sign(message).as_ref().to_vec());
    SigningKey::with_library(public, sign).unwrap()
}

/// Signs well the first time, when it is tried, and damages one bit of what follows.
fn faulty() -> SigningKey {
    let ((pair, public), calls) = (pair(), AtomicUsize::new(0));
    let sign = move |message: &[u8]| {
        let mut signature = pair.sign(message).as_ref().to_vec();
        signature[5] ^= u8::from(calls.fetch_add(1, Ordering::Relaxed) > 0);
        Some(signature)
    };
    SigningKey::with_library(public, sign).unwrap()
}

fn signed(key: SigningKey) -> Result<String, SignError> {
    let domain = Domain::new("example.com").unwrap();
    let signer = Signer::new(domain, Selector::new("e1").unwrap(), key);
    let mut signing = signer.start(NOW);
    signing.write(MESSAGE.as_bytes()).unwrap();
    signing.finish(&SystemRandom::new())
}

/// RFC 8463 section 3: the same field as from ring, checked or not.
#[test]
fn signs_as_ring_does() {
    let ring = signed(SigningKey::ed25519(&SEED).unwrap()).unwrap();
    assert_eq!(signed(given()).unwrap(), ring);
    assert_eq!(
        signed(given().verified_by(Cryptography::default())).unwrap(),
        ring
    );
    let record = given().record().to_string();
    let message = ring + MESSAGE;
    let outcome = verify_record(message.as_bytes(), &record);
    assert_eq!(outcome.result(), DkimResult::Pass, "{outcome}");
}

/// RFC 8017 section 8.2.1: a library of RSA hashes what it signs.
#[test]
fn rsa_gets_what_is_not_hashed() {
    let public = rsa_key().public_key().clone();
    let domain = Domain::new("example.com").unwrap();
    let field = |key: SigningKey| {
        let selector = Selector::new("r1").unwrap();
        let mut signing = Signer::new(domain.clone(), selector, key).start(NOW);
        signing.write(MESSAGE.as_bytes()).unwrap();
        signing.finish(&SystemRandom::new()).unwrap()
    };
    let sign = |message: &[u8]| Some(rsa_sign(message));
    let key = SigningKey::with_library(public, sign).unwrap();
    assert_eq!(field(key), field(rsa_key()));
}

#[test]
fn a_key_that_is_not_that_of_its_public_half_is_none() {
    let (_, public) = pair();
    let other = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let sign = move |message: &[u8]| Some(other.sign(message).as_ref().to_vec());
    let key = SigningKey::with_library(public.clone(), sign);
    assert_eq!(key.err(), Some(KeyError::Mismatch));
    // It hashes what was hashed.
    let (right, _) = pair();
    let sign = move |message: &[u8]| {
        let twice = digest(&SHA256, message);
        Some(right.sign(twice.as_ref()).as_ref().to_vec())
    };
    let key = SigningKey::with_library(public.clone(), sign);
    assert_eq!(key.err(), Some(KeyError::Mismatch));
    let key = SigningKey::with_library(public, |_| None);
    assert_eq!(key.err(), Some(KeyError::Mismatch));
}

/// What the check is for: without it the fault goes out.
#[test]
fn faults_do_not_go_out_where_signatures_are_verified() {
    assert!(signed(faulty()).is_ok());
    let checked = faulty().verified_by(Cryptography::default());
    assert_eq!(signed(checked), Err(SignError::Crypto));
}

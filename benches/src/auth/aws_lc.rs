//! aws-lc in place of ring, through the seams of scop-dkim: so that both sides of a row
//! compute with the same primitives.

use std::hint::black_box;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use scop_dkim::{
    Canonicalization, Cryptography, Policy, Primitives, RemoteKey, RsaKey, SignatureRequest,
    SigningKey,
};

use super::limit::header;
use super::messages::{self, Key, NOW, RSA_PEM, SEED};
use crate::measure::Tally;

#[derive(Debug)]
struct AwsLc;

impl Primitives for AwsLc {
    fn rsa_sha256(&self, key: RsaKey<'_>, message: &[u8], signature: &[u8]) -> bool {
        let key = PublicKeyComponents { n: key.n, e: key.e };
        let scheme = &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
        key.verify(scheme, message, signature).is_ok()
    }

    fn ed25519(&self, key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, key);
        key.verify(message, signature).is_ok()
    }
}

/// The default, computed with aws-lc.
pub fn policy() -> Policy {
    let mut policy = Policy::default();
    policy.cryptography = Cryptography::new(AwsLc);
    policy
}

/// A private key that scop-dkim does not see.
enum Secret {
    Rsa(RsaKeyPair, SystemRandom),
    Ed25519(Ed25519KeyPair),
}

impl Secret {
    fn new(key: Key) -> Secret {
        match key {
            Key::Rsa => {
                let der = PrivatePkcs8KeyDer::from_pem_slice(RSA_PEM.as_bytes()).expect("a key");
                let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("a key");
                Secret::Rsa(pair, SystemRandom::new())
            }
            Key::Ed25519 => {
                Secret::Ed25519(Ed25519KeyPair::from_seed_unchecked(&SEED).expect("a seed"))
            }
        }
    }

    /// `data` are hashed here, `digest` is theirs.
    fn sign(&self, data: &[u8], digest: &[u8]) -> Vec<u8> {
        match self {
            Secret::Rsa(pair, random) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, random, data, &mut out)
                    .expect("a signature");
                out
            }
            Secret::Ed25519(pair) => pair.sign(digest).as_ref().to_vec(),
        }
    }

    fn answer(&self, request: &SignatureRequest) -> Vec<u8> {
        self.sign(request.data(), request.digest())
    }

    fn public(&self) -> Vec<u8> {
        match self {
            Secret::Rsa(pair, _) => pair.public_key().as_ref().to_vec(),
            Secret::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }
}

/// aws-lc signs in this process. `checked`: and verifies each signature.
pub fn key(key: Key, checked: bool) -> SigningKey {
    let secret = Secret::new(key);
    let public = key.signing().public_key().clone();
    // What is signed is hashed already where it has to be.
    let sign = move |message: &[u8]| Some(secret.sign(message, message));
    let key = SigningKey::with_library(public, sign).expect("its public half");
    match checked {
        true => key.verified_by(Cryptography::new(AwsLc)),
        false => key,
    }
}

/// Gives the field of a message, whose signature aws-lc makes on request and verifies.
pub fn signer(key: Key, body: Canonicalization) -> impl Fn(&[u8]) -> String {
    let secret = Secret::new(key);
    let public = RemoteKey::from(&key.signing()).verified_by(Cryptography::new(AwsLc));
    let signer = messages::signer_with(public, key, body);
    move |message| {
        let mut signing = signer.start(NOW);
        for chunk in message.chunks(super::CHUNK) {
            signing.write(chunk).expect("within limits");
        }
        let mut unsigned = signing.finish().expect("it can be signed");
        while let Some(request) = unsigned.next_request() {
            let signature = secret.answer(&request);
            unsigned
                .answer(request.id, &signature)
                .expect("a signature");
        }
        unsigned.finish().expect("a field")
    }
}

/// aws-lc's primitive alone, as [`limit::sign`](super::limit::sign).
pub fn sign(key: Key) -> Box<dyn Fn(&mut Tally)> {
    let secret = Secret::new(key);
    Box::new(move |tally| {
        let header = black_box(header());
        let signature = match key {
            Key::Rsa => secret.sign(header, &[]),
            Key::Ed25519 => secret.sign(header, digest(&SHA256, header).as_ref()),
        };
        tally.bytes(&signature);
        tally.item();
    })
}

/// Verifying the header's signature, as [`limit::verify`](super::limit::verify).
pub fn verify(key: Key) -> Box<dyn Fn(&mut Tally)> {
    let secret = Secret::new(key);
    let signature = secret.sign(header(), digest(&SHA256, header()).as_ref());
    let public = secret.public();
    Box::new(move |tally| {
        let header = black_box(header());
        let verified = match key {
            Key::Rsa => {
                let scheme = &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
                UnparsedPublicKey::new(scheme, &public).verify(header, &signature)
            }
            Key::Ed25519 => {
                let digest = digest(&SHA256, header);
                UnparsedPublicKey::new(&ED25519, &public).verify(digest.as_ref(), &signature)
            }
        };
        verified.expect("it is good");
        tally.item();
    })
}

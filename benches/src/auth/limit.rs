//! What nobody can do without: ring's primitives alone, on what has to be hashed and
//! verified.

use std::hint::black_box;

use ring::digest::{Context, SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    ED25519, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RsaKeyPair, UnparsedPublicKey,
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};

use super::CHUNK;
use super::messages::{Key, RSA_PEM, SEED, SMALL};
use crate::measure::Tally;

pub fn sha256(body: &[u8], tally: &mut Tally) {
    let mut context = Context::new(&SHA256);
    body.chunks(CHUNK).for_each(|chunk| context.update(chunk));
    tally.bytes(context.finish().as_ref());
    tally.item();
}

/// What is signed of [`SMALL`]: its header, roughly.
pub fn header() -> &'static [u8] {
    let end = SMALL.find("\r\n\r\n").expect("there is a body");
    &SMALL.as_bytes()[..end.min(700)]
}

fn body() -> &'static [u8] {
    &SMALL.as_bytes()[SMALL.find("\r\n\r\n").expect("there is a body") + 4..]
}

pub fn rsa_key() -> RsaKeyPair {
    let der = PrivatePkcs8KeyDer::from_pem_slice(RSA_PEM.as_bytes()).expect("a key");
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("a key")
}

fn ed25519_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&SEED).expect("a seed")
}

/// Signing the header. What is signed is hashed, as it has to be.
pub fn sign(key: Key) -> Box<dyn Fn(&mut Tally)> {
    match key {
        Key::Rsa => {
            let (key, random) = (rsa_key(), SystemRandom::new());
            Box::new(move |tally| {
                let mut signature = [0; 256];
                key.sign(
                    &RSA_PKCS1_SHA256,
                    &random,
                    black_box(header()),
                    &mut signature,
                )
                .expect("a signature");
                tally.bytes(&signature);
                tally.item();
            })
        }
        Key::Ed25519 => {
            let key = ed25519_key();
            Box::new(move |tally| {
                let signature = key.sign(digest(&SHA256, black_box(header())).as_ref());
                tally.bytes(signature.as_ref());
                tally.item();
            })
        }
    }
}

/// Verifying the header's signature.
pub fn verify(key: Key) -> Box<dyn Fn(&mut Tally)> {
    match key {
        Key::Rsa => {
            let pair = rsa_key();
            let mut signature = [0; 256];
            pair.sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                header(),
                &mut signature,
            )
            .expect("a signature");
            let public = pair.public_key().as_ref().to_vec();
            Box::new(move |tally| {
                UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &public)
                    .verify(black_box(header()), &signature)
                    .expect("it is good");
                tally.item();
            })
        }
        Key::Ed25519 => {
            let pair = ed25519_key();
            let signature = pair.sign(digest(&SHA256, header()).as_ref());
            let public = pair.public_key().as_ref().to_vec();
            Box::new(move |tally| {
                UnparsedPublicKey::new(&ED25519, &public)
                    .verify(
                        digest(&SHA256, black_box(header())).as_ref(),
                        signature.as_ref(),
                    )
                    .expect("it is good");
                tally.item();
            })
        }
    }
}

/// The body's hash as well, by ring.
pub fn with_body(primitive: Box<dyn Fn(&mut Tally)>) -> Box<dyn Fn(&mut Tally)> {
    Box::new(move |tally| {
        tally.bytes(digest(&SHA256, black_box(body())).as_ref());
        primitive(tally);
    })
}

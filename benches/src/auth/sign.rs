//! Signing: the field that goes on top of a message, from the message's bytes.

use std::rc::Rc;

use peer_mail_auth::crypto::{Ed25519Key, HashImpl, RsaKey, Sha256, SigningKey};
use peer_mail_auth::dkim::DkimSigner;
use peer_mail_auth::headers::HeaderWriter as _;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use scop_dkim::Canonicalization::{Relaxed, Simple};
use scop_dkim::{Canonicalization, Policy, Signature, SystemRandom};

use super::messages::{self, DOMAIN, FIELDS, Key, NOW, RSA_PEM, SEED};
use super::zone::Zone;
use super::{AHEAD, AREA, CHUNK, Library, MAIL_AUTH, SMALL, aws_lc, limit, ours};
use crate::measure::{Row, Tally, Unit};

pub fn rows() -> Vec<Row> {
    let large = messages::with_body(&messages::base64(10 << 20));
    let html = messages::with_body(&messages::ragged_html(10_000_000));
    let small = messages::SMALL.as_bytes().to_vec();
    let mut rows = Vec::new();
    for (name, message) in [("10 MiB base64", large), ("10 MB ragged HTML", html)] {
        let message: Rc<[u8]> = message.into();
        for (canon, kind) in [("simple", Simple), ("relaxed", Relaxed)] {
            let bytes = message.len() as u64;
            let unit = Unit::Throughput { bytes };
            rows.push(row(
                format!("{name}, {canon}"),
                unit,
                (Key::Rsa, Key::Rsa.signing()),
                kind,
                &message,
            ));
        }
    }
    let small: Rc<[u8]> = small.into();
    let unit = Unit::Nanoseconds { items: 1 };
    for (library, checked) in [
        (Library::Ring, false),
        (Library::AwsLc, false),
        (Library::AwsLc, true),
    ] {
        for key in [Key::Rsa, Key::Ed25519] {
            let mut name = library.row(format!("3 KB, {}", key.name()));
            if checked {
                name += ", each signature verified";
            }
            let with = match library {
                Library::Ring => key.signing(),
                Library::AwsLc => aws_lc::key(key, checked),
            };
            let row = row(name, unit, (key, with), Relaxed, &small);
            // Beside the primitive: ring's RSA is slow, and its share is only reported; nor
            // does a primitive verify what it made, as we do where a row says so.
            let alone = library.of("ring's sign alone", "aws-lc's sign alone");
            // As for verifying: what is signed holds the hash of the body.
            let body = library.of(
                "ring's sign, SHA-256 of the body",
                "aws-lc's sign, SHA-256 of the body",
            );
            let row = row.limit(alone, library.sign(key));
            let row = row.limit(body, limit::with_body(library.sign(key)));
            rows.push(match (key, library) {
                (Key::Ed25519, Library::Ring) => row.goal(SMALL),
                _ => row,
            });
        }
    }
    for key in [Key::Rsa, Key::Ed25519] {
        let name = format!("3 KB, {}, with aws-lc, by request", key.name());
        rows.push(elsewhere(name, unit, key, &small));
    }
    rows
}

fn row(
    name: String,
    unit: Unit,
    (key, with): (Key, scop_dkim::SigningKey),
    body: Canonicalization,
    message: &Rc<[u8]>,
) -> Row {
    let signer = messages::signer_with(with, key, body);
    let ours = Rc::clone(message);
    Row::new(AREA, format!("sign: {name}"), unit, move |tally| {
        let mut signing = signer.start(NOW);
        for chunk in ours.chunks(CHUNK) {
            signing.write(chunk).expect("within limits");
        }
        let field = signing.finish(&SystemRandom::new()).expect("a field");
        signed(&field, &ours, tally);
    })
    .peer(MAIL_AUTH, mail_auth(key, body, Rc::clone(message)))
    .goal(AHEAD)
}

/// The key is with aws-lc, and what it signed is verified by aws-lc before it goes out.
fn elsewhere(name: String, unit: Unit, key: Key, message: &Rc<[u8]>) -> Row {
    let sign = aws_lc::signer(key, Relaxed);
    let ours = Rc::clone(message);
    Row::new(AREA, format!("sign: {name}"), unit, move |tally| {
        signed(&sign(&ours), &ours, tally);
    })
    .peer(MAIL_AUTH, mail_auth(key, Relaxed, Rc::clone(message)))
    .goal(AHEAD)
}

fn mail_auth(key: Key, body: Canonicalization, message: Rc<[u8]>) -> Box<dyn Fn(&mut Tally)> {
    match key {
        Key::Rsa => {
            let der = PrivateKeyDer::from_pem_slice(RSA_PEM.as_bytes()).expect("a key");
            let key = RsaKey::<Sha256>::from_key_der(der).expect("a key");
            mail_auth_with(key, Key::Rsa, body, message)
        }
        Key::Ed25519 => {
            let pair = Ed25519KeyPair::from_seed_unchecked(&SEED).expect("a seed");
            let key = Ed25519Key::from_seed_and_public_key(&SEED, pair.public_key().as_ref());
            mail_auth_with(key.expect("a key"), Key::Ed25519, body, message)
        }
    }
}

fn mail_auth_with<T>(
    key: T,
    kind: Key,
    body: Canonicalization,
    message: Rc<[u8]>,
) -> Box<dyn Fn(&mut Tally)>
where
    T: SigningKey + 'static,
    T::Hasher: HashImpl,
{
    use peer_mail_auth::dkim::Canonicalization as Theirs;
    let signer = DkimSigner::from_key(key)
        .domain(DOMAIN)
        .selector(kind.selector())
        .headers(FIELDS)
        .body_canonicalization(match body {
            Relaxed => Theirs::Relaxed,
            Simple => Theirs::Simple,
        });
    Box::new(move |tally| {
        let signature = signer.sign(&message).expect("a signature");
        signed(&signature.to_header(), &message, tally);
    })
}

/// Both fields sign the same: what they say of the body, and that they verify.
fn signed(field: &str, message: &[u8], tally: &mut Tally) {
    if tally.is_comparison() {
        let value = field.split_once(':').expect("a field").1;
        let value = value.strip_suffix("\r\n").expect("a line");
        let signature = Signature::parse(value.as_bytes()).expect("a signature");
        tally.bytes(signature.body_hash());
        let whole = [field.as_bytes(), message].concat();
        // mail-auth signs with the time of its own clock.
        let now = signature.timestamp().unwrap_or(NOW);
        let dns = ours::Dns::new(&Zone::keys());
        ours::verify_with(Policy::default(), now, &whole, &dns, tally);
    } else {
        // They are folded in other ways.
        std::hint::black_box(field);
        tally.item();
    }
}

//! Shared by the tests: a verifier run in one call, and a signer that forges
//! whatever a test wants, written apart from the crate's own so that it checks
//! it.
#![allow(dead_code, unreachable_pub)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use scop_dkim::{
    DnsError, Limits, Outcome, Policy, PublicKey, Records, RemoteKey, SigningKey, SystemRandom,
    Verification, Verifier,
};

/// A time between `t=` and `x=` of all fixtures.
pub const NOW: u64 = 1_700_000_000;
pub const SEED: [u8; 32] = [7; 32];

pub fn rsa_key() -> SigningKey {
    SigningKey::from_pem(include_str!("../fixtures/rsa2048-pkcs8.pem")).unwrap()
}

/// The same key's signature of `message`, which is hashed here, without the crate.
pub fn rsa_sign(message: &[u8]) -> Vec<u8> {
    let pem = include_str!("../fixtures/rsa2048-pkcs1.pem");
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let pair = RsaKeyPair::from_der(&STANDARD.decode(text).unwrap()).unwrap();
    let mut out = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut out)
        .unwrap();
    out
}

/// A device that signs with Ed25519; nobody else has its secret.
pub struct Remote(Ed25519KeyPair);

impl Remote {
    pub fn new(seed: &[u8; 32]) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(seed).unwrap())
    }

    /// What its owner knows of the key.
    pub fn key(&self) -> RemoteKey {
        let public = self.0.public_key().as_ref().try_into().unwrap();
        RemoteKey::new(PublicKey::ed25519(public)).unwrap()
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

/// Verifies in chunks, answering all queries with `zone`.
pub fn verify_with(
    policy: &Policy,
    message: &[u8],
    chunk: usize,
    zone: &dyn Fn(&str) -> Result<Records, DnsError>,
) -> Verification {
    let mut verifier = Verifier::new(policy.clone(), Limits::default(), NOW);
    for part in message.chunks(chunk.max(1)) {
        let _ = verifier.write(part);
    }
    let mut verification = verifier.finish();
    while let Some(query) = verification.next_query() {
        verification.answer(query.id, zone(&query.name)).unwrap();
    }
    assert!(verification.is_complete());
    verification
}

/// The one outcome under the default policy; the key is that of `SEED`.
pub fn verify(message: &[u8]) -> Outcome {
    verify_record(message, &record())
}

pub fn verify_record(message: &[u8], record: &str) -> Outcome {
    let zone = |_: &str| Ok(Records::txt([record]));
    let verification = verify_with(&Policy::default(), message, usize::MAX, &zone);
    assert_eq!(
        verification.outcomes().len(),
        1,
        "{}",
        message.escape_ascii()
    );
    verification.outcomes()[0].clone()
}

pub fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap()
}

/// The key record of `SEED`.
pub fn record() -> String {
    format!(
        "v=DKIM1; k=ed25519; p={}",
        STANDARD.encode(pair().public_key())
    )
}

/// Signs `header` (whole fields with CRLF) and `body` with the tags given;
/// `h` lists what is signed. Knows relaxed and simple, written plainly.
pub struct Forge<'a> {
    pub tags: &'a str,
    pub c: &'a str,
    pub h: &'a str,
    pub length: Option<usize>,
}

impl Default for Forge<'_> {
    fn default() -> Self {
        Self {
            tags: "v=1; a=ed25519-sha256; d=example.com; s=sel",
            c: "relaxed/relaxed",
            h: "from:to:subject",
            length: None,
        }
    }
}

impl Forge<'_> {
    /// The whole message, signed.
    pub fn message(&self, header: &str, body: &str) -> Vec<u8> {
        let mut out = self.field(header, body).into_bytes();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body.as_bytes());
        out
    }

    /// The DKIM-Signature field.
    pub fn field(&self, header: &str, body: &str) -> String {
        let (header_canon, body_canon) = self.c.split_once('/').unwrap();
        let mut body = canon_body(body_canon, body);
        let mut tags = self.tags.to_string();
        if let Some(length) = self.length {
            tags.push_str(&format!("; l={length}"));
            body.truncate(length);
        }
        let bh = STANDARD.encode(digest(&SHA256, body.as_bytes()));
        let field = format!(
            "DKIM-Signature: {tags}; c={}; h={};\r\n bh={bh}; b=",
            self.c, self.h
        );
        let mut fields = split_fields(header);
        let mut data = String::new();
        for name in self.h.split(':') {
            let at = fields.iter().rposition(|f| {
                f.split(':')
                    .next()
                    .unwrap()
                    .trim()
                    .eq_ignore_ascii_case(name.trim())
            });
            if let Some(at) = at {
                data.push_str(&canon_field(header_canon, &fields.remove(at)));
                data.push_str("\r\n");
            }
        }
        data.push_str(&canon_field(header_canon, &field));
        let signature = pair().sign(digest(&SHA256, data.as_bytes()).as_ref());
        format!("{field}{}\r\n", STANDARD.encode(signature))
    }
}

fn split_fields(header: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in header.split_inclusive("\r\n") {
        match fields.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => fields.push(line.to_string()),
        }
    }
    for field in &mut fields {
        *field = field.strip_suffix("\r\n").unwrap_or(field).to_string();
    }
    fields
}

fn squeeze(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            ' ' | '\t' if out.ends_with(' ') => {}
            ' ' | '\t' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

fn canon_field(kind: &str, field: &str) -> String {
    if kind == "simple" {
        return field.to_string();
    }
    let (name, value) = field.split_once(':').unwrap();
    let value = squeeze(&value.replace("\r\n", ""));
    format!("{}:{}", name.trim().to_lowercase(), value.trim_matches(' '))
}

fn canon_body(kind: &str, body: &str) -> String {
    let mut lines: Vec<String> = body.split("\r\n").map(str::to_string).collect();
    if kind == "relaxed" {
        for line in &mut lines {
            *line = squeeze(line).trim_end_matches(' ').to_string();
        }
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    match (lines.is_empty(), kind) {
        (true, "relaxed") => String::new(),
        _ => lines.join("\r\n") + "\r\n",
    }
}

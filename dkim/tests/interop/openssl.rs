//! OpenSSL's program as the place where the keys are: it is given a digest and signs it.

use std::path::PathBuf;

use super::dkimpy::python;
use super::*;
use scop_dkim::{Algorithm, PublicKey, RemoteKey, SignatureRequest};

const ED25519_PEM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/ed25519-pkcs8.pem"
);

/// What is given to it in place of the digest.
#[derive(Clone, Copy, Debug)]
enum Given {
    Digest,
    DigestInfo,
}

/// A key of which we see no more than this.
fn public(pem: &str) -> RemoteKey {
    let out = run(
        Command::new("openssl").args(["pkey", "-in", pem, "-pubout"]),
        b"",
    );
    let public = PublicKey::from_pem(&String::from_utf8(out).unwrap()).unwrap();
    RemoteKey::new(public).unwrap()
}

fn openssl_signs(request: &SignatureRequest, given: Given, file: &PathBuf) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(["pkeyutl", "-sign"]);
    let input = match (request.algorithm, given) {
        (Algorithm::Ed25519Sha256, _) => {
            command.args(["-inkey", ED25519_PEM, "-rawin"]);
            request.digest().to_vec()
        }
        (_, Given::Digest) => {
            command.args(["-inkey", RSA_PEM, "-pkeyopt", "digest:sha256"]);
            request.digest().to_vec()
        }
        (_, Given::DigestInfo) => {
            command.args(["-inkey", RSA_PEM]);
            request.digest_info().to_vec()
        }
    };
    // With Ed25519 it wants to know the length of a file beforehand.
    std::fs::write(file, input).unwrap();
    run(command.arg("-in").arg(file), b"")
}

/// What `openssl pkeyutl` signs, dkimpy verifies, and so do we.
#[test]
fn openssl_has_the_keys() {
    if !is_there("openssl", "openssl", &["version"]) {
        return;
    }
    let (rsa, ed25519) = (public(RSA_PEM), public(ED25519_PEM));
    let signers = signer(rsa.clone(), PAIRS[3]).and(signer(ed25519.clone(), PAIRS[0]));
    let file = std::env::temp_dir().join(format!("scop-dkim-digest-{}", std::process::id()));
    let mut input = String::new();
    for (n, message) in MESSAGES.iter().enumerate() {
        let given = [Given::Digest, Given::DigestInfo][n % 2];
        let mut signing = signers.start(NOW);
        signing.write(message.as_bytes()).unwrap();
        let mut unsigned = signing.finish().unwrap();
        while let Some(request) = unsigned.next_request() {
            let signature = openssl_signs(&request, given, &file);
            unsigned.answer(request.id, &signature).unwrap();
        }
        let fields = unsigned.finish().unwrap();
        let (first, second) = fields.split_at(fields.rfind("DKIM-Signature:").unwrap());
        for (key, field) in [(&rsa, first), (&ed25519, second)] {
            let signed = [field.as_bytes(), message.as_bytes()].concat();
            let record = key.record().to_string();
            assert_eq!(reason(&signed, &record), Reason::Verified);
            input += &format!("{} {}\n", hex(record.as_bytes()), hex(&signed));
        }
    }
    std::fs::remove_file(file).unwrap();
    let program = dkimpy::DKIMPY_VERIFY;
    if let Some(out) = python("dkim, nacl.signing", program, &[], input.as_bytes()) {
        let out = String::from_utf8(out).unwrap();
        let verdicts: Vec<&str> = out.lines().collect();
        assert_eq!(verdicts, ["True"; 2 * MESSAGES.len()]);
    }
}

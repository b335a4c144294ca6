//! Keys that are elsewhere: a command of the user's signs.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use clap::{Args, ValueEnum};
use scop_dkim::{PublicKey, RemoteKey, SignatureRefused, SignatureRequest, Unsigned};
use scop_mime::{Decoder, TransferEncoding};

use crate::{
    dkim::read_pem,
    exit::{Failure, code},
};

/// How a key that is elsewhere is reached.
#[derive(Args)]
pub(crate) struct Elsewhere {
    /// What signs with it: run by sh, given what to sign, gives the signature
    ///
    /// It is run once for each key, with $DKIM_DOMAIN, $DKIM_SELECTOR and $DKIM_ALGORITHM
    /// (rsa-sha256 or ed25519-sha256) telling which. Its standard input is what --give says; on
    /// its standard output it gives the signature, as octets or in base64. What does not
    /// verify with the public key is refused. For instance
    /// `openssl pkeyutl -sign -inkey key.pem -pkeyopt digest:sha256`.
    #[arg(long, value_name = "COMMAND", conflicts_with = "key")]
    signer: Option<String>,
    /// What the command is given
    #[arg(long, value_enum, default_value_t = Give::Digest, conflicts_with = "key")]
    give: Give,
}

/// What a device takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Give {
    /// The SHA-256 digest, 32 octets: for all key services, and all keys of Ed25519
    Digest,
    /// The digest as PKCS#1 pads it, 51 octets: for RSA in PKCS#11, CKM_RSA_PKCS
    DigestInfo,
    /// The canonical header that the digest is of: for an RSA device that hashes
    Data,
}

pub(crate) fn read_key(file: &Path) -> Result<RemoteKey, Failure> {
    let name = file.display().to_string();
    let pem = read_pem(file)?;
    let key = PublicKey::from_pem(&pem).ok_or_else(|| {
        let what = "no public key in PEM; `openssl pkey -pubout` writes one";
        Failure::new(code::CONFIG, format_args!("{name}: {what}"))
    })?;
    RemoteKey::new(key).map_err(|e| Failure::new(code::CONFIG, format_args!("{name}: {e}")))
}

impl Elsewhere {
    /// Has all requests answered; gives the fields.
    pub(crate) fn sign(&self, mut unsigned: Unsigned) -> Result<String, Failure> {
        while let Some(request) = unsigned.next_request() {
            let given = self.run(&request)?;
            let refused = |e| self.failure(code::DATA, &format!("gave no signature: {e}"));
            match unsigned.answer(request.id, &given) {
                Ok(()) => {}
                // Octets, or text.
                Err(SignatureRefused::Mismatch) => {
                    let (mut decoder, mut decoded) =
                        (Decoder::new(&TransferEncoding::Base64), Vec::new());
                    decoder.decode(&given, &mut decoded);
                    decoder.finish(&mut decoded);
                    unsigned.answer(request.id, &decoded).map_err(refused)?;
                }
                Err(error) => return Err(refused(error)),
            }
        }
        let failed = |e| Failure::new(code::DATA, e);
        unsigned.finish().map_err(failed)
    }

    /// What the command makes of it.
    fn run(&self, request: &SignatureRequest) -> Result<Vec<u8>, Failure> {
        let started = Command::new("sh")
            .arg("-c")
            .arg(self.signer.as_deref().unwrap_or_default())
            .env("DKIM_DOMAIN", request.domain.as_str())
            .env("DKIM_SELECTOR", request.selector.as_str())
            .env("DKIM_ALGORITHM", request.algorithm.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let no = |e: std::io::Error| self.failure(code::UNAVAILABLE, &e.to_string());
        let mut child = started.map_err(no)?;
        if let Some(mut input) = child.stdin.take() {
            let info = request.digest_info();
            let given: &[u8] = match self.give {
                Give::Digest => request.digest(),
                Give::DigestInfo => &info,
                Give::Data => request.data(),
            };
            // It may have what it wants without reading any of it; its exit code tells.
            let _ = input.write_all(given);
        }
        let output = child.wait_with_output().map_err(no)?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(self.failure(code::UNAVAILABLE, &output.status.to_string())),
        }
    }

    fn failure(&self, code: u8, what: &str) -> Failure {
        let command = self.signer.as_deref().unwrap_or_default();
        Failure::new(
            code,
            format_args!("--signer `{command}`: {what}; nothing was signed"),
        )
    }
}

//! Signatures that are asked of whoever has the key: RFC 6376 section 3.3, RFC 8463 section 3.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ring::digest::{SHA256, digest};
use ring::rand::SecureRandom;

use crate::name::{Domain, Selector};
use crate::remote_key::RemoteKey;
use crate::sign::Unfinished;
use crate::signature::Algorithm;
use crate::signing::SignError;
use crate::signing_key::SigningKey;

/// Which request an answer is for; counts within one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignatureId(usize);

/// A signature that is wanted. It owns what it says, so that it can be sent to a thread, a
/// queue, another process.
///
/// Interfaces differ in what they take:
///
/// | algorithm | who hashes | what it signs |
/// |---|---|---|
/// | `rsa-sha256` | the caller: `RSASSA_PKCS1_V1_5_SHA_256` of a digest, `openssl pkeyutl -pkeyopt digest:sha256` | [`digest`](Self::digest) |
/// | `rsa-sha256` | the caller, who also says with what: PKCS#11 `CKM_RSA_PKCS` | [`digest_info`](Self::digest_info) |
/// | `rsa-sha256` | the device: PKCS#11 `CKM_SHA256_RSA_PKCS`, `openssl dgst -sha256` | [`data`](Self::data) |
/// | `ed25519-sha256` | the caller; then Ed25519, not Ed25519ph, of 32 octets: PKCS#11 `CKM_EDDSA`, `openssl pkeyutl -rawin` | [`digest`](Self::digest) |
///
/// A signature of Ed25519 has 64 octets, one of RSA as many as the modulus.
#[derive(Clone)]
#[non_exhaustive]
pub struct SignatureRequest {
    /// Give it back with the signature.
    pub id: SignatureId,
    /// The field that it will stand in, `DKIM-Signature` for instance.
    pub field: &'static str,
    /// `d=` of the field.
    pub domain: Domain,
    /// `s=` of the field: which key of that domain.
    pub selector: Selector,
    /// `a=` of the field.
    pub algorithm: Algorithm,
    digest: [u8; 32],
    data: Arc<[u8]>,
}

impl SignatureRequest {
    /// The SHA-256 digest of [`data`](Self::data). With Ed25519 it is the message to sign.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The digest with the identifier of SHA-256 before it, as DER: what RSASSA-PKCS1-v1_5
    /// pads (RFC 8017 section 9.2 step 2).
    #[must_use]
    pub fn digest_info(&self) -> [u8; 51] {
        // RFC 8017 section 9.2 note 1.
        const SHA_256: [u8; 19] = [
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
            0x01, 0x05, 0x00, 0x04, 0x20,
        ];
        let mut info = [0; 51];
        let (before, digest) = info.split_at_mut(SHA_256.len());
        before.copy_from_slice(&SHA_256);
        digest.copy_from_slice(&self.digest);
        info
    }

    /// What the digest is of: the canonical header fields, some kilobytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The signature of a key that is in memory after all, beside others that are not.
    ///
    /// `random` as in [`Signing::finish`](crate::Signing::finish).
    ///
    /// # Errors
    /// [`SignError::Crypto`] when ring refuses. That the key is another one than was asked
    /// for shows when the answer is verified.
    pub fn sign_with(
        &self,
        key: &SigningKey,
        random: &dyn SecureRandom,
    ) -> Result<Vec<u8>, SignError> {
        key.sign(random, &self.data).ok_or(SignError::Crypto)
    }
}

/// Leaves the data out: they are of a message.
impl fmt::Debug for SignatureRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureRequest")
            .field("id", &self.id)
            .field("field", &self.field)
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Why an answer to a [`SignatureRequest`] is not taken. Nothing is changed then: the request
/// still waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureRefused {
    /// This message has not asked that.
    #[error("no such signature was asked for")]
    UnknownRequest,
    /// The request has its answer.
    #[error("the signature was given before")]
    AnsweredBefore,
    /// It does not verify with the public key: another key made it, or of something else.
    #[error("the signature does not verify with the public key of its signer")]
    Mismatch,
    /// It is the right key's, of a digest of the digest.
    #[error(
        "the signature is of a digest of the digest: the key hashes what it signs, so give it the data (RFC 6376 section 3.3)"
    )]
    HashedTwice,
    /// It is the right key's, of the data and not of their digest.
    #[error(
        "the signature is of the data, but Ed25519 is to sign their SHA-256 digest (RFC 8463 section 3)"
    )]
    NotHashed,
}

/// The requests of one message.
#[derive(Default)]
pub(crate) struct Requests {
    wanted: Vec<Wanted>,
    /// How many were there before these, and are done.
    before: usize,
}

struct Wanted {
    request: SignatureRequest,
    key: RemoteKey,
    unfinished: Unfinished,
    is_asked: bool,
    signature: Option<Vec<u8>>,
}

impl Requests {
    pub(crate) fn push(
        &mut self,
        field: &'static str,
        (domain, selector): (&Domain, &Selector),
        key: &RemoteKey,
        mut unfinished: Unfinished,
    ) {
        let data: Arc<[u8]> = core::mem::take(&mut unfinished.data).into();
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &data).as_ref());
        self.wanted.push(Wanted {
            request: SignatureRequest {
                id: SignatureId(self.before + self.wanted.len()),
                field,
                domain: domain.clone(),
                selector: selector.clone(),
                algorithm: key.algorithm(),
                digest: hash,
                data,
            },
            key: key.clone(),
            unfinished,
            is_asked: false,
            signature: None,
        });
    }

    pub(crate) fn next(&mut self) -> Option<SignatureRequest> {
        let wanted = self.wanted.iter_mut().find(|wanted| !wanted.is_asked)?;
        wanted.is_asked = true;
        Some(wanted.request.clone())
    }

    pub(crate) fn answer(
        &mut self,
        id: SignatureId,
        signature: &[u8],
    ) -> Result<(), SignatureRefused> {
        let at = id.0.checked_sub(self.before);
        let at = at.ok_or(SignatureRefused::AnsweredBefore)?;
        let wanted = self.wanted.get_mut(at).filter(|wanted| wanted.is_asked);
        let wanted = wanted.ok_or(SignatureRefused::UnknownRequest)?;
        if wanted.signature.is_some() {
            return Err(SignatureRefused::AnsweredBefore);
        }
        let (key, SignatureRequest { data, digest, .. }) = (&wanted.key, &wanted.request);
        if !key.signed(data, signature) {
            return Err(if key.signed(digest, signature) {
                SignatureRefused::HashedTwice
            } else if key.signed_unhashed(data, signature) {
                SignatureRefused::NotHashed
            } else {
                SignatureRefused::Mismatch
            });
        }
        wanted.signature = Some(signature.to_vec());
        Ok(())
    }

    /// How many wait for an answer.
    pub(crate) fn open(&self) -> usize {
        let open = |wanted: &&Wanted| wanted.signature.is_none();
        self.wanted.iter().filter(open).count()
    }

    /// The fields, in the order in which they were asked for; there are none left then.
    ///
    /// # Errors
    /// [`SignError::NotSigned`] while an answer is missing, or a field is over a limit.
    pub(crate) fn take(&mut self) -> Result<Vec<String>, SignError> {
        match self.open() {
            0 => {}
            open => return Err(SignError::NotSigned(open)),
        }
        let field = |wanted: Wanted| {
            let signature = wanted.signature.unwrap_or_default();
            wanted.unfinished.finish(&signature)
        };
        self.before += self.wanted.len();
        self.wanted.drain(..).map(field).collect()
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = self.wanted.iter().map(|wanted| &wanted.request);
        f.debug_list().entries(requests).finish()
    }
}

//! Who computes when a signature is verified: ring, or what the caller has in its place.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ring::rsa::PublicKeyComponents;
use ring::signature::{ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};

use crate::der;

/// The two primitives of verification, by another library or by hardware.
///
/// Each answers one question: is this the signature of that message under this key? An error
/// of any kind is a `false`. What a [`Policy`](crate::Policy) forbids, a short key for
/// instance, was refused before and is not asked about.
///
/// ```
/// use scop_dkim::{Cryptography, Policy, Primitives, RsaKey};
///
/// #[derive(Debug)]
/// struct Hardware;
///
/// impl Primitives for Hardware {
///     fn rsa_sha256(&self, key: RsaKey<'_>, message: &[u8], signature: &[u8]) -> bool {
///         let _pkcs1 = key.to_der(); // or key.n and key.e
///         # let _ = (message, signature);
///         false
///     }
///     fn ed25519(&self, key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
///         # let _ = (key, message, signature);
///         false
///     }
/// }
///
/// let mut policy = Policy::default();
/// policy.cryptography = Cryptography::new(Hardware);
/// ```
pub trait Primitives: fmt::Debug + Send + Sync {
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2.2): `message` is not hashed yet.
    /// The key has 1024 to 8192 bits.
    fn rsa_sha256(&self, key: RsaKey<'_>, message: &[u8], signature: &[u8]) -> bool;

    /// PureEdDSA with edwards25519 (RFC 8032 section 5.1.7). The message is the SHA-256 digest
    /// of what was signed (RFC 8463 section 3), which was made already: to this primitive it
    /// is a message of 32 octets like any other.
    fn ed25519(&self, key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool;
}

/// An RSA public key: big-endian numbers without leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RsaKey<'a> {
    /// The modulus.
    pub n: &'a [u8],
    /// The exponent.
    pub e: &'a [u8],
}

impl RsaKey<'_> {
    /// RSAPublicKey of PKCS#1 (RFC 8017 appendix A.1.1).
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let mut numbers = Vec::with_capacity(self.n.len() + self.e.len() + 10);
        der::put_positive(&mut numbers, self.n);
        der::put_positive(&mut numbers, self.e);
        let mut out = Vec::with_capacity(numbers.len() + 4);
        der::put(&mut out, der::SEQUENCE, &numbers);
        out
    }
}

/// The [`Primitives`] that a [`Policy`](crate::Policy) verifies with; the default is ring.
///
/// Hashes, of bodies and of what Ed25519 signs, are made by ring in any case.
#[derive(Clone, Debug, Default)]
pub struct Cryptography(Library);

#[derive(Clone, Debug, Default)]
enum Library {
    #[default]
    Ring,
    Given(Arc<dyn Primitives>),
}

impl Cryptography {
    /// Others than ring's. Clones share them.
    #[must_use]
    pub fn new(primitives: impl Primitives + 'static) -> Self {
        Self(Library::Given(Arc::new(primitives)))
    }

    pub(crate) fn rsa_sha256(&self, key: RsaKey<'_>, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Library::Ring => {
                let key = PublicKeyComponents { n: key.n, e: key.e };
                let scheme = &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY;
                key.verify(scheme, message, signature).is_ok()
            }
            Library::Given(library) => library.rsa_sha256(key, message, signature),
        }
    }

    pub(crate) fn ed25519(&self, key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Library::Ring => UnparsedPublicKey::new(&ED25519, key)
                .verify(message, signature)
                .is_ok(),
            Library::Given(library) => library.ed25519(key, message, signature),
        }
    }
}

/// Both ring, or clones of one.
impl PartialEq for Cryptography {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Library::Ring, Library::Ring) => true,
            (Library::Given(one), Library::Given(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Cryptography {}

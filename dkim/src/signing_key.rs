//! Private keys, read from what tools write.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ring::rand::SecureRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};

use crate::cryptography::Cryptography;
use crate::der;
use crate::key::{KeyRecord, PublicKey};
use crate::signature::Algorithm;

/// Why a private key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No complete PEM block with good base64.
    #[error(
        "no PEM block found, or its base64 is damaged; \"openssl pkey -inform DER\" makes PEM of DER"
    )]
    Pem,
    /// A PEM block of another kind, a public key for instance.
    #[error(
        "the PEM block is no private key in PKCS#8 (\"PRIVATE KEY\") or PKCS#1 (\"RSA PRIVATE KEY\")"
    )]
    Label,
    /// The key needs a passphrase.
    #[error("the key is encrypted; decrypt it first, for instance with \"openssl pkey\"")]
    Encrypted,
    /// The DER is neither PKCS#8 nor PKCS#1, or it is of another algorithm.
    #[error("the key is no RSA or Ed25519 key in PKCS#8 or PKCS#1")]
    Format,
    /// The numbers do not form a key that may sign: damaged, or an RSA key
    /// outside 2048 to 4096 bits (RFC 8301 section 3.2 recommends at least
    /// 2048).
    #[error("the key is damaged, or an RSA key outside 2048 to 4096 bits (RFC 8301 section 3.2)")]
    Rejected,
    /// What another library signs does not verify with the public half.
    #[error("what the library signs does not verify with the public key that was given")]
    Mismatch,
    /// The random source failed.
    #[error("the system gives no random numbers")]
    Random,
}

/// A private key that signs messages. Clones share it; no copy of the secret is made. ring
/// signs with it, or [another library](Self::with_library). For a key that is not in this process
/// there is [`RemoteKey`](crate::RemoteKey).
///
/// ```
/// use scop_dkim::SigningKey;
/// // 32 octets from a good random source; fixed ones serve only an example.
/// let key = SigningKey::ed25519(&[7; 32])?;
/// assert!(key.record().to_string().starts_with("v=DKIM1; k=ed25519; p="));
/// # Ok::<(), scop_dkim::KeyError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    pair: Arc<Pair>,
    /// Who verifies each signature before it goes out, if somebody does.
    check: Option<Cryptography>,
}

struct Pair {
    material: Material,
    public: PublicKey,
}

enum Material {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Given(Box<Sign>),
}

/// Another library's primitive.
type Sign = dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync;

impl SigningKey {
    /// Reads the first PEM block of `pem`: `PRIVATE KEY` (PKCS#8, RSA or
    /// Ed25519) or `RSA PRIVATE KEY` (PKCS#1).
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type:") {
            return Err(KeyError::Encrypted);
        }
        match der::pem_decode(pem).ok_or(KeyError::Pem)? {
            ("PRIVATE KEY" | "RSA PRIVATE KEY", der) => Self::from_der(&der),
            _ => Err(KeyError::Label),
        }
    }

    /// Reads DER: PKCS#8 (RFC 5208, RFC 5958, RFC 8410) or, for RSA, PKCS#1
    /// (RFC 8017 appendix A.1.2).
    ///
    /// # Errors
    /// [`KeyError::Format`] and [`KeyError::Rejected`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let pair = match pkcs8_algorithm(der) {
            Some(der::OID_RSA) => RsaKeyPair::from_pkcs8(der),
            Some(der::OID_ED25519) => {
                // Version 1 holds no public key to check against.
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
                return Self::from_ed25519(pair.map_err(|_| KeyError::Rejected)?);
            }
            None if is_pkcs1(der) => RsaKeyPair::from_der(der),
            _ => return Err(KeyError::Format),
        };
        let pair = pair.map_err(|_| KeyError::Rejected)?;
        let public = PublicKey::from_der(pair.public_key().as_ref()).ok_or(KeyError::Rejected)?;
        Ok(Self::new(Material::Rsa(pair), public))
    }

    fn from_ed25519(pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let public = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| KeyError::Rejected)?;
        let public = PublicKey::ed25519(public);
        Ok(Self::new(Material::Ed25519(pair), public))
    }

    fn new(material: Material, public: PublicKey) -> Self {
        let pair = Arc::new(Pair { material, public });
        Self { pair, check: None }
    }

    /// A key that another library than ring signs with in this process. `sign` is its bare
    /// primitive, for the kind of key that `public` is: RSASSA-PKCS1-v1_5 with SHA-256 of a
    /// message that is not hashed yet (RFC 8017 section 8.2.1), or PureEdDSA of edwards25519
    /// (RFC 8032 section 5.1.6), whose message is the digest that RFC 8463 section 3 wants,
    /// made already. `None` for an error of any kind.
    ///
    /// One signature is made and verified here, so that a key which is another than `public`,
    /// or a library that hashes as it should not, shows at once. Those of messages then go out
    /// as they come: see [`verified_by`](Self::verified_by).
    ///
    /// ```
    /// use ring::signature::{Ed25519KeyPair, KeyPair as _}; // or aws-lc-rs, whose names are these
    /// use scop_dkim::{KeyError, PublicKey, SigningKey};
    ///
    /// let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32])?;
    /// let public = PublicKey::ed25519(pair.public_key().as_ref().try_into()?);
    /// let key = SigningKey::with_library(public, move |message| Some(pair.sign(message).as_ref().to_vec()))?;
    /// assert_eq!(key.public_key(), SigningKey::ed25519(&[7; 32])?.public_key());
    ///
    /// let stranger = PublicKey::ed25519([9; 32]);
    /// let wrong = SigningKey::with_library(stranger, |_| Some(vec![0; 64]));
    /// assert_eq!(wrong.unwrap_err(), KeyError::Mismatch);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyError::Mismatch`], also where `sign` gives nothing; [`KeyError::Rejected`] for an RSA
    /// key outside 2048 to 4096 bits.
    pub fn with_library(
        public: PublicKey,
        sign: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Result<Self, KeyError> {
        if !public.may_sign() {
            return Err(KeyError::Rejected);
        }
        let key = Self::new(Material::Given(Box::new(sign)), public);
        let data = b"Whether a private key belongs to its public half";
        let signature = key.made(None, data).ok_or(KeyError::Mismatch)?;
        match key.signed(&Cryptography::default(), data, &signature) {
            true => Ok(key),
            false => Err(KeyError::Mismatch),
        }
    }

    /// The same with each signature verified before it goes out, which costs a verification;
    /// a message whose signature does not verify ends in
    /// [`SignError::Crypto`](crate::SignError::Crypto).
    ///
    /// That protects from a library or a processor that computes wrongly: an RSA signature with
    /// a fault in one of its halves gives the private key away to whoever sees it. ring and
    /// aws-lc look for that themselves with RSA. A [`RemoteKey`](crate::RemoteKey) always
    /// verifies: what answers for it is not in this process.
    ///
    /// ```
    /// use scop_dkim::{Cryptography, SigningKey};
    /// let key = SigningKey::ed25519(&[7; 32])?.verified_by(Cryptography::default());
    /// # Ok::<(), scop_dkim::KeyError>(())
    /// ```
    #[must_use]
    pub fn verified_by(mut self, cryptography: Cryptography) -> Self {
        self.check = Some(cryptography);
        self
    }

    /// The Ed25519 key of a seed: 32 octets that the caller took from a
    /// cryptographic random source (RFC 8032 section 5.1.5). This is how a key
    /// is generated; keep it with [`ed25519_pem`](Self::ed25519_pem).
    ///
    /// # Errors
    /// [`KeyError::Rejected`], though no seed is known to be.
    pub fn ed25519(seed: &[u8; 32]) -> Result<Self, KeyError> {
        Self::from_ed25519(
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Rejected)?,
        )
    }

    /// A new Ed25519 key, and the PEM block in PKCS#8 to keep it in, which
    /// [`from_pem`](Self::from_pem) and OpenSSL read. Keep it where nobody else reads it.
    ///
    /// ```
    /// use scop_dkim::{SigningKey, SystemRandom};
    /// let (key, pem) = SigningKey::generate(&SystemRandom::new())?;
    /// println!("s1._domainkey.example.com. IN TXT {}", key.record().zone_text());
    /// assert_eq!(SigningKey::from_pem(&pem)?.public_key(), key.public_key());
    /// # Ok::<(), scop_dkim::KeyError>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyError::Random`] when the source gives no random octets.
    pub fn generate(random: &dyn SecureRandom) -> Result<(Self, String), KeyError> {
        let mut seed = [0; 32];
        random.fill(&mut seed).map_err(|_| KeyError::Random)?;
        Ok((Self::ed25519(&seed)?, Self::ed25519_pem(&seed)))
    }

    /// The key of a seed as a PEM block in PKCS#8 (RFC 8410 section 7), which
    /// [`from_pem`](Self::from_pem) and OpenSSL read.
    #[must_use]
    pub fn ed25519_pem(seed: &[u8; 32]) -> String {
        let mut algorithm = Vec::new();
        der::put(&mut algorithm, der::OID, der::OID_ED25519);
        let mut key = Vec::new();
        der::put(&mut key, der::OCTET_STRING, seed);
        let mut info = Vec::new();
        der::put(&mut info, der::INTEGER, &[0]);
        der::put(&mut info, der::SEQUENCE, &algorithm);
        der::put(&mut info, der::OCTET_STRING, &key);
        let mut out = Vec::new();
        der::put(&mut out, der::SEQUENCE, &info);
        der::pem_encode("PRIVATE KEY", &out)
    }

    /// What `a=` will say.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.pair.public.signs()
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.pair.public
    }

    /// The record to publish under `selector._domainkey.domain`; its
    /// [`Display`](fmt::Display) is the text of the TXT record.
    #[must_use]
    pub fn record(&self) -> KeyRecord {
        KeyRecord::new(self.public_key().clone())
    }

    /// Signs `data`, which is hashed here. `None` if the library fails, or what it made does
    /// not verify.
    pub(crate) fn sign(&self, random: &dyn SecureRandom, data: &[u8]) -> Option<Vec<u8>> {
        let signature = self.made(Some(random), data)?;
        match &self.check {
            Some(cryptography) if !self.signed(cryptography, data, &signature) => None,
            _ => Some(signature),
        }
    }

    /// A signature as it comes; only ring's RSA asks for random numbers.
    fn made(&self, random: Option<&dyn SecureRandom>, data: &[u8]) -> Option<Vec<u8>> {
        match &self.pair.material {
            Material::Rsa(pair) => {
                let mut out = alloc::vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, random?, data, &mut out).ok()?;
                Some(out)
            }
            Material::Ed25519(pair) => Some(pair.sign(sha256(data).as_ref()).as_ref().to_vec()),
            Material::Given(sign) => match self.algorithm() {
                Algorithm::Ed25519Sha256 => sign(sha256(data).as_ref()),
                _ => sign(data),
            },
        }
    }

    fn signed(&self, cryptography: &Cryptography, data: &[u8], signature: &[u8]) -> bool {
        let public = &self.pair.public;
        public.verify(cryptography, self.algorithm(), data, signature)
    }
}

fn sha256(data: &[u8]) -> ring::digest::Digest {
    ring::digest::digest(&ring::digest::SHA256, data)
}

/// Never shows the secret.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm())
    }
}

/// The algorithm of `PrivateKeyInfo ::= SEQUENCE { INTEGER, SEQUENCE { OID .. } .. }`.
fn pkcs8_algorithm(input: &[u8]) -> Option<&[u8]> {
    let mut info = der::only(input, der::SEQUENCE)?;
    der::take(&mut info, der::INTEGER)?;
    let mut algorithm = der::take(&mut info, der::SEQUENCE)?;
    der::take(&mut algorithm, der::OID)
}

/// `RSAPrivateKey ::= SEQUENCE { INTEGER version, INTEGER n, INTEGER e, .. }`.
fn is_pkcs1(input: &[u8]) -> bool {
    let Some(mut fields) = der::only(input, der::SEQUENCE) else {
        return false;
    };
    der::take(&mut fields, der::INTEGER) == Some(&[0])
        && der::take_positive(&mut fields).is_some()
        && der::take_positive(&mut fields).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PKCS1: &str = include_str!("../tests/fixtures/rsa2048-pkcs1.pem");
    const PKCS8: &str = include_str!("../tests/fixtures/rsa2048-pkcs8.pem");
    const RSA1024: &str = include_str!("../tests/fixtures/rsa1024-pkcs1.pem");
    const ED25519: &str = include_str!("../tests/fixtures/ed25519-pkcs8.pem");

    fn error(pem: &str) -> KeyError {
        SigningKey::from_pem(pem).err().unwrap()
    }

    #[test]
    fn both_wrappings_of_rsa_are_one_key() {
        let (a, b) = (
            SigningKey::from_pem(PKCS1).unwrap(),
            SigningKey::from_pem(PKCS8).unwrap(),
        );
        assert_eq!(a.public_key(), b.public_key());
        assert_eq!(
            (a.algorithm(), a.public_key().bits()),
            (Algorithm::RsaSha256, 2048)
        );
        assert_eq!(alloc::format!("{a:?}"), "SigningKey(rsa-sha256)");
    }

    #[test]
    fn ed25519_from_openssl_and_from_a_seed() {
        let key = SigningKey::from_pem(ED25519).unwrap();
        assert_eq!(key.algorithm(), Algorithm::Ed25519Sha256);
        // RFC 8463 appendix A: secret and public key of RFC 8032 test 1.
        let seed = crate::tags::base64_decode(b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
        let seed: [u8; 32] = seed.unwrap().try_into().unwrap();
        let key = SigningKey::ed25519(&seed).unwrap();
        assert_eq!(
            alloc::format!("{}", key.record()),
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
        );
        let again = SigningKey::from_pem(&SigningKey::ed25519_pem(&seed)).unwrap();
        assert_eq!(again.public_key(), key.public_key());
    }

    #[test]
    fn keys_that_cannot_sign() {
        assert_eq!(error(RSA1024), KeyError::Rejected);
        assert_eq!(error(""), KeyError::Pem);
        assert_eq!(error(&PKCS8[..PKCS8.len() / 2]), KeyError::Pem);
        assert_eq!(error(&PKCS8.replace("PRIVATE", "PUBLIC")), KeyError::Label);
        assert_eq!(
            error(&PKCS8.replace(" PRIVATE", " ENCRYPTED PRIVATE")),
            KeyError::Encrypted
        );
        assert_eq!(SigningKey::from_der(b"").err(), Some(KeyError::Format));
        assert_eq!(
            SigningKey::from_der(&[0x30, 0x00]).err(),
            Some(KeyError::Format)
        );
    }
}

//! Keys whose private half is elsewhere: in an HSM, a TPM, a key service.

use alloc::sync::Arc;
use core::fmt;

use crate::cryptography::Cryptography;
use crate::key::{KeyRecord, PublicKey};
use crate::signature::Algorithm;
use crate::signing_key::{KeyError, SigningKey};

/// What a [`Signer`](crate::Signer) signs with: a [`SigningKey`] in memory or a [`RemoteKey`].
/// It decides what comes of a complete message: its signatures, or the requests for them.
pub trait Key: Clone + fmt::Debug + sealed::Sealed {}

impl Key for SigningKey {}
impl Key for RemoteKey {}

/// Nobody else can have a third.
mod sealed {
    use crate::signature::Algorithm;

    pub trait Sealed {
        fn algorithm(&self) -> Algorithm;
    }

    impl Sealed for super::SigningKey {
        fn algorithm(&self) -> Algorithm {
            self.algorithm()
        }
    }

    impl Sealed for super::RemoteKey {
        fn algorithm(&self) -> Algorithm {
            self.algorithm()
        }
    }
}

/// A key of which only the public half is here.
///
/// A message that is signed with it ends in [`Unsigned`](crate::Unsigned): requests for
/// signatures, which the caller takes to wherever the private half is, and answers.
///
/// ```
/// use scop_dkim::{Domain, PublicKey, RemoteKey, Selector, SignatureRequest, Signer};
/// # fn hsm(request: &SignatureRequest) -> Vec<u8> {
/// #     let key = scop_dkim::SigningKey::ed25519(&[7; 32]).unwrap();
/// #     request.sign_with(&key, &scop_dkim::SystemRandom::new()).unwrap()
/// # }
/// # let pem = "-----BEGIN PUBLIC KEY-----\n\
/// #     MCowBQYDK2VwAyEA6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=\n\
/// #     -----END PUBLIC KEY-----\n";
/// let key = RemoteKey::new(PublicKey::from_pem(pem).ok_or("no key")?)?;
/// let signer = Signer::new(Domain::new("example.com")?, Selector::new("s1")?, key);
/// let mut signing = signer.start(1_700_000_000);
/// signing.write(b"From: joe@example.com\r\n\r\nHello\r\n")?;
/// let mut unsigned = signing.finish()?;
/// while let Some(request) = unsigned.next_request() {
///     let signature = hsm(&request); // takes request.digest(), or what its interface wants
///     unsigned.answer(request.id, &signature)?; // is verified here
/// }
/// let field = unsigned.finish()?; // goes on top of the message
/// # assert!(field.starts_with("DKIM-Signature: v=1; a=ed25519-sha256;"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What is not signed has no field to be sent:
///
/// ```compile_fail
/// # use scop_dkim::{Domain, RemoteKey, Selector, Signer, SystemRandom};
/// # fn field(key: RemoteKey) -> Result<String, Box<dyn std::error::Error>> {
/// let signer = Signer::new(Domain::new("example.com")?, Selector::new("s1")?, key);
/// let field: String = signer.start(1_700_000_000).finish()?;
/// # Ok(field)
/// # }
/// ```
#[derive(Clone)]
pub struct RemoteKey {
    public: Arc<PublicKey>,
    cryptography: Cryptography,
}

impl RemoteKey {
    /// The key with this public half. What it signs follows from its type: `rsa-sha256` or
    /// `ed25519-sha256`.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] for an RSA key outside 2048 to 4096 bits, as for one in memory.
    pub fn new(public: PublicKey) -> Result<Self, KeyError> {
        match public.may_sign() {
            false => Err(KeyError::Rejected),
            true => Ok(Self {
                public: Arc::new(public),
                cryptography: Cryptography::default(),
            }),
        }
    }

    /// Verifies the signatures that come back with other primitives than ring's.
    #[must_use]
    pub fn verified_by(mut self, cryptography: Cryptography) -> Self {
        self.cryptography = cryptography;
        self
    }

    /// What `a=` will say.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.public.signs()
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The record to publish under `selector._domainkey.domain`.
    #[must_use]
    pub fn record(&self) -> KeyRecord {
        KeyRecord::new(self.public_key().clone())
    }

    /// Whether it made `signature` of `data`, which is not hashed yet.
    pub(crate) fn signed(&self, data: &[u8], signature: &[u8]) -> bool {
        let algorithm = self.algorithm();
        self.public
            .verify(&self.cryptography, algorithm, data, signature)
    }

    /// Whether a signature is that of a key of Ed25519 of `message` itself, not of its digest.
    pub(crate) fn signed_unhashed(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = self.public.as_ed25519();
        key.is_some_and(|key| self.cryptography.ed25519(key, message, signature))
    }
}

/// The public half of a key in memory, for a pass in which another key is elsewhere.
impl From<&SigningKey> for RemoteKey {
    fn from(key: &SigningKey) -> Self {
        Self {
            public: Arc::new(key.public_key().clone()),
            cryptography: Cryptography::default(),
        }
    }
}

impl fmt::Debug for RemoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteKey({})", self.algorithm())
    }
}

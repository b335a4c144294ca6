//! A message on its way through the signers: RFC 6376 section 5.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ring::rand::SecureRandom;

use crate::header::Header;
use crate::limits::LimitExceeded;
use crate::message::{BodyHash, BodyKind};
use crate::pass::Pass;
use crate::sign::Signers;

/// Why a message was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The header is over a limit, or the signature would be.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// The message has no From field, or several (RFC 5322 section 3.6).
    #[error("message has {0} From fields instead of one (RFC 5322 section 3.6)")]
    FromCount(usize),
    /// A line looks like a From field but is none; verifiers would refuse it.
    #[error("message has a malformed From field (RFC 5322 section 2.2)")]
    FromMalformed,
    /// The header holds a CR or LF that is no half of a CRLF: relays would change it, and
    /// some readers see another field behind it. A file with the line ends of this system
    /// has to be converted before it is signed, and sent as converted.
    #[error(
        "header has a bare CR or LF; convert line ends to CRLF before signing, and send the message so (RFC 6376 section 5.3)"
    )]
    BareLineEnd,
    /// The message begins with white space: its first line would belong to the signature.
    #[error(
        "message begins with white space, which would go on with a field above it (RFC 5322 section 2.2.3)"
    )]
    BeginsFolded,
    /// The cryptographic library refused.
    #[error("the signing operation failed")]
    Crypto,
}

/// A message on its way through the signer. [`Signer::start`](crate::Signer::start) and
/// [`Signers::start`] begin one.
pub struct Signing {
    signers: Signers,
    now: u64,
    header: Arc<Header>,
    pass: Pass<SignError>,
}

impl Signing {
    pub(crate) fn new(signers: Signers, now: u64) -> Self {
        Self {
            pass: Pass::new(signers.limits()),
            header: Arc::default(),
            signers,
            now,
        }
    }

    /// Takes the next piece of the message, as it will be sent: CRLF line
    /// ends, transfer-encoded, without the dots of SMTP. A bare CR or LF in the
    /// header is refused; one in the body is signed as it is, and lost when a
    /// relay repairs it (RFC 6376 section 5.3).
    ///
    /// # Errors
    /// [`SignError`] when the message cannot be signed, now and ever after.
    pub fn write(&mut self, data: &[u8]) -> Result<(), SignError> {
        let (signers, kept) = (&self.signers, &mut self.header);
        self.pass.write(data, |header| {
            *kept = Arc::clone(header);
            signers.begin(header)
        })
    }

    /// Ends the message and gives the field to put on top of it:
    /// `DKIM-Signature: ...` with folding and a final CRLF. Of several signers the
    /// fields of all, in their order.
    ///
    /// `random` is what ring's RSA operation asks for. With the padding of
    /// DKIM (PKCS#1 v1.5) it takes nothing from it, as Ed25519 does not: a
    /// signature depends on the message, the key and the time only.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn finish(self, random: &dyn SecureRandom) -> Result<String, SignError> {
        let (signers, mut header) = (&self.signers, self.header);
        let bodies = self.pass.finish(|new| {
            header = Arc::clone(new);
            signers.begin(new)
        })?;
        signers.sign(&header, &bodies, self.now, random)
    }
}

impl Signers {
    /// Whether a message may be signed, and the hashes that are needed.
    pub(crate) fn begin(&self, header: &Header) -> Result<Vec<BodyKind>, SignError> {
        if header.has_from_lookalike() {
            return Err(SignError::FromMalformed);
        }
        if header.begins_folded() {
            return Err(SignError::BeginsFolded);
        }
        if !header.bare_ends().is_empty() {
            return Err(SignError::BareLineEnd);
        }
        match header.named(b"from").len() {
            1 => Ok(self.iter().map(|signer| signer.body()).collect()),
            from => Err(SignError::FromCount(from)),
        }
    }

    /// All fields.
    pub(crate) fn sign(
        &self,
        header: &Header,
        bodies: &[BodyHash],
        now: u64,
        random: &dyn SecureRandom,
    ) -> Result<String, SignError> {
        let fields = self.iter().map(|s| s.sign(header, bodies, now, random));
        fields.collect()
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing")
            .field("signers", &self.signers)
            .field("phase", &self.pass.phase())
            .finish_non_exhaustive()
    }
}

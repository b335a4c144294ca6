//! A message on its way through the signers: RFC 6376 section 5.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use ring::rand::SecureRandom;

use crate::header::Header;
use crate::limits::LimitExceeded;
use crate::message::{BodyHash, BodyHasher};
use crate::pass::Pass;
use crate::remote_key::{Key, RemoteKey};
use crate::request::{Requests, SignatureId, SignatureRefused, SignatureRequest};
use crate::sign::Signers;
use crate::signing_key::SigningKey;

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
    /// So many requests for signatures have no answer.
    #[error("{0} signatures were asked for and are not there")]
    NotSigned(usize),
}

/// A message on its way through the signer. [`Signer::start`](crate::Signer::start) and
/// [`Signers::start`] begin one.
pub struct Signing<K = SigningKey> {
    signers: Signers<K>,
    now: u64,
    header: Arc<Header>,
    pass: Pass<SignError>,
}

/// A message that is complete, whose signatures have to come from elsewhere: what a
/// [`RemoteKey`] makes of [`Signing::finish`].
///
/// Requests are there at once, one for each signer, and are answered in any order. See
/// [`RemoteKey`] for an example.
#[derive(Debug)]
pub struct Unsigned {
    requests: Requests,
}

impl<K: Key> Signing<K> {
    pub(crate) fn new(signers: Signers<K>, now: u64) -> Self {
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
        self.pass.write(data, |header, body| {
            *kept = header;
            signers.begin(kept, body)
        })
    }

    /// Ends the message: what `then` makes of its header and the hashes of its body.
    fn end<T>(
        mut self,
        then: impl FnOnce(&Signers<K>, &Header, &[BodyHash]) -> Result<T, SignError>,
    ) -> Result<T, SignError> {
        let (signers, mut header) = (&self.signers, self.header);
        let bodies = self.pass.finish(|new, body| {
            header = new;
            signers.begin(&header, body)
        })?;
        then(signers, &header, &bodies)
    }
}

impl Signing {
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
        let now = self.now;
        self.end(|signers, header, bodies| signers.sign(header, bodies, now, random))
    }
}

impl Signing<RemoteKey> {
    /// Ends the message and gives what has to be signed elsewhere.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn finish(self) -> Result<Unsigned, SignError> {
        let now = self.now;
        let requests = self.end(|signers, header, bodies| signers.requests(header, bodies, now))?;
        Ok(Unsigned { requests })
    }
}

impl Unsigned {
    /// The next signature that is wanted, each once; `None` when all were asked for.
    pub fn next_request(&mut self) -> Option<SignatureRequest> {
        self.requests.next()
    }

    /// Takes a signature, in any order, and verifies it with the public key of its signer,
    /// which is what it costs.
    ///
    /// # Errors
    /// [`SignatureRefused`]; nothing is changed then, and another answer may be given.
    pub fn answer(&mut self, id: SignatureId, signature: &[u8]) -> Result<(), SignatureRefused> {
        self.requests.answer(id, signature)
    }

    /// The fields to put on top of the message, as from a key in memory.
    ///
    /// # Errors
    /// [`SignError::NotSigned`] while an answer is missing, [`SignError::Limit`].
    pub fn finish(mut self) -> Result<String, SignError> {
        Ok(self.requests.take()?.concat())
    }
}

impl<K: Key> Signers<K> {
    /// Whether a message may be signed; adds the hashes that are needed.
    pub(crate) fn begin(&self, header: &Header, body: &mut BodyHasher) -> Result<(), SignError> {
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
            1 => {
                self.iter().for_each(|signer| body.add(signer.body()));
                Ok(())
            }
            from => Err(SignError::FromCount(from)),
        }
    }
}

impl<K: fmt::Debug> fmt::Debug for Signing<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing")
            .field("signers", &self.signers)
            .field("phase", &self.pass.phase())
            .finish_non_exhaustive()
    }
}

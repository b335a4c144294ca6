//! A set whose signatures have to come from elsewhere.
//!
//! ```text
//!            all answered          answered            answered
//!   Signing ------------> Message ----------> Sealing ----------> Sealed
//!      |                     |                                      ^
//!      +---------------------+--- over a limit: refused ------------+ finish
//! ```

use alloc::string::String;
use core::fmt;

use super::seal::{NewSet, SealError};
use crate::remote_key::RemoteKey;
use crate::request::{Requests, SignatureId, SignatureRefused, SignatureRequest};
use crate::signing::SignError;

/// A message that is complete and not sealed yet: what a [`RemoteKey`] makes of
/// [`Sealing::finish`](super::Sealing::finish).
///
/// Requests come in steps, as each signature is over those before: all of DKIM at once, if
/// there are [signers](super::Sealer::signing), then the message signature, then the seal.
/// After an answer there may be a next request.
///
/// ```
/// use scop_dkim::arc::{ChainStatus, Sealer};
/// use scop_dkim::{AuthenticationResults, Domain, RemoteKey, Selector};
/// # use scop_dkim::{SigningKey, SystemRandom};
/// # let secret = SigningKey::ed25519(&[7; 32])?;
/// # let public = secret.public_key().clone();
/// let key = RemoteKey::new(public)?;
/// let sealer = Sealer::new(Domain::new("lists.example.org")?, Selector::new("s1")?, key);
/// let results = AuthenticationResults::new("lists.example.org")?;
/// let mut sealing = sealer.start(1_700_000_000, ChainStatus::None, &results);
/// sealing.write(b"From: ann@example.com\r\n\r\nHello\r\n")?;
/// let mut unsealed = sealing.finish()?;
/// while let Some(request) = unsealed.next_request() {
///     let signature = request.sign_with(&secret, &SystemRandom::new())?; // your HSM
///     unsealed.answer(request.id, &signature)?;
/// }
/// assert!(unsealed.finish()?.starts_with("ARC-Seal: i=1;"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Unsealed {
    set: NewSet<RemoteKey>,
    requests: Requests,
    stage: Stage,
}

enum Stage {
    /// DKIM's signatures are asked for.
    Signing,
    /// They are here; the message signature is asked for.
    Message { signatures: String },
    /// Both are here; the seal is asked for.
    Sealing { signatures: String, message: String },
    /// The fields, whole.
    Sealed(String),
    /// It cannot be done.
    Refused(SealError),
}

impl Unsealed {
    pub(super) fn new(set: NewSet<RemoteKey>, requests: Requests) -> Self {
        let mut unsealed = Self {
            set,
            requests,
            stage: Stage::Signing,
        };
        unsealed.go_on();
        unsealed
    }

    /// The next signature that is wanted, each once; `None` when there is none now.
    pub fn next_request(&mut self) -> Option<SignatureRequest> {
        self.requests.next()
    }

    /// Takes a signature, and verifies it with the public key of its signer, which is what
    /// it costs.
    ///
    /// # Errors
    /// [`SignatureRefused`]; nothing is changed then, and another answer may be given.
    pub fn answer(&mut self, id: SignatureId, signature: &[u8]) -> Result<(), SignatureRefused> {
        self.requests.answer(id, signature)?;
        self.go_on();
        Ok(())
    }

    /// The fields to put on top of the message, as from keys in memory.
    ///
    /// # Errors
    /// [`SignError::NotSigned`] while an answer is missing; what else cannot be sealed.
    pub fn finish(self) -> Result<String, SealError> {
        match self.stage {
            Stage::Sealed(fields) => Ok(fields),
            Stage::Refused(error) => Err(error),
            _ => Err(SignError::NotSigned(self.requests.open()).into()),
        }
    }

    /// The next step, when all answers to this one are there.
    fn go_on(&mut self) {
        if self.requests.open() > 0 {
            return;
        }
        let before = core::mem::replace(&mut self.stage, Stage::Signing);
        self.stage = self.after(before).unwrap_or_else(Stage::Refused);
    }

    fn after(&mut self, stage: Stage) -> Result<Stage, SealError> {
        let fields = self.requests.take()?.concat();
        Ok(match stage {
            Stage::Signing => {
                let message = self.set.message(&fields)?;
                self.set
                    .request("ARC-Message-Signature", message, &mut self.requests);
                Stage::Message { signatures: fields }
            }
            Stage::Message { signatures } => {
                let seal = self.set.seal(&fields);
                self.set.request("ARC-Seal", seal, &mut self.requests);
                Stage::Sealing {
                    signatures,
                    message: fields,
                }
            }
            Stage::Sealing {
                signatures,
                message,
            } => Stage::Sealed(self.set.fields(&fields, &message, &signatures)),
            done @ (Stage::Sealed(_) | Stage::Refused(_)) => done,
        })
    }
}

impl fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsealed")
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}

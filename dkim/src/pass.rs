//! The one way of a message through whatever reads it: verifier, signer, validator and
//! sealer, alone or together.
//!
//! ```text
//!          write                 write                finish
//!   header ------> (empty line) ------> body hashers ------> hashes
//!      |                |
//!      |                +-- `begin`: the header, whole, to all who want it; back come the
//!      |                    hashes of the body that they want, each made once
//!      +-- over a limit, or refused by `begin`: the same error from then on
//! ```
//!
//! A pass knows nothing of signatures. Who shares one hands its `begin` the same header
//! and gets the same hashes, so a body is canonicalised and hashed once for each distinct
//! [`BodyKind`], whoever asked for it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::header::{Header, Splitter};
use crate::limits::{LimitExceeded, Limits};
use crate::message::{BodyHash, BodyHasher, BodyKind};

/// A message on its way. `E` is why its reader may refuse it.
pub(crate) struct Pass<E = LimitExceeded> {
    phase: Phase<E>,
    /// See [`Limits::kept_body`].
    kept_body: usize,
}

// There is one for each message, never a list of them.
#[expect(clippy::large_enum_variant)]
enum Phase<E> {
    Header(Splitter),
    Body(BodyHasher),
    Refused(E),
}

impl<E: Clone + From<LimitExceeded>> Pass<E> {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            phase: Phase::Header(Splitter::new(limits.clone())),
            kept_body: limits.kept_body,
        }
    }

    /// Takes the next piece of the message. When the header is complete `begin` is told,
    /// once, and says which hashes of the body are wanted.
    ///
    /// # Errors
    /// A limit, or the refusal of `begin`; then and ever after.
    pub(crate) fn write(
        &mut self,
        data: &[u8],
        begin: impl FnOnce(&Arc<Header>) -> Result<Vec<BodyKind>, E>,
    ) -> Result<(), E> {
        let used = match &mut self.phase {
            Phase::Body(hasher) => {
                hasher.write(data);
                return Ok(());
            }
            Phase::Refused(error) => return Err(error.clone()),
            Phase::Header(splitter) => splitter.write(data),
        };
        match used {
            Ok(None) => Ok(()),
            Err(limit) => Err(self.refuse(limit.into())),
            Ok(Some(used)) => {
                self.phase = Phase::Body(self.end_header(begin)?);
                if let Phase::Body(hasher) = &mut self.phase {
                    hasher.write(data.get(used..).unwrap_or_default());
                }
                Ok(())
            }
        }
    }

    fn refuse(&mut self, error: E) -> E {
        self.phase = Phase::Refused(error.clone());
        error
    }

    /// The hashers behind the header; whoever calls puts them in their place.
    fn end_header(
        &mut self,
        begin: impl FnOnce(&Arc<Header>) -> Result<Vec<BodyKind>, E>,
    ) -> Result<BodyHasher, E> {
        let none = Phase::Body(BodyHasher::default());
        let header = match core::mem::replace(&mut self.phase, none) {
            Phase::Header(splitter) => splitter.finish().map_err(E::from),
            Phase::Body(hasher) => return Ok(hasher),
            Phase::Refused(error) => Err(error),
        };
        let kinds = header.and_then(|header| begin(&Arc::new(header)));
        kinds
            .map(|kinds| BodyHasher::new(&kinds, self.kept_body))
            .map_err(|error| self.refuse(error))
    }

    /// Ends the message. A header without an empty line behind it is a message without
    /// body: `begin` is told of it here.
    pub(crate) fn finish(
        mut self,
        begin: impl FnOnce(&Arc<Header>) -> Result<Vec<BodyKind>, E>,
    ) -> Result<Vec<BodyHash>, E> {
        match self.phase {
            Phase::Body(hasher) => Ok(hasher.finish()),
            _ => self.end_header(begin).map(BodyHasher::finish),
        }
    }

    /// Where it stands, for `Debug`.
    pub(crate) fn phase(&self) -> &'static str {
        match self.phase {
            Phase::Header(_) => "header",
            Phase::Body(_) => "body",
            Phase::Refused(_) => "refused",
        }
    }
}

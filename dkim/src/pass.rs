//! The one way of a message through whatever reads it: verifier, signer, validator and
//! sealer, alone or together.
//!
//! ```text
//!          write                 write                finish
//!   header ------> (empty line) ------> body hashers ------> hashes
//!      |                |
//!      |                +-- `begin`: the header, whole, to all who want it; they say which
//!      |                    hashes of the body they want, each made once
//!      +-- over a limit, or refused by `begin`: the same error from then on
//! ```
//!
//! A pass knows nothing of signatures. Who shares one hands its `begin` the same header
//! and gets the same hashes, so a body is canonicalised and hashed once for each distinct
//! [`BodyKind`](crate::message::BodyKind), whoever asked for it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::header::{Header, Splitter};
use crate::limits::{LimitExceeded, Limits};
use crate::message::{BodyHash, BodyHasher};

/// A message on its way. `E` is why its reader may refuse it.
// What reads the header and what reads the body stand side by side rather than in the
// phases: they are large, and are never moved so.
pub(crate) struct Pass<E = LimitExceeded> {
    phase: Phase<E>,
    splitter: Splitter,
    hasher: BodyHasher,
}

enum Phase<E> {
    Header,
    Body,
    Refused(E),
}

impl<E: Clone + From<LimitExceeded>> Pass<E> {
    #[inline]
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            phase: Phase::Header,
            splitter: Splitter::new(limits.clone()),
            hasher: BodyHasher::new(limits.kept_body),
        }
    }

    /// Takes the next piece of the message. When the header is complete `begin` is told,
    /// once, and adds the hashes of the body that are wanted.
    ///
    /// # Errors
    /// A limit, or the refusal of `begin`; then and ever after.
    pub(crate) fn write(
        &mut self,
        data: &[u8],
        begin: impl FnOnce(Arc<Header>, &mut BodyHasher) -> Result<(), E>,
    ) -> Result<(), E> {
        let body = match &self.phase {
            Phase::Body => data,
            Phase::Refused(error) => return Err(error.clone()),
            Phase::Header => match self.splitter.write(data) {
                Ok(None) => return Ok(()),
                Ok(Some(used)) => {
                    self.end_header(begin)?;
                    data.get(used..).unwrap_or_default()
                }
                Err(limit) => return Err(self.refuse(limit.into())),
            },
        };
        self.hasher.write(body);
        Ok(())
    }

    fn refuse(&mut self, error: E) -> E {
        self.phase = Phase::Refused(error.clone());
        error
    }

    fn end_header(
        &mut self,
        begin: impl FnOnce(Arc<Header>, &mut BodyHasher) -> Result<(), E>,
    ) -> Result<(), E> {
        self.phase = Phase::Body;
        let begun = match self.splitter.finish() {
            Ok(header) => begin(header, &mut self.hasher),
            Err(limit) => Err(limit.into()),
        };
        begun.map_err(|error| self.refuse(error))
    }

    /// Ends the message, once. A header without an empty line behind it is a message without
    /// body: `begin` is told of it here.
    pub(crate) fn finish(
        &mut self,
        begin: impl FnOnce(Arc<Header>, &mut BodyHasher) -> Result<(), E>,
    ) -> Result<Vec<BodyHash>, E> {
        match &self.phase {
            Phase::Header => self.end_header(begin)?,
            Phase::Body => {}
            Phase::Refused(error) => return Err(error.clone()),
        }
        Ok(self.hasher.finish())
    }

    /// Where it stands, for `Debug`.
    pub(crate) fn phase(&self) -> &'static str {
        match self.phase {
            Phase::Header => "header",
            Phase::Body => "body",
            Phase::Refused(_) => "refused",
        }
    }
}

//! On whose behalf a message was signed: RFC 6376 sections 2.6 and 3.5, `i=`.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use core::fmt;

use crate::name::{Domain, NameError};
use crate::tags::qp_decode;

/// The agent or user identifier (AUID, `i=`): RFC 6376 section 2.6.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    local: String,
    domain: Domain,
}

impl Identity {
    /// Builds `local@domain`; `local` may be empty.
    ///
    /// # Errors
    /// [`NameError::BadCharacter`] for a control character in `local`.
    pub fn new(local: &str, domain: Domain) -> Result<Self, NameError> {
        if local.chars().any(char::is_control) {
            return Err(NameError::BadCharacter);
        }
        Ok(Self {
            local: local.to_owned(),
            domain,
        })
    }

    /// What stands before the last `@`; often empty.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// What stands behind the last `@`.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// That of a domain, without a local part: what holds without `i=`.
    pub(crate) fn of(domain: Domain) -> Self {
        Self {
            local: String::new(),
            domain,
        }
    }

    /// Reads the value of `i=`.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let decoded = String::from_utf8(qp_decode(text)?).ok()?;
        let (local, domain) = decoded.rsplit_once('@')?;
        Self::new(local, Domain::from_unicode(domain).ok()?).ok()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

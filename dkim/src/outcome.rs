//! What a verification found.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::key::{KeyRecordError, KeyType, PublicKey};
use crate::name::{Domain, Selector};
use crate::signature::{Signature, SignatureError};

/// The result classes for DKIM: RFC 8601 section 2.7.1. Displayed as the word
/// that Authentication-Results uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DkimResult {
    /// The message is not signed.
    None,
    /// Signed, acceptable, and verified.
    Pass,
    /// Signed and acceptable, but it does not verify.
    Fail,
    /// Signed, but [`Policy`](crate::Policy) does not accept it.
    Policy,
    /// The signature has syntax errors or cannot be processed.
    Neutral,
    /// A transient fault, a DNS timeout for instance; try later.
    TempError,
    /// An unrecoverable fault, a missing key for instance.
    PermError,
}

impl fmt::Display for DkimResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Policy => "policy",
            Self::Neutral => "neutral",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        })
    }
}

/// Why a signature got its result. Display is one line for a person, without
/// control characters whatever the message held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// It verified.
    #[error("verified")]
    Verified,
    /// The message is not finished, or the key query not answered.
    #[error("waiting for the end of the message or the answer to the key query")]
    Pending,
    /// The DKIM-Signature field cannot be used.
    #[error("{0}")]
    Signature(#[from] SignatureError),
    /// The message has no From field, or several.
    #[error(
        "message has {0} From fields instead of one (RFC 5322 section 3.6, RFC 6376 section 8.15)"
    )]
    FromCount(usize),
    /// A line looks like a From field to a careless reader but is none.
    #[error("message has a malformed From field (RFC 5322 section 2.2, RFC 6376 section 8.15)")]
    FromMalformed,
    /// More fields of this name than are signed, where one is allowed.
    #[error("message has more {0} fields than the signature covers (RFC 6376 section 8.15)")]
    ExtraInstance(&'static str),
    /// A field of [`Policy::required_fields`](crate::Policy::required_fields)
    /// is there but not signed.
    #[error("field {0} is not signed, which the policy requires")]
    RequiredField(String),
    /// `l=` is there and the policy does not take it.
    #[error("signature covers only part of the body, \"l=\" (RFC 6376 section 8.2)")]
    LengthTag,
    /// The body goes on behind `l=`.
    #[error("{0} octets of the body are not signed, \"l=\" (RFC 6376 section 8.2)")]
    UnsignedBody(u64),
    /// The body is shorter than `l=`.
    #[error("body is shorter than \"l=\" says (RFC 6376 section 3.5)")]
    LengthBeyondBody,
    /// Past `x=`.
    #[error("signature expired at {0} (RFC 6376 section 3.5, \"x=\")")]
    Expired(u64),
    /// `t=` lies in the future.
    #[error("signature is dated in the future, at {0} (RFC 6376 section 3.5, \"t=\")")]
    Future(u64),
    /// DNS did not answer.
    #[error("key server is unavailable (RFC 6376 section 6.1.2)")]
    KeyUnavailable,
    /// There is no key record.
    #[error("no key record at that selector (RFC 6376 section 6.1.2)")]
    NoKey,
    /// The key record cannot be used.
    #[error("{0}")]
    KeyRecord(#[from] KeyRecordError),
    /// A TXT record over [`Limits::key_record_bytes`](crate::Limits::key_record_bytes).
    #[error("key record is longer than {0} octets")]
    KeyRecordTooLong(usize),
    /// `p=` is empty.
    #[error("key was revoked (RFC 6376 section 6.1.2)")]
    KeyRevoked,
    /// `h=` of the key record does not list sha256.
    #[error("key record does not allow sha256, \"h=\" (RFC 6376 section 6.1.2)")]
    HashNotAllowed,
    /// `s=` of the key record does not list email.
    #[error("key record is not for email, \"s=\" (RFC 6376 section 3.6.1)")]
    ServiceNotAllowed,
    /// `k=` does not fit `a=`.
    #[error(
        "key is of type {0}, which the signature's algorithm cannot use (RFC 6376 section 6.1.2)"
    )]
    KeyTypeMismatch(KeyType),
    /// `t=s` in the key record, and `i=` names a subdomain.
    #[error(
        "key record demands that \"i=\" and \"d=\" have the same domain, \"t=s\" (RFC 6376 section 3.6.1)"
    )]
    StrictIdentity,
    /// RSA key below the minimum.
    #[error("RSA key of {0} bits is too short (RFC 8301 section 3.2)")]
    KeyTooShort(usize),
    /// RSA key above the maximum.
    #[error("RSA key of {0} bits is too long")]
    KeyTooLong(usize),
    /// The body was changed.
    #[error("body hash does not match: the body was changed (RFC 6376 section 6.1.3)")]
    BodyHashMismatch,
    /// A signed field was changed, or it is another key.
    #[error(
        "signature does not match: a signed field was changed, or the key is another one (RFC 6376 section 6.1.3)"
    )]
    SignatureMismatch,
}

impl Reason {
    /// The result class; the whole mapping is here.
    #[must_use]
    pub fn result(&self) -> DkimResult {
        match self {
            Self::Verified => DkimResult::Pass,
            Self::Pending | Self::KeyUnavailable => DkimResult::TempError,
            // RFC 8301 sections 3.1 and 3.2: permanently failed evaluation.
            Self::Signature(SignatureError::Sha1 | SignatureError::FromNotSigned) => {
                DkimResult::PermError
            }
            Self::Signature(_) => DkimResult::Neutral,
            Self::FromCount(0) => DkimResult::PermError,
            Self::FromCount(_)
            | Self::FromMalformed
            | Self::LengthBeyondBody
            | Self::BodyHashMismatch
            | Self::SignatureMismatch => DkimResult::Fail,
            Self::ExtraInstance(_)
            | Self::RequiredField(_)
            | Self::LengthTag
            | Self::UnsignedBody(_)
            | Self::Expired(_)
            | Self::Future(_)
            | Self::KeyTooShort(1024..)
            | Self::KeyTooLong(_) => DkimResult::Policy,
            Self::NoKey
            | Self::KeyRecord(_)
            | Self::KeyRecordTooLong(_)
            | Self::KeyRevoked
            | Self::HashNotAllowed
            | Self::ServiceNotAllowed
            | Self::KeyTypeMismatch(_)
            | Self::StrictIdentity
            | Self::KeyTooShort(_) => DkimResult::PermError,
        }
    }
}

/// A field that is shown or steers display, with instances a signature does
/// not cover.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnsignedField {
    /// Its name.
    pub name: &'static str,
    /// How many instances, from the top, are not signed.
    pub instances: usize,
}

/// What became of one signature.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// `d=`, also where the rest of the field could not be parsed.
    pub domain: Option<Domain>,
    /// `s=`, likewise.
    pub selector: Option<Selector>,
    /// All tags (`a`, `b`, `bh`, `c`, `h`, `i`, `l`, `t`, `x`), if the field is
    /// valid. `b` and `t` let a caller detect replay.
    pub signature: Option<Signature>,
    /// Why the result is what it is.
    pub reason: Reason,
    /// The key that was tried, if one was fit to be.
    pub key: Option<PublicKey>,
    /// The key record says `t=y`: a failure means no more than no signature.
    pub testing: bool,
    /// Fields a reader sees that this signature leaves open, wholly or partly.
    pub unsigned_fields: Vec<UnsignedField>,
    /// Octets of the canonical body behind `l=`.
    pub unsigned_body: u64,
}

impl Outcome {
    /// That of a signature whose key is not known yet.
    #[cfg(feature = "arc")]
    pub(crate) fn pending(signature: &Signature) -> Self {
        Outcome {
            domain: Some(signature.domain().clone()),
            selector: Some(signature.selector().clone()),
            signature: Some(signature.clone()),
            reason: Reason::Pending,
            key: None,
            testing: false,
            unsigned_fields: Vec::new(),
            unsigned_body: 0,
        }
    }

    /// The class of [`reason`](Self::reason).
    #[must_use]
    pub fn result(&self) -> DkimResult {
        self.reason.result()
    }

    /// Bits of the key that was tried.
    #[must_use]
    pub fn key_bits(&self) -> Option<usize> {
        self.key.as_ref().map(PublicKey::bits)
    }
}

/// One line: result, domain and selector, reason.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.result())?;
        if let Some(domain) = &self.domain {
            write!(f, " d={domain}")?;
        }
        if let Some(selector) = &self.selector {
            write!(f, " s={selector}")?;
        }
        if let Some(signature) = &self.signature {
            write!(f, " a={}", signature.algorithm())?;
        }
        write!(f, ": {}", self.reason)
    }
}

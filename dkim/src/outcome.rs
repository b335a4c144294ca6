//! What a verification found.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

#[cfg(feature = "atps")]
use crate::atps::AtpsResult;
use crate::evaluate::Trial;
use crate::key::{KeyRecordError, KeyType, PublicKey};
use crate::message::Singles;
use crate::name::{Domain, Selector};
use crate::reporting::{Incident, ReportRequest};
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
    /// It verified, but the key record says `t=y`, see
    /// [`Policy::honour_testing`](crate::Policy::honour_testing).
    #[error(
        "verified, but counts as no signature: the key is in testing mode, \"t=y\" (RFC 6376 section 3.6.1)"
    )]
    TestingKey,
    /// Nobody asked whether it verifies, see
    /// [`newest_message_only`](crate::arc::Validator::newest_message_only).
    #[cfg(feature = "arc")]
    #[error("not looked at, since it decides nothing (RFC 8617 section 5.2)")]
    Unchecked,
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
    /// More fields of this name than are signed, where one is allowed. To some readers only,
    /// if it stands behind a bare CR or LF in a field that is not signed.
    #[error("message has more {0} fields than the signature covers (RFC 6376 section 8.15)")]
    ExtraInstance(&'static str),
    /// A field that is not signed holds an empty line to readers that take a bare CR or LF
    /// for a line end.
    #[error(
        "an unsigned field holds a bare CR or LF behind which some readers see another body (RFC 5322 section 2.1, RFC 6376 section 8.15)"
    )]
    HiddenBody,
    /// A field of [`Policy::required_fields`](crate::Policy::required_fields)
    /// is there but not signed.
    #[error("field {0} is not signed, which the policy requires")]
    RequiredField(String),
    /// `d=` is one of [`Policy::public_suffixes`](crate::Policy::public_suffixes).
    #[error(
        "signing domain \"d=\" is a public suffix, for which nobody can sign (RFC 6376 section 8.13)"
    )]
    PublicSuffix,
    /// The key would be one query too many, see
    /// [`Limits::queries`](crate::Limits::queries).
    #[error(
        "key was not asked for: the message needs more than {0} DNS queries (RFC 6376 section 8.4)"
    )]
    QueryLimit(usize),
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
    /// `s=` of the key record does not list [`Policy::service`](crate::Policy::service).
    #[error("key record is not for this service, \"s=\" (RFC 6376 section 3.6.1)")]
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
            #[cfg(feature = "arc")]
            Self::Unchecked => DkimResult::Neutral,
            Self::FromCount(0) => DkimResult::PermError,
            Self::FromCount(_)
            | Self::FromMalformed
            | Self::LengthBeyondBody
            | Self::BodyHashMismatch
            | Self::SignatureMismatch => DkimResult::Fail,
            Self::TestingKey
            | Self::ExtraInstance(_)
            | Self::HiddenBody
            | Self::RequiredField(_)
            | Self::PublicSuffix
            | Self::QueryLimit(_)
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

    /// What a report of it is about (RFC 6651 section 5.1).
    #[must_use]
    pub fn incident(&self) -> Incident {
        match self {
            Self::KeyUnavailable | Self::NoKey => Incident::Dns,
            Self::Signature(_) | Self::KeyRecord(_) | Self::KeyRecordTooLong(_) => Incident::Syntax,
            Self::BodyHashMismatch | Self::SignatureMismatch | Self::LengthBeyondBody => {
                Incident::Verification
            }
            Self::Expired(_) => Incident::Expired,
            reason if reason.result() == DkimResult::Policy => Incident::Policy,
            _ => Incident::Other,
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
    /// All tags (`a`, `b`, `bh`, `c`, `h`, `i`, `l`, `r`, `t`, `x`, `z`), if the field is
    /// valid. `b` and `t` let a caller detect replay.
    pub signature: Option<Signature>,
    /// Why the result is what it is.
    pub reason: Reason,
    /// The key that was tried, if one was fit to be.
    pub key: Option<PublicKey>,
    /// The key record says `t=y`: the domain tries DKIM out (RFC 6376 section 3.6.1). What that
    /// does to the result, [`Policy::honour_testing`](crate::Policy::honour_testing) says.
    pub testing: bool,
    /// Octets of the canonical body behind `l=`.
    pub unsigned_body: u64,
    /// Whom to tell that it failed: asked for by `r=y` and confirmed by DNS, where
    /// [`Policy::look_up_reports`](crate::Policy::look_up_reports) is set (RFC 6651).
    pub report: Option<ReportRequest>,
    /// Whether a domain in From lets this one sign for it: there when the signature
    /// verified and says so, once the answer is known (RFC 6541).
    #[cfg(feature = "atps")]
    pub atps: Option<AtpsResult>,
    /// Those of a field that is no signature otherwise.
    pub(crate) names: Option<Box<(Option<Domain>, Option<Selector>)>>,
    /// See [`unsigned_fields`](Self::unsigned_fields).
    pub(crate) open: Singles,
    pub(crate) trial: Trial,
}

/// Whether a field of the message is signed: see
/// [`Verification::coverage`](crate::Verification::coverage).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Coverage<'a> {
    /// The name as written; empty for a line that is no field.
    pub name: &'a [u8],
    /// What follows the colon, folding left in.
    pub value: &'a [u8],
    /// Whether the signature covers this instance.
    pub signed: bool,
}

impl Outcome {
    /// That of a field of which nothing is known.
    #[inline]
    pub(crate) fn pending(field: usize) -> Self {
        Outcome {
            signature: None,
            reason: Reason::Pending,
            key: None,
            testing: false,
            unsigned_body: 0,
            report: None,
            #[cfg(feature = "atps")]
            atps: None,
            names: None,
            open: Singles::default(),
            trial: Trial::new(field),
        }
    }

    /// `d=`, also where the rest of the field could not be parsed.
    #[must_use]
    pub fn domain(&self) -> Option<&Domain> {
        let parsed = self.signature.as_ref().map(Signature::domain);
        parsed.or_else(|| self.names.as_ref()?.0.as_ref())
    }

    /// `s=`, likewise.
    #[must_use]
    pub fn selector(&self) -> Option<&Selector> {
        let parsed = self.signature.as_ref().map(Signature::selector);
        parsed.or_else(|| self.names.as_ref()?.1.as_ref())
    }

    /// Fields a reader sees that this signature leaves open, wholly or partly.
    pub fn unsigned_fields(&self) -> impl Iterator<Item = UnsignedField> {
        let open = self.open.each();
        open.map(|(name, instances)| UnsignedField { name, instances })
    }

    /// The class of [`reason`](Self::reason).
    #[must_use]
    pub fn result(&self) -> DkimResult {
        self.reason.result()
    }

    /// The reason, for people, and whether the key is in testing mode.
    pub(crate) fn explanation(&self) -> Explanation<'_> {
        Explanation(self)
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
        if let Some(domain) = self.domain() {
            write!(f, " d={domain}")?;
        }
        if let Some(selector) = self.selector() {
            write!(f, " s={selector}")?;
        }
        if let Some(signature) = &self.signature {
            write!(f, " a={}", signature.algorithm())?;
        }
        write!(f, ": {}", self.explanation())
    }
}

/// See [`Outcome::explanation`].
pub(crate) struct Explanation<'a>(&'a Outcome);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome {
            reason, testing, ..
        } = self.0;
        write!(f, "{reason}")?;
        match *testing && *reason != Reason::TestingKey {
            true => f.write_str("; the key is in testing mode, \"t=y\""),
            false => Ok(()),
        }
    }
}

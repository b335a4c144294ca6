//! The rules by which a signature is judged without its key: RFC 6376 sections 6.1.1 and
//! 6.1.3, and [`Policy`]. They are pure; [`crate::evaluate`] knows when to ask them.

use alloc::string::String;

use crate::header::Header;
use crate::message::{BodyHash, Singles};
use crate::outcome::Reason;
use crate::policy::{BodyLength, Policy};
use crate::signature::Signature;

/// Rules that need neither key nor body.
pub(crate) fn unacceptable(
    policy: &Policy,
    now: u64,
    header: &Header,
    signature: &Signature,
) -> Option<Reason> {
    if signature.length().is_some() && policy.body_length == BodyLength::Reject {
        return Some(Reason::LengthTag);
    }
    let suffixes = policy.public_suffixes.as_ref();
    if suffixes.is_some_and(|suffixes| suffixes.contain(signature.domain())) {
        return Some(Reason::PublicSuffix);
    }
    if let Some(t) = signature.timestamp()
        && t > now.saturating_add(policy.clock_skew)
    {
        return Some(Reason::Future(t));
    }
    if let Some(x) = signature.expiration()
        && policy.honour_expiration
        && now > x.saturating_add(policy.clock_skew)
    {
        return Some(Reason::Expired(x));
    }
    let unsigned = |name: &&String| {
        let mut signed = signature.names();
        !signed.any(|h| h.eq_ignore_ascii_case(name.as_bytes()))
            && header.named(name.as_bytes()).len() > 0
    };
    if let Some(name) = policy.required_fields.iter().find(unsigned) {
        return Some(Reason::RequiredField(name.escape_debug().collect()));
    }
    None
}

/// Of the fields of [`SINGLE`](crate::message::SINGLE) that a signature leaves `open` those
/// that are among what is `signed` as well (RFC 6376 section 8.15).
pub(crate) fn extra_instances(
    open: &Singles,
    signed: &Singles,
) -> impl Iterator<Item = &'static str> {
    open.among(signed).each().map(|(name, _)| name)
}

/// RFC 6376 section 6.1.3 step 3.
pub(crate) fn body_problem(
    policy: &Policy,
    signature: &Signature,
    body: &BodyHash,
) -> Option<Reason> {
    if let Some(length) = signature.length() {
        if length > body.total {
            return Some(Reason::LengthBeyondBody);
        }
        if length < body.total && policy.body_length != BodyLength::Partial {
            return Some(Reason::UnsignedBody(body.total - length));
        }
    }
    (body.digest != *signature.body_hash()).then_some(Reason::BodyHashMismatch)
}

/// RFC 5322 section 3.6: there is one From.
pub(crate) fn from_problem(header: &Header) -> Option<Reason> {
    if header.has_from_lookalike() {
        return Some(Reason::FromMalformed);
    }
    match header.singles().froms() {
        1 => None,
        count => Some(Reason::FromCount(count)),
    }
}

//! What is accepted beyond what the RFCs force.

use alloc::string::String;
use alloc::vec::Vec;

/// How signatures with `l=` are taken. RFC 6376 section 8.2 tells what an
/// attacker appends behind the signed part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyLength {
    /// `l=` in a signature is reason enough to refuse it.
    #[default]
    Reject,
    /// Accept `l=` if it covers the whole body.
    Whole,
    /// Accept text behind the signed part;
    /// [`Outcome::unsigned_body`](crate::Outcome::unsigned_body) tells how much.
    Partial,
}

/// Rules of the verifier; the default is the safe one.
///
/// A rule that rejects gives the result `policy` of RFC 8601, with a
/// [`Reason`](crate::Reason) that names the rule.
///
/// ```
/// use scop_dkim::{BodyLength, Policy};
/// let mut policy = Policy::default();
/// assert_eq!(policy.min_rsa_bits, 1024);
/// policy.body_length = BodyLength::Whole;
/// policy.required_fields.push("Content-Type".into());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// What to do about `l=`. Default [`BodyLength::Reject`].
    pub body_length: BodyLength,
    /// Smallest RSA key. Default 1024; below that RFC 8301 section 3.2 forbids
    /// to accept, whatever is set here.
    pub min_rsa_bits: usize,
    /// Largest RSA key. Default and most 8192: the cost of a verification
    /// grows with the square.
    pub max_rsa_bits: usize,
    /// Seconds by which clocks may differ when `t=` and `x=` are judged.
    /// Default 300.
    pub clock_skew: u64,
    /// Whether a signature past `x=` is refused. Default true.
    pub honour_expiration: bool,
    /// Fields that must be signed where the message has them, besides From,
    /// which always must. Default none: large senders leave Content-Type out.
    pub required_fields: Vec<String>,
    /// Whether a field of which RFC 5322 allows one, and of which the message
    /// has more than are signed, makes the signature unacceptable (RFC 6376
    /// section 8.15). Default true. More than one From always fails.
    pub reject_extra_instances: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            body_length: BodyLength::Reject,
            min_rsa_bits: 1024,
            max_rsa_bits: 8192,
            clock_skew: 300,
            honour_expiration: true,
            required_fields: Vec::new(),
            reject_extra_instances: true,
        }
    }
}

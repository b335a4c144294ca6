//! What is accepted beyond what the RFCs force.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::cryptography::Cryptography;
use crate::name::Domain;

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

/// Which domains are public suffixes, as the caller knows it.
///
/// ```
/// use scop_dkim::{Policy, PublicSuffixes};
/// let mut policy = Policy::default();
/// // In earnest: a crate that keeps the public suffix list.
/// policy.public_suffixes = Some(PublicSuffixes::new(|domain| domain == "co.uk"));
/// ```
#[derive(Clone)]
pub struct PublicSuffixes(Suffixes);

#[derive(Clone)]
enum Suffixes {
    Given(Arc<dyn Fn(&str) -> bool + Send + Sync>),
    #[cfg(feature = "psl")]
    Icann,
}

impl PublicSuffixes {
    /// `is_one` is asked about a whole domain, at least two labels in lower case without a
    /// final dot.
    #[must_use]
    pub fn new(is_one: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Suffixes::Given(Arc::new(is_one)))
    }

    /// Those of registries in the list of <https://publicsuffix.org>, as the crate `psl` had
    /// it when this one was built. Its other part, `github.io` for instance, names domains
    /// whose owners may well sign.
    #[cfg(feature = "psl")]
    #[must_use]
    pub fn icann() -> Self {
        Self(Suffixes::Icann)
    }

    /// Whether it is one.
    pub(crate) fn contain(&self, domain: &Domain) -> bool {
        let domain = domain.as_str().to_ascii_lowercase();
        match &self.0 {
            Suffixes::Given(is_one) => is_one(&domain),
            #[cfg(feature = "psl")]
            Suffixes::Icann => {
                use psl::{Psl as _, Type};
                psl::List.suffix(domain.as_bytes()).is_some_and(|suffix| {
                    suffix.as_bytes() == domain.as_bytes() && suffix.typ() == Some(Type::Icann)
                })
            }
        }
    }
}

impl fmt::Debug for PublicSuffixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicSuffixes(..)")
    }
}

/// The same function, or the same list.
impl PartialEq for PublicSuffixes {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Suffixes::Given(one), Suffixes::Given(other)) => Arc::ptr_eq(one, other),
            #[cfg(feature = "psl")]
            (Suffixes::Icann, Suffixes::Icann) => true,
            #[cfg(feature = "psl")]
            _ => false,
        }
    }
}

impl Eq for PublicSuffixes {}

/// What a key must be for: `s=` of its record (RFC 6376 section 3.6.1). A record that says
/// nothing is for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// `email`: mail of any kind.
    #[default]
    Email,
    /// `tlsrpt`: the mail that brings a report of TLS (RFC 8460 section 3), which must be
    /// signed, and whose key may be for nothing else.
    TlsReports,
}

impl Service {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Service::Email => "email",
            Service::TlsReports => "tlsrpt",
        }
    }
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
    /// What a key must be for. Default [`Service::Email`]; whoever receives reports of TLS
    /// verifies them with [`Service::TlsReports`].
    pub service: Service,
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
    /// Whether a signature that verifies is as none where the key record says `t=y`: "Verifiers
    /// MUST NOT treat messages from Signers in testing mode differently from unsigned email"
    /// (RFC 6376 section 3.6.1). It then has [`Reason::TestingKey`](crate::Reason::TestingKey),
    /// and DMARC does not count it. Default false: receivers count such signatures, domains left
    /// the flag in records that all their mail depends on, and DMARC would have it rejected.
    /// [`Outcome::testing`](crate::Outcome::testing) and all texts say so either way.
    pub honour_testing: bool,
    /// Domains under which anybody may register, and for which nobody can therefore sign:
    /// `d=co.uk` (RFC 6376 section 8.13). A list of them changes every week, so it is the
    /// caller's to keep, and the default is none; with the feature `psl` it is
    /// [`PublicSuffixes::icann`]. A domain of one label, `d=com`, is refused in any case.
    pub public_suffixes: Option<PublicSuffixes>,
    /// Whether to ask DNS where a signer wants to hear of a signature that failed, if it
    /// says `r=y` (RFC 6651): one query for each such domain. Default false.
    pub look_up_reports: bool,
    /// Fields that must be signed where the message has them, besides From,
    /// which always must. Default none: large senders leave Content-Type out.
    pub required_fields: Vec<String>,
    /// Whether a field of which RFC 5322 allows one, and of which the message
    /// has more than are signed, makes the signature unacceptable (RFC 6376
    /// section 8.15); also one that only readers see who take a bare CR or LF for a line
    /// end, or another body that they see. Default true. More than one From always fails. It
    /// holds for the message signatures of ARC as well: who changes a message seals it anew.
    pub reject_extra_instances: bool,
    /// Who computes: ring by default.
    pub cryptography: Cryptography,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            body_length: BodyLength::Reject,
            service: Service::Email,
            min_rsa_bits: 1024,
            max_rsa_bits: 8192,
            clock_skew: 300,
            honour_expiration: true,
            honour_testing: false,
            #[cfg(feature = "psl")]
            public_suffixes: Some(PublicSuffixes::icann()),
            #[cfg(not(feature = "psl"))]
            public_suffixes: None,
            look_up_reports: false,
            required_fields: Vec::new(),
            reject_extra_instances: true,
            cryptography: Cryptography::default(),
        }
    }
}

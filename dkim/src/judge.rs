//! The rules by which a signature is judged: RFC 6376 sections 6.1.1 to 6.1.3
//! and [`Policy`]. They are pure; [`crate::verify`] knows when to ask them.

use alloc::string::String;
use alloc::vec::Vec;

use crate::header::Header;
use crate::key::{KeyRecord, KeyRecordError, KeyType, PublicKey};
use crate::limits::Limits;
use crate::message::{BodyHash, SINGLE};
use crate::outcome::{Reason, UnsignedField};
use crate::policy::{BodyLength, Policy};
use crate::query::{DnsError, Records};
use crate::signature::{Algorithm, Signature};

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
        !signature
            .headers()
            .iter()
            .any(|h| h.eq_ignore_ascii_case(name))
            && !header
                .named(name.to_ascii_lowercase().as_bytes())
                .is_empty()
    };
    if let Some(name) = policy.required_fields.iter().find(unsigned) {
        return Some(Reason::RequiredField(name.escape_debug().collect()));
    }
    if policy.reject_extra_instances {
        let extra = SINGLE.iter().find(|name| {
            let (there, signed) = instances(header, signature, name);
            signed > 0 && there > signed
        });
        return extra.map(|name| Reason::ExtraInstance(name));
    }
    None
}

/// Tells what a signature is worth with a key.
pub(crate) struct Judge<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) limits: &'a Limits,
    pub(crate) signature: &'a Signature,
    /// What was signed.
    pub(crate) data: Vec<u8>,
}

/// What it is worth, and with which key.
pub(crate) struct Verdict {
    pub(crate) reason: Reason,
    pub(crate) key: Option<PublicKey>,
    /// The key record says `t=y`.
    pub(crate) testing: bool,
}

impl Verdict {
    fn without_key(reason: Reason) -> Self {
        Self {
            reason,
            key: None,
            testing: false,
        }
    }
}

impl Judge<'_> {
    /// With the answer to the key query (RFC 6376 section 6.1.2).
    pub(crate) fn answer(&self, answer: &Result<Records, DnsError>) -> Verdict {
        match answer {
            Err(DnsError::Temporary) => Verdict::without_key(Reason::KeyUnavailable),
            Ok(Records::Txt(records)) => self
                .records(records)
                .unwrap_or(Verdict::without_key(Reason::NoKey)),
            // No answer of another kind is taken.
            Err(DnsError::NotFound) | Ok(_) => Verdict::without_key(Reason::NoKey),
        }
    }

    /// Several records are tried in turn (RFC 6376 section 6.1.2 step 4). If
    /// none verifies, the first that is a key record tells why.
    fn records(&self, records: &[Vec<u8>]) -> Option<Verdict> {
        let mut best: Option<(Verdict, bool)> = None;
        for text in records.iter().take(self.limits.key_records) {
            let verdict = self.text(text);
            // A stray TXT record, SPF for instance, explains little.
            let stray = matches!(
                verdict.reason,
                Reason::KeyRecord(
                    KeyRecordError::Version | KeyRecordError::Tags(_) | KeyRecordError::Missing
                )
            );
            if verdict.reason == Reason::Verified {
                return Some(verdict);
            }
            if best.as_ref().is_none_or(|(_, was)| *was && !stray) {
                best = Some((verdict, stray));
            }
        }
        best.map(|(verdict, _)| verdict)
    }

    fn text(&self, text: &[u8]) -> Verdict {
        if text.len() > self.limits.key_record_bytes {
            return Verdict::without_key(Reason::KeyRecordTooLong(self.limits.key_record_bytes));
        }
        match KeyRecord::parse(text) {
            Err(error) => Verdict::without_key(Reason::KeyRecord(error)),
            Ok(record) => Verdict {
                reason: self.record(&record),
                testing: record.is_testing(),
                key: record.into_key(),
            },
        }
    }

    fn record(&self, record: &KeyRecord) -> Reason {
        if !record.allows_sha256() {
            return Reason::HashNotAllowed;
        }
        if !record.allows_email() {
            return Reason::ServiceNotAllowed;
        }
        let Some(key) = record.key() else {
            return Reason::KeyRevoked;
        };
        match (key.key_type(), self.signature.algorithm()) {
            (KeyType::Rsa, Algorithm::RsaSha256) => {
                let bits = key.bits();
                if bits < self.policy.min_rsa_bits.max(1024) {
                    return Reason::KeyTooShort(bits);
                }
                if bits > self.policy.max_rsa_bits.min(8192) {
                    return Reason::KeyTooLong(bits);
                }
            }
            (KeyType::Ed25519, Algorithm::Ed25519Sha256) => {}
            (other, _) => return Reason::KeyTypeMismatch(other),
        }
        if record.is_strict() && self.signature.identity().domain() != self.signature.domain() {
            return Reason::StrictIdentity;
        }
        if key.verify(
            self.signature.algorithm(),
            &self.data,
            self.signature.signature(),
        ) {
            Reason::Verified
        } else {
            Reason::SignatureMismatch
        }
    }
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
    match header.named(b"from").len() {
        1 => None,
        count => Some(Reason::FromCount(count)),
    }
}

/// How many fields `name` there are, and how many of them `h=` covers.
fn instances(header: &Header, signature: &Signature, name: &str) -> (usize, usize) {
    let there = header.named(name.to_ascii_lowercase().as_bytes()).len();
    let signed = signature
        .headers()
        .iter()
        .filter(|h| h.eq_ignore_ascii_case(name))
        .count();
    (there, signed)
}

pub(crate) fn unsigned_fields(header: &Header, signature: &Signature) -> Vec<UnsignedField> {
    let unsigned = |name: &&'static str| {
        let (there, signed) = instances(header, signature, name);
        let instances = there.saturating_sub(signed);
        (instances > 0).then_some(UnsignedField { name, instances })
    };
    SINGLE.iter().filter_map(unsigned).collect()
}

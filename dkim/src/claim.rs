//! A signature value tried with the keys that DNS gives: RFC 6376 sections 3.6.1, 6.1.2 and
//! 6.1.3, RFC 8301. What field it stands in does not matter here, so that the seals of ARC
//! are tried by it too.

use alloc::vec::Vec;

use crate::key::{KeyRecord, KeyRecordError, KeyType};
use crate::limits::Limits;
use crate::outcome::Reason;
use crate::policy::Policy;
use crate::query::{DnsError, Records, Text};
use crate::signature::{Algorithm, Signature};

/// A signature value, and what it is said to be of.
pub(crate) struct Claim<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) algorithm: Algorithm,
    pub(crate) signature: &'a [u8],
    /// It speaks for a domain below the one that has the key.
    pub(crate) of_subdomain: bool,
    /// What was signed.
    pub(crate) data: &'a [u8],
}

/// What it is worth.
pub(crate) struct Verdict {
    pub(crate) reason: Reason,
    /// Which record of its [`Keys`] tells, if there is one.
    record: usize,
}

/// The answer to the key query (RFC 6376 section 6.1.2), read.
pub(crate) enum Keys {
    Unavailable,
    /// Those that may be tried; without any there is no key.
    Records(Vec<Result<KeyRecord, Reason>>),
}

impl Keys {
    pub(crate) fn read(answer: &Result<Records, DnsError>, limits: &Limits) -> Self {
        let record = |text: &Text| match text.len() > limits.key_record_bytes {
            true => Err(Reason::KeyRecordTooLong(limits.key_record_bytes)),
            false => KeyRecord::parse(text).map_err(Reason::KeyRecord),
        };
        match answer {
            Err(DnsError::Temporary) => Keys::Unavailable,
            Ok(Records::Txt(records)) => {
                let records = records.iter().take(limits.key_records);
                Keys::Records(records.map(record).collect())
            }
            // No answer of another kind is taken.
            Err(DnsError::NotFound) | Ok(_) => Keys::Records(Vec::new()),
        }
    }

    /// The record that a verdict is about, if it is one.
    pub(crate) fn into_record(self, verdict: &Verdict) -> Option<KeyRecord> {
        match self {
            Keys::Unavailable => None,
            Keys::Records(records) => records.into_iter().nth(verdict.record)?.ok(),
        }
    }
}

impl<'a> Claim<'a> {
    /// What a field says, of `data`.
    pub(crate) fn new(policy: &'a Policy, signature: &'a Signature, data: &'a [u8]) -> Self {
        Self {
            policy,
            algorithm: signature.algorithm(),
            signature: signature.signature(),
            of_subdomain: signature.identity().domain() != signature.domain(),
            data,
        }
    }

    /// Several records are tried in turn (RFC 6376 section 6.1.2 step 4). If
    /// none verifies, the first that is a key record tells why.
    pub(crate) fn judge(&self, keys: &Keys) -> Verdict {
        let none = |reason| Verdict { reason, record: 0 };
        let records = match keys {
            Keys::Unavailable => return none(Reason::KeyUnavailable),
            Keys::Records(records) => records,
        };
        let mut best: Option<(Verdict, bool)> = None;
        for (number, record) in records.iter().enumerate() {
            let reason = match record {
                Ok(record) => self.record(record),
                Err(reason) => reason.clone(),
            };
            // A stray TXT record, SPF for instance, explains little.
            let stray = matches!(
                reason,
                Reason::KeyRecord(
                    KeyRecordError::Version | KeyRecordError::Tags(_) | KeyRecordError::Missing
                )
            );
            let verdict = Verdict {
                reason,
                record: number,
            };
            if verdict.reason == Reason::Verified {
                return verdict;
            }
            if best.as_ref().is_none_or(|(_, was)| *was && !stray) {
                best = Some((verdict, stray));
            }
        }
        best.map_or_else(|| none(Reason::NoKey), |(verdict, _)| verdict)
    }

    fn record(&self, record: &KeyRecord) -> Reason {
        if !record.allows_sha256() {
            return Reason::HashNotAllowed;
        }
        if !record.allows(self.policy.service) {
            return Reason::ServiceNotAllowed;
        }
        let Some(key) = record.key() else {
            return Reason::KeyRevoked;
        };
        match (key.key_type(), self.algorithm) {
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
        if record.is_strict() && self.of_subdomain {
            return Reason::StrictIdentity;
        }
        let cryptography = &self.policy.cryptography;
        if key.verify(cryptography, self.algorithm, self.data, self.signature) {
            Reason::Verified
        } else {
            Reason::SignatureMismatch
        }
    }
}

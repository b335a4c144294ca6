//! A signature value tried with the keys that DNS gives: RFC 6376 sections 3.6.1, 6.1.2 and
//! 6.1.3, RFC 8301. What field it stands in does not matter here, so that the seals of ARC
//! are tried by it too.

use alloc::vec::Vec;

use crate::key::{KeyRecord, KeyRecordError, KeyType, PublicKey};
use crate::limits::Limits;
use crate::outcome::Reason;
use crate::policy::Policy;
use crate::query::{DnsError, Records, Text};
use crate::signature::{Algorithm, Signature};

/// A signature value, and what it is said to be of.
pub(crate) struct Claim<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) limits: &'a Limits,
    pub(crate) algorithm: Algorithm,
    pub(crate) signature: &'a [u8],
    /// It speaks for a domain below the one that has the key.
    pub(crate) of_subdomain: bool,
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

impl<'a> Claim<'a> {
    /// What a field says, of `data`.
    pub(crate) fn new(
        policy: &'a Policy,
        limits: &'a Limits,
        signature: &'a Signature,
        data: Vec<u8>,
    ) -> Self {
        Self {
            policy,
            limits,
            algorithm: signature.algorithm(),
            signature: signature.signature(),
            of_subdomain: signature.identity().domain() != signature.domain(),
            data,
        }
    }

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
    fn records(&self, records: &[Text]) -> Option<Verdict> {
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
        if key.verify(self.algorithm, &self.data, self.signature) {
            Reason::Verified
        } else {
            Reason::SignatureMismatch
        }
    }
}

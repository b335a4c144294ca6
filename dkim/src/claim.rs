//! A signature value tried with the keys that DNS gives: RFC 6376 sections 3.6.1, 6.1.2 and
//! 6.1.3, RFC 8301. What field it stands in does not matter here, so that the seals of ARC
//! are tried by it too.

use core::borrow::Borrow;

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

/// One of the TXT records of a key query, read.
pub(crate) type Record = Result<KeyRecord, Reason>;

/// Those that may be tried of the answer to the key query (RFC 6376 section 6.1.2); without
/// any there is no key. `None` where DNS did not answer.
pub(crate) fn records<'a>(
    answer: &'a Result<Records, DnsError>,
    limits: &'a Limits,
) -> Option<impl Iterator<Item = Record> + use<'a>> {
    let record = |text: &Text| match text.len() > limits.key_record_bytes {
        true => Err(Reason::KeyRecordTooLong(limits.key_record_bytes)),
        false => KeyRecord::parse(text).map_err(Reason::KeyRecord),
    };
    let texts: &[Text] = match answer {
        Err(DnsError::Temporary) => return None,
        Ok(Records::Txt(records)) => records,
        // No answer of another kind is taken.
        Err(DnsError::NotFound) | Ok(_) => &[],
    };
    Some(texts.iter().take(limits.key_records).map(record))
}

impl<'a> Claim<'a> {
    /// What a field says, of `data`.
    pub(crate) fn new(policy: &'a Policy, signature: &'a Signature, data: &'a [u8]) -> Self {
        Self {
            policy,
            algorithm: signature.algorithm(),
            signature: signature.signature(),
            of_subdomain: signature.is_of_subdomain(),
            data,
        }
    }

    /// What it is worth, and the record that tells, if one does. Several are tried in turn
    /// (RFC 6376 section 6.1.2 step 4). If none verifies, the first that is a key record
    /// tells why.
    pub(crate) fn judge<R: Borrow<Record>>(
        &self,
        records: Option<impl IntoIterator<Item = R>>,
    ) -> (Reason, Option<R>) {
        let Some(records) = records else {
            return (Reason::KeyUnavailable, None);
        };
        let mut best: Option<(Reason, R, bool)> = None;
        for record in records {
            let reason = match record.borrow() {
                Ok(record) => self.record(record),
                Err(reason) => reason.clone(),
            };
            if matches!(reason, Reason::Verified) {
                return (reason, Some(record));
            }
            // A stray TXT record, SPF for instance, explains little.
            let stray = matches!(
                reason,
                Reason::KeyRecord(
                    KeyRecordError::Version | KeyRecordError::Tags(_) | KeyRecordError::Missing
                )
            );
            if best.as_ref().is_none_or(|(.., was)| *was && !stray) {
                best = Some((reason, record, stray));
            }
        }
        match best {
            Some((reason, record, _)) => (reason, Some(record)),
            None => (Reason::NoKey, None),
        }
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

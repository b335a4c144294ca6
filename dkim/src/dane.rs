//! DANE for SMTP (RFC 7672): whether a server's certificates are those that its TLSA
//! records, secured by DNSSEC, announce.
//!
//! A pure function on certificates: who asks DNS must know that the answer was secure
//! (section 2.2), and verifies the chain where a trust anchor is named.
//!
//! ```
//! use scop_dkim::dane::{Match, TlsaRecord, tlsa_name};
//!
//! assert_eq!(tlsa_name(25, "mx.example.com"), "_25._tcp.mx.example.com");
//! # let certificate = include_bytes!("../tests/fixtures/dane-leaf.der");
//! let record: TlsaRecord = "3 1 1 b44fc2522e063a67e1ad59f9c5b900defd0e4d4e06447ca38e6e8a35f2bbbe44".parse()?;
//! assert_eq!(record.find(&[certificate]), Some(Match::EndEntity));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use ring::digest::{SHA256, SHA512, digest};

use crate::der::{INTEGER, SEQUENCE, take};

/// The name that TLSA records of a host are at (RFC 6698 section 3).
#[must_use]
pub fn tlsa_name(port: u16, host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host);
    alloc::format!("_{port}._tcp.{host}")
}

/// What a record's certificate is (RFC 6698 section 2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usage {
    /// 0, PKIX-TA. Of no use to SMTP (RFC 7672 section 3.1.3).
    PkixTa,
    /// 1, PKIX-EE. Of no use to SMTP.
    PkixEe,
    /// 2, DANE-TA: a certificate of the chain, which then must be verified up to it, for
    /// the host's name.
    DaneTa,
    /// 3, DANE-EE: the server's own. Names and dates in it do not matter.
    DaneEe,
}

/// What of a certificate is compared (section 2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Selector {
    /// 0: all of it.
    Certificate,
    /// 1: its SubjectPublicKeyInfo.
    PublicKey,
}

/// How it is compared (section 2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Matching {
    /// 0: as it is.
    Full,
    /// 1: its SHA-256.
    Sha256,
    /// 2: its SHA-512.
    Sha512,
}

/// A TLSA record that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsaRecord {
    usage: Usage,
    selector: Selector,
    matching: Matching,
    data: Vec<u8>,
}

/// What was found in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// The server is authenticated: nothing else is to be checked.
    EndEntity,
    /// The certificate of this place in the chain is a trust anchor: the chain up to it
    /// and the host's name are to be verified.
    TrustAnchor(usize),
}

impl TlsaRecord {
    /// A record from its RDATA. `None` when a number in it is unknown or a hash has the
    /// wrong length: such a record is unusable (RFC 7672 section 2.1.1).
    #[must_use]
    pub fn from_rdata(rdata: &[u8]) -> Option<Self> {
        let (&[usage, selector, matching], data) = rdata.split_first_chunk()?;
        let usage = match usage {
            0 => Usage::PkixTa,
            1 => Usage::PkixEe,
            2 => Usage::DaneTa,
            3 => Usage::DaneEe,
            _ => return None,
        };
        let selector = match selector {
            0 => Selector::Certificate,
            1 => Selector::PublicKey,
            _ => return None,
        };
        let (matching, fits) = match matching {
            0 => (Matching::Full, !data.is_empty()),
            1 => (Matching::Sha256, data.len() == 32),
            2 => (Matching::Sha512, data.len() == 64),
            _ => return None,
        };
        fits.then(|| TlsaRecord {
            usage,
            selector,
            matching,
            data: data.to_vec(),
        })
    }

    /// A record that announces a certificate; `None` if that is none.
    #[must_use]
    pub fn of(
        certificate: &[u8],
        usage: Usage,
        selector: Selector,
        matching: Matching,
    ) -> Option<Self> {
        Some(TlsaRecord {
            usage,
            selector,
            matching,
            data: hashed(selected(certificate, selector)?, matching),
        })
    }

    /// What the certificate is.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// Looks for it in the chain that the server sent, its own certificate (DER) first.
    #[must_use]
    pub fn find<C: AsRef<[u8]>>(&self, chain: &[C]) -> Option<Match> {
        let is_it = |certificate: &C| {
            let selected = selected(certificate.as_ref(), self.selector);
            selected.is_some_and(|selected| hashed(selected, self.matching) == self.data)
        };
        match self.usage {
            Usage::DaneEe => is_it(chain.first()?).then_some(Match::EndEntity),
            Usage::DaneTa => chain.iter().position(is_it).map(Match::TrustAnchor),
            // RFC 7672 section 3.1.3.
            Usage::PkixTa | Usage::PkixEe => None,
        }
    }

    /// Whether SMTP can use it: a DANE usage (RFC 7672 section 3.1.3). When none of a
    /// host's records can be used, TLS is still demanded, but nobody authenticated (2.2).
    #[must_use]
    pub fn is_usable(&self) -> bool {
        matches!(self.usage, Usage::DaneEe | Usage::DaneTa)
    }
}

/// Looks for a chain in all records of a host. An end entity goes before trust anchors.
#[must_use]
pub fn find<C: AsRef<[u8]>>(records: &[TlsaRecord], chain: &[C]) -> Option<Match> {
    let found = || records.iter().filter_map(|record| record.find(chain));
    found()
        .find(|found| *found == Match::EndEntity)
        .or_else(|| found().next())
}

/// As in a zone file: three numbers and hexadecimal digits.
impl fmt::Display for TlsaRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (usage, selector) = (self.usage as u8, self.selector as u8);
        write!(f, "{usage} {selector} {} ", self.matching as u8)?;
        self.data
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text that is no usable TLSA record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a usable TLSA record: usage, selector, matching type and hexadecimal data (RFC 6698 section 2.2)"
)]
pub struct ParseTlsaError;

impl FromStr for TlsaRecord {
    type Err = ParseTlsaError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_ascii_whitespace();
        let mut rdata = Vec::new();
        for word in words.by_ref().take(3) {
            // A sign is no digit.
            let digits = word.bytes().all(|b| b.is_ascii_digit());
            let number = word.parse().ok().filter(|_| digits);
            rdata.push(number.ok_or(ParseTlsaError)?);
        }
        let digits: Vec<u8> = words.flat_map(str::bytes).collect();
        for pair in digits.chunks(2) {
            let pair = core::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()));
            let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            rdata.push(byte.ok_or(ParseTlsaError)?);
        }
        Self::from_rdata(&rdata).ok_or(ParseTlsaError)
    }
}

fn hashed(data: &[u8], matching: Matching) -> Vec<u8> {
    match matching {
        Matching::Full => data.to_vec(),
        Matching::Sha256 => digest(&SHA256, data).as_ref().to_vec(),
        Matching::Sha512 => digest(&SHA512, data).as_ref().to_vec(),
    }
}

fn selected(certificate: &[u8], selector: Selector) -> Option<&[u8]> {
    match selector {
        Selector::Certificate => Some(certificate),
        Selector::PublicKey => public_key_info(certificate),
    }
}

/// The SubjectPublicKeyInfo of a certificate, its tag and length included (RFC 5280
/// section 4.1).
fn public_key_info(mut certificate: &[u8]) -> Option<&[u8]> {
    const VERSION: u8 = 0xa0;
    let mut outer = take(&mut certificate, SEQUENCE)?;
    let mut tbs = take(&mut outer, SEQUENCE)?;
    if tbs.first() == Some(&VERSION) {
        take(&mut tbs, VERSION)?;
    }
    take(&mut tbs, INTEGER)?;
    // Signature algorithm, issuer, validity, subject.
    for _ in 0..4 {
        take(&mut tbs, SEQUENCE)?;
    }
    let before = tbs;
    take(&mut tbs, SEQUENCE)?;
    before.get(..before.len() - tbs.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    const LEAF: &[u8] = include_bytes!("../tests/fixtures/dane-leaf.der");
    const CA: &[u8] = include_bytes!("../tests/fixtures/dane-ca.der");
    /// What `openssl x509 -pubkey | openssl pkey -pubin -outform DER` wrote.
    const LEAF_KEY: &[u8] = include_bytes!("../tests/fixtures/dane-leaf-spki.der");

    #[test]
    fn the_public_key_is_what_openssl_takes_out() {
        assert_eq!(public_key_info(LEAF), Some(LEAF_KEY));
    }

    #[test]
    fn every_kind_of_record_finds_its_certificate() {
        let chain = [LEAF, CA];
        for selector in [Selector::Certificate, Selector::PublicKey] {
            for matching in [Matching::Full, Matching::Sha256, Matching::Sha512] {
                let of = |certificate, usage| {
                    TlsaRecord::of(certificate, usage, selector, matching).unwrap()
                };
                assert_eq!(of(LEAF, Usage::DaneEe).find(&chain), Some(Match::EndEntity));
                assert_eq!(
                    of(CA, Usage::DaneTa).find(&chain),
                    Some(Match::TrustAnchor(1))
                );
                // An end entity is only the first one.
                assert_eq!(of(CA, Usage::DaneEe).find(&chain), None);
                assert_eq!(of(LEAF, Usage::PkixEe).find(&chain), None);
                assert!(!of(LEAF, Usage::PkixEe).is_usable());
                let both = [of(CA, Usage::DaneTa), of(LEAF, Usage::DaneEe)];
                assert_eq!(find(&both, &chain), Some(Match::EndEntity));
                assert_eq!(find(&both, &[CA]), Some(Match::TrustAnchor(0)));
                let text = both[0].to_string();
                assert_eq!(text.parse(), Ok(both[0].clone()));
            }
        }
        assert_eq!(find::<&[u8]>(&[], &chain), None);
    }

    #[test]
    fn unusable_records() {
        for text in [
            "",
            "3 1 1",
            "3 1 1 00",
            "4 1 1 00",
            "3 2 0 00",
            "3 1 3 00",
            "3 1 0 0",
            "3 1 0 zz",
            "3 1 0 +f",
            "+3 1 0 00",
            "x 1 0 00",
            "3 1 0",
        ] {
            assert_eq!(text.parse::<TlsaRecord>(), Err(ParseTlsaError), "{text}");
        }
        let spread: TlsaRecord = "3 0 0 00 FF\n a0".parse().unwrap();
        assert_eq!(spread.to_string(), "3 0 0 00ffa0");
    }

    #[test]
    fn damaged_certificates_match_nothing() {
        let record =
            TlsaRecord::of(LEAF, Usage::DaneEe, Selector::PublicKey, Matching::Sha256).unwrap();
        for end in 0..LEAF.len() {
            let found = record.find(&[LEAF.get(..end).unwrap()]);
            assert_eq!(found, None, "cut at {end}");
        }
        assert_eq!(record.find::<&[u8]>(&[]), None);
        assert_eq!(
            TlsaRecord::of(b"junk", Usage::DaneEe, Selector::PublicKey, Matching::Full),
            None
        );
    }
}

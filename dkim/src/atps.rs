//! Authorized third-party signatures: RFC 6541, an experiment.
//!
//! A signature with `atps=` says that it was made for the author's domain; that domain
//! confirms it by a TXT record, whose name is made of the signer's. Asked for when such a
//! signature verified and names a domain that is in From; the answer is in
//! [`Outcome::atps`](crate::Outcome::atps).
//!
//! OpenDKIM 2.11 finds consent only by `atpsh=sha1` and in a record that is `v=ATPS1` and no
//! more: it compares the whole record, though section 4.4 recommends `d=` in it, and pads the
//! name of a SHA-256 with `=`, which the grammar of section 4.3 does not allow. Such a record is
//! taken here as well.
//!
//! ```
//! use scop_dkim::Domain;
//! use scop_dkim::atps::{AtpsHash, AtpsRecord, query_name};
//! let (author, signer) = (Domain::new("example.com")?, Domain::new("one.example.net")?);
//! println!(
//!     "{}. IN TXT \"{}\"",
//!     query_name(&signer, AtpsHash::Sha256, &author).unwrap(),
//!     AtpsRecord::new(signer)
//! );
//! # Ok::<(), scop_dkim::NameError>(())
//! ```

use alloc::string::String;
use core::fmt;

use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use crate::header::Header;
use crate::name::Domain;
use crate::query::{DnsError, Records};
use crate::tags::TagList;

/// How the signer's name is put into that of the record (`atpsh=`, section 4.1). It makes
/// names short; nothing is secured by it, so that SHA-1 is as good as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtpsHash {
    /// As it is.
    None,
    /// Its SHA-1, in base32.
    Sha1,
    /// Its SHA-256, in base32.
    Sha256,
}

impl AtpsHash {
    fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"none" => Some(Self::None),
            b"sha1" => Some(Self::Sha1),
            b"sha256" => Some(Self::Sha256),
            _ => None,
        }
    }
}

impl fmt::Display for AtpsHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        })
    }
}

/// Whether the author's domain lets the signer sign for it: the method `dkim-atps` of
/// Authentication-Results (section 8.3), and displayed as its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AtpsResult {
    /// It does: the message is to be taken as if its author's domain had signed it.
    Pass,
    /// It does not.
    Fail,
    /// DNS gave no usable answer.
    TempError,
}

impl fmt::Display for AtpsResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::TempError => "temperror",
        })
    }
}

/// What a signature says about it: `atps=` and `atpsh=`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Atps {
    /// The domain that it was signed for.
    pub author: Domain,
    /// How to look for its consent.
    pub hash: AtpsHash,
}

impl Atps {
    /// What the values of `atps=` and `atpsh=` say; `None` where one is missing or cannot be
    /// read: both are to be ignored then (sections 4.2 and 4.3).
    pub(crate) fn of(author: Option<&[u8]>, hash: Option<&[u8]>) -> Option<Self> {
        let author = core::str::from_utf8(author?).ok()?;
        Some(Self {
            author: Domain::new(author).ok()?,
            hash: AtpsHash::parse(hash?)?,
        })
    }

    /// Whether that domain is one in From (section 4.3).
    pub(crate) fn is_of_author(&self, header: &Header) -> bool {
        header.named(b"from").any(|field| {
            let list = scop_mime::parse_addresses(header.value(field));
            let mut domains = scop_mime::mailboxes(&list).filter_map(|mailbox| mailbox.domain());
            domains.any(|domain| domain.eq_ignore_ascii_case(self.author.as_str().as_bytes()))
        })
    }

    /// What the answer says (section 4.4).
    pub(crate) fn judge(&self, signer: &Domain, answer: &Result<Records, DnsError>) -> AtpsResult {
        let records = match answer {
            Ok(Records::Txt(records)) => records,
            Err(DnsError::Temporary) => return AtpsResult::TempError,
            Err(DnsError::NotFound) | Ok(_) => return AtpsResult::Fail,
        };
        let allows = |text: &[u8]| {
            let record = AtpsRecord::parse(text);
            record.is_some_and(|record| record.domain.is_none_or(|domain| domain == *signer))
        };
        match records.iter().any(|text| allows(text)) {
            true => AtpsResult::Pass,
            false => AtpsResult::Fail,
        }
    }
}

/// The DNS name of the record by which `author` lets `signer` sign for it. `None` when it
/// would be longer than a name can be.
///
/// ```
/// use scop_dkim::Domain;
/// use scop_dkim::atps::{AtpsHash, query_name};
/// let (signer, author) = (Domain::new("One.example.net")?, Domain::new("example.com")?);
/// assert_eq!(
///     query_name(&signer, AtpsHash::Sha1, &author).as_deref(),
///     Some("QSP4I4D24CRHOPDZ3O3ZIU2KSGS3X6Z6._atps.example.com")
/// );
/// # Ok::<(), scop_dkim::NameError>(())
/// ```
#[must_use]
pub fn query_name(signer: &Domain, hash: AtpsHash, author: &Domain) -> Option<String> {
    let name = signer.as_str().to_ascii_lowercase();
    let hashed =
        |algorithm: &'static Algorithm| base32(digest(algorithm, name.as_bytes()).as_ref());
    let label = match hash {
        AtpsHash::Sha1 => hashed(&SHA1_FOR_LEGACY_USE_ONLY),
        AtpsHash::Sha256 => hashed(&SHA256),
        AtpsHash::None => name,
    };
    let name = alloc::format!("{label}._atps.{author}");
    (name.len() <= 253).then_some(name)
}

/// RFC 4648 section 6, without padding, which no label can hold.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut bits, mut held) = (0u16, 0);
    let mut put = |five: u16| out.push(ALPHABET[usize::from(five & 31)].into());
    for &byte in bytes {
        bits = bits << 8 | u16::from(byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            put(bits >> held);
        }
    }
    if held > 0 {
        put(bits << (5 - held));
    }
    out
}

/// The record by which a domain lets another one sign for it (section 4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtpsRecord {
    domain: Option<Domain>,
}

impl AtpsRecord {
    /// A record for `signer`, to be published at [`query_name`].
    #[must_use]
    pub fn new(signer: Domain) -> Self {
        Self {
            domain: Some(signer),
        }
    }

    /// Parses the text of one TXT record; `None` when it is no such record.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let tags = TagList::parse(text).ok()?;
        if tags.value("v") != Some(b"ATPS1") {
            return None;
        }
        let domain = match tags.value("d") {
            None => None,
            Some(d) => Some(Domain::new(core::str::from_utf8(d).ok()?).ok()?),
        };
        Some(Self { domain })
    }

    /// `d=`: who may sign. It may be left out, as the name of the record says the same.
    #[must_use]
    pub fn signer(&self) -> Option<&Domain> {
        self.domain.as_ref()
    }
}

/// Writes the text of the TXT record.
impl fmt::Display for AtpsRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=ATPS1")?;
        match &self.domain {
            Some(domain) => write!(f, "; d={domain}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    /// RFC 6541 appendix A; RFC 4648 section 10.
    #[test]
    fn names() {
        let author = Domain::new("example.com").unwrap();
        let name = |signer: &str, hash| query_name(&Domain::new(signer).unwrap(), hash, &author);
        assert_eq!(
            name("two.example.net", AtpsHash::Sha1).as_deref(),
            Some("ZTZGRRV3F45A4U6HLDKBF3ZCOW4V2AJX._atps.example.com")
        );
        assert_eq!(
            name("two.example.net", AtpsHash::None).as_deref(),
            Some("two.example.net._atps.example.com")
        );
        let sha256 = name("two.example.net", AtpsHash::Sha256).unwrap();
        assert_eq!(sha256.find("._atps"), Some(52));
        let long = ["abcdefghi"; 24].join(".") + ".net";
        assert_eq!(name(&long, AtpsHash::None), None);
        for (text, encoded) in [("f", "MY"), ("foob", "MZXW6YQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn records() {
        let signer = Domain::new("one.example.net").unwrap();
        let record = AtpsRecord::new(signer.clone());
        assert_eq!(
            AtpsRecord::parse(record.to_string().as_bytes()),
            Some(record)
        );
        assert_eq!(AtpsRecord::parse(b"v=ATPS1").unwrap().signer(), None);
        for bad in [
            &b"v=ATPS2; d=a.test"[..],
            b"d=a.test",
            b"v=ATPS1; d=com",
            b"junk",
        ] {
            assert_eq!(AtpsRecord::parse(bad), None);
        }
        let atps = Atps {
            author: Domain::new("example.com").unwrap(),
            hash: AtpsHash::None,
        };
        let judge = |answer| atps.judge(&signer, &answer);
        assert_eq!(
            judge(Ok(Records::txt(["junk", "v=ATPS1; d=ONE.example.net"]))),
            AtpsResult::Pass
        );
        // Another name: the hashes collide (section 4.4).
        assert_eq!(
            judge(Ok(Records::txt(["v=ATPS1; d=two.example.net"]))),
            AtpsResult::Fail
        );
        assert_eq!(judge(Err(DnsError::NotFound)), AtpsResult::Fail);
        assert_eq!(judge(Err(DnsError::Temporary)), AtpsResult::TempError);
    }
}

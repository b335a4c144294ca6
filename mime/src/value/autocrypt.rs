//! Autocrypt (level 1.1, section 2.1): the key to encrypt answers with.

use alloc::string::String;
use alloc::vec::Vec;

use super::lex::{is_space, raw_text, trim};
use crate::Base64;

/// The value of an Autocrypt field: for whom, and the key.
///
/// ```
/// use scop_mime::Autocrypt;
///
/// let header = Autocrypt::parse(b"addr=ann@a.test; prefer-encrypt=mutual; _new=x; keydata=\r\n bWRN\r\n RQ==").unwrap();
/// assert_eq!((header.address(), header.prefers_encryption()), ("ann@a.test", true));
/// assert_eq!(header.key(), b"mdME");
/// assert_eq!(Autocrypt::parse(b"addr=ann@a.test; new=x; keydata=bWRNRQ=="), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autocrypt {
    address: String,
    prefers_encryption: bool,
    key: Vec<u8>,
}

impl Autocrypt {
    /// Reads the value of the field. `None` where it is not valid: without an address or
    /// a key, with an attribute twice, or with one that nobody knows and that is critical
    /// (its name does not begin with `_`).
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (mut address, mut key, mut prefer) = (None, None, None);
        for attribute in value.split(|b| *b == b';') {
            let attribute = trim(attribute);
            if attribute.is_empty() {
                continue;
            }
            let equals = memchr::memchr(b'=', attribute)?;
            let (name, text) = (attribute.get(..equals)?, attribute.get(equals + 1..)?);
            let slot = match trim(name) {
                name if name.eq_ignore_ascii_case(b"addr") => &mut address,
                name if name.eq_ignore_ascii_case(b"keydata") => &mut key,
                name if name.eq_ignore_ascii_case(b"prefer-encrypt") => &mut prefer,
                name if name.starts_with(b"_") => continue,
                _ => return None,
            };
            if slot.replace(trim(text)).is_some() {
                return None;
            }
        }
        let address =
            address.filter(|a| a.contains(&b'@') && !a.iter().any(|b| is_space(*b) || *b == 0))?;
        let mut bytes = Vec::new();
        let mut decoder = Base64::new();
        decoder.decode(key?, &mut bytes);
        decoder.finish(&mut bytes);
        (!bytes.is_empty()).then(|| Autocrypt {
            address: raw_text(address).into_owned(),
            prefers_encryption: prefer.is_some_and(|p| p.eq_ignore_ascii_case(b"mutual")),
            key: bytes,
        })
    }

    /// Whose key it is: it counts only where this is the one address in From.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `prefer-encrypt=mutual`: answers should be encrypted if the other one wants it as
    /// well. Any other value is no preference.
    #[must_use]
    pub fn prefers_encryption(&self) -> bool {
        self.prefers_encryption
    }

    /// The key: an OpenPGP transferable public key, in binary.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_1_section_2_1() {
        let valid = |value: &str| Autocrypt::parse(value.as_bytes());
        let plain = valid("addr=a@b.test; keydata=AAEC").unwrap();
        assert_eq!(
            (plain.address(), plain.prefers_encryption(), plain.key()),
            ("a@b.test", false, &[0, 1, 2][..])
        );
        assert!(valid("keydata=AAEC;addr=a@b.test;").is_some());
        let other = valid("addr=a@b.test; prefer-encrypt=nopreference; keydata=AAEC").unwrap();
        assert!(!other.prefers_encryption());
        for invalid in [
            "",
            "addr=a@b.test",
            "keydata=AAEC",
            "addr=ab; keydata=AAEC",
            "addr=a@b.test; keydata=",
            "addr=a@b.test; addr=c@d.test; keydata=AAEC",
            "addr=a@b.test; type=p; keydata=AAEC",
            "addr=a@b.test; x; keydata=AAEC",
        ] {
            assert_eq!(valid(invalid), None, "{invalid}");
        }
    }
}

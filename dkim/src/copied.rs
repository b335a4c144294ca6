//! Copies of signed fields: RFC 6376 section 3.5, `z=`.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;

use crate::signature::is_field_name;
use crate::tags::{qp_decode, trim_fws};

/// A field that `z=` holds a copy of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopiedField {
    /// Its name.
    pub name: String,
    /// What followed the colon, whatever octets that were.
    pub value: Vec<u8>,
}

impl CopiedField {
    /// `hdr-name [FWS] ":" qp-hdr-value`.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let colon = memchr::memchr(b':', text)?;
        let name = text.get(..colon).map(trim_fws)?;
        let name = core::str::from_utf8(name).ok()?;
        Some(Self {
            name: is_field_name(name.as_bytes()).then(|| name.to_owned())?,
            value: qp_decode(text.get(colon + 1..)?)?,
        })
    }
}

//! The two hashes over a message: RFC 6376 section 3.7.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use ring::digest::{Context, SHA256};

use crate::canon::{BodyCanon, Canonicalization, Sink, header_field};
use crate::header::Header;
use crate::signature::Signature;

/// Fields that may occur once (RFC 5322 section 3.6, RFC 2045) and that a
/// reader or its program acts upon.
pub(crate) const SINGLE: &[&str] = &[
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
    "Content-ID",
];

/// Which fields `h=` takes: for each name the next instance from the bottom,
/// or nothing when there is none left (sections 3.5 and 5.4.2). `own` is the
/// signature itself, which is never among them.
pub(crate) fn select<'a>(
    header: &Header,
    names: impl Iterator<Item = &'a str>,
    own: Option<usize>,
) -> Vec<usize> {
    let mut taken: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    let mut selected = Vec::new();
    for name in names {
        let name = name.as_bytes().to_ascii_lowercase();
        let instances = header.named(&name);
        let taken = taken.entry(name).or_default();
        let mut left = instances.iter().rev().skip(*taken);
        let next = left.find(|i| {
            *taken += 1;
            Some(**i) != own
        });
        selected.extend(next);
    }
    selected
}

/// What is signed: the selected fields, then the signature field whose `b=` is
/// empty already, without a CRLF at its end.
pub(crate) fn signed_data(
    canon: Canonicalization,
    header: &Header,
    selected: &[usize],
    signature: &[u8],
) -> Vec<u8> {
    let mut data = Vec::new();
    for i in selected {
        header_field(canon, header.field(*i), &mut data);
        data.extend_from_slice(b"\r\n");
    }
    header_field(canon, signature, &mut data);
    data
}

/// A field that is a signature, as it was signed: the value of `b=` is cut out exactly,
/// with the white space around it.
pub(crate) fn without_b(header: &Header, field: usize, signature: &Signature) -> Vec<u8> {
    let bytes = header.field(field);
    let value = bytes.len() - header.value(field).len();
    let mut bare = Vec::with_capacity(bytes.len());
    bare.extend_from_slice(bytes.get(..value + signature.b_span.start).unwrap_or(bytes));
    bare.extend_from_slice(bytes.get(value + signature.b_span.end..).unwrap_or(&[]));
    bare
}

/// The data that the signature in `field` signs.
pub(crate) fn data_of(header: &Header, field: usize, signature: &Signature) -> Vec<u8> {
    let names = signature.headers().iter().map(String::as_str);
    let selected = select(header, names, Some(field));
    let bare = without_b(header, field, signature);
    signed_data(
        signature.header_canonicalization(),
        header,
        &selected,
        &bare,
    )
}

/// What a body hash depends on besides the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyKind {
    pub(crate) canon: Canonicalization,
    pub(crate) length: Option<u64>,
}

impl BodyKind {
    /// The hash that a signature is about.
    pub(crate) fn of(signature: &Signature) -> Self {
        Self {
            canon: signature.body_canonicalization(),
            length: signature.length(),
        }
    }

    /// The hash of a whole body.
    pub(crate) fn whole(canon: Canonicalization) -> Self {
        Self {
            canon,
            length: None,
        }
    }

    /// The finished hash of this kind.
    pub(crate) fn find(self, bodies: &[BodyHash]) -> Option<&BodyHash> {
        bodies.iter().find(|body| body.kind == self)
    }
}

/// A finished body hash.
#[derive(Clone, Debug)]
pub(crate) struct BodyHash {
    pub(crate) kind: BodyKind,
    pub(crate) digest: [u8; 32],
    /// Octets of the whole canonical body, whatever `length` said.
    pub(crate) total: u64,
}

struct Hasher {
    length: Option<u64>,
    context: Context,
}

/// The hashers behind one canonicalisation.
struct Hashers {
    hashers: Vec<Hasher>,
    total: u64,
}

impl Sink for Hashers {
    fn put(&mut self, bytes: &[u8]) {
        for hasher in &mut self.hashers {
            let part = match hasher.length {
                None => bytes,
                Some(length) => {
                    let left = length.saturating_sub(self.total);
                    let left = usize::try_from(left).unwrap_or(usize::MAX);
                    &bytes[..left.min(bytes.len())]
                }
            };
            hasher.context.update(part);
        }
        self.total += bytes.len() as u64;
    }
}

/// All body hashes that a message needs, in one pass: one canonicalisation of
/// each kind at most, one hash for each distinct [`BodyKind`].
pub(crate) struct BodyHasher {
    canons: Vec<(Canonicalization, BodyCanon<Hashers>)>,
}

impl BodyHasher {
    pub(crate) fn new(kinds: impl Iterator<Item = BodyKind>) -> Self {
        let mut groups: BTreeMap<Canonicalization, Vec<Hasher>> = BTreeMap::new();
        for kind in kinds {
            let hashers = groups.entry(kind.canon).or_default();
            if !hashers.iter().any(|h| h.length == kind.length) {
                hashers.push(Hasher {
                    length: kind.length,
                    context: Context::new(&SHA256),
                });
            }
        }
        let canons = groups
            .into_iter()
            .map(|(canon, hashers)| (canon, BodyCanon::new(canon, Hashers { hashers, total: 0 })));
        Self {
            canons: canons.collect(),
        }
    }

    pub(crate) fn write(&mut self, data: &[u8]) {
        for (_, canon) in &mut self.canons {
            canon.write(data);
        }
    }

    pub(crate) fn finish(self) -> Vec<BodyHash> {
        let mut hashes = Vec::new();
        for (canon, body) in self.canons {
            let Hashers { hashers, total } = body.finish();
            hashes.extend(hashers.into_iter().map(|hasher| {
                let mut digest = [0; 32];
                digest.copy_from_slice(hasher.context.finish().as_ref());
                BodyHash {
                    kind: BodyKind {
                        canon,
                        length: hasher.length,
                    },
                    digest,
                    total,
                }
            }));
        }
        hashes
    }
}

//! The two hashes over a message: RFC 6376 section 3.7.

use alloc::vec::Vec;

use ring::digest::{Context, SHA256};

use crate::canon::{BodyCanon, Canonicalization, Sink, header_field};
use crate::header::{Header, start};
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

/// How [`SINGLE`] names start.
const STARTS: [u64; SINGLE.len()] = {
    let mut starts = [0; SINGLE.len()];
    let mut n = 0;
    while n < SINGLE.len() {
        starts[n] = start(SINGLE[n].as_bytes());
        n += 1;
    }
    starts
};

/// How often each of [`SINGLE`] is among some names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Singles([usize; SINGLE.len()]);

impl Singles {
    pub(crate) fn of<'a>(names: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut counts = Self::default();
        for name in names {
            counts.add(name, start(name));
        }
        counts
    }

    /// Counts a name, of which [`start`] is known.
    pub(crate) fn add(&mut self, name: &[u8], start: u64) {
        // Most names are none of them; those that start alike follow each other.
        let Some(first) = STARTS.iter().position(|s| *s == start) else {
            return;
        };
        let mut alike = SINGLE.iter().zip(&mut self.0).skip(first);
        let single = alike.find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
        if let Some((_, count)) = single {
            *count += 1;
        }
    }

    /// Each of [`SINGLE`] with how often it is among these and those.
    pub(crate) fn beside(
        &self,
        other: &Self,
    ) -> impl Iterator<Item = (&'static str, usize, usize)> {
        let counts = self.0.into_iter().zip(other.0);
        let names = SINGLE.iter().zip(counts);
        names.map(|(name, (here, there))| (*name, here, there))
    }
}

/// Which fields `h=` takes: for each name the next instance from the bottom,
/// or nothing when there is none left (sections 3.5 and 5.4.2). `own` is the
/// signature itself, which is never among them.
pub(crate) fn select<'a>(
    header: &Header,
    names: impl Iterator<Item = &'a str>,
    own: Option<usize>,
) -> Vec<usize> {
    // How many of a name, by the first field that has it.
    let mut taken = alloc::vec![0; header.len()];
    let mut selected = Vec::with_capacity(header.len());
    for name in names {
        let instances = header.find(name.as_bytes());
        let first = instances.first().map(|first| first.field());
        let Some(taken) = first.and_then(|first| taken.get_mut(first)) else {
            continue;
        };
        while let Some(left) = instances.len().checked_sub(*taken + 1) {
            *taken += 1;
            let next = instances.get(left).map(|next| next.field());
            if next != own {
                selected.extend(next);
                break;
            }
        }
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
    // Relaxed adds no more than a colon to what is no field.
    let length = |i: &usize| header.field(*i).len() + 3;
    let fields: usize = selected.iter().map(length).sum();
    let mut data = Vec::with_capacity(fields + signature.len() + 1);
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
    let selected = select(header, signature.headers(), Some(field));
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
        let mut canons: Vec<(Canonicalization, BodyCanon<Hashers>)> = Vec::new();
        for kind in kinds {
            let hasher = |kind: BodyKind| Hasher {
                length: kind.length,
                context: Context::new(&SHA256),
            };
            match canons.iter_mut().find(|(canon, _)| *canon == kind.canon) {
                None => {
                    let hashers = alloc::vec![hasher(kind)];
                    let canon = BodyCanon::new(kind.canon, Hashers { hashers, total: 0 });
                    canons.push((kind.canon, canon));
                }
                Some((_, canon)) => {
                    let Hashers { hashers, .. } = canon.sink_mut();
                    if !hashers.iter().any(|h| h.length == kind.length) {
                        hashers.push(hasher(kind));
                    }
                }
            }
        }
        Self { canons }
    }

    pub(crate) fn write(&mut self, data: &[u8]) {
        for (_, canon) in &mut self.canons {
            canon.write(data);
        }
    }

    pub(crate) fn finish(self) -> Vec<BodyHash> {
        let mut hashes = Vec::with_capacity(self.canons.len());
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

//! The two hashes over a message: RFC 6376 section 3.7.

use alloc::sync::Arc;
use alloc::vec::Vec;

use ring::digest::{Context, SHA256};
use scop_mime::NameTag;

use crate::canon::{self, BodyCanon, Canonicalization, HeaderCanon, Sink, Within};
use crate::header::{Header, Instances};
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

/// Which of them has a name of that [number](NameTag::number).
const BY_NUMBER: [u8; NameTag::NUMBERS + 1] = {
    let mut by_number = [NOWHERE; NameTag::NUMBERS + 1];
    let mut n = 0;
    while n < SINGLE.len() {
        let number = NameTag::number_of(SINGLE[n]);
        assert!(number < NameTag::NUMBERS && by_number[number] == NOWHERE);
        by_number[number] = n as u8;
        n += 1;
    }
    by_number
};

/// Names that may be among [`SINGLE`].
pub(crate) const PLACES: usize = SINGLE.len() + 1;

/// Where a name is among [`SINGLE`], or another place below 128, which is none of
/// [`PLACES`].
#[inline]
pub(crate) fn place(name: NameTag) -> u8 {
    let place = BY_NUMBER.get(name.number()).copied();
    place.unwrap_or(NOWHERE)
}

const NOWHERE: u8 = 127;

/// How often each of [`SINGLE`] is among some names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Singles {
    /// One more than there are, which makes whole vectors.
    counts: [u32; PLACES],
}

impl Singles {
    /// Counts a name that has this [`place`].
    #[inline]
    pub(crate) fn add(&mut self, place: u8) {
        if let Some(count) = self.counts.get_mut(usize::from(place)) {
            *count = count.saturating_add(1);
        }
    }

    /// How often From is.
    pub(crate) fn froms(&self) -> usize {
        // The first of all.
        self.counts.first().map_or(0, |from| *from as usize)
    }

    /// How often more than among others.
    #[inline]
    pub(crate) fn beyond(&self, others: &Self) -> Self {
        let mut more = *self;
        for (here, there) in more.counts.iter_mut().zip(&others.counts) {
            *here = here.saturating_sub(*there);
        }
        more
    }

    /// Only those that are among others, too.
    #[inline]
    pub(crate) fn among(&self, others: &Self) -> Self {
        let mut both = *self;
        for (here, there) in both.counts.iter_mut().zip(&others.counts) {
            *here = if *there > 0 { *here } else { 0 };
        }
        both
    }

    /// Those that are, and how often.
    #[inline]
    pub(crate) fn each(self) -> impl Iterator<Item = (&'static str, usize)> {
        // Mostly there are none, which vectors soon tell.
        let any = self.counts.iter().fold(0, |any, count| any | count) != 0;
        let all = SINGLE.iter().zip(self.counts);
        let all = all.take(if any { SINGLE.len() } else { 0 });
        all.filter_map(|(name, count)| (count > 0).then_some((*name, count as usize)))
    }
}

/// A name of `h=`.
#[derive(Clone, Copy)]
pub(crate) struct Listed<'a> {
    pub(crate) name: Within<'a>,
    /// Its [`place`].
    pub(crate) place: u8,
}

impl<'a> Listed<'a> {
    pub(crate) fn new(name: &'a str) -> Self {
        let name = name.as_bytes();
        Self {
            place: place(NameTag::of(name)),
            name: Within::all(name),
        }
    }
}

/// Which fields `h=` takes: for each name the next instance from the bottom,
/// or nothing when there is none left (sections 3.5 and 5.4.2). `own` is the
/// signature itself, which is never among them.
pub(crate) fn select<'a>(
    header: &Header,
    names: impl Iterator<Item = Listed<'a>>,
    own: Option<usize>,
    mut take: impl FnMut(usize),
) {
    // Those that are taken, by bit where they are few; else how many of a name, by the first
    // field that has it.
    let mut few = own.map_or(0, |own| 1u64.checked_shl(own as u32).unwrap_or(0));
    let mut many = Vec::new();
    for name in names {
        match header.listed(name) {
            Instances::Few(all) => {
                if let Some(next) = (all & !few).checked_ilog2() {
                    few |= 1 << next;
                    take(next as usize);
                }
            }
            Instances::Many(all) => {
                many.resize(header.len(), 0);
                let first = all.first().and_then(|first| many.get_mut(first.field()));
                let Some(taken) = first else {
                    continue;
                };
                while let Some(left) = all.len().checked_sub(*taken + 1) {
                    *taken += 1;
                    let next = all.get(left).map(|next| next.field());
                    if next != own {
                        next.into_iter().for_each(&mut take);
                        break;
                    }
                }
            }
        }
    }
}

/// The same as a list.
pub(crate) fn selected<'a>(
    header: &Header,
    names: impl Iterator<Item = Listed<'a>>,
    own: Option<usize>,
) -> Vec<usize> {
    let mut fields = Vec::with_capacity(header.len());
    select(header, names, own, |field| fields.push(field));
    fields
}

/// What is signed: the selected fields, then the signature field whose `b=` is
/// empty already, without a CRLF at its end.
pub(crate) fn signed_data<'a>(
    canon: Canonicalization,
    header: &Header,
    names: impl Iterator<Item = &'a str>,
    signature: &[u8],
) -> HeaderCanon {
    let mut data = HeaderCanon::new(canon);
    select(header, names.map(Listed::new), None, |field| {
        data.line(header.field_within(field));
    });
    data.field(signature);
    data
}

/// A field that is a signature, as it was signed: what is before the value of `b=`, and what
/// is behind it. It is cut out exactly, with the white space around it.
pub(crate) fn without_b<'h>(
    header: &'h Header,
    field: usize,
    signature: &Signature,
) -> (canon::Field<'h>, &'h [u8]) {
    let all = header.field_within(field);
    let text = all.text.text();
    let value = text.len() - header.value(field).len();
    let behind = text.get(value + signature.b_span.end..);
    let before = all.up_to(value + signature.b_span.start);
    (before, behind.unwrap_or_default())
}

/// Adds the data that the signature in `field` signs.
pub(crate) fn put_data_of(
    header: &Header,
    field: usize,
    signature: &Signature,
    data: &mut HeaderCanon,
) {
    select(header, signature.listed(), Some(field), |field| {
        data.line(header.field_within(field));
    });
    let (before, behind) = without_b(header, field, signature);
    data.field_in_two(before, behind);
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
    /// What is kept of its beginning, if anything is.
    kept: Option<Arc<[u8]>>,
}

impl BodyHash {
    /// What was hashed, if all of it is kept.
    pub(crate) fn hashed(&self) -> Option<&[u8]> {
        let length = self.kind.length.map_or(self.total, |l| l.min(self.total));
        let kept = self.kept.as_deref().unwrap_or_default();
        kept.get(..usize::try_from(length).ok()?)
    }
}

/// The hashers behind one canonicalisation.
#[derive(Default)]
struct Hashers {
    whole: Option<Context>,
    /// Each of so many octets.
    parts: Vec<(u64, Context)>,
    total: u64,
    /// The beginning, at most so much of it.
    kept: Vec<u8>,
    most: usize,
}

impl Hashers {
    fn add(&mut self, length: Option<u64>) {
        let new = || Context::new(&SHA256);
        match length {
            None => drop(self.whole.get_or_insert_with(new)),
            Some(length) if self.parts.iter().any(|(other, _)| *other == length) => {}
            Some(length) => self.parts.push((length, new())),
        }
    }

    fn finish(&mut self, canon: Canonicalization, hashes: &mut Vec<BodyHash>) {
        let total = self.total;
        let kept = (!self.kept.is_empty()).then(|| Arc::<[u8]>::from(&*self.kept));
        // A context is large: it is moved here once.
        let mut finish = |length: Option<u64>, context: Context| {
            let mut digest = [0; 32];
            digest.copy_from_slice(context.finish().as_ref());
            hashes.push(BodyHash {
                kind: BodyKind { canon, length },
                digest,
                total,
                kept: kept.clone(),
            });
        };
        if let Some(whole) = self.whole.take() {
            finish(None, whole);
        }
        for (length, part) in self.parts.drain(..) {
            finish(Some(length), part);
        }
    }
}

impl Sink for Hashers {
    fn put(&mut self, bytes: &[u8]) {
        if let Some(whole) = &mut self.whole {
            whole.update(bytes);
        }
        for (length, part) in &mut self.parts {
            let left = length.saturating_sub(self.total);
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            part.update(&bytes[..left.min(bytes.len())]);
        }
        self.total += bytes.len() as u64;
        let room = self.most - self.kept.len();
        if room > 0 {
            let kept = bytes.get(..room).unwrap_or(bytes);
            self.kept.extend_from_slice(kept);
        }
    }
}

/// All body hashes that a message needs, in one pass: one canonicalisation of
/// each kind at most, one hash for each distinct [`BodyKind`].
pub(crate) struct BodyHasher {
    simple: Option<BodyCanon<Hashers>>,
    relaxed: Option<BodyCanon<Hashers>>,
    /// Of each canonical form so many octets are kept.
    most: usize,
}

impl BodyHasher {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            simple: None,
            relaxed: None,
            most,
        }
    }

    /// Adds a hash, unless there is one of its kind.
    pub(crate) fn add(&mut self, BodyKind { canon, length }: BodyKind) {
        let place = match canon {
            Canonicalization::Simple => &mut self.simple,
            Canonicalization::Relaxed => &mut self.relaxed,
        };
        let hashers = || Hashers {
            most: self.most,
            ..Hashers::default()
        };
        let new = || BodyCanon::new(canon, hashers());
        place.get_or_insert_with(new).sink_mut().add(length);
    }

    pub(crate) fn write(&mut self, data: &[u8]) {
        let all = [&mut self.simple, &mut self.relaxed];
        all.into_iter()
            .flatten()
            .for_each(|canon| canon.write(data));
    }

    /// Ends the body, once.
    pub(crate) fn finish(&mut self) -> Vec<BodyHash> {
        let mut hashes = Vec::with_capacity(4);
        if let Some(body) = &mut self.simple {
            body.finish().finish(Canonicalization::Simple, &mut hashes);
        }
        if let Some(body) = &mut self.relaxed {
            body.finish().finish(Canonicalization::Relaxed, &mut hashes);
        }
        hashes
    }
}

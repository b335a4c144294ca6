//! Puts a message together: headers, delimiters, encoded bodies.

use alloc::vec::Vec;

use memchr::{memchr_iter, memmem};

use super::Built;
use super::content::{Encoding, Options};
use super::part::{Content, Part};
use super::written::{Segment, Source, Stretch, Written};
use crate::EncodeQuotedPrintable;
use crate::encode::base64_body;

/// A body of this size is not copied behind what is before it.
pub(super) const LARGE: usize = 16 << 10;
/// So much of the start and of the end of a body is hashed.
const HASHED: usize = 64;

/// What begins every boundary of a message, and no line of its bodies.
///
/// A boundary begins with `=_`. base64 has no `_`, and behind a `=` of quoted-printable
/// is a digit or the end of the line (RFC 2045 6.7 and 6.8): so what is encoded, and
/// all that is streamed is, cannot hold one. What is sent as it
/// is, is searched. The rest is a hash of what the message says, so that messages that
/// are put into each other differ, and the same calls give the same bytes.
pub(crate) struct Boundaries {
    prefix: [u8; PREFIX],
    next: u32,
}

/// `=_`, sixteen digits, `_`.
const PREFIX: usize = 19;
/// Digits behind that.
const NUMBER: usize = 6;

pub(crate) struct Boundary([u8; PREFIX + NUMBER]);

impl Boundaries {
    pub(crate) fn new<S>(seed: &[u8], head: &[u8], part: &Part<S>) -> Self {
        let mut hash = Hash(0xcbf2_9ce4_8422_2325);
        hash.write(seed);
        hash.write(head);
        let mut identity: Vec<&[u8]> = Vec::new();
        gather(part, &mut hash, &mut identity);
        Self::search(hash, &identity)
    }

    /// For what is no multipart.
    pub(crate) const fn none() -> Self {
        Boundaries {
            prefix: [b'_'; PREFIX],
            next: 0,
        }
    }

    /// Boundaries that are in none of `searched`.
    pub(crate) fn outside(searched: &[&[u8]]) -> Self {
        let mut hash = Hash(0x9ae1_6a3b_2f90_404f);
        searched.iter().for_each(|bytes| hash.write(bytes));
        Self::search(hash, searched)
    }

    fn search(mut hash: Hash, searched: &[&[u8]]) -> Self {
        loop {
            let mut prefix = [b'_'; PREFIX];
            prefix[0] = b'=';
            hex(hash.0, &mut prefix[2..PREFIX - 1]);
            let is_in = |bytes: &&[u8]| memmem::find(bytes, &prefix).is_some();
            if !searched.iter().any(is_in) {
                return Boundaries { prefix, next: 0 };
            }
            hash.word(1);
        }
    }

    pub(crate) fn take(&mut self) -> Boundary {
        let mut boundary = [b'_'; PREFIX + NUMBER];
        boundary[..PREFIX].copy_from_slice(&self.prefix);
        hex(self.next.into(), &mut boundary[PREFIX..]);
        self.next += 1;
        Boundary(boundary)
    }
}

impl Boundary {
    pub(crate) fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Fills `out` with the last digits of a number.
fn hex(number: u64, out: &mut [u8]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    for (n, digit) in out.iter_mut().rev().enumerate() {
        *digit = DIGITS[(number >> (4 * n)) as usize % 16];
    }
}

/// Whether a boundary may be in what is sent as it is. Few texts have `_`, and fewer have it
/// behind `=`; what has many is searched.
fn may_hold(bytes: &[u8]) -> bool {
    const FEW: usize = 32;
    let is_behind = |at: usize| bytes.get(..at).is_some_and(|b| b.ends_with(b"="));
    let mut places = memchr_iter(b'_', bytes).enumerate();
    places.any(|(n, at)| n == FEW || is_behind(at))
}

/// Hashes what a part is, and finds what will be sent as it is and may hold a boundary.
fn gather<'p, S>(part: &'p Part<S>, hash: &mut Hash, identity: &mut Vec<&'p [u8]>) {
    let mut add = |bytes: &'p [u8]| {
        if may_hold(bytes) {
            identity.push(bytes);
        }
    };
    match &part.content {
        Content::Data { data, encoding, .. } => {
            hash.write(data);
            if matches!(encoding, Encoding::SevenBit | Encoding::EightBit) {
                add(data);
            }
        }
        Content::Streamed { how, .. } => hash.source(*how),
        Content::Multipart { parts, .. } => {
            parts.iter().for_each(|part| gather(part, hash, identity));
        }
        Content::Message(built) => {
            for stretch in built.written.stretches() {
                match stretch {
                    Stretch::Text(bytes) => {
                        hash.write(bytes);
                        add(bytes);
                    }
                    Stretch::Large(Segment::Plain(bytes)) => {
                        hash.write(bytes);
                        add(bytes);
                    }
                    Stretch::Large(Segment::Base64(bytes)) => hash.write(bytes),
                    Stretch::Large(Segment::Source(_, how)) => hash.source(*how),
                }
            }
        }
        Content::Verbatim { bytes, .. } | Content::Entity { bytes, .. } => {
            hash.write(bytes);
            add(bytes);
        }
    }
}

/// Not cryptography: what must hold is searched for.
struct Hash(u64);

impl Hash {
    fn word(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product as u64) ^ (product >> 64) as u64;
    }

    fn source(&mut self, source: Source) {
        self.word(match source {
            Source::Base64(length) => length.unwrap_or(u64::MAX),
            Source::QuotedPrintable => u64::MAX - 1,
        });
    }

    fn write(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64 ^ 0xa076_1d64_78bd_642f);
        let head = bytes.get(..HASHED).unwrap_or(bytes);
        let tail = bytes.len().saturating_sub(HASHED).max(head.len());
        for piece in [head, bytes.get(tail..).unwrap_or_default()] {
            let (words, rest) = piece.as_chunks::<8>();
            for word in words {
                self.word(u64::from_le_bytes(*word));
            }
            let rest = rest
                .iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte));
            self.word(rest);
        }
    }
}

/// What was written so far.
pub(crate) struct Writer<S> {
    out: Vec<u8>,
    large: Vec<(usize, Segment<S>)>,
    boundaries: Boundaries,
    utf8: bool,
}

impl<S> Writer<S> {
    /// Goes on behind `head`: the fields of a message, without the empty line.
    pub(crate) fn new(head: Vec<u8>, boundaries: Boundaries, utf8: bool) -> Self {
        Writer {
            out: head,
            large: Vec::new(),
            boundaries,
            utf8,
        }
    }

    /// Writes a part: its header, the empty line, its body.
    pub(crate) fn part(&mut self, part: Part<S>) {
        let boundary = match &part.content {
            Content::Multipart { .. } => Some(self.boundaries.take()),
            _ => None,
        };
        let boundary = boundary.as_ref().map(Boundary::as_str);
        if !part.is_entity() {
            part.head(&mut self.out, boundary, self.utf8);
        }
        match part.content {
            Content::Multipart { parts, .. } => {
                let boundary = boundary.unwrap_or_default();
                for part in parts {
                    self.delimiter(boundary, "");
                    self.part(part);
                }
                return self.delimiter(boundary, "--");
            }
            Content::Entity { bytes, .. } => return self.push(bytes),
            _ => self.out.extend_from_slice(b"\r\n"),
        }
        match part.content {
            Content::Data { data, encoding, .. } => match encoding {
                Encoding::SevenBit | Encoding::EightBit => self.push(data),
                Encoding::QuotedPrintable => {
                    let mut encoder = EncodeQuotedPrintable::text();
                    encoder.encode(&data, &mut self.out);
                    encoder.finish(&mut self.out);
                }
                Encoding::Base64 if data.len() < LARGE => base64_body(&data, &mut self.out),
                Encoding::Base64 => self.segment(Segment::Base64(data)),
            },
            Content::Streamed { source, how } => self.segment(Segment::Source(source, how)),
            Content::Message(built) => self.written(built.written),
            Content::Verbatim { bytes, .. } => self.push(bytes),
            Content::Multipart { .. } | Content::Entity { .. } => {}
        }
    }

    /// The line end before it is the delimiter's; behind a header it is the empty line.
    fn delimiter(&mut self, boundary: &str, close: &str) {
        for piece in ["\r\n--", boundary, close, "\r\n"] {
            self.out.extend_from_slice(piece.as_bytes());
        }
    }

    fn push(&mut self, bytes: bytes::Bytes) {
        match bytes.len() < LARGE {
            true => self.out.extend_from_slice(&bytes),
            false => self.segment(Segment::Plain(bytes)),
        }
    }

    fn segment(&mut self, segment: Segment<S>) {
        self.large.push((self.out.len(), segment));
    }

    /// What was written before.
    fn written(&mut self, written: Written<S>) {
        let start = self.out.len();
        self.out.extend_from_slice(&written.text);
        let large = written.large.into_iter();
        self.large
            .extend(large.map(|(at, segment)| (start + at, segment)));
    }

    /// The end of a message: it has a line end, whatever its body is.
    pub(crate) fn finish(self, eight_bit: bool, depth: u16) -> Built<S> {
        let utf8 = self.utf8;
        let mut written = self.into_written();
        if !written.ends_with(b"\r\n") {
            written.text.extend_from_slice(b"\r\n");
        }
        Built {
            written,
            utf8,
            eight_bit,
            depth,
        }
    }

    /// The end of a part: nothing is added.
    pub(crate) fn into_written(self) -> Written<S> {
        Written {
            text: self.out,
            large: self.large,
        }
    }
}

/// Writes a part without streamed sources on its own.
pub(crate) fn entity(part: Part, options: Options) -> (Written, bool) {
    let mut part = part;
    let eight_bit = part.choose(options);
    let boundaries = Boundaries::new(&[], &[], &part);
    let mut writer = Writer::new(Vec::new(), boundaries, false);
    writer.part(part);
    (writer.into_written(), eight_bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_is_none_that_is_there() {
        // The hash is of the ends of a text.
        let (start, end) = ([b'a'; HASHED], [b'b'; HASHED]);
        let text = |middle: &[u8]| [&start[..], middle, &end].concat();
        let first = Boundaries::outside(&[&text(&[b'x'; PREFIX])]).prefix;
        assert_eq!(Boundaries::outside(&[&text(&[b'='; PREFIX])]).prefix, first);
        let second = Boundaries::outside(&[&text(&first)]).prefix;
        assert_ne!(second, first);
        // A part that is sent as it is, among others.
        let part = |middle: &[u8]| {
            let body = [&text(middle)[..], b"\r\n"].concat();
            let body = alloc::string::String::from_utf8(body).unwrap();
            let mut part = Part::of_parts("multipart/mixed", [Part::text(body)].into());
            part.choose(Options::default());
            part
        };
        let first = Boundaries::new(&[], &[], &part(&[b'x'; PREFIX])).prefix;
        let second = Boundaries::new(&[], &[], &part(&first)).prefix;
        assert_ne!(second, first);
    }

    #[test]
    fn texts_without_the_start_of_a_boundary_hold_none() {
        let many = "_".repeat(100);
        for (text, may) in [
            ("", false),
            ("_", false),
            ("_=", false),
            ("a=b_c", false),
            ("=_", true),
            ("a_b=c_d==_e", true),
            (&many, true),
        ] {
            assert_eq!(may_hold(text.as_bytes()), may, "{text}");
        }
    }
}

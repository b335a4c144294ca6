//! Puts a message together: headers, delimiters, encoded bodies.

use alloc::string::String;
use alloc::vec::Vec;

use memchr::memmem;

use super::Built;
use super::content::{Encoding, Options};
use super::part::{Content, Part};
use super::written::{Segment, Source, Stretch, Written};
use crate::{EncodeBase64, EncodeQuotedPrintable};

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
    prefix: String,
    next: u32,
}

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
            prefix: String::new(),
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
            let mut prefix = String::with_capacity(32);
            prefix.push_str("=_");
            hex(hash.0, 16, &mut prefix);
            prefix.push('_');
            let finder = memmem::Finder::new(prefix.as_bytes());
            if searched.iter().all(|bytes| finder.find(bytes).is_none()) {
                return Boundaries { prefix, next: 0 };
            }
            hash.word(1);
        }
    }

    pub(crate) fn take(&mut self) -> String {
        let mut boundary = String::with_capacity(self.prefix.len() + 6);
        boundary.push_str(&self.prefix);
        hex(self.next.into(), 6, &mut boundary);
        self.next += 1;
        boundary
    }
}

/// The last digits of a number.
fn hex(number: u64, digits: u32, out: &mut String) {
    for n in (0..digits).rev() {
        let digit = (number >> (4 * n)) as u32 & 15;
        out.push(char::from_digit(digit, 16).unwrap_or('0'));
    }
}

/// Hashes what a part is, and finds what will be sent as it is.
fn gather<'p, S>(part: &'p Part<S>, hash: &mut Hash, identity: &mut Vec<&'p [u8]>) {
    match &part.content {
        Content::Data { data, encoding, .. } => {
            hash.write(data);
            if matches!(encoding, Encoding::SevenBit | Encoding::EightBit) {
                identity.push(data);
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
                        identity.push(bytes);
                    }
                    Stretch::Large(Segment::Plain(bytes)) => {
                        hash.write(bytes);
                        identity.push(bytes);
                    }
                    Stretch::Large(Segment::Base64(bytes)) => hash.write(bytes),
                    Stretch::Large(Segment::Source(_, how)) => hash.source(*how),
                }
            }
        }
        Content::Verbatim { bytes, .. } | Content::Entity { bytes, .. } => {
            hash.write(bytes);
            identity.push(bytes);
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
        if !part.is_entity() {
            part.head(&mut self.out, boundary.as_deref(), self.utf8);
        }
        match part.content {
            Content::Multipart { parts, .. } => {
                let boundary = boundary.unwrap_or_default();
                for part in parts {
                    self.delimiter(&boundary, "");
                    self.part(part);
                }
                return self.delimiter(&boundary, "--");
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
                Encoding::Base64 if data.len() < LARGE => {
                    let mut encoder = EncodeBase64::new();
                    encoder.encode(&data, &mut self.out);
                    encoder.finish(&mut self.out);
                }
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

//! Tag=value lists: RFC 6376 section 3.2, the syntax that signatures and key
//! records share.
//!
//! ```text
//! tag-list = tag-spec *( ";" tag-spec ) [ ";" ]
//! tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
//! ```
//!
//! Reading is strict, as section 6.1.1 demands: a duplicate, empty or misspelt
//! tag makes the whole list invalid. Two widenings: a value may hold UTF-8 or
//! other 8-bit bytes (RFC 8616, and the note in section 3.2), and the value of
//! an unknown tag is not looked at beyond that.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use scop_mime::vectors::{BLOCK, Usual, Vectors, bits, u8x16, widest};

/// Why a tag list cannot be read (RFC 6376 section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagListError {
    /// Nothing between two semicolons, or before the first one.
    #[error("empty tag between semicolons (RFC 6376 section 3.2)")]
    EmptyTag,
    /// A tag-spec without `=`.
    #[error("tag without \"=\" (RFC 6376 section 3.2)")]
    NoEquals,
    /// A tag name that is not a letter followed by letters, digits and `_`.
    #[error("tag name is not a letter followed by letters, digits or \"_\" (RFC 6376 section 3.2)")]
    BadName,
    /// A control character, or a line break that is not folding, in a value.
    #[error(
        "control character, or a line break that is not CRLF and white space, in the value of tag \"{0}\" (RFC 6376 section 3.2)"
    )]
    BadValue(String),
    /// A tag that occurs twice; the whole list is invalid.
    #[error("tag \"{0}\" occurs more than once (RFC 6376 section 3.2)")]
    Duplicate(String),
    /// More tags than anybody needs.
    #[error("more than {MAX_TAGS} tags")]
    TooMany,
}

/// Tags in one list. The RFCs define 13 for a signature; the rest is room for
/// what is yet unknown.
pub(crate) const MAX_TAGS: usize = 64;

/// A tag name as a number, by which names are compared: its first eight octets. What
/// RFCs define is not longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TagName(u64);

impl TagName {
    const LENGTH: usize = 8;

    #[inline(always)]
    pub(crate) const fn new(name: &str) -> Self {
        let name = name.as_bytes();
        let (mut number, mut at) = (0, 0);
        while at < name.len() {
            number = Self::with(number, name[at]);
            at += 1;
        }
        Self(number)
    }

    /// The number with one octet more, unless it has all that it takes.
    #[inline(always)]
    const fn with(number: u64, byte: u8) -> u64 {
        if number >> (8 * (Self::LENGTH - 1)) == 0 {
            number << 8 | byte as u64
        } else {
            number
        }
    }
}

/// One tag: its name and its value without the surrounding white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    pub(crate) name: &'a [u8],
    number: TagName,
    pub(crate) value: &'a [u8],
    /// Everything between `=` and `;`, with white space: what RFC 6376 section
    /// 3.7 deletes when this is `b=`.
    pub(crate) raw: Range<usize>,
}

/// A parsed list, in the order of the text.
#[derive(Clone, Debug, Default)]
pub(crate) struct TagList<'a> {
    tags: Vec<Tag<'a>>,
}

impl<'a> TagList<'a> {
    /// Parses `text`.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, TagListError> {
        let mut tags = Vec::new();
        read(text, &Known::new([]), |_, tag| tags.push(tag))?;
        Ok(Self { tags })
    }

    fn find(&self, number: TagName, name: &[u8]) -> Option<&Tag<'a>> {
        let is_it = |tag: &&Tag<'_>| {
            tag.number == number && (name.len() < TagName::LENGTH || tag.name == name)
        };
        self.tags.iter().find(is_it)
    }

    // Inlined, so that the number of a name is a constant.
    #[inline(always)]
    pub(crate) fn get(&self, name: &str) -> Option<&Tag<'a>> {
        self.find(TagName::new(name), name.as_bytes())
    }

    #[inline(always)]
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.get(name).map(|tag| tag.value)
    }
}

/// Names that somebody looks for, of at most seven octets.
pub(crate) struct Known<const N: usize> {
    names: [TagName; N],
    /// The places of those that are one small letter, as most are.
    letters: [u8; 26],
}

impl<const N: usize> Known<N> {
    pub(crate) const fn new(texts: [&str; N]) -> Self {
        let (mut names, mut letters) = ([TagName(0); N], [u8::MAX; 26]);
        let mut place = 0;
        while place < N {
            names[place] = TagName::new(texts[place]);
            if let [letter @ b'a'..=b'z'] = texts[place].as_bytes() {
                letters[(*letter - b'a') as usize] = place as u8;
            }
            place += 1;
        }
        Self { names, letters }
    }

    /// Where among them a name is.
    #[inline(always)]
    fn place(&self, name: TagName) -> Option<usize> {
        let letter = name.0.wrapping_sub(b'a'.into());
        match usize::try_from(letter)
            .ok()
            .and_then(|n| self.letters.get(n))
        {
            Some(&u8::MAX) => None,
            Some(place) => Some(usize::from(*place)),
            None => self.names.iter().position(|known| *known == name),
        }
    }
}

/// Tells the tags of a list in order, each with its place among those that are `known`, for
/// who wants these alone and need not look for each among all.
///
/// Linear, except that looking for duplicates compares at most [`MAX_TAGS`] names.
#[inline(always)]
pub(crate) fn read<'a, const N: usize>(
    text: &'a [u8],
    known: &Known<N>,
    mut take: impl FnMut(Option<usize>, Tag<'a>),
) -> Result<(), TagListError> {
    // Which are there of those that are known, by bit; the others.
    let (mut seen, mut others) = (0u32, Vec::new());
    let (mut at, mut count) = (0, 0);
    let mut specials = Specials::new(text);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let (name, number, value) = match named(rest) {
            Some(named) => named,
            None => return end(rest, count > 0),
        };
        let start = text.len() - value.len();
        let end = specials.end_of_value(start);
        let end = end.ok_or_else(|| TagListError::BadValue(text_of(name)))?;
        let place = known.place(number);
        let was_there = match place {
            Some(place) => {
                let before = seen;
                seen |= 1 << place;
                before == seen
            }
            None => {
                others.push(name);
                others.split_last().is_some_and(|(_, o)| o.contains(&name))
            }
        };
        if was_there {
            return Err(TagListError::Duplicate(text_of(name)));
        }
        if count == MAX_TAGS {
            return Err(TagListError::TooMany);
        }
        count += 1;
        let tag = Tag {
            name,
            number,
            value: trim_fws(text.get(start..end).unwrap_or_default()),
            raw: start..end,
        };
        take(place, tag);
        if end == text.len() {
            return Ok(());
        }
        at = end + 1;
    }
}

/// What comes of a list behind whose tags, if there are `any`, is no other one.
#[cold]
fn end(rest: &[u8], any: bool) -> Result<(), TagListError> {
    let end = rest.iter().position(|b| matches!(b, b'=' | b';'));
    let (before, behind) = rest.split_at(end.unwrap_or(rest.len()));
    match (trim_fws(before), behind) {
        (_, [b'=', ..]) => Err(TagListError::BadName),
        // Only the text after a final semicolon may be empty.
        ([], []) if any => Ok(()),
        ([], _) => Err(TagListError::EmptyTag),
        _ => Err(TagListError::NoEquals),
    }
}

/// The name in front of a tag, also as a number, and what follows its equals sign.
fn named(text: &[u8]) -> Option<(&[u8], TagName, &[u8])> {
    let name = behind_fws(text);
    // What most names are.
    match name {
        [a, b'=', value @ ..] if a.is_ascii_alphabetic() => {
            let number = TagName(u64::from(*a));
            return Some((name.get(..1)?, number, value));
        }
        [a, b, b'=', value @ ..] if a.is_ascii_alphabetic() && b.is_ascii_alphanumeric() => {
            let number = TagName(u64::from(*a) << 8 | u64::from(*b));
            return Some((name.get(..2)?, number, value));
        }
        _ => {}
    }
    let (mut rest, mut number) = (name, 0);
    while let [byte, behind @ ..] = rest
        && (byte.is_ascii_alphanumeric() || *byte == b'_')
    {
        number = TagName::with(number, *byte);
        rest = behind;
    }
    let name = name.get(..name.len() - rest.len())?;
    rest = behind_fws(rest);
    let is_name = name.first().is_some_and(u8::is_ascii_alphabetic);
    match rest {
        [b'=', value @ ..] if is_name => Some((name, TagName(number), value)),
        _ => None,
    }
}

/// A name for an error. It is ASCII.
#[cold]
fn text_of(name: &[u8]) -> String {
    name.iter().copied().map(char::from).collect()
}

/// Where the bytes of a list are that may end a value or spoil it, found many blocks at a
/// time: a short value costs no look of its own at the text.
struct Specials<'a> {
    text: &'a [u8],
    /// Where the blocks begin, and of each which those in it are, by bit.
    start: usize,
    blocks: [u64; BLOCKS],
}

/// More than most lists have.
const BLOCKS: usize = 16;

impl<'a> Specials<'a> {
    #[inline(always)]
    fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            start: 0,
            blocks: specials(text),
        }
    }

    /// The end of the value that begins here, behind those before it: the semicolon, or
    /// that of all. Up to there are printable or 8-bit bytes, blanks, and CRLF only where
    /// white space follows.
    #[inline(always)]
    fn end_of_value(&mut self, mut at: usize) -> Option<usize> {
        loop {
            at = self.next(at);
            at += match self.text.get(at..)? {
                [] | [b';', ..] => return Some(at),
                [b'\r', b'\n', b' ' | b'\t', ..] => 3,
                [b'\t', ..] => 1,
                _ => return None,
            };
        }
    }

    /// The first of them at this place or behind it, or the end. No place is before the one
    /// that was asked for last.
    #[inline(always)]
    fn next(&mut self, mut at: usize) -> usize {
        while at < self.text.len() {
            let place = at - self.start;
            match self.blocks.get(place / BLOCK) {
                Some(bits) => {
                    let here = bits >> (place % BLOCK);
                    if here != 0 {
                        return at + here.trailing_zeros() as usize;
                    }
                    at += BLOCK - place % BLOCK;
                }
                None => {
                    self.start = at;
                    self.blocks = specials(self.text.get(at..).unwrap_or_default());
                }
            }
        }
        self.text.len()
    }
}

/// Which bytes of the blocks in front are control characters or semicolons.
fn specials(text: &[u8]) -> [u64; BLOCKS] {
    match text.len() < 4 * BLOCK {
        true => specials_by(Usual, text),
        false => widest!(vectors => specials_by(vectors, text)),
    }
}

#[inline(always)]
fn specials_by<V: Vectors>(vectors: V, mut text: &[u8]) -> [u64; BLOCKS] {
    let (mut blocks, mut end) = ([0; BLOCKS], [b' '; BLOCK]);
    for bits in &mut blocks {
        let block = match text.first_chunk() {
            Some(block) => block,
            None => {
                if let Some(to) = end.get_mut(..text.len()) {
                    to.copy_from_slice(text);
                }
                &end
            }
        };
        for at in (0..BLOCK).step_by(V::LENGTH) {
            let bytes = vectors.load(block, at);
            let controls = vectors.below(bytes, b' ') | vectors.are(bytes, 0x7f);
            *bits |= vectors.bits(controls | vectors.are(bytes, b';')) << at;
        }
        match text.get(BLOCK..) {
            None | Some([]) => break,
            Some(rest) => text = rest,
        }
    }
    blocks
}

#[inline(always)]
pub(crate) const fn is_fws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Without folding white space in front.
#[inline]
pub(crate) fn behind_fws(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_fws(*first)
    {
        text = rest;
    }
    text
}

/// Without folding white space at either end.
#[inline]
pub(crate) fn trim_fws(text: &[u8]) -> &[u8] {
    let mut text = behind_fws(text);
    while let [rest @ .., last] = text
        && is_fws(*last)
    {
        text = rest;
    }
    text
}

/// The entries of a colon-separated list, each without surrounding white space.
pub(crate) fn colon_list(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b':').map(trim_fws)
}

/// So many zeros.
// An allocator gives memory again that was freed, but zeroed memory often it has to look for.
#[expect(clippy::slow_vector_initialization)]
pub(crate) fn zeroed(length: usize) -> Vec<u8> {
    let mut zeros = Vec::with_capacity(length);
    zeros.resize(length, 0);
    zeros
}

/// Decodes a base64string (RFC 6376 section 2.10), in which no other control characters are
/// than white space: a tag list holds none. White space anywhere is dropped, any other byte
/// outside the alphabet is an error. Padding may be left off, since the ABNF
/// makes it optional; bits behind the last byte must be zero, so that a value has one
/// reading.
pub(crate) fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = zeroed(base64_room(text.len()));
    let used = base64_decode_into(text, &mut out)?;
    out.truncate(used);
    Some(out)
}

/// The same where so many bytes are wanted: `None` if there are others.
pub(crate) fn base64_decode_exact(text: &[u8]) -> Option<[u8; 32]> {
    let mut out = [0; 64];
    match base64_decode_into(text, &mut out)? {
        32 => out.first_chunk().copied(),
        _ => None,
    }
}

/// The room that decoding takes.
pub(crate) const fn base64_room(length: usize) -> usize {
    (length + SPARE) / 4 * 3 + 3
}

/// What is decoded at once: more than a key or signature of 2048 bits needs.
const PACKED: usize = 512;
/// Room for what is decoded behind the end.
const SPARE: usize = 40;

/// The same into [room](base64_room) that is given, of which this many bytes are used then;
/// `None` as well where it is too small.
pub(crate) fn base64_decode_into(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let (mut rest, mut padding) = (text, 0);
    while let [before @ .., last] = rest
        && (*last == b'=' || is_fws(*last))
    {
        padding += usize::from(*last == b'=');
        rest = before;
    }
    let mut packed = [b'A'; PACKED];
    // Mostly a key has no white space in it, and a signature has some in each line.
    let has_fold = |lines: &[u8; 2 * BLOCK]| lines.iter().fold(false, |any, b| any | (*b == b'\r'));
    let is_folded = rest.first_chunk().is_some_and(has_fold);
    let plain = match packed.get_mut(..rest.len()) {
        Some(room) if !is_folded && rest.len() <= PACKED - SPARE => {
            room.copy_from_slice(rest);
            decode_end(&mut packed, rest.len(), out)
        }
        _ => None,
    };
    let (used, characters) = match plain {
        Some(used) => (used, rest.len()),
        None => decode_folded(rest, &mut packed, out)?,
    };
    let is_padded = match characters % 4 {
        0 => padding == 0,
        2 => padding <= 2,
        3 => padding <= 1,
        _ => false,
    };
    is_padded.then_some(used)
}

/// Decodes characters with white space among them; gives how many bytes that are, and of how
/// many characters.
fn decode_folded(text: &[u8], packed: &mut [u8; PACKED], out: &mut [u8]) -> Option<(usize, usize)> {
    // Characters without white space: those of a piece are decoded at once.
    let (mut count, mut used, mut characters) = (0, 0, 0);
    let mut rest = text;
    while !rest.is_empty() {
        if count > PACKED - 2 * BLOCK {
            let whole = count / 4 * 4;
            used += decode(packed.get(..whole)?, out.get_mut(used..)?)?;
            packed.copy_within(whole..count, 0);
            count -= whole;
        }
        let before = count;
        let mut end = [b' '; BLOCK];
        let block = match rest.first_chunk() {
            Some(block) => block,
            None => {
                end.get_mut(..rest.len())?.copy_from_slice(rest);
                &end
            }
        };
        // What is junk is seen when it is decoded.
        let mut words = !bits(block, |bytes| bytes.simd_lt(u8x16::splat(b'!')));
        while words != 0 {
            let start = words.trailing_zeros() as usize;
            let length = (words >> start).trailing_ones() as usize;
            let room = packed.get_mut(count..)?;
            // A whole block is copied, and what is too much of it written over.
            match (
                rest.get(start..).and_then(<[u8]>::first_chunk),
                room.first_chunk_mut(),
            ) {
                (Some(word), Some(room)) => *room = *word as [u8; BLOCK],
                _ => {
                    let word = block.get(start..start + length)?;
                    room.get_mut(..length)?.copy_from_slice(word);
                }
            }
            count += length;
            // Clears the bits of the word.
            words &= words.wrapping_add(1 << start);
        }
        characters += count - before;
        rest = rest.get(BLOCK..).unwrap_or_default();
    }
    used += decode_end(packed, count, out.get_mut(used..)?)?;
    Some((used, characters))
}

/// Decodes the last characters: as many whole blocks as they begin, which decoders are fast
/// at, with zero bits behind them. Bits that are left over of the last one must be zero, too.
fn decode_end(packed: &mut [u8; PACKED], count: usize, out: &mut [u8]) -> Option<usize> {
    let end = count.next_multiple_of(BLOCK / 2) + 8;
    packed.get_mut(count..end)?.fill(b'A');
    decode(packed.get(..end)?, out)?;
    let used = count * 3 / 4;
    let is_whole = count.is_multiple_of(4) || out.get(used) == Some(&0);
    is_whole.then_some(used)
}

/// Decodes characters, and gives how many bytes that are.
fn decode(text: &[u8], out: &mut [u8]) -> Option<usize> {
    base64_turbo::STANDARD_NO_PAD.decode_slice(text, out).ok()
}

pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    let mut text = alloc::vec![0; base64_turbo::STANDARD.encoded_len(bytes.len())];
    match base64_turbo::STANDARD.encode_slice(bytes, &mut text) {
        // It is ASCII, and the text is as long as that takes.
        Ok(_) => String::from_utf8(text).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// Decodes dkim-quoted-printable (RFC 6376 section 2.11, RFC 8616 section 5):
/// white space is dropped, `=XX` in upper-case hexadecimal is a byte.
pub(crate) fn qp_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().filter(|b| !is_fws(*b));
    while let Some(byte) = bytes.next() {
        if byte == b'=' {
            let high = hex(bytes.next()?)?;
            let low = hex(bytes.next()?)?;
            out.push(high << 4 | low);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

const fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// An unsigned decimal of at most `digits` digits; what exceeds `u64` saturates.
pub(crate) fn decimal(text: &[u8], digits: usize) -> Option<u64> {
    if text.is_empty() || text.len() > digits || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digit = |byte: &u8| u64::from(byte - b'0');
    Some(match text.len() {
        // So many always fit.
        ..=19 => text.iter().fold(0, |n, b| n * 10 + digit(b)),
        _ => text
            .iter()
            .fold(0u64, |n, b| n.saturating_mul(10).saturating_add(digit(b))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::alphabet;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    use proptest::prelude::*;

    proptest! {
        /// As the crate `base64` has it, of a text without white space.
        #[test]
        fn base64_as_others_decode_it(
            text in prop_oneof![
                "[A-Za-z0-9+/]{0,20}[AEIQUYcgkosw048]?={0,4}",
                "([A-Za-z+/]{1,9}[ \t\r\n]{0,3}){0,6}[Qg]?( ?=){0,3}[ \n]?",
                "[A-D=!\u{fc} ]{0,9}",
            ],
        ) {
            let config = GeneralPurposeConfig::new()
                .with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
            let packed: String = text.chars().filter(|c| !" \t\r\n".contains(*c)).collect();
            prop_assert_eq!(base64_decode(text.as_bytes()), engine.decode(packed).ok());
        }

        /// What RFC 6376 section 3.2 says, written for clarity.
        #[test]
        fn lists_as_a_model_reads_them(
            text in "([ab]{0,2}[ \t]?=?( |\t|\r\n |\r\n|\n|\x7f|[a-z]{1,12}|=|\u{fc}){0,3};?){0,5}",
        ) {
            prop_assert_eq!(
                TagList::parse(text.as_bytes()).map(|list| {
                    let tag = |tag: &Tag<'_>| (text_of(tag.name), tag.value.to_vec(), tag.raw.clone());
                    list.tags.iter().map(tag).collect()
                }),
                model(text.as_bytes())
            );
        }
    }

    type Model = Vec<(String, Vec<u8>, Range<usize>)>;

    fn model(text: &[u8]) -> Result<Model, TagListError> {
        let mut tags: Model = Vec::new();
        let mut at = 0;
        let specs: Vec<&[u8]> = text.split(|b| *b == b';').collect();
        for (n, spec) in specs.iter().enumerate() {
            let is_last = n + 1 == specs.len();
            match trim_fws(spec) {
                [] if is_last && !tags.is_empty() => break,
                [] => return Err(TagListError::EmptyTag),
                _ => {}
            }
            let equals = spec.iter().position(|b| *b == b'=');
            let equals = equals.ok_or(TagListError::NoEquals)?;
            let name = trim_fws(&spec[..equals]);
            let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_alphanumeric);
            let name = String::from_utf8_lossy(name).into_owned();
            if !is_name {
                return Err(TagListError::BadName);
            }
            let value = &spec[equals + 1..];
            let unfolded = String::from_utf8_lossy(value).replace("\r\n ", "x");
            let unfolded = unfolded.replace("\r\n\t", "x").replace('\t', "");
            if unfolded.chars().any(|c| c.is_ascii_control()) {
                return Err(TagListError::BadValue(name));
            }
            if tags.iter().any(|(other, ..)| *other == name) {
                return Err(TagListError::Duplicate(name));
            }
            let raw = at + equals + 1..at + spec.len();
            tags.push((name, trim_fws(value).to_vec(), raw));
            at += spec.len() + 1;
        }
        Ok(tags)
    }

    #[test]
    fn long_names_are_told_apart() {
        let list = TagList::parse(b"abcdefgh=1; abcdefghi=2; abcdefgh_=3").unwrap();
        assert_eq!(list.value("abcdefgh"), Some(&b"1"[..]));
        assert_eq!(list.value("abcdefghi"), Some(&b"2"[..]));
        assert_eq!(list.value("abcdefghj"), None);
    }

    #[test]
    fn values_are_trimmed_and_spans_are_not() {
        let text = b" a\r\n\t= one two ;\r\n b = ;c=3;";
        let list = TagList::parse(text).unwrap();
        assert_eq!(list.value("a"), Some(&b"one two"[..]));
        assert_eq!(list.value("b"), Some(&b""[..]));
        assert_eq!(list.value("c"), Some(&b"3"[..]));
        assert_eq!(list.value("A"), None);
        assert_eq!(&text[list.get("a").unwrap().raw.clone()], b" one two ");
    }

    #[test]
    fn what_is_refused() {
        let cases: &[(&[u8], TagListError)] = &[
            (b"", TagListError::EmptyTag),
            (b"  ", TagListError::EmptyTag),
            (b";a=1", TagListError::EmptyTag),
            (b"a=1;;b=2", TagListError::EmptyTag),
            (b"a=1;;", TagListError::EmptyTag),
            (b"a=1; b", TagListError::NoEquals),
            (b"=1", TagListError::BadName),
            (b"1a=1", TagListError::BadName),
            (b"a b=1", TagListError::BadName),
            (b"a-b=1", TagListError::BadName),
            (b"a=1; a=1", TagListError::Duplicate("a".into())),
            (b"a=1\r\nb", TagListError::BadValue("a".into())),
            (b"a=1\n b", TagListError::BadValue("a".into())),
            (b"a=1\r b", TagListError::BadValue("a".into())),
            (b"a=1\0b", TagListError::BadValue("a".into())),
        ];
        for (text, error) in cases {
            assert_eq!(
                TagList::parse(text).unwrap_err(),
                *error,
                "{}",
                text.escape_ascii()
            );
        }
    }

    #[test]
    fn case_matters_in_names() {
        let list = TagList::parse(b"a=1; A=2").unwrap();
        assert_eq!(
            (list.value("a"), list.value("A")),
            (Some(&b"1"[..]), Some(&b"2"[..]))
        );
    }

    #[test]
    fn too_many_tags() {
        let mut text = String::new();
        for i in 0..=MAX_TAGS {
            text.push_str(&alloc::format!("a{i}=;"));
        }
        assert_eq!(
            TagList::parse(text.as_bytes()).unwrap_err(),
            TagListError::TooMany
        );
    }

    #[test]
    fn base64_with_blanks_without_junk() {
        assert_eq!(base64_decode(b" aG\r\n k= ").as_deref(), Some(&b"hi"[..]));
        assert_eq!(base64_decode(b"aGk").as_deref(), Some(&b"hi"[..]));
        for bad in [&b"aGk=!"[..], b"a", b"aGl=", b"aG=k", b"aGk\xff", b"aGk=="] {
            assert_eq!(base64_decode(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn quoted_printable() {
        assert_eq!(qp_decode(b"a=20b\r\n c=3B").as_deref(), Some(&b"a bc;"[..]));
        assert_eq!(qp_decode(b"a=2"), None);
        assert_eq!(qp_decode(b"a=3b"), None);
    }

    #[test]
    fn decimals_saturate() {
        assert_eq!(decimal(b"0", 12), Some(0));
        assert_eq!(decimal(b"1234567890123", 12), None);
        assert_eq!(decimal(b"99999999999999999999999999", 76), Some(u64::MAX));
        for bad in [&b""[..], b"-1", b"+1", b"1 2", b"0x1"] {
            assert_eq!(decimal(bad, 76), None);
        }
    }
}

//! Looking at many bytes at once: the line ends of a header, bytes that seldom are in
//! one, lines of a body that begin with dashes.

use crate::vectors::{BLOCK, Usual, VECTOR, Vectors, bits, equal, i8x16, u8x16, widest};

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineEnd {
    /// Behind its LF.
    pub(crate) end: usize,
    /// No CR is before that.
    pub(crate) is_bare: bool,
    /// A blank is behind it, or nothing is known of what is: the field may go on.
    pub(crate) is_fold: bool,
    /// In the line is NUL, a byte above 127, or a CR that no LF follows. Where CRLF alone ends
    /// one: a CR or LF by itself.
    pub(crate) is_odd: bool,
}

/// How the line ends that begins at `start`; `None` where no LF is. With `EXACT` CRLF alone ends
/// one.
///
/// Each look is at a block of its own, from where the line begins: most lines of a header
/// are over in the first, and nothing is kept from one to the next.
#[inline(always)]
pub(crate) fn line_end<const EXACT: bool>(bytes: &[u8], start: usize) -> Option<LineEnd> {
    let (mut from, mut is_odd) = (start, false);
    loop {
        let rest = bytes.get(from..)?;
        let padded;
        let window = match rest.first_chunk() {
            Some(window) => window,
            None if rest.is_empty() => return None,
            None => {
                padded = pad(rest);
                &padded
            }
        };
        let mut stops = stops(window);
        while stops != 0 {
            let at = stops.trailing_zeros() as usize % BLOCK;
            let is_blank = |n: usize| matches!(window.get(n), None | Some(b' ' | b'\t'));
            let line_end = |length: usize| LineEnd {
                end: from + at + length,
                is_bare: length == 1,
                is_fold: is_blank(at + length),
                is_odd,
            };
            match window.get(at..) {
                Some([b'\r', b'\n', ..]) => return Some(line_end(2)),
                Some([byte, ..]) if EXACT => is_odd |= matches!(byte, b'\r' | b'\n'),
                Some([b'\n', ..]) => return Some(line_end(1)),
                Some([byte, ..]) => is_odd |= !(1..b'\r').contains(byte),
                Some([]) | None => {}
            }
            stops &= stops - 1;
        }
        from += BLOCK;
    }
}

/// Whether in a field there is a CR or a LF that is no half of a CRLF; [`line_end`] tells the
/// same of each of its lines.
#[cold]
pub(crate) fn has_bare_ends(bytes: &[u8]) -> bool {
    let mut ends = memchr::memchr2_iter(b'\r', b'\n', bytes);
    let is_half = |at: usize| match bytes.get(at..) {
        Some([b'\r', b'\n', ..]) => true,
        Some([b'\n', ..]) => at.checked_sub(1).and_then(|cr| bytes.get(cr)) == Some(&b'\r'),
        _ => false,
    };
    !ends.all(is_half)
}

/// A block with the two bytes behind it, blanks for those that are not there.
#[inline(never)]
fn pad(bytes: &[u8]) -> [u8; BLOCK + 2] {
    let mut window = [b' '; BLOCK + 2];
    if let Some(to) = window.get_mut(..bytes.len()) {
        to.copy_from_slice(bytes);
    }
    window
}

/// Which bytes are CR, LF or odd, by bit; others below CR are among them, of which text
/// has the tab alone.
#[inline(always)]
fn stops(block: &[u8; BLOCK + 2]) -> u64 {
    // As signed numbers, what is above 127 is below all others; what is below CR and one is
    // below 0 without them.
    const BEHIND_CR: i8x16 = i8x16::new([b'\r' as i8 + 1; VECTOR]);
    let Some(block) = block.first_chunk() else {
        return 0;
    };
    bits(block, |bytes| {
        let signed = bytes.cast_signed().saturating_sub(BEHIND_CR);
        signed.cast_unsigned()
    })
}

/// Where the LF is behind which a line begins `--`, the first such one.
///
/// Most parts are short: what is near is looked at block by block, which takes no
/// preparation.
#[inline]
pub(crate) fn find_dashes(bytes: &[u8]) -> Option<usize> {
    const NEAR: usize = 2 * BLOCK;
    let mut block = 0;
    while block < NEAR {
        let rest = bytes.get(block..)?;
        let Some(window) = rest.first_chunk() else {
            return Some(block + dashes(&pad(rest))?);
        };
        if let Some(lf) = dashes(window) {
            return Some(block + lf);
        }
        // The last two bytes may belong to one that goes on behind the block.
        block += BLOCK;
    }
    widest!(vectors => dashes_in(vectors, bytes, block))
}

/// The same in the midst of a body, where none is near.
#[inline]
pub(crate) fn find_far_dashes(bytes: &[u8]) -> Option<usize> {
    match bytes.len() {
        ..DASHLESS => find_dashes(bytes),
        _ => widest!(vectors => dashes_in(vectors, bytes, 0)),
    }
}

/// The same from `start` on: what has no dash at all (base64 has none) is passed over.
#[inline(always)]
fn dashes_in<V: Vectors>(vectors: V, bytes: &[u8], start: usize) -> Option<usize> {
    /// So much is looked at block by block once there is a dash.
    const STRETCH: usize = 2 << 10;
    let mut at = start;
    loop {
        let rest = bytes.get(at..)?;
        match dashless(vectors, rest) {
            0 => {}
            all if all == rest.len() => return None,
            // A line end may be right before the dash.
            length => at += length - 1,
        }
        let end = at.saturating_add(STRETCH);
        while at < end {
            let rest = bytes.get(at..)?;
            let Some(window) = rest.first_chunk() else {
                return Some(at + dashes(&pad(rest))?);
            };
            if let Some(lf) = dashes_with(vectors, window) {
                return Some(at + lf);
            }
            at += BLOCK;
        }
    }
}

/// Bytes in which a dash is looked for together where there is mostly none.
const DASHLESS: usize = 256;

/// How many bytes come before some block with a dash in it; all if there is none.
#[inline(always)]
fn dashless<V: Vectors>(vectors: V, bytes: &[u8]) -> usize {
    /// Where a vector may lie across two lines of the cache, each fourth load takes twice
    /// as long.
    const LINE: usize = 64;
    match bytes.first_chunk() {
        Some(block) if !has_dash(vectors, block) => {}
        _ => return 0,
    }
    let aligned = bytes.as_ptr().align_offset(LINE).min(DASHLESS);
    let mut length = aligned;
    for block in bytes.get(aligned..).unwrap_or_default().as_chunks().0 {
        if has_dash(vectors, block) {
            return length;
        }
        length += DASHLESS;
    }
    match bytes.last_chunk() {
        Some(block) if !has_dash(vectors, block) => bytes.len(),
        _ => length,
    }
}

#[inline(always)]
fn has_dash<V: Vectors>(vectors: V, block: &[u8; DASHLESS]) -> bool {
    let mut any = vectors.are(vectors.load(block, 0), b'-');
    for n in (V::LENGTH..DASHLESS).step_by(V::LENGTH) {
        any = any | vectors.are(vectors.load(block, n), b'-');
    }
    vectors.bits(any) != 0
}

/// The same in one block with the two bytes behind it. Most have no dash.
#[inline]
fn dashes(window: &[u8; BLOCK + 2]) -> Option<usize> {
    dashes_with(Usual, window)
}

#[inline(always)]
fn dashes_with<V: Vectors>(vectors: V, window: &[u8; BLOCK + 2]) -> Option<usize> {
    let mut any = vectors.are(vectors.load(window, 1), b'-');
    for n in (V::LENGTH..BLOCK).step_by(V::LENGTH) {
        any = any | vectors.are(vectors.load(window, n + 1), b'-');
    }
    if vectors.bits(any) == 0 {
        return None;
    }
    let mut bits = 0;
    for n in (0..BLOCK).step_by(V::LENGTH) {
        let line_ends = vectors.are(vectors.load(window, n), b'\n');
        let dashes = vectors.are(vectors.load(window, n + 1), b'-');
        bits |= vectors.bits(line_ends & dashes) << n;
    }
    while bits != 0 {
        let lf = bits.trailing_zeros() as usize;
        if window.get(lf + 2) == Some(&b'-') {
            return Some(lf);
        }
        bits &= bits - 1;
    }
    None
}

/// How many bytes in front of `raw` may be of a name (RFC 5322 2.2): visible ones but
/// the colon; `None` if all.
#[inline(always)]
pub(crate) fn name_length(raw: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        let rest = raw.get(length..).unwrap_or_default();
        let Some(bytes) = rest.first_chunk() else {
            let is_end = |b: &u8| !b.is_ascii_graphic() || *b == b':';
            return Some(length + rest.iter().position(is_end)?);
        };
        let bytes = u8x16::new(*bytes);
        // With one added, as signed numbers, DEL and those above 127 are below all others.
        let visible = (bytes + u8x16::ONE).cast_signed();
        let ends = visible
            .saturating_sub(i8x16::splat(b'!' as i8 + 1))
            .cast_unsigned()
            | equal(bytes, b':');
        let ends = ends.to_bitmask();
        if ends != 0 {
            return Some(length + ends.trailing_zeros() as usize);
        }
        length += VECTOR;
    }
}

/// How many bytes come before one that ends a quoted string or does not stand for itself
/// in it: quote, backslash, or a control character, of which tabs do; `None` if all.
#[inline]
pub(crate) fn plain_quoted_length(text: &[u8]) -> Option<usize> {
    first(
        text,
        |word| (word.below(b' ') | word.is(b'"') | word.is(b'\\')) & word.is_ascii(),
        |byte| matches!(byte, ..b' ' | b'"' | b'\\'),
    )
}

/// Where the first byte is of which `is` holds: looked for by `stops`, which says the same
/// of eight bytes, in their high bits. The lowest bit that is set is right; of what is
/// above it nothing is known.
#[inline(always)]
fn first(bytes: &[u8], stops: impl Fn(Word) -> u64, is: impl Fn(u8) -> bool) -> Option<usize> {
    let (mut rest, mut length) = (bytes, 0);
    while let Some((word, behind)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*word);
        let stops = stops(Word(word)) & Word::HIGH;
        if stops != 0 {
            return Some(length + stops.trailing_zeros() as usize / 8);
        }
        (rest, length) = (behind, length + 8);
    }
    Some(length + rest.iter().position(|b| is(*b))?)
}

/// Eight bytes. What is asked of them comes as the high bit of each byte of which it is so.
/// It is right up to the lowest such byte, but that bytes above 127 may come as well.
#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;

    #[inline(always)]
    fn below(self, byte: u8) -> u64 {
        self.0.wrapping_sub(Self::ONES * u64::from(byte))
    }

    #[inline(always)]
    fn is(self, byte: u8) -> u64 {
        Word(self.0 ^ (Self::ONES * u64::from(byte))).below(1)
    }

    #[inline(always)]
    fn is_ascii(self) -> u64 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use memchr::memmem;
    use proptest::prelude::*;

    const LONG: &str = match core::str::from_utf8(&[b'A'; 255]) {
        Ok(text) => text,
        Err(_) => "",
    };

    fn has_odd(bytes: &[u8]) -> bool {
        let mut pairs = bytes.iter().zip(bytes.iter().skip(1).chain([&b' ']));
        pairs.any(|(a, b)| *a == 0 || *a > 127 || (*a == b'\r' && *b != b'\n'))
    }

    proptest! {
        #[test]
        fn lines_are_found_and_nothing_odd_is_missed(
            text in "([a-z :]|[a-z]{20}|\r\n|\n|\r\n[ \t]){0,30}",
            odd in prop::option::of((any::<prop::sample::Index>(), prop::sample::select(&[0, 127, 128, 255, b'\r'][..]))),
        ) {
            let mut text = text.into_bytes();
            if let Some((at, byte)) = odd {
                let at = at.index(text.len() + 1);
                text.insert(at, byte);
            }
            let (mut found, mut start) = (Vec::new(), 0);
            while let Some(LineEnd { end, is_bare, is_fold, is_odd }) = line_end::<false>(&text, start) {
                found.push(end - 1);
                prop_assert_eq!(is_bare, !text[start..end].ends_with(b"\r\n"));
                prop_assert_eq!(is_odd, has_odd(&text[start..end]));
                prop_assert_eq!(is_fold, text.get(end).is_none_or(|b| b" \t".contains(b)));
                start = end;
            }
            let all = (0..text.len()).filter(|n| text[*n] == b'\n');
            prop_assert_eq!(found, all.collect::<Vec<_>>());
            let exact = || core::iter::successors(line_end::<true>(&text, 0), |line| line_end::<true>(&text, line.end));
            let mut start = 0;
            for line in exact() {
                let inner = &text[start..line.end - 2];
                prop_assert_eq!(line.is_odd, inner.iter().any(|b| b"\r\n".contains(b)));
                prop_assert_eq!(line.is_odd, has_bare_ends(&text[start..line.end]));
                start = line.end;
            }
            let all = memmem::find_iter(&text, "\r\n").map(|n| n + 2);
            prop_assert_eq!(exact().map(|line| line.end).collect::<Vec<_>>(), all.collect::<Vec<_>>());
        }

        #[test]
        fn dashes_are_found_wherever_they_are(
            pieces in prop::collection::vec(
                prop::sample::select(&["\n", "-", "\n-", "\r\n", "a", "word - word", "0123456789", "-\n", LONG][..]),
                0..60,
            ),
            times in prop::sample::select(&[1usize, 1, 30, 300][..]),
            end in prop::sample::select(&["", "\n--", "\n--b", "\n--\n--"][..]),
        ) {
            let text = pieces.concat().repeat(times) + end;
            let text = text.as_bytes();
            let dash = text.iter().position(|b| *b == b'-').unwrap_or(text.len());
            let lengths = [
                dashless(Usual, text),
                widest!(vectors => dashless(vectors, text)),
            ];
            prop_assert_eq!(lengths[0], lengths[1]);
            prop_assert!(lengths[0] <= dash);
            let all: Vec<_> = memmem::find_iter(text, b"\n--").collect();
            type Find = fn(&[u8]) -> Option<usize>;
            let finders: [Find; 4] = [
                find_dashes,
                find_far_dashes,
                |text| dashes_in(Usual, text, 0),
                |text| widest!(vectors => dashes_in(vectors, text, 0)),
            ];
            for find in finders {
                let (mut from, mut found) = (0, Vec::new());
                while let Some(at) = find(&text[from..]) {
                    found.push(from + at);
                    from += at + 1;
                }
                prop_assert_eq!(&found, &all);
            }
        }

        #[test]
        fn names_end_where_they_do(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let stop = |b: &u8| !b.is_ascii_graphic() || *b == b':';
            prop_assert_eq!(name_length(&bytes), bytes.iter().position(stop));
            let visible: Vec<u8> = bytes.iter().map(|b| b'!' + b % 94).collect();
            prop_assert_eq!(name_length(&visible), visible.iter().position(stop));
        }
    }
}

//! Looking at many bytes at once: the line ends of a header, bytes that seldom are in
//! one, lines of a body that begin with dashes.

use memchr::memmem;
use wide::{i8x16, u8x16};

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// The line ends in some bytes, from first to last, and whether there was anything odd
/// on the way. Each byte is looked at once, and some 64 behind the last line end that
/// was asked for.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    /// Where the block in hand ends.
    block_end: usize,
    /// Bytes in it that [stop](stops) and were not passed yet, by bit.
    rest: u64,
    was_odd: bool,
}

/// A line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineEnd {
    /// Where its LF is.
    pub(crate) lf: usize,
    /// No CR is before that.
    pub(crate) is_bare: bool,
}

impl<'a> Lines<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Lines {
            bytes,
            block_end: 0,
            rest: 0,
            was_odd: false,
        }
    }

    /// The next line end. What is in hand stays in registers where this is inlined.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<LineEnd> {
        loop {
            while self.rest == 0 {
                let rest = self.bytes.get(self.block_end..)?;
                if rest.is_empty() {
                    return None;
                }
                self.rest = stops_in(rest);
                self.block_end += BLOCK;
            }
            let at = self.block_end - BLOCK + self.rest.trailing_zeros() as usize;
            self.rest &= self.rest - 1;
            match self.bytes.get(at..) {
                Some([b'\r', b'\n', ..]) => {
                    // The LF stops, too, and is the next one that does.
                    if self.rest == 0 {
                        self.rest = stops_from(self.bytes, self.block_end);
                        self.block_end += BLOCK;
                    }
                    self.rest &= self.rest.wrapping_sub(1);
                    return Some(LineEnd {
                        lf: at + 1,
                        is_bare: false,
                    });
                }
                Some([b'\n', ..]) => {
                    return Some(LineEnd {
                        lf: at,
                        is_bare: true,
                    });
                }
                Some([byte, ..]) => self.was_odd |= !(1..b'\r').contains(byte),
                Some([]) | None => {}
            }
        }
    }

    /// Whether there was NUL, a byte above 127, or a CR that no LF follows, between the
    /// line end behind which this was last asked and the one given out last.
    #[inline]
    pub(crate) fn take_odd(&mut self) -> bool {
        core::mem::take(&mut self.was_odd)
    }
}

/// [`stops`] in the first block of `bytes`, as far as it is there.
#[inline(always)]
fn stops_in(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(block) => stops(block),
        None => {
            let mut block = [b' '; BLOCK];
            if let Some(to) = block.get_mut(..bytes.len()) {
                to.copy_from_slice(bytes);
            }
            stops(&block)
        }
    }
}

/// The same in the block that begins at `from`.
#[cold]
fn stops_from(bytes: &[u8], from: usize) -> u64 {
    stops_in(bytes.get(from..).unwrap_or_default())
}

/// Which bytes are CR, LF or odd, by bit; others below CR are among them, of which text
/// has the tab alone.
#[inline]
fn stops(block: &[u8; BLOCK]) -> u64 {
    // As signed numbers, what is above 127 is below all others.
    const BEHIND_CR: i8x16 = i8x16::new([b'\r' as i8 + 1; VECTOR]);
    bits(|n| {
        vector(block, n)
            .cast_signed()
            .simd_lt(BEHIND_CR)
            .to_bitmask()
    })
}

/// Bytes of a vector; [`BLOCK`] is four of them.
const VECTOR: usize = 16;

/// The bytes from `n` on; blanks where they are not there.
#[inline(always)]
fn vector(bytes: &[u8], n: usize) -> u8x16 {
    let bytes = bytes.get(n..).and_then(<[u8]>::first_chunk);
    u8x16::new(*bytes.unwrap_or(&[b' '; VECTOR]))
}

/// The bits of a block, from those of the vectors that begin at some byte of it.
#[inline(always)]
fn bits(of: impl Fn(usize) -> u32) -> u64 {
    let bits = |n: usize| u64::from(of(n * VECTOR)) << (n * VECTOR);
    bits(0) | bits(1) | bits(2) | bits(3)
}

/// Finds the line end behind which a line begins `--`.
#[derive(Debug, Default)]
pub(crate) struct Dashes {
    /// For `\n--`; made when first needed.
    finder: Option<memmem::Finder<'static>>,
}

impl Dashes {
    /// Where its LF is, the first such one in `bytes`.
    ///
    /// Most parts are short: what is near is looked at block by block, which takes no
    /// preparation. What is far is passed over as long as there is no dash at all
    /// (base64 has none).
    #[inline]
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        const NEAR: usize = 8 * BLOCK;
        let mut block = 0;
        while block < NEAR {
            let rest = bytes.get(block..)?;
            let Some(window) = rest.first_chunk() else {
                return Some(block + dashes_at_end(rest)?);
            };
            if let Some(lf) = dashes(window) {
                return Some(block + lf);
            }
            // The last two bytes may belong to one that goes on behind the block.
            block += BLOCK;
        }
        self.far(bytes, block)
    }

    #[cold]
    fn far(&mut self, bytes: &[u8], start: usize) -> Option<usize> {
        /// So much is searched at a time once there is a dash.
        const STRETCH: usize = 16 << 10;
        let new = || memmem::Finder::new(b"\n--");
        let finder = self.finder.get_or_insert_with(new);
        let mut at = start;
        loop {
            at += dashless(bytes.get(at..)?);
            // A line end and a dash may be right before.
            let from = at.saturating_sub(2);
            let end = at.saturating_add(STRETCH).min(bytes.len());
            if let Some(found) = finder.find(bytes.get(from..end)?) {
                return Some(from + found);
            }
            if end == bytes.len() {
                return None;
            }
            at = end;
        }
    }
}

/// How many bytes, in blocks, come before one with a dash in it or the last block.
fn dashless(bytes: &[u8]) -> usize {
    const BLOCK: usize = 256;
    /// Where a vector may lie across two lines of the cache, each fourth load takes twice
    /// as long.
    const LINE: usize = 64;
    let has_dash = |block: &[u8; BLOCK]| {
        let mut any = false;
        for byte in block {
            any |= *byte == b'-';
        }
        any
    };
    if bytes.first_chunk().is_none_or(has_dash) {
        return 0;
    }
    let aligned = bytes.as_ptr().align_offset(LINE).min(BLOCK);
    let blocks = bytes.get(aligned..).unwrap_or_default().as_chunks().0;
    aligned + blocks.iter().take_while(|block| !has_dash(block)).count() * BLOCK
}

/// The same in one block with the two bytes behind it.
#[inline]
fn dashes(window: &[u8; BLOCK + 2]) -> Option<usize> {
    let line_ends = |n| vector(window, n).simd_eq(u8x16::splat(b'\n'));
    let dashes = |n| vector(window, n + 1).simd_eq(u8x16::splat(b'-'));
    let mut bits = bits(|n| (line_ends(n) & dashes(n)).to_bitmask());
    while bits != 0 {
        let lf = bits.trailing_zeros() as usize;
        if window.get(lf + 2) == Some(&b'-') {
            return Some(lf);
        }
        bits &= bits - 1;
    }
    None
}

/// The same where no block is left.
fn dashes_at_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|w| w == b"\n--")
}

/// How many bytes in front of `raw` may be of a name (RFC 5322 2.2): visible ones but
/// the colon; `None` if all.
#[inline]
pub(crate) fn name_length(raw: &[u8]) -> Option<usize> {
    first(
        raw,
        |word| word.below(b'!') | word.is(b':') | word.is_delete_or_above(),
        |byte| !byte.is_ascii_graphic() || byte == b':',
    )
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

    /// Those above 127 do come.
    #[inline(always)]
    fn is_delete_or_above(self) -> u64 {
        self.0.wrapping_add(Self::ONES) | self.0
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
    use proptest::prelude::*;

    const LONG: &str = match core::str::from_utf8(&[b'A'; 255]) {
        Ok(text) => text,
        Err(_) => "",
    };

    fn is_odd(bytes: &[u8]) -> bool {
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
            let mut lines = Lines::new(&text);
            let (mut found, mut start) = (Vec::new(), 0);
            while let Some(LineEnd { lf, is_bare }) = lines.next() {
                found.push(lf);
                prop_assert_eq!(is_bare, !text[start..lf].ends_with(b"\r"));
                prop_assert_eq!(lines.take_odd(), is_odd(&text[start..=lf]));
                start = lf + 1;
            }
            let all = (0..text.len()).filter(|n| text[*n] == b'\n');
            prop_assert_eq!(found, all.collect::<Vec<_>>());
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
            let mut dashes = Dashes::default();
            let (mut from, mut found) = (0, Vec::new());
            while let Some(at) = dashes.find(&text[from..]) {
                found.push(from + at);
                from += at + 1;
            }
            prop_assert_eq!(found, memmem::find_iter(text, b"\n--").collect::<Vec<_>>());
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

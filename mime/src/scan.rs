//! Looking at many bytes at once: the line ends of a header, bytes that seldom are in
//! one, lines of a body that begin with dashes. The loops are over arrays, which the
//! compiler makes vectors of.

use memchr::memmem;

/// Bytes that are looked at together.
const BLOCK: usize = 64;

/// The line feeds in some bytes, from first to last, and whether there was anything
/// odd on the way. Each byte is looked at once, and some 64 behind the last line feed
/// that was asked for.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    bytes: &'a [u8],
    /// Where the block in hand begins.
    block: usize,
    /// Line feeds in it that were not given out yet, by bit.
    rest: u64,
    block_is_odd: bool,
    was_odd: bool,
}

impl<'a> Lines<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut lines = Lines {
            bytes,
            block: 0,
            rest: 0,
            block_is_odd: false,
            was_odd: false,
        };
        lines.load();
        lines
    }

    /// Where the next line feed is.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<usize> {
        while self.rest == 0 {
            let block = self.block + BLOCK;
            if block >= self.bytes.len() {
                return None;
            }
            self.block = block;
            self.load();
        }
        let lf = self.block + self.rest.trailing_zeros() as usize;
        self.rest &= self.rest - 1;
        Some(lf)
    }

    /// Whether there may have been NUL, a byte above 127, or a CR that no LF follows,
    /// between the line feed behind which this was last asked and the one given out
    /// last. If not, there was none; if so, it may be in their neighbourhood.
    #[inline]
    pub(crate) fn take_odd(&mut self) -> bool {
        core::mem::replace(&mut self.was_odd, self.block_is_odd)
    }

    #[inline]
    fn load(&mut self) {
        let rest = self.bytes.get(self.block..).unwrap_or_default();
        let pair = |bytes: &[u8]| {
            let behind = bytes.get(1..)?.first_chunk()?;
            Some(look(bytes.first_chunk()?, behind))
        };
        let (rest, is_odd) = pair(rest).unwrap_or_else(|| {
            let mut last = [b' '; BLOCK + 1];
            let taken = rest.get(..BLOCK + 1).unwrap_or(rest);
            if let Some(to) = last.get_mut(..taken.len()) {
                to.copy_from_slice(taken);
            }
            pair(&last).unwrap_or_default()
        });
        self.rest = rest;
        self.block_is_odd = is_odd;
        self.was_odd |= is_odd;
    }
}

/// Which bytes are LF, by bit, and whether one is odd, given each one's successor.
fn look(block: &[u8; BLOCK], behind: &[u8; BLOCK]) -> (u64, bool) {
    let mut lf = [0; BLOCK];
    for n in 0..BLOCK {
        lf[n] = u8::from(block[n] == b'\n');
    }
    let mut odd = [0; BLOCK];
    for n in 0..BLOCK {
        let bare = u8::from(block[n] == b'\r') & u8::from(behind[n] != b'\n');
        // As signed numbers, NUL and what is above 127 are below 1.
        odd[n] = u8::from((block[n] as i8) < 1) | bare;
    }
    let (mut bits, mut any) = (0, 0);
    let (lf, odd) = (lf.as_chunks().0, odd.as_chunks().0);
    for n in 0..BLOCK / 8 {
        bits |= gathered(u64::from_le_bytes(lf[n])) << (8 * n);
        any |= u64::from_le_bytes(odd[n]);
    }
    (bits, any != 0)
}

/// The lowest bit of each byte, side by side.
#[inline(always)]
fn gathered(word: u64) -> u64 {
    word.wrapping_mul(0x0102_0408_1020_4080) >> 56
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
    let blocks = bytes.as_chunks::<BLOCK>().0;
    let has_dash = |block: &[u8; BLOCK]| {
        let mut any = 0;
        for byte in block {
            any |= u8::from(*byte == b'-');
        }
        any != 0
    };
    blocks.iter().take_while(|block| !has_dash(block)).count() * BLOCK
}

/// The same in one block with the two bytes behind it.
#[inline]
fn dashes(window: &[u8; BLOCK + 2]) -> Option<usize> {
    let mut found = [0; BLOCK];
    for n in 0..BLOCK {
        found[n] = u8::from(window[n] == b'\n') & u8::from(window[n + 1] == b'-');
    }
    let found = found.as_chunks().0;
    let (mut bits, mut any) = (0, 0);
    for word in found {
        any |= u64::from_le_bytes(*word);
    }
    if any == 0 {
        return None;
    }
    for (n, word) in found.iter().enumerate() {
        bits |= gathered(u64::from_le_bytes(*word)) << (8 * n);
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

/// The same where no block is left.
fn dashes_at_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|w| w == b"\n--")
}

/// How many bytes in front of `raw` may be of a name (RFC 5322 2.2): visible ones but
/// the colon; `None` if all. Eight at a time: the lowest bit that is set is that of a
/// byte that stops, though higher ones may be wrong.
#[inline]
pub(crate) fn name_length(raw: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, byte: u8| word.wrapping_sub(ONES * u64::from(byte)) & !word & HIGH;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (mut rest, mut length) = (raw, 0);
    while let Some((word, behind)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*word);
        let stops = below(word, b'!') | equal(word, b':') | equal(word, 0x7f) | (word & HIGH);
        if stops != 0 {
            return Some(length + stops.trailing_zeros() as usize / 8);
        }
        (rest, length) = (behind, length + 8);
    }
    let last = rest
        .iter()
        .position(|b| !b.is_ascii_graphic() || *b == b':')?;
    Some(length + last)
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
            while let Some(lf) = lines.next() {
                found.push(lf);
                let line = &text[start..=lf];
                let told = lines.take_odd();
                prop_assert!(told || !is_odd(line));
                prop_assert!(!told || is_odd(&text));
                start = lf + 1;
            }
            prop_assert!(lines.take_odd() || !is_odd(&text[start..]));
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

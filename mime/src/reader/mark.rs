//! Counting bytes and line ends as they pass.

use core::ops::Range;

use memchr::memchr_iter;

use crate::vectors::{Usual, Vectors, widest};

/// How large a stretch of a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Size {
    /// Bytes as stored.
    pub octets: u64,
    /// Line ends, CRLF or bare LF. A last line without one does not count.
    pub lines: u64,
    /// Bytes if every line ended in CRLF, as IMAP counts (RFC 3501 2.3.4).
    pub crlf_octets: u64,
}

impl Size {
    /// The size of these bytes. Cost: one pass over them.
    ///
    /// ```
    /// let size = scop_mime::Size::of(b"a\nb\r\n");
    /// assert_eq!((size.octets, size.lines, size.crlf_octets), (5, 2, 6));
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::within(bytes, 0..bytes.len() as u64)
    }

    /// The size of a stretch of a message: its first LF is no bare one where a CR is
    /// before the stretch.
    pub(crate) fn within(message: &[u8], range: Range<u64>) -> Self {
        let before = crate::tree_slice(message, range.start.saturating_sub(1)..range.start);
        let bytes = crate::tree_slice(message, range);
        let mut mark = Mark {
            after_cr: before == b"\r",
            ..Mark::default()
        };
        mark.count(bytes);
        mark.offset = bytes.len() as u64;
        mark.since(&Mark::default())
    }
}

/// A place in the message, with what came before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) offset: u64,
    /// Line ends before it.
    pub(crate) lines: u64,
    /// Those that are a bare LF.
    pub(crate) bare: u64,
    /// The byte before it is a CR.
    pub(crate) after_cr: bool,
}

impl Mark {
    /// Counts the line ends of `bytes`, which begin here; does not move.
    #[inline]
    pub(crate) fn count(&mut self, bytes: &[u8]) {
        let (lines, crlf) = line_ends(bytes);
        let split = self.after_cr && bytes.first() == Some(&b'\n');
        self.lines += lines;
        self.bare += lines - crlf - u64::from(split);
        if let Some(last) = bytes.last() {
            self.after_cr = *last == b'\r';
        }
    }

    /// Both kinds of line ends came before it.
    #[inline]
    pub(crate) fn is_mixed(&self) -> bool {
        self.bare > 0 && self.bare < self.lines
    }

    /// The line end in `bytes`, which begin here, with which both kinds are there.
    pub(crate) fn first_mixed(mut self, bytes: &[u8]) -> Option<u64> {
        let mut at = 0;
        for lf in memchr_iter(b'\n', bytes) {
            self.count(bytes.get(at..=lf)?);
            at = lf + 1;
            if self.is_mixed() {
                return Some(self.offset + lf as u64);
            }
        }
        None
    }

    /// The size of what lies between `start` and here.
    #[inline]
    pub(crate) fn since(&self, start: &Mark) -> Size {
        let octets = self.offset.saturating_sub(start.offset);
        Size {
            octets,
            lines: self.lines.saturating_sub(start.lines),
            crlf_octets: octets + self.bare.saturating_sub(start.bare),
        }
    }
}

/// The LF in `bytes`, and those behind a CR.
fn line_ends(bytes: &[u8]) -> (u64, u64) {
    match bytes.len() {
        ..BLOCK => line_ends_of_few(bytes),
        BLOCK..MANY => line_ends_in(Usual, bytes),
        MANY.. => widest!(vectors => line_ends_in(vectors, bytes)),
    }
}

/// Bytes that are looked at together: as many as there are bits in a word.
const BLOCK: usize = u64::BITS as usize;

/// So many bytes are worth to ask for the widest vectors.
const MANY: usize = 8 * BLOCK;

#[inline(always)]
fn line_ends_in<V: Vectors>(vectors: V, bytes: &[u8]) -> (u64, u64) {
    let (mut lines, mut crlf, mut after_cr) = (0, 0, 0);
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for block in blocks {
        let (lf, cr) = bits(vectors, block);
        lines += u64::from(lf.count_ones());
        crlf += u64::from((lf & (cr << 1 | after_cr)).count_ones());
        after_cr = cr >> (BLOCK - 1);
    }
    if !rest.is_empty() {
        match bytes.last_chunk() {
            // Of these the first were counted.
            Some(last) => {
                let (lf, cr) = bits(vectors, last);
                let lf = lf >> (BLOCK - rest.len()) << (BLOCK - rest.len());
                lines += u64::from(lf.count_ones());
                crlf += u64::from((lf & (cr << 1)).count_ones());
            }
            None => return line_ends_of_few(bytes),
        }
    }
    (lines, crlf)
}

/// Which bytes are LF, and which CR.
#[inline(always)]
fn bits<V: Vectors>(vectors: V, block: &[u8; BLOCK]) -> (u64, u64) {
    let (mut lf, mut cr) = (0, 0);
    for n in (0..BLOCK).step_by(V::LENGTH) {
        let these = vectors.load(block, n);
        lf |= vectors.bits(vectors.are(these, b'\n')) << n;
        cr |= vectors.bits(vectors.are(these, b'\r')) << n;
    }
    (lf, cr)
}

/// The line ends by words of eight bytes: a delimiter, or the line that is all of a part, is
/// over before a vector is ready.
fn line_ends_of_few(bytes: &[u8]) -> (u64, u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW: u64 = ONES * 0x7f;
    // The high bit of each byte that is this one.
    let equal = |word: u64, byte: u8| {
        let other = word ^ (ONES * u64::from(byte));
        !(((other & LOW) + LOW) | other | LOW)
    };
    let count = |bits: u64| (bits >> 7).wrapping_mul(ONES) >> 56;
    let (mut lines, mut crlf, mut after_cr) = (0, 0, 0);
    let mut add = |word: u64| {
        let (lf, cr) = (equal(word, b'\n'), equal(word, b'\r'));
        lines += count(lf);
        crlf += count(lf & (cr << 8 | after_cr));
        after_cr = cr >> 56;
    };
    let (words, rest) = bytes.as_chunks();
    for word in words {
        add(u64::from_le_bytes(*word));
    }
    add((rest.iter().rev()).fold(0, |word, byte| word << 8 | u64::from(*byte)));
    (lines, crlf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_count_the_same_at_any_cut() {
        let text = b"a\r\nb\n\r\n\n\rc\r";
        let mut whole = Mark::default();
        whole.count(text);
        assert_eq!((whole.lines, whole.bare), (4, 2));
        for cut in 0..=text.len() {
            let mut mark = Mark::default();
            mark.count(&text[..cut]);
            mark.count(&text[cut..]);
            assert_eq!(mark, whole);
        }
        let size = Size::of(text);
        assert_eq!((size.octets, size.lines, size.crlf_octets), (11, 4, 13));
    }

    #[test]
    fn line_ends_are_counted_as_bytes_are() {
        let mut random = 7u32;
        let mut text = [0; 1100];
        for length in (0..40).cycle().take(4000).chain((40..1100).step_by(7)) {
            for byte in &mut text[..length] {
                random = random.wrapping_mul(1_103_515_245).wrapping_add(12345);
                *byte = b"\r\n\n\r\x0b\x8a\x8da"[(random >> 20) as usize % 8];
            }
            let text = &text[..length];
            let lines = text.iter().filter(|b| **b == b'\n').count() as u64;
            let crlf = text.windows(2).filter(|w| w == b"\r\n").count() as u64;
            let counted = [
                line_ends(text),
                line_ends_of_few(text),
                line_ends_in(Usual, text),
                widest!(vectors => line_ends_in(vectors, text)),
            ];
            assert_eq!(counted, [(lines, crlf); 4], "{}", text.escape_ascii());
        }
    }

    #[test]
    fn blocks_are_counted_as_bytes_are() {
        let mut text = alloc::vec![b'\n'; 700];
        assert_eq!(line_ends(&text), (700, 0));
        for n in (0..700).step_by(2) {
            text[n] = b'\r';
        }
        assert_eq!(line_ends(&text), (350, 350));
        text[400] = b'\n';
        assert_eq!(Mark::default().first_mixed(&text), Some(400));
    }
}

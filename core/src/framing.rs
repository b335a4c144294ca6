//! Framing: finding the end of a line, counting off a literal. Each remembers how
//! far it got, so a byte is looked at once however the input was cut.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// `CR LF`: the line end of every protocol here.
    Crlf,
    /// A bare `LF`. It is framed, so that the peer can be told, but no protocol of
    /// ours may act on such a line (RFC 5321 2.3.8).
    BareLf,
}

/// What [`LineScanner::scan`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// A line of `len` bytes is at the front of the input, its ending included.
    Line {
        /// Bytes up to and with the line end.
        len: usize,
        /// How it ended; a [`Ending::Crlf`] is two bytes, a [`Ending::BareLf`] one.
        ending: Ending,
    },
    /// No line end yet.
    Incomplete,
    /// The first `limit` bytes hold no line end: [`LineScanner::discard`] it.
    TooLong,
}

impl Scan {
    /// The line's content without its ending, where there is a line.
    #[must_use]
    #[inline]
    pub fn content<'a>(&self, input: &'a [u8]) -> Option<&'a [u8]> {
        match *self {
            Scan::Line { len, ending } => {
                let end = match ending {
                    Ending::Crlf => 2,
                    Ending::BareLf => 1,
                };
                input.get(..len.checked_sub(end)?)
            }
            _ => None,
        }
    }
}

/// Finds line ends in a growing buffer.
///
/// ```
/// use scop_core::{Ending, LineScanner, Scan};
///
/// let mut scanner = LineScanner::new();
/// assert_eq!(scanner.scan(b"NO", 512), Scan::Incomplete);
/// let found = scanner.scan(b"NOOP\r\nRSET", 512);
/// assert_eq!(found, Scan::Line { len: 6, ending: Ending::Crlf });
/// assert_eq!(found.content(b"NOOP\r\nRSET"), Some(&b"NOOP"[..]));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LineScanner {
    scanned: usize,
}

impl LineScanner {
    /// A scanner at the start of a line.
    #[must_use]
    pub const fn new() -> Self {
        LineScanner { scanned: 0 }
    }

    /// Looks for the line end in `input`, of which earlier calls saw a prefix.
    /// `limit` is the longest line in bytes, ending included.
    ///
    /// On [`Scan::Line`] the scanner starts over, for the bytes behind that line.
    /// The answer does not depend on how the input was cut. Cost: one `memchr`
    /// over the bytes not seen yet.
    #[inline]
    pub fn scan(&mut self, input: &[u8], limit: usize) -> Scan {
        let end = input.len().min(limit);
        let start = self.scanned.min(end);
        match memchr(b'\n', &input[start..end]) {
            Some(at) => {
                let lf = start + at;
                self.scanned = 0;
                let ending = match input[..lf].last() {
                    Some(b'\r') => Ending::Crlf,
                    _ => Ending::BareLf,
                };
                Scan::Line {
                    len: lf + 1,
                    ending,
                }
            }
            None => {
                self.scanned = end;
                if input.len() >= limit {
                    Scan::TooLong
                } else {
                    Scan::Incomplete
                }
            }
        }
    }

    /// Throws away the rest of an overlong line, up to and with its LF. `true`
    /// once the LF came; until then call again with more input.
    pub fn discard(&mut self, input: &mut BytesMut) -> bool {
        self.scanned = 0;
        match memchr(b'\n', input) {
            Some(lf) => {
                input.advance(lf + 1);
                true
            }
            None => {
                input.clear();
                false
            }
        }
    }

    /// Starts over: what was scanned is no longer at the front of the input.
    pub fn reset(&mut self) {
        self.scanned = 0;
    }
}

/// Takes `n` bytes off the front: without a copy when they are many, as a copy
/// when they are few, so that a small value never keeps a large buffer alive.
///
/// `n` is capped at what there is.
#[must_use]
pub fn take(input: &mut BytesMut, n: usize) -> Bytes {
    let n = n.min(input.len());
    if n >= crate::Outbox::UNCOPIED {
        input.split_to(n).freeze()
    } else {
        let copy = Bytes::copy_from_slice(&input[..n]);
        input.advance(n);
        copy
    }
}

/// Counts off the bytes of a literal of announced size as they come. It holds no
/// bytes: the announcement alone allocates nothing.
///
/// ```
/// use bytes::BytesMut;
/// use scop_core::Counted;
///
/// let mut literal = Counted::new(5);
/// let mut input = BytesMut::from("hel");
/// assert_eq!(literal.next(&mut input).unwrap(), "hel");
/// assert!(literal.next(&mut input).is_none() && !literal.is_done());
/// input.extend_from_slice(b"lo)\r\n");
/// assert_eq!(literal.next(&mut input).unwrap(), "lo");
/// assert!(literal.is_done());
/// assert_eq!(input, ")\r\n");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    left: u64,
}

impl Counted {
    /// A literal of which `size` bytes are to come.
    #[must_use]
    pub const fn new(size: u64) -> Self {
        Counted { left: size }
    }

    /// Bytes still to come.
    #[must_use]
    pub const fn left(&self) -> u64 {
        self.left
    }

    /// All of it came.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.left == 0
    }

    /// The next bytes of it, as [`take`] gives them; `None` when there are none
    /// in `input` or it is done.
    pub fn next(&mut self, input: &mut BytesMut) -> Option<Bytes> {
        let n = self.available(input);
        if n == 0 {
            return None;
        }
        self.left -= n as u64;
        Some(take(input, n))
    }

    /// Throws away the bytes of it that are there; `true` once all were.
    pub fn skip(&mut self, input: &mut BytesMut) -> bool {
        let n = self.available(input);
        self.left -= n as u64;
        input.advance(n);
        self.is_done()
    }

    fn available(&self, input: &BytesMut) -> usize {
        usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(input.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use proptest::prelude::*;

    #[test]
    fn a_byte_is_scanned_once() {
        let mut scanner = LineScanner::new();
        assert_eq!(scanner.scan(b"abc", 100), Scan::Incomplete);
        // A line end that appears where the scanner has been is not found: it did
        // not look there again.
        assert_eq!(scanner.scan(b"\r\ncdef", 100), Scan::Incomplete);
    }

    #[test]
    fn a_line_may_be_exactly_the_limit() {
        let line = b"12345678\r\n";
        assert_eq!(
            LineScanner::new().scan(line, 10),
            Scan::Line {
                len: 10,
                ending: Ending::Crlf
            }
        );
        assert_eq!(LineScanner::new().scan(line, 9), Scan::TooLong);
        assert_eq!(LineScanner::new().scan(&line[..9], 9), Scan::TooLong);
        assert_eq!(LineScanner::new().scan(&line[..9], 10), Scan::Incomplete);
    }

    #[test]
    fn an_overlong_line_is_discarded_up_to_its_end() {
        let mut scanner = LineScanner::new();
        let mut input = BytesMut::from(&[b'x'; 50][..]);
        assert_eq!(scanner.scan(&input, 20), Scan::TooLong);
        assert!(!scanner.discard(&mut input) && input.is_empty());
        input.extend_from_slice(b"yy\r\nNOOP\r\n");
        assert!(scanner.discard(&mut input));
        assert!(matches!(
            scanner.scan(&input, 20),
            Scan::Line { len: 6, .. }
        ));
    }

    #[test]
    fn small_takes_copy_and_large_ones_share() {
        let mut input = BytesMut::from(&vec![1u8; 8192][..]);
        let at = input.as_ptr();
        let small = take(&mut input, 20);
        assert_ne!(small.as_ptr(), at, "a copy: 20 bytes must not pin 8 KiB");
        let at = input.as_ptr();
        let large = take(&mut input, 4096);
        assert_eq!(large.as_ptr(), at, "the same memory");
    }

    #[test]
    fn a_literal_of_any_size_allocates_nothing_when_announced() {
        let mut literal = Counted::new(u64::MAX);
        let mut input = BytesMut::from("abc");
        assert_eq!(literal.next(&mut input).unwrap(), "abc");
        assert_eq!(literal.left(), u64::MAX - 3);
        let mut refused = Counted::new(4);
        input.extend_from_slice(b"abcdNOOP");
        assert!(refused.skip(&mut input));
        assert_eq!(input, "NOOP");
    }

    /// All lines of `input` and whether a rest was too long, fed in `cuts`.
    fn frame(input: &[u8], limit: usize, cuts: &[usize]) -> Vec<(Vec<u8>, Option<Ending>)> {
        let (mut scanner, mut buf, mut lines) = (LineScanner::new(), BytesMut::new(), Vec::new());
        let mut feed = |chunk: &[u8]| {
            buf.extend_from_slice(chunk);
            loop {
                match scanner.scan(&buf, limit) {
                    Scan::Line { len, ending } => {
                        lines.push((buf.split_to(len).to_vec(), Some(ending)));
                    }
                    Scan::TooLong => {
                        lines.push((buf.split_to(limit).to_vec(), None));
                        scanner.reset();
                    }
                    Scan::Incomplete => break,
                }
            }
        };
        let mut from = 0;
        for &cut in cuts {
            feed(&input[from..cut]);
            from = cut;
        }
        feed(&input[from..]);
        lines
    }

    proptest! {
        #[test]
        fn framing_does_not_depend_on_the_cuts(
            input in prop::collection::vec(prop::sample::select(&b"ab\r\n"[..]), 0..60),
            limit in 1usize..20,
            mut cuts in prop::collection::vec(0usize..60, 0..8),
        ) {
            cuts.iter_mut().for_each(|c| *c = (*c).min(input.len()));
            cuts.sort_unstable();
            prop_assert_eq!(frame(&input, limit, &cuts), frame(&input, limit, &[]));
        }
    }
}

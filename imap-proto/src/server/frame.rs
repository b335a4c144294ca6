//! Finding commands in a stream: a line, and where it ends in an announcement, a
//! literal and another line. Each byte is looked at once.

use scop_core::{Ending, LineScanner, Scan};

use crate::types::Literal;

/// Where the frame at the front of the input is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Framer {
    scanner: LineScanner,
    /// Bytes of it that are framed: whole lines and whole literals.
    framed: usize,
    /// Bytes of a literal behind them that are to come.
    literal: usize,
    /// Literals in it.
    literals: u32,
}

/// What is at the front of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framed {
    /// Not all of it is there.
    Incomplete,
    /// A whole frame of that many bytes. The framer is ready for the next.
    Whole { len: usize, ending: Ending },
    /// The first `len` bytes end in the announcement of a literal: go on with
    /// [`Framer::inline`], or take them off and [`Framer::reset`].
    Literal {
        len: usize,
        literal: Result<Literal, &'static str>,
        /// Those before it in this frame.
        before: u32,
    },
    /// It is longer than the limit.
    TooLong,
}

impl Framer {
    /// Whether it is between frames, given that the input is empty.
    pub(super) fn reset(&mut self) {
        *self = Framer::default();
    }

    /// Looks on. `limit` is for the whole frame.
    pub(super) fn next(&mut self, input: &[u8], limit: usize) -> Framed {
        if self.literal > 0 {
            if input.len() < self.framed + self.literal {
                return Framed::Incomplete;
            }
            self.framed += core::mem::take(&mut self.literal);
        }
        let line = input.get(self.framed..).unwrap_or_default();
        let found = self.scanner.scan(line, limit.saturating_sub(self.framed));
        let (len, ending) = match found {
            Scan::Incomplete => return Framed::Incomplete,
            Scan::TooLong => return Framed::TooLong,
            Scan::Line { len, ending } => (len, ending),
        };
        let announced = match ending {
            Ending::Crlf => found.content(line).and_then(Literal::at_end),
            // Such a line is not acted on.
            Ending::BareLf => None,
        };
        let len = self.framed + len;
        match announced {
            Some(literal) => {
                self.framed = len;
                let before = self.literals;
                self.literals += 1;
                Framed::Literal {
                    len,
                    literal,
                    before,
                }
            }
            None => {
                self.reset();
                Framed::Whole { len, ending }
            }
        }
    }

    /// The literal just announced belongs into the frame, if the frame can be of
    /// `limit` bytes with it and a line end.
    pub(super) fn inline(&mut self, literal: Literal, limit: usize) -> bool {
        let size = usize::try_from(literal.size()).unwrap_or(usize::MAX);
        if size.saturating_add(self.framed).saturating_add(2) > limit {
            return false;
        }
        self.literal = size;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_lie_in_the_frame() {
        let stream = b"a LOGIN {3}\r\nt\r\n {2+}\r\nxy\r\nb NOOP\r\n";
        let mut framer = Framer::default();
        let mut seen = 0;
        let mut lens = alloc::vec::Vec::new();
        // Byte by byte, never from the start again.
        for end in 0..=stream.len() {
            loop {
                match framer.next(&stream[seen..end], 100) {
                    Framed::Literal { literal, .. } => {
                        assert!(framer.inline(literal.unwrap(), 100));
                    }
                    Framed::Whole { len, .. } => {
                        lens.push(len);
                        seen += len;
                    }
                    Framed::Incomplete => break,
                    Framed::TooLong => panic!("too long"),
                }
            }
        }
        assert_eq!(lens, [27, 8]);
    }

    #[test]
    fn a_frame_is_bounded_as_a_whole() {
        let mut framer = Framer::default();
        let Framed::Literal { literal, .. } = framer.next(b"a LOGIN {80}\r\n", 100) else {
            panic!("no literal");
        };
        assert!(!framer.inline(literal.unwrap(), 95));
        assert!(framer.inline(literal.unwrap(), 96));
        assert_eq!(framer.next(&[b'x'; 100], 96), Framed::TooLong);
        let huge = Literal::sync(u64::MAX);
        assert!(!framer.inline(huge, usize::MAX - 1));
    }
}

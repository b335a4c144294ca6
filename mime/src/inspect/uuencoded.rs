//! Files that are uuencoded in a text, as it passes.

use crate::decode::{is_uu_begin, is_uu_line};

/// The longest line that matters: a `begin` with its name. Lines of data are shorter.
const LINE: usize = 300;

/// Finds the first line that begins a file, and that a line of data follows.
#[derive(Debug, Default)]
pub(super) struct UuCheck {
    line: alloc::vec::Vec<u8>,
    /// The line has more than that.
    long: bool,
    /// Where it is in the text.
    start: u64,
    /// How much text there was.
    passed: u64,
    /// Where the line before is, if it begins a file.
    begin: Option<u64>,
}

impl UuCheck {
    /// The next bytes of the text. Gives where the file begins, once.
    pub(super) fn write(&mut self, text: &[u8]) -> Option<u64> {
        for piece in text.split_inclusive(|b| *b == b'\n') {
            let room = LINE.saturating_sub(self.line.len());
            self.long |= piece.len() > room;
            self.line
                .extend_from_slice(piece.get(..room).unwrap_or(piece));
            self.passed += piece.len() as u64;
            if piece.ends_with(b"\n")
                && let Some(found) = self.end_line()
            {
                return Some(found);
            }
        }
        None
    }

    /// The line in hand is over. The last one, without its end, ends no file.
    fn end_line(&mut self) -> Option<u64> {
        let line = self.line.trim_ascii_end();
        let is_data = !self.long && (is_uu_line(line) || line == b"end");
        let found = self.begin.take().filter(|_| is_data);
        self.begin = (!self.long && is_uu_begin(line)).then_some(self.start);
        self.line.clear();
        self.long = false;
        self.start = self.passed;
        found
    }
}

//! Text in format=flowed by the letter (RFC 3676 4), as it passes.

use crate::flowed::SIGNATURE;

/// Finds the first line that a writer may not write.
#[derive(Debug, Default)]
pub(super) struct FlowedCheck {
    /// The line in hand.
    depth: usize,
    /// It has something behind its quotes.
    begun: bool,
    /// What is behind its quotes, as far as it is looked at.
    head: [u8; 5],
    length: usize,
    last: u8,
    /// The depth of the line before, if that goes on.
    open: Option<usize>,
}

impl FlowedCheck {
    /// The next text. `true` when something is odd: nothing needs to be given any more.
    pub(super) fn write(&mut self, text: &str) -> bool {
        text.bytes().any(|byte| self.byte(byte))
    }

    fn byte(&mut self, byte: u8) -> bool {
        match byte {
            b'\n' => return self.end_line(),
            b'>' if !self.begun => self.depth += 1,
            _ => {
                self.begun = true;
                if byte == b'\r' {
                    return false; // of the line end; elsewhere it is told of
                }
                if let Some(place) = self.head.get_mut(self.length) {
                    *place = byte;
                }
                self.length = self.length.saturating_add(1);
                self.last = byte;
            }
        }
        false
    }

    /// The text is over.
    pub(super) fn finish(&mut self) -> bool {
        (self.depth > 0 || self.length > 0) && self.end_line()
    }

    fn end_line(&mut self) -> bool {
        let line = core::mem::take(self);
        let head = line.head.get(..line.length.min(5)).unwrap_or_default();
        let signature = SIGNATURE.as_bytes();
        let unstuffed = head.strip_prefix(b" ").unwrap_or(head);
        let whole = line.length <= signature.len() + 1;
        let is_signature = whole && (head == signature || unstuffed == signature);
        let flowed = !is_signature && line.last == b' ';
        self.open = flowed.then_some(line.depth);
        let cut = line.open.is_some_and(|d| d != line.depth || is_signature);
        cut || line.depth == 0 && head == b"From "
    }
}

//! A line that says what a message is about (RFC 8970, RFC 8621 section 4.1.4).

use alloc::string::String;

use super::Writer;

/// Collects the line.
pub(crate) struct Preview {
    line: String,
    /// Characters that are still to come.
    room: usize,
    /// White space came.
    space: bool,
}

impl Preview {
    pub(crate) fn new(characters: usize) -> Self {
        Preview {
            line: String::new(),
            room: characters,
            space: false,
        }
    }

    /// What was collected, if that is anything.
    pub(crate) fn finish(self) -> Option<String> {
        (!self.line.is_empty()).then_some(self.line)
    }

    /// Adds HTML.
    pub(crate) fn html(&mut self, html: &str) {
        // What pads a preview is left out: there is more text than characters.
        let enough = self.room.saturating_mul(16).saturating_add(256);
        let mut text = String::new();
        Writer::new(&mut text, enough).html(html);
        self.words(&text);
    }

    /// Adds text: without the lines that quote another message, where there are others.
    pub(crate) fn text(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.starts_with('>')) {
            self.words(line);
            self.space = true;
            if self.room == 0 {
                return;
            }
        }
        if self.line.is_empty() {
            self.words(text);
        }
    }

    fn words(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() || c.is_control() {
                self.space = true;
                continue;
            }
            // Unclosed, it would turn what is shown behind the preview.
            if matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
                continue;
            }
            // Senders pad with what is not seen, between white space.
            if is_invisible(c) && (self.space || self.line.is_empty()) {
                continue;
            }
            let space = core::mem::take(&mut self.space) && !self.line.is_empty();
            match self.room.checked_sub(1 + usize::from(space)) {
                None => return self.room = 0,
                Some(room) => self.room = room,
            }
            if space {
                self.line.push(' ');
            }
            self.line.push(c);
        }
    }
}

/// Soft hyphens, joiners and the like.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

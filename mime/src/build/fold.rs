//! Writing header fields: folding (RFC 5322 2.2.3) and encoded words (RFC 2047).

use alloc::string::String;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// `=?utf-8?Q?` and `?=`.
const FRAME: usize = 12;
/// Lines are folded to this length where they can be (RFC 5322 2.1.1).
const LINE: usize = 78;
/// A line with an encoded word is shorter (RFC 2047 2).
const ENCODED_LINE: usize = 76;
/// An encoded word has at most 75 characters.
const ENCODED_WORD: usize = 75;
/// Behind a name of this length a fold may come at once.
const NAME: usize = 46;
/// More white space in a row does not survive every reader.
const BLANKS: usize = 60;
/// A word that is longer cannot be left as it is: it would not fit a line of 998.
const LONG: usize = 800;

/// Writes the value of one field, and folds between words.
pub(super) struct Folder<'o> {
    out: &'o mut String,
    column: usize,
    started: bool,
    /// An encoded word is on this line, which must be shorter then.
    encoded: bool,
}

impl<'o> Folder<'o> {
    /// Starts a field: writes its name and the colon.
    pub(super) fn field(out: &'o mut String, name: &str) -> Self {
        out.push_str(name);
        out.push(':');
        Folder {
            column: name.len() + 1,
            started: false,
            encoded: false,
            out,
        }
    }

    /// Writes a space and a word, on a new line if it does not fit on this one.
    pub(super) fn word(&mut self, word: &str) -> &mut Self {
        self.spaced(" ", word, false)
    }

    fn spaced(&mut self, space: &str, word: &str, encoded: bool) -> &mut Self {
        let line = match self.encoded || encoded {
            true => ENCODED_LINE,
            false => LINE,
        };
        // A fold right behind the name is right, but looks odd.
        let first = !self.started && self.column < NAME;
        self.started = true;
        if self.column + space.len() + word.len() > line && !first {
            self.out.push_str("\r\n");
            self.column = 0;
            self.encoded = false;
        }
        self.encoded |= encoded;
        self.out.push_str(space);
        self.out.push_str(word);
        self.column += space.len() + word.len();
        self
    }

    /// Appends to the word that was written last.
    pub(super) fn glue(&mut self, text: &str) -> &mut Self {
        self.out.push_str(text);
        self.column += text.len();
        self
    }

    /// Writes unstructured text: words that need it as encoded words, and only those.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let mut words = text.split(|c| !is_blank(c));
        if text.starts_with(is_blank) || text.ends_with(is_blank) || words.any(|w| w.len() > BLANKS)
        {
            return self.encoded(" ", text); // a reader would trim it
        }
        let mut rest = text;
        let mut space = " ";
        while !rest.is_empty() {
            let (word, behind) = split_word(rest);
            if needs_encoding(word) {
                let length = encoded_stretch(rest);
                let (stretch, behind) = rest.split_at(length);
                self.encoded(space, stretch);
                (space, rest) = split_space(behind);
            } else {
                self.spaced(space, word, false);
                (space, rest) = split_space(behind);
            }
        }
        self
    }

    /// Writes `text` as encoded words, each of whole characters.
    pub(super) fn encoded(&mut self, space: &str, text: &str) -> &mut Self {
        let encoding = match is_q_shorter(text) {
            true => 'Q',
            false => 'B',
        };
        let mut rest = text;
        let mut space = space;
        while !rest.is_empty() {
            let room = match ENCODED_LINE.saturating_sub(self.column + space.len()) {
                // Too little for a word of many bytes: on a new line.
                ..30 => ENCODED_WORD.min(ENCODED_LINE.saturating_sub(space.len())),
                room => room.min(ENCODED_WORD),
            };
            let room = room.saturating_sub(FRAME);
            let mut length = 0;
            let mut taken = 0;
            for c in rest.chars() {
                let cost = match encoding {
                    'Q' => q_length(c),
                    _ => c.len_utf8(),
                };
                let total = match encoding {
                    'Q' => length + cost,
                    _ => (length + cost).div_ceil(3) * 4,
                };
                if total > room && taken > 0 {
                    break;
                }
                length += cost;
                taken += c.len_utf8();
            }
            let (chunk, behind) = rest.split_at(taken);
            let mut word = alloc::format!("=?utf-8?{encoding}?");
            match encoding {
                'Q' => chunk.chars().for_each(|c| q(c, &mut word)),
                _ => STANDARD.encode_string(chunk, &mut word),
            }
            word.push_str("?=");
            self.spaced(space, &word, true);
            rest = behind;
            space = " ";
        }
        self
    }

    /// Ends the field.
    pub(super) fn end(&mut self) {
        self.out.push_str("\r\n");
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn split_word(text: &str) -> (&str, &str) {
    text.split_at(text.find(is_blank).unwrap_or(text.len()))
}

fn split_space(text: &str) -> (&str, &str) {
    let end = text.find(|c| !is_blank(c)).unwrap_or(text.len());
    text.split_at(end)
}

/// The words from the start of `text` that need encoding, the spaces between them
/// too: a reader drops the space between two encoded words.
fn encoded_stretch(text: &str) -> usize {
    let mut end = 0;
    let mut rest = text;
    loop {
        let (word, behind) = split_word(rest);
        if !needs_encoding(word) {
            return end;
        }
        end = text.len() - behind.len();
        rest = split_space(behind).1;
        if rest.is_empty() {
            return end;
        }
    }
}

/// Whether a reader would not take the word for what it is.
pub(super) fn needs_encoding(word: &str) -> bool {
    word.len() > LONG || word.contains("=?") || !word.bytes().all(|b| b.is_ascii_graphic())
}

fn is_q_shorter(text: &str) -> bool {
    text.chars().map(q_length).sum::<usize>() <= text.len().div_ceil(3) * 4
}

/// Characters that are themselves anywhere in a header (RFC 2047 5 (3)).
fn is_q_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '!' | '*' | '+' | '-' | '/')
}

fn q_length(c: char) -> usize {
    match is_q_safe(c) || c == ' ' {
        true => 1,
        false => c.len_utf8() * 3,
    }
}

fn q(c: char, out: &mut String) {
    match c {
        ' ' => out.push('_'),
        c if is_q_safe(c) => out.push(c),
        c => {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                out.push('=');
                hex(byte, out);
            }
        }
    }
}

/// Two hexadecimal digits, upper case.
pub(super) fn hex(byte: u8, out: &mut String) {
    for digit in [byte >> 4, byte & 15] {
        out.push(match digit {
            0..=9 => char::from(b'0' + digit),
            _ => char::from(b'A' + digit - 10),
        });
    }
}

//! Writing header fields: folding (RFC 5322 2.2.3), encoded words (RFC 2047) and
//! parameters (RFC 2045 5.1, RFC 2231).
//!
//! Every line but an unbreakable word's is at most 78 characters, none is over 998,
//! none ends in white space, and none is white space alone: a relay has no reason to
//! touch it, and a DKIM signature over it holds.

use alloc::vec::Vec;

use crate::encode::{base64_digits, plain_length};
use crate::value::address::is_atext;

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
/// A parameter on one line; a longer one is cut (RFC 2231 3).
const PARAMETER: usize = 60;

/// Writes the value of one field, and folds between words.
pub(crate) struct Folder<'o> {
    out: &'o mut Vec<u8>,
    column: usize,
    started: bool,
    /// An encoded word is on this line, which must be shorter then.
    encoded: bool,
    /// UTF-8 may stand in the header as it is (RFC 6532).
    utf8: bool,
    /// So many characters may be glued to what is being written.
    behind: usize,
}

impl<'o> Folder<'o> {
    /// Starts a field: writes its name and the colon.
    pub(crate) fn field(out: &'o mut Vec<u8>, name: &str, utf8: bool) -> Self {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        Folder {
            column: name.len() + 1,
            started: false,
            encoded: false,
            utf8,
            behind: 0,
            out,
        }
    }

    /// Writes a space and a word, on a new line if it does not fit on this one.
    pub(crate) fn word(&mut self, word: &str) -> &mut Self {
        self.space(b" ", word.len(), false);
        self.out.extend_from_slice(word.as_bytes());
        self
    }

    /// The same with a word in angle brackets, and `end` behind it.
    pub(crate) fn angle(&mut self, word: &str, end: &str) -> &mut Self {
        self.space(b" ", word.len() + 2 + end.len(), false);
        self.out.push(b'<');
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'>');
        self.append(end.as_bytes())
    }

    /// The same with a word that is in pieces.
    pub(crate) fn words(&mut self, pieces: &[&str]) -> &mut Self {
        let length = pieces.iter().map(|p| p.len()).sum();
        self.space(b" ", length, false);
        for piece in pieces {
            self.append(piece.as_bytes());
        }
        self
    }

    /// Appends what is nothing, or a byte, most of the time.
    fn append(&mut self, bytes: &[u8]) -> &mut Self {
        match bytes {
            [] => {}
            [byte] => self.out.push(*byte),
            bytes => self.out.extend_from_slice(bytes),
        }
        self
    }

    /// Makes room for a word of `length` behind `space`, and writes the space.
    fn space(&mut self, space: &[u8], length: usize, encoded: bool) {
        let line = match self.encoded || encoded {
            true => ENCODED_LINE,
            false => LINE,
        };
        let line = line - self.behind;
        // A fold right behind the name is right, but looks odd.
        let first = !self.started && self.column < NAME;
        self.started = true;
        if self.column + space.len() + length > line && !first {
            self.out.extend_from_slice(b"\r\n");
            self.column = 0;
            self.encoded = false;
        }
        self.encoded |= encoded;
        self.append(space);
        self.column += space.len() + length;
    }

    /// From here on, leaves room for so many characters (at most 4) that will be
    /// [glued](Self::glue) to a word.
    pub(crate) fn leave(&mut self, behind: usize) -> &mut Self {
        self.behind = behind.min(4);
        self
    }

    /// Appends to the word that was written last.
    pub(crate) fn glue(&mut self, text: &str) -> &mut Self {
        self.column += text.len();
        self.append(text.as_bytes())
    }

    /// Appends the special behind a phrase; to encoded words with a space before it, since they
    /// touch nothing (RFC 2047 5 (3)). [`leave`](Self::leave) room for both.
    pub(crate) fn special(&mut self, special: &str) -> &mut Self {
        if self.out.ends_with(b"?=") {
            self.glue(" ");
        }
        self.glue(special)
    }

    /// Writes unstructured text: words that need it as encoded words, and only those.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        let outer = has_edges(text) || has_many_blanks(text);
        if !outer && text.len() <= LONG && self.is_plain(text) {
            self.plain(text);
            return self;
        }
        if outer {
            return self.encode(b" ", text); // a reader would trim it
        }
        let mut rest = text;
        let mut space: &[u8] = b" ";
        while !rest.is_empty() {
            let (word, behind) = split_word(rest);
            if self.needs_encoding(word) {
                let length = self.encoded_stretch(rest);
                let (stretch, behind) = rest.split_at(length);
                self.encode(space, stretch);
                (space, rest) = split_space(behind);
            } else {
                self.space(space, word.len(), false);
                self.out.extend_from_slice(word.as_bytes());
                (space, rest) = split_space(behind);
            }
        }
        self
    }

    /// Writes text of which no word needs encoding: lines as long as they may be.
    fn plain(&mut self, text: &str) {
        let mut rest = text.as_bytes();
        let mut space: &[u8] = b" ";
        while !rest.is_empty() {
            let room = LINE.saturating_sub(self.column + space.len());
            let end = match rest.len() <= room {
                true => rest.len(),
                false => {
                    let fits = rest.get(..=room).unwrap_or(rest);
                    let blank = memchr::memrchr2(b' ', b'\t', fits);
                    let behind = || memchr::memchr2(b' ', b'\t', rest);
                    let at = blank.or_else(behind).unwrap_or(rest.len());
                    // Where the blanks begin.
                    let word = rest.get(..at).unwrap_or(rest);
                    let blanks = word.iter().rev().take_while(|b| matches!(b, b' ' | b'\t'));
                    at - blanks.count()
                }
            };
            let (line, behind) = rest.split_at(end);
            self.space(space, line.len(), false);
            self.out.extend_from_slice(line);
            let blanks = behind.iter().take_while(|b| matches!(b, b' ' | b'\t'));
            let (blanks, behind) = behind.split_at(blanks.count());
            (space, rest) = (blanks, behind);
        }
    }

    /// Writes a phrase (RFC 5322 3.2.5): a display name, the name of a group. As atoms,
    /// else as a quoted string, else as encoded words.
    pub(crate) fn phrase(&mut self, phrase: &str) -> &mut Self {
        let atoms = |b: u8| is_atext(b) || b == b' ';
        if !self.utf8 && !phrase.is_ascii() {
            return self.encode(b" ", phrase);
        }
        let edges = has_edges(phrase);
        let spaced = edges || phrase.as_bytes().windows(2).any(|w| w == b"  ");
        if !spaced && phrase.bytes().all(atoms) && !has_word(phrase) {
            if phrase.len() <= BLANKS || phrase.split(' ').all(|w| w.len() <= LONG) {
                phrase.split(' ').for_each(|word| {
                    self.word(word);
                });
                return self;
            }
        } else if !edges && !phrase.split(is_blank).any(|w| self.needs_encoding(w)) {
            let escapes = phrase.bytes().filter(|b| matches!(b, b'"' | b'\\')).count();
            let length = phrase.len() + escapes + 2;
            if length <= ENCODED_LINE {
                self.space(b" ", length, false);
                quote(phrase, self.out);
                return self;
            }
        }
        // All of it: between encoded words and others a phrase loses its spaces in
        // some readers.
        self.encode(b" ", phrase)
    }

    /// Writes `text` as encoded words, each of whole characters.
    fn encode(&mut self, space: &[u8], text: &str) -> &mut Self {
        let mut left: usize = text.bytes().map(q_length).sum();
        // The shorter of the two.
        let q = left <= b_length(text.len());
        let mut rest = text;
        let mut space = space;
        while !rest.is_empty() {
            let line = ENCODED_LINE - self.behind;
            let room = match line.saturating_sub(self.column + space.len()) {
                // Too little for a word of many bytes: on a new line.
                ..30 => ENCODED_WORD.min(line.saturating_sub(space.len())),
                room => room.min(ENCODED_WORD),
            };
            let room = room.saturating_sub(FRAME);
            let (mut length, mut taken) = match q {
                true => (left, rest.len()),
                false => (b_length(rest.len()), rest.len()),
            };
            if length > room {
                (length, taken) = (0, 0);
                for c in rest.chars() {
                    let behind = taken + c.len_utf8();
                    let total = match q {
                        true => {
                            length
                                + rest
                                    .bytes()
                                    .take(behind)
                                    .skip(taken)
                                    .map(q_length)
                                    .sum::<usize>()
                        }
                        false => b_length(behind),
                    };
                    if total > room && taken > 0 {
                        break;
                    }
                    (length, taken) = (total, behind);
                }
            }
            let (chunk, behind) = rest.split_at(taken);
            self.space(space, length + FRAME, true);
            match q {
                true => {
                    left -= length;
                    self.out.extend_from_slice(b"=?utf-8?Q?");
                    chunk.bytes().for_each(|b| q_byte(b, self.out));
                }
                false => {
                    self.out.extend_from_slice(b"=?utf-8?B?");
                    base64_digits(chunk.as_bytes(), self.out);
                }
            }
            self.out.extend_from_slice(b"?=");
            rest = behind;
            space = b" ";
        }
        self
    }

    /// Writes `; name=value`: as a token, as a quoted string, or by RFC 2231 where it
    /// is long or not ASCII. Encoded words have no place in a parameter (RFC 2047 5),
    /// and what looks like one would be read as one.
    pub(crate) fn parameter(&mut self, name: &str, value: &str) -> &mut Self {
        let printable = value.bytes().all(|b| (b' '..=b'~').contains(&b));
        let edges = value.starts_with(' ') || value.ends_with(' ');
        self.glue(";");
        if printable && value.len() <= PARAMETER && !has_word(value) && !edges {
            if !value.is_empty() && value.bytes().all(is_token) {
                return self.words(&[name, "=", value]);
            }
            let escapes = value.bytes().filter(|b| matches!(b, b'"' | b'\\')).count();
            self.space(b" ", name.len() + value.len() + escapes + 3, false);
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b'=');
            quote(value, self.out);
            return self;
        }
        let cost = |b: u8| if is_token(b) { 1 } else { 3 };
        let total: usize = value.bytes().map(cost).sum();
        let mut rest = value.as_bytes();
        let mut section = 0;
        while !rest.is_empty() {
            let (mut length, mut taken) = (0, 0);
            for byte in rest {
                if length > PARAMETER - 10 {
                    break;
                }
                length += cost(*byte);
                taken += 1;
            }
            let (chunk, behind) = rest.split_at(taken);
            let number = match total <= PARAMETER - 10 {
                true => alloc::string::String::from("*="),
                false => alloc::format!("*{section}*="),
            };
            let charset = if section == 0 { "utf-8''" } else { "" };
            let start = name.len() + number.len() + charset.len();
            if section > 0 {
                self.glue(";");
            }
            self.space(b" ", start + length, false);
            for piece in [name, &number, charset] {
                self.out.extend_from_slice(piece.as_bytes());
            }
            for byte in chunk {
                match is_token(*byte) {
                    true => self.out.push(*byte),
                    false => escape(b'%', *byte, self.out),
                }
            }
            rest = behind;
            section += 1;
        }
        self
    }

    /// Ends the field.
    pub(crate) fn end(&mut self) {
        self.out.extend_from_slice(b"\r\n");
    }

    fn is_plain(&self, text: &str) -> bool {
        // That is fast, and says no to `=` and UTF-8 too.
        if plain_length(text.as_bytes()) == text.len() {
            return true;
        }
        let control = |b: u8| b.is_ascii_control();
        !text.bytes().any(control) && (self.utf8 || text.is_ascii()) && !has_word(text)
    }

    /// The words from the start of `text` that need encoding, the spaces between them
    /// too: a reader drops the space between two encoded words.
    fn encoded_stretch(&self, text: &str) -> usize {
        let mut end = 0;
        let mut rest = text;
        loop {
            let (word, behind) = split_word(rest);
            if !self.needs_encoding(word) {
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
    fn needs_encoding(&self, word: &str) -> bool {
        let plain = |b: u8| b.is_ascii_graphic() || (self.utf8 && b >= 0x80);
        word.len() > LONG || !word.bytes().all(plain) || has_word(word)
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// White space at its start or its end.
fn has_edges(text: &str) -> bool {
    let blank = |b: Option<&u8>| matches!(b, Some(b' ' | b'\t'));
    blank(text.as_bytes().first()) || blank(text.as_bytes().last())
}

/// More white space in a row than readers keep.
fn has_many_blanks(text: &str) -> bool {
    // A run that is so long has one of these places in it.
    let mut places = text.bytes().skip(BLANKS).step_by(BLANKS + 1);
    if !places.any(|b| is_blank(b.into())) {
        return false;
    }
    let mut run = 0;
    text.bytes().any(|b| {
        run = if is_blank(b.into()) { run + 1 } else { 0 };
        run > BLANKS
    })
}

/// What could be read as an encoded word.
fn has_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'=', bytes).any(|at| bytes.get(at + 1) == Some(&b'?'))
}

fn split_word(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|b| is_blank(b.into()));
    text.split_at(end.unwrap_or(text.len()))
}

fn split_space(text: &str) -> (&[u8], &str) {
    let end = text.bytes().position(|b| !is_blank(b.into()));
    let (space, behind) = text.split_at(end.unwrap_or(text.len()));
    (space.as_bytes(), behind)
}

/// What a byte is in Q anywhere in a header (RFC 2047 5 (3)); 0 if it must be escaped.
const Q: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        if c.is_ascii_alphanumeric() || matches!(c, b'!' | b'*' | b'+' | b'-' | b'/') {
            table[byte] = c;
        }
        byte += 1;
    }
    table[b' ' as usize] = b'_';
    table
};

/// How long a byte is in Q.
fn q_length(byte: u8) -> usize {
    match Q.get(usize::from(byte)) {
        None | Some(0) => 3,
        Some(_) => 1,
    }
}

/// How long so many bytes are in B.
fn b_length(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

fn q_byte(byte: u8, out: &mut Vec<u8>) {
    match Q.get(usize::from(byte)) {
        None | Some(0) => escape(b'=', byte, out),
        Some(shown) => out.push(*shown),
    }
}

/// A mark and two hexadecimal digits, upper case.
pub(crate) fn escape(mark: u8, byte: u8, out: &mut Vec<u8>) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let digit = |n: u8| DIGITS.get(usize::from(n & 15)).copied().unwrap_or(b'0');
    out.extend_from_slice(&[mark, digit(byte >> 4), digit(byte)]);
}

/// Appends `text` as a quoted string.
fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// A character of a token (RFC 2045 5.1) that stands for itself in an extended value
/// too (RFC 2231 7, RFC 5987 3.2.1).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'&' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

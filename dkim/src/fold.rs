//! Fields written in lines: RFC 6376 sections 2.11 and 3.5, RFC 5322 section 2.1.1.

use alloc::string::{String, ToString as _};

use crate::tags::base64_encode;

/// Writes a field in lines of at most 78 characters where its words allow
/// (RFC 5322 section 2.1.1).
pub(crate) struct Folded {
    pub(crate) text: String,
    column: usize,
}

impl Folded {
    const WIDTH: usize = 76;

    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: text.to_string(),
            column: text.len(),
        }
    }

    pub(crate) fn resume(text: String) -> Self {
        let column = text.rsplit('\n').next().map_or(0, str::len);
        Self { text, column }
    }

    /// Characters left on this line, or on a fresh one if this is full.
    fn room(&self) -> usize {
        if self.column < Self::WIDTH {
            Self::WIDTH - self.column
        } else {
            Self::WIDTH - 1
        }
    }

    /// Appends with a space or a fold before it.
    pub(crate) fn word(&mut self, word: &str) {
        if self.column + 1 + word.len() <= Self::WIDTH {
            self.text.push(' ');
            self.column += 1;
        } else {
            self.fold();
        }
        self.put(word);
    }

    /// Appends directly, or after a fold.
    pub(crate) fn part(&mut self, part: &str) {
        if self.column + part.len() > Self::WIDTH {
            self.fold();
        }
        self.put(part);
    }

    /// Appends `h=`.
    pub(crate) fn names(&mut self, names: &[&str]) {
        for (i, name) in names.iter().enumerate() {
            let end = if i + 1 == names.len() { ";" } else { ":" };
            if i == 0 {
                self.word(&alloc::format!("h={name}{end}"));
            } else {
                self.part(&alloc::format!("{name}{end}"));
            }
        }
    }

    /// Appends base64, folded anywhere.
    pub(crate) fn base64(&mut self, bytes: &[u8]) {
        let text = base64_encode(bytes);
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(self.room()));
            self.part(part);
            rest = after;
        }
    }

    /// Appends dkim-quoted-printable, folded anywhere but inside an encoded octet.
    pub(crate) fn quoted(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let mut end = rest.len().min(self.room());
            if end < rest.len() {
                let start = end.saturating_sub(2);
                let octet = rest.get(start..end).and_then(|tail| tail.find('='));
                end = octet.map_or(end, |at| start + at);
            }
            match rest.split_at_checked(end) {
                Some((part, after)) if end > 0 => {
                    self.part(part);
                    rest = after;
                }
                // No room for an octet.
                _ => self.fold(),
            }
        }
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n ");
        self.column = 1;
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.len();
    }
}

/// dkim-quoted-printable (RFC 6376 section 2.11), with `|` encoded as `z=` demands.
pub(crate) fn qp_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b';' | b'=' | b'|' => out.push_str(&alloc::format!("={byte:02X}")),
            0x21..=0x7e => out.push(byte.into()),
            _ => out.push_str(&alloc::format!("={byte:02X}")),
        }
    }
    out
}

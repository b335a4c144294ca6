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
        self.tag(&[word]);
    }

    /// A word that is made of these.
    pub(crate) fn tag(&mut self, pieces: &[&str]) {
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        if self.column + 1 + length <= Self::WIDTH {
            self.text.push(' ');
            self.column += 1;
        } else {
            self.fold();
        }
        pieces.iter().for_each(|piece| self.put(piece));
    }

    /// A tag whose value is a number.
    pub(crate) fn number(&mut self, name: &str, number: u64) {
        // The digits of the largest, from the last on.
        let (mut digits, mut first, mut rest) = ([b'0'; 20], 20, number);
        while let Some(digit) = digits.get_mut(..first).and_then(<[u8]>::last_mut) {
            *digit = b'0' + (rest % 10) as u8;
            (rest, first) = (rest / 10, first - 1);
            if rest == 0 {
                break;
            }
        }
        let digits = digits.get(first..).map(core::str::from_utf8);
        self.tag(&[name, digits.and_then(Result::ok).unwrap_or_default(), ";"]);
    }

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
                self.tag(&["h=", name, end]);
            } else {
                // Not cut off from its end.
                if self.column + name.len() + end.len() > Self::WIDTH {
                    self.fold();
                }
                self.put(name);
                self.put(end);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for number in [0, 9, 10, 1_700_000_000, u64::MAX] {
            let mut out = Folded::new("X:");
            out.number("t=", number);
            assert_eq!(out.text, alloc::format!("X: t={number};"));
        }
    }
}

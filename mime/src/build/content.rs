//! What a body is made of, and which transfer encoding it gets.

use alloc::vec::Vec;

use memchr::{memchr_iter, memrchr};

use crate::EncodeBase64;

/// The longest line that may be sent as it is (RFC 5322 2.1.1), without its end.
const LONGEST: usize = 998;

/// What a scan of a text or of data found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// No byte over 127.
    pub(super) ascii: bool,
    /// Every line ends in CRLF, the last one too; no CR or LF stands alone.
    pub(super) lines: bool,
    /// There is no NUL, and no line is over 998 bytes.
    sendable: bool,
    /// Quoted-printable is shorter than base64.
    quotable: bool,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    SevenBit,
    EightBit,
    QuotedPrintable,
    Base64,
}

impl Encoding {
    pub(super) fn name(self) -> &'static str {
        match self {
            Encoding::SevenBit => "7bit",
            Encoding::EightBit => "8bit",
            Encoding::QuotedPrintable => "quoted-printable",
            Encoding::Base64 => "base64",
        }
    }
}

/// What the way of the message allows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// 8bit bodies (RFC 6152).
    pub(crate) eight_bit: bool,
    /// It will be signed: nothing that a relay may touch (RFC 3156 3, RFC 8551 3.1.1).
    pub(crate) sealed: bool,
    /// base64 alone, in which no boundary can be.
    pub(crate) armoured: bool,
}

impl Facts {
    pub(super) fn of(data: &[u8]) -> Self {
        let marks = Marks::of(data);
        let mut facts = Facts {
            ascii: marks.high & 0x80 == 0,
            lines: marks.alone == 0 && (data.is_empty() || data.ends_with(b"\r\n")),
            sendable: marks.nul == 0 && has_short_lines(data),
            quotable: true,
        };
        if !facts.ascii || !facts.sendable || !facts.lines {
            let escaped = data.iter().filter(|b| is_escaped(**b)).count();
            let quoted = data.len() + 2 * escaped;
            // A line more, which favours what a person can read where there is little.
            let base64 = EncodeBase64::encoded_len(data.len() as u64 + 56);
            facts.quotable = (quoted + quoted / 25) as u64 <= base64;
        }
        facts
    }

    /// The name of the charset, if it was UTF-8.
    pub(super) fn charset(&self) -> &'static str {
        match self.ascii {
            true => "us-ascii",
            false => "utf-8",
        }
    }

    /// None if that is possible, else the shorter of quoted-printable and base64.
    pub(super) fn encoding(&self, data: &[u8], options: Options) -> Encoding {
        let fragile = options.sealed && is_fragile(data);
        let plain = self.lines && self.sendable && !fragile;
        match self {
            _ if options.armoured => Encoding::Base64,
            Facts { ascii: true, .. } if plain => Encoding::SevenBit,
            _ if plain && options.eight_bit => Encoding::EightBit,
            // What does not end in a line end would need a soft one, at which some stumble.
            _ if self.quotable && self.lines => Encoding::QuotedPrintable,
            _ => Encoding::Base64,
        }
    }
}

/// What there is of some kinds of bytes, 0 if nothing.
#[derive(Clone, Copy, Default)]
struct Marks {
    /// All bytes together.
    high: u8,
    nul: u8,
    /// A CR without an LF behind it, or an LF without a CR before it; a CR at the end
    /// is not seen.
    alone: u8,
}

impl Marks {
    fn of(data: &[u8]) -> Self {
        /// Bytes that are looked at at a time, each in a lane of its own, so that a
        /// compiler makes vectors of them.
        const LANES: usize = 16;
        let [first, behind @ ..] = data else {
            return Self::default();
        };
        let mut marks = Self::default();
        marks.byte(0, *first);
        let (steps, rest) = behind.as_chunks::<LANES>();
        let (before, _) = data.as_chunks::<LANES>();
        let (mut high, mut nul, mut alone) = ([0; LANES], [0; LANES], [0; LANES]);
        for (before, here) in before.iter().zip(steps) {
            for n in 0..LANES {
                high[n] |= here[n];
                nul[n] |= u8::from(here[n] == 0);
                alone[n] |= u8::from(before[n] == b'\r') ^ u8::from(here[n] == b'\n');
            }
        }
        let any = |lanes: [u8; LANES]| lanes.iter().fold(0, |any, lane| any | lane);
        marks.high |= any(high);
        marks.nul |= any(nul);
        marks.alone |= any(alone);
        let done = steps.len() * LANES;
        let before = data.get(done..).unwrap_or_default();
        for (before, here) in before.iter().zip(rest) {
            marks.byte(*before, *here);
        }
        marks
    }

    fn byte(&mut self, before: u8, here: u8) {
        self.high |= here;
        self.nul |= u8::from(here == 0);
        self.alone |= u8::from(before == b'\r') ^ u8::from(here == b'\n');
    }
}

/// Whether no line is too long to be sent: looks for the last line end where the next
/// one must be, so most lines are never looked at.
fn has_short_lines(data: &[u8]) -> bool {
    let mut rest = data;
    while rest.len() > LONGEST {
        let window = rest.get(..LONGEST + 2).unwrap_or(rest);
        let Some(lf) = memrchr(b'\n', window) else {
            // What has no end may still be short enough.
            return rest.len() <= LONGEST;
        };
        rest = rest.get(lf + 1..).unwrap_or_default();
    }
    true
}

/// A line ends in white space or begins as mbox separators do.
fn is_fragile(data: &[u8]) -> bool {
    let from = |at: usize| data.get(at..).is_some_and(|d| d.starts_with(b"From "));
    let blank = |at: usize| matches!(data.get(at), Some(b' ' | b'\t'));
    from(0)
        || memchr_iter(b'\n', data).any(|lf| from(lf + 1) || lf.checked_sub(2).is_some_and(blank))
}

fn is_escaped(byte: u8) -> bool {
    byte >= 0x7f || byte == b'=' || (byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n'))
}

/// The text with all line ends CRLF, one at the end too, and what it is.
pub(super) fn canonical(text: Vec<u8>) -> (Vec<u8>, Facts) {
    let facts = Facts::of(&text);
    if facts.lines {
        return (text, facts);
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 24 + 2);
    let mut rest = &text[..];
    while let Some(end) = memchr::memchr2(b'\r', b'\n', rest) {
        let (line, behind) = rest.split_at(end);
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
        rest = match behind {
            [b'\r', b'\n', behind @ ..] | [_, behind @ ..] => behind,
            [] => behind,
        };
    }
    out.extend_from_slice(rest);
    if !out.is_empty() && !out.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    let facts = Facts::of(&out);
    (out, facts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn marks_are_what_a_search_finds(data in proptest::collection::vec(prop::sample::select(&b"\r\n\0a\xc3"[..]), 0..60), pad in 0usize..40) {
            let text = [&b"x".repeat(pad)[..], &data].concat();
            let facts = Facts::of(&text);
            prop_assert_eq!(facts.ascii, text.is_ascii());
            prop_assert_eq!(facts.sendable, !text.contains(&0));
            let rest: Vec<u8> = alloc::string::String::from_utf8_lossy(&text).replace("\r\n", "").into();
            let lines = !rest.contains(&b'\r') && !rest.contains(&b'\n');
            prop_assert_eq!(facts.lines, lines && (text.is_empty() || text.ends_with(b"\r\n")));
        }
    }
}

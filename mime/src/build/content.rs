//! What a body is made of, and which transfer encoding it gets.

use alloc::vec::Vec;

use memchr::{memchr_iter, memrchr};

use crate::EncodeBase64;
use crate::vectors::{BLOCK, VECTOR, equal, u8x16, vector_at};

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
            ascii: !marks.high,
            lines: !marks.alone && (data.is_empty() || data.ends_with(b"\r\n")),
            sendable: !marks.nul && has_short_lines(data),
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

/// What there is of some kinds of bytes.
#[derive(Clone, Copy, Default)]
struct Marks {
    /// Over 127.
    high: bool,
    nul: bool,
    /// A CR without an LF behind it, or an LF without a CR before it; a CR at the end
    /// is not seen.
    alone: bool,
}

impl Marks {
    fn of(data: &[u8]) -> Self {
        let mut marks = Self::default();
        if let Some(first) = data.first() {
            marks.byte(0, *first);
        }
        let Some(last) = data.last_chunk() else {
            let pairs = data.iter().zip(data.iter().skip(1));
            pairs.for_each(|(before, here)| marks.byte(*before, *here));
            return marks;
        };
        let (mut lanes, mut rest) = (Lanes::new(), data);
        while let Some(window) = rest.first_chunk() {
            lanes.add(window);
            rest = rest.get(BLOCK..).unwrap_or_default();
        }
        // Some of it once more: that changes nothing.
        lanes.add(last);
        lanes.put(&mut marks);
        marks
    }

    fn byte(&mut self, before: u8, here: u8) {
        self.high |= here >= 0x80;
        self.nul |= here == 0;
        self.alone |= (before == b'\r') != (here == b'\n');
    }
}

/// The same of whole blocks, each byte in a lane of its own.
struct Lanes {
    /// All bytes together.
    all: u8x16,
    least: u8x16,
    alone: u8x16,
}

impl Lanes {
    fn new() -> Self {
        Lanes {
            all: u8x16::splat(0),
            least: u8x16::splat(0xff),
            alone: u8x16::splat(0),
        }
    }

    /// A block, behind the byte before it.
    fn add(&mut self, window: &[u8; 1 + BLOCK]) {
        for n in 0..BLOCK / VECTOR {
            let before = vector_at(window, n * VECTOR);
            let here = vector_at(window, n * VECTOR + 1);
            self.all |= here;
            self.least = self.least.min(here);
            self.alone |= equal(before, b'\r') ^ equal(here, b'\n');
        }
    }

    fn put(&self, marks: &mut Marks) {
        // The mask is of the highest bits.
        marks.high |= self.all.to_bitmask() != 0;
        marks.nul |= self.least.simd_eq(u8x16::splat(0)).to_bitmask() != 0;
        marks.alone |= self.alone.to_bitmask() != 0;
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
        fn marks_are_what_a_search_finds(data in proptest::collection::vec(prop::sample::select(&b"\r\n\0a\xc3"[..]), 0..60), pad in 0usize..140) {
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

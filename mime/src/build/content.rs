//! What a body is made of, and which transfer encoding it gets.

use alloc::vec::Vec;

use memchr::{memchr, memchr_iter};

use crate::EncodeBase64;

/// The longest line that may be sent as it is (RFC 5322 2.1.1), without its end.
const LONGEST: usize = 998;

/// What a scan of a text or of data found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// No byte over 127.
    ascii: bool,
    /// Every line ends in CRLF, the last one too; no CR or LF stands alone.
    lines: bool,
    /// There is no NUL, and no line is over 998 bytes.
    sendable: bool,
    /// A line ends in white space or begins as mbox separators do: a relay may touch it.
    fragile: bool,
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
        let mut facts = Facts {
            ascii: data.is_ascii(),
            lines: data.is_empty() || data.ends_with(b"\r\n"),
            sendable: memchr(0, data).is_none(),
            fragile: false,
            quotable: true,
        };
        let (mut start, mut crs) = (0, 0);
        for lf in memchr_iter(b'\n', data) {
            let line = data.get(start..lf).unwrap_or_default();
            let content = match line {
                [content @ .., b'\r'] => {
                    crs += 1;
                    content
                }
                _ => {
                    facts.lines = false;
                    line
                }
            };
            facts.sendable &= content.len() <= LONGEST;
            facts.fragile |= matches!(content, [.., b' ' | b'\t']) || content.starts_with(b"From ");
            start = lf + 1;
        }
        facts.sendable &= data.len() - start <= LONGEST;
        // Those that are no part of a CRLF.
        facts.lines &= !data.contains(&b'\r') || memchr_iter(b'\r', data).count() == crs;
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
    pub(super) fn encoding(&self, options: Options) -> Encoding {
        let plain = self.lines && self.sendable && !(options.sealed && self.fragile);
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

fn is_escaped(byte: u8) -> bool {
    byte >= 0x7f || byte == b'=' || (byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n'))
}

/// The text with all line ends CRLF, one at the end too.
pub(super) fn canonical(text: Vec<u8>) -> Vec<u8> {
    if is_canonical(&text) {
        return text;
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
    out
}

/// Stops at the first line that is not.
fn is_canonical(text: &[u8]) -> bool {
    let mut ends = memchr::memchr2_iter(b'\r', b'\n', text);
    while let Some(at) = ends.next() {
        if text.get(at..at + 2) != Some(b"\r\n") {
            return false;
        }
        ends.next(); // its LF
    }
    text.is_empty() || text.ends_with(b"\r\n")
}

//! Texts and how they are encoded.

use alloc::string::String;
use alloc::vec::Vec;

use memchr::memchr;

use super::fold::Folder;
use super::stream::{LINE_BYTES, base64_lines};

/// The longest line that may be sent as it is (RFC 5322 2.1.1), without its end.
const LONGEST: usize = 998;
/// Of quoted-printable (RFC 2045 6.7 (5)).
const QP_LINE: usize = 76;

/// A text, encoded.
pub(super) struct TextBody {
    subtype: &'static str,
    charset: &'static str,
    encoding: &'static str,
    pub(super) encoded: Vec<u8>,
}

impl TextBody {
    /// Chooses the encoding: none if the text is ASCII in lines that are not too long,
    /// else the shorter of quoted-printable and base64.
    pub(super) fn new(subtype: &'static str, text: &str) -> Self {
        let text = canonical(text);
        let mut lines = text.split(|b| *b == b'\n');
        let plain = text.is_ascii()
            && memchr(0, &text).is_none()
            && lines.all(|line| line.len() <= LONGEST + 1);
        let charset = match text.is_ascii() {
            true => "us-ascii",
            false => "utf-8",
        };
        let (encoding, encoded) = if plain {
            ("7bit", text)
        } else {
            let escaped = quoted_printable(&text);
            let length = text.len().div_ceil(LINE_BYTES) * 78;
            match escaped.len() <= length {
                true => ("quoted-printable", escaped),
                false => {
                    let mut encoded = Vec::with_capacity(length);
                    base64_lines(&text, &mut encoded);
                    ("base64", encoded)
                }
            }
        };
        TextBody {
            subtype,
            charset,
            encoding,
            encoded,
        }
    }

    pub(super) fn head(&self, out: &mut String) {
        Folder::field(out, "Content-Type")
            .word(&alloc::format!("text/{};", self.subtype))
            .word(&alloc::format!("charset={}", self.charset))
            .end();
        Folder::field(out, "Content-Transfer-Encoding")
            .word(self.encoding)
            .end();
    }
}

/// All line ends CRLF, one at the end too.
fn canonical(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32 + 2);
    let mut rest = text.as_bytes();
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

/// quoted-printable of lines that end in CRLF.
fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 4);
    for line in text.split_inclusive(|b| *b == b'\n') {
        let content = line.strip_suffix(b"\r\n").unwrap_or(line);
        let mut column = 0;
        for (i, byte) in content.iter().enumerate() {
            let last = i + 1 == content.len();
            let plain = match byte {
                b' ' | b'\t' => !last,
                b'=' => false,
                byte => byte.is_ascii_graphic(),
            };
            let width = if plain { 1 } else { 3 };
            // Room for the soft line break, which the end of the line does not need.
            if column + width > QP_LINE - usize::from(!last) {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            match plain {
                true => out.push(*byte),
                false => {
                    let mut escape = String::from("=");
                    super::fold::hex(*byte, &mut escape);
                    out.extend_from_slice(escape.as_bytes());
                }
            }
            column += width;
        }
        if line.len() > content.len() {
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

//! Content-Transfer-Encoding (RFC 2045 section 6).

use alloc::string::String;
use core::fmt;

use super::lex::{Cursor, is_word, raw_text, table};

/// How a body is encoded.
///
/// ```
/// use scop_mime::TransferEncoding;
///
/// assert_eq!(TransferEncoding::parse(b" BASE64 (of course)"), TransferEncoding::Base64);
/// assert!(TransferEncoding::parse(b"8bit").is_identity());
/// assert_eq!(TransferEncoding::parse(b"x-new").to_string(), "x-new");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum TransferEncoding {
    /// `7bit`: as it is. Where no field says anything, too.
    #[default]
    SevenBit,
    /// `8bit`: as it is.
    EightBit,
    /// `binary`: as it is, without lines.
    Binary,
    /// `base64` (RFC 2045 6.8).
    Base64,
    /// `quoted-printable` (RFC 2045 6.7).
    QuotedPrintable,
    /// `uuencode`, `x-uuencode`, `x-uue`: of old, without a standard.
    Uuencode,
    /// Another one, in lower case. The body is taken as it is.
    Unknown(String),
}

impl TransferEncoding {
    /// Reads the value of the field; comments, quotes and a trailing semicolon do
    /// no harm. An empty value is [`SevenBit`](Self::SevenBit).
    #[must_use]
    #[inline]
    pub fn parse(value: &[u8]) -> Self {
        // Nearly all are a word and nothing else.
        let word = value.strip_prefix(b" ").unwrap_or(value);
        let word = word.strip_suffix(b"\n").unwrap_or(word);
        let word = word.strip_suffix(b"\r").unwrap_or(word);
        Self::known(word).unwrap_or_else(|| Self::parse_any(value))
    }

    fn parse_any(value: &[u8]) -> Self {
        let mut cursor = Cursor::new(value);
        cursor.skip_cfws();
        let quoted = cursor.quoted();
        let name = match &quoted {
            Some(text) => text.as_ref(),
            None => {
                const ENDS: [bool; 256] = table(b" \t\r\n(;,");
                cursor.take_while(|b| !ENDS[usize::from(b)])
            }
        };
        Self::known(name).unwrap_or_else(|| Self::Unknown(raw_text(name).to_ascii_lowercase()))
    }

    fn known(name: &[u8]) -> Option<Self> {
        Some(match name.len() {
            0 => Self::SevenBit,
            4 if is_word(name, b"7bit") => Self::SevenBit,
            5 if is_word(name, b"7-bit") => Self::SevenBit,
            4 if is_word(name, b"8bit") => Self::EightBit,
            5 if is_word(name, b"8-bit") => Self::EightBit,
            6 if is_word(name, b"binary") => Self::Binary,
            6 if is_word(name, b"base64") => Self::Base64,
            16 if is_word(name, b"quoted-printable") => Self::QuotedPrintable,
            8 if is_word(name, b"uuencode") => Self::Uuencode,
            10 if is_word(name, b"x-uuencode") => Self::Uuencode,
            5 if is_word(name, b"x-uue") => Self::Uuencode,
            _ => return None,
        })
    }

    /// The body is what is stored: nothing to decode.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        matches!(
            self,
            Self::SevenBit | Self::EightBit | Self::Binary | Self::Unknown(_)
        )
    }

    /// Its name in lower case, without an `x-` that says nothing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::Base64 => "base64",
            Self::QuotedPrintable => "quoted-printable",
            Self::Uuencode => "x-uuencode",
            Self::Unknown(name) => name,
        }
    }
}

impl fmt::Display for TransferEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_dress() {
        use TransferEncoding::*;
        for (value, encoding) in [
            (&b" Base64\r\n"[..], Base64),
            (b" (c) \"base64\"", Base64),
            (b" quoted-printable; foo", QuotedPrintable),
            (b"", SevenBit),
            (b" 8BIT\r\n", EightBit),
            (b" x-other ", Unknown("x-other".into())),
        ] {
            assert_eq!(TransferEncoding::parse(value), encoding);
        }
    }
}

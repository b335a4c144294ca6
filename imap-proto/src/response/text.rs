//! Text for people, and bytes that nobody understood.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;

use bytes::Bytes;
use thiserror::Error;

/// A value that would break out of its line cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} (RFC 3501 section 9); take it out, or use what replaces it")]
pub struct InvalidText {
    /// What was in it: `CR, LF or NUL in a text`.
    pub what: &'static str,
}

/// `text`: one line for people, never with CR, LF or NUL in it. It may be empty,
/// and from the other side it may be in any charset.
///
/// It is what a server says, and before TLS what anybody in between says: show
/// it as such.
///
/// ```
/// use scop_imap_proto::response::Text;
///
/// assert_eq!(Text::new("done").unwrap().to_string(), "done");
/// assert!(Text::new("done\r\n* BYE").is_err());
/// assert_eq!(Text::lossy("done\r\n* BYE").to_string(), "done  * BYE");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text(Bytes);

impl Text {
    /// A text of these bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidText`] for a CR, LF or NUL.
    pub fn new(text: impl Into<Bytes>) -> Result<Text, InvalidText> {
        let bytes = text.into();
        if bytes.iter().any(|&b| breaks(b)) {
            return Err(InvalidText {
                what: "CR, LF or NUL in a text",
            });
        }
        Ok(Text(bytes))
    }

    /// A text of these bytes with a space for each CR, LF and NUL.
    #[must_use]
    pub fn lossy(text: impl AsRef<[u8]>) -> Text {
        let bytes = text.as_ref();
        Text(if bytes.iter().any(|&b| breaks(b)) {
            (bytes.iter().map(|&b| if breaks(b) { b' ' } else { b })).collect()
        } else {
            Bytes::copy_from_slice(bytes)
        })
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As UTF-8, with a replacement character for what is not.
    #[must_use]
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether a byte may not be in a line.
pub(super) fn breaks(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0)
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_str_lossy())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_str_lossy(), f)
    }
}

/// Bytes of a response as they came, because nothing more is known of them. Only
/// the parser makes one, of a piece that is whole by the framing rules; so writing
/// it again is safe.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Raw(Bytes);

impl Raw {
    pub(super) fn new(bytes: &[u8]) -> Raw {
        Raw(Bytes::copy_from_slice(bytes))
    }

    /// The bytes, literals included.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw(\"{}\")", self.0.escape_ascii())
    }
}

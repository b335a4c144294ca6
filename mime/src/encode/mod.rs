//! Transfer encoding, whole or as the bytes come (RFC 2045 section 6).

mod base64;
#[cfg(any(test, not(feature = "encodify")))]
mod lines;
mod quoted_printable;

use alloc::vec::Vec;

pub use base64::EncodeBase64;
pub use quoted_printable::EncodeQuotedPrintable;

pub(crate) use base64::{body as base64_body, digits as base64_digits};
pub(crate) use quoted_printable::plain_length;

use crate::TransferEncoding;

/// Applies a transfer encoding, in chunks of any size. What comes out does not depend
/// on how the input was cut. Whatever the input is, lines of base64 and
/// quoted-printable have at most 76 characters and end in CRLF; the last one has no
/// line end behind it, unless quoted-printable was given one there.
///
/// ```
/// use scop_mime::{Encoder, TransferEncoding};
///
/// let mut encoder = Encoder::new(&TransferEncoding::QuotedPrintable);
/// let mut out = Vec::new();
/// for chunk in ["Gr\u{fc}\u{df}e ", "\r\nFrom here"] {
///     encoder.encode(chunk.as_bytes(), &mut out);
/// }
/// encoder.finish(&mut out);
/// assert_eq!(out, b"Gr=C3=BC=C3=9Fe=20\r\n=46rom here");
/// ```
#[derive(Clone, Debug)]
pub enum Encoder {
    /// 7bit, 8bit, binary: as it is.
    Identity,
    /// base64.
    Base64(EncodeBase64),
    /// quoted-printable.
    QuotedPrintable(EncodeQuotedPrintable),
}

impl Encoder {
    /// An encoder at the start of a body. For uuencode and unknown encodings, which
    /// nobody should write, it changes nothing.
    #[must_use]
    pub fn new(encoding: &TransferEncoding) -> Self {
        match encoding {
            TransferEncoding::Base64 => Encoder::Base64(EncodeBase64::new()),
            TransferEncoding::QuotedPrintable => {
                Encoder::QuotedPrintable(EncodeQuotedPrintable::text())
            }
            _ => Encoder::Identity,
        }
    }

    /// Encodes the next bytes and appends what is complete to `out`. Holds back less
    /// than 100 bytes.
    pub fn encode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        match self {
            Encoder::Identity => out.extend_from_slice(input),
            Encoder::Base64(e) => e.encode(input, out),
            Encoder::QuotedPrintable(e) => e.encode(input, out),
        }
    }

    /// The body is over: appends what is left.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Encoder::Identity => {}
            Encoder::Base64(e) => e.finish(out),
            Encoder::QuotedPrintable(e) => e.finish(out),
        }
    }
}

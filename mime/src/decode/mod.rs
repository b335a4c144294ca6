//! Transfer decoding, whole or as the bytes come (RFC 2045 section 6).

mod base64;
mod quoted_printable;
pub(crate) mod swar;
mod uu;

use alloc::vec::Vec;

pub use base64::Base64;
pub(crate) use base64::digit_value as base64_value;
pub use quoted_printable::QuotedPrintable;
pub use uu::{Uuencode, Uuencoded, UuencodedFiles, uuencoded};
pub(crate) use uu::{is_begin as is_uu_begin, is_line as is_uu_line};

use crate::{Defect, DefectKind, TransferEncoding};

/// Undoes a transfer encoding, in chunks of any size. What comes out does not
/// depend on how the input was cut. Nothing is refused: what is wrong is left out
/// or taken as it is, and named in [`defects`](Self::defects).
///
/// ```
/// use scop_mime::{Decoder, TransferEncoding};
///
/// let mut decoder = Decoder::new(&TransferEncoding::Base64);
/// let mut out = Vec::new();
/// for chunk in [&b"SGVs"[..], b"bG8s\r\nIHd", b"vcmxkIQ=="] {
///     decoder.decode(chunk, &mut out);
/// }
/// decoder.finish(&mut out);
/// assert_eq!(out, b"Hello, world!");
/// assert!(decoder.defects().is_empty());
/// ```
#[derive(Clone, Debug)]
pub enum Decoder {
    /// 7bit, 8bit, binary and what is unknown: as it is.
    Identity,
    /// base64.
    Base64(Base64),
    /// quoted-printable.
    QuotedPrintable(QuotedPrintable),
    /// uuencode.
    Uuencode(Uuencode),
}

impl Decoder {
    /// A decoder at the start of a body.
    #[must_use]
    #[inline]
    pub fn new(encoding: &TransferEncoding) -> Self {
        match encoding {
            TransferEncoding::Base64 => Decoder::Base64(Base64::new()),
            TransferEncoding::QuotedPrintable => Decoder::QuotedPrintable(QuotedPrintable::new()),
            TransferEncoding::Uuencode => Decoder::Uuencode(Uuencode::new()),
            _ => Decoder::Identity,
        }
    }

    /// Decodes the next bytes and appends what is complete to `out`: never more
    /// than there were bytes in so far. Takes no more memory than `out`, however long
    /// the body is.
    #[inline]
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        match self {
            Decoder::Identity => out.extend_from_slice(input),
            Decoder::Base64(d) => d.decode(input, out),
            Decoder::QuotedPrintable(d) => d.decode(input, out),
            Decoder::Uuencode(d) => d.decode(input, out),
        }
    }

    /// The body is over: appends what is left.
    #[inline]
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Decoder::Identity => {}
            Decoder::Base64(d) => d.finish(out),
            Decoder::QuotedPrintable(d) => d.finish(out),
            Decoder::Uuencode(d) => d.finish(out),
        }
    }

    /// What was wrong: the first of each kind, by its offset in the encoded body.
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        match self {
            Decoder::Identity => &[],
            Decoder::Base64(d) => d.defects(),
            Decoder::QuotedPrintable(d) => d.defects(),
            Decoder::Uuencode(d) => d.defects(),
        }
    }
}

impl TransferEncoding {
    /// The length of `body` once this encoding is undone, to the byte and whatever is
    /// wrong with it. Allocates nothing; costs no more than to decode.
    ///
    /// ```
    /// use scop_mime::TransferEncoding;
    ///
    /// assert_eq!(TransferEncoding::Base64.decoded_len(b"SGVs\r\nbG8="), 5);
    /// assert_eq!(TransferEncoding::QuotedPrintable.decoded_len(b"caf=C3=A9 =\r\n"), 6);
    /// ```
    #[must_use]
    pub fn decoded_len(&self, body: &[u8]) -> u64 {
        match self {
            TransferEncoding::Base64 => base64::decoded_len(body),
            TransferEncoding::QuotedPrintable => quoted_printable::decoded_len(body),
            TransferEncoding::Uuencode => uu::decoded_len(body),
            _ => body.len() as u64,
        }
    }
}

/// Where bytes go.
pub(crate) trait Sink {
    fn extend(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Counts the bytes.
pub(crate) struct Length(pub(crate) u64);

impl Sink for Length {
    fn extend(&mut self, bytes: &[u8]) {
        self.0 += bytes.len() as u64;
    }
}

/// The first defect of each kind, by offset.
#[derive(Clone, Debug, Default)]
struct Firsts(Vec<Defect>);

impl Firsts {
    fn add(&mut self, kind: DefectKind, offset: u64) {
        if !self.0.iter().any(|d| d.kind == kind) {
            self.0.push(Defect::new(kind, offset));
            self.0.sort_unstable();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    pub(super) fn run(encoding: &TransferEncoding, text: &[u8]) -> (Vec<u8>, Vec<DefectKind>) {
        run_cut(encoding, &[text])
    }

    fn run_cut(encoding: &TransferEncoding, parts: &[&[u8]]) -> (Vec<u8>, Vec<DefectKind>) {
        let mut decoder = Decoder::new(encoding);
        let mut out = vec![];
        for part in parts {
            decoder.decode(part, &mut out);
        }
        decoder.finish(&mut out);
        let kinds = decoder.defects().iter().map(|d| d.kind).collect();
        (out, kinds)
    }

    #[test]
    fn defects_are_in_order_whatever_the_cuts() {
        let text = b"a==\xc1 \r\n";
        let encoding = TransferEncoding::QuotedPrintable;
        let pieces: Vec<&[u8]> = text.chunks(1).collect();
        let (_, kinds) = run_cut(&encoding, &pieces);
        assert_eq!(run(&encoding, text).1, kinds);
        let order = [
            DefectKind::QpBadEscape,
            DefectKind::EightBitBody,
            DefectKind::QpTrailingSpace,
        ];
        assert_eq!(kinds, order);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn cuts_change_nothing(text in "(=[0-9A-Fa-f \t]{0,2}|é|[A-Za-z+/ \t=M]{0,70}|\r\n|\n|\r|begin 644 x\n|end\n|[#-`]{0,9})*", cut in 1usize..20) {
            for encoding in [TransferEncoding::Base64, TransferEncoding::QuotedPrintable, TransferEncoding::Uuencode] {
                let whole = run(&encoding, text.as_bytes());
                let parts: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
                prop_assert_eq!(encoding.decoded_len(text.as_bytes()), whole.0.len() as u64);
                prop_assert_eq!(run_cut(&encoding, &parts), whole);
            }
        }
    }
}

//! Transfer encodings: what comes out does not depend on the cuts, and what is
//! written by the book decodes to what it was made of.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_mime::{Decoder, TransferEncoding};

fn decode<'a>(
    encoding: &TransferEncoding,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> (Vec<u8>, String) {
    let mut decoder = Decoder::new(encoding);
    let mut out = Vec::new();
    for piece in pieces {
        decoder.decode(piece, &mut out);
    }
    decoder.finish(&mut out);
    (out, format!("{:?}", decoder.defects()))
}

/// Quoted-printable by RFC 2045 section 6.7, everything quoted.
fn quoted(data: &[u8]) -> Vec<u8> {
    let mut out = String::new();
    for (i, byte) in data.iter().enumerate() {
        if i > 0 && i % 24 == 0 {
            out.push_str("=\r\n");
        }
        out.push_str(&format!("={byte:02X}"));
    }
    out.into_bytes()
}

fuzz_target!(|data: &[u8]| {
    for encoding in [
        TransferEncoding::Base64,
        TransferEncoding::QuotedPrintable,
        TransferEncoding::Uuencode,
        TransferEncoding::EightBit,
    ] {
        let whole = within(heap_for(data.len()), || {
            decode(&encoding, std::iter::once(data))
        });
        assert_eq!(whole, decode(&encoding, pieces(data)), "{encoding}");
        assert_eq!(whole, decode(&encoding, data.chunks(1)), "{encoding}");
    }
    let written = quoted(data);
    let (read, _) = decode(&TransferEncoding::QuotedPrintable, pieces(&written));
    assert_eq!(read, data);
    let written = scop_sasl::wire::encode(data);
    let (read, _) = decode(&TransferEncoding::Base64, pieces(written.as_bytes()));
    assert_eq!(read, data);
});

//! Transfer encodings: what comes out does not depend on the cuts, its length is known
//! without it, and what is encoded decodes, without a defect, to what it was made of.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_mime::{Decoder, EncodeQuotedPrintable, Encoder, TransferEncoding, uuencoded};

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

fn encode<'a>(mut encoder: Encoder, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    pieces.for_each(|piece| encoder.encode(piece, &mut out));
    encoder.finish(&mut out);
    out
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
        assert_eq!(
            encoding.decoded_len(data),
            whole.0.len() as u64,
            "{encoding}"
        );
        assert_eq!(whole, decode(&encoding, pieces(data)), "{encoding}");
        assert_eq!(whole, decode(&encoding, data.chunks(1)), "{encoding}");
    }
    let binary = Encoder::QuotedPrintable(EncodeQuotedPrintable::binary());
    for (encoding, encoder) in [
        (
            TransferEncoding::Base64,
            Encoder::new(&TransferEncoding::Base64),
        ),
        (
            TransferEncoding::QuotedPrintable,
            Encoder::new(&TransferEncoding::QuotedPrintable),
        ),
        (TransferEncoding::QuotedPrintable, binary),
    ] {
        let written = encode(encoder.clone(), std::iter::once(data));
        assert_eq!(written, encode(encoder.clone(), pieces(data)), "{encoding}");
        assert_eq!(written, encode(encoder, data.chunks(1)), "{encoding}");
        assert!(written.is_ascii() && written.split(|b| *b == b'\n').all(|l| l.len() <= 77));
        assert_eq!(
            decode(&encoding, pieces(&written)),
            (data.to_vec(), "[]".into()),
            "{encoding}"
        );
    }
    let mut end = 0;
    for file in uuencoded(data) {
        assert!(file.offset() >= end && data[file.offset()..].starts_with(file.raw()));
        end = file.offset() + file.raw().len();
        let length = TransferEncoding::Uuencode.decoded_len(file.raw());
        assert_eq!(file.decode().len() as u64, length);
    }
});

//! Header values by type, and bodies by encoding: whatever the bytes are, work and
//! memory are in proportion, and what was read can be written and read again.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_mime::{DateTime, Decoder, Message, TransferEncoding, mailboxes};

const NAMES: [&str; 8] = [
    "From",
    "Subject",
    "Date",
    "References",
    "Content-Type",
    "Content-Disposition",
    "Content-Transfer-Encoding",
    "X",
];

fn decoded<'a>(encoding: &TransferEncoding, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut decoder = Decoder::new(encoding);
    let mut out = Vec::new();
    pieces.for_each(|piece| decoder.decode(piece, &mut out));
    decoder.finish(&mut out);
    // The offsets of what is wrong do not depend on the cuts either.
    out.extend_from_slice(format!("{:?}", decoder.defects()).as_bytes());
    out
}

fuzz_target!(|data: &[u8]| {
    for name in NAMES {
        let mut text = format!("{name}: ").into_bytes();
        text.extend_from_slice(data);
        within(heap_for(data.len()), || {
            let message = Message::parse(&text);
            let header = message.header();
            let Some(field) = header.fields().next() else {
                return;
            };
            let shown = field.text();
            assert!(!shown.contains(['\r', '\n']), "a value has no line end");
            let addresses = field.addresses();
            for mailbox in mailboxes(&addresses) {
                let _ = (mailbox.name(), mailbox.to_string());
                assert!(mailbox.address().len() <= 2 * data.len() + 3);
            }
            if let Some(date) = field.date() {
                assert_eq!(DateTime::parse(date.to_rfc5322().as_bytes()), Some(date));
            }
            let _ = field.message_ids();
            let _ = (field.content_type(), field.disposition());
            let _ = (
                message.envelope(),
                message.body_structure(),
                message.inspect(),
            );
            let _ = message.root().filename();
        });
    }
    for encoding in [
        TransferEncoding::Base64,
        TransferEncoding::QuotedPrintable,
        TransferEncoding::Uuencode,
    ] {
        let whole = within(heap_for(data.len()), || {
            decoded(&encoding, std::iter::once(data))
        });
        assert_eq!(whole, decoded(&encoding, pieces(data)));
        assert_eq!(whole, decoded(&encoding, data.chunks(1)));
    }
});

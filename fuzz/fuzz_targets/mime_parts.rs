//! What is done with the parts of a message: related parts, forms, what is signed,
//! armour, external bodies, and pieces put together.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, within};
use scop_mime::partial::{PartialLimits, reassemble};
use scop_mime::{Message, Part, Security, armours};

fn inside(part: &Part<'_, '_>, data: &[u8]) -> bool {
    part.body_offset() + part.body_length() <= data.len() as u64
}

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        let message = Message::parse(data);
        for part in message.parts().take(50) {
            assert!(inside(&part, data));
            let around = part.preamble().len() + part.epilogue().len();
            assert!(around as u64 <= part.body_length());
            if let Some(related) = part.related() {
                let root = related.root();
                assert!(inside(&root, data));
                if let Some(id) = root.content_id() {
                    let found = related.resolve(&format!("cid:{}", id.replace('%', "%25")));
                    // Another part may have the same id and be before it.
                    let same = found.is_some_and(|p| p.content_id().as_deref() == Some(&*id));
                    assert!(
                        same || id.trim_ascii() != &*id || id.contains(['<', '>']),
                        "{id:?}"
                    );
                }
            }
            let _ = (
                part.resolve("a/../b"),
                part.location(),
                part.form_fields().count(),
            );
            match part.security() {
                Some(Security::Signed(signed)) => {
                    let range = signed.signed_range();
                    let raw = &data[range.start as usize..range.end as usize];
                    assert_eq!(signed.signed_raw(), raw);
                    let canonical: Vec<u8> = signed.signed_chunks().flatten().copied().collect();
                    let bare = |bytes: &[u8]| {
                        let lf = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n');
                        lf.filter(|(i, _)| *i == 0 || bytes[i - 1] != b'\r').count()
                    };
                    assert_eq!(bare(&canonical), 0);
                    assert_eq!(canonical.len(), raw.len() + bare(raw));
                    let _ = signed.signature_bytes();
                }
                Some(Security::Encrypted(encrypted)) => drop(encrypted.ciphertext()),
                Some(Security::Pkcs7(cms)) => drop(cms.der()),
                None => {}
            }
            let _ = part
                .protected_header()
                .map(|p| (p.fields().count(), p.outer().count()));
            let _ = part
                .external_body()
                .map(|e| (e.phantom().header().subject().is_some(), e.size()));
        }
        let _ = message
            .report()
            .map(|r| (r.human().is_some(), r.original_message_id()));
        let mut end = 0;
        for armour in armours(data) {
            assert!(armour.range.start >= end && armour.range.end <= data.len());
            assert!(
                armour.range.start <= armour.content.start
                    && armour.content.start <= armour.content.end
            );
            assert!(armour.content.end <= armour.range.end);
            end = armour.range.end;
        }
        // Pieces are apart by a byte of 1.
        let pieces: Vec<&[u8]> = data.split(|b| *b == 1).collect();
        let limits = PartialLimits {
            fragments: 20,
            octets: 10_000,
        };
        if let Ok(whole) = reassemble(&pieces, &limits) {
            let bytes = whole.to_vec();
            assert_eq!(bytes.len() as u64, whole.len());
            let read = Message::parse(&bytes);
            // No field of the header is a piece's own.
            assert!(bytes.len() <= data.len() + 4 * pieces.len() + 4);
            let _ = read.header().fields().count();
        }
    });
});

//! TNEF of any kind: every range lies in the stream, and work and memory are in
//! proportion to it.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, within};
use scop_mime::tnef::Tnef;

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        let (mut stream, mut depth) = (data, 0);
        while let Ok(tnef) = Tnef::parse(stream) {
            let _ = (tnef.subject(), tnef.body(), tnef.codepage());
            let within =
                tnef.html().map_or(0, <[u8]>::len) + tnef.compressed_rtf().map_or(0, <[u8]>::len);
            assert!(within <= 2 * stream.len());
            for defect in tnef.defects() {
                assert!(defect.offset <= stream.len() as u64);
            }
            let mut embedded = None;
            for attachment in tnef.attachments() {
                let range = attachment.range();
                assert_eq!(stream.get(range), Some(attachment.data()));
                let name = attachment.name().unwrap_or_default();
                assert!(!name.contains('\0') && name.len() <= 3 * stream.len());
                let _ = (attachment.mime_type(), attachment.content_id());
                embedded = embedded.or(attachment.embedded());
            }
            depth += 1;
            match embedded {
                // It is shorter each time.
                Some(inner) if depth < 20 => {
                    assert!(inner.len() < stream.len());
                    stream = inner;
                }
                _ => break,
            }
        }
    });
});

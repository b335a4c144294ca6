//! A stored index that may be damaged: it is refused, or it can be asked for
//! everything, of the message it is not of as well.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, within};
use scop_mime::{Index, Limits, Message, Section};

const OTHER: &[u8] = b"Subject: other\r\n\r\nmessage\r\n";

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        let Ok(index) = Index::from_bytes(data) else {
            return;
        };
        let _ = (index.envelope(), index.body_structure(), index.size());
        for section in ["", "1", "1.2", "HEADER", "TEXT", "1.MIME", "1.HEADER"] {
            let section: Section = section.parse().expect("a section");
            let _ = (index.range(&section), index.section(OTHER, &section));
        }
        let message = Message::with_index(OTHER, index, &Limits::default());
        for part in message.parts().take(200) {
            let _ = (part.decode(), part.text(), part.filename());
        }
        let _ = message.inspect();
    });
});

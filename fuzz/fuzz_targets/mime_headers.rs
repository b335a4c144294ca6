//! Header values by type: whatever the bytes are, work and memory are in proportion,
//! no line end comes out of a value, and a date that was read is written as the same.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, within};
use scop_mime::{DateTime, Message, mailboxes};

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
});

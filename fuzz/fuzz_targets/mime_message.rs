//! A message of any kind: its index does not depend on the cuts and survives being
//! stored, every part lies inside of what holds it, and every value can be asked for.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_mime::{Index, Indexer, Limits, Message, Part, Section};

fn index<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Index {
    let mut indexer = Indexer::new(Limits::default());
    for piece in pieces {
        indexer.write(piece);
    }
    indexer.finish()
}

fn ask(message: &Message<'_>) {
    let header = message.header();
    let _ = (header.subject(), header.date(), header.message_id());
    let _ = (header.references(), header.in_reply_to());
    let _ = (header.from(), header.sender(), header.reply_to());
    let _ = (header.to(), header.cc(), header.bcc());
    for field in header.fields() {
        let _ = (field.text(), field.addresses(), field.date());
        let _ = (field.message_ids(), field.content_type());
    }
    let _ = (message.text_body().is_some(), message.html_body().is_some());
    let _ = message.attachments().count();
    for defect in message.inspect() {
        assert!(defect.offset <= message.bytes().len() as u64, "{defect:?}");
    }
}

fn part(message: &Message<'_>, part: Part<'_, '_>) {
    let id = part.id();
    assert!(message.part(&id).is_some(), "{id}");
    let raw = part.offset()..part.body_offset() + part.body_length();
    assert!(
        raw.start <= part.body_offset() && raw.end <= message.bytes().len() as u64,
        "{id}: {raw:?}"
    );
    assert_eq!(part.body().len() as u64, part.body_length(), "{id}");
    for child in part.children() {
        let end = child.body_offset() + child.body_length();
        assert!(
            child.offset() >= part.body_offset() && end <= raw.end,
            "{} is not inside of {id}",
            child.id()
        );
    }
    let _ = (part.content_type(), part.disposition(), part.filename());
    let _ = (part.description(), part.content_id());
    let decoded = part.decode();
    assert!(decoded.bytes.len() <= part.body().len().max(1) * 2, "{id}");
    let _ = part.text();
}

fuzz_target!(|data: &[u8]| {
    let whole = within(heap_for(data.len()), || index(std::iter::once(data)));
    let stored = whole.to_bytes();
    assert_eq!(stored, index(pieces(data)).to_bytes());
    assert_eq!(stored, index(data.chunks(1)).to_bytes());
    let again = Index::from_bytes(&stored).expect("what was stored is read");
    assert_eq!(again.to_bytes(), stored);

    within(heap_for(data.len()), || {
        let message = Message::parse(data);
        ask(&message);
        for each in message.parts().take(200) {
            part(&message, each);
        }
        assert_eq!(again.envelope(), message.envelope());
        assert_eq!(again.body_structure(), message.body_structure());
        for section in ["", "HEADER", "TEXT", "1", "1.MIME", "2.1.HEADER.FIELDS (X)"] {
            let section: Section = section.parse().expect("a section");
            let found = again.section(data, &section);
            assert_eq!(found, message.section(&section), "{section}");
            let range = again.range(&section);
            assert!(range.is_none_or(|r| r.start <= r.end && r.end <= data.len() as u64));
        }
    });
});

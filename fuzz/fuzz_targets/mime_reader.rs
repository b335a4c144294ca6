//! The reader's events, with limits wide and tight: they do not depend on the cuts,
//! follow each other without a gap, and name each part by a section of its own.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_mime::{Event, Index, Indexer, Limits, Message, Reader};

fn index<'a>(pieces: impl Iterator<Item = &'a [u8]>, limits: &Limits) -> Index {
    let mut indexer = Indexer::new(limits.clone());
    pieces.for_each(|piece| indexer.write(piece));
    indexer.finish()
}

/// The events follow each other without a gap, parts nest, and the index has the same.
fn tiles(data: &[u8], limits: &Limits, index: &Index) {
    let mut reader = Reader::new(limits.clone());
    reader.finish();
    let (mut input, mut next, mut depth) = (data, 0u64, 0u32);
    let (mut parts, mut defects) = (0, Vec::new());
    while let Some(event) = reader.read(&mut input) {
        let at = |offset: u64| &data[offset as usize..];
        match event {
            Event::PartStart(start) => {
                assert_eq!(start.offset, next);
                depth += 1;
                parts += 1;
            }
            Event::Header(field) => {
                assert_eq!(field.at.offset, next);
                assert!(at(next).starts_with(field.raw));
                next += u64::from(field.at.length);
            }
            Event::BodyStart(body) => {
                assert_eq!(body.header_end, next);
                next = body.offset;
            }
            Event::Body(body) => {
                assert!(body.offset == next && at(next).starts_with(body.data));
                next += body.data.len() as u64;
            }
            Event::Delimiter(line) => {
                assert!(line.offset == next && at(next).starts_with(line.data));
                next += line.data.len() as u64;
            }
            Event::PartEnd(_) => depth -= 1,
            Event::Defect(defect) => defects.push(defect),
            Event::End(size) => assert_eq!((size.octets, next), (data.len() as u64, size.octets)),
            _ => {}
        }
    }
    assert!(reader.is_done() && depth == 0 && next == data.len() as u64);
    let told = index.defects().len() as u64 + index.more_defects();
    assert!(parts == index.part_count() && defects.len() as u64 == told);
    assert!(defects.starts_with(index.defects()));
}

fuzz_target!(|data: &[u8]| {
    let tight = Limits {
        header_bytes: 300,
        fields: 4,
        depth: 3,
        parts: 6,
        parameters: 2,
        ..Limits::default()
    };
    for limits in [Limits::default(), tight] {
        let whole = within(heap_for(data.len()), || {
            index(std::iter::once(data), &limits)
        });
        assert_eq!(whole, index(pieces(data), &limits));
        assert_eq!(whole, index(data.chunks(1), &limits));
        tiles(data, &limits, &whole);
        assert_eq!(Index::from_bytes(&whole.to_bytes()).as_ref(), Ok(&whole));
        let message = Message::parse_with(data, &limits);
        assert_eq!(message.index(), whole);
        assert_eq!(message.envelope(), whole.envelope());
        if limits == Limits::default() {
            assert_eq!(message.body_structure(), whole.body_structure());
        }
        for part in message.parts() {
            let id = part.id();
            let found = message.part(&id).expect("every part has its own id");
            assert_eq!(found.offset(), part.offset());
            let section = id.to_string().parse().expect("an id is a section");
            assert_eq!(whole.section(data, &section).as_deref(), Some(part.body()));
        }
    }
});

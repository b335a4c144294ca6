//! Ours.

use bytes::{Bytes, BytesMut};
use scop_imap_proto::response::{
    Address, BodyStructure, Data, Fetch, FetchItem, Limits, Media, Piece, Reader, Response, Value,
};

use scop_imap_proto::types::Flag;

use crate::measure::Tally;

pub fn read(input: &[u8], read: usize, tally: &mut Tally) {
    let mut reader = Reader::new(Limits::default());
    let mut buffer = BytesMut::new();
    for chunk in input.chunks(read) {
        buffer.extend_from_slice(chunk);
        while let Some(piece) = reader.next(&mut buffer).expect("responses") {
            match piece {
                Piece::Response(Response::Data(data)) => self::data(data, tally),
                Piece::Begin { .. } => {}
                Piece::Chunk { data, .. } => tally.bytes(&data),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn data(data: Data, tally: &mut Tally) {
    tally.item();
    match data {
        Data::Exists(n) => tally.number(u64::from(n)),
        Data::Search { ids, .. } => ids.iter().for_each(|id| tally.number(u64::from(id.get()))),
        Data::Fetch(fetch) => self::fetch(&fetch, tally),
        other => panic!("{other:?}"),
    }
}

fn fetch(fetch: &Fetch, tally: &mut Tally) {
    let mut seen = false;
    for item in &fetch.items {
        match item {
            FetchItem::Uid(uid) => tally.number(u64::from(uid.get())),
            FetchItem::Flags(flags) => {
                for one in flags {
                    flag(one, tally);
                }
            }
            FetchItem::Envelope(envelope) => {
                let text = |value: &Option<Bytes>, tally: &mut Tally| {
                    tally.bytes(value.as_deref().unwrap_or_default());
                };
                text(&envelope.date, tally);
                text(&envelope.subject, tally);
                for list in [&envelope.from, &envelope.to, &envelope.cc] {
                    addresses(list, tally);
                }
                text(&envelope.message_id, tally);
            }
            FetchItem::BodyStructure(body) => structure(body, tally),
            // Its bytes were counted as they came.
            FetchItem::Section {
                value: Value::Streamed(_),
                ..
            } => seen = true,
            other => panic!("{other:?}"),
        }
    }
    tally.number(u64::from(fetch.number.get()) + u64::from(seen));
}

fn addresses(list: &[Address], tally: &mut Tally) {
    for address in list {
        for part in [&address.name, &address.mailbox, &address.host] {
            tally.bytes(part.as_deref().unwrap_or_default());
        }
    }
}

fn structure(body: &BodyStructure, tally: &mut Tally) {
    match body {
        BodyStructure::Multi(multi) => {
            multi.parts.iter().for_each(|part| structure(part, tally));
            tally.bytes(&multi.subtype);
        }
        BodyStructure::Single(part) => {
            match &part.media {
                Media::Text { subtype, lines } => {
                    tally.bytes(subtype);
                    tally.number(*lines);
                }
                Media::Basic { subtype, .. } => tally.bytes(subtype),
                other => panic!("{other:?}"),
            }
            for (name, value) in &part.parameters {
                tally.bytes(name);
                tally.bytes(value);
            }
            tally.number(part.octets);
        }
    }
}

fn flag(flag: &Flag<'_>, tally: &mut Tally) {
    match flag {
        Flag::Seen => tally.bytes(b"\\Seen"),
        Flag::Answered => tally.bytes(b"\\Answered"),
        Flag::Flagged => tally.bytes(b"\\Flagged"),
        Flag::Keyword(word) => tally.bytes(word.as_str().as_bytes()),
        other => panic!("{other:?}"),
    }
}

//! IMAP responses: what is read does not depend on the cuts; what was read and
//! written again is one response and reads as the same.
#![no_main]

use bytes::BytesMut;
use scop_core::Outbox;
use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_imap_proto::response::{Data, FetchItem, Limits, Piece, Reader, Response};

/// What was read, chunks of one literal as one, and how it ended.
#[derive(Debug, PartialEq)]
struct Found {
    responses: Vec<Response>,
    begun: Vec<FetchItem>,
    bytes: Vec<u8>,
    fault: Option<String>,
}

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>, limits: Limits) -> Found {
    let mut reader = Reader::new(limits);
    let mut input = BytesMut::new();
    let mut found = Found {
        responses: Vec::new(),
        begun: Vec::new(),
        bytes: Vec::new(),
        fault: None,
    };
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match reader.next(&mut input) {
                Ok(Some(Piece::Response(response))) => found.responses.push(response),
                Ok(Some(Piece::Begin { item, .. })) => found.begun.push(item),
                Ok(Some(Piece::Chunk { data, .. })) => found.bytes.extend_from_slice(&data),
                Ok(None) => break,
                Err(fault) => {
                    found.fault = Some(fault.to_string());
                    return found;
                }
            }
        }
    }
    found
}

fuzz_target!(|data: &[u8]| {
    let held = Limits::default();
    let streamed = Limits { inline: 8, ..held };
    for limits in [held, streamed] {
        let whole = within(heap_for(data.len()), || read(std::iter::once(data), limits));
        assert_eq!(whole, read(pieces(data), limits));
        assert_eq!(whole, read(data.chunks(1), limits));
    }
    for response in read(std::iter::once(data), held).responses {
        // Not all that is read is written (`BODY` has no extension data, a text does
        // not begin with a bracket), but then it stays as it is, if it was understood.
        let once = rewritten(&response, held);
        let twice = rewritten(&once, held);
        let thrice = rewritten(&twice, held);
        if [&response, &once, &twice].into_iter().all(understood) {
            assert_eq!(twice, thrice, "first read as {response:?}");
        }
    }
});

fn understood(response: &Response) -> bool {
    match response {
        Response::Data(Data::Fetch(fetch)) => {
            let unknown = |item: &FetchItem| matches!(item, FetchItem::Unknown(_));
            !fetch.items.iter().any(unknown)
        }
        Response::Data(Data::Unknown(_)) | Response::Unknown(_) => false,
        _ => true,
    }
}

/// The response that is read when `response` was written: one.
fn rewritten(response: &Response, limits: Limits) -> Response {
    let mut out = Outbox::new(usize::MAX);
    response.encode(&mut out);
    let mut written = Vec::new();
    while let Some(chunk) = out.pop() {
        written.extend_from_slice(&chunk);
    }
    let mut again = read(std::iter::once(&written[..]), limits);
    assert!(
        again.responses.len() == 1 && again.fault.is_none(),
        "{response:?}\nwas written as {}\nand reads as {again:?}",
        written.escape_ascii()
    );
    again.responses.remove(0)
}

//! Lines and literals: what is framed does not depend on the cuts, nothing is
//! lost, and no line is longer than the limit.
#![no_main]

use bytes::BytesMut;
use scop_core::{Counted, Ending, LineScanner, Outbox, Scan};
use scop_fuzz::{fuzz_target, heap_for, pieces, within};

#[derive(Debug, PartialEq)]
enum Framed {
    Line(Vec<u8>),
    Bare(Vec<u8>),
    TooLong,
    Literal(Vec<u8>),
}

const LIMIT: usize = 40;

/// A toy protocol: lines, and behind a line `{n}` a literal of `n` bytes. An
/// overlong line is thrown away.
fn frame<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Framed>, usize) {
    let mut scanner = LineScanner::new();
    let mut literal: Option<Counted> = None;
    let mut discarding = false;
    let mut input = BytesMut::new();
    let mut found = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            if discarding {
                discarding = !scanner.discard(&mut input);
                if discarding {
                    break;
                }
            }
            if let Some(counted) = &mut literal {
                let Some(bytes) = counted.next(&mut input) else {
                    if counted.is_done() {
                        literal = None;
                        continue;
                    }
                    break;
                };
                match found.last_mut() {
                    Some(Framed::Literal(all)) => all.extend_from_slice(&bytes),
                    _ => unreachable!("a literal follows its own entry"),
                }
                continue;
            }
            let scan = scanner.scan(&input, LIMIT);
            match scan {
                Scan::Line { len, ending } => {
                    assert!(len <= LIMIT);
                    let content = scan.content(&input).expect("a line has content").to_vec();
                    let _ = input.split_to(len);
                    let announced = content
                        .strip_prefix(b"{")
                        .and_then(|rest| rest.strip_suffix(b"}"))
                        .and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
                    found.push(match ending {
                        Ending::Crlf => Framed::Line(content),
                        Ending::BareLf => Framed::Bare(content),
                    });
                    if let Some(size) = announced {
                        literal = Some(Counted::new(size));
                        found.push(Framed::Literal(Vec::new()));
                    }
                }
                Scan::TooLong => {
                    discarding = true;
                    found.push(Framed::TooLong);
                }
                Scan::Incomplete => break,
            }
        }
    }
    (found, input.len())
}

fuzz_target!(|data: &[u8]| {
    let whole = within(heap_for(data.len()), || frame(std::iter::once(data)));
    assert_eq!(whole, frame(pieces(data)));
    assert_eq!(whole, frame(data.chunks(1)));

    // An outbox keeps order and count, whatever mix of small and large goes in.
    let mut out = Outbox::new(64);
    for (i, piece) in pieces(data).enumerate() {
        if i % 2 == 0 {
            out.push(piece);
        } else {
            out.push_bytes(piece.to_vec().into());
        }
        assert_eq!(out.is_full(), out.len() >= 64);
    }
    assert_eq!(out.len(), data.len());
    let mut sent = Vec::new();
    while let Some(chunk) = out.pop() {
        assert!(!chunk.is_empty());
        sent.extend_from_slice(&chunk);
    }
    assert!(out.is_empty() && sent == data);
});

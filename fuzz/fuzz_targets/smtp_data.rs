//! DATA in both directions, against a reader so simple that it is plainly right:
//! the end is where CRLF.CRLF is and nowhere else, and what was written reads back
//! as the same message, whoever reads it.
#![no_main]

use bytes::{Bytes, BytesMut};
use scop_core::Outbox;
use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_smtp_proto::{Bare, DataDecoder, DataEncoder, DataStep, Outgoing};

#[derive(Debug, PartialEq)]
struct Found {
    message: Vec<u8>,
    bad: bool,
    ended: bool,
    left: Vec<u8>,
}

fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>, policy: Bare) -> Found {
    let mut decoder = DataDecoder::new(policy);
    let (mut input, mut message) = (BytesMut::new(), Vec::new());
    let (mut bad, mut ended) = (false, false);
    for piece in pieces {
        input.extend_from_slice(piece);
        while !ended {
            match decoder.read(&mut input) {
                DataStep::Chunk(bytes) => {
                    assert!(!bytes.is_empty() && !bad);
                    message.extend_from_slice(&bytes);
                }
                DataStep::Bad(_) => {
                    assert!(!bad);
                    bad = true;
                }
                DataStep::End => ended = true,
                DataStep::NeedInput => break,
            }
        }
    }
    let left = if ended { input.to_vec() } else { Vec::new() };
    Found {
        message,
        bad,
        ended,
        left,
    }
}

/// The same, the pieces lent.
fn decode_lent<'a>(pieces: impl Iterator<Item = &'a [u8]>, policy: Bare) -> Found {
    let mut decoder = DataDecoder::new(policy);
    let (mut input, mut message) = (Vec::new(), Vec::new());
    let (mut bad, mut ended) = (false, false);
    for piece in pieces {
        input.extend_from_slice(piece);
        let mut used = 0;
        while !ended {
            let (taken, step) = decoder.feed(&input[used..]);
            used += taken;
            match step {
                DataStep::Chunk(bytes) => {
                    assert!(!bytes.is_empty() && !bad);
                    message.extend_from_slice(bytes);
                }
                DataStep::Bad(_) => {
                    assert!(!bad);
                    bad = true;
                }
                DataStep::End => ended = true,
                DataStep::NeedInput => break,
            }
        }
        input.drain(..used);
    }
    let left = if ended { input } else { Vec::new() };
    Found {
        message,
        bad,
        ended,
        left,
    }
}

/// Where the message ends on the wire, CRLF.CRLF included: RFC 5321 section 4.1.1.4.
fn end(wire: &[u8]) -> Option<usize> {
    if wire.starts_with(b".\r\n") {
        return Some(3);
    }
    let at = wire.windows(5).position(|w| w == b"\r\n.\r\n")?;
    Some(at + 5)
}

/// A message without a bare CR, a bare LF or NUL, dots taken out.
fn unstuff(wire: &[u8]) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    for line in wire
        .strip_suffix(b".\r\n")?
        .split_inclusive(|&b| b == b'\n')
    {
        let content = line.strip_suffix(b"\r\n")?;
        if content.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return None;
        }
        message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
    }
    Some(message)
}

fuzz_target!(|data: &[u8]| {
    for policy in [Bare::Reject, Bare::Keep] {
        let whole = within(heap_for(data.len()), || {
            decode(std::iter::once(data), policy)
        });
        for found in [
            decode(pieces(data), policy),
            decode(data.chunks(1), policy),
            decode_lent(std::iter::once(data), policy),
            decode_lent(pieces(data), policy),
            decode_lent(data.chunks(1), policy),
        ] {
            assert_eq!(found, whole, "{policy:?}");
        }
        assert_eq!(whole.ended, end(data).is_some(), "{policy:?}");
        let Some(end) = end(data) else { continue };
        assert_eq!(whole.left, &data[end..], "{policy:?}");
        match unstuff(&data[..end]) {
            Some(message) => assert_eq!((&whole.message, whole.bad), (&message, false)),
            None => assert_eq!(whole.bad, policy == Bare::Reject),
        }
    }

    for policy in [Outgoing::Refuse, Outgoing::Normalise] {
        let mut out = Outbox::new(64);
        let mut wire = Vec::new();
        let mut encoder = DataEncoder::new(policy);
        let mut empty = |out: &mut Outbox| {
            while let Some(chunk) = out.pop() {
                wire.extend_from_slice(&chunk);
            }
        };
        let written = pieces(data).try_for_each(|piece| {
            let mut piece = Bytes::copy_from_slice(piece);
            while !piece.is_empty() {
                encoder.write(&mut piece, &mut out)?;
                empty(&mut out);
            }
            Ok(())
        });
        let finished = written.and_then(|()| encoder.finish(&mut out));
        empty(&mut out);
        if finished.is_err() {
            assert_eq!(end(&wire), None, "{policy:?}: a refused message was ended");
            continue;
        }
        assert_eq!(end(&wire), Some(wire.len()), "{policy:?}: two messages");
        let read = unstuff(&wire).expect("what is written is clean");
        if policy == Outgoing::Refuse {
            let complete = data.is_empty() || data.ends_with(b"\r\n");
            let rest: &[u8] = if complete { b"" } else { b"\r\n" };
            assert_eq!(read, [data, rest].concat());
        }
    }
});

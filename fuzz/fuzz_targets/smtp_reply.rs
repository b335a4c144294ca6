//! SMTP replies and EHLO capabilities: what is read does not depend on the cuts,
//! and what is written again reads as the same.
#![no_main]

use bytes::BytesMut;
use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_smtp_proto::{Capabilities, Reply, ReplyLimits, ReplyParser};

fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>, plain: bool) -> (Vec<Reply>, Option<String>) {
    let mut parser = ReplyParser::new(ReplyLimits::default());
    parser.set_plain(plain);
    let mut input = BytesMut::new();
    let mut replies = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match parser.read(&mut input) {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(fault) => return (replies, Some(fault.to_string())),
            }
        }
    }
    (replies, None)
}

fuzz_target!(|data: &[u8]| {
    for plain in [false, true] {
        let whole = within(heap_for(data.len()), || read(std::iter::once(data), plain));
        assert_eq!(whole, read(pieces(data), plain));
        assert_eq!(whole, read(data.chunks(1), plain));
        for reply in whole.0 {
            let mut written = Vec::new();
            reply.encode(&mut written);
            let (again, fault) = read(std::iter::once(&written[..]), plain);
            assert_eq!(fault, None, "{reply:?} as {}", written.escape_ascii());
            assert_eq!(again, [reply.clone()], "as {}", written.escape_ascii());
            if plain {
                let is_ehlo = reply.code().get() == 250;
                let answer = Capabilities::from_reply(reply);
                let at_once = Capabilities::parse(&written).ok();
                assert_eq!(at_once, is_ehlo.then(|| answer.clone()));
                let _ = (answer.domain(), answer.size(), answer.mechanisms().count());
                for capability in answer.iter() {
                    let known = capability.extension();
                    assert!(known.is_none_or(|extension| answer.has(extension)));
                }
            }
        }
    }
});

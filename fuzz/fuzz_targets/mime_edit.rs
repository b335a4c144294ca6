//! Edits of any message: the message as it was around them, and the tree that was
//! asked for.
#![no_main]

use scop_fuzz::fuzz_target;
use scop_mime::build::{self, Field, Mailbox, Resent};
use scop_mime::edit::{At, Edit, EditChunk};
use scop_mime::{Content, DateTime, Message, Part};

const NEW: &str = "--b\n\nnew text\n--b--\n";
const WRITTEN: &[u8] = b"--b\r\n\r\nnew text\r\n--b--\r\n";

// The last bytes are the edits, four each: what, which part, where, and with what.
fuzz_target!(|data: &[u8]| {
    let Some((count, rest)) = data.split_last() else {
        return;
    };
    let script = rest.len().saturating_sub(4 * usize::from(count % 4));
    let (stored, script) = rest.split_at(script);
    let message = Message::parse(stored);
    let parts: Vec<_> = message.parts().collect();

    let untouched = Edit::new(&message).finish().expect("nothing can be wrong");
    let chunks: Vec<_> = untouched.chunks().collect();
    assert!(matches!(chunks[..], [] | [EditChunk::Old(_)]));
    assert!(untouched.to_vec() == stored);

    let (mut edit, mut made) = (Edit::new(&message), Vec::new());
    for step in script.chunks_exact(4) {
        let part = &parts[usize::from(step[1]) % parts.len()];
        let fields = part.header().fields().count().max(1);
        let name = part.header().fields().nth(usize::from(step[2]) % fields);
        let name = name.map_or("subject", |f| f.name());
        let field = Field::text("X-New", "1").expect("a field");
        let new = build::Part::text(NEW);
        let done = match step[0] % 13 {
            0 => edit.add_field(part, At::Top, field),
            1 => edit.add_field(part, At::Bottom, field),
            2 => edit.add_field(part, At::After(name, 0), field),
            3 => edit.remove_field(part, name, usize::from(step[3] % 2)),
            4 => edit.replace_field(part, name, 0, field),
            5 => edit.replace_part(part, new),
            6 => edit.remove_part(part),
            7 => edit.insert_before(part, new),
            8 => edit.insert_after(part, new),
            9 => edit.append(part, new),
            10 => edit.wrap(part, vec![new.clone()], vec![new]),
            11 => edit.attach(new),
            _ => edit.resend(&block()),
        };
        if done.is_ok() {
            made.push((step[0] % 13, part.offset()));
        }
    }
    let Ok(edited) = edit.finish() else { return };
    let new = edited.to_vec();
    assert_eq!(new.len() as u64, edited.len());
    // What is old is a subsequence of the message, apart from fields that were moved.
    let read = Message::parse(&new);
    let [(what, _)] = made[..] else { return };
    let leaves = |message: &Message<'_>| -> Vec<Vec<u8>> {
        let leaf = |p: &Part<'_, '_>| p.content() == Content::Leaf && !is_new(p);
        message
            .parts()
            .filter(leaf)
            .map(|p| p.body().to_vec())
            .collect()
    };
    if parts.iter().any(is_new) {
        return;
    }
    let added = read.parts().filter(is_new).count();
    match what {
        // Nothing but a header is different, and no body.
        0..=4 | 12 => {
            assert!(leaves(&read) == leaves(&message), "{}", new.escape_ascii());
            assert_eq!(read.parts().count(), parts.len(), "{}", new.escape_ascii());
        }
        5 => assert_eq!(added, 1, "{}", new.escape_ascii()),
        6 => assert!(read.parts().count() < parts.len(), "{}", new.escape_ascii()),
        10 => assert_eq!(added, 2, "{}", new.escape_ascii()),
        _ => assert_eq!(added, 1, "{}", new.escape_ascii()),
    }
    if what == 12 {
        let blocks = read.header().resent();
        let from = blocks.first().map(|b| b.from().len());
        assert_eq!(from, Some(1), "{}", new.escape_ascii());
    }
    if what > 6 {
        assert!(leaves(&read) == leaves(&message), "{}", new.escape_ascii());
    }
});

fn block() -> Resent {
    let from = Mailbox::new("a@b.test").expect("an address");
    Resent::new(from, DateTime::from_unix(0, 0).expect("a date"))
}

fn is_new(part: &Part<'_, '_>) -> bool {
    let decoded = part.decoded();
    let unix: Vec<u8> = decoded.iter().copied().filter(|b| *b != b'\r').collect();
    part.content() == Content::Leaf && (&*decoded == WRITTEN || unix == NEW.as_bytes())
}

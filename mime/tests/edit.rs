//! What edits do, and that they do nothing else.

use proptest::prelude::*;
use scop_mime::build::{self, Builder, Field, Group, Mailbox, MessageId, Resent};
use scop_mime::edit::{At, Edit, EditChunk, EditError};
use scop_mime::{Content, DateTime, DefectKind, Message, Part};

const MIXED: &[u8] = b"Received: by a.test\r\nSubject: =?utf-8?Q?hi?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b \t\r\n\r\ntwo\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>three\r\n--b--\r\nepilogue\r\n";

fn field(name: &str, value: &str) -> Field {
    Field::text(name, value).unwrap()
}

fn edited(stored: &[u8], with: impl FnOnce(&Message<'_>, &mut Edit<'_, '_>)) -> String {
    let message = Message::parse(stored);
    let mut edit = Edit::new(&message);
    with(&message, &mut edit);
    let edited = edit.finish().unwrap();
    let bytes = edited.to_vec();
    assert_eq!(bytes.len() as u64, edited.len());
    String::from_utf8(bytes).unwrap()
}

fn child<'m, 'a>(message: &'m Message<'a>, n: usize) -> Part<'m, 'a> {
    message.root().children().nth(n).unwrap()
}

/// What a part is, without where it is.
fn shape(part: &Part<'_, '_>) -> String {
    let fields: Vec<String> = part
        .header()
        .fields()
        .map(|f| f.raw().escape_ascii().to_string())
        .collect();
    let inner: Vec<String> = part.children().map(|c| shape(&c)).collect();
    let body = match part.content() {
        Content::Leaf => part.body().escape_ascii().to_string(),
        _ => inner.join("|"),
    };
    format!("{:?}{fields:?}({body})", part.content())
}

#[test]
fn fields_are_added_where_they_belong() {
    let shown = edited(MIXED, |m, e| {
        let root = m.root();
        e.add_field(&root, At::Top, field("A", "1")).unwrap();
        e.add_field(&root, At::Top, field("A", "2")).unwrap();
        e.add_field(&root, At::Bottom, field("B", "3")).unwrap();
        e.add_field(&root, At::After("subject", 0), field("C", "4"))
            .unwrap();
        e.add_field(&root, At::Before("subject", 0), field("D", "ü"))
            .unwrap();
        e.add_field(&child(m, 1), At::Top, field("E", "5")).unwrap();
    });
    assert!(shown.starts_with("A: 2\r\nA: 1\r\nReceived: by a.test\r\nD: =?utf-8?B?w7w=?=\r\nSubject: =?utf-8?Q?hi?=\r\nC: 4\r\nContent-Type: multipart/mixed; boundary=b\r\nB: 3\r\n\r\npreamble"), "{shown}");
    assert!(shown.ends_with("--b \t\r\nE: 5\r\n\r\ntwo\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>three\r\n--b--\r\nepilogue\r\n"), "{shown}");
}

#[test]
fn fields_are_removed_and_replaced() {
    let shown = edited(b"A: 1\nB: 2\n c\nA: 3\nA: 4\n\nbody\n", |m, e| {
        let root = m.root();
        e.remove_field(&root, "a", 1).unwrap();
        e.replace_field(&root, "B", 0, field("B", "new")).unwrap();
        assert_eq!(
            e.remove_field(&root, "a", 3),
            Err(EditError::NoField { offset: 0 })
        );
    });
    assert_eq!(shown, "A: 1\nB: new\nA: 4\n\nbody\n");
    let shown = edited(b"A: 1\nB: 2\nA: 3\n\nbody\n", |m, e| {
        assert_eq!(e.remove_fields(&m.root(), "A"), Ok(2));
        assert_eq!(e.remove_fields(&m.root(), "X"), Ok(0));
    });
    assert_eq!(shown, "B: 2\n\nbody\n");
}

#[test]
fn a_header_without_an_end_or_without_fields() {
    for (stored, wanted) in [
        ("", "X: y\r\n"),
        ("\nbody", "X: y\n\nbody"),
        ("no header at all", "X: y\r\n\r\nno header at all"),
        ("no header\nat all", "X: y\n\nno header\nat all"),
        ("A: b", "A: b\r\nX: y\r\n"),
        ("A: b\n", "A: b\nX: y\n"),
        ("From me\nA: b\n\nc", "From me\nA: b\nX: y\n\nc"),
    ] {
        let add = |e: &mut Edit<'_, '_>, m: &Message<'_>| {
            e.add_field(&m.root(), At::Bottom, field("X", "y")).unwrap();
        };
        let shown = edited(stored.as_bytes(), |m, e| add(e, m));
        assert_eq!(shown, wanted);
        let (old, new) = (
            Message::parse(stored.as_bytes()),
            Message::parse(shown.as_bytes()),
        );
        assert_eq!(new.root().body(), old.root().body());
        assert_eq!(new.header().get("x").unwrap().text(), "y");
    }
    // An mbox separator stays on top.
    let shown = edited(b"From me\nA: b\n\nc", |m, e| {
        e.add_field(&m.root(), At::Top, field("X", "y")).unwrap();
    });
    assert_eq!(shown, "From me\nX: y\nA: b\n\nc");
}

#[test]
fn lines_that_are_no_fields_are_not_read_otherwise() {
    let stored = b"A: b\nno field\n\nbody";
    let message = Message::parse(stored);
    let mut edit = Edit::new(&message);
    edit.remove_field(&message.root(), "A", 0).unwrap();
    assert_eq!(
        edit.finish().unwrap_err(),
        EditError::NotAField { offset: 5 }
    );
    let shown = edited(stored, |m, e| {
        e.remove_field(&m.root(), "A", 0).unwrap();
        e.remove_field(&m.root(), "", 0).unwrap();
    });
    assert_eq!(shown, "\nbody");
}

/// Found by fuzzing: with the line end of the new field a CR alone would be the empty line.
#[test]
fn nothing_is_put_behind_a_cr_that_ends_the_message() {
    let message = Message::parse(b"A: b\n\r");
    let field = || Field::text("X-New", "1").unwrap();
    let mut edit = Edit::new(&message);
    edit.add_field(&message.root(), At::Bottom, field())
        .unwrap();
    assert_eq!(
        edit.finish().unwrap_err(),
        EditError::NotAField { offset: 5 }
    );
    let mut edit = Edit::new(&message);
    edit.add_field(&message.root(), At::Top, field()).unwrap();
    assert_eq!(edit.finish().unwrap().to_vec(), b"X-New: 1\nA: b\n\r");
}

#[test]
fn a_message_is_passed_on_as_it_is() {
    let mailbox = |address| Mailbox::new(address).unwrap();
    let date = DateTime::from_unix(0, 0).unwrap();
    let team = Group::new("Team", [mailbox("c@z.test")]).unwrap();
    let block = Resent::new(mailbox("mary@y.test"), date)
        .and_from(mailbox("joe@y.test"))
        .to(mailbox("a@z.test"))
        .cc(team)
        .bcc(mailbox("b@z.test"))
        .message_id(MessageId::new("2@y.test").unwrap());
    let recipients: Vec<&str> = block.recipients().map(Mailbox::address).collect();
    assert_eq!(recipients, ["a@z.test", "c@z.test", "b@z.test"]);
    let shown = edited(STORED, |_, e| e.resend(&block).unwrap());
    assert_eq!(
        shown,
        "Resent-Date: Thu, 01 Jan 1970 00:00:00 +0000\nResent-From: mary@y.test, joe@y.test\n\
         Resent-Sender: mary@y.test\nResent-To: a@z.test\nResent-Cc: Team: c@z.test;\n\
         Resent-Message-ID: <2@y.test>\nReceived: by a.test\n\
         Resent-From: b@x.test\nResent-Date: Thu, 01 Jan 1970 00:00:00 +0000\n\
         From: a@x.test\nDate: Thu, 01 Jan 1970 00:00:00 +0000\n\nHi!\n"
    );
    let message = Message::parse(shown.as_bytes());
    let blocks = message.header().resent();
    assert_eq!(
        blocks.len(),
        2,
        "a block is put on top, and is not mixed with another"
    );
    assert_eq!(blocks[0].fields().len(), 6);
    let missing = |d: &scop_mime::Defect| d.kind == DefectKind::MissingResentField;
    assert!(!message.inspect().iter().any(missing), "{shown}");

    // Whoever sends on what they pass on alone is not written twice (RFC 5322 3.6.2).
    let alone = Resent::new(mailbox("m@y.test"), date).sender(mailbox("m@y.test"));
    let names = |block: &Resent| -> Vec<String> {
        let fields = block.fields();
        fields.iter().map(|f| f.name().to_owned()).collect()
    };
    assert_eq!(names(&alone), ["Resent-Date", "Resent-From"]);
    let secretary = alone.sender(mailbox("s@y.test"));
    assert_eq!(secretary.reverse_path().unwrap().address(), "s@y.test");
    assert_eq!(
        names(&secretary),
        ["Resent-Date", "Resent-From", "Resent-Sender"]
    );
}

const STORED: &[u8] = b"Return-Path: <a@x.test>\nReceived: by a.test\n\
Resent-From: b@x.test\nResent-Date: Thu, 01 Jan 1970 00:00:00 +0000\n\
From: a@x.test\nDate: Thu, 01 Jan 1970 00:00:00 +0000\n\nHi!\n";

#[test]
fn fields_that_say_how_a_body_is_read() {
    let message = Message::parse(MIXED);
    let root = message.root();
    let raw = |value: &str| Field::raw("Content-Type", value).unwrap();
    let refused = |with: &dyn Fn(&mut Edit<'_, '_>)| {
        let mut edit = Edit::new(&message);
        with(&mut edit);
        edit.finish().unwrap_err()
    };
    let structure = EditError::Structure { offset: 0 };
    assert_eq!(
        refused(&|e| e.remove_field(&root, "content-type", 0).unwrap()),
        structure
    );
    assert_eq!(
        refused(&|e| e.add_field(&root, At::Top, raw("text/plain")).unwrap()),
        structure
    );
    let other = "multipart/mixed; boundary=c";
    assert_eq!(
        refused(&|e| e
            .replace_field(&root, "content-type", 0, raw(other))
            .unwrap()),
        structure
    );
    let leaf = child(&message, 0);
    let structure = EditError::Structure {
        offset: leaf.offset(),
    };
    assert_eq!(
        refused(&|e| e
            .replace_field(&leaf, "content-type", 0, raw(other))
            .unwrap()),
        structure
    );
    assert_eq!(
        refused(&|e| e
            .replace_field(&leaf, "content-type", 0, raw("message/rfc822"))
            .unwrap()),
        structure
    );
    // What does not change that is the caller's.
    let shown = edited(MIXED, |m, e| {
        let same = raw("multipart/report; boundary=\"b\"");
        e.replace_field(&m.root(), "content-type", 0, same).unwrap();
        e.replace_field(&child(m, 0), "content-type", 0, raw("text/x"))
            .unwrap();
    });
    assert!(shown.contains("Content-Type: multipart/report; boundary=\"b\"\r\n\r\npreamble"));
    assert!(shown.contains("--b\r\nContent-Type: text/x\r\n\r\none\r\n--b \t"));
}

#[test]
fn parts_are_removed_with_one_delimiter() {
    let bodies = |removed: &[usize]| {
        let shown = edited(MIXED, |m, e| {
            removed
                .iter()
                .for_each(|n| e.remove_part(&child(m, *n)).unwrap());
        });
        let head = shown.find("preamble").unwrap();
        shown[head..].to_owned()
    };
    assert_eq!(
        bodies(&[0]),
        "preamble\r\n--b\r\n\r\ntwo\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>three\r\n--b--\r\nepilogue\r\n"
    );
    assert_eq!(
        bodies(&[1]),
        "preamble\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>three\r\n--b--\r\nepilogue\r\n"
    );
    assert_eq!(
        bodies(&[2]),
        "preamble\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b \t\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n"
    );
    assert_eq!(
        bodies(&[0, 2]),
        "preamble\r\n--b\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n"
    );
    let message = Message::parse(MIXED);
    let mut edit = Edit::new(&message);
    for n in 0..3 {
        edit.remove_part(&child(&message, n)).unwrap();
        let offset = child(&message, n).offset();
        let again = edit.remove_part(&child(&message, n));
        assert_eq!(again, Err(EditError::PartGone { offset }));
        let field = edit.add_field(&child(&message, n), At::Top, field("A", "b"));
        assert_eq!(field, Err(EditError::PartGone { offset }));
    }
    assert_eq!(edit.remove_part(&message.root()), Err(EditError::Root));
    assert_eq!(
        edit.finish().unwrap_err(),
        EditError::EmptyMultipart { offset: 0 }
    );
}

#[test]
fn parts_are_added_and_replaced() {
    let text = |t: &str| build::Part::text(t);
    let shown = edited(MIXED, |m, e| {
        e.insert_before(&child(m, 0), text("zero")).unwrap();
        e.insert_after(&child(m, 0), text("one and a half"))
            .unwrap();
        e.replace_part(&child(m, 1), text("2")).unwrap();
        e.append(&m.root(), text("four")).unwrap();
    });
    const HEAD: &str =
        "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n";
    let head = shown.find("preamble").unwrap();
    assert_eq!(
        shown[head..],
        format!(
            "preamble\r\n--b\r\n{HEAD}zero\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\n{HEAD}one and a half\r\n\r\n--b \t\r\n{HEAD}2\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>three\r\n--b\r\n{HEAD}four\r\n\r\n--b--\r\nepilogue\r\n"
        )
    );
    let message = Message::parse(MIXED);
    let mut edit = Edit::new(&message);
    let alone = edit.insert_after(&message.root(), text("x"));
    assert_eq!(alone, Err(EditError::NotInMultipart { offset: 0 }));
    let leaf = child(&message, 0);
    let offset = leaf.offset();
    assert_eq!(
        edit.append(&leaf, text("x")),
        Err(EditError::NotInMultipart { offset })
    );
    let other = Message::parse(MIXED);
    assert_eq!(
        edit.remove_part(&child(&other, 0)),
        Err(EditError::OtherMessage)
    );
}

#[test]
fn a_message_is_wrapped_with_what_describes_its_body() {
    let stored =
        b"From: a@b.test\nDate: 1 Jan 2026 00:00:00 +0000\nSubject: hi\nContent-Type: text/html\nX: y\nContent-Transfer-Encoding: 8bit\n\n<p>Hi\n";
    let shown = edited(stored, |m, e| {
        let note = build::Part::text("From outside.\n");
        e.wrap(&m.root(), vec![note], vec![]).unwrap();
        let file = build::Part::attachment("a.bin", "application/octet-stream", vec![0; 60]);
        e.attach(file.unwrap()).unwrap();
    });
    let boundary = shown.split('"').nth(1).unwrap();
    assert_eq!(
        shown.replace(boundary, "B"),
        "From: a@b.test\nDate: 1 Jan 2026 00:00:00 +0000\nSubject: hi\nX: y\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"B\"\n\n--B\nContent-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: 7bit\n\nFrom outside.\n\n--B\nContent-Type: text/html\nContent-Transfer-Encoding: 8bit\n\n<p>Hi\n\n--B\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=a.bin\n\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAAAA\n--B--\n"
    );
    assert_eq!(Message::parse(shown.as_bytes()).inspect(), []);
}

#[test]
fn a_signed_message_is_wrapped_and_its_content_stays() {
    let sealed = build::Part::text("signed \n").seal().unwrap();
    let signed = sealed.bytes().to_vec();
    let signature = build::Signature::pgp("pgp-sha256", "-----BEGIN").unwrap();
    let from = Mailbox::new("a@b.test").unwrap();
    let built = Builder::new(from, DateTime::from_unix(0, 0).unwrap())
        .body(build::Part::signed(sealed, signature).unwrap())
        .build()
        .to_vec();
    let shown = edited(&built, |_, e| e.attach(build::Part::text("note")).unwrap());
    let message = Message::parse(shown.as_bytes());
    assert_eq!(message.inspect(), []);
    assert_eq!(message.part_at("1.1").unwrap().raw(), signed);
}

#[test]
fn what_is_added_is_no_delimiter() {
    // In 7bit this text would end the multipart around it.
    let shown = edited(MIXED, |m, e| {
        e.append(&m.root(), build::Part::text("--b--\n--b\n"))
            .unwrap();
    });
    let message = Message::parse(shown.as_bytes());
    let last = child(&message, 3);
    assert_eq!(last.encoding().to_string(), "base64");
    assert_eq!(last.decoded(), &b"--b--\r\n--b\r\n"[..]);
    // A message may not be encoded.
    let message = Message::parse(MIXED);
    let mut edit = Edit::new(&message);
    let inner = build::Part::message_bytes(&b"A: b\n\n--b--\n"[..]).unwrap();
    edit.append(&message.root(), inner).unwrap();
    assert_eq!(
        edit.finish().unwrap_err(),
        EditError::Boundary { offset: 0 }
    );
}

#[test]
fn parts_within_messages_within() {
    let stored = b"Content-Type: multipart/digest; boundary=o\n\n--o\n\nSubject: in\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nx\n--i\n\ny\n--i--\n\n--o--\n";
    let shown = edited(stored, |m, e| {
        let inner = m.part_at("1.1").unwrap();
        assert_eq!(inner.body(), b"x");
        e.remove_part(&inner).unwrap();
        let y = m.part_at("1.2").unwrap();
        e.wrap(&y, vec![], vec![build::Part::text("z")]).unwrap();
        let message = child(m, 0).children().next().unwrap();
        e.add_field(&message, At::Top, field("X", "1")).unwrap();
        e.replace_field(&message, "subject", 0, field("Subject", "out"))
            .unwrap();
    });
    let message = Message::parse(shown.as_bytes());
    assert_eq!(message.defects(), [], "{shown}");
    let inner = child(&message, 0).children().next().unwrap();
    assert_eq!(inner.header().subject().as_deref(), Some("out"));
    assert_eq!(message.part_at("1.1.1").unwrap().body(), b"y");
    assert_eq!(message.part_at("1.1.2").unwrap().decoded(), &b"z\n"[..]);
    // The message within is replaced, what is around it is not.
    let shown = edited(stored, |m, e| {
        let message = child(m, 0).children().next().unwrap();
        e.replace_part(&message, build::Part::text("gone\n"))
            .unwrap();
    });
    assert_eq!(
        shown,
        "Content-Type: multipart/digest; boundary=o\n\n--o\n\nSubject: in\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\nContent-Transfer-Encoding: 7bit\n\ngone\n\n--o--\n"
    );
}

/// Found by fuzzing: a CR at the end of a body and the LF of a delimiter made a CRLF.
#[test]
fn a_cr_at_the_end_stays_with_its_body() {
    let shown = edited(b"A: b\n\nbody\r", |_, e| {
        e.attach(build::Part::text("x")).unwrap();
    });
    let message = Message::parse(shown.as_bytes());
    assert_eq!(child(&message, 0).body(), b"body\r");
    let stored = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n1\r\r\n--b\n\n2\n--b--\n";
    let shown = edited(stored, |m, e| e.remove_part(&child(m, 1)).unwrap());
    let message = Message::parse(shown.as_bytes());
    assert_eq!(child(&message, 0).body(), b"1\r");
}

#[test]
fn chunks_borrow_what_was_there() {
    let message = Message::parse(MIXED);
    let mut edit = Edit::new(&message);
    edit.add_field(&message.root(), At::After("received", 0), field("A", "1"))
        .unwrap();
    let edited = edit.finish().unwrap();
    let chunks: Vec<_> = edited.chunks().collect();
    let EditChunk::Old(first) = chunks[0] else {
        panic!()
    };
    let EditChunk::Old(last) = chunks[2] else {
        panic!()
    };
    assert_eq!(chunks.len(), 3);
    assert_eq!([first, last].concat(), MIXED);
    assert_eq!(first.as_ptr(), MIXED.as_ptr());
    // Nothing edited: all in one.
    let edited = Edit::new(&message).finish().unwrap();
    assert_eq!(edited.chunks().collect::<Vec<_>>(), [EditChunk::Old(MIXED)]);
}

/// Damaged and sound messages of many shapes.
fn stored() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "A: b",
        "Subject: x",
        " folded",
        "Content-Type: multipart/mixed; boundary=b",
        "Content-Type: multipart/mixed; boundary=c",
        "Content-Type: message/rfc822",
        "Content-Type: text/html",
        "Content-Transfer-Encoding: base64",
        "--b",
        "--b",
        "--b--",
        "--c",
        "--c--",
        "",
        "",
        "text",
        "From x",
        "no field",
        "--b ",
    ]);
    (
        prop::collection::vec(line, 0..30),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(lines, crlf, ended)| {
            let eol = if crlf { "\r\n" } else { "\n" };
            let mut text = lines.join(eol);
            if ended {
                text.push_str(eol);
            }
            text.into_bytes()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_edit_of_nothing_changes_nothing(stored in stored()) {
        let message = Message::parse(&stored);
        prop_assert_eq!(Edit::new(&message).finish().unwrap().to_vec(), stored.clone());
    }

    #[test]
    fn a_field_more_or_less_and_all_else_as_it_was(
        stored in stored(), part in any::<prop::sample::Index>(), top in any::<bool>(),
    ) {
        let message = Message::parse(&stored);
        let parts: Vec<_> = message.parts().collect();
        let number = part.index(parts.len());
        let at = if top { At::Top } else { At::Bottom };
        let mut edit = Edit::new(&message);
        edit.add_field(&parts[number], at, field("X-New", "1")).unwrap();
        let Ok(new) = edit.finish() else { return Ok(()) };
        let new = new.to_vec();
        let read = Message::parse(&new);
        let twin = read.parts().nth(number).unwrap();
        prop_assert_eq!(twin.header().get("x-new").map(|f| f.raw_text().to_string()), Some("1".to_owned()));
        // Without the field, the tree is the same, but for line ends that were missing.
        let strip = |s: String| {
            s.replace("\"X-New: 1\\\\r\\\\n\", ", "").replace("\"X-New: 1\\\\n\", ", "")
             .replace(", \"X-New: 1\\\\r\\\\n\"", "").replace(", \"X-New: 1\\\\n\"", "")
             .replace("\"X-New: 1\\\\r\\\\n\"", "").replace("\"X-New: 1\\\\n\"", "")
             .replace("\\\\r", "").replace("\\\\n", "")
        };
        prop_assert_eq!(strip(shape(&read.root())), strip(shape(&message.root())), "{}", new.escape_ascii());
        let mut back = Edit::new(&read);
        back.remove_field(&twin, "x-new", 0).unwrap();
        let back = back.finish().unwrap().to_vec();
        // What a header that had no end or no line end got stays.
        let header = parts[number].header();
        if header.raw().len() > header.fields().map(|f| f.raw().len()).sum() {
            prop_assert_eq!(back, stored.clone(), "{}", new.escape_ascii());
        }
    }

    #[test]
    fn a_part_less_and_all_else_as_it_was(stored in stored(), part in any::<prop::sample::Index>()) {
        let message = Message::parse(&stored);
        let parts: Vec<_> = message.parts().collect();
        let gone = parts[part.index(parts.len())];
        let mut edit = Edit::new(&message);
        if edit.remove_part(&gone).is_err() { return Ok(()) }
        let Ok(new) = edit.finish() else { return Ok(()) };
        let new = new.to_vec();
        let read = Message::parse(&new);
        let without = |part: &Part<'_, '_>| without(part, gone.offset(), gone.body_offset());
        prop_assert_eq!(shape(&read.root()), without(&message.root()), "{}", new.escape_ascii());
    }

    #[test]
    fn a_part_more_and_all_else_as_it_was(
        stored in stored(), part in any::<prop::sample::Index>(), what in 0..4,
    ) {
        let message = Message::parse(&stored);
        let parts: Vec<_> = message.parts().collect();
        let at = parts[part.index(parts.len())];
        let text = "--b\n\n--b--\nsome text\n";
        let new = || build::Part::text(text);
        let mut edit = Edit::new(&message);
        let done = match what {
            0 => edit.insert_before(&at, new()),
            1 => edit.insert_after(&at, new()),
            2 => edit.wrap(&at, vec![new()], vec![new()]),
            _ => edit.append(&at, new()),
        };
        if done.is_err() { return Ok(()) }
        let Ok(edited) = edit.finish() else { return Ok(()) };
        let edited = edited.to_vec();
        let read = Message::parse(&edited);
        let added = |p: &Part<'_, '_>| {
            let decoded = p.decoded();
            let text = text.as_bytes();
            p.content() == Content::Leaf && (decoded == text || decoded.as_ref() == text.escape_ascii().to_string().replace("\\n", "\r\n").as_bytes())
        };
        let count = read.parts().filter(added).count();
        prop_assert_eq!(count, if what == 2 { 2 } else { 1 }, "{}", edited.escape_ascii());
        let leaves = |m: &Message<'_>| -> Vec<Vec<u8>> {
            m.parts().filter(|p| p.content() == Content::Leaf && !added(p)).map(|p| p.body().to_vec()).collect()
        };
        prop_assert_eq!(leaves(&read), leaves(&message), "{}", edited.escape_ascii());
    }
}

/// The shape without one part.
fn without(part: &Part<'_, '_>, offset: u64, body: u64) -> String {
    let fields: Vec<String> = part
        .header()
        .fields()
        .map(|f| f.raw().escape_ascii().to_string())
        .collect();
    let kept = part.children().filter(|c| {
        (c.offset(), c.body_offset()) != (offset, body)
            || c.parent() != scop_mime::Parent::Multipart
    });
    let inner: Vec<String> = kept.map(|c| without(&c, offset, body)).collect();
    let text = match part.content() {
        Content::Leaf => part.body().escape_ascii().to_string(),
        _ => inner.join("|"),
    };
    format!("{:?}{fields:?}({text})", part.content())
}

#[test]
fn ids_of_new_parts() {
    let id = MessageId::new("1@a.test").unwrap();
    let shown = edited(MIXED, |m, e| {
        e.append(&m.root(), build::Part::text("x").content_id(id))
            .unwrap();
    });
    let message = Message::parse(shown.as_bytes());
    assert_eq!(child(&message, 3).content_id().as_deref(), Some("1@a.test"));
}

/// Found by fuzzing: in a digest a part without a type is a message (RFC 2046 5.1.5), and in
/// the multipart that is put around it, too.
#[test]
fn a_message_of_a_digest_stays_one_when_it_is_wrapped() {
    let stored = b"Content-Type: multipart/digest; boundary=o\n\n--o\n\nSubject: in\n\nx\n--o--\n";
    let message = Message::parse(stored);
    let part = message.root().children().next().unwrap();
    let mut edit = Edit::new(&message);
    let new = || vec![build::Part::text("new\n")];
    edit.wrap(&part, new(), new()).unwrap();
    let edited = edit.finish().unwrap().to_vec();
    let read = Message::parse(&edited);
    let wrapper = read.root().children().next().unwrap();
    assert_eq!(wrapper.content_type().essence(), "multipart/digest");
    let kinds: Vec<_> = wrapper.children().map(|p| p.content()).collect();
    assert_eq!(kinds, [Content::Leaf, Content::Message, Content::Leaf]);
    let inner = wrapper.children().nth(1).unwrap();
    let subject = inner.children().next().unwrap();
    assert_eq!(subject.header().subject().as_deref(), Some("in"));
}

/// Found by fuzzing: a message that ends in one CR or two, which with a line end behind them
/// would be the empty line.
#[test]
fn a_cr_at_the_end_of_a_header_is_not_made_an_empty_line() {
    for bytes in [
        &b"From: a@b.test\r\nhi\rhi\r\n\r"[..],
        b"From: a@b.test\r\nhi\rhi\r\n\r\r",
    ] {
        let message = Message::parse(bytes);
        let mut edit = Edit::new(&message);
        let new = || vec![build::Part::text("new\n")];
        edit.wrap(&message.root(), new(), new()).unwrap();
        assert!(matches!(
            edit.finish(),
            Err(EditError::NotAField { offset: 23 })
        ));
    }
    // As the body of a part that another part comes behind.
    let bytes = b"Content-Type: multipart/mixed; boundary=b\n\n--b\na\x17/b: c\n\r";
    let message = Message::parse(bytes);
    let part = message.parts().last().unwrap();
    assert_eq!(part.body(), b"\r");
    for behind in [true, false] {
        let mut edit = Edit::new(&message);
        let new = build::Part::text("new\n");
        match behind {
            true => edit.insert_after(&part, new).unwrap(),
            false => edit.insert_before(&part, new).unwrap(),
        }
        let refused = EditError::NotAField {
            offset: part.body_offset(),
        };
        assert_eq!(edit.finish().err(), behind.then_some(refused));
    }
    let message = Message::parse(b"hro:0\n\r\r");
    let mut edit = Edit::new(&message);
    let field = build::Field::text("X-New", "1").unwrap();
    edit.add_field(&message.root(), At::Bottom, field).unwrap();
    assert!(edit.finish().is_err());
}

//! Parts that refer to each other, forms, and what is around the parts of a multipart.

use std::path::Path;

use proptest::prelude::*;
use scop_mime::{Content, Event, Limits, Message, Part, Place, Reader};

fn id(part: Option<Part<'_, '_>>) -> String {
    part.map_or("-".into(), |p| p.id().to_string())
}

#[test]
fn rfc_2387_examples_begin_with_their_start() {
    // Section 5.1 and 5.2, shortened.
    let text = "Content-Type: Multipart/Related; boundary=example-1\n\
        \tstart=\"<950120.aaCC@XIson.com>\";\n\
        \ttype=\"Application/X-FixedRecord\"\n\
        \tstart-info=\"-o ps\"\n\n\
        --example-1\nContent-Type: Application/octet-stream\n\
        Content-ID: <950120.aaCB@XIson.com>\nContent-Transfer-Encoding: BASE64\n\nT2xkIE1hY0\n\
        --example-1\nContent-Type: Application/X-FixedRecord\n\
        Content-ID: <950120.aaCC@XIson.com>\n\n25\n10\n\
        --example-1--\n";
    let message = Message::parse(text.as_bytes());
    let related = message.root().related().unwrap();
    assert_eq!(id(Some(related.root())), "2");
    assert_eq!(id(related.resolve("cid:950120.aaCB@XIson.com")), "1");
    assert_eq!(id(related.resolve("CID:950120.aaCB%40XIson.com")), "1");
    assert_eq!(id(related.resolve("cid:950120.aacb@XIson.com")), "-");
}

/// Section 9.1 to 9.3 of RFC 2557, put together.
#[test]
fn rfc_2557_locations() {
    let text = "Message-ID: <m@x>\nContent-Base: http://ignored.example/\n\
        Content-Type: multipart/related; boundary=b\n\
        Content-Location: http://www.example.com/docs/\n\n\
        --b\nContent-Type: text/html\nContent-Location: index.html\n\n<img src=\"images/a.gif\">\n\
        --b\nContent-Type: image/gif\nContent-Location: images/a.gif\n\n..\n\
        --b\nContent-Type: image/gif\nContent-Location: http://other.example/\n  b.gif\nContent-ID: <b@x>\n\n..\n\
        --b--\n";
    let message = Message::parse(text.as_bytes());
    let html = message.html_body().unwrap();
    let related = html.related().unwrap();
    for (uri, wanted) in [
        ("images/a.gif", "2"),
        ("/docs/images/a.gif", "2"),
        ("../docs/images/a.gif", "2"),
        (" http://www.example.com/docs/images/a.gif\n", "2"),
        ("http://other.example/b.gif", "3"),
        ("mid:m@x/b@x", "3"),
        ("mid:n@x/b@x", "-"),
        ("cid:b@x", "3"),
        ("b.gif", "-"),
        ("", "1"),
        ("http://www.example.com/docs/images/A.gif", "-"),
    ] {
        assert_eq!(id(related.resolve(uri)), wanted, "{uri}");
        assert_eq!(id(html.resolve(uri)), wanted, "{uri}");
    }
    // Without any base: relative to the message.
    let text = text.replace("http://www.example.com/docs/", "");
    let message = Message::parse(text.as_bytes());
    let html = message.html_body().unwrap();
    assert_eq!(id(html.resolve("images/a.gif")), "2");
}

#[test]
fn what_is_outside_of_the_related_parts_is_found_too() {
    let text = "Content-Type: multipart/mixed; boundary=a\n\n--a\n\
        Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>\n\
        --b\nContent-ID: <x@y>\n\n..\n--b--\n\n--a\nContent-ID: <z@y>\n\n..\n\
        --a\nContent-Type: message/rfc822\n\nContent-ID: <inner@y>\n\n..\n--a--\n";
    let message = Message::parse(text.as_bytes());
    let html = message.part_at("1.1").unwrap();
    assert_eq!(id(html.resolve("cid:x@y")), "1.2");
    assert_eq!(id(html.resolve("cid:z@y")), "2");
    assert_eq!(id(html.related().unwrap().resolve("cid:z@y")), "-");
    // A message within is a world of its own.
    assert_eq!(id(html.resolve("cid:inner@y")), "-");
    let inner = message.part_at("3.1").unwrap();
    assert_eq!(id(inner.resolve("cid:inner@y")), "3.1");
    assert_eq!(id(inner.resolve("cid:z@y")), "-");
}

#[test]
fn rfc_7578_forms() {
    let text = "Content-Type: multipart/form-data; boundary=AaB03x\r\n\r\n\
        --AaB03x\r\ncontent-disposition: form-data; name=\"_charset_\"\r\n\r\niso-8859-1\r\n\
        --AaB03x\r\ncontent-disposition: form-data; name=\"field%221%0D%0A\"\r\n\r\n...\r\n\
        --AaB03x\r\nContent-Disposition: form-data; name=\"pics\"; filename=\"file%221.txt\"\r\n\
        Content-Type: text/plain\r\n\r\n ... contents\r\n\
        --AaB03x\r\nContent-Disposition: attachment; name=no\r\n\r\n\r\n\
        --AaB03x--\r\n";
    let message = Message::parse(text.as_bytes());
    let fields: Vec<(String, Option<String>)> = message
        .root()
        .form_fields()
        .map(|f| (f.name, f.filename))
        .collect();
    let wanted = [
        ("_charset_".into(), None),
        ("field\"1\r\n".into(), None),
        ("pics".into(), Some("file\"1.txt".into())),
    ];
    assert_eq!(fields, wanted);
    assert_eq!(Message::parse(b"\n").root().form_fields().count(), 0);
}

#[test]
fn a_digest_holds_messages() {
    let text = "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\nbody\n\
        --b\nContent-Type: text/plain\n\ncontents\n--b--\n";
    let message = Message::parse(text.as_bytes());
    let types: Vec<String> = message
        .root()
        .children()
        .map(|p| p.content_type().to_string())
        .collect();
    assert_eq!(types, ["message/rfc822", "text/plain"]);
    let inner = message.part_at("1").unwrap().children().next().unwrap();
    assert_eq!(inner.header().subject().as_deref(), Some("one"));
}

/// What the reader says of preambles and epilogues: (offset of the multipart, both).
fn around(bytes: &[u8]) -> Vec<(u64, Vec<u8>, Vec<u8>)> {
    let mut reader = Reader::new(Limits::default());
    reader.finish();
    let mut input = bytes;
    let mut out: Vec<(u64, Vec<u8>, Vec<u8>)> = vec![];
    let mut open: Vec<usize> = vec![];
    while let Some(event) = reader.read(&mut input) {
        match event {
            Event::PartStart(start) => {
                open.push(out.len());
                out.push((start.offset, vec![], vec![]));
            }
            Event::Body(body) => {
                let part = &mut out[*open.last().unwrap()];
                match body.place {
                    Place::Preamble => part.1.extend_from_slice(body.data),
                    Place::Epilogue => part.2.extend_from_slice(body.data),
                    Place::Leaf => {}
                }
            }
            Event::PartEnd(_) => drop(open.pop()),
            _ => {}
        }
    }
    out
}

#[track_caller]
fn same_around(bytes: &[u8], what: &dyn std::fmt::Display) -> usize {
    let message = Message::parse(bytes);
    let wanted = around(bytes);
    let show = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    let mut some = 0;
    for (part, (offset, preamble, epilogue)) in message.parts().zip(wanted) {
        assert_eq!(part.offset(), offset);
        if part.content() != Content::Multipart {
            continue; // or without a part: then all of it is its body
        }
        assert_eq!(
            show(part.preamble()),
            show(&preamble),
            "{} of {what}",
            part.id()
        );
        assert_eq!(
            show(part.epilogue()),
            show(&epilogue),
            "{} of {what}",
            part.id()
        );
        some += usize::from(!preamble.is_empty()) + usize::from(!epilogue.is_empty());
    }
    some
}

#[test]
fn preamble_and_epilogue() {
    let text = b"Content-Type: multipart/mixed; boundary=b\r\n\r\nBefore\r\n\r\n--b\r\n\r\nx\r\n--b--\r\nAfter\r\n";
    let message = Message::parse(text);
    assert_eq!(message.root().preamble(), b"Before\r\n");
    assert_eq!(message.root().epilogue(), b"After\r\n");
    assert_eq!(same_around(text, &"it"), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn preamble_and_epilogue_are_what_the_reader_says(
        lines in prop::collection::vec(prop::sample::select(vec![
            "--a", "--a--", "--b", "--b--", "--a-- junk", "--ab", "x", "", "\r", "-", "Content-Type: multipart/mixed; boundary=b",
            "Content-Type: multipart/mixed; boundary=a--", "--a----", "Content-Type: message/rfc822", "--a \t",
        ]), 0..14),
        ends in prop::collection::vec(prop::sample::select(vec!["\r\n", "\n", "\r\n", ""]), 14),
    ) {
        let mut text = String::from("Content-Type: multipart/mixed; boundary=a\n\n");
        for (line, end) in lines.iter().zip(ends) {
            text += line;
            text += end;
        }
        same_around(text.as_bytes(), &format!("{text:?}"));
    }
}

#[test]
fn preambles_and_epilogues_of_the_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/mime");
    let Ok(folders) = std::fs::read_dir(&root) else {
        println!("no corpus at {}: nothing was tested", root.display());
        return;
    };
    let mut some = 0;
    for folder in folders.flatten().filter(|f| f.path().is_dir()) {
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            let bytes = std::fs::read(file.path()).unwrap();
            some += same_around(&bytes, &file.path().display());
        }
    }
    assert!(some > 100, "{some}");
}

#[test]
fn nine_thousand_images_are_found_by_their_ids() {
    let mut text = String::from(
        "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>\n",
    );
    for n in 0..9_000 {
        text += &format!("--b\nContent-ID: <{n}@x>\nContent-Location: {n}.png\n\n.\n");
    }
    text += "--b--\n";
    let message = Message::parse(text.as_bytes());
    let related = message.html_body().unwrap().related().unwrap();
    for n in 0..9_000 {
        let wanted = (n + 2).to_string();
        assert_eq!(id(related.resolve(&format!("cid:{n}@x"))), wanted);
        assert_eq!(id(related.resolve(&format!("./{n}.png"))), wanted);
    }
}

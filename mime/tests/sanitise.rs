//! The laws of sanitising: what comes out has no ambiguity and no damage, is the same
//! when it is sanitised again, and reads as the message did; on the whole corpus and on
//! messages made of what is ambiguous.

mod common;

use std::path::Path;

use proptest::prelude::*;
use scop_mime::Limits;

#[test]
fn every_message_of_the_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/mime");
    let mut folders = vec![root.clone()];
    let (mut count, mut failed) = (0, 0);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            println!("no corpus at {}: nothing was tested", root.display());
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            // In a debug build the largest take their time.
            if bytes.len() < 20_000 {
                let name = path.display().to_string();
                let check = || common::sanitises(&bytes, &Limits::default(), &name);
                failed += usize::from(std::panic::catch_unwind(check).is_err());
                count += 1;
            }
        }
    }
    println!("{count} messages");
    assert_eq!(failed, 0, "messages, each named above");
}

fn line() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Content-Type: multipart/mixed; boundary=a",
        "Content-Type: multipart/digest; boundary=ab; boundary=a",
        "Content-Type: multipart/mixed (a; boundary=\"a\\b\" x",
        "Content-Type : message/rfc822",
        "Content-Type: text/plain; charset=utf-8; charset*=x''y; name=a\"b",
        "Content-Type: text/html; charset=utf-7; name*0=a; name*2=b",
        "Content-Type: \u{fc}/b; =; ;;",
        "Content-Type: application/pdf; name==?utf-8?q?x=0Ay?=",
        "Content-Transfer-Encoding: base64 (c)",
        "Content-Transfer-Encoding: quoted-printable",
        "Content-Transfer-Encoding: x-uuencode",
        "Content-Transfer-Encoding: 8bit, base64",
        "Content-Transfer-Encoding: binary",
        "Content-Disposition: attachment; filename=\"=?utf-8?q?a?=\"; filename*=utf-8''%E2%82%AC",
        "Content-Disposition: filename=a b.txt",
        "MIME-Version: 2.0 (x",
        "From: \"a <b@c.test>, d@e@f (",
        "To: x:y:<z@q>;;\u{fc}@b\u{fc}cher.test",
        "Date: never",
        "Message-ID: <a b",
        "Subject: =?utf-8?q?a=00?= \u{20ac}\u{0}\rBcc: x@y",
        "no field",
        ": nameless",
        "--=_scop-1_: x",
        " \t ",
        "",
        "",
        "--a",
        "--a--",
        "--ab",
        "--ab--",
        "--a-- x",
        "--=_scop-1_",
        "text =e2\r",
        "text = ",
        "=3D=",
        "SGVsbG8=",
        "SGVs*bG9=SGVs",
        "begin 644 x",
        "#0V%T",
        "end",
        "caf\u{e9} \u{0} x",
        "+ADw-b+AD4-",
    ])
    .prop_map(String::from)
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let end = prop_oneof![8 => Just("\r\n"), 2 => Just("\n"), 1 => Just("\r"), 1 => Just("\n\t")];
    prop::collection::vec((line(), end), 0..30).prop_map(|lines| {
        let mut out = Vec::new();
        for (line, end) in lines {
            // Some of it as ISO-8859-1.
            match line.len() % 2 {
                0 => out.extend(line.chars().map(|c| u8::try_from(c).unwrap_or(b'?'))),
                _ => out.extend_from_slice(line.as_bytes()),
            }
            out.extend_from_slice(end.as_bytes());
        }
        out
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn messages_made_of_what_is_ambiguous(message in message()) {
        common::sanitises(&message, &Limits::default(), "made");
    }

    #[test]
    fn and_past_limits(message in message()) {
        let limits = Limits { depth: 2, parts: 3, fields: 3, field_bytes: 1024, parameters: 2, ..Limits::default() };
        common::sanitises(&message, &limits, "made, limits");
    }
}

#[test]
fn a_parameter_of_any_length_is_written_once() {
    for length in 30..70 {
        for tail in ["\u{e9}", "\u{20ac}", "%C3"] {
            let name = "a".repeat(length) + tail;
            let message = format!(
                "MIME-Version: 1.0\r\nContent-Type: x/y (c)\r\nContent-Disposition: attachment (c);\r\n filename=\"{name}\"\r\n\r\n"
            );
            let out = common::sanitises(message.as_bytes(), &Limits::default(), &name);
            let found = scop_mime::Message::parse(&out)
                .root()
                .filename()
                .map(|n| n.to_string());
            assert_eq!(found, Some(name));
        }
    }
}

#[test]
fn found_by_fuzzing() {
    let quoted = [
        b"From: a".as_slice(),
        &b"\xf4".repeat(60),
        b"....",
        b",\xf4\xf4@b.test\n",
    ]
    .concat();
    let more: [&[u8]; 6] = [
        &quoted,
        b"From: a\x0c@b.test: a@b.\xefest\n\xff\n",
        // NUL is dropped from a type too, by who takes the body apart as well.
        b"Content-Type: message/ne\0ws\0\n\nSubject: a\n\nb\n",
        b"Content-Type: message/rfc822\0\n\nSubject : a\n\nb\n",
        b"Content-Type: multipart/dig\0est; boundary=b\n\n--b\n\nSubject: a\n\nb\n--b--\n",
        b"Content-Type: message/\0\n\nb\n",
    ];
    for message in more {
        common::sanitises(message, &Limits::default(), "found");
    }
}

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
        "Content-Type: text/plain; charset=iso-2022-jp",
        "Content-Description: The rest of a message with too many parts\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n",
        "--=_scop-1_--",
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

/// A header that comes near a limit: long fields, many fields, many parameters.
fn long_line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        3 => (1..1100usize).prop_map(|n| "a".repeat(n.min(900))),
        2 => (1..40usize).prop_map(|n| ["a"; 40][..n].join("\n ")),
        2 => (1..400usize).prop_map(|n| "\u{e9} ".repeat(n)),
        2 => (1..20usize).prop_map(|n| ["b".repeat(60).as_str(); 20][..n].join("\n\t")),
        1 => (1..60usize).prop_map(|n| ["x@y.test"; 60][..n].join(",")),
        4 => (1..20usize, 1..300usize).prop_map(|(n, length)| {
            let parameters = (0..n).map(|n| format!("; p{n}={}", "c".repeat(length)));
            String::from("text/x") + &parameters.collect::<String>()
        }),
        2 => (1..20usize, 1..100usize).prop_map(|(n, length)| {
            let parameters = (0..n).map(|n| format!(";\n p{n}=\"\u{e9}{}\"", "d".repeat(length)));
            String::from("attachment (c)") + &parameters.collect::<String>()
        }),
    ];
    // In UTF-16 what is text depends on how lines end: of that one, no content is compared.
    let wide = Just(String::from("Content-Type: text/plain; charset=utf-16le"));
    let name = prop::sample::select(vec![
        "Subject: ",
        "X: ",
        "X: ",
        "X : ",
        "To: ",
        "Content-Type: ",
        "Content-Type: ",
        "Content-Disposition: ",
        "Content-Transfer-Encoding: ",
        "MIME-Version: ",
        "References: ",
    ]);
    prop_oneof![9 => (name, value).prop_map(|(name, value)| String::from(name) + &value), 1 => wide]
}

fn near_limits() -> impl Strategy<Value = Vec<u8>> {
    let many = (1..90usize).prop_map(|n| ["X:"; 90][..n].join("\n"));
    let more = prop_oneof![10 => line(), 6 => long_line(), 1 => many];
    let end = prop::sample::select(vec!["\r\n", "\n"]);
    (prop::collection::vec(more, 0..30), end)
        .prop_map(|(lines, end)| (lines.join("\n") + "\n").replace('\n', end).into_bytes())
}

fn limits() -> impl Strategy<Value = Limits> {
    let counts = (0..4u32, 0..6u32, 0..80u32, 0..12usize);
    (counts, 0..20_000u64, 0..3000usize, 0..4usize).prop_map(
        |((depth, parts, fields, parameters), header_bytes, field_bytes, defects)| Limits {
            depth,
            parts,
            fields,
            parameters,
            header_bytes,
            field_bytes,
            defects,
        },
    )
}

fn twice_is_once(message: &[u8], limits: &Limits, hold: usize, name: &str) {
    let (whole, _) = scop_mime::sanitise(message, limits);
    let (again, _) = scop_mime::sanitise(&whole, limits);
    common::same(&again, &whole, &format!("{name}, whole"));
    let streamed = common::stream(message, limits, hold, 1000);
    let cut = common::stream(message, limits, hold, 7);
    common::same(&cut, &streamed, &format!("{name}, cut, hold {hold}"));
    let again = common::stream(&streamed, limits, hold, 1000);
    common::same(&again, &streamed, &format!("{name}, streamed, hold {hold}"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn twice_is_once_at_every_limit(
        message in prop_oneof![message(), near_limits()],
        limits in limits(),
        hold in prop::sample::select(vec![0, 50, 300, 2000, usize::MAX]),
    ) {
        twice_is_once(&message, &limits, hold, "near limits");
    }
}

/// What was written anew with each pass once.
#[test]
fn each_limit_is_met_once() {
    let limits = Limits {
        parts: 4,
        fields: 64,
        field_bytes: 1 << 10,
        header_bytes: 16 << 10,
        ..Limits::default()
    };
    let many_parts = format!(
        "Content-Type: multipart/mixed; boundary=a\r\n\r\n{}--a--\r\n",
        "--a\r\n\r\npart\r\n".repeat(9)
    );
    // MIME-Version is put in, and is a field as well.
    let many_fields = String::from("Content-Type: text/html (c)\r\n") + &"X: y\r\n".repeat(62);
    let long_header = format!(
        "{}{}",
        format!("X : {}\r\n", "c ".repeat(400)).repeat(9),
        format!("Y: {}\r\n", "c ".repeat(400)).repeat(9),
    );
    let parameters = (0..9).map(|n| format!("; p{n}=\"{}\"", "\u{e9}".repeat(100)));
    let long_type = String::from("Content-Type: text/html") + &parameters.collect::<String>();
    let with_crlf = format!("X:\n{}\nX: y\n\nz\n", [" abcdefgh"; 102].join("\n"));
    // Of a long body little is left, and that is looked at.
    let junk = format!(
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{}/////w==\n",
        "*".repeat(500)
    );
    // In UTF-16 no line ends with one byte.
    let wide = "Content-Type: text/plain; charset=utf-16le\n\na\0\n\0b\0";
    for (name, message) in [
        ("parts", &many_parts[..]),
        ("fields", &many_fields),
        ("header", &long_header),
        ("field", &long_type),
        ("line ends", &with_crlf),
        ("hold", &junk),
        ("charset", wide),
    ] {
        for hold in [100, usize::MAX] {
            twice_is_once(message.as_bytes(), &limits, hold, name);
        }
    }
}

/// The rest of a message says what it is, and holds all that was there.
#[test]
fn the_rest_is_kept_as_it_is() {
    let limits = Limits {
        parts: 3,
        ..Limits::default()
    };
    let rest = "Subject: 2\r\n\r\ntwo\r\n--b\r\n\r\nthree\r\n--b--\r\n";
    let message =
        format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n{rest}");
    let out = common::stream(message.as_bytes(), &limits, 10, 1);
    let parsed = scop_mime::Message::parse(&out);
    let last = parsed.part_at("2").unwrap();
    assert_eq!(last.decoded(), rest.as_bytes());
    assert_eq!(
        last.description().unwrap(),
        "The rest of a message with too many parts"
    );
    // What somebody puts behind such a part is not lost, and ends nothing.
    let more = String::from_utf8(out).unwrap() + "--=_scop-1_\r\n\r\nfour\r\n";
    let out = common::stream(more.as_bytes(), &limits, 10, 1);
    let parsed = scop_mime::Message::parse(&out);
    let last = parsed.part_at("2").unwrap();
    let wanted = [rest, "--=_scop-1_--\r\n--=_scop-1_\r\n\r\nfour\r\n"].concat();
    assert_eq!(String::from_utf8_lossy(&last.decoded()), wanted);
    twice_is_once(more.as_bytes(), &limits, 10, "more behind the rest");
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

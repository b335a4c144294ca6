//! What IMAP is told of a message: RFC 3501 6.4.5 and 7.4.2.

use scop_mime::{
    BodyKind, BodyStructure, Detail, EnvelopeAddress, Index, Limits, Message, Section, to_crlf,
};

/// The message of RFC 3501 6.4.5, with bodies.
const COMPLEX: &str = "\
Subject: outer\r
Content-Type: multipart/mixed; boundary=a\r
\r
--a\r
\r
one\r
--a\r
Content-Type: application/octet-stream\r
Content-Transfer-Encoding: base64\r
\r
AAAA\r
--a\r
Content-Type: message/rfc822\r
\r
Subject: three\r
From: ann@a.test\r
Content-Type: multipart/mixed; boundary=b\r
\r
preamble\r
--b\r
\r
three one\r
--b\r
Content-Type: application/octet-stream\r
\r
three two\r
--b--\r
--a\r
Content-Type: multipart/mixed; boundary=c\r
\r
--c\r
Content-Type: image/gif\r
\r
four one\r
--c\r
Content-Type: message/rfc822\r
\r
Subject: four two\r
Content-Type: multipart/mixed; boundary=d\r
\r
--d\r
\r
four two one\r
--d\r
Content-Type: multipart/alternative; boundary=e\r
\r
--e\r
\r
four two two one\r
--e\r
Content-Type: text/richtext\r
\r
four two two two\r
--e--\r
--d--\r
--c--\r
--a--\r
";

fn get(message: &str, section: &str) -> Option<String> {
    let index = Index::of(message.as_bytes(), &Limits::default());
    let stored = Index::from_bytes(&index.to_bytes()).unwrap();
    assert_eq!(stored, index);
    let section: Section = section.parse().unwrap();
    let bytes = stored.section(message.as_bytes(), &section)?;
    Some(String::from_utf8(bytes.into_owned()).unwrap())
}

#[track_caller]
fn check(section: &str, bytes: &str) {
    assert_eq!(get(COMPLEX, section).as_deref(), Some(bytes), "{section}");
}

#[test]
fn the_example_of_rfc3501_6_4_5() {
    check("", COMPLEX);
    check(
        "HEADER",
        "Subject: outer\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n",
    );
    assert!(get(COMPLEX, "TEXT").unwrap().starts_with("--a\r\n\r\none"));
    check("1", "one");
    check("1.MIME", "\r\n");
    check("2", "AAAA");
    assert!(get(COMPLEX, "3").unwrap().starts_with("Subject: three\r\n"));
    check("3.MIME", "Content-Type: message/rfc822\r\n\r\n");
    check(
        "3.HEADER",
        "Subject: three\r\nFrom: ann@a.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
    );
    assert!(
        get(COMPLEX, "3.TEXT")
            .unwrap()
            .starts_with("preamble\r\n--b")
    );
    check("3.1", "three one");
    check("3.2", "three two");
    check("4.1", "four one");
    check("4.1.MIME", "Content-Type: image/gif\r\n\r\n");
    check(
        "4.2.HEADER",
        "Subject: four two\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n",
    );
    assert!(get(COMPLEX, "4.2.TEXT").unwrap().starts_with("--d\r\n"));
    check("4.2.1", "four two one");
    assert!(get(COMPLEX, "4.2.2").unwrap().starts_with("--e\r\n"));
    check("4.2.2.1", "four two two one");
    check("4.2.2.2", "four two two two");
    check("4.2.2.2.MIME", "Content-Type: text/richtext\r\n\r\n");
    check("3.HEADER.FIELDS (subject X-None)", "Subject: three\r\n\r\n");
    check(
        "3.HEADER.FIELDS.NOT (SUBJECT)",
        "From: ann@a.test\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
    );
    for none in [
        "5", "1.1", "1.HEADER", "1.TEXT", "4.HEADER", "3.3", "2.1", "4.2.2.3", "1.1.1",
    ] {
        assert_eq!(get(COMPLEX, none), None, "{none}");
    }
}

#[test]
fn ids_and_sections_name_the_same_bytes() {
    let message = Message::parse(COMPLEX.as_bytes());
    let ids: Vec<String> = message.parts().map(|p| p.id().to_string()).collect();
    assert_eq!(
        ids,
        [
            "TEXT", "1", "2", "3", "3.TEXT", "3.1", "3.2", "4", "4.1", "4.2", "4.2.TEXT", "4.2.1",
            "4.2.2", "4.2.2.1", "4.2.2.2"
        ]
    );
    for part in message.parts() {
        let section: Section = part.id().to_string().parse().unwrap();
        let bytes = message.index().section(COMPLEX.as_bytes(), &section);
        assert_eq!(bytes.unwrap(), part.body());
        assert_eq!(message.part(&part.id()).unwrap().offset(), part.offset());
        let found = message.part_at(&part.id().to_string()).unwrap();
        assert_eq!(found.offset(), part.offset());
    }
}

#[test]
fn messages_that_are_no_multipart_have_a_part_1() {
    let text = "Subject: x\r\n\r\nbody\r\n";
    assert_eq!(get(text, "1").as_deref(), Some("body\r\n"));
    assert_eq!(get(text, "TEXT").as_deref(), Some("body\r\n"));
    assert_eq!(get(text, "1.MIME").as_deref(), Some("Subject: x\r\n\r\n"));
    assert_eq!(get(text, "1.HEADER"), None);
    assert_eq!(get(text, "1.1"), None);
    assert_eq!(get(text, "2"), None);
    // Without an empty line there is none in the sections either.
    assert_eq!(
        get("Subject: x\r\n", "HEADER").as_deref(),
        Some("Subject: x\r\n")
    );
    assert_eq!(
        get("Subject: x\r\n", "HEADER.FIELDS (To)").as_deref(),
        Some("")
    );
    let forward = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nbody\r\n";
    assert_eq!(
        get(forward, "1").as_deref(),
        Some("Subject: in\r\n\r\nbody\r\n")
    );
    assert_eq!(
        get(forward, "1.HEADER").as_deref(),
        Some("Subject: in\r\n\r\n")
    );
    assert_eq!(get(forward, "1.1").as_deref(), Some("body\r\n"));
    assert_eq!(get(forward, "1.1.1"), None);
    assert_eq!(get(forward, "1.2"), None);
    let message = Message::parse(forward.as_bytes());
    let ids: Vec<String> = message.parts().map(|p| p.id().to_string()).collect();
    assert_eq!(ids, ["1", "1.1"]);
}

/// The structure in IMAP's own notation, as far as a test needs it.
fn show(s: &BodyStructure) -> String {
    let text = |b: &[u8]| format!("\"{}\"", b.escape_ascii());
    let nstring = |b: &Option<Vec<u8>>| b.as_ref().map_or("NIL".into(), |b| text(b));
    let list = |p: &[(Vec<u8>, Vec<u8>)]| match p {
        [] => "NIL".into(),
        p => {
            let items: Vec<String> = p.iter().map(|(n, v)| text(n) + " " + &text(v)).collect();
            format!("({})", items.join(" "))
        }
    };
    let dsp = match &s.disposition {
        Some((kind, p)) => format!("({} {})", text(kind), list(p)),
        None => "NIL".into(),
    };
    let language: Vec<String> = s.language.iter().map(|l| text(l)).collect();
    let language = match language.len() {
        0 => "NIL".into(),
        _ => format!("({})", language.join(" ")),
    };
    let end = format!("{dsp} {language} {}", nstring(&s.location));
    match &s.kind {
        BodyKind::Multipart { parts } => {
            let parts: String = parts.iter().map(show).collect();
            format!(
                "({parts} {} {} {end})",
                text(&s.subtype),
                list(&s.parameters)
            )
        }
        BodyKind::Single(b) => {
            let detail = match &b.detail {
                Detail::Basic => String::new(),
                Detail::Text { lines } => format!(" {lines}"),
                Detail::Message {
                    envelope,
                    body,
                    lines,
                } => {
                    let subject = nstring(&envelope.subject);
                    format!(" ({subject}) {} {lines}", show(body))
                }
            };
            format!(
                "({} {} {} {} {} {} {}{detail} {} {end})",
                text(&b.media_type),
                text(&s.subtype),
                list(&s.parameters),
                nstring(&b.id),
                nstring(&b.description),
                text(&b.encoding),
                b.octets,
                nstring(&b.md5),
            )
        }
    }
}

fn structure(message: &str) -> String {
    show(&Message::parse(message.as_bytes()).body_structure())
}

#[test]
fn structures() {
    assert_eq!(
        structure(""),
        "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0 NIL NIL NIL NIL)"
    );
    assert_eq!(
        structure(
            "Content-Type: text/plain; CHARSET=\"US-ASCII\"; name*0*=utf-8''a%20; name*1=b\r\nContent-Transfer-Encoding: QUOTED-PRINTABLE\r\nContent-ID: <a@b>\r\nContent-Description: =?utf-8?Q?x?=\r\n y\r\nContent-MD5: abc==\r\nContent-Disposition: attachment; filename=\"a b\"\r\nContent-Language: en, de (German)\r\nContent-Location: http://a.test/\r\n\r\none\r\ntwo\r\n"
        ),
        "(\"text\" \"plain\" (\"charset\" \"US-ASCII\" \"name*\" \"utf-8\\'\\'a%20b\") \"<a@b>\" \"=?utf-8?Q?x?= y\" \"quoted-printable\" 10 2 \"abc==\" (\"attachment\" (\"filename\" \"a b\")) (\"en\" \"de\") \"http://a.test/\")"
    );
    let shown = structure(COMPLEX);
    assert!(
        shown.contains("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 170 (\"three\") ((\"text\" \"plain\" NIL NIL NIL \"7bit\" 9 0 NIL NIL NIL NIL)(\"application\" \"octet-stream\" NIL NIL NIL \"7bit\" 9 NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"b\") NIL NIL NIL) 12 NIL NIL NIL NIL)"),
        "{shown}"
    );
}

#[test]
fn what_imap_cannot_say_is_said_otherwise() {
    // A multipart without a delimiter, and one without a boundary: what is in it is text.
    assert_eq!(
        structure("Content-Type: multipart/mixed; boundary=a\n\nx\n"),
        "(\"text\" \"plain\" (\"boundary\" \"a\") NIL NIL \"7bit\" 3 1 NIL NIL NIL NIL)"
    );
    assert_eq!(
        structure("Content-Type: multipart/mixed\n\nx\n"),
        "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 3 1 NIL NIL NIL NIL)"
    );
    assert_eq!(
        structure("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nAAAA\n"),
        "(\"application\" \"octet-stream\" NIL NIL NIL \"base64\" 6 NIL NIL NIL NIL)"
    );
}

#[test]
fn sizes_are_as_if_line_ends_were_crlf() {
    let lf = COMPLEX.replace("\r\n", "\n");
    let mixed = COMPLEX.replacen("\r\n", "\n", 20);
    assert_eq!(structure(&lf), structure(COMPLEX));
    assert_eq!(structure(&mixed), structure(COMPLEX));
    assert_eq!(to_crlf(lf.as_bytes()), COMPLEX.as_bytes());
    let index = Index::of(lf.as_bytes(), &Limits::default());
    assert_eq!(index.size().crlf_octets, COMPLEX.len() as u64);
    for section in ["TEXT", "3", "3.HEADER", "4.2.2"] {
        assert_eq!(
            to_crlf(get(&lf, section).unwrap().as_bytes()),
            get(COMPLEX, section).unwrap().as_bytes()
        );
    }
}

fn address(name: Option<&str>, mailbox: Option<&str>, host: Option<&str>) -> EnvelopeAddress {
    let bytes = |s: Option<&str>| s.map(|s| s.as_bytes().to_vec());
    EnvelopeAddress {
        name: bytes(name),
        adl: None,
        mailbox: bytes(mailbox),
        host: bytes(host),
    }
}

#[test]
fn all_parameters_are_given_as_they_are_written() {
    let written = |parameters: &str| {
        let text = format!("Content-Type: a/b{parameters}\r\n\r\n");
        let structure = Message::parse(text.as_bytes()).body_structure();
        let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
        let pairs = structure.parameters.iter();
        let pairs: Vec<String> = pairs.map(|(n, v)| text(n) + "=" + &text(v)).collect();
        pairs.join(" ")
    };
    for (parameters, expected) in [
        ("; Name=a; name*=utf-8''b", "name=a name*=utf-8''b"),
        ("; x=1; n*1=b; y=2; n*0=a", "x=1 n=ab y=2"),
        ("; n*0*=utf-8''%41; n*1=b; n*3=d", "n*=utf-8''%41b n*3=d"),
        ("; n*2=a; m*1=b", "n*2=a m=b"),
        ("; a=1; a=2", "a=1 a=2"),
        ("; n*0=a; n*0=b; *0=c; =d", "n=a n*0=b *0=c"),
        ("; n=\"a\r\n b\"", "n=a b"),
    ] {
        assert_eq!(written(parameters), expected, "{parameters}");
    }
}

#[test]
fn messages_of_other_kinds_are_basic_types() {
    for subtype in ["global", "news"] {
        let text = format!(
            "Content-Type: message/{subtype}\r\n\r\nNewsgroups: a.test\r\nSubject: b\r\n\r\nc\r\n"
        );
        let message = Message::parse(text.as_bytes());
        let within = message.root().children().next().unwrap();
        assert_eq!(within.header().subject().as_deref(), Some("b"));
        let BodyKind::Single(single) = message.body_structure().kind else {
            panic!("{subtype}");
        };
        assert_eq!(single.detail, scop_mime::Detail::Basic);
    }
}

#[test]
fn a_byte_order_mark_is_before_the_first_field() {
    let text = b"\xef\xbb\xbfSubject: a\r\nTo: b@c.test\r\n\r\n";
    let message = Message::parse(text);
    let get = |section: &str| {
        let section = message.index().section(text, &section.parse().unwrap());
        section.unwrap().into_owned()
    };
    assert_eq!(get("HEADER.FIELDS (SUBJECT)"), b"Subject: a\r\n\r\n");
    assert_eq!(get("HEADER.FIELDS.NOT (SUBJECT)"), b"To: b@c.test\r\n\r\n");
}

#[test]
fn envelopes() {
    let text = "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nSubject: =?utf-8?Q?x?=\r\n\tsummary\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\nSender: \r\nReply-To: =?utf-8?Q?T?= <t@a.test>\r\nTo: A group: \"B, C\" <b@a.test>, <@x.test,@y.test:c@a.test>;, root\r\nCc:\r\nSubject: second\r\nMessage-ID:  <B27397-0100000@cac.washington.edu>\r\n\r\n";
    let e = Message::parse(text.as_bytes()).envelope();
    assert_eq!(e.date.unwrap(), b"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)");
    assert_eq!(e.subject.unwrap(), b"=?utf-8?Q?x?=\tsummary");
    let terry = address(Some("Terry Gray"), Some("gray"), Some("cac.washington.edu"));
    assert_eq!(e.from, std::slice::from_ref(&terry));
    assert_eq!(e.sender, [terry]);
    assert_eq!(
        e.reply_to,
        [address(Some("=?utf-8?Q?T?="), Some("t"), Some("a.test"))]
    );
    let mut routed = address(None, Some("c"), Some("a.test"));
    routed.adl = Some(b"@x.test,@y.test".to_vec());
    assert_eq!(
        e.to,
        [
            address(None, Some("A group"), None),
            address(Some("B, C"), Some("b"), Some("a.test")),
            routed,
            address(None, None, None),
            address(None, Some("root"), Some("")),
        ]
    );
    assert!(e.cc.is_empty() && e.bcc.is_empty());
    assert_eq!(e.in_reply_to, None);
    assert_eq!(
        e.message_id.unwrap(),
        b"<B27397-0100000@cac.washington.edu>"
    );
    let empty = Message::parse(b"Subject:\r\n\r\n").envelope();
    assert_eq!(empty.subject.as_deref(), Some(&b""[..]));
    assert_eq!(empty.date, None);
    assert!(empty.sender.is_empty());
}

#[test]
fn an_index_that_was_damaged_is_refused() {
    let stored = Index::of(COMPLEX.as_bytes(), &Limits::default()).to_bytes();
    for cut in 0..stored.len() {
        assert!(Index::from_bytes(&stored[..cut]).is_err());
    }
    for at in 0..stored.len() {
        for bit in 0..8 {
            let mut bad = stored.clone();
            bad[at] ^= 1 << bit;
            // It may be an index, of another message; it must not panic.
            if let Ok(index) = Index::from_bytes(&bad) {
                let message = Message::with_index(COMPLEX.as_bytes(), index, &Limits::default());
                let _ = (
                    message.body_structure(),
                    message.envelope(),
                    message.inspect(),
                );
                message.parts().for_each(|p| drop(p.id()));
                let _ = message.index().to_bytes();
            }
        }
    }
}

#[test]
fn sections_are_read_and_written() {
    for text in [
        "",
        "1",
        "1.2.3",
        "HEADER",
        "1.HEADER",
        "TEXT",
        "1.2.TEXT",
        "1.MIME",
        "HEADER.FIELDS (From To)",
        "4.HEADER.FIELDS.NOT (X)",
    ] {
        let section: Section = text.parse().unwrap();
        assert_eq!(section.to_string(), text);
        assert_eq!(
            text.to_lowercase().parse::<Section>().unwrap().part,
            section.part
        );
    }
    for bad in [
        "0",
        "1.",
        "MIME",
        "1..2",
        "x",
        "1.x",
        "HEADER.FIELDS",
        "HEADER.FIELDS ()",
        "TEXT (a)",
        "4294967296",
        "1.0",
    ] {
        assert!(bad.parse::<Section>().is_err(), "{bad}");
    }
}

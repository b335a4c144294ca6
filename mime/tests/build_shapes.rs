//! What can be built besides a text with attachments: every shape, read back.

use scop_mime::build::{
    Address, AutoSubmitted, BuildError, Builder, Built, Chunk, Field, Group, ListField, Mailbox,
    MessageId, Part, Returned, Signature, StreamError, Url,
};
use scop_mime::{DateTime, DefectKind, Message};

fn mailbox(address: &str) -> Mailbox {
    Mailbox::utf8(address).unwrap()
}

fn builder() -> Builder {
    let date = DateTime::from_unix(1_700_000_000, 60).unwrap();
    Builder::new(mailbox("ann@example.org"), date)
}

/// Every line ends in CRLF, has at most 998 bytes and no white space before its end in
/// a header, and a strict reader has nothing to say.
fn read<S>(built: &Built<S>, bytes: &[u8]) -> String {
    assert!(bytes.ends_with(b"\r\n"));
    let mut head = true;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r\n").expect("CRLF");
        head &= !line.is_empty();
        assert!(line.len() <= 998 && !line.contains(&b'\r'));
        assert!(!head || !line.ends_with(b" ") && !line.ends_with(b"\t"));
    }
    let message = Message::parse(bytes);
    let mut defects = message.inspect();
    if built.needs_smtputf8() {
        defects.retain(|d| d.kind != DefectKind::RawUtf8InHeader);
    }
    assert_eq!(defects, [], "{}", bytes.escape_ascii());
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn check(built: &Built) -> String {
    let bytes = built.to_vec();
    assert_eq!(bytes.len() as u64, built.len());
    assert_eq!(built.chunks().flatten().collect::<Vec<u8>>(), bytes);
    assert_eq!(built.clone().into_bytes(), bytes);
    read(built, &bytes)
}

fn shape(message: &Message<'_>) -> Vec<String> {
    let part = |p: scop_mime::Part<'_, '_>| format!("{} {}", p.id(), p.content_type().essence());
    message.parts().map(part).collect()
}

#[test]
fn who_sends_it() {
    // RFC 5322 3.6.2: several authors need a sender, one author needs none.
    let two = builder().and_from(mailbox("bob@example.org"));
    assert!(
        check(&two.clone().build())
            .contains("\r\nFrom: ann@example.org, bob@example.org\r\nSender: ann@example.org\r\n")
    );
    let other = two.sender(mailbox("office@example.org"));
    assert!(check(&other.build()).contains("\r\nSender: office@example.org\r\n"));
    let same = builder().sender(mailbox("ann@example.org"));
    assert_eq!(same.reverse_path().unwrap().address(), "ann@example.org");
    assert!(!check(&same.build()).contains("Sender"));
}

#[test]
fn whom_it_goes_to() {
    let team = Group::new("Ünser Team", [mailbox("c@c.test"), mailbox("d@d.test")]).unwrap();
    let b = builder()
        .to(team)
        .to(mailbox("e@e.test"))
        .cc(Group::new("Nobody, here", []).unwrap())
        .bcc(mailbox("f@f.test"))
        .reply_to(mailbox("list@l.test"));
    let all: Vec<&str> = b.recipients().map(Mailbox::address).collect();
    assert_eq!(all, ["c@c.test", "d@d.test", "e@e.test", "f@f.test"]);
    let shown = check(&b.clone().build());
    assert!(shown.contains("\r\nTo: =?utf-8?Q?=C3=9Cnser_Team?= : c@c.test, d@d.test;, e@e.test\r\nCc: \"Nobody, here\":;\r\n"), "{shown}");
    assert!(!shown.contains("f@f.test"));
    let shown = check(&b.keep_bcc().build());
    let message = Message::parse(shown.as_bytes());
    assert_eq!(
        message.header().to()[0].group().as_deref(),
        Some("Ünser Team")
    );
    assert_eq!(
        message.header().bcc()[0].mailboxes()[0].address(),
        "f@f.test"
    );
}

/// What follows an encoded word in a phrase has its room on the line, and a space before it.
#[test]
fn rfc2047_5_3_specials_stand_apart() {
    for length in 1..90 {
        let name = "ü".repeat(length);
        for members in [vec![], vec![mailbox("c@c.test")]] {
            let b = builder()
                .to(Group::new(name.clone(), members).unwrap())
                .to(mailbox("e@e.test"))
                .field(Field::phrases("Keywords", [name.as_str(), "b"]).unwrap());
            let shown = check(&b.unwrap().build()); // no line is too long
            for text in shown.split("?=").skip(1) {
                assert!(text.starts_with([' ', '\r']), "{shown}");
            }
        }
    }
}

#[test]
fn fields_by_type() {
    let url = |u: &str| Url::new(u).unwrap();
    let date = DateTime::from_unix(0, 0).unwrap();
    let built = builder()
        .field(Field::auto_submitted(AutoSubmitted::Generated))
        .unwrap()
        .field(Field::list_id("Fünf Freunde", "five.friends.test").unwrap())
        .unwrap()
        .field(
            Field::list(
                ListField::Help,
                [url("mailto:h@l.test"), url("https://l.test/h")],
            )
            .unwrap(),
        )
        .unwrap()
        .field(Field::list_post_no())
        .unwrap()
        .field(Field::phrases("Keywords", ["drei, Wörter", "one", "two words"]).unwrap())
        .unwrap()
        .field(Field::addresses("Mail-Followup-To", [mailbox("r@r.test")]).unwrap())
        .unwrap()
        .field(Field::ids("Supersedes", [MessageId::new("r@r.test").unwrap()]).unwrap())
        .unwrap()
        .field(Field::date("Expires", date).unwrap())
        .unwrap()
        .field(Field::raw("DKIM-Signature", "v=1; a=x;\r\n\tb=Zm9v").unwrap())
        .unwrap()
        .list_unsubscribe([url("mailto:u@l.test"), url("https://l.test/u")], true)
        .unwrap()
        .build();
    let shown = check(&built);
    for line in [
        "Auto-Submitted: auto-generated",
        "List-Id: =?utf-8?Q?F=C3=BCnf_Freunde?= <five.friends.test>",
        "List-Help: <mailto:h@l.test>, <https://l.test/h>",
        "List-Post: NO",
        "Keywords: =?utf-8?Q?drei=2C_W=C3=B6rter?= , one, two words",
        "Mail-Followup-To: r@r.test",
        "Supersedes: <r@r.test>",
        "Expires: Thu, 01 Jan 1970 00:00:00 +0000",
        "DKIM-Signature: v=1; a=x;\r\n\tb=Zm9v",
        "List-Unsubscribe: <mailto:u@l.test>, <https://l.test/u>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ] {
        assert!(
            shown.contains(&format!("\r\n{line}\r\n")),
            "{line}\n{shown}"
        );
    }
    // A block of Resent- fields goes on top of a message that is there, and as a whole.
    for name in ["Resent-To", "resent-date", "Content-X", "bcc"] {
        let refused = builder().field(Field::text(name, "x").unwrap());
        assert!(matches!(refused, Err(BuildError::FieldName(_))), "{name}");
    }
    let no_https = builder().list_unsubscribe([url("mailto:u@l.test")], true);
    assert_eq!(no_https.unwrap_err(), BuildError::Url);
    for bad in [
        "x\r\ny",
        "x\r\n",
        "x \r\n y",
        "x\r\n \r\n y",
        "\r\n x",
        "x\n y",
        "x\0",
        "x ",
    ] {
        assert!(Field::raw("X", bad).is_err(), "{bad:?}");
    }
    assert!(Field::raw("X", "x".repeat(996)).is_err() && Field::raw("X", "x".repeat(995)).is_ok());
    for bad in [
        "http",
        ":x",
        "1a:b",
        "http://ü",
        "http://a b",
        "http://<x>",
        "a:",
    ] {
        assert!(Url::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn utf8_addresses_make_a_header_in_utf8() {
    let ann = mailbox("änn@bücher.example").named("Änn").unwrap();
    assert!(Mailbox::new("änn@bücher.example").is_err());
    let built = builder()
        .to(ann.clone())
        .subject("Grüße")
        .unwrap()
        .text("x")
        .build();
    assert!(built.needs_smtputf8() && built.needs_8bitmime());
    let shown = check(&built);
    assert!(
        shown.contains("\r\nTo: Änn <änn@bücher.example>\r\nSubject: Grüße\r\n"),
        "{shown}"
    );
    // Nothing of that in another header.
    let ascii = builder().subject("Grüße").unwrap().build();
    assert!(!ascii.needs_smtputf8() && !ascii.needs_8bitmime());
    // Bcc is not in the header.
    assert!(!builder().bcc(ann.clone()).build().needs_smtputf8());
    // RFC 6532 3.7.
    let outer = builder().attach(Part::message(built).unwrap()).build();
    assert!(!outer.needs_smtputf8() && outer.needs_8bitmime());
    let shown = outer.to_vec();
    let message = Message::parse(&shown);
    let within = message.part_at("1").unwrap();
    assert_eq!(within.content_type().essence(), "message/global");
    assert_eq!(within.encoding().to_string(), "8bit");
    assert_eq!(message.root().encoding().to_string(), "8bit");
    for bad in [
        "a\u{202e}b@c.test",
        "a\u{a0}@b.test",
        "a\u{85}@b.test",
        "ä@b ü.test",
    ] {
        assert!(Mailbox::utf8(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn eight_bit_where_it_is_allowed() {
    let text = "Grüße\r\n";
    let built = builder().text(text).html("x").eight_bit().build();
    assert!(built.needs_8bitmime());
    let bytes = built.to_vec();
    let message = Message::parse(&bytes);
    assert_eq!(message.inspect(), []);
    assert_eq!(message.root().encoding().to_string(), "8bit");
    assert_eq!(message.text_body().unwrap().body(), text.as_bytes());
}

#[test]
fn images_within_and_an_invitation() {
    let logo = Part::data("image/png", &b"\x89PNG"[..]).unwrap();
    let logo = logo
        .content_id(MessageId::new("logo@a.test").unwrap())
        .inlined();
    let ics = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n";
    let built = builder()
        .text("See the picture.")
        .html("<img src=\"cid:logo@a.test\">")
        .inline(logo)
        .calendar("REQUEST", ics)
        .unwrap()
        .attach(Part::message(builder().text("inner").build()).unwrap())
        .build();
    let shown = check(&built);
    let message = Message::parse(shown.as_bytes());
    assert_eq!(
        shape(&message),
        [
            "TEXT multipart/mixed",
            "1 multipart/alternative",
            "1.1 text/plain",
            "1.2 multipart/related",
            "1.2.1 text/html",
            "1.2.2 image/png",
            "1.3 text/calendar",
            "2 application/ics",
            "3 message/rfc822",
            "3.1 text/plain"
        ]
    );
    let related = message.part_at("1.2").unwrap();
    assert_eq!(related.content_type().parameter("type"), Some("text/html"));
    let invitation = message.part_at("1.3").unwrap();
    assert_eq!(
        invitation.content_type().parameter("method"),
        Some("REQUEST")
    );
    assert_eq!(invitation.decoded(), ics.as_bytes());
}

#[test]
fn who_wrote_can_be_written_to() {
    for (read, written) in [
        ("Ann <ann@a.test>", "Ann <ann@a.test>"),
        ("<@x.test:\"a b\"@a.test> (Ann)", "Ann <\"a b\"@a.test>"),
        (
            "=?utf-8?Q?D=C3=B6e=2C_=09Ann?= <a@b.test>",
            "=?utf-8?B?RMO2ZSwgQW5u?= <a@b.test>",
        ),
        ("a..b@c.test", "\"a..b\"@c.test"),
    ] {
        let list = scop_mime::parse_addresses(read.as_bytes());
        let one = Mailbox::try_from(scop_mime::mailboxes(&list).next().unwrap()).unwrap();
        let text = check(&builder().to(one).text("").build());
        assert!(text.contains(&format!("\r\nTo: {written}\r\n")), "{text}");
    }
    for bad in ["root", "Ann", "<>", "a@b@c <=?utf-8?Q?x?=@y>"] {
        let list = scop_mime::parse_addresses(bad.as_bytes());
        let one = scop_mime::mailboxes(&list).next().unwrap();
        assert!(Mailbox::try_from(one).is_err(), "{bad}");
    }
}

#[test]
fn a_text_from_a_file_says_its_charset() {
    let of = |data: &'static [u8], charset: Option<&str>| {
        let mut part = Part::attachment("a.txt", "Text/Plain", data).unwrap();
        if let Some(charset) = charset {
            part = part.parameter("Charset", charset).unwrap();
        }
        let text = check(&builder().attach(part).build());
        let fields = text.split_once("Content-Type: Text/Plain").unwrap().1;
        fields.split_once("\r\n").unwrap().0.to_owned()
    };
    assert_eq!(of(b"a", None), "");
    assert_eq!(of("Grüße\r\n".as_bytes(), None), "; charset=utf-8");
    assert_eq!(of("Grüße".as_bytes(), None), "; charset=utf-8");
    let latin = of(b"Gr\xfc\xdfe\r\n", Some("iso-8859-1"));
    assert_eq!(latin, "; Charset=iso-8859-1");
}

#[test]
fn a_part_says_what_it_is() {
    let part = Part::text_as("csv", "a,b\n").unwrap();
    let part = part
        .parameter("header", "present; \"yes\"")
        .unwrap()
        .file_name("naïve résumé, a file name that is long enough to be cut into sections.csv")
        .unwrap()
        .description("Zahlen für dich")
        .unwrap()
        .language("de-CH")
        .unwrap()
        .language("en")
        .unwrap()
        .location(&Url::new("https://a.test/x.csv").unwrap())
        .field(Field::text("Content-Duration", "10").unwrap())
        .unwrap();
    let shown = check(&builder().body(part).build());
    let message = Message::parse(shown.as_bytes());
    let root = message.root();
    assert_eq!(root.content_type().essence(), "text/csv");
    assert_eq!(
        root.content_type().parameter("header"),
        Some("present; \"yes\"")
    );
    assert_eq!(
        root.filename().unwrap(),
        "naïve résumé, a file name that is long enough to be cut into sections.csv"
    );
    assert_eq!(root.description().unwrap(), "Zahlen für dich");
    assert!(shown.contains("\r\nContent-Language: de-CH, en\r\nContent-Location: https://a.test/x.csv\r\nContent-Duration: 10\r\n"));
    let part = || Part::text("x");
    assert!(
        part().parameter("charset", "x").is_err() && part().parameter("Boundary", "x").is_err()
    );
    assert!(
        part()
            .parameter("a", "1")
            .unwrap()
            .parameter("A", "2")
            .is_err()
    );
    assert!(part().parameter("a*", "1").is_err());
    assert!(part().field(Field::text("Subject", "x").unwrap()).is_err());
    assert!(
        part()
            .field(Field::text("Content-ID", "x").unwrap())
            .is_err()
    );
    assert!(part().language("not a tag").is_err());
}

#[test]
fn reports() {
    let groups = [
        vec![Field::text("Reporting-MTA", "dns; mx.a.test").unwrap()],
        vec![
            Field::text("Final-Recipient", "rfc822; bob@b.test").unwrap(),
            Field::text("Action", "failed").unwrap(),
            Field::text("Status", "5.1.1").unwrap(),
        ],
    ];
    let machine = || Part::field_groups("delivery-status", groups.clone()).unwrap();
    let human = || Part::text("Bob is not there.\n");
    let original = b"From: a@b.test\nSubject: hi\n\nbody\n";
    let report = |returned| {
        let report = Part::report(human(), machine(), returned).unwrap();
        builder().body(report).build().to_vec()
    };
    let bytes = report(Returned::Message(original.to_vec()));
    let message = Message::parse(&bytes);
    assert_eq!(
        message.root().content_type().parameter("report-type"),
        Some("delivery-status")
    );
    assert_eq!(
        message.part_at("2").unwrap().body(),
        b"Reporting-MTA: dns; mx.a.test\r\n\r\nFinal-Recipient: rfc822; bob@b.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    );
    assert_eq!(
        message.part_at("3").unwrap().body(),
        b"From: a@b.test\r\nSubject: hi\r\n\r\nbody\r\n"
    );
    let bytes = report(Returned::Header("Subject: hé\r\nA: b\r\n\r\nbody".into()));
    let message = Message::parse(&bytes);
    let header = message.part_at("3").unwrap();
    assert_eq!(header.content_type().essence(), "message/global-headers");
    assert_eq!(header.decoded(), "Subject: hé\r\nA: b\r\n".as_bytes());
    let bytes = report(Returned::Nothing);
    assert_eq!(Message::parse(&bytes).root().children().count(), 2);
    // A message that no transfer encoding may hide.
    let long = [b"A: b\r\n\r\n", &b"x".repeat(999)[..]].concat();
    let error = Part::message_bytes(long).unwrap_err();
    assert!(
        matches!(error, BuildError::Line { offset: 8, .. }),
        "{error}"
    );
    assert!(Part::message_bytes(&b"A: \0\r\n\r\n"[..]).is_err());
    assert!(Part::report(human(), Part::text("x"), Returned::Nothing).is_err());
    assert!(
        Part::machine("rfc822", "x").is_err() && Part::machine("Delivery Status", "x").is_err()
    );
}

#[test]
fn signed_content_is_sent_as_it_was_signed() {
    // RFC 3156 3: no white space at the end of a line, no From, no 8bit.
    let sealed = Part::mixed([
        Part::text("From \nÜ \n-- \n"),
        Part::text("From here\n-- \n"),
    ]);
    let sealed = sealed.unwrap().seal().unwrap();
    let signed = sealed.bytes().to_vec();
    assert!(signed.is_ascii() && !signed.windows(3).any(|w| w == b" \r\n"));
    assert!(!signed.windows(6).any(|w| w == b"\nFrom "));
    let part = Part::signed(
        sealed,
        Signature::pgp("pgp-sha256", "-----BEGIN PGP\n").unwrap(),
    );
    let shown = check(&builder().eight_bit().body(part.unwrap()).build());
    let message = Message::parse(shown.as_bytes());
    assert_eq!(message.part_at("1").unwrap().raw(), signed);
    assert!(shown.contains("Content-Type: multipart/signed; protocol=\"application/pgp-signature\";\r\n micalg=pgp-sha256; boundary="));
    let der = Signature::smime("sha-256", &b"\x30\x03"[..]).unwrap();
    let part = Part::signed(Part::text("x").seal().unwrap(), der).unwrap();
    let shown = check(&builder().body(part).build());
    assert!(shown.contains("filename=smime.p7s"));
    let eight = Part::message(builder().text("ü").eight_bit().build()).unwrap();
    assert_eq!(eight.seal().unwrap_err(), BuildError::EightBit);
    assert!(Signature::other("application/x", "md5", Part::text("x")).is_err());
    let shown = check(
        &builder()
            .body(Part::encrypted_pgp("-----BEGIN PGP\n").unwrap())
            .build(),
    );
    assert_eq!(
        shape(&Message::parse(shown.as_bytes())),
        [
            "TEXT multipart/encrypted",
            "1 application/pgp-encrypted",
            "2 application/octet-stream"
        ]
    );
    let shown = check(
        &builder()
            .body(Part::smime("enveloped-data", vec![0; 100]).unwrap())
            .build(),
    );
    let root = Message::parse(shown.as_bytes());
    assert_eq!(
        root.root().content_type().parameter("smime-type"),
        Some("enveloped-data")
    );
    assert_eq!(root.root().decoded(), &[0; 100][..]);
}

#[test]
fn parts_of_other_messages_and_messages_together() {
    let stored = b"Content-Type: text/html\n\n<p>\n";
    let message = Message::parse(stored);
    let copied = Part::entity(message.root().raw()).unwrap();
    let digest = Part::digest([builder().text("1").build(), builder().text("2").build()]).unwrap();
    let shown = check(
        &builder()
            .body(Part::mixed([copied, digest]).unwrap())
            .build(),
    );
    let message = Message::parse(shown.as_bytes());
    assert_eq!(
        message.part_at("1").unwrap().raw(),
        b"Content-Type: text/html\r\n\r\n<p>\r\n"
    );
    assert_eq!(message.part_at("2.2.1").unwrap().body(), b"2\r\n");
    assert!(Part::mixed(Vec::<Part>::new()).is_err());
    assert!(Part::multipart("signed", [Part::text("x")]).is_err());
    // An entity alone has a header that is not the message's.
    let shown = check(
        &builder()
            .body(Part::entity(&b"A: b\n\nx\n"[..]).unwrap())
            .build(),
    );
    assert_eq!(
        Message::parse(shown.as_bytes())
            .part_at("1")
            .unwrap()
            .body(),
        b"x\r\n"
    );
}

#[test]
fn mi01_depth_is_bounded_when_it_is_built() {
    let mut part = Part::text("x");
    let mut depth = 0;
    let error = loop {
        match Part::mixed([part.clone()]) {
            Ok(deeper) => part = deeper,
            Err(error) => break error,
        }
        depth += 1;
    };
    assert_eq!((depth, error), (64, BuildError::TooDeep));
    let built = builder()
        .text("y")
        .html("z")
        .body(part.clone())
        .attach(Part::text("a"))
        .build();
    let shown = check(&built);
    assert_eq!(Message::parse(shown.as_bytes()).parts().count(), 67);
    assert_eq!(Part::message(built).unwrap_err(), BuildError::TooDeep);
    assert!(Part::related(part, []).is_err());
}

/// A source of a size that is never held: the chunks are small, and no byte is kept.
#[test]
fn a_streamed_attachment_is_never_in_memory() {
    const SIZE: u64 = 16 << 20;
    let built = builder()
        .streaming()
        .text("See there.")
        .attach(
            Part::streamed("video/mp4", 7u8, Some(SIZE))
                .unwrap()
                .file_name("v.mp4")
                .unwrap(),
        )
        .attach(Part::data("text/plain", "end").unwrap().lift())
        .build();
    let block = vec![0x5a; 30_000];
    let (mut stream, mut given, mut length, mut largest) = (built.stream(), 0, 0u64, 0);
    let mut tail = Vec::new();
    assert_eq!(stream.supply(b"x"), Err(StreamError::NotAsked));
    while let Some(chunk) = stream.next_chunk() {
        match chunk {
            Chunk::Need(source) => {
                assert_eq!(*source, 7);
                let n = (SIZE - given).min(block.len() as u64);
                given += n;
                match n {
                    0 => stream.end_source().unwrap(),
                    _ => stream.supply(&block[..n as usize]).unwrap(),
                }
            }
            Chunk::Bytes(bytes) => {
                length += bytes.len() as u64;
                largest = largest.max(bytes.len());
                tail = bytes.to_vec();
            }
        }
    }
    assert_eq!(Some(length), built.size());
    assert!(largest < 48 << 10, "{largest}");
    assert!(tail.ends_with(b"--\r\n"));
}

#[test]
fn a_source_that_gives_something_else_is_refused() {
    let part = |length| Part::streamed("a/b", (), length).unwrap();
    let built = builder().streaming().attach(part(Some(100))).build();
    let mut stream = built.stream();
    while let Some(Chunk::Bytes(_)) = stream.next_chunk() {}
    stream.supply(&[0; 60]).unwrap();
    let too_long = StreamError::TooLong {
        announced: 100,
        given: 101,
    };
    // What is ready goes first.
    assert_eq!(stream.supply(&[0; 1]), Err(StreamError::NotAsked));
    assert!(matches!(stream.next_chunk(), Some(Chunk::Bytes(_))));
    assert_eq!(stream.supply(&[0; 41]), Err(too_long));
    let too_short = StreamError::TooShort {
        announced: 100,
        given: 60,
    };
    assert_eq!(stream.end_source(), Err(too_short));
    stream.supply(&[0; 40]).unwrap();
    while let Some(Chunk::Bytes(_)) = stream.next_chunk() {}
    stream.end_source().unwrap();
    let text = Part::streamed_text("text/plain", ()).unwrap();
    let built = builder()
        .streaming()
        .attach(part(None))
        .attach(text)
        .build();
    assert_eq!(built.size(), None);
}

#[test]
fn boundaries_follow_from_what_is_said() {
    let message = |text: &str| builder().text(text).html("x");
    let bytes = |b: Builder| b.build().to_vec();
    assert_eq!(bytes(message("a")), bytes(message("a")));
    let boundary = |b: Builder| {
        let text = String::from_utf8(bytes(b)).unwrap();
        text.split('"').nth(1).unwrap().to_owned()
    };
    assert_ne!(boundary(message("a")), boundary(message("b")));
    assert_ne!(
        boundary(message("a")),
        boundary(message("a").seed(*b"seed"))
    );
    // The same message within itself.
    let inner = message("a").build();
    let b = message("a").attach(Part::message(inner).unwrap());
    check(&b.build());
    let _: Address = mailbox("a@b.test").into();
}

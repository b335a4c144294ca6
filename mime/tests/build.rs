//! What the builder writes, and that it reads back as what was built.

use proptest::prelude::*;
use scop_mime::build::{
    BuildError, Builder, Built, Field, Group, Mailbox, MessageId, Part, Signature, Url,
};
use scop_mime::{Content, DateTime, Message, TransferEncoding};

fn builder() -> Builder {
    let date = DateTime::from_unix(1_700_000_000, 60).unwrap();
    Builder::new(Mailbox::new("ann@example.org").unwrap(), date)
}

fn field(name: &str) -> Result<Builder, BuildError> {
    builder().field(Field::text(name, "x")?)
}

fn text(built: &Built) -> String {
    String::from_utf8(built.to_vec()).unwrap()
}

/// What must hold of every message that is built.
fn check(built: &Built) -> Vec<u8> {
    let bytes = built.to_vec();
    assert_eq!(bytes.len() as u64, built.len());
    assert!(bytes.is_ascii() && !bytes.contains(&0));
    assert!(bytes.ends_with(b"\r\n"));
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let content = line.strip_suffix(b"\r\n").expect("every line ends in CRLF");
        assert!(content.len() <= 998 && !content.contains(&b'\r'));
        // RFC 2047 2.
        let encoded = content
            .windows(10)
            .any(|w| w == b"=?utf-8?Q?" || w == b"=?utf-8?B?");
        assert!(
            !encoded || content.len() <= 76,
            "{}",
            content.escape_ascii()
        );
    }
    let message = Message::parse(&bytes);
    let mut defects = message.inspect();
    // These are of what was said, not of how it was written.
    let said = ["address-in-name"];
    defects.retain(|d| !said.contains(&d.kind.as_str()));
    assert_eq!(defects, [], "{}", String::from_utf8_lossy(&bytes));
    bytes
}

#[test]
fn a_short_text_is_left_as_it_is() {
    let built = builder()
        .to(Mailbox::new("bob@example.com")
            .unwrap()
            .named("Bob")
            .unwrap())
        .subject("Hello")
        .unwrap()
        .message_id(MessageId::new("1@example.org").unwrap())
        .field(Field::text("X-Mailer", "scop").unwrap())
        .unwrap()
        .text("Hi Bob\n.\nFrom me\r\nbye")
        .build();
    check(&built);
    assert_eq!(
        text(&built),
        "Date: Tue, 14 Nov 2023 23:13:20 +0100\r\nFrom: ann@example.org\r\nTo: Bob <bob@example.com>\r\nSubject: Hello\r\nMessage-ID: <1@example.org>\r\nX-Mailer: scop\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHi Bob\r\n.\r\nFrom me\r\nbye\r\n"
    );
}

#[test]
fn a_text_with_an_attachment() {
    let built = builder()
        .subject("Das ist für dich and no one else, =?really?=")
        .unwrap()
        .text("Grüße, schöne Grüße an alle\n")
        .html("<p>Hi</p>")
        .attach(Part::attachment("a b.bin", "application/octet-stream", vec![0; 60]).unwrap())
        .attach(Part::attachment("Ärger \"1\".txt", "text/plain", "x").unwrap())
        .build();
    let shown = text(&built);
    let boundary = shown
        .split('"')
        .nth(1)
        .unwrap()
        .strip_suffix("_000000")
        .unwrap();
    assert_eq!(
        shown.replace(boundary, "=_"),
        "Date: Tue, 14 Nov 2023 23:13:20 +0100\r\nFrom: ann@example.org\r\nSubject: Das ist =?utf-8?Q?f=C3=BCr?= dich and no one else,\r\n =?utf-8?B?PT9yZWFsbHk/PQ==?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=__000000\"\r\n\r\n--=__000000\r\nContent-Type: multipart/alternative; boundary=\"=__000001\"\r\n\r\n--=__000001\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe, sch=C3=B6ne Gr=C3=BC=C3=9Fe an alle\r\n\r\n--=__000001\r\nContent-Type: text/html; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n<p>Hi</p>\r\n\r\n--=__000001--\r\n\r\n--=__000000\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"a b.bin\"\r\n\r\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\nAAAA\r\n--=__000000\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename*=utf-8''%C3%84rger%20%221%22.txt\r\n\r\neA==\r\n--=__000000--\r\n"
    );
    let bytes = check(&built);
    let message = Message::parse(&bytes);
    let body = message.text_body().unwrap();
    assert_eq!(body.id().to_string(), "1.1");
    assert_eq!(body.text().unwrap().text, "Grüße, schöne Grüße an alle\r\n");
    assert_eq!(
        message.html_body().unwrap().decoded(),
        &b"<p>Hi</p>\r\n"[..]
    );
    let names: Vec<_> = message
        .attachments()
        .map(|p| p.filename().unwrap())
        .collect();
    assert_eq!(names, ["a b.bin", "Ärger \"1\".txt"]);
}

#[test]
fn sc06_nothing_can_be_injected() {
    for bad in ["a\r\nBcc: x@y.test", "a\nb", "a\rb", "a\0b"] {
        let control = |what| BuildError::Control { what, offset: 1 };
        assert_eq!(builder().subject(bad).unwrap_err(), control("the subject"));
        assert_eq!(Field::text("X", bad).unwrap_err(), control("a field"));
        let mailbox = Mailbox::new("a@b.test").unwrap();
        assert_eq!(mailbox.named(bad).unwrap_err(), control("a display name"));
        let attachment = Part::attachment(bad, "a/b", "");
        assert_eq!(attachment.unwrap_err(), control("a file name"));
        assert!(Mailbox::new(&format!("{bad}@b.test")).is_err());
        assert!(Mailbox::new(&format!("a@{bad}.test")).is_err());
        assert!(MessageId::new(format!("{bad}@b.test")).is_err());
        assert!(field(bad).is_err());
        assert!(Part::attachment("a", &format!("{bad}/x"), "").is_err());
        let part = Part::text("x");
        assert!(part.clone().parameter("x", bad).is_err());
        assert!(part.clone().parameter(bad, "x").is_err());
        assert!(part.clone().description(bad).is_err());
        assert!(part.clone().language(bad).is_err());
        assert!(Part::text_as(bad, "x").is_err() && Part::machine(bad, "x").is_err());
        assert!(Part::calendar(bad, "x").is_err());
        assert!(Signature::pgp(bad, "x").is_err() && Part::smime(bad, "x").is_err());
        assert!(Group::new(bad, []).is_err() && Url::new(format!("mailto:{bad}")).is_err());
        assert!(Mailbox::utf8(&format!("{bad}@ü.test")).is_err());
        assert!(Field::raw("X", bad).is_err() && Field::phrases("X", [bad]).is_err());
        assert!(Field::list_id(bad, "a.b").is_err() && Field::list_id("a", bad).is_err());
    }
    for bad in [
        "a",
        "@b",
        "a@",
        "a@b c",
        "a@b@",
        "ä@b.test",
        "a@ä.test",
        "a@[",
        "a@b..c",
        "a@.b",
        "<a@b>",
        "a@b.test, c@d.test",
        "a@b@c.test",
        "Ann <a@b.test",
        "Ann <a@b.test>",
        " a@b.test",
        "a @b.test",
        "=?utf-8?Q?a?=@b.test", // found by fuzzing
    ] {
        assert!(Mailbox::new(bad).is_err(), "{bad}");
    }
    for (given, written) in [
        ("a b@c.test", "\"a b\"@c.test"),
        ("\"a b\"@c.test", "\"a b\"@c.test"),
        ("\"a\\\"b\"@c.test", "\"a\\\"b\"@c.test"),
        ("a\"b@c.test", "\"a\\\"b\"@c.test"),
        ("a..b@c.test", "\"a..b\"@c.test"),
        ("a,b@[192.0.2.1]", "\"a,b\"@[192.0.2.1]"),
        ("x>@c.test", "\"x>\"@c.test"),
        ("\"a@b, <c\"@d.test", "\"a@b, <c\"@d.test"),
    ] {
        assert_eq!(Mailbox::new(given).unwrap().address(), written);
    }
    for bad in [
        "",
        "a b",
        "a:",
        "ä",
        "From",
        "to",
        "BCC",
        "Content-Type",
        "Mime-Version",
    ] {
        assert!(field(bad).is_err(), "{bad}");
    }
    for bad in [
        "",
        "text",
        "text/",
        "/plain",
        "text/plain; charset=x",
        "multipart/mixed",
        "Message/rfc822",
        "a/b/c",
    ] {
        assert!(Part::attachment("a", bad, "").is_err(), "{bad}");
    }
    for bad in ["a", "a@", "@b", "<a@b>", "a b@c", "a@b c", "a@b@c", "ä@b"] {
        assert!(MessageId::new(bad).is_err(), "{bad}");
    }
    let long = "a".repeat(900);
    let too_long = |error| matches!(error, BuildError::TooLong { limit: 900, .. });
    assert!(too_long(MessageId::new(long.clone() + "@b").unwrap_err()));
    assert!(too_long(
        Url::new("https://a.test/".to_owned() + &long).unwrap_err()
    ));
}

#[test]
fn the_boundary_is_in_no_text() {
    let first = text(&builder().text("x").attach(file("a", "x")).build());
    let boundary = first.split('"').nth(1).unwrap().to_owned();
    // The hash is over the text, so this cannot be arranged; what it must withstand
    // is a text that has the boundaries of other messages in it.
    let built = builder()
        .text(first.clone() + &boundary)
        .attach(file("a", "x"))
        .build();
    let bytes = check(&built);
    let message = Message::parse(&bytes);
    assert_eq!(message.root().children().count(), 2);
    assert_eq!(
        message.text_body().unwrap().decoded(),
        (first + &boundary + "\r\n").as_bytes()
    );
}

fn file(name: &str, data: &'static str) -> Part {
    Part::attachment(name, "application/octet-stream", data).unwrap()
}

#[test]
fn encodings_are_chosen_by_content() {
    let encoding = |text: String| {
        let bytes = check(&builder().text(text.clone()).build());
        let message = Message::parse(&bytes);
        assert_eq!(message.root().text().unwrap().text, text + "\r\n");
        message.root().encoding()
    };
    assert_eq!(encoding("x".repeat(998)), TransferEncoding::SevenBit);
    assert_eq!(encoding("x".repeat(999)), TransferEncoding::QuotedPrintable);
    assert_eq!(
        encoding("ein Ä und viel anderes".into()),
        TransferEncoding::QuotedPrintable
    );
    assert_eq!(
        encoding("日本語のテキスト".repeat(20)),
        TransferEncoding::Base64
    );
    assert_eq!(
        encoding("nul \0 nul and much more".into()),
        TransferEncoding::QuotedPrintable
    );
    assert_eq!(encoding("end \t".into()), TransferEncoding::SevenBit);
    assert_eq!(
        encoding("ä end \t".into()),
        TransferEncoding::QuotedPrintable
    );
}

#[test]
fn headers_fold_and_stay_what_they_are() {
    let mut b = builder();
    for n in 0..50 {
        let name = [
            "Short",
            "Ünïcode Name",
            "Q. Uoted",
            "=?utf-8?q?x?=",
            "two  spaces",
        ][n % 5];
        b = b.to(Mailbox::new(&format!("user{n}@example.com"))
            .unwrap()
            .named(name)
            .unwrap());
        b = b.reference(MessageId::new(format!("{n}.{n}@example.org")).unwrap());
    }
    let bytes = check(&b.build());
    let header = bytes.split(|b| *b == b'\n').take_while(|l| *l != b"\r");
    assert!(header.map(|line| line.len()).max().unwrap() <= 79);
    let message = Message::parse(&bytes);
    let to = message.header().to();
    assert_eq!(to.len(), 50);
    for (n, a) in to.iter().enumerate() {
        let name = [
            "Short",
            "Ünïcode Name",
            "Q. Uoted",
            "=?utf-8?q?x?=",
            "two  spaces",
        ][n % 5];
        assert_eq!(a.mailboxes()[0].name().unwrap(), name);
        assert_eq!(a.mailboxes()[0].address(), format!("user{n}@example.com"));
    }
    assert_eq!(message.header().references().len(), 50);
}

#[test]
fn what_is_glued_to_an_encoded_word_fits_its_line() {
    for n in 0..90 {
        let name = format!("{}ü", "ö n".repeat(n % 30) + &"x".repeat(n / 30));
        let ann = Mailbox::new("ann@a.test").unwrap().named(name.as_str());
        let ann = ann.unwrap();
        let empty = Group::new(name.as_str(), []).unwrap();
        let group = Group::new(name.as_str(), [ann.clone(), ann.clone()]).unwrap();
        let built = builder().to(group.clone()).to(empty).to(ann).cc(group);
        let bytes = check(&built.build());
        assert_eq!(
            Message::parse(&bytes).inspect(),
            [],
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn a_message_of_nothing() {
    let bytes = check(&builder().build());
    assert_eq!(Message::parse(&bytes).root().body(), b"");
    let bytes = check(&builder().attach(file("", "")).build());
    let message = Message::parse(&bytes);
    assert_eq!(message.root().children().count(), 1);
    assert_eq!(message.attachments().next().unwrap().decoded(), &b""[..]);
}

/// Text of all kinds, without what a header refuses.
fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z.,:;<>@()\"\\\\]{1,12}",
        "[ \t]{1,3}",
        "[äöü€日本😀]{1,30}",
        "=\\?utf-8\\?Q\\?[a-z]{0,4}\\?=",
        "[a-z]{70,90}",
        Just("\u{7}".to_string()),
        Just("x".repeat(900)),
        Just(" ".repeat(70)),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|p| p.concat())
}

fn body() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "[ -~]{0,90}",
        "[ -~äöü日本\t]{0,40}",
        Just("--=_".to_string()),
        Just("x".repeat(1200)),
        Just(".".to_string()),
    ];
    prop::collection::vec(
        (line, prop::sample::select(vec!["\n", "\r\n", "\r"])),
        0..20,
    )
    .prop_map(|l| l.into_iter().map(|(line, end)| line + end).collect())
}

/// As the builder normalises lines.
fn canonical(text: &str) -> String {
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.replace('\n', "\r\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn what_was_built_reads_back(
        subject in words(),
        name in words(),
        file_name in words(),
        plain in proptest::option::of(body()),
        html in proptest::option::of(body()),
        data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30_000), 0..3),
    ) {
        let name: String = name.chars().take(250).collect();
        let file_name: String = file_name.chars().filter(|c| !c.is_control()).take(250).collect();
        let mut b = builder().subject(&subject).unwrap()
            .to(Mailbox::new("x y@example.com").unwrap().named(&name).unwrap())
            .cc(Mailbox::new("c@example.com").unwrap())
            .field(Field::text("X-Field", subject.as_str()).unwrap()).unwrap();
        if let Some(plain) = &plain { b = b.text(plain.as_str()); }
        if let Some(html) = &html { b = b.html(html.as_str()); }
        for data in &data {
            b = b.attach(Part::attachment(&file_name, "application/x-test", data.clone()).unwrap());
        }
        let bytes = check(&b.build());
        let message = Message::parse(&bytes);
        let header = message.header();
        prop_assert_eq!(header.subject().unwrap(), subject.clone());
        prop_assert_eq!(header.get("x-field").unwrap().text(), subject);
        let to = header.to();
        prop_assert_eq!(to[0].mailboxes()[0].name().unwrap_or_default(), name);
        prop_assert_eq!(to[0].mailboxes()[0].address(), "\"x y\"@example.com");
        prop_assert_eq!(header.cc().len(), 1);
        if let Some(plain) = &plain {
            prop_assert_eq!(&*message.text_body().unwrap().text().unwrap().text, canonical(plain));
        }
        if let Some(html) = &html {
            prop_assert_eq!(&*message.html_body().unwrap().text().unwrap().text, canonical(html));
        }
        let attached: Vec<Vec<u8>> = message.attachments().map(|p| p.decoded().into_owned()).collect();
        prop_assert_eq!(&attached, &data);
        for part in message.attachments() {
            prop_assert_eq!(part.filename().unwrap_or_default(), file_name.clone());
            prop_assert_eq!(part.content(), Content::Leaf);
        }
    }
}

//! Each MUST of the rules of messages that a reader can see broken is a defect, with its
//! offset. The table goes through RFC 5322 (2 to 4), 2045, 2046, 2047, 2049, 2231, 2183
//! and 3676 by section; RFC 7103 is in `ambiguity.txt`. What those demand of a reader (to
//! ignore, to accept, to show) is in the tests of what reads it.
//!
//! Not in it, for no reader can see it: that an id is unique in the world, that a
//! boundary was chosen well, that fields were kept in their order, that a name or value
//! was registered. Nor that line ends are CRLF in a message that is stored with LF alone.

mod rfc2045;
mod rfc2046;
mod rfc2047;
mod rfc2231;
mod rfc5322;

use std::fmt::Write;

use scop_mime::{Inspector, Limits, Message};

/// The rule; the message, `¦` where the defect is, or at its start, a line each; the kind.
type Row<'a> = (&'a str, &'a str, scop_mime::DefectKind);

/// What every message must have.
const TOP: &str = "From: a@b.test\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n";
const MIME: &str = "MIME-Version: 1.0\r\n";

/// The message of a row and where its mark is: `\` before a byte is as in Rust.
fn message(text: &str) -> (Vec<u8>, usize) {
    let mark = text.find('¦').unwrap_or(0);
    (
        text.replace('¦', "").chars().map(|c| c as u8).collect(),
        mark,
    )
}

/// Checks rows: `before` is put in front of each message.
fn check(before: &str, rows: &[Row<'_>]) {
    let mut wrong = String::new();
    for (rule, text, kind) in rows {
        let (bytes, mark) = message(&(String::from(before) + text));
        let found = Message::parse(&bytes).inspect();
        let told = found
            .iter()
            .any(|d| d.kind == *kind && (d.offset == mark as u64 || !text.contains('¦')));
        let others: Vec<String> = found.iter().map(ToString::to_string).collect();
        if !told {
            writeln!(wrong, "{rule}: {kind}@{mark} of {text:?}: {others:?}").unwrap();
        }
        assert!(kind.rule().starts_with("RFC"), "{kind}");
        let mut inspector = Inspector::new(Limits::default());
        bytes
            .chunks(1)
            .for_each(|byte| inspector.write(byte).unwrap());
        assert_eq!(
            inspector.finish().unwrap().defects(),
            found,
            "{rule}, byte by byte"
        );
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn what_keeps_every_must_is_told_nothing_of() {
    let text = "From: \"A. B.\" <a@b.test>, c@d.test\r\nSender: a@b.test\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\nResent-From: e@f.test\r\nResent-Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nReturn-Path: <>\r\nReceived: from a.test (=?utf-8?Q?x?=) by b.test; 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <1@b.test>\r\nTo: g: =?utf-8?Q?=C3=BC=2E?= <a@b.test>;\r\nBcc:\r\nKeywords: =?utf-8?Q?=C3=BC?=, a\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=no\r\nContent-Transfer-Encoding: 8bit\r\n\r\n> a \r\n> \u{c3}\u{bc}\r\n From b\r\n-- \r\nA\r\n--b\r\nContent-Type: message/external-body; access-type=anon-ftp; name=a; site=b.test\r\n\r\nContent-Type: text/plain\r\nContent-ID: <a@b.test>\r\n\r\n--b\r\nContent-Type: message/partial; id=a; number=2; total=2\r\n\r\nx\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <c@b.test>\r\nContent-Disposition: attachment; filename*0*=utf-8''a%C3; filename*1*=%BC;\r\n filename*2=\"b c\"; size=5; creation-date=\"Fri, 21 Nov 1997 09:55:06 -0600\"\r\n\r\nYQ0KYg==\r\n--b--\r\n";
    let (bytes, _) = message(text);
    assert_eq!(Message::parse(&bytes).inspect(), []);
}

#[test]
fn what_the_builder_writes_keeps_every_must() {
    use scop_mime::DateTime;
    use scop_mime::build::{Builder, Group, Mailbox, MessageId, Part};

    let names = [
        "Doe, (J.) \"x\" <a>",
        "=?utf-8?Q?a?=",
        "=?a?=",
        "J. Doe",
        "ü, ö; ä: (ß)",
        &"long ".repeat(60),
        &"ü".repeat(300),
        &"x".repeat(1000),
        "\t tab and more ",
    ];
    let files = [
        "a.txt",
        "100% =?utf-8?Q?a?= \"b\\c\".pdf",
        &"n".repeat(100),
        &"ü".repeat(200),
        "utf-8''x",
    ];
    let text = format!(
        "From me\n> quoted\n\n-- \n Ann\nü\n{}\n{} \n",
        "long ".repeat(400),
        "x".repeat(3000)
    );
    let mailbox = |n: usize| Mailbox::new(&format!("a.{n}@b.test")).unwrap();
    let mut builder = Builder::new(mailbox(0), DateTime::from_unix(1_700_000_000, -90).unwrap())
        .and_from(mailbox(1))
        .sender(mailbox(2))
        .message_id(MessageId::new("1@b.test").unwrap())
        .in_reply_to(MessageId::new("2@b.test").unwrap())
        .flowed(&text)
        .html(text.clone());
    for n in 0..50 {
        builder = builder.reference(MessageId::new(format!("{n}.long@b.test")).unwrap());
    }
    for (n, name) in names.iter().enumerate() {
        let to = mailbox(n).named(*name).unwrap();
        builder = builder
            .to(to.clone())
            .cc(Group::new(name.trim(), [to]).unwrap())
            .subject(*name)
            .unwrap();
        let built = builder.clone().build().to_vec();
        assert_eq!(Message::parse(&built).inspect(), [], "{name}");
    }
    for name in files {
        let data = (0..=255).cycle().take(1000).collect::<Vec<u8>>();
        builder = builder.attach(Part::attachment(name, "application/x", data).unwrap());
    }
    assert!(MessageId::new("=?utf-8?Q?x?=@b.test").is_err());
    assert!(MessageId::new("=?x@b.test").is_ok());
    // What is not encoded may not have what would need it.
    for control in ['\0', '\x01', '\x0c', '\r', '\n', '\x7f'] {
        assert!(scop_mime::build::Field::raw("X", format!("a{control}b")).is_err());
    }
    let built = builder.build().to_vec();
    let message = Message::parse(&built);
    assert_eq!(message.inspect(), []);
    assert!(
        message
            .attachments()
            .map(|a| a.filename().unwrap())
            .eq(files)
    );
}

//! Whatever a caller wants to say: it is refused, or the message that is built has
//! no defect and reads back as what was said; streamed in any chunks it is the same.
#![no_main]

use scop_fuzz::{cuts_of, fuzz_target};
use scop_mime::build::{Address, Builder, Chunk, Field, Group, Mailbox, MessageId, Part};
use scop_mime::{DateTime, DefectClass, Message};

/// As the builder writes a text: lines that end in CRLF, the last one too.
fn canonical(text: &str) -> String {
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.replace('\n', "\r\n")
}

fuzz_target!(|data: &[u8]| {
    // What is between bytes of 1 is one thing to say.
    let text = String::from_utf8_lossy(data);
    let mut said = text.split('\u{1}');
    let mut next = || said.next().unwrap_or_default();
    let (subject, name, address, id, file) = (next(), next(), next(), next(), next());
    let (plain, html, attached, raw, flags) = (next(), next(), next(), next(), next());
    let flag = |c: char| flags.contains(c);

    let date = DateTime::from_unix(1_700_000_000, 0).expect("a date");
    let mut builder = Builder::new(Mailbox::new("a@b.test").expect("an address"), date);
    let with_subject = builder.clone().subject(subject);
    let subject = with_subject.is_ok().then_some(subject);
    builder = with_subject.unwrap_or(builder);
    let mailbox = Mailbox::utf8(address).ok();
    let mailbox = mailbox.and_then(|m| m.named(name).ok());
    let group = flag('g')
        .then(|| Group::new(name, mailbox.clone()).ok())
        .flatten();
    if let Some(group) = &group {
        builder = builder.to(group.clone());
    } else if let Some(mailbox) = &mailbox {
        builder = builder.to(mailbox.clone());
    }
    let id = MessageId::new(id).ok();
    if let Some(id) = &id {
        builder = builder.message_id(id.clone());
    }
    // A raw value is the caller's: what looks like an encoded word in it is one.
    if let Ok(field) = Field::raw("X-Raw", raw)
        && !raw.contains("=?")
    {
        builder = builder.field(field).expect("a field that may be added");
    }
    if flag('8') {
        builder = builder.eight_bit();
    }
    builder = builder.text(plain).html(html);
    let attachment = Part::attachment(file, "application/x-fuzz", attached.as_bytes().to_vec());
    let has_attachment = attachment.is_ok();
    if let Ok(attachment) = attachment {
        builder = builder.attach(attachment);
    }
    let utf8 = builder.recipients().any(Mailbox::needs_smtputf8);
    let built = builder.clone().build();
    let bytes = built.to_vec();
    assert_eq!(bytes.len() as u64, built.len());
    assert!(bytes.ends_with(b"\r\n"));
    assert!(bytes.is_ascii() || built.needs_8bitmime());
    assert!(!utf8 || built.needs_smtputf8());
    check_lines(&bytes);
    let chunks: Vec<u8> = built.chunks().flatten().collect();
    assert!(chunks == bytes);

    let message = Message::parse(&bytes);
    check_defects(&message);
    let header = message.header();
    assert_eq!(header.subject().as_deref(), subject);
    let to = header.to();
    match (&group, &mailbox) {
        (Some(group), _) => {
            assert_eq!(to[0].group().as_deref(), Some(group.name()));
            assert_eq!(to[0].mailboxes().len(), group.members().len());
        }
        (None, Some(mailbox)) => {
            let read = &to[0].mailboxes()[0];
            assert_eq!(read.name().unwrap_or_default(), name);
            let address = (mailbox.address(), read.address());
            assert_eq!(
                Mailbox::utf8(&address.1).expect("it was one").address(),
                address.0
            );
        }
        (None, None) => assert_eq!(to.len(), 0),
    }
    assert_eq!(
        header.message_id().as_deref(),
        id.as_ref().map(MessageId::as_str)
    );
    let text = |part: Option<scop_mime::Part<'_, '_>>| {
        part.map(|p| p.text().expect("text").text.into_owned())
    };
    assert_eq!(text(message.text_body()), Some(canonical(plain)));
    assert_eq!(text(message.html_body()), Some(canonical(html)));
    let mut attachments = message.attachments();
    assert_eq!(attachments.next().is_some(), has_attachment);
    if let Some(part) = message.attachments().next() {
        assert_eq!(part.filename().unwrap_or_default(), file);
        assert_eq!(&*part.decoded(), attached.as_bytes());
    }

    // The message within another, beside the same bytes as a stream.
    let length = flag('l').then_some(attached.len() as u64);
    let streamed = match flag('q') {
        true => {
            Part::streamed_text("text/x-fuzz", ()).and_then(|p| p.parameter("charset", "utf-8"))
        }
        false => Part::streamed("application/x-fuzz", (), length),
    };
    let within = Part::message(built).expect("it is not deep").lift();
    let outer = Builder::new(Mailbox::new("a@b.test").expect("an address"), date)
        .streaming()
        .to(Address::Group(Group::undisclosed_recipients()))
        .attach(within)
        .attach(streamed.expect("a type"))
        .build();
    let mut cuts = cuts_of(attached.len(), data);
    cuts.push(attached.len());
    let (mut out, mut at, mut stream) = (Vec::new(), 0, outer.stream());
    let mut cuts = cuts.into_iter();
    while let Some(chunk) = stream.next_chunk() {
        match chunk {
            Chunk::Bytes(bytes) => out.extend_from_slice(&bytes),
            Chunk::Need(()) => match cuts.next() {
                Some(cut) => {
                    let piece = &attached.as_bytes()[at..cut];
                    stream.supply(piece).expect("it was asked for");
                    at = cut;
                }
                None => stream.end_source().expect("all of it came"),
            },
        }
    }
    if let Some(size) = outer.size() {
        assert_eq!(size, out.len() as u64);
    }
    check_lines(&out);
    let message = Message::parse(&out);
    check_defects(&message);
    let parts: Vec<_> = message.root().children().collect();
    assert_eq!(parts.len(), 2);
    assert!(parts[0].body() == bytes);
    assert!(&*parts[1].decoded() == attached.as_bytes());
});

fn check_lines(bytes: &[u8]) {
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let content = line.strip_suffix(b"\r\n").expect("all lines end in CRLF");
        assert!(content.len() <= 998 && !content.contains(&b'\r') && !content.contains(&0));
    }
}

/// None but those of what was said, rather than of how it was written.
fn check_defects(message: &Message<'_>) {
    // A text that is given as bytes arrives as it is, its line ends too.
    let said = ["raw-utf8-in-header", "lone-line-end"];
    let mut defects = message.inspect();
    defects.retain(|d| d.kind.class() != DefectClass::Deception);
    defects.retain(|d| !said.contains(&d.kind.as_str()));
    assert!(defects.is_empty(), "{defects:?}");
}

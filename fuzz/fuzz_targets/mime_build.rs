//! Whatever a caller wants to say: it is refused, or the message that is built has
//! no defect and reads back as what was said.
#![no_main]

use scop_fuzz::fuzz_target;
use scop_mime::build::{Builder, Mailbox, MessageId, Part};
use scop_mime::{DateTime, Message};

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
    let (plain, html, attached) = (next(), next(), next());

    let date = DateTime::from_unix(1_700_000_000, 0).expect("a date");
    let mut builder = Builder::new(Mailbox::new("a@b.test").expect("an address"), date);
    let with_subject = builder.clone().subject(subject);
    let subject = with_subject.is_ok().then_some(subject);
    builder = with_subject.unwrap_or(builder);
    let mailbox = Mailbox::new(address).ok();
    let mailbox = mailbox.and_then(|m| m.named(name).ok());
    if let Some(mailbox) = &mailbox {
        builder = builder.to(mailbox.clone());
    }
    let id = MessageId::new(id).ok();
    if let Some(id) = &id {
        builder = builder.message_id(id.clone());
    }
    builder = builder.text(plain).html(html);
    let attachment = Part::attachment(file, "application/x-fuzz", attached.as_bytes().to_vec());
    let has_attachment = attachment.is_ok();
    if let Ok(attachment) = attachment {
        builder = builder.attach(attachment);
    }
    let built = builder.build();
    let bytes = built.to_vec();
    assert_eq!(bytes.len() as u64, built.len());
    assert!(bytes.is_ascii() && bytes.ends_with(b"\r\n"));
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let content = line.strip_suffix(b"\r\n").expect("all lines end in CRLF");
        assert!(content.len() <= 998 && !content.contains(&b'\r') && !content.contains(&0));
    }

    let message = Message::parse(&bytes);
    assert!(message.inspect().is_empty(), "{:?}", message.inspect());
    let header = message.header();
    assert_eq!(header.subject().as_deref(), subject);
    let to = header.to();
    assert_eq!(to.len(), usize::from(mailbox.is_some()));
    if let Some(mailbox) = mailbox {
        let read = &to[0].mailboxes()[0];
        assert_eq!(read.name().unwrap_or_default(), name);
        let address = (mailbox.address(), read.address());
        assert_eq!(
            Mailbox::new(&address.1).expect("it was one").address(),
            address.0
        );
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
});

//! Messages are built: scop-mime's builder beside mail-builder.
//!
//! What comes out differs in boundaries and folding, so it is read back, with one
//! parser for both, and what was put in must be in it.

use peer_mail_builder::{MessageBuilder, headers::date::Date};
use scop_mime::build::{Builder, Mailbox, MessageId, Part};
use scop_mime::{DateTime, Message, mailboxes};

use crate::measure::{Row, Tally, Unit};

const PEER: &str = "mail-builder 2";
const TEXT: &str = "Hello Bob,\r\n\r\nthe minutes of Tuesday are attached; tell me what is missing.\r\n\r\nAnn\r\n";
/// One message has the one and the next the other, an octet longer: where a body of base64
/// begins at an odd address, its encoder (encodify's, on both sides) takes a tenth longer,
/// and which side has it there for one subject is luck.
const SUBJECTS: [&str; 2] = [
    "Minutes of Tuesday's meeting, and what is left to do until the next one",
    "Minutes of Tuesday's meeting, and what is left to do before the next one",
];
const NOW: i64 = 1_700_000_000;

pub fn rows() -> Vec<Row> {
    vec![
        row("build: text", Unit::Nanoseconds { items: 2 }, None, 0),
        row(
            "build: text and HTML, 100 KB attached",
            Unit::Nanoseconds { items: 2 },
            Some(html()),
            100 << 10,
        ),
        row(
            "build: text, 4 MB attached",
            Unit::Throughput { bytes: 8 << 20 },
            None,
            4 << 20,
        ),
    ]
}

fn html() -> String {
    let paragraph =
        "<p>The minutes of <b>Tuesday</b> are attached; tell me what is missing.</p>\r\n";
    paragraph.repeat(50)
}

fn row(name: &'static str, unit: Unit, html: Option<String>, attached: usize) -> Row {
    let data: Vec<u8> = (0..attached).map(|i| ((i * i) >> 7) as u8).collect();
    let (their_html, their_data) = (html.clone(), data.clone());
    let data = bytes_of(data);
    let ours = move |tally: &mut Tally| {
        for subject in SUBJECTS {
            let ann = Mailbox::new("ann@example.org").and_then(|m| m.named("Ann Döe"));
            let now = DateTime::from_unix(NOW, 0).expect("a date");
            let mut builder = Builder::new(ann.expect("a mailbox"), now)
                .to(Mailbox::new("bob@example.com").expect("a mailbox"))
                .subject(subject)
                .expect("a subject")
                .message_id(MessageId::new("1@example.org").expect("an id"))
                .text(TEXT);
            if let Some(html) = &html {
                builder = builder.html(html.as_str());
            }
            if attached > 0 {
                let file = Part::attachment("minutes.pdf", "application/pdf", data.clone());
                builder = builder.attach(file.expect("an attachment"));
            }
            built(&builder.build().into_vec(), tally);
        }
    };
    let peer = move |tally: &mut Tally| {
        for subject in SUBJECTS {
            let mut builder = MessageBuilder::new()
                .from(("Ann Döe", "ann@example.org"))
                .to("bob@example.com")
                .subject(subject)
                .date(Date::new(NOW))
                .message_id("1@example.org")
                .text_body(TEXT);
            if let Some(html) = &their_html {
                builder = builder.html_body(html.as_str());
            }
            if attached > 0 {
                builder =
                    builder.attachment("application/pdf", "minutes.pdf", their_data.as_slice());
            }
            built(&builder.write_to_vec().expect("a message"), tally);
        }
    };
    Row::new(super::AREA, name, unit, ours)
        .peer(PEER, peer)
        .goal(1.0)
}

fn bytes_of(data: Vec<u8>) -> bytes::Bytes {
    data.into()
}

/// What counts of a message that was built: what a reader finds in it.
fn built(message: &[u8], tally: &mut Tally) {
    tally.item();
    if !tally.is_comparison() {
        // Only that it is there: lengths differ with the boundaries.
        std::hint::black_box(message);
        return;
    }
    let message = Message::parse(message);
    let header = message.header();
    for addresses in [header.from(), header.to()] {
        for mailbox in mailboxes(&addresses) {
            tally.bytes(mailbox.name().unwrap_or_default().as_bytes());
            tally.bytes(mailbox.address().as_bytes());
        }
    }
    tally.bytes(header.subject().unwrap_or_default().as_bytes());
    tally.bytes(header.message_id().unwrap_or_default().as_bytes());
    tally.number(header.date().map_or(0, |d| d.to_unix()) as u64);
    for body in [message.text_body(), message.html_body()] {
        let text = body.and_then(|b| b.text().map(|t| t.text.into_owned()));
        tally.bytes(text.unwrap_or_default().trim_end().as_bytes());
    }
    for part in message.attachments() {
        tally.bytes(part.filename().unwrap_or_default().as_bytes());
        tally.bytes(&part.decoded());
    }
}

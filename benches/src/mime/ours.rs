//! scop-mime's side.

use scop_mime::{Content, Message, Part, mailboxes};

use crate::measure::Tally;

/// The tree: what each part is, where its body is.
pub fn index(message: &[u8], tally: &mut Tally) {
    let message = Message::parse(message);
    for part in message.parts() {
        node(&part, tally);
    }
    tally.item();
}

fn node(part: &Part<'_, '_>, tally: &mut Tally) {
    let kind = match part.content() {
        Content::Leaf => 0,
        Content::Multipart => 1,
        Content::Message => 2,
    };
    tally.number(kind);
    tally.number(part.body_offset());
    if kind == 0 {
        tally.number(part.body_length());
    }
}

/// From, To, Subject and Date of a message.
pub fn four(message: &[u8], tally: &mut Tally) {
    four_of(&Message::parse(message), tally);
    tally.item();
}

/// The same, and nothing but the header is looked at.
pub fn four_of_header(message: &[u8], tally: &mut Tally) {
    four_of(&Message::parse_header(message), tally);
    tally.item();
}

pub fn four_of(message: &Message<'_>, tally: &mut Tally) {
    let header = message.header();
    for addresses in [header.from(), header.to()] {
        for mailbox in mailboxes(&addresses) {
            if let Some(name) = mailbox.name() {
                tally.bytes(name.as_bytes());
            }
            tally.bytes(mailbox.address().as_bytes());
        }
    }
    tally.bytes(header.subject().unwrap_or_default().as_bytes());
    let date = header.date();
    tally.number(date.map_or(0, |d| d.to_unix()) as u64);
}

/// The tree and all bodies decoded: text as text, others as bytes.
pub fn bodies(message: &[u8], tally: &mut Tally) {
    let message = Message::parse(message);
    for part in message.parts() {
        node(&part, tally);
        if part.content() != Content::Leaf {
            continue;
        }
        match part.text() {
            Some(text) => tally.bytes(text.text.as_bytes()),
            None => tally.bytes(&part.decoded()),
        }
    }
    tally.item();
}

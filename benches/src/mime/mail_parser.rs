//! mail-parser's side.

use peer_mail_parser::{HeaderForm, HeaderName, Message, MessageParser, MessagePart, PartKind};

use crate::measure::Tally;

/// As it comes: it parses the values of some forty fields.
pub fn parser() -> MessageParser {
    MessageParser::new()
}

/// Told to leave the values of all fields alone that it can be told to.
pub fn structure_only() -> MessageParser {
    ignoring(|_| true)
}

/// Told the same, but for the four.
pub fn four_only() -> MessageParser {
    use HeaderName::{Date, From, Subject, To};
    ignoring(|name| !matches!(name, From | To | Subject | Date))
}

fn ignoring(ignored: impl Fn(&HeaderName<'static>) -> bool) -> MessageParser {
    const EAGER: [HeaderName<'static>; 33] = [
        HeaderName::Subject,
        HeaderName::Comments,
        HeaderName::ContentDescription,
        HeaderName::ContentLocation,
        HeaderName::From,
        HeaderName::To,
        HeaderName::Cc,
        HeaderName::Bcc,
        HeaderName::ReplyTo,
        HeaderName::Sender,
        HeaderName::ResentTo,
        HeaderName::ResentFrom,
        HeaderName::ResentBcc,
        HeaderName::ResentCc,
        HeaderName::ResentSender,
        HeaderName::ListArchive,
        HeaderName::ListHelp,
        HeaderName::ListId,
        HeaderName::ListOwner,
        HeaderName::ListPost,
        HeaderName::ListSubscribe,
        HeaderName::ListUnsubscribe,
        HeaderName::Date,
        HeaderName::ResentDate,
        HeaderName::MessageId,
        HeaderName::References,
        HeaderName::InReplyTo,
        HeaderName::ReturnPath,
        HeaderName::ContentId,
        HeaderName::ResentMessageId,
        HeaderName::Keywords,
        HeaderName::ContentLanguage,
        HeaderName::Received,
    ];
    let parser = MessageParser::new();
    EAGER
        .into_iter()
        .filter(ignored)
        .fold(parser, |p, name| p.header(name, HeaderForm::Ignore))
}

pub fn index(parser: &MessageParser, message: &[u8], tally: &mut Tally) {
    let Some(message) = parser.parse(message) else {
        return tally.bytes(b"(no message)");
    };
    message.parts().for_each(|part| node(&part, tally));
    tally.item();
}

fn node(part: &MessagePart<'_>, tally: &mut Tally) {
    let kind = match part.kind() {
        PartKind::Multipart => 1,
        PartKind::Message(_) => 2,
        _ => 0,
    };
    tally.number(kind);
    tally.number(u64::from(part.offset_body()));
    if kind == 0 {
        tally.number(u64::from(part.offset_end() - part.offset_body()));
    }
}

pub fn four(parser: &MessageParser, message: &[u8], tally: &mut Tally) {
    four_of(parser.parse(message), tally);
}

/// The same of the header alone.
pub fn four_of_header(parser: &MessageParser, message: &[u8], tally: &mut Tally) {
    four_of(parser.parse_headers(message), tally);
}

fn four_of(message: Option<Message<'_>>, tally: &mut Tally) {
    let Some(message) = message else {
        return tally.bytes(b"(no message)");
    };
    for addresses in [message.from(), message.to()].into_iter().flatten() {
        for mailbox in addresses.mailboxes() {
            if let Some(name) = mailbox.name() {
                tally.bytes(name.as_bytes());
            }
            tally.bytes(mailbox.address().unwrap_or_default().as_bytes());
        }
    }
    tally.bytes(message.subject().unwrap_or_default().as_bytes());
    let date = message.date();
    tally.number(date.map_or(0, |d| d.to_timestamp()) as u64);
    tally.item();
}

pub fn bodies(parser: &MessageParser, message: &[u8], tally: &mut Tally) {
    let Some(message) = parser.parse(message) else {
        return tally.bytes(b"(no message)");
    };
    for part in message.parts() {
        node(&part, tally);
        if part.is_multipart() || part.is_message() {
            continue;
        }
        match part.text() {
            Some(text) => tally.bytes(text.as_bytes()),
            None => tally.bytes(&part.decoded()),
        }
    }
    tally.item();
}

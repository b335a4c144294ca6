//! What a user would see of a message, as each library reads it: who wrote, when,
//! about what, and each text and file. Two libraries that differ in this can be
//! played against each other: what one lets pass, the other runs.

use peer_mail_parser::{MessageParser, MessagePart, PartKind};
use peer_mailparse::{MailHeaderMap, ParsedMail, addrparse_header, dateparse, parse_mail};
use scop_mime::{Content, Message, mailboxes};

/// One line for each thing that is seen.
pub type Reading = Vec<String>;

pub type Reader = (&'static str, fn(&[u8]) -> Reading);

pub const READERS: [Reader; 3] = [
    ("scop-mime", ours),
    ("mail-parser", mail_parser),
    ("mailparse", mailparse),
];

/// The first line in which two differ.
pub fn difference<'r>(a: &'r Reading, b: &'r Reading) -> Option<(&'r str, &'r str)> {
    let most = a.len().max(b.len());
    let at = (0..most).find(|i| a.get(*i) != b.get(*i))?;
    let line = |r: &'r Reading| r.get(at).map_or("nothing", |l| l.as_str());
    Some((line(a), line(b)))
}

fn ours(message: &[u8]) -> Reading {
    let message = Message::parse(message);
    let header = message.header();
    let from = header.from();
    let from = mailboxes(&from).map(|m| m.address().to_string());
    let mut out = head(
        from,
        header.subject().unwrap_or_default().as_ref(),
        header.date().map(|d| d.to_unix()),
    );
    for part in message.parts().filter(|p| p.content() == Content::Leaf) {
        let content_type = part.content_type();
        out.push(leaf(
            content_type.essence(),
            part.filename().as_deref(),
            &part.decoded(),
        ));
    }
    out
}

fn mail_parser(message: &[u8]) -> Reading {
    let Some(message) = MessageParser::new().parse(message) else {
        return vec!["refused".into()];
    };
    let from = message.from();
    let from = from.iter().flat_map(|list| list.mailboxes());
    let from = from.map(|m| m.address().unwrap_or_default().to_string());
    let date = message.date().map(|d| d.to_timestamp());
    let mut out = head(from, message.subject().unwrap_or_default(), date);
    let is_leaf =
        |p: &MessagePart<'_>| !matches!(p.kind(), PartKind::Multipart | PartKind::Message(_));
    for part in message.parts().filter(is_leaf) {
        let essence = part.content_type().map(|c| {
            let subtype = c.subtype().unwrap_or_default();
            format!("{}/{subtype}", c.ctype())
        });
        let essence = essence.unwrap_or_else(|| "text/plain".into());
        out.push(leaf(&essence, part.attachment_name(), &part.decoded()));
    }
    out
}

fn mailparse(message: &[u8]) -> Reading {
    let mail = match parse_mail(message) {
        Ok(mail) => mail,
        Err(error) => return vec![format!("refused: {error}")],
    };
    let value = |name| mail.headers.get_first_value(name);
    let from = mail.headers.get_first_header("From");
    let from = from.and_then(|f| addrparse_header(f).ok());
    let from = from
        .iter()
        .flat_map(|list| list.iter())
        .flat_map(|address| match address {
            peer_mailparse::MailAddr::Single(single) => vec![single.addr.clone()],
            peer_mailparse::MailAddr::Group(group) => group
                .addrs
                .iter()
                .map(|single| single.addr.clone())
                .collect(),
        });
    let date = value("Date").and_then(|d| dateparse(&d).ok());
    let mut out = head(from, value("Subject").unwrap_or_default().as_str(), date);
    parts(&mail, &mut out);
    out
}

/// A message within is for the caller to read, as it is where `mailparse` is timed.
fn parts(mail: &ParsedMail<'_>, out: &mut Reading) {
    if !mail.subparts.is_empty() {
        return mail.subparts.iter().for_each(|part| parts(part, out));
    }
    let body = mail.get_body_raw();
    let body = body.unwrap_or_else(|error| error.to_string().into_bytes());
    if mail.ctype.mimetype == "message/rfc822" {
        if let Ok(inner) = parse_mail(&body) {
            parts(&inner, out);
        }
        return;
    }
    let disposition = mail.get_content_disposition();
    let name = disposition.params.get("filename");
    let name = name.or_else(|| mail.ctype.params.get("name"));
    out.push(leaf(&mail.ctype.mimetype, name.map(String::as_str), &body));
}

fn head(from: impl Iterator<Item = String>, subject: &str, date: Option<i64>) -> Reading {
    let from: Vec<String> = from.collect();
    // Whether white space is kept is a matter of taste.
    let words: Vec<&str> = subject.split_whitespace().collect();
    vec![
        format!("From: {}", from.join(", ")),
        format!("Subject: {}", words.join(" ")),
        format!("Date: {}", date.unwrap_or(0)),
    ]
}

/// Line ends at the end of a text are a matter of taste, too, and of what a library
/// makes of LF.
fn leaf(essence: &str, name: Option<&str>, body: &[u8]) -> String {
    let mut text: Vec<u8> = body.iter().copied().filter(|b| *b != b'\r').collect();
    let end = text.iter().rposition(|b| !b.is_ascii_whitespace());
    text.truncate(end.map_or(0, |e| e + 1));
    let shown = text.get(..60).unwrap_or(&text).escape_ascii();
    let mut sum = 0xcbf2_9ce4_8422_2325u64;
    for byte in &text {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let essence = essence.to_ascii_lowercase();
    let name = name.unwrap_or_default();
    format!(
        "{essence} \"{name}\": \"{shown}\" ({} bytes, {:04x})",
        text.len(),
        sum % 0x1_0000
    )
}

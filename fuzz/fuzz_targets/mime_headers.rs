//! Header values by type, the type chosen by the first byte: whatever the bytes are, work
//! and memory are in proportion, defects lie within the field, no line end and no NUL comes
//! out of a value, and what was read and is written again is read as the same.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, within};
use scop_mime::{
    Addresses, AuthenticationResults, BaseSubject, DateTime, Field, ListId, ListUrls, Message,
    Received, ReturnPath, base_subject, mailboxes,
};

const NAMES: [&str; 24] = [
    "From",
    "Subject",
    "Date",
    "References",
    "Content-Type",
    "Content-Disposition",
    "Content-Transfer-Encoding",
    "X",
    "Received",
    "Return-Path",
    "List-Unsubscribe",
    "List-Id",
    "List-Unsubscribe-Post",
    "Auto-Submitted",
    "Authentication-Results",
    "ARC-Authentication-Results",
    "Autocrypt",
    "Keywords",
    "Content-Language",
    "MIME-Version",
    "Priority",
    "Resent-From",
    "Message-ID",
    "Content-ID",
];

fuzz_target!(|data: &[u8]| {
    let Some((selector, value)) = data.split_first() else {
        return;
    };
    let name = NAMES[usize::from(*selector) % NAMES.len()];
    let mut text = format!("{name}:").into_bytes();
    text.extend_from_slice(value);
    within(heap_for(data.len()), || {
        let message = Message::parse(&text);
        let header = message.header();
        let Some(field) = header.fields().next() else {
            return;
        };
        if !field.is(name) {
            return;
        }
        let range = field.value_offset()..=field.offset() + field.raw().len() as u64;
        for defect in field.defects() {
            assert!(
                range.contains(&defect.offset),
                "{defect} is not in the value"
            );
        }
        one_line(&field.text());
        match name {
            "From" | "Resent-From" => addresses(&field),
            "Date" => date(field.date()),
            "References" | "Message-ID" | "Content-ID" => {
                field.message_ids().iter().for_each(|id| one_line(id));
            }
            "Received" => received(&field.received()),
            "Return-Path" => {
                if let Some(ReturnPath::Mailbox(mailbox)) = field.return_path() {
                    one_line(&mailbox.address());
                }
            }
            "List-Unsubscribe" => list(&field.list_urls()),
            "List-Id" => list_id(field.list_id()),
            "Authentication-Results" | "ARC-Authentication-Results" => {
                results(&field.authentication_results());
            }
            "Autocrypt" => {
                if let Some(autocrypt) = field.autocrypt() {
                    one_line(autocrypt.address());
                    assert!(!autocrypt.key().is_empty() && autocrypt.address().contains('@'));
                }
            }
            "Subject" => subject(&field.text()),
            _ => {
                let _ = (field.auto_submitted(), field.is_one_click());
                let _ = (field.mime_version(), header.priority());
                field.keywords().iter().for_each(|k| one_line(k));
                field.languages().iter().for_each(|k| one_line(k));
            }
        }
        let _ = (field.content_type(), field.disposition());
        let _ = (
            message.envelope(),
            message.body_structure(),
            message.inspect(),
        );
        let _ = (message.root().filename(), header.is_automatic());
    });
});

fn one_line(text: &str) {
    assert!(
        !text.contains(['\r', '\n', '\0']),
        "a value has no line end and no NUL"
    );
}

/// An address that is shown is read as the same, and as one.
fn addresses(field: &Field<'_>) {
    let list = field.addresses();
    assert!(
        list.iter()
            .eq(&Addresses::new(field.value()).collect::<Vec<_>>())
    );
    for mailbox in mailboxes(&list) {
        let (address, name) = (mailbox.address(), mailbox.name());
        one_line(&address);
        one_line(&name.unwrap_or_default());
        assert!(address.len() <= 2 * field.value().len() + 3);
        if mailbox.domain().is_some() {
            let again: Vec<_> = Addresses::new(address.as_bytes()).collect();
            assert_eq!(again.len(), 1, "{address}");
            assert_eq!(again[0].mailboxes()[0].address(), address);
        }
    }
}

fn date(date: Option<DateTime>) {
    if let Some(date) = date {
        assert_eq!(DateTime::parse(date.to_rfc5322().as_bytes()), Some(date));
        assert_eq!(DateTime::parse(date.to_string().as_bytes()), Some(date));
    }
}

fn received(received: &Received<'_>) {
    for clause in received.clauses() {
        one_line(clause.value());
        clause.comments().iter().for_each(|c| one_line(c));
    }
    let _ = (received.tcp_info(), received.recipient());
    date(received.date());
}

/// What was read as URLs, written as the rule is, is read as the same.
fn list(list: &ListUrls<'_>) {
    let mut written = String::new();
    for url in list.urls() {
        assert!(!url.url.contains([' ', '\t', '\r', '\n', '>']));
        url.comment.iter().for_each(|c| one_line(c));
        written += &format!("<{}>,", url.url);
    }
    let again = ListUrls::parse(written.as_bytes());
    assert!(
        again
            .urls()
            .iter()
            .map(|u| &u.url)
            .eq(list.urls().iter().map(|u| &u.url))
    );
}

fn list_id(id: Option<ListId<'_>>) {
    if let Some(id) = id {
        let written = format!("<{}>", id.id());
        one_line(id.description().unwrap_or_default());
        assert_eq!(ListId::parse(written.as_bytes()).unwrap().id(), id.id());
    }
}

fn results(all: &AuthenticationResults<'_>) {
    one_line(all.id());
    for result in all.results() {
        assert!(!result.method().is_empty() && !result.result().is_empty());
        one_line(result.reason().unwrap_or_default());
        for property in result.properties() {
            one_line(&property.value);
        }
    }
}

/// A base subject is its own base.
fn subject(text: &str) {
    let BaseSubject { text: base, .. } = base_subject(text);
    let again = base_subject(&base);
    assert_eq!(again.text, base);
    assert!(!again.is_reply_or_forward);
}

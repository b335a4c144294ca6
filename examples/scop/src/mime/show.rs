//! `scop mime`: what is in a message, as a tree for people or as JSON.

use std::{collections::BTreeMap, fmt::Write as _};

use ring::digest::{SHA256, digest};
use scop_mime::{Indexer, Inspector, Limits, Message, Part};
use serde_json::{Map, Value, json};

use super::{
    gate::described,
    winmail::{self, Winmails},
};
use crate::{exit::Failure, input::print};

/// The tree, from a message that passes by.
pub(super) struct Show {
    indexer: Indexer,
    inspector: Inspector,
    winmails: Winmails,
}

impl Show {
    pub(super) fn new() -> Show {
        Show {
            indexer: Indexer::new(Limits::default()),
            inspector: Inspector::new(Limits::default()),
            winmails: Winmails::new(),
        }
    }

    pub(super) fn write(&mut self, piece: &[u8]) {
        self.indexer.write(piece);
        self.winmails.write(piece);
        // Nothing is refused.
        let _ = self.inspector.write(piece);
    }

    pub(super) fn finish(self) -> Result<(), Failure> {
        let index = self.indexer.finish();
        let report = self.inspector.finish().unwrap_or_default();
        let mut text = tree(&index.outline(), &self.winmails.finish());
        if !report.defects().is_empty() {
            text.push_str("\nDefects:\n");
        }
        for defect in report.defects() {
            let _ = writeln!(text, "  {}", described(defect));
        }
        if report.more() > 0 {
            let _ = writeln!(text, "  and {} more", report.more());
        }
        print(text.as_bytes())
    }
}

/// One line of JSON.
pub(super) fn json(message: &[u8]) -> Result<(), Failure> {
    let text = format!("{}\n", to_json(&Message::parse(message)));
    print(text.as_bytes())
}

fn to_json(message: &Message<'_>) -> Value {
    let header = message.header();
    let people = |list: &[scop_mime::Address<'_>]| {
        let people = scop_mime::mailboxes(list);
        Value::from_iter(
            people
                .into_iter()
                .map(|m| json!({"name": m.name(), "address": m.address()})),
        )
    };
    let defects = message.inspect().into_iter().map(|d| {
        json!({
            "kind": d.kind.as_str(),
            "class": d.kind.class().as_str(),
            "rule": d.kind.rule(),
            "offset": d.offset,
            "reading": d.kind.summary(),
        })
    });
    json!({
        "subject": header.subject(),
        "from": people(&header.from()),
        "to": people(&header.to()),
        "cc": people(&header.cc()),
        "date": header.date().map(|d| d.to_string()),
        "message_id": header.message_id(),
        "root": part_to_json(message.root()),
        "defects": Value::from_iter(defects),
    })
}

/// Without recursion: a message may be nested deeper than a stack is.
fn part_to_json(root: Part<'_, '_>) -> Value {
    // Each level: what was made of the part, and its children still to do.
    let mut stack = vec![(
        one_to_json(root),
        root.children().collect::<Vec<_>>(),
        Vec::new(),
    )];
    loop {
        let Some((_, waiting, _)) = stack.last_mut() else {
            return Value::Null;
        };
        if !waiting.is_empty() {
            let child = waiting.remove(0);
            stack.push((one_to_json(child), child.children().collect(), Vec::new()));
            continue;
        }
        let Some((mut object, _, parts)) = stack.pop() else {
            return Value::Null;
        };
        object.insert("parts".to_owned(), Value::Array(parts));
        match stack.last_mut() {
            Some((_, _, siblings)) => siblings.push(Value::Object(object)),
            None => return Value::Object(object),
        }
    }
}

fn one_to_json(part: Part<'_, '_>) -> Map<String, Value> {
    let kind = part.content_type();
    let parameters: Map<String, Value> = kind
        .parameters()
        .iter()
        .map(|p| (p.name().to_string(), Value::from(p.value().to_string())))
        .collect();
    let decoded = part.decoded();
    let text = part.text();
    let object = json!({
        "id": part.id().to_string(),
        "type": kind.essence(),
        "parameters": parameters,
        "disposition": part.disposition().map(|d| d.kind().to_string()),
        "filename": part.filename(),
        "encoding": part.encoding().to_string(),
        "offset": part.offset(),
        "body_offset": part.body_offset(),
        "body_length": part.body_length(),
        "lines": part.lines(),
        "decoded_length": decoded.len(),
        "decoded_sha256": sha256(&decoded),
        "text_sha256": text.map(|t| sha256(t.text.as_bytes())),
        "tnef": winmail::to_json(&part, &decoded),
    });
    match object {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn sha256(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in digest(&SHA256, bytes).as_ref() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// `within`: what is to be said of what is in a part, by its number.
fn tree(message: &Message<'_>, within: &BTreeMap<String, String>) -> String {
    let header = message.header();
    let mut out = String::new();
    let fields = [
        ("From", people(&header.from())),
        ("To", people(&header.to())),
        ("Cc", people(&header.cc())),
        (
            "Date",
            header.date().map(|d| d.to_string()).unwrap_or_default(),
        ),
        ("Subject", header.subject().unwrap_or_default().into_owned()),
        (
            "Message-ID",
            header.message_id().unwrap_or_default().into_owned(),
        ),
    ];
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "{name}: {}", printable(value));
    }
    out.push('\n');
    for part in message.parts() {
        let id = part.id().to_string();
        let depth = id.matches('.').count();
        let _ = write!(
            out,
            "{:indent$}{id} {} {}, {} bytes at {}",
            "",
            printable(part.content_type().essence()),
            printable(&part.encoding().to_string()),
            part.body_length(),
            part.body_offset(),
            indent = 2 * depth.min(40),
        );
        if let Some(name) = part.filename() {
            let _ = write!(out, ", \"{}\"", printable(&name));
        }
        out.push('\n');
        for line in within.get(&id).map_or("", String::as_str).lines() {
            let _ = writeln!(out, "{:indent$}{line}", "", indent = 2 * depth.min(40) + 2);
        }
    }
    out
}

/// Names and addresses, for people.
pub(crate) fn people(list: &[scop_mime::Address<'_>]) -> String {
    let people = scop_mime::mailboxes(list);
    let people = people.into_iter().map(|m| m.to_string());
    people.collect::<Vec<_>>().join(", ")
}

/// What a terminal may be given: no control characters of the sender's, and nothing that
/// turns the direction of what is behind it or cannot be seen.
pub(crate) fn printable(text: &str) -> String {
    let hidden = |c: char| {
        matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() || hidden(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

//! What is in a `winmail.dat`: Outlook puts files into one of its own (TNEF).

use std::{collections::BTreeMap, fmt::Write as _};

use scop_mime::{Attachment, Extract, Extractor, Limits, Part, tnef::Tnef};
use serde_json::{Value, json};

use super::show::printable;

/// One that is larger is not looked into.
const LARGEST: usize = 64 << 20;

/// Lists the files in those of a message that passes by.
pub(super) struct Winmails {
    extractor: Extractor,
    /// The part in hand and its bytes.
    held: Option<(String, Vec<u8>)>,
    /// By the number of the part.
    found: BTreeMap<String, String>,
}

impl Winmails {
    pub(super) fn new() -> Winmails {
        Winmails {
            extractor: Extractor::new(Limits::default()),
            held: None,
            found: BTreeMap::new(),
        }
    }

    pub(super) fn write(&mut self, piece: &[u8]) {
        let mut input = piece;
        while let Some(event) = self.extractor.read(&mut input) {
            match event {
                Extract::Start(about) if is_tnef(&about) => {
                    self.held = Some((about.id.to_string(), Vec::new()));
                }
                Extract::Data(data) => {
                    if let Some((_, held)) = &mut self.held {
                        let room = (LARGEST + 1).saturating_sub(held.len());
                        held.extend_from_slice(data.get(..room).unwrap_or(data));
                    }
                }
                Extract::End(_) => {
                    if let Some((id, held)) = self.held.take() {
                        self.found.insert(id, told(&held));
                    }
                }
                Extract::Start(_) | Extract::Defect(_) => {}
            }
        }
    }

    /// What there is to say about the files in each part, by its number: lines.
    pub(super) fn finish(mut self) -> BTreeMap<String, String> {
        self.extractor.finish();
        self.write(&[]);
        self.found
    }
}

fn is_tnef(about: &Attachment) -> bool {
    is_type(about.content_type.essence()) || is_name(about.filename.as_deref())
}

fn is_type(essence: &str) -> bool {
    matches!(essence, "application/ms-tnef" | "application/vnd.ms-tnef")
}

fn is_name(name: Option<&str>) -> bool {
    name.is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"))
}

fn told(bytes: &[u8]) -> String {
    if bytes.len() > LARGEST {
        return format!("more than {LARGEST} bytes of TNEF: not looked into\n");
    }
    let tnef = match Tnef::parse(bytes) {
        Ok(tnef) => tnef,
        Err(error) => return format!("{error}\n"),
    };
    let mut out = String::new();
    for file in tnef.attachments() {
        let name = file.name().unwrap_or_default();
        let size = file.data().len();
        let _ = write!(out, "holds \"{}\", {size} bytes", printable(&name));
        if let Some(kind) = file.mime_type() {
            let _ = write!(out, ", {}", printable(&kind));
        }
        out.push('\n');
    }
    for defect in tnef.defects() {
        let _ = writeln!(out, "{} in its content: {}", defect, defect.kind.summary());
    }
    out
}

/// The same of a part as JSON; `None` for one that is no TNEF.
pub(super) fn to_json(part: &Part<'_, '_>, decoded: &[u8]) -> Option<Value> {
    if !is_type(part.content_type().essence()) && !is_name(part.filename().as_deref()) {
        return None;
    }
    let tnef = Tnef::parse(decoded).ok()?;
    let files = tnef.attachments().iter().map(|file| {
        json!({"filename": file.name(), "type": file.mime_type(), "length": file.data().len()})
    });
    Some(Value::from_iter(files))
}

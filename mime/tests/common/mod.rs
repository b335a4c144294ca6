//! What a sanitised message must be, checked on one message; and the table of ambiguous
//! inputs.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::fmt::Write;
use std::path::PathBuf;

use scop_mime::{
    Content, Decoder, DefectKind, DefectSet, Inspector, Limits, Message, Part, Policy, Sanitiser,
    TransferEncoding, sanitise,
};

/// Checks the laws of sanitising on a message, whole and streamed. Gives the sanitised form.
///
/// # Panics
///
/// When one does not hold.
pub(crate) fn sanitises(message: &[u8], limits: &Limits, name: &str) -> Vec<u8> {
    let (whole, _) = sanitise(message, limits);
    lawful(message, &whole, limits, false, &format!("{name}, whole"));
    let (again, _) = sanitise(&whole, limits);
    same(&again, &whole, &format!("{name}, sanitised twice"));
    for hold in [1 << 20, 40] {
        let streamed = stream(message, limits, hold, 7);
        lawful_streamed(
            message,
            &streamed,
            limits,
            hold,
            &format!("{name}, streamed, hold {hold}"),
        );
        let cut = stream(message, limits, hold, 1 + message.len() / 3);
        same(
            &cut,
            &streamed,
            &format!("{name}, cut otherwise, hold {hold}"),
        );
        let again = stream(&streamed, limits, hold, 1000);
        same(
            &again,
            &streamed,
            &format!("{name}, streamed twice, hold {hold}"),
        );
    }
    whole.into_owned()
}

pub(crate) fn stream(message: &[u8], limits: &Limits, hold: usize, chunk: usize) -> Vec<u8> {
    let mut sanitiser = Sanitiser::new(limits.clone()).hold(hold);
    let mut out = Vec::new();
    for chunk in message.chunks(chunk) {
        sanitiser.write(chunk, &mut out).unwrap();
    }
    sanitiser.finish(&mut out).unwrap();
    out
}

fn lawful(message: &[u8], out: &[u8], limits: &Limits, streamed: bool, name: &str) {
    let strict = Policy::strict().apply(out, &fitting(limits));
    if let Err(refused) = strict {
        panic!("{name}: {refused}\n{}\n->\n{}", show(message), show(out));
    }
    agree(message, out, limits, streamed, name);
}

/// A text that is longer than what is held keeps its charset.
fn lawful_streamed(message: &[u8], out: &[u8], limits: &Limits, hold: usize, name: &str) {
    if hold > 2 * message.len() {
        return lawful(message, out, limits, true, name);
    }
    use DefectKind::*;
    let mut set = DefectSet::ambiguous().union(DefectSet::damaged());
    for kind in [NotOfCharset, UnknownCharset, Utf7] {
        set = set.without(kind);
    }
    let mut inspector = Inspector::new(fitting(limits)).refusing(set);
    if let Err(refused) = inspector.write(out).and_then(|()| inspector.finish()) {
        panic!("{name}: {refused}\n{}\n->\n{}", show(message), show(out));
    }
}

/// The limits that what is written keeps.
fn fitting(limits: &Limits) -> Limits {
    Limits {
        header_bytes: limits.header_bytes.max(16 << 10),
        fields: limits.fields.max(64),
        parameters: limits.parameters.max(8),
        parts: limits.parts.max(2),
        ..limits.clone()
    }
}

/// With room for the part that holds the rest.
fn reading(message: &[u8], limits: &Limits, streamed: bool) -> Limits {
    let mut limits = fitting(limits);
    let met = Message::parse_with(message, &limits);
    let met = met
        .defects()
        .iter()
        .any(|d| d.kind == DefectKind::TooManyParts);
    limits.parts -= u32::from(met || streamed);
    limits
}

/// The same parts with the same content.
fn agree(message: &[u8], out: &[u8], limits: &Limits, streamed: bool, name: &str) {
    let limits = &fitting(limits);
    let (before, after) = (
        Message::parse_with(message, &reading(message, limits, streamed)),
        Message::parse_with(out, limits),
    );
    let mut after_parts = after.parts();
    for part in before.parts() {
        let Some(other) = after_parts.next() else {
            panic!(
                "{name}: {} is missing\n{}\n->\n{}",
                part.id(),
                show(message),
                show(out)
            );
        };
        let at = format!(
            "{name}: {}\n{}\n->\n{}",
            part.id(),
            show(message),
            show(out)
        );
        let content = part.content();
        assert_eq!(other.content(), content, "{at}");
        assert_eq!(part.parent(), other.parent(), "{at}");
        if content == Content::Leaf {
            assert!(same_body(&part, &other), "{at}");
        }
        let filename = part.filename().map(|f| {
            f.chars()
                .filter(|c| !c.is_control() || *c == '\t')
                .collect::<String>()
        });
        assert_eq!(
            other.filename().unwrap_or_default(),
            filename.unwrap_or_default(),
            "{at}"
        );
    }
    assert!(
        after_parts.next().is_none(),
        "{name}: more parts\n{}\n->\n{}",
        show(message),
        show(out)
    );
}

fn same_body(before: &Part<'_, '_>, after: &Part<'_, '_>) -> bool {
    // Stored line ends are CRLF, whatever they were; a line end that was encoded is itself.
    let decoded = {
        let mut decoder = Decoder::new(&before.encoding());
        let mut decoded = Vec::new();
        match before.encoding() {
            TransferEncoding::QuotedPrintable => decoder.decode(&crlf(before.body()), &mut decoded),
            _ => decoder.decode(before.body(), &mut decoded),
        }
        decoder.finish(&mut decoded);
        decoded
    };
    if crlf(&decoded) == crlf(&after.decoded()) {
        return true;
    }
    let (Some(before), Some(after)) = (before.text(), after.text()) else {
        return false;
    };
    let utf7 = before
        .charset
        .as_deref()
        .is_some_and(|c| c.trim().eq_ignore_ascii_case("utf-7"));
    (before.lossy || utf7) && crlf(before.text.as_bytes()) == crlf(after.text.as_bytes())
}

/// All line ends as CRLF.
pub(crate) fn crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in bytes {
        if *byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

pub(crate) fn same(found: &[u8], wanted: &[u8], name: &str) {
    assert!(
        found == wanted,
        "{name}\n{}\n->\n{}",
        show(wanted),
        show(found)
    );
}

pub(crate) fn show(bytes: &[u8]) -> String {
    bytes
        .escape_ascii()
        .to_string()
        .replace("\\r\\n", "\n")
        .chars()
        .take(3000)
        .collect()
}

/// A case of `ambiguity.txt`.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) lines: String,
    pub(crate) message: Vec<u8>,
    pub(crate) expected: String,
}

pub(crate) fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/ambiguity.txt")
}

/// The cases of the table.
pub(crate) fn cases() -> Vec<Case> {
    table().1
}

/// The text of the file between the cases, and the cases.
pub(crate) fn table() -> (Vec<String>, Vec<Case>) {
    let text = std::fs::read_to_string(path()).unwrap();
    let (mut between, mut cases) = (vec![String::new()], Vec::<Case>::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case {
                name: name.into(),
                why: String::new(),
                lines: String::new(),
                message: Vec::new(),
                expected: String::new(),
            });
            between.push(String::new());
        } else if line.starts_with("# ") || cases.is_empty() {
            let last = between.last_mut().unwrap();
            writeln!(last, "{line}").unwrap();
        } else if let (Some(case), false) = (cases.last_mut(), line.is_empty()) {
            if let Some(text) = line.strip_prefix('|') {
                writeln!(case.lines, "{line}").unwrap();
                unescape(text, &mut case.message);
            } else if case.message.is_empty() {
                writeln!(case.why, "{line}").unwrap();
            } else {
                writeln!(case.expected, "{line}").unwrap();
            }
        }
    }
    (between, cases)
}

/// A line of a message: `\0`, `\xNN`, `\r`, `\\`; `\n` and `\-` at its end stand for
/// its line end, which is CRLF else.
fn unescape(text: &str, out: &mut Vec<u8>) {
    let mut bytes = text.bytes();
    let mut end: &[u8] = b"\r\n";
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'0') => out.push(0),
            Some(b'r') => out.push(b'\r'),
            Some(b'n') => end = b"\n",
            Some(b'-') => end = b"",
            Some(b'x') => {
                let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                out.push(u8::from_str_radix(&digits, 16).unwrap());
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out.extend_from_slice(end);
}

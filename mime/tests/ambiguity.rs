//! Ambiguous and damaged inputs: one stated reading each, every defect with its offset,
//! and a sanitised form that reads the same. The table is `ambiguity.txt`.
//!
//! `AMBIGUITY_WRITE=1 cargo test -p scop-mime --test ambiguity` writes what is found into
//! it, to be looked at by a person before it is believed.

mod common;

use std::fmt::Write;
use std::path::PathBuf;

use scop_mime::{DefectKind, DefectSet, Limits, Message, Part, Policy, mailboxes, sanitise};

struct Case {
    name: String,
    why: String,
    lines: String,
    message: Vec<u8>,
    expected: String,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/ambiguity.txt")
}

/// The text of the file between the cases, and the cases.
fn cases() -> (Vec<String>, Vec<Case>) {
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

/// What is read, for a person.
fn reading(message: &Message<'_>) -> String {
    let mut out = String::new();
    let header = message.header();
    if let Some(subject) = header.subject() {
        writeln!(out, "subject: {}", subject.escape_debug()).unwrap();
    }
    for name in ["from", "to", "bcc"] {
        if let Some(field) = header.get(name) {
            let list = field.addresses();
            let shown: Vec<String> = mailboxes(&list).map(ToString::to_string).collect();
            writeln!(out, "{name}: {}", shown.join(" + ")).unwrap();
        }
    }
    tree(message.root(), 0, &mut out);
    out
}

fn tree(part: Part<'_, '_>, depth: usize, out: &mut String) {
    write!(
        out,
        "{:1$}{2}",
        "",
        depth * 2,
        part.content_type().essence()
    )
    .unwrap();
    if let Some(name) = part.filename() {
        write!(out, " ({})", name.escape_debug()).unwrap();
    }
    if part.content() == scop_mime::Content::Leaf {
        let body = match part.text() {
            Some(text) => text.text.escape_debug().to_string(),
            None => format!("bytes {}", part.decoded().escape_ascii()),
        };
        let short: String = body.chars().take(80).collect();
        write!(out, ": {short}{}", if body.len() > 80 { ".." } else { "" }).unwrap();
    }
    out.push('\n');
    for child in part.children() {
        tree(child, depth + 1, out);
    }
}

fn found(case: &Case) -> String {
    use DefectKind::*;
    let message = Message::parse(&case.message);
    let mut out = reading(&message);
    let silent = [MissingFrom, MissingDate, MissingMimeVersion];
    let told: Vec<String> = message
        .inspect()
        .iter()
        .filter(|d| case.name == "missing-header-fields" || !silent.contains(&d.kind))
        .map(|d| format!("{}@{}", d.kind, d.offset))
        .collect();
    writeln!(out, "-> {}", told.join(" ")).unwrap();
    out
}

#[test]
fn mi09_every_ambiguous_input_has_one_reading_and_a_defect() {
    let (between, cases) = cases();
    if std::env::var_os("AMBIGUITY_WRITE").is_some() {
        let mut text = between[0].clone();
        for (case, between) in cases.iter().zip(&between[1..]) {
            let (name, why, lines) = (&case.name, &case.why, &case.lines);
            write!(text, "== {name}\n{why}{lines}\n{}\n{between}", found(case)).unwrap();
            if !between.is_empty() {
                text.push('\n');
            }
        }
        std::fs::write(path(), text).unwrap();
        return;
    }
    assert!(cases.len() > 90);
    let mut wrong = String::new();
    for case in &cases {
        let found = found(case);
        if found != case.expected {
            write!(
                wrong,
                "== {}\nexpected:\n{}found:\n{found}\n",
                case.name, case.expected
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_case_has_a_sanitised_form_that_reads_the_same() {
    for case in cases().1 {
        let sanitised = common::sanitises(&case.message, &Limits::default(), &case.name);
        // Nothing that a strict policy minds is left, and what it minded it refuses.
        let kinds: DefectSet = Message::parse(&case.message)
            .inspect()
            .iter()
            .map(|d| d.kind)
            .collect();
        let minds = DefectSet::ambiguous().union(DefectSet::damaged());
        let refused = Policy::strict()
            .apply(&case.message, &Limits::default())
            .is_err();
        assert_eq!(
            refused,
            !kinds.intersection(minds).is_empty(),
            "{}",
            case.name
        );
        let (again, _) = sanitise(&sanitised, &Limits::default());
        assert!(again == sanitised, "{}", case.name);
    }
}

#[test]
fn every_kind_of_ambiguity_damage_and_deception_is_in_the_table() {
    use DefectKind::*;
    // Those that a long input or a report shows have tests where they are found.
    let elsewhere = [
        BadBoundary,
        Utf7,
        UuDamaged,
        BadAutocrypt,
        BadReportField,
        DuplicateReportField,
    ];
    let mut seen: DefectSet = elsewhere.into_iter().collect();
    for case in cases().1 {
        for defect in Message::parse(&case.message).inspect() {
            seen = seen.with(defect.kind);
        }
    }
    let all = [
        DefectSet::ambiguous(),
        DefectSet::damaged(),
        DefectSet::deceptive(),
    ];
    let unseen: Vec<DefectKind> = all
        .iter()
        .flat_map(|set| set.iter())
        .filter(|k| !seen.contains(*k))
        .collect();
    assert_eq!(unseen, []);
}

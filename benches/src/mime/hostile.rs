//! What an attacker sends: each shape in some size, and in four times that. The cost
//! of a kilobyte must not grow with their number.
//!
//! The limits are lifted as far as they go, so that no limit hides what a shape
//! would cost; one row of each shape has the default limits.

use std::rc::Rc;

use scop_mime::{Limits, Message, Part};

use super::{AREA, ours};
use crate::measure::{Row, Tally};

/// A shape: its name, how many of it at most, who makes it, what is done with it.
type Shape = (&'static str, usize, fn(usize) -> Vec<u8>, &'static [Work]);

/// What is done with a message: its name, and with which limits.
#[derive(Clone, Copy)]
enum Work {
    /// The tree, with the default limits.
    Limited,
    /// The tree.
    Index,
    /// What IMAP asks for: envelope and body structure.
    Imap,
    /// From, To, Subject and Date.
    Four,
    /// Type, disposition, file name and text of each part.
    Parts,
    /// All defects.
    Inspect,
    /// The message that every reader reads alike.
    Sanitise,
}
use Work::{Four, Imap, Index, Inspect, Limited, Parts, Sanitise};

const STRUCTURE: &[Work] = &[Limited, Index, Imap, Inspect, Sanitise];
const HEADER: &[Work] = &[Limited, Index, Four, Inspect, Sanitise];
const CONTENT: &[Work] = &[Limited, Parts, Imap, Inspect, Sanitise];

const SHAPES: &[Shape] = &[
    ("nested multiparts", 100_000, nested_multiparts, STRUCTURE),
    ("nested rfc822", 100_000, nested_messages, STRUCTURE),
    ("empty parts", 1_000_000, empty_parts, &[Limited, Index]),
    (
        "empty parts",
        100_000,
        empty_parts,
        &[Imap, Inspect, Sanitise],
    ),
    ("`--` lines in 64 multiparts", 100_000, dashes, STRUCTURE),
    (
        "near delimiters in 64 multiparts",
        100_000,
        near_delimiters,
        STRUCTURE,
    ),
    ("bytes in a header line", 10 << 20, long_line, HEADER),
    ("header fields", 500_000, fields, HEADER),
    ("lines of one field", 100_000, folds, HEADER),
    ("`(` in From", 100_000, open_comments, HEADER),
    ("`a:` groups in To", 100_000, groups, HEADER),
    ("addresses in To", 100_000, addresses, HEADER),
    ("`<` in From", 100_000, angles, HEADER),
    ("`\"` in From", 100_001, quotes, HEADER),
    ("domain literal, bytes", 256 << 10, domain_literal, HEADER),
    ("encoded words in Subject", 100_000, encoded_words, HEADER),
    ("`=?` in Subject", 100_000, open_words, HEADER),
    ("`=?` in From", 100_000, open_words_in_from, HEADER),
    ("`(` in Date", 100_000, date_comments, HEADER),
    ("`name*N*` parameters", 100_000, continuations, CONTENT),
    ("parameters", 100_000, parameters, CONTENT),
    ("`;` in Content-Type", 100_000, semicolons, CONTENT),
    ("`=` in quoted-printable", 1_000_000, escapes, CONTENT),
    ("`begin` lines in uuencode", 100_000, begins, CONTENT),
    ("junk in base64", 1_000_000, junk, CONTENT),
];

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, most, make, works) in SHAPES {
        let large: Rc<[u8]> = make(*most).into();
        let quarter: Rc<[u8]> = make(*most / 4).into();
        for work in *works {
            let sizes = (large.len() as u64, quarter.len() as u64);
            let name = format!("linear: {most} {name}, {}", work.name());
            let (large, quarter) = (large.clone(), quarter.clone());
            rows.push(Row::linear(
                AREA,
                name,
                sizes,
                move |tally| work.run(&large, tally),
                move |tally| work.run(&quarter, tally),
            ));
        }
    }
    rows
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Limited => "index, default limits",
            Index => "index",
            Imap => "IMAP",
            Four => "four headers",
            Parts => "parts",
            Inspect => "inspect",
            Sanitise => "sanitise",
        }
    }

    fn run(self, message: &[u8], tally: &mut Tally) {
        let limits = match self {
            Limited => Limits::default(),
            _ => lifted(),
        };
        if matches!(self, Sanitise) {
            let (sanitised, report) = scop_mime::sanitise(message, &limits);
            tally.bytes(&sanitised);
            tally.number(report.defects().len() as u64);
            return tally.item();
        }
        let message = Message::parse_with(message, &limits);
        match self {
            Sanitise => {}
            Limited | Index => tally.number(message.parts().count() as u64),
            Imap => {
                std::hint::black_box((message.envelope(), message.body_structure()));
            }
            Four => ours::four_of(&message, tally),
            Parts => message.parts().for_each(|part| describe(&part, tally)),
            Inspect => tally.number(message.inspect().len() as u64),
        }
        tally.item();
    }
}

fn describe(part: &Part<'_, '_>, tally: &mut Tally) {
    tally.bytes(part.content_type().essence().as_bytes());
    tally.number(u64::from(part.disposition().is_some()));
    tally.bytes(part.filename().unwrap_or_default().as_bytes());
    if let Some(text) = part.text() {
        tally.bytes(text.text.as_bytes());
    }
}

fn lifted() -> Limits {
    Limits {
        header_bytes: u64::MAX,
        field_bytes: usize::MAX,
        fields: u32::MAX,
        depth: u32::MAX,
        parts: u32::MAX,
        parameters: usize::MAX,
        ..Limits::default()
    }
}

const FROM: &str = "From: a@b.example\r\n";

/// A message of a header field with `n` times `piece` in it.
fn field(start: &str, piece: impl Fn(usize) -> String, n: usize, end: &str) -> Vec<u8> {
    let mut out = start.as_bytes().to_vec();
    for i in 0..n {
        out.extend_from_slice(piece(i).as_bytes());
        // Folded, as it has to be.
        if i % 16 == 15 {
            out.extend_from_slice(b"\r\n ");
        }
    }
    out.extend_from_slice(end.as_bytes());
    out.extend_from_slice(b"\r\n\r\nx\r\n");
    out
}

fn nested_multiparts(n: usize) -> Vec<u8> {
    let level = |i| format!("Content-Type: multipart/mixed; boundary=\"b{i}\"\r\n\r\n--b{i}\r\n");
    let mut out = FROM.as_bytes().to_vec();
    (0..n).for_each(|i| out.extend_from_slice(level(i).as_bytes()));
    out
}

fn nested_messages(n: usize) -> Vec<u8> {
    let level = "Content-Type: message/rfc822\r\n\r\n";
    (FROM.to_string() + &level.repeat(n)).into_bytes()
}

fn empty_parts(n: usize) -> Vec<u8> {
    let head = format!("{FROM}Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    (head + &"--b\r\n".repeat(n)).into_bytes()
}

/// 64 multiparts within each other, then the body of the innermost part.
fn in_64(body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = FROM.as_bytes().to_vec();
    for i in 0..64 {
        let boundary = boundary(i);
        let level = format!(
            "Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
        );
        out.extend_from_slice(level.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    body(&mut out);
    out
}

fn boundary(i: usize) -> String {
    format!("----=_NextPart_000_0000_{i:02}")
}

fn dashes(n: usize) -> Vec<u8> {
    in_64(|out| out.extend_from_slice("--\r\n".repeat(n).as_bytes()))
}

fn near_delimiters(n: usize) -> Vec<u8> {
    in_64(|out| {
        for i in 0..n {
            out.extend_from_slice(format!("--{}x\r\n", boundary(i % 64)).as_bytes());
        }
    })
}

fn long_line(n: usize) -> Vec<u8> {
    format!("{FROM}Subject: {}\r\n\r\nx\r\n", "a".repeat(n)).into_bytes()
}

fn fields(n: usize) -> Vec<u8> {
    format!("{FROM}{}\r\nx\r\n", "X-A: b\r\n".repeat(n)).into_bytes()
}

fn folds(n: usize) -> Vec<u8> {
    format!("{FROM}Subject: a{}\r\n\r\nx\r\n", "\r\n b".repeat(n)).into_bytes()
}

fn open_comments(n: usize) -> Vec<u8> {
    field("From: ", |_| "(".into(), n, "")
}

fn groups(n: usize) -> Vec<u8> {
    field("To: ", |_| "a:".into(), n, "")
}

fn addresses(n: usize) -> Vec<u8> {
    field(
        "To: ",
        |i| format!("u{i}@example.org, "),
        n,
        "z@example.org",
    )
}

fn angles(n: usize) -> Vec<u8> {
    field("From: ", |_| "<".into(), n, "")
}

fn quotes(n: usize) -> Vec<u8> {
    field("From: ", |_| "\"".into(), n, "")
}

fn domain_literal(n: usize) -> Vec<u8> {
    field("From: a@[", |_| "1".into(), n, "]")
}

fn encoded_words(n: usize) -> Vec<u8> {
    field("Subject: ", |_| "=?utf-8?B?w6k=?= ".into(), n, "")
}

fn open_words(n: usize) -> Vec<u8> {
    field("Subject: ", |_| "=?".into(), n, "")
}

fn open_words_in_from(n: usize) -> Vec<u8> {
    field("From: ", |_| "=?".into(), n, "")
}

fn date_comments(n: usize) -> Vec<u8> {
    field("Date: ", |_| "(".into(), n, "")
}

fn continuations(n: usize) -> Vec<u8> {
    field(
        "Content-Type: text/plain",
        |i| format!("; name*{i}*=a%20"),
        n,
        "",
    )
}

fn parameters(n: usize) -> Vec<u8> {
    field("Content-Type: text/plain", |i| format!("; p{i}=a"), n, "")
}

fn semicolons(n: usize) -> Vec<u8> {
    field("Content-Type: text/plain", |_| ";".into(), n, "")
}

fn body(encoding: &str, piece: &str, n: usize) -> Vec<u8> {
    let head = format!("{FROM}Content-Transfer-Encoding: {encoding}\r\n\r\n");
    (head + &piece.repeat(n)).into_bytes()
}

fn escapes(n: usize) -> Vec<u8> {
    body("quoted-printable", "=", n)
}

fn begins(n: usize) -> Vec<u8> {
    body("x-uuencode", "begin 644 a\r\n", n)
}

fn junk(n: usize) -> Vec<u8> {
    body("base64", "AB*", n)
}

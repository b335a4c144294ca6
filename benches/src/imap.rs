//! IMAP responses, as a client reads them: beside `imap-next` on `imap-codec` (a
//! state machine like ours) and beside `imap-proto` (a parser, in the loop that its
//! users put around it).
//!
//! Every side reads from a transport in pieces of the same size, into a buffer of
//! its own, and gives everything that is in the responses.

mod codec;
mod ours;
mod proto;

use crate::measure::{Row, Unit};

const AREA: &str = "imap";

/// What a client reads at a time when a lot comes.
const READ: usize = 16 << 10;
/// What it reads when the network brings single segments.
const SEGMENT: usize = 1460;

pub fn rows() -> Vec<Row> {
    vec![
        row("EXISTS", exists(500), READ, nanoseconds(500)),
        row("FETCH flags", flags(500), READ, nanoseconds(500)),
        row(
            "FETCH ENVELOPE+BODY",
            envelopes(100),
            READ,
            nanoseconds(100),
        ),
        row(
            "SEARCH of 10,000 ids",
            search(10_000),
            64 << 10,
            nanoseconds(1),
        ),
        row(
            "the same in 1460-byte chunks",
            search(10_000),
            SEGMENT,
            nanoseconds(1),
        ),
        row(
            "10 MiB literal",
            literal(10 << 20),
            64 << 10,
            Unit::Throughput { bytes: 10 << 20 },
        ),
    ]
}

fn nanoseconds(items: u64) -> Unit {
    Unit::Nanoseconds { items }
}

fn row(name: &str, input: Vec<u8>, read: usize, unit: Unit) -> Row {
    let (theirs, others) = (input.clone(), input.clone());
    Row::new(AREA, name, unit, move |tally| {
        ours::read(&input, read, tally);
    })
    .peer("imap-next 0.3", move |tally| {
        codec::read(&theirs, read, tally);
    })
    .peer("imap-proto 0.17", move |tally| {
        proto::read(&others, read, tally);
    })
    .goal(1.0)
}

fn exists(n: u32) -> Vec<u8> {
    let lines = (0..n).map(|i| format!("* {} EXISTS\r\n", 100 + i * 37));
    lines.collect::<String>().into_bytes()
}

fn flags(n: u32) -> Vec<u8> {
    let lines = (1..=n).map(|i| {
        let flags = match i % 4 {
            0 => r"\Seen",
            1 => r"\Seen \Answered",
            2 => "",
            _ => r"\Flagged $Forwarded \Seen",
        };
        format!("* {i} FETCH (UID {} FLAGS ({flags}))\r\n", 1000 + 3 * i)
    });
    lines.collect::<String>().into_bytes()
}

/// What a mail reader asks for to fill its list: RFC 3501's own example and others.
fn envelopes(n: u32) -> Vec<u8> {
    let lines = (1..=n).map(|i| {
        let body = match i % 3 {
            0 => r#"("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "QUOTED-PRINTABLE" 3028 92)"#,
            1 => r#"(("TEXT" "PLAIN" ("CHARSET" "utf-8" "FORMAT" "flowed") NIL NIL "7BIT" 1152 23)("TEXT" "HTML" ("CHARSET" "utf-8") NIL NIL "QUOTED-PRINTABLE" 8554 173) "ALTERNATIVE")"#,
            _ => r#"(("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 40 2)("APPLICATION" "PDF" ("NAME" "report.pdf") "<part2@example.org>" "The report" "BASE64" 431204) "MIXED")"#,
        };
        format!(
            "* {i} FETCH (UID {} ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \
             \"=?utf-8?q?Re:_IMAP4rev1_WG_mtg_summary_and_minutes?= {i}\" \
             ((\"Terry Gray\" NIL \"gray\" \"cac.example.edu\")) \
             ((\"Terry Gray\" NIL \"gray\" \"cac.example.edu\")) \
             ((\"Terry Gray\" NIL \"gray\" \"cac.example.edu\")) \
             ((NIL NIL \"imap\" \"cac.example.edu\")) \
             ((NIL NIL \"minutes\" \"cnri.example.net\")(\"John Klensin\" NIL \"klensin\" \"mit.example.edu\")) \
             NIL NIL \"<B27397-0100000.{i}@cac.example.edu>\") BODYSTRUCTURE {body})\r\n",
            2000 + i
        )
    });
    lines.collect::<String>().into_bytes()
}

fn search(n: u32) -> Vec<u8> {
    let mut line = String::from("* SEARCH");
    for i in 1..=n {
        line.push_str(&format!(" {}", 3 * i));
    }
    line.push_str("\r\n");
    line.into_bytes()
}

fn literal(size: usize) -> Vec<u8> {
    let mut response = format!("* 1 FETCH (BODY[] {{{size}}}\r\n").into_bytes();
    let line = b"The quick brown fox jumps over the lazy dog, and then over another one.\r\n";
    response.extend(line.iter().cycle().take(size));
    response.extend_from_slice(b")\r\n");
    response
}

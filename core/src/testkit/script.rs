//! A conversation as RFCs print it, checked to the letter.

use alloc::{string::String, vec::Vec};

use bytes::BytesMut;

use super::{Outcome, Peer, Stream, run::resume};
use crate::Machine;

/// Which side of a transcript the machine under test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// It says the `C:` lines.
    Client,
    /// It says the `S:` lines.
    Server,
}

/// Plays `transcript` with `peer` as one of its sides: feeds it the other side's
/// lines and compares what it says, line by line, and gives the outcome.
///
/// Each line of the transcript is `C: text` or `S: text`, CRLF added; blank lines
/// and lines starting with `#` are for the reader. In the text `\r`, `\n`, `\t`,
/// `\0`, `\\` and `\xNN` are escapes, and a line that ends in `\` has no CRLF.
///
/// # Panics
///
/// When the machine says something else; the message shows how far it went.
pub fn converse<M: Machine>(peer: &mut Peer<'_, M>, side: Side, transcript: &str) -> Outcome {
    let mut outcome = Outcome::new();
    let mut input = BytesMut::new();
    let mut told = String::new();
    let mut checked = 0;
    let mut turns: Vec<(Side, Vec<u8>, &str)> = Vec::new();
    for line in transcript.lines().map(str::trim_start) {
        let (who, text) = match line.split_at_checked(2) {
            Some(("C:", text)) => (Side::Client, text),
            Some(("S:", text)) => (Side::Server, text),
            _ if line.is_empty() || line.starts_with('#') => continue,
            _ => panic!("not a line of a transcript: {line}"),
        };
        turns.push((who, unescape(text.strip_prefix(' ').unwrap_or(text)), line));
    }
    // Before the first line a machine may have something to say.
    resume(peer, &Stream::whole(b""), &mut input, &mut outcome);
    let mut turns = turns.into_iter().peekable();
    while let Some((who, bytes, line)) = turns.next() {
        if who == side {
            let said = &outcome.output[checked..];
            assert!(
                said.starts_with(&bytes),
                "{told}>>> expected {line}\n    found    {}",
                said.escape_ascii()
            );
            checked += bytes.len();
        } else {
            let said = &outcome.output[checked..];
            assert!(
                said.is_empty(),
                "{told}>>> expected the other side: {line}\n    but the machine said {}",
                said.escape_ascii()
            );
            // What the other side says in one breath comes in one segment.
            let mut all = bytes;
            told.push_str(line);
            told.push('\n');
            while let Some((_, more, line)) = turns.next_if(|(w, ..)| *w != side) {
                all.extend_from_slice(&more);
                told.push_str(line);
                told.push('\n');
            }
            resume(peer, &Stream::whole(&all), &mut input, &mut outcome);
            continue;
        }
        told.push_str(line);
        told.push('\n');
    }
    let left = &outcome.output[checked..];
    assert!(
        left.is_empty(),
        "{told}>>> and then, unexpected: {}\n{outcome:?}",
        left.escape_ascii()
    );
    outcome
}

fn unescape(text: &str) -> Vec<u8> {
    let (text, end) = match text.strip_suffix('\\') {
        Some(open) if !open.ends_with('\\') => (open, &b""[..]),
        _ => (text, &b"\r\n"[..]),
    };
    let mut out = Vec::with_capacity(text.len() + 2);
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b != b'\\' {
            out.push(b);
            continue;
        }
        match bytes.next() {
            Some(b'r') => out.push(b'\r'),
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'0') => out.push(0),
            Some(b'\\') => out.push(b'\\'),
            Some(b'x') => {
                let mut digit = || {
                    bytes
                        .next()
                        .and_then(|d| char::from(d).to_digit(16))
                        .and_then(|d| u8::try_from(d).ok())
                        .unwrap_or_else(|| panic!("\\x wants two hex digits: {text}"))
                };
                let high = digit();
                out.push(high << 4 | digit());
            }
            other => panic!("unknown escape \\{:?} in {text}", other.map(char::from)),
        }
    }
    out.extend_from_slice(end);
    out
}

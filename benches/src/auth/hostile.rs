//! What an attacker sends, each shape in some size and in a quarter of it: what a
//! kilobyte costs must not grow with their number.
//!
//! Limits are lifted, so that no limit hides what a shape would cost.

use std::rc::Rc;

use scop_dkim::Canonicalization::{Relaxed, Simple};
use scop_dkim::dmarc::Author;
use scop_dkim::{AuthservIds, DkimResult, Limits, Policy};

use super::messages::{self, HEAD, Key};
use super::zone::Zone;
use super::{AREA, ours};
use crate::measure::Row;

/// Its name, how many, who makes it, what comes of each signature.
type Shape = (&'static str, usize, fn(usize) -> Vec<u8>, DkimResult);

const SHAPES: &[Shape] = &[
    (
        "bytes of CRLF, simple",
        4 << 20,
        crlf_simple,
        DkimResult::Pass,
    ),
    (
        "bytes of CRLF, relaxed",
        4 << 20,
        crlf_relaxed,
        DkimResult::Pass,
    ),
    (
        "CRLFs with a letter at the end, relaxed",
        2 << 20,
        crlf_and_text,
        DkimResult::Pass,
    ),
    (
        "lines of 60 KB of blanks, simple",
        64,
        blanks_simple,
        DkimResult::Pass,
    ),
    (
        "lines of 60 KB of blanks, relaxed",
        64,
        blanks_relaxed,
        DkimResult::Pass,
    ),
    (
        "words, blanks and bare CR, relaxed",
        1 << 20,
        words,
        DkimResult::Pass,
    ),
    (
        "lines of blanks in a field",
        20_000,
        folds,
        DkimResult::Pass,
    ),
    ("names in h=", 20_000, names, DkimResult::Fail),
    ("times one name in h=", 20_000, same_names, DkimResult::Fail),
    (
        "fields and their names in h=",
        5000,
        fields_and_names,
        DkimResult::Fail,
    ),
    (
        "fields of one name, all in h=",
        5000,
        same_fields,
        DkimResult::Fail,
    ),
    ("signatures", 200, signatures, DkimResult::Pass),
];

pub fn rows() -> Vec<Row> {
    let row = |(name, most, make, result): &Shape| {
        let (most, make, result) = (*most, *make, *result);
        let large: Rc<[u8]> = make(most).into();
        let quarter: Rc<[u8]> = make(most / 4).into();
        let sizes = (large.len() as u64, quarter.len() as u64);
        let work = |message: Rc<[u8]>| {
            let dns = ours::Dns::new(&Zone::keys());
            move |tally: &mut crate::measure::Tally| {
                let policy = Policy::default();
                let verification =
                    ours::verification(policy, messages::NOW, &message, lifted(), &dns);
                assert!(!verification.outcomes().is_empty());
                for outcome in verification.outcomes() {
                    assert_eq!(outcome.result(), result, "{outcome}");
                    tally.item();
                }
            }
        };
        let name = format!("linear: {most} {name}");
        Row::linear(AREA, name, sizes, work(large), work(quarter))
    };
    SHAPES.iter().map(row).chain([hidden_lines()]).collect()
}

/// Lines that claim our results, behind many more that hide in the same field.
fn hidden_lines() -> Row {
    const MOST: usize = 400_000;
    let header = |n: usize| -> Rc<[u8]> {
        let breaks = "\n".repeat(n);
        let claims = "\nAuthentication-Results:a".repeat(n / 1000);
        format!("S: x{breaks}{claims}\r\n\r\n").into_bytes().into()
    };
    let (large, quarter) = (header(MOST), header(MOST / 4));
    let sizes = (large.len() as u64, quarter.len() as u64);
    let work = |header: Rc<[u8]>| {
        let ours = AuthservIds::new(["mx.ours.test"]).expect("an id");
        move |tally: &mut crate::measure::Tally| {
            // Too many to be read to each end are one claim.
            assert!(ours.claims(&header).len() <= 1);
            assert!(Author::read(&header).domain().is_none());
            tally.item();
        }
    };
    let name = format!("linear: {MOST} line ends in a field, then lines in our name");
    Row::linear(AREA, name, sizes, work(large), work(quarter))
}

fn lifted() -> Limits {
    let mut limits = Limits::default();
    limits.header_bytes = usize::MAX;
    limits.field_bytes = usize::MAX;
    limits.fields = usize::MAX;
    limits.signatures = usize::MAX;
    limits
}

fn body(canon: scop_dkim::Canonicalization, body: &[u8]) -> Vec<u8> {
    messages::signed(Key::Ed25519, canon, &messages::with_body(body))
}

fn crlf_simple(n: usize) -> Vec<u8> {
    body(Simple, &b"\r\n".repeat(n / 2))
}

fn crlf_relaxed(n: usize) -> Vec<u8> {
    body(Relaxed, &b"\r\n".repeat(n / 2))
}

fn crlf_and_text(n: usize) -> Vec<u8> {
    let mut text = b"\r\n".repeat(n);
    text.push(b'x');
    body(Relaxed, &text)
}

fn blank_lines(n: usize) -> Vec<u8> {
    let line = [&b" \t".repeat(30_000)[..], b"\r\n"].concat();
    line.repeat(n)
}

fn blanks_simple(n: usize) -> Vec<u8> {
    body(Simple, &blank_lines(n))
}

fn blanks_relaxed(n: usize) -> Vec<u8> {
    body(Relaxed, &blank_lines(n))
}

fn words(n: usize) -> Vec<u8> {
    body(Relaxed, &b"a \t\r".repeat(n / 4))
}

fn folds(n: usize) -> Vec<u8> {
    let field = format!("Subject: a{}\r\n", "\r\n \t ".repeat(n));
    let message = messages::with_body(b"x\r\n");
    let message = String::from_utf8(message).expect("text");
    let message = message.replace("Subject: The figures that you asked for\r\n", &field);
    let mut signing = messages::signer(Key::Ed25519, Relaxed)
        .limits(lifted())
        .start(messages::NOW);
    signing.write(message.as_bytes()).expect("within limits");
    let field = signing
        .finish(&scop_dkim::SystemRandom::new())
        .expect("a field");
    (field + &message).into_bytes()
}

/// A signature with another list of names, which it then does not sign.
fn with_names(message: &[u8], names: &[String]) -> Vec<u8> {
    let signed = messages::signed(Key::Ed25519, Relaxed, message);
    let signed = String::from_utf8(signed).expect("text");
    let (before, rest) = signed.split_once(" h=").expect("a list");
    let (_, after) = rest.split_once(';').expect("a list");
    let names = names.chunks(10).map(|names| names.join(":"));
    let names = names.collect::<Vec<_>>().join(":\r\n ");
    format!("{before} h=from:{names};{after}").into_bytes()
}

fn names(n: usize) -> Vec<u8> {
    let names: Vec<String> = (0..n).map(|i| format!("x-{i}")).collect();
    with_names(&messages::with_body(b"x\r\n"), &names)
}

fn same_names(n: usize) -> Vec<u8> {
    with_names(&messages::with_body(b"x\r\n"), &vec!["to".to_string(); n])
}

fn with_fields(names: &[String]) -> Vec<u8> {
    let fields: String = names
        .iter()
        .map(|name| format!("{name}: a b\r\n"))
        .collect();
    with_names(format!("{fields}{HEAD}x\r\n").as_bytes(), names)
}

fn fields_and_names(n: usize) -> Vec<u8> {
    with_fields(&(0..n).map(|i| format!("X-{i}")).collect::<Vec<_>>())
}

fn same_fields(n: usize) -> Vec<u8> {
    with_fields(&vec!["X-A".to_string(); n])
}

fn signatures(n: usize) -> Vec<u8> {
    let message = messages::with_body(b"x\r\n");
    let signed = messages::signed(Key::Ed25519, Relaxed, &message);
    let field = &signed[..signed.len() - message.len()];
    [&field.repeat(n)[..], &message[..]].concat()
}

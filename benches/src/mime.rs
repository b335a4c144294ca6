//! Messages: scop-mime beside mail-parser, mailparse and mail-builder.
//!
//! The sides read the same bytes and say the same of them: where each part's body
//! is, what the four headers hold, what the decoded bodies are.

pub mod ambiguous;
mod build;
mod decode;
pub mod disagreements;
mod hostile;
mod mail_parser;
mod mailparse;
mod messages;
mod ours;
mod reading;
mod stream;

use std::rc::Rc;

use crate::measure::{Row, Tally, Unit};
use messages::Set;

const AREA: &str = "mime";
const MAIL_PARSER: &str = "mail-parser 1.0.1";
const VALUES_IGNORED: &str = "mail-parser 1.0.1, values ignored";
const OTHERS_IGNORED: &str = "mail-parser 1.0.1, other values ignored";
const MAILPARSE: &str = "mailparse 0.18";

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for set in [
        messages::small(),
        messages::list(),
        messages::bounces(),
        messages::attachment(),
        messages::quoted_printable(),
        messages::tiny_parts(),
    ] {
        let lf = set.with_lf();
        for (set, ends) in [(set, "CRLF"), (lf, "LF")] {
            let set = Rc::new(set);
            rows.push(index(&set, ends));
            rows.push(four(&set, ends));
            if ends == "CRLF" {
                rows.push(four_of_header(&set));
            }
            rows.push(bodies(&set, ends));
        }
    }
    for set in [messages::small(), messages::list(), messages::bounces()] {
        let set = Rc::new(set.beyond_cache());
        rows.push(index(&set, "CRLF, beyond the cache").checked_elsewhere());
        rows.push(four(&set, "CRLF, beyond the cache").checked_elsewhere());
    }
    rows.extend(decode::rows());
    rows.extend(build::rows());
    rows.extend(stream::rows());
    rows.extend(hostile::rows());
    rows
}

/// The work on each message of a set.
fn each(
    set: &Rc<Set>,
    mut work: impl FnMut(&[u8], &mut Tally) + 'static,
) -> impl FnMut(&mut Tally) + 'static {
    let set = Rc::clone(set);
    move |tally| set.messages.iter().for_each(|m| work(m, tally))
}

fn unit(set: &Set) -> Unit {
    Unit::Nanoseconds {
        items: set.messages.len() as u64,
    }
}

fn index(set: &Rc<Set>, ends: &str) -> Row {
    let (parser, bare) = (mail_parser::parser(), mail_parser::structure_only());
    Row::new(
        AREA,
        format!("index: {}, {ends}", set.name),
        unit(set),
        each(set, ours::index),
    )
    .peer(
        MAIL_PARSER,
        each(set, move |m, t| mail_parser::index(&parser, m, t)),
    )
    .peer(
        VALUES_IGNORED,
        each(set, move |m, t| mail_parser::index(&bare, m, t)),
    )
    .peer(MAILPARSE, each(set, mailparse::index))
    .goal(3.0)
}

fn four(set: &Rc<Set>, ends: &str) -> Row {
    let parser = mail_parser::parser();
    Row::new(
        AREA,
        format!("four headers: {}, {ends}", set.name),
        unit(set),
        each(set, ours::four),
    )
    .peer(
        MAIL_PARSER,
        each(set, move |m, t| mail_parser::four(&parser, m, t)),
    )
    .peer(MAILPARSE, each(set, mailparse::four))
    .goal(2.0)
}

/// For who needs nothing else of a message.
fn four_of_header(set: &Rc<Set>) -> Row {
    let (parser, bare) = (mail_parser::parser(), mail_parser::four_only());
    Row::new(
        AREA,
        format!("four headers, header alone: {}", set.name),
        unit(set),
        each(set, ours::four_of_header),
    )
    .peer(
        MAIL_PARSER,
        each(set, move |m, t| mail_parser::four_of_header(&parser, m, t)),
    )
    .peer(
        OTHERS_IGNORED,
        each(set, move |m, t| mail_parser::four_of_header(&bare, m, t)),
    )
    .goal(2.0)
}

/// mailparse makes CRLF of the line ends that it decodes from quoted-printable, so it
/// does other work where they are LF.
fn bodies(set: &Rc<Set>, ends: &str) -> Row {
    let parser = mail_parser::parser();
    let row = Row::new(
        AREA,
        format!("bodies: {}, {ends}", set.name),
        unit(set),
        each(set, ours::bodies),
    )
    .peer(
        MAIL_PARSER,
        each(set, move |m, t| mail_parser::bodies(&parser, m, t)),
    );
    let has_qp = |m: &Vec<u8>| memchr::memmem::find(m, b"quoted-printable").is_some();
    match ends == "LF" && set.messages.iter().any(has_qp) {
        true => row,
        false => row.peer(MAILPARSE, each(set, mailparse::bodies)),
    }
}

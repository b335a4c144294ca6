//! SPF, DKIM, ARC and DMARC of a message together, over a zone that the input spells out:
//! the verdicts depend neither on the chunking nor on the order of answers or their moment,
//! a name is asked for once, the budget holds, and waiting can be ended anywhere.
//!
//! The input is lines of `NAME TXT` (`NAME FAIL` fails) up to an empty one, then the
//! message; MAIL FROM is `a@` the first name, and HELO is that name.
#![no_main]

use std::collections::BTreeSet;

use scop_dkim::authentication::Authentication;
use scop_dkim::{DnsError, Query, RecordKind, Records};
use scop_fuzz::{fuzz_target, heap_for, pieces, within};

/// Far below what a message may ask for, so that the budget is met now and then.
const BUDGET: usize = 30;

fuzz_target!(|data: &[u8]| {
    let end = data.windows(2).position(|two| two == b"\n\n");
    let (zone, message) = data.split_at(end.map_or(0, |at| at + 2));
    let zone = String::from_utf8_lossy(zone);
    let zone: Vec<(&str, &str)> = zone.lines().filter_map(|l| l.split_once(' ')).collect();
    let whole = within(heap_for(data.len()), || {
        run(&zone, std::iter::once(message), When::AtOnce)
    });
    assert_eq!(whole, run(&zone, pieces(message), When::AtOnce));
    if !whole.met_budget {
        assert_eq!(whole, run(&zone, pieces(message), When::LastFirst));
        assert_eq!(whole, run(&zone, message.chunks(1), When::LastFirst));
    }
    run(&zone, pieces(message), When::Never);
});

#[derive(Clone, Copy, PartialEq)]
enum When {
    AtOnce,
    /// Behind the end, the last question first.
    LastFirst,
    /// Only some, and then the waiting is ended.
    Never,
}

#[derive(Debug, PartialEq)]
struct Verdicts {
    text: String,
    field: String,
    met_budget: bool,
}

fn run<'a>(zone: &[(&str, &str)], pieces: impl Iterator<Item = &'a [u8]>, when: When) -> Verdicts {
    let client = "192.0.2.1".parse().expect("an address");
    let helo = zone.first().map_or("helo.test", |(name, _)| name);
    let mut message = Authentication::new(client, helo, &format!("a@{helo}"), 1_528_637_909)
        .with_helo(helo)
        .with_query_budget(BUDGET);
    let mut asked = BTreeSet::new();
    let mut open = Vec::new();
    for piece in pieces {
        let _ = message.write(piece);
        while let Some(query) = message.next_query() {
            note(&mut asked, &query);
            match when {
                When::AtOnce => message
                    .answer(query.id, answer(zone, &query))
                    .expect("asked just now"),
                _ => open.push(query),
            }
        }
    }
    let mut message = message.finish();
    loop {
        while let Some(query) = message.next_query() {
            note(&mut asked, &query);
            open.push(query);
        }
        match open.pop() {
            Some(query) => message
                .answer(query.id, answer(zone, &query))
                .expect("asked before"),
            None => break,
        }
        if when == When::Never && asked.len() % 3 == 0 {
            message.give_up();
            break;
        }
    }
    assert!(message.is_complete() && message.next_query().is_none());
    let field = message.results("mx.test").expect("an id").to_string();
    let lines: Vec<&str> = field.split("\r\n").collect();
    let (last, lines) = lines.split_last().expect("a line");
    assert!(last.is_empty() && lines.iter().skip(1).all(|line| line.starts_with(' ')));
    assert!(
        lines
            .iter()
            .all(|line| line.len() <= 998 && !line.contains(char::is_control))
    );
    Verdicts {
        text: message.to_string(),
        field,
        met_budget: asked.len() >= BUDGET,
    }
}

fn note(asked: &mut BTreeSet<(String, String)>, query: &Query) {
    let name = query.name.to_ascii_lowercase();
    assert!(
        asked.insert((name, format!("{:?}", query.kind))),
        "asked twice: {query:?}"
    );
    assert!(asked.len() <= BUDGET);
}

fn answer(zone: &[(&str, &str)], query: &Query) -> Result<Records, DnsError> {
    let mut found = zone
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(&query.name));
    let mut texts = found.by_ref().map(|(_, text)| *text).peekable();
    match (query.kind, texts.peek()) {
        (_, None) => Err(DnsError::NotFound),
        (_, Some(&"FAIL")) => Err(DnsError::Temporary),
        (RecordKind::Txt, _) => Ok(Records::txt(texts)),
        (RecordKind::A, _) => Ok(Records::A(texts.filter_map(|t| t.parse().ok()).collect())),
        (RecordKind::Aaaa, _) => Ok(Records::Aaaa([].into())),
        (RecordKind::Mx, _) => Ok(Records::Mx(texts.map(|t| (10, t.to_owned())).collect())),
        _ => Ok(Records::Ptr(texts.map(str::to_owned).collect())),
    }
}

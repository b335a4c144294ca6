//! DMARC over a zone that the input spells out: eight names for each walk at most, the
//! same verdict for any order of the answers, and records read back as written; who gets
//! reports does not depend on that order either.
//!
//! The first line is `AUTHOR [SIGNER..]`, each other one `NAME TXT`; `NAME FAIL` fails.
#![no_main]

use scop_dkim::dmarc::{
    Check, Destination, Destinations, DmarcResult, Identifier, Policy, Record, Verdict,
};
use scop_dkim::{DnsError, Domain, Query, RecordKind, Records};
use scop_fuzz::{fuzz_target, heap_for, within};

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        let text = String::from_utf8_lossy(data);
        let mut lines = text.lines();
        let mut names = lines.next().unwrap_or_default().split(' ');
        let zone: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(' ')).collect();
        for (_, text) in &zone {
            if let Some(record) = Record::parse(text.as_bytes())
                && record.policy.is_some()
            {
                assert_eq!(Record::parse(record.to_string().as_bytes()), Some(record));
            }
        }
        let Some(author) = names.next().and_then(|name| Domain::new(name).ok()) else {
            return;
        };
        let signers: Vec<Identifier> = names
            .filter_map(|name| Domain::new(name).ok())
            .take(10)
            .map(Identifier::Dkim)
            .collect();
        let one = run(&author, &signers, &zone, false);
        let other = run(&author, &signers, &zone, true);
        assert_eq!(
            (one.result, one.disposition, &one.aligned),
            (other.result, other.disposition, &other.aligned)
        );
        assert!(one.disposition == Policy::None || one.result == DmarcResult::Fail);
        assert_eq!(one.aligned.is_empty(), one.result != DmarcResult::Pass);
        if let Some(record) = &one.record {
            let there = destinations(&author, record, &zone, false);
            assert_eq!(there, destinations(&author, record, &zone, true));
            let uris = record.aggregate_reports.len();
            assert_eq!(there.len(), uris);
        }
    });
});

fn run(
    author: &Domain,
    signers: &[Identifier],
    zone: &[(&str, &str)],
    last_first: bool,
) -> Verdict {
    let mut check = Check::new(author, signers.iter().cloned());
    let mut open = Vec::new();
    let mut asked = 0;
    loop {
        while let Some(query) = check.next_query() {
            asked += 1;
            assert!(asked <= 8 * (1 + signers.len()) + 3, "too many queries");
            open.push(query);
            if !last_first {
                break;
            }
        }
        let Some(query) = open.pop() else { break };
        check
            .answer(query.id, answer(zone, &query))
            .expect("an answer to a question");
    }
    check.verdict().expect("a verdict").clone()
}

fn destinations(
    author: &Domain,
    record: &Record,
    zone: &[(&str, &str)],
    last_first: bool,
) -> Vec<Destination> {
    let mut destinations = Destinations::of_aggregate(author, record);
    let mut open = Vec::new();
    let mut asked = 0;
    loop {
        while let Some(query) = destinations.next_query() {
            asked += 1;
            assert!(asked <= 9 * Destinations::MOST + 8, "too many queries");
            open.push(query);
            if !last_first {
                break;
            }
        }
        let Some(query) = open.pop() else { break };
        let known = destinations.answer(query.id, answer(zone, &query));
        known.expect("an answer to a question");
    }
    destinations.verified().expect("an end").to_vec()
}

fn answer(zone: &[(&str, &str)], query: &Query) -> Result<Records, DnsError> {
    let named: Vec<&str> = zone
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(&query.name))
        .map(|(_, text)| *text)
        .collect();
    match query.kind {
        _ if named.is_empty() => Err(DnsError::NotFound),
        _ if named.contains(&"FAIL") => Err(DnsError::Temporary),
        RecordKind::Txt => Ok(Records::txt(named)),
        _ => Err(DnsError::NotFound),
    }
}

//! SPF over a zone that the input spells out: an evaluation ends within its limits,
//! does not depend on the order of the answers, and its field reads back.
//!
//! The first line is `ADDRESS SENDER HELO`, each other one `NAME KIND VALUE`.
#![no_main]

use scop_dkim::spf::{Check, Matched, ReceivedSpf, Record, Verdict};
use scop_dkim::{DnsError, Query, RecordKind, Records};
use scop_fuzz::{fuzz_target, heap_for, within};

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        let Ok(text) = str::from_utf8(data) else {
            let _ = Record::parse(data);
            let _ = ReceivedSpf::parse(data);
            return;
        };
        let mut lines = text.lines();
        let mut first = lines.next().unwrap_or_default().splitn(3, ' ');
        let (ip, sender, helo) = (first.next(), first.next(), first.next());
        let ip = ip
            .and_then(|ip| ip.parse().ok())
            .unwrap_or([192, 0, 2, 1].into());
        let check = || {
            Check::mail_from(ip, sender.unwrap_or(""), helo.unwrap_or(""))
                .with_receiver("r.test", 1)
        };
        let zone: Vec<(&str, &str, &str)> = lines
            .filter_map(|line| {
                let mut words = line.splitn(3, ' ');
                Some((words.next()?, words.next()?, words.next()?))
            })
            .collect();
        for (_, kind, value) in &zone {
            if let ("TXT", Ok(record)) = (*kind, Record::parse(value.as_bytes())) {
                if let Some(asked) = record.reports() {
                    let (local, results) = (&asked.local_part, asked.results);
                    let same = record
                        .clone()
                        .with_reports(local, asked.percentage, results);
                    let same = same.expect("a local part").to_string();
                    let same = Record::parse(same.as_bytes()).expect("a record of ours");
                    let read = same.reports().expect("a request");
                    assert_eq!(
                        (read.local_part, read.percentage),
                        (local.clone(), asked.percentage)
                    );
                }
                assert_eq!(Record::parse(record.to_string().as_bytes()), Ok(record));
            }
        }
        let verdict = run(check(), &zone, false);
        let backwards = run(check(), &zone, true);
        assert_eq!(
            (verdict.result, &verdict.reason, matched(&verdict)),
            (backwards.result, &backwards.reason, matched(&backwards))
        );
        let field = ReceivedSpf::new(&verdict, "r.test").to_string();
        let (_, value) = field.split_once(':').expect("a field");
        assert!(
            field
                .split("\r\n")
                .all(|line| line.len() <= 998 && !line.contains(['\r', '\n']))
        );
        let read = ReceivedSpf::parse(value.as_bytes()).expect("our own field");
        assert_eq!(read.result(), verdict.result.to_string());
    });
});

fn matched(verdict: &Verdict) -> Vec<Matched<'_>> {
    verdict.matched().collect()
}

fn run(mut check: Check, zone: &[(&str, &str, &str)], last_first: bool) -> Verdict {
    let mut open = Vec::new();
    let mut asked = 0;
    loop {
        while let Some(query) = check.next_query() {
            asked += 1;
            assert!(asked <= 11 * 12, "too many queries");
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

fn answer(zone: &[(&str, &str, &str)], query: &Query) -> Result<Records, DnsError> {
    let named = zone
        .iter()
        .filter(|(name, ..)| name.eq_ignore_ascii_case(&query.name));
    if named.clone().any(|(_, kind, _)| *kind == "FAIL") {
        return Err(DnsError::Temporary);
    }
    let of = |wanted: &'static str| {
        let of_kind = named.clone().filter(move |(_, kind, _)| *kind == wanted);
        of_kind.map(|(.., value)| *value)
    };
    Ok(match query.kind {
        RecordKind::Txt => Records::txt(of("TXT")),
        RecordKind::A => Records::A(of("A").filter_map(|a| a.parse().ok()).collect()),
        RecordKind::Aaaa => Records::Aaaa(of("AAAA").filter_map(|a| a.parse().ok()).collect()),
        RecordKind::Mx => Records::Mx(of("MX").map(|host| (0, host.to_owned())).collect()),
        _ => Records::Ptr(of("PTR").map(str::to_owned).collect()),
    })
}

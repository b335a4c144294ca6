//! SPF: what the public suite leaves out, limits (dk08), and properties.

use std::collections::HashMap;
use std::net::IpAddr;

use proptest::prelude::*;
use scop_dkim::spf::{
    Check, Directive, DomainSpec, Limits, Mechanism, Prefix, Qualifier, Reason, Record, SpfResult,
    Verdict,
};
use scop_dkim::{DnsError, Misuse, Query, RecordKind, Records};

/// Records as `("example.com", "TXT v=spf1 -all")`; `MX 10 host`; a name with `FAIL` does
/// not answer.
struct Zone(HashMap<String, Vec<String>>);

impl Zone {
    fn new<N: Into<String>, R: Into<String>>(records: impl IntoIterator<Item = (N, R)>) -> Self {
        let mut zone: HashMap<String, Vec<String>> = HashMap::new();
        for (name, record) in records {
            zone.entry(name.into().to_ascii_lowercase())
                .or_default()
                .push(record.into());
        }
        Zone(zone)
    }

    fn answer(&self, query: &Query) -> Result<Records, DnsError> {
        let records = self.0.get(&query.name.to_ascii_lowercase());
        let records = records.ok_or(DnsError::NotFound)?;
        if records.iter().any(|r| r == "FAIL") {
            return Err(DnsError::Temporary);
        }
        let of = |kind: &str| {
            let pairs = records.iter().filter_map(|r| r.split_once(' '));
            let found = pairs.filter(|(k, _)| *k == kind).map(|(_, v)| v.to_owned());
            found.collect::<Vec<String>>()
        };
        Ok(match query.kind {
            RecordKind::Txt => Records::txt(of("TXT")),
            RecordKind::A => Records::A(of("A").iter().map(|a| a.parse().unwrap()).collect()),
            RecordKind::Aaaa => {
                Records::Aaaa(of("AAAA").iter().map(|a| a.parse().unwrap()).collect())
            }
            RecordKind::Mx => Records::Mx(of("MX").into_iter().map(|host| (10, host)).collect()),
            _ => Records::Ptr(of("PTR").into()),
        })
    }

    fn run(&self, mut check: Check) -> Verdict {
        while let Some(query) = check.next_query() {
            assert!(query.name.len() <= 253 && query.name.is_ascii());
            check.answer(query.id, self.answer(&query)).unwrap();
        }
        check.verdict().expect("no verdict").clone()
    }

    fn check(&self, ip: &str, sender: &str) -> Verdict {
        self.run(Check::mail_from(
            ip.parse().unwrap(),
            sender,
            "helo.example",
        ))
    }
}

/// A zone whose `example.com` has that record and in which other names are as given.
fn with(record: &str, others: &[(&str, &str)]) -> Zone {
    let first = ("example.com".to_owned(), format!("TXT {record}"));
    let others = others
        .iter()
        .map(|(n, r)| ((*n).to_owned(), (*r).to_owned()));
    Zone::new([first].into_iter().chain(others))
}

/// RFC 7208 section 4.6.4: ten terms that cause queries, not eleven (dk08).
#[test]
fn dk08_ten_lookups_and_no_more() {
    for (terms, expected) in [(10, SpfResult::Pass), (11, SpfResult::PermError)] {
        let names: Vec<String> = (0..terms).map(|n| format!("a:h{n}.example.com")).collect();
        let last = format!("h{}.example.com", terms - 1);
        let mut zone = with(&format!("v=spf1 {} -all", names.join(" ")), &[]);
        for n in 0..terms {
            let address = if n + 1 == terms {
                "A 192.0.2.1"
            } else {
                "A 192.0.2.9"
            };
            zone.0
                .insert(format!("h{n}.example.com"), vec![address.into()]);
        }
        let verdict = zone.check("192.0.2.1", "ann@example.com");
        assert_eq!(verdict.result, expected, "{last}: {verdict}");
        match expected {
            SpfResult::Pass => assert_eq!(verdict.cost.lookups, 10),
            _ => assert_eq!(verdict.reason, Reason::TooManyLookups),
        }
    }
}

/// The limit is one for all records of an evaluation; a loop of includes runs into it (dk08).
#[test]
fn dk08_an_include_loop_ends() {
    for record in [
        "v=spf1 include:example.com -all",
        "v=spf1 redirect=example.com",
    ] {
        let verdict = with(record, &[]).check("192.0.2.1", "ann@example.com");
        assert_eq!(verdict.reason, Reason::TooManyLookups, "{record}");
        // The record is asked for once.
        assert_eq!(verdict.cost.queries, 1);
    }
}

/// Two terms may find nothing, the third is one too many (dk08).
#[test]
fn dk08_two_voids_and_no_more() {
    for (terms, expected) in [(2, SpfResult::Pass), (3, SpfResult::PermError)] {
        for kind in ["a:", "mx:", "exists:"] {
            let void: Vec<String> = (0..terms)
                .map(|n| format!("{kind}v{n}.example.com"))
                .collect();
            let record = format!("v=spf1 {} ip4:192.0.2.1 -all", void.join(" "));
            let verdict = with(&record, &[]).check("192.0.2.1", "ann@example.com");
            assert_eq!(verdict.result, expected, "{record}");
            assert_eq!(verdict.cost.voids, terms);
        }
    }
    // Hosts of an mx without an address: the term is void, once.
    let hosts = [
        ("m.example.com", "MX a.example.com"),
        ("m.example.com", "MX b.example.com"),
    ];
    let verdict = with("v=spf1 mx:m.example.com ?all", &hosts).check("192.0.2.1", "a@example.com");
    assert_eq!(
        (verdict.result, verdict.cost.voids),
        (SpfResult::Neutral, 1)
    );
}

/// Ten hosts of an mx; ten names of a client, the rest ignored (section 4.6.4).
#[test]
fn hosts_and_names_are_bounded() {
    for (hosts, expected) in [(10, SpfResult::Fail), (11, SpfResult::PermError)] {
        let mut zone = with("v=spf1 mx -all", &[]);
        for n in 0..hosts {
            let mx = format!("MX h{n}.example.com");
            zone.0.get_mut("example.com").unwrap().push(mx);
            zone.0
                .insert(format!("h{n}.example.com"), vec!["A 192.0.2.9".into()]);
        }
        let verdict = zone.check("192.0.2.1", "ann@example.com");
        assert_eq!(verdict.result, expected, "{verdict}");
    }
    for (at, expected) in [(9, SpfResult::Pass), (10, SpfResult::Fail)] {
        let mut zone = with("v=spf1 ptr -all", &[]);
        let names = (0..5000).map(|n| format!("PTR h{n}.example.com")).collect();
        zone.0.insert("1.2.0.192.in-addr.arpa".into(), names);
        zone.0
            .insert(format!("h{at}.example.com"), vec!["A 192.0.2.1".into()]);
        let verdict = zone.check("192.0.2.1", "ann@example.com");
        assert_eq!(verdict.result, expected, "{at}: {verdict}");
        assert!(verdict.cost.queries <= 12);
    }
}

/// An expansion over 253 octets loses labels on its left (section 7.3), which may leave
/// one that is too long and thus no name.
#[test]
fn an_expansion_over_253_octets_is_cut_on_its_left() {
    let local = vec!["abcdefghi"; 30].join(".");
    let mut check = Check::mail_from(
        "192.0.2.1".parse().unwrap(),
        &format!("{local}@example.com"),
        "helo.example",
    );
    let zone = with("v=spf1 exists:%{l}.example.com -all", &[]);
    let record = check.next_query().unwrap();
    check.answer(record.id, zone.answer(&record)).unwrap();
    let query = check.next_query().unwrap();
    assert_eq!(query.kind, RecordKind::A);
    // Ten octets for a label: the most that fit beside `.example.com`.
    assert_eq!(query.name.len(), 24 * 10 - 1 + ".example.com".len());
    assert!(query.name.ends_with(".abcdefghi.example.com"));

    let long = format!("{}@example.com", "x".repeat(300));
    let verdict = zone.check("192.0.2.1", &long);
    assert_eq!(verdict.result, SpfResult::Fail, "{verdict}");
}

/// What a client says never gets into a name that a resolver could read otherwise.
#[test]
fn only_clean_names_are_asked_for() {
    let zone = with("v=spf1 exists:%{l}.example.com include:%{h} -all", &[]);
    for local in ["a b", "a\\.b", "a\r\nb", "ü", "a\0", "..", ""] {
        let sender = format!("{local}@example.com");
        let verdict = zone.run(Check::mail_from("::1".parse().unwrap(), &sender, "he lo"));
        assert_eq!(verdict.result, SpfResult::PermError, "{local:?}");
        assert!(matches!(verdict.reason, Reason::MalformedTarget(_)));
    }
}

/// The `p` macro (section 7.3): the domain itself, a name below it, any, `unknown`. It
/// costs a lookup of its own (section 4.6.4).
#[test]
fn the_validated_name() {
    let record = "v=spf1 exists:%{p}.list.example.com -all";
    for (names, expected) in [
        (
            &["z.test", "a.example.com", "example.com"][..],
            "example.com",
        ),
        (&["z.test", "a.example.com"], "a.example.com"),
        (&["z.test"], "z.test"),
        (&["unvalidated.test"], "unknown"),
        (&[], "unknown"),
    ] {
        let mut zone = with(record, &[]);
        for name in names {
            if *name != "unvalidated.test" {
                let at = zone.0.entry((*name).to_owned()).or_default();
                at.push("A 192.0.2.1".into());
            }
            let reverse = zone.0.entry("1.2.0.192.in-addr.arpa".into()).or_default();
            reverse.push(format!("PTR {name}."));
        }
        let listed = format!("{expected}.list.example.com");
        zone.0.insert(listed, vec!["A 127.0.0.2".into()]);
        let verdict = zone.check("192.0.2.1", "ann@example.com");
        assert_eq!(verdict.result, SpfResult::Pass, "{names:?}: {verdict}");
        assert_eq!(verdict.cost.lookups, 2);
    }
}

/// RFC 7208 section 6.2: a `fail` of an include is not one of the domain, and the words
/// are those of the record that decided.
#[test]
fn explanations() {
    let zone = with(
        "v=spf1 -exists:%{i}.bad.example.com exp=why.example.com -all",
        &[
            (
                "why.example.com",
                "TXT %{i} (%{c}) is not one of %{d}'s; %{h} said %{s} to %{r} at %{t}",
            ),
            ("192.0.2.1.bad.example.com", "A 127.0.0.2"),
        ],
    );
    let check = Check::mail_from("192.0.2.1".parse().unwrap(), "ann@example.com", "h.test")
        .with_receiver("here.example.org", 1_700_000_000);
    let verdict = zone.run(check);
    assert_eq!(
        verdict.explanation.as_deref(),
        Some(
            "192.0.2.1 (192.0.2.1) is not one of example.com's; h.test said ann@example.com to here.example.org at 1700000000"
        )
    );
    // A client cannot put a line end into the reply.
    let verdict = zone.check("192.0.2.1", "a\r\n250 ok@example.com");
    assert_eq!(
        (verdict.result, verdict.explanation),
        (SpfResult::Fail, None)
    );
    // Long ones are cut.
    let check = Check::mail_from(
        "192.0.2.1".parse().unwrap(),
        "ann@example.com",
        &"h".repeat(5000),
    );
    let verdict = zone.run(check);
    assert_eq!(
        verdict.explanation.unwrap().len(),
        Limits::default().explanation_bytes
    );
}

#[test]
fn a_verdict_says_what_matched_and_how_wide() {
    let zone = with(
        "v=spf1 include:_spf.example.net ~all",
        &[("_spf.example.net", "TXT v=spf1 ip4:192.0.0.0/8 -all")],
    );
    let verdict = zone.check("192.0.2.1", "ann@example.com");
    assert_eq!(
        verdict.to_string(),
        "pass mailfrom=example.com: include:_spf.example.net of example.com, there ip4:192.0.0.0/8 of _spf.example.net"
    );
    assert_eq!(verdict.matched().nth(1).unwrap().prefix, Some(8));
    let verdict = zone.check("198.51.100.1", "ann@example.com");
    assert_eq!(
        verdict.to_string(),
        "softfail mailfrom=example.com: ~all of example.com"
    );
}

/// The HELO identity (section 2.3), and an empty reverse-path that stands for it (2.4).
#[test]
fn identities() {
    let zone = Zone::new([("mx.example.com", "TXT v=spf1 ip6:2001:db8::/32 -all")]);
    let ip: IpAddr = "2001:db8::1".parse().unwrap();
    for check in [
        Check::helo(ip, "mx.example.com"),
        Check::mail_from(ip, "", "mx.example.com."),
        Check::mail_from(ip, "<>", "mx.example.com"),
        Check::mail_from(ip, "<postmaster@mx.example.com>", "helo.test"),
    ] {
        let verdict = zone.run(check);
        assert_eq!(verdict.result, SpfResult::Pass);
        assert_eq!(verdict.sender(), "postmaster@mx.example.com");
    }
    for helo in ["[192.0.2.1]", "localhost", "", "a..b", "\u{fffd}.example"] {
        let mut check = Check::helo(ip, helo);
        assert_eq!(check.next_query(), None, "{helo}");
        assert_eq!(check.verdict().unwrap().result, SpfResult::None);
    }
}

/// Section 4.3: U-labels are looked up as A-labels.
#[cfg(feature = "idn")]
#[test]
fn internationalised_identities() {
    let zone = Zone::new([("xn--bcher-kva.example", "TXT v=spf1 ip4:192.0.2.1 -all")]);
    let verdict = zone.check("192.0.2.1", "ann@b\u{fc}cher.example");
    assert_eq!(verdict.result, SpfResult::Pass);
    assert_eq!(verdict.domain(), "xn--bcher-kva.example");
}

#[test]
fn wrong_answers_change_nothing() {
    let mut check = Check::mail_from("192.0.2.1".parse().unwrap(), "ann@example.com", "h.test");
    let query = check.next_query().unwrap();
    let wrong = Records::A(["192.0.2.1".parse().unwrap()].into());
    assert_eq!(check.answer(query.id, Ok(wrong)), Err(Misuse::WrongKind));
    assert_eq!(check.verdict(), None);
    let record = Ok(Records::txt(["v=spf1 a -all"]));
    assert_eq!(check.answer(query.id, record.clone()), Ok(()));
    assert_eq!(check.answer(query.id, record), Err(Misuse::AnsweredBefore));
    let next = check.next_query().unwrap();
    assert_eq!((next.kind, &*next.name), (RecordKind::A, "example.com"));
    assert_eq!(check.answer(next.id, Err(DnsError::Temporary)), Ok(()));
    assert_eq!(check.verdict().unwrap().result, SpfResult::TempError);
}

/// A record of any size is read in linear time, and one over the limit not at all.
#[test]
fn a_record_over_the_limit_is_a_permerror() {
    let record = format!("v=spf1 {}-all", "ip4:198.51.100.1 ".repeat(2000));
    let verdict = with(&record, &[]).check("192.0.2.1", "ann@example.com");
    assert_eq!(verdict.reason, Reason::RecordTooLong("example.com".into()));
}

#[test]
fn errors_say_where() {
    for (record, message) in [
        (
            "v=spf1 ip4:1.2.3/24",
            "what should be an IP address is none at byte 11 of the SPF record (RFC 7208 section 5.6)",
        ),
        (
            "v=spf1 a mx:foo/33",
            "what should be a prefix length is none, 0 to 32 or 0 to 128 at byte 15 of the SPF record (RFC 7208 section 5.6)",
        ),
        (
            "v=spf1 mailto:x",
            "a mechanism that does not exist at byte 7 of the SPF record (RFC 7208 section 4.6.1)",
        ),
        (
            "v=spf1 include:%{x}",
            "a \"%\" that begins no macro at byte 15 of the SPF record (RFC 7208 section 7.1)",
        ),
    ] {
        let error = Record::parse(record.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

fn spec() -> impl Strategy<Value = DomainSpec> {
    let text = "(%\\{[sloidhv][1-9]?r?[-.+,/_=]{0,2}\\}|%%|%_|%-|[a-z_/:=.]){0,4}(\\.[a-z]{2,5}\\.?|%\\{d2?r?\\})";
    text.prop_map(|text| DomainSpec::parse(&text).unwrap())
}

fn directive() -> impl Strategy<Value = Directive> {
    let prefix = (0u8..=32, 0u8..=128).prop_map(|(a, b)| Prefix::new(a, b).unwrap());
    let only = |ip4| Prefix::new(ip4, 128).unwrap();
    let mechanism = prop_oneof![
        Just(Mechanism::All),
        spec().prop_map(Mechanism::Include),
        spec().prop_map(Mechanism::Exists),
        proptest::option::of(spec()).prop_map(Mechanism::Ptr),
        (proptest::option::of(spec()), prefix.clone()).prop_map(|(s, p)| Mechanism::A(s, p)),
        (proptest::option::of(spec()), prefix).prop_map(|(s, p)| Mechanism::Mx(s, p)),
        (any::<[u8; 4]>(), 0u8..=32).prop_map(move |(a, p)| Mechanism::Ip4(a.into(), only(p))),
        (any::<[u8; 16]>(), 0u8..=128)
            .prop_map(|(a, p)| Mechanism::Ip6(a.into(), Prefix::new(32, p).unwrap())),
    ];
    let qualifier = prop_oneof![
        Just(Qualifier::Pass),
        Just(Qualifier::Fail),
        Just(Qualifier::SoftFail),
        Just(Qualifier::Neutral),
    ];
    (qualifier, mechanism).prop_map(|(qualifier, mechanism)| Directive {
        qualifier,
        mechanism,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_record_that_is_written_reads_the_same(
        directives in proptest::collection::vec(directive(), 0..6),
        redirect in proptest::option::of(spec()),
        explanation in proptest::option::of(spec()),
    ) {
        let mut record = Record::new();
        for d in directives {
            record = record.directive(d.qualifier, d.mechanism);
        }
        if let Some(spec) = redirect {
            record = record.with_redirect(spec);
        }
        if let Some(spec) = explanation {
            record = record.with_explanation(spec);
        }
        let text = record.to_string();
        prop_assert_eq!(Record::parse(text.as_bytes()), Ok(record), "{}", text);
    }

    /// Whatever the records say, an evaluation ends, within its limits, and does not
    /// depend on the order of the answers.
    #[test]
    fn an_evaluation_ends(
        directives in proptest::collection::vec(directive(), 0..12),
        ip in any::<[u8; 4]>(),
        seed in any::<u64>(),
    ) {
        let mut record = Record::new();
        for d in directives {
            record = record.directive(d.qualifier, d.mechanism);
        }
        let text = record.to_string();
        // A world in which what there is at a name follows from its letters.
        let answer = |query: &Query| {
            let sum = query.name.bytes().fold(seed, |sum, b| sum.wrapping_mul(31).wrapping_add(u64::from(b)));
            match (sum >> 7) % 5 {
                0 => Err(DnsError::NotFound),
                1 if sum >> 12 & 3 == 0 => Err(DnsError::Temporary),
                _ => Ok(match query.kind {
                    RecordKind::Txt => Records::txt([text.as_str()]),
                    RecordKind::A => Records::A([ip.into()].into()),
                    RecordKind::Mx => Records::Mx((0..sum % 12).map(|n| (1, format!("h{n}.{}", query.name))).collect()),
                    RecordKind::Ptr => Records::Ptr((0..sum % 12).map(|n| format!("h{n}.test")).collect()),
                    _ => Records::Aaaa([].into()),
                }),
            }
        };
        let run = |last_first: bool| {
            let mut check = Check::mail_from(IpAddr::from(ip), "ann@example.com", "h.test");
            let mut open = Vec::new();
            loop {
                open.extend(std::iter::from_fn(|| check.next_query()));
                let next = if last_first { open.pop() } else if open.is_empty() { None } else { Some(open.remove(0)) };
                let Some(query) = next else { break };
                check.answer(query.id, answer(&query)).unwrap();
            }
            check.verdict().expect("no verdict").clone()
        };
        let verdict = run(false);
        prop_assert!(verdict.cost.queries <= 11 * 12, "{:?}", verdict.cost);
        let other = run(true);
        prop_assert_eq!((&verdict.result, &verdict.reason), (&other.result, &other.reason));
    }

    #[test]
    fn any_bytes_are_read(text in "v=spf1 [ -~]{0,60}", raw in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Record::parse(&raw);
        if let Ok(record) = Record::parse(text.as_bytes()) {
            let again = record.to_string();
            prop_assert_eq!(Record::parse(again.as_bytes()).unwrap().to_string(), again);
        }
    }
}

//! DMARC: discovery, alignment, policies (RFC 9989 sections 4.7 and 4.10).

use proptest::prelude::*;
use scop_dkim::dmarc::{
    Alignment, Check, DmarcResult, Identifier, Policy, Reason, Record, ReportUri, Suffix, Verdict,
};
use scop_dkim::{DnsError, Domain, Query, RecordKind, Records};

fn domain(name: &str) -> Domain {
    Domain::new(name).unwrap()
}

fn dkim(name: &str) -> Identifier {
    Identifier::Dkim(domain(name))
}

fn spf(name: &str) -> Identifier {
    Identifier::Spf(domain(name))
}

/// A TXT record at a name, or `FAIL`; a name without a dot in front of it has an A record.
type Zone<'a> = &'a [(&'a str, &'a str)];

fn answer(zone: Zone<'_>, query: &Query) -> Result<Records, DnsError> {
    let named: Vec<_> = zone
        .iter()
        .filter(|(name, _)| **name == *query.name)
        .collect();
    match named.as_slice() {
        [] => Err(DnsError::NotFound),
        [(_, "FAIL")] => Err(DnsError::Temporary),
        records if query.kind == RecordKind::Txt => Ok(Records::txt(records.iter().map(|r| r.1))),
        _ if query.kind == RecordKind::A => Ok(Records::A([].into())),
        _ => Err(DnsError::NotFound),
    }
}

/// The verdict, and what was asked for.
fn run(author: &str, identifiers: &[Identifier], zone: Zone<'_>) -> (Verdict, Vec<String>) {
    let mut check = Check::new(&domain(author), identifiers.iter().cloned());
    let mut asked = Vec::new();
    while let Some(query) = check.next_query() {
        check.answer(query.id, answer(zone, &query)).unwrap();
        asked.push(query.name.to_string());
    }
    (check.verdict().expect("no verdict").clone(), asked)
}

fn verdict(author: &str, identifiers: &[Identifier], zone: Zone<'_>) -> Verdict {
    run(author, identifiers, zone).0
}

/// The example of section 4.10: eight queries for thirteen labels, and for a hundred.
#[test]
fn dk_a_walk_asks_for_eight_names() {
    let (found, asked) = run("a.b.c.d.e.f.g.h.i.j.mail.example.com", &[], &[]);
    assert_eq!(
        asked,
        [
            "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
            "_dmarc.g.h.i.j.mail.example.com",
            "_dmarc.h.i.j.mail.example.com",
            "_dmarc.i.j.mail.example.com",
            "_dmarc.j.mail.example.com",
            "_dmarc.mail.example.com",
            "_dmarc.example.com",
            "_dmarc.com",
        ]
    );
    assert_eq!(
        (found.result, found.reason),
        (DmarcResult::None, Reason::NoRecord)
    );
    let hundred = vec!["a"; 100].join(".");
    assert_eq!(run(&hundred, &[], &[]).1.len(), 8);
    // `_dmarc.` makes it too long to be asked for.
    let longest = format!(
        "{}.{}.{}.{}",
        "a".repeat(63),
        "b".repeat(63),
        "c".repeat(63),
        "d".repeat(60)
    );
    assert_eq!(run(&longest, &[], &[]).1.len(), 3);
    for labels in 2..12 {
        let name = vec!["a"; labels].join(".");
        assert_eq!(run(&name, &[], &[]).1.len(), labels.min(8), "{labels}");
    }
}

/// The three examples at the end of section 4.10.2.
#[test]
fn organizational_domains() {
    for (zone, same, other) in [
        (
            &[
                ("_dmarc.mail.example.com", "v=DMARC1; p=none"),
                ("_dmarc.example.com", "v=DMARC1; p=none"),
            ][..],
            "b.example.com",
            "example.org",
        ),
        (
            &[("_dmarc.mail.example.com", "v=DMARC1; p=none; psd=n")],
            "b.mail.example.com",
            "example.com",
        ),
        (
            &[("_dmarc.com", "v=DMARC1; p=none; psd=y")],
            "x.example.com",
            "example2.com",
        ),
    ] {
        let author = "a.mail.example.com";
        assert_eq!(
            verdict(author, &[dkim(same)], zone).result,
            DmarcResult::Pass,
            "{same}"
        );
        assert_eq!(
            verdict(author, &[dkim(other)], zone).result,
            DmarcResult::Fail,
            "{other}"
        );
    }
}

/// RFC 9989 section 4.10.2, step 3, to the letter: without `psd=y` a record at the top is the
/// one "with the fewest number of labels", and all below it are one organization. Whoever runs
/// `com` says so by `psd=y` (section 4.7); only they can publish there at all.
#[test]
fn rfc9989_4_10_2_a_record_at_the_top_without_psd_joins_all_below_it() {
    let top = |psd: &'static str| [("_dmarc.com", psd)];
    for (psd, result, organization) in [
        ("v=DMARC1; p=reject", DmarcResult::Pass, "com"),
        ("v=DMARC1; p=reject; psd=u", DmarcResult::Pass, "com"),
        ("v=DMARC1; p=reject; psd=n", DmarcResult::Pass, "com"),
        // Step 2: the organization is one label below.
        ("v=DMARC1; p=reject; psd=y", DmarcResult::Fail, "com"),
    ] {
        let found = verdict("a.example.com", &[dkim("b.other.com")], &top(psd));
        assert_eq!(found.result, result, "{psd}");
        // Section 4.10.1: its policy holds either way, of the organization or of the suffix.
        assert_eq!(found.policy_domain(), Some(organization), "{psd}");
    }
    // A record of one's own does not leave it, but for one with `psd=n` (step 1).
    for (own, result) in [
        ("v=DMARC1; p=reject", DmarcResult::Pass),
        ("v=DMARC1; p=reject; psd=n", DmarcResult::Fail),
    ] {
        let zone = [
            ("_dmarc.com", "v=DMARC1; p=none"),
            ("_dmarc.example.com", own),
        ];
        let found = verdict("example.com", &[dkim("other.com")], &zone);
        assert_eq!(found.result, result, "{own}");
    }
}

#[test]
fn strict_and_relaxed() {
    let zone = &[("_dmarc.example.com", "v=DMARC1; p=reject; adkim=s; aspf=r")][..];
    assert_eq!(
        verdict("example.com", &[dkim("m.example.com")], zone).result,
        DmarcResult::Fail
    );
    assert_eq!(
        verdict("example.com", &[spf("m.example.com")], zone).result,
        DmarcResult::Pass
    );
    let both = verdict(
        "Example.COM",
        &[dkim("example.com"), spf("m.example.com")],
        zone,
    );
    let strictly: Vec<bool> = both.aligned.iter().map(|a| a.strictly).collect();
    assert_eq!(strictly, [true, false]);
    assert_eq!(
        both.to_string(),
        "pass Example.COM: aligned dkim=example.com spf=m.example.com; p=reject of example.com"
    );
    // A name that only ends in the same letters is another one.
    assert_eq!(
        verdict("example.com", &[spf("badexample.com")], zone).result,
        DmarcResult::Fail
    );
}

/// Nothing is asked about an identifier that could not be aligned.
#[test]
fn a_foreign_signature_costs_no_query() {
    let zone = &[("_dmarc.example.com", "v=DMARC1; p=none")][..];
    let (found, asked) = run(
        "example.com",
        &[dkim("a.b.c.example.net"), spf("example.org")],
        zone,
    );
    assert_eq!(found.result, DmarcResult::Fail);
    assert_eq!(asked, ["_dmarc.example.com"]);
}

/// What the organizational domain is is not asked where that decides nothing (RFC 9989
/// section 4.10.2, the note).
#[test]
fn an_author_with_a_record_may_need_one_query() {
    let relaxed = &[("_dmarc.example.com", "v=DMARC1; p=reject")][..];
    let strict = &[("_dmarc.example.com", "v=DMARC1; p=reject; adkim=s")][..];
    let first = &["_dmarc.example.com"][..];
    let all = &["_dmarc.example.com", "_dmarc.com", "_dmarc.a.example.com"][..];
    for (zone, identifier, result, expected) in [
        (relaxed, dkim("Example.com"), DmarcResult::Pass, first),
        (strict, dkim("a.example.com"), DmarcResult::Fail, first),
        (strict, spf("a.example.com"), DmarcResult::Pass, all),
        (relaxed, dkim("a.example.com"), DmarcResult::Pass, all),
        (relaxed, dkim("other.com"), DmarcResult::Fail, &all[..2]),
    ] {
        let (found, asked) = run("example.com", std::slice::from_ref(&identifier), zone);
        assert_eq!(found.result, result, "{identifier:?}");
        assert_eq!(asked, expected, "{identifier:?}");
    }
    // So that DNS may fail for what nobody needs.
    let zone = &[
        ("_dmarc.example.com", "v=DMARC1; p=reject"),
        ("_dmarc.com", "FAIL"),
    ];
    let found = verdict("example.com", &[spf("example.com")], zone);
    assert_eq!(found.result, DmarcResult::Pass);
}

#[test]
fn which_policy_applies() {
    let zone = &[
        (
            "_dmarc.example.com",
            "v=DMARC1; p=none; sp=quarantine; np=reject",
        ),
        ("www.example.com", "exists"),
        (
            "_dmarc.own.example.com",
            "v=DMARC1; p=quarantine; sp=reject",
        ),
    ][..];
    for (author, tag, policy) in [
        ("example.com", "p", Policy::None),
        ("www.example.com", "sp", Policy::Quarantine),
        ("ghost.example.com", "np", Policy::Reject),
        // Its own record, where `sp` means nothing.
        ("own.example.com", "p", Policy::Quarantine),
    ] {
        let found = verdict(author, &[], zone);
        assert_eq!(
            (found.tag, found.policy, found.disposition),
            (tag, Some(policy), policy),
            "{author}"
        );
    }
    // `np` is looked at only where it is given: no question about the author's domain.
    let zone = &[("_dmarc.example.com", "v=DMARC1; p=reject")][..];
    let (found, asked) = run("ghost.example.com", &[], zone);
    assert_eq!((found.tag, found.disposition), ("p", Policy::Reject));
    assert!(asked.iter().all(|name| name.starts_with("_dmarc.")));
}

#[test]
fn a_public_suffix_speaks_for_domains_without_a_record() {
    let zone = &[
        ("_dmarc.bank", "v=DMARC1; p=reject; psd=y; np=quarantine"),
        ("_dmarc.own.bank", "v=DMARC1; p=none"),
    ][..];
    let found = verdict("x.branch.bank", &[], zone);
    assert_eq!(
        (found.policy_domain(), found.disposition),
        (Some("bank"), Policy::Quarantine)
    );
    assert_eq!(
        verdict("own.bank", &[], zone).policy_domain(),
        Some("own.bank")
    );
    // Two domains under one suffix are two organizations.
    assert_eq!(
        verdict("x.branch.bank", &[spf("other.bank")], zone).result,
        DmarcResult::Fail
    );
    assert_eq!(
        verdict("x.branch.bank", &[spf("branch.bank")], zone).result,
        DmarcResult::Pass
    );
}

/// Tag `t`: one level milder.
#[test]
fn test_mode() {
    for (policy, expected) in [
        ("reject", Policy::Quarantine),
        ("quarantine", Policy::None),
        ("none", Policy::None),
    ] {
        let record = format!("v=DMARC1; p={policy}; t=y");
        let found = verdict("example.com", &[], &[("_dmarc.example.com", &record)]);
        assert_eq!(
            (found.result, found.disposition),
            (DmarcResult::Fail, expected)
        );
    }
}

/// Several records at a name are none; other TXT records do not count (4.10, step 2).
#[test]
fn several_records() {
    let record = ("_dmarc.example.com", "v=DMARC1; p=reject");
    let other = ("_dmarc.example.com", "unrelated");
    assert_eq!(
        verdict("example.com", &[], &[record, record]).result,
        DmarcResult::None
    );
    assert_eq!(
        verdict("example.com", &[], &[other, record]).result,
        DmarcResult::Fail
    );
}

#[test]
fn errors_of_dns_are_neither_pass_nor_fail() {
    let zone = &[
        ("_dmarc.example.com", "v=DMARC1; p=reject; psd=n"),
        ("_dmarc.m.example.com", "FAIL"),
        ("_dmarc.down.test", "FAIL"),
    ][..];
    assert_eq!(
        verdict("down.test", &[dkim("down.test")], zone).result,
        DmarcResult::TempError
    );
    assert_eq!(
        verdict("example.com", &[dkim("m.example.com")], zone).result,
        DmarcResult::TempError
    );
    // An aligned identifier makes the other one unimportant.
    let ids = [dkim("m.example.com"), dkim("example.com")];
    assert_eq!(verdict("example.com", &ids, zone).result, DmarcResult::Pass);
    let failed = verdict("example.com", &[dkim("m.example.com")], zone);
    assert_eq!(
        failed.to_string(),
        "temperror example.com: DNS failed for _dmarc.m.example.com; p=reject of example.com"
    );
    assert_eq!(failed.disposition, Policy::None);
}

#[test]
fn a_record_without_a_policy_applies_to_nothing() {
    let zone = &[("_dmarc.example.com", "v=DMARC1; sp=reject")][..];
    let found = verdict("example.com", &[], zone);
    assert_eq!(
        (found.result, found.reason),
        (DmarcResult::None, Reason::NoPolicy("example.com".into()))
    );
}

fn record() -> impl Strategy<Value = Record> {
    let policy = prop_oneof![
        Just(Policy::None),
        Just(Policy::Quarantine),
        Just(Policy::Reject)
    ];
    let suffix = prop_oneof![
        Just(Suffix::Unknown),
        Just(Suffix::Public),
        Just(Suffix::Organizational)
    ];
    let alignment = prop_oneof![Just(Alignment::Relaxed), Just(Alignment::Strict)];
    let uris = proptest::collection::vec("(mailto|https|x-y\\+z):[a-z@./%?=]{1,12}", 0..3);
    let options = any::<(bool, bool, bool)>();
    (
        policy.clone(),
        proptest::option::of(policy.clone()),
        proptest::option::of(policy),
        suffix,
        any::<bool>(),
        alignment.clone(),
        alignment,
        uris,
        options,
    )
        .prop_map(
            |(p, sp, np, suffix, testing, adkim, aspf, uris, (any, dkim, spf))| {
                let mut record = Record::new(p);
                record.subdomains = sp;
                record.nonexistent = np;
                record.suffix = suffix;
                record.testing = testing;
                record.dkim_alignment = adkim;
                record.spf_alignment = aspf;
                record.aggregate_reports = uris
                    .iter()
                    .map(|uri| ReportUri::new(uri).unwrap())
                    .collect();
                record.failure_reports = record.aggregate_reports.clone();
                record.failure_options.any = any;
                record.failure_options.dkim = dkim;
                record.failure_options.spf = spf;
                record
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_record_that_is_written_reads_the_same(record in record()) {
        prop_assert_eq!(Record::parse(record.to_string().as_bytes()), Some(record));
    }

    #[test]
    fn any_bytes_are_read(raw in proptest::collection::vec(any::<u8>(), 0..80), text in "v=DMARC1;[ -~]{0,60}") {
        let _ = Record::parse(&raw);
        let record = Record::parse(text.as_bytes()).unwrap();
        if record.policy.is_some() {
            prop_assert_eq!(Record::parse(record.to_string().as_bytes()), Some(record));
        }
    }

    /// The result does not depend on the order of the answers.
    #[test]
    fn answers_may_come_in_any_order(
        author in "([ab]\\.){0,3}example\\.com",
        signers in proptest::collection::vec("([ab]\\.){0,3}example\\.(com|net)", 0..4),
        records in proptest::collection::vec(("_dmarc\\.(([ab]\\.){0,2}example\\.)?com", prop_oneof![
            3 => record().prop_map(|r| r.to_string()),
            1 => Just("FAIL".to_owned()),
        ]), 0..4),
    ) {
        let zone: Vec<(&str, &str)> = records.iter().map(|(n, r)| (n.as_str(), r.as_str())).collect();
        let ids: Vec<Identifier> = signers.iter().map(|s| dkim(s)).collect();
        let (forwards, _) = run(&author, &ids, &zone);
        let mut check = Check::new(&domain(&author), ids);
        let mut open = Vec::new();
        loop {
            open.extend(std::iter::from_fn(|| check.next_query()));
            let Some(query) = open.pop() else { break };
            check.answer(query.id, answer(&zone, &query)).unwrap();
        }
        let backwards = check.verdict().unwrap();
        prop_assert_eq!(forwards.result, backwards.result);
        prop_assert_eq!(forwards.disposition, backwards.disposition);
        prop_assert_eq!(&forwards.aligned, &backwards.aligned);

        // Nor on whether the organizational domain was looked for: an identifier that may
        // have it makes sure that it is.
        let mut more: Vec<Identifier> = signers.iter().map(|s| dkim(s)).collect();
        more.push(spf("zz.com"));
        let (walked, _) = run(&author, &more, &zone);
        let others = walked.aligned.iter().filter(|a| a.identifier != spf("zz.com"));
        if walked.result != DmarcResult::TempError && forwards.result != DmarcResult::TempError {
            prop_assert!(others.eq(&forwards.aligned));
            prop_assert_eq!(walked.policy_domain(), forwards.policy_domain());
            prop_assert_eq!(walked.policy, forwards.policy);
        }
    }
}

/// Section 5.3.6: DNS failed where a signature was checked, which may be the one that counts.
#[test]
fn an_undecided_identifier() {
    let zone = &[("_dmarc.example.com", "v=DMARC1; p=reject")][..];
    let check = |passed: &[Identifier], undecided: Identifier| {
        let mut check =
            Check::new(&domain("example.com"), passed.iter().cloned()).undecided([undecided]);
        while let Some(query) = check.next_query() {
            check.answer(query.id, answer(zone, &query)).unwrap();
        }
        let verdict = check.verdict().expect("no verdict");
        (verdict.result, verdict.reason.clone(), verdict.disposition)
    };
    let undecided = Reason::Undecided(domain("m.example.com"));
    assert_eq!(
        check(&[], dkim("m.example.com")),
        (DmarcResult::TempError, undecided, Policy::None)
    );
    assert_eq!(
        check(&[dkim("example.com")], spf("m.example.com")).0,
        DmarcResult::Pass
    );
    assert_eq!(
        check(&[dkim("example.net")], spf("example.org")),
        (DmarcResult::Fail, Reason::NothingAligned, Policy::Reject)
    );
}

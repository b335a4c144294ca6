//! What hostile senders and domains do to SPF, DMARC and Authentication-Results: each case
//! names the section that says what must come of it.

use std::net::IpAddr;

use proptest::prelude::*;
use scop_dkim::dmarc::{self, Author, DmarcResult, Identifier};
use scop_dkim::spf::{self, Reason, SpfResult};
use scop_dkim::{AuthenticationResults, DnsError, Domain, Query, RecordKind, Records};

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// The verdict on `ann@example.com`, and how many questions it took.
fn spf(answer: impl Fn(&Query) -> Result<Records, DnsError>) -> (spf::Verdict, usize) {
    let mut check = spf::Check::mail_from(CLIENT, "ann@example.com", "mx.test");
    let mut asked = 0;
    while let Some(query) = check.next_query() {
        asked += 1;
        check.answer(query.id, answer(&query)).unwrap();
    }
    (check.verdict().expect("no verdict").clone(), asked)
}

/// RFC 7208 section 4.6.4: ten `mx` of ten hosts each, and each of those without an
/// address, ask for no more than that; an eleventh term ends it.
#[test]
fn rfc7208_4_6_4_mx_fan_out() {
    let record = |n: usize| {
        let terms: Vec<String> = (0..n).map(|i| format!("mx:m{i}.test")).collect();
        format!("v=spf1 {} -all", terms.join(" "))
    };
    for (terms, result) in [(10, SpfResult::Fail), (11, SpfResult::PermError)] {
        let (verdict, asked) = spf(|query| match query.kind {
            RecordKind::Txt => Ok(Records::txt([record(terms)])),
            RecordKind::Mx => Ok(Records::Mx(
                (0..10)
                    .map(|i| (i, format!("h{i}.{}", query.name)))
                    .collect(),
            )),
            _ => Ok(Records::A(["192.0.2.9".parse().unwrap()].into())),
        });
        assert_eq!(verdict.result, result);
        assert!(asked <= 1 + 10 + 100, "{asked}");
    }
}

/// RFC 7208 section 4.6.4: voids count over all records, and a chain of includes that each
/// ask for one name that is not there ends at the third.
#[test]
fn rfc7208_4_6_4_void_flood_through_includes() {
    let (verdict, asked) = spf(|query| match (query.kind, &*query.name) {
        (RecordKind::Txt, name) => {
            let n = name.len();
            Ok(Records::txt([format!(
                "v=spf1 exists:void{n}.test include:i{name} -all"
            )]))
        }
        _ => Err(DnsError::NotFound),
    });
    assert_eq!(verdict.reason, Reason::TooManyVoids);
    assert_eq!((verdict.cost.voids, asked), (3, 6));
}

/// RFC 7208 section 4.6.4: a loop over several domains, by include and redirect.
#[test]
fn rfc7208_4_6_4_loop_of_several_domains() {
    let (verdict, asked) = spf(|query| {
        let record = match &*query.name {
            "example.com" => "v=spf1 include:a.test -all",
            "a.test" => "v=spf1 redirect=b.test",
            _ => "v=spf1 include:a.test include:example.com -all",
        };
        Ok(Records::txt([record]))
    });
    assert_eq!(verdict.reason, Reason::TooManyLookups);
    assert_eq!(asked, 3);
}

/// RFC 7208 sections 3.2 and 4.5: ten thousand TXT records, of which one is SPF; and two.
#[test]
fn rfc7208_4_5_txt_bombs() {
    let bomb = |spf: usize| {
        let junk = (0..10_000).map(|i| format!("v=spf10 {i}"));
        let records = (0..spf).map(|_| "v=spf1 ip4:192.0.2.1 -all".to_owned());
        Ok(Records::txt(junk.chain(records)))
    };
    assert_eq!(spf(|_| bomb(1)).0.result, SpfResult::Pass);
    let (verdict, _) = spf(|_| bomb(2));
    assert_eq!(verdict.reason, Reason::SeveralRecords("example.com".into()));
    // One of 64 KB of terms (section 3.4), and one of a term as long.
    for record in [
        format!("v=spf1{}", " a".repeat(32_000)),
        format!("v=spf1 a:{}", "x.".repeat(32_000)),
    ] {
        let (verdict, asked) = spf(|_| Ok(Records::txt([record.as_str()])));
        assert_eq!(verdict.result, SpfResult::PermError);
        assert_eq!(asked, 1);
    }
}

/// RFC 7208 section 7.3: an expansion is cut on its left to 253 octets, whatever macro
/// makes it long; section 4.8: what is no name then is never asked for.
#[test]
fn rfc7208_7_3_expansions_over_253() {
    for macro_string in ["%{l}", "%{l-}", "%{s}", "%{L}", "%{lr-}", "%{l}%{l}%{l}"] {
        for local in [
            "x".repeat(64),
            "a-".repeat(2000),
            "a.".repeat(2000) + "b",
            "\u{fc}".repeat(300),
            "%{l}".repeat(99),
        ] {
            let mut check =
                spf::Check::mail_from(CLIENT, &format!("{local}@example.com"), "mx.test");
            while let Some(query) = check.next_query() {
                assert!(query.name.len() <= 253, "{}", query.name);
                assert!(
                    query
                        .name
                        .split('.')
                        .all(|label| (1..64).contains(&label.len()))
                );
                let record = format!("v=spf1 exists:{macro_string}.x.test -all");
                let answer = match query.kind {
                    RecordKind::Txt => Ok(Records::txt([record])),
                    _ => Err(DnsError::NotFound),
                };
                check.answer(query.id, answer).unwrap();
            }
            assert_eq!(check.verdict().unwrap().result, SpfResult::Fail);
        }
    }
}

fn dmarc_of(
    author: &Author,
    passed: &[Identifier],
    backwards: bool,
    answer: impl Fn(&Query) -> Result<Records, DnsError>,
) -> (dmarc::Verdict, usize) {
    let mut check = dmarc::Check::of(author, passed.to_vec());
    let (mut open, mut asked) = (Vec::new(), 0);
    loop {
        while let Some(query) = check.next_query() {
            asked += 1;
            open.push(query);
            if !backwards {
                break;
            }
        }
        let Some(query) = open.pop() else { break };
        check.answer(query.id, answer(&query)).unwrap();
    }
    (check.verdict().expect("no verdict").clone(), asked)
}

/// RFC 9989 section 4.10: four authors and ten signers of a hundred labels ask for eight
/// names each, and for three to see whether a domain is there.
#[test]
fn rfc9989_4_10_walks_of_a_hundred_labels() {
    let deep = |n: usize| format!("{}x{n}.test", "a.".repeat(98));
    let list: Vec<String> = (0..4).map(|n| format!("a@{}", deep(n))).collect();
    let author = Author::read(format!("From: {}\r\n", list.join(", ")).as_bytes());
    let signer =
        |n: usize| Identifier::Dkim(Domain::new(&format!("b.{}", &deep(n % 3)[2..])).unwrap());
    let signers: Vec<Identifier> = (0..10).map(signer).collect();
    let (verdict, asked) = dmarc_of(&author, &signers, false, |query| match &*query.name {
        "_dmarc.test" => Ok(Records::txt(["v=DMARC1; p=none; np=reject; psd=y"])),
        _ => Err(DnsError::NotFound),
    });
    assert_eq!(verdict.result, DmarcResult::Fail);
    assert!(asked <= 4 * (8 + 3) + 10 * 8, "{asked}");
}

/// RFC 9989 section 4.10, step 2: several records are none, however many come; sections
/// 4.7 and 4.8: a record of 64 KB is read in one pass.
#[test]
fn rfc9989_4_10_txt_bombs() {
    let author = Author::read(b"From: a@example.com\r\n");
    let verdict = |texts: Vec<String>| {
        let answer = |query: &Query| match &*query.name {
            "_dmarc.example.com" => Ok(Records::txt(texts.iter().map(String::as_str))),
            _ => Err(DnsError::NotFound),
        };
        dmarc_of(&author, &[], false, answer).0
    };
    let many = |n| vec!["v=DMARC1; p=reject".to_owned(); n];
    assert_eq!(verdict(many(1)).result, DmarcResult::Fail);
    assert_eq!(verdict(many(10_000)).result, DmarcResult::None);
    let junk = (0..10_000).map(|n| format!("junk {n}")).chain(many(1));
    assert_eq!(verdict(junk.collect()).result, DmarcResult::Fail);
    for tag in [
        "x=y;",
        ";",
        "rua=mailto:a@b.test,",
        "p=none;",
        "=",
        "fo=1:d:s:",
        " ",
    ] {
        let record = format!("v=DMARC1; p=reject; {}", tag.repeat(65_000 / tag.len()));
        assert_eq!(verdict(vec![record]).result, DmarcResult::Fail, "{tag}");
    }
}

/// dk10, RFC 8601 sections 2.2 and 7.1: whatever a sender says at HELO and MAIL FROM, in
/// From or in a domain's record, the field has the results that were found, and no other.
#[test]
fn dk10_rfc8601_7_1_results_injection() {
    for evil in [
        "x\"; dkim=pass header.d=bank.test (\"",
        "x; dkim=pass",
        "x (comment",
        "x) y",
        "x\r\nAuthentication-Results: mx.test; dkim=pass",
        "x\0y",
        "\u{fc}\u{202e}",
        "a\\",
        "\\\"; dkim=pass; x=\"",
        "=?utf-8?q?=3B_dkim=3Dpass?=",
    ] {
        for (helo, from) in [
            (evil.to_owned(), String::new()),
            ("mx.test".to_owned(), format!("{evil}@example.com")),
            (evil.to_owned(), format!("a@{evil}")),
        ] {
            let mut check = spf::Check::mail_from(CLIENT, &from, &helo);
            while let Some(query) = check.next_query() {
                let record = format!("v=spf1 include:{evil} exp={evil} -all");
                let answer = match query.kind {
                    RecordKind::Txt => Ok(Records::txt([record])),
                    _ => Err(DnsError::NotFound),
                };
                check.answer(query.id, answer).unwrap();
            }
            let spf = check.verdict().unwrap();
            let author =
                Author::read(format!("From: \"{evil}\" <{evil}@example.com>\r\n").as_bytes());
            let (dmarc, _) = dmarc_of(&author, &[], false, |query| {
                Ok(match query.kind {
                    RecordKind::Txt => Records::txt([format!("v=DMARC1; p=reject; {evil}")]),
                    _ => return Err(DnsError::NotFound),
                })
            });
            let field = AuthenticationResults::new("mx.test")
                .unwrap()
                .spf(spf)
                .dmarc(&dmarc)
                .to_string();
            let body = field.strip_suffix("\r\n").unwrap();
            for (at, line) in body.split("\r\n").enumerate() {
                assert!(
                    line.len() < 998 && !line.contains(['\r', '\n', '\0']),
                    "{field}"
                );
                assert!(
                    line.is_ascii() && line.starts_with(' ') == (at > 0),
                    "{field}"
                );
            }
            let (_, value) = body.split_once(':').unwrap();
            let read = scop_mime::AuthenticationResults::parse(value.as_bytes());
            let found: Vec<_> = read
                .results()
                .iter()
                .map(|r| (r.method(), r.result()))
                .collect();
            let (spf, dmarc) = (spf.result.to_string(), dmarc.result.to_string());
            assert_eq!(
                found,
                [("spf", spf.as_str()), ("dmarc", dmarc.as_str())],
                "{field}"
            );
            let received = spf::ReceivedSpf::new(check.verdict().unwrap(), evil).to_string();
            assert!(
                received
                    .trim_end_matches("\r\n")
                    .split("\r\n")
                    .skip(1)
                    .all(|l| l.starts_with(' ')),
                "{received}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Several authors and signers, and answers in any order: one verdict.
    #[test]
    fn rfc9989_the_order_of_answers_is_of_no_account(
        names in prop::collection::vec(0usize..6, 1..5),
        signers in prop::collection::vec(0usize..6, 0..4),
        records in prop::collection::vec(0usize..6, 6),
    ) {
        const NAMES: [&str; 6] = ["example.com", "a.example.com", "b.a.example.com", "mild.test", "x.mild.test", "other.test"];
        const RECORDS: [&str; 6] = ["", "v=DMARC1; p=reject", "v=DMARC1; p=quarantine; np=reject; t=y", "v=DMARC1; p=none; psd=n; adkim=s", "v=DMARC1; psd=y; p=reject", "FAIL"];
        let list: Vec<String> = names.iter().map(|&n| format!("x@{}", NAMES[n])).collect();
        let author = Author::read(format!("From: {}\r\n", list.join(", ")).as_bytes());
        let signers: Vec<Identifier> = signers.iter().map(|&n| Identifier::Dkim(Domain::new(NAMES[n]).unwrap())).collect();
        let answer = |query: &Query| {
            let at = query.name.strip_prefix("_dmarc.").and_then(|name| NAMES.iter().position(|n| *n == name));
            match at.map(|at| RECORDS[records[at]]) {
                Some("FAIL") => Err(DnsError::Temporary),
                Some(record) if !record.is_empty() => Ok(Records::txt([record])),
                _ => Err(DnsError::NotFound),
            }
        };
        let (one, _) = dmarc_of(&author, &signers, false, answer);
        let (other, _) = dmarc_of(&author, &signers, true, answer);
        prop_assert_eq!(
            (one.result, &one.reason, one.disposition, &one.author, &one.aligned),
            (other.result, &other.reason, other.disposition, &other.author, &other.aligned)
        );
    }
}

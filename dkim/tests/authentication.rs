//! SPF, DKIM, ARC and DMARC of one message together.

use std::collections::HashMap;

use scop_dkim::authentication::{Authenticated, Authentication};
use scop_dkim::dmarc::DmarcResult;
use scop_dkim::spf::SpfResult;
use scop_dkim::{
    DnsError, Domain, Limits, Policy, Query, RecordKind, Records, Selector, Signer, SigningKey,
    SystemRandom,
};

const NOW: u64 = 1_700_000_000;
const SEED: [u8; 32] = [9; 32];

fn signed(domain: &str, text: &str) -> String {
    let key = SigningKey::ed25519(&SEED).unwrap();
    let signer = Signer::new(
        Domain::new(domain).unwrap(),
        Selector::new("k").unwrap(),
        key,
    );
    let mut signing = signer.start(NOW);
    signing.write(text.as_bytes()).unwrap();
    signing.finish(&SystemRandom::new()).unwrap() + text
}

/// TXT records by name; what is not there does not exist.
struct Zone(HashMap<&'static str, String>);

impl Zone {
    fn new(more: &[(&'static str, &str)]) -> Self {
        let key = SigningKey::ed25519(&SEED).unwrap().record().to_string();
        let mut records = HashMap::from([
            ("sender.test", "v=spf1 ip4:192.0.2.1 -all".to_owned()),
            ("k._domainkey.author.test", key.clone()),
            ("k._domainkey.list.test", key),
            ("_dmarc.author.test", "v=DMARC1; p=reject".to_owned()),
            ("_dmarc.sender.test", "v=DMARC1; p=quarantine".to_owned()),
        ]);
        records.extend(more.iter().map(|(name, text)| (*name, (*text).to_owned())));
        Self(records)
    }

    /// `FAIL` stands for a failure.
    fn answer(&self, query: &Query) -> Result<Records, DnsError> {
        match self.0.get(&*query.name).map(String::as_str) {
            Some("FAIL") => Err(DnsError::Temporary),
            Some(text) if query.kind == RecordKind::Txt => Ok(Records::txt([text])),
            _ => Err(DnsError::NotFound),
        }
    }
}

fn start(mail_from: &str) -> Authentication {
    let client = "192.0.2.1".parse().unwrap();
    Authentication::new(client, "helo.test", mail_from, NOW)
}

/// Answers everything; how many questions there were.
fn resolve(message: &mut Authenticated, zone: &Zone) -> usize {
    let mut asked = 0;
    while let Some(query) = message.next_query() {
        asked += 1;
        message.answer(query.id, zone.answer(&query)).unwrap();
    }
    assert!(message.is_complete());
    asked
}

fn authenticate(mail_from: &str, text: &str, zone: &Zone) -> Authenticated {
    let mut message = start(mail_from);
    message.write(text.as_bytes()).unwrap();
    let mut message = message.finish();
    resolve(&mut message, zone);
    message
}

fn mail(from: &str) -> String {
    format!("From: {from}\r\nSubject: x\r\n\r\nHello\r\n")
}

/// RFC 6376 section 3.6.1: to DMARC a message whose key says `t=y` is as an unsigned one where
/// the operator wants it so; by default it counts, and the results name the mode.
#[test]
fn a_signature_in_testing_mode_counts_as_the_operator_wants() {
    let key = SigningKey::ed25519(&SEED).unwrap().record().testing_mode();
    let key = key.to_string();
    let zone = Zone::new(&[("k._domainkey.author.test", &key)]);
    let text = signed("author.test", &mail("a@author.test"));
    let message = authenticate("a@other.test", &text, &zone);
    assert_eq!(
        message.dmarc().unwrap().result,
        DmarcResult::Pass,
        "{message}"
    );
    let results = message.results("mx.test").unwrap().to_string();
    assert!(
        results.contains("dkim=pass\r\n  reason=\"verified; the key is in testing mode"),
        "{results}"
    );
    let mut policy = Policy::default();
    policy.honour_testing = true;
    let client = "192.0.2.1".parse().unwrap();
    let limits = Limits::default();
    let mut message = Authentication::with(policy, limits, client, "h.test", "a@other.test", NOW);
    message.write(text.as_bytes()).unwrap();
    let mut message = message.finish();
    resolve(&mut message, &zone);
    assert_eq!(
        message.dmarc().unwrap().result,
        DmarcResult::Fail,
        "{message}"
    );
    let results = message.results("mx.test").unwrap().to_string();
    assert!(
        results.contains("dkim=policy") && results.contains("testing mode"),
        "{results}"
    );
}

#[test]
fn either_way_of_passing_is_enough() {
    let zone = Zone::new(&[]);
    for (mail_from, text, result) in [
        ("a@sender.test", mail("a@sender.test"), DmarcResult::Pass),
        (
            "a@other.test",
            signed("author.test", &mail("a@author.test")),
            DmarcResult::Pass,
        ),
        ("a@sender.test", mail("a@author.test"), DmarcResult::Fail),
        (
            "a@sender.test",
            signed("list.test", &mail("a@author.test")),
            DmarcResult::Fail,
        ),
        ("", mail("a@unknown.test"), DmarcResult::None),
        (
            "a@sender.test",
            "Subject: x\r\n\r\n".into(),
            DmarcResult::PermError,
        ),
    ] {
        let message = authenticate(mail_from, &text, &zone);
        let dmarc = message.dmarc().unwrap();
        assert_eq!(dmarc.result, result, "{message}");
    }
}

/// RFC 8601 section 3: the client's name, where it is asked for.
#[test]
fn the_name_of_the_client_is_one_of_the_checks() {
    for (name, result) in [
        (Some("mx.sender.test."), "pass"),
        (Some("elsewhere.test"), "fail"),
        (None, "permerror"),
    ] {
        let zone = Zone::new(&[]);
        let mut message = start("a@sender.test").with_iprev();
        message.write(mail("a@sender.test").as_bytes()).unwrap();
        let mut message = message.finish();
        while let Some(query) = message.next_query() {
            let answer = match (&*query.name, query.kind, name) {
                ("1.2.0.192.in-addr.arpa", RecordKind::Ptr, Some(name)) => {
                    Ok(Records::Ptr([name.to_owned()].into()))
                }
                ("mx.sender.test", RecordKind::A, _) => {
                    Ok(Records::A(["192.0.2.1".parse().unwrap()].into()))
                }
                _ => zone.answer(&query),
            };
            message.answer(query.id, answer).unwrap();
        }
        assert!(message.is_complete());
        assert_eq!(message.iprev().unwrap().result.to_string(), result);
        let field = message.results("here.test").unwrap().to_string();
        let start = format!("Authentication-Results: here.test;\r\n iprev={result}");
        assert!(field.starts_with(&start), "{field}");
        assert!(field.contains(" policy.iprev=192.0.2.1;"), "{field}");
        assert!(
            message
                .to_string()
                .starts_with(&format!("iprev {result} 192.0.2.1: "))
        );
    }
    let mut message = start("a@sender.test").with_iprev();
    message.write(mail("a@sender.test").as_bytes()).unwrap();
    let mut message = message.finish();
    message.give_up();
    assert_eq!(message.iprev().unwrap().result.to_string(), "temperror");
}

/// RFC 9989 section 5.3.6: when DNS fails for what could have passed, the message neither
/// passes nor fails. What is not aligned cannot decide.
#[test]
fn a_failure_that_could_have_decided_leaves_it_open() {
    let text = signed("author.test", &mail("a@author.test"));
    let zone = Zone::new(&[("k._domainkey.author.test", "FAIL")]);
    let message = authenticate("a@sender.test", &text, &zone);
    assert_eq!(
        message.dmarc().unwrap().result,
        DmarcResult::TempError,
        "{message}"
    );

    let zone = Zone::new(&[("author.test", "FAIL")]);
    let message = authenticate("a@author.test", &mail("a@author.test"), &zone);
    assert_eq!(message.spf().unwrap().result, SpfResult::TempError);
    assert_eq!(
        message.dmarc().unwrap().result,
        DmarcResult::TempError,
        "{message}"
    );

    let text = signed("list.test", &mail("a@author.test"));
    let zone = Zone::new(&[("k._domainkey.list.test", "FAIL"), ("sender.test", "FAIL")]);
    let message = authenticate("a@sender.test", &text, &zone);
    assert_eq!(
        message.dmarc().unwrap().result,
        DmarcResult::Fail,
        "{message}"
    );
    // And what passes, passes.
    let text = signed("author.test", &mail("a@author.test"));
    let message = authenticate("a@sender.test", &text, &zone);
    assert_eq!(
        message.dmarc().unwrap().result,
        DmarcResult::Pass,
        "{message}"
    );
}

/// Law 1, and answers in any order at any time: the verdicts are the same.
#[test]
fn cuts_and_the_order_of_answers_change_nothing() {
    let zone = Zone::new(&[]);
    let text = signed("list.test", &signed("author.test", &mail("a@author.test")));
    let whole = authenticate("a@sender.test", &text, &zone);
    let expected = (
        whole.to_string(),
        whole.results("mx.test").unwrap().to_string(),
    );
    for size in (1..40).chain([97, 500, text.len()]) {
        for order in 0..3 {
            let mut message = start("a@sender.test");
            let mut open = Vec::new();
            for (at, chunk) in text.as_bytes().chunks(size).enumerate() {
                message.write(chunk).unwrap();
                open.extend(std::iter::from_fn(|| message.next_query()));
                // At once, after a while, or only behind the end.
                if order == 0 || (order == 1 && at % 3 == 2) {
                    for query in open.drain(..) {
                        message.answer(query.id, zone.answer(&query)).unwrap();
                    }
                }
            }
            let mut message = message.finish();
            while !message.is_complete() {
                open.extend(std::iter::from_fn(|| message.next_query()));
                let query = open.pop().expect("somebody asks");
                message.answer(query.id, zone.answer(&query)).unwrap();
            }
            let found = (
                message.to_string(),
                message.results("mx.test").unwrap().to_string(),
            );
            assert_eq!(found, expected, "pieces of {size}, order {order}");
        }
    }
}

/// One name is asked for once, whoever wants it; the budget is for all together.
#[test]
fn questions_are_few_and_counted() {
    let zone = Zone::new(&[]);
    let text = signed(
        "author.test",
        &signed("author.test", &mail("a@author.test")),
    );
    let mut message = start("a@sender.test").with_helo("sender.test");
    message.write(text.as_bytes()).unwrap();
    let mut message = message.finish();
    // One SPF record, one key, _dmarc.author.test and _dmarc.test.
    let asked = resolve(&mut message, &zone);
    assert_eq!(asked, 4, "{message}");
    assert_eq!(message.helo().unwrap().result, SpfResult::Pass);

    for budget in 0..4 {
        let mut message = start("a@sender.test").with_query_budget(budget);
        message.write(text.as_bytes()).unwrap();
        let mut message = message.finish();
        assert!(resolve(&mut message, &zone) <= budget);
        assert_eq!(
            message.dmarc().unwrap().result,
            DmarcResult::TempError,
            "{budget}: {message}"
        );
    }
}

#[test]
fn waiting_can_be_ended_at_any_time() {
    let zone = Zone::new(&[]);
    let text = signed("author.test", &mail("a@author.test"));
    for answered in 0..5 {
        let mut message = start("a@sender.test");
        message.write(text.as_bytes()).unwrap();
        let mut message = message.finish();
        for _ in 0..answered {
            if let Some(query) = message.next_query() {
                message.answer(query.id, zone.answer(&query)).unwrap();
            }
        }
        let late = message.next_query();
        message.give_up();
        assert!(message.is_complete() && message.next_query().is_none());
        if let Some(query) = late {
            // The answer comes after all: too late, and no harm.
            assert!(message.answer(query.id, zone.answer(&query)).is_err());
        }
        let result = message.dmarc().unwrap().result;
        assert!(
            matches!(result, DmarcResult::TempError | DmarcResult::Pass),
            "{message}"
        );
    }
}

#[test]
fn a_header_over_a_limit_is_nobodys() {
    let mut limits = Limits::default();
    limits.header_bytes = 20;
    let client = "192.0.2.1".parse().unwrap();
    let policy = Policy::default();
    let mut message = Authentication::with(policy, limits, client, "h.test", "a@sender.test", NOW);
    assert!(message.write(mail("a@sender.test").as_bytes()).is_err());
    assert!(message.write(b"x").is_err());
    let mut message = message.finish();
    resolve(&mut message, &Zone::new(&[]));
    let field = message.results("mx.test").unwrap().to_string();
    assert!(
        field.contains("dkim=permerror") && field.contains("dmarc=permerror"),
        "{field}"
    );
}

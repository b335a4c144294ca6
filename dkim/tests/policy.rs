//! What a verifier may be told beyond the RFC, what it asks DNS besides keys, and what an
//! outcome tells.

mod common;

use core::cell::RefCell;

use common::{Forge, NOW, record, verify_with};
use scop_dkim::reporting::Incident;
use scop_dkim::{
    Canonicalization, DkimResult, DnsError, Limits, Policy, PublicSuffixes, Reason, Records,
    Verification, Verifier,
};

const HEADER: &str = "From: joe@example.com\r\nTo: a@b.test\r\nSubject: hi\r\n";
const BODY: &str = "Hello\r\n";

fn forged(tags: &str) -> Vec<u8> {
    let forge = Forge {
        tags,
        ..Forge::default()
    };
    forge.message(HEADER, BODY)
}

fn key(_: &str) -> Result<Records, DnsError> {
    Ok(Records::txt([record()]))
}

fn run(policy: &Policy, message: &[u8]) -> Verification {
    verify_with(policy, message, 33, &key)
}

/// RFC 6376 section 8.13: nobody signs for a whole top level.
#[test]
fn public_suffixes() {
    let com = forged("v=1; a=ed25519-sha256; d=com; s=sel");
    let outcome = run(&Policy::default(), &com).outcomes()[0].clone();
    assert_eq!(outcome.result(), DkimResult::Neutral);
    assert_eq!(
        outcome.reason.to_string(),
        "bad signing domain \"d=\": a domain has at least two labels (RFC 6376 section 3.5)"
    );
    let mut policy = Policy::default();
    policy.public_suffixes = Some(PublicSuffixes::new(|domain| domain == "co.uk"));
    for (domain, reason) in [
        ("co.uk", Reason::PublicSuffix),
        ("CO.uk", Reason::PublicSuffix),
        ("a.co.uk", Reason::Verified),
    ] {
        let message = forged(&format!("v=1; a=ed25519-sha256; d={domain}; s=sel"));
        let outcome = run(&policy, &message).outcomes()[0].clone();
        assert_eq!(outcome.reason, reason, "{domain}");
    }
    assert_eq!(Reason::PublicSuffix.result(), DkimResult::Policy);
}

/// The list of registries, without the domains whose owners ask others to keep apart.
#[cfg(feature = "psl")]
#[test]
fn the_list_of_public_suffixes() {
    assert_eq!(Policy::default(), Policy::default());
    for (domain, reason) in [
        ("co.uk", Reason::PublicSuffix),
        ("CO.JP", Reason::PublicSuffix),
        ("anything.ck", Reason::PublicSuffix),
        ("www.ck", Reason::Verified),
        ("example.co.uk", Reason::Verified),
        ("github.io", Reason::Verified),
        ("no.such-top-level", Reason::Verified),
    ] {
        let message = forged(&format!("v=1; a=ed25519-sha256; d={domain}; s=sel"));
        let outcome = run(&Policy::default(), &message).outcomes()[0].clone();
        assert_eq!(outcome.reason, reason, "{domain}");
    }
}

/// RFC 6376 section 8.4: 200 signatures do not make 200 queries.
#[test]
fn the_budget_of_queries() {
    let mut many = Vec::new();
    for n in 0..200 {
        let tags = format!("v=1; a=ed25519-sha256; d=d{n}.example.com; s=sel");
        let forge = Forge {
            tags: &tags,
            ..Forge::default()
        };
        many.extend_from_slice(forge.field(HEADER, BODY).as_bytes());
    }
    many.extend_from_slice(format!("{HEADER}\r\n{BODY}").as_bytes());
    let count = |limits: Limits| {
        let mut verifier = Verifier::new(Policy::default(), limits, NOW);
        verifier.write(&many).unwrap();
        let mut verification = verifier.finish();
        let mut asked = 0;
        while let Some(query) = verification.next_query() {
            asked += 1;
            verification.answer(query.id, key(&query.name)).unwrap();
        }
        assert!(verification.is_complete());
        let outcomes = verification.outcomes();
        let over = outcomes
            .iter()
            .filter(|o| matches!(o.reason, Reason::QueryLimit(_)));
        (asked, outcomes.len(), over.count(), verification.skipped())
    };
    assert_eq!(count(Limits::default()), (10, 10, 0, 190));
    let mut limits = Limits::default();
    limits.signatures = 200;
    assert_eq!(count(limits.clone()), (50, 200, 150, 0));
    limits.queries = 3;
    assert_eq!(count(limits), (3, 200, 197, 0));
    assert_eq!(Reason::QueryLimit(3).result(), DkimResult::Policy);
}

/// RFC 6651 section 3.3.
#[test]
fn reports() {
    let good = forged("v=1; a=ed25519-sha256; d=example.com; s=sel; r=y");
    let changed = [&good[..], b"more\r\n"].concat();
    let broken = {
        let text = String::from_utf8(good.clone()).unwrap();
        text.replace(" a=ed25519-sha256;", "").into_bytes()
    };
    let silent = [
        &forged("v=1; a=ed25519-sha256; d=example.com; s=sel; r=n")[..],
        b"x",
    ]
    .concat();
    let mut policy = Policy::default();
    let asked = RefCell::new(Vec::new());
    let run = |policy: &Policy, message: &[u8], answer: Result<Records, DnsError>| {
        asked.borrow_mut().clear();
        let zone = |name: &str| {
            asked.borrow_mut().push(name.to_owned());
            match name.starts_with("_report.") {
                true => answer.clone(),
                false => key(name),
            }
        };
        verify_with(policy, message, 50, &zone).outcomes()[0].clone()
    };
    let text = |text: &str| Ok(Records::txt([text]));
    // Only where it was asked for.
    assert_eq!(run(&policy, &changed, text("ra=a")).report, None);
    assert!(asked.borrow().is_empty());

    policy.look_up_reports = true;
    let outcome = run(&policy, &changed, text("ra=dkim; rp=50; rs=go=20away"));
    let report = outcome.report.unwrap();
    assert_eq!(
        (report.address.as_str(), report.percentage, report.incident),
        ("dkim@example.com", 50, Incident::Verification)
    );
    assert_eq!(report.smtp_text.as_deref(), Some("go away"));
    assert_eq!(*asked.borrow(), ["_report._domainkey.example.com"]);
    assert_eq!(outcome.reason, Reason::BodyHashMismatch, "unaffected");

    let outcome = run(&policy, &broken, text("ra=dkim; rr=s"));
    assert_eq!(outcome.report.unwrap().incident, Incident::Syntax);

    for answer in [
        text("ra=dkim; rr=x:d"),
        text("rp=100"),
        text("ra=a=0D=0Ab"),
        text("junk"),
        Ok(Records::txt(["ra=dkim", "ra=dkim"])),
        Ok(Records::txt::<&str>([])),
        Err(DnsError::NotFound),
        Err(DnsError::Temporary),
    ] {
        let outcome = run(&policy, &changed, answer.clone());
        assert_eq!(outcome.report, None, "{answer:?}");
        assert_eq!(outcome.reason, Reason::BodyHashMismatch);
    }
    // No failure, no request: nothing is asked.
    assert_eq!(run(&policy, &good, text("ra=dkim")).report, None);
    assert_eq!(*asked.borrow(), ["sel._domainkey.example.com"]);
    assert_eq!(run(&policy, &silent, text("ra=dkim")).report, None);
    assert!(asked.borrow().is_empty());
}

/// Who may ask what follows from a failure does not depend on the order of the answers.
#[test]
fn the_budget_does_not_depend_on_the_order_of_answers() {
    let field = |n: usize| {
        let tags = format!("v=1; a=ed25519-sha256; d=d{n}.example.com; s=sel; r=y");
        let forge = Forge {
            tags: &tags,
            ..Forge::default()
        };
        forge.field(HEADER, BODY)
    };
    let message = format!("{}{}{HEADER}\r\n{BODY}", field(1), field(2)).replace("hi", "ho");
    let (mut policy, mut limits) = (Policy::default(), Limits::default());
    policy.look_up_reports = true;
    limits.queries = 3;
    let run = |backwards: bool| {
        let mut verifier = Verifier::new(policy.clone(), limits.clone(), NOW);
        verifier.write(message.as_bytes()).unwrap();
        let mut verification = verifier.finish();
        let mut asked = Vec::new();
        loop {
            let mut queries: Vec<_> = std::iter::from_fn(|| verification.next_query()).collect();
            if queries.is_empty() {
                break;
            }
            if backwards {
                queries.reverse();
            }
            for query in queries {
                let answer = match query.name.starts_with("_report.") {
                    true => Records::txt(["ra=a"]),
                    false => Records::txt([record()]),
                };
                verification.answer(query.id, Ok(answer)).unwrap();
                asked.push(query.name);
            }
        }
        asked.sort();
        (asked, format!("{:?}", verification.outcomes()))
    };
    assert_eq!(run(false), run(true));
    assert_eq!(run(true).0.len(), 3);
}

/// RFC 6541 section 4.
#[cfg(feature = "atps")]
#[test]
fn atps() {
    use common::SEED;
    use scop_dkim::atps::{AtpsHash, AtpsRecord, AtpsResult, query_name};
    use scop_dkim::{Domain, Selector, Signer, SigningKey, SystemRandom};

    let domain = |name: &str| Domain::new(name).unwrap();
    let signed = |from: &str, hash| {
        let message = format!("From: {from}\r\n\r\nHi\r\n");
        let key = SigningKey::ed25519(&SEED).unwrap();
        let mut signing = Signer::new(domain("esp.example.net"), Selector::new("s").unwrap(), key)
            .on_behalf_of(domain("Example.com"), hash)
            .start(NOW);
        signing.write(message.as_bytes()).unwrap();
        signing.finish(&SystemRandom::new()).unwrap() + &message
    };
    let run = |message: &str, answer: Result<Records, DnsError>| {
        let asked = RefCell::new(None);
        let zone = |name: &str| match name.contains("._atps.") {
            true => {
                *asked.borrow_mut() = Some(name.to_owned());
                answer.clone()
            }
            false => key(name),
        };
        let v = verify_with(&Policy::default(), message.as_bytes(), 9, &zone);
        let outcome = v.outcomes()[0].clone();
        // RFC 6541 section 8.3.
        let field = scop_dkim::AuthenticationResults::new("mx.example.org").unwrap();
        let field = field.dkim(&outcome).to_string();
        match outcome.atps {
            Some(found) => assert!(
                field.ends_with(&format!(
                    ";\r\n dkim-atps={found} header.from=Example.com\r\n"
                )),
                "{field}"
            ),
            None => assert!(!field.contains("atps"), "{field}"),
        }
        (outcome.reason, outcome.atps, asked.into_inner())
    };
    let allowed = || {
        let record = AtpsRecord::new(domain("esp.example.net"));
        Ok(Records::txt([record.to_string()]))
    };
    for hash in [AtpsHash::None, AtpsHash::Sha1, AtpsHash::Sha256] {
        let (reason, atps, asked) = run(&signed("Joe <joe@EXAMPLE.com>", hash), allowed());
        assert_eq!((reason, atps), (Reason::Verified, Some(AtpsResult::Pass)));
        let name = query_name(&domain("esp.example.net"), hash, &domain("Example.com"));
        assert_eq!(asked, name);
    }
    let message = signed("joe@example.com", AtpsHash::Sha256);
    let (_, atps, _) = run(&message, Err(DnsError::NotFound));
    assert_eq!(atps, Some(AtpsResult::Fail));
    let (_, atps, _) = run(&message, Err(DnsError::Temporary));
    assert_eq!(atps, Some(AtpsResult::TempError));
    // Another author (section 4.3): ignored. One of several: asked for.
    let other = signed("joe@example.org", AtpsHash::Sha256);
    let (_, atps, asked) = run(&other, allowed());
    assert_eq!((atps, asked), (None, None));
    let several = signed("a@b.test, joe@example.com", AtpsHash::Sha256);
    assert_eq!(run(&several, allowed()).1, Some(AtpsResult::Pass));
    // What does not verify asks nothing.
    let (reason, atps, asked) = run(&(message + "more\r\n"), allowed());
    assert_eq!(
        (reason, atps, asked),
        (Reason::BodyHashMismatch, None, None)
    );
}

/// Issue 4: what an outcome tells, so that a person can act and a caller detect replay.
#[test]
fn an_outcome_tells_everything() {
    let tags = format!(
        "v=1; a=ed25519-sha256; d=example.com; s=sel; i=joe@eng.example.com; t={NOW}; x={}; zz=1",
        NOW + 9
    );
    let signed = String::from_utf8(forged(&tags)).unwrap();
    let message = format!("Received: x\r\nReply-To: e@evil.test\r\nX-To: y\r\n{signed}");
    let verification = run(&Policy::default(), message.as_bytes());
    let outcome = &verification.outcomes()[0];
    assert_eq!(outcome.domain().unwrap().as_str(), "example.com");
    assert_eq!(outcome.selector().unwrap().as_str(), "sel");
    assert_eq!(outcome.key_bits(), Some(256));
    let signature = outcome.signature.as_ref().unwrap();
    assert_eq!(signature.identity().to_string(), "joe@eng.example.com");
    assert_eq!(signature.algorithm().to_string(), "ed25519-sha256");
    assert_eq!(signature.timestamp(), Some(NOW));
    assert_eq!(signature.expiration(), Some(NOW + 9));
    assert_eq!(signature.body_hash().len(), 32);
    assert_eq!(signature.signature().len(), 64);
    assert!(signature.headers().eq(["from", "to", "subject"]));
    assert_eq!(signature.body_canonicalization(), Canonicalization::Relaxed);
    assert!(signature.has_unknown_tags());
    let unsigned: Vec<_> = outcome
        .unsigned_fields()
        .map(|field| (field.name, field.instances))
        .collect();
    assert_eq!(unsigned, [("Reply-To", 1)]);
    let coverage = verification.coverage(0);
    let found: Vec<(&str, bool)> = coverage
        .iter()
        .map(|field| (str::from_utf8(field.name).unwrap(), field.signed))
        .collect();
    assert_eq!(
        found,
        [
            ("Received", false),
            ("Reply-To", false),
            ("X-To", false),
            ("DKIM-Signature", true),
            ("From", true),
            ("To", true),
            ("Subject", true),
        ]
    );
    assert_eq!(coverage[1].value, b" e@evil.test");
    assert!(verification.coverage(1).is_empty());
}

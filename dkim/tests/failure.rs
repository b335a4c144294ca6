//! Failure reports (RFC 9991, RFC 6591): which are wanted, written, and read again.

use scop_dkim::dmarc::{Author, Check, Failure, Identifier, Verdict};
use scop_dkim::{
    AuthenticationResults, DnsError, Domain, Limits, Policy, Query, Reason, Records, Verification,
    Verifier, spf,
};
use scop_mime::build::{Builder, Mailbox, Returned};
use scop_mime::report::{AuthFailure, DeliveryResult};
use scop_mime::{DateTime, Message};

const DOMAIN: &str = "football.example.com";
const SIGNED: &str = include_str!("fixtures/rfc8463-ed25519.eml");

fn dmarc(fo: &str, aligned: &[Identifier]) -> Verdict {
    let record = format!("v=DMARC1; p=reject; ruf=mailto:f@{DOMAIN}{fo}");
    let mut check = Check::of(
        &Author::from(Domain::new(DOMAIN).unwrap()),
        aligned.to_vec(),
    );
    while let Some(query) = check.next_query() {
        let answer = match &*query.name {
            "_dmarc.football.example.com" => Ok(Records::txt([record.as_str()])),
            _ => Err(DnsError::NotFound),
        };
        check.answer(query.id, answer).unwrap();
    }
    check.verdict().unwrap().clone()
}

fn dkim(message: &str) -> Verification {
    dkim_keeping(message, 0)
}

fn dkim_keeping(message: &str, kept_body: usize) -> Verification {
    let key = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let mut limits = Limits::default();
    limits.kept_body = kept_body;
    let mut verifier = Verifier::new(Policy::default(), limits, 1_528_640_000);
    for piece in message.as_bytes().chunks(7) {
        verifier.write(piece).unwrap();
    }
    let mut verification = verifier.finish();
    while let Some(query) = verification.next_query() {
        verification
            .answer(query.id, Ok(Records::txt([key])))
            .unwrap();
    }
    verification
}

fn spf(record: &str) -> spf::Verdict {
    let mut check = spf::Check::mail_from(
        "192.0.2.2".parse().unwrap(),
        &format!("joe@{DOMAIN}"),
        "mx.test",
    );
    while let Some(Query { id, .. }) = check.next_query() {
        check.answer(id, Ok(Records::txt([record]))).unwrap();
    }
    check.verdict().unwrap().clone()
}

fn failure<'a>(dmarc: &'a Verdict, spf: &'a spf::Verdict, dkim: &'a Verification) -> Failure<'a> {
    Failure {
        dmarc,
        spf: Some(spf),
        dkim: Some(dkim),
        canonicalized: false,
        source_ip: "192.0.2.2".parse().unwrap(),
        mail_from: Some("joe@football.example.com"),
        arrival: DateTime::from_unix(1_658_210_268, -300),
        results: None,
        delivery: Some(DeliveryResult::Reject),
    }
}

/// RFC 9989 section 4.7, tag `fo`.
#[test]
fn rfc9989_4_7_which_reports_are_wanted() {
    use AuthFailure::*;
    let good = dkim(SIGNED);
    let bad = dkim(&SIGNED.replace("lost", "won"));
    let (pass, fail) = (spf("v=spf1 ip4:192.0.2.2 -all"), spf("v=spf1 -all"));
    let of = |is: fn(Domain) -> Identifier| is(Domain::new(DOMAIN).unwrap());
    let both = [of(Identifier::Dkim), of(Identifier::Spf)];
    for (fo, aligned, spf, dkim, wanted) in [
        ("", &[][..], &fail, &bad, &[Dmarc][..]),
        ("; fo=0", &both[..1], &fail, &good, &[]),
        ("; fo=1", &both[..1], &fail, &good, &[Dmarc]),
        ("; fo=1", &both, &pass, &good, &[]),
        ("; fo=d", &both[1..], &pass, &bad, &[BodyHash]),
        ("; fo=s", &both[..1], &fail, &good, &[Spf]),
        ("; fo=1:d:s", &[], &fail, &bad, &[Dmarc, BodyHash, Spf]),
        ("; fo=d:s", &both, &pass, &good, &[]),
        ("; psd=y", &[], &fail, &bad, &[]),
    ] {
        let dmarc = dmarc(fo, aligned);
        assert_eq!(failure(&dmarc, spf, dkim).wanted(), wanted, "{fo}");
    }
}

/// RFC 9991 section 4: which fields a report has.
#[test]
fn rfc9991_4_a_report_reads_as_it_was_written() {
    let dmarc = dmarc("; fo=1", &[]);
    let (spf, dkim) = (spf("v=spf1 -all"), dkim(&SIGNED.replace("lost", "won")));
    let results = AuthenticationResults::new("gen.example")
        .unwrap()
        .dmarc(&dmarc);
    let failure = Failure {
        results: Some(&results),
        ..failure(&dmarc, &spf, &dkim)
    };
    let original = SIGNED.split("\r\n\r\n").next().unwrap().to_owned() + "\r\n\r\n";
    let part = failure
        .to_part(
            "Example/1.0",
            AuthFailure::Dmarc,
            Returned::Header(original.into_bytes()),
        )
        .unwrap();
    let now = DateTime::from_unix(1_658_210_268, 0).unwrap();
    let mail = Builder::new(Mailbox::new("dmarc@gen.example").unwrap(), now)
        .to(Mailbox::new("f@football.example.com").unwrap())
        .body(part)
        .build()
        .to_vec();
    let message = Message::parse(&mail);
    let report = message.report().unwrap();
    assert!(
        report
            .returned_bytes()
            .unwrap()
            .starts_with(b"DKIM-Signature:")
    );
    let read = report.feedback_report().unwrap();
    assert!(read.defects.is_empty(), "{:?}", read.defects);
    assert_eq!(
        read,
        failure
            .report("Example/1.0", AuthFailure::Dmarc)
            .map(|r| scop_mime::report::FeedbackReport {
                version: Some(1),
                ..r
            })
            .unwrap()
    );
    let lines = |lines: &[scop_mime::report::Line]| {
        lines
            .iter()
            .map(|l| l.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(lines(&read.identity_alignment), ["dkim", "spf"]);
    assert_eq!(read.dkim_domain.unwrap().as_str(), DOMAIN);
    assert_eq!(read.dkim_selector.unwrap().as_str(), "brisbane");
    assert_eq!(
        read.dkim_identity.unwrap().as_str(),
        "@football.example.com"
    );
    assert_eq!(
        (read.spf_dns[0].domain(), read.spf_dns[0].record()),
        (DOMAIN, "v=spf1 -all")
    );
    assert!(
        read.authentication_results[0]
            .as_str()
            .starts_with("gen.example; dmarc=fail")
    );
    assert_eq!(read.source_ip, Some("192.0.2.2".parse().unwrap()));
    assert_eq!(read.delivery_result, Some(DeliveryResult::Reject));
}

/// RFC 6591 section 3.2.4: what was hashed, exactly, where it is asked for and kept.
#[test]
fn rfc6591_3_2_4_what_was_hashed() {
    let (dmarc, spf) = (dmarc("; fo=1:d", &[]), spf("v=spf1 -all"));
    let changed = SIGNED.replace("lost", "won");
    let (header, body) = changed.split_once("\r\n\r\n").unwrap();
    // Relaxed, as in `c=`: white space at the ends of lines and empty lines at the end go.
    let body = format!("{}\r\n", body.trim_end()).replace("  ", " ");
    for (kept, is_told) in [
        (0, false),
        (body.len() - 1, false),
        (body.len(), true),
        (9999, true),
    ] {
        let dkim = dkim_keeping(&changed, kept);
        assert_eq!(dkim.canonicalized_body(0).is_some(), is_told, "{kept}");
        let mut failure = failure(&dmarc, &spf, &dkim);
        for kind in failure.wanted() {
            let report = failure.report("x", kind).unwrap();
            assert_eq!(
                report.dkim_canonicalized_header, None,
                "it has to be asked for"
            );
            assert_eq!(report.dkim_canonicalized_body, None);
        }
        failure.canonicalized = true;
        for kind in [AuthFailure::Dmarc, AuthFailure::BodyHash] {
            let part = failure
                .to_part("x", kind, Returned::Header(header.into()))
                .unwrap();
            let now = DateTime::from_unix(1_658_210_268, 0).unwrap();
            let mail = Builder::new(Mailbox::new("dmarc@gen.example").unwrap(), now)
                .body(part)
                .build()
                .to_vec();
            let message = Message::parse(&mail);
            let report = message.report().unwrap();
            let read = report.feedback_report().unwrap();
            let told = read.dkim_canonicalized_header.unwrap();
            assert_eq!(told, dkim.canonicalized_header(0).unwrap());
            assert!(told.starts_with(b"from:Joe SixPack <joe@football.example.com>\r\nto:"));
            assert!(told.ends_with(b"; b="));
            let body = is_told.then(|| body.clone().into_bytes());
            assert_eq!(read.dkim_canonicalized_body, body);
        }
        // SPF's report is not about a signature.
        let report = failure.report("x", AuthFailure::Spf).unwrap();
        assert_eq!(report.dkim_canonicalized_header, None);
    }
    // What is longer than a report should be is left out.
    let long = changed.clone() + &"x".repeat(Failure::CANONICALIZED_OCTETS);
    let dkim = dkim_keeping(&long, usize::MAX);
    let failure = Failure {
        canonicalized: true,
        ..failure(&dmarc, &spf, &dkim)
    };
    let report = failure.report("x", AuthFailure::BodyHash).unwrap();
    assert!(report.dkim_canonicalized_header.is_some());
    assert_eq!(report.dkim_canonicalized_body, None);
}

/// RFC 6591 section 3.2.4: only the octets that contribute to the hash, `l=`.
#[test]
fn rfc6591_3_2_4_not_more_than_l_says() {
    let limited = SIGNED.replace(
        "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=",
        "l=3; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=",
    );
    assert_ne!(limited, SIGNED);
    let mut policy = Policy::default();
    policy.body_length = scop_dkim::BodyLength::Partial;
    let mut limits = Limits::default();
    limits.kept_body = 3;
    let mut verifier = Verifier::new(policy, limits, 1_528_640_000);
    verifier.write(limited.as_bytes()).unwrap();
    assert_eq!(verifier.finish().canonicalized_body(0), Some(&b"Hi."[..]));
}

/// RFC 6376 section 3.6.1: a key in testing mode is no failure to be told of.
#[test]
fn a_signature_in_testing_mode_did_not_fail() {
    let key = "v=DKIM1; k=ed25519; t=y; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let by_spf = Identifier::Spf(Domain::new(DOMAIN).unwrap());
    let (dmarc, spf) = (dmarc("; fo=d", &[by_spf]), spf("v=spf1 ip4:192.0.2.2 -all"));
    for (honoured, reason) in [(true, Reason::TestingKey), (false, Reason::Verified)] {
        let mut policy = Policy::default();
        policy.honour_testing = honoured;
        let mut verifier = Verifier::new(policy, Limits::default(), 1_528_640_000);
        verifier.write(SIGNED.as_bytes()).unwrap();
        let mut dkim = verifier.finish();
        while let Some(query) = dkim.next_query() {
            dkim.answer(query.id, Ok(Records::txt([key]))).unwrap();
        }
        assert_eq!(dkim.outcomes()[0].reason, reason);
        assert_eq!(failure(&dmarc, &spf, &dkim).wanted(), []);
    }
}

#[test]
fn nothing_breaks_out_of_a_report() {
    let dmarc = dmarc("", &[]);
    let (spf, dkim) = (spf("v=spf1 exp=\u{fc}.test\r\nX: y -all"), dkim(SIGNED));
    let mut failure = failure(&dmarc, &spf, &dkim);
    assert!(failure.report("a\r\nb", AuthFailure::Dmarc).is_err());
    failure.mail_from = Some("a\r\nX-Evil: y@b.test");
    assert!(failure.report("a", AuthFailure::Dmarc).is_err());
    failure.mail_from = Some("\u{fc}@b.test");
    assert!(
        failure
            .to_part("a", AuthFailure::Dmarc, Returned::Nothing)
            .is_ok()
    );
}

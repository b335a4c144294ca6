//! Reports of TLS failures (RFC 8460 sections 4 and 5).
#![cfg(feature = "reports")]

use std::io::Write as _;

use proptest::prelude::*;
use scop_dkim::Domain;
use scop_dkim::report::{
    Limits, ReportDefect, ReportError, TlsFailure, TlsPolicy, TlsPolicyType, TlsReport, TlsResult,
    UnpackError, pack, unpack,
};
use scop_mime::build::Mailbox;
use scop_mime::{DateTime, Message};

/// RFC 8460 appendix B, as printed: one string is broken over two lines.
const SAMPLE: &str = include_str!("fixtures/report-rfc8460.json");

fn read(json: &str) -> Result<(TlsReport, Vec<ReportDefect>), ReportError> {
    TlsReport::from_json(json.as_bytes(), &Limits::default())
}

#[test]
fn rfc8460_appendix_b() {
    let (report, defects) = read(SAMPLE).unwrap();
    assert_eq!(defects.len(), 1);
    assert_eq!(defects[0].record, 0);
    assert_eq!((report.begin, report.end), (1_459_468_800, 1_459_555_199));
    assert_eq!(report.report_id, "5065427c-23d3-47ca-b6e0-946ea0e8c4be");
    assert_eq!(
        report.contact.as_deref(),
        Some("sts-reporting@company-x.example")
    );
    let [policy] = report.policies.as_slice() else {
        panic!()
    };
    assert_eq!(policy.kind, TlsPolicyType::Sts);
    assert_eq!(policy.text[1], "mode: testing");
    assert_eq!(policy.mx, ["*.mail.company-y.example"]);
    assert_eq!((policy.successful, policy.failed), (5326, 303));
    let found: Vec<_> = policy
        .failures
        .iter()
        .map(|f| (f.result.as_str(), f.count))
        .collect();
    assert_eq!(
        found,
        [
            ("certificate-expired", 100),
            ("starttls-not-supported", 200),
            ("validation-failure", 3)
        ]
    );
    assert_eq!(
        policy.failures[0].sending_ip,
        Some("2001:db8:abcd:12::1".parse().unwrap())
    );
    assert_eq!(
        policy.failures[2].reason.as_deref(),
        Some("X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED")
    );
    assert_eq!(read(&report.to_json()), Ok((report, vec![])));
}

#[test]
fn one_bad_item_does_not_lose_the_rest() {
    let json = r#"{"organization-name":null,"date-range":{"start-datetime":"2024-01-01T00:00:00Z",
        "end-datetime":"2024-01-01T23:59:59Z"},"report-id":"x","new":[{}],"policies":[7,{},
        {"policy":{"policy-type":"quantum","policy-domain":"a.test","policy-string":"one"},
         "summary":{"total-successful-session-count":"5","total-failure-session-count":-1},
         "failure-details":[null,{"result-type":"x"},{"result-type":"brand-new","failed-session-count":2,"receiving-ip":"no"}]}]}"#;
    let (report, defects) = read(json).unwrap();
    let [policy] = report.policies.as_slice() else {
        panic!()
    };
    assert_eq!(policy.kind, TlsPolicyType::Other("quantum".into()));
    assert_eq!(
        (policy.successful, policy.failed, policy.text.len()),
        (5, 0, 1)
    );
    assert_eq!(policy.failures.len(), 1);
    assert_eq!(
        policy.failures[0].result,
        TlsResult::Other("brand-new".into())
    );
    let records: Vec<usize> = defects.iter().map(|d| d.record).collect();
    assert_eq!(records, [1, 2, 3, 3, 3]);
    assert_eq!(read(&report.to_json()).unwrap().0, report);
}

#[test]
fn what_is_no_report() {
    assert!(matches!(
        read("{"),
        Err(ReportError::NotJson { line: 1, .. })
    ));
    assert!(matches!(
        read(&"[".repeat(100_000)),
        Err(ReportError::NotJson { .. })
    ));
    for no in ["[]", "{}", "null", r#"{"policies":{}}"#] {
        assert_eq!(read(no), Err(ReportError::NotTls), "{no}");
    }
    assert_eq!(
        read(r#"{"policies":[]}"#),
        Err(ReportError::MissingKey("start-datetime"))
    );
    let undated = SAMPLE.replace("2016-04-01T00:00:00Z", "yesterday");
    assert_eq!(
        read(&undated),
        Err(ReportError::MissingKey("start-datetime"))
    );
}

/// Nothing is allocated for what is over a limit.
#[test]
fn bombs() {
    let zeros = format!("[{}0]", "0,".repeat(1_000_001));
    assert_eq!(read(&zeros), Err(ReportError::Limit("values")));
    let mut limits = Limits::default();
    limits.bytes = 1 << 20;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        packed.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let packed = packed.finish().unwrap();
    assert_eq!(
        unpack(&packed, &limits),
        Err(UnpackError::TooLarge(1 << 20))
    );
    assert_eq!(
        TlsReport::from_json(&[b' '; 1 + (1 << 20)], &limits),
        Err(ReportError::Limit("bytes"))
    );
    limits.text = 3;
    let (report, _) = TlsReport::from_json(SAMPLE.as_bytes(), &limits).unwrap();
    assert_eq!(report.organization, "Com");
}

/// RFC 8460 section 5.3.
#[test]
fn the_mail_that_carries_it() {
    let (report, _) = read(SAMPLE).unwrap();
    let from = || Mailbox::new("tlsrpt@mail.sender.example.com").unwrap();
    let now = DateTime::from_unix(1_700_000_000, 0).unwrap();
    let (policy, sender): (Domain, Domain) = (
        "company-y.example".parse().unwrap(),
        "mail.sender.example.com".parse().unwrap(),
    );
    let mail = report
        .mail(from(), now, &policy, &sender)
        .unwrap()
        .build()
        .to_vec();
    let text = String::from_utf8(mail.clone()).unwrap();
    for line in [
        "TLS-Report-Domain: company-y.example\r\n",
        "TLS-Report-Submitter: mail.sender.example.com\r\n",
        "Content-Type: application/tlsrpt+gzip",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let message = Message::parse(&mail);
    let root = message.root();
    let kind = root.content_type();
    assert_eq!(kind.essence(), "multipart/report");
    assert_eq!(kind.parameter("report-type"), Some("tlsrpt"));
    assert_eq!(
        message.header().subject().unwrap(),
        "Report Domain: company-y.example Submitter: mail.sender.example.com Report-ID: <5065427c-23d3-47ca-b6e0-946ea0e8c4be@mail.sender.example.com>"
    );
    let attachment = message.attachments().next().unwrap();
    assert_eq!(
        attachment.filename().unwrap(),
        "mail.sender.example.com!company-y.example!1459468800!1459555199.json.gz"
    );
    let json = unpack(&pack(&report.to_json()), &Limits::default())
        .unwrap()
        .into_owned();
    assert_eq!(
        TlsReport::from_json(&json, &Limits::default()).unwrap().0,
        report
    );
    for bad in ["", "a b", "a\r\nX: y", "a@b@c", "a..b", "<x"] {
        let report = TlsReport {
            report_id: bad.into(),
            ..report.clone()
        };
        assert!(
            report.mail(from(), now, &policy, &sender).is_err(),
            "{bad:?}"
        );
    }
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..12).prop_map(|c| c.into_iter().collect())
}

fn policy() -> impl Strategy<Value = TlsPolicy> {
    let failure = (
        text(),
        any::<Option<u32>>(),
        prop::option::of(text()),
        any::<u64>(),
    );
    let failure = failure.prop_map(|(result, ip, text, count)| TlsFailure {
        result: TlsResult::Other(format!("x{result}")),
        sending_ip: ip.map(|ip| std::net::Ipv4Addr::from(ip).into()),
        receiving_host: text.clone(),
        receiving_helo: text.clone(),
        receiving_ip: None,
        count,
        more: text.clone(),
        reason: text,
    });
    let parts = (
        text(),
        prop::collection::vec(text(), 0..3),
        any::<u64>(),
        prop::collection::vec(failure, 0..3),
    );
    parts.prop_map(|(domain, text, successful, failures)| TlsPolicy {
        kind: TlsPolicyType::Tlsa,
        mx: text.clone(),
        text,
        domain,
        successful,
        failed: successful / 2,
        failures,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn what_is_written_is_read(
        organization in text(),
        contact in prop::option::of(text()),
        begin in 0..250_000_000_000u64,
        policies in prop::collection::vec(policy(), 0..3),
    ) {
        let report = TlsReport { organization, contact, begin, end: begin + 86_399, report_id: "1".into(), policies };
        prop_assert_eq!(read(&report.to_json()), Ok((report, vec![])));
    }

    #[test]
    fn cuts_and_changes_do_no_harm(at in 0usize..1700, byte in any::<u8>()) {
        let mut json = SAMPLE.as_bytes().to_vec();
        let at = at.min(json.len() - 1);
        let _ = TlsReport::from_json(&json[..at], &Limits::default());
        json[at] = byte;
        let _ = TlsReport::from_json(&json, &Limits::default());
    }
}

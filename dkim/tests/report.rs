//! Aggregate reports of DMARC (RFC 9990): written, read, packed, collected.
#![cfg(feature = "reports")]

use std::io::Write as _;

use proptest::prelude::*;
use scop_dkim::dmarc::{Check, Identifier};
use scop_dkim::report::{
    AggregateReport, Collector, Disposition, DkimAuth, Limits, Metadata, Observation,
    OverrideReason, PublishedPolicy, Received, ReceivedError, ReportError, Row, SpfAuth,
    UnpackError, file_name, pack, subject, unpack,
};
use scop_dkim::{Domain, Records};

/// After the sample of RFC 9990.
const SAMPLE: &str = include_str!("fixtures/report-rfc9990.xml");

fn read(xml: &str) -> Result<AggregateReport, ReportError> {
    AggregateReport::from_xml(xml.as_bytes(), &Limits::default()).map(|(report, _)| report)
}

#[test]
fn the_sample_of_rfc_9990() {
    let report = read(SAMPLE).unwrap();
    assert_eq!(report.metadata.report_id, "3v98abbp8ya9n3va8yr8oa3ya");
    assert_eq!(
        (report.metadata.begin, report.metadata.end),
        (302_832_000, 302_918_399)
    );
    assert_eq!(
        (report.policy.p.as_str(), report.policy.sp.as_deref()),
        ("quarantine", Some("none"))
    );
    let row = &report.rows[0];
    assert_eq!(
        (row.source_ip.to_string().as_str(), row.count),
        ("192.0.2.123", 123)
    );
    assert_eq!(
        (&row.disposition, row.dkim_aligned, row.spf_aligned),
        (&Disposition::Pass, true, false)
    );
    assert_eq!(row.dkim[0].selector.as_deref(), Some("abc123"));
    assert_eq!(row.spf.as_ref().unwrap().result, "fail");
    assert_eq!(read(&report.to_xml()), Ok(report));
}

/// Reports of RFC 7489: no namespace, `helo`, several SPF results, HTML in comments.
#[test]
fn what_receivers_really_send() {
    let xml = r#"<?xml version='1.0'?>
<!DOCTYPE feedback [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>
<feedback><report_metadata><org_name>A &amp; B</org_name><report_id>1</report_id>
<date_range><begin>1700000000.5</begin><end>1700086399</end></date_range></report_metadata>
<policy_published><domain>a.test</domain><adkim>r</adkim><p>none</p><pct>100</pct></policy_published>
<record><row><source_ip>2001:db8::1</source_ip><count>2</count><policy_evaluated>
<disposition>sampled_out</disposition><dkim>fail</dkim><spf>pass</spf>
<reason><type>forwarded</type><comment><![CDATA[<b>x</b>]]> &#169; &lol2;</comment></reason></policy_evaluated></row>
<identifiers><header_from>a.test</header_from></identifiers>
<auth_results><spf><domain>h.a.test</domain><scope>helo</scope><result>pass</result></spf>
<spf><domain>b.test</domain><scope>mfrom</scope><result>fail</result></spf></auth_results>
<vendor:extra xmlns:vendor="x"><deep/></vendor:extra></record>
<record><row><source_ip>not an address</source_ip><count>1</count></row></record>
</feedback>"#;
    let (report, defects) = AggregateReport::from_xml(xml.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(
        (report.metadata.org_name.as_str(), report.metadata.begin),
        ("A & B", 1_700_000_000)
    );
    let [row] = report.rows.as_slice() else {
        panic!("{:?}", report.rows)
    };
    assert_eq!(row.disposition, Disposition::Other("sampled_out".into()));
    // An entity of the document is not expanded.
    assert_eq!(row.reasons[0].comment.as_deref(), Some("<b>x</b> ©"));
    let spf = row.spf.as_ref().unwrap();
    assert_eq!(
        (spf.domain.as_str(), spf.result.as_str()),
        ("h.a.test", "pass")
    );
    let [defect] = defects.as_slice() else {
        panic!("{defects:?}")
    };
    assert_eq!(
        defect.to_string(),
        "record 2: no valid source_ip; it was left out"
    );
}

/// The rows are worth having where the time is not.
#[test]
fn a_time_that_cannot_be_read_is_told() {
    let xml = |range: &str| {
        format!(
            "<feedback><report_metadata><report_id>1</report_id>{range}</report_metadata>\
             <policy_published><domain>a.test</domain></policy_published></feedback>"
        )
    };
    let begin = "no valid begin of date_range; it stands as 0";
    let end = "no valid end of date_range; it stands as 0";
    for (range, expected) in [
        (
            "<date_range><begin>1</begin><end>2</end></date_range>",
            vec![],
        ),
        ("<date_range><begin>1</begin></date_range>", vec![end]),
        (
            "<date_range><begin>99999999999999999999</begin><end>2023-11-14</end></date_range>",
            vec![begin, end],
        ),
        ("", vec![begin, end]),
    ] {
        let found = AggregateReport::from_xml(xml(range).as_bytes(), &Limits::default());
        let (_, defects) = found.unwrap();
        let told: Vec<String> = defects.iter().map(ToString::to_string).collect();
        assert_eq!(told, expected, "{range}");
    }
}

#[test]
fn what_is_no_report() {
    assert_eq!(read(""), Err(ReportError::NotFeedback));
    assert_eq!(read("<html></html>"), Err(ReportError::NotFeedback));
    assert_eq!(read("<feedback/>"), Err(ReportError::Missing("report_id")));
    assert!(matches!(
        read("<feedback><a></b>"),
        Err(ReportError::Malformed { offset: 13, .. })
    ));
    assert!(matches!(
        read("<feedback><report_metadata>"),
        Err(ReportError::Missing(_))
    ));
    let deep = format!("<feedback>{}", "<a>".repeat(100_000));
    assert_eq!(read(&deep), Err(ReportError::Limit("depth")));
    for end in 0..SAMPLE.len() - 2 {
        assert!(read(&SAMPLE[..end]).is_err(), "cut at {end}");
    }
    let limits = Limits::default();
    let long = format!(
        "<feedback><report_metadata><org_name>{}",
        "é".repeat(1 << 20)
    );
    assert!(AggregateReport::from_xml(long.as_bytes(), &limits).is_err());
}

/// A gzip or zip bomb unpacks to the limit and no further.
#[test]
fn bombs() {
    let mut limits = Limits::default();
    limits.bytes = 1 << 20;
    let zeros = "0".repeat(64 << 20);
    let bomb = pack(&zeros);
    assert!(bomb.len() < 100 << 10);
    assert_eq!(unpack(&bomb, &limits), Err(UnpackError::TooLarge(1 << 20)));
    // Members behind each other are one text (RFC 1952 section 2.2).
    let twice = [pack("<a"), pack("/>")].concat();
    assert_eq!(unpack(&twice, &limits).unwrap(), &b"<a/>"[..]);
    for end in 2..twice.len() - 1 {
        if end != pack("<a").len() {
            assert!(unpack(&twice[..end], &limits).is_err(), "cut at {end}");
        }
    }
}

/// A zip archive as Python's zipfile writes it, deflated and stored.
#[test]
fn archives() {
    let zip = |method: u16, data: &[u8], size: u32| {
        let mut out = b"PK\x03\x04\x14\0\0\0".to_vec();
        out.extend(method.to_le_bytes());
        out.extend([0; 8]);
        out.extend((data.len() as u32).to_le_bytes());
        out.extend(size.to_le_bytes());
        out.extend([5, 0, 0, 0]);
        out.extend(b"a.xml");
        out.extend(data);
        out.extend(b"PK\x01\x02 and so on");
        out
    };
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    deflated.write_all(SAMPLE.as_bytes()).unwrap();
    let deflated = deflated.finish().unwrap();
    let limits = Limits::default();
    let archive = zip(8, &deflated, SAMPLE.len() as u32);
    assert_eq!(unpack(&archive, &limits).unwrap(), SAMPLE.as_bytes());
    let stored = zip(0, SAMPLE.as_bytes(), SAMPLE.len() as u32);
    assert_eq!(unpack(&stored, &limits).unwrap(), SAMPLE.as_bytes());
    assert_eq!(
        unpack(&zip(12, b"", 0), &limits),
        Err(UnpackError::Unsupported)
    );
    for end in 4..archive.len() {
        let _ = unpack(&archive[..end], &limits);
    }
    // XML as it is.
    assert_eq!(
        unpack(SAMPLE.as_bytes(), &limits).unwrap(),
        SAMPLE.as_bytes()
    );
}

#[test]
fn names() {
    let domain = |name| Domain::new(name).unwrap();
    let (receiver, about) = (domain("mail.receiver.example"), domain("example.com"));
    assert_eq!(
        file_name(&receiver, &about, 1_013_662_812, 1_013_749_130),
        "mail.receiver.example!example.com!1013662812!1013749130.xml.gz"
    );
    assert_eq!(
        subject(&about, &receiver, "sample-ridtxt@example.com"),
        "Report Domain: example.com Submitter: mail.receiver.example Report-ID: <sample-ridtxt@example.com>"
    );
}

#[test]
fn a_day_of_mail() {
    let domain = |name: &str| Domain::new(name).unwrap();
    let verdict = |author: &str, signer: Option<&str>| {
        let ids = signer.map(|s| Identifier::Dkim(domain(s)));
        let mut check = Check::new(&domain(author), ids);
        while let Some(query) = check.next_query() {
            let records = match &*query.name {
                "_dmarc.example.com" => Records::txt(["v=DMARC1; p=reject; t=y; fo=1:d"]),
                "_dmarc.b.test" => Records::txt(["v=DMARC1; p=none"]),
                _ => Records::txt::<&str>([]),
            };
            check.answer(query.id, Ok(records)).unwrap();
        }
        check.verdict().unwrap().clone()
    };
    let mut collector = Collector::new(3);
    let mut add = |author: &str, signer, ip: &str, overridden| {
        collector.add(&Observation {
            dmarc: &verdict(author, signer),
            spf: None,
            dkim: &[],
            source_ip: ip.parse().unwrap(),
            envelope_to: None,
            overridden,
        });
    };
    for _ in 0..3 {
        add("Example.com", Some("example.com"), "::ffff:192.0.2.1", None);
    }
    add("x.example.com", None, "192.0.2.2", None);
    add("none.test", None, "192.0.2.3", None);
    let reason = OverrideReason {
        kind: "mailing_list".into(),
        comment: None,
    };
    add(
        "b.test",
        None,
        "192.0.2.4",
        Some((scop_dkim::dmarc::Policy::None, reason)),
    );
    // A fourth distinct row is one too many.
    add("b.test", None, "192.0.2.5", None);
    assert_eq!(collector.dropped(), 1);
    let mut ids = 0;
    let reports = collector.take(|domain| {
        ids += 1;
        Metadata {
            org_name: "Here".into(),
            email: "dmarc@here.example".into(),
            report_id: format!("{ids}.{domain}"),
            begin: 1,
            end: 2,
            ..Metadata::default()
        }
    });
    let [b, example] = reports.as_slice() else {
        panic!("{reports:?}")
    };
    assert_eq!(b.rows[0].reasons[0].kind, "mailing_list");
    assert_eq!(
        (
            example.policy.testing.as_deref(),
            example.policy.fo.as_deref()
        ),
        (Some("y"), Some("1:d"))
    );
    let passed = &example.rows[0];
    assert_eq!(
        (passed.count, &passed.disposition, passed.dkim_aligned),
        (3, &Disposition::Pass, true)
    );
    assert_eq!(passed.source_ip.to_string(), "192.0.2.1");
    let failed = &example.rows[1];
    assert_eq!(
        (&failed.disposition, failed.reasons[0].kind.as_str()),
        (&Disposition::Quarantine, "policy_test_mode")
    );
    for report in &reports {
        assert_eq!(read(&report.to_xml()).as_ref(), Ok(report));
    }
    assert!(collector.take(|_| Metadata::default()).is_empty());
}

/// Text without white space at its ends, with what XML must escape.
fn text() -> impl Strategy<Value = String> {
    "[a-z<>&'\"\\]é]{1,8}( [a-z;#]{1,4})?"
}

fn report() -> impl Strategy<Value = AggregateReport> {
    let dkim =
        (text(), proptest::option::of(text()), text()).prop_map(|(domain, selector, result)| {
            DkimAuth {
                domain,
                selector,
                result,
                human_result: None,
            }
        });
    let spf = (text(), text(), proptest::option::of(text())).prop_map(
        |(domain, result, human_result)| SpfAuth {
            domain,
            scope: None,
            result,
            human_result,
        },
    );
    let reason = (text(), proptest::option::of(text()));
    let reason = reason.prop_map(|(kind, comment)| OverrideReason { kind, comment });
    let disposition = prop_oneof![
        Just(Disposition::None),
        Just(Disposition::Reject),
        "x[a-z]{1,5}".prop_map(Disposition::Other)
    ];
    let row = (
        (
            any::<[u8; 16]>(),
            any::<u64>(),
            disposition,
            any::<(bool, bool)>(),
        ),
        proptest::collection::vec(reason, 0..3),
        (text(), proptest::option::of(text())),
        proptest::collection::vec(dkim, 0..3),
        proptest::option::of(spf),
    );
    let row = row.prop_map(
        |((ip, count, disposition, (d, s)), reasons, (header_from, envelope_from), dkim, spf)| {
            Row {
                source_ip: std::net::Ipv6Addr::from(ip).into(),
                count,
                disposition,
                dkim_aligned: d,
                spf_aligned: s,
                reasons,
                header_from,
                envelope_from,
                envelope_to: None,
                dkim,
                spf,
            }
        },
    );
    (
        text(),
        text(),
        text(),
        any::<(u64, u64)>(),
        proptest::collection::vec(row, 0..4),
    )
        .prop_map(
            |(org_name, report_id, domain, (begin, end), rows)| AggregateReport {
                metadata: Metadata {
                    org_name,
                    report_id,
                    begin,
                    end,
                    ..Metadata::default()
                },
                policy: PublishedPolicy {
                    domain,
                    p: "none".into(),
                    ..PublishedPolicy::default()
                },
                rows,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_report_that_is_written_reads_the_same(report in report()) {
        let xml = report.to_xml();
        let limits = Limits::default();
        let unpacked = pack(&xml);
        let unpacked = unpack(&unpacked, &limits).unwrap();
        let (read, defects) = AggregateReport::from_xml(&unpacked, &limits).unwrap();
        prop_assert_eq!(read, report);
        prop_assert!(defects.is_empty());
    }

    #[test]
    fn any_bytes_are_read(
        raw in proptest::collection::vec(any::<u8>(), 0..100),
        xml in "<feedback>(<[a-z]{1,3}>|</[a-z]{1,3}>|<record>|</record>|&[a-z#;]{0,4}|[a-z]){0,12}",
    ) {
        let limits = Limits::default();
        for bytes in [raw.as_slice(), xml.as_bytes()] {
            let _ = AggregateReport::from_xml(bytes, &limits);
            let _ = unpack(bytes, &limits);
        }
        let _ = unpack(&[&[0x1f, 0x8b, 8, 0][..], &raw].concat(), &limits);
        let _ = unpack(&[b"PK\x03\x04", raw.as_slice()].concat(), &limits);
    }
}

/// Found by fuzzing: a report is read with no more than can be written.
#[test]
fn control_characters_are_replaced() {
    for (text, read_as) in [
        ("a\u{3}\u{1f}b", "a\u{fffd}\u{fffd}b"),
        ("a&#13;b", "a\u{fffd}b"),
        // Characters that XML does not have, and what is no number, lose no report.
        ("a&#0;b", "a\u{fffd}b"),
        ("a&#xd800;b&#x110000;", "a\u{fffd}b\u{fffd}"),
        ("a&#;b&#99999999999999;", "a\u{fffd}b\u{fffd}"),
        ("a\nb", "a\nb"),
    ] {
        let xml = SAMPLE.replace("Sample Reporter", text);
        let report = read(&xml).unwrap();
        assert_eq!(report.metadata.org_name, read_as);
        assert_eq!(read(&report.to_xml()), Ok(report));
    }
}

/// Whatever it comes in, and whichever of many attachments it is.
#[test]
fn a_report_is_found_in_what_came() {
    let limits = Limits::default();
    let xml = include_bytes!("fixtures/report-rfc9990.xml");
    let json = include_bytes!("fixtures/report-rfc8460.json");
    let (report, _) = AggregateReport::from_xml(xml, &limits).unwrap();
    let packed = pack(&report.to_xml());
    let mail = |parts: &[(&str, &[u8])]| {
        let mut mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
        for (kind, data) in parts {
            mail.extend_from_slice(
                format!("--b\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: binary\r\n\r\n")
                    .as_bytes(),
            );
            mail.extend_from_slice(data);
            mail.extend_from_slice(b"\r\n");
        }
        mail.extend_from_slice(b"--b--\r\n");
        mail
    };
    let aggregate = |found| matches!(found, Ok(Received::Aggregate(r, _)) if *r == report);
    for data in [
        xml.to_vec(),
        packed.clone(),
        mail(&[("text/plain", b"See there."), ("application/gzip", &packed)]),
        // Of a wrong type, behind one that is damaged.
        mail(&[("image/png", b"\x1f\x8b..."), ("text/html", xml)]),
    ] {
        assert!(aggregate(Received::read(&data, &limits)));
    }
    let tls = Received::read(&mail(&[("application/tlsrpt+json", json)]), &limits);
    assert!(matches!(tls, Ok(Received::Tls(..))));
    let failure = b"Feedback-Type: auth-failure\r\nUser-Agent: x/1\r\nVersion: 1\r\n";
    let found = Received::read(failure, &limits);
    assert!(matches!(found, Ok(Received::Failure(_))));
    for nothing in [&b""[..], b"Subject: x\r\n\r\nHello\r\n", b"PK\x03\x04"] {
        assert!(Received::read(nothing, &limits).is_err());
    }
    let plain = Received::read(b"Subject: x\r\n\r\nHello\r\n", &limits);
    assert_eq!(plain, Err(ReceivedError::NoReport));
    // A mail of nothing but what unpacks to much costs ten times that and no more.
    let bombs = vec![("application/gzip", &b"\x1f\x8b..."[..]); 10];
    let with = |n: usize| {
        let mut parts = bombs[..n].to_vec();
        parts.push(("application/gzip", &packed));
        Received::read(&mail(&parts), &limits)
    };
    assert!(aggregate(with(9)));
    assert!(matches!(with(10), Err(ReceivedError::Unpack(_))));
}

//! SPF as pyspf judges it, our Authentication-Results as authres reads them, our reports
//! as the schema of RFC 9990 has them (lxml).

use scop_dkim::spf::{Check, SpfResult};
use scop_dkim::{AuthenticationResults, DnsError, MethodResult, Query, RecordKind};

use super::dkimpy::python;
use super::*;

/// Zones in, one on a line: address, sender and HELO, and records `NAME KIND VALUE`, all
/// separated by tabs. Results out.
const PYSPF: &str = "
import sys, spf
zone = []
def look_up(name, kind, strict=True, timeout=20):
    name = name.rstrip('.').lower()
    found = [(k, v) for n, k, v in zone if n == name]
    if any(k == 'FAIL' for k, v in found):
        raise spf.TempError('no answer')
    value = lambda k, v: (v.encode(),) if k == 'TXT' else (0, v) if k == 'MX' else v
    return [((name, k), value(k, v)) for k, v in found if k == kind]
spf.DNSLookup = look_up
for line in sys.stdin:
    first, *records = line.rstrip('\\n').split('\\t')
    ip, sender, helo = first.split(' ')
    zone = [tuple(record.split(' ', 2)) for record in records]
    query = spf.query(i=ip, s=sender, h=helo, timeout=0)
    print(query.check()[0])
";

/// A few hundred zones of records put together at random, the same on each run.
fn zones() -> Vec<(String, Vec<[String; 3]>)> {
    const TERMS: [&str; 28] = [
        "a",
        "a/24",
        "a:a.test",
        "a:v.test",
        "a:d.test",
        "a//64",
        "mx",
        "mx:m.test",
        "mx:a.test/16",
        "mx:v.test",
        "ptr",
        "ptr:test",
        "ip4:192.0.2.0/24",
        "ip4:198.51.100.1",
        "ip6:2001:db8::/32",
        "ip4:192.0.2.256",
        "include:i.test",
        "include:n.test",
        "include:example.com",
        "exists:%{i}.e.test",
        "exists:%{l1r-}.%{d2}.e.test",
        "all",
        "redirect=r.test",
        "redirect=n.test",
        "exp=x.test",
        "unknown=%{d}",
        "junk",
        "include:f.test",
    ];
    const QUALIFIERS: [&str; 8] = ["", "", "", "", "-", "~", "?", "+"];
    let mut state = 7u32;
    let mut pick = |most: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize % most
    };
    let mut record = || {
        let mut record = "v=spf1".to_owned();
        for _ in 0..pick(5) {
            let term = TERMS[pick(TERMS.len())];
            let qualifier = if term.contains('=') {
                ""
            } else {
                QUALIFIERS[pick(8)]
            };
            record += &format!(" {qualifier}{term}");
        }
        record + ["", " -all", " ~all"][pick(3)]
    };
    let fixed = [
        ("example.com", "A", "192.0.2.10"),
        ("example.com", "MX", "m1.test"),
        ("a.test", "A", "198.51.100.7"),
        ("m.test", "MX", "m1.test"),
        ("m.test", "MX", "m2.test"),
        ("m1.test", "A", "192.0.2.77"),
        ("m2.test", "A", "192.0.2.1"),
        ("a.test", "MX", "a.test"),
        ("1.2.0.192.in-addr.arpa", "PTR", "h.test"),
        ("h.test", "A", "192.0.2.1"),
        ("192.0.2.1.e.test", "A", "127.0.0.2"),
        ("ann.example.com.e.test", "A", "127.0.0.2"),
        ("f.test", "FAIL", ""),
        ("d.test", "A", "192.0.2.1"),
    ];
    (0..600)
        .map(|n| {
            let ip = ["192.0.2.1", "198.51.100.1", "203.0.113.9"][n % 3];
            let mut zone: Vec<[String; 3]> = Vec::new();
            for name in ["example.com", "i.test", "r.test"] {
                zone.push([name.to_owned(), "TXT".to_owned(), record()]);
            }
            zone.extend(fixed.map(|(name, kind, value)| [name, kind, value].map(str::to_owned)));
            (format!("{ip} ann@example.com helo.test"), zone)
        })
        .collect()
}

fn answer(zone: &[[String; 3]], query: &Query) -> Result<Records, DnsError> {
    let named = zone
        .iter()
        .filter(|record| record[0].eq_ignore_ascii_case(&query.name));
    if named.clone().any(|record| record[1] == "FAIL") {
        return Err(DnsError::Temporary);
    }
    let of = |kind: &str| -> Vec<&str> {
        let of_kind = named.clone().filter(|record| record[1] == kind);
        of_kind.map(|record| record[2].as_str()).collect()
    };
    Ok(match query.kind {
        RecordKind::Txt => Records::txt(of("TXT")),
        RecordKind::A => Records::A(of("A").iter().map(|a| a.parse().unwrap()).collect()),
        RecordKind::Aaaa => Records::Aaaa([].into()),
        RecordKind::Mx => Records::Mx(of("MX").iter().map(|mx| (0, (*mx).to_owned())).collect()),
        _ => Records::Ptr(of("PTR").iter().map(|name| (*name).to_owned()).collect()),
    })
}

fn judge(first: &str, zone: &[[String; 3]]) -> (SpfResult, String) {
    let mut words = first.split(' ');
    let (ip, sender, helo) = (
        words.next().unwrap(),
        words.next().unwrap(),
        words.next().unwrap(),
    );
    let mut check = Check::mail_from(ip.parse().unwrap(), sender, helo);
    while let Some(query) = check.next_query() {
        check.answer(query.id, answer(zone, &query)).unwrap();
    }
    let verdict = check.verdict().unwrap();
    (verdict.result, verdict.to_string())
}

/// RFC 7208: pyspf and we come to the same result.
#[test]
fn pyspf_agrees() {
    let zones = zones();
    let mut input = String::new();
    for (first, zone) in &zones {
        let records: Vec<String> = zone.iter().map(|record| record.join(" ")).collect();
        input += &format!("{first}\t{}\n", records.join("\t"));
    }
    let Some(out) = python("spf", PYSPF, &[], input.as_bytes()) else {
        return;
    };
    let theirs = String::from_utf8(out).unwrap();
    let theirs: Vec<&str> = theirs.lines().collect();
    assert_eq!(theirs.len(), zones.len());
    let (mut differences, mut known) = (Vec::new(), 0);
    for ((first, zone), theirs) in zones.iter().zip(theirs) {
        let (ours, why) = judge(first, zone);
        // To pyspf these are errors of syntax. To RFC 7208 the loop ends at the limit (section
        // 4.6.4), if it comes to that, and only redirect and exp may not come twice (6).
        let is_known = zone.iter().any(|[name, _, record]| {
            record.contains(&format!("include:{name}")) || record.matches("unknown=").count() > 1
        });
        if ours.to_string() == theirs {
            continue;
        }
        if is_known && theirs == "permerror" {
            known += 1;
        } else {
            let texts: Vec<&str> = zone[..3].iter().map(|record| record[2].as_str()).collect();
            differences.push(format!("{first}: {texts:?}: {theirs}, not {why}"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {}:\n{}",
        differences.len(),
        zones.len(),
        differences.join("\n")
    );
    println!(
        "{} zones, {known} of them with what only pyspf calls an error",
        zones.len()
    );
}

/// A field in hexadecimal on each line in; out what authres reads: the id, and each method,
/// result, reason and property.
const AUTHRES: &str = "
import sys, authres
for line in sys.stdin:
    field = bytes.fromhex(line).decode()
    read = authres.AuthenticationResultsHeader.parse(field)
    out = [read.authserv_id]
    for result in read.results:
        out += [result.method, result.result, result.reason or '']
        out += [p.type + '.' + p.name + '=' + p.value for p in result.properties]
    print('\\t'.join(out))
";

/// RFC 8601: authres reads what we write, whatever a sender put into it.
#[test]
fn authres_reads_our_field() {
    let values = [
        "ann@example.com",
        "example.com",
        "@example.com",
        "192.0.2.1",
        "2001:db8::1",
        "a b",
        "x\"; dkim=pass (\"",
        "a\\b",
        "\"quoted\"@example.com",
        "a;b",
        "(comment",
        "x)y",
        "=?utf-8?q?a?=",
        "a=b",
        "\u{fc}@b\u{fc}cher.test",
        "a\r\nb",
        "<a@b.test>",
    ];
    let mut input = String::new();
    for value in values {
        let result = MethodResult::new("auth", "pass").unwrap().because(value);
        let result = result.with("smtp", "auth", value).unwrap();
        let other = MethodResult::new("iprev", "fail")
            .unwrap()
            .with("policy", "iprev", "192.0.2.1")
            .unwrap();
        let field = AuthenticationResults::new("mx.example.org")
            .unwrap()
            .with(result)
            .with(other);
        let field = field.to_string().trim_end().replace("\r\n", "");
        input += &(hex(field.as_bytes()) + "\n");
    }
    let Some(out) = python("authres", AUTHRES, &[], input.as_bytes()) else {
        return;
    };
    let out = String::from_utf8(out).unwrap();
    for (value, read) in values.iter().zip(out.lines()) {
        // Of quoted pairs it takes both characters.
        let value = &value.replace('\\', "\\\\").replace('"', "\\\"");
        let shown: String = value
            .chars()
            .map(|c| if matches!(c, ' '..='~') { c } else { '?' })
            .collect();
        let expected = format!(
            "mx.example.org\tauth\tpass\t{shown}\tsmtp.auth={shown}\tiprev\tfail\t\tpolicy.iprev=192.0.2.1"
        );
        assert_eq!(read, expected, "{value:?}");
    }
    assert_eq!(out.lines().count(), values.len());
}

#[cfg(feature = "reports")]
const XSD: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../shared/rfc/dmarc-xml-0.2.xsd"
);

/// A report in hexadecimal on each line in; nothing out, or what the schema has against it.
#[cfg(feature = "reports")]
const LXML: &str = "
import sys
from lxml import etree
schema = etree.XMLSchema(etree.parse(sys.argv[1]))
for line in sys.stdin:
    if not schema.validate(etree.fromstring(bytes.fromhex(line))):
        print(schema.error_log)
";

/// RFC 9990: the schema has nothing against our reports.
#[cfg(feature = "reports")]
#[test]
fn reports_are_of_the_schema() {
    use scop_dkim::report::{AggregateReport, Disposition, Limits, OverrideReason};
    if !std::path::Path::new(XSD).exists() {
        println!("skipped: the schema is not there");
        return;
    }
    let sample = include_bytes!("../fixtures/report-rfc9990.xml");
    let (report, _) = AggregateReport::from_xml(sample, &Limits::default()).unwrap();
    let mut other = report.clone();
    other.metadata.errors = vec!["several records".into(), "<&>\u{1}".into()];
    other.metadata.generator = Some("scop".into());
    other.policy.np = Some("reject".into());
    other.policy.testing = Some("y".into());
    let mut row = other.rows[0].clone();
    row.source_ip = "2001:db8::1".parse().unwrap();
    row.disposition = Disposition::Quarantine;
    row.envelope_from = Some(String::new());
    row.envelope_to = Some("b.test".into());
    row.reasons = [
        "local_policy",
        "mailing_list",
        "other",
        "policy_test_mode",
        "trusted_forwarder",
    ]
    .map(|kind| OverrideReason {
        kind: kind.into(),
        comment: Some("why".into()),
    })
    .to_vec();
    row.spf = None;
    other.rows.push(row.clone());
    row.dkim.clear();
    row.disposition = Disposition::Reject;
    other.rows.push(row);
    let input: String = [report, other]
        .iter()
        .map(|r| hex(r.to_xml().as_bytes()) + "\n")
        .collect();
    if let Some(out) = python("lxml", LXML, &[XSD], input.as_bytes()) {
        assert_eq!(String::from_utf8(out).unwrap(), "");
    }
}

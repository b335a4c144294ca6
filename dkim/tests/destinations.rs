//! Where reports may go (RFC 9990 section 4), and failure reports (RFC 9991).

use scop_dkim::dmarc::{Destinations, NoReport, Record, ReportUri};
use scop_dkim::{DnsError, Domain, Query, Records};

type Zone<'a> = &'a [(&'a str, &'a str)];

fn answer(zone: Zone<'_>, query: &Query) -> Result<Records, DnsError> {
    let texts: Vec<&str> = zone
        .iter()
        .filter(|(name, _)| **name == *query.name)
        .map(|r| r.1)
        .collect();
    match texts.as_slice() {
        [] => Err(DnsError::NotFound),
        ["FAIL"] => Err(DnsError::Temporary),
        _ => Ok(Records::txt(texts)),
    }
}

/// What becomes of the URIs of a record at `blue.example.com`, answered from the first
/// question to the last or the other way round, which is the same.
fn verify(tags: &str, zone: Zone<'_>) -> Vec<Result<Vec<String>, NoReport>> {
    let run = |backwards: bool| {
        let record = Record::parse(format!("v=DMARC1; p=none; {tags}").as_bytes()).unwrap();
        let domain = Domain::new("blue.example.com").unwrap();
        let mut destinations = match tags.starts_with("rua") {
            true => Destinations::of_aggregate(&domain, &record),
            false => Destinations::of_failure(&domain, &record),
        };
        let mut asked = 0;
        loop {
            let mut queries = Vec::new();
            while let Some(query) = destinations.next_query() {
                queries.push(query);
            }
            asked += queries.len();
            if queries.is_empty() {
                break;
            }
            if backwards {
                queries.reverse();
            }
            for query in queries {
                destinations.answer(query.id, answer(zone, &query)).unwrap();
            }
        }
        assert!(asked <= 9 * Destinations::MOST + 8);
        let all = destinations
            .verified()
            .expect("an answer is missing")
            .to_vec();
        all.into_iter()
            .map(|one| {
                one.send_to
                    .map(|uris| uris.iter().map(ReportUri::to_string).collect())
            })
            .collect::<Vec<_>>()
    };
    let forwards = run(false);
    assert_eq!(forwards, run(true));
    forwards
}

const RED: &str = "blue.example.com._report._dmarc.red.example.net";

/// The example of RFC 9990 section 4.
#[test]
fn rfc9990_4_consent() {
    let rua = "rua=mailto:reports@red.example.net";
    let here = || Ok(vec!["mailto:reports@red.example.net".to_owned()]);
    assert_eq!(verify(rua, &[(RED, "v=DMARC1")]), [here()]);
    assert_eq!(verify(rua, &[(RED, "v=DMARC1;")]), [here()]);
    // Some other record beside it does no harm.
    assert_eq!(
        verify(rua, &[(RED, "v=spf1 -all"), (RED, "v=DMARC1; ")]),
        [here()]
    );
    for no in [&[][..], &[(RED, "DMARC1")], &[(RED, "p=none; v=DMARC1")]] {
        assert_eq!(verify(rua, no), [Err(NoReport::NoConsent(RED.into()))]);
    }
    assert_eq!(
        verify(rua, &[(RED, "FAIL")]),
        [Err(NoReport::DnsFailed(RED.into()))]
    );
    // The obsolete size limit is of no meaning (RFC 9989 section 4.7).
    assert_eq!(
        verify(&format!("{rua}!10m"), &[(RED, "v=DMARC1")]),
        [here()]
    );
}

/// Step 9: the consent may redirect, on its own host.
#[test]
fn rfc9990_4_overriding() {
    let rua = "rua=mailto:reports@red.example.net";
    let other = "v=DMARC1; rua=mailto:other@RED.example.net,https://red.example.net:8443/r";
    assert_eq!(
        verify(rua, &[(RED, other)]),
        [Ok(vec![
            "mailto:other@RED.example.net".to_owned(),
            "https://red.example.net:8443/r".to_owned()
        ])]
    );
    let foreign = "v=DMARC1; rua=mailto:other@red.example.net,mailto:victim@example.org";
    assert_eq!(
        verify(rua, &[(RED, foreign)]),
        [Err(NoReport::ForeignOverride(RED.into()))]
    );
    // Of failure reports it is `ruf` that counts (RFC 9991 section 5).
    let ruf = "ruf=mailto:reports@red.example.net";
    assert_eq!(
        verify(ruf, &[(RED, foreign)]),
        [Ok(vec!["mailto:reports@red.example.net".to_owned()])]
    );
}

#[test]
fn one_s_own_organization_is_not_asked() {
    let zone = &[("_dmarc.example.com", "v=DMARC1; p=none")];
    for host in ["example.com", "blue.example.com", "x.y.EXAMPLE.com"] {
        let uri = format!("mailto:r@{host}");
        assert_eq!(verify(&format!("rua={uri}"), zone), [Ok(vec![uri])]);
    }
    // Without a record above they are strangers.
    let [Err(NoReport::NoConsent(name))] = &verify("rua=mailto:r@example.com", &[])[..] else {
        panic!()
    };
    assert_eq!(name, "blue.example.com._report._dmarc.example.com");
}

#[test]
fn uris_that_get_nothing() {
    let long = format!(
        "{}.{}.{}.test",
        "a".repeat(63),
        "b".repeat(63),
        "c".repeat(50) + &".d".repeat(20)
    );
    let rua = format!("rua=tel:1,mailto:r@localhost,mailto:r@{long}");
    assert_eq!(
        verify(&rua, &[]),
        [
            Err(NoReport::NoHost),
            Err(NoReport::NoHost),
            Err(NoReport::NameTooLong)
        ]
    );
    let ruf = "psd=y; ruf=mailto:r@blue.example.com";
    assert_eq!(verify(ruf, &[]), [Err(NoReport::PublicSuffix)]);
    let many: Vec<String> = (0..100).map(|i| format!("mailto:r@h{i}.test")).collect();
    let found = verify(&format!("rua={}", many.join(",")), &[]);
    let looked_at = found
        .iter()
        .filter(|one| **one != Err(NoReport::TooMany))
        .count();
    assert_eq!((found.len(), looked_at), (100, Destinations::MOST));
}

//! The examples of the RFCs.

mod common;

use common::verify_with;
use scop_dkim::{
    Algorithm, Canonicalization, DkimResult, DnsError, Policy, Reason, Records, Signature,
};

/// RFC 6376 appendix C.
const RFC6376_KEY: [&str; 4] = [
    "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ",
    "KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt",
    "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v",
    "/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB",
];

/// RFC 8463 appendix A.2.
const RFC8463_RSA: [&str; 4] = [
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR",
    "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC",
    "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3",
    "Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
];
const RFC8463_ED25519: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

fn zone(name: &str) -> Result<Records, DnsError> {
    match name {
        "brisbane._domainkey.example.com" => Ok(Records::txt_strings([RFC6376_KEY])),
        "test._domainkey.football.example.com" => Ok(Records::txt_strings([RFC8463_RSA])),
        "brisbane._domainkey.football.example.com" => Ok(Records::txt([RFC8463_ED25519])),
        _ => Err(DnsError::NotFound),
    }
}

#[test]
fn rfc6376_appendix_a() {
    let message = include_bytes!("fixtures/rfc6376.eml");
    for chunk in [1, 2, 3, 7, 64, usize::MAX] {
        let v = verify_with(&Policy::default(), message, chunk, &zone);
        let outcome = &v.outcomes()[0];
        assert_eq!(outcome.reason, Reason::Verified);
        assert_eq!(outcome.key_bits(), Some(1024));
        let signature = outcome.signature.as_ref().unwrap();
        assert_eq!(signature.identity().to_string(), "joe@football.example.com");
        assert_eq!(
            signature.header_canonicalization(),
            Canonicalization::Simple
        );
    }
}

#[test]
fn rfc8463_appendix_a() {
    let message = include_bytes!("fixtures/rfc8463.eml");
    for chunk in [1, 2, 3, 7, 64, usize::MAX] {
        let v = verify_with(&Policy::default(), message, chunk, &zone);
        let got: Vec<_> = v
            .outcomes()
            .iter()
            .map(|o| {
                (
                    o.signature.as_ref().unwrap().algorithm(),
                    o.result(),
                    o.key_bits(),
                )
            })
            .collect();
        assert_eq!(
            got,
            [
                (Algorithm::Ed25519Sha256, DkimResult::Pass, Some(256)),
                (Algorithm::RsaSha256, DkimResult::Pass, Some(1024)),
            ]
        );
        let line = v.outcomes()[0].to_string();
        assert_eq!(
            line,
            "pass d=football.example.com s=brisbane a=ed25519-sha256: verified"
        );
    }
}

/// RFC 6376 section 3.5, the example of a folded field with all tags.
#[test]
fn rfc6376_section_3_5_example() {
    let value = b" v=1; a=rsa-sha256; d=example.net; s=brisbane;\r\n\
        \x20  c=simple; q=dns/txt; i=@eng.example.net;\r\n\
        \x20  t=1117574938; x=1118006938;\r\n\
        \x20  h=from:to:subject:date;\r\n\
        \x20  z=From:foo@eng.example.net|To:joe@example.com|\r\n\
        \x20   Subject:demo=20run|Date:July=205,=202005=203:44:08=20PM=20-0700;\r\n\
        \x20  bh=MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=;\r\n\
        \x20  b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR";
    let signature = Signature::parse(value).unwrap();
    assert_eq!(signature.key_name(), "brisbane._domainkey.example.net");
    assert!(signature.headers().eq(["from", "to", "subject", "date"]));
    assert_eq!(signature.timestamp(), Some(1_117_574_938));
    assert_eq!(signature.expiration(), Some(1_118_006_938));
    assert_eq!(signature.body_hash(), b"12345678901234567890123456789012");
    assert_eq!(signature.identity().to_string(), "@eng.example.net");
    assert_eq!(signature.body_canonicalization(), Canonicalization::Simple);
}

//! Who may sign for which names.

use scop_dkim::{
    DkimResult, Domain, Limits, Records, Selector, Signer, SigningKey, SystemRandom, Verifier,
};

fn result_of(domain: &str) -> DkimResult {
    let key = SigningKey::ed25519(&[3; 32]).unwrap();
    let record = key.record().to_string();
    let selector = Selector::new("k").unwrap();
    let mut signing = Signer::new(Domain::new(domain).unwrap(), selector, key).start(1);
    let text = "From: a@b.test\r\n\r\nHello\r\n";
    signing.write(text.as_bytes()).unwrap();
    let signed = signing.finish(&SystemRandom::new()).unwrap() + text;
    let mut verifier = Verifier::new(dns::policy(), Limits::default(), 1);
    verifier.write(signed.as_bytes()).unwrap();
    let mut verification = verifier.finish();
    while let Some(query) = verification.next_query() {
        let answer = Ok(Records::txt([record.as_str()]));
        verification.answer(query.id, answer).unwrap();
    }
    verification.result()
}

/// RFC 6376 section 8.13, and a list where DNS does not tell.
#[test]
fn nobody_signs_for_a_registry() {
    for domain in ["co.uk", "CO.UK", "com.br", "xn--55qx5d.cn", "foo.ck"] {
        assert_eq!(result_of(domain), DkimResult::Policy, "{domain}");
    }
    // A host of a registry's, below it, in a list's private part, and unknown to it.
    for domain in [
        "www.ck",
        "example.co.uk",
        "github.io",
        "a.github.io",
        "nowhere.test",
    ] {
        assert_eq!(result_of(domain), DkimResult::Pass, "{domain}");
    }
}

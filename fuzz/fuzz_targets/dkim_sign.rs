//! What was signed verifies, in any chunking, with each canonicalization; what
//! cannot be signed is refused with an error and not with a bad signature.
#![no_main]

use std::sync::OnceLock;

use scop_dkim::{
    Canonicalization::{Relaxed, Simple},
    DkimResult, Domain, Limits, Policy, Records, Selector, Signer, SigningKey, SystemRandom,
    Verifier,
};
use scop_fuzz::{fuzz_target, pieces};

fn signer() -> &'static (Signer, String) {
    static SIGNER: OnceLock<(Signer, String)> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let key = SigningKey::ed25519(&[7; 32]).expect("a seed");
        let record = key.record().to_string();
        let domain = Domain::new("example.com").expect("a domain");
        let selector = Selector::new("s1").expect("a selector");
        (Signer::new(domain, selector, key), record)
    })
}

fuzz_target!(|data: &[u8]| {
    let (signer, record) = signer();
    for (header, body) in [(Relaxed, Relaxed), (Simple, Simple), (Relaxed, Simple)] {
        let mut signing = signer.clone().canonicalization(header, body).start(1_000);
        let written: Result<Vec<()>, _> = pieces(data).map(|piece| signing.write(piece)).collect();
        if written.is_err() {
            return;
        }
        let Ok(field) = signing.finish(&SystemRandom::new()) else {
            return;
        };
        let mut verifier = Verifier::new(Policy::default(), Limits::default(), 1_000);
        for piece in [field.as_bytes(), data] {
            verifier.write(piece).expect("the signer took as much");
        }
        let mut verification = verifier.finish();
        while let Some(query) = verification.next_query() {
            // A signature that was in the input already asks for other keys.
            let _ = verification.answer(query.id, Ok(Records::txt([record.as_str()])));
        }
        assert!(
            verification.outcomes().first().map(|o| o.result()) == Some(DkimResult::Pass),
            "{header:?}/{body:?}\n{field}{:?}",
            verification.outcomes()
        );
    }
});

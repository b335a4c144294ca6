//! What was signed verifies, in any chunking, with each canonicalization and with several
//! signatures in one pass; the copies in `z=` are of the message; what cannot be signed is
//! refused with an error and not with a bad signature.
#![no_main]

use std::sync::OnceLock;

use scop_dkim::{
    Canonicalization::{Relaxed, Simple},
    DkimResult, Domain, Limits, Policy, Records, Selector, SignError, Signer, Signers, SigningKey,
    SystemRandom, Verifier,
};
use scop_fuzz::{fuzz_target, pieces};

fn signers() -> &'static (Signers, String) {
    static SIGNERS: OnceLock<(Signers, String)> = OnceLock::new();
    SIGNERS.get_or_init(|| {
        let key = || SigningKey::ed25519(&[7; 32]).expect("a seed");
        let signer = |selector, header, body| {
            let domain = Domain::new("example.com").expect("a domain");
            let selector = Selector::new(selector).expect("a selector");
            Signer::new(domain, selector, key()).canonicalization(header, body)
        };
        let signers = signer("s1", Relaxed, Relaxed)
            .copy_fields()
            .request_reports()
            .and(signer("s2", Simple, Simple).copy_fields())
            .and(signer("s3", Relaxed, Simple).expires_after(9))
            .and(signer("s4", Simple, Relaxed).without_timestamp());
        (signers, key().record().to_string())
    })
}

fn sign<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<String, SignError> {
    let mut signing = signers().0.start(1_000);
    for piece in pieces {
        signing.write(piece)?;
    }
    signing.finish(&SystemRandom::new())
}

fuzz_target!(|data: &[u8]| {
    let signed = sign(std::iter::once(data));
    assert_eq!(sign(pieces(data)), signed);
    let Ok(fields) = signed else { return };
    let mut verifier = Verifier::new(Policy::default(), Limits::default(), 1_000);
    for piece in [fields.as_bytes(), data] {
        verifier.write(piece).expect("the signer took as much");
    }
    let mut verification = verifier.finish();
    while let Some(query) = verification.next_query() {
        // A signature that was in the input already asks for other keys.
        let record = Records::txt([signers().1.as_str()]);
        let _ = verification.answer(query.id, Ok(record));
    }
    let ours = verification.outcomes().iter().take(4);
    let passes = ours.filter(|outcome| outcome.result() == DkimResult::Pass);
    assert_eq!(passes.count(), 4, "{fields}{:?}", verification.outcomes());
    for (n, outcome) in verification.outcomes().iter().take(4).enumerate() {
        let covered = verification.coverage(n);
        let signature = outcome.signature.as_ref().expect("it passed");
        for field in signature.copied_fields() {
            let is_it = covered.iter().any(|covered| {
                covered.signed
                    && covered.name.eq_ignore_ascii_case(field.name.as_bytes())
                    && covered.value == field.value
            });
            assert!(is_it, "{field:?}");
        }
    }
});

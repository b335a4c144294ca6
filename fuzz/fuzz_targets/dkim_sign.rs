//! What was signed verifies, in any chunking, with each canonicalization and with several
//! signatures in one pass; the copies in `z=` are of the message; what cannot be signed is
//! refused with an error and not with a bad signature. A key that is elsewhere signs the same.
#![no_main]

use std::sync::OnceLock;

use scop_dkim::{
    Canonicalization::{Relaxed, Simple},
    DkimResult, Domain, Key, Limits, Policy, Records, RemoteKey, Selector, SignError, Signer,
    Signers, SigningKey, SystemRandom, Verifier,
};
use scop_fuzz::{fuzz_target, pieces};

struct Senders {
    key: SigningKey,
    here: Signers,
    elsewhere: Signers<RemoteKey>,
    record: String,
}

fn senders() -> &'static Senders {
    static SENDERS: OnceLock<Senders> = OnceLock::new();
    SENDERS.get_or_init(|| {
        let key = SigningKey::ed25519(&[7; 32]).expect("a seed");
        Senders {
            here: signers(key.clone()),
            elsewhere: signers(RemoteKey::from(&key)),
            record: key.record().to_string(),
            key,
        }
    })
}

fn signers<K: Key>(key: K) -> Signers<K> {
    let signer = |selector, header, body| {
        let domain = Domain::new("example.com").expect("a domain");
        let selector = Selector::new(selector).expect("a selector");
        Signer::new(domain, selector, key.clone()).canonicalization(header, body)
    };
    signer("s1", Relaxed, Relaxed)
        .copy_fields()
        .request_reports()
        .and(signer("s2", Simple, Simple).copy_fields())
        .and(signer("s3", Relaxed, Simple).expires_after(9))
        .and(signer("s4", Simple, Relaxed).without_timestamp())
}

/// Asks for all signatures, and answers the last request first.
fn sign_elsewhere(data: &[u8]) -> Result<String, SignError> {
    let mut signing = senders().elsewhere.start(1_000);
    signing.write(data)?;
    let mut unsigned = signing.finish()?;
    let mut requests: Vec<_> = std::iter::from_fn(|| unsigned.next_request()).collect();
    while let Some(request) = requests.pop() {
        let wrong = unsigned.answer(request.id, data);
        wrong.expect_err("it is no signature");
        let signature = request.sign_with(&senders().key, &SystemRandom::new())?;
        let taken = unsigned.answer(request.id, &signature);
        taken.expect("it is the signature");
    }
    unsigned.finish()
}

fn sign<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<String, SignError> {
    let mut signing = senders().here.start(1_000);
    for piece in pieces {
        signing.write(piece)?;
    }
    signing.finish(&SystemRandom::new())
}

fuzz_target!(|data: &[u8]| {
    let signed = sign(std::iter::once(data));
    assert_eq!(sign(pieces(data)), signed);
    assert_eq!(sign_elsewhere(data), signed);
    let Ok(fields) = signed else { return };
    let mut verifier = Verifier::new(Policy::default(), Limits::default(), 1_000);
    for piece in [fields.as_bytes(), data] {
        verifier.write(piece).expect("the signer took as much");
    }
    let mut verification = verifier.finish();
    while let Some(query) = verification.next_query() {
        // A signature that was in the input already asks for other keys.
        let record = Records::txt([senders().record.as_str()]);
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

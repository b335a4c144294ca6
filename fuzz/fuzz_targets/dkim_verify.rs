//! A message of any kind: the outcomes do not depend on the chunking, and the
//! body is never held.
#![no_main]

use scop_dkim::{DnsError, Limits, Policy, Records, Verifier};
use scop_fuzz::{fuzz_target, heap_for, pieces, within};

/// The key of RFC 8463 appendix A.2, for every name that does not ask for another.
const KEY: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

fn verify<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> String {
    let mut verifier = Verifier::new(Policy::default(), Limits::default(), 1_528_637_909);
    for piece in pieces {
        if verifier.write(piece).is_err() {
            break;
        }
    }
    let mut verification = verifier.finish();
    let mut asked = String::new();
    while let Some(query) = verification.next_query() {
        asked.push_str(&query.name);
        let answer = match query.name.len() % 4 {
            0 => Err(DnsError::NotFound),
            1 => Err(DnsError::Temporary),
            _ => Ok(Records::txt([KEY])),
        };
        verification
            .answer(query.id, answer)
            .expect("asked just now");
    }
    assert!(verification.is_complete());
    format!(
        "{asked} {:?} {:?} {:?}",
        verification.outcomes(),
        verification.result(),
        verification.limit()
    )
}

fuzz_target!(|data: &[u8]| {
    let whole = within(heap_for(data.len()), || verify(std::iter::once(data)));
    assert_eq!(whole, verify(pieces(data)));
    assert_eq!(whole, verify(data.chunks(1)));
});

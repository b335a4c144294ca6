//! ARC: a chain validates the same however the message was cut, and a message that was
//! sealed as it validated passes, or fails when it failed; signed in the same pass or not.
#![no_main]

use std::sync::OnceLock;

use scop_dkim::arc::{Chain, ChainStatus, SealError, Sealer, Validator};
use scop_dkim::{
    AuthenticationResults, Domain, Limits, Policy, Records, Selector, Signer, SigningKey,
    SystemRandom,
};
use scop_fuzz::{fuzz_target, heap_for, pieces, within};

const NOW: u64 = 1_700_000_000;

fuzz_target!(|data: &[u8]| {
    static SEALER: OnceLock<(Sealer, String)> = OnceLock::new();
    let (sealer, record) = SEALER.get_or_init(|| {
        let key = SigningKey::ed25519(&[7; 32]).expect("a key");
        let record = key.record().to_string();
        let domain = Domain::new("example.org").expect("a domain");
        (
            Sealer::new(domain, Selector::new("s").expect("a selector"), key),
            record,
        )
    });
    within((8 << 20) + heap_for(data.len()), || {
        let whole = validate(&[data], record);
        let cut = validate(&pieces(data).collect::<Vec<_>>(), record);
        assert_eq!((whole.status, &whole.reason), (cut.status, &cut.reason));

        let results = AuthenticationResults::new("example.org").expect("an id");
        let mut sealer = sealer.clone();
        // Every other input is signed as well.
        if data.len() % 2 == 1 {
            let key = SigningKey::ed25519(&[7; 32]).expect("a key");
            let domain = Domain::new("example.org").expect("a domain");
            let signer = Signer::new(domain, Selector::new("s").expect("a selector"), key);
            sealer = sealer.signing(signer);
        }
        let mut sealing = sealer.start(NOW, whole.status, &results);
        let _ = sealing.write(data);
        match sealing.finish(&SystemRandom::new()) {
            Ok(fields) => {
                let sealed = [fields.as_bytes(), data].concat();
                let again = validate(&[&sealed], record);
                let expected = match whole.status {
                    ChainStatus::Fail => ChainStatus::Fail,
                    _ => ChainStatus::Pass,
                };
                // Over a limit now, with three fields more: it may fail.
                if sealed.len() < 64 << 10 {
                    assert_eq!(again.status, expected, "{again}");
                }
            }
            Err(
                SealError::FailedBefore
                | SealError::TooMany
                | SealError::Limit(_)
                | SealError::BeginsFolded
                | SealError::Sign(_),
            ) => {}
            // All ARC fields are damaged past counting.
            Err(SealError::WrongStatus(_)) => assert_eq!(whole.status, ChainStatus::Fail),
            Err(error) => panic!("{error}"),
        }
    });
});

fn validate(pieces: &[&[u8]], record: &str) -> Chain {
    let mut validator = Validator::new(Policy::default(), Limits::default(), NOW);
    for piece in pieces {
        let _ = validator.write(piece);
    }
    let mut validation = validator.finish();
    while let Some(query) = validation.next_query() {
        validation
            .answer(query.id, Ok(Records::txt([record])))
            .expect("an answer");
    }
    validation.chain().expect("a chain").clone()
}

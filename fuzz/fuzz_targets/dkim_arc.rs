//! ARC: a chain validates the same however the message was cut, and a message that was
//! sealed as it validated passes, or fails when it failed; signed in the same pass or not, with
//! keys that are here or elsewhere.
#![no_main]

use std::sync::OnceLock;

use scop_dkim::arc::{Chain, ChainStatus, SealError, Sealer, Validator};
use scop_dkim::{
    AuthenticationResults, Domain, Key, Limits, Policy, Records, RemoteKey, Selector, Signer,
    SigningKey, SystemRandom,
};
use scop_fuzz::{fuzz_target, heap_for, pieces, within};

const NOW: u64 = 1_700_000_000;

fuzz_target!(|data: &[u8]| {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    let key = KEY.get_or_init(|| SigningKey::ed25519(&[7; 32]).expect("a key"));
    let record = &key.record().to_string();
    within((8 << 20) + heap_for(data.len()), || {
        let whole = validate(&[data], record);
        let cut = validate(&pieces(data).collect::<Vec<_>>(), record);
        assert_eq!((whole.status, &whole.reason), (cut.status, &cut.reason));

        let results = AuthenticationResults::new("example.org").expect("an id");
        // Every other input is signed as well.
        let is_signed = data.len() % 2 == 1;
        let mut sealing = sealer(key.clone(), is_signed).start(NOW, whole.status, &results);
        let _ = sealing.write(data);
        let sealed = sealing.finish(&SystemRandom::new());

        let remote = sealer(RemoteKey::from(key), is_signed);
        let mut sealing = remote.start(NOW, whole.status, &results);
        let _ = sealing.write(data);
        let elsewhere = sealing.finish().and_then(|mut unsealed| {
            while let Some(request) = unsealed.next_request() {
                let signature = request.sign_with(key, &SystemRandom::new())?;
                let taken = unsealed.answer(request.id, &signature);
                taken.expect("it is the signature");
            }
            unsealed.finish()
        });
        assert_eq!(elsewhere, sealed);
        match sealed {
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

fn sealer<K: Key>(key: K, is_signed: bool) -> Sealer<K> {
    let domain = Domain::new("example.org").expect("a domain");
    let selector = Selector::new("s").expect("a selector");
    let sealer = Sealer::new(domain.clone(), selector.clone(), key.clone());
    match is_signed {
        true => sealer.signing(Signer::new(domain, selector, key)),
        false => sealer,
    }
}

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

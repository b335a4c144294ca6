//! Key records and keys, as text and as DER: nothing panics, and what parses
//! comes back from its own text.
#![no_main]

use scop_dkim::{KeyRecord, PublicKey, SigningKey};
use scop_fuzz::{fuzz_target, heap_for, within};

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        if let Ok(record) = KeyRecord::parse(data) {
            let again = KeyRecord::parse(record.to_string().as_bytes());
            assert_eq!(
                again.as_ref().map(KeyRecord::key),
                Ok(record.key()),
                "{record:?}"
            );
        }
        if let Some(key) = PublicKey::from_der(data) {
            let _ = (key.key_type(), key.bits());
        }
        let _ = SigningKey::from_der(data);
        if let Ok(text) = str::from_utf8(data) {
            let _ = (PublicKey::from_pem(text), SigningKey::from_pem(text));
        }
    });
});

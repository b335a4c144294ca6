//! The value of a DKIM-Signature field, and the records of RFC 6651 and RFC 6541: what is
//! read can be asked for and shown, and records come back from their own text.
#![no_main]

use scop_dkim::atps::{self, AtpsRecord};
use scop_dkim::reporting::{Incident, ReportRecord};
use scop_dkim::{Identity, Signature};
use scop_fuzz::{fuzz_target, heap_for, within};

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        match Signature::parse(data) {
            Ok(signature) => sound(&signature),
            Err(error) => plain(&error.to_string()),
        }
        if let Ok(record) = ReportRecord::parse(data) {
            let again = ReportRecord::parse(record.to_string().as_bytes());
            assert_eq!(again.as_ref(), Ok(&record), "{record}");
            let _ = record.wants(Incident::Verification);
        }
        if let Some(record) = AtpsRecord::parse(data) {
            let text = record.to_string();
            assert_eq!(AtpsRecord::parse(text.as_bytes()), Some(record), "{text}");
        }
    });
});

/// What every signature that was taken has.
fn sound(signature: &Signature) {
    is_name(&signature.key_name());
    let identity: Identity = signature.identity();
    assert!(identity.domain().is_within(signature.domain()));
    assert!(!identity.to_string().contains(char::is_control));
    assert!(!signature.signature().is_empty());
    let mut names = signature.headers();
    assert!(names.any(|name| name.eq_ignore_ascii_case("from")));
    for name in signature.headers() {
        assert!(name.bytes().all(|b| b.is_ascii_graphic() && b != b':'));
    }
    if let (Some(t), Some(x)) = (signature.timestamp(), signature.expiration()) {
        assert!(t < x);
    }
    for field in signature.copied_fields() {
        assert!(!field.name.is_empty() && !field.name.contains(['|', ':', '\r', '\n']));
    }
    if let Some(atps) = signature.atps() {
        let name = atps::query_name(signature.domain(), atps.hash, &atps.author);
        name.iter().for_each(|name| is_name(name));
    }
}

/// Fit for a query.
fn is_name(name: &str) {
    assert!(name.len() <= 253, "{name}");
    for label in name.split('.') {
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        assert!(
            (1..=63).contains(&label.len()) && label.bytes().all(good),
            "{name}"
        );
    }
}

fn plain(line: &str) {
    assert!(
        line.is_ascii() && !line.contains(char::is_control),
        "{line:?}"
    );
}

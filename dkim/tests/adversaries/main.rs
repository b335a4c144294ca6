//! What a peer will do to a verifier. Rows dk01, dk02, dk05, dk07 of the
//! catalogue of adversaries, the attacks of RFC 6376 section 8, and the cases of
//! robust behaviour; each names the section or row it comes from.

#[path = "../common/mod.rs"]
mod common;

mod any;
mod body;
mod cost;
mod header;
mod keys;
mod signature;

use common::{Forge, NOW, record, verify, verify_record, verify_with};
use scop_dkim::{
    BodyLength, DkimResult, DnsError, KeyRecordError, KeyType, LimitExceeded, Limits, Misuse,
    Policy, Reason, Records, Service, SignatureError, Verifier,
};

const HEADER: &str = "From: joe@example.com\r\nTo: a@b.test\r\nSubject: hi\r\n";
const BODY: &str = "Hello\r\n";
const TAGS: &str = "v=1; a=ed25519-sha256; d=example.com; s=sel";

fn tags(more: &str) -> String {
    format!("{TAGS}; {more}")
}

/// Field on top of a signed message.
fn above(field: &str) -> Vec<u8> {
    [field.as_bytes(), &Forge::default().message(HEADER, BODY)].concat()
}

#[test]
fn the_forge_itself_is_good() {
    for c in [
        "simple/simple",
        "simple/relaxed",
        "relaxed/simple",
        "relaxed/relaxed",
    ] {
        let forge = Forge {
            c,
            ..Forge::default()
        };
        let outcome = verify(&forge.message(HEADER, "a  b \r\n\r\nc\t\r\n\r\n"));
        assert_eq!(outcome.reason, Reason::Verified, "{c}");
    }
}

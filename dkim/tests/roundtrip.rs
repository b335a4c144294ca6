//! What we sign verifies, what is changed does not, and what canonicalisation
//! forgives is forgiven.

mod common;

use common::{NOW, rsa_key, verify_with};
use proptest::prelude::*;
use scop_dkim::{
    Canonicalization, DkimResult, Domain, Identity, Policy, Reason, Records, Selector, Signer,
    SigningKey, SystemRandom,
};

const PAIRS: [(Canonicalization, Canonicalization); 4] = [
    (Canonicalization::Simple, Canonicalization::Simple),
    (Canonicalization::Simple, Canonicalization::Relaxed),
    (Canonicalization::Relaxed, Canonicalization::Simple),
    (Canonicalization::Relaxed, Canonicalization::Relaxed),
];

fn signer(key: SigningKey) -> Signer {
    Signer::new(
        Domain::new("example.com").unwrap(),
        Selector::new("sel").unwrap(),
        key,
    )
}

fn ed25519() -> SigningKey {
    SigningKey::ed25519(&common::SEED).unwrap()
}

fn sign(signer: &Signer, message: &[u8], chunk: usize) -> Vec<u8> {
    let mut signing = signer.start(NOW);
    for part in message.chunks(chunk.max(1)) {
        signing.write(part).unwrap();
    }
    let mut out = signing.finish(&SystemRandom::new()).unwrap().into_bytes();
    assert!(
        out.split(|b| *b == b'\n').all(|line| line.len() <= 79),
        "{}",
        out.escape_ascii()
    );
    out.extend_from_slice(message);
    out
}

fn reason(message: &[u8], record: &str, chunk: usize) -> Reason {
    let zone = |name: &str| {
        assert_eq!(name, "sel._domainkey.example.com");
        Ok(Records::txt([record]))
    };
    let verification = verify_with(&Policy::default(), message, chunk, &zone);
    assert_eq!(verification.outcomes().len(), 1);
    verification.outcomes()[0].reason.clone()
}

#[test]
fn rsa_and_ed25519_all_pairs() {
    let message = b"Received: a\r\nReceived: b\r\nFrom: J <j@example.com>\r\nTo: x@y.test\r\n\
        Subject: A\r\n\tfolded  one \r\n\r\nHello  you \r\n\r\nbye\t\r\n\r\n\r\n";
    for key in [rsa_key, ed25519] {
        let record = key().record().to_string();
        for (header, body) in PAIRS {
            let identity = Identity::new("j oe;=|", Domain::new("eng.example.com").unwrap());
            let signer = signer(key())
                .canonicalization(header, body)
                .identity(identity.unwrap())
                .unwrap()
                .expires_after(3600);
            let signed = sign(&signer, message, 5);
            assert_eq!(reason(&signed, &record, 3), Reason::Verified);
            // Deterministic: the time is an argument, the padding has no salt.
            assert_eq!(signed, sign(&signer, message, usize::MAX));
        }
    }
}

/// Cuts everywhere: header to body, inside CRLF, inside the signature.
#[test]
fn every_pair_of_cuts_gives_the_same_outcome() {
    let signed = sign(
        &signer(ed25519()),
        b"From: j@example.com\r\n\r\na \r\n\r\nb\r\n\r\n",
        9,
    );
    let record = ed25519().record().to_string();
    let signed_len = signed.len();
    for first in (0..signed_len).step_by(3) {
        for second in (first..signed_len).step_by(17) {
            let mut verifier = scop_dkim::Verifier::new(Policy::default(), Default::default(), NOW);
            for part in [&signed[..first], &signed[first..second], &signed[second..]] {
                verifier.write(part).unwrap();
            }
            let mut verification = verifier.finish();
            let query = verification.next_query().unwrap();
            verification
                .answer(query.id, Ok(Records::txt([record.as_str()])))
                .unwrap();
            assert_eq!(verification.result(), DkimResult::Pass, "{first} {second}");
        }
    }
}

#[test]
fn added_fields_break_oversigned_names() {
    let signed = sign(
        &signer(ed25519()),
        b"From: j@example.com\r\nTo: a@b.test\r\n\r\nhi\r\n",
        99,
    );
    let record = ed25519().record().to_string();
    assert_eq!(reason(&signed, &record, 99), Reason::Verified);
    let text = String::from_utf8(signed).unwrap();
    for added in [
        "Subject: new\r\n",
        "Content-Type: text/html\r\n",
        "Reply-To: e@evil.test\r\n",
    ] {
        let (top, bottom) = (
            format!("{added}{text}"),
            text.replace("\nFrom:", &format!("\n{added}From:")),
        );
        assert_eq!(
            reason(top.as_bytes(), &record, 99),
            Reason::SignatureMismatch
        );
        assert_eq!(
            reason(bottom.as_bytes(), &record, 99),
            Reason::SignatureMismatch
        );
    }
    // A relay's trace, a mailing list's mark: not oversigned.
    for added in ["Received: by relay\r\n", "List-Id: <l.test>\r\n"] {
        assert_eq!(
            reason(format!("{added}{text}").as_bytes(), &record, 99),
            Reason::Verified
        );
    }
}

fn text_line() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ -~\u{e4}\t]{0,40}").unwrap()
}

fn header() -> impl Strategy<Value = String> {
    let name = proptest::sample::select(vec!["To", "Subject", "DATE", "X-Y", "Received", "cc"]);
    let field = (name, text_line(), proptest::option::of(text_line())).prop_map(|(n, v, fold)| {
        let fold = fold.map(|f| format!("\r\n\t{f}")).unwrap_or_default();
        format!("{n}: {v}{fold}\r\n")
    });
    (proptest::collection::vec(field, 0..5), text_line()).prop_map(|(mut fields, from)| {
        // One of each single field; more would be refused.
        fields.sort_by_key(|f| f.split(':').next().unwrap_or("").to_lowercase());
        fields.dedup_by_key(|f| f.split(':').next().unwrap_or("").to_lowercase());
        fields.insert(fields.len() / 2, format!("From: a{from}\r\n"));
        fields.concat()
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => text_line().prop_map(String::into_bytes),
        4 => Just(b"\r\n".to_vec()),
        1 => Just(b" \t ".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..10),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn signed_messages_verify(header in header(), body in body(), rsa: bool, c in 0usize..4, s in 1usize..50, v in 1usize..50) {
        let message = [header.as_bytes(), b"\r\n", &body].concat();
        let key = if rsa { rsa_key } else { ed25519 };
        let signer = signer(key()).canonicalization(PAIRS[c].0, PAIRS[c].1).copy_fields();
        let record = key().record().to_string();
        prop_assert_eq!(reason(&sign(&signer, &message, s), &record, v), Reason::Verified);
    }

    /// With simple/simple every byte of a signed field and of the body counts.
    #[test]
    fn any_changed_byte_fails(header in header(), body in body(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let signer = signer(ed25519())
            .canonicalization(Canonicalization::Simple, Canonicalization::Simple)
            .fields(&["From", "To", "Subject", "Date", "X-Y", "Received", "Cc"], &[])
            .unwrap();
        let message = [header.as_bytes(), b"\r\n", &body, b"end\r\n"].concat();
        let mut signed = sign(&signer, &message, 64);
        // Any byte behind the value of b=.
        let start = signed.len() - message.len();
        let at = start + at.index(message.len());
        prop_assume!(signed[at] != to);
        signed[at] = to;
        let record = ed25519().record().to_string();
        prop_assert_ne!(reason(&signed, &record, 64), Reason::Verified);
    }

    /// The same for the signature field itself: each tag is signed, `b=` apart.
    #[test]
    fn any_changed_byte_of_the_signature_fails(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let signer = signer(ed25519())
            .canonicalization(Canonicalization::Simple, Canonicalization::Simple);
        let message = b"From: j@example.com\r\n\r\nhi\r\n";
        let mut signed = sign(&signer, message, 64);
        let start = signed.windows(3).position(|w| w == b" b=").unwrap();
        let at = b"DKIM-Signature:".len() + at.index(start + 3 - b"DKIM-Signature:".len());
        prop_assume!(signed[at] != to);
        signed[at] = to;
        let zone = |_: &str| Ok(Records::txt([ed25519().record().to_string()]));
        let v = verify_with(&Policy::default(), &signed, 64, &zone);
        prop_assert_ne!(v.result(), DkimResult::Pass);
    }

    /// With relaxed, what is not white space counts.
    #[test]
    fn any_changed_character_of_a_relaxed_body_fails(body in body(), at in any::<prop::sample::Index>(), to in b'!'..=b'~') {
        let message = [b"From: j@example.com\r\n\r\n", &body[..], b"end\r\n"].concat();
        let mut signed = sign(&signer(ed25519()), &message, 64);
        let at = signed.len() - 5 - at.index(body.len() + 1).min(body.len());
        let at = if signed[at].is_ascii_graphic() { at } else { signed.len() - 4 };
        prop_assume!(signed[at] != to);
        signed[at] = to;
        let record = ed25519().record().to_string();
        prop_assert_eq!(reason(&signed, &record, 64), Reason::BodyHashMismatch);
    }

    #[test]
    fn relaxed_forgives_white_space(header in header(), body in body(), runs in proptest::collection::vec("[ \t]{1,4}", 1..8)) {
        let message = [header.as_bytes(), b"\r\n", &body, b"end\r\n"].concat();
        let signer = signer(ed25519());
        let signed = sign(&signer, &message, 64);
        let start = signed.len() - message.len();
        let mut runs = runs.iter().cycle();
        let mut changed = signed[..start].to_vec();
        // Another run for each run, the field names in another case, more
        // empty lines at the end.
        let mut rest = &signed[start..];
        while let Some((&byte, tail)) = rest.split_first() {
            if byte == b' ' || byte == b'\t' {
                // A run at the start of a line means folding; any run will do.
                let run = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                changed.extend_from_slice(runs.next().unwrap().as_bytes());
                rest = &rest[run..];
            } else {
                changed.push(byte);
                rest = tail;
            }
        }
        changed.extend_from_slice(b" \r\n\r\n\t\r\n");
        let at = changed.windows(6).position(|w| w == b"\nFrom:").unwrap() + 1;
        changed[at..at + 4].copy_from_slice(b"fROM");
        let record = ed25519().record().to_string();
        prop_assert_eq!(reason(&changed, &record, 64), Reason::Verified);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    /// RFC 6376 section 3.4.2: folding is white space, so another folding is forgiven.
    #[test]
    fn relaxed_forgives_folding(header in header(), body in body(), folds in proptest::collection::vec(any::<bool>(), 1..9)) {
        let message = [header.as_bytes(), b"\r\n", &body].concat();
        let signed = sign(&signer(ed25519()), &message, 64);
        let (own, rest) = signed.split_at(signed.len() - message.len());
        let header = std::str::from_utf8(&rest[..header.len()]).unwrap();
        let mut folds = folds.iter().cycle();
        let mut folded = String::new();
        // Unfolded, then a fold before some of the blanks behind the colon.
        for c in header.replace("\r\n\t", "\t").chars() {
            let blank = matches!(c, ' ' | '\t');
            if blank && *folds.next().unwrap() {
                folded.push_str("\r\n");
            }
            folded.push(c);
        }
        let changed = [own, folded.as_bytes(), &rest[header.len()..]].concat();
        let record = ed25519().record().to_string();
        prop_assert_eq!(reason(&changed, &record, 64), Reason::Verified);
    }

    /// Sections 3.4.3 and 3.4.4: empty lines at the end of the body are nothing to both,
    /// and the line end of the last line may be missing; nothing else is forgiven by simple.
    #[test]
    fn empty_lines_at_the_end_are_forgiven(header in header(), body in body(), lines in 0usize..4, c in 0usize..4, at in any::<prop::sample::Index>()) {
        let message = [header.as_bytes(), b"\r\n", &body, b"end"].concat();
        let signer = signer(ed25519()).canonicalization(PAIRS[c].0, PAIRS[c].1);
        let signed = sign(&signer, &message, 64);
        let record = ed25519().record().to_string();
        let changed = [&signed[..], &b"\r\n".repeat(lines)].concat();
        prop_assert_eq!(reason(&changed, &record, 64), Reason::Verified);
        if PAIRS[c].1 == Canonicalization::Simple {
            let at = signed.len() - at.index(body.len() + 3);
            let added = [&signed[..at], b" ", &signed[at..]].concat();
            prop_assert_eq!(reason(&added, &record, 64), Reason::BodyHashMismatch);
        }
    }

    /// Section 3.4.2: with relaxed/relaxed every visible character of a signed field counts,
    /// behind the name.
    #[test]
    fn any_changed_character_of_a_relaxed_header_fails(header in header(), at in any::<prop::sample::Index>(), to in b'!'..=b'~') {
        let message = [header.as_bytes(), b"\r\n"].concat();
        let signer = signer(ed25519())
            .fields(&["From", "To", "Subject", "Date", "X-Y", "Received", "Cc"], &[])
            .unwrap();
        let mut signed = sign(&signer, &message, 64);
        let at = signed.len() - message.len() + at.index(message.len());
        prop_assume!(signed[at].is_ascii_graphic() && !signed[at].eq_ignore_ascii_case(&to));
        signed[at] = to;
        let record = ed25519().record().to_string();
        prop_assert_ne!(reason(&signed, &record, 64), Reason::Verified);
    }
}

/// A first line of white space would go on with the signature above it.
#[test]
fn a_message_that_begins_with_white_space_is_not_signed() {
    let domain = scop_dkim::Domain::new("example.com").unwrap();
    let selector = scop_dkim::Selector::new("s").unwrap();
    let key = scop_dkim::SigningKey::ed25519(&[7; 32]).unwrap();
    let mut signing = scop_dkim::Signer::new(domain, selector, key).start(0);
    let refused = signing.write(b"\tx\r\nFrom: a@example.com\r\n\r\nHi\r\n");
    assert_eq!(refused, Err(scop_dkim::SignError::BeginsFolded));
}

//! ARC: sealing, and what the public suite leaves out (dk09).
#![cfg(feature = "arc")]

mod common;

use common::{SEED, record, rsa_key};
use proptest::prelude::*;
use scop_dkim::arc::{Chain, ChainReason, ChainStatus, SealError, Sealer, SetProblem, Validator};
use scop_dkim::{
    AuthenticationResults, DnsError, Domain, Limits, MethodResult, Policy, Reason, Records,
    Selector, SigningKey, SystemRandom,
};

const MESSAGE: &str =
    "From: Ann <ann@example.com>\r\nSubject: hi\r\nMIME-Version: 1.0\r\n\r\nHello\r\n";
const NOW: u64 = 1_700_000_000;

fn sealer(rsa: bool) -> Sealer {
    let key = if rsa {
        rsa_key()
    } else {
        SigningKey::ed25519(&SEED).unwrap()
    };
    let selector = if rsa { "rsa" } else { "ed" };
    Sealer::new(
        Domain::new("lists.example.org").unwrap(),
        Selector::new(selector).unwrap(),
        key,
    )
}

fn keys(name: &str) -> Result<Records, DnsError> {
    match name {
        "ed._domainkey.lists.example.org" => Ok(Records::txt([record()])),
        "rsa._domainkey.lists.example.org" => Ok(Records::txt([rsa_key().record().to_string()])),
        _ => Err(DnsError::NotFound),
    }
}

fn validate(message: &str) -> Chain {
    validate_with(message, keys)
}

fn validate_with(message: &str, dns: impl Fn(&str) -> Result<Records, DnsError>) -> Chain {
    let mut validator = Validator::new(Policy::default(), Limits::default(), NOW);
    for chunk in message.as_bytes().chunks(100) {
        validator.write(chunk).unwrap();
    }
    let mut validation = validator.finish();
    while let Some(query) = validation.next_query() {
        validation.answer(query.id, dns(&query.name)).unwrap();
    }
    validation.chain().expect("no chain").clone()
}

fn seal(message: &str, status: ChainStatus, rsa: bool) -> Result<String, SealError> {
    let results = AuthenticationResults::new("lists.example.org")
        .unwrap()
        .with(MethodResult::new("arc", &status.to_string()).unwrap());
    let mut sealing = sealer(rsa).start(NOW, status, &results);
    for chunk in message.as_bytes().chunks(7) {
        sealing.write(chunk)?;
    }
    let fields = sealing.finish(&SystemRandom::new())?;
    assert!(
        fields.split("\r\n").all(|line| line.len() <= 78),
        "{fields}"
    );
    Ok(fields + message)
}

/// A message with a chain of so many sets.
fn chain(sets: usize) -> String {
    let mut message = MESSAGE.to_owned();
    for at in 0..sets {
        let status = if at == 0 {
            ChainStatus::None
        } else {
            ChainStatus::Pass
        };
        message = seal(&message, status, at % 2 == 1).unwrap();
    }
    message
}

#[test]
fn what_is_sealed_validates_and_tells_who_handled_it() {
    for sets in 1..4 {
        let found = validate(&chain(sets));
        assert_eq!(
            (found.status, found.handlers.len()),
            (ChainStatus::Pass, sets),
            "{found}"
        );
        assert_eq!(found.oldest_pass, Some(0));
        assert!(found.handlers.iter().all(|h| h.covers_from));
        let first = String::from_utf8_lossy(&found.handlers[0].results).into_owned();
        assert!(
            first.starts_with(" i=1; lists.example.org;\r\n arc=none"),
            "{first}"
        );
    }
}

/// RFC 8617 section 5.2 step 5 is optional: without it the status is the same, and no key is
/// asked for that a message signature before the newest alone needs.
#[test]
fn older_message_signatures_are_left_out_where_nobody_asks() {
    let check = |message: &str| {
        let validator = Validator::new(Policy::default(), Limits::default(), NOW);
        let mut validator = validator.newest_message_only();
        validator.write(message.as_bytes()).unwrap();
        let mut validation = validator.finish();
        while let Some(query) = validation.next_query() {
            let record = match &*query.name {
                "ed._domainkey.lists.example.org" => record(),
                _ => rsa_key().record().to_string(),
            };
            validation
                .answer(query.id, Ok(Records::txt([record])))
                .unwrap();
        }
        validation.chain().unwrap().clone()
    };
    for sets in 1..4 {
        let found = check(&chain(sets));
        assert_eq!((found.status, found.oldest_pass), (ChainStatus::Pass, None));
        let messages = found.handlers.iter().map(|h| &h.message);
        let (newest, older) = (Reason::Verified, Reason::Unchecked);
        let expected = core::iter::repeat_n(&older, sets - 1).chain([&newest]);
        assert!(messages.eq(expected), "{:?}", found.handlers);
    }
    let broken = chain(3).replace("Hello", "Hallo");
    assert_eq!(check(&broken).status, ChainStatus::Fail);
    assert_eq!(check(&broken).reason, validate(&broken).reason);
    // A seal that is broken counts wherever it is.
    let broken = chain(3).replacen(
        "i=1; a=ed25519-sha256; cv=none",
        "i=1; a=ed25519-sha256;  cv=none",
        1,
    );
    assert_eq!(check(&broken).reason, validate(&broken).reason);
}

/// A list that changes a message breaks the signatures before its own, not the chain.
#[test]
fn who_changes_a_message_seals_it_again() {
    let changed = chain(1).replace("Subject: hi", "Subject: [list] hi");
    assert_eq!(validate(&changed).status, ChainStatus::Fail);
    let sealed = seal(&changed, ChainStatus::Pass, true).unwrap();
    let found = validate(&sealed);
    assert_eq!(
        (found.status, found.oldest_pass),
        (ChainStatus::Pass, Some(2)),
        "{found}"
    );
    // Once more, unchanged.
    let found = validate(&seal(&sealed, ChainStatus::Pass, false).unwrap());
    assert_eq!(found.oldest_pass, Some(2));
}

#[test]
fn any_change_of_what_is_sealed_fails() {
    let message = chain(2);
    for (from, to) in [
        ("Hello", "Hullo"),
        ("Subject: hi", "Subject: ho"),
        ("arc=none", "arc=pass"),
        ("cv=none", "cv=pass"),
        ("ann@example.com", "ann@example.org"),
        ("From: Ann", "From: Eve <eve@example.net>\r\nFrom: Ann"),
    ] {
        let changed = message.replacen(from, to, 1);
        assert_ne!(changed, message);
        let found = validate(&changed);
        assert_eq!(found.status, ChainStatus::Fail, "{from}: {found}");
    }
    // dk01: another From on top; where it was there before, it is sealed.
    for field in ["From: eve@example.net", "From : eve@example.net"] {
        let found = validate(&format!("{field}\r\n{message}"));
        let reason = ChainReason::Message(2, Reason::FromCount(2));
        assert_eq!(found.reason, reason, "{field}");
        let before = format!("{field}\r\n{MESSAGE}");
        let found = validate(&seal(&before, ChainStatus::None, false).unwrap());
        assert_eq!(found.status, ChainStatus::Pass, "{field}");
    }
}

/// RFC 6376 section 8.15, RFC 5322 section 2.2: who adds to a sealed message what only
/// careless readers see (another author, subject or body) breaks its chain; and no such
/// message is sealed.
#[test]
fn what_only_some_readers_see_is_not_vouched_for() {
    let original = format!("Reply-To: ann@example.com\r\n{MESSAGE}");
    let sealed = seal(&original, ChainStatus::None, false).unwrap();
    let message = seal(&sealed, ChainStatus::Pass, true).unwrap();
    for (field, reason) in [
        ("Subject: evil", Reason::ExtraInstance("Subject")),
        (
            "MIME-Version: 1.0\r\nReply-To: a@b.test",
            Reason::ExtraInstance("Reply-To"),
        ),
        ("X: y\nSubject: evil", Reason::ExtraInstance("Subject")),
        ("X: y\rTo: eve@x.test", Reason::ExtraInstance("To")),
        ("X: y\n\nAnother body", Reason::HiddenBody),
        ("X: y\nFrom: eve@x.test", Reason::ExtraInstance("From")),
        (" From: eve@x.test", Reason::FromMalformed),
        ("F\0rom: eve@x.test", Reason::FromMalformed),
    ] {
        let found = validate(&format!("{field}\r\n{message}"));
        let expected = ChainReason::Message(2, reason);
        assert_eq!(found.reason, expected, "{field:?}");
        assert_eq!(found.oldest_pass, None);
        let refused = seal(
            &format!("A: b\r\n{field}\r\n{MESSAGE}"),
            ChainStatus::None,
            false,
        );
        // As the first line it goes on with A; a field that is there before is sealed.
        match field {
            " From: eve@x.test" | "Subject: evil" | "MIME-Version: 1.0\r\nReply-To: a@b.test" => {
                let found = validate(&refused.unwrap());
                assert_eq!(found.status, ChainStatus::Pass, "{field:?}: {found}");
            }
            _ => assert!(matches!(refused, Err(SealError::Sign(_))), "{field:?}"),
        }
    }
    // A handler adds fields, and what hides nothing is none of these.
    for field in ["Sender: list@x.test", "X: y\nz", "MIME-Version: 1.0"] {
        let found = validate(&format!("{field}\r\n{message}"));
        assert_eq!(found.status, ChainStatus::Pass, "{field:?}: {found}");
    }
    // Without the rule all of them pass, an author that is counted apart.
    let mut policy = Policy::default();
    policy.reject_extra_instances = false;
    let mut validator = Validator::new(policy, Limits::default(), NOW);
    validator
        .write(format!("X: y\nSubject: evil\r\n{message}").as_bytes())
        .unwrap();
    let mut validation = validator.finish();
    while let Some(query) = validation.next_query() {
        validation.answer(query.id, keys(&query.name)).unwrap();
    }
    assert_eq!(validation.chain().unwrap().status, ChainStatus::Pass);
}

/// RFC 6376 section 3.6.1 knows `t=y` for signers; a seal with such a key counts.
#[test]
fn seals_with_a_key_in_testing_mode() {
    let found = validate_with(&chain(1), |_| {
        Ok(Records::txt([format!("{}; t=y", record())]))
    });
    assert_eq!(found.status, ChainStatus::Pass, "{found}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// Everything in this message is sealed: each visible character counts.
    #[test]
    fn any_changed_character_fails(at in any::<prop::sample::Index>(), to in b'!'..=b'~') {
        static CHAIN: std::sync::OnceLock<String> = std::sync::OnceLock::new();
        let message = CHAIN.get_or_init(|| chain(3));
        let mut changed = message.clone().into_bytes();
        let at = at.index(changed.len());
        prop_assume!(changed[at].is_ascii_graphic() && !changed[at].eq_ignore_ascii_case(&to));
        changed[at] = to;
        let changed = String::from_utf8(changed).unwrap();
        prop_assert_eq!(validate(&changed).status, ChainStatus::Fail, "{}", changed);
    }
}

/// dk09: gaps, repetitions, instances over 50, more sets than that.
/// RFC 8617 section 3.9: CFWS around the instance. The set is one, though the seal is of
/// other results.
#[test]
fn comments_around_the_instance() {
    let sealed = chain(1);
    for (instance, is_one) in [
        ("(a) i (b\\)) = (c; (d) i=2;)\r\n 1\t(e);", true),
        ("i=1(x)2;", false),
        ("(i=1;", false),
        ("i=1);", false),
    ] {
        let field = format!("ARC-Authentication-Results: {instance}");
        let found = validate(&sealed.replacen("ARC-Authentication-Results: i=1;", &field, 1));
        let reason = match is_one {
            true => ChainReason::Seal(1, Reason::SignatureMismatch),
            false => ChainReason::Sets(SetProblem::Instance),
        };
        assert_eq!(found.reason, reason, "{instance}");
    }
}

#[test]
fn dk09_sets_that_are_no_chain() {
    let message = chain(2);
    let without = |name: &str, instance: usize| {
        let header_end = message.find("\r\n\r\n").unwrap() + 2;
        let (header, body) = message.split_at(header_end);
        let unfolded = header.replace("\r\n ", "\u{1}");
        let start = format!("{name}: i={instance};");
        let kept: Vec<&str> = unfolded
            .split_inclusive("\r\n")
            .filter(|f| !f.starts_with(&start))
            .collect();
        kept.concat().replace('\u{1}', "\r\n ") + body
    };
    for name in [
        "ARC-Seal",
        "ARC-Message-Signature",
        "ARC-Authentication-Results",
    ] {
        for instance in [1, 2] {
            let found = validate(&without(name, instance));
            assert_eq!(
                found.reason,
                ChainReason::Sets(SetProblem::Incomplete(instance)),
                "{name} {instance}"
            );
        }
    }
    for (field, problem) in [
        ("ARC-Seal: i=51; cv=pass\r\n", SetProblem::Instance),
        ("ARC-Seal: i=0; cv=pass\r\n", SetProblem::Instance),
        (
            "ARC-Seal: i=18446744073709551617; cv=pass\r\n",
            SetProblem::Instance,
        ),
        (
            "ARC-Authentication-Results: lists.example.org; i=3\r\n",
            SetProblem::Instance,
        ),
        ("ARC-Seal: i=4; cv=pass\r\n", SetProblem::Incomplete(3)),
    ] {
        let found = validate(&format!("{field}{message}"));
        assert_eq!(found.reason, ChainReason::Sets(problem), "{field}");
    }
    let many = "ARC-Seal: i=1; cv=pass\r\n".repeat(51);
    assert_eq!(
        validate(&format!("{many}{message}")).reason,
        ChainReason::Sets(SetProblem::TooMany)
    );
}

/// Section 5.2.1: an error of DNS is as final as any other.
#[test]
fn a_key_that_cannot_be_asked_for_fails_the_chain() {
    let found = validate_with(&chain(1), |_| Err(DnsError::Temporary));
    assert_eq!(found.status, ChainStatus::Fail);
    assert!(found.to_string().contains("unavailable"), "{found}");
}

/// Section 5.1.2: the seal over a chain that failed covers its own set alone, and ends it.
#[test]
fn a_failed_chain_is_sealed_once() {
    let broken = chain(2).replacen("arc=none", "arc=pass", 1);
    let sealed = seal(&broken, ChainStatus::Fail, false).unwrap();
    assert!(sealed.starts_with("ARC-Seal: i=3; a=ed25519-sha256; cv=fail;"));
    assert_eq!(validate(&sealed).reason, ChainReason::FailedBefore);
    assert_eq!(
        seal(&sealed, ChainStatus::Fail, false),
        Err(SealError::FailedBefore)
    );
}

#[test]
fn a_status_that_does_not_fit_is_refused() {
    assert_eq!(
        seal(MESSAGE, ChainStatus::Pass, false),
        Err(SealError::WrongStatus(ChainStatus::Pass))
    );
    assert_eq!(
        seal(MESSAGE, ChainStatus::Fail, false),
        Err(SealError::WrongStatus(ChainStatus::Fail))
    );
    assert_eq!(
        seal(&chain(1), ChainStatus::None, false),
        Err(SealError::WrongStatus(ChainStatus::None))
    );
    let gap = format!("ARC-Seal: i=3; cv=pass\r\n{MESSAGE}");
    assert!(matches!(
        seal(&gap, ChainStatus::Pass, false),
        Err(SealError::Sets(_))
    ));
    assert!(
        seal(&gap, ChainStatus::Fail, false)
            .unwrap()
            .starts_with("ARC-Seal: i=4;")
    );
    let last = format!("ARC-Seal: i=50; cv=pass\r\n{MESSAGE}");
    assert_eq!(
        seal(&last, ChainStatus::Fail, false),
        Err(SealError::TooMany)
    );
}

/// Found by fuzzing: a first line of white space would go on with what is put above it.
#[test]
fn a_message_that_begins_with_white_space_is_not_sealed() {
    let message = format!(" x\r\n{MESSAGE}");
    assert_eq!(
        seal(&message, ChainStatus::None, false),
        Err(SealError::BeginsFolded)
    );
}

/// One pass signs and seals: the set covers the new signatures, which come out below it.
#[test]
fn what_is_signed_and_sealed_in_one_pass() {
    use scop_dkim::{Canonicalization, DkimResult, Signer};
    let domain = || Domain::new("lists.example.org").unwrap();
    let signer = |selector: &str, key| Signer::new(domain(), Selector::new(selector).unwrap(), key);
    let ed25519 = SigningKey::ed25519(&SEED).unwrap();
    let signers = signer("rsa", rsa_key()).and(
        signer("ed", ed25519).canonicalization(Canonicalization::Simple, Canonicalization::Simple),
    );
    let both = sealer(false).signing(signers.clone());
    let results = AuthenticationResults::new("lists.example.org").unwrap();
    for message in [MESSAGE.to_owned(), chain(2)] {
        let status = match message.len() == MESSAGE.len() {
            true => ChainStatus::None,
            false => ChainStatus::Pass,
        };
        let mut sealing = both.start(NOW, status, &results);
        for chunk in message.as_bytes().chunks(5) {
            sealing.write(chunk).unwrap();
        }
        let fields = sealing.finish(&SystemRandom::new()).unwrap();
        // As if one had come after the other.
        let mut signing = signers.start(NOW);
        signing.write(message.as_bytes()).unwrap();
        let signed = signing.finish(&SystemRandom::new()).unwrap() + &message;
        let mut sealing = sealer(false).start(NOW, status, &results);
        sealing.write(signed.as_bytes()).unwrap();
        let sealed = sealing.finish(&SystemRandom::new()).unwrap() + &signed;
        assert_eq!(fields + &message, sealed);

        let found = validate(&sealed);
        assert_eq!(found.status, ChainStatus::Pass, "{found}");
        let zone = |name: &str| match name {
            "rsa._domainkey.lists.example.org" => {
                Ok(Records::txt([rsa_key().record().to_string()]))
            }
            _ => Ok(Records::txt([record()])),
        };
        let v = common::verify_with(&Policy::default(), sealed.as_bytes(), 9, &zone);
        let passes = v
            .outcomes()
            .iter()
            .filter(|o| o.result() == DkimResult::Pass);
        assert_eq!(passes.count(), 2);
        // Without one of the signatures the set is broken.
        let at = sealed.find("DKIM-Signature:").unwrap();
        let end = at + sealed[at..].find("\r\nDKIM-Signature").unwrap() + 2;
        let without = [&sealed[..at], &sealed[end..]].concat();
        assert_eq!(validate(&without).status, ChainStatus::Fail);
    }
    // What cannot be signed is not sealed either.
    let mut sealing = both.start(NOW, ChainStatus::None, &results);
    let refused = sealing.write(b"To: a@b.test\r\n\r\nHi\r\n");
    assert_eq!(
        refused,
        Err(SealError::Sign(scop_dkim::SignError::FromCount(0)))
    );
    assert_eq!(sealing.write(b"x"), refused, "sticky");
}

/// Section 9.2: a chain does not ask for more keys than the limit allows.
#[test]
fn the_budget_of_queries() {
    let message = chain(3);
    let mut limits = Limits::default();
    limits.queries = 1;
    let mut validator = Validator::new(Policy::default(), limits, NOW);
    validator.write(message.as_bytes()).unwrap();
    let mut validation = validator.finish();
    let mut asked = 0;
    while let Some(query) = validation.next_query() {
        asked += 1;
        validation.answer(query.id, keys(&query.name)).unwrap();
    }
    let found = validation.chain().unwrap();
    assert_eq!((asked, found.status), (1, ChainStatus::Fail));
    assert!(
        found.to_string().contains("needs more than 1 DNS queries"),
        "{found}"
    );
}

/// 50 sets are a chain (section 4.2.1); the message that has them is not sealed again.
#[test]
fn fifty_sets() {
    let found = validate(&chain(50));
    assert_eq!(
        (found.status, found.handlers.len()),
        (ChainStatus::Pass, 50)
    );
    assert_eq!(
        seal(&chain(50), ChainStatus::Pass, false),
        Err(SealError::TooMany)
    );
}

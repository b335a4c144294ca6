//! ARC both ways with dkimpy: a chain of its sets and ours, in turns. Passes and says
//! that it skips where python3 with the modules `dkim` and `authres` is not installed.
#![cfg(feature = "arc")]

mod common;

use std::io::Write as _;
use std::process::{Command, Stdio};

use common::rsa_key;
use scop_dkim::arc::{Chain, ChainStatus, Sealer, Validator};
use scop_dkim::{AuthenticationResults, Domain, Limits, Policy, Records, Selector, SystemRandom};

const KEY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/rsa2048-pkcs1.pem"
);

/// `verify` prints the status; `seal` the message with a set on top of it.
const PROGRAM: &str = r#"
import sys, dkim
action, keyfile, record = sys.argv[1:]
message = sys.stdin.buffer.read()
dns = lambda name, timeout=5: record.encode()
if action == 'verify':
    cv, results, reason = dkim.arc_verify(message, dnsfunc=dns)
    print(cv.decode(), reason)
else:
    fields = dkim.ARC(message).sign(b'sel', b'example.org', open(keyfile, 'rb').read(), b'mx.example.org')
    sys.stdout.buffer.write(b''.join(fields) + message)
"#;

fn dkimpy(action: &str, message: &[u8]) -> Option<Vec<u8>> {
    let probe = Command::new("python3")
        .args(["-c", "import dkim, authres"])
        .output();
    if !probe.is_ok_and(|out| out.status.success()) {
        println!("skipped: python3 with the modules dkim and authres is not installed");
        return None;
    }
    let record = rsa_key().record().to_string();
    let mut child = Command::new("python3")
        .args(["-c", PROGRAM, action, KEY, &record])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(message).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    Some(out.stdout)
}

fn validate(message: &[u8]) -> Chain {
    let mut policy = Policy::default();
    // They seal with the time of day.
    policy.clock_skew = u64::MAX;
    let mut validator = Validator::new(policy, Limits::default(), 0);
    validator.write(message).unwrap();
    let mut validation = validator.finish();
    while let Some(query) = validation.next_query() {
        let record = Records::txt([rsa_key().record().to_string()]);
        validation.answer(query.id, Ok(record)).unwrap();
    }
    validation.chain().unwrap().clone()
}

fn seal(message: &[u8], status: ChainStatus) -> Vec<u8> {
    let results = AuthenticationResults::new("mx.example.org").unwrap();
    let sealer = Sealer::new(
        Domain::new("example.org").unwrap(),
        Selector::new("sel").unwrap(),
        rsa_key(),
    );
    let mut sealing = sealer.start(1_700_000_000, status, &results);
    sealing.write(message).unwrap();
    let fields = sealing.finish(&SystemRandom::new()).unwrap();
    [fields.as_bytes(), message].concat()
}

#[test]
fn dkimpy_and_we_seal_in_turns() {
    let mut message =
        b"From: Ann <ann@example.com>\r\nTo: bob@example.net\r\nSubject: hi\r\n\r\n a  b\r\n\r\n"
            .to_vec();
    for turn in 0..4 {
        let status = if turn == 0 {
            ChainStatus::None
        } else {
            ChainStatus::Pass
        };
        message = if turn % 2 == 0 {
            seal(&message, status)
        } else {
            // Its seal has the status that a field of its own name says.
            let passed = b"Authentication-Results: mx.example.org; arc=pass\r\n";
            let Some(sealed) = dkimpy("seal", &[passed, message.as_slice()].concat()) else {
                return;
            };
            let sealed = String::from_utf8(sealed).unwrap();
            sealed
                .replacen(std::str::from_utf8(passed).unwrap(), "", 1)
                .into_bytes()
        };
        let found = validate(&message);
        assert_eq!(
            (found.status, found.handlers.len()),
            (ChainStatus::Pass, turn + 1),
            "{found}"
        );
        let Some(theirs) = dkimpy("verify", &message) else {
            return;
        };
        assert!(theirs.starts_with(b"pass"), "{}", theirs.escape_ascii());
    }
    let broken = String::from_utf8(message)
        .unwrap()
        .replacen("Subject: hi", "Subject: ho", 1);
    assert_eq!(validate(broken.as_bytes()).status, ChainStatus::Fail);
    let theirs = dkimpy("verify", broken.as_bytes()).unwrap();
    assert!(theirs.starts_with(b"fail"), "{}", theirs.escape_ascii());
}

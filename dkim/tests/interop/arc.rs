//! ARC: a chain of the sets of others and ours, in turns.
use super::*;
use scop_dkim::arc::{Chain, ChainStatus, Sealer, Validator};
use scop_dkim::{AuthenticationResults, Limits};

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
    let record = rsa_key().record().to_string();
    let args = [action, RSA_PEM, &record];
    super::dkimpy::python("dkim, authres", PROGRAM, &args, message)
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

/// Seals a message that says that it passed, in a field for the sealer to read, or prints
/// the status of its chain.
type Program = fn(&str, &[u8]) -> Option<Vec<u8>>;

#[test]
fn dkimpy_and_we_seal_in_turns() {
    in_turns(dkimpy);
}

#[test]
fn mail_dkim_and_we_seal_in_turns() {
    in_turns(super::mail_dkim::arc);
}

fn in_turns(program: Program) {
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
            let Some(sealed) = program("seal", &[passed, message.as_slice()].concat()) else {
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
        let Some(theirs) = program("verify", &message) else {
            return;
        };
        assert!(theirs.starts_with(b"pass"), "{}", theirs.escape_ascii());
    }
    let broken = String::from_utf8(message)
        .unwrap()
        .replacen("Subject: hi", "Subject: ho", 1);
    assert_eq!(validate(broken.as_bytes()).status, ChainStatus::Fail);
    let theirs = program("verify", broken.as_bytes()).unwrap();
    assert!(theirs.starts_with(b"fail"), "{}", theirs.escape_ascii());
}

//! Both ways with other implementations: what they sign we verify, what we
//! sign they verify. A test passes and says that it skips where the program is
//! not installed: `pip install dkimpy` (with `pynacl` for Ed25519 and `authres` for
//! ARC and results), `pyspf`, `lxml`, `openssl`, the packages `opendkim` and `opendkim-tools`, `libmail-dkim-perl`.

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "arc")]
mod arc;
mod dkimpy;
mod mail_dkim;
mod opendkim;
mod openssl;
mod policy;

use std::io::Write as _;
use std::process::{Command, Stdio};

use common::{NOW, rsa_key, verify_with};
use scop_dkim::{
    Canonicalization, Domain, Identity, Key, Policy, Reason, Records, Selector, Signer, SigningKey,
    SystemRandom,
};

const RSA_PEM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/rsa2048-pkcs1.pem"
);

const MESSAGES: [&str; 8] = [
    "From: Joe <joe@example.com>\r\nTo: a@b.test\r\nSubject: hi\r\n\r\nHello\r\n",
    "From: joe@example.com\r\nSubject:  folded\r\n\t two \t spaces \r\n\r\n a  b \r\n\r\n\tc\t\r\n\r\n\r\n",
    "Received: 1\r\nReceived: 2\r\nFROM:joe@example.com\r\nCc:\r\nX-Date:x\r\n\r\n",
    "From: joe@example.com\r\n\r\n\r\n\r\n",
    "From: joe@example.com\r\n\r\n.\r\n..\r\nFrom me\r\n",
    "From: joe@example.com\r\nSubject: =?utf-8?q?=C3=A4?=\r\n\r\n\u{e4}\u{20ac}\r\n",
    "From: joe@example.com\r\nX-A: 1\r\nContent-Type: text/plain;\r\n charset=utf-8\r\n\r\nno line end",
    "From: joe@example.com\r\nSubject:\r\n\r\n   \r\nx\r\n   \r\n",
];

/// [`MESSAGES`], and as many with white space and empty lines thrown in at
/// random, the same on each run.
fn messages() -> Vec<String> {
    const PIECES: [&str; 9] = [" ", "\t", "  ", "\r\n", "\r\n\r\n", "a", "bc", ".", " \r\n"];
    let mut state = 1u32;
    let mut soup = |count: usize, avoid: &str| -> String {
        let mut out = String::new();
        for _ in 0..count {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let piece = PIECES[(state >> 16) as usize % PIECES.len()];
            if avoid.is_empty() || !piece.contains(avoid) {
                out.push_str(piece);
            }
        }
        out
    };
    let mut all: Vec<String> = MESSAGES.map(str::to_string).into();
    for i in 0..16 {
        let subject = format!("{}x\r\n\t{}y", soup(6, "\r"), soup(6, "\r"));
        // dkimpy keeps white space behind the last CRLF, which RFC 6376 section
        // 3.4.4 drops; mail by SMTP has none.
        let end = if i % 4 == 0 { "z" } else { "\r\n" };
        let body = soup(4 * i, "") + end;
        all.push(format!(
            "From: j@example.com\r\nSubject: {subject}\r\n\r\n{body}"
        ));
    }
    all
}

const PAIRS: [(Canonicalization, Canonicalization); 4] = [
    (Canonicalization::Simple, Canonicalization::Simple),
    (Canonicalization::Simple, Canonicalization::Relaxed),
    (Canonicalization::Relaxed, Canonicalization::Simple),
    (Canonicalization::Relaxed, Canonicalization::Relaxed),
];

fn signer<K: Key>(key: K, pair: (Canonicalization, Canonicalization)) -> Signer<K> {
    let domain = Domain::new("example.com").unwrap();
    let identity = Identity::new("joe", Domain::new("eng.example.com").unwrap()).unwrap();
    Signer::new(domain, Selector::new("sel").unwrap(), key)
        .canonicalization(pair.0, pair.1)
        .identity(identity)
        .unwrap()
        // All that can stand in a signature.
        .copy_fields()
        .request_reports()
}

fn sign(signer: &Signer, message: &str) -> Vec<u8> {
    let mut signing = signer.start(NOW);
    signing.write(message.as_bytes()).unwrap();
    let field = signing.finish(&SystemRandom::new()).unwrap();
    [field.as_bytes(), message.as_bytes()].concat()
}

fn reason(message: &[u8], record: &str) -> Reason {
    let zone = |_: &str| Ok(Records::txt([record]));
    // They sign with the time of day; nothing here is about time.
    let mut policy = Policy::default();
    policy.clock_skew = u64::MAX;
    let v = verify_with(&policy, message, 7, &zone);
    assert_eq!(v.outcomes().len(), 1, "{}", message.escape_ascii());
    v.outcomes()[0].reason.clone()
}

/// Feeds a program and gives what it prints.
fn run(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Beside reading: neither pipe may fill up.
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let out = child.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    assert!(out.status.success(), "{}", out.stdout.escape_ascii());
    out.stdout
}

/// Whether a program runs with these arguments; says so where it does not.
fn is_there(what: &str, program: &str, args: &[&str]) -> bool {
    let there = Command::new(program).args(args).output();
    let there = there.is_ok_and(|out| out.status.success());
    if !there {
        println!("skipped: {what} is not installed");
    }
    there
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |i: usize| u8::from_str_radix(&text[i..i + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// RSA, Ed25519 and another domain in one pass; the selectors of RSA begin with `r`.
fn several() -> scop_dkim::Signers {
    use Canonicalization::{Relaxed, Simple};
    let new = |domain: &str, selector: &str, key| {
        let domain = Domain::new(domain).unwrap();
        Signer::new(domain, Selector::new(selector).unwrap(), key)
    };
    new("example.com", "r1", rsa_key())
        .copy_fields()
        .and(new("example.com", "e1", ed25519()).canonicalization(Simple, Simple))
        .and(new("example.net", "r2", rsa_key()).canonicalization(Simple, Relaxed))
}

fn ed25519() -> SigningKey {
    SigningKey::ed25519(&common::SEED).unwrap()
}

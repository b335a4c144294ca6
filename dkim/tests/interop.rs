//! Both ways with other implementations: what they sign we verify, what we
//! sign they verify. A test passes and says that it skips where the program is
//! not installed: `pip install dkimpy` (with `pynacl` for Ed25519), and
//! the package `opendkim`.

mod common;

use std::io::Write as _;
use std::process::{Command, Stdio};

use common::{NOW, rsa_key, verify_with};
use scop_dkim::{
    Canonicalization, Domain, Identity, Policy, Reason, Records, Selector, Signer, SigningKey,
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

fn signer(key: SigningKey, pair: (Canonicalization, Canonicalization)) -> Signer {
    let domain = Domain::new("example.com").unwrap();
    let identity = Identity::new("joe", Domain::new("eng.example.com").unwrap()).unwrap();
    Signer::new(domain, Selector::new("sel").unwrap(), key)
        .canonicalization(pair.0, pair.1)
        .identity(identity)
        .unwrap()
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

/// Runs a Python program; `None` where the module is missing.
fn python(module: &str, program: &str, args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let probe = Command::new("python3")
        .args(["-c", &format!("import {module}")])
        .output();
    if !probe.is_ok_and(|out| out.status.success()) {
        println!("skipped: python3 with the module {module} is not installed");
        return None;
    }
    let mut child = Command::new("python3")
        .args(["-c", program])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{}", out.stdout.escape_ascii());
    Some(out.stdout)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |i: usize| u8::from_str_radix(&text[i..i + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// One `record message` in hexadecimal on each line in, `True` or `False` out.
const DKIMPY_VERIFY: &str = "
import sys, dkim
for line in sys.stdin:
    record, message = [bytes.fromhex(x) for x in line.split()]
    print(dkim.verify(message, dnsfunc=lambda name, timeout=5: record))
";

/// Messages in hexadecimal in; each signed four ways, in hexadecimal, out.
const DKIMPY_SIGN: &str = "
import sys, dkim
algorithm, keyfile = sys.argv[1:]
key = open(keyfile, 'rb').read() if algorithm == 'rsa-sha256' else keyfile.encode()
for line in sys.stdin:
    message = bytes.fromhex(line)
    for head in (b'simple', b'relaxed'):
        for body in (b'simple', b'relaxed'):
            field = dkim.sign(message, b'sel', b'example.com', key,
                canonicalize=(head, body), signature_algorithm=algorithm.encode(),
                identity=b'joe@eng.example.com')
            print((field + message).hex())
";

fn they_verify(module: &str, key: fn() -> SigningKey) {
    let record = key().record().to_string();
    let mut input = String::new();
    for message in &messages() {
        for pair in PAIRS {
            let signed = sign(&signer(key(), pair), message);
            input.push_str(&format!("{} {}\n", hex(record.as_bytes()), hex(&signed)));
        }
    }
    if let Some(out) = python(module, DKIMPY_VERIFY, &[], input.as_bytes()) {
        let out = String::from_utf8(out).unwrap();
        let verdicts: Vec<&str> = out.lines().collect();
        assert_eq!(verdicts.len(), messages().len() * 4);
        for (i, verdict) in verdicts.iter().enumerate() {
            assert_eq!(
                *verdict,
                "True",
                "message {} pair {:?}",
                i / 4,
                PAIRS[i % 4]
            );
        }
        println!("dkimpy verified {} of our signatures", verdicts.len());
    }
}

fn we_verify(module: &str, algorithm: &str, keyfile: &str, record: &str) {
    let input: String = messages()
        .iter()
        .map(|m| hex(m.as_bytes()) + "\n")
        .collect();
    if let Some(out) = python(module, DKIMPY_SIGN, &[algorithm, keyfile], input.as_bytes()) {
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.lines().count(), messages().len() * 4);
        for (i, line) in out.lines().enumerate() {
            let message = unhex(line);
            let got = reason(&message, record);
            assert_eq!(got, Reason::Verified, "{i}: {}", message.escape_ascii());
        }
        println!("we verified {} signatures of dkimpy", out.lines().count());
    }
}

fn ed25519() -> SigningKey {
    SigningKey::ed25519(&common::SEED).unwrap()
}

#[test]
fn dkimpy_verifies_rsa() {
    they_verify("dkim", rsa_key);
}

#[test]
fn dkimpy_verifies_ed25519() {
    they_verify("dkim, nacl.signing", ed25519);
}

#[test]
fn dkimpy_signs_rsa() {
    we_verify(
        "dkim",
        "rsa-sha256",
        RSA_PEM,
        &rsa_key().record().to_string(),
    );
}

#[test]
fn dkimpy_signs_ed25519() {
    use base64::Engine as _;
    let seed = base64::engine::general_purpose::STANDARD.encode(common::SEED);
    we_verify(
        "dkim, nacl.signing",
        "ed25519-sha256",
        &seed,
        &ed25519().record().to_string(),
    );
}

/// OpenDKIM in test mode: messages from files, keys from a file. Gives what it
/// prints, or `None` where it is not installed.
fn opendkim(name: &str, args: &[&str], message: &[u8]) -> Option<String> {
    let file = |end: &str| format!("{}/{name}.{end}", env!("CARGO_TARGET_TMPDIR"));
    let (conf, dns, eml) = (file("conf"), file("dns"), file("eml"));
    let record = rsa_key().record();
    // A checkout is no place for a key that matters: others may read it.
    let settings = format!("TestDNSData file:{dns}\nRequireSafeKeys no\n");
    std::fs::write(&conf, settings).unwrap();
    std::fs::write(&dns, format!("sel._domainkey.example.com {record}\n")).unwrap();
    std::fs::write(&eml, message).unwrap();
    let out = Command::new("opendkim")
        .args(["-x", &conf, "-v", "-t", &eml])
        .args(args)
        .output();
    match out {
        Ok(out) => {
            let said = [out.stdout, out.stderr].concat();
            Some(String::from_utf8(said).unwrap())
        }
        Err(_) => {
            println!("skipped: opendkim is not installed");
            None
        }
    }
}

/// What OpenDKIM takes: it wants a Date, and its test mode cannot read text
/// behind the last line end nor keep anything but one space behind a colon.
fn for_opendkim() -> impl Iterator<Item = String> {
    let whole = messages().into_iter().filter(|m| m.ends_with("\r\n"));
    whole.map(|message| {
        let (header, body) = message.split_once("\r\n\r\n").unwrap();
        let spaced = |line: &str| match line.split_once(':') {
            Some((name, value)) if !line.starts_with('\t') && !line.starts_with(' ') => {
                format!("{name}: {}\r\n", value.trim_start_matches([' ', '\t']))
            }
            _ => format!("{line}\r\n"),
        };
        let header: String = header.split("\r\n").map(spaced).collect();
        format!("Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n{header}\r\n{body}")
    })
}

#[test]
fn opendkim_verifies_rsa() {
    let mut count = 0;
    for message in for_opendkim() {
        for pair in PAIRS {
            let signed = sign(&signer(rsa_key(), pair), &message);
            let Some(out) = opendkim("verify", &[], &signed) else {
                return;
            };
            assert!(
                out.contains("2048-bit key) succeeded"),
                "{pair:?} {message:?} {out}"
            );
            count += 1;
        }
    }
    println!("OpenDKIM verified {count} of our signatures");
}

#[test]
fn opendkim_signs_rsa() {
    let mut count = 0;
    for message in for_opendkim() {
        for c in [
            "simple/simple",
            "simple/relaxed",
            "relaxed/simple",
            "relaxed/relaxed",
        ] {
            let args = [
                "-b",
                "s",
                "-d",
                "example.com",
                "-s",
                "sel",
                "-k",
                RSA_PEM,
                "-c",
                c,
            ];
            let Some(out) = opendkim("sign", &args, message.as_bytes()) else {
                return;
            };
            // A line `opendkim: FILE:`, then the field, with LF or CRLF.
            let at = out
                .find("DKIM-Signature:")
                .unwrap_or_else(|| panic!("no signature came of it: {out}"));
            let field = out[at..]
                .trim_end()
                .lines()
                .collect::<Vec<_>>()
                .join("\r\n");
            let signed = format!("{field}\r\n{message}");
            let got = reason(signed.as_bytes(), &rsa_key().record().to_string());
            assert_eq!(got, Reason::Verified, "{c} {signed:?}");
            count += 1;
        }
    }
    println!("we verified {count} signatures of OpenDKIM");
}

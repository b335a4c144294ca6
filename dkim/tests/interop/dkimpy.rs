//! dkimpy, as a library (its programs ask the real DNS) and `dkimsign`.

use super::*;

/// Runs a Python program; `None` where the module is missing.
pub(crate) fn python(module: &str, program: &str, args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let there = is_there(
        &format!("python3 with the module {module}"),
        "python3",
        &["-c", &format!("import {module}")],
    );
    there.then(|| {
        run(
            Command::new("python3").args(["-c", program]).args(args),
            input,
        )
    })
}

/// One `record message` in hexadecimal on each line in, `True` or `False` out.
pub(crate) const DKIMPY_VERIFY: &str = "
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

/// Several signatures of ours: it verifies each of them. `records` holds the two records,
/// told apart by the selector.
const DKIMPY_VERIFY_ALL: &str = "
import sys, dkim
rsa, ed = [bytes.fromhex(x) for x in sys.argv[1:]]
dns = lambda name, timeout=5: rsa if name.startswith(b'r') else ed
for line in sys.stdin:
    message = dkim.DKIM(bytes.fromhex(line))
    print([message.verify(idx=n, dnsfunc=dns) for n in range(3)])
";

#[test]
fn dkimpy_verifies_several_signatures() {
    let signers = several();
    let mut input = String::new();
    for message in &messages() {
        let mut signing = signers.start(NOW);
        signing.write(message.as_bytes()).unwrap();
        let fields = signing.finish(&SystemRandom::new()).unwrap();
        input += &(hex((fields + message).as_bytes()) + "\n");
    }
    let record = |key: SigningKey| hex(key.record().to_string().as_bytes());
    let (rsa, ed) = (record(rsa_key()), record(ed25519()));
    let out = python(
        "dkim, nacl.signing",
        DKIMPY_VERIFY_ALL,
        &[&rsa, &ed],
        input.as_bytes(),
    );
    if let Some(out) = out {
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out.lines().count(), messages().len());
        for (i, line) in out.lines().enumerate() {
            assert_eq!(line, "[True, True, True]", "message {i}");
        }
    }
}

/// The program, as it is installed.
#[test]
fn dkimsign_signs() {
    if !is_there("dkimsign", "dkimsign", &["--help"]) {
        return;
    }
    let record = rsa_key().record().to_string();
    for message in &messages()[..8] {
        for (head, body) in [("simple", "simple"), ("relaxed", "relaxed")] {
            let mut command = Command::new("dkimsign");
            command.args(["--hcanon", head, "--bcanon", body]);
            command.args(["sel", "example.com", RSA_PEM]);
            let signed = run(&mut command, message.as_bytes());
            // It gives the message back with the line ends that it came with.
            assert_eq!(reason(&signed, &record), Reason::Verified);
        }
    }
}

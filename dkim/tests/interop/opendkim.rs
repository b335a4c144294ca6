//! OpenDKIM in test mode, and `opendkim-testmsg`.

use super::*;

/// OpenDKIM in test mode: messages from files, keys from a file. Gives what it
/// prints, or `None` where it is not installed.
fn opendkim(name: &str, args: &[&str], message: &[u8]) -> Option<String> {
    opendkim_with(name, args, message, "")
}

/// The same with more lines in the file of its DNS.
fn opendkim_with(name: &str, args: &[&str], message: &[u8], zone: &str) -> Option<String> {
    let file = |end: &str| format!("{}/{name}.{end}", env!("CARGO_TARGET_TMPDIR"));
    let (conf, dns, eml) = (file("conf"), file("dns"), file("eml"));
    let (rsa, ed) = (rsa_key().record(), ed25519().record());
    // A checkout is no place for a key that matters: others may read it.
    let settings = format!("TestDNSData file:{dns}\nRequireSafeKeys no\n");
    std::fs::write(&conf, settings).unwrap();
    let records: String = [
        ("sel", "com", if name == "ed25519" { &ed } else { &rsa }),
        ("r1", "com", &rsa),
        ("e1", "com", &ed),
        ("r2", "net", &rsa),
    ]
    .map(|(selector, tld, record)| format!("{selector}._domainkey.example.{tld} {record}\n"))
    .concat();
    std::fs::write(&dns, records + zone).unwrap();
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
    opendkim_signs("rsa-sha256", RSA_PEM, &rsa_key());
}

#[test]
fn opendkim_signs_ed25519() {
    if knows_ed25519() {
        let pem = std::fs::read_to_string(ED25519_PEM).unwrap();
        let key = SigningKey::from_pem(&pem).unwrap();
        opendkim_signs("ed25519-sha256", ED25519_PEM, &key);
    }
}

fn opendkim_signs(algorithm: &str, pem: &str, key: &SigningKey) {
    let mut count = 0;
    // With Ed25519 and simple headers it signs what it does not verify itself (2.11.0).
    let all = [
        "relaxed/simple",
        "relaxed/relaxed",
        "simple/simple",
        "simple/relaxed",
    ];
    let (count_of, each) = match algorithm {
        "rsa-sha256" => (4, 1),
        _ => (2, 3),
    };
    for message in for_opendkim().step_by(each) {
        for c in &all[..count_of] {
            let args = [
                "-b",
                "s",
                "-d",
                "example.com",
                "-s",
                "sel",
                "-k",
                pem,
                "-c",
                c,
                "-S",
                algorithm,
            ];
            let name = format!("sign-{algorithm}");
            let Some(out) = opendkim(&name, &args, message.as_bytes()) else {
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
            let got = reason(signed.as_bytes(), &key.record().to_string());
            assert_eq!(got, Reason::Verified, "{c} {signed:?}");
            count += 1;
        }
    }
    println!("we verified {count} signatures of OpenDKIM");
}

const ED25519_PEM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/ed25519-pkcs8.pem"
);

/// Where it was built with Ed25519, which needs OpenSSL 1.1.1.
fn knows_ed25519() -> bool {
    let version = Command::new("opendkim").arg("-V").output();
    let knows = version.is_ok_and(|out| out.stdout.windows(14).any(|w| w == b"ed25519-sha256"));
    if !knows {
        println!("skipped: opendkim with ed25519-sha256 is not installed");
    }
    knows
}

#[test]
fn opendkim_verifies_ed25519() {
    if !knows_ed25519() {
        return;
    }
    for message in for_opendkim().step_by(3) {
        for pair in PAIRS {
            let signed = sign(&signer(ed25519(), pair), &message);
            let out = opendkim("ed25519", &[], &signed).unwrap();
            assert!(out.contains("succeeded"), "{pair:?} {message:?} {out}");
        }
    }
}

/// RSA, Ed25519 and another domain on one message.
#[test]
fn opendkim_verifies_several_signatures() {
    for message in for_opendkim() {
        let mut signing = several().start(NOW);
        signing.write(message.as_bytes()).unwrap();
        let fields = signing.finish(&SystemRandom::new()).unwrap();
        let signed = fields + &message;
        let Some(out) = opendkim("several", &[], signed.as_bytes()) else {
            return;
        };
        // It tells of one of those that verify.
        assert!(out.contains("2048-bit key) succeeded"), "{out}");
    }
}

/// `opendkim-testmsg` signs with rsa-sha1, which must not be verified (RFC 8301 section 3.1).
#[test]
fn what_opendkim_testmsg_signs_is_refused() {
    if Command::new("opendkim-testmsg").arg("-?").output().is_err() {
        println!("skipped: opendkim-testmsg is not installed");
        return;
    }
    let record = rsa_key().record().to_string();
    for message in for_opendkim() {
        let mut command = Command::new("opendkim-testmsg");
        command.args(["-C", "-d", "example.com", "-s", "sel", "-k", RSA_PEM]);
        let signed = run(&mut command, message.as_bytes());
        let refused = Reason::Signature(scop_dkim::SignatureError::Sha1);
        assert_eq!(reason(&signed, &record), refused);
    }
}

/// ATPS (RFC 6541). Where OpenDKIM 2.11.0 says something else than pass, it reads the RFC otherwise:
///
/// - It compares the whole record with `v=ATPS1`, so the tag `d=`, which section 4.4
///   recommends, makes it `fail`.
/// - With SHA-256 it asks for a name padded by `====`, which the grammar of section 4.3
///   (`BASE32 = ( ALPHA / %x32-37 )`) does not know, finds nothing, and says `neutral`.
/// - `atpsh=none` is not tried: it then clears a buffer by a length that was never set.
#[cfg(feature = "atps")]
#[test]
fn opendkim_looks_for_consent() {
    use scop_dkim::atps::{AtpsHash, AtpsRecord, query_name};
    let version = Command::new("opendkim").arg("-V").output();
    if !version.is_ok_and(|out| out.stdout.windows(9).any(|w| w == b"_FFR_ATPS")) {
        println!("skipped: opendkim with ATPS is not installed");
        return;
    }
    let author = Domain::new("author.test").unwrap();
    let third = Domain::new("example.com").unwrap();
    let message = "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: a@author.test\r\n\r\nHello\r\n";
    let ours = AtpsRecord::new(third.clone()).to_string();
    // A name that its file of DNS does not hold is an error of DNS to it.
    for (hash, padding, record, found) in [
        (AtpsHash::Sha1, "", "v=ATPS1", "pass"),
        (AtpsHash::Sha1, "", &ours, "fail"),
        (AtpsHash::Sha256, "", "v=ATPS1", "neutral"),
        (AtpsHash::Sha256, "====", "v=ATPS1", "pass"),
    ] {
        let signer = signer(rsa_key(), PAIRS[3]).on_behalf_of(author.clone(), hash);
        let signed = sign(&signer, message);
        let name = query_name(&third, hash, &author).unwrap();
        let name = name.replacen('.', &format!("{padding}."), 1);
        let zone = format!("{name} {record}\n");
        let out = opendkim_with("atps", &["-vvv"], &signed, &zone).unwrap();
        let wanted = format!("dkim-atps={found}");
        assert!(out.contains(&wanted), "{hash} {record}: {out}");
    }
}

//! Signed and encrypted mail: the range that is signed is the one that other programs
//! sign.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use scop_mime::{
    ArmourKind, HeaderProtection, Message, Part, Security, Signed, SmimeType, armours,
};

fn signed<'m, 'a>(part: Part<'m, 'a>) -> Signed<'m, 'a> {
    match part.security() {
        Some(Security::Signed(signed)) => signed,
        other => panic!("{other:?}"),
    }
}

fn canonical(signed: &Signed<'_, '_>) -> Vec<u8> {
    signed.signed_chunks().flatten().copied().collect()
}

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("scop-mime-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.0)
            .env("GNUPGHOME", &self.0);
        command.stdin(Stdio::null()).output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(if program == "openssl" {
        "version"
    } else {
        "--version"
    });
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.is_err() {
        println!("no {program} here: nothing was tested");
    }
    status.is_ok()
}

#[test]
fn openssl_verifies_the_signed_range() {
    if !is_there("openssl") {
        return;
    }
    let folder = Folder::new("smime");
    let made = folder.run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-subj",
            "/CN=scop",
            "-days",
            "2",
            "-addext",
            "keyUsage=digitalSignature",
            "-addext",
            "extendedKeyUsage=emailProtection",
        ],
    );
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let body = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nHello \r\n\r\n--x--\r\n\r\nepilogue\r\n";
    std::fs::write(folder.0.join("body"), body).unwrap();
    let made = folder.run(
        "openssl",
        &[
            "cms",
            "-sign",
            "-in",
            "body",
            "-signer",
            "cert.pem",
            "-inkey",
            "key.pem",
            "-out",
            "signed.eml",
            "-crlfeol",
            "-binary",
        ],
    );
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let crlf = std::fs::read(folder.0.join("signed.eml")).unwrap();
    let lf: Vec<u8> = crlf.iter().copied().filter(|b| *b != b'\r').collect();
    for stored in [crlf, lf] {
        let message = Message::parse(&stored);
        let signed = signed(message.root());
        assert!(!signed.is_malformed, "{signed:?}");
        assert_eq!(signed.protocol, "application/pkcs7-signature");
        assert_eq!(signed.micalg, ["sha-256"]);
        let range = signed.signed_range();
        assert_eq!(
            signed.signed_raw(),
            &stored[range.start as usize..range.end as usize]
        );
        let content = canonical(&signed);
        assert_eq!(content, body);
        let signature = signed.signature_bytes();
        assert!(signature.defects.is_empty());
        std::fs::write(folder.0.join("signature.der"), &signature.bytes).unwrap();
        // A byte more or less is not what was signed.
        for (cut, good) in [(0, true), (1, false)] {
            std::fs::write(folder.0.join("content"), &content[..content.len() - cut]).unwrap();
            let verified = folder.run(
                "openssl",
                &[
                    "cms",
                    "-verify",
                    "-binary",
                    "-inform",
                    "DER",
                    "-in",
                    "signature.der",
                    "-content",
                    "content",
                    "-CAfile",
                    "cert.pem",
                    "-out",
                    "out",
                ],
            );
            assert_eq!(
                verified.status.success(),
                good,
                "{}",
                String::from_utf8_lossy(&verified.stderr)
            );
        }
    }
    // Signed and enveloped as a whole.
    for (arguments, wanted) in [
        (
            vec![
                "cms",
                "-sign",
                "-nodetach",
                "-in",
                "body",
                "-signer",
                "cert.pem",
                "-inkey",
                "key.pem",
                "-out",
                "out.eml",
            ],
            SmimeType::SignedData,
        ),
        (
            vec![
                "cms", "-encrypt", "-aes128", "-in", "body", "-out", "out.eml", "cert.pem",
            ],
            SmimeType::EnvelopedData,
        ),
    ] {
        assert!(folder.run("openssl", &arguments).status.success());
        let stored = std::fs::read(folder.0.join("out.eml")).unwrap();
        let message = Message::parse(&stored);
        let Some(Security::Pkcs7(cms)) = message.security() else {
            panic!("{wanted:?}");
        };
        assert_eq!(cms.smime_type, wanted);
        std::fs::write(folder.0.join("cms.der"), &cms.der().bytes).unwrap();
        let read = folder.run(
            "openssl",
            &[
                "cms", "-cmsout", "-print", "-inform", "DER", "-in", "cms.der",
            ],
        );
        assert!(
            read.status.success(),
            "{}",
            String::from_utf8_lossy(&read.stderr)
        );
    }
}

#[test]
fn gpg_verifies_the_signed_range() {
    if !is_there("gpg") {
        return;
    }
    let folder = Folder::new("gpg");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&folder.0, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let made = folder.run(
        "gpg",
        &[
            "--batch",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
            "--quick-generate-key",
            "scop@a.test",
            "ed25519",
            "sign",
            "2d",
        ],
    );
    if !made.status.success() {
        println!(
            "gpg makes no key here: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        return;
    }
    let content = b"Content-Type: text/plain\r\n\r\nsigned\r\n\r\n";
    std::fs::write(folder.0.join("content"), content).unwrap();
    let made = folder.run(
        "gpg",
        &[
            "--batch",
            "--armor",
            "--detach-sign",
            "--output",
            "signature.asc",
            "content",
        ],
    );
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let armour = std::fs::read_to_string(folder.0.join("signature.asc")).unwrap();
    let message = [
        &b"Content-Type: multipart/signed; boundary=b; micalg=pgp-sha512;\r\n\tprotocol=\"application/pgp-signature\"\r\n\r\npreamble\r\n--b\r\n"[..],
        content,
        b"\r\n--b\r\nContent-Type: application/pgp-signature; name=signature.asc\r\n\r\n",
        armour.as_bytes(),
        b"\r\n--b--\r\n",
    ]
    .concat();
    let lf: Vec<u8> = message.iter().copied().filter(|b| *b != b'\r').collect();
    for stored in [message, lf] {
        let message = Message::parse(&stored);
        let signed = signed(message.root());
        assert_eq!(canonical(&signed), content);
        std::fs::write(folder.0.join("content"), canonical(&signed)).unwrap();
        std::fs::write(
            folder.0.join("signature.asc"),
            &signed.signature_bytes().bytes,
        )
        .unwrap();
        let verified = folder.run("gpg", &["--batch", "--verify", "signature.asc", "content"]);
        assert!(
            verified.status.success(),
            "{}",
            String::from_utf8_lossy(&verified.stderr)
        );
    }
    let _ = folder.run("gpgconf", &["--kill", "gpg-agent"]);
}

#[test]
fn rfc_3156_examples() {
    // Section 5.
    let text = b"From: Michael Elkins <elkins@aero.org>\nMime-Version: 1.0\n\
        Content-Type: multipart/signed; boundary=bar; micalg=pgp-md5;\n  protocol=\"application/pgp-signature\"\n\n\
        --bar\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n\
        =A1Hola!\n\nDid you know that talking to yourself is a sign of senility?\n\n\
        It's generally a good idea to encode lines that begin with\nFrom=20because some mail transport agents will insert a greater-\n\
        than (>) sign, thus invalidating the signature.\n\n\
        Also, in some cases it might be desirable to encode any   =20\ntrailing whitespace that occurs on lines in order to ensure  =20\n\
        that the message signature is not invalidated when passing =20\na gateway that modifies such whitespace (like BITNET). =20\n\nme\n\n\
        --bar\n\nContent-Type: application/pgp-signature\n\n-----BEGIN PGP MESSAGE-----\nVersion: 2.6.2\n\n\
        iQCVAwUBMJrRF2N9oWBghPDJAQE9UQQAtl7LuRVndBjrk4EqYBIb3h5QXIX/LC//\n=ndaj\n-----END PGP MESSAGE-----\n\n--bar--\n";
    let message = Message::parse(text);
    let found = signed(message.root());
    assert!(canonical(&found).ends_with(b"\r\nme\r\n"));
    assert!(canonical(&found).starts_with(b"Content-Type: text/plain; charset=iso-8859-1\r\n"));
    assert_eq!(found.micalg, ["pgp-md5"]);
    // As printed, the header of the signature is behind a blank line.
    assert!(found.is_malformed);
    // Section 4.
    let text = b"Content-Type: multipart/encrypted; boundary=foo;\n   protocol=\"application/pgp-encrypted\"\n\n\
        --foo\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n\
        --foo\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\nVersion: 2.6.2\n\nhIwDY32hYGCE8MkBA/wOu7d45aUxF4Q0RKJprD3v5Z9K1YcRJ2fve87lMlDlx4Oj\n-----END PGP MESSAGE-----\n\n--foo--\n";
    let message = Message::parse(text);
    let Some(Security::Encrypted(encrypted)) = message.security() else {
        panic!("not encrypted");
    };
    assert!(!encrypted.is_malformed);
    assert_eq!(encrypted.control.body(), b"Version: 1\n");
    assert!(
        encrypted
            .ciphertext()
            .bytes
            .starts_with(b"-----BEGIN PGP MESSAGE")
    );
}

#[test]
fn what_is_malformed_is_told() {
    let of = |types: &[&str], protocol: &str| {
        let mut text = format!("Content-Type: multipart/signed; boundary=b{protocol}\n\n");
        for t in types {
            text += &format!("--b\nContent-Type: {t}\n\nx\n");
        }
        let text = text + "--b--\n";
        let message = Message::parse(text.as_bytes());
        match message.security() {
            Some(Security::Signed(s)) => Some((s.is_malformed, s.protocol)),
            _ => None,
        }
    };
    let (plain, pgp) = ("text/plain", "application/pgp-signature");
    let said = "; protocol=\"application/pgp-signature\"";
    assert_eq!(of(&[plain, pgp], said), Some((false, pgp.into())));
    assert_eq!(of(&[plain, pgp], ""), Some((false, pgp.into())));
    assert_eq!(of(&[plain, pgp, plain], said), Some((true, pgp.into())));
    assert_eq!(
        of(&[plain, "application/pkcs7-signature"], said),
        Some((true, pgp.into()))
    );
    assert_eq!(of(&[plain], said), None);
    let x = "; protocol=\"application/x-pkcs7-signature\"";
    assert!(!of(&[plain, "application/pkcs7-signature"], x).unwrap().0);
}

#[test]
fn protected_headers_of_each_kind() {
    let of = |text: &str| {
        let message = Message::parse(text.as_bytes());
        message
            .root()
            .protected_header()
            .map(|p| (p.protection, p.fields().collect::<Vec<_>>()))
    };
    let subject = vec![("Subject".to_string(), "x".to_string())];
    for (content_type, wanted) in [
        ("text/plain; hp=\"clear\"", Some(HeaderProtection::Clear)),
        ("text/plain; hp=cipher", Some(HeaderProtection::Cipher)),
        (
            "text/plain; protected-headers=\"v1\"",
            Some(HeaderProtection::V1),
        ),
        ("text/plain; hp=other", None),
        ("text/plain", None),
    ] {
        let text = format!(
            "Subject: x\nMIME-Version: 1.0\nHP-Outer: Date: y\nContent-Type: {content_type}\n\nx\n"
        );
        assert_eq!(
            of(&text),
            wanted.map(|w| (w, subject.clone())),
            "{content_type}"
        );
    }
    let wrapped = "Content-Type: message/rfc822; forwarded=no\n\nSubject: x\n\nbody\n";
    assert_eq!(of(wrapped), Some((HeaderProtection::Wrapped, subject)));
    assert_eq!(of(&wrapped.replace("; forwarded=no", "")), None);
    let text =
        Message::parse(b"Content-Type: text/plain; hp-legacy-display=1\n\nSubject: x\n\nHi\n");
    assert!(text.root().has_legacy_display());
}

#[test]
fn armour_in_text() {
    let text = b"a\r\n-----BEGIN PGP MESSAGE-----\r\nVersion: x\r\n\r\nabcd\r\n-----END PGP MESSAGE-----\r\n\
        > -----BEGIN PGP MESSAGE-----\n-----END PGP MESSAGE-----\n\
        -----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n- -----BEGIN PGP x\ntext\n\n-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n\
        -----BEGIN PGP PUBLIC KEY BLOCK-----\n\nx\n-----END PGP PUBLIC KEY BLOCK-----\n-----BEGIN PGP MESSAGE, PART 01/02-----\nunfinished\n";
    let found: Vec<_> = armours(text).collect();
    let kinds: Vec<_> = found.iter().map(|a| (a.kind, a.is_unfinished)).collect();
    assert_eq!(
        kinds,
        [
            (ArmourKind::Message, false),
            (ArmourKind::SignedMessage, false),
            (ArmourKind::PublicKey, false),
            (ArmourKind::Message, true),
        ]
    );
    assert!(text[found[0].range.clone()].ends_with(b"-----END PGP MESSAGE-----\r\n"));
    assert_eq!(
        &text[found[0].content.clone()],
        b"Version: x\r\n\r\nabcd\r\n"
    );
    assert_eq!(
        &text[found[1].content.clone()],
        b"- -----BEGIN PGP x\ntext\n"
    );
    assert_eq!(found[3].range.end, text.len());
    for end in 0..text.len() {
        for armour in armours(&text[..end]) {
            assert!(
                armour.range.end <= end && armour.content.end <= armour.range.end,
                "{armour:?}"
            );
            assert!(
                armour.content.start <= armour.content.end
                    && armour.range.start <= armour.content.start
            );
        }
    }
    assert_eq!(
        armours(&b"-----BEGIN PGP MESSAGE-----\n".repeat(50_000)).count(),
        50_000
    );
    assert_eq!(armours(&b"-".repeat(1_000_000)).count(), 0);
    assert_eq!(armours(&b"-----\n".repeat(200_000)).count(), 0);
}

#[test]
fn protected_messages_of_the_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/mime");
    let Ok(folders) = std::fs::read_dir(&root) else {
        println!("no corpus at {}: nothing was tested", root.display());
        return;
    };
    let (mut all, mut inline) = (0, 0);
    for folder in folders.flatten().filter(|f| f.path().is_dir()) {
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            let bytes = std::fs::read(file.path()).unwrap();
            let message = Message::parse(&bytes);
            inline += armours(&bytes).count();
            for part in message.parts() {
                let _ = part
                    .protected_header()
                    .map(|p| (p.fields().count(), p.outer().count()));
                match part.security() {
                    Some(Security::Signed(s)) => {
                        let range = s.signed_range();
                        // Nothing but the line end is between it and the delimiter.
                        let behind = &bytes[range.end as usize..];
                        let behind = behind.strip_prefix(b"\r").unwrap_or(behind);
                        let behind = behind.strip_prefix(b"\n").unwrap_or(behind);
                        assert!(behind.starts_with(b"--"), "{}", file.path().display());
                        assert!(!s.signature_bytes().bytes.is_empty());
                        all += 1;
                    }
                    Some(_) => all += 1,
                    None => {}
                }
            }
        }
    }
    println!("{all} protected parts, {inline} blocks of armour");
    assert!(all > 15 && inline > 5, "{all} {inline}");
}

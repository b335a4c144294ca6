//! `scop auth`, `spf`, `dmarc` and `report`, as a person types them.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use common::{code, text};

const ZONE: &str = "\
example.com. IN TXT \"v=spf1 include:_spf.example.net -all exp=why.example.com\"
_spf.example.net. IN TXT \"v=spf1 ip4:192.0.2.0/24 \" \"a:alias.example.net ~all\"
alias.example.net. IN CNAME host.example.net.
host.example.net. IN A 198.51.100.7
why.example.com. IN TXT \"%{i} is not ours\"
_dmarc.example.com. IN TXT \"v=DMARC1; p=reject; sp=quarantine; np=reject\"
www.example.com. IN A 192.0.2.80
";

fn folder(test: &str) -> PathBuf {
    let path = common::folder(test);
    fs::write(path.join("zone"), ZONE).unwrap();
    path
}

/// Runs a line as typed behind `scop`: its exit code and what it printed.
fn scop(folder: &Path, line: &str, input: &[u8]) -> (i32, String) {
    let (code, text, said) = scop_with(folder, &line.split(' ').collect::<Vec<_>>(), input);
    eprint!("{said}");
    (code, text)
}

/// The same, word for word, and what it said.
fn scop_with(folder: &Path, args: &[&str], input: &[u8]) -> (i32, String, String) {
    let output = common::scop(folder, args, input);
    let [printed, said] = [&output.stdout, &output.stderr].map(|b| text(b).to_owned());
    (code(&output), printed, said)
}

#[test]
fn spf_check() {
    let folder = folder("spf");
    let check = |ip: &str, from: &str| {
        let line =
            format!("spf check --zone zone --ip {ip} --helo mx.example.com --mail-from {from}");
        scop(&folder, &line, b"")
    };
    assert_eq!(
        check("192.0.2.1", "ann@example.com"),
        (
            0,
            "spf pass mailfrom=example.com: include:_spf.example.net of example.com, there \
             ip4:192.0.2.0/24 of _spf.example.net\n  1 lookups, 0 void, 2 names asked for\n  \
             24 bits of the address were compared\n"
                .into()
        )
    );
    // An alias in the zone is followed.
    assert_eq!(check("198.51.100.7", "ann@example.com").0, 0);
    let (code, text) = check("203.0.113.1", "ann@example.com");
    assert_eq!(code, 65);
    assert!(
        text.ends_with("  the domain explains: 203.0.113.1 is not ours\n"),
        "{text}"
    );
    let (code, text) = check("203.0.113.1", "ann@example.org");
    assert_eq!((code, text.starts_with("spf none ")), (65, true));

    let line = "spf check --json --zone zone --ip 192.0.2.1 --helo mx.example.com --mail-from a@example.com";
    let json: serde_json::Value = serde_json::from_str(&scop(&folder, line, b"").1).unwrap();
    assert_eq!(
        (&json["result"], &json["matched"][1]["prefix"]),
        (&"pass".into(), &24.into())
    );
    let line = "spf check --received-by mx.here.test --zone zone --ip 192.0.2.1 --helo mx.example.com --mail-from a@example.com";
    let (_, text) = scop(&folder, line, b"");
    assert!(
        text.contains("\nReceived-SPF: pass\r\n (mx.here.test: example.com permits 192.0.2.1)\r\n"),
        "{text}"
    );
    // Without a reverse-path it is the HELO name that is checked (RFC 7208 section 2.4).
    let line = "spf check --zone zone --ip 192.0.2.1 --helo example.com";
    assert!(
        scop(&folder, line, b"")
            .1
            .starts_with("spf pass helo=example.com: ")
    );
}

#[test]
fn dmarc_check() {
    let folder = folder("dmarc");
    let check = |from: &str, more: &str| {
        scop(
            &folder,
            &format!("dmarc check --zone zone --from {from}{more}"),
            b"",
        )
    };
    let (code, text) = check("example.com", " --dkim m.example.com");
    assert_eq!(code, 0);
    assert!(
        text.starts_with(
            "dmarc pass example.com: aligned dkim=m.example.com; p=reject of example.com\n"
        ),
        "{text}"
    );
    for (from, disposition) in [
        ("example.com", "reject"),
        ("www.example.com", "quarantine"),
        ("ghost.example.com", "reject"),
    ] {
        let (code, text) = check(from, " --spf example.net");
        assert_eq!(code, 65);
        assert!(
            text.contains(&format!("disposition: {disposition}\n")),
            "{text}"
        );
    }
    assert_eq!(check("example.org", "").0, 65);
    assert_eq!(check("not..a.domain", "").0, 64);
    // A public suffix can have a policy.
    let (code, text) = check("com", "");
    assert_eq!(code, 65);
    assert!(
        text.starts_with("dmarc none com: no DMARC record"),
        "{text}"
    );
    // As it stands in From.
    let (code, text) = check("b\u{fc}cher.example.com", "");
    assert_eq!(code, 65);
    let start = "dmarc fail xn--bcher-kva.example.com:";
    assert!(text.starts_with(start), "{text}");
}

#[test]
fn auth_of_a_signed_message() {
    let folder = folder("auth");
    let place = "--domain example.com --selector s1 --key key.pem";
    let (code, record) = scop(&folder, &format!("dkim keygen {place}"), b"");
    assert_eq!(code, 0);
    fs::write(folder.join("zone"), format!("{ZONE}{record}")).unwrap();
    let message = b"From: Ann <ann@example.com>\r\nSubject: hi\r\n\r\nHello\r\n";
    let (code, signed) = scop(&folder, &format!("dkim sign {place}"), message);
    assert_eq!(code, 0);

    let auth = |ip: &str, message: &[u8]| {
        let line = format!(
            "auth --zone zone --ip {ip} --helo mx.example.com --mail-from ann@example.com --authserv-id mx.here.test"
        );
        scop(&folder, &line, message)
    };
    // Forwarded: SPF fails, the signature passes.
    let (code, text) = auth("203.0.113.1", signed.as_bytes());
    assert_eq!(code, 0, "{text}");
    for line in [
        "spf fail mailfrom=example.com: -all of example.com\n",
        "dkim pass d=example.com s=s1 a=ed25519-sha256: verified\n",
        "dmarc pass example.com: aligned dkim=example.com; p=reject of example.com\n",
        "Authentication-Results: mx.here.test;\r\n spf=fail\r\n  reason=\"-all of example.com\" smtp.mailfrom=ann@example.com;",
        ";\r\n dkim=pass header.d=example.com header.s=s1 header.a=ed25519-sha256",
        ";\r\n dmarc=pass header.from=example.com policy.dmarc=none\r\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let line = "auth --zone zone --ip 203.0.113.1 --helo mx.example.com --mail-from ann@example.com --json --authserv-id mx.here.test";
    let (code, json) = scop(&folder, line, signed.as_bytes());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (code, &json["spf"]["result"], &json["arc"]["result"]),
        (0, &"fail".into(), &"none".into())
    );
    assert_eq!(
        (
            &json["dkim"]["signatures"][0]["result"],
            &json["dmarc"]["author"]
        ),
        (&"pass".into(), &"example.com".into())
    );
    let field = json["authentication_results"].as_str().unwrap();
    assert!(
        field.starts_with("Authentication-Results: mx.here.test;"),
        "{field}"
    );
    // Whether the client has a name is looked up where that is asked for.
    let (_, text) = scop(
        &folder,
        &line.replace("--json", "--iprev"),
        signed.as_bytes(),
    );
    assert!(text.starts_with("iprev permerror 203.0.113.1: "), "{text}");
    assert!(text.contains(" iprev=permerror\r\n  reason="), "{text}");
    // Changed on its way, and from elsewhere: nothing vouches for it.
    let changed = signed.replace("Hello", "Hullo");
    let (code, text) = auth("203.0.113.1", changed.as_bytes());
    assert_eq!(code, 65, "{text}");
    assert!(text.contains("dmarc fail example.com: nothing is aligned; p=reject of example.com\n  disposition: reject\n"), "{text}");
    // From our own host.
    assert_eq!(auth("192.0.2.1", changed.as_bytes()).0, 0);
    // Authors of whom one is not vouched for, in one field or two; nobody.
    for (from, line) in [
        (
            "From: a@example.com\r\nFrom: b@example.org",
            "dmarc fail example.com: nothing is aligned",
        ),
        (
            "From: b@example.com, b@example.org",
            "dmarc none example.org: no DMARC record",
        ),
        ("Subject: x", "dmarc permerror: no From field"),
        ("From: nobody:;", "dmarc none: From has no domain"),
    ] {
        let (code, text) = auth("192.0.2.1", format!("{from}\r\n\r\nx\r\n").as_bytes());
        assert_eq!(code, 65, "{from}");
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn report_show() {
    let folder = folder("report");
    let xml = include_bytes!("../../../dkim/tests/fixtures/report-rfc9990.xml");
    let (code, text) = scop(&folder, "report show", xml);
    assert_eq!(code, 0);
    assert!(
        text.contains("     123  pass         pass  fail  192.0.2.123              example.com\n"),
        "{text}"
    );
    let packed = scop_dkim::report::pack(std::str::from_utf8(xml).unwrap());
    fs::write(folder.join("r.xml.gz"), packed).unwrap();
    assert_eq!(scop(&folder, "report show r.xml.gz", b""), (code, text));
    let (code, json) = scop(&folder, "report show --json r.xml.gz", b"");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["rows"][0]["count"]), (0, &123.into()));
    assert_eq!(scop(&folder, "report show", b"<html/>").0, 65);
    assert_eq!(scop(&folder, "report show missing.xml", b"").0, 66);
    assert_eq!(
        scop(&folder, "report show", b"Subject: hi\n\nHello\n").0,
        65
    );
}

/// Reports of TLS, of one message, and the mails that carry them.
#[test]
fn report_show_other_kinds() {
    let folder = folder("reports");
    let json = include_bytes!("../../../dkim/tests/fixtures/report-rfc8460.json");
    let (code, text) = scop(&folder, "report show", json);
    assert_eq!(code, 0);
    for line in [
        "report 5065427c-23d3-47ca-b6e0-946ea0e8c4be of Company-X about TLS\n",
        "\nsts of company-y.example: 5326 sessions went well, 303 failed\n",
        "     200  starttls-not-supported       mx2.mail.company-y.example\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let packed = scop_dkim::report::pack(std::str::from_utf8(json).unwrap());
    fs::write(folder.join("r.json.gz"), packed).unwrap();
    assert_eq!(
        scop(&folder, "report show r.json.gz", b""),
        (0, text.clone())
    );
    let (_, again) = scop(&folder, "report show --json r.json.gz", b"");
    let value: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(
        value["policies"][0]["summary"]["total-failure-session-count"],
        303
    );

    // In a mail, as it arrives.
    let limits = scop_dkim::report::Limits::default();
    let (report, _) = scop_dkim::report::TlsReport::from_json(json, &limits).unwrap();
    let from = scop_mime::build::Mailbox::new("tls@sender.example").unwrap();
    let now = scop_mime::DateTime::from_unix(1_700_000_000, 0).unwrap();
    let place = |name: &str| scop_dkim::Domain::new(name).unwrap();
    let mail = report.mail(
        from,
        now,
        &place("company-y.example"),
        &place("sender.example"),
    );
    let mail = mail.unwrap().build().to_vec();
    assert_eq!(scop(&folder, "report show -", &mail), (0, text));

    let failure = "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n\
        --b\n\nIt failed.\n--b\nContent-Type: message/feedback-report\n\n\
        Feedback-Type: auth-failure\nVersion: 1\nUser-Agent: x/1\nAuth-Failure: dmarc\n\
        Identity-Alignment: dkim\nSource-IP: 192.0.2.2\nReported-Domain: consumer.example\n\n--b--\n";
    let (code, text) = scop(&folder, "report show", failure.as_bytes());
    assert_eq!(
        (code, text.as_str()),
        (
            0,
            "Feedback-Type: auth-failure\nAuth-Failure: dmarc\nIdentity-Alignment: dkim\n\
             Reported-Domain: consumer.example\nSource-IP: 192.0.2.2\nUser-Agent: x/1\n"
        )
    );
    let (_, json) = scop(&folder, "report show --json", failure.as_bytes());
    assert!(json.contains("\"auth_failure\":\"dmarc\""), "{json}");
}

/// Keys that the program does not see: openssl has them, and is given a digest, the digest as
/// PKCS#1 pads it, or the header (RFC 6376 section 3.3, RFC 8463 section 3).
#[test]
fn dkim_with_keys_that_are_elsewhere() {
    let openssl = |args: &[&str]| Command::new("openssl").args(args).output();
    if !openssl(&["version"]).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: openssl is not here");
        return;
    }
    let folder = folder("elsewhere");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dkim/tests/fixtures");
    let mut zone = String::new();
    for (name, pem) in [("rsa", "rsa2048-pkcs1.pem"), ("ed", "ed25519-pkcs8.pem")] {
        let pem = fixtures.join(pem);
        let public = folder.join(format!("{name}.pub"));
        let (pem, public) = (pem.to_str().unwrap(), public.to_str().unwrap());
        openssl(&["pkey", "-in", pem, "-pubout", "-out", public]).unwrap();
        fs::copy(pem, folder.join(format!("{name}.pem"))).unwrap();
        let of_both = ["--key", "--public-key"].map(|option| {
            let file = if option == "--key" { "pem" } else { "pub" };
            let line = format!(
                "dkim record --domain example.com --selector {name} {option} {name}.{file}"
            );
            scop(&folder, &line, b"")
        });
        assert_eq!(of_both[0], of_both[1]);
        zone += &of_both[0].1;
    }
    fs::write(folder.join("zone"), zone).unwrap();
    // As a person would: one script for all keys, which is told which one is wanted.
    let script = "\
set -e
[ $DKIM_DOMAIN = example.com ]
cat >in
case $DKIM_SELECTOR.$DKIM_ALGORITHM.$1 in
ed.ed25519-sha256.*) openssl pkeyutl -sign -inkey ed.pem -rawin -in in;;
rsa.rsa-sha256.digest) openssl pkeyutl -sign -inkey rsa.pem -pkeyopt digest:sha256 -in in | base64;;
rsa.rsa-sha256.info) openssl pkeyutl -sign -inkey rsa.pem -in in;;
rsa.rsa-sha256.data) openssl dgst -sha256 -sign rsa.pem in;;
esac
";
    fs::write(folder.join("hsm"), script).unwrap();
    let message = b"From: Ann <ann@example.com>\nSubject: hi\n\nHello\n";
    let sign = |keys: &str, command: &str, give: &str| {
        let mut args = vec!["dkim", "sign", "--domain", "example.com"];
        args.extend(keys.split(' '));
        args.extend(["--signer", command]);
        args.extend(give.split(' ').filter(|word| !word.is_empty()));
        scop_with(&folder, &args, message)
    };
    let (rsa, ed) = (
        "--selector rsa --public-key rsa.pub",
        "--selector ed --public-key ed.pub",
    );
    let both = format!("{ed} {rsa}");
    for (keys, command, give, count) in [
        (both.as_str(), "sh hsm digest", "", 2),
        (ed, "sh hsm", "--give digest", 1),
        (rsa, "sh hsm info", "--give digest-info", 1),
        (rsa, "sh hsm data", "--give data", 1),
        (
            rsa,
            "openssl pkeyutl -sign -inkey rsa.pem -pkeyopt digest:sha256",
            "",
            1,
        ),
    ] {
        let (code, signed, said) = sign(keys, command, give);
        assert_eq!(
            (code, signed.matches("DKIM-Signature:").count()),
            (0, count),
            "{said}"
        );
        let (code, text) = scop(&folder, "dkim verify --zone zone", signed.as_bytes());
        assert_eq!(
            (code, text.matches("pass d=example.com").count()),
            (0, count),
            "{text}"
        );
    }
    // What goes wrong says what, and nothing comes out.
    for (command, give, code, said) in [
        (
            "false",
            "",
            69,
            "--signer `false`: exit status: 1; nothing was signed",
        ),
        ("echo AAAA", "", 65, "does not verify with the public key"),
        ("true", "", 65, "does not verify with the public key"),
        (
            "sh hsm data",
            "",
            65,
            "the signature is of a digest of the digest",
        ),
    ] {
        let (found, signed, told) = sign(rsa, command, give);
        assert_eq!((found, signed.as_str()), (code, ""), "{command}");
        assert!(told.contains(said), "{command}: {told}");
    }
    for (keys, file) in [
        ("--selector rsa --public-key", "rsa.pem"),
        ("--selector rsa --public-key", "hsm"),
    ] {
        let (code, _, told) = sign(&format!("{keys} {file}"), "true", "");
        assert_eq!(code, 78);
        assert!(told.contains("openssl pkey -pubout"), "{told}");
    }
    // Both kinds, or half of one.
    for bad in [
        "dkim sign --domain example.com --selector ed --key ed.pem --public-key ed.pub --signer true",
        "dkim sign --domain example.com --selector ed --key ed.pem --signer true",
        "dkim sign --domain example.com --selector ed --public-key ed.pub",
        "dkim sign --domain example.com --selector ed --key ed.pem --give data",
    ] {
        assert_ne!(scop(&folder, bad, message).0, 0, "{bad}");
    }
}

/// What a signature that passes leaves open is told beside it (RFC 6376 section 8.15): a
/// Content-Type that anybody may have put there decides how the body is read.
#[test]
fn dkim_verify_tells_what_is_not_signed() {
    let folder = folder("open");
    let line = "dkim keygen --domain example.com --selector s --key s.pem";
    let (_, record) = scop(&folder, line, b"");
    fs::write(folder.join("zone"), record).unwrap();
    // The key signs what it is given: a signature of From and Subject alone.
    let message = b"From: Ann <ann@example.com>\r\nSubject: hi\r\n\r\nHello\r\n";
    let line = "dkim sign --domain example.com --selector s --key s.pem";
    let (_, signed) = scop(&folder, line, message);
    let (_, text) = scop(&folder, "dkim verify --zone zone", signed.as_bytes());
    assert_eq!(text, "pass d=example.com s=s a=ed25519-sha256: verified\n");
    // Message-ID is not oversigned.
    let added = format!("Message-ID: <1@evil.test>\r\n{signed}");
    let (code, text) = scop(&folder, "dkim verify --zone zone", added.as_bytes());
    let expected = "pass d=example.com s=s a=ed25519-sha256: verified; not signed: Message-ID\n";
    assert_eq!((code, text.as_str()), (0, expected));
}

/// What is wrong with a file that was named, and where, and the code for it.
#[test]
fn files_that_are_not_what_they_should_be() {
    let folder = folder("files");
    fs::write(folder.join("octets"), b"\x30\x82\x04\xff").unwrap();
    fs::write(folder.join("latin1"), b"; a\na. IN TXT x\nb. IN TXT \xfc\n").unwrap();
    fs::write(folder.join("typo"), "a. IN TXT x\n\nb. IN AA ::1\n").unwrap();
    fs::write(folder.join("empty"), "").unwrap();
    let sign = |key: &str| format!("dkim sign --domain a.test --selector s --key {key}");
    for (line, code, what) in [
        (sign("octets"), 78, "octets: no PEM block"),
        (sign("empty"), 78, "empty: no PEM block"),
        (sign("none"), 66, "none: "),
        (sign("."), 74, ".: "),
        (
            "dkim record --domain a.test --selector s --public-key octets".into(),
            78,
            "octets: no public key in PEM",
        ),
        (
            "dkim verify --zone latin1".into(),
            65,
            r"latin1: not a DNS master file: line 3: octets that are not UTF-8; write each as \DDD",
        ),
        (
            "dkim verify --zone typo".into(),
            65,
            "typo: not a DNS master file: line 3: `AA` is no type of record",
        ),
        ("dkim verify --zone none".into(), 66, "none: "),
        ("dkim verify --zone .".into(), 74, ".: "),
        ("report show octets".into(), 65, "octets: no report: want "),
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let found = scop_with(&folder, &args, b"From: a@a.test\r\n\r\n");
        assert_eq!(
            (found.0, found.1.as_str()),
            (code, ""),
            "{line}: {}",
            found.2
        );
        assert!(found.2.starts_with(&format!("scop: {what}")), "{}", found.2);
    }
}

/// No terminal is steered by what an error repeats.
#[test]
fn errors_hold_no_control_characters() {
    let folder = folder("control");
    for args in [
        &[
            "dmarc",
            "check",
            "--zone",
            "zone",
            "--from",
            "\u{1b}[2J\u{202e}",
        ][..],
        &["dkim", "verify", "\u{1b}]0;x\u{7}"],
        &["mime", "\u{9b}31m"],
    ] {
        let (code, text, said) = scop_with(&folder, args, b"");
        assert_ne!(code, 0);
        assert_eq!(text, "");
        let shown = said.trim_end_matches('\n');
        assert!(
            !shown.contains(|c: char| c.is_control() || c == '\u{202e}'),
            "{said:?}"
        );
        assert!(
            said.starts_with("scop: ") && said.contains("\\u{"),
            "{said}"
        );
    }
}

/// RSA and Ed25519 in one pass, and all that a verification can tell.
#[test]
fn dkim_with_two_keys() {
    let folder = folder("two-keys");
    let pem = include_str!("../../../dkim/tests/fixtures/rsa2048-pkcs1.pem");
    fs::write(folder.join("rsa.pem"), pem).unwrap();
    let (code, ed) = scop(
        &folder,
        "dkim keygen --domain example.com --selector ed --key ed.pem",
        b"",
    );
    assert_eq!(code, 0);
    let (code, rsa) = scop(
        &folder,
        "dkim record --domain example.com --selector rsa --key rsa.pem",
        b"",
    );
    assert_eq!(code, 0);
    fs::write(folder.join("zone"), format!("{ed}{rsa}")).unwrap();
    let message = b"From: Ann <ann@example.com>\nSubject: hi\n\nHello\n";
    let line = "dkim sign --domain example.com --selector ed --key ed.pem --selector rsa --key rsa.pem --canonicalization relaxed/simple";
    let (code, signed) = scop(&folder, line, message);
    assert_eq!((code, signed.matches("DKIM-Signature:").count()), (0, 2));
    let (code, text) = scop(&folder, "dkim verify --zone zone", signed.as_bytes());
    assert_eq!(code, 0);
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("pass d=example.com"))
            .count(),
        2,
        "{text}"
    );
    let (code, json) = scop(&folder, "dkim verify --zone zone --json", signed.as_bytes());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let of = |at: usize, key: &str| json["signatures"][at][key].clone();
    assert_eq!((code, &json["result"]), (0, &"pass".into()));
    assert_eq!(of(0, "algorithm"), "ed25519-sha256");
    assert_eq!(of(1, "algorithm"), "rsa-sha256");
    assert_eq!(of(0, "canonicalization"), "relaxed/simple");
    assert_eq!(of(0, "bh"), of(1, "bh"));
    assert_eq!(
        of(0, "signed"),
        serde_json::json!(["DKIM-Signature", "From", "Subject"])
    );
    // Wrong numbers of keys, and no key.
    for bad in [
        "dkim sign --domain example.com --selector ed --selector rsa --key ed.pem",
        "dkim sign --domain a.test --domain b.test --selector ed --key ed.pem",
        "dkim sign --domain example.com --selector ed",
        "dkim sign --domain example.com --selector ../r2 --key ed.pem",
    ] {
        assert_eq!(scop(&folder, bad, message).0, 64, "{bad}");
    }
    assert_eq!(
        scop(&folder, "dkim verify --zone zone", message),
        (65, "none: the message is not signed\n".into())
    );
}

#[test]
fn arc_seal_and_verify() {
    let folder = folder("arc");
    let place = "--domain example.com --selector s1 --key key.pem";
    let (code, record) = scop(&folder, &format!("dkim keygen {place}"), b"");
    assert_eq!(code, 0);
    fs::write(folder.join("zone"), format!("{ZONE}{record}")).unwrap();
    let mut message = "From: Ann <ann@example.com>\nSubject: hi\n\nHello\n".to_owned();
    assert_eq!(
        scop(&folder, "arc verify --zone zone", message.as_bytes()).0,
        65
    );
    for sets in 1..3 {
        let line = format!("arc seal --zone zone --authserv-id lists.example.com {place}");
        let (code, sealed) = scop(&folder, &line, message.as_bytes());
        assert_eq!(code, 0);
        // A message with LF keeps LF.
        assert!(!sealed.contains('\r') && sealed.ends_with(&message));
        message = sealed;
        let (code, text) = scop(&folder, "arc verify --zone zone", message.as_bytes());
        assert_eq!(code, 0, "{text}");
        assert_eq!(
            text.matches("seal verified; message verified").count(),
            sets,
            "{text}"
        );
    }
    let changed = message.replace("Hello", "Hullo");
    let (code, text) = scop(&folder, "arc verify --zone zone", changed.as_bytes());
    assert_eq!(code, 65);
    assert!(
        text.starts_with("arc fail: the message signature of instance 2: body hash"),
        "{text}"
    );
}

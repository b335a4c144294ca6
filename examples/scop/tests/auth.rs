//! `scop auth`, `spf`, `dmarc` and `report`, as a person types them.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

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
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("zone"), ZONE).unwrap();
    path
}

/// Runs a line as typed behind `scop`: its exit code and what it printed.
fn scop(folder: &Path, line: &str, input: &[u8]) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_scop"))
        .args(line.split(' '))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    // It may end without reading any of it.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), text)
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
    assert_eq!(check("not_a_domain", "").0, 64);
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
        "Authentication-Results: mx.here.test;\r\n spf=fail\r\n",
        ";\r\n dkim=pass header.d=example.com header.s=s1 header.a=ed25519-sha256",
        ";\r\n dmarc=pass header.from=example.com policy.dmarc=none\r\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
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

//! The built program, against servers made of this project's machines.

mod common;

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Output,
    sync::{Arc, mpsc},
    thread,
};

use common::{code, folder, scop, text};

use scop_sasl::Mechanism;
use scop_smtp_proto::{ClientName, Server, ServerConfig, ServerEvent};
use scop_tls_adapters::{Identity, ServerConfig as TlsConfig, Tls, WallClock, blocking::Driver};

#[test]
fn wrong_usage_is_64_and_help_is_0() {
    let folder = folder("usage");
    for args in [&["nonsense"][..], &["send"], &["dkim", "sign"], &[]] {
        let output = scop(&folder, args, b"");
        assert_eq!(code(&output), 64, "{args:?}");
        assert!(text(&output.stderr).contains("Usage: scop"), "{args:?}");
    }
    let output = scop(&folder, &["--help"], b"");
    assert_eq!(code(&output), 0);
    assert!(text(&output.stdout).contains("dkim"));
}

#[test]
fn dkim_signs_and_verifies_and_keeps_line_ends() {
    let folder = folder("dkim");
    let place = ["--domain", "example.com", "--selector", "s1"];
    let key = ["--key", "key.pem"];
    let keygen = [&["dkim", "keygen"][..], &place, &key].concat();
    let output = scop(&folder, &keygen, b"");
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    fs::write(folder.join("zone"), &output.stdout).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.join("key.pem"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // It never writes over a key.
    assert_eq!(code(&scop(&folder, &keygen, b"")), 64);

    let record = [&["dkim", "record"][..], &place, &key].concat();
    assert_eq!(scop(&folder, &record, b"").stdout, output.stdout);

    let sign = [&["dkim", "sign"][..], &place, &key].concat();
    let verify = ["dkim", "verify", "--zone", "zone"];
    let lf = b"From: joe@example.com\nSubject: hi\n\nHello\n";
    for message in [lf.to_vec(), text(lf).replace('\n', "\r\n").into_bytes()] {
        let signed = scop(&folder, &sign, &message).stdout;
        assert!(signed.ends_with(&message) && signed.starts_with(b"DKIM-Signature: "));
        let crlf = signed.windows(2).filter(|w| w == b"\r\n").count();
        let all = signed.iter().filter(|&&b| b == b'\n').count();
        assert_eq!(crlf, if message == lf { 0 } else { all });

        let output = scop(&folder, &verify, &signed);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        assert_eq!(
            text(&output.stdout),
            "pass d=example.com s=s1 a=ed25519-sha256: verified\n"
        );
        let changed = text(&signed).replace("Hello", "Hullo");
        let output = scop(&folder, &verify, changed.as_bytes());
        assert_eq!(code(&output), 65);
        assert!(text(&output.stdout).starts_with("fail d=example.com s=s1"));
    }
    assert_eq!(code(&scop(&folder, &verify, lf)), 65, "it is not signed");
    let output = scop(
        &folder,
        &["dkim", "verify", "--zone", "zone", "none.eml"],
        b"",
    );
    assert_eq!(code(&output), 66);
}

/// What a client did, as one line each, and the message.
#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    message: Vec<u8>,
}

/// An SMTP server for one connection; its certificate goes to `folder/ca.pem`.
fn smtp_server(folder: &Path, implicit: bool) -> (SocketAddr, mpsc::Receiver<Seen>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    fs::write(folder.join("ca.pem"), &cert).unwrap();
    let identity = Identity::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
    let tls = TlsConfig::new(identity, &["smtp"], WallClock::system()).unwrap();
    let config = ServerConfig::new(ClientName::new("mx.test").unwrap())
        .starttls(!implicit)
        .mechanisms(&[Mechanism::Plain]);
    let server = Server::new(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, seen) = mpsc::channel();
    thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let server = match implicit {
            true => Tls::implicit(server, tls.accept()),
            false => Tls::starttls(server, tls.accept()),
        };
        let mut driver = Driver::new(socket, server);
        let mut seen = Seen::default();
        while let Ok(Some(event)) = driver.next() {
            let server = driver.machine_mut();
            match event {
                ServerEvent::Auth(claim) if claim.password().expose() == b"secret" => {
                    seen.lines.push(format!("login {}", claim.authcid()));
                    server.accept().unwrap();
                }
                ServerEvent::Auth(_) => server.reject(535, "5.7.8 no").unwrap(),
                ServerEvent::Mail(mail) => {
                    seen.lines
                        .push(format!("mail {} {:?}", mail.from, mail.size));
                    server.accept().unwrap();
                }
                ServerEvent::Rcpt(rcpt) if rcpt.to.as_str().starts_with("no") => {
                    server.reject(550, "5.1.1 nobody of that name").unwrap();
                }
                ServerEvent::Rcpt(rcpt) => {
                    seen.lines.push(format!("rcpt {}", rcpt.to));
                    server.accept().unwrap();
                }
                ServerEvent::Data | ServerEvent::MessageEnd(_) => server.accept().unwrap(),
                ServerEvent::Chunk(bytes) => seen.message.extend_from_slice(&bytes),
                ServerEvent::Encrypted => seen.lines.push("encrypted".to_owned()),
                _ => {}
            }
        }
        let _ = tell.send(seen);
    });
    (address, seen)
}

#[test]
fn send_goes_over_both_kinds_of_tls_and_masks_the_password_in_its_trace() {
    let body = "dots:\n.\n..\n.x\n".to_owned() + &"a line of text, many times\n".repeat(100_000);
    let message = format!("From: a@x.test\nSubject: Gr\u{fc}\u{df}e\n\n{body}");
    let crlf = message.replace('\n', "\r\n");
    for (implicit, name) in [(false, "send-starttls"), (true, "send-implicit")] {
        let folder = folder(name);
        fs::write(folder.join("mail.eml"), &message).unwrap();
        fs::write(folder.join("password"), "secret\n").unwrap();
        let (address, seen) = smtp_server(&folder, implicit);
        let server = format!("localhost:{}", address.port());
        let tls = if implicit { "implicit" } else { "starttls" };
        let args = [
            "send",
            "--server",
            &server,
            "--tls",
            tls,
            "--ca",
            "ca.pem",
            "--trace",
            "--user",
            "joe",
            "--password-file",
            "password",
            "--from",
            "a@x.test",
            "--to",
            "b@y.test",
            "--to",
            "c@y.test",
            "mail.eml",
        ];
        let output = scop(&folder, &args, b"");
        let trace = text(&output.stderr);
        assert_eq!(code(&output), 0, "{trace}");
        let seen = seen.recv().unwrap();
        assert_eq!(
            seen.lines,
            [
                "encrypted",
                "login joe",
                &format!("mail <a@x.test> Some({})", crlf.len()),
                "rcpt <b@y.test>",
                "rcpt <c@y.test>",
            ],
        );
        assert!(seen.message == crlf.as_bytes(), "the bytes differ");
        assert!(trace.contains("C: AUTH PLAIN ***\n"), "{trace}");
        assert!(trace.contains("C: [a message of "), "{trace}");
        assert!(!trace.contains("AGpvZQBzZWNyZXQ="), "{trace}");
    }
}

/// `scop send` of a short message to `localhost` at `address`, or to `server` itself.
fn send(folder: &Path, server: &str, more: &[&str]) -> Output {
    let args = ["send", "--server", server, "--from", "a@x.test"];
    scop(folder, &[&args[..], more].concat(), MESSAGE)
}

const MESSAGE: &[u8] = b"From: a@x.test\r\n\r\nhi\r\n";

fn localhost(address: SocketAddr) -> String {
    format!("localhost:{}", address.port())
}

#[test]
fn one_refused_recipient_does_not_keep_the_message_from_the_others() {
    let here = folder("send-refused");
    let (address, seen) = smtp_server(&here, false);
    let to = [
        "--ca",
        "ca.pem",
        "--to",
        "nobody@y.test",
        "--to",
        "b@y.test",
    ];
    let output = send(&here, &localhost(address), &to);
    assert_eq!(code(&output), 69);
    let said = text(&output.stderr);
    assert!(
        said.contains("<nobody@y.test> was refused: 550 5.1.1 nobody"),
        "{said}"
    );
    assert_eq!(seen.recv().unwrap().message, MESSAGE);
}

#[test]
fn nothing_is_sent_when_all_recipients_are_refused() {
    let here = folder("send-none");
    let (address, seen) = smtp_server(&here, false);
    let to = ["--ca", "ca.pem", "--to", "no@y.test"];
    let output = send(&here, &localhost(address), &to);
    assert_eq!(code(&output), 69, "{}", text(&output.stderr));
    assert!(seen.recv().unwrap().message.is_empty());
}

#[test]
fn a_certificate_of_nobody_we_know_is_refused_with_what_to_do() {
    let here = folder("send-stranger");
    let (address, seen) = smtp_server(&here, false);
    let output = send(&here, &localhost(address), &["--to", "b@y.test"]);
    assert_eq!(code(&output), 76);
    assert!(text(&output.stderr).contains("--ca FILE"));
    assert_eq!(seen.recv().unwrap().lines.len(), 0);
}

#[test]
fn a_wrong_password_is_77_and_no_message_is_sent() {
    let here = folder("send-password");
    fs::write(here.join("wrong"), "guess").unwrap();
    let (address, seen) = smtp_server(&here, false);
    let login = ["--user", "joe", "--password-file", "wrong", "--insecure"];
    let args = [&login[..], &["--to", "b@y.test"]].concat();
    let output = send(&here, &localhost(address), &args);
    assert_eq!(code(&output), 77, "{}", text(&output.stderr));
    assert_eq!(seen.recv().unwrap().lines, ["encrypted"]);
}

#[test]
fn what_cannot_work_is_said_before_anything_is_sent() {
    let here = folder("send-usage");
    // A port nobody listens on.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap().to_string();
    drop(listener);
    for (server, to, expected) in [
        ("localhost:25", "x@y>\r\nDATA\r\n", 64),
        ("localhost", "b@y.test", 64),
        (nobody.as_str(), "b@y.test", 69),
    ] {
        let output = send(&here, server, &["--to", to]);
        assert_eq!(code(&output), expected, "{}", text(&output.stderr));
    }
}

/// An IMAP server for one connection, without TLS, with two messages in INBOX.
fn imap_server() -> SocketAddr {
    use scop_imap_proto::{
        command::{Command, FetchAttribute},
        response::{Condition, Data, Fetch, FetchItem, RespText, Value},
        server::{Selected, Server, ServerConfig, ServerEvent},
        types::{DateTime, Flag},
    };
    let number = |n| std::num::NonZeroU32::new(n).unwrap();
    let large = "x".repeat(76) + "\r\n";
    let messages = [
        "From: Ann <a@x.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nhello\r\n".to_owned(),
        "From: b@x.test\r\nSubject: \x1b[31mred\r\n\r\n".to_owned() + &large.repeat(3000),
    ];
    let fetched = move |index: usize, attributes: &[FetchAttribute]| {
        let message = &messages[index];
        let header = &message[..message.find("\r\n\r\n").unwrap() + 4];
        let items = attributes.iter().map(|a| match a {
            FetchAttribute::Uid => FetchItem::Uid(number(7 + index as u32)),
            FetchAttribute::Flags => FetchItem::Flags(vec![Flag::Seen]),
            FetchAttribute::Rfc822Size => FetchItem::Rfc822Size(message.len() as u64),
            FetchAttribute::InternalDate => {
                FetchItem::InternalDate(DateTime::from_unix(1_700_000_000, 0).unwrap())
            }
            FetchAttribute::Section { section, .. } => {
                let whole = section.text().is_none();
                let text = if whole { message.as_str() } else { header };
                FetchItem::Section {
                    section: section.clone(),
                    origin: None,
                    value: Value::Inline(text.to_owned().into()),
                }
            }
            other => panic!("asked for {other:?}"),
        });
        Data::Fetch(Fetch {
            number: number(1 + index as u32),
            items: items.collect(),
        })
    };
    let mut config = ServerConfig::new();
    config.login_in_clear = true;
    let server = Server::new(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let mut driver = Driver::new(socket, Tls::plain(server));
        while let Ok(Some(event)) = driver.next() {
            let server = driver.machine_mut();
            let (tag, condition) = match event {
                ServerEvent::Login { tag, credentials } => {
                    let right = credentials.password().expose() == b"secret";
                    (tag, if right { Condition::Ok } else { Condition::No })
                }
                ServerEvent::Command { tag, command } => match command {
                    Command::Examine(_) => {
                        let selected = Selected {
                            flags: vec![Flag::Seen],
                            permanent_flags: Vec::new(),
                            exists: 2,
                            recent: 0,
                            unseen: None,
                            uid_validity: number(1),
                            uid_next: number(9),
                            read_only: true,
                        };
                        server.select_done(&tag, &selected).unwrap();
                        continue;
                    }
                    Command::Fetch(fetch) => {
                        for index in 0..2 {
                            if fetch.set.contains(7 + index as u32, 8) {
                                let data = fetched(index, &fetch.attributes);
                                server.data(&data).unwrap();
                            }
                        }
                        (tag, Condition::Ok)
                    }
                    other => panic!("asked for {other:?}"),
                },
                _ => continue,
            };
            server.done(&tag, condition, RespText::new("done")).unwrap();
        }
    });
    address
}

#[test]
fn mailbox_lists_and_reads_byte_for_byte() {
    let here = folder("mailbox");
    fs::write(here.join("password"), "secret\n").unwrap();
    let mailbox = |more: &[&str]| {
        let server = localhost(imap_server());
        let args = [
            &["mailbox", more[0], "--server", &server, "--tls", "none"][..],
            &[
                "--user",
                "demo",
                "--password-file",
                "password",
                "--password-in-clear",
            ],
            &more[1..],
        ];
        scop(&here, &args.concat(), b"")
    };
    let output = mailbox(&["list"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    // A sender's control characters are shown, not obeyed.
    assert_eq!(
        text(&output.stdout),
        "7\t14-Nov-2023 22:13:20 +0000\t69\t\\Seen\tAnn <a@x.test>\tGrüße\n\
         8\t14-Nov-2023 22:13:20 +0000\t234037\t\\Seen\tb@x.test\t\\u{1b}[31mred\n"
    );
    let output = mailbox(&["read", "8"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(output.stdout.len() == 234_037 && output.stdout.ends_with(b"xx\r\n"));
    let output = mailbox(&["read", "7", "--trace"]);
    assert!(output.stdout.ends_with(b"\r\n\r\nhello\r\n"));
    let trace = text(&output.stderr);
    assert!(trace.contains("AUTHENTICATE PLAIN ***\n"), "{trace}");
    let output = mailbox(&["read", "9"]);
    assert_eq!(code(&output), 66, "{}", text(&output.stderr));
    fs::write(here.join("password"), "guess\n").unwrap();
    assert_eq!(code(&mailbox(&["list"])), 77);
}

#[test]
fn mime_lists_the_files_in_a_winmail_dat() {
    let here = folder("winmail");
    // [MS-OXTNEF] 2.1.3: a signature, then attributes with their checksums.
    let mut tnef = vec![0x78, 0x9f, 0x3e, 0x22, 1, 0];
    let mut attribute = |id: u32, data: &[u8]| {
        tnef.push(2);
        tnef.extend(id.to_le_bytes());
        tnef.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        tnef.extend(data);
        let sum: u16 = data.iter().map(|b| u16::from(*b)).sum();
        tnef.extend(sum.to_le_bytes());
    };
    attribute(
        0x0006_9002,
        &[1, 0, 255, 255, 255, 255, 32, 0, 32, 0, 0, 0, 0, 0],
    );
    attribute(0x0001_8010, b"a.doc\0");
    attribute(0x0006_800f, b"Hello");
    let digits: String = tnef.iter().map(|b| format!("={b:02X}")).collect();
    let lines: Vec<String> = digits
        .as_bytes()
        .chunks(72)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let message = format!(
        "From: a@b.test\r\nDate: Mon, 2 Jan 2006 15:04:05 -0700\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee there.\r\n--b\r\n\
         Content-Type: application/ms-tnef; name=winmail.dat\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n--b--\r\n",
        lines.join("=\r\n")
    );
    let output = scop(&here, &["mime"], message.as_bytes());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("\"winmail.dat\"\n  holds \"a.doc\", 5 bytes\n"),
        "{text}"
    );
    let output = scop(&here, &["mime", "--json"], message.as_bytes());
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let within = &found["root"]["parts"][1]["tnef"];
    let expected = serde_json::json!([{"filename": "a.doc", "type": null, "length": 5}]);
    assert_eq!(within, &expected);
    assert_eq!(found["root"]["parts"][0]["tnef"], serde_json::Value::Null);
}

#[test]
fn mime_prints_the_tree_as_json_and_for_people() {
    let here = folder("mime");
    let message = b"From: =?utf-8?q?J=C3=B6?= <a@b.test>\r\nTo: x@y.test\r\n\
        Date: Mon, 2 Jan 2006 15:04:05 -0700\r\nSubject: t\r\nMessage-ID: <1@b>\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Type: text/plain; charset=iso-8859-1\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9\r\n--b\r\n\
        Content-Type: image/png; name=\"a.png\"\r\nContent-Disposition: attachment\r\n\
        Content-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n--b--\r\n";
    let output = scop(&here, &["mime", "--json"], message);
    assert_eq!(code(&output), 0);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["from"][0]["name"], "J\u{f6}");
    assert_eq!(found["date"], "2006-01-02T15:04:05-07:00");
    assert_eq!(found["cc"], serde_json::json!([]));
    let parts = &found["root"]["parts"];
    let (plain, image) = (&parts[0], &parts[1]);
    assert_eq!((&plain["id"], &image["id"]), (&"1".into(), &"2".into()));
    assert_eq!(plain["parameters"]["charset"], "iso-8859-1");
    let offset = usize::try_from(plain["body_offset"].as_u64().unwrap()).unwrap();
    let length = usize::try_from(plain["body_length"].as_u64().unwrap()).unwrap();
    assert_eq!(&message[offset..offset + length], b"caf=E9");
    // printf 'caf\351' | sha256sum; printf 'caf\303\251' | sha256sum
    assert_eq!(
        plain["decoded_sha256"],
        "dafd66c0b98965e688be1fc12942c09f0350e6be0685017c3f234e97d0adc92e"
    );
    assert_eq!(
        plain["text_sha256"],
        "850f7dc43910ff890f8879c0ed26fe697c93a067ad93a7d50f466a7028a9bf4e"
    );
    assert_eq!(image["filename"], "a.png");
    assert_eq!(image["disposition"], "attachment");
    assert_eq!(image["decoded_length"], 4);
    assert_eq!(image["text_sha256"], serde_json::Value::Null);

    let output = scop(&here, &["mime"], message);
    let shown = text(&output.stdout);
    assert!(shown.contains("From: J\u{f6} <a@b.test>\n"), "{shown}");
    assert!(shown.contains("2 image/png base64, 8 bytes at"), "{shown}");

    // What turns the direction of a line, or cannot be seen, is shown by its number.
    let hidden = "Subject: a\u{202e}fdp.exe\r\nFrom: a\u{200b}b <a@b.test>\r\n\r\n";
    let output = scop(&here, &["mime"], hidden.as_bytes());
    let shown = text(&output.stdout);
    assert!(shown.contains("a\\u{202e}fdp.exe"), "{shown}");
    assert!(shown.contains("a\\u{200b}b <a@b.test>"), "{shown}");
}

/// `scop .. 2>&1 | head`: who reads may be gone, and the exit code still says how it went.
#[test]
fn nobody_need_read_what_went_wrong() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_scop"))
        .args(["mime", "/nonexistent"])
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(66));
}

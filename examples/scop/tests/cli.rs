//! The built program, against servers made of this project's machines.

use std::{
    fs,
    io::Write as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, mpsc},
    thread,
};

use scop_sasl::Mechanism;
use scop_smtp_proto::{ClientName, Server, ServerConfig, ServerEvent};
use scop_tls_adapters::{Identity, ServerConfig as TlsConfig, Tls, WallClock, blocking::Driver};

/// A folder of its own for each test, empty at its start.
fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn scop(folder: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_scop"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may end without reading any of it.
    let writer = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

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

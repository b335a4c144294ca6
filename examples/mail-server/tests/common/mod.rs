//! Starts the built server on free ports, and speaks SMTP to it in clear.
#![allow(dead_code, unreachable_pub)] // each test file uses its share

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// The password of every user that tests make.
pub const PASSWORD: &str = "correct-horse";

/// A directory of one test's own, removed when it is over.
pub struct Place(pub PathBuf);

impl Place {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("scop-mail-server-{}-{n}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Place(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// What it said on standard output.
    pub banner: String,
}

/// The server as a command, on free ports.
pub fn command(data: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mail-server"));
    command.arg("--data").arg(data);
    for listener in ["smtp", "submission", "submissions", "imap", "imaps"] {
        if !more.contains(&format!("--{listener}").as_str()) {
            command.arg(format!("--{listener}")).arg("127.0.0.1:0");
        }
    }
    command.args(more).env("RUST_LOG", "warn");
    command
}

impl Server {
    pub fn start(data: &Path, more: &[&str]) -> Self {
        Self::run(&mut command(data, more))
    }

    pub fn run(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the server starts");
        let out = child.stdout.take().expect("a pipe");
        let mut banner = String::new();
        for line in BufReader::new(out).lines() {
            let line = line.expect("text");
            banner.push_str(&line);
            banner.push('\n');
            if line == "ready" {
                return Server { child, banner };
            }
        }
        panic!("the server ended: {:?}", child.wait());
    }

    /// With the user `ann`.
    pub fn with_ann(data: &Path, more: &[&str]) -> Self {
        let user = format!("ann:{PASSWORD}");
        Self::start(data, &[&["--user", &user], more].concat())
    }

    pub fn address(&self, listener: &str) -> SocketAddr {
        let mut lines = self.banner.lines().map(str::split_whitespace);
        let found = lines.find_map(|mut words| {
            (words.next() == Some(listener)).then(|| words.next().map(str::parse))
        });
        found.flatten().expect("listens").expect("an address")
    }

    pub fn port(&self, listener: &str) -> u16 {
        self.address(listener).port()
    }

    pub fn smtp(&self) -> Smtp {
        Smtp::connect(self.address("smtp"))
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(sent.expect("kill(1) is there").success());
    }

    /// Waits until it has ended by itself.
    pub fn ended(mut self) -> ExitStatus {
        self.child.wait().expect("wait")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// An SMTP client that can do everything wrong.
pub struct Smtp {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

impl Smtp {
    pub fn connect(to: SocketAddr) -> Self {
        let mut smtp = Self::silent(to);
        assert_eq!(smtp.reply().expect("a greeting").0, 220);
        smtp
    }

    /// Without reading the greeting.
    pub fn silent(to: SocketAddr) -> Self {
        let writer = TcpStream::connect(to).expect("connects");
        let patience = Some(Duration::from_secs(60));
        writer.set_read_timeout(patience).expect("set");
        let reader = BufReader::new(writer.try_clone().expect("clone"));
        Smtp { reader, writer }
    }

    /// Code and text of the next reply; `None` when the server hung up.
    pub fn reply(&mut self) -> Option<(u16, String)> {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            match self.reader.read_line(&mut line) {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            text.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|c| c.parse().ok());
                return Some((code.unwrap_or_else(|| panic!("no reply: {line:?}")), text));
            }
        }
    }

    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.writer.write_all(bytes).is_ok()
    }

    /// A command's reply.
    pub fn say(&mut self, line: &str) -> Option<(u16, String)> {
        self.send(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// As `say`, and the code must be that one.
    pub fn expect(&mut self, line: &str, code: u16) -> String {
        let (got, text) = self.say(line).unwrap_or_else(|| panic!("{line}: hung up"));
        assert_eq!(got, code, "{line}: {text}");
        text
    }

    /// A whole transaction: the reply to its end. The text is stuffed here.
    pub fn deliver(&mut self, to: &[&str], text: &[u8]) -> Option<(u16, String)> {
        let refused = |reply: &(u16, String)| reply.0 >= 400;
        let mail = self.say("MAIL FROM:<sender@example.org>")?;
        if refused(&mail) {
            return Some(mail);
        }
        for to in to {
            let rcpt = self.say(&format!("RCPT TO:<{to}>"))?;
            if refused(&rcpt) {
                return Some(rcpt);
            }
        }
        let data = self.say("DATA")?;
        if refused(&data) {
            return Some(data);
        }
        let mut stuffed = Vec::with_capacity(text.len() + 5);
        for line in text.split_inclusive(|b| *b == b'\n') {
            if line.starts_with(b".") {
                stuffed.push(b'.');
            }
            stuffed.extend_from_slice(line);
        }
        stuffed.extend_from_slice(b".\r\n");
        self.send(&stuffed);
        self.reply()
    }

    /// Everything until the server hangs up.
    pub fn rest(&mut self) -> String {
        let mut text = Vec::new();
        let _ = self.reader.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// All messages of a mailbox file, as the store keeps them; the server need not run.
pub fn stored(data: &Path) -> Vec<Vec<u8>> {
    let file = rusqlite::Connection::open(data.join("mail.sqlite")).expect("opens");
    let sql = "SELECT blob.id, blob.head FROM message JOIN blob ON blob.id = blob \
               ORDER BY mailbox, uid";
    let mut messages = file.prepare(sql).expect("sql");
    let rows = messages.query_map([], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    });
    let mut found = Vec::new();
    for row in rows.expect("rows") {
        let (blob, mut text) = row.expect("row");
        let sql = "SELECT data FROM chunk WHERE blob = ?1 ORDER BY n";
        let mut chunks = file.prepare_cached(sql).expect("sql");
        let chunks = chunks
            .query_map([blob], |row| row.get::<_, Vec<u8>>(0))
            .expect("rows");
        chunks.for_each(|chunk| text.extend(chunk.expect("row")));
        found.push(text);
    }
    found
}

/// Whether a program is there; says so if not.
pub fn have(program: &str) -> bool {
    let ran = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let have = ran.is_ok_and(|status| status.success());
    if !have {
        eprintln!("SKIPPED: {program} is not installed");
    }
    have
}

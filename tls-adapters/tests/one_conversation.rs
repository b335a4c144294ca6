//! The proof that it is one code: the same conversation (EHLO, STARTTLS, AUTH, a
//! message of 1 MiB, QUIT) through all three drivers gives the same transcript.

mod common;

use std::{net, sync::Arc, thread};

use bytes::Bytes;
use common::{
    certs,
    net::Net,
    tap::{Log, Tap, transcript},
};
use scop_core::testkit::Note;
use scop_sasl::{Credentials, Mechanism};
use scop_smtp_proto::{
    Client, ClientConfig, ClientEvent, ClientName, Envelope, Mailbox, Server, ServerConfig,
    ServerEvent, Submission,
};
use scop_tls_adapters::{Tls, blocking, tokio::Driver as AsyncDriver};

/// One end and what its caller keeps.
struct Sender {
    submission: Submission,
    events: Vec<String>,
}

#[derive(Default)]
struct Receiver {
    message: Vec<u8>,
    events: Vec<String>,
}

impl Sender {
    fn new() -> Self {
        let mailbox = |address: &str| address.parse::<Mailbox<'static>>().unwrap();
        let envelope = Envelope::new(mailbox("tim@example.org")).to(mailbox("ann@mail.test"));
        let credentials = Credentials::new("tim", "a secret").unwrap();
        Sender {
            submission: Submission::new(envelope, message()).login(credentials),
            events: Vec::new(),
        }
    }

    fn on_event(&mut self, client: &mut Client, event: ClientEvent) {
        // How often there is room depends on how much the transport takes at a time.
        if event != ClientEvent::Room {
            self.events.push(format!("{event:?}"));
        }
        self.submission.on_event(client, event);
    }
}

impl Receiver {
    fn on_event(&mut self, server: &mut Server, event: ServerEvent) {
        match event {
            ServerEvent::Chunk(bytes) => return self.message.extend_from_slice(&bytes),
            ServerEvent::Auth(_)
            | ServerEvent::Mail(_)
            | ServerEvent::Rcpt(_)
            | ServerEvent::Data
            | ServerEvent::MessageEnd(_) => server.accept().unwrap(),
            _ => {}
        }
        self.events.push(format!("{event:?}"));
    }
}

/// 1 MiB of lines, some of which begin with a dot, or are one.
fn message() -> Bytes {
    let mut text = String::from("Subject: one mebibyte\r\n\r\n");
    for n in 0.. {
        match n % 7 {
            0 => text.push_str(".\r\n"),
            1 => text.push_str("..two dots and a line\r\n"),
            _ => text.push_str(&format!("line {n} {}\r\n", "=".repeat(n % 60))),
        }
        if text.len() >= 1 << 20 {
            return text.into();
        }
    }
    unreachable!()
}

fn client(log: &Log) -> Tls<Tap<Client>> {
    let config = ClientConfig::new(ClientName::new("client.test").unwrap());
    let handshake = certs::client().connect_to("mail.test").unwrap();
    Tls::starttls(Tap::new(Client::new(config), 'C', log), handshake)
}

fn server(log: &Log) -> Tls<Tap<Server>> {
    let config = ServerConfig::new(ClientName::new("mail.test").unwrap())
        .submission(true)
        .starttls(true)
        .require_tls(true)
        .mechanisms(&[Mechanism::Plain]);
    let server = Server::new(Arc::new(config));
    Tls::starttls(Tap::new(server, 'S', log), certs::server().accept())
}

/// What came of a run: transcript, the events of both sides, the message.
#[derive(PartialEq)]
struct Outcome {
    transcript: String,
    sent: Vec<String>,
    received: Vec<String>,
    message: Vec<u8>,
}

fn outcome(log: &Log, sender: Sender, receiver: Receiver) -> Outcome {
    let report = sender.submission.report().unwrap();
    assert!(report.reply.is_positive());
    Outcome {
        transcript: transcript(log),
        sent: sender.events,
        received: receiver.events,
        message: receiver.message,
    }
}

fn over_blocking_sockets() -> Outcome {
    let log = Log::default();
    let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut served = blocking::Driver::new(listener.accept().unwrap().0, server(&log));
    let serving = thread::spawn(move || {
        let mut receiver = Receiver::default();
        while let Some(event) = served.next().unwrap() {
            receiver.on_event(served.machine_mut(), event);
        }
        receiver
    });
    let mut driver = blocking::Driver::new(stream, client(&log));
    let mut sender = Sender::new();
    while let Some(event) = driver.next().unwrap() {
        sender.on_event(driver.machine_mut(), event);
    }
    outcome(&log, sender, serving.join().unwrap())
}

async fn over_tokio() -> Outcome {
    let log = Log::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut served = AsyncDriver::new(listener.accept().await.unwrap().0, server(&log));
    let serving = tokio::spawn(async move {
        let mut receiver = Receiver::default();
        while let Some(event) = served.next().await.unwrap() {
            receiver.on_event(served.machine_mut(), event);
        }
        receiver
    });
    let mut driver = AsyncDriver::new(stream, client(&log));
    let mut sender = Sender::new();
    while let Some(event) = driver.next().await.unwrap() {
        sender.on_event(driver.machine_mut(), event);
    }
    outcome(&log, sender, serving.await.unwrap())
}

fn over_smoltcp(buffer: usize) -> Outcome {
    let log = Log::default();
    let (mut sender, mut receiver) = (Sender::new(), Receiver::default());
    let ((_, c), (_, s)) = Net::new(buffer).talk(
        client(&log),
        server(&log),
        |client, event| {
            sender.on_event(client, event);
            Note::Silent
        },
        |server, event| {
            receiver.on_event(server, event);
            Note::Silent
        },
        |_| {},
    );
    assert_eq!((c, s), (Ok(()), Ok(())));
    outcome(&log, sender, receiver)
}

#[tokio::test]
async fn through_all_three_drivers_it_is_the_same_conversation() {
    let expected = tokio::task::spawn_blocking(over_blocking_sockets)
        .await
        .unwrap();
    // By hand, once: this is what it should look like.
    let (head, _) = expected.transcript.split_once("C: Subject").unwrap();
    let verbs: Vec<&str> = head
        .lines()
        .map(|l| &l[..l.len().min(7)])
        .filter(|l| !l.starts_with("S: 250-"))
        .collect();
    assert_eq!(
        verbs,
        [
            "S: 220 ", "C: EHLO", "S: 250 ", "C: STAR", "S: 220 ", "C: EHLO", "S: 250 ", "C: AUTH",
            "S: 235 ", "C: MAIL", "C: RCPT", "C: DATA", "S: 250 ", "S: 250 ", "S: 354 ",
        ],
        "{head}"
    );
    assert!(
        expected
            .transcript
            .contains("C: ...two dots and a line\\r\\n\nC: line")
    );
    assert_eq!(expected.message, message());
    assert!(expected.received.iter().any(|e| e == "Encrypted"));

    for (which, found) in [
        ("tokio", over_tokio().await),
        ("smoltcp", over_smoltcp(64 * 1024)),
        ("smoltcp, small windows", over_smoltcp(1460)),
    ] {
        assert_eq!(found.sent, expected.sent, "{which}");
        assert_eq!(found.received, expected.received, "{which}");
        assert!(found == expected, "{which}: the transcripts differ");
    }
}

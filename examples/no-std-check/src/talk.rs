//! A message from an SMTP client to an SMTP server, through STARTTLS on both sides:
//! machines, TLS and cryptography, and nothing of an operating system but the
//! random numbers that `ring` asks it for.

use alloc::{sync::Arc, vec::Vec};
use core::time::Duration;

use bytes::BytesMut;
use scop_core::{Instant, Machine, Next};
use scop_smtp_proto::{
    Client, ClientConfig, ClientName, Envelope, Mailbox, Server, ServerConfig, ServerEvent,
    Submission,
};
use scop_tls_adapters as tls;
use tls::{Identity, Roots, Tls, WallClock};

/// A self-signed certificate for `localhost` until 2126, and its key, for tests.
const CERTIFICATE: &[u8] = include_bytes!("cert.pem");
const KEY: &[u8] = include_bytes!("key.pem");
/// December 2026.
const TODAY: Duration = Duration::from_secs(1_796_100_000);
const MESSAGE: &[u8] = b"Subject: no std\r\n\r\n.dot\r\n";

struct End<M> {
    machine: M,
    input: BytesMut,
}

impl<M: Machine> End<M> {
    fn new(machine: M) -> Self {
        let input = BytesMut::new();
        End { machine, input }
    }

    /// Reads and sends what it can; whether bytes left for `peer`.
    fn turn<P>(&mut self, peer: &mut End<P>, mut on: impl FnMut(&mut M, M::Event)) -> bool {
        let now = Instant::from_secs(1);
        let mut sent = false;
        loop {
            match self.machine.read(now, &mut self.input) {
                Ok(Next::Event(event)) => {
                    on(&mut self.machine, event);
                    continue;
                }
                Ok(_) => {}
                Err(_) => panic!("the conversation failed"),
            }
            let Some(chunk) = self.machine.transmit(now) else {
                return sent;
            };
            peer.input.extend_from_slice(&chunk);
            sent = true;
        }
    }
}

fn server() -> Tls<Server> {
    let identity = Identity::from_pem(CERTIFICATE, KEY).expect("a certificate and its key");
    let config = tls::ServerConfig::new(identity, &["smtp"], WallClock::new(|| Some(TODAY)));
    let handshake = config.expect("a configuration").accept();
    let name = ClientName::new("localhost").expect("a name");
    let config = ServerConfig::new(name).starttls(true).require_tls(true);
    Tls::starttls(Server::new(Arc::new(config)), handshake)
}

fn client() -> Tls<Client> {
    let mut roots = Roots::new();
    roots.add_pem(CERTIFICATE).expect("a certificate");
    let config = tls::ClientConfig::new(roots, WallClock::new(|| Some(TODAY)));
    let handshake = config.expect("a configuration").connect_to("localhost");
    let name = ClientName::new("client.example").expect("a name");
    Tls::starttls(
        Client::new(ClientConfig::new(name)),
        handshake.expect("a server name"),
    )
}

/// Sends it and looks at what arrives.
///
/// # Panics
///
/// When it does not.
pub fn send_a_message() {
    let mailbox = |text: &str| text.parse::<Mailbox<'static>>().expect("an address");
    let envelope = Envelope::new(mailbox("ann@example.org")).to(mailbox("bob@localhost"));
    let mut submission = Submission::new(envelope, MESSAGE);
    let (mut client, mut server) = (End::new(client()), End::new(server()));
    let mut stored = Vec::new();
    loop {
        let to_server = client.turn(&mut server, |client, event| {
            submission.on_event(client, event);
        });
        let to_client = server.turn(&mut client, |server, event| {
            let answered = match event {
                ServerEvent::Mail(_) | ServerEvent::Rcpt(_) | ServerEvent::Data => server.accept(),
                ServerEvent::MessageEnd(_) => server.accept(),
                ServerEvent::Chunk(bytes) => {
                    stored.extend_from_slice(&bytes);
                    Ok(())
                }
                _ => Ok(()),
            };
            answered.expect("an answer that fits");
        });
        if !to_server && !to_client {
            break;
        }
    }
    assert!(submission.report().is_ok());
    assert!(stored == MESSAGE);
    assert!(server.machine.is_encrypted());
}

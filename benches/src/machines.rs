//! Client and server machines against each other in memory, and what a connection
//! holds that waits. No peer: the figures are our own, and may only get better.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use scop_core::{Instant, Machine, Next};
use scop_smtp_proto::{
    Client, ClientConfig, ClientName, Envelope, Mailbox, Server, ServerConfig, ServerEvent,
    Submission, TlsPolicy,
};

use crate::measure::{Row, Tally, Unit};

const AREA: &str = "machines";
const NOW: Instant = Instant::from_secs(1);

pub fn rows() -> Vec<Row> {
    vec![
        smtp("SMTP messages of 4 KiB, one connection", 4 << 10, 100),
        smtp("SMTP messages of 1 MiB, one connection", 1 << 20, 8),
        smtp("SMTP connections with one message of 4 KiB", 4 << 10, 1),
        Row::figure(AREA, "SMTP idle connection, plain", "bytes", || {
            idle(1000, smtp_server)
        })
        .goal(381.0),
    ]
}

/// One end of a connection: a machine and what it has not read.
pub struct End<M> {
    pub machine: M,
    input: BytesMut,
}

impl<M: Machine> End<M> {
    pub fn new(machine: M) -> End<M> {
        End {
            machine,
            input: BytesMut::new(),
        }
    }

    /// Reads and sends all it can; whether bytes left for `peer`.
    fn turn<P>(&mut self, peer: &mut End<P>, mut on: impl FnMut(&mut M, M::Event)) -> bool {
        let mut sent = false;
        loop {
            match self.machine.read(NOW, &mut self.input) {
                Ok(Next::Event(event)) => {
                    on(&mut self.machine, event);
                    continue;
                }
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
            // As the driver does: what is sent may make room to read on.
            let Some(chunk) = self.machine.transmit(NOW) else {
                break;
            };
            peer.input.extend_from_slice(&chunk);
            sent = true;
        }
        if self.input.is_empty() {
            // As the driver does: an end that waits holds no buffer.
            self.input = BytesMut::new();
        }
        sent
    }
}

/// Lets both ends talk until neither has anything to say.
pub fn talk<C: Machine, S: Machine>(
    client: &mut End<C>,
    server: &mut End<S>,
    mut on_client: impl FnMut(&mut C, C::Event),
    mut on_server: impl FnMut(&mut S, S::Event),
) {
    loop {
        let to_server = client.turn(server, &mut on_client);
        let to_client = server.turn(client, &mut on_server);
        if !to_server && !to_client {
            return;
        }
    }
}

fn smtp_server() -> End<Server> {
    let name = ClientName::new("mx.example.org").expect("a name");
    End::new(Server::new(Arc::new(ServerConfig::new(name))))
}

fn smtp_client() -> End<Client> {
    let name = ClientName::new("client.example.org").expect("a name");
    End::new(Client::new(ClientConfig::new(name).tls(TlsPolicy::Never)))
}

/// Takes everything and drops it: what is measured is the protocol.
fn accept(server: &mut Server, event: ServerEvent, tally: &mut Tally) {
    match event {
        ServerEvent::Mail(_) | ServerEvent::Rcpt(_) | ServerEvent::Data => server.accept(),
        ServerEvent::Chunk(bytes) => {
            tally.bytes(&bytes);
            Ok(())
        }
        ServerEvent::MessageEnd(size) => {
            tally.item();
            tally.number(size);
            server.accept()
        }
        _ => Ok(()),
    }
    .expect("an answer that fits");
}

fn message(size: usize) -> Bytes {
    let mut message = b"From: <ann@example.org>\r\nSubject: a message\r\n\r\n".to_vec();
    let line = b"The quick brown fox jumps over the lazy dog, and then over another one.\r\n";
    while message.len() < size {
        message.extend_from_slice(line);
    }
    message.into()
}

fn smtp(name: &str, size: usize, messages: u64) -> Row {
    let message = message(size);
    let envelope = || {
        let mailbox = |text: &str| text.parse::<Mailbox<'static>>().expect("an address");
        Envelope::new(mailbox("ann@example.org")).to(mailbox("bob@example.net"))
    };
    Row::new(AREA, name, Unit::Rate { items: messages }, move |tally| {
        let (mut client, mut server) = (smtp_client(), smtp_server());
        for number in 1..=messages {
            let mut submission = Submission::new(envelope(), message.clone());
            if number < messages {
                submission = submission.stay();
            }
            if number > 1 {
                submission.start(&mut client.machine);
            }
            talk(
                &mut client,
                &mut server,
                |client, event| submission.on_event(client, event),
                |server, event| accept(server, event, tally),
            );
            let report = submission.report().expect("the message was taken");
            assert!(report.reply.is_positive());
        }
    })
}

/// Bytes of heap that one of `n` waiting connections holds: the machine itself and
/// all it owns, after the client said EHLO.
fn idle<S: Machine>(n: usize, make: impl Fn() -> End<S>) -> f64 {
    let mut servers: Vec<Box<End<S>>> = Vec::with_capacity(n);
    let before = crate::memory::held();
    for _ in 0..n {
        let mut client = smtp_client();
        let mut server = Box::new(make());
        talk(&mut client, &mut server, |_, _| {}, |_, _| {});
        assert!(client.machine.is_ready());
        servers.push(server);
    }
    (crate::memory::held() - before) as f64 / n as f64
}

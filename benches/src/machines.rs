//! Client and server machines against each other in memory, and what a connection
//! holds that waits. No peer: the figures are our own, and may only get better.

mod imap;
mod smtp;
mod tls;

use bytes::{Bytes, BytesMut};
use scop_core::{Instant, Machine, Next};

use crate::measure::Row;

const AREA: &str = "machines";
const NOW: Instant = Instant::from_secs(1);

pub fn rows() -> Vec<Row> {
    vec![
        smtp::row("SMTP messages of 4 KiB, one connection", 4 << 10, 100),
        smtp::row("SMTP messages of 1 MiB, one connection", 1 << 20, 8),
        smtp::row("SMTP connections with one message of 4 KiB", 4 << 10, 1),
        imap::row("IMAP FETCH of messages of 4 KiB", 4 << 10, 100),
        imap::row("IMAP FETCH of messages of 1 MiB", 1 << 20, 8),
        held("SMTP idle connection, plain", 381.0, smtp::idle),
        held("SMTP idle connection, TLS", 5000.0, tls::smtp_idle),
        held("IMAP idle connection, plain", 381.0, imap::idle),
        held("IMAP idle connection, TLS", 5000.0, tls::imap_idle),
    ]
}

/// Bytes of heap that one of a thousand waiting connections holds: the server's
/// machine and all it owns, and its unread input. What all of them share, the
/// configuration, is not counted.
fn held<T>(name: &str, goal: f64, mut connect: impl FnMut() -> T + 'static) -> Row {
    Row::figure(AREA, name, "bytes", move |_| {
        const N: usize = 1000;
        // What is made once for all is made by the first.
        let first = connect();
        let mut all: Vec<Box<T>> = Vec::with_capacity(N);
        let before = crate::memory::held();
        all.extend((0..N).map(|_| Box::new(connect())));
        let bytes = crate::memory::held() - before;
        drop((first, all));
        bytes as f64 / N as f64
    })
    .goal(goal)
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

/// A message of about `size` bytes.
fn message(size: usize) -> Bytes {
    let mut message = b"From: <ann@example.org>\r\nSubject: a message\r\n\r\n".to_vec();
    let line = b"The quick brown fox jumps over the lazy dog, and then over another one.\r\n";
    while message.len() < size {
        message.extend_from_slice(line);
    }
    message.into()
}

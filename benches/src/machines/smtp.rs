//! SMTP.

use std::{cell::OnceCell, sync::Arc};

use scop_smtp_proto::{
    Client, ClientConfig, ClientName, Envelope, Mailbox, Server, ServerConfig, ServerEvent,
    Submission, TlsPolicy,
};

use super::{AREA, End, message, talk};
use crate::measure::{Row, Tally, Unit};

thread_local! {
    static CONFIG: OnceCell<Arc<ServerConfig>> = const { OnceCell::new() };
}

pub fn server() -> Server {
    let make = || {
        let name = ClientName::new("mx.example.org").expect("a name");
        Arc::new(ServerConfig::new(name))
    };
    Server::new(CONFIG.with(|config| config.get_or_init(make).clone()))
}

pub fn client() -> Client {
    let name = ClientName::new("client.example.org").expect("a name");
    Client::new(ClientConfig::new(name).tls(TlsPolicy::Never))
}

/// A server to which a client has said EHLO.
pub fn idle() -> End<Server> {
    let (mut client, mut server) = (End::new(client()), End::new(server()));
    talk(&mut client, &mut server, |_, _| {}, |_, _| {});
    assert!(client.machine.is_ready());
    server
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

pub fn row(name: &str, size: usize, messages: u64) -> Row {
    let message = message(size);
    let envelope = || {
        let mailbox = |text: &str| text.parse::<Mailbox<'static>>().expect("an address");
        Envelope::new(mailbox("ann@example.org")).to(mailbox("bob@example.net"))
    };
    Row::new(AREA, name, Unit::Rate { items: messages }, move |tally| {
        let (mut client, mut server) = (End::new(client()), End::new(server()));
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

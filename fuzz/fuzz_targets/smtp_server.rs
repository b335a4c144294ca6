//! The SMTP server machine, as an MX that offers STARTTLS and as a submission
//! server: the laws, and that no message is complete that was not ended.
#![no_main]

use std::sync::Arc;

use scop_core::testkit::{Note, Peer};
use scop_fuzz::{fuzz_target, machine};
use scop_sasl::Mechanism;
use scop_smtp_proto::{Bare, ClientName, Server, ServerConfig, ServerEvent, ServerLimits};

/// Answers by the name before the `@`: what starts with `n` is refused.
fn refused(name: Option<String>) -> bool {
    name.is_some_and(|name| name.starts_with('n'))
}

fn peer(config: ServerConfig) -> Peer<'static, Server> {
    Peer::new(Server::new(Arc::new(config)), |server, _, event| {
        let no = match &event {
            ServerEvent::Chunk(chunk) => return Note::data(chunk),
            ServerEvent::Mail(mail) => {
                refused(mail.from.mailbox().map(|m| m.local_part().into_owned()))
            }
            ServerEvent::Rcpt(rcpt) => {
                refused(rcpt.to.mailbox().map(|m| m.local_part().into_owned()))
            }
            ServerEvent::Auth(credentials) => credentials.password().len() % 2 == 0,
            ServerEvent::MessageEnd(size) => size % 2 == 1,
            ServerEvent::Data => false,
            _ => return Note::event(&event),
        };
        let answered = if no {
            server.reject(450, "4.2.0 Not now")
        } else {
            server.accept()
        };
        // A refusal that does not fit the event (AUTH wants 535) is `Misuse`, and then
        // another must do.
        if answered.is_err() {
            server
                .reject(535, "5.7.8 No")
                .or_else(|_| server.accept())
                .expect("an answer to every event that wants one");
        }
        Note::event(&event)
    })
}

fuzz_target!(|data: &[u8]| {
    let name = || ClientName::new("mx.example.org").expect("a name");
    machine(data, || peer(ServerConfig::new(name()).starttls(true)));
    machine(data, || {
        peer(
            ServerConfig::new(name())
                .submission(true)
                .mechanisms(&[Mechanism::Plain, Mechanism::Login])
                .auth_in_clear(true),
        )
    });
    // Limits that small inputs reach, and bare line ends kept.
    let mut limits = ServerLimits::default();
    (limits.line, limits.auth_line, limits.message_size) = (40, 60, 30);
    (limits.recipients, limits.messages, limits.outbox) = (2, 2, 64);
    (limits.errors, limits.junk, limits.auth_failures) = (3, 6, 1);
    machine(data, || {
        peer(
            ServerConfig::new(name())
                .starttls(true)
                .mechanisms(Mechanism::ALL)
                .auth_in_clear(true)
                .bare(Bare::Keep)
                .limits(limits),
        )
    });
});

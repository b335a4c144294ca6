//! A server and a caller for it, as tests want them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use scop_core::testkit::{Note, Peer};
use scop_sasl::Mechanism;
use scop_smtp_proto::*;

pub(crate) fn config() -> ServerConfig {
    ServerConfig::new(ClientName::new("mx.example.org").unwrap())
}

pub(crate) fn submission() -> ServerConfig {
    config()
        .submission(true)
        .mechanisms(&[Mechanism::Plain, Mechanism::Login])
}

/// A server whose caller knows the users `x` and `y` of any domain, their passwords
/// (`secret`), and takes any message but one from `full@`.
pub(crate) fn peer(config: ServerConfig) -> Peer<'static, Server> {
    let mut full = false;
    Peer::new(Server::new(Arc::new(config)), move |server, _, event| {
        let note = match &event {
            ServerEvent::Chunk(chunk) => Note::data(chunk),
            event => Note::event(event),
        };
        match event {
            ServerEvent::Mail(mail) => {
                let from = mail.from.mailbox().map(|m| m.local_part().into_owned());
                full = from.as_deref() == Some("full");
                match from.as_deref() {
                    Some("banned") => server.reject(550, "5.7.1 Not you"),
                    _ => server.accept(),
                }
                .unwrap();
            }
            ServerEvent::Rcpt(rcpt) => {
                let to = rcpt.to.mailbox().map(|m| m.local_part().into_owned());
                match to.as_deref() {
                    None | Some("x" | "y") => server.accept(),
                    Some("closing") => server.reject(421, "4.3.0 Enough"),
                    Some(_) => server.reject(550, "5.1.1 No such user here"),
                }
                .unwrap();
            }
            ServerEvent::Auth(credentials) => {
                let good = credentials.password().expose() == b"secret";
                match good && credentials.authzid().is_none() {
                    true => server.accept(),
                    false => server.reject(535, "5.7.8 No such name and password"),
                }
                .unwrap();
            }
            ServerEvent::Data => server.accept().unwrap(),
            ServerEvent::MessageEnd(_) if full => server.reject(452, "4.3.1 Full").unwrap(),
            ServerEvent::MessageEnd(_) => {
                let reply = Reply::new(250, "2.0.0 Stored").unwrap();
                server.answer(&reply).unwrap();
            }
            _ => {}
        }
        note
    })
}

/// What a caller saw, one word or two for each event.
pub(crate) fn words(notes: &[Note]) -> String {
    let word = |note: &Note| match note {
        Note::Data(bytes) => format!("{} bytes", bytes.len()),
        note => {
            let text = format!("{note:?}");
            let end = text.find(|c: char| !c.is_alphanumeric());
            text[..end.unwrap_or(text.len())].to_owned()
        }
    };
    notes.iter().map(word).collect::<Vec<_>>().join(", ")
}

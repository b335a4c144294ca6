//! The IMAP client machine with a session to go through, against whatever a server
//! says: the laws, and that a password never goes out in clear unless that was
//! allowed.
#![no_main]

use bytes::Bytes;
use scop_core::testkit::{Note, Peer};
use scop_fuzz::{fuzz_target, machine};
use scop_imap_proto::{
    client::{Client, Config, Event, TlsPolicy},
    command::{Append, FetchAttribute, StatusAttribute},
    types::{Mailbox, SequenceSet},
};
use scop_sasl::Credentials;

const PASSWORD: &str = "hidden-password";

/// The next thing to do. What is refused (the server may have said anything before)
/// is left out.
fn step(client: &mut Client, number: usize) {
    let all = || SequenceSet::all();
    let _ = match number {
        0 => client.authenticate(Credentials::new("ann", PASSWORD).expect("credentials")),
        1 => client.status(Mailbox::INBOX, vec![StatusAttribute::Messages]),
        2 => client.select(Mailbox::INBOX),
        3 => client.uid_fetch(
            all(),
            vec![
                FetchAttribute::Flags,
                FetchAttribute::Envelope,
                FetchAttribute::BodyStructure,
            ],
        ),
        4 => client.append(Append {
            mailbox: Mailbox::INBOX,
            flags: Vec::new(),
            date: None,
            size: 7,
        }),
        5 => client.idle(),
        6 => client.uid_search(Vec::new()),
        7 => client.expunge(),
        _ => client.logout(),
    };
}

fn peer(policy: TlsPolicy, allowed: bool) -> Peer<'static, Client> {
    let mut config = Config::new().tls(policy);
    config.allow_plaintext_auth = allowed;
    // Small, so that literals stream and bounds are met.
    config.limits.after_login.inline = 16;
    config.limits.after_login.response = 2048;
    let mut number = 0;
    let mut message = Bytes::from_static(b"a:\r\n\r\nb");
    Peer::new(Client::new(config), move |client, _, event| {
        let note = match &event {
            Event::Chunk { data, .. } => return Note::data(data),
            Event::Room => Note::Silent,
            event => Note::event(event),
        };
        match event {
            Event::Body(_) | Event::Room => {
                let _ = client.body(&mut message);
            }
            Event::Idling(_) => {
                let _ = client.done();
            }
            Event::Ready | Event::Done { .. } if client.pending() == 0 => {
                // Two at a time where that is allowed.
                for _ in 0..2 {
                    step(client, number);
                    number += 1;
                }
            }
            _ => {}
        }
        note
    })
}

/// Whether `needle` is somewhere in `haystack`.
fn has(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

fuzz_target!(|data: &[u8]| {
    machine(data, || peer(TlsPolicy::Never, true));
    for (policy, allowed) in [(TlsPolicy::Required, true), (TlsPolicy::Never, false)] {
        let outcome = machine(data, || peer(policy, allowed));
        assert!(
            !has(&outcome.output, b" LOGIN ") && !has(&outcome.output, b" AUTHENTICATE "),
            "{policy:?}: a secret in clear\n{outcome:?}"
        );
    }
});

//! The SMTP client machine with a message to send, against whatever a server says:
//! the laws, and that a password never goes out in clear unless that was allowed.
#![no_main]

use scop_core::testkit::{Note, Peer};
use scop_fuzz::{fuzz_target, machine};
use scop_sasl::Credentials;
use scop_smtp_proto::{
    Client, ClientConfig, ClientEvent, ClientName, Envelope, Mailbox, Submission, TlsPolicy,
};

const MESSAGE: &[u8] = b"Subject: dots\r\n\r\n.\r\n..\r\n.hidden\r\nand no line end";
const PASSWORD: &str = "hidden-password";

fn peer(tls: TlsPolicy, auth_in_clear: bool) -> Peer<'static, Client> {
    let mailbox = |text: &str| text.parse::<Mailbox<'static>>().expect("an address");
    let envelope = Envelope::new(mailbox("ann@example.org"))
        .to(mailbox("bob@example.net"))
        .to(mailbox("cid@example.net"));
    let credentials = Credentials::new("ann", PASSWORD).expect("credentials");
    let mut submission = Submission::new(envelope, MESSAGE).login(credentials);
    let config = ClientConfig::new(ClientName::new("client.example").expect("a name"))
        .tls(tls)
        .auth_in_clear(auth_in_clear);
    Peer::new(Client::new(config), move |client, _, event| {
        let note = match &event {
            ClientEvent::Room => Note::Silent,
            event => Note::event(event),
        };
        submission.on_event(client, event);
        note
    })
}

/// Whether `needle` is somewhere in `haystack`.
fn has(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

fuzz_target!(|data: &[u8]| {
    machine(data, || peer(TlsPolicy::Never, true));
    for (tls, allowed) in [(TlsPolicy::Required, true), (TlsPolicy::Never, false)] {
        let outcome = machine(data, || peer(tls, allowed));
        assert!(
            !has(&outcome.output, b"AUTH ") && !has(&outcome.output, b"Subject: dots"),
            "{tls:?}: a secret in clear\n{outcome:?}"
        );
    }
});

//! The same under TLS 1.3.

use std::{cell::OnceCell, time::Duration};

use scop_imap_proto as imap_proto;
use scop_smtp_proto as smtp_proto;
use scop_tls_adapters::{ClientConfig, Identity, Roots, ServerConfig, Tls, WallClock};

use super::{End, imap, smtp, talk};

/// The certificate and key of the no-std check: for `localhost`, until 2126.
const CERTIFICATE: &[u8] = include_bytes!("../../../examples/no-std-check/src/cert.pem");
const KEY: &[u8] = include_bytes!("../../../examples/no-std-check/src/key.pem");

thread_local! {
    static CONFIG: OnceCell<(ClientConfig, ServerConfig)> = const { OnceCell::new() };
}

fn configs() -> (ClientConfig, ServerConfig) {
    let clock = || WallClock::new(|| Some(Duration::from_secs(1_800_000_000)));
    let make = || {
        let mut roots = Roots::new();
        roots.add_pem(CERTIFICATE).expect("a certificate");
        let client = ClientConfig::new(roots, clock()).expect("a configuration");
        let identity = Identity::from_pem(CERTIFICATE, KEY).expect("a key");
        let server = ServerConfig::new(identity, &["mail"], clock()).expect("a configuration");
        (client, server)
    };
    CONFIG.with(|configs| configs.get_or_init(make).clone())
}

pub fn smtp_idle() -> End<Tls<smtp_proto::Server>> {
    let (client, server) = configs();
    let handshake = client.connect_to("localhost").expect("a name");
    let mut client = End::new(Tls::implicit(smtp::client(), handshake));
    let mut server = End::new(Tls::implicit(smtp::server(), server.accept()));
    talk(&mut client, &mut server, |_, _| {}, |_, _| {});
    assert!(client.machine.is_ready());
    server
}

pub fn imap_idle() -> End<Tls<imap_proto::server::Server>> {
    let (client, server) = configs();
    let handshake = client.connect_to("localhost").expect("a name");
    let mut client = End::new(Tls::implicit(imap::client(), handshake));
    let mut server = End::new(Tls::implicit(imap::server(), server.accept()));
    let (mut caller, mut step) = (imap::Caller::default(), 0);
    talk(
        &mut client,
        &mut server,
        |client, event| _ = imap::log_in(client, &event, &mut step),
        |server, event| caller.on_event(server, event),
    );
    assert_eq!(step, 3);
    server
}

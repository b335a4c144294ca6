//! The TLS layer as a client: what a server sent in a real session, with edits, and
//! bytes that were never TLS. See `tls_server`.
#![no_main]

#[path = "../../tls-adapters/tests/common/mod.rs"]
mod common;

use std::sync::LazyLock;

use common::{Client, SCRIPT, Server, client_peer, fixed, server_peer};
use scop_core::testkit::{Peer, pair};
use scop_fuzz::{cuts_of, edited, fuzz_target, machine_cut};
use scop_tls_adapters::{ClientConfig, Tls};

fn client(config: &ClientConfig) -> Peer<'static, Tls<Client>> {
    let handshake = config.connect_to("mail.test").expect("a name");
    client_peer(Tls::implicit(Client::new(&SCRIPT), handshake))
}

static SENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let server = Tls::implicit(Server::new(), fixed::server().accept());
    let sim = pair(client(&fixed::client()), server_peer(server));
    sim.server.output
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    let stream = match kind % 2 {
        0 => edited(&SENT, data),
        _ => data.to_vec(),
    };
    let config = fixed::client();
    machine_cut(
        &stream,
        &cuts_of(stream.len(), data),
        || client(&config),
        |outcome| (outcome.notes.clone(), outcome.end.clone()),
    );
});

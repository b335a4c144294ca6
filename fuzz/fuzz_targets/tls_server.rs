//! The TLS layer as a server: what a client sent in a real session, with edits, and
//! bytes that were never TLS. The keys are the same in each run, so the laws hold on
//! ciphertext; what the layer sends may be cut into records in many ways, and is not
//! compared.
#![no_main]

#[path = "../../tls-adapters/tests/common/mod.rs"]
mod common;

use std::sync::LazyLock;

use common::{Client, SCRIPT, Server, client_peer, fixed, server_peer};
use scop_core::testkit::pair;
use scop_fuzz::{cuts_of, edited, fuzz_target, machine_cut};
use scop_tls_adapters::Tls;

static SENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let handshake = fixed::client().connect_to("mail.test").expect("a name");
    let client = client_peer(Tls::implicit(Client::new(&SCRIPT), handshake));
    let sim = pair(
        client,
        server_peer(Tls::implicit(Server::new(), fixed::server().accept())),
    );
    sim.client.output
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else {
        return;
    };
    let stream = match kind % 2 {
        0 => edited(&SENT, data),
        _ => data.to_vec(),
    };
    let config = fixed::server();
    machine_cut(
        &stream,
        &cuts_of(stream.len(), data),
        || server_peer(Tls::implicit(Server::new(), config.accept())),
        |outcome| (outcome.notes.clone(), outcome.end.clone()),
    );
});

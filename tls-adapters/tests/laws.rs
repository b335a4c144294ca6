//! The laws of the contract on `Tls<M>`: ciphertext in, cut anywhere.
//!
//! What a layer sends depends on how its machine's small writes fell together, so two
//! right runs differ in their ciphertext. Compared is what the machine inside sent:
//! [`Seen`] gives that as the output in place of the records.

mod common;

use std::sync::LazyLock;

use common::{
    Client, Server, client_peer, fixed, lines, react, server_peer,
    tap::{Log, Seen, Tap},
};
use proptest::{collection::vec, prelude::*};
use scop_core::testkit::{self, End, Note, Peer, Stream, pair, run};
use scop_tls_adapters::Tls;

fn server() -> Peer<'static, Seen<Server>> {
    let said = Log::default();
    let inside = Tap::new(Server::new(), 'S', &said);
    let tls = Tls::implicit(inside, fixed::server().accept());
    Peer::new(Seen(tls, said), |seen, _, event| react(&mut seen.0, event))
}

fn client() -> Peer<'static, Seen<Client>> {
    let said = Log::default();
    let inside = Tap::new(Client::new(&SCRIPT), 'C', &said);
    let handshake = fixed::client().connect_to("mail.test").unwrap();
    Peer::new(
        Seen(Tls::implicit(inside, handshake), said),
        |_, _, line| Note::Event(line),
    )
}

/// A bit of everything, and short: each law runs it a thousand times.
const SCRIPT: [&str; 5] = [
    "ECHO one\r\n",
    "ASK\r\n",
    "TAKE 12\r\n0123456789\r\n",
    "GIVE 500\r\n",
    "QUIT\r\n",
];

const REPLIES: [&str; 6] = [
    "220 toy",
    "one",
    "forty-two",
    "250 12",
    "250 given",
    "221 bye",
];

/// What both sides put on the wire, always the same.
static WIRE: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| play(&SCRIPT));

/// What client and server send, the client with `script`.
fn play(script: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let handshake = fixed::client().connect_to("mail.test").unwrap();
    let sim = pair(
        client_peer(Tls::implicit(Client::new(script), handshake)),
        server_peer(Tls::implicit(Server::new(), fixed::server().accept())),
    );
    (sim.client.output, sim.server.output)
}

#[test]
fn the_fixed_tls_is_fixed() {
    assert_eq!(play(&SCRIPT), *WIRE);
    let outcome = run(&mut client(), &Stream::whole(&WIRE.1));
    assert_eq!(outcome.notes, lines(&REPLIES));
}

#[test]
fn law_1_split_invariance() {
    let outcome = testkit::splits(server, &WIRE.0);
    assert_eq!(outcome.end, End::Closed);
    assert!(outcome.output.ends_with(b"250 given\r\n221 bye\r\n"));
    let outcome = testkit::splits(client, &WIRE.1);
    assert_eq!(outcome.end, End::Closed);
}

#[test]
fn law_2_progress() {
    testkit::progress(server, &WIRE.0);
    testkit::progress(client, &WIRE.1);
}

#[test]
fn law_4_tl02_backpressure() {
    // The peer's ciphertext is there at once and nobody drains what is sent.
    let mut script = vec!["GIVE 100000\r\n"; 8];
    script.push("QUIT\r\n");
    let (ciphertext, _) = play(&script);
    let outcome = testkit::backpressure(server, &ciphertext, 3 * 4096);
    assert!(outcome.output.len() > 800_000);
}

#[test]
fn law_5_errors_are_sticky() {
    let (ciphertext, _) = play(&["ECHO a\r\n", "BOOM\r\n"]);
    let goodbye = testkit::sticky(server, &ciphertext);
    assert!(goodbye.ends_with(b"421 a command that is forbidden at byte 0 (toy 1)\r\n"));
    // Any bit of the wire tampered with: an error that stays, or a wait for the rest of
    // a record that has become longer.
    let last = WIRE.0.len() - 24; // close_notify, read by nobody behind QUIT
    let mut starts = vec![0];
    while let [.., start] = starts[..]
        && let Some(header) = WIRE.0.get(start..start + 5)
    {
        starts.push(start + 5 + usize::from(header[3]) * 256 + usize::from(header[4]));
    }
    for at in 0..last {
        let mut bad = WIRE.0.clone();
        bad[at] ^= 1 << (at % 8);
        match run(&mut server(), &Stream::whole(&bad)).end {
            End::Error(_) => drop(testkit::sticky(server, &bad)),
            End::Waiting => {}
            // A header's minor version means nothing, and of an encrypted record the
            // type neither (RFC 8446 5.1, 5.2).
            End::Closed if starts.iter().any(|s| at == *s || at == s + 2) => {}
            other => panic!("byte {at}: {other:?}"),
        }
    }
    for at in (0..WIRE.1.len() - 24).step_by(61) {
        let mut bad = WIRE.1.clone();
        bad[at] ^= 1 << (at % 8);
        match run(&mut client(), &Stream::whole(&bad)).end {
            End::Error(_) => drop(testkit::sticky(client, &bad)),
            End::Waiting => {}
            other => panic!("byte {at}: {other:?}"),
        }
    }
}

#[test]
fn law_6_tl03_end_of_input_is_not_end_of_data() {
    let (ciphertext, _) = play(&["ECHO one\r\n", "TAKE 12\r\n0123456789\r\n", "ASK\r\n"]);
    let taken = |note: &Note| *note == Note::Event("Taken".into());
    testkit::truncation(server, &ciphertext, taken);
    // A FIN without close_notify is never an end, wherever it is.
    for end in 0..ciphertext.len() {
        let outcome = run(&mut server(), &Stream::whole(&ciphertext[..end]).closing());
        assert!(
            matches!(&outcome.end, End::Error(e) if e.contains("the connection ended inside")),
            "{end}: {outcome:?}"
        );
    }
}

#[test]
fn law_7_no_ambient_authority() {
    testkit::deterministic(server, &WIRE.0);
    testkit::deterministic(client, &WIRE.1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    /// Records of nonsense, well framed: never a panic, never an event, and what is
    /// wrong stays wrong.
    #[test]
    fn nonsense_in_records_is_no_conversation(
        records in vec((20u8..=23, vec(any::<u8>(), 0..40)), 1..6),
        behind in 0..WIRE.0.len() - 52, // before QUIT
    ) {
        let mut bytes = WIRE.0[..behind].to_vec();
        for (kind, content) in records {
            bytes.extend_from_slice(&[kind, 3, 3, 0, content.len() as u8]);
            bytes.extend_from_slice(&content);
        }
        let outcome = run(&mut server(), &Stream::whole(&bytes).closing());
        prop_assert!(matches!(outcome.end, End::Error(_)), "{outcome:?}");
        let clean = run(&mut server(), &Stream::whole(&WIRE.0[..behind]));
        prop_assert_eq!(outcome.notes, clean.notes);
    }
}

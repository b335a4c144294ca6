//! The layer between two machines: both ways in, what the handshake tells, how it
//! ends.

mod common;

use std::{
    cell::RefCell,
    io::{Read, Write},
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use common::{certs, *};
use rustls::HandshakeKind;
use scop_core::{
    Instant, Machine, Next, Pause,
    testkit::{Cut, Direction, End, Link, Note, Stream, netsim, pair, run},
};
use scop_tls_adapters::{ClientConfig, HANDSHAKE, LINGER, Limits, Provider, ServerConfig, Tls};

#[test]
fn starttls_both_sides() {
    let sim = pair(
        client_peer(Tls::starttls(
            Client::new(&UPGRADING),
            certs::client().connect_to("mail.test").unwrap(),
        )),
        server_peer(Tls::starttls(Server::new(), certs::server().accept())),
    );
    assert_eq!(sim.client.notes, lines(&UPGRADED), "{}", shown(&sim));
    assert_eq!(
        (&sim.client.end, &sim.server.end),
        (&End::Closed, &End::Closed)
    );
    assert!(sim.finished);
}

fn starttls() -> (Tls<Client>, Tls<Server>) {
    let client = certs::client()
        .limits(PATIENT)
        .connect_to("mail.test")
        .unwrap();
    let server = certs::server().limits(PATIENT).accept();
    (
        Tls::starttls(Client::new(&UPGRADING), client),
        Tls::starttls(Server::new(), server),
    )
}

fn implicit(script: &[&str]) -> (Tls<Client>, Tls<Server>) {
    let handshake = certs::client().connect_to("mail.test").unwrap();
    (
        Tls::implicit(Client::new(script), handshake),
        Tls::implicit(Server::new(), certs::server().accept()),
    )
}

/// Links of hours: the simulated ones may be slow.
const PATIENT: Limits = Limits {
    handshake: Duration::from_secs(100_000),
    linger: Duration::from_secs(100_000),
    handshake_message: 128 * 1024,
};

#[test]
fn implicit_tls_over_any_link() {
    let run = |link: &Link| {
        let client = certs::client()
            .limits(PATIENT)
            .connect_to("mail.test")
            .unwrap();
        let server = certs::server().limits(PATIENT).accept();
        netsim(
            client_peer(Tls::implicit(Client::new(&SCRIPT), client)),
            server_peer(Tls::implicit(Server::new(), server)),
            link,
        )
    };
    let ideal = run(&Link::ideal());
    assert_eq!(ideal.client.notes, lines(&REPLIES), "{}", shown(&ideal));
    for seed in 0..60 {
        let sim = run(&Link::seeded(seed));
        assert_eq!(
            sim.client.notes,
            ideal.client.notes,
            "seed {seed} {}",
            shown(&sim)
        );
        assert_eq!(sim.server.notes, ideal.server.notes, "seed {seed}");
        assert_eq!(
            (&sim.client.end, &sim.server.end),
            (&End::Closed, &End::Closed)
        );
    }
}

#[test]
fn starttls_over_any_link() {
    let ideal = {
        let (client, server) = starttls();
        pair(client_peer(client), server_peer(server))
    };
    for seed in 0..60 {
        let (client, server) = starttls();
        let link = Link::seeded(seed);
        let sim = netsim(client_peer(client), server_peer(server), &link);
        assert_eq!(
            sim.client.notes,
            ideal.client.notes,
            "seed {seed} {}",
            shown(&sim)
        );
        assert_eq!(sim.server.notes, ideal.server.notes, "seed {seed}");
        assert!(sim.finished);
    }
    // rf04: one-byte segments, a window of one.
    let (client, server) = starttls();
    let link = Link::ideal().one_byte();
    let sim = netsim(client_peer(client), server_peer(server), &link);
    assert_eq!(sim.client.notes, ideal.client.notes, "{}", shown(&sim));
}

#[test]
fn a_link_cut_anywhere_ends_both_ends_and_completes_nothing() {
    let taken = Note::Event("Taken".into());
    for direction in [Direction::ToServer, Direction::ToClient] {
        for half in [true, false] {
            for after in (0..4000).step_by(37) {
                let (client, server) = starttls();
                let cut = Cut {
                    direction,
                    after,
                    half,
                };
                let mut link = Link::ideal().with_cut(cut);
                link.latency = Duration::from_millis(10);
                let sim = netsim(client_peer(client), server_peer(server), &link);
                assert!(sim.finished, "{cut:?} {}", shown(&sim));
                let ended = |end: &End| matches!(end, End::Closed | End::Error(_));
                assert!(ended(&sim.client.end) && ended(&sim.server.end), "{cut:?}");
                if direction == Direction::ToServer && after < 400 {
                    assert!(!sim.server.notes.contains(&taken), "{cut:?}");
                }
            }
        }
    }
}

/// One driver's turn: reads, hands over, and reads again, until nothing moves.
fn turn<M: Machine>(now: Instant, machine: &mut M, from: &mut BytesMut, to: &mut BytesMut) -> bool {
    let mut moved = false;
    loop {
        while let Ok(Next::Event(_)) = machine.read(now, from) {}
        match machine.transmit(now) {
            Some(chunk) => to.extend_from_slice(&chunk),
            None => return moved,
        }
        moved = true;
    }
}

/// Drives two machines by hand until neither has anything to say.
fn talk<C: Machine, S: Machine>(
    now: Instant,
    client: &mut C,
    server: &mut S,
    to_server: &mut BytesMut,
    to_client: &mut BytesMut,
) {
    while turn(now, client, to_client, to_server) | turn(now, server, to_server, to_client) {}
}

#[test]
fn both_ends_learn_the_channel() {
    let (mut client, mut server) = starttls();
    let (mut a, mut b) = (BytesMut::new(), BytesMut::new());
    talk(Instant::ZERO, &mut client, &mut server, &mut a, &mut b);
    assert!(client.is_encrypted() && server.is_encrypted());
    let (ours, theirs) = (client.secured.as_ref().unwrap(), server.channel().unwrap());
    assert_eq!(ours.version, Some("TLSv1.3"));
    assert_eq!(ours.cipher_suite.as_deref(), Some("TLS_AES_256_GCM_SHA384"));
    assert_eq!(ours.alpn.as_deref(), Some(&b"toy"[..]));
    assert_eq!(ours.server_name.as_deref(), Some("mail.test"));
    assert_eq!(ours.peer_certificates, certs::LEAF.chain);
    assert!(ours.exporter.is_some_and(|binding| binding != [0; 32]));
    let mut expected = ours.clone();
    expected.peer_certificates.clear();
    assert_eq!(*theirs, expected);
}

/// A client that is rustls itself, and nothing of ours.
struct Rustls(rustls::ClientConnection);

impl Rustls {
    fn config(suites: impl Fn(&str) -> bool) -> Arc<rustls::ClientConfig> {
        let mut provider = rustls::crypto::ring::default_provider();
        provider
            .cipher_suites
            .retain(|suite| suites(&format!("{:?}", suite.suite())));
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certs::ROOT.der().into()).unwrap();
        let clock = Arc::new(certs::clock());
        let config = rustls::ClientConfig::builder_with_details(Arc::new(provider), clock)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }

    fn new(config: &Arc<rustls::ClientConfig>) -> Self {
        let name = "mail.test".try_into().unwrap();
        Rustls(rustls::ClientConnection::new(config.clone(), name).unwrap())
    }

    /// Talks to `server` until neither has anything to say; what the server said.
    fn talk(&mut self, server: &mut Tls<Server>) -> String {
        let mut said = Vec::new();
        let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
        loop {
            let mut sent = Vec::new();
            while self.0.wants_write() {
                self.0.write_tls(&mut sent).unwrap();
            }
            input.extend_from_slice(&sent);
            let moved = turn(Instant::ZERO, server, &mut input, &mut output);
            let mut chunk = &output.split()[..];
            while !chunk.is_empty() {
                self.0.read_tls(&mut chunk).unwrap();
                self.0.process_new_packets().unwrap();
                // WouldBlock once all of it was read.
                let _ = self.0.reader().read_to_end(&mut said);
            }
            if !moved && !self.0.wants_write() {
                return String::from_utf8(said).unwrap();
            }
        }
    }
}

#[test]
fn the_exporter_is_the_one_of_rfc_9266() {
    for suite in [
        "AES_128_GCM_SHA256",
        "AES_256_GCM_SHA384",
        "CHACHA20_POLY1305_SHA256",
    ] {
        let mut peer = Rustls::new(&Rustls::config(|s| s == format!("TLS13_{suite}")));
        let mut server = Tls::implicit(Server::new(), certs::server().accept());
        peer.talk(&mut server);
        let expected = peer
            .0
            .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""))
            .unwrap();
        let channel = server.channel().unwrap();
        assert_eq!(channel.exporter, Some(expected));
        assert_eq!(channel.cipher_suite, Some(format!("TLS_{suite}")));
        assert_eq!(channel.alpn, None, "a client that offers none is welcome");
    }
}

#[test]
fn new_keys_half_way_change_nothing() {
    let mut peer = Rustls::new(&Rustls::config(|s| s.starts_with("TLS13")));
    let mut server = Tls::implicit(Server::new(), certs::server().accept());
    assert_eq!(peer.talk(&mut server), "220 toy\r\n");
    for n in 0..5 {
        // A request, so that the server's keys change too.
        peer.0.refresh_traffic_keys().unwrap();
        let line = format!("ECHO {n}\r\n");
        peer.0.writer().write_all(line.as_bytes()).unwrap();
        assert_eq!(peer.talk(&mut server), format!("{n}\r\n"));
    }
}

#[test]
fn tl06_there_are_no_tickets_so_none_of_another_service_is_taken() {
    let config = Rustls::config(|_| true);
    for _ in 0..3 {
        let mut peer = Rustls::new(&config);
        let mut server = Tls::implicit(Server::new(), certs::server().accept());
        peer.talk(&mut server);
        assert_eq!(peer.0.handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(peer.0.tls13_tickets_received(), 0);
    }
    // A ticket from elsewhere: that service's certificate may well be for the same name.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let elsewhere = rustls::ServerConfig::builder_with_details(provider, Arc::new(certs::clock()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certs::LEAF.chain[0].clone().into()],
            certs::LEAF.key.clone().try_into().unwrap(),
        )
        .unwrap();
    let mut other = rustls::ServerConnection::new(Arc::new(elsewhere)).unwrap();
    let mut peer = Rustls::new(&config);
    while peer.0.wants_write() || other.wants_write() {
        let mut sent = Vec::new();
        peer.0.write_tls(&mut sent).unwrap();
        other.read_tls(&mut &sent[..]).unwrap();
        other.process_new_packets().unwrap();
        let mut sent = Vec::new();
        while other.wants_write() {
            other.write_tls(&mut sent).unwrap();
        }
        peer.0.read_tls(&mut &sent[..]).unwrap();
        peer.0.process_new_packets().unwrap();
    }
    assert!(peer.0.tls13_tickets_received() > 0);
    let mut peer = Rustls::new(&config);
    let mut server = Tls::implicit(Server::new(), certs::server().accept());
    assert_eq!(peer.talk(&mut server), "220 toy\r\n");
    assert_eq!(peer.0.handshake_kind(), Some(HandshakeKind::Full));
}

#[test]
fn tls_1_2_has_no_exporter_to_bind_to() {
    let mut provider = rustls::crypto::ring::default_provider();
    provider
        .cipher_suites
        .retain(|suite| suite.version() == &rustls::version::TLS12);
    let provider = Provider::from_rustls(provider);
    let client = ClientConfig::with_provider(certs::roots(), certs::clock(), provider).unwrap();
    let handshake = client.connect_to("mail.test").unwrap();
    let mut client = Tls::implicit(Client::new(&SCRIPT), handshake);
    let mut server = Tls::implicit(Server::new(), certs::server().accept());
    let (mut a, mut b) = (BytesMut::new(), BytesMut::new());
    talk(Instant::ZERO, &mut client, &mut server, &mut a, &mut b);
    for channel in [client.secured.as_ref().unwrap(), server.channel().unwrap()] {
        assert_eq!(channel.version, Some("TLSv1.2"));
        assert_eq!(channel.exporter, None);
        assert!(
            channel
                .cipher_suite
                .as_ref()
                .unwrap()
                .starts_with("TLS_ECDHE_")
        );
    }
}

#[test]
fn tl04_a_browser_led_to_a_mail_port_gets_alert_120() {
    let client = certs::client().alpn(&["http/1.1", "h2"]);
    let handshake = client.connect_to("mail.test").unwrap();
    let sim = pair(
        client_peer(Tls::implicit(Client::new(&SCRIPT), handshake)),
        server_peer(Tls::implicit(Server::new(), certs::server().accept())),
    );
    let alert = "the peer ended the TLS connection with alert 120 (NoApplicationProtocol)";
    assert_eq!(sim.client.end, End::Error(alert.into()));
    let seen = "the peer offers only application protocols that are not spoken here";
    assert_eq!(sim.server.end, End::Error(seen.into()));
    assert!(sim.server.notes.is_empty() && sim.client.notes.is_empty());
    // And a server that would let anybody in cannot be built.
    let identity = certs::LEAF.identity();
    assert!(ServerConfig::new(identity, &[], certs::clock()).is_err());
}

#[test]
fn tl01_a_client_hello_in_fragments_and_a_close_notify_in_the_handshake() {
    let hello = {
        let (mut client, _) = implicit(&SCRIPT);
        let _ = client.read(Instant::ZERO, &mut BytesMut::new());
        client.transmit(Instant::ZERO).unwrap()
    };
    let message = &hello[5..];
    for size in [1, 2, 3, 7, 100] {
        let mut input = BytesMut::new();
        for piece in message.chunks(size) {
            input.extend_from_slice(&[22, 3, 1, 0, u8::try_from(piece.len()).unwrap()]);
            input.extend_from_slice(piece);
        }
        let (_, mut server) = implicit(&SCRIPT);
        // A look at the output between any two bytes may not panic either.
        for byte in input {
            let mut byte = BytesMut::from(&[byte][..]);
            rest(&mut server, &mut byte);
        }
        assert!(server.transmit(Instant::ZERO).is_some(), "no ServerHello");
    }
    // close_notify at each point of the handshake, behind half of a message too.
    for taken in [0, 1, 60, message.len()] {
        let mut input = BytesMut::new();
        if taken > 0 {
            input.extend_from_slice(&[22, 3, 1, 0, u8::try_from(taken).unwrap()]);
            input.extend_from_slice(&message[..taken]);
        }
        input.extend_from_slice(&[21, 3, 3, 0, 2, 1, 0]);
        let (_, mut server) = implicit(&SCRIPT);
        let error = loop {
            match server.read(Instant::ZERO, &mut input) {
                Ok(next) => assert!(matches!(next, Next::NeedInput), "{next:?}"),
                Err(error) => break error,
            }
            if input.is_empty() {
                server.read_closed(Instant::ZERO);
            }
        };
        while server.transmit(Instant::ZERO).is_some() {}
        assert_eq!(server.read(Instant::ZERO, &mut input), Err(error));
    }
}

/// Reads until it waits, keeping what it does not take.
fn rest(server: &mut Tls<Server>, bytes: &mut BytesMut) {
    thread_local!(static KEPT: RefCell<BytesMut> = RefCell::default());
    KEPT.with_borrow_mut(|kept| {
        kept.unsplit(bytes.split());
        let next = server.read(Instant::ZERO, kept);
        assert_eq!(next, Ok(Next::NeedInput));
    });
}

#[test]
fn plaintext_behind_the_go_ahead_is_fatal_however_it_was_cut() {
    let before = b"ECHO a\r\nSTARTTLS\r\n";
    for injected in [
        "ECHO inj\r\n",
        "\r\n",
        "NOOP\r\n",
        "MAIL FROM:<a@b>\r\n",
        "\x16",
        "\x17\x03\x03",
    ] {
        let all = [before, injected.as_bytes()].concat();
        // In one piece, and cut at every byte: what lies behind the go-ahead comes
        // with it, or in a segment of its own right behind it.
        for cut in 0..all.len() {
            let (_, server) = starttls();
            let stream = Stream::cut(&all, &[cut]).closing();
            let outcome = run(&mut server_peer(server), &stream);
            assert!(
                matches!(outcome.end, End::Error(_)),
                "cut at {cut}: {outcome:?}"
            );
            assert_eq!(outcome.notes, lines(&["Echoed(\"a\")"]), "cut at {cut}");
        }
    }
    // A real handshake sent without waiting for the go-ahead is no better.
    let (mut client, server) = implicit(&SCRIPT);
    let _ = client.read(Instant::ZERO, &mut BytesMut::new());
    let hello = client.transmit(Instant::ZERO).unwrap();
    let drop_server = |_: Tls<Server>| Tls::starttls(Server::new(), certs::server().accept());
    let all = [before, &hello[..]].concat();
    let outcome = run(&mut server_peer(drop_server(server)), &Stream::whole(&all));
    assert!(matches!(outcome.end, End::Error(_)), "{outcome:?}");
}

#[test]
fn the_client_takes_nothing_behind_the_go_ahead_either() {
    let before = b"220 toy\r\nin clear\r\n220 go\r\n";
    for injected in ["250 AUTH\r\n", "2", "\r\n", "\x15\x03\x03\x00\x02\x01\x00"] {
        let all = [before, injected.as_bytes()].concat();
        for cut in 0..all.len() {
            let (client, _) = starttls();
            let stream = Stream::cut(&all, &[cut]).closing();
            let outcome = run(&mut client_peer(client), &stream);
            assert!(
                matches!(outcome.end, End::Error(_)),
                "cut at {cut}: {outcome:?}"
            );
            assert!(outcome.notes.len() <= 3, "cut at {cut}: {outcome:?}");
            let said = String::from_utf8_lossy(&outcome.output).into_owned();
            assert!(!said.contains("over TLS"), "sent in clear: {said}");
        }
    }
}

#[test]
fn a_peer_that_answers_in_clear_is_told_so() {
    let (_, mut server) = implicit(&SCRIPT);
    let mut input = BytesMut::from(&b"EHLO there\r\n"[..]);
    let error = server.read(Instant::ZERO, &mut input).unwrap_err();
    assert_eq!(error.to_string(), "no TLS record at byte 0 (RFC 8446 5.1)");
    // A fatal alert, in clear as nothing is encrypted yet.
    let alert = server.transmit(Instant::ZERO).unwrap();
    assert_eq!(&alert[..], [21, 3, 3, 0, 2, 2, 50]);
    assert_eq!(server.transmit(Instant::ZERO), None);
}

#[test]
fn the_handshake_has_a_time_limit_and_a_size_limit() {
    let (mut client, mut server) = implicit(&SCRIPT);
    let mut input = BytesMut::new();
    assert_eq!(server.read(Instant::ZERO, &mut input), Ok(Next::NeedInput));
    assert_eq!(server.deadline(), Some((Instant::from_secs(60), HANDSHAKE)));
    server.expire(Instant::from_secs(59));
    assert_eq!(
        server.read(Instant::from_secs(59), &mut input),
        Ok(Next::NeedInput)
    );
    server.expire(Instant::from_secs(60));
    let error = server.read(Instant::from_secs(60), &mut input).unwrap_err();
    assert_eq!(error.to_string(), "timed out: the TLS handshake");
    assert_eq!(server.deadline(), Some((Instant::from_secs(70), LINGER)));
    server.expire(Instant::from_secs(70));
    assert_eq!(server.deadline(), None);
    // One message that never ends, in one-byte fragments.
    let _ = client.read(Instant::ZERO, &mut input);
    let (_, mut server) = implicit(&SCRIPT);
    let mut input = BytesMut::from(&[22, 3, 1, 0, 4, 1, 0, 0xff, 0xff][..]);
    for _ in 0..40_000 {
        input.extend_from_slice(&[22, 3, 1, 0, 1, 0]);
    }
    let error = server.read(Instant::ZERO, &mut input).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("more than 131072 bytes of an unfinished"),
        "{error}"
    );
}

#[test]
fn after_a_failed_handshake_nothing_leaves_in_the_clear() {
    let (_, mut server) = implicit(&SCRIPT);
    let mut input = BytesMut::from(&b"\x16\x03\x01\x00\x02\x00\x00"[..]);
    let first = server.read(Instant::ZERO, &mut input);
    assert!(first.is_err() || input.is_empty());
    server.expire(Instant::from_secs(60));
    assert!(server.read(Instant::from_secs(60), &mut input).is_err());
    while let Some(chunk) = server.transmit(Instant::from_secs(60)) {
        assert_eq!(chunk[0], 21, "{chunk:?}");
    }
}

#[test]
fn the_order_of_the_end_is_reply_close_notify_fin() {
    let (mut client, mut server) = implicit(&["QUIT\r\n"]);
    let (mut a, mut b) = (BytesMut::new(), BytesMut::new());
    let now = Instant::ZERO;
    talk(now, &mut client, &mut server, &mut a, &mut b);
    assert_eq!(server.read(now, &mut a), Ok(Next::Closed));
    assert_eq!(client.read(now, &mut b), Ok(Next::Closed));
    // Both wrote a close_notify that nobody read: 24 bytes each, once.
    assert_eq!((a.len(), b.len()), (24, 24));
    assert_eq!((client.transmit(now), server.transmit(now)), (None, None));
    // A deaf peer holds nobody for longer than the linger time.
    let (at, _) = client.deadline().unwrap();
    client.expire(at);
    assert_eq!(client.deadline(), None);
}

#[test]
fn close_notify_is_the_end_of_input_and_fin_alone_is_not() {
    let now = Instant::ZERO;
    for (polite, expected) in [(true, Ok(Next::Closed)), (false, Err(()))] {
        let (mut client, mut server) = implicit(&["ECHO a\r\n"]);
        let (mut a, mut b) = (BytesMut::new(), BytesMut::new());
        talk(now, &mut client, &mut server, &mut a, &mut b);
        if polite {
            // The client's machine sees its end of input, fails, and says close_notify.
            client.read_closed(now);
            assert!(client.read(now, &mut b).is_err());
            a.extend_from_slice(&client.transmit(now).unwrap());
        } else {
            server.read_closed(now);
        }
        let next = server.read(now, &mut a);
        let shown = format!("{next:?}");
        assert_eq!(next.map_err(|_| ()), expected, "{shown}");
    }
}

#[test]
fn tl02_what_is_not_wanted_yet_stays_ciphertext() {
    // The server owes an answer, so nothing is decrypted.
    let now = Instant::ZERO;
    let (mut client, mut server) = implicit(&["ASK\r\n"]);
    let (mut a, mut b) = (BytesMut::new(), BytesMut::new());
    talk(now, &mut client, &mut server, &mut a, &mut b);
    assert_eq!(server.read(now, &mut a), Ok(Next::Paused(Pause::Answer)));
    let mut more = BytesMut::from(&[23, 3, 3, 0x40, 0][..]);
    more.resize(50_000, 0);
    let before = more.len();
    assert_eq!(server.read(now, &mut more), Ok(Next::Paused(Pause::Answer)));
    assert_eq!(more.len(), before);
}

#[test]
fn a_layer_without_tls_passes_all_through() {
    let script = ["ECHO in clear\r\n", "STARTTLS\r\n", "QUIT\r\n"];
    let sim = pair(
        client_peer(Tls::plain(Client::new(&script))),
        server_peer(Tls::plain(Server::new())),
    );
    assert_eq!(sim.client.notes.len(), 5, "{}", shown(&sim));
    assert!(sim.finished);
    let (_, mut server) = implicit(&SCRIPT);
    server.upgraded(Instant::ZERO, scop_core::Channel::new());
    assert!(server.read(Instant::ZERO, &mut BytesMut::new()).is_err());
}

//! Client and server machine against each other over simulated links.

mod client_common;

use std::{cell::RefCell, rc::Rc, sync::Arc};

use bytes::Bytes;
use client_common::{Log, Script, Step, config};
use scop_core::testkit::{Cut, Direction, End, Link, Note, Peer, Sim, netsim, pair};
use scop_sasl::{Credentials, Mechanism};
use scop_smtp_proto::{
    Body, ClientName, Mail, Mailbox, Server, ServerConfig, ServerEvent, TlsPolicy,
};

/// What a server stored: who it was for, and the bytes.
type Store = Rc<RefCell<Vec<(Vec<String>, Vec<u8>)>>>;

fn server_config() -> ServerConfig {
    ServerConfig::new(ClientName::new("mx.example").unwrap())
        .mechanisms(&[Mechanism::Plain, Mechanism::Login])
}

/// A server that stores what it takes before it says so; `nobody@` is refused.
fn server(config: ServerConfig, store: &Store) -> Peer<'static, Server> {
    let store = store.clone();
    let (mut to, mut body) = (Vec::new(), Vec::new());
    Peer::new(Server::new(Arc::new(config)), move |server, _, event| {
        match event {
            ServerEvent::Mail(_) => {
                to.clear();
                server.accept().unwrap();
            }
            ServerEvent::Rcpt(rcpt) if rcpt.to.as_str().starts_with("nobody@") => {
                server.reject(550, "5.1.1 No such user").unwrap();
            }
            ServerEvent::Rcpt(rcpt) => {
                to.push(rcpt.to.as_str().to_owned());
                server.accept().unwrap();
            }
            ServerEvent::Auth(credentials) => {
                assert_eq!(credentials.password().expose(), b"secret");
                server.accept().unwrap();
            }
            ServerEvent::Data => {
                body.clear();
                server.accept().unwrap();
            }
            ServerEvent::Chunk(chunk) => body.extend_from_slice(&chunk),
            ServerEvent::MessageEnd(size) => {
                assert_eq!(size, body.len() as u64);
                store.borrow_mut().push((to.clone(), body.clone()));
                server.accept().unwrap();
            }
            ServerEvent::Abort(_) | ServerEvent::Reset => {
                to.clear();
                body.clear();
            }
            _ => {}
        }
        Note::Silent
    })
}

/// Bodies that are hard to carry, each different, with the bytes that must arrive.
fn bodies() -> Vec<(Bytes, Vec<u8>)> {
    let long = b".0123456789 and so on, and so on\r\n".repeat(600);
    let mut eight_bit: Vec<u8> = (0..=255u8).filter(|b| !b"\0\r\n".contains(b)).collect();
    eight_bit.extend_from_slice(b"\r\n");
    [
        b"".to_vec(),
        b"Subject: one\r\n\r\n.\r\n..\r\n...\r\n".to_vec(),
        b"\r\n\r\n.\r\nMAIL FROM:<evil@x>\r\nRCPT TO:<evil@x>\r\nDATA\r\n.".to_vec(),
        long,
        eight_bit,
        b"no line end".to_vec(),
    ]
    .into_iter()
    .map(|body| {
        let mut arrives = body.clone();
        if !body.is_empty() && !body.ends_with(b"\r\n") {
            arrives.extend_from_slice(b"\r\n");
        }
        (Bytes::from(body), arrives)
    })
    .collect()
}

fn script(policy: TlsPolicy) -> Script {
    let mut script = Script::configured(config(policy).auth_in_clear(policy == TlsPolicy::Never))
        .then(Step::Auth(Credentials::new("tim", "secret").unwrap()));
    for (i, (body, _)) in bodies().into_iter().enumerate() {
        let from: Mailbox<'static> = format!("a{i}@x").parse().unwrap();
        let mut mail = Mail::new(from);
        mail.size = Some(body.len() as u64);
        mail.body = (!body.is_ascii()).then_some(Body::EightBitMime);
        let to: &[&str] = if i % 2 == 0 {
            &["b@y", "nobody@y", "c@y"]
        } else {
            &["b@y", "c@y"]
        };
        script = script.transaction(mail, to, body, true);
    }
    script.then(Step::Quit)
}

fn play(policy: TlsPolicy, pipelining: bool, link: &Link) -> (Sim, Store, Log) {
    let store = Store::default();
    let script = script(policy);
    let log = script.log.clone();
    let server_config = match policy {
        TlsPolicy::Never => server_config().auth_in_clear(true),
        _ => server_config().starttls(true).require_tls(true),
    };
    let server = server(server_config, &store);
    let sim = if pipelining {
        netsim(script.peer(), server, link)
    } else {
        netsim(script.one_by_one().peer(), server, link)
    };
    let log = log.borrow().clone();
    (sim, store, log)
}

/// No message is stored twice, changed or cut short; what the client saw accepted is
/// stored; what is stored it saw accepted, or is in doubt about.
fn nothing_lost_or_doubled(sim: &Sim, store: &Store, log: &Log) {
    let store = store.borrow();
    let arrives = bodies();
    let sent = |stored: &[u8]| {
        arrives
            .iter()
            .find(|(_, a)| a == stored)
            .map(|(b, _)| b.clone())
    };
    let stored: Vec<Bytes> = (store.iter())
        .map(|(to, body)| {
            assert_eq!(to[..], ["b@y", "c@y"]);
            sent(body).unwrap_or_else(|| panic!("half a message\n{}", sim.transcript()))
        })
        .collect();
    let finished: Vec<&Bytes> = log.finished.iter().map(|(_, b)| b).collect();
    assert!(stored.len() <= finished.len() && stored.len() >= log.accepted.len());
    assert!(
        stored.iter().zip(&finished).all(|(a, b)| a == *b),
        "{}",
        sim.transcript()
    );
    assert!(stored.starts_with(&log.accepted), "{}", sim.transcript());
}

#[test]
fn all_arrives_over_any_link() {
    for (policy, pipelining) in [
        (TlsPolicy::Never, true),
        (TlsPolicy::Never, false),
        (TlsPolicy::Required, true),
    ] {
        let links = (0..12).map(Link::seeded).chain([Link::ideal()]);
        for mut link in links {
            // Slower than 20 KiB in three minutes is what the timers are for.
            link.window = link.window.max(256);
            let (sim, store, log) = play(policy, pipelining, &link);
            assert!(sim.finished, "{link:?}\n{}", sim.transcript());
            assert_eq!(
                (&sim.client.end, &sim.server.end),
                (&End::Closed, &End::Closed)
            );
            assert_eq!(log.accepted.len(), bodies().len(), "{}", sim.transcript());
            nothing_lost_or_doubled(&sim, &store, &log);
            if policy == TlsPolicy::Required {
                let text = sim.transcript();
                let (clear, secret) = text.split_once("switch to TLS").unwrap();
                assert!(
                    !clear.contains("AUTH P") && !clear.contains("MAIL"),
                    "{text}"
                );
                assert!(
                    secret.contains("EHLO") && secret.contains("AUTH PLAIN"),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn pipelining_saves_round_trips() {
    let mut link = Link::ideal();
    link.latency = std::time::Duration::from_millis(100);
    let (slow, ..) = play(TlsPolicy::Never, false, &link);
    let (fast, ..) = play(TlsPolicy::Never, true, &link);
    assert!(
        fast.elapsed * 2 < slow.elapsed,
        "{:?} {:?}",
        fast.elapsed,
        slow.elapsed
    );
}

#[test]
fn a_message_is_never_doubled_or_half_accepted_wherever_the_link_breaks() {
    let (whole, ..) = play(TlsPolicy::Never, true, &Link::ideal());
    let (up, down) = (
        whole.client.output.len() as u64,
        whole.server.output.len() as u64,
    );
    let (mut in_doubt, mut acknowledged) = (0, 0);
    for seed in 0..120u64 {
        let (direction, total) = match seed % 2 {
            0 => (Direction::ToServer, up),
            _ => (Direction::ToClient, down),
        };
        // Spread over all of the conversation, with odd steps.
        let after = seed * 7919 % total;
        let half = seed % 3 == 0;
        let cut = Cut {
            direction,
            after,
            half,
        };
        let policy = if seed % 5 == 0 {
            TlsPolicy::Required
        } else {
            TlsPolicy::Never
        };
        let mut link = Link::seeded(seed).with_cut(cut);
        link.window = link.window.max(512);
        let (sim, store, log) = play(policy, seed % 4 != 0, &link);
        nothing_lost_or_doubled(&sim, &store, &log);
        in_doubt += usize::from(store.borrow().len() > log.accepted.len());
        acknowledged += log.accepted.len();
        assert_ne!(sim.client.end, End::Waiting, "{}", sim.transcript());
    }
    // Else it was not tried.
    assert!(
        in_doubt > 3 && acknowledged > 50,
        "{in_doubt} {acknowledged}"
    );
}

#[test]
fn a_slow_server_is_waited_for_and_a_dead_one_is_not() {
    let mut link = Link::ideal();
    link.window = 4096;
    link.cut = Some(Cut {
        direction: Direction::ToClient,
        after: 400,
        half: true,
    });
    let (sim, store, log) = play(TlsPolicy::Never, true, &link);
    nothing_lost_or_doubled(&sim, &store, &log);
    let store = Store::default();
    let sim = pair(
        script(TlsPolicy::Required).peer(),
        server(server_config(), &store),
    );
    let End::Error(error) = &sim.client.end else {
        panic!("{}", sim.transcript())
    };
    assert!(error.contains("does not offer STARTTLS"), "{error}");
    assert_eq!(sim.server.end, End::Closed, "QUIT was said");
}

#[test]
fn one_byte_at_a_time_is_enough() {
    for policy in [TlsPolicy::Never, TlsPolicy::Opportunistic] {
        let store = Store::default();
        let script = Script::new(policy)
            .message("a@x", &["b@y", "nobody@y", "c@y"], "..\r\n.\r\nlast")
            .then(Step::Quit);
        let server = server(server_config().starttls(true), &store);
        let sim = netsim(script.peer(), server, &Link::ideal().one_byte());
        assert!(
            sim.finished && sim.client.end == End::Closed,
            "{}",
            sim.transcript()
        );
        assert_eq!(
            store.borrow()[..],
            [(
                vec!["b@y".into(), "c@y".into()],
                b"..\r\n.\r\nlast\r\n".to_vec()
            )]
        );
    }
}

//! The laws again, on the four machines that are used: SMTP and IMAP, client and server,
//! each inside a `Tls`.
//!
//! As in `laws.rs` the input is ciphertext, recorded once with a TLS without chance, and
//! what is compared is what the machine inside sent.

mod common;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use common::{
    certs, fixed,
    tap::{Log, Seen, Tap},
};
use scop_core::{
    Machine,
    testkit::{
        End, Link, Note, Outcome, Peer, Sim, Stream, backpressure, deterministic, netsim, pair,
        progress, run, splits, sticky, truncation,
    },
};
use scop_imap_proto::{
    client as imap,
    command::{Append, Command, FetchAttribute},
    response::{Condition, Data, Fetch, FetchItem, RespText, Value},
    server as imapd,
    types::{Mailbox as Folder, Section, SequenceSet},
};
use scop_sasl::{Credentials, Mechanism};
use scop_smtp_proto as smtp;
use scop_tls_adapters::{Handshake, Limits, Tls};

const MESSAGE: &[u8] = b"Subject: x\r\n\r\n.\r\n..dot\r\nlast\r\n";

/// Something that gives the machine inside.
type Inside<W, M> = fn(&mut W) -> &mut M;

fn tim() -> Credentials {
    Credentials::new("tim", "secret").unwrap()
}

// The callers.

fn smtp_server<W: Machine<Event = smtp::ServerEvent> + 'static>(
    machine: W,
    inside: Inside<W, smtp::Server>,
) -> Peer<'static, W> {
    use smtp::ServerEvent as E;
    Peer::new(machine, move |machine, _, event| {
        if let E::Auth(_) | E::Mail(_) | E::Rcpt(_) | E::Data | E::MessageEnd(_) = event {
            inside(machine).accept().unwrap();
        }
        match event {
            E::Chunk(bytes) => Note::data(&bytes),
            event => Note::event(&event),
        }
    })
}

fn smtp_client<W: Machine<Event = smtp::ClientEvent> + 'static>(
    machine: W,
    inside: Inside<W, smtp::Client>,
) -> Peer<'static, W> {
    let mailbox = |address: &str| address.parse::<smtp::Mailbox<'static>>().unwrap();
    let envelope = smtp::Envelope::new(mailbox("tim@example.org")).to(mailbox("ann@mail.test"));
    let mut submission = smtp::Submission::new(envelope, MESSAGE).login(tim());
    Peer::new(machine, move |machine, _, event| {
        let note = match &event {
            smtp::ClientEvent::Room => Note::Silent,
            event => Note::event(event),
        };
        submission.on_event(inside(machine), event);
        note
    })
}

fn imap_server<W: Machine<Event = imapd::ServerEvent> + 'static>(
    machine: W,
    inside: Inside<W, imapd::Server>,
) -> Peer<'static, W> {
    use imapd::ServerEvent as E;
    let one = NonZeroU32::MIN;
    let done = || RespText::new("done");
    Peer::new(machine, move |machine, _, event| {
        let server = inside(machine);
        let note = match &event {
            E::Chunk(bytes) => Note::data(bytes),
            E::Room => Note::Silent,
            event => Note::event(event),
        };
        match event {
            E::Login { tag, .. } | E::AppendEnd { tag, .. } => {
                server.done(&tag, Condition::Ok, done()).unwrap();
            }
            E::Append { tag, .. } => server.accept_append(&tag).unwrap(),
            E::Command { tag, command } => match command {
                Command::Select(_) => {
                    let selected = imapd::Selected {
                        flags: vec![],
                        permanent_flags: vec![],
                        exists: 1,
                        recent: 0,
                        unseen: None,
                        uid_validity: one,
                        uid_next: one,
                        read_only: false,
                    };
                    server.select_done(&tag, &selected).unwrap();
                }
                Command::Fetch(_) => {
                    let section = FetchItem::Section {
                        section: Section::whole(),
                        origin: None,
                        value: Value::Streamed(MESSAGE.len() as u64),
                    };
                    let data = Data::Fetch(Fetch {
                        number: one,
                        items: vec![section],
                    });
                    server.data(&data).unwrap();
                    server.body(&mut Bytes::from_static(MESSAGE)).unwrap();
                    server.done(&tag, Condition::Ok, done()).unwrap();
                }
                _ => server.done(&tag, Condition::Ok, done()).unwrap(),
            },
            _ => {}
        }
        note
    })
}

fn imap_client<W: Machine<Event = imap::Event> + 'static>(
    machine: W,
    inside: Inside<W, imap::Client>,
) -> Peer<'static, W> {
    use imap::Event as E;
    let mut step = 0;
    let mut rest = Bytes::from_static(MESSAGE);
    Peer::new(machine, move |machine, _, event| {
        let client = inside(machine);
        let note = match &event {
            E::Chunk { data, .. } => Note::data(data),
            E::Room => Note::Silent,
            event => Note::event(event),
        };
        match event {
            E::Body(_) | E::Room => client.body(&mut rest).unwrap(),
            E::Ready | E::Done { .. } => {
                step += 1;
                match step {
                    1 => {
                        client.authenticate(tim()).unwrap();
                    }
                    2 => {
                        client.select(Folder::INBOX).unwrap();
                    }
                    3 => {
                        client
                            .append(Append {
                                mailbox: Folder::INBOX,
                                flags: vec![],
                                date: None,
                                size: MESSAGE.len() as u64,
                            })
                            .unwrap();
                    }
                    4 => {
                        let all: SequenceSet = "1:*".parse().unwrap();
                        client.fetch(all, vec![FetchAttribute::Rfc822]).unwrap();
                    }
                    5 => {
                        client.logout().unwrap();
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        note
    })
}

// The machines.

fn smtpd() -> smtp::Server {
    let config = smtp::ServerConfig::new(smtp::ClientName::new("mail.test").unwrap())
        .submission(true)
        .starttls(true)
        .require_tls(true)
        .mechanisms(&[Mechanism::Plain]);
    smtp::Server::new(Arc::new(config))
}

fn smtpc() -> smtp::Client {
    smtp::Client::new(smtp::ClientConfig::new(
        smtp::ClientName::new("client.test").unwrap(),
    ))
}

fn imapd() -> imapd::Server {
    let mut config = imapd::ServerConfig::new();
    config.starttls = true;
    imapd::Server::new(config)
}

fn imapc() -> imap::Client {
    imap::Client::new(imap::Config::new())
}

fn connect() -> Handshake {
    fixed::client().connect_to("mail.test").unwrap()
}

fn accept() -> Handshake {
    fixed::server().accept()
}

/// `machine` in implicit TLS, showing what it says.
fn seen<M: Machine>(machine: M, handshake: Handshake) -> Seen<M> {
    let said = Log::default();
    Seen(
        Tls::implicit(Tap::new(machine, '-', &said), handshake),
        said,
    )
}

fn talk_smtp() -> Sim {
    pair(
        smtp_client(Tls::implicit(smtpc(), connect()), |tls| tls),
        smtp_server(Tls::implicit(smtpd(), accept()), |tls| tls),
    )
}

fn talk_imap() -> Sim {
    pair(
        imap_client(Tls::implicit(imapc(), connect()), |tls| tls),
        imap_server(Tls::implicit(imapd(), accept()), |tls| tls),
    )
}

fn closed(sim: &Sim) {
    let ends = (&sim.client.end, &sim.server.end);
    assert_eq!(ends, (&End::Closed, &End::Closed), "{sim:?}");
}

/// Whether the message went over whole, and once: as data, or within an event.
fn arrived(notes: &[Note]) -> bool {
    let inline = format!("Inline(b\"{}\")", MESSAGE.escape_ascii());
    let is = |note: &&Note| match note {
        Note::Event(text) => text.contains(&inline),
        note => **note == Note::data(MESSAGE),
    };
    notes.iter().filter(is).count() == 1
}

/// Laws 1, 2, 4, 5, 6 and 7; `complete` begins the notes that say that something was
/// taken whole.
fn laws<'a, M: Machine>(
    make: impl Fn() -> Peer<'a, M>,
    ciphertext: &[u8],
    complete: &str,
) -> Outcome {
    let outcome = splits(&make, ciphertext);
    assert_eq!(outcome.end, End::Closed, "{outcome:?}");
    progress(&make, ciphertext);
    backpressure(&make, ciphertext, 64 * 1024);
    deterministic(&make, ciphertext);
    truncation(
        &make,
        ciphertext,
        |note| matches!(note, Note::Event(text) if text.starts_with(complete)),
    );
    // A bit of the last record that counts: everything before it stands, nothing of it.
    let mut bad = ciphertext.to_vec();
    let at = bad.len() - 30;
    bad[at] ^= 1;
    sticky(&make, &bad);
    outcome
}

#[test]
fn laws_of_the_smtp_server() {
    let sim = talk_smtp();
    closed(&sim);
    let make = || smtp_server(seen(smtpd(), accept()), |seen| &mut seen.0);
    let outcome = laws(make, &sim.client.output, "MessageEnd");
    assert!(arrived(&outcome.notes), "{outcome:?}");
    assert!(outcome.output.starts_with(b"220 mail.test "), "{outcome:?}");
}

#[test]
fn laws_of_the_smtp_client() {
    let make = || smtp_client(seen(smtpc(), connect()), |seen| &mut seen.0);
    let outcome = laws(make, &talk_smtp().server.output, "Reply");
    assert!(
        outcome.output.ends_with(b"\r\n.\r\nQUIT\r\n"),
        "{outcome:?}"
    );
}

#[test]
fn laws_of_the_imap_server() {
    let sim = talk_imap();
    closed(&sim);
    let make = || imap_server(seen(imapd(), accept()), |seen| &mut seen.0);
    let outcome = laws(make, &sim.client.output, "AppendEnd");
    assert!(arrived(&outcome.notes), "{outcome:?}");
}

#[test]
fn laws_of_the_imap_client() {
    let make = || imap_client(seen(imapc(), connect()), |seen| &mut seen.0);
    let outcome = laws(make, &talk_imap().server.output, "Done");
    assert!(outcome.output.ends_with(b" LOGOUT\r\n"), "{outcome:?}");
    assert!(arrived(&outcome.notes), "{outcome:?}");
}

// STARTTLS.

/// The simulated links may be slow.
const PATIENT: Limits = Limits {
    handshake: Duration::from_secs(100_000),
    linger: Duration::from_secs(100_000),
    handshake_message: 128 * 1024,
};

fn patient() -> (Handshake, Handshake) {
    let client = certs::client().limits(PATIENT).connect_to("mail.test");
    (client.unwrap(), certs::server().limits(PATIENT).accept())
}

#[test]
fn starttls_over_any_link() {
    for seed in 0..16 {
        // A link that the machines' own timers bear.
        let mut link = Link::seeded(seed);
        link.latency = link.latency.min(Duration::from_millis(200));
        let (connect, accept) = patient();
        let sim = netsim(
            smtp_client(Tls::starttls(smtpc(), connect), |tls| tls),
            smtp_server(Tls::starttls(smtpd(), accept), |tls| tls),
            &link,
        );
        closed(&sim);
        assert!(arrived(&sim.server.notes), "seed {seed}: {sim:?}");
        let (connect, accept) = patient();
        let sim = netsim(
            imap_client(Tls::starttls(imapc(), connect), |tls| tls),
            imap_server(Tls::starttls(imapd(), accept), |tls| tls),
            &link,
        );
        closed(&sim);
        assert!(arrived(&sim.server.notes), "seed {seed}: {sim:?}");
        assert!(arrived(&sim.client.notes), "seed {seed}: {sim:?}");
    }
}

/// Law 8: what comes in clear behind `before` is fatal however it is cut, and neither
/// told to the caller nor answered, in clear or in TLS.
fn no_injection<'a, M: Machine>(make: impl Fn() -> Peer<'a, M>, before: &str, injected: &str) {
    let clean = run(&mut make(), &Stream::whole(before.as_bytes()));
    let all = format!("{before}{injected}");
    for cut in 1..all.len() {
        let found = run(&mut make(), &Stream::cut(all.as_bytes(), &[cut]));
        assert!(matches!(found.end, End::Error(_)), "{cut}: {found:?}");
        assert!(found.notes.len() <= clean.notes.len(), "{cut}: {found:?}");
        let shown = String::from_utf8_lossy(&found.output);
        assert!(!shown.contains("inj"), "{cut}: {shown}");
    }
}

#[test]
fn ss15_is06_sc09_ic03_nothing_is_injected_before_the_handshake() {
    no_injection(
        || smtp_server(Tls::starttls(smtpd(), accept()), |tls| tls),
        "EHLO x\r\nSTARTTLS\r\n",
        "EHLO inj\r\n",
    );
    no_injection(
        || smtp_client(Tls::starttls(smtpc(), connect()), |tls| tls),
        "220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n",
        "250 AUTH LOGIN\r\n",
    );
    no_injection(
        || imap_server(Tls::starttls(imapd(), accept()), |tls| tls),
        "a STARTTLS\r\n",
        "inj NOOP\r\n",
    );
    no_injection(
        || imap_client(Tls::starttls(imapc(), connect()), |tls| tls),
        "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\nA1 OK go\r\n",
        "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA2 OK\r\n",
    );
}

/// Garbage in place of the handshake is no conversation.
#[test]
fn a_peer_that_speaks_in_clear_to_implicit_tls_is_refused() {
    for input in [&b"EHLO x\r\n"[..], b"a NOOP\r\n", b"GET / HTTP/1.1\r\n\r\n"] {
        let smtp = || smtp_server(Tls::implicit(smtpd(), accept()), |tls| tls);
        let imap = || imap_server(Tls::implicit(imapd(), accept()), |tls| tls);
        for goodbye in [sticky(smtp, input), sticky(imap, input)] {
            let [0x15, 3, 3, 0, 2, 2, _] = goodbye[..] else {
                panic!("more than an alert: {}", goodbye.escape_ascii());
            };
        }
    }
}

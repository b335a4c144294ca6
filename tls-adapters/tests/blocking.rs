//! The blocking driver: sockets, answers, two ends that both write, deaf peers.

mod common;

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use common::{certs, *};
use scop_core::{Machine, testkit::Note};
use scop_tls_adapters::{
    DriverError, Limits, Tls,
    blocking::{Driver, Transport},
};

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

type Run = (Vec<Note>, Result<(), String>);

fn drive<M: Machine, T: Transport>(
    driver: &mut Driver<M, T>,
    mut on_event: impl FnMut(&mut M, M::Event) -> Note,
) -> Run {
    let mut notes = Vec::new();
    loop {
        match driver.next() {
            Ok(Some(event)) => match (on_event(driver.machine_mut(), event), notes.last_mut()) {
                (Note::Data(more), Some(Note::Data(data))) => data.extend(more),
                (note, _) => notes.push(note),
            },
            Ok(None) => return (notes, Ok(())),
            Err(error) => return (notes, Err(error.to_string())),
        }
    }
}

fn converse(client: Tls<Client>, server: Tls<Server>) -> (Run, Run) {
    let (c, s) = sockets();
    let server = thread::spawn(move || drive(&mut Driver::new(s, server), |m, e| react(m, e)));
    let client = drive(&mut Driver::new(c, client), |_, line| Note::Event(line));
    (client, server.join().unwrap())
}

fn implicit(script: &[&str]) -> (Tls<Client>, Tls<Server>) {
    let handshake = certs::client().connect_to("mail.test").unwrap();
    (
        Tls::implicit(Client::new(script), handshake),
        Tls::implicit(Server::new(), certs::server().accept()),
    )
}

#[test]
fn starttls_and_implicit_tls_over_sockets() {
    let handshake = certs::client().connect_to("mail.test").unwrap();
    let client = Tls::starttls(Client::new(&UPGRADING), handshake);
    let server = Tls::starttls(Server::new(), certs::server().accept());
    let (client, server) = converse(client, server);
    assert_eq!(client, (lines(&UPGRADED), Ok(())));
    assert_eq!(server.1, Ok(()));

    let (client, server) = implicit(&SCRIPT);
    let (client, server) = converse(client, server);
    assert_eq!(client, (lines(&REPLIES), Ok(())));
    assert_eq!(server.1, Ok(()));
}

#[test]
fn two_ends_that_both_write_do_not_wait_for_each_other() {
    // More each way than all buffers between them hold.
    const N: usize = 12_000_000;
    let both = format!("GIVE {N}\r\nTAKE {N}\r\n{}", "t".repeat(N));
    let script = [both.as_str(), "", "QUIT\r\n"];
    for tls in [false, true] {
        let (client, server) = if tls {
            implicit(&script)
        } else {
            let client = Client::new(&script);
            (Tls::plain(client), Tls::plain(Server::new()))
        };
        let (client, server) = converse(client, server);
        let given = ["220 toy", "250 given", &format!("250 {N}"), "221 bye"];
        assert_eq!(client, (lines(&given), Ok(())));
        assert_eq!(server.1, Ok(()));
    }
}

#[test]
fn the_caller_owes_an_answer() {
    let (c, s) = sockets();
    let client = thread::spawn(move || {
        let client = Tls::plain(Client::new(&["ASK\r\n", "QUIT\r\n"]));
        drive(&mut Driver::new(c, client), |_, line| Note::Event(line))
    });
    let mut driver = Driver::new(s, Tls::plain(Server::new()));
    assert!(matches!(driver.next(), Ok(Some(Event::Asked))));
    for _ in 0..3 {
        assert!(matches!(driver.next(), Err(DriverError::Unanswered)));
    }
    driver.machine_mut().answer("at last").unwrap();
    assert!(matches!(driver.next(), Ok(None)));
    assert!(matches!(driver.next(), Ok(None)), "the end stays");
    let (notes, end) = client.join().unwrap();
    assert_eq!(notes, lines(&["220 toy", "at last", "221 bye"]));
    assert_eq!(end, Ok(()));
}

#[test]
fn a_silent_peer_runs_into_the_timer() {
    let limits = Limits {
        handshake: Duration::from_millis(50),
        linger: Duration::from_millis(50),
        ..Limits::default()
    };
    let (_c, s) = sockets();
    let server = Tls::implicit(Server::new(), certs::server().limits(limits).accept());
    let (_, end) = drive(&mut Driver::new(s, server), |m, e| react(m, e));
    assert_eq!(end, Err("timed out: the TLS handshake".into()));
}

/// What it was given to read, and then nothing; takes no byte ever.
struct Deaf(VecDeque<u8>);

impl Read for Deaf {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            n => Ok(n),
        }
    }
}

impl Write for Deaf {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        thread::sleep(Duration::from_millis(1));
        Err(io::ErrorKind::TimedOut.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Deaf {
    fn read_within(&mut self, time: Duration) -> io::Result<()> {
        assert!(time > Duration::ZERO);
        Ok(())
    }
    fn write_within(&mut self, time: Duration) -> io::Result<()> {
        assert!(time > Duration::ZERO);
        Ok(())
    }
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_deaf_peer_holds_nobody() {
    for (said, fine) in [("QUIT\r\n", true), ("BOOM\r\n", false)] {
        let mut server = Server::new();
        server.patience = Duration::from_millis(50);
        let deaf = Deaf(said.bytes().collect());
        let (_, end) = drive(&mut Driver::new(deaf, Tls::plain(server)), |m, e| {
            react(m, e)
        });
        assert_eq!(end.is_ok(), fine, "{end:?}");
    }
}

#[test]
fn tl03_a_connection_cut_in_the_middle_is_no_end() {
    let (mut c, s) = sockets();
    c.write_all(b"TAKE 10\r\nhello").unwrap();
    drop(c);
    let mut driver = Driver::new(s, Tls::plain(Server::new()));
    let (notes, end) = drive(&mut driver, |m, e| react(m, e));
    assert!(!notes.contains(&Note::Event("Taken".into())));
    assert!(end.is_err());
}

#[test]
fn a_refused_peer_still_reads_the_goodbye() {
    // It has written more than anybody read when the server gives up on it; closing at
    // once would reset the connection and take the goodbye along.
    let (mut c, s) = sockets();
    let server = thread::spawn(move || {
        let mut driver = Driver::new(s, Tls::plain(Server::new()));
        drive(&mut driver, |m, e| react(m, e))
    });
    c.write_all(b"BOOM\r\n").unwrap();
    let _ = c.write_all(&b"ECHO on and on\r\n".repeat(20_000));
    let mut said = String::new();
    c.read_to_string(&mut said).unwrap();
    assert!(
        said.ends_with("421 a command that is forbidden at byte 0 (toy 1)\r\n"),
        "{said}"
    );
    drop(c);
    assert!(server.join().unwrap().1.is_err());
}

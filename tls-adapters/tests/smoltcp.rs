//! The smoltcp driver over smoltcp's own loopback: no socket of the operating system,
//! no clock but the one made here.

mod common;

use common::{
    certs,
    net::{Net, Run},
    *,
};
use scop_core::testkit::Note;
use scop_tls_adapters::{
    Tls,
    smoltcp::{Driver, PollError, Turn},
};
use smoltcp::time::Duration;

fn starttls() -> (Tls<Client>, Tls<Server>) {
    let handshake = certs::client().connect_to("mail.test").unwrap();
    (
        Tls::starttls(Client::new(&UPGRADING), handshake),
        Tls::starttls(Server::new(), certs::server().accept()),
    )
}

fn run(net: &mut Net, (client, server): (Tls<Client>, Tls<Server>)) -> (Run, Run) {
    net.talk(
        client,
        server,
        |_, line| Note::Event(line),
        |m, e| react(m, e),
        |_| {},
    )
}

#[test]
fn rf04_one_byte_segments_and_windows_give_the_same_transcript() {
    let (ideal, served) = run(&mut Net::new(64 * 1024), starttls());
    assert_eq!(ideal, (lines(&UPGRADED), Ok(())));
    assert_eq!(served.1, Ok(()));
    // A buffer of one byte is a window of one byte, closed behind each of them.
    for buffer in [1, 2, 5, 100, 1460] {
        let (client, server) = run(&mut Net::new(buffer), starttls());
        assert_eq!(client, ideal, "{buffer}");
        assert_eq!(server, served, "{buffer}");
    }
}

#[test]
fn rf04_a_reset_at_any_turn_is_an_error_and_completes_nothing() {
    let taken = Note::Event("Taken".into());
    let script = ["TAKE 1000\r\n", "QUIT\r\n"];
    for reset in 3..40 {
        let mut net = Net::new(64);
        let mut turns = 0;
        let ((client, c), (server, s)) = net.talk(
            Tls::plain(Client::new(&[script[0], ""])),
            Tls::plain(Server::new()),
            |_, line| Note::Event(line),
            |m, e| react(m, e),
            |net| {
                let server = net.server;
                turns += usize::from(net.socket(server).is_active());
                if turns == reset {
                    let client = net.client;
                    net.socket(client).abort();
                }
            },
        );
        assert!(
            c.is_err() && s.is_err(),
            "{reset}: {client:?} {c:?} {server:?} {s:?}"
        );
        assert!(!server.contains(&taken));
    }
}

#[test]
fn it_waits_for_the_answer_and_for_tls() {
    let mut net = Net::new(4096);
    let mut client = Driver::new(Tls::plain(Client::new(&["ASK\r\n", "STARTTLS\r\n"])));
    let mut server = Driver::new(Server::new());
    let mut seen = Vec::new();
    for _ in 0..100 {
        net.now += Duration::from_millis(1);
        net.interface
            .poll(net.now, &mut net.device, &mut net.sockets);
        let (now, c, s) = (net.now, net.client, net.server);
        while let Ok(Turn::Event(line)) = client.poll(now, net.socket(c)) {
            seen.push(line);
        }
        match server.poll(now, net.socket(s)) {
            Ok(Turn::Event(Event::Asked)) => {
                assert_eq!(server.poll(now, net.socket(s)), Ok(Turn::Unanswered));
                assert_eq!(server.poll(now, net.socket(s)), Ok(Turn::Unanswered));
                server.machine_mut().answer("at last").unwrap();
            }
            Err(error) => {
                assert_eq!(error, PollError::NeedsTls);
                break;
            }
            Ok(_) => {}
        }
    }
    for _ in 0..5 {
        net.interface
            .poll(net.now, &mut net.device, &mut net.sockets);
    }
    let (now, c) = (net.now, net.client);
    while let Ok(Turn::Event(line)) = client.poll(now, net.socket(c)) {
        seen.push(line);
    }
    assert_eq!(seen, ["220 toy", "at last", "220 go"]);
}

#[test]
fn its_deadline_is_the_machines() {
    let mut net = Net::new(4096);
    let mut server = Driver::new(Tls::plain(Server::new()));
    assert_eq!(server.deadline(), None);
    let s = net.server;
    for _ in 0..4 {
        let now = net.now;
        net.interface.poll(now, &mut net.device, &mut net.sockets);
        assert_eq!(server.poll(now, net.socket(s)), Ok(Turn::Waiting));
    }
    let at = server.deadline().unwrap();
    assert_eq!(at, net.now + Duration::from_secs(300));
    let error = server.poll(at, net.socket(s)).unwrap_err();
    assert_eq!(error.to_string(), "timed out: idle");
}

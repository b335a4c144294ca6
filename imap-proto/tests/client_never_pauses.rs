//! Only a machine whose reading creates output may pause for a flush: a client that does
//! so deadlocks against a server that writes on before it reads.

use bytes::BytesMut;
use scop_core::{Channel, Instant, Machine, Next};
use scop_imap_proto::client::{Client, Config, Event};

/// Gives `input` to the client, whose words nobody takes.
fn hear(client: &mut Client, input: &str) -> usize {
    let mut input = BytesMut::from(input);
    let mut heard = 0;
    loop {
        match client.read(Instant::ZERO, &mut input).unwrap() {
            Next::Event(Event::Room) => {}
            Next::Event(_) => heard += 1,
            Next::NeedInput => {
                assert!(input.is_empty());
                return heard;
            }
            other => panic!("{other:?}, unread: {}", input.escape_ascii()),
        }
    }
}

#[test]
fn it_reads_on_though_nobody_takes_what_it_says() {
    let mut client = Client::new(Config::new());
    client.upgraded(Instant::ZERO, Channel::new());
    hear(&mut client, "* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n");
    let mut commands = 0;
    while client.noop().is_ok() {
        commands += 1;
        assert!(commands < 100_000, "it has no limit");
    }
    assert!(commands > 0);
    assert_eq!(hear(&mut client, &"* 5 EXISTS\r\n".repeat(10_000)), 10_000);
    let answers: String = (1..=commands).map(|n| format!("A{n} OK\r\n")).collect();
    assert_eq!(hear(&mut client, &answers), commands);
}

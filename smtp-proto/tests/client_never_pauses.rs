//! Only a machine whose reading creates output may pause for a flush: a client that does
//! so deadlocks against a server that writes on before it reads.

use bytes::{Bytes, BytesMut};
use scop_core::{Instant, Machine, Next};
use scop_smtp_proto::{
    Client, ClientConfig, ClientEvent, ClientName, Mail, Mailbox, Rcpt, TlsPolicy,
};

/// Gives `input` to the client, whose words nobody takes, and what it tells.
fn hear(client: &mut Client, input: &str) -> Vec<ClientEvent> {
    let mut input = BytesMut::from(input);
    let mut heard = Vec::new();
    loop {
        match client.read(Instant::from_secs(1), &mut input).unwrap() {
            Next::Event(event) => heard.push(event),
            Next::NeedInput | Next::Closed => {
                assert!(input.is_empty());
                return heard;
            }
            Next::Paused(why) => panic!("paused for {why:?}, unread: {}", input.escape_ascii()),
        }
    }
}

#[test]
fn it_reads_on_though_nobody_takes_what_it_says() {
    let mut config = ClientConfig::new(ClientName::new("c.test").unwrap()).tls(TlsPolicy::Never);
    config.limits.outbox = 300;
    let mut client = Client::new(config);
    hear(&mut client, "220 x\r\n250-x\r\n250 PIPELINING\r\n");
    let mailbox = |text: &str| text.parse::<Mailbox<'_>>().unwrap();
    client.mail(Mail::new(mailbox("a@x"))).unwrap();
    let mut commands = 1;
    while client.rcpt(Rcpt::new(mailbox("b@x"))).is_ok() {
        commands += 1;
    }
    assert!(commands > 2, "the outbox is full now");

    for _ in 0..commands {
        assert!(!hear(&mut client, "250 ok\r\n").is_empty());
    }
    while client.transmit(Instant::from_secs(1)).is_some() {}
    hear(&mut client, "");
    client.data().unwrap();
    hear(&mut client, "354 go\r\n");
    let mut body = Bytes::from(vec![b'x'; 100_000]);
    client.body(&mut body).unwrap();
    assert!(!body.is_empty(), "full again");
    let heard = hear(&mut client, "421 enough\r\n");
    assert!(
        heard
            .iter()
            .any(|e| matches!(e, ClientEvent::Closing(_) | ClientEvent::Reply { .. })),
        "{heard:?}"
    );
}

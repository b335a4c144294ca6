//! SASL both ways: a server takes any messages without a panic, and what a
//! client sends it claims exactly the client's credentials.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_sasl::{Client, ClientStep, Credentials, Mechanism, Server, ServerStep, wire};

fn serve(mechanism: Mechanism, data: &[u8], initial: bool) {
    let mut server = Server::new(mechanism);
    let mut messages = pieces(data);
    let first = if initial { messages.next() } else { None };
    let mut step = server.start(first);
    for message in messages {
        if !matches!(step, Ok(ServerStep::Challenge(_))) {
            break;
        }
        step = server.step(message);
    }
    if !matches!(step, Ok(ServerStep::Challenge(_))) {
        assert!(server.step(data).is_err(), "the exchange is over");
    }
}

fn talk(mechanism: Mechanism, credentials: &Credentials) {
    let mut client = Client::new(mechanism, credentials.clone());
    let mut server = Server::new(mechanism);
    let initial = client.start().expect("it has not begun");
    let mut step = server.start(initial.as_ref().map(|s| s.expose()));
    loop {
        match step.expect("the client speaks its mechanism") {
            ServerStep::Verify(claim) => {
                assert_eq!(&claim, credentials);
                assert!(client.finish(None).is_ok());
                return;
            }
            ServerStep::Challenge(challenge) => match client.step(&challenge) {
                Ok(ClientStep::Response(response)) => step = server.step(response.expose()),
                other => panic!("{other:?} to a challenge"),
            },
            other => panic!("{other:?}"),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || {
        if let Ok(wire::Line::Message(message)) = wire::parse(data) {
            assert_eq!(wire::encode(message.expose()).as_bytes(), data);
        }
        if let Ok(initial) = wire::parse_initial(data) {
            assert!(initial.is_empty() || !wire::encode_initial(initial.expose()).contains('\n'));
        }
        for &mechanism in Mechanism::ALL {
            serve(mechanism, data, true);
            serve(mechanism, data, false);
        }
        let text = String::from_utf8_lossy(data);
        let (name, password) = text.split_at(text.floor_char_boundary(text.len() / 2));
        if let Ok(credentials) = Credentials::new(name, password.as_bytes().to_vec()) {
            for &mechanism in Mechanism::ALL {
                talk(mechanism, &credentials);
            }
        }
        let _ = Mechanism::choose(data.split(|&b| b == b' '));
    });
});

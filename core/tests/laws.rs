//! Each law's check passes on a machine that keeps it, and fails on one that does
//! not: a check that cannot fail would prove nothing.

mod toy;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use scop_core::{
    Fault, Instant, Machine,
    testkit::{
        self, Cut, Direction, End, Link, Note, Peer, Side, Stream, converse, netsim, pair, run,
    },
};
use toy::{Bug, Client, Event, Server};

const SESSION: &[u8] =
    b"ECHO one\r\nASK\r\nTAKE 12\r\n0123456789\r\nWHAT\r\nECHO two\r\nTAKE 0\r\nQUIT\r\nlate";

fn server(bug: Bug) -> Peer<'static, Server> {
    Peer::new(Server::new(bug), |server, _, event| match event {
        Event::Data(bytes) => Note::data(&bytes),
        Event::Asked => {
            server.answer("forty-two").unwrap();
            Note::event(&event)
        }
        _ => Note::event(&event),
    })
}

/// Runs a law's check on a machine with `bug` and gives what it panicked with.
fn caught<T>(check: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(check)) {
        Ok(_) => panic!("the check did not see the bug"),
        Err(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_default(),
    }
}

#[test]
fn law_1_split_invariance() {
    let outcome = testkit::splits(|| server(Bug::None), SESSION);
    assert_eq!(outcome.end, End::Closed);
    assert_eq!(
        outcome.output.escape_ascii().to_string(),
        r"220 toy\r\none\r\nforty-two\r\n250 12\r\n500 unknown\r\ntwo\r\n250 0\r\n221 bye\r\n"
    );
    let seen = caught(|| testkit::splits(|| server(Bug::LineIsARead), SESSION));
    assert!(seen.starts_with("law 1"), "{seen}");
}

#[test]
fn law_2_progress() {
    testkit::progress(|| server(Bug::None), SESSION);
    let seen = caught(|| testkit::progress(|| server(Bug::Restless), SESSION));
    assert!(seen.contains("law 2") || seen.contains("memory"), "{seen}");
    let seen = caught(|| run(&mut server(Bug::Spins), &Stream::whole(SESSION)));
    assert!(seen.starts_with("law 2"), "{seen}");
}

#[test]
fn law_3_bounds() {
    let flood = [b'x'; 1000];
    let outcome = testkit::bounds(&mut server(Bug::None), &flood, 1 << 20, 4096);
    assert!(matches!(outcome.end, End::Error(ref e) if e.contains("more than 64 bytes in a line")));
    let seen = caught(|| testkit::bounds(&mut server(Bug::Hoards), &flood, 1 << 20, 4096));
    assert!(seen.starts_with("law 3"), "{seen}");
    // Valid input without end is used up, not hoarded.
    let outcome = testkit::bounds(&mut server(Bug::None), b"ECHO x\r\n", 1 << 16, 4096);
    assert_eq!(outcome.end, End::Waiting);
}

#[test]
fn law_4_backpressure() {
    let input = b"ECHO x\r\n".repeat(500);
    testkit::backpressure(|| server(Bug::None), &input, 300);
    let seen = caught(|| testkit::backpressure(|| server(Bug::NeverFlushes), &input, 300));
    assert!(seen.starts_with("law 4"), "{seen}");
    let seen = caught(|| run(&mut server(Bug::EmptyFlush), &Stream::whole(b"ECHO x\r\n")));
    assert!(seen.starts_with("law 4: Paused(Flush)"), "{seen}");
}

#[test]
fn law_5_errors_are_sticky() {
    let goodbye = testkit::sticky(|| server(Bug::None), b"ECHO a\r\nBOOM\r\n");
    assert_eq!(
        goodbye.escape_ascii().to_string(),
        r"220 toy\r\na\r\n421 a command that is forbidden at byte 8 (toy 1)\r\n"
    );
    for bug in [Bug::Forgives, Bug::ClingsOn] {
        let seen = caught(|| testkit::sticky(|| server(bug), b"BOOM\r\n"));
        assert!(seen.starts_with("law 5"), "{bug:?}: {seen}");
    }
    let seen = caught(|| testkit::sticky(|| server(Bug::None), b"ECHO a\r\n"));
    assert!(seen.starts_with("law 5: no error"), "{seen}");
}

#[test]
fn law_6_end_of_input_is_not_end_of_data() {
    let taken = |note: &Note| *note == Note::Event("Taken".into());
    testkit::truncation(|| server(Bug::None), SESSION, taken);
    for bug in [Bug::EofCompletes, Bug::EofUnnoticed] {
        let seen = caught(|| testkit::truncation(|| server(bug), SESSION, taken));
        assert!(seen.starts_with("law 6"), "{bug:?}: {seen}");
    }
}

#[test]
fn law_7_no_ambient_authority() {
    testkit::deterministic(|| server(Bug::None), SESSION);
    let seen = caught(|| testkit::deterministic(|| server(Bug::Ambient), SESSION));
    assert!(seen.starts_with("law 7"), "{seen}");
}

#[test]
fn law_8_starttls_is_injection_proof() {
    let before = b"ECHO a\r\nSTARTTLS\r\n";
    testkit::injection(|| server(Bug::None), before, b"ECHO x\r\n");
    for bug in [Bug::DropsInjection, Bug::ActsOnInjection] {
        let seen = caught(|| testkit::injection(|| server(bug), before, b"ECHO x\r\n"));
        assert!(seen.starts_with("law 8"), "{bug:?}: {seen}");
    }
}

#[test]
fn misuse_changes_nothing() {
    let mut machine = Server::new(Bug::None);
    let misuse = machine.answer("unasked").unwrap_err();
    assert_eq!(
        misuse.to_string(),
        "nothing was asked: answer after Event::Asked, once"
    );
    assert_eq!(machine.transmit(Instant::ZERO), None);
}

#[test]
fn the_greeting_is_lazy_and_upgraded_out_of_turn_poisons() {
    let mut machine = Server::new(Bug::None);
    let now = Instant::from_secs(1);
    assert_eq!(machine.transmit(now), None, "nothing leaks before TLS");
    machine.upgraded(now, scop_core::Channel::new());
    let mut input = bytes::BytesMut::new();
    assert!(matches!(
        machine.read(now, &mut input),
        Ok(scop_core::Next::NeedInput)
    ));
    machine.upgraded(now, scop_core::Channel::new());
    assert!(matches!(
        machine.read(now, &mut input),
        Err(Fault::Driver(_))
    ));
}

#[test]
fn a_transcript_holds_to_the_letter() {
    let script = "
        S: 220 toy
        # Pipelined: the other side's lines in a row come in one segment.
        C: ECHO a\\tb
        C: WHAT
        S: a\tb
        S: 500 unknown
        C: TAKE 3
        C: xyz\\
        S: 250 3
        C: QUIT
        S: 221 bye";
    let outcome = converse(&mut server(Bug::None), Side::Server, script);
    assert_eq!(outcome.end, End::Closed);
    let wrong = script.replace("250 3", "250 4");
    let seen = caught(|| converse(&mut server(Bug::None), Side::Server, &wrong));
    assert!(seen.contains(">>> expected S: 250 4"), "{seen}");
}

fn client() -> Peer<'static, Client> {
    let script = ["ASK\r\n", "STARTTLS\r\n", "", "TAKE 5\r\nhello", "QUIT\r\n"];
    Peer::new(Client::new(&script), |_, _, line| Note::Event(line))
}

const REPLIES: [&str; 6] = [
    "220 toy",
    "forty-two",
    "220 go",
    "over TLS",
    "250 5",
    "221 bye",
];

#[test]
fn a_pair_talks() {
    let sim = pair(client(), server(Bug::None));
    assert!(sim.finished, "{}", sim.transcript());
    let said: Vec<Note> = REPLIES.iter().map(|r| Note::Event((*r).into())).collect();
    assert_eq!(sim.client.notes, said, "{}", sim.transcript());
    let text = sim.transcript();
    assert!(
        text.contains("    1.000 C: ASK\n    1.000 S: forty-two\n"),
        "{text}"
    );
}

#[test]
fn any_link_gives_the_same_conversation() {
    let ideal = pair(client(), server(Bug::None));
    for seed in 0..200 {
        let sim = netsim(client(), server(Bug::None), &Link::seeded(seed));
        assert_eq!(
            sim.client,
            ideal.client,
            "seed {seed}\n{}",
            sim.transcript()
        );
        assert_eq!(
            sim.server,
            ideal.server,
            "seed {seed}\n{}",
            sim.transcript()
        );
    }
    // rf04: one-byte segments, a window of one.
    let mut link = Link::ideal().one_byte();
    link.latency = Duration::from_millis(50);
    let sim = netsim(client(), server(Bug::None), &link);
    assert_eq!((&sim.client, &sim.server), (&ideal.client, &ideal.server));
    assert!(sim.elapsed > Duration::from_secs(1), "{:?}", sim.elapsed);
}

#[test]
fn a_link_cut_anywhere_ends_both_ends() {
    let taken = Note::Event("Taken".into());
    for direction in [Direction::ToServer, Direction::ToClient] {
        for half in [true, false] {
            for after in 0..40 {
                let cut = Cut {
                    direction,
                    after,
                    half,
                };
                let mut link = Link::ideal().with_cut(cut);
                link.latency = Duration::from_millis(10);
                let sim = netsim(client(), server(Bug::None), &link);
                assert!(sim.finished, "{cut:?}\n{}\n{sim:?}", sim.transcript());
                let whole = direction == Direction::ToClient || after >= 43;
                assert!(
                    whole || !sim.server.notes.contains(&taken),
                    "{cut:?}\n{sim:?}"
                );
            }
        }
    }
}

#[test]
fn an_end_that_just_waits_runs_into_its_idle_timer() {
    let silent = Peer::new(Client::new(&[]), |_, _, line| Note::Event(line));
    let sim = pair(silent, server(Bug::None));
    assert_eq!(sim.server.end, End::Error("timed out: idle".into()));
    assert!(sim.elapsed >= Duration::from_secs(300));
}

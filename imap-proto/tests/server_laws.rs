//! The laws of the contract, on the server machine.

mod common;

use bytes::BytesMut;
use common::{MESSAGE, Store, config, peer, peer_with};
use scop_core::{
    Channel, Fault, Instant, Machine, Next, Pause,
    testkit::{
        End, Note, Peer, Stream, backpressure, bounds, deterministic, injection, progress, run,
        splits, sticky, truncation,
    },
};
use scop_imap_proto::server::{Server, ServerConfig};

/// A whole session as a client that does not wait would send it.
const SESSION: &[u8] = b"a LOGIN {3+}\r\ntim secret\r\n\
    b SELECT INBOX\r\n\
    c APPEND INBOX (\\Seen) \" 7-Feb-1994 21:52:25 -0800\" {9+}\r\nhe\r\nllo\0\n\r\n\
    d FETCH 1:* (FLAGS ENVELOPE BODY[])\r\n\
    e UID SEARCH 1:*\r\n\
    f IDLE\r\nDONE\r\n\
    g BOGUS\r\n\
    h APPEND nowhere {3+}\r\nabc\r\n\
    i FETCH 1:* (BODY.PEEK[] RFC822)\r\nj SEARCH ALL\r\nk NOOP\r\n\
    l LOGOUT\r\n";

/// Short, and through the states with an odd end each.
const SHORT: &[&[u8]] = &[
    b"a AUTHENTICATE PLAIN\r\nAHRpbQBzZWNyZXQ=\r\nb LIST \"\" {1+}\r\n*\r\nc LOGOUT\r\n",
    b"a LOGIN tim secret\r\nb APPEND INBOX {3+}\r\nabcX\r\nc APPEND x {2+}\r\nab {1}\r\n",
    b"a LOGIN tim {6}\r\nsecret\r\nb APPEND {5}\r\nINBOX {1}\r\nx\r\nc APPEND INBOX {3}\r\nabc\r\n",
    b"a NOOP\nb NOOP\r\n\r\n* x\r\nc FETCH 1 x\r\nd LOGIN \"a\r\n\xff\0\r\n",
    b"a LOGIN tim secret\r\nb IDLE\r\nNOOP\r\nc IDLE\r\nDONE\r\nd XYZZY {3+}\r\nabc d\r\ne STARTTLS\r\n",
    b"a LOGIN tim secret\r\nb SELECT INBOX\r\nc STORE 1:2 +FLAGS (\\Deleted)\r\nd EXPUNGE\r\n",
];

#[test]
fn law_1_the_chunking_changes_nothing() {
    for input in SHORT {
        splits(peer, input);
    }
    // An error says where, whatever came with it.
    for end in [
        &b"x\r\n"[..],
        b"a LOGIN tim wrong\r\n",
        b"a FOO {3+}\r\nabc\r\n",
    ] {
        let outcome = splits(peer, &end.repeat(22));
        assert!(matches!(outcome.end, End::Error(_)), "{outcome:?}");
    }
    let outcome = splits(peer, SESSION);
    assert_eq!(outcome.end, End::Closed, "{outcome:?}");
}

#[test]
fn law_2_asked_again_nothing_changes() {
    for input in SHORT.iter().chain([&SESSION]) {
        progress(peer, input);
    }
    // While the caller owes an answer as well.
    let silent = || Peer::new(Server::new(config()), |_, _, event| Note::event(&event));
    let outcome = progress(silent, SESSION);
    assert_eq!(outcome.end, End::Unanswered, "{outcome:?}");
}

#[test]
fn law_3_no_flood_piles_up() {
    const MOST: usize = 200 * 1024;
    for (flood, total) in [
        (&b"a NOOP\r\n"[..], 400_000),
        (b"a", 100_000),
        (b"\r\n", 10_000),
        (b"a LOGIN \"", 50_000),
        (b"a LOGIN {1+}\r\n", 100_000),
        (b"a LOGIN {0}\r\n{0}\r\n{0}\r\n", 100_000),
        (b"((((((((((", 100_000),
        (b"\0\xff", 50_000),
    ] {
        bounds(&mut peer(), flood, total, MOST);
    }
    // After login.
    for flood in [
        &b"a APPEND INBOX {4+}\r\nabcd\r\n"[..],
        b"a FETCH 1 BODY.PEEK[]\r\n",
        b"a SEARCH (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((\r\n",
        b"a IDLE\r\nDONE\r\n",
        b"a SEARCH TEXT {0}\r\n {0}\r\n",
    ] {
        let mut peer = peer();
        run(
            &mut peer,
            &Stream::whole(b"a LOGIN tim secret\r\nb SELECT INBOX\r\n"),
        );
        bounds(&mut peer, flood, 300_000, MOST);
    }
}

#[test]
fn law_4_nobody_reads_and_it_stops() {
    let small = || {
        let mut config = config();
        config.limits.outbox = 1024;
        config.limits.held = 512;
        let long = [b"A: b\r\n\r\n", &[b'x'; 5000][..]].concat();
        peer_with(config, Store::new(&[MESSAGE, &long, b""]))
    };
    for input in SHORT.iter().chain([&SESSION]) {
        // One reply more than the limit, and the largest here is SELECT's.
        let outcome = backpressure(small, input, 1024 + 600);
        assert!(!outcome.output.is_empty());
    }
}

#[test]
fn law_5_an_error_stays_and_the_goodbye_leaves() {
    let bye = sticky(peer, &b"x\r\n".repeat(30));
    assert!(
        bye.ends_with(b"* BYE too many errors\r\n"),
        "{}",
        bye.escape_ascii()
    );
    let bye = sticky(peer, &[b'a'; 9000]);
    assert!(
        bye.ends_with(b"* BYE that command is too long\r\n"),
        "{}",
        bye.escape_ascii()
    );
    let bye = sticky(peer, &b"a LOGIN tim wrong\r\n".repeat(3));
    assert!(
        bye.ends_with(b"* BYE too many failed logins\r\n"),
        "{}",
        bye.escape_ascii()
    );
    let bye = sticky(peer, b"a LOGIN {99999+}\r\n");
    assert!(
        bye.ends_with(b"* BYE that literal is too large\r\n"),
        "{}",
        bye.escape_ascii()
    );
}

#[test]
fn law_6_the_end_of_input_completes_nothing() {
    let complete = |note: &Note| matches!(note, Note::Event(text) if text.contains("AppendEnd"));
    for input in SHORT.iter().chain([&SESSION]) {
        truncation(peer, input, complete);
    }
    // Also no command is made of half a line.
    let any = |note: &Note| matches!(note, Note::Event(_));
    truncation(peer, b"a LOGIN tim secret\r\nb SELECT INBOX", any);
}

#[test]
fn law_7_only_its_arguments_count() {
    deterministic(peer, SESSION);
}

fn tls_peer() -> Peer<'static, Server> {
    let mut config = ServerConfig::new();
    config.starttls = true;
    peer_with(config, Store::new(&[MESSAGE]))
}

#[test]
fn is06_law_8_starttls_is_injection_proof() {
    injection(tls_peer, b"A STARTTLS\r\n", b"X NOOP\r\n");
    injection(tls_peer, b"x NOOP\r\nA starttls\r\n", b"\0");
    let outcome = run(&mut tls_peer(), &Stream::whole(b"A STARTTLS\r\nX NOOP\r\n"));
    // Neither the go-ahead nor an answer: the client that sent both is no client.
    let sent = String::from_utf8_lossy(&outcome.output);
    assert!(!sent.contains("A OK") && !sent.contains("X OK"), "{sent}");
}

#[test]
fn what_was_known_before_tls_is_forgotten() {
    let mut server = Server::new({
        let mut config = ServerConfig::new();
        config.starttls = true;
        config
    });
    let now = Instant::ZERO;
    let mut input = BytesMut::from("a STARTTLS\r\n");
    assert_eq!(server.read(now, &mut input), Ok(Next::Paused(Pause::Flush)));
    while server.transmit(now).is_some() {}
    assert_eq!(
        server.read(now, &mut input),
        Ok(Next::Paused(Pause::Upgrade))
    );
    server.upgraded(now, Channel::new());
    assert!(matches!(server.read(now, &mut input), Ok(Next::Event(_))));
    assert_eq!(server.read(now, &mut input), Ok(Next::NeedInput));
    assert!(
        server.transmit(now).is_none(),
        "the greeting is not said again"
    );
    input.extend_from_slice(b"b CAPABILITY\r\nc STARTTLS\r\n");
    assert_eq!(server.read(now, &mut input), Ok(Next::NeedInput));
    let sent = server.transmit(now).unwrap();
    assert_eq!(
        sent,
        "* CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE SASL-IR AUTH=PLAIN\r\nb OK these\r\n\
         c BAD no STARTTLS here\r\n"
    );
}

#[test]
fn implicit_tls_comes_before_the_greeting() {
    let mut server = Server::new(ServerConfig::new());
    let now = Instant::ZERO;
    server.upgraded(now, Channel::new());
    assert!(server.is_encrypted());
    assert!(matches!(
        server.read(now, &mut BytesMut::new()),
        Ok(Next::Event(_))
    ));
    let greeting = server.transmit(now).unwrap();
    assert!(
        greeting.starts_with(b"* OK [CAPABILITY IMAP4rev1"),
        "{greeting:?}"
    );
    // Once more is out of turn.
    server.upgraded(now, Channel::new());
    assert!(matches!(
        server.read(now, &mut BytesMut::new()),
        Err(Fault::Driver(_))
    ));
}

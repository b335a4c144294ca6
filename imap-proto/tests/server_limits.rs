//! What a hostile, slow or deaf client gets, and what the caller may not do.

mod common;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use common::{MESSAGE, Store, config, n, peer, peer_with};
use scop_core::{
    Fault, Instant, Machine, Next, Pause, Timer,
    testkit::{End, Note, Peer, Side, Stream, converse, run},
};
use scop_imap_proto::{
    response::{Condition, Data, Fetch, FetchItem, RespText, Value},
    server::{Refused, Server, ServerConfig, ServerEvent, State},
    types::{NonSync, Section, Tag},
};

const T: Instant = Instant::ZERO;
const LOGGED_IN: &str =
    "[CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT MOVE] welcome";

/// After the greeting and a login.
fn logged_in(rest: &str) -> String {
    format!(
        "S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE SASL-IR AUTH=PLAIN] IMAP4rev1 ready\n\
         C: a LOGIN tim secret\n\
         S: a OK {LOGGED_IN}\n{rest}"
    )
}

#[test]
fn is01_announced_sizes_cost_nothing() {
    let outcome = converse(
        &mut peer(),
        Side::Server,
        &logged_in(
            r"
        C: b APPEND INBOX {4294967295}
        S: b NO [LIMIT] that message is too large
        C: c APPEND INBOX {18446744073709551616}
        S: c BAD a literal's size is past 63 bits
        C: d APPEND INBOX {-1}
        S: d BAD a literal's size is not a number
        C: e APPEND nowhere {5+}
        C: a N\
        C: O
        S: e NO [TRYCREATE] no such mailbox
        C: f SELECT {70000}
        S: f NO [LIMIT] that literal is too large
        C: g SELECT {70000}
        S: g NO [LIMIT] that literal is too large
        C: h NOOP
        S: h OK done
        C: i APPEND INBOX {52428801+}
        S: i NO [LIMIT] that message is too large
        S: * BYE that literal is too large
    ",
        ),
    );
    assert!(matches!(outcome.end, End::Error(_)));
    let outcome = converse(
        &mut peer(),
        Side::Server,
        &logged_in(
            r"
        C: b APPEND INBOX {18446744073709551616+}
        S: b BAD a literal's size is past 63 bits
        S: * BYE that literal has no end
    ",
        ),
    );
    assert!(matches!(outcome.end, End::Error(_)));
}

#[test]
fn is01_a_refused_literal_is_swallowed_to_the_byte() {
    converse(
        &mut peer(),
        Side::Server,
        &logged_in(
            r"
        # What looks like commands in it is none.
        C: b APPEND nowhere {19+}
        C: c NOOP
        C: d LOGOUT
        C: e\
        C: 
        S: b NO [TRYCREATE] no such mailbox
        C: f BOGUS {8+}
        C: g NOOP
        C: {8+}
        C: h NOOP
        C:
        C: i SELECT {3+}
        C: \xff\xff\xff
        S: f BAD no such command here
        S: i BAD an 8-bit or control byte in a mailbox name; encode it in modified UTF-7 at byte 9 (RFC 3501 5.1.3)
        # More than a line end behind a message.
        C: j APPEND INBOX {3+}
        C: abc {3+}
        C: def
        S: j BAD more than a line end behind the message
        C: k NOOP
        S: k OK done
    ",
        ),
    );
}

#[test]
fn literals_that_do_not_wait_are_as_large_as_offered() {
    let mut minus = config();
    minus.literals = NonSync::Minus;
    let greeting =
        "S: * OK [CAPABILITY IMAP4rev1 LITERAL- ID ENABLE IDLE SASL-IR AUTH=PLAIN] IMAP4rev1 ready";
    converse(
        &mut peer_with(minus, Store::new(&[])),
        Side::Server,
        &format!(
            r"
        {greeting}
        C: a LOGIN {{3+}}
        C: tim secret
        S: a OK [CAPABILITY IMAP4rev1 LITERAL- ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT MOVE] welcome
        C: b APPEND INBOX {{4097+}}
        S: b BAD too large for a literal that does not wait
        C: {}
        C: c NOOP
        S: c OK done
    ",
            "x".repeat(4097)
        ),
    );
}

#[test]
fn is02_before_login_nothing_nests() {
    let outcome = run(
        &mut peer(),
        &Stream::whole(b"a NOOP ((((((((\r\na SEARCH ((((((((((\r\n"),
    );
    let sent = String::from_utf8_lossy(&outcome.output);
    assert!(
        sent.contains("a BAD more than the command's arguments"),
        "{sent}"
    );
    assert!(sent.contains("a BAD not in this state"), "{sent}");
    let mut flood = b"NOOP ".to_vec();
    flood.extend([b'('; 40_000]);
    let outcome = run(&mut peer(), &Stream::whole(&flood));
    assert!(matches!(outcome.end, End::Error(_)), "{outcome:?}");
}

#[test]
fn is04_every_state_is_bounded() {
    let quoted = [b"a LOGIN \"".to_vec(), vec![b'x'; 9000]].concat();
    for flood in [
        vec![b'a'; 9000],
        quoted,
        b"a LOGIN {".repeat(1000),
        vec![0; 9000],
    ] {
        let outcome = run(&mut peer(), &Stream::whole(&flood));
        let End::Error(error) = &outcome.end else {
            panic!("{outcome:?}")
        };
        assert!(
            error.starts_with("more than 8192 bytes in a command"),
            "{error}"
        );
    }
    // Inside of an exchange and of IDLE.
    let sasl = [&b"a AUTHENTICATE PLAIN\r\n"[..], &[b'A'; 13_000]].concat();
    let idle = [&b"a LOGIN tim secret\r\nb IDLE\r\n"[..], &[b'D'; 70_000]].concat();
    for flood in [sasl, idle] {
        let outcome = run(&mut peer(), &Stream::whole(&flood));
        assert!(matches!(outcome.end, End::Error(_)), "{outcome:?}");
    }
    // A long tag is no tag.
    let tag = "x".repeat(Tag::MAX + 1);
    let outcome = run(
        &mut peer(),
        &Stream::whole(format!("{tag} NOOP\r\n").as_bytes()),
    );
    assert!(
        outcome
            .output
            .ends_with(b"* BAD expected a tag at byte 0 (RFC 3501 9 tag)\r\n")
    );
}

#[test]
fn is08_mailbox_names_that_cannot_be() {
    converse(
        &mut peer(),
        Side::Server,
        &logged_in(
            r#"
        C: b SELECT ../x
        S: b NO [NONEXISTENT] no level of a mailbox name is empty, . or ..
        C: c CREATE x/../../y
        S: c NO [CANNOT] no level of a mailbox name is empty, . or ..
        C: d RENAME INBOX /etc/passwd
        S: d NO [CANNOT] no level of a mailbox name is empty, . or ..
        C: e APPEND a//b {3}
        S: e NO [NONEXISTENT] no level of a mailbox name is empty, . or ..
        C: f SELECT &AGE-
        S: f BAD printable ASCII in a shift at byte 9 (RFC 3501 5.1.3)
        C: g CREATE {5+}
        C: a\0b\0c
        S: g BAD an 8-bit or control byte in a mailbox name; encode it in modified UTF-7 at byte 9 (RFC 3501 5.1.3)
        C: h CREATE {10+}
        C: a
        C: * BYE x
        S: h BAD an 8-bit or control byte in a mailbox name; encode it in modified UTF-7 at byte 9 (RFC 3501 5.1.3)
        C: i CREATE x/
        S: i OK done
    "#,
        ),
    );
}

#[test]
fn is09_stored_headers_inject_no_response() {
    let evil: &[u8] = b"Subject: \"\\)\r\n* BYE [ALERT] x\0\r\n\r\n";
    let mut peer = peer_with(config(), Store::new(&[evil]));
    let input = b"a LOGIN tim secret\r\nb SELECT INBOX\r\nc FETCH 1 ENVELOPE\r\n";
    let outcome = run(&mut peer, &Stream::whole(input));
    let sent = String::from_utf8_lossy(&outcome.output);
    assert!(
        sent.contains("ENVELOPE (NIL {34}\r\nSubject: \"\\)\r\n* BYE"),
        "{sent}"
    );
    assert!(!outcome.output.contains(&0));
}

#[test]
fn too_many_errors_end_it() {
    let mut config = config();
    config.limits.errors = 2;
    let outcome = converse(
        &mut peer_with(config, Store::new(&[])),
        Side::Server,
        r"
        S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE SASL-IR AUTH=PLAIN] IMAP4rev1 ready
        C: a FOO
        S: a BAD no such command here
        C:
        S: * BAD expected a tag at byte 0 (RFC 3501 9 tag)
        C: a SELECT x
        S: a BAD not in this state
        S: * BYE too many errors
    ",
    );
    assert_eq!(
        outcome.end,
        End::Error("more than 2 wrong commands at byte 9; raise the limit to allow it".into())
    );
}

#[test]
fn charsets_and_bare_line_feeds() {
    converse(
        &mut peer(),
        Side::Server,
        &logged_in(
            r"
        C: b SELECT INBOX
        S: * OK [PERMANENTFLAGS (\\Seen \\Deleted)] can be changed
        S: * OK [UIDVALIDITY 1] UIDs are valid
        S: * OK [UIDNEXT 3] the next UID
        S: * FLAGS (\\Seen \\Deleted)
        S: * 2 EXISTS
        S: * 0 RECENT
        S: b OK [READ-WRITE] selected
        C: c SEARCH CHARSET KOI8-R TEXT x
        S: c NO [BADCHARSET (US-ASCII UTF-8)] that charset is unknown
        C: d NOOP\n\
        S: d BAD a line ends in CR and LF
        C: e SELECT ../x
        S: e NO [NONEXISTENT] no level of a mailbox name is empty, . or ..
        # Not selected any more? It is: what is refused here was not begun.
        C: f CHECK
        S: f OK done
        C: g SELECT nowhere
        S: g NO [NONEXISTENT] no such mailbox
        C: h CHECK
        S: h BAD not in this state
    ",
        ),
    );
}

// From here on without a testkit: time, and what the caller does.

/// A server that is logged in, with INBOX selected, all output taken.
fn selected(config: ServerConfig) -> (Server, BytesMut) {
    let mut server = Server::new(config);
    let mut store = Store::new(&[MESSAGE, b"x"]);
    let mut input = BytesMut::from("a LOGIN tim secret\r\nb SELECT INBOX\r\n");
    while let Ok(Next::Event(event)) = server.read(T, &mut input) {
        store.event(&mut server, event);
    }
    while server.transmit(T).is_some() {}
    assert_eq!(server.state(), State::Selected);
    (server, input)
}

fn command(server: &mut Server, input: &mut BytesMut, line: &str) -> Tag<'static> {
    input.extend_from_slice(line.as_bytes());
    match server.read(T, input) {
        Ok(Next::Event(ServerEvent::Command { tag, .. })) => tag,
        other => panic!("{other:?}"),
    }
}

fn sent(server: &mut Server) -> String {
    let mut all = Vec::new();
    while let Some(chunk) = server.transmit(T) {
        all.extend_from_slice(&chunk);
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn ok() -> RespText {
    RespText::new("done")
}

#[test]
fn expunge_waits_for_its_time() {
    let (mut server, mut input) = selected(config());
    let expunge = Data::Expunge(n(1));
    // No command under way.
    assert!(!server.may_expunge());
    assert!(matches!(server.data(&expunge), Err(Refused::Misuse(_))));
    server.data(&Data::Exists(3)).unwrap();
    for line in [
        "c FETCH 1 FLAGS\r\n",
        "c STORE 1 FLAGS ()\r\n",
        "c SEARCH ALL\r\n",
    ] {
        let tag = command(&mut server, &mut input, line);
        assert!(
            matches!(server.data(&expunge), Err(Refused::Misuse(_))),
            "{line}"
        );
        server.done(&tag, Condition::Ok, ok()).unwrap();
    }
    for line in [
        "c UID FETCH 1 FLAGS\r\n",
        "c NOOP\r\n",
        "c UID SEARCH ALL\r\n",
        "c EXPUNGE\r\n",
    ] {
        let tag = command(&mut server, &mut input, line);
        server.data(&expunge).unwrap();
        server.done(&tag, Condition::Ok, ok()).unwrap();
    }
    sent(&mut server);
    input.extend_from_slice(b"d IDLE\r\n");
    assert!(matches!(
        server.read(T, &mut input),
        Ok(Next::Event(ServerEvent::Idle { .. }))
    ));
    server.data(&expunge).unwrap();
    server.data(&Data::Exists(7)).unwrap();
    assert_eq!(
        sent(&mut server),
        "+ idling\r\n* 1 EXPUNGE\r\n* 7 EXISTS\r\n"
    );
    input.extend_from_slice(b"DONE\r\n");
    assert_eq!(
        server.read(T, &mut input),
        Ok(Next::Event(ServerEvent::IdleEnd))
    );
    assert_eq!(sent(&mut server), "d OK IDLE is over\r\n");
}

fn streamed(number: u32, sizes: &[u64]) -> Data {
    let section = |size: &u64| FetchItem::Section {
        section: Section::whole(),
        origin: None,
        value: Value::Streamed(*size),
    };
    Data::Fetch(Fetch {
        number: n(number),
        items: sizes.iter().map(section).collect(),
    })
}

#[test]
fn what_comes_while_a_literal_is_open_waits_behind_it() {
    let (mut server, mut input) = selected(config());
    let fetch = command(&mut server, &mut input, "c FETCH 1 BODY.PEEK[]\r\n");
    let search = command(&mut server, &mut input, "d SEARCH ALL\r\n");
    server.data(&streamed(1, &[3, 0, 2])).unwrap();
    assert_eq!(server.body_left(), 5);
    server.body(&mut Bytes::from_static(b"ab")).unwrap();
    // Another command's end, news, a continuation, a second literal.
    server.data(&Data::Exists(9)).unwrap();
    server.done(&search, Condition::Ok, ok()).unwrap();
    input.extend_from_slice(b"e SEARCH TEXT {1}\r\n");
    assert_eq!(server.read(T, &mut input), Ok(Next::NeedInput));
    assert_eq!(server.data(&streamed(2, &[1])), Err(Refused::Full));
    assert!(server.done(&fetch, Condition::Ok, ok()).is_err());
    assert!(
        server.body(&mut Bytes::from_static(b"cdefg")).is_err(),
        "too much"
    );
    assert_eq!(server.body_left(), 3);
    assert_eq!(sent(&mut server), "* 1 FETCH (BODY[] {3}\r\nab");
    server.body(&mut Bytes::from_static(b"cde")).unwrap();
    assert_eq!(
        sent(&mut server),
        "c BODY[] {0}\r\n BODY[] {2}\r\nde)\r\n* 9 EXISTS\r\nd OK done\r\n+ OK\r\n"
    );
    // Now the second one would be taken.
    assert_eq!(
        server.read(T, &mut input),
        Ok(Next::Event(ServerEvent::Room))
    );
    server.data(&streamed(2, &[0])).unwrap();
    server.done(&fetch, Condition::Ok, ok()).unwrap();
    assert_eq!(
        sent(&mut server),
        "* 2 FETCH (BODY[] {0}\r\n)\r\nc OK done\r\n"
    );
}

#[test]
fn what_waits_behind_a_literal_is_bounded() {
    let (mut server, mut input) = selected(config());
    command(&mut server, &mut input, "c FETCH 1 BODY.PEEK[]\r\n");
    server.data(&streamed(1, &[1])).unwrap();
    sent(&mut server);
    let taken = (0..)
        .take_while(|_| server.data(&Data::Exists(9)).is_ok())
        .count();
    assert!((1000..3000).contains(&taken), "{taken}");
    // Nor is more read, which would have to be answered.
    input.extend_from_slice(b"d BOGUS\r\n");
    assert_eq!(server.read(T, &mut input), Ok(Next::Paused(Pause::Answer)));
    server.body(&mut Bytes::from_static(b"x")).unwrap();
    sent(&mut server);
    assert_eq!(
        server.read(T, &mut input),
        Ok(Next::Event(ServerEvent::Room))
    );
}

#[test]
fn a_body_goes_through_as_the_client_reads() {
    let mut small = config();
    small.limits.outbox = 4096;
    let (mut server, mut input) = selected(small);
    command(&mut server, &mut input, "c FETCH 1 BODY[]\r\n");
    server.data(&streamed(1, &[1_000_000])).unwrap();
    let mut rest = Bytes::from(vec![b'x'; 1_000_000]);
    let memory = rest.as_ptr_range();
    let mut through = 0;
    let mut uncopied = false;
    loop {
        server.body(&mut rest).unwrap();
        if rest.is_empty() {
            break;
        }
        assert_eq!(server.read(T, &mut input), Ok(Next::Paused(Pause::Flush)));
        let mut waited = 0;
        while let Some(chunk) = server.transmit(T) {
            uncopied |= memory.contains(&chunk.as_ptr());
            waited += chunk.len();
            through += chunk.len();
        }
        assert!(waited <= 4096 + 100, "{waited} bytes waited");
        assert_eq!(
            server.read(T, &mut input),
            Ok(Next::Event(ServerEvent::Room))
        );
    }
    assert!(through > 990_000 && uncopied);
}

#[test]
fn reading_commands_run_beside_each_other_up_to_a_limit() {
    let (mut server, mut input) = selected(config());
    let many: String = (0..20).map(|i| format!("t{i} SEARCH ALL\r\n")).collect();
    input.extend_from_slice(many.as_bytes());
    let mut tags = Vec::new();
    loop {
        match server.read(T, &mut input) {
            Ok(Next::Event(ServerEvent::Command { tag, .. })) => tags.push(tag),
            Ok(Next::Paused(Pause::Answer)) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((tags.len(), server.pending()), (16, 16));
    // Out of order, and one more comes.
    server.done(&tags[7], Condition::Ok, ok()).unwrap();
    assert!(matches!(server.read(T, &mut input), Ok(Next::Event(_))));
    assert!(
        server.done(&tags[7], Condition::Ok, ok()).is_err(),
        "done twice"
    );
}

#[test]
fn others_come_one_by_one() {
    let (mut server, mut input) = selected(config());
    input.extend_from_slice(b"d FETCH 1 FLAGS\r\ne STORE 1 FLAGS ()\r\nf FETCH 1 FLAGS\r\n");
    for tag in ["d", "e", "f"] {
        let Ok(Next::Event(ServerEvent::Command { tag: found, .. })) = server.read(T, &mut input)
        else {
            panic!("no command")
        };
        assert_eq!(found.as_str(), tag);
        let next = if tag == "f" {
            Next::NeedInput
        } else {
            Next::Paused(Pause::Answer)
        };
        assert_eq!(server.read(T, &mut input), Ok(next));
        server.done(&found, Condition::Ok, ok()).unwrap();
    }
}

#[test]
fn misuse_changes_nothing() {
    let (mut server, mut input) = selected(config());
    let nobody = Tag::new("zz").unwrap();
    assert!(server.done(&nobody, Condition::Ok, ok()).is_err());
    assert!(server.accept_append(&nobody).is_err());
    assert!(server.condition(Condition::Bye, ok()).is_err());
    assert!(server.body(&mut Bytes::from_static(b"x")).is_err());
    assert!(
        server
            .data(&Data::Search {
                ids: vec![],
                mod_seq: None
            })
            .is_err()
    );
    input.extend_from_slice(b"c APPEND INBOX {3}\r\n");
    let Ok(Next::Event(ServerEvent::Append { tag, .. })) = server.read(T, &mut input) else {
        panic!("no append")
    };
    assert!(
        server.done(&tag, Condition::Ok, ok()).is_err(),
        "nothing came to store"
    );
    assert!(server.done(&tag, Condition::Preauth, ok()).is_err());
    server.accept_append(&tag).unwrap();
    assert!(server.accept_append(&tag).is_err());
    assert_eq!(sent(&mut server), "+ OK\r\n");
}

#[test]
fn a_caller_that_cannot_store_says_so_in_the_middle() {
    let (mut server, mut input) = selected(config());
    input.extend_from_slice(b"c APPEND INBOX {30}\r\n");
    let Ok(Next::Event(ServerEvent::Append { tag, .. })) = server.read(T, &mut input) else {
        panic!("no append")
    };
    server.accept_append(&tag).unwrap();
    input.extend_from_slice(b"0123456789");
    assert!(matches!(
        server.read(T, &mut input),
        Ok(Next::Event(ServerEvent::Chunk(_)))
    ));
    server
        .done(&tag, Condition::No, RespText::new("disk full"))
        .unwrap();
    input.extend_from_slice(b"d NOOP\r\nx\r\ne NOOP\r\nxx\r\nf NOOP\r\n");
    let Ok(Next::Event(ServerEvent::Command { tag, .. })) = server.read(T, &mut input) else {
        panic!("no command")
    };
    assert_eq!(tag.as_str(), "f");
    assert_eq!(sent(&mut server), "+ OK\r\nc NO disk full\r\n");
}

#[test]
fn shutdown_waits_for_what_runs() {
    let (mut server, mut input) = selected(config());
    let tag = command(&mut server, &mut input, "c NOOP\r\n");
    server.shutdown(RespText::new("going down"));
    input.extend_from_slice(b"d NOOP\r\n");
    assert_eq!(server.read(T, &mut input), Ok(Next::Paused(Pause::Answer)));
    server.done(&tag, Condition::Ok, ok()).unwrap();
    assert_eq!(server.read(T, &mut input), Ok(Next::Closed));
    assert_eq!(sent(&mut server), "c OK done\r\n* BYE going down\r\n");
    assert_eq!(server.state(), State::Logout);
    let (mut server, mut input) = selected(config());
    server.shutdown(RespText::new("going down"));
    assert_eq!(server.read(T, &mut input), Ok(Next::Closed));
    assert_eq!(sent(&mut server), "* BYE going down\r\n");
}

#[test]
fn a_message_under_way_is_completed_before_shutdown() {
    let mut store = Store::new(&[]);
    let mut server = Server::new(config());
    let mut input = BytesMut::from("a LOGIN tim secret\r\nb APPEND INBOX {3+}\r\na");
    let mut play = |server: &mut Server, input: &mut BytesMut| loop {
        match server.read(T, input) {
            Ok(Next::Event(event)) => drop(store.event(server, event)),
            other => return other,
        }
    };
    assert_eq!(play(&mut server, &mut input), Ok(Next::NeedInput));
    server.shutdown(RespText::new("going down"));
    assert_eq!(play(&mut server, &mut input), Ok(Next::NeedInput));
    input.extend_from_slice(b"bc\r\nc NOOP\r\n");
    assert_eq!(play(&mut server, &mut input), Ok(Next::Closed));
    assert!(sent(&mut server).ends_with("b OK [APPENDUID 1 1] stored\r\n* BYE going down\r\n"));
}

/// Runs into the next deadline.
fn run_out(server: &mut Server) -> (Timer, Duration) {
    let (at, timer) = server.deadline().expect("a deadline");
    server.expire(Instant::new(
        at.since_epoch().saturating_sub(Duration::from_millis(1)),
    ));
    server.expire(at);
    (timer, at - T)
}

#[test]
fn clocks_run_out() {
    // Nobody logs in, and a byte now and then does not help.
    let mut server = Server::new(config());
    let mut input = BytesMut::new();
    assert_eq!(server.read(T, &mut input), Ok(Next::NeedInput));
    while server.transmit(T).is_some() {}
    assert_eq!(
        run_out(&mut server),
        (Timer("IMAP login"), Duration::from_secs(180))
    );
    assert!(matches!(
        server.read(T, &mut input),
        Err(Fault::TimedOut(_))
    ));
    assert_eq!(sent(&mut server), "* BYE autologout\r\n");
    assert_eq!(server.deadline(), None);

    // Logged in and idle; in IDLE too.
    for line in ["", "c IDLE\r\n"] {
        let (mut server, mut input) = selected(config());
        input.extend_from_slice(line.as_bytes());
        while let Ok(Next::Event(_)) = server.read(T, &mut input) {}
        while server.transmit(T).is_some() {}
        assert_eq!(
            run_out(&mut server),
            (Timer("IMAP idle"), Duration::from_secs(1800))
        );
        assert!(matches!(
            server.read(T, &mut input),
            Err(Fault::TimedOut(_))
        ));
    }
}

#[test]
fn a_slow_message_runs_out_and_a_slow_caller_does_not() {
    let (mut server, mut input) = selected(config());
    input.extend_from_slice(b"c APPEND INBOX {100000}\r\n");
    let Ok(Next::Event(ServerEvent::Append { tag, .. })) = server.read(T, &mut input) else {
        panic!("no append")
    };
    // The caller thinks for an hour.
    assert_eq!(server.read(T, &mut input), Ok(Next::Paused(Pause::Answer)));
    assert_eq!(server.deadline(), None);
    let later = Instant::from_secs(3600);
    server.accept_append(&tag).unwrap();
    assert_eq!(server.read(later, &mut input), Ok(Next::NeedInput));
    while server.transmit(later).is_some() {}
    // Storing a chunk takes it another hour, which is excused.
    input.extend_from_slice(&[b'x'; 1000]);
    assert!(matches!(
        server.read(later, &mut input),
        Ok(Next::Event(ServerEvent::Chunk(_)))
    ));
    let much_later = Instant::from_secs(7200);
    assert_eq!(server.read(much_later, &mut input), Ok(Next::NeedInput));
    let (at, timer) = server.deadline().unwrap();
    assert_eq!(
        (timer, at),
        (
            Timer("IMAP minimum rate"),
            much_later + Duration::from_secs(70)
        )
    );
    server.expire(at);
    assert!(matches!(
        server.read(at, &mut input),
        Err(Fault::TimedOut(_))
    ));
}

#[test]
fn is10_a_client_that_never_reads() {
    let (mut server, mut input) = selected(config());
    command(&mut server, &mut input, "c FETCH 1 BODY[]\r\n");
    server.data(&streamed(1, &[1_000_000])).unwrap();
    let mut rest = Bytes::from(vec![b'x'; 1_000_000]);
    server.body(&mut rest).unwrap();
    // The output is capped..
    assert!(rest.len() > 900_000);
    assert_eq!(server.read(T, &mut input), Ok(Next::Paused(Pause::Flush)));
    // .. and after five minutes in which nothing moved, it is over.
    server.transmit(Instant::from_secs(1));
    let (at, timer) = server.deadline().unwrap();
    assert_eq!(
        (timer, at),
        (Timer("IMAP client does not read"), Instant::from_secs(301))
    );
    server.expire(at);
    assert!(matches!(
        server.read(at, &mut input),
        Err(Fault::TimedOut(_))
    ));
    assert!(
        server.transmit(at).is_none(),
        "nothing follows half a literal"
    );
    assert_eq!(server.deadline(), None);
}

#[test]
fn a_deaf_client_does_not_hold_the_goodbye() {
    let (mut server, mut input) = selected(config());
    input.extend_from_slice(b"c LOGOUT\r\n");
    assert_eq!(
        server.read(T, &mut input),
        Ok(Next::Event(ServerEvent::Logout))
    );
    assert_eq!(server.read(T, &mut input), Ok(Next::Closed));
    assert_eq!(
        run_out(&mut server),
        (Timer("IMAP goodbye"), Duration::from_secs(10))
    );
    assert_eq!((server.deadline(), server.transmit(T)), (None, None));
}

#[test]
fn a_fault_in_the_middle_of_a_literal_says_nothing_more() {
    let (mut server, mut input) = selected(config());
    command(&mut server, &mut input, "c FETCH 1 BODY.PEEK[]\r\n");
    server.data(&streamed(1, &[10])).unwrap();
    server.body(&mut Bytes::from_static(b"abc")).unwrap();
    input.extend_from_slice(&[b'x'; 70_000]);
    assert!(matches!(server.read(T, &mut input), Err(Fault::Limit(_))));
    assert_eq!(server.transmit(T), None);
    assert!(server.body(&mut Bytes::from_static(b"d")).is_err());
}

#[test]
fn the_end_of_input_waits_for_what_is_under_way() {
    let (mut server, mut input) = selected(config());
    let tag = command(&mut server, &mut input, "c NOOP\r\n");
    server.read_closed(T);
    assert_eq!(server.read(T, &mut input), Ok(Next::Paused(Pause::Answer)));
    server.done(&tag, Condition::Ok, ok()).unwrap();
    assert_eq!(server.read(T, &mut input), Ok(Next::Closed));
    let (mut server, mut input) = selected(config());
    input.extend_from_slice(b"c NOO");
    server.read_closed(T);
    let Err(Fault::Truncated { inside, .. }) = server.read(T, &mut input) else {
        panic!("half a command is no command")
    };
    assert_eq!(inside, "a command");
}

#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<Server>() <= 640, "{}", size_of::<Server>());
    let _ = |p: Peer<'static, Server>| Note::event(&p.machine.state());
}

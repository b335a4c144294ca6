//! What the caller of the server machine may and may not do, and the clocks.

mod common;

use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use common::{Store, command, config, n, ok, selected, sent, streamed};
use scop_core::{Fault, Instant, Machine, Next, Pause, Timer};
use scop_imap_proto::{
    response::{Condition, Data, RespText},
    server::{Refused, Server, ServerEvent, State},
    types::Tag,
};

const T: Instant = Instant::ZERO;

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
}

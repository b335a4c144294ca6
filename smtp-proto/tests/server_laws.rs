//! The laws on the server, and what adversaries send it.

mod common;

use core::time::Duration;

use bytes::BytesMut;
use common::{config, peer, submission, words};
use scop_core::testkit::{
    End, Note, Outcome, Peer, Stream, backpressure, bounds, deterministic, injection, progress,
    run, splits, sticky, truncation,
};
use scop_core::{Channel, Instant, Machine, Next, Pause};
use scop_smtp_proto::*;

/// Limits that tests reach.
fn small() -> ServerConfig {
    let mut limits = ServerLimits::default();
    limits.line = 64;
    limits.auth_line = 128;
    limits.message_size = 40;
    limits.recipients = 3;
    limits.messages = 3;
    limits.outbox = 64;
    submission()
        .submission(false)
        .auth_in_clear(true)
        .starttls(true)
        .limits(limits)
}

const SESSION: &str = "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nRCPT TO:<no@y>\r\n\
    DATA\r\n..a\r\nb\r\n.\r\nAUTH LOGIN\r\neA==\r\nc2VjcmV0\r\nRSET\r\nQUIT\r\n";

/// A session whose message is `message`, and a NOOP behind it.
fn sending(message: &[u8]) -> Vec<u8> {
    let head = b"HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n";
    [head, message, b"NOOP\r\n"].concat()
}

/// Law 1 on an input too long to try every cut: evenly in pieces of several sizes, and
/// every single cut near its end.
fn some_splits(config: &ServerConfig, input: &[u8]) -> Outcome {
    let whole = run(&mut peer(config.clone()), &Stream::whole(input));
    let check = |cuts: &[usize]| {
        let found = run(&mut peer(config.clone()), &Stream::cut(input, cuts));
        assert_eq!(found, whole, "{cuts:?}");
    };
    for piece in [1, 7, 1000, 2048, 4096, 65536] {
        check(&(piece..input.len()).step_by(piece).collect::<Vec<_>>());
    }
    for cut in input.len().saturating_sub(40)..input.len() {
        check(&[cut]);
    }
    whole
}

fn last_line(outcome: &Outcome) -> &str {
    let text = str::from_utf8(&outcome.output).unwrap();
    text.lines().last().unwrap_or_default()
}

fn all_of_the_laws(config: &ServerConfig, input: &[u8]) -> Outcome {
    let make = || peer(config.clone());
    let outcome = splits(make, input);
    assert_eq!(progress(make, input), outcome);
    deterministic(make, input);
    backpressure(make, input, 64 + 512);
    truncation(make, input, |note| {
        format!("{note:?}").starts_with("MessageEnd")
    });
    outcome
}

#[test]
fn laws_1_2_4_6_7_on_a_session() {
    let outcome = all_of_the_laws(&small(), SESSION.as_bytes());
    assert_eq!(outcome.end, End::Closed);
    assert_eq!(
        words(&outcome.notes),
        "Hello, Mail, Rcpt, Rcpt, Data, 7 bytes, MessageEnd, Auth, Quit"
    );
}

#[test]
fn laws_on_commands_that_are_wrong() {
    let input = b"EHLO c\r\nMAIL\r\nNOOP\nNO\0OP\r\n\r\nAUTH PLAIN Zh==\r\nAUTH LOGIN\r\n*\r\n\
        MAIL FROM:<a@b>\r\nEHLO d\r\nRCPT TO:<a@b>\r\nSTART TLS\r\nDATA\r\nNOOP \xff\r\n";
    let outcome = all_of_the_laws(&small(), input);
    assert_eq!(words(&outcome.notes), "Hello, Mail, Reset, Hello");
}

#[test]
fn ss01_ss14_nothing_is_smuggled_and_nothing_stored() {
    for inside in [
        &b"\n.\n"[..],
        b"\n.\r\n",
        b"\r.\r",
        b"\r.\n",
        b"\n.\r",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
        b"\r\0\n.\r\n",
        b"\r\n.\r\0\n",
        b"\0\r\n",
        b"\r\n.\r\r\n",
        b"\r\r\n.\r\r\n",
    ] {
        let input = sending(&[b"a", inside, b"MAIL FROM:<evil@x>\r\n.\r\n"].concat());
        let outcome = splits(|| peer(config()), &input);
        let name = inside.escape_ascii();
        let seen = words(&outcome.notes);
        assert!(
            seen.starts_with("Hello, Mail, Rcpt, Data, ") && seen.ends_with("Abort"),
            "{name}: {seen}"
        );
        let text = String::from_utf8(outcome.output).unwrap();
        let tail: Vec<&str> = text.lines().skip(5).collect();
        assert!(
            tail[0].starts_with("550 5.5.2 The message holds a "),
            "{name}: {text}"
        );
        assert_eq!(tail[1..], ["250 2.0.0 OK"], "{name}");
        truncation(
            || peer(config()),
            &input,
            |note| format!("{note:?}").starts_with("MessageEnd"),
        );
    }
}

#[test]
fn ss13_nul_behind_the_end_is_a_bad_command() {
    let outcome = splits(|| peer(config()), &sending(b"a\r\n.\r\n\0"));
    assert!(words(&outcome.notes).ends_with("3 bytes, MessageEnd"));
    assert_eq!(
        last_line(&outcome),
        "500 5.5.2 Wrong: a control character in a command"
    );
}

#[test]
fn kept_bytes_are_kept_and_still_end_nothing() {
    let keep = config().bare(Bare::Keep);
    let outcome = splits(
        || peer(keep.clone()),
        &sending(b"a\n.\nb\rc\0\r\n.\n\r\n.\r\n"),
    );
    let all = Note::data(b"a\n.\nb\rc\0\r\n\n\r\n");
    assert!(outcome.notes.contains(&all), "{outcome:?}");
    assert_eq!(last_line(&outcome), "250 2.0.0 OK");
}

#[test]
fn ss15_plaintext_behind_starttls_is_fatal() {
    let make = || peer(config().starttls(true));
    injection(make, b"EHLO x\r\nSTARTTLS\r\n", b"EHLO inj\r\n");
    // In one segment nothing but a goodbye is said to it.
    let outcome = run(
        &mut make(),
        &Stream::whole(b"EHLO x\r\nSTARTTLS\r\nEHLO inj\r\n"),
    );
    assert_eq!(last_line(&outcome), "421 4.7.0 That is not SMTP, closing");
    assert_eq!(words(&outcome.notes), "Hello");
}

#[test]
fn ss26_http_and_tls_are_shown_the_door() {
    for request in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"POST /x HTTP/1.1\r\nHost: a\r\n\r\nMAIL FROM:<a@b>\r\n",
    ] {
        let goodbye = sticky(|| peer(config()), request);
        let goodbye = String::from_utf8(goodbye).unwrap();
        assert_eq!(goodbye.lines().count(), 2, "{goodbye}");
        assert!(goodbye.ends_with("421 4.7.0 That is not SMTP, closing\r\n"));
        splits(|| peer(config()), request);
    }
    // A TLS ClientHello on a port that speaks in clear.
    splits(|| peer(config()), b"\x16\x03\x01\x02\x00\x01\x00");
    sticky(|| peer(config()), b"\x16");
}

#[test]
fn ss29_a_line_without_end() {
    let mut server = peer(config());
    let outcome = bounds(&mut server, &[b'x'; 1000], 10 << 20, 4096);
    assert!(
        matches!(&outcome.end, End::Error(e) if e.contains("65536 bytes in a command line")),
        "{outcome:?}"
    );
    // One with an end is answered once and survived, however it is cut.
    let long = [&b"HELO c\r\nNOOP "[..], &[b'x'; 100], b"\r\nNOOP\r\n"].concat();
    let outcome = splits(|| peer(small()), &long);
    assert_eq!(last_line(&outcome), "250 2.0.0 OK");
    let endless = [b'y'; 2048 + 65536];
    let outcome = some_splits(&config(), &endless);
    assert!(matches!(outcome.end, End::Error(_)));
    assert!(last_line(&outcome).starts_with("421 4.7.0 "));
    // One byte less is still only long.
    let outcome = some_splits(&config(), &[&endless[1..], b"\nNOOP\r\n"].concat());
    assert_eq!(last_line(&outcome), "250 2.0.0 OK");
}

#[test]
fn ss30_commands_that_lead_nowhere_are_capped() {
    for (command, fits) in [
        ("NOOP\r\n", 100),
        ("RSET\r\n", 100),
        ("VRFY x\r\n", 100),
        ("HELO x\r\n", 100),
        ("XYZ\r\n", 20),
    ] {
        let mut server = peer(config());
        let outcome = bounds(&mut server, command.as_bytes(), 10 << 20, 512);
        assert!(
            matches!(&outcome.end, End::Error(e) if e.contains(&format!("more than {fits} "))),
            "{command}: {outcome:?}"
        );
        assert!(
            outcome
                .output
                .ends_with(b"421 4.7.0 That was too much, closing\r\n")
        );
        sticky(|| peer(config()), command.repeat(101).as_bytes());
    }
    // MAIL and RSET for ever, and a MAIL that is refused for ever.
    for lines in ["MAIL FROM:<a@b>\r\nRSET\r\n", "MAIL FROM:<banned@b>\r\n"] {
        let mut server = peer(config());
        let flood = format!("HELO a\r\n{}", lines.repeat(101));
        let outcome = bounds(&mut server, flood.as_bytes(), 10 << 20, 1 << 16);
        assert!(matches!(outcome.end, End::Error(_)), "{outcome:?}");
    }
    // A message resets the count: RSET before each of many messages is fine.
    let one = "RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n.\r\n";
    let session = format!("HELO a\r\n{}QUIT\r\n", one.repeat(99));
    let outcome = backpressure(|| peer(config()), session.as_bytes(), 1 << 16);
    assert_eq!(last_line(&outcome), "221 2.0.0 Goodbye");
}

/// CHUNKING is not offered: BDAT is any unknown command, its data are commands like any,
/// and it leaves nothing behind that DATA could build on.
#[test]
fn ss17_ss20_bdat_where_there_is_none() {
    let input = b"HELO c\r\nBDAT 6\r\nNOOP\r\nDATA\r\nBDAT 0 LAST\r\nDATA\r\n";
    let outcome = splits(|| peer(config()), input);
    let text = String::from_utf8(outcome.output).unwrap();
    let codes: Vec<&str> = text.lines().skip(2).map(|l| &l[..3]).collect();
    assert_eq!(codes, ["500", "250", "503", "500", "503"]);
    assert_eq!(words(&outcome.notes), "Hello");
    let outcome = bounds(&mut peer(config()), b"BDAT 1\r\n\r\n", 1 << 20, 512);
    assert!(matches!(outcome.end, End::Error(_)));
}

#[test]
fn ss31_recipients_beyond_the_limit_get_452_and_the_rest_its_mail() {
    let rcpt = "RCPT TO:<x@y>\r\n";
    let session = format!(
        "HELO a\r\nMAIL FROM:<a@b>\r\n{}DATA\r\nhi\r\n.\r\n",
        rcpt.repeat(10_000)
    );
    let outcome = backpressure(|| peer(config()), session.as_bytes(), 1 << 16);
    let text = String::from_utf8(outcome.output.clone()).unwrap();
    assert_eq!(text.matches("250 2.1.5 ").count(), 1000);
    assert_eq!(text.matches("452 4.5.3 ").count(), 9000);
    assert_eq!(last_line(&outcome), "250 2.0.0 Stored");
    let endless = format!("HELO a\r\nMAIL FROM:<a@b>\r\n{}", rcpt.repeat(10_001));
    sticky(|| peer(config()), endless.as_bytes());
}

#[test]
fn a_message_that_is_too_large_is_read_on_and_refused() {
    // 40 bytes fit.
    let fits = "x".repeat(38);
    let outcome = splits(
        || peer(small()),
        &sending(format!("{fits}\r\n.\r\n").as_bytes()),
    );
    assert!(words(&outcome.notes).ends_with("40 bytes, MessageEnd"));
    let outcome = splits(
        || peer(small()),
        &sending(format!("x{fits}\r\n.\r\n").as_bytes()),
    );
    assert!(words(&outcome.notes).ends_with("40 bytes, Abort"));
    let text = String::from_utf8(outcome.output.clone()).unwrap();
    assert!(text.contains("\r\n552 5.3.4 "), "{text}");
    assert_eq!(last_line(&outcome), "250 2.0.0 OK");
    // Stuffed dots do not count, and what is bad behind the limit does not matter.
    let dots = format!("{}\n.\n\r\n.\r\n", "..\r\n".repeat(15));
    let outcome = splits(|| peer(small()), &sending(dots.as_bytes()));
    assert!(words(&outcome.notes).ends_with("40 bytes, Abort"));
    assert!(format!("{outcome:?}").contains("TooLarge"));
}

/// Found by fuzzing: where bare CR are kept, the limit may fall between CR and LF.
#[test]
fn the_limit_may_fall_anywhere_in_a_line_end() {
    for policy in [Bare::Reject, Bare::Keep] {
        for fill in 38..=40 {
            let message = format!("{}\r\n.\r\n", "x".repeat(fill));
            let make = || peer(small().bare(policy));
            let outcome = splits(make, &sending(message.as_bytes()));
            assert_eq!(last_line(&outcome), "250 2.0.0 OK", "{fill}");
        }
    }
}

#[test]
fn ss36_every_byte_counts_and_an_endless_message_ends() {
    let mut limits = ServerLimits::default();
    limits.message_size = 1 << 20;
    let config = config().limits(limits);
    let line = [&b">From "[..], &vec![b'x'; (1 << 20) - 5], b"\r\n.\r\n"].concat();
    let outcome = run(&mut peer(config.clone()), &Stream::whole(&sending(&line)));
    assert!(words(&outcome.notes).ends_with("1048576 bytes, Abort"));
    let mut server = peer(config.clone());
    let mut endless = sending(&[b'x'; 100]);
    endless.truncate(endless.len() - 6);
    bounds(&mut server, &endless, endless.len(), 512);
    let outcome = bounds(&mut server, &[b'x'; 70_000], 100 << 20, 512);
    assert!(
        matches!(&outcome.end, End::Error(e) if e.contains("in a message that was refused")),
        "{outcome:?}"
    );
}

#[test]
fn the_end_of_a_refused_message_is_cut_off_at_the_same_byte() {
    let mut limits = ServerLimits::default();
    limits.message_size = 10;
    let most = 2 * 10 + 65536;
    for (fill, ends) in [(most - 5, true), (most - 4, false)] {
        let message = [&vec![b'x'; fill][..], b"\r\n.\r\n"].concat();
        let outcome = some_splits(&config().limits(limits), &sending(&message));
        assert_eq!(outcome.end == End::Waiting, ends, "{outcome:?}");
    }
}

#[test]
fn messages_per_connection_end_in_order() {
    let one = "MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n.\r\n";
    let outcome = splits(
        || peer(small()),
        format!("HELO a\r\n{}", one.repeat(4)).as_bytes(),
    );
    assert_eq!(outcome.end, End::Closed);
    assert_eq!(
        last_line(&outcome),
        "421 4.7.0 Enough messages for one connection"
    );
    assert_eq!(words(&outcome.notes).matches("MessageEnd").count(), 3);
}

#[test]
fn failed_authentications_are_capped() {
    let wrong = "AUTH PLAIN AHgAd3Jvbmc=\r\n";
    let goodbye = sticky(
        || peer(small()),
        format!("EHLO a\r\n{}", wrong.repeat(4)).as_bytes(),
    );
    let text = String::from_utf8(goodbye).unwrap();
    assert_eq!(text.matches("535 5.7.8 ").count(), 4);
    assert!(text.ends_with("421 4.7.0 That was too much, closing\r\n"));
    let fine = format!("EHLO a\r\n{}AUTH PLAIN AHgAc2VjcmV0\r\n", wrong.repeat(3));
    assert_eq!(
        last_line(&splits(|| peer(small()), fine.as_bytes())),
        "235 2.7.0 Authenticated"
    );
}

/// A machine brought to where `input` takes it at time zero.
fn at(config: ServerConfig, input: &[u8]) -> Peer<'static, Server> {
    let mut peer = peer(config);
    bounds(&mut peer, input, input.len(), 1 << 16);
    peer
}

#[test]
fn ss28_one_byte_in_four_minutes_is_too_slow() {
    // In a command: the whole line has five minutes.
    let mut server = at(config(), b"HELO c\r\n").machine;
    let mut now = Instant::from_secs(1);
    let mut input = BytesMut::new();
    let mut bytes = b"NOOP".iter();
    let error = loop {
        let (at, _) = server.deadline().unwrap();
        let next = now + Duration::from_secs(240);
        if at <= next {
            now = at;
            server.expire(now);
            break server.read(now, &mut input).unwrap_err();
        }
        now = next;
        input.extend_from_slice(&[*bytes.next().unwrap()]);
        assert_eq!(server.read(now, &mut input), Ok(Next::NeedInput));
    };
    assert_eq!(now, Instant::from_secs(301));
    assert_eq!(error.to_string(), "timed out: the client's next command");
    assert_eq!(
        server.transmit(now).unwrap(),
        "421 4.4.2 That took too long, closing\r\n"
    );
    // The goodbye has its time too, and no more.
    let (at_linger, _) = server.deadline().unwrap();
    server.expire(at_linger);
    assert_eq!(server.deadline(), None);

    // In a message: a byte in four minutes moves the idle timer, not the pace.
    let mut server = at(
        config(),
        b"HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n",
    )
    .machine;
    let mut now = Instant::from_secs(1);
    let error = loop {
        let (at, _) = server.deadline().unwrap();
        let next = now + Duration::from_secs(240);
        if at <= next {
            now = at;
            server.expire(now);
            break server.read(now, &mut input).unwrap_err();
        }
        now = next;
        let mut input = BytesMut::from("x");
        while let Ok(Next::Event(_)) = server.read(now, &mut input) {}
    };
    assert!(now < Instant::from_secs(310), "{now:?}");
    assert_eq!(error.to_string(), "timed out: the least speed");
}

#[test]
fn a_fast_sender_that_stops_is_dropped_and_a_slow_store_is_not_its_fault() {
    let mut server = at(
        config(),
        b"HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n",
    )
    .machine;
    let mut now = Instant::from_secs(1);
    // The caller takes ten minutes to store each chunk.
    for _ in 0..5 {
        let mut input = BytesMut::from(&[b'x'; 100][..]);
        assert!(matches!(
            server.read(now, &mut input),
            Ok(Next::Event(ServerEvent::Chunk(_)))
        ));
        now = now + Duration::from_secs(600);
        assert_eq!(server.read(now, &mut input), Ok(Next::NeedInput));
        assert!(server.deadline().unwrap().0 > now);
        server.expire(now);
    }
    let mut input = BytesMut::from(&vec![b'x'; 10 << 20][..]);
    assert!(matches!(
        server.read(now, &mut input),
        Ok(Next::Event(ServerEvent::Chunk(_)))
    ));
    assert_eq!(server.read(now, &mut input), Ok(Next::NeedInput));
    assert_eq!(server.deadline().unwrap().0, now + Duration::from_secs(300));
}

#[test]
fn a_slow_sender_that_keeps_the_pace_may_go_on() {
    let head = b"HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n";
    let mut server = at(config(), head).machine;
    let mut now = Instant::from_secs(1);
    for _ in 0..3600 {
        now = now + Duration::from_secs(1);
        assert!(server.deadline().unwrap().0 > now, "{now:?}");
        let mut input = BytesMut::from(&[b'x'; 501][..]);
        while let Ok(Next::Event(_)) = server.read(now, &mut input) {}
    }
}

#[test]
fn nobody_waits_for_a_client_that_never_starts_tls() {
    let mut server = at(config().starttls(true), b"EHLO c\r\nSTARTTLS\r\n").machine;
    let now = Instant::from_secs(1);
    let mut input = BytesMut::new();
    assert_eq!(
        server.read(now, &mut input),
        Ok(Next::Paused(Pause::Upgrade))
    );
    let (at, _) = server.deadline().unwrap();
    assert_eq!(at, Instant::from_secs(301));
    server.expire(at);
    assert!(server.read(at, &mut input).is_err());
    assert_eq!(server.transmit(at), None, "nothing is said in clear");
    server.upgraded(at, Channel::new());
    assert!(server.read(at, &mut input).is_err(), "it stays");
}

#[test]
fn an_idle_connection_is_small() {
    let size = size_of::<Server>();
    assert!(size <= 560, "{size} bytes");
}

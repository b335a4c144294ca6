//! What a hostile client gets.

mod common;

use common::{Store, config, peer, peer_with};
use scop_core::testkit::{End, Side, Stream, converse, run};
use scop_imap_proto::types::{NonSync, Tag};

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
    let input = b"a LOGIN tim secret\r\nb SELECT INBOX\r\nc FETCH 1 (ENVELOPE BODY[])\r\n";
    let outcome = run(&mut peer, &Stream::whole(input));
    let sent = String::from_utf8_lossy(&outcome.output);
    assert!(
        sent.contains("ENVELOPE (NIL {34}\r\nSubject: \"\\)\r\n* BYE"),
        "{sent}"
    );
    // The message itself has as many bytes as it was said to have.
    let literal = [b"BODY[] {34}\r\n", &evil[..29], b"\x80\r\n\r\n"].concat();
    assert!(
        memchr::memmem::find(&outcome.output, &literal).is_some(),
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

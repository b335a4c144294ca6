//! Conversations with the server machine.

mod common;

use common::{Store, config, peer, peer_with};
use scop_core::testkit::{Side, converse};
use scop_imap_proto::server::ServerConfig;

#[test]
fn a_session_from_login_to_logout() {
    converse(
        &mut peer(),
        Side::Server,
        r"
        S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE SASL-IR AUTH=PLAIN] IMAP4rev1 ready
        C: a1 LOGIN tim secret
        S: a1 OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT MOVE] welcome
        C: a2 SELECT inbox
        S: * OK [PERMANENTFLAGS (\\Seen \\Deleted)] can be changed
        S: * OK [UIDVALIDITY 1] UIDs are valid
        S: * OK [UIDNEXT 3] the next UID
        S: * FLAGS (\\Seen \\Deleted)
        S: * 2 EXISTS
        S: * 0 RECENT
        S: a2 OK [READ-WRITE] selected
        C: a3 FETCH 2 (FLAGS UID BODY[])
        S: * 2 FETCH (FLAGS () UID 2 BODY[] {8}
        S: A: b
        S: 
        S: )
        S: a3 OK done
        C: a4 UID FETCH 1:* (BODY.PEEK[]<0.4>)
        S: * 1 FETCH (BODY[]<0> {4}
        S: Subj UID 1)
        S: * 2 FETCH (BODY[]<0> {4}
        S: A: b UID 2)
        S: a4 OK done
        C: a5 STORE 1 +FLAGS (\\Deleted)
        S: * 1 FETCH (FLAGS (\\Deleted))
        S: a5 OK done
        C: a6 EXPUNGE
        S: * 1 EXPUNGE
        S: a6 OK done
        C: a7 APPEND INBOX (\\Seen) {5}
        S: + OK
        C: hello
        S: a7 OK [APPENDUID 1 3] stored
        C: a8 APPEND INBOX {5+}
        C: hello
        S: a8 OK [APPENDUID 1 4] stored
        C: a9 CLOSE
        S: a9 OK done
        C: b1 LOGOUT
        S: * BYE see you
        S: b1 OK done
    ",
    );
}

#[test]
fn what_needs_no_mailbox_is_answered_by_the_machine() {
    let mut config = config();
    config.id = vec![("name".into(), Some("x".into()))];
    converse(
        &mut peer_with(config, Store::new(&[])),
        Side::Server,
        r#"
        S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE SASL-IR AUTH=PLAIN] IMAP4rev1 ready
        C: a CAPABILITY
        S: * CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE SASL-IR AUTH=PLAIN
        S: a OK these
        C: a NOOP
        S: a OK done
        C: a ID NIL
        S: * ID ("name" "x")
        S: a OK so it is
        C: a AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ=
        S: a OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT MOVE] welcome
        C: a NAMESPACE
        S: * NAMESPACE (("" "/")) NIL NIL
        S: a OK done
        C: a LIST "" ""
        S: * LIST (\\Noselect) "/" ""
        S: a OK done
        C: a ENABLE CONDSTORE
        S: * ENABLED
        S: a OK as far as there is any
        C: a IDLE
        S: + idling
        C: done
        S: a OK IDLE is over
    "#,
    );
}

#[test]
fn exchanges_of_authenticate() {
    converse(
        &mut peer(),
        Side::Server,
        r"
        S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE SASL-IR AUTH=PLAIN] IMAP4rev1 ready
        C: a AUTHENTICATE PLAIN
        S: + \
        S: 
        C: *
        S: a BAD AUTHENTICATE is cancelled
        C: a AUTHENTICATE PLAIN
        S: + \
        S: 
        C: not base64!
        S: a BAD that is not base64
        C: a AUTHENTICATE GSSAPI
        S: a NO [CANNOT] no such mechanism here
        C: a AUTHENTICATE PLAIN AHRpbQB4
        S: a NO [AUTHENTICATIONFAILED] no
        C: a AUTHENTICATE PLAIN eHg=
        S: a NO [AUTHENTICATIONFAILED] that is nobody
        C: a AUTHENTICATE PLAIN
        S: + \
        S: 
        C: AHRpbQBzZWNyZXQ=
        S: a OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT MOVE] welcome
    ",
    );
}

#[test]
fn is07_passwords_wait_for_tls_and_starttls_for_no_login() {
    let mut secure = ServerConfig::new();
    secure.starttls = true;
    converse(
        &mut peer_with(secure, Store::new(&[])),
        Side::Server,
        r"
        S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE SASL-IR STARTTLS LOGINDISABLED] IMAP4rev1 ready
        C: a LOGIN tim secret
        S: a NO [PRIVACYREQUIRED] not without TLS
        C: a LOGIN {3}
        S: a NO [PRIVACYREQUIRED] not without TLS
        C: a LOGIN {3+}
        C: tim {6+}
        C: secret
        S: a NO [PRIVACYREQUIRED] not without TLS
        C: a AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ=
        S: a NO [PRIVACYREQUIRED] not without TLS
        C: a STARTTLS
        S: a OK begin TLS
    ",
    );
    let mut open = config();
    open.starttls = true;
    converse(
        &mut peer_with(open, Store::new(&[])),
        Side::Server,
        r"
        S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE SASL-IR STARTTLS AUTH=PLAIN] IMAP4rev1 ready
        C: a LOGIN tim secret
        S: a OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT MOVE] welcome
        C: a STARTTLS
        S: a BAD not in this state
    ",
    );
}

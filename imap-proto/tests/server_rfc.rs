//! The sample session of RFC 3501 section 8. Ours differs in four lines: the greeting
//! and the answer to LOGIN tell the capabilities, and the last two are said by the
//! machine itself.

use bytes::Bytes;
use scop_core::testkit::{Note, Peer, Side, converse};
use scop_imap_proto::{
    command::{Command, FetchAttribute},
    response::{
        Address, BodyStructure, Code, Condition, Data, Envelope, Fetch, FetchItem, Media, Part,
        RespText, Value,
    },
    server::{Server, ServerConfig, ServerEvent},
    types::{DateTime, Flag},
};

const HEADER: &str = "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n\
    From: Terry Gray <gray@cac.washington.edu>\r\n\
    Subject: IMAP4rev1 WG mtg summary and minutes\r\n\
    To: imap@cac.washington.edu\r\n\
    cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n\
    Message-Id: <B27397-0100000@cac.washington.edu>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\
    \r\n";

fn address(name: Option<&'static str>, mailbox: &'static str, host: &'static str) -> Address {
    let text = |t: &'static str| Some(Bytes::from(t));
    Address {
        name: name.and_then(text),
        adl: None,
        mailbox: text(mailbox),
        host: text(host),
    }
}

fn envelope() -> Envelope {
    let terry = vec![address(Some("Terry Gray"), "gray", "cac.washington.edu")];
    Envelope {
        date: Some("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)".into()),
        subject: Some("IMAP4rev1 WG mtg summary and minutes".into()),
        from: terry.clone(),
        sender: terry.clone(),
        reply_to: terry,
        to: vec![address(None, "imap", "cac.washington.edu")],
        cc: vec![
            address(None, "minutes", "CNRI.Reston.VA.US"),
            address(Some("John Klensin"), "KLENSIN", "MIT.EDU"),
        ],
        message_id: Some("<B27397-0100000@cac.washington.edu>".into()),
        ..Envelope::default()
    }
}

fn structure() -> BodyStructure {
    BodyStructure::Single(Part {
        media: Media::Text {
            subtype: "PLAIN".into(),
            lines: 92,
        },
        parameters: vec![("CHARSET".into(), "US-ASCII".into())],
        id: None,
        description: None,
        encoding: "7BIT".into(),
        octets: 3028,
        extension: None,
    })
}

fn item(attribute: &FetchAttribute) -> FetchItem {
    match attribute {
        FetchAttribute::Flags => FetchItem::Flags(vec![Flag::Seen]),
        FetchAttribute::InternalDate => {
            FetchItem::InternalDate(DateTime::from_unix(837_596_665, -420).unwrap())
        }
        FetchAttribute::Rfc822Size => FetchItem::Rfc822Size(4286),
        FetchAttribute::Envelope => FetchItem::Envelope(Box::new(envelope())),
        FetchAttribute::Body => FetchItem::Body(Box::new(structure())),
        FetchAttribute::Section { section, .. } => FetchItem::Section {
            section: section.clone(),
            origin: None,
            value: Value::Streamed(HEADER.len() as u64),
        },
        other => panic!("{other}"),
    }
}

fn answer(server: &mut Server, event: &ServerEvent) {
    let note = |text: &str, code| RespText::new(text).with(code);
    let (tag, text) = match event {
        ServerEvent::Login { tag, .. } => (tag, RespText::new("LOGIN completed")),
        ServerEvent::Command { tag, command } => match command {
            Command::Select(_) => {
                let flags = [
                    Flag::Answered,
                    Flag::Flagged,
                    Flag::Deleted,
                    Flag::Seen,
                    Flag::Draft,
                ];
                server.data(&Data::Exists(18)).unwrap();
                server.data(&Data::Flags(flags.to_vec())).unwrap();
                server.data(&Data::Recent(2)).unwrap();
                for text in [
                    note(
                        "Message 17 is the first unseen message",
                        Code::Unseen(17.try_into().unwrap()),
                    ),
                    note(
                        "UIDs valid",
                        Code::UidValidity(3_857_529_045.try_into().unwrap()),
                    ),
                ] {
                    server.condition(Condition::Ok, text).unwrap();
                }
                (tag, note("SELECT completed", Code::ReadWrite))
            }
            Command::Fetch(fetch) => {
                server
                    .data(&Data::Fetch(Fetch {
                        number: 12.try_into().unwrap(),
                        items: fetch.attributes.iter().map(item).collect(),
                    }))
                    .unwrap();
                if server.body_left() > 0 {
                    server
                        .body(&mut Bytes::from_static(HEADER.as_bytes()))
                        .unwrap();
                }
                (tag, RespText::new("FETCH completed"))
            }
            Command::Store(_) => {
                server
                    .data(&Data::Fetch(Fetch {
                        number: 12.try_into().unwrap(),
                        items: vec![FetchItem::Flags(vec![Flag::Seen, Flag::Deleted])],
                    }))
                    .unwrap();
                (tag, RespText::new("+FLAGS completed"))
            }
            other => panic!("{other:?}"),
        },
        _ => return,
    };
    server.done(tag, Condition::Ok, text).unwrap();
}

#[test]
fn the_sample_session_of_section_8() {
    let mut config = ServerConfig::new();
    config.login_in_clear = true;
    let mut peer = Peer::new(Server::new(config), |server: &mut Server, _, event| {
        answer(server, &event);
        Note::event(&event)
    });
    converse(
        &mut peer,
        Side::Server,
        r#"
        S: * OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE SASL-IR AUTH=PLAIN] IMAP4rev1 ready
        C: a001 login mrc secret
        S: a001 OK [CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS UNSELECT MOVE] LOGIN completed
        C: a002 select inbox
        S: * 18 EXISTS
        S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
        S: * 2 RECENT
        S: * OK [UNSEEN 17] Message 17 is the first unseen message
        S: * OK [UIDVALIDITY 3857529045] UIDs valid
        S: a002 OK [READ-WRITE] SELECT completed
        C: a003 fetch 12 full
        S: * 12 FETCH (FLAGS (\\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" \
        S: RFC822.SIZE 4286 ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" \
        S: "IMAP4rev1 WG mtg summary and minutes" \
        S: (("Terry Gray" NIL "gray" "cac.washington.edu")) \
        S: (("Terry Gray" NIL "gray" "cac.washington.edu")) \
        S: (("Terry Gray" NIL "gray" "cac.washington.edu")) \
        S: ((NIL NIL "imap" "cac.washington.edu")) \
        S: ((NIL NIL "minutes" "CNRI.Reston.VA.US")\
        S: ("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL \
        S: "<B27397-0100000@cac.washington.edu>") \
        S: BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 \
        S: 92))
        S: a003 OK FETCH completed
        C: a004 fetch 12 body[header]
        S: * 12 FETCH (BODY[HEADER] {342}
        S: Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
        S: From: Terry Gray <gray@cac.washington.edu>
        S: Subject: IMAP4rev1 WG mtg summary and minutes
        S: To: imap@cac.washington.edu
        S: cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
        S: Message-Id: <B27397-0100000@cac.washington.edu>
        S: MIME-Version: 1.0
        S: Content-Type: TEXT/PLAIN; CHARSET=US-ASCII
        S:
        S: )
        S: a004 OK FETCH completed
        C: a005 store 12 +flags \\deleted
        S: * 12 FETCH (FLAGS (\\Seen \\Deleted))
        S: a005 OK +FLAGS completed
        C: a006 logout
        S: * BYE see you
        S: a006 OK done
    "#,
    );
}

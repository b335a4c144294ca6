//! Commands, read and written.

use bytes::BytesMut;
use proptest::prelude::*;
use scop_core::{Instant, Machine, Next};
use scop_imap_proto::{
    command::{
        Append, Authenticate, Command, Copy, Fetch, FetchAttribute, Login, Search, SearchKey,
        StatusAttribute, Store, StoreAction,
    },
    response::{Condition, RespText},
    server::{Server, ServerConfig, ServerEvent},
    types::{
        Atom, Capability, Chars, Date, DateTime, FieldNames, Flag, Mailbox, NonSync, Partial,
        Pattern, Section, SectionText, SeqNumber, SeqRange, SequenceSet, Tag,
    },
};
use scop_sasl::Secret;

fn parse(line: &str) -> Command<'static> {
    let (tag, command) = Command::parse(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e}"));
    assert_eq!(tag.as_str(), "a");
    command.into_owned()
}

/// What is read, written again: canonical lines come back as they were.
#[test]
fn every_command_comes_back() {
    for line in [
        "a CAPABILITY",
        "a NOOP",
        "a LOGOUT",
        "a STARTTLS",
        "a CHECK",
        "a CLOSE",
        "a UNSELECT",
        "a EXPUNGE",
        "a IDLE",
        "a NAMESPACE",
        "a ID NIL",
        "a ID (\"name\" \"x\" \"version\" NIL)",
        "a ID ()",
        "a LOGIN tim \"tan sta\"",
        "a LOGIN {3}\r\nt\u{fc} {4}\r\n\u{fc}\u{fc}",
        "a AUTHENTICATE PLAIN",
        "a AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ=",
        "a AUTHENTICATE EXTERNAL =",
        "a ENABLE CONDSTORE X-GOOD-IDEA",
        "a SELECT INBOX",
        "a EXAMINE Entw&APw-rfe",
        "a CREATE \"a b/c\"",
        "a DELETE blurdybloop",
        "a RENAME INBOX old-mail",
        "a SUBSCRIBE #news.comp.mail.mime",
        "a UNSUBSCRIBE \"nil\"",
        "a LIST \"\" \"%\"",
        "a LSUB #news. \"comp.mail.*\"",
        "a STATUS blurdybloop (UIDNEXT MESSAGES RECENT UIDVALIDITY UNSEEN)",
        "a APPEND saved-messages (\\Seen $Forwarded) {310}",
        "a APPEND INBOX \" 7-Feb-1994 21:52:25 -0800\" {310}",
        "a APPEND INBOX {0}",
        "a UID EXPUNGE 3000:3002",
        "a SEARCH ALL",
        "a SEARCH CHARSET UTF-8 TEXT {6}\r\n\u{43c}\u{43c}\u{43c}",
        "a SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM Smith",
        "a UID SEARCH OR (SEEN 1:4,7:*) NOT (UID 3 LARGER 100) HEADER \"\" x",
        "a SEARCH SENTON 1-Feb-1994 KEYWORD $Junk UNKEYWORD x BCC \"\" SMALLER 5",
        "a FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])",
        "a UID FETCH 1:* (UID RFC822 RFC822.HEADER RFC822.SIZE RFC822.TEXT ENVELOPE BODY BODYSTRUCTURE)",
        "a FETCH * (BODY.PEEK[1.2.MIME]<0.2048> BODY[]<7.1> INTERNALDATE)",
        "a STORE 2:4 +FLAGS (\\Deleted)",
        "a UID STORE 2 -FLAGS.SILENT (\\Flagged \\Draft \\Answered \\Seen \\X)",
        "a STORE 1 FLAGS ()",
        "a COPY 2:4 MEETING",
        "a UID COPY 2:4 MEETING",
        "a MOVE 2:4 MEETING",
        "a UID MOVE 42:69 foo",
    ] {
        let line = format!("{line}\r\n");
        let tag = Tag::new("a").unwrap();
        let again = parse(&line).encode(&tag, NonSync::Never);
        assert_eq!(String::from_utf8_lossy(again.bytes()), line);
    }
}

#[test]
fn what_clients_write_otherwise() {
    for (line, canonical) in [
        ("a noop ", "a NOOP"),
        ("a Uid Fetch 1 Flags", "a UID FETCH 1 (FLAGS)"),
        (
            "a fetch 1 full",
            "a FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)",
        ),
        (
            "a fetch 1 FAST ",
            "a FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)",
        ),
        (
            "a fetch 1 all",
            "a FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)",
        ),
        (
            "a fetch 1 body.peek[header.fields (\"date\")]",
            "a FETCH 1 (BODY.PEEK[HEADER.FIELDS (date)])",
        ),
        (
            "a store 1 +flags \\deleted \\Seen",
            "a STORE 1 +FLAGS (\\Deleted \\Seen)",
        ),
        ("a store 1 flags (\\Recent x)", "a STORE 1 FLAGS (x)"),
        ("a select \"inbox\"", "a SELECT INBOX"),
        ("a select {5}\r\ninbox", "a SELECT INBOX"),
        ("a select {5+}\r\ninbox", "a SELECT INBOX"),
        ("a list \"\" *", "a LIST \"\" \"*\""),
        ("a list {0}\r\n {1}\r\n%", "a LIST \"\" \"%\""),
        (
            "a search since \"1-feb-1994\" 1:*",
            "a SEARCH SINCE 1-Feb-1994 1:*",
        ),
        ("a login \"tim\" tan}", "a LOGIN tim tan}"),
        ("a append x {3+}", "a APPEND x {3}"),
    ] {
        let tag = Tag::new("a").unwrap();
        let again = parse(&format!("{line}\r\n")).encode(&tag, NonSync::Never);
        assert_eq!(
            String::from_utf8_lossy(again.bytes()),
            format!("{canonical}\r\n")
        );
    }
    assert_eq!(
        parse("a XYZZY (what {3}\r\nabc)\r\n"),
        Command::Unknown(Atom::new("XYZZY").unwrap())
    );
    assert_eq!(
        parse("a UID XYZZY 1\r\n"),
        Command::Unknown(Atom::new("UID").unwrap())
    );
}

#[test]
fn what_is_no_command() {
    for line in [
        "",
        " ",
        "a",
        "a ",
        "a  NOOP",
        "+ NOOP",
        "a NOOP x",
        "a SELECT",
        "a SELECT ",
        "a SELECT \"\"",
        "a SELECT a b",
        "a SELECT a*",
        "a SELECT &",
        "a SELECT \u{fc}",
        "a SELECT \"\u{fc}\"",
        "a SELECT {3}\r\na\0b",
        "a SELECT {3}\r\na\r\n",
        "a SELECT \"a",
        "a LOGIN tim",
        "a LOGIN tim a b",
        "a LOGIN {9}\r\ntim x",
        "a STATUS x",
        "a STATUS x ()",
        "a STATUS x (FOO)",
        "a STATUS x (MESSAGES",
        "a APPEND x",
        "a APPEND x ()",
        "a APPEND x abc",
        "a APPEND x {18446744073709551616}",
        "a APPEND x {-1}",
        "a APPEND x \"1-Foo-1994 21:52:25 -0800\" {3}",
        "a FETCH 0 FLAGS",
        "a FETCH 1 ()",
        "a FETCH 1 (FLAGS",
        "a FETCH 1 FOO",
        "a FETCH 1 (FLAGS ALL)",
        "a FETCH 1 BODY[",
        "a FETCH 1 BODY[MIME]",
        "a FETCH 1 BODY[]<1>",
        "a STORE 1 FLAGS",
        "a STORE 1 FLAGS (\\)",
        "a STORE 1 FOO (x)",
        "a SEARCH",
        "a SEARCH ",
        "a SEARCH FOO",
        "a SEARCH NOT",
        "a SEARCH OR SEEN",
        "a SEARCH (",
        "a SEARCH ()",
        "a SEARCH (SEEN",
        "a SEARCH SINCE x",
        "a SEARCH TEXT",
        "a SEARCH CHARSET x",
        "a SEARCH TEXT {1}\r\n\0",
        "a COPY 1",
        "a UID EXPUNGE",
        "a ID",
        "a ID (x)",
        "a ID (\"x\")",
        "a AUTHENTICATE",
        "a AUTHENTICATE PLAIN a b",
        "a AUTHENTICATE PLAIN {3}\r\nabc",
        "a ENABLE",
        "a ENABLE (x)",
        "a RENAME x",
        "a LIST \"\"",
        "a \u{1}",
        "\u{1} NOOP",
    ] {
        assert!(
            Command::parse(format!("{line}\r\n").as_bytes()).is_err(),
            "{line:?}"
        );
    }
}

#[test]
fn keys_nest_to_a_limit() {
    let nested = |n: usize| format!("a SEARCH {}SEEN{}\r\n", "(".repeat(n), ")".repeat(n));
    assert!(Command::parse(nested(49).as_bytes()).is_ok());
    assert!(Command::parse(nested(50).as_bytes()).is_err());
    let nots = format!("a SEARCH {}SEEN\r\n", "NOT ".repeat(100_000));
    assert!(Command::parse(nots.as_bytes()).is_err());
    let ors = format!("a SEARCH {}\r\n", "OR ".repeat(100_000));
    assert!(Command::parse(ors.as_bytes()).is_err());
}

#[test]
fn a_set_of_everything_costs_nothing() {
    let Command::Fetch(fetch) = parse("a UID FETCH 1:4294967295 FLAGS\r\n") else {
        panic!("not a FETCH")
    };
    assert_eq!(fetch.set.ranges().len(), 1);
}

#[test]
fn secrets_are_not_shown() {
    for line in [
        "a LOGIN tim hunter2\r\n",
        "a AUTHENTICATE PLAIN aHVudGVyMg==\r\n",
    ] {
        let shown = format!("{:?}", parse(line));
        assert!(
            !shown.contains("hunter2") && !shown.contains("aHVudGVyMg"),
            "{shown}"
        );
    }
}

#[test]
fn a_client_waits_where_it_must() {
    let tag = Tag::new("a").unwrap();
    let login = Command::Login(Login::new("tü".as_bytes(), Secret::from("x\r\ny")).unwrap());
    let pieces = login.encode(&tag, NonSync::Never);
    let shown: Vec<_> = pieces
        .iter()
        .map(|p| p.escape_ascii().to_string())
        .collect();
    assert_eq!(
        shown,
        [
            "a LOGIN {3}\\r\\n",
            "t\\xc3\\xbc {4}\\r\\n",
            "x\\r\\ny\\r\\n"
        ]
    );
    let pieces = login.encode(&tag, NonSync::Minus);
    assert_eq!(pieces.iter().count(), 1);
    assert_eq!(
        pieces.bytes(),
        b"a LOGIN {3+}\r\nt\xc3\xbc {4+}\r\nx\r\ny\r\n"
    );
    let append = |size| {
        Command::Append(Append {
            mailbox: Mailbox::INBOX,
            flags: vec![Flag::Recent, Flag::Seen, Flag::Any],
            date: None,
            size,
        })
    };
    let pieces = append(4097).encode(&tag, NonSync::Minus);
    assert_eq!(pieces.bytes(), b"a APPEND INBOX (\\Seen) {4097}\r\n");
    assert_eq!(pieces.borders(), [pieces.bytes().len()]);
    let pieces = append(4097).encode(&tag, NonSync::Plus);
    assert_eq!(
        (pieces.bytes(), pieces.borders()),
        (&b"a APPEND INBOX (\\Seen) {4097+}\r\n"[..], &[][..])
    );
}

/// Law 10: what could break framing cannot be built.
#[test]
fn no_value_injects_a_command() {
    assert!(Login::new(&b"tim\0"[..], Secret::from("x")).is_err());
    assert!(Login::new(&b"tim"[..], Secret::from("x\0")).is_err());
    assert!(Chars::new(&b"\0"[..]).is_err());
    assert!(Mailbox::new("x\r\na LOGOUT").is_err());
    assert!(Pattern::new("*\r\na LOGOUT").is_err());
    assert!(Atom::new("x y").is_err() && Tag::new("a b").is_err());
    assert!(Capability::new("X\r\na LOGOUT").is_err());
    assert!(Section::header_fields(&[], ["x)]\r\na LOGOUT"]).is_err());
    // A CRLF where a string may have one goes in a literal, which is counted.
    let key = SearchKey::Text(Chars::new(&b"x\r\na LOGOUT"[..]).unwrap());
    let search = Command::Search(Search {
        charset: None,
        keys: vec![key],
        uid: false,
    });
    let pieces = search.encode(&Tag::new("a").unwrap(), NonSync::Plus);
    assert_eq!(pieces.bytes(), b"a SEARCH TEXT {11+}\r\nx\r\na LOGOUT\r\n");
}

// What follows makes any command there is.

fn chars() -> impl Strategy<Value = Chars<'static>> {
    prop_oneof![
        prop::collection::vec(1u8.., 0..12).boxed(),
        "[a-z{}()\"\\\\ ]{0,8}".prop_map(String::into_bytes).boxed(),
        Just(b"nil".to_vec()).boxed(),
    ]
    .prop_map(|b| Chars::new(b).unwrap())
}

fn atom() -> impl Strategy<Value = Atom<'static>> {
    "[a-zA-Z0-9$+.=-]{1,8}".prop_map(|a| Atom::new(a).unwrap())
}

fn mailbox() -> impl Strategy<Value = Mailbox<'static>> {
    "(INBOX|[a-zA-Z/. &äЖ日😀\"\\\\%*{}()~-]{1,10})".prop_map(|m| Mailbox::new(m).unwrap())
}

fn number() -> impl Strategy<Value = SeqNumber> {
    prop_oneof![
        Just(SeqNumber::Largest),
        (1u32..).prop_map(|n| SeqNumber::Number(n.try_into().unwrap())),
    ]
}

fn set() -> impl Strategy<Value = SequenceSet> {
    let range = (number(), number()).prop_map(|(first, last)| SeqRange { first, last });
    prop::collection::vec(range, 1..4).prop_map(|r| SequenceSet::new(r).unwrap())
}

fn flags() -> impl Strategy<Value = Vec<Flag<'static>>> {
    let flag = prop_oneof![
        Just(Flag::Seen),
        Just(Flag::Deleted),
        Just(Flag::Draft),
        atom().prop_map(Flag::Keyword),
        "X[a-z]{1,5}".prop_map(|x| Flag::Extension(Atom::new(x).unwrap())),
    ];
    prop::collection::vec(flag, 0..4)
}

fn date() -> impl Strategy<Value = Date> {
    (-719_528i64..2_932_896).prop_map(|d| Date::from_days_since_epoch(d).unwrap())
}

fn date_time() -> impl Strategy<Value = DateTime> {
    (0i64..4_000_000_000, -720i16..720).prop_map(|(s, z)| DateTime::from_unix(s, z).unwrap())
}

fn section() -> impl Strategy<Value = Section> {
    let part = prop::collection::vec((1u32..).prop_map(|n| n.try_into().unwrap()), 0..4);
    let names = prop::collection::vec("[!-9;-~]{1,6}", 1..3);
    let text = prop_oneof![
        Just(None),
        Just(Some(SectionText::Header)),
        Just(Some(SectionText::Text)),
        (any::<bool>(), names).prop_map(|(not, names)| Some(SectionText::HeaderFields {
            not,
            names: FieldNames::new(names).unwrap(),
        })),
    ];
    (part, text).prop_map(|(part, text)| {
        let mime = part.len() == 3 && text.is_none();
        Section::new(&part, if mime { Some(SectionText::Mime) } else { text }).unwrap()
    })
}

fn attribute() -> impl Strategy<Value = FetchAttribute> {
    let partial = (any::<u32>(), 1u32..).prop_map(|(offset, length)| Partial {
        offset,
        length: length.try_into().unwrap(),
    });
    prop_oneof![
        prop::sample::select(vec![
            FetchAttribute::Body,
            FetchAttribute::BodyStructure,
            FetchAttribute::Envelope,
            FetchAttribute::Flags,
            FetchAttribute::InternalDate,
            FetchAttribute::Rfc822,
            FetchAttribute::Rfc822Header,
            FetchAttribute::Rfc822Size,
            FetchAttribute::Rfc822Text,
            FetchAttribute::Uid,
        ]),
        (section(), prop::option::of(partial), any::<bool>()).prop_map(
            |(section, partial, peek)| {
                FetchAttribute::Section {
                    section,
                    partial,
                    peek,
                }
            }
        ),
    ]
}

fn key() -> impl Strategy<Value = SearchKey<'static>> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            SearchKey::All,
            SearchKey::Answered,
            SearchKey::Deleted,
            SearchKey::New,
            SearchKey::Old,
            SearchKey::Unseen,
        ]),
        chars().prop_map(SearchKey::Subject),
        chars().prop_map(SearchKey::To),
        (chars(), chars()).prop_map(|(n, t)| SearchKey::Header(n, t)),
        date().prop_map(SearchKey::Before),
        date().prop_map(SearchKey::SentSince),
        atom().prop_map(SearchKey::Unkeyword),
        any::<u32>().prop_map(SearchKey::Larger),
        set().prop_map(SearchKey::Uid),
        set().prop_map(SearchKey::Sequence),
    ];
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|k| SearchKey::Not(Box::new(k))),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| SearchKey::Or(Box::new(a), Box::new(b))),
            prop::collection::vec(inner, 1..3).prop_map(SearchKey::And),
        ]
    })
}

fn command() -> impl Strategy<Value = Command<'static>> {
    let pattern = || "[a-z/%*ä& ]{0,6}".prop_map(|p| Pattern::new(p).unwrap());
    let copy = || {
        (set(), mailbox(), any::<bool>()).prop_map(|(set, mailbox, uid)| Copy { set, mailbox, uid })
    };
    let id = prop::collection::vec((chars(), prop::option::of(chars())), 0..3);
    let status = prop::sample::subsequence(
        vec![
            StatusAttribute::Messages,
            StatusAttribute::UidNext,
            StatusAttribute::Unseen,
        ],
        1..3,
    );
    prop_oneof![
        prop::sample::select(vec![
            Command::Noop,
            Command::Idle,
            Command::Close,
            Command::Expunge
        ]),
        prop::option::of(id).prop_map(Command::Id),
        (chars(), chars()).prop_map(|(user, password)| Command::Login(
            Login::new(user.as_bytes().to_vec(), password.as_bytes().into()).unwrap()
        )),
        (atom(), prop::option::of(chars())).prop_map(|(mechanism, initial)| {
            let initial = initial.map(|i| Secret::from(i.as_bytes()));
            Command::Authenticate(Authenticate::new(mechanism, initial.as_ref()))
        }),
        mailbox().prop_map(Command::Select),
        (mailbox(), mailbox()).prop_map(|(from, to)| Command::Rename { from, to }),
        (mailbox(), pattern())
            .prop_map(|(reference, pattern)| Command::List { reference, pattern }),
        (mailbox(), status).prop_map(|(mailbox, attributes)| Command::Status {
            mailbox,
            attributes
        }),
        (
            mailbox(),
            flags(),
            prop::option::of(date_time()),
            0..u64::MAX / 2
        )
            .prop_map(|(mailbox, flags, date, size)| Command::Append(Append {
                mailbox,
                flags,
                date,
                size
            })),
        (
            prop::option::of(chars()),
            prop::collection::vec(key(), 1..4),
            any::<bool>()
        )
            .prop_map(|(charset, keys, uid)| Command::Search(Search {
                charset,
                keys,
                uid
            })),
        (
            set(),
            prop::collection::vec(attribute(), 1..4),
            any::<bool>()
        )
            .prop_map(|(set, attributes, uid)| Command::Fetch(Fetch {
                set,
                attributes,
                uid
            })),
        (set(), flags(), any::<(bool, bool)>(), 0..3usize).prop_map(
            |(set, flags, (silent, uid), n)| {
                let action = [StoreAction::Replace, StoreAction::Add, StoreAction::Remove][n];
                Command::Store(Store {
                    set,
                    action,
                    silent,
                    flags,
                    uid,
                })
            }
        ),
        copy().prop_map(Command::Copy),
        copy().prop_map(Command::Move),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn what_is_encoded_parses_to_the_same(command in command(), plus in any::<bool>()) {
        let tag = Tag::new("A1.x").unwrap();
        let support = if plus { NonSync::Plus } else { NonSync::Never };
        let pieces = command.encode(&tag, support);
        let (tag_again, again) = Command::parse(pieces.bytes())
            .map_err(|e| TestCaseError::fail(format!("{e}: {}", pieces.bytes().escape_ascii())))?;
        prop_assert_eq!(tag_again, tag);
        prop_assert_eq!(again, command);
    }

    /// The same through the server machine, in any pieces.
    #[test]
    fn what_is_encoded_arrives_at_any_split(
        command in command(), seed in any::<u64>(), longest in 1usize..30,
    ) {
        let tag = Tag::new("A1.x").unwrap();
        let pieces = command.encode(&tag, NonSync::Plus);
        let mut config = ServerConfig::new();
        config.preauthenticated = true;
        let mut server = Server::new(config);
        let now = Instant::ZERO;
        let mut input = BytesMut::from("s SELECT INBOX\r\n");
        let selected = server.read(now, &mut input);
        let Ok(Next::Event(ServerEvent::Command { tag: select, .. })) = selected else {
            panic!("not selected: {selected:?}")
        };
        server.done(&select, Condition::Ok, RespText::new("done")).unwrap();
        let mut rest = pieces.bytes();
        let mut random = seed;
        let event = loop {
            while server.transmit(now).is_some() {}
            match server.read(now, &mut input) {
                Ok(Next::Event(event)) => break Some(event),
                Ok(Next::NeedInput) if !rest.is_empty() => {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let n = (1 + (random >> 33) as usize % longest).min(rest.len());
                    input.extend_from_slice(&rest[..n]);
                    rest = &rest[n..];
                }
                Ok(Next::NeedInput | Next::Closed) | Err(_) => break None,
                Ok(other) => panic!("{other:?}"),
            }
        };
        match event {
            Some(ServerEvent::Command { tag: found, command: again }) => {
                prop_assert_eq!(found, tag);
                prop_assert_eq!(again, command);
            }
            Some(ServerEvent::Append { append, .. }) => {
                prop_assert_eq!(Command::Append(append), command);
            }
            // Answered by the machine: by its kind, its names or its state.
            _ => prop_assert!(!matches!(command, Command::Fetch(_) | Command::Store(_))),
        }
    }

    #[test]
    fn nothing_makes_it_panic(line in prop::collection::vec(prop::sample::select(
        &b"aUIDFETCHSORL 1:*,()[]{}<>.\"\\%+~-&\r\n\0\xff"[..]), 0..60),
        head in prop::sample::select(vec!["a FETCH ", "a SEARCH ", "a APPEND ", "a ID ", "a LIST ", ""])) {
        let mut frame = head.as_bytes().to_vec();
        frame.extend(line);
        let _ = Command::parse(&frame);
    }
}

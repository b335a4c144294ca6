//! What holds of the codec and the reader as a whole.

mod values;

use alloc::{format, string::String, vec, vec::Vec};
use core::num::NonZeroU32;

use bytes::BytesMut;
use proptest::{collection::vec as many, prelude::*, sample::select};
use scop_core::{Fault, Outbox};

use super::*;
use crate::types::Flag;
use values::response;

fn written(response: &Response) -> Vec<u8> {
    let mut out = Outbox::new(usize::MAX);
    response.encode(&mut out);
    let mut all = Vec::new();
    while let Some(chunk) = out.pop() {
        all.extend_from_slice(&chunk);
    }
    all
}

fn data(line: &str) -> Data {
    match Response::parse(format!("{line}\r\n").as_bytes()) {
        Response::Data(data) => data,
        other => panic!("{line} is {other:?}"),
    }
}

fn fetch(items: &str) -> Vec<FetchItem> {
    match data(&format!("* 1 FETCH ({items})")) {
        Data::Fetch(fetch) => fetch.items,
        other => panic!("{items} is {other:?}"),
    }
}

/// All pieces, each chunk joined to one, fed in `cuts`.
fn read(limits: Limits, input: &[u8], cuts: &[usize]) -> (Vec<Piece>, Option<Fault>) {
    let mut reader = Reader::new(limits);
    let (mut buf, mut found, mut from) = (BytesMut::new(), Vec::new(), 0);
    for &cut in cuts.iter().chain([&input.len()]) {
        let cut = cut.clamp(from, input.len());
        buf.extend_from_slice(&input[from..cut]);
        from = cut;
        loop {
            match (reader.next(&mut buf), found.last_mut()) {
                (Ok(None), _) => break,
                (
                    Ok(Some(Piece::Chunk { data: more, left })),
                    Some(Piece::Chunk { data, left: l }),
                ) => {
                    *data = [&data[..], &more].concat().into();
                    *l = left;
                }
                (Ok(Some(piece)), _) => found.push(piece),
                (Err(fault), _) => return (found, Some(fault)),
            }
        }
    }
    (found, None)
}

fn nz(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

#[test]
fn the_examples_of_rfc_3501() {
    // Each comes back as it was written, but for what is equivalent.
    for line in [
        "* OK IMAP4rev1 server ready",
        "* PREAUTH IMAP4rev1 server logged in as Smith",
        "* BYE Autologout; idle for too long",
        "* NO Disk is 98% full, please delete unnecessary data",
        "* BAD Command line too long",
        "A222 NO COPY failed: disk is full",
        "A443 OK [READ-WRITE] Expunge completed",
        "* OK [UNSEEN 12] Message 12 is first unseen",
        "* OK [UIDVALIDITY 3857529045] UIDs valid",
        "* OK [UIDNEXT 4392] Predicted next UID",
        "* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited",
        "* OK [ALERT] System shutdown in 10 minutes",
        "A1 NO [BADCHARSET (UTF-8 US-ASCII)] no",
        "A1 NO [TRYCREATE] no such mailbox",
        "A1 OK [APPENDUID 38505 3955] APPEND completed",
        "A1 OK [COPYUID 38505 304,319:320 3956:3958] Done",
        "A1 NO [REFERRAL imap://user@attacker/] elsewhere",
        "A1 OK [X-UNHEARD OF] well",
        "A1 NO [AUTHENTICATIONFAILED] no",
        "* CAPABILITY IMAP4rev1 STARTTLS AUTH=GSSAPI XPIG-LATIN",
        "* LIST (\\Noselect \\Marked \\Archive) \"/\" ~/Mail/foo",
        "* LSUB () \".\" #news.comp.mail.misc",
        "* LIST () NIL \"a b\"",
        "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 X-SIZE 7)",
        "* SEARCH 2 3 6",
        "* SEARCH",
        "* SEARCH 2 5 (MODSEQ 917162500)",
        "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Junk)",
        "* 23 EXISTS",
        "* 5 RECENT",
        "* 44 EXPUNGE",
        "* ENABLED CONDSTORE",
        "* ID NIL",
        "* ID (\"name\" \"Cyrus\" \"os\" NIL)",
        "* NAMESPACE ((\"\" \"/\")) NIL ((\"#shared/\" \"/\")(\"#public\" NIL))",
        "* 23 FETCH (FLAGS (\\Seen) RFC822.SIZE 44827 UID 7 MODSEQ (12))",
        "* 12 FETCH (BODY[HEADER] {5}\r\na\r\n\r\n BODY[1.2.HEADER.FIELDS (From To)]<7> NIL)",
        "* 12 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")",
        concat!(
            "* 12 FETCH (ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev1 WG mtg\" ",
            "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"gray\" \"a.edu\")) NIL ",
            "((NIL NIL \"imap\" \"cac.washington.edu\")(NIL NIL \"g\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL ",
            "\"<B27397-0100000@cac.washington.edu>\"))",
        ),
        concat!(
            "* 12 FETCH (BODYSTRUCTURE ((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1152 23)",
            "(\"MESSAGE\" \"RFC822\" NIL \"<960723163407.20117h@cac>\" \"Compiler diff\" \"BASE64\" 4554 ",
            "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) (\"IMAGE\" \"PNG\" NIL NIL NIL \"BASE64\" 73 NIL ",
            "(\"attachment\" (\"filename\" \"a.png\")) (\"en\" \"de\") \"x\" (1 \"two\" (NIL))) 12) \"MIXED\" ",
            "(\"BOUNDARY\" \"x\") NIL \"en\" NIL))",
        ),
        "* 1 FETCH (X-GM-LABELS (\\Inbox \"a)b\") FLAGS ())",
        "* XUNHEARD of {5}\r\n) \r\n\" this",
        "+ Ready for additional command text",
    ] {
        let bytes = format!("{line}\r\n").into_bytes();
        let response = Response::parse(&bytes);
        assert_eq!(
            written(&response).escape_ascii().collect::<Vec<_>>(),
            bytes.escape_ascii().collect::<Vec<_>>(),
            "{response:?}"
        );
        assert_eq!(
            read(Limits::default(), &bytes, &[]),
            (vec![Piece::Response(response)], None)
        );
    }
}

#[test]
fn what_real_servers_send() {
    // No text behind the condition or the code.
    for line in ["A1 OK", "A1 OK ", "A1 OK [READ-ONLY]", "A1 OK [READ-ONLY] "] {
        let Response::Tagged {
            condition: Condition::Ok,
            text,
            ..
        } = Response::parse(line.as_bytes())
        else {
            panic!("{line}")
        };
        assert!(text.text.is_empty(), "{line}");
    }
    // Spaces.
    assert_eq!(
        data("* SEARCH 1  2 "),
        Data::Search {
            ids: vec![nz(1), nz(2)],
            mod_seq: None
        }
    );
    assert_eq!(data("* 5 EXISTS "), Data::Exists(5));
    assert_eq!(
        fetch(" UID  7  FLAGS ( \\Seen ) "),
        [FetchItem::Uid(nz(7)), FetchItem::Flags(vec![Flag::Seen])]
    );
    assert!(
        matches!(data("* STATUS \"a\" (MESSAGES 1 )"), Data::Status { items, .. } if items == [StatusItem::Messages(1)])
    );
    // Names of mailboxes.
    assert!(
        matches!(data("* LIST () \"/\" \"a&b\""), Data::List(l) if &*l.mailbox.to_wire() == b"a&b")
    );
    assert!(matches!(data("* LIST () \"\" [Gmail]"), Data::List(l) if l.delimiter.is_none()));
    assert!(matches!(
        data("* LIST (\\Subscribed) \"/\" x (\"CHILDINFO\" (\"SUBSCRIBED\"))"),
        Data::List(_)
    ));
    // Structures.
    let parts = [
        "(\"TEXT\" \"PLAIN\" () NIL NIL NIL -1 NIL)",
        "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 12 NIL (\"inline\" NIL) NIL)",
        "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1) (\"TEXT\" \"HTML\" NIL NIL NIL \"7BIT\" 1 1) \"ALTERNATIVE\" NIL \"inline\")",
        "(\"TEXT\" \"PLAIN\" (\"charset\" NIL) NIL NIL \"7BIT\" 1 1 NIL NIL NIL NIL)",
    ];
    for part in parts {
        let items = fetch(&format!("BODYSTRUCTURE {part} UID 5"));
        assert!(
            matches!(items[..], [FetchItem::BodyStructure(_), FetchItem::Uid(_)]),
            "{part}: {items:?}"
        );
    }
    let items = fetch(
        "ENVELOPE (NIL \"ü\" () \"\" ((NIL NIL a \"b\") (NIL NIL \"c\" \"d\")) NIL NIL NIL NIL NIL)",
    );
    assert!(
        matches!(&items[..], [FetchItem::Envelope(e)] if e.reply_to.len() == 2 && e.subject.as_deref() == Some("ü".as_bytes()))
    );
}

#[test]
fn one_item_that_is_not_understood_costs_no_other() {
    for bad in [
        "X 5",
        "X (a \"b)\" {1}\r\n) (c))",
        "X[1 (a b) \"]\"]<5> {2}\r\n) ",
        "UID 0",
        "UID x",
        "UID 99999999999",
        "FLAGS \\Seen",
        "FLAGS (ü)",
        "ENVELOPE NIL",
        "ENVELOPE (NIL)",
        "BODYSTRUCTURE (1)",
        "INTERNALDATE NIL",
        "BODY[nonsense] \"x\"",
        "BODY[] (1 2)",
        "MODSEQ 5",
        "RFC822.SIZE \"x\"",
        "UID 5x",
        "ü 3",
    ] {
        let items = fetch(&format!("UID 3 {bad} RFC822.SIZE 9"));
        assert!(
            matches!(&items[..], [FetchItem::Uid(_), FetchItem::Unknown(raw), FetchItem::Rfc822Size(9)]
                if raw.as_bytes() == bad.as_bytes()),
            "{bad}: {items:?}"
        );
    }
    // A structure nested beyond the limit.
    let deep = format!(
        "{}(\"A\" \"B\" NIL NIL NIL NIL 0){}",
        "(".repeat(200),
        " \"MIXED\")".repeat(200)
    );
    let items = fetch(&format!("BODYSTRUCTURE {deep} UID 5"));
    assert!(matches!(
        items[..],
        [FetchItem::Unknown(_), FetchItem::Uid(_)]
    ));
    // An end that is missing.
    for rest in ["((", "\"x", "ENVELOPE (\"", "X[", "{", ") )", ") UID 5"] {
        let items = fetch(&format!("UID 3 {rest}"));
        assert!(
            matches!(&items[..], [FetchItem::Uid(_), FetchItem::Unknown(_)]),
            "{rest}: {items:?}"
        );
    }
}

#[test]
fn what_is_no_response_is_kept() {
    for line in [
        "",
        "*",
        "* ",
        "* XYZ",
        "* 5",
        "* 0 EXPUNGE",
        "* 5 XYZ 1",
        "* LIST",
        "* SEARCH 0",
        "* 99999999999 EXISTS",
        "* FLAGS",
        "* CAPABILITY ü",
    ] {
        let response = Response::parse(line.as_bytes());
        assert!(
            matches!(&response, Response::Unknown(raw) | Response::Data(Data::Unknown(raw)) if raw.as_bytes() == line.as_bytes()),
            "{response:?}"
        );
    }
    for line in ["A1", "A1 XYZ", "A1 BYE", "() OK", "A1 PREAUTH x"] {
        assert!(
            matches!(Response::parse(line.as_bytes()), Response::Unknown(_)),
            "{line}"
        );
    }
    // What is not one response cannot be made to look like one.
    for broken in [
        "* X\r\n* BYE",
        "* X {5}",
        "* X {5}\r\nabc",
        "A {1}\r\na",
        "* X {3}\r\nabc\r\n* BYE",
    ] {
        let out = written(&Response::parse(broken.as_bytes()));
        assert_eq!(read(Limits::default(), &out, &[]).0.len(), 1, "{broken}");
    }
}

#[test]
fn text_that_ends_like_a_literal_is_text() {
    let input = b"* OK see {5}\r\nA1 NO [X {3}] {3}\r\n+ {4}\r\n* BYE {1}\r\n";
    assert_eq!(read(Limits::default(), input, &[]).0.len(), 4);
}

#[test]
fn a_stray_line_feed_forges_nothing() {
    let input = b"* 1 FETCH (ENVELOPE (NIL \"a\n* BYE\" NIL NIL NIL NIL NIL NIL NIL NIL))\r\n";
    let (found, fault) = read(Limits::default(), input, &[]);
    assert_eq!((found.len(), fault), (1, None));
}

fn small() -> Limits {
    Limits {
        inline: 4,
        response: 200,
        literal: 1000,
        nesting: 10,
    }
}

#[test]
fn large_literals_of_a_message_stream() {
    let input = b"* 7 FETCH (UID 9 BODY[] {10}\r\n0123456789 FLAGS (\\Seen) RFC822.HEADER {3}\r\nabc BODY[TEXT]<5> {6}\r\nABCDEF)\r\n* 1 EXISTS\r\n";
    let (found, fault) = read(small(), input, &[]);
    assert_eq!(fault, None);
    let [
        Piece::Begin {
            number,
            uid,
            item:
                FetchItem::Section {
                    value: Value::Streamed(10),
                    ..
                },
        },
        Piece::Chunk {
            data: first,
            left: 0,
        },
        Piece::Begin {
            item:
                FetchItem::Section {
                    origin: Some(5),
                    value: Value::Streamed(6),
                    ..
                },
            ..
        },
        Piece::Chunk {
            data: second,
            left: 0,
        },
        Piece::Response(Response::Data(Data::Fetch(fetch))),
        Piece::Response(Response::Data(Data::Exists(1))),
    ] = &found[..]
    else {
        panic!("{found:#?}")
    };
    assert_eq!((number.get(), uid.unwrap().get()), (7, 9));
    assert_eq!(
        (&first[..], &second[..]),
        (&b"0123456789"[..], &b"ABCDEF"[..])
    );
    assert_eq!(fetch.items.len(), 5);
    assert_eq!(
        fetch.items[3],
        FetchItem::Rfc822Header(Value::Inline("abc".into()))
    );
    for cut in 1..input.len() {
        assert_eq!(read(small(), input, &[cut]), (found.clone(), None), "{cut}");
    }
    assert_eq!(
        read(small(), input, &(1..input.len()).collect::<Vec<_>>()),
        (found, None)
    );
}

#[test]
fn a_literal_that_only_looks_like_a_message_is_held() {
    for frame in [
        "* 7 FETCH (X (BODY[] {10}\r\n0123456789) UID 3)\r\n",
        "* 7 FETCH (ENVELOPE (NIL {10}\r\n0123456789 NIL NIL NIL NIL NIL NIL NIL NIL))\r\n",
        "* X BODY[] {10}\r\n0123456789\r\n",
        "* LIST () \"/\" {10}\r\n0123456789\r\n",
        "* 7 FETCH (((( BODY[] {10}\r\n0123456789 BODY[] {10}\r\n0123456789)\r\n",
    ] {
        let (found, fault) = read(small(), frame.as_bytes(), &[]);
        assert!(
            matches!(&found[..], [Piece::Response(_)]),
            "{frame}: {found:?} {fault:?}"
        );
    }
}

#[test]
fn limits_hold_wherever_the_input_is_cut() {
    let long = format!("* OK {}\r\n", "x".repeat(300));
    let cases = [
        (long.as_str(), "more than 200 bytes in a response"),
        ("* X {5000}\r\n", "more than 1000 bytes in a literal"),
        ("* X {500}\r\n", "more than 200 bytes in a response"),
        ("* X {18446744073709551616}\r\n", "63 bits"),
        (
            "* 1 FETCH (BODY[] {1001}\r\n",
            "more than 1000 bytes in a literal",
        ),
    ];
    for (input, expected) in cases {
        let whole = read(small(), input.as_bytes(), &[]);
        assert!(
            format!("{:?}", whole.1.as_ref().map(|f| format!("{f}"))).contains(expected),
            "{input}: {whole:?}"
        );
        let every: Vec<usize> = (1..input.len()).collect();
        assert_eq!(read(small(), input.as_bytes(), &every), whole);
    }
    // What is streamed does not count towards the response; what surrounds it does.
    let many = format!("* 1 FETCH ({})\r\n", "BODY[] {9}\r\n012345678 ".repeat(30));
    let (found, fault) = read(small(), many.as_bytes(), &[]);
    assert!(
        found.len() > 10 && matches!(fault, Some(Fault::Limit(_))),
        "{fault:?}"
    );
}

#[test]
fn ic10_two_hundred_thousand_literals_are_one_pass() {
    // Quadratic work on this would be 10^11 steps; it would not end today.
    let frame = format!("* X {}\r\n", "{0}\r\n".repeat(200_000));
    let (found, fault) = read(
        Limits::default(),
        frame.as_bytes(),
        &(0..frame.len()).step_by(1460).collect::<Vec<_>>(),
    );
    assert_eq!((found.len(), fault), (1, None));
    let frame = format!("* 1 FETCH ({})\r\n", "BODY[] {1}\r\nx ".repeat(50_000));
    let limits = Limits {
        inline: 0,
        ..Limits::default()
    };
    let (found, fault) = read(limits, frame.as_bytes(), &[]);
    assert_eq!((found.len(), fault), (100_001, None));
}

#[test]
fn a_search_of_ten_thousand_in_small_pieces() {
    let ids: Vec<String> = (1..=10_000).map(|n| format!("{n}")).collect();
    let line = format!("* SEARCH {}\r\n", ids.join(" "));
    let (found, _) = read(
        Limits::default(),
        line.as_bytes(),
        &(0..line.len()).step_by(1460).collect::<Vec<_>>(),
    );
    assert!(
        matches!(&found[..], [Piece::Response(Response::Data(Data::Search { ids, .. }))] if ids.len() == 10_000)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_written_reads_back_under_any_split(all in many(response(), 1..4), mut cuts in many(0usize..400, 0..6)) {
        let input: Vec<u8> = all.iter().flat_map(written).collect();
        cuts.sort_unstable();
        let expected: Vec<Piece> = all.into_iter().map(Piece::Response).collect();
        prop_assert_eq!(read(Limits::default(), &input, &cuts), (expected, None));
    }

    #[test]
    fn no_bytes_make_it_panic_and_no_split_matters(
        input in many(prop_oneof![8 => select(vec!["* ", "1 ", "FETCH (", "BODY[] ", "{3}\r\n", "{12}\r\n", "(", ")", "\r\n", "NIL", "\"", "\\", "ENVELOPE ", "BODYSTRUCTURE ", "FLAGS ", "OK [", "] ", "~{0}\r\n", "\n", "LIST "]).prop_map(str::as_bytes), 1 => select(vec![&b"\0"[..], b"\xff", b"{", b"}", b"[", b"<", b"A1 OK"])], 0..40),
        mut cuts in many(0usize..200, 0..6),
    ) {
        let input = input.concat();
        cuts.sort_unstable();
        let whole = read(small(), &input, &[]);
        prop_assert_eq!(&read(small(), &input, &cuts), &whole);
        // What was understood is written as one response again, and understood as the same.
        for piece in whole.0 {
            let Piece::Response(response) = piece else { continue };
            if matches!(&response, Response::Data(Data::Fetch(f)) if f.items.iter().any(|i| matches!(i.value(), Some(Value::Streamed(_))))) {
                continue;
            }
            let again = written(&response);
            let found = read(Limits::default(), &again, &[]);
            prop_assert_eq!(found.0.len(), 1, "{:?}", response);
        }
    }
}

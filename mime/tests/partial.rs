//! Messages in pieces, and data that is somewhere else.

use std::path::Path;

use scop_mime::Message;
use scop_mime::partial::{PartialError, PartialLimits, reassemble};

/// RFC 2046 5.2.2.2.
const ONE: &[u8] = b"X-Weird-Header-1: Foo\nFrom: Bill@host.com\nTo: joe@otherhost.com\n\
    Date: Fri, 26 Mar 1993 12:59:38 -0500 (EST)\nSubject: Audio mail (part 1 of 2)\n\
    Message-ID: <id1@host.com>\nMIME-Version: 1.0\n\
    Content-type: message/partial; id=\"ABC@host.com\";\n              number=1; total=2\n\n\
    X-Weird-Header-1: Bar\nX-Weird-Header-2: Hello\nMessage-ID: <anotherid@foo.com>\nSubject: Audio mail\n\
    MIME-Version: 1.0\nContent-type: audio/basic\nContent-transfer-encoding: base64\n\n\
      ... first half of encoded audio data goes here ...\n";
const TWO: &[u8] =
    b"From: Bill@host.com\nTo: joe@otherhost.com\nDate: Fri, 26 Mar 1993 12:59:38 -0500 (EST)\n\
    Subject: Audio mail (part 2 of 2)\nMIME-Version: 1.0\nMessage-ID: <id2@host.com>\n\
    Content-type: message/partial;\n              id=\"ABC@host.com\"; number=2; total=2\n\n\
      ... second half of encoded audio data goes here ...\n";
const WHOLE: &[u8] = b"X-Weird-Header-1: Foo\nFrom: Bill@host.com\nTo: joe@otherhost.com\n\
    Date: Fri, 26 Mar 1993 12:59:38 -0500 (EST)\nMessage-ID: <anotherid@foo.com>\nSubject: Audio mail\n\
    MIME-Version: 1.0\nContent-type: audio/basic\nContent-transfer-encoding: base64\n\n\
      ... first half of encoded audio data goes here ...\n... second half of encoded audio data goes here ...\n";

fn put(messages: &[&[u8]]) -> Result<Vec<u8>, PartialError> {
    reassemble(messages, &PartialLimits::default()).map(|m| {
        assert_eq!(m.len(), m.to_vec().len() as u64);
        assert_eq!(m.chunks().collect::<Vec<_>>().concat(), m.to_vec());
        m.to_vec()
    })
}

#[test]
fn rfc_2046_example() {
    assert_eq!(put(&[ONE, TWO]).unwrap(), WHOLE);
    assert_eq!(put(&[TWO, ONE]).unwrap(), WHOLE);
    let message = Message::parse(TWO);
    let partial = message.root().partial().unwrap();
    assert_eq!(
        (&*partial.id, partial.number, partial.total),
        ("ABC@host.com", 2, Some(2))
    );
}

fn piece(id: &str, number: &str, total: &str, body: &str) -> Vec<u8> {
    let total = if total.is_empty() {
        String::new()
    } else {
        format!("; total={total}")
    };
    format!("A: {number}\r\nContent-Type: message/partial; id={id}; number={number}{total}\r\n\r\n{body}").into_bytes()
}

#[test]
fn errors_say_what_is_wrong() {
    let all = |pieces: &[Vec<u8>]| put(&pieces.iter().map(|p| &p[..]).collect::<Vec<_>>());
    let p = piece;
    assert_eq!(all(&[]), Err(PartialError::NoTotal));
    assert_eq!(
        all(&[p("a", "1", "", "B: x\r\n\r\n")]),
        Err(PartialError::NoTotal)
    );
    assert_eq!(
        all(&[b"A: b\r\n\r\n".to_vec()]),
        Err(PartialError::NotPartial { index: 0 })
    );
    for number in ["0", "x", "-1", "99999999999"] {
        assert_eq!(
            all(&[p("a", number, "1", "")]),
            Err(PartialError::NotPartial { index: 0 })
        );
    }
    let two = [p("a", "1", "2", "B: x\r\n\r\n"), p("b", "2", "2", "")];
    assert_eq!(all(&two), Err(PartialError::OtherId { index: 1 }));
    let two = [p("a", "1", "2", "B: x\r\n\r\n"), p("a", "2", "3", "")];
    assert_eq!(
        all(&two),
        Err(PartialError::Inconsistent { index: 1, total: 2 })
    );
    let two = [p("a", "3", "", ""), p("a", "2", "2", "")];
    assert_eq!(
        all(&two),
        Err(PartialError::Inconsistent { index: 0, total: 2 })
    );
    let two = [p("a", "1", "2", "B: x\r\n\r\n"), p("a", "1", "", "")];
    assert_eq!(all(&two), Err(PartialError::Duplicate { number: 1 }));
    let some = [p("a", "2", "9", ""), p("a", "5", "", "")];
    assert_eq!(
        all(&some),
        Err(PartialError::Missing {
            first: 1,
            others: 6
        })
    );
    let some = [p("a", "1", "3", "B: x\r\n\r\n"), p("a", "2", "", "")];
    assert_eq!(
        all(&some),
        Err(PartialError::Missing {
            first: 3,
            others: 0
        })
    );
    assert_eq!(
        all(&[p("a", "1", "1", "no header")]),
        Err(PartialError::NoHeader)
    );
    let huge = [p("a", "4000000000", "4000000000", "")];
    assert_eq!(
        all(&huge),
        Err(PartialError::TooLarge {
            what: "fragments",
            limit: 1000
        })
    );
    let tight = PartialLimits {
        octets: 100,
        ..PartialLimits::default()
    };
    assert_eq!(
        reassemble(&[ONE, TWO], &tight),
        Err(PartialError::TooLarge {
            what: "octets",
            limit: 100
        })
    );
    let mut encoded = b"Content-Transfer-Encoding: base64\r\n".to_vec();
    encoded.extend(p("a", "1", "1", "B: x\r\n\r\n"));
    assert_eq!(all(&[encoded]), Err(PartialError::Encoded { index: 0 }));
}

#[test]
fn pieces_are_cut_between_lines() {
    let one = piece("a", "1", "", "Subject: x\r\n\r\nfirst");
    let two = piece("a", "2", "2", "second");
    assert_eq!(
        put(&[&one, &two]).unwrap(),
        b"A: 1\r\nSubject: x\r\n\r\nfirst\r\nsecond"
    );
    // A piece that is only header, and a body that begins in the next one.
    let one = piece("a", "1", "", "Subject: x\r\n");
    let two = piece("a", "2", "2", "body\r\n");
    assert_eq!(
        put(&[&one, &two]).unwrap(),
        b"A: 1\r\nSubject: x\r\n\r\nbody\r\n"
    );
}

#[test]
fn the_pieces_of_mimekit_make_its_messages() {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/mime/jstedfast-MimeKit");
    let Ok(first) = std::fs::read(root.join("partial_message-partial.0.eml")) else {
        println!("no corpus at {}: nothing was tested", root.display());
        return;
    };
    let last = std::fs::read(root.join("partial_message-partial.2.eml")).unwrap();
    let total = Message::parse(&last)
        .root()
        .partial()
        .unwrap()
        .total
        .unwrap();
    let middle: Vec<Vec<u8>> = (1..total - 1)
        .filter_map(|n| std::fs::read(root.join(format!("partial_message-partial.{n}.eml"))).ok())
        .collect();
    let mut all: Vec<&[u8]> = vec![&last, &first];
    all.extend(middle.iter().map(|m| &m[..]));
    match put(&all) {
        Ok(whole) => {
            let message = Message::parse(&whole);
            assert!(message.header().subject().is_some());
            assert!(message.root().partial().is_none());
        }
        Err(error) => assert_eq!(
            error,
            PartialError::Missing {
                first: 2,
                others: 0
            }
        ),
    }
}

#[test]
fn rfc_2046_external_bodies() {
    // Section 5.2.3.7, shortened.
    let text = "Content-type: multipart/alternative; boundary=42\n\n--42\nContent-Type: message/external-body; name=\"BodyFormats.ps\";\n\
        \tsite=\"thumper.bellcore.com\"; mode=\"image\";\n  access-type=ANON-FTP; directory=\"pub\";\n\
        \texpiration=\"Fri, 14 Jun 1991 19:13:14 -0400 (EDT)\"; size=100; permission=Read-Write\n\n\
        Content-type: application/postscript\nContent-ID: <id42@guppylake.bellcore.com>\n\n\
        --42\nContent-Type: message/external-body; access-type=mail-server\n\tserver=\"listserv@bogus.bitnet\"; subject=x\n\n\
        Content-type: application/postscript\nContent-ID: <id42@guppylake.bellcore.com>\n\nget RFC-MIME.DOC\n\
        --42\nContent-Type: message/external-body; access-type=URL; URL=\"ftp://a.test/\n b.ps\"\n\n\n--42--\n";
    let message = Message::parse(text.as_bytes());
    let external = message.part_at("1").unwrap().external_body().unwrap();
    assert_eq!(external.access_type(), "anon-ftp");
    assert_eq!(
        (external.name(), external.site()),
        (Some("BodyFormats.ps"), Some("thumper.bellcore.com"))
    );
    assert_eq!(
        (external.directory(), external.mode().as_deref()),
        (Some("pub"), Some("image"))
    );
    assert_eq!(
        external.expiration().unwrap().to_string(),
        "1991-06-14T19:13:14-04:00"
    );
    assert_eq!((external.size(), external.is_writable()), (Some(100), true));
    let phantom = external.phantom();
    assert_eq!(
        phantom.root().content_type().essence(),
        "application/postscript"
    );
    assert_eq!(
        phantom.root().content_id().as_deref(),
        Some("id42@guppylake.bellcore.com")
    );
    let external = message.part_at("2").unwrap().external_body().unwrap();
    assert_eq!(external.server(), Some("listserv@bogus.bitnet"));
    assert_eq!(external.phantom().root().body(), b"get RFC-MIME.DOC");
    let external = message.part_at("3").unwrap().external_body().unwrap();
    assert_eq!(external.url().as_deref(), Some("ftp://a.test/b.ps"));
    assert!(message.root().external_body().is_none());
}

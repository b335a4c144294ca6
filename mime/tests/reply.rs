//! Replies: whom they go to, and what conversation they belong to.

use scop_mime::build::{Builder, Mailbox, ReplyTo};
use scop_mime::{DateTime, Message};

fn reply(message: &str, to: ReplyTo) -> String {
    let me = Mailbox::new("me@b.test").unwrap();
    let now = DateTime::from_unix(1_700_000_000, 0).unwrap();
    let message = Message::parse(message.as_bytes());
    let built = Builder::reply(&message.header(), me, now, to).build();
    let text = String::from_utf8(built.into_vec()).unwrap();
    assert!(
        Message::parse(text.as_bytes()).inspect().is_empty(),
        "{text}"
    );
    let lines = text.split("\r\n").skip(2);
    let lines = lines.take_while(|line| !line.starts_with("MIME-Version"));
    lines.collect::<Vec<_>>().join("\n")
}

/// RFC 5322 appendix A.2.
#[test]
fn rfc5322_a_2() {
    let first = "From: John Doe <jdoe@machine.example>\r\nTo: Mary Smith <mary@example.net>\r\nSubject: Saying Hello\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <1234@local.machine.example>\r\n\r\n";
    assert_eq!(
        reply(first, ReplyTo::Author),
        "To: John Doe <jdoe@machine.example>\nSubject: Re: Saying Hello\nIn-Reply-To: <1234@local.machine.example>\nReferences: <1234@local.machine.example>"
    );
    let second = "From: Mary Smith <mary@example.net>\r\nTo: John Doe <jdoe@machine.example>\r\nReply-To: \"Mary Smith: Personal Account\" <smith@home.example>\r\nSubject: Re: Saying Hello\r\nMessage-ID: <3456@example.net>\r\nIn-Reply-To: <1234@local.machine.example>\r\nReferences: <1234@local.machine.example>\r\n\r\n";
    assert_eq!(
        reply(second, ReplyTo::Author),
        "To: \"Mary Smith: Personal Account\" <smith@home.example>\nSubject: Re: Saying Hello\nIn-Reply-To: <3456@example.net>\nReferences: <1234@local.machine.example> <3456@example.net>"
    );
}

#[test]
fn everyone_is_nobody_twice() {
    let message = "From: Ann <ann@a.test>\r\nTo: ME@b.test, cy@c.test, Friends: dee@d.test, ANN@a.test;\r\nCc: cy@C.test, broken, eve@e.test\r\n\r\n";
    assert_eq!(
        reply(message, ReplyTo::Everyone),
        "To: Ann <ann@a.test>\nCc: cy@c.test, dee@d.test, eve@e.test\nSubject: Re:"
    );
    // My own: to those it was for.
    let mine = "From: me@b.test\r\nTo: cy@c.test\r\nCc: dee@d.test\r\nSubject: x\r\n\r\n";
    assert_eq!(
        reply(mine, ReplyTo::Author),
        "To: cy@c.test\nSubject: Re: x"
    );
    assert_eq!(
        reply(mine, ReplyTo::Everyone),
        "To: cy@c.test\nCc: dee@d.test\nSubject: Re: x"
    );
}

#[test]
fn lists() {
    let post = |value: &str| {
        let message = format!("From: ann@a.test\r\nList-Post: {value}\r\nSubject: x\r\n\r\n");
        let text = reply(&message, ReplyTo::List);
        text.lines().next().unwrap().to_owned()
    };
    assert_eq!(post("<mailto:list@l.test?subject=y>"), "To: list@l.test");
    assert_eq!(
        post("<https://l.test/>, <mailto:a%2Bb@l.test>"),
        "To: a+b@l.test"
    );
    for none in [
        "NO",
        "<https://l.test/>",
        "<mailto:a%0D%0Ab@l.test>",
        "<mailto:%>",
        "<mailto:a@b,c@d>",
    ] {
        assert_eq!(post(none), "To: ann@a.test", "{none}");
    }
}

#[test]
fn what_a_message_cannot_carry_is_left_out() {
    // An encoded line end in a subject, ids that are none.
    let message = "From: ann@a.test\r\nSubject: =?utf-8?Q?a=0D=0ABcc:_x?=\r\nMessage-ID: <no id>\r\nReferences: <1@a> <<>> <2@a>\r\n\r\n";
    assert_eq!(
        reply(message, ReplyTo::Author),
        "To: ann@a.test\nSubject: Re: aBcc: x\nReferences: <1@a> <2@a>"
    );
    let long = format!(
        "From: ann@a.test\r\nSubject: {}\r\n\r\n",
        "é".repeat(50_000)
    );
    assert!(reply(&long, ReplyTo::Author).len() < 40_000);
    // A parent of several is none (RFC 5322 3.6.4).
    let two =
        "From: a@b\r\nSubject: RE: x\r\nMessage-ID: <3@a>\r\nIn-Reply-To: <1@a> <2@a>\r\n\r\n";
    assert_eq!(
        reply(two, ReplyTo::Author),
        "To: a@b\nSubject: RE: x\nIn-Reply-To: <3@a>\nReferences: <3@a>"
    );
    let ids: String = (0..5000).map(|n| format!(" <{n}@a>\r\n")).collect();
    let many = format!("From: a@b\r\nMessage-ID: <m@a>\r\nReferences:{ids}\r\n");
    let text = reply(&many, ReplyTo::Author);
    let references = text.split("References:").nth(1).unwrap();
    let references: Vec<&str> = references.split_whitespace().collect();
    assert_eq!(references.len(), 100);
    assert_eq!(
        (references[0], references[1], references[99]),
        ("<0@a>", "<4902@a>", "<m@a>")
    );
    // Nobody, of nothing.
    assert_eq!(reply("\r\n", ReplyTo::Everyone), "Subject: Re:");
}

//! The messages of RFC 5322 appendix A, each with what it says of itself.

use scop_mime::{Address, DefectKind, Message, ReturnPath, mailboxes};

const BODY: &str = "\r\nThis is a message just to say hello.\r\nSo, \"Hello\".\r\n";

/// A message with that header.
fn text(header: &str) -> String {
    header.replace('\n', "\r\n") + BODY
}

/// Addresses: `name <address>`, groups in brackets.
fn people(list: &[Address<'_>]) -> String {
    let shown = |a: &Address<'_>| {
        let members: Vec<String> = a.mailboxes().iter().map(|m| m.to_string()).collect();
        match a.group() {
            Some(name) => format!("{name} [{}]", members.join(", ")),
            None => members.join(", "),
        }
    };
    list.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn kinds(message: &Message<'_>) -> Vec<DefectKind> {
    let mut kinds: Vec<DefectKind> = message
        .header()
        .fields()
        .flat_map(|f| f.defects())
        .map(|d| d.kind)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

#[test]
fn a_1_1_one_person_to_another() {
    let text = text(
        "From: John Doe <jdoe@machine.example>\nSender: Michael Jones <mjones@machine.example>\nTo: Mary Smith <mary@example.net>\nSubject: Saying Hello\nDate: Fri, 21 Nov 1997 09:55:06 -0600\nMessage-ID: <1234@local.machine.example>\n",
    );
    let message = Message::parse(text.as_bytes());
    let header = message.header();
    assert_eq!(people(&header.from()), "John Doe <jdoe@machine.example>");
    assert_eq!(
        people(&header.sender()),
        "Michael Jones <mjones@machine.example>"
    );
    assert_eq!(people(&header.to()), "Mary Smith <mary@example.net>");
    assert_eq!(header.subject().as_deref(), Some("Saying Hello"));
    assert_eq!(
        header.date().unwrap().to_string(),
        "1997-11-21T09:55:06-06:00"
    );
    assert_eq!(
        header.message_id().as_deref(),
        Some("1234@local.machine.example")
    );
    assert_eq!(message.root().text().unwrap().text, BODY[2..]);
    assert_eq!(kinds(&message), []);
    assert!(!header.is_automatic());
}

#[test]
fn a_1_2_types_of_mailboxes() {
    let text = text(
        "From: \"Joe Q. Public\" <john.q.public@example.com>\nTo: Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>\nCc: <boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>\nDate: Tue, 1 Jul 2003 10:52:37 +0200\nMessage-ID: <5678.21-Nov-1997@example.com>\n",
    );
    let message = Message::parse(text.as_bytes());
    let header = message.header();
    assert_eq!(
        people(&header.from()),
        "Joe Q. Public <john.q.public@example.com>"
    );
    assert_eq!(
        people(&header.to()),
        "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"
    );
    assert_eq!(
        people(&header.cc()),
        "boss@nil.test, Giant; \"Big\" Box <sysservices@example.net>"
    );
    assert_eq!(
        header.date().unwrap().to_string(),
        "2003-07-01T10:52:37+02:00"
    );
    assert_eq!(kinds(&message), []);
}

#[test]
fn a_1_3_groups() {
    let text = text(
        "From: Pete <pete@silly.example>\nTo: A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;\nCc: Undisclosed recipients:;\nDate: Thu, 13 Feb 1969 23:32:54 -0330\nMessage-ID: <testabcd.1234@silly.example>\n",
    );
    let message = Message::parse(text.as_bytes());
    let header = message.header();
    assert_eq!(
        people(&header.to()),
        "A Group [Ed Jones <c@a.test>, joe@where.test, John <jdoe@one.test>]"
    );
    assert_eq!(people(&header.cc()), "Undisclosed recipients []");
    assert_eq!(
        header.date().unwrap().to_string(),
        "1969-02-13T23:32:54-03:30"
    );
    assert_eq!(kinds(&message), []);
}

#[test]
fn a_2_replies() {
    let text = text(
        "To: \"Mary Smith: Personal Account\" <smith@home.example>\nFrom: John Doe <jdoe@machine.example>\nSubject: Re: Saying Hello\nDate: Fri, 21 Nov 1997 11:00:00 -0600\nMessage-ID: <abcd.1234@local.machine.test>\nIn-Reply-To: <3456@example.net>\nReferences: <1234@local.machine.example> <3456@example.net>\n",
    );
    let message = Message::parse(text.as_bytes());
    let header = message.header();
    assert_eq!(
        people(&header.to()),
        "Mary Smith: Personal Account <smith@home.example>"
    );
    assert_eq!(header.in_reply_to(), ["3456@example.net"]);
    assert_eq!(
        header.references(),
        ["1234@local.machine.example", "3456@example.net"]
    );
    let base = header.base_subject();
    assert_eq!(
        (&*base.text, base.is_reply_or_forward),
        ("Saying Hello", true)
    );
    assert_eq!(kinds(&message), []);
}

#[test]
fn a_3_resent() {
    let text = text(
        "Resent-From: Mary Smith <mary@example.net>\nResent-To: Jane Brown <j-brown@other.example>\nResent-Date: Mon, 24 Nov 1997 14:22:01 -0800\nResent-Message-ID: <78910@example.net>\nFrom: John Doe <jdoe@machine.example>\nTo: Mary Smith <mary@example.net>\nSubject: Saying Hello\nDate: Fri, 21 Nov 1997 09:55:06 -0600\nMessage-ID: <1234@local.machine.example>\n",
    );
    let again = "Resent-From: j-brown@other.example\r\nResent-To: x@y.test\r\n".to_owned() + &text;
    let message = Message::parse(text.as_bytes());
    let blocks = message.header().resent();
    let [block] = &blocks[..] else {
        panic!("one block")
    };
    assert_eq!(people(&block.from()), "Mary Smith <mary@example.net>");
    assert_eq!(people(&block.to()), "Jane Brown <j-brown@other.example>");
    assert_eq!(
        block.date().unwrap().to_string(),
        "1997-11-24T14:22:01-08:00"
    );
    assert_eq!(block.message_id().as_deref(), Some("78910@example.net"));
    assert_eq!(block.fields().len(), 4);
    assert_eq!(kinds(&message), []);
    let message = Message::parse(again.as_bytes());
    let blocks = message.header().resent();
    assert_eq!(blocks.len(), 2);
    assert_eq!(people(&blocks[0].to()), "x@y.test");
    assert_eq!(people(&blocks[1].from()), "Mary Smith <mary@example.net>");
}

#[test]
fn a_4_trace() {
    let text = text(
        "Return-Path: <jdoe@node.example>\nReceived: from x.y.test\n   by example.net\n   via TCP\n   with ESMTP\n   id ABC12345\n   for <mary@example.net>;  21 Nov 1997 10:05:43 -0600\nReceived: from node.example by x.y.test; 21 Nov 1997 10:01:22 -0600\nFrom: John Doe <jdoe@node.example>\n",
    );
    let message = Message::parse(text.as_bytes());
    let header = message.header();
    assert_eq!(header.hops(), 2);
    let hops: Vec<_> = header.received().collect();
    assert_eq!(
        (hops[0].from(), hops[0].via()),
        (Some("x.y.test"), Some("TCP"))
    );
    assert_eq!(hops[0].recipient().unwrap().address(), "mary@example.net");
    assert_eq!(
        (hops[1].from(), hops[1].by()),
        (Some("node.example"), Some("x.y.test"))
    );
    let path = header.return_path();
    assert!(matches!(path, Some(ReturnPath::Mailbox(m)) if m.address() == "jdoe@node.example"));
    assert_eq!(kinds(&message), []);
}

#[test]
fn a_5_white_space_and_comments() {
    let text = text(
        "From: Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>\nTo:A Group(Some people)\n     :Chris Jones <c@(Chris's host.)public.example>,\n         joe@example.org,\n  John <jdoe@one.test> (my dear friend); (the end of the group)\nCc:(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;\nDate: Thu,\n      13\n        Feb\n          1969\n      23:32\n               -0330 (Newfoundland Time)\nMessage-ID:              <testabcd.1234@silly.test>\n",
    );
    let message = Message::parse(text.as_bytes());
    let header = message.header();
    assert_eq!(people(&header.from()), "Pete <pete@silly.test>");
    assert_eq!(
        people(&header.to()),
        "A Group [Chris Jones <c@public.example>, joe@example.org, John <jdoe@one.test>]"
    );
    assert_eq!(people(&header.cc()), "Hidden recipients []");
    assert_eq!(
        header.date().unwrap().to_string(),
        "1969-02-13T23:32:00-03:30"
    );
    assert_eq!(
        header.message_id().as_deref(),
        Some("testabcd.1234@silly.test")
    );
    // By the rule, but not as every reader knows it.
    assert_eq!(
        kinds(&message),
        [DefectKind::UncommonDate, DefectKind::ObsoleteAddress]
    );
}

#[test]
fn nul_is_in_no_value() {
    let values = [
        "\"A. B.\" <@r.test:\"a b\"@[1.2.3.4]> (c \\( d), G: x@y.test (z);",
        "from a.test (b [1.2.3.4]) by \"c d\" id <1@x>; Fri, 21 Nov 1997 09:55:06 -0600",
        "a.test; spf=pass reason=\"x y\" smtp.mailfrom=\"a b\"@c.test (d)",
        "\"The list\" <a.b.test> (c), <mailto:a@b.test>",
        "text/plain; name=\"a b\"; x*=utf-8''a%20b; y=z (c)",
        "=?utf-8?Q?a_b?= c =?utf-8?B?w7w=?=",
    ];
    for value in values {
        for at in 0..=value.len() {
            let mut text = value.as_bytes().to_vec();
            text.insert(at, 0);
            let text = [b"X: ", &text[..], b"\r\n\r\n"].concat();
            let message = Message::parse(&text);
            let field = message.header().fields().next().unwrap();
            let mut said = vec![field.text().into_owned(), field.raw_text().into_owned()];
            for mailbox in mailboxes(&field.addresses()) {
                said.extend([mailbox.to_string(), mailbox.address().into_owned()]);
            }
            let received = field.received();
            for clause in received.clauses() {
                said.push(clause.value().to_owned());
                said.extend(clause.comments().iter().map(ToString::to_string));
            }
            let results = field.authentication_results();
            said.push(results.id().to_owned());
            for result in results.results() {
                said.push(format!("{result:?}").replace("\\0", "\0"));
            }
            said.extend(field.message_ids().iter().map(ToString::to_string));
            said.extend(field.keywords().iter().map(ToString::to_string));
            said.push(format!("{:?}", field.list_urls()).replace("\\0", "\0"));
            said.push(format!("{:?}", field.list_id()).replace("\\0", "\0"));
            if let Some(kind) = field.content_type() {
                said.push(kind.to_string());
                said.extend(kind.parameters().iter().map(|p| p.value().to_owned()));
            }
            for said in said {
                assert!(
                    !said.contains('\0'),
                    "{said:?} of {:?}",
                    text.escape_ascii().to_string()
                );
            }
        }
    }
}

#[test]
fn a_6_obsolete() {
    let text = text(
        "From  : Joe Q. Public <john.q.public@example.com>\nTo    : Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example\nCc    : Mary Smith\n  \n          <mary@example.net>\nBcc: John Doe <jdoe@machine(comment).  example>\nSubject     : Saying Hello\nDate  : 21 Nov 97 09(comment):   55  :  06 GMT\nMessage-ID  : <1234   @   local(blah)  .machine .example>\n",
    );
    let message = Message::parse(text.as_bytes());
    let header = message.header();
    assert_eq!(
        people(&header.from()),
        "Joe Q. Public <john.q.public@example.com>"
    );
    assert_eq!(
        people(&header.to()),
        "Mary Smith <mary@example.net>, jdoe@test.example"
    );
    assert_eq!(people(&header.cc()), "Mary Smith <mary@example.net>");
    assert_eq!(people(&header.bcc()), "John Doe <jdoe@machine.example>");
    assert_eq!(header.subject().as_deref(), Some("Saying Hello"));
    assert_eq!(
        header.date().unwrap().to_string(),
        "1997-11-21T09:55:06+00:00"
    );
    assert_eq!(
        header.message_id().as_deref(),
        Some("1234@local.machine.example")
    );
    // What is obsolete is told.
    assert_eq!(
        kinds(&message),
        [
            DefectKind::SourceRoute,
            DefectKind::ObsoleteDate,
            DefectKind::OddMessageId,
            DefectKind::UnquotedDot,
            DefectKind::UncommonDate,
            DefectKind::ObsoleteAddress,
            DefectKind::EmptyListItem,
        ]
        .into_iter()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect::<Vec<_>>()
    );
}

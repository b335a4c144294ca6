//! Addresses of the standards and of the wild.

use super::*;
use crate::DefectKind;
use crate::value::note::Notes;
use alloc::string::ToString;
use proptest::prelude::*;

/// The list in one notation: groups in brackets, names before a bar.
fn show(value: &str) -> Vec<String> {
    let mailbox = |m: &Mailbox<'_>| match m.name() {
        Some(name) => alloc::format!("{name} | {}", m.address()),
        None => m.address().into_owned(),
    };
    parse(value.as_bytes())
        .iter()
        .map(|a| match a {
            Address::Mailbox(m) => mailbox(m),
            Address::Group { members, .. } => {
                let members: Vec<String> = members.iter().map(mailbox).collect();
                alloc::format!("{} [{}]", a.group().unwrap(), members.join("; "))
            }
        })
        .collect()
}

fn one(value: &str, shown: &str) {
    assert_eq!(show(value), [shown], "{value}");
}

#[test]
fn rfc5322_appendix_a() {
    // A.1
    one(
        "John Doe <jdoe@machine.example>",
        "John Doe | jdoe@machine.example",
    );
    assert_eq!(
        show("\"Joe Q. Public\" <john.q.public@example.com>"),
        ["Joe Q. Public | john.q.public@example.com"]
    );
    assert_eq!(
        show("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"),
        [
            "Mary Smith | mary@x.test",
            "jdoe@example.org",
            "Who? | one@y.test"
        ]
    );
    assert_eq!(
        show("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"),
        [
            "boss@nil.test",
            "Giant; \"Big\" Box | sysservices@example.net"
        ]
    );
    one(
        "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
        "A Group [Ed Jones | c@a.test; joe@where.test; John | jdoe@one.test]",
    );
    one("Undisclosed recipients:;", "Undisclosed recipients []");
    // A.5
    one(
        "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
        "Pete | pete@silly.test",
    );
    one(
        "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
        "A Group [Chris Jones | c@public.example; joe@example.org; John | jdoe@one.test]",
    );
    one(
        "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
        "Hidden recipients []",
    );
    // A.6.1
    one(
        "Joe Q. Public <john.q.public@example.com>",
        "Joe Q. Public | john.q.public@example.com",
    );
    assert_eq!(
        show("Mary Smith <@node.test:mary@example.net>, , jdoe@test   . example"),
        ["Mary Smith | mary@example.net", "jdoe@test.example"]
    );
    // A.6.3
    one(
        "John Doe <jdoe@machine(comment).  example>",
        "John Doe | jdoe@machine.example",
    );
}

#[test]
fn routes_are_kept() {
    let list = parse(b"<@a.test,@b.test:joe@c.test>");
    let m = &list[0].mailboxes()[0];
    assert_eq!(m.route(), Some(&b"@a.test,@b.test"[..]));
    assert_eq!(m.address(), "joe@c.test");
}

#[test]
fn names_in_comments_and_encoded_words() {
    one(
        "deuschle@mnh.test (Guenter Deuschle)",
        "Guenter Deuschle | deuschle@mnh.test",
    );
    one("<a@b.test> (Ann)", "Ann | a@b.test");
    one(
        "=?ISO-8859-1?Q?Andr=E9?= Pirard <p@a.test>",
        "André Pirard | p@a.test",
    );
    one("\"=?utf-8?Q?=C3=BC?=\" <p@a.test>", "ü | p@a.test");
    one("=?utf-8?Q?a?= =?utf-8?Q?b?= <p@a.test>", "ab | p@a.test");
    one(
        "J\u{f6}rg <j\u{f6}rg@b\u{fc}cher.test>",
        "Jörg | jörg@bücher.test",
    );
    // An encoded word is never an address.
    one("=?utf-8?Q?a@b.test?= <c@d.test>", "a@b.test | c@d.test");
}

#[test]
fn rfc7103_7_1_what_is_malformed() {
    one("<<<jdoe@example.test>>>", "jdoe@example.test");
    one("<jdoe@example.test", "jdoe@example.test");
    one("jdoe@example.test>", "jdoe@example.test");
    assert_eq!(show("<a@b.test, c@d.test"), ["a@b.test", "c@d.test"]);
    one("\"Joe <joe@example.test>", "Joe | joe@example.test");
    one("(Testing <joe@example.test>", "Testing | joe@example.test");
    one("joe", "joe");
    one("joe@a.test <joe@a.test>", "joe@a.test | joe@a.test");
    one("\"a b\"@c.test", "\"a b\"@c.test");
    one("\"ab\"@c.test", "ab@c.test");
    one("joe@[192.0.2.1]", "joe@[192.0.2.1]");
    one("<>", "");
    one("a@b@c.test", "\"a@b\"@c.test");
    assert_eq!(show("a@b.test; c@d.test"), ["a@b.test", "c@d.test"]);
    assert_eq!(show(""), Vec::<String>::new());
    assert_eq!(show(" , ,, "), Vec::<String>::new());
}

#[test]
fn mi02_a_hundred_thousand_addresses() {
    let text = "ann@example.test, ".repeat(100_000);
    let list = parse(text.as_bytes());
    assert_eq!(list.len(), 100_000);
    assert_eq!(list[99_999].mailboxes()[0].address(), "ann@example.test");
    let group = alloc::format!("g: {};", "Ann <a@b>,".repeat(50_000));
    assert_eq!(parse(group.as_bytes())[0].mailboxes().len(), 50_000);
}

#[test]
fn mi04_floods_are_linear() {
    for unit in [
        "(", "a:", "\"", "<", "[", "@", ":;", "<@a,", "a ", "\\", "a@", "(\"", ">", "a<", "=?a?q?",
    ] {
        let flood = unit.repeat(100_000);
        let list = parse(flood.as_bytes());
        assert!(list.len() <= flood.len(), "{unit}");
    }
    let literal = alloc::format!("a@[{}", "x".repeat(256 << 10));
    assert!(
        parse(literal.as_bytes())[0].mailboxes()[0]
            .to_string()
            .len()
            > 256 << 10
    );
}

/// The reading of a list and its defects: `kind@offset`.
fn noted(value: &str) -> (Vec<String>, String) {
    let mut defects = Vec::new();
    let mut take = |kind: DefectKind, at: usize| defects.push(alloc::format!("{kind}@{at}"));
    let list = parse::read(value.as_bytes(), &mut Notes::new(&mut take));
    assert_eq!(list, super::parse(value.as_bytes()), "{value}");
    (show(value), defects.join(" "))
}

fn damaged(value: &str, shown: &[&str], defects: &str) {
    let (list, found) = noted(value);
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    assert_eq!((&list[..], &*found), (shown, defects), "{value}");
}

#[test]
fn what_is_well_formed_has_no_defect() {
    for value in [
        "",
        "Ann <ann@a.test>",
        "ann@a.test (Ann)",
        "\"A. B.\" <\"a b\"@[IPv6:::1]>, x@y.test",
        "Team: a@b.test, C <c@d.test>;, Nobody:;",
        "=?utf-8?Q?a=2Cb?= <a@b.test>",
        "J\u{f6}rg <j\u{f6}rg@xn--bcher-kva.test>",
        "a.b@c.test",
        "(x)a@b.test(w)",
    ] {
        assert_eq!(noted(value).1, "", "{value}");
    }
}

#[test]
fn damage_has_one_reading_and_a_defect() {
    damaged("<a@b.test", &["a@b.test"], "unbalanced-bracket@0");
    damaged("a@b.test>", &["a@b.test"], "unbalanced-bracket@8");
    damaged(
        "<<a@b.test>>",
        &["a@b.test"],
        "excess-brackets@1 excess-brackets@11",
    );
    damaged(
        "<a@b.test <c@d.test>",
        &["a@b.test", "c@d.test"],
        "unbalanced-bracket@0 text-after-address@10",
    );
    damaged(
        "Joe Q. Public <j@a.test>",
        &["Joe Q. Public | j@a.test"],
        "unquoted-dot@4",
    );
    damaged(
        "Doe, Ann <a@b.test>, x@y.test",
        &["Doe, Ann | a@b.test", "x@y.test"],
        "unquoted-comma@3",
    );
    damaged(
        "root, <a@b.test>",
        &["root", "a@b.test"],
        "naked-local-part@0",
    );
    damaged(
        "[ext] Ann <a@b.test>",
        &["[ext] Ann | a@b.test"],
        "unquoted-special@0",
    );
    damaged(
        "Testing) <sam@example.com>",
        &["Testing) | sam@example.com"],
        "unbalanced-parenthesis@7 unquoted-special@7",
    );
    damaged(
        "(Testing <fran@example.com>",
        &["Testing | fran@example.com"],
        "unbalanced-parenthesis@0",
    );
    damaged(
        "\"Joe <joe@example.com>",
        &["Joe | joe@example.com"],
        "unbalanced-quote@0",
    );
    damaged(
        "Ann Doe ann@a.test",
        &["Ann Doe | ann@a.test"],
        "missing-brackets@0",
    );
    damaged(
        "ann@a.test Ann Doe",
        &["Ann Doe | ann@a.test"],
        "text-after-address@11",
    );
    damaged(
        "a@x.test b@y.test",
        &["a@x.test", "b@y.test"],
        "text-after-address@9",
    );
    damaged("a@b@c.test", &["\"a@b\"@c.test"], "several-at@0");
    damaged(
        "a@b.test; c@d.test",
        &["a@b.test", "c@d.test"],
        "semicolon-separator@8",
    );
    damaged(
        ",a@b.test,,,c@d.test,",
        &["a@b.test", "c@d.test"],
        "empty-list-item@0 empty-list-item@10 empty-list-item@20",
    );
    damaged("T: a@b.test", &["T [a@b.test]"], "unclosed-group@0");
    damaged(
        "T: U: a@b.test;",
        &["T [U | a@b.test]"],
        "nested-group@4 missing-brackets@3",
    );
    damaged(
        "undisclosed-recipients:;",
        &["undisclosed-recipients []"],
        "",
    );
    damaged(
        "undisclosed-recipients",
        &["undisclosed-recipients"],
        "naked-local-part@0",
    );
    damaged("<>", &[""], "empty-address@0");
    damaged(
        "<john doe@a.test>",
        &["\"john doe\"@a.test"],
        "space-in-address@1",
    );
    damaged("<a@b.test c>", &["a@b.test"], "space-in-address@1");
    // Found by fuzzing: a comma is of no domain, nor is an encoded word that has one.
    for value in [
        "<@@,ab:d@ab:d@e, <@@,\0Doe, <@@,, <<f@a",
        "<@@,",
        "<a@b,c>",
        "<a@,b>",
        "A @b. =?utf-7?Q?st>, \"q r\"@c.te\"J.?=",
        "<a@=?utf-8?Q?b,c?=>",
        "<=?utf-8?Q?f=C3BCn@?=",
        "<=?utf-8?Q?f@x?=>",
    ] {
        for mailbox in super::mailboxes(&super::parse(value.as_bytes())) {
            let address = mailbox.address();
            let again = super::parse(address.as_bytes());
            let again: Vec<&super::Mailbox<'_>> = super::mailboxes(&again).collect();
            if mailbox.domain().is_some() {
                assert_eq!(again.len(), 1, "{address} of {value}");
                assert_eq!(again[0].address(), address, "{value}");
            }
        }
    }
    // Found by fuzzing: quotes never make a domain.
    damaged(
        "<f@f.\"t, g\"",
        &["f@f."],
        "unbalanced-bracket@0 space-in-address@1",
    );
    damaged("<c@(x) \"p <q@r>\" >", &["x | c@"], "space-in-address@1");
    damaged(
        "c@\"d,e\"",
        &["d,e | c@"],
        "ill-formed-address@0 text-after-address@2",
    );
    damaged("a..b@c.test", &["\"a..b\"@c.test"], "ill-formed-address@0");
    damaged("a@b..test", &["a@b..test"], "ill-formed-address@0");
    damaged("a@[1.2.3.4", &["a@[1.2.3.4"], "ill-formed-address@0");
    damaged(
        "=?utf-8?Q?a?=@b.test",
        &["=?utf-8?Q?a?=@b.test"],
        "encoded-word-in-address@0",
    );
    damaged("Ann Doe", &["Ann Doe | "], "naked-local-part@0");
}

/// The forms of From of "Weak Links in Authentication Chains", a14 to a19.
#[test]
fn dk02_each_form_of_from_has_one_reading() {
    damaged("<a@x.test>, <b@y.test>", &["a@x.test", "b@y.test"], "");
    damaged(
        "<@y.test,@z.test:a@x.test>",
        &["a@x.test"],
        "source-route@0",
    );
    damaged(
        "=?utf-8?B?PGFAeC50ZXN0Piw=?= <b@y.test>",
        &["<a@x.test>, | b@y.test"],
        "",
    );
    damaged(
        "=?utf-8?B?PGFAeC50ZXN0Pg==?=",
        &["<a@x.test> | "],
        "naked-local-part@0",
    );
    damaged(
        "<a@x.test>\\,<b@y.test>",
        &["\\ | a@x.test", "b@y.test"],
        "text-after-address@10",
    );
    damaged(
        "<a@x.test><b@y.test>",
        &["a@x.test", "b@y.test"],
        "text-after-address@10",
    );
    damaged(
        "<a@x.test>b@y.test",
        &["a@x.test", "b@y.test"],
        "text-after-address@10",
    );
    damaged("\"<a@x.test>,\"<b@y.test>", &["<a@x.test>, | b@y.test"], "");
}

#[test]
fn an_encoded_word_is_one_word() {
    damaged(
        "=?utf-8?Q?Doe,_Ann:_(x)?= <a@b.test>, c@d.test",
        &["Doe, Ann: (x) | a@b.test", "c@d.test"],
        "unquoted-special@0",
    );
    damaged(
        "=?utf-8?Q?<x@y.test>,?=\r\n =?utf-8?Q?_z?= <a@b.test>",
        &["<x@y.test>, z | a@b.test"],
        "unquoted-special@0",
    );
    damaged("=?utf-8?Q?Ann?=", &["Ann | "], "naked-local-part@0");
    damaged(
        "=?utf-8?Q?a <b@c.test>?=",
        &["a <b@c.test> | "],
        "naked-local-part@0",
    );
    damaged(
        "=?utf-8?Q?Ann?= ann@b.test",
        &["Ann | ann@b.test"],
        "missing-brackets@0",
    );
    // One that does not end is read to where it is cut.
    damaged(
        "=?utf-8?Q?Doe,_Ann <a@b.test>",
        &["Doe, Ann | a@b.test"],
        "unquoted-comma@13",
    );
}

#[test]
fn mi02_a_flood_of_names_and_addresses_keeps_all() {
    let text = "Ann, ".repeat(100_000) + "Bob <b@b.test>";
    let list = parse(text.as_bytes());
    assert_eq!(list.len(), 1);
    assert_eq!(
        list[0].mailboxes()[0].name().unwrap().len(),
        text.len() - 11
    );
    let text = "a ".repeat(100_000) + "b@b.test";
    assert_eq!(parse(text.as_bytes()).len(), 1);
    let text = "a@b c@d ".repeat(50_000);
    assert_eq!(parse(text.as_bytes()).len(), 100_000);
    // Colons behind an `@`: each once looked through all before it.
    let text = "a@b c: ".repeat(50_000);
    assert_eq!(parse(text.as_bytes()).len(), 50_000);
    let text = "a:".repeat(100_000);
    assert_eq!(parse(text.as_bytes())[0].mailboxes().len(), 1);
    let text = "a:;".repeat(100_000);
    assert_eq!(parse(text.as_bytes()).len(), 100_000);
}

/// All that can be asked of a list.
fn shown(list: &[Address<'_>]) -> Vec<String> {
    list.iter()
        .map(|entry| {
            let names = entry.mailboxes().iter().map(|m| (m.raw_name(), m.name()));
            let names: Vec<_> = names.collect();
            alloc::format!("{entry:?} {entry} {names:?}")
        })
        .collect()
}

proptest! {
    /// Whatever the value: told or not, the reading is the same; offsets lie within;
    /// no line end comes out.
    #[test]
    fn notes_change_nothing(value in "[-a@<>,;:\"()\\[\\] .\\\\\r\n=?]{0,24}") {
        let mut defects = Vec::new();
        let mut take = |_, at| defects.push(at);
        let list = parse::read(value.as_bytes(), &mut Notes::new(&mut take));
        prop_assert!(defects.iter().all(|at| *at <= value.len()));
        prop_assert_eq!(shown(&list), shown(&super::parse(value.as_bytes())));
        for mailbox in mailboxes(&list) {
            prop_assert!(!mailbox.to_string().contains(['\r', '\n']));
        }
    }

    /// The same where encoded words are about.
    #[test]
    fn notes_change_nothing_of_words(value in "(=\\?a\\?q\\?|\\?=|=|\\?|@|<|>|,| |b\\.c|:){0,12}") {
        let mut take = |_, _| {};
        let list = parse::read(value.as_bytes(), &mut Notes::new(&mut take));
        prop_assert_eq!(shown(&list), shown(&super::parse(value.as_bytes())));
    }

    /// The same of what nearly all entries look like, and of bytes that are no UTF-8.
    #[test]
    fn notes_change_nothing_of_common_entries(
        value in "((\"[ a=?\tü]{0,4}\"|[a=Ã¼.]{1,3}|) ?<?[a.=\"ü]{0,3}@[b.]{1,3}>?,? ?){0,3}",
        latin in any::<bool>(),
    ) {
        let value: Vec<u8> = match latin {
            true => value.chars().map(|c| c as u8).collect(),
            false => value.into_bytes(),
        };
        let mut take = |_, _| {};
        let list = parse::read(&value, &mut Notes::new(&mut take));
        prop_assert_eq!(shown(&list), shown(&super::parse(&value)));
    }

    /// What an address shows is an address, and the same.
    #[test]
    fn addresses_are_read_as_they_are_shown(
        local in "[a-z@ .<>\"\\\\]{1,8}", domain in "[a-z]{1,4}\\.[a-z]{1,4}", name in "[a-z \"\\\\.,@<>]{0,8}"
    ) {
        let mut text = String::new();
        quote(&name, &mut text);
        text.push('<');
        quote(&local, &mut text);
        let text = alloc::format!("{text}@{domain}>");
        let list = super::parse(text.as_bytes());
        let mailbox = &list[0].mailboxes()[0];
        prop_assert_eq!(mailbox.local(), local.as_bytes());
        prop_assert_eq!(mailbox.domain(), Some(domain.as_bytes()));
        prop_assert_eq!(mailbox.raw_name().unwrap_or_default(), name.as_bytes());
        let shown = mailbox.address();
        let again = super::parse(shown.as_bytes());
        prop_assert_eq!(again[0].mailboxes()[0].address(), shown.clone());
        prop_assert_eq!(again.len(), 1);
    }
}

/// Found by fuzzing: an address that is shown is read as the same.
#[test]
fn nul_and_open_literals_are_shown_as_they_are_read() {
    for value in [
        &b"f@\x06[IPv6:\t\0\0"[..],
        b"x@[192.0.2.\0\0\x001",
        b"x@a\0b.test",
        b"<a\0@b\0>",
    ] {
        for mailbox in crate::mailboxes(&parse(value)) {
            let shown = mailbox.address().into_owned();
            let again = parse(shown.as_bytes());
            let again = again[0].mailboxes()[0].address().into_owned();
            assert_eq!(again, shown, "{}", value.escape_ascii());
        }
    }
}

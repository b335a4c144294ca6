//! Ambiguous and damaged inputs: one stated reading each, every defect with its offset,
//! and a sanitised form that reads the same. The table is `ambiguity.txt`.
//!
//! `AMBIGUITY_WRITE=1 cargo test -p scop-mime --test ambiguity` writes what is found into
//! it, to be looked at by a person before it is believed.

mod common;

use std::fmt::Write;

use scop_mime::{DefectKind, DefectSet, Limits, Message, Part, Policy, mailboxes, sanitise};

/// What is read, for a person.
fn reading(message: &Message<'_>) -> String {
    let mut out = String::new();
    let header = message.header();
    if let Some(subject) = header.subject() {
        writeln!(out, "subject: {}", subject.escape_debug()).unwrap();
    }
    for name in ["from", "to", "bcc"] {
        if let Some(field) = header.get(name) {
            let list = field.addresses();
            let shown: Vec<String> = mailboxes(&list).map(ToString::to_string).collect();
            writeln!(out, "{name}: {}", shown.join(" + ")).unwrap();
        }
    }
    tree(message.root(), 0, &mut out);
    out
}

fn tree(part: Part<'_, '_>, depth: usize, out: &mut String) {
    write!(
        out,
        "{:1$}{2}",
        "",
        depth * 2,
        part.content_type().essence()
    )
    .unwrap();
    if let Some(name) = part.filename() {
        write!(out, " ({})", name.escape_debug()).unwrap();
    }
    if part.content() == scop_mime::Content::Leaf {
        let body = match part.text() {
            Some(text) => text.text.escape_debug().to_string(),
            None => format!("bytes {}", part.decoded().escape_ascii()),
        };
        let short: String = body.chars().take(80).collect();
        write!(out, ": {short}{}", if body.len() > 80 { ".." } else { "" }).unwrap();
    }
    out.push('\n');
    for child in part.children() {
        tree(child, depth + 1, out);
    }
}

fn found(case: &common::Case) -> String {
    use DefectKind::*;
    let message = Message::parse(&case.message);
    let mut out = reading(&message);
    let silent = [MissingFrom, MissingDate, MissingMimeVersion];
    let told: Vec<String> = message
        .inspect()
        .iter()
        .filter(|d| case.name == "missing-header-fields" || !silent.contains(&d.kind))
        .map(|d| format!("{}@{}", d.kind, d.offset))
        .collect();
    writeln!(out, "-> {}", told.join(" ")).unwrap();
    out
}

#[test]
fn mi09_mi10_dk01_dk02_every_ambiguous_input_has_one_reading_and_a_defect() {
    let (between, cases) = common::table();
    if std::env::var_os("AMBIGUITY_WRITE").is_some() {
        let mut text = between[0].clone();
        for (case, between) in cases.iter().zip(&between[1..]) {
            let (name, why, lines) = (&case.name, &case.why, &case.lines);
            write!(text, "== {name}\n{why}{lines}\n{}\n{between}", found(case)).unwrap();
            if !between.is_empty() {
                text.push('\n');
            }
        }
        std::fs::write(common::path(), text).unwrap();
        return;
    }
    assert!(cases.len() > 90);
    let mut wrong = String::new();
    for case in &cases {
        let found = found(case);
        if found != case.expected {
            write!(
                wrong,
                "== {}\nexpected:\n{}found:\n{found}\n",
                case.name, case.expected
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_case_has_a_sanitised_form_that_reads_the_same() {
    for case in common::cases() {
        let sanitised = common::sanitises(&case.message, &Limits::default(), &case.name);
        // Nothing that a strict policy minds is left, and what it minded it refuses.
        let kinds: DefectSet = Message::parse(&case.message)
            .inspect()
            .iter()
            .map(|d| d.kind)
            .collect();
        let minds = DefectSet::ambiguous().union(DefectSet::damaged());
        let refused = Policy::strict()
            .apply(&case.message, &Limits::default())
            .is_err();
        assert_eq!(
            refused,
            !kinds.intersection(minds).is_empty(),
            "{}",
            case.name
        );
        let (again, _) = sanitise(&sanitised, &Limits::default());
        assert!(again == sanitised, "{}", case.name);
    }
}

#[test]
fn what_was_read_is_what_sanitising_writes() {
    for (read, written) in [
        (
            "Message-ID: <a@x.test> <b@x.test>",
            "Message-ID: <a@x.test>",
        ),
        (
            "Subject: =?utf-8?X?abc?=",
            "Subject: =?utf-8?B?PT91dGYtOD9YP2FiYz89?=",
        ),
        ("To: a . b@x.test", "To: a.b@x.test"),
        (
            "To: =?utf-8?Q?Doe,_John?= <a@x.test>",
            "To: \"Doe, John\" <a@x.test>",
        ),
        (
            "To: =?utf-8?Q?=C3=BC?=<a@x.test>",
            "To: =?utf-8?B?w7w=?= <a@x.test>",
        ),
        ("To: a@b.test; c@d.test", "To: a@b.test, c@d.test"),
        (
            "To: pete(his account)@silly.test",
            "To: his account <pete@silly.test>",
        ),
        (
            "Date: Fri, 21 Nov 1997 09:55 (CST) -0600",
            "Date: Fri, 21 Nov 1997 09:55:00 -0600",
        ),
        ("Subject: =?none?Q?b?=", "Subject: b"),
        (
            "Content-Type: text/plain; charset=iso_8859_1",
            "Content-Type: text/plain; charset=windows-1252",
        ),
        (
            "Content-Type: text/plain; charset=none",
            "Content-Type: text/plain; charset=us-ascii",
        ),
        (
            "Content-transfer-encoding: 8bit ",
            "Content-Transfer-Encoding: 8bit",
        ),
        (
            "Content-Disposition: attachment; filename*=a%20b.pdf",
            "Content-Disposition: attachment; filename=\"a b.pdf\"",
        ),
    ] {
        let message = format!("MIME-Version: 1.0\r\n{read}\r\n\r\ntext\r\n");
        let (sanitised, _) = sanitise(message.as_bytes(), &Limits::default());
        let expected = format!("MIME-Version: 1.0\r\n{written}\r\n\r\ntext\r\n");
        assert_eq!(String::from_utf8_lossy(&sanitised), expected);
    }
}

#[test]
fn strict_refuses_at_the_byte() {
    let limits = Limits::default();
    let mut early = 0;
    for case in common::cases() {
        let mut gate = Policy::strict().gate(&limits);
        let mut out = Vec::new();
        let mut refused = None;
        for (n, byte) in case.message.chunks(1).enumerate() {
            if let Err(error) = gate.write(byte, &mut out) {
                assert_eq!(out, case.message[..n], "{}", case.name);
                assert_eq!(gate.write(b"x", &mut out), Err(error), "it stays");
                assert!(error.defect.offset <= n as u64 + 1, "{}", case.name);
                let text = error.to_string();
                assert!(text.contains(error.defect.kind.rule()), "{text}");
                refused = Some(error);
                early += 1;
                break;
            }
        }
        let whole = Policy::strict().apply(&case.message, &limits);
        match refused {
            Some(_) => assert!(whole.is_err(), "{}", case.name),
            None => assert_eq!(
                gate.finish(&mut out).is_err(),
                whole.is_err(),
                "{}",
                case.name
            ),
        }
    }
    assert!(early > 80, "{early}: most are known before the end");
}

#[test]
fn every_kind_of_ambiguity_damage_and_deception_is_in_the_table() {
    use DefectKind::*;
    // Those that a long input or a report shows have tests where they are found.
    let elsewhere = [
        BadBoundary,
        Utf7,
        UuDamaged,
        BadAutocrypt,
        BadReportField,
        DuplicateReportField,
        TnefChecksum,
        TnefDamaged,
    ];
    let mut seen: DefectSet = elsewhere.into_iter().collect();
    for case in common::cases() {
        for defect in Message::parse(&case.message).inspect() {
            seen = seen.with(defect.kind);
        }
    }
    let all = [
        DefectSet::ambiguous(),
        DefectSet::damaged(),
        DefectSet::deceptive(),
    ];
    let unseen: Vec<DefectKind> = all
        .iter()
        .flat_map(|set| set.iter())
        .filter(|k| !seen.contains(*k))
        .collect();
    assert_eq!(unseen, []);
}

#[test]
fn of_many_defects_the_same_are_kept_at_any_cut() {
    let limits = Limits {
        defects: 4,
        ..Limits::default()
    };
    let message = b"Subject: a\0\r\nno field\r\n\r\na\rb\0\xff\n";
    let inspect = |size| {
        let mut inspector = scop_mime::Inspector::new(limits.clone());
        message
            .chunks(size)
            .for_each(|chunk| inspector.write(chunk).unwrap());
        inspector.finish().unwrap()
    };
    let whole = inspect(1000);
    assert_eq!((whole.defects().len(), whole.more()), (4, 5));
    for size in 1..message.len() {
        assert_eq!(inspect(size), whole, "{size}");
    }
}

//! RFC 5322: lines, characters, and the values of fields.

use scop_mime::DefectKind::*;

use super::{TOP, check};

#[test]
fn rfc5322_section_2_lines_and_characters() {
    let long = "x".repeat(999);
    check(
        TOP,
        &[
            ("2.1", "Subject: a¦\0b\r\n\r\n", NulInHeader),
            ("2.1", "Subject: ¦\u{ff}\r\n\r\n", NotUtf8InHeader),
            ("2.1", "Subject: ¦\u{c3}\u{bc}\r\n\r\n", RawUtf8InHeader),
            ("2.1", "\r\na¦\0b\r\n", NulInBody),
            ("2.1", "\r\na¦\u{ff}\r\n", EightBitBody),
            ("2.1", "Subject: a\r\n¦text\r\n", NotAField),
            ("2.1.1", &format!("¦Subject: {long}\r\n\r\n"), LineTooLong),
            (
                "2.1.1",
                &format!("Subject: a\r\n¦ {long}\r\n\r\n"),
                LineTooLong,
            ),
            ("2.1.1", &format!("\r\n\r\n¦{long}\r\n"), LineTooLong),
            ("2.2", "¦no field\r\n\r\n", NotAField),
            ("2.2", "¦caf\u{e9}: x\r\n\r\n", NotAField),
            ("2.2", "Subject¦ : x\r\n\r\n", SpaceBeforeColon),
            ("2.2", "Subject: a¦\rb\r\n\r\n", BareCrInHeader),
            ("2.2.3", "Subject: a\r\n¦ \r\n b\r\n\r\n", BlankContinuation),
            ("2.3", "\r\na¦\rb\r\n", BareCrInBody),
            ("2.3", "\r\na¦\nb\r\n", MixedLineEnds),
        ],
    );
}

#[test]
fn rfc5322_section_3_values() {
    check(
        "Date: Fri, 21 Nov 1997 09:55:06 -0600\r\n",
        &[
            (
                "3.2.5, 4.1",
                "From: ¦J. Doe <a@b.test>\r\n\r\n",
                UnquotedDot,
            ),
            ("3.2.5", "From: a¦[b <a@b.test>\r\n\r\n", UnquotedSpecial),
            ("3.2.5", "From: a¦@b <a@b.test>\r\n\r\n", UnquotedSpecial),
            ("3.2.4", "From: ¦\"a <a@b.test>\r\n\r\n", UnbalancedQuote),
            ("3.2.2", "From: a@b.test ¦(c\r\n\r\n", UnbalancedParenthesis),
            ("3.4", "From: ¦<a@b.test\r\n\r\n", UnbalancedBracket),
            ("3.4", "From: ¦a\r\n\r\n", NakedLocalPart),
            ("3.4", "From: a ¦<>\r\n\r\n", EmptyAddress),
            ("3.4.1", "From: ¦a..b@c.test\r\n\r\n", IllFormedAddress),
            ("3.4.1", "From: ¦a@b@c.test\r\n\r\n", SeveralAt),
            ("3.6.2", "From:¦\r\n\r\n", EmptyField),
            ("3.6.2", "¦From: a@b.test, c@d.test\r\n\r\n", SeveralFrom),
            (
                "3.6.2",
                "From: a@b.test, c@d.test\r\nSender:¦ e@f.test, g@h.test\r\n\r\n",
                SeveralSender,
            ),
            ("3.6", "Subject: no author\r\n\r\n", MissingFrom),
        ],
    );
    check(
        "From: a@b.test\r\n",
        &[
            (
                "3.3",
                "Date: ¦Mon, 21 Nov 1997 09:55:06 -0600\r\n\r\n",
                WrongWeekday,
            ),
            ("3.3", "Date:¦ 31 Nov 1997 09:55:06 -0600\r\n\r\n", BadDate),
            ("3.3", "Date:¦ 29 Feb 2001 09:55:06 -0600\r\n\r\n", BadDate),
            ("3.3", "Date:¦ 21 Nov 1997 24:00:00 -0600\r\n\r\n", BadDate),
            ("3.3", "Date:¦ 21 Nov 1997 23:59:61 -0600\r\n\r\n", BadDate),
            (
                "3.3",
                "Date: 21 Nov 1997 23:59:60 ¦-0660\r\n\r\n",
                UnknownZone,
            ),
            ("3.3", "Date: 21 Nov ¦1897 09:55:06 -0600\r\n\r\n", OddDate),
            ("3.3", "Date: 21 Nov 1997 ¦9:55:06 -0600\r\n\r\n", OddDate),
            ("3.3", "Date: 21 Nov 1997 09:55:06\r\n¦\r\n", MissingZone),
            ("3.3", "Date:¦\r\n\r\n", BadDate),
            ("3.6", "Subject: no date\r\n\r\n", MissingDate),
            (
                "4.3",
                "Date: 21 Nov ¦97 09:55:06 -0600\r\n\r\n",
                ObsoleteDate,
            ),
            (
                "4.3",
                "Date: 21 Nov 1997 09:55:06 ¦EST\r\n\r\n",
                ObsoleteDate,
            ),
            (
                "4.3",
                "Date: 21 Nov 1997 09:55:06 ¦XYZ\r\n\r\n",
                UnknownZone,
            ),
        ],
    );
    check(
        TOP,
        &[
            ("3.4", "To: a: b¦: c@d.test;\r\n\r\n", NestedGroup),
            ("3.4", "To: ¦a: c@d.test\r\n\r\n", UnclosedGroup),
            ("3.6.3", "To:¦\r\n\r\n", EmptyField),
            ("3.6.3", "Cc:¦ \r\n\r\n", EmptyField),
            ("3.6.3", "To: a@b.test,¦, c@d.test\r\n\r\n", EmptyListItem),
            ("3.6.2", "Reply-To:¦\r\n\r\n", EmptyField),
            ("3.6.4", "Message-ID:¦\r\n\r\n", EmptyField),
            ("3.6.4", "Message-ID: ¦a@b.test\r\n\r\n", OddMessageId),
            ("3.6.4", "Message-ID: ¦<ab.test>\r\n\r\n", OddMessageId),
            ("3.6.4", "Message-ID: ¦<a b@c.test>\r\n\r\n", OddMessageId),
            ("3.6.4", "Message-ID: ¦<@c.test>\r\n\r\n", OddMessageId),
            ("3.6.4", "Message-ID: ¦<a@>\r\n\r\n", OddMessageId),
            (
                "3.6.4",
                "Message-ID: <a@b.test> ¦<c@b.test>\r\n\r\n",
                SeveralIds,
            ),
            (
                "3.6.4",
                "References: <a@b.test> ¦x <c@b.test>\r\n\r\n",
                TextAmongIds,
            ),
            (
                "3.6.4",
                "In-Reply-To: ¦your message <c@b.test>\r\n\r\n",
                TextAmongIds,
            ),
            ("3.6.5", "Keywords:¦\r\n\r\n", EmptyField),
            (
                "3.6.6",
                "¦Resent-To: a@b.test\r\nResent-From: a@b.test\r\n\r\n",
                MissingResentField,
            ),
            (
                "3.6.6",
                "¦Resent-Date: 21 Nov 1997 09:55:06 -0600\r\n\r\n",
                MissingResentField,
            ),
            (
                "3.6.6",
                "Resent-Date: 21 Nov 1997 09:55:06 -0600\r\n¦Resent-From: a@b.test, c@d.test\r\n\r\n",
                SeveralFrom,
            ),
            ("3.6.7", "Return-Path: ¦a@b.test\r\n\r\n", OddReturnPath),
            (
                "3.6.7",
                "Received:¦ from a.test by b.test\r\n\r\n",
                UndatedReceived,
            ),
            ("4.4", "To: ¦<@a.test:b@c.test>\r\n\r\n", SourceRoute),
            ("4.4", "To: ¦a . b@c.test\r\n\r\n", ObsoleteAddress),
            ("4.4", "To: ¦a@b . test\r\n\r\n", ObsoleteAddress),
            ("4.1", "Subject: a¦\u{1}b\r\n\r\n", ControlInHeader),
            (
                "4.1",
                "To: \"a¦\u{7f}\" <b@c.test>\r\n\r\n",
                ControlInHeader,
            ),
        ],
    );
}

#[test]
fn rfc5322_section_3_6_a_field_comes_once() {
    for name in [
        "Date",
        "From",
        "Sender",
        "Reply-To",
        "To",
        "Cc",
        "Bcc",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Subject",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-ID",
        "Content-Description",
        "Content-Disposition",
    ] {
        check(
            "",
            &[(
                "3.6",
                &format!("{name}: 1.0\r\n¦{name}: 1.0\r\n\r\n"),
                DuplicateField,
            )],
        );
    }
}

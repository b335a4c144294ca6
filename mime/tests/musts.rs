//! Each MUST of the rules of messages that a reader can see broken is a defect, with its
//! offset. The table goes through RFC 5322 (2 to 4), 2045, 2046, 2047, 2049, 2231, 2183
//! and 3676 by section; RFC 7103 is in `ambiguity.txt`. What those demand of a reader (to
//! ignore, to accept, to show) is in the tests of what reads it.
//!
//! Not in it, for no reader can see it: that an id is unique in the world, that a
//! boundary was chosen well, that fields were kept in their order, that a name or value
//! was registered. Nor that line ends are CRLF in a message that is stored with LF alone.

use std::fmt::Write;

use scop_mime::{DefectKind::*, Inspector, Limits, Message};

/// The rule; the message, `¦` where the defect is, or at its start, a line each; the kind.
type Row<'a> = (&'a str, &'a str, scop_mime::DefectKind);

/// What every message must have.
const TOP: &str = "From: a@b.test\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n";
const MIME: &str = "MIME-Version: 1.0\r\n";

/// The message of a row and where its mark is: `\` before a byte is as in Rust.
fn message(text: &str) -> (Vec<u8>, usize) {
    let mark = text.find('¦').unwrap_or(0);
    (
        text.replace('¦', "").chars().map(|c| c as u8).collect(),
        mark,
    )
}

/// Checks rows: `before` is put in front of each message.
fn check(before: &str, rows: &[Row<'_>]) {
    let mut wrong = String::new();
    for (rule, text, kind) in rows {
        let (bytes, mark) = message(&(String::from(before) + text));
        let found = Message::parse(&bytes).inspect();
        let told = found
            .iter()
            .any(|d| d.kind == *kind && (d.offset == mark as u64 || !text.contains('¦')));
        let others: Vec<String> = found.iter().map(ToString::to_string).collect();
        if !told {
            writeln!(wrong, "{rule}: {kind}@{mark} of {text:?}: {others:?}").unwrap();
        }
        assert!(kind.rule().starts_with("RFC"), "{kind}");
        let mut inspector = Inspector::new(Limits::default());
        bytes
            .chunks(1)
            .for_each(|byte| inspector.write(byte).unwrap());
        assert_eq!(
            inspector.finish().unwrap().defects(),
            found,
            "{rule}, byte by byte"
        );
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

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

#[test]
fn rfc2045() {
    let top = format!("{TOP}{MIME}");
    let long = "A".repeat(80);
    check(
        TOP,
        &[
            ("4", "¦Content-Type: text/plain\r\n\r\n", MissingMimeVersion),
            ("4", "MIME-Version:¦ 1.1\r\n\r\n", BadMimeVersion),
            ("4", "MIME-Version:¦ one\r\n\r\n", BadMimeVersion),
        ],
    );
    check(
        &top,
        &[
            ("5.1", "Content-Type:¦ text\r\n\r\n", BadContentType),
            ("5.1", "Content-Type:¦\r\n\r\n", BadContentType),
            ("5.1", "Content-Type:¦ text/\r\n\r\n", BadContentType),
            (
                "5.1",
                "Content-Type: text/plain; name=¦a/b\r\n\r\n",
                UnquotedParameter,
            ),
            (
                "5.1",
                "Content-Type: text/plain; name=¦a b\r\n\r\n",
                UnquotedSpace,
            ),
            (
                "5.1",
                "Content-Type: text/plain; name=¦; a=b\r\n\r\n",
                UnquotedParameter,
            ),
            (
                "5.1",
                "Content-Type: text/plain; ¦name\r\n\r\n",
                BadParameter,
            ),
            ("5.1", "Content-Type: text/plain¦;\r\n\r\n", StraySemicolon),
            (
                "5.1",
                "Content-Type: text/plain; a=b; ¦a=c\r\n\r\n",
                DuplicateParameter,
            ),
            (
                "5.1",
                "Content-Type: text/plain; name=¦\"a\r\n\r\n",
                UnbalancedQuote,
            ),
            (
                "6.1",
                "Content-Transfer-Encoding:¦ base64 7bit\r\n\r\n",
                JunkInEncoding,
            ),
            (
                "6.1",
                "Content-Transfer-Encoding:¦\r\n\r\n",
                UnknownEncoding,
            ),
            (
                "6.3",
                "Content-Transfer-Encoding:¦ rot13\r\n\r\n",
                UnknownEncoding,
            ),
            (
                "6.4",
                "Content-Type: multipart/mixed; boundary=b\r\n¦Content-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\n--b--\r\n",
                EncodedMultipart,
            ),
            (
                "6.4",
                "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n¦QQ==\r\n",
                EncodedMessage,
            ),
            (
                "6.4",
                "Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n¦QQ==\r\n",
                ForbiddenEncoding,
            ),
            (
                "6.4",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: 8bit\r\n\r\na¦\u{e9}\r\n--b--\r\n",
                UnderstatedEncoding,
            ),
            (
                "2.7",
                "Content-Transfer-Encoding: 7bit\r\n\r\na¦\u{e9}\r\n",
                EightBitBody,
            ),
            (
                "2.8",
                "Content-Transfer-Encoding: 8bit\r\n\r\na¦\0\r\n",
                NulInBody,
            ),
            (
                "2.8",
                "Content-Transfer-Encoding: 8bit\r\n\r\na¦\rb\r\n",
                BareCrInBody,
            ),
            (
                "6.2",
                "Content-Transfer-Encoding: binary\r\n\r\n¦a\r\n",
                BinaryBody,
            ),
            (
                "6.7 (1)",
                "Content-Transfer-Encoding: quoted-printable\r\n\r\na¦=e9\r\n",
                QpLowerCase,
            ),
            (
                "6.7 (1)",
                "Content-Transfer-Encoding: quoted-printable\r\n\r\na¦=XY\r\n",
                QpBadEscape,
            ),
            (
                "6.7 (2)",
                "Content-Transfer-Encoding: quoted-printable\r\n\r\na¦\u{e9}\r\n",
                EightBitBody,
            ),
            (
                "6.7 (3)",
                "Content-Transfer-Encoding: quoted-printable\r\n\r\na¦ \r\n",
                QpTrailingSpace,
            ),
            (
                "6.7",
                "Content-Transfer-Encoding: quoted-printable\r\n\r\na¦\u{1}b\r\n",
                QpControl,
            ),
            (
                "6.7",
                "Content-Transfer-Encoding: quoted-printable\r\n\r\na¦\0b\r\n",
                NulInBody,
            ),
            (
                "6.7",
                "Content-Transfer-Encoding: quoted-printable\r\n\r\na¦\rb\r\n",
                BareCrInBody,
            ),
            (
                "6.7 (5)",
                &format!("Content-Transfer-Encoding: quoted-printable\r\n\r\na\r\n¦{long}\r\n"),
                EncodedLineTooLong,
            ),
            (
                "6.7 (5)",
                "Content-Transfer-Encoding: quoted-printable\r\n\r\nA=¦",
                QpSoftBreakAtEnd,
            ),
            (
                "6.8",
                &format!("Content-Transfer-Encoding: base64\r\n\r\nQUFB\r\n¦{long}\r\n"),
                EncodedLineTooLong,
            ),
            (
                "6.8",
                "Content-Transfer-Encoding: base64\r\n\r\nQU¦!FB\r\n",
                Base64Junk,
            ),
            (
                "6.8",
                "Content-Transfer-Encoding: base64\r\n\r\nQU¦-FB\r\n",
                Base64UrlDigit,
            ),
            (
                "6.8",
                "Content-Transfer-Encoding: base64\r\n\r\nQUF\r\n¦",
                Base64Truncated,
            ),
            (
                "6.8",
                "Content-Transfer-Encoding: base64\r\n\r\nQQ==¦QUFB\r\n",
                Base64AfterPadding,
            ),
            (
                "6.8",
                "Content-Transfer-Encoding: base64\r\n\r\nQR¦==\r\n",
                Base64StrayBits,
            ),
            ("7", "Content-ID: ¦a@b.test\r\n\r\n", OddMessageId),
            (
                "7",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-ID: <a@b.test>\r\n\r\n\r\n--b\r\nContent-ID:¦ <a@b.test>\r\n\r\n\r\n--b--\r\n",
                DuplicateContentId,
            ),
        ],
    );
}

#[test]
fn rfc2046() {
    let top = format!("{TOP}{MIME}");
    let boundary = "b".repeat(71);
    check(
        &top,
        &[
            (
                "4.1.1",
                "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n¦YQpi\r\n",
                LoneLineEnd,
            ),
            (
                "4.1.1",
                "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n¦a=0Db\r\n",
                LoneLineEnd,
            ),
            (
                "4.1.2",
                "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\na¦\u{e9}b\r\n",
                NotOfCharset,
            ),
            (
                "4.1.2",
                "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 8bit\r\n\r\na¦\u{e9}b\r\n",
                NotOfCharset,
            ),
            (
                "4.1.2",
                "Content-Type: text/plain; charset=klingon\r\n\r\n¦a\r\n",
                UnknownCharset,
            ),
            (
                "5.1",
                "Content-Type: multipart/mixed\r\n\r\n¦a\r\n",
                MissingBoundary,
            ),
            (
                "5.1.1",
                "Content-Type: multipart/mixed; boundary=¦\"b \"\r\n\r\n--b\r\n\r\n\r\n--b--\r\n",
                OddBoundary,
            ),
            (
                "5.1.1",
                &format!(
                    "Content-Type: multipart/mixed; boundary=¦{boundary}\r\n\r\n--{boundary}\r\n\r\n\r\n--{boundary}--\r\n"
                ),
                OddBoundary,
            ),
            (
                "5.1.1",
                "Content-Type: multipart/mixed; boundary=¦\"b*\"\r\n\r\n--b*\r\n\r\n\r\n--b*--\r\n",
                OddBoundary,
            ),
            (
                "5.1.1",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n¦",
                MissingCloseDelimiter,
            ),
            (
                "5.1.1",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n¦--b--\r\n",
                EmptyMultipart,
            ),
            (
                "5.1.1",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n¦--bc\r\n--b--\r\n",
                NearDelimiter,
            ),
            (
                "5.1.1",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\r\n¦--b--x\r\n",
                JunkAfterDelimiter,
            ),
            (
                "5.1.1",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b--\r\n¦--b\r\n",
                DelimiterAfterClose,
            ),
            (
                "5.1.1",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n¦text\r\n--b--\r\n",
                MissingSeparator,
            ),
            (
                "5.1.2",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n¦--b\r\n\r\n--b--\r\n",
                SharedBoundary,
            ),
            (
                "5.1.1, 5322 2.1.1",
                &format!(
                    "Content-Type: multipart/mixed; boundary=b\r\n\r\n¦{}\r\n--b\r\n\r\n--b--\r\n",
                    "x".repeat(999)
                ),
                LineTooLong,
            ),
            (
                "5.1.1, 5322 2.1.1",
                &format!(
                    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b--\r\na\r\n¦{}\r\n",
                    "x".repeat(999)
                ),
                LineTooLong,
            ),
            (
                "5.1.1, 2045 2.7",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\na¦\0\r\n--b\r\n\r\n--b--\r\n",
                NulInBody,
            ),
            (
                "5.1.1, 2045 2.7",
                "Content-Type: multipart/mixed; boundary=b\r\n\r\na¦\u{e9}\r\n--b\r\n\r\n--b--\r\n",
                EightBitBody,
            ),
            (
                "5.2.1",
                "Content-Type: message/rfc822\r\n\r\n¦To: a@b.test\r\n\r\n",
                MissingFrom,
            ),
            (
                "5.2.2",
                "Content-Type:¦ message/partial; number=1\r\n\r\n",
                MissingParameter,
            ),
            (
                "5.2.2",
                "Content-Type:¦ message/partial; id=a\r\n\r\n",
                MissingParameter,
            ),
            (
                "5.2.2",
                "Content-Type: message/partial; id=a; number=¦0\r\n\r\n",
                OddParameterValue,
            ),
            (
                "5.2.2",
                "Content-Type:¦ message/partial; id=a; number=3; total=2\r\n\r\n",
                OddParameterValue,
            ),
            (
                "5.2.2",
                "Content-Type: message/partial; id=a; number=1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n¦a",
                ForbiddenEncoding,
            ),
            (
                "5.2.3",
                "Content-Type:¦ message/external-body\r\n\r\nContent-ID: <a@b.test>\r\n\r\n",
                MissingParameter,
            ),
            (
                "5.2.3.2",
                "Content-Type:¦ message/external-body; access-type=ftp; name=a\r\n\r\nContent-ID: <a@b.test>\r\n\r\n",
                MissingParameter,
            ),
            (
                "5.2.3.4",
                "Content-Type:¦ message/external-body; access-type=local-file\r\n\r\nContent-ID: <a@b.test>\r\n\r\n",
                MissingParameter,
            ),
            (
                "5.2.3.5",
                "Content-Type:¦ message/external-body; access-type=mail-server\r\n\r\nContent-ID: <a@b.test>\r\n\r\n",
                MissingParameter,
            ),
            (
                "5.2.3",
                "Content-Type: message/external-body; access-type=x\r\n\r\n¦Content-Type: text/plain\r\n\r\n",
                MissingContentId,
            ),
            (
                "5.2.3",
                "Content-Type: message/external-body; access-type=x\r\n\r\n¦",
                MissingContentId,
            ),
            (
                "5.2.3",
                "Content-Type: message/external-body; access-type=x\r\nContent-Transfer-Encoding: 8bit\r\n\r\n¦Content-ID: <a@b.test>\r\n\r\n",
                ForbiddenEncoding,
            ),
            (
                "1847 2.1",
                "Content-Type:¦ multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n--b--\r\n",
                MissingParameter,
            ),
        ],
    );
}

#[test]
fn rfc2047_and_rfc2049() {
    let long = format!("=?utf-8?Q?{}?=", "a".repeat(64));
    let words = "=?utf-8?Q?aaaaaaaaaaaaaaaaaaaaaaaaaaaaa?=";
    check(
        TOP,
        &[
            ("2", "Subject: ¦=?utf-8?Q?a b?=\r\n\r\n", EncodedWordSpace),
            (
                "2",
                &format!("Subject: ¦{long}\r\n\r\n"),
                EncodedWordTooLong,
            ),
            (
                "2",
                &format!("Subject: ¦{words} {words}\r\n\r\n"),
                EncodedWordTooLong,
            ),
            ("2", "Subject: ¦=?utf-8?Q?ab\r\n\r\n", EncodedWordUnclosed),
            ("3", "Subject: ¦=?klingon?Q?ab?=\r\n\r\n", UnknownCharset),
            (
                "4.1",
                "Subject: ¦=?utf-8?B?YW!=?=\r\n\r\n",
                EncodedWordBadText,
            ),
            (
                "4.1",
                "Subject: ¦=?utf-8?B?YWI?=\r\n\r\n",
                EncodedWordBadText,
            ),
            (
                "4.2",
                "Subject: ¦=?utf-8?Q?=XY?=\r\n\r\n",
                EncodedWordBadText,
            ),
            (
                "4.2",
                "Subject: ¦=?utf-8?Q?\u{c3}\u{bc}?=\r\n\r\n",
                EncodedWordBadText,
            ),
            (
                "5 (1)",
                "Subject: a¦=?utf-8?Q?a?=\r\n\r\n",
                EncodedWordAdjoined,
            ),
            (
                "5 (1)",
                "Subject: ¦=?utf-8?Q?a?=b\r\n\r\n",
                EncodedWordAdjoined,
            ),
            (
                "5 (3)",
                "To: ¦=?utf-8?Q?a=2Cb,c?= <a@b.test>\r\n\r\n",
                EncodedWordSpecial,
            ),
            (
                "3",
                "To: ¦=?klingon?Q?a?= <a@b.test>\r\n\r\n",
                UnknownCharset,
            ),
            (
                "4.1",
                "To: ¦=?utf-8?B?YWI?= <a@b.test>\r\n\r\n",
                EncodedWordBadText,
            ),
            (
                "5 (3)",
                "To: ¦=?utf-8?Q?a.b?= <a@b.test>\r\n\r\n",
                EncodedWordCharacter,
            ),
            (
                "5 (3)",
                "To: ¦=?utf-8?Q?a?=<a@b.test>\r\n\r\n",
                EncodedWordAdjoined,
            ),
            (
                "5",
                "To: ¦=?utf-8?Q?a?=@b.test\r\n\r\n",
                EncodedWordInAddress,
            ),
            (
                "5",
                "To: ¦\"=?utf-8?Q?a?=\" <a@b.test>\r\n\r\n",
                EncodedWordInQuotes,
            ),
            (
                "5",
                "Received: from ¦=?utf-8?Q?a?= by b.test; 21 Nov 1997 09:55:06 -0600\r\n\r\n",
                EncodedWordMisplaced,
            ),
            (
                "5",
                "Message-ID: <¦=?utf-8?Q?a?=@b.test>\r\n\r\n",
                EncodedWordMisplaced,
            ),
            (
                "5",
                "MIME-Version: 1.0\r\nContent-Type: text/plain; name=¦\"=?utf-8?Q?a?=\"\r\n\r\n",
                EncodedWordInParameter,
            ),
            (
                "5",
                "Subject: =?utf-8?B?w7w=?= =?utf-8?B?ww==?=\r\n ¦=?utf-8?B?vA==?=\r\n\r\n",
                EncodedWordSplit,
            ),
            (
                "5",
                "Subject: ¦=?utf-8?Q?a=0D=0Ab?=\r\n\r\n",
                EncodedWordControl,
            ),
            ("5", "Subject: ¦=?utf-8?Q?=FF?=\r\n\r\n", NotOfCharset),
            ("6.1", "Subject: ¦=?utf-8?X?a?=\r\n\r\n", BadEncodedWord),
            ("2049 2 (9)", "Subject: ¦=?a?=\r\n\r\n", BadEncodedWord),
            ("2049 2 (9)", "Subject: ¦=??Q?a?=\r\n\r\n", BadEncodedWord),
        ],
    );
}

#[test]
fn rfc2231_rfc2183_and_rfc3676() {
    let top = format!("{TOP}{MIME}");
    check(
        &top,
        &[
            (
                "3",
                "Content-Type: a/b; ¦name*1=a; name*0=b\r\n\r\n",
                OddContinuation,
            ),
            (
                "3",
                "Content-Type: a/b; name*0=a; ¦name*2=b\r\n\r\n",
                OddContinuation,
            ),
            (
                "3",
                "Content-Type: a/b; name*0=a; ¦name*01=b\r\n\r\n",
                OddContinuation,
            ),
            (
                "3",
                "Content-Type: a/b; name=a; ¦name*=utf-8''b\r\n\r\n",
                ConflictingParameter,
            ),
            (
                "4",
                "Content-Type: a/b; name*=¦abc\r\n\r\n",
                BadExtendedValue,
            ),
            (
                "4",
                "Content-Type: a/b; name*=¦utf-8''%X\r\n\r\n",
                BadExtendedValue,
            ),
            (
                "4",
                "Content-Type: a/b; name*=¦\"utf-8''a\"\r\n\r\n",
                BadExtendedValue,
            ),
            (
                "4",
                "Content-Type: a/b; name*=¦klingon''a\r\n\r\n",
                UnknownCharset,
            ),
            (
                "4",
                "Content-Type: a/b; name*=¦utf-8''%FF\r\n\r\n",
                NotOfCharset,
            ),
            (
                "4.1 (4)",
                "Content-Type: a/b; name*0=a; name*1*=¦%C3%BC\r\n\r\n",
                BadExtendedValue,
            ),
            (
                "4.1 (5)",
                "Content-Type: a/b; name*0*=¦a; name*1=b\r\n\r\n",
                BadExtendedValue,
            ),
            ("2183 2", "Content-Disposition: a ¦b\r\n\r\n", BadParameter),
            ("2183 2", "Content-Disposition: ¦;\r\n\r\n", BadDisposition),
            (
                "2183 2",
                "Content-Disposition: attachment; size=¦x\r\n\r\n",
                OddParameterValue,
            ),
            (
                "2183 2",
                "Content-Disposition: attachment; creation-date=¦\"today\"\r\n\r\n",
                OddParameterValue,
            ),
            (
                "2183 2",
                "Content-Disposition: attachment; read-date=¦\"21 Nov 97 09:55:06 EST\"\r\n\r\n",
                OddParameterValue,
            ),
            (
                "2183 2",
                &format!(
                    "Content-Disposition: attachment; filename=¦{}\r\n\r\n",
                    "a".repeat(79)
                ),
                OddParameterValue,
            ),
            (
                "3676 4.1",
                "Content-Type: text/plain; format=¦floating\r\n\r\n",
                OddParameterValue,
            ),
            (
                "3676 4.1",
                "Content-Type: text/plain; format=flowed; delsp=¦maybe\r\n\r\n",
                OddParameterValue,
            ),
            (
                "3676 4.2",
                "Content-Type: text/plain; format=flowed\r\n\r\n¦a \r\n-- \r\nb\r\n",
                OddFlowed,
            ),
            (
                "3676 4.4",
                "Content-Type: text/plain; format=flowed\r\n\r\n¦a\r\nFrom b\r\n",
                OddFlowed,
            ),
            (
                "3676 4.5",
                "Content-Type: text/plain; format=flowed\r\n\r\n¦> a \r\n>> b\r\n",
                OddFlowed,
            ),
        ],
    );
}

#[test]
fn what_keeps_every_must_is_told_nothing_of() {
    let text = "From: \"A. B.\" <a@b.test>, c@d.test\r\nSender: a@b.test\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\nResent-From: e@f.test\r\nResent-Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nReturn-Path: <>\r\nReceived: from a.test (=?utf-8?Q?x?=) by b.test; 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <1@b.test>\r\nTo: g: =?utf-8?Q?=C3=BC=2E?= <a@b.test>;\r\nBcc:\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8; format=flowed; delsp=no\r\nContent-Transfer-Encoding: 8bit\r\n\r\n> a \r\n> \u{c3}\u{bc}\r\n From b\r\n-- \r\nA\r\n--b\r\nContent-Type: message/external-body; access-type=anon-ftp; name=a; site=b.test\r\n\r\nContent-Type: text/plain\r\nContent-ID: <a@b.test>\r\n\r\n--b\r\nContent-Type: message/partial; id=a; number=2; total=2\r\n\r\nx\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <c@b.test>\r\nContent-Disposition: attachment; filename*0*=utf-8''a%C3; filename*1*=%BC;\r\n filename*2=\"b c\"; size=5; creation-date=\"Fri, 21 Nov 1997 09:55:06 -0600\"\r\n\r\nYQ0KYg==\r\n--b--\r\n";
    let (bytes, _) = message(text);
    assert_eq!(Message::parse(&bytes).inspect(), []);
}

#[test]
fn what_the_builder_writes_keeps_every_must() {
    use scop_mime::DateTime;
    use scop_mime::build::{Builder, Group, Mailbox, MessageId, Part};

    let names = [
        "Doe, (J.) \"x\" <a>",
        "=?utf-8?Q?a?=",
        "=?a?=",
        "J. Doe",
        "ü, ö; ä: (ß)",
        &"long ".repeat(60),
        &"ü".repeat(300),
        &"x".repeat(1000),
        "\t tab and more ",
    ];
    let files = [
        "a.txt",
        "100% =?utf-8?Q?a?= \"b\\c\".pdf",
        &"n".repeat(100),
        &"ü".repeat(200),
        "utf-8''x",
    ];
    let text = format!(
        "From me\n> quoted\n\n-- \n Ann\nü\n{}\n{} \n",
        "long ".repeat(400),
        "x".repeat(3000)
    );
    let mailbox = |n: usize| Mailbox::new(&format!("a.{n}@b.test")).unwrap();
    let mut builder = Builder::new(mailbox(0), DateTime::from_unix(1_700_000_000, -90).unwrap())
        .and_from(mailbox(1))
        .sender(mailbox(2))
        .message_id(MessageId::new("1@b.test").unwrap())
        .in_reply_to(MessageId::new("2@b.test").unwrap())
        .flowed(&text)
        .html(text.clone());
    for n in 0..50 {
        builder = builder.reference(MessageId::new(format!("{n}.long@b.test")).unwrap());
    }
    for (n, name) in names.iter().enumerate() {
        let to = mailbox(n).named(*name).unwrap();
        builder = builder
            .to(to.clone())
            .cc(Group::new(name.trim(), [to]).unwrap())
            .subject(*name)
            .unwrap();
        let built = builder.clone().build().to_vec();
        assert_eq!(Message::parse(&built).inspect(), [], "{name}");
    }
    for name in files {
        let data = (0..=255).cycle().take(1000).collect::<Vec<u8>>();
        builder = builder.attach(Part::attachment(name, "application/x", data).unwrap());
    }
    assert!(MessageId::new("=?utf-8?Q?x?=@b.test").is_err());
    assert!(MessageId::new("=?x@b.test").is_ok());
    // What is not encoded may not have what would need it.
    for control in ['\0', '\x01', '\x0c', '\r', '\n', '\x7f'] {
        assert!(scop_mime::build::Field::raw("X", format!("a{control}b")).is_err());
    }
    let built = builder.build().to_vec();
    let message = Message::parse(&built);
    assert_eq!(message.inspect(), []);
    assert!(
        message
            .attachments()
            .map(|a| a.filename().unwrap())
            .eq(files)
    );
}

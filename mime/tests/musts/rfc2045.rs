//! RFC 2045: MIME fields and transfer encodings.

use scop_mime::DefectKind::*;

use super::{MIME, TOP, check};

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
fn a_field_tells_its_own() {
    for (field, kinds) in [
        (
            "Content-Type: text",
            &[BadContentType, CommentInMimeField][..],
        ),
        ("Content-Type: text/plain;charset", &[BadParameter]),
        ("Content-Type: a/b; x=1; x=2", &[DuplicateParameter]),
        ("Content-Type: message/partial", &[MissingParameter]),
        ("Content-Transfer-Encoding: base64 x", &[JunkInEncoding]),
        ("Content-Disposition: a; b=\"c", &[UnbalancedQuote]),
        ("Content-Disposition: a; filename=\u{202e}", &[BidiControl]),
        ("MIME-Version: 1", &[BadMimeVersion]),
        ("MIME-Version: 1.0", &[]),
    ] {
        let text = format!("{TOP}MIME-Version: 1.0\r\n{field}\r\n\r\n");
        let text = text.replacen("MIME-Version: 1.0\r\nMIME", "MIME", 1);
        let message = scop_mime::Message::parse(text.as_bytes());
        let name = field.split(':').next().unwrap();
        let own = message.header().get(name).unwrap().defects();
        let all = message.inspect();
        assert!(
            own.iter().all(|d| all.contains(d)),
            "{field}: {own:?}, {all:?}"
        );
        for kind in kinds {
            assert!(own.iter().any(|d| d.kind == *kind), "{field}: {own:?}");
        }
        assert!(!kinds.is_empty() || own.is_empty(), "{field}: {own:?}");
    }
}

/// Names behind the first sixteen are looked up, not looked through.
#[test]
fn many_parameters_are_told_of_as_few_are() {
    for count in [2usize, 15, 16, 17, 60] {
        let names: String = (0..count).map(|n| format!("; p{n}=x")).collect();
        for place in [0, count / 2, count - 1] {
            for (again, kind) in [
                (format!("P{place}=y"), Some(DuplicateParameter)),
                (format!("P{place}*=utf-8''y"), Some(ConflictingParameter)),
                (format!("q{place}=y"), None),
            ] {
                let text = format!("{TOP}{MIME}Content-Type: text/plain{names}; {again}\r\n\r\n");
                let all = scop_mime::Message::parse(text.as_bytes()).inspect();
                let told = all
                    .iter()
                    .find(|d| matches!(d.kind, DuplicateParameter | ConflictingParameter));
                let at = text.find(&again).unwrap() as u64;
                assert_eq!(
                    told.map(|d| (d.kind, d.offset)),
                    kind.map(|kind| (kind, at)),
                    "{text}"
                );
            }
        }
    }
    let odd = |sections: &str| {
        let text = format!("{TOP}{MIME}Content-Type: text/plain; {sections}\r\n\r\n");
        let all = scop_mime::Message::parse(text.as_bytes()).inspect();
        (
            all.iter().any(|d| d.kind == OddContinuation),
            all.iter().any(|d| d.kind == DuplicateParameter),
        )
    };
    assert_eq!(odd("n*0=a; n*1=b; n*2=c"), (false, false));
    assert_eq!(odd("n*0=a; n*2=b; n*1=c"), (true, false));
    assert_eq!(odd("n*0=a; n*1=b; n*0=c"), (true, true));
}

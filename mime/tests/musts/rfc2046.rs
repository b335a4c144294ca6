//! RFC 2046: what is in which kind of part.

use scop_mime::DefectKind::*;

use super::{MIME, TOP, check};

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

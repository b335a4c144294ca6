//! RFC 2047 and 2049: encoded words, and what conforms.

use scop_mime::DefectKind::*;

use super::{TOP, check};

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

//! RFC 2231, 2183 and 3676: parameters, dispositions, flowed text.

use scop_mime::DefectKind::*;

use super::{MIME, TOP, check};

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

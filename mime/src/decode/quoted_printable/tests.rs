//! Decoding quoted-printable, beside decoding it byte by byte.

use super::super::tests::run;
use super::*;
use crate::TransferEncoding;
use alloc::string::{String, ToString};
use proptest::prelude::*;

/// As it is, and behind and before what goes fast.
fn check(text: &[u8], bytes: &[u8], defects: &[DefectKind]) {
    for (before, behind) in [(0, 0), (40, 0), (40, 40), (0, 40), (3, 5)] {
        let (before, behind) = (b"x".repeat(before), b"x".repeat(behind));
        if !behind.is_empty() && matches!(text.last(), Some(b' ' | b'\r' | b'=' | b'4')) {
            continue; // what follows makes it another text
        }
        let text = [&before, text, &behind].concat();
        let bytes = [&before, bytes, &behind].concat();
        let (out, kinds) = run(&TransferEncoding::QuotedPrintable, &text);
        let (out, bytes) = (out.escape_ascii(), bytes.escape_ascii());
        assert_eq!(out.to_string(), bytes.to_string());
        assert_eq!(kinds, defects, "{}", text.escape_ascii());
    }
}

#[test]
fn rfc2045_section_6_7() {
    check(
        b"Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.",
        b"Now's the time for all folk to come to the aid of their country.",
        &[],
    );
    check(b"=3D=0C=E2\r\na\nb", b"=\x0c\xe2\r\na\nb", &[]);
}

#[test]
fn mi09_quoted_printable_is_read_one_way() {
    use DefectKind::*;
    check(b"a=XYb", b"a=XYb", &[QpBadEscape]);
    check(b"a=4", b"a=4", &[QpBadEscape]);
    check(b"a=4\r\nb", b"a=4\r\nb", &[QpBadEscape]);
    check(b"=e2\r", b"\xe2\r", &[QpLowerCase, BareCrInBody]);
    check(b"=E2\rx", b"\xe2\rx", &[BareCrInBody]);
    check(b"=e2=Aa", b"\xe2\xaa", &[QpLowerCase]);
    check(b"a \t\r\nb  \nc d ", b"a\r\nb\nc d", &[QpTrailingSpace]);
    check(b"a=20\r\nb=09\n", b"a \r\nb\t\n", &[]);
    check(b"a= \t\r\nb", b"ab", &[QpTrailingSpace]);
    check(b"a=\nb", b"ab", &[]);
    check(b"a= b", b"a= b", &[QpBadEscape]);
    check(b"a=\rb", b"a=\rb", &[QpBadEscape]);
    check(b"a=", b"a", &[QpSoftBreakAtEnd]);
    check(b"a=\r", b"a", &[QpSoftBreakAtEnd]);
    check(b"a=\r\n", b"a", &[]);
    check(b"==3D", b"==", &[QpBadEscape]);
    check(b"\xfc\x00\tb", b"\xfc\x00\tb", &[EightBitBody]);
}

#[test]
fn white_space_without_end_is_given_out() {
    let flood = b" ".repeat(10_000);
    let (out, _) = run(&TransferEncoding::QuotedPrintable, &flood);
    assert_eq!(out.len(), 9 * 1024);
    let line = [&flood[..], b"\nabcdefghi"].concat();
    let (out, _) = run(&TransferEncoding::QuotedPrintable, &line);
    assert_eq!(out.len(), 9 * 1024 + 10);
    let line = [&flood[..], b".\nabcdefghi"].concat();
    let (out, _) = run(&TransferEncoding::QuotedPrintable, &line);
    assert_eq!(out, line);
}

const LONG_SPACE: &str = match core::str::from_utf8(&[b' '; 1500]) {
    Ok(text) => text,
    Err(_) => "",
};

/// Byte by byte, which is what decoding means.
fn slow(text: &[u8]) -> (Vec<u8>, Vec<Defect>) {
    let (mut decoder, mut out) = (QuotedPrintable::new(), Vec::new());
    for byte in text {
        decoder.settle(*byte, &mut out);
        decoder.byte(*byte, &mut out);
    }
    decoder.finish(&mut out);
    (out, decoder.defects.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn stretches_are_decoded_as_their_bytes_are(
        pieces in prop::collection::vec(
            prop_oneof![
                8 => "[ -~]{0,80}".prop_map(|text| text.replace('=', "x")),
                8 => prop::sample::select(&["=3D", "=C3=BC", "=\r\n", "\r\n", " ", "=20", "=0D=0A"][..])
                    .prop_map(String::from),
                1 => prop::sample::select(&["=\n", "=zz", "=4", "=\"", "=\r", " \r", "\r\r\n", LONG_SPACE, "\n", "\t", "\r", " \r\n", "\t \n", "= \r\n", "=a", "=e2", "=", "==", "\0", "\u{fc}"][..])
                    .prop_map(String::from),
            ],
            0..40,
        ),
        times in prop::sample::select(&[1usize, 1, 1, 5, 30][..]),
        cut in prop::sample::select(&[usize::MAX, 1, 7, 255, 256, 257, 300, 8192][..]),
    ) {
        let text = pieces.concat().repeat(times);
        let (mut decoder, mut out) = (QuotedPrintable::new(), Vec::new());
        for piece in text.as_bytes().chunks(cut) {
            decoder.decode(piece, &mut out);
        }
        decoder.finish(&mut out);
        let (bytes, defects) = slow(text.as_bytes());
        prop_assert_eq!(decoded_len(text.as_bytes()), bytes.len() as u64);
        prop_assert_eq!(out.escape_ascii().to_string(), bytes.escape_ascii().to_string());
        prop_assert_eq!(decoder.defects.0, defects);
    }
}

#[test]
fn defects_have_the_offset_of_their_byte() {
    let text = [&b"x".repeat(20_000)[..], b"abc \t\r\n=aa\rx=Q"].concat();
    let mut decoder = QuotedPrintable::new();
    let mut out = Vec::new();
    decoder.decode(&text, &mut out);
    decoder.finish(&mut out);
    let found = decoder.defects().iter().map(|d| d.offset - 20_000);
    assert_eq!(found.collect::<Vec<_>>(), [3, 7, 10, 12]);
}

/// A body may be wrong in each of its bytes.
#[test]
fn what_begins_nothing_is_text_however_much_there_is() {
    let (bad, cr) = (DefectKind::QpBadEscape, DefectKind::BareCrInBody);
    for (piece, defects) in [
        ("=", &[(bad, 0)][..]),
        ("=x", &[(bad, 0)]),
        ("=3", &[(bad, 0)]),
        ("\r", &[(cr, 0)]),
        ("=\rx", &[(bad, 0)]), // that CR is of it
        ("x\r=", &[(cr, 1), (bad, 2)]),
        ("== x", &[(bad, 0)]),
    ] {
        for times in [1, 100, 20_000] {
            let text = piece.repeat(times) + "xx";
            for cut in [0, 1, text.len() / 2, text.len() - 1] {
                let (mut decoder, mut out) = (QuotedPrintable::new(), Vec::new());
                let (a, b) = text.as_bytes().split_at(cut);
                decoder.decode(a, &mut out);
                decoder.decode(b, &mut out);
                decoder.finish(&mut out);
                assert_eq!(out, text.as_bytes(), "{piece:?} {times} {cut}");
                let found = decoder.defects().iter().map(|d| (d.kind, d.offset));
                let found: Vec<_> = found.collect();
                assert_eq!(found, defects, "{piece:?} {times} {cut}");
            }
        }
    }
}

#[test]
fn found_by_fuzzing() {
    // What is cut behind the first digit, far enough to be a stretch.
    let text = [&b"x".repeat(80)[..], b"=0D\n"].concat();
    for cut in 80..text.len() {
        let (mut decoder, mut out) = (QuotedPrintable::new(), Vec::new());
        let (a, b) = text.split_at(cut);
        decoder.decode(a, &mut out);
        decoder.decode(b, &mut out);
        decoder.finish(&mut out);
        assert!(
            out.ends_with(b"x\r\n") && decoder.defects().is_empty(),
            "{cut}"
        );
    }
}

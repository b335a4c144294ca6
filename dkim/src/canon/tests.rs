use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

fn body(kind: Canonicalization, chunks: &[&[u8]]) -> Vec<u8> {
    let mut canon = BodyCanon::new(kind, Vec::new());
    for chunk in chunks {
        canon.write(chunk);
    }
    core::mem::take(canon.finish())
}

/// The same algorithms written for clarity, on the whole body.
fn model(kind: Canonicalization, body: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut rest = body;
    while let Some(n) = memchr::memmem::find(rest, b"\r\n") {
        lines.push(rest[..n].to_vec());
        rest = &rest[n + 2..];
    }
    if !rest.is_empty() {
        lines.push(rest.to_vec());
    }
    if kind == Canonicalization::Relaxed {
        for line in &mut lines {
            let mut out = Vec::new();
            for b in line.iter() {
                match b {
                    b' ' | b'\t' if out.last() == Some(&b' ') => {}
                    b' ' | b'\t' => out.push(b' '),
                    _ => out.push(*b),
                }
            }
            if out.last() == Some(&b' ') {
                out.pop();
            }
            *line = out;
        }
    }
    while lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    if lines.is_empty() && kind == Canonicalization::Simple {
        lines.push(Vec::new());
    }
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(&line);
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[test]
fn rfc6376_section_3_4_5() {
    let text = b" C \r\nD \t E\r\n\r\n\r\n";
    assert_eq!(body(Canonicalization::Relaxed, &[text]), b" C\r\nD E\r\n");
    assert_eq!(
        body(Canonicalization::Simple, &[text]),
        b" C \r\nD \t E\r\n"
    );
    let mut out = HeaderCanon::new(Canonicalization::Relaxed);
    out.field(b"A: X");
    out.field(b"B : Y\t\r\n\tZ  ");
    assert_eq!(out.bytes(), b"a:Xb:Y Z");
}

#[test]
fn empty_bodies() {
    for text in [&b""[..], b"\r\n", b"\r\n\r\n\r\n"] {
        assert_eq!(body(Canonicalization::Simple, &[text]), b"\r\n");
        assert_eq!(body(Canonicalization::Relaxed, &[text]), b"");
    }
    assert_eq!(body(Canonicalization::Relaxed, &[b" \t\r\n \r\n\t"]), b"");
}

#[test]
fn nothing_is_repaired() {
    for text in [
        &b"a\nb\n"[..],
        b"a\rb\r",
        b"a\r\r\nb",
        b"\n\n",
        b"a\0b",
        b"\r",
        b"a \n",
        b"a \r",
    ] {
        let mut want = text.to_vec();
        want.extend_from_slice(b"\r\n");
        assert_eq!(
            body(Canonicalization::Simple, &[text]),
            want,
            "{}",
            text.escape_ascii()
        );
        assert_eq!(
            body(Canonicalization::Relaxed, &[text]),
            want,
            "{}",
            text.escape_ascii()
        );
    }
}

#[test]
fn empty_lines_cost_no_memory_and_come_back() {
    struct Count(u64, usize);
    impl Sink for Count {
        fn put(&mut self, bytes: &[u8]) {
            self.0 += bytes.len() as u64;
            self.1 = self.1.max(bytes.len());
        }
    }
    let mut canon = BodyCanon::new(Canonicalization::Simple, Count(0, 0));
    let line = b"\r\n".repeat(1 << 16);
    for _ in 0..32 {
        canon.write(&line);
    }
    canon.write(b"x");
    let &mut Count(total, largest) = canon.finish();
    assert_eq!(total, 32 * (2 << 16) + 3);
    assert!(largest <= CRLFS.len());
}

/// Section 3.4.2 on a whole field, written for clarity.
fn header_model(field: &[u8]) -> Vec<u8> {
    let colon = field.iter().position(|b| *b == b':').unwrap_or(field.len());
    let (name, value) = field.split_at(colon);
    let unfolded = |text: &[u8]| {
        let (mut out, mut rest) = (Vec::new(), text);
        while let [byte, after @ ..] = rest {
            rest = after;
            match byte {
                b'\r' if rest.starts_with(b"\n") => rest = &rest[1..],
                b' ' | b'\t' if matches!(out.last(), None | Some(b' ')) => {}
                b' ' | b'\t' => out.push(b' '),
                _ => out.push(*byte),
            }
        }
        if out.last() == Some(&b' ') {
            out.pop();
        }
        out
    };
    let name = unfolded(name).to_ascii_lowercase();
    [name, b":".to_vec(), unfolded(value.get(1..).unwrap_or(&[]))].concat()
}

/// One line, mostly: around the length of a block, at the end of all bytes and in front of
/// others, with one gap in each place.
#[test]
fn short_fields_equal_the_model() {
    for (lead, length) in ["", " ", "  ", "\t", " \t", "\r\n ", " \r\n "]
        .into_iter()
        .flat_map(|lead| [0, 1, 2, 15, 16, 17, 62, 63, 64, 65, 66, 130].map(|n| (lead, n)))
    {
        let gaps = ["x", " ", "  ", "\t", " \t", "\r\n ", " \r\n\t", "\r", "\n"];
        for (gap, place) in gaps
            .iter()
            .flat_map(|gap| (0..=length).map(move |n| (gap, n)))
        {
            let (before, behind) = ("v".repeat(place), "w".repeat(length - place));
            let field = ["Name:", lead, &before, gap, &behind].concat();
            let want = header_model(field.as_bytes());
            for more in ["", "\r\nX: y", "more"] {
                let bytes = [&field, more].concat();
                let (bytes, length) = (bytes.as_bytes(), field.len());
                let mut out = HeaderCanon::new(Canonicalization::Relaxed);
                out.line(Field {
                    text: Within { bytes, length },
                    name: Some("Name".len()),
                });
                assert_eq!(
                    out.bytes(),
                    [&want[..], b"\r\n"].concat(),
                    "{field:?} {more:?}"
                );
            }
        }
    }
}

/// Long enough for each way of passing and for more than one buffer, with runs around
/// every boundary of a block or word.
#[test]
fn long_bodies_equal_the_model_at_any_chunk() {
    let mut state = 1u32;
    let mut below = |n: u32| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
        (state >> 16) % n
    };
    for dense in [false, true] {
        let mut text = Vec::new();
        while text.len() < 3 * GATHER {
            let most = if dense { 12 } else { 150 };
            let word = below(most) as usize;
            text.extend(core::iter::repeat_n(b'x', word));
            let gaps: [&[u8]; 8] = [
                b" ",
                b" ",
                b"  ",
                b"\t",
                b" \r\n",
                b"\r\n",
                b" \r",
                b"\t \t \t \t \t",
            ];
            text.extend_from_slice(gaps[below(8) as usize]);
        }
        text.extend_from_slice(&[b'y'; LARGE + 1]);
        text.extend_from_slice(b" \t\r\n\r\n");
        for kind in [Canonicalization::Simple, Canonicalization::Relaxed] {
            let want = model(kind, &text);
            for size in (1..40).chain([GATHER - 1, GATHER, text.len()]) {
                let chunks: Vec<&[u8]> = text.chunks(size).collect();
                assert!(body(kind, &chunks) == want, "{kind}, chunks of {size}");
            }
        }
    }
}

fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\r\n".to_vec()),
        3 => Just(b" ".to_vec()),
        2 => Just(b"\t".to_vec()),
        1 => Just(b"\r".to_vec()),
        1 => Just(b"\n".to_vec()),
        3 => Just(b"a".to_vec()),
        1 => proptest::collection::vec(prop_oneof![Just(b'x'), Just(b' ')], 30..70),
        1 => (1usize..100).prop_map(|n| b"y".repeat(n)),
        1 => (1usize..40).prop_map(|n| b" \t".repeat(n)),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn fields_equal_the_model(name in "[A-Za-z-]{1,20}[ \t]{0,2}", value in soup()) {
        let field = [name.as_bytes(), b":", &value].concat();
        let named = [name.as_bytes(), b":"].concat();
        let is_known = !name.ends_with([' ', '\t']);
        // What follows does not count.
        let follows = [&b""[..], b" \r\n\tmore and more", b"\r\nX: y", b"more and more", b"\tmore"];
        let canonical = |before: &[u8], behind: &[u8], n: usize| {
            let bytes = &[before, follows[n % follows.len()]].concat();
            let name = (is_known && n.is_multiple_of(2) && before.starts_with(&named)).then_some(name.len());
            let mut out = HeaderCanon::new(Canonicalization::Relaxed);
            out.line(Field::new(b"X:y"));
            let text = Within { bytes, length: before.len() };
            out.field_in_two(Field { text, name }, behind);
            prop_assert_eq!(&out.bytes()[..5], b"x:y\r\n");
            Ok(out.bytes()[5..].to_vec())
        };
        let want = header_model(&field);
        for n in 0..2 * follows.len() {
            prop_assert_eq!(&canonical(&field, b"", n)?, &want);
            prop_assert_eq!(canonical(&value, b"", n)?, header_model(&value));
        }
        // What is cut is no CRLF: it begins behind an equals sign.
        let cuts = (name.len() + 1..field.len()).filter(|at| field[at - 1] != b'\r');
        for at in cuts {
            let (before, behind) = field.split_at(at);
            prop_assert_eq!(&canonical(before, behind, at)?, &want);
        }
    }

    #[test]
    fn equals_the_model_at_any_split(text in soup(), cuts in proptest::collection::vec(0usize..400, 0..4)) {
        for kind in [Canonicalization::Simple, Canonicalization::Relaxed] {
            let want = model(kind, &text);
            prop_assert_eq!(&body(kind, &[&text]), &want);
            let bytes: Vec<&[u8]> = text.chunks(1).collect();
            prop_assert_eq!(&body(kind, &bytes), &want);
            let mut cuts: Vec<usize> = cuts.iter().map(|c| c % (text.len() + 1)).collect();
            cuts.push(text.len());
            cuts.sort_unstable();
            let mut at = 0;
            let chunks: Vec<&[u8]> = cuts.iter().map(|c| { let s = &text[at..*c]; at = *c; s }).collect();
            prop_assert_eq!(&body(kind, &chunks), &want);
        }
    }
}

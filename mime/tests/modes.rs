//! How far a message is taken apart: `Flat`, `Raw` and `Exact`.

use proptest::prelude::*;
use scop_mime::{BodyStart, Content, Defect, DefectKind, Event, Limits, Mode, Reader};

/// What a reader in some mode says, with bodies joined.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    fields: Vec<(u64, Vec<u8>, Vec<u8>)>,
    bodies: Vec<(Content, bool, u64)>,
    body: Vec<u8>,
    defects: Vec<Defect>,
    counted: bool,
}

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, mode: Mode, limits: &Limits) -> Read {
    let mut reader = Reader::new(limits.clone()).mode(mode);
    let mut read = Read::default();
    let mut take = |event: Event<'_>| match event {
        Event::Header(f) => {
            read.fields
                .push((f.at.offset, f.name().to_vec(), f.raw.to_vec()));
        }
        Event::BodyStart(BodyStart {
            content,
            opaque,
            offset,
            ..
        }) => read.bodies.push((content, opaque, offset)),
        Event::Body(body) => read.body.extend_from_slice(body.data),
        Event::Defect(defect) => read.defects.push(defect),
        Event::End(end) => read.counted = end.counted.is_some(),
        _ => {}
    };
    for mut chunk in chunks {
        while let Some(event) = reader.read(&mut chunk) {
            take(event);
        }
    }
    reader.finish();
    while let Some(event) = reader.read(&mut &[][..]) {
        take(event);
    }
    assert!(reader.is_done());
    read
}

fn whole(text: &[u8], mode: Mode) -> Read {
    read([text], mode, &Limits::default())
}

#[test]
fn flat_leaves_a_message_within_as_it_is() {
    let text =
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: b\r\n\r\nx\r\n--b\r\n\
        Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\n\r\n--b--\r\n";
    let flat = whole(text, Mode::Flat);
    let contents: Vec<_> = flat.bodies.iter().map(|b| (b.0, b.1)).collect();
    assert_eq!(
        contents,
        [
            (Content::Multipart, false),
            (Content::Leaf, false),
            (Content::Leaf, false)
        ]
    );
    assert_eq!(flat.body, b"A: b\r\n\r\nxSubject: y\r\n\r\n");
    assert!(flat.defects.is_empty() && flat.counted);
    assert_eq!(whole(text, Mode::Recurse).bodies.len(), 5);
}

#[test]
fn raw_sees_a_header_and_bytes() {
    let text =
        b"Content-Type: multipart/mixed; boundary=b\nno field\nSubject: x\n y\n\n--b\n\n--b--\n";
    let raw = whole(text, Mode::Raw);
    let names: Vec<_> = raw.fields.iter().map(|f| &f.1[..]).collect();
    assert_eq!(names, [&b"Content-Type"[..], b"", b"Subject"]);
    assert_eq!(raw.bodies, [(Content::Leaf, false, 66)]);
    assert_eq!(raw.body, b"--b\n\n--b--\n");
    assert_eq!(raw.defects[0].kind, DefectKind::NotAField);
    assert!(raw.defects.len() == 1 && !raw.counted);
}

#[test]
fn exact_takes_crlf_alone_for_a_line_end() {
    let text =
        b"A: 1\r\nB : 2\r\n\t3\r\n \r\nno colon\r\nFrom\r\n : z\r\na:4\n\n5\r6\r\n\r\nbody\r\n\r\n";
    let exact = whole(text, Mode::Exact);
    let fields: Vec<_> = exact.fields.iter().map(|f| (&f.1[..], &f.2[..])).collect();
    assert_eq!(
        fields,
        [
            (&b"A"[..], &b"A: 1\r\n"[..]),
            (b"B", b"B : 2\r\n\t3\r\n \r\n"),
            (b"", b"no colon\r\n"),
            (b"From", b"From\r\n : z\r\n"),
            (b"a", b"a:4\n\n5\r6\r\n"),
        ]
    );
    assert_eq!(exact.body, b"body\r\n\r\n");
    // The first line counts too, whatever it is.
    for text in [
        &b"no colon\r\nA: b\r\n\r\nx"[..],
        b" A: b\r\nA: b\r\n\r\nx",
        b"\nA: b\r\nA: b\r\n\r\nx",
        b"\xef\xbb\xbfA: b\r\nA: b\r\n\r\nx",
        b"From x\r\nA: b\r\n\r\nx",
    ] {
        let exact = whole(text, Mode::Exact);
        let names: Vec<_> = exact.fields.iter().map(|f| &f.1[..]).collect();
        assert_eq!(names, [&b""[..], b"A"]);
        assert_eq!(exact.body, b"x");
    }
}

#[test]
fn what_is_too_long_is_told_at_once() {
    let limits = Limits {
        header_bytes: 3000,
        field_bytes: 1024,
        fields: 3,
        ..Limits::default()
    };
    let long = format!("A: {}\r\nB: c\r\n\r\n", "x".repeat(2000));
    let exact = read([long.as_bytes()], Mode::Exact, &limits);
    assert_eq!(exact.fields[0].2.len(), 1024);
    assert_eq!(exact.defects[0].to_string(), "field-too-long at byte 0");
    assert_eq!(exact.fields[1].1, b"B");
    let longer = format!("A: {}\r\n\r\n", "x".repeat(9000));
    let exact = read([longer.as_bytes()], Mode::Exact, &limits);
    let kinds: Vec<_> = exact.defects.iter().map(|d| d.kind).collect();
    assert_eq!(kinds, [DefectKind::FieldTooLong, DefectKind::HeaderTooLong]);
    let many = read(["A:\r\n".repeat(5).as_bytes()], Mode::Exact, &limits);
    assert_eq!(many.defects[0].to_string(), "too-many-fields at byte 12");
    assert_eq!(many.body, b"A:\r\nA:\r\n");
}

#[test]
fn bytes_of_a_raw_body_are_not_copied() {
    let text = [&b"A: b\r\n\r\n"[..], &[b'x'; 100_000]].concat();
    for mode in [Mode::Raw, Mode::Exact] {
        let mut reader = Reader::new(Limits::default()).mode(mode);
        let (mut input, mut bodies) = (&text[..], 0);
        while let Some(event) = reader.read(&mut input) {
            if let Event::Body(body) = event {
                assert_eq!(body.data.as_ptr(), text[8..].as_ptr());
                assert_eq!(body.data.len(), 100_000);
                bodies += 1;
            }
        }
        assert_eq!(bodies, 1);
    }
}

/// The header by the rule of [`Mode::Exact`], read the slow way.
fn exactly(text: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut fields: Vec<Vec<u8>> = vec![];
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.windows(2).position(|w| w == b"\r\n");
        let (line, behind) = rest.split_at(end.map_or(rest.len(), |n| n + 2));
        rest = behind;
        if line == b"\r\n" {
            return (fields, rest.to_vec());
        }
        match fields.last_mut() {
            Some(field) if matches!(line[0], b' ' | b'\t') => field.extend_from_slice(line),
            _ => fields.push(line.to_vec()),
        }
    }
    (fields, vec![])
}

fn header() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "\r\n", "\r\n", "\n", "\r", " ", "\t", "A", ":", "b", "From ", "--b", "\u{feff}", "\0",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn exact_is_exact_and_no_mode_depends_on_the_cuts(text in header(), size in 1usize..9) {
        let exact = whole(&text, Mode::Exact);
        let (fields, body) = exactly(&text);
        let raw: Vec<_> = exact.fields.iter().map(|f| f.2.clone()).collect();
        prop_assert_eq!((raw, &exact.body), (fields, &body));
        for mode in [Mode::Exact, Mode::Raw, Mode::Flat] {
            let cut = read(text.chunks(size), mode, &Limits::default());
            prop_assert_eq!(cut, whole(&text, mode));
        }
    }
}

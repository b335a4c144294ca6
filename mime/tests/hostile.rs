//! Shapes that are made to cost much: what comes out of them. What they cost is in
//! `benches/`.

use scop_mime::{DefectKind, Index, Indexer, Limits, Message, Section};

/// No limit but the depth that none exceeds.
fn lifted() -> Limits {
    Limits {
        header_bytes: u64::MAX,
        field_bytes: usize::MAX,
        fields: u32::MAX,
        depth: u32::MAX,
        parts: u32::MAX,
        ..Limits::default()
    }
}

fn count(index: &Index, kind: DefectKind) -> usize {
    index.defects().iter().filter(|d| d.kind == kind).count()
}

/// The index, which is the same once it was stored and, with limits as usual, as it
/// streams; the message ends where its parts end.
fn index(text: &[u8], limits: &Limits) -> Index {
    let index = Index::of(text, limits);
    assert_eq!(Index::from_bytes(&index.to_bytes()).as_ref(), Ok(&index));
    assert_eq!(index.size().octets, text.len() as u64);
    let message = Message::with_index(text, index.clone(), limits);
    let root = message.root();
    assert_eq!(root.body_offset() + root.body_length(), text.len() as u64);
    if *limits != Limits::default() {
        return index;
    }
    let mut indexer = Indexer::new(limits.clone());
    for chunk in text.chunks(64 << 10) {
        indexer.write(chunk);
    }
    assert_eq!(indexer.finish(), index);
    index
}

#[test]
fn mi01_a_hundred_thousand_nested_multiparts() {
    let mut text = String::new();
    for n in 0..100_000 {
        text += &format!("Content-Type: multipart/mixed; boundary=b{n}.\n\n--b{n}.\n");
    }
    for (limits, depth) in [(Limits::default(), 100), (lifted(), 256)] {
        let index = index(text.as_bytes(), &limits);
        assert_eq!(index.part_count(), depth + 1);
        assert_eq!(count(&index, DefectKind::TooDeep), 1);
        assert_eq!(count(&index, DefectKind::MissingCloseDelimiter), depth);
        let deepest: Section = vec!["1"; depth].join(".").parse().unwrap();
        let rest = index.section(text.as_bytes(), &deepest).unwrap();
        let first = format!("--b{depth}.\n");
        assert!(rest.starts_with(first.as_bytes()) && rest.ends_with(b"--b99999.\n"));
    }
}

#[test]
fn mi07_a_hundred_thousand_nested_messages() {
    let text = "Content-Type: message/rfc822\n\n".repeat(100_000);
    for (limits, depth) in [(Limits::default(), 100), (lifted(), 256)] {
        let index = index(text.as_bytes(), &limits);
        assert_eq!(index.part_count(), depth + 1);
        assert_eq!(count(&index, DefectKind::TooDeep), 1);
        let message = Message::parse_with(text.as_bytes(), &limits);
        let deepest = message.parts().last().unwrap();
        assert!(deepest.is_opaque());
        assert_eq!(deepest.body().len(), text.len() - 30 * (depth + 1));
    }
}

#[test]
fn mi01_a_million_empty_parts() {
    let text = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n",
        "--b\n\n".repeat(1_000_000)
    );
    let few = index(text.as_bytes(), &Limits::default());
    assert_eq!(few.part_count(), 10_001);
    assert_eq!(count(&few, DefectKind::TooManyParts), 1);
    let all = Index::of(text.as_bytes(), &lifted());
    assert_eq!(all.part_count(), 1_000_001);
    // Each is found by its number at once; a thousand of them are asked for.
    for n in (1..=1_000_000).step_by(997) {
        let section = Section {
            part: vec![n],
            ..Section::default()
        };
        let at = 43 + 5 * u64::from(n);
        assert_eq!(all.range(&section), Some(at..at));
    }
    assert_eq!(all.range(&"1000001".parse().unwrap()), None);
}

#[test]
fn sixty_four_open_boundaries_and_a_hundred_thousand_lines_with_dashes() {
    let name = "a".repeat(60);
    let mut text = String::new();
    for n in 0..64 {
        text += &format!("Content-Type: multipart/mixed; boundary={name}{n}\n\n--{name}{n}\n");
    }
    text.push('\n');
    let body = text.len() as u64;
    text += &format!("--\n--{name}\n").repeat(100_000);
    let index = index(text.as_bytes(), &Limits::default());
    assert_eq!(index.part_count(), 65);
    let deepest: Section = vec!["1"; 64].join(".").parse().unwrap();
    assert_eq!(index.range(&deepest), Some(body..text.len() as u64));
}

#[test]
fn mi02_a_header_line_of_ten_megabytes() {
    let text = format!("Subject: {}\nTo: x\n\nbody", "x".repeat(10 << 20));
    let short = index(text.as_bytes(), &Limits::default());
    assert_eq!(count(&short, DefectKind::HeaderTooLong), 1);
    assert_eq!(count(&short, DefectKind::FieldTooLong), 1);
    let message = Message::parse(text.as_bytes());
    assert!(message.root().is_opaque());
    assert!(message.root().body().ends_with(b"xxx\nTo: x\n\nbody"));
    let long = index(text.as_bytes(), &lifted());
    assert_eq!((long.part_count(), long.defects().len()), (1, 0));
    let message = Message::parse_with(text.as_bytes(), &lifted());
    assert_eq!(message.header().fields().count(), 2);
    assert_eq!(message.root().body(), b"body");
}

#[test]
fn mi02_half_a_million_header_fields() {
    let text = format!("{}\nbody", "X: y\n".repeat(500_000));
    let few = index(text.as_bytes(), &Limits::default());
    assert_eq!(count(&few, DefectKind::TooManyFields), 1);
    let message = Message::parse(text.as_bytes());
    assert_eq!(message.header().fields().count(), 10_000);
    assert_eq!(message.root().body_offset(), 50_000);
    let message = Message::parse_with(text.as_bytes(), &lifted());
    assert_eq!(message.header().fields().count(), 500_000);
    assert_eq!(message.root().body(), b"body");
}

//! Attachments out of a stream: the same as the tree has, at any cut.

use std::path::Path;

use proptest::prelude::*;
use scop_mime::{DefectKind, Extract, Extractor, Limits, Message, Policy};

#[derive(Clone, Debug, Default, PartialEq)]
struct File {
    id: String,
    name: String,
    filename: Option<String>,
    essence: String,
    bytes: Vec<u8>,
    octets: u64,
    defects: Vec<scop_mime::Defect>,
}

fn extract<'a>(chunks: impl Iterator<Item = &'a [u8]>, every: bool) -> Vec<File> {
    let mut extractor = Extractor::new(Limits::default());
    if every {
        extractor = extractor.every_part();
    }
    let mut files: Vec<File> = vec![];
    let mut open = false;
    let mut take = |event: Extract<'_>| match event {
        Extract::Start(a) => {
            assert!(!open, "parts that are taken out do not nest");
            open = true;
            files.push(File {
                id: a.id.to_string(),
                name: a.name,
                filename: a.filename,
                essence: a.content_type.essence().into(),
                ..File::default()
            });
        }
        Extract::Data(bytes) => {
            assert!(open && !bytes.is_empty());
            files.last_mut().unwrap().bytes.extend_from_slice(bytes);
        }
        Extract::End(end) => {
            assert!(std::mem::take(&mut open));
            let file = files.last_mut().unwrap();
            (file.octets, file.defects) = (end.octets, end.defects);
        }
        Extract::Defect(_) => {}
    };
    for mut chunk in chunks {
        while let Some(event) = extractor.read(&mut chunk) {
            take(event);
        }
    }
    extractor.finish();
    while let Some(event) = extractor.read(&mut &[][..]) {
        take(event);
    }
    assert!(extractor.read(&mut &b"more"[..]).is_none());
    assert!(files.iter().all(|f| f.octets == f.bytes.len() as u64));
    files
}

/// The same from the tree, but for a multipart whose delimiter never comes: that it is
/// one is known at its end, when its bytes have passed.
fn from_tree(bytes: &[u8]) -> Vec<File> {
    let message = Message::parse(bytes);
    let mut files = vec![];
    for part in message.attachments() {
        if part.content_type().kind() == "multipart"
            && part.content_type().parameter("boundary").is_some()
        {
            continue;
        }
        let decoded = part.decode();
        files.push(File {
            id: part.id().to_string(),
            name: String::new(),
            filename: part.filename(),
            essence: part.content_type().essence().into(),
            octets: decoded.bytes.len() as u64,
            bytes: decoded.bytes.into_owned(),
            defects: by_offset(decoded.defects),
        });
    }
    files
}

/// Without names, which the tree does not give. A message within that is cut behind an
/// empty line ends there for who reads it as a message, and before the line end for who
/// reads it as bytes: that line end is the delimiter's (RFC 2046 5.1.1).
fn nameless(files: &[File]) -> Vec<File> {
    let without = |f: &File| {
        let mut file = f.clone();
        file.name.clear();
        if file.essence.starts_with("message/") {
            let end = file.bytes.trim_ascii_end().len();
            file.bytes.truncate(end);
            file.octets = end as u64;
        }
        file
    };
    files.iter().map(without).collect()
}

fn by_offset(mut defects: Vec<scop_mime::Defect>) -> Vec<scop_mime::Defect> {
    defects.sort_unstable();
    defects
}

#[test]
fn defects_are_by_offset_however_they_are_found() {
    let text = b"Content-Type: image/gif\nContent-Disposition: attachment\n\
        Content-Transfer-Encoding: quoted-printable\n\n=zz\nx\xee\n";
    let whole = extract(std::iter::once(&text[..]), false);
    assert_eq!(whole[0].defects.len(), 2);
    assert_eq!(extract(text.chunks(1), false), whole);
}

const MIXED: &[u8] = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\n\r\nThe text.\r\n\
    --b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"../../x.PNG\"\r\n\
    Content-Transfer-Encoding: base64\r\n\r\niVBORw0!KGgo=\r\n\
    --b\r\nContent-Type: application/pdf; name=\"X.png\"\r\n\r\n%PDF\r\n\
    --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n\r\n\
    --b\r\nContent-Type: image/gif\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=47IF=\r\n\r\n--b--\r\n";

#[test]
fn attachments_come_out_decoded_under_safe_names() {
    let files = extract(std::iter::once(MIXED), false);
    let all: Vec<_> = files
        .iter()
        .map(|f| (&*f.id, &*f.name, f.bytes.len()))
        .collect();
    assert_eq!(
        all,
        [
            ("2", "x.PNG", 8),
            ("3", "X (2).png", 4),
            ("4", "part-4.eml", 78),
            ("5", "part-5.gif", 3)
        ]
    );
    assert_eq!(files[0].defects[0].kind, DefectKind::Base64Junk);
    assert_eq!(&MIXED[files[0].defects[0].offset as usize..][..1], b"!");
    assert_eq!(files[0].filename.as_deref(), Some("../../x.PNG"));
    assert_eq!(nameless(&files), nameless(&from_tree(MIXED)));
    let every = extract(std::iter::once(MIXED), true);
    assert_eq!((every.len(), &*every[0].name), (5, "part-1.txt"));
    for size in [1, 2, 3, 7, 100] {
        assert_eq!(extract(MIXED.chunks(size), false), files);
    }
    for end in 0..MIXED.len() {
        let _ = extract(std::iter::once(&MIXED[..end]), true);
    }
}

#[test]
fn mi09_the_first_of_two_fields_counts_here_too() {
    let text = b"Content-Disposition: attachment; filename=a.txt\nContent-Disposition: inline\n\
        Content-Type: text/plain\nContent-Type: text/html\n\
        Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\nSGk=\n";
    let files = extract(std::iter::once(&text[..]), false);
    assert_eq!(nameless(&files), nameless(&from_tree(text)));
    assert_eq!((&*files[0].name, &*files[0].bytes), ("a.txt", &b"Hi"[..]));
}

#[test]
fn the_corpus_gives_what_the_tree_gives() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/mime");
    let Ok(folders) = std::fs::read_dir(&root) else {
        println!("no corpus at {}: nothing was tested", root.display());
        return;
    };
    let (mut files, mut named, mut seed) = (0, 0, 1u64);
    for folder in folders.flatten().filter(|f| f.path().is_dir()) {
        for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
            let bytes = std::fs::read(file.path()).unwrap();
            let whole = extract(std::iter::once(&bytes[..]), false);
            let (ours, theirs) = (nameless(&whole), nameless(&from_tree(&bytes)));
            let line = |f: &File| format!("{} {} {} {:?}", f.id, f.essence, f.octets, f.defects);
            let lines = |files: &[File]| files.iter().map(line).collect::<Vec<_>>();
            assert_eq!(lines(&ours), lines(&theirs), "{}", file.path().display());
            assert!(ours == theirs, "{}", file.path().display());
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let size = (seed >> 33) as usize % 700 + 1;
            assert!(
                extract(bytes.chunks(size), false) == whole,
                "{} at {size}",
                file.path().display()
            );
            for file in &whole {
                let safe = scop_mime::safe_filename(&file.name);
                assert_eq!(safe.as_ref(), Some(&file.name));
                named += usize::from(file.filename.is_some());
            }
            files += whole.len();
        }
    }
    println!("{files} attachments, {named} with a name");
    assert!(files > 1000 && named > 400, "{files} {named}");
}

fn shares_a_boundary(message: &[u8]) -> bool {
    let message = Message::parse(message);
    let mut defects = message.defects().iter();
    defects.any(|d| d.kind == DefectKind::SharedBoundary)
}

/// Who does not look into a message within takes its delimiters for those around it: that
/// is told as an ambiguity, and is over once the message is sanitised.
#[test]
fn a_boundary_within_a_message_within_that_is_one_around_it() {
    for (outer, inner) in [("b", "b"), ("b", "b--"), ("b--", "b"), ("b", "b ")] {
        let text = format!(
            "Content-Type: multipart/mixed; boundary=\"{outer}\"\r\n\r\n--{outer}\r\n\
            Content-Type: message/rfc822\r\n\r\n\
            Content-Type: multipart/mixed; boundary=\"{inner}\"\r\n\r\n--{inner}\r\n\
            Content-Type: image/png\r\n\r\n1\r\n--{inner}\r\n\r\n2\r\n--{inner}--\r\n--{outer}--\r\n"
        );
        let text = text.as_bytes();
        let ids = |files: &[File]| files.iter().map(|f| f.id.clone()).collect::<Vec<_>>();
        let whole = extract(std::iter::once(text), false);
        assert_eq!(extract(text.chunks(1), false), whole);
        assert_eq!(ids(&from_tree(text)), ["1"], "{outer:?} {inner:?}");
        assert_ne!(
            nameless(&whole),
            nameless(&from_tree(text)),
            "{outer:?} {inner:?}"
        );
        assert!(shares_a_boundary(text), "{outer:?} {inner:?}");
        assert!(Policy::strict().apply(text, &Limits::default()).is_err());
        let sanitised = Policy::sanitise().apply(text, &Limits::default()).unwrap();
        let text = &sanitised.bytes[..];
        assert!(!shares_a_boundary(text));
        let whole = extract(std::iter::once(text), false);
        assert_eq!(nameless(&whole), nameless(&from_tree(text)));
        assert_eq!(ids(&whole), ["1"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_lines_give_what_the_tree_gives(
        lines in prop::collection::vec(prop::sample::select(vec![
            "--a", "--a--", "--b", "--b--", "", "x", "Content-Type: multipart/related; boundary=b",
            "Content-Type: multipart/digest; boundary=b", "Content-Type: multipart/alternative; boundary=b",
            "Content-Type: image/png; name=\"a/b.png\"", "Content-Type: text/html", "Content-Disposition: attachment",
            "Content-Transfer-Encoding: base64", "aGVsbG8=", "Content-Type: message/rfc822", "Content-Disposition: attachment; filename=a",
        ]), 0..25),
        size in 1usize..20,
    ) {
        let text = format!("Content-Type: multipart/mixed; boundary=a\n\n{}\n", lines.join("\n"));
        let whole = extract(std::iter::once(text.as_bytes()), false);
        if !shares_a_boundary(text.as_bytes()) {
            prop_assert_eq!(nameless(&whole), nameless(&from_tree(text.as_bytes())), "{:?}", text);
        }
        prop_assert_eq!(extract(text.as_bytes().chunks(size), false), whole);
    }
}

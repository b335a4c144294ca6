//! Attachments out of a stream: the same at any cut, the same as the tree has, under
//! names that are safe and no two alike.
#![no_main]

use std::collections::HashSet;

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_mime::{Defect, DefectKind, Extract, Extractor, Limits, Message, safe_filename};

#[derive(Clone, Debug, PartialEq)]
struct File {
    id: String,
    name: String,
    essence: String,
    bytes: Vec<u8>,
    defects: String,
}

fn extract<'a>(chunks: impl Iterator<Item = &'a [u8]>, every_part: bool) -> Vec<File> {
    let mut extractor = Extractor::new(Limits::default());
    if every_part {
        extractor = extractor.every_part();
    }
    let mut files: Vec<File> = Vec::new();
    let mut open = false;
    let mut take = |event: Extract<'_>| match event {
        Extract::Start(a) => {
            assert!(!std::mem::replace(&mut open, true), "one at a time");
            files.push(File {
                id: a.id.to_string(),
                name: a.name,
                essence: a.content_type.essence().into(),
                bytes: Vec::new(),
                defects: String::new(),
            });
        }
        Extract::Data(bytes) => {
            assert!(open && !bytes.is_empty());
            files
                .last_mut()
                .expect("open")
                .bytes
                .extend_from_slice(bytes);
        }
        Extract::End(end) => {
            assert!(std::mem::take(&mut open));
            let file = files.last_mut().expect("open");
            assert_eq!(end.octets, file.bytes.len() as u64);
            file.defects = format!("{:?}", end.defects);
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
    assert!(!open, "what begins ends");
    files
}

fuzz_target!(|data: &[u8]| {
    for every_part in [false, true] {
        let whole = within(heap_for(data.len()), || {
            extract(std::iter::once(data), every_part)
        });
        assert_eq!(whole, extract(pieces(data), every_part));
        assert_eq!(whole, extract(data.chunks(1), every_part));
        let mut names = HashSet::new();
        for file in &whole {
            // A number may make it longer than a name is that was suggested.
            let safe = safe_filename(&file.name).expect("a name");
            assert!(safe == file.name || file.name.len() > safe.len() && file.name.contains(" ("));
            assert!(file.name.len() <= 255);
            assert!(names.insert(file.name.to_lowercase()), "{}", file.name);
        }
        if every_part {
            continue;
        }
        let message = Message::parse(data);
        // What the stream knows too late, and what is a message to the one and bytes to
        // the other, is another matter.
        let comparable =
            |essence: &str| !essence.starts_with("multipart/") && !essence.starts_with("message/");
        let tree: Vec<(String, Vec<u8>)> = message
            .attachments()
            .filter(|p| comparable(p.content_type().essence()))
            .map(|p| (p.id().to_string(), p.decoded().into_owned()))
            .collect();
        let stream: Vec<(String, Vec<u8>)> = whole
            .into_iter()
            .filter(|f| comparable(&f.essence))
            .map(|f| (f.id, f.bytes))
            .collect();
        // Limits of parts and depth count messages within for the tree alone. Where a
        // message within has a boundary of what is around it, each line that is a
        // delimiter of both is the inner one's to the tree (RFC 2046 5.1.2), which knows it.
        // Who does not look into the message can but take it for the outer one's, and the
        // inner one is not known before the outer one's line came: no one reading serves
        // both, and the defect says so.
        let shared = |d: &Defect| d.kind == DefectKind::SharedBoundary;
        if message.parts().count() < 1000
            && message.defects().len() < 900
            && !message.defects().iter().any(shared)
        {
            assert_eq!(stream, tree);
        }
    }
});

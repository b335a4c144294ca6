//! All messages of the corpus: no panic, the same at any cut, no byte lost.

use std::path::{Path, PathBuf};

use scop_mime::{Event, Index, Indexer, Limits, Message, Reader};

/// The corpus lies beside the repository. Where it is absent there is nothing to test.
fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/mime");
    let mut files = vec![];
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            println!("no corpus at {}: nothing was tested", root.display());
            continue;
        };
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(t) if t.is_dir() => folders.push(entry.path()),
                _ => files.push((entry.path(), std::fs::read(entry.path()).unwrap())),
            }
        }
    }
    files.sort();
    files
}

fn index_in(chunks: impl Iterator<Item = impl AsRef<[u8]>>) -> Index {
    let mut indexer = Indexer::new(Limits::default());
    for chunk in chunks {
        indexer.write(chunk.as_ref());
    }
    indexer.finish()
}

#[test]
fn every_message_is_read_whole() {
    let files = corpus();
    for (path, bytes) in &files {
        let mut reader = Reader::new(Limits::default());
        reader.finish();
        let mut input = &bytes[..];
        let mut rebuilt: Vec<u8> = vec![];
        while let Some(event) = reader.read(&mut input) {
            match event {
                Event::Header(field) => {
                    assert_eq!(field.at.offset, rebuilt.len() as u64);
                    let whole = &bytes[rebuilt.len()..][..field.at.length as usize];
                    let limit = Limits::default().field_bytes;
                    assert_eq!(field.raw, &whole[..whole.len().min(limit)]);
                    rebuilt.extend_from_slice(whole);
                }
                Event::BodyStart(start) => {
                    assert_eq!(start.header_end, rebuilt.len() as u64);
                    let separator = start.header_end as usize..start.offset as usize;
                    rebuilt.extend_from_slice(&bytes[separator.clone()]);
                    assert!(matches!(&bytes[separator], b"" | b"\n" | b"\r\n"));
                }
                Event::Body(body) => rebuilt.extend_from_slice(body.data),
                Event::Delimiter(line) => rebuilt.extend_from_slice(line.data),
                Event::End(size) => assert_eq!(size.octets, bytes.len() as u64),
                _ => {}
            }
        }
        assert!(reader.is_done() && rebuilt == *bytes, "{}", path.display());
    }
}

#[test]
fn every_message_is_the_same_at_any_cut() {
    let mut seed = 1u64;
    for (path, bytes) in corpus() {
        let whole = index_in(std::iter::once(&bytes));
        if bytes.len() < 8_000 {
            assert_eq!(index_in(bytes.chunks(1)), whole, "{}", path.display());
        }
        let mut cuts = vec![];
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let most = if seed & 64 == 0 { 20 } else { 3000 };
            let (chunk, behind) = rest.split_at(((seed >> 33) as usize % most + 1).min(rest.len()));
            cuts.push(chunk);
            rest = behind;
        }
        assert_eq!(index_in(cuts.into_iter()), whole, "{}", path.display());
        assert_eq!(Index::from_bytes(&whole.to_bytes()), Ok(whole));
    }
}

#[test]
fn every_value_of_every_message_can_be_asked_for() {
    for (path, bytes) in corpus() {
        let message = Message::parse(&bytes);
        let index = Index::of(&bytes, &Limits::default());
        assert_eq!(message.index(), index);
        assert_eq!(message.envelope(), index.envelope(), "{}", path.display());
        assert_eq!(message.body_structure(), index.body_structure());
        let _ = message.inspect();
        let _ = (message.text_body().is_some(), message.html_body().is_some());
        let _ = message.attachments().count();
        for part in message.parts() {
            let id = part.id();
            let found = message.part(&id).map(|p| p.offset());
            assert_eq!(found, Some(part.offset()), "{id} of {}", path.display());
            let _ = (
                part.filename(),
                part.description(),
                part.content_id(),
                part.text(),
            );
            for field in part.header().fields() {
                let _ = (
                    field.text(),
                    field.addresses(),
                    field.date(),
                    field.message_ids(),
                );
                assert_eq!(
                    field.raw(),
                    &bytes[field.offset() as usize..][..field.raw().len()]
                );
            }
        }
    }
}

//! An mbox: the stream reads what the iterator reads at any cut, the entries follow
//! each other, and what is written is read again.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_mime::DateTime;
use scop_mime::mbox::{Mbox, MboxEvent, MboxReader, Quoting, append};

fn stream<'a>(chunks: impl Iterator<Item = &'a [u8]>, quoting: Quoting) -> Vec<Vec<u8>> {
    let mut reader = MboxReader::new(quoting);
    let mut out: Vec<Vec<u8>> = vec![];
    let mut drive = |reader: &mut MboxReader, input: &mut &[u8]| {
        while let Some(event) = reader.read(input) {
            match event {
                MboxEvent::Start(_) => out.push(vec![]),
                MboxEvent::Data(data) => out.last_mut().expect("a start").extend_from_slice(data),
                MboxEvent::End => {}
            }
        }
    };
    for mut chunk in chunks {
        drive(&mut reader, &mut chunk);
        assert!(chunk.is_empty());
    }
    reader.finish();
    drive(&mut reader, &mut &[][..]);
    out
}

fuzz_target!(|data: &[u8]| {
    for quoting in [Quoting::Mboxrd, Quoting::Mboxo, Quoting::None] {
        let mut next = 0;
        let whole: Vec<Vec<u8>> = Mbox::new(data, quoting)
            .map(|entry| {
                assert!(entry.offset >= next);
                let start = entry.offset as usize + entry.separator.len();
                assert!(data[start..].starts_with(entry.raw));
                next = (start + entry.raw.len()) as u64;
                entry.message().into_owned()
            })
            .collect();
        let cut = within(heap_for(data.len()), || stream(pieces(data), quoting));
        assert_eq!(cut, whole);
        assert_eq!(stream(data.chunks(1), quoting), whole);
    }
    let now = DateTime::from_unix(0, 0).expect("a date");
    let mut file = Vec::new();
    for message in [data, data] {
        append(&mut file, "a@b.test", &now, message, Quoting::Mboxrd).expect("a good sender");
    }
    let mut expected = data.to_vec();
    if !matches!(data.last(), None | Some(b'\n')) {
        expected.push(b'\n');
    }
    for entry in Mbox::new(&file, Quoting::Mboxrd) {
        assert_eq!(entry.message(), &expected[..]);
    }
    assert_eq!(Mbox::new(&file, Quoting::Mboxrd).count(), 2);
});

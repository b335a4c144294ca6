//! Texts: what a charset, an encoded word, a parameter and format=flowed make of any
//! bytes is in proportion to them and has no line end that was hidden; a charset decodes
//! the same whatever the cuts; what is flowed anew is the same text.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_mime::flowed::{Paragraph, flow, paragraphs};
use scop_mime::{CharsetDecoder, ContentType, Message, decode_charset};

const LABELS: [&str; 8] = [
    "utf-8",
    "utf-7",
    "utf-16",
    "iso-2022-jp",
    "gb18030",
    "big5",
    "shift_jis",
    "koi8-r",
];

fn charset(label: &str, data: &[u8]) {
    let (text, lossy) = decode_charset(label.as_bytes(), data).expect("a charset");
    for size in [1, 3] {
        let mut decoder = CharsetDecoder::new(label.as_bytes()).expect("a charset");
        let mut out = String::new();
        match size {
            1 => data
                .chunks(1)
                .for_each(|piece| decoder.decode(piece, &mut out)),
            _ => pieces(data).for_each(|piece| decoder.decode(piece, &mut out)),
        }
        decoder.finish(&mut out);
        assert_eq!(
            (out.as_str(), decoder.is_lossy()),
            (&*text, lossy),
            "{label}"
        );
    }
}

fn word(data: &[u8]) {
    let text = [b"Subject: ", data].concat();
    let message = Message::parse(&text);
    if let Some(field) = message.header().fields().next() {
        let shown = field.text();
        assert!(!shown.contains(['\r', '\n', '\0']), "{shown:?}");
        assert!(shown.len() <= 3 * data.len());
    }
    for defect in message.inspect() {
        assert!(defect.offset <= text.len() as u64, "{defect:?}");
    }
}

fn parameters(data: &[u8]) {
    let value = [b"text/plain; ", data].concat();
    if let Some(read) = ContentType::parse(&value) {
        let length: usize = read.parameters().iter().map(|p| p.value().len()).sum();
        assert!(length <= 3 * value.len());
        for (i, parameter) in read.parameters().iter().enumerate() {
            let name = parameter.name();
            assert!(
                read.parameters()[..i].iter().all(|p| p.name() != name),
                "{name}"
            );
        }
    }
}

fn flowed(data: &[u8], delsp: bool) {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    // A CR may stand anywhere in a line, and is its end where it is last.
    let text = text.replace('\r', "");
    let read: Vec<Paragraph<'_>> = paragraphs(&text, delsp).collect();
    let trim = |p: &Paragraph<'_>| match p.is_signature() {
        true => (p.depth, p.text.to_string()),
        false => (p.depth, p.text.trim_end_matches(' ').to_string()),
    };
    let wanted: Vec<_> = read.iter().map(trim).collect();
    for width in [0, 20, 72] {
        let written = flow(read.clone(), width, delsp);
        let again: Vec<_> = paragraphs(&written, delsp).map(|p| trim(&p)).collect();
        assert_eq!(again, wanted, "{written}");
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else {
        return;
    };
    within(heap_for(8 * data.len()), || match first % 4 {
        0 => charset(LABELS[usize::from(first / 4) % LABELS.len()], data),
        1 => word(data),
        2 => parameters(data),
        _ => flowed(data, first & 4 != 0),
    });
});

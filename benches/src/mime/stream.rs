//! Messages that are never whole in memory: what reading in chunks costs, and what
//! is held while it happens.

use std::rc::Rc;

use scop_mime::build::{Builder, Chunk, Mailbox, Part};
use scop_mime::{
    Content, DateTime, Decoder, Event, Index, Indexer, Inspector, Limits, Reader, Sanitiser,
    TransferEncoding,
};

use super::messages::{self, Set};
use super::{AREA, each, unit};
use crate::measure::{Row, Tally};
use crate::memory;

const CHUNK: usize = 64 << 10;
/// What a packet of the network brings.
const PACKET: usize = 1460;
/// A stream may cost 1.3 times what the same costs in memory; in packets 1.2 times, where
/// bodies are large or there is little but a header.
const GOAL: f64 = 1.0 / 1.3;
const PACKET_GOAL: f64 = 1.0 / 1.2;

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for set in [
        messages::attachment(),
        messages::quoted_printable(),
        messages::list(),
        messages::tiny_parts(),
    ] {
        let set = Rc::new(set);
        rows.push(index(&set, "64 KiB", CHUNK).goal(GOAL));
        rows.push(index(&set, "1460 byte", PACKET).goal(PACKET_GOAL));
        rows.push(bodies(&set));
    }
    rows.push(heap("reader", read));
    rows.push(heap("indexer", index_of));
    rows.push(heap("extractor", extract));
    rows.push(heap("inspector", inspect));
    rows.push(heap("sanitiser", sanitise));
    rows.push(heap("builder's output", build));
    rows
}

fn index(set: &Rc<Set>, name: &str, chunk: usize) -> Row {
    let ours = move |message: &[u8], tally: &mut Tally| {
        let mut indexer = Indexer::new(Limits::default());
        message.chunks(chunk).for_each(|c| indexer.write(c));
        indexed(&indexer.finish(), tally);
    };
    let whole = |message: &[u8], tally: &mut Tally| {
        indexed(&Index::of(message, &Limits::default()), tally);
    };
    Row::new(
        AREA,
        format!("streamed index: {}, {name} chunks", set.name),
        unit(set),
        each(set, ours),
    )
    .peer("itself in memory", each(set, whole))
}

fn indexed(index: &Index, tally: &mut Tally) {
    tally.item();
    let size = index.size();
    tally.number(size.octets);
    tally.number(size.lines);
    if tally.is_comparison() {
        tally.bytes(&index.to_bytes());
    }
}

/// All bodies decoded as they come, into a buffer that is used again.
fn bodies(set: &Rc<Set>) -> Row {
    let mut out = Vec::new();
    let ours = move |message: &[u8], tally: &mut Tally| {
        let mut extractor = Extractor::new();
        for chunk in message.chunks(CHUNK) {
            extractor.write(chunk, &mut out);
            tally.bytes(&out);
            out.clear();
        }
        extractor.finish(&mut out);
        tally.bytes(&out);
        out.clear();
        tally.item();
    };
    let whole = |message: &[u8], tally: &mut Tally| {
        let message = scop_mime::Message::parse(message);
        for part in message.parts().filter(|p| p.content() == Content::Leaf) {
            tally.bytes(&part.decoded());
        }
        tally.item();
    };
    Row::new(
        AREA,
        format!("streamed bodies: {}, 64 KiB chunks", set.name),
        unit(set),
        each(set, ours),
    )
    .peer("itself in memory", each(set, whole))
    .goal(GOAL)
}

/// The reader's bodies through the decoder that each part's header asks for.
struct Extractor {
    reader: Reader,
    encoding: TransferEncoding,
    decoder: Option<Decoder>,
}

impl Extractor {
    fn new() -> Extractor {
        Extractor {
            // Nor does a message that is whole count the line ends of its bodies.
            reader: Reader::new(Limits::default()).uncounted(),
            encoding: TransferEncoding::SevenBit,
            decoder: None,
        }
    }

    fn write(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let Extractor {
            reader,
            encoding,
            decoder,
        } = self;
        reader.push(input, |event| match event {
            Event::PartStart(_) => *encoding = TransferEncoding::SevenBit,
            Event::Header(field) => {
                let name = field.name();
                if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                    *encoding = TransferEncoding::parse(field.value());
                }
            }
            Event::BodyStart(start) => {
                let leaf = start.content == Content::Leaf;
                *decoder = leaf.then(|| Decoder::new(encoding));
            }
            Event::Body(body) => {
                if let Some(decoder) = decoder {
                    decoder.decode(body.data, out);
                }
            }
            Event::PartEnd(_) => {
                if let Some(mut decoder) = decoder.take() {
                    decoder.finish(out);
                }
            }
            _ => {}
        });
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.reader.finish();
        self.write(&[], out);
    }
}

/// The most that is held while a message of 1 GiB goes through, beside one of 1 MiB.
fn heap(name: &str, peak: fn(u64) -> usize) -> Row {
    let large = |check| if check { 32 << 20 } else { 1 << 30 };
    Row::figure(
        AREA,
        format!("peak heap, 1 GiB: {name}"),
        "bytes",
        move |check| peak(large(check)) as f64,
    )
    .beside("1 MiB", move |_| peak(1 << 20) as f64)
    .goal(1.0)
}

/// A message with an attachment of so many bytes of base64, in chunks, none of which
/// is kept.
struct Large {
    lines: Vec<u8>,
    times: u64,
}

impl Large {
    fn new(size: u64) -> Large {
        let mut lines = Vec::new();
        messages::base64(CHUNK / 78 * 78 - 2, &mut lines);
        lines.extend_from_slice(b"\r\n");
        let times = size.div_ceil(lines.len() as u64);
        Large { lines, times }
    }

    fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        let head = b"From: a@b.example\r\nSubject: large\r\n\
            Content-Type: multipart/mixed; boundary=b\r\n\r\n\
            --b\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        let lines = (0..self.times).map(|_| &self.lines[..]);
        std::iter::once(&head[..])
            .chain(lines)
            .chain([&b"--b--\r\n"[..]])
    }
}

fn read(size: u64) -> usize {
    let large = Large::new(size);
    let mut bytes = 0;
    let peak = memory::peak(|| {
        let mut reader = Reader::new(Limits::default());
        let mut events = |reader: &mut Reader, mut chunk: &[u8]| {
            while let Some(event) = reader.read(&mut chunk) {
                if let Event::Body(body) = event {
                    bytes += body.data.len() as u64;
                }
            }
        };
        large.chunks().for_each(|chunk| events(&mut reader, chunk));
        reader.finish();
        events(&mut reader, &[]);
    });
    assert!(bytes >= size);
    peak
}

fn index_of(size: u64) -> usize {
    let large = Large::new(size);
    memory::peak(|| {
        let mut indexer = Indexer::new(Limits::default());
        large.chunks().for_each(|chunk| indexer.write(chunk));
        assert!(indexer.finish().size().octets >= size);
    })
}

fn extract(size: u64) -> usize {
    let large = Large::new(size);
    let mut bytes = 0;
    let peak = memory::peak(|| {
        let mut extractor = Extractor::new();
        let mut out = Vec::new();
        for chunk in large.chunks() {
            extractor.write(chunk, &mut out);
            bytes += out.len() as u64;
            out.clear();
        }
        extractor.finish(&mut out);
    });
    assert!(bytes > size / 4 * 3 / 100 * 97);
    peak
}

fn inspect(size: u64) -> usize {
    let large = Large::new(size);
    memory::peak(|| {
        let mut inspector = Inspector::new(Limits::default());
        for chunk in large.chunks() {
            inspector.write(chunk).expect("nothing is refused");
        }
        inspector.finish().expect("nothing is refused");
    })
}

fn sanitise(size: u64) -> usize {
    let large = Large::new(size);
    let mut bytes = 0;
    let peak = memory::peak(|| {
        let mut sanitiser = Sanitiser::new(Limits::default());
        let mut out = Vec::new();
        for chunk in large.chunks() {
            sanitiser
                .write(chunk, &mut out)
                .expect("nothing is refused");
            bytes += out.len() as u64;
            out.clear();
        }
        sanitiser.finish(&mut out).expect("nothing is refused");
    });
    assert!(bytes >= size);
    peak
}

/// A builder's message with an attachment that comes as it is asked for.
fn build(size: u64) -> usize {
    let piece = vec![7; 8 << 10];
    let mut sent = 0;
    let peak = memory::peak(|| {
        let now = DateTime::from_unix(0, 0).expect("a date");
        let from = Mailbox::new("a@b.example").expect("a mailbox");
        let file = Part::streamed("application/octet-stream", (), Some(size));
        let built = Builder::new(from, now)
            .streaming()
            .attach(file.expect("a part"))
            .build();
        let (mut stream, mut given) = (built.stream(), 0);
        while let Some(chunk) = stream.next_chunk() {
            match chunk {
                Chunk::Bytes(bytes) => sent += bytes.len() as u64,
                Chunk::Need(()) if given < size => {
                    stream.supply(&piece).expect("asked for");
                    given += piece.len() as u64;
                }
                Chunk::Need(()) => stream.end_source().expect("all given"),
            }
        }
    });
    assert!(sent > size);
    peak
}

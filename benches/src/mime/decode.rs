//! Bodies alone: the search for where one ends, and the transfer encodings.

use memchr::memmem;
use scop_mime::{Decoder, Message, TransferEncoding};

use super::AREA;
use super::messages;
use crate::measure::{Row, Tally, Unit};

/// Bytes of a body.
const SIZE: usize = 4 << 20;

pub fn rows() -> Vec<Row> {
    let (mut base64, mut qp) = (Vec::new(), Vec::new());
    messages::base64(SIZE, &mut base64);
    messages::qp_html(SIZE, &mut qp);
    let mut text = Vec::new();
    while text.len() < SIZE {
        text.extend_from_slice(
            b"Lines of seven bits, as long as they are in most mails there are.\r\n",
        );
    }
    let text = format!(
        "Content-Type: multipart/mixed; boundary=\"=_next\"\r\n\r\n--=_next\r\n\r\n{}\r\n--=_next--\r\n",
        String::from_utf8(text).expect("ASCII")
    );
    let with_lf = base64.iter().copied().filter(|b| *b != b'\r').collect();
    let attachment = messages::attachment().messages.remove(0);
    vec![
        scan("body scan: 4 MB base64", attachment),
        scan("body scan: 4 MB text", text.into_bytes()),
        decode(
            "base64 decode: 4 MB, CRLF",
            TransferEncoding::Base64,
            base64,
        ),
        decode("base64 decode: 4 MB, LF", TransferEncoding::Base64, with_lf),
        decode(
            "QP decode: 4 MB of HTML",
            TransferEncoding::QuotedPrintable,
            qp,
        ),
    ]
}

/// A message is taken apart, beside a search for its delimiter in all of it.
fn scan(name: &str, message: Vec<u8>) -> Row {
    let theirs = message.clone();
    let bytes = message.len() as u64;
    let ours = move |tally: &mut Tally| {
        let message = Message::parse(&message);
        // The delimiters: one before each part, and the last.
        tally.number(message.root().children().count() as u64 + 1);
        tally.item();
    };
    let peer = move |tally: &mut Tally| {
        tally.number(memmem::find_iter(&theirs, b"\n--=_next").count() as u64);
        tally.item();
    };
    Row::new(AREA, name, Unit::Throughput { bytes }, ours)
        .peer("memchr::memmem", peer)
        .goal(1.0)
}

/// Gigabytes of the encoded body in a second, into a buffer that is used again.
fn decode(name: &str, encoding: TransferEncoding, body: Vec<u8>) -> Row {
    let bytes = body.len() as u64;
    let mut out = Vec::new();
    let work = move |tally: &mut Tally| {
        out.clear();
        let mut decoder = Decoder::new(&encoding);
        decoder.decode(&body, &mut out);
        decoder.finish(&mut out);
        tally.bytes(&out);
        tally.item();
    };
    Row::new(AREA, name, Unit::Throughput { bytes }, work).goal(2.0)
}

//! SMTP beside stalwart's `smtp-proto`: what a server reads and what a client reads.

use bytes::BytesMut;
use peer_smtp_proto as peer;
use scop_core::{LineScanner, Scan};
use scop_smtp_proto::{
    Bare, Body, Capabilities, Command, DataDecoder, DataStep, Extension, ReplyLimits, ReplyParser,
};

use crate::measure::{Row, Tally, Unit};

const AREA: &str = "smtp";
const PEER: &str = "smtp-proto 0.2";

pub fn rows() -> Vec<Row> {
    vec![
        reply(),
        ehlo(),
        mail(),
        data("DATA", 64 << 10, Bare::Keep),
        small("DATA in 1460-byte reads", false),
        small("DATA in 1460-byte reads, into one buffer", true),
        data("DATA, bare CR, LF and NUL refused", 64 << 10, Bare::Reject),
    ]
}

/// Replies as servers send them: a transaction over and over.
fn reply() -> Row {
    const TRANSACTION: &str = "250 2.1.0 Originator <ann@example.org> ok\r\n\
        250 2.1.5 Destination address valid\r\n\
        550 5.1.1 <nobody@example.org>: Recipient address rejected: User unknown\r\n\
        354 End data with <CR><LF>.<CR><LF>\r\n\
        250 2.0.0 Ok: queued as 4B1C2D3E4F\r\n\
        550-5.7.6 This message does not pass authentication checks.\r\n\
        550-5.7.6 The sender must authenticate with either SPF or DKIM.\r\n\
        550 5.7.6 See https://mail.example.org/answer/81126\r\n";
    const TIMES: u64 = 40;
    let input = TRANSACTION.repeat(TIMES as usize).into_bytes();
    let theirs = input.clone();
    let ours = move |tally: &mut Tally| {
        let mut parser = ReplyParser::new(ReplyLimits::default());
        let mut rest = &input[..];
        while !rest.is_empty() {
            let (used, reply) = parser.feed(rest).expect("replies");
            rest = &rest[used..];
            let Some(reply) = reply else {
                continue;
            };
            tally.item();
            tally.number(u64::from(reply.code().get()));
            for (i, line) in reply.lines().enumerate() {
                if i > 0 {
                    tally.bytes(b"\n");
                }
                tally.bytes(line);
            }
        }
    };
    let peer = move |tally: &mut Tally| {
        let mut receiver = peer::response::parser::ResponseReceiver::default();
        let mut bytes = theirs.iter();
        while !bytes.as_slice().is_empty() {
            let reply = receiver.parse(&mut bytes).expect("a reply");
            receiver.reset();
            tally.item();
            tally.number(u64::from(reply.code));
            tally.bytes(reply.message.as_bytes());
        }
    };
    Row::new(AREA, "reply", Unit::Nanoseconds { items: 6 * TIMES }, ours)
        .peer(PEER, peer)
        .goal(1.0)
}

/// What a large provider answers to EHLO, and what a client asks of it.
fn ehlo() -> Row {
    const ANSWER: &[u8] = b"250-mx.example.com at your service, [192.0.2.1]\r\n\
        250-SIZE 157286400\r\n\
        250-8BITMIME\r\n\
        250-STARTTLS\r\n\
        250-AUTH PLAIN LOGIN\r\n\
        250-ENHANCEDSTATUSCODES\r\n\
        250-PIPELINING\r\n\
        250-CHUNKING\r\n\
        250-DSN\r\n\
        250 SMTPUTF8\r\n";
    let ours = move |tally: &mut Tally| {
        let answer = Capabilities::parse(ANSWER).expect("an answer to EHLO");
        tally.item();
        tally.bytes(answer.domain().as_bytes());
        tally.number(answer.size().unwrap_or(0));
        for extension in [
            Extension::EightBitMime,
            Extension::StartTls,
            Extension::EnhancedStatusCodes,
            Extension::Pipelining,
            Extension::Chunking,
            Extension::SmtpUtf8,
            Extension::BinaryMime,
        ] {
            tally.number(u64::from(answer.has(extension)));
        }
        let (mut plain, mut cram) = (false, false);
        for mechanism in answer.mechanisms() {
            plain |= mechanism.eq_ignore_ascii_case(b"PLAIN");
            cram |= mechanism.eq_ignore_ascii_case(b"CRAM-MD5");
        }
        tally.number(u64::from(plain));
        tally.number(u64::from(cram));
    };
    let peer = move |tally: &mut Tally| {
        let answer = peer::EhloResponse::parse(&mut ANSWER.iter()).expect("an answer to EHLO");
        tally.item();
        tally.bytes(answer.hostname().as_bytes());
        tally.number(answer.size as u64);
        for extension in [
            peer::EXT_8BIT_MIME,
            peer::EXT_START_TLS,
            peer::EXT_ENHANCED_STATUS_CODES,
            peer::EXT_PIPELINING,
            peer::EXT_CHUNKING,
            peer::EXT_SMTP_UTF8,
            peer::EXT_BINARY_MIME,
        ] {
            tally.number(u64::from(answer.has_capability(extension)));
        }
        tally.number(u64::from(answer.auth() & peer::AUTH_PLAIN != 0));
        tally.number(u64::from(answer.auth() & peer::AUTH_CRAM_MD5 != 0));
    };
    Row::new(AREA, "EHLO", Unit::Nanoseconds { items: 1 }, ours)
        .peer(PEER, peer)
        .goal(1.0)
}

/// A message of a megabyte on the wire: lines of text, some of which begin with a dot.
fn message() -> Vec<u8> {
    let mut message = Vec::new();
    for i in 0..14_000 {
        // Not on the first line: there the peer leaves both dots.
        let dot = if i % 50 == 25 { ".." } else { "" };
        message.extend_from_slice(format!("{dot}{i:074}\r\n").as_bytes());
    }
    message.extend_from_slice(b".\r\n");
    message
}

/// Its dots taken out. Each side pays for one copy into the buffer it reads into, in place
/// of the one that a socket makes. The peer looks for dots only, as ours does when it is
/// told to keep bare CR, LF and NUL; refusing them is our default.
fn data(name: &str, read: usize, policy: Bare) -> Row {
    let message = message();
    let size = message.len() as u64 - 3;
    let theirs = peer_data(message.clone(), read);
    let mut input = BytesMut::new();
    let ours = move |tally: &mut Tally| {
        let mut decoder = DataDecoder::new(policy);
        for chunk in message.chunks(read) {
            input.extend_from_slice(chunk);
            loop {
                match decoder.read(&mut input) {
                    DataStep::Chunk(bytes) => tally.bytes(&bytes),
                    DataStep::NeedInput => break,
                    DataStep::End => return tally.item(),
                    DataStep::Bad(bad) => panic!("{bad}"),
                }
            }
        }
    };
    Row::new(AREA, name, Unit::Throughput { bytes: size }, ours)
        .peer(PEER, theirs)
        .goal(1.0)
}

/// The same as a network brings it, its pieces lent to who uses them up at once; or, `joined`,
/// to who wants the message in one buffer, as the peer gives it.
fn small(name: &str, joined: bool) -> Row {
    const READ: usize = 1460;
    let message = message();
    let size = message.len() as u64 - 3;
    let theirs = peer_data(message.clone(), READ);
    let (mut input, mut whole) = (Vec::new(), Vec::new());
    let ours = move |tally: &mut Tally| {
        let mut decoder = DataDecoder::new(Bare::Keep);
        whole.clear();
        input.clear();
        for chunk in message.chunks(READ) {
            input.extend_from_slice(chunk);
            let mut used = 0;
            loop {
                let (taken, step) = decoder.feed(&input[used..]);
                used += taken;
                match step {
                    DataStep::Chunk(bytes) if joined => whole.extend_from_slice(bytes),
                    DataStep::Chunk(bytes) => tally.bytes(bytes),
                    DataStep::NeedInput => break,
                    DataStep::End => {
                        tally.bytes(&whole);
                        return tally.item();
                    }
                    DataStep::Bad(bad) => panic!("{bad}"),
                }
            }
            input.drain(..used);
        }
    };
    Row::new(AREA, name, Unit::Throughput { bytes: size }, ours)
        .peer(PEER, theirs)
        .goal(1.0)
}

/// The peer always gives a message in one buffer.
fn peer_data(message: Vec<u8>, read: usize) -> impl FnMut(&mut Tally) {
    let (mut buffer, mut socket) = (Vec::new(), vec![0; read]);
    move |tally: &mut Tally| {
        buffer.clear();
        let mut receiver = peer::request::receiver::DataReceiver::new();
        for chunk in message.chunks(read) {
            socket[..chunk.len()].copy_from_slice(chunk);
            if receiver.ingest(&mut socket[..chunk.len()].iter(), &mut buffer) {
                tally.bytes(&buffer);
                return tally.item();
            }
        }
    }
}

/// Commands as clients send them, with the parameters that most send.
fn mail() -> Row {
    const N: usize = 200;
    let mut input = Vec::new();
    for i in 0..N {
        let line = match i % 4 {
            0 => format!(
                "MAIL FROM:<user.{i}@mail.example.org> SIZE={}\r\n",
                4096 + i
            ),
            1 => format!(
                "MAIL FROM:<u{i}@example.com> SIZE={} BODY=8BITMIME\r\n",
                100 * i
            ),
            2 => format!("MAIL FROM:<bounce+{i}=joe@lists.example.net> BODY=8BITMIME\r\n"),
            _ => format!("MAIL FROM:<first.last{i}@a-longer-host-name.example.org>\r\n"),
        };
        input.extend_from_slice(line.as_bytes());
    }
    let theirs = input.clone();
    let ours = move |tally: &mut Tally| {
        let mut rest = &input[..];
        let mut scanner = LineScanner::new();
        loop {
            let scan = scanner.scan(rest, 2048);
            let (Some(line), Scan::Line { len, .. }) = (scan.content(rest), scan) else {
                return;
            };
            let Ok(Command::Mail(mail)) = Command::parse(line) else {
                panic!("not MAIL: {}", line.escape_ascii());
            };
            tally.item();
            tally.bytes(mail.from.mailbox().map_or("", |m| m.as_str()).as_bytes());
            tally.number(mail.size.unwrap_or(0));
            tally.number(u64::from(mail.body == Some(Body::EightBitMime)));
            rest = &rest[len..];
        }
    };
    let peer = move |tally: &mut Tally| {
        let mut bytes = theirs.iter();
        while !bytes.as_slice().is_empty() {
            let Ok(peer::Request::Mail { from }) = peer::Request::parse(&mut bytes) else {
                panic!("not MAIL");
            };
            tally.item();
            tally.bytes(from.address.as_bytes());
            tally.number(from.size as u64);
            tally.number(u64::from(from.flags & peer::MAIL_BODY_8BITMIME != 0));
        }
    };
    Row::new(AREA, "MAIL", Unit::Nanoseconds { items: N as u64 }, ours)
        .peer(PEER, peer)
        .goal(1.0)
}

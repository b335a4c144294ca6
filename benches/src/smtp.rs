//! SMTP beside stalwart's `smtp-proto`: what a server reads and what a client reads.

use peer_smtp_proto as peer;
use scop_core::{LineScanner, Scan};
use scop_smtp_proto::{Body, Command};

use crate::measure::{Line, Row, Tally, Unit};

const AREA: &str = "smtp";
const PEER: &str = "smtp-proto 0.2";

pub fn lines(check_only: bool) -> Vec<Line> {
    [mail()]
        .into_iter()
        .flat_map(|row| row.run(check_only))
        .collect()
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

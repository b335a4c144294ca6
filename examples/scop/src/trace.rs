//! `--trace`: the conversation as `C:` and `S:` lines, with secrets masked.
//!
//! [`Traced`] is a machine around a machine. It stands inside the TLS layer, so it
//! sees what is said, not what is encrypted.

use bytes::{Bytes, BytesMut};
use scop_core::{Channel, Instant, Machine, Next, Timer};

use crate::mime::printable;

/// Which protocol is spoken: what is secret in it, and what is bulk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Smtp,
    Imap,
}

/// A client machine whose conversation is written down, if at all.
pub(crate) struct Traced<M> {
    inner: M,
    transcript: Option<Transcript>,
    /// Bytes at the front of the input that were seen before.
    seen: usize,
}

impl<M> Traced<M> {
    pub(crate) fn new(inner: M, transcript: Option<Transcript>) -> Self {
        Traced {
            inner,
            transcript,
            seen: 0,
        }
    }
}

impl<M> std::ops::Deref for Traced<M> {
    type Target = M;
    fn deref(&self) -> &M {
        &self.inner
    }
}

impl<M> std::ops::DerefMut for Traced<M> {
    fn deref_mut(&mut self) -> &mut M {
        &mut self.inner
    }
}

impl<M: Machine> Machine for Traced<M> {
    type Event = M::Event;
    type Error = M::Error;

    fn read(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Next<Self::Event>, Self::Error> {
        if let Some(transcript) = &mut self.transcript {
            transcript.server(input.get(self.seen..).unwrap_or_default());
        }
        let next = self.inner.read(now, input);
        self.seen = input.len();
        next
    }

    fn read_closed(&mut self, now: Instant) {
        if let Some(transcript) = &mut self.transcript {
            transcript.note("the server closed the connection");
        }
        self.inner.read_closed(now);
    }

    fn transmit(&mut self, now: Instant) -> Option<Bytes> {
        let chunk = self.inner.transmit(now)?;
        if let Some(transcript) = &mut self.transcript {
            transcript.client(&chunk);
        }
        Some(chunk)
    }

    fn deadline(&self) -> Option<(Instant, Timer)> {
        self.inner.deadline()
    }

    fn expire(&mut self, now: Instant) {
        self.inner.expire(now);
    }

    fn upgraded(&mut self, now: Instant, channel: Channel) {
        if let Some(transcript) = &mut self.transcript {
            transcript.note(&format!(
                "encrypted: {} {}",
                channel.version.unwrap_or("TLS"),
                channel.cipher_suite.as_deref().unwrap_or("")
            ));
        }
        self.inner.upgraded(now, channel);
    }
}

/// Bytes of a line that are shown.
const SHOWN: usize = 400;

/// The lines of both sides, put together from pieces.
pub(crate) struct Transcript {
    protocol: Protocol,
    print: Box<dyn FnMut(&str)>,
    client: Side,
    server: Side,
    /// The client's lines are secret until the server's answer.
    secret: Secret,
}

enum Secret {
    No,
    /// SMTP: until a reply that is not 3yz.
    Exchange,
    /// IMAP: until the command with this tag is completed.
    Command(Vec<u8>),
}

#[derive(Default)]
struct Side {
    line: Vec<u8>,
    length: usize,
    /// Bytes of a literal still to come.
    literal: u64,
    /// Bytes of the message so far, while it is sent (SMTP DATA).
    message: Option<u64>,
}

impl Transcript {
    /// A transcript on standard error.
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self::to(protocol, |line| crate::exit::tell(line))
    }

    fn to(protocol: Protocol, print: impl FnMut(&str) + 'static) -> Self {
        Transcript {
            protocol,
            print: Box::new(print),
            client: Side::default(),
            server: Side::default(),
            secret: Secret::No,
        }
    }

    fn note(&mut self, text: &str) {
        (self.print)(&format!("-- {text}"));
    }

    fn client(&mut self, bytes: &[u8]) {
        for line in Self::lines(&mut self.client, bytes) {
            let shown = self.client_line(&line);
            self.show('C', &shown, &line);
        }
    }

    fn server(&mut self, bytes: &[u8]) {
        for line in Self::lines(&mut self.server, bytes) {
            self.server_line(&line);
            self.show('S', &line, &line);
        }
    }

    /// The lines that `bytes` complete; a literal is none and only counted.
    fn lines(side: &mut Side, mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        while !bytes.is_empty() {
            if side.literal > 0 {
                let skip = bytes
                    .len()
                    .min(usize::try_from(side.literal).unwrap_or(usize::MAX));
                side.literal -= skip as u64;
                bytes = &bytes[skip..];
                continue;
            }
            let end = bytes.iter().position(|&b| b == b'\n');
            let (piece, rest) = bytes.split_at(end.map_or(bytes.len(), |at| at + 1));
            bytes = rest;
            side.line.extend_from_slice(piece);
            // Of a long line the middle goes: its end may announce a literal.
            if side.line.len() > 8 * SHOWN {
                side.line.drain(4 * SHOWN..side.line.len() - 32);
            }
            side.length += piece.len();
            if end.is_none() {
                continue;
            }
            let line = std::mem::take(&mut side.line);
            let length = std::mem::take(&mut side.length);
            if let Some(sent) = &mut side.message {
                if line.trim_ascii_end() != b"." || length > 3 {
                    *sent += length as u64;
                    continue;
                }
                lines.push(format!("[a message of {sent} bytes]").into_bytes());
                side.message = None;
            }
            side.literal = announced(&line).unwrap_or(0);
            lines.push(line);
        }
        lines
    }

    /// What may be shown of a line of the client.
    fn client_line(&mut self, line: &[u8]) -> Vec<u8> {
        if !matches!(self.secret, Secret::No) {
            return b"***".to_vec();
        }
        let mut words = line.splitn(4, |&b| b == b' ');
        let mut word = || words.next().unwrap_or_default();
        let (first, second, third) = (word(), word(), word());
        match self.protocol {
            Protocol::Smtp if first.eq_ignore_ascii_case(b"AUTH") => {
                self.secret = Secret::Exchange;
                let rest: &[u8] = if third.is_empty() { b"" } else { b" ***" };
                [first, b" ", second, rest].concat()
            }
            Protocol::Imap if second.eq_ignore_ascii_case(b"LOGIN") => {
                self.secret = Secret::Command(first.to_vec());
                [first, b" ", second, b" ***"].concat()
            }
            Protocol::Imap if second.eq_ignore_ascii_case(b"AUTHENTICATE") => {
                self.secret = Secret::Command(first.to_vec());
                let initial = line.len() > first.len() + second.len() + third.len() + 2;
                let rest: &[u8] = if initial { b" ***" } else { b"" };
                [first, b" ", second, b" ", third, rest].concat()
            }
            _ => line.to_vec(),
        }
    }

    fn server_line(&mut self, line: &[u8]) {
        match (&self.secret, self.protocol) {
            (Secret::Exchange, _) if !line.starts_with(b"3") => self.secret = Secret::No,
            (Secret::Command(tag), _)
                if line
                    .strip_prefix(&tag[..])
                    .is_some_and(|l| l.starts_with(b" ")) =>
            {
                self.secret = Secret::No;
            }
            (Secret::No, Protocol::Smtp) if line.starts_with(b"354") => {
                self.client.message = Some(0);
            }
            _ => {}
        }
    }

    fn show(&mut self, who: char, shown: &[u8], line: &[u8]) {
        let text = String::from_utf8_lossy(shown.trim_ascii_end());
        let mut out = format!("{who}: ");
        let end = text.char_indices().nth(SHOWN).map_or(text.len(), |c| c.0);
        out.push_str(&printable(&text[..end]));
        if text.chars().count() > SHOWN {
            out.push('…');
        }
        (self.print)(&out);
        if let Some(n) = announced(line)
            && shown == line
        {
            (self.print)(&format!("{who}: [{n} bytes]"));
        }
    }
}

/// The size of the literal that a line ends in: `{12}` or `{12+}`.
fn announced(line: &[u8]) -> Option<u64> {
    let inner = line.strip_suffix(b"\r\n")?.strip_suffix(b"}")?;
    let at = inner.iter().rposition(|&b| b == b'{')?;
    let digits = inner[at + 1..]
        .strip_suffix(b"+")
        .unwrap_or(&inner[at + 1..]);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::RefCell, rc::Rc};

    fn transcript(protocol: Protocol, said: &[(char, &str)]) -> String {
        let lines = Rc::new(RefCell::new(String::new()));
        let out = Rc::clone(&lines);
        let mut transcript = Transcript::to(protocol, move |line| {
            out.borrow_mut().push_str(line);
            out.borrow_mut().push('\n');
        });
        for (who, text) in said {
            // In two pieces, as a network cuts them.
            let (a, b) = text.split_at(text.len() / 2);
            for piece in [a, b] {
                match who {
                    'C' => transcript.client(piece.as_bytes()),
                    _ => transcript.server(piece.as_bytes()),
                }
            }
        }
        lines.borrow().clone()
    }

    #[test]
    fn smtp_secrets_are_masked_and_a_message_is_counted() {
        let text = transcript(
            Protocol::Smtp,
            &[
                ('C', "AUTH PLAIN AHRpbQBzZWNyZXQ=\r\n"),
                ('S', "235 ok\r\n"),
                ('C', "AUTH LOGIN\r\n"),
                ('S', "334 VXNlcm5hbWU6\r\n"),
                ('C', "dGlt\r\n"),
                ('S', "334 UGFzc3dvcmQ6\r\n"),
                ('C', "c2VjcmV0\r\n"),
                ('S', "535 no\r\n"),
                ('C', "DATA\r\n"),
                ('S', "354 go\r\n"),
                ('C', "a\r\n..\r\n.\r\nQUIT\r\n"),
            ],
        );
        assert_eq!(
            text,
            "C: AUTH PLAIN ***\nS: 235 ok\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ***\n\
             S: 334 UGFzc3dvcmQ6\nC: ***\nS: 535 no\nC: DATA\nS: 354 go\n\
             C: [a message of 7 bytes]\nC: .\nC: QUIT\n"
        );
    }

    #[test]
    fn imap_secrets_are_masked_and_literals_are_counted() {
        let text = transcript(
            Protocol::Imap,
            &[
                ('C', "A1 LOGIN tim {6}\r\n"),
                ('S', "+ go\r\n"),
                ('C', "secret\r\n"),
                ('S', "A1 NO never\r\n"),
                ('C', "A2 AUTHENTICATE PLAIN AHRpbQ==\r\n"),
                ('S', "A2 OK\r\n"),
                ('S', "* 1 FETCH (BODY[] {11}\r\na\r\nb\r\n{99}\r UID 5)\r\n"),
                ('C', "A3 NOOP\r\n"),
            ],
        );
        assert_eq!(
            text,
            "C: A1 LOGIN ***\nS: + go\nC: ***\nS: A1 NO never\nC: A2 AUTHENTICATE PLAIN ***\n\
             S: A2 OK\nS: * 1 FETCH (BODY[] {11}\nS: [11 bytes]\nS:  UID 5)\nC: A3 NOOP\n"
        );
    }

    #[test]
    fn a_long_line_is_cut_and_control_characters_are_shown() {
        let long = format!("250 \x1b[31m{}\r\n", "x".repeat(100_000));
        let text = transcript(Protocol::Smtp, &[('S', &long)]);
        assert!(text.starts_with("S: 250 \\u{1b}[31mxxx") && text.ends_with("x…\n"));
        assert!(text.len() < 600);
    }
}

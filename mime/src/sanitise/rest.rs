//! What is behind the last part that is taken apart.

use alloc::vec::Vec;

use super::body::MendBase64;
use crate::EncodeBase64;

/// The header of the part that holds it.
const HEADER: &[u8] = b"Content-Description: The rest of a message with too many parts\r\n\
    Content-Type: application/octet-stream\r\n\
    Content-Transfer-Encoding: base64\r\n\r\n";

/// So much may wait besides what may be the end of the message.
const SLACK: usize = 4 << 10;

/// The rest of a message, as it is, in base64. To who reads with the same limits, that part is
/// the rest once more: where it begins as it does here, what it holds is left as it was.
/// Only what cannot have been written here is added to it, as it is.
#[derive(Debug)]
pub(super) struct Rest {
    held: Vec<u8>,
    state: State,
    /// What is written behind it when the message ends.
    close: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Unknown,
    Ours(MendBase64),
    New(EncodeBase64),
}

impl Rest {
    /// Writes its header. When the message ends, `close` is written behind the part.
    pub(super) fn new(close: Vec<u8>, out: &mut Vec<u8>) -> Self {
        out.extend_from_slice(HEADER);
        Rest {
            held: Vec::new(),
            state: State::Unknown,
            close,
        }
    }

    pub(super) fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        if let State::New(body) = &mut self.state {
            return body.encode(data, out);
        }
        self.held.extend_from_slice(data);
        if matches!(self.state, State::Unknown) {
            if self.held.len() < HEADER.len() && HEADER.starts_with(&self.held) {
                return;
            }
            self.settle();
        }
        let ready = match &self.state {
            State::Ours(_) if self.held.len() < self.close.len() + SLACK => 0,
            State::Ours(_) => self.held.len() - self.close.len(),
            _ => self.held.len(),
        };
        self.put(ready, out);
    }

    /// As much of its beginning as there will be is here.
    fn settle(&mut self) {
        self.state = match self.held.starts_with(HEADER) {
            true => {
                self.held.drain(..HEADER.len());
                State::Ours(MendBase64::or_raw())
            }
            false => State::New(EncodeBase64::new()),
        };
    }

    fn put(&mut self, length: usize, out: &mut Vec<u8>) {
        let data = self.held.get(..length).unwrap_or_default();
        match &mut self.state {
            State::Unknown => {}
            State::Ours(body) => body.write(data, out),
            State::New(body) => body.encode(data, out),
        }
        self.held.drain(..data.len());
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if matches!(self.state, State::Unknown) {
            self.settle();
        }
        let length = match &self.state {
            State::Ours(_) if self.held.ends_with(&self.close) => {
                self.held.len() - self.close.len()
            }
            _ => self.held.len(),
        };
        self.put(length, out);
        match &mut self.state {
            State::Unknown => {}
            State::Ours(body) => body.finish(out),
            State::New(body) => body.finish(out),
        }
    }
}

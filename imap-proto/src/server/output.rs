//! What goes out: an outbox; a FETCH whose literal is open, if there is one; and
//! what waits behind that.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

use bytes::Bytes;
use scop_core::{Misuse, Outbox};

use super::Refused;
use crate::response::{Data, Fetch, FetchItem, FetchWriter, Response, Value};
use crate::types::write::content;

#[derive(Debug)]
pub(super) struct Output {
    out: Outbox,
    limit: usize,
    /// What waits until the open literal is complete.
    held: Outbox,
    open: Option<Box<Open>>,
    /// A caller was refused data, or bytes of a literal, and waits.
    data_refused: bool,
    body_refused: bool,
}

/// A FETCH response in the middle of a streamed value.
#[derive(Debug)]
struct Open {
    writer: FetchWriter,
    /// Bytes owed to the value announced last.
    left: u64,
    /// Bytes owed to those after it.
    later: u64,
    /// Items after it.
    items: VecDeque<FetchItem>,
}

impl Output {
    pub(super) fn new(limit: usize, held: usize) -> Self {
        Output {
            out: Outbox::new(limit),
            limit,
            held: Outbox::new(held),
            open: None,
            data_refused: false,
            body_refused: false,
        }
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        self.out.pop()
    }

    /// Nothing can leave now.
    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// No more may be made: the outbox, or what waits behind a literal, is full.
    pub(super) fn is_full(&self) -> bool {
        self.out.is_full() || self.held.is_full()
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Bytes of literals that the caller owes.
    pub(super) fn owed(&self) -> u64 {
        self.open
            .as_ref()
            .map_or(0, |o| o.left.saturating_add(o.later))
    }

    /// Nothing more is said, and what waits is thrown away.
    pub(super) fn clear(&mut self) {
        self.out.clear();
        self.held.clear();
        self.open = None;
        (self.data_refused, self.body_refused) = (false, false);
    }

    /// One small response, for which there is always space: behind an open literal it
    /// waits. Who calls this checks [`is_full`](Self::is_full) before.
    pub(super) fn say(&mut self, response: &Response) {
        let out = if self.open.is_some() {
            &mut self.held
        } else {
            &mut self.out
        };
        response.encode(out);
    }

    /// Data of the caller.
    pub(super) fn data(&mut self, data: &Data) -> Result<(), Refused> {
        let streamed = match data {
            Data::Fetch(fetch) => streamed(&fetch.items),
            _ => None,
        };
        let full = match self.open {
            Some(_) => streamed.is_some() || self.held.is_full(),
            None => self.out.is_full(),
        };
        if full {
            return Err(self.refuse());
        }
        self.data_refused = false;
        match (data, streamed) {
            (Data::Fetch(fetch), Some(total)) => self.open(fetch, total),
            _ => {
                let out = if self.open.is_some() {
                    &mut self.held
                } else {
                    &mut self.out
                };
                encode(data, out);
            }
        }
        Ok(())
    }

    /// Notes that somebody waits for space.
    pub(super) fn refuse(&mut self) -> Refused {
        self.data_refused = true;
        Refused::Full
    }

    fn open(&mut self, fetch: &Fetch, total: u64) {
        let writer = FetchWriter::open(fetch.number, &mut self.out);
        self.open = Some(Box::new(Open {
            writer,
            left: 0,
            later: total,
            items: fetch.items.iter().cloned().collect(),
        }));
        self.advance();
    }

    /// Writes items up to the next value that is owed, or closes.
    fn advance(&mut self) {
        let Some(open) = &mut self.open else { return };
        while open.left == 0 {
            let Some(item) = open.items.pop_front() else {
                if let Some(open) = self.open.take() {
                    open.writer.close(&mut self.out);
                }
                while let Some(chunk) = self.held.pop() {
                    self.out.push_bytes(chunk);
                }
                return;
            };
            open.writer.item(&item, &mut self.out);
            if let Some(Value::Streamed(size)) = item.value() {
                open.left = *size;
                open.later = open.later.saturating_sub(*size);
            }
        }
    }

    /// Bytes for the open literals: takes what fits.
    pub(super) fn body(&mut self, data: &mut Bytes) -> Result<(), Misuse> {
        if data.len() as u64 > self.owed() {
            return Err(Misuse {
                what: "more bytes than were announced",
                help: "give a literal exactly the size that its Value::Streamed said",
            });
        }
        self.body_refused = false;
        while !data.is_empty() {
            let Some(open) = &mut self.open else { break };
            let owed = usize::try_from(open.left).unwrap_or(usize::MAX);
            let n = data.len().min(owed).min(self.out.room());
            if n == 0 {
                self.body_refused = true;
                break;
            }
            self.out.push_bytes(without_nul(data.split_to(n)));
            open.left -= n as u64;
            self.advance();
        }
        Ok(())
    }

    /// Whether who was refused would be taken now; says it once.
    pub(super) fn take_room(&mut self) -> bool {
        // Half of it: else each chunk that leaves would wake somebody.
        if self.out.len() > self.limit / 2 {
            return false;
        }
        let refused = match self.open {
            Some(_) => &mut self.body_refused,
            None => &mut self.data_refused,
        };
        core::mem::take(refused)
    }
}

/// What may stand in a literal: each NUL becomes 0x80 (RFC 3501 4.3.1).
fn without_nul(bytes: Bytes) -> Bytes {
    if memchr::memchr(0, &bytes).is_none() {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len());
    content(&mut out, &bytes);
    out.into()
}

/// How many bytes are to be streamed, if any.
fn streamed(items: &[FetchItem]) -> Option<u64> {
    let sizes: Vec<u64> = (items.iter())
        .filter_map(|item| match item.value() {
            Some(Value::Streamed(size)) => Some(*size),
            _ => None,
        })
        .collect();
    (!sizes.is_empty()).then(|| sizes.iter().fold(0, |a, b| u64::saturating_add(a, *b)))
}

/// As [`Response::encode`], without a copy in a `Response`.
fn encode(data: &Data, out: &mut Outbox) {
    match data {
        Data::Fetch(fetch) => {
            let mut writer = FetchWriter::open(fetch.number, out);
            for item in &fetch.items {
                writer.item(item, out);
            }
            return writer.close(out);
        }
        Data::Unknown(raw) => out.push(raw.as_bytes()),
        data => {
            out.push(b"* ");
            data.encode(out.tail());
        }
    }
    out.push(b"\r\n");
}

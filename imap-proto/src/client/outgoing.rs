//! What is on its way out. Only one command has a literal open at a time, and
//! nothing else is written into it.

use alloc::vec;

use bytes::Bytes;
use scop_core::{Misuse, Outbox};

use crate::types::Pieces;

/// The outbox and the command that is not all in it.
#[derive(Debug)]
pub(super) struct Outgoing {
    outbox: Outbox,
    open: Option<Open>,
}

/// A command that is partly written.
#[derive(Debug)]
struct Open {
    number: u32,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The server's `+` is awaited at a border.
    Waiting(Rest),
    /// An APPEND's message: so many bytes are still to come from the caller.
    Body(u64),
}

/// What of a command is not written yet.
#[derive(Debug)]
struct Rest {
    bytes: Bytes,
    written: usize,
    borders: vec::IntoIter<usize>,
    /// The size of the message that follows.
    append: Option<u64>,
}

/// What writing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrote {
    /// All of the command.
    All,
    /// Up to where the server must say `+`.
    UpToGoAhead,
    /// Up to the message that the caller has.
    UpToBody,
}

impl Outgoing {
    pub(super) fn new(limit: usize) -> Self {
        Outgoing {
            outbox: Outbox::new(limit),
            open: None,
        }
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        self.outbox.pop()
    }

    /// Throws away all of it.
    pub(super) fn clear(&mut self) {
        self.outbox.clear();
        self.open = None;
    }

    /// Whether another command may be written now.
    pub(super) fn is_free(&self) -> bool {
        self.open.is_none() && !self.outbox.is_full()
    }

    /// A line that is no command: `DONE`, or a message of an exchange.
    pub(super) fn line(&mut self, bytes: &[u8]) {
        self.outbox.push(bytes);
        self.outbox.push(b"\r\n");
    }

    /// Begins a command; `append` is the size of the message behind it.
    pub(super) fn command(&mut self, number: u32, pieces: Pieces, append: Option<u64>) -> Wrote {
        let (bytes, borders) = pieces.into_parts();
        self.write_on(
            number,
            Rest {
                bytes: Bytes::from(bytes),
                written: 0,
                borders: borders.into_iter(),
                append,
            },
        )
    }

    fn write_on(&mut self, number: u32, mut rest: Rest) -> Wrote {
        let border = rest.borders.next();
        let end = border.unwrap_or(rest.bytes.len()).min(rest.bytes.len());
        let piece = rest.bytes.slice(rest.written.min(end)..end);
        self.outbox.push_bytes(piece);
        rest.written = end;
        let (stage, wrote) = match (border, rest.append) {
            (Some(_), _) => (Stage::Waiting(rest), Wrote::UpToGoAhead),
            (None, Some(0)) => {
                self.outbox.push(b"\r\n");
                return Wrote::All;
            }
            (None, Some(size)) => (Stage::Body(size), Wrote::UpToBody),
            (None, None) => return Wrote::All,
        };
        self.open = Some(Open { number, stage });
        wrote
    }

    /// The server said `+`: goes on with the command that waits for it; `None` if
    /// none does.
    pub(super) fn go_ahead(&mut self) -> Option<(u32, Wrote)> {
        match self.open.take() {
            Some(Open {
                number,
                stage: Stage::Waiting(rest),
            }) => Some((number, self.write_on(number, rest))),
            other => {
                self.open = other;
                None
            }
        }
    }

    /// The command is done; what of it waits for `+` is not sent any more. A message
    /// that was begun is owed to the end: its size is announced.
    pub(super) fn finished(&mut self, number: u32) {
        let waits = |open: &Open| open.number == number && matches!(open.stage, Stage::Waiting(_));
        self.open.take_if(|open| waits(open));
    }

    /// Bytes of a message that the caller still owes, if one is open.
    pub(super) fn owed(&self) -> Option<u64> {
        match self.open {
            Some(Open {
                stage: Stage::Body(left),
                ..
            }) => Some(left),
            _ => None,
        }
    }

    /// Takes as much of the open message as there is room for.
    pub(super) fn body(&mut self, data: &mut Bytes) -> Result<(), Misuse> {
        let Some(Open {
            stage: Stage::Body(left),
            ..
        }) = &mut self.open
        else {
            return Err(Misuse {
                what: "no message is open",
                help: "wait for Event::Body; all announced bytes may have been given",
            });
        };
        let given = data.len() as u64;
        if given > *left {
            return Err(Misuse {
                what: "more bytes than the APPEND announced",
                help: "give exactly Append::size bytes",
            });
        }
        let piece = data.split_to(data.len().min(self.outbox.room()));
        *left -= piece.len() as u64;
        let done = *left == 0;
        self.outbox.push_bytes(piece);
        if done {
            self.outbox.push(b"\r\n");
            self.open = None;
        }
        Ok(())
    }

    /// A message is open and a good part of the outbox is free.
    pub(super) fn has_room(&self) -> bool {
        self.owed().is_some() && self.outbox.room() > self.outbox.len()
    }
}

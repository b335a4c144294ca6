//! The reader: responses off a stream.
//!
//! A response is lines with literals between them (RFC 3501 section 2.2.2). The
//! reader looks at each byte once to find its end, however the stream is cut, and
//! then parses it once. A literal that is the value of a FETCH item and larger than
//! [`Limits::inline`] is not kept: its bytes come out as they arrive.
//!
//! ```text
//!          ┌───────────────── CRLF, no literal announced: Response ─┐
//!          v                                                        │
//!  ┌──> a line ── {n}, small ──> skip n bytes ──> a line ── .. ─────┤
//!  │       └───── {n}, large, of a FETCH item: Begin ──> n bytes: Chunk ─┐
//!  └─────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Only CRLF ends a line: a bare LF or CR is a byte like others, so a stray one in a
//! header that a server quotes as it is cannot forge a response.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use bytes::{Buf, Bytes, BytesMut};
use memchr::{memchr, memmem};
use scop_core::{Counted, Fault, LimitExceeded, Violation};

use super::{
    Condition, Data, Fetch, FetchItem, NESTING, Raw, Response,
    cursor::Cursor,
    fetch::{self, Came, uid_of},
    parse,
    text::breaks,
};
use crate::types::Literal;

/// What a server may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest response in bytes, its small literals included, its streamed ones
    /// not: what has to be held until its end comes. Default 4 MiB: the answer to a
    /// SEARCH that finds half a million messages.
    pub response: usize,
    /// The largest literal in bytes that is held. A larger one streams if it is the
    /// value of a FETCH item, and else counts towards `response`. Default 4096.
    pub inline: usize,
    /// The largest literal at all, in bytes. Default 1 GiB: it is a bound on what the
    /// caller has to store, not on memory here.
    pub literal: u64,
    /// How deep body structures may nest, in levels; a deeper one is an unknown item.
    /// Default [`NESTING`].
    pub nesting: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            response: 4 << 20,
            inline: 4096,
            literal: 1 << 30,
            nesting: NESTING,
        }
    }
}

/// What a [`Reader`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A whole response. Where literals of it were streamed their values say so.
    Response(Response),
    /// The bytes of a FETCH item follow, each piece a [`Piece::Chunk`]; the item
    /// comes again in its place in the response.
    Begin {
        /// The message's number.
        number: NonZeroU32,
        /// Its UID, if the server has said it already.
        uid: Option<NonZeroU32>,
        /// Which item; its value is [`Value::Streamed`](super::Value::Streamed) of at
        /// least one byte.
        item: FetchItem,
    },
    /// Bytes of the item that began.
    Chunk {
        /// Some of them. Pieces of 2 KiB and more share the input's memory.
        data: Bytes,
        /// How many are still to come; 0 with the last chunk.
        left: u64,
    },
}

/// Takes responses off the front of a stream.
///
/// ```
/// use bytes::BytesMut;
/// use scop_imap_proto::response::{Data, Limits, Piece, Reader, Response};
///
/// let mut reader = Reader::new(Limits::default());
/// let mut input = BytesMut::from("* 23 EX");
/// assert_eq!(reader.next(&mut input)?, None);
/// input.extend_from_slice(b"ISTS\r\n* 3 RE");
/// assert_eq!(reader.next(&mut input)?, Some(Piece::Response(Response::Data(Data::Exists(23)))));
/// # Ok::<(), scop_core::Fault>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    /// Bytes taken off the stream.
    offset: u64,
    /// Bytes at the front of the input that were looked at, or belong to a literal.
    scanned: usize,
    /// Where the line that is looked at starts.
    line: usize,
    /// Bytes of the present response that are taken already and were no streamed
    /// literal's.
    held: usize,
    /// A literal of this response looked like one to stream and was none.
    inline_only: bool,
    /// The FETCH of which a literal was streamed.
    partial: Option<Partial>,
    /// The literal being streamed.
    literal: Counted,
}

/// A FETCH response that has begun.
#[derive(Debug)]
struct Partial {
    number: NonZeroU32,
    uid: Option<NonZeroU32>,
    items: Vec<FetchItem>,
}

impl Reader {
    /// A reader at the start of a stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Reader {
            limits,
            offset: 0,
            scanned: 0,
            line: 0,
            held: 0,
            inline_only: false,
            partial: None,
            literal: Counted::new(0),
        }
    }

    /// Sets other limits, from the next byte that is looked at.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Bytes taken so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What the stream would be cut off in if it ended now; `None` between responses.
    #[must_use]
    pub fn inside(&self, input: &BytesMut) -> Option<&'static str> {
        if !self.literal.is_done() {
            Some("a literal")
        } else if self.partial.is_some() || !input.is_empty() {
            Some("a response")
        } else {
            None
        }
    }

    /// The next piece; `None` if there is not enough input for one.
    ///
    /// Cost: each byte is scanned once and parsed once, over all calls.
    ///
    /// # Errors
    ///
    /// [`Fault::Limit`] for a response or literal past a limit; [`Fault::Violation`]
    /// for a literal of which the size is no number. The stream cannot be understood
    /// behind it: do not call again.
    pub fn next(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, Fault> {
        if !self.literal.is_done() {
            let Some(data) = self.literal.next(input) else {
                return Ok(None);
            };
            self.offset += data.len() as u64;
            let left = self.literal.left();
            return Ok(Some(Piece::Chunk { data, left }));
        }
        let room = self.limits.response.saturating_sub(self.held);
        loop {
            let seen = input.len().min(room);
            let found = input
                .get(self.scanned..seen)
                .and_then(|new| memchr(b'\n', new));
            let Some(found) = found else {
                self.scanned = self.scanned.max(seen);
                if input.len() >= room {
                    return Err(self.too_much("bytes in a response", room as u64));
                }
                return Ok(None);
            };
            let end = self.scanned + found + 1;
            self.scanned = end;
            let line = input.get(self.line..end).unwrap_or_default();
            let Some(line) = line.strip_suffix(b"\r\n") else {
                continue;
            };
            let Some(literal) = self.announced(line)? else {
                return Ok(Some(Piece::Response(self.finish(input, end))));
            };
            let size = literal.size();
            if size > self.limits.literal {
                return Err(self.too_much("bytes in a literal", self.limits.literal));
            }
            if size > self.limits.inline as u64
                && !self.inline_only
                && may_stream(line)
                && let Some(begin) = self.stream(input, end, size)
            {
                return Ok(Some(begin));
            }
            match usize::try_from(size).ok().and_then(|n| end.checked_add(n)) {
                Some(next) if next <= room => {
                    self.scanned = next;
                    self.line = next;
                }
                _ => return Err(self.too_much("bytes in a response", room as u64)),
            }
        }
    }

    fn too_much(&self, what: &'static str, limit: u64) -> Fault {
        Fault::Limit(LimitExceeded {
            what,
            limit,
            offset: self.offset,
        })
    }

    /// The literal that `line` announces. Lines of text announce none, whatever they
    /// end in.
    fn announced(&self, line: &[u8]) -> Result<Option<Literal>, Fault> {
        if line.last() != Some(&b'}') {
            return Ok(None);
        }
        let first = self.line == 0 && self.partial.is_none();
        if first && !is_data(line) {
            return Ok(None);
        }
        match Literal::at_end(line) {
            None => Ok(None),
            Some(Ok(literal)) => Ok(Some(literal)),
            Some(Err(what)) => Err(Fault::Violation(Violation {
                what,
                offset: self.offset + (self.line + line.len()) as u64,
                rule: "RFC 3501 9 literal",
            })),
        }
    }

    /// Begins to stream the literal of `size` bytes behind `end`, if it is the value
    /// of a FETCH item.
    fn stream(&mut self, input: &mut BytesMut, end: usize, size: u64) -> Option<Piece> {
        let mut c = Cursor::new(input.get(..end)?, self.limits.nesting);
        let started = self.partial.take();
        let continued = started.is_some();
        let Some(mut partial) = started.or_else(|| Partial::begin(&mut c)) else {
            self.inline_only = true;
            return None;
        };
        let before = partial.items.len();
        if fetch::items(&mut c, &mut partial.items) != Some(Came::ToALiteral) || !c.is_done() {
            self.inline_only = true;
            partial.items.truncate(before);
            self.partial = continued.then_some(partial);
            return None;
        }
        partial.uid = partial.uid.or_else(|| uid_of(partial.items.get(before..)?));
        let begin = Piece::Begin {
            number: partial.number,
            uid: partial.uid,
            item: partial.items.last()?.clone(),
        };
        self.partial = Some(partial);
        self.literal = Counted::new(size);
        self.held += end;
        self.take(input, end);
        Some(begin)
    }

    /// Parses the response that ends at `end` and takes it off.
    fn finish(&mut self, input: &mut BytesMut, end: usize) -> Response {
        let frame = input.get(..end).unwrap_or_default();
        let response = match self.partial.take() {
            None => parse(frame, self.limits.nesting),
            Some(Partial {
                number, mut items, ..
            }) => {
                let line = frame.strip_suffix(b"\r\n").unwrap_or(frame);
                let mut c = Cursor::new(line, self.limits.nesting);
                fetch::last_items(&mut c, &mut items);
                Response::Data(Data::Fetch(Fetch { number, items }))
            }
        };
        self.held = 0;
        self.inline_only = false;
        self.take(input, end);
        response
    }

    fn take(&mut self, input: &mut BytesMut, n: usize) {
        input.advance(n);
        self.offset += n as u64;
        self.scanned = 0;
        self.line = 0;
    }
}

/// Whether a response that starts with `line` is untagged data, which has literals,
/// and not a condition, a tagged or a continuation response, which have text.
fn is_data(line: &[u8]) -> bool {
    let mut c = Cursor::new(line, 0);
    let starts = c.eat(b'*').and_then(|()| c.sp());
    starts.is_some() && c.word().is_none_or(|word| Condition::of(word).is_none())
}

/// Whether the literal announced at the end of `line` looks like a FETCH item's
/// value: the last bytes before it are those of `BODY[..]`, `BODY[..]<n>` or
/// `RFC822..`.
fn may_stream(line: &[u8]) -> bool {
    let open = line.iter().rposition(|&b| b == b'{').unwrap_or_default();
    let head = line.get(..open).unwrap_or_default();
    let head = head.strip_suffix(b"~").unwrap_or(head);
    let Some(name) = head.strip_suffix(b" ").map(<[u8]>::trim_ascii_end) else {
        return false;
    };
    let ends = |end: &[u8]| {
        let from = name.len().checked_sub(end.len());
        from.and_then(|from| name.get(from..))
            .is_some_and(|n| n.eq_ignore_ascii_case(end))
    };
    matches!(name.last(), Some(b']' | b'>'))
        || ends(b"RFC822")
        || ends(b"RFC822.HEADER")
        || ends(b"RFC822.TEXT")
}

impl Partial {
    /// `* n FETCH (`
    fn begin(c: &mut Cursor<'_>) -> Option<Partial> {
        c.eat(b'*')?;
        c.sp()?;
        let number = c.nz_number()?;
        c.sp()?;
        c.word()?.eq_ignore_ascii_case(b"FETCH").then_some(())?;
        c.spaces();
        c.eat(b'(')?;
        Some(Partial {
            number,
            uid: None,
            items: Vec::with_capacity(4),
        })
    }
}

/// Whether `line`, with CRLF behind it, is one line with its literals by the framing
/// rules. In `text` nothing is a literal.
fn is_whole(line: &[u8], text: bool) -> bool {
    let mut at = 0;
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let found = memmem::find(rest, b"\r\n");
        let first = rest.get(..found.unwrap_or(rest.len())).unwrap_or_default();
        let announced = Literal::at_end(first).filter(|_| !text);
        match (found, announced) {
            (None, announced) => return announced.is_none(),
            (Some(crlf), Some(Ok(literal))) => {
                let size = usize::try_from(literal.size()).ok();
                match size.and_then(|n| (at + crlf + 2).checked_add(n)) {
                    Some(next) if next <= line.len() => at = next,
                    _ => return false,
                }
            }
            (Some(_), _) => return false,
        }
    }
}

impl Raw {
    /// A whole line, with its literals. What is none (the reader never finds such a
    /// thing, but [`Response::parse`] may be given one) becomes one: line ends turn
    /// into spaces.
    pub(super) fn line(line: &[u8]) -> Raw {
        Self::flat_unless(is_whole(line, !is_data(line)), line)
    }

    /// As [`line`](Self::line), for a piece of untagged data.
    pub(super) fn piece(piece: &[u8]) -> Raw {
        Self::flat_unless(is_whole(piece, false), piece)
    }

    fn flat_unless(whole: bool, bytes: &[u8]) -> Raw {
        if whole {
            return Raw::new(bytes);
        }
        let flat = |&b: &u8| if breaks(b) { b' ' } else { b };
        let mut flat: Vec<u8> = bytes.iter().map(flat).collect();
        if flat.last() == Some(&b'}') {
            flat.push(b' ');
        }
        Raw::new(&flat)
    }
}

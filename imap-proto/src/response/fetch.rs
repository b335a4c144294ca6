//! `FETCH` (RFC 3501 section 7.4.2): items in any order, each read by itself, so
//! that one that is not understood never costs the others.

use alloc::{boxed::Box, vec::Vec};
use core::num::NonZeroU32;

use bytes::Bytes;
use scop_core::Outbox;

use super::{
    BodyStructure, Envelope, Raw,
    cursor::{Cursor, Token},
    data::flags,
    write::{announce, display, list, number},
};
use crate::types::{DateTime, Flag, Section};

/// What is known of one message. Unasked-for items occur: other clients change
/// flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The message's number (not its UID).
    pub number: NonZeroU32,
    /// What is known of it, in the server's order.
    pub items: Vec<FetchItem>,
}

/// One `msg-att`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchItem {
    /// `FLAGS`; [`Flag::Recent`] may be among them.
    Flags(Vec<Flag<'static>>),
    /// `ENVELOPE`.
    Envelope(Box<Envelope>),
    /// `INTERNALDATE`.
    InternalDate(DateTime),
    /// `RFC822`: the whole message.
    Rfc822(Value),
    /// `RFC822.HEADER`.
    Rfc822Header(Value),
    /// `RFC822.TEXT`.
    Rfc822Text(Value),
    /// `RFC822.SIZE`, in bytes.
    Rfc822Size(u64),
    /// `BODY`: the structure without extension data.
    Body(Box<BodyStructure>),
    /// `BODYSTRUCTURE`.
    BodyStructure(Box<BodyStructure>),
    /// `BODY[section]<origin>`.
    Section {
        /// Which part of the message.
        section: Section,
        /// At which byte of the part the value starts, where a stretch was asked
        /// for.
        origin: Option<u32>,
        /// The bytes.
        value: Value,
    },
    /// `UID`.
    Uid(NonZeroU32),
    /// `MODSEQ` (RFC 7162).
    ModSeq(u64),
    /// Any other, or one of these in a form that is not understood: name and value
    /// as they came.
    Unknown(Raw),
}

/// Bytes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `NIL`: there is no such part.
    Nil,
    /// Here they are.
    Inline(Bytes),
    /// So many; they do not pass through here. Read, they came in pieces before
    /// this value did; written, they follow in pieces at once.
    Streamed(u64),
}

/// How far [`items`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// To the closing parenthesis.
    ToTheEnd,
    /// To a literal that goes another way; its item is the last.
    ToALiteral,
}

/// Reads items up to the closing parenthesis or a streamed literal. `None`: the
/// frame ends in the middle, in a way that no item explains.
pub(super) fn items(c: &mut Cursor<'_>, items: &mut Vec<FetchItem>) -> Option<Came> {
    loop {
        c.spaces();
        if c.eat(b')').is_some() {
            return Some(Came::ToTheEnd);
        }
        if c.is_done() {
            return None;
        }
        let start = c.at();
        match FetchItem::parse(c) {
            Some(item) => {
                let streamed = matches!(item.value(), Some(Value::Streamed(_)));
                items.push(item);
                if streamed {
                    return Some(Came::ToALiteral);
                }
            }
            None => {
                c.rewind(start);
                if skip_item(c).is_none() {
                    c.rewind(start);
                    return None;
                }
                items.push(FetchItem::Unknown(Raw::new(c.since(start))));
            }
        }
    }
}

/// Reads `(`, the items, `)` and the end of the response.
pub(super) fn all_items(c: &mut Cursor<'_>) -> Option<Vec<FetchItem>> {
    c.spaces();
    c.eat(b'(')?;
    // A few items are the most common: no growing for them.
    let mut items = Vec::with_capacity(4);
    last_items(c, &mut items);
    Some(items)
}

/// Reads the items up to the end of the response. What no item explains is kept as
/// one that is unknown.
pub(super) fn last_items(c: &mut Cursor<'_>, all: &mut Vec<FetchItem>) {
    let _ = items(c, all);
    c.spaces();
    let rest = c.rest();
    if !rest.is_empty() {
        all.push(FetchItem::Unknown(Raw::piece(rest)));
    }
    c.rewind(usize::MAX);
}

/// Steps over a name with its brackets, and a value.
fn skip_item(c: &mut Cursor<'_>) -> Option<()> {
    c.word()?;
    if c.eat(b'[').is_some() {
        c.skip_brackets()?;
        let _ = c.run(|b| !matches!(b, b' ' | b')'));
    }
    if c.eat(b' ').is_some() {
        c.spaces();
        if c.peek() != Some(b')') {
            c.skip_value()?;
        }
    } else if c.peek() == Some(b'(') {
        c.skip_value()?;
    }
    c.ends_value().then_some(())
}

impl Fetch {
    /// The UID, if it is among the items.
    #[must_use]
    pub fn uid(&self) -> Option<NonZeroU32> {
        uid_of(&self.items)
    }

    /// The flags, if they are among the items.
    #[must_use]
    pub fn flags(&self) -> Option<&[Flag<'static>]> {
        self.items.iter().find_map(|item| match item {
            FetchItem::Flags(flags) => Some(&flags[..]),
            _ => None,
        })
    }

    pub(super) fn encode(&self, out: &mut Outbox) {
        let mut writer = FetchWriter::open(self.number, out);
        for item in &self.items {
            writer.item(item, out);
        }
        writer.close(out);
    }
}

pub(super) fn uid_of(items: &[FetchItem]) -> Option<NonZeroU32> {
    items.iter().find_map(|item| match item {
        FetchItem::Uid(uid) => Some(*uid),
        _ => None,
    })
}

impl FetchItem {
    /// The bytes of the message in it, if it is that kind of item.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self {
            FetchItem::Rfc822(value)
            | FetchItem::Rfc822Header(value)
            | FetchItem::Rfc822Text(value)
            | FetchItem::Section { value, .. } => Some(value),
            _ => None,
        }
    }

    fn parse(c: &mut Cursor<'_>) -> Option<FetchItem> {
        let name = c.word()?;
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        if c.peek() == Some(b'[') && (is("BODY") || is("BODY.PEEK")) {
            return Self::section(c);
        }
        c.spaces();
        let item = if is("FLAGS") {
            FetchItem::Flags(flags(c)?)
        } else if is("UID") {
            FetchItem::Uid(c.nz_number()?)
        } else if is("RFC822.SIZE") {
            FetchItem::Rfc822Size(c.number64()?)
        } else if is("INTERNALDATE") {
            FetchItem::InternalDate(c.strict(DateTime::parse)?)
        } else if is("ENVELOPE") {
            FetchItem::Envelope(Box::new(Envelope::parse(c)?))
        } else if is("BODYSTRUCTURE") {
            FetchItem::BodyStructure(Box::new(BodyStructure::parse(c)?))
        } else if is("BODY") {
            FetchItem::Body(Box::new(BodyStructure::parse(c)?))
        } else if is("MODSEQ") {
            c.eat(b'(')?;
            let n = c.number64()?;
            c.eat(b')')?;
            FetchItem::ModSeq(n)
        } else if is("RFC822") {
            FetchItem::Rfc822(Value::parse(c)?)
        } else if is("RFC822.HEADER") {
            FetchItem::Rfc822Header(Value::parse(c)?)
        } else if is("RFC822.TEXT") {
            FetchItem::Rfc822Text(Value::parse(c)?)
        } else {
            return None;
        };
        c.ends_value().then_some(item)
    }

    fn section(c: &mut Cursor<'_>) -> Option<FetchItem> {
        let section = c.strict(Section::parse)?;
        let origin = match c.eat(b'<') {
            None => None,
            Some(()) => {
                let origin = c.number()?;
                c.eat(b'>')?;
                Some(origin)
            }
        };
        c.sp()?;
        let value = Value::parse(c)?;
        c.ends_value().then_some(FetchItem::Section {
            section,
            origin,
            value,
        })
    }
}

impl Value {
    fn parse(c: &mut Cursor<'_>) -> Option<Value> {
        match c.token()? {
            Token::String(bytes) => Some(Value::Inline(bytes)),
            Token::Nil => Some(Value::Nil),
            Token::Streamed(size) => Some(Value::Streamed(size)),
            Token::List => None,
        }
    }

    /// Always as a literal: the bytes of a message are what they are, NUL included.
    fn encode(&self, out: &mut Outbox) {
        match self {
            Value::Nil => out.push(b"NIL"),
            Value::Inline(bytes) => {
                announce(out.tail(), bytes.len() as u64);
                out.push_bytes(bytes.clone());
            }
            Value::Streamed(size) => announce(out.tail(), *size),
        }
    }
}

/// Writes one FETCH response item by item, so that a large message need not be in
/// memory: nothing is buffered here.
///
/// ```
/// use core::num::NonZeroU32;
/// use bytes::Bytes;
/// use scop_core::Outbox;
/// use scop_imap_proto::response::{FetchItem, FetchWriter, Value};
///
/// let mut out = Outbox::new(64 * 1024);
/// let mut fetch = FetchWriter::open(NonZeroU32::new(12).unwrap(), &mut out);
/// fetch.item(&FetchItem::Uid(NonZeroU32::new(7).unwrap()), &mut out);
/// fetch.item(&FetchItem::Rfc822(Value::Streamed(11)), &mut out);
/// out.push_bytes(Bytes::from_static(b"Hello, "));
/// out.push_bytes(Bytes::from_static(b"you."));
/// fetch.close(&mut out);
/// assert_eq!(out.pop().unwrap(), "* 12 FETCH (UID 7 RFC822 {11}\r\nHello, you.)\r\n");
/// ```
#[derive(Debug)]
#[must_use = "a FETCH response must be closed"]
pub struct FetchWriter {
    first: bool,
}

impl FetchWriter {
    /// Writes `* number FETCH (`.
    pub fn open(message: NonZeroU32, out: &mut Outbox) -> FetchWriter {
        let tail = out.tail();
        tail.extend_from_slice(b"* ");
        number(tail, message.get());
        tail.extend_from_slice(b" FETCH (");
        FetchWriter { first: true }
    }

    /// Writes one item. If its value is [`Value::Streamed`], exactly as many bytes
    /// as that says must follow before the next call.
    pub fn item(&mut self, item: &FetchItem, out: &mut Outbox) {
        let tail = out.tail();
        if !core::mem::take(&mut self.first) {
            tail.push(b' ');
        }
        match item {
            FetchItem::Flags(flags) => {
                tail.extend_from_slice(b"FLAGS ");
                list(tail, flags, display);
            }
            FetchItem::Envelope(envelope) => {
                tail.extend_from_slice(b"ENVELOPE ");
                envelope.encode(tail);
            }
            FetchItem::InternalDate(date) => {
                tail.extend_from_slice(b"INTERNALDATE ");
                display(tail, date);
            }
            FetchItem::Rfc822Size(size) => {
                tail.extend_from_slice(b"RFC822.SIZE ");
                number(tail, *size);
            }
            FetchItem::Body(structure) => {
                tail.extend_from_slice(b"BODY ");
                structure.encode(tail, false);
            }
            FetchItem::BodyStructure(structure) => {
                tail.extend_from_slice(b"BODYSTRUCTURE ");
                structure.encode(tail, true);
            }
            FetchItem::Uid(uid) => {
                tail.extend_from_slice(b"UID ");
                number(tail, uid.get());
            }
            FetchItem::ModSeq(n) => {
                tail.extend_from_slice(b"MODSEQ (");
                number(tail, *n);
                tail.push(b')');
            }
            FetchItem::Unknown(raw) => raw.encode(tail),
            FetchItem::Rfc822(value) => {
                tail.extend_from_slice(b"RFC822 ");
                value.encode(out);
            }
            FetchItem::Rfc822Header(value) => {
                tail.extend_from_slice(b"RFC822.HEADER ");
                value.encode(out);
            }
            FetchItem::Rfc822Text(value) => {
                tail.extend_from_slice(b"RFC822.TEXT ");
                value.encode(out);
            }
            FetchItem::Section {
                section,
                origin,
                value,
            } => {
                tail.extend_from_slice(b"BODY[");
                display(tail, section);
                tail.push(b']');
                if let Some(origin) = origin {
                    tail.push(b'<');
                    number(tail, *origin);
                    tail.push(b'>');
                }
                tail.push(b' ');
                value.encode(out);
            }
        }
    }

    /// Writes `)` CRLF.
    pub fn close(self, out: &mut Outbox) {
        out.push(b")\r\n");
    }
}

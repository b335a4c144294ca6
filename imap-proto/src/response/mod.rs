//! Responses: what an IMAP server says (RFC 3501 section 7, with RFC 2342, 2971,
//! 4315, 5161, 5530 and the mod-sequences of 7162).
//!
//! Three layers, each to be used alone:
//!
//! - the types: [`Response`] and what it is made of. They own what they hold;
//!   strings are [`Bytes`](bytes::Bytes) that share one copy of their response.
//! - the codec: [`Response::parse`] for one whole response, [`Response::encode`]
//!   (and [`FetchWriter`] for messages too large to hold).
//! - the [`Reader`]: finds responses in a stream and parses each once, whatever the
//!   pieces it comes in; the bytes of large messages come out as they arrive.
//!
//! Reading is lenient where servers differ from the grammar, and never fails for
//! what is not understood: an unknown response, code, STATUS item or FETCH item is
//! kept as it came, beside the rest. Writing is exact.
//!
//! What is forgiven, and for whom:
//!
//! | deviation | seen from |
//! |---|---|
//! | no text behind a condition or code | Exchange, Courier |
//! | several spaces for one, a space at the end of a line or list | Exchange, Domino |
//! | `()` or `""` for `NIL` in an address list, `NIL` for a string | Exchange, Zimbra |
//! | 8-bit bytes in quoted strings and mailbox names | most |
//! | `MESSAGE` `RFC822` without an envelope; a text without a line count | Gmail, Exchange |
//! | negative sizes in a body structure | Exchange |
//! | a mailbox name that is no modified UTF-7: kept by its bytes | Courier, Gmail import |
//!
//! ```
//! use scop_imap_proto::response::{Data, FetchItem, Response};
//!
//! let response = Response::parse(b"* 12 FETCH (UID 7 X-NEW (1 2) FLAGS (\\Seen))\r\n");
//! let Response::Data(Data::Fetch(fetch)) = response else { panic!() };
//! assert_eq!(fetch.uid().unwrap().get(), 7);
//! assert!(matches!(fetch.items[1], FetchItem::Unknown(_)));
//! assert_eq!(fetch.flags().unwrap().len(), 1);
//! ```

mod code;
mod cursor;
mod data;
mod envelope;
mod fetch;
mod reader;
mod structure;
mod text;
mod write;

use alloc::vec::Vec;
use core::{fmt, num::NonZeroU32};

use scop_core::Outbox;

use crate::types::Tag;
use cursor::Cursor;

pub use code::{Code, UnknownCode};
pub use data::{Attribute, Data, List, Namespace, NamespaceEntry, StatusItem};
pub use envelope::{Address, Envelope};
pub use fetch::{Fetch, FetchItem, FetchWriter, Value};
pub use reader::{Limits, Piece, Reader};
pub use structure::{
    BodyStructure, Extension, Media, Multipart, MultipartExtension, Parameters, Part, PartExtension,
};
pub use text::{InvalidText, Raw, Text};

/// How deep body structures may nest in [`Response::parse`], in levels.
pub const NESTING: u8 = 50;

/// One response.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// `continue-req`: go on with the literal or the exchange. The text is for
    /// people, or a base64 challenge.
    Continue(Text),
    /// `response-tagged`: the command of this tag is done.
    Tagged {
        /// Whose end this is.
        tag: Tag<'static>,
        /// How it went: `Ok`, `No` or `Bad`.
        condition: Condition,
        /// Why.
        text: RespText,
    },
    /// An untagged condition: the greeting, a warning, the end.
    Condition {
        /// Which.
        condition: Condition,
        /// Why.
        text: RespText,
    },
    /// Untagged data.
    Data(Data),
    /// Neither tagged nor untagged nor a continuation request: the line as it came,
    /// without its CRLF.
    Unknown(Raw),
}

/// `OK`, `NO`, `BAD`, `PREAUTH` or `BYE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Done; untagged: for your information.
    Ok,
    /// Not done; untagged: a warning.
    No,
    /// Not understood, or not allowed now; untagged: it is not known what of.
    Bad,
    /// As a greeting: authenticated by other means already.
    Preauth,
    /// The server closes the connection.
    Bye,
}

/// `resp-text`: a code for programs and a text for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RespText {
    /// What stands in brackets.
    pub code: Option<Code>,
    /// The rest; it may be empty when read.
    pub text: Text,
}

impl RespText {
    /// This text, without a code. CR, LF and NUL in it become spaces.
    #[must_use]
    pub fn new(text: impl AsRef<[u8]>) -> RespText {
        RespText {
            code: None,
            text: Text::lossy(text),
        }
    }

    /// The same with a code.
    #[must_use]
    pub fn with(mut self, code: Code) -> RespText {
        self.code = Some(code);
        self
    }

    fn parse(c: &mut Cursor<'_>) -> RespText {
        c.spaces();
        let start = c.at();
        let code = c.eat(b'[').and_then(|()| Code::parse(c));
        if code.is_some() {
            // One space belongs to the grammar, more to the text.
            let _ = c.eat(b' ');
        } else {
            c.rewind(start);
        }
        RespText {
            code,
            text: Text::lossy(c.rest()),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        if let Some(code) = &self.code {
            out.extend_from_slice(b" [");
            code.encode(out);
            out.push(b']');
        }
        out.push(b' ');
        match self.text.as_bytes() {
            // `text` is not empty, and a bracket at its start would be a code.
            [] => out.push(b'-'),
            text if self.code.is_none() && text.starts_with(b"[") => {
                out.push(b'-');
                out.extend_from_slice(text);
            }
            text => out.extend_from_slice(text),
        }
    }
}

impl fmt::Display for RespText {
    /// The text alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl Condition {
    const ALL: [Condition; 5] = [
        Condition::Ok,
        Condition::No,
        Condition::Bad,
        Condition::Preauth,
        Condition::Bye,
    ];

    /// As it is written: `OK`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Condition::Ok => "OK",
            Condition::No => "NO",
            Condition::Bad => "BAD",
            Condition::Preauth => "PREAUTH",
            Condition::Bye => "BYE",
        }
    }

    fn of(word: &[u8]) -> Option<Condition> {
        let is = |c: &Condition| c.as_str().as_bytes().eq_ignore_ascii_case(word);
        Self::ALL.into_iter().find(is)
    }
}

impl Response {
    /// Parses one whole response, with its literals where they came; the final CRLF
    /// may be there or not. It never fails: what is not understood is kept.
    ///
    /// Cost: one pass; no recursion but for body structures, up to [`NESTING`] deep.
    /// Memory: in proportion to `frame`.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Response {
        parse(frame, NESTING)
    }

    /// Writes the response with its CRLF. Whatever its values are, it is one
    /// response to every reader. Values of 2 KiB and more pass uncopied.
    ///
    /// A FETCH with a [`Value::Streamed`] in it is not whole: use [`FetchWriter`].
    pub fn encode(&self, out: &mut Outbox) {
        let tail = out.tail();
        match self {
            Response::Continue(text) => {
                tail.extend_from_slice(b"+ ");
                tail.extend_from_slice(text.as_bytes());
            }
            Response::Tagged {
                tag,
                condition,
                text,
            } => {
                tail.extend_from_slice(tag.as_str().as_bytes());
                tail.push(b' ');
                tail.extend_from_slice(condition.as_str().as_bytes());
                text.encode(tail);
            }
            Response::Condition { condition, text } => {
                tail.extend_from_slice(b"* ");
                tail.extend_from_slice(condition.as_str().as_bytes());
                text.encode(tail);
            }
            Response::Data(Data::Fetch(fetch)) => return fetch.encode(out),
            Response::Data(Data::Unknown(raw)) | Response::Unknown(raw) => raw.encode(tail),
            Response::Data(data) => {
                tail.extend_from_slice(b"* ");
                data.encode(tail);
            }
        }
        out.push(b"\r\n");
    }
}

/// [`Response::parse`] with a limit on nesting.
fn parse(frame: &[u8], nesting: u8) -> Response {
    let line = frame.strip_suffix(b"\r\n").unwrap_or(frame);
    match line.first() {
        Some(b'*') => Response::untagged(line, nesting),
        Some(b'+') => {
            let text = line.get(1..).unwrap_or_default();
            Response::Continue(Text::lossy(text.strip_prefix(b" ").unwrap_or(text)))
        }
        _ => tagged(line).unwrap_or_else(|| Response::Unknown(Raw::line(line))),
    }
}

impl Response {
    /// What starts with `*`. The most frequent responses are small, and it shows
    /// when they are moved about as a large enum: they are made where they stay.
    fn untagged(line: &[u8], nesting: u8) -> Response {
        let mut c = Cursor::new(line, nesting);
        let starts = c.eat(b'*').and_then(|()| c.sp());
        let first = c.peek().filter(|_| starts.is_some());
        if first.is_some_and(|b| b.is_ascii_digit()) {
            let numbered = Numbered::parse(&mut c);
            if let Some(Numbered::Fetch(number)) = numbered {
                if let Some(items) = fetch::all_items(&mut c) {
                    return Response::Data(Data::Fetch(Fetch { number, items }));
                }
                return Response::Data(Data::Unknown(Raw::line(line)));
            }
            c.spaces();
            return Response::Data(match numbered.filter(|_| c.is_done()) {
                Some(Numbered::Exists(n)) => Data::Exists(n),
                Some(Numbered::Recent(n)) => Data::Recent(n),
                Some(Numbered::Expunge(n)) => Data::Expunge(n),
                _ => Data::Unknown(Raw::line(line)),
            });
        }
        let word = c.word().filter(|_| starts.is_some()).unwrap_or_default();
        if let Some(condition) = Condition::of(word) {
            let text = RespText::parse(&mut c);
            return Response::Condition { condition, text };
        }
        let data = Data::parse(word, &mut c);
        c.spaces();
        Response::Data(match data {
            Some(data) if c.is_done() => data,
            _ => Data::Unknown(Raw::line(line)),
        })
    }
}

/// What starts with a number, up to its word.
#[derive(Clone, Copy)]
enum Numbered {
    Exists(u32),
    Recent(u32),
    Expunge(NonZeroU32),
    Fetch(NonZeroU32),
}

impl Numbered {
    fn parse(c: &mut Cursor<'_>) -> Option<Numbered> {
        let number = c.number()?;
        c.sp()?;
        let word = c.word()?;
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("EXISTS") {
            Some(Numbered::Exists(number))
        } else if is("FETCH") {
            NonZeroU32::new(number).map(Numbered::Fetch)
        } else if is("EXPUNGE") {
            NonZeroU32::new(number).map(Numbered::Expunge)
        } else if is("RECENT") {
            Some(Numbered::Recent(number))
        } else {
            None
        }
    }
}

fn tagged(line: &[u8]) -> Option<Response> {
    let (tag, rest) = Tag::split(line)?;
    let mut c = Cursor::new(rest, 1);
    c.sp()?;
    let condition = Condition::of(c.word()?)?;
    if matches!(condition, Condition::Preauth | Condition::Bye) {
        return None;
    }
    let tag = tag.into_owned();
    let text = RespText::parse(&mut c);
    Some(Response::Tagged {
        tag,
        condition,
        text,
    })
}

#[cfg(test)]
mod tests;

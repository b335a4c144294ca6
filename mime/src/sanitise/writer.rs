//! The message on its way out: what to do at each event of the reader.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use memchr::{memchr, memmem};

use super::body::{Crlf, MendBase64, MendQp};
use super::header::{Draft, Shape};
use crate::inspect::LINE;
use crate::value::charset;
use crate::{
    Body, Charset, Content, Decoder, DefectClass, DefectSet, Delimiter, EncodeBase64,
    EncodeQuotedPrintable, Event, Limits, Parent, Place, TransferEncoding, to_crlf,
};

/// What no line but a delimiter begins with.
pub(super) const MARK: &[u8] = b"--=_scop-";

/// How much of a body is held if nobody said.
const HOLD: usize = 1 << 20;

/// The boundary of a multipart, by its number in the message. No one is the beginning of
/// another, and none can be in quoted-printable or base64.
pub(super) fn boundary(number: u32) -> String {
    alloc::format!("=_scop-{number}_")
}

#[derive(Debug)]
pub(super) struct Writer {
    limits: Limits,
    pub(super) hold: usize,
    open: Vec<Open>,
    draft: Draft,
    body: Leaf,
    multiparts: u32,
    /// The last thing written is a close delimiter, without a line end.
    closed: bool,
    /// A limit was met in the entity in hand.
    limited: bool,
    /// What of a whole message stays as it is.
    keep: VecDeque<Range<u64>>,
    /// How many entities are open within what stays.
    kept: usize,
}

#[derive(Debug)]
enum Open {
    Leaf,
    Message,
    /// Its header waits for a part to come; the body so far. Without a part it is text.
    Waiting(Vec<u8>),
    Multipart(u32),
}

/// The body of a leaf.
#[derive(Debug)]
enum Leaf {
    None,
    /// Nothing is decided.
    Held {
        raw: Vec<u8>,
        bare: usize,
    },
    AsIs(Crlf),
    MendBase64(MendBase64),
    MendQp(MendQp),
    /// Decoded and encoded anew.
    Base64(Decoder, EncodeBase64),
    /// Text, its lines with CRLF.
    Qp(Crlf, EncodeQuotedPrintable),
}

impl Writer {
    pub(super) fn new(limits: Limits) -> Self {
        Writer {
            limits,
            hold: HOLD,
            open: Vec::new(),
            draft: Draft::default(),
            body: Leaf::None,
            multiparts: 0,
            closed: false,
            limited: false,
            keep: VecDeque::new(),
            kept: 0,
        }
    }

    /// Entities of a whole message that stay as they are, in order.
    pub(super) fn keep(&mut self, ranges: Vec<Range<u64>>) {
        self.keep = ranges.into();
    }

    /// `kinds` is what was found with this event; `whole` the message, if it is whole.
    pub(super) fn take(
        &mut self,
        event: &Event<'_>,
        kinds: DefectSet,
        whole: &[u8],
        out: &mut Vec<u8>,
    ) {
        if self.kept > 0 {
            match event {
                Event::PartStart(_) => self.kept += 1,
                Event::PartEnd(_) => self.kept -= 1,
                Event::BodyStart(start) if start.content == Content::Multipart => {
                    self.multiparts += 1;
                }
                _ => {}
            }
            return;
        }
        match event {
            Event::PartStart(start) => {
                if start.parent == Parent::Multipart {
                    self.delimiter(out);
                }
                if self.keep.front().is_some_and(|r| r.start == start.offset) {
                    self.keep_part(whole, out);
                    return;
                }
                self.draft = Draft::new(start.parent);
                self.limited = false;
            }
            Event::Header(field) => self.draft.field(field, kinds, &self.limits),
            Event::Defect(defect) => {
                self.draft.defect(defect.kind);
                self.limited |= defect.kind.class() == DefectClass::Limit;
            }
            Event::BodyStart(start) => {
                self.draft.end(kinds, &self.limits);
                match start.content {
                    Content::Multipart => self.open.push(Open::Waiting(Vec::new())),
                    Content::Message => {
                        self.open.push(Open::Message);
                        self.draft.write(Shape::Message, &self.limits, out);
                    }
                    Content::Leaf => {
                        self.open.push(Open::Leaf);
                        self.start_leaf(start.opaque, out);
                    }
                }
            }
            Event::Body(body) if body.place == Place::Leaf => self.data(body.data, out),
            Event::Body(Body { data, .. }) | Event::Delimiter(Delimiter { data, .. }) => {
                if let Some(Open::Waiting(held)) = self.open.last_mut() {
                    let room = self.hold.saturating_sub(held.len());
                    held.extend_from_slice(data.get(..room).unwrap_or(data));
                }
            }
            Event::PartEnd(_) => match self.open.pop() {
                Some(Open::Leaf) => self.end_leaf(out),
                Some(Open::Waiting(held)) => {
                    self.closed = false;
                    self.draft.becomes_text();
                    self.start_leaf(false, out);
                    self.data(&held, out);
                    self.end_leaf(out);
                }
                Some(Open::Multipart(number)) => {
                    out.extend_from_slice(b"\r\n--");
                    out.extend_from_slice(boundary(number).as_bytes());
                    out.extend_from_slice(b"--");
                    self.closed = true;
                }
                Some(Open::Message) | None => {}
            },
            Event::End(_) => {
                if self.closed {
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
    }

    /// A part of the innermost multipart begins.
    fn delimiter(&mut self, out: &mut Vec<u8>) {
        let number = match self.open.last() {
            Some(Open::Multipart(number)) => {
                out.extend_from_slice(b"\r\n");
                *number
            }
            _ => {
                self.multiparts += 1;
                let number = self.multiparts;
                self.draft
                    .write(Shape::Multipart(number), &self.limits, out);
                self.open.pop();
                self.open.push(Open::Multipart(number));
                number
            }
        };
        out.extend_from_slice(b"--");
        out.extend_from_slice(boundary(number).as_bytes());
        out.extend_from_slice(b"\r\n");
        self.closed = false;
    }

    fn keep_part(&mut self, whole: &[u8], out: &mut Vec<u8>) {
        if let Some(range) = self.keep.pop_front() {
            self.kept = 1;
            self.closed = false;
            out.extend_from_slice(&to_crlf(crate::tree_slice(whole, range)));
        }
    }

    fn start_leaf(&mut self, opaque: bool, out: &mut Vec<u8>) {
        self.closed = false;
        // Nobody would see what is in a multipart without a boundary.
        let lone = opaque && !self.limited && self.draft.is_multipart();
        let opaque = opaque && !lone;
        if lone {
            self.draft.becomes_text();
        }
        let encoding = self.draft.encoding();
        let charset = self.draft.charset();
        let is_text = charset.is_some();
        let unknown = charset.is_some_and(|c| charset::decode(c.as_bytes(), b"").is_none());
        let opaque = opaque || unknown;
        let shape = match encoding {
            _ if opaque => Shape::Opaque,
            TransferEncoding::Base64 | TransferEncoding::QuotedPrintable if !is_text => {
                Shape::Leaf(label(&encoding))
            }
            TransferEncoding::Uuencode if !is_text => Shape::Leaf("base64"),
            _ => {
                self.body = Leaf::Held {
                    raw: Vec::new(),
                    bare: 0,
                };
                return;
            }
        };
        self.draft.write(shape, &self.limits, out);
        self.body = match (opaque, &encoding) {
            (false, TransferEncoding::Base64) => Leaf::MendBase64(MendBase64::new()),
            (false, TransferEncoding::QuotedPrintable) => Leaf::MendQp(MendQp::new()),
            _ => Leaf::Base64(Decoder::new(&encoding), EncodeBase64::new()),
        };
    }

    fn data(&mut self, data: &[u8], out: &mut Vec<u8>) {
        match &mut self.body {
            Leaf::None => {}
            Leaf::Held { raw, bare } => {
                // As long as it will be with CRLF: it must fit the next time as well.
                let mut before = raw.last().copied();
                for byte in data {
                    *bare += usize::from(*byte == b'\n' && before != Some(b'\r'));
                    before = Some(*byte);
                }
                raw.extend_from_slice(data);
                if raw.len() + *bare > self.hold {
                    self.overflow(out);
                }
            }
            Leaf::AsIs(body) => body.write(data, out),
            Leaf::MendBase64(body) => body.write(data, out),
            Leaf::MendQp(body) => body.write(data, out),
            Leaf::Base64(decoder, body) => {
                let mut decoded = Vec::new();
                decoder.decode(data, &mut decoded);
                body.encode(&decoded, out);
            }
            Leaf::Qp(crlf, body) => {
                let mut lines = Vec::new();
                crlf.write(data, &mut lines);
                body.encode(&lines, out);
            }
        }
    }

    /// Too much to be held: it leaves in a form that can carry whatever comes.
    fn overflow(&mut self, out: &mut Vec<u8>) {
        let Leaf::Held { raw, .. } = core::mem::replace(&mut self.body, Leaf::None) else {
            return;
        };
        let encoding = self.draft.encoding();
        let (shape, body) = match &encoding {
            TransferEncoding::Base64 => (label(&encoding), Leaf::MendBase64(MendBase64::new())),
            TransferEncoding::QuotedPrintable => (label(&encoding), Leaf::MendQp(MendQp::new())),
            e if e.is_identity() && self.draft.charset().is_some() => (
                "quoted-printable",
                Leaf::Qp(Crlf::default(), EncodeQuotedPrintable::text()),
            ),
            e => ("base64", Leaf::Base64(Decoder::new(e), EncodeBase64::new())),
        };
        self.draft.write(Shape::Leaf(shape), &self.limits, out);
        self.body = body;
        self.data(&raw, out);
    }

    fn end_leaf(&mut self, out: &mut Vec<u8>) {
        if let Leaf::Held { raw, .. } = &mut self.body {
            let raw = core::mem::take(raw);
            self.decide(&raw, out);
        }
        match core::mem::replace(&mut self.body, Leaf::None) {
            Leaf::None | Leaf::Held { .. } | Leaf::AsIs(_) => {}
            Leaf::MendBase64(mut body) => body.finish(out),
            Leaf::MendQp(mut body) => body.finish(out),
            Leaf::Base64(mut decoder, mut body) => {
                let mut decoded = Vec::new();
                decoder.finish(&mut decoded);
                body.encode(&decoded, out);
                body.finish(out);
            }
            Leaf::Qp(_, mut body) => body.finish(out),
        }
    }

    /// All of a body is here: chooses how it leaves.
    fn decide(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        let encoding = self.draft.encoding();
        let is_text = self.draft.charset().is_some();
        if let Some(label) = self.draft.charset() {
            let mut decoded = Vec::new();
            let decoded = match encoding.is_identity() {
                true => raw,
                false => {
                    let mut decoder = Decoder::new(&encoding);
                    decoder.decode(raw, &mut decoded);
                    decoder.finish(&mut decoded);
                    &decoded
                }
            };
            let utf7 = Charset::for_label(label.as_bytes()).is_some_and(|c| c.is_utf7());
            if let Some((text, lossy)) = charset::decode(label.as_bytes(), decoded)
                && (lossy || utf7)
            {
                let text = text.into_owned();
                self.draft.write(Shape::Text, &self.limits, out);
                self.body = Leaf::Qp(Crlf::default(), EncodeQuotedPrintable::text());
                return self.data(text.as_bytes(), out);
            }
        }
        let (shape, body) = match &encoding {
            TransferEncoding::Base64 => (label(&encoding), Leaf::MendBase64(MendBase64::new())),
            TransferEncoding::QuotedPrintable => (label(&encoding), Leaf::MendQp(MendQp::new())),
            TransferEncoding::Uuencode => (
                "base64",
                Leaf::Base64(Decoder::new(&encoding), EncodeBase64::new()),
            ),
            _ => match as_is(&encoding, raw) {
                Some(shape) => (shape, Leaf::AsIs(Crlf::default())),
                None if is_text => (
                    "quoted-printable",
                    Leaf::Qp(Crlf::default(), EncodeQuotedPrintable::text()),
                ),
                None => (
                    "base64",
                    Leaf::Base64(Decoder::Identity, EncodeBase64::new()),
                ),
            },
        };
        self.draft.write(Shape::Leaf(shape), &self.limits, out);
        self.body = body;
        self.data(raw, out);
    }
}

/// The label with which a body can leave as it is.
fn as_is(encoding: &TransferEncoding, raw: &[u8]) -> Option<&'static str> {
    let ascii = raw.is_ascii();
    let label = match encoding {
        TransferEncoding::EightBit => "8bit",
        _ if ascii => "7bit",
        _ => return None,
    };
    let bare_cr = memchr::memchr_iter(b'\r', raw).any(|cr| raw.get(cr + 1) != Some(&b'\n'));
    if memchr(0, raw).is_some() || bare_cr {
        return None;
    }
    let long = raw.split(|b| *b == b'\n').any(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.len() as u64 > LINE
    });
    let looks_like_ours = raw.starts_with(MARK)
        || memmem::find_iter(raw, MARK)
            .any(|at| at.checked_sub(1).and_then(|i| raw.get(i)) == Some(&b'\n'));
    (!long && !looks_like_ours).then_some(label)
}

fn label(encoding: &TransferEncoding) -> &'static str {
    match encoding {
        TransferEncoding::Base64 => "base64",
        _ => "quoted-printable",
    }
}

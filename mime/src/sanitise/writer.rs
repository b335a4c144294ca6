//! The message on its way out: what to do at each event of the reader.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use memchr::{memchr, memmem};

use super::body::{Crlf, Mend};
use super::header::{Draft, Shape};
use super::rest::Rest;
use crate::inspect::LINE;
use crate::value::charset;
use crate::{
    Body, Charset, Content, Decoder, DefectClass, DefectKind, DefectSet, Delimiter,
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
    /// What was told last is that there are too many parts: the next one is the rest.
    too_many: bool,
    /// The entity in hand is that.
    is_rest: bool,
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
    /// Nothing is decided: not encoded, so many of its line ends are a bare LF.
    Held {
        raw: Vec<u8>,
        bare: usize,
    },
    /// Encoded text of which the charset is to be looked at, as it would leave.
    Text(Mend, Vec<u8>),
    AsIs(Crlf),
    Mend(Mend),
    /// Text, its lines with CRLF.
    Qp(Crlf, EncodeQuotedPrintable),
    Rest(Rest),
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
            too_many: false,
            is_rest: false,
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
                self.is_rest = self.too_many;
            }
            Event::Header(field) => self.draft.field(field, kinds, &self.limits),
            Event::Defect(defect) => {
                self.draft.defect(defect.kind);
                self.limited |= defect.kind.class() == DefectClass::Limit;
                self.too_many = defect.kind == DefectKind::TooManyParts;
            }
            Event::BodyStart(_) if self.is_rest => {
                self.open.push(Open::Leaf);
                self.start_rest(out);
            }
            Event::BodyStart(start) => {
                self.too_many = false;
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
                    put_close(number, out);
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

    /// The rest of the message is behind this.
    fn start_rest(&mut self, out: &mut Vec<u8>) {
        let mut close = Vec::new();
        for open in self.open.iter().rev() {
            if let Open::Multipart(number) = open {
                put_close(*number, &mut close);
            }
        }
        close.extend_from_slice(b"\r\n");
        self.closed = false;
        self.body = Leaf::Rest(Rest::new(close, out));
    }

    fn start_leaf(&mut self, opaque: bool, out: &mut Vec<u8>) {
        self.closed = false;
        // Nobody would see what is in a multipart without a boundary.
        let lone = opaque && !self.limited && self.draft.is_multipart();
        if lone {
            self.draft.becomes_text();
        }
        let encoding = self.draft.encoding();
        let charset = self.draft.charset();
        let is_text = charset.is_some();
        let unknown = charset.is_some_and(|c| charset::decode(c.as_bytes(), b"").is_none());
        if (opaque && !lone) || unknown {
            // What cannot be taken apart holds what it does as it is.
            self.draft.write(Shape::Opaque, &self.limits, out);
            self.body = Leaf::Mend(Mend::anew(&encoding));
            return;
        }
        self.body = match encoding {
            TransferEncoding::Base64
            | TransferEncoding::QuotedPrintable
            | TransferEncoding::Uuencode => Leaf::Text(Mend::new(&encoding), Vec::new()),
            _ => Leaf::Held {
                raw: Vec::new(),
                bare: 0,
            },
        };
        if !is_text {
            self.leave_as_it_is(out);
        }
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
            Leaf::Text(body, mended) => {
                // What is written is what is measured, for the same reason.
                body.write(data, mended);
                if mended.len() > self.hold {
                    self.leave_as_it_is(out);
                }
            }
            Leaf::AsIs(body) => body.write(data, out),
            Leaf::Mend(body) => body.write(data, out),
            Leaf::Qp(crlf, body) => {
                let mut lines = Vec::new();
                crlf.write(data, &mut lines);
                body.encode(&lines, out);
            }
            Leaf::Rest(rest) => rest.write(data, out),
        }
    }

    /// Nobody looks at the charset of what is encoded.
    fn leave_as_it_is(&mut self, out: &mut Vec<u8>) {
        match core::mem::replace(&mut self.body, Leaf::None) {
            Leaf::Text(body, mended) => {
                let shape = Shape::Leaf(body.writes().as_str());
                self.draft.write(shape, &self.limits, out);
                out.extend_from_slice(&mended);
                self.body = Leaf::Mend(body);
            }
            other => self.body = other,
        }
    }

    /// Too much to be held: it leaves in a form that can carry whatever comes.
    fn overflow(&mut self, out: &mut Vec<u8>) {
        let Leaf::Held { raw, .. } = core::mem::replace(&mut self.body, Leaf::None) else {
            return;
        };
        let (shape, body) = self.encoded();
        self.draft.write(shape, &self.limits, out);
        self.body = body;
        self.data(&raw, out);
    }

    /// The form in which a body that is not encoded can carry whatever comes.
    fn encoded(&self) -> (Shape, Leaf) {
        match self.draft.charset() {
            Some(_) => (
                Shape::Leaf("quoted-printable"),
                Leaf::Qp(Crlf::default(), EncodeQuotedPrintable::text()),
            ),
            None => {
                let body = Mend::new(&TransferEncoding::Binary);
                (Shape::Leaf(body.writes().as_str()), Leaf::Mend(body))
            }
        }
    }

    fn end_leaf(&mut self, out: &mut Vec<u8>) {
        match core::mem::replace(&mut self.body, Leaf::None) {
            Leaf::Held { raw, .. } => self.decide(&raw, out),
            Leaf::Text(mut body, mut mended) => {
                body.finish(&mut mended);
                self.decide_encoded(&body, &mended, out);
            }
            other => self.body = other,
        }
        match core::mem::replace(&mut self.body, Leaf::None) {
            Leaf::None | Leaf::Held { .. } | Leaf::Text(..) | Leaf::AsIs(_) => {}
            Leaf::Mend(mut body) => body.finish(out),
            Leaf::Qp(_, mut body) => body.finish(out),
            Leaf::Rest(mut rest) => rest.finish(out),
        }
    }

    /// All of a body that is not encoded is here: chooses how it leaves.
    fn decide(&mut self, raw: &[u8], out: &mut Vec<u8>) {
        if self.anew_in_utf8(raw, out) {
            return;
        }
        let (shape, body) = match as_is(&self.draft.encoding(), raw) {
            Some(shape) => (Shape::Leaf(shape), Leaf::AsIs(Crlf::default())),
            None => self.encoded(),
        };
        self.draft.write(shape, &self.limits, out);
        self.body = body;
        self.data(raw, out);
    }

    /// The same of encoded text, which `mended` is as it can leave.
    fn decide_encoded(&mut self, body: &Mend, mended: &[u8], out: &mut Vec<u8>) {
        if mended.len() <= self.hold {
            let mut decoder = Decoder::new(body.writes());
            let mut decoded = Vec::new();
            decoder.decode(mended, &mut decoded);
            decoder.finish(&mut decoded);
            if self.anew_in_utf8(&decoded, out) {
                return;
            }
        }
        let shape = Shape::Leaf(body.writes().as_str());
        self.draft.write(shape, &self.limits, out);
        out.extend_from_slice(mended);
    }

    /// Writes text in UTF-8 if its bytes are not of its charset, that is UTF-7, or there are
    /// no lines in it that could get CRLF.
    fn anew_in_utf8(&mut self, decoded: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(label) = self.draft.charset() else {
            return false;
        };
        let charset = Charset::for_label(label.as_bytes());
        let plain = self.draft.encoding().is_identity();
        let odd = charset.is_some_and(|c| c.is_utf7() || plain && !c.has_lines());
        match charset::decode(label.as_bytes(), decoded) {
            Some((text, lossy)) if lossy || odd => {
                let text = text.into_owned();
                self.draft.write(Shape::Text, &self.limits, out);
                self.body = Leaf::Qp(Crlf::default(), EncodeQuotedPrintable::text());
                self.data(text.as_bytes(), out);
                true
            }
            _ => false,
        }
    }
}

fn put_close(number: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n--");
    out.extend_from_slice(boundary(number).as_bytes());
    out.extend_from_slice(b"--");
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

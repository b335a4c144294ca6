//! All that is wrong with a message, found as it passes: a consumer of the reader's
//! events that reads header values, decodes bodies and checks charsets on the way.
//!
//! What is held is one field, what the header in hand says about its body, the state
//! of one decoder, and a few bytes for each open entity. Time is linear.

mod body;
mod flowed;
mod header;
mod looks;
mod mime_field;
mod uuencoded;

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, BinaryHeap};
use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

pub(crate) use body::LINE;
pub(crate) use header::of_mime_field;
pub(crate) use mime_field::is_token;

use crate::{
    BodyStart, Content, Defect, DefectKind, DefectSet, Event, Limits, Parent, PartStart, Place,
    Reader, TransferEncoding,
};
use body::{BodyCheck, Leaf};
use header::HeaderCheck;

/// Finds all defects of a message as it streams: those of its structure, of header
/// values, and of encodings and charsets.
///
/// What comes does not depend on how the message was cut; only which of several
/// refused defects in one body is named first may. At most [`Limits::defects`] are
/// kept, the others are counted.
///
/// ```
/// use scop_mime::{DefectKind, DefectSet, Inspector, Limits};
///
/// let mut inspector = Inspector::new(Limits::default());
/// inspector.write(b"Date: today\r\nFrom: a@b.test\r\n")?;
/// inspector.write(b"Subject : hi\r\n\r\n")?;
/// let report = inspector.finish()?;
/// let found: Vec<String> = report.defects().iter().map(|d| d.to_string()).collect();
/// assert_eq!(found, ["bad-date at byte 5", "space-before-colon at byte 36"]);
///
/// // A set may be refused, as soon as one of it shows.
/// let mut inspector = Inspector::new(Limits::default()).refusing(DefectSet::ambiguous());
/// inspector.write(b"Subject : hi\r\n")?; // the next line may go on with it
/// let refused = inspector.write(b"\r\n").unwrap_err();
/// assert_eq!(refused.defect.kind, DefectKind::SpaceBeforeColon);
/// # Ok::<(), scop_mime::Refused>(())
/// ```
#[derive(Debug)]
pub struct Inspector {
    reader: Reader,
    inspection: Inspection,
    log: Log,
}

impl Inspector {
    /// An inspector at the start of a message. It refuses nothing.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Inspector {
            log: Log::new(DefectSet::none(), limits.defects),
            inspection: Inspection::new(limits.clone()),
            reader: Reader::new(limits),
        }
    }

    /// The same, but what is in `set` is an error.
    #[must_use]
    pub fn refusing(mut self, set: DefectSet) -> Self {
        self.log.refuse = set;
        self
    }

    /// The next bytes of the message.
    ///
    /// # Errors
    ///
    /// [`Refused`] as soon as a defect of the refused set shows; every later call
    /// gives it again.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), Refused> {
        let mut input = chunk;
        self.log.check()?;
        while let Some(event) = self.reader.read(&mut input) {
            let log = &mut self.log;
            self.inspection.take(&event, &mut |defect| log.add(defect));
            self.log.check()?;
        }
        Ok(())
    }

    /// The message is over.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn finish(mut self) -> Result<Report, Refused> {
        self.reader.finish();
        self.write(&[])?;
        Ok(self.log.report())
    }
}

/// The defects of a message that is whole in memory.
pub(crate) fn inspect(message: &[u8], limits: &Limits) -> Report {
    let mut inspector = Inspector::new(limits.clone());
    // It refuses nothing.
    let _ = inspector.write(message);
    inspector.finish().unwrap_or_default()
}

/// A message was refused for a defect.
///
/// ```
/// use scop_mime::{Limits, Policy};
///
/// let twice = b"Subject: a\r\nSubject: b\r\n\r\n";
/// let refused = Policy::strict().apply(twice, &Limits::default()).unwrap_err();
/// assert_eq!(refused.to_string(), "duplicate-field at byte 12: A field that may come once \
///     came again: the first counts. (ambiguity, RFC 5322 3.6): refuse it, or sanitise it \
///     before anybody else reads it");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{defect}: {} ({}, {}): {}", defect.kind.summary(), defect.kind.class(), defect.kind.rule(), defect.kind.class().advice())]
pub struct Refused {
    /// What, and where.
    pub defect: Defect,
}

/// The defects of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    defects: Vec<Defect>,
    more: u64,
    kinds: DefectSet,
}

impl Report {
    /// The defects by offset; of very many those of the lowest
    /// ([`Limits::defects`]).
    #[must_use]
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// How many there are beyond those.
    #[must_use]
    pub fn more(&self) -> u64 {
        self.more
    }

    /// The kinds of all of them.
    #[must_use]
    pub fn kinds(&self) -> DefectSet {
        self.kinds
    }

    pub(crate) fn into_defects(self) -> Vec<Defect> {
        self.defects
    }
}

/// Defects as they are found.
#[derive(Debug)]
pub(crate) struct Log {
    refuse: DefectSet,
    refused: Option<Refused>,
    limit: usize,
    /// Those of the lowest offsets: the order in which they are found says nothing.
    kept: BinaryHeap<Defect>,
    more: u64,
    kinds: DefectSet,
    /// The last ones: the same may be found by the reader and by who reads the value.
    recent: [Option<Defect>; 8],
}

impl Log {
    pub(crate) fn new(refuse: DefectSet, limit: usize) -> Self {
        Log {
            refuse,
            refused: None,
            limit,
            kept: BinaryHeap::new(),
            more: 0,
            kinds: DefectSet::none(),
            recent: [None; 8],
        }
    }

    pub(crate) fn refuse(&mut self, set: DefectSet) {
        self.refuse = set;
    }

    pub(crate) fn add(&mut self, defect: Defect) {
        if self.refused.is_none() && self.refuse.contains(defect.kind) {
            self.refused = Some(Refused { defect });
        }
        self.kinds = self.kinds.with(defect.kind);
        if self.recent.contains(&Some(defect)) {
            return;
        }
        self.recent.rotate_right(1);
        let [first, ..] = &mut self.recent;
        *first = Some(defect);
        self.kept.push(defect);
        if self.kept.len() > self.limit {
            self.kept.pop();
            self.more += 1;
        }
    }

    pub(crate) fn check(&self) -> Result<(), Refused> {
        self.refused.map_or(Ok(()), Err)
    }

    pub(crate) fn report(self) -> Report {
        Report {
            defects: self.kept.into_sorted_vec(),
            more: self.more,
            kinds: self.kinds,
        }
    }
}

/// The checks, fed by events.
#[derive(Debug)]
pub(crate) struct Inspection {
    limits: Limits,
    open: Vec<OpenEntity>,
    header: HeaderCheck,
    body: Option<BodyCheck>,
    content_ids: ContentIds,
}

#[derive(Debug)]
struct OpenEntity {
    digest: bool,
    /// It, or something around it, says that all in it is 7bit.
    seven_bit: bool,
    encoding: TransferEncoding,
    /// Which message it is of.
    message: u32,
    /// Text outside of its parts was told, before them and behind them.
    told: [bool; 2],
    /// What is outside of its parts.
    outside: Option<Box<BodyCheck>>,
}

/// The Content-IDs so far, each with the message that it is in.
#[derive(Debug, Default)]
struct ContentIds {
    seen: BTreeSet<(u32, String)>,
    bytes: usize,
    messages: u32,
}

impl ContentIds {
    /// Many parts have none; of very many that do the last are not remembered.
    const BYTES: usize = 64 << 10;

    /// Whether the message had it before.
    fn again(&mut self, message: u32, id: &str) -> bool {
        let key = (message, String::from(id));
        if self.bytes + id.len() > Self::BYTES {
            return self.seen.contains(&key);
        }
        let new = self.seen.insert(key);
        self.bytes += if new { id.len() + 64 } else { 0 };
        !new
    }
}

impl Inspection {
    pub(crate) fn new(limits: Limits) -> Self {
        Inspection {
            limits,
            open: Vec::new(),
            header: HeaderCheck::default(),
            body: None,
            content_ids: ContentIds::default(),
        }
    }

    pub(crate) fn take(&mut self, event: &Event<'_>, note: &mut dyn FnMut(Defect)) {
        match event {
            Event::PartStart(start) => self.start(start),
            Event::Header(field) => self.header.field(field, &self.limits, note),
            Event::BodyStart(start) => self.body_start(start, note),
            Event::Body(body) => match (body.place, &mut self.body) {
                (Place::Leaf, Some(check)) => check.write(body.data, body.offset, note),
                (Place::Leaf, None) => {}
                (Place::Preamble, _) => self.outside(0, body.data, body.offset, note),
                (Place::Epilogue, _) => self.outside(1, body.data, body.offset, note),
            },
            Event::PartEnd(_) => {
                if let Some(check) = self.body.take() {
                    check.finish(note);
                }
                self.end_outside(note);
                self.open.pop();
            }
            Event::Defect(defect) if self.header.knows(defect.kind) => {}
            Event::Defect(defect) => note(*defect),
            Event::Delimiter(_) => self.end_outside(note),
            Event::End(_) => {}
        }
    }

    fn body_start(&mut self, start: &BodyStart, note: &mut dyn FnMut(Defect)) {
        self.header.finish(note);
        let encoding = self.header.encoding();
        let outer = self.open.last();
        // A message within begins another set of ids.
        let message = match outer {
            Some(outer) if !self.header.is_message() => outer.message,
            _ => {
                self.content_ids.messages += 1;
                self.content_ids.messages
            }
        };
        let (outer_seven_bit, nested) = (outer.is_some_and(|o| o.seven_bit), outer.is_some());
        if let Some((at, id)) = self.header.content_id()
            && self.content_ids.again(message, id)
        {
            note(Defect::new(DefectKind::DuplicateContentId, at));
        }
        self.open.push(OpenEntity {
            digest: self.header.is_digest(),
            seven_bit: outer_seven_bit || encoding == TransferEncoding::SevenBit,
            encoding: encoding.clone(),
            message,
            told: [false; 2],
            outside: None,
        });
        if start.content != Content::Leaf {
            return;
        }
        if self.header.is_encoding_forbidden() {
            note(Defect::new(DefectKind::ForbiddenEncoding, start.offset));
        }
        let leaf = Leaf {
            charset: self.header.charset().filter(|_| !start.opaque),
            understated: nested && outer_seven_bit,
            flowed: self.header.is_flowed(),
            external: self.header.essence() == "message/external-body",
        };
        self.body = Some(BodyCheck::new(start.offset, encoding, leaf, note));
    }

    fn start(&mut self, start: &PartStart) {
        let in_digest =
            start.parent == Parent::Multipart && self.open.last().is_some_and(|open| open.digest);
        self.header = HeaderCheck::new(start.offset, start.parent, in_digest);
    }

    /// Bytes of a multipart that are in none of its parts.
    fn outside(&mut self, which: usize, data: &[u8], offset: u64, note: &mut dyn FnMut(Defect)) {
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let encoding = match open.encoding {
            TransferEncoding::EightBit | TransferEncoding::Binary => TransferEncoding::EightBit,
            _ => TransferEncoding::SevenBit,
        };
        let check = open.outside.get_or_insert_with(|| {
            let leaf = Leaf::default();
            Box::new(BodyCheck::new(offset, encoding, leaf, note))
        });
        check.write(data, offset, note);
        let Some(told) = open.told.get_mut(which) else {
            return;
        };
        if *told {
            return;
        }
        if let Some(at) = data.iter().position(|b| !b.is_ascii_whitespace()) {
            *told = true;
            let kind = match which {
                0 => DefectKind::PreambleContent,
                _ => DefectKind::EpilogueContent,
            };
            note(Defect::new(kind, offset + at as u64));
        }
    }

    /// What was outside of the parts of the innermost entity is over.
    fn end_outside(&mut self, note: &mut dyn FnMut(Defect)) {
        if let Some(check) = self.open.last_mut().and_then(|o| o.outside.take()) {
            check.finish(note);
        }
    }
}

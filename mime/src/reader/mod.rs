//! The reader: bytes in, in any chunks, events out (RFC 5322 2, RFC 2045, RFC
//! 2046 5.1 and 5.2.1). Everything else that reads messages here is fed by it.
//!
//! ```text
//!             +----------- a message within ------------+
//!             v                                         |
//! start --> Head --- empty line, or none possible ---> (body)
//!             ^                                         |
//!             |                   +---------------------+--- no boundary open
//!             |                   v                                    |
//!             |     +---------> Line --- no delimiter --> Text         v
//!             |     |             | delimiter               |        Rest
//!             |     |             v                         |          |
//!             +-----|---------- Delimiter                   |          |
//!         opens a part| closes    |                         |          |
//!                   +-------------+                         |          |
//!                   +----------- line end --- --------------+          |
//!                                                                      v
//!              end of input, in any state: open entities end -------> Done
//! ```
//!
//! A line end before a delimiter belongs to the delimiter, so `Line` holds the
//! last line end back until the line behind it is known; what it holds besides is
//! at most one line of 1000 bytes, in `Head` one field.

mod body;
mod event;
mod head;
mod mark;
mod open;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

pub use event::{
    Body, BodyStart, Content, Delimiter, Event, FieldAt, HeaderField, Parent, PartEnd, PartStart,
    Place,
};
pub use mark::Size;

use crate::{Defect, DefectKind, Limits};
use head::Head;
use mark::Mark;
use open::{Found, Kind, Open, Stack, Stage, Suspect};

/// Turns the bytes of a message into [`Event`]s, with offsets.
///
/// Memory does not grow with the message: one field (100 KiB by default), one
/// line of a thousand bytes, and the boundaries of what is open. Time is linear.
/// Events do not depend on how the bytes were cut, but for the cuts of
/// [`Event::Body`] and [`Event::Delimiter`].
///
/// All bytes are accounted for: fields, the empty line between
/// [`BodyStart::header_end`] and [`BodyStart::offset`], bodies and delimiters
/// follow each other without a gap.
///
/// ```
/// use scop_mime::{Event, Limits, Reader};
///
/// let mut reader = Reader::new(Limits::default());
/// let mut body = Vec::new();
/// for mut chunk in [&b"Subject: hi\r"[..], b"\n\r\nHel", b"lo\r\n"] {
///     while let Some(event) = reader.read(&mut chunk) {
///         if let Event::Body(part) = event {
///             body.extend_from_slice(part.data);
///         }
///     }
/// }
/// reader.finish();
/// while let Some(event) = reader.read(&mut &[][..]) {
///     if let Event::End(size) = event {
///         assert_eq!(size.octets, 22);
///     }
/// }
/// assert_eq!(body, b"Hello\r\n");
/// ```
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    stack: Stack,
    state: State,
    head: Head,
    /// Behind everything that was given out.
    mark: Mark,
    parts: u32,
    /// Bytes that were taken and not given out yet.
    carry: Vec<u8>,
    /// They are out now.
    carry_given: bool,
    /// Events without bytes, due before anything else.
    queue: VecDeque<Event<'static>>,
    finished: bool,
    /// The line end held back in [`State::Line`] is behind a close delimiter.
    eol_separates: bool,
    /// Where line ends of both kinds had been seen.
    mixed_at: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Head,
    /// At the start of a line of a body, behind the line end that is held back.
    Line(Eol),
    /// In a line of a body; a CR at the end of a chunk is held back.
    Text {
        cr: bool,
    },
    /// The bytes of `carry` are body; then goes on as it says.
    Release(Resume),
    /// On a delimiter line, whose held line end comes first.
    Delimiter(Eol),
    /// The same of a close delimiter; a CR at the end of a chunk is held back.
    Close {
        eol: Eol,
        cr: bool,
    },
    /// No boundary is looked for any more.
    Rest,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resume {
    Line(Eol),
    Text { cr: bool },
}

/// A line end held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Eol {
    None,
    Lf,
    Crlf,
}

impl Eol {
    fn bytes(self) -> &'static [u8] {
        match self {
            Eol::None => b"",
            Eol::Lf => b"\n",
            Eol::Crlf => b"\r\n",
        }
    }
}

/// What to do next; the bytes are looked up by [`Reader::read`].
enum Step {
    Again,
    NeedInput,
    /// Take `consume` bytes of the input and show `show` of them.
    Input {
        show: usize,
        consume: usize,
        what: What,
    },
    /// Show what is in `carry`.
    Carry(What),
    Fixed(&'static [u8], What),
}

#[derive(Clone, Copy)]
enum What {
    Field(FieldAt),
    Body(Place, u64),
    Delimiter(u64),
}

impl What {
    fn event(self, data: &[u8]) -> Event<'_> {
        match self {
            What::Field(at) => Event::Header(HeaderField { raw: data, at }),
            What::Body(place, offset) => Event::Body(Body {
                data,
                offset,
                place,
            }),
            What::Delimiter(offset) => Event::Delimiter(Delimiter { data, offset }),
        }
    }
}

impl Reader {
    /// A reader at the start of a message.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Reader {
            limits,
            stack: Stack::default(),
            state: State::Start,
            head: Head::default(),
            mark: Mark::default(),
            parts: 0,
            carry: Vec::new(),
            carry_given: false,
            queue: VecDeque::new(),
            finished: false,
            eol_separates: false,
            mixed_at: None,
        }
    }

    /// The next event, with bytes taken off the front of `input` for it.
    ///
    /// `None` when `input` is used up: call again with the next chunk, or after
    /// [`finish`](Self::finish). After [`Event::End`] it is always `None`, and
    /// input is left alone.
    pub fn read<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Option<Event<'s>> {
        if self.carry_given {
            self.carry.clear();
            self.carry_given = false;
        }
        let step = loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            match self.step(input) {
                Step::Again => {}
                step => break step,
            }
        };
        match step {
            Step::Again | Step::NeedInput => None,
            Step::Input {
                show,
                consume,
                what,
            } => {
                let taken = take(input, consume);
                Some(what.event(taken.get(..show).unwrap_or(taken)))
            }
            Step::Carry(what) => {
                self.carry_given = true;
                Some(what.event(&self.carry))
            }
            Step::Fixed(bytes, what) => Some(what.event(bytes)),
        }
    }

    /// No more bytes will come: what is held back is decided, then everything
    /// that is open ends. Go on with [`read`](Self::read) and an empty input.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The message is over and [`Event::End`] was given out.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done && self.queue.is_empty()
    }

    fn step(&mut self, input: &mut &[u8]) -> Step {
        match self.state {
            State::Start => {
                self.start_part(Parent::Root, false);
                Step::Again
            }
            State::Head => self.head(input),
            State::Line(eol) => self.line(eol, input),
            State::Text { cr } => self.text(cr, input),
            State::Release(resume) => {
                self.state = match resume {
                    Resume::Line(eol) => State::Line(eol),
                    Resume::Text { cr } => State::Text { cr },
                };
                self.give_carry_as_body()
            }
            State::Delimiter(eol) => self.delimiter(eol, input),
            State::Close { eol, cr } => self.close(eol, cr, input),
            State::Rest => self.rest(input),
            State::Done => Step::NeedInput,
        }
    }

    fn start_part(&mut self, parent: Parent, default_message: bool) {
        self.parts += 1;
        self.queue.push_back(Event::PartStart(PartStart {
            offset: self.mark.offset,
            parent,
        }));
        self.head = Head::new(self.mark, default_message);
        self.state = State::Head;
    }

    fn open(&mut self, kind: Kind) {
        let body = self.mark;
        self.stack.push(Open { body, kind });
    }

    /// Ends open entities until `length` are left.
    fn close_to(&mut self, length: usize) {
        while self.stack.len() > length {
            let Some(open) = self.stack.pop() else { return };
            let offset = self.mark.offset;
            if let Kind::Multipart { stage, .. } = open.kind {
                if stage == Stage::Preamble {
                    self.defect(DefectKind::EmptyMultipart, offset);
                }
                if stage != Stage::Epilogue {
                    self.defect(DefectKind::MissingCloseDelimiter, offset);
                }
            }
            let size = self.mark.since(&open.body);
            self.queue
                .push_back(Event::PartEnd(PartEnd { offset, size }));
        }
    }

    fn end(&mut self) -> Step {
        self.close_to(0);
        if let Some(offset) = self.mixed_at {
            self.defect(DefectKind::MixedLineEnds, offset);
        }
        let size = self.mark.since(&Mark::default());
        self.queue.push_back(Event::End(size));
        self.state = State::Done;
        Step::Again
    }

    fn defect(&mut self, kind: DefectKind, offset: u64) {
        self.queue
            .push_back(Event::Defect(Defect::new(kind, offset)));
    }

    fn suspect(&mut self, found: Found, offset: u64) {
        let kind = match found {
            Found::Suspect(Suspect::Near) => DefectKind::NearDelimiter,
            Found::Suspect(Suspect::AfterClose) => DefectKind::DelimiterAfterClose,
            Found::Line | Found::Delimiter { .. } => return,
        };
        self.defect(kind, offset);
    }

    fn give_eol(&mut self, eol: Eol) -> Step {
        let separates = core::mem::take(&mut self.eol_separates);
        match eol {
            Eol::None => Step::Again,
            _ if separates => {
                let what = What::Delimiter(self.mark.offset);
                self.pass(eol.bytes());
                Step::Fixed(eol.bytes(), what)
            }
            _ => self.fixed_body(eol.bytes()),
        }
    }

    fn fixed_body(&mut self, bytes: &'static [u8]) -> Step {
        let what = What::Body(self.stack.place(), self.mark.offset);
        self.pass(bytes);
        Step::Fixed(bytes, what)
    }

    fn give_carry_as_body(&mut self) -> Step {
        if self.carry.is_empty() {
            return Step::Again;
        }
        let what = What::Body(self.stack.place(), self.mark.offset);
        self.pass_carry();
        Step::Carry(what)
    }

    fn pass_carry(&mut self) {
        let carry = core::mem::take(&mut self.carry);
        self.pass(&carry);
        self.carry = carry;
    }

    /// Takes a line end, or what may be half of one, off the end of `carry`.
    fn strip_carry(&mut self) -> Resume {
        let (resume, end) = match self.carry.as_slice() {
            [.., b'\r', b'\n'] => (Resume::Line(Eol::Crlf), 2),
            [.., b'\n'] => (Resume::Line(Eol::Lf), 1),
            [.., b'\r'] => (Resume::Text { cr: true }, 1),
            _ => (Resume::Text { cr: false }, 0),
        };
        self.carry.truncate(self.carry.len() - end);
        resume
    }

    fn pass(&mut self, bytes: &[u8]) {
        let before = self.mark;
        self.mark.pass(bytes);
        self.note_mixed(before, bytes);
    }

    fn note_mixed(&mut self, before: Mark, bytes: &[u8]) {
        if self.mixed_at.is_none() && self.mark.is_mixed() {
            self.mixed_at = before.first_mixed(bytes);
        }
    }
}

/// Takes `n` bytes off the front, or all there are.
fn take<'i>(input: &mut &'i [u8], n: usize) -> &'i [u8] {
    let (taken, rest) = input.split_at(n.min(input.len()));
    *input = rest;
    taken
}

#[cfg(test)]
mod tests;

//! The reader: bytes in, in any chunks, events out (RFC 5322 2, RFC 2045, RFC
//! 2046 5.1 and 5.2.1). Everything else that reads messages here is fed by it.
//!
//! ```text
//!             +----------- a message within ------------+
//!             v                                         |
//! start --> Head --- empty line, or none possible ---> (body)
//!             ^                                         |
//!             |                     +-------------------+--- no boundary open
//!             |                     v                                 |
//!             |     +----------- Body                                 v
//!             |     |            ^  | a delimiter                   Rest
//!             |     | a close    |  v                                 |
//!             |     | delimiter  |  Delimiter --- opens a part --+    |
//!             |     +-> Close ---+                               |    |
//!             +--------------------------------------------------+    |
//!                                                                     v
//!             end of input, in any state: open entities end -------> Done
//! ```
//!
//! A line end before a delimiter belongs to the delimiter. What the bytes that are
//! there do not settle waits in `carry`: in `Head` one field, in `Body` a line end and
//! at most a thousand bytes of a line.

mod body;
mod event;
mod head;
mod mark;
mod mode;
mod name;
mod open;

use alloc::vec::Vec;

pub use event::{
    Body, BodyStart, Content, Delimiter, End, Event, FieldAt, HeaderField, Parent, PartEnd,
    PartStart, Place,
};
pub use mark::Size;
pub use mode::Mode;
pub(crate) use name::Known;

use crate::{Defect, DefectKind, Limits};
use head::Head;
use mark::Mark;
use open::{Stack, Stage, Suspect};

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
///     if let Event::End(end) = event {
///         assert_eq!(end.octets, 22);
///     }
/// }
/// assert_eq!(body, b"Hello\r\n");
/// ```
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    mode: Mode,
    /// Line ends are counted.
    counts: bool,
    stack: Stack,
    state: State,
    head: Head,
    /// Behind everything that was given out.
    mark: Mark,
    parts: u32,
    /// Bytes that were taken and not given out yet.
    carry: Vec<u8>,
    /// So many of them are out now.
    given: usize,
    /// Events without bytes, due before anything else from `due` on.
    queue: Vec<Event<'static>>,
    due: usize,
    finished: bool,
    /// In [`State::Body`]: a line begins here, with no line end before it to give out.
    at_line: bool,
    /// In [`State::Body`]: the line end here is behind a close delimiter.
    after_close: bool,
    /// Where line ends of both kinds had been seen.
    mixed_at: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Head,
    Body,
    /// On a delimiter line, with so many bytes of the line end before it.
    Delimiter {
        eol: usize,
    },
    /// The same of a close delimiter.
    Close {
        eol: usize,
    },
    /// No boundary is looked for any more.
    Rest,
    Done,
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
    /// Show so many bytes of `carry`.
    Carry(usize, What),
}

#[derive(Clone, Copy)]
enum What {
    Field(FieldAt, Option<Known>),
    Body(Place, u64),
    Delimiter(u64),
}

impl What {
    fn event(self, data: &[u8]) -> Event<'_> {
        match self {
            What::Field(at, known) => Event::Header(HeaderField {
                raw: data,
                at,
                known,
            }),
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
    /// A reader at the start of a message, in [`Mode::Recurse`].
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Reader {
            limits,
            mode: Mode::Recurse,
            counts: true,
            stack: Stack::default(),
            state: State::Start,
            head: Head::default(),
            mark: Mark::default(),
            parts: 0,
            carry: Vec::new(),
            given: 0,
            queue: Vec::with_capacity(8),
            due: 0,
            finished: false,
            at_line: false,
            after_close: false,
            mixed_at: None,
        }
    }

    /// The same in another mode. To be called before the first byte is read.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self.counts &= !mode.is_raw();
        self
    }

    /// The same without counting line ends, which takes about as long as everything
    /// else where bodies are large: [`PartEnd::counted`] and [`End::counted`] are
    /// `None`, and [`DefectKind::MixedLineEnds`] is not told. To be called before the
    /// first byte is read.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.counts = false;
        self
    }

    /// The next event, with bytes taken off the front of `input` for it.
    ///
    /// `None` when `input` is used up: call again with the next chunk, or after
    /// [`finish`](Self::finish). After [`Event::End`] it is always `None`, and
    /// input is left alone.
    #[inline]
    pub fn read<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Option<Event<'s>> {
        if self.given > 0 {
            self.carry.drain(..self.given);
            self.given = 0;
        }
        loop {
            if let Some(event) = self.queue.get(self.due) {
                self.due += 1;
                return Some(*event);
            }
            if self.due > 0 {
                self.queue.clear();
                self.due = 0;
            }
            match self.step(input) {
                Step::Again => {}
                Step::NeedInput => return None,
                Step::Input {
                    show,
                    consume,
                    what,
                } => {
                    let taken = take(input, consume);
                    return Some(what.event(taken.get(..show).unwrap_or(taken)));
                }
                Step::Carry(show, what) => {
                    self.given = show;
                    return Some(what.event(self.carry.get(..show).unwrap_or_default()));
                }
            }
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
        self.state == State::Done && self.due == self.queue.len()
    }

    fn step(&mut self, input: &mut &[u8]) -> Step {
        match self.state {
            State::Start => {
                self.start_part(Parent::Root, false);
                Step::Again
            }
            State::Head => self.head(input),
            State::Body => self.body(input),
            State::Delimiter { eol } => self.delimiter(eol, input),
            State::Close { eol } => self.close(eol, input),
            State::Rest => self.rest(input),
            State::Done => Step::NeedInput,
        }
    }

    fn start_part(&mut self, parent: Parent, default_message: bool) {
        self.parts += 1;
        self.queue(Event::PartStart(PartStart {
            offset: self.mark.offset,
            parent,
        }));
        self.head.begin(self.mark, parent, default_message);
        self.state = State::Head;
    }

    /// Ends open entities until `length` are left.
    fn close_to(&mut self, length: usize) {
        while self.stack.len() > length
            && let Some((body, stage)) = self.stack.pop()
        {
            let offset = self.mark.offset;
            if stage == Some(Stage::Preamble) {
                self.defect(DefectKind::EmptyMultipart, offset);
            }
            if stage.is_some_and(|s| s != Stage::Epilogue) {
                self.defect(DefectKind::MissingCloseDelimiter, offset);
            }
            let size = self.mark.since(&body);
            self.queue(Event::PartEnd(PartEnd {
                offset,
                octets: size.octets,
                counted: self.counts.then_some(size),
            }));
        }
    }

    fn end(&mut self) -> Step {
        self.close_to(0);
        if let Some(offset) = self.mixed_at {
            self.defect(DefectKind::MixedLineEnds, offset);
        }
        let size = self.mark.since(&Mark::default());
        self.queue(Event::End(End {
            octets: size.octets,
            counted: self.counts.then_some(size),
        }));
        self.state = State::Done;
        Step::Again
    }

    fn queue(&mut self, event: Event<'static>) {
        self.queue.push(event);
    }

    fn defect(&mut self, kind: DefectKind, offset: u64) {
        self.queue(Event::Defect(Defect::new(kind, offset)));
    }

    fn suspect(&mut self, suspect: Suspect, line: u64) {
        let kind = match suspect {
            Suspect::Near => DefectKind::NearDelimiter,
            Suspect::AfterClose => DefectKind::DelimiterAfterClose,
        };
        self.defect(kind, line);
    }

    /// Gives out the next `length` bytes: of `carry` if something is held, else of
    /// `input`.
    #[inline]
    fn give(&mut self, length: usize, input: &[u8], what: What) -> Step {
        if length == 0 {
            return Step::Again;
        }
        if self.carry.is_empty() {
            self.pass(input.get(..length).unwrap_or(input));
            return Step::Input {
                show: length,
                consume: length,
                what,
            };
        }
        let carry = core::mem::take(&mut self.carry);
        self.pass(carry.get(..length).unwrap_or(&carry));
        self.carry = carry;
        Step::Carry(length, what)
    }

    /// Moves behind `bytes`.
    #[inline]
    fn pass(&mut self, bytes: &[u8]) {
        if self.counts {
            let before = self.mark;
            self.mark.count(bytes);
            if self.mixed_at.is_none() && self.mark.is_mixed() {
                self.note_mixed(before, bytes);
            }
        }
        self.mark.offset += bytes.len() as u64;
    }

    /// The same of `bytes` that end a line and whose lines were counted already.
    #[inline]
    fn pass_lines(&mut self, bytes: &[u8], lines: u64, bare: u64) {
        if self.counts {
            let before = self.mark;
            self.mark.lines += lines;
            self.mark.bare += bare;
            self.mark.after_cr = false;
            if self.mixed_at.is_none() && self.mark.is_mixed() {
                self.note_mixed(before, bytes);
            }
        }
        self.mark.offset += bytes.len() as u64;
    }

    #[cold]
    fn note_mixed(&mut self, before: Mark, bytes: &[u8]) {
        self.mixed_at = before.first_mixed(bytes);
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

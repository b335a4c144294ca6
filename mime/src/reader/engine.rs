//! The states of reading, and what each step of it tells.

use alloc::vec::Vec;

use super::event::{
    Body, Delimiter, End, Event, FieldAt, HeaderField, Parent, PartEnd, PartStart, Place,
};
use super::head::Head;
use super::mark::Mark;
use super::mode::Mode;
use super::name::NameTag;
use super::open::{Stack, Stage, Suspect};
use crate::{Defect, DefectKind, Limits};

/// Who is told, step by step, what is in a message. What one step shows comes before
/// what it tells.
pub(super) trait Sink<'i> {
    /// A step may show more than once.
    const IS_EAGER: bool;

    /// An event without bytes.
    fn tell(&mut self, event: Event<'static>);

    /// One with bytes of the input.
    fn show(&mut self, what: What, bytes: &'i [u8]);

    /// One with bytes that are [`held`](Engine::held) until the next step.
    fn show_held(&mut self, what: What, bytes: &[u8]);

    fn defect(&mut self, kind: DefectKind, offset: u64) {
        self.tell(Event::Defect(Defect::new(kind, offset)));
    }
}

/// Who takes all events as they come.
pub(crate) trait Consumer {
    fn take(&mut self, event: &Event<'_>);
}

/// Tells a consumer at once.
struct Push<'c, C>(&'c mut C);

impl<'i, C: Consumer> Sink<'i> for Push<'_, C> {
    const IS_EAGER: bool = true;

    #[inline(always)]
    fn tell(&mut self, event: Event<'static>) {
        self.0.take(&event);
    }

    #[inline(always)]
    fn show(&mut self, what: What, bytes: &'i [u8]) {
        self.0.take(&what.event(bytes));
    }

    #[inline(always)]
    fn show_held(&mut self, what: What, bytes: &[u8]) {
        self.0.take(&what.event(bytes));
    }
}

/// An event to which bytes belong, without them.
#[derive(Clone, Copy)]
pub(super) enum What {
    /// What it is, and [`HeaderField::has_bare_ends`].
    Field(FieldAt, NameTag, bool),
    Body(Place, u64),
    Delimiter(u64),
}

impl What {
    #[inline(always)]
    pub(super) fn event(self, data: &[u8]) -> Event<'_> {
        match self {
            What::Field(at, tag, has_bare_ends) => Event::Header(HeaderField {
                raw: data,
                at,
                tag,
                has_bare_ends,
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

/// Whether there is more to be done with the input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Again,
    NeedInput,
}

/// What reads: see [`Reader`](super::Reader).
#[derive(Debug)]
pub(crate) struct Engine {
    pub(super) limits: Limits,
    pub(super) mode: Mode,
    /// Line ends are counted.
    pub(super) counts: bool,
    pub(super) stack: Stack,
    pub(super) state: State,
    pub(super) head: Head,
    /// Behind everything that was given out.
    pub(super) mark: Mark,
    pub(super) parts: u32,
    /// Bytes that were taken and not given out yet.
    pub(super) carry: Vec<u8>,
    /// So many of them are out now.
    pub(super) given: usize,
    pub(super) finished: bool,
    /// In [`State::Body`]: a line begins here, with no line end before it to give out.
    pub(super) at_line: bool,
    /// In [`State::Body`]: the line end here is behind a close delimiter.
    pub(super) after_close: bool,
    /// Where line ends of both kinds had been seen.
    mixed_at: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Start,
    Head,
    Body,
    /// On a delimiter line, with so many bytes of the line end before it.
    Delimiter {
        eol: usize,
        /// The length of both, where that is known: they are in the input.
        whole: Option<usize>,
    },
    /// The same of a close delimiter.
    Close {
        eol: usize,
    },
    /// No boundary is looked for any more.
    Rest,
    Done,
}

impl Engine {
    #[inline]
    pub(crate) fn new(limits: Limits) -> Self {
        Engine {
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
            finished: false,
            at_line: false,
            after_close: false,
            mixed_at: None,
        }
    }

    #[inline]
    pub(crate) fn mode(&mut self, mode: Mode) {
        self.mode = mode;
        self.counts &= !mode.is_raw();
    }

    #[inline]
    pub(crate) fn uncounted(&mut self) {
        self.counts = false;
    }

    /// Tells `consumer` all that the next bytes of the message settle.
    pub(crate) fn write<C: Consumer>(&mut self, mut input: &[u8], consumer: &mut C) {
        while self.step(&mut input, &mut Push(consumer)) == Step::Again {}
    }

    /// No more bytes will come; to be followed by a last step or write.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The bytes that the last step gave out of those it had kept.
    pub(super) fn held(&self) -> &[u8] {
        self.carry.get(..self.given).unwrap_or_default()
    }

    #[inline]
    pub(super) fn step<'i, S: Sink<'i>>(&mut self, input: &mut &'i [u8], sink: &mut S) -> Step {
        if self.given > 0 {
            self.carry.drain(..self.given);
            self.given = 0;
        }
        match self.state {
            State::Start => {
                self.start_part(Parent::Root, false, sink);
                Step::Again
            }
            State::Head => self.head(input, sink),
            State::Body => self.body(input, sink),
            State::Delimiter { eol, whole } => self.delimiter(eol, whole, input, sink),
            State::Close { eol } => self.close(eol, input, sink),
            State::Rest => self.rest(input, sink),
            State::Done => Step::NeedInput,
        }
    }

    pub(super) fn start_part<'i, S: Sink<'i>>(
        &mut self,
        parent: Parent,
        default_message: bool,
        sink: &mut S,
    ) {
        self.parts += 1;
        sink.tell(Event::PartStart(PartStart {
            offset: self.mark.offset,
            parent,
        }));
        let is_raw = self.mode.is_raw();
        self.head.begin(self.mark, parent, default_message, is_raw);
        self.state = State::Head;
    }

    /// Ends open entities until `length` are left.
    pub(super) fn close_to<'i, S: Sink<'i>>(&mut self, length: usize, sink: &mut S) {
        while self.stack.len() > length
            && let Some((body, stage)) = self.stack.pop()
        {
            let offset = self.mark.offset;
            if stage == Some(Stage::Preamble) {
                sink.defect(DefectKind::EmptyMultipart, offset);
            }
            if stage.is_some_and(|s| s != Stage::Epilogue) {
                sink.defect(DefectKind::MissingCloseDelimiter, offset);
            }
            let size = self.mark.since(&body);
            sink.tell(Event::PartEnd(PartEnd {
                offset,
                octets: size.octets,
                counted: self.counts.then_some(size),
            }));
        }
    }

    pub(super) fn end<'i, S: Sink<'i>>(&mut self, sink: &mut S) -> Step {
        self.close_to(0, sink);
        if let Some(offset) = self.mixed_at {
            sink.defect(DefectKind::MixedLineEnds, offset);
        }
        let size = self.mark.since(&Mark::default());
        sink.tell(Event::End(End {
            octets: size.octets,
            counted: self.counts.then_some(size),
        }));
        self.state = State::Done;
        Step::Again
    }

    /// Gives out the next `length` bytes: of `carry` if something is held, else of
    /// `input`.
    #[inline(always)]
    pub(super) fn give<'i, S: Sink<'i>>(
        &mut self,
        length: usize,
        input: &mut &'i [u8],
        what: What,
        sink: &mut S,
    ) {
        if length > 0 && self.carry.is_empty() {
            let bytes = take(input, length);
            self.pass(bytes);
            sink.show(what, bytes);
        } else if length > 0 {
            self.give_carried(length, what, sink);
        }
    }

    #[cold]
    fn give_carried<'i, S: Sink<'i>>(&mut self, length: usize, what: What, sink: &mut S) {
        let carry = core::mem::take(&mut self.carry);
        self.pass(carry.get(..length).unwrap_or(&carry));
        self.carry = carry;
        self.give_held(length, what, sink);
    }

    /// Gives out so many bytes of `carry`, which were passed already.
    pub(super) fn give_held<'i, S: Sink<'i>>(&mut self, length: usize, what: What, sink: &mut S) {
        self.given = length;
        sink.show_held(what, self.held());
    }

    /// Moves behind `bytes`.
    #[inline]
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        if self.counts {
            self.count(bytes);
        }
        self.mark.offset += bytes.len() as u64;
    }

    /// Counts the line ends of `bytes`, which come next.
    #[inline(never)]
    fn count(&mut self, bytes: &[u8]) {
        let before = self.mark;
        self.mark.count(bytes);
        if self.mixed_at.is_none() && self.mark.is_mixed() {
            self.note_mixed(before, bytes);
        }
    }

    /// The same of `bytes` that end a line and whose lines were counted already.
    #[inline]
    pub(super) fn pass_lines(&mut self, bytes: &[u8], lines: u64, bare: u64) {
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

pub(super) fn suspect<'i, S: Sink<'i>>(suspect: Suspect, line: u64, sink: &mut S) {
    let kind = match suspect {
        Suspect::Near => DefectKind::NearDelimiter,
        Suspect::AfterClose => DefectKind::DelimiterAfterClose,
    };
    sink.defect(kind, line);
}

/// Takes `n` bytes off the front, or all there are.
#[inline]
pub(super) fn take<'i>(input: &mut &'i [u8], n: usize) -> &'i [u8] {
    let (taken, rest) = input.split_at(n.min(input.len()));
    *input = rest;
    taken
}

//! Bodies: which of their lines are delimiters, and what those end and begin (RFC
//! 2046 5.1.1).
//!
//! What cannot be told from the bytes that are there waits in `carry`: a line end,
//! and behind it at most the [`DECISIVE`] first bytes of a line that begins `--`.

use memchr::memchr;

use super::engine::{Engine, Sink, State, Step, What, suspect as tell_suspect, take};
use super::event::{BodyStart, Content, Event, Parent, PartStart};
use super::open::{DECISIVE, Found, Next, Stage, eol_at, settled};
use crate::DefectKind;
use crate::scan::find_far_dashes;

/// Where line ends are counted, bytes are searched and counted in stretches that
/// stay in the nearest cache between the two.
const STRETCH: usize = 16 << 10;

impl Engine {
    /// In a body, with boundaries to look for.
    pub(super) fn body<'i, S: Sink<'i>>(&mut self, input: &mut &'i [u8], sink: &mut S) -> Step {
        loop {
            let held = !self.carry.is_empty();
            let window = match self.counts {
                true => input.get(..STRETCH).unwrap_or(input),
                false => input,
            };
            let (bytes, behind) = match held {
                true => (&self.carry[..], input.len()),
                false => (window, input.len() - window.len()),
            };
            if bytes.is_empty() {
                return match self.finished {
                    true => self.end(sink),
                    false => Step::NeedInput,
                };
            }
            let last = self.finished && behind == 0;
            let offset = self.mark.offset;
            let (next, what) = match self.after_close {
                true => (self.stack.first(bytes, last), What::Delimiter(offset)),
                false => {
                    let line = match self.at_line {
                        true => Some(0),
                        false => find_far_dashes(bytes).map(|lf| lf + 1),
                    };
                    let next = match line {
                        Some(line) => self.stack.next(bytes, line, last),
                        None => Next::Body(settled(bytes, last)),
                    };
                    (next, What::Body(self.stack.place(), offset))
                }
            };
            match next {
                Next::Body(0) if held && behind > 0 => self.top_up(input),
                Next::Body(0) => {
                    if !held {
                        self.carry.extend_from_slice(take(input, usize::MAX));
                    }
                    return Step::NeedInput;
                }
                Next::Body(n) => {
                    // Whether the line behind a close delimiter is suspect is not known yet.
                    self.at_line = core::mem::take(&mut self.after_close);
                    self.give(n, input, what, sink);
                    return self.unless_used_up(input);
                }
                Next::Suspect { line, suspect } => {
                    self.at_line = false;
                    self.give(line, input, what, sink);
                    tell_suspect(suspect, self.mark.offset, sink);
                    return Step::Again;
                }
                Next::Delimiter {
                    start,
                    eol,
                    found,
                    end,
                } => {
                    self.at_line = false;
                    self.give(start, input, what, sink);
                    let whole = end.filter(|_| !held).map(|end| end - start);
                    self.found(found, eol, whole, sink);
                    if S::IS_EAGER
                        && !found.close
                        && let Some(length) = whole
                    {
                        let what = What::Delimiter(self.mark.offset);
                        self.give(length, input, what, sink);
                        self.begin_part(sink);
                    }
                    return Step::Again;
                }
            }
        }
    }

    /// Whether to go on with this input: with none of a small chunk left, another step costs
    /// as much as it did.
    #[inline]
    fn unless_used_up(&self, input: &[u8]) -> Step {
        match input.is_empty() && self.given == 0 && !self.finished {
            true => Step::NeedInput,
            false => Step::Again,
        }
    }

    /// Adds to `carry` what may settle what it is: the next byte, or the rest of a line
    /// that begins `--`.
    fn top_up(&mut self, input: &mut &[u8]) {
        let line = self.carry.get(eol_at(&self.carry)..).unwrap_or_default();
        let length = match line {
            [b'-', b'-', ..] => {
                let room = DECISIVE.saturating_sub(line.len());
                let window = input.get(..room).unwrap_or(input);
                memchr(b'\n', window).map_or(window.len(), |lf| lf + 1)
            }
            _ => 1,
        };
        self.carry.extend_from_slice(take(input, length));
    }

    /// On a delimiter line, whose line end before it is its first `eol` bytes; then a
    /// part begins.
    pub(super) fn delimiter<'i, S: Sink<'i>>(
        &mut self,
        eol: usize,
        whole: Option<usize>,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Step {
        let what = What::Delimiter(self.mark.offset);
        if let Some(length) = whole
            && length <= input.len()
        {
            self.give(length, input, what, sink);
            self.begin_part(sink);
            return Step::Again;
        }
        let bytes = match self.carry.is_empty() {
            true => *input,
            false => &self.carry[..],
        };
        let lf = bytes.get(eol..).and_then(|line| memchr(b'\n', line));
        let (length, over) = match lf {
            Some(lf) => (eol + lf + 1, true),
            None => (
                bytes.len(),
                self.finished && self.carry.len() + input.len() == bytes.len(),
            ),
        };
        if length == 0 && !over {
            return Step::NeedInput;
        }
        self.give(length, input, what, sink);
        match over {
            true => self.begin_part(sink),
            false => {
                let (eol, whole) = (0, None);
                self.state = State::Delimiter { eol, whole };
            }
        }
        Step::Again
    }

    /// The same of a close delimiter. The line end behind it is not part of it: it
    /// separates it from an epilogue, or belongs to a delimiter that follows.
    pub(super) fn close<'i, S: Sink<'i>>(
        &mut self,
        eol: usize,
        input: &mut &'i [u8],
        sink: &mut S,
    ) -> Step {
        let what = What::Delimiter(self.mark.offset);
        let held = !self.carry.is_empty();
        if held && self.carry == b"\r" && eol == 0 {
            match input.first() {
                None if !self.finished => return Step::NeedInput,
                Some(b'\n') => {
                    self.closed();
                    return Step::Again;
                }
                _ => {
                    self.give(1, input, what, sink);
                    return Step::Again;
                }
            }
        }
        let bytes = if held { &self.carry[..] } else { *input };
        let line = bytes.get(eol..).unwrap_or_default();
        let lf = memchr(b'\n', line);
        let end = lf.unwrap_or(line.len());
        let cr = line.get(..end).is_some_and(|line| line.ends_with(b"\r"));
        let last = self.finished && lf.is_none() && (!held || input.is_empty());
        let length = match last {
            true => bytes.len(),
            false => eol + end - usize::from(cr),
        };
        if length == 0 && lf.is_none() && !last {
            if !held {
                self.carry.extend_from_slice(take(input, usize::MAX));
            }
            return Step::NeedInput;
        }
        self.give(length, input, what, sink);
        match lf.is_some() || last {
            true => self.closed(),
            false => self.state = State::Close { eol: 0 },
        }
        Step::Again
    }

    fn closed(&mut self) {
        if let Some((stage, _)) = self.stack.stage_mut() {
            *stage = Stage::Epilogue;
        }
        self.state = State::Body;
        self.at_line = false;
        self.after_close = true;
    }

    /// A delimiter begins here, with a line end of `eol` bytes, and has `whole` with its own
    /// if that is in the input: what is deeper ends.
    #[inline(always)]
    fn found<'i, S: Sink<'i>>(
        &mut self,
        found: Found,
        eol: usize,
        whole: Option<usize>,
        sink: &mut S,
    ) {
        self.close_to(found.level + 1, sink);
        let line = self.mark.offset + eol as u64;
        if found.junk {
            sink.defect(DefectKind::JunkAfterDelimiter, line);
        }
        if let Some((stage, _)) = self.stack.stage_mut()
            && found.close
            && *stage == Stage::Preamble
        {
            sink.defect(DefectKind::EmptyMultipart, line);
        }
        self.after_close = false;
        self.state = match found.close {
            true => State::Close { eol },
            false => State::Delimiter { eol, whole },
        };
    }

    fn begin_part<'i, S: Sink<'i>>(&mut self, sink: &mut S) {
        let Some((stage, digest)) = self.stack.stage_mut() else {
            return; // a delimiter is only ever found for an open multipart
        };
        *stage = Stage::Parts;
        if self.parts < self.limits.parts {
            self.start_part(Parent::Multipart, digest, sink);
            return;
        }
        let offset = self.mark.offset;
        sink.defect(DefectKind::TooManyParts, offset);
        sink.tell(Event::PartStart(PartStart {
            offset,
            parent: Parent::Multipart,
        }));
        sink.tell(Event::BodyStart(BodyStart {
            header_end: offset,
            offset,
            content: Content::Leaf,
            opaque: true,
        }));
        self.stack.push_leaf(self.mark);
        self.state = State::Rest;
    }

    /// In a body where no boundary is looked for any more.
    pub(super) fn rest<'i, S: Sink<'i>>(&mut self, input: &mut &'i [u8], sink: &mut S) -> Step {
        let length = match self.carry.is_empty() {
            true => input.len(),
            false => self.carry.len(),
        };
        match length {
            0 if self.finished => self.end(sink),
            0 => Step::NeedInput,
            _ => {
                let what = What::Body(self.stack.place(), self.mark.offset);
                self.give(length, input, what, sink);
                self.unless_used_up(input)
            }
        }
    }
}

//! Bodies: which of their lines are delimiters, and what those end and begin (RFC
//! 2046 5.1.1).

use memchr::{memchr, memchr_iter};

use super::event::{BodyStart, Content, Event, Parent, PartStart};
use super::open::{Found, Kind, Stack, Stage};
use super::{Eol, Reader, Resume, State, Step, What, take};
use crate::DefectKind;

impl Reader {
    /// At the start of a line: is it a delimiter?
    pub(super) fn line(&mut self, eol: Eol, input: &mut &[u8]) -> Step {
        if !self.stack.has_boundaries() {
            self.state = State::Rest;
            return self.give_eol(eol);
        }
        if self.carry.is_empty() {
            let dashes = match input {
                [] | [b'-'] if !self.finished => input.len() == 1,
                [b'-', b'-', ..] => true,
                _ => {
                    self.state = State::Text { cr: false };
                    return self.give_eol(eol);
                }
            };
            if !dashes {
                return Step::NeedInput;
            }
        }
        let want = Stack::decisive().saturating_sub(self.carry.len());
        let window = input.get(..want).unwrap_or(input);
        let (length, decided) = match memchr(b'\n', window) {
            Some(lf) => (lf, true),
            None => (
                window.len(),
                window.len() == want || (self.finished && window.len() == input.len()),
            ),
        };
        if self.carry.is_empty() && decided {
            let found = self.stack.classify(window.get(..length).unwrap_or(window));
            if let Found::Delimiter { level, close, junk } = found {
                self.found(level, close, junk, eol);
                return Step::Again;
            }
            self.suspect(found, self.mark.offset + eol.bytes().len() as u64);
            self.state = State::Text { cr: false };
            return self.give_eol(eol);
        }
        self.carry.extend_from_slice(take(input, length));
        if !decided {
            return Step::NeedInput;
        }
        let found = self.stack.classify(&self.carry);
        if let Found::Delimiter { level, close, junk } = found {
            self.found(level, close, junk, eol);
            return Step::Again;
        }
        self.suspect(found, self.mark.offset + eol.bytes().len() as u64);
        self.state = State::Release(self.strip_carry());
        self.give_eol(eol)
    }

    /// In a line: goes to the first line end behind which a delimiter may be.
    pub(super) fn text(&mut self, cr: bool, input: &mut &[u8]) -> Step {
        if cr {
            self.state = State::Text { cr: false };
            match input.first() {
                Some(b'\n') => {
                    take(input, 1);
                    self.state = State::Line(Eol::Crlf);
                    return Step::Again;
                }
                None if !self.finished => {
                    self.state = State::Text { cr: true };
                    return Step::NeedInput;
                }
                _ => return self.fixed_body(b"\r"),
            }
        }
        let (mut lines, mut bare) = (0, 0);
        let mut end = None;
        for lf in memchr_iter(b'\n', input) {
            // A CR before the input would be held back, so none is there.
            let has_cr = lf.checked_sub(1).and_then(|i| input.get(i)) == Some(&b'\r');
            if matches!(
                (input.get(lf + 1), input.get(lf + 2)),
                (None, _) | (Some(b'-'), None | Some(b'-'))
            ) {
                end = Some((lf, has_cr));
                break;
            }
            lines += 1;
            bare += u64::from(!has_cr);
        }
        let show = match end {
            Some((0, _)) => {
                take(input, 1);
                self.state = State::Line(Eol::Lf);
                return Step::Again;
            }
            Some((1, true)) => {
                take(input, 2);
                self.state = State::Line(Eol::Crlf);
                return Step::Again;
            }
            Some((lf, has_cr)) => lf - usize::from(has_cr),
            None => match input {
                [] if self.finished => return self.end(),
                [] => return Step::NeedInput,
                [b'\r'] => {
                    take(input, 1);
                    self.state = State::Text { cr: true };
                    return Step::Again;
                }
                [.., b'\r'] => input.len() - 1,
                _ => input.len(),
            },
        };
        let before = self.mark;
        self.mark.offset += show as u64;
        self.mark.lines += lines;
        self.mark.bare += bare;
        self.mark.after_cr = false;
        self.note_mixed(before, input.get(..show).unwrap_or(input));
        let what = What::Body(self.stack.place(), before.offset);
        Step::Input {
            show,
            consume: show,
            what,
        }
    }

    pub(super) fn rest(&mut self, input: &mut &[u8]) -> Step {
        if input.is_empty() {
            return if self.finished {
                self.end()
            } else {
                Step::NeedInput
            };
        }
        let what = What::Body(self.stack.place(), self.mark.offset);
        self.pass(input);
        Step::Input {
            show: input.len(),
            consume: input.len(),
            what,
        }
    }

    /// Gives out a delimiter line to its end; then a part begins.
    pub(super) fn delimiter(&mut self, eol: Eol, input: &mut &[u8]) -> Step {
        let what = What::Delimiter(self.mark.offset);
        if eol != Eol::None {
            self.state = State::Delimiter(Eol::None);
            self.pass(eol.bytes());
            return Step::Fixed(eol.bytes(), what);
        }
        if !self.carry.is_empty() {
            self.pass_carry();
            if self.carry.last() == Some(&b'\n') {
                self.begin_part();
            }
            return Step::Carry(what);
        }
        let (consume, over) = match memchr(b'\n', input) {
            Some(lf) => (lf + 1, true),
            None => (input.len(), self.finished),
        };
        if consume == 0 && !over {
            return Step::NeedInput;
        }
        self.pass(input.get(..consume).unwrap_or(input));
        if over {
            self.begin_part();
        }
        match consume {
            0 => Step::Again,
            _ => Step::Input {
                show: consume,
                consume,
                what,
            },
        }
    }

    /// Gives out a close delimiter. The line end behind it is not part of it: it
    /// separates it from an epilogue, or belongs to a delimiter that follows.
    pub(super) fn close(&mut self, eol: Eol, cr: bool, input: &mut &[u8]) -> Step {
        let what = What::Delimiter(self.mark.offset);
        if eol != Eol::None {
            self.state = State::Close {
                eol: Eol::None,
                cr: false,
            };
            self.pass(eol.bytes());
            return Step::Fixed(eol.bytes(), what);
        }
        if !self.carry.is_empty() {
            match self.strip_carry() {
                Resume::Line(eol) => self.closed(eol),
                Resume::Text { cr } => self.state = State::Close { eol, cr },
            }
            self.pass_carry();
            return Step::Carry(what);
        }
        let show = match (cr, *input) {
            (true, [b'\n', ..]) => {
                take(input, 1);
                self.closed(Eol::Crlf);
                return Step::Again;
            }
            (_, []) if !self.finished => return Step::NeedInput,
            (true, _) => {
                self.state = State::Close { eol, cr: false };
                self.pass(b"\r");
                return Step::Fixed(b"\r", what);
            }
            (false, []) => {
                self.closed(Eol::None);
                return Step::Again;
            }
            (false, [b'\n', ..]) => {
                take(input, 1);
                self.closed(Eol::Lf);
                return Step::Again;
            }
            (false, [b'\r', b'\n', ..]) => {
                take(input, 2);
                self.closed(Eol::Crlf);
                return Step::Again;
            }
            (false, [b'\r']) => {
                take(input, 1);
                self.state = State::Close { eol, cr: true };
                return Step::Again;
            }
            (false, line) => {
                let end = memchr(b'\n', line).unwrap_or(line.len());
                match line.get(..end) {
                    Some([.., b'\r']) => end - 1,
                    _ => end,
                }
            }
        };
        // A CR that stands before something else.
        let show = show.max(1);
        self.pass(input.get(..show).unwrap_or(input));
        Step::Input {
            show,
            consume: show,
            what,
        }
    }

    fn closed(&mut self, eol: Eol) {
        if let Some((stage, _)) = self.stack.stage_mut() {
            *stage = Stage::Epilogue;
        }
        self.state = State::Line(eol);
        self.eol_separates = true;
    }

    /// A delimiter of the multipart at `level` begins here: what is deeper ends.
    pub(super) fn found(&mut self, level: usize, close: bool, junk: bool, eol: Eol) {
        self.close_to(level + 1);
        let line = self.mark.offset + eol.bytes().len() as u64;
        if junk {
            self.defect(DefectKind::JunkAfterDelimiter, line);
        }
        if let Some((stage, _)) = self.stack.stage_mut()
            && close
            && *stage == Stage::Preamble
        {
            self.defect(DefectKind::EmptyMultipart, line);
        }
        self.eol_separates = false;
        self.state = match close {
            true => State::Close { eol, cr: false },
            false => State::Delimiter(eol),
        };
    }

    fn begin_part(&mut self) {
        let Some((stage, digest)) = self.stack.stage_mut() else {
            return; // a delimiter is only ever found for an open multipart
        };
        *stage = Stage::Parts;
        if self.parts < self.limits.parts {
            self.start_part(Parent::Multipart, digest);
            return;
        }
        let offset = self.mark.offset;
        self.defect(DefectKind::TooManyParts, offset);
        self.queue.push_back(Event::PartStart(PartStart {
            offset,
            parent: Parent::Multipart,
        }));
        self.queue.push_back(Event::BodyStart(BodyStart {
            header_end: offset,
            offset,
            content: Content::Leaf,
            opaque: true,
        }));
        self.open(Kind::Leaf);
        self.state = State::Rest;
    }
}

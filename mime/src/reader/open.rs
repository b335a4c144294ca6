//! The entities that are open, and which of them a line ends.

use alloc::vec::Vec;

use memchr::{memchr, memmem};

use super::event::Place;
use super::mark::Mark;

/// Bytes of a line that may make it a delimiter. A line that is white space up to
/// here, behind a boundary, is one whatever follows.
const LINE: usize = 998;

/// Bytes of a line that settle what it is: all of it, or this many.
pub(super) const DECISIVE: usize = LINE + 2;

/// The longest boundary that is looked for.
pub(super) const BOUNDARY: usize = LINE - 4;

/// A multipart that is open.
#[derive(Debug)]
struct Multipart {
    /// Where it is among the open entities.
    level: usize,
    /// Where its boundary ends in [`Stack::boundaries`]; it begins where the one
    /// before it ends.
    boundary_end: usize,
    digest: bool,
    stage: Stage,
}

/// How far a multipart was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Preamble,
    Parts,
    Epilogue,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Body,
    /// It looks like a delimiter to other readers.
    Suspect(Suspect),
    Delimiter(Found),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspect {
    Near,
    AfterClose,
}

/// A delimiter of the multipart at `level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) level: usize,
    pub(super) close: bool,
    pub(super) junk: bool,
}

/// The first thing in some bytes of a body that is more than body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: so many bytes are body, the rest waits for what comes behind it.
    Body(usize),
    /// A suspect line begins at `line`.
    Suspect { line: usize, suspect: Suspect },
    /// A delimiter at `start`, with the line end of `eol` bytes before its line.
    Delimiter {
        start: usize,
        eol: usize,
        found: Found,
    },
}

/// The open entities, outermost first.
#[derive(Debug, Default)]
pub(super) struct Stack {
    /// Where their bodies begin.
    open: Vec<Mark>,
    multiparts: Vec<Multipart>,
    /// Their boundaries, one behind the other.
    boundaries: Vec<u8>,
    /// For `\n--`; made when first needed.
    finder: Option<memmem::Finder<'static>>,
}

impl Stack {
    /// Opens a leaf or a message within.
    pub(super) fn push(&mut self, body: Mark) {
        self.open.push(body);
    }

    pub(super) fn push_multipart(&mut self, body: Mark, boundary: &[u8], digest: bool) {
        self.boundaries.extend_from_slice(boundary);
        self.multiparts.push(Multipart {
            level: self.open.len(),
            boundary_end: self.boundaries.len(),
            digest,
            stage: Stage::Preamble,
        });
        self.open.push(body);
    }

    /// Ends the innermost entity: where its body began, and of a multipart how far
    /// it was read.
    pub(super) fn pop(&mut self) -> Option<(Mark, Option<Stage>)> {
        let body = self.open.pop()?;
        let closed = self.multiparts.pop_if(|m| m.level == self.open.len());
        let start = self.multiparts.last().map_or(0, |m| m.boundary_end);
        self.boundaries.truncate(start);
        Some((body, closed.map(|m| m.stage)))
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether any line could be a delimiter.
    pub(super) fn has_boundaries(&self) -> bool {
        !self.multiparts.is_empty()
    }

    pub(super) fn has_boundary(&self, wanted: &[u8]) -> bool {
        (0..self.multiparts.len()).any(|n| self.boundary(n) == wanted)
    }

    fn boundary(&self, n: usize) -> &[u8] {
        let end = |n: usize| self.multiparts.get(n).map_or(0, |m| m.boundary_end);
        let start = n.checked_sub(1).map_or(0, end);
        self.boundaries.get(start..end(n)).unwrap_or_default()
    }

    /// The innermost entity, if it is a multipart: its stage, and whether it is a
    /// digest.
    pub(super) fn stage_mut(&mut self) -> Option<(&mut Stage, bool)> {
        let innermost = self.open.len().checked_sub(1)?;
        let multipart = self.multiparts.last_mut()?;
        (multipart.level == innermost).then_some((&mut multipart.stage, multipart.digest))
    }

    /// What body bytes are now.
    pub(super) fn place(&self) -> Place {
        match self.multiparts.last() {
            Some(m) if m.level + 1 == self.open.len() => match m.stage {
                Stage::Epilogue => Place::Epilogue,
                Stage::Preamble | Stage::Parts => Place::Preamble,
            },
            _ => Place::Leaf,
        }
    }

    /// The first line of `bytes` that is more than body. The search begins behind
    /// their first line end, or with them when they are `at_line` start. `finished`:
    /// nothing comes behind them.
    ///
    /// Cost: one search for `\n--`, and [`classify`](Self::classify) for each.
    pub(super) fn next(&mut self, bytes: &[u8], at_line: bool, finished: bool) -> Next {
        let mut line = 0;
        let mut judge = at_line;
        loop {
            let rest = bytes.get(line..).unwrap_or_default();
            if judge {
                let eol = eol_before(bytes, line);
                let start = line - eol;
                match self.judge(rest, finished) {
                    None => return Next::Body(start),
                    Some(Line::Body) => {}
                    Some(Line::Suspect(suspect)) => return Next::Suspect { line, suspect },
                    Some(Line::Delimiter(found)) => return Next::Delimiter { start, eol, found },
                }
            }
            match self.dashes(rest) {
                Some(lf) => line += lf + 1,
                None if finished => return Next::Body(bytes.len()),
                None => return Next::Body(bytes.len() - undecided(rest)),
            }
            judge = true;
        }
    }

    /// Where the first line end is behind which a line begins `--`. Most parts are
    /// short: the first lines are looked at one by one.
    fn dashes(&mut self, bytes: &[u8]) -> Option<usize> {
        const LINES: usize = 3;
        let mut from = 0;
        for _ in 0..LINES {
            let rest = bytes.get(from..)?;
            let lf = memchr(b'\n', rest)?;
            if rest
                .get(lf + 1..)
                .is_some_and(|line| line.starts_with(b"--"))
            {
                return Some(from + lf);
            }
            from += lf + 1;
        }
        let new = || memmem::Finder::new(b"\n--");
        let found = self
            .finder
            .get_or_insert_with(new)
            .find(bytes.get(from..)?)?;
        Some(from + found)
    }

    /// The same for the one line behind the line end at the front of `bytes`: what
    /// follows a close delimiter. A line that is suspect is told by
    /// [`next`](Self::next).
    pub(super) fn first(&self, bytes: &[u8], finished: bool) -> Next {
        let eol = eol_at(bytes);
        let line = bytes.get(eol..).unwrap_or_default();
        match self.judge(line, finished) {
            _ if bytes == b"\r" && !finished => Next::Body(0),
            None => Next::Body(0),
            Some(Line::Delimiter(found)) => Next::Delimiter {
                start: 0,
                eol,
                found,
            },
            Some(Line::Body | Line::Suspect(_)) => Next::Body(eol),
        }
    }

    /// What the line is at the front of `bytes`; `None` when that cannot be told yet.
    fn judge(&self, bytes: &[u8], finished: bool) -> Option<Line> {
        match bytes {
            [] | [b'-'] if !finished => None,
            [b'-', b'-', ..] => {
                let window = bytes.get(..DECISIVE).unwrap_or(bytes);
                match memchr(b'\n', window) {
                    Some(lf) => Some(self.classify(bytes.get(..lf).unwrap_or(bytes))),
                    None if finished || window.len() == DECISIVE => Some(self.classify(window)),
                    None => None,
                }
            }
            _ => Some(Line::Body),
        }
    }

    /// What `line` is (without its LF; no more of it counts than [`DECISIVE`] bytes).
    ///
    /// The whole line must be a delimiter but for white space behind it, innermost
    /// multipart first; failing that, a close delimiter with junk behind it counts.
    /// (RFC 2046 5.1.1 would take any line that starts with a boundary. That
    /// cannot tell `--a` from `--ab`, and real mail has both.)
    ///
    /// Cost: a comparison with each open boundary.
    pub(super) fn classify(&self, line: &[u8]) -> Line {
        let line = line.get(..DECISIVE).unwrap_or(line);
        let Some(rest) = line.strip_prefix(b"--") else {
            return Line::Body;
        };
        let mut second = Line::Body;
        for (n, multipart) in self.multiparts.iter().enumerate().rev() {
            let Some(tail) = rest.strip_prefix(self.boundary(n)) else {
                continue;
            };
            let (close, junk) = match tail.strip_prefix(b"--") {
                Some(behind) => (true, !is_blank(behind)),
                None if is_blank(tail) => (false, false),
                None => {
                    if second == Line::Body {
                        second = Line::Suspect(Suspect::Near);
                    }
                    continue;
                }
            };
            if multipart.stage == Stage::Epilogue {
                if !matches!(second, Line::Delimiter(_)) {
                    second = Line::Suspect(Suspect::AfterClose);
                }
                continue;
            }
            let level = multipart.level;
            let found = Line::Delimiter(Found { level, close, junk });
            if !junk {
                return found;
            }
            if !matches!(second, Line::Delimiter(_)) {
                second = found;
            }
        }
        second
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r'))
}

/// The length of the line end with which `bytes` begin.
pub(super) fn eol_at(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// The length of the line end before `line`.
pub(super) fn eol_before(bytes: &[u8], line: usize) -> usize {
    match bytes.get(..line) {
        Some([.., b'\r', b'\n']) => 2,
        Some([.., b'\n']) => 1,
        _ => 0,
    }
}

/// The length of what may be the front of `CRLF--` or `LF--` at the end of `bytes`.
fn undecided(bytes: &[u8]) -> usize {
    match bytes {
        [.., b'\r', b'\n', b'-'] => 3,
        [.., b'\r', b'\n'] | [.., b'\n', b'-'] => 2,
        [.., b'\r' | b'\n'] => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(boundaries: &[(&str, Stage)]) -> Stack {
        let mut stack = Stack::default();
        for (boundary, stage) in boundaries {
            stack.push_multipart(Mark::default(), boundary.as_bytes(), false);
            *stack.stage_mut().unwrap().0 = *stage;
        }
        stack
    }

    fn delimiter(level: usize, close: bool, junk: bool) -> Line {
        Line::Delimiter(Found { level, close, junk })
    }

    #[test]
    fn lines_are_told_apart() {
        let s = stack(&[("a", Stage::Parts), ("ab", Stage::Parts)]);
        assert_eq!(s.classify(b"--a"), delimiter(0, false, false));
        assert_eq!(s.classify(b"--a \t\r"), delimiter(0, false, false));
        assert_eq!(s.classify(b"--ab"), delimiter(1, false, false));
        assert_eq!(s.classify(b"--ab--"), delimiter(1, true, false));
        assert_eq!(s.classify(b"--ab--x"), delimiter(1, true, true));
        assert_eq!(s.classify(b"--a--"), delimiter(0, true, false));
        assert_eq!(s.classify(b"--abc"), Line::Suspect(Suspect::Near));
        assert_eq!(s.classify(b"--x"), Line::Body);
        assert_eq!(s.classify(b"a"), Line::Body);
        assert_eq!(s.classify(b""), Line::Body);
    }

    #[test]
    fn the_innermost_multipart_that_is_not_closed_takes_the_line() {
        let s = stack(&[("a", Stage::Parts), ("a", Stage::Epilogue)]);
        assert_eq!(s.classify(b"--a"), delimiter(0, false, false));
        let s = stack(&[("x", Stage::Parts), ("a", Stage::Epilogue)]);
        assert_eq!(s.classify(b"--a--"), Line::Suspect(Suspect::AfterClose));
    }

    #[test]
    fn white_space_without_end_does_not_hide_a_delimiter() {
        let s = stack(&[("a", Stage::Parts)]);
        let mut line = b"--a".to_vec();
        line.resize(DECISIVE, b' ');
        assert_eq!(s.classify(&line), delimiter(0, false, false));
        line.push(b'x');
        assert_eq!(s.classify(&line), delimiter(0, false, false));
    }

    #[test]
    fn what_could_become_a_delimiter_waits() {
        let mut s = stack(&[("a", Stage::Parts)]);
        for (bytes, body) in [
            ("x", 1),
            ("x\r", 1),
            ("x\r\n", 1),
            ("x\n-", 1),
            ("x\r\n--", 1),
            ("x\r\n--a", 1),
            ("x\n--b\ny\n", 7),
            ("x\n-y", 4),
        ] {
            assert_eq!(s.next(bytes.as_bytes(), false, false), Next::Body(body));
            let end = s.next(bytes.as_bytes(), false, true);
            match bytes.ends_with('a') {
                true => assert!(matches!(
                    end,
                    Next::Delimiter {
                        start: 1,
                        eol: 2,
                        ..
                    }
                )),
                false => assert_eq!(end, Next::Body(bytes.len())),
            }
        }
    }

    #[test]
    fn boundaries_are_those_of_what_is_open() {
        let mut s = stack(&[("a", Stage::Parts)]);
        s.push(Mark::default());
        s.push_multipart(Mark::default(), b"bc", true);
        assert!(s.has_boundary(b"bc") && s.has_boundary(b"a") && !s.has_boundary(b"abc"));
        assert_eq!(s.place(), Place::Preamble);
        assert_eq!(s.pop().unwrap().1, Some(Stage::Preamble));
        assert_eq!((s.pop().unwrap().1, s.place()), (None, Place::Preamble));
        assert!(s.has_boundary(b"a") && !s.has_boundary(b"bc"));
    }
}

//! The entities that are open, and which of them a line ends.

use alloc::vec::Vec;

use memchr::memchr;

use super::boundary::{Boundary, Tail, first_word};
use super::event::Place;
use super::mark::Mark;
use crate::scan::find_dashes;

/// Bytes of a line that may make it a delimiter. A line that is white space up to
/// here, behind a boundary, is one whatever follows.
const LINE: usize = 998;

/// Bytes of a line that settle what it is: all of it, or this many.
pub(super) const DECISIVE: usize = LINE + 2;

/// The longest boundary that is looked for.
pub(super) const BOUNDARY: usize = LINE - 4;

/// A multipart or message that is open.
#[derive(Debug)]
struct Level {
    tail: Tail,
    /// Where its body begins.
    body: Mark,
    /// Empty where this is no multipart.
    boundary: Boundary,
    /// How far it was read, if it is a multipart.
    stage: Option<Stage>,
    digest: bool,
    /// Its boundary has a LF in it, and no line does.
    never: bool,
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
    /// A delimiter at `start`, with the line end of `eol` bytes before its line, and
    /// where its own line end is over, if that is there.
    Delimiter {
        start: usize,
        eol: usize,
        found: Found,
        end: Option<usize>,
    },
}

/// The open entities.
#[derive(Debug, Default)]
pub(super) struct Stack {
    /// The innermost multipart or message, and those it is in, outermost first: most
    /// messages have one alone.
    innermost: Option<Level>,
    outer: Vec<Level>,
    /// Where the body of the leaf begins that is open, if one is: within all others.
    leaf: Option<Mark>,
    /// How many of them are multiparts.
    multiparts: usize,
    /// The boundary of what may be opened next.
    proposed: Option<Boundary>,
}

impl Stack {
    /// Remembers the boundary of what may be opened next.
    pub(super) fn propose(&mut self, boundary: &[u8]) {
        self.proposed = Some(Boundary::new(boundary));
    }

    pub(super) fn proposed(&self) -> &[u8] {
        self.proposed.as_ref().map_or(&[], Boundary::bytes)
    }

    /// Whether a line may be a delimiter both by the boundary that is proposed and by
    /// that of a multipart that is open.
    pub(super) fn is_proposed_shared(&self) -> bool {
        let mut multiparts = self.levels().filter(|level| level.stage.is_some());
        multiparts.any(|level| share(level.boundary.bytes(), self.proposed()))
    }

    /// The innermost first.
    fn levels(&self) -> impl Iterator<Item = &Level> {
        self.innermost.iter().chain(self.outer.iter().rev())
    }

    fn push(&mut self, level: Level) {
        self.outer.extend(self.innermost.replace(level));
    }

    /// Opens a leaf.
    #[inline]
    pub(super) fn push_leaf(&mut self, body: Mark) {
        self.leaf = Some(body);
    }

    /// Opens a message within.
    pub(super) fn push_message(&mut self, body: Mark) {
        self.push(Level {
            tail: Tail::of(&[]),
            body,
            boundary: Boundary::new(&[]),
            stage: None,
            digest: false,
            never: true,
        });
    }

    /// Opens a multipart, with the boundary that is proposed.
    pub(super) fn push_multipart(&mut self, body: Mark, digest: bool) {
        self.multiparts += 1;
        let boundary = self.proposed.take().unwrap_or_else(|| Boundary::new(&[]));
        let never = memchr(b'\n', boundary.bytes()).is_some();
        self.push(Level {
            tail: Tail::of(boundary.bytes()),
            body,
            boundary,
            stage: Some(Stage::Preamble),
            digest,
            never,
        });
    }

    /// Ends the innermost entity: where its body began, and of a multipart how far
    /// it was read.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(Mark, Option<Stage>)> {
        if let Some(leaf) = self.leaf.take() {
            return Some((leaf, None));
        }
        let level = self.innermost.take()?;
        self.innermost = self.outer.pop();
        self.multiparts -= usize::from(level.stage.is_some());
        Some((level.body, level.stage))
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        let innermost = usize::from(self.innermost.is_some());
        self.outer.len() + innermost + usize::from(self.leaf.is_some())
    }

    /// Whether any line could be a delimiter.
    #[inline]
    pub(super) fn has_boundaries(&self) -> bool {
        self.multiparts > 0
    }

    /// The innermost entity, if it is a multipart: its stage, and whether it is a
    /// digest.
    #[inline]
    pub(super) fn stage_mut(&mut self) -> Option<(&mut Stage, bool)> {
        let level = match self.leaf {
            None => self.innermost.as_mut()?,
            Some(_) => return None,
        };
        Some((level.stage.as_mut()?, level.digest))
    }

    /// What body bytes are now.
    #[inline]
    pub(super) fn place(&self) -> Place {
        let innermost = match self.leaf {
            None => self.innermost.as_ref(),
            Some(_) => return Place::Leaf,
        };
        match innermost.and_then(|level| level.stage) {
            Some(Stage::Epilogue) => Place::Epilogue,
            Some(Stage::Preamble | Stage::Parts) => Place::Preamble,
            None => Place::Leaf,
        }
    }

    /// The first line of `bytes` that is more than body, from the one at `line` on.
    /// `finished`: nothing comes behind them.
    ///
    /// Cost: one search for `\n--`, and [`classify`](Self::classify) for each.
    pub(super) fn next(&self, bytes: &[u8], mut line: usize, finished: bool) -> Next {
        loop {
            let rest = bytes.get(line..).unwrap_or_default();
            let eol = eol_before(bytes, line);
            let start = line - eol;
            match self.judge(rest, finished) {
                None => return Next::Body(start),
                Some((Line::Body, _)) => {}
                Some((Line::Suspect(suspect), _)) => return Next::Suspect { line, suspect },
                Some((Line::Delimiter(found), lf)) => {
                    let end = lf.map(|lf| line + lf + 1);
                    return Next::Delimiter {
                        start,
                        eol,
                        found,
                        end,
                    };
                }
            }
            match find_dashes(rest) {
                Some(lf) => line += lf + 1,
                None => return Next::Body(settled(bytes, finished)),
            }
        }
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
            Some((Line::Delimiter(found), lf)) => Next::Delimiter {
                start: 0,
                eol,
                found,
                end: lf.map(|lf| eol + lf + 1),
            },
            Some((Line::Body | Line::Suspect(_), _)) => Next::Body(eol),
        }
    }

    /// What the line is at the front of `bytes`, and where its LF is if it is no plain
    /// body and that is near; `None` when that cannot be told yet.
    #[inline(always)]
    fn judge(&self, bytes: &[u8], finished: bool) -> Option<(Line, Option<usize>)> {
        match bytes {
            [] | [b'-'] if !finished => None,
            [b'-', b'-', rest @ ..] => match self.usual(rest) {
                Some((line, lf)) => Some((line, Some(lf + 2))),
                None => self.unusual(bytes, finished),
            },
            _ => Some((Line::Body, None)),
        }
    }

    /// The same of a line that begins `--`.
    #[inline(never)]
    fn unusual(&self, bytes: &[u8], finished: bool) -> Option<(Line, Option<usize>)> {
        let window = bytes.get(..DECISIVE).unwrap_or(bytes);
        let lf = memchr(b'\n', window);
        let settled = lf.is_some() || finished || window.len() == DECISIVE;
        let line = window.get(..lf.unwrap_or(window.len()))?;
        settled.then(|| (self.classify(line), lf))
    }

    /// What most lines are that begin `--`, here without these: the delimiter of the
    /// innermost entity, with nothing behind it; and where its LF is. It is what
    /// [`classify`](Self::classify) says.
    #[inline]
    fn usual(&self, line: &[u8]) -> Option<(Line, usize)> {
        let open = self.innermost.as_ref()?;
        let tail = line.strip_prefix(open.boundary.bytes())?;
        let eol = match tail {
            [b'\r', b'\n', ..] => 1,
            [b'\n', ..] => 0,
            _ => return None,
        };
        if open.never || open.stage? == Stage::Epilogue {
            return None;
        }
        let found = Found {
            level: self.outer.len(),
            close: false,
            junk: false,
        };
        Some((Line::Delimiter(found), line.len() - tail.len() + eol))
    }

    /// What `line` is (without its LF; no more of it counts than [`DECISIVE`] bytes).
    ///
    /// The whole line must be a delimiter but for white space behind it, innermost
    /// multipart first; failing that, a close delimiter with junk behind it counts.
    /// (RFC 2046 5.1.1 would take any line that starts with a boundary. That
    /// cannot tell `--a` from `--ab`, and real mail has both.)
    ///
    /// Cost: a comparison with each open boundary, of a word where they end otherwise.
    pub(super) fn classify(&self, line: &[u8]) -> Line {
        let line = line.get(..DECISIVE).unwrap_or(line);
        let Some(rest) = line.strip_prefix(b"--") else {
            return Line::Body;
        };
        let mut second = Line::Body;
        let first = first_word(rest);
        let numbers = (0..=self.outer.len()).rev();
        for (level, open) in numbers.zip(self.levels()) {
            if !open.tail.is_in(rest, first) {
                continue;
            }
            let Some(stage) = open.stage.filter(|_| !open.never) else {
                continue;
            };
            let Some(tail) = rest.strip_prefix(open.boundary.bytes()) else {
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
            if stage == Stage::Epilogue {
                if !matches!(second, Line::Delimiter(_)) {
                    second = Line::Suspect(Suspect::AfterClose);
                }
                continue;
            }
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

/// Whether one is the other with at most what may stand behind it in a delimiter line:
/// `--`, or white space.
fn share(a: &[u8], b: &[u8]) -> bool {
    let behind = a.strip_prefix(b).or_else(|| b.strip_prefix(a));
    behind.is_some_and(|behind| behind.starts_with(b"--") || is_blank(behind))
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r'))
}

/// The length of the line end with which `bytes` begin.
#[inline]
pub(super) fn eol_at(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// The length of the line end before `line`.
#[inline]
pub(super) fn eol_before(bytes: &[u8], line: usize) -> usize {
    match bytes.get(..line) {
        Some([.., b'\r', b'\n']) => 2,
        Some([.., b'\n']) => 1,
        _ => 0,
    }
}

/// How many of `bytes`, in which no line begins `--`, are body whatever comes behind them.
#[inline]
pub(super) fn settled(bytes: &[u8], finished: bool) -> usize {
    match finished {
        true => bytes.len(),
        false => bytes.len() - undecided(bytes),
    }
}

/// The length of what may be the front of `CRLF--` or `LF--` at the end of `bytes`.
#[inline]
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
            stack.propose(boundary.as_bytes());
            stack.push_multipart(Mark::default(), false);
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
    fn boundaries_of_any_length_are_known_by_all_of_it() {
        for length in 1..30 {
            let boundary = &"0123456789abcdefghijklmnopqrstuvw"[..length];
            let s = stack(&[(boundary, Stage::Parts), ("other", Stage::Parts)]);
            let line = alloc::format!("--{boundary}");
            assert_eq!(s.classify(line.as_bytes()), delimiter(0, false, false));
            let close = alloc::format!("--{boundary}--");
            assert_eq!(s.classify(close.as_bytes()), delimiter(0, true, false));
            let near = alloc::format!("--{boundary}x");
            assert_eq!(s.classify(near.as_bytes()), Line::Suspect(Suspect::Near));
            for at in 2..line.len() {
                let mut other = line.clone().into_bytes();
                assert_eq!(s.classify(&other[..at]), Line::Body, "{line} to {at}");
                other[at] ^= 1;
                assert_eq!(s.classify(&other), Line::Body, "{line} but at {at}");
            }
        }
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

    fn next(stack: &Stack, bytes: &[u8], finished: bool) -> Next {
        match find_dashes(bytes) {
            Some(lf) => stack.next(bytes, lf + 1, finished),
            None => Next::Body(settled(bytes, finished)),
        }
    }

    #[test]
    fn what_could_become_a_delimiter_waits() {
        let s = stack(&[("a", Stage::Parts)]);
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
            let bytes = bytes.as_bytes();
            assert_eq!(next(&s, bytes, false), Next::Body(body));
            let end = next(&s, bytes, true);
            match bytes.ends_with(b"a") {
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
        fn is_shared(stack: &mut Stack, boundary: &[u8]) -> bool {
            stack.propose(boundary);
            assert_eq!(stack.proposed(), boundary);
            stack.is_proposed_shared()
        }
        let mut s = stack(&[("a", Stage::Parts)]);
        s.push_message(Mark::default());
        s.propose(b"bc");
        s.push_multipart(Mark::default(), true);
        assert!(is_shared(&mut s, b"bc") && is_shared(&mut s, b"a") && !is_shared(&mut s, b"abc"));
        assert_eq!(s.place(), Place::Preamble);
        assert_eq!(s.pop().unwrap().1, Some(Stage::Preamble));
        assert_eq!((s.pop().unwrap().1, s.place()), (None, Place::Preamble));
        assert!(is_shared(&mut s, b"a") && !is_shared(&mut s, b"bc"));
        // A line of the one is one of the other too.
        assert!(
            is_shared(&mut s, b"a--") && is_shared(&mut s, b"a--x") && is_shared(&mut s, b"a \t")
        );
        assert!(!is_shared(&mut s, b"a-") && !is_shared(&mut s, b"a x"));
        assert!(s.has_boundaries());
        assert_eq!(s.pop().unwrap().1, Some(Stage::Parts));
        assert!(!s.has_boundaries() && !is_shared(&mut s, b"a"));
    }
}

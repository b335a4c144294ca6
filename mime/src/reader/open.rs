//! The entities that are open, and which of them a line ends.

use alloc::vec::Vec;

use super::event::Place;
use super::mark::Mark;

/// Bytes of a line that may make it a delimiter. A line that is white space up to
/// here, behind a boundary, is one whatever follows.
const LINE: usize = 998;

/// An entity whose body is being read.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) body: Mark,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Leaf,
    Message,
    Multipart {
        boundary: Vec<u8>,
        digest: bool,
        stage: Stage,
    },
}

/// How far a multipart was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Preamble,
    Parts,
    Epilogue,
}

/// What a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Found {
    /// A line of the body.
    #[default]
    Line,
    /// A line that looks like a delimiter to other readers.
    Suspect(Suspect),
    /// A delimiter of the multipart at `level`.
    Delimiter {
        level: usize,
        close: bool,
        junk: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspect {
    Near,
    AfterClose,
}

/// The open entities, outermost first.
#[derive(Debug, Default)]
pub(super) struct Stack {
    open: Vec<Open>,
    /// How many are multiparts.
    multiparts: usize,
}

impl Stack {
    /// The longest boundary that is looked for.
    pub(super) const BOUNDARY: usize = LINE - 4;

    pub(super) fn push(&mut self, open: Open) {
        self.multiparts += usize::from(matches!(open.kind, Kind::Multipart { .. }));
        self.open.push(open);
    }

    pub(super) fn pop(&mut self) -> Option<Open> {
        let open = self.open.pop()?;
        self.multiparts -= usize::from(matches!(open.kind, Kind::Multipart { .. }));
        Some(open)
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn top(&self) -> Option<&Open> {
        self.open.last()
    }

    /// Whether any line could be a delimiter.
    pub(super) fn has_boundaries(&self) -> bool {
        self.multiparts > 0
    }

    pub(super) fn has_boundary(&self, wanted: &[u8]) -> bool {
        self.open
            .iter()
            .any(|o| matches!(&o.kind, Kind::Multipart { boundary, .. } if boundary == wanted))
    }

    pub(super) fn stage_mut(&mut self) -> Option<(&mut Stage, bool)> {
        match &mut self.open.last_mut()?.kind {
            Kind::Multipart { stage, digest, .. } => Some((stage, *digest)),
            _ => None,
        }
    }

    /// What body bytes are now.
    pub(super) fn place(&self) -> Place {
        match self.top().map(|o| &o.kind) {
            Some(Kind::Multipart {
                stage: Stage::Epilogue,
                ..
            }) => Place::Epilogue,
            Some(Kind::Multipart { .. }) => Place::Preamble,
            _ => Place::Leaf,
        }
    }

    /// Bytes of a line that settle what it is: all of it, or this many.
    pub(super) const fn decisive() -> usize {
        LINE + 2
    }

    /// What `line` is (without its LF; no more of it counts than
    /// [`decisive`](Self::decisive) bytes).
    ///
    /// The whole line must be a delimiter but for white space behind it, innermost
    /// multipart first; failing that, a close delimiter with junk behind it counts.
    /// (RFC 2046 5.1.1 would take any line that starts with a boundary. That
    /// cannot tell `--a` from `--ab`, and real mail has both.)
    ///
    /// Cost: a comparison with each open boundary.
    pub(super) fn classify(&self, line: &[u8]) -> Found {
        let line = line.get(..Self::decisive()).unwrap_or(line);
        let Some(rest) = line.strip_prefix(b"--") else {
            return Found::Line;
        };
        let mut second = Found::Line;
        for (level, open) in self.open.iter().enumerate().rev() {
            let Kind::Multipart {
                boundary, stage, ..
            } = &open.kind
            else {
                continue;
            };
            let Some(tail) = rest.strip_prefix(boundary.as_slice()) else {
                continue;
            };
            let (close, junk) = match tail.strip_prefix(b"--") {
                Some(behind) => (true, !is_blank(behind)),
                None if is_blank(tail) => (false, false),
                None => {
                    if second == Found::Line {
                        second = Found::Suspect(Suspect::Near);
                    }
                    continue;
                }
            };
            if *stage == Stage::Epilogue {
                if !matches!(second, Found::Delimiter { .. }) {
                    second = Found::Suspect(Suspect::AfterClose);
                }
                continue;
            }
            let found = Found::Delimiter { level, close, junk };
            if !junk {
                return found;
            }
            if !matches!(second, Found::Delimiter { .. }) {
                second = found;
            }
        }
        second
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(boundaries: &[(&str, Stage)]) -> Stack {
        let mut stack = Stack::default();
        for (boundary, stage) in boundaries {
            stack.push(Open {
                body: Mark::default(),
                kind: Kind::Multipart {
                    boundary: boundary.as_bytes().to_vec(),
                    digest: false,
                    stage: *stage,
                },
            });
        }
        stack
    }

    fn delimiter(level: usize, close: bool, junk: bool) -> Found {
        Found::Delimiter { level, close, junk }
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
        assert_eq!(s.classify(b"--abc"), Found::Suspect(Suspect::Near));
        assert_eq!(s.classify(b"--x"), Found::Line);
        assert_eq!(s.classify(b"a"), Found::Line);
        assert_eq!(s.classify(b""), Found::Line);
    }

    #[test]
    fn the_innermost_multipart_that_is_not_closed_takes_the_line() {
        let s = stack(&[("a", Stage::Parts), ("a", Stage::Epilogue)]);
        assert_eq!(s.classify(b"--a"), delimiter(0, false, false));
        let s = stack(&[("x", Stage::Parts), ("a", Stage::Epilogue)]);
        assert_eq!(s.classify(b"--a--"), Found::Suspect(Suspect::AfterClose));
    }

    #[test]
    fn white_space_without_end_does_not_hide_a_delimiter() {
        let s = stack(&[("a", Stage::Parts)]);
        let mut line = b"--a".to_vec();
        line.resize(Stack::decisive(), b' ');
        assert_eq!(s.classify(&line), delimiter(0, false, false));
        line.push(b'x');
        assert_eq!(s.classify(&line), delimiter(0, false, false));
    }
}

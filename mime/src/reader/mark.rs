//! Counting bytes and line ends as they pass.

use memchr::memchr_iter;

/// How large a stretch of a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Size {
    /// Bytes as stored.
    pub octets: u64,
    /// Line ends, CRLF or bare LF. A last line without one does not count.
    pub lines: u64,
    /// Bytes if every line ended in CRLF, as IMAP counts (RFC 3501 2.3.4).
    pub crlf_octets: u64,
}

/// A place in the message, with what came before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) offset: u64,
    /// Line ends before it.
    pub(crate) lines: u64,
    /// Those that are a bare LF.
    pub(crate) bare: u64,
    /// The byte before it is a CR.
    pub(crate) after_cr: bool,
}

impl Mark {
    /// Moves behind `bytes`.
    pub(crate) fn pass(&mut self, bytes: &[u8]) {
        for lf in memchr_iter(b'\n', bytes) {
            let cr = match lf.checked_sub(1) {
                Some(before) => bytes.get(before) == Some(&b'\r'),
                None => self.after_cr,
            };
            self.lines += 1;
            self.bare += u64::from(!cr);
        }
        self.offset += bytes.len() as u64;
        if let Some(last) = bytes.last() {
            self.after_cr = *last == b'\r';
        }
    }

    /// Both kinds of line ends came before it.
    pub(crate) fn is_mixed(&self) -> bool {
        self.bare > 0 && self.bare < self.lines
    }

    /// The line end in `bytes`, which begin here, with which both kinds are there.
    pub(crate) fn first_mixed(mut self, bytes: &[u8]) -> Option<u64> {
        let mut at = 0;
        for lf in memchr_iter(b'\n', bytes) {
            self.pass(bytes.get(at..=lf)?);
            at = lf + 1;
            if self.is_mixed() {
                return Some(self.offset - 1);
            }
        }
        None
    }

    /// The size of what lies between `start` and here.
    pub(crate) fn since(&self, start: &Mark) -> Size {
        let octets = self.offset.saturating_sub(start.offset);
        Size {
            octets,
            lines: self.lines.saturating_sub(start.lines),
            crlf_octets: octets + self.bare.saturating_sub(start.bare),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_count_the_same_at_any_cut() {
        let text = b"a\r\nb\n\r\n\n\rc\r";
        let mut whole = Mark::default();
        whole.pass(text);
        assert_eq!((whole.lines, whole.bare), (4, 2));
        for cut in 0..=text.len() {
            let mut mark = Mark::default();
            mark.pass(&text[..cut]);
            mark.pass(&text[cut..]);
            assert_eq!(mark, whole);
        }
        let size = whole.since(&Mark::default());
        assert_eq!((size.octets, size.lines, size.crlf_octets), (11, 4, 13));
    }
}

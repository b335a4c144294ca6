//! `text/plain; format=flowed` (RFC 3676): lines that a narrow screen may wrap anew.
//!
//! A line that ends in a space goes on in the next one, if that is quoted as deep; with
//! `delsp=yes` that space is not of the text. `>` at the start of a line is a level of
//! quotation, and one space behind them is no text either (space-stuffing).
//!
//! ```
//! use scop_mime::flowed::{Paragraph, flow, paragraphs};
//!
//! let text = "> Do you \r\n> like it?\r\nI do not \r\nknow.\r\n-- \r\nAnn\r\n";
//! let read: Vec<Paragraph> = paragraphs(text, false).collect();
//! assert_eq!(read[0], Paragraph { depth: 1, text: "Do you like it?".into() });
//! assert_eq!(read[1], Paragraph { depth: 0, text: "I do not know.".into() });
//! assert!(read[2].is_signature());
//! assert_eq!(flow(read, 12, false), "> Do you \r\n> like it?\r\nI do not \r\nknow.\r\n-- \r\nAnn\r\n");
//! ```

use alloc::borrow::Cow;
use alloc::string::String;
use core::iter::FusedIterator;

/// A paragraph: what is shown as one, in lines as long as the screen is wide. A fixed
/// line, which must not be wrapped with others, is one too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paragraph<'a> {
    /// How deep it is quoted; 0 is the author's own.
    pub depth: usize,
    /// Its text, without line ends.
    pub text: Cow<'a, str>,
}

impl Paragraph<'_> {
    /// The separator before a signature: `-- ` (RFC 3676 4.3).
    #[must_use]
    pub fn is_signature(&self) -> bool {
        self.text == SIGNATURE
    }
}

/// How wide a text is written: the last space of a line is one of them (RFC 3676 4.2).
pub(crate) const WIDTH: usize = 72;

pub(crate) const SIGNATURE: &str = "-- ";

/// The paragraphs of a text in format=flowed; `delsp` is whether the type has
/// `delsp=yes` (RFC 3676 4.1). Takes CRLF and LF. Each byte is looked at once, and a
/// paragraph of one line is borrowed.
#[must_use]
pub fn paragraphs(text: &str, delsp: bool) -> Paragraphs<'_> {
    Paragraphs { rest: text, delsp }
}

/// The paragraphs of [`paragraphs`].
#[derive(Clone, Debug)]
pub struct Paragraphs<'a> {
    rest: &'a str,
    delsp: bool,
}

impl<'a> Paragraphs<'a> {
    /// The next line without its end, stuffing and quotes: how deep, and what is behind.
    fn line(&self) -> (usize, &'a str, &'a str) {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        let line = line.strip_suffix('\r').unwrap_or(line);
        let text = line.trim_start_matches('>');
        let depth = line.len() - text.len();
        (depth, text.strip_prefix(' ').unwrap_or(text), rest)
    }

    /// What a line gives to its paragraph, if it goes on in the next.
    fn flowed(&self, text: &'a str) -> Option<&'a str> {
        let cut = text.strip_suffix(' ').filter(|_| text != SIGNATURE)?;
        Some(if self.delsp { cut } else { text })
    }
}

impl<'a> Iterator for Paragraphs<'a> {
    type Item = Paragraph<'a>;

    fn next(&mut self) -> Option<Paragraph<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (depth, first, rest) = self.line();
        self.rest = rest;
        let mut open = self.flowed(first);
        let mut text = Cow::Borrowed(open.unwrap_or(first));
        while open.is_some() && !self.rest.is_empty() {
            let (next_depth, line, rest) = self.line();
            // Another depth, or a signature, ends it all the same (RFC 3676 4.3, 4.5).
            if next_depth != depth || line == SIGNATURE {
                break;
            }
            self.rest = rest;
            open = self.flowed(line);
            text.to_mut().push_str(open.unwrap_or(line));
        }
        Some(Paragraph { depth, text })
    }
}

impl FusedIterator for Paragraphs<'_> {}

/// A text in format=flowed as plain text: a line for each paragraph, `> ` for each level
/// of quotation. Lines end in LF.
///
/// ```
/// let text = ">> a \r\n>> b\r\nc\r\n";
/// assert_eq!(scop_mime::flowed::unflow(text, false), ">> a b\nc\n");
/// ```
#[must_use]
pub fn unflow(text: &str, delsp: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for paragraph in paragraphs(text, delsp) {
        quote(paragraph.depth, &mut out);
        if paragraph.depth > 0 && !paragraph.text.is_empty() {
            out.push(' ');
        }
        out.push_str(&paragraph.text);
        out.push('\n');
    }
    out
}

fn quote(depth: usize, out: &mut String) {
    out.extend(core::iter::repeat_n('>', depth));
}

/// Writes paragraphs in format=flowed, in lines of at most `width` characters where
/// they can be broken: 72 is usual (RFC 3676 4.2 asks for no more than 78). Lines end in
/// CRLF. Spaces at the end of a paragraph are left out, for they would join it with the
/// next; a line end within one makes two.
///
/// Lines are broken behind spaces. With `delsp`, words that are too long are broken too,
/// which suits languages that are written without spaces; the type must say `delsp=yes`
/// then.
#[must_use]
pub fn flow<'a>(
    paragraphs: impl IntoIterator<Item = Paragraph<'a>>,
    width: usize,
    delsp: bool,
) -> String {
    let mut out = String::new();
    for paragraph in paragraphs {
        for text in paragraph.text.split('\n') {
            let text = text.strip_suffix('\r').unwrap_or(text);
            let quoted = paragraph.depth + usize::from(paragraph.depth > 0);
            let room = width.saturating_sub(quoted).max(4);
            if text == SIGNATURE {
                line(paragraph.depth, text, "", &mut out);
                continue;
            }
            let mut rest = text.trim_end_matches(' ');
            loop {
                let cut = cut(rest, room, delsp);
                let (now, behind) = rest.split_at(cut);
                let more = !behind.is_empty();
                line(
                    paragraph.depth,
                    now,
                    if more && delsp { " " } else { "" },
                    &mut out,
                );
                if !more {
                    break;
                }
                rest = behind;
            }
        }
    }
    out
}

/// Where a line of `text` ends: behind the last space that fits, else behind the first
/// one.
fn cut(text: &str, room: usize, delsp: bool) -> usize {
    let room = room - usize::from(delsp);
    let Some((end, _)) = text.char_indices().nth(room) else {
        return text.len();
    };
    // The space that ends a line need not be seen: it may be one too many.
    let window = text.get(..end).unwrap_or(text);
    let is_good = |at: &usize| text.get(..*at + 1) != Some(SIGNATURE);
    let last = window.rmatch_indices(' ').map(|m| m.0).find(is_good);
    if let Some(at) = last {
        return at + 1;
    }
    if delsp {
        return end;
    }
    let mut later = text.match_indices(' ').map(|m| m.0).filter(|at| *at >= end);
    later.find(is_good).map_or(text.len(), |at| at + 1)
}

fn line(depth: usize, text: &str, space: &str, out: &mut String) {
    quote(depth, out);
    // RFC 3676 4.4; behind quotes it looks better, too.
    let stuffed = text.starts_with([' ', '>']) || text.starts_with("From ");
    if stuffed || (depth > 0 && !text.is_empty()) {
        out.push(' ');
    }
    out.push_str(text);
    out.push_str(space);
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn read(text: &str, delsp: bool) -> Vec<(usize, String)> {
        let read = paragraphs(text, delsp);
        read.map(|p| (p.depth, p.text.into_owned())).collect()
    }

    #[test]
    fn rfc3676_section_4_2_and_5() {
        // The Mad Hatter's question, as section 5 has it.
        let text = "`Take some more tea,' the March Hare said to Alice, very \r\nearnestly.\r\n\r\n\
            `I've had nothing yet,' Alice replied in an offended \r\ntone, `so I can't take more.'\r\n";
        assert_eq!(
            read(text, false),
            [
                (0, "`Take some more tea,' the March Hare said to Alice, very earnestly.".into()),
                (0, String::new()),
                (0, "`I've had nothing yet,' Alice replied in an offended tone, `so I can't take more.'".into()),
            ]
        );
    }

    #[test]
    fn rfc3676_section_4_5_quotes() {
        let text = ">>>Take some more tea.\r\n>>T've had nothing yet, so I can't take more.\r\n\
            >You mean you can't take LESS, it's very easy to take \r\n>MORE than nothing.\r\n";
        let depths: Vec<usize> = read(text, false).into_iter().map(|p| p.0).collect();
        assert_eq!(depths, [3, 2, 1]);
        // Another depth ends a paragraph that would go on.
        assert_eq!(
            read("> a \r\nb\r\n", false),
            [(1, "a ".into()), (0, "b".into())]
        );
    }

    #[test]
    fn stuffing_signatures_and_delsp() {
        assert_eq!(
            read(" From me\n >x\n", false),
            [(0, "From me".into()), (0, ">x".into())]
        );
        let text = "a \r\n-- \r\nAnn\r\n";
        assert_eq!(
            read(text, false),
            [(0, "a ".into()), (0, "-- ".into()), (0, "Ann".into())]
        );
        assert_eq!(read("to \r\ngether", true), [(0, "together".into())]);
        assert_eq!(read("a  \r\nb", true), [(0, "a b".into())]);
        assert_eq!(
            read("> -- \r\n> x", false),
            [(1, "-- ".into()), (1, "x".into())]
        );
        assert_eq!(read("", false), []);
    }

    #[test]
    fn lines_are_wrapped() {
        let p = |depth, text: &'static str| Paragraph {
            depth,
            text: text.into(),
        };
        assert_eq!(flow([p(0, "aaa bbb ccc")], 8, false), "aaa bbb \r\nccc\r\n");
        assert_eq!(flow([p(2, "aaa bbb")], 7, false), ">> aaa \r\n>> bbb\r\n");
        assert_eq!(
            flow([p(0, "aaaaaaaaaaaa b")], 4, false),
            "aaaaaaaaaaaa \r\nb\r\n"
        );
        assert_eq!(
            flow([p(0, "日本語日本語")], 5, true),
            "日本語日 \r\n本語\r\n"
        );
        assert_eq!(flow([p(0, "-- a bcdefg")], 4, false), "-- a \r\nbcdefg\r\n");
        assert_eq!(flow([p(1, ""), p(0, "-- ")], 9, false), ">\r\n-- \r\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn what_was_flowed_is_what_it_was(
            texts in prop::collection::vec((0usize..4, "(-- |-- -- [a-z ]{0,9}|([>a-zé日 -]|From ){0,60}[a-z>.])?"), 0..6),
            width in 0usize..80,
            delsp: bool,
        ) {
            let said: Vec<(usize, String)> = texts;
            let said: Vec<(usize, String)> = said.into_iter().map(|(depth, text)| {
                let trimmed = if text == SIGNATURE { &text[..] } else { text.trim_end_matches(' ') };
                (depth, trimmed.into())
            }).collect();
            let paragraphs = said.iter().map(|(depth, text)| Paragraph { depth: *depth, text: text.as_str().into() });
            prop_assert_eq!(read(&flow(paragraphs, width, delsp), delsp), said);
        }
    }
}

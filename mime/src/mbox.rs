//! Mailboxes in one file: mbox (RFC 4155), read and written.
//!
//! Each message follows a *separator*, a line that begins `From `, and an empty line
//! ends it. Lines of the message that would be separators are quoted, or are not,
//! depending on who wrote the file: [`Quoting`] says which, and with that what a
//! separator is. `Content-Length` says nothing here: it is wrong as soon as a program
//! that does not know it edits the file.
//!
//! ```
//! use scop_mime::Message;
//! use scop_mime::mbox::{Mbox, Quoting};
//!
//! let file = b"From ann@a.test Sat Jan  3 01:05:34 1996\nSubject: one\n\n>From here\n\n\
//!     From bob@b.test Sun Jan  4 01:05:34 1996\nSubject: two\n\n";
//! let subjects: Vec<_> = Mbox::new(file, Quoting::Mboxrd)
//!     .map(|entry| {
//!         let message = entry.message();
//!         let message = Message::parse(&message);
//!         (entry.sender().to_vec(), message.header().subject().unwrap().into_owned())
//!     })
//!     .collect();
//! assert_eq!(subjects[0], (b"ann@a.test".to_vec(), "one".into()));
//! assert_eq!(subjects[1], (b"bob@b.test".to_vec(), "two".into()));
//! ```

use alloc::borrow::Cow;
use alloc::vec::Vec;

use memchr::{memchr, memmem};
use thiserror::Error;

use crate::DateTime;

/// What is done with lines of a message that begin `From `.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Quoting {
    /// A line `From ` has a `>` before it, and a line `>From ` one more: nothing is
    /// lost. Every line that begins `From ` is a separator.
    #[default]
    Mboxrd,
    /// A line `From ` has a `>` before it; `>From ` has not, so that a reader cannot
    /// know which it was. Every line that begins `From ` is a separator.
    Mboxo,
    /// Nothing, as in RFC 4155. A separator is a line that begins `From `, has a time
    /// (`12:34`) in it, and is the first line or follows an empty one.
    None,
}

impl Quoting {
    /// Whether so many `>` before `From ` are one too many.
    fn unquotes(self, marks: usize) -> bool {
        match self {
            Quoting::Mboxrd => marks > 0,
            Quoting::Mboxo => marks == 1,
            Quoting::None => false,
        }
    }

    fn is_separator(self, line: &[u8], behind_empty: bool) -> bool {
        let is_time = |w: &[u8]| {
            w.iter().enumerate().all(|(n, b)| match n {
                2 => *b == b':',
                _ => b.is_ascii_digit(),
            })
        };
        self != Quoting::None || (behind_empty && line.windows(5).any(is_time))
    }
}

/// With what a separator begins.
const FROM: &[u8] = b"From ";

/// Bytes of a line that settle what it is.
const DECISIVE: usize = 1000;

/// The first thing in some bytes of a message that is more than message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Nothing: so many bytes are message, the rest waits for what comes behind it.
    Data(usize),
    /// A quoted line begins here.
    Quoted(usize),
    /// The message ends at `end`, and a separator begins at `line`.
    Separator { end: usize, line: usize },
}

/// What is before some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Nothing: the file begins.
    Nothing,
    /// A line end; not an empty line, which waits for what is behind it.
    Line,
    Text,
}

/// Looks from `from` on. `finished`: nothing comes behind the bytes.
fn next(bytes: &[u8], from: usize, before: Before, quoting: Quoting, finished: bool) -> Next {
    let at_line = before != Before::Text;
    let begins = |at: usize| match at.checked_sub(1) {
        Some(before) => bytes.get(before) == Some(&b'\n'),
        None => at_line,
    };
    let mut at = from;
    while let Some(hit) = memmem::find(bytes.get(at..).unwrap_or_default(), FROM) {
        let hit = at + hit;
        let head = bytes.get(at..hit).unwrap_or_default();
        let marks = head.iter().rev().take_while(|b| **b == b'>').count();
        at = hit + FROM.len();
        if !begins(hit - marks) {
            continue;
        }
        if quoting.unquotes(marks) {
            return Next::Quoted(hit - marks);
        }
        if marks > 0 {
            continue;
        }
        let line = bytes.get(hit..).unwrap_or_default();
        let end = end_of_data(bytes, hit, at_line);
        let length = match memchr(b'\n', line.get(..DECISIVE).unwrap_or(line)) {
            Some(lf) => lf,
            None if finished || line.len() >= DECISIVE => line.len().min(DECISIVE),
            None => return Next::Data(end),
        };
        let behind_empty = end < hit || (hit == 0 && before == Before::Nothing);
        if quoting.is_separator(line.get(..length).unwrap_or(line), behind_empty) {
            return Next::Separator { end, line: hit };
        }
    }
    if finished {
        let end = match begins(bytes.len()) {
            true => end_of_data(bytes, bytes.len(), at_line),
            false => bytes.len(),
        };
        return Next::Data(end);
    }
    // The last line may be the front of one that counts.
    let line = memchr::memrchr(b'\n', bytes).map_or(0, |lf| lf + 1);
    let rest = bytes.get(line..).unwrap_or_default();
    let marks = rest.iter().take_while(|b| **b == b'>').count();
    let behind = rest.get(marks..).unwrap_or_default();
    let open = rest.len() < DECISIVE && (FROM.starts_with(behind) || rest == b"\r");
    match open && begins(line) {
        true => Next::Data(end_of_data(bytes, line, at_line)),
        false => Next::Data(bytes.len()),
    }
}

/// Where a message ends behind which a line begins at `line`: an empty line before it
/// is not part of it.
fn end_of_data(bytes: &[u8], line: usize, at_line: bool) -> usize {
    let eol = match bytes.get(..line) {
        Some([.., b'\r', b'\n']) => 2,
        Some([.., b'\n']) => 1,
        _ => 0,
    };
    let empty = match line - eol {
        0 => at_line,
        before => bytes.get(before - 1) == Some(&b'\n'),
    };
    if empty { line - eol } else { line }
}

/// The length of the separator with which `bytes` begin, its line end included.
fn separator_length(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |lf| lf + 1)
}

/// The messages of an mbox that is whole in memory.
///
/// Bytes before the first separator, if there are any, are a message without one.
/// Cost: one search through the file.
#[derive(Clone, Debug)]
pub struct Mbox<'a> {
    file: &'a [u8],
    at: usize,
    quoting: Quoting,
}

impl<'a> Mbox<'a> {
    /// The messages of `file`.
    #[must_use]
    pub fn new(file: &'a [u8], quoting: Quoting) -> Self {
        Mbox {
            file,
            at: 0,
            quoting,
        }
    }
}

/// A message in an mbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where its separator begins in the file.
    pub offset: u64,
    /// The separator, with its line end; empty for what comes before the first one.
    pub separator: &'a [u8],
    /// The message as it is stored: quoted.
    pub raw: &'a [u8],
    quoting: Quoting,
}

impl<'a> Entry<'a> {
    /// Who sent it, by the separator: what is between `From ` and the next space.
    #[must_use]
    pub fn sender(&self) -> &'a [u8] {
        let line = self.separator.get(FROM.len()..).unwrap_or_default();
        let mut words = line.split(u8::is_ascii_whitespace);
        words.next().unwrap_or_default()
    }

    /// When it was received, by the separator: what is behind the sender, in UTC unless it
    /// says otherwise.
    ///
    /// ```
    /// use scop_mime::mbox::{Mbox, Quoting};
    ///
    /// let file = b"From ann@a.test Wed Jan  3 01:05:34 1996\nSubject: x\n\n";
    /// let entry = Mbox::new(file, Quoting::Mboxrd).next().unwrap();
    /// assert_eq!(entry.received().unwrap().to_unix(), 820_631_134);
    /// ```
    #[must_use]
    pub fn received(&self) -> Option<DateTime> {
        let line = self.separator.get(FROM.len()..)?.trim_ascii_start();
        DateTime::parse(line.get(self.sender().len()..)?)
    }

    /// The message, quotes removed; borrowed where there are none.
    #[must_use]
    pub fn message(&self) -> Cow<'a, [u8]> {
        let mut out = Vec::new();
        let (mut from, mut at) = (0, 0);
        loop {
            match next(self.raw, at, Before::Line, self.quoting, true) {
                Next::Quoted(mark) => {
                    out.extend_from_slice(self.raw.get(from..mark).unwrap_or_default());
                    from = mark + 1;
                    at = from + FROM.len();
                }
                Next::Separator { line, .. } => at = line + FROM.len(),
                Next::Data(_) => break,
            }
        }
        if from == 0 {
            return Cow::Borrowed(self.raw);
        }
        out.extend_from_slice(self.raw.get(from..).unwrap_or_default());
        Cow::Owned(out)
    }
}

impl<'a> Iterator for Mbox<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let file = self.file.get(self.at..).filter(|f| !f.is_empty())?;
        let offset = self.at as u64;
        let length = match next(file, 0, Before::Nothing, self.quoting, true) {
            Next::Separator { line: 0, .. } => separator_length(file),
            _ => 0,
        };
        let (separator, rest) = file.split_at_checked(length)?;
        let mut from = 0;
        let (end, line) = loop {
            match next(rest, from, Before::Line, self.quoting, true) {
                Next::Quoted(mark) => from = mark + 1 + FROM.len(),
                Next::Separator { end, line } => break (end, line),
                Next::Data(end) => break (end, rest.len()),
            }
        };
        self.at += length + line;
        if length == 0 && end == 0 {
            return self.next(); // an empty line before the first separator
        }
        Some(Entry {
            offset,
            separator,
            raw: rest.get(..end)?,
            quoting: self.quoting,
        })
    }
}

/// What is next in an mbox that streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MboxEvent<'a> {
    /// A message begins: its separator with its line end, of which no more than some
    /// thousand bytes are given; empty for what comes before the first separator.
    Start(&'a [u8]),
    /// Bytes of the message, quotes removed. How they are cut says nothing.
    Data(&'a [u8]),
    /// The message is over.
    End,
}

/// Reads an mbox as it streams, in memory that does not grow: at most some thousand
/// bytes of a line.
///
/// ```
/// use scop_mime::mbox::{MboxEvent, MboxReader, Quoting};
///
/// let mut reader = MboxReader::new(Quoting::Mboxrd);
/// let (mut messages, mut text) = (0, Vec::new());
/// for mut chunk in [&b"From a@b.test Sat Jan  3 01:05:34 1996\nA: b\n\n>Fr"[..], b"om x\n\nFrom "] {
///     while let Some(event) = reader.read(&mut chunk) {
///         match event {
///             MboxEvent::Start(_) => messages += 1,
///             MboxEvent::Data(data) => text.extend_from_slice(data),
///             MboxEvent::End => {}
///         }
///     }
/// }
/// reader.finish(); // and then read on, with an empty input, till there is nothing more
/// assert_eq!(text, b"A: b\n\nFrom x\n");
/// ```
#[derive(Debug)]
pub struct MboxReader {
    quoting: Quoting,
    /// Bytes that were taken and not given out yet.
    carry: Vec<u8>,
    /// So many of the next bytes were given out, or are not wanted.
    over: usize,
    /// A separator begins behind those.
    separator: bool,
    /// The rest of a separator is being dropped.
    in_separator: bool,
    open: bool,
    before: Before,
    /// That line is known: the search goes on so far into the bytes.
    known: usize,
    finished: bool,
}

impl MboxReader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new(quoting: Quoting) -> Self {
        MboxReader {
            quoting,
            carry: Vec::new(),
            over: 0,
            separator: false,
            in_separator: false,
            open: false,
            before: Before::Nothing,
            known: 0,
            finished: false,
        }
    }

    /// No more bytes will come: go on reading with an empty input.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next event, with bytes taken off the front of `input` for it. `None` when
    /// more input is needed, and after [`finish`](Self::finish) when all is over.
    pub fn read<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Option<MboxEvent<'s>> {
        loop {
            if self.over > 0 {
                let held = self.over.min(self.carry.len());
                self.carry.drain(..held);
                take(input, core::mem::take(&mut self.over) - held);
            }
            let held = !self.carry.is_empty();
            let bytes = if held { &self.carry[..] } else { *input };
            if self.in_separator {
                self.over = separator_length(bytes);
                self.in_separator = !bytes.ends_with(b"\n") && self.over == bytes.len();
                match self.over {
                    0 => self.in_separator = !self.finished,
                    _ => continue,
                }
                if self.in_separator {
                    return None;
                }
                continue;
            }
            if bytes.is_empty() {
                return (self.finished && core::mem::take(&mut self.open))
                    .then_some(MboxEvent::End);
            }
            if self.separator {
                if core::mem::take(&mut self.open) {
                    return Some(MboxEvent::End);
                }
                return Some(self.start(input));
            }
            let last = self.finished && (!held || input.is_empty());
            let found = next(bytes, self.known, self.before, self.quoting, last);
            let length = bytes.len();
            let given = match found {
                Next::Separator { end: 0, line } => {
                    self.over = line;
                    self.separator = true;
                    self.known = 0;
                    continue;
                }
                Next::Data(0) if last => {
                    self.over = length;
                    continue;
                }
                Next::Data(0) if !held => {
                    self.carry.extend_from_slice(take(input, usize::MAX));
                    return None;
                }
                Next::Data(0) => {
                    if input.is_empty() {
                        return None;
                    }
                    let window = input.get(..DECISIVE).unwrap_or(input);
                    let more = memchr(b'\n', window).map_or(window.len(), |lf| lf + 1);
                    self.carry.extend_from_slice(take(input, more));
                    continue;
                }
                _ if !self.open => {
                    self.open = true;
                    return Some(MboxEvent::Start(&[]));
                }
                Next::Quoted(0) => {
                    self.over = 1;
                    // Behind its mark the line is as it was written.
                    self.known = FROM.len();
                    continue;
                }
                Next::Data(n) | Next::Quoted(n) | Next::Separator { end: n, .. } => n,
            };
            self.known = 0;
            return Some(self.data(given, input));
        }
    }

    /// Gives out the separator in front; a long one in part.
    fn start<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> MboxEvent<'s> {
        self.separator = false;
        self.open = true;
        self.before = Before::Line;
        let held = !self.carry.is_empty();
        let bytes = if held { &self.carry[..] } else { *input };
        let whole = separator_length(bytes);
        let shown = whole.min(DECISIVE);
        self.in_separator = whole > shown || bytes.get(whole.wrapping_sub(1)) != Some(&b'\n');
        match held {
            true => {
                self.over = shown;
                MboxEvent::Start(self.carry.get(..shown).unwrap_or_default())
            }
            false => MboxEvent::Start(take(input, shown)),
        }
    }

    fn data<'s, 'i: 's>(&'s mut self, length: usize, input: &mut &'i [u8]) -> MboxEvent<'s> {
        let held = !self.carry.is_empty();
        let data = match held {
            true => {
                self.over = length;
                self.carry.get(..length).unwrap_or_default()
            }
            false => take(input, length),
        };
        self.before = match data.ends_with(b"\n") {
            true => Before::Line,
            false => Before::Text,
        };
        MboxEvent::Data(data)
    }
}

/// Takes `n` bytes off the front, or all there are.
fn take<'i>(input: &mut &'i [u8], n: usize) -> &'i [u8] {
    let (taken, rest) = input.split_at(n.min(input.len()));
    *input = rest;
    taken
}

/// A message cannot be added to an mbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MboxError {
    /// A space or control character in the sender would break its separator (RFC 4155,
    /// appendix A).
    #[error(
        "byte {at} of the sender is a space or control character (RFC 4155 A); give an addr-spec"
    )]
    Sender {
        /// Where in the sender.
        at: usize,
    },
    /// A line of the message would be read as a separator, and nothing is quoted.
    #[error(
        "byte {at} of the message begins a separator (RFC 4155 A); write it with Mboxrd quoting"
    )]
    Separator {
        /// Where in the message.
        at: usize,
    },
}

/// Adds a message to an mbox: separator, message, empty line. `received` is written in
/// UTC; an empty sender as `MAILER-DAEMON`. Line ends of the message stay as they are
/// (the format wants LF); one is added if it does not end in one.
///
/// # Errors
///
/// [`MboxError`]; `out` is as it was.
///
/// ```
/// use scop_mime::DateTime;
/// use scop_mime::mbox::{Mbox, Quoting, append};
///
/// let mut file = Vec::new();
/// let received = DateTime::from_unix(820_631_134, 0).unwrap();
/// append(&mut file, "ann@a.test", &received, b"A: b\n\nFrom here\n", Quoting::Mboxrd)?;
/// assert_eq!(file, b"From ann@a.test Wed Jan  3 01:05:34 1996\nA: b\n\n>From here\n\n");
/// let entry = Mbox::new(&file, Quoting::Mboxrd).next().unwrap();
/// assert_eq!(entry.message(), &b"A: b\n\nFrom here\n"[..]);
/// # Ok::<(), scop_mime::mbox::MboxError>(())
/// ```
pub fn append(
    out: &mut Vec<u8>,
    sender: &str,
    received: &DateTime,
    message: &[u8],
    quoting: Quoting,
) -> Result<(), MboxError> {
    let is_bad = |b: u8| b <= b' ' || b == 0x7f;
    if let Some(at) = sender.bytes().position(is_bad) {
        return Err(MboxError::Sender { at });
    }
    let start = out.len();
    let sender = if sender.is_empty() {
        "MAILER-DAEMON"
    } else {
        sender
    };
    out.extend_from_slice(alloc::format!("From {sender} {}\n", ctime(received)).as_bytes());
    let mut from = 0;
    let mut at = 0;
    while let Some(hit) = memmem::find(message.get(at..).unwrap_or_default(), FROM) {
        let hit = at + hit;
        let head = message.get(at..hit).unwrap_or_default();
        let marks = head.iter().rev().take_while(|b| **b == b'>').count();
        let line = hit - marks;
        at = hit + FROM.len();
        let begins = line
            .checked_sub(1)
            .is_none_or(|b| message.get(b) == Some(&b'\n'));
        if !begins || (marks > 0 && quoting != Quoting::Mboxrd) {
            continue;
        }
        if quoting == Quoting::None {
            let text = message.get(line..).unwrap_or_default();
            let length = separator_length(text).min(DECISIVE);
            if quoting.is_separator(text.get(..length).unwrap_or(text), true) {
                out.truncate(start);
                return Err(MboxError::Separator { at: line });
            }
            continue;
        }
        out.extend_from_slice(message.get(from..line).unwrap_or_default());
        out.push(b'>');
        from = line;
    }
    out.extend_from_slice(message.get(from..).unwrap_or_default());
    if !message.ends_with(b"\n") && !message.is_empty() {
        out.push(b'\n');
    }
    out.push(b'\n');
    Ok(())
}

/// The date as C's `ctime` has it, in UTC: `Wed Jan  3 01:05:34 1996`.
fn ctime(date: &DateTime) -> alloc::string::String {
    let utc = DateTime::from_unix(date.to_unix(), 0).unwrap_or(*date);
    let text = utc.to_rfc5322();
    let mut words = text.split([' ', ',']).filter(|w| !w.is_empty());
    let mut word = || words.next().unwrap_or_default();
    let (weekday, day, month, year, time) = (word(), word(), word(), word(), word());
    let day = day.trim_start_matches('0');
    alloc::format!("{weekday} {month} {day:>2} {time} {year}")
}

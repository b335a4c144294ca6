//! DATA: how a message stands on the wire (RFC 5321 sections 2.3.8, 4.1.1.4, 4.5.2).
//!
//! Lines end in CRLF, a dot at the start of a line is doubled, and a line of one dot
//! ends it all. Only `CRLF . CRLF` ends a message: a bare CR, a bare LF and NUL are
//! never part of an end and never change what is one, so no two readers of what we
//! write, and no two of what we accept, can see different messages in it.
//!
//! Both directions stream: [`DataDecoder`] takes the dots out of what is read, lending pieces
//! of it or splitting large ones off, [`DataEncoder`] puts them into what is sent.

mod scan;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;
use scop_core::{Outbox, take};
use thiserror::Error;

use scan::{Lines, next_odd};

/// What a [`DataDecoder`] does about a bare CR, a bare LF or NUL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bare {
    /// The message is bad: [`DataStep::Bad`], and nothing more of it is given out.
    #[default]
    Reject,
    /// They are given out as they came. What comes out is then no message by RFC 5322,
    /// and whoever sends it on must mend it ([`Outgoing::Normalise`]) or refuse it.
    Keep,
}

/// What a [`DataEncoder`] does about a bare CR or a bare LF. NUL it always refuses:
/// there is nothing to put in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outgoing {
    /// An error: the message cannot be sent as it is.
    #[default]
    Refuse,
    /// Each becomes CRLF.
    Normalise,
}

/// The longest line of a message, in bytes without its CRLF and without a doubled dot
/// (RFC 5321 section 4.5.3.1.6, RFC 5322 section 2.1.1).
pub const MAX_TEXT_LINE: usize = 998;

/// A byte that has no place in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BadByte {
    /// CR without LF behind it.
    BareCr,
    /// LF without CR before it.
    BareLf,
    /// NUL.
    Nul,
}

impl BadByte {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            BadByte::BareCr => "bare CR",
            BadByte::BareLf => "bare LF",
            BadByte::Nul => "NUL",
        }
    }
}

/// A bare CR, a bare LF or NUL, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{} in a message at byte {offset} (RFC 5321 2.3.8, 4.5.2)", byte.as_str())]
pub struct BareByte {
    /// Which.
    pub byte: BadByte,
    /// Its offset in bytes: on the wire for what is read, in the message for what is
    /// written.
    pub offset: u64,
}

/// What [`DataDecoder::read`] has, in [`Bytes`], and [`DataDecoder::feed`], in a slice of
/// what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataStep<T = Bytes> {
    /// The next bytes of the message, never empty. Their borders mean nothing.
    Chunk(T),
    /// The message is bad. It is read on to its true end, and nothing more of it given
    /// out: the next that comes is [`DataStep::End`].
    Bad(BareByte),
    /// `CRLF . CRLF` was taken. What is left in the input is no longer the message.
    End,
    /// All was used, but for two bytes at most that need the next to be understood.
    NeedInput,
}

/// Takes a message off the wire: [`feed`](Self::feed) lends its pieces, which is the way for
/// who hashes, writes or copies them at once; [`read`](Self::read) gives them away.
///
/// ```
/// use bytes::BytesMut;
/// use scop_smtp_proto::{DataDecoder, DataStep};
///
/// let mut decoder = DataDecoder::default();
/// let mut input = BytesMut::from("..hidden\r\nx\r\n.\r\nQUIT\r\n");
/// assert_eq!(decoder.read(&mut input), DataStep::Chunk(".hidden\r\nx\r\n".into()));
/// assert_eq!(decoder.read(&mut input), DataStep::End);
/// assert_eq!(input, "QUIT\r\n");
///
/// let (mut decoder, mut message) = (DataDecoder::default(), Vec::new());
/// let mut input = &b"..hidden\r\nx\r\n.\r\nQUIT\r\n"[..];
/// loop {
///     let (taken, step) = decoder.feed(input);
///     input = &input[taken..];
///     match step {
///         DataStep::Chunk(piece) => message.extend_from_slice(piece),
///         DataStep::End => break,
///         other => panic!("{other:?}"),
///     }
/// }
/// assert_eq!((&message[..], input), (&b".hidden\r\nx\r\n"[..], &b"QUIT\r\n"[..]));
/// ```
#[derive(Clone, Debug)]
pub struct DataDecoder {
    policy: Bare,
    state: State,
    /// The last byte used; LF at the start.
    last: u8,
    /// The bytes used end in CRLF, or there are none.
    line_start: bool,
    offset: u64,
    lines: Lines,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Text,
    /// Nothing more is given out; so many bytes of CRLF.CRLF were just seen.
    Skip(u8),
    Done,
}

/// What lies behind a run of bytes that are message as they stand.
enum Behind {
    /// Nothing yet, or too little to tell.
    Nothing,
    /// A dot to drop.
    Doubled,
    /// A dot behind a bare LF, which is a dot like any other.
    Dot,
    /// A dot, CR and LF.
    End,
    /// No message.
    Bad(BadByte),
}

impl Default for DataDecoder {
    fn default() -> Self {
        DataDecoder::new(Bare::default())
    }
}

impl DataDecoder {
    /// A decoder at the start of a message.
    #[must_use]
    pub const fn new(policy: Bare) -> Self {
        DataDecoder {
            policy,
            state: State::Text,
            last: b'\n',
            line_start: true,
            offset: 0,
            lines: Lines::new(),
        }
    }

    /// Bytes taken off the wire so far.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether a line so far was longer than [`MAX_TEXT_LINE`]. It is given out like any
    /// other: mail in the field has them, and who sends them on may have to mend them.
    #[must_use]
    pub const fn has_long_lines(&self) -> bool {
        self.lines.long
    }

    /// Gives nothing more out: only the true end of the message is still looked for.
    pub fn skip(&mut self) {
        if matches!(self.state, State::Text) {
            self.state = State::Skip(match self.last {
                _ if self.line_start => 2,
                b'\r' => 1,
                _ => 0,
            });
        }
    }

    /// Takes what it can off the front of `input`. A piece of 2 KiB or more shares its memory;
    /// smaller ones are copied, so that they do not keep a large buffer alive. Cost: one
    /// pass over the bytes that are new; those behind a doubled dot are moved up over it.
    pub fn read(&mut self, input: &mut BytesMut) -> DataStep {
        if !matches!(self.state, State::Text) {
            let (taken, step) = self.beyond(input);
            input.advance(taken);
            return step;
        }
        // Of `used` bytes at the front, `kept` are message.
        let (mut kept, mut used) = (0, 0);
        let behind = loop {
            let (run, behind) = self.run(input.get(used..).unwrap_or_default());
            if kept != used {
                input.copy_within(used..used + run, kept);
            }
            (kept, used) = (kept + run, used + run);
            match behind {
                Behind::Doubled => {
                    used += self.drop_dot();
                    if kept >= Outbox::UNCOPIED {
                        break Behind::Nothing;
                    }
                }
                Behind::Dot => {}
                behind => break behind,
            }
        };
        self.offset += used as u64;
        if kept > 0 {
            let chunk = take(input, kept);
            self.lines.add(&chunk);
            input.advance(used - kept);
            return DataStep::Chunk(chunk);
        }
        let (end, step) = self.stop(behind);
        input.advance(used + end);
        step
    }

    /// Reads on in `input`, of which nothing is copied: how many bytes it took (drop them
    /// before the next call), and what it has. `input` starts with what earlier calls did not
    /// take, two bytes at most behind [`DataStep::NeedInput`]. Cost: one pass over the bytes
    /// that it takes.
    ///
    /// A piece ends where a dot is taken out: where pieces are given away, those of
    /// [`read`](Self::read) are fewer.
    pub fn feed<'a>(&mut self, input: &'a [u8]) -> (usize, DataStep<&'a [u8]>) {
        if !matches!(self.state, State::Text) {
            return self.beyond(input);
        }
        let mut used = 0;
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let (run, behind) = self.run(rest);
            used += run;
            if matches!(behind, Behind::Doubled) {
                used += self.drop_dot();
            }
            if run > 0 {
                let piece = rest.get(..run).unwrap_or_default();
                self.lines.add(piece);
                self.offset += used as u64;
                return (used, DataStep::Chunk(piece));
            }
            if !matches!(behind, Behind::Doubled) {
                self.offset += used as u64;
                let (end, step) = self.stop(behind);
                return (used + end, step);
            }
        }
    }

    /// The dot that comes next is no message; what stands behind it is judged as behind a dot.
    fn drop_dot(&mut self) -> usize {
        (self.last, self.line_start) = (b'.', false);
        1
    }

    /// There is no message before `behind`: the bytes of the end that it takes, and the step.
    fn stop<T>(&mut self, behind: Behind) -> (usize, DataStep<T>) {
        match behind {
            Behind::Bad(byte) => {
                self.skip();
                let offset = self.offset;
                (0, DataStep::Bad(BareByte { byte, offset }))
            }
            Behind::End => self.end(3),
            _ => (0, DataStep::NeedInput),
        }
    }

    /// How many bytes of `rest` are message as they stand, and what comes then.
    fn run(&mut self, rest: &[u8]) -> (usize, Behind) {
        let strict = self.policy == Bare::Reject;
        let found = match strict {
            true => next_odd::<true>(self.last, rest),
            false => next_odd::<false>(self.last, rest),
        };
        // The byte `back` bytes before `at`.
        let before = |at: usize, back| at.checked_sub(back).and_then(|i| rest.get(i).copied());
        let (run, behind) = match found {
            // A CR waits for what is behind it.
            None => {
                let held = strict && rest.last() == Some(&b'\r');
                (rest.len() - usize::from(held), Behind::Nothing)
            }
            Some(at) => match (before(at, 1).unwrap_or(self.last), rest.get(at..)) {
                (b'\n', Some([b'.', next @ ..])) => {
                    let line_start = match at {
                        0 => self.line_start,
                        1 => self.last == b'\r',
                        _ => before(at, 2) == Some(b'\r'),
                    };
                    match next {
                        _ if !line_start => (at + 1, Behind::Dot),
                        [b'\r', b'\n', ..] => (at, Behind::End),
                        [] | [b'\r'] => (at, Behind::Nothing),
                        _ => (at, Behind::Doubled),
                    }
                }
                (b'\r', _) => (at.saturating_sub(1), Behind::Bad(BadByte::BareCr)),
                (_, Some([b'\n', ..])) => (at, Behind::Bad(BadByte::BareLf)),
                _ => (at, Behind::Bad(BadByte::Nul)),
            },
        };
        if let Some(last) = before(run, 1) {
            let cr = before(run, 2).unwrap_or(self.last) == b'\r';
            (self.last, self.line_start) = (last, cr && last == b'\n');
        }
        (run, behind)
    }

    /// Reads on where nothing more is given out.
    fn beyond<T>(&mut self, input: &[u8]) -> (usize, DataStep<T>) {
        let State::Skip(mut seen) = self.state else {
            return (0, DataStep::End);
        };
        let mut used = 0;
        while let Some(rest) = input.get(used..).filter(|r| !r.is_empty()) {
            if seen == 0 {
                let Some(cr) = memchr(b'\r', rest) else { break };
                used += cr + 1;
                seen = 1;
                continue;
            }
            used += 1;
            seen = match (seen, rest.first()) {
                (1, Some(b'\n')) => 2,
                (2, Some(b'.')) => 3,
                (3, Some(b'\r')) => 4,
                (4, Some(b'\n')) => return self.end(used),
                (_, Some(b'\r')) => 1,
                _ => 0,
            };
        }
        self.offset += input.len() as u64;
        self.state = State::Skip(seen);
        (input.len(), DataStep::NeedInput)
    }

    fn end<T>(&mut self, used: usize) -> (usize, DataStep<T>) {
        self.offset += used as u64;
        self.state = State::Done;
        (used, DataStep::End)
    }
}

/// Puts a message on the wire: doubles the dots at the start of lines, completes the
/// last line, ends it.
///
/// ```
/// use bytes::Bytes;
/// use scop_core::Outbox;
/// use scop_smtp_proto::{DataEncoder, Outgoing};
///
/// let mut out = Outbox::new(64 * 1024);
/// let mut encoder = DataEncoder::new(Outgoing::Normalise);
/// encoder.write(&mut Bytes::from("a\n.b"), &mut out)?;
/// encoder.finish(&mut out)?;
/// assert_eq!(out.pop().unwrap(), "a\r\n..b\r\n.\r\n");
/// # Ok::<(), scop_smtp_proto::BareByte>(())
/// ```
#[derive(Clone, Debug)]
pub struct DataEncoder {
    policy: Outgoing,
    /// The last byte written; LF at the start.
    last: u8,
    offset: u64,
    lines: Lines,
    refused: Option<BareByte>,
}

impl Default for DataEncoder {
    fn default() -> Self {
        DataEncoder::new(Outgoing::default())
    }
}

impl DataEncoder {
    /// An encoder at the start of a message.
    #[must_use]
    pub const fn new(policy: Outgoing) -> Self {
        DataEncoder {
            policy,
            last: b'\n',
            offset: 0,
            lines: Lines::new(),
            refused: None,
        }
    }

    /// Bytes of the message taken so far.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether a line so far was longer than [`MAX_TEXT_LINE`], which not every server
    /// takes: such a message wants a transfer encoding.
    #[must_use]
    pub const fn has_long_lines(&self) -> bool {
        self.lines.long
    }

    /// Takes bytes off the front of `data` until there are none or `out` is full.
    /// Pieces of 2 KiB or more go into `out` uncopied.
    ///
    /// # Errors
    ///
    /// [`BareByte`], by the policy. It stays: what was written before it cannot be
    /// taken back, and so the message can never be finished; the connection must be
    /// closed in the midst of it.
    pub fn write(&mut self, data: &mut Bytes, out: &mut Outbox) -> Result<(), BareByte> {
        while !data.is_empty() && !out.is_full() {
            self.check()?;
            let part = data.get(..data.len().min(out.room())).unwrap_or_default();
            let found = next_odd::<true>(self.last, part);
            let run = found.unwrap_or(part.len());
            let odd = part.get(run).copied();
            if let Some(&last) = part.get(..run).and_then(<[u8]>::last) {
                self.last = last;
            }
            self.offset += run as u64;
            self.lines.add(part.get(..run).unwrap_or_default());
            if run >= Outbox::UNCOPIED {
                out.push_bytes(data.split_to(run));
            } else {
                out.push(part.get(..run).unwrap_or_default());
                data.advance(run);
            }
            let Some(odd) = odd else { continue };
            match (self.last, odd) {
                (b'\n', b'.') => {
                    out.push(b"..");
                    self.took(data, b'.');
                }
                (b'\r', _) => {
                    self.normalise(BadByte::BareCr, self.offset.saturating_sub(1))?;
                    out.push(b"\n");
                    self.last = b'\n';
                    self.lines.add(b"\n");
                }
                (_, b'\n') => {
                    self.normalise(BadByte::BareLf, self.offset)?;
                    out.push(b"\r\n");
                    self.took(data, b'\n');
                }
                _ => {
                    let (byte, offset) = (BadByte::Nul, self.offset);
                    self.refused = Some(BareByte { byte, offset });
                }
            }
        }
        self.check()
    }

    /// Ends the message. What may wait in `out` at most grows by five bytes, full or not.
    ///
    /// # Errors
    ///
    /// [`BareByte`] as [`write`](Self::write): it was not ended.
    pub fn finish(&mut self, out: &mut Outbox) -> Result<(), BareByte> {
        self.check()?;
        match self.last {
            b'\n' => {}
            b'\r' => {
                self.normalise(BadByte::BareCr, self.offset.saturating_sub(1))?;
                out.push(b"\n");
            }
            _ => out.push(b"\r\n"),
        }
        out.push(b".\r\n");
        self.last = b'\n';
        Ok(())
    }

    fn took(&mut self, data: &mut Bytes, byte: u8) {
        data.advance(1);
        self.offset += 1;
        self.last = byte;
        self.lines.add(&[byte]);
    }

    fn check(&self) -> Result<(), BareByte> {
        self.refused.map_or(Ok(()), Err)
    }

    fn normalise(&mut self, byte: BadByte, offset: u64) -> Result<(), BareByte> {
        if self.policy == Outgoing::Refuse {
            self.refused = Some(BareByte { byte, offset });
        }
        self.check()
    }
}

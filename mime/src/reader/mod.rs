//! The reader: bytes in, in any chunks, events out (RFC 5322 2, RFC 2045, RFC
//! 2046 5.1 and 5.2.1). Everything else that reads messages here is fed by it: by
//! [`Reader`], which is asked for one event after the other, or by its [`Engine`], which
//! tells a [`Consumer`] all there is in some bytes.
//!
//! ```text
//!             +----------- a message within ------------+
//!             v                                         |
//! start --> Head --- empty line, or none possible ---> (body)
//!             ^                                         |
//!             |                     +-------------------+--- no boundary open
//!             |                     v                                 |
//!             |     +----------- Body                                 v
//!             |     |            ^  | a delimiter                   Rest
//!             |     | a close    |  v                                 |
//!             |     | delimiter  |  Delimiter --- opens a part --+    |
//!             |     +-> Close ---+                               |    |
//!             +--------------------------------------------------+    |
//!                                                                     v
//!             end of input, in any state: open entities end -------> Done
//! ```
//!
//! A line end before a delimiter belongs to the delimiter. What the bytes that are
//! there do not settle waits in `carry`: in `Head` one field, in `Body` a line end and
//! at most a thousand bytes of a line.

mod body;
mod boundary;
mod cut;
mod engine;
mod event;
mod field;
mod head;
mod mark;
mod mode;
mod name;
mod open;
mod separator;
mod whole;

use alloc::vec::Vec;

pub use event::{
    Body, BodyStart, Content, Delimiter, End, Event, FieldAt, HeaderField, Parent, PartEnd,
    PartStart, Place,
};
pub use mark::Size;
pub use mode::Mode;

use crate::Limits;
pub(crate) use engine::{Consumer, Engine};
use engine::{Sink, Step, What};
#[doc(hidden)]
pub use name::NameTag;
pub(crate) use name::{Key, Known};

/// Turns the bytes of a message into [`Event`]s, with offsets.
///
/// Memory does not grow with the message: one field (100 KiB by default), one
/// line of a thousand bytes, and the boundaries of what is open. Time is linear.
/// Events do not depend on how the bytes were cut, but for the cuts of
/// [`Event::Body`] and [`Event::Delimiter`].
///
/// All bytes are accounted for: fields, the empty line between
/// [`BodyStart::header_end`] and [`BodyStart::offset`], bodies and delimiters
/// follow each other without a gap.
///
/// ```
/// use scop_mime::{Event, Limits, Reader};
///
/// let mut reader = Reader::new(Limits::default());
/// let mut body = Vec::new();
/// for mut chunk in [&b"Subject: hi\r"[..], b"\n\r\nHel", b"lo\r\n"] {
///     while let Some(event) = reader.read(&mut chunk) {
///         if let Event::Body(part) = event {
///             body.extend_from_slice(part.data);
///         }
///     }
/// }
/// reader.finish();
/// while let Some(event) = reader.read(&mut &[][..]) {
///     if let Event::End(end) = event {
///         assert_eq!(end.octets, 22);
///     }
/// }
/// assert_eq!(body, b"Hello\r\n");
/// ```
#[derive(Debug)]
pub struct Reader {
    engine: Engine,
    /// Events without bytes, due before anything else from `due` on.
    queue: Vec<Event<'static>>,
    due: usize,
}
impl Reader {
    /// A reader at the start of a message, in [`Mode::Recurse`].
    #[must_use]
    #[inline]
    pub fn new(limits: Limits) -> Self {
        Reader {
            engine: Engine::new(limits),
            queue: Vec::new(),
            due: 0,
        }
    }

    /// The same in another mode. To be called before the first byte is read.
    #[must_use]
    #[inline]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.engine.mode(mode);
        self
    }

    /// The same without counting line ends, which takes about as long as everything
    /// else where bodies are large: [`PartEnd::counted`] and [`End::counted`] are
    /// `None`, and [`MixedLineEnds`](crate::DefectKind::MixedLineEnds) is not told. To
    /// be called before the first byte is read.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.engine.uncounted();
        self
    }

    /// The next event, with bytes taken off the front of `input` for it.
    ///
    /// `None` when `input` is used up: call again with the next chunk, or after
    /// [`finish`](Self::finish). After [`Event::End`] it is always `None`, and
    /// input is left alone.
    #[inline]
    pub fn read<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Option<Event<'s>> {
        match self.queue.get(self.due) {
            Some(event) => {
                self.due += 1;
                Some(*event)
            }
            None => self.step(input),
        }
    }

    /// The next event when none is due.
    #[inline(never)]
    fn step<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Option<Event<'s>> {
        self.queue.clear();
        self.due = 0;
        loop {
            let mut pull = Pull {
                queue: &mut self.queue,
                shown: None,
            };
            let step = self.engine.step(input, &mut pull);
            match pull.shown {
                Some(Shown::Event(event)) => return Some(event),
                Some(Shown::Held(what)) => return Some(what.event(self.engine.held())),
                None => {}
            }
            if let Some(event) = self.queue.first() {
                self.due = 1;
                return Some(*event);
            }
            if step == Step::NeedInput {
                return None;
            }
        }
    }

    /// Tells all events that these bytes settle, which are the next ones of the message:
    /// as [`read`](Self::read) does until it has none left, but faster where there are many
    /// small ones, since nothing waits for its turn. After [`finish`](Self::finish) it is
    /// called once more, with nothing.
    ///
    /// ```
    /// use scop_mime::{Event, Limits, Reader};
    ///
    /// let (mut reader, mut names) = (Reader::new(Limits::default()), Vec::new());
    /// for chunk in [&b"Subject: h"[..], b"i\r\nTo: a@b.test\r\n\r\nHello\r\n"] {
    ///     reader.push(chunk, |event| {
    ///         if let Event::Header(field) = event {
    ///             names.extend_from_slice(field.name());
    ///         }
    ///     });
    /// }
    /// assert_eq!(names, b"SubjectTo");
    /// ```
    #[inline]
    pub fn push(&mut self, input: &[u8], mut take: impl FnMut(Event<'_>)) {
        self.queue.drain(..).skip(self.due).for_each(&mut take);
        self.due = 0;
        self.engine.write(input, &mut Taker(take));
    }

    /// No more bytes will come: what is held back is decided, then everything
    /// that is open ends. Go on with [`read`](Self::read) and an empty input.
    pub fn finish(&mut self) {
        self.engine.finish();
    }

    /// The message is over and [`Event::End`] was given out.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.engine.is_done() && self.due == self.queue.len()
    }
}

/// A closure that takes all events.
struct Taker<F>(F);

impl<F: FnMut(Event<'_>)> Consumer for Taker<F> {
    #[inline(always)]
    fn take(&mut self, event: &Event<'_>) {
        (self.0)(*event);
    }
}

/// What came of one step, to be given out event by event.
struct Pull<'q, 'i> {
    queue: &'q mut Vec<Event<'static>>,
    shown: Option<Shown<'i>>,
}

/// What comes before the queue.
enum Shown<'i> {
    Event(Event<'i>),
    Held(What),
}

impl<'i> Sink<'i> for Pull<'_, 'i> {
    const IS_EAGER: bool = false;

    fn tell(&mut self, event: Event<'static>) {
        self.queue.push(event);
    }

    #[inline(always)]
    fn show(&mut self, what: What, bytes: &'i [u8]) {
        self.shown = Some(Shown::Event(what.event(bytes)));
    }

    fn show_held(&mut self, what: What, _: &[u8]) {
        self.shown = Some(Shown::Held(what));
    }
}

#[cfg(test)]
mod tests;

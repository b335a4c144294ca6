//! One machine, one input, in given pieces: what came of it.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use bytes::BytesMut;

use super::{Note, Peer, excerpt};
use crate::{Instant, Machine, Next, Pause};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The machine waits for input that never came.
    Waiting,
    /// The machine waits for an answer that its caller did not give.
    Unanswered,
    /// The machine is ready for TLS. What would come next is no longer this stream.
    Upgrade,
    /// `Closed`.
    Closed,
    /// The sticky error, as it displays.
    Error(String),
}

/// What came of a run; two runs that should be the same have equal outcomes.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What the caller wrote down, adjacent data merged, silence left out.
    pub notes: Vec<Note>,
    /// All bytes the machine sent.
    pub output: Vec<u8>,
    /// How it ended.
    pub end: End,
}

impl Outcome {
    pub(super) fn new() -> Outcome {
        Outcome {
            notes: Vec::new(),
            output: Vec::new(),
            end: End::Waiting,
        }
    }

    pub(super) fn record(&mut self, note: Note) {
        match (note, self.notes.last_mut()) {
            (Note::Silent, _) => {}
            (Note::Data(more), Some(Note::Data(data))) => data.extend_from_slice(&more),
            (Note::Data(data), _) if data.is_empty() => {}
            (note, _) => self.notes.push(note),
        }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for note in &self.notes {
            writeln!(f, "    {note:?}")?;
        }
        writeln!(
            f,
            "  sent {} bytes: {}",
            self.output.len(),
            excerpt(&self.output)
        )?;
        write!(f, "  end: {:?}", self.end)
    }
}

/// The input of a run: its bytes, where it is cut, whether it ends.
#[derive(Clone, Debug)]
pub struct Stream<'i> {
    /// The pieces, in order, each fed when the machine needs input.
    pub pieces: Vec<&'i [u8]>,
    /// Whether the transport closes behind them.
    pub closes: bool,
    /// The time at which all of it happens.
    pub now: Instant,
}

impl<'i> Stream<'i> {
    /// All in one piece, and open.
    #[must_use]
    pub fn whole(input: &'i [u8]) -> Self {
        Self::cut(input, &[])
    }

    /// Cut before each of the ascending offsets in `cuts`.
    #[must_use]
    pub fn cut(input: &'i [u8], cuts: &[usize]) -> Self {
        let mut pieces = Vec::with_capacity(cuts.len() + 1);
        let mut from = 0;
        for &cut in cuts {
            pieces.push(&input[from..cut]);
            from = cut;
        }
        pieces.push(&input[from..]);
        pieces.retain(|p| !p.is_empty());
        Stream {
            pieces,
            closes: false,
            now: Instant::from_secs(1),
        }
    }

    /// The same, and then the transport closes.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(|p| p.len()).sum()
    }
}

/// Turns in which the caller says it acts but nothing comes of it, before it counts
/// as spinning.
const PATIENCE: u32 = 1000;

/// Runs `peer` on `stream` as a driver would, until it has nothing left to do.
///
/// # Panics
///
/// When the machine breaks the contract on the way: it pauses for a flush with
/// nothing to send, it asks for TLS with input unread, it spins, it says
/// `NeedInput` with events left.
pub fn run<M: Machine>(peer: &mut Peer<'_, M>, stream: &Stream<'_>) -> Outcome {
    let mut outcome = Outcome::new();
    let mut input = BytesMut::new();
    resume(peer, stream, &mut input, &mut outcome);
    outcome
}

/// As [`run`], going on from `input` and `outcome`.
pub(super) fn resume<M: Machine>(
    peer: &mut Peer<'_, M>,
    stream: &Stream<'_>,
    input: &mut BytesMut,
    outcome: &mut Outcome,
) {
    let now = stream.now;
    let mut pieces = stream.pieces.iter();
    let mut to_close = stream.closes;
    // Turns without an event or a byte taken: those in which only the caller acted,
    // and those that only sent.
    let (mut idle, mut sending) = (0, 0);
    let allowed = 64 + 8 * (stream.len() + input.len());
    let mut events = 0;
    loop {
        let before = input.len();
        let next = match peer.machine.read(now, input) {
            Ok(next) => next,
            Err(error) => {
                outcome.end = End::Error(error.to_string());
                drain(peer, now, outcome);
                return;
            }
        };
        assert!(input.len() <= before, "read gave bytes back");
        let next = match next {
            Next::Event(event) => {
                events += 1;
                // `Room` comes again as output leaves, but not for every few bytes.
                assert!(
                    events <= allowed + outcome.output.len() / 16,
                    "law 2: {events} events out of {} bytes of input\n{outcome:?}",
                    stream.len()
                );
                let note = peer.note(now, event);
                outcome.record(note);
                (idle, sending) = (0, 0);
                continue;
            }
            Next::NeedInput => None,
            Next::Paused(pause) => Some(pause),
            Next::Closed => {
                drain(peer, now, outcome);
                outcome.end = End::Closed;
                return;
            }
        };
        if input.len() < before {
            (idle, sending) = (0, 0);
        }
        idle += 1;
        let moved = drain(peer, now, outcome);
        assert!(
            moved || next != Some(Pause::Flush),
            "law 4: Paused(Flush) with nothing to send\n{outcome:?}"
        );
        if moved {
            idle = 0;
            sending += 1;
            assert!(
                sending < PATIENCE,
                "law 2: it sends and sends, and nothing causes it\n{outcome:?}"
            );
            continue;
        }
        match next {
            Some(Pause::Answer) => {
                outcome.end = End::Unanswered;
                return;
            }
            Some(Pause::Upgrade) => {
                assert!(
                    input.is_empty(),
                    "law 8: Paused(Upgrade) with {} unread\n{outcome:?}",
                    excerpt(input)
                );
                outcome.end = End::Upgrade;
                return;
            }
            _ => {}
        }
        if peer.rest(now) {
            assert!(
                idle < PATIENCE,
                "law 2: the caller acts, but nothing comes of it\n{outcome:?}"
            );
            sending = 0;
            continue;
        }
        idle = 0;
        if let Some(piece) = pieces.next() {
            input.extend_from_slice(piece);
        } else if to_close {
            to_close = false;
            peer.machine.read_closed(now);
        } else {
            outcome.end = End::Waiting;
            return;
        }
    }
}

/// Hands over all there is to send; whether there was something.
pub(super) fn drain<M: Machine>(
    peer: &mut Peer<'_, M>,
    now: Instant,
    outcome: &mut Outcome,
) -> bool {
    let before = outcome.output.len();
    while let Some(chunk) = peer.machine.transmit(now) {
        assert!(!chunk.is_empty(), "transmit gave an empty chunk");
        outcome.output.extend_from_slice(&chunk);
    }
    outcome.output.len() > before
}

/// Both outcomes and where they part, for a message.
pub(super) fn difference(expected: &Outcome, found: &Outcome) -> String {
    let at = expected
        .notes
        .iter()
        .zip(&found.notes)
        .take_while(|(a, b)| a == b)
        .count();
    format!("expected (first difference at event {at})\n{expected:?}\nfound\n{found:?}")
}

//! Two machines and a simulated link between them, in virtual time.

use alloc::{
    collections::VecDeque,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt::Write, time::Duration};

use bytes::{Buf, Bytes, BytesMut};

use super::{End, Outcome, Peer, Rng};
use crate::{Channel, Instant, Machine, Next, Pause};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

/// Where a link breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cut {
    /// In which direction the bytes are counted.
    pub direction: Direction,
    /// After how many of them.
    pub after: u64,
    /// Only that direction ends (a FIN); else both do, and what is under way is
    /// lost (a RST).
    pub half: bool,
}

/// What a link does to the bytes on it.
#[derive(Clone, Debug)]
pub struct Link {
    /// The seed of all that is random here.
    pub seed: u64,
    /// How long a segment travels.
    pub latency: Duration,
    /// Up to this much is added to it, at random; order is kept.
    pub jitter: Duration,
    /// A segment has up to so many bytes, at random from 1.
    pub segment: usize,
    /// Segments that arrived are handed over together (else one at a time).
    pub coalesce: bool,
    /// Bytes that may be under way or unread in one direction; beyond it a writer
    /// waits, as for a full socket buffer.
    pub window: usize,
    /// One segment in so many is held up by [`Link::stall`]; 0 for none.
    pub stall_one_in: u64,
    /// How long such a segment is held up, and all behind it.
    pub stall: Duration,
    /// Where it breaks, if it does.
    pub cut: Option<Cut>,
}

impl Link {
    /// No delay, no loss, 64 KiB of window.
    #[must_use]
    pub fn ideal() -> Link {
        Link {
            seed: 0,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            segment: 64 * 1024,
            coalesce: true,
            window: 64 * 1024,
            stall_one_in: 0,
            stall: Duration::ZERO,
            cut: None,
        }
    }

    /// A link of which everything but a cut is drawn from `seed`: from one-byte
    /// segments and a window of a few bytes to a fast network.
    #[must_use]
    pub fn seeded(seed: u64) -> Link {
        let mut rng = Rng(seed);
        let mut millis = |most: usize| Duration::from_millis(rng.below(most) as u64);
        let (latency, jitter, stall) = (millis(300), millis(50), millis(4000));
        let segment = 1 << rng.below(15);
        Link {
            seed: rng.next(),
            latency,
            jitter,
            segment,
            coalesce: rng.below(2) == 0,
            window: 1 << (2 + rng.below(15)),
            stall_one_in: [0, 0, 10, 100][rng.below(4)],
            stall,
            cut: None,
        }
    }

    /// The same link with one-byte segments and a window of one byte.
    #[must_use]
    pub fn one_byte(mut self) -> Link {
        self.segment = 1;
        self.window = 1;
        self.coalesce = false;
        self
    }

    /// The same link, breaking.
    #[must_use]
    pub fn with_cut(mut self, cut: Cut) -> Link {
        self.cut = Some(cut);
        self
    }
}

/// What came of a simulation.
#[derive(Debug)]
pub struct Sim {
    /// The client's side of it.
    pub client: Outcome,
    /// The server's side of it.
    pub server: Outcome,
    /// How long it took, in virtual time.
    pub elapsed: Duration,
    /// Both ends finished by themselves; else the simulation stopped because
    /// nothing more could happen.
    pub finished: bool,
    said: Vec<(Instant, Direction, Vec<u8>)>,
}

impl Sim {
    /// The run as `C:` and `S:` lines with the virtual time at which they were
    /// handed to the link, long data shortened.
    #[must_use]
    pub fn transcript(&self) -> String {
        const LINES: usize = 12;
        let mut text = String::new();
        for (at, direction, bytes) in &self.said {
            let who = match direction {
                Direction::ToServer => 'C',
                Direction::ToClient => 'S',
            };
            let time = format!("{:9.3}", at.since_epoch().as_secs_f64());
            let lines = bytes.split_inclusive(|&b| b == b'\n');
            let total = lines.clone().count();
            for line in lines.take(LINES) {
                let end = line.trim_ascii_end();
                let (shown, more) = end.split_at(end.len().min(100));
                let dots = if more.is_empty() { "" } else { "…" };
                // Writing to a String does not fail.
                let _ = writeln!(text, "{time} {who}: {}{dots}", shown.escape_ascii());
            }
            if total > LINES {
                let _ = writeln!(text, "{time} {who}: … {total} lines, {} bytes", bytes.len());
            }
        }
        text
    }
}

/// Runs `client` and `server` against each other over an ideal link.
///
/// Where both ask for TLS the link plays it: once nothing is under way, both are
/// told that they are encrypted.
///
/// # Panics
///
/// As [`netsim`].
pub fn pair<C: Machine, S: Machine>(client: Peer<'_, C>, server: Peer<'_, S>) -> Sim {
    netsim(client, server, &Link::ideal())
}

/// Runs `client` and `server` against each other over `link`, until both are
/// done or nothing more can happen. Each end is driven as a driver would; what a
/// deadline starts is waited for in virtual time, so an end that just waits runs
/// into its idle timer.
///
/// # Panics
///
/// When the ends go on for ever: two million turns.
pub fn netsim<C: Machine, S: Machine>(
    client: Peer<'_, C>,
    server: Peer<'_, S>,
    link: &Link,
) -> Sim {
    let mut client = Node::new(client, Direction::ToServer);
    let mut server = Node::new(server, Direction::ToClient);
    let mut wire = Wire {
        rng: Rng(link.seed),
        to_server: Pipe::default(),
        to_client: Pipe::default(),
        said: Vec::new(),
        link,
    };
    let mut now = Instant::from_secs(1);
    for turn in 0.. {
        assert!(turn < 2_000_000, "the ends go on for ever");
        let moved = client.turn(now, &mut wire) | server.turn(now, &mut wire);
        if client.done && server.done {
            break;
        }
        if moved {
            continue;
        }
        if client.wants_tls && server.wants_tls && wire.is_idle() {
            client.encrypt(now);
            server.encrypt(now);
            let line = b"-- both sides switch to TLS --\r\n".to_vec();
            wire.said.push((now, Direction::ToClient, line));
            continue;
        }
        let wakes = [
            wire.to_server.wakes(),
            wire.to_client.wakes(),
            client.wakes(),
            server.wakes(),
        ];
        // What is due already and did not move will not move by itself.
        let Some(next) = wakes.into_iter().flatten().filter(|at| *at > now).min() else {
            break;
        };
        now = next;
    }
    assert!(
        now < Instant::from_secs(100 * 24 * 3600),
        "the simulation ran for a hundred days"
    );
    Sim {
        finished: client.done && server.done,
        client: client.outcome,
        server: server.outcome,
        elapsed: now - Instant::from_secs(1),
        said: wire.said,
    }
}

/// One direction of the link.
#[derive(Default)]
struct Pipe {
    under_way: VecDeque<(Instant, Bytes)>,
    unread: usize,
    sent: u64,
    last: Instant,
    fin: Option<Instant>,
    told: bool,
}

impl Pipe {
    fn wakes(&self) -> Option<Instant> {
        let fin = self.fin.filter(|_| !self.told);
        self.under_way.front().map(|(at, _)| *at).or(fin)
    }

    fn close(&mut self, at: Instant) {
        self.fin.get_or_insert(at.max(self.last));
    }
}

struct Wire<'l> {
    link: &'l Link,
    rng: Rng,
    to_server: Pipe,
    to_client: Pipe,
    said: Vec<(Instant, Direction, Vec<u8>)>,
}

impl Wire<'_> {
    fn pipe(&mut self, direction: Direction) -> &mut Pipe {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    fn is_idle(&self) -> bool {
        self.to_server.under_way.is_empty() && self.to_client.under_way.is_empty()
    }

    /// Takes what fits of `chunk`; whether anything did.
    fn write(&mut self, now: Instant, direction: Direction, chunk: &mut Bytes) -> bool {
        let window = self.link.window;
        let pipe = self.pipe(direction);
        if pipe.fin.is_some() {
            chunk.clear(); // written into a broken connection
            return true;
        }
        let fits = window.saturating_sub(pipe.unread).min(chunk.len());
        if fits == 0 {
            return false;
        }
        let mut piece = chunk.split_to(fits);
        let cut = self.link.cut.filter(|c| c.direction == direction);
        let left = cut.map(|c| c.after.saturating_sub(self.pipe(direction).sent));
        let breaks = left.is_some_and(|left| left <= piece.len() as u64);
        if let (true, Some(left)) = (breaks, left) {
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        self.log(now, direction, &piece);
        while !piece.is_empty() {
            let n = (1 + self.rng.below(self.link.segment)).min(piece.len());
            let segment = piece.split_to(n);
            let jitter = self.rng.below(self.link.jitter.as_millis() as usize + 1);
            let mut at = now + self.link.latency + Duration::from_millis(jitter as u64);
            if self.link.stall_one_in > 0 && self.rng.next().is_multiple_of(self.link.stall_one_in)
            {
                at = at + self.link.stall;
            }
            let pipe = self.pipe(direction);
            at = at.max(pipe.last);
            pipe.last = at;
            pipe.sent += n as u64;
            pipe.unread += n;
            pipe.under_way.push_back((at, segment));
        }
        if breaks {
            let at = now + self.link.latency;
            self.pipe(direction).close(at);
            if cut.is_some_and(|c| !c.half) {
                let other = match direction {
                    Direction::ToServer => Direction::ToClient,
                    Direction::ToClient => Direction::ToServer,
                };
                let back = self.pipe(other);
                back.under_way.clear();
                back.last = now;
                back.close(at);
            }
        }
        true
    }

    /// What arrived by `now`.
    fn read(&mut self, now: Instant, direction: Direction, input: &mut BytesMut) -> bool {
        let coalesce = self.link.coalesce;
        let pipe = self.pipe(direction);
        let mut any = false;
        while let Some((_, segment)) = pipe.under_way.pop_front_if(|(at, _)| *at <= now) {
            pipe.unread -= segment.len();
            input.extend_from_slice(&segment);
            any = true;
            if !coalesce {
                break;
            }
        }
        any
    }

    fn log(&mut self, now: Instant, direction: Direction, bytes: &[u8]) {
        match self.said.last_mut() {
            Some((_, d, said)) if *d == direction => said.extend_from_slice(bytes),
            _ => self.said.push((now, direction, bytes.to_vec())),
        }
    }
}

/// One end: a peer and its driver's state.
struct Node<'a, M: Machine> {
    peer: Peer<'a, M>,
    writes: Direction,
    reads: Direction,
    input: BytesMut,
    chunk: Bytes,
    outcome: Outcome,
    draining: bool,
    wants_tls: bool,
    done: bool,
}

impl<'a, M: Machine> Node<'a, M> {
    fn new(peer: Peer<'a, M>, writes: Direction) -> Self {
        let reads = match writes {
            Direction::ToServer => Direction::ToClient,
            Direction::ToClient => Direction::ToServer,
        };
        Node {
            peer,
            writes,
            reads,
            input: BytesMut::new(),
            chunk: Bytes::new(),
            outcome: Outcome::new(),
            draining: false,
            wants_tls: false,
            done: false,
        }
    }

    fn wakes(&self) -> Option<Instant> {
        let machine = &self.peer.machine;
        machine.deadline().map(|(at, _)| at).filter(|_| !self.done)
    }

    fn encrypt(&mut self, now: Instant) {
        self.wants_tls = false;
        self.peer.machine.upgraded(now, Channel::new());
    }

    /// One round of the driver's loop until nothing moves; whether anything did.
    fn turn(&mut self, now: Instant, wire: &mut Wire<'_>) -> bool {
        let mut any = false;
        while !self.done {
            let moved = if self.wants_tls {
                self.handshake(now, wire)
            } else if self.draining {
                self.drain(now, wire)
            } else {
                self.step(now, wire)
            };
            if !moved {
                break;
            }
            any = true;
        }
        any
    }

    /// Waits for TLS, which fails when the link ends first; the machine's own
    /// timer goes on.
    fn handshake(&mut self, now: Instant, wire: &mut Wire<'_>) -> bool {
        let pipe = wire.pipe(self.reads);
        if pipe.under_way.is_empty() && pipe.fin.is_some_and(|at| at <= now) {
            self.finish(now, wire);
            return true;
        }
        let due = self.wakes().is_some_and(|at| at <= now);
        if due {
            self.wants_tls = false;
        }
        due
    }

    fn finish(&mut self, now: Instant, wire: &mut Wire<'_>) {
        let at = now + wire.link.latency;
        wire.pipe(self.writes).close(at);
        // What still comes this way is read by nobody, and holds up nobody.
        let reads = wire.pipe(self.reads);
        reads.told = true;
        reads.under_way.clear();
        reads.unread = 0;
        reads.close(now);
        self.done = true;
    }

    fn step(&mut self, now: Instant, wire: &mut Wire<'_>) -> bool {
        let machine = &mut self.peer.machine;
        if machine.deadline().is_some_and(|(at, _)| at <= now) {
            machine.expire(now);
        }
        let next = match machine.read(now, &mut self.input) {
            Ok(Next::Event(event)) => {
                let note = self.peer.note(now, event);
                self.outcome.record(note);
                return true;
            }
            Ok(Next::Closed) => {
                self.outcome.end = End::Closed;
                self.draining = true;
                return true;
            }
            Err(error) => {
                self.outcome.end = End::Error(error.to_string());
                self.draining = true;
                return true;
            }
            Ok(next) => next,
        };
        if self.send(now, wire) {
            return true;
        }
        let reads = self.reads;
        match next {
            Next::NeedInput if self.peer.rest(now) => true,
            Next::NeedInput => {
                self.outcome.end = End::Waiting;
                wire.read(now, reads, &mut self.input) || self.close(now, wire)
            }
            Next::Paused(Pause::Upgrade) if self.chunk.is_empty() => {
                self.outcome.end = End::Upgrade;
                self.wants_tls = true;
                false
            }
            Next::Paused(Pause::Answer) => {
                self.outcome.end = End::Unanswered;
                false
            }
            _ => false,
        }
    }

    /// Tells the machine of the end of input, once it arrived.
    fn close(&mut self, now: Instant, wire: &mut Wire<'_>) -> bool {
        let pipe = wire.pipe(self.reads);
        let due = pipe.under_way.is_empty() && pipe.fin.is_some_and(|at| at <= now);
        if !due || pipe.told {
            return false;
        }
        pipe.told = true;
        self.peer.machine.read_closed(now);
        true
    }

    /// Writes a chunk, held or new; whether bytes moved.
    fn send(&mut self, now: Instant, wire: &mut Wire<'_>) -> bool {
        if !self.chunk.has_remaining() {
            match self.peer.machine.transmit(now) {
                Some(chunk) => {
                    self.outcome.output.extend_from_slice(&chunk);
                    self.chunk = chunk;
                }
                None => return false,
            }
        }
        wire.write(now, self.writes, &mut self.chunk)
    }

    /// After the end: sends what is left, discards what comes, closes.
    fn drain(&mut self, now: Instant, wire: &mut Wire<'_>) -> bool {
        self.input.clear();
        let reads = self.reads;
        wire.read(now, reads, &mut self.input);
        if self.send(now, wire) {
            return true;
        }
        let machine = &mut self.peer.machine;
        if machine.deadline().is_some_and(|(at, _)| at <= now) {
            machine.expire(now);
        }
        let held = !self.chunk.is_empty();
        if !held || machine.deadline().is_none() {
            self.finish(now, wire);
            return true;
        }
        false
    }
}

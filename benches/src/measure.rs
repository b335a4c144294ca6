//! How a row is measured.
//!
//! First both sides do the work once with every byte of the result hashed, and
//! must agree. Then they run in turns, round after round, a few milliseconds each,
//! so that whatever else the machine does hits all of them alike. What counts is a
//! side's fastest run: nothing makes code faster than it is, much makes it slower.
//! Time is the thread's own, without that in which others had the core.

use std::{hint::black_box, time::Duration};

use crate::memory;

/// What a side says about the work it did.
pub struct Tally {
    deep: bool,
    items: u64,
    sum: u64,
    /// What came, one by one, to say where two sides part.
    log: Vec<String>,
}

impl Tally {
    pub fn new(deep: bool) -> Tally {
        Tally {
            deep,
            items: 0,
            sum: 0,
            log: Vec::new(),
        }
    }

    /// Whether the same came out of both.
    pub fn is_same(&self, other: &Tally) -> bool {
        (self.items, self.sum) == (other.items, other.sum)
    }

    /// The first value in which they differ: this side's, the other's.
    pub fn difference<'t>(&'t self, other: &'t Tally) -> (&'t str, &'t str) {
        let differs = |i: &usize| self.log.get(*i) != other.log.get(*i);
        let most = self.log.len().max(other.log.len());
        let at = (0..most).find(differs).unwrap_or(most);
        let line = |tally: &'t Tally| tally.log.get(at).map_or("nothing", |l| l);
        (line(self), line(other))
    }

    /// This is the comparison, not what is timed.
    pub fn is_comparison(&self) -> bool {
        self.deep
    }

    /// One more item is done.
    pub fn item(&mut self) {
        self.items += 1;
    }

    /// A value that came out of it.
    pub fn number(&mut self, n: u64) {
        self.mix(n);
        if self.deep {
            self.log.push(n.to_string());
        }
    }

    fn mix(&mut self, n: u64) {
        self.sum = (self.sum ^ n).wrapping_mul(0x0100_0000_01b3);
    }

    /// Bytes that came out of it. How they are cut does not matter. They are all
    /// looked at in the comparison only; hashing them would drown what is timed.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.deep {
            for &b in bytes {
                self.mix(u64::from(b));
            }
            let sum = self.sum % 0x1_0000;
            let shown = &bytes[..bytes.len().min(60)];
            let length = bytes.len();
            let line = format!("\"{}\" ({length} bytes, {sum:04x})", shown.escape_ascii());
            self.log.push(line);
        } else {
            self.sum = self.sum.wrapping_add(black_box(bytes).len() as u64);
        }
    }
}

type Work = Box<dyn FnMut(&mut Tally)>;

/// What a row does.
enum Kind {
    /// Something to be timed.
    Timed(Unit, Work),
    /// A figure that is what it is, in the unit named; less is better. Perhaps
    /// beside another of that kind.
    Figure(&'static str, Figure, Option<(&'static str, Figure)>),
}

/// Told whether this is but a check, in which less will do.
type Figure = Box<dyn FnOnce(bool) -> f64>;

/// Who is compared with us.
struct Peer {
    name: &'static str,
    kind: PeerKind,
    work: Work,
    goal: Option<f64>,
}

/// How a peer's work is related to ours.
#[derive(Clone, Copy)]
enum PeerKind {
    /// The same.
    Same,
    /// Ours, on about a quarter of the bytes.
    Quarter(Unit),
    /// Only that part of ours that no code could do without.
    Limit,
}

/// What the figures of a row mean.
#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    /// Nanoseconds for one of so many items; less is better.
    Nanoseconds { items: u64 },
    /// Nanoseconds for a kilobyte of so many bytes; less is better.
    PerKilobyte { bytes: u64 },
    /// Gigabytes in a second, of so many bytes; more is better.
    Throughput { bytes: u64 },
    /// So many items, how many in a second; more is better.
    Rate { items: u64 },
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Nanoseconds { .. } => "ns",
            Unit::PerKilobyte { .. } => "ns/KB",
            Unit::Throughput { .. } => "GB/s",
            Unit::Rate { .. } => "1/s",
        }
    }

    fn figure(self, pass: Duration) -> f64 {
        let ns = pass.as_secs_f64() * 1e9;
        match self {
            Unit::Nanoseconds { items } => ns / items as f64,
            Unit::PerKilobyte { bytes } => ns * 1e3 / bytes as f64,
            Unit::Throughput { bytes } => bytes as f64 / ns,
            Unit::Rate { items } => items as f64 * 1e9 / ns,
        }
    }

    fn items(self) -> u64 {
        match self {
            Unit::Nanoseconds { items } | Unit::Rate { items } => items,
            Unit::Throughput { .. } | Unit::PerKilobyte { .. } => 1,
        }
    }

    /// How many times as good ours is as theirs.
    fn ratio(self, ours: f64, theirs: f64) -> f64 {
        match self {
            Unit::Nanoseconds { .. } | Unit::PerKilobyte { .. } => theirs / ours,
            Unit::Throughput { .. } | Unit::Rate { .. } => ours / theirs,
        }
    }
}

/// One thing that is measured: our work, and that of each peer.
pub struct Row {
    area: &'static str,
    name: String,
    kind: Kind,
    goal: Option<f64>,
    peers: Vec<Peer>,
    /// Another row compares the same.
    checked_elsewhere: bool,
}

/// What came of it: one line of the table.
pub struct Line {
    pub area: &'static str,
    pub row: String,
    pub unit: &'static str,
    pub ours: f64,
    /// Name, figure, and how many times as fast as it we are.
    pub peer: Option<(&'static str, f64, f64)>,
    /// With a peer, the least ratio that is wanted; without, the figure.
    pub goal: Option<f64>,
    /// Allocations for one item (or one pass, for a throughput): ours, the peer's.
    pub allocations: (Option<f64>, Option<f64>),
}

impl Row {
    pub fn new(
        area: &'static str,
        name: impl Into<String>,
        unit: Unit,
        ours: impl FnMut(&mut Tally) + 'static,
    ) -> Row {
        Row {
            area,
            name: name.into(),
            kind: Kind::Timed(unit, Box::new(ours)),
            goal: None,
            peers: Vec::new(),
            checked_elsewhere: false,
        }
    }

    /// A row of a figure that needs no clock.
    pub fn figure(
        area: &'static str,
        name: impl Into<String>,
        unit: &'static str,
        figure: impl FnOnce(bool) -> f64 + 'static,
    ) -> Row {
        Row {
            area,
            name: name.into(),
            kind: Kind::Figure(unit, Box::new(figure), None),
            goal: None,
            peers: Vec::new(),
            checked_elsewhere: false,
        }
    }

    /// Another figure, for a row of a figure.
    #[must_use]
    pub fn beside(mut self, name: &'static str, other: impl FnOnce(bool) -> f64 + 'static) -> Row {
        if let Kind::Figure(.., beside) = &mut self.kind {
            *beside = Some((name, Box::new(other)));
        }
        self
    }

    /// What one more kilobyte costs where there are many: `work` on `bytes` bytes, and
    /// on about a quarter of them. A ratio near 1 says that the cost is linear.
    pub fn linear(
        area: &'static str,
        name: impl Into<String>,
        (bytes, quarter): (u64, u64),
        work: impl FnMut(&mut Tally) + 'static,
        on_quarter: impl FnMut(&mut Tally) + 'static,
    ) -> Row {
        let mut row = Row::new(area, name, Unit::PerKilobyte { bytes }, work);
        row.peers.push(Peer {
            name: "itself on a quarter",
            kind: PeerKind::Quarter(Unit::PerKilobyte { bytes: quarter }),
            work: Box::new(on_quarter),
            goal: Some(1.0 / 1.3),
        });
        row
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn peer(mut self, name: &'static str, work: impl FnMut(&mut Tally) + 'static) -> Row {
        self.peers.push(Peer {
            name,
            kind: PeerKind::Same,
            work: Box::new(work),
            goal: None,
        });
        self
    }

    /// Beside that part of the work that nobody can do without: a primitive alone. The
    /// ratio is the share of its speed that is left.
    #[must_use]
    pub fn limit(mut self, name: &'static str, work: impl FnMut(&mut Tally) + 'static) -> Row {
        self.peers.push(Peer {
            name,
            kind: PeerKind::Limit,
            work: Box::new(work),
            goal: None,
        });
        self
    }

    /// The least ratio wanted with the peers so far; for a row without, the figure.
    #[must_use]
    pub fn goal(mut self, goal: f64) -> Row {
        self.goal = Some(goal);
        for peer in &mut self.peers {
            peer.goal.get_or_insert(goal);
        }
        self
    }

    /// Only to be timed: another row compares the same.
    #[must_use]
    pub fn checked_elsewhere(mut self) -> Row {
        self.checked_elsewhere = true;
        self
    }

    /// Compares and, unless `check_only`, times.
    ///
    /// # Errors
    ///
    /// Who did other work than we.
    pub fn run(mut self, check_only: bool) -> Result<Vec<Line>, String> {
        if check_only && self.checked_elsewhere {
            return Ok(Vec::new());
        }
        let (unit, mut ours) = match self.kind {
            Kind::Timed(unit, work) => (unit, work),
            Kind::Figure(unit, figure, beside) => {
                let ours = figure(check_only);
                let peer = beside.map(|(name, other)| {
                    let other = other(check_only);
                    (name, other, other / ours)
                });
                return Ok(vec![Line {
                    area: self.area,
                    row: self.name,
                    unit,
                    ours,
                    peer,
                    goal: self.goal,
                    allocations: (None, None),
                }]);
            }
        };
        // Of a hostile shape a quarter is enough to see that it comes to an end.
        let is_quarter = |p: &&mut Peer| matches!(p.kind, PeerKind::Quarter(_));
        let quarter = self.peers.iter_mut().find(is_quarter);
        let deep = match quarter {
            Some(quarter) if check_only => done(&mut quarter.work),
            _ => done(&mut ours),
        };
        if deep.items == 0 {
            return Err(format!("{} {}: nothing was done", self.area, self.name));
        }
        let is_same = |p: &&mut Peer| matches!(p.kind, PeerKind::Same);
        for peer in self.peers.iter_mut().filter(is_same) {
            let theirs = done(&mut peer.work);
            if !deep.is_same(&theirs) {
                let (area, name, peer) = (self.area, &self.name, peer.name);
                let (here, there) = deep.difference(&theirs);
                return Err(format!(
                    "{area} {name}: {peer} did other work: {there}, ours {here}"
                ));
            }
        }
        drop(deep);
        let mut sides: Vec<&mut Work> = vec![&mut ours];
        sides.extend(self.peers.iter_mut().map(|peer| &mut peer.work));
        let times = if check_only {
            vec![Duration::from_nanos(1); sides.len()]
        } else {
            rounds(&mut sides)
        };
        let allocations: Vec<f64> = sides
            .iter_mut()
            .map(|work| {
                let before = memory::allocations();
                if !check_only {
                    work(&mut Tally::new(false));
                }
                (memory::allocations() - before) as f64 / unit.items() as f64
            })
            .collect();
        let ours_figure = unit.figure(times[0]);
        let line = |peer, goal, theirs| Line {
            area: self.area,
            row: self.name.clone(),
            unit: unit.name(),
            ours: ours_figure,
            peer,
            goal,
            allocations: (Some(allocations[0]), theirs),
        };
        if self.peers.is_empty() {
            return Ok(vec![line(None, self.goal, None)]);
        }
        let is_limit = |peer: &Peer| matches!(peer.kind, PeerKind::Limit);
        let peers = self.peers.iter().enumerate();
        let peers = peers.filter(|(_, peer)| !(check_only && is_limit(peer)));
        let compared = peers.map(|(i, peer)| {
            let unit = match peer.kind {
                PeerKind::Quarter(unit) => unit,
                PeerKind::Same | PeerKind::Limit => unit,
            };
            let theirs = unit.figure(times[i + 1]);
            let ratio = unit.ratio(ours_figure, theirs);
            line(
                Some((peer.name, theirs, ratio)),
                peer.goal,
                Some(allocations[i + 1]),
            )
        });
        Ok(compared.collect())
    }
}

fn done(work: &mut Work) -> Tally {
    let mut tally = Tally::new(true);
    work(&mut tally);
    tally
}

/// How long a pass took, side by side.
fn rounds(sides: &mut [&mut Work]) -> Vec<Duration> {
    const ROUNDS: usize = 40;
    const SAMPLE: Duration = Duration::from_millis(4);
    /// What takes long is not done so often, but five times.
    const LONGEST: Duration = Duration::from_secs(2);
    let passes: Vec<u32> = sides
        .iter_mut()
        .map(|work| {
            let mut passes = 1;
            // Grown until a sample is long enough to be timed; that warms up, too.
            while sample(work, passes) * passes < SAMPLE && passes < 1 << 20 {
                passes *= 2;
            }
            passes
        })
        .collect();
    let mut fastest = vec![Duration::MAX; sides.len()];
    let began = clock();
    for round in 0..ROUNDS {
        if round >= 5 && clock() - began > LONGEST {
            break;
        }
        for turn in 0..sides.len() {
            let side = (turn + round) % sides.len();
            fastest[side] = fastest[side].min(sample(sides[side], passes[side]));
        }
    }
    fastest
}

fn sample(work: &mut Work, passes: u32) -> Duration {
    let mut tally = Tally::new(false);
    let began = clock();
    for _ in 0..passes {
        work(&mut tally);
    }
    let took = clock() - began;
    black_box((tally.items, tally.sum));
    took / passes
}

/// Time that this thread had a core: what others do meanwhile is not counted.
#[cfg(unix)]
fn clock() -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `now` is a timespec, to be written to.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    assert_eq!(failed, 0, "no clock of this thread's time");
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

#[cfg(not(unix))]
fn clock() -> Duration {
    static BEGAN: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    BEGAN.elapsed()
}

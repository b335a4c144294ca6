//! How a row is measured.
//!
//! First both sides do the work once with every byte of the result hashed, and
//! must agree. Then they run in turns, round after round, a few milliseconds each,
//! so that whatever else the machine does hits all of them alike. What counts is a
//! side's fastest run: nothing makes code faster than it is, much makes it slower.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

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
    /// A figure that is what it is, in the unit named; less is better.
    Figure(&'static str, Box<dyn FnOnce() -> f64>),
}

/// What the figures of a row mean.
#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    /// Nanoseconds for one of so many items; less is better.
    Nanoseconds { items: u64 },
    /// Gigabytes in a second, of so many bytes; more is better.
    Throughput { bytes: u64 },
    /// So many items, how many in a second; more is better.
    Rate { items: u64 },
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Nanoseconds { .. } => "ns",
            Unit::Throughput { .. } => "GB/s",
            Unit::Rate { .. } => "1/s",
        }
    }

    fn figure(self, pass: Duration) -> f64 {
        let ns = pass.as_secs_f64() * 1e9;
        match self {
            Unit::Nanoseconds { items } => ns / items as f64,
            Unit::Throughput { bytes } => bytes as f64 / ns,
            Unit::Rate { items } => items as f64 * 1e9 / ns,
        }
    }

    fn items(self) -> u64 {
        match self {
            Unit::Nanoseconds { items } | Unit::Rate { items } => items,
            Unit::Throughput { .. } => 1,
        }
    }
}

/// One thing that is measured: our work, and that of each peer.
pub struct Row {
    area: &'static str,
    name: String,
    kind: Kind,
    goal: Option<f64>,
    peers: Vec<(&'static str, Work)>,
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
        }
    }

    /// A row of a figure that needs no clock.
    pub fn figure(
        area: &'static str,
        name: impl Into<String>,
        unit: &'static str,
        figure: impl FnOnce() -> f64 + 'static,
    ) -> Row {
        Row {
            area,
            name: name.into(),
            kind: Kind::Figure(unit, Box::new(figure)),
            goal: None,
            peers: Vec::new(),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn peer(mut self, name: &'static str, work: impl FnMut(&mut Tally) + 'static) -> Row {
        self.peers.push((name, Box::new(work)));
        self
    }

    /// The least ratio wanted, for a row with peers; for one without, the figure.
    #[must_use]
    pub fn goal(mut self, goal: f64) -> Row {
        self.goal = Some(goal);
        self
    }

    /// Compares and, unless `check_only`, times.
    ///
    /// # Errors
    ///
    /// Who did other work than we.
    pub fn run(mut self, check_only: bool) -> Result<Vec<Line>, String> {
        let (unit, mut ours) = match self.kind {
            Kind::Timed(unit, work) => (unit, work),
            Kind::Figure(unit, figure) => {
                return Ok(vec![Line {
                    area: self.area,
                    row: self.name,
                    unit,
                    ours: figure(),
                    peer: None,
                    goal: self.goal,
                    allocations: (None, None),
                }]);
            }
        };
        let deep = done(&mut ours);
        if deep.items == 0 {
            return Err(format!("{} {}: nothing was done", self.area, self.name));
        }
        for (peer, work) in &mut self.peers {
            let theirs = done(work);
            if !deep.is_same(&theirs) {
                let (area, name) = (self.area, &self.name);
                let (here, there) = deep.difference(&theirs);
                return Err(format!(
                    "{area} {name}: {peer} did other work: {there}, ours {here}"
                ));
            }
        }
        let mut sides: Vec<&mut Work> = vec![&mut ours];
        sides.extend(self.peers.iter_mut().map(|(_, work)| work));
        let times = if check_only {
            vec![Duration::from_nanos(1); sides.len()]
        } else {
            rounds(&mut sides)
        };
        let per = unit.items() as f64;
        let allocations: Vec<f64> = sides
            .iter_mut()
            .map(|work| {
                let before = memory::allocations();
                work(&mut Tally::new(false));
                (memory::allocations() - before) as f64 / per
            })
            .collect();
        let ours_figure = unit.figure(times[0]);
        let line = |peer, theirs| Line {
            area: self.area,
            row: self.name.clone(),
            unit: unit.name(),
            ours: ours_figure,
            peer,
            goal: self.goal,
            allocations: (Some(allocations[0]), theirs),
        };
        if self.peers.is_empty() {
            return Ok(vec![line(None, None)]);
        }
        let compared = self.peers.iter().enumerate().map(|(i, (name, _))| {
            let theirs = times[i + 1];
            let ratio = theirs.as_secs_f64() / times[0].as_secs_f64();
            line(
                Some((*name, unit.figure(theirs), ratio)),
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
    for round in 0..ROUNDS {
        for turn in 0..sides.len() {
            let side = (turn + round) % sides.len();
            fastest[side] = fastest[side].min(sample(sides[side], passes[side]));
        }
    }
    fastest
}

fn sample(work: &mut Work, passes: u32) -> Duration {
    let mut tally = Tally::new(false);
    let began = Instant::now();
    for _ in 0..passes {
        work(&mut tally);
    }
    let took = began.elapsed();
    black_box((tally.items, tally.sum));
    took / passes
}

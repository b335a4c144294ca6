use alloc::vec::Vec;
use core::{fmt, num::NonZeroU32, ops::RangeInclusive};

use super::{Cursor, Invalid, ParseError};

/// `seq-number`: a message's number or UID, or `*`, the largest there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeqNumber {
    /// That one.
    Number(NonZeroU32),
    /// `*`.
    Largest,
}

/// One element of a set: `first:last`, in either order, or one number twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeqRange {
    /// One end.
    pub first: SeqNumber,
    /// The other end; the same as `first` for a single number.
    pub last: SeqNumber,
}

/// `sequence-set` (RFC 3501 section 9): ranges of message numbers or UIDs, at least
/// one. A range stays a range: `1:4294967295` costs no more than `1`.
///
/// ```
/// use scop_imap_proto::types::SequenceSet;
///
/// let set: SequenceSet = "4,12:9,7:*".parse()?;
/// assert!(set.contains(10, 20) && set.contains(20, 20) && !set.contains(5, 20));
/// assert_eq!(set.resolve(20), [4..=4, 7..=20]);
/// assert_eq!(set.to_string(), "4,12:9,7:*");
/// # Ok::<(), scop_imap_proto::types::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SequenceSet {
    /// Never empty.
    ranges: Vec<SeqRange>,
}

impl SeqRange {
    /// The numbers it stands for where `largest` is the largest in use. With 0 (an
    /// empty mailbox) `*` stands for nothing.
    #[must_use]
    pub fn resolve(&self, largest: u32) -> Option<RangeInclusive<u32>> {
        let value = |n| match n {
            SeqNumber::Number(n) => n.get(),
            SeqNumber::Largest => largest,
        };
        let (a, b) = (value(self.first), value(self.last));
        let (low, high) = (a.min(b), a.max(b));
        (low > 0).then_some(low..=high)
    }
}

impl SequenceSet {
    /// A set of one number.
    #[must_use]
    pub fn one(number: NonZeroU32) -> Self {
        Self::range(SeqNumber::Number(number), SeqNumber::Number(number))
    }

    /// A set of one range; `range(Number(n), Largest)` is `n:*`.
    #[must_use]
    pub fn range(first: SeqNumber, last: SeqNumber) -> Self {
        SequenceSet {
            ranges: alloc::vec![SeqRange { first, last }],
        }
    }

    /// `1:*`.
    #[must_use]
    pub fn all() -> Self {
        Self::range(SeqNumber::Number(NonZeroU32::MIN), SeqNumber::Largest)
    }

    /// A set of these ranges.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if there are none.
    pub fn new(ranges: impl IntoIterator<Item = SeqRange>) -> Result<Self, Invalid> {
        let ranges: Vec<SeqRange> = ranges.into_iter().collect();
        if ranges.is_empty() {
            return Err(Invalid {
                what: "a sequence set of nothing",
                rule: "RFC 3501 9 sequence-set",
            });
        }
        Ok(SequenceSet { ranges })
    }

    /// A set of these numbers, neighbours in it joined to ranges; their order is kept.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if there are none.
    pub fn of(numbers: impl IntoIterator<Item = NonZeroU32>) -> Result<Self, Invalid> {
        let mut joined: Vec<(NonZeroU32, NonZeroU32)> = Vec::new();
        for n in numbers {
            match joined.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(n) => *last = n,
                _ => joined.push((n, n)),
            }
        }
        Self::new(joined.into_iter().map(|(first, last)| SeqRange {
            first: SeqNumber::Number(first),
            last: SeqNumber::Number(last),
        }))
    }

    /// The ranges as they were given.
    #[must_use]
    pub fn ranges(&self) -> &[SeqRange] {
        &self.ranges
    }

    /// Whether `number` is in it, `largest` being the largest in use. Cost: the
    /// number of ranges.
    #[must_use]
    pub fn contains(&self, number: u32, largest: u32) -> bool {
        let mut resolved = self.ranges.iter().filter_map(|r| r.resolve(largest));
        resolved.any(|r| r.contains(&number))
    }

    /// The set in ascending order with overlaps and neighbours joined, `*` being
    /// `largest`. Ranges may reach beyond `largest` where the set does: for message
    /// numbers that is the client's error, for UIDs it is not (RFC 3501 section
    /// 6.4.8), and [`clipped`](Self::clipped) cuts it off. Cost: sorting the ranges.
    #[must_use]
    pub fn resolve(&self, largest: u32) -> Vec<RangeInclusive<u32>> {
        let mut found: Vec<_> = self
            .ranges
            .iter()
            .filter_map(|r| r.resolve(largest))
            .collect();
        found.sort_unstable_by_key(|r| *r.start());
        found.dedup_by(|next, kept| {
            let joins = *next.start() <= kept.end().saturating_add(1);
            if joins && next.end() > kept.end() {
                *kept = *kept.start()..=*next.end();
            }
            joins
        });
        found
    }

    /// As [`resolve`](Self::resolve), without what lies beyond `largest`.
    #[must_use]
    pub fn clipped(&self, largest: u32) -> Vec<RangeInclusive<u32>> {
        let mut found = self.resolve(largest);
        found.retain(|r| *r.start() <= largest);
        if let Some(last) = found.last_mut() {
            *last = *last.start()..=(*last.end()).min(largest);
        }
        found
    }

    /// All numbers of it up to `largest`, ascending, each once: at most `largest`
    /// of them, made as they are asked for.
    pub fn iter(&self, largest: u32) -> impl Iterator<Item = u32> + use<> {
        self.clipped(largest).into_iter().flatten()
    }

    /// `sequence-set`.
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let mut ranges = Vec::new();
        loop {
            let first = seq_number(cursor)?;
            let last = if cursor.eat(b':') {
                seq_number(cursor)?
            } else {
                first
            };
            ranges.push(SeqRange { first, last });
            if !cursor.eat(b',') {
                return Ok(SequenceSet { ranges });
            }
        }
    }
}

fn seq_number(cursor: &mut Cursor<'_>) -> Result<SeqNumber, ParseError> {
    if cursor.eat(b'*') {
        Ok(SeqNumber::Largest)
    } else {
        cursor.nz_number().map(SeqNumber::Number)
    }
}

impl core::str::FromStr for SequenceSet {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(text.as_bytes());
        let set = SequenceSet::parse(&mut cursor)?;
        if cursor.is_done() {
            Ok(set)
        } else {
            Err(cursor.error("expected `,`, `:` or the end", "RFC 3501 9 sequence-set"))
        }
    }
}

impl fmt::Display for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SeqNumber::Number(n) => n.fmt(f),
            SeqNumber::Largest => f.write_str("*"),
        }
    }
}

impl fmt::Display for SeqRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        if self.first == self.last {
            return Ok(());
        }
        write!(f, ":{}", self.last)
    }
}

impl fmt::Display for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.ranges.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            range.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn set(text: &str) -> SequenceSet {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_stay_ranges() {
        let all = set("1:4294967295");
        assert_eq!(all.ranges().len(), 1);
        assert!(all.contains(4_000_000_000, u32::MAX));
        assert_eq!(all.clipped(3), [1..=3]);
        assert_eq!(all.iter(3).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(all.iter(u32::MAX).take(2).count(), 2);
    }

    #[test]
    fn the_star_is_the_largest() {
        // RFC 3501 6.4.8: `559:*` always names the last message.
        assert_eq!(set("559:*").clipped(100), [100..=100]);
        assert_eq!(set("559:*").resolve(100), [100..=559]);
        assert_eq!(set("*").resolve(7), [7..=7]);
        assert_eq!(set("*:*").resolve(0), []);
        assert_eq!(set("1:*").clipped(0), []);
        assert!(!set("*").contains(0, 0));
        assert_eq!(
            set("2,4:7,9,12:*").resolve(15),
            [2..=2, 4..=7, 9..=9, 12..=15]
        );
        assert_eq!(set("*:4,5:7").resolve(10), [4..=10]);
        assert_eq!(
            set("3,1,2,4294967295:4294967290").resolve(9),
            [1..=3, 4_294_967_290..=u32::MAX]
        );
    }

    #[test]
    fn what_is_no_set() {
        for bad in [
            "",
            "0",
            "1,",
            ",1",
            "1:",
            ":1",
            "1:2:3",
            "x",
            "4294967296",
            "1 ",
            "-1",
            "**",
        ] {
            assert!(bad.parse::<SequenceSet>().is_err(), "{bad}");
        }
        assert!(SequenceSet::new([]).is_err());
    }

    #[test]
    fn numbers_join_to_ranges() {
        let of = |ns: &[u32]| {
            SequenceSet::of(ns.iter().filter_map(|n| NonZeroU32::new(*n)))
                .unwrap()
                .to_string()
        };
        assert_eq!(of(&[1, 2, 3, 5, 7, 8]), "1:3,5,7:8");
        assert_eq!(of(&[3, 2, 1]), "3,2,1");
        assert_eq!(of(&[u32::MAX]), "4294967295");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn resolved_and_contained_agree(
            ranges in prop::collection::vec((0u32..12, 0u32..12), 1..5), largest in 0u32..12,
        ) {
            let number = |n| NonZeroU32::new(n).map_or(SeqNumber::Largest, SeqNumber::Number);
            let set = SequenceSet::new(ranges.iter().map(|(a, b)| SeqRange {
                first: number(*a), last: number(*b),
            })).unwrap();
            prop_assert_eq!(&set.to_string().parse::<SequenceSet>().unwrap(), &set);
            let resolved = set.resolve(largest);
            prop_assert!(resolved.windows(2).all(|w| *w[0].end() + 1 < *w[1].start()));
            for n in 1..14 {
                let inside = resolved.iter().any(|r| r.contains(&n));
                prop_assert_eq!(inside, set.contains(n, largest));
            }
            let listed: Vec<u32> = set.iter(largest).collect();
            let wanted: Vec<u32> = (1..=largest).filter(|n| set.contains(*n, largest)).collect();
            prop_assert_eq!(listed, wanted);
        }
    }
}

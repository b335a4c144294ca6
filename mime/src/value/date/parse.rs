//! What dates look like.

use super::{DAYS, DateTime, MONTHS};
use crate::DefectKind;
use crate::value::lex::Cursor;
use crate::value::note::Notes;
use crate::vectors::{u8x16, vector_at};

/// The date, and what is odd about it; nothing is told of what is no date.
pub(super) fn read(value: &[u8], notes: &mut Notes<'_>) -> Option<DateTime> {
    match common(value) {
        Some(date) if !notes.wanted() => Some(date),
        _ => read_any(value, notes),
    }
}

/// A date as nearly all are: `Fri, 21 Nov 1997 09:55:06 -0600`, the day of the week
/// perhaps left out. It is what [`read_any`] makes of it.
pub(super) fn common(value: &[u8]) -> Option<DateTime> {
    let value = value.strip_prefix(b" ").unwrap_or(value);
    let value = match value {
        [a, b, c, b',', b' ', rest @ ..] if named(&DAY_WORDS, [*a, *b, *c]).is_some() => rest,
        _ => value,
    };
    let (day, rest) = match value {
        [a, b' ', rest @ ..] => ([b'0', *a], rest),
        [a, b, b' ', rest @ ..] => ([*a, *b], rest),
        _ => return None,
    };
    let (fixed, behind) = rest.split_first_chunk::<23>()?;
    let [
        m,
        o,
        n,
        b' ',
        y,
        e,
        a,
        r,
        b' ',
        h,
        i,
        b':',
        t,
        u,
        b':',
        s,
        c,
        b' ',
        sign,
        z @ ..,
    ] = fixed
    else {
        return None;
    };
    if matches!(behind, [b'0'..=b'9' | b':', ..]) {
        return None;
    }
    // The digits of year and time and the first of the seconds; the other one, and the zone.
    let are_digits = digits_in(fixed, 0) & 0b1011_0110_1111_0000 == 0b1011_0110_1111_0000
        && digits_in(fixed, 7) & 0b1111_0010_0000_0000 == 0b1111_0010_0000_0000
        && day.iter().all(u8::is_ascii_digit);
    if !are_digits {
        return None;
    }
    let two = |a: u8, b: u8| (a - b'0') * 10 + (b - b'0');
    let [z0, z1, z2, z3] = *z;
    let (hours, minutes) = (two(z0, z1), two(z2, z3));
    let east = i16::from(hours) * 60 + i16::from(minutes);
    let offset = match sign {
        _ if hours > 23 || minutes > 59 => return None,
        b'+' => Some(east),
        b'-' => (east > 0).then_some(-east),
        _ => return None,
    };
    let date = DateTime {
        year: u16::from(two(*y, *e)) * 100 + u16::from(two(*a, *r)),
        month: named(&MONTH_WORDS, [*m, *o, *n])? as u8 + 1,
        day: two(day[0], day[1]),
        hour: two(*h, *i),
        minute: two(*t, *u),
        second: two(*s, *c),
        offset,
    };
    date.is_real().then_some(date)
}

/// Which of the sixteen bytes from `from` on are digits, by bit.
#[inline]
fn digits_in(bytes: &[u8; 23], from: usize) -> u32 {
    (vector_at(bytes, from) - u8x16::splat(b'0'))
        .simd_lt(u8x16::splat(10))
        .to_bitmask()
}

/// Which of the names the letters are, in any case.
#[inline]
fn named<const N: usize>(names: &[u32; N], letters: [u8; 3]) -> Option<usize> {
    let wanted = word(&letters);
    names.iter().position(|n| *n == wanted)
}

const MONTH_WORDS: [u32; 12] = words(&MONTHS);
const DAY_WORDS: [u32; 7] = words(&DAYS);

const fn words<const N: usize>(names: &[&str; N]) -> [u32; N] {
    let mut words = [0; N];
    let mut n = 0;
    while n < N {
        words[n] = word(names[n].as_bytes());
        n += 1;
    }
    words
}

/// Three letters as a number: their case, which is one bit, does not count.
const fn word(letters: &[u8]) -> u32 {
    (letters[0] as u32 | 0x20) << 16 | (letters[1] as u32 | 0x20) << 8 | letters[2] as u32 | 0x20
}

pub(super) fn read_any(value: &[u8], notes: &mut Notes<'_>) -> Option<DateTime> {
    let mut parser = Parser {
        cursor: Cursor::new(value),
        odd: None,
        obsolete: None,
        zone_defect: None,
    };
    let (weekday, date) = parser.date()?;
    if let Some(day) = weekday
        && day.which != date.day_of_week()
    {
        notes.add(DefectKind::WrongWeekday, day.at);
    }
    if let Some(at) = parser.odd {
        notes.add(DefectKind::OddDate, at);
    }
    if let Some(at) = parser.obsolete {
        notes.add(DefectKind::ObsoleteDate, at);
    }
    if let Some((kind, at)) = parser.zone_defect {
        notes.add(kind, at);
    }
    parser.cursor.skip_cfws();
    if parser.cursor.peek().is_some() {
        notes.add(DefectKind::TextAfterDate, parser.cursor.pos());
    }
    Some(date)
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    /// Where the first oddity is, and the first thing that is obsolete.
    odd: Option<usize>,
    obsolete: Option<usize>,
    zone_defect: Option<(DefectKind, usize)>,
}

/// Digits: their value, how many there are, and where.
#[derive(Clone, Copy)]
struct Number {
    value: u16,
    digits: usize,
    at: usize,
}

/// Which of [`DAYS`] or [`MONTHS`] a word names, and where it is.
#[derive(Clone, Copy)]
struct Word {
    which: usize,
    at: usize,
}

type Time = (u8, u8, u8);

fn made(year: u16, month: Word, day: Number, time: Time, zone: Option<i16>) -> Option<DateTime> {
    Some(DateTime {
        year,
        month: u8::try_from(month.which + 1).ok()?,
        day: u8::try_from(day.value).ok()?,
        hour: time.0,
        minute: time.1,
        second: time.2,
        offset: zone,
    })
}

impl Parser<'_> {
    fn odd(&mut self, at: usize) {
        self.odd.get_or_insert(at);
    }

    /// The day of the week that it names, and the date.
    fn date(&mut self) -> Option<(Option<Word>, DateTime)> {
        let (weekday, month) = self.words();
        let first = self.number(4)?;
        let date = match month {
            Some(month) => self.asctime(month, first),
            None if first.digits == 4 => self.iso8601(first),
            None => self.usual(first),
        }?;
        date.is_real().then_some((weekday, date))
    }

    /// `21 Nov 1997 09:55:06 -0600`
    fn usual(&mut self, day: Number) -> Option<DateTime> {
        if day.digits > 2 || self.separator(b"-./").is_some() {
            self.odd(day.at);
        }
        let month = self.words().1?;
        self.separator(b"-./");
        let year = self.number(4)?;
        let year = self.year(year);
        let time = self.time()?;
        let zone = self.zone();
        made(year, month, day, time, zone)
    }

    /// `Nov 21 09:55:06 1997`, the zone before the year or behind it; also
    /// `Nov 21, 1997 09:55:06`.
    fn asctime(&mut self, month: Word, day: Number) -> Option<DateTime> {
        self.odd(month.at);
        let next = self.number(4)?;
        if next.digits > 2 || !matches!(self.peek(), Some(b':' | b'.')) {
            let year = self.year(next);
            let time = self.time()?;
            let zone = self.zone();
            return made(year, month, day, time, zone);
        }
        let time = self.time_from(next)?;
        let early = self.peek().is_some_and(|b| !b.is_ascii_digit());
        let before = if early { self.zone() } else { None };
        let year = self.number(4)?;
        let year = self.year(year);
        let zone = if early { before } else { self.zone() };
        made(year, month, day, time, zone)
    }

    /// `1997-11-21T09:55:06-06:00`
    fn iso8601(&mut self, year: Number) -> Option<DateTime> {
        self.odd(year.at);
        self.separator(b"-/.")?;
        let month = self.number(2)?;
        self.separator(b"-/.")?;
        let day = self.number(2)?;
        self.separator(b"Tt");
        let month = Word {
            which: usize::from(month.value).checked_sub(1)?,
            at: month.at,
        };
        let time = self.time()?;
        let zone = self.zone();
        made(year.value, month, day, time, zone)
    }

    /// What is next behind white space and comments.
    fn peek(&mut self) -> Option<u8> {
        self.cursor.skip_cfws();
        self.cursor.peek()
    }

    /// Skips words until one names a month, or something else comes: the day of the
    /// week and the month.
    fn words(&mut self) -> (Option<Word>, Option<Word>) {
        let mut weekday = None;
        loop {
            self.skip(b",.");
            let at = self.cursor.pos();
            let word = self.cursor.take_while(|b| b.is_ascii_alphabetic());
            let letters = word.first_chunk().copied();
            let found = |which: usize| Word { which, at };
            if word.is_empty() {
                return (weekday, None);
            }
            if let Some(month) = letters.and_then(|l| named(&MONTH_WORDS, l)).map(found) {
                return (weekday, Some(month));
            }
            match letters.and_then(|l| named(&DAY_WORDS, l)).map(found) {
                Some(day) if weekday.is_none() => weekday = Some(day),
                _ => self.odd(at),
            }
        }
    }

    /// A number of at most `most` digits.
    fn number(&mut self, most: usize) -> Option<Number> {
        self.skip(b",");
        let at = self.cursor.pos();
        let digits = self.cursor.take_while(|b| b.is_ascii_digit());
        if digits.is_empty() || digits.len() > most {
            return None;
        }
        Some(Number {
            value: value(digits),
            digits: digits.len(),
            at,
        })
    }

    /// RFC 5322 4.3.
    fn year(&mut self, number: Number) -> u16 {
        if number.digits < 4 {
            self.obsolete.get_or_insert(number.at);
        } else if number.value < 1900 {
            self.odd(number.at);
        }
        match number.digits {
            ..=2 if number.value < 50 => number.value + 2000,
            ..=3 => number.value + 1900,
            _ => number.value,
        }
    }

    fn time(&mut self) -> Option<Time> {
        let hour = self.number(2)?;
        self.time_from(hour)
    }

    /// What is behind the hour.
    fn time_from(&mut self, hour: Number) -> Option<Time> {
        let mark = self.separator(b":.")?;
        let minute = self.number(2)?;
        let before = self.cursor.clone();
        let second = match self.separator(b":.") {
            Some(again) if again == mark => Some(self.number(2)?),
            _ => {
                self.cursor = before;
                None
            }
        };
        let short = [Some(hour), Some(minute), second];
        if mark != b':' || short.iter().flatten().any(|n| n.digits != 2) {
            self.odd(hour.at);
        }
        if self.cursor.peek() == Some(b'.') {
            self.odd(self.cursor.pos());
            self.cursor.bump();
            self.cursor.take_while(|b| b.is_ascii_digit());
        }
        let clock = |n: Number| u8::try_from(n.value).ok();
        let hour = self.half_day(clock(hour)?)?;
        Some((hour, clock(minute)?, second.map_or(Some(0), clock)?))
    }

    /// The hour, where AM or PM is behind the time.
    fn half_day(&mut self, hour: u8) -> Option<u8> {
        let before = self.cursor.clone();
        self.cursor.skip_cfws();
        let at = self.cursor.pos();
        let word = self.cursor.take_while(|b| b.is_ascii_alphabetic());
        let late = word.eq_ignore_ascii_case(b"PM");
        if !late && !word.eq_ignore_ascii_case(b"AM") {
            self.cursor = before;
            return Some(hour);
        }
        self.odd(at);
        (1..=12)
            .contains(&hour)
            .then_some(hour % 12 + if late { 12 } else { 0 })
    }

    fn separator(&mut self, of: &[u8]) -> Option<u8> {
        let separator = self.peek().filter(|b| of.contains(b))?;
        self.cursor.bump();
        Some(separator)
    }

    /// Minutes east of UTC. A zone that nobody knows is `-0000` (RFC 5322 4.3).
    fn zone(&mut self) -> Option<i16> {
        self.cursor.skip_cfws();
        let at = self.cursor.pos();
        let name = self.cursor.take_while(|b| b.is_ascii_alphabetic());
        let universal = [&b"UT"[..], b"UTC", b"GMT"]
            .iter()
            .any(|n| name.eq_ignore_ascii_case(n));
        if !name.is_empty() && !universal {
            let zone = named_zone(name);
            match zone {
                Some(0) if self.odd.is_some() => {}
                Some(_) => _ = self.obsolete.get_or_insert(at),
                None => self.zone_defect = Some((DefectKind::UnknownZone, at)),
            }
            return zone;
        }
        let named = self.cursor.clone();
        self.cursor.skip_space();
        let sign = match self.cursor.peek() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => {
                self.cursor = named;
                match universal {
                    true => _ = self.obsolete.get_or_insert(at),
                    false => self.zone_defect = Some((DefectKind::MissingZone, at)),
                }
                return universal.then_some(0);
            }
        };
        self.cursor.bump();
        let first = self.cursor.take_while(|b| b.is_ascii_digit());
        let second = match self.cursor.eat(b':') {
            true => self.cursor.take_while(|b| b.is_ascii_digit()),
            false => &[],
        };
        if universal || first.len() != 4 || !second.is_empty() {
            self.odd(at);
        }
        let (hours, minutes) = match (first.len(), second.len()) {
            (3 | 4, 0) => (value(first) / 100, value(first) % 100),
            (1 | 2, 0 | 2) => (value(first), value(second)),
            _ => (u16::MAX, 0),
        };
        if hours > 23 || minutes > 59 {
            self.zone_defect = Some((DefectKind::UnknownZone, at));
            return None;
        }
        let east = hours as i16 * 60 + minutes as i16;
        (sign > 0 || east > 0).then_some(sign * east)
    }

    fn skip(&mut self, also: &[u8]) {
        loop {
            self.cursor.skip_cfws();
            match self.cursor.peek() {
                Some(b) if also.contains(&b) => self.cursor.bump(),
                _ => return,
            }
        }
    }
}

/// Of at most four digits.
fn value(digits: &[u8]) -> u16 {
    digits
        .iter()
        .fold(0, |n, d| n * 10 + u16::from(d.wrapping_sub(b'0')))
}

/// The zones of RFC 822 5.1; letters of the military are all unknown, because RFC
/// 822 had their sign wrong.
fn named_zone(name: &[u8]) -> Option<i16> {
    let zones: [(&[u8], i16); 9] = [
        (b"Z", 0),
        (b"EST", -5),
        (b"EDT", -4),
        (b"CST", -6),
        (b"CDT", -5),
        (b"MST", -7),
        (b"MDT", -6),
        (b"PST", -8),
        (b"PDT", -7),
    ];
    let zone = zones.iter().find(|z| name.eq_ignore_ascii_case(z.0));
    zone.map(|z| z.1 * 60)
}

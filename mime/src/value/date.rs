//! Dates (RFC 5322 3.3 and 4.3), and as RFC 3339 writes them.

use core::fmt;

use alloc::string::String;

use super::lex::Cursor;

/// A time of day on a date, with its offset from UTC. It is always one that
/// exists, in the years 0 to 9999.
///
/// ```
/// use scop_mime::DateTime;
///
/// let date = DateTime::parse(b"Fri, 21 Nov 1997 09:55:06 -0600").unwrap();
/// assert_eq!(date.to_string(), "1997-11-21T09:55:06-06:00");
/// assert_eq!(date.to_unix(), 880_127_706);
/// assert_eq!(DateTime::from_unix(880_127_706, -360).unwrap(), date);
/// assert_eq!(date.to_rfc5322(), "Fri, 21 Nov 1997 09:55:06 -0600");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    /// Minutes east of UTC; `None` for `-0000`: UTC, of a place unknown.
    offset: Option<i16>,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

impl DateTime {
    /// Reads the value of a Date field: with or without the day of the week and the
    /// seconds, comments anywhere, years of two and three digits, zones by name;
    /// also as C's `asctime` writes it. The day of the week is not checked. `None`
    /// when it is no date, or one that never was.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        Parser {
            cursor: Cursor::new(value),
        }
        .date()
    }

    /// The time `seconds` after the start of 1970 in UTC, as a clock shows it
    /// `offset` minutes east of Greenwich. `None` outside of the years 0 to 9999 and
    /// for an offset of a day or more.
    #[must_use]
    pub fn from_unix(seconds: i64, offset: i16) -> Option<Self> {
        if offset.unsigned_abs() >= 24 * 60 {
            return None;
        }
        let local = seconds.checked_add(i64::from(offset) * 60)?;
        let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil(days)?;
        Some(DateTime {
            year,
            month,
            day,
            hour: (second / 3600) as u8,
            minute: (second / 60 % 60) as u8,
            second: (second % 60) as u8,
            offset: Some(offset),
        })
    }

    /// Seconds since the start of 1970 in UTC. A leap second is the one before it.
    #[must_use]
    pub fn to_unix(&self) -> i64 {
        let days = days_from_civil(
            i64::from(self.year),
            i64::from(self.month),
            i64::from(self.day),
        );
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute);
        let minutes = minutes - i64::from(self.offset.unwrap_or(0));
        days * 86_400 + minutes * 60 + i64::from(self.second.min(59))
    }

    /// Year, month (from 1) and day.
    #[must_use]
    pub fn date(&self) -> (u16, u8, u8) {
        (self.year, self.month, self.day)
    }

    /// Hour, minute and second (60 in a leap second).
    #[must_use]
    pub fn time(&self) -> (u8, u8, u8) {
        (self.hour, self.minute, self.second)
    }

    /// Minutes east of UTC; `None` when the time is in UTC and the place unknown
    /// (RFC 5322 3.3: `-0000`).
    #[must_use]
    pub fn offset(&self) -> Option<i16> {
        self.offset
    }

    /// As a Date field has it: `Fri, 21 Nov 1997 09:55:06 -0600`.
    #[must_use]
    pub fn to_rfc5322(&self) -> String {
        let days = days_from_civil(
            i64::from(self.year),
            i64::from(self.month),
            i64::from(self.day),
        );
        let weekday = DAYS.get((days + 4).rem_euclid(7) as usize);
        let month = MONTHS.get(usize::from(self.month) - 1);
        let (sign, hours, minutes) = self.offset_parts();
        alloc::format!(
            "{}, {:02} {} {:04} {:02}:{:02}:{:02} {sign}{hours:02}{minutes:02}",
            weekday.unwrap_or(&"Sun"),
            self.day,
            month.unwrap_or(&"Jan"),
            self.year,
            self.hour,
            self.minute,
            self.second,
        )
    }

    fn offset_parts(&self) -> (char, u16, u16) {
        let sign = match self.offset {
            Some(offset) if offset >= 0 => '+',
            _ => '-',
        };
        let offset = self.offset.unwrap_or(0).unsigned_abs();
        (sign, offset / 60, offset % 60)
    }
}

impl fmt::Display for DateTime {
    /// RFC 3339: `1997-11-21T09:55:06-06:00`; `-00:00` for an unknown place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, hours, minutes) = self.offset_parts();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{hours:02}:{minutes:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }
}

/// Days since 1970 of a date of the Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> Option<(u16, u8, u8)> {
    let days = days.checked_add(719_468)?;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + i64::from(month <= 2);
    let year = u16::try_from(year).ok().filter(|y| *y <= 9999)?;
    Some((year, month as u8, day as u8))
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

struct Parser<'a> {
    cursor: Cursor<'a>,
}

impl Parser<'_> {
    fn date(mut self) -> Option<DateTime> {
        let mut month = self.month();
        let day = self.number(2)?.0;
        let (mut year, mut time) = (None, None);
        if month.is_some() {
            // asctime: Fri Nov 21 09:55:06 1997
            let (number, digits) = self.number(4)?;
            match digits {
                3.. => year = Some(full_year(number, digits)),
                _ => {
                    time = Some(self.time(number)?);
                    let (number, digits) = self.number(4)?;
                    year = Some(full_year(number, digits));
                }
            }
        } else {
            self.skip(b"-./");
            month = self.month();
            self.skip(b"-./");
        }
        let month = month?;
        let year = match year {
            Some(year) => year,
            None => {
                let (number, digits) = self.number(4)?;
                full_year(number, digits)
            }
        };
        let (hour, minute, second) = match time {
            Some(time) => time,
            None => {
                let hour = self.number(2)?.0;
                self.time(hour)?
            }
        };
        let day = u8::try_from(day).ok()?;
        let real =
            (1..=days_in(year, month)).contains(&day) && hour <= 23 && minute <= 59 && second <= 60;
        real.then(|| DateTime {
            year,
            month,
            day,
            hour: hour as u8,
            minute: minute as u8,
            second: second as u8,
            offset: self.zone(),
        })
    }

    /// Skips words until one names a month, or something else comes.
    fn month(&mut self) -> Option<u8> {
        loop {
            self.skip(b",.");
            let word = self.cursor.take_while(|b| b.is_ascii_alphabetic());
            let found = word.get(..3).and_then(|word| {
                MONTHS
                    .iter()
                    .position(|m| m.as_bytes().eq_ignore_ascii_case(word))
            });
            if word.is_empty() || found.is_some() {
                return found.map(|m| m as u8 + 1);
            }
        }
    }

    /// A number of at most `most` digits, and how many it has.
    fn number(&mut self, most: usize) -> Option<(u16, usize)> {
        self.skip(b",");
        let digits = self.cursor.take_while(|b| b.is_ascii_digit());
        if digits.is_empty() || digits.len() > most {
            return None;
        }
        let value = digits
            .iter()
            .fold(0, |n, d| n * 10 + u16::from(d.wrapping_sub(b'0')));
        Some((value, digits.len()))
    }

    /// What is behind the hour.
    fn time(&mut self, hour: u16) -> Option<(u16, u16, u16)> {
        let separator = self.separator()?;
        let minute = self.number(2)?.0;
        let before = self.cursor.clone();
        let second = match self.separator() {
            Some(again) if again == separator => self.number(2)?.0,
            _ => {
                self.cursor = before;
                0
            }
        };
        if self.cursor.peek() == Some(b'.') {
            self.cursor.bump();
            self.cursor.take_while(|b| b.is_ascii_digit());
        }
        Some((hour, minute, second))
    }

    fn separator(&mut self) -> Option<u8> {
        self.cursor.skip_cfws();
        let separator = self.cursor.peek().filter(|b| matches!(b, b':' | b'.'))?;
        self.cursor.bump();
        Some(separator)
    }

    /// Minutes east of UTC. A zone that nobody knows is `-0000` (RFC 5322 4.3).
    fn zone(&mut self) -> Option<i16> {
        self.cursor.skip_cfws();
        let name = self.cursor.take_while(|b| b.is_ascii_alphabetic());
        let universal = [&b"UT"[..], b"UTC", b"GMT"]
            .iter()
            .any(|n| name.eq_ignore_ascii_case(n));
        if !name.is_empty() && !universal {
            return named_zone(name);
        }
        self.cursor.skip_space();
        let sign = match self.cursor.peek() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return universal.then_some(0),
        };
        self.cursor.bump();
        let first = self.cursor.take_while(|b| b.is_ascii_digit());
        let second = match self.cursor.eat(b':') {
            true => self.cursor.take_while(|b| b.is_ascii_digit()),
            false => &[],
        };
        let value = |digits: &[u8]| {
            digits
                .iter()
                .fold(0i16, |n, d| n * 10 + i16::from(d.wrapping_sub(b'0')))
        };
        let (hours, minutes) = match (first.len(), second.len()) {
            (3 | 4, 0) => (value(first) / 100, value(first) % 100),
            (1 | 2, 0 | 2) => (value(first), value(second)),
            _ => return None,
        };
        if hours > 23 || minutes > 59 || (sign < 0 && hours == 0 && minutes == 0) {
            return None;
        }
        Some(sign * (hours * 60 + minutes))
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

/// RFC 5322 4.3.
fn full_year(number: u16, digits: usize) -> u16 {
    match digits {
        ..=2 if number < 50 => number + 2000,
        ..=3 => number + 1900,
        _ => number,
    }
}

/// The zones of RFC 822 5.1; letters of the military are all unknown, because RFC
/// 822 had their sign wrong.
fn named_zone(name: &[u8]) -> Option<i16> {
    let zones: [(&[u8], i16); 8] = [
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
    match name {
        b"Z" | b"z" => Some(0),
        _ => zone.map(|z| z.1 * 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn check(value: &str, rfc3339: &str) {
        let date = DateTime::parse(value.as_bytes());
        assert_eq!(
            date.map(|d| d.to_string()).unwrap_or_default(),
            rfc3339,
            "{value}"
        );
    }

    #[test]
    fn dates_of_rfc5322_appendix_a() {
        check(
            "Fri, 21 Nov 1997 09:55:06 -0600",
            "1997-11-21T09:55:06-06:00",
        );
        check(
            "Tue, 1 Jul 2003 10:52:37 +0200",
            "2003-07-01T10:52:37+02:00",
        );
        check(
            "Thu, 13 Feb 1969 23:32:54 -0330",
            "1969-02-13T23:32:54-03:30",
        );
        check(
            "Mon, 24 Nov 1997 14:22:01 -0800",
            "1997-11-24T14:22:01-08:00",
        );
        // A.5 and A.6.2
        check(
            "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)",
            "1969-02-13T23:32:00-03:30",
        );
        check("21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06+00:00");
        check(
            "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",
            "1997-11-21T09:55:06-06:00",
        );
    }

    #[test]
    fn dates_of_old_and_of_the_wild() {
        check("21 Nov 49 00:00 EST", "2049-11-21T00:00:00-05:00");
        check("21 Nov 50 00:00 PDT", "1950-11-21T00:00:00-07:00");
        check("21 Nov 100 00:00:00 UT", "2000-11-21T00:00:00+00:00");
        check("Fri Nov 21 09:55:06 1997", "1997-11-21T09:55:06-00:00");
        check(
            "Friday, 21-November-97 09:55 Z",
            "1997-11-21T09:55:00+00:00",
        );
        check("21 Nov 1997 09:55:06", "1997-11-21T09:55:06-00:00");
        check("21 Nov 1997 09:55:06 -0000", "1997-11-21T09:55:06-00:00");
        check("21 Nov 1997 09:55:06 K", "1997-11-21T09:55:06-00:00");
        check(
            "21 Nov 1997 09:55:06 GMT+0200 (CEST)",
            "1997-11-21T09:55:06+02:00",
        );
        check("21 Nov 1997 09:55:06 +02:00", "1997-11-21T09:55:06+02:00");
        check("21 Nov 1997 09.55.06 +0200", "1997-11-21T09:55:06+02:00");
        check("29 Feb 2000 23:59:60 +0000", "2000-02-29T23:59:60+00:00");
    }

    #[test]
    fn what_never_was_is_no_date() {
        for value in [
            "",
            "now",
            "29 Feb 1900 00:00:00 +0000",
            "0 Jan 2000 00:00 GMT",
            "32 Jan 2000 00:00 GMT",
            "1 Jan 2000 24:00 GMT",
            "1 Jan 2000 00:60 GMT",
            "1 Foo 2000 00:00 GMT",
            "1 Jan 2000",
            "1 Jan 99999 00:00",
            "Mon, ",
            "1 Jan 2000 1",
            "(",
            "1 Jan 2000 12:",
        ] {
            check(value, "");
        }
        check("1 Jan 2000 00:00 +9999", "2000-01-01T00:00:00-00:00");
    }

    #[test]
    fn mi05_comments_nest_without_recursion() {
        let deep = "(".repeat(200_000) + &")".repeat(200_000);
        check(
            &(deep.clone() + "21 Nov 1997 09:55" + &deep),
            "1997-11-21T09:55:00-00:00",
        );
        check(&"(".repeat(200_000), "");
        check(&"a ".repeat(200_000), "");
    }

    proptest! {
        #[test]
        fn clocks_agree(seconds in -62_167_219_200i64..253_402_300_800, offset in -1439i16..1440) {
            if let Some(date) = DateTime::from_unix(seconds, offset) {
                prop_assert_eq!(date.to_unix(), seconds);
                prop_assert_eq!(DateTime::parse(date.to_rfc5322().as_bytes()), Some(date));
            }
        }
    }
}

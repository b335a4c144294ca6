//! Dates (RFC 5322 3.3 and 4.3), and as RFC 3339 writes them.

mod common;
mod parse;
#[cfg(test)]
mod tests;

use core::cmp::Ordering;
use core::fmt;

use alloc::string::String;

use super::note::Notes;

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
/// assert_eq!(date.at_offset(0).unwrap().to_string(), "1997-11-21T15:55:06+00:00");
/// assert!(date < "1997-11-21T16:00:00Z".parse()?);
/// # Ok::<(), scop_mime::NotADate>(())
/// ```
///
/// They are in the order of time; of the same time in that of their places, from west to
/// east. Equal are only those that are written alike: compare [`to_unix`](Self::to_unix)
/// where the place does not matter.
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
    /// Reads the value of a Date field (RFC 5322 3.3 and 4.3): with or without the day
    /// of the week and the seconds, comments anywhere, years of two and three digits,
    /// zones by name. Also what programs write instead: C's `asctime`, ISO 8601, digits
    /// missing, hyphens, `GMT+0200`, AM and PM. A zone that is absent or that nobody
    /// knows is `-0000`, as RFC 5322 4.3 has it of the military ones; a day of the week
    /// that is wrong does not count. `None` when it is no date, or one that never was.
    ///
    /// ```
    /// use scop_mime::DateTime;
    ///
    /// for odd in ["21 Nov 97 9:55:6 CST", "1997-11-21T09:55:06-06:00", "Fri Nov 21 09:55:06 -0600 1997"] {
    ///     assert_eq!(DateTime::parse(odd.as_bytes()).unwrap().to_unix(), 880_127_706);
    /// }
    /// ```
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        parse::read(value, &mut Notes::none())
    }

    pub(crate) fn read(value: &[u8], notes: &mut Notes<'_>) -> Option<Self> {
        parse::read(value, notes)
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

    /// The same time, as a clock shows it `offset` minutes east of Greenwich. `None`
    /// outside of the years 0 to 9999 and for an offset of a day or more. A leap second is
    /// the one before it.
    #[must_use]
    pub fn at_offset(&self, offset: i16) -> Option<Self> {
        Self::from_unix(self.to_unix(), offset)
    }

    /// The day of the week: 0 for Sunday to 6 for Saturday.
    #[must_use]
    pub fn weekday(&self) -> u8 {
        self.day_of_week() as u8
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
        let mut out = alloc::vec::Vec::with_capacity(32);
        self.write_rfc5322(&mut out);
        // It is all ASCII.
        String::from_utf8(out).unwrap_or_default()
    }

    /// Appends the same.
    pub(crate) fn write_rfc5322(&self, out: &mut alloc::vec::Vec<u8>) {
        let weekday = DAYS.get(self.day_of_week()).unwrap_or(&"Sun");
        let month = MONTHS.get(usize::from(self.month) - 1).unwrap_or(&"Jan");
        let (sign, hours, minutes) = self.offset_parts();
        let digits = |n: u16| {
            let n = (n % 100) as u8;
            [b'0' + n / 10, b'0' + n % 10]
        };
        let letters = |name: &str| name.as_bytes().first_chunk().copied().unwrap_or(*b"???");
        let ([w, e, k], [m, o, n]) = (letters(weekday), letters(month));
        let ([c, d], [y, z]) = (digits(self.year / 100), digits(self.year));
        let [d1, d2] = digits(self.day.into());
        let [h1, h2] = digits(self.hour.into());
        let [m1, m2] = digits(self.minute.into());
        let [s1, s2] = digits(self.second.into());
        let ([o1, o2], [o3, o4]) = (digits(hours), digits(minutes));
        out.extend_from_slice(&[
            w, e, k, b',', b' ', d1, d2, b' ', m, o, n, b' ', c, d, y, z, b' ', h1, h2, b':', m1,
            m2, b':', s1, s2, b' ', sign as u8, o1, o2, o3, o4,
        ]);
    }

    /// Whether there is such a day and such a time.
    fn is_real(&self) -> bool {
        (1..=12).contains(&self.month)
            && (1..=days_in(self.year, self.month)).contains(&self.day)
            && self.hour <= 23
            && self.minute <= 59
            && self.second <= 60
    }

    /// Which of [`DAYS`] it was.
    fn day_of_week(&self) -> usize {
        let (year, month, day) = (self.year.into(), self.month.into(), self.day.into());
        (days_from_civil(year, month, day) + 4).rem_euclid(7) as usize
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

impl Ord for DateTime {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |date: &Self| (date.to_unix(), date.second, date.offset);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for DateTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A text that is no date, or a date that never was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no date: want one as in RFC 5322 section 3.3 or RFC 3339, in the years 0 to 9999")]
pub struct NotADate;

impl core::str::FromStr for DateTime {
    type Err = NotADate;

    /// As [`parse`](DateTime::parse), RFC 3339 too.
    fn from_str(text: &str) -> Result<Self, NotADate> {
        Self::parse(text.as_bytes()).ok_or(NotADate)
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

use core::fmt;

use super::{Cursor, Invalid, ParseError};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const RULE: &str = "RFC 3501 9 date-time";

/// A day that exists, of the years 0 to 9999: `date` of SEARCH.
///
/// ```
/// use scop_imap_proto::types::Date;
///
/// let date = Date::new(1994, 2, 1)?;
/// assert_eq!(date.to_string(), "1-Feb-1994");
/// assert!(date < Date::new(1994, 10, 1)?);
/// assert!(Date::new(2023, 2, 29).is_err());
/// # Ok::<(), scop_imap_proto::types::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// That day of the Gregorian calendar; `month` and `day` count from 1.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if there is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, Invalid> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => 0,
        };
        if year > 9999 || day == 0 || day > days {
            return Err(Invalid {
                what: "a day that does not exist",
                rule: RULE,
            });
        }
        Ok(Date { year, month, day })
    }

    /// The year, 0 to 9999.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Days since 1970-01-01; negative before.
    #[must_use]
    pub fn days_since_epoch(self) -> i64 {
        // Howard Hinnant's days_from_civil: years start in March, so that the leap
        // day is a year's last.
        let month = i64::from(self.month);
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The day `days` after 1970-01-01.
    ///
    /// # Errors
    ///
    /// [`Invalid`] outside the years 0 to 9999.
    pub fn from_days_since_epoch(days: i64) -> Result<Self, Invalid> {
        let outside = Invalid {
            what: "a day outside the years 0 to 9999",
            rule: RULE,
        };
        let days = days.checked_add(719_468).ok_or(outside)?;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = era
            .checked_mul(400)
            .and_then(|y| y.checked_add(year_of_era + i64::from(month <= 2)))
            .ok_or(outside)?;
        let narrow = |n: i64| u8::try_from(n).map_err(|_| outside);
        Date::new(
            u16::try_from(year).map_err(|_| outside)?,
            narrow(month)?,
            narrow(day)?,
        )
    }

    /// `date`: maybe quoted, day of one or two digits.
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let quoted = cursor.eat(b'"');
        let date = date_text(cursor)?;
        if quoted {
            cursor.expect(
                b'"',
                "expected the closing quote of a date",
                "RFC 3501 9 date",
            )?;
        }
        Ok(date)
    }
}

fn date_text(cursor: &mut Cursor<'_>) -> Result<Date, ParseError> {
    let at = cursor.clone();
    let day = digits(cursor, 1, 2)?;
    cursor.expect(b'-', "expected `-` in a date", RULE)?;
    let name = cursor.ascii_while(|b| b.is_ascii_alphabetic());
    let month = (1u8..)
        .zip(MONTHS)
        .find_map(|(n, m)| m.eq_ignore_ascii_case(name).then_some(n))
        .ok_or_else(|| at.error("expected a month's name in a date", RULE))?;
    cursor.expect(b'-', "expected `-` in a date", RULE)?;
    let year = digits(cursor, 4, 4)?;
    // At most two digits.
    let day = u8::try_from(day).unwrap_or_default();
    Date::new(year, month, day).map_err(|e| at.error(e.what, e.rule))
}

/// A number of `least` to `most` (up to 4) digits.
fn digits(cursor: &mut Cursor<'_>, least: usize, most: usize) -> Result<u16, ParseError> {
    let at = cursor.clone();
    let text = cursor.take_while(|b| b.is_ascii_digit());
    if text.len() < least || text.len() > most {
        return Err(at.error("a wrong number of digits in a date", RULE));
    }
    Ok(text.iter().fold(0, |n, d| n * 10 + u16::from(d - b'0')))
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = MONTHS
            .get(usize::from(self.month).wrapping_sub(1))
            .unwrap_or(&"Jan");
        write!(f, "{}-{month}-{:04}", self.day, self.year)
    }
}

/// A moment with its zone: `date-time` of INTERNALDATE and APPEND.
///
/// ```
/// use scop_imap_proto::types::DateTime;
///
/// let moment = DateTime::from_unix(837_596_665, -420)?;
/// assert_eq!(moment.to_string(), "\"17-Jul-1996 02:44:25 -0700\"");
/// assert_eq!(moment.to_unix(), 837_596_665);
/// # Ok::<(), scop_imap_proto::types::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    date: Date,
    hour: u8,
    minute: u8,
    second: u8,
    zone: i16,
}

impl DateTime {
    /// That moment; `zone` is in minutes east of Greenwich.
    ///
    /// # Errors
    ///
    /// [`Invalid`] past 23:59:60 or for a zone of more than 99:59 either way.
    pub fn new(date: Date, hour: u8, minute: u8, second: u8, zone: i16) -> Result<Self, Invalid> {
        if hour > 23 || minute > 59 || second > 60 || zone.unsigned_abs() > 99 * 60 + 59 {
            return Err(Invalid {
                what: "a time of day or zone that does not exist",
                rule: RULE,
            });
        }
        Ok(DateTime {
            date,
            hour,
            minute,
            second,
            zone,
        })
    }

    /// The moment `seconds` after 1970-01-01 00:00 UTC, as it is called `zone`
    /// minutes east of Greenwich.
    ///
    /// # Errors
    ///
    /// [`Invalid`] outside the years 0 to 9999, or as [`new`](Self::new).
    pub fn from_unix(seconds: i64, zone: i16) -> Result<Self, Invalid> {
        let local = seconds.saturating_add(i64::from(zone) * 60);
        let date = Date::from_days_since_epoch(local.div_euclid(86_400))?;
        let of_day = local.rem_euclid(86_400);
        let part = |n: i64| u8::try_from(n).unwrap_or_default();
        Self::new(
            date,
            part(of_day / 3600),
            part(of_day / 60 % 60),
            part(of_day % 60),
            zone,
        )
    }

    /// Seconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub fn to_unix(self) -> i64 {
        let of_day =
            i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second);
        self.date.days_since_epoch() * 86_400 + of_day - i64::from(self.zone) * 60
    }

    /// The day, in its zone: what SEARCH's ON, BEFORE and SINCE compare, which
    /// disregard time and zone (RFC 3501 section 6.4.4).
    #[must_use]
    pub const fn date(self) -> Date {
        self.date
    }

    /// Hour, minute and second.
    #[must_use]
    pub const fn time(self) -> (u8, u8, u8) {
        (self.hour, self.minute, self.second)
    }

    /// Minutes east of Greenwich.
    #[must_use]
    pub const fn zone(self) -> i16 {
        self.zone
    }

    /// `date-time`, quotes included.
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let at = cursor.clone();
        cursor.expect(b'"', "expected a quoted date and time", RULE)?;
        // `date-day-fixed`: a space in place of the first digit.
        cursor.eat(b' ');
        let date = date_text(cursor)?;
        cursor.space()?;
        let hour = digits(cursor, 2, 2)?;
        cursor.expect(b':', "expected `:` in a time", RULE)?;
        let minute = digits(cursor, 2, 2)?;
        cursor.expect(b':', "expected `:` in a time", RULE)?;
        let second = digits(cursor, 2, 2)?;
        cursor.space()?;
        let west = cursor.eat(b'-');
        if !west {
            cursor.expect(b'+', "expected `+` or `-` before a zone", RULE)?;
        }
        let zone = digits(cursor, 4, 4)?;
        cursor.expect(b'"', "expected the closing quote of a date", RULE)?;
        let part = |n: u16| u8::try_from(n).unwrap_or(u8::MAX);
        if zone % 100 > 59 {
            return Err(at.error("a zone of 60 minutes or more", RULE));
        }
        let minutes = i16::try_from(zone / 100 * 60 + zone % 100).unwrap_or(i16::MAX);
        let zone = if west { -minutes } else { minutes };
        DateTime::new(date, part(hour), part(minute), part(second), zone)
            .map_err(|e| at.error(e.what, e.rule))
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.zone < 0 { '-' } else { '+' };
        let zone = self.zone.unsigned_abs();
        write!(
            f,
            "\"{:>2}{} {:02}:{:02}:{:02} {sign}{:02}{:02}\"",
            self.date.day,
            DateTail(self.date),
            self.hour,
            self.minute,
            self.second,
            zone / 60,
            zone % 60
        )
    }
}

/// A date without its day.
struct DateTail(Date);

impl fmt::Display for DateTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = MONTHS
            .get(usize::from(self.0.month).wrapping_sub(1))
            .unwrap_or(&"Jan");
        write!(f, "-{month}-{:04}", self.0.year)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn moment(text: &str) -> Result<DateTime, ParseError> {
        DateTime::parse(&mut Cursor::new(text.as_bytes()))
    }

    #[test]
    fn moments_are_read_and_written() {
        for text in [
            "\"17-Jul-1996 02:44:25 -0700\"",
            "\" 1-Jan-1970 00:00:00 +0000\"",
            "\"31-Dec-2016 23:59:60 +0530\"",
        ] {
            assert_eq!(moment(text).unwrap().to_string(), text);
        }
        // Lenient: one digit without the space.
        assert_eq!(
            moment("\"1-jan-1970 00:00:00 +0000\"").unwrap().to_unix(),
            0
        );
        for bad in [
            "17-Jul-1996 02:44:25 -0700",
            "\"17-Jul-1996 02:44:25\"",
            "\"32-Jul-1996 02:44:25 -0700\"",
            "\"29-Feb-1900 00:00:00 +0000\"",
            "\"17-Jul-96 02:44:25 -0700\"",
            "\"17-Jul-1996 24:00:00 +0000\"",
            "\"17-Foo-1996 02:44:25 -0700\"",
            "\"17-Jul-1996 02:44:25 +0060\"",
            "\"00-Jul-1996 02:44:25 +0000\"",
            "\"17-Jul-1996 02:44:25 -0700",
            "",
        ] {
            assert!(moment(bad).is_err(), "{bad}");
        }
        assert!(Date::parse(&mut Cursor::new(b"\"1-Feb-1994\"")).is_ok());
        assert!(Date::parse(&mut Cursor::new(b"\"1-Feb-1994")).is_err());
    }

    #[test]
    fn dates_have_their_bounds() {
        assert_eq!(Date::new(1970, 1, 1).unwrap().days_since_epoch(), 0);
        assert_eq!(Date::new(2000, 3, 1).unwrap().days_since_epoch(), 11_017);
        for n in [i64::MIN, -719_529, 2_932_897, i64::MAX] {
            assert!(Date::from_days_since_epoch(n).is_err(), "{n}");
        }
        assert!(DateTime::from_unix(i64::MAX, 0).is_err());
        assert!(DateTime::from_unix(0, i16::MAX).is_err());
    }

    proptest! {
        #[test]
        fn days_count_both_ways(days in -719_528i64..=2_932_896) {
            let date = Date::from_days_since_epoch(days).unwrap();
            prop_assert_eq!(date.days_since_epoch(), days);
        }

        #[test]
        fn moments_come_back(seconds in -62_000_000_000i64..253_000_000_000, zone in -5999i16..=5999) {
            let moment = DateTime::from_unix(seconds, zone).unwrap();
            prop_assert_eq!(moment.to_unix(), seconds);
            let text = moment.to_string();
            prop_assert_eq!(DateTime::parse(&mut Cursor::new(text.as_bytes())).unwrap(), moment);
        }
    }
}

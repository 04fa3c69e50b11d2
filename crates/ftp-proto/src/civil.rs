//! A date and a time of day as a server writes them.
//!
//! What a LIST line says is a wall-clock time in a zone that is not named, often without seconds or
//! without a time of day at all. The type keeps exactly that; turning it into an instant needs the
//! server's zone, which is the caller's to know.

use std::fmt;

/// A civil date and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilTime {
    /// The year.
    pub year: i32,
    /// 1–12.
    pub month: u8,
    /// 1–31.
    pub day: u8,
    /// 0–23; 0 where the precision is days.
    pub hour: u8,
    /// 0–59.
    pub minute: u8,
    /// 0–60: leap seconds occur.
    pub second: u8,
    /// Nanoseconds of the fraction.
    pub nanosecond: u32,
    /// How much of it the server said.
    pub precision: Precision,
    /// Whether the form means UTC; otherwise it is the server's unnamed zone.
    pub utc: bool,
}

/// The smallest unit a server gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// A date only.
    Day,
    /// Hours and minutes.
    Minute,
    /// Seconds.
    Second,
    /// A fraction of a second.
    Subsecond,
}

impl CivilTime {
    /// A date, if there is such a day, in the server's zone.
    #[must_use]
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let there = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        there.then_some(Self {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
            precision: Precision::Day,
            utc: false,
        })
    }

    /// The same day at a time of day, to the minute; raise the precision if seconds were given.
    #[must_use]
    pub fn at(mut self, hour: u8, minute: u8, second: u8) -> Option<Self> {
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        (self.hour, self.minute, self.second) = (hour, minute, second);
        self.precision = Precision::Minute;
        Some(self)
    }

    /// From seconds since 1970 in UTC.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = date_of(days)?;
        let part = |value: i64| u8::try_from(value).ok();
        let date = Self::new(year, month, day)?;
        let mut time = date.at(
            part(second / 3600)?,
            part(second / 60 % 60)?,
            part(second % 60)?,
        )?;
        time.precision = Precision::Second;
        time.utc = true;
        Some(time)
    }

    /// Seconds from 1970 to this civil time, as if it were UTC; the fraction is cut.
    #[must_use]
    pub fn to_unix(&self) -> i64 {
        days_before(self.year, self.month, self.day) * DAY
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second)
    }
}

impl fmt::Display for CivilTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)?;
        if self.precision >= Precision::Minute {
            write!(f, "T{:02}:{:02}", self.hour, self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
        }
        if self.precision >= Precision::Subsecond {
            write!(f, ".{:09}", self.nanosecond)?;
        }
        f.write_str(if self.utc { "Z" } else { "" })
    }
}

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i32, month: u8) -> u8 {
    match month {
        2 => 28 + u8::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01; years begin in March, so that the leap day ends one.
fn days_before(year: i32, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month < 3);
    let month = (i64::from(month) + 9) % 12;
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date_of(days: i64) -> Option<(i32, u8, u8)> {
    let days = days.checked_add(719_468)?;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month < 3);
    Some((
        i32::try_from(year).ok()?,
        u8::try_from(month).ok()?,
        u8::try_from(day).ok()?,
    ))
}

const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(seconds: i64, expected: &str) {
        let time = CivilTime::from_unix(seconds).unwrap();
        assert_eq!(time.to_string(), expected);
        assert_eq!(time.to_unix(), seconds);
    }

    #[test]
    fn instants() {
        check(0, "1970-01-01T00:00:00Z");
        check(-1, "1969-12-31T23:59:59Z");
        check(951_782_399, "2000-02-28T23:59:59Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(4_107_542_400, "2100-03-01T00:00:00Z");
    }

    #[test]
    fn days_that_are_not() {
        assert!(CivilTime::new(2023, 2, 29).is_none());
        assert!(CivilTime::new(2024, 2, 29).is_some());
        assert!(CivilTime::new(1900, 2, 29).is_none());
        assert!(CivilTime::new(2024, 0, 1).is_none());
        assert!(CivilTime::new(2024, 4, 31).is_none());
        assert!(CivilTime::new(2024, 4, 30).unwrap().at(24, 0, 0).is_none());
        assert!(CivilTime::from_unix(i64::MAX).is_none());
    }

    proptest! {
        #[test]
        fn there_and_back(seconds in -10_000_000_000i64..100_000_000_000) {
            prop_assert_eq!(CivilTime::from_unix(seconds).unwrap().to_unix(), seconds);
        }
    }
}

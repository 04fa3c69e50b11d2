//! Times as servers tell them: with the precision they have, and whether the zone is known.

use std::fmt;

use serde::{Serialize, Serializer};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// A moment on the proleptic Gregorian calendar, as exact as the server told it.
///
/// `MDTM`, `MLSD` and SFTP give UTC; the dates of `LIST` are in the server's own zone, which the
/// client cannot see: [`Timestamp::zone`] tells which, and two times compare only within one zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timestamp {
    civil: PrimitiveDateTime,
    precision: Precision,
    zone: Zone,
}

/// The smallest unit a time was told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// A date alone.
    Day,
    /// Hours and minutes.
    Minute,
    /// Seconds.
    Second,
    /// A fraction of a second, to the nanosecond.
    Subsecond,
}

/// Which clock a time was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zone {
    /// Coordinated universal time.
    Utc,
    /// The server's own time, its offset unknown.
    Server,
}

impl Timestamp {
    /// A time from calendar parts: month 1–12, day 1–31, hour 0–23; a second of 60 counts as 59.
    /// `None` if there is no such day or hour.
    pub fn from_civil(
        (year, month, day): (i32, u8, u8),
        (hour, minute, second): (u8, u8, u8),
        nanosecond: u32,
        precision: Precision,
        zone: Zone,
    ) -> Option<Self> {
        let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
        let time = Time::from_hms_nano(hour, minute, second.min(59), nanosecond).ok()?;
        (second <= 60).then_some(Self {
            civil: PrimitiveDateTime::new(date, time),
            precision,
            zone,
        })
    }

    /// A UTC time from seconds since 1970-01-01T00:00:00Z, as SFTP and EPLF tell it. `None` beyond
    /// the years ±9999.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        let at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        Some(Self::from_utc(at, Precision::Second))
    }

    /// The UTC time of a local file.
    pub fn from_system_time(time: std::time::SystemTime) -> Self {
        Self::from_utc(OffsetDateTime::from(time), Precision::Subsecond)
    }

    fn from_utc(at: OffsetDateTime, precision: Precision) -> Self {
        let at = at.to_offset(UtcOffset::UTC);
        Self {
            civil: PrimitiveDateTime::new(at.date(), at.time()),
            precision,
            zone: Zone::Utc,
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z, the parts below cut off; `None` when the zone is unknown.
    pub fn unix_seconds(&self) -> Option<i64> {
        (self.zone == Zone::Utc).then(|| self.civil.assume_utc().unix_timestamp())
    }

    /// Year, month (1–12) and day (1–31).
    pub fn date(&self) -> (i32, u8, u8) {
        (
            self.civil.year(),
            self.civil.month().into(),
            self.civil.day(),
        )
    }

    /// Hour, minute and second.
    pub fn time(&self) -> (u8, u8, u8) {
        self.civil.time().as_hms()
    }

    /// Nanoseconds within the second.
    pub fn nanosecond(&self) -> u32 {
        self.civil.nanosecond()
    }

    /// How exact the time is.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Whether the time is UTC.
    pub fn zone(&self) -> Zone {
        self.zone
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601, down to the precision, with `Z` only when the time is UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time();
        let mut text = format!("{year:04}-{month:02}-{day:02}");
        if self.precision >= Precision::Minute {
            text += &format!("T{hour:02}:{minute:02}");
        }
        if self.precision >= Precision::Second {
            text += &format!(":{second:02}");
        }
        if self.precision >= Precision::Subsecond && self.nanosecond() != 0 {
            let digits = format!("{:09}", self.nanosecond());
            text += &format!(".{}", digits.trim_end_matches('0'));
        }
        if self.zone == Zone::Utc && self.precision > Precision::Day {
            text.push('Z');
        }
        f.pad(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        date: (i32, u8, u8),
        time: (u8, u8, u8),
        precision: Precision,
        expected: Option<&str>,
    ) {
        let made = Timestamp::from_civil(date, time, 0, precision, Zone::Server);
        assert_eq!(made.map(|t| t.to_string()).as_deref(), expected);
    }

    #[test]
    fn times_print_what_is_known() {
        check((2024, 2, 29), (1, 2, 3), Precision::Day, Some("2024-02-29"));
        check(
            (2024, 2, 29),
            (1, 2, 3),
            Precision::Minute,
            Some("2024-02-29T01:02"),
        );
        check(
            (2024, 2, 29),
            (1, 2, 60),
            Precision::Second,
            Some("2024-02-29T01:02:59"),
        );
        check((2023, 2, 29), (0, 0, 0), Precision::Second, None);
        check((2023, 2, 28), (24, 0, 0), Precision::Second, None);
        check((2023, 2, 28), (0, 0, 61), Precision::Second, None);
    }

    #[test]
    fn unix_time_goes_both_ways() {
        let time = Timestamp::from_unix_seconds(1_700_000_000).unwrap();
        assert_eq!(time.to_string(), "2023-11-14T22:13:20Z");
        assert_eq!(time.unix_seconds(), Some(1_700_000_000));
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX), None);
        assert_eq!(
            Timestamp::from_unix_seconds(-1).unwrap().to_string(),
            "1969-12-31T23:59:59Z"
        );
        let local = Timestamp::from_civil((2024, 1, 1), (0, 0, 0), 0, Precision::Day, Zone::Server);
        assert_eq!(local.unwrap().unix_seconds(), None);
    }
}

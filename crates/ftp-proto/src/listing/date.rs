//! Dates and times of day as listings write them, and years that are not there.
//!
//! One function reads one form that is a single word; how several words make a date differs by family.

use super::words::{digits, whole};
use crate::civil::{CivilTime, Precision};

/// A date without a year: the last one that is not more than a day ahead of `now`.
pub(super) fn recent(
    now: &CivilTime,
    month: u8,
    day: u8,
    time: impl Fn(CivilTime) -> Option<CivilTime>,
) -> Option<CivilTime> {
    // Eight years hold a 29 February, whatever the century.
    (0..=8).find_map(|back| {
        let stamp = time(CivilTime::new(now.year - back, month, day)?)?;
        (stamp.to_unix() <= now.to_unix() + 86_400).then_some(stamp)
    })
}

/// A day, a month or an hour of one or two digits.
pub(super) fn small(word: &[u8]) -> Option<u8> {
    if word.len() > 2 {
        return None;
    }
    u8::try_from(whole(word)?).ok()
}

/// A year of four digits.
pub(super) fn year(word: &[u8]) -> Option<i32> {
    if word.len() != 4 {
        return None;
    }
    i32::try_from(whole(word)?).ok()
}

/// A year of four digits, of two, or of three: programs that were not ready for 2000 print the years since 1900.
pub(super) fn any_year(word: &[u8]) -> Option<i32> {
    let number = i32::try_from(whole(word)?).ok()?;
    match word.len() {
        4 => Some(number),
        3 if (100..200).contains(&number) => Some(1900 + number),
        2 if number < 70 => Some(2000 + number),
        2 => Some(1900 + number),
        _ => None,
    }
}

/// A time of day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    hour: u8,
    minute: u8,
    second: Option<u8>,
}

impl Clock {
    /// `H:MM`, `HH:MM` or `HH:MM:SS`, a fraction of a second and a half of the day (`AM`, `pm`, `p`) after it.
    ///
    /// Fractions are cut.
    pub(super) fn read(word: &[u8]) -> Option<Self> {
        Self::read_with(word, b":")
    }

    /// As [`read`](Self::read), with any of `separators` between the parts.
    pub(super) fn read_with(word: &[u8], separators: &[u8]) -> Option<Self> {
        let (hour, rest) = digits(word);
        let hour = small(hour)?;
        let separator = *rest.first().filter(|byte| separators.contains(byte))?;
        let (minute, mut rest) = digits(&rest[1..]);
        let two = |digits: &[u8]| (digits.len() == 2).then(|| small(digits)).flatten();
        let minute = two(minute)?;
        let mut second = None;
        if rest.first() == Some(&separator) {
            let (digits_of, after) = digits(&rest[1..]);
            second = Some(two(digits_of)?);
            rest = after;
            if let [b'.' | b',', fraction @ ..] = rest {
                rest = digits(fraction).1;
            }
        }
        let clock = Self {
            hour,
            minute,
            second,
        };
        if rest.is_empty() {
            return Some(clock);
        }
        Half::read(rest).map(|half| clock.in_half(half))
    }

    pub(super) fn in_half(mut self, half: Half) -> Self {
        self.hour = match (self.hour, half) {
            (12, Half::Am) => 0,
            (hour @ 1..=11, Half::Pm) => hour + 12,
            (hour, _) => hour,
        };
        self
    }

    /// This time on a day.
    pub(super) fn on(self, date: CivilTime) -> Option<CivilTime> {
        let mut time = date.at(self.hour, self.minute, self.second.unwrap_or(0))?;
        if self.second.is_some() {
            time.precision = Precision::Second;
        }
        Some(time)
    }

    pub(super) fn has_seconds(self) -> bool {
        self.second.is_some()
    }
}

/// A half of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Am,
    Pm,
}

impl Half {
    pub(super) fn read(word: &[u8]) -> Option<Self> {
        match word.to_ascii_lowercase().as_slice() {
            b"am" | b"a" => Some(Self::Am),
            b"pm" | b"p" => Some(Self::Pm),
            _ => None,
        }
    }
}

/// Three parts with the same separator between them, of those given.
pub(super) fn parts<'w>(word: &'w [u8], separators: &[u8]) -> Option<[&'w [u8]; 3]> {
    let separator = word.iter().find(|byte| separators.contains(byte))?;
    let mut parts = word.split(|byte| byte == separator);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(three)
}

/// `MM-DD-YY` with any separator of `separators` and any form of the year; day and month exchanged where the first
/// number cannot be a month, and where dots stand between them, of which only who begins with the day makes use.
pub(super) fn month_first(word: &[u8], separators: &[u8]) -> Option<CivilTime> {
    let [a, b, c] = parts(word, separators)?;
    let (mut a, mut b, year) = (small(a)?, small(b)?, any_year(c)?);
    if word.contains(&b'.') {
        (a, b) = (b, a);
    }
    CivilTime::new(year, a, b).or_else(|| CivilTime::new(year, b, a))
}

/// `YYYY-MM-DD` or `YY-MM-DD`.
pub(super) fn year_first(word: &[u8], separators: &[u8]) -> Option<CivilTime> {
    let [y, m, d] = parts(word, separators)?;
    CivilTime::new(any_year(y)?, small(m)?, small(d)?)
}

/// `YYYY-MM-DD`, with four digits for the year.
pub(super) fn long_year_first(word: &[u8], separators: &[u8]) -> Option<CivilTime> {
    let [y, m, d] = parts(word, separators)?;
    CivilTime::new(year(y)?, small(m)?, small(d)?)
}

//! The date of a line in the manner of `ls`: several words, in the order and language of the server's locale.

use super::date::{
    Clock, Half, any_year, long_year_first, month_first, parts, recent, small, year,
};
use super::month::month;
use super::words::{Words, count, digits};
use crate::civil::CivilTime;

/// A date among the words of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) time: CivilTime,
    /// The index of the last word that belongs to it.
    pub(super) last: usize,
    /// Whether that word is a year, which stands in a column as wide as a time of day.
    pub(super) ends_in_year: bool,
    /// Whether that word is a whole date, after which a time of day may stand.
    is_date_alone: bool,
}

impl Stamp {
    fn new(time: CivilTime, last: usize) -> Self {
        Self {
            time,
            last,
            ends_in_year: false,
            is_date_alone: false,
        }
    }

    fn with_year(time: CivilTime, last: usize) -> Self {
        Self {
            ends_in_year: true,
            ..Self::new(time, last)
        }
    }

    /// Reads the date that begins at word `at`.
    pub(super) fn read(words: &Words<'_>, at: usize, now: &CivilTime) -> Option<Self> {
        numeric_date(words, at)
            .or_else(|| short_date(words, at, now))
            .or_else(|| named_date(words, at, now))
            .or_else(|| year_first(words, at))
            .or_else(|| numbers_alone(words, at, now))
    }

    /// Where the name begins: one blank after the date. Where the year does not fill its column from the left, a
    /// second blank after it is the column's (`Mar  1 2003  name`, of MultiNet and the like), and so are all blanks where
    /// a time was left away.
    pub(super) fn name_at(&self, words: &Words<'_>, line: &[u8]) -> usize {
        if self.is_date_alone {
            return words.start(self.last + 1);
        }
        let after = words.end(self.last) + 1;
        let filled_after = self.ends_in_year && words.gap(self.last) == 1;
        after + usize::from(filled_after && line.get(after) == Some(&b' '))
    }
}

/// A whole date in one word, and perhaps a time: `2005-06-07 21:22`, `2004.07.15`, `24-04-2003 17:12`, `01-jun-99`,
/// and what `ls --full-time` adds.
fn numeric_date(words: &Words<'_>, at: usize) -> Option<Stamp> {
    let word = words.get(at)?;
    let date = long_year_first(word, b"-/.")
        .or_else(|| day_first(word))
        .or_else(|| with_month_name(word))?;
    let Some(time) = words
        .get(at + 1)
        .and_then(Clock::read)
        .and_then(|clock| clock.on(date))
    else {
        return Some(Stamp {
            is_date_alone: true,
            ..Stamp::new(date, at)
        });
    };
    let zoned = words.get(at + 2).is_some_and(is_zone);
    Some(Stamp::new(time, at + 1 + usize::from(zoned)))
}

/// `24-04-2003`; the month first where it cannot be otherwise.
fn day_first(word: &[u8]) -> Option<CivilTime> {
    let [a, b, c] = parts(word, b"-/.")?;
    let (a, b, year) = (small(a)?, small(b)?, year(c)?);
    CivilTime::new(year, b, a).or_else(|| month_first(word, b"-/."))
}

/// `01-jun-99`.
fn with_month_name(word: &[u8]) -> Option<CivilTime> {
    let [day, name, year] = parts(word, b"-")?;
    CivilTime::new(any_year(year)?, month(name)?, small(day)?)
}

/// `09-26 2000` and `09-26 13:45`.
fn short_date(words: &Words<'_>, at: usize, now: &CivilTime) -> Option<Stamp> {
    let word = words.get(at)?;
    let dash = word.iter().position(|byte| *byte == b'-')?;
    let (month, day) = (small(&word[..dash])?, small(&word[dash + 1..])?);
    year_or_time(words, at + 1, month, day, now)
}

/// `Apr  8  1994`, `19 Oct 2011`, `26. Juli, 20:10`, `3月 2 15:13`, `6月 3日 2003年`; a day of the week before it.
fn named_date(words: &Words<'_>, at: usize, now: &CivilTime) -> Option<Stamp> {
    if is_weekday(words.get(at)?) {
        return named_date(words, at + 1, now);
    }
    let (first, second) = (words.get(at)?, words.get(at + 1)?);
    let Some(month) = month(first).or_else(|| marked(first)) else {
        return year_or_time(words, at + 2, month(second)?, day(first)?, now);
    };
    let day = day(second)?;
    let comma = second.ends_with(b",");
    let third = words.get(at + 2)?;
    let time_after = words.get(at + 3).and_then(Clock::read);
    // VShell (`Oct 08, 2002 09:47`), NetWare's print services (`Oct 14,  99 8:45 pm`), HellSoft (`Jun 17 93 12:22`).
    if let (Some(year), Some(clock)) = (any_year(third), time_after)
        && (comma || third.len() == 2)
    {
        let date = CivilTime::new(year, month, day)?;
        let half = words
            .get(at + 4)
            .filter(|word| word.len() == 2 && third.len() == 2)
            .and_then(Half::read);
        let clock = half.map_or(clock, |half| clock.in_half(half));
        return Some(Stamp::new(
            clock.on(date)?,
            at + 3 + usize::from(half.is_some()),
        ));
    }
    year_or_time(words, at + 2, month, day, now)
}

/// `2005년 1월 6일`, `2003 3月 20`.
fn year_first(words: &Words<'_>, at: usize) -> Option<Stamp> {
    let year = year(unmarked(words.get(at)?))?;
    // A sign must tell that it is the month: a size may look like a year.
    let month = marked(words.get(at + 1)?)?;
    let date = CivilTime::new(year, month, day(words.get(at + 2)?)?)?;
    let clock = words.get(at + 3).and_then(Clock::read);
    match clock.and_then(|clock| clock.on(date)) {
        Some(time) => Some(Stamp::new(time, at + 3)),
        None => Some(Stamp::new(date, at + 2)),
    }
}

/// `3 29 03:26`.
fn numbers_alone(words: &Words<'_>, at: usize, now: &CivilTime) -> Option<Stamp> {
    let (month, day) = (small(words.get(at)?)?, small(words.get(at + 1)?)?);
    let clock = Clock::read(words.get(at + 2)?)?;
    let time = recent(now, month, day, |date| clock.on(date))?;
    Some(Stamp::new(time, at + 2))
}

/// What follows a month and a day: a year, a time, or `HH:MM:SS yyyy`.
fn year_or_time(
    words: &Words<'_>,
    at: usize,
    month: u8,
    day: u8,
    now: &CivilTime,
) -> Option<Stamp> {
    let word = words.get(at)?;
    if let Some(year) = year(unmarked(word)) {
        return Some(Stamp::with_year(CivilTime::new(year, month, day)?, at));
    }
    // A dot: AXIS. A dash: Distinct.
    let clock = Clock::read_with(word, b":.-")?;
    if clock.has_seconds()
        && let Some(year) = words.get(at + 1).and_then(year)
    {
        let date = CivilTime::new(year, month, day)?;
        return Some(Stamp::new(clock.on(date)?, at + 1));
    }
    Some(Stamp::new(
        recent(now, month, day, |date| clock.on(date))?,
        at,
    ))
}

/// A day of the month: `8`, `08`, `26.`, `08,`, `3日`.
fn day(word: &[u8]) -> Option<u8> {
    let word = word.strip_suffix(b",").unwrap_or(word);
    let word = word.strip_suffix(b".").unwrap_or(word);
    small(unmarked(word))
}

/// A month as a number with a sign after it, as in `3月`.
fn marked(word: &[u8]) -> Option<u8> {
    let number = unmarked(word);
    (number.len() < word.len()).then(|| small(number)).flatten()
}

/// A number without the sign for day, month or year after it, in whatever East Asian encoding.
fn unmarked(word: &[u8]) -> &[u8] {
    let (number, sign) = digits(word);
    match sign {
        [first, ..] if !first.is_ascii() && !number.is_empty() && sign.len() <= 4 => number,
        _ => word,
    }
}

fn is_weekday(word: &[u8]) -> bool {
    [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"]
        .iter()
        .any(|day| word.eq_ignore_ascii_case(*day))
}

fn is_zone(word: &[u8]) -> bool {
    matches!(word, [b'+' | b'-', rest @ ..] if rest.len() == 4 && count(rest, |byte| byte.is_ascii_digit()) == 4)
}

//! Dates of LIST lines: month names, and years that are not there.

use crate::civil::{CivilTime, Precision};

/// The month a word names, 1–12; English, short or long, any case, a dot after it allowed.
pub(super) fn month(word: &[u8]) -> Option<u8> {
    let word = word.strip_suffix(b".").unwrap_or(word);
    let word = word.strip_suffix(b",").unwrap_or(word);
    if word.len() < 3 {
        return None;
    }
    let index = MONTHS.iter().position(|month| {
        month.len() >= word.len() && month.as_bytes()[..word.len()].eq_ignore_ascii_case(word)
    })?;
    u8::try_from(index + 1).ok()
}

/// `H:MM`, `HH:MM` or `HH:MM:SS[.fraction]` on a day.
pub(super) fn with_time(date: CivilTime, word: &[u8]) -> Option<CivilTime> {
    let text = std::str::from_utf8(word).ok()?;
    let mut parts = text.split(':');
    let hour = two(parts.next()?)?;
    let minute = two(parts.next()?)?;
    let time = match parts.next() {
        None => date.at(hour, minute, 0)?,
        Some(second) => {
            let (whole, fraction) = second.split_once('.').unwrap_or((second, "0"));
            if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let mut time = date.at(hour, minute, two(whole)?)?;
            time.precision = Precision::Second;
            time
        }
    };
    parts.next().is_none().then_some(time)
}

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

/// A number of at most `digits` digits.
pub(super) fn number(word: &[u8], digits: usize) -> Option<u32> {
    if word.is_empty() || word.len() > digits || !word.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// A day or month of one or two digits.
pub(super) fn small(word: &[u8]) -> Option<u8> {
    u8::try_from(number(word, 2)?).ok()
}

/// A year of four digits.
pub(super) fn year(word: &[u8]) -> Option<i32> {
    if word.len() != 4 {
        return None;
    }
    i32::try_from(number(word, 4)?).ok()
}

/// A year of two digits: 70–99 are the last century's.
pub(super) fn short_year(year: u8) -> i32 {
    i32::from(year) + if year < 70 { 2000 } else { 1900 }
}

fn two(text: &str) -> Option<u8> {
    small(text.as_bytes())
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

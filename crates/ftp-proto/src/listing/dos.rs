//! Listings in the manner of DOS, as IIS and others write them.
//!
//! `MM-DD-YY  HH:MM[AM|PM]  <DIR>|size  name`: the date with two or four digits for the year, or with
//! the year first; months and days are exchanged where the first number cannot be a month. The size
//! may have commas. The name begins at one fixed column, so its own blanks are lost in no case but
//! when it begins with one.

use super::date::{number, short_year, small, year};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], _now: &CivilTime) -> Line {
    match entry(line) {
        Some(entry) => Line::Entry(entry),
        None => Line::Unparsed(line.to_vec()),
    }
}

fn entry(line: &[u8]) -> Option<Entry> {
    let (word, rest) = word(line)?;
    let date = date(word)?;
    let (word, mut rest) = self::word(rest)?;
    let (time, mut half) = clock(word)?;
    if half.is_none()
        && let Some((word, after)) = self::word(rest)
        && let Some(found) = Half::read(word)
    {
        half = Some(found);
        rest = after;
    }
    let hour = match (time.0, half) {
        (12, Some(Half::Am)) => 0,
        (hour @ 1..=11, Some(Half::Pm)) => hour + 12,
        (hour, _) => hour,
    };
    let modified = date.at(hour, time.1, 0)?;
    let (word, rest) = self::word(rest)?;
    let (kind, size, target_follows) = if word.eq_ignore_ascii_case(b"<DIR>") {
        (EntryKind::Dir, None, false)
    } else if is_link(word) {
        (EntryKind::Symlink, None, true)
    } else {
        (EntryKind::File, Some(size(word)?), false)
    };
    let name = rest.trim_ascii_start();
    if name.is_empty() {
        return None;
    }
    let (name, target) = match name.iter().rposition(|byte| *byte == b'[') {
        Some(open) if target_follows && open > 1 && name.ends_with(b"]") => (
            name[..open].trim_ascii_end(),
            Some(name[open + 1..name.len() - 1].to_vec()),
        ),
        _ => (name, None),
    };
    let mut entry = Entry::new(name, kind);
    entry.size = size;
    entry.modified = Some(modified);
    entry.target = target;
    Some(entry)
}

#[derive(Clone, Copy)]
enum Half {
    Am,
    Pm,
}

impl Half {
    fn read(word: &[u8]) -> Option<Self> {
        match word.to_ascii_uppercase().as_slice() {
            b"AM" | b"A" => Some(Self::Am),
            b"PM" | b"P" => Some(Self::Pm),
            _ => None,
        }
    }
}

fn date(word: &[u8]) -> Option<CivilTime> {
    let separator = *word.iter().find(|byte| !byte.is_ascii_digit())?;
    if !matches!(separator, b'-' | b'/' | b'.') {
        return None;
    }
    let parts: Vec<&[u8]> = word.split(|byte| *byte == separator).collect();
    let [a, b, c] = parts.as_slice() else {
        return None;
    };
    if let Some(year) = year(a) {
        return CivilTime::new(year, small(b)?, small(c)?);
    }
    let year = year(c).or_else(|| (c.len() == 2).then(|| small(c).map(short_year)).flatten())?;
    let (a, b) = (small(a)?, small(b)?);
    CivilTime::new(year, a, b).or_else(|| CivilTime::new(year, b, a))
}

fn clock(word: &[u8]) -> Option<((u8, u8), Option<Half>)> {
    let digits = word
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b':')
        .count();
    let (clock, half) = word.split_at(digits);
    let half = if half.is_empty() {
        None
    } else {
        Some(Half::read(half)?)
    };
    let mut parts = clock.split(|byte| *byte == b':');
    let time = (small(parts.next()?)?, small(parts.next()?)?);
    Some((time, half))
}

fn size(word: &[u8]) -> Option<u64> {
    let digits: Vec<u8> = word.iter().copied().filter(|byte| *byte != b',').collect();
    if digits.is_empty() || number(&digits[..1], 1).is_none() {
        return None;
    }
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

fn is_link(word: &[u8]) -> bool {
    [&b"<SYMLINK>"[..], b"<SYMLINKD>", b"<JUNCTION>"]
        .iter()
        .any(|tag| word.eq_ignore_ascii_case(tag))
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return None;
    }
    let end = text
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(text.len());
    Some(text.split_at(end))
}

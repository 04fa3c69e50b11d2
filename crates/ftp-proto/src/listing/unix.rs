//! Listings in the manner of `ls -l`, as most servers write them.
//!
//! `-rwxr-xr-x  1 owner group  size Mon dd HH:MM name`. Columns between the permissions and the size may be missing,
//! hold blanks, or hold numbers, so the line is read from its firmest part: the first place where a size stands
//! before a date. The name begins one blank after the date and is taken as it is.
//!
//! Servers of the classic Mac OS (NetPresenz, Rumpus, WebSTAR) write such lines too, with `folder` or the sizes of the
//! two forks in the columns before the size.

mod columns;
mod permissions;

use self::columns::columns;
use self::permissions::permissions;
use super::stamp::Stamp;
use super::words::{Words, count, digits, find, is_blank, whole};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], now: &CivilTime) -> Option<Line> {
    if is_noise(line) {
        return Some(Line::Noise);
    }
    entry(line, now).or_else(|| numeric(line)).map(Line::Entry)
}

fn entry(line: &[u8], now: &CivilTime) -> Option<Entry> {
    let line = after_numbers(line);
    let permissions = permissions(line)?;
    let words = Words::after(line, permissions.end);
    // The earliest such place is the columns', not the name's.
    let dated = |is_size: fn(&[u8]) -> bool| {
        (1..words.len()).find_map(|at| {
            let stamp = is_size(words.get(at - 1)?).then(|| Stamp::read(&words, at, now))??;
            Some((at, stamp))
        })
    };
    let (at, stamp) = dated(columns::is_size).or_else(|| dated(columns::ends_in_size))?;
    let name = line.get(stamp.name_at(&words, line)..)?;
    // Blanks after a year can be its column's, and then there is no name.
    if name.is_empty() || stamp.ends_in_year && name.iter().all(|byte| is_blank(*byte)) {
        return None;
    }
    let (name, target) = match find(name, b" -> ") {
        Some(arrow) if permissions.kind == EntryKind::Symlink && arrow > 0 => {
            (&name[..arrow], Some(name[arrow + 4..].to_vec()))
        }
        _ => (name, None),
    };
    let mut entry = Entry::new(name, permissions.kind);
    entry.mode = permissions.mode;
    entry.target = target;
    entry.modified = Some(stamp.time);
    entry.links = permissions.links;
    columns(&mut entry, &words, at);
    Some(entry)
}

/// `0100644   500  101   12345    123456789       name`: mode, owner, group, size and seconds since 1970 as numbers.
fn numeric(line: &[u8]) -> Option<Entry> {
    let words = Words::new(line);
    let mode = words.get(0)?;
    if !(6..=7).contains(&mode.len()) || !mode.starts_with(b"0") && mode.len() == 7 {
        return None;
    }
    let mode = u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok()?;
    let kind = match mode >> 12 {
        0o10 => EntryKind::File,
        0o04 => EntryKind::Dir,
        0o12 => EntryKind::Symlink,
        0o01 | 0o02 | 0o06 | 0o14 => EntryKind::Other,
        _ => return None,
    };
    let owner = words.get(1).filter(|word| whole(word).is_some())?;
    let group = words.get(2).filter(|word| whole(word).is_some())?;
    let size = whole(words.get(3)?)?;
    let seconds = i64::try_from(whole(words.get(4)?)?).ok()?;
    let name = words.from(5);
    if name.is_empty() {
        return None;
    }
    let mut entry = Entry::new(name, kind);
    entry.mode = Some(mode & 0o7777);
    entry.owner = Some(owner.to_vec());
    entry.group = Some(group.to_vec());
    entry.size = Some(size);
    entry.modified = CivilTime::from_unix(seconds);
    Some(entry)
}

/// The line without what stands before the permissions: blanks, inode and blocks (`ls -lis`), or one dash too many.
fn after_numbers(line: &[u8]) -> &[u8] {
    let mut rest = line.trim_ascii_start();
    for _ in 0..2 {
        let (number, after) = digits(rest);
        if number.is_empty() || !after.first().copied().is_some_and(is_blank) {
            break;
        }
        rest = after.trim_ascii_start();
    }
    match rest {
        [b'-', inner @ ..] if matches!(inner, [b'-' | b'd' | b'l', ..]) => {
            let length = count(inner, |byte| !is_blank(byte));
            let is_whole = length == 10 && !b"+.@".contains(&inner[9]);
            if is_whole { inner } else { rest }
        }
        _ => rest,
    }
}

/// `total 12` in the servers' languages, the heading of a folder in `ls -R`, and the frame of a reply to STAT.
fn is_noise(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let words = Words::new(line);
    if matches!(line, [b'2', b'1', b'1'..=b'3', b'-' | b' ', ..]) {
        return true;
    }
    if line.ends_with(b":") && (line == b".:" || line.starts_with(b"./") || line.starts_with(b"/"))
    {
        return true;
    }
    let Some(first) = words.get(0) else {
        return true;
    };
    let Ok(first) = std::str::from_utf8(first) else {
        return false;
    };
    let first = first.trim_end_matches([':', '：']).to_lowercase();
    TOTALS.contains(&first.as_str())
        && words.len() <= 3
        && words.get(1).is_none_or(|word| {
            let number = word.strip_prefix(b"-").unwrap_or(word);
            number.first().is_some_and(u8::is_ascii_digit)
        })
}

/// The word for `total` in the locales of `ls`.
const TOTALS: &[&str] = &[
    "total",
    "insgesamt",
    "gesamt",
    "totale",
    "totaal",
    "totalt",
    "yhteensä",
    "razem",
    "łącznie",
    "celkem",
    "spolu",
    "összesen",
    "skupaj",
    "ukupno",
    "toplam",
    "итого",
    "всего",
    "общо",
    "всього",
    "σύνολο",
    "合計",
    "总用量",
    "总计",
    "總計",
    "合计",
    "합계",
];

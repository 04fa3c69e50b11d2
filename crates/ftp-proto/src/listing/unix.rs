//! Listings in the manner of `ls -l`, as most servers write them.
//!
//! `-rwxr-xr-x  1 owner group  size Mon dd HH:MM name`. Columns between the permissions and the size
//! may be missing, hold blanks, or hold numbers, so the line is read from its firmest part: the
//! first place where a size stands before a date. The date is `Mon dd HH:MM`, `Mon dd yyyy`, the same
//! with the day first, or one of the numeric forms of `ls --time-style`. The name begins one blank
//! after the date and is taken as it is.

use super::date::{month, number, recent, small, with_time, year};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], now: &CivilTime) -> Line {
    if is_noise(line) {
        return Line::Noise;
    }
    match entry(line, now) {
        Some(entry) => Line::Entry(entry),
        None => Line::Unparsed(line.to_vec()),
    }
}

/// `total 12`, and the like in the servers' languages: one word and one number.
fn is_noise(line: &[u8]) -> bool {
    let lower = line.trim_ascii().to_ascii_lowercase();
    let rest = lower
        .strip_prefix(b"total")
        .or_else(|| lower.strip_prefix(b"insgesamt"));
    rest.is_some_and(|rest| {
        let rest = rest.trim_ascii();
        rest.iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b',' | b' '))
            && (rest.is_empty() || rest[0].is_ascii_digit())
    })
}

fn entry(line: &[u8], now: &CivilTime) -> Option<Entry> {
    let line = after_numbers(line);
    let (kind, mode, after_mode) = permissions(line)?;
    let words = words(line, after_mode);
    // The size stands right before the date; the earliest such place is the columns', not the name's.
    let (at, stamp, name_at) = (1..words.len()).find_map(|at| {
        let before = words[at - 1].bytes(line);
        // `major, minor` and `major,minor` of devices stand there too.
        let is_size = before.first().is_some_and(u8::is_ascii_digit)
            && before
                .iter()
                .all(|byte| byte.is_ascii_digit() || *byte == b',');
        if !is_size {
            return None;
        }
        let (stamp, name_at) = date(line, &words[at..], now)?;
        Some((at, stamp, name_at))
    })?;
    let name = line.get(name_at..)?;
    if name.is_empty() {
        return None;
    }
    let (name, target) = match find(name, b" -> ") {
        Some(arrow) if kind == EntryKind::Symlink && arrow > 0 => {
            (&name[..arrow], Some(name[arrow + 4..].to_vec()))
        }
        _ => (name, None),
    };
    let mut entry = Entry::new(name, kind);
    entry.mode = mode;
    entry.target = target;
    entry.modified = Some(stamp);
    columns(&mut entry, line, &words[..at]);
    Some(entry)
}

/// The line without what stands before the permissions: blanks, inode and blocks (`ls -lis`).
fn after_numbers(line: &[u8]) -> &[u8] {
    let mut rest = line.trim_ascii_start();
    for _ in 0..2 {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || !rest.get(digits).copied().is_some_and(is_blank) {
            break;
        }
        rest = rest[digits..].trim_ascii_start();
    }
    rest
}

/// The columns between permissions and date: `[links] [owner [group]] size`, or `major, minor`.
fn columns(entry: &mut Entry, line: &[u8], words: &[Word]) {
    let Some((size, mut rest)) = words.split_last() else {
        return;
    };
    if let Some((major, before)) = rest.split_last()
        && major.bytes(line).ends_with(b",")
    {
        rest = before;
    } else {
        entry.size = std::str::from_utf8(size.bytes(line))
            .ok()
            .and_then(|size| size.parse().ok());
    }
    if let Some((first, after)) = rest.split_first()
        && let Some(links) = number(first.bytes(line), 9)
    {
        entry.links = Some(u64::from(links));
        rest = after;
    }
    match rest {
        [] => {}
        [owner] => entry.owner = Some(owner.bytes(line).to_vec()),
        [owner, group @ ..] => {
            entry.owner = Some(owner.bytes(line).to_vec());
            let (from, to) = (group[0].start, group[group.len() - 1].end);
            entry.group = Some(line[from..to].to_vec());
        }
    }
}

/// `drwxr-xr-x`, an ACL sign after it allowed; gives where the next column begins.
fn permissions(line: &[u8]) -> Option<(EntryKind, Option<u32>, usize)> {
    let kind = match line.first()? {
        b'-' | b'f' | b'F' => EntryKind::File,
        b'd' | b'D' => EntryKind::Dir,
        b'l' => EntryKind::Symlink,
        b'b' | b'c' | b'p' | b's' | b'n' | b'm' | b'C' => EntryKind::Other,
        _ => return None,
    };
    let bits = line.get(1..10)?;
    let mut mode = 0;
    for (index, byte) in bits.iter().enumerate() {
        let bit = 0o400 >> index;
        mode |= match (index % 3, byte) {
            (_, b'-') => 0,
            (0, b'r') | (1, b'w') | (2, b'x') => bit,
            (2, b's' | b't') => bit | 0o4000 >> (index / 3),
            (2, b'S' | b'T' | b'l' | b'L') => 0o4000 >> (index / 3),
            _ => return None,
        };
    }
    let mut end = 10;
    while matches!(line.get(end), Some(b'+' | b'.' | b'@')) {
        end += 1;
    }
    Some((kind, Some(mode), end))
}

/// Reads a date at the first of `words`; gives where the name begins.
fn date(line: &[u8], words: &[Word], now: &CivilTime) -> Option<(CivilTime, usize)> {
    let get = |index: usize| words.get(index).map(|word| word.bytes(line));
    let end = |index: usize| words[index].end + 1;
    let first = get(0)?;
    if let Some(date) = numeric(first) {
        let Some(time) = get(1).and_then(|word| with_time(date, word)) else {
            let name = skip_blanks(line, words[0].end);
            return Some((date, name));
        };
        // `--full-time` writes the zone too.
        let zoned = get(2).is_some_and(is_zone);
        return Some((time, end(if zoned { 2 } else { 1 })));
    }
    let second = get(1)?;
    let (month, day) = match (month(first), month(second)) {
        (Some(month), _) => (month, small(second.strip_suffix(b",").unwrap_or(second))?),
        (None, Some(month)) => (month, small(first.strip_suffix(b".").unwrap_or(first))?),
        // `MM-DD yyyy`
        (None, None) => {
            let dash = first.iter().position(|byte| *byte == b'-')?;
            (small(&first[..dash])?, small(&first[dash + 1..])?)
        }
    };
    let is_short = first.contains(&b'-');
    let last = if is_short { 1 } else { 2 };
    let third = get(last)?;
    if let Some(year) = year(third) {
        let date = CivilTime::new(year, month, day)?;
        // The column is five wide. Most servers fill it up before the year; where it was not, a
        // second blank after the year is the column's and not the name's.
        let filled_after = words[last].start == words[last - 1].end + 1;
        let blank = line.get(end(last)) == Some(&b' ');
        return Some((date, end(last) + usize::from(filled_after && blank)));
    }
    let stamp = recent(now, month, day, |date| with_time(date, third))?;
    // `Mon dd HH:MM:SS yyyy`, where seconds were asked for.
    if third.iter().filter(|byte| **byte == b':').count() == 2
        && let Some(year) = get(last + 1).and_then(year)
    {
        let date = CivilTime::new(year, month, day)?;
        return Some((with_time(date, third)?, end(last + 1)));
    }
    Some((stamp, end(last)))
}

/// `yyyy-mm-dd`, also with dots or slashes.
fn numeric(word: &[u8]) -> Option<CivilTime> {
    let separator = *word.get(4)?;
    if !matches!(separator, b'-' | b'.' | b'/') {
        return None;
    }
    let parts: Vec<&[u8]> = word.split(|byte| *byte == separator).collect();
    match parts.as_slice() {
        [y, m, d] => CivilTime::new(year(y)?, small(m)?, small(d)?),
        _ => None,
    }
}

fn is_zone(word: &[u8]) -> bool {
    matches!(word, [b'+' | b'-', digits @ ..] if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit))
}

/// A run of bytes without blanks.
#[derive(Clone, Copy, Debug)]
struct Word {
    start: usize,
    end: usize,
}

impl Word {
    fn bytes<'a>(&self, line: &'a [u8]) -> &'a [u8] {
        &line[self.start..self.end]
    }
}

fn words(line: &[u8], from: usize) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = from;
    while at < line.len() {
        let start = skip_blanks(line, at);
        let length = line[start..]
            .iter()
            .take_while(|byte| !is_blank(**byte))
            .count();
        if length > 0 {
            words.push(Word {
                start,
                end: start + length,
            });
        }
        at = start + length.max(1);
    }
    words
}

fn skip_blanks(line: &[u8], from: usize) -> usize {
    from + line[from.min(line.len())..]
        .iter()
        .take_while(|byte| is_blank(**byte))
        .count()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|part| part == needle)
}

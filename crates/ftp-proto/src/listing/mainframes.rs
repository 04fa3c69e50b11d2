//! Listings of systems that few have seen: Bull GCOS 7 and 8, Unisys ClearPath, MUSIC/SP, MPE/iX and Stratus VOS.
//!
//! ```text
//! d s -----0 SEPT         SYSADMIN         JUN 10, 1997 SLIB                       GCOS 7, folders
//! - m        SEPT         DAT              AUG 25, 1997 MEMBER0                    GCOS 7, members
//! - rwx rwx ---     1076480 02/24/98 09:54:17  ftptest1      1meg                  GCOS 8
//! A/B/C                   SEQDATA    84 06/09/1998  12:03                          ClearPath
//! PUB\                   <DIR>      2K 0000000 24SEP96 14:30 $PUB000            0  MUSIC/SP
//!            16W  HBD          0   67107839   1       32  1  *  apache/            MPE/iX, the name first without paths
//!  w     10  fix-4096  04-11-24 11:29:12  fixed                                    VOS, files
//!  m      1  04-11-24 11:30:35  more_source                                        VOS, folders
//! 04-11-24 11:30:51  seq ->  %vse1#m11_mas>Stratus>Newman>seq                      VOS, links
//! ```
//!
//! These are told by captured listings alone. Sizes are in blocks or records in most.

use super::date::{Clock, any_year, month_first, small, year, year_first};
use super::month::month;
use super::words::{Words, count, digits, find, whole};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], _now: &CivilTime) -> Option<Line> {
    let words = Words::new(line);
    if is_noise(&words) {
        return Some(Line::Noise);
    }
    gcos7(&words)
        .or_else(|| gcos8(&words))
        .or_else(|| clearpath(&words))
        .or_else(|| music(&words))
        .or_else(|| mpe(&words))
        .or_else(|| vos(&words))
        .map(Line::Entry)
}

/// Headings and totals.
fn is_noise(words: &Words<'_>) -> bool {
    let is = |at: usize, text: &[u8]| words.get(at) == Some(text);
    let number = |at: usize| words.get(at).and_then(whole).is_some();
    // ClearPath.
    is(0, b"Report") && is(1, b"for:")
        || words.len() == 4 && number(0) && is(1, b"Files") && number(2) && is(3, b"Octets")
        // MUSIC.
        || is(0, b"File") && is(1, b"name") && is(2, b"RlenRf")
        // MPE.
        || is(0, b"PATH=") && words.len() == 2
        || is(0, b"ACCOUNT=") && is(2, b"GROUP=")
        || is(0, b"CODE") && words.last() == Some(b"FILENAME")
        || is(0, b"FILENAME") && is(1, b"CODE")
        || is(0, b"SIZE") && is(1, b"TYP") && is(2, b"EOF")
        // VOS.
        || matches!(words.get(0), Some(b"Files:" | b"Dirs:" | b"Links:")) && words.get(1).is_some()
}

/// Kind, what it is, [flags], project, owner, [date,] name.
fn gcos7(words: &Words<'_>) -> Option<Entry> {
    let kind = kind(words.get(0)?)?;
    let sort = words.get(1).filter(|word| word.len() == 1)?;
    let flags = words.get(2)?;
    let has_flags = flags.len() == 6
        && flags
            .iter()
            .all(|byte| *byte == b'-' || byte.is_ascii_alphanumeric())
        && flags.contains(&b'-');
    if !has_flags && sort != b"m" {
        return None;
    }
    let owner = 3 + usize::from(has_flags);
    let name = words.last()?;
    let modified = if words.len() == owner + 5 {
        let year = year(words.get(owner + 3)?)?;
        let day = words.get(owner + 2)?.strip_suffix(b",")?;
        Some(CivilTime::new(
            year,
            month(words.get(owner + 1)?)?,
            small(day)?,
        )?)
    } else if words.len() == owner + 2 {
        None
    } else {
        return None;
    };
    let mut entry = Entry::new(name, kind);
    entry.owner = words.get(owner).map(<[u8]>::to_vec);
    entry.modified = modified;
    Some(entry)
}

/// Kind, three groups of permissions, size, date, [time,] owner, name.
fn gcos8(words: &Words<'_>) -> Option<Entry> {
    let kind = kind(words.get(0)?)?;
    let is_group = |at: usize| {
        words
            .get(at)
            .is_some_and(|word| word.len() == 3 && word.iter().all(|byte| b"rwx-".contains(byte)))
    };
    if !(1..4).all(is_group) {
        return None;
    }
    let size = whole(words.get(4)?)?;
    let date = month_first(words.get(5)?, b"/")?;
    let clock = words.get(6).and_then(Clock::read);
    let owner = 6 + usize::from(clock.is_some());
    let name = words.get(owner + 1)?;
    let mut entry = Entry::new(name, kind);
    entry.size = (kind == EntryKind::File).then_some(size);
    entry.owner = words.get(owner).map(<[u8]>::to_vec);
    entry.modified = Some(match clock {
        Some(clock) => clock.on(date)?,
        None => date,
    });
    Some(entry)
}

/// Title, kind of file, size, date, time.
fn clearpath(words: &Words<'_>) -> Option<Entry> {
    if words.len() != 5 || !words.get(1)?.iter().all(u8::is_ascii_uppercase) {
        return None;
    }
    let size = whole(words.get(2)?)?;
    let date = month_first(words.get(3)?, b"/")?;
    let mut entry = Entry::new(words.get(0)?, EntryKind::File);
    entry.size = Some(size);
    entry.modified = Some(Clock::read(words.get(4)?)?.on(date)?);
    Some(entry)
}

/// Name, record length and format, size in units of 1024 bytes, days of reading and writing, time, and so on.
fn music(words: &Words<'_>) -> Option<Entry> {
    let size = words.get(2)?.strip_suffix(b"K").and_then(whole)?;
    let written = words.get(4).filter(|word| word.len() == 7)?;
    let date = CivilTime::new(
        any_year(&written[5..])?,
        month(&written[2..5])?,
        small(&written[..2])?,
    )?;
    let modified = Clock::read(words.get(5)?)?.on(date)?;
    let name = words.get(0)?;
    let is_folder = words.get(1) == Some(b"<DIR>");
    let mut entry = if is_folder {
        Entry::new(name.strip_suffix(b"\\").unwrap_or(name), EntryKind::Dir)
    } else {
        Entry::new(name, EntryKind::File)
    };
    entry.size = size.checked_mul(1024).filter(|_| !is_folder);
    entry.size_is_exact = is_folder;
    entry.modified = Some(modified);
    Some(entry)
}

/// [Code,] record size, type, records, limit, block factor, sectors, extents and most of them, name.
fn mpe(words: &Words<'_>) -> Option<Entry> {
    // The record size is in bytes or in words of two.
    let record = |word: &[u8]| {
        let (number, unit) = digits(word);
        match unit {
            b"B" => whole(number),
            b"W" => whole(number)?.checked_mul(2),
            _ => None,
        }
    };
    let at = (0..3).find(|at| words.get(*at).and_then(record).is_some())?;
    if !(2..7).all(|column| words.get(at + column).and_then(whole).is_some()) {
        return None;
    }
    // The name comes last; first, where files have no path.
    let name = match words.len().checked_sub(at)? {
        9 => words.get(at + 8)?,
        8 if at > 0 => words.get(0)?,
        _ => return None,
    };
    let Some(folder) = name.strip_suffix(b"/") else {
        let mut entry = Entry::new(name, EntryKind::File);
        entry.size = record(words.get(at)?)?.checked_mul(words.get(at + 2).and_then(whole)?);
        entry.size_is_exact = false;
        return Some(entry);
    };
    Some(Entry::new(folder, EntryKind::Dir))
}

/// Access, blocks, [type,] date, time, name; of a link date, time, name, `->` and target.
fn vos(words: &Words<'_>) -> Option<Entry> {
    let stamp = |at: usize| {
        let date = year_first(words.get(at)?, b"-")?;
        Clock::read(words.get(at + 1)?)
            .filter(|clock| clock.has_seconds())?
            .on(date)
    };
    if let Some(modified) = stamp(0) {
        let rest = words.from(2);
        let arrow = find(rest, b" ->").filter(|arrow| *arrow > 0)?;
        let mut entry = Entry::new(&rest[..arrow], EntryKind::Symlink);
        entry.target = Some(rest[arrow + 3..].trim_ascii().to_vec());
        entry.modified = Some(modified);
        return Some(entry);
    }
    let access = words
        .get(0)
        .filter(|word| word.len() == 1 && word[0].is_ascii_lowercase())?;
    let blocks = whole(words.get(1)?)?;
    let (kind, at) = match stamp(2) {
        Some(_) => (EntryKind::Dir, 2),
        None => (EntryKind::File, 3),
    };
    let modified = stamp(at)?;
    let name = words.from(at + 2);
    if name.is_empty() || count(access, |byte| byte.is_ascii_alphabetic()) != 1 {
        return None;
    }
    let mut entry = Entry::new(name, kind);
    if kind == EntryKind::File {
        entry.size = blocks.checked_mul(VOS_BLOCK);
        entry.size_is_exact = false;
    }
    entry.modified = Some(modified);
    Some(entry)
}

fn kind(word: &[u8]) -> Option<EntryKind> {
    match word {
        b"-" => Some(EntryKind::File),
        b"d" => Some(EntryKind::Dir),
        _ => None,
    }
}

/// Bytes to a block.
const VOS_BLOCK: u64 = 4096;

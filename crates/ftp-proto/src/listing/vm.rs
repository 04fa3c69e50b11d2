//! Listings of VM and VSE.
//!
//! ```text
//! ARCHIE   EXEC     V         94        307          2  3/25/94  9:09:08 ANON     CMS minidisk, SFS
//! LASTING  GLOBALV  A1 V      41     21     1       9/16/91   15:10:32            the same, with file mode
//! JIMTEST           DIR        -          -          -  4/12/94  9:16:01 -        folder of SFS
//! 05/20/2000 13:38:19   F        1          65758 'bfsline.cpy'                   byte file system
//! CONFIG     <Sub Library>          38          54   98/01/24   10:54             VSE library
//! CICS.CSD                   97/11/25   12:00       854000  K                     VSE VSAM catalogue
//! VSE3270.00117.00    48502           0             0   3 L                       VSE POWER queue
//! ```
//!
//! CMS counts records; their number times the record length, or the blocks of 4096 bytes where that is less, is the most
//! that a file may have.

use super::date::{Clock, any_year, month_first, parts, small, year_first};
use super::words::{Words, grouped, whole};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], _now: &CivilTime) -> Option<Line> {
    let words = Words::new(line);
    if is_heading(&words) {
        return Some(Line::Noise);
    }
    cms(&words)
        .or_else(|| byte_file(&words))
        .or_else(|| library(&words))
        .or_else(|| catalogue(&words))
        .or_else(|| queue(&words))
        .map(Line::Entry)
}

fn is_heading(words: &Words<'_>) -> bool {
    let is = |at: usize, text: &[u8]| {
        words
            .get(at)
            .is_some_and(|word| word.eq_ignore_ascii_case(text))
    };
    is(0, b"Filename") && is(1, b"FileType") && is(2, b"Fm")
}

/// `name type [mode] format length records blocks date time [label]`.
fn cms(words: &Words<'_>) -> Option<Entry> {
    let is_format = |at: usize| matches!(words.get(at), Some(b"F" | b"V" | b"DIR"));
    let format = (1..=3).find(|at| is_format(*at))?;
    let date = words.get(format + 4)?;
    let date = month_first(date, b"/").or_else(|| year_first(date, b"-"))?;
    let modified = Clock::read(words.get(format + 5)?)?.on(date)?;
    if words.len() > format + 7 {
        return None;
    }
    let number = |at: usize| whole(words.get(format + at)?);
    let name = words.get(0)?;
    let mut entry = if words.get(format) == Some(b"DIR") {
        Entry::new(name, EntryKind::Dir)
    } else {
        let (length, records, blocks) = (number(1)?, number(2)?, number(3)?);
        let kind = words.get(1).filter(|_| format > 1)?;
        let mut entry = Entry::new(&[name, kind].join(&b'.'), EntryKind::File);
        let most = length.checked_mul(records);
        entry.size = if words.get(format) == Some(b"F") {
            most
        } else {
            most.zip(blocks.checked_mul(CMS_BLOCK))
                .map(|(a, b)| a.min(b))
        };
        entry.size_is_exact = false;
        entry
    };
    entry.owner = words
        .get(format + 6)
        .filter(|label| *label != b"-")
        .map(<[u8]>::to_vec);
    entry.modified = Some(modified);
    Some(entry)
}

/// `MM/DD/YYYY HH:MM:SS type links size 'name'`.
fn byte_file(words: &Words<'_>) -> Option<Entry> {
    let date = month_first(words.get(0)?, b"/")?;
    let modified = Clock::read(words.get(1)?)?.on(date)?;
    let kind = match words.get(2)? {
        b"F" => EntryKind::File,
        b"D" => EntryKind::Dir,
        b"L" | b"E" => EntryKind::Symlink,
        b"B" | b"C" | b"P" => EntryKind::Other,
        _ => return None,
    };
    let quote = (3..=5).find(|at| words.get(*at).is_some_and(|word| word.starts_with(b"'")))?;
    let name = words.from(quote).trim_ascii_end();
    let name = name
        .strip_prefix(b"'")?
        .strip_suffix(b"'")
        .filter(|name| !name.is_empty())?;
    let mut entry = Entry::new(name, kind);
    entry.links = words.get(3).and_then(whole);
    entry.size = words
        .get(4)
        .and_then(whole)
        .filter(|_| kind == EntryKind::File);
    entry.modified = Some(modified);
    Some(entry)
}

/// `NAME <Sub Library> members blocks date time`, or a member with its size in their place.
fn library(words: &Words<'_>) -> Option<Entry> {
    let name = words.get(0)?;
    let is_folder = words.len() == 7 && words.between(1, 2) == b"<Sub Library>"
        || words.len() == 6
            && matches!(words.get(1), Some(b"<Library>" | b"<Directory>" | b"<DIR>"));
    if !is_folder {
        return None;
    }
    let at = words.len() - 4;
    grouped(words.get(at)?)?;
    grouped(words.get(at + 1)?)?;
    let date = year_first(words.get(at + 2)?, b"/")?;
    let mut entry = Entry::new(name, EntryKind::Dir);
    entry.modified = Some(Clock::read(words.get(at + 3)?)?.on(date)?);
    Some(entry)
}

/// `NAME YY/MM/DD HH:MM size type`, the type one letter: `E` entry sequenced, `K` keyed and so on.
fn catalogue(words: &Words<'_>) -> Option<Entry> {
    let name = words.get(0).filter(|_| words.len() == 5)?;
    let [y, m, d] = parts(words.get(1)?, b"/")?;
    let date = CivilTime::new(any_year(y)?, small(m)?, small(d)?)?;
    let modified = Clock::read(words.get(2)?)?.on(date)?;
    let size = grouped(words.get(3)?)?;
    words
        .get(4)
        .filter(|kind| kind.len() == 1 && kind[0].is_ascii_uppercase())?;
    let mut entry = Entry::new(name, EntryKind::File);
    entry.size = Some(size);
    entry.size_is_exact = false;
    entry.modified = Some(modified);
    Some(entry)
}

/// `NAME.number.suffix lines pages cards priority disposition [to]`, of the spool.
fn queue(words: &Words<'_>) -> Option<Entry> {
    let name = words.get(0)?;
    let mut dots = name.rsplit(|byte| *byte == b'.');
    let (suffix, number) = (dots.next()?, dots.next()?);
    if suffix.len() != 2 || number.len() != 5 || whole(suffix).is_none() || whole(number).is_none()
    {
        return None;
    }
    let size = whole(words.get(1)?)?;
    (2..=4).try_for_each(|at| whole(words.get(at)?).map(|_| ()))?;
    words.get(5).filter(|word| word.len() == 1)?;
    if words.len() > 7 {
        return None;
    }
    let mut entry = Entry::new(name, EntryKind::File);
    entry.size = Some(size);
    entry.size_is_exact = false;
    entry.owner = words.get(6).map(<[u8]>::to_vec);
    Some(entry)
}

/// Bytes to a block of a minidisk.
const CMS_BLOCK: u64 = 4096;

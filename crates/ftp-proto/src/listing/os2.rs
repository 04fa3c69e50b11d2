//! Listings of OS/2: `size [attributes] [DIR] MM-DD-YY  HH:MM  name`.
//!
//! The year is printed as the years since 1900 by old programs: `103` is 2003.

use super::date::{Clock, month_first};
use super::words::{Words, whole};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], _now: &CivilTime) -> Option<Line> {
    entry(line).map(Line::Entry)
}

fn entry(line: &[u8]) -> Option<Entry> {
    let words = Words::new(line);
    let size = whole(words.get(0)?)?;
    let mut kind = EntryKind::File;
    let mut at = 1;
    while let Some(word) = words
        .get(at)
        .filter(|word| word.iter().all(u8::is_ascii_uppercase))
    {
        match word {
            b"DIR" => kind = EntryKind::Dir,
            _ if word.iter().all(|byte| b"RHSAD".contains(byte)) => {}
            _ => return None,
        }
        at += 1;
    }
    let date = words.get(at)?;
    let date = month_first(date, b"-").filter(|_| !date.starts_with(b"-"))?;
    let modified = Clock::read(words.get(at + 1)?)?.on(date)?;
    let name = words.from(at + 2);
    if name.is_empty() {
        return None;
    }
    let mut entry = Entry::new(name, kind);
    entry.size = Some(size);
    entry.modified = Some(modified);
    Some(entry)
}

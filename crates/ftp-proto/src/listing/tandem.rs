//! Listings of NonStop Guardian (Tandem): `NAME code EOF dd-Mon-yy HH:MM:SS group, user "RWEP"`.
//!
//! The name is followed by the file's code, which has a letter after it where the file is licensed or open. NonStop's
//! other file system, OSS, writes in the manner of `ls`.

use super::date::{Clock, any_year, parts, small};
use super::month::month;
use super::words::{Words, digits, whole};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], _now: &CivilTime) -> Option<Line> {
    let words = Words::new(line);
    let is = |at: usize, text: &[u8]| words.get(at) == Some(text);
    if is(0, b"File") && is(1, b"Code") && is(2, b"EOF") {
        return Some(Line::Noise);
    }
    entry(&words).map(Line::Entry)
}

fn entry(words: &Words<'_>) -> Option<Entry> {
    let name = words.get(0)?;
    let (code, mark) = digits(words.get(1)?);
    if code.is_empty() || mark.len() > 1 {
        return None;
    }
    let size = whole(words.get(2)?)?;
    let [day, name_of_month, year] = parts(words.get(3)?, b"-")?;
    let date = CivilTime::new(any_year(year)?, month(name_of_month)?, small(day)?)?;
    let modified = Clock::read(words.get(4)?)?.on(date)?;
    let mut entry = Entry::new(name, EntryKind::File);
    entry.size = Some(size);
    entry.modified = Some(modified);
    // `155, 76` or `155,76`.
    let owners = words.get(5)?;
    let comma = owners.iter().position(|byte| *byte == b',')?;
    let group = &owners[..comma];
    let user = match &owners[comma + 1..] {
        [] => words.get(6)?,
        user => user,
    };
    whole(group)?;
    whole(user)?;
    entry.group = Some(group.to_vec());
    entry.owner = Some(user.to_vec());
    Some(entry)
}

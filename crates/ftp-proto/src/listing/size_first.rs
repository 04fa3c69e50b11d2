//! Listings that begin with the size, of no family: servers for one program or one system.
//!
//! ```text
//! 206876  Apr 04, 2000 21:06 21-vshell-old file         VShell, before it had permissions
//! 0       Dec 12, 2002 02:13 22-vshell-old dir/
//! 2048    Feb-28-1998  05:23:30   nortel dir <DIR>      VxWorks
//! d-a--   10134        Apr 19       11-27      test.exe  Distinct, attributes before the size
//! ```

use super::date::{Clock, any_year, parts, small};
use super::month::month;
use super::stamp::Stamp;
use super::words::{Words, whole};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], now: &CivilTime) -> Option<Line> {
    let words = Words::new(line);
    if is_heading(&words) {
        return Some(Line::Noise);
    }
    vxworks(&words)
        .or_else(|| distinct(&words, now))
        .or_else(|| vshell(&words, now))
        .map(Line::Entry)
}

/// VxWorks: `size date time name`, underlined.
fn is_heading(words: &Words<'_>) -> bool {
    let is = |at: usize, text: &[u8]| words.get(at) == Some(text);
    let dashes = |at: usize| {
        words
            .get(at)
            .is_some_and(|word| word.len() > 2 && word.iter().all(|byte| *byte == b'-'))
    };
    words.len() == 4
        && (is(0, b"size") && is(1, b"date") && is(2, b"time") && is(3, b"name")
            || (0..4).all(dashes))
}

/// `size Mon-dd-yyyy HH:MM:SS name [<DIR>]`.
fn vxworks(words: &Words<'_>) -> Option<Entry> {
    let size = whole(words.get(0)?)?;
    let [name_of_month, day, year] = parts(words.get(1)?, b"-")?;
    let date = CivilTime::new(any_year(year)?, month(name_of_month)?, small(day)?)?;
    let modified = Clock::read(words.get(2)?)?.on(date)?;
    let name = words.from(3).trim_ascii_end();
    let (name, kind) = match name.strip_suffix(b"<DIR>") {
        Some(name) => (name.trim_ascii_end(), EntryKind::Dir),
        None => (name, EntryKind::File),
    };
    entry(name, kind, size, modified)
}

/// Four to six attributes, `d` the first of them for a folder.
fn distinct(words: &Words<'_>, now: &CivilTime) -> Option<Entry> {
    let attributes = words.get(0).filter(|word| (4..=6).contains(&word.len()))?;
    if !attributes.iter().all(|byte| b"-dDrRaAhHsS".contains(byte)) {
        return None;
    }
    let kind = if attributes[0].eq_ignore_ascii_case(&b'd') {
        EntryKind::Dir
    } else {
        EntryKind::File
    };
    let size = whole(words.get(1)?)?;
    let stamp = Stamp::read(words, 2, now)?;
    entry(
        words.from(stamp.last + 1).trim_ascii_end(),
        kind,
        size,
        stamp.time,
    )
}

/// `size Mon dd, yyyy HH:MM name[/]`.
fn vshell(words: &Words<'_>, now: &CivilTime) -> Option<Entry> {
    let size = whole(words.get(0)?)?;
    words.get(2).filter(|day| day.ends_with(b","))?;
    let stamp = Stamp::read(words, 1, now)?;
    let name = words.behind(stamp.last);
    match name.strip_suffix(b"/") {
        Some(name) => entry(name, EntryKind::Dir, size, stamp.time),
        None => entry(name, EntryKind::File, size, stamp.time),
    }
}

fn entry(name: &[u8], kind: EntryKind, size: u64, modified: CivilTime) -> Option<Entry> {
    if name.is_empty() {
        return None;
    }
    let mut entry = Entry::new(name, kind);
    entry.size = Some(size);
    entry.modified = Some(modified);
    Some(entry)
}

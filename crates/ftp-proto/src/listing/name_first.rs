//! Listings that begin with the name: FTP servers for DOS and Windows from before there was one in the system, and
//! their like.
//!
//! ```text
//! DESIGN1.DOC     11264      May 11 1995 14:20   A        NetManage Chameleon, Newt
//! INSTALL         <DIR>           11-16-94        17:16    SuperTCP; with slashes, too
//! bin          <DIR>        06-13-1998  11:40              NCSA, CU/TCP
//! prog1    exe     2,563,136 06-10-99  10:00a              PC-NFSD
//! file n.txt                     20  01-03-2003 10:39      WinQVT/Net; folders end in a slash
//! areas.gw            118 16:33 10/15/93   arc/   0:33  1/01/80     KA9Q, two to a line
//! 48-file       1014196  06/03/04  Thur.   10:20:03        Nortel's wfFtp
//! ```
//!
//! The name has no fixed end, so the line is read from the first size or `<DIR>` that stands before a date.

use super::date::{Clock, any_year, month_first, parts, small, year};
use super::month::month;
use super::words::{Words, grouped};
use super::{Entry, EntryKind, Family, Line};
use crate::civil::CivilTime;

/// One listing of this form.
#[derive(Debug, Default)]
pub(super) struct NameFirst;

impl Family for NameFirst {
    fn read(&mut self, line: &[u8], _now: &CivilTime, out: &mut Vec<Line>) -> bool {
        let words = Words::new(line);
        let entries = time_first(&words).or_else(|| {
            let entry = (1..words.len()).find_map(|at| entry(line, &words, at));
            entry.map(|entry| vec![entry])
        });
        let read = entries.is_some();
        out.extend(entries.into_iter().flatten().map(Line::Entry));
        read
    }
}

/// The entry whose size or `<DIR>` is word `at`.
fn entry(line: &[u8], words: &Words<'_>, at: usize) -> Option<Entry> {
    let word = words.get(at)?;
    let is_folder = word.eq_ignore_ascii_case(b"<DIR>");
    let size = grouped(word);
    if !is_folder && size.is_none() {
        return None;
    }
    let (modified, last) = date(words, at + 1)?;
    // Attributes may follow, and nothing else.
    let attributes = |word: &[u8]| word.iter().all(|byte| b"RHSAD".contains(byte));
    if words.get(last + 1).is_some_and(|word| !attributes(word)) || words.len() > last + 2 {
        return None;
    }
    let name = line[..words.start(at)].trim_ascii_end();
    // PC-NFSD sets name and ending apart, as DOS itself does, and marks the half of the day with one letter.
    let half_as_letter = words
        .get(last)
        .is_some_and(|word| matches!(word.last(), Some(b'a' | b'p')));
    let mut entry = match (half_as_letter, at, is_folder) {
        (true, 2, _) => Entry::new(&[words.get(0)?, words.get(1)?].join(&b'.'), EntryKind::File),
        _ => Entry::new(name, EntryKind::File),
    };
    if is_folder || entry.name.ends_with(b"/") {
        let name = entry.name.strip_suffix(b"/").unwrap_or(&entry.name);
        entry = Entry::new(name, EntryKind::Dir);
    } else {
        entry.size = size;
    }
    if entry.name.is_empty() {
        return None;
    }
    entry.modified = Some(modified);
    Some(entry)
}

/// A date and a time from word `at` on; gives the last word of it.
fn date(words: &Words<'_>, at: usize) -> Option<(CivilTime, usize)> {
    if let Some(date) = month_first(words.get(at)?, b"-/") {
        // wfFtp tells the day of the week.
        let weekday = words.get(at + 1)?.last() == Some(&b'.');
        let last = at + 1 + usize::from(weekday);
        return Some((Clock::read(words.get(last)?)?.on(date)?, last));
    }
    let month = month(words.get(at)?)?;
    let date = CivilTime::new(year(words.get(at + 2)?)?, month, small(words.get(at + 1)?)?)?;
    Some((Clock::read(words.get(at + 3)?)?.on(date)?, at + 3))
}

/// KA9Q: `name size HH:MM MM/DD/YY`, or `name/ HH:MM MM/DD/YY` for a folder, one or two to a line.
fn time_first(words: &Words<'_>) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let name = words.get(at)?;
        let (kind, name, size) = match name.strip_suffix(b"/") {
            Some(name) => (EntryKind::Dir, name, None),
            None => (EntryKind::File, name, Some(grouped(words.get(at + 1)?)?)),
        };
        let clock = at + 1 + usize::from(size.is_some());
        let [m, d, y] = parts(words.get(clock + 1)?, b"/")?;
        let date = CivilTime::new(any_year(y)?, small(m)?, small(d)?)?;
        let mut entry = Entry::new(name, kind);
        entry.size = size;
        entry.modified = Some(Clock::read(words.get(clock)?)?.on(date)?);
        entries.push(entry);
        at = clock + 2;
    }
    (!entries.is_empty()).then_some(entries)
}

//! Listings in the manner of DOS, as IIS and others write them.
//!
//! `MM-DD-YY  HH:MM[AM|PM]  <DIR>|size  name`: the date with two or four digits for the year, or with the year first;
//! month and day are exchanged where the first number cannot be a month. The size may have commas.
//!
//! The name begins one blank after the size. After `<DIR>` servers leave differing room; where the listing has shown at
//! which column names begin, blanks beyond it belong to the name.

use super::date::{Clock, Half, long_year_first, month_first};
use super::words::{Words, find, grouped, is_blank};
use super::{Entry, EntryKind, Family, Line};
use crate::civil::CivilTime;

/// One listing of this form.
#[derive(Debug, Default)]
pub(super) struct Dos {
    /// The column at which names begin, once a line has shown it.
    names_at: Option<usize>,
}

impl Family for Dos {
    fn read(&mut self, line: &[u8], _now: &CivilTime, out: &mut Vec<Line>) -> bool {
        let entry = self.entry(line);
        let read = entry.is_some();
        out.extend(entry.map(Line::Entry));
        read
    }
}

impl Dos {
    fn entry(&mut self, line: &[u8]) -> Option<Entry> {
        let words = Words::new(line);
        let word = words.get(0)?;
        let date = long_year_first(word, b"-/.").or_else(|| month_first(word, b"-/.:"))?;
        let mut clock = Clock::read(words.get(1)?)?;
        let mut at = 2;
        if let Some(half) = words.get(2).and_then(Half::read) {
            clock = clock.in_half(half);
            at = 3;
        }
        let modified = clock.on(date)?;
        let word = words.get(at)?;
        let mut entry = if let Some(kind) = tag(word) {
            let shown = words.start(at + 1);
            let begin = self.names_at.filter(|column| {
                let between = line.get(words.end(at)..*column).unwrap_or(b"-");
                *column <= shown && between.iter().all(|byte| is_blank(*byte))
            });
            let begin = begin.unwrap_or(shown);
            self.names_at = Some(begin);
            let (name, target) = link(&line[begin..], kind);
            let mut entry = Entry::new(name, kind);
            entry.target = target;
            // The tag stands where the size would: on these systems a folder has none.
            entry.size = (kind == EntryKind::Dir).then_some(0);
            entry
        } else {
            let size = grouped(word)?;
            // Sizes end before the column of names, unless nothing is in columns.
            let after = words.end(at) + 1;
            let begin = if after >= self.names_at.unwrap_or(IIS_NAMES) {
                after
            } else {
                words.start(at + 1)
            };
            self.names_at = Some(begin);
            let mut entry = Entry::new(&line[begin.min(line.len())..], EntryKind::File);
            entry.size = Some(size);
            entry
        };
        if entry.name.iter().all(|byte| is_blank(*byte)) {
            return None;
        }
        entry.modified = Some(modified);
        Some(entry)
    }
}

/// What `<DIR>` and the like say.
fn tag(word: &[u8]) -> Option<EntryKind> {
    match word.to_ascii_uppercase().as_slice() {
        b"<DIR>" => Some(EntryKind::Dir),
        b"<SYMLINK>" | b"<SYMLINKD>" | b"<JUNCTION>" => Some(EntryKind::Symlink),
        _ => None,
    }
}

/// `name [target]` of links, or with an arrow between.
fn link(name: &[u8], kind: EntryKind) -> (&[u8], Option<Vec<u8>>) {
    let arrow = find(name, b" -> ").or_else(|| find(name, b" => "));
    if let Some(arrow) = arrow.filter(|arrow| kind == EntryKind::Symlink && *arrow > 0) {
        return (&name[..arrow], Some(name[arrow + 4..].to_vec()));
    }
    match name.iter().rposition(|byte| *byte == b'[') {
        Some(open) if kind == EntryKind::Symlink && open > 1 && name.ends_with(b"]") => {
            let target = name[open + 1..name.len() - 1].to_vec();
            (name[..open].trim_ascii_end(), Some(target))
        }
        _ => (name, None),
    }
}

/// The column at which IIS puts names.
const IIS_NAMES: usize = 39;

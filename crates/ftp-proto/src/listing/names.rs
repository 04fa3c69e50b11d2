//! Listings that are names and little else: `dls`, and servers that give names alone.
//!
//! ```text
//! README              763  Feb  3 18:21  Information about this server        dls
//! pub/                  =  Public area
//! TIMIT.mostlikely.Z
//!                   79215  Jan  4  6:45
//! ```
//!
//! `dls` was written for archives: a size that ends at a fixed column, `-` or `=` in the place of a folder's, then
//! perhaps a date, then what somebody wrote about the file. A name that reaches beyond its column has the line to itself.
//!
//! A listing of names alone is known by the entry for the folder itself, `.`, which comes first.

use super::stamp::Stamp;
use super::words::{Words, grouped, is_blank};
use super::{Entry, EntryKind, Family, Line};
use crate::civil::CivilTime;

/// A listing of `dls`.
#[derive(Debug, Default)]
pub(super) struct Dls {
    /// A name whose columns are awaited.
    held: Option<Vec<u8>>,
    /// Whether an entry has been read.
    certain: bool,
}

impl Family for Dls {
    fn read(&mut self, line: &[u8], now: &CivilTime, out: &mut Vec<Line>) -> bool {
        if let Some(name) = self.held.take() {
            if line[..line.len().min(MARGIN)].starts_with(b"    ")
                && let Some(entry) = entry(&name, line, now)
            {
                out.push(Line::Entry(entry));
                return true;
            }
            out.push(Line::Unparsed(name));
        }
        let words = Words::new(line);
        if self.certain && words.len() == 1 && words.start(0) == 0 {
            self.held = Some(line.to_vec());
            return true;
        }
        let Some(name) = words.get(0).filter(|_| words.start(0) == 0) else {
            return false;
        };
        let Some(entry) = entry(name, line, now) else {
            return false;
        };
        self.certain = true;
        out.push(Line::Entry(entry));
        true
    }

    fn finish(&mut self, out: &mut Vec<Line>) {
        out.extend(self.held.take().map(Line::Unparsed));
    }
}

/// Reads the columns after the name.
fn entry(name: &[u8], line: &[u8], now: &CivilTime) -> Option<Entry> {
    let (columns, rest) = line.split_at_checked(MARGIN)?;
    if !rest.is_empty() && !rest.starts_with(b"  ") {
        return None;
    }
    let columns = Words::new(columns);
    let size = columns.last()?;
    let alone = columns.len() == 1 && columns.start(0) > 0;
    if !(alone || columns.len() == 2 && columns.get(0) == Some(name))
        || columns.end(columns.len() - 1) != MARGIN
    {
        return None;
    }
    let (name, kind) = match name.strip_suffix(b"/") {
        Some(name) => (name, EntryKind::Dir),
        None => (name, EntryKind::File),
    };
    let mut entry = Entry::new(name, kind);
    if !matches!(size, b"-" | b"=") {
        entry.size = Some(grouped(size)?);
    }
    let rest = rest.trim_ascii_end();
    let words = Words::new(rest);
    let mut said = rest.trim_ascii_start();
    if let Some(stamp) = Stamp::read(&words, 0, now) {
        entry.modified = Some(stamp.time);
        said = words.from(stamp.last + 1);
    }
    if let Some(target) = said.strip_prefix(b"-> ") {
        entry.kind = EntryKind::Symlink;
        entry.target = Some(target.to_vec());
    }
    Some(entry)
}

/// The column at which sizes end.
const MARGIN: usize = 23;

/// A listing of names alone.
#[derive(Debug, Default)]
pub(super) struct Bare {
    /// How many blanks stand before a name, once the first entry has shown it.
    indent: Option<usize>,
}

impl Family for Bare {
    fn read(&mut self, line: &[u8], _now: &CivilTime, out: &mut Vec<Line>) -> bool {
        let indent = match self.indent {
            Some(indent) => indent,
            None => match line {
                b"." => 0,
                b" ." => 1,
                _ => return false,
            },
        };
        self.indent = Some(indent);
        let Some((blanks, name)) = line.split_at_checked(indent) else {
            return false;
        };
        if name.is_empty() || !blanks.iter().all(|byte| is_blank(*byte)) {
            return false;
        }
        let kind = match name {
            b"." | b".." => EntryKind::Dir,
            _ => EntryKind::File,
        };
        out.push(Line::Entry(Entry::new(name, kind)));
        true
    }
}

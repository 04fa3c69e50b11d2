//! Listings of VMS, as its TCP/IP packages (MultiNet, TCPware, UCX, CMU, MadGoat) write them.
//!
//! ```text
//! Directory SYS$SYSDEVICE:[ANONYMOUS]
//!
//! README.TXT;4             2/16         12-MAR-2005 08:44:57  [GROUP,OWNER]  (RWED,RWED,RE,RE)
//! MAIL_ARCHIVES.DIR;1
//!                            1  13-DEC-2005 08:45:27.56
//! Total of 3 blocks in 2 files.
//! ```
//!
//! A name that is too long for its column has the line to itself, and the columns follow on the next. They come in any
//! order: size in blocks of 512 bytes (used, or used and allocated), date, time, owner in brackets, protection in
//! parentheses.
//!
//! A folder `X.DIR;1` is called `X` here, since that is what `CWD X` takes. The newest version of a file comes first and
//! is called by its bare name; older ones keep their `;version`, so that no two entries have the same name.

use super::date::{Clock, parts, small, year};
use super::month::month;
use super::words::{Words, count, find, is_blank, whole};
use super::{Entry, EntryKind, Family, Line};
use crate::civil::CivilTime;

/// One listing of this form.
#[derive(Debug, Default)]
pub(super) struct Vms {
    /// A name whose columns are awaited.
    held: Option<Vec<u8>>,
    /// The last file's name without its version.
    newest: Vec<u8>,
    /// Whether a heading or an entry has been seen.
    certain: bool,
}

impl Family for Vms {
    fn read(&mut self, line: &[u8], _now: &CivilTime, out: &mut Vec<Line>) -> bool {
        // MultiNet has been seen to put a CR between name and columns.
        let line: Vec<u8> = line
            .iter()
            .map(|byte| if *byte == b'\r' { b' ' } else { *byte })
            .collect();
        if let Some(name) = self.held.take() {
            if let Some(columns) = Columns::read(&Words::new(&line)) {
                let entry = self.entry(&name, columns);
                out.push(Line::Entry(entry));
                return true;
            }
            out.push(Line::Unparsed(name));
        }
        if is_noise(&line) || self.certain && is_disk(&line) {
            self.certain = true;
            out.push(Line::Noise);
            return true;
        }
        let Some((name, rest)) = self.name(&line) else {
            return false;
        };
        if rest.trim_ascii().is_empty() {
            self.held = Some(name.to_vec());
            return true;
        }
        if is_refusal(rest) {
            // Which version may not be looked at is all that is known.
            out.push(Line::Entry(Entry::new(name, EntryKind::File)));
            return true;
        }
        let Some(columns) = Columns::read(&Words::new(rest)) else {
            return false;
        };
        let entry = self.entry(name, columns);
        out.push(Line::Entry(entry));
        true
    }

    fn finish(&mut self, out: &mut Vec<Line>) {
        out.extend(self.held.take().map(Line::Unparsed));
    }
}

impl Vms {
    /// The name with its version, and the rest of the line. Without a version only where the listing is known to be
    /// of VMS.
    fn name<'l>(&self, line: &'l [u8]) -> Option<(&'l [u8], &'l [u8])> {
        let line = line.trim_ascii_start();
        let mut from = 0;
        while let Some(at) = line[from..].iter().position(|byte| *byte == b';') {
            let version = count(&line[from + at + 1..], |byte| byte.is_ascii_digit());
            let end = from + at + 1 + version;
            if version > 0 && at + from > 0 && line.get(end).copied().is_none_or(is_blank) {
                return Some(line.split_at(end));
            }
            from += at + 1;
        }
        let end = count(line, |byte| !is_blank(byte));
        (self.certain && line[..end].contains(&b'.')).then(|| line.split_at(end))
    }

    fn entry(&mut self, name: &[u8], columns: Columns) -> Entry {
        self.certain = true;
        // CMU puts the folder before the name.
        let name = match (name.first(), find(name, b"]")) {
            (Some(b'['), Some(end)) => &name[end + 1..],
            _ => name,
        };
        let (bare, version) = match name.iter().rposition(|byte| *byte == b';') {
            Some(at) => name.split_at(at),
            None => (name, &[][..]),
        };
        let mut entry = if let Some(folder) = strip_dir(bare) {
            self.newest.clear();
            Entry::new(folder, EntryKind::Dir)
        } else if self.newest == bare && !version.is_empty() {
            Entry::new(name, EntryKind::File)
        } else {
            self.newest = bare.to_vec();
            Entry::new(bare, EntryKind::File)
        };
        entry.size = columns.size;
        entry.size_is_exact = false;
        entry.modified = columns.modified;
        entry.owner = columns.owner;
        entry.group = columns.group;
        entry
    }
}

/// What stands beside the name.
#[derive(Debug, Default)]
struct Columns {
    /// In bytes.
    size: Option<u64>,
    modified: Option<CivilTime>,
    owner: Option<Vec<u8>>,
    group: Option<Vec<u8>>,
}

impl Columns {
    /// Reads the columns; there must be a size and a date, and nothing that is no column.
    fn read(words: &Words<'_>) -> Option<Self> {
        let mut columns = Self::default();
        let (mut sized, mut dated) = (false, false);
        let mut at = 0;
        while let Some(word) = words.get(at) {
            if let (false, Some(size)) = (sized, size(word)) {
                columns.size = size;
                sized = true;
            } else if let (false, Some(date)) = (dated, date(word)) {
                dated = true;
                columns.modified = date;
                if let Some(clock) = words.get(at + 1).and_then(Clock::read) {
                    columns.modified = match date {
                        Some(date) => Some(clock.on(date)?),
                        None => None,
                    };
                    at += 1;
                }
            } else if word.starts_with(b"[") {
                let end = (at..words.len())
                    .find(|end| words.get(*end).is_some_and(|word| word.ends_with(b"]")));
                let end = end.unwrap_or(at);
                columns.owners(words.between(at, end));
                at = end;
            } else if word.starts_with(b"(") {
                break;
            } else if !(sized && dated && word[0].is_ascii_alphabetic()) {
                return None;
            }
            at += 1;
        }
        (sized && dated).then_some(columns)
    }

    /// `[OWNER]` or `[GROUP,OWNER]`; the closing bracket is cut off where the column is too narrow.
    fn owners(&mut self, word: &[u8]) {
        let inner = word.strip_prefix(b"[").unwrap_or(word);
        let inner = inner.strip_suffix(b"]").unwrap_or(inner);
        let mut names = inner.splitn(2, |byte| *byte == b',');
        let (first, second) = (names.next(), names.next());
        self.group = second.and(first).map(<[u8]>::to_vec);
        self.owner = second.or(first).map(<[u8]>::to_vec);
    }
}

/// `12`, `12/16`, or asterisks for a number too wide; gives the bytes that are used. More than is allocated cannot be
/// used, and so such a number is one of bytes.
fn size(word: &[u8]) -> Option<Option<u64>> {
    if word.iter().all(|byte| *byte == b'*') {
        return Some(None);
    }
    let mut numbers = word.splitn(2, |byte| *byte == b'/');
    let used = whole(numbers.next()?)?;
    let allocated = numbers.next().map(whole);
    if allocated == Some(None) {
        return None;
    }
    if allocated
        .flatten()
        .is_some_and(|allocated| used > allocated)
    {
        return Some(Some(used));
    }
    Some(used.checked_mul(BLOCK))
}

/// `d-MON-yyyy`; a name of a month in another language is a date that is not known.
fn date(word: &[u8]) -> Option<Option<CivilTime>> {
    let [day, name, of_year] = parts(word, b"-")?;
    let (day, year) = (small(day)?, year(of_year)?);
    if name.is_empty() || !name.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    match month(name) {
        Some(month) => Some(Some(CivilTime::new(year, month, day)?)),
        None => Some(None),
    }
}

/// `Directory DISK:[FOLDER]`, the folder alone, and totals.
fn is_noise(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let words = Words::new(line);
    let starts = |word: &[u8]| {
        line.get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let is_folder =
        |word: &[u8]| find(word, b":[").is_some_and(|at| at > 0) && word.ends_with(b"]");
    match words.len() {
        1 => is_folder(line),
        2 if starts(b"directory ") => words.get(1).is_some_and(is_folder),
        _ => {
            (starts(b"total of ") || starts(b"grand total of "))
                && (find(&line.to_ascii_lowercase(), b"block").is_some()
                    || find(&line.to_ascii_lowercase(), b"file").is_some())
        }
    }
}

/// `DISK:`, a heading of its own.
fn is_disk(line: &[u8]) -> bool {
    let words = Words::new(line);
    words.len() == 1 && words.last().is_some_and(|word| word.ends_with(b":"))
}

/// A message in the place of the columns: the file is there, and may not be looked at.
fn is_refusal(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii();
    rest.starts_with(b"%")
        || rest
            .to_ascii_lowercase()
            .starts_with(b"insufficient privilege")
}

fn strip_dir(name: &[u8]) -> Option<&[u8]> {
    let (name, ending) = name.split_at_checked(name.len().checked_sub(4)?)?;
    (ending.eq_ignore_ascii_case(b".DIR") && !name.is_empty()).then_some(name)
}

/// Bytes to a block.
const BLOCK: u64 = 512;

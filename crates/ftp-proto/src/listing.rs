//! Lines of LIST and MLSD as entries.
//!
//! MLSx lines have a defined form (RFC 3659 §7). LIST lines have none: each family of servers has
//! its own, and one module here reads one family. A line that no module can read is given as
//! [`Line::Unparsed`], because a missing entry may be the file somebody looks for; headers, totals
//! and blank lines are [`Line::Noise`].

mod date;
mod dos;
mod eplf;
mod mlsx;
mod unix;

#[cfg(test)]
mod tests;

pub use mlsx::{Fact, Mlsx, facts};

use crate::civil::CivilTime;

/// What one line of a listing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A file, folder or the like.
    Entry(Entry),
    /// A header, a total or a blank line.
    Noise,
    /// Nothing that is known. Holds the line.
    Unparsed(Vec<u8>),
}

/// A file, folder or the like, as a listing shows it. What a listing does not say is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The name, as bytes.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// The size in bytes.
    pub size: Option<u64>,
    /// When it was last modified.
    pub modified: Option<CivilTime>,
    /// Permission bits, without those of the file type.
    pub mode: Option<u32>,
    /// The owner's name or number.
    pub owner: Option<Vec<u8>>,
    /// The group's name or number.
    pub group: Option<Vec<u8>>,
    /// The number of hard links.
    pub links: Option<u64>,
    /// Where a symbolic link points.
    pub target: Option<Vec<u8>>,
    /// Whether this is the listed folder itself or the one above it.
    pub special: Option<Special>,
    /// What the logged-in user may do, as in the `perm` fact (RFC 3659 §7.5.5).
    pub perm: Option<Vec<u8>>,
    /// The `unique` fact (RFC 3659 §7.5.2).
    pub unique: Option<Vec<u8>>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A device, a pipe, a socket.
    Other,
}

/// Entries that are not members of the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    /// The folder itself: `cdir` or `.`.
    Current,
    /// The folder above: `pdir` or `..`.
    Parent,
}

impl Entry {
    fn new(name: &[u8], kind: EntryKind) -> Self {
        let special = match name {
            b"." => Some(Special::Current),
            b".." => Some(Special::Parent),
            _ => None,
        };
        Self {
            name: name.to_vec(),
            kind,
            size: None,
            modified: None,
            mode: None,
            owner: None,
            group: None,
            links: None,
            target: None,
            special,
            perm: None,
            unique: None,
        }
    }
}

/// Reads the lines of one LIST.
///
/// The family that read the last line is asked first for the next one, since a listing does not
/// change its form half-way.
#[derive(Clone, Debug)]
pub struct ListParser {
    now: CivilTime,
    family: usize,
}

impl ListParser {
    /// A parser; `now` completes dates without a year. The server's zone is not known, so a day more
    /// than `now` is not the future yet.
    #[must_use]
    pub fn new(now: CivilTime) -> Self {
        Self { now, family: 0 }
    }

    /// Reads a line without its line end.
    pub fn line(&mut self, line: &[u8]) -> Line {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Line::Noise;
        }
        let count = FAMILIES.len();
        for offset in 0..count {
            let family = (self.family + offset) % count;
            match FAMILIES[family](line, &self.now) {
                Line::Unparsed(_) => {}
                Line::Noise => return Line::Noise,
                Line::Entry(entry) => {
                    self.family = family;
                    return Line::Entry(entry);
                }
            }
        }
        Line::Unparsed(line.to_vec())
    }
}

/// The families; the one seen most often first.
const FAMILIES: [fn(&[u8], &CivilTime) -> Line; 3] = [unix::line, dos::line, eplf::line];

/// Cuts a listing, in any split, into lines.
#[derive(Debug)]
pub struct LineSplitter {
    pending: Vec<u8>,
    limit: usize,
    too_long: bool,
}

impl LineSplitter {
    /// A splitter that takes lines of up to `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            pending: Vec::new(),
            limit,
            too_long: false,
        }
    }

    /// Takes bytes; lines without their ends (LF or CR LF) go to `out`. Gives false when a line is too
    /// long, and takes nothing more.
    #[must_use]
    pub fn push(&mut self, bytes: &[u8], out: &mut impl FnMut(Vec<u8>)) -> bool {
        let mut rest = bytes;
        while !self.too_long {
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.pending.extend_from_slice(rest);
                self.too_long = self.pending.len() > self.limit;
                break;
            };
            self.pending.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let mut line = std::mem::take(&mut self.pending);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            self.too_long = line.len() > self.limit;
            if !self.too_long {
                out(line);
            }
        }
        !self.too_long
    }

    /// The last line, if the listing ended without a line end.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.pending);
        (!line.is_empty()).then_some(line)
    }
}

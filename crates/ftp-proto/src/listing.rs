//! Lines of LIST and MLSD as entries.
//!
//! MLSx lines have a defined form (RFC 3659 §7). LIST lines have none: each family of servers has
//! its own, and one module here reads one family. Which family a listing is of shows in its lines; a
//! listing keeps its form, so the family that read the last line is asked first for the next one. Some
//! families need more than the line: a heading that says which table follows, an entry that goes on in the
//! next line, dates whose order another line shows. Such state is held by the family, is bounded, and ends
//! with the listing.
//!
//! A line that no family can read is given as [`Line::Unparsed`], because a missing entry may be the file
//! somebody looks for; headings, totals and blank lines are [`Line::Noise`].

mod date;
mod dec;
mod devices;
mod dos;
mod eplf;
mod mainframes;
mod mlsx;
mod month;
mod mvs;
mod name_first;
mod names;
mod netware;
mod os2;
mod os400;
mod size_first;
mod splitter;
mod stamp;
mod sterling;
mod tandem;
mod unix;
mod vm;
mod vms;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;

pub use mlsx::{Fact, Mlsx, facts};
pub use splitter::LineSplitter;

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
    /// Whether the size is to the byte. Servers that count blocks or records, or round to a unit, tell less.
    pub size_is_exact: bool,
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
            size_is_exact: true,
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

/// Reads the lines of one LIST, whatever the server.
#[derive(Debug)]
pub struct ListParser {
    now: CivilTime,
    family: Option<Box<dyn Family>>,
    /// Whether the family has given an entry; until then, lines may be of a form that is hardly one.
    settled: bool,
    read: Vec<Line>,
}

impl ListParser {
    /// A parser for one listing; `now` completes dates without a year. The server's zone is not known, so a day
    /// more than `now` is not the future yet.
    #[must_use]
    pub fn new(now: CivilTime) -> Self {
        Self {
            now,
            family: None,
            settled: false,
            read: Vec::new(),
        }
    }

    /// Reads a line without its line end, and gives what it is to `out`: one [`Line`], none while an entry goes on in
    /// the next line, or several.
    pub fn line(&mut self, line: &[u8], out: &mut impl FnMut(Line)) {
        self.read_line(line);
        self.hand_over(out);
    }

    /// Ends the listing: gives to `out` what was waiting for another line.
    pub fn finish(&mut self, out: &mut impl FnMut(Line)) {
        if let Some(family) = &mut self.family {
            family.finish(&mut self.read);
        }
        self.hand_over(out);
    }

    fn read_line(&mut self, line: &[u8]) {
        if line.iter().all(u8::is_ascii_whitespace) {
            self.read.push(Line::Noise);
            return;
        }
        if let Some(family) = &mut self.family
            && family.read(line, &self.now, &mut self.read)
        {
            return;
        }
        for new in FAMILIES
            .iter()
            .chain(if self.settled { &[][..] } else { BARE_FAMILIES })
        {
            let mut family = new();
            let mut read = Vec::new();
            if family.read(line, &self.now, &mut read) {
                if let Some(last) = &mut self.family {
                    last.finish(&mut self.read);
                }
                self.read.append(&mut read);
                self.family = Some(family);
                return;
            }
        }
        self.read.push(Line::Unparsed(line.to_vec()));
    }

    fn hand_over(&mut self, out: &mut impl FnMut(Line)) {
        for line in self.read.drain(..) {
            self.settled |= matches!(line, Line::Entry(_));
            out(line);
        }
    }
}

/// A family of servers, and what it has seen of one listing.
trait Family: fmt::Debug + Send + Sync {
    /// Reads a line that is not blank. Gives false if it is none of this family's, and then pushes at most the line
    /// before, as not understood.
    fn read(&mut self, line: &[u8], now: &CivilTime, out: &mut Vec<Line>) -> bool;

    /// Gives up what waits for another line.
    fn finish(&mut self, _out: &mut Vec<Line>) {}
}

/// A family whose lines stand each for itself.
struct Single(fn(&[u8], &CivilTime) -> Option<Line>);

impl Family for Single {
    fn read(&mut self, line: &[u8], now: &CivilTime, out: &mut Vec<Line>) -> bool {
        let read = (self.0)(line, now);
        let known = read.is_some();
        out.extend(read);
        known
    }
}

impl fmt::Debug for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Single")
    }
}

/// Begins a listing of a family.
type New = fn() -> Box<dyn Family>;

/// The families; the one seen most often first, and those whose lines are hard to mistake before others.
const FAMILIES: &[New] = &[
    || Box::new(Single(unix::line)),
    || Box::<dos::Dos>::default(),
    || Box::new(Single(mlsx::line)),
    || Box::new(Single(eplf::line)),
    || Box::new(Single(netware::line)),
    || Box::<vms::Vms>::default(),
    || Box::<os400::Os400>::default(),
    || Box::<mvs::Mvs>::default(),
    || Box::new(Single(tandem::line)),
    || Box::new(Single(sterling::line)),
    || Box::new(Single(vm::line)),
    || Box::new(Single(os2::line)),
    || Box::new(Single(size_first::line)),
    || Box::new(Single(devices::line)),
    || Box::new(Single(mainframes::line)),
    || Box::<name_first::NameFirst>::default(),
];

/// Families whose lines hold so little that they are believed only at the beginning of a listing.
const BARE_FAMILIES: &[New] = &[
    || Box::<dec::Tops20>::default(),
    || Box::<dec::TsxPlus>::default(),
    || Box::<names::Dls>::default(),
    || Box::<names::Bare>::default(),
];

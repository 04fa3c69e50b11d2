//! Listings of NetWare: `d [RWCEAFMS] owner size date name`, the rights in brackets.
//!
//! HellSoft's server leaves no blank before the bracket and tells the number of links; Novell's print services write
//! dates as `Oct 20, 99 10:31 pm`. Blanks before the name are the column's.

use super::stamp::Stamp;
use super::words::{Words, whole};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], now: &CivilTime) -> Option<Line> {
    entry(line, now).map(Line::Entry)
}

fn entry(line: &[u8], now: &CivilTime) -> Option<Entry> {
    let kind = match line.first()? {
        b'-' => EntryKind::File,
        b'd' => EntryKind::Dir,
        _ => return None,
    };
    let rights = line[1..].trim_ascii_start();
    let close = rights.iter().position(|byte| *byte == b']')?;
    let inner = rights[..close].strip_prefix(b"[")?;
    if inner.is_empty() || !inner.iter().all(|byte| RIGHTS.contains(byte)) {
        return None;
    }
    let words = Words::new(&rights[close + 1..]);
    let (at, size, stamp) = (2..words.len()).find_map(|at| {
        let size = whole(words.get(at - 1)?)?;
        Some((at, size, Stamp::read(&words, at, now)?))
    })?;
    // The number of links, where there is one, stands before an owner.
    let links = words.get(0).and_then(whole).filter(|_| at > 2);
    let owner = words.between(usize::from(links.is_some()), at - 2);
    let name = words.from(stamp.last + 1).trim_ascii_end();
    if name.is_empty() {
        return None;
    }
    let mut entry = Entry::new(name, kind);
    entry.links = links;
    entry.owner = Some(owner.to_vec());
    entry.size = Some(size);
    entry.modified = Some(stamp.time);
    Some(entry)
}

/// Read, write, create, erase, access control, file scan, modify, supervise; and open, delete, parental, search of
/// NetWare 2.
const RIGHTS: &[u8] = b"RWCEAFMSODP- ";

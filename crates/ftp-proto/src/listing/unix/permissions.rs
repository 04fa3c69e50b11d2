//! The first column: `drwxr-xr-x`.

use crate::listing::EntryKind;
use crate::listing::words::{digits, is_blank, whole};

/// What the first column says.
#[derive(Debug)]
pub(super) struct Permissions {
    pub(super) kind: EntryKind,
    /// The bits, if all letters are those of Unix.
    pub(super) mode: Option<u32>,
    /// The number of links, where it stands without a blank between.
    pub(super) links: Option<u64>,
    /// Where the column ends.
    pub(super) end: usize,
}

/// Reads the column: the kind, nine letters (or six, of a server that leaves others out), signs for access control
/// lists and labels, and a number of links too wide for its column.
pub(super) fn permissions(line: &[u8]) -> Option<Permissions> {
    let kind = match line.first()? {
        b'-' | b'f' | b'F' => EntryKind::File,
        b'd' | b'D' => EntryKind::Dir,
        b'l' => EntryKind::Symlink,
        b'b' | b'c' | b'p' | b's' | b'n' | b'm' | b'C' | b'P' | b'w' => EntryKind::Other,
        _ => return None,
    };
    let length = if line.get(7).copied().is_none_or(is_blank) {
        6
    } else {
        9
    };
    let letters = line.get(1..=length)?;
    let mut mode = Some(0);
    for (index, letter) in letters.iter().enumerate() {
        let bit = 0o400 >> index;
        let special = 0o4000 >> (index / 3);
        let found = match (index % 3, letter) {
            (_, b'-') => Some(0),
            (0, b'r') | (1, b'w') | (2, b'x') => Some(bit),
            (2, b's' | b't') => Some(bit | special),
            (2, b'S' | b'T' | b'l' | b'L') => Some(special),
            (_, b'r' | b'w' | b'x') => return None,
            // VxWorks and NetWare put attributes here.
            (_, letter) if letter.is_ascii_alphabetic() => None,
            _ => return None,
        };
        mode = mode.zip(found).map(|(mode, found)| mode | found);
    }
    let mut end = length + 1;
    while matches!(line.get(end), Some(b'+' | b'.' | b'@')) {
        end += 1;
    }
    let (number, after) = digits(line.get(end..)?);
    if !after.first().copied().is_none_or(is_blank) {
        return None;
    }
    Some(Permissions {
        kind,
        mode: mode.filter(|_| length == 9),
        links: whole(number),
        end: end + number.len(),
    })
}

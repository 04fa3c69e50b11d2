//! Easily Parsed LIST Format (D. J. Bernstein, 1996): `+fact,fact,…<TAB>name`.
//!
//! Facts: `r` can be retrieved, `/` can be entered, `sN` size, `mN` seconds since 1970, `iX` identity,
//! `up644` permission bits.

use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], _now: &CivilTime) -> Option<Line> {
    entry(line).map(Line::Entry)
}

fn entry(line: &[u8]) -> Option<Entry> {
    let line = line.strip_prefix(b"+")?;
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (facts, name) = (&line[..tab], &line[tab + 1..]);
    if name.is_empty() {
        return None;
    }
    let mut entry = Entry::new(name, EntryKind::Other);
    for fact in facts.split(|byte| *byte == b',') {
        match fact {
            [b'/'] => entry.kind = EntryKind::Dir,
            [b'r'] if entry.kind != EntryKind::Dir => entry.kind = EntryKind::File,
            [b's', digits @ ..] => entry.size = text(digits)?.parse().ok(),
            [b'm', digits @ ..] => {
                entry.modified = text(digits)?.parse().ok().and_then(CivilTime::from_unix);
            }
            [b'u', b'p', digits @ ..] => {
                let mode = u32::from_str_radix(text(digits)?, 8).ok();
                entry.mode = mode.filter(|mode| *mode <= 0o7777);
            }
            [b'i', identity @ ..] => entry.unique = Some(identity.to_vec()),
            _ => {}
        }
    }
    Some(entry)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

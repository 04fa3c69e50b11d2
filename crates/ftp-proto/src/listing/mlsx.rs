//! Lines of MLSD and MLST (RFC 3659 §7.2): `fact=value;fact=value; name`.
//!
//! The name begins after exactly one blank and is taken as it is: it may begin or end in blanks and
//! hold `;`, `=` and quotes. Facts come in any order and case. Links are told by servers as
//! `OS.unix=symlink`, `OS.unix=slink:target` or not at all.

use super::{Entry, EntryKind, Line, Special};
use crate::parse;

/// Reads the lines of one MLSD, or the line of one MLST.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mlsx;

impl Mlsx {
    /// Reads a line without its line end.
    #[must_use]
    pub fn line(&self, line: &[u8]) -> Line {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Line::Noise;
        }
        match entry(line) {
            Some(entry) => Line::Entry(entry),
            None => Line::Unparsed(line.to_vec()),
        }
    }

    /// Reads the line of a reply to MLST. It begins with a blank, which some servers leave out; a few
    /// begin each line with the code.
    #[must_use]
    pub fn reply(&self, reply: &crate::Reply) -> Option<Entry> {
        let lines = reply.lines();
        let inner = lines.get(1..lines.len().checked_sub(1)?)?;
        let code = format!("{}-", reply.code());
        inner.iter().find_map(|line| {
            let line = line.strip_prefix(code.as_bytes()).unwrap_or(line);
            entry(line.trim_ascii_start())
        })
    }
}

/// A fact's name and value.
pub type Fact<'a> = (&'a [u8], &'a [u8]);

/// The facts of a line, in its order, and the name.
///
/// Returns `None` if the line is not of the form.
#[must_use]
pub fn facts(line: &[u8]) -> Option<(Vec<Fact<'_>>, &[u8])> {
    // The name begins after the first blank: facts hold none, but their values may, so the blank is
    // the one after a semicolon.
    if let Some(name) = line.strip_prefix(b" ") {
        return Some((Vec::new(), name));
    }
    let end = line.windows(2).position(|pair| pair == b"; ")?;
    let name = &line[end + 2..];
    let facts = line[..end].split(|byte| *byte == b';');
    let facts: Option<Vec<_>> = facts
        .filter(|fact| !fact.is_empty())
        .map(|fact| {
            let equals = fact.iter().position(|byte| *byte == b'=')?;
            Some((&fact[..equals], &fact[equals + 1..]))
        })
        .collect();
    Some((facts?, name))
}

fn entry(line: &[u8]) -> Option<Entry> {
    let (facts, name) = facts(line)?;
    if name.is_empty() || facts.is_empty() {
        return None;
    }
    let mut entry = Entry::new(name, EntryKind::File);
    let mut folder_size = None;
    for (fact, value) in facts {
        match fact.to_ascii_lowercase().as_slice() {
            b"type" => kind(&mut entry, value),
            b"size" => entry.size = Some(text(value)?.parse().ok()?),
            b"sizd" => folder_size = text(value).and_then(|size| size.parse().ok()),
            b"modify" => entry.modified = parse::time(value),
            b"perm" => entry.perm = Some(value.to_vec()),
            b"unique" => entry.unique = Some(value.to_vec()),
            b"unix.mode" => {
                let mode = u32::from_str_radix(text(value)?, 8).ok();
                entry.mode = Some(mode.filter(|mode| *mode <= 0o777_7777)? & 0o7777);
            }
            b"unix.ownername" => entry.owner = Some(value.to_vec()),
            b"unix.groupname" => entry.group = Some(value.to_vec()),
            b"unix.owner" | b"unix.uid" => {
                entry.owner.get_or_insert_with(|| value.to_vec());
            }
            b"unix.group" | b"unix.gid" => {
                entry.group.get_or_insert_with(|| value.to_vec());
            }
            _ => {}
        }
    }
    if entry.kind == EntryKind::Dir {
        entry.size = entry.size.or(folder_size);
    }
    Some(entry)
}

fn kind(entry: &mut Entry, value: &[u8]) {
    let lower = value.to_ascii_lowercase();
    entry.kind = match lower.as_slice() {
        b"file" => EntryKind::File,
        b"dir" => EntryKind::Dir,
        b"cdir" => {
            entry.special = Some(Special::Current);
            EntryKind::Dir
        }
        b"pdir" => {
            entry.special = Some(Special::Parent);
            EntryKind::Dir
        }
        b"os.unix=symlink" | b"link" => EntryKind::Symlink,
        other if other.starts_with(b"os.unix=slink") => {
            let target = value.get(b"os.unix=slink:".len()..).unwrap_or_default();
            entry.target = (!target.is_empty()).then(|| target.to_vec());
            EntryKind::Symlink
        }
        _ => EntryKind::Other,
    };
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

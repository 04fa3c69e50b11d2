//! Lines of MLSD and MLST (RFC 3659 §7.2): `fact=value;fact=value; name`.
//!
//! The name begins after exactly one blank (a tab, of one server) and is taken as it is: it may begin or
//! end in blanks and hold `;`, `=` and quotes. Facts come in any order and case. Links are told by
//! servers as `OS.unix=symlink`, `OS.unix=slink:target` or not at all. A line whose size or time is none
//! is not believed in the rest either.

use super::words::whole;
use super::{Entry, EntryKind, Line, Special};
use crate::civil::CivilTime;
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
        entry(line).map_or_else(|| Line::Unparsed(line.to_vec()), Line::Entry)
    }

    /// Reads the line of a reply to MLST. It begins with a blank, which some servers leave out; a few
    /// begin each line with the code, some spread the facts over several lines, and some put all in one.
    #[must_use]
    pub fn reply(&self, reply: &crate::Reply) -> Option<Entry> {
        let lines = reply.inner_lines().chain([reply.first_text()]);
        let mut lines = lines.filter_map(|line| facts(line.trim_ascii_start()));
        let (mut all, name) = lines.find(|(facts, _)| !facts.is_empty())?;
        let others = lines.filter(|(_, other)| *other == name);
        all.extend(others.flat_map(|(facts, _)| facts));
        from_facts(&all, name)
    }
}

/// A line among those of LIST: a few servers answer it with facts.
pub(super) fn line(line: &[u8], _now: &CivilTime) -> Option<Line> {
    entry(line).map(Line::Entry)
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
    let end = line
        .windows(2)
        .position(|pair| matches!(pair, b"; " | b";\t"))?;
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
    // The blank before the line of a reply, where a listing has it too.
    let line = line.strip_prefix(b" ").unwrap_or(line);
    let (facts, name) = facts(line)?;
    from_facts(&facts, name)
}

fn from_facts(facts: &[Fact<'_>], name: &[u8]) -> Option<Entry> {
    if name.is_empty() || facts.is_empty() {
        return None;
    }
    let mut entry = Entry::new(name, EntryKind::File);
    let mut folder_size = None;
    for (fact, value) in facts {
        match fact.to_ascii_lowercase().as_slice() {
            b"type" => kind(&mut entry, value),
            b"size" | b"modify" if value.is_empty() => {}
            b"size" => entry.size = Some(whole(value)?),
            b"sizd" => folder_size = whole(value),
            b"modify" => entry.modified = Some(parse::time(value)?),
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
    entry.size = entry.size.or(folder_size);
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

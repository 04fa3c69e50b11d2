//! Listings of TOPS-20 and TSX-Plus.
//!
//! ```text
//! PS:<ANONYMOUS>
//! 00-FTP-README.TXT.1                                              TOPS-20: name.type.generation
//!
//!       110663.dsk    520        110918.dsk   3000                 TSX-Plus, three to a line, sizes in blocks
//! Directory [du3:*.*] / 7 Files / 14876 Blocks
//! ```
//!
//! Files of TSX-Plus that end in `.dsk` are disks inside a file, and are entered as folders by their bare name.

use super::words::{Words, count, whole};
use super::{Entry, EntryKind, Family, Line};
use crate::civil::CivilTime;

/// A listing of TOPS-20.
#[derive(Debug, Default)]
pub(super) struct Tops20 {
    /// Whether the heading has been seen, without which names are only words.
    headed: bool,
}

impl Family for Tops20 {
    fn read(&mut self, line: &[u8], _now: &CivilTime, out: &mut Vec<Line>) -> bool {
        let words = Words::new(line);
        let Some(first) = words.get(0) else {
            return false;
        };
        if words.len() == 1 && is_folder(first) {
            self.headed = true;
            out.push(Line::Noise);
            return true;
        }
        if !self.headed {
            return false;
        }
        if first.eq_ignore_ascii_case(b"Total") && words.get(1) == Some(b"of") {
            out.push(Line::Noise);
            return true;
        }
        // Protection and account may follow the name after a semicolon.
        let name = first.split(|byte| *byte == b';').next().unwrap_or(first);
        let generation = name.rsplit(|byte| *byte == b'.').next().and_then(whole);
        if generation.is_none() || words.len() > 1 && words.len() < 3 {
            return false;
        }
        let is_folder = name.split(|byte| *byte == b'.').nth_back(1) == Some(b"DIRECTORY");
        let kind = if is_folder {
            EntryKind::Dir
        } else {
            EntryKind::File
        };
        out.push(Line::Entry(Entry::new(name, kind)));
        true
    }
}

/// `DEVICE:<FOLDER>`.
fn is_folder(word: &[u8]) -> bool {
    let device = count(word, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    device > 0 && word[device..].starts_with(b":<") && word.ends_with(b">")
}

/// A listing of TSX-Plus.
#[derive(Debug, Default)]
pub(super) struct TsxPlus;

impl Family for TsxPlus {
    fn read(&mut self, line: &[u8], _now: &CivilTime, out: &mut Vec<Line>) -> bool {
        if line.starts_with(b"Directory [") && line.ends_with(b" Blocks") {
            out.push(Line::Noise);
            return true;
        }
        let Some(entries) = entries(line) else {
            return false;
        };
        out.extend(entries.into_iter().map(Line::Entry));
        true
    }
}

/// `name.typ blocks`, the name filled up to six letters before the dot.
fn entries(line: &[u8]) -> Option<Vec<Entry>> {
    let words = Words::new(line);
    if words.gap(0) < 4 {
        return None;
    }
    let mut entries = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let first = at;
        if !words.get(at)?.contains(&b'.') {
            at += 1;
        }
        let name = words.between(first, at);
        let dot = name
            .iter()
            .position(|byte| *byte == b'.')
            .filter(|dot| (1..=6).contains(dot))?;
        if name.len() > dot + 4 || at != first && words.gap(at) + words.get(first)?.len() != 6 {
            return None;
        }
        whole(words.get(at + 1)?)?;
        let (bare, kind) = if name[dot..].eq_ignore_ascii_case(b".dsk") {
            (name[..dot].trim_ascii_end(), EntryKind::Dir)
        } else {
            (name, EntryKind::File)
        };
        entries.push(Entry::new(bare, kind));
        at += 2;
    }
    (!entries.is_empty()).then_some(entries)
}

//! Listings of systems inside devices: OS-9 and Micro RTOS.
//!
//! ```text
//!  Owner    Last modified  Attributes Sector Bytecount Name
//! 20.20 07/03/29 1026 d-ewrewr 2650 85920 51-OS-9 dir              OS-9
//!
//!  Start    End    length     File name
//!  80000   9FFFF   131072   m0622210                               Micro RTOS
//! ```

use super::date::{Clock, year_first};
use super::words::{Words, whole};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], _now: &CivilTime) -> Option<Line> {
    let words = Words::new(line);
    if is_noise(&words) {
        return Some(Line::Noise);
    }
    os9(&words).or_else(|| micro_rtos(&words)).map(Line::Entry)
}

fn is_noise(words: &Words<'_>) -> bool {
    let is = |at: usize, text: &[u8]| words.get(at) == Some(text);
    is(0, b"Owner") && is(1, b"Last") && is(2, b"modified")
        || is(0, b"Directory") && is(1, b"of") && words.len() == 4
        || is(0, b"Start") && is(1, b"End") && is(2, b"length")
        || (0..words.len()).all(|at| words.get(at).is_some_and(is_rule))
        || is(0, b"**") && is(1, b"Total") && words.last() == Some(b"**")
}

/// A line under a heading.
fn is_rule(word: &[u8]) -> bool {
    word.len() > 3 && word.iter().all(|byte| *byte == b'-' || !byte.is_ascii())
}

/// `group.user YY/MM/DD HHMM attributes sector size name`.
fn os9(words: &Words<'_>) -> Option<Entry> {
    let owner = words.get(0)?;
    let dot = owner.iter().position(|byte| *byte == b'.')?;
    whole(&owner[..dot])?;
    whole(&owner[dot + 1..])?;
    let date = year_first(words.get(1)?, b"/")?;
    let time = words.get(2).filter(|time| time.len() == 4)?;
    let modified = Clock::read(&[&time[..2], &time[2..]].join(&b':'))?.on(date)?;
    let attributes = words.get(3)?;
    // Dashes have been seen in the encodings of word processors.
    if !attributes
        .iter()
        .all(|byte| b"dsewr-".contains(byte) || !byte.is_ascii())
    {
        return None;
    }
    let size = whole(words.get(5)?)?;
    let name = words.from(6);
    if name.is_empty() {
        return None;
    }
    let kind = if attributes.starts_with(b"d") {
        EntryKind::Dir
    } else {
        EntryKind::File
    };
    let mut entry = Entry::new(name, kind);
    entry.owner = Some(owner.to_vec());
    entry.size = Some(size);
    entry.modified = Some(modified);
    Some(entry)
}

/// First and last address in hexadecimal, size, name.
fn micro_rtos(words: &Words<'_>) -> Option<Entry> {
    let address =
        |at: usize| u64::from_str_radix(std::str::from_utf8(words.get(at)?).ok()?, 16).ok();
    let (first, last, size) = (address(0)?, address(1)?, whole(words.get(2)?)?);
    let name = words.from(3);
    if last.checked_sub(first)?.checked_add(1)? < size || name.is_empty() {
        return None;
    }
    let mut entry = Entry::new(name, EntryKind::File);
    entry.size = Some(size);
    Some(entry)
}

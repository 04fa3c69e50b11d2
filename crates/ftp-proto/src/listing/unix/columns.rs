//! The columns between permissions and date: `[links] [owner] [group] size`, or `major, minor` of devices.

use crate::listing::words::{Words, count, grouped, whole};
use crate::listing::{Entry, EntryKind};

/// Reads the words before word `date`.
pub(super) fn columns(entry: &mut Entry, words: &Words<'_>, date: usize) {
    let Some(mut end) = date.checked_sub(1) else {
        return;
    };
    let word = words.get(end).unwrap_or_default();
    let mut glued = None;
    let two_words = end > 0 && words.get(end - 1).is_some_and(|word| word.ends_with(b","));
    if entry.kind == EntryKind::Other && (two_words || word.contains(&b',')) {
        end -= usize::from(two_words);
    } else if is_size(word) {
        size(entry, word);
    } else {
        // A name that left no blank before the size.
        let (name, number) = word.split_at(word.len() - count_digits_at_end(word));
        entry.size = whole(number);
        glued = Some(name);
    }
    let mut first = 0;
    if entry.links.is_none()
        && end > 0
        && let Some(links) = words.get(0).and_then(whole)
    {
        entry.links = Some(links);
        first = 1;
    }
    match glued {
        None => owners(entry, words, first, end),
        Some(group) => {
            if first < end {
                entry.owner = Some(words.between(first, end - 1).to_vec());
            }
            entry.group = Some(group.to_vec());
        }
    }
}

/// Owner and group are the words from `first` up to `end`.
fn owners(entry: &mut Entry, words: &Words<'_>, first: usize, end: usize) {
    let mut set = |owner: Option<&[u8]>, group: Option<&[u8]>| {
        entry.owner = owner.map(<[u8]>::to_vec);
        entry.group = group.map(<[u8]>::to_vec);
    };
    match end.saturating_sub(first) {
        0 => {}
        1 => {
            let word = words.get(first);
            if word == Some(b"folder") && entry.kind == EntryKind::Dir {
                return;
            }
            // The owner stands one blank after the links. What stands further to the right is the group, or the size of
            // the data fork of the classic Mac OS, whose sum with the other fork's is the size.
            let forks = entry.links.zip(word.and_then(whole));
            let are_forks = forks.is_some_and(|(a, b)| a.checked_add(b) == entry.size && b > 0);
            if first > 0 && (words.gap(first) > 1 || are_forks) {
                set(None, word);
            } else {
                set(word, None);
            }
        }
        2 => set(words.get(first), words.get(first + 1)),
        // UniTree: where the file is kept (on disk, in the archive) and the name of its family come after the group.
        4.. if matches!(words.get(first + 2), Some(b"DK" | b"AR")) => {
            set(words.get(first), words.get(first + 1));
        }
        _ => {
            // Names with blanks: two or more blanks part the columns, if they do.
            let mut wide = (first + 1..end).filter(|index| words.gap(*index) > 1);
            let split = match (wide.next(), wide.next()) {
                (Some(split), None) => split,
                _ => first + 1,
            };
            set(
                Some(words.between(first, split - 1)),
                Some(words.between(split, end - 1)),
            );
        }
    }
}

/// Whether a word can be a size: digits, a sign before or a unit after them, or the two numbers of a device.
pub(super) fn is_size(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"-").unwrap_or(word);
    let number = count(word, |byte| {
        byte.is_ascii_digit() || matches!(byte, b'.' | b',')
    });
    let unit = &word[number..];
    word.first().is_some_and(u8::is_ascii_digit) && (unit.is_empty() || Unit::read(unit).is_some())
}

/// Whether a word can be a name that left no blank before the size.
pub(super) fn ends_in_size(word: &[u8]) -> bool {
    let digits = count_digits_at_end(word);
    digits > 0 && digits < word.len()
}

fn count_digits_at_end(word: &[u8]) -> usize {
    word.iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count()
}

/// Some servers round and write a unit, in steps of 1024. Negative numbers are sizes that overflowed.
fn size(entry: &mut Entry, word: &[u8]) {
    let number = count(word, |byte| byte.is_ascii_digit() || byte == b'.');
    if Unit::read(&word[number..]).is_none() {
        entry.size = grouped(word);
        return;
    }
    entry.size = Unit::read(&word[number..]).and_then(|unit| unit.times(&word[..number]));
    entry.size_is_exact = false;
}

/// Bytes to a unit, as a power of 1024.
#[derive(Clone, Copy, Debug)]
struct Unit(u32);

impl Unit {
    fn read(text: &[u8]) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let ([letter] | [letter, b'b'] | [letter, b'i', b'b']) = text.as_slice() else {
            return None;
        };
        match letter {
            b'k' => Some(Self(1)),
            b'm' => Some(Self(2)),
            b'g' => Some(Self(3)),
            b't' => Some(Self(4)),
            _ => None,
        }
    }

    fn times(self, number: &[u8]) -> Option<u64> {
        let point = number
            .iter()
            .position(|byte| *byte == b'.')
            .unwrap_or(number.len());
        let fraction = number.get(point + 1..).unwrap_or_default();
        let fraction = &fraction[..fraction.len().min(3)];
        let bytes = 1024u64.checked_pow(self.0)?;
        let tenths = if fraction.is_empty() {
            0
        } else {
            whole(fraction)? * bytes / 10u64.pow(u32::try_from(fraction.len()).ok()?)
        };
        whole(&number[..point])?
            .checked_mul(bytes)?
            .checked_add(tenths)
    }
}

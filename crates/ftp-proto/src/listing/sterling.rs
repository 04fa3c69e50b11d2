//! Listings of Sterling's CONNECT:Enterprise, a mailbox: each entry is a batch somebody sent.
//!
//! ```text
//! -C--E-----FTP B QUA1I1      18128       50000 Aug 12 13:56 QUADTEST          UNIX
//! solution 00003444 00910368 <c3957010.zip.001>     030924-1636  A R   TCP BIN   UNIX, newer
//! -D 2 T VB  00244 18000 FTPGDG!PSR$TST.GDG.TSTGDG0(+01)                        OS/390
//! ```

use super::date::{Clock, any_year, small};
use super::stamp::Stamp;
use super::words::{Words, whole};
use super::{Entry, EntryKind, Line};
use crate::civil::CivilTime;

pub(super) fn line(line: &[u8], now: &CivilTime) -> Option<Line> {
    let words = Words::new(line);
    if words.len() == 6 && words.between(0, 4) == b"Total Number of batches listed:" {
        return Some(Line::Noise);
    }
    batch(line, now)
        .or_else(|| newer(&words))
        .or_else(|| os390(&words))
        .map(Line::Entry)
}

/// Ten flags and the protocol, `A` or `B` for ASCII or binary, owner, number, size, date, name.
fn batch(line: &[u8], now: &CivilTime) -> Option<Entry> {
    let words = Words::new(line);
    let flags = words.get(0)?;
    let (flags, protocol) = flags.split_at_checked(10)?;
    let are_flags = flags.starts_with(b"-")
        && flags
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || *byte == b'-');
    if !are_flags
        || !(2..=4).contains(&protocol.len())
        || !protocol.iter().all(u8::is_ascii_alphanumeric)
    {
        return None;
    }
    if words.get(1)?.len() != 1 {
        return None;
    }
    let owner = words.get(2)?;
    let number = words.get(3).filter(|word| whole(word).is_some())?;
    let size = whole(words.get(4)?)?;
    let stamp = Stamp::read(&words, 5, now)?;
    let name = line.get(stamp.name_at(&words, line)..)?;
    if name.is_empty() {
        return None;
    }
    let mut entry = Entry::new(name, EntryKind::File);
    entry.owner = Some(owner.to_vec());
    entry.group = Some(number.to_vec());
    entry.size = Some(size);
    entry.modified = Some(stamp.time);
    Some(entry)
}

/// `owner number size <name>[+] yymmdd-hhmm flags protocol type`.
fn newer(words: &Words<'_>) -> Option<Entry> {
    let owner = words.get(0)?;
    whole(words.get(1)?)?;
    let size = whole(words.get(2)?)?;
    let rest = words.from(3).strip_prefix(b"<")?;
    let end = rest
        .iter()
        .rposition(|byte| *byte == b'>')
        .filter(|end| *end > 0)?;
    let after = Words::new(&rest[end + 1..]);
    let dated = after.get(0).and_then(date).or_else(|| date(after.get(1)?));
    let mut entry = Entry::new(&rest[..end], EntryKind::File);
    entry.owner = Some(owner.to_vec());
    entry.size = Some(size);
    entry.modified = Some(dated?);
    Some(entry)
}

/// `yymmdd-hhmm`.
fn date(word: &[u8]) -> Option<CivilTime> {
    let (day, time) = word.split_at_checked(6)?;
    let time = time.strip_prefix(b"-").filter(|time| time.len() == 4)?;
    let date = CivilTime::new(any_year(&day[..2])?, small(&day[2..4])?, small(&day[4..])?)?;
    Clock::read(&[&time[..2], &time[2..]].join(&b':'))?.on(date)
}

/// `-D 2 T VB 00244 18000 name`: kind of mailbox, number, format, record length and block size, where known.
fn os390(words: &Words<'_>) -> Option<Entry> {
    let flag = |at: usize, length: usize| words.get(at).filter(|word| word.len() == length);
    let [b'-', letter] = flag(0, 2)? else {
        return None;
    };
    let number = |at: usize| {
        words
            .get(at)
            .filter(|word| *word == b"-" || whole(word).is_some())
    };
    let is_table =
        letter.is_ascii_uppercase() && whole(flag(1, 1)?).is_some() && flag(2, 1).is_some();
    words.get(3).filter(|format| {
        format
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || *byte == b'-')
    })?;
    if !is_table || number(4).is_none() || number(5).is_none() {
        return None;
    }
    let name = words.from(6).trim_ascii_end();
    (!name.is_empty()).then(|| Entry::new(name, EntryKind::File))
}

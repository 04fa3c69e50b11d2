//! Listings of z/OS and its forebears: data sets, members of partitioned data sets, and the jobs of JES.
//!
//! ```text
//! Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname
//! WRKLB2 3380   1997/07/09  4    7 F       80    80  PO  TEST.PDS
//! Migrated                                              MSDOS.ALIAS.CMD
//! Pseudo Directory                                      ISPF
//!
//!  Name     VV.MM   Created       Changed      Size  Init   Mod   Id
//! SAVE03    01.03 2002/09/12 2002/10/11 09:37    11    11     0 KIL001
//!
//! JOBNAME  JOBID    OWNER    STATUS CLASS
//! ASCHINT  STC00968 IBMUSER  ACTIVE STC
//! ```
//!
//! Sizes are in records, tracks or extents, and so none is given, but for load modules, whose size is one in bytes. A
//! partitioned data set is a folder; so is a pseudo directory. The date of a data set is the last reference to it.
//! z/OS UNIX files come in the manner of `ls`.

use super::date::{Clock, month_first, year_first};
use super::words::{Words, count, is_blank, whole};
use super::{Entry, EntryKind, Family, Line};
use crate::civil::CivilTime;

/// One listing of this form.
#[derive(Debug, Default)]
pub(super) struct Mvs {
    heading: Option<Heading>,
}

/// Which table a heading announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heading {
    DataSets,
    Members,
    Modules,
    Jobs,
    /// What a job consists of; what follows belongs to the job above, unless it is another job.
    Spool,
}

impl Family for Mvs {
    fn read(&mut self, line: &[u8], _now: &CivilTime, out: &mut Vec<Line>) -> bool {
        let words = Words::new(line);
        if let Some(heading) = Heading::read(&words) {
            self.heading = Some(heading);
            out.push(Line::Noise);
            return true;
        }
        let in_members = matches!(self.heading, Some(Heading::Members | Heading::Modules));
        let entry = data_set(&words)
            .or_else(|| member(&words))
            .or_else(|| module(&words))
            .or_else(|| job(&words))
            .or_else(|| bare_member(line, &words, if in_members { 1 } else { WIDTH }));
        if entry.is_none() {
            if self.heading == Some(Heading::Jobs) && line.starts_with(b"--------") {
                self.heading = Some(Heading::Spool);
            }
            if self.heading == Some(Heading::Spool) {
                out.push(Line::Noise);
                return true;
            }
        }
        let read = entry.is_some();
        out.extend(entry.map(Line::Entry));
        read
    }
}

impl Heading {
    fn read(words: &Words<'_>) -> Option<Self> {
        let is = |at, name: &[u8]| {
            let word = words.get(at);
            word.is_some_and(|word| word.eq_ignore_ascii_case(name))
        };
        let has = |name: &[u8]| (0..words.len()).any(|at| is(at, name));
        let starts = |name: &[u8]| is(0, name);
        if starts(b"Volume") && has(b"Unit") && has(b"Dsname") {
            Some(Self::DataSets)
        } else if starts(b"Name") && has(b"VV.MM") {
            Some(Self::Members)
        } else if starts(b"Name") && has(b"TTR") {
            Some(Self::Modules)
        } else if starts(b"JOBNAME") && has(b"JOBID") {
            Some(Self::Jobs)
        } else {
            None
        }
    }
}

/// A line of the table of data sets: volume, unit, then the last word is the name.
fn data_set(words: &Words<'_>) -> Option<Entry> {
    let name = words.last()?;
    let first = words.get(0)?;
    let is = |at: usize, text: &[u8]| words.get(at) == Some(text);
    let last = words.len() - 1;
    let on_volume = is_volume(first);
    // What is kept elsewhere tells its kind once it is recalled.
    let is_away = last == 1 && matches!(first, b"Migrated" | b"MIGRAT")
        || on_volume && last >= 2 && is(1, b"Tape")
        || on_volume && last == 5 && words.between(1, 4) == b"Not Direct Access Device";
    let (kind, modified) = if is_away {
        (EntryKind::File, None)
    } else if last == 2 && first == b"Pseudo" && is(1, b"Directory") || last == 1 && first == b"GDG"
    {
        (EntryKind::Dir, None)
    } else if on_volume && words.get(1).is_some_and(is_unit) {
        on_disk(words)?
    } else {
        return None;
    };
    if !is_data_set_name(name) {
        return None;
    }
    let name = name
        .strip_prefix(b"'")
        .and_then(|name| name.strip_suffix(b"'"))
        .filter(|name| !name.is_empty())
        .unwrap_or(name);
    let mut entry = Entry::new(name, kind);
    entry.modified = modified;
    Some(entry)
}

/// Kind and date of a data set on a volume: `[date ext used recfm lrecl blksz] dsorg`, or a remark.
fn on_disk(words: &Words<'_>) -> Option<(EntryKind, Option<CivilTime>)> {
    let organisation = words
        .get(words.len().checked_sub(2)?)
        .filter(|_| words.len() > 3)?;
    let kind = match organisation {
        b"PO" | b"PO-E" | b"POE" | b"POU" => EntryKind::Dir,
        b"PS" | b"PS-E" | b"PSE" | b"PSU" | b"PS-L" | b"DA" | b"DAU" | b"IS" | b"ISU" | b"VSAM"
        | b"VS" | b"VSE" | b"HFS" | b"ZFS" | b"U" | b"?" | b"??" | b"**" => EntryKind::File,
        b"attributes" if words.between(2, words.len() - 2) == b"Error determining attributes" => {
            EntryKind::File
        }
        _ => return None,
    };
    let word = words.get(2)?;
    let date = year_first(word, b"/")
        .filter(|_| word.len() > 8)
        .or_else(|| month_first(word, b"/"));
    // A data set that was never used has no date.
    let has_columns = date.is_some() || word.starts_with(b"**");
    (has_columns || words.len() <= 6).then_some((kind, date))
}

/// `NAME VV.MM created changed [time] size init mod id`.
fn member(words: &Words<'_>) -> Option<Entry> {
    let name = words.get(0).filter(|name| is_member_name(name))?;
    let version = words.get(1)?;
    if version.len() != 5 || version[2] != b'.' || whole(&version[..2]).is_none() {
        return None;
    }
    year_first(words.get(2)?, b"/")?;
    let changed = year_first(words.get(3)?, b"/")?;
    let mut entry = Entry::new(name, EntryKind::File);
    entry.modified = Clock::read(words.get(4)?)?.on(changed);
    Some(entry)
}

/// `NAME size TTR [alias-of] AC …` of a load library; the numbers are hexadecimal.
fn module(words: &Words<'_>) -> Option<Entry> {
    let name = words.get(0).filter(|name| is_member_name(name))?;
    let number = |at: usize| {
        let word = words.get(at).filter(|word| word.len() == 6)?;
        u64::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()
    };
    let (size, _) = (number(1)?, number(2)?);
    // The authorization code comes next, after the name this is an alias of.
    let has_code = (3..=4).any(|at| {
        words
            .get(at)
            .is_some_and(|word| word.len() == 2 && whole(word).is_some())
    });
    if !has_code {
        return None;
    }
    let mut entry = Entry::new(name, EntryKind::File);
    entry.size = Some(size);
    entry.size_is_exact = false;
    Some(entry)
}

/// A member of which nothing is known but its name: the line has no more, blanks up to `width` apart.
fn bare_member(line: &[u8], words: &Words<'_>, width: usize) -> Option<Entry> {
    let name = words
        .get(0)
        .filter(|name| words.len() == 1 && is_member_name(name))?;
    let is_wide = line.len() >= width && words.start(0) <= 1;
    is_wide.then(|| Entry::new(name, EntryKind::File))
}

/// `JOBNAME JOBID [owner] status [class] [… spool files]`: the job's output is fetched by its number.
fn job(words: &Words<'_>) -> Option<Entry> {
    let name = words.get(0).filter(|name| is_member_name(name))?;
    let id = words.get(1).filter(|id| is_job_number(id))?;
    let is_status = |word: &[u8]| matches!(word, b"INPUT" | b"ACTIVE" | b"OUTPUT" | b"HELD");
    let owner = if words.get(2).is_some_and(is_status) {
        name
    } else {
        words.get(3).filter(|word| is_status(word))?;
        words.get(2)?
    };
    let mut entry = Entry::new(id, EntryKind::File);
    entry.owner = Some(owner.to_vec());
    Some(entry)
}

/// `JOB01906`, `STC00968`, `TSU01830`, or one letter and seven digits.
fn is_job_number(word: &[u8]) -> bool {
    let letters = count(word, |byte| byte.is_ascii_uppercase());
    let kind = &word[..letters];
    (matches!(kind, b"JOB" | b"STC" | b"TSU" | b"J" | b"S" | b"T"))
        && whole(&word[letters..]).is_some()
        && word.len() == 8
}

fn is_volume(word: &[u8]) -> bool {
    (1..=6).contains(&word.len())
        && word.iter().all(|byte| {
            byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"$#@-".contains(byte)
        })
}

/// A device type: `3390`, `3380K`, `SYSDA`.
fn is_unit(word: &[u8]) -> bool {
    word.len() >= 4 && is_volume(word) && word.iter().any(u8::is_ascii_digit)
}

/// A name of one to eight letters, digits and national characters.
fn is_member_name(word: &[u8]) -> bool {
    let national = |byte: &u8| byte.is_ascii_uppercase() || b"$#@".contains(byte);
    (1..=8).contains(&word.len())
        && word.first().is_some_and(national)
        && word
            .iter()
            .all(|byte| national(byte) || byte.is_ascii_digit() || *byte == b'{')
}

fn is_data_set_name(word: &[u8]) -> bool {
    !word
        .iter()
        .any(|byte| is_blank(*byte) || byte.is_ascii_control())
}

/// How wide z/OS makes the line of a member without statistics, at least.
const WIDTH: usize = 40;

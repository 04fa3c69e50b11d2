//! Listings of OS/400 (IBM i): `OWNER size date time *TYPE name`.
//!
//! The date is in the order of the job that serves: `MM/DD/YY`, `DD/MM/YY` or `YY/MM/DD`, with any separator. A single
//! date may fit several orders; the first one that fits one order alone shows the order of the whole listing. Until then
//! the year is taken to come first where that fits.
//!
//! Members of a file (`*MEM`) have neither size nor date, and are called `FILE.FILE/MEMBER.MBR`. The older file system
//! for documents (`/QDLS/…`) puts the name first.

use super::date::{Clock, any_year, parts, small};
use super::words::{Words, whole};
use super::{Entry, EntryKind, Family, Line};
use crate::civil::CivilTime;

/// One listing of this form.
#[derive(Debug, Default)]
pub(super) struct Os400 {
    /// The order of dates, once a date has shown it.
    order: Option<Order>,
}

impl Family for Os400 {
    fn read(&mut self, line: &[u8], now: &CivilTime, out: &mut Vec<Line>) -> bool {
        let words = Words::new(line);
        let entry = self
            .object(&words, now)
            .or_else(|| self.document(&words, now));
        let read = entry.is_some();
        out.extend(entry.map(Line::Entry));
        read
    }
}

impl Os400 {
    fn object(&mut self, words: &Words<'_>, now: &CivilTime) -> Option<Entry> {
        let owner = words.get(0).filter(|word| !word.starts_with(b"*"))?;
        let kind = |word: &[u8]| match word {
            b"*DIR" | b"*DDIR" | b"*LIB" | b"*FLR" => Some(EntryKind::Dir),
            b"*SYMLNK" => Some(EntryKind::Symlink),
            [b'*', letters @ ..]
                if !letters.is_empty() && letters.iter().all(u8::is_ascii_uppercase) =>
            {
                Some(EntryKind::File)
            }
            _ => None,
        };
        let (at, size, modified) = if words.get(1).and_then(kind).is_some() {
            (1, None, None)
        } else {
            let size = whole(words.get(1)?)?;
            let modified = self.date(words.get(2)?, words.get(3)?, now)?;
            (4, Some(size), Some(modified))
        };
        let mut kind = kind(words.get(at)?)?;
        let mut name = words.from(at + 1).trim_ascii_end();
        if let Some(folder) = name.strip_suffix(b"/") {
            kind = EntryKind::Dir;
            name = folder;
        }
        // A listing of one file gives its whole path.
        if name.starts_with(b"/") {
            name = name.rsplit(|byte| *byte == b'/').next()?;
        }
        if name.is_empty() {
            return None;
        }
        let mut entry = Entry::new(name, kind);
        entry.owner = Some(owner.to_vec());
        entry.size = size;
        entry.modified = modified;
        Some(entry)
    }

    /// `/QDLS/FOLDER/NAME size date time [DIR]`.
    fn document(&mut self, words: &Words<'_>, now: &CivilTime) -> Option<Entry> {
        let name = words.get(0).filter(|word| word.starts_with(b"/"))?;
        let size = whole(words.get(1)?)?;
        let modified = self.date(words.get(2)?, words.get(3)?, now)?;
        let kind = match (words.get(4), words.len()) {
            (None, _) => EntryKind::File,
            (Some(b"DIR" | b"*DIR"), 5) => EntryKind::Dir,
            (Some(_), 5) => EntryKind::File,
            _ => return None,
        };
        let mut entry = Entry::new(name, kind);
        entry.size = Some(size);
        entry.modified = Some(modified);
        Some(entry)
    }

    fn date(&mut self, word: &[u8], clock: &[u8], now: &CivilTime) -> Option<CivilTime> {
        let clock = Clock::read_with(clock, b":.")?;
        let numbers = parts(word, b"/.-,")?;
        let limit = now.to_unix() + DAY;
        let fits = |order: &Order| order.read(numbers).filter(|date| date.to_unix() <= limit);
        // Who sets dots between the numbers begins with the day.
        let orders = if word.contains(&b'.') {
            [
                Order::DayMonthYear,
                Order::YearMonthDay,
                Order::MonthDayYear,
            ]
        } else {
            [
                Order::YearMonthDay,
                Order::MonthDayYear,
                Order::DayMonthYear,
            ]
        };
        let mut possible = orders.iter().filter(|order| fits(order).is_some());
        if let (Some(only), None) = (possible.next(), possible.next()) {
            self.order = Some(*only);
        }
        let date = self
            .order
            .as_ref()
            .and_then(fits)
            .or_else(|| orders.iter().find_map(fits))
            .or_else(|| orders.iter().find_map(|order| order.read(numbers)))?;
        clock.on(date)
    }
}

/// An order of day, month and year.
#[derive(Clone, Copy, Debug)]
enum Order {
    YearMonthDay,
    MonthDayYear,
    DayMonthYear,
}

impl Order {
    fn read(self, [a, b, c]: [&[u8]; 3]) -> Option<CivilTime> {
        let (y, m, d) = match self {
            Self::YearMonthDay => (a, b, c),
            Self::MonthDayYear => (c, a, b),
            Self::DayMonthYear => (c, b, a),
        };
        CivilTime::new(any_year(y)?, small(m)?, small(d)?)
    }
}

/// Seconds.
const DAY: i64 = 86_400;

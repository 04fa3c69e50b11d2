//! Listings, whole or one line, as the LIST and MLSD parsers read them.

use ftp_connect_ftp_proto::listing::{Entry, EntryKind, Line, ListParser, Mlsx};
use ftp_connect_ftp_proto::{CivilTime, parse};
use serde_json::Value;

use super::{Case, byte_strings, bytes, insert_bytes, one};

/// `entries` of a whole listing, `entry` of a line. The system a case names is not told to the parser: a client
/// does not know it either. That the listing came from MLSD it does know.
pub(super) fn answer(case: &Case) -> Option<Case> {
    let mlsd = case.get("system").and_then(Value::as_str) == Some("mlsd");
    let now = now(case)?;
    if let Some(line) = bytes(case, "line") {
        let entry = entries(&[line], mlsd, now).first().map(entry);
        return Some(one("entry", entry.map_or(Value::Null, Value::Object)));
    }
    let lines = byte_strings(case, "lines").unwrap_or_default();
    let entries = entries(&lines, mlsd, now);
    let entries = entries.iter().map(|found| Value::Object(entry(found)));
    Some(one("entries", entries.collect()))
}

/// An entry in the form of the cases.
pub(super) fn entry(found: &Entry) -> Case {
    let mut answer = Case::new();
    let kind = match found.kind {
        EntryKind::File => "file",
        EntryKind::Dir => "dir",
        EntryKind::Symlink => "symlink",
        EntryKind::Other => "other",
    };
    answer.insert("kind".to_owned(), kind.into());
    insert_bytes(&mut answer, "name", &found.name);
    if let Some(size) = found.size {
        answer.insert("size".to_owned(), size.into());
    }
    if let Some(time) = found.modified {
        answer.insert("modified".to_owned(), time.to_string().into());
    }
    if let Some(mode) = found.mode {
        answer.insert("mode".to_owned(), format!("{:04o}", mode & 0o777).into());
    }
    for (key, value) in [
        ("target", &found.target),
        ("owner", &found.owner),
        ("group", &found.group),
    ] {
        if let Some(value) = value {
            insert_bytes(&mut answer, key, value);
        }
    }
    answer
}

fn entries(lines: &[Vec<u8>], mlsd: bool, now: CivilTime) -> Vec<Entry> {
    let mut parser = ListParser::new(now);
    let mut found = Vec::new();
    let mut keep = |line| {
        if let Line::Entry(entry) = line {
            found.push(entry);
        }
    };
    for line in lines {
        if mlsd {
            keep(Mlsx.line(line));
        } else {
            parser.line(line, &mut keep);
        }
    }
    parser.finish(&mut keep);
    found
}

/// The clock of the case; where it has none, one that is later than all of them.
fn now(case: &Case) -> Option<CivilTime> {
    let told = case.get("now").and_then(Value::as_str);
    told.and_then(clock)
        .or_else(|| clock("2026-06-15T12:00:00Z"))
}

fn clock(text: &str) -> Option<CivilTime> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
    parse::time(digits.get(..14)?)
}

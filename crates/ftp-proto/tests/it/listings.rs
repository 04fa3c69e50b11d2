//! Listings, whole and single lines.

use ftp_connect_ftp_proto::listing::{Entry, EntryKind, Line, ListParser, Mlsx, Special};
use ftp_connect_ftp_proto::{CivilTime, parse};
use serde_json::Value;

use super::case::{Case, bytes, cases, id, is_certain, is_loose, judge, list};

/// Cases whose expectation is not met, and why.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "indy/eplf-unknown-1",
    "one line has no tab between facts and name; the source gives an entry without a name",
)];

#[test]
fn lines() {
    let mut faults = Vec::new();
    for case in cases(include_str!("../corpus/lines.jsonl")) {
        let line = bytes(&case, "line").expect("a line");
        let read = read(&case, &[line]);
        let fault = match (case["expect"].as_object(), read.first()) {
            (None, None) => None,
            (None, Some(entry)) => {
                let undated = case.contains_key("or_undated") && entry.modified.is_none();
                (is_certain(&case) && !undated).then(|| format!("read as {entry:?}"))
            }
            (Some(_), None) => {
                let may = is_loose(&case, "reject") || is_loose(&case, "name");
                (!may).then(|| "not understood".to_owned())
            }
            (Some(expected), Some(entry)) => differs(expected, entry, &case),
        };
        faults.extend(fault.map(|fault| (id(&case).to_owned(), fault)));
    }
    judge(&faults, &[]);
}

#[test]
fn listings() {
    let mut faults = Vec::new();
    // What is uncertain as a whole may hold slips of its source; certain cases are read to the last entry.
    for case in cases(include_str!("../corpus/listings.jsonl")) {
        let lines = list(&case, "lines").expect("lines");
        let read = read(&case, &lines);
        if is_certain(&case) {
            let fault = compare(&case, &read);
            faults.extend(fault.map(|fault| (id(&case).to_owned(), fault)));
        }
    }
    judge(&faults, EXCEPTIONS);
}

/// The first difference between the entries that are expected and those that were read.
fn compare(case: &Case, read: &[Entry]) -> Option<String> {
    let by_entry = case.contains_key("by_entry");
    let mut read = read.iter();
    for expected in case["expects"].as_array().expect("entries") {
        let expected = expected.as_object().expect("an entry");
        let rest = read.clone();
        let mut passed = Vec::new();
        let found = loop {
            match read.next() {
                Some(entry) if has_name(expected, entry) => break Some(entry),
                Some(entry) => passed.push(entry),
                None => break None,
            }
        };
        let Some(entry) = found else {
            read = rest;
            if may_be_left_out(&text(expected, "name"), expected) {
                continue;
            }
            return Some(format!("missing {:?}", text(expected, "name")));
        };
        if let Some(extra) = passed.iter().find(|entry| !is_special(entry)) {
            return Some(format!(
                "{:?} is not expected",
                extra.name.escape_ascii().to_string()
            ));
        }
        let loose = if by_entry { expected } else { case };
        if let Some(fault) = differs(expected, entry, loose) {
            return Some(format!("{:?}: {fault}", text(expected, "name")));
        }
    }
    let extra = read.find(|entry| !is_special(entry))?;
    Some(format!(
        "{:?} is not expected",
        extra.name.escape_ascii().to_string()
    ))
}

fn is_special(entry: &Entry) -> bool {
    matches!(entry.special, Some(Special::Current | Special::Parent))
}

fn may_be_left_out(name: &str, expected: &Case) -> bool {
    matches!(name, "." | "..")
        || expected.contains_key("special")
        || expected.contains_key("optional")
}

/// All entries of a listing. That it is one of MLSD a client knows.
fn read(case: &Case, lines: &[Vec<u8>]) -> Vec<Entry> {
    let mut parser = ListParser::new(now(case));
    let mut read = Vec::new();
    for line in lines {
        if case["system"] == "mlsd" {
            read.push(Mlsx.line(line));
        } else {
            parser.line(line, &mut |line| read.push(line));
        }
    }
    parser.finish(&mut |line| read.push(line));
    read.into_iter()
        .filter_map(|line| match line {
            Line::Entry(entry) => Some(entry),
            _ => None,
        })
        .collect()
}

/// The clock of the case, or one later than all cases.
fn now(case: &Case) -> CivilTime {
    let now = case.get("now").and_then(Value::as_str);
    let digits = now
        .unwrap_or("2026-06-15T12:00:00Z")
        .replace(['-', ':', 'T', 'Z'], "");
    parse::time(digits.as_bytes()).expect("a time")
}

fn text(expected: &Case, key: &str) -> String {
    expected
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn has_name(expected: &Case, entry: &Entry) -> bool {
    if expected.contains_key("name_hex") {
        return bytes(expected, "name").as_ref() == Some(&entry.name);
    }
    // Names that are not UTF-8 are told in ISO 8859-1.
    let name = String::from_utf8(entry.name.clone());
    let name = name.unwrap_or_else(|_| entry.name.iter().copied().map(char::from).collect());
    let any = expected.get("name_any").and_then(Value::as_array);
    any.is_some_and(|any| any.iter().any(|value| *value == name)) || expected["name"] == name
}

/// The first field that is expected otherwise, and is not among those that may be.
fn differs(expected: &Case, entry: &Entry, loose: &Case) -> Option<String> {
    let time = entry.modified.map(|time| time.to_string());
    let kind = match entry.kind {
        EntryKind::File => "file",
        EntryKind::Dir => "dir",
        EntryKind::Symlink => "symlink",
        EntryKind::Other => "other",
    };
    let is = |field: &str, value: &Value| match field {
        "kind" => *value == kind,
        "size" => value.as_u64() == entry.size,
        "mode" => {
            value.as_str()
                == entry
                    .mode
                    .map(|mode| format!("{:04o}", mode & 0o777))
                    .as_deref()
        }
        "name" | "name_hex" => has_name(expected, entry),
        "target" => is_bytes(value, entry.target.as_ref()),
        "owner" => is_bytes(value, entry.owner.as_ref()),
        "group" => is_bytes(value, entry.group.as_ref()),
        "modified" => is_time(value, expected, time.as_deref()),
        "modified_partial" => is_partly(value, entry.modified.as_ref()),
        _ => true,
    };
    let wrong = expected
        .iter()
        .find(|(field, value)| !is(field, value) && !is_loose(loose, field));
    wrong.map(|(field, value)| format!("{field} is not {value} in {entry:?}"))
}

fn is_bytes(value: &Value, bytes: Option<&Vec<u8>>) -> bool {
    value.as_str().map(str::as_bytes) == bytes.map(Vec::as_slice)
}

/// Compares as far as the expectation is precise.
fn is_time(value: &Value, expected: &Case, time: Option<&str>) -> bool {
    let Some(value) = value.as_str() else {
        return time.is_none();
    };
    let length = match expected["modified_precision"].as_str() {
        Some("day") => 10,
        Some("minute") => 16,
        Some("second") => 19,
        _ => 23,
    };
    let cut = |text: &str| text.chars().take(length).collect::<String>();
    time.is_some_and(|time| cut(time) == cut(value))
}

fn is_partly(value: &Value, time: Option<&CivilTime>) -> bool {
    let is = |part: &str, number: u8| value.get(part).is_none_or(|value| *value == number);
    time.is_some_and(|time| {
        is("month", time.month)
            && is("day", time.day)
            && is("hour", time.hour)
            && is("minute", time.minute)
    })
}

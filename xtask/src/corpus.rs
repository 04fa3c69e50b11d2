//! `cargo xtask corpus`: answers every test case of a folder, one JSON line each on standard output.
//!
//! A case is a JSON object on a line of a `.jsonl` file anywhere in the folder, known by its keys: a directory
//! listing or a line of one ([`listing`]), what a server sends on the control connection ([`reply`]), a key or a
//! line of `known_hosts` ([`ssh`]). An answer has the case's `id`; whether it is right is for others to judge. A
//! case that cannot be answered gets `null`, and one of an unknown sort gets no answer.

mod listing;
mod reply;
mod ssh;

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use crate::Outcome;

/// The arguments of `cargo xtask corpus`.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// The folder with the cases
    folder: PathBuf,
}

/// Answers what is in the folder.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn run(flags: &Flags) -> Outcome<ExitCode> {
    let mut files = Vec::new();
    find(&flags.folder, &mut files)?;
    files.sort();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut ssh = ssh::Answers::default();
    for file in files {
        let text = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let text = String::from_utf8_lossy(&text);
        let folder = file.parent().unwrap_or(&flags.folder);
        for (index, line) in text.lines().enumerate() {
            match serde_json::from_str::<Map<String, Value>>(line) {
                Ok(case) => {
                    if let Some(answer) = answer(&case, folder, &mut ssh)? {
                        writeln!(out, "{}", Value::Object(answer))?;
                    }
                }
                Err(_) if line.trim().is_empty() => {}
                Err(error) => eprintln!("{}:{}: {error}", file.display(), index + 1),
            }
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// A test case.
type Case = Map<String, Value>;

/// The answer with its `id`, or nothing if this is no case that is known. `folder` is where the case's file is.
///
/// # Errors
/// The program that answers cases of SSH cannot be run.
fn answer(case: &Case, folder: &Path, ssh: &mut ssh::Answers) -> Outcome<Option<Case>> {
    let Some(id) = case.get("id") else {
        return Ok(None);
    };
    let kind = case.get("kind").and_then(Value::as_str).unwrap_or_default();
    let answer = if case.contains_key("system") {
        listing::answer(case)
    } else if ssh::KINDS.contains(&kind) {
        Some(ssh.answer(case, folder)?)
    } else {
        reply::answer(case, kind)
    };
    Ok(answer.map(|mut answer| {
        answer.insert("id".to_owned(), id.clone());
        answer
    }))
}

/// An answer of one key.
fn one(key: &str, value: Value) -> Case {
    Case::from_iter([(key.to_owned(), value)])
}

/// The bytes of `key`, which stands in the case as text, or in hexadecimal as `key_hex`.
fn bytes(case: &Case, key: &str) -> Option<Vec<u8>> {
    match case.get(key) {
        Some(value) => Some(value.as_str()?.as_bytes().to_vec()),
        None => from_hex(case.get(&format!("{key}_hex"))?.as_str()?),
    }
}

/// As [`bytes`], for a list.
fn byte_strings(case: &Case, key: &str) -> Option<Vec<Vec<u8>>> {
    let list = |value: &Value, read: &dyn Fn(&str) -> Option<Vec<u8>>| {
        value
            .as_array()?
            .iter()
            .map(|item| read(item.as_str()?))
            .collect()
    };
    match case.get(key) {
        Some(value) => list(value, &|text| Some(text.as_bytes().to_vec())),
        None => list(case.get(&format!("{key}_hex"))?, &from_hex),
    }
}

/// Adds `bytes` under `key`; if they are not UTF-8, as they are under `key_hex`, and read as ISO 8859-1 under `key`.
fn insert_bytes(answer: &mut Case, key: &str, bytes: &[u8]) {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            answer.insert(format!("{key}_hex"), to_hex(bytes).into());
            bytes.iter().copied().map(char::from).collect()
        }
    };
    answer.insert(key.to_owned(), text.into());
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let pairs = digits?;
    let pairs = pairs.chunks_exact(2);
    pairs
        .remainder()
        .is_empty()
        .then(|| pairs.map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "jsonl") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(case: &str, expected: &str) {
        let case = serde_json::from_str(case).unwrap();
        let got = answer(&case, Path::new("."), &mut ssh::Answers::default()).unwrap();
        let got = got.map_or(Value::Null, Value::Object);
        assert_eq!(got, serde_json::from_str::<Value>(expected).unwrap());
    }

    #[test]
    fn lines_of_listings() {
        check(
            r#"{"id":"a","system":"unix","now":"2020-02-20T15:41:00Z","line":"lrwxr-xr-x 4 o g 40 Jan 21 15:41 n -> t"}"#,
            r#"{"id":"a","entry":{"kind":"symlink","name":"n","target":"t","size":40,"mode":"0755","owner":"o",
                "group":"g","modified":"2020-01-21T15:41"}}"#,
        );
        check(
            r#"{"id":"a","system":"unix","now":null,"line":"total 4"}"#,
            r#"{"id":"a","entry":null}"#,
        );
    }

    #[test]
    fn whole_listings() {
        check(
            r#"{"id":"a","system":"dos","now":null,"lines_hex":["30312d31362d30322020 31313a3134414d203c4449523e20ff"]}"#,
            r#"{"id":"a","entries":[]}"#,
        );
        check(
            r#"{"id":"a","system":"dos","now":null,"lines_hex":["30312d31362d303220202031313a3134414d203c4449523e20ff",""]}"#,
            r#"{"id":"a","entries":[{"kind":"dir","name":"ÿ","name_hex":"ff","size":0,"modified":"2002-01-16T11:14"}]}"#,
        );
        check(
            r#"{"id":"a","system":"mlsd","now":null,"lines":["size=3; x"]}"#,
            r#"{"id":"a","entries":[{"kind":"file","name":"x","size":3}]}"#,
        );
    }

    #[test]
    fn replies() {
        check(
            r#"{"id":"a","kind":"reply","chunks":["220-a\r","\n220 b\r\n150-x\r\n"]}"#,
            r#"{"id":"a","got":{"replies":[{"code":220,"lines":["220-a","220 b"]}],"rest":"150-x\r\n"}}"#,
        );
        check(
            r#"{"id":"a","kind":"reply","raw":"what\r\n"}"#,
            r#"{"id":"a","got":{"error":true}}"#,
        );
        check(
            r#"{"id":"a","kind":"pasv","raw":"227 (1,2,3,4,5,6)\r\n"}"#,
            r#"{"id":"a","got":{"host":"1.2.3.4","port":1286}}"#,
        );
        check(
            r#"{"id":"a","kind":"size","raw":"550 no\r\n"}"#,
            r#"{"id":"a","got":{"error":true}}"#,
        );
        check(
            r#"{"id":"a","kind":"size","raw":"213 "}"#,
            r#"{"id":"a","got":{"error":true}}"#,
        );
    }

    #[test]
    fn what_is_not_known_is_not_answered() {
        check(r#"{"id":"a","kind":"session"}"#, "null");
        check(r#"{"kind":"size","raw":"213 1\r\n"}"#, "null");
    }
}

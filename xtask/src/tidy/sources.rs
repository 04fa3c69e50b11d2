//! How files look: headings, lengths, names, and words that must not be left in.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::Metadata;

use super::Finding;
use crate::Outcome;

/// Longer than this, a file holds more than one subject.
const MOST_LINES: usize = 800;

/// `ARCHITECTURE.md` is read in one go.
const MOST_ARCHITECTURE: usize = 200;

/// Unfinished work. In two parts each, or this file would be found.
const UNFINISHED: &[(&str, &str)] = &[
    (concat!("todo", "!("), "unfinished"),
    (concat!("unimplemented", "!("), "unfinished"),
    (concat!("#[", "ignore"), "a test that is not run"),
];

/// The one place that may hold unsafe code, and how a place is allowed to. In two parts, as above.
const UNSAFE_FILE: &str = "tls-reuse/src/resume.rs";
const ALLOWED_UNSAFE: &str = concat!("allow(", "unsafe_code)");

/// Everything that is wrong with the files.
///
/// # Errors
/// A file cannot be read.
pub(super) fn findings(metadata: &Metadata) -> Outcome<Vec<Finding>> {
    let root = metadata.workspace_root.as_std_path();
    let mut found = Vec::new();
    for package in metadata.workspace_packages() {
        let manifest = package.manifest_path.as_std_path();
        found.extend(name_lines(
            manifest,
            inherits_lints(&fs::read_to_string(manifest)?),
        ));
        for target in &package.targets {
            // A build script and each test, example and bench is a crate of its own; the rule is for what ships.
            if target.is_lib() || target.is_bin() || target.is_proc_macro() {
                let file = target.src_path.as_std_path();
                let text = fs::read_to_string(file)?;
                let level = unsafe_level(&package.name);
                found.extend(name_lines(file, forbids_unsafe(&text, level)));
            }
        }
    }
    let mut files = Vec::new();
    for folder in ["crates", "benches", "xtask", "fuzz"] {
        rust_files(&root.join(folder), &mut files)?;
    }
    files.sort();
    for file in files {
        found.extend(name_lines(
            &file,
            source(&file, &fs::read_to_string(&file)?),
        ));
    }
    let architecture = root.join("ARCHITECTURE.md");
    let text = fs::read_to_string(&architecture).ok();
    found.extend(name_lines(
        &architecture,
        architecture_length(text.as_deref()),
    ));
    Ok(found)
}

/// What is wrong in a file, by line.
type Wrong = Vec<(Option<usize>, String)>;

fn name_lines(file: &Path, wrong: Wrong) -> impl Iterator<Item = Finding> + '_ {
    wrong.into_iter().map(|(line, what)| Finding {
        file: file.to_owned(),
        line,
        what,
    })
}

/// Checks one source file.
fn source(file: &Path, text: &str) -> Wrong {
    let mut wrong = Wrong::new();
    if file.file_name().is_some_and(|name| name == "mod.rs") {
        wrong.push((
            None,
            "a module is called by its name: foo.rs beside foo/".to_owned(),
        ));
    }
    if !text.starts_with("//!") {
        let what = "begins without `//!`: say what this is, why, and what is not here";
        wrong.push((Some(1), what.to_owned()));
    }
    let length = text.lines().count();
    if length > MOST_LINES {
        wrong.push((
            Some(MOST_LINES + 1),
            format!("{length} lines, more than {MOST_LINES}"),
        ));
    }
    for (i, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        if code.contains(ALLOWED_UNSAFE) && !file.ends_with(UNSAFE_FILE) {
            let what = format!("unsafe code belongs to {UNSAFE_FILE} alone");
            wrong.push((Some(i + 1), what));
        }
        for (words, why) in UNFINISHED {
            if code.contains(words) {
                wrong.push((Some(i + 1), format!("`{words}`: {why}")));
            }
        }
    }
    wrong
}

/// `tls-reuse` cannot forbid unsafe code: one call of OpenSSL's has no safe form.
fn unsafe_level(package: &str) -> &'static str {
    if package == "ftp-connect-tls-reuse" {
        "#![deny(unsafe_code)]"
    } else {
        "#![forbid(unsafe_code)]"
    }
}

fn forbids_unsafe(text: &str, level: &str) -> Wrong {
    if text.lines().any(|line| line.trim() == level) {
        return Wrong::new();
    }
    vec![(Some(1), format!("a crate root without `{level}`"))]
}

fn inherits_lints(manifest: &str) -> Wrong {
    let mut lines = manifest.lines().map(str::trim);
    if lines.any(|line| line == "[lints]") && lines.next() == Some("workspace = true") {
        return Wrong::new();
    }
    vec![(
        None,
        "does not inherit the lints: [lints] workspace = true".to_owned(),
    )]
}

fn architecture_length(text: Option<&str>) -> Wrong {
    match text.map(|text| text.lines().count()) {
        None => vec![(None, "missing".to_owned())],
        Some(length) if length > MOST_ARCHITECTURE => {
            let what = format!("{length} lines, more than {MOST_ARCHITECTURE}");
            vec![(Some(MOST_ARCHITECTURE + 1), what)]
        }
        Some(_) => Wrong::new(),
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) -> Outcome {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            // Built things: fuzz/ has a target folder of its own.
            if path.file_name().is_none_or(|name| name != "target") {
                rust_files(&path, found)?;
            }
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, text: &str, expected: &[Option<usize>]) {
        let lines: Vec<_> = source(Path::new(file), text)
            .into_iter()
            .map(|(line, _)| line)
            .collect();
        assert_eq!(lines, expected, "{text}");
    }

    #[test]
    fn a_source_file() {
        check("a.rs", "//! A.\nfn a() {}\n", &[]);
        check("a.rs", "fn a() {}\n", &[Some(1)]);
        check("a/mod.rs", "//! A.\n", &[None]);
        check(
            "a.rs",
            concat!("//! A.\nfn a() { todo", "!() }\n"),
            &[Some(2)],
        );
        check(
            "a.rs",
            concat!("//! A.\n// todo", "!() is said here\n"),
            &[],
        );
        check(
            "a.rs",
            concat!("//! A.\n#[", "ignore = \"slow\"]\n"),
            &[Some(2)],
        );
        check("a.rs", &format!("//! A.\n{}", "\n".repeat(799)), &[]);
        check(
            "a.rs",
            &format!("//! A.\n{}", "\n".repeat(800)),
            &[Some(801)],
        );
    }

    #[test]
    fn a_crate_root() {
        let level = unsafe_level("ftp-connect-core");
        assert!(forbids_unsafe("//! A.\n#![forbid(unsafe_code)]\n", level).is_empty());
        assert_eq!(
            forbids_unsafe("//! A.\n#![deny(unsafe_code)]\n", level).len(),
            1
        );
        assert_eq!(
            forbids_unsafe("//! A.\n// #![forbid(unsafe_code)]\n", level).len(),
            1
        );
        let level = unsafe_level("ftp-connect-tls-reuse");
        assert!(forbids_unsafe("//! A.\n#![deny(unsafe_code)]\n", level).is_empty());
        assert_eq!(forbids_unsafe("//! A.\n", level).len(), 1);
    }

    #[test]
    fn unsafe_code_stands_in_one_place() {
        let text = format!("//! A.\n#[{ALLOWED_UNSAFE}]\nfn a() {{}}\n");
        assert!(source(Path::new("crates/tls-reuse/src/resume.rs"), &text).is_empty());
        assert_eq!(
            source(Path::new("crates/tls/src/resume.rs"), &text).len(),
            1
        );
    }

    #[test]
    fn a_manifest() {
        assert!(inherits_lints("[package]\n[lints]\nworkspace = true\n").is_empty());
        assert_eq!(
            inherits_lints("[package]\nversion.workspace = true\n").len(),
            1
        );
        assert_eq!(inherits_lints("[lints]\n[dependencies]\n").len(), 1);
    }

    #[test]
    fn architecture() {
        assert!(architecture_length(Some(&"x\n".repeat(200))).is_empty());
        assert_eq!(architecture_length(Some(&"x\n".repeat(201))).len(), 1);
        assert_eq!(architecture_length(None).len(), 1);
    }
}

//! `*` for any bytes and `?` for one: patterns of `ssh_config`, and of local names where no shell has expanded
//! them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Whether a text holds one of the signs.
pub(crate) fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'*' | b'?'))
}

/// Whether the whole text fits. No pattern takes longer than the lengths multiplied.
pub(crate) fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

/// The files whose names fit the last part of the path, by name. Those that begin with a dot only fit a pattern
/// that does.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn expand(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(pattern) = path.file_name().map(|name| name.as_encoded_bytes()) else {
        return Ok(Vec::new());
    };
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let listed = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(listed)? {
        let name = entry?.file_name();
        let bytes = name.as_encoded_bytes();
        let hidden = bytes.starts_with(b".") && !pattern.starts_with(b".");
        if !hidden && fits(pattern, bytes) {
            found.push(folder.join(name));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns() {
        #[track_caller]
        fn check(pattern: &str, text: &str, expected: bool) {
            assert_eq!(
                fits(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
        check("*", "", true);
        check("a*b*c", "aXbXbXc", true);
        check("a*b*c", "aXbX", false);
        check("?", "", false);
        check("h?st", "host", true);
        check("", "x", false);
    }

    #[test]
    fn files_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.txt", "a.txt", ".c.txt", "d.bin"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = expand(&folder.path().join("*.txt")).unwrap();
        let expected = ["a.txt", "b.txt"].map(|name| folder.path().join(name));
        assert_eq!(found, expected);
        assert!(expand(&folder.path().join("no/*.txt")).is_err());
    }

    proptest! {
        #[test]
        fn a_text_fits_itself_and_any(text in "[a-z]{0,12}") {
            prop_assert!(fits(text.as_bytes(), text.as_bytes()));
            prop_assert!(fits(b"*", text.as_bytes()));
        }
    }
}

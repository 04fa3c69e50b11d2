//! Which names count, by patterns.

use ftp_connect_core::{RemotePath, Result};
use globset::{Candidate, GlobMatcher};

use crate::glob::matcher;

/// Which files of a tree count.
///
/// A pattern without `/` is for names, wherever they are; one with `/` is for the path below the folder that is
/// mirrored. The signs are those of [`glob`](crate::glob()).
#[derive(Debug, Clone, Default)]
pub struct Filter {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    matcher: GlobMatcher,
    of_names: bool,
    /// Whether only folders are meant, by a slash at the end.
    of_folders: bool,
}

impl Filter {
    /// Counts only files that this matches, or another pattern given so.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](ftp_connect_core::ErrorKind::InvalidParameter) for what is no pattern.
    pub fn including(mut self, pattern: &str) -> Result<Self> {
        self.include.push(Pattern::new(pattern)?);
        Ok(self)
    }

    /// Leaves out what this matches; of a folder, also what is in it. A slash at the end means folders only.
    ///
    /// # Errors
    /// As [`Filter::including`].
    pub fn excluding(mut self, pattern: &str) -> Result<Self> {
        self.exclude.push(Pattern::new(pattern)?);
        Ok(self)
    }

    /// Whether everything counts.
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether a folder is gone into.
    pub(super) fn enters(&self, below: &RemotePath) -> bool {
        !self
            .exclude
            .iter()
            .any(|pattern| pattern.matches(below, true))
    }

    /// Whether a file or link counts, its folder being gone into.
    pub(super) fn takes(&self, below: &RemotePath) -> bool {
        let included = self.include.is_empty()
            || self
                .include
                .iter()
                .any(|pattern| pattern.matches(below, false));
        included
            && !self
                .exclude
                .iter()
                .any(|pattern| pattern.matches(below, false))
    }

    /// Whether folders count for themselves, and not only for the files in them.
    pub(super) fn takes_folders(&self) -> bool {
        self.include.is_empty()
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self> {
        let of_folders = text.ends_with('/');
        let bare = text.trim_end_matches('/');
        Ok(Self {
            matcher: matcher(bare.trim_start_matches('/'))?,
            of_names: !bare.contains('/'),
            of_folders,
        })
    }

    fn matches(&self, below: &RemotePath, is_folder: bool) -> bool {
        if self.of_folders && !is_folder {
            return false;
        }
        let name = below.file_name().filter(|_| self.of_names);
        let path = name.as_ref().unwrap_or(below);
        self.matcher
            .is_match_candidate(&Candidate::from_bytes(path.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(include: &[&str], exclude: &[&str], path: &str, expected: bool) {
        let mut filter = Filter::default();
        for pattern in include {
            filter = filter.including(pattern).unwrap();
        }
        for pattern in exclude {
            filter = filter.excluding(pattern).unwrap();
        }
        let path = RemotePath::new(path).unwrap();
        let mut above = path.parent();
        let mut entered = true;
        while let Some(folder) = above.filter(|folder| !folder.is_empty()) {
            entered &= filter.enters(&folder);
            above = folder.parent();
        }
        assert_eq!(
            entered && filter.takes(&path),
            expected,
            "{include:?} {exclude:?} {path}"
        );
    }

    #[test]
    fn filters_take_what_they_say() {
        check(&[], &[], "a/b", true);
        check(&["*.txt"], &[], "a/b.txt", true);
        check(&["*.txt"], &[], "a/b.bin", false);
        check(&["a/*.txt"], &[], "b/b.txt", false);
        check(&["a/**"], &[], "a/x/y", true);
        check(&[], &["*.tmp"], "a/b.tmp", false);
        check(&[], &["cache"], "a/cache/x", false);
        check(&[], &["cache/"], "a/cache", true);
        check(&[], &["cache/"], "a/cache/x", false);
        check(&[], &["/a/cache"], "b/a/cache", true);
        check(&["*.txt"], &["b*"], "b.txt", false);
        check(&["[ab].txt"], &[], "b.txt", true);
        assert!(Filter::default().including("[").is_err());
    }

    #[test]
    fn names_that_are_no_text_are_matched_too() {
        let filter = Filter::default().excluding("caf?").unwrap();
        assert!(!filter.takes(&RemotePath::new(b"caf\xe9".as_slice()).unwrap()));
    }
}

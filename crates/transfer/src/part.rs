//! The names that files have until they are whole, and who removes them.
//!
//! What they are called stands in the crate's documentation. The next transfer of the same file finds what an
//! earlier one left: TAG is made of what is transferred as it is now, so that what is left of another version
//! is not taken for its beginning, and uploads of different files to one name do not meet.

pub(crate) mod local;
pub(crate) mod writer;

use std::path::Path;

use ftp_connect_core::RemotePath;
use sha2::{Digest as _, Sha256};

use crate::remote::Source;

/// The name beside `path` that an upload has until it is whole.
pub(crate) fn remote(path: &RemotePath, tag: &str) -> Option<RemotePath> {
    beside(path, &format!(".ftp-connect-{tag}.part"))
}

/// The name beside `path` that the old file has while a new one takes its place.
pub(crate) fn remote_old(path: &RemotePath, tag: &str) -> Option<RemotePath> {
    beside(path, &format!(".ftp-connect-{tag}.old"))
}

/// Whether a name is one of those that this crate gives to files that are not whole.
pub(crate) fn is_part(name: &[u8]) -> bool {
    let Some(inner) = name.strip_prefix(b".") else {
        return false;
    };
    let end = |suffix: &[u8]| inner.ends_with(suffix);
    let ours =
        inner.windows(MARK.len()).any(|window| window == MARK) || inner.starts_with(&MARK[1..]);
    ours && (end(b".part") || end(b".parts") || end(b".old"))
}

fn beside(path: &RemotePath, suffix: &str) -> Option<RemotePath> {
    let name = path.file_name()?;
    let hidden = hidden_name(name.as_bytes(), suffix);
    let folder = path.parent()?;
    RemotePath::new(hidden).ok().map(|name| folder.join(&name))
}

/// A hidden name that tells what it is, short enough for every file system.
fn hidden_name(name: &[u8], suffix: &str) -> Vec<u8> {
    let mut hidden = vec![b'.'];
    if name.len() + suffix.len() < 250 {
        hidden.extend_from_slice(name);
    } else {
        hidden.extend_from_slice(tag_of(&[name]).as_bytes());
    }
    hidden.extend_from_slice(suffix.as_bytes());
    hidden
}

/// What marks an upload of this local file as it is now.
pub(crate) fn tag(path: &Path, metadata: &std::fs::Metadata) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .unwrap_or_default();
    tag_of(&[
        path.as_os_str().as_encoded_bytes(),
        &metadata.len().to_be_bytes(),
        &modified.as_nanos().to_be_bytes(),
    ])
}

/// What marks a download of a file on the server as it is now.
pub(crate) fn tag_of_remote(path: &RemotePath, source: &Source) -> String {
    let modified = source.modified.map(|time| time.to_string());
    tag_of(&[
        path.as_bytes(),
        &source.size.unwrap_or(u64::MAX).to_be_bytes(),
        modified.unwrap_or_default().as_bytes(),
    ])
}

/// A mark that no other upload has.
pub(crate) fn random_tag() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let random = || std::hash::RandomState::new().build_hasher().finish();
    tag_of(&[&random().to_be_bytes(), &random().to_be_bytes()])
}

fn tag_of(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    digest[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What follows the name of a download that nobody will go on with.
pub(crate) const PLAIN: &str = ".ftp-connect.part";

/// What follows the name of a download in segments: it has holes, so that nobody may go on with it.
pub(crate) const SEGMENTS: &str = ".ftp-connect.parts";

const MARK_TEXT: &str = ".ftp-connect";

const MARK: &[u8] = MARK_TEXT.as_bytes();

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        let part = remote(&RemotePath::new(path).unwrap(), "00c0ffee");
        assert_eq!(part.map(|part| part.to_string()).as_deref(), expected);
    }

    #[test]
    fn parts_lie_beside_the_file() {
        check("a.txt", Some(".a.txt.ftp-connect-00c0ffee.part"));
        check("/in/a", Some("/in/.a.ftp-connect-00c0ffee.part"));
        check("/a", Some("/.a.ftp-connect-00c0ffee.part"));
        check("/", None);
        let long = "x".repeat(255);
        let part = remote(&RemotePath::new(long).unwrap(), "00c0ffee").unwrap();
        assert!(part.as_bytes().len() < 64, "{part}");
    }

    #[test]
    fn parts_are_known_by_their_names() {
        for part in [
            ".a.txt.ftp-connect-00c0ffee.part",
            ".a.ftp-connect.part",
            ".a.ftp-connect.parts",
            ".a.ftp-connect-00c0ffee.old",
            ".ftp-connect-Xy12ab.part",
        ] {
            assert!(is_part(part.as_bytes()), "{part}");
        }
        for other in [
            "a.part",
            ".a.part",
            "ftp-connect.part",
            ".ftp-connect",
            ".ssh",
        ] {
            assert!(!is_part(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn no_two_random_tags_are_equal() {
        assert_ne!(random_tag(), random_tag());
    }
}

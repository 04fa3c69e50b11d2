//! Whether a file has changed.

use std::{cmp::Ordering, path::Path};

use ftp_connect_core::{ChecksumAlgorithm, ReadOptions, RemotePath, Result, Session};

use super::Compare;
use crate::{
    download::{same_checksum, whole},
    integrity::{self, Digest},
    remote::Source,
    times,
};

/// Whether two files are to be taken for equal by what the listings tell.
pub(super) fn looks_same(compare: Compare, source: &Source, target: &Source) -> bool {
    // A size that one side does not tell says nothing.
    if source
        .size
        .zip(target.size)
        .is_some_and(|(one, other)| one != other)
    {
        return false;
    }
    let order = source
        .modified
        .as_ref()
        .zip(target.modified.as_ref())
        .and_then(|(one, other)| times::compare(one, other));
    match compare {
        Compare::NewerOrSize => order != Some(Ordering::Greater),
        Compare::TimeOrSize => order.is_none_or(|order| order == Ordering::Equal),
        Compare::Size | Compare::Content => true,
    }
}

/// Whether the contents are equal.
///
/// # Errors
/// When one of them cannot be read.
pub(super) async fn same_content(
    session: &mut dyn Session,
    remote: &RemotePath,
    local: &Path,
) -> Result<bool> {
    if let Some(same) = same_checksum(session, remote, local).await? {
        return Ok(same);
    }
    let algorithm = ChecksumAlgorithm::Sha256;
    let mut digest = Digest::new(algorithm).expect("known here");
    let mut body = session.read(remote, ReadOptions::default()).await?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match body.read(&mut buffer).await? {
            0 => break,
            n => digest.update(&buffer[..n]),
        }
    }
    whole(body.finish().await?, remote)?;
    Ok(integrity::of_file(local, algorithm).await? == Some(digest.finish()))
}

#[cfg(test)]
mod tests {
    use ftp_connect_core::Timestamp;

    use super::*;

    #[track_caller]
    fn check(compare: Compare, source: (u64, i64), target: (u64, i64), expected: bool) {
        let file = |(size, modified)| Source {
            size: Some(size),
            modified: Timestamp::from_unix_seconds(modified),
            permissions: None,
        };
        let same = looks_same(compare, &file(source), &file(target));
        assert_eq!(same, expected, "{compare:?} {source:?} {target:?}");
    }

    #[test]
    fn files_differ_as_was_said() {
        use Compare::{NewerOrSize, Size, TimeOrSize};
        check(NewerOrSize, (1, 100), (1, 100), true);
        check(NewerOrSize, (1, 100), (1, 200), true);
        check(NewerOrSize, (1, 200), (1, 100), false);
        check(NewerOrSize, (1, 100), (2, 100), false);
        check(TimeOrSize, (1, 100), (1, 200), false);
        check(TimeOrSize, (1, 100), (1, 100), true);
        check(Size, (1, 200), (1, 100), true);
        check(Size, (1, 100), (2, 100), false);
    }

    #[test]
    fn what_is_not_told_is_no_difference() {
        let known = Source {
            size: Some(1),
            modified: Timestamp::from_unix_seconds(1),
            permissions: None,
        };
        assert!(looks_same(Compare::TimeOrSize, &known, &Source::default()));
    }
}

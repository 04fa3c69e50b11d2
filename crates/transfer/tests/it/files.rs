//! Whole files over the backend in memory, and over one that lies about sizes or breaks half-way: the local file is
//! the old one or the whole new one.

use std::{fs, path::Path};

use ftp_connect_core::{CreateDirOptions, ErrorKind, SessionExt as _, WriteOptions};
use ftp_connect_transfer::{Integrity, Overwrite, Progress, download, upload};

use crate::common::{check_left, connect, options, path};
use crate::faulty::{Fault, Faulty};

#[tokio::test]
async fn a_file_goes_up_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    for size in [0, 1, 256 * 1024, 600_001] {
        let content: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
        fs::write(&source, &content).unwrap();
        let mut session = connect().await;
        let mut seen = Vec::new();
        let up = upload(&mut *session, &source, &path("x"), &options(), &mut |p| {
            seen.push(p)
        })
        .await
        .unwrap();
        assert_eq!((up.bytes, up.integrity), (size as u64, Integrity::Size));
        check_progress(&seen, size as u64);
        let target = folder.path().join("target");
        let mut seen = Vec::new();
        let down = download(&mut *session, &path("x"), &target, &options(), &mut |p| {
            seen.push(p)
        })
        .await
        .unwrap();
        assert_eq!((down.bytes, down.integrity), (size as u64, Integrity::Size));
        check_progress(&seen, size as u64);
        assert!(fs::read(&target).unwrap() == content);
    }
    check_left(folder.path(), &["source", "target"]);
}

#[track_caller]
fn check_progress(seen: &[Progress], size: u64) {
    assert!(seen.is_sorted_by_key(|progress| progress.bytes));
    assert_eq!(seen.first().map(|progress| progress.bytes), Some(0));
    assert_eq!(seen.last().map(|progress| progress.bytes), Some(size));
    assert!(seen.iter().all(|progress| progress.total == Some(size)));
}

#[tokio::test]
async fn what_may_not_be_replaced_stays() {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("local");
    fs::write(&local, "old").unwrap();
    let mut session = connect().await;
    session
        .write_all(&path("x"), b"there", WriteOptions::default())
        .await
        .unwrap();
    let keep = &options().with_overwrite(Overwrite::Refuse);
    let error = download(&mut *session, &path("x"), &local, keep, &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&local).unwrap(), b"old");
    let error = upload(&mut *session, &local, &path("x"), keep, &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AlreadyExists);
    assert_eq!(
        session.read_to_vec(&path("x"), 100).await.unwrap(),
        b"there"
    );
}

#[tokio::test]
async fn a_failed_download_leaves_the_old_file_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("local");
    fs::write(&local, "old").unwrap();
    for (fault, kind) in [
        (Fault::Shorter, ErrorKind::TransferNotWhole),
        (Fault::Breaks, ErrorKind::Closed),
        (Fault::NotConfirmed, ErrorKind::TransferNotWhole),
        (Fault::EndsEarly, ErrorKind::TransferNotWhole),
    ] {
        let mut session = Faulty {
            inner: connect().await,
            fault,
        };
        session
            .inner
            .write_all(&path("x"), &[7; 300_000], WriteOptions::default())
            .await
            .unwrap();
        let error = download(&mut session, &path("x"), &local, &options(), &mut |_| {})
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &kind, "{fault:?}: {error}");
        assert_eq!(fs::read(&local).unwrap(), b"old", "{fault:?}");
        check_left(folder.path(), &["local"]);
    }
}

#[tokio::test]
async fn a_dropped_download_leaves_the_old_file_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("local");
    fs::write(&local, "old").unwrap();
    let mut session = Faulty {
        inner: connect().await,
        fault: Fault::Hangs,
    };
    session
        .inner
        .write_all(&path("x"), &[7; 300_000], WriteOptions::default())
        .await
        .unwrap();
    let (mut ignore, from) = (|_| {}, path("x"));
    let options = options();
    let download = download(&mut session, &from, &local, &options, &mut ignore);
    let limit = std::time::Duration::from_millis(200);
    assert!(tokio::time::timeout(limit, download).await.is_err());
    assert_eq!(fs::read(&local).unwrap(), b"old");
    check_left(folder.path(), &["local"]);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_there_is_replaced_as_what_it_is() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    symlink("file", &link).unwrap();
    let mut session = connect().await;
    session
        .write_all(&path("x"), b"new", WriteOptions::default())
        .await
        .unwrap();
    download(&mut *session, &path("x"), &link, &options(), &mut |_| {})
        .await
        .unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"new");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    // A device takes the bytes and stays a device; as root it could be replaced.
    let device = Path::new("/dev/null");
    let outcome = download(&mut *session, &path("x"), device, &options(), &mut |_| {})
        .await
        .unwrap();
    assert_eq!(outcome.bytes, 3);
    assert!(!fs::metadata(device).unwrap().is_file());
    let error = download(
        &mut *session,
        &path("x"),
        folder.path(),
        &options(),
        &mut |_| {},
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::IsADirectory);
    check_left(folder.path(), &["file", "link"]);
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_pipe_gave_is_not_looked_for_in_it_again() {
    use std::{io::Write as _, os::fd::AsRawFd as _};

    let (from, mut to) = std::io::pipe().unwrap();
    to.write_all(b"content").unwrap();
    drop(to);
    // It renames nothing, so that a file would be sent again, in place.
    let mut session = Faulty {
        inner: connect().await,
        fault: Fault::NotConfirmed,
    };
    let local = format!("/dev/fd/{}", from.as_raw_fd());
    let to = path("x");
    let error = upload(&mut session, local.as_ref(), &to, &options(), &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unsupported);
    let error = session.inner.read_to_vec(&to, 100).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
}

#[tokio::test]
async fn folders_and_missing_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("local");
    let mut session = connect().await;
    session
        .create_dir(&path("d"), CreateDirOptions::default())
        .await
        .unwrap();
    let error = download(&mut *session, &path("d"), &local, &options(), &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::IsADirectory);
    let error = download(
        &mut *session,
        &path("none"),
        &local,
        &options(),
        &mut |_| {},
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    let error = upload(
        &mut *session,
        folder.path(),
        &path("x"),
        &options(),
        &mut |_| {},
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::IsADirectory);
    let error = upload(&mut *session, &local, &path("x"), &options(), &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Io);
    check_left(folder.path(), &[]);
}

#[tokio::test]
async fn an_upload_that_arrived_short_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("local");
    fs::write(&local, "content").unwrap();
    let mut session = Faulty {
        inner: connect().await,
        fault: Fault::Shorter,
    };
    let error = upload(&mut session, &local, &path("x"), &options(), &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TransferNotWhole);
}

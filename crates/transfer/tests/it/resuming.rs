//! Going on where an attempt ended: only with proof that the beginning is that of this file.

use std::fs;

use ftp_connect_core::{SessionExt as _, WriteOptions};
use ftp_connect_transfer::{Integrity, Overwrite, download, upload};

use crate::common::{check_left, connect, options, path};
use crate::faulty::{Fault, Faulty};

fn content() -> Vec<u8> {
    (0..300_000_u32).flat_map(|n| n.to_le_bytes()).collect()
}

/// Resumes with `there` already in the target; says where it began.
async fn resume(there: &[u8], down: bool) -> (u64, bool) {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("x");
    let mut session = connect().await;
    let how = options().with_overwrite(Overwrite::Resume);
    let (here, far) = if down {
        (there, &*content())
    } else {
        (&*content(), there)
    };
    fs::write(&local, here).unwrap();
    session
        .write_all(&path("x"), far, WriteOptions::default())
        .await
        .unwrap();
    let outcome = match down {
        true => download(&mut *session, &path("x"), &local, &how, &mut |_| {}).await,
        false => upload(&mut *session, &local, &path("x"), &how, &mut |_| {}).await,
    };
    let outcome = outcome.unwrap();
    assert!(fs::read(&local).unwrap() == content());
    assert!(session.read_to_vec(&path("x"), 2_000_000).await.unwrap() == content());
    check_left(folder.path(), &["x"]);
    assert_eq!(session.list_all(&path("")).await.unwrap().len(), 1);
    (outcome.resumed_at, outcome.skipped)
}

#[tokio::test]
async fn a_beginning_is_gone_on_with() {
    for down in [true, false] {
        for have in [1, 70_000, 1_199_999] {
            let expected = (have as u64, false);
            assert_eq!(resume(&content()[..have], down).await, expected, "{down}");
        }
        assert_eq!(resume(&content(), down).await, (0, true), "{down}");
    }
}

#[tokio::test]
async fn what_is_no_beginning_is_not_gone_on_with() {
    let other: Vec<u8> = content()[..70_000].iter().map(|byte| !byte).collect();
    let longer = [content(), vec![0]].concat();
    let zeros = [&content()[..70_000], &[0; 4096]].concat();
    for down in [true, false] {
        for there in [&other, &longer, &zeros] {
            assert_eq!(resume(there, down).await, (0, false), "{down}");
        }
    }
}

#[tokio::test]
async fn a_download_that_broke_is_gone_on_with_if_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("x");
    let mut session = Faulty {
        inner: connect().await,
        fault: Fault::Breaks,
    };
    session
        .inner
        .write_all(&path("x"), &content(), WriteOptions::default())
        .await
        .unwrap();
    for (keep, left) in [(false, 0), (true, 1)] {
        let how = options().with_keep_parts(keep);
        download(&mut session, &path("x"), &local, &how, &mut |_| {})
            .await
            .unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), left);
    }
    // Another version of the file has another part.
    let how = options().with_keep_parts(true);
    let newer: Vec<u8> = content().iter().map(|byte| !byte).collect();
    session
        .inner
        .write_all(&path("x"), &newer, WriteOptions::default())
        .await
        .unwrap();
    download(&mut session, &path("x"), &local, &how, &mut |_| {})
        .await
        .unwrap_err();
    let outcome = download(&mut *session.inner, &path("x"), &local, &how, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(outcome.resumed_at, 1000);
    // The checksum says that what came at two times is one file.
    assert_eq!(outcome.integrity, Integrity::Hash);
    assert!(fs::read(&local).unwrap() == newer);
    check_left(folder.path(), &["x"]);
}

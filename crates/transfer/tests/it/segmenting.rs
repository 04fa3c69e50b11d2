//! One file by several sessions at once.

use std::{fs, sync::atomic::Ordering};

use ftp_connect_core::{SessionExt as _, WriteOptions};
use ftp_connect_transfer::{Integrity, Overwrite, PoolOptions};

use crate::common::{check_left, options, path};
use crate::narrow::Narrow;

/// Fetches 20 MiB; says over how many connections it came.
async fn fetch(most: usize, cut: usize) -> usize {
    let server = Narrow::new(most, cut);
    let pool = server.pool(PoolOptions::default().with_sessions(4).with_attempts(2));
    let content: Vec<u8> = (0..5_u32 << 20).flat_map(|n| n.to_le_bytes()).collect();
    server
        .plain()
        .await
        .write_all(&path("x"), &content, WriteOptions::default())
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("x");
    fs::write(&local, "old").unwrap();
    let mut last = 0;
    let outcome = pool
        .download_in_segments(&path("x"), &local, 4, &options(), &mut |told| {
            last = told.bytes
        })
        .await
        .unwrap();
    assert_eq!((outcome.bytes, last), (20 << 20, 20 << 20));
    assert_eq!(outcome.integrity, Integrity::Hash);
    assert!(fs::read(&local).unwrap() == content);
    check_left(folder.path(), &["x"]);
    server.connects.load(Ordering::SeqCst)
}

#[tokio::test]
async fn pieces_make_the_file() {
    assert!(fetch(4, usize::MAX).await >= 2);
}

#[tokio::test]
async fn a_server_that_allows_one_gives_all_of_it_to_that() {
    fetch(1, usize::MAX).await;
}

#[tokio::test]
async fn pieces_survive_lost_sessions() {
    assert!(fetch(3, 3 << 20).await > 5);
}

#[tokio::test]
async fn what_is_not_simply_replaced_comes_in_one_piece() {
    let server = Narrow::new(4, usize::MAX);
    let pool = server.pool(PoolOptions::default().with_sessions(4));
    server
        .plain()
        .await
        .write_all(&path("x"), b"small", WriteOptions::default())
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("x");
    let down = async |overwrite| {
        let how = options().with_overwrite(overwrite);
        pool.download_in_segments(&path("x"), &local, 4, &how, &mut |_| {})
            .await
    };
    down(Overwrite::Refuse).await.unwrap();
    assert!(down(Overwrite::IfSizeDiffers).await.unwrap().skipped);
    down(Overwrite::Refuse).await.unwrap_err();
    assert_eq!(server.connects.load(Ordering::SeqCst), 1);
}

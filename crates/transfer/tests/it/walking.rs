//! Walks and patterns.

use ftp_connect_core::{
    CreateDirOptions, ErrorKind, RemotePath, Session, SessionExt as _, WriteOptions,
};
use ftp_connect_transfer::{Walk, WalkOptions, glob};

use crate::common::{connect, path};

async fn tree() -> Box<dyn Session> {
    let mut session = connect().await;
    for folder in ["a", "a/b", "a/b/c", "d", ".h"] {
        session
            .create_dir(&path(folder), CreateDirOptions::default())
            .await
            .unwrap();
    }
    for file in [
        "1.txt",
        "2.bin",
        "a/3.txt",
        "a/b/4.txt",
        "a/b/c/5.txt",
        "d/6.txt",
        ".h/7.txt",
        "a/[x].txt",
    ] {
        session
            .write_all(&path(file), b"x", WriteOptions::default())
            .await
            .unwrap();
    }
    let latin = RemotePath::new(b"d/caf\xe9.txt".as_slice()).unwrap();
    session
        .write_all(&latin, b"x", WriteOptions::default())
        .await
        .unwrap();
    session
}

#[tokio::test]
async fn a_walk_shows_everything_in_order() {
    let mut session = tree().await;
    let mut walk = Walk::new(path("a"), WalkOptions::default());
    let mut seen = Vec::new();
    while let Some(found) = walk.next(&mut *session).await {
        let found = found.unwrap();
        seen.push((found.path.to_string(), found.below.to_string(), found.depth));
    }
    let expected = [
        ("a/3.txt", "3.txt", 1),
        ("a/[x].txt", "[x].txt", 1),
        ("a/b", "b", 1),
        ("a/b/4.txt", "b/4.txt", 2),
        ("a/b/c", "b/c", 2),
        ("a/b/c/5.txt", "b/c/5.txt", 3),
    ];
    assert_eq!(
        seen,
        expected.map(|(path, below, depth)| (path.to_owned(), below.to_owned(), depth))
    );
    assert!(walk.is_whole());
}

#[tokio::test]
async fn a_walk_has_a_limit_and_goes_on_after_it() {
    let mut session = tree().await;
    let mut walk = Walk::new(path(""), WalkOptions::default().with_max_depth(2));
    let (mut found, mut failed) = (0, Vec::new());
    while let Some(next) = walk.next(&mut *session).await {
        match next {
            Ok(_) => found += 1,
            Err(error) => failed.push(error),
        }
    }
    assert_eq!((found, failed.len()), (11, 1));
    assert_eq!(failed[0].kind(), &ErrorKind::LimitExceeded);
    assert_eq!(failed[0].path(), Some(&path("a/b")));
    assert!(!walk.is_whole());
}

async fn check(session: &mut dyn Session, pattern: &str, expected: &[&str]) {
    let found = glob(session, &path(pattern)).await.unwrap();
    let names: Vec<_> = found.iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, expected, "{pattern}");
}

#[tokio::test]
async fn patterns_match_as_in_a_shell() {
    let mut session = tree().await;
    let session = &mut *session;
    check(session, "*.txt", &["1.txt"]).await;
    check(session, "/*.txt", &["/1.txt"]).await;
    check(session, "?.*", &["1.txt", "2.bin"]).await;
    check(
        session,
        "*/*.txt",
        &["a/3.txt", "a/[x].txt", "d/6.txt", r"d/caf\xe9.txt"],
    )
    .await;
    check(
        session,
        "a/**/*.txt",
        &["a/3.txt", "a/[x].txt", "a/b/4.txt", "a/b/c/5.txt"],
    )
    .await;
    check(session, r"a/\[x\].txt", &["a/[x].txt"]).await;
    check(session, "a/[0-9].txt", &["a/3.txt"]).await;
    check(
        session,
        "{a/b,d}/*.txt",
        &["a/b/4.txt", "d/6.txt", r"d/caf\xe9.txt"],
    )
    .await;
    check(session, ".*/7.txt", &[".h/7.txt"]).await;
    check(session, "d/caf?.txt", &[r"d/caf\xe9.txt"]).await;
    check(session, "1.txt", &["1.txt"]).await;
    check(session, "none", &[]).await;
    check(session, "none/*", &[]).await;
    let error = glob(session, &path("a/[")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::InvalidParameter);
}

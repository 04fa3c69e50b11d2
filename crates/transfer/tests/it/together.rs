//! Small files that a listing told of: read together, and never asked about.

use std::{
    fs,
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

use ftp_connect_core::{ErrorKind, Result, Timestamp};
use ftp_connect_transfer::{
    FileEvent, Integrity, ListedFile, TransferOptions, glob,
    mirror::{ApplyOptions, Mirror, Summary},
};

use crate::{
    common::{check_left, options, path},
    counting::{Counting, content},
};

/// Plans, lets `meanwhile` happen, and applies.
async fn mirror(
    server: &Counting,
    folder: &std::path::Path,
    meanwhile: impl Future<Output = ()>,
) -> Summary {
    let pool = server.pool();
    let plan = Mirror::download(path("in"), folder).plan(&pool).await;
    let plan = plan.unwrap();
    meanwhile.await;
    server.counts.stats.store(0, Ordering::SeqCst);
    let options = ApplyOptions::default();
    plan.apply(&pool, &options, &mut |_| {}).await.unwrap()
}

#[track_caller]
fn check_files(folder: &std::path::Path, count: usize) {
    let mut names: Vec<_> = (0..count).map(|number| number.to_string()).collect();
    names.sort();
    check_left(
        folder,
        &names.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    for number in 0..count {
        let here = fs::read_to_string(folder.join(number.to_string())).unwrap();
        assert_eq!(here, content(number), "{number}");
    }
}

#[tokio::test]
async fn a_mirror_of_small_files_asks_about_none() {
    let server = Counting::with_files(100).await;
    let here = tempfile::tempdir().unwrap();
    let summary = mirror(&server, here.path(), async {}).await;
    assert!(summary.is_success(), "{summary:?}");
    assert_eq!((summary.copied, summary.verified), (100, 100));
    assert_eq!(server.asked(), (0, 0, 2));
    check_files(here.path(), 100);
    let pool = server.pool();
    let again = Mirror::download(path("in"), here.path()).plan(&pool).await;
    assert!(again.unwrap().is_empty());
}

#[tokio::test]
async fn what_has_changed_since_the_plan_is_fetched_by_itself_and_whole() {
    let server = Counting::with_files(20).await;
    let here = tempfile::tempdir().unwrap();
    let larger = vec![b'y'; 300 * 1024];
    let meanwhile = async {
        server.write("in/3", b"longer than it was").await;
        server.write("in/4", &larger).await;
    };
    let summary = mirror(&server, here.path(), meanwhile).await;
    assert!(summary.is_success(), "{summary:?}");
    assert_eq!((summary.copied, summary.verified), (20, 20));
    assert_eq!(server.asked(), (2, 2, 1));
    let read = |name| fs::read(here.path().join(name)).unwrap();
    assert_eq!(read("3"), b"longer than it was");
    assert!(read("4") == larger);
}

#[tokio::test]
async fn a_larger_file_that_has_changed_since_the_plan_is_asked_about_and_fetched_again() {
    let server = Counting::with_files(0).await;
    server.write("in/large", &vec![b'z'; 1 << 20]).await;
    let here = tempfile::tempdir().unwrap();
    let larger = vec![b'y'; (1 << 20) + 1];
    let summary = mirror(&server, here.path(), server.write("in/large", &larger)).await;
    assert!(summary.is_success(), "{summary:?}");
    assert_eq!(server.asked(), (1, 2, 0));
    assert!(fs::read(here.path().join("large")).unwrap() == larger);
}

#[tokio::test]
async fn after_a_lost_session_the_rest_still_comes_together() {
    let server = Counting::with_files(50).await;
    let here = tempfile::tempdir().unwrap();
    server.lose_at(10);
    let summary = mirror(&server, here.path(), async {}).await;
    assert!(summary.is_success(), "{summary:?}");
    assert_eq!(summary.copied, 50);
    assert_eq!(server.asked(), (1, 1, 2));
    check_files(here.path(), 50);
}

/// Downloads all in the folder `in`; what came of each, by name.
async fn get(
    server: &Counting,
    folder: &std::path::Path,
    options: &TransferOptions,
) -> Vec<(String, Result<ftp_connect_transfer::Outcome>)> {
    let found = glob(&mut *server.plain().await, &path("in/*"))
        .await
        .unwrap();
    let names: Vec<_> = found
        .iter()
        .map(|entry| entry.name.file_name().unwrap().to_string())
        .collect();
    let files = found
        .iter()
        .zip(&names)
        .map(|(entry, name)| ListedFile::new(entry.name.clone(), folder.join(name), entry));
    let mut outcomes = Vec::new();
    let mut observe = |event| {
        if let FileEvent::Ended { file, outcome } = event {
            outcomes.push((names[file].clone(), outcome));
        }
    };
    server
        .pool()
        .download_listed(files.collect(), options, 1, &mut observe)
        .await
        .unwrap();
    outcomes.sort_by(|one, other| one.0.cmp(&other.0));
    outcomes
}

#[tokio::test]
async fn what_a_pattern_matches_is_read_together() {
    let server = Counting::with_files(100).await;
    let here = tempfile::tempdir().unwrap();
    let outcomes = get(&server, here.path(), &options()).await;
    assert_eq!(outcomes.len(), 100);
    for (name, outcome) in outcomes {
        assert_eq!(outcome.unwrap().integrity, Integrity::Size, "{name}");
    }
    assert_eq!(server.asked(), (0, 0, 2));
    check_files(here.path(), 100);
}

#[tokio::test]
async fn times_are_kept_as_the_listing_told_them() {
    let server = Counting::with_files(3).await;
    let file = path("in/1");
    let mut session = server.plain().await;
    let time = Timestamp::from_unix_seconds(1_000_000_000).unwrap();
    session.set_modified(&file, time).await.unwrap();
    let here = tempfile::tempdir().unwrap();
    let options = options().with_keep_times(true).with_keep_permissions(true);
    let outcomes = get(&server, here.path(), &options).await;
    assert_eq!(outcomes[1].1.as_ref().unwrap().attributes_kept, Some(true));
    assert_eq!(server.asked(), (0, 0, 1));
    let kept = fs::metadata(here.path().join("1")).unwrap().modified();
    let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    assert_eq!(kept.unwrap(), expected);
}

#[tokio::test]
async fn a_larger_file_is_not_asked_about_either() {
    let server = Counting::with_files(0).await;
    let large = vec![b'z'; 1 << 20];
    server.write("in/large", &large).await;
    let here = tempfile::tempdir().unwrap();
    let outcomes = get(&server, here.path(), &options()).await;
    assert_eq!(outcomes[0].1.as_ref().unwrap().integrity, Integrity::Size);
    assert_eq!(server.asked(), (0, 1, 0));
    assert!(fs::read(here.path().join("large")).unwrap() == large);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_here_is_dealt_with_as_for_one_file() {
    let server = Counting::with_files(4).await;
    let here = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let aim = other.path().join("aim");
    fs::write(&aim, "old").unwrap();
    std::os::unix::fs::symlink(&aim, here.path().join("1")).unwrap();
    std::os::unix::fs::symlink("/dev/null", here.path().join("2")).unwrap();
    fs::create_dir(here.path().join("3")).unwrap();
    let outcomes = get(&server, here.path(), &options()).await;
    let error = outcomes[3].1.as_ref().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::IsADirectory);
    assert!(outcomes[..3].iter().all(|(_, outcome)| outcome.is_ok()));
    // The link stays, and so does the device, which is written to by itself.
    assert_eq!(fs::read(&aim).unwrap(), b"x");
    assert!(here.path().join("1").is_symlink() && here.path().join("2").is_symlink());
    check_left(here.path(), &["0", "1", "2", "3"]);
    assert_eq!(server.asked().1, 1);
}

#[tokio::test]
async fn options_that_need_more_than_bytes_go_one_by_one() {
    let server = Counting::with_files(10).await;
    #[track_caller]
    fn check(before: (usize, usize, usize), after: (usize, usize, usize)) {
        assert_eq!((after.1 - before.1, after.2), (10, 0));
    }
    for options in [
        options().with_overwrite(ftp_connect_transfer::Overwrite::IfNewer),
        options().with_verify(ftp_connect_transfer::Verify::Checksum),
        options().with_rate_limit(ftp_connect_transfer::RateLimit::per_second(
            1_000_000.try_into().unwrap(),
        )),
    ] {
        let here = tempfile::tempdir().unwrap();
        let before = server.asked();
        get(&server, here.path(), &options).await;
        check(before, server.asked());
        check_files(here.path(), 10);
    }
}

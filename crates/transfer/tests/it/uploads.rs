//! Many files to the server: what is there is learnt from one listing, and small ones go together.

use std::{collections::BTreeMap, fs, path::Path, sync::atomic::Ordering};

use ftp_connect_core::{EntryKind, ErrorKind, Permissions, Result, SessionExt as _};
use ftp_connect_transfer::{
    FileEvent, Integrity, LocalFile, Outcome, Overwrite, Publish, TransferOptions, Verify,
    mirror::{ApplyOptions, Mirror},
};

use crate::{
    common::{options, path},
    counting::{Counting, content},
};

/// A folder with so many files, `0` to `9` bytes each.
fn folder(count: usize) -> tempfile::TempDir {
    let here = tempfile::tempdir().unwrap();
    for number in 0..count {
        fs::write(here.path().join(number.to_string()), content(number)).unwrap();
    }
    here
}

/// Uploads these files of a folder to the folder `in`; what came of each, by name.
async fn put_names(
    server: &Counting,
    folder: &Path,
    names: &[&str],
    options: &TransferOptions,
) -> BTreeMap<String, Result<Outcome>> {
    let files = names
        .iter()
        .map(|name| LocalFile::new(folder.join(name), path(&format!("in/{name}"))));
    let mut outcomes = BTreeMap::new();
    let mut observe = |event| {
        if let FileEvent::Ended { file, outcome } = event {
            outcomes.insert(names[file].to_owned(), outcome);
        }
    };
    server
        .pool()
        .upload_files(files.collect(), options, 1, &mut observe)
        .await
        .unwrap();
    assert_eq!(outcomes.len(), names.len());
    outcomes
}

/// Uploads all files of a folder.
async fn put(
    server: &Counting,
    folder: &Path,
    options: &TransferOptions,
) -> BTreeMap<String, Result<Outcome>> {
    let names = fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<_> = names.collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    put_names(server, folder, &names, options).await
}

/// What is in the folder `in`, and in the files there: nothing is left beside them.
async fn check_there(server: &Counting, count: usize) {
    let mut session = server.plain().await;
    let mut entries = session.list_all(&path("in")).await.unwrap();
    entries.sort_by_key(|entry| entry.name.to_string().parse::<usize>().unwrap());
    assert_eq!(entries.len(), count);
    for (number, entry) in entries.iter().enumerate() {
        let file = path("in").join(&entry.name);
        let there = session.read_to_vec(&file, 100).await.unwrap();
        assert_eq!(there, content(number).into_bytes(), "{number}");
    }
}

/// Stats, files written by themselves, files renamed by themselves, calls for many, and listings.
fn asked(server: &Counting) -> [usize; 5] {
    let counts = &server.counts;
    [
        &counts.stats,
        &counts.writes,
        &counts.renames,
        &counts.together,
        &counts.lists,
    ]
    .map(|counter| counter.swap(0, Ordering::SeqCst))
}

#[tokio::test]
async fn small_files_go_together_and_none_is_asked_about() {
    let server = Counting::with_files(30).await;
    let here = folder(100);
    let outcomes = put(&server, here.path(), &options()).await;
    for (name, outcome) in outcomes {
        let outcome = outcome.unwrap();
        let (integrity, publish) = (outcome.integrity, outcome.publish);
        assert_eq!(
            (integrity, publish),
            (Integrity::Size, Publish::Atomic),
            "{name}"
        );
    }
    // The size afterwards is asked about here, where writing does not tell it.
    assert_eq!(asked(&server), [100, 0, 0, 2, 1]);
    check_there(&server, 100).await;
    // A mirror goes the same way.
    let other = Counting::with_files(0).await;
    let pool = other.pool();
    let plan = Mirror::upload(here.path(), path("in")).plan(&pool).await;
    let apply = ApplyOptions::default();
    let summary = plan.unwrap().apply(&pool, &apply, &mut |_| {}).await;
    assert_eq!(summary.unwrap().verified, 100);
    assert_eq!(asked(&other)[1..4], [0, 0, 2]);
    check_there(&other, 100).await;
}

#[tokio::test]
async fn after_a_lost_session_the_rest_still_goes_together() {
    for lost_at in [1, 10, 50] {
        let server = Counting::with_files(0).await;
        let here = folder(50);
        server.lose_at(lost_at);
        let outcomes = put(&server, here.path(), &options()).await;
        assert!(outcomes.values().all(Result::is_ok));
        let [_, writes, _, together, _] = asked(&server);
        assert_eq!((writes, together), (1, 2), "{lost_at}");
        check_there(&server, 50).await;
    }
}

#[tokio::test]
async fn a_file_that_is_replaced_leaves_its_permissions() {
    let server = Counting::with_files(5).await;
    let mut session = server.plain().await;
    let mode = Permissions::from_mode(0o640);
    session.set_permissions(&path("in/1"), mode).await.unwrap();
    let here = folder(5);
    put(&server, here.path(), &options()).await;
    let entry = session.stat(&path("in/1"), Default::default()).await;
    assert_eq!(entry.unwrap().permissions, Some(mode));
    assert_eq!(asked(&server)[1..], [0, 0, 1, 1]);
}

#[tokio::test]
async fn what_the_listing_does_not_tell_for_certain_is_asked() {
    let server = Counting::with_files(0).await;
    let mut session = server.plain().await;
    session
        .create_dir(&path("in/folder"), Default::default())
        .await
        .unwrap();
    server.write("in/README", b"old").await;
    let here = tempfile::tempdir().unwrap();
    let names = [".hidden", "folder", "readme", "plain"];
    for name in names {
        fs::write(here.path().join(name), "x").unwrap();
    }
    let outcomes = put_names(&server, here.path(), &names, &options()).await;
    let error = outcomes["folder"].as_ref().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::IsADirectory);
    assert!(outcomes.values().filter(|outcome| outcome.is_ok()).count() == 3);
    let [_, writes, ..] = asked(&server);
    assert_eq!(writes, 3);
    let kind = session.stat(&path("in/folder"), Default::default()).await;
    assert_eq!(kind.unwrap().kind, EntryKind::Dir);
}

#[tokio::test]
async fn without_a_whole_listing_each_file_is_asked_about() {
    let here = folder(10);
    // Cut short; not there; not worth it; more than it would save.
    let truncated = Counting::with_files(0).await;
    truncated.counts.truncates.store(true, Ordering::SeqCst);
    let crowded = Counting::with_files(1200).await;
    for (server, lists) in [(&truncated, 1), (&crowded, 1)] {
        let outcomes = put(server, here.path(), &options()).await;
        assert!(outcomes.values().all(Result::is_ok));
        let [stats, writes, renames, together, listed] = asked(server);
        assert_eq!((writes, renames, together, listed), (10, 10, 0, lists));
        assert!(stats >= 10);
    }
    let server = Counting::with_files(0).await;
    put_names(&server, here.path(), &["0", "1"], &options()).await;
    assert_eq!(asked(&server)[1..], [2, 2, 0, 0]);
    let nowhere = Counting::default();
    let outcomes = put(&nowhere, here.path(), &options()).await;
    assert!(outcomes.values().all(Result::is_err));
}

#[tokio::test]
async fn what_stays_is_decided_by_the_listing() {
    let server = Counting::with_files(30).await;
    let here = folder(40);
    fs::write(here.path().join("7"), "another length").unwrap();
    let options = options().with_overwrite(Overwrite::IfSizeDiffers);
    let outcomes = put(&server, here.path(), &options).await;
    let skipped = outcomes.values().filter(|o| o.as_ref().unwrap().skipped);
    assert_eq!(skipped.count(), 29);
    assert_eq!(asked(&server), [11, 0, 0, 1, 1]);
}

#[tokio::test]
async fn options_that_need_more_than_bytes_go_one_by_one() {
    let here = folder(10);
    for options in [
        options().with_overwrite(Overwrite::Refuse),
        options().with_overwrite(Overwrite::Rename),
        options().with_verify(Verify::Checksum),
        options().with_staging(ftp_connect_transfer::Staging::InPlace),
    ] {
        let server = Counting::with_files(0).await;
        let outcomes = put(&server, here.path(), &options).await;
        assert!(outcomes.values().all(Result::is_ok));
        let [_, writes, _, together, _] = asked(&server);
        assert_eq!((writes, together), (10, 0));
        check_there(&server, 10).await;
    }
}

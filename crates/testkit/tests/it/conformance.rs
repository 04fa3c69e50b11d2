//! The suite passes a right backend, and fails each planted defect at the right check.

use std::time::Duration;

use ftp_connect_core::{ConnectParams, SessionExt as _, Transport as _};
use ftp_connect_testkit::conformance::{Options, Outcome, Report, conformance};
use ftp_connect_testkit::memory::MemoryTransport;

use crate::faulty::{Bare, Defect, Faulty};

async fn run(defect: Defect) -> Report {
    let transport = MemoryTransport::new();
    let params = ConnectParams::new("memory.example").unwrap();
    let open = async || {
        let session = transport.connect(&params).await?;
        Ok(Faulty::boxed(session, defect))
    };
    let options = Options::default()
        .with_large(20_000)
        .with_time_limit(Duration::from_millis(500));
    conformance(open, options).await
}

#[tokio::test]
async fn the_memory_backend_passes_everything() {
    let transport = MemoryTransport::new();
    let params = ConnectParams::new("memory.example").unwrap();
    let open = async || transport.connect(&params).await;
    let report = conformance(open, Options::default()).await;
    report.assert_passed();
    let skipped: Vec<_> = report.skipped().map(|check| check.name.as_str()).collect();
    assert_eq!(
        skipped,
        [
            "text: lines",
            "symlink",
            "hard link",
            "copy_file",
            "real_path"
        ],
        "{report}"
    );
}

#[tokio::test]
async fn a_folder_of_ones_own_is_used() {
    let transport = MemoryTransport::new();
    let params = ConnectParams::new("memory.example").unwrap();
    let folder = "deep".parse().unwrap();
    let mut session = transport.connect(&params).await.unwrap();
    session
        .create_dir(&folder, Default::default())
        .await
        .unwrap();
    let options = Options::default().with_folder(folder).with_large(1000);
    conformance(async || transport.connect(&params).await, options)
        .await
        .assert_passed();
    let entries = session.list_all(&"/".parse().unwrap()).await.unwrap();
    assert_eq!(entries.len(), 1);
}

#[tokio::test]
async fn a_backend_of_required_methods_alone_passes_what_it_has() {
    let transport = MemoryTransport::new();
    let params = ConnectParams::new("memory.example").unwrap();
    let open = async || Ok(Bare::boxed(transport.connect(&params).await?));
    let report = conformance(open, Options::default().with_large(1000)).await;
    report.assert_passed();
    let skipped: Vec<_> = report.skipped().map(|check| check.name.as_str()).collect();
    for name in [
        "rename: file",
        "write: append",
        "read: offset and length",
        "checksum",
    ] {
        assert!(skipped.contains(&name), "{report}");
    }
}

#[tokio::test]
async fn each_defect_is_caught_by_the_check_for_it() {
    let mut missed = Vec::new();
    for (defect, checks) in DEFECTS {
        let report = run(*defect).await;
        for name in *checks {
            let check = report
                .check(name)
                .unwrap_or_else(|| panic!("no check {name}"));
            if !matches!(check.outcome, Outcome::Failed(_)) {
                missed.push(format!("{defect:?} is missed by {check}"));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test]
async fn without_a_defect_the_wrapper_passes() {
    run(Defect::None).await.assert_passed();
}

#[tokio::test]
#[should_panic(expected = "read: missing file: read of a missing file must fail and gave")]
async fn a_failure_is_named_in_the_panic() {
    run(Defect::MissingIsEmpty).await.assert_passed();
}

#[tokio::test]
async fn a_known_deviation_may_fail_and_is_told_with_its_reason() {
    let transport = MemoryTransport::new();
    let params = ConnectParams::new("memory.example").unwrap();
    let open = async || {
        let session = transport.connect(&params).await?;
        Ok(Faulty::boxed(session, Defect::StatSizeWrong))
    };
    let options = Options::default()
        .with_known_deviation("stat: file", "for this test")
        .with_known_deviation("stat: missing", "does not deviate");
    let report = conformance(open, options.with_large(10)).await;
    match &report.check("stat: file").unwrap().outcome {
        Outcome::Known(reason) => assert!(reason.starts_with("for this test: "), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(report.known().count(), 1);
    let passing = report.check("stat: missing").unwrap();
    assert_eq!(passing.outcome, Outcome::Passed);
}

/// The defects, each with the checks that must notice it. More may.
const DEFECTS: &[(Defect, &[&str])] = &[
    (Defect::ReportWithoutTransport, &["report: filled"]),
    (
        Defect::PromisesRename,
        &["capabilities: agree", "rename: file"],
    ),
    (Defect::DeniesRename, &["capabilities: agree"]),
    (
        Defect::ReadLosesLastByte,
        &["content: 1 byte", "content: many bytes"],
    ),
    (
        Defect::WriteLosesLastByte,
        &["content: 1 byte", "content: many bytes"],
    ),
    (
        Defect::ReadCountsWrong,
        &["content: 0 bytes", "content: many bytes"],
    ),
    (
        Defect::WriteCountsWrong,
        &["content: 0 bytes", "content: small pieces"],
    ),
    (Defect::EndNotTold, &["content: 0 bytes"]),
    (Defect::EndToldTooSoon, &["read: stopped early"]),
    (
        Defect::IgnoresOffset,
        &["read: offset and length", "resume: a cut download"],
    ),
    (Defect::IgnoresLength, &["read: offset and length"]),
    (Defect::OffsetSticks, &["read: offset and length"]),
    (Defect::IgnoresText, &["text: lines"]),
    (Defect::MissingIsEmpty, &["read: missing file"]),
    (
        Defect::MissingIsRefused,
        &["stat: missing", "read: missing file"],
    ),
    (
        Defect::ErrorsWithoutPath,
        &["stat: missing", "read: missing file"],
    ),
    (Defect::ReplaceKeepsTail, &["write: replaces"]),
    (Defect::CreateNewReplaces, &["write: create new"]),
    (Defect::AppendReplaces, &["write: append"]),
    (Defect::ResumeIsBlind, &["write: resume"]),
    (
        Defect::StatSizeWrong,
        &["stat: file", "content: many bytes"],
    ),
    (
        Defect::FolderIsFile,
        &[
            "stat: folder",
            "create_dir: new",
            "create_dir_all",
            "names: folders in folders",
        ],
    ),
    (
        Defect::ListsDots,
        &["list: empty folder", "list: files and folders"],
    ),
    (
        Defect::ListForgetsOne,
        &[
            "list: files and folders",
            "list: many entries",
            "names: a long path",
        ],
    ),
    (
        Defect::ListTrimsNames,
        &["name: \"trailing blank \"", "name: \" leading blank\""],
    ),
    (Defect::ListCountsWrong, &["list: files and folders"]),
    (Defect::ListMissingIsEmpty, &["list: missing folder"]),
    (Defect::ListFileIsEmpty, &["list: file"]),
    (Defect::RenameCopies, &["rename: file", "names: rename"]),
    (Defect::RenameMissingOk, &["rename: missing"]),
    (Defect::RenameNeverReplaces, &["rename: replaces"]),
    (
        Defect::RenameAlwaysReplaces,
        &["rename: keeps what is there"],
    ),
    (
        Defect::RemoveDoesNothing,
        &["remove_file: file", "remove_dir: empty", "remove_all"],
    ),
    (
        Defect::RemoveMissingOk,
        &["remove_file: missing", "remove_dir: missing"],
    ),
    (Defect::CreateExistingOk, &["create_dir: existing"]),
    (Defect::RemoveDirWithContent, &["remove_dir: not empty"]),
    (Defect::SetsNothing, &["set_modified", "set_permissions"]),
    (Defect::WrongChecksum, &["checksum"]),
    (Defect::RelativeCurrentDir, &["current_dir"]),
    (Defect::CurrentDirStays, &["set_current_dir"]),
    (Defect::MoreFreeThanThereIs, &["free_space"]),
    (Defect::KeepAliveFails, &["keep_alive"]),
    (Defect::CloseFails, &["close"]),
    (
        Defect::ErrorsPoison,
        &["errors: session stays usable", "write: missing folder"],
    ),
    (
        Defect::DroppedReadPoisons,
        &["dropped: read body", "dropped: again and again"],
    ),
    (Defect::DroppedWritePoisons, &["dropped: write body"]),
    (Defect::DroppedListingPoisons, &["dropped: listing"]),
    (Defect::StaleAnswer, &["dropped: stat after 1 polls"]),
    (Defect::ClosedOnce, &["dropped: read body"]),
    (Defect::MissingHangs, &["stat: missing"]),
];

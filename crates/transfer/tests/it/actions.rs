//! The named operations.

use std::fs;

use ftp_connect_core::{ErrorKind, TransferType};
use ftp_connect_transfer::actions::{Actions, TransferMode};

use crate::common::{connect, path};

#[tokio::test]
async fn each_does_what_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("a.txt");
    fs::write(&local, "content").unwrap();
    let mut actions = Actions::new(connect().await);
    let binary = TransferMode::Binary;
    actions.create_dir(&path("in")).await.unwrap();
    actions.set_current_dir(&path("in")).await.unwrap();
    let (a, b) = (path("a.txt"), path("b.txt"));
    assert!(!actions.file_exists(&a).await.unwrap());
    actions.put(&local, &a, false, binary).await.unwrap();
    assert!(actions.file_exists(&a).await.unwrap());
    assert!(!actions.file_exists(&path("/in")).await.unwrap());
    let taken = actions.put(&local, &a, false, binary).await.unwrap_err();
    assert_eq!(taken.kind(), &ErrorKind::AlreadyExists);
    actions.put(&local, &a, true, binary).await.unwrap();
    actions.rename(&a, &b).await.unwrap();
    let listed = actions.list(&path("")).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, b);
    actions.get(&b, folder.path(), false, binary).await.unwrap();
    assert_eq!(fs::read(folder.path().join("b.txt")).unwrap(), b"content");
    let taken = actions.get(&b, &local, false, binary).await.unwrap_err();
    assert_eq!(taken.kind(), &ErrorKind::AlreadyExists);
    actions.delete_file(&b).await.unwrap();
    actions.delete_dir(&path("/in")).await.unwrap();
    actions.disconnect().await.unwrap();
}

#[tokio::test]
async fn a_wildcard_in_what_is_put_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut actions = Actions::new(connect().await);
    for name in ["*.txt", "a?"] {
        let local = folder.path().join(name);
        fs::write(&local, "content").unwrap();
        let to = path("a");
        let refused = actions.put(&local, &to, true, TransferMode::Binary).await;
        assert_eq!(refused.unwrap_err().kind(), &ErrorKind::InvalidParameter);
        assert!(!actions.file_exists(&to).await.unwrap());
    }
}

#[test]
fn modes_have_numbers() {
    for (number, mode) in [(1, TransferMode::Ascii), (2, TransferMode::Binary)] {
        assert_eq!(TransferMode::from_number(number).unwrap(), mode);
        assert_eq!(mode.number(), number);
    }
    assert_eq!(TransferMode::default(), TransferMode::Binary);
    assert_eq!(TransferType::default(), TransferType::Binary);
    for number in [0, 3, -1] {
        TransferMode::from_number(number).unwrap_err();
    }
}

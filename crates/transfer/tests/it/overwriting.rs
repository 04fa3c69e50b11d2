//! What becomes of a file that is there, in both directions.

use std::fs;

use ftp_connect_core::{ErrorKind, SessionExt as _, Timestamp, WriteOptions};
use ftp_connect_transfer::{
    Integrity, Outcome, Overwrite, Place, Publish, Verify, download, upload,
};

use crate::common::{connect, options, path};

const OLD: i64 = 1_600_000_000;
const NEW: i64 = 1_700_000_000;

/// Source and target as content and time; what the target is afterwards, and whether it was left alone.
#[track_caller]
fn check(
    overwrite: Overwrite,
    source: (&'static str, i64),
    target: (&'static str, i64),
    expected: (&'static str, bool),
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let local = folder.path().join("x");
        let how = options().with_overwrite(overwrite);
        let mut session = connect().await;
        let write_local = |(content, at): (&str, i64)| {
            fs::write(&local, content).unwrap();
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(at as u64);
            fs::File::options()
                .write(true)
                .open(&local)
                .unwrap()
                .set_modified(at)
                .unwrap();
        };
        for down in [true, false] {
            let (here, there) = if down {
                (target, source)
            } else {
                (source, target)
            };
            write_local(here);
            session
                .write_all(&path("x"), there.0.as_bytes(), WriteOptions::default())
                .await
                .unwrap();
            let at = Timestamp::from_unix_seconds(there.1).unwrap();
            session.set_modified(&path("x"), at).await.unwrap();
            let outcome: Outcome = match down {
                true => download(&mut *session, &path("x"), &local, &how, &mut |_| {}).await,
                false => upload(&mut *session, &local, &path("x"), &how, &mut |_| {}).await,
            }
            .unwrap();
            let now = match down {
                true => fs::read(&local).unwrap(),
                false => session.read_to_vec(&path("x"), 100).await.unwrap(),
            };
            let now = String::from_utf8(now).unwrap();
            assert_eq!(
                (now.as_str(), outcome.skipped),
                expected,
                "{overwrite:?}, down: {down}"
            );
        }
        let left = session.list_all(&path("")).await.unwrap();
        assert_eq!(left.len(), 1, "{left:?}");
    });
}

#[test]
fn what_is_there_is_replaced_when_the_policy_says_so() {
    check(
        Overwrite::Replace,
        ("new", OLD),
        ("old", NEW),
        ("new", false),
    );
    check(
        Overwrite::IfNewer,
        ("new", NEW),
        ("old", OLD),
        ("new", false),
    );
    check(
        Overwrite::IfNewer,
        ("new", OLD),
        ("old", NEW),
        ("old", true),
    );
    check(
        Overwrite::IfNewer,
        ("new", OLD),
        ("old", OLD),
        ("old", true),
    );
    check(
        Overwrite::IfSizeDiffers,
        ("new", NEW),
        ("old", OLD),
        ("old", true),
    );
    check(
        Overwrite::IfSizeDiffers,
        ("newer", OLD),
        ("old", NEW),
        ("newer", false),
    );
}

#[tokio::test]
async fn another_name_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("x.tar.gz");
    fs::write(&local, "here").unwrap();
    let mut session = connect().await;
    session
        .write_all(&path("x.tar.gz"), b"there", WriteOptions::default())
        .await
        .unwrap();
    let how = options().with_overwrite(Overwrite::Rename);
    for number in [1, 2] {
        let down = download(&mut *session, &path("x.tar.gz"), &local, &how, &mut |_| {})
            .await
            .unwrap();
        let name = folder.path().join(format!("x.tar ({number}).gz"));
        assert_eq!(fs::read(&name).unwrap(), b"there");
        assert_eq!(down.place, Place::Local(name));
        let up = upload(&mut *session, &local, &path("x.tar.gz"), &how, &mut |_| {})
            .await
            .unwrap();
        let name = path(&format!("x.tar ({number}).gz"));
        assert_eq!(session.read_to_vec(&name, 100).await.unwrap(), b"here");
        assert_eq!(up.place, Place::Remote(name));
    }
    assert_eq!(fs::read(&local).unwrap(), b"here");
    assert_eq!(
        session.read_to_vec(&path("x.tar.gz"), 100).await.unwrap(),
        b"there"
    );
}

#[tokio::test]
async fn checksums_are_compared_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("x");
    fs::write(&local, "content").unwrap();
    let mut session = connect().await;
    let how = options().with_verify(Verify::Checksum);
    let up = upload(&mut *session, &local, &path("x"), &how, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(
        (up.integrity, up.publish),
        (Integrity::Hash, Publish::Atomic)
    );
    let down = download(&mut *session, &path("x"), &local, &how, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(
        (down.integrity, down.publish),
        (Integrity::Hash, Publish::Atomic)
    );
    let how = options().with_verify(Verify::Nothing);
    let down = download(&mut *session, &path("x"), &local, &how, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(down.integrity, Integrity::Unverified);
}

#[cfg(unix)]
#[tokio::test]
async fn times_and_permissions_are_kept_when_asked_for() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (local, back) = (folder.path().join("x"), folder.path().join("y"));
    fs::write(&local, "content").unwrap();
    fs::set_permissions(&local, fs::Permissions::from_mode(0o640)).unwrap();
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(OLD as u64);
    fs::File::options()
        .write(true)
        .open(&local)
        .unwrap()
        .set_modified(at)
        .unwrap();
    let mut session = connect().await;
    let how = options().with_keep_times(true).with_keep_permissions(true);
    let up = upload(&mut *session, &local, &path("x"), &how, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(up.attributes_kept, Some(true));
    let down = download(&mut *session, &path("x"), &back, &how, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(down.attributes_kept, Some(true));
    let metadata = fs::metadata(&back).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    assert_eq!(metadata.modified().unwrap(), at);
}

#[tokio::test]
async fn a_folder_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("x");
    fs::write(&local, "content").unwrap();
    let mut session = connect().await;
    session
        .create_dir(&path("x"), Default::default())
        .await
        .unwrap();
    let error = upload(&mut *session, &local, &path("x"), &options(), &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::IsADirectory);
    let error = upload(
        &mut *session,
        &local,
        &path("none/x"),
        &options(),
        &mut |_| {},
    )
    .await
    .unwrap_err();
    assert_eq!(
        (error.kind(), error.path()),
        (&ErrorKind::NotFound, Some(&path("none/x")))
    );
}

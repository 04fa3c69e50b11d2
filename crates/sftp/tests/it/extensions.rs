//! What only some servers have, and what servers have each in their own way.

use std::sync::{Arc, Mutex};

use ftp_connect_core::{
    ChecksumAlgorithm, CopyOptions, ErrorKind, Permissions, SessionExt as _, Timestamp,
    WriteOptions,
};
use russh::MethodKind;

use crate::{
    odd::{
        self, CLOSE, EXTENDED, FSETSTAT, FSTAT, LSTAT, OPEN, Odd, READLINK, REALPATH, SYMLINK,
        Sftp, WRITE,
    },
    servers::{path, session},
};

const PASSWORD: &[MethodKind] = &[MethodKind::Password];

/// The requests that a server saw: kind and body.
type Seen = Arc<Mutex<Vec<(u8, Vec<u8>)>>>;

fn strings(parts: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        odd::put(&mut out, part.as_bytes());
    }
    out
}

/// A server with these extensions that answers `Extended` requests with `answer`, and all else with success.
async fn extended(
    extensions: &[(&str, &str)],
    answer: impl Fn(u32) -> Vec<u8> + Send + 'static,
) -> (Odd, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let sftp = Sftp::with_extensions(extensions, move |kind, id, body| {
        kept.lock().unwrap().push((kind, body.to_vec()));
        vec![match kind {
            EXTENDED => answer(id),
            OPEN if body[4..].starts_with(b"from") => odd::handle(id, b"f"),
            OPEN => odd::handle(id, b"t"),
            FSTAT if body[4..] == *b"f" => odd::file(id, 10),
            FSTAT => odd::file(id, 99),
            LSTAT => odd::file(id, 1),
            _ => odd::status(id, 0),
        }]
    });
    (Odd::start(PASSWORD, sftp).await, seen)
}

#[tokio::test]
async fn a_symlink_has_its_arguments_in_the_order_of_the_server() {
    for (greeting, expected) in [
        ("SSH-2.0-OpenSSH_9.2", ["target", "link"]),
        ("SSH-2.0-dropbear_2022.83", ["target", "link"]),
        ("SSH-2.0-mod_sftp", ["target", "link"]),
        ("SSH-2.0-AsyncSSH_2.14.2", ["link", "target"]),
    ] {
        let seen = Seen::default();
        let kept = Arc::clone(&seen);
        let sftp = Sftp::answers(move |kind, id, body| {
            kept.lock().unwrap().push((kind, body.to_vec()));
            vec![odd::status(id, 0)]
        });
        let server = Odd::greeting(greeting, PASSWORD, sftp).await;
        let mut session = session(&server).await;
        session
            .create_symlink(&path("link"), &path("target"))
            .await
            .unwrap();
        let seen = seen.lock().unwrap();
        assert_eq!(seen[0], (SYMLINK, strings(&expected)), "{greeting}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_link_is_told_from_a_bad_message() {
    let server = Odd::answering(|kind, id, _| {
        vec![match kind {
            // As OpenSSH answers EINVAL.
            READLINK => odd::status(id, 5),
            _ => odd::file(id, 3),
        }]
    })
    .await;
    let error = session(&server).await.read_link(&path("f")).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Refused);
    assert!(error.to_string().contains("no symbolic link"), "{error}");
}

#[tokio::test]
async fn attributes_that_are_refused_fail_no_upload() {
    for (code, expected) in [(0, true), (3, false), (8, false)] {
        let seen = Seen::default();
        let kept = Arc::clone(&seen);
        let server = Odd::answering(move |kind, id, body| {
            kept.lock().unwrap().push((kind, body.to_vec()));
            vec![match kind {
                OPEN => odd::handle(id, b"h"),
                FSETSTAT => odd::status(id, code),
                WRITE | CLOSE => odd::status(id, 0),
                _ => odd::status(id, 2),
            }]
        })
        .await;
        let mut session = session(&server).await;
        let options = WriteOptions::default()
            .with_permissions(Permissions::from_mode(0o640))
            .with_modified(Timestamp::from_unix_seconds(7));
        let done = session
            .write_all(&path("f"), b"abc", options)
            .await
            .unwrap();
        assert_eq!((done.bytes, done.attributes_set), (3, Some(expected)));
        // Nobody asked for attributes: nothing is said of them.
        let plain = WriteOptions::default();
        let done = session.write_all(&path("f"), b"abc", plain).await.unwrap();
        assert_eq!(done.attributes_set, None);
        let seen = seen.lock().unwrap();
        let set: Vec<_> = seen.iter().filter(|(kind, _)| *kind == FSETSTAT).collect();
        assert_eq!(set.len(), 1);
        assert_eq!(
            set[0].1,
            b"\0\0\0\x01h\0\0\0\x0c\0\0\x01\xa0\0\0\0\x07\0\0\0\x07"
        );
    }
}

#[tokio::test]
async fn without_its_extension_an_operation_is_unsupported_and_not_asked_for() {
    let (server, seen) = extended(&[], |id| odd::status(id, 0)).await;
    let mut session = session(&server).await;
    let (a, b) = (path("a"), path("b"));
    let can = session.capabilities();
    assert!(!(can.hard_links || can.copy_file || can.free_space || can.checksum || can.sync));
    let errors = [
        session.create_hard_link(&a, &b).await.unwrap_err(),
        session
            .copy_file(&a, &b, CopyOptions::default())
            .await
            .unwrap_err(),
        session.free_space(&a).await.unwrap_err(),
        session.expand_home(&a).await.unwrap_err(),
        session
            .checksum(&a, ChecksumAlgorithm::Md5)
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), &ErrorKind::Unsupported, "{error}");
    }
    assert_eq!(*seen.lock().unwrap(), []);
}

#[tokio::test]
async fn room_on_the_disk() {
    let mut body = Vec::new();
    for number in [4096_u64, 1024, 1000, 300, 200, 9, 8, 7, 6, 5, 255] {
        body.extend_from_slice(&number.to_be_bytes());
    }
    let (server, seen) = extended(&[("statvfs@openssh.com", "2")], move |id| {
        odd::extended(id, &body)
    })
    .await;
    let space = session(&server).await.free_space(&path("")).await.unwrap();
    assert_eq!((space.available, space.total), (204_800, Some(1_024_000)));
    let asked = strings(&["statvfs@openssh.com", "."]);
    assert_eq!(*seen.lock().unwrap(), [(EXTENDED, asked)]);
}

#[tokio::test]
async fn checksums_of_those_algorithms_that_the_server_names() {
    let answer = |id| {
        let mut body = strings(&["check-file", "sha256"]);
        body.extend_from_slice(&[7; 32]);
        odd::extended(id, &body)
    };
    let (server, _) = extended(&[("check-file", "md5,sha256")], answer).await;
    let mut session = session(&server).await;
    let told = session
        .checksum(&path("f"), ChecksumAlgorithm::Sha256)
        .await;
    assert_eq!(told.unwrap().digest, [7; 32]);
    // Not named, and named but answered with another.
    for algorithm in [ChecksumAlgorithm::Sha512, ChecksumAlgorithm::Md5] {
        let error = session.checksum(&path("f"), algorithm).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Unsupported, "{error}");
    }
}

#[tokio::test]
async fn a_copy_cuts_what_was_longer_only_afterwards() {
    let (server, seen) = extended(&[("copy-data", "1")], |id| odd::status(id, 0)).await;
    let mut session = session(&server).await;
    let (from, to) = (path("from"), path("to"));
    let options = CopyOptions::default().with_replace(true);
    session.copy_file(&from, &to, options).await.unwrap();
    let kinds = || -> Vec<u8> {
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        seen.iter().map(|(kind, _)| *kind).collect()
    };
    let all = kinds();
    let copied = all.iter().position(|kind| *kind == EXTENDED).unwrap();
    let cut = all.iter().position(|kind| *kind == FSETSTAT).unwrap();
    assert!(copied < cut, "{all:?}");
}

#[tokio::test]
async fn the_path_of_a_missing_name_is_that_of_its_folder() {
    let sftp = Sftp::Answers(Arc::new(Mutex::new(Box::new(|kind, id, body| {
        vec![match kind {
            odd::INIT => vec![2, 0, 0, 0, 3],
            // As ProFTPD: what is not there has no path.
            REALPATH if body.ends_with(b"missing") => odd::status(id, 2),
            REALPATH => odd::names(id, &[(b"/home/dir", 0)]),
            _ => odd::status(id, 8),
        }]
    }))));
    let server = Odd::start(PASSWORD, sftp).await;
    let mut session = session(&server).await;
    let told = session.real_path(&path("dir/missing")).await.unwrap();
    assert_eq!(told, path("/home/dir/missing"));
    let error = session.real_path(&path("missing/missing")).await;
    assert_eq!(error.unwrap_err().kind(), &ErrorKind::NotFound);
}

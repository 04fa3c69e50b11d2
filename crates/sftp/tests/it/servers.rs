//! What servers do that the protocol allows, and what it does not.

use std::{
    num::NonZeroU16,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ftp_connect_core::{
    ConnectParams, Encryption, Error, ErrorKind, ListOptions, ReadOptions, RemotePath,
    RenameOptions, Result, Session, SessionExt as _, StatOptions, Transferred, Transport as _,
    WriteOptions, params::Timeouts,
};
use ftp_connect_sftp::SftpTransport;
use ftp_connect_testkit::sftp::UserKey;
use russh::MethodKind;

use crate::odd::{
    self, CLOSE, FSTAT, LSTAT, OPEN, OPENDIR, Odd, READ, READDIR, RENAME, STAT, Sftp, WRITE,
};

pub(crate) fn params(server: &Odd) -> ConnectParams {
    ConnectParams::new("127.0.0.1")
        .unwrap()
        .with_port(NonZeroU16::new(server.addr.port()))
        .with_encryption(Encryption::SshPassword)
        .with_username("tester")
        .with_password("secret")
}

pub(crate) async fn session(server: &Odd) -> Box<dyn Session> {
    SftpTransport.connect(&params(server)).await.unwrap()
}

async fn fails(factors: &'static [MethodKind], sftp: Sftp) -> Error {
    let server = Odd::start(factors, sftp).await;
    SftpTransport.connect(&params(&server)).await.unwrap_err()
}

pub(crate) fn path(text: &str) -> RemotePath {
    text.parse().unwrap()
}

/// A file that answers reads by `cut`: how much of a request's range is answered at once.
fn serves(content: Vec<u8>, cut: usize) -> impl FnMut(u8, u32, &[u8]) -> Vec<Vec<u8>> + Send {
    move |kind, id, body| {
        vec![match kind {
            OPEN => odd::handle(id, b"h"),
            FSTAT => odd::file(id, content.len() as u64),
            READ => {
                let (offset, length) = odd::range(body);
                let end = (offset + length.min(cut)).min(content.len());
                match content.get(offset..end) {
                    Some(part) if !part.is_empty() => odd::data(id, part),
                    _ => odd::status(id, 1),
                }
            }
            CLOSE => odd::status(id, 0),
            _ => odd::status(id, 8),
        }]
    }
}

fn pattern(length: u32) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

#[tokio::test]
async fn two_factors_in_either_order() {
    use MethodKind::{Password, PublicKey};
    let key = UserKey::generate().unwrap();
    for factors in [&[PublicKey, Password][..], &[Password, PublicKey]] {
        let server = Odd::start(factors, Sftp::answers(|_, id, _| vec![odd::status(id, 8)])).await;
        let both = params(&server).with_key_content(key.private());
        let session = SftpTransport.connect(&both).await.unwrap();
        session.close().await.unwrap();
    }
    let server = Odd::start(&[PublicKey, Password], Sftp::Refused).await;
    let key_alone = params(&server)
        .with_key_content(key.private())
        .with_password("");
    let error = SftpTransport.connect(&key_alone).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::LoginRefused);
    assert!(error.to_string().contains("another proof"), "{error}");
}

#[tokio::test]
async fn a_server_without_sftp_says_so() {
    let refused = fails(&[MethodKind::Password], Sftp::Refused).await;
    assert_eq!(refused.kind(), &ErrorKind::Unsupported);
    assert!(
        refused.to_string().contains("refuses the subsystem"),
        "{refused}"
    );
    let gone = fails(&[MethodKind::Password], Sftp::Says(b"")).await;
    assert_eq!(gone.kind(), &ErrorKind::Closed, "{gone}");
}

#[tokio::test]
async fn text_of_a_login_script_is_shown() {
    let error = fails(
        &[MethodKind::Password],
        Sftp::Says(b"Welcome!\r\nYou have\tmail.\n"),
    )
    .await;
    assert_eq!(error.kind(), &ErrorKind::Protocol);
    assert!(
        error.to_string().contains("Welcome! You have mail."),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("login script"));
}

#[tokio::test]
async fn an_old_version_is_refused() {
    let answer = |_: u8, _: u32, _: &[u8]| vec![vec![2, 0, 0, 0, 2]];
    let error = fails(
        &[MethodKind::Password],
        Sftp::Answers(Arc::new(Mutex::new(Box::new(answer)))),
    )
    .await;
    assert_eq!(error.kind(), &ErrorKind::Unsupported);
    assert!(error.to_string().contains("version 2"), "{error}");
}

#[tokio::test]
async fn short_answers_are_completed() {
    let content = pattern(200_000);
    for cut in [1000, 7000, 32 * 1024 - 1] {
        let server = Odd::answering(serves(content.clone(), cut)).await;
        let mut session = session(&server).await;
        let whole = session.read_to_vec(&path("f"), 1 << 20).await.unwrap();
        assert!(whole == content, "cut at {cut}");
        let options = ReadOptions::default()
            .with_offset(100_000)
            .with_length(50_001);
        let mut body = session.read(&path("f"), options).await.unwrap();
        let mut part = Vec::new();
        let mut buffer = [0; 999];
        loop {
            match body.read(&mut buffer).await.unwrap() {
                0 => break,
                n => part.extend_from_slice(&buffer[..n]),
            }
        }
        assert!(!body.finish().await.unwrap().to_end);
        assert!(part == content[100_000..150_001], "cut at {cut}");
    }
}

#[tokio::test]
async fn answers_out_of_order_find_their_requests() {
    let content = pattern(500_000);
    let mut serve = serves(content.clone(), usize::MAX);
    let mut held: Vec<Vec<u8>> = Vec::new();
    // The first READ is answered after all that were sent with it.
    let server = Odd::answering(move |kind, id, body| {
        let answers = serve(kind, id, body);
        if kind != READ {
            return answers;
        }
        held.extend(answers);
        let (offset, length) = odd::range(body);
        let last = offset + length >= 500_000 || held.len() >= 2;
        if last {
            held.drain(..).rev().collect()
        } else {
            Vec::new()
        }
    })
    .await;
    let mut session = session(&server).await;
    let whole = session.read_to_vec(&path("f"), 1 << 20).await.unwrap();
    assert!(whole == content);
}

#[tokio::test]
async fn a_file_that_ends_before_its_size_is_not_whole() {
    let mut serve = serves(pattern(50), usize::MAX);
    let server = Odd::answering(move |kind, id, body| match kind {
        FSTAT => vec![odd::file(id, 100)],
        _ => serve(kind, id, body),
    })
    .await;
    let error = session(&server)
        .await
        .read_to_vec(&path("f"), 1000)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TransferNotWhole, "{error}");
}

#[tokio::test]
async fn a_file_without_a_size_is_read_to_its_end() {
    // As in /proc: the size is told as 0 and there is content.
    let content = pattern(300_000);
    let mut serve = serves(content.clone(), usize::MAX);
    let server = Odd::answering(move |kind, id, body| match kind {
        FSTAT => vec![odd::file(id, 0)],
        _ => serve(kind, id, body),
    })
    .await;
    let whole = session(&server)
        .await
        .read_to_vec(&path("f"), 1 << 20)
        .await
        .unwrap();
    assert!(whole == content);
}

/// Writes 200,000 bytes to a server that answers like this.
async fn write_to(
    answer: impl FnMut(u8, u32, &[u8]) -> Option<Vec<u8>> + Send + 'static,
) -> Result<Transferred> {
    let mut answer = answer;
    let server = Odd::answering(move |kind, id, body| {
        vec![answer(kind, id, body).unwrap_or_else(|| match kind {
            OPEN => odd::handle(id, b"h"),
            STAT => odd::file(id, 200_000),
            _ => odd::status(id, 0),
        })]
    })
    .await;
    let mut session = session(&server).await;
    let content = pattern(200_000);
    session
        .write_all(&path("f"), &content, WriteOptions::default())
        .await
}

#[tokio::test]
async fn what_is_no_file_has_no_size_to_compare_with() {
    // A device takes everything and stays at 0 bytes; a server that gives no types is taken to mean a file.
    let to =
        |mode| write_to(move |kind, id, _| (kind == STAT).then(|| odd::attributes(id, 0, mode)));
    assert_eq!(to(0o020_666).await.unwrap().bytes, 200_000);
    for mode in [0o100_666, 0o666] {
        let error = to(mode).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::TransferNotWhole, "{error}");
    }
}

#[tokio::test]
async fn a_write_is_done_when_all_of_it_is_confirmed() {
    let third = AtomicUsize::new(0);
    let full = write_to(move |kind, id, _| {
        (kind == WRITE && third.fetch_add(1, Ordering::Relaxed) == 2).then(|| odd::status(id, 14))
    })
    .await
    .unwrap_err();
    assert_eq!(full.kind(), &ErrorKind::NoSpace, "{full}");
    assert_eq!(full.reply().unwrap().code, 14);
    let close = write_to(|kind, id, _| (kind == CLOSE).then(|| odd::status(id, 15)))
        .await
        .unwrap_err();
    assert_eq!(close.kind(), &ErrorKind::NoSpace, "{close}");
    let short = write_to(|kind, id, _| (kind == STAT).then(|| odd::file(id, 199_999)))
        .await
        .unwrap_err();
    assert_eq!(short.kind(), &ErrorKind::TransferNotWhole, "{short}");
}

#[tokio::test]
async fn a_late_answer_belongs_to_nobody_and_its_handle_is_closed() {
    let closed = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&closed);
    let mut held: Vec<Vec<u8>> = Vec::new();
    let server = Odd::answering(move |kind, id, body| {
        let slow = body[4..].starts_with(b"slow");
        match kind {
            OPEN if slow => held.push(odd::handle(id, b"late")),
            LSTAT if slow => held.push(odd::file(id, 1)),
            CLOSE => {
                seen.fetch_add(1, Ordering::SeqCst);
                return vec![odd::status(id, 0)];
            }
            LSTAT => {
                // All that was held back comes before the answer.
                let mut answers = std::mem::take(&mut held);
                answers.push(odd::file(id, 2));
                return answers;
            }
            _ => return vec![odd::status(id, 4)],
        }
        Vec::new()
    })
    .await;
    let mut session = session(&server).await;
    let soon = Duration::from_millis(50);
    let slow = path("slow");
    let given_up = tokio::time::timeout(soon, session.stat(&slow, StatOptions::default()));
    assert!(given_up.await.is_err());
    let given_up = tokio::time::timeout(soon, session.read(&slow, ReadOptions::default()));
    assert!(given_up.await.is_err());
    for _ in 0..2 {
        let entry = session
            .stat(&path("fast"), StatOptions::default())
            .await
            .unwrap();
        assert_eq!(entry.size, Some(2));
    }
    session
        .stat(&path("fast"), StatOptions::default())
        .await
        .unwrap();
    assert_eq!(closed.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_answer_is_a_time_out_and_the_session_goes_on() {
    let server = Odd::answering(|kind, id, body| match kind {
        LSTAT if body[4..].starts_with(b"never") => Vec::new(),
        _ => vec![odd::file(id, 1)],
    })
    .await;
    // Long enough for connecting on a machine that is busy.
    let short = Timeouts::default().with_reply(Duration::from_secs(3));
    let params = params(&server).with_timeouts(short);
    let mut session = SftpTransport.connect(&params).await.unwrap();
    let error = session
        .stat(&path("never"), StatOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TimedOut, "{error}");
    session
        .stat(&path("there"), StatOptions::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn names_that_fit_in_no_path_are_counted() {
    let mut batches = 0;
    let server = Odd::answering(move |kind, id, _| {
        vec![match kind {
            OPENDIR => odd::handle(id, b"d"),
            READDIR if batches == 0 => {
                batches = 1;
                let names: [(&[u8], u32); 6] = [
                    (b".", 0o40755),
                    (b"..", 0o40755),
                    (b"caf\xe9", 0o100_644),
                    (b"two\nlines", 0o100_644),
                    (b"../escape", 0o100_644),
                    (b"", 0o100_644),
                ];
                odd::names(id, &names)
            }
            READDIR => odd::status(id, 1),
            _ => odd::status(id, 0),
        }]
    })
    .await;
    let mut session = session(&server).await;
    let mut listing = session
        .list(&path(""), ListOptions::default())
        .await
        .unwrap();
    let entry = listing.next().await.unwrap().unwrap();
    assert_eq!(entry.name.as_bytes(), b"caf\xe9");
    assert!(listing.next().await.unwrap().is_none());
    let summary = listing.finish().await.unwrap();
    assert_eq!((summary.entries, summary.unparsed), (1, 3));
    assert_eq!(summary.unparsed_samples[1], b"../escape");
}

#[tokio::test]
async fn a_later_versions_code_for_an_existing_name_is_understood() {
    let server =
        Odd::answering(|kind, id, _| vec![odd::status(id, if kind == RENAME { 11 } else { 4 })])
            .await;
    let mut session = session(&server).await;
    let (a, b) = (path("a"), path("b"));
    let rename = session.rename(&a, &b, RenameOptions::default());
    let error = rename.await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AlreadyExists, "{error}");
    // Without posix-rename there is no way to replace.
    assert!(!session.capabilities().rename_replaces);
    let options = RenameOptions::default().with_replace(true);
    let error = session
        .rename(&path("a"), &path("b"), options)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unsupported, "{error}");
    assert_eq!(error.reply().unwrap().code, 11);
}

#[tokio::test]
async fn an_answer_to_nothing_ends_the_session_with_its_reason() {
    let server = Odd::answering(|_, id, _| vec![odd::status(id.wrapping_add(77), 0)]).await;
    let mut session = session(&server).await;
    for _ in 0..2 {
        let error = session
            .stat(&path("f"), StatOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Protocol, "{error}");
        assert!(error.to_string().contains("not asked"), "{error}");
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_transfer_that_failed_stays_failed() {
    // The second READ, the second WRITE and the second READDIR are refused, all others succeed.
    let mut counts = [0_usize; 256];
    let server = Odd::answering(move |kind, id, _| {
        counts[usize::from(kind)] += 1;
        let second = counts[usize::from(kind)] == 2;
        vec![match kind {
            OPEN | OPENDIR => odd::handle(id, b"h"),
            FSTAT => odd::file(id, 200_000),
            READ | WRITE | READDIR if second => odd::status(id, 3),
            READ => odd::data(id, &[1; 32 * 1024]),
            READDIR => odd::names(id, &[(b"name", 0o100_644)]),
            _ => odd::status(id, 0),
        }]
    })
    .await;
    let mut session = session(&server).await;
    let not_whole =
        |error: Error| assert_eq!(error.kind(), &ErrorKind::TransferNotWhole, "{error}");
    let path = path("f");
    let mut body = session.read(&path, ReadOptions::default()).await.unwrap();
    let mut buffer = vec![0; 64 * 1024];
    assert_eq!(body.read(&mut buffer).await.unwrap(), 32 * 1024);
    let error = body.read(&mut buffer).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::PermissionDenied, "{error}");
    not_whole(body.read(&mut buffer).await.unwrap_err());
    not_whole(body.finish().await.unwrap_err());

    let mut body = session.write(&path, WriteOptions::default()).await.unwrap();
    let error = loop {
        match body.write(&buffer).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), &ErrorKind::PermissionDenied, "{error}");
    not_whole(body.write(&buffer).await.unwrap_err());
    not_whole(body.finish().await.unwrap_err());

    let mut listing = session.list(&path, ListOptions::default()).await.unwrap();
    assert!(listing.next().await.unwrap().is_some());
    let error = listing.next().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::PermissionDenied, "{error}");
    not_whole(listing.next().await.unwrap_err());
    not_whole(listing.finish().await.unwrap_err());
}

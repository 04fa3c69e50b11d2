//! Round trips, counted: a server that answers nothing before all requests of a flight have come.
//!
//! A client that waits where it need not never gets its answer here, so that each flight of a test is one round
//! trip and no more. What SSH itself takes comes on top of these.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use ftp_connect_core::{
    FileToWrite, RemotePath, Session, SessionExt as _, Transport as _, WriteOptions,
    params::Timeouts,
};
use ftp_connect_sftp::SftpTransport;
use russh::MethodKind;

use crate::{
    odd::{
        self, CLOSE, EXTENDED, FSTAT, INIT, OPEN, OPENDIR, Odd, READ, READDIR, REALPATH, STAT,
        Sftp, WRITE,
    },
    servers::{params, path},
};

/// The flights that have not come yet.
type Flights = Arc<Mutex<VecDeque<Vec<u8>>>>;

const BEGIN: &[u8] = &[INIT, REALPATH];

/// A session with a server that waits for these flights of requests; it tells its limits.
async fn connect(flights: &[&[u8]]) -> (Odd, Flights, Box<dyn Session>) {
    let flights: VecDeque<_> = flights.iter().map(|flight| flight.to_vec()).collect();
    let flights = Arc::new(Mutex::new(flights));
    let (left, mut held) = (Arc::clone(&flights), Vec::new());
    let mut version = vec![2, 0, 0, 0, 3];
    odd::put(&mut version, b"limits@openssh.com");
    odd::put(&mut version, b"1");
    let answer = move |kind, id, body: &[u8]| {
        let answer = match kind {
            // Handles are given back at any time.
            CLOSE => return vec![odd::status(id, 0)],
            INIT => version.clone(),
            REALPATH => odd::names(id, &[(b"/", 0o40755)]),
            EXTENDED => odd::extended(
                id,
                &[9000_u64, 5000, 5000, 100].map(u64::to_be_bytes).concat(),
            ),
            OPEN | OPENDIR => odd::handle(id, b"h"),
            FSTAT | STAT => odd::file(id, 3),
            READ => {
                assert!(
                    odd::range(body).1 <= 5000,
                    "more than the limit was asked for"
                );
                odd::data(id, b"abc")
            }
            READDIR => odd::status(id, 1),
            _ => odd::status(id, 0),
        };
        held.push(answer);
        let mut left = left.lock().unwrap();
        let Some(flight) = left.front_mut() else {
            return Vec::new();
        };
        if let Some(at) = flight.iter().position(|expected| *expected == kind) {
            flight.remove(at);
        }
        if !flight.is_empty() {
            return Vec::new();
        }
        left.pop_front();
        std::mem::take(&mut held)
    };
    let sftp = Sftp::Answers(Arc::new(Mutex::new(Box::new(answer))));
    let server = Odd::start(&[MethodKind::Password], sftp).await;
    let timeouts = Timeouts::default()
        .with_reply(Duration::from_secs(20))
        .with_idle(Duration::from_secs(20));
    let params = params(&server).with_timeouts(timeouts);
    let session = SftpTransport.connect(&params).await.unwrap();
    (server, flights, session)
}

#[track_caller]
fn all_came(flights: &Flights) {
    let left = flights.lock().unwrap();
    assert!(left.is_empty(), "not asked for: {left:?}");
}

#[tokio::test]
async fn a_folder_is_listed_after_three() {
    let flights = [BEGIN, &[EXTENDED, OPENDIR], &[READDIR, READDIR]];
    let (_server, flights, mut session) = connect(&flights).await;
    session.list_all(&path("")).await.unwrap();
    all_came(&flights);
}

#[tokio::test]
async fn a_small_file_is_read_after_three() {
    let flights = [BEGIN, &[EXTENDED, OPEN], &[FSTAT, READ, READ]];
    let (_server, flights, mut session) = connect(&flights).await;
    let content = session.read_to_vec(&path("f"), 100).await.unwrap();
    assert_eq!(content, b"abc");
    all_came(&flights);
}

#[tokio::test]
async fn a_small_file_is_written_after_three() {
    let flights = [BEGIN, &[EXTENDED, OPEN], &[WRITE, STAT]];
    let (_server, flights, mut session) = connect(&flights).await;
    let written = session
        .write_all(&path("f"), b"abc", WriteOptions::default())
        .await;
    assert_eq!(written.unwrap().bytes, 3);
    all_came(&flights);
}

#[tokio::test]
async fn many_small_files_take_no_more_than_one() {
    let paths: Vec<RemotePath> = (0..40).map(|n| path(&n.to_string())).collect();
    let each = |kinds: &[u8]| kinds.repeat(paths.len());
    let (open, read, write) = (each(&[OPEN]), each(&[FSTAT, READ]), each(&[WRITE, STAT]));

    let first = [&[EXTENDED][..], &open].concat();
    let (_server, flights, mut session) = connect(&[BEGIN, &first, &read, &open, &write]).await;
    let mut files = session.read_files(paths.clone(), 100);
    for path in &paths {
        let file = files.next().await.unwrap();
        assert_eq!(
            (&file.path, &file.content.unwrap()[..]),
            (path, &b"abc"[..])
        );
    }
    drop(files);
    let files = paths
        .iter()
        .map(|path| FileToWrite::new(path.clone(), b"abc".to_vec()));
    let mut written = session.write_files(files.collect());
    for path in &paths {
        let file = written.next().await.unwrap();
        assert_eq!((&file.path, file.outcome.unwrap().bytes), (path, 3));
    }
    drop(written);
    all_came(&flights);
}

#[tokio::test]
async fn a_server_that_misses_what_comes_behind_the_version_is_asked_again() {
    let mut asked = 0;
    let answer = move |kind, id, _: &[u8]| match kind {
        INIT => vec![vec![2, 0, 0, 0, 3]],
        REALPATH if asked == 0 => {
            asked += 1;
            Vec::new()
        }
        _ => vec![odd::names(id, &[(b"/home", 0o40755)])],
    };
    let sftp = Sftp::Answers(Arc::new(Mutex::new(Box::new(answer))));
    let server = Odd::start(&[MethodKind::Password], sftp).await;
    let session = SftpTransport.connect(&params(&server)).await.unwrap();
    assert_eq!(session.report().login_folder, Some(path("/home")));
}

//! Transfers whose control connection says little, late, or nothing: what came over is not thrown away,
//! and no reply is taken for another's.

use std::time::Duration;

use ftp_connect_core::params::Timeouts;
use ftp_connect_core::{
    ConnectParams, Disposition, ErrorKind, ReadOptions, Result, Retry, Session, TransferType,
    Transferred, WriteOptions,
};
use ftp_connect_testkit::peer::Peer;

use crate::script::{QUIT, connect, connect_with, leave, login, params, path, peer};

const PASSIVE: &str = "C: EPSV\ndata\nS: 229 ok (|||{port}|)\n";

async fn fetch(session: &mut dyn Session, options: ReadOptions) -> Result<(String, Transferred)> {
    let mut body = session.read(&path("f"), options).await?;
    let mut all = Vec::new();
    let mut buffer = [0; 64];
    loop {
        match body.read(&mut buffer).await? {
            0 => break,
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
    let transferred = body.finish().await?;
    Ok((String::from_utf8(all).unwrap(), transferred))
}

async fn store(session: &mut dyn Session, options: WriteOptions) -> Result<Transferred> {
    let mut body = session.write(&path("f"), options).await?;
    let mut rest: &[u8] = b"content";
    while !rest.is_empty() {
        let count = body.write(rest).await?;
        rest = &rest[count..];
    }
    body.finish().await
}

/// What a second connection is asked, and answers.
fn elsewhere(answers: &str) -> String {
    format!("accept\n{}{answers}{QUIT}", login("SIZE"))
}

#[tokio::test]
async fn a_download_without_its_last_word_is_proven_by_its_size() {
    // Firewalls and servers end control connections that are idle while data flows.
    for ending in ["close", "reset", "S: 421 Timeout\nclose"] {
        for (size, whole) in [("213 7", true), ("213 8", false), ("550 no", false)] {
            let script = format!(
                "{}{PASSIVE}C: RETR f\nS: 150 go\nD> content\ndata-close\n{ending}\n{}",
                login("SIZE"),
                elsewhere(&format!("C: SIZE f\nS: {size}\n"))
            );
            let peer = peer(&script).await;
            let mut session = connect(&peer).await.unwrap();
            let outcome = fetch(session.as_mut(), ReadOptions::default()).await;
            match (outcome, whole) {
                (Ok((content, transferred)), true) => {
                    assert_eq!((content.as_str(), transferred.to_end), ("content", true));
                }
                (Err(error), false) => {
                    assert_eq!(error.kind(), &ErrorKind::TransferNotWhole, "{error:?}");
                    assert_eq!(error.retry(), Retry::NewSession);
                }
                (outcome, _) => panic!("{ending}, {size}: {outcome:?}"),
            }
            closed(session, peer).await;
        }
    }
}

#[tokio::test]
async fn an_upload_without_its_last_word_is_proven_by_its_size() {
    let script = format!(
        "{}C: SIZE f\nS: 213 5\n{PASSIVE}C: APPE f\nS: 150 go\nD< content\ndata-end\nclose\n{}",
        login("SIZE"),
        // The first answer comes while the server still writes.
        elsewhere("C: SIZE f\nS: 213 9\nC: SIZE f\nS: 213 12\n")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let options = WriteOptions::default().with_disposition(Disposition::Resume(5));
    let transferred = store(session.as_mut(), options).await.unwrap();
    assert_eq!((transferred.bytes, transferred.to_end), (7, true));
    closed(session, peer).await;
}

#[tokio::test]
async fn what_sizes_do_not_tell_is_not_whole() {
    // Neither text nor what was added to a file of unknown size is proven by a size; nobody is asked.
    let script = format!(
        "{}{PASSIVE}C: APPE f\nS: 150 go\nD< content\ndata-end\nclose",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let options = WriteOptions::default().with_disposition(Disposition::Append);
    let error = store(session.as_mut(), options).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TransferNotWhole);
    closed(session, peer).await;
}

#[tokio::test]
async fn a_server_that_forgets_the_last_word_is_asked_elsewhere() {
    let script = format!(
        "{}{PASSIVE}C: RETR f\nS: 150 go\nD> content\ndata-close\n{}",
        login("SIZE"),
        elsewhere("C: SIZE f\nS: 213 7\n")
    );
    let peer = peer(&script).await;
    let mut session = connect_with(&impatient(&peer)).await.unwrap();
    let (content, _) = fetch(session.as_mut(), ReadOptions::default())
        .await
        .unwrap();
    assert_eq!(content, "content");
    closed(session, peer).await;
}

/// Checks that the session says that it is closed, and that the script was played.
async fn closed(mut session: Box<dyn Session>, peer: Peer) {
    let error = session.keep_alive().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Closed);
    assert_eq!(error.retry(), Retry::NewSession);
    session.close().await.unwrap();
    if let Err(error) = peer.finish().await {
        panic!("{error}");
    }
}

fn impatient(peer: &Peer) -> ConnectParams {
    let short = Duration::from_millis(600);
    params(peer).with_timeouts(
        Timeouts::default()
            .with_connect(10 * short)
            .with_reply(short)
            .with_data(short)
            .with_idle(short),
    )
}

/// Signs of life every 50 ms.
fn lively(peer: &Peer) -> ConnectParams {
    params(peer).with_control_keep_alive(Duration::from_millis(50))
}

#[tokio::test]
async fn signs_of_life_are_answered_at_once() {
    let pings = "C: NOOP\nS: 200 here\nC: NOOP\nS: 200 still\n";
    let script = format!(
        "{}{PASSIVE}C: RETR f\nS: 150 go\nD> con\n{pings}D> tent\ndata-close\nS: 226 done\n\
         C: DELE a\nS: 250 gone\n{QUIT}",
        login("SIZE")
    );
    lives_through(&script).await;
}

#[tokio::test]
async fn signs_of_life_are_answered_after_the_transfer() {
    // vsftpd and ProFTPD read no command during a transfer.
    let script = format!(
        "{}{PASSIVE}C: RETR f\nS: 150 go\nD> con\nC: NOOP\nC: NOOP\nD> tent\ndata-close\nS: 226 done\n\
         S: 200 here\nS: 200 still\nC: DELE a\nS: 250 gone\n{QUIT}",
        login("SIZE")
    );
    lives_through(&script).await;
}

#[tokio::test]
async fn signs_of_life_are_answered_before_the_last_word() {
    let script = format!(
        "{}{PASSIVE}C: RETR f\nS: 150 go\nD> con\nC: NOOP\nC: NOOP\nS: 503 busy\nD> tent\ndata-close\n\
         S: 200 late\nS: 226 done\nC: DELE a\nS: 250 gone\n{QUIT}",
        login("SIZE")
    );
    lives_through(&script).await;
}

#[tokio::test]
async fn signs_of_life_are_swallowed() {
    // The answer to another question shows that none will come to these.
    let script = format!(
        "{}{PASSIVE}C: RETR f\nS: 150 go\nD> con\nC: NOOP\nC: NOOP\nD> tent\ndata-close\nS: 226 done\n\
         C: PWD\nS: 257 \"/\"\nC: DELE a\nS: 250 gone\n{QUIT}",
        login("SIZE")
    );
    lives_through(&script).await;
}

/// Downloads with signs of life; then the session is in step.
async fn lives_through(script: &str) {
    let peer = peer(script).await;
    let mut session = connect_with(&lively(&peer)).await.unwrap();
    let (content, transferred) = fetch(session.as_mut(), ReadOptions::default())
        .await
        .unwrap();
    assert_eq!((content.as_str(), transferred.to_end), ("content", true));
    session.remove_file(&path("a")).await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn a_refusal_in_the_middle_ends_an_upload_that_nobody_reads() {
    // The server keeps the data connection open and reads no more of it.
    let script = format!(
        "{}{PASSIVE}C: STOR f\nS: 150 go\nD< c\nS: 552 quota exceeded\nC: NOOP\nS: 200 here\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let mut body = session
        .write(&path("f"), WriteOptions::default())
        .await
        .unwrap();
    let content = vec![b'c'; 1 << 20];
    let error = loop {
        match body.write(&content).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), &ErrorKind::NoSpace, "{error:?}");
    drop(body);
    session.keep_alive().await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn a_data_connection_that_stalls_has_a_deadline() {
    let script = format!(
        "{}{PASSIVE}C: RETR f\nS: 150 go\nD> half\nC: NOOP\nS: 426 cut\nS: 200 here\n\
         C: NOOP\nS: 200 here\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let timeouts = Timeouts::default().with_idle(Duration::from_millis(300));
    let params = params(&peer).with_timeouts(timeouts);
    let mut session = connect_with(&params).await.unwrap();
    let error = fetch(session.as_mut(), ReadOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TimedOut);
    session.keep_alive().await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn text_has_its_lines_converted_both_ways() {
    let ascii = TransferType::Ascii;
    // The CR and the LF of a line end come in pieces; sizes are not asked for.
    let script = format!(
        "{}C: TYPE A\nS: 200 ok\n{PASSIVE}C: RETR f\nS: 150 go\nD> a\\r\npause 20ms\nD> \\nb\\rc\\r\\n\n\
         data-close\nS: 226 done\n{PASSIVE}C: STOR f\nS: 150 go\nD< content\\r\\nx\\r\\n\ndata-end\n\
         S: 226 done\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let options = ReadOptions::default()
        .with_transfer_type(ascii)
        .with_line_end(ftp_connect_core::LineEnd::Lf);
    let (content, transferred) = fetch(session.as_mut(), options).await.unwrap();
    assert_eq!(content, "a\nb\rc\n");
    assert_eq!((transferred.bytes, transferred.to_end), (6, true));
    let options = WriteOptions::default().with_transfer_type(ascii);
    let mut body = session.write(&path("f"), options).await.unwrap();
    for piece in ["content\n", "x\r", "\n"] {
        assert_eq!(body.write(piece.as_bytes()).await.unwrap(), piece.len());
    }
    assert_eq!(body.finish().await.unwrap().bytes, 11);
    leave(session, peer).await;
}

#[tokio::test]
async fn an_offset_that_no_transfer_used_is_taken_back() {
    // Servers keep it, whatever comes in between, and would cut the beginning off the next file.
    let script = format!(
        "{}{PASSIVE}C: REST 5\nS: 350 ok\nC: RETR f\nS: 450 busy\n{PASSIVE}C: REST 0\nS: 350 ok\n\
         C: RETR f\nS: 150 go\nD> content\ndata-close\nS: 226 done\n{PASSIVE}C: RETR f\nS: 150 go\n\
         D> content\ndata-close\nS: 226 done\n{QUIT}",
        login("SITE X")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let options = ReadOptions::default().with_offset(5);
    fetch(session.as_mut(), options).await.unwrap_err();
    for _ in 0..2 {
        let fetched = fetch(session.as_mut(), ReadOptions::default()).await;
        assert_eq!(fetched.unwrap().0, "content");
    }
    leave(session, peer).await;
}

//! Downloads: only what can be shown to be whole is whole.

use ftp_connect_core::{Encryption, Error, ErrorKind, ReadOptions, Result, Session, Transferred};

use crate::script::{
    Pretended, QUIT, connect, connect_secured, leave, login, path, peer, secured_login,
};

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

/// Plays a download in the clear; the session must be usable afterwards.
async fn download(script: &str, options: ReadOptions) -> Result<(String, Transferred)> {
    let noop = "C: NOOP\nS: 200 here\n";
    let peer = peer(&format!("{}{script}\n{noop}{QUIT}", login("SIZE"))).await;
    let mut session = connect(&peer).await.unwrap();
    let result = fetch(session.as_mut(), options).await;
    session.keep_alive().await.unwrap();
    leave(session, peer).await;
    result
}

/// Plays a download over TLS that is only pretended.
async fn secured_download(script: &str, pretended: Pretended) -> Result<(String, Transferred)> {
    let peer = peer(&format!("{}{script}\n{QUIT}", secured_login("SIZE"))).await;
    let mut session = connect_secured(&peer, Encryption::ExplicitTls, pretended)
        .await
        .unwrap();
    let result = fetch(session.as_mut(), ReadOptions::default()).await;
    leave(session, peer).await;
    result
}

#[track_caller]
fn check(result: Result<(String, Transferred)>, expected: &str) {
    let (content, transferred) = result.unwrap();
    assert_eq!(content, expected);
    assert!(transferred.to_end);
    assert_eq!(transferred.bytes, expected.len() as u64);
}

#[track_caller]
fn check_error(result: Result<(String, Transferred)>, expected: &ErrorKind) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), expected, "{error:?}");
    assert_eq!(error.path(), Some(&path("f")));
    error
}

const PASSIVE: &str = "C: EPSV\ndata\nS: 229 ok (|||{port}|)\nC: RETR f\n";

#[tokio::test]
async fn replies_in_any_order() {
    for script in [
        "S: 150 go\nD> content\ndata-close\nS: 226 done",
        "S: 125 go\nD> content\ndata-close\nS: 226-done\nS: 226 really",
        "S: 150 go\nD> content\nS: 226 done\ndata-close",
        "S: 226 done at once\nD> content\ndata-close",
        "S! 150 go\\r\\n226 both in one\\r\\n\nD> content\ndata-close",
    ] {
        let script = format!("{PASSIVE}{script}");
        check(download(&script, ReadOptions::default()).await, "content");
    }
}

#[tokio::test]
async fn epsv_in_vain_then_pasv_with_a_foreign_address() {
    for epsv in ["500 what", "229 rubbish", "522 no"] {
        let script = format!(
            "C: EPSV\nS: {epsv}\nC: PASV\ndata\nS: 227 at {{pasv}}.\nC: RETR f\nS: 150 go\n\
             D> x\ndata-close\nS: 226 done"
        );
        check(download(&script, ReadOptions::default()).await, "x");
    }
}

#[tokio::test]
async fn a_refusal_before_and_after_the_beginning() {
    let no = "550 f: No such file or directory";
    let script = format!("{PASSIVE}S: {no}");
    check_error(
        download(&script, ReadOptions::default()).await,
        &ErrorKind::NotFound,
    );
    let script = format!("{PASSIVE}S: 150 go\ndata-close\nS: {no}");
    let error = check_error(
        download(&script, ReadOptions::default()).await,
        &ErrorKind::NotFound,
    );
    assert_eq!(error.reply().unwrap().code, 550);
}

#[tokio::test]
async fn a_transfer_that_is_not_whole() {
    for script in [
        "S: 150 go\nD> half\ndata-close\nS: 426 lost it",
        "S: 150 go\nD> half\ndata-close\nS: 451 disk",
        // The only last word of some servers to a connection that was cut.
        "S: 150 go\nD> half\ndata-reset\nS: 150 it was cut",
    ] {
        let script = format!("{PASSIVE}{script}");
        check_error(
            download(&script, ReadOptions::default()).await,
            &ErrorKind::TransferNotWhole,
        );
    }
}

#[tokio::test]
async fn a_part_of_a_file() {
    let script = "C: EPSV\ndata\nS: 229 ok (|||{port}|)\nC: REST 5\nS: 350 ok\nC: RETR f\n\
                  S: 150 go\nD> nt and more\nS: 426 you hung up";
    let options = ReadOptions::default().with_offset(5).with_length(2);
    let (content, transferred) = download(script, options).await.unwrap();
    assert_eq!(content, "nt");
    assert!(!transferred.to_end);
}

#[tokio::test]
async fn beyond_the_end_there_is_nothing() {
    let script = "C: EPSV\ndata\nS: 229 ok (|||{port}|)\nC: REST 50\nS: 350 ok\nC: RETR f\n\
                  S: 554 beyond\nC: SIZE f\nS: 213 7";
    let options = ReadOptions::default().with_offset(50);
    check(download(script, options).await, "");
    let script = script.replace(
        "213 7",
        "213 70\nC: SIZE f\nS: 213 70\nC: MDTM f\nS: 550 no",
    );
    let error = download(&script, options).await.unwrap_err();
    assert_eq!(error.reply().unwrap().code, 554);
}

#[tokio::test]
async fn a_server_that_wants_resumed_sessions() {
    for last in [
        "522 SSL connection failed; session reuse required",
        "425 Unable to build it",
    ] {
        let script = format!("{PASSIVE}S: 150 go\ndata-close\nS: {last}");
        let result = secured_download(&script, Pretended::default()).await;
        let error = check_error(result, &ErrorKind::SessionReuseRequired);
        assert!(error.hint().unwrap().contains("explicit-tls-reuse"));
    }
    let script = format!("{PASSIVE}S: 150 go\ndata-close\nS: 425 no");
    let resumed = Pretended {
        resumed: true,
        ..Pretended::default()
    };
    check_error(
        secured_download(&script, resumed).await,
        &ErrorKind::TransferNotWhole,
    );
}

#[tokio::test]
async fn without_close_notify_the_size_must_be_right() {
    let cut = Pretended {
        resumed: true,
        cut: true,
        ..Pretended::default()
    };
    let script = format!("{PASSIVE}S: 150 go\nD> content\ndata-close\nS: 226 done\nC: SIZE f\n");
    let (content, transferred) = secured_download(&format!("{script}S: 213 7"), cut)
        .await
        .unwrap();
    assert_eq!(
        (content.as_str(), transferred.tls_resumed),
        ("content", Some(true))
    );
    for answer in ["213 8", "550 what"] {
        let result = secured_download(&format!("{script}S: {answer}"), cut).await;
        check_error(result, &ErrorKind::TransferNotWhole);
    }
}

#[tokio::test]
async fn an_empty_file_is_not_believed_unasked() {
    let script = format!("{PASSIVE}S: 150 go\ndata-close\nS: 226 done\nC: SIZE f\n");
    let options = ReadOptions::default();
    for answer in ["213 0", "550 what"] {
        check(download(&format!("{script}S: {answer}"), options).await, "");
    }
    let result = download(&format!("{script}S: 213 4"), options).await;
    check_error(result, &ErrorKind::TransferNotWhole);
}

#[tokio::test]
async fn a_server_that_says_nothing_about_an_abandoned_transfer_is_asked() {
    let script = format!(
        "{}{PASSIVE}S: 150 go\nD> content\nC: NOOP\nS: 200 here\nC: DELE a\nS: 250 gone\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let options = ReadOptions::default().with_length(3);
    let (content, transferred) = fetch(session.as_mut(), options).await.unwrap();
    assert_eq!((content.as_str(), transferred.to_end), ("con", false));
    session.remove_file(&path("a")).await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn a_transfer_that_a_server_may_still_serve_closes_the_session() {
    // pyftpdlib keeps a transfer whose data connection was reset before it was accepted, and serves it on
    // the next one, whatever was asked for by then.
    let script = format!(
        "{}{PASSIVE}S: 150 About to open data connection\nC: NOOP\nS: 200 nothing done\nend",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let body = session.read(&path("f"), ReadOptions::default()).await;
    drop(body.unwrap());
    for _ in 0..2 {
        let error = session.remove_file(&path("a")).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Closed, "{error:?}");
    }
    peer.finish().await.unwrap();
}

#[tokio::test]
async fn a_dropped_body_leaves_the_session_usable() {
    // Some servers say twice that it is over.
    for last in ["S: 426 you hung up", "S: 426 you hung up\nS: 226 done"] {
        let script = format!(
            "{}{PASSIVE}S: 150 go\nD> content\n{last}\n{PASSIVE}S: 150 go\nD> x\ndata-close\n\
             S: 226 done\n{QUIT}",
            login("SIZE")
        );
        let peer = peer(&script).await;
        let mut session = connect(&peer).await.unwrap();
        let mut body = session
            .read(&path("f"), ReadOptions::default())
            .await
            .unwrap();
        assert!(body.read(&mut [0; 3]).await.unwrap() > 0);
        drop(body);
        check(fetch(session.as_mut(), ReadOptions::default()).await, "x");
        leave(session, peer).await;
    }
}

/// ProFTPD closes the port that it has told when it refuses the transfer, and the reset may overtake the refusal.
#[tokio::test]
async fn a_refusal_counts_more_than_the_closed_port() {
    let script = format!(
        "{}C: EPSV\ndata\nS: 229 ok (|||{{port}}|)\nC: RETR f\nS: 150 go\nD> content\ndata-close\nS: 226 done\n\
         C: EPSV\nS: 229 ok (|||1|)\nC: RETR f\npause 100ms\nS: 550 f: No such file or directory\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let options = ReadOptions::default();
    assert_eq!(fetch(session.as_mut(), options).await.unwrap().0, "content");
    let error = fetch(session.as_mut(), options).await.unwrap_err();
    assert_eq!(
        error.reply().map(|reply| reply.code),
        Some(550),
        "{error:?}"
    );
    leave(session, peer).await;
}

//! What holds between operations: staying in step, and saying so when that is lost.

use std::time::Duration;

use ftp_connect_core::{ErrorKind, RenameOptions, StatOptions};
use tokio::time::timeout;

use crate::script::{QUIT, connect, leave, login, path, peer};

#[tokio::test]
async fn an_answer_goes_to_its_own_question() {
    let script = format!(
        "{}C: DELE a\npause 100ms\nS: 550 a: Permission denied\nC: DELE b\nS: 250 gone\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let name = path("a");
    let dropped = timeout(Duration::from_millis(30), session.remove_file(&name)).await;
    assert!(dropped.is_err(), "the answer comes later");
    session.remove_file(&path("b")).await.unwrap();
    leave(session, peer).await;
}

/// ProFTPD answers `501 Bad sequence of commands` to EPSV and its like until RNTO has come.
#[tokio::test]
async fn a_rename_that_was_left_half_way_stands_in_nobodys_way() {
    let script = format!(
        "{}C: RNFR a\npause 100ms\nS: 350 go on\nC: RNTO a\nS: 250 done\nC: DELE b\nS: 250 gone\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let (from, to) = (path("a"), path("c"));
    let options = RenameOptions::default().with_replace(true);
    let renaming = session.rename(&from, &to, options);
    let dropped = timeout(Duration::from_millis(30), renaming).await;
    assert!(dropped.is_err(), "the answer comes later");
    session.remove_file(&path("b")).await.unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn an_answer_that_never_comes_closes_the_session() {
    let peer = peer(&format!("{}C: NOOP\nend", login("SIZE"))).await;
    let mut session = connect(&peer).await.unwrap();
    let error = session.keep_alive().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TimedOut);
    for _ in 0..2 {
        let error = session.keep_alive().await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Closed);
    }
    session.close().await.unwrap();
    peer.finish().await.unwrap();
}

#[tokio::test]
async fn an_idle_session_may_be_closed_by_the_server() {
    for goodbye in ["S: 421 idle\nclose", "close", "reset"] {
        let peer = peer(&format!("{}{goodbye}", login("SIZE"))).await;
        let mut session = connect(&peer).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let error = session.remove_file(&path("a")).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Closed, "{goodbye}: {error:?}");
        session.close().await.unwrap();
    }
}

#[tokio::test]
async fn leaving_is_no_error_when_the_server_just_closes() {
    for goodbye in [
        "C: QUIT\nclose",
        "C: QUIT\nreset",
        "C: QUIT\nS: 221 bye\nend",
    ] {
        let peer = peer(&format!("{}{goodbye}", login("SIZE"))).await;
        connect(&peer).await.unwrap().close().await.unwrap();
    }
}

#[tokio::test]
async fn stat_without_mlst() {
    let script = format!(
        "{}C: SIZE f\nS: 213 42\nC: MDTM f\nS: 213 20240102030405.678\n\
         C: SIZE d\nS: 550 no\nC: CWD d\nS: 250 ok\nC: CWD /\nS: 250 ok\n\
         C: SIZE n\nS: 550 no\nC: CWD n\nS: 550 no\n\
         C: EPSV\ndata\nS: 229 ok (|||{{port}}|)\nC: LIST -a\nS: 150 go\n\
         D> drwxr-xr-x 2 a b 4 Mar 1 2020 .\\r\\nprw-r--r-- 1 a b 0 Mar 1 2020 n\\r\\n\ndata-close\n\
         S: 226 done\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let file = session
        .stat(&path("f"), StatOptions::default())
        .await
        .unwrap();
    assert_eq!(file.size, Some(42));
    assert_eq!(
        file.modified.unwrap().to_string(),
        "2024-01-02T03:04:05.678Z"
    );
    let folder = session
        .stat(&path("d"), StatOptions::default())
        .await
        .unwrap();
    assert!(folder.is_dir());
    let pipe = session
        .stat(&path("n"), StatOptions::default())
        .await
        .unwrap();
    assert_eq!((pipe.name, pipe.size), (path("n"), Some(0)));
    leave(session, peer).await;
}

#[tokio::test]
async fn a_refusal_without_words_is_looked_into() {
    let absent = "C: MLST a\nS: 550 no\n";
    let script = format!(
        "{}C: DELE a\nS: 550 failed\n{absent}C: MLST b\nS: 550 b: No such file\nC: RNFR a\nS: 550 failed\n{absent}{QUIT}",
        login("MLST type*;")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let error = session.remove_file(&path("a")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    assert_eq!(error.reply().unwrap().text, "failed");
    let (from, to) = (path("a"), path("b"));
    let renamed = session.rename(&from, &to, RenameOptions::default()).await;
    assert_eq!(renamed.unwrap_err().kind(), &ErrorKind::NotFound);
    leave(session, peer).await;
}

#[tokio::test]
async fn raw_commands_give_the_reply_whatever_it_says() {
    let script = format!(
        "{}C: SITE HELP\nS: 214-a\nS:  b\nS: 214 c\nC: XYZ\nS: 500 what\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    assert_eq!(session.raw(b"SITE HELP").await.unwrap().text, "a\n b\nc");
    assert_eq!(session.raw(b"XYZ").await.unwrap().code, 500);
    for refused in ["RETR x", "list", "NOOP\r\nDELE x", "", "auth tls"] {
        let error = session.raw(refused.as_bytes()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::InvalidParameter, "{refused:?}");
    }
    leave(session, peer).await;
}

#[tokio::test]
async fn a_reply_that_ends_with_another_code() {
    let script = format!("{}C: SITE X\nS: 214-a\nS: 200 b\n{QUIT}", login("SIZE"));
    let peer = peer(&script).await;
    let mut session = connect(&peer).await.unwrap();
    let reply = session.raw(b"SITE X").await.unwrap();
    assert_eq!((reply.code, reply.text.as_str()), (214, "a\n200 b"));
    leave(session, peer).await;
}

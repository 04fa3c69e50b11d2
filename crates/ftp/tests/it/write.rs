//! Uploads: 226 is not enough.

use std::time::Duration;

use ftp_connect_core::params::Timeouts;
use ftp_connect_core::{
    Disposition, Encryption, ErrorKind, Mode, Result, Session, Transferred, WriteOptions,
};

use crate::script::{
    Pretended, QUIT, connect, connect_secured, connect_with, leave, login, params, path, peer,
    secured_login, transport,
};

async fn store(session: &mut dyn Session, options: WriteOptions) -> Result<Transferred> {
    let mut body = session.write(&path("f"), options).await?;
    let mut rest: &[u8] = b"content";
    while !rest.is_empty() {
        let count = body.write(rest).await?;
        rest = &rest[count..];
    }
    body.finish().await
}

async fn upload(script: &str, disposition: Disposition) -> Result<Transferred> {
    let peer = peer(&format!("{}{script}\n{QUIT}", login("SIZE"))).await;
    let mut session = connect(&peer).await.unwrap();
    let options = WriteOptions::default().with_disposition(disposition);
    let result = store(session.as_mut(), options).await;
    leave(session, peer).await;
    result
}

const PASSIVE: &str = "C: EPSV\ndata\nS: 229 ok (|||{port}|)\n";

#[tokio::test]
async fn the_size_is_compared() {
    let script =
        format!("{PASSIVE}C: STOR f\nS: 150 go\nD< content\ndata-end\nS: 226 done\nC: SIZE f\n");
    let replace = Disposition::Replace;
    let transferred = upload(&format!("{script}S: 213 7"), replace).await.unwrap();
    assert_eq!((transferred.bytes, transferred.to_end), (7, true));
    // A server that hides sizes is believed.
    upload(&format!("{script}S: 550 no"), replace)
        .await
        .unwrap();
    let error = upload(&format!("{script}S: 213 6"), replace)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TransferNotWhole);
}

#[tokio::test]
async fn the_servers_reason_is_kept() {
    let script = format!("{PASSIVE}C: STOR f\nS: 150 go\nD< content\ndata-end\nS: 552 full");
    let error = upload(&script, Disposition::Replace).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NoSpace);
    assert_eq!(error.reply().unwrap().code, 552);
}

#[tokio::test]
async fn continuing_where_sizes_agree() {
    let script = format!(
        "C: SIZE f\nS: 213 5\n{PASSIVE}C: APPE f\nS: 150 go\nD< content\ndata-end\nS: 226 done\n\
         C: SIZE f\nS: 213 12"
    );
    upload(&script, Disposition::Resume(5)).await.unwrap();
    let error = upload("C: SIZE f\nS: 213 6", Disposition::Resume(5))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Refused);
}

#[tokio::test]
async fn an_existing_file_is_not_replaced_unasked() {
    let script = "C: SIZE f\nS: 213 5";
    let error = upload(script, Disposition::CreateNew).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn tls_uploads_are_read_to_their_end() {
    // The server's ticket comes late, and its end of the connection later; both are waited for.
    let script = format!(
        "{}{PASSIVE}C: STOR f\nS: 150 go\nD< content\ndata-end\npause 50ms\nD> ticket\n\
         pause 50ms\ndata-close\nS: 226 done\nC: SIZE f\nS: 213 7\n{QUIT}",
        secured_login("SIZE")
    );
    let peer = peer(&script).await;
    let mut session = connect_secured(&peer, Encryption::ExplicitTls, Pretended::default())
        .await
        .unwrap();
    store(session.as_mut(), WriteOptions::default())
        .await
        .unwrap();
    leave(session, peer).await;
}

/// vsftpd answers 426 to an upload whose data connection was closed with a ticket unread.
#[tokio::test]
async fn a_first_word_that_comes_after_the_content_is_not_taken_for_the_last() {
    let script = format!(
        "{}{PASSIVE}C: STOR f\nD< content\ndata-end\nS: 150 go\npause 50ms\nD> ticket\npause 50ms\nD> ticket\n\
         data-close\nS: 226 done\nC: SIZE f\nS: 213 7\n{QUIT}",
        secured_login("SIZE")
    );
    let peer = peer(&script).await;
    // Longer than the handshake waits for a first word.
    let times = Timeouts::default().with_reply(Duration::from_secs(9));
    let params = params(&peer)
        .with_timeouts(times)
        .with_encryption(Encryption::ExplicitTls);
    let security = Some(Box::new(Pretended::default()) as _);
    let mut session = ftp_connect_ftp::connect(&params, transport(), security)
        .await
        .unwrap();
    store(session.as_mut(), WriteOptions::default())
        .await
        .unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn active_mode_accepts_the_server() {
    let script = format!(
        "{}C~ PORT *\nS: 200 ok\nC: STOR f\nconnect\nS: 150 go\nD< content\ndata-end\n\
         S: 226 done\nC: SIZE f\nS: 213 7\n{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let params = params(&peer).with_mode(Mode::Active);
    let mut session = connect_with(&params).await.unwrap();
    store(session.as_mut(), WriteOptions::default())
        .await
        .unwrap();
    leave(session, peer).await;
}

#[tokio::test]
async fn dynamic_mode_goes_on_to_active_and_stays_there() {
    let active = "C~ PORT *\nS: 200 ok\nC: STOR f\nconnect\nS: 150 go\nD< content\ndata-end\n\
                  S: 226 done\nC: SIZE f\nS: 213 7\n";
    let script = format!(
        "{}C: EPSV\nS: 500 no\nC: PASV\nS: 502 no\n{active}{active}{QUIT}",
        login("SIZE")
    );
    let peer = peer(&script).await;
    let params = params(&peer).with_mode(Mode::Dynamic);
    let mut session = connect_with(&params).await.unwrap();
    store(session.as_mut(), WriteOptions::default())
        .await
        .unwrap();
    store(session.as_mut(), WriteOptions::default())
        .await
        .unwrap();
    leave(session, peer).await;
}

//! Logging in by each method, and refusals that say what the server offers.

use ftp_connect_core::{ConnectParams, ErrorKind, Result, Transport as _};
use ftp_connect_sftp::SftpTransport;
use ftp_connect_testkit::sftp::{SftpServer, UserKey};

async fn log_in(params: &ConnectParams) -> Result<()> {
    SftpTransport.connect(params).await?.close().await
}

#[track_caller]
fn told(outcome: Result<()>, kind: ErrorKind, parts: &[&str]) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), &kind, "{error}");
    let text = format!("{error} | {}", error.hint().unwrap_or_default());
    for part in parts {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn by_password() {
    let server = SftpServer::builder().start().await.unwrap();
    let params = crate::by_password(&server);
    log_in(&params).await.unwrap();
    assert_eq!(server.login_attempts().password, 1);
    assert_eq!(server.login_attempts().none, 0, "no probe is needed");
    let wrong = log_in(&params.with_password("wrong")).await;
    told(
        wrong,
        ErrorKind::LoginRefused,
        &["log in", "\"tester\"", "offers password"],
    );
    let none = log_in(&crate::at(&server)).await;
    told(none, ErrorKind::LoginRefused, &["give a password"]);
}

#[tokio::test]
async fn by_keyboard_interactive_where_that_is_all() {
    let server = SftpServer::builder()
        .with_keyboard_interactive(true)
        .with_password_method(false)
        .start()
        .await
        .unwrap();
    log_in(&crate::by_password(&server)).await.unwrap();
    assert_eq!(server.login_attempts().keyboard_interactive, 1);
    let wrong = crate::by_password(&server).with_password("wrong");
    told(
        log_in(&wrong).await,
        ErrorKind::LoginRefused,
        &["offers keyboard-interactive"],
    );
}

#[tokio::test]
async fn by_key_from_a_file_and_from_its_text() {
    let key = UserKey::generate().unwrap();
    let server = SftpServer::builder()
        .with_authorized_key(key.public())
        .start()
        .await
        .unwrap();
    let file = key.private_file().display().to_string();
    log_in(&crate::at(&server).with_key_file(file))
        .await
        .unwrap();
    let pasted = format!(
        "\u{feff}\r\n{}",
        key.private().trim_end().replace('\n', "\r\n")
    );
    log_in(&crate::at(&server).with_key_content(pasted))
        .await
        .unwrap();
    let attempts = server.login_attempts();
    assert_eq!((attempts.publickey, attempts.password), (2, 0));
}

#[tokio::test]
async fn a_refused_key_is_followed_by_the_password_if_one_was_given() {
    let (known, other) = (UserKey::generate().unwrap(), UserKey::generate().unwrap());
    let server = SftpServer::builder()
        .with_authorized_key(known.public())
        .start()
        .await
        .unwrap();
    let params = crate::at(&server).with_key_content(other.private());
    told(
        log_in(&params).await,
        ErrorKind::LoginRefused,
        &["offers publickey, password", "authorized keys"],
    );
    assert_eq!(server.login_attempts().password, 0);
    log_in(&params.with_password(server.password()))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_password_that_opens_the_key_is_not_sent_to_a_server_that_refuses_the_key() {
    let known = UserKey::generate().unwrap();
    let server = SftpServer::builder()
        .with_authorized_key(known.public())
        .start()
        .await
        .unwrap();
    let locked = include_str!("../fixtures/keys/ec-aes256.pem");
    let params = crate::at(&server)
        .with_key_content(locked)
        .with_password("sesame");
    told(
        log_in(&params).await,
        ErrorKind::LoginRefused,
        &["kept back"],
    );
    assert_eq!(server.login_attempts().password, 0);
    // With a passphrase of its own the password is a password.
    let both = params
        .with_key_passphrase("sesame")
        .with_password(server.password());
    log_in(&both).await.unwrap();
}

#[tokio::test]
async fn a_server_that_takes_no_keys_says_so() {
    let server = SftpServer::builder().start().await.unwrap();
    let key = UserKey::generate().unwrap();
    let params = crate::at(&server).with_key_content(key.private());
    told(
        log_in(&params).await,
        ErrorKind::LoginRefused,
        &["takes no keys"],
    );
}

#[tokio::test]
async fn an_unusable_key_is_told_before_anybody_is_bothered() {
    let server = SftpServer::builder().start().await.unwrap();
    let key = UserKey::generate().unwrap();
    let public = crate::at(&server).with_key_content(key.public());
    told(
        log_in(&public).await,
        ErrorKind::KeyUnusable,
        &["public key", "private key"],
    );
    let missing = crate::at(&server).with_key_file("/nowhere/id_rsa");
    told(
        log_in(&missing).await,
        ErrorKind::KeyUnusable,
        &["there is no key file", "path"],
    );
    assert!(public.fingerprint_target().get().is_none());
    assert!(missing.fingerprint_target().get().is_none());
}

#[tokio::test]
async fn a_user_name_is_needed() {
    let params = ConnectParams::new("127.0.0.1")
        .unwrap()
        .with_encryption(ftp_connect_core::Encryption::SshPassword);
    told(
        log_in(&params).await,
        ErrorKind::InvalidParameter,
        &["user name"],
    );
}

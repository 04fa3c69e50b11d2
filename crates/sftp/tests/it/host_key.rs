//! Host keys: exported before they are judged, and judged before anything secret leaves.

use std::{fs, path::Path};

use ftp_connect_core::{
    ConnectParams, ErrorKind, FingerprintTarget, FingerprintType, HostKeyCheck, HostKeyProblem,
    Session, Transport as _, params::KnownHosts,
};
use ftp_connect_sftp::{SftpTransport, host_key};
use ftp_connect_testkit::sftp::{HostKey, SftpServer};

async fn server() -> SftpServer {
    SftpServer::builder().start().await.unwrap()
}

async fn connect(params: &ConnectParams) -> Box<dyn Session> {
    SftpTransport.connect(params).await.unwrap()
}

/// Connects, which must be refused because of the host key, before any credential is sent.
async fn refused(server: &SftpServer, params: &ConnectParams) -> HostKeyProblem {
    let before = server.login_attempts();
    let error = SftpTransport.connect(params).await.unwrap_err();
    let ErrorKind::HostKeyNotTrusted { problem, seen } = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(params.fingerprint_target().get().as_ref(), Some(seen));
    assert_eq!(server.login_attempts(), before, "{error}");
    *problem
}

fn check(session: &dyn Session) -> HostKeyCheck {
    session.report().host_key.as_ref().unwrap().check
}

#[tokio::test]
async fn the_hash_is_exported_in_the_format_asked_for() {
    let server = server().await;
    for (kind, expected) in [
        (FingerprintType::Md5, server.host_key_md5()),
        (FingerprintType::Sha1, server.host_key_sha1()),
        (FingerprintType::Sha256, server.host_key_sha256()),
    ] {
        let target = FingerprintTarget::named("hash");
        let params = crate::by_password(&server)
            .with_fingerprint_type(kind)
            .with_fingerprint_target(target.clone());
        connect(&params).await.close().await.unwrap();
        assert_eq!(target.get().unwrap().to_string(), expected);
    }
}

#[tokio::test]
async fn the_allowed_list_decides_alone() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    // A policy that would refuse: the list is asked and not the file.
    let params = crate::by_password(&server)
        .with_known_hosts(KnownHosts::Strict)
        .with_known_hosts_file(folder.path().join("none").display().to_string());
    let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let list = |text: String| text.parse().unwrap();
    for good in [
        server.host_key_md5(),
        server.host_key_sha1().to_owned(),
        format!("{other}\r\n{}", server.host_key_sha256()),
    ] {
        let session = connect(&params.clone().with_allowed_fingerprints(list(good))).await;
        assert_eq!(check(&*session), HostKeyCheck::AllowedList);
        assert!(session.report().warnings.is_empty());
    }
    let wrong = params.with_allowed_fingerprints(list(other.to_owned()));
    assert_eq!(
        refused(&server, &wrong).await,
        HostKeyProblem::NotInAllowedList
    );
}

#[tokio::test]
async fn an_unchecked_key_is_warned_about() {
    let server = server().await;
    let session = connect(&crate::by_password(&server)).await;
    assert_eq!(check(&*session), HostKeyCheck::NotChecked);
    let warnings = &session.report().warnings;
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("host key was not checked")),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn known_hosts_strict_and_accept_new() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ssh/known_hosts");
    let strict = crate::by_password(&server)
        .with_known_hosts(KnownHosts::Strict)
        .with_known_hosts_file(file.display().to_string());
    let accept_new = strict.clone().with_known_hosts(KnownHosts::AcceptNew);
    assert_eq!(refused(&server, &strict).await, HostKeyProblem::Unknown);
    assert!(!file.exists());
    assert_eq!(
        check(&*connect(&accept_new).await),
        HostKeyCheck::AcceptedNew
    );
    let port = server.addr().port();
    let line = format!("[127.0.0.1]:{port} {}\n", server.host_key().trim());
    assert_eq!(fs::read_to_string(&file).unwrap(), line);
    assert_eq!(check(&*connect(&strict).await), HostKeyCheck::KnownHosts);
    assert_eq!(
        check(&*connect(&accept_new).await),
        HostKeyCheck::KnownHosts
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), line);
}

/// Moves what is known of one server to the port of another.
fn known_at(other: &SftpServer, server: &SftpServer, file: &Path, marker: &str) {
    let port = server.addr().port();
    let line = format!("{marker}[127.0.0.1]:{port} {}\n", other.host_key().trim());
    fs::write(file, line).unwrap();
}

#[tokio::test]
async fn a_changed_or_revoked_key_is_refused_and_the_file_stays() {
    let (server, other) = (server().await, server().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known_hosts");
    let params = crate::by_password(&server).with_known_hosts_file(file.display().to_string());
    for policy in [KnownHosts::Strict, KnownHosts::AcceptNew] {
        let params = params.clone().with_known_hosts(policy);
        known_at(&other, &server, &file, "");
        let before = fs::read(&file).unwrap();
        assert_eq!(refused(&server, &params).await, HostKeyProblem::Changed);
        assert_eq!(fs::read(&file).unwrap(), before);
        known_at(&server, &server, &file, "@revoked ");
        assert_eq!(refused(&server, &params).await, HostKeyProblem::Revoked);
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_not_a_changed_one() {
    let ecdsa = SftpServer::builder().with_host_key(HostKey::EcdsaP256);
    let (server, ecdsa) = (server().await, ecdsa.start().await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known_hosts");
    known_at(&ecdsa, &server, &file, "");
    let params = crate::by_password(&server).with_known_hosts_file(file.display().to_string());
    let strict = params.clone().with_known_hosts(KnownHosts::Strict);
    assert_eq!(refused(&server, &strict).await, HostKeyProblem::OtherType);
    let session = connect(&params.with_known_hosts(KnownHosts::AcceptNew)).await;
    assert_eq!(check(&*session), HostKeyCheck::AcceptedNew);
    assert!(session.report().warnings[0].contains("ecdsa-sha2-nistp256"));
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 2);
    assert_eq!(check(&*connect(&strict).await), HostKeyCheck::KnownHosts);
}

#[tokio::test]
async fn a_host_key_is_taken_without_logging_in() {
    let server = server().await;
    let params = crate::at(&server);
    let key = host_key(&params).await.unwrap();
    assert_eq!(key.algorithm, "ssh-ed25519");
    let hashes = key.fingerprints.each_ref().map(ToString::to_string);
    let expected = [
        server.host_key_md5(),
        server.host_key_sha1(),
        server.host_key_sha256(),
    ];
    assert_eq!(hashes, expected);
    assert_eq!(
        params.fingerprint_target().get().unwrap().to_string(),
        expected[2]
    );
    let attempts = server.login_attempts();
    assert_eq!((attempts.credentials(), attempts.none), (0, 0));
}

//! One SSH connection through another.

use ftp_connect_core::{
    ConnectParams, ErrorKind, HostKeyProblem, SessionExt as _, Transport as _, WriteOptions,
    params::KnownHosts,
};
use ftp_connect_sftp::{SftpTransport, host_key};
use ftp_connect_testkit::sftp::{SftpServer, UserKey};

async fn bastion() -> SftpServer {
    let server = SftpServer::builder()
        .with_user("jumper")
        .with_password("over there")
        .with_forwarding(true);
    server.start().await.unwrap()
}

fn through(target: &SftpServer, jump: ConnectParams) -> ConnectParams {
    crate::by_password(target).with_jump(jump)
}

#[tokio::test]
async fn both_servers_are_judged_and_logged_in_to() {
    let (target, bastion) = (
        SftpServer::builder().start().await.unwrap(),
        bastion().await,
    );
    let allowed = bastion.host_key_sha256().parse().unwrap();
    let jump = crate::by_password(&bastion).with_allowed_fingerprints(allowed);
    let allowed = target.host_key_sha256().parse().unwrap();
    let params = through(&target, jump).with_allowed_fingerprints(allowed);
    let mut session = SftpTransport.connect(&params).await.unwrap();
    let content = vec![7; 300_000];
    let file = "f".parse().unwrap();
    let options = WriteOptions::default();
    session.write_all(&file, &content, options).await.unwrap();
    assert!(session.read_to_vec(&file, 1 << 20).await.unwrap() == content);
    let report = session.report();
    assert_eq!(report.peer, None);
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    assert!(report.timings.steps.iter().any(|step| step.name == "jump"));
    assert_eq!(bastion.login_attempts().password, 1);
    assert_eq!(target.login_attempts().password, 1);
    session.close().await.unwrap();
    // The key of the server behind, and not the bastion's.
    let key = host_key(&params).await.unwrap();
    assert_eq!(key.fingerprints[2].to_string(), target.host_key_sha256());
}

#[tokio::test]
async fn a_bastion_that_is_not_trusted_learns_no_password_and_passes_nothing_on() {
    let (target, bastion) = (
        SftpServer::builder().start().await.unwrap(),
        bastion().await,
    );
    let other = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let jump = crate::by_password(&bastion).with_allowed_fingerprints(other.parse().unwrap());
    let error = SftpTransport
        .connect(&through(&target, jump))
        .await
        .unwrap_err();
    let ErrorKind::HostKeyNotTrusted { problem, .. } = error.kind() else {
        panic!("{error}");
    };
    assert_eq!(*problem, HostKeyProblem::NotInAllowedList);
    assert!(error.to_string().contains("jump host"), "{error}");
    assert_eq!(bastion.login_attempts().credentials(), 0);
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn the_targets_policy_holds_for_the_bastion_and_its_password_stays_away() {
    let (target, bastion) = (
        SftpServer::builder().start().await.unwrap(),
        bastion().await,
    );
    let folder = tempfile::tempdir().unwrap();
    let strict = |params: ConnectParams| {
        params
            .with_known_hosts(KnownHosts::Strict)
            .with_known_hosts_file(folder.path().join("none").display().to_string())
    };
    let jump = crate::by_password(&bastion);
    let error = SftpTransport.connect(&strict(through(&target, jump))).await;
    assert!(matches!(
        error.unwrap_err().kind(),
        ErrorKind::HostKeyNotTrusted { .. }
    ));
    // Without a password of its own, none is sent.
    let error = SftpTransport
        .connect(&through(&target, crate::at(&bastion)))
        .await;
    assert_eq!(error.unwrap_err().kind(), &ErrorKind::LoginRefused);
    assert_eq!(bastion.login_attempts().password, 0);
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn the_targets_key_opens_the_bastion_too() {
    let key = UserKey::generate().unwrap();
    let server = async |forwarding| {
        let server = SftpServer::builder()
            .with_authorized_key(key.public())
            .with_forwarding(forwarding);
        server.start().await.unwrap()
    };
    let (target, bastion) = (server(false).await, server(true).await);
    let address = format!("127.0.0.1:{}", bastion.addr().port());
    let params = crate::at(&target)
        .with_key_content(key.private())
        .with_jump(ConnectParams::from_jump(&address).unwrap());
    let session = SftpTransport.connect(&params).await.unwrap();
    session.close().await.unwrap();
    assert_eq!(bastion.login_attempts().publickey, 1);
}

#[tokio::test]
async fn a_bastion_that_does_not_forward_or_reach_says_so() {
    let target = SftpServer::builder().start().await.unwrap();
    let closed = SftpServer::builder().start().await.unwrap();
    let error = SftpTransport
        .connect(&through(&target, crate::by_password(&closed)))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::ConnectFailed, "{error}");
    assert!(
        error.to_string().contains("AdministrativelyProhibited"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("forwarding"));
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn two_bastions_in_a_row() {
    let target = SftpServer::builder().start().await.unwrap();
    let (outer, inner) = (bastion().await, bastion().await);
    let chain = crate::by_password(&inner).with_jump(crate::by_password(&outer));
    let session = SftpTransport
        .connect(&through(&target, chain))
        .await
        .unwrap();
    session.close().await.unwrap();
    assert_eq!((outer.connections(), inner.connections()), (1, 1));
}

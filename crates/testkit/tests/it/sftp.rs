//! The embedded SFTP server answers russh as a client.

use std::sync::Arc;

use ftp_connect_testkit::sftp::{HostKey, SftpServer, UserKey};
use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh_sftp::client::SftpSession;
use russh_sftp::protocol::OpenFlags;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

/// Accepts the host key with this SHA-256, as OpenSSH prints it.
struct Pinned(String);

impl client::Handler for Pinned {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &russh::keys::PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let russh::keys::PublicKeyOrCertificate::PublicKey { key, .. } = key else {
            return Ok(false);
        };
        Ok(key.fingerprint(HashAlg::Sha256).to_string() == self.0)
    }
}

async fn dial(server: &SftpServer, pin: String) -> Result<Handle<Pinned>, russh::Error> {
    let config = Arc::new(client::Config::default());
    client::connect(config, server.addr(), Pinned(pin)).await
}

async fn open(server: &SftpServer) -> Handle<Pinned> {
    dial(server, server.host_key_sha256()).await.unwrap()
}

async fn sftp(handle: &Handle<Pinned>) -> SftpSession {
    let channel = handle.channel_open_session().await.unwrap();
    channel.request_subsystem(true, "sftp").await.unwrap();
    SftpSession::new(channel.into_stream()).await.unwrap()
}

#[tokio::test]
async fn a_password_opens_it_and_files_can_be_used() {
    let server = SftpServer::builder().start().await.unwrap();
    let mut handle = open(&server).await;
    let login = handle
        .authenticate_password("tester", "secret")
        .await
        .unwrap();
    assert!(login.success());
    let sftp = sftp(&handle).await;
    assert_eq!(sftp.canonicalize(".").await.unwrap(), "/");

    let content: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    sftp.create_dir("d").await.unwrap();
    let mut file = sftp.create("d/a b").await.unwrap();
    file.write_all(&content).await.unwrap();
    file.shutdown().await.unwrap();
    assert_eq!(std::fs::read(server.root().join("d/a b")).unwrap(), content);

    let mut file = sftp.open("d/a b").await.unwrap();
    file.seek(std::io::SeekFrom::Start(299_990)).await.unwrap();
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).await.unwrap();
    assert_eq!(tail, content[299_990..]);
    drop(file);

    let names: Vec<String> = sftp
        .read_dir("d")
        .await
        .unwrap()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(names, ["a b"]);
    assert_eq!(sftp.metadata("d/a b").await.unwrap().len(), 300_000);
    assert!(sftp.metadata("d").await.unwrap().is_dir());
    sftp.rename("d/a b", "d/c").await.unwrap();
    sftp.remove_file("d/c").await.unwrap();
    sftp.remove_dir("d").await.unwrap();
    assert!(sftp.metadata("d").await.is_err());
    assert_eq!(server.login_attempts().password, 1);
}

#[tokio::test]
async fn many_entries_come_in_several_packets() {
    let server = SftpServer::builder().start().await.unwrap();
    for n in 0..250 {
        std::fs::write(server.root().join(n.to_string()), "").unwrap();
    }
    let mut handle = open(&server).await;
    handle
        .authenticate_password("tester", "secret")
        .await
        .unwrap();
    let sftp = sftp(&handle).await;
    assert_eq!(sftp.read_dir("/").await.unwrap().count(), 250);
}

#[tokio::test]
async fn append_and_exclusive_creation_are_honoured() {
    let server = SftpServer::builder().start().await.unwrap();
    std::fs::write(server.root().join("f"), "one").unwrap();
    let mut handle = open(&server).await;
    handle
        .authenticate_password("tester", "secret")
        .await
        .unwrap();
    let sftp = sftp(&handle).await;
    let flags = OpenFlags::WRITE | OpenFlags::APPEND;
    let mut file = sftp.open_with_flags("f", flags).await.unwrap();
    file.write_all(b" two").await.unwrap();
    file.shutdown().await.unwrap();
    assert_eq!(std::fs::read(server.root().join("f")).unwrap(), b"one two");
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
    assert!(sftp.open_with_flags("f", flags).await.is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_outside_the_folder_can_be_reached() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "x").unwrap();
    let server = SftpServer::builder().start().await.unwrap();
    std::os::unix::fs::symlink(outside.path(), server.root().join("way-out")).unwrap();
    let mut handle = open(&server).await;
    handle
        .authenticate_password("tester", "secret")
        .await
        .unwrap();
    let sftp = sftp(&handle).await;
    assert!(sftp.open("way-out/secret").await.is_err());
    assert!(sftp.create("way-out/new").await.is_err());
    assert!(sftp.read_dir("way-out").await.is_err());
    assert_eq!(sftp.canonicalize("/../../etc").await.unwrap(), "/etc");
    assert!(sftp.metadata("../../../etc/hostname").await.is_err());
    assert!(sftp.symlink_metadata("way-out").await.unwrap().is_symlink());
    sftp.remove_file("way-out").await.unwrap();
    assert!(outside.path().join("secret").exists());
}

#[tokio::test]
async fn a_generated_key_opens_it() {
    let key = UserKey::generate().unwrap();
    let server = SftpServer::builder()
        .without_password()
        .with_authorized_key(key.public())
        .start()
        .await
        .unwrap();
    assert_eq!(
        std::fs::read_to_string(key.private_file()).unwrap(),
        key.private()
    );
    let mut handle = open(&server).await;
    assert!(
        !handle
            .authenticate_password("tester", "")
            .await
            .unwrap()
            .success()
    );

    let stranger = UserKey::generate().unwrap();
    for (own, expected) in [(&stranger, false), (&key, true)] {
        let own = PrivateKey::from_openssh(own.private()).unwrap();
        let own = PrivateKeyWithHashAlg::new(Arc::new(own), None);
        let login = handle.authenticate_publickey("tester", own).await.unwrap();
        assert_eq!(login.success(), expected);
    }
    let attempts = server.login_attempts();
    assert_eq!(
        (attempts.publickey, attempts.publickey_offers >= 2),
        (1, true),
        "{attempts:?}"
    );
}

#[tokio::test]
async fn keyboard_interactive_asks_once_and_then_for_nothing() {
    let server = SftpServer::builder()
        .with_password_method(false)
        .with_keyboard_interactive(true)
        .start()
        .await
        .unwrap();
    let mut handle = open(&server).await;
    let login = handle
        .authenticate_password("tester", "secret")
        .await
        .unwrap();
    assert!(matches!(login, AuthResult::Failure { .. }));
    let start = handle
        .authenticate_keyboard_interactive_start("tester", None)
        .await
        .unwrap();
    let KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } = start else {
        panic!("{start:?}");
    };
    assert_eq!(prompts[0].prompt, "Password: ");
    let next = handle
        .authenticate_keyboard_interactive_respond(vec!["secret".to_owned()])
        .await
        .unwrap();
    let KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } = next else {
        panic!("{next:?}");
    };
    assert!(prompts.is_empty());
    let last = handle
        .authenticate_keyboard_interactive_respond(Vec::new())
        .await
        .unwrap();
    assert!(matches!(last, KeyboardInteractiveAuthResponse::Success));
}

#[tokio::test]
async fn a_client_that_refuses_the_host_key_shows_no_credential() {
    let server = SftpServer::builder().start().await.unwrap();
    assert!(dial(&server, "SHA256:elsewhere".to_owned()).await.is_err());
    assert_eq!(server.login_attempts().credentials(), 0);
}

#[tokio::test]
async fn the_three_hashes_are_those_of_ssh_keygen() {
    // A key made for this test; the hashes are what `ssh-keygen -lf` prints for it.
    let server = SftpServer::builder()
        .with_host_key(HostKey::OpenSsh(KEY.to_owned()))
        .start()
        .await
        .unwrap();
    assert_eq!(server.host_key_md5(), KEY_MD5);
    assert_eq!(server.host_key_sha1(), KEY_SHA1);
    assert_eq!(server.host_key_sha256(), KEY_SHA256);
    open(&server).await;
}

#[tokio::test]
async fn a_fresh_ecdsa_host_key_serves() {
    let server = SftpServer::builder()
        .with_host_key(HostKey::EcdsaP256)
        .start()
        .await
        .unwrap();
    assert!(server.host_key().starts_with("ecdsa-sha2-nistp256 "));
    open(&server).await;
}

const KEY: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDmHj+vM1Vk4yzr519Mnx88BQbESYua4GU7j0/TOctR0gAAAJBbY7LvW2Oy
7wAAAAtzc2gtZWQyNTUxOQAAACDmHj+vM1Vk4yzr519Mnx88BQbESYua4GU7j0/TOctR0g
AAAEAnTPY8hIQ9lWUsVo/vsRO+9TB/oA0JySAAdZpc1fS2ceYeP68zVWTjLOvnX0yfHzwF
BsRJi5rgZTuPT9M5y1HSAAAACHRlc3Qga2V5AQIDBAU=
-----END OPENSSH PRIVATE KEY-----
";
const KEY_MD5: &str = "MD5:1a:9c:34:20:80:26:4f:91:70:24:e3:35:e5:a6:78:6d";
const KEY_SHA1: &str = "SHA1:9i1equTV2kYvm0CXCW9rvhS7i8Q";
const KEY_SHA256: &str = "SHA256:Xdi/bslZeLx1pKHok4/Oo84za3AiVfAvhpNX3w49uGs";

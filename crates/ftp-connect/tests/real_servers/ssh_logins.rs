//! Logging in by SSH: every key as file and as text, several proofs, certificates, an agent, questions, and
//! servers that know only what is outdated.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use ftp_connect::{
    Challenge, ConnectParams, Encryption, ErrorKind, HostKeyProblem, Prompter, Result, Secret,
    params::KnownHosts,
};
use ftp_connect_testkit::lab::{Lab, LabKey, LabServer};

use crate::ways;

/// Connects, lists the login folder, and closes.
async fn log_in(params: &ConnectParams) -> Result<()> {
    let registry = ftp_connect::registry();
    let mut session = registry.connect(params).await?;
    let path = session.current_dir().await?;
    session.stat(&path, Default::default()).await?;
    session.close().await
}

/// The way to a server without any proof, outdated algorithms allowed.
fn at(lab: &Lab, server: &LabServer) -> ConnectParams {
    let with_password = ways::params(lab, server);
    ConnectParams::new(with_password.server().clone())
        .expect("a host")
        .with_port(std::num::NonZeroU16::new(server.port))
        .with_encryption(Encryption::SshPassword)
        .with_username(server.user.as_str())
        .with_legacy(true)
}

fn by_file(params: ConnectParams, key: &LabKey) -> ConnectParams {
    let params = params.with_key_file(key.file.to_str().expect("UTF-8"));
    match &key.passphrase {
        Some(passphrase) => params.with_key_passphrase(passphrase.as_str()),
        None => params,
    }
}

fn by_text(params: ConnectParams, key: &LabKey) -> ConnectParams {
    let text = std::fs::read_to_string(&key.file).expect("a key");
    let params = params.with_key_content(text);
    match &key.passphrase {
        Some(passphrase) => params.with_key_passphrase(passphrase.as_str()),
        None => params,
    }
}

/// What a refusal says, with its hint.
async fn refusal(params: &ConnectParams) -> (ErrorKind, String) {
    let error = log_in(params).await.expect_err("a refusal");
    let told = format!("{error} | {}", error.hint().unwrap_or_default());
    (error.kind().clone(), told)
}

#[tokio::test]
async fn every_key_logs_in_by_file_and_by_text() {
    let lab = Lab::from_env();
    let server = lab.server("openssh");
    let mut failed = Vec::new();
    for key in &lab.keys {
        for params in [
            by_file(at(&lab, server), key),
            by_text(at(&lab, server), key),
        ] {
            if let Err(error) = log_in(&params).await {
                let how = params.encryption();
                failed.push(format!("{} {} {how:?}: {error}", key.algorithm, key.format));
            }
        }
    }
    assert!(!lab.keys.is_empty());
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test]
async fn two_factors_need_both_and_get_both() {
    let lab = Lab::from_env();
    let key = lab.keys.iter().find(|key| key.algorithm == "ed25519");
    let key = key.expect("an Ed25519 key");
    for server in lab.with_trait("two-factors") {
        let key_only = by_file(at(&lab, server), key);
        let (kind, told) = refusal(&key_only).await;
        assert_eq!(kind, ErrorKind::LoginRefused, "{}: {told}", server.name);
        assert!(told.contains("another proof"), "{}: {told}", server.name);
        let both = key_only.with_password(server.password.as_str());
        log_in(&both)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", server.name));
    }
}

/// Answers every question with the same, and keeps what was asked.
#[derive(Debug)]
struct Answering(Secret, Mutex<Vec<String>>);

#[async_trait]
impl Prompter for Answering {
    async fn answer(&self, challenge: &Challenge) -> Option<Vec<Secret>> {
        let mut asked = self.1.lock().expect("no panic");
        asked.extend(challenge.prompts.iter().map(|prompt| prompt.text.clone()));
        Some(vec![self.0.clone(); challenge.prompts.len()])
    }
}

#[tokio::test]
async fn questions_are_answered_by_the_password_or_by_a_prompter() {
    let lab = Lab::from_env();
    let server = lab.server("openssh-keyboard-interactive");
    let asked = |params: ConnectParams| {
        let password = Secret::from(server.password.as_str());
        let prompter = Arc::new(Answering(password, Mutex::default()));
        let shared: Arc<dyn Prompter> = prompter.clone();
        (params.with_prompter(shared), prompter)
    };
    // With a password nobody is asked.
    let (params, prompter) = asked(at(&lab, server).with_password(server.password.as_str()));
    log_in(&params).await.expect("the password answers");
    assert!(prompter.1.lock().expect("no panic").is_empty());
    let (params, prompter) = asked(at(&lab, server));
    log_in(&params).await.expect("the prompter answers");
    assert_eq!(*prompter.1.lock().expect("no panic"), ["Password:"]);
    let (kind, told) = refusal(&at(&lab, server)).await;
    assert_eq!(kind, ErrorKind::LoginRefused, "{told}");
    assert!(told.contains("keyboard-interactive"), "{told}");
}

#[tokio::test]
async fn outdated_servers_are_reached_only_with_the_option_and_the_error_names_it() {
    let lab = Lab::from_env();
    let rsa: Vec<&LabKey> = lab
        .keys
        .iter()
        .filter(|key| key.algorithm == "rsa")
        .collect();
    assert!(!rsa.is_empty());
    for server in lab.with_trait("ssh-rsa") {
        let params = at(&lab, server);
        let by_password = params.clone().with_password(server.password.as_str());
        let (kind, told) = refusal(&by_password.clone().with_legacy(false)).await;
        assert_eq!(
            kind,
            ErrorKind::NoCommonAlgorithm,
            "{}: {told}",
            server.name
        );
        assert!(told.contains("--legacy"), "{}: {told}", server.name);
        log_in(&by_password)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", server.name));
        for key in &rsa {
            let params = by_file(params.clone(), key);
            log_in(&params)
                .await
                .unwrap_or_else(|error| panic!("{} {}: {error}", server.name, key.format));
        }
    }
}

#[tokio::test]
async fn dsa_keys_are_used_only_with_the_option() {
    let lab = Lab::from_env();
    // Newer versions of ssh-keygen make none.
    for key in lab.keys.iter().filter(|key| key.algorithm == "dsa") {
        let params = by_file(at(&lab, lab.server("openssh")), key).with_legacy(false);
        let (kind, told) = refusal(&params).await;
        assert_eq!(kind, ErrorKind::KeyUnusable, "{told}");
        assert!(
            told.contains("ssh-dss") && told.contains("--legacy"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_certificate_beside_the_key_or_behind_its_text_is_found() {
    let lab = Lab::from_env();
    let pair = &lab.user_certificate;
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let text = |path: &Path| std::fs::read_to_string(path).expect("a file");
    let mut servers = 0;
    for server in lab.with_trait("user-ca") {
        servers += 1;
        let params = at(&lab, server).with_legacy(false);
        log_in(&params.clone().with_key_file(path(&pair.key)))
            .await
            .expect("beside the key");
        let both = format!("{}\n{}", text(&pair.key), text(&pair.certificate));
        log_in(&params.clone().with_key_content(both))
            .await
            .expect("behind the key's text");
        let (kind, told) = refusal(&params.with_key_content(text(&pair.key))).await;
        assert_eq!(kind, ErrorKind::LoginRefused, "{told}");
    }
    assert!(servers > 0);
}

#[tokio::test]
async fn certificates_of_every_type_log_in() {
    let lab = Lab::from_env();
    let authority = lab.user_certificate.key.with_file_name("user_ca");
    let folder = tempfile::tempdir().expect("a folder");
    for (algorithm, bits) in [
        ("rsa", "2048"),
        ("ecdsa", "256"),
        ("ecdsa", "521"),
        ("ed25519", "256"),
    ] {
        let key = folder.path().join(format!("{algorithm}-{bits}"));
        keygen(&["-t", algorithm, "-b", bits, "-N", "", "-f", text(&key)]);
        let public = key.with_extension("pub");
        for server in lab.with_trait("user-ca") {
            let user = &server.user;
            keygen(&[
                "-s",
                text(&authority),
                "-I",
                "a test",
                "-n",
                user,
                text(&public),
            ]);
            let params = at(&lab, server)
                .with_legacy(false)
                .with_key_file(text(&key));
            log_in(&params)
                .await
                .unwrap_or_else(|error| panic!("{algorithm} {bits}: {error}"));
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn keygen(arguments: &[&str]) {
    let mut command = Command::new("ssh-keygen");
    let done = command
        .arg("-q")
        .args(arguments)
        .stdin(Stdio::null())
        .status();
    assert!(done.expect("ssh-keygen").success(), "{arguments:?}");
}

#[tokio::test]
async fn a_refused_host_key_leaves_no_login_in_the_servers_log() {
    let lab = Lab::from_env();
    let server = lab.server("openssh-two-sessions");
    let folder = tempfile::tempdir().expect("a folder");
    let none = folder.path().join("known_hosts");
    let good = at(&lab, server).with_password(server.password.as_str());
    // Someone who does log in is in the log; the test sees what it looks for.
    log_in(&good).await.expect("a login");
    let count = || server.log().matches("userauth-request").count();
    let before = count();
    assert!(before > 0);
    let strict = good
        .with_known_hosts(KnownHosts::Strict)
        .with_known_hosts_file(text(&none));
    let (kind, _) = refusal(&strict).await;
    let ErrorKind::HostKeyNotTrusted { problem, seen } = kind else {
        panic!("{kind:?}");
    };
    assert_eq!(problem, HostKeyProblem::Unknown);
    assert_eq!(strict.fingerprint_target().get(), Some(seen));
    assert_eq!(count(), before);
}

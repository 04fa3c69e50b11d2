//! The program with an SSH agent, which it finds by its environment.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ftp_connect_testkit::lab::{Lab, LabServer};

use crate::program::{Call, Said};

/// An agent of its own, ended with the test.
struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(folder: &Path) -> Self {
        let socket = folder.join("agent");
        let child = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .expect("ssh-agent");
        let started = Instant::now();
        while !socket.exists() {
            assert!(started.elapsed() < Duration::from_secs(30), "no agent");
            thread::sleep(Duration::from_millis(20));
        }
        Self { child, socket }
    }

    fn add(&self, key: &Path) {
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &self.socket)
            .stdin(Stdio::null())
            .status();
        assert!(added.expect("ssh-add").success(), "{}", key.display());
    }

    fn list(&self, server: &LabServer, options: &[&str]) -> Said {
        let url = server.url();
        let arguments = ["ls", &url, "--known-hosts", "off", "--agent"];
        Call::new(arguments.iter().chain(options))
            .env("SSH_AUTH_SOCK", self.socket.to_str().expect("UTF-8"))
            .run()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn keys_and_certificates_of_an_agent_log_in() {
    let lab = Lab::from_env();
    let folder = tempfile::tempdir().expect("a folder");
    let agent = Agent::start(folder.path());
    let openssh = lab.server("openssh");
    let empty = agent.list(openssh, &[]);
    assert!(
        empty.stderr.contains("the SSH agent has no keys"),
        "{}",
        empty.stderr
    );
    for algorithm in ["rsa", "ecdsa", "ed25519"] {
        let key = lab.keys.iter().find(|key| {
            key.algorithm == algorithm && key.format == "openssh" && key.passphrase.is_none()
        });
        agent.add(&key.expect("a key").file);
    }
    let said = agent.list(openssh, &[]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    // One key alone, named by its public half.
    for algorithm in ["rsa", "ecdsa", "ed25519"] {
        let key = lab
            .keys
            .iter()
            .find(|key| key.algorithm == algorithm && key.format == "openssh");
        let private = &key.expect("a key").file;
        let public = Command::new("ssh-keygen").arg("-yf").arg(private).output();
        let file = folder.path().join(format!("{algorithm}.pub"));
        std::fs::write(&file, public.expect("ssh-keygen").stdout).expect("written");
        let said = agent.list(openssh, &["--key", file.to_str().expect("UTF-8")]);
        assert_eq!(said.status, 0, "{algorithm}: {}", said.stderr);
    }
    // The certificate beside the key goes with it.
    agent.add(&lab.user_certificate.key);
    for server in lab.with_trait("user-ca") {
        let said = agent.list(server, &[]);
        assert_eq!(said.status, 0, "{}", said.stderr);
    }
}

#[test]
fn an_agent_that_is_not_there_is_told_before_anybody_is_bothered() {
    let lab = Lab::from_env();
    let url = lab.server("openssh").url();
    let said = Call::new(["ls", &url, "--agent"])
        .env("SSH_AUTH_SOCK", "/nowhere/agent")
        .run();
    assert_ne!(said.status, 0);
    assert!(
        said.stderr.contains("the SSH agent cannot be reached"),
        "{}",
        said.stderr
    );
}

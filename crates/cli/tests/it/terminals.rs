//! What is asked and drawn on a terminal, and what is left of it on the screen.

use std::fs;

use ftp_connect_testkit::sftp::SftpServer;

use crate::{program::Call, site::Site, terminal::Terminal, tree::write};

const INTERRUPT: &str = "\x03";

/// The same without a password.
fn without_password(site: &Site, arguments: &[&str]) -> Call {
    let trust = site.trust();
    let trust = trust.iter().map(String::as_str);
    Call::new(arguments.iter().copied().chain(trust)).within(site.here.path())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_asked_for_and_not_shown() {
    let site = Site::new().await;
    for scheme in ["ftp", "sftp"] {
        let url = site.url(scheme, "");
        let mut terminal = Terminal::start(without_password(&site, &["ls", &url]), 80);
        terminal.wait_for("Password for tester@127.0.0.1: ");
        terminal.enter("secret\r");
        let (status, screen) = terminal.end();
        assert_eq!(status, 0, "{screen}");
        assert!(
            screen.starts_with("Password for tester@127.0.0.1:") && !screen.contains("secret"),
            "{screen}"
        );

        let mut terminal = Terminal::start(without_password(&site, &["ls", &url]), 80);
        terminal.wait_for("Password for tester@127.0.0.1: ");
        terminal.enter(INTERRUPT);
        let (status, screen) = terminal.end();
        assert_eq!(status, 130, "{screen}");
        assert!(screen.contains("\nftp-connect: interrupted\n"), "{screen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_asks_is_shown_as_its_question() {
    let server = SftpServer::builder()
        .with_keyboard_interactive(true)
        .with_password_method(false);
    let server = server.start().await.unwrap();
    let url = format!("sftp://{}@{}", server.user(), server.addr());
    let hash = server.host_key_sha256();
    let call = Call::new(["ls", &url, "--allowed-fingerprints", &hash]);
    let mut terminal = Terminal::start(call, 80);
    terminal.wait_for("Password");
    terminal.enter("secret\r");
    let (status, screen) = terminal.end();
    assert_eq!(status, 0, "{screen}");
    assert!(!screen.contains("secret"), "{screen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_is_asked_for_until_it_opens_the_key() {
    let server = SftpServer::builder().with_authorized_key(PUBLIC);
    let server = server.start().await.unwrap();
    let here = tempfile::tempdir().unwrap();
    let key = here.path().join("key");
    fs::write(&key, LOCKED).unwrap();
    let url = format!("sftp://{}@{}", server.user(), server.addr());
    let hash = server.host_key_sha256();
    let arguments = ["ls", &url, "--allowed-fingerprints", &hash, "--key"];
    let call = || Call::new(arguments.iter().copied().chain([key.to_str().unwrap()]));
    let mut terminal = Terminal::start(call(), 80);
    terminal.wait_for("Passphrase of the key: ");
    terminal.enter("wrong\r");
    terminal.wait_for("does not open the key");
    terminal.enter("sesame\r");
    let (status, screen) = terminal.end();
    assert_eq!(status, 0, "{screen}");
    assert_eq!(
        screen.matches("Passphrase of the key:").count(),
        2,
        "{screen}"
    );
    assert!(!screen.contains("sesame"), "{screen}");

    // The third wrong one is the last.
    let mut terminal = Terminal::start(call(), 80);
    for count in 1..=3 {
        terminal.wait_for_times("Passphrase of the key:", count);
        terminal.enter("wrong\r");
    }
    let (status, screen) = terminal.end();
    assert_eq!(status, 2, "{screen}");
}

const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE/gb8F6XBPWpwfyrgeLLI97E1rKTM2VjYLW20aJcxR2";

/// `sesame` opens it; made for this test by ssh-keygen.
const LOCKED: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCifoUQkE
D56QWJVsMWoIMXAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIE/gb8F6XBPWpwfy
rgeLLI97E1rKTM2VjYLW20aJcxR2AAAAkP81jrOGdRIURpAGMQTeDNts/xVjoor+r6CdG6
lSLLS+Q9i0rVpeUHV5wrB2HCjweLXiDo1I1N8Mz/gHppjZ1eOjTOgA1p69KKONpLIHpwu+
k3qf/EVCod1DqmHh3LTQUYjNfEqwI00a6ANUeTCHVF06FEgNOY2STU0tFtPz+v/VGJtAK7
qXr3ChebnniuMjLA==
-----END OPENSSH PRIVATE KEY-----
";

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_completes_and_remembers() {
    let site = Site::new().await;
    write(
        site.servers.sftp.root(),
        &["inner folder/a file.txt", "other"],
    );
    let url = site.url("sftp", "");
    let home = site.here.path().to_str().unwrap();
    let call = || site.call(&["shell", &url]).env("HOME", home);
    let mut terminal = Terminal::start(call(), 80);
    terminal.wait_for("/> ");
    terminal.enter("ls inn\t\r");
    terminal.wait_for("/> ls inner\\ folder/\n- ");
    terminal.enter("get inner\\ folder/\t\r");
    terminal.wait_for("downloaded /inner folder/a file.txt");
    terminal.enter("get none\r");
    terminal.wait_for("hint: ");
    terminal.enter("quit\r");
    assert_eq!(terminal.end().0, 0);
    assert!(site.here.path().join("a file.txt").exists());

    let mut terminal = Terminal::start(call(), 80);
    terminal.wait_for("/> ");
    const UP: &str = "\x1b[A";
    terminal.enter(&UP.repeat(3));
    terminal.wait_for("/> get inner\\ folder/a\\ file.txt");
    terminal.enter(INTERRUPT);
    terminal.wait_for_times("/>", 2);
    const END: &str = "\x04";
    terminal.enter(END);
    assert_eq!(terminal.end().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bar_leaves_nothing_behind() {
    let site = Site::new().await;
    let (root, url) = (site.servers.sftp.root(), site.url("sftp", "/large"));
    fs::write(root.join("large"), vec![7; 300_000]).unwrap();
    for columns in [120, 80, 40] {
        // Two seconds, so that it is drawn.
        let get = ["get", &url, "copy", "--limit-rate", "150k"];
        let terminal = Terminal::start(site.call(&get), columns);
        terminal.wait_for("left  large");
        let drawn = terminal.screen();
        assert_eq!(drawn.lines().count(), 1, "{drawn}");
        let (status, screen) = terminal.end();
        assert_eq!(status, 0, "{screen}");
        assert!(
            screen.starts_with("downloaded large, 293.0 KiB in "),
            "{screen}"
        );
        assert_eq!(screen.lines().count(), 1, "{screen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_bar_leaves_nothing_behind_either() {
    let site = Site::new().await;
    let url = site.url("sftp", "/");
    write(&site.here.path().join("many"), &["a", "b", "c"]);
    fs::write(site.here.path().join("many/large"), vec![7; 8 << 20]).unwrap();
    for arguments in [
        &["put", "many/large"][..],
        &["put", "-r", "many"],
        &["mirror", "many"],
    ] {
        let arguments = [arguments, &[&url, "--limit-rate", "20k"]].concat();
        let mut terminal = Terminal::start(site.call(&arguments), 80);
        terminal.wait_for("left  ");
        terminal.enter(INTERRUPT);
        let (status, screen) = terminal.end();
        assert_eq!(status, 130, "{screen}");
        assert!(
            screen.starts_with("ftp-connect: interrupted\nftp-connect: hint: "),
            "{screen}"
        );
        assert!(!screen.contains(" %"), "{screen}");
        assert!(screen.lines().all(|line| line.len() <= 80), "{screen}");
    }
}

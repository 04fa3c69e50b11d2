//! Where parameters are found that are not on the command line: named servers, `~/.netrc`, `~/.ssh/config`.

use std::fs;

use ftp_connect_testkit::sftp::SftpServer;

use crate::{
    program::{Call, Said},
    site::Site,
};

/// A call without trust or password, in a home folder of its own.
fn at_home(site: &Site, arguments: &[&str]) -> Said {
    let home = site.here.path().to_str().unwrap();
    Call::new(arguments).env("HOME", home).run()
}

fn put_file(site: &Site, name: &str, text: &str) {
    let path = site.here.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_have_names() {
    let site = Site::new().await;
    let (ssh, explicit) = (&site.servers.sftp, &site.servers.explicit);
    fs::write(ssh.root().join("x"), "by name").unwrap();
    let text = format!(
        "[servers.nas]\nserver = \"127.0.0.1\"\nport = {}\nusername = \"tester\"\npassword = \"secret\"\n\
         encryption = \"ssh-password\"\nallowed_fingerprints = \"{}\"\n\n\
         [servers.web]\nserver = \"127.0.0.1\"\nport = {}\nusername = \"tester\"\npassword = \"secret\"\n\
         encryption = 1\nca_file = '{}'\n",
        ssh.addr().port(),
        ssh.host_key_sha256(),
        explicit.addr().port(),
        site.servers.ca.pem_file().display(),
    );
    put_file(&site, ".config/ftp-connect/config.toml", &text);
    let said = at_home(&site, &["connect", "@nas", "--json"]).well();
    assert_eq!(said.json()["report"]["transport"], "sftp");
    assert_eq!(said.stderr, "");
    assert_eq!(at_home(&site, &["cat", "@nas/x"]).well().stdout, "by name");
    let said = at_home(&site, &["connect", "@web", "--json", "--encryption", "-2"]);
    assert_eq!(said.well().json()["report"]["transport"], "tls-reuse");
    let said = at_home(&site, &["connect", "@other"]);
    assert!(said.badly(2, "no server").stderr.contains("nas, web"));
    put_file(&site, "params", "Server: x\n");
    let file = site.here.path().join("params");
    at_home(
        &site,
        &["connect", "@nas", "--params", file.to_str().unwrap()],
    )
    .badly(2, "both");

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = site.here.path().join(".config/ftp-connect/config.toml");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let said = at_home(&site, &["connect", "@nas"]).well();
        assert!(said.stderr.contains("open to others"), "{said:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_in_netrc() {
    let site = Site::new().await;
    put_file(
        &site,
        ".netrc",
        "machine 127.0.0.1 login other password wrong\nmachine 127.0.0.1 login tester password secret\n",
    );
    let url = site.url("ftp", "");
    at_home(&site, &["connect", &url]).well();
    // Without a user the first entry counts.
    let unnamed = url.replace("tester@", "");
    at_home(&site, &["connect", &unnamed]).badly(4, "");
    // What stands closer to the command wins.
    let closer = Call::new(["connect", &url])
        .env("HOME", site.here.path().to_str().unwrap())
        .env("FTP_CONNECT_PASSWORD", "wrong");
    closer.run().badly(4, "");
    put_file(
        &site,
        "elsewhere",
        "machine 127.0.0.1 login tester password wrong\n",
    );
    let file = site.here.path().join("elsewhere");
    let named = Call::new(["connect", &url])
        .env("HOME", site.here.path().to_str().unwrap())
        .env("NETRC", file.to_str().unwrap());
    named.run().badly(4, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_in_ssh_config() {
    let site = Site::new().await;
    let ssh = &site.servers.sftp;
    let text = format!(
        "Host nas\n  HostName 127.0.0.1\n  Port {}\n  User tester\n  IdentityFile {}\n",
        ssh.addr().port(),
        site.servers.key.private_file().display(),
    );
    put_file(&site, ".ssh/config", &text);
    let hash = ssh.host_key_sha256();
    let trust = ["--allowed-fingerprints", &hash];
    let call = |more: &[&str]| at_home(&site, &[&["connect", "--json"][..], more, &trust].concat());
    let report = call(&["sftp://nas"]).well().json();
    assert_eq!(report["report"]["encryption"], "ssh-key-file");
    assert_eq!(report["report"]["username"], "tester");
    assert_eq!(ssh.login_attempts().password, 0);
    call(&["sftp://nobody@nas"]).badly(4, "");
    call(&["sftp://nas", "--ssh-config", "none"]).badly(2, "user name is missing");
    call(&["sftp://nas:1"]).badly(3, "127.0.0.1:1");
}

#[tokio::test(flavor = "multi_thread")]
async fn jump_hosts_of_ssh_config_are_gone_through_in_their_order() {
    let site = Site::new().await;
    let target = &site.servers.sftp;
    let mut hops = Vec::new();
    for _ in 0..2 {
        let hop = SftpServer::builder()
            .with_authorized_key(site.servers.key.public())
            .with_forwarding(true);
        hops.push(hop.start().await.unwrap());
    }
    // What is said of all hosts does not lead in a circle.
    let mut text = format!(
        "Host gate-0 gate-1 nas\n  HostName 127.0.0.1\n  User tester\n  IdentityFile {}\n\
         Match originalhost nas\n  Port {}\n",
        site.servers.key.private_file().display(),
        target.addr().port(),
    );
    for (number, hop) in hops.iter().enumerate() {
        text += &format!("Host gate-{number}\n  Port {}\n", hop.addr().port());
    }
    let ways = [
        ("Host nas\n  ProxyJump gate-0,gate-1\n", 2),
        ("Host *\n  ProxyJump gate-0,gate-1\n", 2),
        // The one next to the server has a jump host itself.
        (
            "Host nas\n  ProxyJump gate-1\nHost gate-1\n  ProxyJump gate-0\n",
            2,
        ),
        ("Host nas\n  ProxyJump gate-1\n", 1),
    ];
    let connect = [
        "connect",
        "sftp://nas",
        "--json",
        "--known-hosts-file",
        "known",
    ];
    for (way, expected) in ways {
        put_file(&site, ".ssh/config", &format!("{text}{way}"));
        let before: Vec<_> = hops
            .iter()
            .map(|hop| hop.login_attempts().credentials())
            .collect();
        let said = Call::new(connect)
            .env("HOME", site.here.path().to_str().unwrap())
            .within(site.here.path())
            .run()
            .well();
        let steps = &said.json()["report"]["timings"]["steps"];
        assert!(steps.to_string().contains("jump"), "{way}: {steps}");
        let passed = hops
            .iter()
            .zip(before)
            .filter(|(hop, before)| hop.login_attempts().credentials() > *before);
        assert_eq!(passed.count(), expected, "{way}");
        // Only the first is reached from here; the host key of the last is kept under its own name.
        assert_eq!(
            said.json()["report"]["peer"],
            serde_json::Value::Null,
            "{way}"
        );
    }
    assert_eq!(hops[1].login_attempts().password, 0);

    put_file(
        &site,
        ".ssh/config",
        &format!("{text}Host nas\n  ProxyCommand nc %h %p\n"),
    );
    let said = Call::new(connect)
        .env("HOME", site.here.path().to_str().unwrap())
        .within(site.here.path())
        .run()
        .well();
    assert!(said.stderr.contains("ProxyCommand for nas"), "{said:#?}");
}

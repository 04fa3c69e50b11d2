//! Where parameters are found that are not on the command line: named servers, `~/.netrc`, `~/.ssh/config`.

use std::fs;

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

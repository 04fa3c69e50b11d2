//! Ways to a server: proxies, ports of active mode, and what is kept about them in a file.

use std::fs;

use ftp_connect::params::ProxyKind;
use ftp_connect_testkit::{
    ftp::{FtpSecurity, FtpServer},
    peer::Script,
    proxy::{ProxyFault, ProxyServer},
    sftp::SftpServer,
};

use crate::program::{Call, Said};

async fn server() -> FtpServer {
    let server = FtpServer::builder(FtpSecurity::Plain);
    server.start().await.expect("a port is free")
}

fn call(server: &FtpServer, command: &str, more: &[&str]) -> Said {
    let url = format!("ftp://{}@{}", server.user(), server.addr());
    Call::new([command, &url].into_iter().chain(more.iter().copied()))
        .env("FTP_CONNECT_PASSWORD", server.password())
        // What other programs read is not read here.
        .env("ALL_PROXY", "socks5://127.0.0.1:1")
        .env("all_proxy", "socks5://127.0.0.1:1")
        .run()
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_are_gone_through_and_told_apart() {
    let server = server().await;
    for (kind, scheme) in [
        (ProxyKind::Socks5, "socks5"),
        (ProxyKind::HttpConnect, "http"),
    ] {
        let proxy = ProxyServer::builder(kind).with_login("ada", "s3cret");
        let proxy = proxy.start().await.unwrap();
        let url = |login: &str| format!("{scheme}://{login}{}", proxy.addr());
        let report = call(
            &server,
            "connect",
            &["--json", "--proxy", &url("ada:s3cret@")],
        );
        let report = report.well().json();
        assert_eq!(report["report"]["proxy"], url(""));
        assert_eq!(report["report"]["peer"], serde_json::Value::Null);
        call(&server, "ls", &["--proxy", &url("ada:s3cret@")]).well();
        assert_eq!(proxy.asked().len(), 3, "one more for the listing's data");

        let said = call(&server, "ls", &["--proxy", &url("ada:wr0ng@")]);
        let said = said.badly(3, "refused the login");
        assert!(!said.stderr.contains("wr0ng"), "{said:?}");
        call(&server, "ls", &["--proxy", &url("")]).badly(3, "wants a login");
        call(
            &server,
            "ls",
            &["--proxy", &url("ada:s3cret@"), "--mode", "active"],
        )
        .badly(2, "active mode does not go through a proxy");

        let silent = ProxyServer::builder(kind).with_fault_from(0, ProxyFault::Silence);
        let silent = silent.start().await.unwrap();
        let url = format!("{scheme}://{}", silent.addr());
        call(
            &server,
            "ls",
            &["--proxy", &url, "--connect-timeout", "0.3"],
        )
        .badly(7, &url);
    }
    call(&server, "ls", &["--proxy", "socks5://127.0.0.1:1"]).badly(3, "is not reached");
    call(&server, "ls", &["--proxy", "ftp://127.0.0.1"]).badly(2, "not a proxy URL");
}

#[tokio::test(flavor = "multi_thread")]
async fn active_mode_listens_where_it_is_told() {
    let server = server().await;
    call(
        &server,
        "ls",
        &["--mode", "active", "--active-address", "127.0.0.1"],
    )
    .well();
    for (options, cause) in [
        (["--active-ports", "high"], "not a range of ports"),
        (["--active-address", "here"], "not an IP address"),
        (["--active-external-address", "there"], "not an IP address"),
        (["--passive-address", "moon"], "unknown passive address"),
    ] {
        call(&server, "ls", &options).badly(2, cause);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_kept_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("profiles");
    let path = file.to_str().unwrap();
    let other = r#"{"server":"elsewhere.example","port":21,"clock_offset":3600}"#;
    fs::write(&file, format!("{other}\n")).unwrap();

    let server = server().await;
    call(&server, "ls", &["--profile", path]).well();
    let kept = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = kept.lines().collect();
    assert_eq!(lines[0], other);
    let learnt: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(learnt["data_method"], "epsv", "{kept}");
    assert_eq!(learnt["port"], server.addr().port());

    // What is known is used: EPSV is not even tried.
    let edited = lines[1].replace(
        "\"data_method\":\"epsv\"",
        "\"data_method\":\"pasv\",\"dead_data_methods\":[\"epsv\"]",
    );
    fs::write(&file, format!("{other}\n{edited}\n")).unwrap();
    let report = call(&server, "connect", &["--profile", path, "--json"])
        .well()
        .json();
    assert_eq!(report["report"]["data_method"], "pasv");
    let said = call(&server, "ls", &["--profile", path, "-vv"]).well();
    // FEAT has the word EPSV; a reply to it would have its code.
    assert!(
        said.stderr.contains("227 ") && !said.stderr.contains("229 "),
        "{said:?}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 2);

    fs::write(&file, "nonsense\n").unwrap();
    call(&server, "ls", &["--profile", path]).badly(2, "not a host profile");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_comes_from_a_file_or_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account");
    fs::write(&file, "dept\n").unwrap();
    let begun = "S: 220 hi\nC: USER ada\nS: 331 x\nC: PASS pw\nS: 332 and the account?\n";
    let rest = "C: ACCT dept\nS: 230 in\nC: FEAT\nS: 502 no\nC: TYPE I\nS: 200 x\nC: PWD\n\
                S: 257 \"/\"\nC: QUIT\nS: 221 bye\nend";
    for by_file in [true, false] {
        let peer = Script::parse(&format!("{begun}{rest}")).unwrap();
        let peer = peer.start().await.unwrap();
        let url = format!("ftp://ada:pw@{}", peer.addr());
        let said = match by_file {
            true => Call::new(["connect", &url, "--account-file", file.to_str().unwrap()]).run(),
            false => Call::new(["connect", &url])
                .env("FTP_CONNECT_ACCOUNT", "dept")
                .run(),
        };
        let said = said.well();
        assert!(
            !said.stdout.contains("dept") && !said.stderr.contains("dept"),
            "{said:?}"
        );
        peer.finish().await.unwrap();
    }
    let peer = Script::parse(&format!("{begun}end")).unwrap();
    let peer = peer.start().await.unwrap();
    let url = format!("ftp://ada:pw@{}", peer.addr());
    let said = Call::new(["connect", &url])
        .run()
        .badly(4, "wants an account");
    assert!(said.stderr.contains("--account-file"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_is_kept_alive_and_gets_new_keys_as_told() {
    let server = SftpServer::builder().start().await.unwrap();
    let content: Vec<u8> = (0..3_000_000_u32)
        .flat_map(|n| (n / 7).to_le_bytes())
        .collect();
    fs::write(server.root().join("large"), &content).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join("large");
    let url = format!("sftp://{}@{}/large", server.user(), server.addr());
    let hash = server.host_key_sha256();
    let get = |rekey: &str, count: &str| {
        let get = ["get", &url, local.to_str().unwrap(), "--rekey-bytes", rekey];
        let probes = ["--keep-alive", "20", "--keep-alive-count", count];
        let trust = ["--allowed-fingerprints", &hash];
        Call::new(get.into_iter().chain(probes).chain(trust))
            .env("FTP_CONNECT_PASSWORD", server.password())
            .run()
    };
    get("1000000", "5").well();
    assert!(fs::read(&local).unwrap() == content);
    for (rekey, count) in [("0", "5"), ("many", "5"), ("1000000", "0")] {
        get(rekey, count).badly(2, "is not a number above zero");
    }
}

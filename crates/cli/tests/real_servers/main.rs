//! The program against the real servers of the lab, in active and passive mode. It needs the lab:
//! `cargo xtask test --only lab`.

#![allow(clippy::unwrap_used)] // a panic is how a test fails

mod commands;
mod doctor;
mod folders;
#[path = "../common/program.rs"]
mod program;
mod ssh_agent;
#[path = "../common/tree.rs"]
mod tree;

use std::{collections::BTreeMap, fs};

use ftp_connect_testkit::lab::{Lab, LabServer};
use program::{Call, Said};

/// One way to a server: its options beside the URL.
struct Way<'l> {
    server: &'l LabServer,
    options: Vec<String>,
}

impl Way<'_> {
    fn call(&self, arguments: &[&str]) -> Said {
        let url = self.server.url();
        let arguments = arguments.iter().map(|a| a.replace("URL", &url));
        Call::new(arguments.chain(self.options.iter().cloned()))
            .env("FTP_CONNECT_PASSWORD", &self.server.password)
            .run()
    }
}

/// Every set-up with every mode and encryption that it serves.
fn ways(lab: &Lab) -> Vec<Way<'_>> {
    let options = |list: &[&str]| {
        list.iter()
            .map(|&option| option.to_owned())
            .collect::<Vec<_>>()
    };
    let ca = lab.ca_file.to_str().expect("UTF-8");
    let mut ways = Vec::new();
    for server in &lab.servers {
        if server.kind == "sftp" {
            ways.push(Way {
                server,
                options: options(&["--known-hosts", "off"]),
            });
            continue;
        }
        for mode in ["active", "passive", "dynamic"] {
            let with_mode = options(&["--mode", mode, "--ca-file", ca]);
            ways.push(Way {
                server,
                options: with_mode.clone(),
            });
            match server.kind.as_str() {
                "ftpes" => {
                    let more = options(&["--encryption", "explicit-tls-reuse"]);
                    ways.push(Way {
                        server,
                        options: [with_mode, more].concat(),
                    });
                }
                "ftps" => {
                    let more = options(&["--session-reuse", "prefer"]);
                    ways.push(Way {
                        server,
                        options: [with_mode, more].concat(),
                    });
                }
                _ => {}
            }
        }
    }
    ways
}

#[test]
fn connect_list_put_and_get_work_on_every_set_up() {
    let lab = Lab::from_env();
    let local = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..250_000_u32).flat_map(u32::to_be_bytes).collect();
    let source = local.path().join("a file [1].bin");
    fs::write(&source, &content).unwrap();
    let source = source.to_str().unwrap();
    let ways = ways(&lab);
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for way in &ways {
        eprintln!("{} {}", way.server.name, way.options.join(" "));
        let report = way.call(&["connect", "URL", "--json"]).well().json();
        assert_eq!(report["report"]["username"], *way.server.user);
        way.call(&["mkdir", "URL/p%20q"]).well();
        let put = way
            .call(&["put", source, "URL/p%20q/", "--json"])
            .well()
            .json();
        assert_eq!(put["bytes"], content.len());
        if way.server.reuse_required && way.options.iter().any(|o| o.contains("reuse")) {
            assert_eq!(put["tls_resumed"], true, "{put:#}");
        }
        assert_eq!(
            fs::read(way.server.root.join("p q/a file [1].bin")).unwrap(),
            content
        );
        let listed = way.call(&["ls", "-1", "URL/p%20q"]).well();
        assert_eq!(listed.stdout, "a file [1].bin\n");
        let entry = way
            .call(&["stat", "URL/p%20q/a%20file%20%5B1%5D.bin", "--json"])
            .well()
            .json();
        assert_eq!(entry["entry"]["size"], content.len(), "{entry:#}");
        let target = local.path().join("back");
        way.call(&[
            "get",
            "URL/p%20q/a%20file%20%5B1%5D.bin",
            target.to_str().unwrap(),
        ])
        .well();
        assert_eq!(fs::read(&target).unwrap(), content);
        way.call(&["mv", "URL/p%20q/a%20file%20%5B1%5D.bin", "p q/b"])
            .well();
        way.call(&["rm", "URL/p%20q/b"]).well();
        way.call(&["rm", "URL/p%20q/b"]).badly(6, "b");
        way.call(&["ls", "URL/none"]).badly(6, "none");
        way.call(&["rmdir", "URL/p%20q"]).well();
        assert!(!way.server.root.join("p q").exists());
        *tried.entry(&way.server.name).or_default() += 1;
    }
    eprintln!("{tried:#?}");
    assert_eq!(tried.len(), lab.servers.len());
}

#[test]
fn a_wrong_password_is_refused_as_such() {
    let lab = Lab::from_env();
    let ca = lab.ca_file.to_str().unwrap();
    for server in &lab.servers {
        eprintln!("{}", server.name);
        Call::new([
            "connect",
            &server.url(),
            "--known-hosts",
            "off",
            "--ca-file",
            ca,
        ])
        .env("FTP_CONNECT_PASSWORD", "wrong")
        .run()
        .badly(4, "");
    }
}

#[test]
fn every_key_logs_in_by_file_and_by_content() {
    let lab = Lab::from_env();
    for server in lab
        .servers
        .iter()
        .filter(|server| server.takes("publickey"))
    {
        for key in &lab.keys {
            for encryption in ["4", "5"] {
                eprintln!(
                    "{} {} {} {encryption}",
                    server.name, key.algorithm, key.format
                );
                let file = key.file.to_str().unwrap();
                let passphrase = key.passphrase.as_deref().unwrap_or_default();
                let url = server.url();
                let mut arguments = vec![
                    "connect",
                    &url,
                    "--known-hosts",
                    "off",
                    "--key",
                    file,
                    "--encryption",
                    encryption,
                ];
                // DSA is no longer safe.
                arguments.extend((key.algorithm == "dsa").then_some("--legacy"));
                Call::new(arguments)
                    .env("FTP_CONNECT_KEY_PASSPHRASE", passphrase)
                    .run()
                    .well();
                if key.passphrase.is_some() {
                    Call::new([
                        "connect",
                        &server.url(),
                        "--known-hosts",
                        "off",
                        "--key",
                        file,
                    ])
                    .env("FTP_CONNECT_KEY_PASSPHRASE", "wrong")
                    .run()
                    .badly(2, "passphrase");
                }
            }
        }
    }
}

#[test]
fn a_host_key_that_is_not_allowed_sees_no_credential() {
    let lab = Lab::from_env();
    let key = &lab.keys[0].file;
    for server in lab.servers.iter().filter(|server| server.kind == "sftp") {
        // How each server writes an attempt to log in.
        let attempts = || {
            let log = server.log();
            [
                "userauth-request",
                "auth succeeded",
                "attempt for",
                "USERAUTH_REQUEST",
                "Failed ",
                "Accepted ",
            ]
            .iter()
            .map(|words| log.matches(words).count())
            .sum::<usize>()
        };
        let prints = Call::new(["fingerprint", &server.url(), "--json"])
            .run()
            .well()
            .json();
        let sha256 = prints["host_key"]["sha256"].as_str().unwrap();
        let call = |list: &str, options: &[&str]| {
            let url = server.url();
            let mut arguments = vec!["connect", url.as_str(), "--allowed-fingerprints", list];
            arguments.extend(options);
            Call::new(arguments)
                .env("FTP_CONNECT_PASSWORD", &server.password)
                .run()
        };
        let wrong = format!("SHA256:{}", "A".repeat(43));
        let before = attempts();
        call(&wrong, &[]).badly(5, sha256);
        call(&wrong, &["--key", key.to_str().unwrap()]).badly(5, sha256);
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(
            attempts(),
            before,
            "{}: a credential was offered",
            server.name
        );
        // The log does show attempts where there are some.
        call(sha256, &[]).well();
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(
            attempts() > before,
            "{}: the log shows no attempts at all",
            server.name
        );
    }
}

#[test]
fn an_empty_list_connects_with_a_warning() {
    let lab = Lab::from_env();
    let server = lab
        .servers
        .iter()
        .find(|server| server.name == "openssh")
        .unwrap();
    let said = Call::new([
        "connect",
        &server.url(),
        "--known-hosts",
        "off",
        "--allowed-fingerprints",
        "",
    ])
    .env("FTP_CONNECT_PASSWORD", &server.password)
    .run()
    .well();
    assert!(said.stderr.contains("warning"), "{said:#?}");
}

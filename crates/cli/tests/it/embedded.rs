//! The program against embedded servers: every command over every protocol, and refused trust.

use std::{fs, path::Path};

use ftp_connect_testkit::Embedded;

use crate::program::{Call, Said};

/// A server's URL up to the port, the options that make it trusted, its folder, its password.
struct Server<'s> {
    url: String,
    trust: Vec<String>,
    root: &'s Path,
    password: &'s str,
}

impl Server<'_> {
    fn call(&self, arguments: &[&str]) -> Said {
        let arguments = arguments.iter().map(|a| a.replace("URL", &self.url));
        Call::new(arguments.chain(self.trust.iter().cloned()))
            .env("FTP_CONNECT_PASSWORD", self.password)
            .run()
    }
}

fn servers(all: &Embedded) -> Vec<Server<'_>> {
    let ca = all.ca.pem_file().to_str().expect("UTF-8").to_owned();
    let trust = vec!["--ca-file".to_owned(), ca];
    let ftp = |scheme: &str, server: &'_ ftp_connect_testkit::ftp::FtpServer| {
        format!("{scheme}://{}@{}", server.user(), server.addr())
    };
    vec![
        Server {
            url: ftp("ftp", &all.plain),
            trust: vec![],
            root: all.plain.root(),
            password: all.plain.password(),
        },
        Server {
            url: ftp("ftpes", &all.explicit),
            trust: trust.clone(),
            root: all.explicit.root(),
            password: all.explicit.password(),
        },
        Server {
            url: ftp("ftps", &all.implicit),
            trust: trust.clone(),
            root: all.implicit.root(),
            password: all.implicit.password(),
        },
        Server {
            url: ftp("ftpes", &all.explicit),
            trust: [trust, vec!["--encryption".to_owned(), "-2".to_owned()]].concat(),
            root: all.explicit.root(),
            password: all.explicit.password(),
        },
        Server {
            url: format!("sftp://{}@{}", all.sftp.user(), all.sftp.addr()),
            trust: vec![
                "--allowed-fingerprints".to_owned(),
                all.sftp.host_key_sha256(),
            ],
            root: all.sftp.root(),
            password: all.sftp.password(),
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_works_over_every_protocol() {
    let all = Embedded::start().await.unwrap();
    let local = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..70_000_u32).flat_map(u32::to_be_bytes).collect();
    let source = local.path().join("a file.bin");
    fs::write(&source, &content).unwrap();
    for server in servers(&all) {
        let source = source.to_str().unwrap();
        let report = server.call(&["connect", "URL", "--json"]).well().json();
        assert_eq!(report["ok"], true);
        assert!(
            report["report"]["timings"]["steps"]
                .as_array()
                .is_some_and(|s| !s.is_empty())
        );
        server.call(&["mkdir", "URL/in"]).well();
        let put = server
            .call(&["put", source, "URL/in/", "--json"])
            .well()
            .json();
        assert_eq!(
            (&put["bytes"], &put["integrity"]),
            (&content.len().into(), &"size".into())
        );
        assert_eq!(
            fs::read(server.root.join("in/a file.bin")).unwrap(),
            content
        );
        server
            .call(&["put", source, "URL/in/a%20file.bin", "--no-overwrite"])
            .badly(1, "exists");
        let listed = server.call(&["ls", "URL/in", "--json"]).well().json();
        assert_eq!(listed["entries"][0]["name"], "a file.bin", "{listed}");
        let entry = server
            .call(&["stat", "URL/in/a%20file.bin", "--json"])
            .well()
            .json();
        assert_eq!(entry["entry"]["size"], content.len());
        let target = local.path().join("back");
        server
            .call(&["get", "URL/in/a%20file.bin", target.to_str().unwrap()])
            .well();
        assert_eq!(fs::read(&target).unwrap(), content);
        server.call(&["mv", "URL/in/a%20file.bin", "in/b"]).well();
        server.call(&["put", source, "URL/in/c"]).well();
        let said = server.call(&["mv", "URL/in/c", "in/b"]).badly(1, "exists");
        assert!(said.stderr.contains("--replace"), "{said:#?}");
        server.call(&["mv", "--replace", "URL/in/c", "in/b"]).well();
        assert_eq!(server.call(&["ls", "-1", "URL/in"]).well().stdout, "b\n");
        server
            .call(&["get", "URL/in/none", target.to_str().unwrap()])
            .badly(6, "none");
        assert_eq!(
            fs::read(&target).unwrap(),
            content,
            "a failed get changes nothing"
        );
        server.call(&["stat", "URL/in/none"]).badly(6, "none");
        server.call(&["rm", "URL/in/b"]).well();
        server.call(&["rm", "URL/in/b"]).badly(6, "in/b");
        server.call(&["rmdir", "URL/in"]).well();
        assert!(!server.root.join("in").exists());
        let wrong = Call::new(
            ["connect", &server.url]
                .iter()
                .map(|a| (*a).to_owned())
                .chain(server.trust.clone()),
        );
        wrong
            .env("FTP_CONNECT_PASSWORD", "wrong")
            .run()
            .badly(4, "");
    }
    let left: Vec<_> = fs::read_dir(local.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "no debris beside the downloads: {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_key_that_is_not_allowed_sees_no_credential() {
    let all = Embedded::start().await.unwrap();
    let other = format!("SHA256:{}", "A".repeat(43));
    let url = format!(
        "sftp://{}:{}@{}",
        all.sftp.user(),
        all.sftp.password(),
        all.sftp.addr()
    );
    for kind in ["MD5", "SHA1", "SHA256"] {
        let seen = match kind {
            "MD5" => all.sftp.host_key_md5(),
            "SHA1" => all.sftp.host_key_sha1(),
            _ => all.sftp.host_key_sha256(),
        };
        let said = Call::new([
            "connect",
            &url,
            "--json",
            "--fingerprint-type",
            kind,
            "--allowed-fingerprints",
            &other,
        ])
        .run()
        .badly(5, &seen);
        assert_eq!(said.json()["error"]["host_key"], *seen);
        let prints = Call::new(["fingerprint", &url]).run().well();
        assert!(prints.stdout.contains(&seen), "{prints:#?}");
    }
    assert_eq!(all.sftp.login_attempts().credentials(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn known_hosts_are_remembered_and_held_to() {
    let all = Embedded::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep/known_hosts");
    let file = file.to_str().unwrap();
    let url = format!(
        "sftp://{}:{}@{}",
        all.sftp.user(),
        all.sftp.password(),
        all.sftp.addr()
    );
    let call = |policy: &str| {
        Call::new([
            "connect",
            &url,
            "--known-hosts",
            policy,
            "--known-hosts-file",
            file,
        ])
        .run()
    };
    call("strict").badly(5, "unknown");
    call("accept-new").well();
    call("strict").well();
    let known = fs::read_to_string(file).unwrap();
    assert_eq!(known.lines().count(), 1);
    // The same server under another key: a key of the embedded server's own making.
    let another = Embedded::start().await.unwrap();
    let mut fields: Vec<_> = known.split_whitespace().map(str::to_owned).collect();
    fields[2] = another
        .sftp
        .host_key()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .to_owned();
    fs::write(file, fields.join(" ") + "\n").unwrap();
    call("accept-new").badly(5, "changed");
    assert!(call("off").well().stderr.contains("warning"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_trusted_by_authority_or_pin_only() {
    let all = Embedded::start().await.unwrap();
    let another = Embedded::start().await.unwrap();
    for (scheme, server) in [("ftpes", &all.explicit), ("ftps", &all.implicit)] {
        for encryption in [None, Some("-2")]
            .into_iter()
            .take(if scheme == "ftpes" { 2 } else { 1 })
        {
            let url = format!(
                "{scheme}://{}:{}@{}",
                server.user(),
                server.password(),
                server.addr()
            );
            let call = |options: &[&str]| {
                let mut arguments = vec!["connect", url.as_str()];
                arguments.extend(options);
                arguments.extend(encryption.iter().flat_map(|value| ["--encryption", value]));
                Call::new(arguments).run()
            };
            let pin = server.certificate().unwrap().sha256_hex();
            call(&[]).badly(5, "certificate");
            call(&["--ca-file", another.ca.pem_file().to_str().unwrap()]).badly(5, "certificate");
            call(&["--ca-file", all.ca.pem_file().to_str().unwrap()]).well();
            call(&["--pin-sha256", &pin]).well();
            call(&["--pin-sha256", &"ab".repeat(32)]).badly(5, "certificate");
            assert!(
                call(&["--danger-accept-any-certificate"])
                    .well()
                    .stderr
                    .contains("warning")
            );
            if encryption.is_none() {
                let prints = Call::new(["fingerprint", url.as_str()]).run().well();
                assert!(prints.stdout.contains(&pin), "{prints:#?}");
            }
        }
    }
    assert_eq!(another.explicit.login_attempts(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_used_are_usage_errors() {
    let all = Embedded::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let url = format!("sftp://{}@{}", all.sftp.user(), all.sftp.addr());
    let hash = all.sftp.host_key_sha256();
    let call = |key: &str, passphrase: &str| {
        Call::new([
            "connect",
            &url,
            "--allowed-fingerprints",
            &hash,
            "--key",
            key,
        ])
        .env("FTP_CONNECT_KEY_PASSPHRASE", passphrase)
        .run()
    };
    call("/no/such", "").badly(2, "/no/such");
    call(&write("public", all.key.public()), "").badly(2, "public key");
    call(&write("rubbish", "not a key\n"), "").badly(2, "");
    call(&write("empty", ""), "").badly(2, "");
    call(&write("good", all.key.private()), "").well();
    let content = write("content", &all.key.private().replace('\n', "\r\n"));
    Call::new([
        "connect",
        &url,
        "--allowed-fingerprints",
        &hash,
        "--encryption",
        "5",
        "--key",
        &content,
    ])
    .run()
    .well();
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_come_from_a_file() {
    let all = Embedded::start().await.unwrap();
    fs::write(all.sftp.root().join("x"), "content").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("params");
    let (address, user, password) = (all.sftp.addr(), all.sftp.user(), all.sftp.password());
    let hash = all.sftp.host_key_md5();
    let text = format!(
        "Server: {}\nPort: {}\nUsername: {user}\nPassword: {password}\nEncryption: SSH FTP Client Password\n\
         Finger Print Type: MD5\nAllowed Finger Print List: {hash}\n",
        address.ip(),
        address.port()
    );
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let report = Call::new(["connect", "--params", file, "--json"])
        .run()
        .well()
        .json();
    assert_eq!(report["report"]["host_key"]["fingerprint"], *hash);
    let got = Call::new(["get", "--params", file, "/x", "-"]).run().well();
    assert_eq!(got.stdout, "content");
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_nobody_reads_is_no_failure() {
    let all = Embedded::start().await.unwrap();
    fs::write(all.sftp.root().join("x"), vec![1; 2 << 20]).unwrap();
    let url = format!(
        "sftp://{}:{}@{}",
        all.sftp.user(),
        all.sftp.password(),
        all.sftp.addr()
    );
    let hash = all.sftp.host_key_sha256();
    let file = format!("{url}/x");
    for arguments in [["get", &file, "-"], ["ls", &url, "-1"]] {
        let trust = ["--allowed-fingerprints", &hash];
        assert_eq!(
            Call::new(arguments.iter().chain(&trust)).run_unread(),
            0,
            "{arguments:?}"
        );
    }
}

#[test]
fn the_demo_works() {
    let document = Call::new(["demo", "--json"]).run().well().json();
    let rows = document["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 7);
    assert!(
        rows.iter()
            .all(|row| row["result"].as_str().unwrap().starts_with("ok")),
        "{document:#}"
    );
}

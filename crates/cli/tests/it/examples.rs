//! The examples in the help of each command, run as they stand there: in a shell, against embedded servers that
//! take the place of `files.example.org`.

use std::{fs, path::Path, process::Command};

use crate::{
    program::{Call, Said},
    site::Site,
    tree::write,
};

/// Runs what stands behind `Example:` in the help of these commands, one after the other.
async fn run_examples(commands: &[&[&str]]) {
    let site = Site::new().await;
    for root in site.roots() {
        write(root, &["a.txt", "in/a.txt", "in/b.csv", "in/2024/c.txt"]);
        fs::create_dir_all(root.join("old")).unwrap();
        fs::create_dir_all(root.join("www")).unwrap();
    }
    write(
        site.here.path(),
        &["a.txt", "site/index.html", "site/img/logo"],
    );
    for command in commands {
        let help = Call::new(command.iter().chain(&["--help"])).run().well();
        let examples: Vec<_> = help
            .stdout
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Example: "))
            .collect();
        assert!(
            !examples.is_empty(),
            "{command:?} has no example: {help:#?}"
        );
        for example in examples {
            let said = run_in_shell(example, &site);
            assert_eq!(said.status, 0, "{example}: {said:#?}");
        }
    }
}

fn run_in_shell(example: &str, site: &Site) -> Said {
    let mut line = example.to_owned();
    for scheme in ["sftp", "ftpes", "ftps", "ftp"] {
        for user in ["ada@", ""] {
            let from = format!("{scheme}://{user}files.example.org");
            line = line.replace(&from, &site.url(scheme, ""));
        }
    }
    assert!(!line.contains("example.org"), "{line}");
    if line.contains("://") {
        line = format!("{line} {}", site.trust().join(" "));
    }
    let program = Path::new(env!("CARGO_BIN_EXE_ftp-connect"));
    let output = Command::new("/bin/sh")
        .args(["-c", &line])
        .env("PATH", program.parent().unwrap())
        .env("FTP_CONNECT_PASSWORD", site.servers.plain.password())
        .env("HOME", site.here.path())
        .current_dir(site.here.path())
        .stdin(std::process::Stdio::null())
        .output();
    Said::of(output.expect("there is a shell"))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_looking() {
    run_examples(&[
        &["connect"],
        &["ls"],
        &["tree"],
        &["du"],
        &["stat"],
        &["cat"],
        &["checksum"],
        &["fingerprint"],
        &["doctor"],
        &["shell"],
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_transferring() {
    fs::create_dir_all(concat!(env!("CARGO_TARGET_TMPDIR"), "/no-home")).unwrap();
    run_examples(&[
        &["get"],
        &["put"],
        &["mirror"],
        &["sync", "plan"],
        &["sync", "apply"],
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_changing() {
    run_examples(&[
        &["touch"],
        &["chmod"],
        &["ln"],
        &["mkdir"],
        &["rmdir"],
        &["mv"],
        &["rm"],
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_needs_no_server() {
    run_examples(&[&["completions"], &["man"], &["demo"]]).await;
}

#[test]
fn no_command_is_left_out() {
    let source = include_str!("examples.rs");
    let help = Call::new(["help"]).run().well();
    let commands = help.stdout.split("Commands:").nth(1).unwrap();
    let commands = commands.split("Options:").next().unwrap();
    let mut count = 0;
    for line in commands.lines() {
        // Descriptions that are wrapped stand further to the right.
        let Some(name) = line
            .strip_prefix("  ")
            .filter(|rest| !rest.starts_with(' '))
        else {
            continue;
        };
        let name = name.split_whitespace().next().unwrap();
        let listed = source.contains(&format!("[\"{name}\"")) || name == "help";
        assert!(listed, "{name} has no test of its examples");
        count += 1;
    }
    assert!(count > 20, "{}", help.stdout);
    Call::new(["--version"]).run().well();
}

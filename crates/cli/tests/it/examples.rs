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

const LOOKING: &[&[&str]] = &[
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
];

const TRANSFERRING: &[&[&str]] = &[
    &["get"],
    &["put"],
    &["mirror"],
    &["sync", "plan"],
    &["sync", "apply"],
];

const CHANGING: &[&[&str]] = &[
    &["touch"],
    &["chmod"],
    &["ln"],
    &["mkdir"],
    &["rmdir"],
    &["mv"],
    &["rm"],
];

const WITHOUT_A_SERVER: &[&[&str]] = &[&["completions"], &["man"], &["demo"]];

#[tokio::test(flavor = "multi_thread")]
async fn of_looking() {
    run_examples(LOOKING).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_transferring() {
    fs::create_dir_all(concat!(env!("CARGO_TARGET_TMPDIR"), "/no-home")).unwrap();
    run_examples(TRANSFERRING).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_changing() {
    run_examples(CHANGING).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_needs_no_server() {
    run_examples(WITHOUT_A_SERVER).await;
}

#[test]
fn no_command_is_left_out() {
    let groups = [LOOKING, TRANSFERRING, CHANGING, WITHOUT_A_SERVER];
    let mut tested: Vec<String> = groups
        .concat()
        .iter()
        .map(|words| words.join(" "))
        .collect();
    let mut there = commands_below("");
    tested.sort();
    there.sort();
    assert_eq!(there, tested);
    Call::new(["--version"]).run().well();
}

/// All commands that do something, with those above them, as the help lists them.
fn commands_below(above: &str) -> Vec<String> {
    let words = above.split_whitespace().chain(["--help"]);
    let help = Call::new(words).run().well().stdout;
    let Some((_, listed)) = help.split_once("\nCommands:\n") else {
        return vec![above.to_owned()];
    };
    let listed = listed.split("\n\n").next().unwrap();
    // Descriptions that are wrapped stand further to the right.
    let names = listed.lines().filter_map(|line| {
        let name = line
            .strip_prefix("  ")
            .filter(|rest| !rest.starts_with(' '))?;
        name.split_whitespace()
            .next()
            .filter(|name| *name != "help")
    });
    let below = names.map(|name| format!("{above} {name}").trim().to_owned());
    below.flat_map(|name| commands_below(&name)).collect()
}

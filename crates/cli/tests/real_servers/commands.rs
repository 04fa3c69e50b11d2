//! What people do once connected, on one set-up of each server: many files, folders, mirrors, and the commands
//! of one step. What a server does not have is refused with a hint.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use ftp_connect_testkit::lab::{Lab, LabServer};

use crate::{
    program::{Call, Said},
    tree::{content, write},
};

/// Nobody makes links over FTP.
const BY_FTP: [&str; 5] = [
    "vsftpd-plain",
    "vsftpd-explicit",
    "proftpd-explicit",
    "pure-ftpd-explicit",
    "pyftpdlib-explicit",
];

const BY_SSH: [&str; 3] = ["openssh", "dropbear", "proftpd-sftp"];

/// Names that globs, listings and shells take for something else, an empty file, and folders below folders.
const NAMES: [&str; 7] = [
    "a.txt",
    "b c.txt",
    "[d].txt",
    "e.bin",
    "f [1]/g h.txt",
    "f [1]/i/\u{e4}\u{f6}.txt",
    "j/k",
];

#[test]
fn every_command_by_ftp() {
    every_command("ftp", &BY_FTP);
}

#[test]
fn every_command_by_ssh() {
    every_command("ssh", &BY_SSH);
}

fn every_command(by: &str, names: &[&str]) {
    let lab = Lab::from_env();
    let mut report = format!("commands of the program by {by}\n");
    for &name in names {
        let Some(server) = lab.servers.iter().find(|server| server.name == name) else {
            assert!(lab.left_out.iter().any(|line| line.contains("pyftpdlib")));
            continue;
        };
        eprintln!("{name}");
        let begun = Instant::now();
        let here = tempfile::tempdir().unwrap();
        write(&here.path().join("src"), &NAMES);
        fs::write(here.path().join("src/empty.txt"), "").unwrap();
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        let old = fs::File::options()
            .write(true)
            .open(here.path().join("src/a.txt"));
        old.unwrap().set_modified(hour_ago).unwrap();
        // What an earlier run left when it failed.
        let _ = fs::remove_dir_all(server.root.join("work"));
        let bench = Bench {
            server,
            ca_file: lab.ca_file.to_str().unwrap(),
            here: here.path(),
        };
        many_files(&bench);
        mirrors(&bench);
        plans(&bench);
        looking(&bench);
        small_changes(&bench);
        bench.well(&["rm", "-r", "URL/work"]);
        assert!(!server.root.join("work").exists());
        let took = begun.elapsed().as_secs_f64();
        writeln!(report, "{name:20} {took:.1} s").unwrap();
    }
    Lab::leave(&format!("commands-{by}"), &report);
}

/// A server, and a folder here in which the program runs.
struct Bench<'l> {
    server: &'l LabServer,
    ca_file: &'l str,
    here: &'l Path,
}

impl Bench<'_> {
    fn call(&self, arguments: &[&str]) -> Said {
        let url = self.server.url();
        let mut arguments: Vec<_> = arguments.iter().map(|a| a.replace("URL", &url)).collect();
        let trust = match self.server.kind.as_str() {
            "sftp" => ["--known-hosts", "off"],
            _ => ["--ca-file", self.ca_file],
        };
        arguments.extend(trust.map(str::to_owned));
        if self.server.reuse_required {
            arguments.extend(["--encryption", "explicit-tls-reuse"].map(str::to_owned));
        }
        Call::new(arguments)
            .env("FTP_CONNECT_PASSWORD", &self.server.password)
            .within(self.here)
            .run()
    }

    #[track_caller]
    fn well(&self, arguments: &[&str]) -> Said {
        self.call(arguments).well()
    }

    /// How many files one run of `mirror` or `sync apply` copied, and how many it found as they should be.
    #[track_caller]
    fn copied(&self, arguments: &[&str]) -> (u64, u64) {
        let arguments = [arguments, &["--json"]].concat();
        let end = self.well(&arguments).json();
        assert_eq!(end["failed"], 0, "{end:#}");
        (
            end["copied"].as_u64().unwrap(),
            end["unchanged"].as_u64().unwrap(),
        )
    }

    /// A folder on the server's disk is that folder here.
    #[track_caller]
    fn same(&self, there: &str, here: &str) {
        let there = content(&self.server.root.join(there));
        assert_eq!(there, content(&self.here.join(here)));
    }
}

fn many_files(bench: &Bench<'_>) {
    bench.well(&["mkdir", "URL/work"]);
    bench.well(&["put", "src/*.txt", "src/e.bin", "URL/work/"]);
    bench.well(&["put", "-r", "src/f [1]", "src/j", "URL/work/"]);
    bench.same("work", "src");

    let said = bench.well(&["get", "URL/work/*.txt", "texts"]);
    assert!(said.stdout.contains("downloaded 4 files"), "{said:#?}");
    bench.well(&["get", "URL/work/f%20\\[1\\]/**/*.txt", "deep"]);
    let names = |folder: &str| -> Vec<String> {
        let found = content(&bench.here.join(folder));
        found.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names("texts"), ["[d].txt", "a.txt", "b c.txt", "empty.txt"]);
    assert_eq!(names("deep"), ["g h.txt", "\u{e4}\u{f6}.txt"]);
    bench.well(&["get", "-r", "URL/work", "whole"]);
    bench.same("work", "whole");
    bench
        .call(&["get", "URL/work/*.none", "texts"])
        .badly(6, "nothing matches");

    let said = bench.well(&["cat", "URL/work/*c.txt"]);
    assert_eq!(said.stdout, "b c.txtb c.txt");
    assert_eq!(bench.well(&["cat", "URL/work/empty.txt"]).stdout, "");
    bench.call(&["cat", "URL/work/none"]).badly(6, "none");
}

fn mirrors(bench: &Bench<'_>) {
    let files = NAMES.len() as u64 + 1;
    let up = ["mirror", "src", "URL/work/copy", "--delete"];
    let down = ["mirror", "URL/work/copy", "back", "--delete"];
    assert_eq!(bench.copied(&up), (files, 0));
    bench.same("work/copy", "src");
    assert_eq!(bench.copied(&up), (0, files));
    assert_eq!(bench.copied(&down), (files, 0));
    bench.same("work/copy", "back");
    assert_eq!(bench.copied(&down), (0, files));

    // One file of the same size is newer by more than the coarsest listing's minute, and another is gone.
    fs::write(bench.here.join("src/a.txt"), "other").unwrap();
    fs::remove_file(bench.here.join("src/j/k")).unwrap();
    for mirror in [&up, &down] {
        assert_eq!(bench.copied(mirror), (1, files - 2));
        assert_eq!(bench.copied(mirror), (0, files - 1));
    }
    bench.same("work/copy", "src");
    bench.same("work/copy", "back");
}

fn plans(bench: &Bench<'_>) {
    let plan = [
        "sync",
        "plan",
        "src",
        "URL/work/planned",
        "--out",
        "plan",
        "--json",
    ];
    let told = bench.well(&plan).json();
    assert_eq!(told["files"], NAMES.len(), "{told:#}");
    assert!(!bench.server.root.join("work/planned").exists());
    let (copied, _) = bench.copied(&["sync", "apply", "plan", "URL"]);
    assert_eq!(copied, NAMES.len() as u64);
    bench.same("work/planned", "src");
    let told = bench.well(&plan).json();
    assert_eq!(told["steps"], 0, "{told:#}");
}

fn looking(bench: &Bench<'_>) {
    let there = content(&bench.server.root.join("work/copy"));
    let bytes: usize = there.iter().map(|(_, bytes)| bytes.len()).sum();
    let told = bench.well(&["du", "URL/work/copy", "--json"]).json();
    assert_eq!(told["bytes"], bytes, "{told:#}");
    assert_eq!(
        (&told["files"], &told["whole"]),
        (&there.len().into(), &true.into())
    );
    let tree = bench.well(&["tree", "URL/work/copy"]).stdout;
    for part in [
        "[d].txt\n",
        "f [1]/\n",
        "\u{e4}\u{f6}.txt\n",
        "\n3 folders, 7 files\n",
    ] {
        assert!(tree.contains(part), "{part:?} in {tree}");
    }
}

fn small_changes(bench: &Bench<'_>) {
    let root = bench.server.root.join("work");
    for (name, created) in [("b%20c.txt", false), ("new", true)] {
        let url = format!("URL/work/{name}");
        let touch = ["touch", &url, "--time", "2001-02-03T04:05:06Z", "--json"];
        assert_eq!(bench.well(&touch).json()["created"], created);
        let found = fs::metadata(root.join(name.replace("%20", " "))).unwrap();
        let since = found.modified().unwrap().duration_since(UNIX_EPOCH);
        assert_eq!(since.unwrap().as_secs(), 981_173_106);
    }
    bench.well(&["chmod", "600", "URL/work/a.txt"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(root.join("a.txt")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);

    let soft = bench.call(&["ln", "-s", "a.txt", "URL/work/soft"]);
    let hard = bench.call(&["ln", "work/a.txt", "URL/work/hard"]);
    if bench.server.kind == "sftp" {
        soft.well();
        hard.well();
        assert_eq!(
            fs::read_link(root.join("soft")).unwrap(),
            Path::new("a.txt")
        );
        assert_eq!(fs::read(root.join("hard")).unwrap(), b"a.txt");
        let shown = bench.well(&["tree", "URL/work", "--depth", "1"]).stdout;
        assert!(shown.contains("soft"), "{shown}");
    } else {
        soft.badly(1, "");
        hard.badly(1, "");
    }

    // None of them computes checksums as it is delivered.
    let here = bench.well(&["checksum", "URL/work/a.txt", "--here"]);
    assert_eq!(here.stdout, format!("{SHA256_OF_A}  work/a.txt\n"));
    let told = bench.call(&["checksum", "URL/work/a.txt"]);
    assert!(told.badly(1, "").stderr.contains("--here"));
}

/// Of the five letters `a.txt`.
const SHA256_OF_A: &str = "18b7cb099a9ea3f50ba899b5ba81e0d377a5f3b16f8f6eeb8b3e58cd4692b993";

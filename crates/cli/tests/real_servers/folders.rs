//! Large folders: `ls` prints entries as they come, and its memory does not grow with their number.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ftp_connect_testkit::lab::{Lab, LabServer};

/// A folder of empty files with long names, which goes from server to server and is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(server: &LabServer, files: usize) -> Self {
        let folder = server.root.join("many");
        fs::create_dir(&folder).unwrap();
        for n in 0..files {
            fs::File::create(folder.join(format!("{}{n:06}", "a name that takes room ".repeat(3))))
                .unwrap();
        }
        Self(folder)
    }

    fn give_to(&mut self, server: &LabServer) {
        let there = server.root.join("many");
        if there != self.0 {
            fs::rename(&self.0, &there).unwrap();
            self.0 = there;
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What one call of `ls` came to.
#[derive(Debug)]
struct Listed {
    lines: usize,
    status: i32,
    /// The most memory that the program has held, in KiB, as seen until shortly before its end.
    peak: usize,
    first: Duration,
    whole: Duration,
}

/// Lists, and lets the program wait for a reader after its first line.
fn list(server: &LabServer, ca: &Path) -> Listed {
    let url = format!("{}/many", server.url());
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ftp-connect"))
        .args(["ls", &url, "--known-hosts", "off", "--ca-file"])
        .arg(ca)
        .env("FTP_CONNECT_PASSWORD", &server.password)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let first = begun.elapsed();
    std::thread::sleep(Duration::from_millis(500));
    let mut lines = 1;
    let mut peak = peak_of(&child).unwrap_or(0);
    loop {
        line.clear();
        if output.read_line(&mut line).unwrap() == 0 {
            break;
        }
        lines += 1;
        if lines % 500 == 0 {
            peak = peak.max(peak_of(&child).unwrap_or(0));
        }
    }
    Listed {
        lines,
        status: child.wait().unwrap().code().unwrap(),
        peak,
        first,
        whole: begun.elapsed(),
    }
}

fn peak_of(child: &Child) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn large_folders_are_printed_as_they_come() {
    let lab = Lab::from_env();
    let mut report = String::from("folders: `ls`, first line / whole / peak memory\n");
    // LIST, MLSD, MLSD from Python, TLS, SFTP. Pure-FTPd lists ten thousand at most.
    let names = [
        "vsftpd-plain",
        "proftpd-plain",
        "pyftpdlib-plain",
        "vsftpd-explicit",
        "openssh",
    ];
    let servers: Vec<&LabServer> = lab
        .servers
        .iter()
        .filter(|server| names.contains(&server.name.as_str()))
        .collect();
    let mut peaks = Vec::new();
    for files in [3_000, 100_000] {
        let mut folder = Folder::new(servers[0], files);
        let mut peaks_now = Vec::new();
        for server in &servers {
            folder.give_to(server);
            let listed = list(server, &lab.ca_file);
            let _ = writeln!(
                report,
                "{:16} {files:6} entries: {:.2?} / {:.2?} / {} KiB",
                server.name, listed.first, listed.whole, listed.peak
            );
            assert_eq!((listed.lines, listed.status), (files, 0), "{}", server.name);
            assert!(listed.peak > 0, "{}: too quick to be measured", server.name);
            peaks_now.push(listed.peak);
        }
        peaks.push(peaks_now);
        if files == 100_000 {
            let short = lab.server("pure-ftpd-plain");
            folder.give_to(short);
            let listed = list(short, &lab.ca_file);
            // It says so, and the program does not take it for all there is.
            assert!(listed.lines < files && listed.status != 0, "{listed:?}");
        }
    }
    Lab::leave("folders", &report);
    println!("{report}");
    for (server, (few, many)) in servers.iter().zip(peaks[0].iter().zip(&peaks[1])) {
        // 97,000 more entries, in text more than 10 MiB, take no more memory than the buffers of a connection.
        assert!(
            *many < few + 4 * 1024,
            "{}: {few} KiB for few, {many} KiB for many",
            server.name
        );
    }
}

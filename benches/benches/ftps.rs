//! Many small files over explicit TLS from vsftpd: this library and `rclone --transfers 1`, in turn.
//!
//! ```text
//! cargo xtask lab up
//! FTP_CONNECT_LAB=$PWD/target/lab/lab.json cargo bench -p ftp-connect-benches --bench ftps
//! ```
//!
//! Each measurement is a process of its own that connects, lists the folder, downloads every file into an empty
//! folder and leaves; the programs take turns, so that what else the machine does falls on both alike. What counts
//! is the ratio of the medians. It needs the lab, and `rclone` in the path.

use std::error::Error;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use ftp_connect::params::{SessionReuse, TlsTrust};
use ftp_connect::{ConnectParams, EntryKind, ReadOptions, RemotePath, SessionExt as _};
use ftp_connect_testkit::lab::{Lab, LabServer};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[derive(Debug, Parser)]
struct Flags {
    #[command(subcommand)]
    role: Option<Role>,
    /// How many files
    #[arg(long, default_value_t = 500)]
    files: usize,
    /// How often each program is measured
    #[arg(long, default_value_t = 11)]
    rounds: usize,
    /// The lab's set-up
    #[arg(long, default_value = "vsftpd-explicit")]
    server: String,
    /// The newest TLS version that ours may speak: 1.2 or 1.3
    #[arg(long, default_value = "1.3")]
    tls_max: String,
    /// What cargo gives to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// One measurement, called by this program itself
    #[command(hide = true)]
    Download {
        server: String,
        into: PathBuf,
        #[arg(long)]
        tls_max: String,
        #[arg(long)]
        reuse: bool,
    },
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let outcome = match &flags.role {
        Some(Role::Download {
            server,
            into,
            tls_max,
            reuse,
        }) => download(server, into, tls_max, *reuse),
        None => measure(&flags),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(flags: &Flags) -> Outcome {
    if std::env::var_os("FTP_CONNECT_LAB").is_none() {
        eprintln!("left out: no lab is up (FTP_CONNECT_LAB)");
        return Ok(());
    }
    let lab = Lab::from_env();
    let server = lab.server(&flags.server);
    let folder = server.root.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    for index in 0..flags.files {
        std::fs::write(folder.join(format!("{index:04}")), [index as u8; 4096])?;
    }
    let mut taken: [(&str, Vec<Duration>); 3] = [
        ("rclone --transfers 1", Vec::new()),
        ("tls", Vec::new()),
        ("tls-reuse", Vec::new()),
    ];
    for _ in 0..flags.rounds {
        for (program, times) in &mut taken {
            let target = tempfile::tempdir()?;
            let mut command = match *program {
                "tls" => own(flags, target.path(), false)?,
                "tls-reuse" => own(flags, target.path(), true)?,
                _ => rclone(server, target.path())?,
            };
            let started = Instant::now();
            let status = command.stdin(Stdio::null()).status()?;
            let time = started.elapsed();
            check(program, status.success(), target.path(), flags.files)?;
            times.push(time);
        }
    }
    std::fs::remove_dir_all(&folder)?;
    let rclone = median(&mut taken[0].1);
    eprintln!("{} files of 4 KiB from {}", flags.files, flags.server);
    for (program, times) in &mut taken {
        let middle = median(times);
        eprintln!(
            "{program:22} median {middle:?} (least {:?}), {:.2} of rclone's",
            times[0],
            middle.as_secs_f64() / rclone.as_secs_f64()
        );
    }
    Ok(())
}

fn check(program: &str, succeeded: bool, target: &Path, files: usize) -> Outcome {
    let mut whole = 0;
    for entry in std::fs::read_dir(target)? {
        whole += usize::from(entry?.metadata()?.len() == 4096);
    }
    if succeeded && whole == files {
        return Ok(());
    }
    Err(format!("{program}: {whole} of {files} files").into())
}

fn own(flags: &Flags, target: &Path, reuse: bool) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("download").arg(&flags.server).arg(target);
    command.args(["--tls-max", &flags.tls_max]);
    if reuse {
        command.arg("--reuse");
    }
    Ok(command)
}

fn rclone(server: &LabServer, target: &Path) -> Outcome<Command> {
    let obscured = Command::new("rclone")
        .args(["obscure", &server.password])
        .output()
        .map_err(|error| format!("rclone: {error}"))?;
    let mut command = Command::new("rclone");
    command
        .args(["copy", "--transfers", "1", "--checkers", "1"])
        .args(["--config", "/dev/null", "--ftp-explicit-tls"])
        // rclone 1.60 ends its TLS 1.3 handshakes with vsftpd by an illegal parameter.
        .args(["--ftp-disable-tls13", "--ftp-no-check-certificate"])
        .args(["--ftp-host", &server.host])
        .args(["--ftp-port", &server.port.to_string()])
        .args(["--ftp-user", &server.user, "--ftp-pass"])
        .arg(String::from_utf8(obscured.stdout)?.trim())
        .arg(format!(":ftp:{FOLDER}"))
        .arg(target);
    Ok(command)
}

/// What rclone does: list, then each file in turn.
#[tokio::main(flavor = "current_thread")]
async fn download(name: &str, into: &Path, tls_max: &str, reuse: bool) -> Outcome {
    let lab = Lab::from_env();
    let server = lab.server(name);
    let ca = lab.ca_file.to_str().ok_or("a path that is not UTF-8")?;
    let params = ConnectParams::from_url(&server.url())?
        .0
        .with_password(server.password.as_str())
        .with_port(NonZeroU16::new(server.port))
        .with_tls(
            TlsTrust::default()
                .with_ca_file(ca)
                .with_max_version(tls_max.parse()?),
        )
        .with_session_reuse(reuse.then_some(SessionReuse::Prefer));
    let mut session = ftp_connect::connect(&params).await?;
    let folder = RemotePath::new(FOLDER)?;
    let entries = session.list_all(&folder).await?;
    let mut buffer = vec![0; 64 * 1024];
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::File) {
        let name = entry.name.as_str().ok_or("a name that is not UTF-8")?;
        let path = RemotePath::new(format!("{FOLDER}/{name}"))?;
        let mut file = std::fs::File::create(into.join(name))?;
        let mut body = session.read(&path, ReadOptions::default()).await?;
        loop {
            match body.read(&mut buffer).await? {
                0 => break,
                count => std::io::Write::write_all(&mut file, &buffer[..count])?,
            }
        }
        body.finish().await?;
    }
    session.close().await?;
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The folder with the files, in the login folder.
const FOLDER: &str = "small-files";

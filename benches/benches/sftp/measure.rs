//! The order of the measurements, and the tables.

use std::{
    error::Error,
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use ftp_connect_testkit::lab::{Lab, LabServer};

use super::{Flags, delay::Delay};

/// What all of them encrypt with.
pub(crate) const CIPHER: &str = "aes256-gcm@openssh.com";

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Measures what the flags want and prints the tables.
pub(crate) fn all(flags: &Flags) -> Outcome<()> {
    let lab = Lab::from_env();
    let server = lab.servers.iter().find(|server| server.name == "openssh");
    let server = server.ok_or("the lab has no OpenSSH")?;
    let key = lab
        .keys
        .iter()
        .find(|key| key.algorithm == "ed25519" && key.passphrase.is_none());
    let key = key.ok_or("the lab has no Ed25519 key")?.file.clone();
    let bench = Bench {
        server,
        key,
        place: Place::new()?,
    };
    let wanted = |name: &str| flags.only.is_empty() || flags.only.iter().any(|only| only == name);
    for (name, kind) in [("down", Kind::Down), ("up", Kind::Up)] {
        if wanted(name) {
            bench.large(kind, flags)?;
        }
    }
    for (name, kind) in [("small-down", Kind::SmallDown), ("small-up", Kind::SmallUp)] {
        if wanted(name) {
            bench.small(kind, flags)?;
        }
    }
    if wanted("memory") {
        bench.memory()?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Down,
    Up,
    SmallDown,
    SmallUp,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::SmallDown => "small-down",
            Self::SmallUp => "small-up",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Client {
    Ours,
    OpenSsh,
    Ssh2,
}

struct Bench<'l> {
    server: &'l LabServer,
    key: PathBuf,
    place: Place,
}

impl Bench<'_> {
    fn large(&self, kind: Kind, flags: &Flags) -> Outcome<()> {
        let size = flags.size * MIB;
        let source = self.place.file("large", size)?;
        println!(
            "\n{} MiB {}, MiB/s ({} rounds)\n",
            flags.size,
            kind.name(),
            flags.rounds
        );
        println!(
            "| delay | ours | OpenSSH sftp | ours/sftp | ssh2 | ours/ssh2 |\n|---|---|---|---|---|---|"
        );
        for &delay in &flags.delays {
            let line = Line::new(self.server, delay)?;
            let (mut ours, mut sftp, mut ssh2) = (Vec::new(), Vec::new(), Vec::new());
            for round in 0..flags.rounds {
                for client in in_turn(round) {
                    let took = self.run(client, kind, &line, &source)?;
                    self.place.check(size)?;
                    if client == Client::Ours {
                        &mut ours
                    } else {
                        &mut sftp
                    }
                    .push(took);
                }
            }
            // It waits for each packet: over a long line a part of the file has to do.
            let part = if delay == 0 { size } else { size / 32 };
            if !flags.without_ssh2 {
                let source = self.place.file("part", part)?;
                for _ in 0..flags.rounds.min(3) {
                    ssh2.push(self.run(Client::Ssh2, kind, &line, &source)?);
                    self.place.check(part)?;
                }
            }
            let rate =
                |took: &mut Vec<Duration>, size: u64| size as f64 / MIB as f64 / median(took);
            let (ours, sftp) = (rate(&mut ours, size), rate(&mut sftp, size));
            let ssh2 = if ssh2.is_empty() {
                f64::NAN
            } else {
                rate(&mut ssh2, part)
            };
            println!(
                "| {delay} ms | {ours:.0} | {sftp:.0} | {:.2} | {ssh2:.1} | {:.1} |",
                ours / sftp,
                ours / ssh2
            );
        }
        Ok(())
    }

    fn small(&self, kind: Kind, flags: &Flags) -> Outcome<()> {
        let source = self.place.folder("small", FILES, 4096)?;
        println!(
            "\n{FILES} files of 4 KiB, {}, seconds ({} rounds)\n",
            kind.name(),
            flags.rounds
        );
        println!(
            "| delay | ours | OpenSSH sftp | ours/sftp | ssh2 | ours/ssh2 |\n|---|---|---|---|---|---|"
        );
        for &delay in &flags.delays {
            let line = Line::new(self.server, delay)?;
            let mut took = [Vec::new(), Vec::new(), Vec::new()];
            for round in 0..flags.rounds {
                for client in in_turn(round) {
                    took[client as usize].push(self.run(client, kind, &line, &source)?);
                    self.place.check_folder(FILES)?;
                }
                if !flags.without_ssh2 && round == 0 {
                    took[2].push(self.run(Client::Ssh2, kind, &line, &source)?);
                }
            }
            let [ours, sftp, ssh2] = took.each_mut().map(|took| median(took));
            println!(
                "| {delay} ms | {ours:.2} | {sftp:.2} | {:.2} | {ssh2:.2} | {:.2} |",
                ours / sftp,
                ours / ssh2
            );
        }
        Ok(())
    }

    fn memory(&self) -> Outcome<()> {
        let source = self.place.sparse("huge", 5 * 1024 * MIB)?;
        println!("\nPeak memory, 5 GiB\n\n| | ours |\n|---|---|");
        for kind in [Kind::Down, Kind::Up] {
            for delay in [0, 60] {
                let line = Line::new(self.server, delay)?;
                let peak = self.ours_peak(kind, &line, &source)?;
                println!("| {} at {delay} ms | {peak} |", kind.name());
            }
        }
        Ok(())
    }

    fn run(&self, client: Client, kind: Kind, line: &Line, source: &Path) -> Outcome<Duration> {
        let target = self.place.target()?;
        let (remote, local) = match kind {
            Kind::Down | Kind::SmallDown => (source, target.as_path()),
            Kind::Up | Kind::SmallUp => (target.as_path(), source),
        };
        if kind == Kind::SmallUp {
            fs::create_dir(&target)?;
            fs::set_permissions(&target, fs::Permissions::from_mode(0o777))?;
        }
        let mut command = match client {
            Client::OpenSsh => self.sftp(kind, line, remote, local)?,
            Client::Ours | Client::Ssh2 => self.child(client, kind, line, remote, local)?,
        };
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        wait(child)?;
        Ok(started.elapsed())
    }

    fn child(
        &self,
        client: Client,
        kind: Kind,
        line: &Line,
        remote: &Path,
        local: &Path,
    ) -> Outcome<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        let client = if client == Client::Ours {
            "ours"
        } else {
            "ssh2"
        };
        command
            .args([
                "child",
                client,
                kind.name(),
                &line.addr.port().to_string(),
                &self.server.user,
            ])
            .args([&self.key, remote, local]);
        Ok(command)
    }

    fn sftp(&self, kind: Kind, line: &Line, remote: &Path, local: &Path) -> Outcome<Command> {
        let (remote, local) = (remote.display(), local.display());
        let batch = match kind {
            Kind::Down => format!("get {remote} {local}\n"),
            Kind::Up => format!("put {local} {remote}\n"),
            Kind::SmallDown => format!("get -r {remote} {local}\n"),
            Kind::SmallUp => format!("put -r {local} {remote}\n"),
        };
        let file = self.place.folder.path().join("batch");
        fs::write(&file, batch)?;
        let mut command = Command::new("sftp");
        command
            .args(["-q", "-F", "none", "-b"])
            .arg(file)
            .args(["-P", &line.addr.port().to_string(), "-c", CIPHER, "-i"])
            .arg(&self.key)
            .args([
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
            ])
            .args(["-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes"])
            .arg(format!("{}@127.0.0.1", self.server.user));
        Ok(command)
    }

    fn ours_peak(&self, kind: Kind, line: &Line, source: &Path) -> Outcome<String> {
        let target = Path::new("/dev/null");
        let (remote, local) = match kind {
            Kind::Down => (source, target),
            _ => (target, source),
        };
        let mut command = self.child(Client::Ours, kind, line, remote, local)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(wait(child)?.trim().to_owned())
    }
}

/// The one or the other first, so that neither always finds the machine as the other left it.
fn in_turn(round: usize) -> [Client; 2] {
    if round.is_multiple_of(2) {
        [Client::Ours, Client::OpenSsh]
    } else {
        [Client::OpenSsh, Client::Ours]
    }
}

/// Waits for a process and ends it when it takes too long.
fn wait(mut child: Child) -> Outcome<String> {
    let end = Instant::now() + WATCHDOG;
    loop {
        if let Some(status) = child.try_wait()? {
            let mut said = String::new();
            if let Some(mut output) = child.stdout.take() {
                std::io::Read::read_to_string(&mut output, &mut said)?;
            }
            return if status.success() {
                Ok(said)
            } else {
                Err(format!("failed: {status}").into())
            };
        }
        if Instant::now() > end {
            child.kill()?;
            return Err("the watchdog ended a process".into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The way to the server.
struct Line {
    addr: SocketAddr,
    _delay: Option<Delay>,
}

impl Line {
    fn new(server: &LabServer, round_trip_ms: u64) -> Outcome<Self> {
        let addr = SocketAddr::new(server.host.parse()?, server.port);
        if round_trip_ms == 0 {
            return Ok(Self { addr, _delay: None });
        }
        let delay = Delay::start(addr, Duration::from_millis(round_trip_ms))?;
        Ok(Self {
            addr: delay.addr,
            _delay: Some(delay),
        })
    }
}

/// A folder in memory for both sides, which the server's user may write to.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Outcome<Self> {
        let base = Path::new("/dev/shm");
        let base = if base.is_dir() {
            base.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = tempfile::Builder::new()
            .prefix("ftp-connect-bench-")
            .tempdir_in(base)?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
        Ok(Self { folder })
    }

    /// A name with nothing there.
    fn target(&self) -> Outcome<PathBuf> {
        let target = self.folder.path().join("target");
        if target.is_dir() {
            fs::remove_dir_all(&target)?;
        } else if target.exists() {
            fs::remove_file(&target)?;
        }
        Ok(target)
    }

    fn check(&self, size: u64) -> Outcome<()> {
        let found = fs::metadata(self.folder.path().join("target"))?.len();
        if found == size {
            Ok(())
        } else {
            Err(format!("{found} bytes instead of {size}").into())
        }
    }

    fn check_folder(&self, files: usize) -> Outcome<()> {
        let mut folder = self.folder.path().join("target");
        if folder.join("small").is_dir() {
            folder = folder.join("small");
        }
        let found = fs::read_dir(folder)?.count();
        if found == files {
            Ok(())
        } else {
            Err(format!("{found} files instead of {files}").into())
        }
    }

    /// A file of bytes that are not all the same.
    fn file(&self, name: &str, size: u64) -> Outcome<PathBuf> {
        let path = self.folder.path().join(name);
        if !path.exists() {
            let block: Vec<u8> = (0..MIB)
                .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
                .collect();
            let mut file = fs::File::create(&path)?;
            for _ in 0..size.div_ceil(MIB) {
                std::io::Write::write_all(&mut file, &block)?;
            }
            file.set_len(size)?;
        }
        Ok(path)
    }

    /// A file of nothing.
    fn sparse(&self, name: &str, size: u64) -> Outcome<PathBuf> {
        let path = self.folder.path().join(name);
        fs::File::create(&path)?.set_len(size)?;
        Ok(path)
    }

    fn folder(&self, name: &str, files: usize, size: usize) -> Outcome<PathBuf> {
        let path = self.folder.path().join(name);
        if !path.exists() {
            fs::create_dir(&path)?;
            for n in 0..files {
                fs::write(path.join(format!("file-{n:03}")), vec![n as u8; size])?;
            }
        }
        Ok(path)
    }
}

fn median(took: &mut [Duration]) -> f64 {
    took.sort();
    took.get(took.len() / 2)
        .map_or(f64::NAN, Duration::as_secs_f64)
}

const MIB: u64 = 1024 * 1024;
const FILES: usize = 500;
const WATCHDOG: Duration = Duration::from_secs(300);

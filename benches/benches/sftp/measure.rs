//! The order of the measurements, and the tables.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use ftp_connect_benches::process::{Outcome, Took, median, run};
use ftp_connect_testkit::lab::{Lab, LabServer};

use super::{
    Flags,
    place::{Line, Place},
};

/// What all of them encrypt with.
pub(crate) const CIPHER: &str = "aes256-gcm@openssh.com";

/// Measures what the flags want and prints the tables.
pub(crate) fn all(flags: &Flags) -> Outcome {
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
    if wanted("trips") {
        bench.trips(flags.rounds)?;
    }
    if wanted("memory") {
        bench.memory()?;
    }
    if wanted("rekey") {
        bench.rekey()?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Down,
    Up,
    SmallDown,
    SmallUp,
    Connect,
    List,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::SmallDown => "small-down",
            Self::SmallUp => "small-up",
            Self::Connect => "connect",
            Self::List => "list",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Ours,
    OpenSsh,
    Ssh2,
}

pub(crate) struct Bench<'l> {
    pub(crate) server: &'l LabServer,
    key: PathBuf,
    pub(crate) place: Place,
}

impl Bench<'_> {
    fn large(&self, kind: Kind, flags: &Flags) -> Outcome {
        let size = flags.size * MIB;
        let source = self.place.file("large", size)?;
        println!(
            "\n{} MiB {}, MiB/s ({} rounds)\n",
            flags.size,
            kind.name(),
            flags.rounds
        );
        println!(
            "| delay | ours | OpenSSH sftp | ours/sftp | ssh2 | ours/ssh2 | CPU s/GiB ours | sftp | ours/sftp |\n\
             |---|---|---|---|---|---|---|---|---|"
        );
        for &delay in &flags.delays {
            let line = Line::new(self.server, delay)?;
            let mut took = [Vec::new(), Vec::new(), Vec::new()];
            for round in 0..flags.rounds {
                for client in in_turn(round) {
                    took[client as usize].push(self.run(client, kind, &line, &source, &[])?);
                    self.place.check(size)?;
                }
            }
            // It waits for each packet: over a long line a part of the file has to do.
            let part = if delay == 0 { size } else { size / 32 };
            if !flags.without_ssh2 {
                let source = self.place.file("part", part)?;
                for _ in 0..flags.rounds.min(3) {
                    let took = &mut took[Client::Ssh2 as usize];
                    took.push(self.run(Client::Ssh2, kind, &line, &source, &[])?);
                    self.place.check(part)?;
                }
            }
            let mib = [size, size, part].map(|size| size as f64 / MIB as f64);
            let rate = |client: Client| {
                mib[client as usize] / median(&took[client as usize], |took| took.time)
            };
            let cpu = |client: Client| {
                1024.0 * median(&took[client as usize], |took| took.cpu) / mib[client as usize]
            };
            let [ours, sftp, ssh2] = [Client::Ours, Client::OpenSsh, Client::Ssh2].map(rate);
            let [ours_cpu, sftp_cpu] = [Client::Ours, Client::OpenSsh].map(cpu);
            println!(
                "| {delay} ms | {ours:.0} | {sftp:.0} | {:.2} | {ssh2:.1} | {:.1} | {ours_cpu:.2} | {sftp_cpu:.2} | {:.2} |",
                ours / sftp,
                ours / ssh2,
                ours_cpu / sftp_cpu
            );
        }
        Ok(())
    }

    fn small(&self, kind: Kind, flags: &Flags) -> Outcome {
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
            // Whoever waits for each answer takes half a minute over a long line.
            let rounds = if delay == 0 { flags.rounds } else { 1 };
            for round in 0..rounds {
                for client in in_turn(round) {
                    took[client as usize].push(self.run(client, kind, &line, &source, &[])?);
                    self.place.check_folder(FILES)?;
                }
                if !flags.without_ssh2 && round == 0 {
                    took[2].push(self.run(Client::Ssh2, kind, &line, &source, &[])?);
                }
            }
            let [ours, sftp, ssh2] = took.map(|took| median(&took, |took| took.time));
            println!(
                "| {delay} ms | {ours:.2} | {sftp:.2} | {:.2} | {ssh2:.2} | {:.2} |",
                ours / sftp,
                ours / ssh2
            );
        }
        Ok(())
    }

    fn memory(&self) -> Outcome {
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

    /// New keys every 16 MiB, both ways; every byte is compared.
    fn rekey(&self) -> Outcome {
        let source = self.place.file("rekeyed", 1024 * MIB)?;
        println!("\n1 GiB with new keys every 16 MiB\n\n| | seconds |\n|---|---|");
        for kind in [Kind::Up, Kind::Down] {
            let line = Line::new(self.server, 0)?;
            let every = (16 * MIB).to_string();
            let took = self.run(Client::Ours, kind, &line, &source, &["--rekey", &every])?;
            self.place.check_same(&source)?;
            println!("| {} | {:.1} |", kind.name(), took.time.as_secs_f64());
        }
        Ok(())
    }

    /// One measurement; `more` is for our own side of it.
    pub(crate) fn run(
        &self,
        client: Client,
        kind: Kind,
        line: &Line,
        source: &Path,
        more: &[&str],
    ) -> Outcome<Took> {
        let target = self.place.target()?;
        let (remote, local) = match kind {
            Kind::Down | Kind::SmallDown | Kind::Connect | Kind::List => (source, target.as_path()),
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
        if client == Client::Ours {
            command.args(more);
        }
        run(&mut command)
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
            Kind::Connect => "bye\n".to_owned(),
            Kind::List => format!("ls -l {remote}\n"),
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
        let took = run(&mut self.child(Client::Ours, kind, line, remote, local)?)?;
        Ok(format!("{} MiB", took.peak / 1024))
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

pub(crate) const MIB: u64 = 1024 * 1024;
const FILES: usize = 500;

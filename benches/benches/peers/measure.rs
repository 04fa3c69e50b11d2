//! The order of the measurements, and the tables.

use std::{
    fs,
    net::IpAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use ftp_connect_benches::process::{Outcome, Took, median, run};
use ftp_connect_testkit::lab::{Lab, LabServer};

use super::{
    Flags,
    line::Line,
    programs::{Client, Protocol, Reach, Task},
};

/// Measures what the flags want and prints the tables.
pub(crate) fn all(flags: &Flags) -> Outcome {
    if std::env::var_os("FTP_CONNECT_LAB").is_none() {
        eprintln!("left out: no lab is up (FTP_CONNECT_LAB)");
        return Ok(());
    }
    let lab = Lab::from_env();
    if lab.server("openssh").host == "127.0.0.1" {
        eprintln!(
            "left out: a long line does not lead to loopback; see `cargo xtask bench --baseline`"
        );
        return Ok(());
    }
    let bench = Bench::new(flags, &lab)?;
    let wanted = |name: &str| flags.only.is_empty() || flags.only.iter().any(|only| only == name);
    bench.machine()?;
    if wanted("trips") {
        bench.trips()?;
    }
    if wanted("large") {
        bench.large(0)?;
        bench.large(flags.delay)?;
    }
    if wanted("small") {
        bench.folder("500 files of 4 KiB, downloaded", Kind::Small)?;
    }
    if wanted("mirror") {
        bench.folder("`mirror` of 500 files of 4 KiB", Kind::MirrorSmall)?;
        bench.folder("`mirror` of 1 GiB in four files", Kind::MirrorLarge)?;
    }
    Ok(())
}

struct Bench<'b> {
    flags: &'b Flags,
    lab: &'b Lab,
    key: PathBuf,
    protocols: Vec<(Protocol, &'b LabServer)>,
    /// In memory.
    here: tempfile::TempDir,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Small,
    MirrorSmall,
    MirrorLarge,
}

impl<'b> Bench<'b> {
    fn new(flags: &'b Flags, lab: &'b Lab) -> Outcome<Self> {
        let key = lab
            .keys
            .iter()
            .find(|key| key.algorithm == "ed25519" && key.passphrase.is_none());
        let key = key.ok_or("the lab has no Ed25519 key")?.file.clone();
        let mut protocols = Vec::new();
        for (name, protocol, server) in [
            ("ftp", Protocol::Ftp, "vsftpd-plain"),
            ("ftps", Protocol::Ftps, "vsftpd-explicit"),
            ("sftp", Protocol::Sftp, "openssh"),
        ] {
            if flags.protocols.is_empty() || flags.protocols.iter().any(|only| only == name) {
                protocols.push((protocol, lab.server(server)));
            }
        }
        for (_, server) in &protocols {
            for (name, files, size) in [
                ("files-1", 1, SMALL),
                ("files-41", 41, SMALL),
                ("files-500", 500, SMALL),
                ("large-4", 4, 256 * MIB),
            ] {
                fill(&server.root.join(name), files, size)?;
            }
            file(&server.root.join("large"), flags.size * MIB, 0)?;
            let uploads = server.root.join("uploads");
            fs::create_dir_all(&uploads)?;
            fs::set_permissions(&uploads, fs::Permissions::from_mode(0o777))?;
        }
        let here = tempfile::tempdir_in("/dev/shm")?;
        file(&here.path().join("large"), flags.size * MIB, 0)?;
        Ok(Self {
            flags,
            lab,
            key,
            protocols,
            here,
        })
    }

    fn machine(&self) -> Outcome {
        let cpus = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpus
            .lines()
            .find_map(|line| line.strip_prefix("model name"));
        let model = model.map_or("", |model| model.trim_start_matches(['\t', ' ', ':']));
        let cores = cpus
            .lines()
            .filter(|line| line.starts_with("processor"))
            .count();
        let mut versions = Vec::new();
        for client in Client::ALL {
            if !matches!(client, Client::OursOther | Client::OursKnown) {
                versions.push(client.version(&self.flags.program)?);
            }
        }
        println!("{cores} cores, {model}. {}.", versions.join("; "));
        Ok(())
    }

    /// One run of one program; `None` for what it cannot do.
    fn run(
        &self,
        (protocol, server): (Protocol, &LabServer),
        client: Client,
        task: Task<'_>,
        line: Option<&Line>,
    ) -> Outcome<Option<Took>> {
        let target = self.here.path().join("target");
        let _ = fs::remove_file(&target);
        let _ = fs::remove_dir_all(&target);
        let local = match task {
            Task::Up(_) => self.here.path().join("large"),
            Task::Files(..) => {
                fs::create_dir(&target)?;
                target.clone()
            }
            _ => target.clone(),
        };
        let reach = Reach {
            ours: &self.flags.program,
            server,
            key: &self.key,
            ca: &self.lab.ca_file,
            protocol,
            batch: self.here.path().join("batch"),
        };
        let Some(mut command) = client.command(&reach, task, &local)? else {
            return Ok(None);
        };
        if line.is_some() {
            command = Line::inside(&command);
        }
        let took = run(&mut command)
            .map_err(|error| format!("{} {task:?}: {error}", client.name(protocol)))?;
        match task {
            Task::Down(_) => check(&target, self.flags.size * MIB)?,
            Task::Up(name) => {
                check(&server.root.join(name), self.flags.size * MIB)?;
                fs::remove_file(server.root.join(name))?;
            }
            Task::Files(folder, _) | Task::Mirror(folder) => {
                let wanted = fs::read_dir(server.root.join(folder))?.count();
                let found = fs::read_dir(&target)?.count();
                if found != wanted {
                    return Err(format!("{found} of {wanted} files").into());
                }
            }
            Task::Connect | Task::List(_) => {}
        }
        Ok(Some(took))
    }

    /// How much longer everything takes when the line is longer, in such lines. What else the machine does only ever
    /// adds to a time, so that the shortest counts.
    fn trips(&self) -> Outcome {
        let tasks = [
            Task::Connect,
            Task::List("files-1"),
            Task::Files("files-1", 1),
            Task::Files("files-41", 41),
        ];
        println!(
            "\n## Round trips, {} ms, {} rounds\n\n\
             | | | connect, log in, quit | with a list | one more file of 4 KiB |\n|---|---|---|---|---|",
            self.flags.delay, self.flags.rounds
        );
        for &(protocol, server) in &self.protocols {
            let host: IpAddr = server.host.parse()?;
            let mut seconds = [[[f64::NAN; 2]; 4]; Client::ALL.len()];
            for (at, delay) in [1, 1 + self.flags.delay].into_iter().enumerate() {
                let line = Line::new(host, Duration::from_millis(delay))?;
                for (row, &task) in tasks.iter().enumerate() {
                    for (column, client) in Client::ALL.into_iter().enumerate() {
                        for _ in 0..self.flags.rounds {
                            if let Some(took) =
                                self.run((protocol, server), client, task, Some(&line))?
                            {
                                let shortest = &mut seconds[column][row][at];
                                *shortest = shortest.min(took.time.as_secs_f64());
                            }
                        }
                    }
                }
            }
            let trip = Duration::from_millis(self.flags.delay).as_secs_f64();
            for (client, rows) in Client::ALL.into_iter().zip(seconds) {
                let [connect, list, one, many] = rows.map(|[short, long]| (long - short) / trip);
                if list.is_nan() {
                    continue;
                }
                println!(
                    "| {protocol:?} | {} | {} | {} | {} |",
                    client.name(protocol),
                    shown(connect, 1),
                    shown(list, 1),
                    shown((many - one) / 40.0, 2)
                );
            }
        }
        Ok(())
    }

    /// One large file, both ways.
    fn large(&self, delay: u64) -> Outcome {
        println!(
            "\n## {} MiB at {delay} ms, {} rounds\n\n\
             | | | MiB/s | ours, of the best peer | CPU s/GiB | peak MiB |\n|---|---|---|---|---|---|",
            self.flags.size, self.flags.rounds
        );
        for &(protocol, server) in &self.protocols {
            let host: IpAddr = server.host.parse()?;
            let line = match delay {
                0 => None,
                delay => Some(Line::new(host, Duration::from_millis(delay))?),
            };
            for (way, task) in [
                ("down", Task::Down("large")),
                ("up", Task::Up("uploads/file")),
            ] {
                let took = self.turns((protocol, server), task, line.as_ref())?;
                let rate = |took: &[Took]| self.flags.size as f64 / median(took, |took| took.time);
                let best = best_peer(&took, |took| rate(took), f64::max);
                for (client, took) in took {
                    let gib = self.flags.size as f64 / 1024.0;
                    println!(
                        "| {protocol:?} {way} | {} | {:.0} | {} | {:.2} | {} |",
                        client.name(protocol),
                        rate(&took),
                        against(client, rate(&took) / best),
                        median(&took, |took| took.cpu) / gib,
                        took.iter().map(|took| took.peak).max().unwrap_or(0) / 1024,
                    );
                }
            }
        }
        Ok(())
    }

    /// A folder, from the server.
    fn folder(&self, title: &str, kind: Kind) -> Outcome {
        println!(
            "\n## {title}, 0 ms, {} rounds\n\n\
             | | | seconds | ours, of the best peer | CPU s | peak MiB |\n|---|---|---|---|---|---|",
            self.flags.rounds
        );
        let task = match kind {
            Kind::Small => Task::Files("files-500", 500),
            Kind::MirrorSmall => Task::Mirror("files-500"),
            Kind::MirrorLarge => Task::Mirror("large-4"),
        };
        for &(protocol, server) in &self.protocols {
            let took = self.turns((protocol, server), task, None)?;
            let time = |took: &[Took]| median(took, |took| took.time);
            let best = best_peer(&took, |took| time(took), f64::min);
            for (client, took) in took {
                println!(
                    "| {protocol:?} | {} | {:.2} | {} | {:.2} | {} |",
                    client.name(protocol),
                    time(&took),
                    against(client, time(&took) / best),
                    median(&took, |took| took.cpu),
                    took.iter().map(|took| took.peak).max().unwrap_or(0) / 1024,
                );
            }
        }
        Ok(())
    }

    /// Every program that can do this, in turn.
    fn turns(
        &self,
        server: (Protocol, &LabServer),
        task: Task<'_>,
        line: Option<&Line>,
    ) -> Outcome<Vec<(Client, Vec<Took>)>> {
        let mut all: Vec<(Client, Vec<Took>)> =
            Client::ALL.map(|client| (client, Vec::new())).into();
        let mut failed = Vec::new();
        for _ in 0..self.flags.rounds {
            for (client, took) in &mut all {
                let curl = *client == Client::Curl;
                // It waits a fifth of a second for each file, and sends less than a MiB/s over a long line to SFTP.
                let once = curl && matches!(task, Task::Files(..));
                let never = curl && server.0 == Protocol::Sftp && line.is_some();
                if never || (once && !took.is_empty()) || failed.contains(client) {
                    continue;
                }
                match self.run(server, *client, task, line) {
                    Ok(one) => took.extend(one),
                    // What a peer cannot do has no row.
                    Err(error) if !client.is_ours() => {
                        eprintln!("{error}");
                        took.clear();
                        failed.push(*client);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        all.retain(|(_, took)| !took.is_empty());
        Ok(all)
    }
}

/// The best of the others by this.
fn best_peer(
    all: &[(Client, Vec<Took>)],
    of: impl Fn(&[Took]) -> f64,
    better: impl Fn(f64, f64) -> f64,
) -> f64 {
    let peers = all.iter().filter(|(client, _)| !client.is_ours());
    peers.map(|(_, took)| of(took)).fold(f64::NAN, better)
}

fn against(client: Client, ratio: f64) -> String {
    if client.is_ours() {
        format!("{ratio:.2}")
    } else {
        String::new()
    }
}

fn shown(value: f64, digits: usize) -> String {
    if value.is_nan() {
        "—".to_owned()
    } else {
        format!("{value:.digits$}")
    }
}

fn check(path: &Path, size: u64) -> Outcome {
    let found = fs::metadata(path)?.len();
    if found == size {
        return Ok(());
    }
    Err(format!("{found} bytes instead of {size}").into())
}

fn fill(folder: &Path, files: usize, size: u64) -> Outcome {
    fs::create_dir_all(folder)?;
    for n in 0..files {
        file(&folder.join(format!("{n:03}")), size, n)?;
    }
    Ok(())
}

/// A file of bytes that are not all the same.
fn file(path: &Path, size: u64, seed: usize) -> Outcome {
    let block: Vec<u8> = (0..size.min(MIB))
        .map(|n| ((n + seed as u64).wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let mut file = fs::File::create(path)?;
    for _ in 0..size.div_ceil(MIB) {
        std::io::Write::write_all(&mut file, &block)?;
    }
    Ok(())
}

const SMALL: u64 = 4096;
const MIB: u64 = 1024 * 1024;

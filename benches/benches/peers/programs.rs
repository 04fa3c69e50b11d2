//! The command line of each program for each task.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use ftp_connect_benches::process::{Outcome, run};
use ftp_connect_testkit::lab::LabServer;

/// A program, and in which of its ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Ours,
    /// With the backend that resumes sessions on OpenSSL, or logging in with a key.
    OursOther,
    /// To a server that it has been to before (`--profile`).
    OursKnown,
    Curl,
    Lftp,
    Rclone,
    Sftp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Ftp,
    Ftps,
    Sftp,
}

/// What a program is to do; folders and files are named from the login folder.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Task<'t> {
    /// Connect, log in, leave.
    Connect,
    /// And list a folder.
    List(&'t str),
    /// Download each of so many files of a folder, named `000` and so on, over one connection.
    Files(&'t str, usize),
    Down(&'t str),
    Up(&'t str),
    /// Make a local folder like this one.
    Mirror(&'t str),
}

/// How a program reaches the server.
pub(crate) struct Reach<'r> {
    pub(crate) ours: &'r Path,
    pub(crate) server: &'r LabServer,
    pub(crate) key: &'r Path,
    pub(crate) ca: &'r Path,
    pub(crate) protocol: Protocol,
    /// A file for the commands of `sftp`.
    pub(crate) batch: PathBuf,
}

impl Client {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ours,
        Self::OursOther,
        Self::OursKnown,
        Self::Curl,
        Self::Lftp,
        Self::Rclone,
        Self::Sftp,
    ];

    pub(crate) fn name(self, protocol: Protocol) -> &'static str {
        match (self, protocol) {
            (Self::Ours, Protocol::Sftp) => "ours, password",
            (Self::Ours, _) => "ours",
            (Self::OursKnown, _) => "ours, the server known",
            (Self::OursOther, Protocol::Sftp) => "ours, key",
            (Self::OursOther, _) => "ours, tls-reuse",
            (Self::Curl, _) => "curl",
            (Self::Lftp, _) => "lftp",
            (Self::Rclone, _) => "rclone",
            (Self::Sftp, _) => "sftp, key",
        }
    }

    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::OursOther | Self::OursKnown)
    }

    /// Its version, in one line.
    pub(crate) fn version(self, ours: &Path) -> Outcome<String> {
        let (mut command, option) = match self {
            Self::Ours | Self::OursOther | Self::OursKnown => (Command::new(ours), "--version"),
            Self::Curl => (Command::new("curl"), "--version"),
            Self::Lftp => (Command::new("lftp"), "--version"),
            Self::Rclone => (Command::new("rclone"), "version"),
            // It tells on standard error.
            Self::Sftp => return Ok("OpenSSH's sftp".to_owned()),
        };
        let said = run(command.arg(option))?.said;
        let words: Vec<&str> = said.lines().next().unwrap_or_default().split(' ').collect();
        Ok(words.into_iter().take(4).collect::<Vec<_>>().join(" "))
    }

    /// The command for a task into or from this local file or folder; `None` for what it cannot do.
    pub(crate) fn command(
        self,
        reach: &Reach<'_>,
        task: Task<'_>,
        local: &Path,
    ) -> Outcome<Option<Command>> {
        let can = match (self, reach.protocol) {
            // It is about connecting.
            (Self::OursOther, Protocol::Ftp) | (Self::OursKnown, Protocol::Sftp) => false,
            (Self::OursKnown, _) => matches!(task, Task::Connect | Task::List(_)),
            (Self::Sftp, protocol) => protocol == Protocol::Sftp,
            _ => true,
        };
        let mirrors = !matches!(self, Self::Curl | Self::Sftp);
        if !can || (matches!(task, Task::Mirror(_)) && !mirrors) {
            return Ok(None);
        }
        let local = local.to_str().ok_or("a path that is not UTF-8")?;
        Ok(match self {
            Self::Ours | Self::OursOther | Self::OursKnown => Some(reach.ours(task, local, self)),
            Self::Curl => Some(reach.curl(task, local)),
            Self::Lftp => Some(reach.lftp(task, local)),
            Self::Rclone => reach.rclone(task, local)?,
            Self::Sftp => Some(reach.sftp(task, local)?),
        })
    }
}

impl Reach<'_> {
    fn url(&self, scheme: &str, path: &str) -> String {
        let LabServer { host, port, .. } = self.server;
        // Its login folder is the file system's.
        let root = match self.protocol {
            Protocol::Sftp => format!("/{}", self.server.login_path),
            _ => String::new(),
        };
        format!("{scheme}://{host}:{port}{root}/{path}")
    }

    fn ours(&self, task: Task<'_>, local: &str, client: Client) -> Command {
        let scheme = match self.protocol {
            Protocol::Ftp => "ftp",
            Protocol::Ftps => "ftpes",
            Protocol::Sftp => "sftp",
        };
        let url = |path: &str| self.url(scheme, path);
        let mut command = Command::new(self.ours);
        match task {
            Task::Connect => command.args(["connect", &url("")]),
            Task::List(folder) => command.args(["ls", &url(folder)]),
            Task::Files(folder, _) => command.args(["get", &url(&format!("{folder}/*")), local]),
            Task::Down(file) => command.args(["get", &url(file), local]),
            Task::Up(file) => command.args(["put", local, &url(file)]),
            Task::Mirror(folder) => command.args(["mirror", &url(folder), local]),
        };
        command.args(["--user", &self.server.user]);
        if client == Client::OursKnown {
            let profile = self.batch.with_file_name("profile");
            command.arg("--profile").arg(profile);
        }
        let other = client == Client::OursOther;
        match self.protocol {
            Protocol::Ftp => {}
            Protocol::Ftps => {
                command.arg("--ca-file").arg(self.ca);
                if other {
                    command.args(["--encryption", "explicit-tls-reuse"]);
                }
            }
            Protocol::Sftp => {
                command.args(["--known-hosts", "off"]);
                if other {
                    command.arg("--key").arg(self.key);
                }
            }
        }
        if !(self.protocol == Protocol::Sftp && other) {
            command.env("FTP_CONNECT_PASSWORD", &self.server.password);
        }
        command
    }

    fn curl(&self, task: Task<'_>, local: &str) -> Command {
        let scheme = match self.protocol {
            Protocol::Sftp => "sftp",
            _ => "ftp",
        };
        let LabServer { user, password, .. } = self.server;
        let mut command = Command::new("curl");
        command.args(["-sS", "-u", &format!("{user}:{password}")]);
        match self.protocol {
            Protocol::Ftp => {}
            Protocol::Ftps => {
                command.arg("--ssl-reqd").arg("--cacert").arg(self.ca);
            }
            Protocol::Sftp => {
                command.arg("-k");
            }
        }
        let url = |path: &str| self.url(scheme, path);
        match task {
            Task::Connect => command.args(["-I", &url("")]),
            Task::List(folder) => command.arg(url(&format!("{folder}/"))),
            Task::Files(folder, files) => {
                for n in 0..files {
                    let name = format!("{n:03}");
                    command.arg(url(&format!("{folder}/{name}")));
                    command.args(["-o", &format!("{local}/{name}")]);
                }
                &mut command
            }
            Task::Down(file) => command.args([&url(file), "-o", local]),
            Task::Up(file) => command.args(["-T", local, &url(file)]),
            // It has none.
            Task::Mirror(_) => &mut command,
        };
        command
    }

    fn lftp(&self, task: Task<'_>, local: &str) -> Command {
        let scheme = match self.protocol {
            Protocol::Sftp => "sftp",
            _ => "ftp",
        };
        let LabServer {
            user,
            password,
            host,
            port,
            ..
        } = self.server;
        let mut script = format!(
            "set net:max-retries 1; set sftp:auto-confirm yes; set ssl:ca-file {}; ",
            self.ca.display()
        );
        script += match self.protocol {
            Protocol::Ftps => "set ftp:ssl-force true; set ftp:ssl-protect-data true; ",
            _ => "set ftp:ssl-allow false; ",
        };
        script += &format!("open -u {user},{password} {scheme}://{host}:{port}; ");
        let root = match self.protocol {
            Protocol::Sftp => format!("{}/", self.server.login_path),
            _ => "/".to_owned(),
        };
        script += &match task {
            Task::Connect if self.protocol == Protocol::Sftp => format!("cd {root}"),
            Task::Connect => "quote NOOP".to_owned(),
            Task::List(folder) => format!("cls -l {root}{folder}/"),
            Task::Files(folder, _) | Task::Mirror(folder) => {
                format!("mirror {root}{folder} {local}")
            }
            Task::Down(file) => format!("get {root}{file} -o {local}"),
            Task::Up(file) => format!("put {local} -o {root}{file}"),
        };
        let mut command = Command::new("lftp");
        command.args(["-c", &script]).env("HOME", "/nonexistent");
        command
    }

    fn rclone(&self, task: Task<'_>, local: &str) -> Outcome<Option<Command>> {
        let LabServer {
            user,
            password,
            host,
            port,
            ..
        } = self.server;
        let obscured = run(Command::new("rclone").args(["obscure", password]))?.said;
        let (kind, root) = match self.protocol {
            Protocol::Sftp => ("sftp", format!("{}/", self.server.login_path)),
            _ => ("ftp", String::new()),
        };
        let at = |path: &str| format!(":{kind}:{root}{path}");
        let mut command = Command::new("rclone");
        command
            .args([
                "--config",
                "/dev/null",
                "--transfers",
                "1",
                "--checkers",
                "1",
                // It would read a large file over four connections, which vsftpd ends with 426.
                "--multi-thread-streams",
                "0",
            ])
            .args([&format!("--{kind}-host"), host.as_str()])
            .args([&format!("--{kind}-port"), port.to_string().as_str()])
            .args([&format!("--{kind}-user"), user.as_str()])
            .args([&format!("--{kind}-pass"), obscured.trim()]);
        match self.protocol {
            Protocol::Ftp => {}
            Protocol::Ftps => {
                // Its TLS 1.3 ends with vsftpd by an illegal parameter.
                command.args(["--ftp-explicit-tls", "--ftp-no-check-certificate"]);
                command.arg("--ftp-disable-tls13");
            }
            // It would log in to run md5sum.
            Protocol::Sftp => {
                command.arg("--sftp-disable-hashcheck");
            }
        }
        match task {
            // It has no command that only connects.
            Task::Connect => return Ok(None),
            Task::List(folder) => command.args(["lsl", &at(folder)]),
            Task::Files(folder, _) | Task::Mirror(folder) => {
                command.args(["copy", &at(folder), local])
            }
            Task::Down(file) => command.args(["copyto", &at(file), local]),
            Task::Up(file) => command.args(["copyto", local, &at(file)]),
        };
        Ok(Some(command))
    }

    fn sftp(&self, task: Task<'_>, local: &str) -> Outcome<Command> {
        let root = &self.server.login_path;
        let batch = match task {
            Task::List(folder) => format!("ls -l {root}/{folder}\n"),
            Task::Files(folder, _) => format!("get -r {root}/{folder}/* {local}\n"),
            Task::Down(file) => format!("get {root}/{file} {local}\n"),
            Task::Up(file) => format!("put {local} {root}/{file}\n"),
            // It mirrors nothing.
            Task::Connect | Task::Mirror(_) => "bye\n".to_owned(),
        };
        std::fs::write(&self.batch, batch)?;
        let LabServer {
            user, host, port, ..
        } = self.server;
        let mut command = Command::new("sftp");
        command
            .args(["-q", "-F", "none", "-P", &port.to_string(), "-b"])
            .arg(&self.batch)
            .arg("-i")
            .arg(self.key);
        for option in [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
            "IdentitiesOnly=yes",
        ] {
            command.args(["-o", option]);
        }
        command.arg(format!("{user}@{host}"));
        Ok(command)
    }
}

//! What a set-up is before it runs, and the list of all set-ups.

mod dropbear;
mod openssh;
mod proftpd;
mod pure_ftpd;
mod pyftpdlib;
mod vsftpd;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::{Account, user};
use super::credentials::Certificates;
use super::python;
use crate::Outcome;

/// What all set-ups of one lab share.
#[derive(Debug)]
pub(crate) struct Site {
    /// The folder of this lab, which every server may enter.
    pub(crate) state: PathBuf,
    /// The account behind every login.
    pub(crate) account: Account,
    /// Its password.
    pub(crate) password: String,
    /// For the TLS servers.
    pub(crate) certificates: Certificates,
    /// For the SSH servers: type → private key.
    pub(crate) host_keys: BTreeMap<String, PathBuf>,
    /// The public halves of the user keys.
    pub(crate) authorized_keys: PathBuf,
    /// The authority for user certificates, its public half.
    pub(crate) user_ca: PathBuf,
    /// Where set-ups listen that are not on IPv6.
    pub(crate) host: Ipv4Addr,
    /// The next port to try.
    pub(crate) next_port: Cell<u16>,
}

/// A set-up that could be started: its configuration is written and its folder is filled.
#[derive(Debug)]
pub(crate) struct Setup {
    /// See [`super::record::Server`], as for the other fields of the same name.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) software: &'static str,
    pub(crate) version: String,
    pub(crate) host: IpAddr,
    pub(crate) port: u16,
    pub(crate) root: PathBuf,
    pub(crate) login_path: String,
    pub(crate) log_file: PathBuf,
    pub(crate) reuse_required: bool,
    pub(crate) auth: Vec<&'static str>,
    pub(crate) traits: &'static [&'static str],
    pub(crate) notes: &'static str,
    /// Stays in the foreground.
    pub(crate) command: Command,
}

/// The protocol of a set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// FTP in the clear.
    Plain,
    /// FTP with AUTH TLS.
    Explicit,
    /// FTP inside of TLS.
    Implicit,
    /// SFTP.
    Ssh,
}

impl Kind {
    /// The URL scheme.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::Plain => "ftp",
            Self::Explicit => "ftpes",
            Self::Implicit => "ftps",
            Self::Ssh => "sftp",
        }
    }
}

/// What sets one set-up of a server apart from its others.
#[derive(Debug, Clone, Copy)]
struct Variant {
    name: &'static str,
    kind: Kind,
    host: IpAddr,
    traits: &'static [&'static str],
    /// Lines of the server's own configuration, which come last.
    lines: &'static str,
    notes: &'static str,
}

impl Variant {
    /// One on which everything works.
    const fn common(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            traits: &[],
            lines: "",
            notes: "",
        }
    }

    /// One that is odd on purpose.
    const fn special(
        name: &'static str,
        kind: Kind,
        traits: &'static [&'static str],
        lines: &'static str,
    ) -> Self {
        Self {
            traits,
            lines,
            ..Self::common(name, kind)
        }
    }

    /// The same on `::1`.
    const fn on_ipv6(self) -> Self {
        Self {
            host: IpAddr::V6(Ipv6Addr::LOCALHOST),
            ..self
        }
    }

    fn has(&self, wanted: &str) -> bool {
        self.traits.contains(&wanted)
    }
}

/// Writes the configuration of every set-up; of one server after the other, those without traits first.
///
/// # Errors
/// The state folder cannot be written.
pub(crate) fn all(site: &Site) -> Outcome<Vec<Setup>> {
    let mut setups = Vec::new();
    for variant in vsftpd::VARIANTS {
        setups.push(vsftpd::vsftpd(site, variant)?);
    }
    for variant in proftpd::VARIANTS {
        setups.push(proftpd::proftpd(site, variant)?);
    }
    for variant in pure_ftpd::VARIANTS {
        setups.push(pure_ftpd::pure_ftpd(site, variant)?);
    }
    if python::is_installed() {
        for variant in pyftpdlib::VARIANTS {
            setups.push(pyftpdlib::pyftpdlib(site, variant)?);
        }
    }
    for variant in openssh::VARIANTS {
        setups.push(openssh::openssh(site, variant)?);
    }
    setups.push(dropbear::dropbear(site)?);
    setups.push(proftpd::sftp(site)?);
    Ok(setups)
}

/// The parts that every kind of server fills alike.
fn draft(
    site: &Site,
    variant: &Variant,
    software: &'static str,
    version: String,
) -> Outcome<Setup> {
    let name = variant.name;
    let host = match variant.host {
        IpAddr::V4(_) => IpAddr::V4(site.host),
        host => host,
    };
    let log_file = site.state.join("log").join(format!("{name}.log"));
    // There from the start: a test may look for what is not in it.
    fs::write(&log_file, "")?;
    Ok(Setup {
        root: served_folder(site, name)?,
        log_file,
        name: name.to_owned(),
        kind: variant.kind,
        software,
        version,
        host,
        port: free_port(site, host)?,
        login_path: "/".to_owned(),
        reuse_required: false,
        auth: vec!["password"],
        traits: variant.traits,
        notes: variant.notes,
        command: Command::new("false"),
    })
}

/// A fresh folder of the account with one file and one folder in it.
fn served_folder(site: &Site, name: &str) -> Outcome<PathBuf> {
    let root = site.state.join("root").join(name);
    fs::create_dir_all(root.join("folder"))?;
    fs::write(root.join("hello.txt"), format!("Hello from {name}.\n"))?;
    for path in [root.clone(), root.join("folder"), root.join("hello.txt")] {
        std::os::unix::fs::chown(path, Some(site.account.uid), Some(site.account.gid))?;
    }
    Ok(root)
}

/// Writes a configuration file of the set-up and says where.
fn config(site: &Site, name: &str, text: &str) -> Outcome<PathBuf> {
    let file = site.state.join("etc").join(name);
    fs::write(&file, text)?;
    Ok(file)
}

/// An empty folder for what servers keep at run time.
fn run_file(site: &Site, name: &str) -> PathBuf {
    site.state.join("run").join(name)
}

/// A port that nobody listens on now and that this lab has not given away. Another program may still take it
/// before the server does; the start then fails loudly.
fn free_port(site: &Site, host: IpAddr) -> Outcome<u16> {
    for _ in 0..1000 {
        let port = site.next_port.get();
        site.next_port.set(port + 1);
        if TcpListener::bind((host, port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no free port".into())
}

/// A path for a configuration file. The lab's own folders hold no blanks or quotes; a clone's might.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display())
}

/// `user:hash:uid:gid:…` as ProFTPD reads it.
fn passwd_line(site: &Site, home: &Path) -> String {
    let Account { uid, gid, hash } = &site.account;
    format!(
        "{}:{hash}:{uid}:{gid}::{}:/bin/sh\n",
        user(),
        home.display()
    )
}

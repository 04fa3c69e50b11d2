//! `cargo xtask lab`: real FTP, FTPS and SFTP servers on loopback, for tests.
//!
//! vsftpd, ProFTPD, Pure-FTPd, OpenSSH and dropbear from Debian's packages (12 and 13) and pyftpdlib from the Python
//! index, with a CA, keys and a password made at every start. `lab.json` says to the tests what there is: set-ups on
//! which everything works, and special ones that are odd on purpose. Nothing listens anywhere but on
//! loopback or the address that was asked for, and the distribution's services are neither installed nor started. What the lab makes outside of
//! its folders is listed in [`account`], and `lab down --purge` removes it.
//!
//! Everything needs root: the servers check the password of a system account and change to it.

mod account;
mod credentials;
mod install;
mod launch;
mod python;
mod record;
mod setups;

use std::cell::Cell;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

pub(crate) use install::{apt, install, obstacle};
pub(crate) use record::{Lab, clear_reports, reports};

use crate::Outcome;
use launch::silent;
use setups::Site;

/// The arguments of `cargo xtask lab`.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Download and unpack the servers, and install the libraries they need (root)
    Install,
    /// Start every set-up and write lab.json (root)
    Up {
        /// An address of this machine to listen on in place of 127.0.0.1, such as that of a long line
        #[arg(long, default_value_t = Ipv4Addr::LOCALHOST)]
        host: Ipv4Addr,
    },
    /// End the servers and remove their state
    Down {
        /// Remove the accounts and files outside of the lab's folder, too
        #[arg(long)]
        purge: bool,
    },
    /// Show the set-ups; fails if one does not answer
    Status {
        /// Print lab.json instead of a table
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// Whatever stops it, in words.
pub(crate) fn run(flags: &Flags) -> Outcome<ExitCode> {
    match flags.action {
        Action::Install => install()?,
        Action::Up { host } => up(host)?,
        Action::Down { purge } => down(purge)?,
        Action::Status { json } => return status(json),
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a lab is up and every server of it answers.
///
/// # Errors
/// `lab.json` cannot be read.
pub(crate) fn is_up() -> Outcome<bool> {
    Ok(Lab::load(&Lab::file())?.is_some_and(|lab| silent(&lab).is_empty()))
}

/// Starts every set-up on this address, installing the servers first if they are missing. Does nothing when the lab
/// is up.
///
/// # Errors
/// A server does not start; those that did are then ended again.
pub(crate) fn up(host: Ipv4Addr) -> Outcome {
    if let Some(reason) = obstacle() {
        return Err(reason.into());
    }
    let file = Lab::file();
    if let Some(lab) = Lab::load(&file)? {
        let silent = silent(&lab);
        if silent.is_empty() {
            println!("lab: up already, see {}", file.display());
            return Ok(());
        }
        println!("lab: {} not answering; starting anew", silent.join(", "));
        down(false)?;
    }
    if !(install::is_complete() && python::is_installed()) {
        install()?;
    }
    let state = state_folder()?;
    let lab = start(&state, host).inspect_err(|_| {
        let _ = account::lock();
    });
    let lab = match lab {
        Ok(lab) => lab,
        Err(error) if fs::read_dir(state.join("log"))?.next().is_none() => {
            fs::remove_dir_all(&state)?;
            return Err(error);
        }
        Err(error) => return Err(format!("{error}\nlogs are in {}", state.display()).into()),
    };
    lab.save(&file)?;
    println!(
        "lab: {} servers up, see {}",
        lab.all().count(),
        file.display()
    );
    for line in &lab.left_out {
        println!("lab: LEFT OUT {line}");
    }
    Ok(())
}

/// Ends the recorded processes and removes the state.
///
/// # Errors
/// Files or accounts cannot be removed.
pub(crate) fn down(purge: bool) -> Outcome {
    let file = Lab::file();
    match Lab::load(&file)? {
        None => println!("lab: not up"),
        Some(lab) => {
            launch::end(&lab);
            account::lock()?;
            if lab.state_dir.exists() {
                fs::remove_dir_all(&lab.state_dir)?;
            }
            fs::remove_file(&file)?;
            println!("lab: down");
        }
    }
    if purge {
        account::purge()?;
    }
    Ok(())
}

fn status(json: bool) -> Outcome<ExitCode> {
    let file = Lab::file();
    if json {
        // As written: a test sees the same.
        let text = fs::read_to_string(&file).map_err(|_| "the lab is not up")?;
        println!("{text}");
    }
    let Some(lab) = Lab::load(&file)? else {
        return Err("the lab is not up".into());
    };
    let silent = silent(&lab);
    if !json {
        let width = lab.all().map(|s| s.name.len()).max().unwrap_or(0);
        for server in lab.all() {
            let state = if silent.contains(&server.name) {
                "NOT ANSWERING"
            } else {
                "answers"
            };
            println!(
                "{:width$}  {:5}  {}:{:<5}  pid {:<7}  {state:13}  {} {}  {}",
                server.name,
                server.kind,
                server.host,
                server.port,
                server.process.pid,
                server.software,
                server.version,
                server.traits.join(" "),
            );
        }
        for line in &lab.left_out {
            println!("LEFT OUT {line}");
        }
    }
    Ok(if silent.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The beginning of the name of every lab's state folder.
const STATE_PREFIX: &str = "ftp-connect-lab-";

/// The state folder lies in the system's folder for such, where the served account may reach it.
fn state_folder() -> Outcome<PathBuf> {
    let state = tempfile::Builder::new()
        .prefix(STATE_PREFIX)
        .tempdir()?
        .keep();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o755))?;
    for name in [
        "bin", "empty", "etc", "home", "keys", "log", "root", "run", "tls",
    ] {
        fs::create_dir(state.join(name))?;
    }
    fs::set_permissions(state.join("keys"), fs::Permissions::from_mode(0o755))?;
    Ok(state)
}

/// Makes the account, keys and certificates, and starts every set-up.
fn start(state: &Path, host: Ipv4Addr) -> Outcome<Lab> {
    let password = credentials::password()?;
    let home = state.join("home");
    let account = account::prepare(&home, &password)?;
    let certificates = credentials::certificates(&state.join("tls"), host)?;
    let host_keys = credentials::host_keys(&state.join("keys"))?;
    let (keys, authorized_keys) = credentials::user_keys(&state.join("keys"))?;
    let (user_ca, user_certificate) = credentials::user_certificate(&state.join("keys"))?;
    authorize_in_home(&home, &authorized_keys, &account)?;

    let mut lab = Lab {
        state_dir: state.to_owned(),
        ca_file: certificates.ca.clone(),
        keys,
        host_keys: host_keys
            .iter()
            .map(|(algorithm, file)| (algorithm.clone(), credentials::public(file)))
            .collect(),
        servers: Vec::new(),
        special: Vec::new(),
        left_out: Vec::new(),
        client_certificate: certificates.client.clone(),
        user_certificate,
    };
    if !python::is_installed() {
        lab.left_out
            .push("pyftpdlib: `lab install` could not get it".to_owned());
    }
    let site = Site {
        state: state.to_owned(),
        account,
        password,
        certificates,
        host_keys,
        authorized_keys,
        user_ca,
        host,
        next_port: Cell::new(credentials::first_port()?),
    };
    let setups = setups::all(&site)?;
    match launch::start(setups, &site, &mut lab) {
        Ok(()) => Ok(lab),
        Err(error) => {
            launch::end(&lab);
            Err(error)
        }
    }
}

/// dropbear reads keys from the account's home and nowhere else, and wants home and keys to be the account's.
fn authorize_in_home(home: &Path, keys: &Path, account: &account::Account) -> Outcome {
    let folder = home.join(".ssh");
    let copy = folder.join("authorized_keys");
    fs::create_dir(&folder)?;
    fs::copy(keys, &copy)?;
    for (path, mode) in [(home, 0o755), (&folder, 0o700), (&copy, 0o600)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid))?;
    }
    Ok(())
}

//! `cargo xtask lab`: real FTP, FTPS and SFTP servers on loopback, for tests.
//!
//! vsftpd, ProFTPD, Pure-FTPd, OpenSSH and dropbear from Debian's packages (12 and 13), with a CA, keys and a
//! password made at every start. `lab.json` says to the tests what there is. Nothing listens anywhere but on
//! loopback, and the distribution's services are neither installed nor started. What the lab makes outside of
//! its folders is listed in [`account`], and `lab down --purge` removes it.
//!
//! Everything needs root: the servers check the password of a system account and change to it.

mod account;
mod credentials;
mod install;
mod record;
mod setups;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

pub(crate) use install::{apt, install, obstacle};
pub(crate) use record::Lab;

use crate::Outcome;
use crate::process::Process;
use record::Server;
use setups::{Kind, Setup, Site};

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
    Up,
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
        Action::Up => up()?,
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

/// Starts every set-up, installing the servers first if they are missing. Does nothing when the lab is up.
///
/// # Errors
/// A server does not start; those that did are then ended again.
pub(crate) fn up() -> Outcome {
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
    if !install::is_complete() {
        install()?;
    }
    let mut lab = Lab {
        state_dir: state_folder()?,
        ca_file: "".into(),
        keys: Vec::new(),
        host_keys: BTreeMap::new(),
        servers: Vec::new(),
    };
    if let Err(error) = start(&mut lab) {
        end(&lab);
        account::lock()?;
        if fs::read_dir(lab.state_dir.join("log"))?.next().is_none() {
            fs::remove_dir_all(&lab.state_dir)?;
            return Err(error);
        }
        return Err(format!("{error}\nlogs are in {}", lab.state_dir.display()).into());
    }
    lab.save(&file)?;
    println!(
        "lab: {} servers up, see {}",
        lab.servers.len(),
        file.display()
    );
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
            end(&lab);
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
        let width = lab.servers.iter().map(|s| s.name.len()).max().unwrap_or(0);
        for server in &lab.servers {
            let state = if silent.contains(&server.name) {
                "NOT ANSWERING"
            } else {
                "answers"
            };
            println!(
                "{:width$}  {:5}  {}:{:<5}  pid {:<7}  {state:13}  {} {}",
                server.name,
                server.kind,
                server.host,
                server.port,
                server.process.pid,
                server.software,
                server.version,
            );
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

/// Starting takes a second or so each; a loaded machine gets more.
const START_LIMIT: Duration = Duration::from_secs(30);

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

fn start(lab: &mut Lab) -> Outcome {
    let state = lab.state_dir.clone();
    let password = credentials::password()?;
    let home = state.join("home");
    let account = account::prepare(&home, &password)?;
    let certificates = credentials::certificates(&state.join("tls"))?;
    let host_keys = credentials::host_keys(&state.join("keys"))?;
    let (keys, authorized_keys) = credentials::user_keys(&state.join("keys"))?;
    authorize_in_home(&home, &authorized_keys, &account)?;

    lab.ca_file.clone_from(&certificates.ca);
    lab.keys = keys;
    lab.host_keys = host_keys
        .iter()
        .map(|(algorithm, file)| (algorithm.clone(), credentials::public(file)))
        .collect();
    let site = Site {
        state,
        account,
        password,
        certificates,
        host_keys,
        authorized_keys,
        next_port: Cell::new(credentials::first_port()?),
    };
    for setup in setups::all(&site)? {
        let server = launch(setup, &site)?;
        lab.servers.push(server);
    }
    Ok(())
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

/// Starts a server in a process group of its own, so that it outlives this program, and waits until it answers.
fn launch(mut setup: Setup, site: &Site) -> Outcome<Server> {
    let output = if setup.software == "dropbear" {
        setup.log_file.clone()
    } else {
        site.state.join("log").join(format!("{}.out", setup.name))
    };
    let output_file = fs::File::create(&output)?;
    let mut child = setup
        .command
        .stdin(Stdio::null())
        .stdout(output_file.try_clone()?)
        .stderr(output_file)
        .current_dir("/")
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{}: {error}", setup.name))?;
    let process = Process::of(child.id()).ok_or_else(|| format!("{} ended at once", setup.name))?;
    if let Err(error) = wait_until_it_answers(&setup, &mut child) {
        process.signal("TERM");
        let _ = child.wait();
        let said = fs::read_to_string(&output).unwrap_or_default();
        return Err(format!("{}: {error}\n{said}", setup.name).into());
    }
    Ok(Server {
        name: setup.name,
        kind: setup.kind.scheme().to_owned(),
        software: setup.software.to_owned(),
        version: setup.version,
        host: Ipv4Addr::LOCALHOST.to_string(),
        port: setup.port,
        user: account::user().to_owned(),
        password: site.password.clone(),
        root: setup.root,
        login_path: setup.login_path,
        log_file: setup.log_file,
        reuse_required: setup.reuse_required,
        auth: setup.auth.into_iter().map(str::to_owned).collect(),
        notes: setup.notes.to_owned(),
        process,
    })
}

fn wait_until_it_answers(setup: &Setup, child: &mut Child) -> Outcome {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if let Some(status) = child.try_wait()? {
            return Err(format!("ended: {status}").into());
        }
        if answers(setup.kind.scheme(), setup.port) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("no answer on port {}", setup.port).into());
        }
        sleep(Duration::from_millis(50));
    }
}

/// Whether the server greets as its protocol says; with implicit TLS a server says nothing first.
fn answers(kind: &str, port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(5)) else {
        return false;
    };
    let expected: &[u8] = if kind == Kind::Implicit.scheme() {
        return true;
    } else if kind == Kind::Ssh.scheme() {
        b"SSH-"
    } else {
        b"220"
    };
    let mut greeting = vec![0; expected.len()];
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .and_then(|()| stream.read_exact(&mut greeting))
        .is_ok_and(|()| greeting == expected)
}

/// The names of the set-ups whose process is gone or which do not answer.
fn silent(lab: &Lab) -> Vec<String> {
    lab.servers
        .iter()
        .filter(|server| !server.process.runs() || !answers(&server.kind, server.port))
        .map(|server| server.name.clone())
        .collect()
}

/// Ends the servers and the sessions they serve: nicely, then after five seconds not.
fn end(lab: &Lab) {
    let mut processes: Vec<Process> = Vec::new();
    for server in lab.servers.iter().filter(|server| server.process.runs()) {
        processes.push(server.process.clone());
        processes.extend(server.process.descendants());
    }
    for process in &processes {
        process.signal("TERM");
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while processes.iter().any(Process::runs) && Instant::now() < deadline {
        sleep(Duration::from_millis(50));
    }
    for process in &processes {
        process.signal("KILL");
    }
}

//! Starting the servers, asking whether they answer, ending them.

use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::account;
use super::record::{Lab, Server};
use super::setups::{Kind, Setup, Site};
use crate::Outcome;
use crate::process::Process;

/// Starts all servers at once, and waits until each answers. Those that were started are recorded whatever
/// comes of it.
///
/// # Errors
/// A server ends, or says nothing.
pub(super) fn start(setups: Vec<Setup>, site: &Site, lab: &mut Lab) -> Outcome {
    let mut started = Vec::new();
    for mut setup in setups {
        let output = output_file(&setup, site);
        let child = spawn(&mut setup, &output)?;
        let server = server(setup, site, &child)?;
        started.push((server.clone(), child, output));
        if server.traits.is_empty() {
            lab.servers.push(server);
        } else {
            lab.special.push(server);
        }
    }
    for (server, mut child, output) in started {
        wait_until_it_answers(&server, &mut child).map_err(|error| {
            let said = fs::read_to_string(&output).unwrap_or_default();
            format!("{}: {error}\n{said}", server.name)
        })?;
    }
    Ok(())
}

/// dropbear logs to its standard error only.
fn output_file(setup: &Setup, site: &Site) -> PathBuf {
    if setup.software == "dropbear" {
        return setup.log_file.clone();
    }
    site.state.join("log").join(format!("{}.out", setup.name))
}

/// Starts a server in a process group of its own, so that it outlives this program.
fn spawn(setup: &mut Setup, output: &Path) -> Outcome<Child> {
    let output = fs::File::create(output)?;
    let child = setup
        .command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .current_dir("/")
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{}: {error}", setup.name))?;
    Ok(child)
}

fn server(setup: Setup, site: &Site, child: &Child) -> Outcome<Server> {
    let process = Process::of(child.id()).ok_or_else(|| format!("{} ended at once", setup.name))?;
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Ok(Server {
        name: setup.name,
        kind: setup.kind.scheme().to_owned(),
        software: setup.software.to_owned(),
        version: setup.version,
        host: setup.host.to_string(),
        port: setup.port,
        user: account::user().to_owned(),
        password: site.password.clone(),
        root: setup.root,
        login_path: setup.login_path,
        log_file: setup.log_file,
        reuse_required: setup.reuse_required,
        auth: owned(&setup.auth),
        traits: owned(setup.traits),
        notes: setup.notes.to_owned(),
        process,
    })
}

fn wait_until_it_answers(server: &Server, child: &mut Child) -> Outcome {
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if let Some(status) = child.try_wait()? {
            return Err(format!("ended: {status}").into());
        }
        if answers(server) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("no answer on port {}", server.port).into());
        }
        sleep(Duration::from_millis(50));
    }
}

/// Whether the server greets as its protocol says; with implicit TLS a server says nothing first.
fn answers(server: &Server) -> bool {
    let Ok(host) = server.host.parse::<IpAddr>() else {
        return false;
    };
    let kind = server.kind.as_str();
    let address = SocketAddr::from((host, server.port));
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
pub(super) fn silent(lab: &Lab) -> Vec<String> {
    lab.all()
        .filter(|server| !server.process.runs() || !answers(server))
        .map(|server| server.name.clone())
        .collect()
}

/// Ends the servers and the sessions they serve: nicely, then after five seconds not.
pub(super) fn end(lab: &Lab) {
    let mut processes: Vec<Process> = Vec::new();
    for server in lab.all().filter(|server| server.process.runs()) {
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

/// Starting takes a second or so; all of them at once, on a loaded machine, get more.
const START_LIMIT: Duration = Duration::from_secs(30);

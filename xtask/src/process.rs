//! Starting programs and knowing them again: the few lines over `std::process` that every task needs.
//!
//! A process is recorded as its number and its start time, because the system hands numbers out again.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest
        .parent()
        .map_or_else(|| manifest.clone(), Path::to_path_buf)
}

/// A command from its words.
pub(crate) fn command<S: AsRef<OsStr>>(program: S, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Runs a command with its output hidden, and shows that output only when it fails.
///
/// # Errors
/// The program is missing or exits with another status than 0.
pub(crate) fn quietly(command: &mut Command) -> Outcome<String> {
    let shown = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!(
        "{shown}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
    .into())
}

/// Runs a command that takes long, and shows what it says while it gathers it.
///
/// # Errors
/// It cannot be started, or fails.
pub(crate) fn telling(command: &mut Command) -> Outcome<String> {
    let shown = format!("{command:?}");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| format!("{shown}: {error}"))?;
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
        let line = line?;
        println!("{line}");
        said += &line;
        said.push('\n');
    }
    let status = child.wait()?;
    match status.success() {
        true => Ok(said),
        false => Err(format!("{shown}: {status}").into()),
    }
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Runs a command with its output shown; its failure is this program's failure.
///
/// # Errors
/// The program cannot be started.
pub(crate) fn finish(command: &mut Command) -> Outcome<ExitCode> {
    let status = command
        .status()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether a program of this name can be started.
pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    quietly(&mut command("id", &["-u"])).is_ok_and(|id| id.trim() == "0")
}

/// A running process, told apart from a later one with the same number by its start time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// The process number.
    pub(crate) pid: u32,
    /// Clock ticks since the system started, from `/proc/PID/stat`.
    pub(crate) start_time: u64,
}

impl Process {
    /// Records a process that is running now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = Stat::read(pid)?;
        Some(Self {
            pid,
            start_time: stat.start_time,
        })
    }

    /// Whether this very process still runs; one that has ended but is not yet collected does not.
    pub(crate) fn runs(&self) -> bool {
        Stat::read(self.pid).is_some_and(|s| s.start_time == self.start_time && s.state != 'Z')
    }

    /// The processes that this one started, theirs included.
    pub(crate) fn descendants(&self) -> Vec<Self> {
        let all: Vec<(u32, Stat)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((pid, Stat::read(pid)?)))
            .collect();
        let mut found: Vec<Self> = Vec::new();
        let mut parents = vec![self.pid];
        while let Some(parent) = parents.pop() {
            for (pid, stat) in all.iter().filter(|(_, stat)| stat.parent == parent) {
                found.push(Self {
                    pid: *pid,
                    start_time: stat.start_time,
                });
                parents.push(*pid);
            }
        }
        found
    }

    /// Sends a signal, if this very process still runs.
    pub(crate) fn signal(&self, name: &str) {
        if self.runs() {
            // The shell's own `kill`: the program of that name is not on every system.
            let line = format!("kill -{name} {}", self.pid);
            let _ = command("sh", &["-c", &line]).stderr(Stdio::null()).status();
        }
    }
}

/// The fields of `/proc/PID/stat` that matter here.
struct Stat {
    state: char,
    parent: u32,
    start_time: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The second field is the program's name in brackets and may itself hold spaces and brackets.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let text = "42 (a) b) S 7 42 42 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 1 0 98765 1000 10";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.state, stat.parent, stat.start_time), ('S', 7, 98765));
    }

    #[test]
    fn another_start_time_is_another_process() {
        let own = Process::of(std::process::id()).unwrap();
        assert!(own.runs());
        let other = Process {
            start_time: own.start_time + 1,
            ..own
        };
        assert!(!other.runs());
    }
}

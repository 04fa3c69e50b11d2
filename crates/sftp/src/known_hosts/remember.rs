//! Adding a key to a known-hosts file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use russh::keys::{key::safe_rng, ssh_key::rand_core::Rng as _};

use super::{
    KnownHosts, Name, Verdict,
    line::{HASHED, Hosts},
};
use crate::keys::PublicKey;

/// Adds a line for this server at the end of the file, hashed if the last one there is, and gives what the
/// file says of the key then: another program may have written another key meanwhile, and then nothing is
/// added.
///
/// The folder and the file are made if they are not there, for the user's eyes only. Nothing that is in the
/// file is touched; a line is added whole or not at all.
///
/// # Errors
/// The file cannot be read or written.
pub(crate) fn remember(path: &Path, name: &Name, key: &PublicKey) -> io::Result<Verdict> {
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        make_folder(folder)?;
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    lock(&file);
    let mut before = Vec::new();
    file.read_to_end(&mut before)?;
    let verdict = KnownHosts::parse(&before).judge(name, key);
    if !matches!(verdict, Verdict::Unknown | Verdict::OtherType(_)) {
        return Ok(verdict);
    }
    let hosts = if has_hashes(&before) {
        hashed(&name.text)?
    } else {
        name.text.clone()
    };
    let mut line = format!("{hosts} {key}\n");
    // A last line without its end must not swallow ours.
    if before.last().is_some_and(|last| *last != b'\n') {
        line.insert(0, '\n');
    }
    // One write in append mode, so that not even a program that knows no lock mixes its line into ours.
    let written = file.write(line.as_bytes())?;
    if written < line.len() {
        file.set_len(before.len() as u64)?;
        return Err(io::Error::from(io::ErrorKind::StorageFull));
    }
    Ok(Verdict::Known)
}

/// Waits for other programs of ours, but not for long: the lock is a courtesy, and file systems over
/// the network may have none.
fn lock(file: &File) {
    let started = Instant::now();
    while let Err(fs::TryLockError::WouldBlock) = file.try_lock()
        && started.elapsed() < PATIENCE
    {
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether the last line with a name has it hashed.
fn has_hashes(file: &[u8]) -> bool {
    let text = String::from_utf8_lossy(file);
    let last = text.lines().rev().map(str::trim).find(|line| {
        // Lines with a marker are written by people.
        !line.is_empty() && !line.starts_with(['#', '@'])
    });
    last.is_some_and(|line| line.starts_with(HASHED))
}

fn hashed(name: &str) -> io::Result<String> {
    let mut salt = [0; 20];
    safe_rng().fill_bytes(&mut salt);
    match Hosts::hashed(name, salt) {
        Some(Hosts::Hashed { salt, hash }) => Ok(format!(
            "{HASHED}{}|{}",
            BASE64_STANDARD.encode(salt),
            BASE64_STANDARD.encode(hash)
        )),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

const PATIENCE: Duration = Duration::from_secs(2);

//! The file in which host profiles are kept, one server a line, each line JSON.
//!
//! The library keeps none; this program keeps them where `--profile` says and nowhere else.

use std::{fs, io, path::Path};

use ftp_connect::{ConnectParams, Error, ErrorKind, HostProfile, Result};

use crate::connection;

/// What is known of the server; nothing if there is no file yet.
pub(crate) fn read(file: &Path, params: &ConnectParams) -> Result<Option<HostProfile>> {
    if !file.exists() {
        return Ok(None);
    }
    let profiles = parse(file, &connection::read(file)?)?;
    Ok(profiles.into_iter().find(|profile| profile.is_of(params)))
}

/// Puts the profile in the place of the same server's, or behind the others. The file is the old one or
/// the whole new one.
pub(crate) fn write(file: &Path, profile: &HostProfile) -> Result<()> {
    let mut profiles = match file.exists() {
        true => parse(file, &connection::read(file)?)?,
        false => Vec::new(),
    };
    let same = |other: &HostProfile| (&other.server, other.port) == (&profile.server, profile.port);
    profiles.retain(|other| !same(other));
    profiles.push(profile.clone());
    let text: String = profiles
        .iter()
        .map(|profile| profile.to_json() + "\n")
        .collect();
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, file))
        .map_err(|error| not_written(file, error))
}

fn parse(file: &Path, text: &str) -> Result<Vec<HostProfile>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            HostProfile::from_json(line).map_err(|error| {
                let message = format!("{}: {error}", file.display());
                error.with_message(message)
            })
        })
        .collect()
}

fn not_written(file: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::Io)
        .with_message(format!("{} is not written: {error}", file.display()))
        .with_source(error)
}

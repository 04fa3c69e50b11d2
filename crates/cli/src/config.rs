//! Servers by name, from a TOML file: `@NAME` on the command line.
//!
//! ```toml
//! [servers.files]
//! server = "files.example.org"
//! username = "ada"
//! encryption = "explicit-tls"
//! ```
//!
//! The keys are those of the parameters, as in `--params`.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use ftp_connect::{ConnectParams, Error, ErrorKind, Result};
use serde::Deserialize;

use crate::{connection, output};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    servers: BTreeMap<String, ConnectParams>,
}

/// The name and the path behind it, if this is `@NAME[/path]`.
pub(crate) fn name(text: &str) -> Option<(&str, Option<&str>)> {
    let rest = text.strip_prefix('@')?;
    match rest.find('/') {
        Some(at) => Some((&rest[..at], Some(&rest[at..]))),
        None => Some((rest, None)),
    }
}

/// The parameters of a server of the file.
///
/// # Errors
/// [`ErrorKind::InvalidParameter`] if file or name are not there, or the file cannot be meant.
pub(crate) fn server(file: Option<&Path>, name: &str) -> Result<ConnectParams> {
    let path = match file {
        Some(file) => file.to_owned(),
        None => {
            usual().ok_or_else(|| refuse("there is no home folder").with_hint("use --config"))?
        }
    };
    let text = connection::read(&path)?;
    let config: Config = toml::from_str(&text).map_err(|error| {
        // The error's own text shows the line, and with it perhaps a password.
        let before = error.span().map_or("", |span| &text[..span.start]);
        let line = before.matches('\n').count() + 1;
        refuse(format!(
            "{}, line {line}: {}",
            path.display(),
            error.message()
        ))
        .with_hint("each server is a table [servers.NAME], whose keys are the parameters")
    })?;
    let names: Vec<_> = config.servers.keys().cloned().collect();
    let mut servers = config.servers;
    let Some(params) = servers.remove(name) else {
        let hint = match names.is_empty() {
            true => "write a table [servers.NAME] into it".to_owned(),
            false => format!("it has {}", names.join(", ")),
        };
        let message = format!("{} has no server {name:?}", path.display());
        return Err(refuse(message).with_hint(hint));
    };
    if params.password().is_some() {
        warn_if_open(&path);
    }
    Ok(params)
}

/// A file with a password should be its owner's alone.
pub(crate) fn warn_if_open(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
        if mode & 0o077 != 0 {
            output::warn(&format!(
                "{} has a password and is open to others: chmod 600 it",
                path.display()
            ));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// The user's home folder, if the environment names one.
pub(crate) fn home() -> Option<PathBuf> {
    env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

/// Where configuration files are (XDG Base Directory Specification), with this program's name.
fn usual() -> Option<PathBuf> {
    let folder = env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
    let folder = folder
        .map(PathBuf::from)
        .or_else(|| Some(home()?.join(".config")))?;
    Some(folder.join("ftp-connect/config.toml"))
}

/// Where the history of the shell is kept, likewise.
pub(crate) fn history() -> Option<PathBuf> {
    let folder = env::var_os("XDG_STATE_HOME").filter(|folder| !folder.is_empty());
    let folder = folder
        .map(PathBuf::from)
        .or_else(|| Some(home()?.join(".local/state")))?;
    Some(folder.join("ftp-connect/history"))
}

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidParameter).with_message(message)
}

#[cfg(test)]
mod tests {
    use ftp_connect::Encryption;

    use super::*;

    #[test]
    fn names_and_paths() {
        #[track_caller]
        fn check(text: &str, expected: Option<(&str, Option<&str>)>) {
            assert_eq!(name(text), expected, "{text}");
        }
        check("@nas", Some(("nas", None)));
        check("@nas/in/a", Some(("nas", Some("/in/a"))));
        check("@nas//etc", Some(("nas", Some("//etc"))));
        check("ftp://a@nas", None);
    }

    #[test]
    fn servers_are_found_and_mistakes_named_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let text = "[servers.nas]\nserver = \"nas\"\nport = 2121\nencryption = -2\nlegacy = true\n";
        std::fs::write(&file, text).unwrap();
        let params = server(Some(&file), "nas").unwrap();
        assert_eq!((params.port(), params.legacy()), (2121, true));
        assert_eq!(params.encryption(), Encryption::ExplicitTlsReuse);
        let error = server(Some(&file), "other").unwrap_err();
        assert!(error.hint().unwrap().contains("nas"), "{error}");

        let wrong = "[servers.nas]\nserver = \"nas\"\npassword = \"hunter2\" x\n";
        std::fs::write(&file, wrong).unwrap();
        let error = server(Some(&file), "nas").unwrap_err().to_string();
        assert!(
            error.contains("line 3") && !error.contains("hunter2"),
            "{error}"
        );
        std::fs::write(&file, "[servers.nas]\nserver = \"nas\"\ncolour = \"red\"\n").unwrap();
        let error = server(Some(&file), "nas").unwrap_err().to_string();
        assert!(error.contains("colour"), "{error}");
    }
}

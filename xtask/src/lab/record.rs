//! `lab.json`: what the running lab offers, for the tests that use it and for `lab down`, which ends it.
//!
//! The tests know this file and nothing else of the lab.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::credentials::Pair;
use crate::Outcome;
use crate::process::{Process, workspace};

/// Everything a test needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lab {
    /// Configuration, keys, logs and served folders; removed by `lab down`.
    pub(crate) state_dir: PathBuf,
    /// The CA that signed the certificate of every TLS server, in PEM.
    pub(crate) ca_file: PathBuf,
    /// Private keys that every server with `publickey` lets in for its user.
    pub(crate) keys: Vec<Key>,
    /// Public host keys of the SSH servers by type (`rsa`, `ecdsa`, `ed25519`), in OpenSSH's one-line form.
    pub(crate) host_keys: BTreeMap<String, PathBuf>,
    /// The set-ups on which everything works.
    pub(crate) servers: Vec<Server>,
    /// The set-ups that are odd on purpose, as their traits say.
    #[serde(default)]
    pub(crate) special: Vec<Server>,
    /// What could not be had on this machine, and why.
    #[serde(default)]
    pub(crate) left_out: Vec<String>,
    /// A user's certificate for TLS, by the CA.
    #[serde(default)]
    pub(crate) client_certificate: Pair,
    /// A user's key that a set-up with the trait `user-ca` lets in by its certificate, in OpenSSH's forms.
    #[serde(default)]
    pub(crate) user_certificate: Pair,
}

/// A private key of the user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Key {
    /// `rsa`, `ecdsa`, `ed25519` or `dsa`.
    #[serde(rename = "type")]
    pub(crate) algorithm: String,
    /// `pem` (OpenSSL's traditional form), `pkcs8` or `openssh`.
    pub(crate) format: String,
    /// The private key.
    pub(crate) file: PathBuf,
    /// What opens it, when it is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) passphrase: Option<String>,
}

/// One running set-up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Server {
    /// Unique: `vsftpd-explicit`.
    pub(crate) name: String,
    /// `ftp`, `ftpes` (explicit TLS), `ftps` (implicit TLS) or `sftp`.
    pub(crate) kind: String,
    /// The program: `vsftpd`.
    pub(crate) software: String,
    /// The version of its Debian package.
    pub(crate) version: String,
    /// Always a loopback address.
    pub(crate) host: String,
    /// Unprivileged.
    pub(crate) port: u16,
    /// The account.
    pub(crate) user: String,
    /// Its password.
    pub(crate) password: String,
    /// The folder on this disk that a login sees.
    pub(crate) root: PathBuf,
    /// The same folder as the server names it.
    pub(crate) login_path: String,
    /// What the server writes about its sessions.
    pub(crate) log_file: PathBuf,
    /// Data connections must resume the control connection's TLS session.
    pub(crate) reuse_required: bool,
    /// `password`, `publickey`, `keyboard-interactive`.
    pub(crate) auth: Vec<String>,
    /// Empty, or in which way the set-up is odd:
    ///
    /// - `no-passive`: EPSV and PASV are refused;
    /// - `no-epsv`, `no-mlsd`: EPSV (and EPRT), MLSD and MLST are refused;
    /// - `wrong-passive-address`: the reply to PASV names 127.0.0.99, where nothing listens;
    /// - `two-connections`: the third is greeted with 421; `two-logins`: the third login is refused;
    /// - `idle-5s`: a session without a command is ended after five seconds;
    /// - `ten-entries`: listings are cut after ten;
    /// - `ipv6`: on `::1`;
    /// - `client-certificate`: TLS asks for one of the CA;
    /// - `wrong-name`, `expired`, `self-signed`: what is wrong with the server's certificate;
    /// - `two-factors`: all of `auth`, in that order, to log in; `user-ca`: a certificate;
    /// - `legacy`: key exchange, ciphers and MACs of SHA-1 and CBC only; `ssh-rsa`: RSA signatures with SHA-1 only;
    /// - `two-sessions`: of the channels on one SSH connection.
    #[serde(default)]
    pub(crate) traits: Vec<String>,
    /// What a test has to know besides.
    pub(crate) notes: String,
    /// The server's process.
    #[serde(flatten)]
    pub(crate) process: Process,
}

impl Lab {
    /// Every set-up.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().chain(&self.special)
    }

    /// Where `lab.json` is: the environment variable `FTP_CONNECT_LAB`, else the folder of the lab.
    pub(crate) fn file() -> PathBuf {
        std::env::var_os("FTP_CONNECT_LAB")
            .filter(|path| !path.is_empty())
            .map_or_else(|| folder().join("lab.json"), PathBuf::from)
    }

    /// The recorded lab, if there is one.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub(crate) fn load(file: &Path) -> Outcome<Option<Self>> {
        if !file.exists() {
            return Ok(None);
        }
        let text =
            fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let lab = serde_json::from_str(&text)
            .map_err(|error| format!("{}: {error}; remove it", file.display()))?;
        Ok(Some(lab))
    }

    /// Writes the file, whole or not at all, readable by its owner only: it holds passwords.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn save(&self, file: &Path) -> Outcome {
        let folder = file.parent().ok_or("the path of lab.json has no folder")?;
        fs::create_dir_all(folder)?;
        let draft = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&draft, self)?;
        draft.persist(file)?;
        Ok(())
    }
}

/// What the tests left to be read, in the order of its names.
///
/// # Errors
/// A report cannot be read.
pub(crate) fn reports() -> Outcome<Vec<String>> {
    let folder = report_folder();
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    files.sort();
    files
        .iter()
        .map(|file| Ok(fs::read_to_string(file)?))
        .collect()
}

/// Removes what the tests of another run left.
///
/// # Errors
/// The folder cannot be removed.
pub(crate) fn clear_reports() -> Outcome {
    let folder = report_folder();
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

fn report_folder() -> PathBuf {
    Lab::file().with_file_name("reports")
}

/// Where downloads and unpacked servers are kept between runs.
pub(crate) fn folder() -> PathBuf {
    workspace().join("target").join("lab")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_of_a_server_is_written_beside_its_other_fields() {
        let server = Server {
            name: "x-plain".into(),
            kind: "ftp".into(),
            software: "x".into(),
            version: "1".into(),
            host: "127.0.0.1".into(),
            port: 2121,
            user: "u".into(),
            password: "p".into(),
            root: "/r".into(),
            login_path: "/".into(),
            log_file: "/l".into(),
            reuse_required: false,
            auth: vec!["password".into()],
            traits: Vec::new(),
            notes: String::new(),
            process: Process {
                pid: 7,
                start_time: 8,
            },
        };
        let json = serde_json::to_value(&server).unwrap();
        assert_eq!(json["pid"], 7);
        assert_eq!(json["start_time"], 8);
        let back: Server = serde_json::from_value(json).unwrap();
        assert_eq!(back.process, server.process);
    }
}

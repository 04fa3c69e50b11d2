//! The real servers that `cargo xtask lab up` runs on loopback, as tests see them.
//!
//! The record of the lab is a JSON file, named by the environment variable `FTP_CONNECT_LAB`. A test that needs the
//! lab calls [`Lab::from_env`] and panics without it: it belongs into a test program of its own, which only runs where
//! the lab is up.

use std::path::PathBuf;

use serde::Deserialize;

/// What is running.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Lab {
    /// The authority that signed the servers' certificates, as a PEM file.
    pub ca_file: PathBuf,
    /// The user's private keys; every SSH server that takes keys lets them in.
    pub keys: Vec<LabKey>,
    /// The servers in set-ups on which everything works.
    pub servers: Vec<LabServer>,
    /// The servers in set-ups that are odd on purpose, each as its traits say.
    pub special: Vec<LabServer>,
    /// What could not be had on this machine, and why.
    pub left_out: Vec<String>,
    /// What a set-up with the trait `client-certificate` asks for.
    pub client_certificate: LabCertificate,
    /// What a set-up with the trait `user-ca` asks for, in OpenSSH's forms.
    pub user_certificate: LabCertificate,
}

/// A certificate and its private key.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct LabCertificate {
    /// The certificate: PEM, or one line of OpenSSH's.
    pub certificate: PathBuf,
    /// The key: PEM.
    pub key: PathBuf,
}

/// A private key.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct LabKey {
    /// Such as `rsa` or `ed25519`.
    #[serde(rename = "type")]
    pub algorithm: String,
    /// Such as `pem`, `pkcs8` or `openssh`.
    pub format: String,
    /// The file.
    pub file: PathBuf,
    /// What opens it.
    pub passphrase: Option<String>,
}

/// One server in one set-up.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct LabServer {
    /// Such as `vsftpd-explicit`.
    pub name: String,
    /// The URL scheme: `ftp`, `ftpes`, `ftps` or `sftp`.
    pub kind: String,
    /// Such as `vsftpd`.
    pub software: String,
    /// A loopback address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who may log in.
    pub user: String,
    /// The password.
    pub password: String,
    /// What the login sees, as a folder on this machine.
    pub root: PathBuf,
    /// The same as the server names it.
    pub login_path: String,
    /// The server's log, where it writes one.
    pub log_file: Option<PathBuf>,
    /// Whether data connections must resume the control connection's TLS session.
    pub reuse_required: bool,
    /// `password`, `publickey`, `keyboard-interactive`.
    pub auth: Vec<String>,
    /// Empty, or in which way the set-up is odd:
    ///
    /// - `no-passive`: EPSV and PASV are refused;
    /// - `no-epsv`, `no-mlsd`: EPSV (ProFTPD: and EPRT), MLSD and MLST are refused;
    /// - `wrong-passive-address`: the reply to PASV names 127.0.0.99, where nothing listens;
    /// - `two-connections`: the third is greeted with 421; `two-logins`: the third login is refused;
    /// - `idle-5s`: a session without a command is ended after five seconds;
    /// - `ten-entries`: listings are cut after ten;
    /// - `ipv6`: on `::1`;
    /// - `client-certificate`: TLS asks for [`Lab::client_certificate`];
    /// - `wrong-name`, `expired`, `self-signed`: what is wrong with the server's certificate;
    /// - `two-factors`: all of `auth`, in that order, to log in;
    /// - `user-ca`: [`Lab::user_certificate`] to log in;
    /// - `legacy`: key exchange, ciphers and MACs of SHA-1 and CBC only;
    /// - `ssh-rsa`: RSA signatures with SHA-1 only;
    /// - `two-sessions`: of the channels on one SSH connection.
    pub traits: Vec<String>,
}

impl Lab {
    /// Reads the record that `FTP_CONNECT_LAB` names.
    ///
    /// # Panics
    /// If it is not set, or names no record.
    pub fn from_env() -> Self {
        let path = std::env::var_os("FTP_CONNECT_LAB")
            .expect("the lab is needed: run `cargo xtask test --only lab`");
        let text = std::fs::read_to_string(&path).expect("FTP_CONNECT_LAB names a readable file");
        serde_json::from_str(&text).expect("FTP_CONNECT_LAB names a record of the lab")
    }

    /// Leaves a table or a measurement for whoever reads the outcome of the tests: `cargo xtask test` prints
    /// what lies in the folder `reports` beside the record.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn leave(name: &str, text: &str) {
        let record = std::env::var_os("FTP_CONNECT_LAB").expect("the lab is needed");
        let folder = PathBuf::from(record).with_file_name("reports");
        std::fs::create_dir_all(&folder).expect("the lab's folder can be written");
        std::fs::write(folder.join(format!("{name}.txt")), text).expect("a report can be written");
    }

    /// The set-up of this name, common or special.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn server(&self, name: &str) -> &LabServer {
        let mut all = self.servers.iter().chain(&self.special);
        all.find(|server| server.name == name)
            .unwrap_or_else(|| panic!("the lab has no set-up {name}"))
    }

    /// The special set-ups with this trait.
    pub fn with_trait<'l>(&'l self, name: &'l str) -> impl Iterator<Item = &'l LabServer> {
        self.special.iter().filter(move |server| server.has(name))
    }
}

impl LabServer {
    /// Whether it takes this way of logging in.
    pub fn takes(&self, method: &str) -> bool {
        self.auth.iter().any(|name| name == method)
    }

    /// Whether it has this trait.
    pub fn has(&self, name: &str) -> bool {
        self.traits.iter().any(|trait_| trait_ == name)
    }

    /// The server as a URL with the user and without the password.
    pub fn url(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        format!("{}://{}@{host}:{}", self.kind, self.user, self.port)
    }

    /// What its log holds by now.
    ///
    /// # Panics
    /// If it keeps none, or none that can be read.
    pub fn log(&self) -> String {
        let file = self.log_file.as_deref().expect("this server keeps a log");
        let bytes = std::fs::read(file).expect("the log can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

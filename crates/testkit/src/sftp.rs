//! An SFTP server on loopback: russh for SSH, russh-sftp for the packets, the file operations of our own.
//!
//! Why: tests of host keys, logins and files over SFTP without a system's sshd. It logs in by
//! password, public key and, if asked to, keyboard-interactive, and it counts what was tried, so a
//! test can show that a client which distrusts the host key never offered anything.
//!
//! What it does *not* do, so that real servers must cover it:
//! - DSA and certificates, server-sig-algs quirks, two-factor logins, old ciphers;
//! - names that are not UTF-8: russh-sftp holds names as strings, and answers a request with such a name
//!   under the wrong number; in listings they appear with replacement characters;
//! - `limits@openssh.com` and other extensions except `posix-rename@`, `hardlink@` and `fsync@openssh.com`;
//! - several requests at once: they are answered strictly in order;
//! - IPv6: it listens on 127.0.0.1.

mod files;
mod ssh;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use md5::Md5;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, PublicKey, PublicKeyBase64 as _};
use russh::server::Server as _;
use russh::{MethodKind, MethodSet};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::ssh::LoginAttempts;

/// A running SFTP server. It stops when it is dropped.
///
/// ```
/// use ftp_connect_testkit::sftp::{SftpServer, UserKey};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let key = UserKey::generate()?;
/// let server = SftpServer::builder().with_authorized_key(key.public()).start().await?;
/// assert!(server.host_key_sha256().starts_with("SHA256:"));
/// assert_eq!(server.login_attempts().credentials(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SftpServer {
    addr: SocketAddr,
    user: String,
    password: String,
    root: TempDir,
    host_key: PublicKey,
    shared: Arc<ssh::Shared>,
    task: JoinHandle<()>,
}

impl SftpServer {
    /// Begins a server with the defaults: user `tester`, password `secret`, no authorised keys, no
    /// keyboard-interactive, an empty folder, a fresh Ed25519 host key.
    pub fn builder() -> SftpServerBuilder {
        SftpServerBuilder {
            user: "tester".to_owned(),
            password: Some("secret".to_owned()),
            authorized_keys: Vec::new(),
            keyboard_interactive: false,
            password_method: true,
            host_key: HostKey::Ed25519,
            forwarding: false,
            max_sessions: usize::MAX,
            subsystem: true,
            wrong_sizes: 0,
        }
    }

    /// The address of the port, on loopback.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The only user that may log in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The user's password; empty if none opens the server.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The folder that clients see as `/`. It is removed with the server.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The host key as a line of OpenSSH: type and base64.
    pub fn host_key(&self) -> String {
        self.host_key.to_openssh().unwrap_or_default()
    }

    /// MD5 of the host key as OpenSSH prints it: `MD5:` and 16 pairs of digits with colons.
    pub fn host_key_md5(&self) -> String {
        let hash = Md5::digest(self.host_key.public_key_bytes());
        let pairs: Vec<String> = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("MD5:{}", pairs.join(":"))
    }

    /// SHA-1 of the host key as OpenSSH prints it: `SHA1:` and base64 without padding.
    pub fn host_key_sha1(&self) -> String {
        let hash = Sha1::digest(self.host_key.public_key_bytes());
        format!("SHA1:{}", STANDARD_NO_PAD.encode(hash))
    }

    /// SHA-256 of the host key as OpenSSH prints it: `SHA256:` and base64 without padding.
    pub fn host_key_sha256(&self) -> String {
        let hash = Sha256::digest(self.host_key.public_key_bytes());
        format!("SHA256:{}", STANDARD_NO_PAD.encode(hash))
    }

    /// How many connections clients have made so far.
    pub fn connections(&self) -> usize {
        self.shared.connections()
    }

    /// What clients have tried so far in order to log in.
    pub fn login_attempts(&self) -> LoginAttempts {
        self.shared.attempts()
    }
}

impl Drop for SftpServer {
    fn drop(&mut self) {
        // Sessions end with the accepting task: it holds the other end of their shutdown signal.
        self.task.abort();
    }
}

/// Settings of an [`SftpServer`] that has not started yet.
#[derive(Clone, Debug)]
pub struct SftpServerBuilder {
    user: String,
    password: Option<String>,
    authorized_keys: Vec<String>,
    keyboard_interactive: bool,
    password_method: bool,
    host_key: HostKey,
    forwarding: bool,
    max_sessions: usize,
    subsystem: bool,
    wrong_sizes: i64,
}

impl SftpServerBuilder {
    /// Sets the user name.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// Sets the password, for `password` and for `keyboard-interactive`.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Lets no password open the server.
    #[must_use]
    pub fn without_password(mut self) -> Self {
        self.password = None;
        self
    }

    /// Authorises a public key, given as a line of OpenSSH's `authorized_keys` without options.
    #[must_use]
    pub fn with_authorized_key(mut self, line: impl Into<String>) -> Self {
        self.authorized_keys.push(line.into());
        self
    }

    /// Whether `keyboard-interactive` is offered: one `Password:` prompt, then a round without
    /// prompts as OpenSSH with PAM has it. Off by default.
    #[must_use]
    pub fn with_keyboard_interactive(mut self, offered: bool) -> Self {
        self.keyboard_interactive = offered;
        self
    }

    /// Whether the method `password` is offered. On by default; off together with
    /// [`with_keyboard_interactive`](Self::with_keyboard_interactive) makes a server that takes
    /// passwords at a prompt only.
    #[must_use]
    pub fn with_password_method(mut self, offered: bool) -> Self {
        self.password_method = offered;
        self
    }

    /// Whether connections are opened for clients (`direct-tcpip`), as a jump host does. Off by default.
    #[must_use]
    pub fn with_forwarding(mut self, allowed: bool) -> Self {
        self.forwarding = allowed;
        self
    }

    /// How many session channels one connection may have open, as OpenSSH's `MaxSessions`; any by default.
    #[must_use]
    pub fn with_max_sessions(mut self, most: usize) -> Self {
        self.max_sessions = most;
        self
    }

    /// Whether there is SFTP behind SSH: off, the subsystem is refused, as by a server that has shells only.
    #[must_use]
    pub fn with_subsystem(mut self, offered: bool) -> Self {
        self.subsystem = offered;
        self
    }

    /// Tells of every file so many bytes more than there are, or less, but not less than none.
    #[must_use]
    pub fn with_wrong_sizes(mut self, by: i64) -> Self {
        self.wrong_sizes = by;
        self
    }

    /// Chooses the host key.
    #[must_use]
    pub fn with_host_key(mut self, key: HostKey) -> Self {
        self.host_key = key;
        self
    }

    /// Starts the server on an ephemeral loopback port. Connections are accepted when this returns.
    ///
    /// # Errors
    /// When the port or the folder cannot be made, or a given key cannot be read.
    pub async fn start(self) -> io::Result<SftpServer> {
        let root = tempfile::Builder::new()
            .prefix("ftp-connect-sftp-")
            .tempdir()?;
        let host_key = self.host_key.make()?;
        let authorized = self
            .authorized_keys
            .iter()
            .map(|line| PublicKey::from_openssh(line).map_err(io::Error::other))
            .collect::<io::Result<Vec<_>>>()?;
        let mut methods = MethodSet::empty();
        if !authorized.is_empty() {
            methods.push(MethodKind::PublicKey);
        }
        if self.password.is_some() && self.password_method {
            methods.push(MethodKind::Password);
        }
        if self.password.is_some() && self.keyboard_interactive {
            methods.push(MethodKind::KeyboardInteractive);
        }
        let public = host_key.public_key().clone();
        let config = russh::server::Config {
            methods: methods.clone(),
            keys: vec![host_key],
            // Nobody guesses passwords here, and tests of refusals should be quick.
            auth_rejection_time: Duration::ZERO,
            nodelay: true,
            ..Default::default()
        };
        let shared = Arc::new(ssh::Shared::new(
            files::Disk {
                root: root.path().canonicalize()?,
                wrong_sizes: self.wrong_sizes,
            },
            self.user.clone(),
            self.password.clone(),
            authorized,
            methods,
            (self.forwarding, self.max_sessions, self.subsystem),
        ));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let mut clients = ssh::Clients(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let running = clients.run_on_socket(Arc::new(config), &listener);
            if let Err(error) = running.await {
                tracing::debug!(%error, "embedded SFTP server ended");
            }
        });
        Ok(SftpServer {
            addr,
            user: self.user,
            password: self.password.unwrap_or_default(),
            root,
            host_key: public,
            shared,
            task,
        })
    }
}

/// Where the host key comes from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HostKey {
    /// A fresh Ed25519 key.
    Ed25519,
    /// A fresh ECDSA key on P-256.
    EcdsaP256,
    /// A fresh RSA key. Making one takes seconds in an unoptimised build.
    Rsa,
    /// This private key, as OpenSSH text without a passphrase.
    OpenSsh(String),
}

impl HostKey {
    fn make(&self) -> io::Result<PrivateKey> {
        let algorithm = match self {
            Self::Ed25519 => Algorithm::Ed25519,
            Self::EcdsaP256 => Algorithm::Ecdsa {
                curve: russh::keys::ssh_key::EcdsaCurve::NistP256,
            },
            Self::Rsa => Algorithm::Rsa { hash: None },
            Self::OpenSsh(text) => return PrivateKey::from_openssh(text).map_err(io::Error::other),
        };
        fresh_key(algorithm)
    }
}

/// A user's fresh Ed25519 key pair, also as a file.
pub struct UserKey {
    private: String,
    public: String,
    file: PathBuf,
    _dir: TempDir,
}

impl UserKey {
    /// Makes a key pair without a passphrase.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn generate() -> io::Result<Self> {
        let key = fresh_key(Algorithm::Ed25519)?;
        let private = key
            .to_openssh(LineEnding::LF)
            .map_err(io::Error::other)?
            .to_string();
        let public = key.public_key().to_openssh().map_err(io::Error::other)?;
        let dir = tempfile::Builder::new()
            .prefix("ftp-connect-key-")
            .tempdir()?;
        let file = dir.path().join("id_ed25519");
        std::fs::write(&file, &private)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        }
        Ok(Self {
            private,
            public,
            file,
            _dir: dir,
        })
    }

    /// The private key as OpenSSH text.
    pub fn private(&self) -> &str {
        &self.private
    }

    /// The file that holds the private key; it goes with this value.
    pub fn private_file(&self) -> &Path {
        &self.file
    }

    /// The public key as a line of OpenSSH.
    pub fn public(&self) -> &str {
        &self.public
    }
}

impl std::fmt::Debug for UserKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

fn fresh_key(algorithm: Algorithm) -> io::Result<PrivateKey> {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), algorithm).map_err(io::Error::other)
}

//! FTP, explicit FTPS and implicit FTPS servers on loopback.
//!
//! Why: a backend's own tests want a server that is there in a millisecond and lets them look into
//! its folder. The file side is [libunftp], in the clear. Before each of its connections stands a relay
//! of ours which speaks TLS with the client (libunftp has no implicit TLS, and says nothing when TLS
//! fails on a data connection), hands it one command at a time (it may answer pipelined commands
//! out of order), undoes what a failed transfer after `REST` leaves behind, and sends a transfer's last
//! reply after its last byte. Control and data connections share one TLS configuration, so sessions
//! can be resumed, and a server can [insist](FtpServerBuilder::with_session_reuse_required) on it.
//!
//! What these servers do *not* do, so that real servers or the [scripted peer](crate::peer) must
//! cover it:
//! - tell the session of this control connection from that of another; ask for a client certificate;
//! - `MFMT`, `SITE CHMOD`, `HASH`, `LANG`; `TYPE A` is accepted and ignored;
//! - names that are not UTF-8: refused with 501;
//! - IPv6: they listen on 127.0.0.1.

mod data;
mod front;
mod unftp;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::ca::{CertificateRequest, ServerCertificate, TestCa, TlsVersions};

pub(crate) use self::data::host_port;

/// A running FTP server. It stops when it is dropped.
///
/// ```
/// use ftp_connect_testkit::ftp::{FtpSecurity, FtpServer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = FtpServer::builder(FtpSecurity::Explicit).start().await?;
/// std::fs::write(server.root().join("hello.txt"), "hello")?;
/// let url = format!("ftpes://{}@{}/hello.txt", server.user(), server.addr());
/// # assert!(url.starts_with("ftpes://tester@127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FtpServer {
    addr: SocketAddr,
    security: FtpSecurity,
    user: String,
    password: String,
    root: TempDir,
    certificate: Option<ServerCertificate>,
    logins: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl FtpServer {
    /// Begins a server with the defaults: user `tester`, password `secret`, an empty folder, a fresh
    /// certificate where TLS is spoken.
    pub fn builder(security: FtpSecurity) -> FtpServerBuilder {
        FtpServerBuilder {
            security,
            user: "tester".to_owned(),
            password: "secret".to_owned(),
            certificate: None,
            versions: TlsVersions::Both,
            tls_required: true,
            reuse_required: false,
            tls13_tickets: true,
            client_authority: None,
            faults: Vec::new(),
        }
    }

    /// The address of the control port, on loopback.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How the server speaks TLS.
    pub fn security(&self) -> FtpSecurity {
        self.security
    }

    /// The only user that may log in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The user's password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The folder that clients see as `/`. It is removed with the server.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The server's certificate; `None` in the clear.
    pub fn certificate(&self) -> Option<&ServerCertificate> {
        self.certificate.as_ref()
    }

    /// How many times a password has been presented, right or wrong.
    pub fn login_attempts(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }
}

impl Drop for FtpServer {
    fn drop(&mut self) {
        // The connections' tasks are in a set that the accepting task owns: they end with it.
        self.task.abort();
    }
}

/// How an embedded FTP server speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FtpSecurity {
    /// Not at all: `AUTH` is refused.
    Plain,
    /// After `AUTH TLS` (RFC 4217 §4).
    Explicit,
    /// From the first byte.
    Implicit,
}

/// What is wrong with an embedded FTP server, as with some real ones and the firewalls before them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FtpFault {
    /// It greets everybody with 421 and hangs up.
    Full,
    /// It answers this command with 502.
    Refuses(String),
    /// Its replies to `PASV` name this address, as behind a router that nobody told it of.
    AdvertisedAddress(Ipv4Addr),
    /// Its replies to `EPSV` and `PASV` name a port on which nobody listens.
    PassiveBlocked,
    /// It connects to nobody: `PORT` and `EPRT` are refused with 500.
    ActiveBlocked,
    /// It says at the end of each listing that there is more, as Pure-FTPd does.
    ListingsCut,
    /// Its replies to `SIZE` and `MLST` tell so many bytes more than there are, or less, but not less than none.
    WrongSizes(i64),
}

/// Settings of an [`FtpServer`] that has not started yet.
#[derive(Clone, Debug)]
pub struct FtpServerBuilder {
    security: FtpSecurity,
    user: String,
    password: String,
    certificate: Option<ServerCertificate>,
    versions: TlsVersions,
    tls_required: bool,
    reuse_required: bool,
    tls13_tickets: bool,
    client_authority: Option<Arc<TestCa>>,
    faults: Vec<FtpFault>,
}

impl FtpServerBuilder {
    /// Sets the user name.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// Sets the password.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// Uses this certificate instead of a fresh one.
    #[must_use]
    pub fn with_certificate(mut self, certificate: ServerCertificate) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Limits the TLS versions; both by default.
    #[must_use]
    pub fn with_tls_versions(mut self, versions: TlsVersions) -> Self {
        self.versions = versions;
        self
    }

    /// Whether an explicit server refuses a login in the clear and data connections without `PROT
    /// P`. On by default, so that a client which forgets TLS is noticed.
    #[must_use]
    pub fn with_tls_required(mut self, required: bool) -> Self {
        self.tls_required = required;
        self
    }

    /// Whether data connections under TLS must resume a session of this server; 522 otherwise. Off by
    /// default.
    #[must_use]
    pub fn with_session_reuse_required(mut self, required: bool) -> Self {
        self.reuse_required = required;
        self
    }

    /// Whether tickets are handed out under TLS 1.3, without which nothing can be resumed there. On by default.
    #[must_use]
    pub fn with_tls13_tickets(mut self, tickets: bool) -> Self {
        self.tls13_tickets = tickets;
        self
    }

    /// Wants a client certificate of this authority on every connection. None is wanted by default.
    #[must_use]
    pub fn with_client_authority(mut self, authority: Arc<TestCa>) -> Self {
        self.client_authority = Some(authority);
        self
    }

    /// Gives the server a fault; it can have several.
    #[must_use]
    pub fn with_fault(mut self, fault: FtpFault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Starts the server on an ephemeral loopback port. Connections are accepted when this returns.
    ///
    /// # Errors
    /// When the port, the folder or the certificate cannot be made.
    pub async fn start(self) -> io::Result<FtpServer> {
        let root = tempfile::Builder::new()
            .prefix("ftp-connect-ftp-")
            .tempdir()?;
        let certificate = match (self.security, self.certificate) {
            (FtpSecurity::Plain, _) => None,
            (_, Some(certificate)) => Some(certificate),
            (_, None) => Some(TestCa::new()?.issue(&CertificateRequest::default())?),
        };
        let tls = match (&certificate, &self.client_authority) {
            (Some(certificate), Some(clients)) => {
                Some(certificate.server_config_asking(self.versions, clients)?)
            }
            (Some(certificate), None) => Some(certificate.server_config(self.versions)?),
            (None, _) => None,
        };
        let tls = tls.map(|mut tls| {
            if !self.tls13_tickets {
                Arc::make_mut(&mut tls).send_tls13_tickets = 0;
            }
            tls
        });
        let logins = Arc::new(AtomicUsize::new(0));
        let files = unftp::Files {
            root: root.path().to_owned(),
            user: self.user.clone(),
            password: self.password.clone(),
            logins: Arc::clone(&logins),
            tls: tls.clone(),
        };
        let rules = front::Rules {
            acceptor: tls.map(TlsAcceptor::from),
            implicit: self.security == FtpSecurity::Implicit,
            tls_required: self.security != FtpSecurity::Plain && self.tls_required,
            reuse_required: self.reuse_required,
            faults: self.faults,
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let task = tokio::spawn(front::accept(listener, Arc::new(rules), Arc::new(files)));
        Ok(FtpServer {
            addr,
            security: self.security,
            user: self.user,
            password: self.password,
            root,
            certificate,
            logins,
            task,
        })
    }
}

//! libunftp as the file side of one control connection.
//!
//! Why one libunftp server per connection: its `service` takes a connection that we accepted, which
//! gives an ephemeral port without a race, and everything of the connection ends with the task.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use libunftp::ServerBuilder;
use libunftp::options::ActivePassiveMode;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use unftp_core::auth::{AuthenticationError, Authenticator, Credentials, Principal};
use unftp_sbe_fs::Filesystem;

/// What every connection of one server shares.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) root: PathBuf,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) logins: Arc<AtomicUsize>,
    /// Only makes `FEAT` name TLS: the relays speak it.
    pub(super) tls: Option<Arc<ServerConfig>>,
}

impl Files {
    /// Serves one control connection in the clear until it ends. Cancelling closes it.
    pub(super) async fn serve(&self, control: TcpStream) -> io::Result<()> {
        let root = self.root.clone();
        Filesystem::new(&root)?;
        let login = Login {
            user: self.user.clone(),
            password: self.password.clone(),
            attempts: Arc::clone(&self.logins),
        };
        let mut builder = ServerBuilder::with_authenticator(
            Box::new(move || Filesystem::new(&root).expect("the folder was opened just before")),
            Arc::new(login),
        )
        .logger(slog::Logger::root(slog::Discard, slog::o!()))
        .active_passive_mode(ActivePassiveMode::ActiveAndPassive)
        .greeting("embedded test server");
        if let Some(tls) = &self.tls {
            builder = builder.ftps_manual::<PathBuf>(Arc::clone(tls));
        }
        let server = builder.build().map_err(io::Error::other)?;
        server.service(control).await.map_err(io::Error::other)
    }
}

#[derive(Debug)]
struct Login {
    user: String,
    password: String,
    attempts: Arc<AtomicUsize>,
}

#[async_trait]
impl Authenticator for Login {
    async fn authenticate(
        &self,
        username: &str,
        credentials: &Credentials,
    ) -> Result<Principal, AuthenticationError> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        if username != self.user {
            return Err(AuthenticationError::BadUser);
        }
        if credentials.password.as_deref() != Some(self.password.as_str()) {
            return Err(AuthenticationError::BadPassword);
        }
        Ok(Principal {
            username: username.to_owned(),
        })
    }
}

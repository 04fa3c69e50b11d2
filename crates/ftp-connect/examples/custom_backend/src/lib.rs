//! A worked example of a custom backend: the crate `async_ftp` behind [`Transport`] and [`Session`].
//!
//! It needs `ftp-connect-core` and nothing else of FTP Connect. The built-in `plain` backend does the
//! same better; this one shows what a backend's author writes, and passes the conformance suite with
//! what `async_ftp` can do: passive mode, names in UTF-8, uploads held in memory until they are
//! finished, and no way to stop a download: `finish` reads the rest of it, and a dropped one closes
//! the session.

#![forbid(unsafe_code)]

mod session;

use async_ftp::FtpStream;
use async_trait::async_trait;
use ftp_connect_core::{
    ConnectParams, ConnectReport, Encryption, Error, ErrorKind, Mode, Operation, RemotePath,
    Result, Session, Transport, dial::dial,
};
use session::{AsyncFtpSession, deadline};

/// FTP in the clear by `async_ftp`, passive mode only.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct AsyncFtpTransport;

impl AsyncFtpTransport {
    /// The transport.
    pub fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Transport for AsyncFtpTransport {
    fn name(&self) -> &'static str {
        "async-ftp"
    }

    fn serves(&self, params: &ConnectParams) -> bool {
        params.encryption() == Encryption::None
            && params.mode() != Mode::Active
            && params.proxy().is_none()
    }

    async fn connect(&self, params: &ConnectParams) -> Result<Box<dyn Session>> {
        let limit = params.timeouts().reply;
        let mut report = ConnectReport::new(
            self.name(),
            params.server().clone(),
            params.port(),
            Encryption::None,
        );
        // async_ftp makes its own connection; the common dialer finds the address that answers.
        let dialed = dial(params).await?;
        report.peer = dialed.peer;
        report.timings.add("resolve", dialed.resolve);
        let address = dialed.stream.peer_addr()?;
        drop(dialed.stream);
        let started = std::time::Instant::now();
        let mut ftp = deadline(limit, Operation::Connect, FtpStream::connect(address)).await?;
        report.timings.add("greeting", started.elapsed());
        report.banner = ftp
            .get_welcome_msg()
            .unwrap_or_default()
            .trim_end()
            .to_owned();
        report.mode = Some(Mode::Passive);

        let started = std::time::Instant::now();
        let username = argument(params.username().unwrap_or("anonymous"))?;
        let password = match params.password() {
            Some(password) => argument(password.expose())?,
            None => "anonymous@",
        };
        let login = deadline(limit, Operation::Login, ftp.login(username, password));
        login.await.map_err(|error| match error.reply() {
            Some(reply) if reply.code >= 500 => Error::new(ErrorKind::LoginRefused)
                .with_operation(Operation::Login)
                .with_reply(reply.clone()),
            _ => error,
        })?;
        deadline(
            limit,
            Operation::Login,
            ftp.transfer_type(async_ftp::types::FileType::Binary),
        )
        .await?;
        let folder = deadline(limit, Operation::CurrentDir, ftp.pwd()).await?;
        report.timings.add("login", started.elapsed());
        report.username = username.to_owned();
        let login_folder = RemotePath::new(folder)?;
        report.login_folder = Some(login_folder.clone());
        Ok(Box::new(AsyncFtpSession::new(
            ftp,
            report,
            login_folder,
            params.timeouts(),
        )))
    }
}

/// async_ftp puts its arguments into commands as they are: nothing that ends a line may get there.
fn argument(text: &str) -> Result<&str> {
    RemotePath::new(text)?;
    Ok(text)
}

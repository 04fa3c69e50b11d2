//! The folder where relative paths begin.

use ftp_connect_core::{Error, ErrorKind, RemotePath, Result};
use ftp_connect_ftp_proto::flow::Exchange;
use ftp_connect_ftp_proto::{Command, parse};

use super::FtpSession;
use crate::failure;

impl FtpSession {
    pub(super) async fn ask_current_dir(&mut self) -> Result<RemotePath> {
        self.ready().await?;
        let reply = self.wire.run(Exchange::new(Command::new("PWD"))).await?;
        let path = parse::quoted_path(reply.first_text()).ok_or_else(|| {
            failure::protocol("no path in the reply").with_reply(failure::server_reply(&reply))
        })?;
        RemotePath::new(path)
    }

    /// Goes to a folder for good. A session that cannot ask where it is could not find back from
    /// listings, so it stays where it is.
    ///
    /// # Cancel safety
    /// Until the server has told where it is now, the next operation goes back.
    pub(super) async fn go_to(&mut self, path: &RemotePath) -> Result<()> {
        if self.home.is_none() {
            return Err(Error::new(ErrorKind::Unsupported)
                .with_message("the server does not tell which folder it is in"));
        }
        self.ready().await?;
        if path.is_empty() {
            return Ok(());
        }
        self.change_into(path).await?;
        let reply = self.wire.run(Exchange::new(Command::new("PWD"))).await?;
        let told = parse::quoted_path(reply.first_text()).filter(|path| !path.is_empty());
        self.home = Some(told.ok_or_else(|| {
            failure::protocol("no path in the reply").with_reply(failure::server_reply(&reply))
        })?);
        self.away = false;
        Ok(())
    }

    /// The path from where a new session of the same user stands.
    pub(super) fn absolute(&self, path: &RemotePath) -> RemotePath {
        let home = self
            .home
            .clone()
            .and_then(|home| RemotePath::new(home).ok());
        match home {
            Some(home) if Some(&home) != self.report.login_folder.as_ref() => home.join(path),
            _ => path.clone(),
        }
    }
}

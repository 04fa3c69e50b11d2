//! What changes the tree: renaming, creating folders, permissions, and how much room there is.

use ftp_connect_core::{
    CreateDirOptions, Error, ErrorKind, FreeSpace, Permissions, RemotePath, RenameOptions, Result,
};
use ftp_connect_ftp_proto::flow::{Exchange, Rename};
use ftp_connect_ftp_proto::{Argument, Command, parse};

use super::{FtpSession, names};
use crate::failure;

impl FtpSession {
    /// RNTO replaces what is there on most servers, so it is looked first where that is not wanted.
    pub(super) async fn rename_to(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        if !options.replace {
            self.refuse_existing(to).await?;
        }
        self.ready().await?;
        let from = self.argument(from)?;
        let flow = Rename::new(from.clone(), self.argument(to)?);
        self.half_renamed = Some(from);
        let outcome = self.wire.run(flow).await;
        self.half_renamed = None;
        outcome.map(drop)
    }

    pub(super) async fn make_dir(
        &mut self,
        path: &RemotePath,
        options: CreateDirOptions,
    ) -> Result<()> {
        if options.permissions.is_some() && !self.chmod {
            return Err(Error::new(ErrorKind::Unsupported)
                .with_message("the server cannot set the permissions of the new folder"));
        }
        self.simple("MKD", path).await?;
        match options.permissions {
            Some(permissions) => self.send_permissions(path, permissions).await,
            None => Ok(()),
        }
    }

    pub(super) async fn send_permissions(
        &mut self,
        path: &RemotePath,
        permissions: Permissions,
    ) -> Result<()> {
        if !self.chmod {
            return Err(Error::new(ErrorKind::Unsupported));
        }
        self.ready().await?;
        let mut words = format!("CHMOD {:03o} ", permissions.mode()).into_bytes();
        words.extend_from_slice(self.argument(path)?.as_bytes());
        let words = Argument::new(words).map_err(names::refused)?;
        let reply = self.exchange(Command::with("SITE", words)).await?;
        match reply.code() {
            // Superfluous is not done.
            202 => {
                self.chmod = false;
                Err(Error::new(ErrorKind::Unsupported).with_reply(failure::server_reply(&reply)))
            }
            200..=299 => Ok(()),
            _ => {
                let error = failure::from_reply(&reply);
                self.chmod = *error.kind() != ErrorKind::Unsupported;
                Err(error)
            }
        }
    }

    /// AVBL (draft-peterson-streamlined-ftp-command-extensions): the bytes free in a folder.
    pub(super) async fn ask_free_space(&mut self, path: &RemotePath) -> Result<FreeSpace> {
        if !self.features.has("AVBL") {
            return Err(Error::new(ErrorKind::Unsupported));
        }
        self.ready().await?;
        let command = if path.is_empty() {
            Command::new("AVBL")
        } else {
            Command::with("AVBL", self.argument(path)?)
        };
        let reply = self.wire.run(Exchange::new(command)).await?;
        parse::size(reply.first_text())
            .map(FreeSpace::new)
            .ok_or_else(|| {
                failure::protocol("no number in the reply")
                    .with_reply(failure::server_reply(&reply))
            })
    }
}

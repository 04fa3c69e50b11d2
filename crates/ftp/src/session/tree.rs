//! What changes the tree: renaming, creating folders, permissions, and how much room there is.

use std::mem;

use ftp_connect_core::{
    CreateDirOptions, Error, ErrorKind, FreeSpace, Operation, Permissions, RemotePath,
    RenameOptions, Result, Session as _,
};
use ftp_connect_ftp_proto::flow::{Exchange, Rename};
use ftp_connect_ftp_proto::{Argument, Command, Reply, ReplyClass, parse};

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
        let (from, to) = (self.argument(from)?, self.argument(to)?);
        if self.renames_together() {
            let renamed = self.send_renames(vec![(from, to)]).await;
            return renamed.into_iter().collect();
        }
        let flow = Rename::new(from.clone(), to);
        self.half_renamed = Some(from);
        let outcome = self.wire.run(flow).await;
        self.half_renamed = None;
        self.old_name_kept = outcome.is_err();
        outcome.map(drop)
    }

    /// Renames many files, as many together as the server bears.
    pub(super) async fn rename_many(
        &mut self,
        names: &[(RemotePath, RemotePath)],
        options: RenameOptions,
    ) -> Vec<Result<()>> {
        let mut renamed = Vec::with_capacity(names.len());
        while let Some(((from, to), _)) = names[renamed.len()..].split_first() {
            let together = self.fit_together(&names[renamed.len()..]);
            let ready = match options.replace && together.len() > 1 && self.renames_together() {
                true => self.ready().await,
                false => {
                    renamed.push(self.rename(from, to, options).await);
                    continue;
                }
            };
            let outcomes = match ready {
                Ok(()) => self.send_renames(together).await,
                Err(error) => all_failed(error, together.len()),
            };
            for outcome in outcomes {
                let from = &names[renamed.len()].0;
                renamed.push(self.explained(outcome, Operation::Rename, from).await);
            }
        }
        renamed
    }

    /// Whether the new name may be sent along with the old one. Not after a rename that failed: Pure-FTPd remembers
    /// the old name where it refuses the new one as such, and would give that file the new one if it refuses the next
    /// old name.
    fn renames_together(&self) -> bool {
        self.bears_flights() && !self.old_name_kept
    }

    /// The first of these, as many as go out together. After a new name that may be refused as such nothing does.
    fn fit_together(&self, names: &[(RemotePath, RemotePath)]) -> Vec<(Argument, Argument)> {
        let (mut bytes, mut last) = (0, false);
        names
            .iter()
            .map_while(|(from, to)| Some((self.argument(from).ok()?, self.argument(to).ok()?)))
            .take_while(|(from, to)| {
                bytes += from.as_bytes().len() + to.as_bytes().len();
                bytes <= TOGETHER && !mem::replace(&mut last, self.may_refuse_name(to.as_bytes()))
            })
            .collect()
    }

    /// RNFR and RNTO of each, all together.
    ///
    /// # Cancel safety
    /// No rename stays half done: both of its commands are on their way from the beginning.
    async fn send_renames(&mut self, names: Vec<(Argument, Argument)>) -> Vec<Result<()>> {
        let count = names.len();
        let commands = names.into_iter().flat_map(|(from, to)| {
            let from = Command::with("RNFR", from);
            [from, Command::with("RNTO", to)]
        });
        self.old_name_kept = true;
        let replies = match self.send_together(commands.collect(), false).await {
            Ok(replies) => replies,
            Err(error) => return all_failed(error, count),
        };
        let renamed: Vec<_> = replies
            .as_chunks()
            .0
            .iter()
            .map(|[from, to]| renamed(from, to))
            .collect();
        self.old_name_kept = renamed.iter().any(Result::is_err);
        renamed
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
        let command = self.permissions_command(path, permissions)?;
        let reply = self.exchange(command).await?;
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

    pub(super) fn permissions_command(
        &self,
        path: &RemotePath,
        permissions: Permissions,
    ) -> Result<Command> {
        let mut words = format!("CHMOD {:03o} ", permissions.mode()).into_bytes();
        words.extend_from_slice(self.argument(path)?.as_bytes());
        let words = Argument::new(words).map_err(names::refused)?;
        Ok(Command::with("SITE", words))
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

/// What the replies to RNFR and RNTO say that were sent together. A refused RNFR is followed by a refused RNTO, which
/// says nothing more.
fn renamed(from: &Reply, to: &Reply) -> Result<()> {
    // 350 is the rule; some servers say 2yz here and still want RNTO.
    let announced = matches!(
        from.class(),
        ReplyClass::Intermediate | ReplyClass::Completion
    );
    match (announced, to.class()) {
        (true, ReplyClass::Completion) => Ok(()),
        (true, _) if to.is_negative() => Err(failure::from_reply(to)),
        (false, ReplyClass::Completion) => {
            let message = "the server refused the old name and gave the new one nevertheless";
            Err(failure::protocol(message).with_reply(failure::server_reply(from)))
        }
        (false, _) => Err(failure::from_reply(from)),
        (true, _) => {
            Err(failure::protocol("unexpected answer to RNTO")
                .with_reply(failure::server_reply(to)))
        }
    }
}

/// So many operations that ended in one error.
fn all_failed(error: Error, count: usize) -> Vec<Result<()>> {
    let mut failed = vec![error];
    while failed.len() < count {
        let same = Error::new(failed[0].kind().clone()).with_retry(failed[0].retry());
        failed.push(same);
    }
    failed.into_iter().map(Err).collect()
}

/// How many bytes of names go out together: a server must be able to take them while it answers.
const TOGETHER: usize = 2048;

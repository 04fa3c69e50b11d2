//! Whether a name is taken, so surely that a file may be put there.
//!
//! FTP cannot create without replacing: between this look and STOR another client may come first. But
//! the look itself must not be fooled. A 550 to SIZE means that there is no such file, that it is a
//! folder, that the transfer type is the wrong one, or that nobody may look; so only two things prove that
//! a name is free: a server with MLST that knows nothing of it, and a whole listing of its folder
//! without it.

use ftp_connect_core::{Error, ErrorKind, Listing as _, RemotePath, Result, TransferType};
use ftp_connect_ftp_proto::Command;

use super::FtpSession;
use super::list::FtpListing;
use crate::failure;

/// What is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    There,
    Absent,
    /// The server does not let one tell.
    Unclear,
}

impl FtpSession {
    /// Refuses a name that is taken, or may be.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`]; [`ErrorKind::Unsupported`] where the server does not let one tell.
    pub(super) async fn refuse_existing(&mut self, path: &RemotePath) -> Result<()> {
        match self.presence(path).await? {
            Presence::Absent => Ok(()),
            Presence::There => Err(Error::new(ErrorKind::AlreadyExists)),
            Presence::Unclear => Err(Error::new(ErrorKind::Unsupported)
                .with_message("the server does not let one tell whether the name is taken")
                .with_hint("allow to replace what is there, or choose a name that is surely new")),
        }
    }

    async fn presence(&mut self, path: &RemotePath) -> Result<Presence> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            // The root and the folder where paths begin.
            return Ok(Presence::There);
        };
        self.ready().await?;
        let mut known_to_mlst = None;
        if self.features.has("MLST") {
            let argument = self.argument(path)?;
            let reply = self.exchange(Command::with("MLST", argument)).await?;
            if reply.is_completion() {
                return Ok(Presence::There);
            }
            known_to_mlst = Some(failure::from_reply(&reply).kind().clone());
            if known_to_mlst == Some(ErrorKind::NotFound) {
                return Ok(Presence::Absent);
            }
        }
        self.set_type(TransferType::Binary).await?;
        let argument = self.argument(path)?;
        let size = self.exchange(Command::with("SIZE", argument)).await?;
        if size.is_completion() {
            return Ok(Presence::There);
        }
        // A server that compares names without their case would have known the size of the other name.
        let folds_case = matches!(size.code(), 500 | 502);
        let listed = self.is_listed(&parent, &name, folds_case).await?;
        let hidden = name.as_bytes().starts_with(b".");
        match (listed, known_to_mlst) {
            // A 550 without telling words.
            (Presence::Unclear, Some(ErrorKind::Refused)) if hidden => Ok(Presence::Absent),
            (listed, _) => Ok(listed),
        }
    }

    /// Looks for a name in the listing of its folder.
    async fn is_listed(
        &mut self,
        parent: &RemotePath,
        name: &RemotePath,
        folds_case: bool,
    ) -> Result<Presence> {
        let plan = match self.begin_list(parent, true).await {
            Ok(plan) => plan,
            Err(error) if says_nothing(&error) => return Err(error),
            Err(error) if *error.kind() == ErrorKind::NotFound => return Ok(Presence::Absent),
            // Nothing is in a folder that is not there.
            Err(_) => {
                return Ok(match Box::pin(self.presence(parent)).await? {
                    Presence::Absent => Presence::Absent,
                    _ => Presence::Unclear,
                });
            }
        };
        let all = plan.shows_hidden();
        let mut listing = Box::new(FtpListing::new(self, plan, parent));
        let mut there = false;
        loop {
            match listing.next().await {
                Ok(Some(entry)) => {
                    let (listed, wanted) = (entry.name.as_bytes(), name.as_bytes());
                    there |=
                        listed == wanted || (folds_case && listed.eq_ignore_ascii_case(wanted));
                }
                Ok(None) => break,
                Err(error) if says_nothing(&error) => return Err(error),
                Err(_) => return Ok(Presence::Unclear),
            }
        }
        let summary = match listing.finish().await {
            Ok(summary) => summary,
            Err(error) if says_nothing(&error) => return Err(error),
            Err(_) => return Ok(Presence::Unclear),
        };
        let wanted = name.as_bytes();
        let may_be_hidden = wanted.starts_with(b".") && !all;
        // A line that was not understood may be the one that was looked for.
        let may_be_unread = summary.unparsed > summary.unparsed_samples.len() as u64
            || summary
                .unparsed_samples
                .iter()
                .any(|line| line.windows(wanted.len()).any(|part| part == wanted));
        Ok(match there {
            true => Presence::There,
            false if may_be_hidden || may_be_unread => Presence::Unclear,
            false => Presence::Absent,
        })
    }
}

/// Errors that say nothing about a name: those of the control connection, and those after which the whole
/// operation is begun anew because its data connection did not resume the TLS session.
fn says_nothing(error: &Error) -> bool {
    FtpSession::is_lost(error)
        || matches!(
            error.kind(),
            ErrorKind::SessionReuseRequired | ErrorKind::SessionNotResumed
        )
}

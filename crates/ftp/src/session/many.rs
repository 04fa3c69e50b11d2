//! Many files one after the other, with a round trip less for each on a server that takes its time over the last word
//! of a transfer: as soon as a file's bytes have ended, the data connection of the next is asked for.
//!
//! Not sooner: during a transfer Pure-FTPd takes whatever it hears for an abort, and ProFTPD refuses it.

use std::collections::VecDeque;

use async_trait::async_trait;
use ftp_connect_core::{FileContent, FileContents, RemotePath, SessionExt as _};
use ftp_connect_ftp_proto::flow::{Flow as _, Step};

use super::FtpSession;

/// Whole files as they arrive.
#[derive(Debug)]
pub(super) struct FtpFiles<'s> {
    session: &'s mut FtpSession,
    paths: VecDeque<RemotePath>,
    limit: u64,
}

impl<'s> FtpFiles<'s> {
    pub(super) fn new(session: &'s mut FtpSession, paths: Vec<RemotePath>, limit: u64) -> Self {
        Self {
            session,
            paths: paths.into(),
            limit,
        }
    }
}

#[async_trait]
impl FileContents for FtpFiles<'_> {
    async fn next(&mut self) -> Option<FileContent> {
        let path = self.paths.front()?.clone();
        self.session.more_follow = self.paths.len() > 1;
        let content = self.session.read_to_vec(&path, self.limit).await;
        self.paths.pop_front();
        Some(FileContent::new(path, content))
    }
}

impl FtpSession {
    /// Asks for the data connection of the next transfer while an answer is owed; only of a server that is known to
    /// bear commands together, and only where it is the one to listen. If the transfer does not come next, the answer
    /// is read before all else.
    pub(super) fn ask_ahead(&mut self) {
        // Answers to signs of life could not be told from it.
        let quiet = self.params.control_keep_alive().is_none();
        if self.learnt.pipelining != Some(true) || !quiet {
            return;
        }
        self.channels.begin();
        if let Step::Send(command) = self.channels.step() {
            self.wire.send(&command);
            self.asked_ahead = true;
        }
    }

    /// Whether the answer that is owed is the one for this transfer's data connection, and nothing else has to be done
    /// before it.
    pub(super) fn is_ahead(&self) -> bool {
        self.asked_ahead && self.active.is_none() && !self.away && self.half_renamed.is_none()
    }
}

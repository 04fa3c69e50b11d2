//! Many files one after the other, with the data connection of the next asked for along with the last words on this
//! one.
//!
//! Of a file that is read it is asked for as soon as the bytes have ended, which saves a round trip on a server that
//! takes its time over the last word. Not sooner: during a transfer Pure-FTPd takes whatever it hears for an abort, and
//! ProFTPD refuses it. That the bytes of a file that is written have ended there is known by the last word only; it is
//! asked for along with the size, which is asked for then.

use std::collections::VecDeque;

use async_trait::async_trait;
use ftp_connect_core::{
    Disposition, FileContent, FileContents, FileToWrite, FileWritten, FilesWritten, RemotePath,
    Result, SessionExt as _, TransferType,
};
use ftp_connect_ftp_proto::flow::{Exchange, Flight, Flow as _, Step};
use ftp_connect_ftp_proto::{Command, Reply};

use super::FtpSession;
use crate::failure;

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

/// Files on their way to the server.
#[derive(Debug)]
pub(super) struct FtpFilesWritten<'s> {
    session: &'s mut FtpSession,
    files: VecDeque<FileToWrite>,
}

impl<'s> FtpFilesWritten<'s> {
    pub(super) fn new(session: &'s mut FtpSession, files: Vec<FileToWrite>) -> Self {
        Self {
            session,
            files: files.into(),
        }
    }
}

#[async_trait]
impl FilesWritten for FtpFilesWritten<'_> {
    async fn next(&mut self) -> Option<FileWritten> {
        let file = self.files.front()?;
        // What has to be asked before the next one would come before its data connection.
        self.session.more_follow = self.files.get(1).is_some_and(|next| {
            next.options.disposition == Disposition::Replace
                && next.options.transfer_type == file.options.transfer_type
                && !self.session.allocates_before(&next.options)
        });
        let written = self
            .session
            .write_all(&file.path, &file.content, file.options);
        let outcome = written.await;
        let path = self.files.pop_front()?.path;
        Some(FileWritten::new(path, outcome))
    }
}

impl FtpSession {
    /// Whether the server is known to answer commands that are sent together.
    pub(super) fn bears_flights(&self) -> bool {
        self.learnt.pipelining == Some(true)
    }

    /// Sends commands together, and with them asks for the data connection of the next transfer if one is known to
    /// follow; gives the replies to the commands.
    pub(super) async fn send_together(
        &mut self,
        commands: Vec<Command>,
        followed: bool,
    ) -> Result<Vec<Reply>> {
        let mut flight = Flight::new(commands);
        let mut step = flight.step();
        while let Step::Send(command) = step {
            self.wire.send(&command);
            step = flight.step();
        }
        if followed {
            self.ask_ahead();
        }
        match step {
            Step::Done(replies) => Ok(replies),
            _ => self.wire.run(flight).await,
        }
    }

    /// Asks for the data connection of the next transfer while an answer is owed; only of a server that is known to
    /// bear commands together, and only where it is the one to listen. If the transfer does not come next, the answer
    /// is read before all else.
    pub(super) fn ask_ahead(&mut self) {
        // Answers to signs of life could not be told from it.
        let quiet = self.params.control_keep_alive().is_none();
        if !self.bears_flights() || !quiet {
            return;
        }
        self.channels.begin();
        if let Step::Send(command) = self.channels.step() {
            self.wire.send(&command);
            self.asked_ahead = true;
        }
    }

    /// Whether the data connection of such a transfer has been asked for, and nothing else has to be done before it.
    pub(super) fn has_asked_for(&self, wanted: TransferType) -> bool {
        let undisturbed = self.active.is_none() && !self.away && self.half_renamed.is_none();
        self.asked_ahead && undisturbed && self.transfer_type == Some(wanted)
    }

    /// Puts the session in order for a transfer, unless its data connection has been asked for.
    pub(super) async fn ready_to_transfer(&mut self, wanted: TransferType) -> Result<()> {
        if self.has_asked_for(wanted) {
            return self.wire.glance().await;
        }
        self.settle().await?;
        let comes_next = self.transfer_type == Some(wanted);
        self.go_home(comes_next).await?;
        self.set_type(wanted).await
    }

    /// Goes from folder to folder by these commands; where a transfer comes next, its data connection is asked for along
    /// with them.
    pub(super) async fn enter(&mut self, ways: Vec<Command>, transfer_follows: bool) -> Result<()> {
        self.away = true;
        if !self.bears_flights() {
            for way in ways {
                self.wire.run(Exchange::new(way)).await?;
            }
            return Ok(());
        }
        let replies = self.send_together(ways, transfer_follows).await?;
        let Some(refusal) = replies.iter().find(|reply| !reply.is_completion()) else {
            return Ok(());
        };
        // If reading what is owed fails, too, the refusal still says more.
        let _ = self.resynchronise().await;
        Err(failure::from_reply(refusal))
    }
}

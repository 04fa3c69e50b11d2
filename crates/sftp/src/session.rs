//! The session: each operation as the requests it takes, and errors that say what the matter is.
//!
//! ```text
//! session ─► start: what is asked first      server: what this server can
//!         ─► open ─► read (with pace), write, listing: bodies with many requests under way
//!         ─► tree, attributes, extra: one request each, and one more to explain a failure
//! ```
//!
//! Version 3 has few status codes, and OpenSSH answers `Failure` to most of what goes wrong; where
//! that is so, one more request finds out which it was. That request is made after a failure only.

mod attributes;
mod extra;
mod handle;
mod limits;
mod listing;
mod many;
mod open;
mod pace;
mod read;
mod server;
mod start;
mod status;
mod tree;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use ftp_connect_core::{
    Capabilities, Checksum, ChecksumAlgorithm, ConnectReport, CopyOptions, CreateDirOptions, Entry,
    Error, ErrorKind, FileContents, FileToWrite, FilesWritten, FreeSpace, ListOptions, Listing,
    Operation, Permissions, ReadBody, ReadOptions, RemotePath, RenameOptions, Result, Session,
    StatOptions, Timestamp, TransferType, WriteBody, WriteOptions, params::Timeouts,
};

use self::{
    limits::Limits,
    listing::Entries,
    many::Many,
    read::Reading,
    server::Server,
    write::{Target, Writing},
};
use crate::{
    client::Client,
    proto::{Attributes, Request, Response},
    ssh::Ssh,
};

/// A logged-in SFTP session.
#[derive(Debug)]
pub(crate) struct SftpSession {
    client: Client,
    /// Shared with the other sessions of the connection.
    ssh: Arc<Ssh>,
    report: ConnectReport,
    timeouts: Timeouts,
    server: Server,
    limits: Limits,
    /// Where relative paths begin. The protocol has no such thing: it is put before them here.
    folder: RemotePath,
}

impl SftpSession {
    /// Sends a request and waits for its answer.
    async fn call(&self, request: &Request<'_>) -> Result<Response> {
        let mut reply = self.client.request(request);
        reply.wait(self.timeouts.reply).await.map_err(|error| {
            match (error.kind(), self.ssh.goodbye()) {
                (ErrorKind::Closed, Some(said)) => {
                    error.with_message(format!("the server closed the connection: {said}"))
                }
                _ => error,
            }
        })
    }

    async fn simple(&self, request: &Request<'_>) -> Result<()> {
        status::done(self.call(request).await?)
    }

    /// The path as the server is to hear it.
    fn here(&self, path: &RemotePath) -> RemotePath {
        self.folder.join(path)
    }

    async fn lstat(&self, path: &RemotePath) -> Result<Attributes> {
        let request = Request::Lstat(wire(path));
        status::attributes(self.call(&request).await?)
    }

    async fn follow(&self, path: &RemotePath) -> Result<Attributes> {
        let request = Request::Stat(wire(path));
        status::attributes(self.call(&request).await?)
    }

    async fn exists(&self, path: &RemotePath) -> bool {
        self.lstat(path).await.is_ok()
    }

    /// Whether there is a folder of that name; `None` if there is nothing, or nothing to be known.
    async fn is_dir(&self, path: &RemotePath) -> Option<bool> {
        let attributes = self.follow(path).await.ok()?;
        Some(listing::is_dir(&attributes))
    }

    async fn begin_read(&self, path: &RemotePath, options: ReadOptions) -> Result<Box<Reading>> {
        let fail = |error| about(error, Operation::Read, path);
        refuse_ascii(options.transfer_type).map_err(fail)?;
        let file = self.open_to_read(&self.here(path)).await.map_err(fail)?;
        let chunk = self.limits.get(self.timeouts.reply).await.read_chunk;
        let idle = self.timeouts.idle;
        Ok(Box::new(Reading::new(
            file,
            path.clone(),
            options,
            chunk,
            idle,
        )))
    }

    async fn begin_write(&self, path: &RemotePath, options: WriteOptions) -> Result<Box<Writing>> {
        let fail = |error| about(error, Operation::Write, path);
        refuse_ascii(options.transfer_type).map_err(fail)?;
        let here = self.here(path);
        let opened = self.open_to_write(&here, options.disposition).await;
        let (file, start) = opened.map_err(fail)?;
        let target = Target {
            path: path.clone(),
            here,
            start,
            options,
        };
        let chunk = self.limits.get(self.timeouts.reply).await.write_chunk;
        let (can_sync, idle) = (self.server.fsync, self.timeouts.idle);
        Ok(Box::new(Writing::new(file, target, chunk, can_sync, idle)))
    }
}

#[async_trait]
impl Session for SftpSession {
    fn report(&self) -> &ConnectReport {
        &self.report
    }

    fn capabilities(&self) -> Capabilities {
        self.server.capabilities()
    }

    async fn stat(&mut self, path: &RemotePath, options: StatOptions) -> Result<Entry> {
        let here = self.here(path);
        let attributes = if options.follow_links {
            self.follow(&here).await
        } else {
            self.lstat(&here).await
        };
        attributes
            .map(|attributes| listing::entry(path.clone(), &attributes, b""))
            .map_err(|error| about(error, Operation::Stat, path))
    }

    async fn list<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ListOptions,
    ) -> Result<Box<dyn Listing + 's>> {
        let folder = self.open_to_list(&self.here(path)).await;
        let folder = folder.map_err(|error| about(error, Operation::List, path))?;
        let idle = self.timeouts.idle;
        Ok(Box::new(Entries::new(
            folder,
            path.clone(),
            options.hidden,
            idle,
        )))
    }

    async fn read<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ReadOptions,
    ) -> Result<Box<dyn ReadBody + 's>> {
        Ok(self.begin_read(path, options).await?)
    }

    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>> {
        Ok(self.begin_write(path, options).await?)
    }

    fn read_files<'s>(
        &'s mut self,
        paths: Vec<RemotePath>,
        limit: u64,
    ) -> Box<dyn FileContents + 's> {
        Box::new(Many::reading(self, paths, limit))
    }

    fn write_files<'s>(&'s mut self, files: Vec<FileToWrite>) -> Box<dyn FilesWritten + 's> {
        Box::new(Many::writing(self, files))
    }

    async fn open_another(&mut self) -> Result<Box<dyn Session>> {
        match self.beside().await {
            Ok(session) => Ok(Box::new(session)),
            Err(error) => Err(error.with_operation(Operation::Connect)),
        }
    }

    async fn close(self: Box<Self>) -> Result<()> {
        // The tasks end with the client; the server hears of it by the disconnect.
        let Self { client, ssh, .. } = *self;
        drop(client);
        // The last session takes leave; the channel of another one just closes.
        if let Some(ssh) = Arc::into_inner(ssh) {
            ssh.disconnect().await;
        }
        Ok(())
    }

    async fn rename(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        let outcome = self
            .rename_to(&self.here(from), &self.here(to), options)
            .await;
        outcome.map_err(|error| about(error, Operation::Rename, from))
    }

    async fn rename_files(
        &mut self,
        names: &[(RemotePath, RemotePath)],
        options: RenameOptions,
    ) -> Vec<Result<()>> {
        let mut outcomes = Many::renaming(self, names, options).all().await;
        for (outcome, (from, _)) in outcomes.iter_mut().zip(names) {
            let told = std::mem::replace(outcome, Ok(()));
            *outcome = told.map_err(|error| about(error, Operation::Rename, from));
        }
        outcomes
    }

    async fn remove_file(&mut self, path: &RemotePath) -> Result<()> {
        let outcome = self.remove(&self.here(path)).await;
        outcome.map_err(|error| about(error, Operation::RemoveFile, path))
    }

    async fn create_dir(&mut self, path: &RemotePath, options: CreateDirOptions) -> Result<()> {
        let outcome = self.make_dir(&self.here(path), options).await;
        outcome.map_err(|error| about(error, Operation::CreateDir, path))
    }

    async fn remove_dir(&mut self, path: &RemotePath) -> Result<()> {
        let outcome = self.remove_empty_dir(&self.here(path)).await;
        outcome.map_err(|error| about(error, Operation::RemoveDir, path))
    }

    async fn set_modified(&mut self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let outcome = self.set_times(&self.here(path), modified).await;
        outcome.map_err(|error| about(error, Operation::SetModified, path))
    }

    async fn set_permissions(&mut self, path: &RemotePath, permissions: Permissions) -> Result<()> {
        let outcome = self.set_mode(&self.here(path), permissions).await;
        outcome.map_err(|error| about(error, Operation::SetPermissions, path))
    }

    async fn read_link(&mut self, path: &RemotePath) -> Result<RemotePath> {
        let outcome = self.link_target(&self.here(path)).await;
        outcome.map_err(|error| about(error, Operation::ReadLink, path))
    }

    async fn create_symlink(&mut self, link: &RemotePath, target: &RemotePath) -> Result<()> {
        let outcome = self.link(&self.here(link), target).await;
        outcome.map_err(|error| about(error, Operation::CreateLink, link))
    }

    async fn create_hard_link(&mut self, link: &RemotePath, existing: &RemotePath) -> Result<()> {
        let outcome = self.hard_link(&self.here(link), &self.here(existing)).await;
        outcome.map_err(|error| about(error, Operation::CreateLink, link))
    }

    async fn copy_file(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: CopyOptions,
    ) -> Result<()> {
        let outcome = self.copy(&self.here(from), &self.here(to), options).await;
        outcome.map_err(|error| about(error, Operation::CopyFile, from))
    }

    async fn real_path(&mut self, path: &RemotePath) -> Result<RemotePath> {
        let outcome = self.resolve(&self.here(path)).await;
        outcome.map_err(|error| about(error, Operation::RealPath, path))
    }

    async fn expand_home(&mut self, path: &RemotePath) -> Result<RemotePath> {
        // Only what begins with a tilde is not relative to a folder.
        let outcome = if path.as_bytes().starts_with(b"~") {
            self.expand(path).await
        } else {
            self.expand(&self.here(path)).await
        };
        outcome.map_err(|error| about(error, Operation::RealPath, path))
    }

    async fn checksum(
        &mut self,
        path: &RemotePath,
        algorithm: ChecksumAlgorithm,
    ) -> Result<Checksum> {
        let outcome = self.digest(&self.here(path), algorithm).await;
        outcome.map_err(|error| about(error, Operation::Checksum, path))
    }

    async fn current_dir(&mut self) -> Result<RemotePath> {
        if !self.folder.is_empty() {
            return Ok(self.folder.clone());
        }
        let answer = self.realpath(&self.folder).await;
        answer.map_err(|error| error.with_operation(Operation::CurrentDir))
    }

    async fn set_current_dir(&mut self, path: &RemotePath) -> Result<()> {
        let found = self.find_dir(&self.here(path)).await;
        self.folder = found.map_err(|error| about(error, Operation::SetCurrentDir, path))?;
        Ok(())
    }

    async fn free_space(&mut self, path: &RemotePath) -> Result<FreeSpace> {
        let outcome = self.room(&self.here(path)).await;
        outcome.map_err(|error| about(error, Operation::FreeSpace, path))
    }

    async fn keep_alive(&mut self) -> Result<()> {
        // A question to the SFTP server itself shows more than one to the SSH server would.
        let request = Request::RealPath(b".");
        match self.call(&request).await {
            Ok(_) => Ok(()),
            Err(error) => Err(error.with_operation(Operation::KeepAlive)),
        }
    }
}

/// The path in the answer to REALPATH, which is a list of one name.
fn single_name(response: Response) -> Result<RemotePath> {
    let names = status::names(response)?.unwrap_or_default();
    let [name] = &names[..] else {
        return Err(Error::new(ErrorKind::Protocol)
            .with_message(format!("the server gave {} names for a path", names.len())));
    };
    RemotePath::new(&name.name[..])
}

/// The path as it is sent: the login folder has a name there.
fn wire(path: &RemotePath) -> &[u8] {
    if path.is_empty() {
        b"."
    } else {
        path.as_bytes()
    }
}

fn refuse_ascii(transfer_type: TransferType) -> Result<()> {
    match transfer_type {
        TransferType::Binary => Ok(()),
        TransferType::Ascii => Err(Error::new(ErrorKind::Unsupported)
            .with_message("SFTP version 3 has no text transfers")
            .with_hint("transfer the file as binary")),
    }
}

/// Whether a refusal may have a reason that the server does not name.
fn unclear(error: &Error) -> bool {
    status::says_nothing(error) || error.kind() == &ErrorKind::PermissionDenied
}

/// The same refusal under the kind that was found out, with the server's words.
fn better(error: Error, kind: ErrorKind) -> Error {
    let found = Error::new(kind);
    match error.reply() {
        Some(reply) => found.with_reply(reply.clone()),
        None => found,
    }
}

fn about(error: Error, operation: Operation, path: &RemotePath) -> Error {
    error.with_operation(operation).with_path(path)
}

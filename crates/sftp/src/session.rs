//! The session: each operation as the requests it takes, and errors that say what the matter is.
//!
//! Version 3 has few status codes, and OpenSSH answers `Failure` to most of what goes wrong; where
//! that is so, one more request finds out which it was. That request is made after a failure only.

mod handle;
mod listing;
mod pace;
mod read;
mod status;
mod write;

use std::time::Instant;

use async_trait::async_trait;
use ftp_connect_core::{
    Capabilities, ConnectParams, ConnectReport, CreateDirOptions, Disposition, Entry, Error,
    ErrorKind, ListOptions, Listing, Operation, Permissions, ReadBody, ReadOptions, RemotePath,
    RenameOptions, Result, Session, StatOptions, Timestamp, TransferType, WriteBody, WriteOptions,
    params::Timeouts,
};

use self::{handle::OpenHandle, listing::Entries, read::Reading, write::Writing};
use crate::{
    client::Client,
    proto::{Attributes, OpenFlags, Request, Response, ServerLimits, VERSION, Version},
    ssh::{Ssh, within},
};

/// A logged-in SFTP session.
#[derive(Debug)]
pub(crate) struct SftpSession {
    client: Client,
    ssh: Ssh,
    report: ConnectReport,
    timeouts: Timeouts,
    /// Bytes that one READ asks for, and that one WRITE carries.
    read_chunk: u32,
    write_chunk: usize,
    posix_rename: bool,
}

impl SftpSession {
    /// Begins SFTP on a connection that is logged in, and completes the report.
    pub(crate) async fn start(
        ssh: Ssh,
        params: &ConnectParams,
        mut report: ConnectReport,
    ) -> Result<Self> {
        let started = Instant::now();
        let timeouts = params.timeouts();
        let limit = timeouts.reply;
        let channel = ssh.open_sftp(limit).await?;
        let begin = Client::start(channel);
        let (client, version) = within(limit, Operation::Connect, "SFTP version", begin).await?;
        if version.version < VERSION {
            return Err(Error::new(ErrorKind::Unsupported)
                .with_operation(Operation::Connect)
                .with_message(format!(
                    "the server speaks SFTP version {} only",
                    version.version
                ))
                .with_hint("the server needs an update: version 3 is from 2001"));
        }
        // Both questions share a round trip.
        let mut folder = client.request(&Request::RealPath { path: b"." });
        let limits = version
            .offers("limits@openssh.com")
            .then(|| client.request(&Request::Limits));
        let (mut read_chunk, mut write_chunk) = (USUAL_CHUNK, USUAL_CHUNK);
        if let Some(mut limits) = limits {
            let answer = limits.wait(limit).await;
            let told = answer.and_then(status::extended).map(ServerLimits::decode);
            // A server that names the extension and cannot answer is served the usual way.
            if let Ok(Ok(told)) = told {
                read_chunk = chunk(told.read, told.packet);
                write_chunk = chunk(told.write, told.packet);
            }
        }
        report.login_folder = match folder.wait(limit).await {
            Ok(response) => single_name(response).ok(),
            Err(error) => return Err(error.with_operation(Operation::Connect)),
        };
        report.timings = ssh.facts.timings.clone();
        report.timings.add("sftp", started.elapsed());
        describe(&mut report, &ssh, &version);
        Ok(Self {
            client,
            ssh,
            report,
            timeouts,
            read_chunk,
            write_chunk: write_chunk as usize,
            posix_rename: version.offers("posix-rename@openssh.com"),
        })
    }

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

    async fn lstat(&self, path: &RemotePath) -> Result<Attributes> {
        let request = Request::Lstat { path: wire(path) };
        status::attributes(self.call(&request).await?)
    }

    async fn follow(&self, path: &RemotePath) -> Result<Attributes> {
        let request = Request::Stat { path: wire(path) };
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

    async fn open(&self, path: &RemotePath, flags: OpenFlags) -> Result<OpenHandle> {
        let request = Request::Open {
            path: wire(path),
            flags,
        };
        let handle = status::handle(self.call(&request).await?)?;
        Ok(OpenHandle::new(&self.client, handle))
    }

    async fn open_dir(&self, path: &RemotePath) -> Result<OpenHandle> {
        let request = Request::OpenDir { path: wire(path) };
        let handle = status::handle(self.call(&request).await?)?;
        Ok(OpenHandle::new(&self.client, handle))
    }

    async fn simple(&self, request: &Request<'_>) -> Result<()> {
        status::done(self.call(request).await?)
    }

    /// Opens a file for writing, and says where the first byte goes.
    async fn open_to_write(
        &self,
        path: &RemotePath,
        disposition: Disposition,
    ) -> Result<(OpenHandle, u64)> {
        const CREATE: OpenFlags = OpenFlags::WRITE.and(OpenFlags::CREATE);
        let flags = match disposition {
            Disposition::Replace => CREATE.and(OpenFlags::TRUNCATE),
            Disposition::CreateNew => CREATE.and(OpenFlags::EXCLUSIVE),
            // Not the flag APPEND: servers differ in whether they then look at the offset.
            Disposition::Append | Disposition::Resume(0) => CREATE,
            Disposition::Resume(_) => OpenFlags::WRITE,
            _ => return Err(Error::new(ErrorKind::Unsupported)),
        };
        let file = match self.open(path, flags).await {
            Ok(file) => file,
            Err(error) => return Err(self.why_not_written(path, disposition, error).await),
        };
        let start = match disposition {
            Disposition::Append | Disposition::Resume(_) => {
                let answer = file.attributes().wait(self.timeouts.reply).await?;
                status::attributes(answer)?.size.ok_or_else(|| {
                    Error::new(ErrorKind::Unsupported)
                        .with_message("the server does not tell the file's size")
                })?
            }
            _ => 0,
        };
        if let Disposition::Resume(expected) = disposition
            && start != expected
        {
            return Err(Error::new(ErrorKind::Refused)
                .with_message(format!(
                    "the file has {start} bytes and not the {expected} to go on after"
                ))
                .with_hint("write the file from its beginning"));
        }
        Ok((file, start))
    }

    async fn why_not_written(
        &self,
        path: &RemotePath,
        disposition: Disposition,
        error: Error,
    ) -> Error {
        let unclear = status::says_nothing(&error) || is_denied(&error);
        if unclear && disposition == Disposition::CreateNew && self.exists(path).await {
            return better(error, ErrorKind::AlreadyExists);
        }
        if unclear && self.is_dir(path).await == Some(true) {
            return better(error, ErrorKind::IsADirectory);
        }
        error
    }

    /// Whether a folder has entries; unknown counts as no.
    async fn has_entries(&self, path: &RemotePath) -> bool {
        let Ok(folder) = self.open_dir(path).await else {
            return false;
        };
        let mut entries = Entries::new(folder, path.clone(), true, self.timeouts.reply);
        let found = matches!(entries.next().await, Ok(Some(_)));
        found || entries.saw_unparsed()
    }

    async fn rename_to(
        &self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        let (from_bytes, to_bytes) = (wire(from), wire(to));
        if options.replace && self.posix_rename {
            let request = Request::PosixRename {
                from: from_bytes,
                to: to_bytes,
            };
            return self.simple(&request).await;
        }
        let request = Request::Rename {
            from: from_bytes,
            to: to_bytes,
        };
        let Err(error) = self.simple(&request).await else {
            return Ok(());
        };
        let taken = error.kind() == &ErrorKind::AlreadyExists
            || (status::says_nothing(&error) && self.exists(from).await && self.exists(to).await);
        match (taken, options.replace) {
            (true, true) => Err(better(error, ErrorKind::Unsupported)
                .with_message("this server cannot replace an existing file by renaming")
                .with_hint("remove the file that has the new name first")),
            (true, false) => Err(better(error, ErrorKind::AlreadyExists)),
            (false, _) => Err(error),
        }
    }
}

#[async_trait]
impl Session for SftpSession {
    fn report(&self) -> &ConnectReport {
        &self.report
    }

    fn capabilities(&self) -> Capabilities {
        let mut can = Capabilities::default();
        can.read_offset = true;
        can.append = true;
        can.rename = true;
        can.rename_replaces = self.posix_rename;
        can.remove_file = true;
        can.create_dir = true;
        can.remove_dir = true;
        can.set_modified = true;
        can.set_permissions = true;
        can.current_dir = true;
        can.any_name_bytes = true;
        can
    }

    async fn stat(&mut self, path: &RemotePath, options: StatOptions) -> Result<Entry> {
        let attributes = if options.follow_links {
            self.follow(path).await
        } else {
            self.lstat(path).await
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
        let folder = match self.open_dir(path).await {
            Ok(folder) => folder,
            // OpenSSH says "no such file" of what is no folder.
            Err(error) => {
                let unclear = status::says_nothing(&error) || error.kind() == &ErrorKind::NotFound;
                let error = if unclear && self.is_dir(path).await == Some(false) {
                    better(error, ErrorKind::NotADirectory)
                } else {
                    error
                };
                return Err(about(error, Operation::List, path));
            }
        };
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
        refuse_ascii(options.transfer_type).map_err(|error| about(error, Operation::Read, path))?;
        let file = match self.open(path, OpenFlags::READ).await {
            Ok(file) => file,
            Err(error) => {
                let unclear = status::says_nothing(&error) || is_denied(&error);
                let error = if unclear && self.is_dir(path).await == Some(true) {
                    better(error, ErrorKind::IsADirectory)
                } else {
                    error
                };
                return Err(about(error, Operation::Read, path));
            }
        };
        let (chunk, idle) = (self.read_chunk, self.timeouts.idle);
        Ok(Box::new(Reading::new(
            file,
            path.clone(),
            options,
            chunk,
            idle,
        )))
    }

    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>> {
        let fail = |error| about(error, Operation::Write, path);
        refuse_ascii(options.transfer_type).map_err(fail)?;
        let opened = self.open_to_write(path, options.disposition).await;
        let (file, start) = opened.map_err(fail)?;
        let (chunk, idle) = (self.write_chunk, self.timeouts.idle);
        Ok(Box::new(Writing::new(
            file,
            path.clone(),
            start,
            chunk,
            idle,
        )))
    }

    async fn close(self: Box<Self>) -> Result<()> {
        // The tasks end with the client; the server hears of it by the disconnect.
        let Self { client, ssh, .. } = *self;
        drop(client);
        ssh.disconnect().await;
        Ok(())
    }

    async fn rename(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        self.rename_to(from, to, options)
            .await
            .map_err(|error| about(error, Operation::Rename, from))
    }

    async fn remove_file(&mut self, path: &RemotePath) -> Result<()> {
        let Err(error) = self.simple(&Request::Remove { path: wire(path) }).await else {
            return Ok(());
        };
        let unclear = status::says_nothing(&error) || is_denied(&error);
        let is_dir = async || {
            let attributes = self.lstat(path).await;
            attributes.is_ok_and(|attributes| listing::is_dir(&attributes))
        };
        let error = if unclear && is_dir().await {
            better(error, ErrorKind::IsADirectory)
        } else {
            error
        };
        Err(about(error, Operation::RemoveFile, path))
    }

    async fn create_dir(&mut self, path: &RemotePath, options: CreateDirOptions) -> Result<()> {
        let attributes = Attributes {
            permissions: options.permissions.map(Permissions::mode),
            ..Attributes::default()
        };
        let request = Request::MakeDir {
            path: wire(path),
            attributes,
        };
        let Err(error) = self.simple(&request).await else {
            return Ok(());
        };
        let error = if status::says_nothing(&error) && self.exists(path).await {
            better(error, ErrorKind::AlreadyExists)
        } else {
            error
        };
        Err(about(error, Operation::CreateDir, path))
    }

    async fn remove_dir(&mut self, path: &RemotePath) -> Result<()> {
        let Err(error) = self.simple(&Request::RemoveDir { path: wire(path) }).await else {
            return Ok(());
        };
        let unclear = status::says_nothing(&error) || error.kind() == &ErrorKind::NotFound;
        let error = match (unclear, self.lstat(path).await) {
            (true, Ok(attributes)) if !listing::is_dir(&attributes) => {
                better(error, ErrorKind::NotADirectory)
            }
            (true, Ok(_)) if self.has_entries(path).await => {
                better(error, ErrorKind::DirectoryNotEmpty)
            }
            _ => error,
        };
        Err(about(error, Operation::RemoveDir, path))
    }

    async fn set_modified(&mut self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let fail = |error| about(error, Operation::SetModified, path);
        let seconds = modified.unix_seconds().ok_or_else(|| {
            fail(
                Error::new(ErrorKind::InvalidParameter)
                    .with_message("the time's zone is not known")
                    .with_hint("give the time in UTC"),
            )
        })?;
        let seconds = u32::try_from(seconds).map_err(|_| {
            fail(
                Error::new(ErrorKind::InvalidParameter)
                    .with_message("SFTP has times from 1970 to 2106 only"),
            )
        })?;
        // Both times go together, and the time of access is not ours to change.
        let known = self.follow(path).await.map_err(fail)?;
        let accessed = known.times.map_or(seconds, |(accessed, _)| accessed);
        let request = Request::SetStat {
            path: wire(path),
            attributes: Attributes {
                times: Some((accessed, seconds)),
                ..Attributes::default()
            },
        };
        self.simple(&request).await.map_err(fail)
    }

    async fn set_permissions(&mut self, path: &RemotePath, permissions: Permissions) -> Result<()> {
        let request = Request::SetStat {
            path: wire(path),
            attributes: Attributes {
                permissions: Some(permissions.mode()),
                ..Attributes::default()
            },
        };
        self.simple(&request)
            .await
            .map_err(|error| about(error, Operation::SetPermissions, path))
    }

    async fn current_dir(&mut self) -> Result<RemotePath> {
        let request = Request::RealPath { path: b"." };
        let answer = self.call(&request).await.and_then(single_name);
        answer.map_err(|error| error.with_operation(Operation::CurrentDir))
    }

    async fn keep_alive(&mut self) -> Result<()> {
        // A question to the SFTP server itself shows more than one to the SSH server would.
        let request = Request::RealPath { path: b"." };
        match self.call(&request).await {
            Ok(_) => Ok(()),
            Err(error) => Err(error.with_operation(Operation::KeepAlive)),
        }
    }
}

/// Lays the facts of the connection and the server's extensions into the report.
fn describe(report: &mut ConnectReport, ssh: &Ssh, version: &Version) {
    report.peer = ssh.facts.peer;
    report.banner.clone_from(&ssh.facts.version);
    let login_banner = ssh.login_banner();
    if !login_banner.is_empty() {
        report.banner = format!("{}\n{login_banner}", report.banner);
    }
    report.host_key = Some(ssh.facts.host_key.clone());
    report.warnings.extend(ssh.facts.warnings.iter().cloned());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(char::is_control, " ");
    report.features = version
        .extensions
        .iter()
        .map(|(name, data)| {
            format!("{} {}", text(name), text(data))
                .trim_end()
                .to_owned()
        })
        .chain(ssh.facts.algorithms.iter().cloned())
        .collect();
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

/// How much one request moves, from what the server tells; 0 means that it has no limit to tell.
fn chunk(told: u64, packet: u64) -> u32 {
    let told = if told == 0 {
        u64::from(MOST_CHUNK)
    } else {
        told
    };
    let packet = if packet == 0 { u64::MAX } else { packet };
    // The head of a data packet: type, number, handle, offset, lengths.
    let fits = packet.saturating_sub(HEAD).min(u64::from(MOST_CHUNK));
    (told.min(fits) as u32).max(LEAST_CHUNK)
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

fn is_denied(error: &Error) -> bool {
    error.kind() == &ErrorKind::PermissionDenied
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

/// What every server takes in one request (draft §3).
const USUAL_CHUNK: u32 = 32 * 1024;

/// More than this in one request gains nothing.
const MOST_CHUNK: u32 = 256 * 1024;

/// A server that tells less than this is not believed.
const LEAST_CHUNK: u32 = 1024;

/// Room for the head of a WRITE with the longest handle (256 bytes, draft §6.2).
const HEAD: u64 = 1 + 4 + 4 + 256 + 8 + 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_chunk(told: u64, packet: u64, expected: u32) {
        assert_eq!(chunk(told, packet), expected, "{told} {packet}");
    }

    #[test]
    fn what_a_server_tells_of_its_limits_is_kept_within_reason() {
        check_chunk(261_120, 262_144, 261_120);
        check_chunk(0, 0, MOST_CHUNK);
        check_chunk(u64::MAX, 34_000, 34_000 - 277);
        check_chunk(1, 262_144, LEAST_CHUNK);
        check_chunk(32_768, 1, LEAST_CHUNK);
    }
}

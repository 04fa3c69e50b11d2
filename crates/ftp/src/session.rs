//! A logged-in FTP session.
//!
//! The server's working folder is the one where relative paths begin, except between a listing that had
//! to change into its folder and the next operation, which changes back. Everything else that a
//! dropped future may leave behind is put in order by [`FtpSession::ready`], the first step of every
//! operation.

mod checksum;
mod elsewhere;
mod entries;
mod fallback;
mod folder;
mod list;
mod many;
mod names;
mod presence;
mod read;
mod stat;
mod support;
mod times;
mod tree;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ftp_connect_core::dial::dial_data;
use ftp_connect_core::{
    Capabilities, Checksum, ChecksumAlgorithm, ConnectParams, ConnectReport, CreateDirOptions,
    Disposition, Entry, EntryKind, Error, ErrorKind, FileContents, FileToWrite, FilesWritten,
    FreeSpace, HostProfile, ListOptions, Listing, Operation, Permissions, ReadBody, ReadOptions,
    RemotePath, RenameOptions, Result, ServerReply, Session, StatOptions, Timestamp, TransferType,
    Transport, WriteBody, WriteOptions,
};
use ftp_connect_ftp_proto::flow::{DataChannels, Exchange, Login, Wanted};
use ftp_connect_ftp_proto::parse::Features;
use ftp_connect_ftp_proto::{Argument, Command, Reply};

use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use self::times::TimeCommand;
use crate::data;
use crate::failure;
use crate::security::ChannelSecurity;
use crate::transfer::Active;
use crate::wire::{Abandoned, Wire};

/// A logged-in FTP session.
#[derive(Debug)]
pub(crate) struct FtpSession {
    pub(crate) wire: Wire,
    pub(crate) params: ConnectParams,
    pub(crate) channels: DataChannels,
    /// Whether the last data connection of this session came about.
    pub(crate) connects: bool,
    /// Whether another file is read or written after the next one.
    more_follow: bool,
    /// Whether the data connection of the next transfer has been asked for.
    pub(crate) asked_ahead: bool,
    /// Whether the server takes a handshake before it has answered the command: vsftpd and Pure-FTPd.
    pub(crate) shakes_hands_early: bool,
    /// Whether the server waits for the client's close_notify before its last word, and takes it at the beginning:
    /// vsftpd. Pure-FTPd, too, waits, but closes with it unread, and the reset that makes of it loses what is on
    /// the way.
    pub(crate) ends_early: bool,
    /// What secures data connections; `None` where they stay in the clear.
    pub(crate) security: Option<Box<dyn ChannelSecurity>>,
    pub(crate) reuse: fallback::Reuse,
    /// The transfer that is under way, or was abandoned.
    pub(crate) active: Option<Active>,
    /// What is known of the server, earlier sessions' knowledge included; the ways to data connections
    /// are in `channels`.
    pub(crate) learnt: HostProfile,
    pub(crate) report: ConnectReport,
    /// The backend, to connect once more by.
    transport: Option<Arc<dyn Transport>>,
    features: Features,
    /// The folder where relative paths begin, if the server told.
    home: Option<Vec<u8>>,
    /// Whether the working folder may be another.
    away: bool,
    /// The old name of a rename that may have been announced to the server and not completed.
    half_renamed: Option<Argument>,
    /// Whether the server may remember the old name of a rename that failed.
    old_name_kept: bool,
    /// The transfer type the server is set to; `None` if a raw command may have changed it.
    transfer_type: Option<TransferType>,
    /// Whether the server may remember an offset by REST that no transfer has used.
    pub(crate) has_offset: bool,
    /// The commands that may set a time; what the server does not know is taken out.
    time_commands: Vec<TimeCommand>,
    /// Whether SITE CHMOD is there; taken back when the server does not know it.
    chmod: bool,
    /// The algorithm that HASH is set to; `None` if that is not known.
    hash: Option<ChecksumAlgorithm>,
    /// Whether LIST takes `-a`; unknown until it failed.
    list_all: bool,
}

impl FtpSession {
    pub(crate) fn new(
        wire: Wire,
        params: &ConnectParams,
        mut report: ConnectReport,
        login: Login,
        channels: DataChannels,
        security: Option<Box<dyn ChannelSecurity>>,
        transport: Option<Arc<dyn Transport>>,
    ) -> Self {
        let mut learnt = data::known(params)
            .cloned()
            .unwrap_or_else(|| HostProfile::new(params.server().clone(), params.port()));
        let host_refused = login.warnings.iter().any(|warned| warned.command == "HOST");
        if host_refused || learnt.host_command != Some(false) {
            learnt.host_command = Some(login.features.has("HOST") && !host_refused);
        }
        report.data_method = channels.works().map(data::named);
        Self {
            wire,
            params: params.clone(),
            channels,
            connects: false,
            more_follow: false,
            asked_ahead: login.aside.is_some(),
            shakes_hands_early: ["vsFTPd", "Pure-FTPd"]
                .iter()
                .any(|name| login.greeting.mentions(name)),
            ends_early: login.greeting.mentions("vsFTPd"),
            security: security.filter(|_| login.private_data),
            reuse: fallback::Reuse::default(),
            active: None,
            learnt,
            report,
            transport,
            time_commands: support::time_commands(&login.features),
            chmod: support::set_permissions(&login.features),
            features: login.features,
            home: login.folder.filter(|folder| !folder.is_empty()),
            away: false,
            half_renamed: None,
            old_name_kept: false,
            transfer_type: Some(TransferType::Binary),
            hash: None,
            has_offset: false,
            list_all: true,
        }
    }

    /// Finishes what an abandoned operation left: closes its data connection and reads the replies
    /// that are owed.
    pub(crate) async fn resynchronise(&mut self) -> Result<()> {
        self.asked_ahead = false;
        let abandoned = match &mut self.active {
            Some(active) => {
                // ProFTPD ends the session if the connection is closed in the middle of its side of
                // the handshake, which the client does not see end; a first byte shows that it has.
                // pyftpdlib does not notice a connection that is reset before it was accepted.
                if let Some(data) = &mut active.data
                    && (data.tls().is_some() || !(active.taken || active.upload))
                    && active.bytes == 0
                {
                    let heard = timeout(PARTING, data.read(&mut [0])).await;
                    active.taken |= matches!(heard, Ok(Ok(_)));
                }
                active.data = None;
                if let Some(target) = active.ahead {
                    // vsftpd waits a minute for a data connection before it hears anything else.
                    let _ = dial_data(&self.params, target, PARTING).await;
                    active.ahead = None;
                }
                self.has_offset &= !active.flow.has_begun();
                Some(Abandoned {
                    begun: active.flow.has_begun() && !active.flow.is_answered(),
                    taken: active.taken,
                })
            }
            None => None,
        };
        let limit = RESYNCHRONISE.min(self.params.timeouts().reply);
        let in_step = self.active.is_none() && self.wire.is_in_step();
        if !in_step {
            self.wire.resynchronise(abandoned, limit).await?;
        }
        if self.active.take().is_some() {
            self.wire.abandoned();
        }
        Ok(())
    }

    /// Puts the session in order for the next operation.
    async fn ready(&mut self) -> Result<()> {
        self.settle().await?;
        self.go_home(false).await
    }

    /// Puts the session in order for an operation that minds itself in which folder it is.
    async fn settle(&mut self) -> Result<()> {
        self.wire.glance().await?;
        self.resynchronise().await?;
        if let Some(from) = &self.half_renamed {
            // ProFTPD opens no data connection between RNFR and RNTO. With its own name nothing is renamed.
            let command = Command::with("RNTO", from.clone());
            self.exchange(command).await?;
            self.half_renamed = None;
        }
        Ok(())
    }

    /// The command that leads back to where relative paths begin, if the session may be elsewhere.
    fn way_home(&self) -> Result<Option<Command>> {
        let folder = self.home.as_ref().filter(|_| self.away);
        let folder = folder.map(|folder| Argument::new(folder.clone()).map_err(names::refused));
        Ok(folder
            .transpose()?
            .map(|folder| Command::with("CWD", folder)))
    }

    /// Goes back to where relative paths begin; where a transfer comes next, its data connection is asked for on the
    /// way.
    async fn go_home(&mut self, transfer_follows: bool) -> Result<()> {
        if let Some(way) = self.way_home()? {
            self.enter(vec![way], transfer_follows).await?;
            self.away = false;
        }
        Ok(())
    }

    /// One command on one path.
    async fn simple(&mut self, verb: &'static str, path: &RemotePath) -> Result<Reply> {
        self.ready().await?;
        let argument = self.argument(path)?;
        self.wire
            .run(Exchange::new(Command::with(verb, argument)))
            .await
    }

    /// One command and its reply, whatever that says, unless it says that the session is over.
    async fn exchange(&mut self, command: Command) -> Result<Reply> {
        let reply = self
            .wire
            .run(Exchange::wanting(command, Wanted::Any))
            .await?;
        match reply.code() {
            421 => Err(failure::from_reply(&reply)),
            _ => Ok(reply),
        }
    }

    async fn set_type(&mut self, wanted: TransferType) -> Result<()> {
        if self.transfer_type == Some(wanted) {
            return Ok(());
        }
        let letter = match wanted {
            TransferType::Binary => "I",
            TransferType::Ascii => "A",
        };
        let letter = Argument::new(letter).map_err(names::refused)?;
        self.transfer_type = None;
        self.wire
            .run(Exchange::new(Command::with("TYPE", letter)))
            .await?;
        self.transfer_type = Some(wanted);
        Ok(())
    }

    /// Looks into a refusal whose words say nothing: is there something of that name at all?
    async fn clarified(&mut self, error: Error, operation: Operation, path: &RemotePath) -> Error {
        // Our own refusals say what they mean.
        let wordless = *error.kind() == ErrorKind::Refused && error.reply().is_some();
        if !wordless || !self.wire.is_in_step() {
            return error;
        }
        let found = self.look_up(path).await.map(|entry| entry.kind);
        let missing = |found: &Result<EntryKind>| matches!(found, Err(error) if *error.kind() == ErrorKind::NotFound);
        let kind = match (operation, &found) {
            (Operation::RemoveDir, Ok(EntryKind::Dir)) => match self.has_entries(path).await {
                Ok(true) => ErrorKind::DirectoryNotEmpty,
                _ => return error,
            },
            (Operation::CreateDir, Ok(_)) => ErrorKind::AlreadyExists,
            (Operation::Write, Ok(EntryKind::Dir)) => ErrorKind::IsADirectory,
            (Operation::Write | Operation::CreateDir, _) if missing(&found) => {
                match path.parent() {
                    Some(parent)
                        if missing(&self.look_up(&parent).await.map(|entry| entry.kind)) =>
                    {
                        ErrorKind::NotFound
                    }
                    _ => ErrorKind::PermissionDenied,
                }
            }
            (_, _) if missing(&found) => ErrorKind::NotFound,
            (Operation::List | Operation::RemoveDir, Ok(EntryKind::File)) => {
                ErrorKind::NotADirectory
            }
            (Operation::Read | Operation::RemoveFile, Ok(EntryKind::Dir)) => {
                ErrorKind::IsADirectory
            }
            _ => return error,
        };
        match error.reply() {
            Some(reply) => Error::new(kind).with_reply(reply.clone()),
            None => Error::new(kind),
        }
    }

    /// A server that wants data connections secured, told in the terms of the parameter that left them in the
    /// clear: vsftpd and Pure-FTPd say 200 to PROT C and refuse each transfer, pyftpdlib refuses EPSV and PASV.
    fn of_clear_data(&self, error: Error) -> Error {
        let cleared = self.security.is_none() && self.report.tls.is_some();
        let said = error.to_string().to_ascii_uppercase();
        let about_tls = *error.kind() == ErrorKind::TlsRequired
            || (*error.kind() == ErrorKind::DataConnectionFailed && said.contains("TLS"));
        if !cleared || !about_tls {
            return error;
        }
        let hint = "the server wants data connections secured: leave danger-clear-data out";
        let told = Error::new(ErrorKind::TlsRequired).with_hint(hint);
        match error.reply().cloned() {
            Some(reply) => told.with_reply(reply),
            None => told.with_source(error),
        }
    }

    /// Labels an error with what was done to what, after looking into it.
    async fn explained<T>(
        &mut self,
        result: Result<T>,
        operation: Operation,
        path: &RemotePath,
    ) -> Result<T> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => {
                let error = self.clarified(error, operation, path).await;
                let error = self.of_clear_data(error);
                Err(error.with_operation(operation).with_path(path))
            }
        }
    }
}

#[async_trait]
impl Session for FtpSession {
    fn report(&self) -> &ConnectReport {
        &self.report
    }

    fn profile(&self) -> Option<HostProfile> {
        let mut profile = self.learnt.clone();
        data::remember(&self.channels, &mut profile);
        Some(profile)
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.read_offset = true;
        capabilities.append = true;
        capabilities.rename = true;
        capabilities.rename_replaces = false;
        capabilities.remove_file = true;
        capabilities.create_dir = true;
        capabilities.remove_dir = true;
        capabilities.set_modified = !self.time_commands.is_empty();
        capabilities.set_permissions = self.chmod;
        capabilities.checksum = checksum::Method::of(&self.features).next().is_some();
        capabilities.current_dir = true;
        capabilities.set_current_dir = self.home.is_some();
        capabilities.free_space = self.features.has("AVBL");
        capabilities.raw = true;
        capabilities.any_name_bytes = true;
        capabilities
    }

    async fn stat(&mut self, path: &RemotePath, _options: StatOptions) -> Result<Entry> {
        // Whether a link or its target is told about is the server's choice.
        let found = self.look_up(path).await;
        found.map_err(|error| error.with_operation(Operation::Stat).with_path(path))
    }

    async fn list<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ListOptions,
    ) -> Result<Box<dyn Listing + 's>> {
        let mut begun = self.begin_list(path, options.hidden).await;
        while let Err(error) = &begun
            && self.begins_anew(error).await
        {
            begun = self.begin_list(path, options.hidden).await;
        }
        let plan = self.explained(begun, Operation::List, path).await?;
        let listing = list::FtpListing::new(self, plan, path);
        Ok(Box::new(listing.with_options(options)))
    }

    async fn read<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ReadOptions,
    ) -> Result<Box<dyn ReadBody + 's>> {
        let more_follow = std::mem::take(&mut self.more_follow);
        let mut begun = self.begin_read(path, &options).await;
        while let Err(error) = &begun
            && self.begins_anew(error).await
        {
            begun = self.begin_read(path, &options).await;
        }
        let begun = self.explained(begun, Operation::Read, path).await?;
        let read = read::FtpRead::new(self, begun, path, &options);
        Ok(Box::new(read.followed(more_follow)))
    }

    fn read_files<'s>(
        &'s mut self,
        paths: Vec<RemotePath>,
        limit: u64,
    ) -> Box<dyn FileContents + 's> {
        Box::new(many::FtpFiles::new(self, paths, limit))
    }

    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        mut options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>> {
        let more_follow = std::mem::take(&mut self.more_follow);
        let mut begun = self.begin_write(path, &options).await;
        while let Err(error) = &begun
            && self.begins_anew(error).await
        {
            if options.disposition == Disposition::CreateNew {
                // An empty file of that name is our own now.
                options = options.with_disposition(Disposition::Replace);
            }
            begun = self.begin_write(path, &options).await;
        }
        let before = self.explained(begun, Operation::Write, path).await?;
        let write = write::FtpWrite::new(self, before, path, &options);
        Ok(Box::new(write.followed(more_follow)))
    }

    fn write_files<'s>(&'s mut self, files: Vec<FileToWrite>) -> Box<dyn FilesWritten + 's> {
        Box::new(many::FtpFilesWritten::new(self, files))
    }

    async fn close(mut self: Box<Self>) -> Result<()> {
        // What an abandoned operation left is waited for only as long as a goodbye is worth.
        if matches!(timeout(GOODBYE, self.resynchronise()).await, Ok(Ok(()))) {
            self.wire.send(&Command::new("QUIT"));
            // Servers that just close are as polite as one may expect. One that is near answers at once, and
            // has ended the session then; one that is far away is not waited for.
            if self.wire.next_reply_within(LEAVE).await.is_err() {
                let Self { mut wire, .. } = *self;
                tokio::spawn(async move {
                    let _ = wire.next_reply_within(GOODBYE).await;
                    wire.close(GOODBYE).await;
                });
                return Ok(());
            }
        }
        self.wire.close(GOODBYE).await;
        Ok(())
    }

    async fn rename(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        let result = self.rename_to(from, to, options).await;
        self.explained(result, Operation::Rename, from).await
    }

    async fn rename_files(
        &mut self,
        names: &[(RemotePath, RemotePath)],
        options: RenameOptions,
    ) -> Vec<Result<()>> {
        self.rename_many(names, options).await
    }

    async fn remove_file(&mut self, path: &RemotePath) -> Result<()> {
        let result = self.simple("DELE", path).await;
        self.explained(result, Operation::RemoveFile, path).await?;
        Ok(())
    }

    async fn create_dir(&mut self, path: &RemotePath, options: CreateDirOptions) -> Result<()> {
        let result = self.make_dir(path, options).await;
        self.explained(result, Operation::CreateDir, path).await
    }

    async fn remove_dir(&mut self, path: &RemotePath) -> Result<()> {
        let result = self.simple("RMD", path).await;
        self.explained(result, Operation::RemoveDir, path).await?;
        Ok(())
    }

    async fn set_modified(&mut self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let result = self.send_modified(path, modified).await;
        self.explained(result, Operation::SetModified, path).await
    }

    async fn set_permissions(&mut self, path: &RemotePath, permissions: Permissions) -> Result<()> {
        let result = self.send_permissions(path, permissions).await;
        self.explained(result, Operation::SetPermissions, path)
            .await
    }

    async fn checksum(
        &mut self,
        path: &RemotePath,
        algorithm: ChecksumAlgorithm,
    ) -> Result<Checksum> {
        let result = self.ask_checksum(path, algorithm).await;
        self.explained(result, Operation::Checksum, path).await
    }

    async fn current_dir(&mut self) -> Result<RemotePath> {
        let result = self.ask_current_dir().await;
        result.map_err(|error| error.with_operation(Operation::CurrentDir))
    }

    async fn set_current_dir(&mut self, path: &RemotePath) -> Result<()> {
        let result = self.go_to(path).await;
        self.explained(result, Operation::SetCurrentDir, path).await
    }

    async fn free_space(&mut self, path: &RemotePath) -> Result<FreeSpace> {
        let result = self.ask_free_space(path).await;
        self.explained(result, Operation::FreeSpace, path).await
    }

    async fn keep_alive(&mut self) -> Result<()> {
        let result = async {
            self.ready().await?;
            self.exchange(Command::new("NOOP")).await
        }
        .await;
        // Whatever the server says to it, it is there.
        match result {
            Ok(_) => Ok(()),
            Err(error) => Err(error.with_operation(Operation::KeepAlive)),
        }
    }

    async fn raw(&mut self, command: &[u8]) -> Result<ServerReply> {
        let result = async {
            let line = Argument::new(command).map_err(names::refused)?;
            let command = Command::raw(line);
            let verb = command.verb().to_ascii_uppercase();
            if verb.is_empty() || NOT_RAW.contains(&verb.as_str()) {
                return Err(Error::new(ErrorKind::InvalidParameter)
                    .with_message(format!("{verb:?} cannot be sent as a raw command"))
                    .with_hint("use the session's own operation for it"));
            }
            self.ready().await?;
            match verb.as_str() {
                "CWD" | "CDUP" | "XCWD" | "XCUP" => self.away = true,
                "TYPE" => self.transfer_type = None,
                "OPTS" => self.hash = None,
                _ => {}
            }
            let exchange = Exchange::wanting(command, Wanted::Any);
            let reply = self.wire.run(exchange).await?;
            Ok(failure::server_reply(&reply))
        };
        let result: Result<ServerReply> = result.await;
        result.map_err(|error| error.with_operation(Operation::Raw))
    }
}

/// Commands that open data connections, change how the connection is secured, or end the session.
const NOT_RAW: [&str; 25] = [
    "ABOR", "ACCT", "APPE", "AUTH", "CCC", "EPRT", "EPSV", "LIST", "MLSD", "MODE", "NLST", "PASS",
    "PASV", "PBSZ", "PORT", "PROT", "QUIT", "REIN", "REST", "RETR", "RNFR", "STOR", "STOU", "STRU",
    "USER",
];

/// How long the replies to an abandoned operation may take.
pub(crate) const RESYNCHRONISE: Duration = Duration::from_secs(15);

/// How long the first byte of an abandoned TLS data connection is waited for.
const PARTING: Duration = Duration::from_millis(500);

/// How long the server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(3);

/// How long the one who leaves waits for the answer to QUIT.
const LEAVE: Duration = Duration::from_millis(10);

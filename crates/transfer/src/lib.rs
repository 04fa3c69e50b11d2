//! Whole files over any FTP Connect backend: [`download`] and [`upload`].
//!
//! This crate knows [`Session`] and nothing below it, so that a backend written by anybody gains all
//! that is here. A download is published safely: the local file is the old one or the whole new one,
//! never a part of it. Both directions compare sizes where the server tells them and report how far
//! the result is proven ([`Integrity`]).
//!
//! Not here: folders, resuming, retrying, several transfers at once.

#![forbid(unsafe_code)]

use std::path::Path;

use ftp_connect_core::{
    Disposition, Entry, EntryKind, Error, ErrorKind, Operation, ReadOptions, RemotePath, Result,
    Session, StatOptions, TransferType, WriteBody, WriteOptions,
};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
};

/// How a transfer is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferOptions {
    /// Whether a file that is there already is replaced. On by default, as copy commands do.
    pub overwrite: bool,
    /// Binary or text; sizes are not compared for text, whose line ends change on the way.
    pub transfer_type: TransferType,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self {
            overwrite: true,
            transfer_type: TransferType::Binary,
        }
    }
}

impl TransferOptions {
    /// Sets [`TransferOptions::overwrite`].
    #[must_use]
    pub fn with_overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Sets [`TransferOptions::transfer_type`].
    #[must_use]
    pub fn with_transfer_type(mut self, transfer_type: TransferType) -> Self {
        self.transfer_type = transfer_type;
        self
    }
}

/// What is known half-way, given to the progress function after each piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes over so far.
    pub bytes: u64,
    /// Bytes in all, where known.
    pub total: Option<u64>,
}

/// A finished transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Bytes of content.
    pub bytes: u64,
    /// How far it is proven that they are the whole file.
    pub integrity: Integrity,
    /// Whether the data connection's TLS session was resumed; `None` without TLS of its own.
    pub tls_resumed: Option<bool>,
}

/// How far it is proven that a transfer is whole, beyond both ends saying so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Integrity {
    /// Source and copy have the same size.
    Size,
    /// The protocol's own end, and no more: the server does not tell sizes, or text was converted.
    Unverified,
}

/// Downloads a file to a local path.
///
/// The bytes go to a temporary file in the same folder, which takes the name when all of it is
/// there and on disk; after a failure or a dropped future it is gone. A file that is replaced leaves
/// its permissions to the new one; a new one gets those of the process's umask. A symbolic link stays,
/// and the file it points to is replaced. What is no file, such as a pipe or `/dev/null`, is written
/// to as it is.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if the local file is there and may not be replaced,
/// [`ErrorKind::IsADirectory`] if it is a folder, [`ErrorKind::TransferNotWhole`] if the size differs
/// from what the server told before, and what the session and the file system say.
///
/// # Cancel safety
/// Dropping the future leaves the local file as it was.
pub async fn download(
    session: &mut dyn Session,
    from: &RemotePath,
    to: &Path,
    options: TransferOptions,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Outcome> {
    let refused = || {
        Error::new(ErrorKind::AlreadyExists)
            .with_message(format!("{} is there already", to.display()))
            .with_hint("allow overwriting, or choose another name")
    };
    let old = match std::fs::metadata(to) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(local(to, error)),
    };
    if old.is_some() && !options.overwrite {
        return Err(refused());
    }
    let target = match &old {
        None => to.to_owned(),
        Some(old) if old.is_dir() => {
            return Err(Error::new(ErrorKind::IsADirectory)
                .with_message(format!("{} is a folder", to.display()))
                .with_hint("give the name of a file in it"));
        }
        Some(old) if !old.is_file() => {
            let opened = tokio::fs::OpenOptions::new().write(true).open(to).await;
            let mut file = opened.map_err(|e| local(to, e))?;
            return download_to(session, from, &mut file, options, progress).await;
        }
        // The name behind a symbolic link, if it is one.
        Some(_) => to.canonicalize().map_err(|e| local(to, e))?,
    };
    let temporary = temporary_beside(&target)?;
    let mut file = File::from_std(temporary.as_file().try_clone()?);
    let outcome = download_to(session, from, &mut file, options, progress).await?;
    if let Some(old) = old {
        file.set_permissions(old.permissions())
            .await
            .map_err(|e| local(to, e))?;
    }
    file.sync_all().await.map_err(|e| local(to, e))?;
    drop(file);
    let published = if options.overwrite {
        temporary.persist(&target)
    } else {
        temporary.persist_noclobber(&target)
    };
    published.map_err(|failed| {
        if failed.error.kind() == std::io::ErrorKind::AlreadyExists {
            return refused();
        }
        local(to, failed.error)
    })?;
    Ok(outcome)
}

/// Downloads a file into any writer, which is flushed at the end.
///
/// # Errors
/// As [`download`], but what was written before a failure stays in the writer.
///
/// # Cancel safety
/// Not cancel safe: the writer has then had an unknown part.
pub async fn download_to(
    session: &mut dyn Session,
    from: &RemotePath,
    to: &mut (dyn AsyncWrite + Send + Unpin),
    options: TransferOptions,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Outcome> {
    let total = size_of(session, from, options).await?;
    let read = ReadOptions::default().with_transfer_type(options.transfer_type);
    let mut body = session.read(from, read).await?;
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    progress(Progress { bytes, total });
    loop {
        let n = body.read(&mut buffer).await?;
        if n == 0 {
            break;
        }
        to.write_all(&buffer[..n]).await.map_err(target)?;
        bytes += n as u64;
        progress(Progress { bytes, total });
    }
    to.flush().await.map_err(target)?;
    let transferred = body.finish().await?;
    if !transferred.to_end {
        return Err(Error::new(ErrorKind::TransferNotWhole)
            .with_operation(Operation::Read)
            .with_path(from)
            .with_message("the end of the file was not reached"));
    }
    let integrity = compare(total, bytes, Operation::Read, from)?;
    Ok(Outcome {
        bytes,
        integrity,
        tls_resumed: transferred.tls_resumed,
    })
}

/// Uploads a local file. The file on the server is written in place.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if the remote file is there and may not be replaced,
/// [`ErrorKind::TransferNotWhole`] if the server's size differs afterwards, and what the session and
/// the file system say.
///
/// # Cancel safety
/// Dropping the future leaves the remote file in an unknown state.
pub async fn upload(
    session: &mut dyn Session,
    from: &Path,
    to: &RemotePath,
    options: TransferOptions,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Outcome> {
    let mut file = File::open(from).await.map_err(|e| local(from, e))?;
    let metadata = file.metadata().await.map_err(|e| local(from, e))?;
    if metadata.is_dir() {
        return Err(Error::new(ErrorKind::IsADirectory)
            .with_message(format!("{} is a folder", from.display()))
            .with_hint("upload its files one by one"));
    }
    let size = metadata.is_file().then_some(metadata.len());
    upload_from(session, &mut file, size, to, options, progress).await
}

/// Uploads all that a reader gives; `size` is its length in bytes, where known.
///
/// # Errors
/// As [`upload`].
///
/// # Cancel safety
/// As [`upload`].
pub async fn upload_from(
    session: &mut dyn Session,
    from: &mut (dyn AsyncRead + Send + Unpin),
    size: Option<u64>,
    to: &RemotePath,
    options: TransferOptions,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Outcome> {
    let disposition = if options.overwrite {
        Disposition::Replace
    } else {
        Disposition::CreateNew
    };
    let mut write = WriteOptions::default()
        .with_disposition(disposition)
        .with_transfer_type(options.transfer_type);
    write.size_hint = size;
    let mut body = session.write(to, write).await?;
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    progress(Progress { bytes, total: size });
    loop {
        let n = from.read(&mut buffer).await.map_err(source)?;
        if n == 0 {
            break;
        }
        write_whole(&mut *body, &buffer[..n]).await?;
        bytes += n as u64;
        progress(Progress { bytes, total: size });
    }
    let transferred = body.finish().await?;
    // A file that changed while it was read is not the file that was asked for.
    compare(size, bytes, Operation::Write, to)?;
    let integrity = match size_of(session, to, options).await {
        Ok(remote) => compare(remote, bytes, Operation::Write, to)?,
        // The upload itself was confirmed; a server may hide what it was given.
        Err(_) => Integrity::Unverified,
    };
    Ok(Outcome {
        bytes,
        integrity,
        tls_resumed: transferred.tls_resumed,
    })
}

async fn write_whole(body: &mut dyn WriteBody, mut data: &[u8]) -> Result<()> {
    while !data.is_empty() {
        let n = body.write(data).await?;
        data = &data[n..];
    }
    Ok(())
}

/// The size of a file as the server tells it. A folder is refused here, because some servers let one
/// read a folder as an empty file.
async fn size_of(
    session: &mut dyn Session,
    path: &RemotePath,
    options: TransferOptions,
) -> Result<Option<u64>> {
    let stat = StatOptions::default().with_follow_links(true);
    match session.stat(path, stat).await {
        Ok(Entry {
            kind: EntryKind::Dir,
            ..
        }) => Err(Error::new(ErrorKind::IsADirectory)
            .with_operation(Operation::Read)
            .with_path(path)),
        Ok(Entry {
            kind: EntryKind::File,
            size,
            ..
        }) if options.transfer_type == TransferType::Binary => Ok(size),
        Ok(_) => Ok(None),
        // Not every server can tell about a file it will give; reading it decides.
        Err(error) if matches!(error.kind(), ErrorKind::Closed | ErrorKind::TimedOut) => Err(error),
        Err(_) => Ok(None),
    }
}

fn compare(
    expected: Option<u64>,
    bytes: u64,
    operation: Operation,
    path: &RemotePath,
) -> Result<Integrity> {
    match expected {
        None => Ok(Integrity::Unverified),
        Some(size) if size == bytes => Ok(Integrity::Size),
        Some(size) => Err(Error::new(ErrorKind::TransferNotWhole)
            .with_operation(operation)
            .with_path(path)
            .with_message(format!("{bytes} bytes went over, but the file has {size}"))),
    }
}

fn temporary_beside(path: &Path) -> Result<tempfile::NamedTempFile> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".ftp-connect-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder).map_err(|e| local(path, e))
}

/// The writer a download goes to failed; that is not the connection's end.
fn target(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io)
        .with_message(format!("writing what was downloaded: {error}"))
        .with_source(error)
}

/// The reader an upload comes from failed.
fn source(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io)
        .with_message(format!("reading what is to be uploaded: {error}"))
        .with_source(error)
}

fn local(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io)
        .with_message(format!("local file {}: {error}", path.display()))
        .with_hint("check the path and its permissions, and the room on the disk")
        .with_source(error)
}

/// Bytes moved in one piece: large enough that the work per piece does not count.
const BUFFER: usize = 256 * 1024;

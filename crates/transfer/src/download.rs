//! Files from the server: to a path, published in one step, or to a writer.

use std::{
    cmp::Ordering,
    fs::Metadata,
    io::Read as _,
    path::{Path, PathBuf},
};

use ftp_connect_core::{
    Error, ErrorKind, Operation, ReadOptions, RemotePath, Result, Session, Transferred,
};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWrite, AsyncWriteExt as _},
};

use crate::{
    Integrity, Outcome, Overwrite, Place, Publish, TransferOptions, Verify,
    failure::{self, not_whole},
    integrity,
    part::{
        self,
        local::{LocalPart, folder_of},
        writer::Writer,
    },
    progress::{Meter, Observer},
    remote::Source,
    times,
};

/// Downloads a file to a local path.
///
/// The bytes go to another file in the same folder, which takes the name when all of it is
/// there and on disk; after a failure or a dropped future it is gone, unless
/// [`Overwrite::Resume`] asks to keep it. A file that is replaced leaves
/// its permissions to the new one; a new one gets those of the process's umask. A symbolic link stays,
/// and the file it points to is replaced. What is no file, such as a pipe or `/dev/null`, is written
/// to as it is.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if the local file is there and may not be replaced,
/// [`ErrorKind::IsADirectory`] if it is a folder, [`ErrorKind::TransferNotWhole`] if size or checksum
/// differs from what the server tells, and what the session and the file system say.
///
/// # Cancel safety
/// Dropping the future leaves the local file as it was.
pub async fn download(
    session: &mut dyn Session,
    from: &RemotePath,
    to: &Path,
    options: &TransferOptions,
    progress: &mut Observer<'_>,
) -> Result<Outcome> {
    let mut download = Download::new(from, to, options);
    download.attempt(session, progress).await
}

/// Downloads a file into any writer, which is flushed at the end. [`TransferOptions::overwrite`] means nothing
/// here.
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
    options: &TransferOptions,
    progress: &mut Observer<'_>,
) -> Result<Outcome> {
    let source = ask(session, from, options).await?;
    let checksum = if options.verify == Verify::Checksum && !options.is_text() {
        integrity::on_server(session, from).await?
    } else {
        None
    };
    let mut digest = checksum
        .as_ref()
        .and_then(|told| integrity::Digest::new(told.algorithm));
    let read = ReadOptions::default().with_transfer_type(options.transfer_type);
    let mut body = session.read(from, read).await?;
    let mut buffer = buffer(options);
    let mut meter = Meter::new(0, source.size);
    progress(meter.now());
    loop {
        let n = body.read(&mut buffer).await?;
        if n == 0 {
            break;
        }
        to.write_all(&buffer[..n]).await.map_err(failure::target)?;
        if let Some(digest) = &mut digest {
            digest.update(&buffer[..n]);
        }
        progress(meter.count(n as u64));
        if let Some(limit) = &options.rate_limit {
            limit.account(n).await;
        }
    }
    to.flush().await.map_err(failure::target)?;
    let transferred = whole(body.finish().await?, from)?;
    let mut proven = compare(options, source.size, meter.bytes(), Operation::Read, from)?;
    if let (Some(told), Some(digest)) = (&checksum, digest) {
        if told.digest != digest.finish() {
            return Err(not_whole(
                Operation::Read,
                from,
                "the checksum differs from the server's",
            ));
        }
        proven = Integrity::Hash;
    }
    let mut outcome = Outcome::new(meter.bytes(), proven, Publish::InPlace, Place::Stream);
    outcome.tls_resumed = transferred.tls_resumed;
    Ok(outcome)
}

/// A download that may take several attempts.
#[derive(Debug)]
pub(crate) struct Download<'o> {
    from: &'o RemotePath,
    to: PathBuf,
    options: &'o TransferOptions,
    /// What a listing told of the file, which saves asking.
    listed: Option<Source>,
    /// What the file was at the last attempt: what has come of it is of use only while it is that.
    source: Option<Source>,
    part: Option<LocalPart>,
}

impl<'o> Download<'o> {
    pub(crate) fn new(from: &'o RemotePath, to: &Path, options: &'o TransferOptions) -> Self {
        Self {
            from,
            to: to.to_owned(),
            options,
            listed: None,
            source: None,
            part: None,
        }
    }

    /// Takes what a listing told for the truth about the file, until an attempt has failed. Text has another
    /// size here, and so it is asked about as ever.
    pub(crate) fn with_listed(mut self, listed: Source) -> Self {
        let is_told = listed.size.is_some() && !self.options.is_text();
        self.listed = is_told.then_some(listed);
        self
    }

    /// Tries once. What has come before a failure is kept for the next attempt.
    ///
    /// # Errors
    /// As [`download`].
    pub(crate) async fn attempt(
        &mut self,
        session: &mut dyn Session,
        progress: &mut Observer<'_>,
    ) -> Result<Outcome> {
        let old = existing(&self.to)?;
        if let (Overwrite::Refuse, Some(_)) = (self.options.overwrite, &old) {
            return Err(failure::taken(self.to.display()));
        }
        if old
            .as_ref()
            .is_some_and(|old| !old.is_file() && !old.is_dir())
        {
            return self.fill_device(session, progress).await;
        }
        let target = resolve(&self.to, old.as_ref())?;
        let source = match self.listed.take() {
            Some(listed) => listed,
            None => ask(session, self.from, self.options).await?,
        };
        if let Some(old) = &old
            && let Some(skipped) = self.skip(session, old, &target, &source).await?
        {
            return Ok(skipped);
        }
        let target = match (&old, self.options.overwrite) {
            (Some(_), Overwrite::Rename) => free_name(&target)?,
            _ => target,
        };
        let old = old.filter(|_| self.options.overwrite != Overwrite::Rename);
        self.open_part(&target, &source, old.as_ref())?;
        self.source = Some(source);
        let (mut outcome, resumed) = self.fill(session, &source, progress).await?;
        outcome.integrity = self
            .prove(session, &source, resumed, outcome.integrity)
            .await?;
        let part = self.part.take().expect("a part was filled");
        outcome.attributes_kept = dress(&part, &source, old.as_ref(), self.options)?;
        if self.options.durable {
            part.sync().await?;
        }
        part.publish(may_replace(self.options.overwrite))?;
        outcome.place = Place::Local(target);
        Ok(outcome)
    }

    async fn fill_device(
        &self,
        session: &mut dyn Session,
        progress: &mut Observer<'_>,
    ) -> Result<Outcome> {
        let opened = tokio::fs::OpenOptions::new()
            .write(true)
            .open(&self.to)
            .await;
        let mut file = opened.map_err(|e| failure::local(&self.to, e))?;
        let outcome = download_to(session, self.from, &mut file, self.options, progress).await?;
        let place = Place::Local(self.to.clone());
        Ok(Outcome { place, ..outcome })
    }

    /// Says if the file that is there is to stay, or is the whole file already.
    async fn skip(
        &self,
        session: &mut dyn Session,
        old: &Metadata,
        target: &Path,
        source: &Source,
    ) -> Result<Option<Outcome>> {
        let same_size = source.size == Some(old.len());
        let stays = match self.options.overwrite {
            Overwrite::IfNewer => match (source.modified, times::of(old)) {
                (Some(there), Some(here)) => matches!(
                    times::compare(&there, &here),
                    Some(Ordering::Less | Ordering::Equal)
                ),
                _ => false,
            },
            Overwrite::IfSizeDiffers => same_size,
            Overwrite::Resume if same_size && !self.options.is_text() => {
                return self.is_whole(session, old, target).await;
            }
            _ => false,
        };
        let integrity = if same_size {
            Integrity::Size
        } else {
            Integrity::Unverified
        };
        Ok(stays.then(|| Outcome::skipped(integrity, Place::Local(target.to_owned()))))
    }

    /// Whether a file of the right size is the file: by checksum, or by its end.
    async fn is_whole(
        &self,
        session: &mut dyn Session,
        old: &Metadata,
        target: &Path,
    ) -> Result<Option<Outcome>> {
        let skipped = |integrity| Outcome::skipped(integrity, Place::Local(target.to_owned()));
        if let Some(same) = same_checksum(session, self.from, target).await? {
            return Ok(same.then(|| skipped(Integrity::Hash)));
        }
        if !session.capabilities().read_offset {
            return Ok(None);
        }
        let mut file = File::open(target)
            .await
            .map_err(|e| failure::local(target, e))?;
        let tail = end_of(&mut file, old.len())
            .await
            .map_err(|e| failure::local(target, e))?;
        let same = is_same_end(session, self.from, old.len(), &tail, true).await?;
        Ok(same.then(|| skipped(Integrity::Size)))
    }

    /// Opens the part, with what may be the beginning of the file in it.
    fn open_part(&mut self, target: &Path, source: &Source, old: Option<&Metadata>) -> Result<()> {
        let unchanged = self.source.is_none_or(|before| before == *source);
        if let Some(part) = &self.part
            && part.target() == target
        {
            return if unchanged { Ok(()) } else { part.cut(0) };
        }
        // What was written under another name is of no use.
        self.part = None;
        if !self.options.resumes() {
            let part = LocalPart::open(target, part::PLAIN)?;
            part.cut(0)?;
            self.part = Some(part);
            return Ok(());
        }
        let tag = part::tag_of_remote(self.from, source);
        let part = LocalPart::open(target, &format!(".ftp-connect-{tag}.part"))?;
        part.remove_others();
        if self.options.overwrite == Overwrite::Resume
            && let (0, Some(old)) = (part.len()?, old)
            && source.size.is_none_or(|size| old.len() < size)
        {
            let mut from = std::fs::File::open(target).map_err(|e| failure::local(target, e))?;
            std::io::copy(&mut (&mut from).take(old.len()), &mut part.file())
                .map_err(|e| failure::local(target, e))?;
        }
        self.part = Some(part);
        Ok(())
    }

    /// Transfers what is missing in the part; says whether it had a beginning.
    async fn fill(
        &self,
        session: &mut dyn Session,
        source: &Source,
        progress: &mut Observer<'_>,
    ) -> Result<(Outcome, bool)> {
        let part = self.part.as_ref().expect("a part was opened");
        let here = |error| failure::local(part.path(), error);
        let mut file = File::from_std(part.file().try_clone()?);
        let mut have = part.len()?;
        if self.options.is_text()
            || !session.capabilities().read_offset
            || source.size.is_some_and(|size| size < have)
        {
            part.cut(0)?;
            have = 0;
        }
        if have > 0 {
            let tail = end_of(&mut file, have).await.map_err(here)?;
            let is_all = source.size == Some(have);
            if !is_same_end(session, self.from, have, &tail, is_all).await? {
                part.cut(0)?;
                have = 0;
            }
        }
        file.seek(std::io::SeekFrom::Start(have))
            .await
            .map_err(here)?;
        let mut meter = Meter::new(have, source.size);
        progress(meter.now());
        let mut resumed = None;
        if have == 0 || source.size != Some(have) {
            let read = ReadOptions::default()
                .with_transfer_type(self.options.transfer_type)
                .with_offset(have);
            let mut body = session.read(self.from, read).await?;
            let mut writer = Writer::new(file.into_std().await, piece(self.options));
            loop {
                let read = body.read(writer.room()).await;
                // What has come stays for the next attempt, and so it must have reached the file.
                let n = match read {
                    Ok(n) => n,
                    Err(error) => {
                        let _ = writer.finish().await;
                        return Err(error);
                    }
                };
                if n == 0 {
                    break;
                }
                writer.filled(n).await.map_err(here)?;
                progress(meter.count(n as u64));
                if let Some(limit) = &self.options.rate_limit {
                    limit.account(n).await;
                }
            }
            writer.finish().await.map_err(here)?;
            resumed = whole(body.finish().await?, self.from)?.tls_resumed;
        }
        let proven = compare(
            self.options,
            source.size,
            meter.bytes(),
            Operation::Read,
            self.from,
        );
        if proven.is_err() {
            // It is not known which part of this is right.
            part.cut(0)?;
        }
        let place = Place::Local(part.target().to_owned());
        let mut outcome = Outcome::new(meter.bytes(), proven?, Publish::Atomic, place);
        outcome.resumed_at = have;
        outcome.tls_resumed = resumed;
        Ok((outcome, have > 0))
    }

    /// Compares checksums, if that was asked for, or if the beginning of the file came at another time.
    async fn prove(
        &self,
        session: &mut dyn Session,
        source: &Source,
        resumed: bool,
        proven: Integrity,
    ) -> Result<Integrity> {
        let wanted = match self.options.verify {
            Verify::Checksum => true,
            Verify::Size => resumed,
            Verify::Nothing => false,
        };
        let part = self.part.as_ref().expect("a part was filled");
        if !wanted || self.options.is_text() || source.size == Some(0) {
            return Ok(proven);
        }
        match same_checksum(session, self.from, part.path()).await? {
            None => Ok(proven),
            Some(true) => Ok(Integrity::Hash),
            Some(false) => {
                part.cut(0)?;
                Err(not_whole(
                    Operation::Read,
                    self.from,
                    "the checksum differs from the server's",
                ))
            }
        }
    }
}

/// Gives a part the permissions and the time that the file shall have; says whether what was to be kept is.
///
/// # Errors
/// When the permissions of the file that is replaced cannot be set.
pub(crate) fn dress(
    part: &LocalPart,
    source: &Source,
    old: Option<&Metadata>,
    options: &TransferOptions,
) -> Result<Option<bool>> {
    let file = part.file();
    let mut kept = None;
    let mut note = |set: bool| kept = Some(kept.unwrap_or(true) && set);
    if let Some(old) = old {
        let set = file.set_permissions(old.permissions());
        set.map_err(|error| failure::local(part.target(), error))?;
    }
    if options.keep_permissions
        && let Some(permissions) = source.permissions
    {
        note(set_mode(file, permissions.mode()));
    }
    if options.keep_times
        && let Some(modified) = source.modified
    {
        note(times::to_system(&modified).is_some_and(|at| file.set_modified(at).is_ok()));
    }
    Ok(kept)
}

impl Drop for Download<'_> {
    /// What has come goes, or stays if resuming was asked for: also if the future was dropped.
    fn drop(&mut self) {
        if self.options.resumes()
            && let Some(part) = self.part.take()
        {
            part.keep();
        }
    }
}

/// What has the name already.
///
/// # Errors
/// When the file system does not tell.
pub(crate) fn existing(path: &Path) -> Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(old) => Ok(Some(old)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failure::local(path, error)),
    }
}

/// The file that is meant: behind a symbolic link, if it is one.
///
/// # Errors
/// [`ErrorKind::IsADirectory`].
pub(crate) fn resolve(path: &Path, old: Option<&Metadata>) -> Result<PathBuf> {
    match old {
        None => Ok(path.to_owned()),
        Some(old) if old.is_dir() => Err(Error::new(ErrorKind::IsADirectory)
            .with_message(format!("{} is a folder", path.display()))
            .with_hint("give the name of a file in it")),
        Some(_) => path
            .canonicalize()
            .map_err(|error| failure::local(path, error)),
    }
}

/// What the server tells of a file, where that is of use: for text nothing is.
async fn ask(
    session: &mut dyn Session,
    path: &RemotePath,
    options: &TransferOptions,
) -> Result<Source> {
    let source = Source::ask(session, path).await?;
    let size = source.size.filter(|_| !options.is_text());
    Ok(Source { size, ..source })
}

/// Whether the `tail` of a file of which `have` bytes are here is the same in the original, and, if these are to
/// be all, whether that ends there too: a server may tell a wrong size.
///
/// # Errors
/// When the original cannot be read.
pub(crate) async fn is_same_end(
    session: &mut dyn Session,
    path: &RemotePath,
    have: u64,
    tail: &[u8],
    is_all: bool,
) -> Result<bool> {
    let length = tail.len() + usize::from(is_all);
    let read = ReadOptions::default()
        .with_offset(have - tail.len() as u64)
        .with_length(length as u64);
    let mut body = session.read(path, read).await?;
    let mut there = vec![0; length];
    let mut filled = 0;
    while filled < there.len() {
        match body.read(&mut there[filled..]).await? {
            0 => break,
            n => filled += n,
        }
    }
    body.finish().await?;
    Ok(there[..filled] == *tail)
}

/// The last bytes of what is here.
pub(crate) async fn end_of(file: &mut File, len: u64) -> std::io::Result<Vec<u8>> {
    let length = len.min(TAIL);
    file.seek(std::io::SeekFrom::Start(len - length)).await?;
    let mut tail = Vec::new();
    file.take(length).read_to_end(&mut tail).await?;
    Ok(tail)
}

/// Whether a local file has the checksum that the server tells; `None` if it tells none.
pub(crate) async fn same_checksum(
    session: &mut dyn Session,
    remote: &RemotePath,
    local: &Path,
) -> Result<Option<bool>> {
    let Some(told) = integrity::on_server(session, remote).await? else {
        return Ok(None);
    };
    let here = integrity::of_file(local, told.algorithm).await?;
    Ok(here.map(|here| here == told.digest))
}

/// A name of the same kind that is free: `name (1).txt`.
fn free_name(path: &Path) -> Result<PathBuf> {
    let stem = path.file_stem().unwrap_or_default();
    for number in 1..=MOST_NAMES {
        let mut name = stem.to_owned();
        name.push(format!(" ({number})"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        let free = folder_of(path).join(name);
        if std::fs::symlink_metadata(&free).is_err() {
            return Ok(free);
        }
    }
    Err(failure::taken(path.display()))
}

fn may_replace(overwrite: Overwrite) -> bool {
    !matches!(overwrite, Overwrite::Refuse | Overwrite::Rename)
}

pub(crate) fn whole(transferred: Transferred, path: &RemotePath) -> Result<Transferred> {
    if transferred.to_end {
        return Ok(transferred);
    }
    Err(not_whole(
        Operation::Read,
        path,
        "the end of the file was not reached",
    ))
}

pub(crate) fn compare(
    options: &TransferOptions,
    expected: Option<u64>,
    bytes: u64,
    operation: Operation,
    path: &RemotePath,
) -> Result<Integrity> {
    match expected {
        None => Ok(Integrity::Unverified),
        Some(_) if options.verify == Verify::Nothing => Ok(Integrity::Unverified),
        Some(size) if size == bytes => Ok(Integrity::Size),
        Some(size) => Err(not_whole(
            operation,
            path,
            format!("{bytes} bytes went over, but the file has {size}"),
        )),
    }
}

pub(crate) fn buffer(options: &TransferOptions) -> Vec<u8> {
    vec![0; piece(options)]
}

/// How many bytes are moved at a time.
pub(crate) fn piece(options: &TransferOptions) -> usize {
    let piece = options
        .rate_limit
        .as_ref()
        .map_or(BUFFER, crate::RateLimit::piece);
    piece.clamp(1, BUFFER)
}

#[cfg(unix)]
pub(crate) fn set_mode(file: &std::fs::File, mode: u32) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // What a server says shall not make a file run as somebody else.
    file.set_permissions(std::fs::Permissions::from_mode(mode & 0o777))
        .is_ok()
}

#[cfg(not(unix))]
pub(crate) fn set_mode(_file: &std::fs::File, _mode: u32) -> bool {
    false
}

/// How much of the end must be the same: more than the block of zeros that a crash leaves, and little to read.
const TAIL: u64 = 64 * 1024;

/// Bytes moved in one piece: large enough that the work per piece does not count.
const BUFFER: usize = 256 * 1024;

/// How many names are tried.
pub(crate) const MOST_NAMES: u32 = 10_000;

//! Files to the server: published by a rename where the server allows it.

use std::{cmp::Ordering, path::Path};

use ftp_connect_core::{
    Disposition, Error, ErrorKind, Operation, Permissions, RemotePath, RenameOptions, Result,
    Session, StatOptions, Timestamp, Transferred, WriteBody, WriteOptions,
};
use tokio::{
    fs::File,
    io::{AsyncRead, AsyncReadExt as _, AsyncSeekExt as _},
};

use crate::{
    Integrity, Outcome, Overwrite, Place, Publish, Staging, TransferOptions, Verify,
    download::{MOST_NAMES, buffer, compare, end_of, is_same_end, same_checksum},
    failure::{self, not_whole, told_of},
    part,
    progress::{Meter, Observer},
    remote::{Old, Source},
    times,
};

/// Uploads a local file.
///
/// It is written under another name in the same folder and renamed when it is whole, where the server allows
/// that; [`Outcome::publish`] says what others could see. After a failure the other name is removed if the
/// session still works. A file that is replaced leaves its permissions to the new one, where the server can
/// set them.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] if the remote file is there and may not be replaced,
/// [`ErrorKind::IsADirectory`] if either is a folder, [`ErrorKind::TransferNotWhole`] if the server's size
/// or checksum differs afterwards, and what the session and the file system say.
///
/// # Cancel safety
/// Dropping the future leaves the remote file as it was, unless it is written in place, and a file that
/// the next upload of the same file replaces.
pub async fn upload(
    session: &mut dyn Session,
    from: &Path,
    to: &RemotePath,
    options: &TransferOptions,
    progress: &mut Observer<'_>,
) -> Result<Outcome> {
    let mut upload = Upload::new(from, to, options);
    match upload.attempt(session, progress).await {
        Ok(outcome) => Ok(outcome),
        Err(error) => {
            if !failure::is_lost(&error) {
                upload.clean(session).await;
            }
            Err(error)
        }
    }
}

/// Uploads all that a reader gives; `size` is its length in bytes, where known.
///
/// # Errors
/// As [`upload`]. [`Overwrite::IfNewer`] and [`Overwrite::Resume`] replace, for a stream has no time and no
/// beginning to go back to.
///
/// # Cancel safety
/// As [`upload`], but what was begun under another name stays.
pub async fn upload_from(
    session: &mut dyn Session,
    from: &mut (dyn AsyncRead + Send + Unpin),
    size: Option<u64>,
    to: &RemotePath,
    options: &TransferOptions,
    progress: &mut Observer<'_>,
) -> Result<Outcome> {
    let size = size.filter(|_| !options.is_text());
    let local = Local {
        size,
        modified: None,
        permissions: None,
    };
    let mut target = match Target::choose(session, to, None, &local, options).await? {
        Chosen::Skipped(outcome) => return Ok(outcome),
        Chosen::Write(target) => target,
    };
    let tag = part::random_tag();
    target.stage(session, &tag, options);
    let mut meter = Meter::new(0, size);
    progress(meter.now());
    let mut sent = stream(
        session,
        from,
        &mut target,
        &local,
        &mut meter,
        options,
        progress,
    )
    .await;
    if let Err(error) = &sent
        && target.is_staged()
        && !target.debris
        && in_place_may_do(error)
    {
        // Nothing of the stream was taken.
        target.unstage();
        sent = stream(
            session,
            from,
            &mut target,
            &local,
            &mut meter,
            options,
            progress,
        )
        .await;
    }
    let done = match sent {
        Ok(transferred) => {
            target
                .conclude(session, &local, None, meter.bytes(), transferred, options)
                .await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(outcome) => Ok(outcome),
        Err(error) => {
            if !failure::is_lost(&error) {
                target.clean(session).await;
            }
            Err(told_of(to, Operation::Write, error))
        }
    }
}

async fn stream(
    session: &mut dyn Session,
    from: &mut (dyn AsyncRead + Send + Unpin),
    target: &mut Target,
    local: &Local,
    meter: &mut Meter,
    options: &TransferOptions,
    progress: &mut Observer<'_>,
) -> Result<Transferred> {
    let write = target.write_options(local, options, 0);
    let mut body = session.write(&target.written, write).await?;
    target.debris = target.is_staged();
    send(&mut *body, from, meter, options, progress).await?;
    body.finish().await
}

/// An upload that may take several attempts.
#[derive(Debug)]
pub(crate) struct Upload<'o> {
    from: &'o Path,
    to: &'o RemotePath,
    options: &'o TransferOptions,
    /// What a listing told of the file that is there, which saves asking.
    listed: Option<Old>,
    /// Whether the server is known to refuse renaming in that folder.
    in_place: bool,
    /// Whether the last attempt began in the middle, and whether none may any more.
    resumed: bool,
    from_start: bool,
    /// What was begun, and by which mark.
    begun: Option<(Target, String)>,
}

impl<'o> Upload<'o> {
    pub(crate) fn new(from: &'o Path, to: &'o RemotePath, options: &'o TransferOptions) -> Self {
        Self {
            from,
            to,
            options,
            listed: None,
            in_place: false,
            resumed: false,
            from_start: false,
            begun: None,
        }
    }

    /// Takes what a listing told for the truth about the file that is there.
    pub(crate) fn with_listed(mut self, listed: Old) -> Self {
        self.listed = Some(listed);
        self
    }

    /// Tries once, from where an earlier attempt came to if that can be proven.
    ///
    /// # Errors
    /// As [`upload`].
    pub(crate) async fn attempt(
        &mut self,
        session: &mut dyn Session,
        progress: &mut Observer<'_>,
    ) -> Result<Outcome> {
        let first = self.begun.is_none();
        match self.attempt_staged(session, progress).await {
            // A name that was good enough for an earlier attempt is not what is wrong with a later one.
            Err(error)
                if in_place_may_do(&error)
                    && (first || error.operation() == Some(Operation::Rename))
                    && !self.in_place
                    && self.is_staged() =>
            {
                self.clean(session).await;
                self.in_place = true;
                self.begun = None;
                self.attempt_staged(session, progress).await
            }
            // What is there has changed since it was looked at: a server may still be writing what an attempt
            // before had sent.
            Err(error) if self.resumed && *error.kind() == ErrorKind::Refused => {
                self.from_start = true;
                self.attempt_staged(session, progress).await
            }
            outcome => outcome,
        }
        .map_err(|error| match error.path() {
            Some(_) => told_of(self.to, Operation::Write, error),
            None => error,
        })
    }

    /// Removes what was begun, as well as that goes.
    pub(crate) async fn clean(&mut self, session: &mut dyn Session) {
        if let Some((target, _)) = &mut self.begun
            && !self.options.resumes()
        {
            target.clean(session).await;
        }
    }

    /// Whether there may be something to remove.
    pub(crate) fn leaves_debris(&self) -> bool {
        let begun = self.begun.as_ref();
        self.options.overwrite != Overwrite::Resume
            && begun.is_some_and(|(target, _)| target.debris)
    }

    fn is_staged(&self) -> bool {
        self.begun
            .as_ref()
            .is_some_and(|(target, _)| target.is_staged())
    }

    async fn attempt_staged(
        &mut self,
        session: &mut dyn Session,
        progress: &mut Observer<'_>,
    ) -> Result<Outcome> {
        let here = |error| failure::local(self.from, error);
        let mut file = File::open(self.from).await.map_err(here)?;
        let metadata = file.metadata().await.map_err(here)?;
        if metadata.is_dir() {
            return Err(Error::new(ErrorKind::IsADirectory)
                .with_message(format!("{} is a folder", self.from.display()))
                .with_hint("upload its files one by one"));
        }
        let local = Local::of(&metadata, self.options);
        let tag = part::tag(self.from, &metadata);
        if self
            .begun
            .as_ref()
            .is_some_and(|(_, before)| *before != tag)
        {
            // The file has changed: what was begun is of another one.
            self.clean(session).await;
            self.begun = None;
        }
        let again = self.begun.is_some();
        if !again {
            let chosen =
                Target::choose(session, self.to, self.listed.take(), &local, self.options).await?;
            let mut target = match chosen {
                Chosen::Skipped(outcome) => return Ok(outcome),
                Chosen::Write(target) => target,
            };
            if !self.in_place {
                target.stage(session, &tag, self.options);
            }
            self.begun = Some((target, tag));
        }
        let (target, _) = self.begun.as_mut().expect("begun above");
        let regular = metadata.is_file() && !self.options.is_text();
        let resumes = regular && !self.from_start && (again || self.options.resumes());
        let have = match resumes {
            true => target.resumable(session, &mut file, metadata.len()).await?,
            false => Have::Nothing,
        };
        let have = match (have, target.old) {
            // Nothing of ours is there, but the file itself may be a beginning that somebody else left.
            (Have::Nothing, Old::File(_))
                if resumes && self.options.overwrite == Overwrite::Resume =>
            {
                target
                    .resumable_in_place(session, &mut file, metadata.len())
                    .await?
            }
            (have, _) => have,
        };
        if let Have::All(integrity) = have {
            return Ok(Outcome::skipped(integrity, Place::Remote(self.to.clone())));
        }
        let have = match have {
            Have::Part(have) => have,
            _ => 0,
        };
        self.resumed = have > 0;
        let mut meter = Meter::new(have, local.size);
        progress(meter.now());
        let transferred = if have > 0 && local.size == Some(have) {
            Transferred::new(0, true)
        } else {
            file.seek(std::io::SeekFrom::Start(have))
                .await
                .map_err(failure::source)?;
            let write = target.write_options(&local, self.options, have);
            target.debris = target.is_staged();
            let mut body = session.write(&target.written, write).await?;
            send(&mut *body, &mut file, &mut meter, self.options, progress).await?;
            body.finish().await?
        };
        // A file that changed while it was read is not the file that was asked for.
        compare(
            self.options,
            local.size,
            meter.bytes(),
            Operation::Write,
            self.to,
        )?;
        let mut outcome = target
            .conclude(
                session,
                &local,
                Some(self.from),
                meter.bytes(),
                transferred,
                self.options,
            )
            .await?;
        outcome.resumed_at = have;
        Ok(outcome)
    }
}

/// What is known of the local file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local {
    /// `None` where nothing can be compared with it.
    size: Option<u64>,
    modified: Option<Timestamp>,
    permissions: Option<Permissions>,
}

impl Local {
    pub(crate) fn of(metadata: &std::fs::Metadata, options: &TransferOptions) -> Self {
        let modified = times::of(metadata);
        Self {
            size: (metadata.is_file() && !options.is_text()).then_some(metadata.len()),
            modified,
            permissions: times::mode_of(metadata),
        }
    }
}

/// How much of the file is on the server already.
enum Have {
    Nothing,
    Part(u64),
    All(Integrity),
}

pub(crate) enum Chosen {
    Skipped(Outcome),
    Write(Target),
}

/// Where an upload goes, and under which name until it is whole.
#[derive(Debug)]
pub(crate) struct Target {
    /// The name in the end.
    to: RemotePath,
    /// The name until then; the same if it is written in place.
    pub(crate) written: RemotePath,
    /// The name of the file that is there, while a new one takes its place.
    aside: Option<RemotePath>,
    old: Old,
    overwrite: Overwrite,
    /// Whether something may be there under the other name.
    pub(crate) debris: bool,
}

impl Target {
    /// Looks what is there and decides.
    pub(crate) async fn choose(
        session: &mut dyn Session,
        to: &RemotePath,
        listed: Option<Old>,
        local: &Local,
        options: &TransferOptions,
    ) -> Result<Chosen> {
        let old = match listed {
            Some(listed) => listed,
            None => Old::look(session, to).await?,
        };
        let mut name = to.clone();
        let there = match &old {
            Old::File(there) => Some(there),
            _ => None,
        };
        let stays = match options.overwrite {
            Overwrite::Refuse if old.is_there() => return Err(failure::taken(to).with_path(to)),
            Overwrite::Rename if old.is_there() => {
                name = free_name(session, to).await?;
                false
            }
            Overwrite::IfNewer => {
                let times = there.and_then(|there| there.modified).zip(local.modified);
                times.is_some_and(|(there, here)| {
                    times::compare(&here, &there).is_some_and(|order| order != Ordering::Greater)
                })
            }
            Overwrite::IfSizeDiffers => {
                there.is_some_and(|there| there.size.is_some() && there.size == local.size)
            }
            _ => false,
        };
        if stays {
            let same_size =
                there.is_some_and(|there| there.size.is_some() && there.size == local.size);
            let integrity = if same_size {
                Integrity::Size
            } else {
                Integrity::Unverified
            };
            return Ok(Chosen::Skipped(Outcome::skipped(
                integrity,
                Place::Remote(name),
            )));
        }
        let old = if name == *to { old } else { Old::Missing };
        Ok(Chosen::Write(Self {
            written: name.clone(),
            to: name,
            aside: None,
            old,
            overwrite: options.overwrite,
            debris: false,
        }))
    }

    /// Writes under another name first, if the server can rename and there is nothing there that a rename
    /// would take away, such as a link.
    pub(crate) fn stage(&mut self, session: &dyn Session, tag: &str, options: &TransferOptions) {
        let can = session.capabilities();
        if options.staging == Staging::Renamed
            && can.rename
            && self.old != Old::Other
            && let Some(written) = part::remote(&self.to, tag)
        {
            self.written = written;
            self.aside = part::remote_old(&self.to, tag);
        }
    }

    fn unstage(&mut self) {
        self.written = self.to.clone();
        self.debris = false;
    }

    pub(crate) fn is_staged(&self) -> bool {
        self.written != self.to
    }

    pub(crate) fn write_options(
        &self,
        local: &Local,
        options: &TransferOptions,
        have: u64,
    ) -> WriteOptions {
        let may_replace = !matches!(self.overwrite, Overwrite::Refuse | Overwrite::Rename);
        let disposition = match have {
            0 if self.is_staged() || may_replace => Disposition::Replace,
            0 => Disposition::CreateNew,
            have => Disposition::Resume(have),
        };
        let mut write = WriteOptions::default()
            .with_disposition(disposition)
            .with_transfer_type(options.transfer_type)
            .with_permissions(self.permissions(local, options));
        if options.keep_times {
            write = write.with_modified(local.modified);
        }
        write.size_hint = local.size.map(|size| size - have);
        write
    }

    /// The permissions that the file shall have: the original's if they are kept, else those of the file that
    /// it replaces, which writing in place would leave too.
    fn permissions(&self, local: &Local, options: &TransferOptions) -> Option<Permissions> {
        if options.keep_permissions {
            return local.permissions;
        }
        match self.old {
            Old::File(old) if self.is_staged() => old.permissions,
            _ => None,
        }
    }

    /// How much of the file is there, with proof: its end, or its checksum, is that of the local one.
    async fn resumable(
        &self,
        session: &mut dyn Session,
        file: &mut File,
        size: u64,
    ) -> Result<Have> {
        let there = match self.size_there(session).await? {
            Some(there) if there > 0 && there <= size => there,
            _ => return Ok(Have::Nothing),
        };
        let can = session.capabilities();
        if !can.read_offset || (!can.append && there < size) {
            return Ok(Have::Nothing);
        }
        let begin = end_of(file, there).await.map_err(failure::source)?;
        if !is_same_end(session, &self.written, there, &begin, true).await? {
            return Ok(Have::Nothing);
        }
        Ok(match self.is_staged() {
            false if there == size => Have::All(Integrity::Size),
            _ => Have::Part(there),
        })
    }

    /// The same of the file that has the name in the end; what is missing is then added to it in place.
    async fn resumable_in_place(
        &mut self,
        session: &mut dyn Session,
        file: &mut File,
        size: u64,
    ) -> Result<Have> {
        let staged = std::mem::replace(&mut self.written, self.to.clone());
        let have = self.resumable(session, file, size).await;
        if !matches!(have, Ok(Have::Part(_) | Have::All(_))) {
            self.written = staged;
        }
        have
    }

    async fn size_there(&self, session: &mut dyn Session) -> Result<Option<u64>> {
        let follow = StatOptions::default().with_follow_links(true);
        match session.stat(&self.written, follow).await {
            Ok(entry) => Ok(entry.size.filter(|_| entry.is_file())),
            Err(error) if failure::is_lost(&error) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Proves that all of it is there, gives it its attributes, and its name.
    pub(crate) async fn conclude(
        &mut self,
        session: &mut dyn Session,
        local: &Local,
        file: Option<&Path>,
        bytes: u64,
        transferred: Transferred,
        options: &TransferOptions,
    ) -> Result<Outcome> {
        let integrity = self
            .prove(session, file, bytes, transferred, options)
            .await?;
        let attributes = self.dress(session, local, &transferred, options).await?;
        let publish = self.publish(session).await?;
        self.debris = false;
        let mut outcome = Outcome::new(bytes, integrity, publish, Place::Remote(self.to.clone()));
        outcome.tls_resumed = transferred.tls_resumed;
        outcome.attributes_kept = attributes;
        Ok(outcome)
    }

    async fn prove(
        &self,
        session: &mut dyn Session,
        file: Option<&Path>,
        bytes: u64,
        transferred: Transferred,
        options: &TransferOptions,
    ) -> Result<Integrity> {
        if options.is_text() || options.verify == Verify::Nothing {
            return Ok(Integrity::Unverified);
        }
        if options.verify == Verify::Checksum
            && bytes > 0
            && let Some(file) = file
            && let Some(same) = same_checksum(session, &self.written, file).await?
        {
            return match same {
                true => Ok(Integrity::Hash),
                false => Err(not_whole(
                    Operation::Write,
                    &self.to,
                    "the checksum on the server differs",
                )),
            };
        }
        if transferred.size_after.is_some() {
            return compare(
                options,
                transferred.size_after,
                bytes,
                Operation::Write,
                &self.to,
            );
        }
        // The upload itself was confirmed; a server may hide what it was given.
        let there = Source::ask(session, &self.written).await;
        let there = match there {
            Err(error) if failure::is_lost(&error) => return Err(error),
            there => there.ok().and_then(|there| there.size),
        };
        compare(options, there, bytes, Operation::Write, &self.to)
    }

    /// Sets what was not set along with the write. That a server refuses it is no failure of the upload.
    async fn dress(
        &self,
        session: &mut dyn Session,
        local: &Local,
        transferred: &Transferred,
        options: &TransferOptions,
    ) -> Result<Option<bool>> {
        let permissions = self.permissions(local, options);
        let modified = local.modified.filter(|_| options.keep_times);
        if permissions.is_none() && modified.is_none() {
            return Ok(None);
        }
        let asked_for = modified.is_some() || options.keep_permissions;
        if let Some(set) = transferred.attributes_set {
            return Ok(asked_for.then_some(set));
        }
        let mut all = true;
        let can = session.capabilities();
        let mut note = |done: Result<()>| match done {
            Err(error) if failure::is_lost(&error) => Err(error),
            done => {
                all &= done.is_ok();
                Ok(())
            }
        };
        if let Some(permissions) = permissions {
            // Without a word of the caller's this is done where it is no wasted round trip.
            let set = match can.set_permissions {
                true => session.set_permissions(&self.written, permissions).await,
                false => Err(Error::new(ErrorKind::Unsupported)),
            };
            note(set)?;
        }
        if let Some(modified) = modified {
            let set = match can.set_modified {
                true => session.set_modified(&self.written, modified).await,
                false => Err(Error::new(ErrorKind::Unsupported)),
            };
            note(set)?;
        }
        Ok(asked_for.then_some(all))
    }

    async fn publish(&self, session: &mut dyn Session) -> Result<Publish> {
        if !self.is_staged() {
            return Ok(Publish::InPlace);
        }
        let replace = !matches!(self.overwrite, Overwrite::Refuse | Overwrite::Rename);
        let rename = RenameOptions::default().with_replace(replace);
        let replaces = session.capabilities().rename_replaces;
        let error = match session.rename(&self.written, &self.to, rename).await {
            Ok(()) if replaces || self.old == Old::Missing => return Ok(Publish::Atomic),
            Ok(()) => return Ok(Publish::RenameNonAtomic),
            Err(error) => error,
        };
        let in_the_way = matches!(
            error.kind(),
            ErrorKind::AlreadyExists | ErrorKind::Refused | ErrorKind::PermissionDenied
        ) && self.old != Old::Missing;
        let Some(aside) = self.aside.as_ref().filter(|_| replace && in_the_way) else {
            return Err(error);
        };
        // The server does not rename onto a file: put that aside first, and back if the rest fails.
        let plain = RenameOptions::default();
        if session.rename(&self.to, aside, plain).await.is_err() {
            return Err(error);
        }
        if let Err(error) = session.rename(&self.written, &self.to, plain).await {
            let _ = session.rename(aside, &self.to, plain).await;
            return Err(error);
        }
        let _ = session.remove_file(aside).await;
        Ok(Publish::RenameNonAtomic)
    }

    pub(crate) async fn clean(&mut self, session: &mut dyn Session) {
        if self.debris && session.remove_file(&self.written).await.is_ok() {
            self.debris = false;
        }
    }
}

async fn send(
    body: &mut dyn WriteBody,
    from: &mut (dyn AsyncRead + Send + Unpin),
    meter: &mut Meter,
    options: &TransferOptions,
    progress: &mut Observer<'_>,
) -> Result<()> {
    let (mut now, mut next) = (buffer(options), buffer(options));
    let mut length = from.read(&mut now).await.map_err(failure::source)?;
    while length > 0 {
        // The next piece is read while this one is on its way.
        let read = async { from.read(&mut next).await.map_err(failure::source) };
        let ((), follows) = tokio::try_join!(write_all(body, &now[..length]), read)?;
        progress(meter.count(length as u64));
        if let Some(limit) = &options.rate_limit {
            limit.account(length).await;
        }
        std::mem::swap(&mut now, &mut next);
        length = follows;
    }
    Ok(())
}

async fn write_all(body: &mut dyn WriteBody, mut data: &[u8]) -> Result<()> {
    while !data.is_empty() {
        let taken = body.write(data).await?;
        data = &data[taken..];
    }
    Ok(())
}

/// Whether a server that refused a file under another name may take it under its own: drop boxes let nobody
/// rename, and Pure-FTPd can be told to refuse names that begin with a dot.
fn in_place_may_do(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::Unsupported | ErrorKind::InvalidParameter => true,
        // Without the server's word it was refused here, such as going on with a file that has grown since.
        ErrorKind::Refused => error.reply().is_some(),
        _ => false,
    }
}

/// A name of the same kind that is free: `name (1).txt`.
async fn free_name(session: &mut dyn Session, path: &RemotePath) -> Result<RemotePath> {
    let taken = || failure::taken(path).with_path(path);
    let name = path.file_name().ok_or_else(taken)?;
    let name = name.as_bytes();
    let dot = name
        .iter()
        .rposition(|&byte| byte == b'.')
        .filter(|&at| at > 0);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    for number in 1..=MOST_NAMES {
        let numbered = [stem, format!(" ({number})").as_bytes(), extension].concat();
        let free = path
            .parent()
            .ok_or_else(taken)?
            .join(&RemotePath::new(numbered)?);
        match session.stat(&free, StatOptions::default()).await {
            Ok(_) => {}
            Err(error) if *error.kind() == ErrorKind::NotFound => return Ok(free),
            Err(error) => return Err(error),
        }
    }
    Err(taken())
}

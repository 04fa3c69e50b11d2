//! Files to the server: published by a rename where the server allows it.

mod content;
mod target;

use std::{
    io::{Seek as _, SeekFrom},
    mem,
    path::Path,
    sync::Arc,
};

use ftp_connect_core::{
    Error, ErrorKind, Operation, RemotePath, Result, Session, Transferred, WriteBody,
};
use tokio::{fs::File, io::AsyncRead};

pub(crate) use self::target::{Chosen, Local, Target};
use self::{content::Content, target::Have};
use crate::{
    Outcome, Overwrite, Place, TransferOptions,
    download::{compare, piece},
    failure::{self, told_of},
    part,
    progress::{Meter, Observer},
    remote::Old,
};

/// Uploads a local file.
///
/// It is written under another name in the same folder and renamed when it is whole, where the server allows
/// that; [`Outcome::publish`] says what others could see. After a failure the other name is removed if the
/// session still works. A file that is replaced leaves its permissions to the new one, where the server can
/// set them. What cannot be read again, such as a pipe, is not tried again.
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
    send(&mut *body, Content::Stream(from), meter, options, progress).await?;
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
    /// Whether something was read that cannot be read again, such as a pipe.
    spent: bool,
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
            spent: false,
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
                    && !self.spent
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

    /// Whether another attempt would not find what this one has read.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent
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
            let mut file = file.into_std().await;
            // It has been read to look for a beginning; a pipe never was, and cannot be sought in.
            if resumes {
                file.seek(SeekFrom::Start(have)).map_err(failure::source)?;
            }
            let write = target.write_options(&local, self.options, have);
            target.debris = target.is_staged();
            let mut body = session.write(&target.written, write).await?;
            self.spent = file.stream_position().is_err();
            let content = Content::File(Arc::new(file));
            send(&mut *body, content, &mut meter, self.options, progress).await?;
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

async fn send(
    body: &mut dyn WriteBody,
    mut from: Content<'_>,
    meter: &mut Meter,
    options: &TransferOptions,
    progress: &mut Observer<'_>,
) -> Result<()> {
    // A small file needs no large buffers, even if it grows.
    let mut room = piece(options);
    if let Some(left) = meter.left().and_then(|left| usize::try_from(left).ok()) {
        room = room.min(left.max(SMALLEST));
    }
    let mut spare = vec![0; room];
    let read = from.read(vec![0; room]).await;
    let (mut now, mut length) = read.map_err(failure::source)?;
    while length > 0 {
        // The next piece is read while this one is on its way.
        let read = async { from.read(spare).await.map_err(failure::source) };
        let ((next, follows), ()) = tokio::try_join!(read, write_all(body, &now[..length]))?;
        progress(meter.count(length as u64));
        if let Some(limit) = &options.rate_limit {
            limit.account(length).await;
        }
        spare = mem::replace(&mut now, next);
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

/// The least that is read at a time, in bytes, but for a rate limit.
const SMALLEST: usize = 16 * 1024;

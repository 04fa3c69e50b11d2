//! Where an upload goes, what it is called until it is whole, and how it gets its name.

use std::{cmp::Ordering, path::Path};

use ftp_connect_core::{
    Disposition, Error, ErrorKind, Operation, Permissions, RemotePath, RenameOptions, Result,
    Session, StatOptions, Timestamp, Transferred, WriteOptions,
};
use tokio::fs::File;

use crate::{
    Integrity, Outcome, Overwrite, Place, Publish, Staging, TransferOptions, Verify,
    download::{MOST_NAMES, compare, end_of, is_same_end, same_checksum},
    failure::{self, not_whole},
    part,
    remote::{Old, Source},
    times,
};

/// What is known of the local file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Local {
    /// `None` where nothing can be compared with it.
    pub(super) size: Option<u64>,
    pub(super) modified: Option<Timestamp>,
    pub(super) permissions: Option<Permissions>,
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
pub(super) enum Have {
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
    pub(super) old: Old,
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

    pub(super) fn unstage(&mut self) {
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
    pub(super) async fn resumable(
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
    pub(super) async fn resumable_in_place(
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
    pub(super) async fn conclude(
        &mut self,
        session: &mut dyn Session,
        local: &Local,
        file: Option<&Path>,
        bytes: u64,
        transferred: Transferred,
        options: &TransferOptions,
    ) -> Result<Outcome> {
        let mut outcome = self
            .approve(session, local, file, bytes, transferred, options)
            .await?;
        if self.is_staged() {
            let (from, to) = self.names();
            let renamed = session.rename(&from, &to, self.rename_options()).await;
            outcome.publish = self.published(session, renamed).await?;
        }
        Ok(outcome)
    }

    /// Proves that all of it is there and gives it its attributes. What came of it, but for its name.
    pub(crate) async fn approve(
        &self,
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
        let place = Place::Remote(self.to.clone());
        let mut outcome = Outcome::new(bytes, integrity, Publish::InPlace, place);
        outcome.tls_resumed = transferred.tls_resumed;
        outcome.attributes_kept = attributes;
        Ok(outcome)
    }

    /// The name that it has, and the one that it gets.
    pub(crate) fn names(&self) -> (RemotePath, RemotePath) {
        (self.written.clone(), self.to.clone())
    }

    pub(crate) fn rename_options(&self) -> RenameOptions {
        let replace = !matches!(self.overwrite, Overwrite::Refuse | Overwrite::Rename);
        RenameOptions::default().with_replace(replace)
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

    /// What others could see when it was renamed so; where the server does not replace the file that is there, that
    /// makes way.
    pub(crate) async fn published(
        &mut self,
        session: &mut dyn Session,
        renamed: Result<()>,
    ) -> Result<Publish> {
        let replaces = session.capabilities().rename_replaces;
        let published = match renamed {
            Ok(()) if replaces || self.old == Old::Missing => Publish::Atomic,
            Ok(()) => Publish::RenameNonAtomic,
            Err(error) => self.make_way(session, error).await?,
        };
        self.debris = false;
        Ok(published)
    }

    async fn make_way(&self, session: &mut dyn Session, error: Error) -> Result<Publish> {
        let replace = self.rename_options().replace;
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

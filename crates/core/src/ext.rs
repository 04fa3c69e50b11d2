//! Conveniences over any session: what most programs write again and again.

use async_trait::async_trait;

use crate::{
    CreateDirOptions, Entry, EntryKind, Error, ErrorKind, ListOptions, Operation, ReadOptions,
    RemotePath, Result, Session, StatOptions, Transferred, WriteOptions,
};

/// Conveniences that every [`Session`] has.
#[async_trait]
pub trait SessionExt: Session {
    /// Whether there is something of that name.
    ///
    /// # Errors
    /// Any but [`ErrorKind::NotFound`], which is the answer no.
    async fn exists(&mut self, path: &RemotePath) -> Result<bool> {
        match self.stat(path, StatOptions::default()).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == &ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All entries of a folder at once. Memory grows with the folder: use
    /// [`Session::list`] for large ones.
    ///
    /// # Errors
    /// As [`Session::list`] and its body.
    async fn list_all(&mut self, path: &RemotePath) -> Result<Vec<Entry>> {
        let mut listing = self.list(path, ListOptions::default()).await?;
        let mut entries = Vec::new();
        while let Some(entry) = listing.next().await? {
            entries.push(entry);
        }
        listing.finish().await?;
        Ok(entries)
    }

    /// A whole file in memory, at most `limit` bytes.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] if the file is larger; as [`Session::read`] and its body.
    async fn read_to_vec(&mut self, path: &RemotePath, limit: u64) -> Result<Vec<u8>> {
        let mut body = self.read(path, ReadOptions::default()).await?;
        let mut content = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let n = body.read(&mut buffer).await?;
            if n == 0 {
                break;
            }
            content.extend_from_slice(&buffer[..n]);
            if content.len() as u64 > limit {
                body.finish().await?;
                return Err(Error::new(ErrorKind::LimitExceeded)
                    .with_operation(Operation::Read)
                    .with_path(path)
                    .with_message(format!("the file has more than {limit} bytes")));
            }
        }
        if !body.finish().await?.to_end {
            return Err(Error::new(ErrorKind::TransferNotWhole)
                .with_operation(Operation::Read)
                .with_path(path)
                .with_message("the end of the file was not reached"));
        }
        Ok(content)
    }

    /// Writes a whole file from memory.
    ///
    /// # Errors
    /// As [`Session::write`] and its body.
    async fn write_all(
        &mut self,
        path: &RemotePath,
        mut content: &[u8],
        options: WriteOptions,
    ) -> Result<Transferred> {
        let mut body = self
            .write(path, options.with_size_hint(content.len() as u64))
            .await?;
        while !content.is_empty() {
            let n = body.write(content).await?;
            content = &content[n..];
        }
        body.finish().await
    }

    /// Creates a folder, and those above it that are missing, with the same options. A folder that is
    /// there already is no error.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] or [`ErrorKind::NotADirectory`] where a name is taken by something
    /// else; as [`Session::create_dir`].
    async fn create_dir_all(&mut self, path: &RemotePath, options: CreateDirOptions) -> Result<()> {
        let mut missing = Vec::new();
        let mut folder = path.clone();
        // From below: mostly one step is all, and folders far above may be ones that nobody may look at.
        while folder.file_name().is_some() {
            let Err(error) = self.create_dir(&folder, options).await else {
                break;
            };
            let parent = folder
                .parent()
                .filter(|parent| parent.file_name().is_some());
            let above = match (error.kind(), parent) {
                // Most likely the one above is missing.
                (ErrorKind::NotFound, Some(parent)) => parent,
                // Servers refuse a folder that exists with any words, and one where nothing may be
                // created too.
                _ if is_dir(self, &folder).await => break,
                (
                    ErrorKind::PermissionDenied | ErrorKind::Refused | ErrorKind::RefusedForNow,
                    Some(parent),
                ) => parent,
                _ => return Err(error),
            };
            missing.push(std::mem::replace(&mut folder, above));
        }
        while let Some(folder) = missing.pop() {
            if let Err(error) = self.create_dir(&folder, options).await
                && !is_dir(self, &folder).await
            {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Removes a file, a link, or a folder with all that is in it. Symbolic links are removed and never
    /// followed. The first failure ends it; what was removed until then is gone.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for the root and the login folder, [`ErrorKind::NotFound`]; as
    /// [`Session::remove_file`], [`Session::list`] and [`Session::remove_dir`].
    async fn remove_all(&mut self, path: &RemotePath) -> Result<()> {
        if path.file_name().is_none() {
            return Err(Error::new(ErrorKind::InvalidParameter)
                .with_operation(Operation::RemoveDir)
                .with_path(path)
                .with_message("the root and the login folder cannot be removed"));
        }
        let mut steps = vec![Removal::Name(path.clone(), EntryKind::Other)];
        while let Some(step) = steps.pop() {
            match step {
                Removal::Emptied(folder) => self.remove_dir(&folder).await?,
                Removal::Name(name, kind) => {
                    let there = match is_folder_left(self, &name, kind).await {
                        // Somebody else was faster.
                        Err(error) if error.kind() == &ErrorKind::NotFound && name != *path => {
                            false
                        }
                        outcome => outcome?,
                    };
                    if there {
                        let inside = self.list_all(&name).await?;
                        steps.push(Removal::Emptied(name.clone()));
                        steps.extend(inside.into_iter().filter_map(|entry| {
                            // A name that is a path would lead out of the folder.
                            let is_name = entry.name.file_name().as_ref() == Some(&entry.name)
                                && !matches!(entry.name.as_bytes(), b"." | b"..");
                            is_name.then(|| Removal::Name(name.join(&entry.name), entry.kind))
                        }));
                    }
                }
            }
        }
        Ok(())
    }
}

enum Removal {
    /// A file, a link or a folder, as far as the listing knew.
    Name(RemotePath, EntryKind),
    /// A folder of which all that was in it is gone.
    Emptied(RemotePath),
}

/// Removes a name unless it is a folder with something in it; says whether it is one.
///
/// FTP servers tell of a link to a folder as of a folder (pyftpdlib does in MLSD), so what a listing
/// says is no leave to go in. Removing the name as a file takes away a link and fails on a folder;
/// removing it as a folder fails on a link, whoever may do what.
async fn is_folder_left<S: Session + ?Sized>(
    session: &mut S,
    name: &RemotePath,
    kind: EntryKind,
) -> Result<bool> {
    let error = match session.remove_file(name).await {
        Ok(()) => return Ok(false),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::IsADirectory => Ok(true),
        // What servers say when a folder shall be removed as a file; libunftp says that it is not there.
        ErrorKind::PermissionDenied | ErrorKind::Refused | ErrorKind::NotFound
            if matches!(kind, EntryKind::Dir | EntryKind::Other) =>
        {
            match session.remove_dir(name).await {
                Ok(()) => Ok(false),
                Err(full) if full.kind() == &ErrorKind::DirectoryNotEmpty => Ok(true),
                Err(_) => Err(error),
            }
        }
        _ => Err(error),
    }
}

/// Whether there is a folder of that name, or a link to one.
async fn is_dir<S: Session + ?Sized>(session: &mut S, path: &RemotePath) -> bool {
    let follow = StatOptions::default().with_follow_links(true);
    let found = session.stat(path, follow).await;
    found.is_ok_and(|entry| entry.is_dir())
}

impl<S: Session + ?Sized> SessionExt for S {}

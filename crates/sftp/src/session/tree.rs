//! What changes names and folders: renaming, removing, creating, linking.

use ftp_connect_core::{
    CreateDirOptions, Error, ErrorKind, Listing as _, Permissions, RemotePath, RenameOptions,
    Result,
};

use super::{SftpSession, better, listing, listing::Entries, single_name, status, unclear, wire};
use crate::proto::{Attributes, Request};

impl SftpSession {
    pub(super) async fn rename_to(
        &self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        let (from_bytes, to_bytes) = (wire(from), wire(to));
        if options.replace && self.server.posix_rename {
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

    pub(super) async fn remove(&self, path: &RemotePath) -> Result<()> {
        let Err(error) = self.simple(&Request::Remove(wire(path))).await else {
            return Ok(());
        };
        if unclear(&error) {
            let known = self.lstat(path).await;
            if known.is_ok_and(|known| listing::is_dir(&known)) {
                return Err(better(error, ErrorKind::IsADirectory));
            }
        }
        Err(error)
    }

    pub(super) async fn make_dir(
        &self,
        path: &RemotePath,
        options: CreateDirOptions,
    ) -> Result<()> {
        let attributes = Attributes {
            permissions: options.permissions.map(Permissions::mode),
            ..Attributes::default()
        };
        let request = Request::MakeDir {
            path: wire(path),
            attributes,
        };
        match self.simple(&request).await {
            Err(error) => Err(self.or_exists(error, path).await),
            done => done,
        }
    }

    pub(super) async fn remove_empty_dir(&self, path: &RemotePath) -> Result<()> {
        let Err(error) = self.simple(&Request::RemoveDir(wire(path))).await else {
            return Ok(());
        };
        let unclear = status::says_nothing(&error) || error.kind() == &ErrorKind::NotFound;
        Err(match (unclear, self.lstat(path).await) {
            (true, Ok(attributes)) if !listing::is_dir(&attributes) => {
                better(error, ErrorKind::NotADirectory)
            }
            (true, Ok(_)) if self.has_entries(path).await => {
                better(error, ErrorKind::DirectoryNotEmpty)
            }
            _ => error,
        })
    }

    /// The absolute path of a folder that must be there.
    pub(super) async fn find_dir(&self, path: &RemotePath) -> Result<RemotePath> {
        let absolute = self.realpath(path).await?;
        // A path is no proof: OpenSSH gives one for a name that is not there.
        if listing::is_dir(&self.follow(&absolute).await?) {
            Ok(absolute)
        } else {
            Err(Error::new(ErrorKind::NotADirectory))
        }
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

    pub(super) async fn link_target(&self, path: &RemotePath) -> Result<RemotePath> {
        let request = Request::ReadLink(wire(path));
        let error = match self.call(&request).await.and_then(single_name) {
            Err(error) => error,
            target => return target,
        };
        // OpenSSH calls the message bad, where it is the file that is no link.
        if unclear(&error)
            && self
                .lstat(path)
                .await
                .is_ok_and(|known| !listing::is_link(&known))
        {
            return Err(better(error, ErrorKind::Refused).with_message("this is no symbolic link"));
        }
        Err(error)
    }

    pub(super) async fn link(&self, link: &RemotePath, target: &RemotePath) -> Result<()> {
        let (link_bytes, target_bytes) = (wire(link), wire(target));
        let (first, second) = if self.server.link_first {
            (link_bytes, target_bytes)
        } else {
            (target_bytes, link_bytes)
        };
        match self.simple(&Request::Symlink { first, second }).await {
            Err(error) => Err(self.or_exists(error, link).await),
            done => done,
        }
    }

    pub(super) async fn hard_link(&self, link: &RemotePath, existing: &RemotePath) -> Result<()> {
        if !self.server.hard_link {
            return Err(Error::new(ErrorKind::Unsupported));
        }
        let request = Request::HardLink {
            existing: wire(existing),
            link: wire(link),
        };
        match self.simple(&request).await {
            Err(error) => Err(self.or_exists(error, link).await),
            done => done,
        }
    }

    /// The error of what would have created this name, if that may be there already.
    pub(super) async fn or_exists(&self, error: Error, path: &RemotePath) -> Error {
        if status::says_nothing(&error) && self.exists(path).await {
            return better(error, ErrorKind::AlreadyExists);
        }
        error
    }
}

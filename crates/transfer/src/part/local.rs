//! The file beside a local one that a download goes to until it is whole.
//!
//! It has a name of its own choosing, so that the next attempt finds it, and a lock, so that two downloads of one
//! file do not write to it at once. The lock ends with the process, however that ends.

use std::{
    fs::{File, OpenOptions},
    path::{Path, PathBuf},
};

use ftp_connect_core::Result;
use tempfile::TempPath;

use crate::failure;

/// A file that is not whole yet. It is removed when this is dropped, unless it was kept or published.
#[derive(Debug)]
pub(crate) struct LocalPart {
    path: TempPath,
    file: File,
    target: PathBuf,
}

impl LocalPart {
    /// Opens the part of this target, with what an earlier attempt left in it, or a new one where another
    /// download is under way.
    ///
    /// # Errors
    /// When it cannot be created.
    pub(crate) fn open(target: &Path, suffix: &str) -> Result<Self> {
        let at = |error| failure::local(target, error);
        let folder = folder_of(target);
        if let Some(name) = target.file_name()
            && cfg!(unix)
        {
            let hidden = super::hidden_name(name.as_encoded_bytes(), suffix);
            let path = folder.join(os_name(hidden));
            if let Some(file) = open_locked(&path) {
                let path = TempPath::try_from_path(path).map_err(at)?;
                return Ok(Self {
                    path,
                    file,
                    target: target.to_owned(),
                });
            }
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".ftp-connect-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let (file, path) = builder.tempfile_in(folder).map_err(at)?.into_parts();
        Ok(Self {
            path,
            file,
            target: target.to_owned(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// How many bytes are in it.
    ///
    /// # Errors
    /// When the file system does not tell.
    pub(crate) fn len(&self) -> Result<u64> {
        let metadata = self.file.metadata();
        Ok(metadata
            .map_err(|error| failure::local(&self.path, error))?
            .len())
    }

    /// Cuts it after so many bytes.
    ///
    /// # Errors
    /// When the file system does not do that.
    pub(crate) fn cut(&self, len: u64) -> Result<()> {
        self.file
            .set_len(len)
            .map_err(|error| failure::local(&self.path, error))
    }

    /// Waits until all of it is on disk.
    ///
    /// # Errors
    /// When the file system does not do that.
    pub(crate) async fn sync(&self) -> Result<()> {
        let at = |error| failure::local(&self.target, error);
        let file = self.file.try_clone().map_err(at)?;
        let synced = tokio::task::spawn_blocking(move || file.sync_all()).await;
        synced
            .map_err(std::io::Error::other)
            .and_then(|done| done)
            .map_err(at)
    }

    /// Removes what is left of downloads of other versions of the file, unless they are under way.
    pub(crate) fn remove_others(&self) {
        let Some(name) = self.target.file_name() else {
            return;
        };
        let begin = super::hidden_name(name.as_encoded_bytes(), super::MARK_TEXT);
        let Ok(entries) = std::fs::read_dir(folder_of(&self.target)) else {
            return;
        };
        for entry in entries.flatten() {
            let other = entry.file_name();
            let other = other.as_encoded_bytes();
            let is_other = other.strip_prefix(begin.as_slice()).is_some_and(|rest| {
                matches!(rest.first(), Some(b'-' | b'.')) && rest.ends_with(b".part")
            });
            let path = entry.path();
            if is_other && path != *self.path && open_locked(&path).is_some() {
                // It is of no use, and in nobody's way.
                let _ = std::fs::remove_file(path);
            }
        }
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`](ftp_connect_core::ErrorKind::AlreadyExists) if the name is taken and may not
    /// be; when the file system does not do that.
    pub(crate) fn publish(self, replace: bool) -> Result<()> {
        let published = if replace {
            self.path.persist(&self.target)
        } else {
            self.path.persist_noclobber(&self.target)
        };
        published.map_err(|failed| {
            if failed.error.kind() == std::io::ErrorKind::AlreadyExists {
                return failure::taken(self.target.display());
            }
            failure::local(&self.target, failed.error)
        })
    }

    /// Leaves it for the next attempt, if there is anything in it.
    pub(crate) fn keep(mut self) {
        if self.len().is_ok_and(|len| len > 0) {
            self.path.disable_cleanup(true);
        }
    }
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Opens a file that nobody else has open for the same purpose; `None` where that cannot be had, for whatever
/// reason: another name then does.
fn open_locked(path: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    // Whoever held the lock may have given the file its name between opening and locking.
    for _ in 0..3 {
        let file = options.open(path).ok()?;
        file.try_lock().ok()?;
        if is_plain_file_at(&file, path) {
            return Some(file);
        }
    }
    None
}

/// Whether this is the file of that name, and no link to another.
#[cfg(unix)]
fn is_plain_file_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(opened), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(path)) else {
        return false;
    };
    opened.is_file()
        && opened.nlink() == 1
        && (opened.dev(), opened.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_plain_file_at(_file: &File, _path: &Path) -> bool {
    false
}

#[cfg(unix)]
fn os_name(name: Vec<u8>) -> std::ffi::OsString {
    std::os::unix::ffi::OsStringExt::from_vec(name)
}

#[cfg(not(unix))]
fn os_name(name: Vec<u8>) -> std::ffi::OsString {
    String::from_utf8_lossy(&name).into_owned().into()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    const SUFFIX: &str = ".ftp-connect.part";

    #[test]
    fn two_downloads_of_one_file_have_two_parts() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x");
        let one = LocalPart::open(&target, SUFFIX).unwrap();
        let other = LocalPart::open(&target, SUFFIX).unwrap();
        assert_ne!(one.path(), other.path());
        drop((one, other));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_was_kept_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x");
        let part = LocalPart::open(&target, SUFFIX).unwrap();
        fs::write(part.path(), "begun").unwrap();
        part.keep();
        let part = LocalPart::open(&target, SUFFIX).unwrap();
        assert_eq!(part.len().unwrap(), 5);
        part.publish(false).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"begun");
        let part = LocalPart::open(&target, SUFFIX).unwrap();
        assert_eq!(part.len().unwrap(), 0);
        assert!(part.publish(false).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_in_the_parts_place_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, other) = (folder.path().join("x"), folder.path().join("other"));
        fs::write(&other, "precious").unwrap();
        let trap = folder.path().join(".x.ftp-connect.part");
        std::os::unix::fs::symlink(&other, &trap).unwrap();
        let part = LocalPart::open(&target, SUFFIX).unwrap();
        fs::write(part.path(), "new").unwrap();
        part.publish(true).unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"precious");
        fs::remove_file(&trap).unwrap();
        fs::hard_link(&other, &trap).unwrap();
        let part = LocalPart::open(&target, SUFFIX).unwrap();
        part.cut(0).unwrap();
        drop(part);
        assert_eq!(fs::read(&other).unwrap(), b"precious");
    }
}

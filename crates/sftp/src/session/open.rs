//! Opening files and folders, and finding out why that failed.

use ftp_connect_core::{Disposition, Error, ErrorKind, RemotePath, Result};

use super::{SftpSession, better, handle::OpenHandle, status, unclear, wire};
use crate::proto::{Attributes, OpenFlags, Request};

impl SftpSession {
    pub(super) async fn open(
        &self,
        path: &RemotePath,
        flags: OpenFlags,
        attributes: Attributes,
    ) -> Result<OpenHandle> {
        let request = Request::Open {
            path: wire(path),
            flags,
            attributes,
        };
        let handle = status::handle(self.call(&request).await?)?;
        Ok(OpenHandle::new(&self.client, handle))
    }

    pub(super) async fn open_dir(&self, path: &RemotePath) -> Result<OpenHandle> {
        let request = Request::OpenDir(wire(path));
        let handle = status::handle(self.call(&request).await?)?;
        Ok(OpenHandle::new(&self.client, handle))
    }

    /// Opens a folder for being listed.
    pub(super) async fn open_to_list(&self, path: &RemotePath) -> Result<OpenHandle> {
        let error = match self.open_dir(path).await {
            Err(error) => error,
            folder => return folder,
        };
        // OpenSSH says "no such file" of what is no folder.
        let unclear = status::says_nothing(&error) || error.kind() == &ErrorKind::NotFound;
        if unclear && self.is_dir(path).await == Some(false) {
            return Err(better(error, ErrorKind::NotADirectory));
        }
        Err(error)
    }

    pub(super) async fn open_to_read(&self, path: &RemotePath) -> Result<OpenHandle> {
        let opened = self.open(path, OpenFlags::READ, Attributes::default());
        match opened.await {
            Err(error) => Err(self.why_not_read(path, error).await),
            file => file,
        }
    }

    pub(super) async fn why_not_read(&self, path: &RemotePath, error: Error) -> Error {
        if unclear(&error) && self.is_dir(path).await == Some(true) {
            return better(error, ErrorKind::IsADirectory);
        }
        error
    }

    /// Opens a file for writing, and says where the first byte goes.
    pub(super) async fn open_to_write(
        &self,
        path: &RemotePath,
        disposition: Disposition,
    ) -> Result<(OpenHandle, u64)> {
        let flags = write_flags(disposition)?;
        let file = match self.open(path, flags, Attributes::default()).await {
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

    pub(super) async fn why_not_written(
        &self,
        path: &RemotePath,
        disposition: Disposition,
        error: Error,
    ) -> Error {
        let unclear = unclear(&error);
        if unclear && disposition == Disposition::CreateNew && self.exists(path).await {
            return better(error, ErrorKind::AlreadyExists);
        }
        if unclear && self.is_dir(path).await == Some(true) {
            return better(error, ErrorKind::IsADirectory);
        }
        error
    }
}

pub(super) fn write_flags(disposition: Disposition) -> Result<OpenFlags> {
    const CREATE: OpenFlags = OpenFlags::WRITE.and(OpenFlags::CREATE);
    Ok(match disposition {
        Disposition::Replace => CREATE.and(OpenFlags::TRUNCATE),
        Disposition::CreateNew => CREATE.and(OpenFlags::EXCLUSIVE),
        // Not the flag APPEND: servers differ in whether they then look at the offset.
        Disposition::Append | Disposition::Resume(0) => CREATE,
        Disposition::Resume(_) => OpenFlags::WRITE,
        _ => return Err(Error::new(ErrorKind::Unsupported)),
    })
}

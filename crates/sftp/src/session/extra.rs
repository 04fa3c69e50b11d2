//! What the server does by itself, by extensions that not all servers have: checksums, copies, room on the
//! disk, paths as it sees them.

use ftp_connect_core::{
    Checksum, ChecksumAlgorithm, CopyOptions, Error, ErrorKind, FreeSpace, RemotePath, Result,
};

use super::{SftpSession, single_name, status, wire};
use crate::proto::{Attributes, Digest, DiskSpace, Malformed, OpenFlags, Request};

impl SftpSession {
    pub(super) async fn room(&self, path: &RemotePath) -> Result<FreeSpace> {
        if !self.server.statvfs {
            return Err(Error::new(ErrorKind::Unsupported));
        }
        let answer = self.call(&Request::StatVfs(wire(path))).await?;
        let space = DiskSpace::decode(status::extended(answer)?).map_err(malformed)?;
        Ok(FreeSpace::new(space.available).with_total(space.total))
    }

    /// A name that is not there is resolved as far as its folder: OpenSSH does so by itself, ProFTPD says
    /// that there is no such file.
    pub(super) async fn resolve(&self, path: &RemotePath) -> Result<RemotePath> {
        let error = match self.realpath(path).await {
            Err(error) if error.kind() == &ErrorKind::NotFound => error,
            outcome => return outcome,
        };
        match (path.parent(), path.file_name()) {
            (Some(folder), Some(name)) => match self.realpath(&folder).await {
                Ok(folder) => Ok(folder.join(&name)),
                Err(_) => Err(error),
            },
            _ => Err(error),
        }
    }

    pub(super) async fn realpath(&self, path: &RemotePath) -> Result<RemotePath> {
        let request = Request::RealPath(wire(path));
        single_name(self.call(&request).await?)
    }

    pub(super) async fn expand(&self, path: &RemotePath) -> Result<RemotePath> {
        if !self.server.expand_path {
            return Err(Error::new(ErrorKind::Unsupported));
        }
        let request = Request::ExpandPath(wire(path));
        single_name(self.call(&request).await?)
    }

    pub(super) async fn digest(
        &self,
        path: &RemotePath,
        algorithm: ChecksumAlgorithm,
    ) -> Result<Checksum> {
        let unsupported = || {
            Error::new(ErrorKind::Unsupported)
                .with_message(format!("the server computes no {algorithm}"))
        };
        let name = algorithm_name(algorithm).ok_or_else(unsupported)?;
        let known = self.server.check_file.as_deref();
        let by_check_file = known.is_some_and(|list| {
            list.is_empty() || list.split(|&byte| byte == b',').any(|one| one == name)
        });
        let told = if by_check_file {
            let request = Request::CheckFile {
                path: wire(path),
                algorithms: name,
            };
            let answer = status::extended(self.call(&request).await?)?;
            Digest::decode_check_file(answer).map_err(malformed)?
        } else if self.server.md5_hash && algorithm == ChecksumAlgorithm::Md5 {
            let answer = self.call(&Request::Md5Hash(wire(path))).await?;
            Digest::decode_md5(status::extended(answer)?).map_err(malformed)?
        } else {
            return Err(unsupported());
        };
        // A server may take another algorithm than it was asked for.
        if told.algorithm != name || told.digest.is_empty() {
            return Err(unsupported());
        }
        Ok(Checksum {
            algorithm,
            digest: told.digest.to_vec(),
        })
    }

    /// The file that is there is not cut before the copy, but after it: should it be the source by another
    /// name, nothing is lost.
    pub(super) async fn copy(
        &self,
        from: &RemotePath,
        to: &RemotePath,
        options: CopyOptions,
    ) -> Result<()> {
        if !self.server.copy_data {
            return Err(Error::new(ErrorKind::Unsupported));
        }
        let limit = self.timeouts.idle;
        let source = self.open_to_read(from).await?;
        let known = status::attributes(source.attributes().wait(limit).await?)?;
        let mut flags = OpenFlags::WRITE.and(OpenFlags::CREATE);
        if !options.replace {
            flags = flags.and(OpenFlags::EXCLUSIVE);
        }
        let attributes = Attributes {
            permissions: known.permissions.map(|mode| mode & 0o777),
            ..Attributes::default()
        };
        let target = match self.open(to, flags, attributes).await {
            Ok(target) => target,
            Err(error) if options.replace => return Err(error),
            Err(error) => return Err(self.or_exists(error, to).await.with_path(to)),
        };
        let before = status::attributes(target.attributes().wait(limit).await?)?;
        let request = Request::CopyData {
            from: source.bytes(),
            to: target.bytes(),
        };
        // It takes the time of a transfer, and not that of an answer.
        let mut copied = self.client.request(&request);
        status::done(copied.wait(limit).await?)?;
        if let (Some(size), Some(old)) = (known.size, before.size)
            && old > size
        {
            let request = Request::FSetStat {
                handle: target.bytes(),
                attributes: Attributes {
                    size: Some(size),
                    ..Attributes::default()
                },
            };
            self.simple(&request).await?;
        }
        target.close(limit).await
    }
}

fn malformed(_: Malformed) -> Error {
    Error::new(ErrorKind::Protocol).with_message("the server's answer cannot be read")
}

/// As draft-ietf-secsh-filexfer-extensions-00 §3 has it; CRC-32 is ProFTPD's own.
fn algorithm_name(algorithm: ChecksumAlgorithm) -> Option<&'static [u8]> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some(b"crc32"),
        ChecksumAlgorithm::Md5 => Some(b"md5"),
        ChecksumAlgorithm::Sha1 => Some(b"sha1"),
        ChecksumAlgorithm::Sha256 => Some(b"sha256"),
        ChecksumAlgorithm::Sha512 => Some(b"sha512"),
        _ => None,
    }
}

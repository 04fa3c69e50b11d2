//! Checksums, here and there.
//!
//! Which algorithms a server has is only known by asking: the answer to the first that it has counts.

use std::{io::Read as _, path::Path};

use ftp_connect_core::{Checksum, ChecksumAlgorithm, ErrorKind, RemotePath, Result, Session};
use sha2::digest::DynDigest;

use crate::failure;

/// The checksum of a file as the server computes it; `None` if it does not. Only a lost session is an error,
/// for a checksum is more than anybody was promised.
///
/// # Errors
/// [`ErrorKind::Closed`], [`ErrorKind::TimedOut`].
pub(crate) async fn on_server(
    session: &mut dyn Session,
    path: &RemotePath,
) -> Result<Option<Checksum>> {
    if !session.capabilities().checksum {
        return Ok(None);
    }
    for algorithm in ALGORITHMS {
        match session.checksum(path, algorithm).await {
            Ok(checksum) => return Ok(Some(checksum)),
            Err(error) if failure::is_lost(&error) => return Err(error),
            Err(error) if *error.kind() == ErrorKind::Unsupported => {}
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

/// The digest of a local file.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn of_file(path: &Path, algorithm: ChecksumAlgorithm) -> Result<Option<Vec<u8>>> {
    let Some(mut digest) = Digest::new(algorithm) else {
        return Ok(None);
    };
    let owned = path.to_owned();
    let work = move || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(owned)?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(digest.finish()),
                n => digest.update(&buffer[..n]),
            }
        }
    };
    let done = tokio::task::spawn_blocking(work).await;
    let done = done
        .map_err(std::io::Error::other)
        .and_then(|digest| digest);
    done.map(Some).map_err(|error| failure::local(path, error))
}

/// A digest under way.
pub(crate) enum Digest {
    Crc32(crc32fast::Hasher),
    Other(Box<dyn DynDigest + Send>),
}

impl Digest {
    /// `None` for an algorithm that is not known here.
    pub(crate) fn new(algorithm: ChecksumAlgorithm) -> Option<Self> {
        Some(match algorithm {
            ChecksumAlgorithm::Crc32 => Self::Crc32(crc32fast::Hasher::new()),
            ChecksumAlgorithm::Md5 => Self::Other(Box::new(md5::Md5::default())),
            ChecksumAlgorithm::Sha1 => Self::Other(Box::new(sha1::Sha1::default())),
            ChecksumAlgorithm::Sha256 => Self::Other(Box::new(sha2::Sha256::default())),
            ChecksumAlgorithm::Sha512 => Self::Other(Box::new(sha2::Sha512::default())),
            _ => return None,
        })
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(data),
            Self::Other(hasher) => hasher.update(data),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc32(hasher) => hasher.finalize().to_be_bytes().to_vec(),
            Self::Other(hasher) => hasher.finalize().to_vec(),
        }
    }
}

/// The strongest first; those that are broken still find an accident.
const ALGORITHMS: [ChecksumAlgorithm; 5] = [
    ChecksumAlgorithm::Sha256,
    ChecksumAlgorithm::Sha512,
    ChecksumAlgorithm::Sha1,
    ChecksumAlgorithm::Md5,
    ChecksumAlgorithm::Crc32,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn digests_are_those_of_the_standards() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "123456789").unwrap();
        for (algorithm, expected) in [
            (ChecksumAlgorithm::Crc32, "cbf43926"),
            (ChecksumAlgorithm::Md5, "25f9e794323b453885f5181f1b624d0b"),
            (
                ChecksumAlgorithm::Sha1,
                "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
            ),
        ] {
            let digest = of_file(file.path(), algorithm).await.unwrap().unwrap();
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{algorithm}");
        }
    }
}

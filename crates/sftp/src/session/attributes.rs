//! Setting what stands beside a file's content: its times and permissions.

use ftp_connect_core::{Error, ErrorKind, Permissions, RemotePath, Result, Timestamp};

use super::{SftpSession, wire};
use crate::proto::{Attributes, Request};

impl SftpSession {
    pub(super) async fn set_times(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let seconds = seconds(modified)?;
        // Both times go together, and the time of access is not ours to change.
        let known = self.follow(path).await?;
        let accessed = known.times.map_or(seconds, |(accessed, _)| accessed);
        let request = Request::SetStat {
            path: wire(path),
            attributes: Attributes {
                times: Some((accessed, seconds)),
                ..Attributes::default()
            },
        };
        self.simple(&request).await
    }

    pub(super) async fn set_mode(&self, path: &RemotePath, permissions: Permissions) -> Result<()> {
        let request = Request::SetStat {
            path: wire(path),
            attributes: Attributes {
                permissions: Some(permissions.mode()),
                ..Attributes::default()
            },
        };
        self.simple(&request).await
    }
}

/// The time as the packets have it.
pub(super) fn seconds(time: Timestamp) -> Result<u32> {
    let seconds = time.unix_seconds().ok_or_else(|| {
        Error::new(ErrorKind::InvalidParameter)
            .with_message("the time's zone is not known")
            .with_hint("give the time in UTC")
    })?;
    u32::try_from(seconds).map_err(|_| {
        Error::new(ErrorKind::InvalidParameter)
            .with_message("SFTP has times from 1970 to 2106 only")
    })
}

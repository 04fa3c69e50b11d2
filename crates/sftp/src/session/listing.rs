//! A folder's entries, batch by batch, and what attributes say of an entry.

use std::{collections::VecDeque, time::Duration};

use async_trait::async_trait;
use ftp_connect_core::{
    Entry, EntryKind, ErrorKind, ListSummary, Listing, Operation, Permissions, RemotePath, Result,
    Timestamp,
};

use super::{handle::OpenHandle, status};
use crate::{
    client::Reply,
    proto::{Attributes, Name, Request},
};

/// The entries on their way here.
#[derive(Debug)]
pub(super) struct Entries {
    handle: OpenHandle,
    path: RemotePath,
    idle: Duration,
    hidden: bool,
    under_way: VecDeque<Reply>,
    ready: VecDeque<Entry>,
    summary: ListSummary,
    ended: bool,
    /// Whether a batch is missing.
    failed: bool,
}

impl Entries {
    pub(super) fn new(handle: OpenHandle, path: RemotePath, hidden: bool, idle: Duration) -> Self {
        Self {
            handle,
            path,
            idle,
            hidden,
            under_way: VecDeque::new(),
            ready: VecDeque::new(),
            summary: ListSummary::default(),
            ended: false,
            failed: false,
        }
    }

    /// Whether there were names that fit in no path.
    pub(super) fn saw_unparsed(&self) -> bool {
        self.summary.unparsed > 0
    }

    fn ask(&mut self) {
        while self.under_way.len() < AHEAD {
            let reply = self
                .handle
                .client()
                .request(&Request::ReadDir(self.handle.bytes()));
            self.under_way.push_back(reply);
        }
    }

    /// Waits for the next batch. Cancel safe: the reply stays until it has come.
    async fn advance(&mut self) -> Result<()> {
        let outcome = if self.failed {
            Err(status::failed_before())
        } else {
            self.next_batch().await
        };
        outcome.map_err(|error| {
            // What has not come in time may still come; anything else leaves a gap.
            self.failed |= error.kind() != &ErrorKind::TimedOut;
            error.with_operation(Operation::List).with_path(&self.path)
        })
    }

    async fn next_batch(&mut self) -> Result<()> {
        self.ask();
        let Some(front) = self.under_way.front_mut() else {
            return Ok(());
        };
        let response = front.wait(self.idle).await?;
        self.under_way.pop_front();
        match status::names(response)? {
            Some(names) => {
                for name in &names {
                    self.take(name);
                }
            }
            None => {
                self.ended = true;
                self.under_way.clear();
            }
        }
        Ok(())
    }

    fn take(&mut self, name: &Name) {
        let bytes = &name.name[..];
        let hidden = bytes.starts_with(b".") && !self.hidden;
        if matches!(bytes, b"." | b"..") || hidden {
            return;
        }
        // A name with a slash would lead out of the folder when it is used to write a local file.
        let path = RemotePath::new(bytes).ok();
        match path.filter(|path| !path.is_empty() && !bytes.contains(&b'/')) {
            Some(path) => {
                self.summary.entries += 1;
                self.ready
                    .push_back(entry(path, &name.attributes, &name.long));
            }
            None => self.summary.add_unparsed(bytes),
        }
    }
}

#[async_trait]
impl Listing for Entries {
    async fn next(&mut self) -> Result<Option<Entry>> {
        while self.ready.is_empty() && !self.ended {
            self.advance().await?;
        }
        Ok(self.ready.pop_front())
    }

    async fn finish(mut self: Box<Self>) -> Result<ListSummary> {
        while !self.ended {
            self.ready.clear();
            self.advance().await?;
        }
        // As with a file that was read, nothing hangs on the word on closing.
        Ok(self.summary)
    }
}

/// An entry of these attributes; `long`, a line as `ls -l` prints it, fills in the kind.
pub(super) fn entry(name: RemotePath, attributes: &Attributes, long: &[u8]) -> Entry {
    let mut entry = Entry::new(name, kind(attributes, long));
    entry.size = attributes.size;
    entry.modified = attributes
        .times
        .and_then(|(_, modified)| Timestamp::from_unix_seconds(modified.into()));
    entry.permissions = attributes.permissions.map(Permissions::from_mode);
    if let Some((user, group)) = attributes.owner {
        entry.owner = Some(user.to_string());
        entry.group = Some(group.to_string());
    }
    entry
}

pub(super) fn is_dir(attributes: &Attributes) -> bool {
    kind(attributes, b"") == EntryKind::Dir
}

pub(super) fn is_link(attributes: &Attributes) -> bool {
    kind(attributes, b"") == EntryKind::Symlink
}

/// Whether its size tells how much was written to it: it is a file, or the server does not say what it is.
pub(super) fn may_be_file(attributes: &Attributes) -> bool {
    matches!(type_bits(attributes), None | Some(0 | REGULAR))
}

/// The bits of the type, as in POSIX `<sys/stat.h>`.
fn type_bits(attributes: &Attributes) -> Option<u32> {
    attributes.permissions.map(|mode| mode & 0o170_000)
}

const REGULAR: u32 = 0o100_000;

fn kind(attributes: &Attributes, long: &[u8]) -> EntryKind {
    match type_bits(attributes) {
        Some(REGULAR) => EntryKind::File,
        Some(0o040_000) => EntryKind::Dir,
        Some(0o120_000) => EntryKind::Symlink,
        // Some servers give the permission bits alone.
        Some(0) | None => match long.first() {
            Some(b'-') => EntryKind::File,
            Some(b'd') => EntryKind::Dir,
            Some(b'l') => EntryKind::Symlink,
            _ => EntryKind::Other,
        },
        Some(_) => EntryKind::Other,
    }
}

/// Batches asked for ahead: one arrives while the one before is being looked at.
const AHEAD: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(permissions: Option<u32>, long: &str, expected: EntryKind) {
        let attributes = Attributes {
            permissions,
            ..Attributes::default()
        };
        assert_eq!(
            kind(&attributes, long.as_bytes()),
            expected,
            "{permissions:?} {long}"
        );
    }

    #[test]
    fn the_kind_comes_from_the_mode_or_else_from_the_line() {
        check(Some(0o100_644), "drwx", EntryKind::File);
        check(Some(0o040_755), "", EntryKind::Dir);
        check(Some(0o120_777), "", EntryKind::Symlink);
        check(Some(0o010_644), "-rw-", EntryKind::Other);
        check(Some(0o755), "drwxr-xr-x 2 a b", EntryKind::Dir);
        check(None, "lrwxrwxrwx", EntryKind::Symlink);
        check(None, "-rw-r--r--", EntryKind::File);
        check(None, "", EntryKind::Other);
    }
}

//! A backend that keeps its files in memory: the smallest complete one.
//!
//! Why: it is the example for authors of backends, it shows that the
//! [conformance suite](crate::conformance) can be passed, and it serves tests of code that works over any
//! session. All of it is written against the core's traits alone.
//!
//! Not here: a network, links, owners.
//!
//! ```
//! use ftp_connect_core::{ConnectParams, RemotePath, SessionExt as _, Transport as _};
//! use ftp_connect_testkit::memory::MemoryTransport;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ftp_connect_core::Result<()> {
//! let transport = MemoryTransport::new();
//! let params = ConnectParams::new("memory.example")?.with_username("ada");
//! let mut session = transport.connect(&params).await?;
//! let path = RemotePath::new("hello.txt")?;
//! session.write_all(&path, b"hello", Default::default()).await?;
//! session.close().await?;
//!
//! let mut session = transport.connect(&params).await?;
//! assert_eq!(session.read_to_vec(&path, 100).await?, b"hello");
//! # Ok(())
//! # }
//! ```

mod bodies;
mod tree;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use ftp_connect_core::{
    Capabilities, Checksum, ChecksumAlgorithm, ConnectParams, ConnectReport, CreateDirOptions,
    Disposition, Encryption, Entry, Error, ErrorKind, FreeSpace, ListOptions, Listing, Operation,
    Permissions, ReadBody, ReadOptions, RemotePath, RenameOptions, Result, Session, StatOptions,
    Timestamp, TransferType, Transport, WriteBody, WriteOptions,
};
use sha2::{Digest as _, Sha256};

use self::bodies::{MemoryListing, MemoryRead, MemoryWrite};
use self::tree::{Node, Tree};

/// One server's files, shared by all sessions that this transport (or a clone of it) opens.
#[derive(Clone, Debug, Default)]
pub struct MemoryTransport {
    files: Arc<Mutex<Tree>>,
}

impl MemoryTransport {
    /// A server with nothing but its root, which is also the login folder.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Transport for MemoryTransport {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn serves(&self, params: &ConnectParams) -> bool {
        // Nothing goes over a network, but who asks for TLS or SSH shall not be told that it is there.
        params.encryption() == Encryption::None
    }

    async fn connect(&self, params: &ConnectParams) -> Result<Box<dyn Session>> {
        let mut report = ConnectReport::new(
            self.name(),
            params.server().clone(),
            params.port(),
            params.encryption(),
        );
        report.username = params.username().unwrap_or("anonymous").to_owned();
        report.banner = "files in memory".to_owned();
        report.login_folder = Some(RemotePath::new("/")?);
        Ok(Box::new(MemorySession {
            files: Arc::clone(&self.files),
            report,
            folder: RemotePath::login_folder(),
        }))
    }
}

/// A session with a [`MemoryTransport`].
#[derive(Debug)]
struct MemorySession {
    files: Arc<Mutex<Tree>>,
    report: ConnectReport,
    /// Where relative paths begin.
    folder: RemotePath,
}

impl MemorySession {
    fn tree(&self) -> MutexGuard<'_, Tree> {
        lock(&self.files)
    }

    fn at(&self, path: &RemotePath) -> RemotePath {
        self.folder.join(path)
    }
}

#[async_trait]
impl Session for MemorySession {
    fn report(&self) -> &ConnectReport {
        &self.report
    }

    fn capabilities(&self) -> Capabilities {
        // `Capabilities` may grow: what is new is something this backend cannot do.
        let mut can = Capabilities::default();
        can.read_offset = true;
        can.append = true;
        can.rename = true;
        can.rename_replaces = true;
        can.remove_file = true;
        can.create_dir = true;
        can.remove_dir = true;
        can.set_modified = true;
        can.set_permissions = true;
        can.checksum = true;
        can.current_dir = true;
        can.set_current_dir = true;
        can.free_space = true;
        can.any_name_bytes = true;
        can
    }

    async fn stat(&mut self, path: &RemotePath, _options: StatOptions) -> Result<Entry> {
        let at = |kind| failure(kind, Operation::Stat, path);
        let tree = self.tree();
        let node = tree.node(&self.at(path)).map_err(at)?;
        Ok(node.entry(path.clone()))
    }

    async fn list<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ListOptions,
    ) -> Result<Box<dyn Listing + 's>> {
        let at = |kind| failure(kind, Operation::List, path);
        let mut entries = self.tree().children(&self.at(path)).map_err(at)?;
        entries.retain(|entry| options.hidden || !entry.name.as_bytes().starts_with(b"."));
        Ok(Box::new(MemoryListing::new(entries)))
    }

    async fn read<'s>(
        &'s mut self,
        path: &RemotePath,
        options: ReadOptions,
    ) -> Result<Box<dyn ReadBody + 's>> {
        let at = |kind| failure(kind, Operation::Read, path);
        binary_only(options.transfer_type).map_err(at)?;
        let content = self.tree().content(&self.at(path)).map_err(at)?.to_vec();
        Ok(Box::new(MemoryRead::new(content, options)))
    }

    async fn write<'s>(
        &'s mut self,
        path: &RemotePath,
        options: WriteOptions,
    ) -> Result<Box<dyn WriteBody + 's>> {
        let at = |kind| failure(kind, Operation::Write, path);
        binary_only(options.transfer_type).map_err(at)?;
        let mut tree = self.tree();
        let old = match tree.content(&self.at(path)) {
            Ok(content) => Some(content.to_vec()),
            Err(ErrorKind::NotFound) => None,
            Err(kind) => return Err(at(kind)),
        };
        let kept = match (options.disposition, old) {
            (Disposition::Replace | Disposition::CreateNew, None) => Vec::new(),
            (Disposition::CreateNew, Some(_)) => return Err(at(ErrorKind::AlreadyExists)),
            (Disposition::Replace, Some(_)) => Vec::new(),
            (Disposition::Append, old) => old.unwrap_or_default(),
            (Disposition::Resume(size), old) => {
                let old = old.unwrap_or_default();
                if old.len() as u64 != size {
                    let text = format!("the file has {} bytes, not {size}", old.len());
                    return Err(at(ErrorKind::Refused).with_message(text));
                }
                old
            }
            _ => return Err(at(ErrorKind::Unsupported)),
        };
        // Also proves that the folder is there.
        tree.put(&self.at(path), Node::file(kept.clone()))
            .map_err(at)?;
        drop(tree);
        Ok(Box::new(MemoryWrite::new(&self.files, self.at(path), kept)))
    }

    async fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }

    async fn rename(
        &mut self,
        from: &RemotePath,
        to: &RemotePath,
        options: RenameOptions,
    ) -> Result<()> {
        let outcome = self
            .tree()
            .rename(&self.at(from), &self.at(to), options.replace);
        outcome.map_err(|kind| failure(kind, Operation::Rename, from))
    }

    async fn remove_file(&mut self, path: &RemotePath) -> Result<()> {
        let outcome = self.tree().remove_file(&self.at(path));
        outcome.map_err(|kind| failure(kind, Operation::RemoveFile, path))
    }

    async fn create_dir(&mut self, path: &RemotePath, options: CreateDirOptions) -> Result<()> {
        let outcome = self.tree().create_dir(&self.at(path), options.permissions);
        outcome.map_err(|kind| failure(kind, Operation::CreateDir, path))
    }

    async fn remove_dir(&mut self, path: &RemotePath) -> Result<()> {
        let outcome = self.tree().remove_dir(&self.at(path));
        outcome.map_err(|kind| failure(kind, Operation::RemoveDir, path))
    }

    async fn set_modified(&mut self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let at = |kind| failure(kind, Operation::SetModified, path);
        if modified.unix_seconds().is_none() {
            return Err(at(ErrorKind::InvalidParameter).with_message("the time is not in UTC"));
        }
        let mut tree = self.tree();
        tree.node_mut(&self.at(path)).map_err(at)?.modified = modified;
        Ok(())
    }

    async fn set_permissions(&mut self, path: &RemotePath, permissions: Permissions) -> Result<()> {
        let at = |kind| failure(kind, Operation::SetPermissions, path);
        let mut tree = self.tree();
        tree.node_mut(&self.at(path)).map_err(at)?.permissions = permissions;
        Ok(())
    }

    async fn checksum(
        &mut self,
        path: &RemotePath,
        algorithm: ChecksumAlgorithm,
    ) -> Result<Checksum> {
        let at = |kind| failure(kind, Operation::Checksum, path);
        if algorithm != ChecksumAlgorithm::Sha256 {
            return Err(at(ErrorKind::Unsupported));
        }
        let digest = Sha256::digest(self.tree().content(&self.at(path)).map_err(at)?).to_vec();
        Ok(Checksum { algorithm, digest })
    }

    async fn current_dir(&mut self) -> Result<RemotePath> {
        RemotePath::new("/").map(|root| root.join(&self.folder))
    }

    async fn set_current_dir(&mut self, path: &RemotePath) -> Result<()> {
        let at = |kind| failure(kind, Operation::SetCurrentDir, path);
        let folder = self.at(path);
        self.tree().children(&folder).map_err(at)?;
        self.folder = folder;
        Ok(())
    }

    async fn free_space(&mut self, path: &RemotePath) -> Result<FreeSpace> {
        let at = |kind| failure(kind, Operation::FreeSpace, path);
        self.tree().children(&self.at(path)).map_err(at)?;
        Ok(FreeSpace::new(ROOM))
    }

    async fn keep_alive(&mut self) -> Result<()> {
        Ok(())
    }
}

fn binary_only(transfer_type: TransferType) -> std::result::Result<(), ErrorKind> {
    match transfer_type {
        TransferType::Binary => Ok(()),
        TransferType::Ascii => Err(ErrorKind::Unsupported),
    }
}

fn failure(kind: ErrorKind, operation: Operation, path: &RemotePath) -> Error {
    Error::new(kind).with_operation(operation).with_path(path)
}

/// A panic elsewhere while the lock was held left no half-made tree: each change is one step.
fn lock(files: &Mutex<Tree>) -> MutexGuard<'_, Tree> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What memory is said to hold: as much as a program may ask for in one piece.
const ROOM: u64 = isize::MAX as u64;

fn now() -> Timestamp {
    Timestamp::from_system_time(SystemTime::now())
}

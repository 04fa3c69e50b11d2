//! The named operations that go with the parameter set, and no more: what a program with a form of fields needs.
//!
//! | operation | here |
//! |---|---|
//! | connect | [`Actions::connect`] |
//! | set current directory | [`Actions::set_current_dir`] |
//! | get | [`Actions::get`], with Overwrite and Transfer Mode |
//! | put | [`Actions::put`], with Overwrite and Transfer Mode; a wildcard in the source is refused |
//! | file exists | [`Actions::file_exists`] |
//! | create directory | [`Actions::create_dir`] |
//! | delete file | [`Actions::delete_file`] |
//! | delete directory | [`Actions::delete_dir`] |
//! | rename | [`Actions::rename`] |
//! | list | [`Actions::list`] |
//! | disconnect | [`Actions::disconnect`] |
//!
//! Each is a line or two over [`Session`] and this crate's transfers, whose contracts hold. Not here: many files at
//! once, which is [`mirror`](crate::mirror), and retries, which are [`Pool`](crate::Pool)'s.

use std::path::Path;

use ftp_connect_core::{
    ConnectParams, ConnectReport, CreateDirOptions, Entry, Error, ErrorKind, Operation, Registry,
    RemotePath, RenameOptions, Result, Session, SessionExt as _, StatOptions, TransferType,
};

use crate::{Outcome, Overwrite, TransferOptions, download, upload};

/// A connection and what can be done with it.
///
/// ```
/// use ftp_connect_core::{ConnectParams, Registry, RemotePath};
/// use ftp_connect_testkit::memory::MemoryTransport;
/// use ftp_connect_transfer::actions::{Actions, TransferMode};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> ftp_connect_core::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let local = folder.path().join("report.txt");
/// # std::fs::write(&local, "content").expect("a file");
/// let registry = Registry::new().with(MemoryTransport::new());
/// let mut actions = Actions::connect(&registry, &ConnectParams::new("memory.example")?).await?;
/// actions.create_dir(&RemotePath::new("in")?).await?;
/// actions.set_current_dir(&RemotePath::new("in")?).await?;
/// actions.put(&local, &RemotePath::new("report.txt")?, false, TransferMode::Binary).await?;
/// assert!(actions.file_exists(&RemotePath::new("report.txt")?).await?);
/// actions.disconnect().await
/// # }
/// ```
#[derive(Debug)]
pub struct Actions {
    session: Box<dyn Session>,
}

/// How the bytes of a file are represented on the way, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TransferMode {
    /// 1: as lines of text.
    Ascii,
    /// 2: as they are.
    #[default]
    Binary,
}

impl TransferMode {
    /// The mode of that number.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for any but 1 and 2.
    pub fn from_number(number: i64) -> Result<Self> {
        match number {
            1 => Ok(Self::Ascii),
            2 => Ok(Self::Binary),
            _ => Err(Error::new(ErrorKind::InvalidParameter)
                .with_message(format!("{number} is no transfer mode"))
                .with_hint("give 1 for text or 2 for binary")),
        }
    }

    /// Its number.
    pub fn number(self) -> i64 {
        match self {
            Self::Ascii => 1,
            Self::Binary => 2,
        }
    }

    fn options(self, overwrite: bool) -> TransferOptions {
        let kind = match self {
            Self::Ascii => TransferType::Ascii,
            Self::Binary => TransferType::Binary,
        };
        let policy = if overwrite {
            Overwrite::Replace
        } else {
            Overwrite::Refuse
        };
        TransferOptions::default()
            .with_transfer_type(kind)
            .with_overwrite(policy)
    }
}

impl Actions {
    /// Connects.
    ///
    /// # Errors
    /// As [`Registry::connect`].
    pub async fn connect(registry: &Registry, params: &ConnectParams) -> Result<Self> {
        registry.connect(params).await.map(Self::new)
    }

    /// The operations on this session.
    pub fn new(session: Box<dyn Session>) -> Self {
        Self { session }
    }

    /// What was negotiated when connecting.
    pub fn report(&self) -> &ConnectReport {
        self.session.report()
    }

    /// Sets the folder where relative paths begin.
    ///
    /// # Errors
    /// As [`Session::set_current_dir`].
    pub async fn set_current_dir(&mut self, path: &RemotePath) -> Result<()> {
        self.session.set_current_dir(path).await
    }

    /// Downloads a file; into a folder, under its own name.
    ///
    /// # Errors
    /// As [`download`](crate::download()): [`ErrorKind::AlreadyExists`] without `overwrite` if there is one.
    pub async fn get(
        &mut self,
        from: &RemotePath,
        to: &Path,
        overwrite: bool,
        mode: TransferMode,
    ) -> Result<Outcome> {
        let name = from.file_name();
        let inside = name
            .as_ref()
            .and_then(RemotePath::as_str)
            .filter(|_| to.is_dir());
        let to = inside.map_or_else(|| to.to_owned(), |name| to.join(name));
        download(
            &mut *self.session,
            from,
            &to,
            &mode.options(overwrite),
            &mut |_| {},
        )
        .await
    }

    /// Uploads one file.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for a source with a wildcard; as [`upload`](crate::upload()):
    /// [`ErrorKind::AlreadyExists`] without `overwrite` if there is one.
    pub async fn put(
        &mut self,
        from: &Path,
        to: &RemotePath,
        overwrite: bool,
        mode: TransferMode,
    ) -> Result<Outcome> {
        if from
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .any(|byte| matches!(byte, b'*' | b'?'))
        {
            return Err(Error::new(ErrorKind::InvalidParameter)
                .with_operation(Operation::Write)
                .with_message(format!(
                    "{} has a wildcard, and one file is put at a time",
                    from.display()
                ))
                .with_hint("name the file; many files are put by a mirror with a filter"));
        }
        upload(
            &mut *self.session,
            from,
            to,
            &mode.options(overwrite),
            &mut |_| {},
        )
        .await
    }

    /// Whether there is a file of that name; a folder is none.
    ///
    /// # Errors
    /// Any but that there is nothing.
    pub async fn file_exists(&mut self, path: &RemotePath) -> Result<bool> {
        let follow = StatOptions::default().with_follow_links(true);
        match self.session.stat(path, follow).await {
            Ok(entry) => Ok(!entry.is_dir()),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Creates a folder in an existing one.
    ///
    /// # Errors
    /// As [`Session::create_dir`].
    pub async fn create_dir(&mut self, path: &RemotePath) -> Result<()> {
        self.session
            .create_dir(path, CreateDirOptions::default())
            .await
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// As [`Session::remove_file`].
    pub async fn delete_file(&mut self, path: &RemotePath) -> Result<()> {
        self.session.remove_file(path).await
    }

    /// Deletes an empty folder.
    ///
    /// # Errors
    /// As [`Session::remove_dir`].
    pub async fn delete_dir(&mut self, path: &RemotePath) -> Result<()> {
        self.session.remove_dir(path).await
    }

    /// Gives a file or folder a name that is free.
    ///
    /// # Errors
    /// As [`Session::rename`].
    pub async fn rename(&mut self, from: &RemotePath, to: &RemotePath) -> Result<()> {
        self.session
            .rename(from, to, RenameOptions::default())
            .await
    }

    /// What is in a folder; the empty path is the current one.
    ///
    /// # Errors
    /// As [`Session::list`] and its body.
    pub async fn list(&mut self, path: &RemotePath) -> Result<Vec<Entry>> {
        self.session.list_all(path).await
    }

    /// Takes leave of the server.
    ///
    /// # Errors
    /// As [`Session::close`].
    pub async fn disconnect(self) -> Result<()> {
        self.session.close().await
    }

    /// The session below, for everything else.
    pub fn session(&mut self) -> &mut dyn Session {
        &mut *self.session
    }
}

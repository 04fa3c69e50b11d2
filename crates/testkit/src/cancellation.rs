//! Dropping the future of every operation at every point where it waits.
//!
//! Why: the contract of [`Session`] allows it anywhere, and no amount of reading shows that a backend
//! keeps it. Each operation is begun, polled so many times, and dropped: after no poll, after one, after
//! two, until it is through. After each drop the session answers questions whose answers are all
//! different, or says that it is closed, and goes on saying so. An answer that was meant for the
//! dropped operation would be a wrong one.
//!
//! Nothing here depends on time: a future is polled when it is woken, and dropped at a count.

use std::pin::pin;
use std::task::Poll;

use ftp_connect_core::{
    ChecksumAlgorithm, Disposition, Error, ErrorKind, FileToWrite, Permissions, ReadOptions,
    RemotePath, RenameOptions, Result, Session, SessionExt as _, Timestamp, WriteOptions,
};

/// How often each operation was dropped in the middle.
#[derive(Clone, Debug, Default)]
pub struct Drops(Vec<(&'static str, usize)>);

impl Drops {
    /// The operations and the counts, in the order in which they were tried.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.0.iter().copied()
    }
}

/// Drops every operation at every point; `open` logs in anew at each call, always to the same files.
///
/// # Errors
/// What went wrong, in words: with which operation, after how many polls.
pub async fn cancellation(
    open: impl AsyncFn() -> Result<Box<dyn Session>>,
) -> Result<Drops, String> {
    let mut drops = Drops::default();
    let mut session = open().await.map_err(|error| error.to_string())?;
    let names = Names::prepared(&mut *session)
        .await
        .map_err(|error| error.to_string())?;
    for (name, operation) in OPERATIONS {
        let mut polls = 0;
        loop {
            let failed = |why: String| format!("{name} dropped after {polls} polls: {why}");
            let said = |error: Error| failed(error.to_string());
            restore(&mut *session, &names).await.map_err(said)?;
            let through = poll_and_drop(run(*operation, &mut *session, &names), polls).await;
            if !answers_rightly(&mut *session, &names)
                .await
                .map_err(failed)?
            {
                session = open().await.map_err(said)?;
            }
            // What was dropped may have gone to another folder.
            if *operation == Operation::SetCurrentDir {
                let back = session.set_current_dir(&names.base).await;
                back.or_else(unless_unsupported).map_err(said)?;
            }
            if through {
                break;
            }
            if polls == MOST {
                return Err(failed("it has no end".to_owned()));
            }
            polls += 1;
        }
        drops.0.push((*name, polls));
    }
    session.close().await.map_err(|error| error.to_string())?;
    Ok(drops)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Stat,
    StatMissing,
    List,
    Read,
    ReadPart,
    ReadFiles,
    Write,
    CreateNew,
    Append,
    WriteFiles,
    Rename,
    RenameFiles,
    RemoveFile,
    CreateDir,
    RemoveDir,
    SetModified,
    SetPermissions,
    CreateSymlink,
    CreateHardLink,
    CopyFile,
    RealPath,
    ExpandHome,
    Checksum,
    CurrentDir,
    SetCurrentDir,
    FreeSpace,
    KeepAlive,
    OpenAnother,
    Raw,
}

const OPERATIONS: &[(&str, Operation)] = &[
    ("stat", Operation::Stat),
    ("stat of what is missing", Operation::StatMissing),
    ("list", Operation::List),
    ("read", Operation::Read),
    ("read of a part", Operation::ReadPart),
    ("read_files", Operation::ReadFiles),
    ("write", Operation::Write),
    ("write of a new file", Operation::CreateNew),
    ("append", Operation::Append),
    ("write_files", Operation::WriteFiles),
    ("rename", Operation::Rename),
    ("rename_files", Operation::RenameFiles),
    ("remove_file", Operation::RemoveFile),
    ("create_dir", Operation::CreateDir),
    ("remove_dir", Operation::RemoveDir),
    ("set_modified", Operation::SetModified),
    ("set_permissions", Operation::SetPermissions),
    ("create_symlink", Operation::CreateSymlink),
    ("create_hard_link", Operation::CreateHardLink),
    ("copy_file", Operation::CopyFile),
    ("real_path", Operation::RealPath),
    ("expand_home", Operation::ExpandHome),
    ("checksum", Operation::Checksum),
    ("current_dir", Operation::CurrentDir),
    ("set_current_dir", Operation::SetCurrentDir),
    ("free_space", Operation::FreeSpace),
    ("keep_alive", Operation::KeepAlive),
    ("open_another", Operation::OpenAnother),
    ("raw", Operation::Raw),
];

/// The files that are asked about, none like another, and what the operations work on.
struct Names {
    base: RemotePath,
    one: RemotePath,
    other: RemotePath,
    work: RemotePath,
    renamed: RemotePath,
    missing: RemotePath,
    folder: RemotePath,
    new_folder: RemotePath,
}

impl Names {
    async fn prepared(session: &mut dyn Session) -> Result<Self> {
        let base = match session.current_dir().await {
            Ok(base) => base,
            Err(error) if error.kind() == &ErrorKind::Unsupported => RemotePath::login_folder(),
            Err(error) => return Err(error),
        };
        let at = |name: &str| Ok::<_, Error>(base.join(&RemotePath::new(name)?));
        let names = Self {
            one: at("cancel-one")?,
            other: at("cancel-other")?,
            work: at("cancel-work")?,
            renamed: at("cancel-renamed")?,
            missing: at("cancel-missing")?,
            folder: at("cancel-folder")?,
            new_folder: at("cancel-new-folder")?,
            base,
        };
        let options = WriteOptions::default();
        session.write_all(&names.one, b"1", options).await?;
        session.write_all(&names.other, OTHER, options).await?;
        session
            .create_dir_all(&names.folder, Default::default())
            .await?;
        Ok(names)
    }
}

/// Puts back what an operation may have changed.
async fn restore(session: &mut dyn Session, names: &Names) -> Result<()> {
    session
        .write_all(&names.work, b"work", WriteOptions::default())
        .await?;
    for gone in [&names.renamed, &names.missing] {
        match session.remove_file(gone).await {
            Err(error) if error.kind() != &ErrorKind::NotFound => unless_unsupported(error)?,
            _ => {}
        }
    }
    match session.remove_dir(&names.new_folder).await {
        Err(error) if error.kind() != &ErrorKind::NotFound => unless_unsupported(error),
        _ => Ok(()),
    }
}

fn unless_unsupported(error: Error) -> Result<()> {
    match error.kind() {
        ErrorKind::Unsupported => Ok(()),
        _ => Err(error),
    }
}

/// Does one thing. That it may be refused does not matter: it is for being dropped.
async fn run(operation: Operation, session: &mut dyn Session, names: &Names) -> Result<()> {
    let write = |disposition| WriteOptions::default().with_disposition(disposition);
    match operation {
        Operation::Stat => session
            .stat(&names.work, Default::default())
            .await
            .map(drop),
        Operation::StatMissing => session
            .stat(&names.missing, Default::default())
            .await
            .map(drop),
        Operation::List => session.list_all(&names.base).await.map(drop),
        Operation::Read => session.read_to_vec(&names.work, 100).await.map(drop),
        Operation::ReadPart => {
            let options = ReadOptions::default().with_offset(1).with_length(2);
            let mut body = session.read(&names.work, options).await?;
            while body.read(&mut [0; 100]).await? > 0 {}
            body.finish().await.map(drop)
        }
        Operation::ReadFiles => {
            let paths = vec![names.work.clone(), names.missing.clone(), names.one.clone()];
            let mut files = session.read_files(paths, 100);
            while files.next().await.is_some() {}
            Ok(())
        }
        Operation::Write => {
            let options = write(Disposition::Replace);
            session
                .write_all(&names.work, b"new", options)
                .await
                .map(drop)
        }
        Operation::CreateNew => {
            let options = write(Disposition::CreateNew);
            session
                .write_all(&names.missing, b"new", options)
                .await
                .map(drop)
        }
        Operation::Append => {
            let options = write(Disposition::Append);
            session
                .write_all(&names.work, b"more", options)
                .await
                .map(drop)
        }
        Operation::WriteFiles => {
            let paths = [&names.work, &names.renamed, &names.missing];
            let files = paths.map(|path| FileToWrite::new(path.clone(), b"new".to_vec()));
            let mut written = session.write_files(files.into());
            while written.next().await.is_some() {}
            Ok(())
        }
        Operation::Rename => {
            session
                .rename(&names.work, &names.renamed, Default::default())
                .await
        }
        Operation::RenameFiles => {
            let pairs = [
                (&names.work, &names.renamed),
                (&names.missing, &names.new_folder),
            ];
            let pairs = pairs.map(|(from, to)| (from.clone(), to.clone()));
            let replace = RenameOptions::default().with_replace(true);
            session.rename_files(&pairs, replace).await;
            Ok(())
        }
        Operation::RemoveFile => session.remove_file(&names.work).await,
        Operation::CreateDir => {
            session
                .create_dir(&names.new_folder, Default::default())
                .await
        }
        Operation::RemoveDir => session.remove_dir(&names.base.join(&names.missing)).await,
        Operation::SetModified => match Timestamp::from_unix_seconds(1_000_000_000) {
            Some(time) => session.set_modified(&names.work, time).await,
            None => Ok(()),
        },
        Operation::SetPermissions => {
            let permissions = Permissions::from_mode(0o600);
            session.set_permissions(&names.work, permissions).await
        }
        Operation::CreateSymlink => session.create_symlink(&names.missing, &names.work).await,
        Operation::CreateHardLink => session.create_hard_link(&names.missing, &names.work).await,
        Operation::CopyFile => {
            let options = Default::default();
            session
                .copy_file(&names.work, &names.missing, options)
                .await
        }
        Operation::RealPath => session.real_path(&names.work).await.map(drop),
        Operation::ExpandHome => {
            let home = RemotePath::new("~")?;
            session.expand_home(&home).await.map(drop)
        }
        Operation::Checksum => {
            let algorithm = ChecksumAlgorithm::Sha256;
            session.checksum(&names.work, algorithm).await.map(drop)
        }
        Operation::CurrentDir => session.current_dir().await.map(drop),
        Operation::SetCurrentDir => session.set_current_dir(&names.folder).await,
        Operation::FreeSpace => session.free_space(&names.base).await.map(drop),
        Operation::KeepAlive => session.keep_alive().await,
        Operation::OpenAnother => session.open_another().await.map(drop),
        Operation::Raw => session.raw(b"SYST").await.map(drop),
    }
}

/// Whether the session answers as it must; `false` if it says that it is closed.
async fn answers_rightly(session: &mut dyn Session, names: &Names) -> Result<bool, String> {
    for (path, size) in [(&names.one, 1), (&names.other, OTHER.len() as u64)] {
        let entry = match session.stat(path, Default::default()).await {
            Ok(entry) => entry,
            Err(error) => return closed(session, names, &error).await,
        };
        if entry.name != *path || entry.size.is_some_and(|told| told != size) {
            let told = entry.size;
            return Err(format!("stat of {path:?} with {size} bytes says {told:?}"));
        }
    }
    match session.read_to_vec(&names.other, 1000).await {
        Ok(content) if content == OTHER => {}
        Ok(content) => return Err(format!("{} other bytes were read", content.len())),
        Err(error) => return closed(session, names, &error).await,
    }
    match session.current_dir().await {
        Ok(folder) if folder == names.base || folder == names.folder => Ok(true),
        Ok(folder) => Err(format!("the current folder is said to be {folder:?}")),
        Err(error) if error.kind() == &ErrorKind::Unsupported => Ok(true),
        Err(error) => closed(session, names, &error).await,
    }
}

async fn closed(session: &mut dyn Session, names: &Names, error: &Error) -> Result<bool, String> {
    if error.kind() != &ErrorKind::Closed {
        return Err(format!("the next operation fails: {error}"));
    }
    match session.stat(&names.one, Default::default()).await {
        Err(again) if again.kind() == &ErrorKind::Closed => Ok(false),
        other => Err(format!("a closed session says {other:?}")),
    }
}

/// Polls a future at most so often and drops it; says whether it was through.
pub(crate) async fn poll_and_drop<T>(future: impl Future<Output = T>, polls: usize) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left > 0 => Poll::Pending,
            Poll::Pending => Poll::Ready(false),
        }
    })
    .await
}

/// An operation on a small file that waits more often than this will never end.
const MOST: usize = 300;

const OTHER: &[u8] = b"twenty-two other bytes";
